package routine

import (
	"context"
	"errors"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/data/datatest"
)

// A clock that the test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestSnoozedConversationsWakeOnTimeAndSaySo(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		c := &clock{time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
		r := New(Options{Store: s, Now: c.now})
		var id bridge.ConversationID
		var sam bridge.Staff
		err := s.Write(t.Context(), func(tx *data.Tx) (err error) {
			line, err := tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true})
			if err != nil {
				return err
			}
			if sam, err = tx.AddStaff(bridge.Staff{Name: "Sam", Email: "sam@example.com", Role: bridge.Owner}, "", c.at); err != nil {
				return err
			}
			contact, err := tx.AddContact(bridge.Contact{Name: "Priya"}, c.at)
			if err != nil {
				return err
			}
			if id, err = tx.CustomerConversation(contact, line, c.at); err != nil {
				return err
			}
			return tx.SetState(id, bridge.Snoozed, c.at.Add(time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		state := func() (st bridge.ConversationState, events int) {
			err := s.Read(t.Context(), func(tx *data.Tx) error {
				conv, err := tx.Conversation(sam, id)
				if err != nil {
					return err
				}
				ms, err := tx.Messages(id, 0, 10)
				st, events = conv.State, len(ms)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return st, events
		}
		for _, step := range []struct {
			after  time.Duration
			state  bridge.ConversationState
			events int
		}{{59 * time.Minute, bridge.Snoozed, 0}, {time.Minute, bridge.Open, 1}, {time.Hour, bridge.Open, 1}} {
			c.at = c.at.Add(step.after)
			if err := r.Wake(t.Context()); err != nil {
				t.Fatal(err)
			}
			if st, n := state(); st != step.state || n != step.events {
				t.Errorf("at %s: %s with %d events, want %s with %d", c.at.Format("15:04"), st, n, step.state, step.events)
			}
		}
	})
}

// TestTextsOfADowntimeAreTakenInOnce plays a carrier whose list is longer than
// what reached us.
func TestTextsOfADowntimeAreTakenInOnce(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		c := &clock{time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
		type sent struct {
			id string
			at time.Time
		}
		carrier := []sent{{"SM-old", c.at.Add(-24 * time.Hour)}}
		taken := map[string]int{}
		down := false
		r := New(Options{Store: s, Now: c.now,
			List: func(_ context.Context, to string, since time.Time, page func([]bridge.Inbound) error) error {
				if down {
					return errors.New("the carrier does not answer")
				}
				var ms []bridge.Inbound
				for _, m := range carrier {
					if !m.at.Before(since) {
						ms = append(ms, bridge.Inbound{CarrierID: m.id, To: to, At: m.at})
					}
				}
				return page(ms)
			},
			Receive: func(_ context.Context, m bridge.Inbound) (bool, error) {
				if !m.Recovered {
					t.Errorf("%s is not marked as recovered", m.CarrierID)
				}
				taken[m.CarrierID]++
				return taken[m.CarrierID] == 1, nil
			},
		})
		if err := s.Write(t.Context(), func(tx *data.Tx) error {
			_, err := tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		catchUp := func(want error) {
			t.Helper()
			if err := r.CatchUp(t.Context()); (err == nil) != (want == nil) {
				t.Fatalf("catch up: %v", err)
			}
		}
		catchUp(nil)
		if len(taken) != 0 {
			t.Errorf("the first start imported history that nobody asked for: %v", taken)
		}
		carrier = append(carrier, sent{"SM-1", c.at.Add(time.Hour)}, sent{"SM-2", c.at.Add(2 * time.Hour)})
		c.at = c.at.Add(3 * time.Hour)
		down = true
		catchUp(errors.New("any"))
		down = false
		catchUp(nil)
		if taken["SM-1"] != 1 || taken["SM-2"] != 1 || taken["SM-old"] != 0 {
			t.Errorf("after the downtime: %v", taken)
		}
		c.at = c.at.Add(time.Hour)
		catchUp(nil)
		if taken["SM-1"] != 1 {
			t.Errorf("read again beyond the overlap: %v", taken)
		}
	})
}

func TestRunEndsWhenToldTo(t *testing.T) {
	s := datatest.SQLite(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(Options{Store: s, Now: time.Now}).Run(ctx) }()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the routine jobs do not stop")
	}
}
