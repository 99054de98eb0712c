package templates

import (
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
)

func exampleShell(title, section string, now time.Time) Shell {
	return Shell{Title: title, Business: "Brightwater Plumbing", Section: section, People: true, Settings: true, Me: exampleTeam()[0], Today: now.Format("20060102"), Rev: 41}
}

func exampleOptions() []Option {
	return []Option{{"", "Everybody", false}, {"customer", "Customer", true}}
}

func examplePeople(now time.Time) PeoplePage {
	row := func(id bridge.ContactID, name, side string, status *Badge, reach ...string) ContactRow {
		return ContactRow{ID: id, Href: "/people/1", MessageHref: "/people/1/message", Title: name, Initials: bridge.Initials(name), Side: side, Company: "Oakfield Lettings", Addresses: reach, Connected: Badge{"ok", "tick", "Connected"}, Status: status}
	}
	return PeoplePage{
		Shell:  exampleShell("People", "people", now),
		Filter: PeopleFilter{Words: "oak", Sides: exampleOptions(), Connected: exampleOptions(), Status: exampleOptions()},
		List: PeopleList{
			Rows: []ContactRow{row(1, "Priya Raman", "Customer", nil, "+1 415 555 0134", "priya@example.com"), row(2, "Bob Marsh", "Handyman", &Badge{"warn", "clock", "Busy"}, "+1 415 555 0177"), row(3, "+1 415 555 0166", "Customer", nil)},
			More: "/people?after=3",
		},
	}
}

func exampleForm() ContactForm {
	return ContactForm{Name: "Priya Raman", Company: "Oakfield", Zone: "Europe/London", Sides: exampleOptions(), HasStatus: true, Busy: true, Phone: "+1 415 555 0134", Email: "priya@example.com", Zones: []string{"Europe/London"}, ZoneHint: "America/New_York"}
}

func exampleNewContact(now time.Time) NewContactPage {
	return NewContactPage{Shell: exampleShell("New contact", "people", now), Form: exampleForm(), Error: "This is not an email address.", ErrorField: "email"}
}

func exampleContact(now time.Time) ContactPage {
	return ContactPage{
		Shell: exampleShell("Priya Raman", "people", now), Who: examplePeople(now).List.Rows[0], Since: "Since 3 March 2026", Can: ContactCan{true, true, true}, Form: exampleForm(),
		Reach:     []Reach{{1, "Mobile", "phone", "+1 415 555 0134", "tel:+14155550134", &Badge{"danger", "ban", "Opted out"}}, {2, "Email", "email", "priya@example.com", "", nil}},
		Portal:    exampleCard(now),
		Household: []Housemate{{"/people/9", "Arun Raman", "+1 415 555 0134"}}, InviteTo: "+1 415 555 0134", InviteLink: "https://texts.example.com/i/ABC", InviteSent: true,
		Records: exampleRecords(now).List.Rows, Talks: []TalkLine{{"/inbox/c/1", "Customer", "On my way", 2, &Badge{"warn", "clock", "Waiting"}, NewStamp(now, now)}},
		Done: "Saved.", Error: "Write the number with its country code.", ErrorField: "phone",
	}
}

func exampleMerge(now time.Time) MergePage {
	rows := examplePeople(now).List.Rows
	return MergePage{Shell: exampleShell("Merge two contacts", "people", now), From: rows[2], Words: "pri", Into: &rows[0], IntoID: 1, Error: "Choose the other contact."}
}

func exampleTalk(now time.Time) Talk {
	open := exampleOpen(now)
	return Talk{Rev: 41, Name: "Priya Raman", Initials: "PR", Side: "Handyman", Company: "Oakfield", Status: &Badge{"warn", "clock", "Busy"}, CloseHref: "/people/1", InboxHref: "/inbox/c/901", Action: "/people/1/message", Open: &open, Client: "0f"}
}

func exampleRecords(now time.Time) RecordsPage {
	return RecordsPage{
		Shell: exampleShell("Records", "records", now), Words: "boiler", Types: exampleOptions(), All: true,
		List: RecordList{Rows: []RecordLine{{1, "/records/1", "Job", "1042", "Boiler replacement", "Priya Raman", "Scheduled", "3 Nov", Badge{"ok", "dot", "Open"}}}, More: "/records?before=1"},
	}
}

func exampleRecord(now time.Time) RecordPage {
	at := NewStamp(now, now)
	pick := TickBox{"1", "Priya Raman", "Customer", "PR", true}
	return RecordPage{
		Shell: exampleShell("Quote #1042 Boiler replacement", "records", now), Record: exampleRecords(now).List.Rows[0], Quote: true, Sent: &at, NewTalkHref: "/inbox/new?record=1",
		Form:  RecordForm{Action: "/records/1", Types: exampleOptions(), Reference: "1042", Title: "Boiler replacement", Project: true, Maintenance: true, Stages: exampleOptions(), Quota: "500", Closed: true, SubmittedBy: exampleOptions(), Contacts: []TickBox{pick}, Find: "ar", Found: []TickBox{{"2", "Arun", "Customer", "A", false}}, Team: []TickBox{pick}},
		Talks: exampleContact(now).Talks, Shares: []ShareLine{{"Priya", "/people/1", "Tenant", "/inbox/c/1", "", "", false}, {"Bob", "/people/2", "Service pro", "", "They are not connected yet", "Invite them from their profile, and wait until they accept", false}, {"Theo", "/people/3", "Owner", "", "", "", true}}, Done: "Saved.", Error: "Give a title", ErrorField: "title",
	}
}

func TestADrawerWithoutAConversationInvitesToStartOrSaysWhyNot(t *testing.T) {
	s, talk := parsed(t), exampleTalk(noon)
	talk.Open, talk.Hint = nil, "Text to +1 415 555 0134"
	if html := render(t, s, "talk", talk); !strings.Contains(html, "Start the conversation") || !strings.Contains(html, "data-first") || !strings.Contains(html, "1 415 555 0134") {
		t.Errorf("no invitation to start: %s", html)
	}
	talk.Blocked, talk.Fix = "They are not connected yet", "Invite them"
	if html := render(t, s, "talk", talk); strings.Contains(html, "<textarea") || !strings.Contains(html, "They are not connected yet.") || !strings.Contains(html, "Invite them.") {
		t.Errorf("a blocked drawer: %s", html)
	}
}

func TestAnInvitationNamesTheBusinessFirstAndTheLinkLast(t *testing.T) {
	got := InviteText("Brightwater Plumbing", "Priya Raman", "Sam", "https://texts.example.com/i/ABC")
	if !strings.HasPrefix(got, "Brightwater Plumbing: Hi Priya, Sam here.") || !strings.HasSuffix(got, " https://texts.example.com/i/ABC") || !strings.Contains(got, "STOP") {
		t.Error(got)
	}
	if got := InviteText("B", "", "Sam", "L"); !strings.HasPrefix(got, "B: Hi, Sam") {
		t.Error(got)
	}
}
