package staff

import (
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/inbox/web"
)

// on runs an action on the conversation in the path and answers.
func (s *Inbox) on(c *gin.Context, do func(bridge.ConversationID) error) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err == nil {
		err = do(id)
	}
	return s.answer(c, id, err)
}

func (s *Inbox) assign(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		to := number[bridge.StaffID](c.PostForm("staff"))
		if c.PostForm("staff") == "me" {
			to = me(c).ID
		}
		return s.in.Assign(c.Request.Context(), me(c), id, to)
	})
}

func (s *Inbox) close(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error { return s.in.Close(c.Request.Context(), me(c), id) })
}

func (s *Inbox) reopen(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error { return s.in.Reopen(c.Request.Context(), me(c), id) })
}

// snooze takes a ready-made time, which has its zone, or a time that a person
// picked, which is in the business's.
func (s *Inbox) snooze(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		until, err := time.Parse(time.RFC3339, c.PostForm("until"))
		if err != nil {
			until, err = time.ParseInLocation("2006-01-02T15:04", c.PostForm("until"), s.Zone)
		}
		if err != nil {
			return &bridge.Invalid{Field: "until", Problem: "Choose a day and a time"}
		}
		return s.in.Snooze(c.Request.Context(), me(c), id, until.In(s.Zone))
	})
}

func (s *Inbox) urgent(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		return s.in.SetUrgent(c.Request.Context(), me(c), id, c.PostForm("on") != "0")
	})
}

func (s *Inbox) hold(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		return s.in.Hold(c.Request.Context(), me(c), id, c.PostForm("on") != "0")
	})
}

func (s *Inbox) read(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		return s.in.Read(c.Request.Context(), me(c), id, number[bridge.MessageID](c.PostForm("upto")))
	})
}

func (s *Inbox) unread(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error { return s.in.Unread(c.Request.Context(), me(c), id) })
}

func (s *Inbox) draft(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		return s.in.SaveDraft(c.Request.Context(), me(c), id, c.PostForm("kind"), c.PostForm("body"))
	})
}

func (s *Inbox) contact(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		return s.in.Rename(c.Request.Context(), me(c), id, c.PostForm("name"))
	})
}

func (s *Inbox) address(c *gin.Context) error {
	return s.on(c, func(id bridge.ConversationID) error {
		if typed := c.PostForm("phone"); !strings.Contains(typed, "@") {
			return s.in.AddPhone(c.Request.Context(), me(c), id, typed)
		}
		return s.in.AddEmail(c.Request.Context(), me(c), id, c.PostForm("phone"))
	})
}

// retry sends a failed delivery once more, or its message in another way.
func (s *Inbox) retry(c *gin.Context) error {
	id, err := web.ID[bridge.DeliveryID](c, "id")
	if err != nil {
		return err
	}
	conv, err := s.in.RetryBy(c.Request.Context(), me(c), id, bridge.Channel(c.PostForm("by")))
	return s.answer(c, conv, err)
}

// dismiss says that a failure has been dealt with.
func (s *Inbox) dismiss(c *gin.Context) error {
	id, err := web.ID[bridge.DeliveryID](c, "id")
	if err != nil {
		return err
	}
	conv, err := s.in.Dismiss(c.Request.Context(), me(c), id)
	return s.answer(c, conv, err)
}
