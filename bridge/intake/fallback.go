package intake

import (
	"errors"
	"log/slog"
	"slices"

	"porchlight/bridge"
	"porchlight/data"
)

// FallBack tells a contact in another way of what could not reach them in the first:
// by mail where a text failed for good, by a text with a link where a mail did. The
// failure stays in the history. It is outbox.Options.Failed, too. Where there is no
// other way, the word that the first one failed is kept all the same.
func (in *Intake) FallBack(tx *data.Tx, d bridge.Delivery) error {
	if err := tx.Try(func(tx *data.Tx) error { return in.fallBack(tx, d) }); err != nil {
		slog.Error("no other way found for what did not arrive", "delivery", d.ID, "err", err)
	}
	if d.Purpose == bridge.ForMessage && d.State.Failure() {
		if err := tx.Try(func(tx *data.Tx) error { return in.unheard(tx, d) }); err != nil {
			slog.Error("its writer was not told of what did not arrive", "delivery", d.ID, "err", err)
		}
	}
	return nil
}

func (in *Intake) fallBack(tx *data.Tx, d bridge.Delivery) error {
	if d.Purpose == bridge.ForBot {
		return in.botFailed(tx, d)
	}
	if d.Hold != 0 && d.Purpose == bridge.ForMessage && d.State.Failure() {
		if err := in.botUnheard(tx, d); err != nil {
			return err
		}
	}
	if d.Purpose != bridge.ForMessage || d.Contact == 0 || !d.State.Failure() {
		return nil
	}
	s, err := tx.Settings()
	if err != nil || !s.PortalOn {
		return err // only there can the other way lead
	}
	m, err := tx.Message(d.Message)
	if err != nil || seenAlready(m, d) {
		return err
	}
	if d.Hold == 0 {
		m = sentByPeople(m)
	}
	c, err := tx.Contact(d.Contact)
	if err != nil {
		return err
	}
	t, err := tx.ContactConversation(d.Contact, d.Conversation)
	if err != nil {
		if errors.Is(err, bridge.ErrNotFound) {
			err = nil // they are not in it any more
		}
		return err
	}
	f := bridge.Facts{Settings: s, Conversation: t.Conversation, Contact: c}
	if err := in.routeOut(tx, &f); err != nil {
		return err
	}
	other := bridge.Email
	if d.Channel == bridge.Email {
		other = bridge.SMS
	}
	if c.Told == bridge.ToldNothing || !f.Use(other) || !f.To.Usable() || f.Conversation.Held {
		return nil
	}
	if other == bridge.SMS {
		_, err = in.text(tx, m, &f, c, f.To.Value, true, s.Quiet(f.At))
		return err
	}
	_, err = in.mail(tx, bridge.Delivery{Message: m.ID, Conversation: m.Conversation, Contact: c.ID, To: f.To.Value, Hold: holdOf(m)}, in.Now())
	return err
}

// seenAlready reports whether the contact has read a message, or whether another
// delivery of it to them is under way or arrived.
func seenAlready(m bridge.Message, d bridge.Delivery) bool {
	return slices.ContainsFunc(m.Views, func(v bridge.Seen) bool { return v.Contact == d.Contact && !v.ReadAt.IsZero() }) ||
		slices.ContainsFunc(m.Deliveries, func(o bridge.Delivery) bool {
			return o.ID != d.ID && o.Contact == d.Contact && (o.Channel != d.Channel || o.State.Pending() || o.State == bridge.Delivered)
		})
}
