package data

import (
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
)

const relayedColumns = "id, carrier_id, phone, line_id, COALESCE(staff_id, 0), body, state, COALESCE(conversation_id, 0), COALESCE(message_id, 0), choices, raw, at"

func scanRelayed(s scanner) (r bridge.Relayed, err error) {
	var choices string
	var at int64
	err = s.Scan(&r.ID, &r.CarrierID, &r.Phone, &r.Line, &r.Staff, &r.Body, &r.State, &r.Conversation, &r.Message, &choices, &r.Raw, &at)
	for id := range strings.FieldsSeq(choices) {
		n, bad := strconv.ParseInt(id, 10, 64)
		if bad != nil {
			return r, bad
		}
		r.Choices = append(r.Choices, bridge.ConversationID(n))
	}
	r.At = moment(at)
	return r, err
}

func choicesOf(r bridge.Relayed) string {
	ids := make([]string, len(r.Choices))
	for i, id := range r.Choices {
		ids[i] = strconv.FormatInt(int64(id), 10)
	}
	return strings.Join(ids, " ")
}

// AddRelayed keeps a text from a phone on duty. The same carrier's id again is
// bridge.ErrDuplicate.
func (tx *Tx) AddRelayed(r bridge.Relayed) error {
	n, err := tx.exec(`
		INSERT INTO relayed (carrier_id, phone, line_id, staff_id, body, state, conversation_id, message_id, choices, raw, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (carrier_id) DO NOTHING`,
		r.CarrierID, r.Phone, r.Line, orNone(r.Staff), r.Body, r.State, orNone(r.Conversation), orNone(r.Message), choicesOf(r), r.Raw, millis(r.At))
	if err == nil && n == 0 {
		return bridge.ErrDuplicate
	}
	return err
}

// SettleRelayed keeps what became of a text whose writer was asked.
func (tx *Tx) SettleRelayed(r bridge.Relayed) error {
	_, err := tx.exec("UPDATE relayed SET state = $2, conversation_id = $3, message_id = $4, choices = $5 WHERE id = $1",
		r.ID, r.State, orNone(r.Conversation), orNone(r.Message), choicesOf(r))
	return err
}

// RelayedSeen reports whether a text from a phone on duty is known by the carrier's id.
func (tx *Tx) RelayedSeen(carrierID string) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM relayed WHERE carrier_id = $1", carrierID)
	return n > 0, err
}

// RelayedBy gives what came from a phone since a time, the newest first.
func (tx *Tx) RelayedBy(phone string, since time.Time) ([]bridge.Relayed, error) {
	return list(tx, scanRelayed, "SELECT "+relayedColumns+" FROM relayed WHERE phone = $1 AND at >= $2 ORDER BY at DESC, id DESC LIMIT 200", phone, millis(since))
}

// RelayedAs gives the text from a phone that became a message.
func (tx *Tx) RelayedAs(id bridge.MessageID) (bridge.Relayed, error) {
	return one(tx, scanRelayed, "SELECT "+relayedColumns+" FROM relayed WHERE message_id = $1 ORDER BY id LIMIT 1", id)
}

// OffDuty reports whether a phone has texted STOP, and not START since; or whether the
// ledger says that nothing may be texted to it, as when it texted STOP before it was on
// duty, or when the carrier refused an alert.
func (tx *Tx) OffDuty(phone string) (bool, error) {
	n, err := tx.count(`
		SELECT COUNT(*) FROM (
			SELECT state FROM relayed WHERE phone = $1 AND state IN ('stop', 'start') ORDER BY at DESC, id DESC LIMIT 1
		) AS last WHERE state = 'stop'`, phone)
	if err != nil || n > 0 {
		return n > 0, err
	}
	return tx.OptedOut(bridge.SMS, phone)
}

// CancelTold ends what waits to be told to a phone on duty.
func (tx *Tx) CancelTold(phone string, now time.Time) error {
	ds, err := list(tx, scanDelivery, "SELECT "+deliveryColumns+` FROM deliveries
		WHERE recipient = $1 AND channel = 'sms' AND purpose IN ('alert', 'relay') AND state = 'queued'`, phone)
	for _, d := range ds {
		if err == nil {
			d.State, d.NextAt = bridge.Canceled, time.Time{}
			err = tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, now)
		}
	}
	return err
}

// A ToldOf is a conversation that a phone on duty was told of.
type ToldOf struct {
	Conversation bridge.ConversationID
	State        bridge.ConversationState
	Message      bridge.MessageID // the newest that it was told of
	At           time.Time        // when that was
}

// ToldOf gives the conversations that a phone was told of by a line between two times,
// the one that it was told of last first. What had not left by then, and what did not
// arrive, told it nothing.
func (tx *Tx) ToldOf(phone string, line bridge.LineID, from, until time.Time) ([]ToldOf, error) {
	return list(tx, func(s scanner) (t ToldOf, err error) {
		var at int64
		err = s.Scan(&t.Conversation, &t.State, &t.Message, &at)
		t.At = moment(at)
		return t, err
	}, `
		SELECT c.id, c.state, MAX(d.message_id), MAX(d.created_at) FROM deliveries d JOIN conversations c ON c.id = d.conversation_id
		WHERE d.recipient = $1 AND d.purpose = 'alert' AND d.created_at >= $2 AND d.created_at <= $3 AND d.line_id = $4
			AND d.state NOT IN ('failed', 'undelivered', 'expired', 'canceled')
			AND EXISTS (SELECT 1 FROM attempts a WHERE a.delivery_id = d.id AND a.started_at <= $3)
		GROUP BY c.id, c.state ORDER BY MAX(d.id) DESC LIMIT 100`, phone, millis(from), millis(until), line)
}

// AnsweredSince gives the newest answer that somebody else of the team gave after a
// message; none is bridge.ErrNotFound.
func (tx *Tx) AnsweredSince(id bridge.ConversationID, after bridge.MessageID, but bridge.StaffID) (bridge.Message, error) {
	ms, err := tx.inOrder("SELECT "+messageColumns+` FROM messages
		WHERE conversation_id = $1 AND id > $2 AND direction = 'out' AND author_kind = 'staff' AND author_id <> $3 ORDER BY id DESC LIMIT 1`, id, after, but)
	if err == nil && len(ms) == 0 {
		err = bridge.ErrNotFound
	}
	if err != nil {
		return bridge.Message{}, err
	}
	return ms[0], nil
}
