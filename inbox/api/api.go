// Package api is /api/v1, for the CRM and other programs. It obeys the same rules
// as the inbox, because it asks the same doors.
package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
)

// API serves /api/v1.
type API struct {
	store *data.Store
	in    *intake.Intake
}

// New makes the API.
func New(store *data.Store, in *intake.Intake) *API { return &API{store, in} }

// Mount puts the API and its description on the engine.
func (a *API) Mount(r *gin.Engine) {
	cfg := huma.DefaultConfig("Porchlight", "1")
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "/api/v1/openapi", "", "/api/v1/schemas"
	cfg.CreateHooks = nil // no $schema links in the answers
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "An API key made by: porchlight staff key NAME"}}
	h := humagin.New(r, cfg)
	h.UseMiddleware(a.authenticate(h))
	key := []map[string][]string{{"key": {}}}
	huma.Register(h, huma.Operation{
		OperationID: "list-conversations", Method: http.MethodGet, Path: "/api/v1/conversations", Security: key,
		Summary: "Conversations of a view, newest first", Errors: []int{401},
	}, a.conversations)
	huma.Register(h, huma.Operation{
		OperationID: "list-messages", Method: http.MethodGet, Path: "/api/v1/conversations/{id}/messages", Security: key,
		Summary: "Messages of a conversation, oldest first; without before: the newest", Errors: []int{401, 404},
	}, a.messages)
	huma.Register(h, huma.Operation{
		OperationID: "send-message", Method: http.MethodPost, Path: "/api/v1/conversations/{id}/messages", Security: key,
		Summary: "Reply to the contact, or leave a note", DefaultStatus: http.StatusCreated, Errors: []int{401, 403, 404, 409, 422}, MaxBodyBytes: 256 << 10,
	}, a.send)
}

type actorKey struct{}

// authenticate finds whose key it is. A key is 130 random bits, so one SHA-256
// looks it up; a slow hash for each call would allow 20 calls a second.
func (a *API) authenticate(h huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if !strings.HasPrefix(ctx.Operation().Path, "/api/v1/conversations") {
			next(ctx)
			return
		}
		key, ok := strings.CutPrefix(ctx.Header("Authorization"), "Bearer ")
		var actor bridge.Staff
		err := error(bridge.ErrNotFound)
		if ok && key != "" {
			err = a.store.Read(ctx.Context(), func(tx *data.Tx) (err error) {
				actor, err = tx.StaffByKey(web.HashSecret(key))
				return err
			})
		}
		switch {
		case err != nil && !errors.Is(err, bridge.ErrNotFound):
			_ = huma.WriteErr(h, ctx, http.StatusServiceUnavailable, "The store cannot be read. Try again.")
		case err != nil || !actor.Active:
			ctx.SetHeader("WWW-Authenticate", "Bearer")
			_ = huma.WriteErr(h, ctx, http.StatusUnauthorized, "Send an API key: Authorization: Bearer KEY. Make one with: porchlight staff key NAME")
		default:
			next(huma.WithValue(ctx, actorKey{}, actor))
		}
	}
}

func actor(ctx context.Context) bridge.Staff {
	p, _ := ctx.Value(actorKey{}).(bridge.Staff)
	return p
}

// A problem is an error as RFC 9457 has it, with our stable code and the fix.
type problem struct {
	huma.ErrorModel
	Code string `json:"code" doc:"Stable, for programs"`
	Fix  string `json:"fix,omitempty" doc:"What to do about it"`
}

func trouble(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	t := web.Explain(ctx, err)
	return &problem{huma.ErrorModel{Status: t.Code, Title: t.Heading, Detail: t.Text + ".", Instance: t.Ref}, t.Name, t.Fix}
}

// Conversation is a conversation in the API. Ids are strings, because JavaScript
// has no 64-bit integers.
type Conversation struct {
	ID           string     `json:"id"`
	State        string     `json:"state" enum:"open,waiting,snoozed,closed"`
	Title        string     `json:"title" doc:"The contact's name, or number"`
	ContactID    string     `json:"contact_id"`
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
}

// Message is a message in the API.
type Message struct {
	ID         string     `json:"id"`
	At         time.Time  `json:"at"`
	Direction  string     `json:"direction" enum:"in,out,note,event"`
	Channel    string     `json:"channel"`
	Author     string     `json:"author"`
	AuthorKind string     `json:"author_kind" enum:"contact,staff,ai,system"`
	Body       string     `json:"body"`
	Media      int        `json:"media,omitempty" doc:"How many files came with it"`
	Deliveries []Delivery `json:"deliveries,omitempty"`
}

// Delivery is a delivery in the API.
type Delivery struct {
	ID        string `json:"id"`
	Channel   string `json:"channel"`
	To        string `json:"to"`
	State     string `json:"state"`
	Attempts  int    `json:"attempts"`
	CarrierID string `json:"carrier_id,omitempty"`
	ErrorCode string `json:"error_code,omitempty"`
	Reason    string `json:"reason,omitempty" doc:"Why it did not arrive, in plain words"`
}

func id[T ~int64](n T) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

func newConversation(c bridge.Conversation) Conversation {
	out := Conversation{
		ID: id(c.ID), State: string(c.State), Title: c.Title, ContactID: id(c.Contact), Address: c.Address,
		Assignee: c.AssigneeName, AssigneeID: id(c.Assignee), Preview: c.Preview, LastAt: c.LastAt.UTC(), CreatedAt: c.CreatedAt.UTC(),
		Unread: c.Unread, Failed: c.Failed, Urgent: c.Urgent, OptedOut: c.OptedOut,
	}
	if !c.SnoozedUntil.IsZero() {
		t := c.SnoozedUntil.UTC()
		out.SnoozedUntil = &t
	}
	return out
}

func (a *API) newMessage(m bridge.Message) Message {
	out := Message{
		ID: id(m.ID), At: m.At.UTC(), Direction: string(m.Direction), Channel: string(m.Channel),
		Author: m.Author.Name, AuthorKind: string(m.Author.Kind), Body: m.Body, Media: len(m.Media),
	}
	for _, d := range m.Deliveries {
		v := Delivery{ID: id(d.ID), Channel: string(d.Channel), To: d.To, State: string(d.State), Attempts: d.Attempts, CarrierID: d.CarrierID, ErrorCode: d.Code}
		if words, ok := a.in.Words[d.Channel]; ok && d.Code != "" && d.State.Failure() {
			v.Reason = words.Explain(d.Code).Sentence
		}
		out.Deliveries = append(out.Deliveries, v)
	}
	return out
}

type listInput struct {
	View  string `query:"view" default:"open" enum:"open,mine,unassigned,attention,waiting,snoozed,closed"`
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
	}
}

type sendOutput struct{ Body Message }

func (a *API) send(ctx context.Context, in *sendInput) (*sendOutput, error) {
	d := intake.Draft{Conversation: bridge.ConversationID(in.ID), Body: in.Body.Body}
	if in.Key != "" {
		d.ClientID = "api:" + id(actor(ctx).ID) + ":" + in.Key
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
