package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge/sms"
	"porchlight/bridge/sms/smstest"
)

// The ceiling is what the benchmark measures Porchlight against: the least program
// that keeps the same promise on the same disk. It has gin, the signature, and in
// plain SQL with prepared statements the write set of one inbound text: the contact
// is looked up, the conversation's row and the indexes behind its lists are moved,
// the message and the raw form with its unique id are added, and the revision, by
// which open pages hear of it. Writers share a commit (bench_ceiling_store.go), and
// an answer is given after it.
//
// The pragmas are those of data/sqlite.go. What it leaves out is all that makes a
// program safe to own: a savepoint for each writer, consent, lines and routes, a
// phone shared by contacts, participants, foreign keys, limits, metrics,
// middleware, panics.
type ceilingServer struct {
	store   *ceilingStore
	carrier string
	client  *http.Client

	mu   sync.Mutex
	subs map[chan int64]struct{}
}

func serveCeiling(ctx context.Context, e env) error {
	flags := e.flags()
	addr := listenFlag(flags)
	dir := flags.String("dir", "", "`FOLDER` of the store")
	carrier := flags.String("carrier", "", "`URL` of the carrier")
	if _, err := e.parse(flags, 0, 0); err != nil {
		return err
	}
	store, err := openCeiling(ctx, filepath.Join(*dir, ceilingFile))
	if err != nil {
		return err
	}
	s := &ceilingServer{store: store, carrier: *carrier, subs: map[chan int64]struct{}{}}
	s.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	store.onCommit = s.publish
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.GET("/readyz", func(c *gin.Context) { c.Status(http.StatusOK) })
	r.POST("/webhooks/twilio/sms", s.text)
	r.POST("/api/v1/conversations/:id/messages", s.reply)
	r.GET("/events", s.events)
	err = serveUntil(ctx, *addr, r)
	return errors.Join(err, store.close())
}

func (s *ceilingServer) text(c *gin.Context) {
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !sms.Verify([]string{smstest.AuthToken}, benchPublicURL+c.Request.URL.RequestURI(), form, body, c.GetHeader("X-Twilio-Signature")) {
		c.Status(http.StatusForbidden)
		return
	}
	t := ceilingText{id: form.Get("MessageSid"), from: form.Get("From"), body: form.Get("Body"), raw: string(body), at: time.Now().UnixMilli()}
	if err := s.store.write(true, t.store); err != nil {
		c.Status(http.StatusServiceUnavailable)
		return
	}
	c.Data(http.StatusOK, "text/xml; charset=utf-8", []byte(`<?xml version="1.0" encoding="UTF-8"?><Response/>`))
}

// reply commits the answer with its attempt, says so, and hands it over.
func (s *ceilingServer) reply(c *gin.Context) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	var in struct {
		Body string `json:"body"`
	}
	if err != nil || json.NewDecoder(c.Request.Body).Decode(&in) != nil {
		c.Status(http.StatusBadRequest)
		return
	}
	r := ceilingReply{conversation: id, body: in.Body, at: time.Now().UnixMilli()}
	if err := s.store.write(true, r.store); err != nil {
		c.Status(http.StatusServiceUnavailable)
		return
	}
	go s.send(&r) // ends with the carrier's answer, at most 10 s later
	c.JSON(http.StatusCreated, gin.H{"id": strconv.FormatInt(r.delivery, 10)})
}

func (s *ceilingServer) send(r *ceilingReply) {
	form := url.Values{"To": {r.to}, "From": {benchLine}, "Body": {r.body}}.Encode()
	req, err := http.NewRequest(http.MethodPost, s.carrier+"/2010-04-01/Accounts/"+smstest.AccountSID+"/Messages.json", bytes.NewReader([]byte(form)))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(smstest.AccountSID, smstest.AuthToken)
	answer, err := s.client.Do(req)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	var m struct {
		SID string `json:"sid"`
	}
	if json.NewDecoder(answer.Body).Decode(&m) == nil {
		r.sid = m.SID
		_ = s.store.write(false, r.settle) // a benchmark has nobody to tell
	}
}

// publish tells every stream of a commit; one that is 32 behind misses it.
func (s *ceilingServer) publish(rev int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.subs {
		select {
		case ch <- rev:
		default:
		}
	}
}

func (s *ceilingServer) events(c *gin.Context) {
	ch := make(chan int64, 32)
	s.mu.Lock()
	s.subs[ch] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, ch)
	}()
	c.Header("Content-Type", "text/event-stream")
	say := func(rev int64) {
		fmt.Fprintf(c.Writer, "event: changed\nid: %d\ndata: 1\n\n", rev)
		c.Writer.Flush()
	}
	say(0)
	for {
		select {
		case rev := <-ch:
			say(rev)
		case <-c.Request.Context().Done():
			return
		}
	}
}

// A ceilingText is one inbound text and its write set.
type ceilingText struct {
	id, from, body, raw string
	at                  int64
}

func (t *ceilingText) store(s *ceilingStore) error {
	added, err := s.run("INSERT INTO inbound (carrier_id, message_id, raw, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", t.id, s.message+1, t.raw, t.at)
	if err != nil || added == 0 {
		return err
	}
	s.message++
	var contact, conversation int64
	err = s.get("SELECT id FROM contacts WHERE phone = ?", t.from).Scan(&contact)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.get("INSERT INTO contacts (phone, name, at) VALUES (?, '', ?) RETURNING id", t.from, t.at).Scan(&contact)
	}
	if err != nil {
		return err
	}
	err = s.get(`
		INSERT INTO conversations (contact_id, phone, title, state, preview, preview_by, author_name, last_channel, last_at, inbound, last_in_at, rev)
		VALUES (?1, ?2, ?2, 'open', ?3, 'in', ?2, 'sms', ?4, 1, ?4, ?5)
		ON CONFLICT (contact_id) DO UPDATE SET state = 'open', snoozed_until = 0, preview = excluded.preview, preview_by = 'in', author_name = excluded.author_name,
			last_channel = 'sms', last_at = excluded.last_at, inbound = inbound + 1, last_in_at = excluded.last_in_at, rev = excluded.rev
		RETURNING id`, contact, t.from, t.body, t.at, s.rev).Scan(&conversation)
	if err != nil {
		return err
	}
	_, err = s.run("INSERT INTO messages (id, conversation_id, at, direction, channel, author_kind, author_id, author, body, rev) VALUES (?, ?, ?, 'in', 'sms', 'contact', ?, ?, ?, ?)",
		s.message, conversation, t.at, contact, t.from, t.body, s.rev)
	return err
}

// A ceilingReply is one answer by staff: two small commits.
type ceilingReply struct {
	conversation, delivery, at int64
	body, to, sid              string
}

func (r *ceilingReply) store(s *ceilingStore) error {
	if err := s.get(`UPDATE conversations SET state = 'waiting', snoozed_until = 0, preview = ?, preview_by = 'out', author_name = 'staff', last_at = ?, rev = ?
		WHERE id = ? RETURNING phone`, r.body, r.at, s.rev, r.conversation).Scan(&r.to); err != nil {
		return err
	}
	s.message++
	if _, err := s.run("INSERT INTO messages (id, conversation_id, at, direction, channel, author_kind, author_id, author, body, rev) VALUES (?, ?, ?, 'out', 'sms', 'staff', 1, 'staff', ?, ?)",
		s.message, r.conversation, r.at, r.body, s.rev); err != nil {
		return err
	}
	if err := s.get("INSERT INTO deliveries (message_id, conversation_id, recipient, state, attempts, token, at, next_at, rev) VALUES (?, ?, ?, 'sending', 1, ?, ?, ?, ?) RETURNING id",
		s.message, r.conversation, r.to, rand.Text(), r.at, r.at+40_000, s.rev).Scan(&r.delivery); err != nil {
		return err
	}
	_, err := s.run("INSERT INTO attempts (delivery_id, n, at) VALUES (?, 1, ?)", r.delivery, r.at)
	return err
}

func (r *ceilingReply) settle(s *ceilingStore) error {
	_, err := s.run("UPDATE deliveries SET state = 'sent', carrier_id = ?, next_at = ?, rev = ? WHERE id = ?", r.sid, r.at+600_000, s.rev, r.delivery)
	if err == nil {
		_, err = s.run("UPDATE attempts SET ended_at = ? WHERE delivery_id = ? AND n = 1", r.at, r.delivery)
	}
	return err
}
