package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// heartbeat keeps proxies from closing a quiet stream, and tells us of browsers
// that have left.
const heartbeat = 15 * time.Second

// A Stream writes server-sent events to one browser.
type Stream struct {
	ctx  context.Context
	w    http.ResponseWriter
	ctrl *http.ResponseController
}

// OpenStream begins an event stream. It has no deadline of its own: each write
// gets one, so that a browser that stopped reading is let go.
func OpenStream(c *gin.Context) (*Stream, error) {
	s := &Stream{c.Request.Context(), c.Writer, http.NewResponseController(c.Writer)}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	c.Writer.WriteHeader(http.StatusOK)
	return s, s.write("retry: 1500\n\n")
}

// Send writes one event. id is the revision that the browser gives back when it
// reconnects.
func (s *Stream) Send(event string, id int64, data string) error {
	return s.write(fmt.Sprintf("event: %s\nid: %d\ndata: %s\n\n", event, id, strings.ReplaceAll(data, "\n", " ")))
}

func (s *Stream) write(text string) error {
	if err := s.ctrl.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.ctrl.Flush()
}

// Follow passes a channel on to the browser until either ends. say writes what a
// value means.
func Follow[T any](s *Stream, from <-chan T, say func(T) error) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case v, ok := <-from:
			if !ok {
				return nil // too slow, or we are stopping: the browser comes back
			}
			if err := say(v); err != nil {
				return nil // the browser has left
			}
		case <-beat.C:
			if err := s.write(": beat\n\n"); err != nil {
				return nil
			}
		case <-s.ctx.Done():
			return nil
		}
	}
}
