package staff

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// zones are those that the form offers; any other of the IANA list may be typed.
var zones = []string{
	"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu",
	"America/Toronto", "America/Vancouver", "Europe/London", "Europe/Dublin", "Europe/Berlin", "Australia/Sydney", "Australia/Perth", "Pacific/Auckland",
}

// invalid splits an error of a form into its field and its sentence.
func invalid(err error) (field, problem string, ok bool) {
	var v *bridge.Invalid
	if errors.As(err, &v) {
		return v.Field, v.Problem + ".", true
	}
	return "", "", false
}

// done is what the page says after an action that led back to it.
func done(c *gin.Context) string {
	switch c.Query("done") {
	case "saved":
		return "Saved."
	case "made":
		return "Stored. Everything can be changed below."
	case "passed":
		return "Noted. The next message from there starts a new contact, who sees nothing of what was said before."
	case "link":
		return "The link is on its way."
	case "ended":
		return "All links have ended, and they are signed out everywhere. A new link lets them in again."
	case "merged":
		return "The two are one person now. Both histories are kept."
	}
	return ""
}

func (s *Inbox) profile(c *gin.Context) error { return s.showProfile(c, http.StatusOK, nil) }

// showProfile shows a contact. with puts what an action has to say on the page.
func (s *Inbox) showProfile(c *gin.Context, code int, with func(*templates.ContactPage)) error {
	if err := seesPeople(c); err != nil {
		return err
	}
	id, err := web.ID[bridge.ContactID](c, "id")
	if err != nil {
		return err
	}
	p := templates.ContactPage{Shell: s.Shell(c, "", "people"), Done: done(c), Client: newClient()}
	var into bridge.ContactID
	err = s.look(c.Request.Context(), func(tx *data.Tx) error {
		p.Rev = tx.Rev()
		who, err := tx.Contact(id)
		if err != nil {
			return err
		}
		if into = who.MergedInto; into != 0 {
			return nil
		}
		return s.fillProfile(tx, me(c), who, &p)
	})
	if err != nil {
		return err
	}
	if into != 0 { // an old link leads to who they turned out to be
		c.Redirect(http.StatusSeeOther, contactURL(into))
		return nil
	}
	if with != nil {
		with(&p)
	}
	return s.Page(c, code, "contact", p)
}

func (s *Inbox) fillProfile(tx *data.Tx, reader bridge.Staff, who bridge.Contact, p *templates.ContactPage) error {
	now := s.now()
	may := func(do bridge.Action) bool { return bridge.Decide(reader.Actor(), do, &bridge.Facts{}).Allowed() }
	p.Title, p.Who = who.Title(), newContactRow(who, now)
	p.Since = "Since " + who.CreatedAt.In(now.Location()).Format("2 January 2006")
	p.Can = templates.ContactCan{Edit: may(bridge.DoEditContact), Invite: may(bridge.DoInvite), Merge: may(bridge.DoMerge)}
	p.Form = templates.ContactForm{
		Name: who.Name, Company: who.Company, Zone: who.Zone, Sides: sideOptions(who.Side), HasStatus: who.Side.HasStatus(), Busy: who.Busy,
		Zones: zones, ZoneHint: s.zoneHint(), Told: toldOptions(who.Told), Languages: languageOptions(who.Language),
	}
	settings, err := tx.Settings()
	if err != nil {
		return err
	}
	if p.Portal, err = s.newPortalCard(tx, reader, settings, who); err != nil {
		return err
	}
	for _, a := range who.Addresses {
		p.Reach = append(p.Reach, newReach(a))
		others, err := tx.AddressesOf(a.Channel, a.Value)
		if err != nil {
			return err
		}
		for _, o := range others {
			if o.Contact == who.ID || slices.ContainsFunc(p.Household, func(h templates.Housemate) bool { return h.Href == contactURL(o.Contact) }) {
				continue
			}
			other, err := tx.Contact(o.Contact)
			if err != nil {
				return err
			}
			p.Household = append(p.Household, templates.Housemate{Href: contactURL(other.ID), Name: other.Title(), Shares: a.Pretty()})
		}
	}
	p.InviteTo, p.InviteWhyNot = textable(who)
	return s.fillHistory(tx, reader, who, p)
}

// fillHistory adds what a contact has to do with: records and conversations.
func (s *Inbox) fillHistory(tx *data.Tx, reader bridge.Staff, who bridge.Contact, p *templates.ContactPage) error {
	rs, err := tx.RecordsOf(who.ID, 50)
	if err != nil {
		return err
	}
	for _, r := range rs {
		p.Records = append(p.Records, newRecordLine(r))
	}
	cs, err := tx.ConversationsWith(reader, who.ID, 50)
	for _, conv := range cs {
		p.Talks = append(p.Talks, newTalkLine(conv, s.now()))
	}
	return err
}

// newTalkLine is a conversation in the list of a contact or a record.
func newTalkLine(conv bridge.Conversation, now time.Time) templates.TalkLine {
	l := templates.TalkLine{
		Href: conversationURL(bridge.ViewOpen, conv.ID), Title: conv.Kind.Title(), Preview: conv.Preview, Unread: conv.Unread,
		Last: templates.NewStamp(conv.LastAt, now),
	}
	switch {
	case conv.RecordLabel != "":
		l.Title = conv.RecordLabel
	case conv.Subject != "":
		l.Title = conv.Subject
	}
	if conv.Subject != "" && conv.RecordLabel != "" && conv.Kind == bridge.KindTopic {
		l.Title = conv.Subject + " · " + conv.RecordLabel
	}
	switch conv.State {
	case bridge.Closed:
		l.State = &templates.Badge{Tone: "ok", Icon: "tick", Text: "Closed"}
	case bridge.Waiting:
		l.State = &templates.Badge{Tone: "warn", Icon: "clock", Text: "Waiting"}
	case bridge.Snoozed:
		l.State = &templates.Badge{Icon: "moon", Text: "Snoozed"}
	case bridge.Open:
	}
	return l
}

// newReach is an address on the profile.
func newReach(a bridge.Address) templates.Reach {
	r := templates.Reach{ID: a.ID, Label: "Mobile", Value: a.Pretty(), Badge: addressBadge(a, false), Icon: "phone"}
	switch {
	case a.Channel == bridge.Email:
		r.Label, r.Icon = "Email", "email"
	case !a.Answerable:
		r.Label = "Sender"
	}
	if _, err := bridge.ParsePhone(a.Value); err == nil && a.Channel == bridge.SMS {
		r.CallHref = "tel:" + a.Value
	}
	return r
}

// textable is the number that an invitation can be texted to, or why there is none.
func textable(who bridge.Contact) (number, whyNot string) {
	a := who.AnswerTo("")
	switch {
	case a.Value == "":
		return "", "There is no number to text it to."
	case !a.Answerable:
		return "", a.Pretty() + " cannot be texted."
	case a.OptedOut:
		return "", "They texted STOP, so it cannot be texted."
	}
	return a.Pretty(), ""
}

// onContact runs a change of the contact in the path and goes back to the profile,
// which shows what was not right.
func (s *Inbox) onContact(c *gin.Context, do func(bridge.ContactID) (saved string, err error)) error {
	id, err := web.ID[bridge.ContactID](c, "id")
	if err != nil {
		return err
	}
	saved, err := do(id)
	if field, problem, ok := invalid(err); ok {
		return s.showProfile(c, http.StatusUnprocessableEntity, func(p *templates.ContactPage) {
			p.Error, p.ErrorField = problem, field
			typed(c, &p.Form)
		})
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, contactURL(id)+"?done="+saved)
	return nil
}

// typed puts what somebody sent back into the form, so that nothing is typed twice.
func typed(c *gin.Context, f *templates.ContactForm) {
	for _, v := range []struct {
		name string
		to   *string
	}{{"name", &f.Name}, {"company", &f.Company}, {"zone", &f.Zone}, {"phone", &f.Phone}, {"email", &f.Email}} {
		if s, ok := c.GetPostForm(v.name); ok {
			*v.to = s
		}
	}
}

func (s *Inbox) editContact(c *gin.Context) error {
	return s.onContact(c, func(id bridge.ContactID) (string, error) {
		ch, err := contactChange(c)
		if err == nil {
			_, err = s.in.EditContact(c.Request.Context(), me(c), id, ch)
		}
		return "saved", err
	})
}

func (s *Inbox) addAddress(c *gin.Context) error {
	return s.onContact(c, func(id bridge.ContactID) (string, error) {
		var ch intake.ContactChange
		if v := c.PostForm("phone"); v != "" {
			ch.Phones = []string{v}
		}
		if v := c.PostForm("email"); v != "" {
			ch.Emails = []string{v}
		}
		if len(ch.Phones)+len(ch.Emails) == 0 {
			return "", &bridge.Invalid{Field: "phone", Problem: "Write a number or an email first"}
		}
		_, err := s.in.EditContact(c.Request.Context(), me(c), id, ch)
		return "saved", err
	})
}

func (s *Inbox) passAddress(c *gin.Context) error {
	return s.onContact(c, func(id bridge.ContactID) (string, error) {
		return "passed", s.in.PassAddress(c.Request.Context(), me(c), id, number[bridge.AddressID](c.PostForm("address")))
	})
}

// candidates is how many contacts a search for one offers.
const candidates = 12

// mergePage finds the other contact, and then says what a merge does.
func (s *Inbox) mergePage(c *gin.Context) error { return s.showMerge(c, http.StatusOK, "") }

func (s *Inbox) showMerge(c *gin.Context, code int, problem string) error {
	if err := bridge.Decide(me(c).Actor(), bridge.DoMerge, &bridge.Facts{}).Err(); err != nil {
		return err
	}
	id, err := web.ID[bridge.ContactID](c, "id")
	if err != nil {
		return err
	}
	p := templates.MergePage{Shell: s.Shell(c, "Merge two contacts", "people"), Words: clip(c.Query("q")), Error: problem}
	err = s.look(c.Request.Context(), func(tx *data.Tx) error {
		who, err := standing(tx, id)
		if err != nil {
			return err
		}
		p.From = newContactRow(who, s.now())
		if into := number[bridge.ContactID](c.Query("into")); into != 0 {
			other, err := standing(tx, into)
			if err != nil {
				return err
			}
			row := newContactRow(other, s.now())
			p.Into, p.IntoID = &row, other.ID
			return nil
		}
		if p.Words == "" {
			return nil
		}
		found, err := tx.Contacts(data.ContactFilter{Words: p.Words}, candidates)
		for _, f := range found {
			if f.ID != id {
				row := newContactRow(f, s.now())
				row.Href = contactURL(id) + "/merge?into=" + strconv.FormatInt(int64(f.ID), 10)
				p.Found = append(p.Found, row)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.Page(c, code, "merge", p)
}

// standing finds a contact that was not merged into another.
func standing(tx *data.Tx, id bridge.ContactID) (bridge.Contact, error) {
	c, err := tx.Contact(id)
	if err == nil && c.MergedInto != 0 {
		err = bridge.ErrNotFound
	}
	return c, err
}

func (s *Inbox) merge(c *gin.Context) error {
	id, err := web.ID[bridge.ContactID](c, "id")
	if err != nil {
		return err
	}
	into := number[bridge.ContactID](c.PostForm("into"))
	err = s.in.Merge(c.Request.Context(), me(c), id, into)
	if _, problem, ok := invalid(err); ok {
		return s.showMerge(c, http.StatusUnprocessableEntity, problem)
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, contactURL(into)+"?done=merged")
	return nil
}
