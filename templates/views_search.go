package templates

import "porchlight/bridge"

// Search is the list's pane while somebody searches: the form and what was found.
type Search struct {
	Query   string // as it was typed
	BackURL string
	// The form's controls, for who types no operators.
	From, Record, After, Until string
	Senders                    []string // offered for From
	Channels                   []Option
	Photo, Failed              bool
	Filtered                   bool // a control is set, so they are open
	Found                      Found
}

// Found is one page of what was found. Fragment id: found.
type Found struct {
	Groups []FoundGroup
	More   string // URL of what was found besides; empty at the end
	Empty  *Empty // why there is nothing
	Note   string // while not all messages can be found yet
}

// FoundGroup is what was found in one conversation in a row.
type FoundGroup struct {
	Title, Sub, Initials string
	Hits                 []FoundHit
}

// FoundHit is a message that was found.
type FoundHit struct {
	Href    string
	Who     string
	At      Stamp
	Snippet []bridge.Piece
	Icon    string // of the channel, or of a note
	Side    string
	Files   bool
	Current bool
}
