package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/email"
	"porchlight/bridge/email/emailtest"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
)

// A demo is the program with a carrier that is played by this process and a
// plumbing firm that is made up.
type demo struct {
	sim   *smstest.Server
	post  *emailtest.Server
	mails *email.SMTP // the program's own carrier
	bot   *demoBot
	desk  *intake.Intake // the program's own
	owner bridge.StaffID // the visitor
	url   string
	store *data.Store
	zone  *time.Location
	// gone ends with hangUp, when the program stops: a stream to a browser never
	// ends by itself, and the server waits for it.
	gone   context.Context
	hangUp context.CancelFunc
}

const (
	demoLine     = "+14155550100"
	demoOnDuty   = "+14155550190" // Sam's own phone
	demoBusiness = "Brightwater Plumbing"
)

// botThinks is how long the demo's receptionist takes to answer, so that a spectator
// can follow.
const botThinks = 1200 * time.Millisecond

func runDemo(ctx context.Context, e env) error {
	flags := e.flags()
	listen := flags.String("listen", "127.0.0.1:8080", "`ADDR` to serve on; only this machine can reach the default")
	dir := flags.String("dir", "", "`FOLDER` that keeps the demo's data (default: a temporary one that goes away)")
	if _, err := e.parse(flags, 0, 0); err != nil {
		return err
	}
	slog.SetDefault(newLogger(e.stderr, LogConfig{Level: slog.LevelWarn, Format: "text"}))
	if *dir == "" {
		tmp, err := os.MkdirTemp("", "porchlight-demo-")
		if err != nil {
			return fmt.Errorf("make a folder for the demo's data: %w", err)
		}
		defer os.RemoveAll(tmp)
		*dir = tmp
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (another address: porchlight demo -listen 127.0.0.1:8081)", *listen, err)
	}
	d, p, err := newDemo(ctx, *dir, "http://"+browserAddr(l.Addr()), smstest.Delays{})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer d.close()
	fmt.Fprintf(e.stdout, "Porchlight's demo is running. Nothing leaves this machine.\n\n"+
		"  Handsets  %[1]s/simulator   text the business from here\n"+
		"  Inbox     %[1]s/inbox       and answer here\n"+
		"  Mailbox   %[1]s/simulator/mail\n"+
		"  Portal    %[1]s/portal/enter  come in as a customer: priya@example.com, the link is in the mailbox\n\nStop it with Ctrl+C.\n", p.cfg.Server.PublicURL)
	return p.run(ctx, l)
}

// browserAddr is where a browser on this machine finds a listener.
func browserAddr(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// claimFolder marks a folder as the demo's. It refuses one with a store that is
// not: the demo signs everybody in and plays the carrier, so it must never open
// real messages.
func claimFolder(dir string) error {
	mark := filepath.Join(dir, "this-is-a-demo")
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "porchlight.db")); err == nil {
		return fmt.Errorf("%s holds a store that is not the demo's; choose an empty folder", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	return os.WriteFile(mark, []byte("Made-up people. Delete this folder whenever you like.\n"), 0o600)
}

// newDemo starts the carrier, fills an empty store, and wires a program to both.
func newDemo(ctx context.Context, dir, url string, delays smstest.Delays) (*demo, *program, error) {
	if err := claimFolder(dir); err != nil {
		return nil, nil, err
	}
	d := &demo{sim: smstest.New(smstest.Options{Delays: delays}), zone: time.Local}
	d.gone, d.hangUp = context.WithCancel(context.WithoutCancel(ctx))
	base, err := d.sim.Start()
	if err != nil {
		return nil, nil, fmt.Errorf("start the carrier simulator: %w", err)
	}
	if d.bot, err = startBot(botThinks); err != nil {
		d.close()
		return nil, nil, fmt.Errorf("start the receptionist: %w", err)
	}
	cfg := defaultConfig()
	trust, err := d.startMail(&cfg.Email)
	if err != nil {
		d.close()
		return nil, nil, fmt.Errorf("start the mail server: %w", err)
	}
	d.sim.SetWebhook(url + "/webhooks/twilio/sms")
	voice := url + "/webhooks/twilio/voice"
	d.sim.SetVoice(smstest.VoiceURLs{Voice: voice, Fallback: voice + "-fallback", Status: voice + "-status"})
	cfg.Server.PublicURL, cfg.Business.Name, cfg.Business.TimeZone = url, demoBusiness, d.zone
	cfg.Business.Phone, cfg.Business.Address, cfg.Business.Color = demoLine, "1 Canal Street, Westbrook", "#0a665a"
	cfg.Storage.Path = dir
	cfg.Twilio.AccountSID, cfg.Twilio.AuthToken, cfg.Twilio.BaseURL = smstest.AccountSID, newSecret(smstest.AuthToken), base
	cfg.Lines = []bridge.Line{{Phone: demoLine, Name: "Main", Pace: 5}}
	cfg.OnDuty, cfg.Portal.MailWait = []bridge.Phone{demoOnDuty}, 4*time.Second // a visitor does not wait for a minute
	cfg.Portal.Embed = []string{url}
	cfg.Receptionist.Secret, cfg.Receptionist.BotURL, cfg.Receptionist.BotSecret = d.bot.secret(), d.bot.url, d.bot.secret()
	owner, err := seedDemo(ctx, cfg)
	if err != nil {
		d.close()
		return nil, nil, fmt.Errorf("fill the demo's store %s: %w", filepath.Clean(dir), err)
	}
	p, err := build(ctx, cfg, extras{demo: d, visitor: owner,
		mailTrust: trust, checkAfter: 2 * time.Second, sureAfter: 10 * time.Second, // a visitor does not wait for minutes
	})
	if err != nil {
		d.close()
		return nil, nil, err
	}
	d.store, d.mails, d.desk, d.owner, d.url = p.store, p.mails, p.intake, owner, url
	return d, p, nil
}
