package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"porchlight/bridge"
	"porchlight/bridge/email"
	"porchlight/bridge/intake"
	"porchlight/bridge/live"
	"porchlight/bridge/notify"
	"porchlight/bridge/outbox"
	"porchlight/bridge/routine"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/inbox"
	"porchlight/inbox/api"
	"porchlight/inbox/portal"
	"porchlight/inbox/staff"
	"porchlight/inbox/web"
	"porchlight/templates"
	"porchlight/webhooks"
)

func serve(ctx context.Context, e env) error {
	flags := e.flags()
	file := configFlag(flags)
	if _, err := e.parse(flags, 0, 0); err != nil {
		return err
	}
	cfg, err := loadToServe(findConfig(*file, e.environ), e.environ)
	if err != nil {
		return err
	}
	return serveConfig(ctx, e, cfg, extras{})
}

// serveConfig serves a configuration that is known to be complete.
func serveConfig(ctx context.Context, e env, cfg Config, x extras) error {
	slog.SetDefault(newLogger(e.stderr, cfg.Log))
	l, err := net.Listen("tcp", cfg.Server.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", cfg.Server.Listen, err)
	}
	p, err := build(ctx, cfg, x)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if err := p.inviteOwner(ctx, e); err != nil {
		return errors.Join(err, l.Close(), p.store.Close())
	}
	slog.Info("porchlight is serving", "listen", l.Addr().String(), "public_url", cfg.Server.PublicURL, "store", p.store.Engine(), "version", buildVersion())
	return p.run(ctx, l)
}

// extras are what the demo and the benchmark add to a program.
type extras struct {
	demo *demo
	// visitor is who somebody without a session is; only the demo sets it.
	visitor bridge.StaffID
	// When a lost answer is looked for, and when its absence is believed; 0 is the
	// outbox's own.
	checkAfter, sureAfter time.Duration
	// mailTrust is what the mail server's certificate is checked against; nil is the
	// machine's own.
	mailTrust *tls.Config
}

// A program is everything, wired: store → hub → carriers → outbox → http.
type program struct {
	cfg     Config
	store   *data.Store
	hub     *live.Hub
	intake  *intake.Intake
	outbox  *outbox.Outbox
	routine *routine.Routine
	mails   *email.SMTP   // nil where no mail server is set
	waiting chan struct{} // the AI receptionist was given time to answer
	files   files
	handler http.Handler
	// hangUp ends the streams to browsers, which would hold up the server's end.
	hangUp []func()
	// finish is done when nothing is sent any more.
	finish []func()
}

// storeOptions say where the configuration keeps the store.
func (c Config) storeOptions() data.Options {
	return data.Options{Path: filepath.Join(c.Storage.Path, "porchlight.db"), Postgres: c.Storage.Postgres.Reveal()}
}

// openStore opens the store of the configuration, for commands that only need it.
func openStore(ctx context.Context, cfg Config) (*data.Store, error) {
	return data.Open(ctx, cfg.storeOptions())
}

// build wires a program. Nothing runs yet, and nothing listens.
func build(ctx context.Context, cfg Config, x extras) (*program, error) {
	p := &program{cfg: cfg, hub: live.New(), files: files{wake: make(chan struct{}, 1)}, waiting: make(chan struct{}, 1)}
	p.hangUp = []func(){p.hub.Close}
	m := newMetrics()
	wake := make(chan struct{}, 1)
	opts := cfg.storeOptions()
	opts.OnCommit = func(c bridge.Commit) {
		m.commit(c)
		p.hub.Publish(c)
		p.files.arrived(c)
		if c.Queued {
			wakeUp(wake)
		}
		if c.Waiting || c.Missed {
			wakeUp(p.waiting)
		}
	}
	twilio, err := sms.New(sms.Options{
		AccountSID: cfg.Twilio.AccountSID, APIKeySID: cfg.Twilio.APIKeySID, Secret: carrierSecret(cfg.Twilio),
		BaseURL: cfg.Twilio.BaseURL, MessagingServiceSID: cfg.Twilio.MessagingServiceSID,
		StatusURL: cfg.Server.PublicURL + "/webhooks/twilio/status", Timeout: cfg.Outbox.Timeout,
	})
	if err != nil {
		return nil, err
	}
	set, err := templates.Parse()
	if err != nil {
		return nil, err
	}
	carriers := map[bridge.Channel]bridge.Carrier{bridge.SMS: twilio}
	words := map[bridge.Channel]bridge.Dictionary{bridge.SMS: twilio}
	lines := cfg.Lines
	if cfg.Email.Host != "" {
		if p.mails, err = newMailer(cfg, set, x.mailTrust); err != nil {
			return nil, err
		}
		carriers[bridge.Email], words[bridge.Email] = p.mails, p.mails
		lines = append(slices.Clone(lines), bridge.Line{Channel: bridge.Email, Mailbox: cfg.Email.From, Name: "Email"})
		p.finish = append(p.finish, p.mails.Close)
	}
	providers, hook, err := newReceptionists(cfg.Receptionist)
	if err != nil {
		return nil, err
	}
	if hook != nil {
		carriers[bridge.Webhook], words[bridge.Webhook] = hook, hook
		lines = append(slices.Clone(lines), bridge.Line{Channel: bridge.Webhook, Mailbox: botLine, Name: cfg.Receptionist.Name})
		p.finish = append(p.finish, hook.Close)
	}
	if p.store, err = data.Open(ctx, opts); err != nil {
		return nil, err
	}
	if err := p.store.Write(ctx, func(tx *data.Tx) error {
		if err := tx.RetireLines(); err != nil {
			return err
		}
		for _, l := range lines {
			l.Active = true
			if _, err := tx.PutLine(l); err != nil {
				return fmt.Errorf("store line %s: %w", l.Value(), err)
			}
		}
		return nil
	}); err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	if err := p.files.open(ctx, cfg, p.store); err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	p.intake = intake.New(intake.Options{
		Store: p.store, Now: time.Now, Zone: cfg.Business.TimeZone, Words: words,
		Split:      func(text string) []string { return sms.Split(text, sms.MaxText) },
		Segments:   func(text string) int { return sms.Segments(text).Segments },
		Answerable: sms.Answerable, Region: cfg.Business.Region, KeepTrying: cfg.Outbox.KeepTrying, Pace: cfg.Twilio.Pace,
		Bot: hook != nil, BotName: cfg.Receptionist.Name, Business: cfg.Business.Name,
		OnDuty: cfg.OnDuty, Batch: cfg.Portal.MailWait, Shelf: p.files.shelf, Link: p.files.signer.Link,
	})
	if hook == nil { // it may have had one before
		if err := p.intake.ReleaseAll(ctx); err != nil {
			return nil, errors.Join(err, p.store.Close())
		}
	}
	notices := notify.New(notify.Options{
		Now: time.Now, PublicURL: cfg.Server.PublicURL, Zone: cfg.Business.TimeZone, Business: cfg.Business.sender(), Pictures: p.files.signer.URLs,
	})
	p.outbox = outbox.New(outbox.Options{
		Store: p.store, Carriers: carriers, Wake: wake, Now: time.Now,
		Timeout: cfg.Outbox.Timeout, Alone: p.store.Engine() == "sqlite", Sent: m.sent,
		CheckAfter: x.checkAfter, SureAfter: x.sureAfter, Prepare: notices.Prepare, Failed: p.intake.FallBack,
	})
	p.routine = routine.New(routine.Options{
		Store: p.store, Now: time.Now, List: twilio.ListInbound, Blobs: p.files.blobs,
		HandOver: p.intake.HandUnanswered, Waiting: p.waiting,
		Receive: func(ctx context.Context, in bridge.Inbound) (bool, error) {
			if in.At.IsZero() {
				in.At = time.Now()
			}
			r, err := p.intake.Receive(ctx, in)
			return !r.Duplicate, err
		},
	})
	hooks, err := webhooks.New(webhooks.Options{
		Intake: p.intake, Now: time.Now, PublicURL: cfg.Server.PublicURL,
		AccountSID: cfg.Twilio.AccountSID, Tokens: cfg.Twilio.Tokens(), Seen: m.webhook,
	})
	if err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	w := web.New(web.Options{
		Store: p.store, Set: set, Now: time.Now, Zone: cfg.Business.TimeZone, Business: cfg.Business.Name, PublicURL: cfg.Server.PublicURL,
		Demo: x.demo != nil, Visitor: x.visitor, Secure: strings.HasPrefix(cfg.Server.PublicURL, "https://"), SessionDays: cfg.Session.Days,
		Blobs: p.files.blobs, Signed: p.files.signed,
	})
	m.watch(p.store, p.hub)
	programs := api.New(p.store, p.intake)
	programs.PublicURL = cfg.Server.PublicURL
	in := inbox.Options{
		Web: w, Staff: staff.New(w, p.intake, p.hub),
		Portal: portal.New(portal.Options{Web: w, Intake: p.intake, Hub: p.hub, Phone: string(cfg.Business.Phone), SSOSecret: cfg.Portal.SSOSecret.Reveal(), Embed: cfg.Portal.Embed}),
		API:    programs, Webhooks: hooks, Probes: m.probes(p.store),
		Receptionist: &webhooks.Receptionist{Intake: p.intake, Now: time.Now, Providers: providers, Seen: m.webhook},
	}
	if x.demo != nil {
		in.Extra = x.demo.mount
		p.hangUp = append(p.hangUp, x.demo.hangUp)
	}
	if p.handler, err = inbox.Handler(in); err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	return p, nil
}

// wakeUp leaves one signal; one that waits already is enough.
func wakeUp(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// carrierSecret is what we sign in to the carrier with: the API key's secret, if
// there is one, or the account's token.
func carrierSecret(t TwilioConfig) string {
	if t.APIKeySID != "" {
		return t.APIKeySecret.Reveal()
	}
	return t.AuthToken.Reveal()
}

// stopTime bounds a polite stop: sends in flight have 10 s.
const stopTime = 15 * time.Second

// run serves until ctx ends, then stops in the reverse order of the wiring: no
// new requests, streams closed, routine jobs and sends in flight finished, store.
func (p *program) run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: p.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	fresh := &freshConns{open: map[net.Conn]bool{}}
	server.ConnState = fresh.note
	for _, end := range append(p.hangUp, fresh.close) {
		server.RegisterOnShutdown(end)
	}
	workers, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorkers()
	g, failed := errgroup.WithContext(context.WithoutCancel(ctx))
	g.Go(func() error {
		debug.FreeOSMemory() // what starting needed: a fifth of an idle program
		return nil
	})
	g.Go(func() error { return p.outbox.Run(workers) })
	g.Go(func() error { return p.routine.Run(workers) })
	g.Go(func() error { return p.files.fetcher.Run(workers) })
	g.Go(func() error { return p.store.RunSearch(workers) })
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	select {
	case <-ctx.Done():
		slog.Info("porchlight is stopping; a second signal stops it at once")
	case <-failed.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err := server.Shutdown(limit)
	stopWorkers()
	err = errors.Join(err, g.Wait())
	for _, end := range p.finish {
		end()
	}
	return errors.Join(err, p.store.Close())
}

// freshConns are the connections on which nothing has been asked yet: browsers open
// some beforehand. net/http would wait five seconds for each before it stops.
type freshConns struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (f *freshConns) note(c net.Conn, s http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s == http.StateNew {
		f.open[c] = true
	} else {
		delete(f.open, c)
	}
}

func (f *freshConns) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		c.Close() // nobody waits for an answer on it
	}
}

// inviteOwner prints a one-time link while there is nobody in the team.
func (p *program) inviteOwner(ctx context.Context, e env) error {
	secret, hash := bridge.NewSecret()
	var lonely bool
	err := p.store.Write(ctx, func(tx *data.Tx) error {
		team, err := tx.Staff()
		if lonely = len(team) == 0; err != nil || !lonely {
			return err
		}
		return tx.AddTicket(hash, web.TicketOwner, time.Now().Add(24*time.Hour))
	})
	if err != nil || !lonely {
		return err
	}
	fmt.Fprintf(e.stdout, "There is nobody in the team yet. Open this link to become the owner (it works once, for 24 hours):\n\n  %s/welcome/%s\n\n", p.cfg.Server.PublicURL, secret)
	return nil
}

func migrate(ctx context.Context, e env) error {
	flags := e.flags()
	file := configFlag(flags)
	if _, err := e.parse(flags, 0, 0); err != nil {
		return err
	}
	cfg, problems := LoadConfig(findConfig(*file, e.environ), e.environ)
	if err := problems.Err(); err != nil {
		return err
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "The store (%s) has the schema of this version.\n", s.Engine())
	return s.Close()
}
