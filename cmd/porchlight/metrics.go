package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"porchlight/bridge"
	"porchlight/bridge/live"
	"porchlight/data"
)

// metrics are what /metrics shows. Each program has its own registry.
type metrics struct {
	registry *prometheus.Registry
	webhooks *prometheus.CounterVec
	attempts *prometheus.CounterVec
	batch    prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "porchlight_webhooks_total", Help: "Carriers' webhooks by route and result."}, []string{"route", "result"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "porchlight_attempts_total", Help: "Attempts to send by channel and outcome."}, []string{"channel", "outcome"}),
		batch:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "porchlight_commit_batch_size", Help: "Writers that shared one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 9)}),
	}
	m.registry.MustRegister(m.webhooks, m.attempts, m.batch, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) webhook(route, result string) { m.webhooks.WithLabelValues(route, result).Inc() }

func (m *metrics) sent(ch bridge.Channel, k bridge.OutcomeKind) {
	m.attempts.WithLabelValues(string(ch), string(k)).Inc()
}

func (m *metrics) commit(c bridge.Commit) {
	if c.Writes > 0 { // 0: another node's commit
		m.batch.Observe(float64(c.Writes))
	}
}

// watch adds what is read from the store when somebody asks.
func (m *metrics) watch(s *data.Store, hub *live.Hub) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "porchlight_live_streams", Help: "Open event streams of browsers."}, func() float64 { return float64(hub.Streams()) }),
		storeCollector{s},
	)
}

// storeCollector reads the outbox once for each scrape.
type storeCollector struct{ store *data.Store }

func depthDesc() *prometheus.Desc {
	return prometheus.NewDesc("porchlight_deliveries", "Deliveries of the last 24 hours, and all that are not settled, by state.", []string{"state"}, nil)
}
func queueDesc() *prometheus.Desc {
	return prometheus.NewDesc("porchlight_outbox_depth", "Deliveries that wait to be sent.", nil, nil)
}
func ageDesc() *prometheus.Desc {
	return prometheus.NewDesc("porchlight_outbox_age_seconds", "Age of the oldest delivery that waits to be sent.", nil, nil)
}

func (storeCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- depthDesc()
	ch <- queueDesc()
	ch <- ageDesc()
}

func (c storeCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := time.Now()
	var b data.Backlog
	err := c.store.Read(ctx, func(tx *data.Tx) (err error) {
		b, err = tx.Backlog(now.Add(-24 * time.Hour))
		return err
	})
	if err != nil {
		ch <- prometheus.NewInvalidMetric(queueDesc(), err)
		return
	}
	for _, s := range bridge.DeliveryStates {
		ch <- prometheus.MustNewConstMetric(depthDesc(), prometheus.GaugeValue, float64(b.States[s]), string(s))
	}
	age := 0.0
	if !b.Oldest.IsZero() {
		age = now.Sub(b.Oldest).Seconds()
	}
	ch <- prometheus.MustNewConstMetric(queueDesc(), prometheus.GaugeValue, float64(b.States[bridge.Queued]))
	ch <- prometheus.MustNewConstMetric(ageDesc(), prometheus.GaugeValue, age)
}

// probes mounts /healthz, /readyz and /metrics.
func (m *metrics) probes(s *data.Store) func(gin.IRouter) {
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
		r.GET("/metrics", gin.WrapH(promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})))
	}
}
