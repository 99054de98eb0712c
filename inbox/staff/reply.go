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
	d, err := s.readDraft(c, id)
	switch {
	case err != nil:
	case c.PostForm("channel") == "note":
		_, err = s.in.Note(c.Request.Context(), me(c), d)
	default:
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

// readDraft reads the form of a reply. A browser without JavaScript sends the files
// along; what came before one that was refused stays in the form.
func (s *Inbox) readDraft(c *gin.Context, id bridge.ConversationID) (d intake.Draft, err error) {
	var sent []bridge.Attachment
	if web.IsMultipart(c.Request) {
		rule, err := s.filesIn(c, id)
		if err != nil {
			return d, err
		}
		sent, err = s.take(c, rule)
		if broken := s.Still(c); broken != nil {
			return d, broken
		}
		if err != nil {
			d = draftOf(c, id, sent)
			return d, err
		}
	}
	return draftOf(c, id, sent), nil
}

func draftOf(c *gin.Context, id bridge.ConversationID, sent []bridge.Attachment) intake.Draft {
	d := intake.Draft{
		Conversation: id, Body: c.PostForm("body"), ClientID: c.PostForm("client"),
		Seen: number[bridge.MessageID](c.PostForm("seen")), Files: chosen(c),
	}
	for _, a := range sent {
		d.Files = append(d.Files, a.ID)
	}
	return d
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
		if conv, err = s.newConversation(tx, me(c), v, d.Conversation, placeInLog{}); err == nil {
			conv.Composer.Files.Uploads, err = s.kept(tx, me(c), d.Files)
		}
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
