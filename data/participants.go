package data

import (
	"time"

	"porchlight/bridge"
)

// AddParticipant puts a person into a conversation, or back into it.
func (tx *Tx) AddParticipant(p bridge.Participant) error {
	if p.Contact != 0 {
		tx.joined = append(tx.joined, p.Contact)
	}
	_, err := tx.exec(`
		INSERT INTO participants (conversation_id, contact_id, staff_id, added_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (conversation_id, contact_id, staff_id) DO UPDATE SET left_at = 0 WHERE participants.left_at <> 0`,
		p.Conversation, p.Contact, p.Staff, millis(p.AddedAt))
	return err
}

// Participants lists the people of a conversation, the contact first.
func (tx *Tx) Participants(id bridge.ConversationID) ([]bridge.Participant, error) {
	return list(tx, func(s scanner) (p bridge.Participant, err error) {
		var at int64
		var role bridge.Role
		var side bridge.Side
		p.Conversation = id
		err = s.Scan(&p.Contact, &p.Staff, &p.Name, &role, &side, &at)
		p.AddedAt, p.Role = moment(at), side.Title()
		if p.Staff != 0 {
			p.Role = role.Title()
		}
		return p, err
	}, `
		SELECT p.contact_id, p.staff_id, COALESCE(s.name, c.name, ''), COALESCE(s.role, ''), COALESCE(c.side, ''), p.added_at
		FROM participants p
		LEFT JOIN staff s ON s.id = p.staff_id
		LEFT JOIN contacts c ON c.id = p.contact_id
		WHERE p.conversation_id = $1 AND p.left_at = 0
		ORDER BY p.staff_id, p.contact_id`, id)
}

// RemoveParticipant takes a person out of a conversation. The row stays: an open
// page of theirs is told to drop it.
func (tx *Tx) RemoveParticipant(p bridge.Participant, now time.Time) error {
	n, err := tx.exec("UPDATE participants SET left_at = $4 WHERE conversation_id = $1 AND contact_id = $2 AND staff_id = $3 AND left_at = 0",
		p.Conversation, p.Contact, p.Staff, millis(now))
	if err != nil || n == 0 {
		return err
	}
	if p.Contact != 0 {
		tx.joined = append(tx.joined, p.Contact)
	}
	return tx.updateConversations("urgent = urgent", "id = $1", p.Conversation)
}

// Standing says how a member of staff stands to a conversation: whether they take
// part in it, and whether they are assigned to its record.
func (tx *Tx) Standing(who bridge.StaffID, id bridge.ConversationID) (member, onRecord bool, err error) {
	err = tx.row(`
		SELECT EXISTS (SELECT 1 FROM participants p WHERE p.conversation_id = c.id AND p.contact_id = 0 AND p.staff_id = $1 AND p.left_at = 0),
			EXISTS (SELECT 1 FROM record_staff s WHERE s.record_id = c.record_id AND s.staff_id = $1 AND s.active)
		FROM conversations c WHERE c.id = $2`, who, id).Scan(&member, &onRecord)
	return member, onRecord, err
}

// TakesPart reports whether a person is in a conversation now.
func (tx *Tx) TakesPart(p bridge.Participant) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM participants WHERE conversation_id = $1 AND contact_id = $2 AND staff_id = $3 AND left_at = 0", p.Conversation, p.Contact, p.Staff)
	return n > 0, err
}

// TookPart reports whether a person is, or once was, in a conversation.
func (tx *Tx) TookPart(p bridge.Participant) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM participants WHERE conversation_id = $1 AND contact_id = $2 AND staff_id = $3", p.Conversation, p.Contact, p.Staff)
	return n > 0, err
}

// Members are the staff who take part in a conversation.
func (tx *Tx) Members(id bridge.ConversationID) ([]bridge.StaffID, error) {
	return list(tx, scanID[bridge.StaffID], "SELECT staff_id FROM participants WHERE conversation_id = $1 AND staff_id <> 0 AND left_at = 0 ORDER BY staff_id", id)
}

// Attend puts a member of staff into every conversation of a kind in which nobody of
// the office takes part.
func (tx *Tx) Attend(k bridge.Kind, who bridge.StaffID, now time.Time) error {
	_, err := tx.exec(`
		INSERT INTO participants (conversation_id, contact_id, staff_id, added_at)
		SELECT c.id, 0, $2, $3 FROM conversations c WHERE c.kind = $1 AND NOT EXISTS (
			SELECT 1 FROM participants p JOIN staff s ON s.id = p.staff_id
			WHERE p.conversation_id = c.id AND p.left_at = 0 AND s.active AND s.role NOT IN ('tradie', 'apprentice'))
		ON CONFLICT (conversation_id, contact_id, staff_id) DO UPDATE SET left_at = 0`, k, who, millis(now))
	return err
}

// OtherContacts are the contacts who take part in a conversation beside one of them.
func (tx *Tx) OtherContacts(id bridge.ConversationID, beside bridge.ContactID) ([]bridge.Contact, error) {
	ids, err := list(tx, scanID[bridge.ContactID], `
		SELECT contact_id FROM participants WHERE conversation_id = $1 AND contact_id <> 0 AND contact_id <> $2 AND left_at = 0 ORDER BY contact_id`, id, beside)
	out := make([]bridge.Contact, 0, len(ids))
	for _, c := range ids {
		if err != nil {
			break
		}
		var who bridge.Contact
		if who, err = tx.Contact(c); err == nil && who.MergedInto == 0 {
			out = append(out, who)
		}
	}
	return out, err
}
