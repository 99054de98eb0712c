package intake

// What the team texts from the phones on duty: answers to those whom a phone was told of.

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// relaysAnHour is how many texts of one phone are passed on in an hour, at most: a phone
// that answers by itself must not go round with somebody who does.
const relaysAnHour = 60

// sameAnHour is how often the same words of one phone are taken in an hour for one
// conversation, or for none: who writes them once more is a phone that answers by itself.
const sameAnHour = 3

// tooLate is from when on a text that was recovered after downtime is not passed on any
// more: "I am there in ten minutes" is not true then.
const tooLate = 30 * time.Minute

// onDuty reports whether a message is a text from a phone on duty.
func (in *Intake) onDuty(m bridge.Inbound) bool {
	return m.Channel == bridge.SMS && slices.Contains(in.OnDuty, bridge.Phone(m.From))
}

// A relay is one text from a phone on duty and what it may mean.
type relay struct {
	*Intake
	tx      *data.Tx
	text    bridge.Inbound
	who     bridge.Staff // whose phone it is; zero: nobody's
	earlier []bridge.Relayed
	told    []data.ToldOf
	unseen  bool // all that the phone was told of is what its owner does not see
	out     bridge.Relayed
}

// relay takes a text from a phone on duty as if its owner had written it in the inbox:
// to the one customer who can be meant, or after asking for whom it is. What cannot be
// sent is answered with the reason. The same carrier's id again changes nothing.
func (in *Intake) relay(tx *data.Tx, m bridge.Inbound) (r Received, err error) {
	known, err := tx.RelayedSeen(m.CarrierID)
	if err != nil || known {
		return Received{Duplicate: known}, err
	}
	if id, err := tx.InboundSeen(m.CarrierID); !errors.Is(err, bridge.ErrNotFound) { // before the phone was on duty
		return Received{Message: id, Duplicate: err == nil}, err
	}
	p := &relay{Intake: in, tx: tx, text: m, out: bridge.Relayed{CarrierID: m.CarrierID, Phone: m.From, Body: strings.TrimSpace(m.Body), Raw: m.Raw, At: m.At}}
	if p.out.Line, err = in.calledLine(tx, m.To); err != nil {
		return r, fmt.Errorf("find line: %w", err)
	}
	if p.who, err = tx.StaffByPhone(m.From); err != nil && !errors.Is(err, bridge.ErrNotFound) {
		return r, fmt.Errorf("find whose phone it is: %w", err)
	}
	p.out.Staff = p.who.ID
	if p.earlier, err = tx.RelayedBy(m.From, m.At.Add(-bridge.RelayWindow)); err != nil {
		return r, err
	}
	if p.told, err = tx.ToldOf(m.From, p.out.Line, m.At.Add(-bridge.RelayWindow), m.At); err != nil {
		return r, err
	}
	if err := p.leaveUnseen(); err != nil {
		return r, err
	}
	word, err := p.take()
	if err != nil {
		return r, err
	}
	if err := tx.AddRelayed(p.out); err != nil {
		return r, fmt.Errorf("keep it: %w", err)
	}
	return Received{Message: p.out.Message, Conversation: p.out.Conversation}, in.tellPhone(tx, p.out, word)
}

// leaveUnseen leaves out what the phone's owner does not see in the inbox.
func (p *relay) leaveUnseen() error {
	if p.who.ID == 0 {
		return nil
	}
	told := p.told
	p.told = nil
	for _, t := range told {
		may, err := sees(p.tx, p.who, t.Conversation)
		if err != nil {
			return err
		}
		if may {
			p.told = append(p.told, t)
		}
	}
	p.unseen = len(told) > 0 && len(p.told) == 0
	return nil
}

// tellPhone texts a word to a phone on duty.
func (in *Intake) tellPhone(tx *data.Tx, r bridge.Relayed, word string) error {
	if word == "" {
		return nil
	}
	line, err := tx.SendingLine(r.Line)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil // no number is in use, so nothing can be texted
	}
	if err != nil {
		return err
	}
	now := in.Now()
	_, err = tx.AddDelivery(bridge.Delivery{
		Purpose: bridge.ForRelay, Staff: r.Staff, Line: line.ID, Channel: bridge.SMS, To: r.Phone, Body: word, NextAt: now, ExpiresAt: now.Add(bridge.RelayChoice),
	}, now)
	return err
}

// take does what the text is for and gives what its writer is to hear; empty: nothing.
func (p *relay) take() (word string, err error) {
	p.out.State = bridge.RelayRefused
	off, err := p.tx.OffDuty(p.out.Phone)
	if err != nil {
		return "", err
	}
	asks := cmp.Or(p.text.Keyword, bridge.ParseKeyword(p.out.Body, off))
	switch {
	case asks == bridge.Stop: // whatever is sent now, the carrier blocks
		p.out.State = bridge.RelayStop
		return "", p.tx.CancelTold(p.out.Phone, p.Now())
	case asks == bridge.Start && off:
		p.out.State = bridge.RelayStart
		return "This phone is told of messages again.", p.unblock()
	}
	if n := p.within(time.Hour); n >= relaysAnHour {
		slog.Warn("a phone on duty texts too much to be passed on", "phone", bridge.MaskAddress(p.out.Phone))
		if n > relaysAnHour {
			return "", nil
		}
		return fmt.Sprintf("Not sent: more than %d texts in an hour came from this phone. Write in the inbox.", relaysAnHour), nil
	}
	switch asks {
	case bridge.Start: // twice; but what is a YES to the carrier alone is an answer
		if bridge.ParseKeyword(p.out.Body, false) == bridge.Start {
			p.out.State = bridge.RelayAnswer
			return "This phone is told of messages.", nil
		}
	case bridge.Help:
		p.out.State = bridge.RelayAnswer
		return "Answer a message that you were told of here, and it goes to the customer from the business number. STOP: hear of none. START: hear of them again.", nil
	case bridge.Stop, bridge.NoKeyword:
	}
	if asked := p.asked(); len(asked) > 0 && len(p.text.Media) == 0 { // with a photo it is more than a choice
		n, chosen, err := p.chosen(asked[0].Choices)
		if err != nil {
			return "", err
		}
		if chosen {
			return p.choose(n, asked)
		}
	}
	if p.out.Body == "" && len(p.text.Media) == 0 {
		return "", nil
	}
	if p.same(0) >= sameAnHour { // it answers our words
		slog.Warn("a phone on duty texts the same again and again", "phone", bridge.MaskAddress(p.out.Phone))
		return "", nil
	}
	return p.pass()
}

// same counts how often the phone said these words in the hour before, of a conversation;
// 0: of none.
func (p *relay) same(id bridge.ConversationID) (n int) {
	for _, e := range p.earlier {
		if p.out.Body != "" && e.Body == p.out.Body && e.Conversation == id && p.text.At.Sub(e.At) < time.Hour {
			n++
		}
	}
	return n
}

// unblock ends the carrier's block of the phone in the ledger, as after an alert that
// came too late for a STOP, or from before it was on duty: the carrier has lifted it.
func (p *relay) unblock() error {
	blocked, err := p.tx.OptedOut(bridge.SMS, p.out.Phone)
	if err != nil || !blocked {
		return err
	}
	return p.tx.AddConsent(data.Consent{Line: p.out.Line, Channel: bridge.SMS, Value: p.out.Phone, Source: "keyword", At: p.text.At})
}

// within counts what came from the phone in the time before.
func (p *relay) within(d time.Duration) (n int) {
	for _, e := range p.earlier {
		if p.text.At.Sub(e.At) < d {
			n++
		}
	}
	return n
}

// asked are the texts of which it is not known for whom they are, the newest first.
func (p *relay) asked() (open []bridge.Relayed) {
	for _, e := range p.earlier {
		if e.State == bridge.RelayAsked && e.Line == p.out.Line && p.text.At.Sub(e.At) < bridge.RelayChoice {
			open = append(open, e)
		}
	}
	return open
}

// chosen reads the answer to a question: a number, or the name of just one of the choices,
// whole or as far as its first word.
func (p *relay) chosen(choices []bridge.ConversationID) (n int, ok bool, err error) {
	said := strings.Trim(p.out.Body, "# .)")
	if n, err := strconv.Atoi(said); err == nil {
		return n, true, nil
	}
	for i, id := range choices {
		c, err := p.tx.AnyConversation(id)
		if err != nil {
			return 0, false, err
		}
		first, _, _ := strings.Cut(c.Title, " ")
		if strings.EqualFold(said, c.Title) || strings.EqualFold(said, first) {
			if ok {
				return 0, false, nil // two of them are called so
			}
			n, ok = i+1, true
		}
	}
	return n, ok, nil
}

// choose sends what its writer was asked about to the one whom they named.
func (p *relay) choose(n int, asked []bridge.Relayed) (string, error) {
	p.out.State = bridge.RelayAnswer
	choices := asked[0].Choices
	// What is recovered may have been written before the question went out.
	if n < 0 || n > len(choices) || p.text.Recovered {
		return fmt.Sprintf("Answer with a number from 1 to %d, or 0 to send it to nobody.", len(choices)), nil
	}
	var words []string
	for _, a := range slices.Backward(asked) {
		if a.State = bridge.RelayDropped; n > 0 {
			word, err := p.send(&a, choices[n-1])
			if err != nil {
				return "", err
			}
			if p.out.Conversation = choices[n-1]; word != "" {
				words = append(words, word)
			}
		}
		if err := p.tx.SettleRelayed(a); err != nil {
			return "", err
		}
	}
	if n == 0 {
		return "It was sent to nobody.", nil
	}
	return strings.Join(words, "\n"), nil
}

// canBeMeant reports whether a text may be for one whom the phone was told of: they wait
// for an answer; or the phone has just written to them, and may go on; or a colleague has
// answered them, which the phone cannot know, or has just settled it without a word. What
// its owner answered in the inbox they know.
func (p *relay) canBeMeant(t data.ToldOf) (bool, error) {
	just := func(at time.Time) bool { return p.text.At.Sub(at) < bridge.RelayChoice }
	if t.State == bridge.Open || slices.ContainsFunc(p.earlier, func(e bridge.Relayed) bool { return e.Conversation == t.Conversation && just(e.At) }) {
		return true, nil
	}
	seen := p.seen(t.Conversation)
	if _, err := p.tx.AnsweredSince(t.Conversation, seen, p.who.ID); !errors.Is(err, bridge.ErrNotFound) {
		return err == nil, err
	}
	if _, err := p.tx.AnsweredSince(t.Conversation, seen, 0); !errors.Is(err, bridge.ErrNotFound) {
		return false, err
	}
	return just(t.At), nil
}

// seen is the newest message of a conversation that the phone knows: what it was told of
// last, or said itself.
func (p *relay) seen(id bridge.ConversationID) (newest bridge.MessageID) {
	for _, t := range p.told {
		if t.Conversation == id {
			newest = t.Message
		}
	}
	for _, e := range p.earlier {
		if e.Conversation == id {
			newest = max(newest, e.Message)
		}
	}
	return newest
}

// pass sends a text to the one whom it can only be for, or asks: a text that goes to the
// wrong customer cannot be taken back.
func (p *relay) pass() (string, error) {
	var meant []data.ToldOf
	for _, t := range p.told {
		if can, err := p.canBeMeant(t); err != nil {
			return "", err
		} else if can {
			meant = append(meant, t)
		}
	}
	if len(meant) == 0 {
		meant = p.told
	}
	switch {
	case p.unseen:
		return "Not sent: you do not see the conversation that this phone was told of. Tell somebody of the team who does.", nil
	case len(meant) == 0:
		return "Not sent: you were told of no message in the last two days, so it is not known for whom this is. Write in the inbox.", nil
	case len(meant) == 1:
		return p.send(&p.out, meant[0].Conversation)
	}
	if p.out.Body == "" {
		return "Not sent: it is not known for whom this photo is. Send it in the inbox.", nil
	}
	var names []string
	p.out.Choices = offered(p.asked(), meant, p.told)
	for i, id := range p.out.Choices {
		c, err := p.tx.AnyConversation(id)
		if err != nil {
			return "", err
		}
		names = append(names, fmt.Sprintf("%d %s", i+1, short(c.Title, 30)))
	}
	p.out.State = bridge.RelayAsked
	what := "is this"
	if n := len(p.asked()) + 1; n > 1 {
		what = fmt.Sprintf("are these %d texts", n)
	}
	words := "For whom " + what + "? " + strings.Join(names, ", ") + ". Answer with the number, 0 for nobody."
	if len(p.text.Media) > 0 {
		words += " The photo goes to nobody: send it in the inbox."
	}
	return words, nil
}

// mostOffered is how many a question offers: one digit each.
const mostOffered = 9

// offered are those whom a question offers, as the phone was told of them; where they are
// too many, those who wait first, then who can be meant otherwise. Who has a number in a
// question that is open keeps it: the answer to that one may be under way.
func offered(asked []bridge.Relayed, meant, told []data.ToldOf) (ids []bridge.ConversationID) {
	if len(asked) > 0 {
		ids = slices.Clone(asked[0].Choices)
	}
	if len(told) > mostOffered {
		waits := slices.DeleteFunc(slices.Clone(meant), func(t data.ToldOf) bool { return t.State != bridge.Open })
		told = slices.Concat(waits, meant, told)
	}
	for _, t := range told {
		if len(ids) < mostOffered && !slices.Contains(ids, t.Conversation) {
			ids = append(ids, t.Conversation)
		}
	}
	return ids
}

// send makes a text a message of its writer's in a conversation, or says why not.
func (p *relay) send(r *bridge.Relayed, id bridge.ConversationID) (string, error) {
	c, err := p.tx.AnyConversation(id)
	if err != nil {
		return "", err
	}
	r.Conversation, r.State = id, bridge.RelayRefused
	if again := p.same(id); r == &p.out && again >= sameAnHour {
		if again > sameAnHour {
			return "", nil // it answers our words
		}
		return "Not sent to " + c.Title + ": the same text came from this phone for the fourth time in an hour. If it answers by itself, switch that off.", nil
	}
	if p.who.ID == 0 {
		kept := bridge.Message{
			Conversation: id, At: p.Now(), Direction: bridge.Event, Channel: bridge.Inbox,
			Author: bridge.Author{Kind: bridge.BySystem}, Body: "Came from a phone on duty that is nobody's, and was not sent: " + r.Body,
		}
		if r == &p.out {
			kept.Attachments = arriving(p.text)
		}
		_, err := p.tx.AddMessage(kept)
		return "Not sent to " + c.Title + ": Porchlight does not know whose phone this is. It is entered under Settings, Team. Your text is kept in the conversation.", err
	}
	if p.text.Recovered && p.Now().Sub(r.At) > tooLate {
		return "Your text to " + c.Title + " came only now and was not sent: " + short(r.Body, 80) + "\nSend it again if it is still right.", nil
	}
	if word, err := p.overtaken(r, c); err != nil || word != "" {
		return word, err
	}
	if r.Body != "" {
		var m bridge.Message
		err := p.tx.Try(func(tx *data.Tx) (err error) {
			m, err = p.writeIn(tx, p.who, Draft{Conversation: id, Body: r.Body, ClientID: "relay:" + r.CarrierID, elsewhere: true}, bridge.DoReply)
			return err
		})
		if why, ok := refusal(err); ok {
			return "Not sent to " + c.Title + ": " + why, nil
		}
		if err != nil {
			return "", err
		}
		r.Message = m.ID
	}
	if len(p.text.Media) == 0 || r != &p.out {
		r.State = bridge.RelaySent
		return "", nil
	}
	f, err := p.facts(p.tx, p.who, id)
	if err == nil {
		err = bridge.Decide(p.who.Actor(), bridge.DoNote, &f).Err()
	}
	if why, ok := refusal(err); ok {
		return "Not sent to " + c.Title + ": " + why, nil
	}
	if err != nil {
		return "", err
	}
	r.State = bridge.RelaySent
	_, err = p.tx.AddMessage(bridge.Message{
		Conversation: id, At: p.Now(), Direction: bridge.Note, Channel: bridge.Inbox,
		Author: bridge.Author{Kind: bridge.ByStaff, ID: int64(p.who.ID), Name: p.who.Name}, Body: "From my phone, for us only", Attachments: arriving(p.text),
	})
	return "The photo did not go to " + c.Title + ": it is a note in the conversation. Send it in the inbox.", err
}

// overtaken says who of the team has answered since the phone was told. The same text
// again goes all the same.
func (p *relay) overtaken(r *bridge.Relayed, c bridge.Conversation) (string, error) {
	for _, e := range p.earlier {
		if e.State == bridge.RelayStopped && e.Conversation == c.ID && e.Body == r.Body && p.text.At.Sub(e.At) < bridge.RelayChoice {
			return "", nil
		}
	}
	m, err := p.tx.AnsweredSince(c.ID, p.seen(c.ID), p.who.ID)
	if err != nil {
		if errors.Is(err, bridge.ErrNotFound) {
			err = nil
		}
		return "", err
	}
	r.State = bridge.RelayStopped
	return fmt.Sprintf("Not sent: %s answered %s meanwhile: %s\nText the same again to send it all the same.", m.Author.Name, c.Title, short(m.Preview(), 80)), nil
}

// refusal is why people may not, or cannot, write something, in words.
func refusal(err error) (string, bool) {
	var denied *bridge.Denied
	var invalid *bridge.Invalid
	switch {
	case errors.As(err, &denied):
		if denied.Fix != "" {
			return denied.Sentence + ". " + denied.Fix + ".", true
		}
		return denied.Sentence + ".", true
	case errors.As(err, &invalid):
		return invalid.Problem + ".", true
	case errors.Is(err, bridge.ErrNotFound):
		return "you do not see this conversation.", true
	}
	return "", false
}

// short cuts what a text quotes.
func short(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return s
}

// needless reports whether its writer need not hear of a delivery that failed: the contact
// has read the message, or may have it by another way or another try, or another part of
// it failed, of which they heard.
func needless(m bridge.Message, d bridge.Delivery) bool {
	return slices.ContainsFunc(m.Views, func(v bridge.Seen) bool { return v.Contact == d.Contact && !v.ReadAt.IsZero() }) ||
		slices.ContainsFunc(m.Deliveries, func(o bridge.Delivery) bool {
			lives := !o.State.Failure() && o.State != bridge.Canceled
			switch {
			case o.ID == d.ID || o.Contact != d.Contact || o.Purpose != bridge.ForMessage:
				return false
			case o.Channel != d.Channel:
				return lives
			case o.Body != d.Body: // another part
				return o.State.Failure()
			}
			return lives && o.ID > d.ID
		})
}

// unheard tells who wrote a message from their phone that a delivery of it failed, and
// that there is no other way: they may not look into the inbox.
func (in *Intake) unheard(tx *data.Tx, d bridge.Delivery) error {
	r, err := tx.RelayedAs(d.Message)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := tx.Message(d.Message)
	if err != nil || needless(m, d) || !slices.Contains(in.OnDuty, bridge.Phone(r.Phone)) {
		return err
	}
	c, err := tx.AnyConversation(d.Conversation)
	if err != nil {
		return err
	}
	why := "it could not be sent for hours"
	if words := in.Words[d.Channel]; words != nil && d.Code != "" {
		why = words.Explain(d.Code).Sentence
	}
	return in.tellPhone(tx, r, fmt.Sprintf("Your text to %s did not arrive: %s. It said: %s", c.Title, why, short(m.Preview(), 80)))
}
