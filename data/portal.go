package data

import (
	"cmp"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"porchlight/bridge"
)

// A PortalLink is a magic link that was sent. Its secret is in the mail or text only.
type PortalLink struct {
	Contact      bridge.ContactID
	Conversation bridge.ConversationID // where it leads; 0: home
	Channel      bridge.Channel        // by which it was sent, to Address
	Address      string
	CreatedAt    time.Time
	ExpiresAt    time.Time
	Revoked      bool
	Device       string // hash of the first device's mark; empty: not used yet
}

// AddPortalLink stores a link under the SHA-256 of its secret.
func (tx *Tx) AddPortalLink(hash string, l PortalLink) error {
	_, err := tx.exec(`
		INSERT INTO portal_links (hash, contact_id, conversation_id, channel, address, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		hash, l.Contact, orNone(l.Conversation), l.Channel, l.Address, millis(l.CreatedAt), millis(l.ExpiresAt))
	return err
}

// PortalLink finds a link, also one that has expired or was revoked.
func (tx *Tx) PortalLink(hash string) (PortalLink, error) {
	return one(tx, func(s scanner) (l PortalLink, err error) {
		var created, expires, revoked int64
		err = s.Scan(&l.Contact, &l.Conversation, &l.Channel, &l.Address, &created, &expires, &revoked, &l.Device)
		l.CreatedAt, l.ExpiresAt, l.Revoked = moment(created), moment(expires), revoked != 0
		return l, err
	}, `SELECT contact_id, COALESCE(conversation_id, 0), channel, address, created_at, expires_at, revoked_at, device FROM portal_links WHERE hash = $1`, hash)
}

// BindPortalLink notes the first device that a link was opened on.
func (tx *Tx) BindPortalLink(hash, device string) error {
	_, err := tx.exec("UPDATE portal_links SET device = $2 WHERE hash = $1 AND device = ''", hash, device)
	return err
}

// RevokePortalLinks makes the links of a contact that were sent until now work no
// more, and ends the sessions.
func (tx *Tx) RevokePortalLinks(c bridge.ContactID, now time.Time) error {
	if _, err := tx.exec("UPDATE portal_links SET revoked_at = $2 WHERE contact_id = $1 AND revoked_at = 0", c, millis(now)); err != nil {
		return err
	}
	_, err := tx.exec("DELETE FROM portal_sessions WHERE contact_id = $1", c)
	return err
}

// RevokeLinksTo makes the links that were sent to an address of a contact work no more,
// and ends their sessions and codes, for nobody knows by which link they came.
func (tx *Tx) RevokeLinksTo(a bridge.Address, now time.Time) error {
	if _, err := tx.exec("UPDATE portal_links SET revoked_at = $4 WHERE contact_id = $1 AND channel = $2 AND address = $3 AND revoked_at = 0",
		a.Contact, a.Channel, a.Value, millis(now)); err != nil {
		return err
	}
	if err := tx.endPortalCodes(a.Contact); err != nil {
		return err
	}
	_, err := tx.exec("DELETE FROM portal_sessions WHERE contact_id = $1", a.Contact)
	return err
}

// A PortalSession is a browser in which a contact is signed in.
type PortalSession struct {
	Contact           bridge.ContactID
	CreatedAt, SeenAt time.Time
	ExpiresAt         time.Time
	Device            string // in words
}

// AddPortalSession stores a session under the SHA-256 of its cookie.
func (tx *Tx) AddPortalSession(hash string, s PortalSession) error {
	_, err := tx.exec("INSERT INTO portal_sessions (hash, contact_id, created_at, seen_at, expires_at, device) VALUES ($1, $2, $3, $3, $4, $5)",
		hash, s.Contact, millis(s.CreatedAt), millis(s.ExpiresAt), s.Device)
	return err
}

func scanPortalSession(s scanner) (p PortalSession, err error) {
	var created, seen, expires int64
	err = s.Scan(&p.Contact, &created, &seen, &expires, &p.Device)
	p.CreatedAt, p.SeenAt, p.ExpiresAt = moment(created), moment(seen), moment(expires)
	return p, err
}

const portalSessionColumns = "contact_id, created_at, seen_at, expires_at, device"

// PortalSession finds a session that has not ended, or gives bridge.ErrNotFound.
func (tx *Tx) PortalSession(hash string, now time.Time) (PortalSession, error) {
	return one(tx, scanPortalSession, "SELECT "+portalSessionColumns+" FROM portal_sessions WHERE hash = $1 AND expires_at > $2", hash, millis(now))
}

// PortalSessions lists where a contact is signed in, the latest use first.
func (tx *Tx) PortalSessions(c bridge.ContactID, now time.Time) ([]PortalSession, error) {
	return list(tx, scanPortalSession, "SELECT "+portalSessionColumns+" FROM portal_sessions WHERE contact_id = $1 AND expires_at > $2 ORDER BY seen_at DESC LIMIT 50", c, millis(now))
}

// A PortalAccess is how a contact stands to the portal.
type PortalAccess struct {
	Links   int64     // that still work
	Devices int64     // on which they are signed in
	Seen    time.Time // when they last used it; zero: not known
}

// PortalAccess counts a contact's ways into the portal.
func (tx *Tx) PortalAccess(c bridge.ContactID, now time.Time) (a PortalAccess, err error) {
	if a.Links, err = tx.count("SELECT COUNT(*) FROM portal_links WHERE contact_id = $1 AND revoked_at = 0 AND expires_at > $2", c, millis(now)); err != nil {
		return a, err
	}
	ss, err := tx.PortalSessions(c, now)
	if a.Devices = int64(len(ss)); len(ss) > 0 {
		a.Seen = ss[0].SeenAt
	}
	return a, err
}

// TouchPortalSession notes that a session is in use.
func (tx *Tx) TouchPortalSession(hash string, now time.Time) error {
	_, err := tx.exec("UPDATE portal_sessions SET seen_at = $2 WHERE hash = $1", hash, millis(now))
	return err
}

// EndPortalSession signs one browser out.
func (tx *Tx) EndPortalSession(hash string) error {
	_, err := tx.exec("DELETE FROM portal_sessions WHERE hash = $1", hash)
	return err
}

// EndOldPortal forgets sessions, links and codes that ended long ago. Links are kept
// for a while, so that who opens an old one can be sent another.
func (tx *Tx) EndOldPortal(now time.Time) error {
	for q, before := range map[string]time.Time{
		"DELETE FROM portal_sessions WHERE expires_at <= $1": now,
		"DELETE FROM portal_codes WHERE expires_at <= $1":    now.Add(-24 * time.Hour),
		"DELETE FROM portal_links WHERE expires_at <= $1":    now.Add(-365 * 24 * time.Hour),
	} {
		if _, err := tx.exec(q, millis(before)); err != nil {
			return err
		}
	}
	return nil
}

// AddPortalCode stores the keyed hash of a code that is on its way to a contact.
func (tx *Tx) AddPortalCode(c bridge.ContactID, hash string, now, expires time.Time) error {
	_, err := tx.exec("INSERT INTO portal_codes (contact_id, hash, created_at, expires_at) VALUES ($1, $2, $3, $4)", c, hash, millis(now), millis(expires))
	return err
}

// codeTries is how often a contact's codes can be tried before they work no more. It is
// counted here and not by peer, link or node: a million tries would find a code.
const codeTries = 5

// TryPortalCode counts a try of a code, reports whether it is good, and ends all codes
// of the contact if it is.
func (tx *Tx) TryPortalCode(c bridge.ContactID, hash string, now time.Time) (bool, error) {
	if _, err := tx.exec("UPDATE portal_codes SET tries = tries + 1 WHERE contact_id = $1 AND expires_at > $2", c, millis(now)); err != nil {
		return false, err
	}
	n, err := tx.count("SELECT COUNT(*) FROM portal_codes WHERE contact_id = $1 AND hash = $2 AND expires_at > $3 AND tries <= "+strconv.Itoa(codeTries), c, hash, millis(now))
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.endPortalCodes(c)
}

func (tx *Tx) endPortalCodes(c bridge.ContactID) error {
	_, err := tx.exec("UPDATE portal_codes SET expires_at = 0 WHERE contact_id = $1 AND expires_at > 0", c)
	return err
}

// Asked counts the links or codes that were sent for a contact since a time.
func (tx *Tx) Asked(c bridge.ContactID, p bridge.Purpose, since time.Time) (int64, error) {
	return tx.count("SELECT COUNT(*) FROM deliveries WHERE contact_id = $1 AND purpose = $2 AND created_at > $3", c, p, millis(since))
}

// Secret gives a key of 32 bytes that this store made for itself. A read cannot make
// one: it gives bridge.ErrNotFound until a write has.
func (tx *Tx) Secret(name string) ([]byte, error) {
	find := func() ([]byte, error) {
		return one(tx, func(s scanner) (b []byte, err error) { return b, s.Scan(&b) }, "SELECT value FROM secrets WHERE name = $1", name)
	}
	key, err := find()
	if tx.reads || !errors.Is(err, bridge.ErrNotFound) {
		return key, err
	}
	key = make([]byte, 32)
	rand.Read(key) // never fails, since Go 1.24
	if _, err := tx.exec("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, key); err != nil {
		return nil, err
	}
	return find()
}

// What a contact may see. It is bridge.Sees for contacts, compiled: $1 is the
// contact, c the conversation. Whether the portal is on, the settings say.
const visibleToContact = `c.kind <> 'team' AND EXISTS (
	SELECT 1 FROM participants p WHERE p.conversation_id = c.id AND p.contact_id = $1 AND p.contact_id <> 0 AND p.left_at = 0)`

// written are the messages that people outside the team see: what was said, and
// neither notes nor the team's events.
const written = "m.direction IN ('in', 'out')"

// alone is written without what is folded behind another message.
const alone = written + " AND m.behind IS NULL"

// portalColumns are those of a conversation as a contact sees it; $1 is the contact.
// Unread is what came from others and was not in view, up to MaxCount.
var portalColumns = `c.id, c.kind, c.folder, COALESCE(c.contact_id, 0), COALESCE(c.record_id, 0), COALESCE(rec.type, ''), COALESCE(rec.reference, ''),
	COALESCE(rec.title, ''), c.subject, c.held, c.state, c.created_at, c.rev, c.address, COALESCE(c.line_id, 0), c.assignee_id IS NOT NULL,
	COALESCE((SELECT MAX(m.id) FROM messages m WHERE m.conversation_id = c.id AND ` + alone + `), 0) AS newest,
	(SELECT COUNT(*) FROM (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND ` + unseenBy + ` LIMIT ` + strconv.Itoa(MaxCount) + `) AS unseen)`

// unseenBy is what a contact ($1) has not seen of a conversation: written by
// somebody else, since they have the portal, and never in view.
const unseenBy = alone + ` AND NOT (m.author_kind = 'contact' AND m.author_id = $1)
	AND m.id > COALESCE((SELECT MAX(p.old_upto) FROM participants p WHERE p.conversation_id = m.conversation_id AND p.contact_id = $1), 0)
	AND NOT EXISTS (SELECT 1 FROM views v WHERE v.message_id = m.id AND v.contact_id = $1 AND v.staff_id = 0 AND v.read_at > 0)`

// A Thread is a conversation as a contact sees it.
type Thread struct {
	bridge.Conversation // Unread is the contact's; preview, assignee and counts of the team are not filled
	Newest              bridge.MessageID
	Taken               bool // somebody of the team has it
}

func scanThread(s scanner) (t Thread, err error) {
	var created int64
	a := &t.About
	err = s.Scan(&t.ID, &t.Kind, &t.Folder, &t.Contact, &a.ID, &a.Type, &a.Reference, &a.Title, &t.Subject, &t.Held, &t.State, &created, &t.Rev,
		&t.Address, &t.Line, &t.Taken, &t.Newest, &t.Unread)
	t.CreatedAt, t.Record, t.RecordLabel = moment(created), a.ID, a.Label()
	return t, err
}

// ContactConversations lists the conversations that a contact takes part in, the
// newest message first. Those without a message come last.
func (tx *Tx) ContactConversations(id bridge.ContactID, limit int) ([]Thread, error) {
	return tx.threads(id, "", limit)
}

// ContactConversation finds one of them; any other is bridge.ErrNotFound.
func (tx *Tx) ContactConversation(id bridge.ContactID, conv bridge.ConversationID) (Thread, error) {
	ts, err := tx.threads(id, " AND c.id = $2", 1, conv)
	if err != nil || len(ts) == 0 {
		return Thread{}, cmp.Or(err, bridge.ErrNotFound)
	}
	return ts[0], nil
}

// ContactChanges lists those that moved after a revision.
func (tx *Tx) ContactChanges(id bridge.ContactID, rev int64, limit int) ([]Thread, error) {
	return tx.threads(id, " AND c.rev > $2", limit, rev)
}

// ContactLost gives those that moved after a revision and that a contact was taken out
// of: a list may still show them.
func (tx *Tx) ContactLost(id bridge.ContactID, rev int64, limit int) ([]bridge.ConversationID, error) {
	return list(tx, scanID[bridge.ConversationID], `
		SELECT c.id FROM (SELECT conversation_id FROM participants WHERE contact_id = $1 AND contact_id <> 0 AND left_at <> 0) AS left_ones
		CROSS JOIN conversations c WHERE c.id = left_ones.conversation_id AND c.rev > $2 ORDER BY c.id LIMIT `+strconv.Itoa(limit), id, rev)
}

func (tx *Tx) threads(id bridge.ContactID, also string, limit int, args ...any) ([]Thread, error) {
	s, err := tx.Settings()
	if err != nil || !s.PortalOn {
		return nil, err
	}
	// CROSS JOIN: from the contact's few conversations, however many others there are.
	return list(tx, scanThread, "SELECT "+portalColumns+` FROM (
			SELECT conversation_id FROM participants WHERE contact_id = $1 AND contact_id <> 0 AND left_at = 0) AS mine
		CROSS JOIN conversations c LEFT JOIN records rec ON rec.id = c.record_id
		WHERE c.id = mine.conversation_id AND `+visibleToContact+also+`
		ORDER BY newest DESC, +c.id DESC LIMIT `+strconv.Itoa(limit), append([]any{id}, args...)...)
}

// ContactUnread counts what a contact has not seen in all their conversations, up to
// MaxCount.
func (tx *Tx) ContactUnread(id bridge.ContactID) (int64, error) {
	s, err := tx.Settings()
	if err != nil || !s.PortalOn {
		return 0, err
	}
	return tx.count(`SELECT COUNT(*) FROM (
		SELECT 1 FROM (SELECT conversation_id FROM participants WHERE contact_id = $1 AND contact_id <> 0 AND left_at = 0) AS mine
		CROSS JOIN conversations c CROSS JOIN messages m
		WHERE c.id = mine.conversation_id AND `+visibleToContact+` AND m.conversation_id = c.id AND `+unseenBy+`
		LIMIT `+strconv.Itoa(MaxCount)+`) AS unseen`, id)
}

// WrittenMessages gives the newest of what was said in a conversation before a message
// (0: the newest of all), in the order that it was written, with who saw it.
func (tx *Tx) WrittenMessages(id bridge.ConversationID, before bridge.MessageID, limit int) ([]bridge.Message, error) {
	q, args := "SELECT "+messageColumns+" FROM messages m WHERE m.conversation_id = $1 AND "+alone, []any{id}
	if before != 0 {
		q, args = q+" AND m.id < $2", append(args, before)
	}
	return tx.inOrder(q+" ORDER BY m.id DESC LIMIT "+strconv.Itoa(limit), args...)
}

// WrittenAfter gives the oldest of what was said in a conversation after a message, in
// the order that it was written.
func (tx *Tx) WrittenAfter(id bridge.ConversationID, after bridge.MessageID, limit int) ([]bridge.Message, error) {
	ms, err := list(tx, scanMessage, "SELECT "+messageColumns+" FROM messages m WHERE m.conversation_id = $1 AND "+alone+" AND m.id > $2 ORDER BY m.id LIMIT "+strconv.Itoa(limit), id, after)
	if err != nil {
		return nil, err
	}
	return ms, tx.complete(ms)
}

// WrittenSince gives what was said, or moved, after a revision; see MessagesSince.
func (tx *Tx) WrittenSince(id bridge.ConversationID, rev int64) ([]bridge.Message, error) {
	return tx.inOrder(`
		SELECT `+messageColumns+` FROM (
			SELECT * FROM messages m WHERE m.conversation_id = $1 AND `+alone+` ORDER BY m.id DESC LIMIT `+strconv.Itoa(MaxSince)+`
		) AS recent
		WHERE rev > $2 OR id IN (SELECT message_id FROM deliveries WHERE conversation_id = $1 AND rev > $2)
		ORDER BY id DESC`, id, rev)
}

// FirstUnseen is the first message of a conversation that a contact has not seen; 0
// if they saw all.
func (tx *Tx) FirstUnseen(id bridge.ContactID, conv bridge.ConversationID) (bridge.MessageID, error) {
	return one(tx, scanID[bridge.MessageID], "SELECT COALESCE(MIN(m.id), 0) FROM messages m WHERE m.conversation_id = $2 AND "+unseenBy, id, conv)
}

// StartedBefore says that what was written before a time is not new to a contact who
// comes into the portal for the first time.
func (tx *Tx) StartedBefore(id bridge.ContactID, before time.Time) error {
	_, err := tx.exec(`
		UPDATE participants SET old_upto = COALESCE((
			SELECT MAX(m.id) FROM messages m WHERE m.conversation_id = participants.conversation_id AND m.at < $2), 0)
		WHERE contact_id = $1 AND old_upto = 0`, id, millis(before))
	return err
}
