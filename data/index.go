package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"porchlight/bridge"
)

// The index of all messages, for searching. It is a projection of the store: it can
// be thrown away, and is made anew when it is missing, of another version, or of
// another store.
//
// It comes in volumes, each of so many message ids in a row. A search goes from the
// newest volume to the oldest and ends when it has a page, so that what a search
// costs does not grow with the store: no list of matches is longer than a volume,
// and a date leaves out all volumes but a few.
//
// A message is one row: its words, and marks for what people filter by. A mark
// begins with §, which no word does. So a filter is a word like any other, and no
// search looks at a message only to leave it out.
const (
	indexVersion = 1
	markSenders  = "§f" // a word of the sender's name as it was then
	markContact  = "§c" // sent by the contact
	markStaff    = "§s" // sent by the member of staff
	markTalk     = "§v" // in the conversation
	markRecord   = "§r" // about the record: the conversation's, or as it was placed
	markPlaced   = "§p" // placed on a record
	markKind     = "§k" // of the conversation
	markChannel  = "§h"
	markPhoto    = "§photo"
	markMonth    = "§m" // written in 202603, by UTC
	markDay      = "§d" // written on 20260301
)

// An index is where the rows are. On SQLite it is a file of its own, with its own
// writer, so that the merges of full text never hold up a webhook; on PostgreSQL it
// is tables that the indexer makes.
type index struct {
	d      *dialect
	path   string // of SQLite's file
	volume int64  // ids in one
	batch  int    // messages indexed in one transaction
	wake   chan struct{}
	writes atomic.Int64 // how many writers have committed since the start
	// patience is how long a search may take.
	patience time.Duration

	mu      sync.RWMutex // of what follows: a damaged index is made anew while searches go on
	w, r    *sql.DB      // r is nil on PostgreSQL: there a search reads in its transaction
	ready   bool         // it has its tables
	damaged bool
}

// A doc is a message as it is indexed.
type doc struct {
	id    bridge.MessageID
	at    int64
	event bool // it is not indexed
	words []string
	marks []string
}

func (d doc) row() []string { return append(d.words[:len(d.words):len(d.words)], d.marks...) }

func markOf[T ~int64](mark string, id T) string { return mark + strconv.FormatInt(int64(id), 10) }

func mark(m string) term { return term{words: []string{m}} }

const docColumns = `m.id, m.conversation_id, m.at, m.direction, m.channel, m.author_kind, m.author_id, m.author_name, m.body, c.kind, COALESCE(c.record_id, 0), COALESCE(p.record_id, 0),
	m.files > 0 AND EXISTS (SELECT 1 FROM attachments a WHERE a.message_id = m.id AND (a.type IN ('jpg', 'jpeg', 'png', 'gif', 'webp', 'heic') OR a.content_type LIKE 'image/%'))`

const docFrom = `messages m JOIN conversations c ON c.id = m.conversation_id LEFT JOIN placements p ON p.message_id = m.id AND p.newest`

func scanDoc(s scanner) (d doc, err error) {
	var m bridge.Message
	var kind bridge.Kind
	var record, placed bridge.RecordID
	var photo bool
	if err = s.Scan(&m.ID, &m.Conversation, &d.at, &m.Direction, &m.Channel, &m.Author.Kind, &m.Author.ID, &m.Author.Name, &m.Body, &kind, &record, &placed, &photo); err != nil {
		return d, err
	}
	if d.id, d.event = m.ID, m.Direction == bridge.Event; d.event {
		return d, nil
	}
	d.words = wordsOf(m.Body)
	day := moment(d.at).UTC().Format("20060102")
	d.marks = []string{markOf(markTalk, m.Conversation), markKind + string(kind), markChannel + string(m.Channel), markMonth + day[:6], markDay + day}
	switch m.Author.Kind {
	case bridge.ByStaff:
		d.marks = append(d.marks, markOf(markStaff, m.Author.ID))
	case bridge.ByContact:
		d.marks = append(d.marks, markOf(markContact, m.Author.ID))
	case bridge.ByAI, bridge.BySystem:
	}
	for _, w := range wordsOf(m.Author.Name) {
		d.marks = append(d.marks, markSenders+w)
	}
	if record != 0 {
		d.marks = append(d.marks, markOf(markRecord, record))
	}
	if placed != 0 {
		d.marks = append(d.marks, markOf(markRecord, placed), markPlaced)
	}
	if photo {
		d.marks = append(d.marks, markPhoto)
	}
	return d, nil
}

// Reindex says that what a message is found by has changed after it was written. A
// message of this very commit is indexed anyway.
func (tx *Tx) Reindex(id bridge.MessageID) error {
	_, err := tx.exec("INSERT INTO search_queue (message_id) SELECT id FROM messages WHERE id = $1 AND rev <> $2", id, tx.rev)
	return err
}

// A place is how far the index has come.
type place struct {
	message bridge.MessageID // the last that is indexed
	at      int64            // and when it was written, by which another store is known
	queue   int64            // the last of the search queue that was heeded
}

// indexPause is how long the index waits for more after a commit. One commit of its
// own for each message would share the disk with the answer to that message's webhook.
const indexPause = 200 * time.Millisecond

// indexLag is how long the index keeps out of the way of a flood, flood how many writers
// in indexPause are one: 500 a second. A text that comes in then is answered sooner, for
// words cost a third of the time that storing it does; it is found a little later.
const (
	indexLag = 5 * time.Second
	flood    = 100
)

// quiet waits for more to index, and for the end of a flood; false: the store closes.
func (x *index) quiet(ctx context.Context) bool {
	for began := time.Now(); ; {
		before := x.writes.Load()
		select { // what comes meanwhile is indexed with it
		case <-time.After(indexPause):
		case <-ctx.Done():
			return false
		}
		if x.writes.Load()-before < flood || time.Since(began) >= indexLag {
			return true
		}
	}
}

// RunSearch keeps the index up to date until ctx ends: it catches up, and then
// after each commit that changed a conversation. No webhook waits for it. Of several
// nodes one at a time indexes, and each looks after each commit.
func (s *Store) RunSearch(ctx context.Context) error {
	wait := time.Second
	for {
		err := s.mendIndex(ctx)
		if err == nil {
			err = s.index.heed(s.CatchUpSearch(ctx))
		}
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			wait = time.Second
			select {
			case <-s.index.wake:
			case <-ctx.Done():
				return nil
			}
			if !s.index.quiet(ctx) {
				return nil
			}
			continue
		}
		logIndexError(err, wait)
		select {
		case <-time.After(wait):
			wait = min(2*wait, time.Minute)
		case <-ctx.Done():
			return nil
		}
	}
}

// CatchUpSearch indexes all that is committed and not indexed yet, in batches, each
// a transaction of the index.
func (s *Store) CatchUpSearch(ctx context.Context) error {
	for {
		more, queued, err := s.indexBatch(ctx)
		if err == nil && queued > 0 && !s.d.postgres {
			err = s.Write(ctx, func(tx *Tx) error { return tx.endQueue(queued) })
		}
		if err != nil || !more {
			return err
		}
	}
}

func (tx *Tx) endQueue(upto int64) error {
	_, err := tx.exec("DELETE FROM search_queue WHERE id <= $1", upto)
	return err
}

// indexBatch indexes the next messages. more: there may be others; queued: up to
// where the queue has been heeded.
func (s *Store) indexBatch(ctx context.Context) (more bool, queued int64, err error) {
	w, _ := s.index.pools()
	t, err := w.BeginTx(ctx, nil)
	if err != nil {
		return false, 0, fmt.Errorf("begin to index: %w", err)
	}
	defer t.Rollback()
	ix := &Tx{ctx: ctx, tx: t, d: s.d, s: s}
	if s.d.postgres {
		var mine bool
		if err := ix.row("SELECT pg_try_advisory_xact_lock(7241001)").Scan(&mine); err != nil || !mine {
			return false, 0, err // another node is at it, and hears of each commit too
		}
	}
	was, err := ix.indexed()
	if err != nil {
		return false, 0, err
	}
	var docs []doc
	now := was
	if err := s.Read(ctx, func(tx *Tx) error {
		if was, err = tx.sameStore(ix, was); err != nil {
			return err
		}
		now, docs, more, err = tx.unindexed(was, s.index.batch)
		return err
	}); err != nil || now == was {
		return false, 0, err
	}
	if err := ix.index(docs, was.message); err != nil {
		return false, 0, err
	}
	if err := ix.setIndexed(now); err != nil {
		return false, 0, err
	}
	if now.queue != was.queue {
		queued = now.queue
		if s.d.postgres {
			if err := ix.endQueue(queued); err != nil {
				return false, 0, err
			}
		}
	}
	return more, queued, t.Commit()
}

// sameStore begins anew where the index is of another store, such as one of before
// a backup was restored.
func (tx *Tx) sameStore(ix *Tx, was place) (place, error) {
	if was.message == 0 {
		err := tx.row("SELECT COALESCE(MAX(id), 0) FROM search_queue").Scan(&was.queue)
		return was, err // what waits is indexed with all others
	}
	var at int64
	err := tx.row("SELECT at FROM messages WHERE id = $1", was.message).Scan(&at)
	if err == nil && at == was.at {
		return was, nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return was, err
	}
	if err := ix.emptyIndex(); err != nil {
		return was, err
	}
	return tx.sameStore(ix, place{})
}

// unindexed gives what is to be indexed next.
func (tx *Tx) unindexed(was place, most int) (now place, docs []doc, more bool, err error) {
	now = was
	docs, err = list(tx, scanDoc, "SELECT "+docColumns+" FROM "+docFrom+" WHERE m.id > $1 ORDER BY m.id LIMIT "+strconv.Itoa(most), was.message)
	if err != nil {
		return now, nil, false, fmt.Errorf("read messages to index: %w", err)
	}
	if len(docs) > 0 {
		last := docs[len(docs)-1]
		now.message, now.at = last.id, last.at
	}
	more = len(docs) == most
	type waits struct{ id, message int64 }
	queue, err := list(tx, func(s scanner) (w waits, err error) { return w, s.Scan(&w.id, &w.message) },
		"SELECT id, message_id FROM search_queue WHERE id > $1 ORDER BY id LIMIT 512", was.queue)
	if err != nil || len(queue) == 0 {
		return now, docs, more, err
	}
	now.queue, more = queue[len(queue)-1].id, more || len(queue) == 512
	var again []any
	for _, w := range queue {
		if bridge.MessageID(w.message) <= was.message {
			again = append(again, w.message)
		}
	}
	if len(again) == 0 {
		return now, docs, more, nil
	}
	changed, err := list(tx, scanDoc, "SELECT "+docColumns+" FROM "+docFrom+" WHERE m.id IN "+among(&again), again...)
	return now, append(docs, changed...), more, err
}

// index writes rows; those up to known are there already and change.
func (ix *Tx) index(docs []doc, known bridge.MessageID) error {
	volumes, rows := map[int64]*span{}, map[int64][]doc{}
	for _, d := range docs {
		if d.event {
			continue
		}
		n := int64(d.id) / ix.s.index.volume
		if volumes[n] == nil {
			v, err := ix.openVolume(n)
			if err != nil {
				return err
			}
			volumes[n] = v
		}
		volumes[n].take(d.at)
		rows[n] = append(rows[n], d)
	}
	for n, v := range volumes {
		if err := ix.putDocs(n, rows[n], known); err != nil {
			return fmt.Errorf("index %d messages from %d on: %w", len(rows[n]), rows[n][0].id, err)
		}
		if _, err := ix.exec("UPDATE search_volumes SET first_at = $2, last_at = $3 WHERE n = $1", n, v.first, v.last); err != nil {
			return err
		}
	}
	return nil
}

// A span is from when to when messages of a volume were written.
type span struct{ n, first, last int64 }

func (s *span) take(at int64) {
	if s.first == 0 || at < s.first {
		s.first = at
	}
	s.last = max(s.last, at)
}

func (ix *Tx) volumes() ([]span, error) {
	return list(ix, func(s scanner) (v span, err error) { return v, s.Scan(&v.n, &v.first, &v.last) },
		"SELECT n, first_at, last_at FROM search_volumes ORDER BY n DESC")
}

// openVolume finds a volume or makes it; the one before is full then, and put in
// order.
func (ix *Tx) openVolume(n int64) (*span, error) {
	all, err := ix.volumes()
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if v.n == n {
			return &v, nil
		}
	}
	if len(all) > 0 && all[0].n < n {
		if err := ix.closeVolume(all[0].n); err != nil {
			return nil, err
		}
	}
	if err := ix.makeVolume(n); err != nil {
		return nil, fmt.Errorf("make volume %d of the index: %w", n, err)
	}
	_, err = ix.exec("INSERT INTO search_volumes (n, first_at, last_at) VALUES ($1, 0, 0)", n)
	return &span{n: n}, err
}

func (ix *Tx) indexed() (p place, err error) {
	return p, ix.row("SELECT message, at, queue FROM search_state").Scan(&p.message, &p.at, &p.queue)
}

func (ix *Tx) setIndexed(p place) error {
	_, err := ix.exec("UPDATE search_state SET message = $1, at = $2, queue = $3", p.message, p.at, p.queue)
	return err
}

// prepareIndex makes the index's own tables, and empties an index of another version.
func (ix *Tx) prepareIndex() error {
	for _, q := range []string{
		"CREATE TABLE IF NOT EXISTS search_state (version BIGINT NOT NULL, message BIGINT NOT NULL, at BIGINT NOT NULL, queue BIGINT NOT NULL)",
		"CREATE TABLE IF NOT EXISTS search_volumes (n BIGINT PRIMARY KEY, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL)",
	} {
		if _, err := ix.exec(q); err != nil {
			return err
		}
	}
	shape := indexVersion<<32 + ix.s.index.volume
	var version int64
	err := ix.row("SELECT version FROM search_state").Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = ix.exec("INSERT INTO search_state (version, message, at, queue) VALUES ($1, 0, 0, 0)", shape)
		return err
	}
	if err != nil || version == shape {
		return err
	}
	if err := ix.emptyIndex(); err != nil {
		return err
	}
	_, err = ix.exec("UPDATE search_state SET version = $1", shape)
	return err
}

func (ix *Tx) emptyIndex() error {
	all, err := ix.volumes()
	if err != nil {
		return err
	}
	for _, v := range all {
		if _, err := ix.exec("DROP TABLE " + volumeName(v.n)); err != nil {
			return err
		}
	}
	if _, err := ix.exec("DELETE FROM search_volumes"); err != nil {
		return err
	}
	return ix.setIndexed(place{})
}

func volumeName(n int64) string { return "search_volume_" + strconv.FormatInt(n, 10) }

// Indexed says up to which message the index has come, and the newest message that
// there is.
func (tx *Tx) Indexed() (upto, newest bridge.MessageID, err error) {
	p, err := tx.onIndex().indexed()
	if err != nil {
		return 0, 0, fmt.Errorf("read how far the index is: %w", err)
	}
	return p.message, newest, tx.row("SELECT COALESCE(MAX(id), 0) FROM messages").Scan(&newest)
}

// days are the months and days of a span of time, as marks. Many are none: the
// messages themselves are looked at then.
func days(from, to int64) (out []term) {
	at, end := moment(from).UTC().Truncate(24*time.Hour), moment(to).UTC()
	for !at.After(end) && len(out) <= maxDays {
		month := time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		if at.Day() == 1 && !month.After(end) {
			out, at = append(out, mark(markMonth+at.Format("200601"))), month
			continue
		}
		out, at = append(out, mark(markDay+at.Format("20060102"))), at.AddDate(0, 0, 1)
	}
	if len(out) > maxDays {
		return nil
	}
	return out
}

// maxDays: sixty years of months and two broken ones.
const maxDays = 780

// quoted is a row or a word for the text of tsvector and tsquery: words have only
// letters and digits, and marks a § besides.
func quoted(w string) string { return "'" + strings.ReplaceAll(w, "'", "''") + "'" }
