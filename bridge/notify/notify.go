// Package notify gives deliveries their words when they leave: what a mail says, and
// the texts that carry a link or a code. What it makes at that moment, the secret of a
// link or six digits, is in no store; only its hash is.
package notify

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// Options are what the words are made of.
type Options struct {
	Now       func() time.Time
	PublicURL string // without a final slash
	Business  bridge.Sender
	Zone      *time.Location
	// Language is the business's; empty is English.
	Language string
	// Pictures gives the addresses from which a carrier fetches those of a message
	// that goes to a phone. May be nil.
	Pictures func(*data.Tx, bridge.MessageID, string) ([]string, error)
}

// Notify makes the words. Its Prepare is outbox.Options.Prepare.
type Notify struct{ Options }

// New makes it.
func New(o Options) *Notify { return &Notify{o} }

// Prepare gives what a claimed delivery says, or bridge.ErrNotWanted for a mail about
// what was read meanwhile, and for what the AI receptionist wrote before a person took
// over.
func (n *Notify) Prepare(tx *data.Tx, c data.Claim) (bridge.Outgoing, error) {
	if c.Purpose == bridge.ForBot {
		return n.bot(tx, c)
	}
	if c.Hold != 0 {
		if late, err := overtaken(tx, c); err != nil || late {
			return bridge.Outgoing{}, cmp.Or(err, bridge.ErrNotWanted)
		}
	}
	if !c.Unsaid() {
		return n.plain(tx, c) // almost all
	}
	r, err := n.reader(tx, c)
	if err != nil {
		return bridge.Outgoing{}, err
	}
	if c.Channel == bridge.Email {
		return n.mail(tx, c, r)
	}
	return n.text(tx, c, r)
}

// plain is a text that says what somebody wrote, with its pictures.
func (n *Notify) plain(tx *data.Tx, c data.Claim) (o bridge.Outgoing, err error) {
	if o = c.Outgoing(); c.Media && n.Pictures != nil {
		o.Media, err = n.Pictures(tx, c.Message, c.To)
	}
	return o, err
}

// A reader is whom a delivery is for.
type reader struct {
	contact  bridge.Contact // zero for one of the team
	staff    bridge.Staff
	language string
	zone     *time.Location
}

func (n *Notify) reader(tx *data.Tx, c data.Claim) (r reader, err error) {
	r.language, r.zone = n.Language, n.Zone
	switch {
	case c.Contact != 0:
		if r.contact, err = tx.Contact(c.Contact); err != nil {
			return r, err
		}
		if r.contact.Language != "" {
			r.language = r.contact.Language
		}
		if z, err := time.LoadLocation(r.contact.Zone); err == nil && r.contact.Zone != "" {
			r.zone = z
		}
	case c.Staff != 0:
		r.staff, err = tx.StaffMember(c.Staff)
	}
	return r, err
}

// text makes the words of a text that carries a link or a code, or tells a phone on
// duty. The words are kept without the secret: a lost answer is looked for by them.
func (n *Notify) text(tx *data.Tx, c data.Claim, r reader) (bridge.Outgoing, error) {
	out := c.Outgoing()
	if c.Body == bridge.Secret {
		words, err := n.words(tx, c, r)
		if err != nil {
			return out, err
		}
		if err := tx.SetBody(c.ID, words); err != nil {
			return out, err
		}
		out.Body = words
	}
	if !strings.Contains(out.Body, bridge.Secret) {
		return out, nil
	}
	if c.Purpose == bridge.ForMessage {
		if _, err := takesPart(tx, c); err != nil {
			return out, err
		}
	}
	var secret string
	var err error
	if c.Purpose == bridge.ForCode {
		secret, err = n.code(tx, c)
	} else {
		secret, err = n.link(tx, c)
	}
	out.Body = strings.ReplaceAll(out.Body, bridge.Secret, secret)
	return out, err
}

func (n *Notify) words(tx *data.Tx, c data.Claim, r reader) (string, error) {
	say := texts[r.language]
	if say == nil {
		say = texts[""]
	}
	switch c.Purpose {
	case bridge.ForLink:
		return fmt.Sprintf(say[bridge.ForLink], n.Business.Name, bridge.Secret), nil
	case bridge.ForCode:
		return fmt.Sprintf(say[bridge.ForCode], n.Business.Name, bridge.Secret), nil
	case bridge.ForMessage, bridge.ForAlert, bridge.ForBot, bridge.ForRelay:
	}
	m, err := tx.Message(c.Message)
	if err != nil {
		return "", err
	}
	if c.Purpose == bridge.ForAlert {
		return n.alertText(tx, c, m, r)
	}
	return fmt.Sprintf(say[bridge.ForMessage], n.Business.Name, cmp.Or(first(m.Author.Name), n.Business.Name), bridge.Secret), nil
}

// alertText is what a phone on duty is told of a message.
func (n *Notify) alertText(tx *data.Tx, c data.Claim, m bridge.Message, r reader) (words string, err error) {
	say, ok := alerts[r.language]
	if !ok {
		say = alerts[""]
	}
	owner, err := tx.StaffByPhone(c.To)
	known := err == nil
	if err != nil && !errors.Is(err, bridge.ErrNotFound) {
		return "", err
	}
	if known {
		if _, err := tx.Conversation(owner, m.Conversation); errors.Is(err, bridge.ErrNotFound) {
			return say.unseen, nil
		} else if err != nil {
			return "", err
		}
	}
	switch h := m.Handoff; {
	case h != nil:
		who := m.Author.Name
		if c, err := tx.AnyConversation(m.Conversation); err == nil {
			who = c.Title
		}
		words = fmt.Sprintf(say.handoff, strings.ToLower(h.Urgency.Title()), who, short(strings.Join(strings.Fields(cmp.Or(h.Summary, h.Intent, m.Body)), " ")))
	case m.Channel == bridge.SMS:
		words = fmt.Sprintf(say.text, m.Author.Name, short(m.Preview()))
	default:
		words = fmt.Sprintf(say.portal, m.Author.Name, short(m.Preview()))
	}
	how := say.inbox
	if known {
		how = say.here
	}
	return words + "\n" + fmt.Sprintf(how, n.PublicURL, m.Conversation), nil
}

// first is the first name: all that people outside are told of one of the team.
func first(name string) string {
	name, _, _ = strings.Cut(name, " ")
	return name
}

var errPortalOff = errors.New("the portal is off, so a link into it would lead nowhere")

// takesPart finds the conversation of a message for a contact, or gives
// bridge.ErrNotWanted where they were taken out of it meanwhile. While the portal is
// off, it is tried again.
func takesPart(tx *data.Tx, c data.Claim) (data.Thread, error) {
	conv, err := tx.ContactConversation(c.Contact, c.Conversation)
	if !errors.Is(err, bridge.ErrNotFound) {
		return conv, err
	}
	if s, err := tx.Settings(); err != nil {
		return conv, err
	} else if !s.PortalOn {
		return conv, errPortalOff
	}
	return conv, bridge.ErrNotWanted
}

// short cuts what a text to a phone on duty quotes: with the words around it, it fits
// two parts.
func short(s string) string {
	const most = 120
	if r := []rune(s); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return s
}

// link makes a magic link for the reader of a delivery.
func (n *Notify) link(tx *data.Tx, c data.Claim) (string, error) {
	secret, hash := bridge.NewSecret()
	now := n.Now()
	err := tx.AddPortalLink(hash, data.PortalLink{
		Contact: c.Contact, Conversation: c.Conversation, Channel: c.Channel, Address: c.To,
		CreatedAt: now, ExpiresAt: now.Add(bridge.LinkTime),
	})
	return n.PublicURL + "/m/" + secret, err
}

func (n *Notify) code(tx *data.Tx, c data.Claim) (string, error) {
	key, err := tx.Secret(bridge.CodeKey)
	if err != nil {
		return "", err
	}
	code, now := bridge.NewCode(), n.Now()
	return code, tx.AddPortalCode(c.Contact, bridge.CodeHash(key, c.Contact, code), now, now.Add(bridge.CodeTime))
}

// mail puts together what a mail says.
func (n *Notify) mail(tx *data.Tx, c data.Claim, r reader) (bridge.Outgoing, error) {
	out := c.Outgoing()
	_, domain, _ := strings.Cut(c.From, "@")
	notice := &bridge.Notice{
		Language: r.language, Zone: r.zone, To: r.contact.Name, Business: n.Business, CallText: n.Business.Phone,
		ID: strings.ToLower(fmt.Sprintf("d%d.%s@%s", c.ID, c.Token, domain)),
	}
	out.Notice, out.Body = notice, ""
	set, err := tx.Settings()
	if err != nil {
		return out, err
	}
	if set.UrgentPhone != "" {
		notice.CallText = set.UrgentPhone
	}
	switch c.Purpose {
	case bridge.ForLink:
		notice.Kind, notice.LinkUntil = bridge.NoticeLink, n.Now().Add(bridge.LinkTime)
		notice.Link, err = n.link(tx, c)
	case bridge.ForCode:
		notice.Kind = bridge.NoticeCode
		notice.Code, err = n.code(tx, c)
	case bridge.ForAlert:
		err = n.alert(tx, c, r, notice, domain)
	case bridge.ForMessage:
		err = n.message(tx, c, r, notice, domain)
	case bridge.ForBot, bridge.ForRelay:
	}
	return out, err
}

// message says in a mail what a contact has not read yet.
func (n *Notify) message(tx *data.Tx, c data.Claim, r reader, notice *bridge.Notice, domain string) error {
	conv, err := takesPart(tx, c)
	if err != nil {
		return err
	}
	if r.contact.Told == bridge.ToldNothing || r.contact.Told == bridge.ToldByText && r.contact.Texted() {
		return bridge.ErrNotWanted // they want no mails any more
	}
	said, err := tx.Carried(c.ID)
	if err != nil {
		return err
	}
	notice.Kind = bridge.NoticeMessage
	for _, m := range said {
		if !seen(m, func(v bridge.Seen) bool { return v.Contact == c.Contact }) {
			it := item(m, n.Business.Name)
			if m.Author.Kind == bridge.ByStaff {
				it.Author = first(it.Author)
			}
			notice.Messages = append(notice.Messages, it)
		}
	}
	if len(notice.Messages) == 0 {
		return bridge.ErrNotWanted
	}
	notice.Title = title(conv.Conversation)
	thread(notice, conv.ID, fmt.Sprint("c", c.Contact), domain)
	key, err := tx.Secret(bridge.StopKey)
	if err != nil {
		return err
	}
	notice.Unsubscribe = n.PublicURL + "/u/" + bridge.StopToken(key, c.Contact)
	notice.Settings = n.PublicURL + "/portal/settings"
	notice.LinkUntil = n.Now().Add(bridge.LinkTime)
	notice.Link, err = n.link(tx, c)
	return err
}

// alert says in a mail to one of the team what a contact wrote.
func (n *Notify) alert(tx *data.Tx, c data.Claim, r reader, notice *bridge.Notice, domain string) error {
	conv, err := tx.Conversation(r.staff, c.Conversation)
	if errors.Is(err, bridge.ErrNotFound) || err == nil && !r.staff.Active {
		return bridge.ErrNotWanted
	}
	if err != nil {
		return err
	}
	said, err := tx.Carried(c.ID)
	if err != nil {
		return err
	}
	notice.Kind, notice.To, notice.Urgent = bridge.NoticeAlert, r.staff.Name, conv.Urgent
	for _, m := range said {
		if !seen(m, func(v bridge.Seen) bool { return v.Staff == r.staff.ID }) {
			notice.Messages = append(notice.Messages, item(m, n.Business.Name))
		}
	}
	if len(notice.Messages) == 0 {
		return bridge.ErrNotWanted
	}
	if notice.Title = title(conv); notice.Title == "" {
		notice.Title = conv.Title
	}
	thread(notice, conv.ID, fmt.Sprint("s", r.staff.ID), domain)
	notice.Link = fmt.Sprintf("%s/inbox/c/%d", n.PublicURL, conv.ID)
	return nil
}

// thread makes the mails of a conversation to one reader one thread in their program.
func thread(notice *bridge.Notice, id bridge.ConversationID, who, domain string) {
	notice.Root = fmt.Sprintf("c%d.%s@%s", id, who, domain)
	notice.ListID = fmt.Sprintf("c%d.%s", id, domain)
}

func seen(m bridge.Message, by func(bridge.Seen) bool) bool {
	for _, v := range m.Views {
		if by(v) && !v.ReadAt.IsZero() {
			return true
		}
	}
	return false
}

// title is what a conversation is about; it stays the same as long as that does.
func title(c bridge.Conversation) string {
	about := c.About
	switch {
	case c.Subject != "" && about.Reference != "":
		return fmt.Sprintf("%s (%s #%s)", c.Subject, strings.ToLower(about.Type.Title()), about.Reference)
	case c.Subject != "":
		return c.Subject
	case about.ID != 0:
		return strings.TrimSpace(fmt.Sprintf("%s (%s #%s)", about.Title, strings.ToLower(about.Type.Title()), about.Reference))
	}
	return ""
}

func item(m bridge.Message, business string) bridge.NoticeItem {
	it := bridge.NoticeItem{Author: m.Author.Name, At: m.At, Body: m.Body, Automatic: m.Author.Kind == bridge.ByAI || m.Author.Kind == bridge.BySystem}
	if it.Author == "" {
		it.Author = business
	}
	for _, a := range m.Attachments {
		if a.Photo() {
			it.Photos++
		} else {
			it.Files++
		}
	}
	return it
}
