package inbox_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
	"porchlight/data/datatest"
)

const (
	anasPhone = "+14155550141"
	tomsPhone = "+14155550142"
)

func TestAReceptionistAnswersUnderItsHoldAndSaysFirstThatItIsNoPerson(t *testing.T) {
	eachDesk(t, func(d *desk) {
		conv, first := d.texts(anasPhone, "My tap leaks")
		h := d.hears(1)
		if h.Type != "message.created" || h.Data.ConversationID != fmt.Sprint(conv) || h.Data.Message == nil || h.Data.Message.ID != fmt.Sprint(first) ||
			h.Data.Message.Body != "My tap leaks" || h.Data.Message.From != "contact" || h.Data.AnswerBy == nil || len(h.Data.History) != 0 {
			t.Errorf("%+v", h)
		}
		if want := d.url + "/api/v1/conversations/" + fmt.Sprint(conv); h.Data.ReplyURL != want+"/messages" || h.Data.HandoffURL != want+"/handoff" {
			t.Errorf("%+v", h.Data)
		}
		if !d.row(conv).AIHandoff && d.row(conv).Hold == 0 {
			t.Error("it does not hold the conversation")
		}
		for n, body := range []string{"Where is it?", "Since when?"} {
			if a := d.answers(h, body, fmt.Sprint(n)); a.status != 201 || !strings.Contains(a.body, `"author_kind":"ai"`) {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		d.takesOver(conv)
		d.givesBack(conv)
		h = d.hears(2)
		if a := d.answers(h, "Here I am again", ""); a.status != 201 {
			t.Errorf("%d %s", a.status, a.body)
		}
		d.until("three texts arrived", func() bool { return len(d.handset(anasPhone)) == 3 })
		if got := d.handset(anasPhone); got[0] != introducing+"Where is it?" || got[1] != "Since when?" || got[2] != introducing+"Here I am again" {
			t.Errorf("%q", got)
		}
		for _, m := range by(bridge.ByAI, d.said(conv)) {
			if m.Author.Name != robotsName || m.Direction != bridge.Out {
				t.Errorf("%+v", m)
			}
		}
		if row := d.row(conv); row.Failed != 0 || row.Hold == 0 {
			t.Errorf("%+v", row)
		}
	})
}

func TestAReceptionistsTextThatWaitsForAnotherTryNeverLeavesAfterATakeover(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.sim.FailNext(1, http.StatusTooManyRequests)
		conv, _ := d.texts(anasPhone, "My tap leaks")
		if a := d.answers(d.hears(1), "Where is it?", ""); a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		m := by(bridge.ByAI, d.said(conv))[0]
		d.until("it waits for another try", func() bool { x := d.delivery(m.ID); return x.State == bridge.Queued && x.Attempts == 1 })
		d.takesOver(conv)
		if x := d.delivery(m.ID); x.State != bridge.Canceled || x.Detail != "a person took over before it left" || x.SettledAt.IsZero() {
			t.Errorf("right after the takeover: %+v", x)
		}
		d.becomes(d.replies(conv, "Sam here").ID, bridge.Delivered) // and does not stand in line behind it
		d.later(24 * time.Hour)
		d.becomes(d.replies(conv, "Are you there?").ID, bridge.Delivered) // so the outbox has looked again
		if got := d.handset(anasPhone); len(got) != 2 || got[0] != "Sam here" {
			t.Errorf("%q", got)
		}
		if a := d.want(200, "GET", fmt.Sprintf("/conversations/%d/messages", conv), ""); !strings.Contains(a.body, `"state":"canceled"`) {
			t.Errorf("not shown so: %s", a.body)
		}
		if _, page := d.signedIn("sam@example.com").get(fmt.Sprintf("/inbox/c/%d", conv)); !strings.Contains(page, "Not sent") {
			t.Error("the inbox does not say that it was not sent")
		}
		if row := d.row(conv); row.Failed != 0 {
			t.Errorf("it counts as a failure: %+v", row)
		}
	})
}

func TestAReceptionistsTextThatWaitsDoesNotLeaveAfterAPersonClosed(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.sim.FailNext(1, http.StatusTooManyRequests)
		conv, _ := d.texts(anasPhone, "My tap leaks")
		d.answers(d.hears(1), "Where is it?", "")
		m := by(bridge.ByAI, d.said(conv))[0]
		d.until("it waits for another try", func() bool { x := d.delivery(m.ID); return x.State == bridge.Queued && x.Attempts == 1 })
		d.closes(conv)
		if x := d.delivery(m.ID); x.State != bridge.Canceled {
			t.Errorf("after it was closed: %+v", x)
		}
	})
}

func TestAReceptionistsTextAtTheCarrierDuringATakeoverIsNotTriedAgain(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.sim.Script(smstest.Fault{Status: http.StatusTooManyRequests, Code: 20429, Delay: 300 * time.Millisecond})
		conv, _ := d.texts(anasPhone, "My tap leaks")
		d.answers(d.hears(1), "Where is it?", "")
		m := by(bridge.ByAI, d.said(conv))[0]
		d.until("it is at the carrier", func() bool { return d.delivery(m.ID).State == bridge.Sending })
		d.takesOver(conv)
		d.until("the carrier has refused it", func() bool { return d.delivery(m.ID).State != bridge.Sending })
		d.later(time.Minute)
		d.becomes(m.ID, bridge.Canceled)
		if got := d.handset(anasPhone); len(got) != 0 {
			t.Errorf("%q", got)
		}
	})
}

func TestAReceptionistsTextThatWaitsForTheLinesPaceNeverLeavesAfterATakeover(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.write(func(tx *data.Tx) error {
			_, err := tx.PutLine(bridge.Line{Phone: deskLine, Name: "Main", Active: true, Pace: 0.01})
			return err
		})
		other, _ := d.texts(tomsPhone, "Hello")
		d.hears(1)
		d.becomes(d.replies(other, "This takes the line for 100 s").ID, bridge.Delivered)
		conv, _ := d.texts(anasPhone, "My tap leaks")
		d.answers(d.hears(2), "Where is it?", "")
		m := by(bridge.ByAI, d.said(conv))[0]
		if x := d.delivery(m.ID); x.State != bridge.Queued || x.Attempts != 0 {
			t.Fatalf("it does not wait: %+v", x)
		}
		d.takesOver(conv)
		d.becomes(m.ID, bridge.Canceled)
		d.later(2 * time.Minute)
		d.becomes(d.replies(conv, "Sam here").ID, bridge.Delivered)
		if got := d.handset(anasPhone); len(got) != 1 || got[0] != "Sam here" {
			t.Errorf("%q", got)
		}
	})
}

func TestAReceptionistsTextLeavesThoughItHasHandedOverMeanwhile(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.sim.FailNext(1, http.StatusTooManyRequests)
		conv, _ := d.texts(anasPhone, "I want a person")
		h := d.hears(1)
		d.answers(h, "Somebody will call you", "")
		m := by(bridge.ByAI, d.said(conv))[0]
		d.until("it waits for another try", func() bool { x := d.delivery(m.ID); return x.State == bridge.Queued && x.Attempts == 1 })
		body := `{"summary":"Wants a person","reason":"They asked for one","intent":"Leaking tap","urgency":"high","callback_number":"+14155550141","fields":{"Postcode":"94110"}}`
		for range 2 { // saying it again changes nothing
			if a := d.handsOff(h, body); a.status != 204 {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		d.later(time.Minute)
		d.becomes(m.ID, bridge.Delivered)
		if got := d.handset(anasPhone); len(got) != 1 || got[0] != introducing+"Somebody will call you" {
			t.Errorf("%q", got)
		}
		row, card := d.row(conv), d.card(conv)
		if row.Hold != 0 || row.State != bridge.Open || !row.AIHandoff || !row.Urgent || row.Failed != 0 || d.hold(1).End != bridge.HoldHanded {
			t.Errorf("%+v", row)
		}
		if card.Summary != "Wants a person" || card.Intent != "Leaking tap" || card.Reason != "They asked for one" || len(card.Facts) != 1 {
			t.Errorf("%+v", card)
		}
		if n := strings.Count(fmt.Sprint(d.said(conv)), "Wants a person"); n != 1 {
			t.Errorf("the card stands there %d times", n)
		}
		if a := d.answers(h, "One more thing", ""); a.status != 409 || a.Code != "taken_over" || !strings.Contains(a.Detail, "handed over") {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

// handedOver wants a conversation to be people's, with a card, and no failure to count.
func (d *desk) handedOver(conv bridge.ConversationID, hold bridge.HoldID, end bridge.HoldEnd) {
	d.Helper()
	d.until("it is handed over", func() bool { return d.row(conv).Hold == 0 })
	row, card, h := d.row(conv), d.card(conv), d.hold(hold)
	if h.End != end || h.EndedAt.IsZero() || card.Reason != end.Title() {
		d.Errorf("the hold ended as %q, the card says %q, want %q", h.End, card.Reason, end)
	}
	if row.State != bridge.Open || !row.AIHandoff || row.Failed != 0 || row.NeedsAttention() {
		d.Errorf("%+v", row)
	}
	a := d.want(200, "GET", fmt.Sprintf("/conversations/%d", conv), "")
	if !strings.Contains(a.body, `"tags":["ai_handoff"]`) || strings.Contains(a.body, "held_by_ai") || !strings.Contains(a.body, `"failed":0`) {
		d.Errorf("%s", a.body)
	}
	if cards := strings.Count(d.want(200, "GET", fmt.Sprintf("/conversations/%d/messages", conv), "").body, `"provider":"porchlight"`); cards != 1 {
		d.Errorf("%d cards", cards)
	}
}

func TestASilentReceptionistLosesTheConversationToPeople(t *testing.T) {
	eachDesk(t, func(d *desk) {
		conv, _ := d.texts(anasPhone, "My tap leaks")
		h := d.hears(1)
		d.until("it has heard", func() bool { return d.toldOf(conv)[0].State == bridge.Sent })
		d.later(59 * time.Second)
		d.texts(anasPhone, "Hello?") // does not give it more time
		d.hears(2)
		if d.row(conv).Hold == 0 {
			t.Fatal("it had time until 60 s")
		}
		d.later(time.Second)
		d.handedOver(conv, 1, bridge.HoldSilent)
		if a := d.answers(h, "Sorry, I was asleep", ""); a.status != 409 || a.Code != "taken_over" || !strings.Contains(a.Detail, "did not answer in time") {
			t.Errorf("%d %s", a.status, a.body)
		}
		d.texts(anasPhone, "Anybody?") // it is people's, and not the receptionist's again at once
		if row := d.row(conv); row.Hold != 0 {
			t.Errorf("%+v", row)
		}
		d.later(12 * time.Hour)
		d.texts(anasPhone, "Anybody at all?") // now it may try again
		d.hears(3)
		if row := d.row(conv); row.Hold != 2 {
			t.Errorf("%+v", row)
		}
	})
}

func TestAReceptionistThatAnsweredOneMessageStillOwesTheNext(t *testing.T) {
	eachDesk(t, func(d *desk) {
		second := make(chan struct{})
		d.bot.says(func(h heard) int {
			if h.Data.Message.Body == "My tap leaks" {
				<-second // while it hears of the first, the second comes
				if a := d.answers(h, "Where is it?", h.Webhook); a.status != 201 {
					t.Errorf("%d %s", a.status, a.body)
				}
			}
			return 204
		})
		conv, _ := d.texts(anasPhone, "My tap leaks")
		d.texts(anasPhone, "And it smells of gas")
		close(second)
		d.hears(2)
		d.later(time.Minute)
		d.handedOver(conv, 1, bridge.HoldSilent)
	})
}

func TestAReceptionistThatAnsweredEverythingIsLeftInPeace(t *testing.T) {
	eachDesk(t, func(d *desk) {
		conv, _ := d.texts(anasPhone, "My tap leaks")
		d.texts(anasPhone, "In the kitchen")
		h := d.hears(2)
		d.answers(h, "We come tomorrow", "")
		d.later(time.Hour)
		other, _ := d.texts(tomsPhone, "Hello") // whom it leaves alone, so the clock was looked at
		d.hears(3)
		d.later(time.Minute)
		d.handedOver(other, 2, bridge.HoldSilent)
		if d.row(conv).Hold != 1 {
			t.Error("it lost what it had answered")
		}
	})
}

func TestAReceptionistThatCannotBeToldLosesTheConversationToPeople(t *testing.T) {
	status := func(s int) func(heard) int { return func(heard) int { return s } }
	for name, c := range map[string]struct {
		does   func(heard) int // nil: nobody listens there
		after  time.Duration
		atOnce bool
	}{
		"its server is broken until the time is over": {status(503), time.Minute, false},
		"its server is busy until the time is over":   {status(429), time.Minute, false},
		"its server does not know the address":        {status(404), 0, true},
		"its server forbids it":                       {status(401), 0, true},
		"its server sends us elsewhere":               {status(307), 0, true},
		"nobody listens":                              {nil, time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			datatest.EachOptions(t, func(t *testing.T, o data.Options) {
				plan := deskPlan{}
				if c.does == nil {
					plan.botURL = nobodyThere(t)
				}
				d := newDesk(t, o, plan)
				d.bot.says(c.does)
				conv, _ := d.texts(anasPhone, "My tap leaks")
				if !c.atOnce {
					d.until("it was tried", func() bool { x := d.toldOf(conv)[0]; return x.State == bridge.Queued && x.Attempts > 0 })
					d.later(8 * time.Second)
					d.until("it was tried again", func() bool { x := d.toldOf(conv)[0]; return x.State == bridge.Queued && x.Attempts > 1 })
					if d.row(conv).Hold == 0 {
						t.Fatal("it was given up too early")
					}
				}
				d.later(c.after)
				d.handedOver(conv, 1, bridge.HoldBroken)
				if c.atOnce && len(d.bot.all()) != 1 {
					t.Errorf("told %d times", len(d.bot.all()))
				}
				for _, h := range d.bot.all() {
					if h.Webhook != d.bot.all()[0].Webhook || strings.Contains(h.Raw, "elsewhere") {
						t.Errorf("the same word came under %s and %s", h.Webhook, d.bot.all()[0].Webhook)
					}
				}
			})
		})
	}
}

// nobodyThere is an address at which nobody listens.
func nobodyThere(t *testing.T) string {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return "http://" + l.Addr().String() + "/hook"
}

func TestAWordThatIsSaidAgainHasTheSameID(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.bot.says(func(heard) int {
			if len(d.bot.all()) == 0 {
				return 500
			}
			return 200
		})
		conv, _ := d.texts(anasPhone, "My tap leaks")
		d.until("the first try is over", func() bool { return d.toldOf(conv)[0].State == bridge.Queued })
		d.later(2 * time.Second)
		d.hears(2)
		d.texts(anasPhone, "In the kitchen")
		d.hears(3)
		got := d.bot.all()
		if got[0].Webhook != got[1].Webhook || got[1].Webhook == got[2].Webhook || !strings.HasPrefix(got[0].Webhook, "msg_") {
			t.Errorf("%s %s %s", got[0].Webhook, got[1].Webhook, got[2].Webhook)
		}
		if h := got[2].Data.History; len(h) != 1 || h[0].Body != "My tap leaks" {
			t.Errorf("%+v", h)
		}
	})
}

func TestWhenTheReceptionistTakesAConversationByItself(t *testing.T) {
	type before = func(d *desk, from string, id bridge.ConversationID)
	closedNow := func(now time.Time) string { return now.Add(72*time.Hour).Weekday().String() + " 00:00-24:00" }
	openNow := func(time.Time) string { return "Mon-Sun 00:00-24:00" }
	handsBack := func(d *desk, _ string, id bridge.ConversationID) {
		d.givesBack(id)
		must0(d.in.HandOffHold(d.Context(), d.row(id).Hold, id, bridge.Handoff{Summary: "They want a person"}))
	}
	cases := []struct {
		when   string
		texts  bridge.AnswersTexts
		hours  func(time.Time) string
		before before // after a first message, which people had
		body   string
		takes  bool
	}{
		{"somebody new writes", bridge.AlwaysAnswers, nil, nil, "Hello", true},
		{"somebody new texts STOP", bridge.AlwaysAnswers, nil, nil, "STOP", false},
		{"it never does", bridge.NeverAnswers, nil, nil, "Hello", false},
		{"after hours, and it is", bridge.AfterHours, closedNow, nil, "Hello", true},
		{"after hours, and it is not", bridge.AfterHours, openNow, nil, "Hello", false},
		{"after hours, and no hours are set", bridge.AfterHours, nil, nil, "Hello", false},
		{"always, within hours", bridge.AlwaysAnswers, openNow, nil, "Hello", true},
		{"the team has not written yet", bridge.AlwaysAnswers, nil, func(*desk, string, bridge.ConversationID) {}, "Hello", true},
		{"a note is no word of the team to them", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) { d.notes(id, "Odd one") }, "Hello", true},
		{"the team wrote just now", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) { d.replies(id, "Hi") }, "Hello", false},
		{"the team wrote less than 12 hours ago", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) {
			d.replies(id, "Hi")
			d.later(12*time.Hour - time.Minute)
		}, "Hello", false},
		{"the team wrote 12 hours ago", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) {
			d.replies(id, "Hi")
			d.later(12 * time.Hour)
		}, "Hello", true},
		{"the team wrote just now and closed it", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) {
			d.replies(id, "Bye")
			d.closes(id)
		}, "Hello", true},
		{"the team answered what the receptionist had", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) {
			d.givesBack(id)
			d.replies(id, "Hi")
		}, "Hello", false},
		{"it handed over just now", bridge.AlwaysAnswers, nil, handsBack, "Hello", false},
		{"a call of theirs was handed over just now", bridge.AlwaysAnswers, nil, func(d *desk, from string, _ bridge.ConversationID) {
			must(d.in.HandOff(d.Context(), bridge.Handoff{Provider: "neutral", Call: from, At: d.now(), Channel: bridge.Voice, From: from, Summary: "Wants a person"}, "{}", ""))
		}, "Hello", false},
		{"it handed over, and somebody closed it", bridge.AlwaysAnswers, nil, func(d *desk, from string, id bridge.ConversationID) {
			handsBack(d, from, id)
			d.closes(id)
		}, "Hello", true},
		{"it handed over 12 hours ago", bridge.AlwaysAnswers, nil, func(d *desk, from string, id bridge.ConversationID) {
			handsBack(d, from, id)
			d.later(12 * time.Hour)
		}, "Hello", true},
		{"somebody took over and gave it to nobody", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) {
			d.givesBack(id)
			d.takesOver(id)
			must0(d.in.Assign(d.Context(), d.sam, id, 0))
		}, "Hello", false},
		{"it is assigned", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) { d.assigns(id) }, "Hello", false},
		{"it is assigned, and a day has passed", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) {
			d.assigns(id)
			d.later(24 * time.Hour)
		}, "Hello", false},
		{"it is assigned, and closed", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) {
			d.assigns(id)
			d.closes(id)
		}, "Hello", false},
		{"sending is on hold", bridge.AlwaysAnswers, nil, func(d *desk, _ string, id bridge.ConversationID) {
			must0(d.in.Hold(d.Context(), d.sam, id, true))
		}, "Hello", false},
		{"they are opted out", bridge.AlwaysAnswers, nil, func(d *desk, from string, _ bridge.ConversationID) { d.texts(from, "STOP") }, "Hello", false},
		{"they are opted out, and text START", bridge.AlwaysAnswers, nil, func(d *desk, from string, _ bridge.ConversationID) { d.texts(from, "STOP") }, "START", false},
		{"they were opted out, texted START and go on", bridge.AlwaysAnswers, nil, func(d *desk, from string, _ bridge.ConversationID) {
			d.texts(from, "STOP")
			d.texts(from, "START")
		}, "Hello", true},
	}
	eachDesk(t, func(d *desk) {
		for n, c := range cases {
			from := fmt.Sprintf("+141555502%02d", n)
			if c.before != nil {
				d.settings(func(s *bridge.Settings) { s.Receptionist.Texts = bridge.NeverAnswers })
				conv, _ := d.texts(from, "Good morning")
				c.before(d, from, conv)
			}
			d.settings(func(s *bridge.Settings) {
				s.Receptionist.Texts, s.OpeningHours = c.texts, ""
				if c.hours != nil {
					s.OpeningHours = c.hours(d.now())
				}
			})
			conv, m := d.texts(from, c.body)
			held, told := d.row(conv).Hold, false
			for _, x := range d.toldOf(conv) {
				told = told || x.Message == m
			}
			if (held != 0) != c.takes || told != c.takes {
				d.Errorf("%s: hold %d, told of it: %v; want both: %v", c.when, held, told, c.takes)
			}
			if held != 0 && d.hold(held).By != 0 {
				d.Errorf("%s: given by somebody: %+v", c.when, d.hold(held))
			}
		}
	})
}

func (d *desk) notes(id bridge.ConversationID, body string) {
	d.Helper()
	if _, err := d.in.Note(d.Context(), d.sam, intake.Draft{Conversation: id, Body: body}); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) closes(id bridge.ConversationID) {
	d.Helper()
	must0(d.in.Close(d.Context(), d.sam, id))
}

func (d *desk) assigns(id bridge.ConversationID) {
	d.Helper()
	must0(d.in.Assign(d.Context(), d.sam, id, d.sam.ID))
}

func TestSTOPUnderAHoldIsNotPassedOnAndBlocksTheReceptionist(t *testing.T) {
	eachDesk(t, func(d *desk) {
		conv, _ := d.texts(anasPhone, "My tap leaks")
		h := d.hears(1)
		d.texts(anasPhone, "STOP")
		for _, try := range []string{"Sorry to see you go", "Really?"} {
			if a := d.answers(h, try, ""); a.status != 403 || a.Code != "opted_out" || a.Fix == "" {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		if ms := by(bridge.ByAI, d.said(conv)); len(ms) != 0 {
			t.Errorf("stored: %+v", ms)
		}
		d.later(time.Minute)
		d.handedOver(conv, 1, bridge.HoldSilent) // who can call them
		if got := d.handset(anasPhone); len(got) != 0 || len(d.bot.all()) != 1 {
			t.Errorf("%q, told %d times", got, len(d.bot.all()))
		}
	})
}

func TestGivingBackTellsTheReceptionistOfTheNewestMessage(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.settings(func(s *bridge.Settings) { s.Receptionist.Texts = bridge.NeverAnswers })
		conv, _ := d.texts(anasPhone, "My tap leaks")
		d.assigns(conv)
		_, newest := d.texts(anasPhone, "In the kitchen")
		d.notes(conv, "She owes us 400 dollars")
		d.givesBack(conv)
		h := d.hears(1)
		if h.Type != "message.created" || h.Data.Message == nil || h.Data.Message.ID != fmt.Sprint(newest) || h.Data.AnswerBy == nil || len(h.Data.History) != 1 {
			t.Errorf("%s", h.Raw)
		}
		if row := d.row(conv); row.Hold == 0 || row.Assignee != 0 || d.hold(row.Hold).By != d.sam.ID {
			t.Errorf("%+v", row)
		}
		d.givesBack(conv) // a double tap
		d.replies(conv, "I do it myself")
		d.givesBack(conv)
		h = d.hears(2)
		if h.Type != "conversation.given" || h.Data.Message != nil || h.Data.AnswerBy != nil || len(h.Data.History) != 3 || h.Data.History[2].From != "team" {
			t.Errorf("nothing waits for an answer: %s", h.Raw)
		}
		d.later(time.Hour)
		_, last := d.texts(anasPhone, "Thanks")
		if h = d.hears(3); h.Data.Message == nil || h.Data.Message.ID != fmt.Sprint(last) {
			t.Errorf("%s", h.Raw)
		}
		if d.row(conv).Hold != 2 {
			t.Error("it lost a conversation in which nothing waited")
		}
		a := d.want(200, "POST", fmt.Sprintf("/conversations/%d/take-over", conv), "")
		if strings.Contains(a.body, "held_by_ai") || d.row(conv).Assignee != d.sam.ID {
			t.Errorf("%s", a.body)
		}
		if a := d.want(200, "POST", fmt.Sprintf("/conversations/%d/give-back", conv), ""); !strings.Contains(a.body, `"held_by_ai":true`) {
			t.Errorf("%s", a.body)
		}
	})
}

func TestAReceptionistsRetryMakesOneMessageAlsoAfterATakeover(t *testing.T) {
	eachDesk(t, func(d *desk) {
		conv, _ := d.texts(anasPhone, "My tap leaks")
		h := d.hears(1)
		first := d.answers(h, "Where is it?", "one")
		d.takesOver(conv)
		for range 2 {
			if a := d.answers(h, "Where is it?", "one"); a.status != 201 || a.ID != first.ID {
				t.Errorf("%d %s, first %s", a.status, a.body, first.ID)
			}
		}
		if a := d.answers(h, "Where is it?", "two"); a.status != 409 || a.Code != "taken_over" {
			t.Errorf("%d %s", a.status, a.body)
		}
		if ms := by(bridge.ByAI, d.said(conv)); len(ms) != 1 {
			t.Errorf("%d messages", len(ms))
		}
		d.givesBack(conv)
		h = d.hears(2)
		if a := d.answers(h, "Here again", "one"); a.status != 201 || a.ID == first.ID {
			t.Errorf("a key of another hold is another key: %d %s", a.status, a.body)
		}
	})
}

func TestAReceptionistThatTalksToAMachineIsStopped(t *testing.T) {
	eachDesk(t, func(d *desk) {
		conv, _ := d.texts(anasPhone, "This is an automatic answer")
		h := d.hears(1)
		for n := range bridge.BotAnHour {
			if a := d.answers(h, fmt.Sprint("Thank you ", n), ""); a.status != 201 {
				t.Fatalf("%d: %d %s", n, a.status, a.body)
			}
		}
		if a := d.answers(h, "Thank you again", ""); a.status != 429 || a.Code != "too_often" {
			t.Errorf("%d %s", a.status, a.body)
		}
		if got := len(by(bridge.ByAI, d.said(conv))); got != bridge.BotAnHour {
			t.Errorf("%d messages", got)
		}
		d.later(time.Hour)
		if a := d.answers(h, "Good morning", ""); a.status != 201 {
			t.Errorf("an hour later: %d %s", a.status, a.body)
		}
	})
}

func TestAHoldsTokenOpensNothingElse(t *testing.T) {
	eachDesk(t, func(d *desk) {
		conv, _ := d.texts(anasPhone, "My tap leaks")
		h := d.hears(1)
		other, _ := d.texts(tomsPhone, "Hello")
		toms := d.hears(2)
		wants := func(a answer, status int, code string) {
			t.Helper()
			if a.status != status || a.Code != code || !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") || a.Detail == "" {
				t.Errorf("%d %q %s, want %d %q", a.status, a.header.Get("Content-Type"), a.body, status, code)
			}
		}
		at := func(id bridge.ConversationID) string { return fmt.Sprintf("/conversations/%d", id) }
		said, handed := `{"body":"Hello"}`, `{"summary":"x"}`
		for _, forged := range []string{h.Data.Token + "0", h.Data.Token[:len(h.Data.Token)-1], "hold_1_", "hold_", "hold_9223372036854775808_ab", "hold_2" + h.Data.Token[len("hold_1"):]} {
			wants(d.ask("POST", at(conv)+"/messages", said, forged), 401, "no_key")
			wants(d.ask("POST", at(conv)+"/handoff", handed, forged), 401, "no_key")
		}
		for _, c := range []struct{ method, path string }{
			{"GET", "/conversations"}, {"GET", at(conv)}, {"GET", at(conv) + "/messages"}, {"GET", "/messages?q=tap"}, {"GET", "/contacts/1"},
			{"POST", at(conv) + "/take-over"}, {"POST", at(conv) + "/give-back"}, {"POST", "/contacts"},
		} {
			if a := d.ask(c.method, c.path, "{}", h.Data.Token); a.status != 403 || strings.Contains(a.body, "leaks") {
				t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
			}
		}
		wants(d.ask("POST", at(other)+"/messages", said, h.Data.Token), 404, "not_found")
		wants(d.ask("POST", at(other)+"/handoff", handed, h.Data.Token), 404, "not_found")
		wants(d.ask("POST", at(99999)+"/messages", said, h.Data.Token), 404, "not_found")
		wants(d.ask("POST", at(conv)+"/messages", `{"body":"x","note":true}`, h.Data.Token), 403, "team_only")
		wants(d.ask("POST", at(conv)+"/handoff", handed), 403, "no_hold") // with Sam's key
		wants(d.ask("POST", at(conv)+"/handoff", `{"summary":""}`, h.Data.Token), 422, "invalid")
		d.takesOver(conv)
		wants(d.ask("POST", at(conv)+"/messages", said, h.Data.Token), 409, "taken_over")
		wants(d.ask("POST", at(conv)+"/handoff", handed, h.Data.Token), 409, "taken_over")
		d.givesBack(conv)
		again := d.hears(3)
		wants(d.ask("POST", at(conv)+"/messages", said, h.Data.Token), 409, "taken_over") // the hold before
		if a := d.ask("POST", at(conv)+"/messages", said, again.Data.Token); a.status != 201 {
			t.Errorf("%d %s", a.status, a.body)
		}
		d.closes(other)
		if a := d.answers(toms, "Hello", ""); a.status != 409 || a.Code != "taken_over" || !strings.Contains(a.Detail, "closed") {
			t.Errorf("%d %s", a.status, a.body)
		}
		if got := len(by(bridge.ByAI, d.said(conv))) + len(by(bridge.ByAI, d.said(other))); got != 1 {
			t.Errorf("%d messages of the receptionist", got)
		}
	})
}

func TestNotesAndEventsNeverReachTheReceptionist(t *testing.T) {
	eachDesk(t, func(d *desk) {
		conv, _ := d.texts(anasPhone, "My tap leaks")
		h := d.hears(1)
		d.notes(conv, "She owes us 400 dollars")
		d.handsOff(h, `{"summary":"Secret summary"}`)
		d.replies(conv, "On our way")
		d.notes(conv, "He has a dog, mind the dog")
		d.givesBack(conv)
		d.hears(2)
		d.texts(anasPhone, "Thanks")
		last := d.hears(3)
		if n := len(last.Data.History); n != 2 {
			t.Errorf("%d earlier messages: %s", n, last.Raw)
		}
		for _, h := range d.bot.all() {
			for _, secret := range []string{"400 dollars", "dog", "Secret summary", "gave this", "answers here", "Sam"} {
				if strings.Contains(h.Raw, secret) {
					t.Errorf("it was told %q: %s", secret, h.Raw)
				}
			}
		}
	})
}

func TestWhateverAPersonDoesEndsTheHold(t *testing.T) {
	cases := []struct {
		what string
		do   func(*desk, bridge.ConversationID) error
		end  bridge.HoldEnd // empty: it goes on
	}{
		{"take over", func(d *desk, id bridge.ConversationID) error { return d.in.TakeOver(d.Context(), d.sam, id) }, bridge.HoldTaken},
		{"reply", func(d *desk, id bridge.ConversationID) error {
			_, err := d.in.Reply(d.Context(), d.sam, intake.Draft{Conversation: id, Body: "Hi"})
			return err
		}, bridge.HoldTaken},
		{"assign", func(d *desk, id bridge.ConversationID) error { return d.in.Assign(d.Context(), d.sam, id, d.jo.ID) }, bridge.HoldTaken},
		{"close", func(d *desk, id bridge.ConversationID) error { return d.in.Close(d.Context(), d.sam, id) }, bridge.HoldClosed},
		{"note", func(d *desk, id bridge.ConversationID) error {
			_, err := d.in.Note(d.Context(), d.sam, intake.Draft{Conversation: id, Body: "Hm"})
			return err
		}, ""},
		{"read", func(d *desk, id bridge.ConversationID) error { return d.in.Read(d.Context(), d.sam, id, 1) }, ""},
		{"switch the receptionist off", func(d *desk, _ bridge.ConversationID) error { return d.in.ReleaseAll(d.Context()) }, bridge.HoldStopped},
	}
	eachDesk(t, func(d *desk) {
		for n, c := range cases {
			conv, _ := d.texts(fmt.Sprintf("+141555502%02d", n), "My tap leaks")
			hold := d.row(conv).Hold
			must0(c.do(d, conv))
			h, row := d.hold(hold), d.row(conv)
			if h.End != c.end || (row.Hold == 0) != (c.end != "") || h.EndedAt.IsZero() != (c.end == "") {
				d.Errorf("%s: %+v %+v", c.what, h, row)
			}
			_, err := d.in.AnswerAsBot(d.Context(), hold, intake.Draft{Conversation: conv, Body: "Where is it?"})
			var denied *bridge.Denied
			if c.end == "" && err != nil || c.end != "" && (!errors.As(err, &denied) || denied.Code != "taken_over") {
				d.Errorf("%s: %v", c.what, err)
			}
		}
	})
}

func TestMailsOfPeopleAndOfTheReceptionistDoNotCarryEachOther(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.settings(func(s *bridge.Settings) { s.PortalOn = true })
		conv, _ := d.texts(anasPhone, "My tap leaks")
		var who bridge.ContactID
		d.read(func(tx *data.Tx) error {
			c, err := tx.AnyConversation(conv)
			who = c.Contact
			return err
		})
		must0(d.in.AddEmail(d.Context(), d.sam, conv, "ana@example.com"))
		must0(d.in.SetWishes(d.Context(), who, intake.Wishes{Told: bridge.ToldByEmail}))
		before := d.replies(conv, "Sam before")
		d.givesBack(conv)
		h := d.hears(2)
		if a := d.answers(h, "The robot", ""); a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		robots := by(bridge.ByAI, d.said(conv))[0]
		d.takesOver(conv)
		after := d.replies(conv, "Sam after")
		if x := d.delivery(robots.ID); x.Channel != bridge.Email || x.State != bridge.Canceled || x.CarriedBy != 0 {
			t.Errorf("%+v", x)
		}
		d.later(10 * time.Minute)
		d.until("a mail has left", func() bool { return d.delivery(after.ID).State == bridge.Sent })
		all := ""
		for _, o := range d.mails.all() {
			all += spoken(o)
		}
		if !strings.Contains(all, "Sam before") || !strings.Contains(all, "Sam after") || strings.Contains(all, "The robot") {
			t.Errorf("%s; %+v", all, d.delivery(before.ID))
		}
	})
}

func TestAPersonMaySendWhatTheReceptionistCouldNot(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.settings(func(s *bridge.Settings) { s.PortalOn = true })
		d.sim.SetBehaviour(anasPhone, smstest.Landline)
		conv, _ := d.texts(anasPhone, "My tap leaks")
		d.answers(d.hears(1), "We come at 8", "")
		m := by(bridge.ByAI, d.said(conv))[0]
		d.becomes(m.ID, bridge.Undelivered)
		d.takesOver(conv)
		must0(d.in.AddEmail(d.Context(), d.sam, conv, "ana@example.com"))
		if _, err := d.in.RetryBy(d.Context(), d.sam, d.delivery(m.ID).ID, bridge.Email); err != nil {
			t.Fatal(err)
		}
		d.later(10 * time.Minute)
		d.until("the mail has left", func() bool { return len(d.mails.all()) == 1 })
		if !strings.Contains(spoken(d.mails.all()[0]), "We come at 8") {
			t.Errorf("%+v", d.mails.all()[0])
		}
	})
}

func TestWhatTheReceptionistWroteAndDidNotArriveMakesTheConversationPeoples(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.sim.SetBehaviour(anasPhone, smstest.Landline)
		conv, _ := d.texts(anasPhone, "My tap leaks")
		d.answers(d.hears(1), "Where is it?", "")
		d.until("it is people's", func() bool { return d.row(conv).Hold == 0 })
		if row, h := d.row(conv), d.hold(1); h.End != bridge.HoldUnheard || !row.AIHandoff || row.Failed != 1 || row.State != bridge.Open {
			t.Errorf("%+v %+v", h, row)
		}
	})
}

func TestACallThatIsHandedOverEndsTheHoldOfTheReceptionistForTexts(t *testing.T) {
	eachDesk(t, func(d *desk) {
		conv, _ := d.texts(anasPhone, "My tap leaks")
		h := d.hears(1)
		must(d.in.HandOff(d.Context(), bridge.Handoff{Provider: "neutral", Call: "c1", At: d.now(), Channel: bridge.Voice, From: anasPhone, Summary: "Wants a person"}, "{}", ""))
		if row := d.row(conv); row.Hold != 0 || !row.AIHandoff {
			t.Errorf("%+v", row)
		}
		if a := d.answers(h, "Where is it?", ""); a.status != 409 {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestWordToTheReceptionistIsNoDeliveryOfTheMessage(t *testing.T) {
	eachDesk(t, func(d *desk) {
		d.settings(func(s *bridge.Settings) { s.PortalOn = true; s.Receptionist.Texts = bridge.NeverAnswers })
		d.bot.says(func(heard) int { return 404 })
		conv, _ := d.texts(anasPhone, "My tap leaks")
		m := d.replies(conv, "On our way")
		d.becomes(m.ID, bridge.Delivered)
		d.givesBack(conv)
		d.handedOver(conv, 1, bridge.HoldBroken)
		d.delivery(m.ID) // it has one
		if a := d.want(200, "GET", fmt.Sprintf("/conversations/%d/messages", conv), ""); strings.Contains(a.body, "webhook") {
			t.Errorf("%s", a.body)
		}
		if _, page := d.signedIn("sam@example.com").get(fmt.Sprintf("/inbox/c/%d", conv)); strings.Contains(page, "Not delivered") {
			t.Error("the message looks as if it had failed")
		}
	})
}
