package bridge

import (
	"strings"
	"time"
)

// StaffID names a Staff member in the store.
type StaffID int64

// A Role caps what a member of staff may do, whatever a conversation's kind says.
type Role string

const (
	Owner      Role = "owner"
	Admin      Role = "admin"
	Finance    Role = "finance"
	SoleTrader Role = "sole_trader"
	Supervisor Role = "supervisor"
	Tradie     Role = "tradie"
	Apprentice Role = "apprentice"
)

// Roles lists every role, the strongest first.
var Roles = [...]Role{Owner, Admin, Finance, SoleTrader, Supervisor, Tradie, Apprentice}

// ParseRole accepts the values of Roles.
func ParseRole(s string) (Role, error) {
	for _, r := range Roles {
		if string(r) == strings.ToLower(strings.TrimSpace(s)) {
			return r, nil
		}
	}
	return "", &Invalid{"role", "choose one of owner, admin, finance, sole_trader, supervisor, tradie, apprentice"}
}

// Title is the role in words.
func (r Role) Title() string {
	switch r {
	case Owner:
		return "Owner"
	case Admin:
		return "Office admin"
	case Finance:
		return "Finance"
	case SoleTrader:
		return "Sole trader"
	case Supervisor:
		return "Supervisor"
	case Tradie:
		return "Tradie"
	case Apprentice:
		return "Apprentice"
	}
	return string(r)
}

// SeesAll reports whether the role sees every conversation of the team. The
// others see only what is assigned to them.
func (r Role) SeesAll() bool { return r != Tradie && r != Apprentice }

// Staff is a person in the team.
type Staff struct {
	ID          StaffID
	Name, Email string
	Role        Role
	CreatedAt   time.Time
	// Active is false after the person left; what they wrote stays.
	Active bool
}

// FirstName is the first word of the name.
func (s Staff) FirstName() string {
	first, _, _ := strings.Cut(s.Name, " ")
	return first
}
