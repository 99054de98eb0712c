package staff

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// about asks which of the contact's records a message is about.
func (s *Inbox) about(c *gin.Context) error {
	id, err := web.ID[bridge.MessageID](c, "id")
	if err != nil {
		return err
	}
	p := templates.PlacePage{Shell: s.Shell(c, "What is this about?", "inbox"), Action: "/inbox/m/" + strconv.FormatInt(int64(id), 10) + "/about"}
	err = s.look(c.Request.Context(), func(tx *data.Tx) error {
		m, err := tx.Message(id)
		if err != nil {
			return err
		}
		conv, err := tx.Conversation(me(c), m.Conversation)
		if err != nil {
			return err
		}
		f, err := s.in.Facts(tx, me(c), conv)
		if err != nil {
			return err
		}
		f.Record = bridge.Record{}
		if err := bridge.Decide(me(c).Actor(), bridge.DoPlace, &f).Err(); err != nil {
			return err
		}
		p.Message, p.Back = templates.Item{Message: s.newMessage(m, shownTo{reader: me(c)}, "")}, conversationURL(viewOf(c), conv.ID)
		p.Current = strconv.FormatInt(int64(m.About.Record), 10)
		rs, err := tx.RecordsOf(conv.Contact, 50)
		for _, r := range rs {
			p.Records = append(p.Records, templates.Pick{ID: strconv.FormatInt(int64(r.ID), 10), Text: r.Label(), Hint: r.Stage})
		}
		return err
	})
	if err != nil {
		return err
	}
	if web.WantsFragment(c) {
		return s.Fragment(c, http.StatusOK, "placing", p)
	}
	return s.Page(c, http.StatusOK, "place", p)
}

// place says which record a message is about.
func (s *Inbox) place(c *gin.Context) error {
	id, err := web.ID[bridge.MessageID](c, "id")
	if err != nil {
		return err
	}
	conv, err := s.in.Place(c.Request.Context(), me(c), id, number[bridge.RecordID](c.PostForm("record")))
	return s.answer(c, conv, err)
}
