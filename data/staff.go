package data

import (
	"errors"
	"time"

	"porchlight/bridge"
)

const staffColumns = "id, name, email, phone, role, active, password = '', created_at"

func scanStaff(s scanner) (p bridge.Staff, err error) {
	var at int64
	err = s.Scan(&p.ID, &p.Name, &p.Email, &p.Phone, &p.Role, &p.Active, &p.Invited, &at)
	p.CreatedAt = moment(at)
	return p, err
}

// AddStaff stores a member of staff. password is an argon2id PHC string, or empty
// for somebody who is invited and chooses one later. A taken
// email is bridge.ErrDuplicate.
func (tx *Tx) AddStaff(p bridge.Staff, password string, now time.Time) (bridge.Staff, error) {
	p.Active, p.Invited, p.CreatedAt = true, password == "", now
	ids, err := list(tx, scanID[bridge.StaffID], `
		INSERT INTO staff (name, email, role, password, active, created_at) VALUES ($1, $2, $3, $4, TRUE, $5)
		ON CONFLICT (email) DO NOTHING RETURNING id`,
		p.Name, p.Email, p.Role, password, millis(now))
	if err == nil && len(ids) == 0 {
		err = bridge.ErrDuplicate
	}
	if err != nil {
		return p, err
	}
	p.ID = ids[0]
	// Whoever joins is in the team's common chat, by whatever door they come.
	_, err = tx.exec("INSERT INTO participants (conversation_id, staff_id, added_at) SELECT id, CAST($1 AS BIGINT), CAST($2 AS BIGINT) FROM conversations WHERE about = 'team'", p.ID, millis(now))
	return p, err
}

// Staff lists the whole team, also who has left, by name.
func (tx *Tx) Staff() ([]bridge.Staff, error) {
	return list(tx, scanStaff, "SELECT "+staffColumns+" FROM staff ORDER BY name, id")
}

// StaffMember finds one of the team.
func (tx *Tx) StaffMember(id bridge.StaffID) (bridge.Staff, error) {
	return one(tx, scanStaff, "SELECT "+staffColumns+" FROM staff WHERE id = $1", id)
}

// StaffByPhone finds whose phone a number is. While only one of the team is active,
// every phone on duty is theirs, but for those of people who left.
func (tx *Tx) StaffByPhone(phone string) (bridge.Staff, error) {
	who, err := one(tx, scanStaff, "SELECT "+staffColumns+" FROM staff WHERE phone = $1 AND phone <> '' AND active", phone)
	if !errors.Is(err, bridge.ErrNotFound) {
		return who, err
	}
	return one(tx, scanStaff, "SELECT "+staffColumns+` FROM staff s
		WHERE active AND phone = '' AND NOT EXISTS (SELECT 1 FROM staff o WHERE o.id <> s.id AND (o.active OR o.phone = $1))`, phone)
}

// LeftWith reports whether a number is the phone of somebody whose account is switched
// off.
func (tx *Tx) LeftWith(phone string) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM staff WHERE phone = $1 AND phone <> '' AND NOT active", phone)
	return n > 0, err
}

// SetStaffPhone keeps whose phone a number is; empty takes it away. Where it is a
// colleague's, it is bridge.ErrDuplicate.
func (tx *Tx) SetStaffPhone(id bridge.StaffID, phone bridge.Phone) error {
	n, err := tx.exec(`
		UPDATE staff SET phone = $2 WHERE id = $1 AND ($2 = '' OR NOT EXISTS (SELECT 1 FROM staff o WHERE o.phone = $2 AND o.id <> $1))`, id, string(phone))
	if err == nil && n == 0 {
		return bridge.ErrDuplicate
	}
	return err
}

// StaffByEmail finds one of the team with the stored password hash.
func (tx *Tx) StaffByEmail(email string) (p bridge.Staff, password string, err error) {
	p, err = one(tx, scanStaff, "SELECT "+staffColumns+" FROM staff WHERE email = $1", email)
	if err != nil {
		return p, "", err
	}
	return p, password, tx.row("SELECT password FROM staff WHERE id = $1", p.ID).Scan(&password)
}

// SetPassword replaces a password hash and ends the person's sessions.
func (tx *Tx) SetPassword(id bridge.StaffID, password string) error {
	_, err := tx.exec("UPDATE staff SET password = $2 WHERE id = $1", id, password)
	return err
}

// AddKey stores the SHA-256 of an API key.
func (tx *Tx) AddKey(id bridge.StaffID, hash string, now time.Time) error {
	_, err := tx.exec("INSERT INTO api_keys (staff_id, hash, created_at) VALUES ($1, $2, $3)", id, hash, millis(now))
	return err
}

// StaffByKey finds whose API key has this SHA-256.
func (tx *Tx) StaffByKey(hash string) (bridge.Staff, error) {
	return one(tx, scanStaff, "SELECT "+staffColumns+" FROM staff WHERE id = (SELECT staff_id FROM api_keys WHERE hash = $1)", hash)
}

// Keys lists the API keys of the whole team, each person's the oldest first.
func (tx *Tx) Keys() ([]bridge.APIKey, error) {
	return list(tx, scanKey, "SELECT id, staff_id, created_at FROM api_keys ORDER BY staff_id, id")
}

// Key finds an API key.
func (tx *Tx) Key(id int64) (bridge.APIKey, error) {
	return one(tx, scanKey, "SELECT id, staff_id, created_at FROM api_keys WHERE id = $1", id)
}

func scanKey(s scanner) (k bridge.APIKey, err error) {
	var at int64
	err = s.Scan(&k.ID, &k.Staff, &at)
	k.CreatedAt = moment(at)
	return k, err
}

// EndKey ends an API key at once.
func (tx *Tx) EndKey(id int64) error {
	_, err := tx.exec("DELETE FROM api_keys WHERE id = $1", id)
	return err
}

// Password gives a person's password hash.
func (tx *Tx) Password(id bridge.StaffID) (hash string, err error) {
	return one(tx, func(s scanner) (h string, err error) { return h, s.Scan(&h) }, "SELECT password FROM staff WHERE id = $1", id)
}

// PutStaff stores what may be changed of a member of staff. Who must not sign in
// any more has no sessions that count: each request asks for the account.
func (tx *Tx) PutStaff(p bridge.Staff) error {
	_, err := tx.exec("UPDATE staff SET name = $2, role = $3, active = $4, rev = $5 WHERE id = $1", p.ID, p.Name, p.Role, p.Active, tx.rev)
	return err
}

// AssignedTo gives the conversations that are assigned to somebody, also closed ones:
// a text opens them again.
func (tx *Tx) AssignedTo(id bridge.StaffID) ([]bridge.ConversationID, error) {
	return list(tx, scanID[bridge.ConversationID], "SELECT id FROM conversations WHERE assignee_id = $1 ORDER BY id", id)
}

// OnlyMember gives the conversations that only participants see and in which
// somebody is the only active one of the office; the field does not see by taking
// part.
func (tx *Tx) OnlyMember(id bridge.StaffID) ([]bridge.ConversationID, error) {
	s, err := tx.Settings()
	if err != nil {
		return nil, err
	}
	closed := "''"
	for _, p := range s.Policies {
		if p.SeenBy == bridge.ParticipantsOnly && p.Kind != bridge.KindTeam && p.Kind.Valid() {
			closed += ", '" + string(p.Kind) + "'"
		}
	}
	return list(tx, scanID[bridge.ConversationID], `
		SELECT p.conversation_id FROM participants p JOIN conversations c ON c.id = p.conversation_id
		WHERE p.staff_id = $1 AND p.staff_id <> 0 AND p.left_at = 0 AND c.kind IN (`+closed+`) AND NOT EXISTS (
			SELECT 1 FROM participants o JOIN staff s ON s.id = o.staff_id
			WHERE o.conversation_id = p.conversation_id AND o.staff_id <> $1 AND o.left_at = 0 AND s.active AND s.role NOT IN ('tradie', 'apprentice'))
		ORDER BY p.conversation_id`, id)
}
