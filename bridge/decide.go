package bridge

// An Action is something that a person asks to do with a conversation.
type Action string

const (
	DoSee         Action = "see"
	DoReply       Action = "reply"
	DoNote        Action = "note"
	DoAssign      Action = "assign"
	DoClose       Action = "close"
	DoReopen      Action = "reopen"
	DoSnooze      Action = "snooze"
	DoMarkUrgent  Action = "mark_urgent"
	DoRetry       Action = "retry"
	DoEditContact Action = "edit_contact"
)

// Actions lists every action.
var Actions = [...]Action{DoSee, DoReply, DoNote, DoAssign, DoClose, DoReopen, DoSnooze, DoMarkUrgent, DoRetry, DoEditContact}

// Facts are what Decide needs to know of a conversation.
type Facts struct {
	Conversation Conversation
	// To is the address that a reply would go to; its zero value means that
	// the contact has none for the channel.
	To Address
	// By is the channel that a reply would take.
	By Channel
}

// Decide answers every "may I" of Porchlight, for every door. It is nil when the
// actor may, and a *Denied with the reason and the fix otherwise. Consent and law
// come first among the reasons to refuse a reply, then the role's cap.
func Decide(actor Staff, do Action, f Facts) error {
	if !actor.Active {
		return &Denied{"inactive", "This account is switched off", "Ask the owner to switch it on again"}
	}
	if !actor.Role.SeesAll() && f.Conversation.Assignee != actor.ID {
		return ErrNotFound // what one may not see does not exist
	}
	switch do {
	case DoSee, DoNote:
		return nil
	case DoReply, DoRetry:
		return decideSend(f)
	case DoAssign, DoClose, DoReopen, DoSnooze, DoMarkUrgent, DoEditContact:
		if !actor.Role.SeesAll() {
			return &Denied{"role", "Your role can read and answer, not organise conversations", "Ask the office to do it"}
		}
		return nil
	}
	return &Denied{"unknown_action", "Porchlight does not know this action", ""}
}

func decideSend(f Facts) error {
	switch {
	case f.By != SMS:
		return &Denied{"channel", "Only texts can be sent from this conversation", "Choose SMS"}
	case f.To.Value == "":
		return &Denied{"no_phone", "There is no mobile number for this contact", "Add a number in the contact panel"}
	case f.To.OptedOut:
		return &Denied{"opted_out", "They texted STOP, so texts to this number are blocked", "Call them, or wait until they text START"}
	case !f.To.Answerable:
		return &Denied{"not_answerable", "This sender cannot receive texts", "Call them, or add a mobile number in the contact panel"}
	}
	return nil
}
