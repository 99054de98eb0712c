package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"porchlight/bridge"
	"porchlight/data"
)

// emptyPeople are in the store that counts as empty: they are known, and nobody has
// said anything yet. Without them it would make contacts all the time, which the
// large store does not.
const emptyPeople = 1_000

// A contender takes texts: the product on an engine, or the ceiling.
type contender struct {
	name    string
	store   *benchStore // nil for the ceiling
	dir     string
	people  int
	seeded  int
	process *benchProcess
	taken   []string // ids of texts that were answered 2xx
	rates   map[int][]float64
	p50s    map[int][]float64
	p99s    map[int][]float64
}

const (
	benchProduct  = "product"
	benchCeiling  = "ceiling"
	benchPostgres = "postgres"
)

// inbound measures signed webhooks until their durable answer, on an empty and on
// a large store.
func (b *bench) inbound(ctx context.Context) error {
	if err := b.generator(ctx); err != nil {
		return err
	}
	empty, err := b.inboundOn(ctx, "empty", emptyPeople, 0)
	if err != nil {
		return err
	}
	large, err := b.inboundOn(ctx, amountOf(b.messages), max(b.messages/10, 1), b.messages)
	if err != nil {
		return err
	}
	b.add("inbound c=64, large against empty", "texts/s", large[benchProduct].rates[64], empty[benchProduct].rates[64], "on its empty store", ratioAtLeast(0.85))
	return nil
}

// generator tells how much faster the load is than what it measures.
func (b *bench) generator(ctx context.Context) error {
	p, err := b.launch(ctx, "the null server", benchServer, "null", "-listen", "ADDR")
	if err != nil {
		return err
	}
	var rates []float64
	for range 3 {
		v, err := fire(ctx, p.addr, b.texts(b.round(64), emptyPeople), 64)
		if err != nil {
			return errors.Join(err, p.stop())
		}
		rates = append(rates, v.rate())
	}
	b.add("load generator against a server that does nothing, c=64", "req/s", rates, nil, "", goal{})
	return p.stop()
}

// callers are the levels of load.
func (b *bench) callers() []int {
	if b.quick {
		return []int{64}
	}
	return []int{1, 8, 64, 256}
}

// round is how many texts one round has: about two seconds' worth.
func (b *bench) round(callers int) int {
	if b.size > 0 {
		return b.size
	}
	switch {
	case callers == 1:
		return b.pick(500, 1_500)
	case callers < 64:
		return b.pick(1_500, 4_000)
	}
	return b.pick(4_000, 10_000)
}

func (b *bench) inboundOn(ctx context.Context, size string, people, messages int) (map[string]*contender, error) {
	all, err := b.contenders(ctx, size, people, messages)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.store != nil {
			c.process, err = b.product(ctx, c.store)
		} else {
			c.process, err = b.bare(ctx, c.dir)
		}
		if err != nil {
			break
		}
	}
	for _, callers := range b.callers() {
		if err == nil {
			err = b.race(ctx, all, callers)
		}
	}
	for _, c := range all {
		if c.process != nil {
			err = errors.Join(err, c.process.stop())
		}
	}
	if err != nil {
		return nil, err
	}
	by := map[string]*contender{}
	for _, c := range all {
		by[c.name] = c
	}
	for _, callers := range b.callers() {
		b.tellInbound(size, callers, by)
	}
	for _, c := range all {
		if err := b.count(ctx, size, c); err != nil {
			return nil, err
		}
	}
	return by, nil
}

func (b *bench) contenders(ctx context.Context, size string, people, messages int) ([]*contender, error) {
	make1 := func(name, engine string) (*contender, error) {
		c := &contender{name: name, people: people, seeded: messages, rates: map[int][]float64{}, p50s: map[int][]float64{}, p99s: map[int][]float64{}}
		var err error
		switch {
		case name == benchCeiling:
			c.dir, err = b.fillCeiling(ctx, "ceiling-"+size, people, messages)
		case messages > 0:
			c.store, err = b.largeStore(ctx, engine)
		case engine == "postgres":
			var url string
			if url, err = b.database(ctx, "empty"); err == nil {
				c.store, err = b.fill(ctx, "empty-postgres", url, people, 0)
			}
		default:
			c.store, err = b.fill(ctx, "empty-sqlite", "", people, 0)
		}
		return c, err
	}
	names := [][2]string{{benchProduct, "sqlite"}, {benchCeiling, ""}}
	if b.postgres != "" {
		names = append(names, [2]string{benchPostgres, "postgres"})
	}
	var all []*contender
	for _, n := range names {
		c, err := make1(n[0], n[1])
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// race lets the contenders take turns, in the other order each time, after a
// round that does not count.
func (b *bench) race(ctx context.Context, all []*contender, callers int) error {
	for r := range b.pick(3, 7) + 1 {
		for i := range all {
			c := all[i]
			if r%2 == 1 {
				c = all[len(all)-1-i]
			}
			n := b.round(callers)
			if r == 0 {
				n = max(n/4, 1)
			}
			v, err := fire(ctx, c.process.addr, b.texts(n, c.people), callers)
			c.taken = append(c.taken, v.answers...)
			if err != nil {
				return fmt.Errorf("%s, c=%d: %w", c.name, callers, err)
			}
			if r == 0 {
				continue
			}
			c.rates[callers] = append(c.rates[callers], v.rate())
			c.p50s[callers] = append(c.p50s[callers], quantile(v.each, 0.5))
			c.p99s[callers] = append(c.p99s[callers], quantile(v.each, 0.99))
		}
	}
	return nil
}

func (b *bench) tellInbound(size string, callers int, by map[string]*contender) {
	p, c := by[benchProduct], by[benchCeiling]
	name := fmt.Sprintf("inbound c=%d, %s", callers, size)
	var rate, p99 goal
	if callers == 64 {
		rate, p99 = ratioAtLeast(0.80), ratioAtMost(1.3)
	}
	b.add(name, "texts/s", p.rates[callers], c.rates[callers], benchCeiling, rate)
	b.add(name+", p50", "ms", p.p50s[callers], c.p50s[callers], benchCeiling, goal{})
	b.add(name+", p99", "ms", p.p99s[callers], c.p99s[callers], benchCeiling, p99)
	if pg := by[benchPostgres]; pg != nil {
		g := goal{}
		if callers == 64 {
			g = ratioAtLeast(0.50)
		}
		b.add(name+", PostgreSQL", "texts/s", pg.rates[callers], p.rates[callers], "on SQLite", g)
		b.add(name+", PostgreSQL, p99", "ms", pg.p99s[callers], p.p99s[callers], "on SQLite", goal{})
	}
}

// count looks for every text that was answered 2xx in the store: a fast server
// that forgets is not fast.
func (b *bench) count(ctx context.Context, size string, c *contender) error {
	stored := 0
	if c.store == nil {
		n, err := countRows(filepath.Join(c.dir, ceilingFile), "inbound")
		if err != nil {
			return err
		}
		stored = n - c.seeded
	} else {
		s, err := data.Open(ctx, c.store.options())
		if err != nil {
			return err
		}
		distinct := map[bridge.MessageID]bool{}
		err = s.Read(ctx, func(tx *data.Tx) error {
			for _, id := range c.taken {
				m, err := tx.InboundSeen(id)
				if err != nil && !errors.Is(err, bridge.ErrNotFound) {
					return err
				}
				if err == nil {
					distinct[m] = true
				}
			}
			return nil
		})
		if err = errors.Join(err, s.Close()); err != nil {
			return err
		}
		stored = len(distinct)
	}
	b.add(fmt.Sprintf("inbound %s, %s: stored of answered", size, c.name), "texts", []float64{float64(stored)}, []float64{float64(len(c.taken))}, "answered 2xx", goal{})
	if stored != len(c.taken) {
		return fmt.Errorf("%s answered %d texts with 2xx and has %d of them", c.name, len(c.taken), stored)
	}
	return nil
}

// countRows counts a table of an SQLite file.
func countRows(file, table string) (n int, err error) {
	db, err := sql.Open("sqlite3", "file:"+file+"?mode=ro")
	if err != nil {
		return 0, err
	}
	err = db.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n)
	return n, errors.Join(err, db.Close())
}

// amountOf is a size in words: 1 million, 50 thousand.
func amountOf(n int) string {
	switch {
	case n >= 1_000_000 && n%1_000_000 == 0:
		return fmt.Sprintf("%d million", n/1_000_000)
	case n >= 1_000 && n%1_000 == 0:
		return fmt.Sprintf("%d thousand", n/1_000)
	}
	return fmt.Sprint(n)
}
