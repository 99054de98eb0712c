package data

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"porchlight/bridge"
)

// A participant's receipts: when a message was there for them and when they saw it.

func scanSeen(s scanner) (v bridge.Seen, err error) {
	var delivered, read int64
	err = s.Scan(&v.Message, &v.Contact, &v.Staff, &v.Name, &delivered, &read)
	v.DeliveredAt, v.ReadAt = moment(delivered), moment(read)
	return v, err
}

// seenBy gives who has had or seen messages, the first to see them first.
func (tx *Tx) seenBy(at map[bridge.MessageID]*bridge.Message, ids []any) error {
	vs, err := list(tx, scanSeen, `
		SELECT v.message_id, v.contact_id, v.staff_id, COALESCE(s.name, c.name, ''), v.delivered_at, v.read_at
		FROM views v LEFT JOIN staff s ON s.id = v.staff_id LEFT JOIN contacts c ON c.id = v.contact_id
		WHERE v.message_id IN `+among(&ids)+" ORDER BY v.message_id, v.read_at, v.contact_id, v.staff_id", ids...)
	for _, v := range vs {
		m := at[v.Message]
		m.Views = append(m.Views, v)
	}
	return err
}

// DeliveredTo says that an open page of a contact has the newest messages of a
// conversation that others wrote, and reports whether that was new.
func (tx *Tx) DeliveredTo(who bridge.ContactID, conv bridge.ConversationID, now time.Time) (bool, error) {
	ids, err := list(tx, scanID[bridge.MessageID], `
		SELECT m.id FROM (
			SELECT * FROM messages m WHERE m.conversation_id = $2 AND `+written+` ORDER BY m.id DESC LIMIT 50) AS m
		WHERE `+undelivered, who, conv)
	for _, id := range ids {
		if err == nil {
			_, err = tx.exec(`INSERT INTO views (message_id, conversation_id, contact_id, delivered_at) VALUES ($1, $2, $3, $4)
				ON CONFLICT (message_id, contact_id, staff_id) DO NOTHING`, id, conv, who, millis(now))
		}
	}
	if err != nil {
		return false, err
	}
	return len(ids) > 0, tx.stampMessages(conv, ids)
}

// ReadBy says that a contact had messages of a conversation in view. What they wrote
// themselves, and what is not in the conversation, is left out.
func (tx *Tx) ReadBy(who bridge.ContactID, conv bridge.ConversationID, ids []bridge.MessageID, now time.Time) error {
	for part := range slices.Chunk(ids, maxRead) {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = int64(id)
		}
		in := among(&args)
		n := len(args)
		found, err := list(tx, scanID[bridge.MessageID], fmt.Sprintf(`
			SELECT m.id FROM messages m WHERE m.id IN %s AND m.conversation_id = $%d AND `+written+`
				AND NOT (m.author_kind = 'contact' AND m.author_id = $%d)
				AND NOT EXISTS (SELECT 1 FROM views v WHERE v.message_id = m.id AND v.contact_id = $%[3]d AND v.staff_id = 0 AND v.read_at > 0)`,
			in, n+1, n+2), append(args, conv, who)...)
		if err != nil {
			return err
		}
		if err := tx.mark(bridge.Seen{Contact: who}, conv, found, now); err != nil {
			return err
		}
	}
	return tx.seenUpTo(who, conv)
}

// seenUpTo notes up to where a contact has seen all of a conversation, so that
// counting what they have not seen begins there and not with the first message.
func (tx *Tx) seenUpTo(who bridge.ContactID, conv bridge.ConversationID) error {
	first, err := tx.FirstUnseen(who, conv)
	if err != nil {
		return err
	}
	upto := first - 1
	if first == 0 {
		if upto, err = one(tx, scanID[bridge.MessageID], "SELECT COALESCE(MAX(id), 0) FROM messages WHERE conversation_id = $1", conv); err != nil {
			return err
		}
	}
	_, err = tx.exec("UPDATE participants SET old_upto = $3 WHERE conversation_id = $1 AND contact_id = $2 AND contact_id <> 0 AND old_upto < $3", conv, who, upto)
	return err
}

// readByStaff says that one of the team has seen what came in after one message and
// up to another.
func (tx *Tx) readByStaff(who bridge.StaffID, conv bridge.ConversationID, after, upto bridge.MessageID, now time.Time) error {
	s, err := tx.Settings()
	if err != nil || !s.PortalOn {
		return err // nobody is shown it
	}
	found, err := list(tx, scanID[bridge.MessageID], `
		SELECT m.id FROM messages m WHERE m.conversation_id = $1 AND m.id > $3 AND m.id <= $4 AND m.author_kind <> 'staff' AND m.direction = 'in'
			AND NOT EXISTS (SELECT 1 FROM views v WHERE v.message_id = m.id AND v.contact_id = 0 AND v.staff_id = $2 AND v.read_at > 0)
		ORDER BY m.id DESC LIMIT `+strconv.Itoa(maxRead), conv, who, after, upto)
	if err != nil {
		return err
	}
	return tx.mark(bridge.Seen{Staff: who}, conv, found, now)
}

// maxRead is how many messages are marked at once: more than a page shows.
const maxRead = 200

// mark says that a person has seen messages of a conversation.
func (tx *Tx) mark(who bridge.Seen, conv bridge.ConversationID, found []bridge.MessageID, now time.Time) error {
	for _, id := range found {
		if _, err := tx.exec(`INSERT INTO views (message_id, conversation_id, contact_id, staff_id, delivered_at, read_at) VALUES ($1, $2, $3, $4, $5, $5)
			ON CONFLICT (message_id, contact_id, staff_id) DO UPDATE SET read_at = excluded.read_at`, id, conv, who.Contact, who.Staff, millis(now)); err != nil {
			return err
		}
	}
	return tx.stampMessages(conv, found)
}

// stampMessages says that messages moved, so that open pages ask for them.
func (tx *Tx) stampMessages(conv bridge.ConversationID, ids []bridge.MessageID) error {
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		if _, err := tx.exec("UPDATE messages SET rev = $2 WHERE id = $1", id, tx.rev); err != nil {
			return err
		}
	}
	return tx.updateConversations("urgent = urgent", "id = $1", conv)
}

// Undelivered reports whether a conversation has something new that no page of the
// contact has shown yet.
func (tx *Tx) Undelivered(who bridge.ContactID, conv bridge.ConversationID) (bool, error) {
	n, err := tx.count(`SELECT COUNT(*) FROM (
		SELECT m.id FROM (SELECT * FROM messages m WHERE m.conversation_id = $2 AND `+written+` ORDER BY m.id DESC LIMIT 50) AS m
		WHERE `+undelivered+` LIMIT 1) AS found`, who, conv)
	return n > 0, err
}

// undelivered is what others wrote ($2: where) since a contact ($1) has the portal
// and no page of theirs has shown.
const undelivered = `NOT (m.author_kind = 'contact' AND m.author_id = $1)
	AND m.id > COALESCE((SELECT MAX(p.old_upto) FROM participants p WHERE p.conversation_id = $2 AND p.contact_id = $1), 0)
	AND NOT EXISTS (SELECT 1 FROM views v WHERE v.message_id = m.id AND v.contact_id = $1 AND v.staff_id = 0)`
