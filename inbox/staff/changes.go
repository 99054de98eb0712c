package staff

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// manyChanges is where catching up row by row costs more than loading the page.
const manyChanges = 200

// errTooMuch says that a page cannot be brought up to date piece by piece.
var errTooMuch = errors.New("too much has changed")

func (s *Inbox) changes(c *gin.Context) error {
	after, err := strconv.ParseInt(c.Query("after"), 10, 64)
	if err != nil {
		return &bridge.Invalid{Field: "after", Problem: "Give the revision that the page shows"}
	}
	return s.sendChanges(c, viewOf(c), number[bridge.ConversationID](c.Query("open")), after)
}

// sendChanges answers with all that moved after a revision and that this reader's
// page shows: rows of its view, rows that left it, and its open conversation.
func (s *Inbox) sendChanges(c *gin.Context, v bridge.View, open bridge.ConversationID, after int64) error {
	reader := me(c)
	var out templates.Changes
	err := s.look(c.Request.Context(), func(tx *data.Tx) error {
		web.Revision(c, tx.Rev())
		if tx.Rev() == after {
			return nil
		}
		if after > tx.Rev() {
			return errTooMuch // an older store has been put back
		}
		if anew, err := tx.RulesSince(reader.ID, after); err != nil {
			return err
		} else if anew {
			return errTooMuch // what they see is another inbox now
		}
		moved, err := tx.ChangedSince(reader, after, manyChanges)
		if err != nil {
			return err
		}
		if len(moved) == manyChanges {
			return errTooMuch
		}
		if out.Rows, err = s.movedRows(tx, reader, v, open, moved); err != nil {
			return err
		}
		lost, err := tx.LostSince(reader, after, manyChanges)
		if err != nil {
			return err
		}
		for _, id := range lost {
			out.Rows = append(out.Rows, templates.Row{ID: id, Rev: tx.Rev(), Gone: true})
		}
		if len(moved) > 0 || len(lost) > 0 {
			tabs, err := s.tabs(tx, reader, v)
			if err != nil {
				return err
			}
			out.Tabs = &tabs
		}
		return s.movedOpen(tx, reader, v, open, after, moved, &out)
	})
	if errors.Is(err, errTooMuch) {
		c.Writer.Header().Del("X-Rev")
		c.Status(http.StatusResetContent) // the page loads itself anew; drafts stay in the browser
		return nil
	}
	if err != nil {
		return err
	}
	return s.Fragment(c, http.StatusOK, "changes", out)
}

func (s *Inbox) movedRows(tx *data.Tx, reader bridge.Staff, v bridge.View, open bridge.ConversationID, moved []bridge.Conversation) ([]templates.Row, error) {
	now := s.now()
	var rows []templates.Row
	for _, conv := range moved {
		row := newRow(conv, reader, v, open, now)
		shown, err := tx.InView(reader, v, conv.ID)
		if err != nil {
			return nil, err
		}
		row.Gone = !shown
		rows = append(rows, row)
	}
	return rows, nil
}

// movedOpen is what moved in the conversation that the page has open. A text on
// its way moves its message only: the row in the list says nothing of ticks.
func (s *Inbox) movedOpen(tx *data.Tx, reader bridge.Staff, v bridge.View, open bridge.ConversationID, after int64, moved []bridge.Conversation, out *templates.Changes) error {
	conv, err := tx.Conversation(reader, open)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil // none is open, or it is not theirs to see any more
	} else if err != nil {
		return err
	}
	if slices.ContainsFunc(moved, func(c bridge.Conversation) bool { return c.ID == open }) {
		frame, _, err := s.newFrame(tx, reader, v, open)
		if err != nil {
			return err
		}
		out.Open = &frame
	}
	to, err := s.showing(tx, reader, conv)
	if err != nil {
		return err
	}
	ms, err := tx.MessagesSince(open, after)
	if len(ms) == data.MaxSince {
		return errTooMuch
	}
	for _, m := range ms {
		out.Items = append(out.Items, s.newMessage(m, to, "#log-"+strconv.FormatInt(int64(open), 10)+" .msgs"))
	}
	if err != nil || conv.Record == 0 {
		return err
	}
	gone, err := tx.UnplacedSince(open, after)
	for _, id := range gone {
		out.Gone = append(out.Gone, templates.Gone{ID: "m-" + strconv.FormatInt(int64(id), 10), Rev: tx.Rev()})
	}
	return err
}

// events is the stream that every tab of a browser shares. It says that something
// moved and up to which revision; what, each page asks for as its reader may see.
func (s *Inbox) events(c *gin.Context) error {
	commits, cancel := s.hub.Subscribe()
	defer cancel()
	stream, err := web.OpenStream(c)
	if err != nil {
		return nil // the browser has left
	}
	var rev int64
	if err := s.look(c.Request.Context(), func(tx *data.Tx) error { rev = tx.Rev(); return nil }); err != nil {
		return nil // it will reconnect
	}
	if err := stream.Send("changed", rev, "hello"); err != nil {
		return nil
	}
	return web.Follow(stream, commits, func(commit bridge.Commit) error {
		return stream.Send("changed", commit.Rev, "1")
	})
}
