package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"porchlight/bridge/receptionist"
	"porchlight/webhooks"
)

// The demo's AI receptionist is played by this process, as its carrier is: it speaks
// the same wire as a real one, and knows nothing that it is not told there.
type demoBot struct {
	key    []byte
	verify receptionist.Verifier
	wh     *standardwebhooks.Webhook
	server *http.Server
	url    string
	think  time.Duration // before it answers
	ctx    context.Context
	cancel context.CancelFunc
	busy   sync.WaitGroup
	client *http.Client
}

// demoKey signs between the demo and its receptionist; nobody else can reach either.
var demoKey = []byte("the demo signs with this, really")

func startBot(think time.Duration) (*demoBot, error) {
	b := &demoBot{key: demoKey, think: think, client: &http.Client{Timeout: 10 * time.Second}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	var err error
	if b.verify, err = receptionist.Standard(b.key); err != nil {
		return nil, err
	}
	if b.wh, err = standardwebhooks.NewWebhookRaw(b.key); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.url = "http://" + l.Addr().String() + "/"
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	b.busy.Go(func() { _ = b.server.Serve(l) }) // ends by close
	return b, nil
}

func (b *demoBot) close() {
	b.cancel()
	b.server.Close()
	b.busy.Wait()
	b.client.CloseIdleConnections()
}

// secret is the key as the configuration has it.
func (b *demoBot) secret() Secret {
	return newSecret("whsec_" + base64.StdEncoding.EncodeToString(b.key))
}

// A botMessage is what the receptionist is told, as far as the demo's needs it.
type botMessage struct {
	Type string `json:"type"`
	Data struct {
		Token      string `json:"token"`
		ReplyURL   string `json:"reply_url"`
		HandoffURL string `json:"handoff_url"`
		Contact    struct {
			Name string `json:"name"`
		} `json:"contact"`
		Message *struct {
			Body string `json:"body"`
		} `json:"message"`
		History []struct {
			From string `json:"from"`
			Body string `json:"body"`
		} `json:"history"`
	} `json:"data"`
}

func (b *demoBot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		_, err = b.verify(r.Header, body, time.Now())
	}
	var m botMessage
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := r.Header.Get(standardwebhooks.HeaderWebhookID)
	if b.ctx.Err() == nil && m.Data.Message != nil {
		b.busy.Go(func() { b.answer(id, m) })
	}
	w.WriteHeader(http.StatusNoContent)
}

var (
	wantsPerson = regexp.MustCompile(`(?i)\b(person|human|someone|call me|speak to|talk to)\b`)
	soundsBad   = regexp.MustCompile(`(?i)\b(burst|flood|gas|leak|leaking|water everywhere|no heating|emergency)\b`)
)

// answer says the next thing, or hands over.
func (b *demoBot) answer(id string, m botMessage) {
	select {
	case <-b.ctx.Done():
		return
	case <-time.After(b.think):
	}
	said, spoke := m.Data.Message.Body, 0
	for i := len(m.Data.History) - 1; i >= 0 && m.Data.History[i].From != "team"; i-- {
		if m.Data.History[i].From == "receptionist" {
			spoke++
		}
	}
	urgency := "normal"
	if soundsBad.MatchString(said) {
		urgency = "high"
	}
	switch {
	case wantsPerson.MatchString(said):
		b.say(id, m, "Of course, I pass you on to the team. Somebody writes to you here.")
		b.handOver(m, "They asked for a person. Their last words: "+said, "They asked for a person", urgency)
	case spoke == 0:
		first, _, _ := strings.Cut(m.Data.Contact.Name, " ")
		if strings.HasPrefix(first, "+") {
			first = "there"
		}
		b.say(id, m, "Hi "+cmp.Or(first, "there")+", thank you for your text. At which address is it, and since when?")
	case spoke == 1:
		b.say(id, m, "Thank you, I noted that. When would a visit suit you? Write PERSON for one of the team.")
	default:
		b.say(id, m, "Thank you. The team will confirm the time here.")
		b.handOver(m, "Wants a visit. When it suits them: "+said, "The details are noted", urgency)
	}
}

func (b *demoBot) say(id string, m botMessage, text string) {
	b.post(m.Data.ReplyURL, m.Data.Token, id, map[string]string{"body": text})
}

func (b *demoBot) handOver(m botMessage, summary, reason, urgency string) {
	b.post(m.Data.HandoffURL, m.Data.Token, "", map[string]string{"summary": summary, "reason": reason, "urgency": urgency, "intent": "Visit"})
}

// post asks Porchlight. A refusal is an answer too: a person has taken over.
func (b *demoBot) post(url, token, key string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(b.ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if res, err := b.client.Do(req); err == nil {
		res.Body.Close()
	}
}

// handsOver posts a piece of a call to Porchlight, signed.
func (b *demoBot) handsOver(ctx context.Context, public string, piece receptionist.Neutral) error {
	body, err := json.Marshal(piece)
	if err != nil {
		return err
	}
	now := time.Now()
	id := fmt.Sprintf("msg_%d", now.UnixNano())
	signature, err := b.wh.Sign(id, now, body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, public+"/webhooks/receptionist/"+webhooks.NeutralPath, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	res, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)); res.StatusCode != http.StatusOK {
		return errors.New(string(text))
	}
	return nil
}

// callOf is a call that somebody had with the demo's receptionist, in the two pieces in
// which receptionists mostly tell of one: what was said at once, what it meant later.
func callOf(from, line, name string, now time.Time) [2]receptionist.Neutral {
	at := func(s float64) *float64 { return &s }
	start := now.Add(-95 * time.Second).UTC().Truncate(time.Second)
	said := receptionist.Neutral{
		Schema: "handoff/1", CallID: fmt.Sprintf("demo-%d", now.UnixNano()), OccurredAt: now.Add(-time.Second).UTC(), Channel: "voice", Agent: "Ava",
		Contact: &receptionist.Contact{Phone: from, Name: name}, OurNumber: line, StartedAt: &start, Duration: 94, Ended: "caller hung up",
		Recording: "https://example.com/recordings/demo.mp3",
		Transcript: []receptionist.Said{
			{Role: "agent", Text: demoBusiness + ", I am Ava, the automatic assistant. How can I help?", At: at(1)},
			{Role: "caller", Text: "Hi, there is water coming through my kitchen ceiling.", At: at(7)},
			{Role: "agent", Text: "I am sorry to hear that. Can you turn the water off at the stopcock?", At: at(12)},
			{Role: "caller", Text: "I tried, it is stuck. It is getting worse.", At: at(19)},
			{Role: "agent", Text: "Understood. I mark this as an emergency and pass it on at once. Which number should the team call?", At: at(25)},
			{Role: "caller", Text: "This one is fine. I am at home until six.", At: at(34)},
			{Role: "agent", Text: "Thank you. Somebody will call you in a few minutes.", At: at(41)},
		},
	}
	meant := receptionist.Neutral{
		Schema: "handoff/1", CallID: said.CallID, OccurredAt: now.UTC(), Channel: "voice", Contact: said.Contact, Urgency: "emergency", Intent: "Water through the ceiling",
		Reason: "Emergency", Callback: from, Summary: "Water is coming through the kitchen ceiling and getting worse. The stopcock is stuck. They are at home until six and wait for a call.",
		Fields: map[string]any{"at_home_until": "18:00"},
	}
	return [2]receptionist.Neutral{said, meant}
}
