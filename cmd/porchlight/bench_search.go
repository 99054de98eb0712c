package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// What people look for, in a store of a hundred thousand messages and in a large
// one. Both are filled in bulk, and the index is made by the program itself.

// An archive is a store that is searched.
type archive struct {
	name     string
	options  data.Options
	messages int
	people   int
	store    *data.Store
	owner    bridge.Staff
	field    bridge.Staff
	r        *rand.Rand
	took     map[string]*spread
}

const (
	archiveYears = 3
	archiveWords = 200_000 // different ones
	fieldJobs    = 200     // conversations that the reader in the field sees
)

// A question is one kind of search; ask makes one of its kind.
type question struct {
	name  string
	field bool // asked by somebody in the field
	ask   func(*archive) string
}

func questions() []question {
	month := func(a *archive) string {
		at := a.at(a.r.IntN(a.messages))
		return " after:" + at.Format("2006-01") + " before:" + at.AddDate(0, 1, 0).Format("2006-01")
	}
	return []question{
		{"a common word", false, func(a *archive) string { return a.word(0, 50) + " " }},
		{"a middling word", false, func(a *archive) string { return a.word(300, 5_000) + " " }},
		{"a rare word", false, func(a *archive) string { return a.word(50_000, archiveWords) + " " }},
		{"a phrase", false, func(a *archive) string {
			words := strings.Fields(archiveBody(a.r.IntN(a.messages)))
			return `"` + strings.Join(words[:2], " ") + `"`
		}},
		{"a beginning", false, func(a *archive) string { return a.word(10, 5_000)[:4] }},
		{"a common word, one sender", false, func(a *archive) string { return a.word(0, 50) + " from:" + benchPhone(a.r.IntN(a.people)) }},
		{"a common word, one sender, one month", false, func(a *archive) string { return a.word(0, 50) + " from:" + benchPhone(a.r.IntN(a.people)) + month(a) }},
		{"a common word, one day", false, func(a *archive) string {
			at := a.at(a.r.IntN(a.messages))
			return a.word(0, 50) + " after:" + at.Format("2006-01-02") + " before:" + at.AddDate(0, 0, 1).Format("2006-01-02")
		}},
		{"a common word, one record", false, func(a *archive) string { return fmt.Sprintf("%s in:%d", a.word(0, 50), a.r.IntN(a.people/10)) }},
		{"a common word, with a photo", false, func(a *archive) string { return a.word(0, 50) + " has:photo" }},
		{"a middling word, by the team, one month", false, func(a *archive) string { return a.word(300, 5_000) + " from:me" + month(a) }},
		{"a common word, by somebody in the field", true, func(a *archive) string { return a.word(0, 50) + " " }},
		{"a middling word, by somebody in the field", true, func(a *archive) string { return a.word(300, 5_000) + " " }},
	}
}

// searches measures every question at both sizes, in turns.
func (b *bench) searches(ctx context.Context) (err error) {
	var both [2]*archive
	for i, n := range [2]int{b.pick(10_000, 100_000), b.messages} {
		if both[i], err = b.archive(ctx, n); err != nil {
			return err
		}
		defer both[i].store.Close()
	}
	return b.askAll(ctx, both, b.pick(3, 5), b.pick(40, 200))
}

// askAll asks every kind of question of both, in turns, so that both meet the same
// noise.
func (b *bench) askAll(ctx context.Context, both [2]*archive, rounds, times int) error {
	small, large := both[0], both[1]
	for round := range rounds + 1 {
		for _, q := range questions() {
			var took [2][]time.Duration
			for range times {
				for i, a := range both {
					t, err := a.time(ctx, q)
					if err != nil {
						return fmt.Errorf("%s: %w", q.name, err)
					}
					took[i] = append(took[i], t)
				}
			}
			for i, a := range both {
				if s := a.took[q.name]; round > 0 { // the first warms up
					s.p50s, s.p99s = append(s.p50s, quantile(took[i], 0.5)), append(s.p99s, quantile(took[i], 0.99))
				}
			}
		}
	}
	for _, q := range questions() {
		s, l := small.took[q.name], large.took[q.name]
		name, beside := "search "+amountOf(large.messages)+": "+q.name, "at "+amountOf(small.messages)
		b.add(name+", p50", "ms", l.p50s, s.p50s, beside, goal{})
		b.add(name+", p99", "ms", l.p99s, s.p99s, beside, atMost(20, "ms"))
	}
	return nil
}

// time is how long one search takes, a page of thirty with its words marked.
func (a *archive) time(ctx context.Context, q question) (time.Duration, error) {
	reader := a.owner
	if q.field {
		reader = a.field
	}
	s := bridge.ParseSearch(q.ask(a), time.UTC)
	began := time.Now()
	err := a.store.Read(ctx, func(tx *data.Tx) error {
		_, err := tx.Search(reader, s, 0, 30)
		return err
	})
	return time.Since(began), err
}

// archive fills a store and has it indexed.
func (b *bench) archive(ctx context.Context, messages int) (*archive, error) {
	name := fmt.Sprintf("archive-%d", messages)
	dir, err := b.folder(name)
	if err != nil {
		return nil, err
	}
	a := &archive{name: name, options: data.Options{Path: filepath.Join(dir, "porchlight.db")}, messages: messages, people: max(messages/10, 100),
		r: rand.New(rand.NewPCG(1, 2)), took: map[string]*spread{}}
	for _, q := range questions() {
		a.took[q.name] = &spread{}
	}
	if b.postgres != "" {
		if a.options.Postgres, err = b.database(ctx, fmt.Sprintf("archive_%d", messages)); err != nil {
			return nil, err
		}
	}
	if a.store, err = data.Open(ctx, a.options); err != nil {
		return nil, err
	}
	b.say("filling %s: %d conversations, %d messages", name, a.people, messages)
	began := time.Now()
	if err := errors.Join(a.store.Write(ctx, a.hire), a.fill(ctx, b)); err != nil {
		return nil, errors.Join(fmt.Errorf("fill %s: %w", name, err), a.store.Close())
	}
	b.say("filled %s in %s", name, time.Since(began).Round(100*time.Millisecond))
	began = time.Now()
	if err := a.store.CatchUpSearch(ctx); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	rate := float64(messages) / time.Since(began).Seconds()
	b.add("search "+amountOf(messages)+": the index is made", "messages/s", []float64{rate}, nil, "", goal{})
	if info, err := os.Stat(filepath.Join(dir, data.IndexFile)); err == nil {
		b.add("search "+amountOf(messages)+": size of the index", "MB", []float64{float64(info.Size()) / 1e6}, nil, "", goal{})
	}
	return a, nil
}

func (a *archive) hire(tx *data.Tx) (err error) {
	if a.owner, err = tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: benchEmail, Role: bridge.Owner}, "x", a.at(0)); err != nil {
		return err
	}
	a.field, err = tx.AddStaff(bridge.Staff{Name: "Jo Park", Email: "jo@example.com", Role: bridge.Tradie}, "x", a.at(0))
	return err
}

// at is when the n-th message was written: they are spread over three years.
func (a *archive) at(n int) time.Time {
	const span = archiveYears * 365 * 24 * time.Hour
	return time.Now().UTC().Truncate(24 * time.Hour).Add(-span + time.Duration(float64(span)*float64(n)/float64(a.messages)))
}

// fill writes rows in bulk: ten million through the store's own methods take half
// an hour, and a search reads the same.
func (a *archive) fill(ctx context.Context, b *bench) error {
	driver, dsn := "sqlite3", a.options.Path+"?_journal_mode=WAL&_synchronous=OFF&_busy_timeout=60000"
	if a.options.Postgres != "" {
		driver, dsn = "pgx", a.options.Postgres
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	zero := a.at(0).UnixMilli()
	add := func(into string, rows, columns int, row func(int) []any) error {
		return b.bulk(ctx, db, a.name, into, rows, columns, row)
	}
	const over = " OVERRIDING SYSTEM VALUE"
	ids := func(table, columns string) string {
		if driver == "pgx" {
			return table + " (" + columns + ")" + over
		}
		return table + " (" + columns + ")"
	}
	return errors.Join(
		add(ids("contacts", "id, name, sort_name, created_at"), a.people, 4, func(i int) []any { return []any{i + 1, benchPhone(i), benchPhone(i), zero} }),
		add("addresses (contact_id, channel, value, answerable, created_at)", a.people, 5, func(i int) []any { return []any{i + 1, "sms", benchPhone(i), true, zero} }),
		add(ids("records", "id, type, reference, title, created_at, rev"), a.people/10, 6, func(i int) []any { return []any{i + 1, "job", fmt.Sprint(i), "", zero, 1} }),
		add(ids("conversations", "id, kind, folder, about, contact_id, record_id, state, assignee_id, title, last_at, created_at, rev"), a.people, 12, func(i int) []any {
			var record, assignee any
			if i%10 == 0 {
				record = i/10 + 1
			}
			if i%max(a.people/fieldJobs, 1) == 0 {
				assignee = int64(a.field.ID)
			}
			return []any{i + 1, "customer", "customers", fmt.Sprintf("customer:%d", i+1), i + 1, record, "open", assignee, benchPhone(i), zero + int64(i), zero, 2}
		}),
		add(ids("messages", "id, conversation_id, at, direction, channel, author_kind, author_id, author_name, body, files, rev"), a.messages, 11, a.row),
		add("attachments (message_id, uploader, name, type, state, created_at)", a.messages/50, 6, func(i int) []any { return []any{i*50 + 1, "sms", "a.jpg", "jpg", "kept", zero} }),
	)
}

// bulk writes many rows, fifty by one statement.
func (b *bench) bulk(ctx context.Context, db *sql.DB, name, into string, rows, columns int, row func(int) []any) error {
	told := time.Now()
	for from := 0; from < rows; from += seedBatch {
		t, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for at := from; at < min(from+seedBatch, rows); at += 50 {
			var args []any
			n := min(50, min(from+seedBatch, rows)-at)
			for i := at; i < at+n; i++ {
				args = append(args, row(i)...)
			}
			if _, err := t.ExecContext(ctx, "INSERT INTO "+into+" VALUES "+valuesOf(n, columns), args...); err != nil {
				return errors.Join(err, t.Rollback())
			}
		}
		if err := t.Commit(); err != nil {
			return err
		}
		told = b.progress(told, "%s: %d of %d", name, from, rows)
	}
	return nil
}

func (a *archive) row(i int) []any {
	person := i % a.people
	direction, by, id, name := "in", "contact", int64(person+1), benchPhone(person)
	if i/a.people%4 == 3 {
		direction, by, id, name = "out", "staff", int64(a.owner.ID), a.owner.Name
	}
	files := 0
	if i%50 == 0 {
		files = 1
	}
	return []any{i + 1, person + 1, a.at(i).UnixMilli(), direction, "sms", by, id, name, archiveBody(i), files, 2}
}

func valuesOf(rows, columns int) string {
	var b strings.Builder
	for n := range rows * columns {
		switch {
		case n == 0:
			b.WriteString("($1")
			continue
		case n%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", n+1)
	}
	return b.String() + ")"
}

// archiveBody is the n-th text: twelve words or so, as often as words are in a
// language, and a number of its own.
func archiveBody(n int) string {
	r := rand.New(rand.NewPCG(uint64(n), 77))
	z := rand.NewZipf(r, 1.15, 6, archiveWords-1)
	words := make([]string, 6+r.IntN(12))
	for i := range words {
		words[i] = archiveWord(int(z.Uint64()))
	}
	return strings.Join(words, " ") + fmt.Sprintf(" ref %d", n)
}

// archiveWord is the word of a rank, in syllables.
func archiveWord(rank int) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	w := ""
	for n := rank*2_654_435_761%1_000_003 + 4_900; n > 0; n /= 70 {
		w += string(consonants[n%14]) + string(vowels[n/14%5])
	}
	return w
}

// word is one with a rank by chance.
func (a *archive) word(from, to int) string { return archiveWord(from + a.r.IntN(to-from)) }
