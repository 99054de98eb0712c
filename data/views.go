package data

import (
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
	if len(ids) == 0 {
		return nil
	}
	first, last := slices.Min(ids), slices.Max(ids)
	return tx.read(bridge.Seen{Contact: who}, conv, "NOT (m.author_kind = 'contact' AND m.author_id = $2)", first-1, last, ids, now)
}

// readByStaff says that one of the team has seen what came in after one message and
// up to another.
func (tx *Tx) readByStaff(who bridge.StaffID, conv bridge.ConversationID, after, upto bridge.MessageID, now time.Time) error {
	s, err := tx.Settings()
	if err != nil || !s.PortalOn {
		return err // nobody is shown it
	}
	return tx.read(bridge.Seen{Staff: who}, conv, "m.author_kind <> 'staff' AND m.direction = 'in'", after, upto, nil, now)
}

// maxRead is how many messages are marked at once: more than a page shows.
const maxRead = 200

// read marks messages of a range as seen by a person; only those of ids, if it has any.
func (tx *Tx) read(who bridge.Seen, conv bridge.ConversationID, which string, after, upto bridge.MessageID, ids []bridge.MessageID, now time.Time) error {
	found, err := list(tx, scanID[bridge.MessageID], `
		SELECT m.id FROM messages m WHERE m.conversation_id = $1 AND m.id > $4 AND m.id <= $5 AND `+written+` AND `+which+`
			AND NOT EXISTS (SELECT 1 FROM views v WHERE v.message_id = m.id AND v.contact_id = CAST($2 AS BIGINT) AND v.staff_id = CAST($3 AS BIGINT) AND v.read_at > 0)
		ORDER BY m.id DESC LIMIT `+strconv.Itoa(maxRead), conv, who.Contact, who.Staff, after, upto)
	if err != nil {
		return err
	}
	if ids != nil {
		found = slices.DeleteFunc(found, func(id bridge.MessageID) bool { return !slices.Contains(ids, id) })
	}
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
