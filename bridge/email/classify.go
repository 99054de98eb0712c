package email

import (
	"errors"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"

	gomail "github.com/wneessen/go-mail"
)

// mendTime is the wait where a person has to mend the settings first.
const mendTime = time.Minute

// classify says what a failed send means. A server has taken a mail when it
// answers 250 to the dot at the end, RFC 5321 section 4.2.5; so all that breaks
// before the dot was not sent, and what breaks while the answer to the dot is
// awaited is known to nobody.
func classify(err error) bridge.Outcome {
	o := bridge.Outcome{Kind: bridge.Retry, Code: CodeConnect, Detail: detail(err)}
	var e *gomail.SendError
	if !errors.As(err, &e) {
		return o
	}
	number := e.ErrorCode()
	if number != 0 {
		o.Code = strconv.Itoa(number)
		if fine := e.EnhancedStatusCode(); fine != "" && fine[0] == o.Code[0] {
			o.Code = fine
		}
	}
	switch {
	case number == 530 || number == 534 || number == 535 || number == 538:
		// Nothing is wrong with the mail: it waits until somebody has mended the
		// login, or expires.
		o.Code, o.RetryAfter = CodeAuth, mendTime
	case number == 0 && e.Reason == gomail.ErrSMTPDataClose:
		o.Kind, o.Code = bridge.Lost, CodeLost
	case number == 0 && (e.Reason == gomail.ErrGetSender || e.Reason == gomail.ErrGetRcpts || e.Reason == gomail.ErrNoUnencoded):
		o.Kind, o.Code = bridge.Refused, CodeCompose
	case number >= 500:
		o.Kind = bridge.Refused
	}
	return o
}

// classifyDial says what it means that there was no connection: the mail waits.
func classifyDial(err error) bridge.Outcome {
	o := bridge.Outcome{Kind: bridge.Retry, Code: CodeConnect, Detail: detail(err)}
	var e *dialError
	switch {
	case errors.Is(err, errBusy):
		o.Code = CodeBusy
	case errors.As(err, &e):
		o.Code = e.code
	}
	if o.Code == CodeAuth || o.Code == CodeTLS {
		o.RetryAfter = mendTime
	}
	return o
}

// dialCode tells a login and a certificate, which a person has to mend, from a
// server that is just not there. go-mail has no types for the difference.
func dialCode(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "SMTP AUTH"), errors.Is(err, gomail.ErrNoSupportedAuthDiscovered):
		return CodeAuth
	case strings.Contains(text, "STARTTLS"), strings.Contains(text, "tls:"), strings.Contains(text, "x509:"):
		return CodeTLS
	}
	return CodeConnect
}

// reusable reports whether the connection is in a known state after err: the
// server has answered, and has not said that it hangs up.
func reusable(err error) bool {
	var e *gomail.SendError
	return errors.As(err, &e) && e.ErrorCode() != 0 && e.ErrorCode() != 421
}

// stale reports whether a connection that had waited was found closed before
// the mail was handed over, so that another may be tried at once.
func stale(err error) bool {
	var e *gomail.SendError
	if !errors.As(err, &e) || e.ErrorCode() != 0 && e.ErrorCode() != 421 {
		return false
	}
	switch e.Reason {
	case gomail.ErrConnCheck, gomail.ErrSMTPMailFrom, gomail.ErrSMTPRcptTo, gomail.ErrSMTPData:
		return true
	}
	return false
}

var (
	anAddress = regexp.MustCompile(`[^\s<>:,;@]+@[^\s<>:,;@]+`)
	// What go-mail adds to the server's words: whom it concerned.
	affected = regexp.MustCompile(`(?s), affected (recipient|message).*`)
)

// maxDetail is how much of a server's words is kept, in bytes.
const maxDetail = 300

// detail is an error for the log.
func detail(err error) string {
	text := affected.ReplaceAllString(err.Error(), "")
	if e := (*textproto.Error)(nil); errors.As(err, &e) {
		text = e.Error()
	}
	return masked(text)
}

// masked is a server's answer on one line, without the addresses that servers like
// to repeat.
func masked(text string) string {
	text = strings.Join(strings.Fields(anAddress.ReplaceAllStringFunc(text, bridge.MaskAddress)), " ")
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	return text
}
