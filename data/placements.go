package data

import (
	"time"

	"porchlight/bridge"
)

// Place says which record a message is about; record 0 is none. An earlier word
// on the same message stays in the store and does not hold any more.
func (tx *Tx) Place(p bridge.Placement) error {
	was, err := list(tx, scanID[bridge.RecordID],
		"UPDATE placements SET newest = FALSE WHERE message_id = $1 AND newest RETURNING COALESCE(record_id, 0)", p.Message)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`
		INSERT INTO placements (message_id, record_id, because, staff_id, at, newest, rev) VALUES ($1, $2, $3, $4, $5, TRUE, $6)`,
		p.Message, orNone(p.Record), p.Because, p.By, millis(p.At), tx.rev); err != nil {
		return err
	}
	if err := tx.Reindex(p.Message); err != nil {
		return err
	}
	// The conversation that holds it moves, and those of both records.
	if err := tx.updateConversations("urgent = urgent", "id = (SELECT conversation_id FROM messages WHERE id = $1)", p.Message); err != nil {
		return err
	}
	for _, r := range append(was, p.Record) {
		if r != 0 {
			if err := tx.updateConversations("urgent = urgent", "record_id = $1", r); err != nil {
				return err
			}
		}
	}
	return nil
}

// placed puts on messages which record they are about.
func (tx *Tx) placed(at map[bridge.MessageID]*bridge.Message, ids []any) error {
	type row struct {
		message bridge.MessageID
		p       bridge.Placement
		about   bridge.Record
		at, rev int64
	}
	rows, err := list(tx, func(s scanner) (r row, err error) {
		return r, s.Scan(&r.message, &r.about.ID, &r.about.Type, &r.about.Reference, &r.about.Title, &r.p.Because, &r.p.By, &r.at, &r.rev)
	}, `
		SELECT p.message_id, r.id, r.type, r.reference, r.title, p.because, p.staff_id, p.at, p.rev
		FROM placements p JOIN records r ON r.id = p.record_id
		WHERE p.newest AND p.message_id IN `+among(&ids), ids...)
	for _, r := range rows {
		m := at[r.message]
		r.p.Message, r.p.Record, r.p.RecordLabel, r.p.At = r.message, r.about.ID, r.about.Label(), moment(r.at)
		m.About = r.p
		m.Rev = max(m.Rev, r.rev)
	}
	return err
}

// LastPlaced gives the record that the newest placed message of a conversation is
// about, as long as it is not older than since; 0 if there is none.
func (tx *Tx) LastPlaced(id bridge.ConversationID, since time.Time) (bridge.RecordID, error) {
	found, err := list(tx, scanID[bridge.RecordID], `
		SELECT COALESCE(p.record_id, 0) FROM messages m JOIN placements p ON p.message_id = m.id AND p.newest
		WHERE m.conversation_id = $1 AND m.at >= $2 ORDER BY m.id DESC LIMIT 1`, id, millis(since))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0], nil
}

// Correct remembers which record a contact's texts are about, as staff said; record
// 0 forgets what was said before.
func (tx *Tx) Correct(c bridge.ContactID, r bridge.RecordID, now time.Time) error {
	if r == 0 {
		_, err := tx.exec("DELETE FROM corrections WHERE contact_id = $1", c)
		return err
	}
	_, err := tx.exec(`
		INSERT INTO corrections (contact_id, record_id, at) VALUES ($1, $2, $3)
		ON CONFLICT (contact_id) DO UPDATE SET record_id = excluded.record_id, at = excluded.at`, c, r, millis(now))
	return err
}

// A Plausible record is one that a contact's text may be about, with what speaks
// for it.
type Plausible struct {
	bridge.Record
	WroteAt     time.Time // when the team last wrote to the contact about it
	CorrectedAt time.Time // when somebody said that the contact's texts are about it
}

// Plausible gives a contact's open records with what speaks for each.
func (tx *Tx) Plausible(id bridge.ContactID, since time.Time) ([]Plausible, error) {
	return list(tx, func(s scanner) (p Plausible, err error) {
		var wrote, corrected int64
		err = s.Scan(&p.ID, &p.Type, &p.Reference, &p.Title, &wrote, &corrected)
		p.WroteAt, p.CorrectedAt = moment(wrote), moment(corrected)
		return p, err
	}, `
		SELECT r.id, r.type, r.reference, r.title,
			(SELECT COALESCE(MAX(at), 0) FROM (
				SELECT MAX(m.at) AS at FROM conversations v JOIN messages m ON m.conversation_id = v.id
				WHERE v.record_id = r.id AND v.contact_id = $1 AND m.direction = 'out' AND m.at >= $2
				UNION ALL
				SELECT MAX(m.at) AS at FROM placements p JOIN messages m ON m.id = p.message_id
					JOIN conversations o ON o.id = m.conversation_id
				WHERE p.record_id = r.id AND p.newest AND o.contact_id = $1 AND m.direction = 'out' AND m.at >= $2) AS wrote),
			COALESCE((SELECT k.at FROM corrections k WHERE k.contact_id = $1 AND k.record_id = r.id), 0)
		FROM records r
		WHERE r.id IN (SELECT record_id FROM record_contacts WHERE contact_id = $1 UNION SELECT id FROM records WHERE submitted_by = $1) AND NOT r.closed
		ORDER BY r.id DESC LIMIT 50`, id, millis(since))
}

// UnplacedSince gives the messages that a record's conversation showed and does
// not show any more, because they were placed elsewhere after a revision. What it
// never showed, as shownIn has it, is not named.
func (tx *Tx) UnplacedSince(id bridge.ConversationID, rev int64) ([]bridge.MessageID, error) {
	return list(tx, scanID[bridge.MessageID], `
		SELECT DISTINCT n.message_id FROM placements n JOIN placements w ON w.message_id = n.message_id AND NOT w.newest
			JOIN conversations v ON v.record_id = w.record_id
			JOIN messages q ON q.id = n.message_id JOIN conversations o ON o.id = q.conversation_id
		WHERE o.contact_id = v.contact_id AND o.kind IN ('customer', 'partner') AND n.rev > $2 AND n.newest AND v.id = $1 AND COALESCE(n.record_id, 0) <> v.record_id
			AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = n.message_id AND m.conversation_id = $1)`, id, rev)
}
