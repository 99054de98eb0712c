package bridge

import (
	"strings"
	"time"
)

// ConversationID names a Conversation in the store.
type ConversationID int64

// ConversationState is where a conversation stands for the whole team.
type ConversationState string

const (
	Open    ConversationState = "open"    // it is our turn
	Waiting ConversationState = "waiting" // we answered; it is the customer's turn
	Snoozed ConversationState = "snoozed" // out of sight until a time
	Closed  ConversationState = "closed"
)

// A Conversation is an ordered list of messages. Beside its own state it carries
// what the inbox list shows of its newest message, so that a page of the list is
// one indexed read.
type Conversation struct {
	ID           ConversationID
	Kind         Kind
	Folder       Folder
	Contact      ContactID // 0 among staff
	Line         LineID    // 0 among staff
	Record       RecordID  // 0: about none
	RecordLabel  string    // such as "Job #1042 Boiler replacement"
	About        Record    // the same record: its id, type, reference and title
	Subject      string
	State        ConversationState
	SnoozedUntil time.Time // zero unless Snoozed
	Assignee     StaffID   // 0: nobody
	AssigneeName string
	Urgent       bool

	Title     string // the contact's title, kept in step; the names among staff
	Preview   string // of the newest message, events left out
	PreviewBy Direction
	// PreviewAuthor is who wrote it, if one of the team did.
	PreviewAuthor     StaffID
	PreviewAuthorName string
	LastChannel       Channel
	Address           string // by which the contact last wrote; empty: not yet
	LastAt            time.Time
	CreatedAt         time.Time

	// Inbound counts the messages that came in; a reader's unread number is
	// Inbound less what they have seen.
	Inbound int64
	Unread  int64 // for the reader who asked
	Draft   bool  // the reader who asked left a draft
	// Mentioned counts the mentions of the reader that they have not seen.
	Mentioned int64
	// Failed counts deliveries that failed and that nobody has dealt with.
	Failed   int64
	OptedOut bool
	// Held: nobody may send in it until the office lifts the hold.
	Held bool
	// Hold is under which the AI receptionist holds it; 0: it is people's.
	Hold HoldID
	// AIHandoff: the AI receptionist handed it over, and nobody has closed it since.
	AIHandoff bool
	// Rev is the revision in which anything above last changed.
	Rev int64
}

// NeedsAttention reports what the view of that name shows: something was not
// delivered, or it is urgent and nobody has taken it.
func (c Conversation) NeedsAttention() bool {
	return c.State != Closed && (c.Failed > 0 || c.Urgent && c.Assignee == 0)
}

// Received gives the conversation's state after a message came in: whatever it
// was, it is our turn again.
func (c Conversation) Received() ConversationState { return Open }

// Answered gives the conversation's state after staff replied: the customer's
// turn, unless somebody had closed it, which a reply undoes too.
func (c Conversation) Answered() ConversationState { return Waiting }

// A View is one of the inbox's lists: one of Views, or a folder of the sidebar.
type View string

const (
	ViewOpen       View = "open" // open and waiting
	ViewMine       View = "mine"
	ViewUnassigned View = "unassigned"
	ViewAttention  View = "attention"
	ViewWaiting    View = "waiting"
	ViewSnoozed    View = "snoozed"
	ViewClosed     View = "closed"
	ViewMentions   View = "mentions"
	ViewAIHandoff  View = "ai_handoff"
)

// Views lists every view in the order of the tabs.
var Views = [...]View{ViewOpen, ViewMine, ViewUnassigned, ViewAttention, ViewMentions, ViewAIHandoff, ViewWaiting, ViewSnoozed, ViewClosed}

// ParseView falls back to ViewOpen for what it does not know.
func ParseView(s string) View {
	for _, v := range Views {
		if string(v) == s {
			return v
		}
	}
	if f := ParseFolder(s); f != "" {
		return View(f)
	}
	return ViewOpen
}

// Folder is the folder that the view shows; empty for the views of Views.
func (v View) Folder() Folder { return ParseFolder(string(v)) }

// Title is the view in words.
func (v View) Title() string {
	switch v {
	case ViewMine:
		return "Mine"
	case ViewUnassigned:
		return "Unassigned"
	case ViewAttention:
		return "Needs attention"
	case ViewWaiting:
		return "Waiting"
	case ViewSnoozed:
		return "Snoozed"
	case ViewClosed:
		return "Closed"
	case ViewMentions:
		return "Mentions"
	case ViewAIHandoff:
		return "AI handoff"
	case ViewOpen:
		return "Open"
	}
	return v.Folder().Title()
}

// A Participant is a person in a conversation: a contact or a member of staff.
type Participant struct {
	Conversation ConversationID
	Contact      ContactID // 0 for staff
	Staff        StaffID   // 0 for a contact
	Name         string
	Role         string // in words, such as "Customer" or "Office admin"
	AddedAt      time.Time
	// LeftAt is when they were taken out again; zero while they are in it.
	LeftAt time.Time
}

// TeamJoin stands between the names in the title of a conversation of two
// colleagues.
const TeamJoin = " & "

// TitleFor is the title as one of the team reads it: of two colleagues, the other.
func (c Conversation) TitleFor(reader Staff) string {
	if c.Kind != KindTeam {
		return c.Title
	}
	for _, other := range []string{strings.TrimPrefix(c.Title, reader.Name+TeamJoin), strings.TrimSuffix(c.Title, TeamJoin+reader.Name)} {
		if other != c.Title {
			return other
		}
	}
	return c.Title
}
