package intake

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"porchlight/bridge"
	"porchlight/data"
)

// act runs one change of a conversation that a person asked for, if they may. fn
// gives the line that the conversation's history gets; empty writes none.
func (in *Intake) act(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, do bridge.Action,
	fn func(tx *data.Tx, f bridge.Facts, now time.Time) (string, error)) error {
	now := in.Now()
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		f, err := in.facts(tx, actor, id)
		if err != nil {
			return err
		}
		if err := bridge.Decide(actor.Actor(), do, &f).Err(); err != nil {
			return err
		}
		text, err := fn(tx, f, now)
		if err != nil || text == "" {
			return err
		}
		return event(tx, id, text, now)
	})
}

// Assign gives a conversation to a member of staff, or to nobody with 0.
func (in *Intake) Assign(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, to bridge.StaffID) error {
	return in.act(ctx, actor, id, bridge.DoAssign, func(tx *data.Tx, f bridge.Facts, now time.Time) (string, error) {
		if f.Conversation.Assignee == to {
			return "", nil
		}
		text := actor.Name + " took this off " + f.Conversation.AssigneeName
		if to != 0 {
			p, err := tx.StaffMember(to)
			if err != nil {
				return "", &bridge.Invalid{Field: "staff", Problem: "Choose somebody of the team"}
			}
			f.Who = p.Actor()
			if err := bridge.Decide(actor.Actor(), bridge.DoAssign, &f).Err(); err != nil {
				return "", err
			}
			text = actor.Name + " assigned this to " + p.Name
			if p.ID == actor.ID {
				text = actor.Name + " took this"
			}
			if err := tx.AddParticipant(bridge.Participant{Conversation: id, Staff: to, AddedAt: now}); err != nil {
				return "", err
			}
			if err := in.takeFromBot(tx, &f, p, now); err != nil {
				return "", err
			}
		}
		return text, tx.Assign(id, to)
	})
}

// Close says that there is nothing more to do; a new message reopens it.
func (in *Intake) Close(ctx context.Context, actor bridge.Staff, id bridge.ConversationID) error {
	return in.act(ctx, actor, id, bridge.DoClose, func(tx *data.Tx, f bridge.Facts, now time.Time) (string, error) {
		if f.Conversation.State == bridge.Closed {
			return "", nil
		}
		if f.Conversation.AIHandoff {
			if err := tx.SetAIHandoff(id, false); err != nil {
				return "", err
			}
		}
		if _, err := endHold(tx, &f, actor, bridge.HoldClosed, now); err != nil {
			return "", err
		}
		return actor.Name + " closed this", tx.SetState(id, bridge.Closed, time.Time{})
	})
}

// Reopen brings a closed or snoozed conversation back.
func (in *Intake) Reopen(ctx context.Context, actor bridge.Staff, id bridge.ConversationID) error {
	return in.setState(ctx, actor, id, bridge.DoReopen, bridge.Open, time.Time{}, actor.Name+" reopened this")
}

// Snooze puts a conversation out of sight until a time, or until a message comes.
func (in *Intake) Snooze(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, until time.Time) error {
	if now := in.Now(); !until.After(now) || until.After(now.AddDate(1, 0, 0)) {
		return &bridge.Invalid{Field: "until", Problem: "Choose a time in the future, at most a year ahead"}
	}
	return in.setState(ctx, actor, id, bridge.DoSnooze, bridge.Snoozed, until, actor.Name+" snoozed this until "+until.Format("Mon 2 Jan, 15:04"))
}

func (in *Intake) setState(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, do bridge.Action, s bridge.ConversationState, until time.Time, text string) error {
	return in.act(ctx, actor, id, do, func(tx *data.Tx, f bridge.Facts, _ time.Time) (string, error) {
		if f.Conversation.State == s && s != bridge.Snoozed {
			return "", nil
		}
		return text, tx.SetState(id, s, until)
	})
}

// SetUrgent flags a conversation, or takes the flag away.
func (in *Intake) SetUrgent(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, urgent bool) error {
	return in.act(ctx, actor, id, bridge.DoMarkUrgent, func(tx *data.Tx, f bridge.Facts, _ time.Time) (string, error) {
		if f.Conversation.Urgent == urgent {
			return "", nil
		}
		text := actor.Name + " marked this urgent"
		if !urgent {
			text = actor.Name + " took the urgent mark away"
		}
		return text, tx.SetUrgent(id, urgent)
	})
}

// Hold says that nobody may send in a conversation, or lifts that again.
func (in *Intake) Hold(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, held bool) error {
	return in.act(ctx, actor, id, bridge.DoHold, func(tx *data.Tx, f bridge.Facts, now time.Time) (string, error) {
		if f.Conversation.Held == held {
			return "", nil
		}
		text := actor.Name + " put sending on hold"
		if !held {
			text = actor.Name + " lifted the hold"
		}
		return text, tx.SetHeld(id, held)
	})
}

// Read notes that a member of staff saw a conversation up to a message.
func (in *Intake) Read(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, upto bridge.MessageID) error {
	return in.act(ctx, actor, id, bridge.DoSee, func(tx *data.Tx, _ bridge.Facts, now time.Time) (string, error) {
		_, err := tx.MarkRead(id, actor.ID, upto, now)
		return "", err
	})
}

// Unread makes the newest inbound message unread again for a member of staff.
func (in *Intake) Unread(ctx context.Context, actor bridge.Staff, id bridge.ConversationID) error {
	return in.act(ctx, actor, id, bridge.DoSee, func(tx *data.Tx, _ bridge.Facts, now time.Time) (string, error) {
		return "", tx.MarkUnread(id, actor.ID, now)
	})
}

// SaveDraft keeps what somebody has begun to write. kind is "reply" or "note".
func (in *Intake) SaveDraft(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, kind, body string) error {
	if kind != "reply" && kind != "note" {
		return &bridge.Invalid{Field: "kind", Problem: "A draft is a reply or a note"}
	}
	if utf8.RuneCountInString(body) > bridge.MaxBody {
		return &bridge.Invalid{Field: "body", Problem: "This is too long to keep"}
	}
	return in.act(ctx, actor, id, bridge.DoSee, func(tx *data.Tx, _ bridge.Facts, now time.Time) (string, error) {
		return "", tx.SaveDraft(id, actor.ID, kind, bridge.CleanText(body), now)
	})
}

// Rename gives the contact of a conversation another name; empty goes back to
// showing the number.
func (in *Intake) Rename(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, name string) error {
	name = strings.Join(strings.Fields(bridge.CleanText(name)), " ")
	if utf8.RuneCountInString(name) > 100 {
		return &bridge.Invalid{Field: "name", Problem: "A name has at most 100 characters"}
	}
	return in.act(ctx, actor, id, bridge.DoEditContact, func(tx *data.Tx, f bridge.Facts, _ time.Time) (string, error) {
		if f.Contact.ID == 0 {
			return "", errNobodyOutside
		}
		if f.Contact.Name == name {
			return "", nil
		}
		f.Contact.Name = name
		return "", tx.PutContact(f.Contact)
	})
}

// AddEmail gives the contact of a conversation another email address.
func (in *Intake) AddEmail(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, email string) error {
	email, err := ParseEmail(email)
	if err != nil {
		return err
	}
	return in.act(ctx, actor, id, bridge.DoEditContact, func(tx *data.Tx, f bridge.Facts, now time.Time) (string, error) {
		if f.Contact.ID == 0 {
			return "", errNobodyOutside
		}
		_, err := tx.AddAddress(bridge.Address{Contact: f.Contact.ID, Channel: bridge.Email, Value: email, Answerable: true}, now)
		if err != nil {
			return "", ignoreDuplicate(err)
		}
		return actor.Name + " added the email " + email, nil
	})
}

// AddPhone gives the contact of a conversation another number, and answers go
// there from now on.
func (in *Intake) AddPhone(ctx context.Context, actor bridge.Staff, id bridge.ConversationID, number string) error {
	phone, err := in.ParsePhone(number)
	if err != nil {
		return err
	}
	return in.act(ctx, actor, id, bridge.DoEditContact, func(tx *data.Tx, f bridge.Facts, now time.Time) (string, error) {
		if f.Contact.ID == 0 {
			return "", errNobodyOutside
		}
		if _, err := tx.LineByPhone(string(phone)); err == nil {
			return "", &bridge.Invalid{Field: "phone", Problem: "This is the business's own number"}
		}
		_, err := tx.AddAddress(bridge.Address{Contact: f.Contact.ID, Channel: bridge.SMS, Value: string(phone), Answerable: true}, now)
		known := errors.Is(err, bridge.ErrDuplicate)
		if err != nil && !known || known && f.Conversation.Address == string(phone) {
			return "", ignoreDuplicate(err)
		}
		if err := tx.SetRoute(id, f.Conversation.Line, string(phone)); err != nil {
			return "", err
		}
		return actor.Name + " set the number to answer to: " + phone.Pretty(), nil
	})
}

var errNobodyOutside = &bridge.Invalid{Field: "contact", Problem: "Nobody from outside is in a conversation of the team"}

func ignoreDuplicate(err error) error {
	if errors.Is(err, bridge.ErrDuplicate) {
		return nil
	}
	return err
}

// ParsePhone reads a number as people of the business's region write it.
func (in *Intake) ParsePhone(s string) (bridge.Phone, error) {
	n, err := phonenumbers.Parse(s, in.Region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE || n.GetExtension() != "" {
		return "", &bridge.Invalid{Field: "phone", Problem: "This is not a phone number. Write it like +1 415 555 0134"}
	}
	return bridge.ParsePhone(phonenumbers.Format(n, phonenumbers.E164))
}
