package staff

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

func (s *Inbox) reply(c *gin.Context) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	d := intake.Draft{
		Conversation: id, Body: c.PostForm("body"), ClientID: c.PostForm("client"),
		Seen: number[bridge.MessageID](c.PostForm("seen")),
	}
	if c.PostForm("channel") == "note" {
		_, err = s.in.Note(c.Request.Context(), me(c), d)
	} else {
		d.By = chosenWay(c)
		_, err = s.in.Reply(c.Request.Context(), me(c), d)
	}
	var invalid *bridge.Invalid
	var denied *bridge.Denied
	switch {
	case errors.Is(err, bridge.ErrConflict):
		return s.refused(c, d, http.StatusConflict, "")
	case errors.As(err, &invalid), errors.As(err, &denied):
		t := web.Explain(c.Request.Context(), err)
		return s.refused(c, d, http.StatusUnprocessableEntity, t.Sentence())
	}
	return s.answer(c, id, err)
}

// chosenWay is the way that the writer chose for a reply; empty: what happens by itself.
func chosenWay(c *gin.Context) bridge.Channel {
	switch ch := bridge.Channel(c.PostForm("channel")); ch {
	case bridge.SMS, bridge.Email, bridge.Portal:
		return ch
	}
	return bridge.Channel(c.PostForm("by"))
}

// refused shows the form again with what was typed and why it was not sent: a
// sentence, or what came in meanwhile.
func (s *Inbox) refused(c *gin.Context, d intake.Draft, code int, sentence string) error {
	v := viewOf(c)
	var conv templates.Conversation
	err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		conv, err = s.newConversation(tx, me(c), v, d.Conversation, 0)
		return err
	})
	if err != nil {
		return err
	}
	cp := &conv.Composer
	cp.Error, cp.Note, cp.Way = sentence, c.PostForm("channel") == "note", string(chosenWay(c))
	if cp.Note {
		cp.NoteDraft = d.Body
	} else {
		cp.Draft = d.Body
	}
	if code == http.StatusConflict {
		cp.Conflict = &templates.Conflict{Body: d.Body, Client: d.ClientID, LastSeen: cp.LastSeen}
		for _, it := range conv.Items {
			if it.Message.ID > d.Seen && (it.Message.Side == "in" || it.Message.Side == "out") {
				cp.Conflict.Items = append(cp.Conflict.Items, it)
			}
		}
	}
	if web.WantsFragment(c) {
		return s.Fragment(c, code, "composer", *cp)
	}
	p, err := s.inboxPage(c, v, func(*data.Tx) (templates.Conversation, error) { return conv, nil })
	if err != nil {
		return err
	}
	return s.Page(c, code, "inbox", p)
}
