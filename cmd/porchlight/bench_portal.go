package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// A portalReader is a customer's browser: it holds the portal's stream, and asks for what
// changed when it is told to, as the page's script does.
type portalReader struct {
	process *benchProcess
	store   *benchStore
	conv    bridge.ConversationID
	cookie  string
	rev     string
	events  *bufio.Reader
	conn    net.Conn
}

// portal measures how long after an answer was posted a customer's open page has it.
func (b *bench) portal(ctx context.Context) error {
	s, err := b.fill(ctx, "portal", "", b.pick(1_000, 10_000), b.pick(10_000, 100_000))
	if err != nil {
		return err
	}
	r := &portalReader{store: s, conv: s.conversations[0]}
	if err := r.letIn(ctx); err != nil {
		return err
	}
	if r.process, err = b.product(ctx, s); err != nil {
		return err
	}
	err = r.open()
	var p50s, p99s []float64
	for round := range b.pick(2, 5) + 1 {
		var took []time.Duration
		for range b.pick(50, 300) {
			if err == nil {
				var t time.Duration
				t, err = b.answerSeen(ctx, r)
				took = append(took, t)
			}
		}
		if err == nil && round > 0 {
			p50s, p99s = append(p50s, quantile(took, 0.5)), append(p99s, quantile(took, 0.99))
		}
	}
	if r.conn != nil {
		r.conn.Close()
	}
	if err = errors.Join(err, r.process.stop()); err != nil {
		return err
	}
	b.add("reply posted → in the customer's open page, p50", "ms", p50s, nil, "", goal{})
	b.add("reply posted → in the customer's open page, p99", "ms", p99s, nil, "", atMost(100, "ms"))
	return nil
}

// letIn switches the portal on and signs the first contact in.
func (r *portalReader) letIn(ctx context.Context) error {
	store, err := data.Open(ctx, r.store.options())
	if err != nil {
		return err
	}
	secret, hash := bridge.NewSecret()
	r.cookie = "porchlight_portal=" + secret
	err = store.Write(ctx, func(tx *data.Tx) error {
		old, err := tx.Settings()
		if err != nil {
			return err
		}
		on := *old
		on.PortalOn = true
		if err := tx.PutSettings(&on); err != nil {
			return err
		}
		c, err := tx.AddressesOf(bridge.SMS, benchPhone(0))
		if err != nil {
			return err
		}
		now := time.Now()
		return tx.AddPortalSession(hash, data.PortalSession{Contact: c[0].Contact, CreatedAt: now, ExpiresAt: now.Add(time.Hour)})
	})
	return errors.Join(err, store.Close())
}

// open opens the stream and notes where the page stands.
func (r *portalReader) open() (err error) {
	if r.conn, err = net.DialTimeout("tcp", r.process.addr, 5*time.Second); err != nil {
		return err
	}
	if _, err := r.conn.Write(request("GET", "/portal/events", "", "", "Accept: text/event-stream", "Cookie: "+r.cookie)); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(r.conn), nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the stream was answered with %s", res.Status)
	}
	r.events = bufio.NewReader(res.Body)
	if err := nextEvent(r.events); err != nil {
		return err
	}
	_, err = r.changes("0")
	return err
}

// changes asks for what moved, as the page does, and keeps the new revision.
func (r *portalReader) changes(after string) (string, error) {
	q, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/portal/changes?open=%d&after=%s", r.process.base(), r.conv, after), nil)
	if err != nil {
		return "", err
	}
	q.Header.Set("Cookie", r.cookie)
	q.Header.Set("X-Fragment", "1")
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if rev := res.Header.Get("X-Rev"); rev != "" {
		r.rev = rev
	}
	return string(body), err
}

// answerSeen posts an answer and waits until the page has it.
func (b *bench) answerSeen(ctx context.Context, r *portalReader) (time.Duration, error) {
	b.sent++
	text := fmt.Sprintf("Answer %s-%d", b.run, b.sent)
	body, err := json.Marshal(map[string]string{"body": text})
	if err != nil {
		return 0, err
	}
	path := fmt.Sprintf("/api/v1/conversations/%d/messages", r.conv)
	post := shot{text, request("POST", path, "application/json", string(body), "Authorization: Bearer "+r.store.key)}
	began := time.Now()
	if _, err := fire(ctx, r.process.addr, []shot{post}, 1); err != nil {
		return 0, err
	}
	if err := r.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 0, err
	}
	for {
		if err := nextEvent(r.events); err != nil {
			return 0, fmt.Errorf("%s reached no page: %w", text, err)
		}
		shown, err := r.changes(r.rev)
		if err != nil {
			return 0, err
		}
		if strings.Contains(shown, text) {
			return time.Since(began), nil
		}
	}
}
