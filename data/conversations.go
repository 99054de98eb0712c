package data

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
)

// conversationColumns needs the joins of conversationFrom, whose $1 is the reader.
// Everything that the list shows is in the row itself or one primary key away, so
// a page costs the same at ten thousand conversations and at a million.
// Who joined after a conversation began and never opened it has one unread, not
// its whole history.
const (
	conversationColumns = `c.id, c.kind, c.contact_id, c.line_id, c.state, c.snoozed_until,
		COALESCE(c.assignee_id, 0), COALESCE(a.name, ''), c.urgent, c.title, c.preview, c.preview_by, c.author_id, c.author_name,
		c.last_channel, c.address, c.last_at, c.created_at, c.inbound, c.failed, c.opted_out, c.rev,
		CASE WHEN r.seen IS NOT NULL THEN c.inbound - r.seen
			WHEN c.last_in_at < me.created_at THEN 0
			WHEN c.created_at < me.created_at THEN 1
			ELSE c.inbound END,
		d.conversation_id IS NOT NULL`
	conversationFrom = `FROM conversations c
		JOIN staff me ON me.id = $1
		LEFT JOIN staff a ON a.id = c.assignee_id
		LEFT JOIN reads r ON r.conversation_id = c.id AND r.staff_id = $1
		LEFT JOIN drafts d ON d.conversation_id = c.id AND d.staff_id = $1 AND d.kind = 'reply'`
)

func scanConversation(s scanner) (c bridge.Conversation, err error) {
	var snoozed, last, created int64
	err = s.Scan(&c.ID, &c.Kind, &c.Contact, &c.Line, &c.State, &snoozed,
		&c.Assignee, &c.AssigneeName, &c.Urgent, &c.Title, &c.Preview, &c.PreviewBy, &c.PreviewAuthor, &c.PreviewAuthorName,
		&c.LastChannel, &c.Address, &last, &created, &c.Inbound, &c.Failed, &c.OptedOut, &c.Rev,
		&c.Unread, &c.Draft)
	c.SnoozedUntil, c.LastAt, c.CreatedAt = moment(snoozed), moment(last), moment(created)
	c.Unread = max(c.Unread, 0)
	return c, err
}

// visible is the rule of what a reader sees, as part of a query whose $1 is the
// reader. It is bridge.Decide with bridge.DoSee, compiled.
func visible(reader bridge.Staff) string {
	if reader.Role.SeesAll() {
		return ""
	}
	return " AND c.assignee_id = $1"
}

// in is what a view shows, as part of a query whose $1 is the reader. The words
// are those of the partial indexes, or an index is not used.
func in(v bridge.View) string {
	const active = "c.state IN ('open', 'waiting')"
	switch v {
	case bridge.ViewMine:
		return active + " AND c.assignee_id = $1"
	case bridge.ViewUnassigned:
		return active + " AND c.assignee_id IS NULL"
	case bridge.ViewAttention:
		return "c.state <> 'closed' AND (c.failed > 0 OR (c.urgent AND c.assignee_id IS NULL))"
	case bridge.ViewWaiting, bridge.ViewSnoozed, bridge.ViewClosed:
		return "c.state IN ('waiting', 'snoozed', 'closed') AND c.state = '" + string(v) + "'"
	}
	return active
}

// A Cursor is a place in a list, newest first. Its zero value is the start.
type Cursor struct {
	At int64 // Unix milliseconds
	ID bridge.ConversationID
}

// String is the cursor as it stands in a URL.
func (c Cursor) String() string { return fmt.Sprintf("%d-%d", c.At, c.ID) }

// ParseCursor reads what String wrote; anything else is the start.
func ParseCursor(s string) Cursor {
	at, id, _ := strings.Cut(s, "-")
	a, err1 := strconv.ParseInt(at, 10, 64)
	i, err2 := strconv.ParseInt(id, 10, 64)
	if err1 != nil || err2 != nil {
		return Cursor{}
	}
	return Cursor{a, bridge.ConversationID(i)}
}

// CursorAfter is the place just after a conversation.
func CursorAfter(c bridge.Conversation) Cursor { return Cursor{millis(c.LastAt), c.ID} }

// Conversations gives one page of a view, newest first, as far as the reader may see.
func (tx *Tx) Conversations(reader bridge.Staff, v bridge.View, after Cursor, limit int) ([]bridge.Conversation, error) {
	if after == (Cursor{}) {
		// A place all the same: without one SQLite looks for a reader's few closed
		// conversations among all that are closed.
		after = Cursor{math.MaxInt64, math.MaxInt64}
	}
	return list(tx, scanConversation, "SELECT "+conversationColumns+" "+conversationFrom+
		" WHERE "+in(v)+visible(reader)+" AND (c.last_at, c.id) < ($2, $3)"+
		" ORDER BY c.last_at DESC, c.id DESC LIMIT "+strconv.Itoa(limit), reader.ID, after.At, after.ID)
}

// MaxCount is where counting a view stops: "99+" says enough, and costs the same
// in a store of any size.
const MaxCount = 100

// CountView counts a view for a reader, up to MaxCount.
func (tx *Tx) CountView(reader bridge.Staff, v bridge.View) (int64, error) {
	return tx.count(`SELECT COUNT(*) FROM (
		SELECT 1 FROM conversations c WHERE CAST($1 AS BIGINT) IS NOT NULL AND `+in(v)+visible(reader)+`
		LIMIT `+strconv.Itoa(MaxCount)+`) AS counted`, int64(reader.ID))
}

// Conversation finds a conversation for a reader. What they may not see is
// bridge.ErrNotFound.
func (tx *Tx) Conversation(reader bridge.Staff, id bridge.ConversationID) (bridge.Conversation, error) {
	return one(tx, scanConversation, "SELECT "+conversationColumns+" "+conversationFrom+
		" WHERE c.id = $2"+visible(reader), reader.ID, id)
}

// InView reports whether a view shows a conversation to the reader.
func (tx *Tx) InView(reader bridge.Staff, v bridge.View, id bridge.ConversationID) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM conversations c WHERE CAST($1 AS BIGINT) IS NOT NULL AND c.id = $2 AND "+in(v)+visible(reader), int64(reader.ID), id)
	return n > 0, err
}

// ChangedSince gives the conversations that moved after a revision, the earliest
// change first, as far as the reader may see them.
func (tx *Tx) ChangedSince(reader bridge.Staff, rev int64, limit int) ([]bridge.Conversation, error) {
	return list(tx, scanConversation, "SELECT "+conversationColumns+" "+conversationFrom+
		" WHERE c.rev > $2"+visible(reader)+" ORDER BY c.rev LIMIT "+strconv.Itoa(limit), reader.ID, rev)
}

// LostSince gives the conversations that moved after a revision and that the
// reader may not see any more, though they once could: a list may still show them.
// Others are not named, for their ids are nothing to the reader.
func (tx *Tx) LostSince(reader bridge.Staff, rev int64, limit int) ([]bridge.ConversationID, error) {
	if reader.Role.SeesAll() {
		return nil, nil
	}
	return list(tx, scanID[bridge.ConversationID],
		`
		SELECT id FROM conversations WHERE rev > $2 AND COALESCE(assignee_id, 0) <> $1
			AND id IN (SELECT conversation_id FROM participants WHERE staff_id = $1 AND staff_id <> 0)
		ORDER BY rev LIMIT `+strconv.Itoa(limit), reader.ID, rev)
}

// A Start is what a new conversation begins with.
type Start struct {
	Kind    bridge.Kind
	About   string // unique: what there is one conversation about
	Contact bridge.Contact
	Line    bridge.LineID
	At      time.Time
}

// CustomerConversation finds the one conversation of a contact, or starts it.
func (tx *Tx) CustomerConversation(c bridge.Contact, line bridge.LineID, now time.Time) (bridge.ConversationID, error) {
	return tx.findOrStart(Start{bridge.KindCustomer, fmt.Sprintf("customer:%d", c.ID), c, line, now})
}

func (tx *Tx) findOrStart(s Start) (bridge.ConversationID, error) {
	found, err := list(tx, scanID[bridge.ConversationID], "SELECT id FROM conversations WHERE about = $1", s.About)
	if err != nil || len(found) > 0 {
		if len(found) > 0 {
			return found[0], nil
		}
		return 0, err
	}
	out := false
	for _, a := range s.Contact.Addresses {
		out = out || a.OptedOut
	}
	id, err := one(tx, scanID[bridge.ConversationID], `
		INSERT INTO conversations (kind, about, contact_id, line_id, state, title, last_at, created_at, opted_out, rev)
		VALUES ($1, $2, $3, $4, 'open', $5, $6, $6, $7, $8) RETURNING id`,
		s.Kind, s.About, s.Contact.ID, s.Line, s.Contact.Title(), millis(s.At), out, tx.rev)
	if err != nil {
		return 0, err
	}
	tx.touch(id)
	return id, tx.AddParticipant(bridge.Participant{Conversation: id, Contact: s.Contact.ID, AddedAt: s.At})
}

// updateConversations changes conversations, stamps them with the revision and
// says so. set and where are SQL with the numbered args.
func (tx *Tx) updateConversations(set, where string, args ...any) error {
	ids, err := list(tx, scanID[bridge.ConversationID],
		"UPDATE conversations SET "+set+stamp(args)+" WHERE "+where+" RETURNING id", append(args, tx.rev)...)
	for _, id := range ids {
		tx.touch(id)
	}
	return err
}

// updateConversation is updateConversations for one, which is $1 of set. It asks
// for nothing back, so that each text that comes in is stored sooner.
func (tx *Tx) updateConversation(set string, id bridge.ConversationID, args ...any) error {
	args = append([]any{id}, args...)
	n, err := tx.exec("UPDATE conversations SET "+set+stamp(args)+" WHERE id = $1", append(args, tx.rev)...)
	if n > 0 {
		tx.touch(id)
	}
	return err
}

// stamp sets the revision from one more argument. Were the number itself in the
// text, each commit would be a query that was never seen before.
func stamp(args []any) string { return ", rev = $" + strconv.Itoa(len(args)+1) }

// SetRoute notes by which line and from which address the contact last wrote, so
// that the answer leaves by the number they know and reaches the phone they hold.
func (tx *Tx) SetRoute(id bridge.ConversationID, line bridge.LineID, address string) error {
	_, err := tx.exec("UPDATE conversations SET line_id = $2, address = $3 WHERE id = $1 AND (line_id <> $2 OR address <> $3)", id, line, address)
	return err
}

// SetState moves a conversation; until counts only for bridge.Snoozed.
func (tx *Tx) SetState(id bridge.ConversationID, s bridge.ConversationState, until time.Time) error {
	if s != bridge.Snoozed {
		until = time.Time{}
	}
	return tx.updateConversations("state = $2, snoozed_until = $3", "id = $1", id, s, millis(until))
}

// Assign gives a conversation to a member of staff, or to nobody with 0.
func (tx *Tx) Assign(id bridge.ConversationID, to bridge.StaffID) error {
	if to == 0 {
		return tx.updateConversations("assignee_id = NULL", "id = $1", id)
	}
	return tx.updateConversations("assignee_id = $2", "id = $1", id, to)
}

// SetUrgent flags a conversation, or takes the flag away.
func (tx *Tx) SetUrgent(id bridge.ConversationID, urgent bool) error {
	return tx.updateConversations("urgent = $2", "id = $1", id, urgent)
}

// Wake reopens the conversations whose snooze is over and gives their ids.
func (tx *Tx) Wake(now time.Time) ([]bridge.ConversationID, error) {
	ids, err := list(tx, scanID[bridge.ConversationID],
		"SELECT id FROM conversations WHERE state = 'snoozed' AND snoozed_until <= $1", millis(now))
	for _, id := range ids {
		if err == nil {
			err = tx.SetState(id, bridge.Open, time.Time{})
		}
	}
	return ids, err
}

// AddParticipant puts a person into a conversation; once is enough.
func (tx *Tx) AddParticipant(p bridge.Participant) error {
	_, err := tx.exec(`
		INSERT INTO participants (conversation_id, contact_id, staff_id, added_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (conversation_id, contact_id, staff_id) DO NOTHING`,
		p.Conversation, p.Contact, p.Staff, millis(p.AddedAt))
	return err
}

// Participants lists the people of a conversation, the contact first.
func (tx *Tx) Participants(id bridge.ConversationID) ([]bridge.Participant, error) {
	return list(tx, func(s scanner) (p bridge.Participant, err error) {
		var at int64
		var role bridge.Role
		p.Conversation = id
		err = s.Scan(&p.Contact, &p.Staff, &p.Name, &role, &at)
		p.AddedAt, p.Role = moment(at), "Customer"
		if p.Staff != 0 {
			p.Role = role.Title()
		}
		return p, err
	}, `
		SELECT p.contact_id, p.staff_id, COALESCE(s.name, c.name, ''), COALESCE(s.role, ''), p.added_at
		FROM participants p
		LEFT JOIN staff s ON s.id = p.staff_id
		LEFT JOIN contacts c ON c.id = p.contact_id
		WHERE p.conversation_id = $1
		ORDER BY p.staff_id, p.contact_id`, id)
}
