package intake_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/data/datatest"
)

const (
	ourLine = "+14155550100"
	priya   = "+14155550134"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// An office is a business with its door.
type office struct {
	*testing.T
	*intake.Intake
	at              data.Options
	line            bridge.LineID
	sam, jo, tradie bridge.Staff
	texts           int
}

func eachOffice(t *testing.T, test func(*office)) {
	t.Helper()
	t.Parallel()
	datatest.EachOptions(t, func(t *testing.T, at data.Options) {
		s, err := data.Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		carrier, err := sms.New(sms.Options{AccountSID: "AC00000000000000000000000000000001", Secret: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		o := &office{T: t, at: at}
		o.Intake = intake.New(intake.Options{
			Store: s, Now: func() time.Time { return noon }, Words: map[bridge.Channel]bridge.Dictionary{bridge.SMS: carrier},
			Split:    func(text string) []string { return sms.Split(text, sms.MaxText) },
			Segments: func(text string) int { return sms.Segments(text).Segments }, Answerable: sms.Answerable, Region: "US", Pace: 1,
		})
		o.write(func(tx *data.Tx) (err error) {
			if o.line, err = tx.PutLine(bridge.Line{Phone: ourLine, Name: "Main"}); err != nil {
				return err
			}
			for _, p := range []struct {
				who  *bridge.Staff
				name string
				role bridge.Role
			}{{&o.sam, "Sam Ortiz", bridge.Owner}, {&o.jo, "Jo Park", bridge.Admin}, {&o.tradie, "Lee Moss", bridge.Tradie}} {
				*p.who, err = tx.AddStaff(bridge.Staff{Name: p.name, Email: p.name + "@example.com", Role: p.role}, "x", noon)
				if err != nil {
					return err
				}
			}
			return nil
		})
		test(o)
	})
}

func (o *office) write(fn func(*data.Tx) error) {
	o.Helper()
	if err := o.Store.Write(context.Background(), fn); err != nil {
		o.Fatal(err)
	}
}

func (o *office) read(fn func(*data.Tx) error) {
	o.Helper()
	if err := o.Store.Read(context.Background(), fn); err != nil {
		o.Fatal(err)
	}
}

// text is a customer's text, as the carrier brings it.
func (o *office) text(from, body string, change ...func(*bridge.Inbound)) intake.Received {
	o.Helper()
	o.texts++
	m := bridge.Inbound{Channel: bridge.SMS, CarrierID: fmt.Sprintf("SM%032d", o.texts), From: from, To: ourLine, Body: body, Raw: "Body=" + body, At: noon}
	for _, c := range change {
		c(&m)
	}
	r, err := o.Receive(o.Context(), m)
	if err != nil {
		o.Fatal(err)
	}
	return r
}

// replies is an answer that is taken.
func (o *office) replies(conv bridge.ConversationID, body string) bridge.Message {
	o.Helper()
	m, err := o.Reply(o.Context(), o.sam, intake.Draft{Conversation: conv, Body: body})
	if err != nil {
		o.Fatal(err)
	}
	return m
}

// denied wants a refusal of that code.
func (o *office) denied(err error, code string) {
	o.Helper()
	var no *bridge.Denied
	if !errors.As(err, &no) || no.Code != code || no.Sentence == "" {
		o.Errorf("got %v, want a refusal with code %s", err, code)
	}
}

// invalid wants a complaint about a field.
func (o *office) invalid(err error, field string) {
	o.Helper()
	var no *bridge.Invalid
	if !errors.As(err, &no) || no.Field != field {
		o.Errorf("got %v, want a complaint about %s", err, field)
	}
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) row(id bridge.ConversationID) (c bridge.Conversation) {
	o.Helper()
	o.read(func(tx *data.Tx) (err error) {
		c, err = tx.Conversation(o.sam, id)
		return err
	})
	return c
}

func (o *office) messages(id bridge.ConversationID) (ms []bridge.Message) {
	o.Helper()
	o.read(func(tx *data.Tx) (err error) {
		ms, err = tx.Messages(id, 0, 1000)
		return err
	})
	return ms
}

// history is the conversation as somebody would tell it.
func (o *office) history(id bridge.ConversationID) (lines []string) {
	o.Helper()
	for _, m := range o.messages(id) {
		lines = append(lines, string(m.Direction)+": "+m.Body)
	}
	return lines
}

func (o *office) told(id bridge.ConversationID, want ...string) {
	o.Helper()
	if d := cmp.Diff(want, o.history(id)); d != "" {
		o.Error(d)
	}
}

func (o *office) address(phone string) (a bridge.Address) {
	o.Helper()
	o.read(func(tx *data.Tx) error {
		as, err := tx.AddressesOf(bridge.SMS, phone)
		if len(as) != 1 {
			o.Fatalf("%s: %+v", phone, as)
		}
		a = as[0]
		return err
	})
	return a
}
