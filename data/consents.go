package data

import (
	"time"

	"porchlight/bridge"
)

// A Consent is one entry of the ledger of who wants texts. Entries are only added.
type Consent struct {
	Line    bridge.LineID
	Channel bridge.Channel
	Value   string // the address
	Out     bool   // true: opted out
	Source  string // keyword, carrier, error or staff
	Message bridge.MessageID
	At      time.Time
}

// AddConsent adds an entry and puts what it says on every address with that value
// and on their conversations.
func (tx *Tx) AddConsent(c Consent) error {
	state := "in"
	if c.Out {
		state = "out"
	}
	if _, err := tx.exec(`
		INSERT INTO consents (line_id, channel, value, state, source, message_id, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.Line, c.Channel, c.Value, state, c.Source, c.Message, millis(c.At)); err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE addresses SET opted_out = $3 WHERE value = $1 AND channel = $2", c.Value, c.Channel, c.Out); err != nil {
		return err
	}
	return tx.updateConversations("opted_out = $3", `contact_id IN (SELECT contact_id FROM addresses WHERE value = $1 AND channel = $2)`, c.Value, c.Channel, c.Out)
}

// ConsentSince reports whether the ledger has a word of an address that is newer
// than a moment: one that arrives late must not undo it.
func (tx *Tx) ConsentSince(ch bridge.Channel, value string, at time.Time) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM consents WHERE value = $1 AND channel = $2 AND at > $3", value, ch, millis(at))
	return n > 0, err
}

// OptedOut reports whether the last entry for an address says so.
func (tx *Tx) OptedOut(ch bridge.Channel, value string) (bool, error) {
	n, err := tx.count(`
		SELECT COUNT(*) FROM (
			SELECT state FROM consents WHERE value = $1 AND channel = $2 ORDER BY id DESC LIMIT 1
		) AS last WHERE state = 'out'`, value, ch)
	return n > 0, err
}

// OptedOutAt reports whether the ledger said so at a moment.
func (tx *Tx) OptedOutAt(ch bridge.Channel, value string, at time.Time) (bool, error) {
	n, err := tx.count(`
		SELECT COUNT(*) FROM (
			SELECT state FROM consents WHERE value = $1 AND channel = $2 AND at <= $3 ORDER BY at DESC, id DESC LIMIT 1
		) AS last WHERE state = 'out'`, value, ch, millis(at))
	return n > 0, err
}
