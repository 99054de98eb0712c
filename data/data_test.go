package data_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/data/datatest"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// world is a small business in a store: a line, two of the team and a customer.
type world struct {
	*testing.T
	*data.Store
	line        bridge.LineID
	sam, jo     bridge.Staff
	priya       bridge.Contact
	conv        bridge.ConversationID
	priyasPhone string
}

func newWorld(t *testing.T, s *data.Store) *world {
	t.Helper()
	w := &world{T: t, Store: s, priyasPhone: "+14155550134"}
	w.write(func(tx *data.Tx) (err error) {
		if w.line, err = tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true}); err != nil {
			return err
		}
		if w.sam, err = tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, "x", noon); err != nil {
			return err
		}
		if w.jo, err = tx.AddStaff(bridge.Staff{Name: "Jo Park", Email: "jo@example.com", Role: bridge.Apprentice}, "x", noon); err != nil {
			return err
		}
		w.priya, err = tx.AddContact(bridge.Contact{Name: "Priya Raman", Addresses: []bridge.Address{
			{Channel: bridge.SMS, Value: w.priyasPhone, Answerable: true}}}, noon)
		if err != nil {
			return err
		}
		w.conv, err = tx.CustomerConversation(w.priya, w.line, noon)
		return err
	})
	return w
}

func (w *world) write(fn func(*data.Tx) error) {
	w.Helper()
	if err := w.Store.Write(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) read(fn func(*data.Tx) error) {
	w.Helper()
	if err := w.Store.Read(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) says(dir bridge.Direction, body string, at time.Time) (m bridge.Message) {
	w.Helper()
	w.write(func(tx *data.Tx) (err error) {
		m, err = tx.AddMessage(bridge.Message{Conversation: w.conv, At: at, Direction: dir, Channel: bridge.SMS, Body: body})
		return err
	})
	return m
}

func (w *world) delivery(m bridge.Message) (d bridge.Delivery) {
	w.Helper()
	w.write(func(tx *data.Tx) (err error) {
		d, err = tx.AddDelivery(bridge.Delivery{Message: m.ID, Conversation: w.conv, Line: w.line, Channel: bridge.SMS, To: w.priyasPhone}, noon)
		return err
	})
	return d
}

func (w *world) row(reader bridge.Staff) (c bridge.Conversation) {
	w.Helper()
	w.read(func(tx *data.Tx) (err error) {
		c, err = tx.Conversation(reader, w.conv)
		return err
	})
	return c
}

func TestAMessageShowsOnItsConversationsRow(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		w.says(bridge.In, "No hot water\nagain", noon.Add(time.Minute))
		c := w.row(w.sam)
		if c.Preview != "No hot water again" || c.Unread != 1 || c.State != bridge.Open || !c.LastAt.Equal(noon.Add(time.Minute)) || c.Title != "Priya Raman" {
			t.Errorf("row after a text: %+v", c)
		}
		w.says(bridge.Out, "On my way", noon.Add(2*time.Minute))
		if c = w.row(w.sam); c.State != bridge.Waiting || c.PreviewBy != bridge.Out {
			t.Errorf("row after an answer: %+v", c)
		}
	})
}

func TestUnreadIsEachReadersOwnAndNeverGoesBack(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		first := w.says(bridge.In, "one", noon.Add(time.Minute))
		w.says(bridge.In, "two", noon.Add(2*time.Minute))
		mark := func(upto bridge.MessageID) (moved bool) {
			w.write(func(tx *data.Tx) (err error) {
				moved, err = tx.MarkRead(w.conv, w.sam.ID, upto, noon)
				return err
			})
			return moved
		}
		if !mark(first.ID) || w.row(w.sam).Unread != 1 {
			t.Errorf("after the first was read: %d unread", w.row(w.sam).Unread)
		}
		if !mark(first.ID+1) || w.row(w.sam).Unread != 0 || mark(first.ID) || w.row(w.sam).Unread != 0 {
			t.Error("reading an older message made newer ones unread")
		}
		w.write(func(tx *data.Tx) error { return tx.MarkUnread(w.conv, w.sam.ID, noon) })
		if w.row(w.sam).Unread != 1 {
			t.Error("mark unread did not")
		}
	})
}

// seen is what every query of the store tells a reader of one conversation.
type seen struct {
	listed         int
	opens          bool
	changed, count int
	lost           int
}

func TestApprenticeSeesOnlyWhatIsAssignedToThem(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		w.says(bridge.In, "hello", noon)
		see := func() (v seen) {
			w.read(func(tx *data.Tx) error {
				cs, err := tx.Conversations(w.jo, bridge.ViewOpen, data.Cursor{}, 50)
				_, single := tx.Conversation(w.jo, w.conv)
				changed, err2 := tx.ChangedSince(w.jo, 0, 50)
				gone, err3 := tx.LostSince(w.jo, 0, 50)
				count, err4 := tx.CountView(w.jo, bridge.ViewOpen)
				v = seen{len(cs), single == nil, len(changed), int(count), len(gone)}
				if single != nil && !errors.Is(single, bridge.ErrNotFound) {
					t.Error(single)
				}
				return errors.Join(err, err2, err3, err4)
			})
			return v
		}
		if got, want := see(), (seen{}); got != want {
			t.Errorf("unassigned: %+v", got)
		}
		w.write(func(tx *data.Tx) error { return tx.Assign(w.conv, w.jo.ID) })
		if got, want := see(), (seen{listed: 1, opens: true, changed: 1, count: 1}); got != want {
			t.Errorf("assigned: %+v", got)
		}
		w.write(func(tx *data.Tx) error {
			return errors.Join(tx.AddParticipant(bridge.Participant{Conversation: w.conv, Staff: w.jo.ID, AddedAt: noon}), tx.Assign(w.conv, w.sam.ID))
		})
		if got, want := see(), (seen{lost: 1}); got != want {
			t.Errorf("given to somebody else: %+v", got)
		}
	})
}

func TestEveryViewPagesThroughEachConversationOnce(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		w.write(func(tx *data.Tx) error {
			for i := range 30 {
				c, err := tx.AddContact(bridge.Contact{Name: fmt.Sprint("Customer ", i)}, noon)
				if err != nil {
					return err
				}
				id, err := tx.CustomerConversation(c, w.line, noon.Add(time.Duration(i/3)*time.Second)) // equal times
				if err != nil {
					return err
				}
				switch i % 5 {
				case 1:
					err = tx.Assign(id, w.sam.ID)
				case 2:
					err = tx.SetState(id, bridge.Closed, time.Time{})
				case 3:
					err = tx.SetState(id, bridge.Snoozed, noon.Add(time.Hour))
				case 4:
					err = tx.SetUrgent(id, true)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		want := map[bridge.View]int{bridge.ViewOpen: 19, bridge.ViewMine: 6, bridge.ViewUnassigned: 13, bridge.ViewAttention: 6, bridge.ViewSnoozed: 6, bridge.ViewClosed: 6, bridge.ViewWaiting: 0}
		w.read(func(tx *data.Tx) error {
			for v, n := range want {
				seen, at := map[bridge.ConversationID]bool{}, data.Cursor{}
				for {
					page, err := tx.Conversations(w.sam, v, at, 4)
					if err != nil {
						return err
					}
					if len(page) == 0 {
						break
					}
					for _, c := range page {
						if seen[c.ID] {
							t.Errorf("%s shows %d twice", v, c.ID)
						}
						seen[c.ID] = true
						if ok, err := tx.InView(w.sam, v, c.ID); !ok || err != nil {
							t.Errorf("%s lists %d but InView denies it (%v)", v, c.ID, err)
						}
					}
					at = data.ParseCursor(data.CursorAfter(page[len(page)-1]).String())
				}
				count, err := tx.CountView(w.sam, v)
				if err != nil {
					return err
				}
				if len(seen) != n || count != int64(n) {
					t.Errorf("%s: %d listed, %d counted, want %d", v, len(seen), count, n)
				}
			}
			return nil
		})
	})
}

func TestWritersShareACommitAndAFailureTakesBackOnlyItself(t *testing.T) {
	var mu sync.Mutex
	largest := 0
	s := datatest.SQLite(t, func(c bridge.Commit) {
		mu.Lock()
		largest = max(largest, c.Writes)
		mu.Unlock()
	})
	w := newWorld(t, s)
	boom := errors.New("boom")
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			err := s.Write(t.Context(), func(tx *data.Tx) error {
				if _, err := tx.AddContact(bridge.Contact{Name: fmt.Sprint(i)}, noon); err != nil {
					return err
				}
				switch i % 10 {
				case 0:
					return boom
				case 1:
					panic("a bug in one writer")
				}
				return nil
			})
			if i%10 == 0 && !errors.Is(err, boom) || i%10 == 1 && err == nil || i%10 > 1 && err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if largest < 2 {
		t.Errorf("200 writers, largest commit %d", largest)
	}
	var n int64
	w.read(func(tx *data.Tx) error {
		for id := bridge.ContactID(1); id < 400; id++ {
			if _, err := tx.Contact(id); err == nil {
				n++
			}
		}
		return nil
	})
	if n != 161 { // 160 and Priya
		t.Errorf("%d contacts, want 161", n)
	}
}

func TestAWriterWhoseCallerLeftDoesNothing(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ran := false
		if err := s.Write(ctx, func(*data.Tx) error { ran = true; return nil }); err == nil || ran {
			t.Errorf("err %v, ran %t", err, ran)
		}
	})
}

func TestRevisionsGrowWithCommitsAndNameWhatChanged(t *testing.T) {
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		commits := make(chan bridge.Commit, 100)
		o.OnCommit = func(c bridge.Commit) {
			if !c.Missed { // PostgreSQL's listener has begun
				commits <- c
			}
		}
		s, err := data.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		w := newWorld(t, s)
		<-commits
		w.says(bridge.In, "a", noon)
		first := <-commits
		w.says(bridge.In, "b", noon)
		second := <-commits
		if second.Rev <= first.Rev || len(second.Changed) != 1 || second.Changed[0] != w.conv || second.Queued {
			t.Errorf("first %+v, second %+v", first, second)
		}
		w.read(func(tx *data.Tx) error {
			ms, err := tx.MessagesSince(w.conv, first.Rev)
			if err != nil || len(ms) != 1 || ms[0].Body != "b" || tx.Rev() != second.Rev {
				t.Errorf("since %d: %v %v, store at %d", first.Rev, ms, err, tx.Rev())
			}
			return nil
		})
	})
}

func TestANodeHearsTheCommitsOfAnother(t *testing.T) {
	url := datatest.Postgres(t)
	heard := make(chan bridge.Commit, 100)
	a, err := data.Open(t.Context(), data.Options{Postgres: url})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := data.Open(t.Context(), data.Options{Postgres: url, OnCommit: func(c bridge.Commit) {
		if !c.Missed {
			heard <- c
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w := newWorld(t, a)
	for range 100 { // the listener of b starts when it can; each commit is a chance
		w.says(bridge.In, "hello", noon)
		select {
		case c := <-heard:
			if len(c.Changed) != 1 || c.Changed[0] != w.conv {
				t.Errorf("heard %+v", c)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Error("the other node heard nothing")
}

func TestTheSameClientKeyStoresOneMessage(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		add := func() error {
			return s.Write(t.Context(), func(tx *data.Tx) error {
				_, err := tx.AddMessage(bridge.Message{Conversation: w.conv, At: noon, Direction: bridge.Out, Body: "hi", ClientID: "k1"})
				return err
			})
		}
		if err := add(); err != nil {
			t.Fatal(err)
		}
		if err := add(); !errors.Is(err, bridge.ErrDuplicate) {
			t.Errorf("second: %v", err)
		}
	})
}

func TestClaimKeepsOrderWithinAConversationAndPacesTheLine(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		d1 := w.delivery(w.says(bridge.Out, "first", noon))
		d2 := w.delivery(w.says(bridge.Out, "second", noon))
		claim := func(now time.Time) (cs []data.Claim) {
			w.write(func(tx *data.Tx) (err error) {
				cs, err = tx.ClaimDue(bridge.SMS, now, time.Minute, 10)
				return err
			})
			return cs
		}
		cs := claim(noon)
		if len(cs) != 1 || cs[0].ID != d1.ID || cs[0].Body != "first" || cs[0].From != "+14155550100" || cs[0].Attempts != 1 {
			t.Fatalf("first claim: %+v", cs)
		}
		if again := claim(noon); len(again) != 0 {
			t.Fatalf("claimed the second while the first is under way: %+v", again)
		}
		w.write(func(tx *data.Tx) error {
			d := cs[0].Delivery
			d.State, d.CarrierID = bridge.Sent, "SM1"
			return tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, noon)
		})
		w.write(func(tx *data.Tx) error {
			_, err := tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Pace: 1})
			return err
		})
		if cs = claim(noon); len(cs) != 1 || cs[0].ID != d2.ID {
			t.Fatalf("second claim: %+v", cs)
		}
		w.write(func(tx *data.Tx) error {
			d := cs[0].Delivery
			d.State, d.CarrierID = bridge.Sent, "SM2"
			return tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, noon)
		})
		w.delivery(w.says(bridge.Out, "third", noon))
		if cs = claim(noon.Add(999 * time.Millisecond)); len(cs) != 0 {
			t.Error("the line's pace of one a second was not kept")
		}
		if cs = claim(noon.Add(time.Second)); len(cs) != 1 {
			t.Error("the line did not send after its second")
		}
	})
}

func TestAFailureReopensAndCountsUntilHandled(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		d := w.delivery(w.says(bridge.Out, "hi", noon))
		w.write(func(tx *data.Tx) error { return tx.SetState(w.conv, bridge.Closed, time.Time{}) })
		w.write(func(tx *data.Tx) error {
			d.State = bridge.Failed
			return tx.SaveDelivery(d, bridge.Sending, bridge.Failure{Sentence: "Landline", BadAddress: true}, noon)
		})
		if c := w.row(w.sam); c.Failed != 1 || c.State != bridge.Open || !c.NeedsAttention() {
			t.Errorf("after the failure: %+v", c)
		}
		w.read(func(tx *data.Tx) error {
			c, err := tx.Contact(w.priya.ID)
			if err != nil || c.Addresses[0].Problem != "Landline" {
				t.Errorf("address: %+v %v", c.Addresses, err)
			}
			return nil
		})
		w.write(func(tx *data.Tx) error { return tx.SetHandled(d) })
		if c := w.row(w.sam); c.Failed != 0 {
			t.Errorf("after it was dealt with: %d", c.Failed)
		}
	})
}

func TestConsentIsALedgerAndItsLastWordHolds(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		say := func(out bool) {
			w.write(func(tx *data.Tx) error {
				return tx.AddConsent(data.Consent{Line: w.line, Channel: bridge.SMS, Value: w.priyasPhone, Out: out, Source: "keyword", At: noon})
			})
		}
		say(true)
		if c := w.row(w.sam); !c.OptedOut {
			t.Error("STOP did not show on the conversation")
		}
		w.write(func(tx *data.Tx) error { // a second contact of the same phone starts opted out too
			c, err := tx.AddContact(bridge.Contact{Addresses: []bridge.Address{{Channel: bridge.SMS, Value: w.priyasPhone}}}, noon)
			if err == nil && !c.Addresses[0].OptedOut {
				t.Error("a new contact with an opted-out phone may be texted")
			}
			return err
		})
		say(false)
		if c := w.row(w.sam); c.OptedOut {
			t.Error("START did not show on the conversation")
		}
	})
}

func TestAWriterAfterTheEndIsToldSoAndDoesNotWait(t *testing.T) {
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		s, err := data.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var writers sync.WaitGroup
		for range 50 {
			writers.Go(func() {
				for {
					if err := s.Write(t.Context(), func(*data.Tx) error { return nil }); err != nil {
						if !errors.Is(err, data.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		writers.Wait()
	})
}

func TestANewerSchemaIsRefusedWithASentence(t *testing.T) {
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		s, err := data.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		db := rawDB(t, o)
		if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, " + map[bool]string{true: "TRUE", false: "1"}[o.Postgres != ""] + ")"); err != nil {
			t.Fatal(err)
		}
		if _, err := data.Open(t.Context(), o); err == nil {
			t.Error("an older program opened a newer store")
		} else {
			t.Log(err)
		}
	})
}

// TestTheEngineIsAskedFewDifferentQueries keeps statements prepared: a value that
// is written into a query's text would make each one new.
func TestTheEngineIsAskedFewDifferentQueries(t *testing.T) {
	w := newWorld(t, datatest.SQLite(t, nil))
	for i := range 60 {
		d := w.delivery(w.says(bridge.Out, "x", noon))
		w.read(func(tx *data.Tx) error {
			_, err := tx.Messages(w.conv, 0, 50)
			return err
		})
		w.write(func(tx *data.Tx) error {
			d.State = bridge.Failed
			return errors.Join(tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, noon), tx.SetUrgent(w.conv, i%2 == 0))
		})
	}
	if n := w.Queries(); n > 50 {
		t.Errorf("%d different queries", n)
	}
}

func TestATextQueuedBeforeStopIsNotSent(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		d := w.delivery(w.says(bridge.Out, "one more thing", noon))
		w.write(func(tx *data.Tx) error {
			return tx.AddConsent(data.Consent{Line: w.line, Channel: bridge.SMS, Value: w.priyasPhone, Out: true, Source: "keyword", At: noon})
		})
		w.write(func(tx *data.Tx) error {
			claims, err := tx.ClaimDue(bridge.SMS, noon, time.Minute, 10)
			if len(claims) != 0 {
				t.Errorf("claimed %+v", claims)
			}
			d, err2 := tx.Delivery(d.ID)
			if d.State != bridge.Failed || d.Code != "21610" {
				t.Errorf("the text is %s, code %q", d.State, d.Code)
			}
			return errors.Join(err, err2)
		})
	})
}

func TestAGivenUpDeliveryReopensItsConversation(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		d := w.delivery(w.says(bridge.Out, "on our way", noon))
		w.write(func(tx *data.Tx) error { return tx.SetState(w.conv, bridge.Closed, time.Time{}) })
		w.write(func(tx *data.Tx) error {
			d.State, d.NextAt = bridge.Unknown, time.Time{}
			return tx.SaveDelivery(d, bridge.Unknown, bridge.Failure{}, noon)
		})
		if c := w.row(w.sam); c.State != bridge.Open || !c.NeedsAttention() {
			t.Errorf("%+v", c)
		}
	})
}

func TestARecoveredTextRewindsNothing(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		w.says(bridge.In, "newer", noon.Add(time.Hour))
		w.says(bridge.In, "older, recovered", noon)
		if c := w.row(w.sam); c.Preview != "newer" || !c.LastAt.Equal(noon.Add(time.Hour)) || c.Unread != 2 {
			t.Errorf("%+v", c)
		}
	})
}

func TestAnswersDoNotLeaveByANumberThatWasGivenUp(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		w := newWorld(t, s)
		w.write(func(tx *data.Tx) error {
			second, err := tx.PutLine(bridge.Line{Phone: "+14155550101", Name: "New", Active: true})
			if err != nil {
				return err
			}
			if l, err := tx.SendingLine(w.line); err != nil || l.ID != w.line {
				t.Errorf("while the line is in use: %+v %v", l, err)
			}
			if err := tx.RetireLines(); err != nil {
				return err
			}
			if l, err := tx.SendingLine(w.line); err != nil || l.ID != w.line {
				t.Errorf("with no line in use: %+v %v", l, err)
			}
			if _, err := tx.PutLine(bridge.Line{Phone: "+14155550101", Name: "New", Active: true}); err != nil {
				return err
			}
			l, err := tx.SendingLine(w.line)
			if l.ID != second {
				t.Errorf("after the line was given up: %+v", l)
			}
			return err
		})
	})
}
