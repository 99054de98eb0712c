package staff

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

func (s *Inbox) mountFiles(g gin.IRouter) {
	g.GET("/inbox/file/:id", s.Do(s.file(web.Whole)))
	g.HEAD("/inbox/file/:id", s.Do(s.file(web.Whole)))
	g.GET("/inbox/file/:id/thumb", s.Do(s.file(web.Thumb)))
	g.POST("/inbox/file/:id/off", s.Do(s.takeOff))
	g.POST("/inbox/c/:id/files", s.Do(s.upload))
}

// file serves a file of a message that the reader sees, or one that they have
// uploaded themselves and not sent.
func (s *Inbox) file(p web.Part) web.Handler {
	return func(c *gin.Context) error {
		id, err := web.ID[bridge.AttachmentID](c, "id")
		if err != nil {
			return err
		}
		var a bridge.Attachment
		err = s.look(c.Request.Context(), func(tx *data.Tx) error {
			a, err = tx.AttachmentFor(me(c), id)
			return err
		})
		if err != nil {
			return err
		}
		return s.ServeFile(c, a, p)
	}
}

// filesIn is what a conversation that the reader sees lets a message have.
func (s *Inbox) filesIn(c *gin.Context, id bridge.ConversationID) (rule bridge.Files, err error) {
	err = s.look(c.Request.Context(), func(tx *data.Tx) error {
		conv, err := tx.Conversation(me(c), id)
		if err != nil {
			return err
		}
		settings, err := tx.Settings()
		if err == nil {
			rule = settings.Policy(conv.Kind).Files
		}
		return err
	})
	return rule, err
}

// upload takes files while the message is still being written, and answers with
// what the form shows of them.
func (s *Inbox) upload(c *gin.Context) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	rule, err := s.filesIn(c, id)
	if err != nil {
		return err
	}
	got, err := s.take(c, rule)
	if err != nil {
		return err
	}
	if len(got) == 0 {
		return &bridge.Invalid{Field: "file", Problem: "There is no file in the form"}
	}
	if err := s.Still(c); err != nil {
		return err
	}
	return s.Fragment(c, http.StatusOK, "uploads", newUploads(got))
}

// take reads the files of a form, and with them its fields.
func (s *Inbox) take(c *gin.Context, rule bridge.Files) (got []bridge.Attachment, err error) {
	most := rule.MaxSize * int64(max(rule.Most, 1))
	err = web.ReadUpload(c, most, func(name string, r io.Reader) error {
		client := c.Request.PostForm.Get("client")
		if client != "" { // the same form sent twice; not one that came back and has other files now
			client = fmt.Sprintf("%.100s/%d/%d/%.60s", client, len(chosen(c)), len(got), name)
		}
		a, err := s.in.Upload(c.Request.Context(), me(c).Actor(), intake.Upload{Name: name, Body: r, Client: client}, rule)
		if err == nil {
			got = append(got, a)
		}
		return err
	})
	return got, err
}

func (s *Inbox) takeOff(c *gin.Context) error {
	id, err := web.ID[bridge.AttachmentID](c, "id")
	if err != nil {
		return err
	}
	if err := s.in.TakeOff(c.Request.Context(), me(c).Actor(), id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// chosen are the files that a form names, which were uploaded before: one or more
// fields, each with ids and commas between.
func chosen(c *gin.Context) (ids []bridge.AttachmentID) {
	for _, field := range c.PostFormArray("file") {
		for text := range strings.SplitSeq(field, ",") {
			if id := number[bridge.AttachmentID](text); id > 0 && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// kept are the files of a form that was not taken, to show them again.
func (s *Inbox) kept(tx *data.Tx, reader bridge.Staff, ids []bridge.AttachmentID) ([]templates.Upload, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	loose, err := tx.Uploads(reader.Actor().Uploader())
	loose = slices.DeleteFunc(loose, func(a bridge.Attachment) bool { return !slices.Contains(ids, a.ID) })
	return newUploads(loose), err
}

func newUploads(as []bridge.Attachment) (out []templates.Upload) {
	for _, a := range as {
		out = append(out, templates.Upload{ID: a.ID, Attachment: newAttachment(a, "/inbox/file/")})
	}
	return out
}

// newAttachment is a file as pages show it; base is where files are served.
func newAttachment(a bridge.Attachment, base string) templates.Attachment {
	v := templates.Attachment{Name: a.Name, Type: a.ContentType, Photo: a.Photo()}
	switch a.State {
	case bridge.Arriving, bridge.Loading:
		v.Arriving = true
		return v
	case bridge.Gone:
		v.Lost = a.Problem
		if v.Lost == "" {
			v.Lost = "It did not arrive"
		}
		return v
	case bridge.Kept:
	}
	v.Href, v.Size = base+strconv.FormatInt(int64(a.ID), 10), bridge.Megabytes(a.Size)
	if a.Image() {
		v.Thumb, v.Width, v.Height = v.Href+"/thumb", a.Width, a.Height
	}
	return v
}
