package smstest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge/sms"
)

// Text sends a text from a handset to a line: it is kept at Twilio, appears on
// the handset, and is posted to the webhook, and to the fallback if that fails.
// The status is that of the last post, 0 if none was answered. An error tells
// why a post was not answered; without a webhook there is none, and the text
// waits to be listed, as after downtime.
func (s *Server) Text(ctx context.Context, from, to, body string, media ...Media) (sid string, status int, err error) {
	m, webhook, fallback, err := s.receive(from, to, body, media)
	if err != nil {
		return "", 0, err
	}
	s.obeyKeyword(m)
	if webhook == "" {
		return m.sid, 0, nil
	}
	form := s.inboundForm(m)
	token := newID("")
	status, err = s.post(ctx, webhook, form, token)
	if (err != nil || status < 200 || status > 299) && fallback != "" {
		form.Set("ErrorCode", "11200")
		form.Set("ErrorUrl", webhook)
		status, err = s.post(ctx, fallback, form, token)
	}
	return m.sid, status, err
}

// Again posts a text that was received before once more, as Twilio may.
func (s *Server) Again(ctx context.Context, sid string) (status int, err error) {
	s.mu.Lock()
	m, webhook := s.bySID[sid], s.webhook
	s.mu.Unlock()
	if m == nil || !m.inbound {
		return 0, fmt.Errorf("smstest: no inbound text %s", sid)
	}
	return s.post(ctx, webhook, s.inboundForm(m), newID(""))
}

func (s *Server) receive(from, to, body string, media []Media) (m *message, webhook, fallback string, err error) {
	if len(media) > sms.MaxMedia {
		return nil, "", "", errors.New("smstest: more than 10 files")
	}
	now := time.Now()
	m = &message{sid: newID("SM"), from: from, to: to, body: body, inbound: true, status: "received", created: now, updated: now}
	if len(media) > 0 {
		m.sid = newID("MM")
	}
	for _, f := range media {
		m.media = append(m.media, storedMedia{newID("ME"), f})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(m)
	s.show(from, m)
	s.moved()
	return m, s.webhook, s.fallback, nil
}

func (s *Server) inboundForm(m *message) url.Values {
	form := url.Values{
		"MessageSid": {m.sid}, "SmsSid": {m.sid}, "SmsMessageSid": {m.sid}, "AccountSid": {s.opts.AccountSID},
		"From": {m.from}, "To": {m.to}, "Body": {m.body}, "SmsStatus": {"received"}, "ApiVersion": {"2010-04-01"},
		"NumMedia": {strconv.Itoa(len(m.media))}, "NumSegments": {strconv.Itoa(sms.Segments(m.body).Segments)},
		"FromCity": {"SAN FRANCISCO"}, "FromState": {"CA"}, "FromZip": {""}, "FromCountry": {"US"},
		"ToCity": {""}, "ToState": {"CA"}, "ToZip": {""}, "ToCountry": {"US"},
	}
	s.mu.Lock()
	base := s.base
	s.mu.Unlock()
	for i, f := range m.media {
		form.Set("MediaUrl"+strconv.Itoa(i), base+s.mediaPath(m, f))
		form.Set("MediaContentType"+strconv.Itoa(i), f.ContentType)
	}
	if m.body == "" && len(m.media) > 0 {
		form.Del("Body") // captured bodies of picture messages have none
	}
	return form
}

// obeyKeyword does what Twilio does by itself for a long code: it blocks the
// line for the handset, or opens it, and answers.
func (s *Server) obeyKeyword(m *message) {
	p := pair{handset: m.from, line: m.to}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := ""
	switch strings.ToUpper(strings.TrimSpace(m.body)) {
	case "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT":
		if !s.optedOut[p] {
			answer = "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe."
		}
		s.optedOut[p] = true
	case "START", "YES", "UNSTOP":
		if s.optedOut[p] || s.behaviours[m.from] == OptedOut {
			answer = "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."
		}
		delete(s.optedOut, p)
		if s.behaviours[m.from] == OptedOut {
			s.behaviours[m.from] = Reachable
		}
	case "HELP", "INFO":
		answer = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
	}
	if answer != "" {
		// Twilio's own answers are not in the account's list.
		s.show(m.from, &message{sid: newID("SM"), from: m.to, to: m.from, body: answer, seq: m.seq})
		s.moved()
	}
}

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
