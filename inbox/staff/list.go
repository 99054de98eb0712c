package staff

import (
	"net/http"
	"slices"
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
		if searching(c) {
			p.Search, err = s.newSearch(c, tx, v)
			return err
		}
		cs, err := tx.Conversations(reader, v, data.ParseCursor(c.Query("before")), rowsPerPage+1)
		if err != nil {
			return err
		}
		p.Rows, p.More = s.rows(cs, reader, v, current)
		if p.Tabs, err = s.tabs(tx, reader, v); err != nil {
			return err
		}
		if p.Folders, p.New, err = s.sidebar(tx, reader, v); err != nil {
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
func (s *Inbox) rows(cs []bridge.Conversation, reader bridge.Staff, v bridge.View, current bridge.ConversationID) (rows []templates.Row, more string) {
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
	rows, more := s.rows(cs, reader, v, 0)
	c.Header("X-More", more)
	return s.Fragment(c, http.StatusOK, "rows", rows)
}

// teamTab is the tab of what colleagues write to each other, with how many of those
// conversations have something new; nil where there are none.
func (s *Inbox) teamTab(tx *data.Tx, reader bridge.Staff, current bridge.View) (*templates.Tab, error) {
	v := bridge.View(bridge.FolderTeam)
	cs, err := tx.Conversations(reader, v, data.Cursor{}, data.MaxCount)
	if err != nil || len(cs) == 0 {
		return nil, err
	}
	unread := 0
	for _, c := range cs {
		if c.Unread > 0 {
			unread++
		}
	}
	tab := templates.Tab{View: v, Title: v.Title(), Href: listURL(v), Current: v == current}
	if unread > 0 {
		tab.Count = strconv.Itoa(unread)
	}
	return &tab, nil
}

// tabs counts the views that a person has to act on; the others only have names.
func (s *Inbox) tabs(tx *data.Tx, reader bridge.Staff, current bridge.View) (t templates.Tabs, err error) {
	t.Rev = tx.Rev()
	for _, v := range bridge.Views {
		tab := templates.Tab{View: v, Title: v.Title(), Href: listURL(v), Current: v == current}
		switch v {
		case bridge.ViewOpen, bridge.ViewMine, bridge.ViewUnassigned, bridge.ViewAttention, bridge.ViewMentions, bridge.ViewAIHandoff:
			n, err := tx.CountView(reader, v)
			if err != nil {
				return t, err
			}
			if tab.Count = strconv.FormatInt(n, 10); n >= data.MaxCount {
				tab.Count = strconv.Itoa(data.MaxCount-1) + "+"
			}
			if v == bridge.ViewMentions && n == 0 {
				tab.Count = ""
			}
			if v == bridge.ViewAIHandoff && n == 0 && v != current {
				continue // most businesses have no receptionist
			}
		}
		t.Tabs = append(t.Tabs, tab)
		if v == bridge.ViewMentions {
			team, err := s.teamTab(tx, reader, current)
			if err != nil {
				return t, err
			}
			if team != nil {
				t.Tabs = append(t.Tabs, *team)
			}
		}
	}
	return t, nil
}

// sidebar is the channels that the preset uses or that hold something, and where a
// conversation is started by who may.
func (s *Inbox) sidebar(tx *data.Tx, reader bridge.Staff, current bridge.View) (tabs []templates.Tab, start string, err error) {
	settings, err := tx.Settings()
	if err != nil {
		return nil, "", err
	}
	holds, err := tx.Folders(reader)
	if err != nil {
		return nil, "", err
	}
	for _, f := range bridge.Folders {
		if reader.Role.Office() && settings.Shows(f) || slices.Contains(holds, f) {
			v := bridge.View(f)
			tabs = append(tabs, templates.Tab{View: v, Title: f.Title(), Href: listURL(v), Current: v == current})
		}
	}
	if len(tabs) < 2 {
		tabs = nil
	}
	if len(s.startable(settings, reader)) > 0 {
		start = "/inbox/new"
	}
	return tabs, start, nil
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
	if f := v.Folder(); f != "" {
		return templates.Empty{Title: "Nothing open in " + f.Title(), Text: "Conversations of this channel show here.", Action: "Show everything open", Href: listURL(bridge.ViewOpen)}
	}
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
	case bridge.ViewMentions:
		e.Title, e.Text = "Nobody mentioned you", "When a colleague writes @ and your name, the conversation shows here."
	case bridge.ViewAIHandoff:
		e.Title, e.Text = "Nothing was handed over", "Calls and chats that the AI receptionist handed over show here until somebody closes them."
	case bridge.ViewClosed:
		e.Title, e.Text = "Nothing is closed yet", "A new message reopens a closed conversation."
	}
	return e
}

// newRow is a conversation as the list shows it.
func newRow(c bridge.Conversation, reader bridge.Staff, v bridge.View, current bridge.ConversationID, now time.Time) templates.Row {
	title := c.TitleFor(reader)
	r := templates.Row{
		ID: c.ID, Rev: c.Rev, Href: conversationURL(v, c.ID), Title: title, Initials: bridge.Initials(title),
		Channel: c.LastChannel, Preview: c.Preview, Draft: c.Draft, Unread: c.Unread,
		Last: templates.NewStamp(c.LastAt, now), Current: c.ID == current,
	}
	r.Sub = subtitle(c)
	switch {
	case c.PreviewBy == bridge.Note:
		r.Preview = "Note: " + c.Preview
	case c.PreviewAuthor == reader.ID:
		r.Preview = "You: " + c.Preview
	case c.PreviewAuthor != 0:
		r.Preview = bridge.Staff{Name: c.PreviewAuthorName}.FirstName() + ": " + c.Preview
	}
	r.Badges = badges(c, now)
	if extra := len(r.Badges) - 3; extra > 0 {
		r.Badges, r.More = r.Badges[:3], extra
	}
	return r
}

// subtitle is the line under a conversation's title: what it is about, or else the
// number.
func subtitle(c bridge.Conversation) string {
	switch {
	case c.Subject != "" && c.RecordLabel != "":
		return c.Subject + " · " + c.RecordLabel
	case c.Subject != "":
		return c.Subject
	case c.RecordLabel != "":
		return c.RecordLabel
	case c.Kind == bridge.KindTeam:
		return "Team"
	}
	if p := bridge.PrettyAddress(c.Address); p != c.Title {
		return p
	}
	return ""
}

// badges in the order of what a person should see first.
func badges(c bridge.Conversation, now time.Time) (b []templates.Badge) {
	add := func(when bool, tone, icon, text string) {
		if when {
			b = append(b, templates.Badge{Tone: tone, Icon: icon, Text: text})
		}
	}
	add(c.Urgent, "danger", "flag", "Urgent")
	add(c.Hold != 0, "ai", "spark", "AI answers")
	add(c.AIHandoff && c.Hold == 0, "ai", "spark", "AI handoff")
	add(c.Failed > 0, "danger", "alert", "Not delivered")
	add(c.Mentioned > 0, "ai", "at", "Mentions you")
	add(c.Held, "warn", "ban", "On hold")
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
