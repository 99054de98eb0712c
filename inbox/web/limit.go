package web

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	triesWindow = 15 * time.Minute
	triesKept   = 10_000 // keys; beyond that the window is dropped whole
)

// A limiter counts tries by a key in windows of fixed length. It forgets by
// replacing its map, so it never grows without bound.
type limiter struct {
	now   func() time.Time
	mu    sync.Mutex
	start time.Time
	count map[string]int
}

func newLimiter(now func() time.Time) *limiter { return &limiter{now: now, count: map[string]int{}} }

// allow counts a try before it is made, and reports whether there were at most
// most of its key in this window.
func (l *limiter) allow(key string, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); now.Sub(l.start) > triesWindow || len(l.count) > triesKept {
		l.start, l.count = now, map[string]int{}
	}
	l.count[key]++
	return l.count[key] <= most
}

// Allow counts a try from the peer of a request, and reports whether there were at
// most most of them in this window of 15 minutes.
func (w *Web) Allow(c *gin.Context, what string, most int) bool {
	return w.limits.allow(what+" "+peer(c.Request), most)
}

// AllowKey is Allow for something that is tried from anywhere, such as the codes of
// one link.
func (w *Web) AllowKey(key string, most int) bool { return w.limits.allow(key, most) }

// peer is the address that a request came from. A peer on this machine is the
// reverse proxy, which puts the address that it saw last into X-Forwarded-For;
// nobody else is believed about that.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		hops := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if last := net.ParseIP(strings.TrimSpace(hops[len(hops)-1])); last != nil {
			return network(last)
		}
		return host
	}
	if ip := net.ParseIP(host); ip != nil {
		return network(ip)
	}
	return host
}

// network is one address of version 4, and the 64 bits of version 6 that a household
// has: who has one address there has 2^64 of them.
func network(ip net.IP) string {
	if ip.To4() != nil {
		return ip.String()
	}
	return ip.Mask(net.CIDRMask(64, 128)).String()
}
