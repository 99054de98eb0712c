package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"porchlight/bridge"
	"porchlight/data"
)

// A Draft is what a member of staff wants to say in a conversation.
type Draft struct {
	Conversation bridge.ConversationID
	Body         string
	// ClientID is the writer's own key: the same key twice is one message.
	ClientID string
	// Seen is the newest message that the writer had before them. Where a newer
	// one came from somebody else, the reply is stopped with bridge.ErrConflict.
	// 0 sends whatever came.
	Seen bridge.MessageID
}

// Reply stores an answer to the contact with its deliveries; the outbox sends
// them after the commit. It gives the message that is stored, also when the same
// ClientID was used before.
func (in *Intake) Reply(ctx context.Context, actor bridge.Staff, d Draft) (bridge.Message, error) {
	return in.write(ctx, actor, d, bridge.DoReply)
}

// Note stores a note that never leaves the team.
func (in *Intake) Note(ctx context.Context, actor bridge.Staff, d Draft) (bridge.Message, error) {
	return in.write(ctx, actor, d, bridge.DoNote)
}

func (in *Intake) write(ctx context.Context, actor bridge.Staff, d Draft, do bridge.Action) (m bridge.Message, err error) {
	d.Body = strings.TrimSpace(bridge.CleanText(d.Body))
	switch n := utf8.RuneCountInString(d.Body); {
	case n == 0:
		return m, &bridge.Invalid{Field: "body", Problem: "Write something first"}
	case n > bridge.MaxBody:
		return m, &bridge.Invalid{Field: "body", Problem: fmt.Sprintf("This is %d characters long; the most is %d", n, bridge.MaxBody)}
	case len(d.ClientID) > 200:
		return m, &bridge.Invalid{Field: "client", Problem: "The key is longer than 200 characters"}
	}
	now := in.Now()
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		f, err := in.facts(tx, actor, d.Conversation)
		if err != nil {
			return err
		}
		if d.ClientID != "" {
			if m, err = tx.MessageByClient(d.Conversation, d.ClientID); !errors.Is(err, bridge.ErrNotFound) {
				return err
			}
		}
		if err := bridge.Decide(actor, do, f.Facts); err != nil {
			return err
		}
		if err := missed(tx, actor, d, do); err != nil {
			return err
		}
		m = bridge.Message{
			Conversation: d.Conversation, At: now, Direction: bridge.Note, Channel: bridge.Inbox,
			Author: bridge.Author{Kind: bridge.ByStaff, ID: int64(actor.ID), Name: actor.Name},
			Body:   d.Body, ClientID: d.ClientID,
		}
		kind := "note"
		if do == bridge.DoReply {
			m.Direction, m.Channel, kind = bridge.Out, bridge.SMS, "reply"
		}
		if m, err = tx.AddMessage(m); err != nil {
			return err
		}
		if do == bridge.DoReply {
			if m.Deliveries, err = in.deliver(tx, m, f); err != nil {
				return err
			}
		}
		if err := tx.SaveDraft(d.Conversation, actor.ID, kind, "", now); err != nil {
			return err
		}
		return tx.AddParticipant(bridge.Participant{Conversation: d.Conversation, Staff: actor.ID, AddedAt: now})
	})
	return m, err
}

// missed stops a reply whose writer had not seen the newest message.
func missed(tx *data.Tx, actor bridge.Staff, d Draft, do bridge.Action) error {
	if do != bridge.DoReply || d.Seen == 0 {
		return nil
	}
	newest, err := tx.NewestMessage(d.Conversation)
	if err != nil || newest <= d.Seen {
		return err
	}
	m, err := tx.Message(newest)
	if err != nil {
		return err
	}
	if m.Author.Kind == bridge.ByStaff && m.Author.ID == int64(actor.ID) {
		return nil // their own, from another tab
	}
	return bridge.ErrConflict
}

// deliver queues a message to its address, in as many parts as the carrier wants.
func (in *Intake) deliver(tx *data.Tx, m bridge.Message, f facts) ([]bridge.Delivery, error) {
	line, err := tx.SendingLine(f.Conversation.Line)
	if err != nil {
		return nil, fmt.Errorf("find line: %w", err)
	}
	parts := in.Split(m.Body)
	out := make([]bridge.Delivery, 0, len(parts))
	for _, part := range parts {
		d := bridge.Delivery{
			Message: m.ID, Conversation: m.Conversation, Line: line.ID, Channel: m.Channel,
			To: f.To.Value, Segments: in.Segments(part),
			ExpiresAt: m.At.Add(in.KeepTrying),
		}
		if len(parts) > 1 {
			d.Body = part
		}
		d, err := tx.AddDelivery(d, m.At)
		if err != nil {
			return nil, fmt.Errorf("queue delivery: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

// facts are what Decide is told, and the contact that they were read from.
type facts struct {
	bridge.Facts
	contact bridge.Contact
}

// facts reads a conversation as the actor may see it, with the address that an
// answer would go to.
func (in *Intake) facts(tx *data.Tx, actor bridge.Staff, id bridge.ConversationID) (f facts, err error) {
	f.Conversation, err = tx.Conversation(actor, id)
	if err != nil {
		return f, err
	}
	f.contact, err = tx.Contact(f.Conversation.Contact)
	f.By, f.To = bridge.SMS, f.contact.AnswerTo(f.Conversation.Address)
	return f, err
}

// Facts gives what Decide is told about a reply, so that a page can say beforehand
// why one is blocked. The contact comes with it.
func (in *Intake) Facts(tx *data.Tx, actor bridge.Staff, id bridge.ConversationID) (bridge.Facts, bridge.Contact, error) {
	f, err := in.facts(tx, actor, id)
	return f.Facts, f.contact, err
}

// Retry sends what did not arrive once more, as a new delivery of the same
// message; the failed one stays in the history.
func (in *Intake) Retry(ctx context.Context, actor bridge.Staff, id bridge.DeliveryID) (conv bridge.ConversationID, err error) {
	now := in.Now()
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		d, f, err := in.failed(tx, actor, id)
		if err != nil {
			return err
		}
		conv = d.Conversation
		if d.Handled {
			return nil // a double tap: it is on its way again already
		}
		if err := bridge.Decide(actor, bridge.DoRetry, f.Facts); err != nil {
			return err
		}
		if err := tx.SetHandled(d); err != nil {
			return err
		}
		line, err := tx.SendingLine(f.Conversation.Line)
		if err != nil {
			return err
		}
		// To the address an answer goes to now: somebody may have mended the number.
		_, err = tx.AddDelivery(bridge.Delivery{
			Message: d.Message, Conversation: d.Conversation, Line: line.ID, Channel: d.Channel,
			To: f.To.Value, Body: d.Body, Segments: d.Segments, ExpiresAt: now.Add(in.KeepTrying),
		}, now)
		return err
	})
	return conv, err
}

// Dismiss says that somebody has dealt with a failure in another way, such as by
// calling.
func (in *Intake) Dismiss(ctx context.Context, actor bridge.Staff, id bridge.DeliveryID) (conv bridge.ConversationID, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		d, _, err := in.failed(tx, actor, id)
		if err != nil {
			return err
		}
		conv = d.Conversation
		return tx.SetHandled(d)
	})
	return conv, err
}

func (in *Intake) failed(tx *data.Tx, actor bridge.Staff, id bridge.DeliveryID) (d bridge.Delivery, f facts, err error) {
	if d, err = tx.Delivery(id); err != nil {
		return d, f, err
	}
	if f, err = in.facts(tx, actor, d.Conversation); err != nil {
		return d, f, err
	}
	if !d.State.CanRetry() {
		return d, f, &bridge.Denied{Code: "not_failed", Sentence: "This message has not failed", Fix: "Reload to see how far it is"}
	}
	return d, f, nil
}
