package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/sms"
	"porchlight/data"
)

// The demo's people. Every number is of the range that is kept for fiction.
type demoContact struct {
	name, phone string
	says        []demoText
	assignee    int // index into the team, -1 nobody
	urgent      bool
	state       bridge.ConversationState
	unread      bool
}

type demoText struct {
	ago  time.Duration
	by   int // -1: the contact; else index into the team
	body string
	note bool
	// fails with this code instead of being delivered
	fails string
}

const day = 24 * time.Hour

// noPassword is a hash that no password has.
const noPassword = "!"

func demoTeam() []bridge.Staff {
	return []bridge.Staff{
		{Name: "Sam Ortiz", Email: "sam@example.com", Phone: demoOnDuty, Role: bridge.Owner},
		{Name: "Maya Quinn", Email: "maya@example.com", Role: bridge.Admin},
		{Name: "Jo Park", Email: "jo@example.com", Role: bridge.Tradie},
	}
}

func demoContacts() []demoContact {
	in := func(ago time.Duration, body string) demoText { return demoText{ago: ago, by: -1, body: body} }
	out := func(ago time.Duration, by int, body string) demoText { return demoText{ago: ago, by: by, body: body} }
	return []demoContact{
		{name: "Priya Raman", phone: "+14155550134", assignee: 0, unread: true, says: append(demoHistory(),
			in(26*time.Hour, "Is anyone there? The boiler has lost pressure again"),
			out(25*time.Hour, 1, "Hi Priya, Maya from Brightwater here. Is water leaking anywhere right now?"),
			in(25*time.Hour-2*time.Minute, "No leak, just no hot water"),
			demoText{ago: 5 * time.Hour, by: 1, body: "She has a baby at home, please take the first slot tomorrow. The key safe code is on the job.", note: true},
			out(4*time.Hour, 0, "Morning Priya, Sam from Brightwater. I can be with you tomorrow between 08:00 and 09:00. Does that work?"),
			in(24*time.Minute, "Yes please. The gauge is at 0.4 now"),
			in(6*time.Minute, "Also, can you bring the spare thermostat?"))},
		{name: "Tom Becker", phone: "+14155550131", assignee: -1, urgent: true, unread: true, says: []demoText{
			in(3*time.Minute, "Water coming through the kitchen ceiling!! Stopcock is stuck")}},
		{name: "Oakfield Lettings", phone: "+14155550172", assignee: 1, says: []demoText{
			in(3*day, "Could you look at the damp in flat 3B this week?"),
			out(3*day-time.Hour, 1, "We can be there on Thursday at 10. Shall we collect the key from you?"),
			in(3*day-2*time.Hour, "Yes, from the front desk"),
			{ago: 47 * time.Minute, by: 1, body: "Hi, Maya from Brightwater Plumbing. The survey of flat 3B is done: the seal of the shower tray has gone. Shall we book the repair?", fails: "30006"}}},
		{name: "", phone: "+14155550166", assignee: -1, unread: true, says: []demoText{
			in(90*time.Minute, "hi do you do tap replacements in Westbrook?")}},
		{name: "Northside Dental", phone: "+14155550147", assignee: 0, says: []demoText{
			in(2*time.Hour, "Which engineer is coming on Thursday? Reception needs the name.")}},
		{name: "Grace Lindqvist", phone: "+14155550119", assignee: 0, state: bridge.Waiting, says: []demoText{
			in(2*day, "Thanks for the quote. We will decide by the weekend."),
			out(day+5*time.Hour, 0, "Shall I hold the March start date for you?")}},
		{name: "Hannah Cole", phone: "+14155550102", assignee: -1, says: []demoText{
			out(6*day, 1, "Hi Hannah, your bathroom is due its yearly check. Reply with a day that suits you."),
			in(5*day, "STOP")}},
		{name: "Luis Ferreira", phone: "+14155550155", assignee: 1, state: bridge.Waiting, says: []demoText{
			in(7*time.Hour, "Is Monday still on for the water heater?"),
			out(6*time.Hour, 1, "All set for Monday 09:30. Please keep the drive clear.")}},
		{name: "Dev Anand", phone: "+14155550157", assignee: 1, state: bridge.Snoozed, says: []demoText{
			in(3*day, "I am away until the 30th, text me then.")}},
		{name: "Ruth Okafor", phone: "+14155550161", assignee: 2, says: []demoText{
			in(9*time.Hour, "The new radiator is lovely and warm. One valve drips a little."),
			out(8*time.Hour, 2, "Glad to hear it, Ruth. I have a spare valve in the van and can drop by on Friday.")}},
		{name: "Ben Castellano", phone: "+14155550128", assignee: 0, state: bridge.Closed, says: []demoText{
			in(8*day, "All good now, thank you!")}},
	}
}

// demoHistory is old talk, enough to scroll up through.
func demoHistory() []demoText {
	ask := []string{"Could somebody look at the radiator in the hall?", "It knocks at night, mostly after ten.", "Thursday would be good.", "What would a new boiler cost, roughly?", "And how long does the work take?", "The quote looks fine, thank you."}
	answer := []string{"Of course. Is it warm at the top and cold at the bottom?", "That is air in the pipes. We can bleed it on Thursday.", "Booked for Thursday, 10 to 11.", "For a house like yours between two and three thousand. We will send a quote.", "One day, and you have hot water again in the evening.", "Great. We will call when the boiler is here."}
	var out []demoText
	for round := range 12 {
		for i := range ask {
			at := time.Duration(40-3*round)*day - time.Duration(i)*7*time.Hour
			out = append(out, demoText{ago: at, by: -1, body: ask[i]}, demoText{ago: at - 40*time.Minute, by: round % 2, body: answer[i]})
		}
	}
	return out
}

// seedDemo fills an empty store with the firm and gives its owner. A store that
// has somebody in it stays as it is.
func seedDemo(ctx context.Context, cfg Config) (owner bridge.StaffID, err error) {
	s, err := openStore(ctx, cfg)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	err = s.Write(ctx, func(tx *data.Tx) error {
		team, err := tx.Staff()
		if err != nil {
			return err
		}
		for _, p := range team {
			if p.Role == bridge.Owner {
				owner = p.ID
				return nil
			}
		}
		line, err := tx.PutLine(cfg.Lines[0])
		if err != nil {
			return err
		}
		team = demoTeam()
		for i, p := range team { // nobody can sign in with this, and nobody needs to
			if team[i], err = tx.AddStaff(p, noPassword, now.Add(-90*day)); err != nil {
				return err
			}
			if p.Phone == "" {
				continue
			}
			if err := tx.SetStaffPhone(team[i].ID, p.Phone); err != nil {
				return err
			}
		}
		owner = team[0].ID
		for _, c := range demoContacts() {
			if err := c.seed(tx, line, team, now); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
		return seedOffice(tx, line, team, now)
	})
	return owner, errors.Join(err, s.Close())
}

func (c demoContact) seed(tx *data.Tx, line bridge.LineID, team []bridge.Staff, now time.Time) error {
	contact, err := tx.AddContact(bridge.Contact{Name: c.name, Addresses: c.addresses()}, now.Add(-c.says[0].ago))
	if err != nil {
		return err
	}
	id, err := tx.CustomerConversation(contact, line, now.Add(-c.says[0].ago))
	if err != nil {
		return err
	}
	var last, old bridge.Message // old: the newest that the owner has seen
	for _, t := range c.says {
		if last, err = t.seed(tx, id, contact, line, team, now); err != nil {
			return err
		}
		if !c.unread || t.by >= 0 {
			old = last
		}
	}
	if err := tx.SetRoute(id, line, c.phone); err != nil {
		return err
	}
	if c.assignee >= 0 {
		err = errors.Join(tx.Assign(id, team[c.assignee].ID), tx.AddParticipant(bridge.Participant{Conversation: id, Staff: team[c.assignee].ID, AddedAt: now}))
	}
	if c.urgent {
		err = errors.Join(err, tx.SetUrgent(id, true))
	}
	switch c.state {
	case bridge.Snoozed:
		err = errors.Join(err, tx.SetState(id, bridge.Snoozed, now.Add(2*day)))
	case bridge.Closed:
		err = errors.Join(err, tx.SetState(id, bridge.Closed, time.Time{}))
	}
	for _, p := range team {
		seen := last.ID
		if p.ID == team[0].ID {
			seen = old.ID
		}
		if err == nil {
			_, err = tx.MarkRead(id, p.ID, seen, now)
		}
	}
	return err
}

// addresses are the phone and, of who has a name, a mailbox.
func (c demoContact) addresses() []bridge.Address {
	as := []bridge.Address{{Channel: bridge.SMS, Value: c.phone, Answerable: true}}
	if first, _, _ := strings.Cut(c.name, " "); first != "" {
		as = append(as, bridge.Address{Channel: bridge.Email, Value: strings.ToLower(first) + "@example.com", Answerable: true})
	}
	return as
}

func (t demoText) seed(tx *data.Tx, id bridge.ConversationID, contact bridge.Contact, line bridge.LineID, team []bridge.Staff, now time.Time) (bridge.Message, error) {
	at := now.Add(-t.ago)
	m := bridge.Message{Conversation: id, At: at, Direction: bridge.In, Channel: bridge.SMS, Body: t.body,
		Author: bridge.Author{Kind: bridge.ByContact, ID: int64(contact.ID), Name: contact.Title()}}
	if t.by >= 0 {
		m.Direction, m.Author = bridge.Out, bridge.Author{Kind: bridge.ByStaff, ID: int64(team[t.by].ID), Name: team[t.by].Name}
	}
	if t.note {
		m.Direction, m.Channel = bridge.Note, bridge.Inbox
	}
	m, err := tx.AddMessage(m)
	if err != nil || m.Direction == bridge.Note {
		return m, err
	}
	to := contact.Addresses[0].Value
	if m.Direction == bridge.In {
		if bridge.ParseKeyword(t.body, false) == bridge.Stop {
			err = tx.AddConsent(data.Consent{Line: line, Channel: bridge.SMS, Value: to, Out: true, Source: "keyword", Message: m.ID, At: at})
		}
		return m, err
	}
	d, err := tx.AddDelivery(bridge.Delivery{Message: m.ID, Conversation: id, Contact: contact.ID, Line: line, Channel: bridge.SMS, To: to}, at)
	if err != nil {
		return m, err
	}
	d.State, d.SentAt, d.Attempts, d.NextAt = bridge.Delivered, at.Add(time.Second), 1, time.Time{}
	var why bridge.Failure
	if t.fails != "" {
		d.State, d.Code, why = bridge.Undelivered, t.fails, sms.Explain(t.fails)
	}
	return m, tx.SaveDelivery(d, bridge.Sent, why, at.Add(2*time.Second))
}
