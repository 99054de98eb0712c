package data

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
)

// An import asks for and stores a hundred thousand rows in one transaction. One at
// a time that is a million queries; here it is a few thousand.

// someValues is how many values one query of an import takes. It is a power of two
// for among, and 12 columns of so many rows stay under the 32,766 parameters that
// SQLite takes.
const someValues = 512

// some calls fn with up to someValues of the values at a time.
func some[T any](values []T, fn func([]T) error) error {
	for part := range slices.Chunk(values, someValues) {
		if err := fn(part); err != nil {
			return err
		}
	}
	return nil
}

// insert stores many rows by one statement for a power of two of them, so that
// rows in any number need few different statements. Ids grow in the order of the
// rows; they are given only if the statement returns them.
func (tx *Tx) insert(into, then string, rows [][]any) (ids []int64, err error) {
	for len(rows) > 0 {
		n := someValues
		for n > len(rows) {
			n /= 2
		}
		args := make([]any, 0, n*len(rows[0]))
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		q := "INSERT INTO " + into + " VALUES " + places(n, len(rows[0])) + " " + then
		if !strings.HasPrefix(then, "RETURNING") {
			_, err = tx.exec(q, args...)
		} else if got, err2 := list(tx, scanID[int64], q, args...); err2 == nil {
			slices.Sort(got) // neither engine promises the order of what is returned
			ids = append(ids, got...)
		} else {
			err = err2
		}
		if err != nil {
			return nil, err
		}
		rows = rows[n:]
	}
	return ids, nil
}

// places writes ($1,$2),($3,$4) for rows of so many columns.
func places(rows, columns int) string {
	var b strings.Builder
	for n := range rows * columns {
		switch {
		case n == 0:
			b.WriteString("($")
		case n%columns == 0:
			b.WriteString("),($")
		default:
			b.WriteString(",$")
		}
		b.WriteString(strconv.Itoa(n + 1))
	}
	b.WriteByte(')')
	return b.String()
}

// ContactKeys are by what an import finds contacts.
type ContactKeys struct {
	External, Phones, Emails []string
	Names                    []string // as SortName gives them
}

// ContactsWith gives the contacts that have any of the keys, also those that were
// merged, with their addresses.
func (tx *Tx) ContactsWith(k ContactKeys) ([]bridge.Contact, error) {
	found := map[bridge.ContactID]bool{}
	for _, look := range []struct {
		keys []string
		q    string
	}{
		{k.External, "SELECT id FROM contacts WHERE external_id IN "},
		{k.Phones, "SELECT contact_id FROM addresses WHERE ended_at = 0 AND channel = 'sms' AND value IN "},
		{k.Emails, "SELECT contact_id FROM addresses WHERE ended_at = 0 AND channel = 'email' AND value IN "},
		{k.Names, "SELECT id FROM contacts WHERE merged_into IS NULL AND sort_name IN "},
	} {
		err := some(look.keys, func(part []string) error {
			args := make([]any, len(part))
			for i, v := range part {
				args[i] = v
			}
			ids, err := list(tx, scanID[bridge.ContactID], look.q+among(&args), args...)
			for _, id := range ids {
				found[id] = true
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	ids := make([]bridge.ContactID, 0, len(found))
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return tx.ContactsByID(ids)
}

// ContactsByID gives the contacts of some ids with their addresses, by id.
func (tx *Tx) ContactsByID(ids []bridge.ContactID) (out []bridge.Contact, err error) {
	err = some(ids, func(part []bridge.ContactID) error {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = int64(id)
		}
		cs, err := list(tx, scanContact, "SELECT "+contactColumns+" FROM contacts WHERE id IN "+among(&args)+" ORDER BY id", args...)
		if err != nil || len(cs) == 0 {
			return err
		}
		err = tx.fillAddresses(cs)
		out = append(out, cs...)
		return err
	})
	return out, err
}

// AddContacts stores new contacts with their addresses and the CRM's ids, and puts
// the ids that they got into cs.
func (tx *Tx) AddContacts(cs []bridge.Contact, now time.Time) error {
	return some(cs, func(cs []bridge.Contact) error {
		rows := make([][]any, len(cs))
		for i, c := range cs {
			rows[i] = []any{c.Name, c.Company, string(c.Side), c.Zone, c.Busy, orNull(c.External), SortName(c), millis(now), tx.rev}
		}
		ids, err := tx.insert("contacts (name, company, side, zone, busy, external_id, sort_name, created_at, rev)", "RETURNING id", rows)
		if err != nil {
			return err
		}
		out, err := tx.optedOut(cs)
		if err != nil {
			return err
		}
		rows = rows[:0]
		for i := range cs {
			cs[i].ID, cs[i].CreatedAt = bridge.ContactID(ids[i]), now
			for _, a := range cs[i].Addresses {
				rows = append(rows, []any{ids[i], string(a.Channel), a.Value, a.Answerable, out[a.Value], millis(now)})
			}
		}
		_, err = tx.insert("addresses (contact_id, channel, value, answerable, opted_out, created_at)", "", rows)
		return err
	})
}

// optedOut gives which of the contacts' addresses are opted out already.
func (tx *Tx) optedOut(cs []bridge.Contact) (map[string]bool, error) {
	var values []any
	for _, c := range cs {
		for _, a := range c.Addresses {
			values = append(values, a.Value)
		}
	}
	out := map[string]bool{}
	err := some(values, func(part []any) error {
		part = slices.Clone(part)
		said, err := list(tx, func(s scanner) (a bridge.Address, err error) { return a, s.Scan(&a.Channel, &a.Value) },
			"SELECT DISTINCT channel, value FROM consents WHERE value IN "+among(&part), part...)
		for _, a := range said {
			if err == nil {
				out[a.Value], err = tx.OptedOut(a.Channel, a.Value)
			}
		}
		return err
	})
	return out, err
}

// RecordsNamed gives the records of a type that have one of the references, with
// their contacts and staff.
func (tx *Tx) RecordsNamed(t bridge.RecordType, references []string) (out []bridge.Record, err error) {
	err = some(references, func(part []string) error {
		args := make([]any, len(part))
		for i, v := range part {
			args[i] = v
		}
		rs, err := list(tx, scanRecord, "SELECT "+recordColumns+" FROM records WHERE type = '"+string(t)+"' AND reference IN "+among(&args), args...)
		if err == nil {
			err = tx.FillRecords(rs)
		}
		out = append(out, rs...)
		return err
	})
	return out, err
}

// FillRecords gives records their contacts and staff.
func (tx *Tx) FillRecords(rs []bridge.Record) error {
	return some(rs, func(rs []bridge.Record) error {
		at, ids := map[bridge.RecordID]*bridge.Record{}, []any{}
		for i := range rs {
			rs[i].Contacts, rs[i].Staff = nil, nil
			at[rs[i].ID] = &rs[i]
			ids = append(ids, int64(rs[i].ID))
		}
		if len(ids) == 0 {
			return nil
		}
		type pair struct {
			record bridge.RecordID
			who    int64
		}
		scan := func(s scanner) (p pair, err error) { return p, s.Scan(&p.record, &p.who) }
		in := among(&ids)
		contacts, err := list(tx, scan, "SELECT record_id, contact_id FROM record_contacts WHERE record_id IN "+in+" ORDER BY added_at, contact_id", ids...)
		if err != nil {
			return err
		}
		for _, p := range contacts {
			at[p.record].Contacts = append(at[p.record].Contacts, bridge.ContactID(p.who))
		}
		staff, err := list(tx, scan, "SELECT record_id, staff_id FROM record_staff WHERE active AND record_id IN "+in+" ORDER BY staff_id", ids...)
		for _, p := range staff {
			at[p.record].Staff = append(at[p.record].Staff, bridge.StaffID(p.who))
		}
		return err
	})
}

// AddRecords stores new records with their contacts and staff, and puts the ids
// that they got into rs.
func (tx *Tx) AddRecords(rs []bridge.Record, now time.Time) error {
	return some(rs, func(rs []bridge.Record) error {
		rows := make([][]any, len(rs))
		for i, r := range rs {
			rows[i] = []any{string(r.Type), r.Reference, r.Title, r.ProjectType, r.Stage, millis(r.SentToPortal), orNone(r.SubmittedBy), r.Quota, r.Closed, millis(now), tx.rev}
		}
		ids, err := tx.insert("records (type, reference, title, project_type, stage, sent_to_portal, submitted_by, quota, closed, created_at, rev)", "RETURNING id", rows)
		if err != nil {
			return err
		}
		var contacts, staff [][]any
		for i := range rs {
			rs[i].ID, rs[i].CreatedAt = bridge.RecordID(ids[i]), now
			for n, c := range rs[i].Contacts {
				contacts = append(contacts, []any{ids[i], int64(c), millis(now) + int64(n)})
			}
			for _, s := range rs[i].Staff {
				staff = append(staff, []any{ids[i], int64(s), true})
			}
		}
		if _, err = tx.insert("record_contacts (record_id, contact_id, added_at)", "", contacts); err == nil {
			_, err = tx.insert("record_staff (record_id, staff_id, active)", "", staff)
		}
		return err
	})
}

// ContactNames tells the name of each contact that stands alone.
func (tx *Tx) ContactNames(tell func(bridge.ContactID, string)) error {
	type row struct{}
	_, err := list(tx, func(s scanner) (row, error) {
		var id bridge.ContactID
		var name string
		err := s.Scan(&id, &name)
		tell(id, name)
		return row{}, err
	}, "SELECT id, name FROM contacts WHERE merged_into IS NULL AND name <> ''")
	return err
}
