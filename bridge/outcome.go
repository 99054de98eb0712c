package bridge

import (
	"context"
	"time"
)

// An OutcomeKind is what a carrier's answer to one attempt means.
type OutcomeKind string

const (
	Accepted OutcomeKind = "accepted" // the carrier has it
	Retry    OutcomeKind = "retry"    // certainly not sent; later may work
	Refused  OutcomeKind = "refused"  // certainly not sent; never will be as it is
	Lost     OutcomeKind = "unknown"  // nobody knows whether it was sent
)

// An Outcome is what a carrier answered to one attempt.
type Outcome struct {
	Kind      OutcomeKind
	CarrierID string // the carrier's own id of the message, if accepted
	Code      string // the carrier's error code, such as "21610"
	Detail    string // for the log and the attempt's row; no bodies
	// RetryAfter is the carrier's wish, 0 when it has none.
	RetryAfter time.Duration
	// Segments is how many parts the carrier counted, 0 when it did not say.
	Segments int
	// Final says of what was accepted that the carrier will tell no more of it.
	Final bool
}

// An Outgoing is one delivery handed to a carrier.
type Outgoing struct {
	Delivery DeliveryID
	Token    string // names the delivery in the carrier's callback URL
	From, To string
	Body     string
	// Media are the addresses from which the carrier may fetch pictures to send
	// along; only texts have them.
	Media []string
	// Notice is what a mail says; only mails have one.
	Notice *Notice
}

// A Found is a message that a carrier's list shows.
type Found struct {
	CarrierID string
	Status    string
	Code      string
	Body      string
	CreatedAt time.Time
}

// A Carrier carries deliveries of one channel.
type Carrier interface {
	// Send makes one attempt. It never blocks longer than the carrier's timeout
	// and gives Lost when the answer did not come.
	Send(ctx context.Context, o Outgoing) Outcome
	// Find lists what the carrier accepted from o.From to o.To since the time,
	// newest first, to settle an attempt whose answer was lost. Its error is
	// ErrNoList where the carrier cannot be asked.
	Find(ctx context.Context, o Outgoing, since time.Time) ([]Found, error)
	// Status asks for the present state of an accepted message, to make up for
	// callbacks that never came.
	Status(ctx context.Context, carrierID string) (Found, error)
	Dictionary
}

// A Dictionary translates a carrier's words.
type Dictionary interface {
	// ReadStatus gives the state that a carrier's word means; false for a word
	// that moves nothing.
	ReadStatus(status string) (DeliveryState, bool)
	// Explain translates an error code for people.
	Explain(code string) Failure
}

// A FailureClass says what kind of trouble a carrier's error code is.
type FailureClass string

const (
	Temporary FailureClass = "temporary"
	Permanent FailureClass = "permanent"
	Consent   FailureClass = "consent" // the person does not want it
	OurSide   FailureClass = "account" // our account, number or settings
	Content   FailureClass = "content" // the text itself
)

// A NextStep is the best thing to do about a failure.
type NextStep string

const (
	StepNone      NextStep = ""
	StepRetry     NextStep = "retry"
	StepEmail     NextStep = "email"
	StepCall      NextStep = "call"
	StepFixNumber NextStep = "fix_number"
	StepEdit      NextStep = "edit"
	StepSettings  NextStep = "settings" // for whoever runs the account
)

// A Failure is a carrier's error code in words for people.
type Failure struct {
	Code     string
	Sentence string // without a final full stop
	Class    FailureClass
	Step     NextStep
	// BadAddress is true when the same address will fail for every text.
	BadAddress bool
	// Delay is how long to wait before another try is of use; 0 uses the
	// outbox's own backoff.
	Delay time.Duration
	// Link explains the code at the carrier's site; empty where there is none.
	Link string
}

// CanRetry reports whether sending the same again can help.
func (f Failure) CanRetry() bool { return f.Step == StepRetry || f.Class == Temporary }
