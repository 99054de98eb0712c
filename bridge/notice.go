package bridge

import "time"

// A NoticeKind says what a mail is about.
type NoticeKind string

const (
	NoticeMessage NoticeKind = "message" // somebody wrote to a contact
	NoticeAlert   NoticeKind = "alert"   // a contact wrote, and one of the team is told
	NoticeLink    NoticeKind = "link"    // a way into the portal
	NoticeCode    NoticeKind = "code"    // six digits for an old link or a new device
	NoticeTest    NoticeKind = "test"    // somebody tries the settings
)

// A Notice is what a mail says, before it has words of a language or looks. It is
// put together when the mail leaves, so that it says what is true then: its links
// are in no store.
type Notice struct {
	Kind     NoticeKind
	Language string // of the reader, such as "es"; empty is English
	Zone     *time.Location
	To       string // the reader's name; empty when not known
	// Business is who writes, with what stands at the foot of the mail.
	Business Sender
	// Title is what the conversation is about, such as "Boiler replacement (job
	// #1042)"; it is the mail's subject and stays the same for its conversation.
	Title    string
	Urgent   bool
	Messages []NoticeItem // the oldest first
	// Link is where the button leads, LinkUntil until when it works.
	Link      string
	LinkUntil time.Time
	Code      string // of NoticeCode
	CallText  string // the number to call for what is urgent; empty: none
	// Unsubscribe is the https address of RFC 8058, empty where nothing can be
	// stopped, as of a link that the reader asked for.
	Unsubscribe string
	// Settings is where the reader chooses how to be told; empty: nowhere.
	Settings string
	// ID is the Message-ID, without brackets. It is the same at every attempt. Root
	// is that of the conversation, to which every mail of it refers.
	ID, Root string
	// ListID names the conversation for mail programs, such as c12.example.com.
	ListID string
}

// A Sender is the business at the foot of a mail.
type Sender struct {
	Name, Phone, Address string
	Color                string // #rrggbb of its button; empty: Porchlight's own
}

// A NoticeItem is one message in a mail.
type NoticeItem struct {
	Author    string
	Automatic bool // the AI receptionist or the program wrote it
	At        time.Time
	Body      string
	Photos    int
	Files     int
}

// A Letter is a notice in words: what a mail's reader sees.
type Letter struct {
	From    string // who writes, such as "Sam at Brightwater Plumbing"
	Subject string
	Text    string
	HTML    string
}
