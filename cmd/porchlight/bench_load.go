package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"porchlight/bridge/sms"
	"porchlight/bridge/sms/smstest"
)

// A shot is one request as it goes over the wire, made and signed before the clock
// starts.
type shot struct {
	id  string // the carrier's id of a text
	raw []byte
}

// A volley is what became of many shots.
type volley struct {
	took    time.Duration
	each    []time.Duration
	answers []string // ids that were answered 2xx
	refused int
	status  int // the last status that was not 2xx
}

func (v volley) rate() float64 { return float64(len(v.answers)) / v.took.Seconds() }

// newSenderEvery is how many texts of known people come between two of strangers.
const newSenderEvery = 20

// texts makes signed webhooks from people of a store, one in twenty from somebody
// new.
func (b *bench) texts(n, people int) []shot {
	shots := make([]shot, n)
	for i := range shots {
		b.sent++
		person := mrand.IntN(max(people, 1))
		if b.sent%newSenderEvery == 0 {
			person = benchStrangers + b.sent
		}
		shots[i] = benchText(fmt.Sprintf("SM%s%016x", b.run, b.sent), benchPhone(person), benchBody(b.sent))
	}
	return shots
}

// benchText is Twilio's webhook of one text, as the wire has it.
func benchText(id, from, body string) shot {
	form := url.Values{
		"MessageSid": {id}, "SmsSid": {id}, "SmsMessageSid": {id}, "AccountSid": {smstest.AccountSID},
		"From": {from}, "To": {benchLine}, "Body": {body}, "SmsStatus": {"received"}, "ApiVersion": {"2010-04-01"},
		"NumMedia": {"0"}, "NumSegments": {"1"}, "FromCity": {"SAN FRANCISCO"}, "FromState": {"CA"}, "FromZip": {"94105"},
		"FromCountry": {"US"}, "ToCity": {""}, "ToState": {"CA"}, "ToZip": {""}, "ToCountry": {"US"},
	}
	const path = "/webhooks/twilio/sms"
	return shot{id, request("POST", path, "application/x-www-form-urlencoded", form.Encode(),
		"X-Twilio-Signature: "+sms.Sign(smstest.AuthToken, benchPublicURL+path, form))}
}

// request writes an HTTP request as bytes, which costs the generator less than a
// client would.
func request(method, path, kind, body string, headers ...string) []byte {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path)
	for _, h := range headers {
		s.WriteString(h + "\r\n")
	}
	if method == "POST" {
		fmt.Fprintf(&s, "Content-Type: %s\r\nContent-Length: %d\r\n", kind, len(body))
	}
	s.WriteString("\r\n" + body)
	return []byte(s.String())
}

// fire sends shots by callers at once, each on a connection of its own that waits
// for an answer before it sends again.
func fire(ctx context.Context, addr string, shots []shot, callers int) (volley, error) {
	callers = min(callers, len(shots))
	conns := make([]net.Conn, 0, callers)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range callers {
		c, err := net.DialTimeout("tcp", addr, 5*time.Second)
		if err != nil {
			return volley{}, err
		}
		conns = append(conns, c)
	}
	v := volley{each: make([]time.Duration, len(shots))}
	statuses := make([]int, len(shots))
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for _, c := range conns {
		g.Go(func() error {
			in := bufio.NewReaderSize(c, 4096)
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(shots) {
					return nil
				}
				t := time.Now()
				status, err := exchange(c, in, shots[i].raw)
				if err != nil {
					return fmt.Errorf("request %d: %w", i, err)
				}
				v.each[i], statuses[i] = time.Since(t), status
			}
			return ctx.Err()
		})
	}
	err := g.Wait()
	v.took = time.Since(began)
	for i, s := range statuses {
		if s >= 200 && s <= 299 {
			v.answers = append(v.answers, shots[i].id)
		} else {
			v.refused, v.status = v.refused+1, s
		}
	}
	if err == nil && v.refused > 0 {
		err = fmt.Errorf("%d of %d requests were refused, the last with %d", v.refused, len(shots), v.status)
	}
	return v, err
}

// exchange sends one request and reads its whole answer.
func exchange(c net.Conn, in *bufio.Reader, raw []byte) (status int, err error) {
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := c.Write(raw); err != nil {
		return 0, err
	}
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r.StatusCode, err
}

// A benchCarrier is the carrier simulator, with an ear at its door: it tells when
// each text was handed over.
type benchCarrier struct {
	sim  *smstest.Server
	base string
	http *http.Server
	done chan struct{}

	mu   sync.Mutex
	hear func(body string, at time.Time) // nil: nobody listens
}

// startBenchCarrier starts it. Its reports on deliveries come in an hour, which is
// never: both programs are measured without them.
func startBenchCarrier() (*benchCarrier, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	never := smstest.Delays{Sent: time.Hour, Delivered: time.Hour, Slow: time.Hour}
	c := &benchCarrier{base: "http://" + l.Addr().String(), done: make(chan struct{})}
	c.sim = smstest.New(smstest.Options{Delays: never, BaseURL: c.base, Forget: true})
	c.http = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(c.done)
		_ = c.http.Serve(l) // ends by close
	}()
	return c, nil
}

func (c *benchCarrier) close() {
	_ = c.http.Close()
	<-c.done
	c.sim.Close()
}

// listen names who hears of texts from now on, with what they say.
func (c *benchCarrier) listen(hear func(body string, at time.Time)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hear = hear
}

func (c *benchCarrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	if r.Method == http.MethodPost && r.ParseForm() == nil {
		c.mu.Lock()
		hear := c.hear
		c.mu.Unlock()
		if hear != nil {
			hear(r.PostForm.Get("Body"), at)
		}
	}
	c.sim.ServeHTTP(w, r)
}

var errTooFew = errors.New("not everything arrived in time")

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails, since Go 1.24
	return hex.EncodeToString(b)
}

// benchStrangers is where the numbers of people begin whom no store knows.
const benchStrangers = 100_000_000

// benchPhone is the number of a made-up person.
func benchPhone(n int) string { return fmt.Sprintf("+1%010d", 2_000_000_000+n) }

// benchBody is a text of some 90 characters that differs from the others.
func benchBody(n int) string {
	words := [...]string{"boiler", "radiator", "kitchen", "leak", "tap", "invoice", "Thursday", "quote", "bathroom", "pump", "valve", "heating", "shower"}
	w := func(k int) string { return words[(n/k+k)%len(words)] }
	return fmt.Sprintf("Hello, it is about the %s and the %s again, could you come on %s with a new %s? Ref %d", w(1), w(7), w(31), w(131), n)
}
