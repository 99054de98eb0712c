package data

import (
	"strings"
	"sync"
)

// A dialect is the whole difference between the two engines. Queries are written
// once, with $1 parameters.
type dialect struct {
	postgres bool
	texts    sync.Map // query as written → query for SQLite
}

// sql gives the query for the engine. mattn/go-sqlite3 binds $1 by the order of
// appearance and not by its number, silently wrong when they differ; ?1 is bound
// by number.
//
// SQLite (3.54 does) plans a query that joins or sorts anew at each call, if
// a column is compared to a parameter: 0 and 1 might deserve another plan, and the
// driver clears all parameters between calls. A plus before the parameter, which
// changes nothing else, keeps the plan: looking up a text's place took 48 µs, and
// takes 8.
//
// Texts are kept for ever, so what changes from call to call is a parameter. Ids
// in a list, which cannot be one, stand in queries that have no other.
func (d *dialect) sql(q string) string {
	if d.postgres || !strings.Contains(q, "$") {
		return q
	}
	if t, ok := d.texts.Load(q); ok {
		return t.(string)
	}
	t := strings.ReplaceAll(strings.ReplaceAll(q, "= $", "= +$"), "$", "?")
	d.texts.Store(q, t)
	return t
}

// ddl rewrites the few words of a migration that SQLite writes differently.
func (d *dialect) ddl(text string) string {
	if d.postgres {
		return text
	}
	return strings.NewReplacer(
		"BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT",
		"BYTEA", "BLOB",
		"DOUBLE PRECISION", "REAL",
	).Replace(text)
}

// Queries is how many different queries SQLite has been asked, for tests: each
// should be one that stays prepared.
func (s *Store) Queries() (n int) {
	s.d.texts.Range(func(any, any) bool { n++; return true })
	return n
}
