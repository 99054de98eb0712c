package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A crowd is many open event streams on one server. Its clock is the last of them.
type crowd struct {
	process *benchProcess
	cookie  string
	people  int
	conns   []net.Conn
	readers sync.WaitGroup

	mu     sync.Mutex
	heard  int
	wanted int
	last   chan time.Time // when the wanted-th stream heard

	took    []time.Duration
	p50s    []float64
	p99s    []float64
	missing int
	perHead float64 // bytes of memory a stream costs the server
}

// streams measures how long after a text was posted the last of many browsers
// hears that something changed.
func (b *bench) streams(ctx context.Context) error {
	s, err := b.largeStore(ctx, "sqlite")
	if err != nil {
		return err
	}
	dir, err := b.fillCeiling(ctx, "ceiling-live", emptyPeople, 0)
	if err != nil {
		return err
	}
	product, err := b.product(ctx, s)
	if err != nil {
		return err
	}
	v, err := signIn(ctx, product)
	if err != nil {
		return errors.Join(err, product.stop())
	}
	ceiling, err := b.bare(ctx, dir)
	if err != nil {
		return errors.Join(err, product.stop())
	}
	n := b.pick(100, 1_000)
	p := &crowd{process: product, cookie: v.cookie, people: s.people, last: make(chan time.Time, 1)}
	c := &crowd{process: ceiling, people: emptyPeople, last: make(chan time.Time, 1)}
	err = b.liveRounds(ctx, p, c, n)
	p.leave()
	c.leave()
	if err = errors.Join(err, product.stop(), ceiling.stop()); err != nil {
		return err
	}
	name := fmt.Sprintf("text posted → last of %d streams, ", n)
	b.add(name+"p50", "ms", p.p50s, c.p50s, benchCeiling, goal{})
	b.add(name+"p99", "ms", p.p99s, c.p99s, benchCeiling, ratioAtMost(1.3))
	b.add("events that a stream missed", "events", []float64{float64(p.missing)}, nil, "", atMost(0, "events"))
	b.add("memory of a stream", "KB", []float64{p.perHead / 1024}, nil, "", atMost(40, "KB"))
	return nil
}

func (b *bench) liveRounds(ctx context.Context, p, c *crowd, n int) error {
	before, err := p.process.residentBytes(ctx)
	if err == nil {
		err = errors.Join(p.join(n), c.join(n))
	}
	if err != nil {
		return err
	}
	after, err := p.process.residentBytes(ctx)
	if err != nil {
		return err
	}
	p.perHead = (after - before) / float64(n)
	for round := range b.pick(3, 5) + 1 {
		for _, crowd := range []*crowd{p, c} {
			crowd.took = nil
			for range b.pick(20, 100) {
				if err := b.announce(ctx, crowd); err != nil {
					return err
				}
			}
			if round > 0 {
				crowd.p50s, crowd.p99s = append(crowd.p50s, quantile(crowd.took, 0.5)), append(crowd.p99s, quantile(crowd.took, 0.99))
			}
		}
	}
	return nil
}

// announce posts one text and waits until everybody heard of it.
func (b *bench) announce(ctx context.Context, c *crowd) error {
	c.mu.Lock()
	c.heard, c.wanted = 0, len(c.conns)
	c.mu.Unlock()
	began := time.Now()
	if _, err := fire(ctx, c.process.addr, b.texts(1, c.people), 1); err != nil {
		return err
	}
	select {
	case at := <-c.last:
		c.took = append(c.took, at.Sub(began))
	case <-time.After(3 * time.Second):
		c.mu.Lock()
		c.missing += c.wanted - c.heard
		c.wanted = 0
		c.mu.Unlock()
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// join opens n streams and returns when each has said hello.
func (c *crowd) join(n int) error {
	raw := request("GET", "/events", "", "", "Accept: text/event-stream", "Cookie: "+c.cookie)
	for range n {
		conn, err := net.DialTimeout("tcp", c.process.addr, 5*time.Second)
		if err != nil {
			return err
		}
		c.conns = append(c.conns, conn)
		if _, err := conn.Write(raw); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		in := bufio.NewReaderSize(conn, 1024)
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("a stream was answered with %s", r.Status)
		}
		body := bufio.NewReaderSize(r.Body, 512)
		if err := nextEvent(body); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		c.readers.Go(func() { // ends when leave closes the connection
			for nextEvent(body) == nil {
				c.hear(time.Now())
			}
		})
	}
	return nil
}

// nextEvent reads up to the next event's id line, which each event has once.
func nextEvent(in *bufio.Reader) error {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.HasPrefix(line, "id:") {
			return nil
		}
	}
}

func (c *crowd) hear(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heard++; c.heard == c.wanted {
		c.last <- at
	}
}

func (c *crowd) leave() {
	for _, conn := range c.conns {
		conn.Close()
	}
	c.readers.Wait()
}
