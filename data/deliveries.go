package data

import (
	"cmp"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
)

const deliveryColumns = `id, purpose, COALESCE(message_id, 0), COALESCE(conversation_id, 0), COALESCE(contact_id, 0), COALESCE(staff_id, 0),
	line_id, channel, recipient, body, media, state, attempts,
	COALESCE(carrier_id, ''), code, detail, segments, token, conflict, handled, COALESCE(carried_by, 0), COALESCE(hold_id, 0),
	created_at, next_at, expires_at, sent_at, delivered_at, settled_at, rev`

func scanDelivery(s scanner) (d bridge.Delivery, err error) {
	var created, next, expires, sent, delivered, settled int64
	err = s.Scan(&d.ID, &d.Purpose, &d.Message, &d.Conversation, &d.Contact, &d.Staff, &d.Line, &d.Channel, &d.To, &d.Body, &d.Media, &d.State, &d.Attempts,
		&d.CarrierID, &d.Code, &d.Detail, &d.Segments, &d.Token, &d.Conflict, &d.Handled, &d.CarriedBy, &d.Hold,
		&created, &next, &expires, &sent, &delivered, &settled, &d.Rev)
	d.CreatedAt, d.NextAt, d.ExpiresAt = moment(created), moment(next), moment(expires)
	d.SentAt, d.DeliveredAt, d.SettledAt = moment(sent), moment(delivered), moment(settled)
	return d, err
}

// more is a row that has further columns after those of a noun.
type more struct {
	scanner
	into []any
}

func (m more) Scan(into ...any) error { return m.scanner.Scan(append(into, m.into...)...) }

// AddDelivery queues a delivery, due at once or at a later NextAt, and wakes the
// outbox after commit.
func (tx *Tx) AddDelivery(d bridge.Delivery, now time.Time) (bridge.Delivery, error) {
	d.State, d.Token, d.CreatedAt = bridge.Queued, rand.Text(), now
	if d.NextAt.Before(now) {
		d.NextAt = now
	}
	if d.ExpiresAt.IsZero() {
		d.ExpiresAt = now.Add(bridge.KeepTrying)
	}
	if d.Purpose == "" {
		d.Purpose = bridge.ForMessage
	}
	d.Segments, d.Rev = max(d.Segments, 1), tx.rev
	var err error
	d.ID, err = one(tx, scanID[bridge.DeliveryID], `
		INSERT INTO deliveries (purpose, message_id, conversation_id, contact_id, staff_id, line_id, channel, recipient, body, media, state, segments, token, created_at, next_at, expires_at, rev, hold_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) RETURNING id`,
		d.Purpose, orNone(d.Message), orNone(d.Conversation), orNone(d.Contact), orNone(d.Staff), d.Line, d.Channel, d.To, d.Body, d.Media, d.State, d.Segments, d.Token,
		millis(now), millis(d.NextAt), millis(d.ExpiresAt), tx.rev, orNone(d.Hold))
	tx.queued = true
	return d, err
}

// AddMail queues a mail about a message. One about the same conversation that waits
// for the same person is carried by it: the new one says both. It waits for further
// messages until its NextAt, but at most limit after the first message. What people
// and the AI receptionist write goes apart, for a takeover stops only the latter.
func (tx *Tx) AddMail(d bridge.Delivery, now time.Time, limit time.Duration) (bridge.Delivery, error) {
	waiting, err := list(tx, scanDelivery, "SELECT "+deliveryColumns+` FROM deliveries
		WHERE conversation_id = $1 AND recipient = $2 AND channel = 'email' AND state = 'queued' AND attempts = 0
			AND state IN ('queued', 'sending', 'unknown') AND purpose = $3 AND COALESCE(contact_id, 0) = $4 AND COALESCE(staff_id, 0) = $5
			AND COALESCE(hold_id, 0) = $6`,
		d.Conversation, d.To, cmp.Or(d.Purpose, bridge.ForMessage), d.Contact, d.Staff, d.Hold)
	if err != nil {
		return d, err
	}
	for _, w := range waiting {
		first, err := one(tx, scanID[int64], "SELECT MIN(created_at) FROM deliveries WHERE id = $1 OR carried_by = $1", w.ID)
		if err != nil {
			return d, err
		}
		if last := moment(first).Add(limit); d.NextAt.After(last) {
			d.NextAt = last
		}
	}
	if d, err = tx.AddDelivery(d, now); err != nil {
		return d, err
	}
	for _, w := range waiting {
		if _, err := tx.exec("UPDATE deliveries SET carried_by = $2, state = 'canceled', next_at = $4, rev = $3 WHERE id = $1 OR carried_by = $1", w.ID, d.ID, tx.rev, millis(d.NextAt)); err != nil {
			return d, err
		}
	}
	return d, nil
}

// CarryOn lets a mail that is sent again say what the one that failed was to say too.
func (tx *Tx) CarryOn(failed bridge.DeliveryID, again bridge.Delivery) error {
	if _, err := tx.exec(`
		UPDATE deliveries SET carried_by = $2, state = 'canceled', code = '', detail = '', handled = FALSE, sent_at = 0, delivered_at = 0, settled_at = 0, next_at = $3, rev = $4
		WHERE carried_by = $1`, failed, again.ID, millis(again.NextAt), tx.rev); err != nil {
		return err
	}
	return tx.countFailures(again.Conversation)
}

// Carried gives the messages that a delivery says, the oldest first.
func (tx *Tx) Carried(id bridge.DeliveryID) ([]bridge.Message, error) {
	return tx.inOrder("SELECT "+messageColumns+` FROM messages
		WHERE id IN (SELECT message_id FROM deliveries WHERE (id = $1 OR carried_by = $1) AND message_id IS NOT NULL) ORDER BY id DESC`, id)
}

// SetBody keeps the words of a delivery, without its secret, so that the carrier's
// list can be compared with them.
func (tx *Tx) SetBody(id bridge.DeliveryID, body string) error {
	_, err := tx.exec("UPDATE deliveries SET body = $2 WHERE id = $1", id, body)
	return err
}

// ReleaseWaiting makes what waits for the end of quiet hours due at once: an answer
// to somebody who is awake must not stand in line behind it.
func (tx *Tx) ReleaseWaiting(id bridge.ConversationID, to string, now time.Time) error {
	_, err := tx.exec(`
		UPDATE deliveries SET next_at = $3, rev = $4
		WHERE conversation_id = $1 AND recipient = $2 AND state = 'queued' AND attempts = 0 AND next_at > $3`, id, to, millis(now), tx.rev)
	return err
}

// CancelWaiting ends what is still to leave for an address of a contact, and says how
// many that are.
func (tx *Tx) CancelWaiting(c bridge.ContactID, ch bridge.Channel, to string, now time.Time) (int, error) {
	ds, err := list(tx, scanDelivery, "SELECT "+deliveryColumns+` FROM deliveries
		WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = $1) AND recipient = $2 AND channel = $3
			AND purpose <> 'alert' AND state = 'queued' AND state IN ('queued', 'sending', 'unknown')
		UNION ALL
		SELECT `+deliveryColumns+` FROM deliveries d
		WHERE contact_id = $1 AND recipient = $2 AND channel = $3 AND state = 'queued' AND NOT EXISTS (
			SELECT 1 FROM conversations c WHERE c.id = d.conversation_id AND c.contact_id = $1)`, c, to, ch)
	for _, d := range ds {
		if err == nil {
			d.State, d.NextAt = bridge.Canceled, time.Time{}
			err = tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, now)
		}
	}
	return len(ds), err
}

// Delivery finds a delivery by its id.
func (tx *Tx) Delivery(id bridge.DeliveryID) (bridge.Delivery, error) {
	return one(tx, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries WHERE id = $1", id)
}

// DeliveryOf finds the delivery that a receipt speaks of: by the carrier's id, or
// by our own token while the id is not known. The id comes first because a message
// that was recognised in the carrier's list may have been counted for another
// delivery of the same words to the same phone.
func (tx *Tx) DeliveryOf(token, carrierID string) (bridge.Delivery, error) {
	d, err := one(tx, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries WHERE carrier_id = $1", carrierID)
	if token != "" && errors.Is(err, bridge.ErrNotFound) {
		return one(tx, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries WHERE token = $1", token)
	}
	return d, err
}

// A Claim is a delivery that the outbox has taken, with what to send. Its attempt
// is stored already.
type Claim struct {
	bridge.Delivery // Body is always filled
	From            string
	StartedAt       time.Time
}

// Unsaid reports whether its words are still to be made, as those of a mail or of a
// text with a link.
func (c Claim) Unsaid() bool {
	return c.Channel == bridge.Email || c.Channel == bridge.Webhook || strings.Contains(c.Body, bridge.Secret)
}

// Outgoing is the claim as a carrier takes it.
func (c Claim) Outgoing() bridge.Outgoing {
	return bridge.Outgoing{Delivery: c.ID, Token: c.Token, From: c.From, To: c.To, Body: c.Body}
}

// ClaimOf puts together what an earlier claim of a delivery was, to ask the
// carrier what became of it.
func (tx *Tx) ClaimOf(d bridge.Delivery) (Claim, error) {
	c := Claim{Delivery: d}
	var start int64
	err := tx.row(`
		SELECT l.value, a.started_at FROM lines l, attempts a
		WHERE l.id = $1 AND a.delivery_id = $2 AND a.n = $3`, d.Line, d.ID, d.Attempts).Scan(&c.From, &start)
	c.StartedAt = moment(start)
	if err == nil {
		err = tx.fillBody(&c.Delivery)
	}
	return c, err
}

// fillBody gives a delivery the message's own text where it has none of its own.
func (tx *Tx) fillBody(d *bridge.Delivery) error {
	if d.Body != "" || d.Message == 0 {
		return nil
	}
	return tx.row("SELECT body FROM messages WHERE id = $1", d.Message).Scan(&d.Body)
}

// clockJump is how far ahead a line's pace is believed: beyond it a clock ran fast
// for a while, and the line would be silent until the time came.
const clockJump = 10 * time.Minute

// ClaimDue takes the deliveries of a channel that are due, at most limit. Each
// gets its attempt counted and a lease before anybody touches the network. It
// keeps the order within a conversation and address, and each line's pace.
func (tx *Tx) ClaimDue(ch bridge.Channel, now time.Time, lease time.Duration, limit int) ([]Claim, error) {
	type free struct {
		line bridge.Line
		at   int64
	}
	lines, err := list(tx, func(s scanner) (f free, err error) {
		f.line, err = scanLine(more{s, []any{&f.at}})
		return f, err
	}, "SELECT "+lineColumns+", free_at FROM lines WHERE channel = $3 AND (free_at <= $1 OR free_at > $2) ORDER BY free_at", millis(now), millis(now.Add(clockJump)), ch)
	if err != nil {
		return nil, err
	}
	var out []Claim
	for _, l := range lines {
		claims, err := tx.claimLine(ch, l.line, now, lease, limit-len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, claims...)
	}
	return out, nil
}

// codeOptedOut is the carrier's own code for a text to somebody who texted STOP.
const codeOptedOut = "21610"

// notHeld keeps what waits, for the morning or for another try, from leaving a
// conversation whose sending was put on hold meanwhile.
const notHeld = "NOT EXISTS (SELECT 1 FROM conversations h WHERE h.id = d.conversation_id AND h.held)"

func (tx *Tx) claimLine(ch bridge.Channel, l bridge.Line, now time.Time, lease time.Duration, limit int) ([]Claim, error) {
	if l.Pace > 0 {
		limit = min(limit, 1) // after one text the line waits for its pace
	}
	if limit <= 0 {
		return nil, nil
	}
	type candidate struct {
		bridge.Delivery
		optedOut bool
	}
	due, err := list(tx, func(s scanner) (c candidate, err error) {
		var text string
		c.Delivery, err = scanDelivery(more{s, []any{&text, &c.optedOut}})
		if c.Body == "" {
			c.Body = text
		}
		return c, err
	}, `
		SELECT `+deliveryColumns+`,
			COALESCE((SELECT body FROM messages WHERE id = d.message_id), ''),
			COALESCE((SELECT state FROM consents WHERE value = d.recipient AND channel = d.channel ORDER BY id DESC LIMIT 1), '') = 'out'
		FROM deliveries d
		WHERE state = 'queued' AND next_at <= $1 AND expires_at > $1 AND line_id = $2 AND channel = $3
			AND NOT EXISTS (
				SELECT 1 FROM deliveries e
				WHERE e.conversation_id = d.conversation_id AND e.recipient = d.recipient AND e.id < d.id
					AND e.state IN ('queued', 'sending', 'unknown') AND e.next_at > 0
			)
			AND `+notHeld+`
		ORDER BY next_at, id LIMIT `+strconv.Itoa(limit), millis(now), l.ID, ch)
	if err != nil {
		return nil, err
	}
	claims := make([]Claim, 0, len(due))
	for _, found := range due {
		d := found.Delivery
		if found.optedOut { // STOP came after the text was queued
			d.State, d.Code, d.NextAt = bridge.Failed, codeOptedOut, time.Time{}
			if err := tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, now); err != nil {
				return nil, err
			}
			continue
		}
		c := Claim{Delivery: d, From: l.Value(), StartedAt: now}
		c.State, c.Attempts, c.NextAt = bridge.Sending, d.Attempts+1, now.Add(lease)
		if _, err := tx.exec("UPDATE deliveries SET state = $2, attempts = $3, next_at = $4 WHERE id = $1",
			c.ID, c.State, c.Attempts, millis(c.NextAt)); err != nil {
			return nil, err
		}
		if _, err := tx.exec("INSERT INTO attempts (delivery_id, n, started_at) VALUES ($1, $2, $3)", c.ID, c.Attempts, millis(now)); err != nil {
			return nil, err
		}
		if l.Pace > 0 {
			wait := time.Duration(float64(d.Segments) / l.Pace * float64(time.Second))
			if _, err := tx.exec("UPDATE lines SET free_at = $2 WHERE id = $1", l.ID, millis(now.Add(wait))); err != nil {
				return nil, err
			}
		}
		claims = append(claims, c)
	}
	return claims, nil
}

// NextDue is when the earliest delivery of some channels may leave, or zero when none
// waits.
func (tx *Tx) NextDue(now time.Time, by ...bridge.Channel) (time.Time, error) {
	args := []any{millis(now)}
	for _, ch := range by {
		args = append(args, string(ch))
	}
	if len(by) == 0 {
		return time.Time{}, nil
	}
	channels := amongAfter(1, &args)
	ms, err := one(tx, scanID[int64], `
		SELECT COALESCE(MIN(CASE WHEN d.next_at < l.free_at THEN l.free_at ELSE d.next_at END), 0)
		FROM deliveries d JOIN lines l ON l.id = d.line_id
		WHERE d.state = 'queued' AND d.expires_at > $1 AND d.channel IN `+channels+` AND NOT EXISTS (
			SELECT 1 FROM deliveries e
			WHERE e.conversation_id = d.conversation_id AND e.recipient = d.recipient AND e.id < d.id
				AND e.state IN ('queued', 'sending', 'unknown') AND e.next_at > 0)
			AND `+notHeld, args...)
	return moment(ms), err
}

// NextCheck is when the outbox has to look after what does not move by itself: a
// queued delivery that expires, a lease that ends, a lost answer or a silent
// carrier to ask about. It is zero when there is nothing.
func (tx *Tx) NextCheck() (time.Time, error) {
	ms, err := one(tx, scanID[int64], `
		SELECT COALESCE(MIN(at), 0) FROM (
			SELECT MIN(expires_at) AS at FROM deliveries WHERE state = 'queued'
			UNION ALL
			SELECT MIN(next_at) FROM deliveries WHERE state IN ('sending', 'unknown') AND next_at > 0
			UNION ALL
			SELECT MIN(next_at) FROM deliveries WHERE state = 'sent' AND next_at > 0
		) AS checks`)
	return moment(ms), err
}

// Overdue gives the deliveries in a state whose time has come: leases that ended,
// unknown ones to reconcile, sent ones that the carrier has fallen silent about.
func (tx *Tx) Overdue(s bridge.DeliveryState, now time.Time, limit int) ([]bridge.Delivery, error) {
	where := "state = '" + string(s) + "'"
	if s != bridge.Sent {
		where += " AND state IN ('sending', 'unknown')" // the words of the partial index, or SQLite reads every delivery there ever was
	}
	return list(tx, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries WHERE "+where+
		" AND next_at > 0 AND next_at <= $1 ORDER BY next_at LIMIT "+strconv.Itoa(limit), millis(now))
}

// PastExpiry gives some of the queued deliveries that are no longer worth sending.
// Ordered by id, SQLite would read the whole table for them.
func (tx *Tx) PastExpiry(now time.Time, limit int) ([]bridge.Delivery, error) {
	return list(tx, scanDelivery, "SELECT "+deliveryColumns+" FROM deliveries WHERE state = 'queued' AND expires_at <= $1 LIMIT "+
		strconv.Itoa(limit), millis(now))
}

// SaveDelivery writes a delivery's new state with everything that follows from it:
// a failure counts on its conversation and reopens it, a dead number is noted, a
// refusal by consent is kept. was is the state before.
func (tx *Tx) SaveDelivery(d bridge.Delivery, was bridge.DeliveryState, why bridge.Failure, now time.Time) error {
	if d.State != was {
		switch {
		case d.State == bridge.Sent && d.SentAt.IsZero():
			d.SentAt = now
		case d.State == bridge.Delivered:
			d.DeliveredAt = now
		}
		if d.State.Settled() && d.State != bridge.Sent && d.SettledAt.IsZero() {
			d.SettledAt = now
		}
	}
	if _, err := tx.exec(`
		UPDATE deliveries SET state = $2, carrier_id = $3, code = $4, detail = $5, segments = $6, conflict = $7,
			handled = $8, next_at = $9, sent_at = $10, delivered_at = $11, settled_at = $12, rev = $13
		WHERE id = $1`,
		d.ID, d.State, orNull(d.CarrierID), d.Code, d.Detail, d.Segments, d.Conflict,
		d.Handled, millis(d.NextAt), millis(d.SentAt), millis(d.DeliveredAt), millis(d.SettledAt), tx.rev); err != nil {
		return err
	}
	tx.queued = tx.queued || d.State == bridge.Queued || was.Pending() && !d.State.Pending()
	if d.Conversation != 0 {
		tx.touch(d.Conversation)
	}
	if d.State != was && d.Channel == bridge.Email {
		if err := tx.carry(d); err != nil {
			return err
		}
	}
	if d.State == bridge.Delivered && was != bridge.Delivered {
		if err := tx.SetAddressProblem(d.Channel, d.To, ""); err != nil {
			return err
		}
	}
	if d.State == was && d.State != bridge.Unknown || !d.State.Failure() && !was.Failure() && d.State != bridge.Unknown && was != bridge.Unknown {
		return nil
	}
	return tx.follow(d, was, why, now)
}

// carry moves the deliveries that a later one says too as far as that one has come.
// While it is on its way they wait with it, out of the outbox's sight: whatever is
// queued would be sent, too.
func (tx *Tx) carry(d bridge.Delivery) error {
	next := int64(0)
	if d.State.Pending() && !(d.State == bridge.Unknown && d.NextAt.IsZero()) {
		d.State, d.Code, d.Detail, next = bridge.Canceled, "", "", millis(d.NextAt)
	}
	_, err := tx.exec(`
		UPDATE deliveries SET state = $2, code = $3, detail = $4, sent_at = $5, delivered_at = $6, settled_at = $7, next_at = $8, rev = $9
		WHERE carried_by = $1`, d.ID, d.State, d.Code, d.Detail, millis(d.SentAt), millis(d.DeliveredAt), millis(d.SettledAt), next, tx.rev)
	return err
}

// follow does what a delivery's failure, or its end, means for the others.
func (tx *Tx) follow(d bridge.Delivery, was bridge.DeliveryState, why bridge.Failure, now time.Time) error {
	if err := tx.countFailures(d.Conversation); err != nil {
		return err
	}
	gaveUp := d.State == bridge.Unknown && d.NextAt.IsZero()
	if !d.State.Failure() && !gaveUp || was.Failure() {
		return nil
	}
	if err := tx.updateConversations("state = 'open', snoozed_until = 0", "id = $1 AND state <> 'open'", d.Conversation); err != nil {
		return err
	}
	if why.BadAddress {
		if err := tx.SetAddressProblem(d.Channel, d.To, why.Sentence); err != nil {
			return err
		}
	}
	if why.Class == bridge.Consent {
		return tx.AddConsent(Consent{Line: d.Line, Channel: d.Channel, Value: d.To, Out: true, Source: "error", Message: d.Message, At: now})
	}
	return nil
}

// countFailures puts the number of failures that nobody has dealt with on the
// conversation's row.
func (tx *Tx) countFailures(id bridge.ConversationID) error {
	return tx.updateConversations(`failed = (
		SELECT COUNT(*) FROM deliveries d
		WHERE d.conversation_id = conversations.id AND NOT handled AND d.state IN ('failed', 'undelivered', 'expired', 'unknown')
			AND (d.state <> 'unknown' OR d.next_at = 0) AND d.purpose <> 'bot')`, "id = $1", id)
}

// SetHandled says that a person has dealt with a delivery's failure.
func (tx *Tx) SetHandled(d bridge.Delivery) error {
	if _, err := tx.exec("UPDATE deliveries SET handled = TRUE, rev = $2 WHERE id = $1", d.ID, tx.rev); err != nil {
		return err
	}
	return tx.countFailures(d.Conversation)
}

// Deliveries lists deliveries in a state (empty: all), the newest first.
func (tx *Tx) Deliveries(s bridge.DeliveryState, limit int) ([]bridge.Delivery, error) {
	q, args := "SELECT "+deliveryColumns+" FROM deliveries", []any{}
	if s != "" {
		q, args = q+" WHERE state = $1", append(args, s)
	}
	return list(tx, scanDelivery, q+" ORDER BY id DESC LIMIT "+strconv.Itoa(limit), args...)
}

// Backlog is how the outbox stands.
type Backlog struct {
	// States counts the deliveries that are not settled, and those settled since
	// the time that was asked for.
	States map[bridge.DeliveryState]int64
	Oldest time.Time // of the queued ones; zero if none
}

// Backlog measures the outbox for the metrics.
func (tx *Tx) Backlog(since time.Time) (Backlog, error) {
	type count struct {
		state  bridge.DeliveryState
		n      int64
		oldest int64
	}
	counts, err := list(tx, func(s scanner) (c count, err error) { return c, s.Scan(&c.state, &c.n, &c.oldest) }, `
		SELECT state, COUNT(*), MIN(created_at) FROM deliveries WHERE state = 'queued' GROUP BY state
		UNION ALL
		SELECT state, COUNT(*), 0 FROM deliveries WHERE state IN ('sending', 'unknown') GROUP BY state
		UNION ALL
		SELECT state, COUNT(*), 0 FROM deliveries WHERE created_at >= $1 AND state NOT IN ('queued', 'sending', 'unknown') GROUP BY state`, millis(since))
	b := Backlog{States: map[bridge.DeliveryState]int64{}}
	for _, c := range counts {
		b.States[c.state] = c.n
		if c.state == bridge.Queued {
			b.Oldest = moment(c.oldest)
		}
	}
	return b, err
}
