package bridge

import (
	"cmp"
	"strings"
	"time"
	"unicode/utf8"
)

// CallID names a Call in the store.
type CallID int64

// A CallState is how far a call to a line has come. It moves forward only:
//
//	ringing → answered
//	ringing → missed → voicemail
//	came_round
type CallState string

const (
	Ringing   CallState = "ringing"
	Answered  CallState = "answered"   // somebody took it, or the AI receptionist did
	Missed    CallState = "missed"     // nobody took it
	Voicemail CallState = "voicemail"  // nobody took it, and the caller left word
	CameRound CallState = "came_round" // a phone that was rung forwarded it to the line again: none of its own
)

// CallStates lists every state.
var CallStates = [...]CallState{Ringing, Answered, Missed, Voicemail, CameRound}

// By gives the state after the carrier told of another one, and whether that moved
// it. Words come late, twice and out of order: a call that was answered was not
// missed, and what was missed may yet have left word.
func (s CallState) By(word CallState) (CallState, bool) {
	switch {
	case s == Ringing && (word == Answered || word == Missed), s == Missed && word == Voicemail:
		return word, true
	}
	return s, false
}

// A Call is a call to one of the lines.
type Call struct {
	ID           CallID
	CarrierID    string // CallSid
	Line         LineID
	From         string // in E.164; empty: withheld
	To           string
	Via          string         // the phone that forwarded it, in E.164, as far as that is told; not stored
	Contact      ContactID      // 0: nobody yet
	Conversation ConversationID // 0: none yet
	Message      MessageID      // its entry; 0 until it ended
	ToAI         bool           // it was put through to the AI receptionist
	State        CallState
	StartedAt    time.Time
	// Duration of the talk; 0: none, or not known.
	Duration time.Duration
	// Recording is the carrier's id of the voicemail, empty: none.
	Recording string
	// TextedAt is when the caller was texted back; zero: not.
	TextedAt time.Time
	Rev      int64
}

// withheld are what carriers give for a number that the caller does not show: words,
// and the digits that spell them on a telephone.
var withheld = []string{"anonymous", "restricted", "private", "unavailable", "unknown", "blocked", "withheld", "no caller id",
	"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "266696687"}

// ParseCaller reads a caller's number. A withheld one is empty. What is neither is an
// error.
func ParseCaller(s string) (Phone, error) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "sip:")
	low := strings.ToLower(s)
	for _, w := range withheld {
		if low == w || strings.HasPrefix(low, w+"@") {
			return "", nil
		}
	}
	if s == "" {
		return "", nil
	}
	number, _, _ := strings.Cut(s, "@") // sip:+14155550134@host
	return ParsePhone(number)
}

// IsOpen reports whether the caller may still be on the line, as far as is known.
func (c *Call) IsOpen() bool {
	return c.State == Ringing || c.State == Answered && c.Duration == 0
}

// TextBackEvery is how long a caller who was texted back is not texted again, however
// often they call.
const TextBackEvery = 4 * time.Hour

// TextBacksAnHour is how many callers are texted back in an hour, at most: whoever calls
// with ever other numbers that are not theirs shall not text strangers at our cost.
const TextBacksAnHour = 60

// CallSettings are what happens with calls to a line. Their zero value is what most
// businesses want.
type CallSettings struct {
	// Greeting is said to the caller before anybody's phone rings; empty: a short one.
	Greeting string `json:"greeting,omitempty"`
	// Ring is how long phones ring, in seconds; 0 is 20.
	Ring int `json:"ring,omitempty"`
	// NoScreen: who takes the call need not press a key. The key tells a person from
	// their own voicemail.
	NoScreen bool `json:"no_screen,omitempty"`
	// NoVoicemail: callers whom nobody answers cannot leave word.
	NoVoicemail bool `json:"no_voicemail,omitempty"`
	// VoicemailGreeting is said before the tone; empty: a short one.
	VoicemailGreeting string `json:"voicemail_greeting,omitempty"`
	// NoTextBack: callers whom nobody answers are not texted.
	NoTextBack bool `json:"no_text_back,omitempty"`
	// TextBack is what they are texted; empty: a short one. {business} is the name.
	TextBack string `json:"text_back,omitempty"`
}

// RingTime is how long phones ring.
func (c *CallSettings) RingTime() time.Duration {
	if c.Ring == 0 {
		return 20 * time.Second
	}
	return time.Duration(c.Ring) * time.Second
}

// Says is what callers of a business hear and read, the business's own words or ours.
func (c *CallSettings) Says(business string) (greeting, voicemail, textBack string) {
	say := func(own, ours string) string {
		return strings.ReplaceAll(cmp.Or(own, ours), "{business}", business)
	}
	return say(c.Greeting, "Thank you for calling {business}. One moment, please."),
		say(c.VoicemailGreeting, "Sorry, nobody can take your call right now. Please leave a message after the tone, or text this number."),
		say(c.TextBack, "{business}: Sorry we missed your call. How can we help? Reply to this text. Reply STOP to opt out.")
}

func (c *CallSettings) check() error {
	for field, text := range map[string]string{"greeting": c.Greeting, "voicemail_greeting": c.VoicemailGreeting, "text_back": c.TextBack} {
		if utf8.RuneCountInString(text) > 600 {
			return &Invalid{field, "At most 600 characters"}
		}
	}
	if c.Ring != 0 && (c.Ring < 5 || c.Ring > 120) {
		return &Invalid{"ring", "Phones ring for 5 to 120 seconds"}
	}
	return nil
}
