package bridge

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MessageID names a Message in the store. Ids grow in the order of arrival.
type MessageID int64

// A Direction says which way a message went.
type Direction string

const (
	In    Direction = "in"
	Out   Direction = "out"
	Note  Direction = "note"  // internal, never leaves the team
	Event Direction = "event" // written by the system: assigned, closed, …
)

// An AuthorKind says who wrote a message.
type AuthorKind string

const (
	ByContact AuthorKind = "contact"
	ByStaff   AuthorKind = "staff"
	ByAI      AuthorKind = "ai"
	BySystem  AuthorKind = "system"
)

// An Author is who wrote a message. Name is kept as it was then.
type Author struct {
	Kind AuthorKind
	ID   int64 // ContactID or StaffID; 0 for the system
	Name string
}

// A Message is one immutable entry of a conversation.
type Message struct {
	ID           MessageID
	Conversation ConversationID
	At           time.Time
	Direction    Direction
	Channel      Channel
	Author       Author
	Body         string
	// ClientID is the key that the writer's own program gave, so that the same
	// form sent twice makes one message.
	ClientID    string
	Attachments []Attachment
	Deliveries  []Delivery
	// Views say who of the other side has had and seen it.
	Views []Seen
	// About is which record the message is about; its zero value: not said.
	About Placement
	// Behind is the message that this one is folded behind, as what was said in a call
	// behind the call; 0: it stands by itself. Folded are those behind this one, in the
	// order that they were said.
	Behind MessageID
	Folded []Message
	// Handoff and Call are what the message stands for; nil: only for itself.
	Handoff *Handoff
	Call    *Call
	// Rev is the revision in which the message or one of its deliveries last changed.
	Rev int64
}

// A Seen says when a message was there for a person and when they saw it: a
// participant's receipt. Only a page in which it was in view makes it read.
type Seen struct {
	Message MessageID
	Contact ContactID // 0 for staff
	Staff   StaffID   // 0 for a contact
	Name    string
	// DeliveredAt is when an open page of theirs had it, ReadAt when it was in view;
	// zero: not yet.
	DeliveredAt, ReadAt time.Time
}

// Media is a file that a carrier holds for a message.
type Media struct {
	URL         string
	ContentType string // as the carrier claims
}

// A Placement says which record a message is about, and why. The message itself
// does not change when somebody corrects it.
type Placement struct {
	Message     MessageID
	Record      RecordID // 0: none
	RecordLabel string
	Because     string  // in words, such as "the team wrote about it 2 hours before"
	By          StaffID // who said so; 0: Porchlight itself
	At          time.Time
}

// MaxBody is the longest text that is taken from a person, in characters.
const MaxBody = 10_000

// CleanText makes text safe to store and show: valid UTF-8 without NUL and other
// control characters, line ends as \n. The raw form is kept elsewhere.
func CleanText(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, unwanted) < 0 {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if r == '\r' {
			return '\n'
		}
		if unwanted(r) {
			return -1
		}
		return r
	}, s)
}

func unwanted(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }

// Preview is the one line of a message that lists show, at most 140 characters.
func (m Message) Preview() string {
	text := strings.Join(strings.Fields(m.Body), " ")
	if text == "" {
		text = fileWords(m.Attachments)
	}
	if utf8.RuneCountInString(text) > 140 {
		text = string([]rune(text)[:139]) + "…"
	}
	return text
}

// fileWords says in a word or two which files a message has.
func fileWords(files []Attachment) string {
	switch n := len(files); {
	case n == 0:
		return ""
	case n == 1 && files[0].Photo():
		return "Photo"
	case n == 1:
		return "File: " + files[0].Name
	case !slices.ContainsFunc(files, func(a Attachment) bool { return !a.Photo() }):
		return "Photos"
	}
	return "Files"
}
