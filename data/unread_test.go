package data_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/data/datatest"
)

// A reader is what a test remembers of a contact in a conversation: nothing of it is
// read from the store.
type reader struct {
	id      bridge.ContactID
	seen    map[bridge.MessageID]bool
	partOf  bool
	oldUpto bridge.MessageID
}

// A hall is some contacts in some conversations, and the naive model of what each has
// not seen.
type hall struct {
	*testing.T
	s     *data.Store
	r     *rand.Rand
	clock time.Time
	who   []bridge.Contact
	convs []bridge.ConversationID
	at    map[bridge.ConversationID]map[bridge.ContactID]*reader
	said  map[bridge.ConversationID][]bridge.Message
}

func newHall(t *testing.T, s *data.Store, seed uint64) *hall {
	t.Helper()
	h := &hall{T: t, s: s, r: rand.New(rand.NewPCG(seed, 5)), clock: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
		at: map[bridge.ConversationID]map[bridge.ContactID]*reader{}, said: map[bridge.ConversationID][]bridge.Message{}}
	h.write(func(tx *data.Tx) error {
		set := *bridge.NewSettings(bridge.Trades)
		set.PortalOn = true
		if err := tx.PutSettings(&set); err != nil {
			return err
		}
		for i := range 3 {
			c, err := tx.AddContact(bridge.Contact{Name: fmt.Sprint("Contact", i)}, h.tick())
			if err != nil {
				return err
			}
			conv, err := tx.CustomerConversation(c, 0, h.tick())
			if err != nil {
				return err
			}
			h.who, h.convs = append(h.who, c), append(h.convs, conv)
			h.at[conv] = map[bridge.ContactID]*reader{}
			h.reader(conv, c.ID).partOf = true
		}
		return nil
	})
	return h
}

func (h *hall) reader(conv bridge.ConversationID, who bridge.ContactID) *reader {
	if h.at[conv][who] == nil {
		h.at[conv][who] = &reader{id: who, seen: map[bridge.MessageID]bool{}}
	}
	return h.at[conv][who]
}

func (h *hall) tick() time.Time {
	h.clock = h.clock.Add(time.Minute)
	return h.clock
}

func (h *hall) write(fn func(*data.Tx) error) {
	h.Helper()
	if err := h.s.Write(h.Context(), fn); err != nil {
		h.Fatal(err)
	}
}

func (h *hall) say(tx *data.Tx, conv bridge.ConversationID) error {
	m := bridge.Message{Conversation: conv, At: h.tick(), Body: "x", Channel: bridge.Portal, Author: bridge.Author{Kind: bridge.ByStaff, ID: 1},
		Direction: []bridge.Direction{bridge.In, bridge.Out, bridge.Out, bridge.Note, bridge.Event}[h.r.IntN(5)]}
	if m.Direction == bridge.In {
		m.Author = bridge.Author{Kind: bridge.ByContact, ID: int64(h.who[h.r.IntN(3)].ID)}
	}
	m, err := tx.AddMessage(m)
	h.said[conv] = append(h.said[conv], m)
	return err
}

// unseen is the naive model.
func (h *hall) unseen(conv bridge.ConversationID, r *reader) (ids []bridge.MessageID) {
	for _, m := range h.said[conv] {
		written := m.Direction == bridge.In || m.Direction == bridge.Out
		own := m.Author.Kind == bridge.ByContact && m.Author.ID == int64(r.id)
		if written && !own && !r.seen[m.ID] && m.ID > r.oldUpto {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func (h *hall) compare(step string) {
	h.Helper()
	if err := h.s.Read(h.Context(), func(tx *data.Tx) error {
		for _, c := range h.who {
			all := 0
			for _, conv := range h.convs {
				r := h.reader(conv, c.ID)
				t, err := tx.ContactConversation(c.ID, conv)
				if (err == nil) != r.partOf {
					h.Fatalf("%s: contact %d, conversation %d: %v, takes part %t", step, c.ID, conv, err, r.partOf)
				}
				if !r.partOf {
					continue
				}
				want := h.unseen(conv, r)
				all += len(want)
				first, err := tx.FirstUnseen(c.ID, conv)
				if err != nil {
					return err
				}
				if len(want) == 0 {
					want = []bridge.MessageID{0}
					if t.Unread != 0 {
						h.Fatalf("%s: contact %d has %d unread in %d, want none", step, c.ID, t.Unread, conv)
					}
				} else if int(t.Unread) != len(want) {
					h.Fatalf("%s: contact %d has %d unread in %d, want %d", step, c.ID, t.Unread, conv, len(want))
				}
				if first != want[0] {
					h.Fatalf("%s: contact %d: the first unseen of %d is %d, want %d", step, c.ID, conv, first, want[0])
				}
			}
			if n, err := tx.ContactUnread(c.ID); err != nil || int(n) != all {
				h.Fatalf("%s: contact %d has %d unread, want %d (%v)", step, c.ID, n, all, err)
			}
		}
		return nil
	}); err != nil {
		h.Fatal(err)
	}
}

// TestWhatAContactHasNotSeenIsCountedRight does things by chance and compares every
// count with a model that remembers each message.
func TestWhatAContactHasNotSeenIsCountedRight(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		h := newHall(t, s, seed)
		t.Logf("the seed is %d", seed)
		for n := range 80 {
			step := ""
			h.write(func(tx *data.Tx) error {
				conv, c := h.convs[h.r.IntN(3)], h.who[h.r.IntN(3)]
				r := h.reader(conv, c.ID)
				step = fmt.Sprint(n)
				switch h.r.IntN(7) {
				case 0, 1, 2:
					return h.say(tx, conv)
				case 3: // what was in view, of this conversation and of others
					var ids []bridge.MessageID
					for range h.r.IntN(6) {
						if from := h.said[h.convs[h.r.IntN(3)]]; len(from) > 0 {
							ids = append(ids, from[h.r.IntN(len(from))].ID)
						}
					}
					ids = append(ids, 999_999, -1)
					for _, m := range h.said[conv] {
						if slices.Contains(ids, m.ID) {
							r.seen[m.ID] = true
						}
					}
					if !r.partOf {
						return nil // the door asks first
					}
					return tx.ReadBy(c.ID, conv, ids, h.tick())
				case 4:
					r.partOf = true
					return tx.AddParticipant(bridge.Participant{Conversation: conv, Contact: c.ID, AddedAt: h.tick()})
				case 5:
					r.partOf = false
					return tx.RemoveParticipant(bridge.Participant{Conversation: conv, Contact: c.ID}, h.tick())
				case 6:
					_, err := tx.DeliveredTo(c.ID, conv, h.tick())
					return err
				}
				return nil
			})
			for _, conv := range h.convs { // what was not theirs to report was not seen
				for _, r := range h.at[conv] {
					if !r.partOf {
						r.seen = h.stored(conv, r.id)
					}
				}
			}
			h.compare(step)
		}
	})
}

// stored is what the store has as seen, for who takes no part just now.
func (h *hall) stored(conv bridge.ConversationID, who bridge.ContactID) map[bridge.MessageID]bool {
	h.Helper()
	out := map[bridge.MessageID]bool{}
	if err := h.s.Read(h.Context(), func(tx *data.Tx) error {
		ms, err := tx.Messages(conv, 0, 1000)
		for _, m := range ms {
			for _, v := range m.Views {
				if v.Contact == who && !v.ReadAt.IsZero() {
					out[m.ID] = true
				}
			}
		}
		return err
	}); err != nil {
		h.Fatal(err)
	}
	return out
}

func TestReadNeverGoesBackAndHasManyReaders(t *testing.T) {
	t.Parallel()
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		h := newHall(t, s, 1)
		conv, who := h.convs[0], h.who[0].ID
		var ids []bridge.MessageID
		h.write(func(tx *data.Tx) error {
			for range 700 {
				m, err := tx.AddMessage(bridge.Message{Conversation: conv, At: h.tick(), Direction: bridge.Out, Channel: bridge.Portal, Author: bridge.Author{Kind: bridge.ByStaff, ID: 1}, Body: "x"})
				if err != nil {
					return err
				}
				ids = append(ids, m.ID)
			}
			return nil
		})
		// The first and the last, more than a page apart, at once.
		h.write(func(tx *data.Tx) error {
			return tx.ReadBy(who, conv, []bridge.MessageID{ids[0], ids[699], ids[0]}, h.tick())
		})
		first := h.clock
		if got := h.stored(conv, who); len(got) != 2 || !got[ids[0]] || !got[ids[699]] {
			t.Errorf("%d are read", len(got))
		}
		var all sync.WaitGroup
		for range 8 { // many tabs report all of them
			all.Go(func() {
				if err := s.Write(t.Context(), func(tx *data.Tx) error { return tx.ReadBy(who, conv, ids, first.Add(time.Hour)) }); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := s.Read(t.Context(), func(tx *data.Tx) error {
			ms, err := tx.WrittenMessages(conv, 0, 1000)
			for _, m := range ms {
				if len(m.Views) != 1 || m.Views[0].ReadAt.IsZero() || m.ID == ids[0] && !m.Views[0].ReadAt.Equal(first) {
					t.Fatalf("%+v", m.Views)
				}
			}
			if n, err := tx.ContactUnread(who); n != 0 || err != nil {
				t.Errorf("%d unread: %v", n, err)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatWasReadAsTextsIsNotNewInThePortal(t *testing.T) {
	t.Parallel()
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		h := newHall(t, s, 1)
		conv, who := h.convs[0], h.who[0].ID
		say := func(at time.Time) {
			h.write(func(tx *data.Tx) error {
				_, err := tx.AddMessage(bridge.Message{Conversation: conv, At: at, Direction: bridge.Out, Channel: bridge.SMS, Author: bridge.Author{Kind: bridge.ByStaff, ID: 1}, Body: "x"})
				return err
			})
		}
		now := h.clock
		for _, age := range []time.Duration{72 * time.Hour, 48 * time.Hour, 25 * time.Hour, 23 * time.Hour, time.Minute} {
			say(now.Add(-age))
		}
		unread := func() (n int64) {
			if err := s.Read(t.Context(), func(tx *data.Tx) (err error) { n, err = tx.ContactUnread(who); return err }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		h.write(func(tx *data.Tx) error { return tx.StartedBefore(who, now.Add(-24*time.Hour)) })
		if n := unread(); n != 2 {
			t.Errorf("%d are new at the first visit, want 2", n)
		}
		h.write(func(tx *data.Tx) error { return tx.StartedBefore(who, now.Add(24*time.Hour)) }) // a second first visit changes nothing
		if n := unread(); n != 2 {
			t.Errorf("%d are new at the second, want 2", n)
		}
	})
}
