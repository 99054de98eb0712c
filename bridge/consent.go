package bridge

import (
	"strings"
	"unicode"
)

// A Keyword is what a text message asks of consent.
type Keyword string

const (
	NoKeyword Keyword = ""
	Stop      Keyword = "STOP"
	Start     Keyword = "START"
	Help      Keyword = "HELP"
)

// ParseKeyword reads the words that carriers and 47 CFR 64.1200(a)(10) treat as
// consent, only where they are the whole message: "can you stop by at 5?" is a
// question. YES opts in only somebody who is opted out, so the caller must ask
// for it with optedOut.
func ParseKeyword(body string, optedOut bool) Keyword {
	if len(body) > 40 {
		return NoKeyword
	}
	word := strings.Join(strings.FieldsFunc(strings.ToLower(body), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), "")
	switch word {
	case "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout":
		return Stop
	case "start", "unstop":
		return Start
	case "yes":
		if optedOut {
			return Start
		}
	case "help", "info":
		return Help
	}
	return NoKeyword
}
