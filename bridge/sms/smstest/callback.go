package smstest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge/sms"
)

// follow reports on a text until its end or the Server's.
func (s *Server) follow(m *message, b Behaviour) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pending--
		s.idle.Broadcast()
	}()
	steps := s.opts.Delays.plan(b)
	if code := s.collect(m); code != 0 {
		steps = []step{{after: s.opts.Delays.Sent, status: "failed", code: code}}
	}
	for _, st := range steps {
		wait := time.NewTimer(time.Until(m.created.Add(st.after)))
		select {
		case <-wait.C:
			s.report(m, st, b)
		case <-s.ctx.Done():
			wait.Stop()
			return
		}
	}
}

// report moves a text, shows it on the handset where it arrived, and posts the
// callback. The resource never goes back from a terminal status, only the
// callbacks may be out of order.
func (s *Server) report(m *message, st step, b Behaviour) {
	s.mu.Lock()
	if m.status != "delivered" && m.status != "undelivered" {
		m.status, m.code, m.updated = st.status, st.code, time.Now()
	}
	if st.arrives {
		s.show(m.to, m)
	}
	s.moved()
	s.mu.Unlock()
	if m.statusCallback == "" || b == NeverReported {
		return
	}
	form := s.statusForm(m, st)
	s.post(s.ctx, m.statusCallback, form, "")
	if b == DuplicateCallbacks {
		s.post(s.ctx, m.statusCallback, form, "")
	}
}

func (s *Server) statusForm(m *message, st step) url.Values {
	form := url.Values{
		"MessageSid": {m.sid}, "SmsSid": {m.sid}, "AccountSid": {s.opts.AccountSID},
		"From": {m.from}, "To": {m.to}, "MessageStatus": {st.status}, "SmsStatus": {st.status},
		"ApiVersion": {"2010-04-01"},
	}
	if m.service != "" {
		form.Set("MessagingServiceSid", m.service)
	}
	if st.code != 0 {
		form.Set("ErrorCode", strconv.Itoa(st.code))
	}
	if st.status != "sent" {
		form.Set("RawDlrDoneDate", time.Now().UTC().Format("0601021504"))
	}
	return form
}

// An answer is what the program said to a form.
type answer struct {
	status int // 0: none
	kind   string
	body   []byte
}

// post sends a signed form as Twilio does, once more when no connection could
// be made, and gives the status of the answer.
func (s *Server) post(ctx context.Context, target string, form url.Values, idempotencyToken string) (int, error) {
	a, err := s.request(ctx, target, form, idempotencyToken)
	return a.status, err
}

// request is post for who wants the answer, too.
func (s *Server) request(ctx context.Context, target string, form url.Values, idempotencyToken string) (answer, error) {
	address, _, _ := strings.Cut(target, "#") // connection overrides are neither sent nor signed
	a, err := s.requestOnce(ctx, address, form, idempotencyToken)
	if err != nil && a.status == 0 && ctx.Err() == nil && isDialError(err) {
		a, err = s.requestOnce(ctx, address, form, idempotencyToken)
	}
	return a, err
}

func (s *Server) requestOnce(ctx context.Context, address string, form url.Values, idempotencyToken string) (a answer, err error) {
	e := Exchange{ToUs: true, Method: http.MethodPost, Path: address, Summary: summary(form)}
	defer func() { s.log(e) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return a, fmt.Errorf("post to %s: %w", address, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("User-Agent", "TwilioProxy/1.1")
	req.Header.Set("X-Home-Region", "us1")
	req.Header.Set("X-Twilio-Signature", sms.Sign(s.opts.AuthToken, address, form))
	if idempotencyToken != "" {
		req.Header.Set("I-Twilio-Idempotency-Token", idempotencyToken)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	e.Status = res.StatusCode
	a.status, a.kind = res.StatusCode, res.Header.Get("Content-Type")
	a.body, err = io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if s.opts.Forget {
		return a, err
	}
	if verbs, bad := readTwiML(a); bad == nil && len(verbs) > 0 {
		e.Summary += " → " + describe(verbs)
	}
	return a, err
}
