package data

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
)

// explained is a transaction whose queries say how SQLite will answer them.
type explained struct {
	querier
	t    *testing.T
	plan []string // of the last query
	all  []string // of all of them
}

func (e *explained) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	e.plan = nil
	rows, err := e.querier.QueryContext(ctx, "EXPLAIN QUERY PLAN "+q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			e.t.Fatal(err)
		}
		e.plan, e.all = append(e.plan, detail), append(e.all, detail)
	}
	return e.querier.QueryContext(ctx, q, args...)
}

func (e *explained) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	rows, err := e.QueryContext(ctx, q, args...) // for its plan
	if err != nil {
		e.t.Fatal(err)
	}
	rows.Close()
	return e.querier.QueryRowContext(ctx, q, args...)
}

func TestEachViewReadsItsIndexAndSortsNothing(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "porchlight.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	readers := map[bridge.Role]bridge.Staff{}
	if err := s.Write(t.Context(), func(tx *Tx) error {
		for _, r := range []bridge.Role{bridge.Owner, bridge.Apprentice} {
			p, err := tx.AddStaff(bridge.Staff{Name: string(r), Email: string(r) + "@example.com", Role: r}, "x", time.Unix(1, 0))
			if err != nil {
				return err
			}
			readers[r] = p
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		view  bridge.View
		index string // for who sees all; who sees only what is theirs begins with that
	}{
		{bridge.ViewOpen, "conversations_active"},
		{bridge.ViewMine, "conversations_mine"},
		{bridge.ViewUnassigned, "conversations_unassigned"},
		{bridge.ViewAttention, "conversations_attention"},
		{bridge.ViewWaiting, "conversations_state"},
		{bridge.ViewSnoozed, "conversations_state"},
		{bridge.ViewClosed, "conversations_state"},
		{bridge.View(bridge.FolderJobs), "conversations_folder"},
		{bridge.View(bridge.FolderCustomers), "conversations_active"},
	} {
		for _, role := range []bridge.Role{bridge.Owner, bridge.Apprentice} {
			for _, after := range []Cursor{{}, {At: 1, ID: 1}} {
				if err := s.Read(t.Context(), func(tx *Tx) error {
					e := &explained{querier: tx.tx, t: t}
					tx.tx = e
					_, err := tx.Conversations(readers[role], tc.view, after, 50)
					plan := strings.Join(e.plan, "\n")
					ok := strings.Contains(plan, " c USING INDEX "+tc.index) && !strings.Contains(plan, "TEMP B-TREE")
					if role == bridge.Apprentice {
						ok = strings.Contains(plan, "SEARCH c USING INTEGER PRIMARY KEY") && !strings.Contains(plan, "SCAN c")
					}
					if !ok {
						t.Errorf("%s for %s, from %v, needs %s:\n%s", tc.view, role, after, tc.index, plan)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestLookingUpATextsPlaceReadsNoTable(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "porchlight.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Read(t.Context(), func(tx *Tx) error {
		e := &explained{querier: tx.tx, t: t}
		tx.tx = e
		_, err := tx.Arrival(bridge.Inbound{Channel: bridge.SMS, CarrierID: "SM1", From: "+14155550134", To: "+14155550100"})
		plan := strings.Join(e.plan, "\n")
		if len(e.plan) == 0 || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("\n%s", plan)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestARelayedTextIsPlacedByIndexes(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "porchlight.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const phone = "+14155550190"
	for name, tc := range map[string]struct {
		ask   func(*Tx) error
		index string
		sorts bool // what it finds, which is little
	}{
		"whose phone": {func(tx *Tx) error { _, err := tx.StaffByPhone(phone); return err }, "staff_phone", false},
		"left with":   {func(tx *Tx) error { _, err := tx.LeftWith(phone); return err }, "staff_phone", false},
		"off duty":    {func(tx *Tx) error { _, err := tx.OffDuty(phone); return err }, "relayed_duty", false},
		"earlier":     {func(tx *Tx) error { _, err := tx.RelayedBy(phone, time.Unix(1, 0)); return err }, "relayed_phone (phone=? AND at>?)", false},
		"seen":        {func(tx *Tx) error { _, err := tx.RelayedSeen("SM1"); return err }, "sqlite_autoindex_relayed_1", false},
		"became":      {func(tx *Tx) error { _, err := tx.RelayedAs(1); return err }, "relayed_message", false},
		"told of":     {func(tx *Tx) error { _, err := tx.ToldOf(phone, 1, time.Unix(1, 0), time.Unix(2, 0)); return err }, "deliveries_alerts (recipient=? AND created_at>? AND created_at<?)", true},
		"answered":    {func(tx *Tx) error { _, err := tx.AnsweredSince(1, 1, 1); return err }, "messages_conversation", false},
		"canceled":    {func(tx *Tx) error { return tx.CancelTold(phone, time.Unix(1, 0)) }, "deliveries_due", false},
	} {
		if err := s.Read(t.Context(), func(tx *Tx) error {
			e := &explained{querier: tx.tx, t: t}
			tx.tx = e
			err := tc.ask(tx)
			plan := strings.Join(e.all, "\n")
			if !strings.Contains(plan, tc.index) || !tc.sorts && strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s needs %s:\n%s", name, tc.index, plan)
			}
			if errors.Is(err, bridge.ErrNotFound) {
				err = nil
			}
			return err
		}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
