// Package routine is what happens by the clock: snoozed conversations wake, ended
// sessions are forgotten, and messages that the carrier could not deliver to us
// are fetched from its list.
package routine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"

	"porchlight/bridge"
	"porchlight/data"
)

// Options are what the routine jobs need.
type Options struct {
	Store *data.Store
	Now   func() time.Time
	// List reads the carrier's list of what was sent to a number since a time, a
	// page at a time. nil where the carrier has no list.
	List func(ctx context.Context, to string, since time.Time, page func([]bridge.Inbound) error) error
	// Receive is the door in. It reports whether the message was new.
	Receive func(context.Context, bridge.Inbound) (fresh bool, err error)
	// HandOver gives people what the AI receptionist has not answered in time, and says
	// when it wants to be asked again; nil where there is none. Waiting tells that there
	// may be an earlier time.
	HandOver func(context.Context) (next time.Time, err error)
	Waiting  <-chan struct{}
	// Blobs is where the bytes of files are; nil where there are none.
	Blobs bridge.Blobs
}

// Routine runs the jobs. Run it once.
type Routine struct{ Options }

// New makes the jobs.
func New(o Options) *Routine { return &Routine{o} }

// Run works until ctx ends. Each job may run on several nodes at once: all of
// them are idempotent.
func (r *Routine) Run(ctx context.Context) error {
	// Recover must be the last of the chain: before SkipIfStillRunning, a panic
	// would leave the job marked as running for ever (robfig/cron issue 366).
	c := cron.New(cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger), cron.Recover(cron.DefaultLogger)))
	job := func(spec, name string, fn func(context.Context) error) error {
		_, err := c.AddFunc(spec, func() {
			if err := fn(ctx); err != nil && ctx.Err() == nil {
				slog.Error("routine job failed", "job", name, "err", err)
			}
		})
		return err
	}
	for _, j := range []struct {
		spec, name string
		fn         func(context.Context) error
	}{
		{"* * * * *", "wake", r.Wake},
		{"17 * * * *", "sessions", r.EndSessions},
		{"43 * * * *", "uploads", r.SweepUploads},
		{"*/10 * * * *", "catch up", r.CatchUp},
	} {
		if err := job(j.spec, j.name, j.fn); err != nil {
			return fmt.Errorf("schedule %s: %w", j.name, err)
		}
	}
	if err := r.CatchUp(ctx); err != nil && ctx.Err() == nil {
		slog.Warn("could not fetch what arrived while Porchlight was away", "err", err)
	}
	c.Start()
	r.handOver(ctx)
	<-c.Stop().Done()
	return nil
}

// handOver asks HandOver whenever somebody has waited long enough, until ctx ends.
// Seconds count here, so it is no job of the minute.
func (r *Routine) handOver(ctx context.Context) {
	for ctx.Err() == nil {
		wait := time.Minute // a clock that jumped is noticed
		if r.HandOver != nil {
			next, err := r.HandOver(ctx)
			switch {
			case err != nil && ctx.Err() == nil:
				slog.Error("conversations not taken from the receptionist", "err", err)
				wait = time.Second
			case !next.IsZero():
				wait = min(max(next.Sub(r.Now()), 10*time.Millisecond), wait)
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.Waiting:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Wake reopens the conversations whose snooze is over.
func (r *Routine) Wake(ctx context.Context) error {
	return r.Store.Write(ctx, func(tx *data.Tx) error {
		ids, err := tx.Wake(r.Now())
		for _, id := range ids {
			if err != nil {
				break
			}
			_, err = tx.AddMessage(bridge.Message{
				Conversation: id, At: r.Now(), Direction: bridge.Event, Channel: bridge.Inbox,
				Author: bridge.Author{Kind: bridge.BySystem}, Body: "Back from snooze",
			})
		}
		return err
	})
}

// EndSessions forgets sessions, links and codes whose time is over.
func (r *Routine) EndSessions(ctx context.Context) error {
	return r.Store.Write(ctx, func(tx *data.Tx) error {
		return errors.Join(tx.EndOldSessions(r.Now()), tx.EndOldPortal(r.Now()), tx.ForgetWebhooks(r.Now().Add(-time.Hour)))
	})
}

// overlap is how far before the cursor the carrier's list is read again: it lists
// by the second, and a message may have been under way. What was stored before is
// dropped by its id.
const overlap = 15 * time.Minute

// CatchUp takes in what the carrier has and we have not, after downtime or a
// webhook that was lost. The first time only the cursor is set: history is
// imported when somebody asks for it.
func (r *Routine) CatchUp(ctx context.Context) error {
	if r.List == nil {
		return nil
	}
	var lines []bridge.Line
	err := r.Store.Read(ctx, func(tx *data.Tx) (err error) {
		lines, err = tx.Lines()
		return err
	})
	if err != nil {
		return err
	}
	var all error // one line that fails must not starve the others
	for _, l := range lines {
		if !l.Active {
			continue
		}
		if err := r.catchUpLine(ctx, l); err != nil {
			all = errors.Join(all, fmt.Errorf("catch up line %s: %w", bridge.MaskAddress(string(l.Phone)), err))
		}
	}
	return all
}

func (r *Routine) catchUpLine(ctx context.Context, l bridge.Line) error {
	started := r.Now()
	var cursor int64
	err := r.Store.Read(ctx, func(tx *data.Tx) (err error) {
		cursor, err = tx.ListedAt(l.ID)
		return err
	})
	if err != nil {
		return err
	}
	fresh := 0
	if cursor > 0 {
		err = r.List(ctx, string(l.Phone), time.UnixMilli(cursor).Add(-overlap), func(ms []bridge.Inbound) error {
			for _, m := range ms {
				m.Recovered = true
				ok, err := r.Receive(ctx, m)
				if err != nil {
					return err
				}
				if ok {
					fresh++
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if fresh > 0 {
		slog.Warn("texts recovered from the carrier's list", "texts", fresh, "line", l.Name)
	}
	return r.Store.Write(ctx, func(tx *data.Tx) error { return tx.SetListedAt(l.ID, started.UnixMilli()) })
}
