package portal

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// mountDoors puts the ways in: magic links, the page that sends one, and the link
// that stops mails. A GET of any of them changes nothing, for mail programs open
// links before people do.
func (p *Portal) mountDoors(r gin.IRouter) {
	g := r.Group("/", p.door)
	g.GET("/m/:token", p.do(p.enterPage))
	g.POST("/m/:token", p.do(p.enter))
	g.POST("/m/:token/code", p.do(p.askCode))
	g.POST("/m/:token/new", p.do(p.askNew))
	g.POST("/m/:token/not-me", p.do(p.notMe))
	g.GET("/portal/enter", p.do(p.askPage))
	g.POST("/portal/enter", p.do(p.ask))
	g.GET("/u/:token", p.do(p.stopPage))
	g.POST("/u/:token", p.do(p.stop))
	g.GET("/portal/sso", p.do(p.ssoPage))
	g.POST("/portal/sso", p.do(p.sso))
}

// door is for pages that anybody may open.
func (p *Portal) door(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
}

func (p *Portal) device(c *gin.Context) string {
	if mark, err := c.Cookie(deviceName); err == nil && mark != "" {
		return bridge.HashSecret(mark)
	}
	return ""
}

// deviceTime is how long a browser is known as the same device.
const deviceTime = 365 * 24 * time.Hour

func (p *Portal) cookie(c *gin.Context, name, value string, age time.Duration) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode,
	})
}

func (p *Portal) enterPage(c *gin.Context, _ bridge.Contact) error {
	if p.device(c) == "" { // before the button, so that a double tap comes from one device
		mark, _ := bridge.NewSecret()
		p.cookie(c, deviceName, mark, deviceTime)
	}
	return p.showEnter(c, http.StatusOK, templates.PortalEnter{CodeSent: c.Query("sent") == "1"})
}

// showEnter shows where a link leads and what it needs.
func (p *Portal) showEnter(c *gin.Context, code int, v templates.PortalEnter) error {
	token := c.Param("token")
	err := p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		e, err := p.in.LookAtLink(tx, bridge.HashSecret(token), p.device(c))
		var denied *bridge.Denied
		if v.Over = errors.As(err, &denied) && denied.Code == "link_over"; err != nil && !v.Over {
			return err
		}
		v.PortalShell, err = p.shell(c, tx, bridge.Contact{Language: e.Contact.Language}, "Your messages", "")
		v.Action, v.NeedsCode, v.CodeTo, v.Unread = "/m/"+token, e.NeedsCode, bridge.MaskAddress(e.Address), e.Unread
		if v.AskSent = v.Over && v.CodeSent; v.Over && e.Address != "" {
			v.AskTo = v.CodeTo
		}
		if !e.NeedsCode { // whoever holds an old link learns no name
			v.Hello, _, _ = strings.Cut(e.Contact.Name, " ")
		} else {
			v.Unread = 0
		}
		return err
	})
	if err != nil {
		return err
	}
	if v.Over {
		code = http.StatusGone
	}
	return p.Page(c, code, "p-enter", v)
}

// tries bounds what one peer may try in 15 minutes.
const (
	enterTries = 60
	codeTries  = 20
	askTries   = 12
	// writeTries bounds what one contact writes: each message rings the phones on duty.
	writeTries = 60
)

func tooMany(c *gin.Context) error {
	c.Header("Retry-After", "900")
	return &bridge.Denied{Code: "too_often", Sentence: "That was tried too often", Fix: "Wait 15 minutes, then try again"}
}

func (p *Portal) enter(c *gin.Context, _ bridge.Contact) error {
	token, typed := c.Param("token"), c.PostForm("code")
	if !p.Allow(c, "portal link", enterTries) || typed != "" && !(p.Allow(c, "portal code", codeTries) && p.AllowKey("portal code "+bridge.HashSecret(token), codeTries)) {
		return tooMany(c)
	}
	v, secret, mark := p.visit(c)
	code, err := p.codeHash(c, token, typed)
	if err != nil {
		return err
	}
	e, err := p.in.Enter(c.Request.Context(), bridge.HashSecret(token), v, code)
	var invalid *bridge.Invalid
	if errors.As(err, &invalid) {
		view := templates.PortalEnter{CodeSent: typed != ""}
		if typed != "" {
			view.Error = p.words(c, e.Contact).T(invalid.Problem) + "."
		}
		return p.showEnter(c, http.StatusUnprocessableEntity, view)
	}
	if err != nil {
		return p.linkError(c, err)
	}
	p.letIn(c, secret, mark)
	to := "/portal"
	if e.Conversation != 0 {
		to = conversationURL(e.Conversation)
	}
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// linkError shows a link that is over as what it is, not as an error.
func (p *Portal) linkError(c *gin.Context, err error) error {
	var denied *bridge.Denied
	if errors.As(err, &denied) && denied.Code == "link_over" {
		return p.showEnter(c, http.StatusGone, templates.PortalEnter{})
	}
	return err
}

// visit makes what a browser that comes in gets: a session, and a mark by which its
// device is known again.
func (p *Portal) visit(c *gin.Context) (v intake.Visit, secret, mark string) {
	secret, v.Session = bridge.NewSecret()
	v.Device, v.Name = p.device(c), browserName(c.Request.UserAgent())
	if v.Device == "" {
		mark, v.Device = bridge.NewSecret()
	}
	return v, secret, mark
}

func (p *Portal) letIn(c *gin.Context, secret, mark string) {
	p.cookie(c, cookieName, secret, bridge.PortalTime)
	if mark != "" {
		p.cookie(c, deviceName, mark, deviceTime)
	}
}

// codeHash is the hash of a code that somebody typed, for the contact of a link.
func (p *Portal) codeHash(c *gin.Context, token, typed string) (hash string, err error) {
	if typed == "" {
		return "", nil
	}
	err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		l, err := tx.PortalLink(bridge.HashSecret(token))
		if err != nil {
			return ignoreNone(err)
		}
		key, err := tx.Secret(bridge.CodeKey)
		if err != nil {
			return ignoreNone(err)
		}
		hash = bridge.CodeHash(key, l.Contact, typed)
		return nil
	})
	return hash, err
}

func (p *Portal) askCode(c *gin.Context, _ bridge.Contact) error {
	if !p.Allow(c, "portal ask", askTries) {
		return tooMany(c)
	}
	token := c.Param("token")
	if _, err := p.in.AskCode(c.Request.Context(), bridge.HashSecret(token)); err != nil {
		return p.linkError(c, err)
	}
	c.Redirect(http.StatusSeeOther, "/m/"+token+"?sent=1")
	return nil
}

// askNew sends a new link to where one went that has expired.
func (p *Portal) askNew(c *gin.Context, _ bridge.Contact) error {
	if !p.Allow(c, "portal ask", askTries) {
		return tooMany(c)
	}
	token := c.Param("token")
	if err := p.in.AskAgain(c.Request.Context(), bridge.HashSecret(token)); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/m/"+token+"?sent=1")
	return nil
}

func (p *Portal) notMe(c *gin.Context, _ bridge.Contact) error {
	if !p.Allow(c, "portal link", enterTries) {
		return tooMany(c)
	}
	if err := p.in.NotMe(c.Request.Context(), bridge.HashSecret(c.Param("token"))); err != nil {
		return err
	}
	return p.word(c, http.StatusOK, "Thank you", "This link does not work any more, and we check the address.", "", "")
}

// word shows a page with one thing to say.
func (p *Portal) word(c *gin.Context, code int, heading, text, href, link string) error {
	return page(p, c, code, "p-word", func(tx *data.Tx) (v templates.PortalWord, err error) {
		v.PortalShell, err = p.shell(c, tx, bridge.Contact{}, heading, "")
		v.Heading, v.Text, v.Href, v.Link = v.T(heading), v.T(text), href, v.T(link)
		return v, err
	})
}

func (p *Portal) askPage(c *gin.Context, _ bridge.Contact) error {
	if _, _, err := p.session(c); err == nil {
		c.Redirect(http.StatusSeeOther, "/portal")
		return nil
	}
	return p.showAsk(c, http.StatusOK, templates.PortalAsk{})
}

func (p *Portal) showAsk(c *gin.Context, code int, v templates.PortalAsk) error {
	return page(p, c, code, "p-ask", func(tx *data.Tx) (templates.PortalAsk, error) {
		if err := p.open(tx); err != nil {
			return v, err
		}
		shell, err := p.shell(c, tx, bridge.Contact{}, "Your messages", "")
		v.PortalShell = shell
		if v.Error != "" {
			v.Error = v.T(v.Error) + "."
		}
		return v, err
	})
}

// ask sends a link. Its answer is the same whoever asks: it never tells who is a
// customer.
func (p *Portal) ask(c *gin.Context, _ bridge.Contact) error {
	v := templates.PortalAsk{Address: strings.TrimSpace(c.PostForm("address"))}
	if !p.Allow(c, "portal ask", askTries) {
		return tooMany(c)
	}
	err := p.in.AskLink(c.Request.Context(), v.Address)
	var invalid *bridge.Invalid
	if errors.As(err, &invalid) {
		v.Error = invalid.Problem
		return p.showAsk(c, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	v.Asked = true
	return p.showAsk(c, http.StatusOK, v)
}

// stopContact is whose mails a link stops.
func (p *Portal) stopContact(c *gin.Context) (id bridge.ContactID, err error) {
	err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		key, err := tx.Secret(bridge.StopKey)
		if err != nil {
			return err
		}
		var ok bool
		if id, ok = bridge.ParseStopToken(key, c.Param("token")); !ok {
			return bridge.ErrNotFound
		}
		return nil
	})
	return id, err
}

func (p *Portal) stopPage(c *gin.Context, _ bridge.Contact) error {
	if _, err := p.stopContact(c); err != nil {
		return err
	}
	return page(p, c, http.StatusOK, "p-word", func(tx *data.Tx) (v templates.PortalWord, err error) {
		v.PortalShell, err = p.shell(c, tx, bridge.Contact{}, "Stop these emails", "")
		v.Heading, v.Text = v.T("Stop these emails?"), v.T("You get no more emails about new messages. The messages themselves stay in the portal.")
		v.Action, v.Button = c.Request.URL.Path, v.T("Stop these emails")
		return v, err
	})
}

// stop is the button of stopPage, and the one click of RFC 8058, which mail programs
// do for people: it needs no sign-in and no cookie.
func (p *Portal) stop(c *gin.Context, _ bridge.Contact) error {
	id, err := p.stopContact(c)
	if err != nil {
		return err
	}
	if err := p.in.StopMails(c.Request.Context(), id); err != nil {
		return err
	}
	return p.word(c, http.StatusOK, "No more emails", "You get no more emails about new messages. You can change that in the portal's settings.", "/portal/settings", "Settings")
}

// signOut ends this browser's session, or all of the contact's.
func (p *Portal) signOut(c *gin.Context, who bridge.Contact) error {
	err := p.Store.Write(c.Request.Context(), func(tx *data.Tx) error {
		if c.PostForm("everywhere") == "1" {
			return tx.RevokePortalLinks(who.ID, p.Now())
		}
		return tx.EndPortalSession(c.GetString(hashKey))
	})
	if err != nil {
		return err
	}
	p.cookie(c, cookieName, "", -time.Second)
	web.ForgetFiles(c)
	c.Redirect(http.StatusSeeOther, "/portal/enter")
	return nil
}

// browserName says in words which browser it is, so that people know their own
// devices; it decides nothing.
func browserName(agent string) string {
	find := func(names ...string) string {
		for i := 0; i < len(names); i += 2 {
			if strings.Contains(agent, names[i]) {
				return names[i+1]
			}
		}
		return ""
	}
	browser := find("Edg", "Edge", "Firefox", "Firefox", "CriOS", "Chrome", "Chrome", "Chrome", "Safari", "Safari")
	on := find("iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows", "Mac OS", "Mac", "Linux", "Linux")
	switch {
	case browser == "" && on == "":
		return "Browser"
	case on == "":
		return browser
	}
	return strings.TrimSpace(browser + " on " + on)
}
