// Package data stores the nouns of package bridge: SQL and nothing but. The same
// queries run on SQLite and on PostgreSQL.
//
// Every write takes the revision row first, so writes happen one after another
// on both engines and for every node, and revisions grow in the order of commits.
// That is what lets a page ask for "everything after revision N" and miss nothing.
package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/bridge"
)

// Options say where the store is. Postgres, a connection URL, wins over Path, an
// SQLite file.
type Options struct {
	Path     string
	Postgres string
	// OnCommit hears of every transaction after it is durable, also of those of
	// other nodes. It must not block.
	OnCommit func(bridge.Commit)
	// IndexVolume is how many message ids one volume of the search index has; 0 is
	// the engine's own. Another number makes the index anew.
	IndexVolume int64
}

// A Store keeps everything. It is safe for concurrent use.
type Store struct {
	d        *dialect
	w, r     *sql.DB
	jobs     chan *job
	onCommit func(bridge.Commit)
	claimer  atomic.Pointer[Claimer]
	node     string // tells this node's notifications from others'
	stop     context.CancelFunc
	done     sync.WaitGroup
	ended    chan struct{} // the committer has ended
	settings settingsCache
	index    *index
}

// ErrClosed is given to writers after Close.
var ErrClosed = errors.New("the store is closed")

// Open opens the store, brings its schema up to date and starts its committer.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{d: &dialect{postgres: o.Postgres != ""}, jobs: make(chan *job, 1024), onCommit: o.OnCommit, node: nodeName(), ended: make(chan struct{})}
	if s.onCommit == nil {
		s.onCommit = func(bridge.Commit) {}
	}
	var err error
	if s.d.postgres {
		s.w, s.r, err = openPostgres(o.Postgres)
	} else {
		s.w, s.r, err = openSQLite(o.Path)
	}
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.w, s.d, o.Path); err != nil {
		return nil, errors.Join(err, s.closePools())
	}
	if err := openIndex(ctx, s, o); err != nil {
		return nil, errors.Join(err, s.closePools())
	}
	run, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() {
		defer close(s.ended)
		s.commitLoop(run)
	})
	if s.d.postgres {
		s.done.Go(func() { s.listen(run, o.Postgres) })
	}
	return s, nil
}

// Close lets the writers that wait finish, and closes the store.
func (s *Store) Close() error {
	s.stop()
	s.done.Wait()
	return s.closePools()
}

func (s *Store) closePools() error { return errors.Join(s.r.Close(), s.w.Close(), s.index.close()) }

// committed tells of a transaction that is durable, here or on another node.
func (s *Store) committed(c bridge.Commit) {
	s.onCommit(c)
	if len(c.Changed) > 0 || c.Missed {
		s.index.writes.Add(int64(c.Writes))
		select {
		case s.index.wake <- struct{}{}:
		default: // one signal waits already
		}
	}
}

// Engine names the engine for logs: "sqlite" or "postgres".
func (s *Store) Engine() string {
	if s.d.postgres {
		return "postgres"
	}
	return "sqlite"
}

// A Tx is a transaction. Its methods are the queries, in the files of their nouns.
type Tx struct {
	ctx context.Context
	tx  querier
	d   *dialect
	s   *Store
	rev int64
	// reads: it writes nothing, so all that it sees is committed.
	reads bool

	changed []bridge.ConversationID
	joined  []bridge.ContactID
	touched map[bridge.ConversationID]bool
	queued  bool
	// arriving: files are to be fetched from a carrier
	arriving bool
	// waiting: the AI receptionist was given time to answer
	waiting bool
}

// A querier is what runs the queries of a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Rev is the revision of a write, or the newest revision that a read sees.
func (tx *Tx) Rev() int64 { return tx.rev }

// touch says that a conversation changed in this transaction.
func (tx *Tx) touch(id bridge.ConversationID) {
	if tx.touched[id] {
		return
	}
	if tx.touched == nil {
		tx.touched = map[bridge.ConversationID]bool{}
	}
	tx.touched[id] = true
	tx.changed = append(tx.changed, id)
}

// Read runs fn on one snapshot of the store.
func (s *Store) Read(ctx context.Context, fn func(*Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if s.d.postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	t, err := s.r.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin read: %w", err)
	}
	defer t.Rollback() // a read has nothing to keep
	tx := &Tx{ctx: ctx, tx: t, d: s.d, s: s, reads: true}
	if err := tx.row("SELECT n FROM revision").Scan(&tx.rev); err != nil {
		return fmt.Errorf("read revision: %w", err)
	}
	return fn(tx)
}

// Ready reports whether the store can be written, for health checks.
func (s *Store) Ready(ctx context.Context) error {
	return s.Write(ctx, func(*Tx) error { return nil })
}

func (tx *Tx) exec(q string, args ...any) (int64, error) {
	r, err := tx.tx.ExecContext(tx.ctx, tx.d.sql(q), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (tx *Tx) row(q string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(tx.ctx, tx.d.sql(q), args...)
}

// list runs a query and scans every row with the noun's one scan function.
func list[T any](tx *Tx, scan func(scanner) (T, error), q string, args ...any) ([]T, error) {
	rows, err := tx.tx.QueryContext(tx.ctx, tx.d.sql(q), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// one runs a query for a single row; no row is bridge.ErrNotFound.
func one[T any](tx *Tx, scan func(scanner) (T, error), q string, args ...any) (T, error) {
	v, err := scan(tx.row(q, args...))
	if errors.Is(err, sql.ErrNoRows) {
		err = bridge.ErrNotFound
	}
	return v, err
}

type scanner interface{ Scan(...any) error }

func scanID[T ~int64](s scanner) (id T, err error) { return id, s.Scan(&id) }

// among is the list of parameters for IN, one for each value. It repeats the last
// value up to a power of two, so that lists of all lengths need few different
// queries and the engines keep them prepared.
func among(values *[]any) string { return amongAfter(0, values) }

// amongAfter is among for all but the first values, which stand elsewhere in the
// query.
func amongAfter(first int, values *[]any) string {
	v := *values
	for n := len(v) - first; n&(n-1) != 0; n++ {
		v = append(v, v[len(v)-1])
	}
	*values = v
	var b strings.Builder
	for i := first; i < len(v); i++ {
		fmt.Fprintf(&b, ",$%d", i+1)
	}
	return "(" + b.String()[1:] + ")"
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// orNull makes an empty text NULL, for unique columns where many have none.
func orNull(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// orNone makes an id of nobody NULL.
func orNone[T ~int64](id T) sql.NullInt64 { return sql.NullInt64{Int64: int64(id), Valid: id != 0} }

// Context is the context that the transaction runs in.
func (tx *Tx) Context() context.Context { return tx.ctx }
