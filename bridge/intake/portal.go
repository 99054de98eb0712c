package intake

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// What contacts do in the portal: write, start, see, and choose how to be told. How
// they come in is in enter.go.

// ContactFacts reads a conversation as a contact may see it, and all that Decide
// wants to know of it. What they may not see is bridge.ErrNotFound.
func (in *Intake) ContactFacts(tx *data.Tx, who bridge.Contact, id bridge.ConversationID) (f bridge.Facts, err error) {
	t, err := tx.ContactConversation(who.ID, id)
	if err != nil {
		return f, err
	}
	f = bridge.Facts{Conversation: t.Conversation, Contact: who, Member: true, By: bridge.Portal, Text: true, At: in.Now().In(in.zone(who))}
	if f.Settings, err = tx.Settings(); err != nil {
		return f, err
	}
	if t.Record != 0 {
		if f.Record, err = tx.Record(t.Record); err != nil {
			return f, err
		}
		f.Shared = shared(f.Record, who)
	}
	return f, nil
}

// PortalReply stores what a contact writes in the portal, and tells the team and the
// others who take part. It gives the message that is stored, also when the same
// ClientID was used before.
func (in *Intake) PortalReply(ctx context.Context, who bridge.ContactID, d Draft) (m bridge.Message, err error) {
	if err := d.clean(); err != nil {
		return m, err
	}
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		c, err := standing(tx, who)
		if err != nil {
			return err
		}
		f, err := in.ContactFacts(tx, c, d.Conversation)
		if err != nil {
			return err
		}
		m, err = in.contactSays(tx, &f, d)
		return err
	})
	return m, err
}

// contactSays stores a contact's message in a conversation that they see.
func (in *Intake) contactSays(tx *data.Tx, f *bridge.Facts, d Draft) (m bridge.Message, err error) {
	c, now := f.Contact, in.Now()
	if d.ClientID != "" {
		m, err = tx.MessageByClient(d.Conversation, d.ClientID)
		switch {
		case err == nil && m.Author.Kind == bridge.ByContact && m.Author.ID == int64(c.ID):
			return m, nil
		case err == nil:
			return m, &bridge.Invalid{Field: "client", Problem: "This key was used for another message. Use a new one"}
		case !errors.Is(err, bridge.ErrNotFound):
			return m, err
		}
	}
	if err := in.withFiles(tx, f, c.Actor().Uploader(), &d); err != nil {
		return m, err
	}
	if err := bridge.Decide(c.Actor(), bridge.DoReply, f).Err(); err != nil {
		return m, err
	}
	was, err := in.attended(tx, d.Conversation)
	if err != nil {
		return m, err
	}
	m, err = tx.AddMessage(bridge.Message{
		Conversation: d.Conversation, At: now, Direction: bridge.In, Channel: bridge.Portal,
		Author: bridge.Author{Kind: bridge.ByContact, ID: int64(c.ID), Name: c.Title()},
		Body:   d.Body, ClientID: d.ClientID, Attachments: d.attached,
	})
	if err != nil {
		return m, err
	}
	if f.Conversation.Record == 0 {
		if err := in.place(tx, c.ID, m); err != nil {
			return m, fmt.Errorf("find record: %w", err)
		}
	}
	if err := in.alert(tx, m, f); err != nil {
		return m, err
	}
	if err := in.offerToBot(tx, was, m); err != nil {
		return m, err
	}
	m.Deliveries, err = in.deliverOthers(tx, m, f, time.Time{})
	return m, err
}

// A PortalStart is a conversation that a contact wants to begin in the portal.
type PortalStart struct {
	// Kind and Record are what it is about; see PortalKinds.
	Kind     bridge.Kind
	Record   bridge.RecordID
	Subject  string
	Body     string
	Files    []bridge.AttachmentID
	ClientID string
}

// A PortalChoice is one thing that a contact may start a conversation about.
type PortalChoice struct {
	Kind         bridge.Kind
	Record       bridge.Record         // its zero value: none
	Conversation bridge.ConversationID // there is one already; 0: it would be new
	Subject      bool                  // it needs one
}

// PortalChoices lists what a contact may start a conversation about: the projects on
// which the stage allows it, and their own conversation with the team.
func (in *Intake) PortalChoices(tx *data.Tx, who bridge.Contact) (out []PortalChoice, err error) {
	s, err := tx.Settings()
	if err != nil || !s.PortalOn {
		return nil, err
	}
	rs, err := tx.RecordsOf(who.ID, 200)
	if err != nil {
		return nil, err
	}
	for _, r := range rs {
		if r.Type != bridge.Project || r.Closed {
			continue
		}
		if r, err = tx.Record(r.ID); err != nil {
			return nil, err
		}
		f := in.portalStartFacts(s, who, r, PortalStart{Kind: bridge.KindTopic, Subject: "x"})
		if bridge.Decide(who.Actor(), bridge.DoStart, &f).Allowed() {
			out = append(out, PortalChoice{Kind: bridge.KindTopic, Record: r, Subject: s.Policy(bridge.KindTopic).Subject == bridge.SubjectRequired})
		}
	}
	own, err := in.ownKind(tx, s, who)
	if err != nil || own.Kind == "" {
		return out, err
	}
	return append(out, own), nil
}

// ownKind is the one conversation that a contact has with the team on any matter, if
// they may write in it or begin it.
func (in *Intake) ownKind(tx *data.Tx, s *bridge.Settings, who bridge.Contact) (c PortalChoice, err error) {
	kind, err := in.KindWith(tx, who)
	if err != nil || kind == bridge.KindPartner {
		return c, err // only the team starts those
	}
	c = PortalChoice{Kind: kind}
	c.Conversation, err = tx.ConversationAbout(about(kind, int64(who.ID)))
	if err == nil {
		f, err := in.ContactFacts(tx, who, c.Conversation)
		if errors.Is(err, bridge.ErrNotFound) || err == nil && !bridge.Decide(who.Actor(), bridge.DoReply, &f).Allowed() {
			return PortalChoice{}, nil
		}
		return c, err
	}
	if !errors.Is(err, bridge.ErrNotFound) {
		return c, err
	}
	f := in.portalStartFacts(s, who, bridge.Record{}, PortalStart{Kind: kind})
	if !bridge.Decide(in.starter(who, kind), bridge.DoStart, &f).Allowed() || !s.Policy(kind).On {
		return PortalChoice{}, nil
	}
	return c, nil
}

// starter is who begins a conversation that a contact asks for: a customer's first
// message begins theirs by itself, as a text does.
func (in *Intake) starter(who bridge.Contact, k bridge.Kind) bridge.Actor {
	if k == bridge.KindCustomer {
		return bridge.System
	}
	return who.Actor()
}

func (in *Intake) portalStartFacts(s *bridge.Settings, who bridge.Contact, r bridge.Record, p PortalStart) bridge.Facts {
	return bridge.Facts{
		Settings: s, Conversation: bridge.Conversation{Kind: p.Kind}, Contact: who, Record: r, Shared: shared(r, who),
		By: bridge.Portal, Subject: p.Subject, Text: true, At: in.Now().In(in.zone(who)),
	}
}

// PortalStart begins a conversation for a contact, or finds the one that there is,
// and stores what they write in it.
func (in *Intake) PortalStart(ctx context.Context, who bridge.ContactID, p PortalStart) (m bridge.Message, err error) {
	p.Subject = strings.Join(strings.Fields(bridge.CleanText(p.Subject)), " ")
	if n := len([]rune(p.Subject)); n > bridge.MaxTitle {
		return m, &bridge.Invalid{Field: "subject", Problem: fmt.Sprintf("A subject has at most %d characters", bridge.MaxTitle)}
	}
	d := Draft{Body: p.Body, Files: p.Files, ClientID: p.ClientID}
	if err := d.clean(); err != nil {
		return m, err
	}
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		c, err := standing(tx, who)
		if err != nil {
			return err
		}
		if d.Conversation, err = in.portalOpen(tx, c, p); err != nil {
			return err
		}
		f, err := in.ContactFacts(tx, c, d.Conversation)
		if err != nil {
			return err
		}
		m, err = in.contactSays(tx, &f, d)
		return err
	})
	return m, err
}

// portalOpen gives the conversation that a contact writes to, and begins it where it
// is not there.
func (in *Intake) portalOpen(tx *data.Tx, c bridge.Contact, p PortalStart) (bridge.ConversationID, error) {
	s, err := tx.Settings()
	if err != nil {
		return 0, err
	}
	if !s.PortalOn || !slices.Contains([]bridge.Kind{bridge.KindCustomer, bridge.KindDirect, bridge.KindTopic}, p.Kind) {
		return 0, bridge.ErrNotFound
	}
	var r bridge.Record
	if p.Kind == bridge.KindTopic {
		if r, err = tx.Record(p.Record); err != nil || !shared(r, c) {
			return 0, &bridge.Invalid{Field: "record", Problem: "Choose what it is about"}
		}
	}
	key := about(p.Kind, int64(c.ID))
	if p.Kind == bridge.KindTopic {
		key = fmt.Sprintf("topic:c%d:%s", c.ID, cmp.Or(p.ClientID, rand.Text()))
	}
	id, err := tx.ConversationAbout(key)
	if !errors.Is(err, bridge.ErrNotFound) {
		return id, err
	}
	f := in.portalStartFacts(s, c, r, p)
	if err := bridge.Decide(in.starter(c, p.Kind), bridge.DoStart, &f).Err(); err != nil {
		return 0, err
	}
	return in.open(tx, &f, key, bridge.Staff{}, in.Now())
}

// HaveInView notes that a contact had messages of a conversation in view.
func (in *Intake) HaveInView(ctx context.Context, who bridge.ContactID, conv bridge.ConversationID, ids []bridge.MessageID) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		if _, err := tx.ContactConversation(who, conv); err != nil {
			return err
		}
		return tx.ReadBy(who, conv, ids, in.Now())
	})
}

// HaveShown notes that an open page of a contact has the newest messages.
func (in *Intake) HaveShown(ctx context.Context, who bridge.ContactID, conv bridge.ConversationID) error {
	var news bool
	look := func(tx *data.Tx) (err error) {
		news, err = tx.Undelivered(who, conv)
		return err
	}
	if err := in.Store.Read(ctx, look); err != nil || !news {
		return err // spares a commit for each page
	}
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		if _, err := tx.ContactConversation(who, conv); err != nil {
			return err
		}
		_, err := tx.DeliveredTo(who, conv, in.Now())
		return err
	})
}

// Wishes are what a contact chooses for themselves.
type Wishes struct {
	Told     bridge.Told
	Language string
}

// SetWishes keeps what a contact chose.
func (in *Intake) SetWishes(ctx context.Context, who bridge.ContactID, w Wishes) error {
	if _, err := bridge.ParseTold(string(w.Told)); err != nil {
		return err
	}
	if !slices.Contains(bridge.Languages[:], w.Language) && w.Language != "" {
		return &bridge.Invalid{Field: "language", Problem: "Choose one of the languages"}
	}
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		c, err := standing(tx, who)
		if err != nil {
			return err
		}
		c.Told, c.Language = w.Told, w.Language
		return tx.PutContact(c)
	})
}

// StopMails is the one click of a mail's unsubscribe link: the contact gets no more
// mails about messages. Texts, and the portal itself, stay as they are.
func (in *Intake) StopMails(ctx context.Context, who bridge.ContactID) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		c, err := standing(tx, who)
		if err != nil {
			return err
		}
		wish := bridge.ToldNothing
		if c.Texted() && c.Told != bridge.ToldNothing {
			wish = bridge.ToldByText // which is told by mail only where no text can arrive
		}
		if c.Told == wish {
			return nil
		}
		c.Told = wish
		return tx.PutContact(c)
	})
}

// parseMail reads an email address that somebody typed.
func parseMail(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	return s, err == nil && a.Address == s && len(s) <= 254
}
