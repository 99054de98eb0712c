package data_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/data/datatest"
)

// benchStore has n conversations with a text each.
func benchStore(b *testing.B, n int) (s *data.Store, reader bridge.Staff) {
	b.Helper()
	s = datatest.SQLite(b, nil)
	for from := 0; from < n; from += 1_000 {
		err := s.Write(b.Context(), func(tx *data.Tx) (err error) {
			line, err := tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true})
			if err == nil && from == 0 {
				reader, err = tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, "x", noon)
			}
			for i := from; err == nil && i < min(from+1_000, n); i++ {
				err = benchConversation(tx, line, i)
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s, reader
}

func benchConversation(tx *data.Tx, line bridge.LineID, i int) error {
	at := noon.Add(time.Duration(i) * time.Second)
	c, err := tx.AddContact(bridge.Contact{Addresses: []bridge.Address{
		{Channel: bridge.SMS, Value: fmt.Sprintf("+1%010d", 2_000_000_000+i), Answerable: true}}}, at)
	if err != nil {
		return err
	}
	id, err := tx.CustomerConversation(c, line, at)
	if err != nil {
		return err
	}
	_, err = tx.AddMessage(bridge.Message{Conversation: id, At: at, Direction: bridge.In, Channel: bridge.SMS, Body: "Is anyone there?"})
	return err
}

// BenchmarkListPage is the first page of the open view; it takes as long at twenty
// times the conversations.
func BenchmarkListPage(b *testing.B) {
	for _, n := range []int{1_000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, reader := benchStore(b, n)
			for b.Loop() {
				benchRead(b, s, 51, func(tx *data.Tx) ([]bridge.Conversation, error) {
					return tx.Conversations(reader, bridge.ViewOpen, data.Cursor{}, 51)
				})
			}
		})
	}
}

// BenchmarkChangedSince is what each open page asks after each commit.
func BenchmarkChangedSince(b *testing.B) {
	s, reader := benchStore(b, 20_000)
	var rev int64
	if err := s.Write(b.Context(), func(tx *data.Tx) error {
		rev = tx.Rev() - 1
		return tx.SetUrgent(7, true)
	}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		benchRead(b, s, 1, func(tx *data.Tx) ([]bridge.Conversation, error) { return tx.ChangedSince(reader, rev, 200) })
	}
}

func benchRead(b *testing.B, s *data.Store, want int, ask func(*data.Tx) ([]bridge.Conversation, error)) {
	if err := s.Read(b.Context(), func(tx *data.Tx) error {
		cs, err := ask(tx)
		if err == nil && len(cs) != want {
			err = fmt.Errorf("got %d rows, want %d", len(cs), want)
		}
		return err
	}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFirstPage is what visibility costs: of 100,000 conversations somebody sees
// 200, and their pages should take no more than twice as long as those of the owner,
// who sees them all. The field sees by its jobs; the office, where a kind is its
// participants' alone, by taking part. Ratio is that of the 99th percentiles.
func BenchmarkFirstPage(b *testing.B) {
	for _, shape := range []string{"tradie", "office"} {
		b.Run(shape, func(b *testing.B) {
			b.Run("sqlite", func(b *testing.B) {
				benchFirstPage(b, data.Options{Path: filepath.Join(b.TempDir(), "porchlight.db")}, shape == "office")
			})
			b.Run("postgres", func(b *testing.B) {
				benchFirstPage(b, data.Options{Postgres: datatest.Postgres(b)}, shape == "office")
			})
		})
	}
}

func benchFirstPage(b *testing.B, o data.Options, landlord bool) {
	s, err := data.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	owner, reader, rev := benchMany(b, s, o, landlord)
	folder := bridge.View(bridge.FolderJobs)
	if landlord {
		folder = bridge.View(bridge.FolderTenants)
	}
	page := func(v bridge.View) func(*data.Tx, bridge.Staff) (int, error) {
		return func(tx *data.Tx, who bridge.Staff) (int, error) {
			cs, err := tx.Conversations(who, v, data.Cursor{}, 51)
			return len(cs), err
		}
	}
	for _, ask := range []struct {
		name string
		want int
		of   func(*data.Tx, bridge.Staff) (int, error)
	}{
		{"open", 51, page(bridge.ViewOpen)},
		{"folder", 51, page(folder)},
		{"closed", 0, page(bridge.ViewClosed)},
		{"count", data.MaxCount, func(tx *data.Tx, who bridge.Staff) (int, error) {
			n, err := tx.CountView(who, bridge.ViewOpen)
			return int(n), err
		}},
		{"changed", 1, func(tx *data.Tx, who bridge.Staff) (int, error) {
			cs, err := tx.ChangedSince(who, rev, 200)
			return len(cs), err
		}},
	} {
		b.Run(ask.name, func(b *testing.B) {
			var took [2][]time.Duration
			for b.Loop() {
				for i, who := range []bridge.Staff{owner, reader} { // in turn: what disturbs one disturbs the other
					began := time.Now()
					if err := s.Read(b.Context(), func(tx *data.Tx) error {
						n, err := ask.of(tx, who)
						if err == nil && n != ask.want {
							err = fmt.Errorf("%s got %d, want %d", who.Name, n, ask.want)
						}
						return err
					}); err != nil {
						b.Fatal(err)
					}
					took[i] = append(took[i], time.Since(began))
				}
			}
			var p99 [2]time.Duration
			for i, name := range []string{"owner", "reader"} {
				slices.Sort(took[i])
				p99[i] = took[i][len(took[i])*99/100]
				b.ReportMetric(float64(took[i][len(took[i])/2].Microseconds()), name+"-p50-µs")
				b.ReportMetric(float64(p99[i].Microseconds()), name+"-p99-µs")
			}
			b.ReportMetric(float64(p99[1])/float64(p99[0]), "ratio")
		})
	}
}

// benchMany fills a store with 100,000 conversations, of which the reader sees every
// 500th, and changes one of these after rev.
func benchMany(b *testing.B, s *data.Store, o data.Options, landlord bool) (owner, reader bridge.Staff, rev int64) {
	b.Helper()
	role, preset := bridge.Tradie, bridge.Trades
	if landlord {
		role, preset = bridge.Finance, bridge.PropertyManager
	}
	if err := s.Write(b.Context(), func(tx *data.Tx) (err error) {
		if owner, err = tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, "x", noon); err != nil {
			return err
		}
		if reader, err = tx.AddStaff(bridge.Staff{Name: "Lee Moss", Email: "lee@example.com", Role: role}, "x", noon); err != nil {
			return err
		}
		_, err = tx.AddContact(bridge.Contact{Name: "Priya"}, noon)
		return errors.Join(err, tx.PutSettings(bridge.NewSettings(preset)))
	}); err != nil {
		b.Fatal(err)
	}
	db := rawDB(b, o)
	kind, folder := "job", "jobs"
	if landlord {
		kind, folder = "direct", "tenants"
	}
	for _, q := range []string{
		`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
		INSERT INTO records (type, reference, title, created_at, rev) SELECT 'job', CAST(i AS TEXT), 'Boiler', 1, 2 FROM n`,
		`INSERT INTO record_staff (record_id, staff_id, active) SELECT id, 2, TRUE FROM records WHERE id % 500 = 0 AND '` + kind + `' = 'job'`,
		`INSERT INTO conversations (kind, folder, about, contact_id, record_id, state, title, preview, last_at, created_at, rev)
		SELECT '` + kind + `', '` + folder + `', 'x:' || CAST(id AS TEXT), 1, CASE WHEN '` + kind + `' = 'job' THEN id END, 'open', 'Priya', 'Is anyone there?', id, 1, 2 FROM records`,
		`INSERT INTO participants (conversation_id, staff_id, added_at) SELECT id, 1, 1 FROM conversations`,
		`INSERT INTO participants (conversation_id, staff_id, added_at) SELECT id, 2, 1 FROM conversations WHERE id % 500 = 0`,
	} {
		if _, err := db.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
	if o.Postgres != "" {
		if _, err := db.Exec("ANALYZE"); err != nil { // as its autovacuum does
			b.Fatal(err)
		}
	}
	if err := s.Write(b.Context(), func(tx *data.Tx) error {
		rev = tx.Rev() - 1
		return tx.SetUrgent(500, true)
	}); err != nil {
		b.Fatal(err)
	}
	return owner, reader, rev
}
