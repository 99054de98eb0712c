package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/live"
	"porchlight/data"
)

// counters are what /metrics shows, in the text form that Prometheus reads. Each
// program has its own.
type counters struct {
	set              *metrics.Set
	commits, writers *metrics.Counter
	store            *data.Store
	hub              *live.Hub
}

func newMetrics() *counters {
	set := metrics.NewSet()
	return &counters{set: set, commits: set.NewCounter("porchlight_commits_total"), writers: set.NewCounter("porchlight_commit_writers_total")}
}

// webhook counts a carrier's request by route and result.
func (m *counters) webhook(route, result string) {
	m.set.GetOrCreateCounter(fmt.Sprintf("porchlight_webhooks_total{route=%q,result=%q}", route, result)).Inc()
}

// sent counts an attempt to send.
func (m *counters) sent(ch bridge.Channel, k bridge.OutcomeKind) {
	m.set.GetOrCreateCounter(fmt.Sprintf("porchlight_attempts_total{channel=%q,outcome=%q}", ch, k)).Inc()
}

// commit counts a commit and the writers that shared it.
func (m *counters) commit(c bridge.Commit) {
	if c.Writes > 0 { // 0: another node's commit
		m.commits.Inc()
		m.writers.Add(c.Writes)
	}
}

// watch names what is read when somebody asks.
func (m *counters) watch(s *data.Store, hub *live.Hub) { m.store, m.hub = s, hub }

// write prints everything. The outbox is read once for each scrape.
func (m *counters) write(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	now := time.Now()
	var b data.Backlog
	err := m.store.Read(ctx, func(tx *data.Tx) (err error) {
		b, err = tx.Backlog(now.Add(-24 * time.Hour))
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range bridge.DeliveryStates {
		metrics.WriteGaugeUint64(w, fmt.Sprintf("porchlight_deliveries{state=%q}", s), uint64(b.States[s]))
	}
	age := 0.0
	if !b.Oldest.IsZero() {
		age = now.Sub(b.Oldest).Seconds()
	}
	metrics.WriteGaugeUint64(w, "porchlight_outbox_depth", uint64(b.States[bridge.Queued]))
	metrics.WriteGaugeFloat64(w, "porchlight_outbox_age_seconds", age)
	metrics.WriteGaugeUint64(w, "porchlight_live_streams", uint64(m.hub.Streams()))
	m.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
	return nil
}

// probes mounts /healthz, /readyz and /metrics.
func (m *counters) probes(s *data.Store) func(gin.IRouter) {
	var mu sync.Mutex
	var asked time.Time
	var last error
	ready := func(ctx context.Context) error { // once a second: asking costs a commit
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(asked) > time.Second {
			asked, last = now, s.Ready(ctx)
		}
		return last
	}
	return func(r gin.IRouter) {
		r.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
		r.GET("/readyz", func(c *gin.Context) {
			ctx, cancel := context.WithTimeout(c.Request.Context(), 5*time.Second)
			defer cancel()
			if err := ready(ctx); err != nil {
				c.String(http.StatusServiceUnavailable, "the store cannot be written\n")
				return
			}
			c.String(http.StatusOK, "ready\n")
		})
		r.GET("/metrics", func(c *gin.Context) {
			c.Header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			var b bytes.Buffer // so that an error is no half page
			if err := m.write(c.Request.Context(), &b); err != nil {
				c.String(http.StatusServiceUnavailable, "the store cannot be read\n")
				return
			}
			_, _ = b.WriteTo(c.Writer)
		})
	}
}
