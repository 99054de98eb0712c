// Package email is the SMTP carrier: it turns a notice into a mail, hands it to a
// mail server, and knows what the server's answers mean.
//
// A mail server keeps no list that could be asked later, and tells nothing of a
// mail's further way over the same connection. So what it took is sent and stays
// sent, and an answer that was lost stays unknown until a person decides.
package email

import (
	"cmp"
	"context"
	"crypto"
	"crypto/tls"
	"net/mail"
	"strings"
	"time"

	"porchlight/bridge"
)

// A Security says how the connection to the mail server is kept from listeners.
type Security string

const (
	// StartTLS is the default: in the clear at first, then encrypted, or not at all.
	StartTLS Security = "starttls"
	// ImplicitTLS is encrypted from the first byte, as on port 465.
	ImplicitTLS Security = "implicit"
	// Opportunistic encrypts where the server offers it; a listener who can change
	// what passes by can prevent it.
	Opportunistic Security = "opportunistic"
	// NoTLS is only for a server on this machine.
	NoTLS Security = "none"
)

const (
	// DefaultTimeout is the wait for one mail, connecting included.
	DefaultTimeout = 10 * time.Second
	// DefaultIdle is how long a connection waits for the next mail. Servers hang
	// up after some minutes; a conversation's next mail mostly comes sooner.
	DefaultIdle = 20 * time.Second
	// maxConns is how many connections may be open at once. The strictest of the
	// widely used servers allows three for one sender.
	maxConns = 3
)

// A DKIM is what mails are signed with, where the mail server does not do it.
type DKIM struct {
	Domain, Selector string
	Key              string // PEM, RSA or Ed25519
}

// Options say which mail server carries, and as whom.
type Options struct {
	Host     string
	Port     int      // 0 is the usual one of Security: 465 or 587
	Security Security // empty is StartTLS
	// Username is empty where the server lets this machine send without a login.
	Username, Password string
	// From is the address of the mailbox that mails come from; a delivery's own
	// line comes first.
	From string
	// Hello is the name that we give the server; empty is the domain of From.
	Hello   string
	Timeout time.Duration // 0 is DefaultTimeout
	Idle    time.Duration // 0 is DefaultIdle
	DKIM    *DKIM
	// TLS is the base of the TLS settings, such as RootCAs; nil trusts what the
	// machine trusts.
	TLS *tls.Config
	// Render puts a notice into words.
	Render func(bridge.Notice) (bridge.Letter, error)
	Now    func() time.Time // nil is time.Now
}

// SMTP is a bridge.Carrier for mails. It may be used by many goroutines.
type SMTP struct {
	options Options
	key     crypto.Signer // of DKIM, nil where mails are not signed here
	pool    *pool
}

var _ bridge.Carrier = (*SMTP)(nil)

// New checks the options without calling the server. Its errors are *bridge.Invalid.
func New(o Options) (*SMTP, error) {
	o.Security = cmp.Or(o.Security, StartTLS)
	if o.Port == 0 {
		if o.Port = 587; o.Security == ImplicitTLS {
			o.Port = 465
		}
	}
	o.Timeout, o.Idle = cmp.Or(o.Timeout, DefaultTimeout), cmp.Or(o.Idle, DefaultIdle)
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.Host == "" || strings.ContainsAny(o.Host, " /@"):
		return nil, &bridge.Invalid{Field: "host", Problem: "write the mail server's name, such as smtp.example.com"}
	case o.Port < 1 || o.Port > 65535:
		return nil, &bridge.Invalid{Field: "port", Problem: "write a number from 1 to 65535, mostly 587 or 465"}
	case ParseAddress(o.From) != nil:
		return nil, &bridge.Invalid{Field: "from", Problem: "write the address that mails come from, such as office@example.com"}
	case o.Render == nil:
		return nil, &bridge.Invalid{Field: "render", Problem: "is missing"}
	}
	switch o.Security {
	case StartTLS, ImplicitTLS, Opportunistic, NoTLS:
	default:
		return nil, &bridge.Invalid{Field: "tls", Problem: "write starttls, implicit, opportunistic or none"}
	}
	s := &SMTP{options: o}
	if o.DKIM != nil {
		var err error
		if s.key, err = checkDKIM(*o.DKIM); err != nil {
			return nil, err
		}
	}
	s.pool = newPool(s.dial, o.Idle)
	return s, nil
}

// ParseAddress says why a mail cannot be sent to or from s: it has to be a bare
// address, without a name, that a mail server reads as one.
func ParseAddress(s string) error {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return &bridge.Invalid{Field: "email", Problem: "write an address such as name@example.com"}
	}
	return nil
}

// domainOf is what stands after the @.
func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// Close hangs up the connections that wait for a next mail.
func (s *SMTP) Close() { s.pool.close() }

// Send makes one attempt to hand a mail to the server.
func (s *SMTP) Send(ctx context.Context, o bridge.Outgoing) bridge.Outcome {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	if ParseAddress(o.To) != nil {
		return bridge.Outcome{Kind: bridge.Refused, Code: CodeAddress, Detail: "not an address that a mail can be sent to"}
	}
	msg, err := s.compose(o)
	if err != nil {
		return bridge.Outcome{Kind: bridge.Refused, Code: CodeCompose, Detail: detail(err)}
	}
	for {
		c, err := s.pool.take(ctx)
		if err != nil {
			return classifyDial(err)
		}
		used := c.mails > 0
		err = c.send(ctx, msg)
		if delivered := msg.IsDelivered(); err == nil || delivered {
			s.pool.put(c, err == nil) // else it was the tidying up that failed: the mail was taken
			// The Message-ID is no id of the server's: a person may send the same mail again.
			return bridge.Outcome{Kind: bridge.Accepted, Detail: masked(msg.ServerResponse()), Final: true}
		}
		s.pool.put(c, reusable(err))
		if used && stale(err) && ctx.Err() == nil {
			continue // the server hung up on a connection that waited; another has to be tried
		}
		return classify(err)
	}
}

// Find finds nothing: see bridge.ErrNoList.
func (s *SMTP) Find(context.Context, bridge.Outgoing, time.Time) ([]bridge.Found, error) {
	return nil, bridge.ErrNoList
}

// Status knows nothing: see bridge.ErrNoList.
func (s *SMTP) Status(context.Context, string) (bridge.Found, error) {
	return bridge.Found{}, bridge.ErrNoList
}

// ReadStatus moves nothing: there are no receipts for mails over SMTP.
func (s *SMTP) ReadStatus(string) (bridge.DeliveryState, bool) { return "", false }

// Explain translates a mail server's code for people; see the package function.
func (s *SMTP) Explain(code string) bridge.Failure { return Explain(code) }
