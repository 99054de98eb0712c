package bridge

import "time"

// DeliveryID names a Delivery in the store.
type DeliveryID int64

// A DeliveryState is how far a delivery has come.
//
//	queued → sending → sent → delivered → read
//	                 ↘ unknown → (reconciled)
//	terminal: delivered*, failed, undelivered, canceled, expired (* read may follow)
type DeliveryState string

const (
	Queued      DeliveryState = "queued"
	Sending     DeliveryState = "sending"
	Unknown     DeliveryState = "unknown"
	Sent        DeliveryState = "sent"
	Delivered   DeliveryState = "delivered"
	Undelivered DeliveryState = "undelivered"
	Failed      DeliveryState = "failed"
	Canceled    DeliveryState = "canceled"
	Expired     DeliveryState = "expired"
	Read        DeliveryState = "read"
)

// DeliveryStates lists every state.
var DeliveryStates = [...]DeliveryState{Queued, Sending, Unknown, Sent, Delivered, Undelivered, Failed, Canceled, Expired, Read}

// rank orders states by how much is known. A receipt moves a delivery only to a
// higher rank; equal terminal ranks contradict each other and the first stays.
func (s DeliveryState) rank() int {
	switch s {
	case Queued:
		return 0
	case Sending:
		return 1
	case Unknown:
		return 2
	case Sent:
		return 3
	case Delivered, Undelivered, Failed, Canceled, Expired:
		return 4
	case Read:
		return 5
	}
	return -1
}

// Settled reports whether nothing more is to be done by the outbox.
func (s DeliveryState) Settled() bool { return s.rank() >= 3 }

// Failure reports whether the message did not arrive.
func (s DeliveryState) Failure() bool {
	return s == Failed || s == Undelivered || s == Expired
}

// Pending reports whether the delivery stands in the way of the next one to the
// same address: it has not left, or nobody knows.
func (s DeliveryState) Pending() bool { return s.rank() >= 0 && s.rank() < 3 }

// A Step is the result of trying to move a delivery.
type Step string

const (
	Moved    Step = "moved"
	Ignored  Step = "ignored"  // late, repeated or not understood
	Conflict Step = "conflict" // contradicts a terminal state; the first stays
)

// ByReceipt gives the state after the carrier's later word. It never goes back:
// a receipt of the same or a lower rank changes nothing, and two different
// terminal words are a Conflict. A delivery that never left (queued, canceled,
// expired) but has a receipt did leave after all; the carrier is believed.
func (s DeliveryState) ByReceipt(to DeliveryState) (DeliveryState, Step) {
	switch to {
	case Sent, Delivered, Undelivered, Failed, Read:
	default:
		return s, Ignored
	}
	if s == to {
		return s, Ignored
	}
	if s == Canceled || s == Expired {
		return to, Moved
	}
	if s.rank() == 4 && to.rank() == 4 {
		return s, Conflict
	}
	if s.rank() == 4 && to == Read && s != Delivered {
		return s, Conflict
	}
	if to.rank() > s.rank() {
		return to, Moved
	}
	return s, Ignored
}

// ByOutcome gives the state after the answer to an attempt. Only a delivery that
// is being sent, or whose attempt was given up as unknown, listens to an answer:
// a receipt may have been faster, and it knows more.
func (s DeliveryState) ByOutcome(k OutcomeKind) (DeliveryState, Step) {
	if s != Sending && s != Unknown {
		return s, Ignored
	}
	switch k {
	case Accepted:
		return Sent, Moved
	case Refused:
		return Failed, Moved
	case Retry:
		return Queued, Moved
	case Lost:
		if s == Unknown {
			return s, Ignored
		}
		return Unknown, Moved
	}
	return s, Ignored
}

// CanClaim reports whether the outbox may start an attempt.
func (s DeliveryState) CanClaim() bool { return s == Queued }

// CanRetry reports whether a person may ask for another try: it failed, or
// nobody knows and they accept that it may arrive twice.
func (s DeliveryState) CanRetry() bool { return s.Failure() || s == Unknown }

// CanExpire reports whether time may end it: only what has not left.
func (s DeliveryState) CanExpire() bool { return s == Queued }

// A Purpose says what a delivery is for.
type Purpose string

const (
	ForMessage Purpose = "message" // the other side gets a message, or word of it
	ForAlert   Purpose = "alert"   // one of the team hears of a message
	ForLink    Purpose = "link"    // a way into the portal that somebody asked for
	ForCode    Purpose = "code"    // the six digits for an old link or a new device
	ForBot     Purpose = "bot"     // the AI receptionist hears of a message
	ForRelay   Purpose = "relay"   // a phone on duty hears what became of a text of its own
)

// Secret stands in a delivery's Body for what no store keeps, a link's secret or a
// code: it is made when the delivery leaves. A Body that is nothing else gets its
// words then, too. Text from people never has this character; see CleanText.
const Secret = "\x1a"

// A Delivery is one message on its way to one address by one channel; or, where it
// has no Message, a link, a code or a word to a phone on duty on its way.
type Delivery struct {
	ID           DeliveryID
	Purpose      Purpose
	Message      MessageID
	Conversation ConversationID
	Contact      ContactID // for whom; 0 for staff, and for an on-duty phone
	Staff        StaffID
	Line         LineID
	Channel      Channel
	To           string
	// Body is what is sent, where it is not the message's own text: a part of a
	// long one.
	Body string
	// Media says that it takes the message's pictures along: of a long text the
	// first part.
	Media     bool
	State     DeliveryState
	Attempts  int
	CarrierID string
	Code      string // of the last error
	Detail    string
	Segments  int
	Token     string
	// Conflict is true when the carrier said two terminal things.
	Conflict bool
	// Handled is true when a person has dealt with the failure.
	Handled bool
	// CarriedBy is the later delivery that says this one too, so that several
	// messages make one mail; this one's state follows it. 0: none.
	CarriedBy DeliveryID
	// Hold is under which the AI receptionist wrote the message, or is told of it: once
	// a person has taken over, it does not leave any more. 0: people wrote it.
	Hold HoldID

	CreatedAt, NextAt, ExpiresAt   time.Time
	SentAt, DeliveredAt, SettledAt time.Time
	Rev                            int64
}

// Whom is to whom it goes, for logs and lists: an address is masked, and the AI
// receptionist has none.
func (d *Delivery) Whom() string {
	if d.Channel == Webhook {
		return d.To
	}
	return MaskAddress(d.To)
}

// An Attempt is one try of a delivery. It is stored before the network is
// touched, so Outcome is empty while nobody knows.
type Attempt struct {
	Delivery         DeliveryID
	N                int
	StartedAt, EndAt time.Time
	Outcome          OutcomeKind
	CarrierID, Code  string
	Detail           string
}
