package data

import (
	"errors"
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
	conversationColumns = `c.id, c.kind, c.folder, COALESCE(c.contact_id, 0), COALESCE(c.line_id, 0), COALESCE(c.record_id, 0),
		COALESCE(rec.type, ''), COALESCE(rec.reference, ''), COALESCE(rec.title, ''), c.subject, c.held, c.state, c.snoozed_until,
		COALESCE(c.assignee_id, 0), COALESCE(a.name, ''), c.urgent, c.title, c.preview, c.preview_by, c.author_id, c.author_name,
		c.last_channel, c.address, c.last_at, c.created_at, c.inbound, c.failed, c.opted_out, COALESCE(c.hold_id, 0), c.ai_handoff, c.rev,
		CASE WHEN r.seen IS NOT NULL THEN c.inbound - r.seen
			WHEN c.last_in_at < me.created_at THEN 0
			WHEN c.created_at < me.created_at THEN 1
			ELSE c.inbound END,
		d.conversation_id IS NOT NULL,
		(SELECT COUNT(*) FROM mentions m WHERE m.staff_id = $1 AND m.conversation_id = c.id AND NOT m.seen)`
	conversationFrom = `conversations c
		JOIN staff me ON me.id = $1
		LEFT JOIN staff a ON a.id = c.assignee_id
		LEFT JOIN records rec ON rec.id = c.record_id
		LEFT JOIN reads r ON r.conversation_id = c.id AND r.staff_id = $1
		LEFT JOIN drafts d ON d.conversation_id = c.id AND d.staff_id = $1 AND d.kind = 'reply'`
)

// conversationFromAnybody is conversationFrom where no reader asks.
var conversationFromAnybody = strings.Replace(conversationFrom, "JOIN staff me", "LEFT JOIN staff me", 1)

func scanConversation(s scanner) (c bridge.Conversation, err error) {
	var snoozed, last, created int64
	var about bridge.Record
	err = s.Scan(&c.ID, &c.Kind, &c.Folder, &c.Contact, &c.Line, &about.ID, &about.Type, &about.Reference, &about.Title, &c.Subject, &c.Held, &c.State, &snoozed,
		&c.Assignee, &c.AssigneeName, &c.Urgent, &c.Title, &c.Preview, &c.PreviewBy, &c.PreviewAuthor, &c.PreviewAuthorName,
		&c.LastChannel, &c.Address, &last, &created, &c.Inbound, &c.Failed, &c.OptedOut, &c.Hold, &c.AIHandoff, &c.Rev,
		&c.Unread, &c.Draft, &c.Mentioned)
	c.SnoozedUntil, c.LastAt, c.CreatedAt = moment(snoozed), moment(last), moment(created)
	c.Unread, c.Record, c.RecordLabel, c.About = max(c.Unread, 0), about.ID, about.Label(), about
	return c, err
}

// A sight is what a reader sees, as part of a query whose $1 is the reader and whose
// c is the conversation.
type sight struct {
	from  string // stands before "conversations c"
	where string // stands after WHERE …, begins with AND
	rule  string // the same as a condition of its own
}

// theirs are the conversations of somebody in the field: few, and found from their
// side by indexes alone. Taking part counts for those of the team, and for no other,
// so a conversation is theirs where its kind agrees with by_part.
const theirs = `
	SELECT id, FALSE AS by_part FROM conversations WHERE assignee_id = $1
	UNION SELECT v.id, FALSE FROM record_staff s JOIN conversations v ON v.record_id = s.record_id WHERE s.staff_id = $1 AND s.active
	UNION SELECT conversation_id, TRUE FROM participants WHERE staff_id = $1 AND staff_id <> 0 AND left_at = 0`

// visible is the rule of what a reader sees. It is bridge.Sees, compiled; a test
// holds the two against each other over random teams.
func (tx *Tx) visible(reader bridge.Staff) (sight, error) {
	if !reader.Role.Office() {
		// CROSS JOIN: SQLite then begins with what is theirs, and a page costs the same
		// however many others there are.
		return sight{"(" + theirs + ") AS mine CROSS JOIN ", " AND c.id = mine.id AND (c.kind = 'team') = mine.by_part",
			"(c.id, c.kind = 'team') IN (" + theirs + ")"}, nil
	}
	s, err := tx.Settings()
	if err != nil {
		return sight{}, err
	}
	open := "''"
	for _, p := range s.Policies {
		if p.SeenBy == bridge.WholeTeam && p.Kind != bridge.KindTeam && p.Kind.Valid() {
			open += ", '" + string(p.Kind) + "'"
		}
	}
	rule := `(c.kind IN (` + open + `)
		OR EXISTS (SELECT 1 FROM participants p WHERE p.conversation_id = c.id AND p.contact_id = 0 AND p.staff_id = $1 AND p.left_at = 0)
		OR c.kind <> 'team' AND (c.assignee_id = $1 OR EXISTS (SELECT 1 FROM record_staff s WHERE s.record_id = c.record_id AND s.staff_id = $1 AND s.active)))`
	return sight{"", " AND " + rule, rule}, nil
}

// in is what a view shows, as part of a query whose $1 is the reader. The words
// are those of the partial indexes, or an index is not used.
func in(v bridge.View) string {
	const active = "c.state IN ('open', 'waiting')"
	const work = " AND c.folder <> 'team'" // what the team says among itself is none
	switch v {
	case bridge.ViewOpen:
		return active + work
	case bridge.ViewMine:
		return active + " AND c.assignee_id = $1" + work
	case bridge.ViewUnassigned:
		return active + " AND c.assignee_id IS NULL" + work
	case bridge.ViewAttention:
		return "c.state <> 'closed' AND (c.failed > 0 OR (c.urgent AND c.assignee_id IS NULL))"
	case bridge.ViewMentions:
		return "c.id IN (SELECT conversation_id FROM mentions WHERE staff_id = $1)"
	case bridge.ViewAIHandoff:
		return "c.ai_handoff"
	case bridge.ViewWaiting, bridge.ViewSnoozed, bridge.ViewClosed:
		return "c.state IN ('waiting', 'snoozed', 'closed') AND c.state = '" + string(v) + "'"
	}
	return active + " AND " + folderIs(v.Folder())
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
	may, err := tx.visible(reader)
	if err != nil {
		return nil, err
	}
	if after == (Cursor{}) {
		// A place all the same: without one SQLite looks for a reader's few closed
		// conversations among all that are closed.
		after = Cursor{math.MaxInt64, math.MaxInt64}
	}
	where, args := " WHERE "+in(v)+may.where+" AND (c.last_at, c.id) < ($2, $3)", []any{reader.ID, after.At, after.ID}
	if !reader.Role.Office() {
		// Their few are put in order before anything is joined to the rows of the page.
		return list(tx, scanConversation, "SELECT "+conversationColumns+" FROM (SELECT c.id FROM "+may.from+"conversations c"+where+
			" ORDER BY +c.last_at DESC, +c.id DESC LIMIT "+strconv.Itoa(limit)+") AS page CROSS JOIN "+conversationFrom+
			" WHERE c.id = page.id ORDER BY +c.last_at DESC, +c.id DESC", args...)
	}
	order := " ORDER BY c.last_at DESC, c.id DESC LIMIT "
	if v == bridge.ViewMentions {
		// The few are found first and sorted; by the index of the order SQLite would
		// walk through all that mentions nobody.
		order = " ORDER BY +c.last_at DESC, +c.id DESC LIMIT "
	}
	return list(tx, scanConversation, "SELECT "+conversationColumns+" FROM "+conversationFrom+where+order+strconv.Itoa(limit), args...)
}

// ConversationsWith lists a contact's conversations, newest first, as far as the
// reader may see.
func (tx *Tx) ConversationsWith(reader bridge.Staff, id bridge.ContactID, limit int) ([]bridge.Conversation, error) {
	return tx.conversationsWhere(reader, `(c.contact_id = $2 OR c.id IN (
		SELECT conversation_id FROM participants WHERE contact_id = $2 AND contact_id <> 0 AND left_at = 0))`, limit, id)
}

// ConversationsAbout lists a record's conversations, newest first, as far as the
// reader may see.
func (tx *Tx) ConversationsAbout(reader bridge.Staff, id bridge.RecordID, limit int) ([]bridge.Conversation, error) {
	return tx.conversationsWhere(reader, "c.record_id = $2", limit, id)
}

// ConversationsNamed lists the conversations with a text in their title or subject,
// newest first, as far as the reader may see; an empty text is in all.
func (tx *Tx) ConversationsNamed(reader bridge.Staff, text string, limit int) ([]bridge.Conversation, error) {
	return tx.conversationsWhere(reader, "LOWER(c.title || ' ' || c.subject) LIKE $2 ESCAPE '!'", limit, "%"+escapeLike(strings.ToLower(strings.TrimSpace(text)))+"%")
}

func (tx *Tx) conversationsWhere(reader bridge.Staff, where string, limit int, arg any) ([]bridge.Conversation, error) {
	may, err := tx.visible(reader)
	if err != nil {
		return nil, err
	}
	return list(tx, scanConversation, "SELECT "+conversationColumns+" FROM "+may.from+conversationFrom+" WHERE "+where+may.where+
		" ORDER BY +c.last_at DESC, +c.id DESC LIMIT "+strconv.Itoa(limit), reader.ID, arg)
}

// MaxCount is where counting a view stops: "99+" says enough, and costs the same
// in a store of any size.
const MaxCount = 100

// CountView counts a view for a reader, up to MaxCount; of the mentions, those that
// they have not seen.
func (tx *Tx) CountView(reader bridge.Staff, v bridge.View) (int64, error) {
	may, err := tx.visible(reader)
	if err != nil {
		return 0, err
	}
	where := in(v) + may.where
	if v == bridge.ViewMentions {
		where += " AND EXISTS (SELECT 1 FROM mentions m WHERE m.staff_id = $1 AND m.conversation_id = c.id AND NOT m.seen)"
	}
	return tx.count(`SELECT COUNT(*) FROM (
		SELECT 1 FROM `+may.from+`conversations c WHERE CAST($1 AS BIGINT) IS NOT NULL AND `+where+`
		LIMIT `+strconv.Itoa(MaxCount)+`) AS counted`, int64(reader.ID))
}

// Folders gives the folders that hold a conversation that the reader may see.
func (tx *Tx) Folders(reader bridge.Staff) (out []bridge.Folder, err error) {
	may, err := tx.visible(reader)
	if err != nil {
		return nil, err
	}
	for _, f := range bridge.Folders {
		n, err := tx.count("SELECT COUNT(*) FROM (SELECT 1 FROM "+may.from+"conversations c WHERE CAST($1 AS BIGINT) IS NOT NULL AND "+folderIs(f)+may.where+" LIMIT 1) AS found", int64(reader.ID))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, f)
		}
	}
	return out, nil
}

func folderIs(f bridge.Folder) string {
	if f == bridge.FolderCustomers {
		return "c.folder = 'customers'"
	}
	return "c.folder <> 'customers' AND c.folder = '" + string(f) + "'"
}

// Conversation finds a conversation for a reader. What they may not see is
// bridge.ErrNotFound.
func (tx *Tx) Conversation(reader bridge.Staff, id bridge.ConversationID) (bridge.Conversation, error) {
	may, err := tx.visible(reader)
	if err != nil {
		return bridge.Conversation{}, err
	}
	return one(tx, scanConversation, "SELECT "+conversationColumns+" FROM "+may.from+conversationFrom+" WHERE c.id = $2"+may.where, reader.ID, id)
}

// InView reports whether a view shows a conversation to the reader.
func (tx *Tx) InView(reader bridge.Staff, v bridge.View, id bridge.ConversationID) (bool, error) {
	may, err := tx.visible(reader)
	if err != nil {
		return false, err
	}
	n, err := tx.count("SELECT COUNT(*) FROM "+may.from+"conversations c WHERE CAST($1 AS BIGINT) IS NOT NULL AND c.id = $2 AND "+in(v)+may.where, int64(reader.ID), id)
	return n > 0, err
}

// ChangedSince gives the conversations that moved after a revision, the earliest
// change first, as far as the reader may see them.
func (tx *Tx) ChangedSince(reader bridge.Staff, rev int64, limit int) ([]bridge.Conversation, error) {
	may, err := tx.visible(reader)
	if err != nil {
		return nil, err
	}
	order := " ORDER BY c.rev LIMIT "
	if !reader.Role.Office() {
		order = " ORDER BY +c.rev LIMIT "
	}
	return list(tx, scanConversation, "SELECT "+conversationColumns+" FROM "+may.from+conversationFrom+
		" WHERE c.rev > $2"+may.where+order+strconv.Itoa(limit), reader.ID, rev)
}

// LostSince gives the conversations that moved after a revision and that the
// reader may not see any more, though they once could: a list may still show them.
// Others are not named, for their ids are nothing to the reader. What the rule
// cannot tell, as of a conversation that is nobody's, counts as not seen.
func (tx *Tx) LostSince(reader bridge.Staff, rev int64, limit int) ([]bridge.ConversationID, error) {
	may, err := tx.visible(reader)
	if err != nil {
		return nil, err
	}
	return list(tx, scanID[bridge.ConversationID], `
		SELECT c.id FROM conversations c WHERE c.rev > $2 AND (
				c.id IN (SELECT conversation_id FROM participants WHERE staff_id = $1 AND staff_id <> 0)
				OR c.record_id IN (SELECT record_id FROM record_staff WHERE staff_id = $1))
			AND NOT COALESCE((`+may.rule+`), FALSE)
		ORDER BY c.rev LIMIT `+strconv.Itoa(limit), reader.ID, rev)
}

// A Start is what a new conversation begins with.
type Start struct {
	Kind    bridge.Kind
	About   string         // unique: what there is one conversation about
	Contact bridge.Contact // its zero value among staff
	Line    bridge.LineID  // 0: none yet
	Record  bridge.RecordID
	Subject string
	Title   string // empty: the contact's
	At      time.Time
}

// CustomerConversation finds the one conversation of a contact, or starts it.
func (tx *Tx) CustomerConversation(c bridge.Contact, line bridge.LineID, now time.Time) (bridge.ConversationID, error) {
	id, _, err := tx.FindOrStart(Start{Kind: bridge.KindCustomer, About: "customer:" + strconv.FormatInt(int64(c.ID), 10), Contact: c, Line: line, At: now})
	return id, err
}

// FindOrStart gives the conversation about s.About, and starts it if there is none.
func (tx *Tx) FindOrStart(s Start) (id bridge.ConversationID, started bool, err error) {
	id, err = tx.ConversationAbout(s.About)
	if !errors.Is(err, bridge.ErrNotFound) {
		return id, false, err
	}
	out := false
	for _, a := range s.Contact.Addresses {
		out = out || a.OptedOut
	}
	title := s.Title
	if title == "" {
		title = s.Contact.Title()
	}
	id, err = one(tx, scanID[bridge.ConversationID], `
		INSERT INTO conversations (kind, folder, about, contact_id, line_id, record_id, subject, state, title, last_at, created_at, opted_out, rev)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $9, $10, $11) RETURNING id`,
		s.Kind, bridge.FolderOf(s.Kind, s.Contact.Side), s.About, orNone(s.Contact.ID), orNone(s.Line), orNone(s.Record), s.Subject, title, millis(s.At), out, tx.rev)
	if err != nil {
		return 0, false, err
	}
	tx.touch(id)
	if s.Contact.ID != 0 {
		err = tx.AddParticipant(bridge.Participant{Conversation: id, Contact: s.Contact.ID, AddedAt: s.At})
	}
	return id, true, err
}

// Heard reports whether a contact has written in any conversation that is with them.
func (tx *Tx) Heard(id bridge.ContactID) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM (SELECT 1 FROM conversations WHERE contact_id = $1 AND inbound > 0 LIMIT 1) AS heard", id)
	return n > 0, err
}

// ConversationAbout finds the one conversation about something, such as customer:12.
func (tx *Tx) ConversationAbout(about string) (bridge.ConversationID, error) {
	return one(tx, scanID[bridge.ConversationID], "SELECT id FROM conversations WHERE about = $1", about)
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
	_, err := tx.exec("UPDATE conversations SET line_id = $2, address = $3 WHERE id = $1 AND (COALESCE(line_id, 0) <> $2 OR address <> $3)", id, line, address)
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

// SetHeld says that nobody may send in a conversation, or lifts that again. What
// waited meanwhile leaves then.
func (tx *Tx) SetHeld(id bridge.ConversationID, held bool) error {
	tx.queued = tx.queued || !held
	return tx.updateConversations("held = $2", "id = $1", id, held)
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
