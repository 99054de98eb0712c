package intake_test

import (
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// connectMail switches the portal and a mailbox on, and gives a contact an email.
func (o *office) connectMail(conv bridge.ConversationID, email string) {
	o.Helper()
	o.write(func(tx *data.Tx) error {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		next := *s
		next.PortalOn = true
		if err := tx.PutSettings(&next); err != nil {
			return err
		}
		_, err = tx.PutLine(bridge.Line{Channel: bridge.Email, Mailbox: "office@brightwater.example", Name: "Mail", Active: true})
		return err
	})
	o.must(o.AddEmail(o.Context(), o.sam, conv, email))
}

// moves brings a delivery to a state, as the outbox does.
func (o *office) moves(id bridge.DeliveryID, to bridge.DeliveryState, code string) {
	o.Helper()
	o.write(func(tx *data.Tx) error {
		d, err := tx.Delivery(id)
		if err != nil {
			return err
		}
		was := d.State
		d.State, d.Code = to, code
		if to != bridge.Queued {
			d.NextAt = time.Time{}
		}
		return tx.SaveDelivery(d, was, bridge.Failure{}, noon)
	})
}

func TestAMessageThatNoTextCanCarryGoesByEmailInstead(t *testing.T) {
	eachOffice(t, func(o *office) {
		conv := o.text(priya, "Hello").Conversation
		id := o.fails(o.replies(conv, "On our way"), "30006")
		_, err := o.RetryBy(o.Context(), o.sam, id, bridge.Email)
		o.denied(err, "channel") // there is no email yet
		o.connectMail(conv, "priya@example.com")
		for range 2 { // a double tap is one
			if _, err := o.RetryBy(o.Context(), o.sam, id, bridge.Email); err != nil {
				o.Fatal(err)
			}
		}
		ds := o.messages(conv)[1].Deliveries
		if len(ds) != 2 || !ds[0].Handled || ds[1].Channel != bridge.Email || ds[1].To != "priya@example.com" || ds[1].State != bridge.Queued || ds[1].NextAt.Before(noon) {
			o.Errorf("%+v", ds)
		}
		if c := o.row(conv); c.Failed != 0 {
			o.Errorf("%+v", c)
		}
		_, err = o.RetryBy(o.Context(), o.tradie, id, bridge.Email)
		if err == nil {
			o.Error("a tradie who does not see it sends it")
		}
	})
}

func TestAMailThatIsTriedAgainSaysWhatTheFailedOneWasToSay(t *testing.T) {
	eachOffice(t, func(o *office) {
		conv := o.text(priya, "Hello").Conversation
		o.connectMail(conv, "priya@example.com")
		say := func(body string) bridge.Message {
			m, err := o.Reply(o.Context(), o.sam, intake.Draft{Conversation: conv, Body: body, By: bridge.Email})
			o.must(err)
			return m
		}
		first, second := say("One"), say("Two")
		mail := second.Deliveries[0]
		state := func(m bridge.Message) bridge.Delivery {
			o.Helper()
			for _, x := range o.messages(conv) {
				if x.ID == m.ID {
					return x.Deliveries[0]
				}
			}
			o.Fatal("the message is gone")
			return bridge.Delivery{}
		}
		if d := state(first); d.State != bridge.Canceled || d.CarriedBy != mail.ID || !d.NextAt.Equal(mail.NextAt) {
			o.Errorf("while the later mail waits: %+v", d)
		}
		o.moves(mail.ID, bridge.Sending, "")
		o.moves(mail.ID, bridge.Queued, "") // the server asked to wait
		if d := state(first); d.State != bridge.Canceled {
			o.Errorf("it leaves on its own while the mail is tried again: %+v", d)
		}
		o.moves(mail.ID, bridge.Failed, "550")
		if d := state(first); d.State != bridge.Failed || o.row(conv).Failed != 2 {
			o.Errorf("after the mail failed: %+v, %d failures", d, o.row(conv).Failed)
		}
		if _, err := o.Retry(o.Context(), o.sam, state(first).ID); err != nil {
			o.Fatal(err)
		}
		again := o.messages(conv)
		ds := again[len(again)-1].Deliveries
		if len(ds) != 2 || ds[1].State != bridge.Queued || state(first).CarriedBy != ds[1].ID || o.row(conv).Failed != 0 {
			o.Fatalf("%+v, %+v, %d failures", ds, state(first), o.row(conv).Failed)
		}
		o.read(func(tx *data.Tx) error {
			said, err := tx.Carried(ds[1].ID)
			if len(said) != 2 || said[0].Body != "One" || said[1].Body != "Two" {
				o.Errorf("the new mail says %+v", said)
			}
			return err
		})
		o.moves(ds[1].ID, bridge.Sent, "")
		if d := state(first); d.State != bridge.Sent || !d.NextAt.IsZero() {
			o.Errorf("the first is not sent with it: %+v", d)
		}
	})
}
