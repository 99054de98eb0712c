package portal

import (
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

func (p *Portal) mountFiles(g gin.IRouter) {
	for path, part := range map[string]web.Part{"/file/:id": web.Whole, "/file/:id/thumb": web.Thumb} {
		g.GET(path, p.do(p.file(part)))
		g.HEAD(path, p.do(p.file(part)))
	}
	g.POST("/file/:id/off", p.do(p.takeOff))
	g.POST("/c/:id/files", p.do(p.uploadTo))
	g.POST("/new/files", p.do(p.uploadNew))
}

// file serves a file of a message that the contact sees, or one that they have
// uploaded and not sent.
func (p *Portal) file(part web.Part) handler {
	return func(c *gin.Context, who bridge.Contact) error {
		id, err := web.ID[bridge.AttachmentID](c, "id")
		if err != nil {
			return err
		}
		var a bridge.Attachment
		err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
			a, err = tx.AttachmentForContact(who, id)
			return err
		})
		if err != nil {
			return err
		}
		return p.ServeFile(c, a, part)
	}
}

func (p *Portal) takeOff(c *gin.Context, who bridge.Contact) error {
	id, err := web.ID[bridge.AttachmentID](c, "id")
	if err != nil {
		return err
	}
	if err := p.in.TakeOff(c.Request.Context(), who.Actor(), id); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// rule is what the messages of a conversation that the contact sees may have.
func (p *Portal) rule(c *gin.Context, who bridge.Contact, id bridge.ConversationID) (rule bridge.Files, err error) {
	err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		f, err := p.in.ContactFacts(tx, who, id)
		if err == nil {
			rule = f.Settings.Policy(f.Conversation.Kind).Files
		}
		return err
	})
	return rule, err
}

func (p *Portal) uploadTo(c *gin.Context, who bridge.Contact) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	rule, err := p.rule(c, who, id)
	if err != nil {
		return err
	}
	return p.upload(c, who, func() bridge.Files { return rule })
}

// uploadNew takes files of a conversation that is not there yet; what it is about
// stands in the form before them.
func (p *Portal) uploadNew(c *gin.Context, who bridge.Contact) error {
	choose, err := p.startRules(c, who)
	if err != nil {
		return err
	}
	return p.upload(c, who, func() bridge.Files { return choose(c.PostForm("about")) })
}

// startRules gives the rule of each thing that a contact may start a conversation
// about, by its value in the form. What they may not takes no files.
func (p *Portal) startRules(c *gin.Context, who bridge.Contact) (func(about string) bridge.Files, error) {
	rules := map[string]bridge.Files{}
	err := p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		choices, err := p.in.PortalChoices(tx, who)
		for _, ch := range choices {
			rules[choiceValue(ch.Kind, ch.Record.ID)] = s.Policy(ch.Kind).Files
		}
		return err
	})
	return func(about string) bridge.Files { return rules[about] }, err
}

// upload takes files while the message is still being written, and answers with what
// the form shows of them.
func (p *Portal) upload(c *gin.Context, who bridge.Contact, rule func() bridge.Files) error {
	got, err := p.take(c, who, rule)
	if err != nil {
		return err
	}
	if len(got) == 0 {
		return &bridge.Invalid{Field: "file", Problem: "There is no file in the form"}
	}
	if err := p.still(c); err != nil {
		return err
	}
	return p.Fragment(c, http.StatusOK, "p-uploads", templates.PortalUploads{Words: p.words(c, who), Uploads: newUploads(got)})
}

// mostUpload bounds a form of files whose rule is in the form itself: the largest
// that a kind may have, see bridge.Policy.
const mostUpload = 20 * 100 << 20

// take reads the files of a form, and with them its fields. It asks for the rule when
// the first file comes, because the fields before it may say which one it is.
func (p *Portal) take(c *gin.Context, who bridge.Contact, rule func() bridge.Files) (got []bridge.Attachment, err error) {
	err = web.ReadUpload(c, mostUpload, func(name string, r io.Reader) error {
		now := rule()
		if len(got) >= max(now.Most, 1) {
			return &bridge.Denied{Code: "too_many_files", Sentence: "That is more files than one message takes"}
		}
		client := c.Request.PostForm.Get("client")
		if client != "" {
			client += "/" + strconv.Itoa(len(got))
		}
		a, err := p.in.Upload(c.Request.Context(), who.Actor(), intake.Upload{Name: name, Body: r, Client: client}, now)
		if err == nil {
			got = append(got, a)
		}
		return err
	})
	return got, err
}

// still asks again who is signed in, after an upload that took its time.
func (p *Portal) still(c *gin.Context) error {
	_, _, err := p.session(c)
	if err != nil {
		return &bridge.Denied{Code: "signed_out", Sentence: "You are signed out"}
	}
	return nil
}

// sent are the files of a form: those that it names, which were uploaded before, and
// those that came with it, as a browser without a script sends them.
func sent(c *gin.Context, with []bridge.Attachment) (ids []bridge.AttachmentID) {
	for _, field := range c.PostFormArray("file") {
		for text := range strings.SplitSeq(field, ",") {
			if id := number[bridge.AttachmentID](text); id > 0 && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	for _, a := range with {
		ids = append(ids, a.ID)
	}
	return ids
}

// form reads a form of the portal, with its files if it has any. After an error the
// fields are there, and the files that came before it.
func (p *Portal) form(c *gin.Context, who bridge.Contact, rule func() bridge.Files) ([]bridge.AttachmentID, error) {
	if !web.IsMultipart(c.Request) {
		return sent(c, nil), nil
	}
	got, err := p.take(c, who, rule)
	if broken := p.still(c); broken != nil {
		return nil, broken
	}
	return sent(c, got), err
}

// kept are the files of a form that was not taken, to show them again.
func (p *Portal) kept(tx *data.Tx, who bridge.Contact, ids []bridge.AttachmentID) ([]templates.Upload, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	loose, err := tx.Uploads(who.Actor().Uploader())
	loose = slices.DeleteFunc(loose, func(a bridge.Attachment) bool { return !slices.Contains(ids, a.ID) })
	return newUploads(loose), err
}

func newUploads(as []bridge.Attachment) (out []templates.Upload) {
	for _, a := range as {
		out = append(out, templates.Upload{ID: a.ID, Attachment: newAttachment(a)})
	}
	return out
}

// newAttachment is a file as a contact sees it. Why one did not arrive is the team's
// business.
func newAttachment(a bridge.Attachment) templates.Attachment {
	v := templates.Attachment{Name: a.Name, Type: a.ContentType, Photo: a.Photo()}
	switch a.State {
	case bridge.Arriving, bridge.Loading:
		v.Arriving = true
		return v
	case bridge.Gone:
		v.Lost = "lost"
		return v
	case bridge.Kept:
	}
	v.Href, v.Size = "/portal/file/"+strconv.FormatInt(int64(a.ID), 10), bridge.Megabytes(a.Size)
	if a.Image() {
		v.Thumb, v.Width, v.Height = v.Href+"/thumb", a.Width, a.Height
	}
	return v
}

// newRule says in a form which files a message may have.
func newRule(w templates.Words, rule bridge.Files, url string) templates.FileRule {
	v := templates.FileRule{Words: w}
	v.Most, v.MaxSize, v.MaxText, v.Alone, v.URL = rule.Most, rule.MaxSize, bridge.Megabytes(rule.MaxSize), rule.Alone, url
	if v.Most == 0 {
		v.Hint = w.T("Messages here are text only.")
		return v
	}
	var accept, names []string
	v.Photos = true
	for _, t := range rule.Types {
		accept = append(accept, "."+t)
		if t != "jpeg" { // the same as jpg
			names = append(names, strings.ToUpper(t))
		}
		v.Photos = v.Photos && bridge.Attachment{Type: t}.Photo()
	}
	if slices.Contains(rule.Types, "jpg") { // the page's script makes a JPEG of it where the browser can read it
		accept = append(accept, "image/heic", ".heic")
	}
	v.Accept = strings.Join(accept, ",")
	list := strings.Join(names, ", ")
	switch {
	case v.Most == 1 && v.Photos:
		v.Hint = w.T("One image: %s, at most %s.", list, v.MaxText)
	case v.Most == 1:
		v.Hint = w.T("One file: %s, at most %s.", list, v.MaxText)
	case v.Photos:
		v.Hint = w.T("Up to %d photos: %s, at most %s each.", v.Most, list, v.MaxText)
	default:
		v.Hint = w.T("Up to %d files: %s, at most %s each.", v.Most, list, v.MaxText)
	}
	if v.Alone {
		v.Hint += " " + w.T("An image or text, not both.")
	}
	return v
}
