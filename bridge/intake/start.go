package intake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
	"porchlight/data"
)

// A Start is a conversation that somebody of the team wants to begin.
type Start struct {
	Kind bridge.Kind
	// Contact is whom it is with; or Phone, which makes a contact where it is new.
	Contact bridge.ContactID
	Phone   string
	Name    string
	Record  bridge.RecordID
	// Colleague is whom a conversation of the team is with; 0 is everybody.
	Colleague bridge.StaffID
	Subject   string
	// Body is the first message; empty opens the conversation without one.
	Body     string
	ClientID string
	// Files are what the writer uploaded for the first message.
	Files []bridge.AttachmentID
}

// Start opens a conversation with its first message, or finds the one that there
// is and says it there. It gives the conversation.
func (in *Intake) Start(ctx context.Context, actor bridge.Staff, s Start) (id bridge.ConversationID, err error) {
	s.Subject = strings.Join(strings.Fields(bridge.CleanText(s.Subject)), " ")
	if utf8.RuneCountInString(s.Subject) > bridge.MaxTitle {
		return 0, &bridge.Invalid{Field: "subject", Problem: fmt.Sprintf("A subject has at most %d characters", bridge.MaxTitle)}
	}
	draft := Draft{Body: s.Body, ClientID: s.ClientID, Files: s.Files}
	if err := checkKey(s.ClientID); err != nil { // that of a topic is kept without a message too
		return 0, err
	}
	if !draft.empty() {
		if err := draft.clean(); err != nil {
			return 0, err
		}
	}
	if !s.Kind.Valid() {
		return 0, &bridge.Invalid{Field: "kind", Problem: "Choose what kind of conversation it is"}
	}
	err = in.Store.Write(ctx, func(tx *data.Tx) (err error) {
		id, err = in.start(tx, actor, s, draft)
		return err
	})
	return id, err
}

func (in *Intake) start(tx *data.Tx, actor bridge.Staff, s Start, draft Draft) (bridge.ConversationID, error) {
	now := in.Now()
	if err := mayStartAny(tx, actor, s.Kind); err != nil {
		return 0, err
	}
	f, err := in.startFacts(tx, actor, &s, now)
	if err != nil {
		return 0, err
	}
	key := s.about(f, actor)
	conv, err := in.existing(tx, actor, key)
	found := err == nil
	if err != nil && !errors.Is(err, bridge.ErrNotFound) {
		if d := bridge.Decide(actor.Actor(), bridge.DoStart, &f); !d.Allowed() {
			return 0, d.Err() // whether others have one is nothing to who may start none
		}
		return 0, err
	}
	if found {
		if draft.empty() {
			return conv.ID, nil
		}
		if draft.ClientID != "" { // said before, whatever has changed since
			if m, err := tx.MessageByClient(conv.ID, draft.ClientID); err == nil {
				return conv.ID, sameWriter(m, actor, bridge.DoReply)
			} else if !errors.Is(err, bridge.ErrNotFound) {
				return 0, err
			}
		}
		if f, err = in.Facts(tx, actor, conv); err != nil {
			return 0, err
		}
	}
	if err := in.withFiles(tx, &f, actor.Actor().Uploader(), &draft); err != nil {
		return 0, err
	}
	do := bridge.DoStart
	if found {
		do = bridge.DoReply
	}
	d := bridge.Decide(actor.Actor(), do, &f)
	if !d.Allowed() {
		return 0, d.Err()
	}
	draft.leave = d.NotBefore
	if !found {
		id, err := in.open(tx, &f, key, actor, now)
		if err != nil {
			return 0, err
		}
		if f.Conversation, err = tx.Conversation(actor, id); err != nil {
			return 0, err
		}
	}
	if draft.empty() {
		return f.Conversation.ID, nil
	}
	_, err = in.say(tx, actor, &f, draft, bridge.DoReply, now)
	return f.Conversation.ID, err
}

// mayStartAny refuses whose role starts no conversation of the kind at all, before
// anything is looked up: what they are told must not depend on whom we know.
func mayStartAny(tx *data.Tx, actor bridge.Staff, kind bridge.Kind) error {
	s, err := tx.Settings()
	if err != nil {
		return err
	}
	d := bridge.Decide(actor.Actor(), bridge.DoStart, &bridge.Facts{Settings: s, Conversation: bridge.Conversation{Kind: kind}})
	if d.Rule == bridge.RuleRole || d.Rule == bridge.RuleAccount {
		return d.Err()
	}
	return nil
}

// existing finds the conversation that there already is. One that the actor does
// not see is denied: it must not be begun a second time.
func (in *Intake) existing(tx *data.Tx, actor bridge.Staff, key string) (c bridge.Conversation, err error) {
	id, err := tx.ConversationAbout(key)
	if err != nil {
		return c, err
	}
	c, err = tx.Conversation(actor, id)
	if errors.Is(err, bridge.ErrNotFound) {
		err = &bridge.Denied{Code: "others", Sentence: "Colleagues have this conversation already, and you do not take part in it", Fix: "Ask them to add you"}
	}
	return c, err
}

// about names what there is one conversation about; a topic is always a new one.
func (s Start) about(f bridge.Facts, actor bridge.Staff) string {
	switch s.Kind {
	case bridge.KindTeam:
		if s.Colleague == 0 {
			return "team"
		}
		return fmt.Sprintf("team:%d:%d", min(actor.ID, s.Colleague), max(actor.ID, s.Colleague))
	case bridge.KindMaintenance:
		return fmt.Sprintf("maintenance:%d:%s", s.Record, f.Contact.Side)
	case bridge.KindJob:
		return about("record", int64(s.Record))
	case bridge.KindTopic:
		if s.ClientID != "" {
			return fmt.Sprintf("topic:%d:%s", actor.ID, s.ClientID) // a form's key is its sender's own
		}
		return "topic:" + rand.Text()
	case bridge.KindCustomer, bridge.KindPartner, bridge.KindDirect:
	}
	return about(s.Kind, int64(s.Contact))
}

func about[T ~string](what T, id int64) string { return string(what) + ":" + strconv.FormatInt(id, 10) }

// startFacts are what Decide is told of a conversation that is not there yet.
func (in *Intake) startFacts(tx *data.Tx, actor bridge.Staff, s *Start, now time.Time) (f bridge.Facts, err error) {
	f.Conversation.Kind, f.Subject, f.Text = s.Kind, s.Subject, true
	if f.Settings, err = tx.Settings(); err != nil {
		return f, err
	}
	if s.Kind == bridge.KindTeam {
		if s.Colleague == actor.ID {
			return f, &bridge.Invalid{Field: "staff", Problem: "Choose a colleague"}
		}
		if s.Colleague != 0 {
			who, err := tx.StaffMember(s.Colleague)
			if err != nil {
				return f, &bridge.Invalid{Field: "staff", Problem: "Choose a colleague"}
			}
			f.Who = who.Actor()
		}
		in.route(&f, false)
		return f, nil
	}
	if f.Contact, err = in.startContact(tx, actor, s, now); err != nil {
		return f, err
	}
	s.Contact = f.Contact.ID
	if s.Record != 0 {
		if f.Record, err = tx.Record(s.Record); err != nil {
			return f, &bridge.Invalid{Field: "record", Problem: "Choose one of their jobs, quotes or projects"}
		}
	}
	return f, in.routeOut(tx, &f)
}

// startContact finds whom it is with, or makes a contact of a number that nobody
// has yet.
func (in *Intake) startContact(tx *data.Tx, actor bridge.Staff, s *Start, now time.Time) (bridge.Contact, error) {
	if s.Contact != 0 {
		c, err := tx.Contact(s.Contact)
		if err == nil && c.MergedInto != 0 {
			c, err = tx.Contact(c.MergedInto)
		}
		if errors.Is(err, bridge.ErrNotFound) {
			err = &bridge.Invalid{Field: "contact", Problem: "Choose whom to write to"}
		}
		return c, err
	}
	if strings.TrimSpace(s.Phone) == "" {
		return bridge.Contact{}, nil
	}
	phone, err := in.ParsePhone(s.Phone)
	if err != nil {
		return bridge.Contact{}, err
	}
	if _, err := tx.LineByPhone(string(phone)); err == nil {
		return bridge.Contact{}, &bridge.Invalid{Field: "phone", Problem: "This is the business's own number"}
	}
	known, err := tx.AddressesOf(bridge.SMS, string(phone))
	if err != nil {
		return bridge.Contact{}, err
	}
	if len(known) > 0 {
		return tx.Contact(known[0].Contact)
	}
	if err := bridge.Decide(actor.Actor(), bridge.DoEditContact, &bridge.Facts{}).Err(); err != nil {
		return bridge.Contact{}, err
	}
	c := bridge.Contact{Addresses: []bridge.Address{{Channel: bridge.SMS, Value: string(phone), Answerable: true}}}
	if err := (ContactChange{Name: &s.Name}).apply(&c); err != nil {
		return bridge.Contact{}, err
	}
	return tx.AddContact(c, now)
}

// open stores a new conversation with those who take part in it.
func (in *Intake) open(tx *data.Tx, f *bridge.Facts, key string, starter bridge.Staff, now time.Time) (bridge.ConversationID, error) {
	start := data.Start{Kind: f.Conversation.Kind, About: key, Contact: f.Contact, Record: f.Record.ID, Subject: f.Subject, At: now}
	if f.By == bridge.SMS {
		line, err := tx.SendingLine(0)
		if errors.Is(err, bridge.ErrNotFound) {
			return 0, &bridge.Denied{Code: "no_line", Sentence: "No number of the business is in use", Fix: "Add one to the configuration"}
		}
		if err != nil {
			return 0, fmt.Errorf("find line: %w", err)
		}
		start.Line = line.ID
	}
	team, err := in.takePart(tx, f, starter)
	if err != nil {
		return 0, err
	}
	if start.Kind == bridge.KindTeam {
		start.Title = teamTitle(key, team)
	}
	id, _, err := tx.FindOrStart(start)
	if err != nil {
		return 0, err
	}
	for _, s := range team {
		if err := tx.AddParticipant(bridge.Participant{Conversation: id, Staff: s.ID, AddedAt: now}); err != nil {
			return 0, err
		}
	}
	if f.Conversation.Kind != bridge.KindTopic {
		return id, nil
	}
	for _, c := range f.Record.Contacts { // everybody of the project
		who, err := tx.Contact(c)
		if err != nil {
			return 0, err
		}
		if who.Side.Subcontractor() && !f.Settings.Policy(bridge.KindTopic).AddSubcontractors {
			continue
		}
		if err := tx.AddParticipant(bridge.Participant{Conversation: id, Contact: c, AddedAt: now}); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// takePart says which staff take part from the start: the starter, the record's
// team, and where none of these is of the office, those who run the business. So a
// conversation that only participants see is never one that nobody answers.
func (in *Intake) takePart(tx *data.Tx, f *bridge.Facts, starter bridge.Staff) (out []bridge.Staff, err error) {
	all, err := tx.Staff()
	if err != nil {
		return nil, err
	}
	everybody := f.Conversation.Kind == bridge.KindTeam && f.Who.ID == 0
	for _, s := range all {
		takes := s.ID == starter.ID || everybody || f.Who.Kind == bridge.ByStaff && int64(s.ID) == f.Who.ID
		for _, id := range f.Record.Staff {
			takes = takes || s.ID == id
		}
		if takes && s.Active {
			out = append(out, s)
		}
	}
	if f.Conversation.Kind == bridge.KindTeam || slices.ContainsFunc(out, func(s bridge.Staff) bool { return s.Role.Office() }) {
		return out, nil
	}
	for _, s := range all {
		if s.Active && s.Role.Runs() {
			out = append(out, s)
		}
	}
	return out, nil
}

// teamTitle names a conversation of the team; a page leaves out its reader's name.
func teamTitle(key string, team []bridge.Staff) string {
	if key == "team" {
		return "Everybody"
	}
	names := make([]string, len(team))
	for i, s := range team {
		names[i] = s.Name
	}
	return strings.Join(names, bridge.TeamJoin)
}

// openRequests makes the conversations that a maintenance request starts by itself:
// one with each connected person who submitted it or with whom it is shared.
func (in *Intake) openRequests(tx *data.Tx, r bridge.Record, now time.Time) error {
	if r.Type != bridge.Maintenance || r.Closed {
		return nil
	}
	s, err := tx.Settings()
	if err != nil || !s.Policy(bridge.KindMaintenance).On {
		return err
	}
	for _, id := range requesters(r) {
		c, err := tx.Contact(id)
		if err != nil {
			return err
		}
		f, key := in.requestFacts(s, c, r)
		if !bridge.Decide(bridge.System, bridge.DoStart, &f).Allowed() {
			continue // not connected yet, or switched off: asked again when that changes
		}
		if there, err := tx.ConversationAbout(key); !errors.Is(err, bridge.ErrNotFound) {
			if err == nil {
				err = joinRequest(tx, there, r, c, now)
			}
			if err != nil {
				return err
			}
			continue
		}
		f.Subject, f.Record = r.Title, r
		id, err := in.open(tx, &f, key, bridge.Staff{}, now)
		if err != nil {
			return err
		}
		if err := event(tx, id, startedBecause(r, c), now); err != nil {
			return err
		}
	}
	return nil
}

// joinRequest puts another one of the same side into the request's conversation,
// unless somebody has taken them out.
func joinRequest(tx *data.Tx, id bridge.ConversationID, r bridge.Record, c bridge.Contact, now time.Time) error {
	p := bridge.Participant{Conversation: id, Contact: c.ID, AddedAt: now}
	if was, err := tx.TookPart(p); err != nil || was {
		return err
	}
	if err := tx.AddParticipant(p); err != nil {
		return err
	}
	return event(tx, id, startedBecause(r, c), now)
}

func startedBecause(r bridge.Record, c bridge.Contact) string {
	if r.SubmittedBy == c.ID {
		return c.Title() + " submitted " + r.Label()
	}
	return r.Label() + " was shared with " + c.Title()
}

// joinTeam puts whoever joins the team into its common chat.
func (in *Intake) joinTeam(tx *data.Tx, p bridge.Staff, now time.Time) error {
	id, err := tx.ConversationAbout("team")
	if errors.Is(err, bridge.ErrNotFound) {
		return nil // it begins with its first message
	}
	if err != nil {
		return err
	}
	return tx.AddParticipant(bridge.Participant{Conversation: id, Staff: p.ID, AddedAt: now})
}
