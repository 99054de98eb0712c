package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/live"
	"porchlight/bridge/notify"
	"porchlight/bridge/outbox"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/data/datatest"
	"porchlight/inbox"
	"porchlight/inbox/api"
	"porchlight/inbox/portal"
	"porchlight/inbox/staff"
	"porchlight/inbox/web"
	"porchlight/templates"
	"porchlight/webhooks"
)

// A house is an office whose customers come in by the portal, with the door out and
// carriers that keep what they are given. Its clock is moved by the test.
type house struct {
	*office
	at     data.Options
	hub    *live.Hub
	ahead  atomic.Int64
	wake   chan struct{}
	post   *postbox
	priya  bridge.Contact
	onDuty []bridge.Phone
}

const (
	priyaPhone = "+14155550134"
	priyaMail  = "priya@example.com"
	dutyPhone  = "+14155550199"
)

// A postbox is a carrier of both channels that keeps all that it is given.
type postbox struct {
	bridge.Dictionary
	mu    sync.Mutex
	sent  []bridge.Outgoing
	fault []bridge.Outcome // answers to the next attempts
}

func (p *postbox) Send(_ context.Context, o bridge.Outgoing) bridge.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, o)
	if len(p.fault) > 0 {
		out := p.fault[0]
		p.fault = p.fault[1:]
		return out
	}
	return bridge.Outcome{Kind: bridge.Accepted, CarrierID: fmt.Sprintf("X%d-%d", o.Delivery, len(p.sent))}
}

func (p *postbox) Find(context.Context, bridge.Outgoing, time.Time) ([]bridge.Found, error) {
	return nil, errors.New("no list")
}

func (p *postbox) Status(context.Context, string) (bridge.Found, error) {
	return bridge.Found{}, errors.New("no word")
}

func (p *postbox) all() []bridge.Outgoing {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

func eachHouse(t *testing.T, test func(*house)) {
	t.Helper()
	datatest.EachOptions(t, func(t *testing.T, o data.Options) { test(newHouse(t, o)) })
}

func newHouse(t *testing.T, o data.Options) *house {
	t.Helper()
	h := &house{at: o, hub: live.New(), wake: make(chan struct{}, 1), onDuty: []bridge.Phone{dutyPhone}}
	o.OnCommit = func(c bridge.Commit) {
		if h.hub.Publish(c); c.Queued {
			h.look()
		}
	}
	s, err := data.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h.office = &office{T: t, store: s, began: make(chan struct{}, 1000)}
	h.wire(s)
	h.hire()
	h.write(func(tx *data.Tx) error {
		set, err := tx.Settings()
		if err != nil {
			return err
		}
		on := *set
		on.PortalOn, on.QuietFrom, on.QuietUntil = true, 0, 0
		if err := tx.PutSettings(&on); err != nil {
			return err
		}
		_, err = tx.PutLine(bridge.Line{Channel: bridge.Email, Mailbox: "office@example.com", Name: "Office", Active: true})
		return err
	})
	h.priya = h.contact("Priya Raman", priyaPhone, priyaMail)
	return h
}

// wire puts the parts together as cmd does.
func (h *house) wire(s *data.Store) {
	h.Helper()
	carrier := must(sms.New(sms.Options{AccountSID: "AC00000000000000000000000000000001", Secret: "token"}))
	h.post = &postbox{Dictionary: carrier}
	h.in = intake.New(intake.Options{
		Store: s, Now: h.now, Words: map[bridge.Channel]bridge.Dictionary{bridge.SMS: carrier, bridge.Email: carrier}, Answerable: sms.Answerable, Region: "US",
		Split: func(text string) []string { return sms.Split(text, sms.MaxText) }, Segments: func(text string) int { return sms.Segments(text).Segments },
		OnDuty: h.onDuty,
	})
	hooks := must(webhooks.New(webhooks.Options{Intake: h.in, Now: h.now, PublicURL: "https://texts.example.com", AccountSID: "AC00000000000000000000000000000001", Tokens: []string{"token"}}))
	w := web.New(web.Options{Store: s, Set: must(templates.Parse()), Now: h.now, Zone: time.UTC, Business: "Brightwater Plumbing", PublicURL: "https://texts.example.com", Secure: false})
	handler := must(inbox.Handler(inbox.Options{
		Web: w, Staff: staff.New(w, h.in, h.hub), Portal: portal.New(portal.Options{Web: w, Intake: h.in, Hub: h.hub}), API: api.New(s, h.in), Webhooks: hooks,
	}))
	server := httptest.NewServer(handler)
	h.url = server.URL
	words := notify.New(notify.Options{Now: h.now, PublicURL: "https://texts.example.com", Business: bridge.Sender{Name: "Brightwater Plumbing"}, Zone: time.UTC})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	out := outbox.New(outbox.Options{
		Store: s, Carriers: map[bridge.Channel]bridge.Carrier{bridge.SMS: h.post, bridge.Email: h.post}, Prepare: words.Prepare, Wake: h.wake, Now: h.now,
	})
	go func() { done <- out.Run(ctx) }()
	h.Cleanup(func() {
		h.hub.Close()
		server.Close()
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			h.Error(err)
		}
	})
}

func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

func (h *house) later(d time.Duration) {
	h.ahead.Add(int64(d))
	h.look()
}

func (h *house) look() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *house) write(fn func(*data.Tx) error) {
	h.Helper()
	if err := h.store.Write(context.Background(), fn); err != nil {
		h.Fatal(err)
	}
}

func (h *house) read(fn func(*data.Tx) error) {
	h.Helper()
	if err := h.store.Read(context.Background(), fn); err != nil {
		h.Fatal(err)
	}
}

// contact makes a contact of a phone and a mail address; empty: none.
func (h *house) contact(name, phone, mail string) (c bridge.Contact) {
	h.Helper()
	c.Name = name
	if phone != "" {
		c.Addresses = append(c.Addresses, bridge.Address{Channel: bridge.SMS, Value: phone, Answerable: true})
	}
	if mail != "" {
		c.Addresses = append(c.Addresses, bridge.Address{Channel: bridge.Email, Value: mail, Answerable: true})
	}
	h.write(func(tx *data.Tx) (err error) {
		c, err = tx.AddContact(c, h.now())
		return err
	})
	return c
}

// wants sets how a contact is told.
func (h *house) wants(c bridge.Contact, told bridge.Told) {
	h.Helper()
	if err := h.in.SetWishes(h.Context(), c.ID, intake.Wishes{Told: told}); err != nil {
		h.Fatal(err)
	}
}

// talk is the customer conversation of a contact.
func (h *house) talk(c bridge.Contact) (id bridge.ConversationID) {
	h.Helper()
	h.write(func(tx *data.Tx) (err error) {
		line, err := tx.SendingLine(0)
		if err != nil {
			return err
		}
		id, err = tx.CustomerConversation(c, line.ID, h.now())
		return err
	})
	return id
}

// says is an answer of the owner.
func (h *house) says(conv bridge.ConversationID, body string) bridge.Message {
	h.Helper()
	m, err := h.in.Reply(h.Context(), h.sam, intake.Draft{Conversation: conv, Body: body})
	if err != nil {
		h.Fatal(err)
	}
	return m
}

// until waits, at most 20 s.
func (h *house) until(what string, done func() bool) {
	h.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.Fatalf("not after 20 s: %s", what)
		}
	}
}

// settled waits until nothing is due, and gives all that left so far.
func (h *house) settled() []bridge.Outgoing {
	h.Helper()
	h.until("nothing is due", func() bool {
		var busy bool
		h.read(func(tx *data.Tx) error {
			for _, s := range []bridge.DeliveryState{bridge.Queued, bridge.Sending} {
				ds, err := tx.Deliveries(s, 1000)
				if err != nil {
					return err
				}
				for _, d := range ds {
					busy = busy || s == bridge.Sending || !d.NextAt.After(h.now())
				}
			}
			return nil
		})
		return !busy
	})
	return h.post.all()
}

// to gives what left for an address.
func (h *house) to(address string) (out []bridge.Outgoing) {
	h.Helper()
	for _, o := range h.settled() {
		if o.To == address {
			out = append(out, o)
		}
	}
	return out
}

var (
	linked = regexp.MustCompile(`https://texts\.example\.com(/[^\s"<>]*)`)
	digits = regexp.MustCompile(`\b\d{6}\b`)
	// What differs between two answers to anybody.
	revs    = regexp.MustCompile(`data-rev="\d+"`)
	lengths = regexp.MustCompile(`Content-Length:\[\d+\]`)
	helloed = regexp.MustCompile(`Hello \w+`)
)

// spoken is all that an outgoing says.
func spoken(o bridge.Outgoing) string {
	if o.Notice == nil {
		return o.Body
	}
	n := o.Notice
	out := strings.Join([]string{n.Title, n.Link, n.Unsubscribe, n.Settings, n.Code}, " \n ")
	for _, m := range n.Messages {
		out += "\n" + m.Author + ": " + m.Body
	}
	return out
}

// link asks for a link to an address and gives its path, /m/….
func (h *house) link(address string) string {
	h.Helper()
	before := len(h.to(address))
	if err := h.in.AskLink(h.Context(), address); err != nil {
		h.Fatal(err)
	}
	got := h.to(address)
	if len(got) != before+1 {
		h.Fatalf("asked for a link to %s: %d left", address, len(got)-before)
	}
	return h.wayIn(got[before])
}

// wayIn is the magic link in what left.
func (h *house) wayIn(o bridge.Outgoing) string {
	h.Helper()
	for _, m := range linked.FindAllStringSubmatch(spoken(o), -1) {
		if strings.HasPrefix(m[1], "/m/") {
			return m[1]
		}
	}
	h.Fatalf("no link in %q", spoken(o))
	return ""
}

// code asks for the six digits of a link.
func (h *house) code(b *browser, link, address string) string {
	h.Helper()
	before := len(h.to(address))
	if r, body := b.post(link+"/code", nil); r.StatusCode != 303 {
		h.Fatalf("ask for a code: %d %s", r.StatusCode, body)
	}
	got := h.to(address)
	if len(got) != before+1 {
		h.Fatalf("%d codes left", len(got)-before)
	}
	return digits.FindString(spoken(got[before]))
}

// comesIn is a browser in which a contact is signed in.
func (h *house) comesIn(c bridge.Contact) *browser {
	h.Helper()
	b := h.browser()
	if r, body := b.post(h.link(c.Addresses[0].Value), nil); r.StatusCode != 303 {
		h.Fatalf("come in: %d %s", r.StatusCode, body)
	}
	return b
}

// signedOut reports whether a browser has to ask for a link.
func (b *browser) signedOut() bool {
	b.Helper()
	r, _ := b.get("/portal")
	return r.StatusCode == 303 && strings.HasPrefix(r.Header.Get("Location"), "/portal/enter")
}

// twin is a browser with the same cookies.
func (b *browser) twin() *browser {
	b.Helper()
	out := b.office.browser()
	at := must(url.Parse(b.url))
	out.c.Jar = must(cookiejar.New(nil))
	out.c.Jar.SetCookies(at, b.c.Jar.Cookies(at))
	return out
}

// listens keeps what is logged until the test ends.
func (h *house) listens() func() string {
	var mu sync.Mutex
	var out bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(lockedWriter{&mu, &out}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	h.Cleanup(func() { slog.SetDefault(was) })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return out.String()
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
