package portal

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/templates"
)

// What another portal of the business shows of this one: a small page for a frame, and
// the same as JSON. Both answer only whom Options.Embed lists, and both know the
// contact by the session that their browser has here.

func (p *Portal) mountWidget(r gin.IRouter) {
	g := r.Group("/portal", p.door, p.framed)
	g.GET("/widget", p.do(p.widget))
	g.GET("/widget.json", p.do(p.widgetJSON))
}

// framed lets the listed origins show the page and read the answer. Without any there
// is nothing to show.
func (p *Portal) framed(c *gin.Context) {
	if len(p.Embed) == 0 {
		p.fail(c, bridge.ErrNotFound)
		c.Abort()
		return
	}
	h := c.Writer.Header()
	h.Add("Vary", "Origin")
	if origin := c.GetHeader("Origin"); origin != "" && slices.Contains(p.Embed, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors 'self' "+strings.Join(p.Embed, " "), 1))
}

// visitor is who is signed in, if anybody is: a widget sends nobody to another page.
func (p *Portal) visitor(c *gin.Context) (bridge.Contact, error) {
	who, hash, err := p.session(c)
	if err == nil {
		c.Set(whoKey, who)
		c.Set(hashKey, hash)
	}
	return who, ignoreNone(err)
}

func (p *Portal) widget(c *gin.Context, _ bridge.Contact) error {
	who, err := p.visitor(c)
	if err != nil {
		return err
	}
	return page(p, c, http.StatusOK, "p-embed", func(tx *data.Tx) (v templates.PortalHome, err error) {
		if err := p.open(tx); err != nil {
			return v, err
		}
		if v.PortalShell, err = p.shell(c, tx, who, "Messages", "home"); err != nil || who.ID == 0 {
			return v, err
		}
		rows, err := p.rows(tx, c, who)
		for _, r := range rows {
			if r.Unread > 0 && len(v.News) < 5 {
				v.News = append(v.News, r)
			}
		}
		return v, err
	})
}

// open refuses while the portal is closed.
func (p *Portal) open(tx *data.Tx) error {
	s, err := tx.Settings()
	if err == nil && !s.PortalOn {
		err = &bridge.Denied{Code: "portal_off", Sentence: "The portal is closed at the moment"}
	}
	return err
}

// glance is the widget for programs; docs/portal.md has an example.
type glance struct {
	Unread        int64       `json:"unread"`
	Conversations []glanceRow `json:"conversations"`
	URL           string      `json:"url"`
}

type glanceRow struct {
	Title   string    `json:"title"`
	Preview string    `json:"preview"`
	At      time.Time `json:"at"`
	Unread  int64     `json:"unread"`
	URL     string    `json:"url"`
}

func (p *Portal) widgetJSON(c *gin.Context, _ bridge.Contact) error {
	c.Header("Cache-Control", "no-store")
	out := glance{Conversations: []glanceRow{}, URL: p.PublicURL + "/portal"}
	who, err := p.visitor(c)
	if err != nil {
		return err
	}
	if who.ID == 0 {
		out.URL += "/enter"
		c.JSON(http.StatusUnauthorized, out)
		return nil
	}
	var g intake.Glance
	err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) (err error) {
		g, err = p.in.Glance(tx, who.ID, nil)
		return err
	})
	if err != nil {
		return err
	}
	w := p.words(c, who)
	out.Unread = g.Unread
	for _, r := range g.Rows {
		out.Conversations = append(out.Conversations, glanceRow{w.T(r.Title), r.Preview, r.At.UTC(), r.Unread, p.PublicURL + conversationURL(r.Conversation)})
	}
	c.JSON(http.StatusOK, out)
	return nil
}

// preview is what a message says in a line; what a message of files alone says is in
// the reader's language.
func preview(w templates.Words, m bridge.Message) string {
	if m.Handoff != nil || m.Call != nil {
		return bodyOf(w, m)
	}
	text := m.Preview()
	if m.Body != "" || text == "" {
		return text
	}
	if name, ok := strings.CutPrefix(text, "File: "); ok {
		return w.T("File: %s", name)
	}
	return w.T(text)
}
