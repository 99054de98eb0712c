package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/email"
	"porchlight/templates"
)

// newMailer is the carrier for mails that the configuration describes.
func newMailer(cfg Config, set *templates.Set, trust *tls.Config) (*email.SMTP, error) {
	m := cfg.Email
	o := email.Options{
		Host: m.Host, Port: m.Port, Security: m.TLS, Username: m.Username, Password: m.Password.Reveal(),
		From: m.From, Timeout: cfg.Outbox.Timeout, TLS: trust, Render: set.Mail,
	}
	if m.DKIMKey.Set() {
		o.DKIM = &email.DKIM{Domain: m.DKIMDomain, Selector: m.DKIMSelector, Key: m.DKIMKey.Reveal()}
	}
	s, err := email.New(o)
	if err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	return s, nil
}

// domain is what stands after the @ of the mailbox.
func (m EmailConfig) domain() string { return m.From[strings.LastIndexByte(m.From, '@')+1:] }

// sender is the business at the foot of a mail.
func (b BusinessConfig) sender() bridge.Sender {
	return bridge.Sender{Name: b.Name, Phone: string(b.Phone), Address: b.Address, Color: b.Color}
}

// testNotice is the mail with which somebody tries the settings.
func testNotice(cfg Config, now time.Time) *bridge.Notice {
	return &bridge.Notice{
		Kind: bridge.NoticeTest, Zone: cfg.Business.TimeZone, Business: cfg.Business.sender(), Link: cfg.Server.PublicURL,
		ID: fmt.Sprintf("test.%d@%s", now.UnixNano(), cfg.Email.domain()),
	}
}

// testEmail sends one mail past the outbox and the store, so that it can be tried
// before anything else is set up, and says what became of it.
func testEmail(ctx context.Context, e env) error {
	flags := e.flags()
	file := configFlag(flags)
	args, err := e.parse(flags, 1, 1)
	if err != nil {
		return err
	}
	to, err := parseMailbox(args[0])
	if err != nil {
		return &usageError{err.Error()}
	}
	cfg, problems := LoadConfig(findConfig(*file, e.environ), e.environ)
	if err := problems.Err(); err != nil {
		return err
	}
	if cfg.Email.Host == "" {
		return errors.New("no mail server is set; give email.host and email.from (see docs/email.md), then try again")
	}
	set, err := templates.Parse()
	if err != nil {
		return err
	}
	s, err := newMailer(cfg, set, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	out := s.Send(ctx, bridge.Outgoing{From: cfg.Email.From, To: to, Notice: testNotice(cfg, time.Now())})
	if out.Kind == bridge.Accepted {
		fmt.Fprintf(e.stdout, "%s took the mail: %s\nLook whether it has arrived at %s, and not among the spam.\n", cfg.Email.Host, out.Detail, to)
		return nil
	}
	return fmt.Errorf("%s (%s: %s)", s.Explain(out.Code).Sentence, out.Code, out.Detail)
}
