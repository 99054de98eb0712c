package bridge

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// A case of the office: facts in which nothing stands against anything, for the
// tests to take one thing away from.
func fine(k Kind) *Facts {
	s := NewSettings(Trades)
	s.PortalOn = true
	for i := range s.Policies {
		s.Policies[i].On = true
	}
	at := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	phone := Address{Contact: 4, Channel: SMS, Value: "+14155550134", Answerable: true}
	f := &Facts{
		Settings: s, Conversation: Conversation{ID: 9, Kind: k, Contact: 4}, Member: true, Text: true, Subject: "Kitchen tiles", Bot: true,
		Contact: Contact{ID: 4, Name: "Priya Raman", Side: Customer, ConnectedAt: at, Addresses: []Address{phone}},
		By:      Ways(s, s.Policy(k), Contact{Addresses: []Address{phone}}, "", true)[0].Channel, To: phone, Shared: true, At: at,
		Who: Actor{Kind: ByStaff, ID: 8, Name: "Maya Chen", Role: Admin, Active: true, Connected: true}, WhoSees: true,
	}
	if sides := k.Sides(); len(sides) > 0 {
		f.Contact.Side = sides[0]
	}
	if about := k.About(); len(about) > 0 {
		f.Record = Record{ID: 3, Type: about[0], Reference: "1042", Title: "Boiler", ProjectType: "Standard", Stage: "Construction",
			SentToPortal: at, Contacts: []ContactID{4}, Staff: []StaffID{8}}
	}
	return f
}

func staffActor(r Role) Actor {
	return Staff{ID: 7, Name: "Sam Ortiz", Role: r, Active: true}.Actor()
}

// starting is fine for a conversation that is not there yet.
func starting(k Kind) *Facts {
	f := fine(k)
	f.Conversation.ID = 0
	return f
}

// TestS2_19_DecideOverAllRolesActionsAndKinds fixes who may do what where nothing else
// stands against it.
func TestS2_19_DecideOverAllRolesActionsAndKinds(t *testing.T) {
	run := []Action{DoMerge, DoImport, DoManageTeam, DoChangeSettings}
	for _, k := range Kinds {
		for _, role := range Roles {
			for _, do := range Actions {
				f := fine(k)
				if do == DoStart {
					f = starting(k)
				}
				f.Conversation.Assignee = 7 // theirs, whatever the role
				f.Settings.FieldAnswers = true
				office, team := role.Office(), k == KindTeam
				want := true
				switch {
				case slices.Contains(run, do):
					want = role.Runs()
				case do == DoSee, do == DoNote, do == DoReply, do == DoRetry, do == DoMention:
				case do == DoTakeOver, do == DoGiveBack:
					want = !team
				case do == DoStart:
					want = (office || team) && k != KindMaintenance
				case do == DoSeePeople, do == DoEditContact, do == DoInvite, do == DoEditRecord:
					want = office
				case do == DoAddParticipant:
					want = office && f.Settings.Policy(k).AddStaff && !team
				default:
					want = office && !team
				}
				d := Decide(staffActor(role), do, f)
				if d.Allowed() != want {
					t.Errorf("%s, %s, %s: %+v", k, role, do, d)
				}
				if d.Sentence == "" || d.Rule == "" {
					t.Errorf("%s, %s, %s: no reason: %+v", k, role, do, d)
				}
				gone := staffActor(role)
				gone.Active = false
				if Decide(gone, do, f).Allowed() {
					t.Errorf("%s who left may %s", role, do)
				}
			}
		}
	}
	if Decide(staffActor(Owner), "invented", fine(KindCustomer)).Allowed() {
		t.Error("an action that does not exist is allowed")
	}
}

// TestEachRefusalHasItsReasonAndItsFix takes one thing away at a time.
func TestEachRefusalHasItsReasonAndItsFix(t *testing.T) {
	owner := staffActor(Owner)
	client := Contact{ID: 4, Name: "Priya Raman", Side: Customer}.Actor()
	noFix := []string{"team"}
	for _, tt := range []struct {
		code   string
		actor  Actor
		do     Action
		rule   Rule
		f      *Facts
		break_ func(*Facts)
	}{
		{"opted_out", owner, DoReply, RuleConsent, fine(KindCustomer), func(f *Facts) { f.To.OptedOut = true }},
		{"opted_out", owner, DoStart, RuleConsent, starting(KindCustomer), func(f *Facts) { f.To.OptedOut = true }},
		{"no_phone", owner, DoReply, RuleGate, fine(KindCustomer), func(f *Facts) { f.To = Address{} }},
		{"no_phone", owner, DoReply, RuleGate, fine(KindCustomer), func(f *Facts) { f.To, f.Settings.PortalOn = Address{}, false }},
		{"not_answerable", owner, DoReply, RuleGate, fine(KindCustomer), func(f *Facts) { f.To.Answerable = false }},
		{"channel", owner, DoReply, RuleKind, fine(KindCustomer), func(f *Facts) { f.By = Voice }},
		{"on_hold", owner, DoReply, RuleConversation, fine(KindCustomer), func(f *Facts) { f.Conversation.Held = true }},
		{"on_hold", owner, DoGiveBack, RuleConversation, fine(KindCustomer), func(f *Facts) { f.Conversation.Held = true }},
		{"no_receptionist", owner, DoGiveBack, RuleGate, fine(KindCustomer), func(f *Facts) { f.Bot = false }},
		{"assigned", staffActor(Tradie), DoGiveBack, RuleRole, fine(KindJob), func(f *Facts) {
			f.Conversation.Assignee, f.Conversation.AssigneeName, f.OnRecord, f.Settings.FieldAnswers = 8, "Sam Ortiz", true, true
		}},
		{"role", staffActor(Tradie), DoTakeOver, RuleRole, fine(KindCustomer), func(f *Facts) { f.Conversation.Assignee, f.Settings.FieldAnswers = 7, false }},
		{"portal_off", owner, DoReply, RuleGate, fine(KindJob), func(f *Facts) { f.Settings.PortalOn = false }},
		{"portal_off", owner, DoStart, RuleGate, starting(KindJob), func(f *Facts) { f.Settings.PortalOn = false }},
		{"not_sent_to_portal", owner, DoStart, RuleGate, starting(KindJob), func(f *Facts) { f.Record.Type, f.Record.SentToPortal = Quote, time.Time{} }},
		{"no_record", owner, DoStart, RuleKind, starting(KindJob), func(f *Facts) { f.Record = Record{} }},
		{"other_client", owner, DoStart, RuleKind, starting(KindJob), func(f *Facts) { f.Shared = false }},
		{"text_only", owner, DoReply, RuleKind, fine(KindJob), func(f *Facts) { f.Files = []File{{"jpg", 1}} }},
		{"file_alone", owner, DoReply, RuleKind, fine(KindPartner), func(f *Facts) { f.Files = []File{{"jpg", 1}} }},
		{"too_many_files", owner, DoReply, RuleKind, fine(KindCustomer), func(f *Facts) { f.Files = make([]File, 6) }},
		{"file_too_large", owner, DoReply, RuleKind, fine(KindCustomer), func(f *Facts) { f.Files = []File{{"jpg", 10*mb + 1}} }},
		{"file_type", owner, DoReply, RuleKind, fine(KindCustomer), func(f *Facts) { f.Files = []File{{"exe", 1}} }},
		{"not_connected", owner, DoReply, RuleGate, fine(KindDirect), func(f *Facts) { f.Contact.ConnectedAt = time.Time{} }},
		{"not_connected", owner, DoStart, RuleGate, starting(KindTeam), func(f *Facts) { f.Who.Connected = false }},
		{"not_shared", owner, DoReply, RuleGate, fine(KindMaintenance), func(f *Facts) { f.Shared = false }},
		{"messages_off", owner, DoStart, RuleGate, starting(KindTopic), func(f *Facts) { f.Settings.MessagesOn = false }},
		{"no_contacts", owner, DoStart, RuleGate, starting(KindTopic), func(f *Facts) { f.Record.Contacts = nil }},
		{"no_team", owner, DoStart, RuleGate, starting(KindTopic), func(f *Facts) { f.Record.Staff = nil }},
		{"stage", owner, DoStart, RuleGate, starting(KindTopic), func(f *Facts) { f.Record.Stage = "Archived" }},
		{"subject", owner, DoStart, RuleKind, starting(KindTopic), func(f *Facts) { f.Subject = "" }},
		{"kind_off", owner, DoStart, RuleKind, starting(KindDirect), func(f *Facts) { f.Settings.Use(Trades) }},
		{"side", owner, DoStart, RuleKind, starting(KindPartner), func(f *Facts) { f.Contact.Side = Tenant }},
		{"no_contact", owner, DoStart, RuleKind, starting(KindCustomer), func(f *Facts) { f.Contact = Contact{} }},
		{"inactive", owner, DoStart, RuleKind, starting(KindTeam), func(f *Facts) { f.Who.Active = false }},
		{"starter", owner, DoStart, RuleKind, starting(KindMaintenance), func(f *Facts) {}},
		{"starter", client, DoStart, RuleKind, starting(KindCustomer), func(f *Facts) {}},
		{"starter", System, DoStart, RuleKind, starting(KindJob), func(f *Facts) {}},
		{"starter", System, DoStart, RuleKind, starting(KindMaintenance), func(f *Facts) { f.Record.SubmittedBy, f.Settings.TenantRequests = 4, false }},
		{"channel", client, DoReply, RuleKind, fine(KindDirect), func(f *Facts) { f.By = SMS }},
		{"team_only", client, DoNote, RuleRole, fine(KindCustomer), func(f *Facts) {}},
		{"team_only", client, DoEditContact, RuleRole, fine(KindCustomer), func(f *Facts) {}},
		{"mention_unseen", owner, DoMention, RuleVisibility, fine(KindCustomer), func(f *Facts) { f.WhoSees = false }},
		{"inactive", owner, DoMention, RuleAccount, fine(KindCustomer), func(f *Facts) { f.Who.Active = false }},
		{"participants", owner, DoAddParticipant, RuleKind, fine(KindDirect), func(f *Facts) {}},
		{"participants", owner, DoAddParticipant, RuleKind, fine(KindTopic), func(f *Facts) { f.Who = Actor{Kind: ByContact, ID: 5, Side: ServicePro, Active: true} }},
		{"role", owner, DoAddParticipant, RuleRole, fine(KindJob), func(f *Facts) { f.Who.Role, f.WhoSees = Tradie, false }},
		{"client", owner, DoRemoveParticipant, RuleKind, fine(KindJob), func(f *Facts) { f.Who = Actor{Kind: ByContact, ID: 4, Active: true} }},
		{"team", owner, DoClose, RuleKind, fine(KindTeam), func(f *Facts) {}},
		{"other_client", owner, DoPlace, RuleKind, fine(KindCustomer), func(f *Facts) { f.Record.ID, f.Shared = 3, false }},
		{"inactive", owner, DoAssign, RuleAccount, fine(KindCustomer), func(f *Facts) { f.Who.Active = false }},
		{"role", staffActor(Supervisor), DoReply, RuleRole, fine(KindCustomer), func(f *Facts) { f.Settings.SupervisorsAnswer = false }},
		{"role", staffActor(Supervisor), DoStart, RuleRole, starting(KindCustomer), func(f *Facts) { f.Settings.SupervisorsAnswer = false }},
		{"role", staffActor(Tradie), DoReply, RuleRole, fine(KindJob), func(f *Facts) { f.OnRecord = true }},
		{"role", staffActor(Finance), DoChangeSettings, RuleRole, &Facts{}, func(f *Facts) {}},
		{"role", staffActor(Admin), DoManageTeam, RuleRole, &Facts{}, func(f *Facts) { f.Who.Role = Owner }},
		{"self", owner, DoManageTeam, RuleRole, &Facts{}, func(f *Facts) { f.Who.ID = 7 }},
		{"not_found", staffActor(Apprentice), DoReply, RuleVisibility, fine(KindJob), func(f *Facts) {}},
		{"not_found", staffActor(Admin), DoReply, RuleVisibility, fine(KindDirect), func(f *Facts) { f.Member = false }},
		{"not_found", owner, DoSee, RuleVisibility, fine(KindTeam), func(f *Facts) { f.Member = false }},
		{"not_found", client, DoSee, RuleVisibility, fine(KindJob), func(f *Facts) { f.Settings.PortalOn = false }},
	} {
		if tt.code != "starter" && tt.code != "team_only" && tt.code != "client" && tt.do != DoChangeSettings && tt.do != DoManageTeam && tt.code != "participants" && tt.code != "team" && tt.code != "not_found" {
			if d := Decide(tt.actor, tt.do, tt.f); !d.Allowed() && tt.actor.Role != Tradie {
				t.Errorf("%s: refused before anything is wrong: %+v", tt.code, d)
			}
		}
		tt.break_(tt.f)
		d := Decide(tt.actor, tt.do, tt.f)
		if d.Code != tt.code || d.Rule != tt.rule || d.Sentence == "" || d.Fix == "" && !slices.Contains(noFix, d.Code) && d.Code != "team_only" {
			t.Errorf("%s to %s: want %s by %s, got %+v", tt.actor.Name, tt.do, tt.code, tt.rule, d)
		}
	}
}

// TestEarlierRulesWin holds the precedence: consent before the role, the role
// before gates, gates before the kind, the kind before the conversation.
func TestEarlierRulesWin(t *testing.T) {
	f := fine(KindCustomer)
	f.OnRecord, f.To.OptedOut, f.To.Answerable, f.Conversation.Held = true, true, false, true
	f.Files = make([]File, 20)
	actor := staffActor(Tradie)
	for _, step := range []struct {
		rule Rule
		mend func()
	}{
		{RuleConsent, func() { f.To.OptedOut = false }},
		{RuleRole, func() { actor = staffActor(Owner) }},
		{RuleGate, func() { f.To.Answerable = true }},
		{RuleKind, func() { f.Files = nil }},
		{RuleConversation, func() { f.Conversation.Held = false }},
	} {
		if d := Decide(actor, DoReply, f); d.Allowed() || d.Rule != step.rule {
			t.Errorf("want a refusal by %s, got %+v", step.rule, d)
		}
		step.mend()
	}
	if d := Decide(actor, DoReply, f); !d.Allowed() {
		t.Errorf("everything is mended, and still: %+v", d)
	}
}

func TestS0_3_4_5_OnlyStaffStartAndTheHandymanReplies(t *testing.T) {
	handyman := Contact{ID: 4, Name: "Ravi", Side: Handyman}.Actor()
	if Decide(handyman, DoStart, starting(KindPartner)).Allowed() {
		t.Error("a handyman starts a conversation")
	}
	f := fine(KindPartner)
	if d := Decide(handyman, DoReply, f); !d.Allowed() {
		t.Errorf("the handyman may not reply: %+v", d)
	}
	f.Member = false
	if Decide(handyman, DoReply, f).Allowed() {
		t.Error("S0-5: a handyman writes outside the conversation that was opened")
	}
}

func TestS0_17_18_22_24_OneImageWithoutText(t *testing.T) {
	owner := staffActor(Owner)
	for _, tt := range []struct {
		files []File
		text  bool
		want  bool
	}{
		{[]File{{"jpg", 10 * mb}}, false, true}, {[]File{{"png", 1}}, false, true},
		{[]File{{"jpg", 1}}, true, false}, {[]File{{"jpg", 1}, {"jpg", 1}}, false, false},
		{[]File{{"jpg", 10*mb + 1}}, false, false}, {[]File{{"pdf", 1}}, false, false}, {nil, true, true},
	} {
		f := fine(KindPartner)
		f.Files, f.Text = tt.files, tt.text
		if d := Decide(owner, DoReply, f); d.Allowed() != tt.want {
			t.Errorf("%v, text %t: %+v", tt.files, tt.text, d)
		}
	}
}

func TestS1_10_FivePhotos(t *testing.T) {
	f := fine(KindCustomer)
	f.Files = []File{{"jpg", 1}, {"jpeg", 1}, {"png", 1}, {"jpg", 1}, {"png", 1}}
	if d := Decide(staffActor(Admin), DoReply, f); !d.Allowed() {
		t.Errorf("five photos with text: %+v", d)
	}
	f.Files = append(f.Files, File{"jpg", 1})
	if Decide(staffActor(Admin), DoReply, f).Allowed() {
		t.Error("six photos are taken")
	}
}

func TestS2_2_OnlyConnectedPeople(t *testing.T) {
	for _, k := range []Kind{KindDirect, KindMaintenance} {
		f := fine(k)
		f.Contact.ConnectedAt = time.Time{}
		if d := Decide(staffActor(Owner), DoReply, f); d.Code != "not_connected" {
			t.Errorf("%s: %+v", k, d)
		}
	}
}

func TestS3_25_26_27_ParticipantsAndFileTypes(t *testing.T) {
	f := fine(KindTopic)
	for _, who := range []Actor{
		{Kind: ByStaff, ID: 8, Role: Finance, Active: true}, {Kind: ByContact, ID: 5, Side: Customer, Active: true},
	} {
		f.Who = who
		if d := Decide(staffActor(Admin), DoAddParticipant, f); !d.Allowed() {
			t.Errorf("%+v is not added: %+v", who, d)
		}
	}
	f.Who = Actor{Kind: ByContact, ID: 6, Side: ServicePro, Active: true}
	if Decide(staffActor(Admin), DoAddParticipant, f).Allowed() {
		t.Error("a subcontractor is added where that is not permitted")
	}
	f.Settings.Policies[slices.Index(Kinds[:], KindTopic)].AddSubcontractors = true
	if d := Decide(staffActor(Admin), DoAddParticipant, f); !d.Allowed() {
		t.Errorf("a subcontractor is not added where that is permitted: %+v", d)
	}
	for _, ext := range []string{"jpg", "png", "gif", "pdf", "doc", "docx", "xls", "xlsx"} {
		f.Files = []File{{ext, 1}}
		if d := Decide(staffActor(Admin), DoReply, f); !d.Allowed() {
			t.Errorf("%s is not taken: %+v", ext, d)
		}
	}
}

func TestS3_35_36_37_38_42_TheSwitchAndWhatAProjectNeeds(t *testing.T) {
	for code, take := range map[string]func(*Facts){
		"messages_off": func(f *Facts) { f.Settings.MessagesOn = false },
		"no_contacts":  func(f *Facts) { f.Record.Contacts = nil },
		"no_team":      func(f *Facts) { f.Record.Staff = nil },
		"stage":        func(f *Facts) { f.Record.Stage = "Enquiry" },
	} {
		customer := Contact{ID: 4, Name: "Priya", Side: Customer, ConnectedAt: time.Unix(1, 0)}.Actor()
		for _, actor := range []Actor{staffActor(Owner), customer} {
			f := starting(KindTopic)
			take(f)
			if d := Decide(actor, DoStart, f); d.Code != code || d.Fix == "" {
				t.Errorf("%s by %s: %+v", code, actor.Name, d)
			}
		}
	}
}

func TestS4_1_6_WhoStartsAJobConversation(t *testing.T) {
	for _, role := range Roles {
		want := role == Owner || role == Admin || role == Finance || role == SoleTrader || role == Supervisor
		if d := Decide(staffActor(role), DoStart, starting(KindJob)); d.Allowed() != want {
			t.Errorf("%s: %+v", role, d)
		}
	}
	f := starting(KindJob)
	f.Settings.SupervisorsAnswer = false
	if Decide(staffActor(Supervisor), DoStart, f).Allowed() {
		t.Error("a supervisor starts one although that is switched off")
	}
}

func TestS4_3_4_5_7_WhatAJobConversationNeeds(t *testing.T) {
	for code, take := range map[string]func(*Facts){
		"no_record":          func(f *Facts) { f.Record = Record{} },
		"portal_off":         func(f *Facts) { f.Settings.PortalOn = false },
		"text_only":          func(f *Facts) { f.Files = []File{{"jpg", 1}} },
		"not_sent_to_portal": func(f *Facts) { f.Record.Type, f.Record.SentToPortal = Quote, time.Time{} },
	} {
		f := starting(KindJob)
		take(f)
		if d := Decide(staffActor(Admin), DoStart, f); d.Code != code || d.Sentence == "" || d.Fix == "" {
			t.Errorf("want %s with its fix (S4-20 to 22): %+v", code, d)
		}
	}
}

func TestS4_23_TradiesAndApprenticesByAssignment(t *testing.T) {
	for _, role := range []Role{Tradie, Apprentice} {
		for _, k := range Kinds {
			f := fine(k)
			f.Conversation.Assignee, f.Member = 0, k != KindTeam
			if Decide(staffActor(role), DoSee, f).Allowed() {
				t.Errorf("a %s sees a %s conversation that is not theirs", role, k)
			}
			f.OnRecord = true
			if d := Decide(staffActor(role), DoSee, f); d.Allowed() != (k != KindTeam) {
				t.Errorf("a %s on the record, %s: %+v", role, k, d)
			}
		}
	}
}

func TestQuietHoursHoldBackOnlyWhatIsNoAnswer(t *testing.T) {
	f := starting(KindCustomer)
	f.At = time.Date(2026, 11, 20, 22, 30, 0, 0, time.UTC)
	if d := Decide(staffActor(Owner), DoStart, f); !d.NotBefore.Equal(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("a first text at 22:30 leaves at %v", d.NotBefore)
	}
	again := fine(KindCustomer)
	again.At = f.At
	if d := Decide(staffActor(Owner), DoReply, again); !d.NotBefore.Equal(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("a second text to who never wrote leaves at %v", d.NotBefore)
	}
	again.Conversation.Inbound = 1
	if d := Decide(staffActor(Owner), DoReply, again); !d.NotBefore.IsZero() {
		t.Errorf("an answer waits until %v", d.NotBefore)
	}
	for at, want := range map[int]int{7: 8, 8: 0, 20: 0, 21: 8, 23: 8, 0: 8} {
		end := f.Settings.Quiet(time.Date(2026, 11, 20, at, 0, 0, 0, time.UTC))
		if want == 0 && !end.IsZero() || want != 0 && end.Hour() != want {
			t.Errorf("at %d: quiet until %v", at, end)
		}
	}
}

func TestS2_8_9_PresetsSayWhichKindsAndFoldersAreInUse(t *testing.T) {
	for preset, want := range map[Preset]string{
		Trades:          "[customers jobs partners]",
		Landlord:        "[team tenants service_pros maintenance]",
		PropertyManager: "[team tenants service_pros owners maintenance]",
		Builder:         "[team projects]",
		SoleTraderAlone: "[customers]",
	} {
		s := NewSettings(preset)
		var shown []Folder
		for _, f := range Folders {
			if s.Shows(f) {
				shown = append(shown, f)
			}
		}
		if got := fmt.Sprint(shown); got != want {
			t.Errorf("%s shows %s, want %s", preset, got, want)
		}
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", preset, err)
		}
	}
}

func TestMentionsFindNamesAndNothingElse(t *testing.T) {
	team := []Staff{{ID: 1, Name: "Sam Ortiz", Active: true}, {ID: 2, Name: "Maya Chen", Active: true}, {ID: 3, Name: "Sam Lee", Active: true}, {ID: 4, Name: "Jo Park"}}
	for body, want := range map[string]string{
		"@Maya can you look": "[2]", "hello @maya chen, @Sam Lee": "[2 3]", "@Sam is unclear": "[]", "mail me@maya.example": "[]",
		"@Mayanne": "[]", "(@Maya)": "[2]", "@Jo left": "[]", "@Maya @Maya": "[2]", "@": "[]", "@SAM ORTIZ!": "[1]",
	} {
		ids := []StaffID{}
		for _, s := range Mentions(body, team) {
			ids = append(ids, s.ID)
		}
		if got := fmt.Sprint(ids); got != want {
			t.Errorf("%q mentions %s, want %s", body, got, want)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, bb := range []struct {
		name  string
		actor Actor
		do    Action
		f     *Facts
	}{
		{"reply", staffActor(Owner), DoReply, fine(KindCustomer)},
		{"see as a tradie", staffActor(Tradie), DoSee, fine(KindJob)},
		{"start about a project", staffActor(Admin), DoStart, starting(KindTopic)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Decide(bb.actor, bb.do, bb.f)
			}
		})
	}
}

func TestS3_28_29_30_AProjectTakesPhotosDocumentsAndSheets(t *testing.T) {
	rule := NewPolicy(KindTopic).Files
	for _, kind := range []string{"jpg", "png", "gif", "pdf", "doc", "docx", "xls", "xlsx"} {
		if d := rule.Decide([]File{{Type: kind, Size: 1 << 20}}, true); !d.Allowed() {
			t.Errorf("%s: %s", kind, d.Sentence)
		}
	}
	if d := rule.Decide([]File{{Type: "exe", Size: 1}}, true); d.Code != "file_type" {
		t.Errorf("a program: %+v", d)
	}
}
