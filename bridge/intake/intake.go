// Package intake is the one door in. Every message enters here, whether a
// carrier brought it or a member of staff wrote it, and every change that people
// make to a conversation: decided by bridge.Decide, stored in one transaction.
package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/thread"
	"porchlight/data"
)

// Options are what the door needs from the rest of the program.
type Options struct {
	Store *data.Store
	Now   func() time.Time
	// Words translates a carrier's statuses and error codes, by channel.
	Words map[bridge.Channel]bridge.Dictionary
	// Split cuts a text into what the carrier takes in one message.
	Split func(text string) []string
	// Segments counts the parts that the carrier bills for a text.
	Segments func(text string) int
	// Answerable reports whether a sender can be texted back.
	Answerable func(from string) bool
	// Zone is the business's, for contacts whose own is not known; nil is UTC.
	Zone *time.Location
	// Region is where a number without a country code is from, such as "US".
	Region string
	// KeepTrying is how long a text stays worth sending; 0 is bridge.KeepTrying.
	KeepTrying time.Duration
	// Pace of a line that writes to us but is not in the configuration.
	Pace float64
}

// Intake is the door. It is safe for concurrent use.
type Intake struct{ Options }

// New makes the door.
func New(o Options) *Intake {
	if o.KeepTrying == 0 {
		o.KeepTrying = bridge.KeepTrying
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Intake{o}
}

// Received says what became of an inbound message.
type Received struct {
	Message      bridge.MessageID
	Conversation bridge.ConversationID
	// Duplicate is true when the carrier's id was stored before.
	Duplicate bool
}

// Receive stores a message that a carrier delivered. When it returns nil the
// message is durable. The same carrier's id again changes nothing.
func (in *Intake) Receive(ctx context.Context, m bridge.Inbound) (r Received, err error) {
	m.Body = bridge.CleanText(m.Body)
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		seen, err := tx.InboundSeen(m.CarrierID)
		if err == nil {
			r = Received{Message: seen, Duplicate: true}
			return nil
		}
		if !errors.Is(err, bridge.ErrNotFound) {
			return err
		}
		r, err = in.store(tx, m)
		return err
	})
	if err != nil {
		return Received{}, fmt.Errorf("receive %s: %w", m.CarrierID, err)
	}
	return r, nil
}

// store finds where a new inbound message belongs and puts it there.
func (in *Intake) store(tx *data.Tx, m bridge.Inbound) (r Received, err error) {
	line, err := in.line(tx, m.To)
	if err != nil {
		return r, fmt.Errorf("find line: %w", err)
	}
	contact, err := in.contact(tx, m)
	if err != nil {
		return r, fmt.Errorf("find contact: %w", err)
	}
	r.Conversation, err = in.landing(tx, contact, line, m)
	if err != nil {
		return r, fmt.Errorf("find conversation: %w", err)
	}
	msg, err := tx.AddMessage(bridge.Message{
		Conversation: r.Conversation, At: m.At, Direction: bridge.In, Channel: m.Channel,
		Author: bridge.Author{Kind: bridge.ByContact, ID: int64(contact.ID), Name: contact.Title()},
		Body:   m.Body, Media: m.Media,
	})
	if err != nil {
		return r, fmt.Errorf("store message: %w", err)
	}
	r.Message = msg.ID
	if err := tx.AddInbound(m.CarrierID, msg.ID, m.Raw, m.At); err != nil {
		return r, fmt.Errorf("keep raw message: %w", err)
	}
	if err := in.place(tx, contact, msg); err != nil {
		return r, fmt.Errorf("find record: %w", err)
	}
	if err := tx.SetRoute(r.Conversation, line, m.From); err != nil {
		return r, fmt.Errorf("note route: %w", err)
	}
	for _, a := range contact.Addresses {
		if a.Value == m.From && a.Problem != "" { // it works: they texted from it
			if err := tx.SetAddressProblem(m.Channel, m.From, ""); err != nil {
				return r, fmt.Errorf("clear the address's problem: %w", err)
			}
		}
	}
	if m.Recovered {
		if err := event(tx, r.Conversation, "The text above came while Porchlight could not be reached; it was recovered from the carrier", in.Now()); err != nil {
			return r, err
		}
	}
	return r, in.consent(tx, m, msg, contact, line)
}

// landing is the conversation that a message comes into: a handyman's own one, if
// the team has started it and it takes texts; else the contact's.
func (in *Intake) landing(tx *data.Tx, c bridge.Contact, line bridge.LineID, m bridge.Inbound) (bridge.ConversationID, error) {
	if c.Side == bridge.Handyman {
		s, err := tx.Settings()
		if err != nil {
			return 0, err
		}
		id, err := tx.ConversationAbout(about(bridge.KindPartner, int64(c.ID)))
		if !errors.Is(err, bridge.ErrNotFound) && (err != nil || s.Policy(bridge.KindPartner).Accepts(m.Channel)) {
			return id, err
		}
	}
	return tx.CustomerConversation(c, line, m.At)
}

// place says which of the contact's records a message is about, where something
// speaks for one.
func (in *Intake) place(tx *data.Tx, c bridge.Contact, m bridge.Message) error {
	plausible, err := tx.Plausible(c.ID, m.At.Add(-thread.Window))
	if err != nil || len(plausible) == 0 {
		return err
	}
	all := make([]thread.Candidate, len(plausible))
	for i, p := range plausible {
		all[i] = thread.Candidate(p)
	}
	record, because := thread.Match(m.Body, all, m.At)
	if record == 0 {
		return nil
	}
	return tx.Place(bridge.Placement{Message: m.ID, Record: record, Because: because, At: m.At})
}

// line finds the business's number that was texted. One that is not configured is
// kept too: the carrier vouches for the account, and a text must not be lost.
func (in *Intake) line(tx *data.Tx, to string) (bridge.LineID, error) {
	l, err := tx.LineByPhone(to)
	if errors.Is(err, bridge.ErrNotFound) {
		return tx.PutLine(bridge.Line{Phone: bridge.Phone(to), Name: bridge.PrettyAddress(to), Pace: in.Pace})
	}
	return l.ID, err
}

// contact finds who wrote, or makes a contact of the sender.
func (in *Intake) contact(tx *data.Tx, m bridge.Inbound) (bridge.Contact, error) {
	known, err := tx.AddressesOf(m.Channel, m.From)
	if err != nil {
		return bridge.Contact{}, err
	}
	switch len(known) {
	case 0:
	case 1:
		return tx.Contact(known[0].Contact)
	default: // a household shares the phone
		ids := make([]bridge.ContactID, len(known))
		for i, a := range known {
			ids[i] = a.Contact
		}
		who, err := tx.LastOf(ids)
		if err != nil {
			return bridge.Contact{}, err
		}
		return tx.Contact(who)
	}
	a := bridge.Address{Channel: m.Channel, Value: m.From, Answerable: in.Answerable(m.From)}
	if _, err := tx.LineByPhone(m.From); err == nil {
		a.Answerable = false // our own line: texting it back would go round for ever
	}
	return tx.AddContact(bridge.Contact{Addresses: []bridge.Address{a}}, m.At)
}

// consent applies STOP and START, and says so in the conversation.
func (in *Intake) consent(tx *data.Tx, m bridge.Inbound, msg bridge.Message, c bridge.Contact, line bridge.LineID) error {
	if len(m.Body) > 40 && m.Keyword == bridge.NoKeyword {
		return nil // no keyword is that long; saves a look into the ledger
	}
	out := false
	for _, a := range c.Addresses {
		out = out || a.Value == m.From && a.OptedOut
	}
	word, source := m.Keyword, "carrier"
	if word == bridge.NoKeyword {
		word, source = bridge.ParseKeyword(m.Body, out), "keyword"
	}
	if word != bridge.Stop && word != bridge.Start || (word == bridge.Stop) == out {
		return nil
	}
	if late, err := tx.ConsentSince(m.Channel, m.From, m.At); err != nil || late {
		return err // a recovered text: what they said later holds
	}
	if err := tx.AddConsent(data.Consent{Line: line, Channel: m.Channel, Value: m.From, Out: word == bridge.Stop, Source: source, Message: msg.ID, At: m.At}); err != nil {
		return fmt.Errorf("keep consent: %w", err)
	}
	text := "Texts are allowed again: " + c.Title() + " texted START"
	if word == bridge.Stop {
		text = "Texts are blocked: " + c.Title() + " texted STOP"
	}
	return event(tx, msg.Conversation, text, m.At)
}

// event writes a line of the system into a conversation.
func event(tx *data.Tx, id bridge.ConversationID, text string, at time.Time) error {
	_, err := tx.AddMessage(bridge.Message{
		Conversation: id, At: at, Direction: bridge.Event, Channel: bridge.Inbox,
		Author: bridge.Author{Kind: bridge.BySystem}, Body: text,
	})
	return err
}

// Receipt applies a carrier's later word on a delivery. A word on a message that
// nobody knows (yet) is parked: it may have been faster than the carrier's answer.
func (in *Intake) Receipt(ctx context.Context, ch bridge.Channel, r bridge.Receipt) (step bridge.Step, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		d, err := tx.DeliveryOf(r.Token, r.CarrierID)
		if errors.Is(err, bridge.ErrNotFound) {
			step = bridge.Ignored
			if err := tx.AddReceipt(r, 0, step); !errors.Is(err, bridge.ErrDuplicate) {
				return err
			}
			return nil
		}
		if err != nil {
			return err
		}
		_, step, err = tx.ApplyReceipt(d, r, in.Words[ch])
		return err
	})
	if err != nil {
		return "", fmt.Errorf("receipt for %s: %w", r.CarrierID, err)
	}
	return step, nil
}
