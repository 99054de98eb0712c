// Package portal is the customer's side: the same conversations, as far as a contact
// takes part in them. It has no rules of its own; it asks the doors and shows the
// answer in the contact's language.
package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/live"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// Options are what the portal needs beside the pages' common ground.
type Options struct {
	Web    *web.Web
	Intake *intake.Intake
	Hub    *live.Hub
	// Language is the business's; empty is English.
	Language string
	// Phone is the business's own number to call; empty: a line's.
	Phone string
	// SSOSecret signs the links of another portal of the business; empty: there is
	// none.
	SSOSecret string
	// Embed lists the origins that may show the widget in their pages.
	Embed []string
}

// Portal serves the contacts' pages.
type Portal struct {
	*web.Web
	Options
	in  *intake.Intake
	hub *live.Hub
}

// New makes the portal.
func New(o Options) *Portal { return &Portal{o.Web, o, o.Intake, o.Hub} }

// Mount puts the portal's routes on an engine: the doors for everybody, the rest for
// who is signed in.
func (p *Portal) Mount(r gin.IRouter) {
	p.mountDoors(r)
	p.mountWidget(r)
	g := r.Group("/portal", p.require)
	g.GET("", p.do(p.home))
	g.GET("/messages", p.do(p.list))
	g.GET("/search", p.do(p.search))
	g.GET("/new", p.do(p.newPage))
	g.POST("/new", p.do(p.create))
	g.GET("/changes", p.do(p.changes))
	g.GET("/events", p.do(p.events))
	g.GET("/settings", p.do(p.settings))
	g.POST("/settings", p.do(p.saveSettings))
	g.POST("/reach", p.do(p.reach))
	g.POST("/signout", p.do(p.signOut))
	p.mountFiles(g)
	c := g.Group("/c/:id")
	c.GET("", p.do(p.conversation))
	c.GET("/older", p.do(p.older))
	c.POST("/reply", p.do(p.reply))
	c.POST("/seen", p.do(p.seen))
	c.GET("/seen", p.do(p.seenAll)) // the picture in a page without a script
}

const (
	cookieName = "porchlight_portal"
	deviceName = "porchlight_device"
	whoKey     = "portal.who" // in gin's context
	hashKey    = "portal.session"
)

// A handler answers a request of a contact who is signed in.
type handler func(*gin.Context, bridge.Contact) error

// do runs a handler and shows its error as a page of the portal.
func (p *Portal) do(h handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		who, _ := c.Get(whoKey)
		contact, _ := who.(bridge.Contact)
		if err := h(c, contact); err != nil {
			p.fail(c, err)
		}
	}
}

// touchAfter is how old a session's last use may be before it is noted again: a
// write for each page would cost a commit.
const touchAfter = time.Hour

// require lets only contacts pass whose session is good, and sends others to the page
// that sends a link.
func (p *Portal) require(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	if c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead && !strings.HasPrefix(c.ContentType(), "multipart/") {
		_ = c.Request.ParseForm() // before any transaction waits for a form that trickles in
	}
	who, hash, err := p.session(c)
	if err == nil {
		c.Set(whoKey, who)
		c.Set(hashKey, hash)
		return
	}
	if !errors.Is(err, bridge.ErrNotFound) {
		p.fail(c, err)
	} else if web.WantsFragment(c) || c.Request.Method != http.MethodGet {
		c.String(http.StatusUnauthorized, "%s", p.words(c, who).T("You are signed out. Ask for a new link; what you wrote is kept on this device."))
	} else {
		c.Redirect(http.StatusSeeOther, "/portal/enter?next="+url.QueryEscape(c.Request.URL.RequestURI()))
	}
	c.Abort()
}

// session finds whose session the cookie opens.
func (p *Portal) session(c *gin.Context) (who bridge.Contact, hash string, err error) {
	cookie, err := c.Cookie(cookieName)
	if err != nil || cookie == "" {
		return who, "", bridge.ErrNotFound
	}
	hash = bridge.HashSecret(cookie)
	var s data.PortalSession
	err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		set, err := tx.Settings()
		if err != nil {
			return err
		}
		if s, err = tx.PortalSession(hash, p.Now()); err != nil {
			return err
		}
		if who, err = tx.Contact(s.Contact); err == nil && (who.MergedInto != 0 || !set.PortalOn) {
			err = bridge.ErrNotFound
		}
		return err
	})
	if err == nil && p.Now().Sub(s.SeenAt) > touchAfter {
		err = p.Store.Write(c.Request.Context(), func(tx *data.Tx) error { return tx.TouchPortalSession(hash, p.Now()) })
	}
	return who, hash, err
}

// today is now where the contact lives.
func (p *Portal) today(who bridge.Contact) time.Time {
	if z, err := time.LoadLocation(who.Zone); err == nil && who.Zone != "" {
		return p.Now().In(z)
	}
	return p.Today()
}

// words is the language that a page speaks: the contact's, the business's, or the
// browser's where nobody is known.
func (p *Portal) words(c *gin.Context, who bridge.Contact) templates.Words {
	switch {
	case who.Language != "":
		return templates.Words(who.Language)
	case who.ID == 0:
		for part := range strings.SplitSeq(c.GetHeader("Accept-Language"), ",") {
			tag, _, _ := strings.Cut(strings.TrimSpace(part), "-")
			tag, _, _ = strings.Cut(tag, ";")
			for _, l := range bridge.Languages {
				if strings.EqualFold(tag, l) {
					return templates.Words(l)
				}
			}
		}
	}
	return templates.Words(p.Language)
}

// shell is what surrounds a page. title is in English.
func (p *Portal) shell(c *gin.Context, tx *data.Tx, who bridge.Contact, title, section string) (s templates.PortalShell, err error) {
	w := p.words(c, who)
	s = templates.PortalShell{
		Words: w, Title: w.T(title), Business: p.Business, Initials: bridge.Initials(p.Business), Section: section,
		Contact: who.ID, Rev: tx.Rev(), Today: p.today(who).Format("20060102"), Demo: p.Demo,
	}
	if who.Name != "" {
		s.Name, _, _ = strings.Cut(who.Name, " ")
	}
	if s.CallHref, s.CallText, err = p.callNumber(tx); err != nil || who.ID == 0 {
		return s, err
	}
	s.Unread, err = tx.ContactUnread(who.ID)
	return s, err
}

// callNumber is the number for what is urgent: the one of the settings, the business's
// own, or that of its first line. Never a phone of somebody of the team.
func (p *Portal) callNumber(tx *data.Tx) (href, text string, err error) {
	s, err := tx.Settings()
	if err != nil {
		return "", "", err
	}
	number := s.UrgentPhone
	if number == "" {
		number = p.Phone
	}
	if number == "" {
		line, err := tx.SendingLine(0)
		if err != nil {
			return "", "", ignoreNone(err)
		}
		number = string(line.Phone)
	}
	return "tel:" + strings.Map(digits, number), bridge.PrettyAddress(number), nil
}

func digits(r rune) rune {
	if r == '+' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}

func ignoreNone(err error) error {
	if errors.Is(err, bridge.ErrNotFound) {
		return nil
	}
	return err
}

// page reads what a page shows on one snapshot and answers with it.
func page[V any](p *Portal, c *gin.Context, code int, name string, build func(*data.Tx) (V, error)) error {
	var v V
	err := p.Store.Read(c.Request.Context(), func(tx *data.Tx) (err error) {
		v, err = build(tx)
		return err
	})
	if err != nil {
		return err
	}
	return p.Page(c, code, name, v)
}

// fail answers with an error in the words of the portal.
func (p *Portal) fail(c *gin.Context, err error) {
	t := web.Explain(c.Request.Context(), err)
	if c.Writer.Written() {
		return
	}
	who, _ := c.Get(whoKey)
	contact, _ := who.(bridge.Contact)
	w := p.words(c, contact)
	text := sentence(w, t)
	if web.WantsFragment(c) {
		c.String(t.Code, "%s", text)
		return
	}
	err = page(p, c, t.Code, "p-word", func(tx *data.Tx) (v templates.PortalWord, err error) {
		v.PortalShell, err = p.shell(c, tx, contact, t.Heading, "")
		v.Heading, v.Text = w.T(t.Heading), text
		if t.Name == "portal_off" {
			v.Heading = w.T("Closed at the moment")
		} else {
			v.Href, v.Link = "/portal", w.T("My messages")
		}
		if v.CallText != "" {
			v.Text += " " + w.T("You can also call us on %s.", v.CallText)
		}
		return v, err
	})
	if err != nil {
		c.String(t.Code, "%s", text)
	}
}

// sentence says a trouble to a contact. What Decide tells the team to do is nothing
// that they can do.
func sentence(w templates.Words, t web.Trouble) string {
	if own, ok := said[t.Name]; ok {
		return w.T(own)
	}
	if t.Code == http.StatusUnprocessableEntity || t.Name == "link_over" || t.Name == "too_often" {
		out := w.T(t.Text) + "."
		if t.Fix != "" {
			out += " " + w.T(t.Fix) + "."
		}
		return out
	}
	if t.Ref != "" {
		return w.T("Something went wrong. It is not your doing; try again in a moment.") + " (" + t.Ref + ")"
	}
	return w.T("This is not possible at the moment.")
}

// said are the refusals that contacts meet, in words for them.
var said = map[string]string{
	"not_found":          "This page or conversation does not exist, or is not open to you any more.",
	"portal_off":         "The portal is closed at the moment.",
	"messages_off":       "Messages are not open at the moment.",
	"stage":              "Messages are not open for this project at the moment.",
	"no_team":            "Messages are not open for this project yet.",
	"no_contacts":        "Messages are not open for this project yet.",
	"not_connected":      "Messages are not open for you yet.",
	"not_shared":         "This request is not open to you any more.",
	"not_sent_to_portal": "Messages about this quote are not open yet.",
	"on_hold":            "Messages are paused in this conversation.",
	"channel":            "Answers here are not taken in the portal. Text or call us instead.",
	"kind_off":           "New conversations of this kind are not open at the moment.",
	"starter":            "A new conversation cannot be started at the moment.",
	"text_only":          "Messages here are text only.",
	"too_many_files":     "These are more files than one message takes. Send the others in a second message.",
	"file_alone":         "A message here has an image or text, not both. Send the image first, then the text.",
	"file_too_large":     "A file is too large. Choose a smaller one.",
	"file_type":          "Files of this type are not taken here. Photos work best.",
	"signed_out":         "You are signed out. Ask for a new link; what you wrote is kept on this device.",
	"quota":              "The space for files of this project is used up. Call us, and we make room.",
}

// number reads a number from the query or a form; what is none is 0.
func number[T ~int64](s string) T {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return T(n)
}
