package smstest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"porchlight/bridge/sms"
)

// A message is what Twilio keeps of a text.
type message struct {
	sid, service     string
	from, to, body   string
	inbound          bool
	status           string
	code             int
	statusCallback   string
	media            []storedMedia
	mediaURLs        []string // from which an outbound one's are fetched
	created, updated time.Time
	seq              int
}

type storedMedia struct {
	sid string
	Media
}

// Media is a file that a handset sends.
type Media struct {
	ContentType string
	Data        []byte
}

// A Text is one message as a handset shows it.
type Text struct {
	SID, From, To, Body string
	Media               int // files
	At                  time.Time
	seq                 int
}

// Handset gives the conversation as the number's owner sees it, in the order of
// writing. A text that did not arrive is not there.
func (s *Server) Handset(number string) []Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	texts := slices.Clone(s.handsets[number])
	slices.SortStableFunc(texts, func(a, b Text) int { return a.seq - b.seq })
	return texts
}

// Handsets lists the numbers that saw or wrote anything, in order.
func (s *Server) Handsets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var numbers []string
	for n := range s.handsets {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

// An AcceptedText is one create that the Server took, whatever it answered.
type AcceptedText struct {
	SID, From, To, Body string
	Token               string // d= of the StatusCallback
	At                  time.Time
}

// Sent lists all that was taken, in order, for checks of exactly once.
func (s *Server) Sent() []AcceptedText {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sent []AcceptedText
	for _, m := range s.messages {
		if !m.inbound {
			sent = append(sent, AcceptedText{m.sid, m.from, m.to, m.body, tokenOf(m.statusCallback), m.created})
		}
	}
	return sent
}

// Accepted counts the creates that were taken.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// AcceptedByToken counts the creates that were taken with a token; more than
// one is a double.
func (s *Server) AcceptedByToken(token string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.tokens[s.hash(token)])
}

// Doubles counts the creates that were taken with a token seen before.
func (s *Server) Doubles() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doubles
}

func tokenOf(statusCallback string) string {
	u, err := url.Parse(statusCallback)
	if err != nil {
		return ""
	}
	return u.Query().Get("d")
}

// show puts a text on a handset. The lock is held.
func (s *Server) show(number string, m *message) {
	if s.opts.Forget {
		return
	}
	s.handsets[number] = append(s.handsets[number],
		Text{SID: m.sid, From: m.from, To: m.to, Body: m.body, Media: len(m.media), At: time.Now(), seq: m.seq})
}

// keep stores a message under its id. The lock is held.
func (s *Server) keep(m *message) {
	if s.opts.Forget {
		return
	}
	m.seq = len(s.messages)
	s.messages = append(s.messages, m)
	s.bySID[m.sid] = m
}

// resource is the JSON of Twilio's Message.
type resource struct {
	Body                string            `json:"body"`
	NumSegments         string            `json:"num_segments"`
	Direction           string            `json:"direction"`
	From                *string           `json:"from"`
	To                  string            `json:"to"`
	DateUpdated         string            `json:"date_updated"`
	Price               *string           `json:"price"`
	ErrorMessage        *string           `json:"error_message"`
	URI                 string            `json:"uri"`
	AccountSID          string            `json:"account_sid"`
	NumMedia            string            `json:"num_media"`
	Status              string            `json:"status"`
	MessagingServiceSID *string           `json:"messaging_service_sid"`
	SID                 string            `json:"sid"`
	DateSent            *string           `json:"date_sent"`
	DateCreated         string            `json:"date_created"`
	ErrorCode           *int              `json:"error_code"`
	PriceUnit           string            `json:"price_unit"`
	APIVersion          string            `json:"api_version"`
	SubresourceURIs     map[string]string `json:"subresource_uris"`
}

func (s *Server) resource(m *message) resource {
	path := fmt.Sprintf("/2010-04-01/Accounts/%s/Messages/%s", s.opts.AccountSID, m.sid)
	r := resource{
		Body: m.body, NumSegments: strconv.Itoa(sms.Segments(m.body).Segments), Direction: "outbound-api",
		From: &m.from, To: m.to, DateUpdated: stamp(m.updated), DateCreated: stamp(m.created),
		URI: path + ".json", AccountSID: s.opts.AccountSID, NumMedia: strconv.Itoa(len(m.media)),
		Status: m.status, SID: m.sid, PriceUnit: "USD", APIVersion: "2010-04-01",
		SubresourceURIs: map[string]string{"media": path + "/Media.json"},
	}
	if m.inbound {
		r.Direction = "inbound"
	}
	if m.service != "" {
		r.MessagingServiceSID = &m.service
	}
	if m.status == "accepted" { // the service has not chosen a sender yet
		r.From, r.NumSegments = nil, "0"
	}
	if m.code != 0 {
		r.ErrorCode = &m.code
	}
	if m.status != "queued" && m.status != "accepted" {
		sent := stamp(m.created)
		r.DateSent = &sent
	}
	return r
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// render gives JSON of a value that is made of strings and numbers only.
func render(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
