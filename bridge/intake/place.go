package intake

import (
	"context"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// Place says which record a message is about, as somebody of the team knows; record
// 0 is none. The message does not change: the word goes beside it, the history gets
// a line, and the contact's next texts follow it.
func (in *Intake) Place(ctx context.Context, actor bridge.Staff, id bridge.MessageID, record bridge.RecordID) (conv bridge.ConversationID, err error) {
	now := in.Now()
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		m, err := tx.Message(id)
		if err != nil {
			return err
		}
		conv = m.Conversation
		f, err := in.facts(tx, actor, conv)
		if err != nil {
			return err
		}
		f.Record, f.Shared = bridge.Record{}, false
		if err := bridge.Decide(actor.Actor(), bridge.DoPlace, &f).Err(); err != nil {
			return err // before the record is looked up: which there are is nothing to them
		}
		if record != 0 {
			if f.Record, err = tx.Record(record); err != nil {
				return err
			}
			f.Shared = shared(f.Record, f.Contact)
		}
		if err := bridge.Decide(actor.Actor(), bridge.DoPlace, &f).Err(); err != nil {
			return err
		}
		if m.About.Record == record || m.Direction != bridge.In && m.Direction != bridge.Out {
			return nil
		}
		if err := tx.Place(bridge.Placement{Message: id, Record: record, Because: actor.Name + " said so", By: actor.ID, At: now}); err != nil {
			return err
		}
		text := actor.Name + " said that a message is about no record"
		if record != 0 {
			text = actor.Name + " moved a message to " + f.Record.Label()
		}
		if err := tx.Correct(f.Contact.ID, record, now); err != nil {
			return err
		}
		return event(tx, conv, text, now)
	})
	return conv, err
}

// AddParticipant puts a colleague or another contact into a conversation.
func (in *Intake) AddParticipant(ctx context.Context, actor bridge.Staff, p bridge.Participant) error {
	return in.participant(ctx, actor, p, bridge.DoAddParticipant)
}

// RemoveParticipant takes one out again. What they wrote stays.
func (in *Intake) RemoveParticipant(ctx context.Context, actor bridge.Staff, p bridge.Participant) error {
	return in.participant(ctx, actor, p, bridge.DoRemoveParticipant)
}

func (in *Intake) participant(ctx context.Context, actor bridge.Staff, p bridge.Participant, do bridge.Action) error {
	if p.Staff != 0 {
		p.Contact = 0 // one person
	}
	return in.act(ctx, actor, p.Conversation, bridge.DoSee, func(tx *data.Tx, f bridge.Facts, now time.Time) (string, error) {
		if d := bridge.Decide(actor.Actor(), do, &f); d.Rule == bridge.RuleRole && !d.Allowed() {
			return "", d.Err() // before the person is looked up: whom we know is nothing to them
		}
		var err error
		if f.Who, f.WhoSees, err = person(tx, p); err != nil {
			return "", &bridge.Invalid{Field: "person", Problem: "Choose a colleague or a contact"}
		}
		if err := bridge.Decide(actor.Actor(), do, &f).Err(); err != nil {
			return "", err
		}
		if takes, err := tx.TakesPart(p); err != nil || takes == (do == bridge.DoAddParticipant) {
			return "", err // a double tap
		}
		p.AddedAt = now
		if do == bridge.DoRemoveParticipant {
			return actor.Name + " took " + f.Who.Name + " out of this", in.takeOut(tx, &f, p, now)
		}
		if err := tx.AddParticipant(p); err != nil {
			return "", err
		}
		return actor.Name + " added " + f.Who.Name, nil
	})
}

// takeOut takes a person out. Who has the conversation assigned loses that too, or
// they would go on seeing it.
func (in *Intake) takeOut(tx *data.Tx, f *bridge.Facts, p bridge.Participant, now time.Time) error {
	if err := lastMember(tx, f, p); err != nil {
		return err
	}
	if p.Staff != 0 && f.Conversation.Assignee == p.Staff {
		if err := tx.Assign(p.Conversation, 0); err != nil {
			return err
		}
	}
	return tx.RemoveParticipant(p, now)
}

// lastMember refuses to take the last of the office out of a conversation that only
// participants see. Taking part shows nothing to the field, so they do not count.
func lastMember(tx *data.Tx, f *bridge.Facts, p bridge.Participant) error {
	if p.Staff == 0 || !f.Who.Role.Office() || f.Settings.Policy(f.Conversation.Kind).SeenBy != bridge.ParticipantsOnly {
		return nil
	}
	members, err := tx.Members(p.Conversation)
	if err != nil {
		return err
	}
	for _, id := range members {
		if id == p.Staff {
			continue
		}
		if s, err := tx.StaffMember(id); err != nil || s.Active && s.Role.Office() {
			return err
		}
	}
	return &bridge.Denied{Code: "last_member", Sentence: "Nobody else of the team would see this conversation", Fix: "Add a colleague first"}
}

func person(tx *data.Tx, p bridge.Participant) (who bridge.Actor, seesIt bool, err error) {
	if p.Staff == 0 {
		c, err := tx.Contact(p.Contact)
		return c.Actor(), false, err
	}
	s, err := tx.StaffMember(p.Staff)
	if err != nil {
		return who, false, err
	}
	seesIt, err = sees(tx, s, p.Conversation)
	return s.Actor(), seesIt, err
}
