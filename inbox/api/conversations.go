package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func (a *API) mountConversations(h huma.API) {
	tags := []string{"Conversations"}
	huma.Register(h, huma.Operation{
		OperationID: "list-conversations", Method: http.MethodGet, Path: "/api/v1/conversations", Tags: tags, Errors: []int{401, 422},
		Summary: "Conversations of a view or a folder, newest first, as far as the key may see",
	}, a.conversations)
	huma.Register(h, huma.Operation{
		OperationID: "get-conversation", Method: http.MethodGet, Path: "/api/v1/conversations/{id}", Tags: tags, Errors: []int{401, 404},
		Summary: "One conversation",
	}, a.conversation)
	huma.Register(h, huma.Operation{
		OperationID: "start-conversation", Method: http.MethodPost, Path: "/api/v1/conversations", Tags: tags, DefaultStatus: http.StatusCreated, Errors: []int{401, 403, 422}, MaxBodyBytes: maxBody,
		Summary:     "Start a conversation, or find the one that there is",
		Description: "kind says which rules it obeys: a job or a quote has one conversation with its client, a contact one of each kind, only a topic is a new one each time. body is the first message. Send an Idempotency-Key, so that a request whose answer was lost can be sent again.",
	}, a.start)
	huma.Register(h, huma.Operation{
		OperationID: "list-messages", Method: http.MethodGet, Path: "/api/v1/conversations/{id}/messages", Tags: tags, Errors: []int{401, 404},
		Summary: "Messages of a conversation, oldest first; without before: the newest",
	}, a.messages)
	huma.Register(h, huma.Operation{
		OperationID: sendMessage, Method: http.MethodPost, Path: "/api/v1/conversations/{id}/messages", Tags: tags, DefaultStatus: http.StatusCreated, Errors: []int{401, 403, 404, 409, 422, 429}, MaxBodyBytes: maxBody,
		Summary:     "Reply to the contact, or leave a note",
		Description: "With the token of a hold in place of a key, the AI receptionist answers. Once a person has taken over, that is refused with 409 and code taken_over.",
	}, a.send)
}

// Conversation is a conversation in the API.
type Conversation struct {
	ID           string     `json:"id" example:"42"`
	Kind         string     `json:"kind" enum:"customer,partner,direct,maintenance,team,topic,job" doc:"Which rules it obeys"`
	Folder       string     `json:"folder" doc:"Where it stands in the sidebar" example:"jobs"`
	Subject      string     `json:"subject,omitempty"`
	Record       *RecordRef `json:"record,omitempty" doc:"What it is about"`
	State        string     `json:"state" enum:"open,waiting,snoozed,closed"`
	Title        string     `json:"title" doc:"The contact's name, or number"`
	ContactID    string     `json:"contact_id,omitempty" doc:"Absent among staff"`
	Address      string     `json:"address,omitempty" doc:"By which the contact last wrote"`
	Assignee     string     `json:"assignee,omitempty" doc:"Name of who has it"`
	AssigneeID   string     `json:"assignee_id,omitempty"`
	Preview      string     `json:"preview"`
	LastAt       time.Time  `json:"last_at"`
	CreatedAt    time.Time  `json:"created_at"`
	SnoozedUntil *time.Time `json:"snoozed_until,omitempty"`
	Unread       int64      `json:"unread" doc:"For whose key it is"`
	Failed       int64      `json:"failed" doc:"Deliveries that failed and that nobody has dealt with"`
	Urgent       bool       `json:"urgent"`
	OptedOut     bool       `json:"opted_out"`
	Tags         []string   `json:"tags,omitempty" doc:"ai_handoff: the AI receptionist handed it over, and nobody has closed it since"`
	HeldByAI     bool       `json:"held_by_ai,omitempty" doc:"The AI receptionist answers in it now"`
}

// RecordRef is a record in a few words.
type RecordRef struct {
	ID        string `json:"id" example:"7"`
	Type      string `json:"type" enum:"job,quote,project,maintenance"`
	Reference string `json:"reference" example:"1042"`
	Title     string `json:"title" example:"Boiler replacement"`
}

// About is which record a message is about.
type About struct {
	RecordID string `json:"record_id" example:"7"`
	Label    string `json:"label" example:"Job #1042 Boiler replacement"`
	Because  string `json:"because" doc:"How that is known" example:"the team wrote about it 2 hours before"`
}

// Message is a message in the API.
type Message struct {
	ID         string    `json:"id"`
	At         time.Time `json:"at"`
	Direction  string    `json:"direction" enum:"in,out,note,event"`
	Channel    string    `json:"channel"`
	Author     string    `json:"author"`
	AuthorKind string    `json:"author_kind" enum:"contact,staff,ai,system"`
	Body       string    `json:"body"`
	Media      int       `json:"media,omitempty" doc:"How many files came with it"`
	// Attachments are those files.
	Attachments []Attachment `json:"attachments,omitempty"`
	About       *About       `json:"about,omitempty" doc:"Which record it is about; absent: not said"`
	Deliveries  []Delivery   `json:"deliveries,omitempty"`
	Handoff     *Handoff     `json:"handoff,omitempty" doc:"What the AI receptionist handed over, where the message stands for that"`
	Call        *Call        `json:"call,omitempty" doc:"The call that nobody took, where the message stands for one"`
	Folded      []Message    `json:"folded,omitempty" doc:"What was said in that call, and the words of a voicemail"`
	Views       []View       `json:"views,omitempty" doc:"Who has had and seen it. Only a page in which it was in view makes it read; a text is never read by itself"`
}

// Attachment is a file of a message in the API.
type Attachment struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Type    string `json:"type" doc:"As found in the file" example:"image/jpeg"`
	Size    int64  `json:"size" doc:"Bytes"`
	State   string `json:"state" enum:"kept,arriving,lost"`
	URL     string `json:"url,omitempty" doc:"Where it can be loaded, without a key, for 30 days; absent while it is not there"`
	Problem string `json:"problem,omitempty" doc:"Why it did not arrive"`
}

// View is one person's receipt of a message in the API.
type View struct {
	ContactID   string     `json:"contact_id,omitempty"`
	StaffID     string     `json:"staff_id,omitempty"`
	Name        string     `json:"name" example:"Priya Raman"`
	DeliveredAt *time.Time `json:"delivered_at,omitempty"`
	ReadAt      *time.Time `json:"read_at,omitempty"`
}

// Delivery is a delivery in the API.
type Delivery struct {
	ID          string     `json:"id"`
	Purpose     string     `json:"purpose" enum:"message,alert,link,code" doc:"alert: it tells the team of the message"`
	ContactID   string     `json:"contact_id,omitempty" doc:"For whom; absent for the team"`
	Channel     string     `json:"channel" enum:"sms,email"`
	To          string     `json:"to"`
	State       string     `json:"state" doc:"canceled with carried_by: a later mail says it too"`
	CarriedBy   string     `json:"carried_by,omitempty" doc:"Id of that mail's delivery"`
	Attempts    int        `json:"attempts"`
	SentAt      *time.Time `json:"sent_at,omitempty"`
	DeliveredAt *time.Time `json:"delivered_at,omitempty"`
	CarrierID   string     `json:"carrier_id,omitempty"`
	ErrorCode   string     `json:"error_code,omitempty"`
	Reason      string     `json:"reason,omitempty" doc:"Why it did not arrive, in plain words"`
}

func newConversation(c bridge.Conversation) Conversation {
	out := Conversation{
		ID: id(c.ID), Kind: string(c.Kind), Folder: string(c.Folder), Subject: c.Subject, State: string(c.State), Title: c.Title, ContactID: id(c.Contact), Address: c.Address,
		Assignee: c.AssigneeName, AssigneeID: id(c.Assignee), Preview: c.Preview, LastAt: c.LastAt.UTC(), CreatedAt: c.CreatedAt.UTC(),
		Unread: c.Unread, Failed: c.Failed, Urgent: c.Urgent, OptedOut: c.OptedOut,
	}
	out.SnoozedUntil, out.HeldByAI = moment(c.SnoozedUntil), c.Hold != 0
	if c.AIHandoff {
		out.Tags = []string{tagHandoff}
	}
	if r := c.About; r.ID != 0 {
		out.Record = &RecordRef{id(r.ID), string(r.Type), r.Reference, r.Title}
	}
	return out
}

func (a *API) newMessage(m bridge.Message) Message {
	out := Message{
		ID: id(m.ID), At: m.At.UTC(), Direction: string(m.Direction), Channel: string(m.Channel),
		Author: m.Author.Name, AuthorKind: string(m.Author.Kind), Body: m.Body, Media: len(m.Attachments),
	}
	for _, f := range m.Attachments {
		v := Attachment{ID: id(f.ID), Name: f.Name, Type: f.ContentType, Size: f.Size, State: string(f.State), Problem: f.Problem}
		if f.State == bridge.Kept && a.in.Link != nil {
			v.URL = a.in.Link(f)
		}
		out.Attachments = append(out.Attachments, v)
	}
	if m.About.Record != 0 {
		out.About = &About{id(m.About.Record), m.About.RecordLabel, m.About.Because}
	}
	for _, d := range m.Deliveries {
		v := Delivery{
			ID: id(d.ID), Purpose: string(d.Purpose), ContactID: id(d.Contact), Channel: string(d.Channel), To: d.To, State: string(d.State), CarriedBy: id(d.CarriedBy),
			Attempts: d.Attempts, SentAt: moment(d.SentAt), DeliveredAt: moment(d.DeliveredAt), CarrierID: d.CarrierID, ErrorCode: d.Code,
		}
		if words, ok := a.in.Words[d.Channel]; ok && d.Code != "" && d.State.Failure() {
			v.Reason = words.Explain(d.Code).Sentence
		}
		out.Deliveries = append(out.Deliveries, v)
	}
	out.Handoff, out.Call = newHandoff(m.Handoff), newCall(m.Call)
	for _, f := range m.Folded {
		out.Folded = append(out.Folded, a.newMessage(f))
	}
	for _, s := range m.Views {
		out.Views = append(out.Views, View{id(s.Contact), id(s.Staff), s.Name, moment(s.DeliveredAt), moment(s.ReadAt)})
	}
	return out
}

type listInput struct {
	View  string `query:"view" default:"open" enum:"open,mine,unassigned,attention,mentions,ai_handoff,waiting,snoozed,closed,team,customers,jobs,partners,tenants,service_pros,owners,maintenance,projects" doc:"A view, or a folder of the sidebar"`
	After string `query:"after" doc:"next of the previous page"`
	Limit int    `query:"limit" default:"50" minimum:"1" maximum:"200"`
}

type listOutput struct {
	Body struct {
		Conversations []Conversation `json:"conversations"`
		Next          string         `json:"next,omitempty" doc:"Give it as after to get the next page; absent at the end"`
	}
}

func (a *API) conversations(ctx context.Context, in *listInput) (*listOutput, error) {
	out := &listOutput{}
	out.Body.Conversations = []Conversation{}
	err := a.store.Read(ctx, func(tx *data.Tx) error {
		cs, err := tx.Conversations(actor(ctx), bridge.ParseView(in.View), data.ParseCursor(in.After), in.Limit)
		for _, c := range cs {
			out.Body.Conversations = append(out.Body.Conversations, newConversation(c))
		}
		if len(cs) == in.Limit {
			out.Body.Next = data.CursorAfter(cs[len(cs)-1]).String()
		}
		return err
	})
	return out, trouble(ctx, err)
}

type conversationOutput struct {
	Location string `header:"Location" doc:"Where the conversation is"`
	Body     Conversation
}

func (a *API) conversationAnswer(ctx context.Context, conv bridge.ConversationID) (*conversationOutput, error) {
	out := &conversationOutput{Location: "/api/v1/conversations/" + id(conv)}
	err := a.store.Read(ctx, func(tx *data.Tx) error {
		c, err := tx.Conversation(actor(ctx), conv)
		out.Body = newConversation(c)
		return err
	})
	if err != nil {
		return nil, trouble(ctx, err)
	}
	return out, nil
}

func (a *API) conversation(ctx context.Context, in *idInput) (*conversationOutput, error) {
	return a.conversationAnswer(ctx, bridge.ConversationID(in.ID))
}

type startInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"The same key twice starts one conversation and says the message once"`
	Body struct {
		Kind        string `json:"kind" enum:"customer,partner,direct,maintenance,team,topic,job"`
		ContactID   string `json:"contact_id,omitempty" doc:"Whom it is with" example:"12"`
		Phone       string `json:"phone,omitempty" maxLength:"40" doc:"Instead of contact_id; a number that nobody has makes a contact" example:"+1 415 555 0134"`
		Name        string `json:"name,omitempty" maxLength:"100" doc:"Of the contact that phone makes"`
		RecordID    string `json:"record_id,omitempty" doc:"What it is about" example:"7"`
		ColleagueID string `json:"colleague_id,omitempty" doc:"With kind team: the other one; absent is everybody"`
		Subject     string `json:"subject,omitempty" maxLength:"200" doc:"Needed with kind topic"`
		Body        string `json:"body,omitempty" maxLength:"10000" doc:"The first message; absent starts it without one"`
	}
}

func (a *API) start(ctx context.Context, in *startInput) (*conversationOutput, error) {
	b := &in.Body
	s := intake.Start{Kind: bridge.Kind(b.Kind), Phone: b.Phone, Name: b.Name, Subject: b.Subject, Body: b.Body}
	if in.Key != "" {
		s.ClientID = "api:" + id(actor(ctx).ID) + ":" + in.Key
	}
	var err error
	if s.Contact, err = parseID[bridge.ContactID]("contact_id", b.ContactID); err != nil {
		return nil, trouble(ctx, err)
	}
	if s.Record, err = parseID[bridge.RecordID]("record_id", b.RecordID); err != nil {
		return nil, trouble(ctx, err)
	}
	if s.Colleague, err = parseID[bridge.StaffID]("colleague_id", b.ColleagueID); err != nil {
		return nil, trouble(ctx, err)
	}
	if s.Contact != 0 && s.Phone != "" {
		return nil, trouble(ctx, &bridge.Invalid{Field: "phone", Problem: "Give contact_id or phone, not both"})
	}
	conv, err := a.in.Start(ctx, actor(ctx), s)
	if err != nil {
		return nil, trouble(ctx, err, "contact", "contact_id", "record", "record_id", "staff", "colleague_id")
	}
	return a.conversationAnswer(ctx, conv)
}

type messagesInput struct {
	ID     int64 `path:"id" minimum:"1"`
	Before int64 `query:"before" doc:"Only messages before this id"`
	Limit  int   `query:"limit" default:"50" minimum:"1" maximum:"200"`
}

type messagesOutput struct {
	Body struct {
		Messages []Message `json:"messages"`
		Before   string    `json:"before,omitempty" doc:"Give it as before to get the older page; absent at the start"`
	}
}

func (a *API) messages(ctx context.Context, in *messagesInput) (*messagesOutput, error) {
	out := &messagesOutput{}
	out.Body.Messages = []Message{}
	err := a.store.Read(ctx, func(tx *data.Tx) error {
		conv := bridge.ConversationID(in.ID)
		if _, err := tx.Conversation(actor(ctx), conv); err != nil {
			return err
		}
		ms, err := tx.Messages(conv, bridge.MessageID(in.Before), in.Limit)
		for _, m := range ms {
			out.Body.Messages = append(out.Body.Messages, a.newMessage(m))
		}
		if len(ms) == in.Limit {
			out.Body.Before = id(ms[0].ID)
		}
		return err
	})
	return out, trouble(ctx, err)
}

type sendInput struct {
	ID   int64  `path:"id" minimum:"1"`
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"The same key twice makes one message"`
	Body struct {
		Body string `json:"body" minLength:"1" maxLength:"10000"`
		Note bool   `json:"note,omitempty" doc:"true: only the team sees it"`
		By   string `json:"by,omitempty" enum:"sms,email,portal" doc:"The way it goes; absent: as the kind and the contact's own wish say"`
	}
}

type sendOutput struct{ Body Message }

func (a *API) send(ctx context.Context, in *sendInput) (*sendOutput, error) {
	d := intake.Draft{Conversation: bridge.ConversationID(in.ID), Body: in.Body.Body, By: bridge.Channel(in.Body.By)}
	if in.Key != "" {
		d.ClientID = "api:" + id(actor(ctx).ID) + ":" + in.Key
	}
	if hold := held(ctx); hold != 0 {
		return a.answer(ctx, hold, d, in)
	}
	write := a.in.Reply
	if in.Body.Note {
		write = a.in.Note
	}
	m, err := write(ctx, actor(ctx), d)
	if err != nil {
		return nil, trouble(ctx, err)
	}
	return &sendOutput{a.newMessage(m)}, nil
}
