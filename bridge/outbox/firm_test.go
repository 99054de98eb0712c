package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/bridge/outbox"
	"porchlight/bridge/sms"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
	"porchlight/data/datatest"
)

const (
	ourLine    = "+14155550100"
	priya      = "+14155550134" // her phone takes every text
	alex       = "+14155550135"
	landline   = "+14155550172"
	optedOut   = "+14155550178"
	doubled    = "+14155550182" // everything is reported twice
	disorderly = "+14155550183" // reported in the wrong order
	busy       = "+14155550185" // 429 twice
	silent     = "+14155550188" // never reported
)

// A firm is a business with an outbox, a store and a carrier on the wire.
type firm struct {
	*testing.T
	store   *data.Store
	sim     *smstest.Server
	carrier bridge.Carrier
	wake    chan struct{}
	line    bridge.LineID
	owner   bridge.Staff
	ahead   atomic.Int64 // how far the outbox's clock is before ours

	mu sync.Mutex
	// onCreate stands between the outbox and the carrier's answer to a create: it
	// calls answer to have the carrier take the text.
	onCreate func(w http.ResponseWriter, form string, answer func() *httptest.ResponseRecorder)
	onList   http.HandlerFunc
	tokens   bool // the carrier's reports carry our token
	reports  []bridge.Step
}

// eachFirm runs a test for a firm on each engine.
func eachFirm(t *testing.T, test func(*firm)) {
	t.Helper()
	t.Parallel()
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		f := &firm{T: t, sim: smstest.New(smstest.Options{Delays: smstest.Instant}), wake: make(chan struct{}, 1), tokens: true}
		t.Cleanup(f.sim.Close)
		o.OnCommit = func(c bridge.Commit) {
			if c.Queued {
				f.look()
			}
		}
		var err error
		if f.store, err = data.Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := f.store.Close(); err != nil {
				t.Error(err)
			}
		})
		api := httptest.NewServer(http.HandlerFunc(f.api))
		t.Cleanup(api.Close)
		hook := httptest.NewServer(http.HandlerFunc(f.status))
		t.Cleanup(hook.Close)
		f.carrier, err = sms.New(sms.Options{
			AccountSID: smstest.AccountSID, Secret: smstest.AuthToken, BaseURL: api.URL, StatusURL: hook.URL, Timeout: 5 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		f.write(func(tx *data.Tx) (err error) {
			if f.line, err = tx.PutLine(bridge.Line{Phone: ourLine, Name: "Main"}); err != nil {
				return err
			}
			f.owner, err = tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, "x", time.Now())
			return err
		})
		test(f)
	})
}

// api is the simulator, with what the test puts before it.
func (f *firm) api(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	onCreate, onList := f.onCreate, f.onList
	f.mu.Unlock()
	switch {
	case r.Method == http.MethodPost && onCreate != nil:
		body, _ := io.ReadAll(r.Body) // a short body fails in the simulator
		onCreate(w, string(body), func() *httptest.ResponseRecorder {
			r.Body = io.NopCloser(bytes.NewReader(body))
			rec := httptest.NewRecorder()
			f.sim.ServeHTTP(rec, r)
			return rec
		})
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/Messages.json") && onList != nil:
		onList(w, r)
	default:
		f.sim.ServeHTTP(w, r)
	}
}

// pass hands the carrier's answer on to the outbox.
func pass(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()) // the outbox may be gone
}

// status takes the carrier's reports, as the webhooks and the door in do.
func (f *firm) status(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		f.Error(err)
	}
	token := r.URL.Query().Get("d")
	if f.mu.Lock(); !f.tokens {
		token = ""
	}
	f.mu.Unlock()
	receipt, err := sms.DecodeStatus(r.PostForm, token)
	if err != nil {
		f.Error(err)
	}
	f.receive(receipt)
}

func (f *firm) receive(r bridge.Receipt) {
	step := bridge.Ignored
	r.At = f.now()
	err := f.store.Write(context.Background(), func(tx *data.Tx) error {
		d, err := tx.DeliveryOf(r.Token, r.CarrierID)
		if errors.Is(err, bridge.ErrNotFound) {
			return tx.AddReceipt(r, 0, step)
		}
		if err == nil {
			_, step, err = tx.ApplyReceipt(d, r, f.carrier)
		}
		return err
	})
	if err != nil {
		f.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports = append(f.reports, step)
}

func (f *firm) now() time.Time { return time.Now().Add(time.Duration(f.ahead.Load())) }

// later moves the outbox's clock.
func (f *firm) later(d time.Duration) {
	f.ahead.Add(int64(d))
	f.look()
}

func (f *firm) look() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *firm) write(fn func(*data.Tx) error) {
	f.Helper()
	if err := f.store.Write(context.Background(), fn); err != nil {
		f.Fatal(err)
	}
}

func (f *firm) read(fn func(*data.Tx) error) {
	f.Helper()
	if err := f.store.Read(context.Background(), fn); err != nil {
		f.Fatal(err)
	}
}

// quick makes lost answers a matter of milliseconds.
func quick(o *outbox.Options) { o.CheckAfter, o.SureAfter = 20*time.Millisecond, 200*time.Millisecond }

// opens runs the outbox until the test ends, or until the function that it gives.
func (f *firm) opens(change ...func(*outbox.Options)) (stop func()) {
	f.Helper()
	o := outbox.Options{
		Store: f.store, Carriers: map[bridge.Channel]bridge.Carrier{bridge.SMS: f.carrier}, Wake: f.wake, Now: f.now,
		Timeout: 5 * time.Second, Alone: true,
	}
	for _, c := range change {
		c(&o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- outbox.New(o).Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			f.Errorf("outbox: %v", err)
		}
	})
	f.Cleanup(stop)
	return stop
}

// conversation gives the conversation with a phone.
func (f *firm) conversation(phone string) (id bridge.ConversationID) {
	f.Helper()
	f.write(func(tx *data.Tx) error {
		known, err := tx.AddressesOf(bridge.SMS, phone)
		if err != nil {
			return err
		}
		var c bridge.Contact
		if len(known) > 0 {
			c, err = tx.Contact(known[0].Contact)
		} else {
			c, err = tx.AddContact(bridge.Contact{Addresses: []bridge.Address{{Channel: bridge.SMS, Value: phone, Answerable: true}}}, f.now())
		}
		if err == nil {
			id, err = tx.CustomerConversation(c, f.line, f.now())
		}
		return err
	})
	return id
}

// says queues a text to a phone.
func (f *firm) says(phone, body string, change ...func(*bridge.Delivery)) bridge.DeliveryID {
	f.Helper()
	conv := f.conversation(phone)
	var id bridge.DeliveryID
	f.write(func(tx *data.Tx) error {
		now := f.now()
		m, err := tx.AddMessage(bridge.Message{Conversation: conv, At: now, Direction: bridge.Out, Channel: bridge.SMS, Body: body})
		if err != nil {
			return err
		}
		d := bridge.Delivery{Message: m.ID, Conversation: conv, Line: f.line, Channel: bridge.SMS, To: phone, Segments: 1}
		for _, c := range change {
			c(&d)
		}
		d, err = tx.AddDelivery(d, now)
		id = d.ID
		return err
	})
	return id
}

func (f *firm) delivery(id bridge.DeliveryID) (d bridge.Delivery) {
	f.Helper()
	f.read(func(tx *data.Tx) (err error) {
		d, err = tx.Delivery(id)
		return err
	})
	return d
}

func (f *firm) row(phone string) (c bridge.Conversation) {
	f.Helper()
	conv := f.conversation(phone)
	f.read(func(tx *data.Tx) (err error) {
		c, err = tx.Conversation(f.owner, conv)
		return err
	})
	return c
}

// outcomes are what became of a delivery's attempts.
func (f *firm) outcomes(id bridge.DeliveryID) (out []bridge.OutcomeKind) {
	f.Helper()
	f.read(func(tx *data.Tx) error {
		as, err := tx.Attempts(id)
		for _, a := range as {
			out = append(out, a.Outcome)
		}
		return err
	})
	return out
}

// until waits, at most 20 s, and gives what it waited for.
func (f *firm) until(what string, done func() bool) {
	f.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			f.Fatalf("not after 20 s: %s", what)
		}
	}
}

func (f *firm) becomes(id bridge.DeliveryID, s bridge.DeliveryState) (d bridge.Delivery) {
	f.Helper()
	f.until(fmt.Sprintf("delivery is %s", s), func() bool {
		d = f.delivery(id)
		return d.State == s
	})
	return d
}

// bodies lists what the carrier took, in order.
func (f *firm) bodies() []string {
	var out []string
	for _, t := range f.sim.Sent() {
		out = append(out, t.Body)
	}
	return out
}

func (f *firm) once(id bridge.DeliveryID) {
	f.Helper()
	if n := f.sim.AcceptedByToken(f.delivery(id).Token); n != 1 {
		f.Errorf("the carrier took it %d times", n)
	}
}

func (f *firm) tried(id bridge.DeliveryID, want ...bridge.OutcomeKind) {
	f.Helper()
	if d := cmp.Diff(want, f.outcomes(id)); d != "" {
		f.Errorf("attempts: %s", d)
	}
}
