package staff

import (
	"slices"
	"strconv"
	"strings"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// othersShown is how many of a contact's other conversations the panel lists.
const othersShown = 8

// newDetails is the panel beside a conversation: who it is with, what it is about,
// and who takes part.
func (s *Inbox) newDetails(tx *data.Tx, reader bridge.Staff, f *bridge.Facts, line bridge.Line) (templates.Details, error) {
	conv, contact := f.Conversation, f.Contact
	base := "/inbox/c/" + strconv.FormatInt(int64(conv.ID), 10)
	title := conv.TitleFor(reader)
	d := templates.Details{
		Name: contact.Name, Title: title, Initials: bridge.Initials(title), RenameURL: base + "/contact", AddURL: base + "/address",
		Since: "Since " + conv.CreatedAt.Format("January 2006"),
	}
	if line.ID != 0 {
		d.Line = line.Phone.Pretty()
	}
	can := newCan(reader, f)
	if contact.ID != 0 {
		d.Since, d.Side = "Since "+contact.CreatedAt.Format("January 2006"), contact.Side.Title()
		if can.Edit {
			d.Profile = "/people/" + strconv.FormatInt(int64(contact.ID), 10)
		}
	}
	if can.Add {
		d.PeopleURL = base + "/people"
	}
	for _, a := range contact.Addresses {
		d.Addresses = append(d.Addresses, newAddress(a, slices.ContainsFunc(f.Tell, func(w bridge.Way) bool { return w.Channel == a.Channel && w.To.Value == a.Value })))
	}
	var err error
	if contact.ID != 0 {
		if d.Portal, err = s.newPortalCard(tx, reader, f.Settings, contact); err != nil {
			return d, err
		}
		if d.Portal.SendURL != "" {
			d.Portal.SendURL = base + "/link"
		}
	}
	if d.Record, err = newRecordCard(tx, f, can.Edit); err != nil {
		return d, err
	}
	if err := takePart(tx, &d, f, can.Add); err != nil {
		return d, err
	}
	return d, s.others(tx, reader, conv, &d)
}

func newAddress(a bridge.Address, answers bool) templates.Address {
	v := templates.Address{Label: "Mobile", Value: a.Pretty(), Badge: addressBadge(a, answers)}
	switch {
	case a.Channel == bridge.Email:
		v.Label = "Email"
	case !a.Answerable:
		v.Label = "Sender"
	}
	if _, err := bridge.ParsePhone(a.Value); err == nil && a.Channel == bridge.SMS {
		v.CallHref = "tel:" + a.Value
	}
	return v
}

// takePart lists the people of a conversation, with a way to take out who may be.
func takePart(tx *data.Tx, d *templates.Details, f *bridge.Facts, remove bool) error {
	people, err := tx.Participants(f.Conversation.ID)
	for _, p := range people {
		v := templates.Participant{Name: p.Name, Role: p.Role}
		if p.Name == "" {
			v.Name = f.Conversation.Title
		}
		switch {
		case !remove:
		case p.Staff != 0:
			v.Remove = "staff:" + strconv.FormatInt(int64(p.Staff), 10)
		case p.Contact != f.Conversation.Contact:
			v.Remove = "contact:" + strconv.FormatInt(int64(p.Contact), 10)
		}
		d.People = append(d.People, v)
	}
	return err
}

// newRecordCard is what the conversation is about.
func newRecordCard(tx *data.Tx, f *bridge.Facts, linked bool) (*templates.RecordCard, error) {
	if f.Record.ID == 0 {
		return nil, nil
	}
	card := &templates.RecordCard{Label: f.Record.Label(), Stage: f.Record.Stage}
	if linked {
		card.Href = recordURL(f.Record.ID)
	}
	var names []string
	for _, id := range f.Record.Staff {
		p, err := tx.StaffMember(id)
		if err != nil {
			return nil, err
		}
		names = append(names, p.Name)
	}
	card.Team = strings.Join(names, ", ")
	return card, nil
}

// others are the contact's other conversations, as far as the reader sees them.
func (s *Inbox) others(tx *data.Tx, reader bridge.Staff, conv bridge.Conversation, d *templates.Details) error {
	if conv.Contact == 0 {
		return nil
	}
	cs, err := tx.ConversationsWith(reader, conv.Contact, othersShown+1)
	for _, c := range cs {
		if c.ID == conv.ID || len(d.Others) == othersShown {
			continue
		}
		text := c.Kind.Title()
		if c.RecordLabel != "" || c.Subject != "" {
			text = subtitle(c)
		}
		d.Others = append(d.Others, templates.Link{Text: text, Hint: templates.NewStamp(c.LastAt, s.now()).Short, Href: conversationURL(bridge.ViewOpen, c.ID)})
	}
	return err
}

func addressBadge(a bridge.Address, answers bool) *templates.Badge {
	switch {
	case a.OptedOut:
		return &templates.Badge{Tone: "danger", Icon: "ban", Text: "Opted out"}
	case a.Problem != "" && a.Channel == bridge.Email:
		return &templates.Badge{Tone: "warn", Icon: "alert", Text: "Mailbox refused it"}
	case a.Problem != "":
		return &templates.Badge{Tone: "warn", Icon: "alert", Text: "Texts fail"}
	case !a.Answerable:
		return &templates.Badge{Icon: "ban", Text: "Cannot be texted"}
	case answers && a.Channel == bridge.Email:
		return &templates.Badge{Tone: "email", Icon: "email", Text: "Answers go here"}
	case answers:
		return &templates.Badge{Tone: "sms", Icon: "sms", Text: "Answers go here"}
	}
	return nil
}
