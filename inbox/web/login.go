package web

import (
	"errors"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// TicketOwner is the purpose of the one-time link that makes the first owner.
const TicketOwner = "first owner"

// Doors mounts signing in and out.
func (w *Web) Doors(r gin.IRouter) {
	r.GET("/login", w.Identify, w.Do(w.loginPage))
	r.POST("/login", w.Do(w.login))
	r.POST("/logout", w.Do(w.logout))
	if w.Demo {
		r.POST("/be", w.Do(w.be))
	}
}

// local keeps a redirect inside this site.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/inbox"
	}
	return next
}

// be lets a visitor of the demo see the inbox as any of its team does.
func (w *Web) be(c *gin.Context) error {
	id, err := strconv.ParseInt(c.PostForm("staff"), 10, 64)
	if err != nil {
		return bridge.ErrNotFound
	}
	var p bridge.Staff
	var hash string
	err = w.Store.Read(c.Request.Context(), func(tx *data.Tx) (err error) {
		if p, err = tx.StaffMember(bridge.StaffID(id)); err == nil {
			hash, err = tx.Password(p.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := w.SignIn(c, p, hash); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/inbox")
	return nil
}

func (w *Web) loginPage(c *gin.Context) error {
	if _, ok := Me(c); ok {
		c.Redirect(http.StatusSeeOther, local(c.Query("next")))
		return nil
	}
	return w.Page(c, http.StatusOK, "login", templates.LoginPage{Shell: w.Shell(c, "Sign in", ""), Next: c.Query("next")})
}

func (w *Web) login(c *gin.Context) error {
	email, next := strings.ToLower(strings.TrimSpace(c.PostForm("email"))), c.PostForm("next")
	refuse := func(code int, sentence string) error {
		return w.Page(c, code, "login", templates.LoginPage{Shell: w.Shell(c, "Sign in", ""), Email: email, Next: next, Error: sentence})
	}
	if len(email) > 254 {
		return refuse(http.StatusUnprocessableEntity, "This email and password do not go together.")
	}
	from := peer(c.Request)
	if !w.limits.allow(email+" "+from, 10) || !w.limits.allow("email "+email, 50) || !w.limits.allow("peer "+from, 100) {
		c.Header("Retry-After", "900")
		return refuse(http.StatusTooManyRequests, "Too many tries. Wait 15 minutes, then try again.")
	}
	var p bridge.Staff
	var hash string
	err := w.Store.Read(c.Request.Context(), func(tx *data.Tx) (err error) {
		p, hash, err = tx.StaffByEmail(email)
		return err
	})
	if err != nil && !errors.Is(err, bridge.ErrNotFound) {
		return err
	}
	w.hashing <- struct{}{} // 19 MB each: as many at once as there are cores
	good := CheckPassword(hash, c.PostForm("password"))
	<-w.hashing
	if !good || !p.Active {
		return refuse(http.StatusUnprocessableEntity, "This email and password do not go together.")
	}
	if err := w.SignIn(c, p, hash); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, local(next))
	return nil
}

// ForgetFiles makes the browser drop the photos and files that it keeps, so that the
// next person at it cannot open them.
func ForgetFiles(c *gin.Context) { c.Header("Clear-Site-Data", `"cache"`) }

func (w *Web) logout(c *gin.Context) error {
	if err := w.SignOut(c); err != nil {
		return err
	}
	ForgetFiles(c)
	c.Redirect(http.StatusSeeOther, "/login")
	return nil
}

// WelcomePage is where the first owner's one-time link leads.
func (w *Web) WelcomePage(c *gin.Context) error {
	c.Header("Referrer-Policy", "no-referrer")
	ok, err := w.ticketValid(c, c.Param("token"))
	if err != nil {
		return err
	}
	code := http.StatusOK
	if !ok {
		code = http.StatusGone
	}
	return w.Page(c, code, "welcome", templates.WelcomePage{Shell: w.Shell(c, "Welcome", ""), Token: c.Param("token"), Expired: !ok})
}

func (w *Web) ticketValid(c *gin.Context, token string) (ok bool, err error) {
	err = w.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		ok, err = tx.TicketValid(bridge.HashSecret(token), TicketOwner, w.Now())
		return err
	})
	return ok, err
}

func (w *Web) newOwner(name, email, password string) (bridge.Staff, string, error) {
	w.hashing <- struct{}{}
	defer func() { <-w.hashing }()
	return NewStaff(name, email, string(bridge.Owner), password)
}

// Welcome makes the first owner and signs them in.
func (w *Web) Welcome(c *gin.Context) error {
	view := templates.WelcomePage{
		Shell: w.Shell(c, "Welcome", ""), Token: c.Param("token"),
		Name: strings.TrimSpace(c.PostForm("name")), Email: c.PostForm("email"),
	}
	refuse := func(err *bridge.Invalid) error {
		view.Error, view.ErrorField = err.Problem+".", err.Field
		return w.Page(c, http.StatusUnprocessableEntity, "welcome", view)
	}
	if ok, err := w.ticketValid(c, view.Token); err != nil {
		return err
	} else if !ok { // before the costly password, so that nobody else can make us work
		view.Expired = true
		return w.Page(c, http.StatusGone, "welcome", view)
	}
	p, hash, err := w.newOwner(view.Name, view.Email, c.PostForm("password"))
	var invalid *bridge.Invalid
	if errors.As(err, &invalid) {
		return refuse(invalid)
	} else if err != nil {
		return err
	}
	var ok bool
	err = w.Store.Write(c.Request.Context(), func(tx *data.Tx) (err error) {
		if ok, err = tx.UseTicket(bridge.HashSecret(view.Token), TicketOwner, w.Now()); err != nil || !ok {
			return err
		}
		team, err := tx.Staff()
		if ok = len(team) == 0; err != nil || !ok {
			return err // somebody was added meanwhile: the link is for the first one only
		}
		p, err = tx.AddStaff(p, hash, w.Now())
		return err
	})
	switch {
	case errors.Is(err, bridge.ErrDuplicate):
		return refuse(&bridge.Invalid{Field: "email", Problem: "Somebody in the team has this email already"})
	case err != nil:
		return err
	case !ok:
		view.Expired = true
		return w.Page(c, http.StatusGone, "welcome", view)
	}
	if err := w.SignIn(c, p, hash); err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/inbox")
	return nil
}

// Hash makes the hash of a password, as many at once as there are cores: each takes
// 19 MB.
func (w *Web) Hash(password string) (string, error) {
	w.hashing <- struct{}{}
	defer func() { <-w.hashing }()
	return HashPassword(password)
}

// NewStaff checks what somebody gave for a new member of staff and hashes the
// password. Its errors are *bridge.Invalid.
func NewStaff(name, email, role, password string) (p bridge.Staff, hash string, err error) {
	p.Name = strings.Join(strings.Fields(bridge.CleanText(name)), " ")
	p.Email = strings.ToLower(strings.TrimSpace(email))
	if p.Name == "" || len(p.Name) > 200 {
		return p, "", &bridge.Invalid{Field: "name", Problem: "Give the name that colleagues and customers should see"}
	}
	if a, err := mail.ParseAddress(p.Email); err != nil || a.Address != p.Email || len(p.Email) > 254 {
		return p, "", &bridge.Invalid{Field: "email", Problem: "This is not an email address"}
	}
	if p.Role, err = bridge.ParseRole(role); err != nil {
		return p, "", err
	}
	hash, err = HashPassword(password)
	return p, hash, err
}
