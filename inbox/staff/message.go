package staff

import (
	"strconv"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// shownTo says for whom messages are printed: the reader, the contact and the ways to
// them, whether the reader may say which record one is about, and which record the
// conversation is about: what has no other is about that.
type shownTo struct {
	reader   bridge.Staff
	contact  bridge.Contact
	last     string // the address from which the contact last wrote
	ways     []bridge.Way
	names    map[bridge.ContactID]string // of the contacts who take part
	mayPlace bool
	record   bridge.RecordID
}

// showing is everything that the messages of a conversation are printed by.
func (s *Inbox) showing(tx *data.Tx, reader bridge.Staff, conv bridge.Conversation) (to shownTo, err error) {
	f, err := s.in.Facts(tx, reader, conv)
	if err != nil {
		return to, err
	}
	to = shownTo{reader: reader, contact: f.Contact, last: conv.Address, ways: f.Ways, names: map[bridge.ContactID]string{}, record: conv.Record}
	to.mayPlace = s.mayPlace(tx, reader, conv)
	if conv.Contact == 0 {
		return to, nil
	}
	people, err := tx.Participants(conv.ID)
	for _, p := range people {
		if p.Contact != 0 {
			to.names[p.Contact] = p.Name
		}
	}
	to.names[conv.Contact] = f.Contact.Title()
	return to, err
}

// answers is the address that a delivery to the contact by a channel goes to now.
func (to shownTo) answers(ch bridge.Channel) string {
	if ch == bridge.Email {
		return to.contact.Mail().Value
	}
	return to.contact.AnswerTo(to.last).Value
}

// mayPlace reports whether the reader may say which record a message of the
// conversation is about, and whether the contact has any.
func (s *Inbox) mayPlace(tx *data.Tx, reader bridge.Staff, conv bridge.Conversation) bool {
	if conv.Contact == 0 || !bridge.Decide(reader.Actor(), bridge.DoSeePeople, &bridge.Facts{}).Allowed() {
		return false
	}
	rs, err := tx.RecordsOf(conv.Contact, 1)
	return err == nil && len(rs) > 0
}

func (s *Inbox) messages(ms []bridge.Message, to shownTo) []templates.Message {
	out := make([]templates.Message, len(ms))
	for i, m := range ms {
		out[i] = s.newMessage(m, to, "")
	}
	return out
}

// newMessage is a message as the inbox shows it; into is where the fragment goes.
func (s *Inbox) newMessage(m bridge.Message, to shownTo, into string) templates.Message {
	now := s.now()
	v := templates.Message{
		ID: m.ID, Rev: m.Rev, Into: into, Side: string(m.Direction), AI: m.Author.Kind == bridge.ByAI, Who: m.Author.Name,
		Key: string(m.Author.Kind) + strconv.FormatInt(m.Author.ID, 10) + string(m.Channel), ClientID: m.ClientID,
		Channel: m.Channel, ChannelText: channelText(m), Body: m.Body, At: templates.NewStamp(m.At, now),
	}
	if m.Author.Kind == bridge.ByStaff && m.Direction == bridge.In && m.Author.ID == int64(to.reader.ID) {
		v.Side = string(bridge.Out) // one's own among the team stands on the right, like any other
	}
	if m.Direction == bridge.Out && len(m.Deliveries) > 0 {
		v.Key += " " + string(m.Deliveries[0].Channel) // what went another way says so under a bubble of its own
	}
	v.About = newAbout(m, to)
	v.Card = newCard(m, now)
	for _, f := range m.Attachments {
		v.Media = append(v.Media, newAttachment(f, "/inbox/file/"))
	}
	if m.Direction != bridge.In && m.Direction != bridge.Out {
		return v
	}
	if m.Direction == bridge.Out {
		v.State, v.StateIcon, v.StateText = howFar(m, to, now)
	}
	if d, ok := failed(m.Deliveries); ok {
		v.Failure = s.newFailure(d, m.Deliveries, to)
	}
	v.History = history(m, to, now)
	return v
}

// newAbout says which record a message is about, and lets who may correct it.
func newAbout(m bridge.Message, to shownTo) *templates.About {
	if m.Direction != bridge.In && m.Direction != bridge.Out {
		return nil
	}
	a := &templates.About{Text: m.About.RecordLabel, Because: m.About.Because}
	if to.mayPlace && m.Author.Kind == bridge.ByContact {
		a.Href = "/inbox/m/" + strconv.FormatInt(int64(m.ID), 10) + "/about"
	}
	if a.Text == "" && (a.Href == "" || to.record != 0) {
		return nil
	}
	return a
}

func channelText(m bridge.Message) string {
	switch m.Channel {
	case bridge.SMS:
		return "SMS"
	case bridge.Email:
		return "Email"
	case bridge.Portal:
		return "Portal"
	case bridge.Voice:
		return "Call"
	}
	return ""
}
