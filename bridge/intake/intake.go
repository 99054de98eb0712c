// Package intake is the one door in. Every message enters here, whether a
// carrier brought it or a member of staff wrote it, and every change that people
// make to a conversation: decided by bridge.Decide, stored in one transaction.
package intake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/media"
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
	// OnDuty are the staff phones that hear of what customers write, and whose texts
	// are answers to them.
	OnDuty []bridge.Phone
	// Batch is how long a mail waits for further messages; 0 is a minute.
	Batch time.Duration
	// KeepTrying is how long a text stays worth sending; 0 is bridge.KeepTrying.
	KeepTrying time.Duration
	// Shelf takes files in; nil takes none.
	Shelf *media.Shelf
	// Link is the address at which the other side may load a file that cannot go
	// along with a text; nil leaves such files out.
	Link func(bridge.Attachment) string
	// Bot says that the business has an AI receptionist for texts, and BotName what it
	// is called.
	Bot     bool
	BotName string
	// Business is the name that callers hear and read.
	Business string
	// Pace of a line that writes to us but is not in the configuration.
	Pace float64
}

// Intake is the door. It is safe for concurrent use.
type Intake struct {
	Options
	underway underway // uploads
}

// New makes the door.
func New(o Options) *Intake {
	if o.KeepTrying == 0 {
		o.KeepTrying = bridge.KeepTrying
	}
	if o.Batch == 0 {
		o.Batch = time.Minute
	}
	if o.BotName == "" {
		o.BotName = "AI receptionist"
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Intake{Options: o, underway: underway{of: map[string]int{}}}
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
	err = in.Store.Write(ctx, func(tx *data.Tx) (err error) {
		if in.onDuty(m) {
			r, err = in.relay(tx, m)
			return err
		}
		if m.Recovered { // it may have been relayed, by a phone that was on duty then
			if r.Duplicate, err = tx.RelayedSeen(m.CarrierID); err != nil || r.Duplicate {
				return err
			}
		}
		known, err := tx.Arrival(m)
		if err != nil {
			return fmt.Errorf("look up: %w", err)
		}
		if known.Seen != 0 {
			r = Received{Message: known.Seen, Duplicate: true}
			return nil
		}
		r, err = in.store(tx, m, known)
		return err
	})
	if err != nil {
		return Received{}, fmt.Errorf("receive %s: %w", m.CarrierID, err)
	}
	return r, nil
}

// store puts a new inbound message where it belongs.
func (in *Intake) store(tx *data.Tx, m bridge.Inbound, known data.Arrival) (r Received, err error) {
	if known.Line == 0 {
		// One that is not configured is kept too: the carrier vouches for the
		// account, and a text must not be lost.
		if known.Line, err = tx.PutLine(bridge.Line{Phone: bridge.Phone(m.To), Name: bridge.PrettyAddress(m.To), Pace: in.Pace}); err != nil {
			return r, fmt.Errorf("find line: %w", err)
		}
	}
	if known.Side == bridge.Handyman && known.Partner != 0 {
		if err := toPartner(tx, m, &known); err != nil {
			return r, err
		}
	}
	if known.Conversation == 0 {
		if err := in.begin(tx, m, &known); err != nil {
			return r, err
		}
	}
	was, err := in.attended(tx, known.Conversation)
	if err != nil {
		return r, err
	}
	msg, err := tx.AddMessage(bridge.Message{
		Conversation: known.Conversation, At: m.At, Direction: bridge.In, Channel: m.Channel,
		Author: bridge.Author{Kind: bridge.ByContact, ID: int64(known.Contact), Name: known.Sender},
		Body:   m.Body, Attachments: arriving(m),
	})
	if err != nil {
		return r, fmt.Errorf("store message: %w", err)
	}
	r.Conversation, r.Message = msg.Conversation, msg.ID
	if err := tx.AddInbound(m.CarrierID, msg.ID, m.Raw, m.At); err != nil {
		return r, fmt.Errorf("keep raw message: %w", err)
	}
	if known.HasRecords {
		if err := in.place(tx, known.Contact, msg); err != nil {
			return r, fmt.Errorf("find record: %w", err)
		}
	}
	if known.Route != (data.Route{Line: known.Line, Address: m.From}) {
		if err := tx.SetRoute(r.Conversation, known.Line, m.From); err != nil {
			return r, fmt.Errorf("note route: %w", err)
		}
	}
	if known.Problem != "" { // it works: they texted from it
		if err := tx.SetAddressProblem(m.Channel, m.From, ""); err != nil {
			return r, fmt.Errorf("clear the address's problem: %w", err)
		}
	}
	if m.Recovered {
		if err := event(tx, r.Conversation, "The text above came while Porchlight could not be reached; it was recovered from the carrier", in.Now()); err != nil {
			return r, err
		}
	}
	if err := in.consent(tx, m, msg, known); err != nil {
		return r, err
	}
	if err := in.offerToBot(tx, was, msg); err != nil {
		return r, err
	}
	return r, in.alertOfText(tx, m, msg, known.OptedOut)
}

// toPartner puts a handyman's message into the conversation that the team has begun
// with them, if texts are answers there.
func toPartner(tx *data.Tx, m bridge.Inbound, known *data.Arrival) error {
	s, err := tx.Settings()
	if err == nil && s.Policy(bridge.KindPartner).Accepts(m.Channel) {
		known.Conversation, known.Route = known.Partner, data.Route{}
	}
	return err
}

// place says which of the contact's records a message is about, where something
// speaks for one.
func (in *Intake) place(tx *data.Tx, c bridge.ContactID, m bridge.Message) error {
	plausible, err := tx.Plausible(c, m.At.Add(-thread.Window))
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

// begin starts the conversation of a contact who has none, and makes a contact of
// a sender whom nobody knows.
func (in *Intake) begin(tx *data.Tx, m bridge.Inbound, known *data.Arrival) error {
	c, err := in.contact(tx, m, known.Contact)
	if err != nil {
		return fmt.Errorf("find contact: %w", err)
	}
	known.Contact, known.Sender = c.ID, c.Title()
	for _, a := range c.Addresses {
		known.OptedOut = known.OptedOut || a.Value == m.From && a.OptedOut
	}
	known.Conversation, err = tx.CustomerConversation(c, known.Line, m.At)
	if err != nil {
		return fmt.Errorf("begin conversation: %w", err)
	}
	return nil
}

// contact gives who wrote, or makes a contact of the sender.
func (in *Intake) contact(tx *data.Tx, m bridge.Inbound, known bridge.ContactID) (bridge.Contact, error) {
	if known != 0 {
		return tx.Contact(known)
	}
	a := bridge.Address{Channel: m.Channel, Value: m.From, Answerable: in.Answerable(m.From)}
	if _, err := tx.LineByPhone(m.From); err == nil {
		a.Answerable = false // our own line: texting it back would go round for ever
	}
	return tx.AddContact(bridge.Contact{Addresses: []bridge.Address{a}}, m.At)
}

// arriving are the files of an inbound message, which its carrier still has.
func arriving(m bridge.Inbound) (out []bridge.Attachment) {
	for i, f := range m.Media {
		name := "photo"
		if !strings.HasPrefix(f.ContentType, "image/") {
			name = "file"
		}
		out = append(out, bridge.Attachment{
			Uploader: string(m.Channel), Name: name + "-" + strconv.Itoa(i+1), ContentType: f.ContentType,
			State: bridge.Arriving, Source: f.URL,
		})
	}
	return out
}

// consent applies STOP and START, and says so in the conversation.
func (in *Intake) consent(tx *data.Tx, m bridge.Inbound, msg bridge.Message, known data.Arrival) error {
	if len(m.Body) > 40 && m.Keyword == bridge.NoKeyword {
		return nil // no keyword is that long; saves a look into the ledger
	}
	word, source := m.Keyword, "carrier"
	if word == bridge.NoKeyword {
		word, source = bridge.ParseKeyword(m.Body, known.OptedOut), "keyword"
	}
	if word != bridge.Stop && word != bridge.Start || (word == bridge.Stop) == known.OptedOut {
		return nil
	}
	if late, err := tx.ConsentSince(m.Channel, m.From, m.At); err != nil || late {
		return err // a recovered text: what they said later holds
	}
	if err := tx.AddConsent(data.Consent{Line: known.Line, Channel: m.Channel, Value: m.From, Out: word == bridge.Stop, Source: source, Message: msg.ID, At: m.At}); err != nil {
		return fmt.Errorf("keep consent: %w", err)
	}
	text := "Texts are allowed again: " + known.Sender + " texted START"
	if word == bridge.Stop {
		text = "Texts are blocked: " + known.Sender + " texted STOP"
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
		if d, step, err = tx.ApplyReceipt(d, r, in.Words[ch]); err == nil && step == bridge.Moved {
			err = in.FallBack(tx, d)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("receipt for %s: %w", r.CarrierID, err)
	}
	return step, nil
}
