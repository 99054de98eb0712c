package data

import (
	"time"

	"porchlight/bridge"
)

const callColumns = `c.id, c.carrier_id, c.line_id, c.caller, (SELECT value FROM lines l WHERE l.id = c.line_id), COALESCE(c.contact_id, 0), COALESCE(c.conversation_id, 0), COALESCE(c.message_id, 0),
	c.to_ai, c.state, c.started_at, c.duration, c.recording, c.texted_at, c.rev`

func scanCall(s scanner) (c bridge.Call, err error) {
	var started, seconds, texted int64
	err = s.Scan(&c.ID, &c.CarrierID, &c.Line, &c.From, &c.To, &c.Contact, &c.Conversation, &c.Message,
		&c.ToAI, &c.State, &started, &seconds, &c.Recording, &texted, &c.Rev)
	c.StartedAt, c.Duration, c.TextedAt = moment(started), time.Duration(seconds)*time.Second, moment(texted)
	return c, err
}

// CallOf finds a call by the carrier's id.
func (tx *Tx) CallOf(carrierID string) (bridge.Call, error) {
	return one(tx, scanCall, "SELECT "+callColumns+" FROM calls c WHERE c.carrier_id = $1", carrierID)
}

// CallsSince gives the calls of a caller to a line that began at a time or later.
func (tx *Tx) CallsSince(caller string, line bridge.LineID, since time.Time) ([]bridge.Call, error) {
	return list(tx, scanCall, "SELECT "+callColumns+" FROM calls c WHERE c.caller = $1 AND c.started_at >= $2 AND c.line_id = $3 ORDER BY c.id", caller, millis(since), line)
}

// AddCall keeps a call that begins. One that is known is bridge.ErrDuplicate.
func (tx *Tx) AddCall(c bridge.Call, raw string) error {
	n, err := tx.exec(`
		INSERT INTO calls (carrier_id, line_id, caller, contact_id, conversation_id, to_ai, state, started_at, raw, rev)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (carrier_id) DO NOTHING`,
		c.CarrierID, c.Line, c.From, orNone(c.Contact), orNone(c.Conversation), c.ToAI, c.State, millis(c.StartedAt), raw, tx.rev)
	if err == nil && n == 0 {
		return bridge.ErrDuplicate
	}
	return err
}

// SaveCall stores how far a call has come. Pages ask for its message anew.
func (tx *Tx) SaveCall(c bridge.Call) error {
	if _, err := tx.exec(`
		UPDATE calls SET contact_id = $2, conversation_id = $3, message_id = $4, state = $5, duration = $6, recording = $7, texted_at = $8, rev = $9
		WHERE id = $1`,
		c.ID, orNone(c.Contact), orNone(c.Conversation), orNone(c.Message), c.State, int64(c.Duration/time.Second), c.Recording, millis(c.TextedAt), tx.rev); err != nil || c.Message == 0 {
		return err
	}
	return tx.Renew(c.Message)
}

// TakeTranscript notes that the words of a voicemail are kept, and reports whether
// they were not before.
func (tx *Tx) TakeTranscript(id bridge.CallID) (bool, error) {
	n, err := tx.exec("UPDATE calls SET transcript = TRUE WHERE id = $1 AND NOT transcript", id)
	return n == 1, err
}

// TextedBack counts how often a caller was texted back after a time; all callers, where
// it is empty.
func (tx *Tx) TextedBack(caller string, since time.Time) (int64, error) {
	if caller == "" {
		return tx.count("SELECT COUNT(*) FROM calls WHERE texted_at > 0 AND texted_at >= $1", millis(since))
	}
	return tx.count("SELECT COUNT(*) FROM calls WHERE caller = $1 AND texted_at > 0 AND texted_at >= $2", caller, millis(since))
}
