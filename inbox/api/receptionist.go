package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"porchlight/bridge"
	"porchlight/bridge/intake"
)

const (
	sendMessage = "send-message"
	handOff     = "hand-off"
	// tagHandoff is on conversations that the AI receptionist handed over.
	tagHandoff = "ai_handoff"
)

func (a *API) mountReceptionist(h huma.API) {
	tags := []string{"AI receptionist"}
	huma.Register(h, huma.Operation{
		OperationID: handOff, Method: http.MethodPost, Path: "/api/v1/conversations/{id}/handoff", Tags: tags, DefaultStatus: http.StatusNoContent, Errors: []int{401, 403, 404, 409, 422}, MaxBodyBytes: maxBody,
		Summary:     "Hand a conversation to people",
		Description: "For the AI receptionist that holds it, with the token of the hold. From then on the token is worth nothing.",
	}, a.handOff)
	huma.Register(h, huma.Operation{
		OperationID: "take-over", Method: http.MethodPost, Path: "/api/v1/conversations/{id}/take-over", Tags: tags, DefaultStatus: http.StatusOK, Errors: []int{401, 403, 404},
		Summary: "Take a conversation from the AI receptionist",
	}, a.takeOver)
	huma.Register(h, huma.Operation{
		OperationID: "give-back", Method: http.MethodPost, Path: "/api/v1/conversations/{id}/give-back", Tags: tags, DefaultStatus: http.StatusOK, Errors: []int{401, 403, 404},
		Summary: "Give a conversation to the AI receptionist",
	}, a.giveBack)
}

// Handoff is what the AI receptionist handed over, in the API.
type Handoff struct {
	Provider  string     `json:"provider" example:"retell"`
	CallID    string     `json:"call_id"`
	Reason    string     `json:"reason,omitempty"`
	Intent    string     `json:"intent,omitempty"`
	Urgency   string     `json:"urgency,omitempty" enum:"low,normal,high,emergency"`
	Summary   string     `json:"summary,omitempty"`
	Callback  string     `json:"callback_number,omitempty"`
	Email     string     `json:"email,omitempty"`
	Recording string     `json:"recording_url,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	DurationS int64      `json:"duration_s,omitempty"`
	Ended     string     `json:"ended_reason,omitempty"`
	Fields    []Field    `json:"fields,omitempty"`
}

// Field is one more thing that the AI receptionist found out.
type Field struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Call is a call to a line that nobody took, in the API.
type Call struct {
	State      string     `json:"state" enum:"missed,voicemail"`
	StartedAt  time.Time  `json:"started_at"`
	TextedBack *time.Time `json:"texted_back_at,omitempty"`
}

func newHandoff(h *bridge.Handoff) *Handoff {
	if h == nil {
		return nil
	}
	out := &Handoff{
		Provider: h.Provider, CallID: h.Call, Reason: h.Reason, Intent: h.Intent, Urgency: string(h.Urgency), Summary: h.Summary, Callback: h.Callback,
		Email: h.Email, Recording: h.Recording, StartedAt: moment(h.StartedAt), DurationS: int64(h.Duration / time.Second), Ended: h.Ended,
	}
	for _, f := range h.Facts {
		out.Fields = append(out.Fields, Field(f))
	}
	return out
}

func newCall(c *bridge.Call) *Call {
	if c == nil {
		return nil
	}
	return &Call{string(c.State), c.StartedAt.UTC(), moment(c.TextedAt)}
}

// answer is a message of the AI receptionist.
func (a *API) answer(ctx context.Context, hold bridge.HoldID, d intake.Draft, in *sendInput) (*sendOutput, error) {
	if in.Body.Note {
		return nil, trouble(ctx, &bridge.Denied{Code: "team_only", Sentence: "Only the team leaves notes", Fix: "Say it in the handoff"})
	}
	d.ClientID = ""
	if in.Key != "" {
		d.ClientID = "hold:" + id(hold) + ":" + in.Key
	}
	m, err := a.in.AnswerAsBot(ctx, hold, d)
	if err != nil {
		return nil, trouble(ctx, err)
	}
	return &sendOutput{a.newMessage(m)}, nil
}

type handOffInput struct {
	ID   int64 `path:"id" minimum:"1"`
	Body struct {
		Summary  string            `json:"summary" minLength:"1" maxLength:"5000" doc:"Only the team reads it"`
		Reason   string            `json:"reason,omitempty" maxLength:"200" example:"They asked for a person"`
		Intent   string            `json:"intent,omitempty" maxLength:"200" example:"Leaking tap"`
		Urgency  string            `json:"urgency,omitempty" enum:"low,normal,high,emergency" doc:"high and emergency flag the conversation and text the phones on duty"`
		Callback string            `json:"callback_number,omitempty" maxLength:"200"`
		Name     string            `json:"name,omitempty" maxLength:"200"`
		Fields   map[string]string `json:"fields,omitempty" doc:"Anything else that was found out"`
	}
}

func (a *API) handOff(ctx context.Context, in *handOffInput) (*struct{}, error) {
	hold := held(ctx)
	if hold == 0 {
		return nil, trouble(ctx, &bridge.Denied{Code: "no_hold", Sentence: "Only the AI receptionist that holds a conversation hands it over", Fix: "Use the token that came with the message"})
	}
	b := &in.Body
	h := bridge.Handoff{Summary: bridge.CleanText(b.Summary), Reason: bridge.CleanText(b.Reason), Intent: bridge.CleanText(b.Intent), Urgency: bridge.Urgency(b.Urgency),
		Callback: bridge.CleanText(b.Callback), Name: bridge.CleanText(b.Name)}
	if len(b.Fields) > bridge.MaxFacts {
		return nil, trouble(ctx, &bridge.Invalid{Field: "fields", Problem: "There are more than 50"})
	}
	for _, k := range slices.Sorted(maps.Keys(b.Fields)) {
		if len(k) > 100 || len(b.Fields[k]) > 2000 {
			return nil, trouble(ctx, &bridge.Invalid{Field: "fields." + k, Problem: "A name has at most 100 characters and a value 2,000"})
		}
		h.Facts = append(h.Facts, bridge.Fact{Label: bridge.CleanText(k), Value: bridge.CleanText(b.Fields[k])})
	}
	return nil, trouble(ctx, a.in.HandOffHold(ctx, hold, bridge.ConversationID(in.ID), h))
}

func (a *API) takeOver(ctx context.Context, in *idInput) (*conversationOutput, error) {
	if err := a.in.TakeOver(ctx, actor(ctx), bridge.ConversationID(in.ID)); err != nil {
		return nil, trouble(ctx, err)
	}
	return a.conversationAnswer(ctx, bridge.ConversationID(in.ID))
}

func (a *API) giveBack(ctx context.Context, in *idInput) (*conversationOutput, error) {
	if err := a.in.GiveBack(ctx, actor(ctx), bridge.ConversationID(in.ID)); err != nil {
		return nil, trouble(ctx, err)
	}
	return a.conversationAnswer(ctx, bridge.ConversationID(in.ID))
}
