package bridge

// What can be asked of Decide, by whom and about what, and the form of its answer.

import (
	"slices"
	"time"
)

// An Action is something that a person asks to do.
type Action string

const (
	// With a conversation.
	DoSee               Action = "see"
	DoReply             Action = "reply"
	DoNote              Action = "note"
	DoRetry             Action = "retry"
	DoAssign            Action = "assign"
	DoClose             Action = "close"
	DoReopen            Action = "reopen"
	DoSnooze            Action = "snooze"
	DoMarkUrgent        Action = "mark_urgent"
	DoHold              Action = "hold"      // nobody may send until it is lifted
	DoPlace             Action = "place"     // say which record a message is about
	DoTakeOver          Action = "take_over" // from the AI receptionist
	DoGiveBack          Action = "give_back" // to the AI receptionist
	DoMention           Action = "mention"
	DoAddParticipant    Action = "add_participant"
	DoRemoveParticipant Action = "remove_participant"
	// With people, records and the business.
	DoStart          Action = "start"
	DoSeePeople      Action = "see_people" // the lists of contacts and records
	DoEditContact    Action = "edit_contact"
	DoInvite         Action = "invite"
	DoEditRecord     Action = "edit_record"
	DoMerge          Action = "merge"
	DoImport         Action = "import"
	DoManageTeam     Action = "manage_team"
	DoChangeSettings Action = "change_settings"
)

// Actions lists every action.
var Actions = [...]Action{
	DoSee, DoReply, DoNote, DoRetry, DoAssign, DoClose, DoReopen, DoSnooze, DoMarkUrgent, DoHold, DoPlace,
	DoTakeOver, DoGiveBack, DoMention,
	DoAddParticipant, DoRemoveParticipant, DoStart, DoSeePeople, DoEditContact, DoInvite, DoEditRecord, DoMerge, DoImport,
	DoManageTeam, DoChangeSettings,
}

// Title is the action in words, after "may they".
func (do Action) Title() string {
	switch do {
	case DoSee:
		return "see the conversation"
	case DoReply:
		return "reply"
	case DoNote:
		return "leave a note"
	case DoRetry:
		return "send a failed message again"
	case DoAssign:
		return "assign it"
	case DoClose:
		return "close it"
	case DoReopen:
		return "reopen it"
	case DoSnooze:
		return "snooze it"
	case DoMarkUrgent:
		return "mark it urgent"
	case DoHold:
		return "put sending on hold"
	case DoPlace:
		return "say which job a message is about"
	case DoTakeOver:
		return "take over from the AI receptionist"
	case DoGiveBack:
		return "give it to the AI receptionist"
	case DoMention:
		return "mention somebody"
	case DoAddParticipant:
		return "add somebody to it"
	case DoRemoveParticipant:
		return "take somebody out of it"
	case DoStart:
		return "start a conversation"
	case DoSeePeople:
		return "see the lists of people and records"
	case DoEditContact:
		return "change a contact"
	case DoInvite:
		return "invite a contact"
	case DoEditRecord:
		return "change a record"
	case DoMerge:
		return "merge two contacts"
	case DoImport:
		return "import contacts and records"
	case DoManageTeam:
		return "manage the team"
	case DoChangeSettings:
		return "change settings"
	}
	return string(do)
}

// Concerns reports whether the action is done with one conversation that exists.
func (do Action) Concerns() bool {
	return slices.Contains(Actions[:slices.Index(Actions[:], DoStart)], do)
}

// An Actor is who asks: one of the team, a contact, or the system itself.
type Actor struct {
	Kind AuthorKind
	ID   int64 // StaffID or ContactID
	Name string
	Role Role // of staff
	Side Side // of a contact
	// Active is false for staff who left and for contacts that were merged.
	Active bool
	// Connected: staff chose a password, a contact accepted an invitation.
	Connected bool
}

// System is Porchlight itself.
var System = Actor{Kind: BySystem, Active: true, Connected: true}

// A File is one that somebody wants to attach.
type File struct {
	Type string // extension in lower case without the dot, as sniffed
	Size int64  // bytes
}

// Facts are what Decide needs to know. What an action does not concern stays zero.
type Facts struct {
	Settings *Settings
	// Conversation is the one at hand; for DoStart one with a Kind and no ID.
	Conversation Conversation
	// Member: the actor is a participant. OnRecord: they are assigned to the
	// conversation's record.
	Member, OnRecord bool
	Contact          Contact
	Record           Record
	// Shared: the record is shared with the contact, or they are its client.
	Shared bool
	// Heard: the contact has written in another conversation, where that is where
	// their texts land. So a text here answers them.
	Heard bool
	// By is the channel that a message would take, To the address it would go to;
	// its zero value means that the contact has none.
	By Channel
	To Address
	// Ways are all the ways to the contact, Tell those that a message takes when its
	// writer chooses none. See Ways and Tell.
	Ways, Tell []Way
	// Who is the person concerned: added, removed, assigned, mentioned, managed,
	// or the colleague of a team conversation. WhoSees: they see the conversation.
	Who     Actor
	WhoSees bool
	// Subject, Text and Files of the message.
	Subject string
	Text    bool
	Files   []File
	// Bot: the business has an AI receptionist for texts.
	Bot bool
	// Used is what the record's files take already, in bytes.
	Used int64
	// At is when, in the recipient's time zone.
	At time.Time
}

// Use takes one of the ways to the contact for the message, and reports whether there
// is it.
func (f *Facts) Use(ch Channel) bool {
	for i, w := range f.Ways {
		if w.Channel == ch {
			f.By, f.To, f.Tell = ch, w.To, f.Ways[i:i+1:i+1]
			return true
		}
	}
	return false
}

// Stands is the channel that the message itself has: a mail only says that there is
// one in the portal.
func (f *Facts) Stands() Channel {
	if f.By == Email {
		return Portal
	}
	return f.By
}

// A Rule says which of the rules decided. Earlier ones win over later ones.
type Rule string

const (
	RuleAccount      Rule = "account"
	RuleVisibility   Rule = "visibility"
	RuleConsent      Rule = "consent"
	RuleRole         Rule = "role"
	RuleGate         Rule = "gate"
	RuleKind         Rule = "kind"
	RuleConversation Rule = "conversation"
	RulePreference   Rule = "preference"
)

// Title is the rule in words.
func (r Rule) Title() string {
	switch r {
	case RuleAccount:
		return "the account"
	case RuleVisibility:
		return "who sees a conversation of this kind"
	case RuleConsent:
		return "consent and law"
	case RuleRole:
		return "the role"
	case RuleGate:
		return "what must be in place first"
	case RuleKind:
		return "the policy of the kind"
	case RuleConversation:
		return "this conversation's own setting"
	case RulePreference:
		return "the recipient's preference"
	}
	return string(r)
}

// A Decision is the answer to "may I". Code is empty when it is yes; Sentence then
// says why. A no has a stable code, the reason in plain words, and what to do
// about it (empty where nothing can be done). Sentences have no final full stop.
type Decision struct {
	Code, Sentence, Fix string
	Rule                Rule
	// NotBefore is when a message that may be sent leaves, if not at once.
	NotBefore time.Time
}

// Allowed reports whether the answer is yes.
func (d Decision) Allowed() bool { return d.Code == "" }

// Err is nil for a yes, ErrNotFound for what the actor may not see, and a *Denied
// for any other no.
func (d Decision) Err() error {
	switch {
	case d.Code == "":
		return nil
	case d.Code == codeNotFound:
		return ErrNotFound
	}
	return &Denied{d.Code, d.Sentence, d.Fix}
}
