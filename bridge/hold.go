package bridge

import (
	"cmp"
	"slices"
	"time"
)

// HoldID names a Hold in the store.
type HoldID int64

// A HoldEnd says why the AI receptionist does not hold a conversation any more.
type HoldEnd string

const (
	HoldTaken   HoldEnd = "taken"   // a person took over
	HoldHanded  HoldEnd = "handed"  // it handed over by itself
	HoldSilent  HoldEnd = "silent"  // it did not answer in time
	HoldBroken  HoldEnd = "broken"  // it could not be told of a message
	HoldUnheard HoldEnd = "unheard" // what it wrote did not arrive
	HoldClosed  HoldEnd = "closed"  // the conversation was closed
	HoldStopped HoldEnd = "stopped" // the receptionist was switched off
)

// ByPerson reports whether a person ended it: what the AI receptionist wrote before and
// has not left is not wanted any more.
func (e HoldEnd) ByPerson() bool { return e == HoldTaken || e == HoldClosed }

// Title is why it ended in words, for people who take over.
func (e HoldEnd) Title() string {
	switch e {
	case HoldTaken:
		return "A person took over"
	case HoldHanded:
		return "The AI receptionist handed over"
	case HoldSilent:
		return "The AI receptionist did not answer in time"
	case HoldBroken:
		return "The AI receptionist could not be reached"
	case HoldUnheard:
		return "What the AI receptionist wrote did not arrive"
	case HoldClosed:
		return "The conversation was closed"
	case HoldStopped:
		return "The AI receptionist was switched off"
	}
	return string(e)
}

// A Hold is the time in which the AI receptionist holds a conversation and may answer
// in it. A conversation has at most one at a time, and its row names it: whatever
// takes the name away, in whichever order, ends what the receptionist may do. Each
// hold is another one, so that an answer under an old hold is refused under a new.
type Hold struct {
	ID           HoldID
	Conversation ConversationID
	StartedAt    time.Time
	By           StaffID // who gave it; 0: by itself
	// AnswerBy is when the receptionist must have answered; zero: nothing waits.
	AnswerBy time.Time
	EndedAt  time.Time // zero while it lasts
	End      HoldEnd
	EndedBy  StaffID
	// EndedByName is who took over.
	EndedByName string
}

// AnswersTexts says when the AI receptionist takes conversations by itself.
type AnswersTexts string

const (
	NeverAnswers  AnswersTexts = "never" // only where somebody gives it one
	AfterHours    AnswersTexts = "after_hours"
	AlwaysAnswers AnswersTexts = "always"
)

// AnswersTextsChoices lists them in the order of the settings page.
var AnswersTextsChoices = [...]AnswersTexts{NeverAnswers, AfterHours, AlwaysAnswers}

// Title is the choice in words.
func (a AnswersTexts) Title() string {
	switch a {
	case AfterHours:
		return "Outside opening hours"
	case AlwaysAnswers:
		return "Always"
	case NeverAnswers:
	}
	return "Only where somebody gives it a conversation"
}

// LeftAlone is how long nobody of the team has written in a conversation, and how long
// it has been people's, before the AI receptionist takes a new message in it by itself.
const LeftAlone = 12 * time.Hour

// BotAnHour is how many messages the AI receptionist writes in one conversation in an
// hour, at most: two machines that answer each other would never end.
const BotAnHour = 60

// ReceptionistSettings are what the AI receptionist may do. Their zero value gives it
// nothing by itself.
type ReceptionistSettings struct {
	// Texts says when it takes conversations by itself.
	Texts AnswersTexts `json:"texts,omitempty"`
	// Patience is how long it may take to answer, in seconds; 0 is 60.
	Patience int `json:"patience,omitempty"`
	// Introduce stands before the first text of each hold, for the law and good manners
	// want people to know that no person writes; empty: "Automatic assistant: ".
	Introduce string `json:"introduce,omitempty"`
	// Phone is where it takes calls, in E.164; empty: it takes none.
	Phone string `json:"phone,omitempty"`
	// Calls says when calls go there.
	Calls AnswersTexts `json:"calls,omitempty"`
}

// Wait is how long it may take to answer.
func (r *ReceptionistSettings) Wait() time.Duration {
	if r.Patience == 0 {
		return time.Minute
	}
	return time.Duration(r.Patience) * time.Second
}

// Introduction stands before its first text of each hold.
func (r *ReceptionistSettings) Introduction() string {
	return cmp.Or(r.Introduce, "Automatic assistant:")
}

// On reports whether something is the receptionist's at a moment, open or closed.
func (a AnswersTexts) On(open bool) bool { return a == AlwaysAnswers || a == AfterHours && !open }

func (a AnswersTexts) valid() bool { return a == "" || slices.Contains(AnswersTextsChoices[:], a) }

func (r *ReceptionistSettings) check() error {
	switch {
	case !r.Texts.valid():
		return &Invalid{"texts", "Choose when it answers texts"}
	case !r.Calls.valid():
		return &Invalid{"calls", "Choose when it takes calls"}
	case r.Patience != 0 && (r.Patience < 5 || r.Patience > 3600):
		return &Invalid{"patience", "It may take 5 seconds to an hour"}
	case len(r.Introduce) > 100:
		return &Invalid{"introduce", "At most 100 characters"}
	case r.Phone == "" && r.Calls != "" && r.Calls != NeverAnswers:
		return &Invalid{"phone", "Give the number at which it takes calls"}
	case r.Phone != "":
		if _, err := ParsePhone(r.Phone); err != nil {
			return &Invalid{"phone", "Write the number with its country code, such as +1 415 555 0134"}
		}
	}
	return nil
}
