package bridge

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// ContactID names a Contact in the store.
type ContactID int64

// A Side says what a contact is to the business.
type Side string

const (
	Customer      Side = "customer"
	Tenant        Side = "tenant"
	PropertyOwner Side = "owner"
	ServicePro    Side = "service_pro"
	Handyman      Side = "handyman" // a partner's
)

// Sides lists every side.
var Sides = [...]Side{Customer, Tenant, PropertyOwner, ServicePro, Handyman}

// ParseSide accepts the values of Sides; empty is Customer.
func ParseSide(s string) (Side, error) {
	side := Side(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), " ", "_"))
	if side == "" {
		return Customer, nil
	}
	if !slices.Contains(Sides[:], side) {
		return "", &Invalid{"side", "choose one of customer, tenant, owner, service_pro, handyman"}
	}
	return side, nil
}

// Title is the side in words.
func (s Side) Title() string {
	switch s {
	case Tenant:
		return "Tenant"
	case PropertyOwner:
		return "Owner"
	case ServicePro:
		return "Service pro"
	case Handyman:
		return "Handyman"
	case Customer:
	}
	return "Customer"
}

// HasStatus reports whether people of the side say that they are available or busy.
func (s Side) HasStatus() bool { return s == ServicePro || s == Handyman }

// Subcontractor reports whether people of the side work for the business, so that a
// customer's conversation takes them only where that is permitted.
func (s Side) Subcontractor() bool { return s == ServicePro || s == Handyman }

// A Contact is a person outside the team.
type Contact struct {
	ID ContactID
	// Name is empty while nobody has given one; Title then shows the number.
	Name    string
	Company string
	Side    Side
	// External is the CRM's own id; empty: none.
	External string
	// Zone is the IANA time zone they live in; empty: the business's.
	Zone string
	// Busy is what service pros and handymen say of themselves.
	Busy bool
	// Language is theirs for the portal and mails, such as "es"; empty: the business's.
	Language string
	// Told is how they want to hear of messages.
	Told Told
	// InvitedAt is when they were last invited, ConnectedAt when they accepted or
	// first came by a magic link; zero: not yet.
	InvitedAt, ConnectedAt time.Time
	// MergedInto is the contact that this one turned out to be; 0: it stands alone.
	MergedInto ContactID
	CreatedAt  time.Time
	Addresses  []Address
}

// Connected reports whether the contact has come in by an invitation or a link.
func (c Contact) Connected() bool { return !c.ConnectedAt.IsZero() }

// Actor is the contact as Decide knows actors.
func (c Contact) Actor() Actor {
	return Actor{Kind: ByContact, ID: int64(c.ID), Name: c.Title(), Side: c.Side, Active: c.MergedInto == 0, Connected: c.Connected()}
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

// Languages are those that the portal and mails speak; the first is the default.
var Languages = [...]string{"en", "es"}
