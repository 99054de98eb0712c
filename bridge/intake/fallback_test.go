package intake_test

import (
	"testing"

	"porchlight/bridge"
	"porchlight/data"
)

// undelivered is the carrier's word that a text did not arrive.
func (o *office) undelivered(d bridge.Delivery, code string) {
	o.Helper()
	step, err := o.Receipt(o.Context(), bridge.SMS, bridge.Receipt{Token: d.Token, CarrierID: "SM" + d.Token, Status: "undelivered", Code: code, At: noon})
	if err != nil || step != bridge.Moved {
		o.Fatalf("%s %v", step, err)
	}
}

// deliveries of a message, as channel, address and state.
func (o *office) deliveries(m bridge.MessageID) (out []string) {
	o.Helper()
	o.read(func(tx *data.Tx) error {
		got, err := tx.Message(m)
		for _, d := range got.Deliveries {
			out = append(out, string(d.Channel)+" "+d.To+" "+string(d.State))
		}
		return err
	})
	return out
}

// mailbox gives the business one, and a contact an address for mails.
func (o *office) mailbox(c bridge.ContactID, address string) {
	o.Helper()
	o.settle(func(s *bridge.Settings) { s.PortalOn = true })
	o.write(func(tx *data.Tx) error {
		if _, err := tx.PutLine(bridge.Line{Channel: bridge.Email, Mailbox: "office@example.com", Name: "Office", Active: true}); err != nil {
			return err
		}
		_, err := tx.AddAddress(bridge.Address{Contact: c, Channel: bridge.Email, Value: address, Answerable: true}, noon)
		return err
	})
}

func TestTextThatFailedForGoodIsFollowedByAMail(t *testing.T) {
	eachOffice(t, func(o *office) {
		r := o.text(priya, "Hello")
		o.mailbox(o.address(priya).Contact, "priya@example.com")
		m := o.replies(r.Conversation, "Tomorrow at nine?")
		if len(m.Deliveries) != 1 || m.Deliveries[0].Channel != bridge.SMS {
			t.Fatalf("%+v", m.Deliveries)
		}
		o.undelivered(m.Deliveries[0], "30006")
		got := o.deliveries(m.ID)
		if len(got) != 2 || got[0] != "sms +14155550134 undelivered" || got[1] != "email priya@example.com queued" {
			o.Errorf("%q", got)
		}
		if c := o.row(r.Conversation); c.Failed != 1 || c.State != bridge.Open {
			o.Errorf("the failure is hidden: %+v", c)
		}
	})
}

func TestTextThatFailedIsNotFollowedWhereItWasReadOrNobodyWantsMail(t *testing.T) {
	for name, change := range map[string]func(o *office, m bridge.Message, c bridge.ContactID){
		"read in the portal meanwhile": func(o *office, m bridge.Message, c bridge.ContactID) {
			o.must(o.HaveInView(o.Context(), c, m.Conversation, []bridge.MessageID{m.ID}))
		},
		"portal switched off": func(o *office, _ bridge.Message, _ bridge.ContactID) {
			o.settle(func(s *bridge.Settings) { s.PortalOn = false })
		},
		"the kind tells nobody by mail": func(o *office, _ bridge.Message, _ bridge.ContactID) {
			o.settle(func(s *bridge.Settings) {
				s.Policy(bridge.KindCustomer).Tell = []bridge.Channel{bridge.Portal, bridge.SMS}
			})
		},
		"they want to hear of nothing": func(o *office, _ bridge.Message, c bridge.ContactID) {
			o.write(func(tx *data.Tx) error {
				who, err := tx.Contact(c)
				if err != nil {
					return err
				}
				who.Told = bridge.ToldNothing
				return tx.PutContact(who)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachOffice(t, func(o *office) {
				r := o.text(priya, "Hello")
				c := o.address(priya).Contact
				o.mailbox(c, "priya@example.com")
				m := o.replies(r.Conversation, "Tomorrow at nine?")
				change(o, m, c)
				o.undelivered(m.Deliveries[0], "30006")
				if got := o.deliveries(m.ID); len(got) != 1 {
					o.Errorf("%q", got)
				}
			})
		})
	}
}

func TestThatAMailFailedIsKeptAlsoWhereNoTextCanFollow(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.text(priya, "Hello")
		o.mailbox(o.address(priya).Contact, "priya@example.com")
		o.write(func(tx *data.Tx) error {
			c, err := tx.AddContact(bridge.Contact{Name: "Alex", Addresses: []bridge.Address{{Channel: bridge.SMS, Value: "+14155550135", Answerable: true}}}, noon)
			if err != nil {
				return err
			}
			conv, err := tx.CustomerConversation(c, 0, noon)
			if err != nil {
				return err
			}
			m, err := tx.AddMessage(bridge.Message{Conversation: conv, At: noon, Direction: bridge.Out, Channel: bridge.Portal, Author: bridge.Author{Kind: bridge.ByStaff, Name: "Sam"}, Body: "Hello"})
			if err != nil {
				return err
			}
			box, err := tx.Mailbox()
			if err != nil {
				return err
			}
			d, err := tx.AddDelivery(bridge.Delivery{Message: m.ID, Conversation: conv, Contact: c.ID, Channel: bridge.Email, Line: box.ID, To: "alex@example.com"}, noon)
			if err != nil {
				return err
			}
			if err := tx.RetireLines(); err != nil {
				return err
			}
			d.State = bridge.Failed
			if err := tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, noon); err != nil {
				return err
			}
			return o.FallBack(tx, d)
		})
	})
}
