package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// A pool keeps connections to the mail server for a short while: signing in costs
// more than a mail. It never has more than maxConns open.
type pool struct {
	dial func(context.Context) (*conn, error)
	idle time.Duration
	room chan struct{} // holds one for each connection in use

	mu     sync.Mutex
	free   []*conn // those that wait, the last used at the end
	closed bool
}

func newPool(dial func(context.Context) (*conn, error), idle time.Duration) *pool {
	return &pool{dial: dial, idle: idle, room: make(chan struct{}, maxConns)}
}

// A conn is a connection on which we are signed in. It is used by one goroutine
// at a time.
type conn struct {
	client *gomail.Client
	smtp   *smtp.Client
	raw    net.Conn
	mails  int // that were tried on it
	bye    *time.Timer
}

// errBusy says that no connection became free in time.
var errBusy = errors.New("all connections to the mail server are busy")

// take gives a connection that waits, or a new one. put has to follow.
func (p *pool) take(ctx context.Context) (*conn, error) {
	select {
	case p.room <- struct{}{}:
	case <-ctx.Done():
		return nil, errBusy
	}
	if c := p.waiting(); c != nil {
		return c, nil
	}
	c, err := p.dial(ctx)
	if err != nil {
		<-p.room
	}
	return c, err
}

func (p *pool) waiting() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.free); n > 0; n = len(p.free) {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		if c.bye.Stop() {
			return c
		}
	}
	return nil
}

// put gives a connection back; where good is false it is of no more use.
func (p *pool) put(c *conn, good bool) {
	defer func() { <-p.room }()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !good || p.closed {
		c.raw.Close()
		return
	}
	c.bye = time.AfterFunc(p.idle, func() { p.hangUp(c) })
	p.free = append(p.free, c)
}

// hangUp ends a connection that waited for too long.
func (p *pool) hangUp(c *conn) {
	p.mu.Lock()
	for i, w := range p.free {
		if w == c {
			p.free = append(p.free[:i], p.free[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	c.quit()
}

func (p *pool) close() {
	p.mu.Lock()
	free := p.free
	p.free, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range free {
		if c.bye.Stop() {
			c.quit()
		}
	}
}

// quitTime bounds the goodbye, for which nobody waits.
const quitTime = time.Second

func (c *conn) quit() {
	c.raw.SetDeadline(time.Now().Add(quitTime))
	c.smtp.Quit() // closes it, whatever the answer
	c.raw.Close()
}

// send hands one mail to the server. It ends with ctx: the connection is closed
// under it. A mail that was cut off before its end is not one to any server; to
// end it politely would make it one, so that quit must not follow.
func (c *conn) send(ctx context.Context, msg *gomail.Msg) error {
	c.mails++
	defer context.AfterFunc(ctx, func() { c.raw.Close() })()
	return c.client.SendWithSMTPClient(c.smtp, msg)
}

// A dialError is a connection that did not come to be ready for mails. Nothing
// was sent.
type dialError struct {
	code  string // one of ours
	cause error
}

func (e *dialError) Error() string { return e.cause.Error() }
func (e *dialError) Unwrap() error { return e.cause }

// dial connects and signs in.
func (s *SMTP) dial(ctx context.Context) (*conn, error) {
	c := &conn{}
	stop := func() bool { return true }
	connect := func(limit context.Context, network, address string) (_ net.Conn, err error) {
		if c.raw, err = (&net.Dialer{}).DialContext(limit, network, address); err != nil {
			return nil, wrap(CodeConnect, err)
		}
		stop = context.AfterFunc(ctx, func() { c.raw.Close() })
		if s.options.Security != ImplicitTLS {
			return c.raw, nil
		}
		over := tls.Client(c.raw, s.tls())
		return over, wrap(CodeTLS, over.HandshakeContext(limit))
	}
	opts := []gomail.Option{
		gomail.WithPort(s.options.Port), gomail.WithTimeout(s.options.Timeout), gomail.WithHELO(s.hello()),
		gomail.WithTLSPolicy(s.policy()), gomail.WithTLSConfig(s.tls()), gomail.WithDialContextFunc(connect),
	}
	if s.options.Username != "" {
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(s.options.Username), gomail.WithPassword(s.options.Password))
	}
	var err error
	if c.client, err = gomail.NewClient(s.options.Host, opts...); err == nil {
		c.smtp, err = c.client.DialToSMTPClientWithContext(ctx)
	}
	stop()
	if err != nil && c.raw != nil {
		c.raw.Close()
	}
	if err != nil {
		return nil, wrap(dialCode(err), err)
	}
	return c, nil
}

// wrap leaves an error that says where it belongs as it is.
func wrap(code string, err error) error {
	if e := (*dialError)(nil); err == nil || errors.As(err, &e) {
		return err
	}
	return &dialError{code, err}
}

func (s *SMTP) hello() string {
	if s.options.Hello != "" {
		return s.options.Hello
	}
	return domainOf(s.options.From)
}

// policy is what go-mail calls it. Over implicit TLS there is a connection of our
// own that is encrypted already; the opportunistic policy alone notices that.
func (s *SMTP) policy() gomail.TLSPolicy {
	switch s.options.Security {
	case NoTLS:
		return gomail.NoTLS
	case Opportunistic, ImplicitTLS:
		return gomail.TLSOpportunistic
	}
	return gomail.TLSMandatory
}

func (s *SMTP) tls() *tls.Config {
	c := &tls.Config{}
	if s.options.TLS != nil {
		c = s.options.TLS.Clone()
	}
	if c.ServerName == "" {
		c.ServerName = s.options.Host
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return c
}
