package inbox_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/sms"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
	"porchlight/data/datatest"
)

const sparePhone = "+14155550198" // on duty, nobody's

// eachShift is a desk with two phones on duty that are told of texts, one of them Sam's,
// and a carrier that posts what phones write.
func eachShift(t *testing.T, test func(*desk)) {
	t.Helper()
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		d := newDesk(t, o, deskPlan{onDuty: []bridge.Phone{dutyPhone, sparePhone}})
		d.sim.SetWebhook(d.url + "/webhooks/twilio/sms")
		d.settings(func(s *bridge.Settings) { s.DutyTexts, s.Receptionist.Texts = true, bridge.NeverAnswers })
		d.signedIn("sam@example.com").save(phoneOf(d.sam), url.Values{"phone": {"(415) 555-0199"}})
		test(d)
	})
}

func phoneOf(p bridge.Staff) string { return fmt.Sprintf("/settings/team/%d/phone", p.ID) }

// writes lets a handset text the line, and gives the carrier's id.
func (d *desk) writes(from, body string) string {
	d.Helper()
	sid, status, err := d.sim.Text(d.Context(), from, deskLine, body)
	if err != nil || status != 200 {
		d.Fatalf("%s from %s: %d %v", body, from, status, err)
	}
	return sid
}

// arrives waits until a phone was texted something with these words.
func (d *desk) arrives(phone, words string) {
	d.Helper()
	d.until(phone+" gets "+words, func() bool {
		return slices.ContainsFunc(d.handset(phone), func(body string) bool { return strings.Contains(body, words) })
	})
}

// where is the one conversation of a phone.
func (d *desk) where(phone string) (id bridge.ConversationID) {
	d.Helper()
	d.read(func(tx *data.Tx) error {
		a, err := tx.Arrival(bridge.Inbound{Channel: bridge.SMS, From: phone, To: deskLine})
		id = a.Conversation
		return err
	})
	return id
}

// toldPhones counts the alerts for a phone, whatever became of them.
func (d *desk) toldPhones(phone string) (n int) {
	d.Helper()
	d.read(func(tx *data.Tx) error {
		all, err := tx.Deliveries("", 1000)
		for _, x := range all {
			if x.To == phone && x.Purpose == bridge.ForAlert {
				n++
			}
		}
		return err
	})
	return n
}

func TestS1_5_14_15_16_22_ATextIsAnsweredFromAPhoneOnDutyAndTheCustomerSeesTheBusinessNumber(t *testing.T) {
	eachShift(t, func(d *desk) {
		d.writes(priyaPhone, "No hot water")
		conv := d.where(priyaPhone)
		d.arrives(dutyPhone, "texted: No hot water\nAnswer this text, or in the inbox: "+d.url+fmt.Sprintf("/inbox/c/%d", conv))
		d.arrives(sparePhone, "texted: No hot water\nAnswer in the inbox: ") // it cannot answer itself
		sid := d.writes(dutyPhone, "On my way, ten minutes")
		d.arrives(priyaPhone, "On my way, ten minutes")
		if status, err := d.sim.Again(d.Context(), sid); err != nil || status != 200 {
			d.Fatal(status, err)
		}
		d.writes(sparePhone, "Who is that?")
		d.arrives(sparePhone, "Not sent to +1 415 555 0134: Porchlight does not know whose phone this is")
		d.writes(priyaPhone, "Thank you")
		d.arrives(dutyPhone, "Thank you")
		for _, text := range d.sim.Sent() {
			if text.To == priyaPhone && (text.From != deskLine || strings.Contains(text.Body, "0199") || strings.Contains(text.Body, "0198")) {
				d.Errorf("the customer got %+v", text)
			}
		}
		if got := d.handset(priyaPhone); !slices.Equal(got, []string{"On my way, ten minutes"}) {
			d.Errorf("%q", got)
		}
		d.conv = conv
		b := d.signedIn("sam@example.com")
		if _, page := b.shown(b.page("")); !strings.Contains(page, "On my way, ten minutes") || !strings.Contains(page, "Sam") || !strings.Contains(page, "was not sent: Who is that?") {
			d.Errorf("the team does not see it: %s", page)
		}
		d.read(func(tx *data.Tx) error { // nor does the customer see more in the portal
			ms, err := tx.WrittenMessages(conv, 0, 100)
			for _, m := range ms {
				if strings.Contains(m.Body, "Who is that?") {
					d.Errorf("%+v", m)
				}
			}
			return err
		})
	})
}

func TestAPhoneWhoseOwnerMayNotSeeAConversationHearsNoWordOfIt(t *testing.T) {
	eachShift(t, func(d *desk) {
		d.write(func(tx *data.Tx) error {
			lee, err := tx.AddStaff(bridge.Staff{Name: "Lee Marsh", Email: "lee@example.com", Role: bridge.Tradie}, "x", time.Now())
			if err == nil {
				err = tx.SetStaffPhone(lee.ID, sparePhone)
			}
			return err
		})
		d.writes(priyaPhone, "No hot water")
		d.arrives(dutyPhone, "No hot water")
		d.arrives(sparePhone, "that you do not see")
		for _, text := range d.handset(sparePhone) {
			if part := sms.Segments(text); strings.Contains(text, "hot water") || strings.Contains(text, "0134") || part.Encoding != sms.GSM7 {
				d.Errorf("%q in %s", text, part.Encoding)
			}
		}
	})
}

func TestAPhoneIsAskedForWhomItsTextIsAndTheNumberSendsIt(t *testing.T) {
	eachShift(t, func(d *desk) {
		d.writes(priyaPhone, "No hot water")
		d.writes("+14155550135", "The tap drips")
		d.arrives(dutyPhone, "No hot water")
		d.arrives(dutyPhone, "The tap drips")
		d.writes(dutyPhone, "On my way")
		d.arrives(dutyPhone, "For whom is this? ")
		question := d.handset(dutyPhone)[2]
		number := question[strings.Index(question, " +1 415 555 0134")-1:][:1]
		d.writes(dutyPhone, number)
		d.arrives(priyaPhone, "On my way")
		if got := d.handset("+14155550135"); len(got) != 0 {
			d.Errorf("%q", got)
		}
	})
}

func TestThePhoneHearsOnceFromTheCarriersReceiptThatItsAnswerDidNotArrive(t *testing.T) {
	eachShift(t, func(d *desk) {
		d.sim.SetBehaviour(priyaPhone, smstest.Landline)
		d.writes(priyaPhone, "No hot water")
		d.arrives(dutyPhone, "No hot water")
		d.writes(dutyPhone, "On my way")
		d.arrives(dutyPhone, "Your text to +1 415 555 0134 did not arrive: Landline")
		if err := d.sim.Drain(d.Context()); err != nil {
			d.Fatal(err)
		}
		d.sim.SetBehaviour(priyaPhone, smstest.Reachable)
		d.writes(priyaPhone, "Hello?") // what is queued before it has left then
		d.arrives(dutyPhone, "Hello?")
		if n := len(d.handset(dutyPhone)); n != 3 {
			d.Errorf("%q", d.handset(dutyPhone))
		}
	})
}

func TestStopFromAPhoneOnDutyIsItsOwnAndStartUndoesIt(t *testing.T) {
	eachShift(t, func(d *desk) {
		d.writes(priyaPhone, "No hot water")
		d.arrives(dutyPhone, "No hot water")
		d.writes(dutyPhone, "STOP")
		d.writes(priyaPhone, "Hello?")
		if a, b := d.toldPhones(dutyPhone), d.toldPhones(sparePhone); a != 1 || b != 2 {
			d.Errorf("after STOP: told %d and %d times", a, b)
		}
		if id := d.where(dutyPhone); id != 0 {
			d.Errorf("it has conversation %d", id)
		}
		b := d.signedIn("sam@example.com")
		if _, page := b.shown("/settings/calls"); !strings.Contains(page, "Sam Ortiz. Texted STOP") || !strings.Contains(page, "Nobody’s in the team") {
			d.Errorf("the settings do not say so: %s", page)
		}
		d.writes(dutyPhone, "START")
		d.arrives(dutyPhone, "This phone is told of messages again.")
		d.writes(priyaPhone, "Anybody?")
		d.arrives(dutyPhone, "Anybody?")
		if c := d.row(d.where(priyaPhone)); c.OptedOut {
			d.Error("the customer is opted out")
		}
		if got := d.handset(priyaPhone); len(got) != 0 {
			d.Errorf("the customer got %q", got)
		}
	})
}

func TestTextsThatTheReceptionistHoldsAreNotThePhonesUntilItLeavesThem(t *testing.T) {
	eachShift(t, func(d *desk) {
		d.settings(func(s *bridge.Settings) { s.Receptionist.Texts = bridge.AlwaysAnswers })
		d.writes(priyaPhone, "No hot water")
		d.hears(1)
		if n := d.toldPhones(dutyPhone); n != 0 {
			d.Errorf("told %d times while it holds", n)
		}
		d.later((&bridge.ReceptionistSettings{}).Wait()) // it stays silent
		d.arrives(dutyPhone, "texted: No hot water")
		d.writes(dutyPhone, "On my way")
		d.arrives(priyaPhone, "On my way")
		if n := d.toldPhones(dutyPhone); n != 1 {
			d.Errorf("told %d times", n)
		}
	})
}

func TestAnAlertOfATextThatFailedIsSeenAndDealtWith(t *testing.T) {
	eachShift(t, func(d *desk) {
		d.sim.SetBehaviour(sparePhone, smstest.SwitchedOff)
		d.writes(priyaPhone, "No hot water")
		d.conv = d.where(priyaPhone)
		d.until("the failure counts", func() bool { return d.row(d.conv).Failed == 1 })
		b := d.signedIn("sam@example.com")
		m := d.said(d.conv)[0]
		b.bubbleSays(m.ID, "The text to the phone on duty did not arrive", "Dealt with")
		for _, x := range m.Deliveries {
			if x.To == sparePhone {
				b.post(fmt.Sprintf("/inbox/d/%d/dismiss", x.ID), nil)
			}
		}
		if n := d.row(d.conv).Failed; n != 0 {
			d.Errorf("%d failures are left", n)
		}
	})
}

func TestTheTeamPageSaysWhosePhoneItIs(t *testing.T) {
	eachShift(t, func(d *desk) {
		b := d.signedIn("sam@example.com")
		if _, page := b.get("/settings/team"); !strings.Contains(page, `1 415 555 0199" aria-label="Own phone of Sam Ortiz"`) {
			d.Error("the phone is not shown")
		}
		for phone, problem := range map[string]string{"+1 415 555 0199": "somebody else in the team", deskLine: "a number of the business", "12": ""} {
			r, page := b.post(phoneOf(d.jo), url.Values{"phone": {phone}})
			if r.StatusCode != 422 || problemIn(page) == "" || !strings.Contains(page, problem) || strings.Count(page, `aria-invalid="true"`) != 1 {
				d.Errorf("%s: %d %s", phone, r.StatusCode, problemIn(page))
			}
		}
		b.save(phoneOf(d.jo), url.Values{"phone": {sparePhone}})
		b.save(phoneOf(d.sam), url.Values{"phone": {""}})
		if _, page := b.shown("/settings/calls"); !strings.Contains(page, "<small>Jo Park</small>") || strings.Contains(page, "<small>Sam Ortiz") {
			d.Errorf("%s", page)
		}
		if r, _ := b.post("/settings/team/999/phone", url.Values{"phone": {""}}); r.StatusCode != 404 {
			d.Errorf("of nobody: %d", r.StatusCode)
		}
		if r, _ := d.signedIn("jo@example.com").post(phoneOf(d.sam), url.Values{"phone": {""}}); r.StatusCode != 403 {
			d.Errorf("an apprentice: %d", r.StatusCode)
		}
	})
}

func TestWhetherPhonesHearOfTextsIsASwitch(t *testing.T) {
	eachShift(t, func(d *desk) {
		b := d.signedIn("sam@example.com")
		b.save("/settings/calls", url.Values{"ring": {"20"}, "patience": {"60"}}) // a form without phones on duty
		if !d.decided().DutyTexts {
			d.Error("a form that does not ask switched it off")
		}
		b.save("/settings/calls", url.Values{"has_duty": {"1"}, "ring": {"20"}, "patience": {"60"}})
		if d.decided().DutyTexts {
			d.Error("it is on still")
		}
		d.writes(priyaPhone, "No hot water")
		if n := d.toldPhones(dutyPhone); n != 0 {
			d.Errorf("told %d times", n)
		}
		b.save("/settings/calls", url.Values{"has_duty": {"1"}, "duty_texts": {"1"}, "ring": {"20"}, "patience": {"60"}})
		d.writes(priyaPhone, "Hello?")
		d.arrives(dutyPhone, "Hello?")
	})
}
