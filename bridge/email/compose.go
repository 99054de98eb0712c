package email

import (
	"crypto"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"porchlight/bridge"

	gomail "github.com/wneessen/go-mail"
)

// compose puts a notice into a mail: text and HTML as alternatives, to one person.
// A second recipient would share the first one's refusal.
func (s *SMTP) compose(o bridge.Outgoing) (*gomail.Msg, error) {
	if o.Notice == nil {
		return nil, errors.New("there is nothing to say in the mail")
	}
	letter, err := s.options.Render(*o.Notice)
	if err != nil {
		return nil, fmt.Errorf("put the mail into words: %w", err)
	}
	from := o.From
	if ParseAddress(from) != nil {
		from = s.options.From
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(&mail.Address{Name: oneLine(letter.From), Address: from})
	m.ToMailAddress(&mail.Address{Name: oneLine(o.Notice.To), Address: o.To})
	m.Subject(oneLine(letter.Subject))
	m.SetDateWithValue(s.options.Now())
	s.setHeaders(m, o, domainOf(from))
	m.SetBodyString(gomail.TypeTextPlain, letter.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, letter.HTML)
	if s.key != nil {
		m.SetDKIM(newSigner(*s.options.DKIM, s.key))
	}
	return m, nil
}

// setHeaders says what programs that read mail want to know: which conversation
// it belongs to, that nobody typed it, and how to stop it.
func (s *SMTP) setHeaders(m *gomail.Msg, o bridge.Outgoing, domain string) {
	n := o.Notice
	id := n.ID
	if !plainID(id) { // the same at every attempt all the same
		id = fmt.Sprintf("delivery-%d@%s", o.Delivery, domain)
	}
	m.SetMessageIDWithValue(id)
	if plainID(n.Root) && n.Root != id {
		m.SetGenHeader(gomail.HeaderInReplyTo, "<"+n.Root+">")
		m.SetGenHeader(gomail.HeaderReferences, "<"+n.Root+">")
	}
	if plainID(n.ListID) {
		m.SetGenHeader("List-Id", "<"+n.ListID+">")
	}
	if n.Unsubscribe != "" {
		// RFC 8058 wants https; the demo's http address has no place in a header.
		_ = m.SetListUnsubscribeOneClick(n.Unsubscribe)
	}
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no automatic answers, please
	m.SetGenHeader("X-Auto-Response-Suppress", "All")  // the same for Exchange
}

// plainID reports whether s can stand between angle brackets in a header.
func plainID(s string) bool {
	return s != "" && len(s) <= 200 && strings.IndexFunc(s, func(r rune) bool {
		return r >= 0x7f || r <= ' ' || strings.ContainsRune(`<>"(),;:\[]`, r)
	}) < 0
}

// maxLine is how much of a subject or a name is shown anywhere, in runes.
const maxLine = 200

// oneLine takes what would break a header out of a text that people wrote.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r)
	}), " ")
	if runes := []rune(s); len(runes) > maxLine {
		s = strings.TrimSpace(string(runes[:maxLine])) + "…"
	}
	return s
}

// checkDKIM reads the key that mails are signed with.
func checkDKIM(d DKIM) (crypto.Signer, error) {
	switch {
	case ParseAddress("x@"+d.Domain) != nil:
		return nil, &bridge.Invalid{Field: "dkim_domain", Problem: "write the domain whose DNS has the key, such as example.com"}
	case !plainID(d.Selector):
		return nil, &bridge.Invalid{Field: "dkim_selector", Problem: "write the key's name in DNS, such as porchlight in porchlight._domainkey.example.com"}
	}
	return privateKey(d.Key)
}

// newSigner makes one for each mail: go-mail's writes to itself while it signs.
//
// The signature covers the headers for stopping the mails, as RFC 8058 section 4
// asks. The list must not grow: go-mail folds one that fills a line in the middle of
// a name, which it has signed without the fold, so that no server can verify it.
func newSigner(d DKIM, key crypto.Signer) *gomail.DKIMSigner {
	signer := gomail.NewDKIMSigner(d.Domain, d.Selector, key)
	signer.SignHeaders("From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post")
	return signer
}

func privateKey(pem string) (crypto.Signer, error) {
	key, err := gomail.PrivKeyFromPEM([]byte(pem))
	if err != nil { // the error's text may hold parts of the key
		return nil, &bridge.Invalid{Field: "dkim_key", Problem: "is not a private key in PEM; make one with: openssl genrsa 2048"}
	}
	return key, nil
}
