package data

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"porchlight/bridge"
)

const messageColumns = "id, conversation_id, at, direction, channel, author_kind, author_id, author_name, body, COALESCE(client_id, ''), files, COALESCE(behind, 0), card, rev"

// What a message stands for besides itself.
const (
	cardHandoff = "handoff"
	cardCall    = "call"
)

func card(m *bridge.Message) string {
	switch {
	case m.Handoff != nil:
		return cardHandoff
	case m.Call != nil:
		return cardCall
	}
	return ""
}

// scanMessage reads a row; Attachments has the right length and no content yet, nor
// have Handoff and Call.
func scanMessage(s scanner) (m bridge.Message, err error) {
	var at int64
	var files int
	var card string
	err = s.Scan(&m.ID, &m.Conversation, &at, &m.Direction, &m.Channel, &m.Author.Kind, &m.Author.ID,
		&m.Author.Name, &m.Body, &m.ClientID, &files, &m.Behind, &card, &m.Rev)
	switch card {
	case cardHandoff:
		m.Handoff = &bridge.Handoff{}
	case cardCall:
		m.Call = &bridge.Call{}
	}
	m.At = moment(at)
	if files > 0 {
		m.Attachments = make([]bridge.Attachment, files)
	}
	return m, err
}

// AddMessage stores a message and puts it on its conversation's row. The message
// comes back with its id and revision. A client id that the conversation has seen
// is bridge.ErrDuplicate.
func (tx *Tx) AddMessage(m bridge.Message) (bridge.Message, error) {
	m.Rev = tx.rev
	if m.ClientID != "" {
		if _, err := tx.MessageByClient(m.Conversation, m.ClientID); err == nil {
			return m, bridge.ErrDuplicate
		}
	}
	var err error
	m.ID, err = one(tx, scanID[bridge.MessageID], `
		INSERT INTO messages (conversation_id, at, direction, channel, author_kind, author_id, author_name, body, client_id, files, rev, behind, card)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`,
		m.Conversation, millis(m.At), m.Direction, m.Channel, m.Author.Kind, m.Author.ID, m.Author.Name,
		m.Body, orNull(m.ClientID), len(m.Attachments), m.Rev, orNone(m.Behind), card(&m))
	if err != nil {
		return m, err
	}
	for i := range m.Attachments {
		if err := tx.attach(&m.Attachments[i], m.ID, i, m.At); err != nil {
			return m, fmt.Errorf("attach file: %w", err)
		}
	}
	if m.Behind != 0 { // it shows with that one
		return m, tx.Renew(m.Behind)
	}
	return m, tx.showNewest(m)
}

// AddFolded stores what is folded behind a message, such as what was said in a call.
// Those whose client ids the conversation has seen change nothing.
func (tx *Tx) AddFolded(head bridge.Message, ms []bridge.Message) error {
	if len(ms) == 0 {
		return nil
	}
	rows := make([][]any, len(ms))
	for i, m := range ms {
		rows[i] = []any{head.Conversation, millis(m.At), m.Direction, m.Channel, m.Author.Kind, m.Author.ID, m.Author.Name, m.Body, m.ClientID, tx.rev, head.ID}
	}
	if _, err := tx.insert("messages (conversation_id, at, direction, channel, author_kind, author_id, author_name, body, client_id, rev, behind)",
		"ON CONFLICT DO NOTHING", rows); err != nil {
		return err
	}
	return tx.Renew(head.ID)
}

// Arrives counts something new on a conversation's row that is folded behind an older
// message: it is our turn again, and readers have one more that they have not seen.
func (tx *Tx) Arrives(id bridge.ConversationID, at time.Time) error {
	return tx.updateConversations("inbound = inbound + 1, last_in_at = $2, state = 'open', snoozed_until = 0", "id = $1", id, millis(at))
}

// showNewest copies a message to its conversation's row. Whatever comes in
// reopens; an answer leaves it to the customer; notes and events move nothing.
func (tx *Tx) showNewest(m bridge.Message) error {
	// A text that was recovered late does not rewind the row to itself.
	const newest = `preview = CASE WHEN last_at > $6 THEN preview ELSE $2 END, preview_by = CASE WHEN last_at > $6 THEN preview_by ELSE $3 END,
		author_id = CASE WHEN last_at > $6 THEN author_id ELSE $4 END, author_name = CASE WHEN last_at > $6 THEN author_name ELSE $5 END,
		last_at = CASE WHEN last_at > $6 THEN last_at ELSE $6 END`
	var staff int64
	if m.Author.Kind == bridge.ByStaff {
		staff = m.Author.ID
	}
	args := []any{m.Preview(), m.Direction, staff, m.Author.Name, millis(m.At)}
	var c bridge.Conversation
	switch m.Direction {
	case bridge.In:
		return tx.updateConversation(newest+", last_channel = $7, state = $8, snoozed_until = 0, inbound = inbound + 1, last_in_at = $6",
			m.Conversation, append(args, m.Channel, c.Received())...)
	case bridge.Out:
		return tx.updateConversation(newest+", last_channel = $7, state = $8, snoozed_until = 0",
			m.Conversation, append(args, m.Channel, c.Answered())...)
	case bridge.Note:
		return tx.updateConversation(newest, m.Conversation, args...)
	}
	return tx.updateConversation("urgent = urgent", m.Conversation)
}

// MessageByClient finds what a writer's own key stored before.
func (tx *Tx) MessageByClient(id bridge.ConversationID, client string) (bridge.Message, error) {
	m, err := one(tx, scanMessage, "SELECT "+messageColumns+" FROM messages WHERE conversation_id = $1 AND client_id = $2", id, client)
	if err != nil {
		return m, err
	}
	ms := []bridge.Message{m}
	err = tx.complete(ms)
	return ms[0], err
}

// Message finds one message with its deliveries.
func (tx *Tx) Message(id bridge.MessageID) (bridge.Message, error) {
	m, err := one(tx, scanMessage, "SELECT "+messageColumns+" FROM messages WHERE id = $1", id)
	if err != nil {
		return m, err
	}
	ms := []bridge.Message{m}
	err = tx.complete(ms)
	return ms[0], err
}

// MessagesOf finds messages with their deliveries, in no order. Of ids that are none,
// none come.
func (tx *Tx) MessagesOf(ids []bridge.MessageID) (map[bridge.MessageID]bridge.Message, error) {
	out := make(map[bridge.MessageID]bridge.Message, len(ids))
	for part := range slices.Chunk(ids, 500) {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = int64(id)
		}
		ms, err := tx.inOrder("SELECT "+messageColumns+" FROM messages WHERE id IN "+among(&args), args...)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			out[m.ID] = m
		}
	}
	return out, nil
}

// shownIn is which messages a conversation shows, as part of a query whose $1 is
// the conversation: its own, and, where it is about a record, the texts that are
// placed on that record but landed in the contact's own conversation. From any
// other, which may be its members' alone, nothing shows elsewhere.
const shownIn = `m.behind IS NULL AND (m.conversation_id = $1 OR m.id IN (
	SELECT p.message_id FROM conversations v JOIN placements p ON p.record_id = v.record_id AND p.newest
		JOIN messages q ON q.id = p.message_id JOIN conversations o ON o.id = q.conversation_id
	WHERE v.id = $1 AND o.contact_id = v.contact_id AND o.kind IN ('customer', 'partner')))`

// Messages gives the newest messages of a conversation before one of them (0: the
// newest of all), in the order that they were written.
func (tx *Tx) Messages(id bridge.ConversationID, before bridge.MessageID, limit int) ([]bridge.Message, error) {
	shown, err := tx.shown(id)
	if err != nil {
		return nil, err
	}
	q, args := "SELECT "+messageColumns+" FROM messages m WHERE "+shown, []any{id}
	if before != 0 {
		q, args = q+" AND m.id < $2", append(args, before)
	}
	return tx.inOrder(q+" ORDER BY m.id DESC LIMIT "+strconv.Itoa(limit), args...)
}

// inOrder runs a query that gives messages newest first, and gives them complete and
// in the order that they were written.
func (tx *Tx) inOrder(q string, args ...any) ([]bridge.Message, error) {
	ms, err := list(tx, scanMessage, q, args...)
	if err != nil {
		return nil, err
	}
	slices.Reverse(ms)
	return ms, tx.complete(ms)
}

// MessagesAfter gives the oldest messages of a conversation after one of them, in the
// order that they were written.
func (tx *Tx) MessagesAfter(id bridge.ConversationID, after bridge.MessageID, limit int) ([]bridge.Message, error) {
	shown, err := tx.shown(id)
	if err != nil {
		return nil, err
	}
	ms, err := list(tx, scanMessage, "SELECT "+messageColumns+" FROM messages m WHERE "+shown+" AND m.id > $2 ORDER BY m.id LIMIT "+strconv.Itoa(limit), id, after)
	if err != nil {
		return nil, err
	}
	return ms, tx.complete(ms)
}

// MessagesAround gives up to limit messages of a conversation around one of them, in
// the order that they were written, and whether there are others before and after.
// One that the conversation does not show is bridge.ErrNotFound.
func (tx *Tx) MessagesAround(id bridge.ConversationID, at bridge.MessageID, limit int) (ms []bridge.Message, before, after bool, err error) {
	half := limit / 2
	if at, err = tx.Head(at); err != nil {
		return nil, false, false, err
	}
	if ms, err = tx.Messages(id, at+1, half+1); err != nil {
		return nil, false, false, err
	}
	if len(ms) == 0 || ms[len(ms)-1].ID != at {
		return nil, false, false, bridge.ErrNotFound
	}
	if before = len(ms) > half; before {
		ms = ms[1:]
	}
	later, err := tx.MessagesAfter(id, at, limit-half+1)
	if err != nil {
		return nil, false, false, err
	}
	if after = len(later) > limit-half; after {
		later = later[:limit-half]
	}
	return append(ms, later...), before, after, nil
}

// shown is shownIn where the conversation is about a record, and the plain and
// quick condition for all others.
func (tx *Tx) shown(id bridge.ConversationID) (string, error) {
	about, err := tx.count("SELECT COUNT(*) FROM conversations WHERE id = $1 AND record_id IS NOT NULL", id)
	if err != nil || about == 0 {
		return "m.conversation_id = $1 AND m.behind IS NULL", err
	}
	return shownIn, nil
}

// NewestMessage is the id of a conversation's newest message from a person, which
// notes and events are not; 0 if there is none.
func (tx *Tx) NewestMessage(id bridge.ConversationID) (bridge.MessageID, error) {
	ids, err := list(tx, scanID[bridge.MessageID], `
		SELECT id FROM messages WHERE conversation_id = $1 AND direction IN ('in', 'out') AND behind IS NULL
		ORDER BY id DESC LIMIT 1`, id)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return ids[0], nil
}

// MaxSince is how far back MessagesSince looks, in messages.
const MaxSince = 500

// MessagesSince gives the messages of a conversation that are new, or whose
// deliveries moved, after a revision. It looks through the last MaxSince messages;
// a page that missed more is better loaded anew.
func (tx *Tx) MessagesSince(id bridge.ConversationID, rev int64) ([]bridge.Message, error) {
	shown, err := tx.shown(id)
	if err != nil {
		return nil, err
	}
	ms, err := list(tx, scanMessage, `
		SELECT `+messageColumns+` FROM (
			SELECT * FROM messages m WHERE `+shown+` ORDER BY id DESC LIMIT `+strconv.Itoa(MaxSince)+`
		) AS recent
		WHERE rev > $2 OR id IN (SELECT message_id FROM deliveries WHERE conversation_id = $1 AND rev > $2)
			OR id IN (SELECT message_id FROM placements WHERE rev > $2)
		ORDER BY id`, id, rev)
	if err != nil {
		return nil, err
	}
	return ms, tx.complete(ms)
}

// Head is the message that one shows with: itself, or the one that it is folded behind.
func (tx *Tx) Head(id bridge.MessageID) (bridge.MessageID, error) {
	return one(tx, scanID[bridge.MessageID], "SELECT COALESCE(behind, id) FROM messages WHERE id = $1", id)
}

// cards fills in what messages stand for, and what is folded behind them.
func (tx *Tx) cards(at map[bridge.MessageID]*bridge.Message) error {
	var heads []any
	for id, m := range at {
		if m.Handoff != nil || m.Call != nil {
			heads = append(heads, int64(id))
		}
	}
	if len(heads) == 0 {
		return nil
	}
	slices.SortFunc(heads, func(a, b any) int { return cmp.Compare(a.(int64), b.(int64)) })
	in := among(&heads)
	hs, err := list(tx, scanHandoff, "SELECT "+handoffColumns+" FROM handoffs WHERE message_id IN "+in, heads...)
	if err != nil {
		return fmt.Errorf("read handoffs: %w", err)
	}
	for _, h := range hs {
		at[h.Message].Handoff = &h
	}
	cs, err := list(tx, scanCall, "SELECT "+callColumns+" FROM calls c WHERE c.message_id IN "+in, heads...)
	if err != nil {
		return fmt.Errorf("read calls: %w", err)
	}
	for _, c := range cs {
		at[c.Message].Call = &c
	}
	folded, err := list(tx, scanMessage, "SELECT "+messageColumns+" FROM messages WHERE behind IN "+in+" ORDER BY behind, at, id", heads...)
	if err == nil {
		err = tx.complete(folded)
	}
	for _, m := range folded {
		head := at[m.Behind]
		head.Folded = append(head.Folded, m)
	}
	return err
}

// complete fills in attachments and deliveries of messages with one query each.
func (tx *Tx) complete(ms []bridge.Message) error {
	at := map[bridge.MessageID]*bridge.Message{}
	var all, sent, withFiles []any
	for i := range ms {
		at[ms[i].ID] = &ms[i]
		id := int64(ms[i].ID)
		all = append(all, id)
		if ms[i].Direction == bridge.Out || ms[i].Direction == bridge.In || ms[i].Channel == bridge.Portal { // what came in may have gone to a phone on duty
			sent = append(sent, id)
		}
		if len(ms[i].Attachments) > 0 {
			withFiles = append(withFiles, id)
		}
	}
	if len(all) == 0 {
		return nil
	}
	if err := tx.cards(at); err != nil {
		return err
	}
	if err := tx.placed(at, all); err != nil {
		return fmt.Errorf("read placements: %w", err)
	}
	if s, err := tx.Settings(); err != nil {
		return err
	} else if s.PortalOn {
		if err := tx.seenBy(at, all); err != nil {
			return fmt.Errorf("read views: %w", err)
		}
	}
	if len(sent) > 0 {
		ds, err := list(tx, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries WHERE message_id IN "+among(&sent)+" AND purpose <> 'bot' ORDER BY id", sent...)
		if err != nil {
			return fmt.Errorf("read deliveries: %w", err)
		}
		for _, d := range ds {
			m := at[d.Message]
			m.Deliveries = append(m.Deliveries, d)
			m.Rev = max(m.Rev, d.Rev)
		}
	}
	if len(withFiles) == 0 {
		return nil
	}
	files, err := list(tx, scanAttachment, "SELECT "+attachmentColumns+" FROM attachments WHERE message_id IN "+among(&withFiles), withFiles...)
	for _, f := range files {
		if m := at[f.Message]; f.N < len(m.Attachments) {
			m.Attachments[f.N] = f
		}
	}
	return err
}

// AddInbound keeps what a carrier delivered, as it came. An id that was stored
// before is bridge.ErrDuplicate.
func (tx *Tx) AddInbound(carrierID string, m bridge.MessageID, raw string, at time.Time) error {
	n, err := tx.exec("INSERT INTO inbound (carrier_id, message_id, raw, at) VALUES ($1, $2, $3, $4) ON CONFLICT (carrier_id) DO NOTHING",
		carrierID, m, raw, millis(at))
	if err == nil && n == 0 {
		return bridge.ErrDuplicate
	}
	return err
}

// InboundSeen gives the message that a carrier's id made, or bridge.ErrNotFound.
func (tx *Tx) InboundSeen(carrierID string) (bridge.MessageID, error) {
	return one(tx, scanID[bridge.MessageID], "SELECT message_id FROM inbound WHERE carrier_id = $1", carrierID)
}
