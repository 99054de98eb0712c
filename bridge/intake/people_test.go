package intake_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func TestS2_17_AMentionAlertsWhoSeesItUntilTheyReadIt(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		r := o.text(priya, "Hello")
		note := func(body string) error {
			_, err := o.Note(o.Context(), o.sam, intake.Draft{Conversation: r.Conversation, Body: body})
			return err
		}
		o.must(note("@jo please call; @sam is me"))
		o.denied(note("@Lee please call"), "mention_unseen") // not assigned to him
		unseen := func(who bridge.Staff) (n int64) {
			o.read(func(tx *data.Tx) (err error) {
				n, err = tx.CountView(who, bridge.ViewMentions)
				return err
			})
			return n
		}
		if c := o.rowFor(o.jo, r.Conversation); c.Mentioned != 1 || unseen(o.jo) != 1 || unseen(o.sam) != 0 {
			o.Errorf("Jo: %d in the conversation, %d in all; Sam: %d", c.Mentioned, unseen(o.jo), unseen(o.sam))
		}
		o.must(o.Read(o.Context(), o.jo, r.Conversation, r.Message)) // not as far as the mention
		if unseen(o.jo) != 1 {
			o.Error("a mention counts as seen before it was read")
		}
		ms := o.messages(r.Conversation)
		o.must(o.Read(o.Context(), o.jo, r.Conversation, ms[len(ms)-1].ID))
		if c := o.rowFor(o.jo, r.Conversation); c.Mentioned != 0 || unseen(o.jo) != 0 {
			o.Errorf("after reading: %d, %d", c.Mentioned, unseen(o.jo))
		}
		o.must(o.Assign(o.Context(), o.sam, r.Conversation, o.tradie.ID))
		o.must(note("@Lee Moss please call"))
		if unseen(o.tradie) != 1 {
			o.Error("the tradie is not alerted")
		}
		o.told(r.Conversation, "in: Hello", "note: @jo please call; @sam is me", "event: Sam Ortiz assigned this to Lee Moss", "note: @Lee Moss please call")
	})
}

func TestS3_25_26_StaffAddTheTeamContactsAndSubcontractors(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Builder)
		maya, sub, zed := o.knows("Maya Fox", bridge.Customer), o.knows("Tom Tiler", bridge.ServicePro), o.hires("Zed Field", bridge.Tradie)
		house := o.files(bridge.Project, "H1", "House Fox", []bridge.ContactID{maya.ID}, func(ch *intake.RecordChange) {
			ch.Stage, ch.Staff = to("Construction"), &[]bridge.StaffID{zed.ID}
		})
		id := o.starts(o.sam, intake.Start{Kind: bridge.KindTopic, Contact: maya.ID, Record: house.ID, Subject: "Tiles", Body: "Hello"})
		add := func(actor bridge.Staff, p bridge.Participant) error {
			p.Conversation = id
			return o.AddParticipant(o.Context(), actor, p)
		}
		remove := func(actor bridge.Staff, p bridge.Participant) error {
			p.Conversation = id
			return o.RemoveParticipant(o.Context(), actor, p)
		}
		jo, tom, lee := bridge.Participant{Staff: o.jo.ID}, bridge.Participant{Contact: sub.ID}, bridge.Participant{Staff: o.tradie.ID}
		if err := add(o.jo, jo); err == nil {
			o.Error("who is not in it adds herself")
		}
		o.must(add(o.sam, jo))
		o.must(add(o.sam, jo)) // a double tap
		o.denied(add(o.sam, tom), "participants")
		o.settle(func(s *bridge.Settings) {
			s.Policies[slices.Index(bridge.Kinds[:], bridge.KindTopic)].AddSubcontractors = true
		})
		o.must(add(o.jo, tom))
		o.denied(add(o.sam, lee), "role") // he would not see it
		o.takesPart(id, "Jo Park", "Maya Fox", "Sam Ortiz", "Tom Tiler", "Zed Field")
		o.denied(remove(o.sam, bridge.Participant{Contact: maya.ID}), "client")
		o.must(remove(o.sam, tom))
		o.must(remove(o.jo, bridge.Participant{Staff: o.sam.ID}))
		if _, sees := o.seenBy(o.sam, id); sees {
			o.Error("who was taken out still sees it")
		}
		o.denied(remove(o.jo, jo), "last_member")
		o.must(o.Assign(o.Context(), o.jo, id, o.tradie.ID)) // he sees it now, and takes part
		o.denied(remove(o.jo, jo), "last_member")            // yet nobody of the office would
		o.must(remove(o.jo, lee))
		if c, sees := o.seenBy(o.tradie, id); sees || o.rowFor(o.jo, id).Assignee != 0 {
			o.Errorf("who was taken out has it assigned: %+v", c)
		}
		var lost []bridge.ConversationID
		o.read(func(tx *data.Tx) (err error) {
			lost, err = tx.LostSince(o.tradie, 1, 10)
			return err
		})
		if !slices.Equal(lost, []bridge.ConversationID{id}) {
			o.Errorf("his open page is told to drop %v", lost)
		}
		o.read(func(tx *data.Tx) error {
			ms, err := tx.Messages(id, 0, 100)
			var lines []string
			for _, m := range ms {
				lines = append(lines, m.Body)
			}
			if got, want := strings.Join(lines, "; "), "Hello; Sam Ortiz added Jo Park; Jo Park added Tom Tiler; Sam Ortiz took Tom Tiler out of this; "+
				"Jo Park took Sam Ortiz out of this; Jo Park assigned this to Lee Moss; Jo Park took Lee Moss out of this"; got != want {
				o.Errorf("the history says %q\nwant %q", got, want)
			}
			return err
		})
	})
}

func TestAHouseholdSharesAPhoneAndTextsGoToWhoWroteLast(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		ann, bob := o.knows("Ann Home", bridge.Customer, priya), o.knows("Bob Home", bridge.Customer, priya)
		if r := o.text(priya, "It is one of us"); o.row(r.Conversation).Contact != ann.ID {
			o.Errorf("nobody wrote yet: %+v", o.row(r.Conversation))
		}
		at := noon.Add(time.Second)
		o.Now = func() time.Time { return at }
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindCustomer, Contact: bob.ID, Body: "Bob, is Monday fine?"})
		if r := o.text(priya, "Yes"); r.Conversation != id {
			o.Errorf("Bob's answer landed in %d, not in %d", r.Conversation, id)
		}
		o.told(id, "out: Bob, is Monday fine?", "in: Yes")
		o.text(priya, "STOP")
		for _, c := range []bridge.Contact{ann, bob} { // the phone is one
			o.refuses(o.jo, intake.Start{Kind: bridge.KindCustomer, Contact: c.ID, Body: "Hello"}, "opted_out")
		}
	})
}

func TestANumberThatChangedHandsShowsTheNewPersonNothing(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		was := o.knows("Priya Raman", bridge.Customer, priya)
		job := o.files(bridge.Job, "1042", "Boiler", []bridge.ContactID{was.ID})
		old := o.text(priya, "#1042 please")
		o.must(o.PassAddress(o.Context(), o.jo, was.ID, was.Addresses[0].ID))
		fresh := o.text(priya, "#1042? Who is this?")
		c := o.row(fresh.Conversation)
		if fresh.Conversation == old.Conversation || c.Contact == was.ID || c.Title != "+1 415 555 0134" {
			o.Errorf("%+v", c)
		}
		o.placed(fresh, bridge.Record{}, "")
		o.told(fresh.Conversation, "in: #1042? Who is this?")
		o.told(old.Conversation, "in: #1042 please", "event: Jo Park noted that +1 415 555 0134 is not Priya Raman's any more")
		_, err := o.Reply(o.Context(), o.jo, intake.Draft{Conversation: old.Conversation, Body: "Priya?"})
		o.denied(err, "no_phone") // what was meant for her does not reach the new person
		if r := o.text(priya, "Hello?"); r.Conversation != fresh.Conversation {
			o.Errorf("the new person's second text landed in %d", r.Conversation)
		}
		if got := o.of(o.jo, job); len(got) != 0 {
			o.Errorf("conversations about her job: %v", got)
		}
		gone := o.PassAddress(o.Context(), o.jo, was.ID, was.Addresses[0].ID)
		if gone == nil || gone.Error() != bridge.ErrNotFound.Error() {
			o.Errorf("a second time: %v", gone)
		}
	})
}

func TestWhatWaitsForANumberThatChangedHandsIsNotSent(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		night := time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)
		o.Now = func() time.Time { return night }
		c := o.knows("Priya Raman", bridge.Customer, priya)
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindCustomer, Contact: c.ID, Body: "The key code is 4711"})
		o.must(o.PassAddress(o.Context(), o.jo, c.ID, c.Addresses[0].ID))
		var left []string
		o.write(func(tx *data.Tx) error {
			cs, err := tx.ClaimDue(bridge.SMS, night.Add(12*time.Hour), time.Minute, 10)
			for _, c := range cs {
				left = append(left, c.Body)
			}
			return err
		})
		if len(left) > 0 {
			o.Errorf("the new person reads %q", left)
		}
		if d := o.messages(id)[0].Deliveries[0]; d.State != bridge.Canceled {
			o.Errorf("the text is %s", d.State)
		}
		o.told(id, "out: The key code is 4711", "event: Jo Park noted that +1 415 555 0134 is not Priya Raman's any more, so the text that waited for it is not sent")
		housemate := o.knows("Ravi Raman", bridge.Customer, priya)
		o.starts(o.jo, intake.Start{Kind: bridge.KindCustomer, Contact: housemate.ID, Body: "For Ravi"})
		other := o.knows("Priya Shah", bridge.Customer, priya)
		o.must(o.PassAddress(o.Context(), o.jo, other.ID, other.Addresses[0].ID))
		if d := o.messages(id + 1)[0].Deliveries[0]; d.State != bridge.Queued {
			o.Errorf("what waits for somebody else with this number is %s", d.State)
		}
	})
}

func TestAnInvitationToANumberThatChangedHandsWorksNoMore(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Landlord)
		c := o.knows("Tina Alvarez", bridge.Tenant, priya)
		o.must(o.Invite(o.Context(), o.jo, c.ID, "hash", "Come in: link", ""))
		o.must(o.PassAddress(o.Context(), o.jo, c.ID, c.Addresses[0].ID))
		if got, err := o.AcceptInvite(o.Context(), "hash"); !errors.Is(err, bridge.ErrNotFound) {
			o.Errorf("the new person is connected as %s: %v", got.Name, err)
		}
		o.must(o.Invite(o.Context(), o.jo, c.ID, "another", "", ""))
		if got, err := o.AcceptInvite(o.Context(), "another"); err != nil || !got.Connected() {
			o.Errorf("a new invitation: %v", err)
		}
	})
}

func TestAMergedContactsInvitationIsTheSurvivors(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Landlord)
		from, into := o.knows("Tina", bridge.Tenant, priya), o.knows("Tina Alvarez", bridge.Tenant)
		o.must(o.Invite(o.Context(), o.jo, from.ID, "hash", "", ""))
		o.must(o.Merge(o.Context(), o.sam, from.ID, into.ID))
		got, err := o.AcceptInvite(o.Context(), "hash")
		if err != nil || got.ID != into.ID || !got.Connected() || got.InvitedAt.IsZero() {
			o.Errorf("%+v, %v", got, err)
		}
	})
}

func TestMergedContactsKeepBothHistoriesAndTheNextTextLandsWithTheSurvivor(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		first := o.text(omar, "New phone, it is Priya")
		stays := o.knows("Priya Raman", bridge.Customer, priya)
		second := o.text(priya, "And this is the old one")
		goes := o.row(first.Conversation).Contact
		job := o.files(bridge.Job, "1042", "Boiler", []bridge.ContactID{goes})
		o.denied(o.Merge(o.Context(), o.tradie, goes, stays.ID), "role")
		o.must(o.Merge(o.Context(), o.jo, goes, stays.ID))
		o.told(first.Conversation, "in: New phone, it is Priya", "event: Jo Park merged +1 415 555 0135 into Priya Raman")
		o.told(second.Conversation, "in: And this is the old one", "event: Jo Park merged +1 415 555 0135 into Priya Raman")
		for _, from := range []string{omar, priya} {
			if r := o.text(from, "Hello"); r.Conversation != second.Conversation {
				o.Errorf("a text from %s landed in %d, not in %d", from, r.Conversation, second.Conversation)
			}
		}
		if c := o.row(first.Conversation); c.Contact != stays.ID || c.Title != "Priya Raman" {
			o.Errorf("the old conversation: %+v", c)
		}
		if id := o.starts(o.jo, intake.Start{Kind: bridge.KindCustomer, Contact: goes, Body: "Hi"}); id != second.Conversation {
			o.Errorf("an old link to the merged contact opens %d", id)
		}
		if id := o.starts(o.jo, intake.Start{Kind: bridge.KindJob, Contact: stays.ID, Record: job.ID}); o.row(id).Contact != stays.ID {
			o.Error("the records did not move")
		}
		for _, err := range []error{o.Merge(o.Context(), o.jo, goes, stays.ID), o.Merge(o.Context(), o.jo, stays.ID, goes)} {
			if err == nil || err.Error() != bridge.ErrNotFound.Error() {
				o.Errorf("merged twice: %v", err)
			}
		}
		o.invalid(o.Merge(o.Context(), o.jo, stays.ID, stays.ID), "into")
	})
}

func TestMergedContactsOfOnePhoneAreOneAgain(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		twin, stays := o.knows("P Raman", bridge.Customer, priya), o.knows("Priya Raman", bridge.Customer, priya)
		o.must(o.Merge(o.Context(), o.jo, twin.ID, stays.ID))
		r := o.text(priya, "Hello")
		if c := o.row(r.Conversation); c.Contact != stays.ID {
			o.Errorf("the text is by contact %d, who is merged", c.Contact)
		}
		o.address(priya) // one address
		submitted := o.files(bridge.Maintenance, "1", "No heat", nil, func(ch *intake.RecordChange) { ch.SubmittedBy = &twin.ID })
		if submitted.SubmittedBy != stays.ID {
			o.Errorf("submitted by %d", submitted.SubmittedBy)
		}
	})
}

func TestMergingKeepsAStop(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		goes := o.row(o.text(priya, "STOP").Conversation).Contact
		r := o.text(omar, "Hello")
		o.must(o.Merge(o.Context(), o.jo, goes, o.row(r.Conversation).Contact))
		if c := o.row(r.Conversation); !c.OptedOut {
			o.Errorf("%+v", c)
		}
	})
}

func TestAConversationMovesToTheFolderOfItsContactsSide(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.PropertyManager)
		r := o.text(priya, "I am your tenant")
		_, err := o.EditContact(o.Context(), o.jo, o.row(r.Conversation).Contact, intake.ContactChange{Side: to(bridge.Tenant)})
		o.must(err)
		if c := o.row(r.Conversation); c.Folder != bridge.FolderTenants {
			o.Errorf("it stands in %q", c.Folder)
		}
	})
}

func TestWhoLeavesHandsOnWhatTheyHad(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Landlord)
		o.must(o.SetRole(o.Context(), o.sam.Actor(), o.jo.ID, "Admin"))
		tess := o.knows("Tess Tenant", bridge.Tenant)
		o.connects(tess)
		max := o.hires("Max Gone", bridge.Finance)
		hers := o.starts(max, intake.Start{Kind: bridge.KindDirect, Contact: tess.ID, Body: "Hello"})
		open, done := o.text(priya, "Hello"), o.text(omar, "Hello")
		for _, r := range []intake.Received{open, done} {
			o.must(o.Assign(o.Context(), max, r.Conversation, max.ID))
		}
		o.must(o.Close(o.Context(), max, done.Conversation))
		o.denied(o.SwitchStaff(o.Context(), o.tradie.Actor(), max.ID, false), "role")
		o.must(o.SwitchStaff(o.Context(), o.jo.Actor(), max.ID, false))
		o.must(o.SwitchStaff(o.Context(), o.jo.Actor(), max.ID, false)) // again changes nothing
		for _, r := range []intake.Received{open, done} {
			if c := o.row(r.Conversation); c.Assignee != 0 {
				o.Errorf("a %s conversation is still theirs", c.State)
			}
		}
		if c := o.rowFor(o.jo, hers); c.ID != hers {
			o.Errorf("nobody sees what only they took part in: %+v", c)
		}
		if _, sees := o.seenBy(o.sam, hers); sees {
			o.Error("everybody takes part in it now")
		}
		_, err := o.Note(o.Context(), o.stored(max), intake.Draft{Conversation: hers, Body: "I am still here"})
		o.denied(err, "inactive")
		o.must(o.SwitchStaff(o.Context(), o.jo.Actor(), max.ID, true))
		if c := o.row(open.Conversation); c.Assignee != 0 {
			o.Error("coming back takes things from others")
		}
	})
}

// stored is a member of staff as they are stored now.
func (o *office) stored(p bridge.Staff) (now bridge.Staff) {
	o.Helper()
	o.read(func(tx *data.Tx) (err error) {
		now, err = tx.StaffMember(p.ID)
		return err
	})
	return now
}

func TestWhoGoesIntoTheFieldLeavesNoConversationThatNobodySees(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Landlord)
		tess := o.knows("Tess Tenant", bridge.Tenant)
		o.connects(tess)
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindDirect, Contact: tess.ID, Body: "Hello"})
		o.must(o.SetRole(o.Context(), o.sam.Actor(), o.jo.ID, bridge.Tradie))
		if now := o.stored(o.jo); now.Role != bridge.Tradie {
			o.Errorf("%+v", now)
		}
		if _, sees := o.seenBy(o.stored(o.jo), id); sees {
			o.Error("a tradie sees by taking part")
		}
		if c := o.rowFor(o.sam, id); c.ID != id {
			o.Error("nobody sees it any more")
		}
	})
}

func TestAnOwnerIsChangedByAnotherOwnerOnlyAndNobodyByThemselves(t *testing.T) {
	eachOffice(t, func(o *office) {
		ctx := o.Context()
		o.denied(o.SetRole(ctx, o.jo.Actor(), o.sam.ID, bridge.Tradie), "role")
		o.denied(o.SetRole(ctx, o.jo.Actor(), o.tradie.ID, bridge.Owner), "role")
		o.denied(o.SwitchStaff(ctx, o.jo.Actor(), o.sam.ID, false), "role")
		o.denied(o.SetRole(ctx, o.sam.Actor(), o.sam.ID, bridge.Admin), "self")
		o.denied(o.SwitchStaff(ctx, o.sam.Actor(), o.sam.ID, false), "self")
		o.invalid(o.SetRole(ctx, o.sam.Actor(), o.jo.ID, "emperor"), "role")
		o.must(o.SetRole(ctx, o.sam.Actor(), o.jo.ID, " OWNER ")) // as people type it
		if now := o.stored(o.jo); now.Role != bridge.Owner {
			o.Errorf("%+v", now)
		}
		o.must(o.SetRole(ctx, o.stored(o.jo).Actor(), o.sam.ID, bridge.Admin))
		o.denied(o.SetRole(ctx, o.stored(o.sam).Actor(), o.jo.ID, bridge.Admin), "role")
		o.denied(o.SetRole(ctx, bridge.Staff{ID: 4711, Role: bridge.Owner, Active: true}.Actor(), o.jo.ID, bridge.Admin), "last_owner")
		o.denied(o.SwitchStaff(ctx, bridge.Staff{ID: 4711, Role: bridge.Owner, Active: true}.Actor(), o.jo.ID, false), "last_owner")
	})
}
