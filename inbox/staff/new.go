package staff

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// picksShown is how many people or records a step offers; more are found by typing.
const picksShown = 8

// startable are the kinds that the reader may start, as far as that is known before
// anybody is chosen.
func (s *Inbox) startable(settings *bridge.Settings, reader bridge.Staff) (out []bridge.Kind) {
	for _, k := range bridge.Kinds {
		p := settings.Policy(k)
		if !p.On || !p.Starters.Staff {
			continue
		}
		f := bridge.Facts{Settings: settings, Conversation: bridge.Conversation{Kind: k}}
		if d := bridge.Decide(reader.Actor(), bridge.DoStart, &f); d.Rule != bridge.RuleRole {
			out = append(out, k)
		}
	}
	return out
}

// newPage shows the next question: each answer is in the query, so a plain browser
// goes through it link by link.
func (s *Inbox) newPage(c *gin.Context) error {
	return s.answerNew(c, http.StatusOK, c.Request.URL.Query(), "")
}

// answerNew shows the form for what has been chosen so far.
func (s *Inbox) answerNew(c *gin.Context, code int, q url.Values, problem string) error {
	var p templates.NewPage
	err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		p, err = s.newStart(tx, me(c), q)
		return err
	})
	if err != nil {
		return err
	}
	p.Shell, p.Error = s.Shell(c, "New conversation", "inbox"), problem
	if web.WantsFragment(c) {
		return s.Fragment(c, code, "newform", p)
	}
	return s.Page(c, code, "new", p)
}

// create starts the conversation and goes to it.
func (s *Inbox) create(c *gin.Context) error {
	if err := c.Request.ParseForm(); err != nil {
		return &bridge.Invalid{Field: "form", Problem: "The form could not be read"}
	}
	q := c.Request.PostForm
	if strings.TrimSpace(q.Get("body")) == "" { // Start would open an empty one
		return s.answerNew(c, http.StatusUnprocessableEntity, q, "Write something first.")
	}
	id, err := s.in.Start(c.Request.Context(), me(c), intake.Start{
		Kind: bridge.Kind(q.Get("kind")), Contact: number[bridge.ContactID](q.Get("contact")), Phone: q.Get("phone"), Name: q.Get("name"),
		Record: number[bridge.RecordID](q.Get("record")), Colleague: number[bridge.StaffID](q.Get("staff")),
		Subject: q.Get("subject"), Body: q.Get("body"), ClientID: q.Get("client"),
	})
	var invalid *bridge.Invalid
	var denied *bridge.Denied
	if errors.As(err, &invalid) || errors.As(err, &denied) {
		t := web.Explain(c.Request.Context(), err)
		return s.answerNew(c, http.StatusUnprocessableEntity, q, t.Sentence())
	}
	if err != nil {
		return err
	}
	to := conversationURL(bridge.ViewOpen, id)
	if web.WantsFragment(c) {
		c.Header("X-Location", to)
		c.Status(http.StatusNoContent)
		return nil
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// newStart builds the form from what has been chosen so far.
func (s *Inbox) newStart(tx *data.Tx, reader bridge.Staff, q url.Values) (p templates.NewPage, err error) {
	settings, err := tx.Settings()
	if err != nil {
		return p, err
	}
	if q, err = s.fromRecord(tx, settings, reader, q); err != nil {
		return p, err
	}
	kinds := s.startable(settings, reader)
	if len(kinds) == 0 {
		f := bridge.Facts{Settings: settings, Conversation: bridge.Conversation{Kind: bridge.KindCustomer}}
		if err := bridge.Decide(reader.Actor(), bridge.DoStart, &f).Err(); err != nil {
			return p, err
		}
		return p, &bridge.Denied{Code: "kind_off", Sentence: "No kind of conversation is in use that the team starts", Fix: "Choose a preset in the settings"}
	}
	kind := bridge.Kind(q.Get("kind"))
	if !slices.Contains(kinds, kind) {
		kind = kinds[0]
	}
	for _, k := range kinds {
		p.Kinds = append(p.Kinds, templates.Tab{Title: k.Title(), Href: newURL(url.Values{"kind": {string(k)}}), Current: k == kind})
	}
	p.Kind, p.Query, p.Name, p.Subject, p.Body = string(kind), clip(q.Get("q")), q.Get("name"), q.Get("subject"), q.Get("body")
	if p.Client = q.Get("client"); p.Client == "" {
		p.Client = newClient()
	}
	p.Asks, p.Back = asks(kind), "/inbox"
	policy := settings.Policy(kind)
	p.NeedsSubject, p.NeedsRecord = policy.Subject == bridge.SubjectRequired, len(kind.About()) > 0
	if p.NeedsSubject {
		p.SubjectHint = "A few words that say what it is about, such as: Kitchen tiles, or Change of the start date"
	}
	if kind == bridge.KindTeam {
		return p, s.newTeam(tx, reader, q, &p)
	}
	return p, s.newWith(tx, reader, kind, q, &p)
}

func newURL(q url.Values) string { return "/inbox/new?" + q.Encode() }

func asks(k bridge.Kind) string {
	switch k {
	case bridge.KindTeam:
		return "Which colleague?"
	case bridge.KindJob:
		return "Which client?"
	case bridge.KindPartner:
		return "Which handyman?"
	case bridge.KindDirect:
		return "Which tenant, owner or service pro?"
	case bridge.KindTopic:
		return "Which customer?"
	case bridge.KindCustomer, bridge.KindMaintenance:
	}
	return "Whom is it for?"
}

// fromRecord answers the first questions where a record's page asked for the form.
func (s *Inbox) fromRecord(tx *data.Tx, settings *bridge.Settings, reader bridge.Staff, q url.Values) (url.Values, error) {
	id := number[bridge.RecordID](q.Get("record"))
	if id == 0 || q.Get("kind") != "" || !bridge.Decide(reader.Actor(), bridge.DoSeePeople, &bridge.Facts{}).Allowed() {
		return q, nil // whether there is such a record is nothing to who sees none
	}
	r, err := tx.Record(id)
	if err != nil {
		return q, err
	}
	for _, k := range s.startable(settings, reader) {
		if slices.Contains(k.About(), r.Type) {
			q.Set("kind", string(k))
		}
	}
	if q.Get("kind") == "" && mayEditRecords(reader) == nil { // not as if it were about nothing
		return q, &bridge.Denied{Code: "kind_off", Sentence: "The team starts no conversations about a " + strings.ToLower(r.Type.Title()), Fix: "Share it with whom it concerns, or switch the kind on in the settings"}
	}
	if len(r.Contacts) > 0 && q.Get("contact") == "" {
		q.Set("contact", strconv.FormatInt(int64(r.Contacts[0]), 10))
	}
	return q, nil
}

// newTeam offers colleagues: everybody at once, or one.
func (s *Inbox) newTeam(tx *data.Tx, reader bridge.Staff, q url.Values, p *templates.NewPage) error {
	team, err := tx.Staff()
	if err != nil {
		return err
	}
	chosen := q.Get("staff")
	offer := func(id, name, hint, blocked, fix string) {
		pick := templates.Pick{ID: id, Text: name, Hint: hint, Initials: bridge.Initials(name), Blocked: blocked, Fix: fix,
			Href: newURL(url.Values{"kind": {string(bridge.KindTeam)}, "staff": {id}})}
		if id == chosen {
			p.Person = &pick
		}
		if matches(name, p.Query) {
			p.Found = append(p.Found, pick)
		}
	}
	offer("0", "Everybody", "The whole team", "", "")
	for _, colleague := range team {
		if colleague.ID == reader.ID || !colleague.Active {
			continue
		}
		f := bridge.Facts{Conversation: bridge.Conversation{Kind: bridge.KindTeam}, Who: colleague.Actor()}
		if f.Settings, err = tx.Settings(); err != nil {
			return err
		}
		f.By = bridge.Inbox
		d := bridge.Decide(reader.Actor(), bridge.DoStart, &f)
		if d.Allowed() {
			d.Sentence = ""
		}
		offer(strconv.FormatInt(int64(colleague.ID), 10), colleague.Name, colleague.Role.Title(), d.Sentence, d.Fix)
	}
	p.Hint = "Only the members of this conversation see it"
	return nil
}

func matches(name, query string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(query))
}

// newWith asks for a contact, then for one of their records where the kind is about
// one, and then for the words.
func (s *Inbox) newWith(tx *data.Tx, reader bridge.Staff, kind bridge.Kind, q url.Values, p *templates.NewPage) error {
	id := number[bridge.ContactID](q.Get("contact"))
	if id == 0 && kind == bridge.KindCustomer {
		p.Phone = q.Get("phone")
	}
	if id == 0 && p.Phone == "" {
		return s.offerPeople(tx, kind, p)
	}
	ahead, err := s.in.Prospect(tx, reader, intake.Start{Kind: kind, Contact: id, Phone: p.Phone, Record: number[bridge.RecordID](q.Get("record")), Subject: "x"})
	if err != nil {
		return err
	}
	if id != 0 {
		pick := newContactPick(ahead.Facts.Contact, kind)
		p.Person = &pick
	}
	if p.NeedsRecord {
		if err := s.offerRecords(tx, reader, kind, id, q.Get("record"), p); err != nil {
			return err
		}
	}
	if p.NeedsRecord && p.Record == nil {
		if len(p.Records) == 0 {
			p.Blocked, p.Fix = "There is nothing of theirs that a conversation could be about", "Make a record for them first"
			if mayEditRecords(reader) == nil {
				p.FixHref = "/records/new?contact=" + strconv.FormatInt(int64(id), 10)
			}
		}
		return nil
	}
	if d := ahead.Decision; !d.Allowed() {
		p.Blocked, p.Fix = d.Sentence, d.Fix
		return nil
	}
	cp, err := s.first(tx, ahead.Facts, ahead.Decision)
	p.Hint, p.CallHref, p.CallText = cp.Hint, cp.CallHref, cp.CallText
	return err
}

// offerPeople lists contacts that a conversation of the kind can be with. A number
// that nobody has yet is offered as a new contact; it is not taken at once, because
// in many countries the first digits of a number are a number too.
func (s *Inbox) offerPeople(tx *data.Tx, kind bridge.Kind, p *templates.NewPage) error {
	cs, err := tx.Contacts(data.ContactFilter{Words: p.Query, For: kind}, picksShown)
	if err != nil {
		return err
	}
	for _, c := range cs {
		p.Found = append(p.Found, newContactPick(c, kind))
	}
	if kind != bridge.KindCustomer || len(p.Found) > 0 {
		return nil
	}
	if phone, err := s.in.ParsePhone(p.Query); err == nil {
		p.Found = []templates.Pick{{Text: phone.Pretty(), Hint: "A new contact", Href: newURL(url.Values{"kind": {string(kind)}, "phone": {string(phone)}})}}
	}
	return nil
}

func newContactPick(c bridge.Contact, kind bridge.Kind) templates.Pick {
	id := strconv.FormatInt(int64(c.ID), 10)
	hint := []string{c.Side.Title()}
	if c.Company != "" {
		hint = append(hint, c.Company)
	}
	if len(c.Addresses) > 0 && c.Name != "" {
		hint = append(hint, c.Addresses[0].Pretty())
	}
	return templates.Pick{ID: id, Text: c.Title(), Hint: strings.Join(hint, " · "), Initials: bridge.Initials(c.Title()),
		Href: newURL(url.Values{"kind": {string(kind)}, "contact": {id}})}
}

// offerRecords lists what of the contact's a conversation can be about. Others are
// shown with the reason and the fix.
func (s *Inbox) offerRecords(tx *data.Tx, reader bridge.Staff, kind bridge.Kind, contact bridge.ContactID, chosen string, p *templates.NewPage) error {
	rs, err := tx.RecordsOf(contact, 50)
	if err != nil {
		return err
	}
	for _, r := range rs {
		if !slices.Contains(kind.About(), r.Type) || r.Closed {
			continue
		}
		ahead, err := s.in.Prospect(tx, reader, intake.Start{Kind: kind, Contact: contact, Record: r.ID, Subject: "x"})
		if err != nil {
			return err
		}
		id := strconv.FormatInt(int64(r.ID), 10)
		pick := templates.Pick{ID: id, Text: r.Label(), Hint: r.Stage,
			Href: newURL(url.Values{"kind": {string(kind)}, "contact": {strconv.FormatInt(int64(contact), 10)}, "record": {id}})}
		if d := ahead.Decision; !d.Allowed() {
			pick.Blocked, pick.Fix, pick.Href = d.Sentence, d.Fix, ""
			if d.Code == "not_sent_to_portal" && mayEditRecords(reader) == nil {
				pick.Href = recordURL(r.ID)
			}
		}
		if id == chosen && pick.Blocked == "" {
			p.Record = &pick
		}
		p.Records = append(p.Records, pick)
	}
	return nil
}
