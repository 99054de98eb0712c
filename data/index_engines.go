package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"porchlight/bridge"
)

// What the two engines do differently in the index: FTS4 on SQLite, tsvector with
// GIN on PostgreSQL.

// IndexFile is the name of SQLite's index, beside the store.
const IndexFile = "search.db"

// A volume of SQLite holds half a million messages: at ten million a rare word is
// looked up twenty times, at 60 µs, and the longest list of matches is walked in
// 5 ms. PostgreSQL sorts the matches of a volume, so there it is an eighth of that.
const (
	sqliteVolume   = 1 << 19
	postgresVolume = 1 << 16
)

func openIndex(ctx context.Context, s *Store, o Options) (err error) {
	ix := &index{d: s.d, volume: sqliteVolume, batch: 2_000, wake: make(chan struct{}, 1), patience: 5 * time.Second}
	s.index = ix
	if s.d.postgres {
		ix.volume = postgresVolume
		if ix.w, err = sql.Open("pgx", o.Postgres); err != nil {
			return fmt.Errorf("open the search index: %w", err)
		}
		ix.w.SetMaxOpenConns(1)
	}
	if o.IndexVolume > 0 {
		ix.volume = o.IndexVolume
	}
	if s.d.postgres {
		return s.prepare(ctx)
	}
	ix.path = filepath.Join(filepath.Dir(o.Path), IndexFile)
	if err := ix.openFile(); err != nil {
		return err
	}
	err = s.mendIndex(ctx)
	if err != nil {
		err = s.mendIndex(ctx) // where the first found out that it is damaged
	}
	if err != nil { // texts are taken in whatever becomes of the index; RunSearch tries again
		logIndexError(err, "soon")
	}
	return ctx.Err()
}

// pools are the connections to the index.
func (ix *index) pools() (w, r *sql.DB) {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return ix.w, ix.r
}

// heed passes an error on. One that says that SQLite's file is damaged is remembered
// for RunSearch, which makes it anew.
func (ix *index) heed(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) || e.Code != sqlite3.ErrCorrupt && e.Code != sqlite3.ErrNotADB {
		return err
	}
	ix.mu.Lock()
	ix.damaged = true
	ix.mu.Unlock()
	select {
	case ix.wake <- struct{}{}:
	default: // one signal waits already
	}
	return err
}

// mendIndex makes a damaged index anew, and gives one its tables that could not be
// opened at the start.
func (s *Store) mendIndex(ctx context.Context) error {
	ix := s.index
	ix.mu.RLock()
	ready, damaged := ix.ready, ix.damaged
	ix.mu.RUnlock()
	if damaged {
		slog.Warn("the search index is damaged and is made anew")
		if err := ix.anew(); err != nil {
			return err
		}
	} else if ready {
		return nil
	}
	return ix.heed(s.prepare(ctx))
}

// anew puts an empty file in the place of the index. Searches that are under way fail.
func (ix *index) anew() error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if err := errors.Join(ix.w.Close(), ix.r.Close()); err != nil {
		return err
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(ix.path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return errors.Join(fmt.Errorf("remove the damaged search index: %w", err), ix.openFile())
		}
	}
	ix.ready, ix.damaged = false, false
	return ix.openFile()
}

// openFile opens SQLite's index. synchronous=NORMAL: what a power cut takes from
// it is indexed again.
func (ix *index) openFile() (err error) {
	dsn := func(extra string) string {
		return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: ix.path}).EscapedPath(),
			RawQuery: "_journal_mode=WAL&_busy_timeout=5000&_synchronous=NORMAL" + extra}).String()
	}
	if ix.w, err = sql.Open("sqlite3", dsn("&_txlock=immediate&_cache_size=-32768")); err != nil {
		return fmt.Errorf("open the search index: %w", err)
	}
	ix.w.SetMaxOpenConns(1)
	if ix.r, err = sql.Open("sqlite3", dsn("&_query_only=on&_stmt_cache_size=128")); err != nil {
		return errors.Join(fmt.Errorf("open the search index: %w", err), ix.w.Close())
	}
	readers := max(2, runtime.NumCPU())
	ix.r.SetMaxOpenConns(readers)
	ix.r.SetMaxIdleConns(readers)
	return nil
}

func (ix *index) close() error {
	if ix == nil {
		return nil
	}
	var err error
	w, r := ix.pools()
	for _, db := range []*sql.DB{w, r} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

func (s *Store) prepare(ctx context.Context) error {
	w, _ := s.index.pools()
	t, err := w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("open the search index: %w", err)
	}
	defer t.Rollback()
	ix := &Tx{ctx: ctx, tx: t, d: s.d, s: s}
	if s.d.postgres {
		if _, err := ix.exec("SELECT pg_advisory_xact_lock(7241001)"); err != nil {
			return fmt.Errorf("open the search index: %w", err)
		}
	}
	if err := ix.prepareIndex(); err != nil {
		return fmt.Errorf("open the search index: %w", err)
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("open the search index: %w", err)
	}
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	s.index.ready = true
	return nil
}

// onIndex is a transaction's view of the index: on PostgreSQL itself.
func (tx *Tx) onIndex() *Tx {
	if tx.d.postgres {
		return tx
	}
	_, r := tx.s.index.pools()
	return &Tx{ctx: tx.ctx, tx: r, d: tx.d, s: tx.s, reads: true}
}

func (ix *Tx) makeVolume(n int64) error {
	name := volumeName(n)
	if !ix.d.postgres {
		// matchinfo=fts3 keeps no table of lengths, which only ranking needs. The
		// words are there already, in ASCII and beyond: simple splits at the spaces.
		if _, err := ix.exec("CREATE VIRTUAL TABLE " + name + " USING fts4 (words, order=desc, matchinfo=fts3, tokenize=simple)"); err != nil {
			return err
		}
		_, err := ix.exec("INSERT INTO " + name + " (" + name + ") VALUES ('automerge=4')")
		return err
	}
	for _, q := range []string{
		"CREATE TABLE " + name + " (message_id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
		// A short pending list: each search reads it whole.
		"CREATE INDEX " + name + "_words ON " + name + " USING GIN (words) WITH (gin_pending_list_limit = 256)",
	} {
		if _, err := ix.exec(q); err != nil {
			return err
		}
	}
	return nil
}

// closeVolume puts a volume in order that is full: on SQLite one segment instead of
// dozens, so that a word is looked up once; on PostgreSQL no pending list, which each
// search would read, and the planner knows which words are common.
func (ix *Tx) closeVolume(n int64) error {
	name := volumeName(n)
	if ix.d.postgres {
		if _, err := ix.exec("SELECT gin_clean_pending_list(CAST($1 AS REGCLASS))", name+"_words"); err != nil {
			return err
		}
		_, err := ix.exec("ANALYZE " + name)
		return err
	}
	_, err := ix.exec("INSERT INTO " + name + " (" + name + ") VALUES ('optimize')")
	return err
}

// putDocs writes rows of a volume; those up to known are there already and change.
func (ix *Tx) putDocs(n int64, docs []doc, known bridge.MessageID) error {
	name := volumeName(n)
	if ix.d.postgres { // one statement: one for each is a round trip for each
		ids, words := make([]int64, len(docs)), make([]string, len(docs))
		for i, d := range docs {
			ids[i], words[i] = int64(d.id), d.vector()
		}
		_, err := ix.exec("INSERT INTO "+name+` (message_id, words)
			SELECT u.id, CAST(u.words AS TSVECTOR) FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS TEXT[])) AS u (id, words)
			ON CONFLICT (message_id) DO UPDATE SET words = excluded.words`, ids, words)
		return err
	}
	for _, d := range docs {
		if d.id <= known {
			if _, err := ix.exec("DELETE FROM "+name+" WHERE docid = $1", d.id); err != nil {
				return err
			}
		}
		if _, err := ix.exec("INSERT INTO "+name+" (docid, words) VALUES ($1, $2)", d.id, strings.Join(d.row(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// vector is the row as tsvector's text: words with their places, marks without.
func (d doc) vector() string {
	var b strings.Builder
	for i, w := range d.words {
		fmt.Fprintf(&b, "%s:%d ", quoted(w), min(i+1, 16_383))
	}
	for _, m := range d.marks {
		b.WriteString(quoted(m) + " ")
	}
	return b.String()
}

// fts is what is wanted in FTS4's words. Everything is quoted.
func (w wanted) fts() string {
	var all []string
	for _, any := range w {
		var terms []string
		for _, t := range any {
			q := strings.Join(t.words, " ")
			if t.begins {
				q += "*"
			}
			terms = append(terms, `"`+q+`"`)
		}
		if q := strings.Join(terms, " OR "); len(terms) > 1 {
			all = append(all, "("+q+")")
		} else {
			all = append(all, q)
		}
	}
	return strings.Join(all, " AND ")
}

// tsquery is what is wanted in PostgreSQL's words.
func (w wanted) tsquery() string {
	var all []string
	for _, any := range w {
		var terms []string
		for _, t := range any {
			var words []string
			for i, q := range t.words {
				q = quoted(q)
				if t.begins && i == len(t.words)-1 {
					q += ":*"
				}
				words = append(words, q)
			}
			terms = append(terms, "("+strings.Join(words, " <-> ")+")")
		}
		all = append(all, "("+strings.Join(terms, " | ")+")")
	}
	return strings.Join(all, " & ")
}

// found are the ids of a volume that have what is wanted, newest first, before one.
func (ix *Tx) found(n int64, w wanted, before bridge.MessageID, limit int) ([]bridge.MessageID, error) {
	name := volumeName(n)
	if ix.d.postgres {
		// The sum keeps the planner from walking the whole volume by its key.
		return list(ix, scanID[bridge.MessageID], "SELECT message_id FROM "+name+" WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) AND message_id < $2 ORDER BY message_id + 0 DESC LIMIT "+strconv.Itoa(limit), w.tsquery(), before)
	}
	return list(ix, scanID[bridge.MessageID], "SELECT docid FROM "+name+" WHERE "+name+" MATCH $1 AND docid < $2 ORDER BY docid DESC LIMIT "+strconv.Itoa(limit), w.fts(), before)
}

// among are those of some ids of a volume that have what is wanted, newest first.
func (ix *Tx) among(n int64, w wanted, ids []bridge.MessageID) (out []bridge.MessageID, err error) {
	args := []any{""}
	for _, id := range ids {
		args = append(args, int64(id))
	}
	in := amongAfter(1, &args)
	if ix.d.postgres {
		args[0] = w.tsquery()
		return list(ix, scanID[bridge.MessageID], "SELECT message_id FROM "+volumeName(n)+" WHERE message_id IN "+in+" AND words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) ORDER BY message_id DESC", args...)
	}
	type row struct {
		id    bridge.MessageID
		words string
	}
	args[0] = w[0][0].words[0] // most rows do not have it, and are not given at all
	if len(w[0]) > 1 {
		args[0] = ""
	}
	rows, err := list(ix, func(s scanner) (r row, err error) { return r, s.Scan(&r.id, &r.words) },
		"SELECT docid, c0words FROM "+volumeName(n)+"_content WHERE docid IN "+in+" AND instr(c0words, $1) > 0 ORDER BY docid DESC", args...)
	for _, r := range rows {
		if w.in(strings.Fields(r.words)) {
			out = append(out, r.id)
		}
	}
	return out, err
}

// leafed are the ids that have what is wanted among the newest rows of a volume
// before one, and the oldest that was looked at; 0: there is none before it. It is
// PostgreSQL's way to a word that is common: to sort all its matches takes longer.
func (ix *Tx) leafed(n int64, w wanted, before bridge.MessageID) (out []bridge.MessageID, upto bridge.MessageID, err error) {
	type row struct {
		id  bridge.MessageID
		has bool
	}
	rows, err := list(ix, func(s scanner) (r row, err error) { return r, s.Scan(&r.id, &r.has) },
		"SELECT message_id, words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) FROM "+volumeName(n)+" WHERE message_id < $2 ORDER BY message_id DESC LIMIT "+strconv.Itoa(leaf), w.tsquery(), before)
	for _, r := range rows {
		if r.has {
			out = append(out, r.id)
		}
	}
	if len(rows) == leaf {
		upto = rows[leaf-1].id
	}
	return out, upto, err
}

// leaf is how many rows leafed looks at: 1 ms.
const leaf = 500

func logIndexError(err error, wait any) {
	slog.Error("messages are not indexed for searching", "err", err, "again_in", wait)
}
