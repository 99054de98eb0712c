package data

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
)

// A counter counts queries, and says of each how SQLite answers it.
type counter struct {
	explained
	n     int
	plans map[string]bool
}

func (c *counter) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	rows, err := c.explained.QueryContext(ctx, q, args...)
	c.note()
	return rows, err
}

func (c *counter) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	c.plan = nil
	if rows, err := c.explained.querier.QueryContext(ctx, "EXPLAIN QUERY PLAN "+q, args...); err == nil {
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				c.t.Fatal(err)
			}
			c.plan = append(c.plan, detail)
		}
		rows.Close()
	}
	c.note()
	return c.querier.QueryRowContext(ctx, q, args...)
}

func (c *counter) note() {
	c.n++
	for _, line := range c.plan {
		c.plans[line] = true
	}
}

// big is a store with many conversations; the first contact is in 200 of them, and one
// of these has 5,000 messages, all seen.
func big(t *testing.T) (s *Store, who bridge.ContactID, long bridge.ConversationID) {
	t.Helper()
	others := 3_000
	if os.Getenv("PORCHLIGHT_TEST_FULL") != "" {
		others = 100_000
	}
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "porchlight.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	err = s.Write(t.Context(), func(tx *Tx) error {
		set := *bridge.NewSettings(bridge.Trades)
		set.PortalOn = true
		if err := tx.PutSettings(&set); err != nil {
			return err
		}
		var first bridge.Contact
		for i := range others {
			c := first
			if i%15 != 0 || i > 2_999 {
				var err error
				if c, err = tx.AddContact(bridge.Contact{Name: "x"}, now); err != nil {
					return err
				}
			}
			if i == 0 {
				var err error
				if first, err = tx.AddContact(bridge.Contact{Name: "first"}, now); err != nil {
					return err
				}
				c = first
			}
			conv, _, err := tx.FindOrStart(Start{Kind: bridge.KindTopic, About: fmt.Sprint("topic:", i), Contact: c, Subject: "x", At: now})
			if err != nil {
				return err
			}
			if i == 0 {
				long = conv
			}
			if _, err := tx.AddMessage(bridge.Message{Conversation: conv, At: now, Direction: bridge.Out, Channel: bridge.Portal, Author: bridge.Author{Kind: bridge.ByStaff, ID: 1}, Body: "x"}); err != nil {
				return err
			}
		}
		who = first.ID
		_, err := tx.exec(`INSERT INTO messages (conversation_id, at, direction, channel, author_kind, author_id, author_name, body, rev)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT $1, i, 'out', 'portal', 'staff', 1, 'Sam', 'x', 1 FROM n`, long)
		if err != nil {
			return err
		}
		_, err = tx.exec(`INSERT INTO views (message_id, conversation_id, contact_id, delivered_at, read_at)
			SELECT id, conversation_id, $1, 1, 1 FROM messages WHERE conversation_id = $2`, who, long)
		if err != nil {
			return err
		}
		_, err = tx.exec("ANALYZE")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, who, long
}

// TestThePortalReadsNoWholeTable asks each query of the portal how it is answered.
func TestThePortalReadsNoWholeTable(t *testing.T) {
	s, who, long := big(t)
	for name, tc := range map[string]struct {
		most int // queries
		ask  func(*Tx) error
	}{
		"list": {12, func(tx *Tx) error {
			ts, err := tx.ContactConversations(who, 200)
			var ids []bridge.MessageID
			for _, c := range ts {
				ids = append(ids, c.Newest)
			}
			if len(ts) != 200 {
				t.Errorf("%d conversations", len(ts))
			}
			if err == nil {
				_, err = tx.MessagesOf(ids)
			}
			return err
		}},
		"one":         {3, func(tx *Tx) error { _, err := tx.ContactConversation(who, long); return err }},
		"changes":     {3, func(tx *Tx) error { _, err := tx.ContactChanges(who, 1, 100); return err }},
		"lost":        {3, func(tx *Tx) error { _, err := tx.ContactLost(who, 1, 100); return err }},
		"unread":      {3, func(tx *Tx) error { _, err := tx.ContactUnread(who); return err }},
		"messages":    {8, func(tx *Tx) error { _, err := tx.WrittenMessages(long, 4000, 51); return err }},
		"since":       {8, func(tx *Tx) error { _, err := tx.WrittenSince(long, 1<<40); return err }},
		"first":       {3, func(tx *Tx) error { _, err := tx.FirstUnseen(who, long); return err }},
		"undelivered": {3, func(tx *Tx) error { _, err := tx.Undelivered(who, long); return err }},
		"carried":     {8, func(tx *Tx) error { _, err := tx.Carried(1); return err }},
		"asked":       {3, func(tx *Tx) error { _, err := tx.Asked(who, bridge.ForCode, time.Now()); return err }},
		"link":        {3, func(tx *Tx) error { _, err := tx.PortalLink("x"); return ignoreNone(err) }},
		"session":     {3, func(tx *Tx) error { _, err := tx.PortalSession("x", time.Now()); return ignoreNone(err) }},
		"others":      {3, func(tx *Tx) error { _, err := tx.OtherContacts(long, who); return err }},
		"mail": {9, func(tx *Tx) error {
			_, err := tx.AddMail(bridge.Delivery{Conversation: long, Contact: who, Line: 1, Channel: bridge.Email, To: "a@example.com"}, time.Now(), time.Minute)
			return err
		}},
		"in view": {9, func(tx *Tx) error { return tx.ReadBy(who, long, []bridge.MessageID{1, 2, 3}, time.Now()) }},
		"shown":   {9, func(tx *Tx) error { _, err := tx.DeliveredTo(who, long, time.Now()); return err }},
	} {
		c := &counter{plans: map[string]bool{}}
		err := s.Write(t.Context(), func(tx *Tx) error {
			if name == "mail" {
				if _, err := tx.PutLine(bridge.Line{Channel: bridge.Email, Mailbox: "o@example.com"}); err != nil {
					return err
				}
			}
			c.explained = explained{querier: tx.tx, t: t}
			tx.tx = c
			return tc.ask(tx)
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.n > tc.most || c.n == 0 {
			t.Errorf("%s: %d queries, want at most %d", name, c.n, tc.most)
		}
		for line := range c.plans {
			small := strings.Contains(line, "SCAN settings") || strings.Contains(line, "SCAN lines") || strings.Contains(line, "CONSTANT ROW")
			newest := line == "SCAN m" && c.plans["SEARCH m USING INDEX messages_conversation (conversation_id=?)"] // its own subquery
			if table, scans := strings.CutPrefix(line, "SCAN "); scans && !small && !newest && !temporary(table) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// temporary are the names of what a query made itself, and reads through.
func temporary(table string) bool {
	for _, name := range []string{"mine", "unseen", "recent", "left_ones", "found", "(subquery"} {
		if strings.HasPrefix(table, name) {
			return true
		}
	}
	return false
}

func ignoreNone(err error) error {
	if err == bridge.ErrNotFound {
		return nil
	}
	return err
}

// TestUnreadOfALongConversationIsCountedFromWhereAllWasSeen: 5,000 messages that were
// seen cost nothing each time that a page shows the number.
func TestUnreadOfALongConversationIsCountedFromWhereAllWasSeen(t *testing.T) {
	s, who, long := big(t)
	ask := func() time.Duration {
		begin := time.Now()
		for range 20 {
			if err := s.Read(t.Context(), func(tx *Tx) error { _, err := tx.ContactUnread(who); return err }); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(begin) / 20
	}
	before := ask()
	if err := s.Write(t.Context(), func(tx *Tx) error {
		ids, err := list(tx, scanID[bridge.MessageID], "SELECT MAX(id) FROM messages WHERE conversation_id = $1", long)
		if err != nil {
			return err
		}
		return tx.ReadBy(who, long, ids, time.Now())
	}); err != nil {
		t.Fatal(err)
	}
	after := ask()
	t.Logf("unread of 200 conversations, one of 5,000 messages: %v, and %v once all was seen", before, after)
	if after > before {
		t.Errorf("%v, and before %v", after, before)
	}
}
