// Package thread says which record an inbound message is about, and why.
package thread

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"porchlight/bridge"
)

// A Candidate is a record that a contact's message may be about, with what speaks
// for it.
type Candidate struct {
	bridge.Record
	// WroteAt is when the team last wrote to the contact about it; zero: not lately.
	WroteAt time.Time
	// CorrectedAt is when somebody of the team said that the contact's messages are
	// about it; zero: nobody did.
	CorrectedAt time.Time
}

// Window is how long after the team wrote about a record an answer is taken to be
// about it too. Customers answer late, but a month later they mean something else.
const Window = 14 * 24 * time.Hour

// Match gives the record that a message is about and the reason in words; the
// zero record means that nothing speaks for any. In this order: the record that
// the message names with #, what somebody of the team said last, what the team
// last wrote about, and the words of the titles.
func Match(body string, all []Candidate, now time.Time) (bridge.RecordID, string) {
	if c, ok := named(body, all); ok {
		return c.ID, "the message names " + c.Short()
	}
	if c, ok := latest(all, now); ok {
		if c.CorrectedAt.After(c.WroteAt) {
			return c.ID, "a colleague said so of their last message"
		}
		return c.ID, "the team wrote about it " + before(now.Sub(c.WroteAt))
	}
	if c, words := alike(body, all); len(words) > 0 {
		return c.ID, "it speaks of " + strings.Join(words, ", ")
	}
	return 0, ""
}

// named finds the only record whose reference stands in the body after a #.
func named(body string, all []Candidate) (found Candidate, ok bool) {
	lower := strings.ToLower(body)
	for _, c := range all {
		if !mentions(lower, "#"+strings.ToLower(c.Reference)) {
			continue
		}
		if ok {
			return Candidate{}, false // a job and a quote of one number: nobody knows
		}
		found, ok = c, true
	}
	return found, ok
}

// mentions reports whether ref stands in body as a whole: #104 is not in #1042.
func mentions(body, ref string) bool {
	for from := 0; len(ref) > 1; {
		i := strings.Index(body[from:], ref)
		if i < 0 {
			return false
		}
		from += i + len(ref)
		next, _ := utf8.DecodeRuneInString(body[from:])
		if from == len(body) || !unicode.IsLetter(next) && !unicode.IsDigit(next) {
			return true
		}
	}
	return false
}

// latest finds the record that somebody wrote about or chose last, in the window.
func latest(all []Candidate, now time.Time) (found Candidate, ok bool) {
	var best time.Time
	for _, c := range all {
		at := c.WroteAt
		if c.CorrectedAt.After(at) {
			at = c.CorrectedAt
		}
		if at.IsZero() || now.Sub(at) > Window || !at.After(best) {
			continue
		}
		best, found, ok = at, c, true
	}
	return found, ok
}

// alike finds the record whose title shares the most words with the body. Two that
// share as many say nothing.
func alike(body string, all []Candidate) (found Candidate, shared []string) {
	have, tie := words(body), false
	for _, c := range all {
		var both []string
		for _, w := range words(c.Title) {
			if slices.Contains(have, w) && !slices.Contains(both, w) {
				both = append(both, w)
			}
		}
		switch {
		case len(both) > len(shared):
			found, shared, tie = c, both, false
		case len(both) == len(shared):
			tie = true
		}
	}
	if tie {
		return Candidate{}, nil
	}
	return found, shared
}

// common words say nothing about a record.
const common = " about after again also been before could does done from have into just like more much need please still than thanks that them then there they this today tomorrow very want week were what when where which will with would your "

// words are those of a text that can tell one record from another, in lower case.
func words(text string) (out []string) {
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if utf8.RuneCountInString(w) >= 4 && !strings.Contains(common, " "+w+" ") {
			out = append(out, w)
		}
	}
	return out
}

// before prints how long before a message something was, in one unit. It is kept with
// the message and read by the whole team later on, so it is not told from today.
func before(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / unit.of); n == 1 {
			return "1 " + unit.name + " before"
		} else if n > 1 {
			return fmt.Sprintf("%d %ss before", n, unit.name)
		}
	}
	return "just before"
}
