package intake

import (
	"cmp"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// A Glance is what another portal of the business shows of this one: how much is new,
// and the newest conversations.
type Glance struct {
	Unread int64
	Rows   []GlanceRow
}

// A GlanceRow is one conversation of a Glance.
type GlanceRow struct {
	Conversation bridge.ConversationID
	Title        string // the subject, or what it is about
	Preview      string
	At           time.Time // of the newest message
	Unread       int64
}

// glanceRows is how many conversations a glance shows.
const glanceRows = 10

// Glance looks at the portal of a contact. reader, if there is one, is somebody of
// the team who asks for them: what that one may not see is left out and not counted.
func (in *Intake) Glance(tx *data.Tx, who bridge.ContactID, reader *bridge.Staff) (g Glance, err error) {
	if _, err := standing(tx, who); err != nil {
		return g, err
	}
	threads, err := tx.ContactConversations(who, 200)
	if err != nil {
		return g, err
	}
	for _, t := range threads {
		if reader != nil {
			if ok, err := sees(tx, *reader, t.ID); err != nil {
				return g, err
			} else if !ok {
				continue
			}
		}
		g.Unread += t.Unread
		if len(g.Rows) == glanceRows {
			continue
		}
		r := GlanceRow{Conversation: t.ID, Title: cmp.Or(t.Subject, t.About.Title, "Messages"), At: t.CreatedAt, Unread: t.Unread}
		if t.Newest != 0 {
			m, err := tx.Message(t.Newest)
			if err != nil {
				return g, err
			}
			r.Preview, r.At = m.Preview(), m.At
		}
		g.Rows = append(g.Rows, r)
	}
	return g, nil
}
