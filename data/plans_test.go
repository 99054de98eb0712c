package data

import (
	"context"
	"database/sql"
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
