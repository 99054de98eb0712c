// Package staff is the inbox: the pages that the team looks at all day. One file
// for each thing that a person does; none of them has rules of its own, they ask
// the doors and show the answer.
package staff

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/live"
	"porchlight/data"
	"porchlight/inbox/web"
)

// Inbox serves the staff's pages.
type Inbox struct {
	*web.Web
	in  *intake.Intake
	hub *live.Hub
}

// New makes the inbox.
func New(w *web.Web, in *intake.Intake, hub *live.Hub) *Inbox { return &Inbox{w, in, hub} }

// Mount puts the inbox's routes behind signing in.
func (s *Inbox) Mount(r gin.IRouter) {
	r.GET("/", func(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/inbox") })
	s.mountInvite(r)
	r.GET("/welcome/:token", s.Do(s.welcomePage))
	r.POST("/welcome/:token", s.Do(s.welcome))
	g := r.Group("/", s.Require)
	g.GET("/inbox", s.Do(s.list))
	g.GET("/inbox/more", s.Do(s.more))
	g.GET("/inbox/search", s.Do(s.search))
	g.GET("/inbox/changes", s.Do(s.changes))
	g.GET("/events", s.Do(s.events))
	g.GET("/inbox/new", s.Do(s.newPage))
	g.POST("/inbox/new", s.Do(s.create))
	g.GET("/inbox/m/:id/about", s.Do(s.about))
	g.POST("/inbox/m/:id/about", s.Do(s.place))
	c := g.Group("/inbox/c/:id")
	c.GET("", s.Do(s.conversation))
	c.GET("/older", s.Do(s.older))
	c.GET("/later", s.Do(s.later))
	c.POST("/reply", s.Do(s.reply))
	c.POST("/assign", s.Do(s.assign))
	c.POST("/close", s.Do(s.close))
	c.POST("/reopen", s.Do(s.reopen))
	c.POST("/snooze", s.Do(s.snooze))
	c.POST("/urgent", s.Do(s.urgent))
	c.POST("/hold", s.Do(s.hold))
	c.POST("/take-over", s.Do(s.takeOver))
	c.POST("/give-back", s.Do(s.giveBack))
	c.GET("/people", s.Do(s.people))
	c.POST("/people", s.Do(s.addPerson))
	c.POST("/people/remove", s.Do(s.removePerson))
	c.POST("/read", s.Do(s.read))
	c.POST("/unread", s.Do(s.unread))
	c.POST("/draft", s.Do(s.draft))
	c.POST("/contact", s.Do(s.contact))
	c.POST("/address", s.Do(s.address))
	s.mountFiles(g)
	c.POST("/link", s.Do(s.link))
	s.mountPeople(g)
	s.mountSettings(g)
	g.POST("/inbox/d/:id/retry", s.Do(s.retry))
	g.POST("/inbox/d/:id/dismiss", s.Do(s.dismiss))
}

// me is who is signed in; Require has made sure of it.
func me(c *gin.Context) bridge.Staff {
	p, _ := web.Me(c)
	return p
}

// number reads a number from the query or a form; what is none is 0.
func number[T ~int64](s string) T {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return T(n)
}

// viewOf is the list that the page shows beside a conversation.
func viewOf(c *gin.Context) bridge.View {
	if v := c.PostForm("view"); v != "" {
		return bridge.ParseView(v)
	}
	return bridge.ParseView(c.Query("view"))
}

// backKey names, in gin's context, where a plain form goes back to, if that is not
// the page of the conversation.
const backKey = "staff.back"

// answer ends an action: the page's script gets what changed since its revision,
// a plain form goes back to the conversation.
func (s *Inbox) answer(c *gin.Context, id bridge.ConversationID, err error) error {
	if err != nil {
		return err
	}
	if !web.WantsFragment(c) {
		to := c.GetString(backKey)
		if to == "" {
			to = conversationURL(viewOf(c), id)
		}
		c.Redirect(http.StatusSeeOther, to)
		return nil
	}
	after, err := strconv.ParseInt(c.GetHeader("X-After"), 10, 64)
	if err != nil {
		c.Status(http.StatusNoContent)
		return nil
	}
	open := id
	if n := number[bridge.ConversationID](c.Query("open")); n != 0 {
		open = n
	}
	return s.sendChanges(c, viewOf(c), open, after)
}

// look runs a read for the page, on one snapshot.
func (s *Inbox) look(ctx context.Context, fn func(*data.Tx) error) error {
	return s.Store.Read(ctx, fn)
}

// now is the moment that a page prints its times against.
func (s *Inbox) now() time.Time { return s.Today() }

func listURL(v bridge.View) string {
	if v == bridge.ViewOpen {
		return "/inbox"
	}
	return "/inbox?view=" + string(v)
}

func conversationURL(v bridge.View, id bridge.ConversationID) string {
	u := "/inbox/c/" + strconv.FormatInt(int64(id), 10)
	if v != bridge.ViewOpen {
		u += "?view=" + string(v)
	}
	return u
}
