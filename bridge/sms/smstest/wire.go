package smstest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An Exchange is one request and its answer, for the demo's log.
type Exchange struct {
	At           time.Time
	ToUs         bool // Twilio called the program; else the program called Twilio
	Method, Path string
	Summary      string
	Status       int // 0: no answer
}

// wireSize bounds the log; a spectator sees the last page of it.
const wireSize = 500

// Wire gives the last exchanges, the oldest first.
func (s *Server) Wire() []Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.wire[max(0, len(s.wire)-wireSize):])
}

func (s *Server) log(e Exchange) {
	if s.opts.Forget {
		return
	}
	e.At = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.wire) >= 2*wireSize { // half is dropped at once, so that a line costs no copy of the log
		s.wire = append(s.wire[:0], s.wire[wireSize:]...)
	}
	s.wire = append(s.wire, e)
	s.moved()
}

// summary is what a spectator wants to see of a form.
func summary(form url.Values) string {
	var parts []string
	for _, k := range []string{"From", "To", "MessageStatus", "CallStatus", "DialCallStatus", "Digits", "RecordingDuration", "TranscriptionStatus", "TranscriptionText", "ErrorCode", "Body"} {
		if v := form.Get(k); v != "" {
			if r := []rune(v); len(r) > 60 {
				v = string(r[:59]) + "…"
			}
			parts = append(parts, k+"="+v)
		}
	}
	return strings.Join(parts, " ")
}

// recorder remembers the status of an answer for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}
