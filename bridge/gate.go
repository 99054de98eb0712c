package bridge

import (
	"slices"
	"strings"
)

// What the settings may change of a kind. Check holds every change to it, so that
// no kind waits for what can never be.

// Gates lists every gate in the order of the settings page.
var Gates = [...]Gate{GateReachable, GatePortal, GateMessages, GateConnected, GateShared, GateContacts, GateTeam, GateStage, GateSentToPortal}

// Title is the gate in words, after "it needs that".
func (g Gate) Title() string {
	switch g {
	case GateReachable:
		return "Their mobile number is known, or the portal is on"
	case GatePortal:
		return "The portal is on"
	case GateMessages:
		return "The portal and its messages are on"
	case GateConnected:
		return "They accepted an invitation"
	case GateShared:
		return "The request is theirs, or shared with them"
	case GateContacts:
		return "What it is about has a contact"
	case GateTeam:
		return "Somebody of the team is assigned to what it is about"
	case GateStage:
		return "The project's stage allows messages"
	case GateSentToPortal:
		return "A quote was sent to the portal"
	}
	return string(g)
}

// Gates are those that conversations of the kind can have at all.
func (k Kind) Gates() []Gate {
	outside := []Gate{GateReachable, GatePortal, GateMessages, GateConnected}
	switch k {
	case KindTeam:
		return []Gate{GateConnected}
	case KindMaintenance:
		return append(outside, GateShared, GateContacts, GateTeam)
	case KindTopic:
		return append(outside, GateContacts, GateTeam, GateStage)
	case KindJob:
		return append(outside, GateContacts, GateTeam, GateSentToPortal)
	case KindCustomer, KindPartner, KindDirect:
	}
	return outside
}

// MayStart says who can be let start conversations of the kind. A customer's first
// text always starts one, so that is not among what may be changed.
func (k Kind) MayStart() Starters {
	return Starters{Staff: true, System: k == KindMaintenance, Contact: k != KindTeam}
}

// Help says in a line what conversations of the kind are.
func (k Kind) Help() string {
	switch k {
	case KindCustomer:
		return "One with each customer, on any matter. Their first text starts it"
	case KindPartner:
		return "One with each partner's handyman: instructions, images, schedule"
	case KindDirect:
		return "One with each connected tenant, owner or service pro"
	case KindMaintenance:
		return "About a maintenance request, one for each side"
	case KindTeam:
		return "Among colleagues: one for everybody, one for each pair"
	case KindTopic:
		return "About a project, one for each subject"
	case KindJob:
		return "About a job or a quote, one for each"
	}
	return ""
}

// Help says in a line what the preset has.
func (p Preset) Help() string {
	switch p {
	case Trades:
		return "Customers by text and portal, jobs and quotes, partners' handymen"
	case Landlord:
		return "Tenants and service pros, maintenance requests, the team"
	case PropertyManager:
		return "The same with a channel for the owners"
	case Builder:
		return "Projects with subjects, files and stages, the team"
	case SoleTraderAlone:
		return "Customers only, nothing to set up"
	}
	return ""
}

// checkKind holds a policy to what its kind can be at all.
func (p *Policy) checkKind() error {
	may := p.Kind.MayStart()
	switch {
	case p.Starters.Contact && !may.Contact:
		return &Invalid{"starters", "Nobody outside the team starts conversations among colleagues"}
	case p.Kind == KindCustomer && !p.Starters.System:
		return &Invalid{"starters", "A customer's first text always starts one, for it must land somewhere"}
	case p.Kind != KindCustomer && p.Starters.System && !may.System:
		return &Invalid{"starters", "Conversations of this kind do not start by themselves"}
	case p.Subject == SubjectDerived && len(p.Kind.About()) == 0:
		return &Invalid{"subject", "It is about no record, so no subject can come from one"}
	case slices.Contains(p.Accept, Inbox) && p.Kind != KindTeam:
		return &Invalid{"accept", "Only colleagues write in the inbox"}
	}
	for _, g := range p.Gates {
		if !slices.Contains(p.Kind.Gates(), g) {
			return &Invalid{"gates", "A conversation of this kind cannot wait for this"}
		}
	}
	return p.Files.check()
}

func (f *Files) check() error {
	if f.Most > 0 && (f.MaxSize == 0 || len(f.Types) == 0) {
		return &Invalid{"types", "Say which types of files, such as jpg, png, pdf, and how large"}
	}
	for _, t := range f.Types {
		if t == "" || len(t) > 8 || strings.Trim(t, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return &Invalid{"types", "Write types by their ending, such as jpg, png, pdf"}
		}
	}
	if len(f.Types) > 40 || len(f.Instead) > 60 {
		return &Invalid{"types", "At most 40 types"}
	}
	return nil
}

// A StageChange is a stage as somebody wants it. Was is the name that it had, empty
// for a new one; Gone takes it away.
type StageChange struct {
	Was, Name      string
	Messages, Gone bool
}

// StagesOf gives the stages of a project type, in their order.
func (s *Settings) StagesOf(projectType string) (out []Stage) {
	for _, st := range s.Stages {
		if st.ProjectType == projectType {
			out = append(out, st)
		}
	}
	return out
}

// ProjectTypes gives the project types that have stages, in the order of the first.
func (s *Settings) ProjectTypes() (out []string) {
	for _, st := range s.Stages {
		if !slices.Contains(out, st.ProjectType) {
			out = append(out, st.ProjectType)
		}
	}
	return out
}

var errStagesMoved = &Invalid{"stages", "Somebody else changed these stages meanwhile, or they are there already. Look at them again"}

// PutStages makes the stages of a project type those of changes, in their order. It
// refuses changes that do not speak of each stage that there is now: they were made
// to others.
func (s *Settings) PutStages(projectType string, changes []StageChange) error {
	known := map[string]bool{} // false: no change speaks of it yet
	for _, st := range s.StagesOf(projectType) {
		known[st.Name] = false
	}
	next, spoken := make([]Stage, 0, len(changes)), 0
	for _, ch := range changes {
		if seen, is := known[ch.Was]; ch.Was != "" && is && !seen {
			known[ch.Was] = true
			spoken++
		} else if ch.Was != "" {
			return errStagesMoved
		}
		if !ch.Gone {
			next = append(next, Stage{projectType, ch.Name, ch.Messages})
		}
	}
	if spoken != len(known) {
		return errStagesMoved
	}
	at := slices.IndexFunc(s.Stages, func(st Stage) bool { return st.ProjectType == projectType })
	if at < 0 {
		at = len(s.Stages)
	}
	before, others := s.Stages[:at], slices.Clone(s.Stages[at:])
	others = slices.DeleteFunc(others, func(st Stage) bool { return st.ProjectType == projectType })
	s.Stages = slices.Concat(before, next, others)
	return nil
}

func checkStages(stages []Stage) error {
	if len(stages) > 200 {
		return &Invalid{"stages", "At most 200 stages"}
	}
	for i, st := range stages {
		if strings.TrimSpace(st.Name) == "" || len([]rune(st.Name)) > 60 || len([]rune(st.ProjectType)) > 60 {
			return &Invalid{"stages", "A stage has a name of at most 60 characters"}
		}
		if slices.ContainsFunc(stages[:i], func(o Stage) bool { return o.ProjectType == st.ProjectType && o.Name == st.Name }) {
			return &Invalid{"stages", "Two stages have the same name: " + st.Name}
		}
	}
	return nil
}
