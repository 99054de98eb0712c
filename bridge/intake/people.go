package intake

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
	"porchlight/data"
)

// A ContactChange is what somebody wants to be different about a contact. What is
// nil stays.
type ContactChange struct {
	Name, Company, Zone *string
	Side                *bridge.Side
	Busy                *bool
	Phones, Emails      []string // to add, as people write them
	External            *string  // the CRM's own id
	Told                *bridge.Told
	Language            *string // for the portal and mails; empty: the business's
	// OnlyPhones and OnlyEmails are all that the contact has: others that they had
	// are somebody else's from now on, as with PassAddress. EditContact obeys them.
	OnlyPhones, OnlyEmails *[]string
}

// AddContact makes a contact.
func (in *Intake) AddContact(ctx context.Context, actor bridge.Staff, ch ContactChange) (c bridge.Contact, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoEditContact, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		c, err = in.NewContact(tx, ch)
		return err
	})
	return c, err
}

// NewContact makes a contact in a transaction of whoever has decided that they may.
func (in *Intake) NewContact(tx *data.Tx, ch ContactChange) (c bridge.Contact, err error) {
	c.Side = bridge.Customer
	if err := ch.apply(&c); err != nil {
		return c, err
	}
	if c.Name == "" && len(ch.Phones) == 0 && len(ch.Emails) == 0 {
		return c, &bridge.Invalid{Field: "name", Problem: "Give a name, a phone number or an email"}
	}
	if c, err = tx.AddContact(c, in.Now()); err != nil {
		return c, err
	}
	return in.changeContact(tx, c, ch)
}

// EditContact changes a contact.
func (in *Intake) EditContact(ctx context.Context, actor bridge.Staff, id bridge.ContactID, ch ContactChange) (c bridge.Contact, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoEditContact, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		if c, err = standing(tx, id); err != nil {
			return err
		}
		if c, err = in.ChangeContact(tx, c, ch.withOnly()); err != nil {
			return err
		}
		c, err = in.passOthers(tx, actor, c, ch)
		return err
	})
	return c, err
}

// withOnly adds what the contact has only, too.
func (ch ContactChange) withOnly() ContactChange {
	if ch.OnlyPhones != nil {
		ch.Phones = slices.Concat(ch.Phones, *ch.OnlyPhones)
	}
	if ch.OnlyEmails != nil {
		ch.Emails = slices.Concat(ch.Emails, *ch.OnlyEmails)
	}
	return ch
}

// passOthers gives up the addresses that are not among all that a contact has. The
// change has been applied, so what it names can be read.
func (in *Intake) passOthers(tx *data.Tx, actor bridge.Staff, c bridge.Contact, ch ContactChange) (bridge.Contact, error) {
	keep := map[string]bool{}
	for _, p := range ch.withOnly().Phones {
		phone, err := in.ParsePhone(p)
		if err != nil {
			return c, err
		}
		keep[string(phone)] = true
	}
	for _, e := range ch.withOnly().Emails {
		email, err := ParseEmail(e)
		if err != nil {
			return c, err
		}
		keep[email] = true
	}
	for _, a := range slices.Clone(c.Addresses) {
		only := ch.OnlyPhones
		if a.Channel == bridge.Email {
			only = ch.OnlyEmails
		}
		if _, err := bridge.ParsePhone(a.Value); only == nil || keep[a.Value] || a.Channel == bridge.SMS && err != nil {
			continue // also a sender that is no number, which no list of numbers can name
		}
		var err error
		if c, err = in.pass(tx, actor, c, a); err != nil {
			return c, err
		}
	}
	return c, nil
}

// ChangeContact changes a contact in a transaction of whoever has decided that they
// may.
func (in *Intake) ChangeContact(tx *data.Tx, c bridge.Contact, ch ContactChange) (bridge.Contact, error) {
	if err := ch.apply(&c); err != nil {
		return c, err
	}
	return in.changeContact(tx, c, ch)
}

// standing finds a contact that was not merged into another.
func standing(tx *data.Tx, id bridge.ContactID) (bridge.Contact, error) {
	c, err := tx.Contact(id)
	if err == nil && c.MergedInto != 0 {
		err = bridge.ErrNotFound
	}
	return c, err
}

// apply puts the plain fields on a contact.
func (ch ContactChange) apply(c *bridge.Contact) error {
	for _, f := range []struct {
		name string
		from *string
		to   *string
	}{{"name", ch.Name, &c.Name}, {"company", ch.Company, &c.Company}} {
		if f.from == nil {
			continue
		}
		*f.to = strings.Join(strings.Fields(bridge.CleanText(*f.from)), " ")
		if utf8.RuneCountInString(*f.to) > 100 {
			return &bridge.Invalid{Field: f.name, Problem: "A name has at most 100 characters"}
		}
	}
	if ch.Zone != nil {
		if _, err := time.LoadLocation(*ch.Zone); err != nil || *ch.Zone == "Local" {
			return &bridge.Invalid{Field: "zone", Problem: "Write a time zone like America/Los_Angeles"}
		}
		c.Zone = *ch.Zone
	}
	if ch.External != nil {
		c.External = strings.TrimSpace(bridge.CleanText(*ch.External))
		if utf8.RuneCountInString(c.External) > 100 || strings.ContainsAny(c.External, "\n\t") {
			return &bridge.Invalid{Field: "external_id", Problem: "An id has at most 100 characters, on one line"}
		}
	}
	if ch.Told != nil {
		if _, err := bridge.ParseTold(string(*ch.Told)); err != nil {
			return err
		}
		c.Told = *ch.Told
	}
	if ch.Language != nil {
		if *ch.Language != "" && !slices.Contains(bridge.Languages[:], *ch.Language) {
			return &bridge.Invalid{Field: "language", Problem: "Choose one of the languages"}
		}
		c.Language = *ch.Language
	}
	if ch.Side != nil {
		c.Side = *ch.Side
	}
	if ch.Busy != nil {
		c.Busy = *ch.Busy
	}
	if !c.Side.HasStatus() {
		c.Busy = false
	}
	return nil
}

func (in *Intake) changeContact(tx *data.Tx, c bridge.Contact, ch ContactChange) (bridge.Contact, error) {
	for _, p := range ch.Phones {
		phone, err := in.ParsePhone(p)
		if err != nil {
			return c, err
		}
		if _, err := tx.LineByPhone(string(phone)); err == nil {
			return c, &bridge.Invalid{Field: "phone", Problem: "This is the business's own number"}
		}
		if err := in.addAddress(tx, c, bridge.SMS, string(phone)); err != nil {
			return c, err
		}
	}
	for _, e := range ch.Emails {
		email, err := ParseEmail(e)
		if err != nil {
			return c, err
		}
		if err := in.addAddress(tx, c, bridge.Email, email); err != nil {
			return c, err
		}
	}
	c, err := reread(tx, c)
	if err != nil {
		return c, err
	}
	if ch.External != nil {
		if other, err := tx.ContactByExternal(c.External); err == nil && other != c.ID {
			return c, &bridge.Taken{Field: "external_id", Problem: "Another contact has this id already", ID: int64(other)}
		} else if err != nil && !errors.Is(err, bridge.ErrNotFound) {
			return c, err
		}
		if err := tx.SetExternal(c.ID, c.External); err != nil {
			return c, err
		}
	}
	return c, tx.PutContact(c)
}

// reread gives a contact its addresses as they are stored now.
func reread(tx *data.Tx, c bridge.Contact) (bridge.Contact, error) {
	now, err := tx.Contact(c.ID)
	c.Addresses = now.Addresses
	return c, err
}

func (in *Intake) addAddress(tx *data.Tx, c bridge.Contact, ch bridge.Channel, value string) error {
	_, err := tx.AddAddress(bridge.Address{Contact: c.ID, Channel: ch, Value: value, Answerable: true}, in.Now())
	return ignoreDuplicate(err)
}

// ParseEmail reads an address as people write it, and gives it in lower case.
func ParseEmail(s string) (string, error) {
	a, err := mail.ParseAddress(strings.TrimSpace(s))
	if err != nil || len(a.Address) > 254 || !strings.Contains(a.Address, ".") {
		return "", &bridge.Invalid{Field: "email", Problem: "This is not an email address. Write it like priya@example.com"}
	}
	return strings.ToLower(a.Address), nil
}

// PassAddress says that a number or an email is somebody else's from now on. Its
// next message is from a new contact, who sees nothing of what was said before.
func (in *Intake) PassAddress(ctx context.Context, actor bridge.Staff, id bridge.ContactID, address bridge.AddressID) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoEditContact, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		c, err := standing(tx, id)
		if err != nil {
			return err
		}
		for _, a := range c.Addresses {
			if a.ID == address {
				_, err = in.pass(tx, actor, c, a)
				return err
			}
		}
		return bridge.ErrNotFound
	})
}

// pass gives up an address. What waits to leave for it is not sent; invitations, and
// the links into the portal that went there, end: whoever has the address now is
// somebody else.
func (in *Intake) pass(tx *data.Tx, actor bridge.Staff, c bridge.Contact, a bridge.Address) (bridge.Contact, error) {
	now := in.Now()
	if err := tx.EndAddress(a.ID, now); err != nil {
		return c, err
	}
	text := actor.Name + " noted that " + a.Pretty() + " is not " + c.Title() + "'s any more"
	waited, err := tx.CancelWaiting(c.ID, a.Channel, a.Value, now)
	if err != nil {
		return c, err
	}
	switch {
	case waited == 1:
		text += ", so the text that waited for it is not sent"
	case waited > 1:
		text += ", so the " + strconv.Itoa(waited) + " texts that waited for it are not sent"
	}
	if err := errors.Join(tx.EndTickets(invitePurpose(c.ID)), tx.RevokeLinksTo(a, now)); err != nil {
		return c, err
	}
	if !c.Connected() {
		c.InvitedAt = time.Time{} // nor are they invited any more
	}
	if c, err = reread(tx, c); err != nil {
		return c, err
	}
	return c, errors.Join(tx.PutContact(c), in.tell(tx, actor, c, text))
}

// tell writes a line into each of a contact's conversations that the actor sees.
func (in *Intake) tell(tx *data.Tx, actor bridge.Staff, c bridge.Contact, text string) error {
	cs, err := tx.ConversationsWith(actor, c.ID, 20)
	for _, conv := range cs {
		if err == nil && conv.Contact == c.ID {
			err = event(tx, conv.ID, text, in.Now())
		}
	}
	return err
}

// Merge says that two contacts are one: from turned out to be into. Both histories
// stay, each in its conversation, and both say so.
func (in *Intake) Merge(ctx context.Context, actor bridge.Staff, from, into bridge.ContactID) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoMerge, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		a, err := standing(tx, from)
		if err != nil {
			return err
		}
		b, err := standing(tx, into)
		if err != nil {
			return err
		}
		if a.ID == b.ID {
			return &bridge.Invalid{Field: "into", Problem: "Choose the other contact"}
		}
		text := actor.Name + " merged " + a.Title() + " into " + b.Title()
		if b.Name == "" && a.Name != "" {
			b.Name = a.Name
		}
		if b.ConnectedAt.IsZero() {
			b.ConnectedAt = a.ConnectedAt
		}
		if a.InvitedAt.After(b.InvitedAt) { // the link that they have goes on working
			b.InvitedAt = a.InvitedAt
		}
		if err := tx.MoveTickets(invitePurpose(a.ID), invitePurpose(b.ID)); err != nil {
			return err
		}
		if err := tx.PutContact(b); err != nil {
			return err
		}
		if err := tx.Merge(a, b, in.Now()); err != nil {
			return err
		}
		if b, err = reread(tx, b); err != nil {
			return err
		}
		return errors.Join(tx.PutContact(b), in.tell(tx, actor, b, text))
	})
}

// inviteTime is how long an invitation works.
const inviteTime = 30 * 24 * time.Hour

// invitePurpose names a contact's invitations among the one-time links.
func invitePurpose(id bridge.ContactID) string { return about("contact", int64(id)) }

// Invite makes an invitation for a contact, whose link has the secret of hash. text
// is what they are texted; empty texts nothing. client is the form's own key: the
// same key twice texts once, and the second time is bridge.ErrDuplicate.
func (in *Intake) Invite(ctx context.Context, actor bridge.Staff, id bridge.ContactID, hash, text, client string) error {
	if err := checkKey(client); err != nil {
		return err
	}
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoInvite, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		c, err := standing(tx, id)
		if err != nil {
			return err
		}
		now := in.Now()
		c.InvitedAt = now
		if err := errors.Join(tx.AddTicket(hash, invitePurpose(id), now.Add(inviteTime)), tx.PutContact(c)); err != nil {
			return err
		}
		if text == "" {
			return nil
		}
		line, err := tx.SendingLine(0)
		if err != nil {
			return err
		}
		conv, err := tx.CustomerConversation(c, line.ID, now)
		if err != nil {
			return err
		}
		f, err := in.facts(tx, actor, conv)
		if err != nil {
			return err
		}
		f.By = bridge.SMS
		if err := bridge.Decide(actor.Actor(), bridge.DoReply, &f).Err(); err != nil {
			return err
		}
		// An invitation is never an answer, so it keeps out of the quiet hours.
		_, err = in.say(tx, actor, &f, Draft{Conversation: conv, Body: text, ClientID: client, leave: f.Settings.Quiet(f.At)}, bridge.DoReply, now)
		return err // a key that was used takes back the whole of it
	})
}

// Invited finds whose invitation a link is, without using it.
func (in *Intake) Invited(tx *data.Tx, hash string) (bridge.Contact, error) {
	purpose, err := tx.TicketPurpose(hash, in.Now())
	if err != nil {
		return bridge.Contact{}, err
	}
	id, ok := strings.CutPrefix(purpose, "contact:")
	if !ok {
		return bridge.Contact{}, bridge.ErrNotFound
	}
	return standing(tx, parseID[bridge.ContactID](id))
}

// AcceptInvite connects a contact. The link goes on working, so that a second tap
// says the same again.
func (in *Intake) AcceptInvite(ctx context.Context, hash string) (c bridge.Contact, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if c, err = in.Invited(tx, hash); err != nil || c.Connected() {
			return err
		}
		return in.connect(tx, &c)
	})
	return c, err
}

// stillNew is how old a message may be to count as unread for who comes into the
// portal for the first time: they have read the earlier ones as texts.
const stillNew = 24 * time.Hour

// connect notes that a contact has come in, and opens what waited for that.
func (in *Intake) connect(tx *data.Tx, c *bridge.Contact) error {
	now := in.Now()
	c.ConnectedAt = now
	if err := errors.Join(tx.PutContact(*c), tx.StartedBefore(c.ID, now.Add(-stillNew))); err != nil {
		return err
	}
	rs, err := tx.RecordsOf(c.ID, 200)
	if err != nil {
		return err
	}
	for _, r := range rs {
		if r.Type != bridge.Maintenance {
			continue
		}
		if r, err = tx.Record(r.ID); err != nil {
			return err
		}
		if err := in.openRequests(tx, r, now); err != nil {
			return err
		}
	}
	return nil
}
