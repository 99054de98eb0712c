package staff

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// mountPeople puts the lists and pages of people and records on the engine.
func (s *Inbox) mountPeople(g *gin.RouterGroup) {
	g.GET("/people", s.Do(s.contacts))
	g.GET("/people/new", s.Do(s.newContact))
	g.POST("/people/new", s.Do(s.addContact))
	p := g.Group("/people/:id")
	p.GET("", s.Do(s.profile))
	p.POST("", s.Do(s.editContact))
	p.POST("/address", s.Do(s.addAddress))
	p.POST("/pass", s.Do(s.passAddress))
	p.POST("/invite", s.Do(s.invite))
	p.POST("/link", s.Do(s.sendLink))
	p.POST("/end-portal", s.Do(s.endPortal))
	p.GET("/merge", s.Do(s.mergePage))
	p.POST("/merge", s.Do(s.merge))
	p.GET("/message", s.Do(s.talk))
	p.POST("/message", s.Do(s.say))
	g.GET("/records", s.Do(s.records))
	g.GET("/records/new", s.Do(s.newRecord))
	g.POST("/records/new", s.Do(s.addRecord))
	r := g.Group("/records/:id")
	r.GET("", s.Do(s.record))
	r.POST("", s.Do(s.editRecord))
	r.POST("/sent", s.Do(s.sentToPortal))
}

// peoplePerPage fills two screens of the table.
const peoplePerPage = 40

// seesPeople is the answer to who may open these pages at all.
func seesPeople(c *gin.Context) error {
	return bridge.Decide(me(c).Actor(), bridge.DoSeePeople, &bridge.Facts{}).Err()
}

// contacts is the table of contacts with its search and filters; for the page's own
// script the table alone.
func (s *Inbox) contacts(c *gin.Context) error {
	if err := seesPeople(c); err != nil {
		return err
	}
	p := templates.PeoplePage{Shell: s.Shell(c, "People", "people"), Filter: newPeopleFilter(c.Request.URL.Query())}
	err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		p.Rev = tx.Rev()
		p.List, err = s.newPeopleList(tx, c.Request.URL.Query())
		return err
	})
	if err != nil {
		return err
	}
	if web.WantsFragment(c) {
		return s.Fragment(c, http.StatusOK, "peoplelist", p.List)
	}
	return s.Page(c, http.StatusOK, "people", p)
}

func contactFilter(q url.Values) data.ContactFilter {
	f := data.ContactFilter{Words: clip(q.Get("q")), Connected: q.Get("connected"), Status: q.Get("status")}
	if q.Get("side") != "" {
		if side, err := bridge.ParseSide(q.Get("side")); err == nil {
			f.Side = side
		}
	}
	return f
}

// clip bounds what somebody searches for.
func clip(words string) string {
	words = bridge.CleanText(words)
	if r := []rune(words); len(r) > 100 {
		words = string(r[:100])
	}
	return strings.TrimSpace(words)
}

// newPeopleList is one page of the table.
func (s *Inbox) newPeopleList(tx *data.Tx, q url.Values) (l templates.PeopleList, err error) {
	f := contactFilter(q)
	filtered := f != data.ContactFilter{}
	if after := number[bridge.ContactID](q.Get("after")); after != 0 {
		last, err := tx.Contact(after)
		if err != nil {
			return l, err
		}
		f.After, f.AfterID = data.SortName(last), last.ID
	}
	cs, err := tx.Contacts(f, peoplePerPage+1)
	if err != nil {
		return l, err
	}
	if len(cs) > peoplePerPage {
		cs = cs[:peoplePerPage]
		next := url.Values{}
		for _, k := range []string{"q", "side", "connected", "status"} {
			if q.Get(k) != "" {
				next.Set(k, q.Get(k))
			}
		}
		next.Set("after", strconv.FormatInt(int64(cs[len(cs)-1].ID), 10))
		l.More = "/people?" + next.Encode()
	}
	for _, c := range cs {
		l.Rows = append(l.Rows, newContactRow(c, s.now()))
	}
	l.Empty = templates.Empty{Title: "Nobody here yet", Text: "Whoever texts you shows here by themselves. You can also add people by hand.", Action: "New contact", Href: "/people/new"}
	if filtered {
		l.Empty = templates.Empty{Title: "Nobody fits", Text: "Try fewer words, or another filter.", Action: "Show everybody", Href: "/people"}
	}
	return l, nil
}

// newPeopleFilter is the search bar as it was sent.
func newPeopleFilter(q url.Values) templates.PeopleFilter {
	f := contactFilter(q)
	v := templates.PeopleFilter{
		Words:     f.Words,
		Connected: options(f.Connected, "", "Anybody", "yes", "Connected", "invited", "Invited", "no", "Not invited"),
		Status:    options(f.Status, "", "Any", "available", "Available", "busy", "Busy"),
		Sides:     append([]templates.Option{{Text: "Everybody", Chosen: f.Side == ""}}, sideOptions(f.Side)...),
	}
	return v
}

// options makes the choices of a select from pairs of value and words.
func options(chosen string, pairs ...string) (out []templates.Option) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, templates.Option{Value: pairs[i], Text: pairs[i+1], Chosen: pairs[i] == chosen})
	}
	return out
}

func sideOptions(chosen bridge.Side) (out []templates.Option) {
	for _, side := range bridge.Sides {
		out = append(out, templates.Option{Value: string(side), Text: side.Title(), Chosen: side == chosen})
	}
	return out
}

// newContactRow is a contact as the table shows them.
func newContactRow(c bridge.Contact, now time.Time) templates.ContactRow {
	r := templates.ContactRow{
		ID: c.ID, Href: contactURL(c.ID), MessageHref: contactURL(c.ID) + "/message", Title: c.Title(), Company: c.Company,
		Initials: bridge.Initials(c.Title()), Side: c.Side.Title(), Connected: connectedBadge(c, now), Status: statusBadge(c),
	}
	for _, a := range c.Addresses {
		if p := a.Pretty(); p != r.Title {
			r.Addresses = append(r.Addresses, p)
		}
	}
	return r
}

func contactURL(id bridge.ContactID) string { return "/people/" + strconv.FormatInt(int64(id), 10) }

func connectedBadge(c bridge.Contact, now time.Time) templates.Badge {
	switch {
	case c.Connected():
		return templates.Badge{Tone: "ok", Icon: "tick", Text: "Connected"}
	case !c.InvitedAt.IsZero():
		return templates.Badge{Tone: "warn", Icon: "clock", Text: "Invited " + day(c.InvitedAt, now)}
	}
	return templates.Badge{Icon: "user", Text: "Not invited"}
}

// statusBadge is what service pros and handymen say of themselves.
func statusBadge(c bridge.Contact) *templates.Badge {
	switch {
	case !c.Side.HasStatus():
		return nil
	case c.Busy:
		return &templates.Badge{Tone: "warn", Icon: "clock", Text: "Busy"}
	}
	return &templates.Badge{Tone: "ok", Icon: "tick", Text: "Available"}
}

// day prints a day in few words: 3 Nov, or 3 Nov 2025.
func day(t, now time.Time) string {
	if t = t.In(now.Location()); t.Year() == now.Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// newContact is the form for somebody new.
func (s *Inbox) newContact(c *gin.Context) error {
	if err := bridge.Decide(me(c).Actor(), bridge.DoEditContact, &bridge.Facts{}).Err(); err != nil {
		return err
	}
	return s.showNewContact(c, http.StatusOK, "", "")
}

func (s *Inbox) showNewContact(c *gin.Context, code int, field, problem string) error {
	side, err := bridge.ParseSide(c.PostForm("side"))
	if err != nil {
		side = bridge.Customer
	}
	return s.Page(c, code, "contactnew", templates.NewContactPage{
		Shell: s.Shell(c, "New contact", "people"), Error: problem, ErrorField: field,
		Form: templates.ContactForm{
			Name: c.PostForm("name"), Company: c.PostForm("company"), Zone: c.PostForm("zone"), Sides: sideOptions(side),
			Phone: c.PostForm("phone"), Email: c.PostForm("email"), Zones: zones, ZoneHint: s.zoneHint(),
		},
	})
}

// zoneHint is the business's time zone, where it has a name.
func (s *Inbox) zoneHint() string {
	if s.Zone.String() == "Local" {
		return "As yours"
	}
	return s.Zone.String()
}

func (s *Inbox) addContact(c *gin.Context) error {
	ch, err := contactChange(c)
	if err == nil {
		if v := strings.TrimSpace(c.PostForm("phone")); v != "" {
			ch.Phones = []string{v}
		}
		if v := strings.TrimSpace(c.PostForm("email")); v != "" {
			ch.Emails = []string{v}
		}
		var made bridge.Contact
		if made, err = s.in.AddContact(c.Request.Context(), me(c), ch); err == nil {
			c.Redirect(http.StatusSeeOther, contactURL(made.ID))
			return nil
		}
	}
	if field, problem, ok := invalid(err); ok {
		return s.showNewContact(c, http.StatusUnprocessableEntity, field, problem)
	}
	return err
}

// contactChange reads what the form says of a contact.
func contactChange(c *gin.Context) (ch intake.ContactChange, err error) {
	for _, f := range []struct {
		name string
		to   **string
	}{{"name", &ch.Name}, {"company", &ch.Company}, {"zone", &ch.Zone}} {
		if v, ok := c.GetPostForm(f.name); ok {
			v = strings.TrimSpace(v)
			*f.to = &v
		}
	}
	if v, ok := c.GetPostForm("side"); ok {
		side, err := bridge.ParseSide(v)
		if err != nil {
			return ch, err
		}
		ch.Side = &side
	}
	if v, ok := c.GetPostForm("status"); ok {
		busy := v == "busy"
		ch.Busy = &busy
	}
	return ch, wishes(c, &ch)
}
