package bridge

import (
	"slices"
	"time"
)

// Kind names the policy that a conversation obeys.
type Kind string

const (
	// KindCustomer is one conversation for each contact, on any matter; the
	// contact's first message starts it.
	KindCustomer Kind = "customer"
	// KindPartner is one for each partner's handyman; only staff start it.
	KindPartner Kind = "partner"
	// KindDirect is one for each connected tenant, owner or service pro.
	KindDirect Kind = "direct"
	// KindMaintenance is about a maintenance request, one for each side.
	KindMaintenance Kind = "maintenance"
	// KindTeam is among staff: one for all, and one for each pair.
	KindTeam Kind = "team"
	// KindTopic is about a project, as many as there are subjects.
	KindTopic Kind = "topic"
	// KindJob is about a job or a quote, one for each.
	KindJob Kind = "job"
)

// Kinds lists every kind in the order of the settings page.
var Kinds = [...]Kind{KindCustomer, KindPartner, KindDirect, KindMaintenance, KindTeam, KindTopic, KindJob}

// Valid reports whether k is one of Kinds.
func (k Kind) Valid() bool { return slices.Contains(Kinds[:], k) }

// Title is the kind in words.
func (k Kind) Title() string {
	switch k {
	case KindCustomer:
		return "Customer"
	case KindPartner:
		return "Partner"
	case KindDirect:
		return "Direct"
	case KindMaintenance:
		return "Maintenance request"
	case KindTeam:
		return "Team"
	case KindTopic:
		return "Project topic"
	case KindJob:
		return "Job or quote"
	}
	return string(k)
}

// About says which records a conversation of the kind may be about; empty for none.
func (k Kind) About() []RecordType {
	switch k {
	case KindMaintenance:
		return []RecordType{Maintenance}
	case KindTopic:
		return []RecordType{Project}
	case KindJob:
		return []RecordType{Job, Quote}
	case KindCustomer, KindPartner, KindDirect, KindTeam:
	}
	return nil
}

// Sides says with whom a conversation of the kind is; empty for staff only.
func (k Kind) Sides() []Side {
	switch k {
	case KindPartner:
		return []Side{Handyman}
	case KindDirect:
		return []Side{Tenant, PropertyOwner, ServicePro}
	case KindMaintenance:
		return []Side{Tenant, ServicePro, PropertyOwner}
	case KindTopic:
		return []Side{Customer, PropertyOwner}
	case KindCustomer, KindJob:
		return Sides[:]
	case KindTeam:
	}
	return nil
}

// An Audience says which staff see conversations of a kind, as far as their role
// lets them.
type Audience string

const (
	WholeTeam        Audience = "team"
	ParticipantsOnly Audience = "participants"
)

// A SubjectRule says where a conversation's subject comes from.
type SubjectRule string

const (
	NoSubject       SubjectRule = "none"
	SubjectRequired SubjectRule = "required"
	SubjectDerived  SubjectRule = "derived" // from the record
)

// A Gate is a condition that must hold before a conversation can be started or
// answered.
type Gate string

const (
	GateReachable    Gate = "reachable"      // the portal is on, or a phone is known
	GatePortal       Gate = "portal"         // the portal is on
	GateMessages     Gate = "messages"       // messages in the portal are on
	GateConnected    Gate = "connected"      // the other side accepted an invitation
	GateShared       Gate = "shared"         // the record is shared with the other side
	GateContacts     Gate = "contacts"       // the record has contacts
	GateTeam         Gate = "team"           // the record has staff
	GateStage        Gate = "stage"          // the record's stage allows messages
	GateSentToPortal Gate = "sent_to_portal" // a quote was sent to the portal
)

// Starters says who may start a conversation of a kind.
type Starters struct {
	System  bool `json:"system"`  // Porchlight itself, when something arrives
	Staff   bool `json:"staff"`   // whose role allows it
	Contact bool `json:"contact"` // a connected person, from the portal
}

// Files says which files a message may carry.
type Files struct {
	Most    int      `json:"most"`     // files in one message; 0 allows none
	MaxSize int64    `json:"max_size"` // bytes of one file
	Types   []string `json:"types"`    // extensions in lower case without the dot
	Alone   bool     `json:"alone"`    // a message has text or a file, never both
	Quota   bool     `json:"quota"`    // the record's storage quota counts
	Instead string   `json:"instead"`  // where else to send a file, in words, where none is taken
}

// A Policy is what conversations of one kind obey. It is data: presets give the
// first values, and owners change them.
type Policy struct {
	Kind Kind `json:"kind"`
	// On says that the kind is in use: its conversations can be started.
	On       bool        `json:"on"`
	Starters Starters    `json:"starters"`
	Subject  SubjectRule `json:"subject"`
	Files    Files       `json:"files"`
	// Tell is how the other side is told of a message, the first the best.
	Tell []Channel `json:"tell"`
	// Link says that a text carries a link into the portal instead of the message.
	Link bool `json:"link"`
	// Alert is how the team is told of what the other side writes in the portal,
	// beside the inbox: SMS to the phones on duty, Email to who takes part.
	Alert []Channel `json:"alert"`
	// Accept is where the other side's answers may come from.
	Accept []Channel `json:"accept"`
	SeenBy Audience  `json:"seen_by"`
	// Who may be added to a conversation.
	AddStaff          bool   `json:"add_staff"`
	AddContacts       bool   `json:"add_contacts"`
	AddSubcontractors bool   `json:"add_subcontractors"`
	Gates             []Gate `json:"gates"`
	// FromTop opens a conversation at its first message, else at the first unread.
	FromTop bool `json:"from_top"`
}

// Tells reports whether the other side is told by a channel.
func (p *Policy) Tells(ch Channel) bool { return slices.Contains(p.Tell, ch) }

// Accepts reports whether answers may come by a channel.
func (p *Policy) Accepts(ch Channel) bool { return slices.Contains(p.Accept, ch) }

// Alerts reports whether the team is told by a channel.
func (p *Policy) Alerts(ch Channel) bool { return slices.Contains(p.Alert, ch) }

const mb = 1 << 20

var (
	photos    = []string{"jpg", "jpeg", "png"}
	images    = []string{"jpg", "jpeg", "png", "gif", "webp", "heic"}
	documents = []string{"jpg", "jpeg", "png", "gif", "webp", "heic", "pdf", "doc", "docx", "xls", "xlsx", "txt", "csv"}
	office    = []string{"jpg", "jpeg", "png", "gif", "pdf", "doc", "docx", "xls", "xlsx"}
)

// NewPolicy is the policy that a kind starts with (SPEC section 4).
func NewPolicy(k Kind) Policy {
	p := Policy{Kind: k, Starters: Starters{Staff: true}, Subject: NoSubject, SeenBy: WholeTeam}
	switch k {
	case KindCustomer:
		p.Starters.System, p.AddStaff, p.AddContacts = true, true, true
		p.Files = Files{Most: 5, MaxSize: 10 * mb, Types: slices.Clone(photos)}
		p.Tell, p.Accept = []Channel{Portal, SMS, Email}, []Channel{Portal, SMS, Email}
		p.Gates, p.Alert = []Gate{GateReachable}, []Channel{SMS}
	case KindPartner:
		p.Files = Files{Most: 1, MaxSize: 10 * mb, Types: slices.Clone(images), Alone: true}
		p.Tell, p.Accept, p.FromTop = []Channel{Portal, SMS}, []Channel{Portal, SMS}, true
		p.Link = true
	case KindDirect:
		p.Starters.Contact, p.SeenBy = true, ParticipantsOnly
		p.Files = Files{Most: 10, MaxSize: 20 * mb, Types: slices.Clone(documents)}
		p.Tell, p.Accept, p.Gates = []Channel{Portal, Email}, []Channel{Portal}, []Gate{GateConnected}
		p.Alert = []Channel{Email}
	case KindMaintenance:
		p.Starters, p.Subject, p.SeenBy, p.AddStaff, p.AddContacts = Starters{System: true}, SubjectDerived, ParticipantsOnly, true, true
		p.Files = Files{Most: 10, MaxSize: 20 * mb, Types: slices.Clone(documents)}
		p.Tell, p.Accept, p.Gates = []Channel{Portal, Email}, []Channel{Portal}, []Gate{GateConnected, GateShared}
		p.Alert = []Channel{Email}
	case KindTeam:
		p.SeenBy = ParticipantsOnly
		p.Files = Files{Most: 10, MaxSize: 20 * mb, Types: slices.Clone(documents)}
		p.Tell, p.Accept, p.Gates = []Channel{Inbox}, []Channel{Inbox}, []Gate{GateConnected}
	case KindTopic:
		p.Starters.Contact, p.Subject, p.SeenBy, p.AddStaff, p.AddContacts = true, SubjectRequired, ParticipantsOnly, true, true
		p.Files = Files{Most: 10, MaxSize: 20 * mb, Types: slices.Clone(office), Quota: true}
		p.Tell, p.Accept = []Channel{Portal, Email}, []Channel{Portal, Email}
		p.Gates = []Gate{GateMessages, GateContacts, GateTeam, GateStage}
	case KindJob:
		p.Subject, p.AddStaff, p.AddContacts = SubjectDerived, true, true
		p.Files.Instead = "email"
		p.Tell, p.Accept, p.Gates = []Channel{Portal, Email}, []Channel{Portal}, []Gate{GatePortal, GateSentToPortal}
	}
	return p
}

// A Preset is a set of kinds for one trade.
type Preset string

const (
	Trades          Preset = "trades"
	Landlord        Preset = "landlord"
	PropertyManager Preset = "property_manager"
	Builder         Preset = "builder"
	SoleTraderAlone Preset = "sole_trader"
)

// Presets lists every preset in the order of the settings page.
var Presets = [...]Preset{Trades, Landlord, PropertyManager, Builder, SoleTraderAlone}

// Valid reports whether p is one of Presets.
func (p Preset) Valid() bool { return slices.Contains(Presets[:], p) }

// Title is the preset in words.
func (p Preset) Title() string {
	switch p {
	case Trades:
		return "Trades"
	case Landlord:
		return "Landlord"
	case PropertyManager:
		return "Property manager"
	case Builder:
		return "Builder"
	case SoleTraderAlone:
		return "Sole trader"
	}
	return string(p)
}

// Kinds are the kinds that the preset uses.
func (p Preset) Kinds() []Kind {
	switch p {
	case Trades:
		return []Kind{KindCustomer, KindJob, KindPartner}
	case Landlord, PropertyManager:
		return []Kind{KindDirect, KindMaintenance, KindTeam}
	case Builder:
		return []Kind{KindTopic, KindTeam}
	case SoleTraderAlone:
	}
	return []Kind{KindCustomer}
}

// A Stage is a step in the life of a project, and whether its people may write then.
type Stage struct {
	ProjectType string `json:"project_type"`
	Name        string `json:"name"`
	Messages    bool   `json:"messages"`
}

// Settings are what the business decided for all its conversations. They are
// stored as one record, and read as one snapshot: nobody changes a Settings that
// others hold.
type Settings struct {
	Preset   Preset   `json:"preset"`
	Policies []Policy `json:"policies"` // one for each kind, in the order of Kinds
	// PortalOn opens the customer portal, MessagesOn messages in it.
	PortalOn   bool `json:"portal_on"`
	MessagesOn bool `json:"messages_on"`
	// SupervisorsAnswer lets supervisors start and answer conversations,
	// FieldAnswers lets tradies and apprentices answer those of their jobs.
	SupervisorsAnswer bool `json:"supervisors_answer"`
	FieldAnswers      bool `json:"field_answers"`
	// TenantRequests makes a conversation of each request that a tenant submits.
	TenantRequests bool    `json:"tenant_requests"`
	Stages         []Stage `json:"stages"`
	// UrgentPhone is the number to call for what cannot wait; empty: the line.
	UrgentPhone string `json:"urgent_phone"`
	// QuietFrom and QuietUntil, minutes after midnight in the recipient's zone,
	// bound the hours in which nothing leaves that is not an answer. Equal: none.
	QuietFrom  int `json:"quiet_from"`
	QuietUntil int `json:"quiet_until"`
	// OpeningHours are when the business is open, as ParseHours reads them; empty:
	// always.
	OpeningHours string               `json:"opening_hours,omitempty"`
	Calls        CallSettings         `json:"calls,omitzero"`
	Receptionist ReceptionistSettings `json:"receptionist,omitzero"`
	// DutyTexts has the phones on duty hear of texts to a line, too, and not only of
	// what comes by the portal.
	DutyTexts bool `json:"duty_texts,omitempty"`
}

// OpenAt reports whether the business is open at a moment, in its own zone.
func (s *Settings) OpenAt(at time.Time) bool {
	h, err := ParseHours(s.OpeningHours)
	return err != nil || h.Open(at)
}

// NewSettings is what a business starts with.
func NewSettings(p Preset) *Settings {
	s := &Settings{
		MessagesOn: true, SupervisorsAnswer: true, TenantRequests: true,
		QuietFrom: 21 * 60, QuietUntil: 8 * 60,
		Stages: []Stage{
			{"Standard", "Enquiry", false}, {"Standard", "Selections", true}, {"Standard", "Construction", true},
			{"Standard", "Handover", true}, {"Standard", "Warranty", true}, {"Standard", "Archived", false},
		},
	}
	for _, k := range Kinds {
		s.Policies = append(s.Policies, NewPolicy(k))
	}
	s.Use(p)
	return s
}

// Use switches the preset: it says which kinds can be started from now on, and
// changes nothing else. What was written stays where it is.
func (s *Settings) Use(p Preset) {
	s.Preset = p
	s.DutyTexts = s.DutyTexts || p == SoleTraderAlone // who is alone does not sit before the inbox
	for i := range s.Policies {
		s.Policies[i].On = slices.Contains(p.Kinds(), s.Policies[i].Kind)
	}
}

// Policy is the policy of a kind.
func (s *Settings) Policy(k Kind) *Policy {
	for i := range s.Policies {
		if s.Policies[i].Kind == k {
			return &s.Policies[i]
		}
	}
	return &Policy{Kind: k, SeenBy: ParticipantsOnly} // nobody knows it: it allows nothing
}

// StageAllows reports whether people may write about a project in a stage. A stage
// that the settings do not list allows nothing.
func (s *Settings) StageAllows(projectType, stage string) bool {
	for i := range s.Stages {
		if s.Stages[i].Name == stage && (s.Stages[i].ProjectType == projectType || projectType == "") {
			return s.Stages[i].Messages
		}
	}
	return false
}

// Quiet gives the end of the quiet hours that at falls into, in at's own zone; the
// zero time outside them.
func (s *Settings) Quiet(at time.Time) time.Time {
	if s.QuietFrom == s.QuietUntil {
		return time.Time{}
	}
	minute, day := at.Hour()*60+at.Minute(), at.Day()
	switch {
	case s.QuietFrom < s.QuietUntil && minute >= s.QuietFrom && minute < s.QuietUntil:
	case s.QuietFrom > s.QuietUntil && minute < s.QuietUntil:
	case s.QuietFrom > s.QuietUntil && minute >= s.QuietFrom:
		day++
	default:
		return time.Time{}
	}
	return time.Date(at.Year(), at.Month(), day, s.QuietUntil/60, s.QuietUntil%60, 0, 0, at.Location())
}

// Check says what is wrong with settings before they are stored.
func (s *Settings) Check() error {
	if !s.Preset.Valid() {
		return &Invalid{"preset", "Choose one of the presets"}
	}
	if s.QuietFrom < 0 || s.QuietFrom >= 24*60 || s.QuietUntil < 0 || s.QuietUntil >= 24*60 {
		return &Invalid{"quiet", "Quiet hours are times of a day, such as 21:00 to 08:00"}
	}
	if err := checkStages(s.Stages); err != nil {
		return err
	}
	if _, err := ParseHours(s.OpeningHours); err != nil {
		return err
	}
	if err := s.Calls.check(); err != nil {
		return err
	}
	if err := s.Receptionist.check(); err != nil {
		return err
	}
	for i := range s.Policies {
		if err := s.Policies[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// check holds a policy to what its kind can be at all.
func (p *Policy) check() error {
	known := func(chs []Channel) bool {
		return !slices.ContainsFunc(chs, func(ch Channel) bool { return ch != Portal && ch != SMS && ch != Email && ch != Inbox })
	}
	switch {
	case !p.Kind.Valid():
		return &Invalid{"kind", "There is no kind " + string(p.Kind)}
	case p.SeenBy != WholeTeam && p.SeenBy != ParticipantsOnly:
		return &Invalid{"seen_by", "It is seen by the whole team or by its participants"}
	case p.Kind == KindTeam && p.SeenBy != ParticipantsOnly:
		return &Invalid{"seen_by", "What colleagues write to each other is seen by them alone"}
	case (p.Kind == KindCustomer || p.Kind == KindPartner) && p.SeenBy != WholeTeam:
		return &Invalid{"seen_by", "Texts land here by themselves, so the whole team sees them: else one could land where nobody looks"}
	case len(p.Tell) == 0 || !known(p.Tell):
		return &Invalid{"tell", "Choose at least one way to tell people"}
	case p.Kind == KindTeam && (len(p.Alert) > 0 || p.Link):
		return &Invalid{"alert", "What colleagues write to each other stays in the inbox"}
	case p.Link && !p.Tells(Portal):
		return &Invalid{"tell", "A link leads into the portal, so the portal must be among the ways"}
	case slices.ContainsFunc(p.Alert, func(ch Channel) bool { return ch != SMS && ch != Email }):
		return &Invalid{"alert", "The team is told by text or by email, beside the inbox"}
	case !known(p.Accept):
		return &Invalid{"accept", "Choose among the ways that there are"}
	case (p.Kind == KindTeam) != slices.Contains(p.Tell, Inbox):
		return &Invalid{"tell", "Only what the team writes among itself stays in the inbox"}
	case p.Files.Most < 0 || p.Files.Most > 20 || p.Files.MaxSize < 0 || p.Files.MaxSize > 100*mb:
		return &Invalid{"files", "At most 20 files of at most 100 MB"}
	case p.Subject != NoSubject && p.Subject != SubjectRequired && p.Subject != SubjectDerived:
		return &Invalid{"subject", "Choose where the subject comes from"}
	}
	return p.checkKind()
}
