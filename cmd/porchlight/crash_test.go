package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"porchlight/bridge"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
)

// TestMain lets the test binary be the program that the crash test kills, and the
// command that the scripts type.
func TestMain(m *testing.M) {
	if os.Getenv("PORCHLIGHT_TEST_MAIN") == "1" {
		os.Exit(serveToBeKilled())
	}
	testscript.Main(m, map[string]func(){"porchlight": main})
}

// serveToBeKilled is "porchlight serve", but for the times after which a lost
// answer is looked for: nobody may set them in earnest, and a test has no minutes.
func serveToBeKilled() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	e := env{environ: os.Environ(), stdin: strings.NewReader(""), stdout: os.Stdout, stderr: os.Stderr}
	cfg, err := loadToServe("", e.environ)
	if err == nil {
		err = serveConfig(ctx, e, cfg, extras{checkAfter: 150 * time.Millisecond, sureAfter: 1500 * time.Millisecond})
	}
	return report(e, "porchlight serve", err)
}

// A crashRun is a program that is killed again and again, the carrier that it
// talks to, and what the outside world was promised.
type crashRun struct {
	*testing.T
	dir, url, key string
	sim           *smstest.Server
	front         *httptest.Server // the carrier's API, as the program sees it
	http          *http.Client
	child         *exec.Cmd
	log           *os.File
	up            *gate

	mu            sync.Mutex
	texts         map[string]int // carrier id: how often it was posted until it was answered 2xx
	replies       map[string]int // body: id of the message when it was acknowledged, 0 before
	conversations []string
	kills         int
}

const crashLine = "+14155550100"

// TestNothingIsLostOrDoubledWhenTheProgramIsKilled is the promise of SPEC 7: kill
// -9 at any moment under load, and every text that was answered 2xx is stored
// once, every reply that was acknowledged has left once or is shown as unknown.
// PORCHLIGHT_TEST_FULL=1 kills 200 times instead of 20.
func TestNothingIsLostOrDoubledWhenTheProgramIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a program 20 times, which takes 20 s")
	}
	rounds := 20
	if os.Getenv("PORCHLIGHT_TEST_FULL") == "1" {
		rounds = 200
	}
	r := newCrashRun(t)
	r.start()
	work, stopWork := context.WithCancel(t.Context())
	defer stopWork()
	var load sync.WaitGroup
	for n := range 6 {
		load.Go(func() { r.customer(work, n) })
	}
	for n := range 4 {
		load.Go(func() { r.office(work, n) })
	}
	for range rounds {
		time.Sleep(time.Duration(20+rand.IntN(280)) * time.Millisecond)
		r.kill()
		r.start()
	}
	stopWork()
	load.Wait() // each repeats what was not taken first
	r.settle()
	r.stop()
	r.check()
}

func newCrashRun(t *testing.T) *crashRun {
	r := &crashRun{
		T: t, dir: t.TempDir(), url: "http://" + freeAddress(t), up: newGate(),
		sim:   smstest.New(smstest.Options{Delays: smstest.Instant}),
		http:  &http.Client{Timeout: 5 * time.Second},
		texts: map[string]int{}, replies: map[string]int{},
	}
	t.Cleanup(r.sim.Close)
	r.front = httptest.NewServer(http.HandlerFunc(r.carrier))
	t.Cleanup(r.front.Close)
	r.sim.SetWebhook(r.url + "/webhooks/twilio/sms")
	r.sim.SetFallback(r.url + "/webhooks/twilio/sms-fallback")
	var err error
	if r.log, err = os.Create(filepath.Join(r.dir, "log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.log.Close() })
	s := r.open()
	defer s.Close()
	secret, hash := bridge.NewSecret()
	r.key = secret
	err = s.Write(t.Context(), func(tx *data.Tx) error {
		p, err := tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, "x", time.Now())
		if err != nil {
			return err
		}
		return tx.AddKey(p.ID, hash, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (r *crashRun) open() *data.Store {
	r.Helper()
	s, err := data.Open(context.Background(), data.Options{Path: filepath.Join(r.dir, "porchlight.db")})
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// carrier is the simulator with bad manners: one create in 40 is answered with a
// failure, taken or not. It does not list what came in, or the program would
// fetch what it had lost, and the test would not see that it was lost.
func (r *crashRun) carrier(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodGet && req.URL.Query().Get("To") == crashLine {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"messages": [], "page": 0, "page_size": 1000}`)
		return
	}
	if req.Method == http.MethodPost && rand.IntN(40) == 0 {
		r.sim.Script(smstest.Fault{Status: []int{0, http.StatusInternalServerError}[rand.IntN(2)], Store: rand.IntN(2) == 0})
	}
	r.sim.ServeHTTP(w, req)
}

// start brings the program up and opens the gate for the load.
func (r *crashRun) start() {
	r.Helper()
	exe, err := os.Executable()
	if err != nil {
		r.Fatal(err)
	}
	r.child = exec.Command(exe)
	r.child.Stdout, r.child.Stderr = r.log, r.log
	r.child.Env = []string{
		"PORCHLIGHT_TEST_MAIN=1", "HOME=" + r.dir, "PATH=" + os.Getenv("PATH"),
		"PORCHLIGHT_SERVER_LISTEN=" + strings.TrimPrefix(r.url, "http://"), "PORCHLIGHT_SERVER_PUBLIC_URL=" + r.url,
		"PORCHLIGHT_STORAGE_PATH=" + r.dir, "PORCHLIGHT_LINES=" + crashLine, "PORCHLIGHT_TWILIO_PACE=0",
		"PORCHLIGHT_TWILIO_ACCOUNT_SID=" + smstest.AccountSID, "PORCHLIGHT_TWILIO_AUTH_TOKEN=" + smstest.AuthToken,
		"PORCHLIGHT_TWILIO_BASE_URL=" + r.front.URL, "PORCHLIGHT_LOG_LEVEL=warn",
	}
	if err := r.child.Start(); err != nil {
		r.Fatal(err)
	}
	r.until("the program is up", func() bool {
		res, err := r.http.Get(r.url + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	r.up.open()
}

func (r *crashRun) kill() {
	r.up.close()
	_ = r.child.Process.Kill()
	_ = r.child.Wait() // "signal: killed"
	r.kills++
}

func (r *crashRun) stop() {
	r.Helper()
	if err := r.child.Process.Signal(syscall.SIGTERM); err != nil {
		r.Fatal(err)
	}
	if err := r.child.Wait(); err != nil {
		r.Errorf("the polite stop: %v\n%s", err, r.tail())
	}
}

func (r *crashRun) until(what string, done func() bool) {
	r.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			_ = r.child.Process.Kill()
			r.Fatalf("not after a minute: %s\n%s", what, r.tail())
		}
	}
}

func (r *crashRun) tail() string {
	text, err := os.ReadFile(r.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// customer texts from a few dozen phones, each of which several customers share,
// and repeats what was not answered 2xx once the program is up again, as Twilio
// does at its fallback.
func (r *crashRun) customer(ctx context.Context, worker int) {
	var again []string
	for n := 0; ctx.Err() == nil || len(again) > 0; n++ {
		r.up.wait()
		if len(again) > 0 {
			r.posted(again[0])
			if status, err := r.sim.Again(context.WithoutCancel(ctx), again[0]); err == nil && status == http.StatusOK {
				again = again[1:]
			}
			continue
		}
		from := fmt.Sprintf("+141555502%02d", rand.IntN(40))
		sid, status, err := r.sim.Text(context.WithoutCancel(ctx), from, crashLine, fmt.Sprintf("text %d-%d", worker, n))
		r.posted(sid)
		if err != nil || status != http.StatusOK {
			again = append(again, sid)
		}
	}
}

func (r *crashRun) posted(sid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts[sid]++
}

// office answers by the API and repeats what was not acknowledged, under the same
// key.
func (r *crashRun) office(ctx context.Context, worker int) {
	for n := 0; ctx.Err() == nil; n++ {
		r.up.wait()
		conv := r.someConversation()
		if conv == "" {
			continue
		}
		body := fmt.Sprintf("reply %d-%d", worker, n)
		r.acknowledged(body, 0)
		for {
			id, err := r.reply(conv, body)
			if err == nil {
				r.acknowledged(body, id)
				break
			}
			if refused := (*refusedReply)(nil); errors.As(err, &refused) {
				r.Errorf("%s: %v", body, err)
				break
			}
			r.up.wait()
		}
	}
}

func (r *crashRun) acknowledged(body string, id int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replies[body] = id
}

// someConversation asks for conversations until there are plenty, and chooses one.
func (r *crashRun) someConversation() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.conversations) < 20 {
		var page struct{ Conversations []struct{ ID string } }
		if err := r.call(http.MethodGet, "/api/v1/conversations?limit=200", "", nil, &page); err != nil {
			return ""
		}
		r.conversations = nil
		for _, c := range page.Conversations {
			r.conversations = append(r.conversations, c.ID)
		}
	}
	if len(r.conversations) == 0 {
		return ""
	}
	return r.conversations[rand.IntN(len(r.conversations))]
}

// A refusedReply was answered, but not taken.
type refusedReply struct{ status int }

func (e *refusedReply) Error() string { return "answered " + strconv.Itoa(e.status) }

func (r *crashRun) reply(conv, body string) (id int, err error) {
	var m struct{ ID string }
	err = r.call(http.MethodPost, "/api/v1/conversations/"+conv+"/messages", body, map[string]string{"body": body}, &m)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(m.ID)
}

func (r *crashRun) call(method, path, key string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(method, r.url+path, &body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return &refusedReply{res.StatusCode}
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// settle waits until nothing is on its way and every lost answer was looked for.
func (r *crashRun) settle() {
	r.Helper()
	s := r.open()
	defer s.Close()
	r.until("all is settled", func() (settled bool) {
		r.readStore(s, func(tx *data.Tx) error {
			b, err := tx.Backlog(time.Now())
			if err != nil {
				return err
			}
			asking, err := tx.Overdue(bridge.Unknown, time.Now().Add(time.Hour), 1)
			settled = b.States[bridge.Queued] == 0 && b.States[bridge.Sending] == 0 && len(asking) == 0
			return err
		})
		return settled
	})
	if err := r.sim.Drain(r.Context()); err != nil {
		r.Fatal(err)
	}
}

func (r *crashRun) readStore(s *data.Store, fn func(*data.Tx) error) {
	r.Helper()
	if err := s.Read(context.Background(), fn); err != nil {
		r.Fatal(err)
	}
}

// check compares what was promised with what is stored and what has left.
func (r *crashRun) check() {
	s := r.open()
	defer s.Close()
	var stored []bridge.Message
	r.readStore(s, func(tx *data.Tx) error {
		sam, err := tx.Staff()
		if err != nil {
			return err
		}
		conversations, err := tx.Conversations(sam[0], bridge.ViewOpen, data.Cursor{}, 1000)
		if err != nil {
			return err
		}
		of := map[bridge.ContactID]bool{}
		for _, c := range conversations {
			if of[c.Contact] {
				r.Errorf("contact %d has more than one conversation", c.Contact)
			}
			of[c.Contact] = true
			ms, err := tx.Messages(c.ID, 0, 1_000_000)
			if err != nil {
				return err
			}
			stored = append(stored, ms...)
		}
		for sid := range r.texts {
			if _, err := tx.InboundSeen(sid); err != nil {
				r.Errorf("text %s was answered 2xx and is not in the store: %v", sid, err)
			}
		}
		if phones := r.phones(); len(of) != phones {
			r.Errorf("%d phones wrote, and there are %d conversations", phones, len(of))
		}
		return nil
	})
	r.checkTexts(stored)
	unknown := r.checkReplies(stored)
	lost, twice := r.attempts(s, stored)
	r.checkOrder(stored)
	if n := r.sim.Doubles(); n != 0 {
		r.Errorf("%d deliveries were taken by the carrier more than once", n)
	}
	r.checkLog()
	repeated := 0
	for _, n := range r.texts {
		if n > 1 {
			repeated++
		}
	}
	r.Logf("%d kills; %d texts answered 2xx, %d of them at a later try; %d replies acknowledged, %d of them unknown; %d answers of the carrier lost, %d replies tried twice; %d taken by the carrier, %d doubles",
		r.kills, len(r.texts), repeated, len(r.replies), unknown, lost, twice, r.sim.Accepted(), r.sim.Doubles())
}

// checkLog wants nothing in the program's log that ought not to happen even to a
// program that is killed.
func (r *crashRun) checkLog() {
	text, err := os.ReadFile(r.log.Name())
	if err != nil {
		r.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "DATA RACE") || strings.Contains(line, "panic") || strings.Contains(line, "level=ERROR") {
			r.Errorf("the program's log: %s", line)
		}
	}
}

// attempts counts the answers that were lost, and the replies that were tried more
// than once.
func (r *crashRun) attempts(s *data.Store, stored []bridge.Message) (lost, twice int) {
	r.readStore(s, func(tx *data.Tx) error {
		for _, m := range stored {
			for _, d := range m.Deliveries {
				as, err := tx.Attempts(d.ID)
				if err != nil {
					return err
				}
				for _, a := range as {
					if a.Outcome == bridge.Lost {
						lost++
					}
				}
				if len(as) > 1 {
					twice++
				}
			}
		}
		return nil
	})
	return lost, twice
}

func (r *crashRun) phones() int {
	n := 0
	for _, phone := range r.sim.Handsets() {
		if slices.ContainsFunc(r.sim.Handset(phone), func(t smstest.Text) bool { return t.From == phone }) {
			n++
		}
	}
	return n
}

func (r *crashRun) checkTexts(stored []bridge.Message) {
	times := map[string]int{}
	for _, m := range stored {
		if m.Direction == bridge.In {
			times[m.Body]++
		}
	}
	for body, n := range times {
		if n != 1 {
			r.Errorf("%q is stored %d times", body, n)
		}
	}
	if len(times) != len(r.texts) {
		r.Errorf("%d texts were sent, %d are stored", len(r.texts), len(times))
	}
}

func (r *crashRun) checkReplies(stored []bridge.Message) (unknown int) {
	left := map[string]int{}
	for _, t := range r.sim.Sent() {
		left[t.Body]++
	}
	replies := maps.Clone(r.replies)
	for _, m := range stored {
		if m.Direction != bridge.Out {
			continue
		}
		if id := replies[m.Body]; id != int(m.ID) {
			r.Errorf("%q is stored as message %d and was acknowledged as %d", m.Body, m.ID, id)
		}
		delete(replies, m.Body)
		if len(m.Deliveries) != 1 {
			r.Errorf("%q has %d deliveries", m.Body, len(m.Deliveries))
			continue
		}
		d := m.Deliveries[0]
		switch d.State {
		case bridge.Sent, bridge.Delivered:
			if left[m.Body] != 1 {
				r.Errorf("%q is %s and reached the carrier %d times", m.Body, d.State, left[m.Body])
			}
		case bridge.Unknown:
			unknown++
			if left[m.Body] > 1 {
				r.Errorf("%q is unknown and reached the carrier %d times", m.Body, left[m.Body])
			}
		default:
			r.Errorf("%q is %s (%s %s)", m.Body, d.State, d.Code, d.Detail)
		}
	}
	for body := range replies {
		r.Errorf("%q was acknowledged and is not in the store", body)
	}
	return unknown
}

// checkOrder wants the replies of each conversation at the carrier in the order
// in which they were stored.
func (r *crashRun) checkOrder(stored []bridge.Message) {
	ids := map[string]bridge.MessageID{}
	for _, m := range stored {
		ids[m.Body] = m.ID
	}
	last := map[string]smstest.AcceptedText{}
	for _, t := range r.sim.Sent() {
		if before, ok := last[t.To]; ok && ids[before.Body] > ids[t.Body] {
			r.Errorf("to %s: %q (message %d) left before %q (message %d)", t.To, before.Body, ids[before.Body], t.Body, ids[t.Body])
		}
		last[t.To] = t
	}
}

// A gate holds the load back while the program is down.
type gate struct {
	mu   sync.Mutex
	cond *sync.Cond
	up   bool
}

func newGate() *gate {
	g := &gate{}
	g.cond = sync.NewCond(&g.mu)
	return g
}

func (g *gate) wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.up {
		g.cond.Wait()
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.up = true
	g.cond.Broadcast()
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.up = false
}
