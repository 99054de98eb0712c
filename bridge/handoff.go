package bridge

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// HandoffID names a Handoff in the store.
type HandoffID int64

// An Urgency is how much a caller's matter presses, as the receptionist heard it.
type Urgency string

const (
	LowUrgency    Urgency = "low"
	NormalUrgency Urgency = "normal"
	HighUrgency   Urgency = "high"
	Emergency     Urgency = "emergency"
)

// Urgencies lists every urgency, the least first.
var Urgencies = [...]Urgency{LowUrgency, NormalUrgency, HighUrgency, Emergency}

// ParseUrgency understands the words that receptionists have for it; what says
// nothing is empty.
func ParseUrgency(s string) Urgency {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "low", "p4", "not urgent", "not_urgent", "none":
		return LowUrgency
	case "normal", "medium", "routine", "standard", "p3", "no", "false":
		return NormalUrgency
	case "high", "urgent", "p2", "yes", "true", "asap", "same_day", "same day":
		return HighUrgency
	case "emergency", "critical", "p1", "immediate":
		return Emergency
	}
	return ""
}

// Urgent reports whether it flags a conversation and rings the phone on duty.
func (u Urgency) Urgent() bool { return u == HighUrgency || u == Emergency }

// Title is the urgency in words.
func (u Urgency) Title() string {
	switch u {
	case LowUrgency:
		return "Low"
	case NormalUrgency:
		return "Normal"
	case HighUrgency:
		return "High"
	case Emergency:
		return "Emergency"
	}
	return ""
}

// A Speaker is who said a turn of a call or chat.
type Speaker string

const (
	SpokenByAgent  Speaker = "agent"  // the AI receptionist
	SpokenByCaller Speaker = "caller" // the contact
)

// A Turn is what somebody said in a call or chat with the AI receptionist.
type Turn struct {
	Speaker Speaker
	Text    string
	// At is how long after the start it was said; negative where nobody says.
	At time.Duration
}

// A Fact is one thing that the receptionist found out.
type Fact struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// A Handoff is a call or chat that the AI receptionist had and that people go on
// with. Receptionists tell of one call in several pieces, late, twice or in any
// order; a Handoff is one piece, or what all pieces say together. See Together.
type Handoff struct {
	ID           HandoffID      `json:"-"`
	Conversation ConversationID `json:"-"`
	Message      MessageID      `json:"-"` // the message that it stands behind
	Rev          int64          `json:"-"`

	// Provider and Call name the call: two pieces with the same are of one call.
	Provider string `json:"-"`
	Call     string `json:"-"`
	// At is when the piece was said, by the receptionist's clock; later words hold
	// over earlier ones, whichever arrived first.
	At time.Time `json:"at,omitzero"`

	Channel   Channel   `json:"channel,omitempty"` // Voice, SMS or Portal
	Agent     string    `json:"agent,omitempty"`   // what the receptionist calls itself
	From      string    `json:"from,omitempty"`    // the caller's number in E.164; empty: withheld
	To        string    `json:"to,omitempty"`      // the line that was called, as far as known
	Name      string    `json:"name,omitempty"`
	Email     string    `json:"email,omitempty"`
	Reason    string    `json:"reason,omitempty"` // why it was handed over, in words
	Intent    string    `json:"intent,omitempty"`
	Urgency   Urgency   `json:"urgency,omitempty"`
	Summary   string    `json:"summary,omitempty"`
	Callback  string    `json:"callback,omitempty"`  // the number to call back, in E.164 where it is one
	Recording string    `json:"recording,omitempty"` // https
	StartedAt time.Time `json:"started_at,omitzero"`
	// Duration of the call; 0: not known.
	Duration time.Duration `json:"duration,omitempty"`
	Ended    string        `json:"ended,omitempty"` // why the call ended, in the receptionist's word
	Facts    []Fact        `json:"facts,omitempty"`

	Turns []Turn `json:"-"`

	// Nobody is true for a piece that does not say who called, not even that they
	// withhold their number: it can only complete a call that is known.
	Nobody bool `json:"-"`
}

// Bounds of what a receptionist may say of one call. An hour has some 1,000 turns.
const (
	MaxTurns   = 2000
	MaxSummary = 5000
	MaxFacts   = 50
)

// Withheld reports whether the caller's number is not known.
func (h *Handoff) Withheld() bool { return h.From == "" }

// Caller is what to call the caller while nobody knows them better.
func (h *Handoff) Caller() string { return cmp.Or(h.Name, "Withheld number") }

// Says reports whether anybody could act on the handoff.
func (h *Handoff) Says() bool {
	return h.Summary != "" || h.Callback != "" || h.Email != "" || h.Intent != "" || h.Reason != "" || len(h.Facts) > 0 || len(h.Turns) > 0
}

// Together is what the pieces of one call say together, in whatever order they came:
// of each thing the latest word, and of pieces of the same moment the one that sorts
// last. Turns are not among it, for they are messages.
func Together(pieces []Handoff) (h Handoff) {
	pieces = slices.Clone(pieces)
	slices.SortStableFunc(pieces, func(a, b Handoff) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Ended, b.Ended), cmp.Compare(a.Intent, b.Intent), cmp.Compare(a.words(), b.words()))
	})
	for _, p := range pieces {
		h.add(&p)
	}
	return h
}

// words are all that a piece says, so that two pieces that differ have an order.
func (h *Handoff) words() string {
	b, err := json.Marshal(h)
	if err != nil {
		return "" // a time that nobody can write; decoders let none through
	}
	return string(b)
}

func (h *Handoff) add(p *Handoff) {
	h.At = p.At
	for _, w := range []struct{ to, from *string }{
		{&h.Agent, &p.Agent}, {&h.From, &p.From}, {&h.To, &p.To}, {&h.Name, &p.Name}, {&h.Email, &p.Email}, {&h.Reason, &p.Reason},
		{&h.Intent, &p.Intent}, {&h.Summary, &p.Summary}, {&h.Callback, &p.Callback}, {&h.Recording, &p.Recording}, {&h.Ended, &p.Ended},
	} {
		*w.to = cmp.Or(*w.from, *w.to)
	}
	h.Channel, h.Urgency, h.Duration = cmp.Or(p.Channel, h.Channel), cmp.Or(p.Urgency, h.Urgency), cmp.Or(p.Duration, h.Duration)
	if !p.StartedAt.IsZero() {
		h.StartedAt = p.StartedAt
	}
	for _, f := range p.Facts {
		if i := slices.IndexFunc(h.Facts, func(o Fact) bool { return o.Label == f.Label }); i >= 0 {
			h.Facts[i] = f
		} else if len(h.Facts) < MaxFacts {
			h.Facts = append(h.Facts, f)
		}
	}
}

// When is when a turn was said. Where the receptionist does not say, the turns
// follow each other by a millisecond, so that they stay in order.
func (h *Handoff) When(n int) time.Time {
	start := h.StartedAt
	if start.IsZero() {
		start = h.At.Add(-h.Duration)
	}
	if at := h.Turns[n].At; at >= 0 {
		return start.Add(at)
	}
	return start.Add(time.Duration(n) * time.Millisecond)
}
