package data_test

import (
	"fmt"
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
