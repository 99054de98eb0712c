package data

import (
	"encoding/json"
	"fmt"
	"time"

	"porchlight/bridge"
)

const handoffColumns = "id, provider, call, COALESCE(conversation_id, 0), COALESCE(message_id, 0), body, rev"

func scanHandoff(s scanner) (h bridge.Handoff, err error) {
	var kept bridge.Handoff
	var body string
	if err = s.Scan(&kept.ID, &kept.Provider, &kept.Call, &kept.Conversation, &kept.Message, &body, &kept.Rev); err != nil {
		return h, err
	}
	if err = json.Unmarshal([]byte(body), &h); err != nil {
		return h, fmt.Errorf("read handoff %d: %w", kept.ID, err)
	}
	h.ID, h.Provider, h.Call, h.Conversation, h.Message, h.Rev = kept.ID, kept.Provider, kept.Call, kept.Conversation, kept.Message, kept.Rev
	return h, nil
}

// HandoffOf finds the handoff of a call, or makes one that has no conversation yet.
func (tx *Tx) HandoffOf(provider, call string, now time.Time) (h bridge.Handoff, err error) {
	if _, err := tx.exec("INSERT INTO handoffs (provider, call, created_at, rev) VALUES ($1, $2, $3, $4) ON CONFLICT (provider, call) DO NOTHING",
		provider, call, millis(now), tx.rev); err != nil {
		return h, err
	}
	return one(tx, scanHandoff, "SELECT "+handoffColumns+" FROM handoffs WHERE provider = $1 AND call = $2", provider, call)
}

// SaveHandoff keeps what all pieces say together, and where it stands. Pages ask for
// its message anew.
func (tx *Tx) SaveHandoff(h bridge.Handoff) error {
	body, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("store handoff: %w", err)
	}
	if _, err := tx.exec("UPDATE handoffs SET conversation_id = $2, message_id = $3, body = $4, rev = $5 WHERE id = $1",
		h.ID, h.Conversation, h.Message, string(body), tx.rev); err != nil {
		return err
	}
	return tx.Renew(h.Message)
}

// Renew says that what a message shows has changed, so that pages ask for it anew.
func (tx *Tx) Renew(id bridge.MessageID) error {
	if _, err := tx.exec("UPDATE messages SET rev = $2 WHERE id = $1", id, tx.rev); err != nil {
		return err
	}
	return tx.updateConversations("urgent = urgent", "id = (SELECT conversation_id FROM messages WHERE id = $1)", id)
}

// AddPiece keeps one piece of a call, as it came and as it was understood. The same
// piece again is bridge.ErrDuplicate.
func (tx *Tx) AddPiece(id bridge.HandoffID, hash string, piece bridge.Handoff, raw string, now time.Time) error {
	body, err := json.Marshal(piece)
	if err != nil {
		return fmt.Errorf("store piece of a handoff: %w", err)
	}
	n, err := tx.exec("INSERT INTO handoff_pieces (handoff_id, hash, body, raw, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (handoff_id, hash) DO NOTHING",
		id, hash, string(body), raw, millis(now))
	if err == nil && n == 0 {
		return bridge.ErrDuplicate
	}
	return err
}

// Pieces gives what was said of a call, without turns.
func (tx *Tx) Pieces(id bridge.HandoffID) ([]bridge.Handoff, error) {
	return list(tx, func(s scanner) (h bridge.Handoff, err error) {
		var body string
		if err = s.Scan(&body); err == nil {
			err = json.Unmarshal([]byte(body), &h)
		}
		return h, err
	}, "SELECT body FROM handoff_pieces WHERE handoff_id = $1 ORDER BY id", id)
}

// SetAIHandoff tags a conversation as handed over by the AI receptionist, or takes the
// tag away.
func (tx *Tx) SetAIHandoff(id bridge.ConversationID, on bool) error {
	return tx.updateConversations("ai_handoff = $2", "id = $1", id, on)
}

// Foretell puts words on a conversation's row in place of a message's own, as long as
// no person has written after it.
func (tx *Tx) Foretell(m bridge.Message, words string) error {
	return tx.updateConversations("preview = $2", `id = $1 AND NOT EXISTS (
		SELECT 1 FROM messages n WHERE n.conversation_id = $1 AND n.id > $3 AND n.behind IS NULL AND n.direction <> 'event' AND n.author_kind <> 'system')`,
		m.Conversation, bridge.Message{Body: words}.Preview(), m.ID)
}

// SeeWebhook notes that a signed request was taken. The same one again is
// bridge.ErrDuplicate.
func (tx *Tx) SeeWebhook(id string, now time.Time) error {
	n, err := tx.exec("INSERT INTO webhook_seen (id, at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", id, millis(now))
	if err == nil && n == 0 {
		return bridge.ErrDuplicate
	}
	return err
}

// ForgetWebhooks forgets the requests that are too old to be sent again anyway.
func (tx *Tx) ForgetWebhooks(before time.Time) error {
	_, err := tx.exec("DELETE FROM webhook_seen WHERE at < $1", millis(before))
	return err
}
