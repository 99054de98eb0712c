package data_test

import (
	"database/sql"
	"testing"

	"porchlight/data"
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
