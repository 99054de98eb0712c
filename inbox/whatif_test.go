package inbox_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// ask opens the page with a question and gives what it says.
func (b *browser) ask(q url.Values) string {
	b.Helper()
	q.Set("ask", "1")
	_, body := b.get("/settings/what-if?" + q.Encode())
	return body
}

func TestWhatHappensIfAnswersAsTheDoorsDo(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		maya, fay := f.hireOne("Maya Quinn", bridge.Finance), f.hireOne("Fay Foreman", bridge.Supervisor)
		doors := map[bridge.Action]func(bridge.Staff) error{
			bridge.DoReply: func(p bridge.Staff) error {
				_, err := f.in.Reply(t.Context(), p, intake.Draft{Conversation: f.conv, Body: "Hello"})
				return err
			},
			bridge.DoNote: func(p bridge.Staff) error {
				_, err := f.in.Note(t.Context(), p, intake.Draft{Conversation: f.conv, Body: "Seen"})
				return err
			},
			bridge.DoMarkUrgent: func(p bridge.Staff) error { return f.in.SetUrgent(t.Context(), p, f.conv, true) },
			bridge.DoChangeSettings: func(p bridge.Staff) error {
				return f.in.ChangeSettings(t.Context(), p, func(*bridge.Settings) error { return nil })
			},
		}
		hold := func() { must0(f.in.Hold(t.Context(), f.sam, f.conv, true)) }
		for _, before := range []func(){func() {}, func() {
			must0(f.in.ChangeSettings(t.Context(), f.sam, func(s *bridge.Settings) error { s.SupervisorsAnswer = false; return nil }))
		}, func() { must0(f.in.Assign(t.Context(), f.sam, f.conv, f.jo.ID)) }, hold, func() { f.text("STOP") }} {
			before()
			for _, p := range []bridge.Staff{f.sam, f.jo, maya, fay} {
				for do, door := range doors {
					said := f.asked(intake.Question{Staff: p.ID, Do: do, Conversation: f.conv}).Err()
					if done := door(p); fmt.Sprint(said) != fmt.Sprint(done) {
						t.Errorf("%s, %s: asked %v, done %v", p.Name, do, said, done)
					}
				}
			}
		}
	})
}

func must0(err error) {
	if err != nil {
		panic(err)
	}
}

func TestWhatHappensIfIsAnsweredInWords(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		if _, body := b.get("/settings/what-if"); !strings.Contains(body, "Jo Park, Apprentice") || !strings.Contains(body, "send a failed message again") || strings.Contains(body, "verdict") {
			t.Error("the empty form")
		}
		conv := fmt.Sprint(f.conv)
		body := b.ask(url.Values{"who": {fmt.Sprintf("s%d", f.jo.ID)}, "do": {"reply"}, "c": {conv}})
		for _, want := range []string{"No</p>", "They do not see this conversation", "Assign the conversation to them", "who sees a conversation of this kind", "May Jo Park reply"} {
			if !strings.Contains(body, want) {
				t.Errorf("no %q", want)
			}
		}
		if body := b.ask(url.Values{"who": {fmt.Sprintf("s%d", f.sam.ID)}, "do": {"reply"}, "c": {conv}}); !strings.Contains(body, "Yes</p>") || !strings.Contains(body, "the role") {
			t.Error("the owner's reply")
		}
		f.text("STOP")
		if body := b.ask(url.Values{"who": {fmt.Sprintf("s%d", f.sam.ID)}, "do": {"reply"}, "c": {conv}}); !strings.Contains(body, "texted STOP") || !strings.Contains(body, "consent and law") {
			t.Error("after STOP")
		}
		day := time.Now().AddDate(0, 0, -1)
		if body := b.ask(url.Values{"who": {fmt.Sprintf("s%d", f.sam.ID)}, "do": {"reply"}, "c": {conv}, "date": {day.Format("2006-01-02")}, "time": {"12:00"}}); !strings.Contains(body, "Yes</p>") {
			t.Error("the day before STOP")
		}
		f.text("START")
		start := url.Values{"who": {fmt.Sprintf("s%d", f.sam.ID)}, "do": {"start"}, "kind": {"customer"}, "with": {fmt.Sprint(f.priya().ID)}, "date": {"2030-03-04"}, "time": {"22:30"}}
		if body := b.ask(start); !strings.Contains(body, "Yes</p>") || !strings.Contains(body, `it leaves at <time datetime="2030-03-05T08:00:00Z">08:00 on Tue 5 Mar</time>`) {
			t.Error("in quiet hours")
		}
		start.Set("time", "12:30")
		if body := b.ask(start); !strings.Contains(body, "Yes</p>") || strings.Contains(body, "it leaves at") {
			t.Error("at noon")
		}
		if body := b.ask(url.Values{"who": {"system"}, "do": {"start"}, "kind": {"topic"}, "with": {fmt.Sprint(f.priya().ID)}, "about": {fmt.Sprint(f.project("Handover"))}}); !strings.Contains(body, "No</p>") || !strings.Contains(body, "May Porchlight itself start") {
			t.Error("the system")
		}
		if body := b.ask(url.Values{"who": {fmt.Sprintf("c%d", f.priya().ID)}, "do": {"see"}, "c": {conv}}); !strings.Contains(body, "Switch the portal on") {
			t.Error("the customer, with the portal off")
		}
		for what, q := range map[string]url.Values{
			"nobody": {"do": {"reply"}, "c": {conv}}, "an unknown action": {"who": {"system"}, "do": {"fly"}}, "no conversation": {"who": {"system"}, "do": {"reply"}},
			"no day": {"who": {"system"}, "do": {"see_people"}, "time": {"12:00"}}, "an unknown kind": {"who": {"system"}, "do": {"start"}, "kind": {"poem"}},
			"somebody unknown": {"who": {"s999"}, "do": {"see_people"}}, "a contact unknown": {"who": {"c999"}, "do": {"see_people"}},
			"a colleague unknown": {"who": {"system"}, "do": {"manage_team"}, "whom": {"999"}},
		} {
			if body := b.ask(q); problemIn(body) == "" || strings.Contains(body, "verdict") {
				t.Errorf("%s: %q", what, problemIn(body))
			}
		}
	})
}

func TestWhatHappensIfTellsNothingOfWhatTheAskerDoesNotSee(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		maya, fay := f.hireOne("Maya Quinn", bridge.Admin), f.hireOne("Fay Foreman", bridge.Supervisor)
		b.save("/settings/preset", url.Values{"preset": {"landlord"}})
		theirs, err := f.in.Start(t.Context(), maya, intake.Start{Kind: bridge.KindTeam, Colleague: fay.ID, Body: "Between us"})
		if err != nil {
			t.Fatal(err)
		}
		q := func(id bridge.ConversationID) url.Values {
			return url.Values{"who": {fmt.Sprintf("s%d", maya.ID)}, "do": {"reply"}, "c": {fmt.Sprint(id)}, "ask": {"1"}, "find": {"Maya"}}
		}
		hidden, one := b.get("/settings/what-if?" + q(theirs).Encode())
		missing, other := b.get("/settings/what-if?" + q(9999).Encode())
		if hidden.StatusCode != 404 || missing.StatusCode != 404 || problemIn(one) != problemIn(other) || problemIn(one) == "" {
			t.Errorf("%d %q, %d %q", hidden.StatusCode, problemIn(one), missing.StatusCode, problemIn(other))
		}
		if strings.Contains(one, "verdict") || strings.Contains(one, "Between us") || strings.Contains(one, fmt.Sprintf(`<option value="%d"`, theirs)) && strings.Contains(one, "Maya Quinn &amp; Fay") {
			t.Error("the page speaks of a conversation that the asker does not see")
		}
		if body := f.signedIn(maya.Email).ask(q(theirs)); !strings.Contains(body, "Yes</p>") {
			t.Error("a member asks")
		}
	})
}

func TestS4_20_21_22_TheReasonAndTheFixAreShown(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	quote := f.recordOf(bridge.Record{Type: bridge.Quote, Title: "Boiler"})
	q := url.Values{"who": {fmt.Sprintf("s%d", f.sam.ID)}, "do": {"start"}, "kind": {"job"}, "with": {fmt.Sprint(f.priya().ID)}, "about": {fmt.Sprint(quote)}}
	if body := b.ask(q); !strings.Contains(body, "The customer portal is off") || !strings.Contains(body, "Switch the portal on in the settings") {
		t.Error("20: the portal is off")
	}
	form := general(f.decided())
	form.Set("portal_on", "1")
	b.save("/settings", form)
	if body := b.ask(q); !strings.Contains(body, "This quote has not been sent to the portal") || !strings.Contains(body, "Send the quote to the portal first") {
		t.Error("21: the quote is not sent")
	}
	tradie := f.hireOne("Lee Moss", bridge.Tradie)
	q.Set("who", fmt.Sprintf("s%d", tradie.ID))
	if body := b.ask(q); !strings.Contains(body, "Your role does not start conversations") || !strings.Contains(body, "Ask the office to start it") {
		t.Error("22: the role")
	}
}
