package intake_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms"
	"porchlight/data"
)

const (
	samsPhone = "+14155550190"
	josPhone  = "+14155550191"
)

// A night is an office whose phones on duty hear of texts, with a clock.
type night struct {
	*office
	now time.Time
}

func eachNight(t *testing.T, test func(*night)) {
	t.Helper()
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades, func(s *bridge.Settings) { s.DutyTexts = true })
		n := &night{office: o, now: noon}
		o.Now = func() time.Time { return n.now }
		o.OnDuty = []bridge.Phone{samsPhone}
		o.must(o.SetPhone(o.Context(), o.sam.Actor(), o.sam.ID, samsPhone))
		o.knows("Priya Raman", bridge.Customer, priya)
		o.knows("Tom Becker", bridge.Customer, tom)
		test(n)
	})
}

// passes lets time go by.
func (n *night) passes(d time.Duration) { n.now = n.now.Add(d) }

// hears gives what has left since it was asked last, as who it went to and what it
// said; the carrier takes all of it. An alert is just "alert".
func (n *night) hears() (out []string) {
	n.Helper()
	n.write(func(tx *data.Tx) error {
		for {
			claims, err := tx.ClaimDue(bridge.SMS, n.now, time.Minute, 100)
			if err != nil || len(claims) == 0 {
				return err
			}
			for _, c := range claims {
				d, said := c.Delivery, c.Body
				d.State, d.NextAt = bridge.Sent, time.Time{}
				if err := tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, n.now); err != nil {
					return err
				}
				if d.Purpose == bridge.ForAlert {
					said = "alert" // its words are made when it leaves
				} else if part := sms.Segments(said); part.Encoding != sms.GSM7 {
					n.Errorf("%q needs letters of two bytes each for %q", said, part.Culprit)
				}
				out = append(out, d.To+" "+said)
			}
		}
	})
	slices.Sort(out)
	return out
}

// says is a text at the clock's time, and what leaves because of it.
func (n *night) says(from, body string, change ...func(*bridge.Inbound)) []string {
	n.Helper()
	n.passes(time.Second)
	n.text(from, body, append([]func(*bridge.Inbound){func(m *bridge.Inbound) { m.At = n.now }}, change...)...)
	return n.hears()
}

// left wants exactly that to have left; an entry that ends in ... is the beginning of it.
func (n *night) left(got []string, want ...string) {
	n.Helper()
	ok := len(got) == len(want)
	for i := range want {
		head, cut := strings.CutSuffix(want[i], "...")
		ok = ok && (got[i] == want[i] || cut && strings.HasPrefix(got[i], head))
	}
	if !ok {
		n.Errorf("left:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAPhoneOfSomebodyWhoLeftIsNobodysAndHearsNothing(t *testing.T) {
	eachNight(t, func(n *night) {
		n.OnDuty = []bridge.Phone{josPhone}
		n.must(n.SetPhone(n.Context(), n.sam.Actor(), n.jo.ID, josPhone))
		n.left(n.says(priya, "No hot water"), josPhone+" alert")
		for _, p := range []bridge.Staff{n.jo, n.tradie} {
			n.must(n.SwitchStaff(n.Context(), n.sam.Actor(), p.ID, false))
		}
		n.must(n.SetPhone(n.Context(), n.sam.Actor(), n.sam.ID, "")) // Sam is alone now, and has no phone
		n.left(n.says(josPhone, "You are robbed here, go to somebody else"), josPhone+" Not sent...")
		n.left(n.says(priya, "Are you coming?"))
	})
}

func TestAPhoneThatTextedStopHearsAgainAfterStart(t *testing.T) {
	eachNight(t, func(n *night) {
		n.says(priya, "No hot water")
		n.left(n.says(samsPhone, "Stop"))
		n.left(n.says(priya, "Hello?"))
		// What was under way met the carrier's block, which is kept with the number.
		n.write(func(tx *data.Tx) error {
			return tx.AddConsent(data.Consent{Line: n.line, Channel: bridge.SMS, Value: samsPhone, Out: true, Source: "error", At: n.now})
		})
		n.left(n.says(samsPhone, "START"), samsPhone+" This phone is told of messages again.")
		n.left(n.says(priya, "Are you there?"), samsPhone+" alert")
	})
}

func TestStartOfAPhoneThatTheCarrierBlockedIsNoAnswerToACustomer(t *testing.T) {
	eachNight(t, func(n *night) {
		// It texted STOP before it was on duty.
		n.write(func(tx *data.Tx) error {
			return tx.AddConsent(data.Consent{Line: n.line, Channel: bridge.SMS, Value: samsPhone, Out: true, Source: "keyword", At: n.now})
		})
		r := n.text(priya, "No hot water")
		n.left(n.hears())
		if n.row(r.Conversation).Failed > 0 {
			n.Error("an alert that could not leave is a failure of the customer's conversation")
		}
		n.left(n.says(samsPhone, "unstop"), samsPhone+" This phone is told of messages again.")
		n.left(n.says(samsPhone, "start"), samsPhone+" This phone is told of messages.")
		n.left(n.says(priya, "Hello?"), samsPhone+" alert")
	})
}

func TestStopEndsWhatWaitsForThePhone(t *testing.T) {
	eachNight(t, func(n *night) {
		r := n.text(priya, "No hot water")
		n.text(samsPhone, "STOP") // the alert has not left yet
		n.left(n.hears())
		if c := n.row(r.Conversation); c.Failed > 0 {
			n.Errorf("%+v", c)
		}
	})
}

func TestStopThatIsRecoveredLateDoesNotUndoStart(t *testing.T) {
	eachNight(t, func(n *night) {
		n.passes(time.Hour)
		n.says(samsPhone, "STOP")
		n.says(samsPhone, "START")
		n.says(samsPhone, "STOP", func(m *bridge.Inbound) { m.At, m.Recovered = m.At.Add(-30*time.Minute), true })
		n.left(n.says(priya, "No hot water"), samsPhone+" alert")
	})
}

func TestWhatAColleagueAnsweredMeanwhileMayStillBeMeant(t *testing.T) {
	eachNight(t, func(n *night) {
		p := n.text(priya, "Is the key under the mat?").Conversation
		n.hears()
		n.says(tom, "Where do I find you?")
		if _, err := n.Reply(n.Context(), n.jo, intake.Draft{Conversation: p, Body: "Yes"}); err != nil {
			n.Fatal(err)
		}
		n.hears()
		// The phone does not know: it was told of both, and heard of no answer.
		n.left(n.says(samsPhone, "No, the code is 4471"), samsPhone+" For whom is this? 1 Tom Becker, 2 Priya Raman...")
	})
}

func TestWhatTheWriterAnsweredInTheInboxIsNotAskedAbout(t *testing.T) {
	eachNight(t, func(n *night) {
		p := n.text(priya, "Is the key under the mat?").Conversation
		n.hears()
		n.replies(p, "Yes")
		n.says(tom, "When will you be here?")
		n.left(n.says(samsPhone, "At five"), tom+" At five")
	})
}

func TestAnAlertThatFailedToldThePhoneOfNobody(t *testing.T) {
	eachNight(t, func(n *night) {
		n.says(priya, "No hot water")
		var alerts []bridge.Delivery
		n.read(func(tx *data.Tx) (err error) {
			alerts, err = tx.Deliveries(bridge.Sent, 9)
			return err
		})
		n.moves(alerts[0].ID, bridge.Undelivered, "30003")
		n.left(n.says(samsPhone, "Milk and bread please"), samsPhone+" Not sent: you were told of no message...")
	})
}

func TestATextToOneLineIsForWhoThatLineToldOf(t *testing.T) {
	eachNight(t, func(n *night) {
		const second = "+14155550101"
		n.write(func(tx *data.Tx) error {
			_, err := tx.PutLine(bridge.Line{Phone: second, Name: "Second", Active: true})
			return err
		})
		at := func(m *bridge.Inbound) { m.To = second }
		n.left(n.says(priya, "No hot water"), samsPhone+" alert")
		n.left(n.says(tom, "Are you open?", at), samsPhone+" alert")
		n.left(n.says(samsPhone, "On my way"), priya+" On my way")
		n.left(n.says(samsPhone, "Yes, until six", at), tom+" Yes, until six")
	})
}

func TestAFarOneThatWaitsIsNotOverlooked(t *testing.T) {
	eachNight(t, func(n *night) {
		n.says(priya, "No hot water") // waits longest
		for i := range 12 {
			r := n.text(fmt.Sprintf("+1415555%04d", 140+i), "Hello", func(m *bridge.Inbound) { m.At = n.now })
			n.hears()
			if i < 11 {
				n.replies(r.Conversation, "Hello")
				n.hears()
			}
			n.passes(time.Minute)
		}
		n.left(n.says(samsPhone, "On my way"), samsPhone+" For whom is this? 1 +1 415 555 0151, 2 Priya Raman, 3 ...")
	})
}

func TestAPhoneWhoseOwnerMayNotSeeAConversationCannotAnswerThere(t *testing.T) {
	eachNight(t, func(n *night) {
		n.OnDuty = []bridge.Phone{josPhone}
		n.must(n.SetPhone(n.Context(), n.sam.Actor(), n.tradie.ID, josPhone))
		n.left(n.says(priya, "No hot water"), josPhone+" alert")
		for _, said := range n.says(josPhone, "On my way") {
			if strings.HasPrefix(said, priya) || strings.Contains(said, "Priya") || !strings.Contains(said, "ou do not see") {
				n.Error(said)
			}
		}
		n.left(n.says(josPhone, "", func(m *bridge.Inbound) {
			m.Media = []bridge.Media{{URL: "https://api.twilio.com/a", ContentType: "image/jpeg"}}
		}), josPhone+" Not sent...")
		for _, line := range n.history(n.text(priya, "Hello?").Conversation) {
			if strings.HasPrefix(line, "note:") {
				n.Error(line)
			}
		}
	})
}

func TestAQuestionIsAnsweredByANameThatOnlyOneHas(t *testing.T) {
	eachNight(t, func(n *night) {
		n.knows("Tom Barker", bridge.Customer, "+14155550137")
		for _, from := range []string{priya, tom, "+14155550137"} {
			n.says(from, "Are you coming?")
		}
		n.left(n.says(samsPhone, "At ten"), samsPhone+" For whom is this?...")
		n.left(n.says(samsPhone, "Tom"), samsPhone+" For whom are these 2 texts?...") // there are two
		n.left(n.says(samsPhone, "tom becker."), tom+" At ten", tom+" Tom")
		n.left(n.says(samsPhone, "At noon"), samsPhone+" For whom is this?...")
		n.left(n.says(samsPhone, "PRIYA"), priya+" At noon")
	})
}

func TestAPhotoWithAChoiceUnderItIsNotLostInSilence(t *testing.T) {
	eachNight(t, func(n *night) {
		n.says(priya, "No hot water")
		n.says(tom, "Where are you?")
		n.says(samsPhone, "At ten")
		said := n.says(samsPhone, "2", func(m *bridge.Inbound) {
			m.Media = []bridge.Media{{URL: "https://api.twilio.com/a", ContentType: "image/jpeg"}}
		})
		if len(said) != 1 || !strings.HasPrefix(said[0], samsPhone+" For whom are these 2 texts?") || !strings.Contains(said[0], "The photo goes to nobody") {
			n.Errorf("%q", said)
		}
	})
}

func TestWhatStandsInTheInboxIsNotLostForAnAnswerFromThePhone(t *testing.T) {
	eachNight(t, func(n *night) {
		conv := n.text(priya, "No hot water", func(m *bridge.Inbound) { m.At = n.now }).Conversation
		n.hears()
		n.must(n.SaveDraft(n.Context(), n.sam, conv, "reply", "The quote is att"))
		n.left(n.says(samsPhone, "On my way"), priya+" On my way")
		n.write(func(tx *data.Tx) error {
			drafts, err := tx.Drafts(conv, n.sam.ID)
			if drafts["reply"] != "The quote is att" {
				n.Errorf("%q", drafts)
			}
			return err
		})
	})
}

func TestAPhoneThatAnswersByItselfDoesNotGoRound(t *testing.T) {
	eachNight(t, func(n *night) {
		const auto = "I am driving and will get back to you."
		rounds := 0
		for said := n.says(priya, "No hot water"); len(said) > 0; {
			if rounds++; rounds > 12 {
				n.Fatal("it goes round")
			}
			var next []string
			for _, s := range said {
				switch {
				case strings.HasPrefix(s, samsPhone):
					next = append(next, n.says(samsPhone, auto)...)
				case strings.HasPrefix(s, priya):
					next = append(next, n.says(priya, "I am on holiday.")...)
				}
			}
			said = next
		}
	})
}

func TestAPhoneThatIsNobodysAndAnswersByItselfDoesNotGoRound(t *testing.T) {
	eachNight(t, func(n *night) {
		n.OnDuty = []bridge.Phone{josPhone}
		n.says(priya, "No hot water")
		rounds := 0
		for said := n.says(josPhone, "I am driving."); len(said) > 0; said = n.says(josPhone, "I am driving.") {
			if rounds++; rounds > 12 {
				n.Fatal("it goes round")
			}
		}
	})
}

func TestAPhoneThatAnswersOurWordsByItselfDoesNotGoRound(t *testing.T) {
	eachNight(t, func(n *night) {
		rounds := 0
		for said := n.says(samsPhone, "I am driving."); len(said) > 0; said = n.says(samsPhone, "I am driving.") {
			if rounds++; rounds > 12 {
				n.Fatal("it goes round")
			}
		}
	})
}

func TestACustomerWhoCallsForHelpIsHeard(t *testing.T) {
	eachNight(t, func(n *night) {
		n.left(n.says(priya, "HELP!"), samsPhone+" alert")
		n.left(n.says(priya, "stop"))
	})
}

func TestAPhotoWithAQuestionIsNotLostUnsaid(t *testing.T) {
	eachNight(t, func(n *night) {
		n.says(priya, "No hot water")
		n.says(tom, "Where are you?")
		said := n.says(samsPhone, "It looks like this", func(m *bridge.Inbound) {
			m.Media = []bridge.Media{{URL: "https://api.twilio.com/a", ContentType: "image/jpeg"}}
		})
		n.left(said, samsPhone+" For whom is this?...")
		if !strings.Contains(said[0], "photo") {
			n.Error(said)
		}
	})
}

func TestTheQuestionSaysHowManyTextsItIsAbout(t *testing.T) {
	eachNight(t, func(n *night) {
		n.says(priya, "No hot water")
		n.says(tom, "Where are you?")
		n.left(n.says(samsPhone, "On my way"), samsPhone+" For whom is this? 1 Tom Becker...")
		n.left(n.says(samsPhone, "with a new pump"), samsPhone+" For whom are these 2 texts? 1 Tom Becker...")
		n.left(n.says(samsPhone, "2"), priya+" On my way", priya+" with a new pump")
	})
}

func TestItsWriterHearsWhereTheMailInsteadFailedToo(t *testing.T) {
	eachNight(t, func(n *night) {
		r := n.text(priya, "No hot water")
		n.mailbox(n.address(priya).Contact, "priya@example.com")
		n.hears()
		n.says(samsPhone, "On my way")
		m := n.messages(r.Conversation)[1]
		n.write(func(tx *data.Tx) error {
			d := m.Deliveries[0]
			d.State, d.Code = bridge.Undelivered, "30006"
			if err := tx.SaveDelivery(d, bridge.Sent, bridge.Failure{}, n.now); err != nil {
				return err
			}
			return n.FallBack(tx, d)
		})
		n.left(n.hears()) // a mail is under way
		n.write(func(tx *data.Tx) error {
			now, err := tx.Message(m.ID)
			if err != nil {
				return err
			}
			d := now.Deliveries[1]
			d.State, d.NextAt = bridge.Failed, time.Time{}
			if err := tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, n.now); err != nil {
				return err
			}
			return n.FallBack(tx, d)
		})
		n.left(n.hears(), samsPhone+" Your text to Priya Raman did not arrive...")
	})
}

func TestItsWriterHearsOnceOfATextWhosePartsFailed(t *testing.T) {
	eachNight(t, func(n *night) {
		r := n.text(priya, "No hot water")
		n.hears()
		n.says(samsPhone, "It needs a new pump. "+strings.Repeat("I will see what I can find. ", 70))
		m := n.messages(r.Conversation)[1]
		if len(m.Deliveries) < 2 {
			n.Fatal("it left in one part")
		}
		n.moves(m.Deliveries[1].ID, bridge.Delivered, "")
		for _, d := range []bridge.Delivery{m.Deliveries[0], m.Deliveries[1]} {
			n.write(func(tx *data.Tx) error {
				was := d.State
				d.State, d.Code = bridge.Undelivered, "30006"
				if err := tx.SaveDelivery(d, was, bridge.Failure{}, n.now); err != nil {
					return err
				}
				return n.FallBack(tx, d)
			})
		}
		n.left(n.hears(), samsPhone+" Your text to Priya Raman did not arrive...")
	})
}

func TestAQuestionThatCannotNameAllNamesThoseWhoWaitFirst(t *testing.T) {
	eachNight(t, func(n *night) {
		n.says(priya, "No hot water") // waits longest
		n.says(tom, "Where are you?")
		for i := range 11 {
			r := n.text(fmt.Sprintf("+1415555%04d", 140+i), "Hello", func(m *bridge.Inbound) { m.At = n.now })
			n.hears()
			if _, err := n.Reply(n.Context(), n.jo, intake.Draft{Conversation: r.Conversation, Body: "Hello"}); err != nil {
				n.Fatal(err)
			}
			n.hears()
			n.passes(time.Minute)
		}
		n.left(n.says(samsPhone, "On my way"), samsPhone+" For whom is this? 1 Tom Becker, 2 Priya Raman, 3 +1 415 555 0150...")
	})
}
