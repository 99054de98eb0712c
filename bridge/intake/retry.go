package intake

import (
	"context"
	"fmt"
	"slices"

	"porchlight/bridge"
	"porchlight/data"
)

// What becomes of a delivery that did not arrive: another try, another way, or the word
// of somebody that it is dealt with.

// Retry sends what did not arrive once more, as a new delivery of the same
// message; the failed one stays in the history.
func (in *Intake) Retry(ctx context.Context, actor bridge.Staff, id bridge.DeliveryID) (bridge.ConversationID, error) {
	return in.RetryBy(ctx, actor, id, "")
}

// RetryBy is Retry in another way: a mail instead of a text, or a text instead of a
// mail. Empty takes the same again.
func (in *Intake) RetryBy(ctx context.Context, actor bridge.Staff, id bridge.DeliveryID, by bridge.Channel) (conv bridge.ConversationID, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		d, f, err := in.failed(tx, actor, id)
		if err != nil {
			return err
		}
		conv = d.Conversation
		if d.Handled {
			return nil // a double tap: it is on its way again already
		}
		if by != "" && by != d.Channel {
			return in.sendInstead(tx, actor, d, f, by)
		}
		return in.again(tx, actor, d, f)
	})
	return conv, err
}

// again queues a failed delivery once more.
func (in *Intake) again(tx *data.Tx, actor bridge.Staff, d bridge.Delivery, f bridge.Facts) error {
	do := bridge.DoRetry
	if d.Purpose == bridge.ForAlert {
		do = bridge.DoNote // it tells the team, and nobody outside
	}
	decided := bridge.Decide(actor.Actor(), do, &f)
	if !decided.Allowed() {
		return decided.Err()
	}
	if d.CarriedBy != 0 { // the mail that says this one is what failed
		var err error
		if d, err = tx.Delivery(d.CarriedBy); err != nil {
			return err
		}
	}
	if err := tx.SetHandled(d); err != nil {
		return err
	}
	line, err := in.lineFor(tx, d.Channel, f.Conversation.Line)
	if err != nil {
		return err
	}
	at := in.Now()
	if decided.NotBefore.After(at) {
		at = decided.NotBefore
	}
	if d.Purpose == bridge.ForMessage {
		// To the address an answer goes to now: somebody may have mended the number.
		d.To = f.To.Value
	}
	next, err := tx.AddDelivery(bridge.Delivery{
		Purpose: d.Purpose, Message: d.Message, Conversation: d.Conversation, Contact: d.Contact, Staff: d.Staff, Line: line.ID, Channel: d.Channel,
		To: d.To, Body: d.Body, Media: d.Media, Segments: d.Segments, NextAt: at, ExpiresAt: at.Add(in.KeepTrying),
	}, in.Now())
	if err != nil || d.Channel != bridge.Email {
		return err
	}
	return tx.CarryOn(d.ID, next)
}

// sendInstead tells the contact of a message in another way than the one that failed.
func (in *Intake) sendInstead(tx *data.Tx, actor bridge.Staff, d bridge.Delivery, f bridge.Facts, by bridge.Channel) error {
	if d.Purpose != bridge.ForMessage || d.Contact != f.Contact.ID || !f.Use(by) {
		return &bridge.Denied{Code: "channel", Sentence: "A message cannot go this way now", Fix: "Choose another way to send it"}
	}
	decided := bridge.Decide(actor.Actor(), bridge.DoRetry, &f)
	if !decided.Allowed() {
		return decided.Err()
	}
	m, err := tx.Message(d.Message)
	if err != nil {
		return err
	}
	for _, o := range m.Deliveries { // all parts of it
		if o.Channel == d.Channel && o.Contact == d.Contact && o.State.CanRetry() && !o.Handled {
			if err := tx.SetHandled(o); err != nil {
				return err
			}
		}
	}
	if slices.ContainsFunc(m.Deliveries, func(o bridge.Delivery) bool {
		return o.Channel == by && o.Contact == d.Contact && !o.State.Failure()
	}) {
		return nil // it goes, or went, this way already
	}
	m.At = in.Now()
	_, err = in.send(tx, sentByPeople(m), &f, f.Contact, f.Tell[0], decided.NotBefore)
	return err
}

// Dismiss says that somebody has dealt with a failure in another way, such as by
// calling.
func (in *Intake) Dismiss(ctx context.Context, actor bridge.Staff, id bridge.DeliveryID) (conv bridge.ConversationID, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		d, f, err := in.failed(tx, actor, id)
		if err != nil {
			return err
		}
		conv = d.Conversation
		if err := bridge.Decide(actor.Actor(), bridge.DoNote, &f).Err(); err != nil {
			return err
		}
		return tx.SetHandled(d)
	})
	return conv, err
}

// failed reads a delivery that did not arrive, with the facts of sending it again to
// whom it was for.
func (in *Intake) failed(tx *data.Tx, actor bridge.Staff, id bridge.DeliveryID) (d bridge.Delivery, f bridge.Facts, err error) {
	if d, err = tx.Delivery(id); err != nil {
		return d, f, err
	}
	if d.Purpose == bridge.ForBot { // people have the conversation now
		return d, f, bridge.ErrNotFound
	}
	if f, err = in.facts(tx, actor, d.Conversation); err != nil {
		return d, f, err
	}
	who, last := f.Contact, f.Conversation.Address
	if d.Contact != 0 && d.Contact != f.Contact.ID {
		if who, err = tx.Contact(d.Contact); err != nil {
			return d, f, fmt.Errorf("find whom it is for: %w", err)
		}
		last = d.To
	}
	if f.By = d.Channel; d.Channel == bridge.SMS {
		f.To = who.AnswerTo(last)
	} else {
		f.To = who.Mail()
	}
	if !d.State.CanRetry() {
		return d, f, &bridge.Denied{Code: "not_failed", Sentence: "This message has not failed", Fix: "Reload to see how far it is"}
	}
	return d, f, nil
}
