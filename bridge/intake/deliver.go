package intake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// What leaves because somebody wrote: texts and mails to the other side, and word to
// the team of what came in by the portal.

// deliver queues a message to whom it is for, each in the way that they are told.
// What stands in the portal or the inbox needs no carrier.
func (in *Intake) deliver(tx *data.Tx, m bridge.Message, f *bridge.Facts, leave time.Time) (out []bridge.Delivery, err error) {
	for _, w := range f.Tell {
		ds, err := in.send(tx, m, f, f.Contact, w, leave)
		if err != nil {
			return nil, err
		}
		out = append(out, ds...)
	}
	more, err := in.deliverOthers(tx, m, f, leave)
	return append(out, more...), err
}

// send queues a message to one contact in one way.
func (in *Intake) send(tx *data.Tx, m bridge.Message, f *bridge.Facts, to bridge.Contact, w bridge.Way, leave time.Time) ([]bridge.Delivery, error) {
	switch w.Channel {
	case bridge.SMS:
		link := f.Settings.PortalOn && (f.Settings.Policy(f.Conversation.Kind).Link || to.ID != f.Contact.ID)
		return in.text(tx, m, f, to, w.To.Value, link, leave)
	case bridge.Email:
		d, err := in.mail(tx, bridge.Delivery{Message: m.ID, Conversation: m.Conversation, Contact: to.ID, To: w.To.Value, Hold: holdOf(m)}, m.At)
		return []bridge.Delivery{d}, err
	case bridge.Portal, bridge.Inbox, bridge.Voice:
	}
	return nil, nil
}

// deliverOthers tells the other contacts of a conversation, who read it in the portal.
func (in *Intake) deliverOthers(tx *data.Tx, m bridge.Message, f *bridge.Facts, leave time.Time) (out []bridge.Delivery, err error) {
	others, err := in.Others(tx, f)
	if err != nil {
		return nil, err
	}
	for _, o := range others {
		at := leave // and not at night: what others write is no answer to them
		if morning := f.Settings.Quiet(in.Now().In(in.zone(o.Contact))); morning.After(at) {
			at = morning
		}
		for _, w := range o.Ways {
			ds, err := in.send(tx, m, f, o.Contact, w, at)
			if err != nil {
				return nil, err
			}
			out = append(out, ds...)
		}
	}
	return out, nil
}

// An Other is a contact who takes part in a conversation beside the one whom it is
// with, and the ways in which they are told of a message.
type Other struct {
	Contact bridge.Contact
	Ways    []bridge.Way // texts and mails; none: they see it in the portal
}

// Others says who else is told of a message, and how.
func (in *Intake) Others(tx *data.Tx, f *bridge.Facts) (out []Other, err error) {
	if !f.Settings.PortalOn || f.Conversation.ID == 0 {
		return nil, nil
	}
	others, err := tx.OtherContacts(f.Conversation.ID, f.Contact.ID)
	if err != nil || len(others) == 0 {
		return nil, err
	}
	p := f.Settings.Policy(f.Conversation.Kind)
	_, err = tx.Mailbox()
	if err != nil && !errors.Is(err, bridge.ErrNotFound) {
		return nil, err
	}
	mail := err == nil
	for _, c := range others {
		o := Other{Contact: c}
		for _, w := range bridge.Tell(f.Settings, bridge.Ways(f.Settings, p, c, "", mail), c.Told) {
			if w.To.Usable() {
				o.Ways = append(o.Ways, w)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// text queues a message as a text, in as many parts as the carrier wants; or a text
// with a link to it.
func (in *Intake) text(tx *data.Tx, m bridge.Message, f *bridge.Facts, c bridge.Contact, to string, link bool, leave time.Time) ([]bridge.Delivery, error) {
	line, err := tx.SendingLine(f.Conversation.Line)
	if err != nil {
		return nil, fmt.Errorf("find line: %w", err)
	}
	at := m.At
	if leave.After(at) {
		at = leave
	} else if err := tx.ReleaseWaiting(m.Conversation, to, at); err != nil {
		return nil, fmt.Errorf("release what waits: %w", err)
	}
	parts, pictures := in.parts(m, to)
	if link {
		parts, pictures = []string{bridge.Secret}, false
	}
	out := make([]bridge.Delivery, 0, len(parts))
	for i, part := range parts {
		d := bridge.Delivery{
			Message: m.ID, Conversation: m.Conversation, Contact: c.ID, Line: line.ID, Channel: bridge.SMS,
			To: to, Segments: in.Segments(part), NextAt: at, ExpiresAt: at.Add(in.KeepTrying),
			Media: pictures && i == 0, Hold: holdOf(m),
		}
		if len(parts) > 1 || part != m.Body {
			d.Body = part
		}
		d, err := tx.AddDelivery(d, m.At)
		if err != nil {
			return nil, fmt.Errorf("queue delivery: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

// mail queues a mail. Mails wait a while, so that several messages make one, and none
// is sent of what was read meanwhile.
func (in *Intake) mail(tx *data.Tx, d bridge.Delivery, now time.Time) (bridge.Delivery, error) {
	line, err := tx.Mailbox()
	if err != nil {
		return d, fmt.Errorf("find mailbox: %w", err)
	}
	d.Channel, d.Line, d.NextAt, d.ExpiresAt = bridge.Email, line.ID, now.Add(in.Batch), now.Add(in.KeepTrying+in.Batch)
	d, err = tx.AddMail(d, now, mostBatches*in.Batch)
	if err != nil {
		return d, fmt.Errorf("queue mail: %w", err)
	}
	return d, nil
}

// mostBatches bounds how long a mail waits for further messages, in times Batch.
const mostBatches = 5

// alert tells the team of what came in by the portal, beside the inbox: the phones on
// duty by text, and who takes part by mail, as the kind says.
func (in *Intake) alert(tx *data.Tx, m bridge.Message, f *bridge.Facts) error {
	p := f.Settings.Policy(f.Conversation.Kind)
	if p.Alerts(bridge.SMS) && len(in.OnDuty) > 0 {
		if err := in.alertOnDuty(tx, m, f.Conversation.Line); err != nil {
			return err
		}
	}
	if !p.Alerts(bridge.Email) {
		return nil
	}
	if _, err := tx.Mailbox(); err != nil {
		if errors.Is(err, bridge.ErrNotFound) {
			err = nil
		}
		return err
	}
	members, err := tx.Members(f.Conversation.ID)
	if err != nil {
		return err
	}
	if a := f.Conversation.Assignee; a != 0 && !slices.Contains(members, a) {
		members = append(members, a)
	}
	for _, id := range members {
		s, err := tx.StaffMember(id)
		if err != nil {
			return err
		}
		if !s.Active || s.Invited {
			continue
		}
		if _, err := in.mail(tx, bridge.Delivery{Purpose: bridge.ForAlert, Message: m.ID, Conversation: m.Conversation, Staff: s.ID, To: s.Email}, m.At); err != nil {
			return err
		}
	}
	return nil
}

// alertOfText tells the phones on duty of a text, where the settings say so. What the
// AI receptionist answers is not theirs yet, and STOP and START ask for no answer. HELP
// does: it may be meant as it stands.
func (in *Intake) alertOfText(tx *data.Tx, came bridge.Inbound, m bridge.Message, optedOut bool) error {
	if len(in.OnDuty) == 0 {
		return nil
	}
	if word := cmp.Or(came.Keyword, bridge.ParseKeyword(m.Body, optedOut)); word == bridge.Stop || word == bridge.Start {
		return nil
	}
	if came.Recovered {
		m.At = in.Now() // an alert as old as its text would have expired, and be told before it left
	}
	return in.alertIfTexts(tx, m)
}

// alertOfWaiting tells the phones on duty of the newest text in a conversation that the
// AI receptionist does not hold any more, as if it came now.
func (in *Intake) alertOfWaiting(tx *data.Tx, id bridge.ConversationID) error {
	if len(in.OnDuty) == 0 {
		return nil
	}
	ms, err := tx.WrittenMessages(id, 0, 20)
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(ms) {
		if m.Direction == bridge.In && m.Channel == bridge.SMS {
			m.At = in.Now()
			return in.alertIfTexts(tx, m)
		}
	}
	return nil
}

func (in *Intake) alertIfTexts(tx *data.Tx, m bridge.Message) error {
	s, err := tx.Settings()
	if err != nil || !s.DutyTexts {
		return err
	}
	c, err := tx.AnyConversation(m.Conversation)
	if err != nil || c.Hold != 0 || !s.Policy(c.Kind).Alerts(bridge.SMS) {
		return err
	}
	return in.alertOnDuty(tx, m, c.Line)
}

// alertOnDuty texts a message to the phones on duty, by the line that it came to where
// that is known.
func (in *Intake) alertOnDuty(tx *data.Tx, m bridge.Message, known bridge.LineID) error {
	line, err := tx.SendingLine(known)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil // no number is in use, so nothing can be texted
	}
	if err != nil {
		return err
	}
	for _, phone := range in.OnDuty {
		if hears, err := in.hears(tx, phone); err != nil {
			return err
		} else if !hears {
			continue
		}
		if _, err := tx.AddDelivery(bridge.Delivery{
			Purpose: bridge.ForAlert, Message: m.ID, Conversation: m.Conversation, Line: line.ID, Channel: bridge.SMS,
			To: string(phone), Body: bridge.Secret, NextAt: m.At, ExpiresAt: m.At.Add(in.KeepTrying),
		}, m.At); err != nil {
			return fmt.Errorf("queue alert: %w", err)
		}
	}
	return nil
}

// hears reports whether a phone on duty is told of messages: not where it texted STOP,
// nor where it is that of somebody whose account is switched off.
func (in *Intake) hears(tx *data.Tx, phone bridge.Phone) (bool, error) {
	if off, err := tx.OffDuty(string(phone)); err != nil || off {
		return false, err
	}
	left, err := tx.LeftWith(string(phone))
	return !left, err
}

// lineFor is the line that something leaves by on a channel.
func (in *Intake) lineFor(tx *data.Tx, ch bridge.Channel, known bridge.LineID) (bridge.Line, error) {
	if ch == bridge.Email {
		return tx.Mailbox()
	}
	return tx.SendingLine(known)
}
