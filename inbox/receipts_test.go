package inbox_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// What the team sees of how far a message has come, and what it can do about it.

// withPortal opens the portal and connects a mailbox; the customer gets an email.
func (f *office) withPortal() {
	f.Helper()
	f.settings(func(s *bridge.Settings) { s.PortalOn = true })
	f.write(func(tx *data.Tx) error {
		_, err := tx.PutLine(bridge.Line{Channel: bridge.Email, Mailbox: "office@brightwater.example", Name: "Mail", Active: true})
		return err
	})
	f.must(f.in.AddEmail(f.Context(), f.sam, f.conv, "priya@example.com"))
}

func (f *office) write(fn func(*data.Tx) error) {
	f.Helper()
	f.must(f.store.Write(f.Context(), fn))
}

func (f *office) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *office) says(body string, by bridge.Channel) bridge.Message {
	f.Helper()
	m, err := f.in.Reply(f.Context(), f.sam, intake.Draft{Conversation: f.conv, Body: body, By: by})
	f.must(err)
	return m
}

// arrives brings a delivery to a state, as the outbox and the carrier do.
func (f *office) arrives(d bridge.Delivery, to bridge.DeliveryState, code string) {
	f.Helper()
	f.write(func(tx *data.Tx) error {
		was := d.State
		d.State, d.Code, d.NextAt = to, code, time.Time{}
		return tx.SaveDelivery(d, was, bridge.Failure{}, time.Now())
	})
}

var tags = regexp.MustCompile(`(?s)<(script|svg).*?</(script|svg)>|<[^>]*>`)

// shown is a page as people read it.
func (b *browser) shown(path string) (*http.Response, string) {
	b.Helper()
	r, page := b.get(path)
	return r, html.UnescapeString(page)
}

// bubble is what the page says of one message, without its tags.
func (b *browser) bubble(m bridge.MessageID) string {
	b.Helper()
	_, page := b.shown(b.page(""))
	_, rest, ok := strings.Cut(page, fmt.Sprintf(`id="m-%d"`, m))
	if !ok {
		b.Fatalf("message %d is not on the page", m)
	}
	rest, _, _ = strings.Cut(rest, `<li class="msg`)
	rest, _, _ = strings.Cut(rest, `<form class="composer"`)
	return strings.Join(strings.Fields(tags.ReplaceAllString(rest, " ")), " ") + rest[:strings.IndexByte(rest, '>')]
}

func (b *browser) bubbleSays(m bridge.MessageID, want ...string) {
	b.Helper()
	got := b.bubble(m)
	for _, w := range want {
		if has := strings.Contains(got, strings.TrimPrefix(w, "!")); has == strings.HasPrefix(w, "!") {
			b.Errorf("%q in the bubble: %s", w, got)
		}
	}
}

func TestS1_9_20_AMessageShowsWhenItWasDeliveredAndRead(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.withPortal()
		b, priya := f.signedIn("sam@example.com"), f.priya()
		m := f.says("On my way", bridge.SMS)
		b.bubbleSays(m.ID, "Queued", "!Read")
		f.arrives(m.Deliveries[0], bridge.Delivered, "")
		b.bubbleSays(m.ID, "Delivered "+time.Now().UTC().Format("15:"), `data-state="delivered"`, "Text queued for +1 415 555 0134", "!Read") // a text is never read by itself
		f.must(f.in.HaveInView(t.Context(), priya.ID, f.conv, []bridge.MessageID{m.ID}))
		b.bubbleSays(m.ID, "Read "+time.Now().UTC().Format("15:"), `data-state="read"`, "+1 415 555 0134 read it")

		silent := f.says("For the portal", bridge.Portal)
		b.bubbleSays(silent.ID, "In the portal")
		f.must(f.in.HaveShown(t.Context(), priya.ID, f.conv))
		b.bubbleSays(silent.ID, "Delivered ", "!Read")
	})
}

func TestS3_14_AMailSaysWhenItLeavesAndThatItWasNotNeeded(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.withPortal()
		b, priya := f.signedIn("sam@example.com"), f.priya()
		first := f.says("One", bridge.Email)
		b.bubbleSays(first.ID, "Email leaves at ", "Email queued for priya@example.com")
		second := f.says("Two", bridge.Email)
		b.bubbleSays(first.ID, "Email leaves at ", "The next email says this too")
		f.must(f.in.HaveInView(t.Context(), priya.ID, f.conv, []bridge.MessageID{first.ID, second.ID}))
		f.arrives(second.Deliveries[0], bridge.Canceled, "")
		for _, m := range []bridge.Message{first, second} {
			b.bubbleSays(m.ID, "Read ", "Email not needed: read in the portal", `data-state="read"`)
		}
		third := f.says("Three", bridge.Email)
		f.arrives(third.Deliveries[0], bridge.Sent, "")
		b.bubbleSays(third.ID, "Email sent")
		fourth := f.says("Four", bridge.Email)
		f.arrives(fourth.Deliveries[0], bridge.Failed, "550")
		b.bubbleSays(fourth.ID, "Email not delivered", "Text instead", "Dealt with")
	})
}

func TestSeveralWhoTakePartAreToldAndShownOneByOne(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.withPortal()
	b, priya := f.signedIn("sam@example.com"), f.priya()
	dev := f.person("Dev Anand", bridge.Customer, "+14155550177")
	f.write(func(tx *data.Tx) error {
		return tx.AddParticipant(bridge.Participant{Conversation: f.conv, Contact: dev.ID, AddedAt: time.Now()})
	})
	if _, page := b.shown(b.page("")); !strings.Contains(page, "Shows in the portal + text to +1 415 555 0134, and 1 other is told") {
		t.Error("the composer does not say that another is told")
	}
	m := f.says("Both of you", "")
	if len(m.Deliveries) != 2 {
		t.Fatalf("%+v", m.Deliveries)
	}
	f.arrives(m.Deliveries[0], bridge.Delivered, "")
	f.arrives(m.Deliveries[1], bridge.Failed, "30006")
	b.bubbleSays(m.ID, "Not delivered", "The text to Dev Anand did not arrive: Landline", "Text queued for Dev Anand, +1 415 555 0177", "!instead")
	f.must(f.in.HaveInView(t.Context(), dev.ID, f.conv, []bridge.MessageID{m.ID}))
	b.bubbleSays(m.ID, "Read by Dev Anand", "Dev Anand read it", `data-state="failed"`)
	f.must(f.in.HaveInView(t.Context(), priya.ID, f.conv, []bridge.MessageID{m.ID}))
	b.bubbleSays(m.ID, "Read by all 2")
}

func TestS1_3_WhatComesByThePortalReachesThePhoneOnDutyAndTheInboxAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.withPortal()
		f.in.OnDuty = []bridge.Phone{"+14155550190"}
		b, priya := f.signedIn("sam@example.com"), f.priya()
		m, err := f.in.PortalReply(t.Context(), priya.ID, intake.Draft{Conversation: f.conv, Body: "The pilot light is out"})
		f.must(err)
		var alert bridge.Delivery
		f.read(func(tx *data.Tx) error {
			m, err := tx.Message(m.ID)
			if len(m.Deliveries) != 1 {
				t.Fatalf("%+v", m.Deliveries)
			}
			alert = m.Deliveries[0]
			return err
		})
		if alert.Purpose != bridge.ForAlert || alert.To != "+14155550190" || alert.Contact != 0 {
			t.Errorf("%+v", alert)
		}
		if _, list := b.get("/inbox"); !strings.Contains(list, "The pilot light is out") {
			t.Error("the inbox does not have it")
		}
		f.arrives(alert, bridge.Undelivered, "30003")
		b.bubbleSays(m.ID, "The text to the phone on duty did not arrive", "Try again", "Dealt with", "Text queued for the phone on duty, +1 415 555 0190", "!Not delivered </", `data-state=""`)
		b.write(func(tx *data.Tx) error { // what stops texts to the customer does not stop word to the team
			return tx.AddConsent(data.Consent{Line: alert.Line, Channel: bridge.SMS, Value: "+14155550134", Out: true, Source: "text", At: time.Now()})
		})
		if r, _ := b.post(fmt.Sprintf("/inbox/d/%d/retry", alert.ID), nil); r.StatusCode != 303 {
			t.Errorf("try again: %d", r.StatusCode)
		}
		b.bubbleSays(m.ID, "!did not arrive")
	})
}

func TestS4_15_TheClientIsEmailedOfEachMessage(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.withPortal()
		b, priya := f.signedIn("sam@example.com"), f.priya()
		job := f.record(bridge.Job, "1042", priya.ID)
		id, err := f.in.Start(t.Context(), f.sam, intake.Start{Kind: bridge.KindJob, Contact: priya.ID, Record: job.ID, Body: "We start on Monday"})
		f.must(err)
		f.conv = id
		if _, page := b.shown(b.page("")); !strings.Contains(page, "Shows in the portal + email to priya@example.com") {
			t.Error("the composer does not say that the client is emailed")
		}
		f.says("At eight", "")
		f.read(func(tx *data.Tx) error {
			ms, err := tx.Messages(id, 0, 10)
			n := 0
			for _, m := range ms {
				for _, d := range m.Deliveries {
					if n++; d.Channel != bridge.Email || d.To != "priya@example.com" || d.Contact != priya.ID {
						t.Errorf("%+v", d)
					}
				}
			}
			if n != 2 {
				t.Errorf("%d mails for two messages", n)
			}
			return err
		})
	})
}

func TestTheComposerSaysWhatWillHappenAndTakesAnotherWay(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		has := func(want ...string) {
			t.Helper()
			_, page := b.shown(b.page(""))
			for _, w := range want {
				if strings.Contains(page, strings.TrimPrefix(w, "!")) == strings.HasPrefix(w, "!") {
					t.Errorf("the composer and %q", w)
				}
			}
		}
		has("Text to +1 415 555 0134 from +1 415 555 0100", `!value="email"`)
		f.withPortal()
		has("Shows in the portal + text to +1 415 555 0134", "Shows in the portal + email to priya@example.com", "Only in the portal: they are not told")
		if r, _ := b.post(b.page("/reply"), url.Values{"body": {"By mail"}, "channel": {"email"}}); r.StatusCode != 303 {
			t.Fatalf("by email: %d", r.StatusCode)
		}
		f.read(func(tx *data.Tx) error {
			ms, err := tx.Messages(f.conv, 0, 10)
			m := ms[len(ms)-1]
			if len(m.Deliveries) != 1 || m.Deliveries[0].Channel != bridge.Email || m.Channel != bridge.Portal {
				t.Errorf("%+v", m)
			}
			return err
		})
		has(`value="reply" data-by="sms"`) // the choice was for one message
		f.text("STOP")
		has("They texted STOP, so texts to this number are blocked", `value="reply" data-by="email"`, "Answers go by email", "!data-blocked")
		if r, body := b.post(b.page("/reply"), url.Values{"body": {"Anyway"}, "channel": {"sms"}}); r.StatusCode != 422 || !strings.Contains(body, "texted STOP") {
			t.Errorf("a text to who texted STOP: %d", r.StatusCode)
		}
		none := bridge.ToldNothing
		must(f.in.EditContact(t.Context(), f.sam, f.priya().ID, intake.ContactChange{Told: &none}))
		has("Only in the portal: they want no messages")
	})
}

func TestWhatTheTeamHasReadStaysReadForTheCustomer(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.withPortal()
		b, priya := f.signedIn("sam@example.com"), f.priya()
		m, err := f.in.PortalReply(t.Context(), priya.ID, intake.Draft{Conversation: f.conv, Body: "Are you coming?"})
		f.must(err)
		read := func(want bool) {
			t.Helper()
			f.read(func(tx *data.Tx) error {
				m, err := tx.Message(m.ID)
				got := len(m.Views) == 1 && m.Views[0].Staff == f.sam.ID && m.Views[0].Name == "Sam Ortiz" && !m.Views[0].ReadAt.IsZero()
				if got != want {
					t.Errorf("read by Sam: %v, %+v", got, m.Views)
				}
				return err
			})
		}
		read(false)
		b.post(b.page("/read"), url.Values{"upto": {fmt.Sprint(m.ID)}})
		read(true)
		b.bubbleSays(m.ID, "Sam Ortiz read it")
		b.post(b.page("/unread"), nil)
		read(true) // what was seen was seen
	})
}

func TestTheOfficeSendsALinkAndEndsAllAccess(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b, priya := f.signedIn("sam@example.com"), f.priya()
		if r, body := b.post(contactPath(priya)+"/link", nil); r.StatusCode != 422 || !strings.Contains(body, "The customer portal is off") {
			t.Errorf("while the portal is off: %d", r.StatusCode)
		}
		f.withPortal()
		for _, path := range []string{contactPath(priya) + "/link", b.page("/link")} {
			if r, _ := b.post(path, nil); r.StatusCode != 303 {
				t.Errorf("%s: %d", path, r.StatusCode)
			}
		}
		f.write(func(tx *data.Tx) error { // the links leave, and one is used
			now := time.Now()
			for _, hash := range []string{"a", "b"} {
				f.must(tx.AddPortalLink(hash, data.PortalLink{Contact: priya.ID, Channel: bridge.SMS, Address: "+14155550134", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}))
			}
			return tx.AddPortalSession("s", data.PortalSession{Contact: priya.ID, CreatedAt: now, ExpiresAt: now.Add(time.Hour), Device: "Phone"})
		})
		for _, path := range []string{contactPath(priya), b.page("")} {
			if _, page := b.shown(path); !strings.Contains(page, "Last seen") || !strings.Contains(page, "Send portal link") {
				t.Errorf("%s does not say when they were last seen", path)
			}
		}
		if r, _ := b.post(contactPath(priya)+"/end-portal", nil); r.StatusCode != 303 {
			t.Errorf("end: %d", r.StatusCode)
		}
		_, page := b.shown(b.page(""))
		for _, say := range []string{"Sam Ortiz sent a link into the portal to +1 415 555 0134", "Sam Ortiz ended all of"} {
			if !strings.Contains(page, say) {
				t.Errorf("the history does not say %q", say)
			}
		}
		if strings.Contains(page, "Last seen") {
			t.Error("the panel does not forget the access that was ended")
		}
		jo := f.signedIn("jo@example.com")
		for _, path := range []string{"/link", "/end-portal"} {
			if r, _ := jo.post(contactPath(priya)+path, nil); r.StatusCode != 403 {
				t.Errorf("an apprentice: %s: %d", path, r.StatusCode)
			}
		}
	})
}

func contactPath(c bridge.Contact) string { return fmt.Sprintf("/people/%d", c.ID) }

func TestTheOfficeKeepsHowAContactIsToldAndTheirEmails(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.withPortal()
	b, priya := f.signedIn("sam@example.com"), f.priya()
	b.save(contactPath(priya), url.Values{"name": {"Priya Raman"}, "notify": {"both"}, "language": {"es"}})
	if c := f.priya(); c.Told != bridge.ToldByBoth || c.Language != "es" {
		t.Errorf("%+v", c)
	}
	for field, value := range map[string]string{"notify": "pigeon", "language": "tlh"} {
		if r, _ := b.post(contactPath(priya), url.Values{field: {value}}); r.StatusCode != 422 {
			t.Errorf("%s: %d", value, r.StatusCode)
		}
	}
	b.save(b.page("/address"), url.Values{"phone": {"Priya@Work.example"}})
	f.write(func(tx *data.Tx) error {
		return tx.SetAddressProblem(bridge.Email, "priya@example.com", "Their mailbox refused it")
	})
	_, page := b.shown(b.page(""))
	for _, say := range []string{"Text + email", "Mailbox refused it", "email to priya@work.example", "By text and email", "Spanish"} {
		if !strings.Contains(page, say) {
			t.Errorf("the page does not say %q", say)
		}
	}
}

func TestAKindSaysHowTheTeamIsToldAndWhetherTextsCarryALink(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.withPortal()
	b := f.signedIn("sam@example.com")
	form := kindForm(*f.decided().Policy(bridge.KindCustomer))
	form["alert"], form["link"] = []string{"sms", "email"}, []string{"1"}
	b.save("/settings/kinds/customer", form)
	if p := f.decided().Policy(bridge.KindCustomer); !p.Link || !p.Alerts(bridge.SMS) || !p.Alerts(bridge.Email) {
		t.Errorf("%+v", p)
	}
	if _, page := b.shown(b.page("")); !strings.Contains(page, "Shows in the portal + text with a link to +1 415 555 0134") {
		t.Error("the composer does not say that the text is a link")
	}
	asked := html.UnescapeString(b.ask(url.Values{"who": {fmt.Sprintf("s%d", f.sam.ID)}, "do": {"reply"}, "c": {fmt.Sprint(f.conv)}}))
	if !strings.Contains(asked, "Yes</p>") || !strings.Contains(asked, "text with a link to +1 415 555 0134") {
		t.Error("what happens if does not say what it does")
	}
	if _, page := b.get("/settings/kinds"); !strings.Contains(page, "Inbox, text, email") || !strings.Contains(page, "with a link") {
		t.Error("the list of kinds does not say it")
	}
	form["tell"] = []string{"sms"}
	if r, body := b.post("/settings/kinds/customer", form); r.StatusCode != 422 || !strings.Contains(problemIn(body), "A link leads into the portal") {
		t.Errorf("a link to nowhere: %d %s", r.StatusCode, problemIn(body))
	}
	form["tell"], form["alert"] = []string{"portal", "sms"}, []string{"portal"}
	if r, _ := b.post("/settings/kinds/customer", form); r.StatusCode != 422 {
		t.Errorf("an alert by portal: %d", r.StatusCode)
	}
}

func TestTheAPIShowsWhoHadAndReadAMessage(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.withPortal()
	priya := f.priya()
	m := f.says("On my way", bridge.SMS)
	f.must(f.in.HaveInView(t.Context(), priya.ID, f.conv, []bridge.MessageID{m.ID}))
	all := f.want(200, "GET", fmt.Sprintf("/conversations/%d/messages", f.conv), "").body
	for _, say := range []string{`"read_at":"`, fmt.Sprintf(`"contact_id":"%d"`, priya.ID), `"purpose":"message"`, `"channel":"sms"`} {
		if !strings.Contains(all, say) {
			t.Errorf("no %s in %s", say, all)
		}
	}
	at := fmt.Sprintf("/contacts/%d", priya.ID)
	changed := f.want(200, "PATCH", at, `{"notify":"email","language":"es"}`).body
	if !strings.Contains(changed, `"notify":"email"`) || !strings.Contains(changed, `"language":"es"`) {
		t.Errorf("%s", changed)
	}
	f.want(422, "PATCH", at, `{"notify":"pigeon"}`)
	if one := f.want(200, "GET", at, "").body; !strings.Contains(one, `"portal":{"links":0,"devices":0}`) {
		t.Errorf("%s", one)
	}
	sent := f.want(201, "POST", fmt.Sprintf("/conversations/%d/messages", f.conv), `{"body":"In the portal","by":"portal"}`).body
	if strings.Contains(sent, "deliveries") {
		t.Errorf("%s", sent)
	}
	if again := f.want(200, "PATCH", at, `{"notify":null}`).body; !strings.Contains(again, `"notify":""`) {
		t.Errorf("%s", again)
	}
}
