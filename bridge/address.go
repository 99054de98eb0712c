package bridge

import (
	"log/slog"
	"strings"
)

// A Channel is the way a message travels.
type Channel string

const (
	SMS    Channel = "sms"
	Email  Channel = "email"
	Portal Channel = "portal"
	Inbox  Channel = "inbox"
	Voice  Channel = "voice"
	// Webhook carries what a program is told, such as the AI receptionist; no message
	// stands in it.
	Webhook Channel = "webhook"
)

// Valid reports whether c is one of the channels above.
func (c Channel) Valid() bool {
	switch c {
	case SMS, Email, Portal, Inbox, Voice:
		return true
	}
	return false
}

// A Phone is a telephone number in E.164: a plus and 8 to 15 digits. It is made
// only by ParsePhone.
type Phone string

// ParsePhone accepts E.164, also with the spaces, dots, dashes and brackets that
// people write. A number without its country code is refused: guessing one would
// text a stranger.
func ParsePhone(s string) (Phone, error) {
	var b strings.Builder
	for i, r := range strings.TrimSpace(s) {
		switch {
		case r == '+' && i == 0, r >= '0' && r <= '9':
			b.WriteRune(r)
		case strings.ContainsRune(" .-()\u00a0", r):
		default:
			return "", &Invalid{"phone", "write the number with its country code, such as +1 415 555 0134"}
		}
	}
	p := b.String()
	if len(p) < 9 || len(p) > 16 || p[0] != '+' || p[1] == '0' {
		return "", &Invalid{"phone", "write the number with its country code, such as +1 415 555 0134"}
	}
	return Phone(p), nil
}

// Pretty groups a North American number as people write it and leaves others
// as they are.
func (p Phone) Pretty() string { return PrettyAddress(string(p)) }

// LogValue masks all but the last four digits, so that a log holds no addresses.
func (p Phone) LogValue() slog.Value { return slog.StringValue(MaskAddress(string(p))) }

// PrettyAddress is Phone.Pretty for a value that may also be a short code, an
// alphanumeric sender or an email address.
func PrettyAddress(s string) string {
	if len(s) == 12 && strings.HasPrefix(s, "+1") {
		return s[:2] + " " + s[2:5] + " " + s[5:8] + " " + s[8:]
	}
	return s
}

// MaskAddress keeps the last four characters of a phone number, and the first
// character and the domain of an email address.
func MaskAddress(s string) string {
	if at := strings.LastIndexByte(s, '@'); at > 0 {
		return s[:1] + "•••" + s[at:]
	}
	if len(s) <= 4 {
		return "•••"
	}
	return "•••" + s[len(s)-4:]
}

// AddressID names an Address in the store.
type AddressID int64

// An Address is one place where a contact can be reached. Value is E.164 for a
// phone, lower case for an email, and what the carrier said for anything else
// (a short code, an alphanumeric sender).
type Address struct {
	ID      AddressID
	Contact ContactID
	Channel Channel // SMS or Email
	Value   string
	// Answerable is false where no text can be sent back: short codes,
	// alphanumeric senders and numbers without a country code.
	Answerable bool
	// Problem is the sentence of the last permanent failure to this address,
	// such as "Landline: it cannot receive texts"; empty while it works.
	Problem string
	// OptedOut is true after STOP and before START.
	OptedOut bool
}

// Pretty is the value as people write it.
func (a Address) Pretty() string { return PrettyAddress(a.Value) }
