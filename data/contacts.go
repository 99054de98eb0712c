package data

import (
	"cmp"
	"slices"
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
	as, err := list(tx, scanAddress, "SELECT "+addressColumns+" FROM addresses WHERE value = $1 AND channel = $2", value, ch)
	slices.SortFunc(as, func(a, b bridge.Address) int { return cmp.Compare(a.Contact, b.Contact) })
	return as, err
}

// Contact finds a contact with its addresses, phones first.
func (tx *Tx) Contact(id bridge.ContactID) (bridge.Contact, error) {
	var at int64
	c, err := one(tx, func(s scanner) (c bridge.Contact, err error) {
		return c, s.Scan(&c.ID, &c.Name, &at)
	}, "SELECT id, name, created_at FROM contacts WHERE id = $1", id)
	if err != nil {
		return c, err
	}
	c.CreatedAt = moment(at)
	c.Addresses, err = list(tx, scanAddress, "SELECT "+addressColumns+" FROM addresses WHERE contact_id = $1", id)
	slices.SortFunc(c.Addresses, func(a, b bridge.Address) int { // as in AddressesOf
		return cmp.Or(cmp.Compare(b.Channel, a.Channel), cmp.Compare(a.ID, b.ID))
	})
	return c, err
}

// AddContact stores a new contact with its addresses and gives it back with ids.
func (tx *Tx) AddContact(c bridge.Contact, now time.Time) (bridge.Contact, error) {
	c.CreatedAt = now
	var err error
	c.ID, err = one(tx, scanID[bridge.ContactID],
		"INSERT INTO contacts (name, created_at) VALUES ($1, $2) RETURNING id", c.Name, millis(now))
	for i := range c.Addresses {
		if err == nil {
			c.Addresses[i].Contact = c.ID
			c.Addresses[i], err = tx.AddAddress(c.Addresses[i], now)
		}
	}
	return c, err
}

// AddAddress stores an address of a contact. One that the contact has already is
// bridge.ErrDuplicate.
func (tx *Tx) AddAddress(a bridge.Address, now time.Time) (bridge.Address, error) {
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

// Rename gives a contact another name and puts it on their conversations.
func (tx *Tx) Rename(id bridge.ContactID, name string) error {
	if _, err := tx.exec("UPDATE contacts SET name = $2 WHERE id = $1", id, name); err != nil {
		return err
	}
	c, err := tx.Contact(id)
	if err != nil {
		return err
	}
	return tx.updateConversations("title = $2", "contact_id = $1", id, c.Title())
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
