package data

import "time"

// Session gives the data of a session that has not ended, or bridge.ErrNotFound.
func (tx *Tx) Session(hash string, now time.Time) ([]byte, error) {
	return one(tx, func(s scanner) (b []byte, err error) { return b, s.Scan(&b) },
		"SELECT data FROM sessions WHERE token = $1 AND expires_at > $2", hash, millis(now))
}

// PutSession stores a session.
func (tx *Tx) PutSession(hash string, data []byte, expires time.Time) error {
	_, err := tx.exec(`
		INSERT INTO sessions (token, data, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`,
		hash, data, millis(expires))
	return err
}

// EndSession forgets a session.
func (tx *Tx) EndSession(hash string) error {
	_, err := tx.exec("DELETE FROM sessions WHERE token = $1", hash)
	return err
}

// EndOldSessions forgets what has ended by itself.
func (tx *Tx) EndOldSessions(now time.Time) error {
	if _, err := tx.exec("DELETE FROM sessions WHERE expires_at <= $1", millis(now)); err != nil {
		return err
	}
	_, err := tx.exec("DELETE FROM tickets WHERE expires_at <= $1", millis(now))
	return err
}

// AddTicket stores the SHA-256 of a one-time link's secret.
func (tx *Tx) AddTicket(hash, purpose string, expires time.Time) error {
	_, err := tx.exec("INSERT INTO tickets (hash, purpose, expires_at) VALUES ($1, $2, $3)", hash, purpose, millis(expires))
	return err
}

// First reports whether a hash is stored for the first time, and stores it until
// expires. It stops a link that works once from working twice.
func (tx *Tx) First(hash, purpose string, expires time.Time) (bool, error) {
	n, err := tx.exec("INSERT INTO tickets (hash, purpose, expires_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING", hash, purpose, millis(expires))
	return n > 0, err
}

// TicketValid reports whether a one-time link still works, without using it.
func (tx *Tx) TicketValid(hash, purpose string, now time.Time) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM tickets WHERE hash = $1 AND purpose = $2 AND expires_at > $3", hash, purpose, millis(now))
	return n > 0, err
}

// UseTicket uses up a one-time link and all others of its purpose. It reports
// whether the link was good.
func (tx *Tx) UseTicket(hash, purpose string, now time.Time) (bool, error) {
	ok, err := tx.TicketValid(hash, purpose, now)
	if err != nil || !ok {
		return false, err
	}
	_, err = tx.exec("DELETE FROM tickets WHERE purpose = $1", purpose)
	return err == nil, err
}

// TicketPurpose gives what a one-time link is for, without using it; one that does
// not work is bridge.ErrNotFound.
func (tx *Tx) TicketPurpose(hash string, now time.Time) (string, error) {
	return one(tx, func(s scanner) (p string, err error) { return p, s.Scan(&p) },
		"SELECT purpose FROM tickets WHERE hash = $1 AND expires_at > $2", hash, millis(now))
}

// MoveTickets makes the one-time links of a purpose ones of another.
func (tx *Tx) MoveTickets(from, to string) error {
	_, err := tx.exec("UPDATE tickets SET purpose = $2 WHERE purpose = $1", from, to)
	return err
}

// EndTickets makes the one-time links of a purpose work no more.
func (tx *Tx) EndTickets(purpose string) error {
	_, err := tx.exec("DELETE FROM tickets WHERE purpose = $1", purpose)
	return err
}
