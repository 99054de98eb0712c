package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/email/emailtest"
	"porchlight/inbox/web"
	"porchlight/templates"
)

const (
	demoMailbox = "office@example.com"
	// demoMails is how many mails the demo keeps.
	demoMails = 200
)

// startMail starts the demo's mail server, encrypted as a real one, and says how to
// reach it. trust accepts its certificate.
func (d *demo) startMail(cfg *EmailConfig) (trust *tls.Config, err error) {
	cert, pool, err := emailtest.Certificate()
	if err != nil {
		return nil, err
	}
	d.post = emailtest.New(emailtest.Options{
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, Keep: demoMails,
		Username: "office", Password: "demo",
		Refuse: map[string]emailtest.Fault{
			"nobody@example.com": {Code: 550, Enhanced: [3]int{5, 1, 1}, Text: "No such mailbox here"},
			"full@example.com":   {Code: 552, Enhanced: [3]int{5, 2, 2}, Text: "Mailbox full"},
			"busy@example.com":   {Code: 451, Enhanced: [3]int{4, 3, 0}, Text: "Try again later"},
		},
	})
	host, port, err := d.post.Start()
	if err != nil {
		return nil, err
	}
	cfg.From, cfg.Host, cfg.Port, cfg.Username, cfg.Password = demoMailbox, host, port, "office", newSecret("demo")
	return &tls.Config{RootCAs: pool}, nil
}

// close ends what the demo plays: the carrier and the mail server.
func (d *demo) close() {
	d.sim.Close()
	if d.bot != nil {
		d.bot.close()
	}
	if d.post != nil {
		d.post.Close()
	}
}

// A mailbox is the page with the mails that the demo's server took.
type mailbox struct {
	*demo
	*web.Web
}

func (m *mailbox) page(c *gin.Context) error {
	v := m.view(c)
	if c.Query("m") == "" && c.Query("list") == "" && len(v.Mails) > 0 { // the newest, on a page that has room for both
		v.Mails[0].Current = true
		v.Open = m.read(v.Mails[0].ID)
	}
	// The page may frame the mail, which no other page may.
	c.Header("Content-Security-Policy", c.Writer.Header().Get("Content-Security-Policy")+"; frame-src 'self'")
	return m.Page(c, http.StatusOK, "mailbox", v)
}

func (m *mailbox) changes(c *gin.Context) error {
	return m.Fragment(c, http.StatusOK, "mails", m.view(c))
}

func (m *mailbox) events(c *gin.Context) error {
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	defer context.AfterFunc(m.gone, cancel)()
	c.Request = c.Request.WithContext(ctx)
	wake, unsubscribe := m.post.Subscribe()
	defer unsubscribe()
	return follow(c, wake)
}

func (m *mailbox) view(c *gin.Context) templates.MailboxPage {
	v := templates.MailboxPage{
		Shell: m.Shell(c, "Mailbox", "simulator"),
		Try: []templates.Choice{
			{Value: "message", Text: "A new message"},
			{Value: "message-es", Text: "In Spanish", Hint: "the same to a reader of Spanish"},
			{Value: "alert", Text: "Urgent, to the team"},
			{Value: "link", Text: "A link"},
			{Value: "code", Text: "A code"},
			{Value: "test", Text: "A test"},
		},
	}
	open, _ := strconv.Atoi(c.Query("m"))
	for _, mail := range slices.Backward(m.post.Mails()) {
		row, _ := m.row(mail)
		row.Current = row.ID == open
		v.Mails = append(v.Mails, row)
	}
	v.Open = m.read(open)
	return v
}

func (m *mailbox) row(mail emailtest.Mail) (templates.MailRow, emailtest.Letter) {
	l, err := mail.Read()
	if err != nil {
		l.Text = err.Error() // it is ours, so that this is a defect; let it be seen
	}
	name, _, _ := strings.Cut(l.From, " <")
	return templates.MailRow{
		ID: mail.ID, Href: "/simulator/mail?m=" + strconv.Itoa(mail.ID), From: strings.Trim(name, `"`), To: mail.To,
		Subject: cmp.Or(l.Subject, "No subject"), Preview: firstRunes(strings.Join(strings.Fields(l.Text), " "), 90), At: templates.NewStamp(mail.At, m.Today()),
	}, l
}

func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

func (m *mailbox) read(id int) *templates.OpenMail {
	mail, ok := m.post.Mail(id)
	if !ok {
		return nil
	}
	row, l := m.row(mail)
	open := &templates.OpenMail{MailRow: row, Text: l.Text}
	if l.HTML != "" {
		open.Frame = "/simulator/mail/html/" + strconv.Itoa(id)
	}
	for name, values := range l.Header {
		open.Headers = append(open.Headers, templates.Choice{Value: name, Text: strings.Join(values, ", ")})
	}
	slices.SortFunc(open.Headers, func(a, b templates.Choice) int { return strings.Compare(a.Value, b.Value) })
	return open
}

// html is a mail's page as a mail program shows it: no scripts, nothing loaded, and
// links open elsewhere.
func (m *mailbox) html(c *gin.Context) error {
	id, err := web.ID[int64](c, "id")
	if err != nil {
		return err
	}
	mail, ok := m.post.Mail(int(id))
	if !ok {
		return bridge.ErrNotFound
	}
	l, err := mail.Read()
	if err != nil {
		return fmt.Errorf("show a mail: %w", err)
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox")
	c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(strings.Replace(l.HTML, "<head>", `<head><base target="_blank">`, 1)))
	return nil
}

// send hands a mail of a kind to the program's own carrier.
func (m *mailbox) send(c *gin.Context) error {
	n := m.noticeOf(c.PostForm("kind"), m.PublicURL)
	if n == nil {
		return &bridge.Invalid{Field: "kind", Problem: "Choose one of the list"}
	}
	out := m.mails.Send(c.Request.Context(), bridge.Outgoing{From: demoMailbox, To: "priya@example.com", Notice: n})
	if out.Kind != bridge.Accepted {
		return &bridge.Invalid{Field: "kind", Problem: m.mails.Explain(out.Code).Sentence}
	}
	c.Redirect(http.StatusSeeOther, "/simulator/mail")
	return nil
}

// noticeOf is a made-up notice of a kind, nil for one that there is not.
func (d *demo) noticeOf(kind, url string) *bridge.Notice {
	now := time.Now()
	n := &bridge.Notice{
		Zone: d.zone, To: "Priya", Title: "Boiler replacement (job #1042)", Link: url + "/simulator/mail", LinkUntil: now.AddDate(0, 0, 30),
		Business: bridge.Sender{Name: demoBusiness, Phone: demoLine, Address: "1 Canal Street, Westbrook", Color: "#0a665a"},
		ID:       fmt.Sprintf("sample.%d@example.com", now.UnixNano()), Root: "c1042@example.com", ListID: "c1042.example.com", CallText: demoLine,
		Messages: []bridge.NoticeItem{
			{Author: "Sam Ortiz", At: now.Add(-4 * time.Minute), Body: "Morning Priya, I can be with you tomorrow between 08:00 and 09:00. Does that work?"},
			{Author: "Sam Ortiz", At: now, Body: "Here is what the old valve looks like.", Photos: 2},
		},
	}
	base, lang, _ := strings.Cut(kind, "-")
	n.Kind, n.Language = bridge.NoticeKind(base), lang
	switch n.Kind {
	case bridge.NoticeMessage:
	case bridge.NoticeAlert:
		n.Urgent, n.LinkUntil = true, time.Time{}
		n.Messages = []bridge.NoticeItem{{Author: "Priya Raman", At: now, Body: "The kitchen is flooding! Water comes out below the boiler."}}
	case bridge.NoticeLink, bridge.NoticeTest:
		n.Title, n.Messages = "", nil
	case bridge.NoticeCode:
		n.Title, n.Messages, n.Link, n.Code = "", nil, "", "418207"
	default:
		return nil
	}
	return n
}
