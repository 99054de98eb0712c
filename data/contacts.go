package data

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
)

const addressColumns = "id, contact_id, channel, value, answerable, problem, opted_out"

func scanAddress(s scanner) (a bridge.Address, err error) {
	return a, s.Scan(&a.ID, &a.Contact, &a.Channel, &a.Value, &a.Answerable, &a.Problem, &a.OptedOut)
}

// AddressesOf finds every contact's address with this value, the longest known
// contact first: a household may share a phone.
func (tx *Tx) AddressesOf(ch bridge.Channel, value string) ([]bridge.Address, error) {
	// Put in order here: SQLite's sorter takes longer to set up than the whole
	// look-up, and this is asked for each text that comes in.
	as, err := list(tx, scanAddress, "SELECT "+addressColumns+" FROM addresses WHERE value = $1 AND channel = $2 AND ended_at = 0", value, ch)
	slices.SortFunc(as, func(a, b bridge.Address) int { return cmp.Compare(a.Contact, b.Contact) })
	return as, err
}

const contactColumns = "id, name, company, side, zone, busy, invited_at, connected_at, COALESCE(merged_into, 0), COALESCE(external_id, ''), language, notify, created_at"

func scanContact(s scanner) (c bridge.Contact, err error) {
	var invited, connected, created int64
	err = s.Scan(&c.ID, &c.Name, &c.Company, &c.Side, &c.Zone, &c.Busy, &invited, &connected, &c.MergedInto, &c.External, &c.Language, &c.Told, &created)
	c.InvitedAt, c.ConnectedAt, c.CreatedAt = moment(invited), moment(connected), moment(created)
	return c, err
}

// Contact finds a contact with its addresses, phones first.
func (tx *Tx) Contact(id bridge.ContactID) (bridge.Contact, error) {
	c, err := one(tx, scanContact, "SELECT "+contactColumns+" FROM contacts WHERE id = $1", id)
	if err != nil {
		return c, err
	}
	c.Addresses, err = list(tx, scanAddress, "SELECT "+addressColumns+" FROM addresses WHERE contact_id = $1 AND ended_at = 0", id)
	slices.SortFunc(c.Addresses, func(a, b bridge.Address) int { // as in AddressesOf
		return cmp.Or(cmp.Compare(b.Channel, a.Channel), cmp.Compare(a.ID, b.ID))
	})
	return c, err
}

// A ContactFilter says which contacts a list shows; its zero value shows all.
type ContactFilter struct {
	Words     string      // all of them, in the name, company, a number or an email
	Side      bridge.Side // empty: every side
	For       bridge.Kind // whom a conversation of the kind can be with; empty: everybody
	Connected string      // "yes", "invited", "no", or empty
	Status    string      // "available", "busy", or empty
	External  string      // the CRM's own id, exactly
	Phone     string      // E.164, exactly
	After     string      // the sort key of the last contact of the page before
	AfterID   bridge.ContactID
}

// Contacts gives one page of the people outside the team, by name. Who turned out
// to be somebody else is not among them.
func (tx *Tx) Contacts(f ContactFilter, limit int) ([]bridge.Contact, error) {
	q, args := "SELECT "+contactColumns+" FROM contacts c WHERE merged_into IS NULL", []any{}
	also := func(where string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			where = strings.Replace(where, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		q += " AND " + where
	}
	if f.For != "" {
		sides := "''"
		for _, side := range f.For.Sides() {
			sides += ", '" + string(side) + "'"
		}
		also("side IN (" + sides + ")")
	}
	if f.Side != "" {
		also("side = ?", string(f.Side))
	}
	switch f.Connected {
	case "yes":
		also("connected_at > 0")
	case "invited":
		also("connected_at = 0 AND invited_at > 0")
	case "no":
		also("connected_at = 0 AND invited_at = 0")
	}
	switch f.Status {
	case "available":
		also("NOT busy AND side IN ('service_pro', 'handyman')")
	case "busy":
		also("busy")
	}
	if f.External != "" {
		also("external_id = ?", f.External)
	}
	if f.Phone != "" {
		also("id IN (SELECT contact_id FROM addresses WHERE ended_at = 0 AND channel = 'sms' AND value = ?)", f.Phone)
	}
	for word := range strings.FieldsSeq(strings.ToLower(f.Words)) {
		like := "%" + escapeLike(word) + "%"
		also("(sort_name LIKE ? ESCAPE '!' OR EXISTS (SELECT 1 FROM addresses a WHERE a.contact_id = c.id AND a.ended_at = 0 AND a.value LIKE ? ESCAPE '!'))",
			like, "%"+escapeLike(digits(word))+"%")
	}
	if f.AfterID != 0 {
		also("(sort_name, id) > (?, ?)", f.After, f.AfterID)
	}
	cs, err := list(tx, scanContact, q+" ORDER BY sort_name, id LIMIT "+strconv.Itoa(limit), args...)
	if err != nil || len(cs) == 0 {
		return cs, err
	}
	return cs, tx.fillAddresses(cs)
}

// digits is a word as a stored number has it: without what people write between the
// digits, and without the zeros that stand for a country. Any other word stays.
func digits(word string) string {
	if strings.Trim(word, "0123456789+.-()/") != "" {
		return word
	}
	n := strings.TrimLeft(strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, word), "0")
	if n == "" {
		return word
	}
	return n
}

// escapeLike makes a word stand for itself in LIKE … ESCAPE '!'.
func escapeLike(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

func (tx *Tx) fillAddresses(cs []bridge.Contact) error {
	at, ids := map[bridge.ContactID]*bridge.Contact{}, []any{}
	for i := range cs {
		at[cs[i].ID] = &cs[i]
		ids = append(ids, int64(cs[i].ID))
	}
	as, err := list(tx, scanAddress, "SELECT "+addressColumns+" FROM addresses WHERE ended_at = 0 AND contact_id IN "+among(&ids)+" ORDER BY channel DESC, id", ids...)
	for _, a := range as {
		c := at[a.Contact]
		c.Addresses = append(c.Addresses, a)
	}
	return err
}

// SortName is by which the list puts a contact in order, and finds it.
func SortName(c bridge.Contact) string {
	return strings.ToLower(strings.TrimSpace(c.Title() + " " + c.Company))
}

// AddContact stores a new contact with its addresses and gives it back with ids.
func (tx *Tx) AddContact(c bridge.Contact, now time.Time) (bridge.Contact, error) {
	c.CreatedAt = now
	if c.Side == "" {
		c.Side = bridge.Customer
	}
	var err error
	c.ID, err = one(tx, scanID[bridge.ContactID], `
		INSERT INTO contacts (name, company, side, zone, busy, connected_at, sort_name, created_at, rev)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`,
		c.Name, c.Company, c.Side, c.Zone, c.Busy, millis(c.ConnectedAt), SortName(c), millis(now), tx.rev)
	for i := range c.Addresses {
		if err == nil {
			c.Addresses[i].Contact = c.ID
			c.Addresses[i], err = tx.AddAddress(c.Addresses[i], now)
		}
	}
	return c, err
}

// PutContact stores what may be changed of a contact, puts its title on its
// conversations, and these into the folder of its side.
func (tx *Tx) PutContact(c bridge.Contact) error {
	if _, err := tx.exec(`
		UPDATE contacts SET name = $2, company = $3, side = $4, zone = $5, busy = $6, invited_at = $7, connected_at = $8, sort_name = $9, language = $10, notify = $11, rev = $12
		WHERE id = $1`,
		c.ID, c.Name, c.Company, c.Side, c.Zone, c.Busy, millis(c.InvitedAt), millis(c.ConnectedAt), SortName(c), c.Language, c.Told, tx.rev); err != nil {
		return err
	}
	return tx.updateConversations("title = $2, folder = CASE WHEN kind IN ('customer', 'direct') THEN $3 ELSE folder END",
		"contact_id = $1", c.ID, c.Title(), bridge.FolderOf(bridge.KindCustomer, c.Side))
}

// ContactByExternal finds a contact by the CRM's own id.
func (tx *Tx) ContactByExternal(id string) (bridge.ContactID, error) {
	return one(tx, scanID[bridge.ContactID], "SELECT id FROM contacts WHERE external_id = $1", id)
}

// SetExternal keeps the CRM's own id of a contact.
func (tx *Tx) SetExternal(id bridge.ContactID, external string) error {
	_, err := tx.exec("UPDATE contacts SET external_id = $2 WHERE id = $1", id, orNull(external))
	return err
}

// Merge says that one contact turned out to be another: its addresses, records and
// conversations are the other's from now on. Conversations are not put together;
// both histories stay.
func (tx *Tx) Merge(from, into bridge.Contact, now time.Time) error {
	tx.joined = append(tx.joined, from.ID, into.ID)
	for _, q := range []string{
		"UPDATE contacts SET merged_into = $2 WHERE id = $1 OR merged_into = $1", // also who turned out to be the first before
		"INSERT INTO record_contacts (record_id, contact_id, added_at) SELECT record_id, CAST($2 AS BIGINT), added_at FROM record_contacts WHERE contact_id = $1 ON CONFLICT DO NOTHING",
		"DELETE FROM record_contacts WHERE contact_id = $1 AND CAST($2 AS BIGINT) IS NOT NULL",
		"INSERT INTO participants (conversation_id, contact_id, staff_id, added_at, old_upto) SELECT conversation_id, CAST($2 AS BIGINT), 0, added_at, old_upto FROM participants WHERE contact_id = $1 AND contact_id <> 0 AND left_at = 0 ON CONFLICT (conversation_id, contact_id, staff_id) DO UPDATE SET left_at = 0",
		"UPDATE views SET contact_id = $2 WHERE contact_id = $1 AND contact_id <> 0 AND NOT EXISTS (SELECT 1 FROM views b WHERE b.message_id = views.message_id AND b.contact_id = $2 AND b.staff_id = 0)",
		"UPDATE deliveries SET contact_id = $2 WHERE contact_id = $1 AND state IN ('queued', 'sending', 'unknown')",
		"UPDATE records SET submitted_by = $2 WHERE submitted_by = $1",
		"UPDATE portal_links SET contact_id = $2 WHERE contact_id = $1",
		"UPDATE portal_sessions SET contact_id = $2 WHERE contact_id = $1",
		"UPDATE addresses SET contact_id = $2 WHERE contact_id = $1 AND NOT EXISTS (SELECT 1 FROM addresses b WHERE b.contact_id = $2 AND b.channel = addresses.channel AND b.value = addresses.value)",
	} {
		if _, err := tx.exec(q, from.ID, into.ID); err != nil {
			return err
		}
	}
	for _, q := range []string{
		"UPDATE participants SET left_at = $2 WHERE contact_id = $1 AND contact_id <> 0 AND left_at = 0",
		"UPDATE addresses SET ended_at = $2 WHERE contact_id = $1 AND ended_at = 0", // the other has the same one
	} {
		if _, err := tx.exec(q, from.ID, millis(now)); err != nil {
			return err
		}
	}
	if err := tx.moveAbout(from.ID, into.ID); err != nil {
		return err
	}
	if err := tx.updateConversations("contact_id = $2, title = $3", "contact_id = $1", from.ID, into.ID, into.Title()); err != nil {
		return err
	}
	return tx.updateConversations("opted_out = EXISTS (SELECT 1 FROM addresses a WHERE a.contact_id = $1 AND a.opted_out AND a.ended_at = 0)", "contact_id = $1", into.ID)
}

// moveAbout makes the merged contact's conversations the ones that are found for
// the other from now on, where the other has none of the kind.
func (tx *Tx) moveAbout(from, into bridge.ContactID) error {
	for _, kind := range []string{"customer:", "partner:", "direct:"} {
		_, err := tx.exec("UPDATE conversations SET about = $2 WHERE about = $1 AND NOT EXISTS (SELECT 1 FROM conversations WHERE about = $2)",
			kind+strconv.FormatInt(int64(from), 10), kind+strconv.FormatInt(int64(into), 10))
		if err != nil {
			return err
		}
	}
	return nil
}

// EndAddress says that an address is somebody else's from now on. What was said by
// it stays with the contact.
func (tx *Tx) EndAddress(id bridge.AddressID, now time.Time) error {
	_, err := tx.exec("UPDATE addresses SET ended_at = $2 WHERE id = $1 AND ended_at = 0", id, millis(now))
	return err
}

// AddAddress stores an address of a contact. One that the contact has already is
// bridge.ErrDuplicate.
func (tx *Tx) AddAddress(a bridge.Address, now time.Time) (bridge.Address, error) {
	// An address that was given up comes back to whom it belonged to.
	if n, err := tx.exec("UPDATE addresses SET ended_at = 0 WHERE contact_id = $1 AND channel = $2 AND value = $3 AND ended_at <> 0", a.Contact, a.Channel, a.Value); err != nil {
		return a, err
	} else if n > 0 {
		return one(tx, scanAddress, "SELECT "+addressColumns+" FROM addresses WHERE contact_id = $1 AND channel = $2 AND value = $3", a.Contact, a.Channel, a.Value)
	}
	if n, err := tx.count("SELECT COUNT(*) FROM addresses WHERE contact_id = $1 AND channel = $2 AND value = $3", a.Contact, a.Channel, a.Value); err != nil {
		return a, err
	} else if n > 0 {
		return a, bridge.ErrDuplicate
	}
	out, err := tx.OptedOut(a.Channel, a.Value)
	if err != nil {
		return a, err
	}
	a.OptedOut = out
	a.ID, err = one(tx, scanID[bridge.AddressID], `
		INSERT INTO addresses (contact_id, channel, value, answerable, opted_out, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		a.Contact, a.Channel, a.Value, a.Answerable, a.OptedOut, millis(now))
	return a, err
}

// SetAddressProblem notes why texts to an address fail; empty clears it.
func (tx *Tx) SetAddressProblem(ch bridge.Channel, value, problem string) error {
	n, err := tx.exec("UPDATE addresses SET problem = $3 WHERE value = $1 AND channel = $2 AND problem <> $3", value, ch, problem)
	if err != nil || n == 0 {
		return err
	}
	return tx.updateConversations("urgent = urgent", `contact_id IN (SELECT contact_id FROM addresses WHERE value = $1 AND channel = $2)`, value, ch)
}

func (tx *Tx) count(q string, args ...any) (n int64, err error) {
	return one(tx, scanID[int64], q, args...)
}
