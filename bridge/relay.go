package bridge

import "time"

// A RelayState is what became of a text from a phone on duty.
type RelayState string

const (
	RelaySent    RelayState = "sent"    // it is a message of its writer's
	RelayAsked   RelayState = "asked"   // its writer was asked for whom it is
	RelayStopped RelayState = "stopped" // a colleague had answered meanwhile; the same again goes
	RelayRefused RelayState = "refused" // it could not be sent, and its writer was told why
	RelayDropped RelayState = "dropped" // its writer took it back
	RelayStop    RelayState = "stop"    // they want no texts
	RelayStart   RelayState = "start"   // they want them again
	RelayAnswer  RelayState = "answer"  // it said for whom earlier ones are, or asked for help
)

// A Relayed is a text that came to a line from a phone on duty. What one of the team
// writes there is an answer to a customer, as if it were written in the inbox.
type Relayed struct {
	ID           int64
	CarrierID    string
	Phone        string // in E.164
	Line         LineID
	Staff        StaffID // whose phone it is; 0: nobody's
	Body         string
	State        RelayState
	Conversation ConversationID   // that it was meant for; 0: not known
	Message      MessageID        // that it became; 0: none
	Choices      []ConversationID // that its writer was asked to choose from, in order
	Raw          string
	At           time.Time
}

// RelayWindow is how long a phone may answer what it was told of.
const RelayWindow = 48 * time.Hour

// RelayChoice is how long an open question for whom a text is can be answered, how long
// a conversation that a phone heard of or wrote in is still one that it may mean, and how
// long a text that was stopped can be sent again.
const RelayChoice = time.Hour
