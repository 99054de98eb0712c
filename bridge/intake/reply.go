package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
	"porchlight/bridge/thread"
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
	// By is the way that the writer chose; empty takes the best that the kind allows.
	By bridge.Channel
	// Files are what the writer uploaded for it, in order. With some, Body may be
	// empty.
	Files    []bridge.AttachmentID
	attached []bridge.Attachment
	// leave is when its texts leave, if not at once.
	leave time.Time
	// elsewhere: it was not written in the inbox, and what its writer has begun there is
	// something else.
	elsewhere bool
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
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		m, err = in.writeIn(tx, actor, d, do)
		return err
	})
	return m, err
}

// writeIn is write in a transaction that does more.
func (in *Intake) writeIn(tx *data.Tx, actor bridge.Staff, d Draft, do bridge.Action) (m bridge.Message, err error) {
	if err := d.clean(); err != nil {
		return m, err
	}
	f, err := in.facts(tx, actor, d.Conversation)
	if err != nil {
		return m, err
	}
	if d.ClientID != "" {
		if m, err = tx.MessageByClient(d.Conversation, d.ClientID); err == nil {
			return m, sameWriter(m, actor, do)
		} else if !errors.Is(err, bridge.ErrNotFound) {
			return m, err
		}
	}
	if err := in.withFiles(tx, &f, actor.Actor().Uploader(), &d); err != nil {
		return m, err
	}
	if do == bridge.DoReply && d.By != "" && !f.Use(d.By) {
		return m, &bridge.Denied{Code: "channel", Sentence: "A message cannot go this way now", Fix: "Choose another way to send it"}
	}
	decided := bridge.Decide(actor.Actor(), do, &f)
	if !decided.Allowed() {
		return m, decided.Err()
	}
	d.leave = decided.NotBefore
	if err := missed(tx, actor, d, do); err != nil {
		return m, err
	}
	return in.say(tx, actor, &f, d, do, in.Now())
}

// sameWriter refuses a key that somebody else has used, or the writer for something
// else: what is new would be taken for stored, and never be sent.
func sameWriter(m bridge.Message, actor bridge.Staff, do bridge.Action) error {
	if m.Author.Kind == bridge.ByStaff && m.Author.ID == int64(actor.ID) && (m.Direction == bridge.Note) == (do == bridge.DoNote) {
		return nil
	}
	return &bridge.Invalid{Field: "client", Problem: "This key was used for another message. Use a new one"}
}

// empty reports whether there is nothing to say.
func (d *Draft) empty() bool { return strings.TrimSpace(d.Body) == "" && len(d.Files) == 0 }

// clean makes a draft fit to store, or says what is wrong with it.
func (d *Draft) clean() error {
	d.Body = strings.TrimSpace(bridge.CleanText(d.Body))
	switch n := utf8.RuneCountInString(d.Body); {
	case n == 0 && len(d.Files) == 0:
		return &bridge.Invalid{Field: "body", Problem: "Write something first"}
	case n > bridge.MaxBody:
		return &bridge.Invalid{Field: "body", Problem: fmt.Sprintf("This is %d characters long; the most is %d", n, bridge.MaxBody)}
	}
	return checkKey(d.ClientID)
}

// checkKey bounds a writer's own key.
func checkKey(client string) error {
	if len(client) > 200 {
		return &bridge.Invalid{Field: "client", Problem: "The key is longer than 200 characters"}
	}
	return nil
}

// say stores what a member of staff writes, with its deliveries and mentions.
func (in *Intake) say(tx *data.Tx, actor bridge.Staff, f *bridge.Facts, d Draft, do bridge.Action, now time.Time) (bridge.Message, error) {
	m := bridge.Message{
		Conversation: f.Conversation.ID, At: now, Direction: bridge.Note, Channel: bridge.Inbox,
		Author: bridge.Author{Kind: bridge.ByStaff, ID: int64(actor.ID), Name: actor.Name},
		Body:   d.Body, ClientID: d.ClientID, Attachments: d.attached,
	}
	kind, team := "note", f.Conversation.Kind == bridge.KindTeam
	if do != bridge.DoNote {
		m.Direction, m.Channel, kind = bridge.Out, f.Stands(), "reply"
	}
	if team && do != bridge.DoNote {
		m.Direction = bridge.In // for everybody else of the team it is something new
	}
	if m.Direction == bridge.Out {
		if err := in.takeFromBot(tx, f, actor, now); err != nil {
			return m, err
		}
	}
	m, err := tx.AddMessage(m)
	if err != nil {
		return m, err
	}
	if err := in.mention(tx, actor, f, m); err != nil {
		return m, err
	}
	if m.Direction == bridge.Out {
		if m.Deliveries, err = in.deliver(tx, m, f, d.leave); err != nil {
			return m, err
		}
		if err := in.placeAnswer(tx, f, m); err != nil {
			return m, err
		}
	}
	if team {
		if _, err := tx.MarkRead(m.Conversation, actor.ID, m.ID, now); err != nil {
			return m, err
		}
	}
	if !d.elsewhere {
		if err := tx.SaveDraft(m.Conversation, actor.ID, kind, "", now); err != nil {
			return m, err
		}
	}
	return m, tx.AddParticipant(bridge.Participant{Conversation: m.Conversation, Staff: actor.ID, AddedAt: now})
}

// mention alerts whom of the team a message mentions.
func (in *Intake) mention(tx *data.Tx, actor bridge.Staff, f *bridge.Facts, m bridge.Message) error {
	if !strings.Contains(m.Body, "@") {
		return nil
	}
	team, err := tx.Staff()
	if err != nil {
		return err
	}
	for _, who := range bridge.Mentions(m.Body, team) {
		if who.ID == actor.ID {
			continue
		}
		asked := *f
		asked.Who = who.Actor()
		if asked.WhoSees, err = sees(tx, who, m.Conversation); err != nil {
			return err
		}
		if err := bridge.Decide(actor.Actor(), bridge.DoMention, &asked).Err(); err != nil {
			return err
		}
		if err := tx.AddMention(m, who.ID); err != nil {
			return err
		}
	}
	return nil
}

// sees reports whether a member of staff sees a conversation.
func sees(tx *data.Tx, who bridge.Staff, id bridge.ConversationID) (bool, error) {
	_, err := tx.Conversation(who, id)
	if errors.Is(err, bridge.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// placeAnswer says that an answer is about the record that the text before it is
// about, so that the record's conversation has both.
func (in *Intake) placeAnswer(tx *data.Tx, f *bridge.Facts, m bridge.Message) error {
	if f.Conversation.Record != 0 || f.Conversation.Kind == bridge.KindTeam {
		return nil
	}
	about, err := tx.LastPlaced(m.Conversation, m.At.Add(-thread.Window))
	if err != nil || about == 0 {
		return err
	}
	return tx.Place(bridge.Placement{Message: m.ID, Record: about, Because: "it answers a message about it", At: m.At})
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

// facts reads a conversation as the actor may see it, and all that Decide wants to
// know of it.
func (in *Intake) facts(tx *data.Tx, actor bridge.Staff, id bridge.ConversationID) (f bridge.Facts, err error) {
	conv, err := tx.Conversation(actor, id)
	if err != nil {
		return f, err
	}
	return in.Facts(tx, actor, conv)
}

// Facts gives what Decide is told about a conversation that the actor sees, so that
// a page can say beforehand why a reply is blocked.
func (in *Intake) Facts(tx *data.Tx, actor bridge.Staff, conv bridge.Conversation) (f bridge.Facts, err error) {
	f.Conversation, f.Text, f.Bot = conv, true, in.Bot
	if f.Settings, err = tx.Settings(); err != nil {
		return f, err
	}
	if f.Member, f.OnRecord, err = tx.Standing(actor.ID, conv.ID); err != nil {
		return f, err
	}
	if conv.Contact != 0 {
		if f.Contact, err = tx.Contact(conv.Contact); err != nil {
			return f, err
		}
	}
	if conv.Record != 0 {
		if f.Record, err = tx.Record(conv.Record); err != nil {
			return f, err
		}
	}
	if err := in.routeOut(tx, &f); err != nil {
		return f, err
	}
	if k := conv.Kind; f.By == bridge.SMS && conv.Inbound == 0 && k != bridge.KindCustomer && k != bridge.KindPartner {
		if f.Heard, err = tx.Heard(conv.Contact); err != nil { // their texts land elsewhere
			return f, err
		}
	}
	return f, in.peer(tx, actor, &f)
}

// routeOut says by which ways a message can leave, and by which it does.
func (in *Intake) routeOut(tx *data.Tx, f *bridge.Facts) error {
	p := f.Settings.Policy(f.Conversation.Kind)
	mail := p.Tells(bridge.Email) && f.Settings.PortalOn && f.Contact.Mail().Value != ""
	if mail {
		_, err := tx.Mailbox()
		if mail = err == nil; err != nil && !errors.Is(err, bridge.ErrNotFound) {
			return err
		}
	}
	in.route(f, mail)
	return nil
}

// route is routeOut for who knows whether the business can send mail. It also says
// whether the record is the contact's to hear of.
func (in *Intake) route(f *bridge.Facts, mail bool) {
	f.Ways = bridge.Ways(f.Settings, f.Settings.Policy(f.Conversation.Kind), f.Contact, f.Conversation.Address, mail)
	f.Tell = bridge.Tell(f.Settings, f.Ways, f.Contact.Told)
	if len(f.Tell) > 0 {
		f.By, f.To = f.Tell[0].Channel, f.Tell[0].To
	}
	f.Shared = shared(f.Record, f.Contact)
	f.At = in.Now().In(in.zone(f.Contact))
}

// shared reports whether a record is a contact's: they are among its people, or they
// submitted it.
func shared(r bridge.Record, c bridge.Contact) bool {
	return slices.Contains(r.Contacts, c.ID) || r.SubmittedBy != 0 && r.SubmittedBy == c.ID
}

// zone is where a contact lives, as far as anybody knows.
func (in *Intake) zone(c bridge.Contact) *time.Location {
	if c.Zone != "" {
		if z, err := time.LoadLocation(c.Zone); err == nil {
			return z
		}
	}
	return in.Zone
}

// peer is the colleague on the other side of a conversation of two.
func (in *Intake) peer(tx *data.Tx, actor bridge.Staff, f *bridge.Facts) error {
	if f.Conversation.Kind != bridge.KindTeam {
		return nil
	}
	members, err := tx.Members(f.Conversation.ID)
	if err != nil || len(members) != 2 {
		return err
	}
	for _, id := range members {
		if id != actor.ID {
			who, err := tx.StaffMember(id)
			if err != nil {
				return err
			}
			f.Who = who.Actor()
		}
	}
	return nil
}
