// Package receptionist understands AI receptionists: whose signature a webhook has,
// and what the payloads of several of them say of a call, each brought to one
// bridge.Handoff. It also tells a receptionist of messages; see Hook.
//
// Everything in a payload is what a stranger said on a telephone, heard by a program.
// So text is cleaned and bounded, numbers are parsed, links are https or nothing, and
// what is not understood is an error that names its field.
package receptionist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
)

// MaxBody is the largest payload that is read, in bytes. An hour's call with the times
// of each word is about one megabyte.
const MaxBody = 3 << 19

// A Provider is a receptionist whose payloads are understood.
type Provider struct {
	Name string
	// Verify checks who sent a payload.
	Verify Verifier
	// Decode reads a payload. ok is false for one that says nothing of a call that has
	// ended, such as that one begins: it is acknowledged and not kept.
	Decode func(body []byte) (h bridge.Handoff, ok bool, err error)
}

// reader collects the first thing that is wrong with a payload. What a vendor's product
// writes nobody can mend, and to refuse it would lose the call: cut shortens what is too
// long, and leaves out a link that nobody should open. The payload itself is kept.
type reader struct {
	err error
	cut bool
}

func (r *reader) wrong(field, problem string) {
	if r.err == nil {
		r.err = &bridge.Invalid{Field: field, Problem: problem}
	}
}

// text cleans what was said and bounds it, in characters.
func (r *reader) text(field, s string, most int) string {
	s = strings.TrimSpace(bridge.CleanText(s))
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	if !r.cut {
		r.wrong(field, fmt.Sprintf("It has more than %d characters", most))
	}
	return first(s, most-1) + "…"
}

// first gives the first characters of a text.
func first(s string, most int) string {
	for i := range s {
		if most--; most < 0 {
			return s[:i]
		}
	}
	return s
}

// word is a text of one line.
func (r *reader) word(field, s string) string {
	return strings.Join(strings.Fields(r.text(field, s, word200)), " ")
}

// caller reads a caller's number; a withheld one is empty.
func (r *reader) caller(field, s string) string {
	p, err := bridge.ParseCaller(s)
	if err != nil {
		r.wrong(field, "This is no phone number with its country code, such as +14155550134; for a withheld one say anonymous")
	}
	return string(p)
}

// link reads an address that people may open.
func (r *reader) link(field, s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err == nil && u.Scheme == "https" && u.Host != "" && len(s) <= 2000 {
		return s
	}
	if !r.cut {
		r.wrong(field, "This is no https address")
	}
	return ""
}

// id reads what names a call.
func (r *reader) id(field, s string) string {
	if s == "" || len(s) > 200 || strings.ContainsFunc(s, func(c rune) bool { return c < 0x21 || c > 0x7e }) {
		r.wrong(field, "Each call needs an id of 1 to 200 printable characters")
	}
	return s
}

// year9999 is the end of what JSON and people can write of a time, in Unix milliseconds.
const year9999 = 253402300800000

// moment is a time that a payload gives in Unix milliseconds; zero where it gives none.
func moment(ms float64) time.Time {
	if ms < 1 || ms >= year9999 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// when reads a time that a payload gives in words; zero stays zero.
func (r *reader) when(field string, t time.Time) time.Time {
	if t = t.UTC(); !t.IsZero() && (t.Year() < 1970 || t.Year() > 9999) {
		r.wrong(field, "This is no time of a call")
	}
	return t
}

// turns cleans a transcript. Empty turns say nothing and are left out.
func (r *reader) turns(field string, in []bridge.Turn) []bridge.Turn {
	if len(in) > bridge.MaxTurns {
		r.wrong(field, fmt.Sprintf("It has %d turns; the most is %d", len(in), bridge.MaxTurns))
		return nil
	}
	out := make([]bridge.Turn, 0, len(in))
	for i, t := range in {
		t.Text = r.text(field+"["+strconv.Itoa(i)+"].text", t.Text, bridge.MaxBody)
		if t.Text != "" {
			out = append(out, t)
		}
	}
	return out
}

// known are the names under which receptionists are mostly told to note things, in
// lower case without separators.
var known = map[string][]string{
	"name":     {"name", "callername", "customername", "fullname", "contactname", "username"},
	"email":    {"email", "emailaddress", "customeremail", "calleremail"},
	"intent":   {"intent", "reason", "callreason", "reasonforcall", "issue", "problem", "servicetype", "service"},
	"urgency":  {"urgency", "priority", "isurgent", "urgent", "emergency", "isemergency"},
	"callback": {"callbacknumber", "callback", "callbackphone", "phone", "phonenumber", "bestnumber"},
	"summary":  {"summary", "callsummary"},
}

func plain(label string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c == '-' || c == ' ' || c == '.' {
			return -1
		}
		return c
	}, strings.ToLower(label))
}

// word200 is what fits a place of one line, see word.
const word200 = 200

// found sorts what a receptionist noted under names of its owner's choice: what is
// known has its place, the rest are facts. Nothing that it noted already is replaced.
func (r *reader) found(field string, h *bridge.Handoff, noted map[string]any) {
	keys := make([]string, 0, len(noted))
	for k := range noted {
		keys = append(keys, k)
	}
	slices.Sort(keys) // the same facts in the same order, whenever they come
	own := h.Urgency  // what was said outright holds over what was noted
	for _, k := range keys {
		value := r.text(field+"."+first(k, 60), said(noted[k]), 2000)
		if value == "" {
			continue
		}
		is := func(what string) bool { return slices.Contains(known[what], plain(k)) }
		set := func(to *string) bool {
			if *to == "" && (to == &h.Summary || utf8.RuneCountInString(value) <= word200) {
				*to = value
			}
			return *to == value
		}
		switch {
		case is("name") && set(&h.Name), is("email") && set(&h.Email), is("intent") && set(&h.Intent), is("summary") && set(&h.Summary):
			continue
		case is("callback") && len(digit.FindAllString(value, 5)) == 5 && set(&h.Callback): // not "yes"
			continue
		case is("urgency") && own == "" && bridge.ParseUrgency(value) != "":
			h.Urgency = more(h.Urgency, urgency(k, value))
			continue
		}
		f := bridge.Fact{Label: label(k), Value: value}
		known := slices.ContainsFunc(h.Facts, func(o bridge.Fact) bool { return o.Label == f.Label })
		if !known && len(h.Facts) < bridge.MaxFacts {
			h.Facts = append(h.Facts, f)
		}
	}
}

var digit = regexp.MustCompile("[0-9]")

// urgency is how much a matter presses that was noted under a name.
func urgency(name, value string) bridge.Urgency {
	u := bridge.ParseUrgency(value)
	if name = plain(name); name != "emergency" && name != "isemergency" {
		return u
	}
	if u.Urgent() {
		return bridge.Emergency
	}
	return bridge.NormalUrgency
}

// more gives the greater urgency: no emergency, but urgent, is urgent.
func more(a, b bridge.Urgency) bridge.Urgency {
	if slices.Index(bridge.Urgencies[:], b) > slices.Index(bridge.Urgencies[:], a) {
		return b
	}
	return a
}

// said is a value of JSON as people would write it.
func said(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	if err := e.Encode(v); err != nil {
		return ""
	}
	return b.String()
}

// label makes "best_time" into "Best time".
func label(key string) string {
	s := strings.Join(strings.FieldsFunc(bridge.CleanText(key), func(c rune) bool { return c == '_' || c == ' ' }), " ")
	if r, n := utf8.DecodeRuneInString(s); n > 0 {
		s = strings.ToUpper(string(r)) + s[n:]
	}
	return first(s, 60)
}

// finish bounds what every payload has, and gives what is wrong.
func (r *reader) finish(h *bridge.Handoff) (bridge.Handoff, bool, error) {
	h.Name, h.Email, h.Agent = r.word("name", h.Name), r.word("email", h.Email), r.word("agent", h.Agent)
	h.Intent, h.Ended, h.Reason = r.word("intent", h.Intent), r.word("ended", h.Ended), r.word("reason", h.Reason)
	h.Callback = r.word("callback", h.Callback)
	if p, err := bridge.ParsePhone(h.Callback); err == nil {
		h.Callback = string(p)
	}
	h.Summary = r.text("summary", h.Summary, bridge.MaxSummary)
	return *h, r.err == nil, r.err
}

// unmarshal reads JSON of which only some is known. What has the wrong type is named.
func unmarshal(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			return &bridge.Invalid{Field: "body", Problem: "There is more after the end of the JSON"}
		}
		return nil
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return &bridge.Invalid{Field: field(kind.Field), Problem: "It is of the wrong type: " + kind.Value}
	}
	return &bridge.Invalid{Field: "body", Problem: "This is no JSON"}
}

func field(s string) string {
	if s == "" {
		return "body"
	}
	return s
}
