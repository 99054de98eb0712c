package portal

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// maxList is how many conversations the portal lists: more than anybody has.
const maxList = 200

func (p *Portal) home(c *gin.Context, who bridge.Contact) error {
	return page(p, c, http.StatusOK, "p-home", func(tx *data.Tx) (v templates.PortalHome, err error) {
		if v.PortalShell, err = p.shell(c, tx, who, "Home", "home"); err != nil {
			return v, err
		}
		rows, err := p.rows(tx, c, who)
		for _, r := range rows {
			if r.Unread > 0 {
				v.News = append(v.News, r)
			} else if len(v.Others) < 5 {
				v.Others = append(v.Others, r)
			}
		}
		if err == nil {
			v.CanNew, err = p.canNew(tx, who)
		}
		return v, err
	})
}

func (p *Portal) canNew(tx *data.Tx, who bridge.Contact) (bool, error) {
	choices, err := p.in.PortalChoices(tx, who)
	return len(choices) > 0, err
}

func (p *Portal) list(c *gin.Context, who bridge.Contact) error {
	return page(p, c, http.StatusOK, "p-list", func(tx *data.Tx) (v templates.PortalList, err error) {
		if v.PortalShell, err = p.shell(c, tx, who, "Messages", "messages"); err != nil {
			return v, err
		}
		if v.Rows, err = p.rows(tx, c, who); err == nil {
			v.CanNew, err = p.canNew(tx, who)
		}
		return v, err
	})
}

func (p *Portal) rows(tx *data.Tx, c *gin.Context, who bridge.Contact) ([]templates.PortalRow, error) {
	ts, err := tx.ContactConversations(who.ID, maxList)
	if err != nil {
		return nil, err
	}
	return p.newRows(tx, c, who, ts)
}

// maxBeside is how many conversations stand beside the open one on a wide screen.
const maxBeside = 30

func (p *Portal) beside(tx *data.Tx, c *gin.Context, who bridge.Contact, open bridge.ConversationID) ([]templates.PortalRow, error) {
	ts, err := tx.ContactConversations(who.ID, maxBeside)
	if err != nil {
		return nil, err
	}
	rows, err := p.newRows(tx, c, who, ts)
	for i := range rows {
		rows[i].Current = rows[i].ID == open
	}
	return rows, err
}

func (p *Portal) newRows(tx *data.Tx, c *gin.Context, who bridge.Contact, ts []data.Thread) ([]templates.PortalRow, error) {
	w, now := p.words(c, who), p.today(who)
	var newest []bridge.MessageID
	for _, t := range ts {
		if t.Newest != 0 {
			newest = append(newest, t.Newest)
		}
	}
	ms, err := tx.MessagesOf(newest)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.PortalRow, 0, len(ts))
	for _, t := range ts {
		r := templates.PortalRow{Words: w, ID: t.ID, Rev: t.Rev, Href: conversationURL(t.ID), Title: p.heading(t.Conversation), Unread: t.Unread, At: w.Stamp(t.CreatedAt, now)}
		r.About = label(w, t.About, r.Title)
		if m, ok := ms[t.Newest]; ok {
			r.Preview, r.At, r.AI = preview(w, m), w.Stamp(m.At, now), m.Author.Kind == bridge.ByAI
			r.Who = p.author(w, m, who)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// label is a record in a few words, without a title that stands above it already.
func label(w templates.Words, r bridge.Record, above string) string {
	if r.ID == 0 {
		return ""
	}
	if r.Title == above {
		r.Title = ""
	}
	return strings.TrimSpace(w.T(r.Type.Title()) + " #" + r.Reference + " " + r.Title)
}

// heading is what a conversation is called in the portal: never the contact's own
// name, which is its title in the inbox.
func (p *Portal) heading(c bridge.Conversation) string {
	switch {
	case c.Subject != "":
		return c.Subject
	case c.About.Title != "":
		return c.About.Title
	}
	return p.Business
}

func (p *Portal) events(c *gin.Context, who bridge.Contact) error {
	return p.follow(c, who)
}

// changes answers with all that moved after a revision and that this page shows.
func (p *Portal) changes(c *gin.Context, who bridge.Contact) error {
	return p.sendChanges(c, who, number[bridge.ConversationID](c.Query("open")), number[int64](c.Query("after")))
}
