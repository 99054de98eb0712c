package data_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/data/datatest"
)

// An archive is a store that is searched, and what the test remembers of it.
type archive struct {
	*testing.T
	s     *data.Store
	o     data.Options
	owner bridge.Staff
	field bridge.Staff
	priya bridge.Contact
	omar  bridge.Contact
	job   bridge.Record
	talks map[string]bridge.ConversationID
	clock time.Time
}

// eachArchive runs a test on both engines, with an index of small volumes.
func eachArchive(t *testing.T, test func(*archive)) {
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		o.IndexVolume = 16
		a := &archive{T: t, o: o, talks: map[string]bridge.ConversationID{}, clock: time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)}
		a.open()
		a.write(func(tx *data.Tx) {
			a.owner = must(tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, "x", a.clock))
			a.field = must(tx.AddStaff(bridge.Staff{Name: "Jo Park", Email: "jo@example.com", Role: bridge.Tradie}, "x", a.clock))
			line := must(tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true}))
			a.priya = must(tx.AddContact(bridge.Contact{Name: "Priya Raman", Addresses: []bridge.Address{{Channel: bridge.SMS, Value: "+14155550134", Answerable: true}}}, a.clock))
			a.omar = must(tx.AddContact(bridge.Contact{Name: "Omar Diaz", Addresses: []bridge.Address{{Channel: bridge.SMS, Value: "+14155550135", Answerable: true}}}, a.clock))
			a.job = must(tx.AddRecord(bridge.Record{Type: bridge.Job, Reference: "1042", Title: "Boiler", Contacts: []bridge.ContactID{a.priya.ID}}, a.clock))
			a.talks["priya"] = must(tx.CustomerConversation(a.priya, line, a.clock))
			a.talks["omar"] = must(tx.CustomerConversation(a.omar, line, a.clock))
			a.talks["job"], _, _ = tx.FindOrStart(data.Start{Kind: bridge.KindJob, About: "record:1", Contact: a.priya, Record: a.job.ID, At: a.clock})
			a.talks["team"], _, _ = tx.FindOrStart(data.Start{Kind: bridge.KindTeam, About: "team", Title: "Team", At: a.clock})
		})
		test(a)
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (a *archive) open() {
	a.Helper()
	var err error
	if a.s, err = data.Open(a.Context(), a.o); err != nil {
		a.Fatal(err)
	}
	s := a.s
	a.Cleanup(func() { s.Close() })
}

func (a *archive) write(fn func(*data.Tx)) {
	a.Helper()
	if err := a.s.Write(a.Context(), func(tx *data.Tx) error { fn(tx); return nil }); err != nil {
		a.Fatal(err)
	}
}

func (a *archive) index() {
	a.Helper()
	if err := a.s.CatchUpSearch(a.Context()); err != nil {
		a.Fatal(err)
	}
}

// say puts a text of a contact into a conversation.
func (a *archive) say(talk, body string, also ...func(*bridge.Message)) (id bridge.MessageID) {
	a.Helper()
	a.clock = a.clock.Add(time.Minute)
	m := bridge.Message{Conversation: a.talks[talk], At: a.clock, Direction: bridge.In, Channel: bridge.SMS, Body: body,
		Author: bridge.Author{Kind: bridge.ByContact, ID: int64(a.priya.ID), Name: a.priya.Name}}
	if talk == "omar" {
		m.Author.ID, m.Author.Name = int64(a.omar.ID), a.omar.Name
	}
	for _, f := range also {
		f(&m)
	}
	a.write(func(tx *data.Tx) { id = must(tx.AddMessage(m)).ID })
	return id
}

// byStaff makes it an answer.
func (a *archive) byStaff(m *bridge.Message) {
	m.Direction, m.Author = bridge.Out, bridge.Author{Kind: bridge.ByStaff, ID: int64(a.owner.ID), Name: a.owner.Name}
}

func (a *archive) look(reader bridge.Staff, typed string) (hits []bridge.Hit) {
	a.Helper()
	if err := a.s.Read(a.Context(), func(tx *data.Tx) (err error) {
		hits, err = tx.Search(reader, bridge.ParseSearch(typed, time.UTC), 0, 100)
		return err
	}); err != nil {
		a.Fatalf("%s: %v", typed, err)
	}
	return hits
}

func messages(hits []bridge.Hit) (out []bridge.MessageID) {
	for _, h := range hits {
		out = append(out, h.Message)
	}
	return out
}

func (a *archive) finds(typed string, want ...bridge.MessageID) {
	a.Helper()
	if d := cmp.Diff(want, messages(a.look(a.owner, typed))); d != "" {
		a.Errorf("%s: want -, got +\n%s", typed, d)
	}
}

func marked(h bridge.Hit) (out string) {
	for _, p := range h.Snippet {
		if p.Mark {
			p.Text = "[" + p.Text + "]"
		}
		out += p.Text
	}
	return out
}

func TestWordsPhrasesAndBeginningsAreFoundNewestFirst(t *testing.T) {
	eachArchive(t, func(a *archive) {
		first := a.say("priya", "The BOILER lost pressure; don't know why")
		second := a.say("omar", "Café boilers, naïve: 北京市 +1 (415) 555-0134")
		third := a.say("priya", "pressure boiler", a.byStaff)
		a.say("priya", "nobody finds what happened", func(m *bridge.Message) { m.Direction = bridge.Event })
		for range 40 { // pushes the first three into older volumes
			a.say("omar", "chatter")
		}
		a.index()
		a.finds("boiler ", third, first)
		a.finds("boil", third, second, first)
		a.finds("bo") // two letters begin too much
		a.finds("boil* lost ", first)
		a.finds("pressure boiler ", third, first)
		a.finds(`"pressure boiler"`, third)
		a.finds(`"lost pressure" boiler`, first)
		a.finds("cafe NAIVE ", second)
		a.finds("don't ", first)
		a.finds("北京 ", second)
		a.finds("555-0134 ", second)
		a.finds("nobody ")
		a.finds(`"boiler boiler"`)
		a.finds(`' " ( ) AND OR NOT NEAR * ^ : & | ! <-> §v1 `)
		a.finds("§v1 ")
		a.finds("")
		if got := marked(a.look(a.owner, `boil* pressure* `)[0]); got != "[pressure] [boiler]" {
			a.Errorf("marked as %q", got)
		}
		if got := marked(a.look(a.owner, `"cafe boilers"`)[0]); !strings.HasPrefix(got, "[Café boilers], naïve") {
			a.Errorf("marked as %q", got)
		}
	})
}

func TestEachFilterLeavesOutTheOthers(t *testing.T) {
	eachArchive(t, func(a *archive) {
		old := a.say("priya", "tap", func(m *bridge.Message) { m.At = time.Date(2024, 6, 30, 23, 30, 0, 0, time.UTC) })
		photo := a.say("priya", "tap", func(m *bridge.Message) {
			m.Attachments = []bridge.Attachment{{Name: "IMG.jpg", Type: "jpg", State: bridge.Kept, Uploader: "sms"}}
		})
		file := a.say("omar", "tap", func(m *bridge.Message) {
			m.Attachments = []bridge.Attachment{{Name: "plan.pdf", Type: "pdf", State: bridge.Kept, Uploader: "sms"}}
			m.Channel = bridge.Email
		})
		out := a.say("priya", "tap", a.byStaff)
		about := a.say("job", "tap", a.byStaff)
		failed := a.say("priya", "tap and more", a.byStaff)
		a.write(func(tx *data.Tx) {
			d := must(tx.AddDelivery(bridge.Delivery{Message: failed, Conversation: a.talks["priya"], Line: 1, Channel: bridge.SMS, To: "+14155550134", ExpiresAt: a.clock.Add(time.Hour)}, a.clock))
			was := d.State
			d.State, d.Code = bridge.Failed, "30003"
			if err := tx.SaveDelivery(d, was, bridge.Failure{}, a.clock); err != nil {
				panic(err)
			}
		})
		a.index()
		a.finds("tap ", failed, about, out, file, photo, old)
		a.finds("tap from:priya", photo, old)
		a.finds(`from:"Priya Raman"`, photo, old)
		a.finds("from:raman", photo, old)
		a.finds("tap from:+14155550135", file)
		a.finds("tap from:sam", failed, about, out)
		a.finds("tap from:me", failed, about, out)
		a.finds("tap from:nobody")
		a.finds("in:1042", about)
		a.finds("tap in:#1042", about)
		a.finds("tap in:77")
		a.finds("channel:email", file)
		a.finds("has:photo", photo)
		a.finds("is:failed", failed)
		a.finds("is:failed more ", failed)
		a.finds("is:failed boiler ")
		a.finds("before:2025", old)
		a.finds("tap after:2024-07-01 before:2026")
		a.finds("tap after:2024-06-30 before:2024-07-01", old)
		a.finds("tap before:2024-06-30")
		a.finds("tap after:2026 from:me in:1042 channel:sms", about)
		a.write(func(tx *data.Tx) { // renamed since
			a.priya.Name = "Zora Neale"
			if err := tx.PutContact(a.priya); err != nil {
				panic(err)
			}
		})
		a.finds("from:zora", photo, old)
		a.finds("from:priya", photo, old)
	})
}

func TestAMovedTextIsFoundAboutItsNewRecord(t *testing.T) {
	eachArchive(t, func(a *archive) {
		id := a.say("priya", "the gauge is at zero")
		a.index()
		a.finds("in:1042")
		a.write(func(tx *data.Tx) {
			if err := tx.Place(bridge.Placement{Message: id, Record: a.job.ID, Because: "somebody said so", At: a.clock}); err != nil {
				panic(err)
			}
		})
		a.index()
		a.finds("gauge in:1042", id)
		a.finds("gauge ", id)
		a.write(func(tx *data.Tx) {
			if err := tx.Place(bridge.Placement{Message: id, Because: "somebody said so", At: a.clock}); err != nil {
				panic(err)
			}
		})
		a.index()
		a.finds("gauge in:1042")
		a.finds("gauge ", id)
	})
}

// A tradie on the job reads there a text that came into the customer's own
// conversation, which is not theirs.
func TestAHitOpensInAConversationThatItsReaderMaySee(t *testing.T) {
	eachArchive(t, func(a *archive) {
		placed, private := a.say("priya", "gauge one"), a.say("priya", "gauge two")
		a.write(func(tx *data.Tx) {
			if err := tx.Place(bridge.Placement{Message: placed, Record: a.job.ID, Because: "x", At: a.clock}); err != nil {
				panic(err)
			}
			r := must(tx.Record(a.job.ID))
			r.Staff = []bridge.StaffID{a.field.ID}
			if err := tx.PutRecord(r, a.clock); err != nil {
				panic(err)
			}
		})
		a.index()
		got := a.look(a.field, "gauge ")
		if len(got) != 1 || got[0].Message != placed || got[0].Conversation != a.talks["job"] {
			a.Errorf("the tradie finds %+v", got)
		}
		got = a.look(a.owner, "gauge ")
		if len(got) != 2 || got[0].Message != private || got[1].Conversation != a.talks["priya"] {
			a.Errorf("the owner finds %+v", got)
		}
	})
}

func TestAContactFindsNeitherNotesNorWhatIsOthers(t *testing.T) {
	eachArchive(t, func(a *archive) {
		mine := a.say("priya", "gauge")
		answer := a.say("priya", "gauge", a.byStaff)
		a.say("priya", "gauge", a.byStaff, func(m *bridge.Message) { m.Direction = bridge.Note })
		a.say("omar", "gauge")
		a.say("team", "gauge", a.byStaff)
		a.index()
		look := func(c bridge.ContactID, typed string) (out []bridge.MessageID) {
			a.Helper()
			if err := a.s.Read(a.Context(), func(tx *data.Tx) error {
				hits, err := tx.SearchAsContact(c, bridge.ParseSearch(typed, time.UTC), 0, 10)
				out = messages(hits)
				return err
			}); err != nil {
				a.Fatal(err)
			}
			return out
		}
		if got := look(a.priya.ID, "gauge "); got != nil {
			a.Errorf("the portal is off, and yet: %v", got)
		}
		a.write(func(tx *data.Tx) {
			s := bridge.NewSettings(bridge.Trades)
			s.PortalOn = true
			if err := tx.PutSettings(s); err != nil {
				panic(err)
			}
		})
		for typed, want := range map[string][]bridge.MessageID{"gauge ": {answer, mine}, "gauge from:me": {mine}, "from:sam": {answer}} {
			if got := look(a.priya.ID, typed); !slices.Equal(got, want) {
				a.Errorf("%s: %v, want %v", typed, got, want)
			}
		}
		if got := look(0, "gauge "); got != nil {
			a.Errorf("nobody finds %v", got)
		}
	})
}

func TestTheIndexIsMadeAnewWhereItIsMissingOrNotThisStores(t *testing.T) {
	eachArchive(t, func(a *archive) {
		var all []bridge.MessageID
		for range 50 {
			all = append([]bridge.MessageID{a.say("omar", "gauge")}, all...)
		}
		a.index()
		a.finds("gauge ", all...)
		again := func(why string, do func()) {
			a.Helper()
			if err := a.s.Close(); err != nil {
				a.Fatal(err)
			}
			do()
			a.open()
			a.index()
			a.Log(why)
			a.finds("gauge ", all...)
		}
		again("restarted", func() {})
		again("other volumes", func() { a.o.IndexVolume = 9 })
		if a.o.Postgres == "" {
			file := filepath.Join(filepath.Dir(a.o.Path), data.IndexFile)
			again("missing", func() {
				for _, end := range []string{"", "-wal", "-shm"} {
					os.Remove(file + end)
				}
			})
			again("damaged", func() {
				if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
					a.Fatal(err)
				}
			})
		}
		again("of another store", func() {
			db := rawDB(t, a.o)
			if a.o.Postgres != "" {
				if _, err := db.Exec("UPDATE search_state SET at = 5"); err != nil {
					a.Fatal(err)
				}
			} else if _, err := db.Exec("UPDATE messages SET at = at + 1"); err != nil {
				a.Fatal(err)
			}
		})
		last := a.say("omar", "gauge")
		a.finds("gauge ", all...)
		a.index()
		a.finds("gauge ", append([]bridge.MessageID{last}, all...)...)
	})
}

// The indexer runs beside writers and needs nobody to wake it.
func TestWhatIsCommittedIsFoundSoonAfter(t *testing.T) {
	eachArchive(t, func(a *archive) {
		old := a.say("omar", "gauge before it began")
		ended := make(chan error, 1)
		ctx, stop := contextWithCancel(a)
		go func() { ended <- a.s.RunSearch(ctx) }()
		a.await(func() bool { return slices.Equal(messages(a.look(a.owner, "gauge ")), []bridge.MessageID{old}) })
		id := a.say("omar", "gauge after it began")
		a.await(func() bool { return slices.Equal(messages(a.look(a.owner, "gauge ")), []bridge.MessageID{id, old}) })
		stop()
		if err := <-ended; err != nil {
			a.Error(err)
		}
	})
}

// By chance: small vocabularies, many volumes, every filter; what is found is what
// somebody finds who reads through everything.
func TestASearchFindsWhatReadingEverythingFinds(t *testing.T) {
	eachArchive(t, func(a *archive) {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 1))
		a.Logf("seed %d", seed)
		vocabulary := []string{"boiler", "boilers", "boil", "leak", "leaking", "tap", "Kitchen", "Ölofen"}
		type kept struct {
			id            bridge.MessageID
			words         []string
			from, channel string
			at            time.Time
			job           bool
		}
		var all []kept
		a.clock = time.Date(2025, 11, 20, 0, 0, 0, 0, time.UTC)
		for range 150 {
			a.clock = a.clock.Add(time.Duration(r.IntN(30)) * time.Hour)
			k := kept{from: "priya", channel: "sms"}
			for range 1 + r.IntN(4) {
				k.words = append(k.words, vocabulary[r.IntN(len(vocabulary))])
			}
			talk := []string{"priya", "omar", "job"}[r.IntN(3)]
			if talk == "omar" {
				k.from = "omar"
			}
			k.job = talk == "job"
			staff, email := r.IntN(3) == 0, r.IntN(3) == 0
			k.id = a.say(talk, strings.Join(k.words, ", "), func(m *bridge.Message) {
				if k.at = m.At; staff {
					a.byStaff(m)
					k.from = "sam"
				}
				if email {
					m.Channel, k.channel = bridge.Email, "email"
				}
			})
			if r.IntN(2) == 0 {
				a.index()
			}
			all = append(all, k)
		}
		a.index()
		for range 200 {
			word, begins := vocabulary[r.IntN(len(vocabulary))], r.IntN(2) == 0
			typed, keep := word+" ", func(k kept) bool {
				return slices.ContainsFunc(k.words, func(w string) bool { return w == word || begins && strings.HasPrefix(w, word) })
			}
			if begins {
				typed = word + "* "
			}
			also := func(text string, f func(kept) bool) {
				if r.IntN(3) == 0 {
					was := keep
					typed, keep = typed+text+" ", func(k kept) bool { return was(k) && f(k) }
				}
			}
			from, channel := []string{"priya", "omar", "sam"}[r.IntN(3)], []string{"sms", "email"}[r.IntN(2)]
			after, before := time.Date(2025, 11, 15+r.IntN(120), 0, 0, 0, 0, time.UTC), time.Date(2025, 11, 30+r.IntN(150), 0, 0, 0, 0, time.UTC)
			also("from:"+from, func(k kept) bool { return k.from == from })
			also("channel:"+channel, func(k kept) bool { return k.channel == channel })
			also("in:1042", func(k kept) bool { return k.job })
			also("after:"+after.Format("2006-01-02"), func(k kept) bool { return !k.at.Before(after) })
			also("before:"+before.Format("2006-01-02"), func(k kept) bool { return k.at.Before(before) })
			var want []bridge.MessageID
			for _, k := range slices.Backward(all) {
				if keep(k) {
					want = append(want, k.id)
				}
			}
			a.pages(typed, 1+r.IntN(9), want)
		}
	})
}

// pages reads a search page by page.
func (a *archive) pages(typed string, size int, want []bridge.MessageID) {
	a.Helper()
	var got []bridge.MessageID
	var before bridge.MessageID
	if err := a.s.Read(a.Context(), func(tx *data.Tx) error {
		for {
			hits, err := tx.Search(a.owner, bridge.ParseSearch(typed, time.UTC), before, size)
			if got = append(got, messages(hits)...); err != nil || len(hits) < size {
				return err
			}
			before = got[len(got)-1]
		}
	}); err != nil {
		a.Fatalf("%s: %v", typed, err)
	}
	if d := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); d != "" {
		a.Errorf("%s: want -, got +\n%s", typed, d)
	}
}

func contextWithCancel(a *archive) (context.Context, context.CancelFunc) {
	return context.WithCancel(a.Context())
}

// await asks again after each commit of the index, which nothing tells of.
func (a *archive) await(is func() bool) {
	a.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); runtime.Gosched() {
		if time.Now().After(end) {
			a.Fatal("it is not found after 10 s")
		}
	}
}
