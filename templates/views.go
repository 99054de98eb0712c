package templates

// The typed views: one struct for each page and fragment. They are built by the
// handlers' newXView functions and hold what a page shows, ready to print; no
// template computes.

import "porchlight/bridge"

// Shell is what every signed-in page has around it.
type Shell struct {
	Title    string // of the document
	Business string
	Theme    string // "", "light" or "dark"
	Rev      int64  // the revision that the page was rendered at
	Me       Person
	Section  string   // of the rail: inbox, people, records, settings, simulator, gallery
	People   bool     // the reader sees the lists of people and records
	Settings bool     // the reader changes settings and the team
	Roles    []Person // of the demo: as whom one may look at it
	Demo     bool     // shows the demo banner, the simulator and the gallery
	Today    string   // 20061102, in the viewer's zone
}

// Person is a member of staff as pages show them.
type Person struct {
	ID       bridge.StaffID
	Name     string
	Initials string
	Role     string // in words
}

// InboxPage is the list with or without an open conversation.
type InboxPage struct {
	Shell
	View    bridge.View
	Tabs    Tabs
	Folders []Tab  // the sidebar's channels; empty where there is one only
	New     string // URL of a new conversation; empty for who may not start one
	Rows    []Row
	More    string // URL of the next page of rows; empty at the end
	Open    *Conversation
	Search  *Search // stands in the list's place
	Empty   Empty   // shown when Rows is empty
	// Setup is the day-one checklist, shown while the store has no conversation.
	Setup []SetupStep
}

// SetupStep is one line of the day-one checklist.
type SetupStep struct {
	Text, Href string
	Done       bool
}

// Empty is what an empty list says.
type Empty struct {
	Title, Text string
	Action      string // of a link; empty for none
	Href        string
}

// Tabs is the row of views above the list. Fragment id: tabs.
type Tabs struct {
	Rev  int64
	Tabs []Tab
}

// Tab is one view.
type Tab struct {
	View    bridge.View
	Title   string
	Href    string
	Count   string // "7", "99+", or empty for views without a count
	Current bool
}

// Row is a conversation in the list. Fragment id: row-ID.
type Row struct {
	ID       bridge.ConversationID
	Rev      int64
	Href     string
	Title    string
	Initials string // empty: the icon of an unknown person
	Channel  bridge.Channel
	Sub      string // the line under the title, such as the number
	Preview  string
	Draft    bool
	Unread   int64
	Last     Stamp
	Badges   []Badge // at most three
	More     int     // badges beyond them
	Current  bool
	// Gone makes the fragment remove the row, because it left the view.
	Gone bool
}

// Badge is an icon and a word; colour is never alone.
type Badge struct {
	Tone string // "", danger, warn, ok, ai, sms, email, portal
	Icon string
	Text string
}

// Conversation is the open conversation with everything around it.
type Conversation struct {
	ID        bridge.ConversationID
	Rev       int64
	Href      string // the page of this conversation, view kept
	BackHref  string // the list
	Title     string
	Initials  string
	Sub       string
	State     bridge.ConversationState
	StateText string // "Snoozed until Mon 08:00", empty when open
	Urgent    bool
	Unread    int64
	Held      bool // nobody may send
	FromTop   bool // opens at its first message
	Items     []Item
	Older     string // URL of the messages before the first; empty at the start
	Later     string // URL of the messages after the last; empty at the newest
	Banners   []Banner
	Assignee  bridge.StaffID
	Team      []Person // whom it may be assigned to
	Snoozes   []Choice // ready-made times
	Can       Can
	Composer  Composer
	Details   Details
	View      bridge.View // the list beside it, so that plain forms lead back to it
}

// Can says which controls the reader has; a control that is not allowed is not shown.
type Can struct {
	Organise bool // assign, close, snooze, mark urgent, put on hold
	Edit     bool // the contact
	Add      bool // people to the conversation
	GiveBack bool // to the AI receptionist
}

// Choice is one ready-made value of a menu.
type Choice struct {
	Value, Text, Hint string
}

// Banner is a line above the log.
type Banner struct {
	Tone, Icon, Text string
	Action, Href     string // a button, and where it posts to; empty: none
}

// Card is what a message stands for besides itself: a call, with what was said in it
// folded behind it.
type Card struct {
	Icon, Title string
	AI          bool
	Badges      []Badge
	Text        string // the summary, or the words of a voicemail
	Facts       []Fact
	Small       string // the small print
	Recording   string // where the receptionist has it
	Voicemail   string // "Voicemail, 35 s"
	Media       []Attachment
	Turns       []Turn
}

// Fact is one thing that is known of a call.
type Fact struct {
	Label, Value string
	Call         string // tel: address; empty: it cannot be called
}

// Turn is what somebody said in a call.
type Turn struct {
	ID     bridge.MessageID
	Who    string
	AI     bool
	Text   string
	Offset string // 1:05, after the start; empty: not known
	At     Stamp
}

// Item is one entry of the log, with what comes before it.
type Item struct {
	Day     string // a day separator before it; empty for none
	New     bool   // the "New" divider before it
	Grouped bool   // under the same author's previous bubble
	At      bool   // the page was opened at it
	Message Message
}

// Message is a bubble, a note or an event line. Fragment id: m-ID.
type Message struct {
	ID          bridge.MessageID
	Rev         int64
	Into        string // where the fragment goes, such as "#log-12 ol"; empty inside a page
	Side        string // in, out, note, event
	AI          bool
	Who         string
	Key         string // author and channel: equal keys within five minutes group
	ClientID    string
	Channel     bridge.Channel
	ChannelText string // "SMS"
	Body        string
	Media       []Attachment
	At          Stamp
	State       string // data-state: "", queued, sending, sent, delivered, read, failed, unknown, canceled
	StateIcon   string // clock, tick, ticks, alert, info
	StateText   string // "Delivered", "Not delivered"; "" for what came in
	Failure     *Failure
	About       *About
	Card        *Card  // nil for almost all
	History     []Step // of the delivery, for the pop-over on the time
}

// About says which record a message is about, or offers to say so.
type About struct {
	Text    string // "#1042 Boiler replacement"; empty: nobody said
	Because string
	Href    string // where to say it; empty for who may not
}

// Attachment is a file of a message.
type Attachment struct {
	Name, Type, Href string // Href is empty while it cannot be shown
	Size             string // for people
	Photo            bool
	// Thumb is the address of the picture to show, with the size of the whole one.
	Thumb         string
	Width, Height int
	Arriving      bool   // the carrier still has it
	Lost          string // why it will not come
}

// Upload is a file that is in the form and not sent yet.
type Upload struct {
	ID bridge.AttachmentID
	Attachment
}

// Picker says which files a message may have, and those that it has so far.
type Picker struct {
	Most    int // 0: none, and Instead says where else
	MaxSize int64
	MaxText string // MaxSize for people
	Accept  string // for the browser's own dialog
	Alone   bool   // a file or text, never both
	Photos  bool   // pictures only
	URL     string // POST target of uploads
	Instead string
	Uploads []Upload
}

// Failure explains what did not arrive and what to do.
type Failure struct {
	Sentence string
	Code     string // shown small
	Link     string // about the code, may be empty
	Advice   string // the next best step in words
	// The actions that make sense, each a URL to POST to; empty ones are not shown.
	RetryURL, RetryText string
	DismissURL          string
	InsteadURL          string
	Instead             []Choice // other ways; Value is posted, Hint is the icon
	CallHref            string   // tel:
	FixNumber           bool     // opens the contact panel
	FixText             string
}

// Step is one line of a delivery's history.
type Step struct {
	At   Stamp
	Text string
}

// Composer is the reply form.
type Composer struct {
	Action    string // POST target
	DraftURL  string // POST target of drafts
	Conv      bridge.ConversationID
	Title     string // whom it goes to
	Draft     string // reply draft kept on the server
	NoteDraft string
	LastSeen  bridge.MessageID // the newest message that the page shows; a reply that missed one is stopped
	// Blocked is the reason why no text can be sent, with its Fix; notes still work.
	Blocked, Fix string
	// Hint says exactly what will happen: "Text to +1 415 555 0134 from +1 415 555 0100".
	Hint string
	// By is how a reply leaves, with its icon, its word and what stands in the empty box.
	By          bridge.Channel
	ByText      string
	Placeholder string
	// Ways are those among which the writer may choose; the first happens by itself.
	Ways []WayChoice
	Way  string // the Value that was chosen, where the form was not taken
	// Call is whom to call when it cannot wait: tel: and the number as people write it.
	CallHref, CallText string
	Files              Picker
	// Names are whom an @ can mention.
	Names []string
	// Conflict is shown when somebody wrote after the page was loaded.
	Conflict *Conflict
	Error    string // what was wrong with the form, the draft kept
	Rev      int64  // the conversation's, so that an old cstate-ID never replaces a newer one
	Client   string // a fresh client id, for a browser without JavaScript
	Note     bool   // the form was sent as a note, so it opens as one
	View     bridge.View
}

// WayChoice is one way for a reply to go. One that cannot be taken says why.
type WayChoice struct {
	Value       string // of the form: reply, sms, email or portal
	By          bridge.Channel
	Text        string
	Hint        string // what will happen
	Placeholder string
	Blocked     string
}

// Conflict is what came in while a reply was being written.
type Conflict struct {
	Items    []Item
	Body     string // the reply that was stopped
	Client   string // its client id
	LastSeen bridge.MessageID
}

// Details is the panel beside the conversation. Fragment id: details-ID.
type Details struct {
	Name      string // as stored; may be empty
	Title     string
	Initials  string
	Since     string // "Customer since March 2026"
	Addresses []Address
	People    []Participant
	RenameURL string
	AddURL    string
	Line      string // the business number that the contact knows
	// Profile is the contact's page; empty among staff and for who may not see it.
	Profile   string
	Side      string
	Portal    *PortalCard // of the contact; nil among staff
	Record    *RecordCard
	Others    []Link // the contact's other conversations
	PeopleURL string // where people are added; empty for who may not
}

// PortalCard is how a contact stands to the portal.
type PortalCard struct {
	State          Badge
	Seen           *Stamp // when they last used it
	Links          string // that are out, in words
	Told, Language string // how they want to hear of messages, in words; empty: they chose nothing
	Off            bool   // the portal is off
	Access         bool   // there is something to end
	// What can be done, each a URL to POST to; empty ones are not shown.
	SendURL, EndURL string
}

// RecordCard is what a conversation is about.
type RecordCard struct {
	Label, Href string // Href is empty for who may not see the record's page
	Stage       string
	Team        string // who is assigned, by name
}

// Link is a line that leads somewhere.
type Link struct {
	Text, Hint, Href string
}

// Address is a contact's phone or email in the panel.
type Address struct {
	Label    string // Mobile, Email, Sender
	Value    string
	CallHref string // tel:, empty where one cannot call
	Badge    *Badge // opted out, landline, cannot be answered, receives texts
}

// Participant is a person in the conversation.
type Participant struct {
	Name, Role string
	// Remove is the value that takes the person out; empty where that cannot be.
	Remove string
}

// Changes is the answer to "what is new since a revision": fragments only.
type Changes struct {
	Tabs  *Tabs
	Rows  []Row
	Open  *Conversation // header, banners, composer state and details, if they changed
	Items []Message     // new and changed messages of the open conversation
	Gone  []Gone        // messages that the open conversation does not show any more
}

// Gone is a fragment that leaves the page.
type Gone struct {
	ID  string
	Rev int64
}

// NewPage starts a conversation, step by step: what kind, with whom, about what.
// Each choice is in the URL, so that it works without JavaScript.
type NewPage struct {
	Shell
	Kinds                     []Tab // View is empty
	Kind                      string
	Asks                      string // the first question in words: "Who is it for?"
	Query                     string
	Found                     []Pick
	Person                    *Pick  // chosen
	Phone, Name               string // of somebody new: a number that nobody has yet
	Records                   []Pick
	Record                    *Pick
	NeedsRecord, NeedsSubject bool
	Subject, SubjectHint      string
	Body, Client              string
	Hint                      string // what will happen
	Blocked, Fix, FixHref     string // why it cannot be started, and where that is mended
	CallText, CallHref        string
	Error                     string
	Back                      string
}

// Pick is one of several to choose from. One that cannot be chosen says why, and its
// Href leads to where that is mended.
type Pick struct {
	ID             string
	Text, Hint     string
	Initials, Href string
	Blocked, Fix   string
}

// PlacePage says which record a message is about.
type PlacePage struct {
	Shell
	Message Item
	Action  string // POST target
	Records []Pick
	Current string // the record's id; "0" for none
	Back    string
}

// AddPage adds people to a conversation.
type AddPage struct {
	Shell
	With           string // the conversation's title
	Action         string // POST target
	Search, Query  string // GET target, and what was asked
	Team, Contacts []Pick
	Back           string
}

// LoginPage asks for email and password.
type LoginPage struct {
	Shell
	Email string
	Next  string
	Error string
}

// WelcomePage is where the first owner's one-time link leads.
type WelcomePage struct {
	Shell
	Token             string
	Name, Email       string
	Error, ErrorField string
	Expired           bool
}

// ErrorPage is shown instead of a page that cannot be.
type ErrorPage struct {
	Shell
	Code             int
	Heading, Text    string
	Ref              string // for the log, only for what nobody expected
	Action, ActionTo string // a way on
}

// SimulatorPage shows the demo's handsets.
type SimulatorPage struct {
	Shell
	Handsets []Handset
	Open     Handset
	Line     string     // the business number
	Messages []Message  // Side as the handset sees it: "out" is what it sent
	Behaves  []Choice   // what the handset can do, Value is posted
	Plays    []Choice   // what happens to the handset at the press of a button
	Wire     []WireLine // oldest first
	Quick    []Choice   // ready-made texts
	Client   string     // a fresh client id, for a browser without JavaScript
	Error    string     // what was wrong with the text, which is then in Body
	Body     string
}

// Handset is one phone of the demo.
type Handset struct {
	Number, Name, Href string
	Behave             string // the Value of the current choice
	Unread             int
	Current            bool
}

// WireLine is one exchange between the simulator and Porchlight.
type WireLine struct {
	ID   string // fragment id
	At   string
	Text string
	Code int
}

// MailboxPage shows what the demo's mail server took.
type MailboxPage struct {
	Shell
	Mails []MailRow // the newest first
	Open  *OpenMail // nil while there is none
	Try   []Choice  // kinds of mail to send, Value is posted
}

// MailRow is one mail in the list.
type MailRow struct {
	ID                      int
	Href, From, To, Subject string
	Preview                 string
	At                      Stamp
	Current                 bool
}

// OpenMail is the mail that is read.
type OpenMail struct {
	MailRow
	Frame   string // where its page of HTML is, on its own and in a sandbox; empty: none
	Text    string
	Headers []Choice // Value is the name
}
