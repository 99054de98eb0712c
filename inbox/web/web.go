// Package web is what every page of the inbox and the portal needs: who is
// signed in, rendering, errors that people can read, and event streams.
package web

import (
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// Options are what the pages need from the rest of the program.
type Options struct {
	Store    *data.Store
	Set      *templates.Set
	Now      func() time.Time
	Zone     *time.Location // of the business
	Business string
	// PublicURL is where people outside reach this site, without a slash at the end.
	PublicURL string
	Demo      bool
	// Visitor is who somebody without a session is. Only the demo sets it.
	Visitor bridge.StaffID
	// Secure marks cookies for https only.
	Secure bool
	// Blobs are where files are; nil where there are none.
	Blobs bridge.Blobs
	// Signed reads the token of a signed address: which file, and what of it.
	// bridge.ErrNotFound where we did not make it, bridge.ErrExpired where its time is
	// over. nil serves none.
	Signed func(token string) (bridge.AttachmentID, Part, error)
	// SessionDays is how long somebody stays signed in; 0 is 30.
	SessionDays int
}

// Web serves pages. It is safe for concurrent use.
type Web struct {
	Options
	sessions *scs.SessionManager
	limits   *limiter
	hashing  chan struct{} // bounds how many passwords are hashed at once
}

// New makes the pages' common ground.
func New(o Options) *Web {
	if o.SessionDays == 0 {
		o.SessionDays = 30
	}
	m := scs.New()
	m.Store = sessionStore{o.Store, o.Now}
	m.HashTokenInStore = true
	m.Lifetime = time.Duration(o.SessionDays) * 24 * time.Hour
	m.Cookie.Name, m.Cookie.HttpOnly, m.Cookie.SameSite = "porchlight", true, http.SameSiteLaxMode
	m.Cookie.Secure, m.Cookie.Path, m.Cookie.Persist = o.Secure, "/", true
	return &Web{o, m, newLimiter(o.Now), make(chan struct{}, runtime.NumCPU())}
}

// Today is now in the business's zone, which pages print times in.
func (w *Web) Today() time.Time { return w.Now().In(w.Zone) }

// A Handler answers a request or gives the reason why not, which Do turns into
// a page.
type Handler func(*gin.Context) error

// Do runs a handler and shows its error, if any.
func (w *Web) Do(h Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			w.fail(c, err)
		}
	}
}

// Headers sets what every answer carries: nothing but our own files runs or is
// shown, and no other site may frame a page.
func Headers(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// maxForm is the largest form that a page takes, in bytes: a message of 10,000
// characters, escaped, stays under 128 KB.
const maxForm = 256 << 10

// Bounded refuses larger requests before anything reads them.
func Bounded(c *gin.Context) {
	if streams(c) {
		return // its handler knows how much its kind of message takes
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
}

// Shell is what surrounds every page, as the signed-in member of staff sees it.
func (w *Web) Shell(c *gin.Context, title, section string) templates.Shell {
	s := templates.Shell{
		Title: title, Business: w.Business, Section: section, Demo: w.Demo, Today: w.Today().Format("20060102"),
	}
	if me, ok := Me(c); ok {
		s.Me = NewPerson(me)
		s.People = bridge.Decide(me.Actor(), bridge.DoSeePeople, &bridge.Facts{}).Allowed()
		s.Roles = w.roles(c, me)
		s.Settings = bridge.Decide(me.Actor(), bridge.DoChangeSettings, &bridge.Facts{}).Allowed()
	}
	return s
}

// roles are the others of the demo's team, whose inbox a visitor may look at.
func (w *Web) roles(c *gin.Context, me bridge.Staff) (out []templates.Person) {
	if !w.Demo {
		return nil
	}
	err := w.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		team, err := tx.Staff()
		for _, p := range team {
			if p.Active && p.ID != me.ID {
				out = append(out, NewPerson(p))
			}
		}
		return err
	})
	if err != nil {
		warn(c, "team not read", "err", err)
	}
	return out
}

// NewPerson is a member of staff as pages show them.
func NewPerson(p bridge.Staff) templates.Person {
	return templates.Person{ID: p.ID, Name: p.Name, Initials: bridge.Initials(p.Name), Role: p.Role.Title()}
}

// Page answers with a whole page.
func (w *Web) Page(c *gin.Context, code int, name string, view any) error {
	return w.html(c, code, func(out http.ResponseWriter) error { return w.Set.Page(out, name, view) })
}

// Fragment answers with elements that the page puts in their places.
func (w *Web) Fragment(c *gin.Context, code int, name string, view any) error {
	return w.html(c, code, func(out http.ResponseWriter) error { return w.Set.Fragment(out, name, view) })
}

// Revision tells the page up to which revision an answer is complete.
func Revision(c *gin.Context, rev int64) { c.Header("X-Rev", strconv.FormatInt(rev, 10)) }

// WantsFragment reports whether the page's own script asks, and not a form.
func WantsFragment(c *gin.Context) bool { return c.GetHeader("X-Fragment") == "1" }

// ID reads a number from the path; anything else is bridge.ErrNotFound.
func ID[T ~int64](c *gin.Context, name string) (T, error) {
	n, err := strconv.ParseInt(c.Param(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, bridge.ErrNotFound
	}
	return T(n), nil
}

// warn logs what a person cannot mend.
func warn(c *gin.Context, msg string, args ...any) {
	slog.WarnContext(c.Request.Context(), msg, append(args, "path", c.FullPath())...)
}
