package data

import (
	"time"

	"porchlight/bridge"
)

const staffColumns = "id, name, email, role, active, created_at"

func scanStaff(s scanner) (p bridge.Staff, err error) {
	var at int64
	err = s.Scan(&p.ID, &p.Name, &p.Email, &p.Role, &p.Active, &at)
	p.CreatedAt = moment(at)
	return p, err
}

// AddStaff stores a member of staff. password is an argon2id PHC string. A taken
// email is bridge.ErrDuplicate.
func (tx *Tx) AddStaff(p bridge.Staff, password string, now time.Time) (bridge.Staff, error) {
	p.Active, p.CreatedAt = true, now
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
	return p, nil
}

// Staff lists the whole team, also who has left, by name.
func (tx *Tx) Staff() ([]bridge.Staff, error) {
	return list(tx, scanStaff, "SELECT "+staffColumns+" FROM staff ORDER BY name, id")
}

// StaffMember finds one of the team.
func (tx *Tx) StaffMember(id bridge.StaffID) (bridge.Staff, error) {
	return one(tx, scanStaff, "SELECT "+staffColumns+" FROM staff WHERE id = $1", id)
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

// Password gives a person's password hash.
func (tx *Tx) Password(id bridge.StaffID) (hash string, err error) {
	return one(tx, func(s scanner) (h string, err error) { return h, s.Scan(&h) }, "SELECT password FROM staff WHERE id = $1", id)
}
