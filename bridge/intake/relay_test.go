package intake_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms"
	"porchlight/data"
)

const (
	samPhone   = "+14155550190" // on duty, Sam's
	sparePhone = "+14155550191" // on duty, nobody's
	tom        = "+14155550135"
	nora       = "+14155550136"
)

// A shift is an office with phones on duty that are told of texts. Its clock is moved by
// the test, and what is queued leaves at once, unless the outbox is held up.
type shift struct {
	*office
	clock  time.Time
	heldUp bool
	heard  map[string][]string // words to a phone on duty about its own texts
	alerts map[string][]bridge.MessageID
	got    map[string][]string // what customers got
}

func eachShift(t *testing.T, test func(*shift)) {
	t.Helper()
	eachOffice(t, func(o *office) {
		s := &shift{office: o, clock: noon, heard: map[string][]string{}, alerts: map[string][]bridge.MessageID{}, got: map[string][]string{}}
		o.Now = func() time.Time { return s.clock }
		o.OnDuty = []bridge.Phone{samPhone, sparePhone}
		o.must(o.SetPhone(o.Context(), o.sam.Actor(), o.sam.ID, samPhone))
		o.settle(func(set *bridge.Settings) { set.DutyTexts = true })
		for name, phone := range map[string]string{"Priya Raman": priya, "Tom Becker": tom, "Nora Lind": nora} {
			o.knows(name, bridge.Customer, phone)
		}
		test(s)
	})
}

// leave lets all that is due leave, as the outbox does. Nothing to a customer comes from
// another number than the line's, or names a phone of the team.
func (s *shift) leave() {
	s.Helper()
	for again := !s.heldUp; again; {
		again = false
		s.write(func(tx *data.Tx) error {
			cs, err := tx.ClaimDue(bridge.SMS, s.clock, time.Minute, 100)
			for _, c := range cs {
				if again = true; err != nil {
					break
				}
				ours := slices.Contains(s.OnDuty, bridge.Phone(c.To))
				switch {
				case c.Purpose == bridge.ForAlert && ours:
					s.alerts[c.To] = append(s.alerts[c.To], c.Message)
				case c.Purpose == bridge.ForRelay && ours:
					s.heard[c.To] = append(s.heard[c.To], c.Body)
				default:
					s.got[c.To] = append(s.got[c.To], c.Body)
				}
				if !ours && (c.From != ourLine || strings.Contains(c.Body, "0190") || strings.Contains(c.Body, "0191")) {
					s.Errorf("a customer sees %s: %q", c.From, c.Body)
				}
				d := c.Delivery
				d.State, d.NextAt = bridge.Sent, time.Time{}
				err = tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, s.clock)
			}
			return err
		})
	}
}

func (s *shift) later(d time.Duration) { s.clock = s.clock.Add(d) }

// writes is a text of a customer, of which the phones are told at once.
func (s *shift) writes(from, body string, change ...func(*bridge.Inbound)) intake.Received {
	s.Helper()
	r := s.text(from, body, append([]func(*bridge.Inbound){func(m *bridge.Inbound) { m.At = s.clock }}, change...)...)
	s.leave()
	return r
}

// phone is a text from Sam's phone, and what the phone is told then.
func (s *shift) phone(body string, change ...func(*bridge.Inbound)) string {
	s.Helper()
	return s.phoneOf(samPhone, body, change...)
}

func (s *shift) phoneOf(phone, body string, change ...func(*bridge.Inbound)) string {
	s.Helper()
	had := len(s.heard[phone])
	s.writes(phone, body, change...)
	return strings.Join(s.heard[phone][had:], "\n")
}

// silent is a text of which the phone hears nothing: it was sent.
func (s *shift) silent(body string, change ...func(*bridge.Inbound)) {
	s.Helper()
	if word := s.phone(body, change...); word != "" {
		s.Errorf("%q is answered with %q", body, word)
	}
}

// words wants the phone to hear all of some words.
func (s *shift) words(heard string, want ...string) {
	s.Helper()
	for _, w := range want {
		if !strings.Contains(heard, w) {
			s.Errorf("the phone hears %q, not %q", heard, w)
		}
	}
}

// gets wants a customer to have got exactly that.
func (s *shift) gets(phone string, want ...string) {
	s.Helper()
	if d := cmp.Diff(want, s.got[phone]); d != "" {
		s.Errorf("%s got: %s", phone, d)
	}
}

// asked wants a text to be answered with the question for whom it is.
func (s *shift) asked(body, names string) {
	s.Helper()
	got := s.phone(body)
	if want := names + ". Answer with the number, 0 for nobody."; !strings.HasPrefix(got, "For whom ") || !strings.HasSuffix(got, "? "+want) {
		s.Errorf("%q: %q, not %q", body, got, names)
	}
}

func (s *shift) answers(who bridge.Staff, conv bridge.ConversationID, body string) {
	s.Helper()
	_, err := s.Reply(s.Context(), who, intake.Draft{Conversation: conv, Body: body})
	s.must(err)
	s.leave()
}

// count counts rows.
func (s *shift) count(query string) (n int) {
	s.Helper()
	driver, dsn := "sqlite3", s.at.Path
	if s.at.Postgres != "" {
		driver, dsn = "pgx", s.at.Postgres
	}
	db, err := sql.Open(driver, dsn)
	s.must(err)
	defer db.Close()
	s.must(db.QueryRow(query).Scan(&n))
	return n
}

// recovered is a text that was read from the carrier's list after downtime.
func recovered(at time.Time) func(*bridge.Inbound) {
	return func(m *bridge.Inbound) { m.At, m.Recovered = at, true }
}

func withPhoto(m *bridge.Inbound) {
	m.Media = []bridge.Media{{URL: "https://api.twilio.com/photo", ContentType: "image/jpeg"}}
}

func TestS1_14_WhatOneOfTheTeamTextsFromAPhoneOnDutyIsTheirAnswer(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		if len(s.alerts[samPhone]) != 1 {
			s.Fatalf("%+v", s.alerts)
		}
		s.silent(" On my way, ten minutes. ")
		s.gets(priya, "On my way, ten minutes.")
		s.told(conv, "in: No hot water", "out: On my way, ten minutes.")
		m := s.messages(conv)[1]
		if m.Author != (bridge.Author{Kind: bridge.ByStaff, ID: int64(s.sam.ID), Name: "Sam Ortiz"}) || len(m.Deliveries) != 1 || m.Deliveries[0].To != priya || m.Deliveries[0].Purpose != bridge.ForMessage {
			s.Errorf("%+v", m)
		}
		if c := s.row(conv); c.State != bridge.Waiting {
			s.Errorf("%+v", c)
		}
		// The phone itself is no contact and has no conversation.
		s.read(func(tx *data.Tx) error {
			as, err := tx.AddressesOf(bridge.SMS, samPhone)
			if len(as) != 0 {
				s.Errorf("%+v", as)
			}
			return err
		})
		s.silent("And have the key ready")
		s.gets(priya, "On my way, ten minutes.", "And have the key ready")
	})
}

func TestSameTextFromAPhoneOnDutyIsPassedOnOnce(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		var both sync.WaitGroup
		var fresh atomic.Int32
		for range 8 {
			both.Go(func() {
				r, err := s.Receive(s.Context(), bridge.Inbound{Channel: bridge.SMS, CarrierID: "SM1", From: samPhone, To: ourLine, Body: "On my way", At: s.clock})
				if err != nil {
					s.Error(err)
				} else if !r.Duplicate {
					fresh.Add(1)
				}
			})
		}
		both.Wait()
		s.leave()
		if fresh.Load() != 1 {
			s.Errorf("it was new %d times", fresh.Load())
		}
		s.silent("On my way", func(m *bridge.Inbound) { m.CarrierID = "SM1" })
		s.gets(priya, "On my way")
		s.told(conv, "in: No hot water", "out: On my way")
	})
}

func TestTextFromBeforeAPhoneWasOnDutyIsNotPassedOnWhenItIsListedAgain(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.OnDuty = s.OnDuty[1:]
		old := s.writes(samPhone, "Is this the plumber?", func(m *bridge.Inbound) { m.CarrierID = "SM1" })
		s.OnDuty = []bridge.Phone{samPhone, sparePhone}
		again := s.text(samPhone, "Is this the plumber?", func(m *bridge.Inbound) { m.CarrierID = "SM1" }, recovered(s.clock))
		if s.leave(); !again.Duplicate || again.Message != old.Message || len(s.got[priya]) != 0 {
			s.Errorf("%+v %q", again, s.got[priya])
		}
	})
}

func TestTextFromAPhoneThatIsNotOnDutyAnyMoreIsNotACustomersWhenItIsListedAgain(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.silent("On my way", func(m *bridge.Inbound) { m.CarrierID = "SM1" })
		s.OnDuty = nil
		if r := s.text(samPhone, "On my way", func(m *bridge.Inbound) { m.CarrierID = "SM1" }, recovered(s.clock)); !r.Duplicate || r.Conversation != 0 {
			s.Errorf("%+v", r)
		}
	})
}

func TestOldTextFromAPhoneOnDutyIsNotPassedOnAfterDowntime(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.later(time.Hour)
		s.words(s.phone("There in ten minutes", recovered(s.clock.Add(-31*time.Minute))), "Your text to Priya Raman came only now and was not sent: There in ten minutes", "Send it again")
		s.gets(priya)
		s.silent("There in five", recovered(s.clock.Add(-29*time.Minute)))
		s.gets(priya, "There in five")
	})
}

func TestWhereTwoCustomersWaitThePhoneIsAskedForWhomItsTextIs(t *testing.T) {
	eachShift(t, func(s *shift) {
		first := s.writes(priya, "No hot water").Conversation
		second := s.writes(tom, "The tap drips").Conversation
		s.asked("On my way", "1 Tom Becker, 2 Priya Raman")
		s.gets(priya)
		s.gets(tom)
		s.words(s.phone("7"), "a number from 1 to 2, or 0")
		s.words(s.phone("3"), "a number from 1 to 2, or 0")
		s.words(s.phone("-1"), "a number from 1 to 2, or 0")
		s.silent(" #2. ")
		s.gets(priya, "On my way")
		s.gets(tom)
		s.told(first, "in: No hot water", "out: On my way")
		s.told(second, "in: The tap drips")
	})
}

func TestZeroSendsATextToNobody(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.writes(tom, "The tap drips")
		s.asked("Milk and bread", "1 Tom Becker, 2 Priya Raman")
		s.words(s.phone("0"), "It was sent to nobody.")
		s.asked("2", "1 Tom Becker, 2 Priya Raman") // no question is open, so it is a text
		s.silent("1")
		s.gets(tom, "2")
		s.gets(priya)
	})
}

func TestTextsThatWaitForAChoiceGoTogetherInOrder(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.writes(tom, "The tap drips")
		s.asked("On my way", "1 Tom Becker, 2 Priya Raman")
		s.asked("Ten minutes", "1 Tom Becker, 2 Priya Raman")
		s.silent("2")
		s.gets(priya, "On my way", "Ten minutes")
		s.gets(tom)
	})
}

func TestAQuestionIsForgottenAfterAnHour(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "How many rooms?")
		s.writes(tom, "The tap drips")
		s.asked("On my way", "1 Tom Becker, 2 Priya Raman")
		s.later(59*time.Minute + 59*time.Second)
		s.words(s.phone("9"), "a number from 1 to 2")
		s.later(time.Second)
		s.asked("2", "1 Tom Becker, 2 Priya Raman")
		s.silent("2")
		s.gets(priya, "2")
		s.gets(tom)
	})
}

// A number that somebody read in one question must not mean another customer in the next,
// which may be under way to them while they answer.
func TestANumberKeepsItsCustomerWhileItsQuestionIsOpen(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.writes(tom, "The tap drips")
		s.asked("On my way", "1 Tom Becker, 2 Priya Raman")
		s.writes(nora, "It is cold here")
		s.asked("Ten minutes", "1 Tom Becker, 2 Priya Raman, 3 Nora Lind")
		s.silent("2")
		s.gets(priya, "On my way", "Ten minutes")
		s.gets(tom)
		s.gets(nora)
	})
}

// What was texted before a question went out is no answer to it, however late it comes.
func TestANumberFromBeforeItsQuestionIsNoChoice(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "How many of you come?")
		s.writes(tom, "The tap drips")
		s.later(10 * time.Minute)
		s.asked("On my way", "1 Tom Becker, 2 Priya Raman")
		s.words(s.phone("1", recovered(s.clock.Add(-5*time.Minute))), "a number from 1 to 2")
		s.gets(tom)
		s.gets(priya)
		s.silent("2")
		s.gets(priya, "On my way")
		s.gets(tom)
	})
}

func TestAPhoneThatJustAnsweredSomebodyIsAskedBeforeItAnswersAnother(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.silent("On my way")
		s.writes(tom, "The tap drips")
		s.asked("Ten minutes", "1 Tom Becker, 2 Priya Raman") // to go on with Priya, or to Tom?
		s.silent("2")
		s.gets(priya, "On my way", "Ten minutes")
		s.later(time.Hour)
		s.silent("I come tomorrow")
		s.gets(tom, "I come tomorrow")
		s.gets(priya, "On my way", "Ten minutes")
	})
}

// The phone does not see what the office does, so its owner may mean either.
func TestOfTwoCustomersWhomAPhoneHeardOfTheOneThatTheOfficeAnsweredMayBeMeantToo(t *testing.T) {
	for name, settles := range map[string]func(*shift, bridge.ConversationID){
		"answered": func(s *shift, conv bridge.ConversationID) { s.answers(s.jo, conv, "Lee comes at three") },
		"closed":   func(s *shift, conv bridge.ConversationID) { s.must(s.Close(s.Context(), s.jo, conv)) },
	} {
		t.Run(name, func(t *testing.T) {
			eachShift(t, func(s *shift) {
				conv := s.writes(priya, "No hot water").Conversation
				s.writes(tom, "The tap drips")
				settles(s, conv)
				s.asked("I come tomorrow", "1 Tom Becker, 2 Priya Raman")
				s.words(s.phone("0"), "nobody")
				s.later(time.Hour)
				if name == "answered" { // and the phone was told of nothing since
					s.asked("I am outside", "1 Tom Becker, 2 Priya Raman")
					return
				}
				s.silent("I am outside")
				s.gets(tom, "I am outside")
			})
		})
	}
}

func TestTheSameAgainIsForWhomItWasStopped(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.later(2 * time.Hour)
		s.answers(s.jo, conv, "Lee comes at three")
		s.words(s.phone("I come tomorrow"), "Not sent: Jo Park answered")
		s.writes(tom, "The tap drips")
		s.asked("I come tomorrow", "1 Tom Becker, 2 Priya Raman")
		s.silent("2")
		s.gets(priya, "Lee comes at three", "I come tomorrow")
		s.gets(tom)
	})
}

// A text may wait long for its number; from then on its customer was just answered.
func TestWhoWasChosenWasJustAnswered(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.writes(tom, "The tap drips")
		s.asked("On my way", "1 Tom Becker, 2 Priya Raman")
		s.later(50 * time.Minute)
		s.silent("2")
		s.later(20 * time.Minute)
		s.asked("Ten minutes", "1 Tom Becker, 2 Priya Raman")
		s.gets(priya, "On my way")
		s.gets(tom)
	})
}

func TestAfterTwoDaysNobodyIsMeant(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.words(s.phone("Hello?"), "Not sent", "told of no message")
		s.writes(priya, "No hot water")
		s.later(bridge.RelayWindow)
		s.silent("Better now?")
		s.gets(priya, "Better now?")
		s.later(time.Millisecond)
		s.words(s.phone("Still there?"), "Not sent", "told of no message in the last two days")
		s.gets(priya, "Better now?")
	})
}

func TestAPhoneAnswersOnlyWhatItWasToldOf(t *testing.T) {
	for name, unheard := range map[string]func(*shift){
		"the alert waits still": func(s *shift) {
			s.heldUp = true
			s.writes(tom, "The tap drips")
		},
		"the alert did not arrive": func(s *shift) {
			s.writes(tom, "The tap drips")
			s.write(func(tx *data.Tx) error {
				all, err := tx.Deliveries(bridge.Sent, 100)
				for _, d := range all {
					if err == nil && d.To == samPhone && d.Message == s.alerts[samPhone][1] {
						d.State, d.Code = bridge.Undelivered, "30003"
						err = tx.SaveDelivery(d, bridge.Sent, bridge.Failure{}, s.clock)
					}
				}
				return err
			})
		},
		"the text is older than the alert": func(s *shift) {
			s.heldUp = true
			s.writes(tom, "The tap drips")
			s.later(time.Minute)
			s.heldUp = false
			s.leave()
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachShift(t, func(s *shift) {
				s.writes(priya, "No hot water")
				s.silent("On my way")
				s.later(2 * time.Hour) // Priya waits no more, and what is new would be meant
				at := s.clock
				unheard(s)
				s.silent("I am in your street", func(m *bridge.Inbound) { m.At = at })
				s.heldUp = false
				s.leave()
				s.gets(tom)
				s.gets(priya, "On my way", "I am in your street")
			})
		})
	}
}

// The question has room for nine; that there are more must not make it a guess.
func TestAmongManyCustomersNoneIsForgotten(t *testing.T) {
	eachShift(t, func(s *shift) {
		forgotten := s.writes(priya, "No hot water").Conversation
		for n := range 8 {
			s.later(time.Second)
			conv := s.writes(fmt.Sprintf("+141555502%02d", n), "A small thing").Conversation
			s.answers(s.sam, conv, "Done")
		}
		s.later(2 * time.Hour)
		s.writes(tom, "The tap drips") // the tenth
		word := s.phone("On my way")
		s.words(word, "For whom is this?", "Priya Raman", "Tom Becker")
		if len(s.got[tom]) != 0 || strings.Contains(word, "10 ") {
			s.Errorf("%q, Tom got %q", word, s.got[tom])
		}
		number := regexp.MustCompile(`(\d) Priya`).FindStringSubmatch(word)
		if number == nil {
			s.Fatal("no number")
		}
		s.silent(number[1])
		s.told(forgotten, "in: No hot water", "out: On my way")
	})
}

func TestAnAnswerThatAColleagueOvertookIsStopped(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.answers(s.jo, conv, "Lee comes at three")
		s.words(s.phone("I come tomorrow"), "Not sent: Jo Park answered Priya Raman meanwhile: Lee comes at three", "Text the same again")
		s.words(s.phone("I come at noon"), "Not sent: Jo Park answered")
		s.gets(priya, "Lee comes at three")
		s.silent("I come tomorrow")
		s.gets(priya, "Lee comes at three", "I come tomorrow")
		s.silent("At nine") // what Jo wrote was before them then
		s.answers(s.jo, conv, "Sorry, not Lee")
		s.words(s.phone("Or at ten"), "Jo Park answered Priya Raman meanwhile: Sorry, not Lee")
		s.words(s.phone("At nine"), "Jo Park answered") // that went before, and was not stopped
		s.later(time.Hour)
		s.words(s.phone("Or at ten"), "Jo Park answered") // that was long ago
	})
}

func TestACustomersOwnTextsStopNoAnswer(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.writes(priya, "And it drips")
		s.heldUp = true
		conv := s.writes(priya, "Hello?").Conversation // of which the phone has not heard yet
		s.heldUp = false
		s.silent("On my way")
		s.gets(priya, "On my way")
		s.answers(s.sam, conv, "From the inbox now") // their own stops nothing either
		s.silent("Ten minutes")
		_, err := s.Note(s.Context(), s.jo, intake.Draft{Conversation: conv, Body: "She has a dog"})
		s.must(err)
		s.silent("Five minutes")
	})
}

func TestAnAnswerBeforeTheNewestAlertStopsNothing(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.answers(s.jo, conv, "Lee comes at three")
		s.writes(priya, "Three is too late")
		s.silent("Then I come")
		s.gets(priya, "Lee comes at three", "Then I come")
	})
}

func TestAChoiceThatAColleagueOvertookIsStopped(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.writes(tom, "The tap drips")
		s.asked("I come tomorrow", "1 Tom Becker, 2 Priya Raman")
		s.answers(s.jo, conv, "Lee comes at three")
		s.words(s.phone("2"), "Not sent: Jo Park answered Priya Raman meanwhile")
		s.gets(priya, "Lee comes at three")
		s.gets(tom)
	})
}

func TestWhatCannotBeSentIsAnsweredWithTheReason(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*shift, bridge.ConversationID)
		want   []string
	}{
		"the customer texted STOP": {func(s *shift, _ bridge.ConversationID) { s.writes(priya, "STOP") }, []string{"They texted STOP", "Call them"}},
		"sending is on hold": {func(s *shift, conv bridge.ConversationID) {
			s.must(s.Hold(s.Context(), s.jo, conv, true))
		}, []string{"Sending is on hold", "Lift the hold"}},
		"the role answers nobody": {func(s *shift, conv bridge.ConversationID) {
			s.lends(s.tradie)
			s.must(s.Assign(s.Context(), s.jo, conv, s.tradie.ID))
		}, []string{"Your role reads conversations", "Ask the office"}},
		"it is too long": {func(*shift, bridge.ConversationID) {}, []string{"the most is"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachShift(t, func(s *shift) {
				conv := s.writes(priya, "No hot water").Conversation
				tc.change(s, conv)
				before, body := s.history(conv), "On my way"
				if tc.want[0] == "the most is" {
					body = strings.Repeat("é", bridge.MaxBody+1)
				}
				s.words(s.phone(body), append(tc.want, "Not sent to Priya Raman: ")...)
				s.gets(priya)
				s.told(conv, before...)
			})
		})
	}
}

// lends gives Sam's phone to a colleague.
func (s *shift) lends(to bridge.Staff) {
	s.Helper()
	s.must(s.SetPhone(s.Context(), s.sam.Actor(), s.sam.ID, ""))
	s.must(s.SetPhone(s.Context(), s.sam.Actor(), to.ID, samPhone))
}

func TestWhatComesFromAPhoneOnDutyThatIsNobodysIsKeptAndNotSent(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.words(s.phoneOf(sparePhone, "On my way"), "Not sent to Priya Raman", "does not know whose phone this is", "Settings, Team", "Your text is kept in the conversation")
		s.gets(priya)
		s.told(conv, "in: No hot water", "event: Came from a phone on duty that is nobody's, and was not sent: On my way")
	})
}

func TestAPhotoFromAPhoneThatIsNobodysIsKeptToo(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.words(s.phoneOf(sparePhone, "", withPhoto), "Not sent to Priya Raman", "kept in the conversation")
		ms := s.messages(conv)
		if m := ms[len(ms)-1]; m.Direction != bridge.Event || len(m.Attachments) != 1 || m.Attachments[0].Source != "https://api.twilio.com/photo" {
			s.Errorf("%+v", m)
		}
		s.gets(priya)
	})
}

func TestWhileOneIsAloneInTheTeamEveryPhoneOnDutyIsTheirs(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.must(s.SetPhone(s.Context(), s.sam.Actor(), s.sam.ID, ""))
		s.words(s.phoneOf(sparePhone, "On my way"), "does not know whose phone")
		s.must(s.SwitchStaff(s.Context(), s.sam.Actor(), s.jo.ID, false))
		s.words(s.phoneOf(sparePhone, "On my way"), "does not know whose phone")
		s.must(s.SwitchStaff(s.Context(), s.sam.Actor(), s.tradie.ID, false))
		if word := s.phoneOf(sparePhone, "On my way") + s.phoneOf(samPhone, "Ten minutes"); word != "" {
			s.Error(word)
		}
		s.gets(priya, "On my way", "Ten minutes")
		if m := s.messages(conv); m[len(m)-1].Author.ID != int64(s.sam.ID) {
			s.Errorf("%+v", m[len(m)-1])
		}
	})
}

func TestThePhoneOfAColleagueWhoLeftIsNobodys(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.must(s.SetPhone(s.Context(), s.sam.Actor(), s.jo.ID, sparePhone))
		s.writes(priya, "No hot water")
		s.must(s.SwitchStaff(s.Context(), s.sam.Actor(), s.jo.ID, false))
		s.words(s.phoneOf(sparePhone, "Good riddance"), "does not know whose phone")
		s.must(s.SwitchStaff(s.Context(), s.sam.Actor(), s.tradie.ID, false))
		s.must(s.SetPhone(s.Context(), s.sam.Actor(), s.sam.ID, ""))
		s.words(s.phoneOf(sparePhone, "Good riddance"), "does not know whose phone") // nor Sam's, who is alone now
		s.gets(priya)
	})
}

func TestAPhoneIsOnePersonsAndNoLine(t *testing.T) {
	eachShift(t, func(s *shift) {
		set := func(by, who bridge.Staff, phone string) error {
			return s.SetPhone(s.Context(), by.Actor(), who.ID, phone)
		}
		s.invalid(set(s.sam, s.jo, "(415) 555-0190"), "phone") // Sam's
		s.invalid(set(s.sam, s.jo, ourLine), "phone")
		s.invalid(set(s.sam, s.jo, "12"), "phone")
		s.settle(func(set *bridge.Settings) { set.Receptionist.Phone = "+14155550160" })
		s.invalid(set(s.sam, s.jo, "+14155550160"), "phone")
		s.must(set(s.tradie, s.tradie, "415 555 0191")) // their own
		s.denied(set(s.tradie, s.jo, "+14155550192"), "role")
		s.denied(set(s.jo, s.sam, ""), "role")
		s.must(set(s.sam, s.sam, samPhone)) // again changes nothing
		s.must(set(s.sam, s.tradie, ""))
		s.must(set(s.sam, s.jo, sparePhone)) // free again
	})
}

func TestStopFromAPhoneOnDutyEndsItsAlertsAndIsNoCustomersConsent(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		contacts, conversations := s.count("SELECT COUNT(*) FROM contacts"), s.count("SELECT COUNT(*) FROM conversations")
		s.silent(" Stop. ")
		s.writes(priya, "Hello?")
		if len(s.alerts[samPhone]) != 1 || len(s.alerts[sparePhone]) != 2 {
			s.Errorf("told after STOP: %v", s.alerts)
		}
		s.silent("stop")
		s.words(s.phone("yes"), "told of messages again") // to a carrier it is START
		s.writes(priya, "Anybody?")
		if len(s.alerts[samPhone]) != 2 {
			s.Errorf("not told after START: %v", s.alerts)
		}
		s.silent("Stopall", func(m *bridge.Inbound) { m.Keyword = bridge.Stop })
		s.words(s.phone("START", func(m *bridge.Inbound) { m.Keyword = bridge.Start }), "told of messages again")
		s.gets(priya)
		if n := s.count("SELECT COUNT(*) FROM consents"); n != 0 {
			s.Errorf("%d consents", n)
		}
		if c, v := s.count("SELECT COUNT(*) FROM contacts"), s.count("SELECT COUNT(*) FROM conversations"); c != contacts || v != conversations {
			s.Errorf("%d contacts and %d conversations, were %d and %d", c, v, contacts, conversations)
		}
	})
}

func TestStartOpensAPhoneThatTheCarriersRefusalBlocked(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.heldUp = true
		s.writes(priya, "No hot water")
		s.phone("STOP")
		s.heldUp = false
		s.write(func(tx *data.Tx) error { // the alert leaves all the same, and is refused
			cs, err := tx.ClaimDue(bridge.SMS, s.clock, time.Minute, 100)
			for _, c := range cs {
				if d := c.Delivery; err == nil && d.To == samPhone {
					d.State, d.Code, d.NextAt = bridge.Failed, "21610", time.Time{}
					err = tx.SaveDelivery(d, bridge.Sending, sms.Explain(d.Code), s.clock)
				}
			}
			return err
		})
		s.words(s.phone("START"), "told of messages again")
		s.writes(priya, "Hello?")
		if len(s.alerts[samPhone]) != 1 {
			s.Errorf("%v", s.alerts)
		}
	})
}

func TestWhatOnlySoundsLikeAKeywordIsAnAnswer(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "Can you come on Friday?")
		said := []string{"YES", "end of the week", "I stop by at 5", "We can help with that"}
		for _, body := range said {
			s.silent(body)
		}
		s.silent("Yes.", func(m *bridge.Inbound) { m.Keyword = bridge.Start }) // a carrier may take it for START
		s.gets(priya, append(said, "Yes.")...)
		s.words(s.phone("START"), "told of messages") // nobody means a customer by it
		s.words(s.phone("Help"), "STOP: hear of none")
		s.gets(priya, append(said, "Yes.")...)
	})
}

func TestAPhotoFromAPhoneIsANoteForTheTeam(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.words(s.phone("", withPhoto), "The photo did not go to Priya Raman", "Send it in the inbox")
		s.gets(priya)
		s.words(s.phone("This one?", withPhoto), "The photo did not go to Priya Raman")
		s.gets(priya, "This one?")
		s.told(conv, "in: No hot water", "note: From my phone, for us only", "out: This one?", "note: From my phone, for us only")
		for _, m := range s.messages(conv) {
			if m.Direction == bridge.Note && (len(m.Attachments) != 1 || m.Attachments[0].Source != "https://api.twilio.com/photo" || m.Author.ID != int64(s.sam.ID) || len(m.Deliveries) != 0) {
				s.Errorf("%+v", m)
			}
			if m.Direction == bridge.Out && (len(m.Attachments) != 0 || m.Deliveries[0].Media) {
				s.Errorf("the photo goes with it: %+v", m)
			}
		}
		s.silent("") // nothing at all
		s.gets(priya, "This one?")
	})
}

func TestAPhotoOfWhichItIsNotKnownForWhomItIsGoesToNobodyAndThePhoneHears(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		s.writes(tom, "The tap drips")
		s.words(s.phone("", withPhoto), "it is not known for whom this photo is")
		s.words(s.phone("This one?", withPhoto), "For whom is this?", "The photo", "in the inbox")
		s.silent("2")
		s.gets(priya, "This one?")
		s.gets(tom)
	})
}

func TestNothingGoesIntoAConversationThatItsSenderDoesNotSee(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.lends(s.tradie)
		s.words(s.phone("On my way"), "Not sent: you do not see the conversation")
		s.words(s.phone("", withPhoto), "Not sent: you do not see the conversation")
		s.told(conv, "in: No hot water")
	})
}

// fails lets a text that left fail at its carrier.
func (s *shift) failsAt(d bridge.Delivery) string {
	s.Helper()
	had := len(s.heard[samPhone])
	s.undelivered(d, "30006")
	s.leave()
	return strings.Join(s.heard[samPhone][had:], "\n")
}

func TestThePhoneIsToldOnceThatItsAnswerDidNotArrive(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.silent("On my way")
		s.words(s.failsAt(s.messages(conv)[1].Deliveries[0]), "Your text to Priya Raman did not arrive: Landline", "It said: On my way")
		// What was written in the inbox is not the phone's matter.
		s.answers(s.jo, conv, "Call us")
		if word := s.failsAt(s.messages(conv)[2].Deliveries[0]); word != "" {
			s.Error(word)
		}
		s.words(s.phone(strings.Repeat("The boiler is covered for ten years. ", 100)), "Jo Park answered")
		s.silent(strings.Repeat("The boiler is covered for ten years. ", 100))
		parts := s.messages(conv)[3].Deliveries
		if len(parts) < 3 {
			s.Fatalf("%d parts", len(parts))
		}
		var words []string
		for _, d := range parts {
			if word := s.failsAt(d); word != "" {
				words = append(words, word)
			}
		}
		if len(words) != 1 {
			s.Errorf("it hears of %d parts: %q", len(words), words)
		}
	})
}

func TestThePhoneHearsOfAFailureOnlyWhereNoMailGoesInstead(t *testing.T) {
	eachShift(t, func(s *shift) {
		conv := s.writes(priya, "No hot water").Conversation
		s.mailbox(s.address(priya).Contact, "priya@example.com")
		s.silent("On my way")
		m := s.messages(conv)[1]
		if word := s.failsAt(m.Deliveries[0]); word != "" {
			s.Errorf("a mail goes instead: %q", word)
		}
		mail := s.messages(conv)[1].Deliveries[1]
		if mail.Channel != bridge.Email {
			s.Fatalf("%+v", mail)
		}
		s.write(func(tx *data.Tx) error { // and then it bounces
			was := mail.State
			mail.State = bridge.Failed
			if err := tx.SaveDelivery(mail, was, bridge.Failure{}, s.clock); err != nil {
				return err
			}
			return s.FallBack(tx, mail)
		})
		s.leave()
		if len(s.heard[samPhone]) != 1 {
			s.Errorf("when the mail failed too: %q", s.heard[samPhone])
		}
	})
}

func TestAPhoneThatFloodsIsRefusedOnceAndThenLeftAlone(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.writes(priya, "No hot water")
		for n := range 60 {
			s.later(time.Second)
			s.silent(fmt.Sprint("Text ", n))
		}
		s.words(s.phone("Text 60"), "Not sent: more than 60 texts in an hour")
		s.silent("Text 61")
		s.silent("Text 62")
		if len(s.got[priya]) != 60 {
			s.Errorf("%d went", len(s.got[priya]))
		}
		s.silent("STOP") // is heard whatever came before
		s.writes(priya, "Enough")
		if len(s.alerts[samPhone]) != 1 {
			s.Error("it is told after STOP")
		}
		s.words(s.phone("START"), "told of messages again")
		s.later(time.Hour)
		s.silent("Sorry for that")
		if len(s.got[priya]) != 61 {
			s.Errorf("%d went", len(s.got[priya]))
		}
	})
}

func TestPhonesAreToldOfTextsOnlyWhereTheSettingsSaySo(t *testing.T) {
	eachShift(t, func(s *shift) {
		told := func(why string, want int) {
			s.Helper()
			if n := len(s.alerts[samPhone]); n != want {
				s.Errorf("%s: told %d times, not %d", why, n, want)
			}
		}
		s.settle(func(set *bridge.Settings) { set.DutyTexts = false })
		s.writes(priya, "No hot water")
		told("switched off", 0)
		s.settle(func(set *bridge.Settings) { set.Use(bridge.SoleTraderAlone) })
		s.writes(priya, "Hello?")
		told("a sole trader alone", 1)
		s.writes(priya, "Yes")
		told("YES of somebody who never said STOP", 2)
		s.writes(priya, "STOP")
		s.writes(priya, "Yes")
		s.writes(priya, "Please end it", func(m *bridge.Inbound) { m.Keyword = bridge.Stop })
		s.writes(priya, "START")
		told("consent", 2)
		s.settle(func(set *bridge.Settings) {
			set.Policy(bridge.KindCustomer).Alert = slices.DeleteFunc(slices.Clone(set.Policy(bridge.KindCustomer).Alert), func(c bridge.Channel) bool { return c == bridge.SMS })
		})
		s.writes(priya, "Is anyone there?")
		told("a kind that tells nobody by text", 2)
	})
}

func TestPhonesAreToldOfATextThatWasRecoveredLate(t *testing.T) {
	eachShift(t, func(s *shift) {
		s.later(12 * time.Hour)
		s.writes(priya, "No hot water", recovered(s.clock.Add(-6*time.Hour)))
		if len(s.alerts[samPhone]) != 1 {
			s.Error("nobody is told")
		}
		s.silent("Sorry, we come now")
		s.gets(priya, "Sorry, we come now")
	})
}
