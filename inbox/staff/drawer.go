package staff

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// talk is the conversation with a contact over the table of people, or as a page of
// its own. Opening it starts none: only the first message does.
func (s *Inbox) talk(c *gin.Context) error { return s.showTalk(c, http.StatusOK, "") }

func (s *Inbox) showTalk(c *gin.Context, code int, problem string) error {
	if err := seesPeople(c); err != nil {
		return err
	}
	id, err := web.ID[bridge.ContactID](c, "id")
	if err != nil {
		return err
	}
	p := templates.TalkPage{Shell: s.Shell(c, "", "people")}
	err = s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		p.Rev = tx.Rev()
		p.Talk, err = s.newTalk(tx, me(c), id)
		return err
	})
	if err != nil {
		return err
	}
	p.Title, p.Talk.Rev, p.Talk.Error = p.Talk.Name, p.Rev, problem
	if problem != "" {
		p.Talk.Body, p.Talk.Client = c.PostForm("body"), c.PostForm("client")
	}
	if web.WantsFragment(c) {
		web.Revision(c, p.Rev)
		return s.Fragment(c, code, "talk", p.Talk)
	}
	return s.Page(c, code, "talkpage", p)
}

// prospect looks ahead to a message to a contact.
func (s *Inbox) prospect(tx *data.Tx, reader bridge.Staff, id bridge.ContactID) (who bridge.Contact, k bridge.Kind, p intake.Prospect, err error) {
	if who, err = standing(tx, id); err != nil {
		return who, k, p, err
	}
	if k, err = s.in.KindWith(tx, who); err != nil {
		return who, k, p, err
	}
	p, err = s.in.Prospect(tx, reader, intake.Start{Kind: k, Contact: id})
	return who, k, p, err
}

// newTalk is what the drawer shows.
func (s *Inbox) newTalk(tx *data.Tx, reader bridge.Staff, id bridge.ContactID) (t templates.Talk, err error) {
	who, _, ahead, err := s.prospect(tx, reader, id)
	if err != nil {
		return t, err
	}
	row := newContactRow(who, s.now())
	t = templates.Talk{
		Name: row.Title, Initials: row.Initials, Side: row.Side, Company: row.Company, Status: row.Status,
		CloseHref: contactURL(id), Action: contactURL(id) + "/message", Client: newClient(),
	}
	if ahead.Conversation.ID == 0 {
		return t, s.beforeFirst(tx, &t, ahead)
	}
	open, err := s.newConversation(tx, reader, bridge.ViewOpen, ahead.Conversation.ID, placeInLog{})
	if err != nil {
		return t, err
	}
	open.Composer.Action = t.Action
	t.Open, t.InboxHref = &open, open.Href
	return t, nil
}

// beforeFirst says what the first message will do, or why there can be none.
func (s *Inbox) beforeFirst(tx *data.Tx, t *templates.Talk, ahead intake.Prospect) error {
	if err := ahead.Decision.Err(); err != nil {
		why := web.Explain(tx.Context(), err)
		t.Blocked, t.Fix = why.Text, why.Fix
		return nil
	}
	cp, err := s.first(tx, ahead.Facts, ahead.Decision)
	t.Hint = cp.Hint
	return err
}

// say sends a message from the drawer: into the conversation that there is, or as
// the first one of a new conversation.
func (s *Inbox) say(c *gin.Context) error {
	if err := seesPeople(c); err != nil {
		return err
	}
	id, err := web.ID[bridge.ContactID](c, "id")
	if err != nil {
		return err
	}
	var kind bridge.Kind
	var ahead intake.Prospect
	err = s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		_, kind, ahead, err = s.prospect(tx, me(c), id)
		return err
	})
	if err != nil {
		return err
	}
	back := contactURL(id) + "/message"
	if conv := ahead.Conversation.ID; conv != 0 && (web.IsMultipart(c.Request) || c.PostForm("channel") != "") { // the reply form
		c.Set(backKey, back)
		c.Params = gin.Params{{Key: "id", Value: strconv.FormatInt(int64(conv), 10)}}
		return s.reply(c)
	}
	if web.IsMultipart(c.Request) { // the first message's form has no files
		return &bridge.Invalid{Field: "form", Problem: "The form could not be read"}
	}
	if strings.TrimSpace(c.PostForm("body")) == "" { // Start would open an empty one
		return s.showTalk(c, http.StatusUnprocessableEntity, "Write something first.")
	}
	_, err = s.in.Start(c.Request.Context(), me(c), intake.Start{Kind: kind, Contact: id, Body: c.PostForm("body"), ClientID: c.PostForm("client")})
	var invalid *bridge.Invalid
	var denied *bridge.Denied
	switch {
	case errors.As(err, &invalid), errors.As(err, &denied) && denied.Code != "role":
		return s.showTalk(c, http.StatusUnprocessableEntity, web.Explain(c.Request.Context(), err).Sentence())
	case err != nil:
		return err
	case web.WantsFragment(c):
		return s.talk(c)
	}
	c.Redirect(http.StatusSeeOther, back)
	return nil
}
