package inbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/live"
	"porchlight/bridge/notify"
	"porchlight/bridge/outbox"
	"porchlight/bridge/receptionist"
	"porchlight/bridge/routine"
	"porchlight/bridge/sms"
	"porchlight/bridge/sms/smstest"
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

// A desk is an office where an AI receptionist answers texts: all that cmd wires, with
// the carrier and the receptionist on the wire. Its clock is moved by the test.
type desk struct {
	*office
	sim   *smstest.Server
	bot   *robot
	mails *postbox
	nodes []*node
	ahead atomic.Int64
	seen  atomic.Int64 // texts so far
	// door is opened by whatever the receptionist asks of us next, before it is looked at.
	door atomic.Pointer[func()]
}

// A node is one Porchlight of several on the same store.
type node struct {
	store         *data.Store
	in            *intake.Intake
	url           string
	wake, waiting chan struct{}
}

// A deskPlan is what differs between desks.
type deskPlan struct {
	nodes  int // 0 is 1
	botURL string
	onDuty []bridge.Phone
	change func(*outbox.Options)
}

const (
	deskLine    = "+14155550100"
	botKey      = "a key of thirty-two bytes, no more"
	robotsName  = "AI receptionist"
	introducing = "Automatic assistant: "
)

func eachDesk(t *testing.T, test func(*desk)) {
	t.Helper()
	datatest.EachOptions(t, func(t *testing.T, o data.Options) { test(newDesk(t, o, deskPlan{})) })
}

func newDesk(t *testing.T, o data.Options, plan deskPlan) *desk {
	t.Helper()
	d := &desk{sim: smstest.New(smstest.Options{Delays: smstest.Instant}), mails: &postbox{Dictionary: must(sms.New(sms.Options{AccountSID: smstest.AccountSID, Secret: "x"}))}}
	t.Cleanup(d.sim.Close)
	carrierURL := must(d.sim.Start())
	d.office = &office{T: t, began: make(chan struct{}, 1)}
	d.bot = newRobot(d)
	if plan.botURL == "" {
		plan.botURL = d.bot.url
	}
	for range max(plan.nodes, 1) {
		d.opens(o, plan, carrierURL)
	}
	d.store, d.in, d.url = d.nodes[0].store, d.nodes[0].in, d.nodes[0].url
	d.hire()
	d.write(func(tx *data.Tx) error {
		if _, err := tx.PutLine(bridge.Line{Channel: bridge.Email, Mailbox: "office@example.com", Name: "Office", Active: true}); err != nil {
			return err
		}
		_, err := tx.PutLine(bridge.Line{Channel: bridge.Webhook, Mailbox: "receptionist", Name: robotsName, Active: true})
		return err
	})
	d.settings(func(s *bridge.Settings) {
		s.QuietFrom, s.QuietUntil = 0, 0
		s.Receptionist = bridge.ReceptionistSettings{Texts: bridge.AlwaysAnswers}
	})
	return d
}

// opens starts a node, as cmd does.
func (d *desk) opens(o data.Options, plan deskPlan, carrierURL string) {
	d.Helper()
	n := &node{wake: make(chan struct{}, 1), waiting: make(chan struct{}, 1)}
	hub := live.New()
	o.OnCommit = func(c bridge.Commit) {
		hub.Publish(c)
		if c.Queued || c.Missed {
			signal(n.wake)
		}
		if c.Waiting || c.Missed {
			signal(n.waiting)
		}
	}
	n.store = must(data.Open(d.Context(), o))
	server := httptest.NewUnstartedServer(nil)
	n.url = "http://" + server.Listener.Addr().String()
	carrier := must(sms.New(sms.Options{
		AccountSID: smstest.AccountSID, Secret: smstest.AuthToken, BaseURL: carrierURL, StatusURL: n.url + "/webhooks/twilio/status", Timeout: 5 * time.Second,
	}))
	hook := must(receptionist.NewHook(plan.botURL, []byte(botKey), d.now))
	n.in = intake.New(intake.Options{
		Store: n.store, Now: d.now, Words: map[bridge.Channel]bridge.Dictionary{bridge.SMS: carrier, bridge.Email: carrier, bridge.Webhook: hook}, Answerable: sms.Answerable, Region: "US",
		Split: func(text string) []string { return sms.Split(text, sms.MaxText) }, Segments: func(text string) int { return sms.Segments(text).Segments },
		Bot: true, BotName: robotsName, Zone: time.UTC, OnDuty: plan.onDuty,
	})
	hooks := must(webhooks.New(webhooks.Options{Intake: n.in, Now: d.now, PublicURL: n.url, AccountSID: smstest.AccountSID, Tokens: []string{smstest.AuthToken}}))
	w := web.New(web.Options{Store: n.store, Set: must(templates.Parse()), Now: d.now, Zone: time.UTC, Business: "Brightwater Plumbing", PublicURL: n.url})
	handler := must(inbox.Handler(inbox.Options{
		Web: w, Staff: staff.New(w, n.in, hub), Portal: portal.New(portal.Options{Web: w, Intake: n.in, Hub: hub}), API: api.New(n.store, n.in), Webhooks: hooks,
	}))
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer hold_") {
			if door := d.door.Swap(nil); door != nil {
				(*door)()
			}
		}
		handler.ServeHTTP(w, r)
	})
	server.Start()
	words := notify.New(notify.Options{Now: d.now, PublicURL: n.url, Business: bridge.Sender{Name: "Brightwater Plumbing"}, Zone: time.UTC})
	leaving := outbox.Options{
		Store: n.store, Carriers: map[bridge.Channel]bridge.Carrier{bridge.SMS: carrier, bridge.Email: d.mails, bridge.Webhook: hook},
		Prepare: words.Prepare, Failed: n.in.FallBack, Wake: n.wake, Now: d.now,
	}
	if plan.change != nil {
		plan.change(&leaving)
	}
	clock := routine.New(routine.Options{Store: n.store, Now: d.now, HandOver: n.in.HandUnanswered, Waiting: n.waiting})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- outbox.New(leaving).Run(ctx) }()
	go func() { done <- clock.Run(ctx) }()
	d.nodes = append(d.nodes, n)
	d.Cleanup(func() {
		cancel()
		err := errors.Join(<-done, <-done)
		hub.Close()
		server.Close()
		hook.Close()
		if err := errors.Join(err, n.store.Close()); err != nil {
			d.Error(err)
		}
	})
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // one signal waits already
	}
}

func (d *desk) now() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())) }

// later moves the clock.
func (d *desk) later(by time.Duration) {
	d.ahead.Add(int64(by))
	for _, n := range d.nodes {
		signal(n.wake)
		signal(n.waiting)
	}
}

func (d *desk) write(fn func(*data.Tx) error) {
	d.Helper()
	if err := d.store.Write(context.Background(), fn); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) read(fn func(*data.Tx) error) {
	d.Helper()
	if err := d.store.Read(context.Background(), fn); err != nil {
		d.Fatal(err)
	}
}

// until waits, at most 20 s.
func (d *desk) until(what string, done func() bool) {
	d.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			d.Fatalf("not after 20 s: %s", what)
		}
	}
}

// texts lets somebody write to the line, and gives where it landed.
func (d *desk) texts(from, body string) (bridge.ConversationID, bridge.MessageID) {
	d.Helper()
	r, err := d.in.Receive(context.Background(), bridge.Inbound{
		Channel: bridge.SMS, CarrierID: fmt.Sprintf("SM%032x", d.seen.Add(1)), From: from, To: deskLine, Body: body, At: d.now(),
	})
	if err != nil {
		d.Fatal(err)
	}
	return r.Conversation, r.Message
}

func (d *desk) row(id bridge.ConversationID) (c bridge.Conversation) {
	d.Helper()
	d.read(func(tx *data.Tx) (err error) {
		c, err = tx.AnyConversation(id)
		return err
	})
	return c
}

// said is all of a conversation, the oldest first.
func (d *desk) said(id bridge.ConversationID) (ms []bridge.Message) {
	d.Helper()
	d.read(func(tx *data.Tx) (err error) {
		ms, err = tx.Messages(id, 0, 1000)
		return err
	})
	return ms
}

// by gives those of messages that a kind of author wrote to the other side.
func by(kind bridge.AuthorKind, ms []bridge.Message) (out []bridge.Message) {
	for _, m := range ms {
		if m.Author.Kind == kind && (m.Direction == bridge.In || m.Direction == bridge.Out) {
			out = append(out, m)
		}
	}
	return out
}

// card is the newest handoff that stands in a conversation.
func (d *desk) card(id bridge.ConversationID) (h bridge.Handoff) {
	d.Helper()
	for _, m := range d.said(id) {
		if m.Handoff != nil {
			h = *m.Handoff
		}
	}
	return h
}

// delivery is how the one delivery of a message stands.
func (d *desk) delivery(id bridge.MessageID) (out bridge.Delivery) {
	d.Helper()
	d.read(func(tx *data.Tx) error {
		m, err := tx.Message(id)
		if err == nil && len(m.Deliveries) != 1 {
			err = fmt.Errorf("message %d has %d deliveries", id, len(m.Deliveries))
		}
		if err == nil {
			out = m.Deliveries[0]
		}
		return err
	})
	return out
}

func (d *desk) becomes(id bridge.MessageID, s bridge.DeliveryState) {
	d.Helper()
	d.until(fmt.Sprintf("delivery of message %d is %s", id, s), func() bool { return d.delivery(id).State == s })
}

// toldOf lists the deliveries by which the receptionist is told, the newest first.
func (d *desk) toldOf(id bridge.ConversationID) (out []bridge.Delivery) {
	d.Helper()
	d.read(func(tx *data.Tx) error {
		all, err := tx.Deliveries("", 100_000)
		for _, x := range all {
			if x.Purpose == bridge.ForBot && x.Conversation == id {
				out = append(out, x)
			}
		}
		return err
	})
	return out
}

func (d *desk) hold(id bridge.HoldID) (h bridge.Hold) {
	d.Helper()
	d.read(func(tx *data.Tx) (err error) {
		h, err = tx.Hold(id)
		return err
	})
	return h
}

// answers is an answer of the receptionist by its token.
func (d *desk) answers(h heard, body, key string) answer {
	d.Helper()
	return d.ask("POST", "/conversations/"+h.Data.ConversationID+"/messages", fmt.Sprintf(`{"body":%q}`, body), h.Data.Token, key)
}

func (d *desk) handsOff(h heard, body string) answer {
	d.Helper()
	return d.ask("POST", "/conversations/"+h.Data.ConversationID+"/handoff", body, h.Data.Token)
}

func (d *desk) takesOver(id bridge.ConversationID) {
	d.Helper()
	if err := d.in.TakeOver(d.Context(), d.sam, id); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) givesBack(id bridge.ConversationID) {
	d.Helper()
	if err := d.in.GiveBack(d.Context(), d.sam, id); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) replies(id bridge.ConversationID, body string) bridge.Message {
	d.Helper()
	m, err := d.in.Reply(d.Context(), d.sam, intake.Draft{Conversation: id, Body: body})
	if err != nil {
		d.Fatal(err)
	}
	return m
}

// hears waits until the receptionist has been told of n things, and gives the last.
func (d *desk) hears(n int) heard {
	d.Helper()
	d.until(fmt.Sprintf("the receptionist hears %d", n), func() bool { return len(d.bot.all()) >= n })
	all := d.bot.all()
	if len(all) != n {
		d.Fatalf("the receptionist heard %d times, not %d", len(all), n)
	}
	return all[n-1]
}

// handset is what arrived at a phone.
func (d *desk) handset(phone string) (out []string) {
	for _, s := range d.sim.Sent() {
		if s.To == phone {
			out = append(out, s.Body)
		}
	}
	return out
}

// A robot is the receptionist's server. It checks every signature.
type robot struct {
	*desk
	url string

	mu    sync.Mutex
	heard []heard
	// does says what it answers, and may answer by the API meanwhile; nil: 204.
	does func(heard) int
}

type heard struct {
	Webhook string // its id
	Raw     string
	Status  int // that was answered
	Type    string
	Data    struct {
		ConversationID string     `json:"conversation_id"`
		Token          string     `json:"token"`
		ReplyURL       string     `json:"reply_url"`
		HandoffURL     string     `json:"handoff_url"`
		AnswerBy       *time.Time `json:"answer_by"`
		Contact        struct{ Name string }
		Message        *words
		History        []words
	}
}

type words struct{ ID, From, Channel, Body string }

func newRobot(d *desk) *robot {
	r := &robot{desk: d}
	s := httptest.NewServer(http.HandlerFunc(r.serve))
	d.Cleanup(s.Close)
	r.url = s.URL + "/hook"
	return r
}

func (r *robot) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // cut off by the end of the test
	}
	var h heard
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&h); err != nil {
		r.Errorf("%v in %s", err, body)
	}
	wh := must(standardwebhooks.NewWebhookRaw([]byte(botKey)))
	if err := wh.VerifyIgnoringTimestamp(body, req.Header); err != nil || req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json" {
		r.Errorf("not signed as Standard Webhooks wants it: %v %v", err, req.Header)
	}
	// The test's clock may have been moved ahead since it was signed, and never back.
	if at := time.Unix(must(strconv.ParseInt(req.Header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)), 0); time.Since(at) > time.Hour || at.After(r.now()) {
		r.Errorf("signed at %v", at)
	}
	h.Webhook, h.Raw, h.Status = req.Header.Get(standardwebhooks.HeaderWebhookID), string(body), http.StatusNoContent
	r.mu.Lock()
	does := r.does
	r.mu.Unlock()
	if does != nil {
		h.Status = does(h)
	}
	r.mu.Lock()
	r.heard = append(r.heard, h)
	r.mu.Unlock()
	if h.Status >= 300 && h.Status < 400 {
		w.Header().Set("Location", r.url+"/elsewhere")
	}
	w.WriteHeader(h.Status)
}

// says sets what it answers from now on.
func (r *robot) says(does func(heard) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.does = does
}

func (r *robot) all() []heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]heard(nil), r.heard...)
}
