package bridge

import (
	"slices"
	"strconv"
	"time"
)

const codeNotFound = "not_found"

func yes(r Rule, why string) Decision { return Decision{Sentence: why, Rule: r} }

// Decide answers every "may I" of Porchlight, for every door. It reads nothing
// but its arguments. Precedence: the account and what the actor may see at all,
// then consent and law, the role's cap, gates, the kind's policy, the
// conversation's own setting, and last the recipient's preference.
func Decide(a Actor, do Action, f *Facts) Decision {
	if !a.Active {
		return Decision{"inactive", "This account is switched off", "Ask the owner to switch it on again", RuleAccount, time.Time{}}
	}
	if do.Concerns() {
		if !Sees(a, f) {
			return Decision{codeNotFound, "They do not see this conversation, so for them it does not exist", seeFix(a, f), RuleVisibility, time.Time{}}
		}
		if (a.Kind == ByContact || a.Kind == ByAI) && do != DoSee && do != DoReply {
			return Decision{"team_only", "Only the team can do this", "", RuleRole, time.Time{}}
		}
	} else if a.Kind == BySystem && do != DoStart {
		return yes(RuleAccount, "Porchlight itself, or whoever runs its commands on the machine")
	} else if a.Kind != ByStaff && do != DoStart {
		return Decision{"team_only", "Only the team can do this", "", RuleRole, time.Time{}}
	}
	switch do {
	case DoSee:
		return yes(RuleVisibility, seeReason(a, f))
	case DoNote:
		if d := decideFiles(f.Settings.Policy(f.Conversation.Kind), f); !d.Allowed() {
			return d
		}
		return yes(RuleRole, "Whoever of the team sees a conversation can leave a note")
	case DoReply, DoRetry:
		return decideSend(a, do, f)
	case DoStart:
		return decideStart(a, f)
	case DoTakeOver, DoGiveBack:
		return decideHolder(a, do, f)
	case DoMention:
		return decideMention(f)
	case DoAddParticipant, DoRemoveParticipant:
		return decideParticipant(a, do, f)
	case DoAssign, DoClose, DoReopen, DoSnooze, DoMarkUrgent, DoHold, DoPlace:
		return decideOrganise(a, do, f)
	case DoSeePeople, DoEditContact, DoInvite, DoEditRecord:
		if !a.Role.Office() {
			return Decision{"role", "Your role sees the people of its own jobs in their conversations, and nothing beyond", "Ask the office to do it", RuleRole, time.Time{}}
		}
		return yes(RuleRole, "The office keeps contacts and records")
	case DoMerge, DoImport, DoManageTeam, DoChangeSettings:
		return decideRun(a, do, f)
	}
	return Decision{"unknown_action", "Porchlight does not know this action", "", RuleRole, time.Time{}}
}

// Sees is the rule of who sees a conversation. package data has the same rule as
// part of each query; a test compares the two over random teams.
//
// Among staff, its members. Otherwise: who has it assigned, and who is assigned to
// its record; and of the office, everybody or the participants, as the kind says.
// A contact sees what they take part in, while the portal is on. The AI receptionist,
// whose ID is that of a hold, sees what it holds under it.
func Sees(a Actor, f *Facts) bool {
	c := &f.Conversation
	switch a.Kind {
	case BySystem:
		return true
	case ByAI:
		return c.Hold != 0 && a.ID == int64(c.Hold)
	case ByContact:
		return f.Member && c.Kind != KindTeam && f.Settings.PortalOn
	case ByStaff:
	}
	switch {
	case c.Kind == KindTeam:
		return f.Member
	case c.Assignee != 0 && int64(c.Assignee) == a.ID, f.OnRecord:
		return true
	case !a.Role.Office():
		return false
	}
	return f.Member || f.Settings.Policy(c.Kind).SeenBy == WholeTeam
}

func seeReason(a Actor, f *Facts) string {
	switch {
	case a.Kind == ByAI:
		return "It holds the conversation"
	case a.Kind == ByContact, f.Conversation.Kind == KindTeam:
		return "They take part in it"
	case f.OnRecord:
		return "They are assigned to what it is about"
	case int64(f.Conversation.Assignee) == a.ID:
		return "It is assigned to them"
	case f.Settings.Policy(f.Conversation.Kind).SeenBy == WholeTeam:
		return "The whole office sees conversations of this kind"
	}
	return "They take part in it"
}

func seeFix(a Actor, f *Facts) string {
	switch {
	case a.Kind == ByAI:
		return "Give the conversation to it"
	case a.Kind == ByContact && !f.Settings.PortalOn:
		return "Switch the portal on in the settings"
	case f.Conversation.Kind == KindTeam:
		return "Only its members see a team conversation"
	case a.Kind == ByStaff && !a.Role.Office() && f.Conversation.Record != 0:
		return "Assign them to the record, or assign the conversation to them"
	case a.Kind == ByStaff && !a.Role.Office():
		return "Assign the conversation to them"
	}
	return "Add them to the conversation"
}

// answers reports whether a role may start and answer conversations at all.
func answers(r Role, s *Settings) bool {
	switch r {
	case Supervisor:
		return s.SupervisorsAnswer
	case Tradie, Apprentice:
		return s.FieldAnswers
	case Owner, Admin, Finance, SoleTrader:
		return true
	}
	return false
}

func decideSend(a Actor, do Action, f *Facts) Decision {
	p, ours := f.Settings.Policy(f.Conversation.Kind), a.Kind != ByContact
	if f.By == SMS && f.To.OptedOut && ours {
		return Decision{"opted_out", "They texted STOP, so texts to this number are blocked", "Call them, or wait until they text START", RuleConsent, time.Time{}}
	}
	if a.Kind == ByStaff && f.Conversation.Kind != KindTeam && !answers(a.Role, f.Settings) {
		return roleCannotAnswer(a.Role)
	}
	if d := gates(p, f); !d.Allowed() {
		return d
	}
	if ours {
		if d := reachable(f); !d.Allowed() {
			return d
		}
		if !p.Tells(f.By) {
			return Decision{"channel", "Messages of this kind do not go this way", "Choose another way to send it, or change the kind in the settings", RuleKind, time.Time{}}
		}
	} else if !p.Accepts(f.By) {
		return Decision{"channel", "Answers are not taken this way", "Write in the portal", RuleKind, time.Time{}}
	}
	if d := decideFiles(p, f); !d.Allowed() {
		return d
	}
	if f.Conversation.Held {
		return Decision{"on_hold", "Sending is on hold in this conversation", "Lift the hold in its menu", RuleConversation, time.Time{}}
	}
	if a.Kind == ByContact {
		return yes(RuleKind, "They take part in it, and answers are taken this way")
	}
	if a.Kind == ByAI {
		return yes(RuleConversation, "It holds the conversation, and nothing stands against it")
	}
	d := yes(RuleRole, "Their role answers conversations, and nothing stands against it")
	if a.Kind == ByStaff && f.By == SMS && f.Conversation.Inbound == 0 && !f.Heard {
		d.NotBefore = f.Settings.Quiet(f.At) // they have not written yet, so it is no answer
	}
	return d
}

func roleCannotAnswer(r Role) Decision {
	d := Decision{"role", "Your role reads conversations and leaves notes, but does not write to people outside", "Ask the office to answer, or the owner to change it in the settings", RuleRole, time.Time{}}
	if r == Supervisor {
		d.Sentence = "Supervisors do not start or answer conversations here"
		d.Fix = "The owner can change that in the settings"
	}
	return d
}

// reachable says whether a text or a mail can go to the address at all.
func reachable(f *Facts) Decision {
	switch {
	case f.By == Email && f.To.Value == "":
		return Decision{"no_email", "There is no email address of theirs that works", "Add or correct one in the contact panel", RuleGate, time.Time{}}
	case f.By != SMS:
	case f.To.Value == "":
		return Decision{"no_phone", "There is no mobile number for this contact", "Add a number in the contact panel", RuleGate, time.Time{}}
	case !f.To.Answerable:
		return Decision{"not_answerable", "This sender cannot receive texts", "Call them, or add a mobile number in the contact panel", RuleGate, time.Time{}}
	}
	return Decision{}
}

// gates are checked in the order of the policy; the first that is shut decides.
func gates(p *Policy, f *Facts) Decision {
	for _, g := range p.Gates {
		if d := gate(g, f); !d.Allowed() {
			d.Rule = RuleGate
			return d
		}
	}
	return Decision{}
}

func gate(g Gate, f *Facts) (d Decision) {
	s := f.Settings
	switch g {
	case GateReachable:
		if !s.PortalOn && f.To.Value == "" {
			return Decision{Code: "no_phone", Sentence: "There is no mobile number for this contact", Fix: "Add a number in the contact panel"}
		}
	case GatePortal:
		if !s.PortalOn {
			return Decision{Code: "portal_off", Sentence: "The customer portal is off", Fix: "Switch the portal on in the settings"}
		}
	case GateMessages:
		if !s.PortalOn || !s.MessagesOn {
			return Decision{Code: "messages_off", Sentence: "Messages in the portal are off", Fix: "Switch the portal and its messages on in the settings"}
		}
	case GateConnected:
		if f.Conversation.Kind == KindTeam {
			if f.Who.ID != 0 && !f.Who.Connected {
				return Decision{Code: "not_connected", Sentence: "This colleague has not accepted the invitation yet", Fix: "Send the invitation again"}
			}
		} else if !f.Contact.Connected() {
			return Decision{Code: "not_connected", Sentence: "They are not connected yet", Fix: "Invite them from their profile, and wait until they accept"}
		}
	case GateShared:
		if !f.Shared {
			return Decision{Code: "not_shared", Sentence: "The request is not shared with them", Fix: "Share the request with them first"}
		}
	case GateContacts:
		if len(f.Record.Contacts) == 0 {
			return Decision{Code: "no_contacts", Sentence: "The project has no customer contact", Fix: "Assign a contact to the project"}
		}
	case GateTeam:
		if len(f.Record.Staff) == 0 {
			return Decision{Code: "no_team", Sentence: "Nobody of the team is assigned to the project", Fix: "Assign a colleague to the project"}
		}
	case GateStage:
		if !s.StageAllows(f.Record.ProjectType, f.Record.Stage) {
			return Decision{Code: "stage", Sentence: "The project is in a stage without messages", Fix: "Move the project on, or allow messages in its stage in the settings"}
		}
	case GateSentToPortal:
		if f.Record.Type == Quote && f.Record.SentToPortal.IsZero() {
			return Decision{Code: "not_sent_to_portal", Sentence: "This quote has not been sent to the portal", Fix: "Send the quote to the portal first"}
		}
	}
	return d
}

// decideFiles says whether a message may have its files, and whether there is room
// for them where the record has a limit.
func decideFiles(p *Policy, f *Facts) Decision {
	if d := p.Files.Decide(f.Files, f.Text); !d.Allowed() || !p.Files.Quota || f.Record.Quota == 0 || len(f.Files) == 0 {
		return d
	}
	used := f.Used
	for _, file := range f.Files {
		used += file.Size
	}
	if used > f.Record.Quota {
		return Decision{"quota", "The files of this project would take more than the " + Megabytes(f.Record.Quota) + " that it has", "Send a smaller file, or raise the limit of the project", RuleKind, time.Time{}}
	}
	return Decision{}
}

// Decide says whether a message may have these files, beside a text or without.
func (rule *Files) Decide(files []File, text bool) Decision {
	switch n := len(files); {
	case n == 0:
		return Decision{}
	case rule.Most == 0:
		d := Decision{"text_only", "Messages here are text only", "Send the file another way", RuleKind, time.Time{}}
		if rule.Instead == "email" {
			d.Fix = "Send the file by email"
		}
		return d
	case n > rule.Most:
		return Decision{"too_many_files", "That is more files than one message takes here: the most is " + strconv.Itoa(rule.Most), "Send the others in a second message", RuleKind, time.Time{}}
	case rule.Alone && text:
		return Decision{"file_alone", "A message here has an image or text, not both", "Send the image first, then the text", RuleKind, time.Time{}}
	}
	for _, file := range files {
		if file.Size > rule.MaxSize {
			return Decision{"file_too_large", "A file is larger than the " + Megabytes(rule.MaxSize) + " that messages here take", "Make it smaller, or send it another way", RuleKind, time.Time{}}
		}
		if !slices.Contains(rule.Types, file.Type) {
			return Decision{"file_type", "Files of this type are not taken here", "Save it as a photo or PDF, or send it another way", RuleKind, time.Time{}}
		}
	}
	return Decision{}
}

func decideStart(a Actor, f *Facts) Decision {
	k := f.Conversation.Kind
	p := f.Settings.Policy(k)
	if f.By == SMS && f.To.OptedOut && a.Kind == ByStaff {
		return Decision{"opted_out", "They texted STOP, so texts to this number are blocked", "Call them, or wait until they text START", RuleConsent, time.Time{}}
	}
	if a.Kind == ByStaff && k != KindTeam && !(a.Role.Office() && answers(a.Role, f.Settings)) {
		d := roleCannotAnswer(a.Role)
		if !a.Role.Office() {
			d.Sentence, d.Fix = "Your role does not start conversations", "Ask the office to start it"
		}
		return d
	}
	if d := fits(k, f); !d.Allowed() {
		return d
	}
	if d := gates(p, f); !d.Allowed() {
		return d
	}
	if a.Kind == ByStaff {
		if d := reachable(f); !d.Allowed() {
			return d
		}
	}
	if d := mayStart(a, p, f); !d.Allowed() {
		return d
	}
	if d := decideFiles(p, f); !d.Allowed() {
		return d
	}
	d := yes(RuleKind, "The kind lets them start one, and everything it needs is in place")
	if a.Kind == ByStaff && f.By == SMS {
		d.NotBefore = f.Settings.Quiet(f.At)
	}
	return d
}

// fits says whether a conversation of the kind can be about this, with these.
func fits(k Kind, f *Facts) Decision {
	switch {
	case k == KindTeam:
		if f.Who.ID != 0 && !f.Who.Active {
			return Decision{"inactive", "This colleague has left", "Choose somebody else", RuleKind, time.Time{}}
		}
		return Decision{}
	case f.Contact.ID == 0 && len(f.Contact.Addresses) == 0: // somebody new has a number first
		return Decision{"no_contact", "Nobody is chosen yet", "Choose whom to write to", RuleKind, time.Time{}}
	case !slices.Contains(k.Sides(), f.Contact.Side):
		return Decision{"side", "Conversations of this kind are not with " + plural(f.Contact.Side), "Choose another kind, or change what the contact is to you", RuleKind, time.Time{}}
	case len(k.About()) == 0:
		return Decision{}
	case !slices.Contains(k.About(), f.Record.Type):
		return Decision{"no_record", "Nothing is chosen that it is about", recordFix(k), RuleKind, time.Time{}}
	case k != KindMaintenance && !f.Shared:
		return Decision{"other_client", "This record belongs to somebody else", "Choose one of theirs, or add them to the record", RuleKind, time.Time{}}
	}
	return Decision{}
}

func recordFix(k Kind) string {
	switch k {
	case KindMaintenance:
		return "Choose a maintenance request"
	case KindTopic:
		return "Choose a project"
	case KindJob, KindCustomer, KindPartner, KindDirect, KindTeam:
	}
	return "Choose a job or a quote of theirs"
}

func plural(s Side) string {
	switch s {
	case Tenant:
		return "tenants"
	case PropertyOwner:
		return "owners"
	case ServicePro:
		return "service pros"
	case Handyman:
		return "handymen"
	case Customer:
	}
	return "customers"
}

// mayStart says whether the policy lets this actor start one.
func mayStart(a Actor, p *Policy, f *Facts) Decision {
	switch {
	case a.Kind == BySystem && !p.Starters.System,
		a.Kind == BySystem && p.Kind == KindMaintenance && f.Record.SubmittedBy != 0 && !f.Settings.TenantRequests:
		return Decision{"starter", "Conversations of this kind do not start by themselves", "Switch it on in the settings", RuleKind, time.Time{}}
	case a.Kind == BySystem:
		return Decision{} // what arrived is kept, whatever the preset
	case !p.On:
		return Decision{"kind_off", "Conversations of this kind are not in use", "Choose a preset that has them, or switch the kind on in the settings", RuleKind, time.Time{}}
	case a.Kind == ByContact && !p.Starters.Contact:
		return Decision{"starter", "Only the team starts conversations of this kind", "Answer in the conversation that they started", RuleKind, time.Time{}}
	case a.Kind == ByStaff && !p.Starters.Staff:
		return Decision{"starter", "Conversations of this kind start by themselves", "Share the request with them, and the conversation appears", RuleKind, time.Time{}}
	case p.Subject == SubjectRequired && f.Subject == "":
		return Decision{"subject", "It needs a subject", "Say in a few words what it is about, such as: Kitchen tiles", RuleKind, time.Time{}}
	}
	return Decision{}
}

func decideMention(f *Facts) Decision {
	switch {
	case !f.Who.Active:
		return Decision{"inactive", "This colleague has left", "Mention somebody else", RuleAccount, time.Time{}}
	case !f.WhoSees:
		return Decision{"mention_unseen", f.Who.Name + " does not see this conversation, so the mention would not reach them", "Assign it to them or add them first, or take the @ away", RuleVisibility, time.Time{}}
	}
	return yes(RuleRole, "Whoever sees a conversation can be mentioned in it")
}

func decideParticipant(a Actor, do Action, f *Facts) Decision {
	p := f.Settings.Policy(f.Conversation.Kind)
	if !a.Role.Office() {
		return organiseRole()
	}
	sub := f.Who.Kind == ByContact && f.Who.Side.Subcontractor()
	switch {
	case f.Conversation.Kind == KindTeam:
		return Decision{"team", "The members of a team conversation are fixed", "Start one with the other colleague", RuleKind, time.Time{}}
	case do == DoRemoveParticipant:
		if f.Who.Kind == ByContact && f.Who.ID == int64(f.Conversation.Contact) {
			return Decision{"client", "The conversation is with them", "Close it instead", RuleKind, time.Time{}}
		}
		return yes(RuleRole, "The office says who takes part")
	case !f.Who.Active:
		return Decision{"inactive", "This person is not active any more", "Choose somebody else", RuleAccount, time.Time{}}
	case f.Who.Kind == ByStaff && !f.Who.Role.Office() && !f.WhoSees:
		return Decision{"role", "Tradies and apprentices see only what they are assigned to", "Assign them to the record, or assign the conversation to them", RuleRole, time.Time{}}
	case f.Who.Kind == ByStaff && !p.AddStaff,
		f.Who.Kind == ByContact && sub && f.Conversation.Kind == KindTopic && !p.AddSubcontractors,
		f.Who.Kind == ByContact && !p.AddContacts:
		return Decision{"participants", "People of this side are not added to conversations of this kind", "The owner can permit it in the settings", RuleKind, time.Time{}}
	}
	return yes(RuleKind, "The kind lets the office add people")
}

// decideHolder says who may take a conversation from the AI receptionist, and give it
// one: whoever may answer in it.
func decideHolder(a Actor, do Action, f *Facts) Decision {
	switch {
	case f.Conversation.Kind == KindTeam || f.Contact.ID == 0:
		return Decision{"team", "The AI receptionist has no part in conversations of the team", "", RuleKind, time.Time{}}
	case !answers(a.Role, f.Settings):
		return roleCannotAnswer(a.Role)
	case do == DoGiveBack && !f.Bot:
		return Decision{"no_receptionist", "There is no AI receptionist for texts", "Set receptionist.bot_url in the configuration", RuleGate, time.Time{}}
	case do == DoGiveBack && f.Conversation.Assignee != 0 && int64(f.Conversation.Assignee) != a.ID && !a.Role.Office():
		return Decision{"assigned", "It is assigned to " + f.Conversation.AssigneeName, "Ask them, or the office, to give it back", RuleRole, time.Time{}}
	case do == DoGiveBack && f.Conversation.Held:
		return Decision{"on_hold", "Sending is on hold in this conversation", "Lift the hold in its menu", RuleConversation, time.Time{}}
	}
	return yes(RuleRole, "Whoever may answer may take over, and give it back")
}

func organiseRole() Decision {
	return Decision{"role", "Your role can read and leave notes, not organise conversations", "Ask the office to do it", RuleRole, time.Time{}}
}

func decideOrganise(a Actor, do Action, f *Facts) Decision {
	switch {
	case !a.Role.Office():
		return organiseRole()
	case f.Conversation.Kind == KindTeam:
		return Decision{"team", "Conversations of the team are not assigned, closed or snoozed", "", RuleKind, time.Time{}}
	case do == DoAssign && f.Who.ID != 0 && !f.Who.Active:
		return Decision{"inactive", "This colleague has left", "Choose somebody else", RuleAccount, time.Time{}}
	case do == DoPlace && f.Record.ID != 0 && !f.Shared:
		return Decision{"other_client", "This record belongs to somebody else", "Choose one of theirs, or add them to the record", RuleKind, time.Time{}}
	}
	return yes(RuleRole, "The office organises conversations")
}

func decideRun(a Actor, do Action, f *Facts) Decision {
	switch {
	case !a.Role.Runs():
		return Decision{"role", "Only owners, office admins and sole traders can do this", "Ask one of them", RuleRole, time.Time{}}
	case do == DoManageTeam && f.Who.Role == Owner && a.Role != Owner:
		return Decision{"role", "Only an owner changes an owner's account", "Ask an owner", RuleRole, time.Time{}}
	case do == DoManageTeam && f.Who.ID == a.ID && f.Who.ID != 0:
		return Decision{"self", "Nobody switches off their own account or changes their own role", "Ask another owner or admin", RuleRole, time.Time{}}
	}
	return yes(RuleRole, "Their role runs the business")
}
