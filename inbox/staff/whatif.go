package staff

// "What happens if": the rules asked beforehand, and their answer in words.

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/templates"
)

// foundMost is how many of each a search offers; more words narrow it down.
const foundMost = 25

// A question is the form of the page, read from its address, so that an answer can
// be passed on.
type question struct {
	intake.Question
	who, find, date, time string
	asked                 bool
}

func readQuestion(c *gin.Context, zone *time.Location, now time.Time) (q question, err error) {
	q = question{who: c.Query("who"), find: clipWords(c.Query("find")), date: c.Query("date"), time: c.Query("time"), asked: c.Query("ask") != ""}
	if id, ok := strings.CutPrefix(q.who, "s"); ok && q.who != "system" {
		q.Staff = number[bridge.StaffID](id)
	} else if id, ok := strings.CutPrefix(q.who, "c"); ok {
		q.Contact = number[bridge.ContactID](id)
	}
	q.Do, q.Conversation, q.Who = bridge.Action(c.Query("do")), number[bridge.ConversationID](c.Query("c")), number[bridge.StaffID](c.Query("whom"))
	q.Start = intake.Start{
		Kind: bridge.Kind(c.Query("kind")), Contact: number[bridge.ContactID](c.Query("with")), Record: number[bridge.RecordID](c.Query("about")),
		Subject: clipWords(c.Query("subject")), Colleague: q.Who,
	}
	if q.Staff == 0 && q.Contact == 0 && q.who != "system" && q.asked {
		err = &bridge.Invalid{Field: "who", Problem: "Choose a person"}
	}
	if q.date == "" && q.time == "" {
		q.date, q.time = now.Format("2006-01-02"), now.Format("15:04")
		return q, err
	}
	at, bad := time.ParseInLocation("2006-01-02 15:04", q.date+" "+q.time, zone)
	if bad != nil {
		err = &bridge.Invalid{Field: "at", Problem: "Give a day and a time"}
	}
	q.At = at
	return q, err
}

// clipWords bounds what somebody types into a search.
func clipWords(s string) string {
	s = strings.Join(strings.Fields(bridge.CleanText(s)), " ")
	if r := []rune(s); len(r) > bridge.MaxTitle {
		s = string(r[:bridge.MaxTitle])
	}
	return s
}

func (s *Inbox) whatIf(c *gin.Context) error {
	q, err := readQuestion(c, s.Zone, s.now())
	bad, isBad := wrong(err)
	if err != nil && !isBad {
		return err
	}
	p := templates.WhatIfPage{
		SettingsShell: s.settingsShell(c, "What happens if", "/settings/what-if"), Find: q.find, Subject: q.Start.Subject,
		Date: q.date, Time: q.time, Actions: actionOptions(q.Do), Kinds: kindTicks(q.Start.Kind),
	}
	if s.Zone != time.Local { // that has no name that says anything
		p.Zone = s.Zone.String()
	}
	code := http.StatusOK
	err = s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		if q.asked && !isBad {
			p.Answer, err = s.answerTo(tx, me(c), q)
			if errors.Is(err, bridge.ErrNotFound) { // theirs alone, or nobody's: the asker learns no more
				err = &bridge.Invalid{Field: "conversation", Problem: "There is no such conversation, or it is not yours to see"}
				code = http.StatusNotFound
			}
			if bad, isBad = wrong(err); err != nil && !isBad {
				return err
			}
		}
		return s.whatIfChoices(tx, me(c), q, &p)
	})
	if err != nil {
		return err
	}
	if p.Bad = bad; isBad && code == http.StatusOK {
		code = http.StatusUnprocessableEntity
	}
	return s.Page(c, code, "settings-whatif", p)
}

// answerTo asks the rules and puts the answer in words.
func (s *Inbox) answerTo(tx *data.Tx, asker bridge.Staff, q question) (*templates.Answer, error) {
	d, f, err := s.in.AskedWith(tx, asker, q.Question)
	if err != nil {
		return nil, err
	}
	name := "Porchlight itself"
	if q.Staff != 0 {
		p, err := tx.StaffMember(q.Staff)
		if err != nil {
			return nil, err
		}
		name = p.Name
	} else if q.Contact != 0 {
		who, err := tx.Contact(q.Contact)
		if err != nil {
			return nil, err
		}
		name = who.Title()
	}
	at := q.At
	if at.IsZero() {
		at = s.now()
	}
	what := q.Do.Title()
	if q.Do.Concerns() {
		conv, err := tx.Conversation(asker, q.Conversation)
		if err != nil {
			return nil, err
		}
		what += " (" + conv.Title + ")"
	}
	a := newAnswer(d, "May "+name+" "+what+", "+at.Format("Mon 2 Jan 2006, 15:04")+"?", at)
	if writes := q.Do == bridge.DoReply || q.Do == bridge.DoStart; writes && q.Staff != 0 && d.Allowed() {
		cp, err := s.first(tx, f, bridge.Decision{})
		if err == nil {
			a.How = cp.Hint + "."
		} else if !errors.Is(err, bridge.ErrNotFound) { // without a number of the business nothing can be said
			return nil, err
		}
	}
	return a, nil
}

func newAnswer(d bridge.Decision, question string, at time.Time) *templates.Answer {
	a := &templates.Answer{Yes: d.Allowed(), Question: question, Sentence: d.Sentence + ".", Rule: d.Rule.Title()}
	if d.Fix != "" {
		a.Fix = d.Fix + "."
	}
	if !d.NotBefore.IsZero() {
		a.LeavesAt, a.Leaves = d.NotBefore.Format(time.RFC3339), d.NotBefore.Format("15:04")
		if local := at.In(d.NotBefore.Location()); local.Format("2006-01-02") != d.NotBefore.Format("2006-01-02") {
			a.Leaves += " on " + d.NotBefore.Format("Mon 2 Jan")
		}
	}
	return a
}

func actionOptions(chosen bridge.Action) (out []templates.ActionOption) {
	for _, do := range bridge.Actions {
		o := templates.ActionOption{Value: string(do), Text: do.Title(), On: do == chosen, For: "none"}
		switch do {
		case bridge.DoStart:
			o.For = "start"
		case bridge.DoAssign, bridge.DoMention, bridge.DoAddParticipant, bridge.DoRemoveParticipant:
			o.For = "conversation whom"
		case bridge.DoManageTeam:
			o.For = "whom"
		default:
			if do.Concerns() {
				o.For = "conversation"
			}
		}
		out = append(out, o)
	}
	return out
}

func kindTicks(chosen bridge.Kind) (out []templates.Tick) {
	for _, k := range bridge.Kinds {
		out = append(out, templates.Tick{Value: string(k), Text: k.Title(), On: k == chosen})
	}
	return out
}

// whatIfChoices fills the lists that a question is chosen from: what was found, and
// what is chosen already.
func (s *Inbox) whatIfChoices(tx *data.Tx, asker bridge.Staff, q question, p *templates.WhatIfPage) error {
	team, err := tx.Staff()
	if err != nil {
		return err
	}
	staff := templates.Group{Title: "The team"}
	for _, m := range team {
		text := m.Name + ", " + m.Role.Title()
		if !m.Active {
			text += " (switched off)"
		}
		id := strconv.FormatInt(int64(m.ID), 10)
		staff.Ticks = append(staff.Ticks, templates.Tick{Value: "s" + id, Text: text, On: m.ID == q.Staff})
		p.Colleagues = append(p.Colleagues, templates.Tick{Value: id, Text: text, On: m.ID == q.Who})
	}
	contacts, err := foundContacts(tx, q)
	if err != nil {
		return err
	}
	people := templates.Group{Title: "Contacts"}
	for _, k := range contacts {
		text, id := k.Title()+", "+k.Side.Title(), strconv.FormatInt(int64(k.ID), 10)
		people.Ticks = append(people.Ticks, templates.Tick{Value: "c" + id, Text: text, On: k.ID == q.Contact})
		p.Contacts = append(p.Contacts, templates.Tick{Value: id, Text: text, On: k.ID == q.Start.Contact})
	}
	p.Who = []templates.Group{staff, people, {Title: "Nobody", Ticks: []templates.Tick{{Value: "system", Text: "Porchlight itself", On: q.who == "system"}}}}
	if p.Conversations, err = foundConversations(tx, asker, q); err != nil {
		return err
	}
	p.Records, err = foundRecords(tx, q)
	return err
}

func foundContacts(tx *data.Tx, q question) ([]bridge.Contact, error) {
	found, err := tx.Contacts(data.ContactFilter{Words: q.find}, foundMost)
	if err != nil {
		return nil, err
	}
	for _, id := range []bridge.ContactID{q.Contact, q.Start.Contact} {
		known := id == 0
		for _, k := range found {
			known = known || k.ID == id
		}
		if known {
			continue
		}
		k, err := tx.Contact(id)
		if err == nil {
			found = append(found, k)
		} else if !errors.Is(err, bridge.ErrNotFound) {
			return nil, err
		}
	}
	return found, nil
}

func foundConversations(tx *data.Tx, asker bridge.Staff, q question) (out []templates.Tick, err error) {
	found, err := tx.ConversationsNamed(asker, q.find, foundMost)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && q.find != "" { // the words named a person: the newest are still there to choose
		if found, err = tx.ConversationsNamed(asker, "", foundMost); err != nil {
			return nil, err
		}
	}
	known := q.Conversation == 0
	for _, conv := range found {
		known = known || conv.ID == q.Conversation
	}
	if !known {
		conv, err := tx.Conversation(asker, q.Conversation)
		if err == nil {
			found = append(found, conv)
		} else if !errors.Is(err, bridge.ErrNotFound) {
			return nil, err
		}
	}
	for _, conv := range found {
		text := strings.TrimSuffix(conv.Title+", "+conv.Kind.Title()+", "+firstOf(conv.Subject, conv.RecordLabel), ", ")
		out = append(out, templates.Tick{Value: strconv.FormatInt(int64(conv.ID), 10), Text: text, On: conv.ID == q.Conversation})
	}
	return out, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func foundRecords(tx *data.Tx, q question) (out []templates.Tick, err error) {
	var found []bridge.Record
	if q.Start.Contact != 0 { // theirs first
		if found, err = tx.RecordsOf(q.Start.Contact, foundMost); err != nil {
			return nil, err
		}
	}
	others, err := tx.Records(data.RecordFilter{Words: q.find}, foundMost)
	if err != nil {
		return nil, err
	}
	if q.Start.Record != 0 {
		if r, err := tx.Record(q.Start.Record); err == nil {
			others = append(others, r)
		}
	}
	seen := map[bridge.RecordID]bool{}
	for _, r := range append(found, others...) {
		if !seen[r.ID] {
			seen[r.ID] = true
			out = append(out, templates.Tick{Value: strconv.FormatInt(int64(r.ID), 10), Text: r.Label(), On: r.ID == q.Start.Record})
		}
	}
	return out, nil
}
