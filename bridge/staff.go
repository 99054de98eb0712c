package bridge

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
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

// Office reports whether the role is one of those that run the business: they may
// start and answer conversations (supervisors as the settings say) and see what a
// kind shows to the team. The others, in the field, see what they are assigned to.
func (r Role) Office() bool { return r != Tradie && r != Apprentice }

// Runs reports whether the role decides for the business: its settings and its team.
func (r Role) Runs() bool { return r == Owner || r == Admin || r == SoleTrader }

// Staff is a person in the team.
type Staff struct {
	ID          StaffID
	Name, Email string
	Phone       Phone // their own; empty: not known
	Role        Role
	CreatedAt   time.Time
	// Active is false after the person left; what they wrote stays.
	Active bool
	// Invited is true until the person has chosen a password.
	Invited bool
}

// An APIKey lets a program act as a member of staff. Its secret is shown once, when
// it is made, and not kept.
type APIKey struct {
	ID        int64
	Staff     StaffID
	CreatedAt time.Time
}

// Actor is the member of staff as Decide knows actors.
func (s Staff) Actor() Actor {
	return Actor{Kind: ByStaff, ID: int64(s.ID), Name: s.Name, Role: s.Role, Active: s.Active, Connected: !s.Invited}
}

// FirstName is the first word of the name.
func (s Staff) FirstName() string {
	first, _, _ := strings.Cut(s.Name, " ")
	return first
}

// Mentions finds whom of the team a text mentions: an @ at the start of a word and
// a name, whole or the first name where only one has it. Each is given once.
func Mentions(body string, team []Staff) (out []Staff) {
	lower := strings.ToLower(body)
	for i := range len(lower) {
		if lower[i] != '@' || i > 0 && !strings.ContainsRune(" \n\t(,;:", rune(lower[i-1])) {
			continue
		}
		if who, ok := named(lower[i+1:], team); ok && !slices.ContainsFunc(out, func(s Staff) bool { return s.ID == who.ID }) {
			out = append(out, who)
		}
	}
	return out
}

// named finds the one of the team whose name the text starts with: the longest
// whole name, or else a first name that is only one's.
func named(text string, team []Staff) (found Staff, ok bool) {
	longest, firsts := 0, 0
	var first Staff
	for _, s := range team {
		if n := len(s.Name); s.Active && n > longest && starts(text, strings.ToLower(s.Name)) {
			longest, found, ok = n, s, true
		}
		if s.Active && starts(text, strings.ToLower(s.FirstName())) {
			first, firsts = s, firsts+1
		}
	}
	if !ok && firsts == 1 {
		return first, true
	}
	return found, ok
}

// starts reports whether a text starts with a word or words, whole.
func starts(text, words string) bool {
	rest, ok := strings.CutPrefix(text, words)
	r, _ := utf8.DecodeRuneInString(rest)
	return ok && words != "" && (rest == "" || !unicode.IsLetter(r) && !unicode.IsDigit(r))
}
