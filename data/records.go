package data

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
)

const recordColumns = "id, type, reference, title, project_type, stage, sent_to_portal, COALESCE(submitted_by, 0), quota, closed, created_at"

func scanRecord(s scanner) (r bridge.Record, err error) {
	var sent, created int64
	err = s.Scan(&r.ID, &r.Type, &r.Reference, &r.Title, &r.ProjectType, &r.Stage, &sent, &r.SubmittedBy, &r.Quota, &r.Closed, &created)
	r.SentToPortal, r.CreatedAt = moment(sent), moment(created)
	return r, err
}

// AddRecord stores a new record with its contacts and staff. A reference that its
// type has already is bridge.ErrDuplicate.
func (tx *Tx) AddRecord(r bridge.Record, now time.Time) (bridge.Record, error) {
	r.CreatedAt = now
	ids, err := list(tx, scanID[bridge.RecordID], `
		INSERT INTO records (type, reference, title, project_type, stage, sent_to_portal, submitted_by, quota, closed, created_at, rev)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (type, reference) DO NOTHING RETURNING id`,
		r.Type, r.Reference, r.Title, r.ProjectType, r.Stage, millis(r.SentToPortal), orNone(r.SubmittedBy), r.Quota, r.Closed, millis(now), tx.rev)
	if err == nil && len(ids) == 0 {
		err = bridge.ErrDuplicate
	}
	if err != nil {
		return r, err
	}
	r.ID = ids[0]
	return r, tx.putPeople(r, bridge.Record{}, now)
}

// PutRecord stores a record that changed, with its contacts and staff. Its
// conversations move, so that open pages show it.
func (tx *Tx) PutRecord(r bridge.Record, now time.Time) error {
	was, err := tx.Record(r.ID)
	if err != nil {
		return err
	}
	n, err := tx.exec(`
		UPDATE records SET reference = $2, title = $3, project_type = $4, stage = $5, sent_to_portal = $6, submitted_by = $7, quota = $8, closed = $9, rev = $10
		WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM records b WHERE b.type = records.type AND b.reference = $2 AND b.id <> $1)`,
		r.ID, r.Reference, r.Title, r.ProjectType, r.Stage, millis(r.SentToPortal), orNone(r.SubmittedBy), r.Quota, r.Closed, tx.rev)
	if err == nil && n == 0 {
		err = bridge.ErrDuplicate
	}
	if err != nil {
		return err
	}
	if err := tx.putPeople(r, was, now); err != nil {
		return err
	}
	return tx.updateConversations("urgent = urgent", "record_id = $1", r.ID)
}

// putPeople makes a record's contacts and staff those that r has.
func (tx *Tx) putPeople(r, was bridge.Record, now time.Time) error {
	for i, id := range r.Contacts {
		if slices.Contains(was.Contacts, id) {
			continue
		}
		at := millis(now) + int64(i) // the client is the first
		if _, err := tx.exec("INSERT INTO record_contacts (record_id, contact_id, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", r.ID, id, at); err != nil {
			return err
		}
	}
	for _, id := range was.Contacts {
		if !slices.Contains(r.Contacts, id) {
			if _, err := tx.exec("DELETE FROM record_contacts WHERE record_id = $1 AND contact_id = $2", r.ID, id); err != nil {
				return err
			}
		}
	}
	for _, id := range slices.Concat(r.Staff, was.Staff) {
		_, err := tx.exec(`
			INSERT INTO record_staff (record_id, staff_id, active) VALUES ($1, $2, $3)
			ON CONFLICT (record_id, staff_id) DO UPDATE SET active = excluded.active`, r.ID, id, slices.Contains(r.Staff, id))
		if err != nil {
			return err
		}
	}
	return nil
}

// Record finds a record with its contacts and staff.
func (tx *Tx) Record(id bridge.RecordID) (bridge.Record, error) {
	r, err := one(tx, scanRecord, "SELECT "+recordColumns+" FROM records WHERE id = $1", id)
	if err != nil {
		return r, err
	}
	return r, tx.fillPeople(&r)
}

// RecordByReference finds a record by what people call it.
func (tx *Tx) RecordByReference(t bridge.RecordType, reference string) (bridge.Record, error) {
	r, err := one(tx, scanRecord, "SELECT "+recordColumns+" FROM records WHERE type = $1 AND reference = $2", t, reference)
	if err != nil {
		return r, err
	}
	return r, tx.fillPeople(&r)
}

func (tx *Tx) fillPeople(r *bridge.Record) (err error) {
	if r.Contacts, err = list(tx, scanID[bridge.ContactID], "SELECT contact_id FROM record_contacts WHERE record_id = $1 ORDER BY added_at, contact_id", r.ID); err != nil {
		return err
	}
	r.Staff, err = list(tx, scanID[bridge.StaffID], "SELECT staff_id FROM record_staff WHERE record_id = $1 AND active ORDER BY staff_id", r.ID)
	return err
}

// RecordsOf lists a contact's records, also the requests that they submitted, the
// open ones and the newest first.
func (tx *Tx) RecordsOf(id bridge.ContactID, limit int) ([]bridge.Record, error) {
	return list(tx, scanRecord, "SELECT "+recordColumns+` FROM records
		WHERE id IN (SELECT record_id FROM record_contacts WHERE contact_id = $1 UNION SELECT id FROM records WHERE submitted_by = $1) ORDER BY closed, id DESC LIMIT `+strconv.Itoa(limit), id)
}

// A RecordFilter says which records a list shows; its zero value shows all.
type RecordFilter struct {
	Words  string // all of them, in the reference or the title
	Type   bridge.RecordType
	Open   bool // only those that are not closed
	Before bridge.RecordID
}

// Records gives one page of the records, the newest first, without their people.
func (tx *Tx) Records(f RecordFilter, limit int) ([]bridge.Record, error) {
	q, args := "SELECT "+recordColumns+" FROM records WHERE TRUE", []any{}
	also := func(where string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			where = strings.Replace(where, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		q += " AND " + where
	}
	if f.Type != "" {
		also("type = ?", string(f.Type))
	}
	if f.Open {
		also("NOT closed")
	}
	for word := range strings.FieldsSeq(strings.ToLower(f.Words)) {
		like := "%" + escapeLike(strings.TrimPrefix(word, "#")) + "%"
		also("(LOWER(title) LIKE ? ESCAPE '!' OR LOWER(reference) LIKE ? ESCAPE '!')", like, like)
	}
	if f.Before != 0 {
		also("id < ?", f.Before)
	}
	return list(tx, scanRecord, q+" ORDER BY id DESC LIMIT "+strconv.Itoa(limit), args...)
}

// Clients gives what to call the first contact of each of some records.
func (tx *Tx) Clients(rs []bridge.Record) (map[bridge.RecordID]string, error) {
	out := map[bridge.RecordID]string{}
	if len(rs) == 0 {
		return out, nil
	}
	ids := make([]any, len(rs))
	for i, r := range rs {
		ids[i] = int64(r.ID)
	}
	type client struct {
		record  bridge.RecordID
		contact bridge.ContactID
		name    string
	}
	all, err := list(tx, func(s scanner) (c client, err error) { return c, s.Scan(&c.record, &c.contact, &c.name) }, `
		SELECT rc.record_id, c.id, c.name FROM record_contacts rc JOIN contacts c ON c.id = rc.contact_id
		WHERE rc.record_id IN `+among(&ids)+" ORDER BY rc.added_at, c.id", ids...)
	for _, c := range all {
		if _, ok := out[c.record]; ok || err != nil {
			continue
		}
		if c.name == "" { // it is called by its number
			var whole bridge.Contact
			whole, err = tx.Contact(c.contact)
			c.name = whole.Title()
		}
		out[c.record] = c.name
	}
	return out, err
}

// OpenRecords gives the records of a type that are not closed.
func (tx *Tx) OpenRecords(t bridge.RecordType) ([]bridge.RecordID, error) {
	return list(tx, scanID[bridge.RecordID], "SELECT id FROM records WHERE type = $1 AND NOT closed ORDER BY id", t)
}

// RecordConversations gives all conversations about a record, whoever sees them.
func (tx *Tx) RecordConversations(id bridge.RecordID) ([]bridge.ConversationID, error) {
	return list(tx, scanID[bridge.ConversationID], "SELECT id FROM conversations WHERE record_id = $1 ORDER BY id", id)
}
