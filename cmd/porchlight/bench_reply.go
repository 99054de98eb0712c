package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"porchlight/bridge"
)

// A replier takes answers of staff over its API.
type replier struct {
	process       *benchProcess
	key           string
	conversations []bridge.ConversationID
	next          int
	p50s, p99s    []float64
	rates         []float64
}

// replies measures the way out: from the moment that an answer is posted to the
// moment that the carrier is called, and how many a second.
func (b *bench) replies(ctx context.Context) error {
	people := max(b.messages/10, 1)
	s, err := b.largeStore(ctx, "sqlite")
	if err != nil {
		return err
	}
	dir, err := b.fillCeiling(ctx, "ceiling-reply", people, b.messages)
	if err != nil {
		return err
	}
	product := &replier{key: s.key, conversations: s.conversations}
	ceiling := &replier{}
	for i := range people { // its ids are counted
		ceiling.conversations = append(ceiling.conversations, bridge.ConversationID(i+1))
	}
	if product.process, err = b.product(ctx, s); err != nil {
		return err
	}
	if ceiling.process, err = b.bare(ctx, dir); err != nil {
		return errors.Join(err, product.process.stop())
	}
	for round := range b.pick(3, 7) + 1 {
		for _, r := range []*replier{product, ceiling} {
			if err == nil {
				err = b.replyRound(ctx, r, round > 0)
			}
		}
	}
	if err = errors.Join(err, product.process.stop(), ceiling.process.stop()); err != nil {
		return err
	}
	b.add("reply posted → carrier called, c=1, p50", "ms", product.p50s, ceiling.p50s, benchCeiling, ratioAtMost(1.5))
	b.add("reply posted → carrier called, c=1, p99", "ms", product.p99s, ceiling.p99s, benchCeiling, goal{})
	b.add("replies handed to the carrier, c=32", "replies/s", product.rates, ceiling.rates, benchCeiling, goal{})
	return nil
}

func (b *bench) replyRound(ctx context.Context, r *replier, counts bool) error {
	one, err := b.replyOneByOne(ctx, r, b.pick(50, 200))
	if err != nil {
		return err
	}
	rate, err := b.replyTogether(ctx, r, b.pick(500, 2_000))
	if err != nil || !counts {
		return err
	}
	r.p50s, r.p99s, r.rates = append(r.p50s, quantile(one, 0.5)), append(r.p99s, quantile(one, 0.99)), append(r.rates, rate)
	return nil
}

// answers makes n answers, each in another conversation: within one they would
// wait for each other.
func (b *bench) answers(r *replier, n int) ([]shot, error) {
	shots := make([]shot, n)
	for i := range shots {
		b.sent++
		r.next++
		text := fmt.Sprintf("Answer %s-%d", b.run, b.sent)
		body, err := json.Marshal(map[string]string{"body": text})
		if err != nil {
			return nil, err
		}
		path := fmt.Sprintf("/api/v1/conversations/%d/messages", r.conversations[r.next%len(r.conversations)])
		shots[i] = shot{text, request("POST", path, "application/json", string(body), "Authorization: Bearer "+r.key)}
	}
	return shots, nil
}

// replyOneByOne posts an answer when the one before has reached the carrier.
func (b *bench) replyOneByOne(ctx context.Context, r *replier, n int) ([]time.Duration, error) {
	shots, err := b.answers(r, n)
	if err != nil {
		return nil, err
	}
	type call struct {
		body string
		at   time.Time
	}
	calls := make(chan call, n)
	b.carrier.listen(func(body string, at time.Time) { calls <- call{body, at} })
	defer b.carrier.listen(nil)
	var took []time.Duration
	for i, s := range shots {
		began := time.Now()
		if _, err := fire(ctx, r.process.addr, shots[i:i+1], 1); err != nil {
			return nil, err
		}
		select {
		case c := <-calls:
			if c.body != s.id {
				return nil, fmt.Errorf("the carrier got %q instead of %q", c.body, s.id)
			}
			took = append(took, c.at.Sub(began))
		case <-time.After(10 * time.Second):
			return nil, fmt.Errorf("%s reached no carrier: %w", s.id, errTooFew)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return took, nil
}

// replyTogether posts answers by 32 callers and gives the rate at which the carrier
// got them.
func (b *bench) replyTogether(ctx context.Context, r *replier, n int) (float64, error) {
	shots, err := b.answers(r, n)
	if err != nil {
		return 0, err
	}
	var called atomic.Int64
	all := make(chan time.Time, 1)
	b.carrier.listen(func(_ string, at time.Time) {
		if called.Add(1) == int64(n) {
			all <- at
		}
	})
	defer b.carrier.listen(nil)
	began := time.Now()
	if _, err := fire(ctx, r.process.addr, shots, 32); err != nil {
		return 0, err
	}
	select {
	case at := <-all:
		return float64(n) / at.Sub(began).Seconds(), nil
	case <-time.After(30 * time.Second):
		return 0, fmt.Errorf("%d of %d answers reached the carrier: %w", called.Load(), n, errTooFew)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
