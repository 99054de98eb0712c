package outbox_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/bridge/outbox"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
)

func TestTextLeavesOnceAndIsReportedDelivered(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.opens()
		id := f.says(priya, "On our way")
		d := f.becomes(id, bridge.Delivered)
		if d.CarrierID == "" || d.Attempts != 1 || d.SentAt.IsZero() || d.DeliveredAt.IsZero() {
			f.Errorf("%+v", d)
		}
		f.once(id)
		f.tried(id, bridge.Accepted)
	})
}

func TestTextToLandlineFailsWithItsCodeAndReopensTheConversation(t *testing.T) {
	eachFirm(t, func(f *firm) {
		conv := f.conversation(landline)
		f.opens()
		id := f.says(landline, "On our way")
		if d := f.becomes(id, bridge.Undelivered); d.Code != "30006" || d.Attempts != 1 {
			f.Errorf("%+v", d)
		}
		if c := f.row(landline); c.State != bridge.Open || c.Failed != 1 || !c.NeedsAttention() {
			f.Errorf("%+v", c)
		}
		f.read(func(tx *data.Tx) error {
			c, err := tx.Conversation(f.owner, conv)
			if err != nil {
				return err
			}
			who, err := tx.Contact(c.Contact)
			if err == nil && who.Addresses[0].Problem == "" {
				f.Error("the number is not marked")
			}
			return err
		})
	})
}

func TestReplyToOptedOutNumberIsRefusedNotRetried(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.opens()
		id := f.says(optedOut, "On our way")
		d := f.becomes(id, bridge.Failed)
		if d.Code != "21610" || !d.NextAt.IsZero() {
			f.Errorf("%+v", d)
		}
		if c := f.row(optedOut); !c.OptedOut || c.Failed != 1 {
			f.Errorf("%+v", c)
		}
		f.read(func(tx *data.Tx) error {
			out, err := tx.OptedOut(bridge.SMS, optedOut)
			if !out {
				f.Error("the ledger does not say so")
			}
			return err
		})
		f.later(time.Hour)
		next := f.says(priya, "next")
		f.becomes(next, bridge.Delivered) // so the outbox has looked again
		f.tried(id, bridge.Refused)
	})
}

func TestBusyCarrierIsTriedAgainAfterItsBackoff(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.opens()
		id := f.says(busy, "On our way")
		for n, wait := range []time.Duration{2 * time.Second, 8 * time.Second} {
			f.until("the attempt is refused", func() bool { return len(f.outcomes(id)) == n+1 && f.delivery(id).State == bridge.Queued })
			if d := f.delivery(id); d.NextAt.Sub(f.now()) > wait || d.NextAt.Sub(f.now()) < wait-time.Second {
				f.Errorf("after %d attempts the next is in %v", n+1, d.NextAt.Sub(f.now()))
			}
			f.later(wait)
		}
		if d := f.becomes(id, bridge.Delivered); d.Attempts != 3 || d.Code != "" {
			f.Errorf("%+v", d)
		}
		f.tried(id, bridge.Retry, bridge.Retry, bridge.Accepted)
		f.once(id)
	})
}

func TestCarriersWishToWaitIsObeyed(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.sim.Script(smstest.Fault{Status: http.StatusTooManyRequests, Code: 20429, RetryAfter: "90"})
		f.opens()
		id := f.says(priya, "On our way")
		f.until("the attempt is refused", func() bool { return len(f.outcomes(id)) == 1 && f.delivery(id).State == bridge.Queued })
		if wait := f.delivery(id).NextAt.Sub(f.now()); wait < 85*time.Second || wait > 90*time.Second {
			f.Errorf("the next attempt is in %v", wait)
		}
	})
}

func TestLostAnswerIsLookedForAndNotSentAgain(t *testing.T) {
	for name, fault := range map[string]smstest.Fault{
		"the connection drops":       {Store: true},
		"a page of HTML says 500":    {Store: true, Status: http.StatusInternalServerError},
		"JSON says 503":              {Store: true, Status: http.StatusServiceUnavailable, Code: 20503},
		"the answer is not Twilio's": {Store: true, Status: http.StatusOK, Body: "<html>please log in</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			eachFirm(t, func(f *firm) {
				f.sim.Script(fault)
				f.tokens = false // or the report would tell
				f.opens(quick)
				id := f.says(priya, "On our way")
				f.until("the message is recognised", func() bool { return f.delivery(id).CarrierID != "" })
				f.until("it is settled", func() bool { return f.delivery(id).State.Settled() })
				f.tried(id, bridge.Lost)
				f.once(id)
				if f.delivery(id).CarrierID != f.sim.Sent()[0].SID {
					f.Error("it has another message's id")
				}
			})
		})
	}
}

func TestReportTellsWhatBecameOfALostAnswer(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.sim.DropNext(1)
		f.opens() // looks only after 5 s
		id := f.says(priya, "On our way")
		if d := f.becomes(id, bridge.Delivered); d.CarrierID == "" {
			f.Error("the report's id was not kept")
		}
		f.once(id)
	})
}

func TestTextThatTheCarrierNeverHadIsSentOnceMore(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.sim.FailNext(1, http.StatusInternalServerError)
		f.opens(quick)
		id := f.says(priya, "On our way")
		f.becomes(id, bridge.Delivered)
		f.tried(id, bridge.Lost, bridge.Accepted)
		f.once(id)
		f.read(func(tx *data.Tx) error {
			as, err := tx.Attempts(id)
			if wait := as[1].StartedAt.Sub(as[0].StartedAt); wait < 200*time.Millisecond {
				f.Errorf("its absence was believed after %v", wait)
			}
			return err
		})
	})
}

func TestSecondLostAnswerIsLeftToAPerson(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.sim.FailNext(2, http.StatusInternalServerError)
		f.opens(quick)
		id := f.says(priya, "On our way")
		after := f.says(priya, "Ten minutes")
		f.becomes(after, bridge.Delivered) // what cannot be known does not hold up the rest
		if d := f.delivery(id); d.State != bridge.Unknown || !d.NextAt.IsZero() {
			f.Errorf("%+v", d)
		}
		if c := f.row(priya); c.Failed != 1 {
			f.Errorf("nobody is told: %+v", c)
		}
		f.tried(id, bridge.Lost, bridge.Lost)
	})
}

func TestRefusalsDoNotCountAsLostAnswers(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.sim.FailNext(2, http.StatusTooManyRequests)
		f.sim.FailNext(1, http.StatusInternalServerError)
		f.opens(quick)
		id := f.says(priya, "On our way")
		for n := range 2 {
			f.until("the carrier is busy", func() bool { return len(f.outcomes(id)) == n+1 && f.delivery(id).State == bridge.Queued })
			f.later(8 * time.Second)
		}
		f.becomes(id, bridge.Delivered)
		f.tried(id, bridge.Retry, bridge.Retry, bridge.Lost, bridge.Accepted)
		f.once(id)
	})
}

func TestLostAnswerStaysUnknownWhileTheListCannotBeRead(t *testing.T) {
	eachFirm(t, func(f *firm) {
		var asked atomic.Int64
		f.onList = func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			http.Error(w, "<html>down</html>", http.StatusBadGateway)
		}
		f.tokens = false
		f.sim.DropNext(1)
		f.opens(quick)
		id := f.says(priya, "On our way")
		f.until("the carrier is asked twice", func() bool { return asked.Load() >= 2 })
		f.later(10 * time.Minute)
		n := asked.Load()
		f.until("it is asked again", func() bool { return asked.Load() > n })
		f.until("the next check is set", func() bool { return f.delivery(id).NextAt.After(f.now().Add(-time.Second)) })
		if d := f.delivery(id); d.State != bridge.Unknown || f.row(priya).Failed != 0 {
			f.Errorf("after ten minutes: %+v", d)
		}
		f.later(time.Hour)
		f.until("it is given up", func() bool { return f.delivery(id).NextAt.IsZero() })
		if d := f.delivery(id); d.State != bridge.Unknown || f.row(priya).Failed != 1 {
			f.Errorf("after an hour: %+v", d)
		}
		f.once(id)
	})
}

func TestTextThatAPersonSentAgainIsNotSentByTheOutboxToo(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.sim.FailNext(1, http.StatusInternalServerError)
		f.opens(func(o *outbox.Options) { o.CheckAfter, o.SureAfter = time.Minute, time.Minute })
		first := f.says(priya, "On our way")
		d := f.becomes(first, bridge.Unknown)
		f.write(func(tx *data.Tx) error { return tx.SetHandled(d) })
		again := f.says(priya, "On our way")
		f.later(2 * time.Minute)
		f.becomes(again, bridge.Delivered)
		f.tried(first, bridge.Lost)
		if got := f.bodies(); len(got) != 1 {
			f.Errorf("the carrier took %q", got)
		}
	})
}

func TestMessageInTheListIsNotTakenFromARivalUnderway(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.tokens = false
		f.sim.FailNext(1, http.StatusInternalServerError) // the first never arrives
		f.opens(func(o *outbox.Options) { o.CheckAfter, o.SureAfter = 20*time.Millisecond, time.Hour })
		first := f.says(priya, "On our way")
		f.becomes(first, bridge.Unknown)
		taken, release := make(chan struct{}), make(chan struct{})
		f.mu.Lock()
		f.onCreate = func(w http.ResponseWriter, _ string, answer func() *httptest.ResponseRecorder) {
			rec := answer()
			close(taken)
			<-release
			pass(w, rec)
		}
		f.mu.Unlock()
		other := f.conversationOfAnother(priya) // two of a household share the phone
		second := f.saysIn(other, priya, "On our way")
		<-taken
		before := f.delivery(first).NextAt
		f.until("the first was looked for twice", func() bool { return f.delivery(first).NextAt.Sub(before) > 20*time.Millisecond })
		if d := f.delivery(first); d.State != bridge.Unknown {
			f.Errorf("the first took the second's message: %+v", d)
		}
		close(release)
		f.until("the second is sent", func() bool { return f.delivery(second).State.Settled() })
		if d := f.delivery(first); d.State != bridge.Unknown {
			f.Errorf("the first took the second's message: %+v", d)
		}
	})
}

// conversationOfAnother starts a conversation with a second contact of a phone.
func (f *firm) conversationOfAnother(phone string) (id bridge.ConversationID) {
	f.Helper()
	f.write(func(tx *data.Tx) error {
		c, err := tx.AddContact(bridge.Contact{Name: "Another", Addresses: []bridge.Address{{Channel: bridge.SMS, Value: phone, Answerable: true}}}, f.now())
		if err == nil {
			id, err = tx.CustomerConversation(c, f.line, f.now())
		}
		return err
	})
	return id
}

func (f *firm) saysIn(conv bridge.ConversationID, phone, body string) bridge.DeliveryID {
	return f.says(phone, body, func(d *bridge.Delivery) { d.Conversation = conv })
}

func TestAttemptThatACrashCutOffIsLookedForBeforeItIsSentAgain(t *testing.T) {
	eachFirm(t, func(f *firm) {
		taken, never := f.says(priya, "taken"), f.says(alex, "never left")
		f.tokens = false
		var died []data.Claim
		f.write(func(tx *data.Tx) (err error) {
			died, err = tx.ClaimDue(bridge.SMS, f.now(), time.Minute, 10)
			return err
		})
		for _, c := range died {
			if c.ID == taken {
				f.carrier.Send(f.Context(), c.Outgoing())
			}
		}
		f.opens(quick)
		f.until("both are settled", func() bool { return f.delivery(taken).State.Settled() && f.delivery(never).State.Settled() })
		f.tried(taken, bridge.Lost)
		f.tried(never, bridge.Lost, bridge.Accepted)
		f.once(taken)
		f.once(never)
	})
}

func TestAnotherNodesAttemptIsLeftAloneUntilItsLeaseEnds(t *testing.T) {
	eachFirm(t, func(f *firm) {
		id := f.says(priya, "On our way")
		f.write(func(tx *data.Tx) error {
			_, err := tx.ClaimDue(bridge.SMS, f.now(), time.Minute, 10)
			return err
		})
		f.opens(quick, func(o *outbox.Options) { o.Alone = false })
		f.becomes(f.says(alex, "next"), bridge.Delivered)
		if d := f.delivery(id); d.State != bridge.Sending {
			f.Errorf("%+v", d)
		}
		f.later(time.Minute)
		f.becomes(id, bridge.Delivered)
		f.once(id)
		f.read(func(tx *data.Tx) error { // it was unknown for a moment, too short to be seen for sure
			tries, err := tx.Attempts(id)
			if len(tries) != 2 || tries[0].Outcome != bridge.Lost || tries[1].Outcome != bridge.Accepted {
				f.Errorf("tries: %+v", tries)
			}
			return err
		})
	})
}

var sidInJSON = regexp.MustCompile(`"sid":"(SM[0-9a-f]{32})"`)

func TestReportThatIsFasterThanTheAnswerIsParkedAndAdopted(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.onCreate = func(w http.ResponseWriter, _ string, answer func() *httptest.ResponseRecorder) {
			rec := answer()
			f.receive(bridge.Receipt{CarrierID: sidInJSON.FindStringSubmatch(rec.Body.String())[1], Status: "delivered", DoneAt: "now", Raw: "early"})
			pass(w, rec)
		}
		f.opens()
		id := f.says(silent, "On our way") // nothing else will report
		f.becomes(id, bridge.Delivered)
		f.read(func(tx *data.Tx) error {
			rs, err := tx.Receipts(id)
			if len(rs) != 1 || rs[0].Raw != "early" {
				f.Errorf("receipts: %+v", rs)
			}
			return err
		})
	})
}

func TestEarlyReportWithOurTokenNeedsNoParking(t *testing.T) {
	eachFirm(t, func(f *firm) {
		id := bridge.DeliveryID(0)
		f.onCreate = func(w http.ResponseWriter, _ string, answer func() *httptest.ResponseRecorder) {
			rec := answer()
			sent := f.sim.Sent()[0]
			f.receive(bridge.Receipt{Token: sent.Token, CarrierID: sent.SID, Status: "delivered", Raw: "early"})
			pass(w, rec)
		}
		id = f.says(silent, "On our way")
		f.opens()
		f.becomes(id, bridge.Delivered)
		f.until("the answer is stored too", func() bool { return slices.Contains(f.outcomes(id), bridge.Accepted) })
		if d := f.delivery(id); d.State != bridge.Delivered || d.Conflict {
			f.Errorf("%+v", d)
		}
	})
}

func TestRepeatedAndDisorderlyReportsNeverGoBack(t *testing.T) {
	for name, phone := range map[string]string{"twice": doubled, "in the wrong order": disorderly} {
		t.Run(name, func(t *testing.T) {
			eachFirm(t, func(f *firm) {
				f.opens()
				id := f.says(phone, "On our way")
				f.becomes(id, bridge.Delivered)
				if err := f.sim.Drain(t.Context()); err != nil {
					f.Fatal(err)
				}
				if d := f.delivery(id); d.State != bridge.Delivered || d.Conflict {
					f.Errorf("%+v", d)
				}
				f.mu.Lock()
				defer f.mu.Unlock()
				if !slices.Contains(f.reports, bridge.Ignored) {
					f.Errorf("every report moved it: %v", f.reports)
				}
			})
		})
	}
}

func TestSlowFirstTextIsNotOvertakenInItsConversation(t *testing.T) {
	eachFirm(t, func(f *firm) {
		release := make(chan struct{})
		f.onCreate = func(w http.ResponseWriter, form string, answer func() *httptest.ResponseRecorder) {
			if strings.Contains(form, "Body=first") {
				<-release
			}
			pass(w, answer())
		}
		f.opens()
		first, second := f.says(priya, "first"), f.says(priya, "second")
		other := f.says(alex, "other")
		f.becomes(other, bridge.Delivered)
		if d := f.delivery(second); d.State != bridge.Queued || d.Attempts != 0 {
			f.Errorf("the second overtook: %+v", d)
		}
		close(release)
		f.becomes(second, bridge.Delivered)
		f.becomes(first, bridge.Delivered)
		if d := cmp.Diff([]string{"other", "first", "second"}, f.bodies()); d != "" {
			f.Error(d)
		}
	})
}

func TestNextTextDoesNotWaitForTheCarriersList(t *testing.T) {
	eachFirm(t, func(f *firm) {
		asked, release := make(chan struct{}), make(chan struct{})
		f.onList = func(w http.ResponseWriter, r *http.Request) {
			close(asked)
			<-release
			f.mu.Lock()
			f.onList = nil
			f.mu.Unlock()
			f.sim.ServeHTTP(w, r)
		}
		f.tokens = false
		f.sim.DropNext(1)
		f.opens(quick)
		lost := f.says(priya, "On our way")
		<-asked
		next := f.says(alex, "Next")
		f.until("the next has left", func() bool { return f.delivery(next).State.Settled() })
		if d := f.delivery(lost); d.State != bridge.Unknown {
			f.Errorf("%+v", d)
		}
		close(release)
		f.until("the lost one is found", func() bool { return f.delivery(lost).State.Settled() })
	})
}

func TestPaceOfALineIsObeyed(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.write(func(tx *data.Tx) error {
			_, err := tx.PutLine(bridge.Line{Phone: ourLine, Name: "Main", Pace: 0.5})
			return err
		})
		start := f.now().Truncate(time.Millisecond)
		short, long, last := f.says(priya, "short"), f.says(alex, "long", func(d *bridge.Delivery) { d.Segments = 3 }), f.says(landline, "last")
		start = start.Add(time.Minute)
		for _, step := range []struct {
			after, next time.Duration
			want        bridge.DeliveryID
		}{
			{0, 2 * time.Second, short},
			{1999 * time.Millisecond, 2 * time.Second, 0},
			{2 * time.Second, 8 * time.Second, long}, // 3 segments take 6 s
			{7999 * time.Millisecond, 8 * time.Second, 0},
			{8 * time.Second, 0, last},
		} {
			var got bridge.DeliveryID
			var next time.Time
			now := start.Add(step.after)
			f.write(func(tx *data.Tx) error {
				cs, err := tx.ClaimDue(bridge.SMS, now, time.Hour, 10)
				if err != nil {
					return err
				}
				for _, c := range cs {
					got += c.ID
				}
				next, err = tx.NextDue(now, bridge.SMS)
				return err
			})
			if got != step.want {
				f.Errorf("after %v: claimed %d, want %d", step.after, got, step.want)
			}
			if step.next != 0 && !next.Equal(start.Add(step.next)) || step.next == 0 && !next.IsZero() {
				f.Errorf("after %v: the next is due at %v, want %v", step.after, next.Sub(start), step.next)
			}
		}
	})
}

func TestTextThatCouldNotLeaveInTimeExpiresAndTheTeamIsTold(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.sim.FailNext(1, http.StatusTooManyRequests)
		f.opens()
		id := f.says(priya, "On our way", func(d *bridge.Delivery) { d.ExpiresAt = f.now().Add(time.Hour) })
		f.until("the carrier is busy", func() bool { return len(f.outcomes(id)) == 1 && f.delivery(id).State == bridge.Queued })
		f.later(time.Hour)
		f.becomes(id, bridge.Expired)
		if c := f.row(priya); c.State != bridge.Open || c.Failed != 1 {
			f.Errorf("%+v", c)
		}
		f.tried(id, bridge.Retry)
		f.becomes(f.says(priya, "next"), bridge.Delivered)
		if got := f.bodies(); !slices.Equal(got, []string{"next"}) {
			f.Errorf("the carrier took %q", got)
		}
	})
}

func TestCarrierThatFellSilentIsAsked(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.opens()
		id := f.says(silent, "On our way")
		d := f.becomes(id, bridge.Sent)
		if wait := d.NextAt.Sub(d.SentAt); wait != data.SilenceFirst {
			f.Errorf("the carrier is asked after %v", wait)
		}
		if err := f.sim.Drain(t.Context()); err != nil {
			f.Fatal(err)
		}
		f.later(data.SilenceFirst)
		f.becomes(id, bridge.Delivered)
	})
}

func TestCarrierThatKnowsNoMoreIsAskedEverLessOftenAndThenNotAnyMore(t *testing.T) {
	eachFirm(t, func(f *firm) {
		f.opens()
		id := f.says(silent, "On our way")
		d := f.becomes(id, bridge.Sent)
		f.write(func(tx *data.Tx) error { // a message that the carrier has forgotten
			d.CarrierID = "SM00000000000000000000000000000000"
			return tx.SaveDelivery(d, bridge.Sent, bridge.Failure{}, f.now())
		})
		for _, next := range []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 36 * time.Hour, 0} {
			was := f.delivery(id).NextAt
			f.later(was.Sub(f.now()) + time.Millisecond)
			f.until("it is asked", func() bool { return !f.delivery(id).NextAt.Equal(was) })
			got := f.delivery(id)
			if next == 0 && !got.NextAt.IsZero() || next != 0 && got.NextAt.Sub(got.SentAt) != next {
				f.Errorf("the next check is after %v, want %v", got.NextAt.Sub(got.SentAt), next)
			}
		}
		if d := f.delivery(id); d.State != bridge.Sent {
			f.Errorf("%+v", d)
		}
	})
}

// A stumbling carrier breaks the first writes in which it is asked for words.
type stumbling struct {
	bridge.Carrier
	left atomic.Int64
}

func (s *stumbling) Explain(code string) bridge.Failure {
	if s.left.Add(-1) >= 0 {
		panic("the store failed")
	}
	return s.Carrier.Explain(code)
}

func TestOutcomeIsStoredAlthoughTheStoreFailsAtFirst(t *testing.T) {
	eachFirm(t, func(f *firm) {
		c := &stumbling{Carrier: f.carrier}
		c.left.Store(2)
		f.opens(func(o *outbox.Options) { o.Carriers = map[bridge.Channel]bridge.Carrier{bridge.SMS: c} })
		id := f.says(optedOut, "On our way")
		if d := f.becomes(id, bridge.Failed); d.Code != "21610" {
			f.Errorf("%+v", d)
		}
		if c.left.Load() >= 0 {
			f.Error("the store did not fail")
		}
		f.tried(id, bridge.Refused)
	})
}

func TestStopWaitsForTheTextThatIsBeingSent(t *testing.T) {
	eachFirm(t, func(f *firm) {
		under, release := make(chan struct{}), make(chan struct{})
		f.onCreate = func(w http.ResponseWriter, _ string, answer func() *httptest.ResponseRecorder) {
			close(under)
			<-release
			pass(w, answer())
		}
		stop := f.opens()
		id := f.says(silent, "On our way")
		<-under
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			stop()
		}()
		select {
		case <-stopped:
			f.Error("the outbox stopped with a text under way")
		case <-time.After(50 * time.Millisecond):
		}
		close(release)
		<-stopped
		if d := f.delivery(id); d.State != bridge.Sent {
			f.Errorf("%+v", d)
		}
		f.tried(id, bridge.Accepted)
	})
}
