package web

import (
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	triesAllowed = 10
	triesWindow  = 15 * time.Minute
	triesKept    = 10_000 // keys; beyond that the oldest window is dropped whole
)

// A limiter counts failures by a key, such as an email or an address, in windows
// of fixed length. It forgets by replacing its map, so it never grows without bound.
type limiter struct {
	now   func() time.Time
	mu    sync.Mutex
	start time.Time
	count map[string]int
}

func newLimiter(now func() time.Time) *limiter { return &limiter{now: now, count: map[string]int{}} }

func (l *limiter) window() {
	if now := l.now(); now.Sub(l.start) > triesWindow || len(l.count) > triesKept {
		l.start, l.count = now, map[string]int{}
	}
}

// blocked reports whether any of the keys has failed too often.
func (l *limiter) blocked(keys ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.window()
	for _, k := range keys {
		if l.count[k] >= triesAllowed {
			return true
		}
	}
	return false
}

func (l *limiter) failed(keys ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.window()
	for _, k := range keys {
		l.count[k]++
	}
}

// peer is the address that a request came from.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
