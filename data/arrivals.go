package data

import (
	"errors"

	"porchlight/bridge"
)

// An Arrival is what the store knows of a message that comes in, before it is
// stored. All of it is read in one statement, because each text pays for it: in six
// it was a third of what storing a text took.
type Arrival struct {
	Seen         bridge.MessageID // made by the same carrier's id before; 0: it is new
	Line         bridge.LineID    // that was texted; 0: unknown
	Contact      bridge.ContactID // who has the sender's address; of a household, who wrote last; 0: nobody
	Side         bridge.Side
	Sender       string // what to call the contact
	OptedOut     bool   // of the sender's address, as is Problem
	Problem      string
	Conversation bridge.ConversationID // the contact's; 0: none yet
	Route        Route                 // of the conversation until now
	Partner      bridge.ConversationID // with a partner's handyman; 0: none
	HasRecords   bool                  // that the message may be about
	lastAt       int64
}

// A Route is by which line and from which address a contact last wrote.
type Route struct {
	Line    bridge.LineID
	Address string
}

func scanArrival(s scanner) (a Arrival, err error) {
	var first string
	err = s.Scan(&a.Seen, &a.Line, &a.Contact, &a.Sender, &first, &a.OptedOut, &a.Problem, &a.Conversation, &a.Route.Line, &a.Route.Address,
		&a.Side, &a.Partner, &a.HasRecords, &a.lastAt)
	if a.Sender == "" {
		a.Sender = bridge.PrettyAddress(first) // as bridge.Contact.Title
	}
	return a, err
}

// Arrival looks up where a message belongs.
func (tx *Tx) Arrival(m bridge.Inbound) (a Arrival, err error) {
	as, err := list(tx, scanArrival, `
		SELECT COALESCE((SELECT message_id FROM inbound WHERE carrier_id = $1), 0),
			COALESCE((SELECT id FROM lines WHERE value = $2), 0),
			contact_id,
			(SELECT name FROM contacts c WHERE c.id = a.contact_id),
			(SELECT value FROM addresses f WHERE f.id = (SELECT MIN(id) FROM addresses WHERE contact_id = a.contact_id AND channel = $4 AND ended_at = 0)),
			opted_out, problem,
			COALESCE((SELECT id FROM conversations v WHERE v.about = 'customer:' || a.contact_id), 0),
			COALESCE((SELECT line_id FROM conversations v WHERE v.about = 'customer:' || a.contact_id), 0),
			COALESCE((SELECT address FROM conversations v WHERE v.about = 'customer:' || a.contact_id), ''),
			(SELECT side FROM contacts c WHERE c.id = a.contact_id),
			COALESCE((SELECT id FROM conversations v WHERE v.about = 'partner:' || a.contact_id), 0),
			EXISTS (SELECT 1 FROM record_contacts r WHERE r.contact_id = a.contact_id),
			COALESCE((SELECT last_at FROM conversations v WHERE v.about = 'customer:' || a.contact_id), 0)
		FROM addresses a WHERE value = $3 AND channel = $4 AND ended_at = 0`,
		m.CarrierID, m.To, m.From, m.Channel)
	if err != nil {
		return a, err
	}
	if len(as) == 0 { // nobody has the sender's address
		a.Seen, err = orZero(tx.InboundSeen(m.CarrierID))
		if err == nil {
			var line bridge.Line
			line, err = orZero(tx.LineByPhone(m.To))
			a.Line = line.ID
		}
		return a, err
	}
	a = as[0]
	for _, other := range as[1:] { // a household shares a phone
		if other.lastAt > a.lastAt || other.lastAt == a.lastAt && other.Contact < a.Contact {
			a = other
		}
	}
	return a, nil
}

// orZero makes what is not found the zero value.
func orZero[T any](v T, err error) (T, error) {
	if errors.Is(err, bridge.ErrNotFound) {
		err = nil
	}
	return v, err
}
