package data

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"porchlight/bridge"
)

// maxBatch bounds how many writers share one commit, so that the first of them
// does not wait for a crowd.
const maxBatch = 256

// A job is one writer that waits for its commit.
type job struct {
	ctx  context.Context
	fn   func(*Tx) error
	most time.Duration // how long its transaction may take
	err  error
	done chan struct{}
}

// Write runs fn in a transaction and returns when it is durable. Writers that
// come at the same time share one commit: each runs in its own savepoint, so that
// one which fails takes back only its own work. fn must not keep tx, start another
// transaction or wait for anything but the store.
func (s *Store) Write(ctx context.Context, fn func(*Tx) error) error {
	return s.write(&job{ctx: ctx, fn: fn, most: commitTime, done: make(chan struct{})})
}

// WriteLong is Write for what may take half an hour, such as an import. All other
// writers wait for it.
func (s *Store) WriteLong(ctx context.Context, fn func(*Tx) error) error {
	return s.write(&job{ctx: ctx, fn: fn, most: 30 * time.Minute, done: make(chan struct{})})
}

func (s *Store) write(j *job) error {
	select {
	case s.jobs <- j:
	case <-j.ctx.Done():
		return j.ctx.Err()
	case <-s.ended:
		return ErrClosed
	}
	select {
	case <-j.done:
		return j.err
	case <-s.ended:
	}
	select {
	case <-j.done: // by the committer's last turn
		return j.err
	default:
		return ErrClosed
	}
}

// commitLoop is the only writer of the store. It ends when ctx does, after the
// jobs that wait have been done.
func (s *Store) commitLoop(ctx context.Context) {
	batch := make([]*job, 0, maxBatch)
	for {
		batch = batch[:0]
		select {
		case j := <-s.jobs:
			batch = append(batch, j)
		case <-ctx.Done():
			select {
			case j := <-s.jobs:
				batch = append(batch, j)
			default:
				return
			}
		}
		for more := true; more && len(batch) < maxBatch; {
			select {
			case j := <-s.jobs:
				batch = append(batch, j)
			default:
				more = false
			}
		}
		commit, err := s.commit(batch)
		if err == nil {
			s.committed(commit)
		}
		for _, j := range batch {
			if err != nil && j.err == nil {
				j.err = err
			}
			close(j.done)
		}
	}
}

// commitTime bounds one transaction on PostgreSQL: a database server that has gone
// silent must not hold every writer for ever.
const commitTime = 2 * time.Minute

// writeContext is the context of one transaction. On SQLite it never ends: nothing
// there waits for a network, and a context that can end costs the driver a
// goroutine for each statement.
func (s *Store) writeContext(most time.Duration) (context.Context, context.CancelFunc) {
	if s.d.postgres {
		return context.WithTimeout(context.Background(), most)
	}
	return context.Background(), func() {}
}

// A writeTx is a transaction that writes: *sql.Tx, or plainTx on SQLite.
type writeTx interface {
	querier
	Commit() error
	Rollback() error
}

func (s *Store) begin(ctx context.Context) (writeTx, error) {
	if s.d.postgres {
		return s.w.BeginTx(ctx, nil)
	}
	return beginPlain(ctx, s.w)
}

// errNotEnded is what a claimer hears of a transaction that did not become durable.
var errNotEnded = errors.New("the transaction did not end well")

// commit runs a batch in one transaction. The error is of the whole batch; the
// error of one job is in the job.
func (s *Store) commit(batch []*job) (bridge.Commit, error) {
	// The caller's context may end in the middle of a batch that is not its own.
	most := commitTime
	for _, j := range batch {
		most = max(most, j.most)
	}
	ctx, cancel := s.writeContext(most)
	defer cancel()
	t, err := s.begin(ctx)
	if err != nil {
		return bridge.Commit{}, fmt.Errorf("begin write: %w", err)
	}
	all := &Tx{ctx: ctx, tx: t, d: s.d, s: s}
	defer t.Rollback() // after a commit this does nothing
	if err := all.row("UPDATE revision SET n = n + 1 WHERE id = 1 RETURNING n").Scan(&all.rev); err != nil {
		return bridge.Commit{}, fmt.Errorf("take revision: %w", err)
	}
	for _, j := range batch {
		if j.err = j.ctx.Err(); j.err != nil {
			continue
		}
		if err := s.runJob(all, j); err != nil {
			return bridge.Commit{}, err
		}
	}
	outcome := errNotEnded
	if all.queued {
		after, broken := s.claim(all)
		if broken != nil {
			return bridge.Commit{}, broken
		}
		defer func() { after(outcome) }() // also where something panics: then nothing is durable
	}
	commit := bridge.Commit{Rev: all.rev, Changed: all.changed, Joined: all.joined, Queued: all.queued, Arriving: all.arriving, Waiting: all.waiting, Writes: len(batch)}
	if s.d.postgres && (len(commit.Changed) > 0 || len(commit.Joined) > 0 || commit.Queued || commit.Arriving) {
		if err := all.notify(s.node, commit); err != nil {
			return bridge.Commit{}, err
		}
	}
	if err := t.Commit(); err != nil {
		return bridge.Commit{}, fmt.Errorf("commit: %w", err)
	}
	outcome = nil
	return commit, nil
}

// runJob runs one writer in its savepoint. Its error is of the whole transaction.
func (s *Store) runJob(all *Tx, j *job) error {
	if _, err := all.exec("SAVEPOINT writer"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	tx := &Tx{ctx: all.ctx, tx: all.tx, d: all.d, s: s, rev: all.rev}
	if j.err = run(tx, j.fn); j.err != nil {
		if _, err := all.exec("ROLLBACK TO SAVEPOINT writer"); err != nil {
			return fmt.Errorf("roll back one writer: %w", err)
		}
	}
	if _, err := all.exec("RELEASE SAVEPOINT writer"); err != nil {
		return fmt.Errorf("release savepoint: %w", err)
	}
	if j.err == nil {
		all.joined = append(all.joined, tx.joined...)
		for _, id := range tx.changed {
			all.touch(id)
		}
		all.queued = all.queued || tx.queued
		all.arriving, all.waiting = all.arriving || tx.arriving, all.waiting || tx.waiting
	}
	return nil
}

// Try runs fn so that what it did is taken back where it fails, and the transaction
// goes on. On PostgreSQL a statement that fails would otherwise end all of it.
func (tx *Tx) Try(fn func(*Tx) error) error {
	if _, err := tx.exec("SAVEPOINT attempt"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	failed := run(tx, fn)
	if failed != nil {
		if _, err := tx.exec("ROLLBACK TO SAVEPOINT attempt"); err != nil {
			return fmt.Errorf("roll back: %w", errors.Join(err, failed))
		}
	}
	if _, err := tx.exec("RELEASE SAVEPOINT attempt"); err != nil {
		return fmt.Errorf("release savepoint: %w", err)
	}
	return failed
}

// A Claimer takes, in a transaction after which a delivery may leave, what it wants
// to send. Once that is durable, or has failed, it is told by what it returned.
type Claimer func(*Tx) (after func(error), err error)

// ClaimAtCommit has c run at the end of each transaction that queued a delivery, so
// that no text waits for a second commit before it is sent. nil ends it.
func (s *Store) ClaimAtCommit(c Claimer) { s.claimer.Store(&c) }

// claim runs the claimer in a savepoint of its own. Where it fails, what is queued
// stays so, and the transaction is none the worse.
func (s *Store) claim(all *Tx) (after func(error), err error) {
	after = func(error) {}
	c := s.claimer.Load()
	if c == nil || *c == nil {
		return after, nil
	}
	j := &job{fn: func(tx *Tx) error {
		told, err := (*c)(tx)
		if err == nil {
			after = told
		}
		return err
	}}
	if err := s.runJob(all, j); err != nil {
		after(err)
		return nil, err
	}
	if j.err != nil {
		slog.Error("deliveries not claimed", "err", j.err)
	}
	return after, nil
}

// run turns a panic of one writer into its error, so that the others of the
// batch are not lost with it.
func run(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}
