package templates

import (
	"reflect"
	"strings"

	"porchlight/bridge"
)

// The views of people and records.

var (
	peoplePages = map[string]reflect.Type{
		"people":     reflect.TypeFor[PeoplePage](),
		"contactnew": reflect.TypeFor[NewContactPage](),
		"contact":    reflect.TypeFor[ContactPage](),
		"merge":      reflect.TypeFor[MergePage](),
		"talkpage":   reflect.TypeFor[TalkPage](),
		"invited":    reflect.TypeFor[InvitedPage](),
		"records":    reflect.TypeFor[RecordsPage](),
		"record":     reflect.TypeFor[RecordPage](),
	}
	peopleFragments = map[string]reflect.Type{
		"peoplelist": reflect.TypeFor[PeopleList](),
		"recordlist": reflect.TypeFor[RecordList](),
		"found":      reflect.TypeFor[RecordForm](),
		"talk":       reflect.TypeFor[Talk](),
	}
)

// Option is one choice of a select.
type Option struct {
	Value, Text string
	Chosen      bool
}

// PeoplePage is the table of contacts.
type PeoplePage struct {
	Shell
	Filter PeopleFilter
	List   PeopleList
}

// PeopleFilter is the search bar above the table.
type PeopleFilter struct {
	Words                    string
	Sides, Connected, Status []Option
}

// PeopleList is one page of the table. Fragment id: results.
type PeopleList struct {
	Rows  []ContactRow
	More  string // URL of the next page; empty at the end
	Empty Empty  // shown when Rows is empty
}

// ContactRow is a contact in the table, and the head of the profile.
type ContactRow struct {
	ID          bridge.ContactID
	Href        string
	MessageHref string
	Title       string
	Company     string
	Initials    string // empty: the icon of an unknown person
	Side        string
	Addresses   []string // besides the title
	Connected   Badge
	Status      *Badge // of service pros and handymen
}

// ContactForm is what can be said of a contact.
type ContactForm struct {
	Name, Company, Zone string
	Sides               []Option
	HasStatus, Busy     bool
	Phone, Email        string // of somebody new, or to add
	Zones               []string
	ZoneHint            string // the business's own
	Told, Languages     []Option
}

// NewContactPage is the form for somebody new.
type NewContactPage struct {
	Shell
	Form              ContactForm
	Error, ErrorField string
}

// ContactPage is a contact's profile.
type ContactPage struct {
	Shell
	Who               ContactRow
	Since             string
	Can               ContactCan
	Form              ContactForm
	Reach             []Reach
	Portal            *PortalCard
	Household         []Housemate
	InviteTo          string // the number that an invitation can be texted to
	InviteWhyNot      string // why it cannot
	InviteLink        string // a new one, shown this once
	InviteSent        bool   // and texted; without a link: by the tap before this one
	Client            string // a fresh key of the forms, so that a double tap texts once
	Records           []RecordLine
	Talks             []TalkLine
	Done              string // what has just been done
	Error, ErrorField string
}

// ContactCan says which controls of a profile the reader has.
type ContactCan struct {
	Edit, Invite, Merge bool
}

// Reach is an address on the profile.
type Reach struct {
	ID                           bridge.AddressID
	Label, Icon, Value, CallHref string
	Badge                        *Badge
}

// Housemate is another contact who has the same number.
type Housemate struct {
	Href, Name, Shares string
}

// RecordLine is a record in a list.
type RecordLine struct {
	ID               bridge.RecordID
	Href             string
	Type             string // in words
	Reference, Title string
	Client           string
	Stage            string
	Since            string
	State            Badge
}

// TalkLine is a conversation in the list of a contact or a record.
type TalkLine struct {
	Href, Title, Preview string
	Unread               int64
	State                *Badge
	Last                 Stamp
}

// MergePage finds the other contact, or, where Into is known, says what a merge does.
type MergePage struct {
	Shell
	From   ContactRow
	Words  string
	Found  []ContactRow
	Into   *ContactRow
	IntoID bridge.ContactID
	Error  string
}

// TalkPage is the drawer as a page of its own.
type TalkPage struct {
	Shell
	Talk Talk
}

// Talk is the conversation with a contact over the table. Fragment id: talk.
type Talk struct {
	Rev                           int64
	Name, Initials, Side, Company string
	Status                        *Badge
	CloseHref                     string // the profile
	InboxHref                     string // the same conversation in the inbox; empty while there is none
	Action                        string // POST target of messages
	Open                          *Conversation
	// Before the first message: what it will do, or why there can be none.
	Hint, Blocked, Fix string
	Body               string // of a message that was not taken
	Error              string // why not
	Client             string // a fresh client id
}

// InvitedPage is where an invitation leads.
type InvitedPage struct {
	Shell
	Secret    string
	First     string // name; may be empty
	Connected bool
	Expired   bool
	Busy      bool // too many tries
}

// RecordsPage is the list of records.
type RecordsPage struct {
	Shell
	Words string
	Types []Option
	All   bool // the closed ones too
	List  RecordList
}

// RecordList is one page of the records. Fragment id: results.
type RecordList struct {
	Rows  []RecordLine
	More  string
	Empty Empty
}

// RecordPage is one record, or the form for a new one.
type RecordPage struct {
	Shell
	Record            RecordLine
	Form              RecordForm
	Quote             bool
	Sent              *Stamp // when a quote was sent to the portal
	Talks             []TalkLine
	NewTalkHref       string
	Shares            []ShareLine // of a maintenance request
	Done              string
	Error, ErrorField string
}

// RecordForm is what can be said of a record. Fragment id of its contacts: found.
type RecordForm struct {
	New                  bool
	Action               string
	Types                []Option
	Reference, Title     string
	Project, Maintenance bool
	Stages               []Option
	StageText            string // of what is no project
	Quota                string // megabytes
	Closed               bool
	SubmittedBy          []Option
	Contacts             []TickBox // chosen, the client first
	Find                 string
	Found                []TickBox
	Team                 []TickBox
}

// TickBox is a person with a checkbox.
type TickBox struct {
	Value, Name, Hint, Initials string
	Chosen                      bool
}

// ShareLine says what became of sharing a maintenance request with somebody.
type ShareLine struct {
	Name, Href, Side string
	TalkHref         string // the conversation, or
	Why, Fix         string // why there is none yet; or
	Others           bool   // it is there, and only colleagues see it
}

// InviteText is the text that carries an invitation: who it is from first, the link
// last, in the plain alphabet of texts.
func InviteText(business, name, by, link string) string {
	hi := "Hi"
	if first, _, _ := strings.Cut(strings.TrimSpace(name), " "); first != "" {
		hi += " " + first
	}
	return business + ": " + hi + ", " + by + " here. Open this link and we can message each other. STOP to opt out. " + link
}
