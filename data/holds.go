package data

import (
	"time"

	"porchlight/bridge"
)

const holdColumns = "h.id, h.conversation_id, h.started_at, h.started_by, h.answer_by, h.ended_at, h.ended, h.ended_by, COALESCE((SELECT name FROM staff s WHERE s.id = h.ended_by), '')"

func scanHold(s scanner) (h bridge.Hold, err error) {
	var started, by, ended int64
	err = s.Scan(&h.ID, &h.Conversation, &started, &h.By, &by, &ended, &h.End, &h.EndedBy, &h.EndedByName)
	h.StartedAt, h.AnswerBy, h.EndedAt = moment(started), moment(by), moment(ended)
	return h, err
}

// Hold finds a hold, also one that has ended.
func (tx *Tx) Hold(id bridge.HoldID) (bridge.Hold, error) {
	return one(tx, scanHold, "SELECT "+holdColumns+" FROM holds h WHERE h.id = $1", id)
}

// StartHold gives a conversation to the AI receptionist, if nobody else has: false
// where it holds it already.
func (tx *Tx) StartHold(id bridge.ConversationID, by bridge.StaffID, now time.Time) (bridge.HoldID, bool, error) {
	hold, err := one(tx, scanID[bridge.HoldID], "INSERT INTO holds (conversation_id, started_at, started_by) VALUES ($1, $2, $3) RETURNING id", id, millis(now), by)
	if err != nil {
		return 0, false, err
	}
	n, err := tx.exec("UPDATE conversations SET hold_id = $2, rev = $3 WHERE id = $1 AND hold_id IS NULL", id, hold, tx.rev)
	if err != nil || n == 0 {
		if err == nil {
			_, err = tx.exec("DELETE FROM holds WHERE id = $1", hold)
		}
		return 0, false, err
	}
	tx.touch(id)
	return hold, true, nil
}

// Holds reports whether a conversation is held under this very hold. It is the one
// question that lets the AI receptionist write, asked in the transaction that writes.
func (tx *Tx) Holds(id bridge.ConversationID, hold bridge.HoldID) (bool, error) {
	n, err := tx.exec("UPDATE conversations SET hold_id = $2 WHERE id = $1 AND hold_id = $2", id, hold)
	return n == 1, err
}

// EndHold takes a conversation from the AI receptionist, and reports whether it had it
// under this hold until now.
func (tx *Tx) EndHold(h bridge.Hold, now time.Time) (bool, error) {
	n, err := tx.exec("UPDATE conversations SET hold_id = NULL, rev = $3 WHERE id = $1 AND hold_id = $2", h.Conversation, h.ID, tx.rev)
	if err != nil || n == 0 {
		return false, err
	}
	tx.touch(h.Conversation)
	_, err = tx.exec("UPDATE holds SET ended_at = $2, ended = $3, ended_by = $4, answer_by = 0 WHERE id = $1", h.ID, millis(now), h.End, h.EndedBy)
	return true, err
}

// CancelHeld ends what is still to leave under a hold: what the AI receptionist wrote,
// and word to it. Otherwise the answer of whoever took over would stand in line behind it.
func (tx *Tx) CancelHeld(id bridge.ConversationID, hold bridge.HoldID, now time.Time) error {
	ds, err := list(tx, scanDelivery, "SELECT "+deliveryColumns+` FROM deliveries
		WHERE conversation_id = $1 AND hold_id = $2 AND state = 'queued' AND state IN ('queued', 'sending', 'unknown')`, id, hold)
	for _, d := range ds {
		if err == nil {
			d.State, d.NextAt, d.Detail = bridge.Canceled, time.Time{}, "a person took over before it left"
			err = tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, now)
		}
	}
	return err
}

// Untold reports whether word to the AI receptionist under a hold waits to leave, and
// whether some of it was never tried.
func (tx *Tx) Untold(id bridge.ConversationID, hold bridge.HoldID) (waits, untried bool, err error) {
	least, err := tx.count(`
		SELECT COALESCE(MIN(attempts), -1) FROM deliveries
		WHERE conversation_id = $1 AND hold_id = $2 AND purpose = 'bot' AND state = 'queued' AND state IN ('queued', 'sending', 'unknown')`, id, hold)
	return least >= 0, least == 0, err
}

// FirstWord reports whether the AI receptionist has not written under a hold until now.
func (tx *Tx) FirstWord(hold bridge.HoldID) (bool, error) {
	n, err := tx.exec("UPDATE holds SET spoke = TRUE WHERE id = $1 AND NOT spoke", hold)
	return n == 1, err
}

// BotWrote counts what the AI receptionist wrote in a conversation after a time, among
// the newest messages.
func (tx *Tx) BotWrote(id bridge.ConversationID, since time.Time) (int64, error) {
	return tx.count(`
		SELECT COUNT(*) FROM (SELECT at, author_kind, direction, behind FROM messages WHERE conversation_id = $1 ORDER BY id DESC LIMIT 500) AS newest
		WHERE author_kind = 'ai' AND direction = 'out' AND behind IS NULL AND at > $2`, id, millis(since))
}

// AwaitAnswer says by when the AI receptionist must answer; of several messages the
// first counts. The zero time: nothing waits any more.
func (tx *Tx) AwaitAnswer(hold bridge.HoldID, by time.Time) error {
	if by.IsZero() {
		_, err := tx.exec("UPDATE holds SET answer_by = 0 WHERE id = $1", hold)
		return err
	}
	tx.waiting = true
	_, err := tx.exec("UPDATE holds SET answer_by = $2 WHERE id = $1 AND answer_by = 0 AND ended_at = 0", hold, millis(by))
	return err
}

// Unanswered gives the holds whose time to answer is over.
func (tx *Tx) Unanswered(now time.Time, limit int) ([]bridge.Hold, error) {
	hs, err := list(tx, scanHold, "SELECT "+holdColumns+" FROM holds h WHERE h.ended_at = 0 AND h.answer_by > 0 AND h.answer_by <= $1 ORDER BY h.answer_by LIMIT 50", millis(now))
	return hs[:min(len(hs), limit)], err
}

// NextUnanswered is when the next hold's time to answer is over; zero: none waits.
func (tx *Tx) NextUnanswered() (time.Time, error) {
	ms, err := tx.count("SELECT COALESCE(MIN(answer_by), 0) FROM holds WHERE ended_at = 0 AND answer_by > 0")
	return moment(ms), err
}

// ActiveHolds gives the holds that last.
func (tx *Tx) ActiveHolds() ([]bridge.Hold, error) {
	return list(tx, scanHold, "SELECT "+holdColumns+" FROM conversations c JOIN holds h ON h.id = c.hold_id WHERE c.hold_id IS NOT NULL")
}

// Attended is how a conversation stands to people, for whoever wants to know whether
// the AI receptionist may take it by itself.
type Attended struct {
	Kind     bridge.Kind
	State    bridge.ConversationState
	Assigned bool
	Held     bool // sending is on hold
	OptedOut bool
	Hold     bridge.HoldID
	WroteAt  time.Time // when one of the team last wrote in it; zero: never
	LeftAt   time.Time // when it last became people's, by a handoff or because a hold ended; zero: never
}

// Attended looks at a conversation.
func (tx *Tx) Attended(id bridge.ConversationID) (Attended, error) {
	return one(tx, func(s scanner) (a Attended, err error) {
		var wrote, left int64
		err = s.Scan(&a.Kind, &a.State, &a.Assigned, &a.Held, &a.OptedOut, &a.Hold, &wrote, &left)
		a.WroteAt, a.LeftAt = moment(wrote), moment(left)
		return a, err
	}, `
		SELECT kind, state, assignee_id IS NOT NULL, held, opted_out, COALESCE(hold_id, 0), COALESCE((
			SELECT MAX(at) FROM (SELECT at, author_kind, direction FROM messages m WHERE m.conversation_id = c.id ORDER BY m.id DESC LIMIT 100) AS last
			WHERE author_kind = 'staff' AND direction = 'out'), 0),
			COALESCE((SELECT MAX(at) FROM (
				SELECT ended_at AS at FROM holds h WHERE h.conversation_id = c.id
				UNION ALL SELECT created_at FROM handoffs o WHERE o.conversation_id = c.id) AS left_ones), 0)
		FROM conversations c WHERE id = $1`, id)
}

// AnyConversation finds a conversation for Porchlight itself, whoever may see it.
func (tx *Tx) AnyConversation(id bridge.ConversationID) (bridge.Conversation, error) {
	return one(tx, scanConversation, "SELECT "+conversationColumns+" FROM "+conversationFromAnybody+" WHERE c.id = $2", int64(0), id)
}
