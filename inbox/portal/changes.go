package portal

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// manyChanges is where catching up piece by piece costs more than loading the page.
const manyChanges = 100

// sendChanges answers with what moved after a revision: rows, the unread number, and
// the messages of the conversation that the page has open.
func (p *Portal) sendChanges(c *gin.Context, who bridge.Contact, open bridge.ConversationID, after int64) error {
	if open != 0 {
		if err := p.in.HaveShown(c.Request.Context(), who.ID, open); err != nil && !errors.Is(err, bridge.ErrNotFound) {
			return err
		}
	}
	out := templates.PortalChanges{Words: p.words(c, who)}
	anew := false
	err := p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
		web.Revision(c, tx.Rev())
		if tx.Rev() == after {
			return nil
		}
		moved, err := tx.ContactChanges(who.ID, after, manyChanges)
		if err != nil {
			return err
		}
		if anew = len(moved) == manyChanges || after > tx.Rev(); anew {
			return nil
		}
		if open != 0 {
			if _, err := tx.ContactConversation(who.ID, open); errors.Is(err, bridge.ErrNotFound) {
				anew = true // taken out of it meanwhile: the page says so itself
				return nil
			} else if err != nil {
				return err
			}
		}
		lost, err := tx.ContactLost(who.ID, after, manyChanges)
		if err != nil || len(moved)+len(lost) == 0 && open == 0 {
			return err
		}
		if out.Rows, err = p.newRows(tx, c, who, moved); err != nil {
			return err
		}
		for i := range out.Rows {
			out.Rows[i].Current = out.Rows[i].ID == open
		}
		for _, id := range lost {
			out.Rows = append(out.Rows, templates.PortalRow{Words: out.Words, ID: id, Gone: true})
		}
		out.Badge = true
		if out.Unread, err = tx.ContactUnread(who.ID); err != nil || open == 0 {
			return err
		}
		ms, err := tx.WrittenSince(open, after)
		if anew = len(ms) == data.MaxSince; err != nil || anew {
			return err
		}
		view, err := p.viewer(tx, c, who)
		for _, m := range ms {
			out.Items = append(out.Items, view.message(m, logOf(open), 0))
		}
		return err
	})
	if err != nil {
		return err
	}
	if anew {
		c.Writer.Header().Del("X-Rev")
		c.Status(http.StatusResetContent)
		return nil
	}
	return p.Fragment(c, http.StatusOK, "p-changes", out)
}

// follow is the stream that every tab of a browser shares. It says that something of
// the contact's may have moved, and nothing else.
func (p *Portal) follow(c *gin.Context, who bridge.Contact) error {
	commits, cancel := p.hub.Subscribe()
	defer cancel()
	var mine map[bridge.ConversationID]bool
	var rev int64
	look := func() error {
		mine = map[bridge.ConversationID]bool{}
		return p.Store.Read(c.Request.Context(), func(tx *data.Tx) error {
			ts, err := tx.ContactConversations(who.ID, maxList)
			for _, t := range ts {
				mine[t.ID] = true
			}
			rev = tx.Rev()
			return err
		})
	}
	if err := look(); err != nil {
		return nil // it will reconnect
	}
	stream, err := web.OpenStream(c)
	if err != nil {
		return nil // the browser has left
	}
	if err := stream.Send("changed", rev, "hello"); err != nil {
		return nil
	}
	return web.Follow(stream, commits, func(commit bridge.Commit) error {
		if commit.Missed || slices.Contains(commit.Joined, who.ID) {
			if err := look(); err != nil {
				return err
			}
		} else if !slices.ContainsFunc(commit.Changed, func(id bridge.ConversationID) bool { return mine[id] }) {
			return nil // others' business, which is almost every commit
		}
		if now, _, err := p.session(c); err != nil || now.ID != who.ID {
			return cmp.Or(err, bridge.ErrNotFound) // signed out elsewhere, or merged: the stream ends
		}
		return stream.Send("changed", commit.Rev, "1")
	})
}
