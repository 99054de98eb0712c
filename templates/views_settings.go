package templates

import "reflect"

// The views of the settings, the team and "what happens if".

var (
	settingsPages = map[string]reflect.Type{
		"settings":        reflect.TypeFor[SettingsPage](),
		"settings-kinds":  reflect.TypeFor[KindsPage](),
		"settings-kind":   reflect.TypeFor[KindPage](),
		"settings-stages": reflect.TypeFor[StagesPage](),
		"settings-calls":  reflect.TypeFor[CallsPage](),
		"settings-team":   reflect.TypeFor[TeamPage](),
		"settings-switch": reflect.TypeFor[SwitchPage](),
		"settings-whatif": reflect.TypeFor[WhatIfPage](),
		"join":            reflect.TypeFor[JoinPage](),
	}
	settingsFragments = map[string]reflect.Type{}
)

// SettingsShell is what every page of the settings has around it.
type SettingsShell struct {
	Shell
	Nav  []NavItem
	Done string // what was just done, in words; empty after a plain visit
	Bad  Bad
}

// NavItem is a page of the settings.
type NavItem struct {
	Text, Href string
	Current    bool
}

// Bad is what was wrong with a form, shown beside its field.
type Bad struct{ Field, Text string }

// Wrong is what was wrong with a field; empty for the others.
func (s SettingsShell) Wrong(field string) string {
	if s.Bad.Field != field {
		return ""
	}
	return s.Bad.Text
}

// A Tick is a value that can be chosen, alone or among others.
type Tick struct {
	Value, Text, Help string
	On                bool
	// Fixed: it is shown, and cannot be changed.
	Fixed bool
}

// SettingsPage is what holds for all conversations.
type SettingsPage struct {
	SettingsShell
	Presets                         []Tick
	PortalOn, MessagesOn            bool
	SupervisorsAnswer, FieldAnswers bool
	TenantRequests                  bool
	UrgentPhone                     string
	QuietFrom, QuietUntil           string // 15:04; both empty for none
}

// CallsPage is what happens with calls, and what the AI receptionist may do.
type CallsPage struct {
	SettingsShell
	Lines                                  []string
	OnDuty                                 []DutyPhone
	DutyTexts                              bool
	Hours                                  string
	Greeting, VoicemailGreeting            string
	TextBackText                           string
	OurGreeting, OurVoicemail, OurTextBack string // what stands where nothing is written
	Ring, Patience                         string // seconds
	Screen, Voicemail, TextBack            bool
	Texts, Calls                           []Tick
	Phone, Introduce                       string
	HasBot                                 bool
}

// DutyPhone is a phone on duty and whose it is.
type DutyPhone struct {
	Phone, Name string // no name: nobody's in the team
	Off         bool   // it texted STOP
	Left        bool   // the account of whose it is is switched off
}

// KindsPage lists the kinds of conversation.
type KindsPage struct {
	SettingsShell
	Preset string // in words
	Kinds  []KindRow
}

// KindRow is one kind of the list.
type KindRow struct {
	Title, Help, Href string
	On                bool
	Tell, SeenBy      string // in words
	Alert             string // how the team is told
	Files             string
}

// KindPage is everything that can be changed of one kind.
type KindPage struct {
	SettingsShell
	Href, Heading, Help     string
	On                      bool
	Starters, Subjects      []Tick
	Most, SizeMB, Types     string
	Alone, Quota, HasRecord bool
	Instead                 []Tick
	Tell, Accept            []Tick
	Alert                   []Tick // how the team is told, beside the inbox
	Link                    bool   // a text carries a link instead of the message
	SeenBy, Add, Gates      []Tick
	FromTop                 bool
}

// StagesPage says in which stages of a project people may write.
type StagesPage struct {
	SettingsShell
	Types []StageType
	// New is the name of a project type that was being added, NewStage its first stage.
	New, NewStage string
	BadType       string // the project type that Bad is about
}

// StageType is the stages of one project type.
type StageType struct {
	Name string
	ID   string // of its heading
	Rows []StageRow
	Add  string // the name of a stage that was being added
}

// StageRow is one stage; Was is its name in the store.
type StageRow struct {
	Index       int
	Was, Name   string
	Messages    bool
	First, Last bool
}

// TeamPage is everybody who signs in, and the programs that act as them.
type TeamPage struct {
	SettingsShell
	Team        []TeamRow
	Name, Email string // of the invitation that is being written
	Gives       []Tick // the roles that the reader may give
	Link        *InviteLink
	Keys        []KeyRow
}

// TeamRow is one of the team.
type TeamRow struct {
	Person
	Email, Phone string
	PhoneBad     bool // what was entered as the phone is the page's Bad
	State        Badge
	Since        Stamp
	Roles        []Tick // empty: the reader does not change this account
	// What can be done, each a URL; empty ones are not shown.
	RoleURL, PhoneURL, ReinviteURL, SwitchURL, SwitchText string
	Why                                                   string // why nothing can be done
}

// InviteLink is a link into the team. It is shown once.
type InviteLink struct{ Name, URL, Until string }

// KeyRow is an API key.
type KeyRow struct {
	ID      int64
	Name    string
	Since   Stamp
	EndURL  string
	Current bool // its person's account is on
}

// SwitchPage asks before an account is switched off or on, and says what happens.
type SwitchPage struct {
	SettingsShell
	Name, Action, Heading, Button string
	Says                          []string
	Off                           bool
}

// WhatIfPage asks the rules, and has the answer.
type WhatIfPage struct {
	SettingsShell
	Find          string // words that narrow the lists
	Who           []Group
	Actions       []ActionOption
	Conversations []Tick
	Kinds         []Tick
	Contacts      []Tick
	Records       []Tick
	Colleagues    []Tick
	Subject       string
	Date, Time    string
	Zone          string
	Answer        *Answer
}

// Group is ticks under a heading.
type Group struct {
	Title string
	Ticks []Tick
}

// ActionOption is an action; For says which fields it needs: conversation, start or none.
type ActionOption struct {
	Value, Text, For string
	On               bool
}

// Answer is what the rules say.
type Answer struct {
	Yes                         bool
	Question, Sentence          string
	Fix, Rule, Leaves, LeavesAt string
	How                         string // what the message would do: where it shows, and who is told how
}

// JoinPage is where the link of an invitation into the team leads.
type JoinPage struct {
	Shell
	Token             string
	Name, Email, Role string
	Error             string
}
