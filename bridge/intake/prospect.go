package intake

import (
	"errors"
	"slices"

	"porchlight/bridge"
	"porchlight/data"
)

// A Prospect is what Start would do, for a page that says so beforehand. Looking
// changes nothing.
type Prospect struct {
	// Conversation is the one that there is already; its ID is 0 while there is none.
	Conversation bridge.Conversation
	Facts        bridge.Facts
	// Decision is on answering in it, or on starting it.
	Decision bridge.Decision
}

// Prospect looks ahead to a Start. Of a Phone no contact is made: somebody new has
// the number in Facts and no ID.
func (in *Intake) Prospect(tx *data.Tx, actor bridge.Staff, s Start) (p Prospect, err error) {
	typed := s.Phone
	s.Phone = ""
	if p.Facts, err = in.startFacts(tx, actor, &s, in.Now()); err != nil {
		return p, err
	}
	if typed != "" && s.Contact == 0 {
		phone, err := in.ParsePhone(typed)
		if err != nil {
			return p, err
		}
		p.Facts.Contact.Side, p.Facts.Contact.Addresses = bridge.Customer, []bridge.Address{{Channel: bridge.SMS, Value: string(phone), Answerable: true}}
		in.route(&p.Facts, false)
		p.Decision = bridge.Decide(actor.Actor(), bridge.DoStart, &p.Facts)
		return p, nil
	}
	var denied *bridge.Denied
	p.Conversation, err = in.existing(tx, actor, s.about(p.Facts, actor))
	switch {
	case errors.Is(err, bridge.ErrNotFound):
		p.Decision = bridge.Decide(actor.Actor(), bridge.DoStart, &p.Facts)
		return p, nil
	case errors.As(err, &denied):
		p.Decision = bridge.Decision{Code: denied.Code, Sentence: denied.Sentence, Fix: denied.Fix, Rule: bridge.RuleVisibility}
		return p, nil
	case err != nil:
		return p, err
	}
	if p.Facts, err = in.Facts(tx, actor, p.Conversation); err != nil {
		return p, err
	}
	p.Decision = bridge.Decide(actor.Actor(), bridge.DoReply, &p.Facts)
	return p, nil
}

// KindWith is the kind that a message to a contact belongs to: that of their side,
// or the customer's where the business does not use it and none has begun.
func (in *Intake) KindWith(tx *data.Tx, c bridge.Contact) (bridge.Kind, error) {
	k := bridge.KindCustomer
	switch c.Side {
	case bridge.Handyman:
		k = bridge.KindPartner
	case bridge.Tenant, bridge.PropertyOwner, bridge.ServicePro:
		k = bridge.KindDirect
	case bridge.Customer:
		return k, nil
	}
	s, err := tx.Settings()
	if err != nil || s.Policy(k).On {
		return k, err
	}
	_, err = tx.ConversationAbout(about(k, int64(c.ID)))
	if errors.Is(err, bridge.ErrNotFound) {
		return bridge.KindCustomer, nil
	}
	return k, err
}

// A Share is how one contact stands to a maintenance request.
type Share struct {
	Contact bridge.Contact
	// Conversation is the one of their side that they take part in; 0: there is none
	// yet, and Decision says why.
	Conversation bridge.ConversationID
	Decision     bridge.Decision
}

// Shares says for all who have to do with a maintenance request whether their
// conversation is there, or why not yet.
func (in *Intake) Shares(tx *data.Tx, r bridge.Record) (out []Share, err error) {
	s, err := tx.Settings()
	if err != nil {
		return nil, err
	}
	for _, id := range requesters(r) {
		c, err := tx.Contact(id)
		if err != nil {
			return nil, err
		}
		f, key := in.requestFacts(s, c, r)
		share := Share{Contact: c, Decision: bridge.Decide(bridge.System, bridge.DoStart, &f)}
		if !s.Policy(bridge.KindMaintenance).On {
			share.Decision = bridge.Decision{Code: "kind_off", Sentence: "Conversations about maintenance requests are not in use", Fix: "Switch the kind on in the settings", Rule: bridge.RuleKind}
		}
		there, err := tx.ConversationAbout(key)
		if err == nil {
			people, err := tx.Participants(there)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(people, func(p bridge.Participant) bool { return p.Contact == c.ID }) {
				share.Conversation = there
			}
		} else if !errors.Is(err, bridge.ErrNotFound) {
			return nil, err
		}
		out = append(out, share)
	}
	return out, nil
}

// requesters are all who have to do with a request, who submitted it first.
func requesters(r bridge.Record) []bridge.ContactID {
	if r.SubmittedBy == 0 || slices.Contains(r.Contacts, r.SubmittedBy) {
		return r.Contacts
	}
	return append([]bridge.ContactID{r.SubmittedBy}, r.Contacts...)
}

// requestFacts are what Decide is told of a contact's conversation about a request,
// and what there is one conversation about.
func (in *Intake) requestFacts(s *bridge.Settings, c bridge.Contact, r bridge.Record) (bridge.Facts, string) {
	f := bridge.Facts{Settings: s, Contact: c, Record: r, Conversation: bridge.Conversation{Kind: bridge.KindMaintenance}}
	if r.SubmittedBy != 0 && c.ID != r.SubmittedBy {
		f.Record.SubmittedBy = 0 // shared by the team: the switch for tenants' own does not count
	}
	in.route(&f, false)
	return f, Start{Kind: bridge.KindMaintenance, Record: r.ID}.about(f, bridge.Staff{})
}
