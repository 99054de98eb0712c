package staff

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// recordChange reads what the form says of a record.
func recordChange(form url.Values) (ch intake.RecordChange, err error) {
	text := func(name string) *string { v := strings.TrimSpace(form.Get(name)); return &v }
	ch.Reference, ch.Title = text("reference"), text("title")
	switch {
	case form.Has("stage"):
		kind, stage, _ := strings.Cut(form.Get("stage"), stageCut)
		ch.ProjectType, ch.Stage = &kind, &stage
	case form.Has("stage_text"):
		ch.Stage = text("stage_text")
	}
	if form.Has("quota") {
		if ch.Quota, err = megabytes(form.Get("quota")); err != nil {
			return ch, err
		}
	}
	if form.Has("submitted_by") {
		by := number[bridge.ContactID](form.Get("submitted_by"))
		ch.SubmittedBy = &by
	}
	if len(form["contact"]) > mostPicks || len(form["staff"]) > mostPicks {
		return ch, &bridge.Invalid{Field: "contacts", Problem: "A record has at most " + strconv.Itoa(mostPicks) + " contacts and as many of the team"}
	}
	contacts, team := ids[bridge.ContactID](form["contact"]), ids[bridge.StaffID](form["staff"])
	ch.Contacts, ch.Staff = &contacts, &team
	return ch, nil
}

// stageCut stands between a project type and its stage in the value of a choice.
const stageCut = "\t"

// megabytes reads a quota as people write it; empty is no limit.
func megabytes(s string) (*int64, error) {
	var bytes int64
	if s = strings.TrimSpace(s); s != "" {
		mb, err := strconv.ParseFloat(s, 64)
		if err != nil || !(mb >= 0 && mb <= 1e9) {
			return nil, &bridge.Invalid{Field: "quota", Problem: "A quota is a number of megabytes; leave it empty for no limit"}
		}
		bytes = int64(mb * (1 << 20))
	}
	return &bytes, nil
}

// mostPicks is how many contacts, and how many of the team, a form can name: each is
// looked up, and stored while all other writers wait.
const mostPicks = 200

// ids reads the values of a field that are ids, each once, at most mostPicks.
func ids[T ~int64](values []string) (out []T) {
	for _, v := range values[:min(len(values), mostPicks)] {
		if id := number[T](v); id > 0 && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// newRecordForm is a record's form: as it is stored, or as somebody has typed it so
// far, with the contacts that they look for.
func (s *Inbox) newRecordForm(tx *data.Tx, r bridge.Record, sent url.Values) (f templates.RecordForm, err error) {
	chosen, team := slices.Concat(r.Contacts, ids[bridge.ContactID](sent["contact"])), r.Staff
	f = templates.RecordForm{Reference: r.Reference, Title: r.Title, StageText: r.Stage, Closed: r.Closed, Find: clip(sent.Get("find"))}
	if r.Quota > 0 {
		f.Quota = strconv.FormatFloat(float64(r.Quota)/(1<<20), 'f', -1, 64)
	}
	stage := r.ProjectType + stageCut + r.Stage
	if sent.Has("title") { // the whole form was sent, to look for somebody or with something wrong in it
		chosen, team = ids[bridge.ContactID](sent["contact"]), ids[bridge.StaffID](sent["staff"])
		f.Reference, f.Title, f.StageText, f.Quota = sent.Get("reference"), sent.Get("title"), sent.Get("stage_text"), sent.Get("quota")
		stage, f.Closed = sent.Get("stage"), sent.Has("closed")
		r.SubmittedBy = number[bridge.ContactID](sent.Get("submitted_by"))
		if t, err := bridge.ParseRecordType(sent.Get("type")); err == nil && r.ID == 0 {
			r.Type = t
		}
	}
	f.Types, f.Project, f.Maintenance = typeOptions(r.Type), r.Type == bridge.Project, r.Type == bridge.Maintenance
	settings, err := tx.Settings()
	if err != nil {
		return f, err
	}
	f.Stages = stageOptions(settings.Stages, stage)
	if f.Contacts, err = s.picks(tx, chosen); err != nil {
		return f, err
	}
	f.SubmittedBy = []templates.Option{{Value: "0", Text: "The team", Chosen: r.SubmittedBy == 0}}
	by := r.SubmittedBy
	for _, p := range f.Contacts {
		f.SubmittedBy = append(f.SubmittedBy, templates.Option{Value: p.Value, Text: p.Name, Chosen: p.Value == strconv.FormatInt(int64(by), 10)})
	}
	if by != 0 && !slices.Contains(chosen, by) { // they submitted it, and it is shared with others
		who, err := tx.Contact(by)
		if err != nil {
			return f, err
		}
		f.SubmittedBy = append(f.SubmittedBy, templates.Option{Value: strconv.FormatInt(int64(by), 10), Text: who.Title(), Chosen: true})
	}
	if f.Found, err = s.found(tx, f.Find, chosen); err != nil {
		return f, err
	}
	f.Team, err = teamPicks(tx, team)
	return f, err
}

// stageOptions are the stages of the settings, and the record's own where the
// settings do not list it.
func stageOptions(stages []bridge.Stage, chosen string) []templates.Option {
	out := []templates.Option{{Value: "", Text: "None"}}
	known := chosen == "" || chosen == stageCut
	for _, st := range stages {
		o := templates.Option{Value: st.ProjectType + stageCut + st.Name, Text: st.ProjectType + ": " + st.Name}
		if !st.Messages {
			o.Text += " (no messages)"
		}
		o.Chosen = o.Value == chosen
		known = known || o.Chosen
		out = append(out, o)
	}
	if !known {
		kind, stage, _ := strings.Cut(chosen, stageCut)
		out = append(out, templates.Option{Value: chosen, Text: strings.TrimPrefix(kind+": "+stage+" (not in the settings)", ": "), Chosen: true})
	}
	return out
}

// picks are the contacts that are chosen.
func (s *Inbox) picks(tx *data.Tx, chosen []bridge.ContactID) (out []templates.TickBox, err error) {
	for _, id := range chosen {
		c, err := tx.Contact(id)
		if err != nil {
			return nil, err
		}
		p := newTickBox(c)
		p.Chosen = true
		out = append(out, p)
	}
	return out, nil
}

// found are the contacts that a search offers besides those that are chosen.
func (s *Inbox) found(tx *data.Tx, words string, chosen []bridge.ContactID) (out []templates.TickBox, err error) {
	if words == "" {
		return nil, nil
	}
	cs, err := tx.Contacts(data.ContactFilter{Words: words}, candidates)
	for _, c := range cs {
		if !slices.Contains(chosen, c.ID) {
			out = append(out, newTickBox(c))
		}
	}
	return out, err
}

func newTickBox(c bridge.Contact) templates.TickBox {
	p := templates.TickBox{Value: strconv.FormatInt(int64(c.ID), 10), Name: c.Title(), Hint: c.Side.Title(), Initials: bridge.Initials(c.Title())}
	for _, a := range c.Addresses {
		if a.Pretty() != p.Name {
			p.Hint += " · " + a.Pretty()
			break
		}
	}
	return p
}

// teamPicks are all of the team who can be put on a record, and who is on it.
func teamPicks(tx *data.Tx, chosen []bridge.StaffID) (out []templates.TickBox, err error) {
	all, err := tx.Staff()
	for _, p := range all {
		on := slices.Contains(chosen, p.ID)
		if !p.Active && !on {
			continue
		}
		who := web.NewPerson(p)
		out = append(out, templates.TickBox{Value: strconv.FormatInt(int64(p.ID), 10), Name: who.Name, Hint: who.Role, Initials: who.Initials, Chosen: on})
	}
	return out, err
}
