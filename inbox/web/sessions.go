package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
)

// sessionStore keeps the sessions of scs in our store.
type sessionStore struct {
	store *data.Store
	now   func() time.Time
}

func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}
func (s sessionStore) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}
func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

func (s sessionStore) FindCtx(ctx context.Context, token string) (b []byte, found bool, err error) {
	err = s.store.Read(ctx, func(tx *data.Tx) error {
		b, err = tx.Session(token, s.now())
		return err
	})
	if errors.Is(err, bridge.ErrNotFound) {
		return nil, false, nil
	}
	return b, err == nil, err
}

func (s sessionStore) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	return s.store.Write(ctx, func(tx *data.Tx) error { return tx.PutSession(token, b, expiry) })
}

func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	return s.store.Write(ctx, func(tx *data.Tx) error { return tx.EndSession(token) })
}

const (
	keyStaff = "staff"  // in the session: whose it is
	keyMark  = "mark"   // in the session: which password it was opened with
	meKey    = "web.me" // in gin's context
)

// SignIn opens a session for a member of staff, with a new token. password is
// the stored hash: a session ends when that changes.
func (w *Web) SignIn(c *gin.Context, p bridge.Staff, password string) error {
	ctx, err := w.sessions.Load(c.Request.Context(), "")
	if err != nil {
		return err
	}
	w.sessions.Put(ctx, keyStaff, int64(p.ID))
	w.sessions.Put(ctx, keyMark, passwordMark(password))
	token, expiry, err := w.sessions.Commit(ctx)
	if err != nil {
		return err
	}
	w.sessions.WriteSessionCookie(ctx, c.Writer, token, expiry)
	return nil
}

// SignOut ends the session of this browser.
func (w *Web) SignOut(c *gin.Context) error {
	if token, err := c.Cookie(w.sessions.Cookie.Name); err == nil {
		ctx, err := w.sessions.Load(c.Request.Context(), token)
		if err == nil {
			err = w.sessions.Destroy(ctx)
		}
		if err != nil {
			return err
		}
	}
	w.sessions.WriteSessionCookie(c.Request.Context(), c.Writer, "", time.Time{})
	return nil
}

// session finds whose session the cookie opens.
func (w *Web) session(c *gin.Context) (p bridge.Staff, ok bool, err error) {
	token, err := c.Cookie(w.sessions.Cookie.Name)
	if err != nil || token == "" {
		return w.visitor(c)
	}
	ctx, err := w.sessions.Load(c.Request.Context(), token)
	if err != nil {
		return p, false, err
	}
	id := bridge.StaffID(w.sessions.GetInt64(ctx, keyStaff))
	if id == 0 {
		return w.visitor(c)
	}
	var hash string
	err = w.Store.Read(ctx, func(tx *data.Tx) (err error) {
		if p, err = tx.StaffMember(id); err == nil {
			hash, err = tx.Password(id)
		}
		return err
	})
	if errors.Is(err, bridge.ErrNotFound) || err == nil && (!p.Active || w.sessions.GetString(ctx, keyMark) != passwordMark(hash)) {
		return p, false, nil
	}
	return p, err == nil, err
}

// visitor is who somebody without a session is: nobody, but for the demo.
func (w *Web) visitor(c *gin.Context) (p bridge.Staff, ok bool, err error) {
	if w.Visitor == 0 {
		return p, false, nil
	}
	err = w.Store.Read(c.Request.Context(), func(tx *data.Tx) (err error) {
		p, err = tx.StaffMember(w.Visitor)
		return err
	})
	return p, err == nil, err
}

// Identify finds who is signed in, for the pages that anybody may open.
func (w *Web) Identify(c *gin.Context) {
	p, ok, err := w.session(c)
	if err != nil {
		w.fail(c, err)
		c.Abort()
		return
	}
	if ok {
		c.Set(meKey, p)
	}
}

// Require lets only signed-in staff pass, and sends others to sign in first. It reads
// a form before it asks whose it is: one that trickles in must not be done in the name
// of somebody who was switched off meanwhile, nor be waited for inside a transaction,
// which all other writers wait for.
func (w *Web) Require(c *gin.Context) {
	if c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead && !streams(c) { // who streams asks again afterwards
		_ = c.Request.ParseMultipartForm(maxForm) // also one that is not multipart; what cannot be read is not there
	}
	w.Identify(c)
	if c.IsAborted() {
		return
	}
	if _, ok := Me(c); ok {
		return
	}
	if WantsFragment(c) || c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead {
		c.String(http.StatusUnauthorized, "You are signed out. Sign in again; what you wrote is kept on this device.")
	} else {
		c.Redirect(http.StatusSeeOther, "/login?next="+url.QueryEscape(c.Request.URL.RequestURI()))
	}
	c.Abort()
}

// Me is who is signed in.
func Me(c *gin.Context) (bridge.Staff, bool) {
	p, ok := c.Get(meKey)
	if !ok {
		return bridge.Staff{}, false
	}
	return p.(bridge.Staff), true
}
