package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"porchlight/bridge"
)

// settingsCache holds the settings as they were last read, with their revision,
// so that a transaction only asks for that number.
type settingsCache struct {
	last atomic.Pointer[cachedSettings]
}

type cachedSettings struct {
	rev int64
	s   *bridge.Settings
}

// Settings are what the business decided for its conversations, as this
// transaction sees them. Nobody may change what it gives.
func (tx *Tx) Settings() (*bridge.Settings, error) {
	rev, err := one(tx, scanID[int64], "SELECT rev FROM settings WHERE id = 1")
	if err != nil && !errors.Is(err, bridge.ErrNotFound) {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if c := tx.s.settings.last.Load(); c != nil && c.rev == rev {
		return c.s, nil
	}
	s := bridge.NewSettings(bridge.Trades)
	if rev != 0 {
		if s, err = tx.readSettings(); err != nil {
			return nil, err
		}
	}
	if tx.reads { // a write may yet be taken back, and its revision given to another
		tx.s.settings.last.Store(&cachedSettings{rev, s})
	}
	return s, nil
}

func (tx *Tx) readSettings() (*bridge.Settings, error) {
	var body string
	if err := tx.row("SELECT body FROM settings WHERE id = 1").Scan(&body); err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	s := &bridge.Settings{}
	if err := json.Unmarshal([]byte(body), s); err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	for _, k := range bridge.Kinds { // a kind that is newer than what is stored
		if !slices.ContainsFunc(s.Policies, func(p bridge.Policy) bool { return p.Kind == k }) {
			s.Policies = append(s.Policies, bridge.NewPolicy(k))
		}
	}
	return s, nil
}

// RulesSince reports whether what a reader sees may have changed as a whole after a
// revision, because of the settings or of their role: an open page is then loaded
// anew, for it cannot be told row by row.
func (tx *Tx) RulesSince(reader bridge.StaffID, rev int64) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM (SELECT rev FROM settings UNION ALL SELECT rev FROM staff WHERE id = $1) AS rules WHERE rev > $2", int64(reader), rev)
	return n > 0, err
}

// PutSettings stores the settings whole.
func (tx *Tx) PutSettings(s *bridge.Settings) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("store settings: %w", err)
	}
	_, err = tx.exec(`
		INSERT INTO settings (id, body, rev) VALUES (1, $1, $2)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body, rev = excluded.rev`, string(body), tx.rev)
	return err
}
