package outbox_test

import (
	"context"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/outbox"
	"porchlight/data"
)

// A listener hears what the AI receptionist is told, and keeps no list.
type listener struct {
	bridge.Carrier
	heard chan bridge.Outgoing
}

func (l *listener) Send(_ context.Context, o bridge.Outgoing) bridge.Outcome {
	l.heard <- o
	return bridge.Outcome{Kind: bridge.Accepted, Final: true}
}

func (*listener) Find(context.Context, bridge.Outgoing, time.Time) ([]bridge.Found, error) {
	return nil, bridge.ErrNoList
}

func TestWordToTheReceptionistThatACrashCutOffIsSaidAgainUnderItsID(t *testing.T) {
	eachFirm(t, func(f *firm) {
		bot := &listener{heard: make(chan bridge.Outgoing, 10)}
		var line bridge.LineID
		f.write(func(tx *data.Tx) (err error) {
			line, err = tx.PutLine(bridge.Line{Channel: bridge.Webhook, Mailbox: "receptionist", Active: true})
			return err
		})
		id := f.says(priya, "My tap leaks", func(d *bridge.Delivery) {
			d.Line, d.Purpose, d.Channel, d.To = line, bridge.ForBot, bridge.Webhook, "receptionist"
		})
		var died []data.Claim
		f.write(func(tx *data.Tx) (err error) {
			died, err = tx.ClaimDue(bridge.Webhook, f.now(), time.Minute, 10)
			return err
		})
		if len(died) != 1 {
			t.Fatalf("%+v", died)
		}
		f.opens(quick, func(o *outbox.Options) { o.Carriers[bridge.Webhook] = bot })
		f.becomes(id, bridge.Sent)
		f.tried(id, bridge.Lost, bridge.Accepted)
		if o := <-bot.heard; o.Token != died[0].Token || len(bot.heard) != 0 {
			t.Errorf("said as %q, and before as %q; %d more", o.Token, died[0].Token, len(bot.heard))
		}
	})
}
