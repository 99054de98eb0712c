package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func (a *API) mountPortal(h huma.API) {
	huma.Register(h, huma.Operation{
		OperationID: "get-contact-portal", Method: http.MethodGet, Path: "/api/v1/contacts/{id}/portal", Tags: []string{"Contacts"}, Errors: []int{401, 403, 404},
		Summary:     "What is new for a contact",
		Description: "For another portal of the business that shows its signed-in customer what is new here. The same as /portal/widget.json, for servers. Conversations that the key may not see are left out and not counted. Reading this marks nothing as read.",
	}, a.portal)
}

// Glance is what is new for a contact in the API.
type Glance struct {
	Unread        int64       `json:"unread" doc:"Messages that the contact has not seen, in all conversations" example:"2"`
	Conversations []GlanceRow `json:"conversations" doc:"The newest, at most 10"`
	URL           string      `json:"url" doc:"Where the contact reads them; it asks who they are unless they came in by a link" example:"https://texts.example.com/portal"`
}

// GlanceRow is one conversation of a Glance.
type GlanceRow struct {
	Title   string    `json:"title" example:"Boiler replacement"`
	Preview string    `json:"preview" doc:"The beginning of the newest message" example:"I can be with you tomorrow"`
	At      time.Time `json:"at"`
	Unread  int64     `json:"unread" example:"2"`
	URL     string    `json:"url" example:"https://texts.example.com/portal/c/7"`
}

type glanceOutput struct{ Body Glance }

func (a *API) portal(ctx context.Context, in *idInput) (*glanceOutput, error) {
	if err := may(ctx, bridge.DoSeePeople); err != nil {
		return nil, trouble(ctx, err)
	}
	reader := actor(ctx)
	var g intake.Glance
	err := a.store.Read(ctx, func(tx *data.Tx) (err error) {
		g, err = a.in.Glance(tx, bridge.ContactID(in.ID), &reader)
		return err
	})
	if err != nil {
		return nil, trouble(ctx, err)
	}
	out := Glance{Unread: g.Unread, Conversations: []GlanceRow{}, URL: a.PublicURL + "/portal"}
	for _, r := range g.Rows {
		out.Conversations = append(out.Conversations, GlanceRow{r.Title, r.Preview, r.At.UTC(), r.Unread, a.PublicURL + "/portal/c/" + strconv.FormatInt(int64(r.Conversation), 10)})
	}
	return &glanceOutput{out}, nil
}
