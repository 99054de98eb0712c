package data_test

import (
	"database/sql"
	"strings"
	"testing"

	"porchlight/data"
	"porchlight/data/datatest"
)

// rawDB opens the database behind the store's back.
func rawDB(t testing.TB, o data.Options) *sql.DB {
	t.Helper()
	driver, dsn := "sqlite3", o.Path
	if o.Postgres != "" {
		driver, dsn = "pgx", o.Postgres
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestAStoreOfBeforeTheFirstReleaseIsRefusedInASentence(t *testing.T) {
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		s, err := data.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := rawDB(t, o).Exec("DROP TABLE placements"); err != nil {
			t.Fatal(err)
		}
		if s, err := data.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "before the first release") {
			t.Errorf("%v %v", s, err)
		}
	})
}
