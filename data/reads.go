package data

import (
	"time"

	"porchlight/bridge"
)

// MarkRead notes that a reader has seen a conversation up to a message. It never
// goes back, and reports whether it moved.
func (tx *Tx) MarkRead(id bridge.ConversationID, reader bridge.StaffID, upto bridge.MessageID, now time.Time) (bool, error) {
	was, err := one(tx, scanID[bridge.MessageID], "SELECT COALESCE(MAX(upto), 0) FROM reads WHERE conversation_id = $1 AND staff_id = $2", id, reader)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(`
		INSERT INTO reads (conversation_id, staff_id, seen, upto, at)
		SELECT c.id, CAST($2 AS BIGINT), c.inbound - (
			SELECT COUNT(*) FROM messages m WHERE m.conversation_id = c.id AND m.id > $3 AND m.direction = 'in' AND m.behind IS NULL), CAST($3 AS BIGINT), CAST($4 AS BIGINT)
		FROM conversations c WHERE c.id = $1
		ON CONFLICT (conversation_id, staff_id) DO UPDATE SET seen = excluded.seen, upto = excluded.upto, at = excluded.at
		WHERE reads.seen < excluded.seen`, id, reader, upto, millis(now))
	if err != nil {
		return false, err
	}
	seen, err := tx.seeMentions(id, reader, upto)
	if err != nil || n == 0 && seen == 0 {
		return false, err
	}
	if err := tx.readByStaff(reader, id, was, upto, now); err != nil {
		return false, err
	}
	return true, tx.updateConversations("urgent = urgent", "id = $1", id)
}

// MarkUnread makes the newest inbound message unread again for a reader.
func (tx *Tx) MarkUnread(id bridge.ConversationID, reader bridge.StaffID, now time.Time) error {
	if _, err := tx.exec(`
		INSERT INTO reads (conversation_id, staff_id, seen, upto, at)
		SELECT id, CAST($2 AS BIGINT), inbound - 1, 0, CAST($3 AS BIGINT) FROM conversations WHERE id = $1 AND inbound > 0
		ON CONFLICT (conversation_id, staff_id) DO UPDATE SET upto = 0, at = excluded.at,
			seen = CASE WHEN reads.seen < excluded.seen THEN reads.seen ELSE excluded.seen END`,
		id, reader, millis(now)); err != nil {
		return err
	}
	return tx.updateConversations("urgent = urgent", "id = $1", id)
}

// SaveDraft keeps what somebody has begun to write; an empty body forgets it.
// kind is "reply" or "note".
func (tx *Tx) SaveDraft(id bridge.ConversationID, by bridge.StaffID, kind, body string, now time.Time) error {
	if body == "" { // after every reply, and mostly there is nothing
		n, err := tx.exec("DELETE FROM drafts WHERE conversation_id = $1 AND staff_id = $2 AND kind = $3", id, by, kind)
		if err != nil || n == 0 {
			return err
		}
		return tx.updateConversations("urgent = urgent", "id = $1", id)
	}
	was, err := tx.count("SELECT COUNT(*) FROM drafts WHERE conversation_id = $1 AND staff_id = $2 AND kind = $3", id, by, kind)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`
		INSERT INTO drafts (conversation_id, staff_id, kind, body, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (conversation_id, staff_id, kind) DO UPDATE SET body = excluded.body, at = excluded.at`,
		id, by, kind, body, millis(now)); err != nil || was > 0 {
		return err
	}
	return tx.updateConversations("urgent = urgent", "id = $1", id) // the row's "Draft:" comes
}

// Drafts gives what a person has begun to write, by kind.
func (tx *Tx) Drafts(id bridge.ConversationID, by bridge.StaffID) (map[string]string, error) {
	type draft struct{ kind, body string }
	ds, err := list(tx, func(s scanner) (d draft, err error) { return d, s.Scan(&d.kind, &d.body) },
		"SELECT kind, body FROM drafts WHERE conversation_id = $1 AND staff_id = $2", id, by)
	out := map[string]string{}
	for _, d := range ds {
		out[d.kind] = d.body
	}
	return out, err
}
