package staff

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// mountInvite puts the page of an invitation outside signing in.
func (s *Inbox) mountInvite(r gin.IRouter) {
	r.GET("/i/:secret", s.Do(s.invitation))
	r.POST("/i/:secret", s.Do(s.accept))
}

// invite makes a one-time link and shows it this once: only its hash is kept. Where
// it is asked for, the link is texted as well.
func (s *Inbox) invite(c *gin.Context) error {
	if err := bridge.Decide(me(c).Actor(), bridge.DoInvite, &bridge.Facts{}).Err(); err != nil {
		return err // before anything is looked up: whom we know is nothing to them
	}
	id, err := web.ID[bridge.ContactID](c, "id")
	if err != nil {
		return err
	}
	secret, hash := bridge.NewSecret()
	link, text := s.PublicURL+"/i/"+secret, ""
	var who bridge.Contact
	if err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) { who, err = standing(tx, id); return err }); err != nil {
		return err
	}
	if c.PostForm("text") != "" {
		text = templates.InviteText(s.Business, who.Name, me(c).FirstName(), link)
	}
	err = s.in.Invite(c.Request.Context(), me(c), id, hash, text, c.PostForm("client"))
	if errors.Is(err, bridge.ErrDuplicate) { // a double tap: the first has texted it
		return s.showProfile(c, http.StatusOK, func(p *templates.ContactPage) { p.InviteSent = true })
	}
	var denied *bridge.Denied
	if text != "" && errors.As(err, &denied) && denied.Code != "role" { // nothing was made: say why it cannot be texted
		t := web.Explain(c.Request.Context(), err)
		return s.showProfile(c, http.StatusUnprocessableEntity, func(p *templates.ContactPage) { p.Error, p.ErrorField = t.Sentence(), "invite" })
	}
	if err != nil {
		return err
	}
	return s.showProfile(c, http.StatusOK, func(p *templates.ContactPage) {
		p.InviteLink, p.InviteSent = link, text != ""
	})
}

// invitesAllowed is how many invitation pages one peer opens in 15 minutes.
const invitesAllowed = 60

// invitation greets whoever opens the link. It changes nothing: mail scanners and
// phones that show a preview open links too.
func (s *Inbox) invitation(c *gin.Context) error {
	return s.showInvitation(c, func(p *templates.InvitedPage) error {
		return s.look(c.Request.Context(), func(tx *data.Tx) error {
			who, err := s.in.Invited(tx, bridge.HashSecret(p.Secret))
			p.First, p.Connected = firstName(who), who.Connected()
			return err
		})
	})
}

func (s *Inbox) accept(c *gin.Context) error {
	return s.showInvitation(c, func(p *templates.InvitedPage) error {
		who, err := s.in.AcceptInvite(c.Request.Context(), bridge.HashSecret(p.Secret))
		p.First, p.Connected = firstName(who), true
		return err
	})
}

func (s *Inbox) showInvitation(c *gin.Context, do func(*templates.InvitedPage) error) error {
	c.Header("Referrer-Policy", "no-referrer")
	c.Header("X-Robots-Tag", "noindex, nofollow")
	p := templates.InvitedPage{Shell: s.Shell(c, "Welcome", ""), Secret: c.Param("secret")}
	code := http.StatusOK
	if !s.Allow(c, "invitation", invitesAllowed) {
		c.Header("Retry-After", "900")
		p.Busy, code = true, http.StatusTooManyRequests
	} else if err := do(&p); errors.Is(err, bridge.ErrNotFound) {
		p.Expired, code = true, http.StatusGone
	} else if err != nil {
		return err
	}
	return s.Page(c, code, "invited", p)
}

// firstName is how a page that others may see greets a contact.
func firstName(c bridge.Contact) string { return bridge.Staff{Name: c.Name}.FirstName() }
