package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// pages measures what a person waits for: the first page of the list in a small
// and in a large store, and a conversation that is short or long.
func (b *bench) pages(ctx context.Context) error {
	var visitors [2]*visitor
	var long, short bridge.ConversationID
	var err error
	sizes := [2]int{b.pick(2_000, 10_000), b.pick(50_000, 1_000_000)}
	for i, n := range sizes {
		var s *benchStore
		if s, err = b.fill(ctx, fmt.Sprintf("list-%d", n), "", n, n); err != nil {
			break
		}
		if short, long, err = b.lengthen(ctx, s); err != nil {
			break
		}
		var p *benchProcess
		if p, err = b.product(ctx, s); err != nil {
			break
		}
		if visitors[i], err = signIn(ctx, p); err != nil {
			err = errors.Join(err, p.stop())
			break
		}
	}
	if err == nil {
		err = b.visit(ctx, visitors, sizes, short, long)
	}
	for _, v := range visitors {
		if v != nil {
			err = errors.Join(err, v.process.stop())
		}
	}
	return err
}

// lengthen makes a conversation of 50 messages and one of 5,000.
func (b *bench) lengthen(ctx context.Context, s *benchStore) (short, long bridge.ConversationID, err error) {
	store, err := data.Open(ctx, s.options())
	if err != nil {
		return 0, 0, err
	}
	short, long = s.conversations[0], s.conversations[1]
	add := func(id bridge.ConversationID, n int) error {
		return store.Write(ctx, func(tx *data.Tx) error {
			for i := range n {
				m := bridge.Message{Conversation: id, At: time.Now().Add(-time.Hour), Direction: bridge.In, Channel: bridge.SMS,
					Author: bridge.Author{Kind: bridge.ByContact, Name: "Customer"}, Body: benchBody(i)}
				if i%3 == 2 {
					m.Direction, m.Author = bridge.Out, bridge.Author{Kind: bridge.ByStaff, ID: 1, Name: "Sam Ortiz"}
				}
				if _, err := tx.AddMessage(m); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = errors.Join(add(short, 49), add(long, 4_999), store.Close())
	return short, long, err
}

func (b *bench) visit(ctx context.Context, v [2]*visitor, sizes [2]int, short, long bridge.ConversationID) error {
	list := func(i int) (string, *visitor) { return "/inbox", v[i] }
	small, large, err := b.alternate(ctx, list)
	if err != nil {
		return err
	}
	name, beside := "inbox first page, "+amountOf(sizes[1])+" conversations", "at "+amountOf(sizes[0])
	b.add(name+", p50", "ms", large.p50s, small.p50s, beside, atMost(5, "ms"))
	b.add(name+", p99", "ms", large.p99s, small.p99s, beside, ratioAtMost(1.5))
	shorts, longs, err := b.alternate(ctx, func(i int) (string, *visitor) {
		return fmt.Sprintf("/inbox/c/%d", [2]bridge.ConversationID{short, long}[i]), v[1]
	})
	if err != nil {
		return err
	}
	b.add("open conversation of 5,000 messages, p50", "ms", longs.p50s, shorts.p50s, "of 50", atMost(8, "ms"))
	b.add("open conversation of 5,000 messages, p99", "ms", longs.p99s, shorts.p99s, "of 50", goal{})
	return nil
}

// A spread is the medians and the slow ends of some rounds, in milliseconds.
type spread struct{ p50s, p99s []float64 }

// alternate loads two pages in turns, page by page, so that both meet the same
// noise.
func (b *bench) alternate(ctx context.Context, page func(int) (string, *visitor)) (first, second spread, err error) {
	both := [2]*spread{&first, &second}
	for round := range b.pick(3, 7) + 1 {
		var took [2][]time.Duration
		for range b.pick(100, 400) {
			for i := range both {
				path, v := page(i)
				t := time.Now()
				if err := v.get(ctx, path); err != nil {
					return first, second, err
				}
				took[i] = append(took[i], time.Since(t))
			}
		}
		if round == 0 {
			continue // warms up
		}
		for i, s := range both {
			s.p50s, s.p99s = append(s.p50s, quantile(took[i], 0.5)), append(s.p99s, quantile(took[i], 0.99))
		}
	}
	return first, second, nil
}

// A visitor is a signed-in browser.
type visitor struct {
	process *benchProcess
	client  *http.Client
	cookie  string
}

// signIn goes through the login page's form, as anybody does.
func signIn(ctx context.Context, p *benchProcess) (*visitor, error) {
	v := &visitor{process: p, client: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	form := url.Values{"email": {benchEmail}, "password": {benchPassword}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base()+"/login", strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := v.client.Do(r)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	for _, c := range answer.Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
	if answer.StatusCode != http.StatusSeeOther || v.cookie == "" {
		return nil, fmt.Errorf("signing in was answered with %s", answer.Status)
	}
	return v, nil
}

// get loads a page whole.
func (v *visitor) get(ctx context.Context, path string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.process.base()+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Cookie", v.cookie)
	answer, err := v.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || n < 1_000) {
		err = fmt.Errorf("%s was answered with %s and %d bytes", path, answer.Status, n)
	}
	return err
}
