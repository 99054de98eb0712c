package intake_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms"
	"porchlight/data"
)

func TestFirstTextMakesAContactAndOpensAConversation(t *testing.T) {
	eachOffice(t, func(o *office) {
		r := o.text(priya, "No hot water")
		c := o.row(r.Conversation)
		if c.State != bridge.Open || c.Title != "+1 415 555 0134" || c.Unread != 1 || c.Address != priya || c.Line != o.line || r.Duplicate {
			o.Errorf("%+v", c)
		}
		o.told(r.Conversation, "in: No hot water")
	})
}

func TestSameTextTwiceIsOneMessage(t *testing.T) {
	eachOffice(t, func(o *office) {
		sameID := func(m *bridge.Inbound) { m.CarrierID = "SM1" }
		first := o.text(priya, "No hot water", sameID)
		again := o.text(priya, "No hot water", sameID)
		if !again.Duplicate || again.Message != first.Message {
			o.Errorf("%+v after %+v", again, first)
		}
		o.text(priya, "No hot water") // the same words under another id are another text
		o.told(first.Conversation, "in: No hot water", "in: No hot water")
	})
}

func TestCrowdOfFirstTextsFromOneSenderMakesOneConversation(t *testing.T) {
	eachOffice(t, func(o *office) {
		const crowd = 64
		var all sync.WaitGroup
		conversations := make([]bridge.ConversationID, crowd)
		for n := range crowd {
			all.Go(func() {
				// Each text comes twice at the same time, as by webhook and fallback.
				var both sync.WaitGroup
				for range 2 {
					both.Go(func() {
						r, err := o.Receive(o.Context(), bridge.Inbound{
							Channel: bridge.SMS, CarrierID: fmt.Sprintf("SM%d", n), From: priya, To: ourLine, Body: fmt.Sprint(n), At: noon})
						if err != nil {
							o.Error(err)
						}
						if !r.Duplicate {
							conversations[n] = r.Conversation
						}
					})
				}
				both.Wait()
			})
		}
		all.Wait()
		if len(slices.Compact(slices.Clone(conversations))) != 1 {
			o.Errorf("conversations: %v", conversations)
		}
		o.address(priya)
		if n := len(o.messages(conversations[0])); n != crowd {
			o.Errorf("%d messages", n)
		}
		if c := o.row(conversations[0]); c.Inbound != crowd || c.Unread != crowd {
			o.Errorf("%+v", c)
		}
	})
}

func TestStopBlocksRepliesUntilStart(t *testing.T) {
	for _, start := range []string{"START", "yes", "Unstop"} {
		t.Run(start, func(t *testing.T) {
			eachOffice(t, func(o *office) {
				r := o.text(priya, " Stop. ")
				if c := o.row(r.Conversation); !c.OptedOut || !o.address(priya).OptedOut {
					o.Errorf("after STOP: %+v", c)
				}
				_, err := o.Reply(o.Context(), o.sam, intake.Draft{Conversation: r.Conversation, Body: "Sorry"})
				o.denied(err, "opted_out")
				if _, err := o.Note(o.Context(), o.sam, intake.Draft{Conversation: r.Conversation, Body: "Call her"}); err != nil {
					o.Errorf("a note is blocked too: %v", err)
				}
				o.text(priya, "stop") // again changes nothing
				o.text(priya, start)
				if c := o.row(r.Conversation); c.OptedOut {
					o.Errorf("after %s: %+v", start, c)
				}
				o.replies(r.Conversation, "Welcome back")
				o.told(r.Conversation, "in:  Stop. ", "event: Texts are blocked: +1 415 555 0134 texted STOP", "note: Call her", "in: stop",
					"in: "+start, "event: Texts are allowed again: +1 415 555 0134 texted START", "out: Welcome back")
			})
		})
	}
}

func TestCarriersOwnReadingOfConsentCounts(t *testing.T) {
	eachOffice(t, func(o *office) {
		r := o.text(priya, "please leave me alone, "+strings.Repeat("really ", 10), func(m *bridge.Inbound) { m.Keyword = bridge.Stop })
		if !o.row(r.Conversation).OptedOut {
			o.Error("the carrier's STOP was not heard")
		}
	})
}

func TestStopInsideASentenceIsAQuestion(t *testing.T) {
	eachOffice(t, func(o *office) {
		for _, body := range []string{"Can you stop by at 5?", "stop the leak please", "yes", "Yes please", "end of the street", "START"} {
			r := o.text(priya, body)
			if o.row(r.Conversation).OptedOut {
				o.Errorf("%q opted out", body)
			}
			for _, line := range o.history(r.Conversation) {
				if strings.HasPrefix(line, "event:") {
					o.Errorf("%q: %s", body, line)
				}
			}
		}
	})
}

func TestPictureWithoutWordsIsAMessage(t *testing.T) {
	eachOffice(t, func(o *office) {
		photo := bridge.Media{URL: "https://api.twilio.com/a", ContentType: "image/jpeg"}
		r := o.text(priya, "", func(m *bridge.Inbound) { m.Media = []bridge.Media{photo} })
		m := o.messages(r.Conversation)[0]
		if len(m.Attachments) != 1 || m.Attachments[0].Source != photo.URL || m.Attachments[0].State != bridge.Arriving || m.Body != "" {
			o.Errorf("%+v", m)
		}
		if c := o.row(r.Conversation); c.Preview != "Photo" {
			o.Errorf("%+v", c)
		}
	})
}

func TestSenderThatIsNoPhoneIsKeptButCannotBeAnswered(t *testing.T) {
	for _, from := range []string{"29372", "PLUMBCO", "14155550134"} {
		t.Run(from, func(t *testing.T) {
			eachOffice(t, func(o *office) {
				r := o.text(from, "Your code is 1234")
				if o.address(from).Answerable {
					o.Error("it can be answered")
				}
				_, err := o.Reply(o.Context(), o.sam, intake.Draft{Conversation: r.Conversation, Body: "Thanks"})
				o.denied(err, "not_answerable")
				o.must(o.AddPhone(o.Context(), o.sam, r.Conversation, "(415) 555-0136"))
				if m := o.replies(r.Conversation, "Thanks"); m.Deliveries[0].To != "+14155550136" {
					o.Errorf("%+v", m.Deliveries)
				}
			})
		})
	}
}

func TestOurOwnLineIsNotTextedBack(t *testing.T) {
	eachOffice(t, func(o *office) {
		r := o.text(ourLine, "Hello me")
		_, err := o.Reply(o.Context(), o.sam, intake.Draft{Conversation: r.Conversation, Body: "Hello"})
		o.denied(err, "not_answerable")
		o.invalid(o.AddPhone(o.Context(), o.sam, r.Conversation, ourLine), "phone")
	})
}

func TestSameFormTwiceIsOneMessage(t *testing.T) {
	eachOffice(t, func(o *office) {
		conv := o.text(priya, "No hot water").Conversation
		form := intake.Draft{Conversation: conv, Body: "On our way", ClientID: "tab-1"}
		var tabs sync.WaitGroup
		ids := make([]bridge.MessageID, 8)
		for n := range ids {
			tabs.Go(func() {
				m, err := o.Reply(o.Context(), o.sam, form)
				if err != nil || len(m.Deliveries) != 1 {
					o.Errorf("%+v, %v", m, err)
				}
				ids[n] = m.ID
			})
		}
		tabs.Wait()
		if len(slices.Compact(ids)) != 1 {
			o.Errorf("messages: %v", ids)
		}
		o.told(conv, "in: No hot water", "out: On our way")
		// Also when she has texted STOP meanwhile: it was sent before.
		o.text(priya, "STOP")
		if m, err := o.Reply(o.Context(), o.sam, form); err != nil || m.ID != ids[0] {
			o.Errorf("%+v, %v", m, err)
		}
	})
}

func TestReplyThatMissedANewerTextIsStopped(t *testing.T) {
	eachOffice(t, func(o *office) {
		first := o.text(priya, "Come at 5")
		o.text(priya, "No, at 6")
		draft := intake.Draft{Conversation: first.Conversation, Body: "See you at 5", Seen: first.Message}
		if _, err := o.Reply(o.Context(), o.sam, draft); !errors.Is(err, bridge.ErrConflict) {
			o.Errorf("got %v", err)
		}
		o.told(first.Conversation, "in: Come at 5", "in: No, at 6")
		if _, err := o.Note(o.Context(), o.sam, draft); err != nil {
			o.Errorf("a note: %v", err)
		}
		draft.Seen, draft.Body = o.replies(first.Conversation, "At 6 then").ID-1, "And bring the key"
		if _, err := o.Reply(o.Context(), o.sam, draft); err != nil {
			o.Errorf("the writer's own answer stopped them: %v", err)
		}
		if _, err := o.Reply(o.Context(), o.jo, draft); !errors.Is(err, bridge.ErrConflict) {
			o.Errorf("a colleague's answer did not: %v", err)
		}
	})
}

func TestLongReplyLeavesInPartsInOrder(t *testing.T) {
	eachOffice(t, func(o *office) {
		conv := o.text(priya, "What does the guarantee say?").Conversation
		body := strings.TrimSpace(strings.Repeat("The boiler is covered for ten years. ", 100))
		m := o.replies(conv, body)
		if len(m.Deliveries) < 3 || m.Body != body {
			o.Fatalf("%d deliveries", len(m.Deliveries))
		}
		var parts []string
		for n, d := range m.Deliveries {
			if utf8.RuneCountInString(d.Body) > sms.MaxText || d.Segments != sms.Segments(d.Body).Segments || d.To != priya {
				o.Errorf("part %d: %+v", n, d)
			}
			parts = append(parts, d.Body)
		}
		if got := strings.Join(strings.Fields(strings.Join(parts, " ")), " "); got != body {
			o.Error("the parts are not the whole")
		}
		var claimed []string
		for range m.Deliveries {
			o.write(func(tx *data.Tx) error {
				cs, err := tx.ClaimDue(bridge.SMS, noon, time.Minute, 10)
				if err != nil || len(cs) != 1 {
					o.Fatalf("%d parts leave at once, %v", len(cs), err)
				}
				claimed = append(claimed, cs[0].Body)
				d := cs[0].Delivery
				d.State = bridge.Sent
				return tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, noon)
			})
		}
		if d := cmp.Diff(parts, claimed); d != "" {
			o.Error(d)
		}
	})
}

func TestReplyThatSaysNothingOrTooMuchIsRefused(t *testing.T) {
	eachOffice(t, func(o *office) {
		conv := o.text(priya, "Hello").Conversation
		for _, d := range []intake.Draft{{Body: " \n\x00"}, {Body: strings.Repeat("é", bridge.MaxBody+1)}} {
			d.Conversation = conv
			_, err := o.Reply(o.Context(), o.sam, d)
			o.invalid(err, "body")
		}
		_, err := o.Reply(o.Context(), o.sam, intake.Draft{Conversation: conv, Body: "x", ClientID: strings.Repeat("k", 201)})
		o.invalid(err, "client")
		o.told(conv, "in: Hello")
	})
}

// fails makes the delivery of a message fail, as the outbox does.
func (o *office) fails(m bridge.Message, code string) bridge.DeliveryID {
	o.Helper()
	id := m.Deliveries[0].ID
	o.write(func(tx *data.Tx) error {
		d, err := tx.Delivery(id)
		if err != nil {
			return err
		}
		was := d.State
		d.State, d.Code, d.NextAt = bridge.Failed, code, time.Time{}
		return tx.SaveDelivery(d, was, sms.Explain(code), noon)
	})
	return id
}

func TestRetryMakesANewDeliveryAndADoubleTapOnlyOne(t *testing.T) {
	eachOffice(t, func(o *office) {
		conv := o.text(priya, "Hello").Conversation
		m := o.replies(conv, "On our way")
		_, err := o.Retry(o.Context(), o.sam, m.Deliveries[0].ID)
		o.denied(err, "not_failed")
		id := o.fails(m, "30003")
		if c := o.row(conv); c.Failed != 1 {
			o.Errorf("%+v", c)
		}
		var taps sync.WaitGroup
		for range 4 {
			taps.Go(func() {
				if _, err := o.Retry(o.Context(), o.sam, id); err != nil {
					o.Error(err)
				}
			})
		}
		taps.Wait()
		ds := o.messages(conv)[1].Deliveries
		if len(ds) != 2 || ds[0].State != bridge.Failed || !ds[0].Handled || ds[1].State != bridge.Queued || ds[1].To != priya {
			o.Errorf("%+v", ds)
		}
		if c := o.row(conv); c.Failed != 0 {
			o.Errorf("%+v", c)
		}
		o.told(conv, "in: Hello", "out: On our way")
	})
}

func TestRetryGoesToTheMendedNumberAndNotToWhoSaidStop(t *testing.T) {
	eachOffice(t, func(o *office) {
		conv := o.text(priya, "Hello").Conversation
		id := o.fails(o.replies(conv, "On our way"), "30006")
		o.must(o.AddPhone(o.Context(), o.sam, conv, "+1 415 555 0136"))
		if _, err := o.Retry(o.Context(), o.sam, id); err != nil {
			o.Fatal(err)
		}
		ds := o.messages(conv)[1].Deliveries
		if len(ds) != 2 || ds[1].To != "+14155550136" {
			o.Errorf("%+v", ds)
		}
		id = o.fails(o.replies(conv, "Are you there?"), "30003")
		o.text("+14155550136", "hello from a second contact, or the same") // whoever it is, texts to that phone obey its STOP
		o.text("+14155550136", "STOP")
		_, err := o.Retry(o.Context(), o.sam, id)
		o.denied(err, "opted_out")
	})
}

func TestDismissedFailureNeedsNoAttention(t *testing.T) {
	eachOffice(t, func(o *office) {
		conv := o.text(priya, "Hello").Conversation
		id := o.fails(o.replies(conv, "On our way"), "30006")
		if _, err := o.Dismiss(o.Context(), o.sam, id); err != nil {
			o.Fatal(err)
		}
		if c := o.row(conv); c.Failed != 0 || c.NeedsAttention() {
			o.Errorf("%+v", c)
		}
	})
}

func TestEveryChangeIsTold(t *testing.T) {
	eachOffice(t, func(o *office) {
		ctx, conv := o.Context(), o.text(priya, "Hello").Conversation
		o.must(o.Assign(ctx, o.sam, conv, o.sam.ID))
		o.must(o.Assign(ctx, o.sam, conv, o.sam.ID)) // nothing new
		o.must(o.Assign(ctx, o.sam, conv, o.jo.ID))
		o.must(o.Assign(ctx, o.sam, conv, 0))
		o.must(o.SetUrgent(ctx, o.sam, conv, true))
		o.must(o.SetUrgent(ctx, o.sam, conv, false))
		o.must(o.Snooze(ctx, o.sam, conv, noon.Add(24*time.Hour)))
		o.must(o.Close(ctx, o.sam, conv))
		o.must(o.Close(ctx, o.sam, conv))
		o.must(o.Reopen(ctx, o.sam, conv))
		o.must(o.Rename(ctx, o.sam, conv, "  Priya \n Raman "))
		o.told(conv, "in: Hello", "event: Sam Ortiz took this", "event: Sam Ortiz assigned this to Jo Park", "event: Sam Ortiz took this off Jo Park",
			"event: Sam Ortiz marked this urgent", "event: Sam Ortiz took the urgent mark away",
			"event: Sam Ortiz snoozed this until Sat 21 Nov, 12:00", "event: Sam Ortiz closed this", "event: Sam Ortiz reopened this")
		if c := o.row(conv); c.State != bridge.Open || c.Title != "Priya Raman" || c.Preview != "Hello" {
			o.Errorf("%+v", c)
		}
	})
}

func TestNextTextWakesAndReopens(t *testing.T) {
	eachOffice(t, func(o *office) {
		ctx, conv := o.Context(), o.text(priya, "Hello").Conversation
		for _, hide := range []func() error{
			func() error { return o.Close(ctx, o.sam, conv) },
			func() error { return o.Snooze(ctx, o.sam, conv, noon.Add(time.Hour)) },
		} {
			o.must(hide())
			if r := o.text(priya, "Still there?"); r.Conversation != conv {
				o.Errorf("a second conversation %d", r.Conversation)
			}
			if c := o.row(conv); c.State != bridge.Open || !c.SnoozedUntil.IsZero() {
				o.Errorf("%+v", c)
			}
		}
	})
}

func TestChangesThatMakeNoSenseAreRefused(t *testing.T) {
	eachOffice(t, func(o *office) {
		ctx, conv := o.Context(), o.text(priya, "Hello").Conversation
		o.invalid(o.Snooze(ctx, o.sam, conv, noon), "until")
		o.invalid(o.Snooze(ctx, o.sam, conv, noon.AddDate(2, 0, 0)), "until")
		o.invalid(o.Assign(ctx, o.sam, conv, 999), "staff")
		o.invalid(o.AddPhone(ctx, o.sam, conv, "five five"), "phone")
		o.invalid(o.Rename(ctx, o.sam, conv, strings.Repeat("x", 101)), "name")
		o.invalid(o.SaveDraft(ctx, o.sam, conv, "poem", "x"), "kind")
		o.told(conv, "in: Hello")
	})
}

func TestTradieSeesAndByPolicyAnswersOnlyWhatIsAssigned(t *testing.T) {
	eachOffice(t, func(o *office) {
		ctx, conv := o.Context(), o.text(priya, "Hello").Conversation
		draft := intake.Draft{Conversation: conv, Body: "On my way"}
		if _, err := o.Reply(ctx, o.tradie, draft); !errors.Is(err, bridge.ErrNotFound) {
			o.Errorf("got %v", err)
		}
		o.must(o.Assign(ctx, o.sam, conv, o.tradie.ID))
		_, err := o.Reply(ctx, o.tradie, draft)
		o.denied(err, "role")
		if _, err := o.Note(ctx, o.tradie, draft); err != nil {
			o.Error(err)
		}
		o.must(o.ChangeSettings(ctx, o.sam, func(s *bridge.Settings) error { s.FieldAnswers = true; return nil }))
		if _, err := o.Reply(ctx, o.tradie, draft); err != nil {
			o.Error(err)
		}
		o.denied(o.Close(ctx, o.tradie, conv), "role")
	})
}

func TestTextToANumberThatIsNotConfiguredIsKeptAndAnsweredFromThere(t *testing.T) {
	eachOffice(t, func(o *office) {
		r := o.text(priya, "Hello", func(m *bridge.Inbound) { m.To = "+14155550199" })
		c := o.row(r.Conversation)
		o.read(func(tx *data.Tx) error {
			l, err := tx.Line(c.Line)
			if l.Phone != "+14155550199" || l.Pace != 1 {
				o.Errorf("%+v", l)
			}
			return err
		})
		if m := o.replies(r.Conversation, "Hi"); m.Deliveries[0].Line != c.Line {
			o.Errorf("%+v", m.Deliveries)
		}
		o.text(priya, "And now here") // to the main line: the answer follows
		if m := o.replies(r.Conversation, "Hi"); m.Deliveries[0].Line != o.line {
			o.Errorf("%+v", m.Deliveries)
		}
	})
}

func TestReceiptForAnUnknownMessageIsParkedOnceAndAdopted(t *testing.T) {
	eachOffice(t, func(o *office) {
		receipt := bridge.Receipt{CarrierID: "SM1", Status: "delivered", DoneAt: "2611201200", Raw: "raw", At: noon}
		for range 2 {
			if step, err := o.Receipt(o.Context(), bridge.SMS, receipt); step != bridge.Ignored || err != nil {
				o.Errorf("%s, %v", step, err)
			}
		}
		m := o.replies(o.text(priya, "Hello").Conversation, "Hi")
		o.write(func(tx *data.Tx) error {
			d := m.Deliveries[0]
			d.State, d.CarrierID = bridge.Sent, "SM1"
			if err := tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, noon); err != nil {
				return err
			}
			d, err := tx.AdoptParked(d, o.Words[bridge.SMS])
			if d.State != bridge.Delivered {
				o.Errorf("%+v", d)
			}
			rs, _ := tx.Receipts(d.ID)
			if len(rs) != 1 {
				o.Errorf("receipts: %+v", rs)
			}
			return err
		})
	})
}

func TestReceiptMovesTheDeliveryOfItsTokenAndNeverBack(t *testing.T) {
	eachOffice(t, func(o *office) {
		m := o.replies(o.text(priya, "Hello").Conversation, "Hi")
		for _, c := range []struct {
			status string
			step   bridge.Step
			state  bridge.DeliveryState
		}{
			{"sent", bridge.Moved, bridge.Sent}, {"sent", bridge.Ignored, bridge.Sent}, {"a new word of Twilio's", bridge.Ignored, bridge.Sent},
			{"delivered", bridge.Moved, bridge.Delivered}, {"sending", bridge.Ignored, bridge.Delivered},
			{"undelivered", bridge.Conflict, bridge.Delivered}, {"read", bridge.Moved, bridge.Read},
		} {
			step, err := o.Receipt(o.Context(), bridge.SMS, bridge.Receipt{Token: m.Deliveries[0].Token, CarrierID: "SM1", Status: c.status, At: noon})
			o.must(err)
			o.read(func(tx *data.Tx) error {
				d, err := tx.Delivery(m.Deliveries[0].ID)
				if step != c.step || d.State != c.state || d.CarrierID != "SM1" {
					o.Errorf("%s: %s, %+v", c.status, step, d)
				}
				return err
			})
		}
	})
}

func TestReceiptForAMessageThatWasCountedForAnotherDeliveryGoesThere(t *testing.T) {
	eachOffice(t, func(o *office) {
		conv := o.text(priya, "Hello").Conversation
		first, second := o.replies(conv, "Hi").Deliveries[0], o.replies(conv, "Hi").Deliveries[0]
		o.write(func(tx *data.Tx) error {
			first.State, first.CarrierID = bridge.Sent, "SM1" // found in the carrier's list
			return tx.SaveDelivery(first, bridge.Unknown, bridge.Failure{}, noon)
		})
		step, err := o.Receipt(o.Context(), bridge.SMS, bridge.Receipt{Token: second.Token, CarrierID: "SM1", Status: "delivered", At: noon})
		if step != bridge.Moved || err != nil {
			o.Errorf("%s, %v", step, err)
		}
		o.read(func(tx *data.Tx) error {
			for id, want := range map[bridge.DeliveryID]bridge.DeliveryState{first.ID: bridge.Delivered, second.ID: bridge.Queued} {
				if d, err := tx.Delivery(id); err != nil || d.State != want {
					o.Errorf("%+v, %v", d, err)
				}
			}
			return nil
		})
	})
}

func TestBadBytesAreCleanedAndTheRawTextIsKept(t *testing.T) {
	eachOffice(t, func(o *office) {
		raw := "Body=No%00%20hot%FFwater&From=%2B14155550134"
		r := o.text(priya, "No\x00 hot\xffwater\r\nagain", func(m *bridge.Inbound) { m.Raw = raw })
		o.told(r.Conversation, "in: No hot\ufffdwater\nagain")
		m := o.replies(r.Conversation, "On\x00 our\xff way")
		if m.Body != "On our\ufffd way" {
			o.Errorf("%q", m.Body)
		}
		driver, dsn := "sqlite3", o.at.Path
		if o.at.Postgres != "" {
			driver, dsn = "pgx", o.at.Postgres
		}
		db, err := sql.Open(driver, dsn)
		o.must(err)
		defer db.Close()
		var kept string
		if err := db.QueryRow("SELECT raw FROM inbound").Scan(&kept); err != nil || kept != raw {
			o.Errorf("kept %q, %v", kept, err)
		}
	})
}
