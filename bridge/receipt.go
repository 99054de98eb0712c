package bridge

import "time"

// A Receipt is the carrier's later word on a delivery. Receipts arrive late,
// twice or out of order, also before our own request has been answered, so
// applying one never moves a delivery backwards.
type Receipt struct {
	Token     string // from our own callback URL; may be empty
	CarrierID string
	Status    string // the carrier's word
	Code      string // the carrier's error code, empty if none
	DoneAt    string // the carrier's own stamp, only to tell receipts apart
	Raw       string
	At        time.Time
}

// An Inbound is a message as a carrier delivered it, verified and decoded but
// not yet understood.
type Inbound struct {
	Channel   Channel
	CarrierID string // unique: the same id twice is the same message
	From, To  string
	Body      string
	Media     []Media
	// Keyword is the carrier's own reading of consent, if it has one.
	Keyword Keyword
	Raw     string
	At      time.Time
	// Recovered is true when it was read from the carrier's list after downtime.
	Recovered bool
}
