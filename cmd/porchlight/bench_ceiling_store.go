package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

const ceilingFile = "ceiling.db"

// ceilingSchema has the rows that one text and one answer must write, as wide as
// ours, and the indexes that data/migrations has on them: without those there would
// be no list, no "what changed since", no page of a conversation, no order of
// deliveries. It has no other tables, foreign keys or ids that are never used again.
const ceilingSchema = `
CREATE TABLE IF NOT EXISTS revision (id INTEGER PRIMARY KEY, n INTEGER NOT NULL);
INSERT OR IGNORE INTO revision (id, n) VALUES (1, 1);
CREATE TABLE IF NOT EXISTS contacts (id INTEGER PRIMARY KEY, phone TEXT NOT NULL UNIQUE, name TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS conversations (
  id INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL UNIQUE, phone TEXT NOT NULL, title TEXT NOT NULL,
  state TEXT NOT NULL, snoozed_until INTEGER NOT NULL DEFAULT 0, assignee_id INTEGER,
  urgent BOOLEAN NOT NULL DEFAULT FALSE, failed INTEGER NOT NULL DEFAULT 0,
  preview TEXT NOT NULL, preview_by TEXT NOT NULL, author_name TEXT NOT NULL, last_channel TEXT NOT NULL,
  last_at INTEGER NOT NULL, inbound INTEGER NOT NULL, last_in_at INTEGER NOT NULL, rev INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS conversations_active ON conversations (last_at, id) WHERE state IN ('open', 'waiting');
CREATE INDEX IF NOT EXISTS conversations_unassigned ON conversations (last_at, id) WHERE state IN ('open', 'waiting') AND assignee_id IS NULL;
CREATE INDEX IF NOT EXISTS conversations_mine ON conversations (assignee_id, last_at, id) WHERE state IN ('open', 'waiting') AND assignee_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS conversations_attention ON conversations (last_at, id) WHERE state <> 'closed' AND (failed > 0 OR (urgent AND assignee_id IS NULL));
CREATE INDEX IF NOT EXISTS conversations_state ON conversations (state, last_at, id) WHERE state IN ('waiting', 'snoozed', 'closed');
CREATE INDEX IF NOT EXISTS conversations_wake ON conversations (snoozed_until) WHERE state = 'snoozed';
CREATE INDEX IF NOT EXISTS conversations_rev ON conversations (rev);
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL, at INTEGER NOT NULL, direction TEXT NOT NULL, channel TEXT NOT NULL,
  author_kind TEXT NOT NULL, author_id INTEGER NOT NULL, author TEXT NOT NULL, body TEXT NOT NULL, client_id TEXT, rev INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS messages_conversation ON messages (conversation_id, id);
CREATE UNIQUE INDEX IF NOT EXISTS messages_client ON messages (conversation_id, client_id) WHERE client_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS inbound (carrier_id TEXT PRIMARY KEY, message_id INTEGER NOT NULL, raw TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL, conversation_id INTEGER NOT NULL, recipient TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL, carrier_id TEXT, token TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, next_at INTEGER NOT NULL, rev INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (next_at, id) WHERE state = 'queued';
CREATE INDEX IF NOT EXISTS deliveries_leased ON deliveries (next_at) WHERE state IN ('sending', 'unknown');
CREATE INDEX IF NOT EXISTS deliveries_silent ON deliveries (next_at) WHERE state = 'sent';
CREATE INDEX IF NOT EXISTS deliveries_order ON deliveries (conversation_id, recipient, id) WHERE state IN ('queued', 'sending', 'unknown');
CREATE INDEX IF NOT EXISTS deliveries_created ON deliveries (at, state);
CREATE INDEX IF NOT EXISTS deliveries_message ON deliveries (message_id);
CREATE INDEX IF NOT EXISTS deliveries_conversation ON deliveries (conversation_id, rev);
CREATE UNIQUE INDEX IF NOT EXISTS deliveries_carrier ON deliveries (carrier_id) WHERE carrier_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS attempts (delivery_id INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, ended_at INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (delivery_id, n));
`

// A ceilingStore is SQLite with one writer whose callers share commits. Statements
// are prepared once and run on the one connection; nothing is rolled back alone.
type ceilingStore struct {
	db       *sql.DB
	conn     *sql.Conn
	stmts    map[string]*sql.Stmt
	jobs     chan *ceilingJob
	done     sync.WaitGroup
	onCommit func(rev int64)
	rev      int64 // of the commit under way; the committer's own
	message  int64 // the newest message's id; there is no other writer
}

type ceilingJob struct {
	fn   func(*ceilingStore) error
	loud bool // streams hear of it
	err  error
	done chan struct{}
}

// openCeiling opens the store with the pragmas of data/sqlite.go.
func openCeiling(ctx context.Context, path string) (*ceilingStore, error) {
	v := url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_busy_timeout": {"5000"}, "_cache_size": {"-65536"},
	}
	db, err := sql.Open("sqlite3", "file:"+path+"?"+v.Encode())
	if err != nil {
		return nil, err
	}
	s := &ceilingStore{db: db, stmts: map[string]*sql.Stmt{}, jobs: make(chan *ceilingJob, 1024), onCommit: func(int64) {}}
	if s.conn, err = db.Conn(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if _, err := s.conn.ExecContext(ctx, "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;"+ceilingSchema); err != nil {
		return nil, errors.Join(fmt.Errorf("make the ceiling's tables: %w", err), db.Close())
	}
	if err := s.get("SELECT COALESCE(MAX(id), 0) FROM messages").Scan(&s.message); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.done.Go(s.commitLoop)
	return s, nil
}

func (s *ceilingStore) close() error {
	close(s.jobs)
	s.done.Wait()
	return errors.Join(s.conn.Close(), s.db.Close())
}

// write runs fn in a transaction that it shares, and returns when it is durable.
func (s *ceilingStore) write(loud bool, fn func(*ceilingStore) error) error {
	j := &ceilingJob{fn: fn, loud: loud, done: make(chan struct{})}
	s.jobs <- j
	<-j.done
	return j.err
}

func (s *ceilingStore) commitLoop() {
	batch := make([]*ceilingJob, 0, 256)
	for first := range s.jobs {
		batch = append(batch[:0], first)
	more:
		for len(batch) < cap(batch) {
			select {
			case j, ok := <-s.jobs:
				if !ok {
					break more
				}
				batch = append(batch, j)
			default:
				break more
			}
		}
		loud, err := s.commit(batch)
		if err == nil && loud {
			s.onCommit(s.rev)
		}
		for _, j := range batch {
			j.err = err
			close(j.done)
		}
	}
}

func (s *ceilingStore) commit(batch []*ceilingJob) (loud bool, err error) {
	if _, err := s.run("BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	if err = s.get("UPDATE revision SET n = n + 1 WHERE id = 1 RETURNING n").Scan(&s.rev); err == nil {
		for _, j := range batch {
			loud = loud || j.loud
			if err = j.fn(s); err != nil {
				break
			}
		}
	}
	if err != nil {
		_, undo := s.run("ROLLBACK")
		return false, errors.Join(err, undo)
	}
	_, err = s.run("COMMIT")
	return loud, err
}

// stmt gives a prepared statement; only the committer asks.
func (s *ceilingStore) stmt(q string) *sql.Stmt {
	st, ok := s.stmts[q]
	if !ok {
		var err error
		if st, err = s.conn.PrepareContext(context.Background(), q); err != nil {
			panic(fmt.Sprintf("prepare %s: %v", q, err)) // the text is a constant of this program
		}
		s.stmts[q] = st
	}
	return st
}

func (s *ceilingStore) run(q string, args ...any) (int64, error) {
	r, err := s.stmt(q).Exec(args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (s *ceilingStore) get(q string, args ...any) *sql.Row { return s.stmt(q).QueryRow(args...) }
