// Package smstest is a Twilio on the wire, for tests, benchmarks and the demo.
// It takes texts as Twilio's REST API does, reports on them with signed
// callbacks, and lets handsets text back through signed webhooks. It puts calls
// through as it is told to, plays the part of everybody who picks up, and records
// voicemails. It misbehaves where it is told to.
package smstest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"net"
	"net/http"
	"sync"
	"time"

	"porchlight/bridge/sms"
)

// What Options default to. The token signs webhooks, so a program under test
// needs it too.
const (
	AccountSID = "AC00000000000000000000000000000001"
	AuthToken  = "0123456789abcdef0123456789abcdef"
)

// Delays are the times from the create request to its reports. They default to
// a pace that a spectator can follow.
type Delays struct {
	Sent      time.Duration // 0 is 300 ms
	Delivered time.Duration // 0 is 800 ms; also undelivered
	Slow      time.Duration // 0 is 8 s; delivered, for Slow
}

// Instant is the pace for tests.
var Instant = Delays{Sent: time.Millisecond, Delivered: 2 * time.Millisecond, Slow: 200 * time.Millisecond}

// Options may all be left out.
type Options struct {
	AccountSID, AuthToken   string
	APIKeySID, APIKeySecret string // a second login, as Twilio's API keys
	Delays                  Delays
	BaseURL                 string        // of media addresses, for a Server mounted elsewhere than by Start
	Numbers                 []string      // that may send; any number may when empty
	ServiceNumber           string        // sends for a Messaging Service; +14155550100 when empty
	BusyTimes               int           // refusals by Busy before it takes a text; 0 is 2
	WebhookTimeout          time.Duration // 0 is Twilio's 15 s
	// Forget keeps counters only, so that a benchmark measures the program and
	// not this memory: no list, no handsets, no log.
	Forget bool
}

// A Server is one Twilio account.
type Server struct {
	opts Options
	http *http.Client
	seed maphash.Seed

	ctx    context.Context // of callbacks; canceled by Close
	cancel context.CancelFunc

	mu          sync.Mutex
	idle        *sync.Cond // pending became 0
	pending     int        // messages whose reports are not finished
	closed      bool
	base        string
	webhook     string
	fallback    string
	voice       VoiceURLs
	recordings  map[string][]byte // by id
	messages    []*message        // in order of creation
	bySID       map[string]*message
	handsets    map[string][]Text
	optedOut    map[pair]bool
	behaviours  map[string]Behaviour
	busy        map[string]int
	faults      []Fault
	accepted    int
	tokens      map[uint64]uint32 // accepted creates by hash of their token: 12 bytes each
	doubles     int
	subscribers map[chan struct{}]bool
	wire        []Exchange
	listener    *http.Server
	served      chan struct{}
}

// A pair is a handset and the line that it blocked.
type pair struct{ handset, line string }

// New makes a Server that listens nowhere yet.
func New(o Options) *Server {
	o.AccountSID = cmp.Or(o.AccountSID, AccountSID)
	o.AuthToken = cmp.Or(o.AuthToken, AuthToken)
	o.ServiceNumber = cmp.Or(o.ServiceNumber, "+14155550100")
	o.BusyTimes = cmp.Or(o.BusyTimes, 2)
	o.WebhookTimeout = cmp.Or(o.WebhookTimeout, 15*time.Second)
	o.Delays.Sent = cmp.Or(o.Delays.Sent, 300*time.Millisecond)
	o.Delays.Delivered = cmp.Or(o.Delays.Delivered, 800*time.Millisecond)
	o.Delays.Slow = cmp.Or(o.Delays.Slow, 8*time.Second)
	s := &Server{
		opts: o, base: cmp.Or(o.BaseURL, sms.DefaultBaseURL), seed: maphash.MakeSeed(),
		http: &http.Client{
			Timeout:       o.WebhookTimeout,
			Transport:     &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 128, MaxConnsPerHost: 128, IdleConnTimeout: 10 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		bySID: map[string]*message{}, handsets: map[string][]Text{}, optedOut: map[pair]bool{},
		behaviours: map[string]Behaviour{}, busy: map[string]int{}, tokens: map[uint64]uint32{},
		subscribers: map[chan struct{}]bool{}, recordings: map[string][]byte{},
	}
	for _, n := range Numbers() {
		s.behaviours[n.Phone] = n.Behaviour
	}
	s.idle = sync.NewCond(&s.mu)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Start listens on the loopback interface and gives the base URL.
func (s *Server) Start() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.listener != nil {
		l.Close()
		return "", errors.New("smstest: started or closed before")
	}
	s.base = cmp.Or(s.opts.BaseURL, "http://"+l.Addr().String())
	s.listener = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		_ = s.listener.Serve(l) // ends by Close, or with the listener
	}()
	return s.base, nil
}

// Close stops listening, drops the reports that are not due yet and waits for
// those that are on their way.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	l := s.listener
	s.mu.Unlock()
	s.cancel()
	if l != nil {
		_ = l.Close()
		<-s.served
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.pending > 0 {
		s.idle.Wait()
	}
	s.http.CloseIdleConnections()
}

// Drain waits until every report on the texts so far was posted.
func (s *Server) Drain(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.idle.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.pending > 0 && ctx.Err() == nil {
		s.idle.Wait()
	}
	return ctx.Err()
}

// SetWebhook says where texts from handsets are posted; empty is nowhere.
func (s *Server) SetWebhook(smsURL string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhook = smsURL
}

// SetFallback says where a text is posted when the webhook failed.
func (s *Server) SetFallback(smsURL string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fallback = smsURL
}

// SetBehaviour says what happens to texts to a number from now on.
func (s *Server) SetBehaviour(number string, b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviours[number] = b
	delete(s.busy, number)
}

// Subscribe gives a channel that wakes when anything moved. Waking may stand for
// several moves. cancel ends it.
func (s *Server) Subscribe() (wake <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers[c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, c)
	}
}

// moved wakes the subscribers. The lock is held.
func (s *Server) moved() {
	for c := range s.subscribers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// newID gives a Twilio id: two letters and 32 hex digits.
func newID(prefix string) string {
	var b [16]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return prefix + hex.EncodeToString(b[:])
}
