package outbox_test

import (
	"context"
	"sync"
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

func TestWhatIsNotWantedAnyMoreHoldsUpNothingElse(t *testing.T) {
	eachFirm(t, func(f *firm) {
		server, _, mails := f.mails()
		var asked sync.Map
		f.opens(mails, func(o *outbox.Options) {
			o.Prepare = func(_ *data.Tx, c data.Claim) (bridge.Outgoing, error) {
				if n, again := asked.LoadOrStore(c.ID, c.Attempts); again && n == c.Attempts {
					f.Errorf("delivery %d is put into words twice: what is made then, such as a code, is made twice", c.ID)
				}
				if c.Channel == bridge.Email {
					return bridge.Outgoing{}, bridge.ErrNotWanted
				}
				return c.Outgoing(), nil
			}
		})
		mail := f.says(priya, "On our way", f.byEmail("priya@example.com"))
		text := f.says(alex, "On our way")
		f.becomes(mail, bridge.Canceled)
		f.becomes(text, bridge.Delivered)
		if n := len(server.Mails()); n != 0 {
			f.Errorf("%d mails", n)
		}
	})
}

func TestAMailServerThatHangsHoldsUpNoTexts(t *testing.T) {
	eachFirm(t, func(f *firm) {
		server, _, mails := f.mails()
		held := make(chan struct{})
		defer close(held)
		reached := make(chan struct{}, 2)
		for range 2 {
			server.Script(emailtest.Fault{At: emailtest.AtMail, Hold: held, Reached: func() { reached <- struct{}{} }})
		}
		f.opens(mails, func(o *outbox.Options) { o.Workers = 2 })
		for _, to := range []string{"a@example.com", "b@example.com", "c@example.com"} {
			f.says(priya, "On our way", f.byEmail(to))
		}
		<-reached
		<-reached
		began := time.Now()
		f.becomes(f.says(alex, "On our way"), bridge.Delivered)
		if took := time.Since(began); took > 3*time.Second { // a mail's attempt ends after 5 s
			f.Errorf("the text took %v", took)
		}
	})
}

func TestMailsWithoutAServerAnyMoreKeepNobodyBusy(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.says(priya, "On our way", f.byEmail("priya@example.com"))
		lost := f.says(alex, "On our way", f.byEmail("alex@example.com"))
		f.write(func(tx *data.Tx) error {
			cs, err := tx.ClaimDue(bridge.Email, f.now(), time.Minute, 10)
			if err != nil || len(cs) != 2 {
				f.Fatal(len(cs), err)
			}
			for _, c := range cs {
				d := c.Delivery
				if d.State, d.NextAt = bridge.Queued, f.now(); d.ID == lost {
					d.State = bridge.Unknown
				}
				if err := tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, f.now()); err != nil {
					return err
				}
			}
			return nil
		})
		f.opens()
		f.until("the lost one is shown to people", func() bool { return f.delivery(lost).NextAt.IsZero() })
		f.read(func(tx *data.Tx) error {
			if next, err := tx.NextDue(f.now(), bridge.SMS); err != nil || !next.IsZero() {
				f.Errorf("texts are due at %v, %v", next, err)
			}
			if next, err := tx.NextCheck(); err != nil || next.Before(f.now()) {
				f.Errorf("the next check is at %v, %v", next, err)
			}
			return nil
		})
	})
}
