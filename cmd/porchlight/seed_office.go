package main

import (
	"fmt"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// The demo's jobs and quotes, who works on them, and what is said about them.

type demoRecord struct {
	kind       bridge.RecordType
	ref, title string
	stage      string
	client     string // phone
	staff      []int  // indexes into the team
	sent       bool   // to the portal
	ago        time.Duration
	starts     bool // has a conversation
	says       []demoText
	placed     string // words of a text of the client that is about it
	because    string
}

func demoRecords() []demoRecord {
	return []demoRecord{
		{kind: bridge.Job, ref: "1042", title: "Boiler replacement", stage: "Construction", client: "+14155550134", staff: []int{2}, ago: 12 * day, starts: true,
			placed: "Yes please. The gauge", because: "the team wrote about it 4 hours before",
			says: []demoText{
				{ago: 18 * time.Minute, by: 0, body: "Hello Priya, the new boiler is here. Jo fits it on Monday; the water is off from 09:00 until about noon."},
				{ago: 12 * time.Minute, by: -1, body: "Perfect. The side gate will be open."}}},
		{kind: bridge.Quote, ref: "91", title: "Smart thermostat", client: "+14155550134", ago: 3 * day},
		{kind: bridge.Quote, ref: "88", title: "Bathroom refit", client: "+14155550119", sent: true, ago: 20 * day},
		{kind: bridge.Job, ref: "1049", title: "Burst pipe in the kitchen", client: "+14155550131", staff: []int{0}, ago: time.Hour},
		{kind: bridge.Job, ref: "1051", title: "Damp in flat 3B", stage: "Survey done", client: "+14155550172", staff: []int{1, 2}, ago: 3 * day},
	}
}

// seedOffice adds what the team has beside its texts.
func seedOffice(tx *data.Tx, line bridge.LineID, team []bridge.Staff, now time.Time) error {
	s, err := tx.Settings()
	if err != nil {
		return err
	}
	open := *s
	open.PortalOn, open.UrgentPhone = true, "+14155550199"
	for i := range open.Policies {
		open.Policies[i].On = open.Policies[i].On || open.Policies[i].Kind == bridge.KindTeam
	}
	if err := tx.PutSettings(&open); err != nil {
		return err
	}
	for _, r := range demoRecords() {
		if err := r.seed(tx, line, team, now); err != nil {
			return fmt.Errorf("%s: %w", r.title, err)
		}
	}
	if err := seedHandyman(tx, line, team, now); err != nil {
		return err
	}
	return seedTeamChat(tx, team, now)
}

func (r demoRecord) seed(tx *data.Tx, line bridge.LineID, team []bridge.Staff, now time.Time) error {
	at, err := tx.AddressesOf(bridge.SMS, r.client)
	if err != nil || len(at) == 0 {
		return fmt.Errorf("find %s: %w", r.client, err)
	}
	client, err := tx.Contact(at[0].Contact)
	if err != nil {
		return err
	}
	rec := bridge.Record{Type: r.kind, Reference: r.ref, Title: r.title, Stage: r.stage, Contacts: []bridge.ContactID{client.ID}}
	if r.sent {
		rec.SentToPortal = now.Add(-r.ago + day)
	}
	for _, i := range r.staff {
		rec.Staff = append(rec.Staff, team[i].ID)
	}
	if rec, err = tx.AddRecord(rec, now.Add(-r.ago)); err != nil {
		return err
	}
	if r.starts {
		if err := r.talk(tx, rec, client, team, now); err != nil {
			return err
		}
	}
	if r.placed == "" {
		return nil
	}
	about, err := tx.ConversationAbout(fmt.Sprintf("customer:%d", client.ID))
	if err != nil {
		return err
	}
	ms, err := tx.Messages(about, 0, 20)
	for _, m := range ms {
		if err == nil && len(m.Body) >= len(r.placed) && m.Body[:len(r.placed)] == r.placed {
			err = tx.Place(bridge.Placement{Message: m.ID, Record: rec.ID, Because: r.because, At: m.At})
		}
	}
	return err
}

func (r demoRecord) talk(tx *data.Tx, rec bridge.Record, client bridge.Contact, team []bridge.Staff, now time.Time) error {
	id, _, err := tx.FindOrStart(data.Start{Kind: bridge.KindJob, About: fmt.Sprintf("record:%d", rec.ID), Contact: client, Record: rec.ID, At: now.Add(-r.ago)})
	if err != nil {
		return err
	}
	if err := tx.AddParticipant(bridge.Participant{Conversation: id, Staff: team[0].ID, AddedAt: now}); err != nil {
		return err
	}
	for _, t := range r.says {
		m := bridge.Message{Conversation: id, At: now.Add(-t.ago), Direction: bridge.In, Channel: bridge.Portal, Body: t.body,
			Author: bridge.Author{Kind: bridge.ByContact, ID: int64(client.ID), Name: client.Title()}}
		if t.by >= 0 {
			m.Direction, m.Author = bridge.Out, bridge.Author{Kind: bridge.ByStaff, ID: int64(team[t.by].ID), Name: team[t.by].Name}
		}
		if m, err = tx.AddMessage(m); err != nil {
			return err
		}
		for _, p := range team {
			if _, err := tx.MarkRead(id, p.ID, m.ID, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// seedHandyman is a partner's man, with whom the office has a conversation of its own.
func seedHandyman(tx *data.Tx, line bridge.LineID, team []bridge.Staff, now time.Time) error {
	ravi, err := tx.AddContact(bridge.Contact{Name: "Ravi Mehta", Company: "Mehta Tiling", Side: bridge.Handyman, Busy: true,
		Addresses: []bridge.Address{{Channel: bridge.SMS, Value: "+14155550183", Answerable: true}}}, now.Add(-60*day))
	if err != nil {
		return err
	}
	id, _, err := tx.FindOrStart(data.Start{Kind: bridge.KindPartner, About: fmt.Sprintf("partner:%d", ravi.ID), Contact: ravi, Line: line, At: now.Add(-5 * day)})
	if err != nil {
		return err
	}
	if err := tx.SetRoute(id, line, "+14155550183"); err != nil {
		return err
	}
	for _, t := range []demoText{
		{ago: 5 * day, by: 1, body: "Hi Ravi, Maya from Brightwater. Could you tile the shower in flat 3B once the seal is done? Key from the front desk, code on site."},
		{ago: 5*day - time.Hour, by: -1, body: "Sure, Thursday afternoon works."},
	} {
		m, err := t.seed(tx, id, ravi, line, team, now)
		if err != nil {
			return err
		}
		for _, p := range team {
			if _, err := tx.MarkRead(id, p.ID, m.ID, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// seedTeamChat is what colleagues say to each other: all together, and two alone.
func seedTeamChat(tx *data.Tx, team []bridge.Staff, now time.Time) error {
	for _, chat := range []struct {
		about, title string
		members      []int
		says         []demoText
	}{
		{"team", "Everybody", []int{0, 1, 2}, []demoText{
			{ago: 26 * time.Hour, by: 1, body: "The van with the long ladder is at the garage until Friday."},
			{ago: 25 * time.Hour, by: 2, body: "Then I take the small one to Oakfield."}}},
		{fmt.Sprintf("team:%d:%d", team[0].ID, team[1].ID), team[0].Name + bridge.TeamJoin + team[1].Name, []int{0, 1}, []demoText{
			{ago: 40 * time.Minute, by: 1, body: "@Sam the text to Oakfield did not arrive, they have a landline there. Can you call?"}}},
	} {
		id, _, err := tx.FindOrStart(data.Start{Kind: bridge.KindTeam, About: chat.about, Title: chat.title, At: now.Add(-chat.says[0].ago)})
		if err != nil {
			return err
		}
		for _, i := range chat.members {
			if err := tx.AddParticipant(bridge.Participant{Conversation: id, Staff: team[i].ID, AddedAt: now}); err != nil {
				return err
			}
		}
		for _, t := range chat.says {
			m, err := tx.AddMessage(bridge.Message{Conversation: id, At: now.Add(-t.ago), Direction: bridge.In, Channel: bridge.Inbox, Body: t.body,
				Author: bridge.Author{Kind: bridge.ByStaff, ID: int64(team[t.by].ID), Name: team[t.by].Name}})
			if err != nil {
				return err
			}
			for _, who := range bridge.Mentions(t.body, team) {
				if err := tx.AddMention(m, who.ID); err != nil {
					return err
				}
			}
			for _, i := range chat.members {
				if i != 0 || len(chat.members) > 2 {
					if _, err := tx.MarkRead(id, team[i].ID, m.ID, now); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}
