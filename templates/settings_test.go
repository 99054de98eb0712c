package templates

import (
	"strings"
	"testing"
	"time"
)

// fullSettings gives every page of the settings with everything on it.
func fullSettings(shell Shell) map[string]any {
	shell.Section = "settings"
	sh := SettingsShell{Shell: shell, Done: "Saved.", Nav: []NavItem{{"General", "/settings", true}, {"Team", "/settings/team", false}}}
	bad := func(field, text string) SettingsShell { s := sh; s.Bad = Bad{field, text}; return s }
	ticks := []Tick{{Value: "a", Text: "The first", Help: "With a word", On: true}, {Value: "b", Text: "The second", Fixed: true}}
	at := NewStamp(noon.Add(-72*time.Hour), noon)
	return map[string]any{
		"settings": SettingsPage{SettingsShell: bad("quiet", "Give both times."), Presets: ticks, PortalOn: true, MessagesOn: true, SupervisorsAnswer: true,
			FieldAnswers: true, TenantRequests: true, UrgentPhone: "+1 415 555 0100", QuietFrom: "21:00", QuietUntil: "08:00"},
		"settings-kinds": KindsPage{SettingsShell: sh, Preset: "Trades", Kinds: []KindRow{{"Customer", "One with each", "/settings/kinds/customer", true, "Portal, Text", "The whole team", "Inbox, text to the phones on duty", "5 of up to 10 MB"}, {"Team", "Colleagues", "/settings/kinds/team", false, "Inbox", "Those who take part", "Inbox", "None"}}},
		"settings-kind": KindPage{SettingsShell: bad("files", "Whole numbers."), Href: "/settings/kinds/topic", Heading: "Project topic", Help: "About a project", On: true,
			Starters: ticks, Subjects: ticks, Most: "5", SizeMB: "10", Types: "jpg, png", Alone: true, Quota: true, HasRecord: true, Instead: ticks,
			Tell: ticks, Accept: ticks, SeenBy: ticks, Add: ticks, Gates: ticks, FromTop: true},
		"settings-stages": StagesPage{SettingsShell: bad("stages", "Two have one name."), BadType: "Standard", New: "Extension", NewStage: "Planning",
			Types: []StageType{{Name: "Standard", ID: "type0", Rows: []StageRow{{0, "Enquiry", "Enquiry", false, true, false}, {1, "Handover", "Handover", true, false, true}}}}},
		"settings-calls": CallsPage{SettingsShell: bad("hours", "Write hours like: Mon-Fri 08:00-17:00."), Lines: []string{"+1 415 555 0100"}, OnDuty: []DutyPhone{{Phone: "+1 415 555 0190", Name: "Sam Ortiz"}, {Phone: "+1 415 555 0191", Off: true}, {Phone: "+1 415 555 0192", Left: true}}, Hours: "Mon-Fri 08:00-17:00",
			Greeting: "Hello", VoicemailGreeting: "Sorry", TextBackText: "Sorry we missed you", OurGreeting: "Thank you for calling", OurVoicemail: "Please leave a message", OurTextBack: "Sorry we missed your call",
			Ring: "20", Patience: "60", Screen: true, Voicemail: true, TextBack: true, Texts: ticks, Calls: ticks, Phone: "+1 415 555 0160", Introduce: "Automatic assistant:", HasBot: true},
		"settings-team": TeamPage{SettingsShell: bad("email", "Somebody has it."), Name: "Ada", Email: "ada@example.com", Gives: ticks, Link: &InviteLink{"Ada", "https://texts.example.com/welcome/abc", "Sun 29 Nov, 12:30"},
			Team: []TeamRow{{Person: exampleTeam()[0], Email: "sam@example.com", State: Badge{"ok", "tick", "Active"}, Since: at, Why: "Nobody switches off their own account"},
				{Person: exampleTeam()[1], Email: "maya@example.com", State: Badge{"warn", "clock", "Invited"}, Since: at, Roles: ticks, RoleURL: "#", ReinviteURL: "#", SwitchURL: "#", SwitchText: "Switch off"}},
			Keys: []KeyRow{{1, "Sam Ortiz", at, "#", true}, {2, "Jo", at, "", false}}},
		"settings-switch": SwitchPage{SettingsShell: sh, Name: "Jo", Action: "#", Heading: "Switch Jo off?", Button: "Switch off", Says: []string{"They are signed out"}, Off: true},
		"settings-whatif": WhatIfPage{SettingsShell: bad("at", "Give a day."), Find: "priya", Who: []Group{{"The team", ticks}, {"Contacts", ticks}}, Actions: []ActionOption{{"reply", "reply", "conversation", true}, {"start", "start", "start", false}},
			Conversations: ticks, Kinds: ticks, Contacts: ticks, Records: ticks, Colleagues: ticks, Subject: "Tiles", Date: "2026-11-22", Time: "22:00", Zone: "UTC",
			Answer: &Answer{true, "May Jo reply?", "They may.", "Ask.", "the role", "08:00", "2026-11-23T08:00:00Z", "Shows in the portal."}},
		"join": JoinPage{Shell: shell, Token: "abc", Name: "Ada", Email: "ada@example.com", Role: "Tradie", Error: "Use at least 10 characters."},
	}
}

func TestSettingsSayWhatIsWrongBesideItsField(t *testing.T) {
	s := parsed(t)
	for name, view := range fullSettings(ExampleInbox(noon).Shell) {
		html := render(t, s, name, view)
		if strings.Count(html, `id="bad"`) > 1 {
			t.Errorf("%s: more than one problem", name)
		}
		if strings.Contains(html, `aria-describedby="bad"`) && !strings.Contains(html, `role="alert" id="bad"`) {
			t.Errorf("%s: a field points at a problem that is not there", name)
		}
		if name != "join" && (!strings.Contains(html, `<main class="page" id="main"`) || strings.Count(html, "<h1>") != 1 || !strings.Contains(html, `aria-label="Settings"`)) {
			t.Errorf("%s: landmarks", name)
		}
	}
}

func TestTheSettingsScriptIsSmall(t *testing.T) {
	if n := len(parsed(t).assets.files["js/settings.js"].gzip()); n > 1500 {
		t.Errorf("%d bytes gzipped", n)
	}
}
