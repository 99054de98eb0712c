package portal

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

func (p *Portal) newPage(c *gin.Context, who bridge.Contact) error {
	return p.showNew(c, http.StatusOK, who, templates.PortalNew{Client: newClient(), Chosen: c.Query("about")})
}

func (p *Portal) showNew(c *gin.Context, code int, who bridge.Contact, v templates.PortalNew) error {
	return page(p, c, code, "p-new", func(tx *data.Tx) (_ templates.PortalNew, err error) {
		if v.PortalShell, err = p.shell(c, tx, who, "New message", "messages"); err != nil {
			return v, err
		}
		s, err := tx.Settings()
		if err != nil {
			return v, err
		}
		choices, err := p.in.PortalChoices(tx, who)
		v.SubjectOnly = len(choices) > 0
		for _, ch := range choices {
			o := templates.PortalChoice{Value: choiceValue(ch.Kind, ch.Record.ID), Text: label(v.Words, ch.Record, ""), Subject: ch.Subject}
			o.Files = newRule(v.Words, s.Policy(ch.Kind).Files, "/portal/new/files")
			if o.Text == "" {
				o.Text = v.T("Anything else")
				if len(choices) == 1 {
					o.Text = v.T("To %s", v.Business)
				}
			}
			v.NeedsSubject, v.SubjectOnly = v.NeedsSubject || ch.Subject, v.SubjectOnly && ch.Subject
			v.Choices = append(v.Choices, o)
			if uploads := v.Files.Uploads; len(v.Choices) == 1 || o.Value == v.Chosen {
				v.Files = o.Files
				v.Files.Uploads = uploads
			}
		}
		return v, err
	})
}

func choiceValue(k bridge.Kind, r bridge.RecordID) string {
	return string(k) + ":" + strconv.FormatInt(int64(r), 10)
}

func (p *Portal) create(c *gin.Context, who bridge.Contact) error {
	rule, err := p.startRules(c, who)
	if err != nil {
		return err
	}
	files, err := p.form(c, who, func() bridge.Files { return rule(c.PostForm("about")) })
	kind, record, _ := strings.Cut(c.PostForm("about"), ":")
	s := intake.PortalStart{
		Kind: bridge.Kind(kind), Record: number[bridge.RecordID](record), Subject: c.PostForm("subject"), Body: c.PostForm("body"), ClientID: c.PostForm("client"), Files: files,
	}
	var m bridge.Message
	if err == nil {
		err = p.mayWrite(c, who)
	}
	if err == nil {
		m, err = p.in.PortalStart(c.Request.Context(), who.ID, s)
	}
	var invalid *bridge.Invalid
	var denied *bridge.Denied
	if errors.As(err, &invalid) || errors.As(err, &denied) {
		t := web.Explain(c.Request.Context(), err)
		v := templates.PortalNew{Client: s.ClientID, Chosen: c.PostForm("about"), Subject: s.Subject, Body: s.Body, Error: sentence(p.words(c, who), t)}
		if v.Field = strings.TrimPrefix(t.Name, "invalid_"); t.Name == "subject" {
			v.Error = p.words(c, who).T("It needs a subject: say in a few words what it is about.")
		}
		if err := p.Store.Read(c.Request.Context(), func(tx *data.Tx) (err error) {
			v.Files.Uploads, err = p.kept(tx, who, files)
			return err
		}); err != nil {
			return err
		}
		return p.showNew(c, http.StatusUnprocessableEntity, who, v)
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, conversationURL(m.Conversation))
	return nil
}
