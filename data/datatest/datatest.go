// Package datatest gives tests a real, empty store on each engine.
package datatest

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"porchlight/bridge"
	"porchlight/data"
)

// PostgresEnv names the environment variable with the URL of a PostgreSQL server
// where databases may be made. Without it the PostgreSQL half of a test is
// skipped, and says so; .ci/run always sets it.
const PostgresEnv = "PORCHLIGHT_TEST_POSTGRES"

// Each runs a test on SQLite and on PostgreSQL.
func Each(t *testing.T, test func(*testing.T, *data.Store)) {
	t.Helper()
	EachOptions(t, func(t *testing.T, o data.Options) {
		test(t, open(t, o))
	})
}

// EachOptions is Each for a test that opens the store itself, or more than once.
func EachOptions(t *testing.T, test func(*testing.T, data.Options)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(t, data.Options{Path: filepath.Join(t.TempDir(), "porchlight.db")})
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, data.Options{Postgres: Postgres(t)})
	})
}

// SQLite opens a new store in a file that goes away with the test.
func SQLite(t testing.TB, onCommit func(bridge.Commit)) *data.Store {
	t.Helper()
	return open(t, data.Options{Path: filepath.Join(t.TempDir(), "porchlight.db"), OnCommit: onCommit})
}

func open(t testing.TB, o data.Options) *data.Store {
	t.Helper()
	s, err := data.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Postgres makes a database for the test and gives its URL.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(PostgresEnv)
	if server == "" {
		t.Skip("set " + PostgresEnv + " to a PostgreSQL URL to run this half")
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "porchlight_test_" + strings.ToLower(rand.Text())
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		db.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}
