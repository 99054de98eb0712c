package intake_test

import (
	"slices"
	"sync"
	"testing"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// works makes an office whose line is in use, with a preset and an open portal.
func (o *office) works(p bridge.Preset, change ...func(*bridge.Settings)) {
	o.Helper()
	o.write(func(tx *data.Tx) error {
		_, err := tx.PutLine(bridge.Line{Phone: ourLine, Name: "Main", Active: true})
		return err
	})
	o.settle(func(s *bridge.Settings) {
		s.Use(p)
		s.PortalOn = true
		for _, c := range change {
			c(s)
		}
	})
}

func (o *office) settle(change func(*bridge.Settings)) {
	o.Helper()
	o.must(o.ChangeSettings(o.Context(), o.sam, func(s *bridge.Settings) error { change(s); return nil }))
}

// knows makes a contact.
func (o *office) knows(name string, side bridge.Side, phones ...string) bridge.Contact {
	o.Helper()
	c, err := o.AddContact(o.Context(), o.jo, intake.ContactChange{Name: &name, Side: &side, Phones: phones})
	o.must(err)
	return c
}

// connects lets a contact accept an invitation.
func (o *office) connects(c bridge.Contact) {
	o.Helper()
	hash := "ticket of " + c.Name
	o.must(o.Invite(o.Context(), o.jo, c.ID, hash, "", ""))
	got, err := o.AcceptInvite(o.Context(), hash)
	o.must(err)
	if got.ID != c.ID || !got.Connected() {
		o.Errorf("accepted as %+v", got)
	}
}

// files makes a record with its contacts.
func (o *office) files(t bridge.RecordType, ref, title string, contacts []bridge.ContactID, change ...func(*intake.RecordChange)) bridge.Record {
	o.Helper()
	ch := intake.RecordChange{Type: t, Reference: &ref, Title: &title, Contacts: &contacts}
	for _, c := range change {
		c(&ch)
	}
	r, err := o.AddRecord(o.Context(), o.jo, ch)
	o.must(err)
	return r
}

func (o *office) edits(r bridge.Record, ch intake.RecordChange) {
	o.Helper()
	_, err := o.EditRecord(o.Context(), o.jo, r.ID, ch)
	o.must(err)
}

func to[T any](v T) *T { return &v }

func (o *office) starts(actor bridge.Staff, s intake.Start) bridge.ConversationID {
	o.Helper()
	id, err := o.Start(o.Context(), actor, s)
	o.must(err)
	return id
}

// refuses wants a Start to be denied.
func (o *office) refuses(actor bridge.Staff, s intake.Start, code string) {
	o.Helper()
	id, err := o.Start(o.Context(), actor, s)
	if o.denied(err, code); id != 0 {
		o.Errorf("refused, and conversation %d given out", id)
	}
}

// people are the names of a conversation's participants.
func (o *office) people(id bridge.ConversationID) (names []string) {
	o.Helper()
	o.read(func(tx *data.Tx) error {
		ps, err := tx.Participants(id)
		for _, p := range ps {
			names = append(names, p.Name)
		}
		return err
	})
	slices.Sort(names)
	return names
}

// takesPart wants exactly these people in a conversation; names in order.
func (o *office) takesPart(id bridge.ConversationID, want ...string) {
	o.Helper()
	if got := o.people(id); !slices.Equal(got, want) {
		o.Errorf("in conversation %d are %q, want %q", id, got, want)
	}
}

// of gives the conversations about a record, as somebody sees them.
func (o *office) of(reader bridge.Staff, r bridge.Record) (ids []bridge.ConversationID) {
	o.Helper()
	o.read(func(tx *data.Tx) error {
		cs, err := tx.ConversationsAbout(reader, r.ID, 50)
		for _, c := range cs {
			ids = append(ids, c.ID)
		}
		return err
	})
	return ids
}

// seenBy reads a conversation as somebody; ok says whether they see it.
func (o *office) seenBy(reader bridge.Staff, id bridge.ConversationID) (c bridge.Conversation, ok bool) {
	o.Helper()
	o.read(func(tx *data.Tx) (err error) {
		c, err = tx.Conversation(reader, id)
		if ok = err == nil; !ok && err.Error() == bridge.ErrNotFound.Error() {
			err = nil
		}
		return err
	})
	return c, ok
}

func (o *office) hires(name string, role bridge.Role) (p bridge.Staff) {
	o.Helper()
	o.write(func(tx *data.Tx) (err error) {
		p, err = tx.AddStaff(bridge.Staff{Name: name, Email: name + "@example.com", Role: role}, "x", noon)
		return err
	})
	return p
}

func TestS4_2_3_10_13_19_AJobHasOneConversationWithItsHistory(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		priya := o.knows("Priya Raman", bridge.Customer)
		job := o.files(bridge.Job, "1042", "Boiler replacement", []bridge.ContactID{priya.ID}, func(ch *intake.RecordChange) { ch.Staff = &[]bridge.StaffID{o.tradie.ID} })
		o.refuses(o.jo, intake.Start{Kind: bridge.KindJob, Contact: priya.ID, Body: "Hi"}, "no_record")
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindJob, Contact: priya.ID, Record: job.ID})
		if again := o.starts(o.sam, intake.Start{Kind: bridge.KindJob, Contact: priya.ID, Record: job.ID, Body: "We start on Monday"}); again != id {
			o.Errorf("a second conversation %d beside %d", again, id)
		}
		c := o.row(id)
		if c.Record != job.ID || c.RecordLabel != "Job #1042 Boiler replacement" || c.Title != "Priya Raman" || c.Folder != bridge.FolderJobs || c.State != bridge.Waiting {
			o.Errorf("%+v", c)
		}
		o.takesPart(id, "Jo Park", "Lee Moss", "Priya Raman", "Sam Ortiz")
		o.edits(job, intake.RecordChange{Closed: to(true)})
		if got := o.of(o.jo, job); !slices.Equal(got, []bridge.ConversationID{id}) {
			o.Errorf("with the closed job are %v", got)
		}
		o.told(id, "out: We start on Monday")
	})
}

func TestS4_4_7_20_22_AQuoteOpensOnceItIsSentToThePortal(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		priya, other := o.knows("Priya Raman", bridge.Customer), o.knows("Omar Said", bridge.Customer)
		quote := o.files(bridge.Quote, "7", "New bathroom", []bridge.ContactID{priya.ID})
		start := intake.Start{Kind: bridge.KindJob, Contact: priya.ID, Record: quote.ID, Body: "Your quote is ready"}
		o.refuses(o.jo, start, "not_sent_to_portal")
		o.edits(quote, intake.RecordChange{SentToPortal: to(true)})
		theirs := start
		theirs.Contact = other.ID
		o.refuses(o.jo, theirs, "other_client")
		o.settle(func(s *bridge.Settings) { s.PortalOn = false })
		o.refuses(o.jo, start, "portal_off")
		o.settle(func(s *bridge.Settings) { s.PortalOn = true })
		o.told(o.starts(o.jo, start), "out: Your quote is ready")
		if n := len(o.of(o.sam, quote)); n != 1 {
			o.Errorf("%d conversations", n)
		}
	})
}

func TestS4_23_ATradieReadsTheJobsThatTheyAreOnAndNoOther(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		priya := o.knows("Priya Raman", bridge.Customer)
		job := o.files(bridge.Job, "1042", "Boiler", []bridge.ContactID{priya.ID})
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindJob, Contact: priya.ID, Record: job.ID, Body: "Hello"})
		sees := func(want bool) {
			o.Helper()
			if _, got := o.seenBy(o.tradie, id); got != want {
				o.Errorf("the tradie sees it: %t", got)
			}
		}
		sees(false)
		o.refuses(o.tradie, intake.Start{Kind: bridge.KindJob, Contact: priya.ID, Record: job.ID, Body: "Hello"}, "role")
		o.edits(job, intake.RecordChange{Staff: &[]bridge.StaffID{o.tradie.ID}})
		sees(true)
		_, err := o.Reply(o.Context(), o.tradie, intake.Draft{Conversation: id, Body: "On my way"})
		o.denied(err, "role")
		o.settle(func(s *bridge.Settings) { s.FieldAnswers = true })
		if _, err := o.Reply(o.Context(), o.tradie, intake.Draft{Conversation: id, Body: "On my way"}); err != nil {
			o.Errorf("a tradie of the job may not answer although the policy says so: %v", err)
		}
		o.edits(job, intake.RecordChange{Staff: &[]bridge.StaffID{}})
		sees(false) // that they wrote in it makes them no member of the office
		o.told(id, "out: Hello", "event: Jo Park put Lee Moss on Job #1042 Boiler", "out: On my way", "event: Jo Park took Lee Moss off Job #1042 Boiler")
	})
}

func TestS3_2_3_4_5_ATopicHasASubjectItsMessagesAndItsPeople(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Builder)
		maya, noor, sub := o.knows("Maya Fox", bridge.Customer), o.knows("Noor Fox", bridge.Customer), o.knows("Tom Tiler", bridge.ServicePro)
		house := o.files(bridge.Project, "H1", "House Fox", []bridge.ContactID{maya.ID, noor.ID, sub.ID}, func(ch *intake.RecordChange) {
			ch.Stage, ch.Staff = to("Construction"), &[]bridge.StaffID{o.sam.ID}
		})
		start := intake.Start{Kind: bridge.KindTopic, Contact: maya.ID, Record: house.ID, Body: "Which ones?", ClientID: "form-1"}
		o.refuses(o.jo, start, "subject")
		start.Subject = "  Kitchen \n tiles "
		id := o.starts(o.jo, start)
		if again := o.starts(o.jo, start); again != id {
			o.Errorf("the same form twice made %d and %d", id, again)
		}
		if other := o.starts(o.sam, start); other == id {
			o.Error("a colleague's form with the same key fell into another's topic")
		}
		start.ClientID, start.Subject = "form-2", "Windows"
		if other := o.starts(o.jo, start); other == id {
			o.Error("another subject is no other topic")
		}
		if c := o.row(id); c.Subject != "Kitchen tiles" || c.Folder != bridge.FolderProjects {
			o.Errorf("%+v", c)
		}
		o.takesPart(id, "Jo Park", "Maya Fox", "Noor Fox", "Sam Ortiz")
		o.told(id, "out: Which ones?")
		if n := len(o.of(o.jo, house)); n != 2 {
			o.Errorf("Jo sees %d topics, want her own two", n)
		}
	})
}

func TestTwoWhoStartAtOnceOpenOneConversation(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		var both sync.WaitGroup
		ids := make([]bridge.ConversationID, 8)
		for i := range ids {
			both.Go(func() {
				id, err := o.Start(o.Context(), []bridge.Staff{o.sam, o.jo}[i%2], intake.Start{Kind: bridge.KindCustomer, Phone: "(415) 555-0134", Name: "Priya", Body: "Hello"})
				if ids[i] = id; err != nil {
					o.Error(err)
				}
			})
		}
		both.Wait()
		if len(slices.Compact(ids)) != 1 || len(o.messages(ids[0])) != 8 {
			o.Errorf("conversations %v", ids)
		}
		o.address(priya) // one contact
		o.takesPart(ids[0], "Jo Park", "Priya", "Sam Ortiz")
	})
}

func TestAFirstTextWithoutALineSaysWhatToDo(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.refuses(o.jo, intake.Start{Kind: bridge.KindCustomer, Phone: priya, Body: "Hello"}, "no_line")
		o.invalid(func() error {
			_, err := o.Start(o.Context(), o.jo, intake.Start{Kind: bridge.KindCustomer, Phone: ourLine, Body: "Hello"})
			return err
		}(), "phone")
	})
}

func TestS0_3_34_AHandymanHasOneConversationAndTextsLandInIt(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		ravi := o.knows("Ravi Patel", bridge.Handyman, priya)
		id := o.starts(o.jo, intake.Start{Kind: bridge.KindPartner, Contact: ravi.ID, Body: "Unit 4 on Monday?"})
		if again := o.starts(o.sam, intake.Start{Kind: bridge.KindPartner, Contact: ravi.ID}); again != id {
			o.Errorf("a second conversation %d beside %d", again, id)
		}
		if r := o.text(priya, "Fine"); r.Conversation != id {
			o.Errorf("his text landed in %d, not in %d", r.Conversation, id)
		}
		o.told(id, "out: Unit 4 on Monday?", "in: Fine")
	})
}

func TestS2_5_6_7_TheTeamTalksAllTogetherAndInPairs(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Landlord)
		all := o.starts(o.jo, intake.Start{Kind: bridge.KindTeam, Body: "Lunch at noon"})
		pair := o.starts(o.jo, intake.Start{Kind: bridge.KindTeam, Colleague: o.tradie.ID, Body: "Bring the ladder"})
		if back := o.starts(o.tradie, intake.Start{Kind: bridge.KindTeam, Colleague: o.jo.ID, Body: "Will do"}); back != pair || pair == all {
			o.Errorf("conversations %d, %d, %d", all, pair, back)
		}
		o.takesPart(all, "Jo Park", "Lee Moss", "Sam Ortiz")
		o.takesPart(pair, "Jo Park", "Lee Moss")
		if _, sees := o.seenBy(o.sam, pair); sees {
			o.Error("the owner reads what two colleagues write to each other")
		}
		for _, tt := range []struct {
			who    bridge.Staff
			in     bridge.ConversationID
			unread int64
			title  string
		}{{o.jo, all, 0, "Everybody"}, {o.sam, all, 1, "Everybody"}, {o.tradie, pair, 0, "Jo Park"}, {o.jo, pair, 1, "Lee Moss"}} {
			if c, _ := o.seenBy(tt.who, tt.in); c.Unread != tt.unread || c.TitleFor(tt.who) != tt.title || c.Folder != bridge.FolderTeam {
				o.Errorf("%s: %d unread in %q, want %d in %q", tt.who.Name, c.Unread, c.TitleFor(tt.who), tt.unread, tt.title)
			}
		}
		if d := o.messages(pair)[0].Deliveries; len(d) != 0 {
			o.Errorf("it leaves the inbox: %+v", d)
		}
		lou := o.hires("Lou New", bridge.Tradie)
		if c, sees := o.seenBy(lou, all); !sees || c.Unread > 1 {
			o.Errorf("who joins sees the common chat: %t, with %d unread", sees, c.Unread)
		}
		invited, err := o.InviteStaff(o.Context(), o.sam, bridge.Staff{Name: "Vik Late", Email: "vik@example.com", Role: bridge.Admin}, "hash of vik")
		o.must(err)
		o.refuses(o.jo, intake.Start{Kind: bridge.KindTeam, Colleague: invited.ID, Body: "Hi"}, "not_connected")
		o.must(o.SwitchStaff(o.Context(), o.sam.Actor(), lou.ID, false))
		o.refuses(o.jo, intake.Start{Kind: bridge.KindTeam, Colleague: lou.ID, Body: "Hi"}, "inactive")
		o.invalid(func() error {
			_, err := o.Start(o.Context(), o.jo, intake.Start{Kind: bridge.KindTeam, Colleague: o.jo.ID, Body: "Hi"})
			return err
		}(), "staff")
	})
}

func TestS2_12_ASharedRequestOpensItsConversationWithWhoIsConnected(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.PropertyManager)
		pro, owner := o.knows("Pia Pipes", bridge.ServicePro), o.knows("Olga Owner", bridge.PropertyOwner)
		o.connects(pro)
		leak := o.files(bridge.Maintenance, "88", "Leak under the sink", []bridge.ContactID{pro.ID, owner.ID})
		ids := o.of(o.sam, leak)
		if len(ids) != 1 {
			o.Fatalf("conversations %v, want the one with the connected service pro", ids)
		}
		o.told(ids[0], "event: Maintenance request #88 Leak under the sink was shared with Pia Pipes")
		if c := o.row(ids[0]); c.Subject != "Leak under the sink" || c.Folder != bridge.FolderMaintenance {
			o.Errorf("%+v", c)
		}
		o.takesPart(ids[0], "Jo Park", "Pia Pipes", "Sam Ortiz")
		o.connects(owner) // another side: another conversation
		if n := len(o.of(o.sam, leak)); n != 2 {
			o.Errorf("%d conversations after the owner connected", n)
		}
		second := o.knows("Paul Pipes", bridge.ServicePro)
		o.connects(second)
		o.edits(leak, intake.RecordChange{Contacts: &[]bridge.ContactID{pro.ID, owner.ID, second.ID}})
		o.edits(leak, intake.RecordChange{Title: to("Leak in the kitchen")})
		if n := len(o.of(o.sam, leak)); n != 2 {
			o.Errorf("%d conversations with a second service pro", n)
		}
		o.takesPart(ids[0], "Jo Park", "Paul Pipes", "Pia Pipes", "Sam Ortiz")
	})
}

func TestS2_13_14_ATenantsRequestOpensItsConversationUnlessThatIsOff(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Landlord, func(s *bridge.Settings) { s.TenantRequests = false })
		tess := o.knows("Tess Tenant", bridge.Tenant)
		submits := func(ref string) bridge.Record {
			return o.files(bridge.Maintenance, ref, "No heat", nil, func(ch *intake.RecordChange) { ch.SubmittedBy = &tess.ID })
		}
		early := submits("1") // not connected yet
		o.connects(tess)
		while := submits("2") // switched off
		for _, r := range []bridge.Record{early, while} {
			if n := len(o.of(o.sam, r)); n != 0 {
				o.Errorf("#%s has %d conversations although that is off", r.Reference, n)
			}
		}
		o.settle(func(s *bridge.Settings) { s.TenantRequests = true })
		for _, r := range []bridge.Record{early, while, submits("3")} {
			ids := o.of(o.sam, r)
			if len(ids) != 1 {
				o.Fatalf("#%s has conversations %v", r.Reference, ids)
			}
			o.told(ids[0], "event: Tess Tenant submitted Maintenance request #"+r.Reference+" No heat")
		}
	})
}

func TestAnInvitationThatIsAcceptedOpensWhatWasSubmittedBefore(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Landlord)
		tess := o.knows("Tess Tenant", bridge.Tenant)
		r := o.files(bridge.Maintenance, "1", "No heat", nil, func(ch *intake.RecordChange) { ch.SubmittedBy, ch.Staff = &tess.ID, &[]bridge.StaffID{o.tradie.ID} })
		if n := len(o.of(o.sam, r)); n != 0 {
			o.Errorf("%d conversations with somebody who is not connected", n)
		}
		o.connects(tess)
		ids := o.of(o.sam, r)
		if len(ids) != 1 {
			o.Fatalf("conversations %v", ids)
		}
		// A tradie alone would be nobody who answers: the office takes part too.
		o.takesPart(ids[0], "Jo Park", "Lee Moss", "Sam Ortiz", "Tess Tenant")
	})
}

func TestS2_10_AnotherPresetOpensWhatWaitedForItAndHidesNothing(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		pro, ravi := o.knows("Pia Pipes", bridge.ServicePro), o.knows("Ravi Patel", bridge.Handyman, priya)
		o.connects(pro)
		r := o.files(bridge.Maintenance, "1", "No heat", []bridge.ContactID{pro.ID})
		partner := o.starts(o.jo, intake.Start{Kind: bridge.KindPartner, Contact: ravi.ID, Body: "Monday?"})
		if n := len(o.of(o.sam, r)); n != 0 {
			o.Errorf("%d conversations of a kind that is not in use", n)
		}
		o.settle(func(s *bridge.Settings) { s.Use(bridge.PropertyManager) })
		if n := len(o.of(o.sam, r)); n != 1 {
			o.Errorf("%d conversations after the switch", n)
		}
		if _, sees := o.seenBy(o.jo, partner); !sees {
			o.Error("the switch hides what was written")
		}
		o.told(partner, "out: Monday?")
		o.refuses(o.jo, intake.Start{Kind: bridge.KindPartner, Contact: o.knows("Bo", bridge.Handyman, "+14155550177").ID, Body: "Hi"}, "kind_off")
	})
}

func TestS2_1_2_OnlyTheConnectedAreWrittenToDirectly(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Landlord)
		tess := o.knows("Tess Tenant", bridge.Tenant)
		start := intake.Start{Kind: bridge.KindDirect, Contact: tess.ID, Body: "Hello"}
		o.refuses(o.jo, start, "not_connected")
		o.connects(tess)
		id := o.starts(o.jo, start)
		if c := o.rowFor(o.jo, id); c.Folder != bridge.FolderTenants {
			o.Errorf("%+v", c)
		}
		o.refuses(o.sam, start, "others") // hers alone; there is not a second one
		o.must(o.Assign(o.Context(), o.jo, id, o.sam.ID))
		if again := o.starts(o.sam, start); again != id {
			o.Errorf("a second conversation %d", again)
		}
	})
}

func (o *office) rowFor(reader bridge.Staff, id bridge.ConversationID) bridge.Conversation {
	o.Helper()
	c, sees := o.seenBy(reader, id)
	if !sees {
		o.Errorf("%s does not see conversation %d", reader.Name, id)
	}
	return c
}

func TestAKeyThatSomebodyElseUsedSwallowsNoMessage(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.works(bridge.Trades)
		r := o.text(priya, "Hello")
		c := o.row(r.Conversation).Contact
		send := func(who bridge.Staff, body string) error {
			_, err := o.Reply(o.Context(), who, intake.Draft{Conversation: r.Conversation, Body: body, ClientID: "api:1:order-77"})
			return err
		}
		o.must(send(o.jo, "First"))
		o.must(send(o.jo, "First")) // the same once more
		o.invalid(send(o.sam, "Second"), "client")
		_, err := o.Start(o.Context(), o.sam, intake.Start{Kind: bridge.KindCustomer, Contact: c, Body: "Second", ClientID: "api:1:order-77"})
		o.invalid(err, "client")
		_, err = o.Note(o.Context(), o.jo, intake.Draft{Conversation: r.Conversation, Body: "A note", ClientID: "api:1:order-77"})
		o.invalid(err, "client")
		o.told(r.Conversation, "in: Hello", "out: First")
	})
}
