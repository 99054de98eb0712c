package staff

// Where the links lead that let somebody in who has no password yet: the first
// owner's, and the invitations into the team.

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// invited finds whom a link invites into the team; ok is false for any other link.
func (s *Inbox) invited(c *gin.Context) (p bridge.Staff, ok bool, err error) {
	err = s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		p, err = s.in.StaffInvited(tx, bridge.HashSecret(c.Param("token")))
		return err
	})
	if errors.Is(err, bridge.ErrNotFound) {
		return p, false, nil
	}
	return p, err == nil, err
}

func (s *Inbox) joinPage(c *gin.Context, p bridge.Staff, problem string) error {
	code := http.StatusOK
	if problem != "" {
		code = http.StatusUnprocessableEntity
	}
	c.Header("Referrer-Policy", "no-referrer")
	return s.Page(c, code, "join", templates.JoinPage{
		Shell: s.Shell(c, "Join the team", ""), Token: c.Param("token"), Name: p.FirstName(), Email: p.Email, Role: p.Role.Title(), Error: problem,
	})
}

func (s *Inbox) welcomePage(c *gin.Context) error {
	p, ok, err := s.invited(c)
	switch {
	case err != nil:
		return err
	case !ok:
		return s.WelcomePage(c)
	}
	return s.joinPage(c, p, "")
}

// welcome sets the password of somebody who was invited, and signs them in.
func (s *Inbox) welcome(c *gin.Context) error {
	p, ok, err := s.invited(c) // before the costly password, so that nobody else can make us work
	switch {
	case err != nil:
		return err
	case !ok:
		return s.Welcome(c)
	}
	hash, err := s.Hash(c.PostForm("password"))
	if bad := new(bridge.Invalid); errors.As(err, &bad) {
		return s.joinPage(c, p, bad.Problem+".")
	} else if err != nil {
		return err
	}
	p, err = s.in.AcceptStaff(c.Request.Context(), bridge.HashSecret(c.Param("token")), hash)
	if errors.Is(err, bridge.ErrNotFound) { // used meanwhile
		return s.WelcomePage(c)
	}
	if err != nil {
		return err
	}
	if err := s.SignIn(c, p, hash); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/inbox")
	return nil
}
