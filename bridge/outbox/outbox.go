// Package outbox is the one door out. It claims deliveries, gives them to their
// carrier, and settles what the carrier answered.
//
// The rule that everything here serves: nothing is sent twice and nothing is
// forgotten. So an attempt is stored before the network is touched, and an answer
// that never came makes a delivery unknown until the carrier has been asked.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// Options are what the door needs from the rest of the program.
type Options struct {
	Store    *data.Store
	Carriers map[bridge.Channel]bridge.Carrier
	// Prepare gives what a claimed delivery says, in the transaction that claims it:
	// links and codes are made when they leave. bridge.ErrNotWanted ends the delivery, as
	// when its message was read meanwhile. nil sends what is stored.
	Prepare func(*data.Tx, data.Claim) (bridge.Outgoing, error)
	// Failed hears of what did not arrive and never will, in the transaction that
	// says so: there may be another way. May be nil.
	Failed func(*data.Tx, bridge.Delivery) error
	// Wake tells that something became due. One waiting signal is enough.
	Wake <-chan struct{}
	Now  func() time.Time
	// Timeout bounds one attempt; 0 is 10 s.
	Timeout time.Duration
	// Workers is how many attempts of a channel may be under way at once; 0 is 64.
	// A mail server that hangs holds up mails, and no texts.
	Workers int
	// Alone says that no other node uses the store, so that what is being sent
	// when we start was cut off by a crash.
	Alone bool
	// CheckAfter is when a lost answer is first looked for at the carrier (0: 5 s),
	// SureAfter when its absence there is believed (0: 2 min).
	CheckAfter, SureAfter time.Duration
	// Sent hears of every attempt's outcome, for the metrics. May be nil.
	Sent func(bridge.Channel, bridge.OutcomeKind)
}

// Outbox is the door. Run it once.
type Outbox struct {
	Options
	channels []bridge.Channel // that have a carrier

	mu    sync.Mutex
	open  bool                   // Run has begun and has not been asked to end
	room  map[bridge.Channel]int // how many more attempts may be under way
	short bool                   // there was more to claim than room
	busy  sync.WaitGroup
	again chan struct{} // an attempt ended: there may be room, or a next in order
	check chan struct{} // something moved, so there may be a check that is due earlier
}

// New makes the door.
func New(o Options) *Outbox {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Timeout, 10*time.Second)
	def(&o.CheckAfter, 5*time.Second)
	def(&o.SureAfter, 2*time.Minute)
	if o.Workers == 0 {
		o.Workers = 64
	}
	if o.Prepare == nil {
		o.Prepare = func(_ *data.Tx, c data.Claim) (bridge.Outgoing, error) { return c.Outgoing(), nil }
	}
	if o.Failed == nil {
		o.Failed = func(*data.Tx, bridge.Delivery) error { return nil }
	}
	if o.Sent == nil {
		o.Sent = func(bridge.Channel, bridge.OutcomeKind) {}
	}
	room, channels := map[bridge.Channel]int{}, slices.Sorted(maps.Keys(o.Carriers))
	for _, ch := range channels {
		room[ch] = o.Workers
	}
	return &Outbox{Options: o, channels: channels, room: room, again: make(chan struct{}, 1), check: make(chan struct{}, 1)}
}

// grace is added to Timeout for the lease of an attempt: the time to store its
// answer.
const grace = 30 * time.Second

// Run sends until ctx ends, then waits for the attempts under way.
func (o *Outbox) Run(ctx context.Context) error {
	defer o.busy.Wait()
	if o.Alone {
		if err := o.lapse(ctx, time.Unix(1<<40, 0)); ctx.Err() != nil {
			return nil // stopped as soon as it was started
		} else if err != nil {
			return err
		}
	}
	o.setOpen(true)
	defer o.setOpen(false)
	o.Store.ClaimAtCommit(o.claim)
	defer o.Store.ClaimAtCommit(nil)
	// Checks ask the carrier one by one, each for up to Timeout. Beside them the
	// next text must not wait.
	o.busy.Go(func() { o.repeat(ctx, o.tendDue, o.check, nil) })
	o.repeat(ctx, o.turn, o.Wake, o.again)
	return nil
}

// repeat takes turns until ctx ends. A turn says how long the next one has time.
func (o *Outbox) repeat(ctx context.Context, turn func(context.Context) (time.Duration, error), wake, again <-chan struct{}) {
	for ctx.Err() == nil {
		wait, err := turn(ctx)
		if err != nil && ctx.Err() == nil {
			slog.Error("outbox turn failed", "err", err)
			wait = time.Second
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-again:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// idle is the longest wait: a clock that jumped is noticed within a minute.
const idle = time.Minute

// turn starts what is due and says how long nothing more will be. What a commit
// queued has been claimed in it already; what is left are other times, other nodes'
// deliveries, and what found no room.
func (o *Outbox) turn(ctx context.Context) (time.Duration, error) {
	defer signal(o.check)
	for {
		wait, err := o.until(ctx, func(tx *data.Tx) (time.Time, error) { return tx.NextDue(o.Now(), o.channels...) })
		if err != nil || wait > soonest {
			return wait, err // spares an empty commit, and the disk its fsync
		}
		if n, err := o.claimNow(ctx); err != nil || n == 0 {
			return soonest, err // what is due still waits for a free worker, which wakes us
		}
	}
}

// tendDue does the checks that are due and says how long none will be.
func (o *Outbox) tendDue(ctx context.Context) (time.Duration, error) {
	wait, err := o.until(ctx, (*data.Tx).NextCheck)
	if err != nil || wait > soonest {
		return wait, err
	}
	if err := o.tend(ctx); err != nil {
		return 0, err
	}
	signal(o.again)
	return o.until(ctx, (*data.Tx).NextCheck)
}

// soonest bounds how fast turns follow each other where something stays due.
const soonest = 50 * time.Millisecond

// until is how long it is to a moment in the store.
func (o *Outbox) until(ctx context.Context, moment func(*data.Tx) (time.Time, error)) (time.Duration, error) {
	at, err := o.read(ctx, moment)
	if err != nil || at.IsZero() {
		return idle, err
	}
	return min(max(at.Sub(o.Now()), soonest), idle), nil
}

func (o *Outbox) read(ctx context.Context, moment func(*data.Tx) (time.Time, error)) (at time.Time, err error) {
	err = o.Store.Read(ctx, func(tx *data.Tx) error {
		at, err = moment(tx)
		return err
	})
	return at, err
}

// claimNow claims what may leave now in a transaction of its own.
func (o *Outbox) claimNow(ctx context.Context) (n int, err error) {
	after := func(error) {}
	err = o.Store.Write(ctx, func(tx *data.Tx) error {
		ready, told, err := o.take(tx)
		if err == nil {
			n, after = len(ready), told
		}
		return err
	})
	after(err)
	if err != nil {
		return 0, fmt.Errorf("claim deliveries: %w", err)
	}
	return n, nil
}

// claim is take for the store, which calls it before it commits.
func (o *Outbox) claim(tx *data.Tx) (after func(error), err error) {
	_, after, err = o.take(tx)
	return after, err
}

// take claims what may leave now, as far as there are workers. after starts the
// attempts when the claims are durable, and not before; or it frees the workers.
func (o *Outbox) take(tx *data.Tx) (all []taken, after func(error), err error) {
	var told []func(error)
	after = func(err error) {
		for _, t := range told {
			t(err)
		}
	}
	for _, ch := range o.channels {
		ready, start, err := o.takeOf(tx, ch)
		if err != nil {
			after(err)
			return nil, nil, err
		}
		all, told = append(all, ready...), append(told, start)
	}
	return all, after, nil
}

// takeOf is take for one channel.
func (o *Outbox) takeOf(tx *data.Tx, ch bridge.Channel) (ready []taken, after func(error), err error) {
	room := o.reserve(ch)
	defer func() { o.release(ch, room-len(ready)) }()
	if room == 0 {
		o.wantRoom()
		return nil, func(error) {}, nil
	}
	now := o.Now()
	claims, err := tx.ClaimDue(ch, now, o.Timeout+grace, room)
	if err != nil {
		return nil, nil, err
	}
	if room == len(claims) {
		o.wantRoom()
	}
	if ready, err = o.prepare(tx, claims, now); err != nil {
		return nil, nil, err
	}
	return ready, func(err error) {
		if err != nil {
			o.release(ch, len(ready))
			return
		}
		for _, t := range ready {
			go func() { // joined by Run, by way of busy
				defer o.release(ch, 1)
				o.attempt(t)
			}()
		}
	}, nil
}

// A taken delivery is claimed and has its words.
type taken struct {
	data.Claim
	out bridge.Outgoing
	err error // it could not be put together
}

// prepare gives claims their words, and ends those that are not wanted any more.
func (o *Outbox) prepare(tx *data.Tx, claims []data.Claim, now time.Time) ([]taken, error) {
	ready := make([]taken, 0, len(claims))
	for _, c := range claims {
		out, err := o.words(tx, c)
		if !errors.Is(err, bridge.ErrNotWanted) {
			ready = append(ready, taken{c, out, err})
			continue
		}
		if err := tx.EndAttempt(c.ID, c.Attempts, bridge.Outcome{Kind: bridge.Refused, Detail: "not wanted any more, such as read meanwhile, so it was not sent"}, now); err != nil {
			return nil, err
		}
		d := c.Delivery
		d.State, d.NextAt, d.Detail = bridge.Canceled, time.Time{}, "read meanwhile, or not wanted any more"
		if err := tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, now); err != nil {
			return nil, err
		}
	}
	return ready, nil
}

// words gives what one claim says. Where that fails, the others are none the worse.
func (o *Outbox) words(tx *data.Tx, c data.Claim) (out bridge.Outgoing, err error) {
	if !c.Unsaid() {
		return o.Prepare(tx, c)
	}
	err = tx.Try(func(tx *data.Tx) error {
		out, err = o.Prepare(tx, c)
		return err
	})
	return out, err
}

func (o *Outbox) setOpen(open bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = open
}

// reserve takes all the workers of a channel that are free. Run does not end before
// they are released.
func (o *Outbox) reserve(ch bridge.Channel) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open {
		n, o.room[ch] = o.room[ch], 0
		o.busy.Add(n)
	}
	return n
}

// release gives workers back, and wakes whoever found none.
func (o *Outbox) release(ch bridge.Channel, n int) {
	if n == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.room[ch] += n
	o.busy.Add(-n)
	if o.short {
		o.short = false
		signal(o.again)
	}
}

func (o *Outbox) wantRoom() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.short = true
}

// signal leaves one signal; one that waits already is enough.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// attempt makes one try and stores its outcome. A stop of the program does not
// cut it off: its answer is worth the wait.
func (o *Outbox) attempt(t taken) {
	c, ctx, carrier := t.Claim, context.Background(), o.Carriers[t.Channel]
	out := bridge.Outcome{Kind: bridge.Retry, Code: "prepare"}
	if t.err == nil {
		limit, cancel := context.WithTimeout(ctx, o.Timeout)
		out = carrier.Send(limit, t.out)
		cancel()
	} else {
		out.Detail = t.err.Error()
	}
	o.Sent(c.Channel, out.Kind)
	if out.Kind != bridge.Accepted {
		slog.Warn("delivery not accepted", "delivery", c.ID, "to", c.Whom(), "conversation", c.Conversation, "outcome", out.Kind, "code", out.Code, "detail", out.Detail)
	}
	for try := range 5 { // the answer must not be forgotten because the disk was busy
		err := o.Store.Write(ctx, func(tx *data.Tx) error { return o.settle(tx, carrier, c, out) })
		if err == nil {
			if out.Kind != bridge.Accepted {
				signal(o.check) // sooner than any check until now
			}
			return
		}
		slog.Error("outcome not stored", "delivery", c.ID, "outcome", out.Kind, "carrier_id", out.CarrierID, "err", err)
		time.Sleep(time.Duration(try+1) * 200 * time.Millisecond)
	}
	// The lease will end, the delivery will be unknown, and the carrier be asked.
}

// settle stores the outcome of an attempt and what follows from it.
func (o *Outbox) settle(tx *data.Tx, words bridge.Dictionary, c data.Claim, out bridge.Outcome) error {
	now := o.Now()
	if err := tx.EndAttempt(c.ID, c.Attempts, out, now); err != nil {
		return err
	}
	d, err := tx.Delivery(c.ID)
	if err != nil {
		return err
	}
	was := d.State
	if out.CarrierID != "" && d.CarrierID == "" {
		d.CarrierID = out.CarrierID
	}
	if out.CarrierID != "" && d.CarrierID != out.CarrierID {
		slog.Error("two messages at the carrier for one delivery", "delivery", d.ID, "first", d.CarrierID, "second", out.CarrierID)
		d.Conflict = true
	}
	if out.Segments > 0 {
		d.Segments = out.Segments
	}
	if d.Attempts != c.Attempts && out.Kind != bridge.Accepted {
		return nil // so late that another attempt is under way: only that one may be tried again
	}
	var step bridge.Step
	var why bridge.Failure
	if d.State, step = d.State.ByOutcome(out.Kind); step == bridge.Moved {
		d.Code, d.Detail = out.Code, out.Detail
		switch out.Kind {
		case bridge.Accepted:
			d.NextAt = now.Add(data.SilenceFirst)
			if out.Final {
				d.NextAt = time.Time{}
			}
		case bridge.Retry:
			d.NextAt = now.Add(max(bridge.Backoff(c.Attempts), out.RetryAfter))
		case bridge.Refused:
			d.NextAt, why = time.Time{}, words.Explain(out.Code)
		case bridge.Lost:
			d.NextAt = now.Add(o.CheckAfter)
		}
	}
	if err := tx.SaveDelivery(d, was, why, now); err != nil {
		return err
	}
	if out.CarrierID != "" {
		if d, err = tx.AdoptParked(d, words); err != nil {
			return err
		}
	}
	return o.ifFailed(tx, d, was)
}

// ifFailed tells of a delivery that has failed now.
func (o *Outbox) ifFailed(tx *data.Tx, d bridge.Delivery, was bridge.DeliveryState) error {
	if d.State.Failure() && !was.Failure() {
		return o.Failed(tx, d)
	}
	return nil
}
