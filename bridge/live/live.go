// Package live carries committed changes to open browsers. What it says is a
// hint: ids and a revision. A page that hears it asks the store for what it may
// see, so nothing is lost when a hint is.
package live

import (
	"sync"

	"porchlight/bridge"
)

// slots is how many hints wait for a slow reader before its stream is closed; it
// reconnects and catches up by revision.
const slots = 32

// A Hub passes every commit on to every subscriber. It is safe for concurrent use.
type Hub struct {
	mu     sync.Mutex
	subs   map[chan bridge.Commit]struct{}
	closed bool
}

// New makes an empty hub.
func New() *Hub { return &Hub{subs: map[chan bridge.Commit]struct{}{}} }

// Publish tells every subscriber. It never blocks: the channel of one that does
// not keep up is closed.
func (h *Hub) Publish(c bridge.Commit) {
	if len(c.Changed) == 0 && len(c.Joined) == 0 && !c.Missed {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.subs {
		select {
		case ch <- c:
		default:
			delete(h.subs, ch)
			close(ch)
		}
	}
}

// Subscribe gives a channel of commits. It is closed when its reader is too slow
// or the hub closes. cancel ends the subscription; calling it twice is fine.
func (h *Hub) Subscribe() (commits <-chan bridge.Commit, cancel func()) {
	ch := make(chan bridge.Commit, slots)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(ch)
		return ch, func() {}
	}
	h.subs[ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, ok := h.subs[ch]; ok {
			delete(h.subs, ch)
			close(ch)
		}
	}
}

// Streams is how many subscribers there are.
func (h *Hub) Streams() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs)
}

// Close ends every subscription, so that the streams end before the server does.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for ch := range h.subs {
		delete(h.subs, ch)
		close(ch)
	}
}
