package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// HandedOff says what became of a piece of a call.
type HandedOff struct {
	Handoff      bridge.HandoffID
	Conversation bridge.ConversationID
	Message      bridge.MessageID
	// Duplicate is true when the same piece was stored before.
	Duplicate bool
}

// HandOff stores one piece of a call or chat that the AI receptionist had. Pieces of
// one call complete the same handoff, in whatever order they come; the same piece again
// changes nothing. raw is kept as it came. request names the signed request, empty
// where its sender gives none: the same one again is bridge.ErrDuplicate.
func (in *Intake) HandOff(ctx context.Context, piece bridge.Handoff, raw, request string) (out HandedOff, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		now := in.Now()
		if request != "" {
			if err := tx.SeeWebhook(request, now); err != nil {
				return err
			}
		}
		kept, err := tx.HandoffOf(piece.Provider, piece.Call, now)
		if err != nil {
			return err
		}
		head, err := in.headOf(tx, &kept, &piece, now)
		if err != nil {
			return err
		}
		out = HandedOff{Handoff: kept.ID, Conversation: kept.Conversation, Message: kept.Message}
		out.Duplicate, err = in.complete(tx, kept, piece, head, raw)
		return err
	})
	if err != nil {
		return HandedOff{}, fmt.Errorf("hand off %s call: %w", piece.Provider, err)
	}
	return out, nil
}

// headOf gives the message that a handoff stands behind. The first piece makes it, in
// the conversation where a text of the same caller would land.
func (in *Intake) headOf(tx *data.Tx, kept, piece *bridge.Handoff, now time.Time) (head bridge.Message, err error) {
	if kept.Message != 0 {
		return tx.Message(kept.Message)
	}
	if !piece.Says() {
		return head, &bridge.Invalid{Field: "id", Problem: "This call is not known, and the piece says nothing that people could act on"}
	}
	if piece.Nobody { // or whoever calls would be somebody new, and stay it when a later piece has their number
		return head, &bridge.Invalid{Field: "contact", Problem: "This call is not known, and its first piece has to say who called; for a withheld number say anonymous"}
	}
	who, conv, err := in.caller(tx, piece, now)
	if err != nil {
		return head, err
	}
	body := "Called, and spoke with the " + in.BotName
	if piece.Channel != bridge.Voice {
		body = "Wrote with the " + in.BotName
	}
	head, err = tx.AddMessage(bridge.Message{
		Conversation: conv, At: now, Direction: bridge.In, Channel: piece.Channel, Author: bridge.Author{Kind: bridge.ByContact, ID: int64(who.ID), Name: who.Title()},
		Body: body, Handoff: &bridge.Handoff{},
	})
	if err != nil {
		return head, err
	}
	kept.Conversation, kept.Message = conv, head.ID
	return head, errors.Join(tx.SetAIHandoff(conv, true), in.leaveToPeople(tx, conv, now))
}

// leaveToPeople ends the hold of a receptionist for texts, if there is one: what was
// handed over in a call is people's.
func (in *Intake) leaveToPeople(tx *data.Tx, id bridge.ConversationID, now time.Time) error {
	was, err := in.attended(tx, id)
	if err != nil || was.Hold == 0 {
		return err
	}
	_, err = tx.EndHold(bridge.Hold{ID: was.Hold, Conversation: id, End: bridge.HoldHanded}, now)
	return err
}

// caller finds or makes the contact who called, and their conversation: the same
// matching as for texts. Whoever withholds their number is somebody new each time, for
// nobody knows whether they are the same.
func (in *Intake) caller(tx *data.Tx, h *bridge.Handoff, now time.Time) (who bridge.Contact, conv bridge.ConversationID, err error) {
	if h.Withheld() {
		if who, err = tx.AddContact(bridge.Contact{Name: h.Caller()}, now); err != nil {
			return who, 0, err
		}
		conv, err = tx.CustomerConversation(who, 0, now)
		return who, conv, err
	}
	who, conv, _, err = in.whoCalls(tx, h.From, h.To, now)
	if err == nil && who.Name == "" && h.Name != "" {
		who.Name = h.Name
		err = tx.PutContact(who)
	}
	return who, conv, err
}

// nameCaller gives a caller whom nobody named yet the name that a later piece has.
func nameCaller(tx *data.Tx, id bridge.ContactID, name string) error {
	who, err := tx.Contact(id)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil // put together with another contact since, who has a name or a number
	}
	if err != nil || who.Name != "" && !(who.Name == (&bridge.Handoff{}).Caller() && len(who.Addresses) == 0) {
		return err
	}
	who.Name = name
	return tx.PutContact(who)
}

// whoCalls finds the contact with a number, or makes one, and the conversation where
// their texts land.
func (in *Intake) whoCalls(tx *data.Tx, from, to string, now time.Time) (who bridge.Contact, conv bridge.ConversationID, known data.Arrival, err error) {
	m := bridge.Inbound{From: from, To: to, Channel: bridge.SMS, At: now}
	if known, err = tx.Arrival(m); err != nil {
		return who, 0, known, err
	}
	if known.Side == bridge.Handyman && known.Partner != 0 {
		if err := toPartner(tx, m, &known); err != nil {
			return who, 0, known, err
		}
	}
	if known.Conversation == 0 {
		if err := in.begin(tx, m, &known); err != nil {
			return who, 0, known, err
		}
	}
	if known.Route.Address == "" { // where an answer goes that somebody writes now
		line, err := tx.SendingLine(known.Line)
		if err == nil {
			err = tx.SetRoute(known.Conversation, line.ID, from)
		}
		if err != nil && !errors.Is(err, bridge.ErrNotFound) {
			return who, 0, known, err
		}
	}
	who, err = tx.Contact(known.Contact)
	return who, known.Conversation, known, err
}

// complete adds a piece to its handoff, and reports whether it was known.
func (in *Intake) complete(tx *data.Tx, kept, piece bridge.Handoff, head bridge.Message, raw string) (known bool, err error) {
	now, was := in.Now(), kept
	hash, err := hashOf(&piece)
	if err != nil {
		return false, err
	}
	// PostgreSQL keeps no text that is not UTF-8, whatever JSON lets through.
	if err := tx.AddPiece(kept.ID, hash, piece, strings.ToValidUTF8(raw, "\ufffd"), now); err != nil {
		if errors.Is(err, bridge.ErrDuplicate) {
			return true, nil
		}
		return false, err
	}
	pieces, err := tx.Pieces(kept.ID)
	if err != nil {
		return false, err
	}
	if piece.At.IsZero() {
		piece.At = head.At // what was said stands with the call, and not in the year 1
	}
	all := bridge.Together(pieces)
	all.ID, all.Conversation, all.Message, all.Provider, all.Call = kept.ID, kept.Conversation, kept.Message, kept.Provider, kept.Call
	if err := tx.AddFolded(head, in.folded(head, &piece)); err != nil {
		return false, fmt.Errorf("store what was said: %w", err)
	}
	if err := tx.SaveHandoff(all); err != nil {
		return false, err
	}
	if all.Name != was.Name && head.Author.Kind == bridge.ByContact {
		if err := nameCaller(tx, bridge.ContactID(head.Author.ID), all.Name); err != nil {
			return false, fmt.Errorf("name the caller: %w", err)
		}
	}
	if all.Summary != "" {
		if err := tx.Foretell(head, "AI handoff: "+all.Summary); err != nil {
			return false, err
		}
	}
	if !all.Urgency.Urgent() || was.Urgency.Urgent() {
		return false, nil
	}
	return false, in.urgent(tx, head)
}

// urgent flags a conversation and rings the phones on duty.
func (in *Intake) urgent(tx *data.Tx, head bridge.Message) error {
	if err := tx.SetUrgent(head.Conversation, true); err != nil {
		return err
	}
	f, err := in.ownFacts(tx, head.Conversation)
	if err != nil {
		return err
	}
	return in.alertOnDuty(tx, head, f.Conversation.Line)
}

// folded are the messages of a piece: what was said, and the summary, which only the
// team reads. What was said in an earlier piece too has the same key.
func (in *Intake) folded(head bridge.Message, piece *bridge.Handoff) (out []bridge.Message) {
	agent := bridge.Author{Kind: bridge.ByAI, Name: in.BotName}
	if piece.Agent != "" {
		agent.Name = piece.Agent
	}
	for i, t := range piece.Turns {
		m := bridge.Message{At: piece.When(i), Direction: bridge.In, Channel: piece.Channel, Author: head.Author, Body: t.Text}
		if t.Speaker == bridge.SpokenByAgent {
			m.Direction, m.Author = bridge.Out, agent
		}
		where := fmt.Sprint("n", i)
		if t.At >= 0 {
			where = t.At.String()
		}
		m.ClientID = keyOf(head.ID, string(t.Speaker), where, t.Text)
		out = append(out, m)
	}
	if piece.Summary != "" && piece.Provider != ownProvider {
		out = append(out, bridge.Message{At: piece.At, Direction: bridge.Note, Channel: bridge.Inbox, Author: agent, Body: piece.Summary, ClientID: keyOf(head.ID, "summary", "", piece.Summary)})
	}
	return out
}

// keyOf names something that was said, so that hearing it again makes no second message.
func keyOf(head bridge.MessageID, who, where, text string) string {
	sum := sha256.Sum256([]byte(who + "\x00" + where + "\x00" + text))
	return fmt.Sprintf("said:%d:%s", head, hex.EncodeToString(sum[:16]))
}

// hashOf names a piece by what it says.
func hashOf(piece *bridge.Handoff) (string, error) {
	body, err := json.Marshal(struct {
		bridge.Handoff
		Turns []bridge.Turn
	}{*piece, piece.Turns})
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), err
}
