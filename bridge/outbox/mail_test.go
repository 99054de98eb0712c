package outbox_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/email"
	"porchlight/bridge/email/emailtest"
	"porchlight/bridge/outbox"
	"porchlight/data"
)

// A postRoom is a carrier for mails with a server behind it. What a mail says is
// filled in here: that is not what these tests are about.
type postRoom struct {
	*email.SMTP
	asked atomic.Int64
}

func (p *postRoom) Send(ctx context.Context, o bridge.Outgoing) bridge.Outcome {
	o.Notice = &bridge.Notice{Title: o.Body}
	return p.SMTP.Send(ctx, o)
}

func (p *postRoom) Status(ctx context.Context, id string) (bridge.Found, error) {
	p.asked.Add(1)
	return p.SMTP.Status(ctx, id)
}

// mails starts a mail server and gives the outbox a carrier for it.
func (f *firm) mails() (*emailtest.Server, *postRoom, func(*outbox.Options)) {
	f.Helper()
	s := emailtest.New(emailtest.Options{Refuse: map[string]emailtest.Fault{
		"nobody@example.com": {Code: 550, Enhanced: [3]int{5, 1, 1}},
	}})
	f.Cleanup(s.Close)
	host, port, err := s.Start()
	if err != nil {
		f.Fatal(err)
	}
	c, err := email.New(email.Options{
		Host: host, Port: port, Security: email.NoTLS, From: "office@example.com",
		Render: func(n bridge.Notice) (bridge.Letter, error) {
			return bridge.Letter{Subject: n.Title, Text: n.Title}, nil
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.Close)
	p := &postRoom{SMTP: c}
	return s, p, func(o *outbox.Options) { o.Carriers[bridge.Email] = p }
}

// byEmail makes a delivery one that goes to an address.
func (f *firm) byEmail(to string) func(*bridge.Delivery) {
	var line bridge.LineID
	f.write(func(tx *data.Tx) (err error) {
		line, err = tx.PutLine(bridge.Line{Channel: bridge.Email, Mailbox: "office@example.com", Active: true})
		return err
	})
	return func(d *bridge.Delivery) { d.Line, d.Channel, d.To = line, bridge.Email, to }
}

func TestMailIsSentAndNobodyIsAskedAboutItAgain(t *testing.T) {
	eachFirm(t, func(f *firm) {
		server, room, mails := f.mails()
		f.opens(mails)
		id := f.says(priya, "On our way", f.byEmail("priya@example.com"))
		if d := f.becomes(id, bridge.Sent); !d.NextAt.IsZero() || d.CarrierID != "" {
			f.Errorf("%+v", d)
		}
		f.later(48 * time.Hour)
		f.look()
		f.becomes(f.says(priya, "Next", f.byEmail("priya@example.com")), bridge.Sent) // by now the first would have been asked about
		if n := len(server.Mails()); n != 2 || room.asked.Load() != 0 {
			f.Errorf("%d mails, asked %d times", n, room.asked.Load())
		}
	})
}

func TestMailWhoseAnswerWasLostIsShownToPeopleAndNotSentAgain(t *testing.T) {
	eachFirm(t, func(f *firm) {
		server, _, mails := f.mails()
		server.Script(emailtest.Fault{At: emailtest.AfterDot})
		f.opens(quick, mails)
		id := f.says(priya, "On our way", f.byEmail("priya@example.com"))
		f.becomes(id, bridge.Unknown)
		f.until("it is given up", func() bool { return f.delivery(id).NextAt.IsZero() })
		f.later(2 * time.Hour)
		f.look()
		f.becomes(f.says(priya, "Next", f.byEmail("priya@example.com")), bridge.Sent)
		if d := f.delivery(id); d.State != bridge.Unknown || d.Attempts != 1 || f.row(priya).Failed != 1 {
			f.Errorf("%+v", d)
		}
		if n := len(server.Mails()); n != 2 {
			f.Errorf("%d mails arrived", n)
		}
	})
}

func TestMailToAMailboxThatThereIsNotMarksTheAddress(t *testing.T) {
	eachFirm(t, func(f *firm) {
		_, _, mails := f.mails()
		f.opens(mails)
		f.write(func(tx *data.Tx) error {
			_, err := tx.AddContact(bridge.Contact{Name: "Nobody", Addresses: []bridge.Address{{Channel: bridge.Email, Value: "nobody@example.com", Answerable: true}}}, f.now())
			return err
		})
		if d := f.becomes(f.says(priya, "On our way", f.byEmail("nobody@example.com")), bridge.Failed); d.Code != "5.1.1" {
			f.Errorf("%+v", d)
		}
		f.read(func(tx *data.Tx) error {
			known, err := tx.AddressesOf(bridge.Email, "nobody@example.com")
			if err == nil && (len(known) != 1 || known[0].Problem != "There is no mailbox with this address") {
				f.Errorf("%+v", known)
			}
			return err
		})
	})
}
