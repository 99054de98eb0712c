package intake_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

const omar = "+14155550135"

// about is which record a message is about, and why.
func (o *office) about(id bridge.MessageID) (m bridge.Message) {
	o.Helper()
	o.read(func(tx *data.Tx) (err error) {
		m, err = tx.Message(id)
		return err
	})
	return m
}

// placed wants a text to be about a record, for a reason.
func (o *office) placed(r intake.Received, want bridge.Record, because string) {
	o.Helper()
	if p := o.about(r.Message).About; p.Record != want.ID || !strings.Contains(p.Because, because) {
		o.Errorf("%q is about %q because %q, want %q because %q", o.about(r.Message).Body, p.RecordLabel, p.Because, want.Label(), because)
	}
}

// a pair of jobs of one customer, whom the office knows.
func (o *office) twoJobs() (c bridge.Contact, boiler, shower bridge.Record) {
	o.Helper()
	o.works(bridge.Trades)
	c = o.knows("Priya Raman", bridge.Customer, priya)
	boiler = o.files(bridge.Job, "1042", "Boiler replacement", []bridge.ContactID{c.ID})
	shower = o.files(bridge.Job, "1043", "Dripping shower", []bridge.ContactID{c.ID})
	return c, boiler, shower
}

func TestATextFindsItsRecordAndSaysWhy(t *testing.T) {
	eachOffice(t, func(o *office) {
		c, boiler, shower := o.twoJobs()
		none := bridge.Record{}
		o.placed(o.text(priya, "Hello there"), none, "")
		o.placed(o.text(priya, "The shower drips again"), shower, "it speaks of shower")
		o.placed(o.text(priya, "How is #1042 going?"), boiler, "the message names #1042")
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindJob, Contact: c.ID, Record: boiler.ID, Body: "We come on Monday"})
		o.placed(o.text(priya, "Thanks!"), boiler, "the team wrote about it just before")
		o.placed(o.text(priya, "And #1043?"), shower, "the message names #1043")
		later := o.text(priya, "Thanks!", func(m *bridge.Inbound) { m.At = noon.AddDate(0, 1, 0) })
		o.placed(later, none, "")
		o.edits(boiler, intake.RecordChange{Closed: to(true)})
		o.placed(o.text(priya, "#1042?"), none, "") // closed ones are over
		if got := o.history(id); len(got) != 3 {
			o.Errorf("the boiler's conversation shows %q", got)
		}
	})
}

func TestWhatWasWrittenToSomebodyElseOfTheRecordSaysNothing(t *testing.T) {
	eachOffice(t, func(o *office) {
		c, boiler, _ := o.twoJobs()
		other := o.knows("Omar Said", bridge.Customer, omar)
		o.edits(boiler, intake.RecordChange{Contacts: &[]bridge.ContactID{c.ID, other.ID}})
		first := o.text(priya, "#1042 please")
		o.replies(first.Conversation, "On Monday") // placed beside the text that it answers
		o.placed(o.text(omar, "Good morning"), bridge.Record{}, "")
		o.placed(o.text(priya, "Good"), boiler, "the team wrote about it")
	})
}

func TestS4_19_TextsOfARecordShowInItsConversationAndNobodyElses(t *testing.T) {
	eachOffice(t, func(o *office) {
		c, boiler, shower := o.twoJobs()
		other := o.knows("Omar Said", bridge.Customer, omar)
		o.edits(boiler, intake.RecordChange{Contacts: &[]bridge.ContactID{c.ID, other.ID}, Staff: &[]bridge.StaffID{o.tradie.ID}})
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindJob, Contact: c.ID, Record: boiler.ID, Body: "We come on Monday"})
		hers, his := o.text(priya, "#1042 at what time?"), o.text(omar, "#1042 is mine too")
		o.placed(his, boiler, "names")
		o.replies(hers.Conversation, "At eight")
		o.told(id, "out: We come on Monday", "in: #1042 at what time?", "out: At eight")
		if _, sees := o.seenBy(o.tradie, id); !sees {
			o.Error("the tradie of the job does not see its conversation")
		}
		if _, sees := o.seenBy(o.tradie, hers.Conversation); sees {
			o.Error("the tradie of the job sees all that its customer writes")
		}
		conv, err := o.Place(o.Context(), o.jo, hers.Message, shower.ID)
		if o.must(err); conv != hers.Conversation {
			o.Errorf("conversation %d", conv)
		}
		o.told(id, "out: We come on Monday", "out: At eight")
		_, err = o.Place(o.Context(), o.jo, his.Message, 0) // which it never showed
		o.must(err)
		var gone []bridge.MessageID
		o.read(func(tx *data.Tx) (err error) {
			gone, err = tx.UnplacedSince(id, 1)
			return err
		})
		if !slices.Equal(gone, []bridge.MessageID{hers.Message}) {
			o.Errorf("an open page is told to drop %v", gone)
		}
		if m := o.about(hers.Message); m.Body != "#1042 at what time?" || m.About.By != o.jo.ID || m.Conversation != hers.Conversation {
			o.Errorf("the message changed: %+v", m)
		}
	})
}

func TestTheNextTextFollowsACorrection(t *testing.T) {
	eachOffice(t, func(o *office) {
		_, boiler, shower := o.twoJobs()
		place := func(m bridge.MessageID, r bridge.RecordID) {
			o.Helper()
			_, err := o.Place(o.Context(), o.jo, m, r)
			o.must(err)
		}
		first := o.text(priya, "The shower again")
		o.placed(first, shower, "it speaks of shower")
		place(first.Message, boiler.ID)
		place(first.Message, boiler.ID) // a double tap
		o.placed(o.text(priya, "The shower again"), boiler, "a colleague said so")
		place(first.Message, shower.ID)
		o.placed(o.text(priya, "Hello?"), shower, "a colleague said so")
		place(first.Message, 0)
		o.placed(first, bridge.Record{}, "")
		o.placed(o.text(priya, "Hello?"), bridge.Record{}, "")
		o.told(first.Conversation, "in: The shower again", "event: Jo Park moved a message to Job #1042 Boiler replacement", "in: The shower again",
			"event: Jo Park moved a message to Job #1043 Dripping shower", "in: Hello?", "event: Jo Park said that a message is about no record", "in: Hello?")
	})
}

func TestPlacingIsTheOfficesAndForTheContactsOwnRecords(t *testing.T) {
	eachOffice(t, func(o *office) {
		c, boiler, _ := o.twoJobs()
		other := o.knows("Omar Said", bridge.Customer, omar)
		his := o.files(bridge.Job, "1050", "Gutters", []bridge.ContactID{other.ID})
		r := o.text(priya, "Hello")
		place := func(actor bridge.Staff, m bridge.MessageID, to bridge.RecordID) error {
			_, err := o.Place(o.Context(), actor, m, to)
			return err
		}
		o.denied(place(o.jo, r.Message, his.ID), "other_client")
		o.must(o.Assign(o.Context(), o.jo, r.Conversation, o.tradie.ID))
		o.denied(place(o.tradie, r.Message, boiler.ID), "role")
		for _, gone := range []error{place(o.jo, 4711, boiler.ID), place(o.jo, r.Message, 4711)} {
			if gone == nil || gone.Error() != bridge.ErrNotFound.Error() {
				o.Errorf("got %v", gone)
			}
		}
		request := o.files(bridge.Maintenance, "9", "No heat", nil, func(ch *intake.RecordChange) { ch.SubmittedBy = &c.ID })
		o.must(place(o.jo, r.Message, request.ID)) // theirs, for they submitted it
		o.placed(o.text(priya, "It is still cold"), request, "a colleague said so")
	})
}

func TestQuietHoursHoldAFirstTextUntilEightWhereTheContactLives(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		zone := "America/Los_Angeles"
		c := o.knows("Priya Raman", bridge.Customer, priya)
		_, err := o.EditContact(o.Context(), o.jo, c.ID, intake.ContactChange{Zone: &zone})
		o.must(err)
		night := time.Date(2026, 11, 20, 6, 30, 0, 0, time.UTC) // 22:30 the evening before in Los Angeles
		o.Now = func() time.Time { return night }
		eight := time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindCustomer, Contact: c.ID, Body: "We have a slot tomorrow"})
		second := o.replies(id, "At nine")
		for _, m := range []bridge.Message{o.messages(id)[0], second} {
			if d := o.about(m.ID).Deliveries[0]; !d.NextAt.Equal(eight) || !d.ExpiresAt.After(eight) {
				o.Errorf("%q leaves at %v, want %v", m.Body, d.NextAt, eight)
			}
		}
		claims := func(at time.Time) (bodies []string) {
			o.write(func(tx *data.Tx) error {
				cs, err := tx.ClaimDue(bridge.SMS, at, time.Minute, 10)
				for _, c := range cs {
					bodies = append(bodies, c.Body)
				}
				return err
			})
			return bodies
		}
		if got := claims(eight.Add(-time.Millisecond)); len(got) != 0 {
			o.Errorf("the outbox takes %q before eight", got)
		}
		if got := claims(eight); !slices.Equal(got, []string{"We have a slot tomorrow"}) {
			o.Errorf("the outbox takes %q at eight", got)
		}
		in := o.text(omar, "Anybody awake?")
		if d := o.replies(in.Conversation, "We are").Deliveries[0]; !d.NextAt.Equal(night) {
			o.Errorf("an answer waits until %v", d.NextAt)
		}
		if got := claims(night); !slices.Equal(got, []string{"We are"}) {
			o.Errorf("the outbox takes %q at night", got)
		}
	})
}

func TestQuietHoursHoldWhateverIsNoAnswer(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades, func(s *bridge.Settings) {
			s.Policy(bridge.KindJob).Tell = []bridge.Channel{bridge.SMS, bridge.Portal}
		})
		night := time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)
		eight := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
		o.Now = func() time.Time { return night }
		leaves := func(id bridge.MessageID, want time.Time) {
			o.Helper()
			ds := o.about(id).Deliveries
			if d := ds[len(ds)-1]; !d.NextAt.Equal(want) || !d.ExpiresAt.After(want) {
				o.Errorf("%q leaves at %v, want %v", o.about(id).Body, d.NextAt, want)
			}
		}
		c := o.knows("Priya Raman", bridge.Customer, priya)
		job := o.files(bridge.Job, "1042", "Boiler", []bridge.ContactID{c.ID})
		about := o.starts(o.jo, intake.Start{Kind: bridge.KindJob, Contact: c.ID, Record: job.ID, Body: "Your boiler is here"})
		second := o.replies(about, "We come at nine") // it does not take the first with it either
		leaves(o.messages(about)[0].ID, eight)
		leaves(second.ID, eight)
		hers := o.starts(o.jo, intake.Start{Kind: bridge.KindCustomer, Contact: c.ID, Body: "We have a slot"})
		failed := o.messages(hers)[0]
		d := failed.Deliveries[0]
		o.write(func(tx *data.Tx) error {
			d.State, d.Code, d.NextAt = bridge.Failed, "30003", time.Time{}
			return tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, night)
		})
		_, err := o.Retry(o.Context(), o.jo, d.ID)
		o.must(err)
		leaves(failed.ID, eight)
		o.text(priya, "Is anybody there? #1042", func(m *bridge.Inbound) { m.At = night })
		leaves(o.replies(about, "We are").ID, night) // she wrote, if not here
	})
}

func TestAHoldStopsEverybodyUntilItIsLifted(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		r := o.text(priya, "Hello")
		o.must(o.Hold(o.Context(), o.jo, r.Conversation, true))
		o.must(o.Hold(o.Context(), o.sam, r.Conversation, true)) // again changes nothing
		_, err := o.Reply(o.Context(), o.sam, intake.Draft{Conversation: r.Conversation, Body: "Hi"})
		o.denied(err, "on_hold")
		if _, err := o.Note(o.Context(), o.sam, intake.Draft{Conversation: r.Conversation, Body: "Wait for the lawyer"}); err != nil {
			o.Errorf("a note is held too: %v", err)
		}
		o.text(priya, "Are you there?")
		if !o.row(r.Conversation).Held {
			o.Error("a text lifts the hold")
		}
		o.must(o.Hold(o.Context(), o.jo, r.Conversation, false))
		o.replies(r.Conversation, "Here we are")
		o.told(r.Conversation, "in: Hello", "event: Jo Park put sending on hold", "note: Wait for the lawyer", "in: Are you there?", "event: Jo Park lifted the hold", "out: Here we are")
	})
}

func TestAHoldKeepsWhatWaitsForTheMorning(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		night := time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)
		o.Now = func() time.Time { return night }
		c := o.knows("Priya Raman", bridge.Customer, priya)
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindCustomer, Contact: c.ID, Body: "You owe us 900"})
		morning := night.Add(10 * time.Hour)
		leaves := func(want int) {
			o.Helper()
			o.write(func(tx *data.Tx) error {
				due, err := tx.NextDue(morning, bridge.SMS)
				if (want == 0) != due.IsZero() {
					o.Errorf("the outbox looks again at %v", due)
				}
				if err != nil {
					return err
				}
				cs, err := tx.ClaimDue(bridge.SMS, morning, time.Minute, 10)
				if len(cs) != want {
					o.Errorf("%d leave, want %d", len(cs), want)
				}
				return err
			})
		}
		o.must(o.Hold(o.Context(), o.sam, id, true))
		leaves(0)
		o.must(o.Hold(o.Context(), o.sam, id, false))
		leaves(1)
	})
}

func TestAnAnswerAtNightTakesWithItWhatWaitedForTheMorning(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		night := time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)
		o.Now = func() time.Time { return night }
		c := o.knows("Priya Raman", bridge.Customer, priya)
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindCustomer, Contact: c.ID, Body: "We have a slot tomorrow"})
		o.text(priya, "Is nine possible?", func(m *bridge.Inbound) { m.At = night })
		o.replies(id, "Nine it is")
		var bodies []string
		o.write(func(tx *data.Tx) error {
			for range 2 { // texts to one number leave one after the other
				cs, err := tx.ClaimDue(bridge.SMS, night, time.Minute, 10)
				if err != nil {
					return err
				}
				for _, c := range cs {
					bodies = append(bodies, c.Body)
					d := c.Delivery
					d.State, d.SentAt, d.NextAt = bridge.Sent, night, time.Time{}
					if err := tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, night); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if want := []string{"We have a slot tomorrow", "Nine it is"}; !slices.Equal(bodies, want) {
			o.Errorf("the outbox takes %q, want %q", bodies, want)
		}
	})
}
