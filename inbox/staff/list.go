package staff

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// rowsPerPage fills two screens; more rows come before the end is reached.
const rowsPerPage = 50

func (s *Inbox) list(c *gin.Context) error {
	p, err := s.inboxPage(c, viewOf(c), nil)
	if err != nil {
		return err
	}
	return s.Page(c, http.StatusOK, "inbox", p)
}

// inboxPage reads the list, and an open conversation through open, on one snapshot.
func (s *Inbox) inboxPage(c *gin.Context, v bridge.View, open func(*data.Tx) (templates.Conversation, error)) (p templates.InboxPage, err error) {
	reader := me(c)
	p = templates.InboxPage{Shell: s.Shell(c, "Inbox", "inbox"), View: v, Empty: emptyView(v)}
	err = s.look(c.Request.Context(), func(tx *data.Tx) error {
		p.Rev = tx.Rev()
		current := bridge.ConversationID(0)
		if open != nil {
			o, err := open(tx)
			if err != nil {
				return err
			}
			p.Open, current, p.Title = &o, o.ID, o.Title
		}
		cs, err := tx.Conversations(reader, v, data.ParseCursor(c.Query("before")), rowsPerPage+1)
		if err != nil {
			return err
		}
		p.Rows, p.More = s.rows(cs, reader.ID, v, current)
		if p.Tabs, err = s.tabs(tx, reader, v); err != nil {
			return err
		}
		if len(p.Rows) == 0 && v == bridge.ViewOpen {
			p.Setup, err = s.setup(tx, reader)
		}
		return err
	})
	return p, err
}

// rows turns one more conversation than a page holds into the page and the URL of
// the next one.
func (s *Inbox) rows(cs []bridge.Conversation, reader bridge.StaffID, v bridge.View, current bridge.ConversationID) (rows []templates.Row, more string) {
	if len(cs) > rowsPerPage {
		cs = cs[:rowsPerPage]
		more = "/inbox/more?view=" + string(v) + "&before=" + data.CursorAfter(cs[len(cs)-1]).String()
	}
	now := s.now()
	for _, conv := range cs {
		rows = append(rows, newRow(conv, reader, v, current, now))
	}
	return rows, more
}

// more is the next page of rows; a whole page for browsers without JavaScript.
func (s *Inbox) more(c *gin.Context) error {
	if !web.WantsFragment(c) {
		return s.list(c)
	}
	v, reader := viewOf(c), me(c)
	var cs []bridge.Conversation
	err := s.look(c.Request.Context(), func(tx *data.Tx) (err error) {
		cs, err = tx.Conversations(reader, v, data.ParseCursor(c.Query("before")), rowsPerPage+1)
		return err
	})
	if err != nil {
		return err
	}
	rows, more := s.rows(cs, reader.ID, v, 0)
	c.Header("X-More", more)
	return s.Fragment(c, http.StatusOK, "rows", rows)
}

// tabs counts the views that a person has to act on; the others only have names.
func (s *Inbox) tabs(tx *data.Tx, reader bridge.Staff, current bridge.View) (t templates.Tabs, err error) {
	t.Rev = tx.Rev()
	for _, v := range bridge.Views {
		tab := templates.Tab{View: v, Title: v.Title(), Href: listURL(v), Current: v == current}
		switch v {
		case bridge.ViewOpen, bridge.ViewMine, bridge.ViewUnassigned, bridge.ViewAttention:
			n, err := tx.CountView(reader, v)
			if err != nil {
				return t, err
			}
			if tab.Count = strconv.FormatInt(n, 10); n >= data.MaxCount {
				tab.Count = strconv.Itoa(data.MaxCount-1) + "+"
			}
		}
		t.Tabs = append(t.Tabs, tab)
	}
	return t, nil
}

// setup is the checklist of the first day, while nobody has written yet.
func (s *Inbox) setup(tx *data.Tx, reader bridge.Staff) ([]templates.SetupStep, error) {
	for _, v := range bridge.Views {
		if n, err := tx.CountView(reader, v); err != nil || n > 0 {
			return nil, err
		}
	}
	lines, err := tx.Lines()
	if err != nil {
		return nil, err
	}
	number := "your number"
	if len(lines) > 0 {
		number = lines[0].Phone.Pretty()
	}
	return []templates.SetupStep{
		{Text: "Porchlight is running", Done: true},
		{Text: "Your sign-in works", Done: true},
		{Text: "In Twilio, point " + number + " at " + "/webhooks/twilio/sms on your public address"},
		{Text: "Send a text to " + number + ": it appears here by itself"},
	}, nil
}

func emptyView(v bridge.View) templates.Empty {
	e := templates.Empty{Title: "Nothing here", Action: "Show everything open", Href: listURL(bridge.ViewOpen)}
	switch v {
	case bridge.ViewOpen:
		return templates.Empty{Title: "All caught up", Text: "New texts land here by themselves."}
	case bridge.ViewMine:
		e.Title, e.Text = "Nothing is assigned to you", "Conversations that you take, or that somebody gives you, show here."
	case bridge.ViewUnassigned:
		e.Title, e.Text = "Everything has an owner", "New conversations show here until somebody takes them."
	case bridge.ViewAttention:
		e.Title, e.Text = "Nothing needs attention", "What was not delivered, and what is urgent and unassigned, shows here."
	case bridge.ViewWaiting:
		e.Title, e.Text = "Nobody owes you an answer", "Conversations move here when you reply."
	case bridge.ViewSnoozed:
		e.Title, e.Text = "Nothing is snoozed", "Snoozed conversations come back by themselves."
	case bridge.ViewClosed:
		e.Title, e.Text = "Nothing is closed yet", "A new message reopens a closed conversation."
	}
	return e
}

// newRow is a conversation as the list shows it.
func newRow(c bridge.Conversation, reader bridge.StaffID, v bridge.View, current bridge.ConversationID, now time.Time) templates.Row {
	r := templates.Row{
		ID: c.ID, Rev: c.Rev, Href: conversationURL(v, c.ID), Title: c.Title, Initials: bridge.Initials(c.Title),
		Channel: c.LastChannel, Preview: c.Preview, Draft: c.Draft, Unread: c.Unread,
		Last: templates.NewStamp(c.LastAt, now), Current: c.ID == current,
	}
	if p := bridge.PrettyAddress(c.Address); p != c.Title {
		r.Sub = p
	}
	switch c.PreviewBy {
	case bridge.Out:
		who := bridge.Staff{Name: c.PreviewAuthorName}.FirstName()
		if c.PreviewAuthor == reader {
			who = "You"
		}
		r.Preview = who + ": " + c.Preview
	case bridge.Note:
		r.Preview = "Note: " + c.Preview
	}
	r.Badges = badges(c, now)
	if extra := len(r.Badges) - 3; extra > 0 {
		r.Badges, r.More = r.Badges[:3], extra
	}
	return r
}

// badges in the order of what a person should see first.
func badges(c bridge.Conversation, now time.Time) (b []templates.Badge) {
	add := func(when bool, tone, icon, text string) {
		if when {
			b = append(b, templates.Badge{Tone: tone, Icon: icon, Text: text})
		}
	}
	add(c.Urgent, "danger", "flag", "Urgent")
	add(c.Failed > 0, "danger", "alert", "Not delivered")
	add(c.OptedOut, "", "ban", "Opted out")
	add(c.State == bridge.Waiting, "warn", "clock", "Waiting")
	add(c.State == bridge.Snoozed, "", "moon", "Until "+soon(c.SnoozedUntil, now))
	add(c.State == bridge.Closed, "ok", "tick", "Closed")
	add(c.Assignee != 0, "", "user", bridge.Staff{Name: c.AssigneeName}.FirstName())
	return b
}

// soon prints a moment ahead in few words: 15:00, Mon 08:00, 3 Dec 08:00.
func soon(t, now time.Time) string {
	t = t.In(now.Location())
	switch {
	case t.Format("20060102") == now.Format("20060102"):
		return t.Format("15:04")
	case t.Sub(now) < 6*24*time.Hour:
		return t.Format("Mon 15:04")
	}
	return t.Format("2 Jan 15:04")
}
