package intake

import (
	"slices"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// A Question is what somebody asks of the rules beforehand: may this person do this,
// with this, at this time.
type Question struct {
	// Staff or Contact is who would do it; neither is Porchlight itself.
	Staff   bridge.StaffID
	Contact bridge.ContactID
	Do      bridge.Action
	// Conversation is the one at hand, for what is done in one.
	Conversation bridge.ConversationID
	// Start says what would begin, for bridge.DoStart.
	Start Start
	// Who is the colleague whom it concerns: assigned, mentioned, added, managed.
	Who bridge.StaffID
	// At is when; zero is now.
	At time.Time
}

// Asked answers a question with the facts that the doors decide by, and changes
// nothing. What the asker does not see does not exist for them, so it cannot be
// asked about: bridge.ErrNotFound.
func (in *Intake) Asked(tx *data.Tx, asker bridge.Staff, q Question) (bridge.Decision, error) {
	d, _, err := in.AskedWith(tx, asker, q)
	return d, err
}

// AskedWith is Asked with the facts that decided, for who wants to say more of them.
func (in *Intake) AskedWith(tx *data.Tx, asker bridge.Staff, q Question) (d bridge.Decision, f bridge.Facts, err error) {
	if err := bridge.Decide(asker.Actor(), bridge.DoChangeSettings, &bridge.Facts{}).Err(); err != nil {
		return d, f, err
	}
	if !slices.Contains(bridge.Actions[:], q.Do) {
		return d, f, &bridge.Invalid{Field: "do", Problem: "Choose what they would do"}
	}
	who, actor, err := asActor(tx, q)
	if err != nil {
		return d, f, err
	}
	f, err = in.askedFacts(tx, asker, who, actor, &q)
	if err != nil {
		return d, f, err
	}
	if actor.Kind == bridge.ByContact {
		f.By = bridge.Portal // the one door that contacts have themselves
	}
	if !q.At.IsZero() {
		if err := in.asOf(tx, &f, q.At); err != nil {
			return d, f, err
		}
	}
	return bridge.Decide(actor, q.Do, &f), f, nil
}

// asActor finds who would do it; who is their account, if they are of the team.
func asActor(tx *data.Tx, q Question) (who bridge.Staff, actor bridge.Actor, err error) {
	switch {
	case q.Staff != 0:
		if who, err = tx.StaffMember(q.Staff); err != nil {
			return who, actor, &bridge.Invalid{Field: "who", Problem: "Choose somebody of the team"}
		}
		return who, who.Actor(), nil
	case q.Contact != 0:
		c, err := tx.Contact(q.Contact)
		if err != nil {
			return who, actor, &bridge.Invalid{Field: "who", Problem: "Choose a contact"}
		}
		return who, c.Actor(), nil
	}
	return who, bridge.System, nil
}

// askedFacts reads the facts as the door of the action does.
func (in *Intake) askedFacts(tx *data.Tx, asker, who bridge.Staff, actor bridge.Actor, q *Question) (f bridge.Facts, err error) {
	switch {
	case q.Do == bridge.DoStart:
		return in.askedStart(tx, who, actor, &q.Start)
	case !q.Do.Concerns():
		if f.Settings, err = tx.Settings(); err != nil {
			return f, err
		}
	default:
		if q.Conversation == 0 {
			return f, &bridge.Invalid{Field: "conversation", Problem: "Choose a conversation"}
		}
		conv, err := tx.Conversation(asker, q.Conversation)
		if err != nil {
			return f, err
		}
		if f, err = in.Facts(tx, who, conv); err != nil {
			return f, err
		}
		if actor.Kind == bridge.ByContact {
			if f.Member, err = takesPart(tx, conv.ID, q.Contact); err != nil {
				return f, err
			}
		}
	}
	if q.Who == 0 {
		return f, nil
	}
	other, err := tx.StaffMember(q.Who)
	if err != nil {
		return f, &bridge.Invalid{Field: "whom", Problem: "Choose somebody of the team"}
	}
	f.Who = other.Actor()
	if f.Conversation.ID != 0 {
		f.WhoSees, err = sees(tx, other, f.Conversation.ID)
	}
	return f, err
}

func (in *Intake) askedStart(tx *data.Tx, who bridge.Staff, actor bridge.Actor, s *Start) (f bridge.Facts, err error) {
	if !s.Kind.Valid() {
		return f, &bridge.Invalid{Field: "kind", Problem: "Choose what kind of conversation"}
	}
	s.Phone = "" // a question makes no contact
	if actor.Kind == bridge.ByContact {
		s.Contact, s.Colleague = bridge.ContactID(actor.ID), 0
	}
	if f, err = in.startFacts(tx, who, s, in.Now()); err != nil || actor.Kind != bridge.BySystem || s.Kind != bridge.KindMaintenance || f.Record.ID == 0 {
		return f, err
	}
	f, _ = in.requestFacts(f.Settings, f.Contact, f.Record)
	return f, nil
}

// takesPart reports whether a contact is in a conversation.
func takesPart(tx *data.Tx, id bridge.ConversationID, c bridge.ContactID) (bool, error) {
	people, err := tx.Participants(id)
	return slices.ContainsFunc(people, func(p bridge.Participant) bool { return p.Staff == 0 && p.Contact == c }), err
}

// asOf moves the facts to another time: quiet hours, and what the ledger of consent
// said then. In the future it says what it says now.
func (in *Intake) asOf(tx *data.Tx, f *bridge.Facts, at time.Time) (err error) {
	f.At = at.In(in.zone(f.Contact))
	if f.To.Value != "" && at.Before(in.Now()) {
		f.To.OptedOut, err = tx.OptedOutAt(f.To.Channel, f.To.Value, at)
	}
	return err
}
