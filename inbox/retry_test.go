package inbox_test

import (
	"errors"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// failing lets the next attempts be refused.
func (h *house) failing(n int) {
	h.post.mu.Lock()
	defer h.post.mu.Unlock()
	for range n {
		h.post.fault = append(h.post.fault, bridge.Outcome{Kind: bridge.Refused, Code: "30003"})
	}
}

// failed gives the failed delivery to an address.
func (h *house) failed(to string) (d bridge.Delivery) {
	h.Helper()
	h.read(func(tx *data.Tx) error {
		ds, err := tx.Deliveries(bridge.Failed, 100)
		for _, f := range ds {
			if f.To == to {
				d = f
			}
		}
		return err
	})
	if d.ID == 0 {
		h.Fatalf("nothing to %s has failed", to)
	}
	return d
}

func TestARetryGoesToWhomItWasFor(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv := h.talk(h.priya)
		ravi := h.contact("Ravi Sen", "+14155550151", "")
		h.write(func(tx *data.Tx) error {
			return tx.AddParticipant(bridge.Participant{Conversation: conv, Contact: ravi.ID, AddedAt: h.now()})
		})
		h.wants(h.priya, bridge.ToldByEmail)
		h.failing(2)
		h.says(conv, "a")
		h.settled()
		h.later(2 * time.Minute)
		h.settled()
		mail, text := h.failed(priyaMail), h.failed("+14155550151")
		// The mailbox is known as dead: nothing goes to nobody.
		h.write(func(tx *data.Tx) error {
			return tx.SetAddressProblem(bridge.Email, priyaMail, "There is no such mailbox")
		})
		_, err := h.in.Retry(t.Context(), h.sam, mail.ID)
		var no *bridge.Denied
		if !errors.As(err, &no) || no.Code != "no_email" {
			t.Errorf("a mail to nobody: %v", err)
		}
		// Her own STOP blocks nothing that is for him, nor what is for the team.
		h.write(func(tx *data.Tx) error {
			return tx.AddConsent(data.Consent{Line: 1, Channel: bridge.SMS, Value: priyaPhone, Out: true, Source: "keyword", At: h.now()})
		})
		before := len(h.to("+14155550151"))
		if _, err := h.in.Retry(t.Context(), h.sam, text.ID); err != nil || len(h.to("+14155550151")) != before+1 {
			t.Errorf("a text to another: %v", err)
		}
		h.failing(2) // the phone on duty, and the other one
		if _, err := h.in.PortalReply(t.Context(), h.priya.ID, intake.Draft{Conversation: conv, Body: "b"}); err != nil {
			t.Fatal(err)
		}
		h.settled()
		alert := h.failed(dutyPhone)
		before = len(h.to(dutyPhone))
		if _, err := h.in.Retry(t.Context(), h.sam, alert.ID); err != nil || len(h.to(dutyPhone)) != before+1 {
			t.Errorf("a text to the phone on duty: %v", err)
		}
	})
}

func TestOthersAreNotTextedAtNight(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv := h.talk(h.priya)
		ravi := h.contact("Ravi Sen", "+14155550151", "")
		h.write(func(tx *data.Tx) error {
			s, err := tx.Settings()
			if err != nil {
				return err
			}
			night := *s
			at := h.now().UTC() // it is always night now, for an hour
			night.QuietFrom, night.QuietUntil = (at.Hour()*60+at.Minute()+23*60)%(24*60), (at.Hour()*60+at.Minute()+60)%(24*60)
			if err := tx.PutSettings(&night); err != nil {
				return err
			}
			return tx.AddParticipant(bridge.Participant{Conversation: conv, Contact: ravi.ID, AddedAt: h.now()})
		})
		if _, err := h.in.PortalReply(t.Context(), h.priya.ID, intake.Draft{Conversation: conv, Body: "I cannot sleep"}); err != nil {
			t.Fatal(err)
		}
		if n := len(h.to("+14155550151")); n != 0 {
			t.Errorf("%d texts at night", n)
		}
		h.later(61 * time.Minute)
		if n := len(h.to("+14155550151")); n != 1 {
			t.Errorf("%d texts in the morning", n)
		}
	})
}

func TestSendingOnHoldHoldsMailsAndLinksToo(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.wants(h.priya, bridge.ToldByEmail)
		conv := h.talk(h.priya)
		h.says(conv, "a")
		if err := h.in.Hold(t.Context(), h.sam, conv, true); err != nil {
			t.Fatal(err)
		}
		h.later(10 * time.Minute)
		time.Sleep(100 * time.Millisecond)
		if n := len(h.post.all()); n != 0 {
			t.Errorf("%d left", n)
		}
		_, err := h.in.PortalReply(t.Context(), h.priya.ID, intake.Draft{Conversation: conv, Body: "b"})
		var no *bridge.Denied
		if !errors.As(err, &no) || no.Code != "on_hold" {
			t.Errorf("%v", err)
		}
		if err := h.in.Hold(t.Context(), h.sam, conv, false); err != nil {
			t.Fatal(err)
		}
		h.later(time.Second)
		h.until("it leaves", func() bool { return len(h.post.all()) == 1 })
	})
}
