package intake

// The AI receptionist holds a conversation until a person takes over. Who may write is
// one number on the conversation's row, asked and changed in the transaction that
// writes.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// holdOf is under which hold a message was written; 0: a person wrote it.
func holdOf(m bridge.Message) bridge.HoldID {
	if m.Author.Kind == bridge.ByAI {
		return bridge.HoldID(m.Author.ID)
	}
	return 0
}

// sentByPeople is a message whose deliveries leave though the hold under which it was
// written has ended, because a person sends it.
func sentByPeople(m bridge.Message) bridge.Message {
	if m.Author.Kind == bridge.ByAI {
		m.Author.ID = 0
	}
	return m
}

// attended looks at a conversation before a message of its contact is stored. Without
// a receptionist nobody asks, so that texts are stored sooner.
func (in *Intake) attended(tx *data.Tx, id bridge.ConversationID) (was data.Attended, err error) {
	if !in.Bot {
		return was, nil
	}
	return tx.Attended(id)
}

// offerToBot tells the AI receptionist of a contact's message in a conversation that it
// holds, or that it takes by itself. was is how the conversation stood before.
func (in *Intake) offerToBot(tx *data.Tx, was data.Attended, m bridge.Message) error {
	if word := bridge.ParseKeyword(m.Body, was.OptedOut); !in.Bot || word == bridge.Stop || word == bridge.Start {
		return nil
	}
	hold := was.Hold
	if hold == 0 {
		takes, err := in.takesByItself(tx, was)
		if err != nil || !takes {
			return err
		}
		if hold, _, err = tx.StartHold(m.Conversation, 0, in.Now()); err != nil {
			return err
		}
		if err := event(tx, m.Conversation, "The "+in.BotName+" answers here", in.Now()); err != nil {
			return err
		}
	}
	return in.tellBot(tx, m.Conversation, hold, m.ID, true)
}

// takesByItself says whether the AI receptionist takes a conversation when its contact
// writes: not where people are at it.
func (in *Intake) takesByItself(tx *data.Tx, was data.Attended) (bool, error) {
	now := in.Now()
	if was.Kind != bridge.KindCustomer || was.Assigned || was.Held || was.OptedOut {
		return false, nil
	}
	if was.State != bridge.Closed && (now.Sub(was.WroteAt) < bridge.LeftAlone || now.Sub(was.LeftAt) < bridge.LeftAlone) {
		return false, nil
	}
	s, err := tx.Settings()
	return err == nil && s.Receptionist.Texts.On(s.OpenAt(now.In(in.Zone))), err
}

// tellBot queues word of a message to the AI receptionist. wants: it is to answer.
func (in *Intake) tellBot(tx *data.Tx, id bridge.ConversationID, hold bridge.HoldID, m bridge.MessageID, wants bool) error {
	s, err := tx.Settings()
	if err != nil {
		return err
	}
	line, err := tx.WebhookLine()
	if err != nil {
		return fmt.Errorf("find the receptionist: %w", err)
	}
	now := in.Now()
	by := now.Add(s.Receptionist.Wait())
	if _, err := tx.AddDelivery(bridge.Delivery{
		Purpose: bridge.ForBot, Message: m, Conversation: id, Line: line.ID, Channel: bridge.Webhook, To: line.Value(), Hold: hold, NextAt: now, ExpiresAt: by,
	}, now); err != nil {
		return fmt.Errorf("queue word to the receptionist: %w", err)
	}
	if !wants {
		return nil
	}
	return tx.AwaitAnswer(hold, by)
}

// takeFromBot ends the AI receptionist's hold because a person does something in the
// conversation.
func (in *Intake) takeFromBot(tx *data.Tx, f *bridge.Facts, by bridge.Staff, now time.Time) error {
	had, err := endHold(tx, f, by, bridge.HoldTaken, now)
	if err != nil || !had {
		return err
	}
	return event(tx, f.Conversation.ID, by.Name+" took over from the "+in.BotName, now)
}

// endHold takes a conversation from the AI receptionist for a person, and stops what it
// wrote and has not left. It reports whether the receptionist had it.
func endHold(tx *data.Tx, f *bridge.Facts, by bridge.Staff, end bridge.HoldEnd, now time.Time) (bool, error) {
	h := f.Conversation.Hold
	if h == 0 {
		return false, nil
	}
	f.Conversation.Hold = 0
	had, err := tx.EndHold(bridge.Hold{ID: h, Conversation: f.Conversation.ID, End: end, EndedBy: by.ID}, now)
	if err != nil || !had {
		return false, err
	}
	if err := tx.CancelHeld(f.Conversation.ID, h, now); err != nil {
		return false, fmt.Errorf("stop what the receptionist wrote: %w", err)
	}
	return true, nil
}

// TakeOver gives a conversation to a member of staff: from that moment the AI
// receptionist cannot write in it any more, and what it wrote and has not left never
// leaves.
func (in *Intake) TakeOver(ctx context.Context, actor bridge.Staff, id bridge.ConversationID) error {
	return in.act(ctx, actor, id, bridge.DoTakeOver, func(tx *data.Tx, f bridge.Facts, now time.Time) (string, error) {
		held := f.Conversation.Hold != 0
		if err := in.takeFromBot(tx, &f, actor, now); err != nil {
			return "", err
		}
		f.Who = actor.Actor()
		if f.Conversation.Assignee == actor.ID || !bridge.Decide(actor.Actor(), bridge.DoAssign, &f).Allowed() {
			return "", nil
		}
		if err := tx.AddParticipant(bridge.Participant{Conversation: id, Staff: actor.ID, AddedAt: now}); err != nil {
			return "", err
		}
		text := actor.Name + " took this"
		if held {
			text = "" // said already
		}
		return text, tx.Assign(id, actor.ID)
	})
}

// GiveBack gives a conversation to the AI receptionist, and tells it of the newest
// message.
func (in *Intake) GiveBack(ctx context.Context, actor bridge.Staff, id bridge.ConversationID) error {
	return in.act(ctx, actor, id, bridge.DoGiveBack, func(tx *data.Tx, f bridge.Facts, now time.Time) (string, error) {
		if f.Conversation.Hold != 0 {
			return "", nil
		}
		hold, _, err := tx.StartHold(id, actor.ID, now)
		if err != nil {
			return "", err
		}
		if f.Conversation.Assignee != 0 {
			if err := tx.Assign(id, 0); err != nil {
				return "", err
			}
		}
		newest, err := tx.NewestMessage(id)
		if err != nil {
			return "", err
		}
		wants := false
		if newest != 0 {
			m, err := tx.Message(newest)
			if err != nil {
				return "", err
			}
			wants = m.Direction == bridge.In && m.Channel != bridge.Voice
		}
		if err := in.tellBot(tx, id, hold, newest, wants); err != nil {
			return "", err
		}
		return actor.Name + " gave this to the " + in.BotName, nil
	})
}

// takenOver is what the AI receptionist hears when it writes in a conversation that
// it does not hold any more.
func takenOver(h bridge.Hold) error {
	d := &bridge.Denied{Code: "taken_over", Sentence: cmp.Or(h.End.Title(), "A person took over"), Fix: "Say nothing more here until the conversation is given to you again"}
	if h.End == bridge.HoldTaken && h.EndedByName != "" {
		d.Sentence = h.EndedByName + " took over"
	}
	return d
}

// underHold runs what the AI receptionist does in a conversation, if it holds it under
// this very hold.
func (in *Intake) underHold(tx *data.Tx, id bridge.ConversationID, hold bridge.HoldID, fn func(bridge.Hold, *bridge.Facts) error) error {
	h, err := tx.Hold(hold)
	if err != nil || h.Conversation != id {
		return cmp.Or(err, bridge.ErrNotFound)
	}
	holds, err := tx.Holds(id, hold)
	if err != nil {
		return err
	}
	if !holds {
		return takenOver(h)
	}
	f, err := in.ownFacts(tx, id)
	if err != nil {
		return err
	}
	return fn(h, &f)
}

// AnswerAsBot stores what the AI receptionist answers under a hold, with its
// deliveries. Once anybody else has taken over, it is refused with code taken_over and
// nothing is stored.
func (in *Intake) AnswerAsBot(ctx context.Context, hold bridge.HoldID, d Draft) (m bridge.Message, err error) {
	if err := d.clean(); err != nil {
		return m, err
	}
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if d.ClientID != "" {
			if m, err = tx.MessageByClient(d.Conversation, d.ClientID); err == nil && m.Author.Kind == bridge.ByAI {
				return nil
			} else if err == nil {
				return &bridge.Invalid{Field: "client", Problem: "This key was used for another message. Use a new one"}
			} else if !errors.Is(err, bridge.ErrNotFound) {
				return err
			}
		}
		return in.underHold(tx, d.Conversation, hold, func(_ bridge.Hold, f *bridge.Facts) error {
			m, err = in.botSays(tx, hold, f, d)
			return err
		})
	})
	return m, err
}

func (in *Intake) botSays(tx *data.Tx, hold bridge.HoldID, f *bridge.Facts, d Draft) (m bridge.Message, err error) {
	if d.By != "" && !f.Use(d.By) {
		return m, &bridge.Denied{Code: "channel", Sentence: "A message cannot go this way now", Fix: "Leave the way out"}
	}
	actor := bridge.Actor{Kind: bridge.ByAI, ID: int64(hold), Name: in.BotName, Active: true, Connected: true}
	if err := bridge.Decide(actor, bridge.DoReply, f).Err(); err != nil {
		return m, err
	}
	if n, err := tx.BotWrote(d.Conversation, in.Now().Add(-time.Hour)); err != nil {
		return m, err
	} else if n >= bridge.BotAnHour {
		return m, &bridge.Denied{Code: "too_often", Sentence: "It wrote 60 messages here within an hour", Fix: "Hand the conversation over"}
	}
	first, err := tx.FirstWord(hold)
	if err != nil {
		return m, err
	}
	if first {
		d.Body = strings.TrimSpace(f.Settings.Receptionist.Introduction()) + " " + d.Body
	}
	m, err = tx.AddMessage(bridge.Message{
		Conversation: d.Conversation, At: in.Now(), Direction: bridge.Out, Channel: f.Stands(),
		Author: bridge.Author{Kind: bridge.ByAI, ID: int64(hold), Name: in.BotName}, Body: d.Body, ClientID: d.ClientID,
	})
	if err != nil {
		return m, err
	}
	if m.Deliveries, err = in.deliver(tx, m, f, time.Time{}); err != nil {
		return m, err
	}
	return m, errors.Join(in.botAnswered(tx, hold, f), in.placeAnswer(tx, f, m))
}

// botAnswered notes that nothing waits for the AI receptionist any more, but for what it
// has not been told of yet.
func (in *Intake) botAnswered(tx *data.Tx, hold bridge.HoldID, f *bridge.Facts) error {
	if err := tx.AwaitAnswer(hold, time.Time{}); err != nil {
		return err
	}
	_, untried, err := tx.Untold(f.Conversation.ID, hold)
	if err != nil || !untried {
		return err
	}
	return tx.AwaitAnswer(hold, in.Now().Add(f.Settings.Receptionist.Wait()))
}

// HandOffHold ends a hold because the AI receptionist says so; h is what it found out.
// Saying it again changes nothing.
func (in *Intake) HandOffHold(ctx context.Context, hold bridge.HoldID, id bridge.ConversationID, h bridge.Handoff) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		if was, err := tx.Hold(hold); err == nil && was.Conversation == id && was.End == bridge.HoldHanded {
			return nil
		}
		return in.underHold(tx, id, hold, func(was bridge.Hold, f *bridge.Facts) error {
			was.End = bridge.HoldHanded
			return in.release(tx, was, h)
		})
	})
}

// release ends a hold that no person ended: the conversation is people's, with a card
// that says why.
func (in *Intake) release(tx *data.Tx, h bridge.Hold, card bridge.Handoff) error {
	now := in.Now()
	had, err := tx.EndHold(h, now)
	if err != nil || !had {
		return err
	}
	card.Provider, card.Call, card.At = ownProvider, fmt.Sprintf("hold-%d", h.ID), now
	card.Channel, card.Reason = bridge.SMS, cmp.Or(card.Reason, h.End.Title())
	kept, err := tx.HandoffOf(card.Provider, card.Call, now)
	if err != nil {
		return err
	}
	head, err := tx.AddMessage(bridge.Message{
		Conversation: h.Conversation, At: now, Direction: bridge.Note, Channel: bridge.Inbox, Author: bridge.Author{Kind: bridge.ByAI, Name: in.BotName},
		Body: cmp.Or(card.Summary, card.Reason), Handoff: &bridge.Handoff{},
	})
	if err != nil {
		return err
	}
	if err := tx.SetState(h.Conversation, bridge.Open, time.Time{}); err != nil {
		return err
	}
	kept.Conversation, kept.Message = h.Conversation, head.ID
	if _, err = in.complete(tx, kept, card, head, ""); err != nil {
		return err
	}
	if !card.Urgency.Urgent() { // of what is urgent they were told
		if err := in.alertOfWaiting(tx, h.Conversation); err != nil {
			return err
		}
	}
	if h.End != bridge.HoldHanded { // it did not choose to, so whoever runs it wants to know
		slog.Warn("a conversation went from the AI receptionist to people", "conversation", h.Conversation, "why", h.End.Title())
	}
	return tx.SetAIHandoff(h.Conversation, true)
}

// ownProvider names, among the providers of handoffs, the receptionist that holds our
// own conversations.
const ownProvider = "porchlight"

// botFailed gives a conversation to people because the AI receptionist could not be
// told of a message in it.
func (in *Intake) botFailed(tx *data.Tx, d bridge.Delivery) error {
	h, err := tx.Hold(d.Hold)
	if err != nil || !h.EndedAt.IsZero() {
		return err
	}
	h.End = bridge.HoldBroken
	return in.release(tx, h, bridge.Handoff{})
}

// botUnheard gives a conversation to people because what the AI receptionist wrote in it
// did not arrive: it would wait for an answer for ever.
func (in *Intake) botUnheard(tx *data.Tx, d bridge.Delivery) error {
	h, err := tx.Hold(d.Hold)
	if err != nil || !h.EndedAt.IsZero() {
		return err
	}
	h.End = bridge.HoldUnheard
	return in.release(tx, h, bridge.Handoff{})
}

// HandUnanswered gives people the conversations in which the AI receptionist has not
// answered in time, and says when it wants to be asked again; the zero time: not before
// something happens.
func (in *Intake) HandUnanswered(ctx context.Context) (next time.Time, err error) {
	look := func(tx *data.Tx) (err error) {
		next, err = tx.NextUnanswered()
		return err
	}
	if err := in.Store.Read(ctx, look); err != nil || next.IsZero() || next.After(in.Now()) {
		return next, err
	}
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		hs, err := tx.Unanswered(in.Now(), 50)
		for _, h := range hs {
			if err != nil {
				break
			}
			err = in.giveUpOn(tx, h)
		}
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	return next, in.Store.Read(ctx, look)
}

// giveUpOn ends a hold whose time to answer is over, and tells apart whether the AI
// receptionist was silent or could not be told.
func (in *Intake) giveUpOn(tx *data.Tx, h bridge.Hold) error {
	waits, _, err := tx.Untold(h.Conversation, h.ID)
	if err != nil {
		return err
	}
	h.End = bridge.HoldSilent
	if waits {
		h.End = bridge.HoldBroken
	}
	return in.release(tx, h, bridge.Handoff{})
}

// ReleaseAll gives people every conversation that the AI receptionist holds, as when it
// was taken out of the configuration.
func (in *Intake) ReleaseAll(ctx context.Context) error {
	var hs []bridge.Hold
	err := in.Store.Read(ctx, func(tx *data.Tx) (err error) {
		hs, err = tx.ActiveHolds()
		return err
	})
	if err != nil || len(hs) == 0 {
		return err
	}
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		for _, h := range hs {
			h.End = bridge.HoldStopped
			if err := in.release(tx, h, bridge.Handoff{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// ownFacts are what Decide is told about a conversation where no person asks.
func (in *Intake) ownFacts(tx *data.Tx, id bridge.ConversationID) (f bridge.Facts, err error) {
	conv, err := tx.AnyConversation(id)
	if err != nil {
		return f, err
	}
	return in.Facts(tx, bridge.Staff{}, conv)
}
