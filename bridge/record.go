package bridge

import (
	"slices"
	"strings"
	"time"
)

// RecordID names a Record in the store.
type RecordID int64

// A RecordType says what a record is.
type RecordType string

const (
	Job         RecordType = "job"
	Quote       RecordType = "quote"
	Project     RecordType = "project"
	Maintenance RecordType = "maintenance"
)

// RecordTypes lists every type.
var RecordTypes = [...]RecordType{Job, Quote, Project, Maintenance}

// ParseRecordType accepts the values of RecordTypes.
func ParseRecordType(s string) (RecordType, error) {
	t := RecordType(strings.ToLower(strings.TrimSpace(s)))
	if !slices.Contains(RecordTypes[:], t) {
		return "", &Invalid{"type", "choose one of job, quote, project, maintenance"}
	}
	return t, nil
}

// Title is the type in words.
func (t RecordType) Title() string {
	switch t {
	case Job:
		return "Job"
	case Quote:
		return "Quote"
	case Project:
		return "Project"
	case Maintenance:
		return "Maintenance request"
	}
	return string(t)
}

// A Record is what conversations are about: a job, a quote, a project or a
// maintenance request. Most come from the CRM.
type Record struct {
	ID   RecordID
	Type RecordType
	// Reference is how people name it, such as 1042; unique within its type.
	Reference string
	Title     string
	// ProjectType and Stage say how far a project is; see Settings.Stages.
	ProjectType, Stage string
	// SentToPortal is when a quote was sent to the customer's portal; zero: not yet.
	SentToPortal time.Time
	// SubmittedBy is the tenant who made the request; 0: the team did.
	SubmittedBy ContactID
	// Quota is how many bytes of files it may hold; 0 is no limit.
	Quota     int64
	Closed    bool
	CreatedAt time.Time
	Contacts  []ContactID // the client first
	Staff     []StaffID   // who is assigned
}

// Label is the record in a few words: "Job #1042 Boiler replacement".
func (r Record) Label() string {
	if r.ID == 0 {
		return ""
	}
	return strings.TrimSpace(r.Type.Title() + " #" + r.Reference + " " + r.Title)
}

// Short is the record in one word and its reference.
func (r Record) Short() string { return "#" + r.Reference }

// MaxTitle is the longest title, subject or name, in characters.
const MaxTitle = 200
