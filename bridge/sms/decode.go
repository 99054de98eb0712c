package sms

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"porchlight/bridge"
)

// MaxMedia is how many files Twilio puts in one message.
const MaxMedia = 10

var sidPattern = regexp.MustCompile(`^(SM|MM)[0-9a-f]{32}$`)

// DecodeInbound reads Twilio's form of an inbound message whose signature was
// verified. Raw and At are left to the caller: Twilio gives no time. Unknown
// names are ignored, since Twilio adds some without notice; a repeated one
// that matters is refused, as the signature does not tell which came first.
// Errors are *bridge.Invalid with Twilio's name of the field.
func DecodeInbound(form url.Values, accountSID string) (bridge.Inbound, error) {
	f := fields{form: form}
	in := bridge.Inbound{
		Channel:   bridge.SMS,
		CarrierID: f.sid(),
		From:      f.address("From"),
		To:        f.address("To"),
		Body:      bridge.CleanText(f.optional("Body")), // an MMS may come without one
		Keyword:   readOptOut(f.optional("OptOutType")),
	}
	if f.required("AccountSid") != accountSID {
		f.refuse("AccountSid", "belongs to another account")
	}
	in.Media = f.media()
	if f.err != nil {
		return bridge.Inbound{}, f.err
	}
	return in, nil
}

// DecodeStatus reads a status callback. The token comes from our own address;
// it may be empty when the callback is configured elsewhere. At and Raw are
// left to the caller.
func DecodeStatus(form url.Values, token string) (bridge.Receipt, error) {
	f := fields{form: form}
	r := bridge.Receipt{
		Token:     token,
		CarrierID: f.sid(),
		Status:    strings.ToLower(f.required("MessageStatus")),
		Code:      f.optional("ErrorCode"),
		DoneAt:    f.optional("RawDlrDoneDate"),
	}
	if r.Code == "0" {
		r.Code = ""
	}
	switch {
	case len(token) > 128:
		f.refuse("d", "is too long")
	case len(r.Status) > 40:
		f.refuse("MessageStatus", "is too long")
	case len(r.Code) > 10 || strings.Trim(r.Code, "0123456789") != "":
		f.refuse("ErrorCode", "is not a number")
	case len(r.DoneAt) > 40:
		f.refuse("RawDlrDoneDate", "is too long")
	}
	if f.err != nil {
		return bridge.Receipt{}, f.err
	}
	return r, nil
}

// Answerable reports whether a text can be sent back: only to a whole number
// with its country code. Short codes, names and other networks' addresses
// cannot be answered.
func Answerable(from string) bool {
	p, err := bridge.ParsePhone(from)
	return err == nil && string(p) == from
}

func readOptOut(s string) bridge.Keyword {
	switch k := bridge.Keyword(strings.ToUpper(s)); k {
	case bridge.Stop, bridge.Start, bridge.Help:
		return k
	}
	return bridge.NoKeyword
}

// fields reads a form and keeps the first thing that is wrong with it.
type fields struct {
	form url.Values
	err  error
}

func (f *fields) refuse(field, problem string) {
	if f.err == nil {
		f.err = &bridge.Invalid{Field: field, Problem: problem}
	}
}

func (f *fields) optional(name string) string {
	switch v := f.form[name]; len(v) {
	case 0:
		return ""
	case 1:
		return v[0]
	}
	f.refuse(name, "was given more than once")
	return ""
}

func (f *fields) required(name string) string {
	v := f.optional(name)
	if v == "" {
		f.refuse(name, "is missing")
	}
	return v
}

func (f *fields) sid() string {
	v := f.required("MessageSid")
	if !sidPattern.MatchString(v) {
		f.refuse("MessageSid", "is not a message id")
	}
	return v
}

func (f *fields) address(name string) string {
	v := f.required(name)
	if len(v) > 200 || strings.ContainsFunc(v, unicode.IsControl) || strings.ToValidUTF8(v, "") != v {
		f.refuse(name, "is not an address")
	}
	return v
}

// media skips an index without an address: the text is worth more than a file
// that cannot be fetched.
func (f *fields) media() []bridge.Media {
	v := f.optional("NumMedia")
	if v == "" {
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		f.refuse("NumMedia", "is not a number")
		return nil
	}
	var media []bridge.Media
	for i := range min(n, MaxMedia) {
		at := strconv.Itoa(i)
		m := bridge.Media{URL: f.optional("MediaUrl" + at), ContentType: f.optional("MediaContentType" + at)}
		if m.URL != "" {
			media = append(media, m)
		}
	}
	return media
}
