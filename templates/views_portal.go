package templates

import (
	"reflect"

	"porchlight/bridge"
)

// Views of the portal: what people outside the team see.

var (
	portalPages = map[string]reflect.Type{
		"p-enter":    reflect.TypeFor[PortalEnter](),
		"p-ask":      reflect.TypeFor[PortalAsk](),
		"p-home":     reflect.TypeFor[PortalHome](),
		"p-list":     reflect.TypeFor[PortalList](),
		"p-talk":     reflect.TypeFor[PortalTalk](),
		"p-search":   reflect.TypeFor[PortalSearch](),
		"p-new":      reflect.TypeFor[PortalNew](),
		"p-settings": reflect.TypeFor[PortalSettings](),
		"p-word":     reflect.TypeFor[PortalWord](),
		"p-embed":    reflect.TypeFor[PortalHome](),
	}
	portalFragments = map[string]reflect.Type{
		"p-changes": reflect.TypeFor[PortalChanges](),
		"p-items":   reflect.TypeFor[PortalItems](),
		"p-said":    reflect.TypeFor[PortalMessage](),
		"p-form":    reflect.TypeFor[PortalComposer](),
		"p-uploads": reflect.TypeFor[PortalUploads](),
	}
)

// PortalShell surrounds every page of the portal.
type PortalShell struct {
	Words
	Title    string
	Business string
	Initials string // of the business
	Section  string // home, messages, settings
	// CallHref and CallText are the number for what is urgent; empty: none is known.
	CallHref, CallText string
	Name               string // of who is signed in; empty: nobody
	Contact            bridge.ContactID
	Unread             int64
	Rev                int64
	Today              string
	Demo               bool
}

// PortalEnter is where a magic link leads.
type PortalEnter struct {
	PortalShell
	Hello     string // first name; empty: not known
	Action    string // POST target that signs in
	NeedsCode bool
	CodeTo    string // where a code goes, masked
	CodeSent  bool
	Over      bool // the link does not work any more
	// AskTo is where a new link can go, masked; AskSent: one was asked for.
	AskTo   string
	AskSent bool
	Error   string
	Auto    bool // another portal has signed them in: the form goes by itself
}

// PortalAsk is the page that sends a link.
type PortalAsk struct {
	PortalShell
	Address string
	Asked   bool
	Error   string
}

// PortalHome greets, and says what is new. It is also the widget in another portal's
// page (p-embed), where a Contact of 0 is not signed in.
type PortalHome struct {
	PortalShell
	News   []PortalRow
	Others []PortalRow
	CanNew bool
}

// PortalList is every conversation, newest first.
type PortalList struct {
	PortalShell
	Rows   []PortalRow
	CanNew bool
}

// PortalRow is a conversation in a list. Fragment id: row-ID.
type PortalRow struct {
	Words
	ID      bridge.ConversationID
	Rev     int64
	Href    string
	Title   string
	About   string
	Who     string // who wrote the preview
	Preview string
	At      Stamp
	Unread  int64
	AI      bool
	Gone    bool // they may not see it any more
	Current bool // it is the one that the page has open
}

// PortalTalk is one conversation.
type PortalTalk struct {
	PortalShell
	ID       bridge.ConversationID
	Heading  string
	About    string
	Items    PortalItems
	Older    string // URL of the messages before the first; empty at the start
	Newer    string // and of those after the last; empty at the newest end
	Newest   bridge.MessageID
	FromTop  bool
	Rows     []PortalRow // beside it, on a wide screen
	Closed   string      // why nothing can be written; empty: it can
	Composer PortalComposer
}

// PortalSearch looks for messages.
type PortalSearch struct {
	PortalShell
	Query, From, After, Until string
	Asked                     bool // something was asked for
	Hits                      []PortalHit
	More                      string // URL of the next ones
}

// PortalHit is one message that was found.
type PortalHit struct {
	Href, Title, Who string
	At               Stamp
	Snippet          []bridge.Piece
}

// PortalItems are messages in their order.
type PortalItems []PortalItem

// PortalItem is a message with what stands before it.
type PortalItem struct {
	Day     string
	New     bool // the "New" divider before it
	Message PortalMessage
}

// PortalMessage is one bubble. Fragment id: m-ID.
type PortalMessage struct {
	Words
	ID       bridge.MessageID
	Rev      int64
	Into     string
	Mine     bool
	AI       bool
	Unseen   bool // to be marked when it was in view
	Who      string
	Role     string
	Key      string
	ClientID string
	Body     string
	Files    []Attachment
	At       Stamp
	// Said is what was said in a call, where the message stands for one.
	Said []PortalTurn
	// Of one's own: when it was there for the team, and who read it when.
	State, StateFull string
	// Failure says that it could not be sent to the reader's phone or mailbox.
	Failure, FixHref string
}

// PortalTurn is what somebody said in a call.
type PortalTurn struct {
	Who  string
	AI   bool
	Body string
	At   Stamp
}

// PortalComposer is the reply form.
type PortalComposer struct {
	Words
	Action   string
	Conv     bridge.ConversationID
	Business string
	Body     string
	Client   string
	Error    string
	// CallHref and CallText are the number for what is urgent.
	CallHref, CallText string
	Files              FileRule
}

// FileRule says in a form which files a message may have, and those that it has so
// far.
type FileRule struct {
	Words
	Picker
	Hint string // the same in words
}

// PortalUploads are files that are in the form and not sent yet.
type PortalUploads struct {
	Words
	Uploads []Upload
}

// PortalNew is the form for a new conversation.
type PortalNew struct {
	PortalShell
	Choices []PortalChoice
	Chosen  string
	Subject string // wanted, or typed
	NeedsSubject,
	SubjectOnly bool
	Body   string
	Client string
	Error  string
	Field  string // that the error is about
	Files  FileRule
}

// PortalChoice is one thing to write about.
type PortalChoice struct {
	Value, Text string
	Subject     bool // it needs one
	Files       FileRule
}

// PortalSettings are a contact's own choices.
type PortalSettings struct {
	PortalShell
	Told      []PortalOption
	Language  string
	Languages []PortalOption
	Addresses []PortalAddress
	Devices   []PortalDevice
	Saved     bool
	Error     string
	// Of the form that corrects an address: whether there is one, what was typed,
	// and what came of it.
	CanReach          bool
	Client            string
	Reach, ReachError string
	ReachSent         bool
}

// PortalOption is one of several to choose from.
type PortalOption struct {
	Value, Text, Hint string
	Chosen            bool
}

// PortalAddress is where the business reaches them.
type PortalAddress struct {
	Label, Value, Problem string
}

// PortalDevice is a browser that is signed in.
type PortalDevice struct {
	Name string
	Seen Stamp
	This bool
}

// PortalWord is a page with one thing to say.
type PortalWord struct {
	PortalShell
	Heading, Text  string
	Action, Button string // a form with one button
	Href, Link     string // or a link
}

// PortalChanges are what moved since an open page's revision.
type PortalChanges struct {
	Words
	Unread int64
	Rows   []PortalRow
	Items  []PortalMessage
	Badge  bool
}
