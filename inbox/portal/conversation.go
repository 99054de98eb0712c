package portal

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// pageSize is how many messages a page of a conversation has.
const pageSize = 50

func conversationURL(id bridge.ConversationID) string {
	return "/portal/c/" + strconv.FormatInt(int64(id), 10)
}

func (p *Portal) conversation(c *gin.Context, who bridge.Contact) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	if err := p.in.HaveShown(c.Request.Context(), who.ID, id); err != nil {
		return err
	}
	return p.showTalk(c, http.StatusOK, who, id, templates.PortalComposer{Client: newClient()})
}

// showTalk shows a conversation; form has what was typed and what was wrong with it.
func (p *Portal) showTalk(c *gin.Context, code int, who bridge.Contact, id bridge.ConversationID, form templates.PortalComposer) error {
	from := placeIn(c)
	return page(p, c, code, "p-talk", func(tx *data.Tx) (v templates.PortalTalk, err error) {
		f, err := p.in.ContactFacts(tx, who, id)
		if err != nil {
			return v, err
		}
		if v.PortalShell, err = p.shell(c, tx, who, p.heading(f.Conversation), "messages"); err != nil {
			return v, err
		}
		v.Title, v.Heading = p.heading(f.Conversation), p.heading(f.Conversation)
		v.ID, v.FromTop = id, f.Settings.Policy(f.Conversation.Kind).FromTop
		v.About = label(v.Words, f.Conversation.About, v.Heading)
		var newer bridge.MessageID
		if v.Items, v.Older, newer, err = p.items(tx, c, who, id, from); err != nil {
			return v, err
		}
		if newer != 0 {
			v.Newer = conversationURL(id) + "?after=" + strconv.FormatInt(int64(newer), 10)
		}
		if v.Rows, err = p.beside(tx, c, who, id); err != nil {
			return v, err
		}
		if n := len(v.Items); n > 0 {
			v.Newest = v.Items[n-1].Message.ID
		}
		if v.Heading == v.Business {
			v.Heading = v.T("Messages")
		}
		p.composer(&v, form, f, who)
		return v, nil
	})
}

// composer is the reply form, or the reason why nothing can be written.
func (p *Portal) composer(v *templates.PortalTalk, form templates.PortalComposer, f bridge.Facts, who bridge.Contact) {
	var denied *bridge.Denied
	if err := bridge.Decide(who.Actor(), bridge.DoReply, &f).Err(); errors.As(err, &denied) {
		v.Closed = sentence(v.Words, web.Trouble{Name: denied.Code, Text: denied.Sentence, Code: http.StatusForbidden})
		if v.CallText != "" {
			v.Closed += " " + v.T("Call us on %s.", v.CallText)
		}
	}
	form.Words, form.Conv, form.Business, form.Action = v.Words, v.ID, v.Business, conversationURL(v.ID)+"/reply"
	form.CallHref, form.CallText = v.CallHref, v.CallText
	uploads := form.Files.Uploads
	form.Files = newRule(v.Words, f.Settings.Policy(f.Conversation.Kind).Files, conversationURL(v.ID)+"/files")
	form.Files.Uploads = uploads
	v.Composer = form
}

// A place is where a conversation opens: before a message, after one, or around one
// that was found; its zero value is the newest end.
type place struct{ before, after, at bridge.MessageID }

func placeIn(c *gin.Context) place {
	ask := func(name string) bridge.MessageID { return number[bridge.MessageID](c.Query(name)) }
	return place{ask("before"), ask("after"), ask("at")}
}

// read gives a page of messages at the place, and whether there are others before and
// after it.
func (l place) read(tx *data.Tx, id bridge.ConversationID) (ms []bridge.Message, before, after bool, err error) {
	most := pageSize
	if l.at != 0 {
		most, l.before, l.after = pageSize/2, l.at+1, l.at
	}
	if l.after == 0 || l.at != 0 {
		if ms, err = tx.WrittenMessages(id, l.before, most+1); err != nil {
			return nil, false, false, err
		}
		if before = len(ms) > most; before {
			ms = ms[1:]
		}
	}
	if l.after == 0 {
		return ms, before, l.before != 0, nil
	}
	later, err := tx.WrittenAfter(id, l.after, most+1)
	if after = len(later) > most; after {
		later = later[:most]
	}
	return append(ms, later...), before || l.at == 0, after, err
}

// items are a page of messages, the address of the page before it, and the last of
// them if others follow.
func (p *Portal) items(tx *data.Tx, c *gin.Context, who bridge.Contact, id bridge.ConversationID, from place) (_ templates.PortalItems, older string, newer bridge.MessageID, err error) {
	ms, before, after, err := from.read(tx, id)
	if err != nil || len(ms) == 0 {
		return nil, "", 0, err
	}
	if before {
		older = conversationURL(id) + "/older?before=" + strconv.FormatInt(int64(ms[0].ID), 10)
	}
	if after {
		newer = ms[len(ms)-1].ID
	}
	first, err := tx.FirstUnseen(who.ID, id)
	if err != nil {
		return nil, "", 0, err
	}
	view, err := p.viewer(tx, c, who)
	if err != nil {
		return nil, "", 0, err
	}
	out := make(templates.PortalItems, len(ms))
	for i, m := range ms {
		out[i].Message = view.message(m, "", first)
		out[i].New = first != 0 && m.ID == first
		if i == 0 || ms[i-1].At.In(view.now.Location()).YearDay() != m.At.In(view.now.Location()).YearDay() || m.At.Sub(ms[i-1].At) > 24*time.Hour {
			out[i].Day = out[i].Message.At.DayLabel
		}
	}
	return out, older, newer, nil
}

func (p *Portal) older(c *gin.Context, who bridge.Contact) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	var items templates.PortalItems
	var older string
	err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		if _, err := tx.ContactConversation(who.ID, id); err != nil {
			return err
		}
		items, older, _, err = p.items(tx, c, who, id, placeIn(c))
		return err
	})
	if err != nil {
		return err
	}
	if older != "" {
		c.Header("X-Older", older)
	}
	return p.Fragment(c, http.StatusOK, "p-items", items)
}

func (p *Portal) reply(c *gin.Context, who bridge.Contact) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	d, m, err := p.readReply(c, who, id)
	var invalid *bridge.Invalid
	var denied *bridge.Denied
	if errors.As(err, &invalid) || errors.As(err, &denied) {
		return p.refused(c, who, d, err)
	}
	if err != nil {
		return err
	}
	if !web.WantsFragment(c) {
		c.Redirect(http.StatusSeeOther, conversationURL(id))
		return nil
	}
	var said templates.PortalMessage
	err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		view, err := p.viewer(tx, c, who)
		if err != nil {
			return err
		}
		if m, err = tx.Message(m.ID); err == nil {
			said = view.message(m, logOf(id), 0)
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.Fragment(c, http.StatusOK, "p-said", said)
}

// readReply reads the form of a reply, and stores it.
func (p *Portal) readReply(c *gin.Context, who bridge.Contact, id bridge.ConversationID) (d intake.Draft, m bridge.Message, err error) {
	rule, err := p.rule(c, who, id)
	if err != nil {
		return d, m, err
	}
	files, err := p.form(c, who, func() bridge.Files { return rule })
	d = intake.Draft{Conversation: id, Body: c.PostForm("body"), ClientID: c.PostForm("client"), Files: files}
	if err == nil {
		err = p.mayWrite(c, who)
	}
	if err == nil {
		m, err = p.in.PortalReply(c.Request.Context(), who.ID, d)
	}
	return d, m, err
}

// mayWrite bounds what one contact writes in 15 minutes.
func (p *Portal) mayWrite(c *gin.Context, who bridge.Contact) error {
	if !p.AllowKey("portal write "+strconv.FormatInt(int64(who.ID), 10), writeTries) {
		return tooMany(c)
	}
	return nil
}

// refused shows the form again with what was typed and why it was not sent.
func (p *Portal) refused(c *gin.Context, who bridge.Contact, d intake.Draft, err error) error {
	t := web.Explain(c.Request.Context(), err)
	text := sentence(p.words(c, who), t)
	if web.WantsFragment(c) {
		c.String(http.StatusUnprocessableEntity, "%s", text)
		return nil
	}
	form := templates.PortalComposer{Body: d.Body, Client: d.ClientID, Error: text}
	err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) (err error) {
		form.Files.Uploads, err = p.kept(tx, who, d.Files)
		return err
	})
	if err != nil {
		return err
	}
	return p.showTalk(c, http.StatusUnprocessableEntity, who, d.Conversation, form)
}

// maxSeen is how many messages a page may report at once.
const maxSeen = 200

func (p *Portal) seen(c *gin.Context, who bridge.Contact) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	var ids []bridge.MessageID
	for part := range strings.SplitSeq(c.PostForm("ids"), ",") {
		if n := number[bridge.MessageID](part); n > 0 && len(ids) < maxSeen {
			ids = append(ids, n)
		}
	}
	if err := p.in.HaveInView(c.Request.Context(), who.ID, id, ids); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// seenAll is the picture in a page whose browser runs no script: what the page shows
// counts as read, for nobody can tell what was in view. It asks nothing else of the
// address than the session that the page itself needed.
func (p *Portal) seenAll(c *gin.Context, who bridge.Contact) error {
	if as := c.GetHeader("Sec-Fetch-Dest"); as != "" && as != "image" {
		return bridge.ErrNotFound // another site may lead people here, and nothing was shown
	}
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	var ids []bridge.MessageID
	err = p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		if _, err := tx.ContactConversation(who.ID, id); err != nil {
			return err
		}
		upto := number[bridge.MessageID](c.Query("upto"))
		ms, err := tx.WrittenMessages(id, upto+1, pageSize)
		for _, m := range ms {
			ids = append(ids, m.ID)
		}
		return err
	})
	if err == nil {
		err = p.in.HaveInView(c.Request.Context(), who.ID, id, ids)
	}
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "image/gif", dot)
	return nil
}

// dot is a transparent picture of one pixel.
var dot = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

func logOf(id bridge.ConversationID) string {
	return "#log-" + strconv.FormatInt(int64(id), 10) + " .msgs"
}

// newClient makes the key of a form, so that one that is sent twice makes one message.
func newClient() string {
	secret, _ := bridge.NewSecret()
	return secret
}
