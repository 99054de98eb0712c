package notify

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// What the AI receptionist is told, as JSON. docs/receptionist.md describes it.

type botWord struct {
	Type      string    `json:"type"` // message.created, or conversation.given
	Timestamp time.Time `json:"timestamp"`
	Data      botTalk   `json:"data"`
}

type botTalk struct {
	ConversationID string       `json:"conversation_id"`
	Token          string       `json:"token"`
	ReplyURL       string       `json:"reply_url"`
	HandoffURL     string       `json:"handoff_url"`
	AnswerBy       *time.Time   `json:"answer_by,omitempty"`
	Business       string       `json:"business"`
	Contact        botContact   `json:"contact"`
	Message        *botMessage  `json:"message,omitempty"`
	History        []botMessage `json:"history"`
}

type botContact struct {
	Name     string `json:"name"`
	Language string `json:"language,omitempty"`
}

type botMessage struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	From        string    `json:"from"` // contact, team or receptionist
	Channel     string    `json:"channel"`
	Body        string    `json:"body"`
	Attachments int       `json:"attachments,omitempty"`
}

// botHistory is how many earlier messages the receptionist is told.
const botHistory = 20

// bot makes what the AI receptionist is told of a message, or gives
// bridge.ErrNotWanted where it does not hold the conversation any more.
func (n *Notify) bot(tx *data.Tx, c data.Claim) (bridge.Outgoing, error) {
	out := c.Outgoing()
	hold, err := tx.Hold(c.Hold)
	if err != nil {
		return out, err
	}
	if !hold.EndedAt.IsZero() {
		return out, bridge.ErrNotWanted
	}
	key, err := tx.Secret(bridge.HoldKey)
	if err != nil {
		return out, err
	}
	conv, err := tx.AnyConversation(c.Conversation)
	if err != nil {
		return out, err
	}
	who, err := tx.Contact(conv.Contact)
	if err != nil {
		return out, err
	}
	at := fmt.Sprintf("%s/api/v1/conversations/%d", n.PublicURL, c.Conversation)
	word := botWord{Type: "conversation.given", Timestamp: n.Now().UTC(), Data: botTalk{
		ConversationID: strconv.FormatInt(int64(c.Conversation), 10), Token: bridge.HoldToken(key, hold.ID), ReplyURL: at + "/messages", HandoffURL: at + "/handoff",
		Business: n.Business.Name, Contact: botContact{who.Title(), who.Language},
	}}
	if !hold.AnswerBy.IsZero() {
		by := hold.AnswerBy.UTC()
		word.Data.AnswerBy = &by
	}
	said, err := tx.WrittenMessages(c.Conversation, c.Message+1, botHistory+1)
	if err != nil {
		return out, err
	}
	for _, m := range said {
		b := botMessage{strconv.FormatInt(int64(m.ID), 10), m.At.UTC(), "team", string(m.Channel), m.Body, len(m.Attachments)}
		switch m.Author.Kind {
		case bridge.ByContact:
			b.From = "contact"
		case bridge.ByAI:
			b.From = "receptionist"
		case bridge.ByStaff, bridge.BySystem:
		}
		if m.ID == c.Message && m.Author.Kind == bridge.ByContact {
			word.Type, word.Data.Message = "message.created", &b
			continue
		}
		word.Data.History = append(word.Data.History, b)
	}
	body, err := json.Marshal(word)
	out.Body = string(body)
	return out, err
}

// overtaken reports whether a person has ended the hold since the AI receptionist wrote
// what a delivery carries.
func overtaken(tx *data.Tx, c data.Claim) (bool, error) {
	h, err := tx.Hold(c.Hold)
	return h.End.ByPerson(), err
}
