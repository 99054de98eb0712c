package staff

// The kinds of conversation: which there are, and every rule of one that may be
// changed.

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/templates"
)

func (s *Inbox) kinds(c *gin.Context) error {
	now, err := s.settingsNow(c)
	if err != nil {
		return err
	}
	p := templates.KindsPage{SettingsShell: s.settingsShell(c, "Kinds of conversation", "/settings/kinds"), Preset: now.Preset.Title()}
	for _, k := range bridge.Kinds {
		p.Kinds = append(p.Kinds, newKindRow(now.Policy(k)))
	}
	return s.Page(c, http.StatusOK, "settings-kinds", p)
}

func newKindRow(p *bridge.Policy) templates.KindRow {
	row := templates.KindRow{Title: p.Kind.Title(), Help: p.Kind.Help(), Href: kindURL(p.Kind), On: p.On, SeenBy: seenByTitle(p.SeenBy)}
	var ways []string
	for _, ch := range p.Tell {
		ways = append(ways, channelTitle(ch))
	}
	row.Tell, row.Alert = strings.Join(ways, ", "), "Inbox"
	if p.Link && p.Tells(bridge.SMS) {
		row.Tell += " with a link"
	}
	for _, ch := range p.Alert {
		row.Alert += ", " + strings.ToLower(channelTitle(ch))
	}
	switch {
	case p.Files.Most == 0:
		row.Files = "None"
	case p.Files.Most == 1:
		row.Files = "1 of up to " + sizeMB(p.Files.MaxSize) + " MB"
	default:
		row.Files = strconv.Itoa(p.Files.Most) + " of up to " + sizeMB(p.Files.MaxSize) + " MB"
	}
	return row
}

func kindURL(k bridge.Kind) string { return "/settings/kinds/" + string(k) }

func seenByTitle(a bridge.Audience) string {
	if a == bridge.WholeTeam {
		return "The whole team"
	}
	return "Those who take part"
}

func channelTitle(ch bridge.Channel) string {
	switch ch {
	case bridge.Portal:
		return "Portal"
	case bridge.SMS:
		return "Text"
	case bridge.Email:
		return "Email"
	case bridge.Inbox:
		return "Inbox"
	case bridge.Voice:
		return "Call"
	}
	return string(ch)
}

const mb = 1 << 20

func sizeMB(bytes int64) string { return strconv.FormatInt((bytes+mb-1)/mb, 10) }

// outside are the ways to and from people outside, in the order of the page.
var outside = []bridge.Channel{bridge.Portal, bridge.SMS, bridge.Email}

// A kindForm is a policy as somebody edits it: what should be numbers is still text.
type kindForm struct {
	bridge.Policy
	most, size, types string
}

func newKindForm(p bridge.Policy) kindForm {
	f := kindForm{Policy: p, most: strconv.Itoa(p.Files.Most), types: strings.Join(p.Files.Types, ", ")}
	if p.Files.MaxSize > 0 {
		f.size = sizeMB(p.Files.MaxSize)
	}
	return f
}

func pathKind(c *gin.Context) (bridge.Kind, error) {
	k := bridge.Kind(c.Param("kind"))
	if !k.Valid() {
		return "", bridge.ErrNotFound
	}
	return k, nil
}

func (s *Inbox) kind(c *gin.Context) error {
	k, err := pathKind(c)
	if err != nil {
		return err
	}
	now, err := s.settingsNow(c)
	if err != nil {
		return err
	}
	return s.showKind(c, newKindForm(*now.Policy(k)), templates.Bad{})
}

func (s *Inbox) showKind(c *gin.Context, f kindForm, bad templates.Bad) error {
	code := http.StatusOK
	if bad.Text != "" {
		code = http.StatusUnprocessableEntity
	}
	p := newKindPage(s.settingsShell(c, f.Kind.Title(), "/settings/kinds"), f)
	p.Bad = bad
	return s.Page(c, code, "settings-kind", p)
}

func newKindPage(sh templates.SettingsShell, f kindForm) templates.KindPage {
	k := f.Kind
	p := templates.KindPage{
		SettingsShell: sh, Href: kindURL(k), Heading: k.Title(), Help: k.Help(), On: f.On, Most: f.most, SizeMB: f.size, Types: f.types,
		Alone: f.Files.Alone, Quota: f.Files.Quota, HasRecord: len(k.About()) > 0, FromTop: f.FromTop, Starters: starterTicks(f.Policy),
	}
	for _, r := range []struct {
		rule bridge.SubjectRule
		text string
	}{{bridge.NoSubject, "None"}, {bridge.SubjectRequired, "Whoever starts it writes one"}, {bridge.SubjectDerived, "It comes from what it is about"}} {
		if r.rule != bridge.SubjectDerived || p.HasRecord {
			p.Subjects = append(p.Subjects, templates.Tick{Value: string(r.rule), Text: r.text, On: f.Subject == r.rule})
		}
	}
	p.Instead = []templates.Tick{{Text: "Another way", On: f.Files.Instead != "email"}, {Value: "email", Text: "By email", On: f.Files.Instead == "email"}}
	if k != bridge.KindTeam { // what colleagues write stays in the inbox
		for _, ch := range outside {
			p.Tell = append(p.Tell, templates.Tick{Value: string(ch), Text: channelTitle(ch), On: f.Tells(ch)})
			p.Accept = append(p.Accept, templates.Tick{Value: string(ch), Text: channelTitle(ch), On: f.Accepts(ch)})
		}
		p.Link = f.Link
		p.Alert = []templates.Tick{
			{Value: string(bridge.SMS), Text: "A text to the phones on duty", Help: "They are named in the configuration: on_duty", On: f.Alerts(bridge.SMS)},
			{Value: string(bridge.Email), Text: "An email to those of the team who take part", Help: "Whoever has read it meanwhile gets none", On: f.Alerts(bridge.Email)},
		}
		p.Add = []templates.Tick{{Value: "staff", Text: "Colleagues", On: f.AddStaff}, {Value: "contacts", Text: "Other contacts", On: f.AddContacts}}
		if k == bridge.KindTopic {
			p.Add = append(p.Add, templates.Tick{Value: "subcontractors", Text: "Subcontractors (service pros and handymen)", On: f.AddSubcontractors})
		}
	}
	if k != bridge.KindTeam && k != bridge.KindCustomer && k != bridge.KindPartner { // those that Check leaves open
		for _, a := range []bridge.Audience{bridge.WholeTeam, bridge.ParticipantsOnly} {
			p.SeenBy = append(p.SeenBy, templates.Tick{Value: string(a), Text: seenByTitle(a), On: f.SeenBy == a})
		}
	}
	for _, g := range k.Gates() {
		p.Gates = append(p.Gates, templates.Tick{Value: string(g), Text: g.Title(), On: slices.Contains(f.Policy.Gates, g)})
	}
	return p
}

func starterTicks(p bridge.Policy) []templates.Tick {
	may := p.Kind.MayStart()
	out := []templates.Tick{{Value: "staff", Text: "The team", Help: "Whose role allows it", On: p.Starters.Staff}}
	if may.Contact {
		out = append(out, templates.Tick{Value: "contact", Text: "The other side", Help: "A connected person, from the portal", On: p.Starters.Contact})
	}
	switch {
	case p.Kind == bridge.KindCustomer:
		out = append(out, templates.Tick{Value: "system", Text: "It starts by itself", Help: "A first text always does", On: true, Fixed: true})
	case may.System:
		out = append(out, templates.Tick{Value: "system", Text: "It starts by itself", Help: "When a request is submitted or shared", On: p.Starters.System})
	}
	return out
}

// readKind puts a form on a policy. What it cannot read it says; the rest is kept.
func readKind(c *gin.Context, p bridge.Policy) (f kindForm, err error) {
	has := func(field, value string) bool { return slices.Contains(c.PostFormArray(field), value) }
	f = kindForm{Policy: p, most: strings.TrimSpace(c.PostForm("most")), size: strings.TrimSpace(c.PostForm("size")), types: strings.TrimSpace(c.PostForm("types"))}
	f.On, f.FromTop = on(c, "on"), c.PostForm("opens") == "top"
	f.Starters = bridge.Starters{Staff: has("start", "staff"), Contact: has("start", "contact"), System: has("start", "system") || f.Kind == bridge.KindCustomer}
	f.Subject = bridge.SubjectRule(c.PostForm("subject"))
	if seen := c.PostForm("seen_by"); seen != "" {
		f.SeenBy = bridge.Audience(seen)
	}
	if f.Kind != bridge.KindTeam {
		f.Tell, f.Accept = channels(c.PostFormArray("tell"), p.Tell), channels(c.PostFormArray("accept"), p.Accept)
		f.Alert, f.Link = channels(c.PostFormArray("alert"), p.Alert), on(c, "link")
		f.AddStaff, f.AddContacts = has("add", "staff"), has("add", "contacts")
		f.AddSubcontractors = has("add", "subcontractors")
	}
	f.Policy.Gates = nil
	for _, g := range c.PostFormArray("gate") {
		if !slices.Contains(f.Policy.Gates, bridge.Gate(g)) {
			f.Policy.Gates = append(f.Policy.Gates, bridge.Gate(g))
		}
	}
	f.Files = bridge.Files{Alone: on(c, "alone"), Quota: on(c, "quota"), Instead: c.PostForm("instead")}
	for _, t := range strings.FieldsFunc(strings.ToLower(f.types), func(r rune) bool { return strings.ContainsRune(" ,;.\n\t", r) }) {
		if !slices.Contains(f.Files.Types, t) {
			f.Files.Types = append(f.Files.Types, t)
		}
	}
	var err1, err2 error
	f.Files.Most, err1 = strconv.Atoi(f.most)
	size := 0
	if f.size != "" || f.Files.Most > 0 {
		size, err2 = strconv.Atoi(f.size)
	}
	f.Files.MaxSize = int64(min(max(size, -1), 1<<20)) * mb
	if err1 != nil || err2 != nil {
		return f, &bridge.Invalid{Field: "files", Problem: "Write whole numbers, such as 5 files of 10 MB"}
	}
	return f, nil
}

// channels are those that were ticked, in the order that the policy had, for the
// first is the best; what is new comes after.
func channels(ticked []string, was []bridge.Channel) (out []bridge.Channel) {
	for _, ch := range was {
		if slices.Contains(ticked, string(ch)) {
			out = append(out, ch)
		}
	}
	for _, t := range ticked {
		if !slices.Contains(out, bridge.Channel(t)) {
			out = append(out, bridge.Channel(t))
		}
	}
	return out
}

func (s *Inbox) saveKind(c *gin.Context) error {
	k, err := pathKind(c)
	if err != nil {
		return err
	}
	var form kindForm
	err = s.in.ChangeSettings(c.Request.Context(), me(c), func(next *bridge.Settings) (err error) {
		p := next.Policy(k)
		if form, err = readKind(c, *p); err == nil {
			*p = form.Policy
		}
		return err
	})
	if bad, ok := wrong(err); ok {
		return s.showKind(c, form, bad)
	}
	if err != nil {
		return err
	}
	return leadTo(c, kindURL(k), "saved")
}

// resetKind gives a kind the values that it starts with; whether it is in use stays
// as the preset says.
func (s *Inbox) resetKind(c *gin.Context) error {
	k, err := pathKind(c)
	if err != nil {
		return err
	}
	err = s.in.ChangeSettings(c.Request.Context(), me(c), func(next *bridge.Settings) error {
		fresh := bridge.NewPolicy(k)
		fresh.On = slices.Contains(next.Preset.Kinds(), k)
		*next.Policy(k) = fresh
		return nil
	})
	if err != nil {
		return err
	}
	return leadTo(c, kindURL(k), "reset")
}
