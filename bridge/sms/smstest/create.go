package smstest

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
	"porchlight/bridge/sms"
)

// ServeHTTP is the REST API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w}
	defer func() { // also when a lost answer panics through here
		s.log(Exchange{Method: r.Method, Path: r.URL.RequestURI(), Summary: summary(r.PostForm), Status: rec.status})
	}()
	if !s.authorised(r) {
		refuse(rec, http.StatusUnauthorized, 20003, "Authenticate")
		return
	}
	account := "/2010-04-01/Accounts/" + s.opts.AccountSID
	if file, ok := strings.CutPrefix(r.URL.Path, account+"/Recordings/"); ok && r.Method == http.MethodGet {
		s.play(rec, r, file)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, account+"/Messages")
	if !ok {
		s.notFound(rec, r)
		return
	}
	switch {
	case path == ".json" && r.Method == http.MethodPost:
		s.create(rec, r)
	case path == ".json" && r.Method == http.MethodGet:
		s.list(rec, r)
	case r.Method == http.MethodGet:
		s.fetch(rec, r, strings.TrimPrefix(path, "/"))
	default:
		s.notFound(rec, r)
	}
}

func (s *Server) authorised(r *http.Request) bool {
	user, pass, ok := r.BasicAuth()
	if !ok {
		return false
	}
	return user == s.opts.AccountSID && pass == s.opts.AuthToken ||
		s.opts.APIKeySID != "" && user == s.opts.APIKeySID && pass == s.opts.APIKeySecret
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, 21602, "The form cannot be read")
		return
	}
	if f, ok := s.nextFault(); ok {
		s.meet(w, r, f)
		return
	}
	if e := s.check(r.PostForm); e != nil {
		refuse(w, http.StatusBadRequest, e.code, e.message)
		return
	}
	to := r.PostForm.Get("To")
	b := s.Behaviour(to)
	switch b {
	case OptedOut:
		refuse(w, http.StatusBadRequest, 21610, "Attempt to send to unsubscribed recipient")
		return
	case Invalid:
		refuse(w, http.StatusBadRequest, 21211, "The 'To' number "+to+" is not a valid phone number.")
		return
	case ServerError:
		brokenPage(w, http.StatusInternalServerError)
		return
	case Busy:
		if s.stillBusy(to) {
			refuse(w, http.StatusTooManyRequests, 20429, "Too many requests")
			return
		}
	}
	m, answer, ok := s.accept(r.PostForm, b)
	if !ok {
		refuse(w, http.StatusServiceUnavailable, 20503, "Service unavailable")
		return
	}
	switch b {
	case EarlyCallback:
		s.report(m, step{status: "sent"}, b)
	case LostAnswer:
		go s.follow(m, b)
		panic(http.ErrAbortHandler)
	case SilentServerError:
		brokenPage(w, http.StatusInternalServerError)
		go s.follow(m, b)
		return
	}
	go s.follow(m, b) // joined by Close, which waits for pending
	writeJSON(w, http.StatusCreated, answer)
}

// meet answers a create as scripted.
func (s *Server) meet(w http.ResponseWriter, r *http.Request, f Fault) {
	if f.Store {
		if m, _, ok := s.accept(r.PostForm, Reachable); ok {
			go s.follow(m, Reachable)
		}
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
		}
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	switch {
	case f.Status == 0:
		panic(http.ErrAbortHandler)
	case f.Body != "":
		w.WriteHeader(f.Status)
		fmt.Fprint(w, f.Body)
	case f.Code != 0:
		refuse(w, f.Status, f.Code, "Scripted fault")
	default:
		brokenPage(w, f.Status)
	}
}

func (s *Server) nextFault() (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}, false
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f, true
}

// Behaviour is what happens to texts to a number.
func (s *Server) Behaviour(to string) Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.behaviours[to]; ok {
		return b
	}
	return Reachable
}

func (s *Server) stillBusy(to string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy[to]++
	return s.busy[to] <= s.opts.BusyTimes
}

// accept stores a text and counts it, and gives the answer to it.
func (s *Server) accept(form url.Values, b Behaviour) (*message, []byte, bool) {
	now := time.Now()
	m := &message{
		sid: newID("SM"), service: form.Get("MessagingServiceSid"),
		from: form.Get("From"), to: form.Get("To"), body: form.Get("Body"), status: "queued",
		statusCallback: form.Get("StatusCallback"), mediaURLs: form["MediaUrl"], created: now, updated: now,
	}
	if m.from == "" {
		m.from, m.status = s.opts.ServiceNumber, "accepted"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, false
	}
	s.pending++
	s.accepted++
	if token := tokenOf(m.statusCallback); token != "" {
		h := s.hash(token)
		s.tokens[h]++
		if s.tokens[h] > 1 {
			s.doubles++
		}
	}
	s.keep(m)
	s.moved()
	return m, render(s.resource(m)), true
}

func (s *Server) hash(token string) uint64 { return maphash.String(s.seed, token) }

type refusal struct {
	code    int
	message string
}

// check refuses what Twilio refuses before it takes a text.
func (s *Server) check(form url.Values) *refusal {
	to, from, body := form.Get("To"), form.Get("From"), form.Get("Body")
	phone, err := bridge.ParsePhone(to)
	switch {
	case to == "":
		return &refusal{21604, "A 'To' phone number is required."}
	case from == "" && form.Get("MessagingServiceSid") == "":
		return &refusal{21603, "A 'From' phone number is required."}
	case err != nil || string(phone) != to:
		return &refusal{21211, "The 'To' number " + to + " is not a valid phone number."}
	case to == from:
		return &refusal{21266, "'To' and 'From' number cannot be the same"}
	case from != "" && !s.owns(from):
		return &refusal{21606, "The 'From' phone number " + from + " is not a valid, message-capable Twilio phone number for this destination/account"}
	case body == "" && form.Get("MediaUrl") == "":
		return &refusal{21602, "Message body is required."}
	case len(form["MediaUrl"]) > sms.MaxMedia:
		return &refusal{21623, "The number of media files exceeds the limit of 10."}
	case utf8.RuneCountInString(body) > sms.MaxText:
		return &refusal{21617, "The concatenated message body exceeds the 1600 character limit."}
	case !goodCallback(form.Get("StatusCallback")):
		return &refusal{21609, "The 'StatusCallback' URL is not a valid URL."}
	case s.blocked(to, from):
		return &refusal{21610, "Attempt to send to unsubscribed recipient"}
	}
	if v := form.Get("ValidityPeriod"); v != "" {
		if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 36000 {
			return &refusal{30045, "ValidityPeriod must be between 1 and 36000 seconds"}
		}
	}
	return nil
}

func (s *Server) owns(from string) bool {
	for _, n := range s.opts.Numbers {
		if n == from {
			return true
		}
	}
	return len(s.opts.Numbers) == 0
}

func (s *Server) blocked(to, from string) bool {
	if from == "" {
		from = s.opts.ServiceNumber
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.optedOut[pair{handset: to, line: from}]
}

func goodCallback(raw string) bool {
	if raw == "" {
		return true
	}
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && !strings.Contains(u.Hostname(), "_")
}

// refuse answers with Twilio's JSON error.
func refuse(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, render(struct {
		Code     int    `json:"code"`
		Message  string `json:"message"`
		MoreInfo string `json:"more_info"`
		Status   int    `json:"status"`
	}{code, message, fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), status}))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// brokenPage is what a load balancer in front of Twilio answers.
func brokenPage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html><body><h1>%d %s</h1></body></html>", status, http.StatusText(status))
}
