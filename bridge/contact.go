package bridge

import (
	"strings"
	"time"
	"unicode"
)

// ContactID names a Contact in the store.
type ContactID int64

// A Contact is a person outside the team.
type Contact struct {
	ID ContactID
	// Name is empty while nobody has given one; Title then shows the number.
	Name      string
	CreatedAt time.Time
	Addresses []Address
}

// Title is what to call the contact on a page: the name, or the first address.
func (c Contact) Title() string {
	if c.Name != "" {
		return c.Name
	}
	for _, a := range c.Addresses {
		return a.Pretty()
	}
	return "Unknown sender"
}

// Initials gives up to two letters for an avatar, and nothing for a name that
// starts with no letter, such as a phone number.
func Initials(name string) string {
	out := ""
	for w := range strings.FieldsSeq(name) {
		r := []rune(w)[0]
		if !unicode.IsLetter(r) {
			continue
		}
		out += string(unicode.ToUpper(r))
		if len([]rune(out)) == 2 {
			break
		}
	}
	return out
}

// AnswerTo is the address that a text to the contact goes to: the one they last
// wrote from, or else their first number that takes texts. The zero Address means
// that they have none.
func (c Contact) AnswerTo(last string) Address {
	var first Address
	for _, a := range c.Addresses {
		switch {
		case a.Channel != SMS:
		case a.Value == last:
			return a
		case first.Value == "" || !first.Answerable && a.Answerable:
			first = a
		}
	}
	return first
}
