package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nyaruka/phonenumbers"

	"porchlight/bridge"
	"porchlight/data"
)

// A CallPlan says what happens with a call now.
type CallPlan struct {
	Greeting string
	Numbers  []bridge.Phone // that ring; none: nobody is there
	Ring     time.Duration
	ToAI     bool // the number is the AI receptionist's
	// Screen: who takes the call presses a key first, so that nobody's own voicemail
	// takes it.
	Screen bool
	// Refuse: it is a call to the line that a phone of ours sent back to it.
	Refuse bool
	// Voicemail is said before the tone; empty: callers cannot leave word.
	Voicemail string
	Business  string
}

// CallBegins keeps a call to a line and says what happens with it. The same call again
// gets the same answer.
func (in *Intake) CallBegins(ctx context.Context, c bridge.Call, raw string) (plan CallPlan, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		if c.Line, err = in.calledLine(tx, c.To); err != nil {
			return err
		}
		others, err := tx.CallsSince(c.From, c.Line, in.Now().Add(-longTalk))
		if err != nil {
			return err
		}
		others = slices.DeleteFunc(others, func(o bridge.Call) bool { return o.CarrierID == c.CarrierID || !o.IsOpen() })
		plan = in.plan(s, c, others)
		if c.ToAI = plan.ToAI; plan.Refuse {
			c.State = bridge.CameRound
		}
		known, err := in.callOf(tx, c, raw)
		if err != nil {
			return fmt.Errorf("keep call: %w", err)
		}
		plan.Refuse = known.State == bridge.CameRound
		if known.State != bridge.Ringing { // asked about again in the middle of it: nobody is rung twice
			plan.Numbers = nil
		}
		return nil
	})
	return plan, err
}

// longTalk is how long a caller talks to the AI receptionist, at most.
const longTalk = time.Hour

// mostWithheld is how many calls without a number ring at a time before the next one is
// taken for one that goes round.
const mostWithheld = 4

// plan says who is rung for a call: the phones on duty, or the AI receptionist. Neither
// the caller nor the line itself is, nor whoever sends the call here, or it would go round
// for ever. others are the calls of the same caller that are not over yet.
func (in *Intake) plan(s *bridge.Settings, c bridge.Call, others []bridge.Call) CallPlan {
	p := CallPlan{Ring: s.Calls.RingTime(), Screen: !s.Calls.NoScreen, Business: in.Business}
	p.Greeting, p.Voicemail, _ = s.Calls.Says(in.Business)
	if s.Calls.NoVoicemail {
		p.Voicemail = ""
	}
	ringing, withAI := 0, false
	for _, o := range others {
		if o.ToAI {
			withAI = withAI || c.From != ""
		} else if o.State == bridge.Ringing && in.Now().Sub(o.StartedAt) < p.Ring+time.Minute {
			ringing++
		}
	}
	// A phone that we ring for this caller forwarded them to us. Not every network says which;
	// but nobody calls a third time while the first two still ring. Those who withhold their
	// number are several people, as far as anybody can tell.
	most := 1
	if c.From == "" {
		most = mostWithheld
	}
	if p.Refuse = ringing > 0 && slices.Contains(in.OnDuty, bridge.Phone(c.Via)) || ringing > most; p.Refuse {
		return p
	}
	ai := bridge.Phone(s.Receptionist.Phone)
	if ai != "" && string(ai) != c.From && string(ai) != c.Via && string(ai) != c.To && !withAI && s.Receptionist.Calls.On(s.OpenAt(in.Now().In(in.Zone))) {
		p.Numbers, p.ToAI, p.Screen = []bridge.Phone{ai}, true, false
		return p
	}
	p.Numbers = in.Rings(c)
	return p
}

// Rings are the phones on duty that ring for a call: not the one that it comes from.
func (in *Intake) Rings(c bridge.Call) (phones []bridge.Phone) {
	for _, phone := range in.OnDuty {
		if string(phone) != c.From && string(phone) != c.Via {
			phones = append(phones, phone)
		}
	}
	return phones
}

// calledLine finds a line by its number. A number that nobody configured becomes one.
func (in *Intake) calledLine(tx *data.Tx, to string) (bridge.LineID, error) {
	line, err := tx.LineByPhone(to)
	if !errors.Is(err, bridge.ErrNotFound) {
		return line.ID, err
	}
	return tx.PutLine(bridge.Line{Phone: bridge.Phone(to), Name: bridge.PrettyAddress(to), Pace: in.Pace})
}

// callOf finds a call, or keeps one that was not known: a carrier's first word on it
// may have been lost.
func (in *Intake) callOf(tx *data.Tx, c bridge.Call, raw string) (bridge.Call, error) {
	known, err := tx.CallOf(c.CarrierID)
	if !errors.Is(err, bridge.ErrNotFound) {
		return known, err
	}
	if c.Line == 0 {
		if c.Line, err = in.calledLine(tx, c.To); err != nil {
			return c, err
		}
	}
	c.State, c.StartedAt = cmp.Or(c.State, bridge.Ringing), in.Now()
	if c.From != "" {
		a, err := tx.Arrival(bridge.Inbound{From: c.From, To: c.To, Channel: bridge.SMS})
		if err != nil {
			return c, err
		}
		c.Contact, c.Conversation = a.Contact, a.Conversation
	}
	if err := tx.AddCall(c, raw); err != nil {
		return c, err
	}
	return tx.CallOf(c.CarrierID)
}

// CallTaken notes that somebody talks to the caller. A call that nobody knows is none
// of ours.
func (in *Intake) CallTaken(ctx context.Context, carrierID string) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		c, err := tx.CallOf(carrierID)
		if errors.Is(err, bridge.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		moved := false
		if c.State, moved = c.State.By(bridge.Answered); !moved {
			return nil
		}
		return tx.SaveCall(c)
	})
}

// CallEnds applies the carrier's word on how a call ended: bridge.Answered or
// bridge.Missed; empty where it only says that it is over. It gives the call as it is
// then, and what to say to a caller who is still on the line.
func (in *Intake) CallEnds(ctx context.Context, c bridge.Call, word bridge.CallState) (known bridge.Call, plan CallPlan, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		plan = in.plan(s, c, nil)
		if known, err = in.callOf(tx, c, ""); err != nil {
			return err
		}
		if word == "" { // it is over; whoever took it said so at once
			if word = bridge.Missed; known.State == bridge.Answered {
				word = bridge.Answered
			}
		}
		to, moved := known.State.By(word)
		if !moved {
			if word == bridge.Answered && known.State == bridge.Answered && known.Duration == 0 && c.Duration > 0 {
				known.Duration = c.Duration
				return in.answered(tx, known)
			}
			return nil
		}
		known.State = to
		if to == bridge.Answered {
			known.Duration = c.Duration
			return in.answered(tx, known)
		}
		return in.missed(tx, s, &known)
	})
	if err != nil {
		err = fmt.Errorf("end call %s: %w", c.CarrierID, err)
	}
	return known, plan, err
}

// answered writes a line into the caller's conversation, where there is one: nobody has
// to do anything.
func (in *Intake) answered(tx *data.Tx, c bridge.Call) error {
	if err := tx.SaveCall(c); err != nil || c.Conversation == 0 {
		return err
	}
	text := "Their call was answered"
	if c.ToAI {
		text = "Their call went to the " + in.BotName
	}
	if c.Duration > 0 {
		text += ", " + TalkTime(c.Duration)
	}
	return event(tx, c.Conversation, text, in.Now())
}

// TalkTime is the length of a call in words.
func TalkTime(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// missed makes the entry of a call that nobody took, and texts the caller back.
func (in *Intake) missed(tx *data.Tx, s *bridge.Settings, c *bridge.Call) error {
	now := in.Now()
	who, err := in.callerOf(tx, c, now)
	if err != nil {
		return err
	}
	head, err := tx.AddMessage(bridge.Message{
		Conversation: c.Conversation, At: now, Direction: bridge.In, Channel: bridge.Voice,
		Author: bridge.Author{Kind: bridge.ByContact, ID: int64(who.ID), Name: who.Title()}, Body: "Missed call", Call: &bridge.Call{},
	})
	if err != nil {
		return err
	}
	c.Message = head.ID
	sent, err := in.textBack(tx, s, c, who)
	if err != nil {
		return fmt.Errorf("text back: %w", err)
	}
	if sent {
		c.TextedAt = now
		if err := errors.Join(tx.SetState(c.Conversation, bridge.Open, time.Time{}), tx.Foretell(head, head.Body)); err != nil {
			return err // a text of ours is no answer to what they wanted
		}
	}
	return tx.SaveCall(*c)
}

// callerOf finds or makes who called. Whoever withholds their number is somebody new
// each time.
func (in *Intake) callerOf(tx *data.Tx, c *bridge.Call, now time.Time) (who bridge.Contact, err error) {
	if c.From == "" {
		if who, err = tx.AddContact(bridge.Contact{Name: "Withheld number"}, now); err == nil {
			c.Conversation, err = tx.CustomerConversation(who, c.Line, now)
		}
	} else {
		who, c.Conversation, _, err = in.whoCalls(tx, c.From, c.To, now)
	}
	c.Contact = who.ID
	return who, err
}

// textBack texts a caller whom nobody answered: once in bridge.TextBackEvery, and never
// somebody who does not want texts or whose phone takes none.
func (in *Intake) textBack(tx *data.Tx, s *bridge.Settings, c *bridge.Call, who bridge.Contact) (bool, error) {
	if s.Calls.NoTextBack || c.From == "" || !in.Answerable(c.From) || !takesTexts(c.From) || in.ours(tx, s, c.From) {
		return false, nil
	}
	i := slices.IndexFunc(who.Addresses, func(a bridge.Address) bool { return a.Channel == bridge.SMS && a.Value == c.From })
	if i < 0 || !who.Addresses[i].Usable() || who.Told == bridge.ToldNothing || who.Told == bridge.ToldByEmail {
		return false, nil
	}
	now := in.Now()
	if again, err := tx.TextedBack(c.From, now.Add(-bridge.TextBackEvery)); err != nil || again > 0 {
		return false, err
	}
	if all, err := tx.TextedBack("", now.Add(-time.Hour)); err != nil || all >= bridge.TextBacksAnHour {
		return false, err
	}
	f, err := in.ownFacts(tx, c.Conversation)
	if err != nil || f.Conversation.Hold != 0 {
		return false, err
	}
	f.By, f.To = bridge.SMS, who.Addresses[i]
	f.Conversation.Line = c.Line // the number that they called, for they expect nothing from another
	if !bridge.Decide(bridge.System, bridge.DoReply, &f).Allowed() {
		return false, nil
	}
	_, _, words := s.Calls.Says(in.Business)
	m, err := tx.AddMessage(bridge.Message{
		Conversation: c.Conversation, At: now, Direction: bridge.Out, Channel: bridge.SMS,
		Author: bridge.Author{Kind: bridge.BySystem, Name: in.Business}, Body: words,
	})
	if err != nil {
		return false, err
	}
	_, err = in.text(tx, m, &f, who, c.From, false, time.Time{})
	return err == nil, err
}

// ours reports whether a number is one of the business's own: texting it back could go
// round for ever.
func (in *Intake) ours(tx *data.Tx, s *bridge.Settings, number string) bool {
	_, err := tx.LineByPhone(number)
	return err == nil || number == s.Receptionist.Phone || slices.Contains(in.OnDuty, bridge.Phone(number))
}

// takesTexts reports whether a number may be texted because it called: not one that is
// known to take no texts, nor one whose owner is paid for each text that it gets, for
// anybody can show a number that is not theirs. Where a country's numbers do not tell,
// it may.
func takesTexts(number string) bool {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return true
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.FIXED_LINE, phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.UAN, phonenumbers.PAGER, phonenumbers.VOICEMAIL:
		return false
	}
	return true
}

// A Recorded is word of a voicemail.
type Recorded struct {
	Call     string // the carrier's id of the call
	ID       string // of the recording
	Source   string // where the carrier has it
	Duration time.Duration
}

// CallRecorded keeps a voicemail with the call that it belongs to; its sound is fetched
// from the carrier afterwards. A call that nobody knows is bridge.ErrNotFound.
func (in *Intake) CallRecorded(ctx context.Context, r Recorded) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		c, err := tx.CallOf(r.Call)
		if err != nil || c.Recording != "" {
			return err
		}
		if err := in.unanswered(tx, &c); err != nil {
			return err
		}
		c.State, _ = c.State.By(bridge.Voicemail)
		c.Recording = r.ID
		if c.State != bridge.Voicemail {
			return tx.SaveCall(c)
		}
		head, err := tx.Message(c.Message)
		if err != nil {
			return err
		}
		body := "Voicemail, " + TalkTime(r.Duration)
		if _, err := tx.AddMessage(bridge.Message{
			Conversation: c.Conversation, At: in.Now(), Direction: bridge.In, Channel: bridge.Voice, Author: head.Author, Behind: head.ID, Body: body,
			ClientID:    "voicemail:" + r.ID,
			Attachments: []bridge.Attachment{{Uploader: string(bridge.Voice), Name: "voicemail.mp3", ContentType: "audio/mpeg", State: bridge.Arriving, Source: r.Source}},
		}); err != nil {
			return err
		}
		if err := errors.Join(tx.SaveCall(c), tx.Arrives(c.Conversation, in.Now())); err != nil {
			return err
		}
		if heard := slices.ContainsFunc(head.Folded, func(m bridge.Message) bool { return m.ClientID == wordsOf(r.Call) }); heard {
			return nil // their words are on the row already, and say more
		}
		return tx.Foretell(head, body)
	})
}

// unanswered makes a call that nobody was said to take a missed one: its voicemail was
// faster than the word that it was missed.
func (in *Intake) unanswered(tx *data.Tx, c *bridge.Call) error {
	if c.State != bridge.Ringing {
		return nil
	}
	s, err := tx.Settings()
	if err != nil {
		return err
	}
	c.State, _ = c.State.By(bridge.Missed)
	return in.missed(tx, s, c)
}

// wordsOf is the key of a voicemail's words.
func wordsOf(call string) string { return "words:" + call }

// CallTranscribed keeps the words of a voicemail, as the carrier heard them. A call
// that nobody knows is bridge.ErrNotFound.
func (in *Intake) CallTranscribed(ctx context.Context, call, words string) error {
	words = bridge.CleanText(words)
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		c, err := tx.CallOf(call)
		if err != nil || words == "" {
			return err
		}
		if err := in.unanswered(tx, &c); err != nil || c.Message == 0 {
			return err
		}
		fresh, err := tx.TakeTranscript(c.ID)
		if err != nil || !fresh {
			return err
		}
		head, err := tx.Message(c.Message)
		if err != nil {
			return err
		}
		if _, err := tx.AddMessage(bridge.Message{
			Conversation: c.Conversation, At: in.Now(), Direction: bridge.In, Channel: bridge.Voice, Author: head.Author, Behind: head.ID, Body: words, ClientID: wordsOf(call),
		}); err != nil {
			return err
		}
		return tx.Foretell(head, "Voicemail: "+words)
	})
}
