package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"porchlight/bridge"
	"porchlight/data"
)

func (a *API) mountSearch(h huma.API) {
	huma.Register(h, huma.Operation{
		OperationID: "search-messages", Method: http.MethodGet, Path: "/api/v1/messages", Tags: []string{"Conversations"}, Errors: []int{401, 422},
		Summary:     "Search all messages, newest first, as far as the key may see",
		Description: `q is what people type: words, "phrases", and from:maya, in:1042, channel:email, after:2026-03-01, before:2026-04, has:photo, is:failed. Days begin in UTC. The last word may be the beginning of a longer one; a space after it says that it is not.`,
	}, a.search)
}

// Found is a message that was found.
type Found struct {
	ID             string    `json:"id"`
	ConversationID string    `json:"conversation_id" doc:"Where it is shown; one that the key may see"`
	Title          string    `json:"title" doc:"Of the conversation"`
	At             time.Time `json:"at"`
	Direction      string    `json:"direction" enum:"in,out,note"`
	Channel        string    `json:"channel"`
	Author         string    `json:"author"`
	Snippet        string    `json:"snippet" doc:"The text around what was looked for, as plain text"`
}

type searchInput struct {
	Query  string `query:"q" required:"true" minLength:"1" maxLength:"400" example:"boiler from:priya"`
	Before int64  `query:"before" doc:"Only messages before this id"`
	Limit  int    `query:"limit" default:"30" minimum:"1" maximum:"200"`
}

type searchOutput struct {
	Body struct {
		Messages []Found `json:"messages"`
		Before   string  `json:"before,omitempty" doc:"Give it as before to get the next page; absent at the end"`
	}
}

func (a *API) search(ctx context.Context, in *searchInput) (*searchOutput, error) {
	out := &searchOutput{}
	out.Body.Messages = []Found{}
	err := a.store.Read(ctx, func(tx *data.Tx) error {
		hits, err := tx.Search(actor(ctx), bridge.ParseSearch(in.Query, time.UTC), bridge.MessageID(in.Before), in.Limit)
		for _, hit := range hits {
			var text strings.Builder
			for _, p := range hit.Snippet {
				text.WriteString(p.Text)
			}
			out.Body.Messages = append(out.Body.Messages, Found{
				ID: id(hit.Message), ConversationID: id(hit.Conversation), Title: hit.TitleFor(actor(ctx)), At: hit.At.UTC(),
				Direction: string(hit.Direction), Channel: string(hit.Channel), Author: hit.Author.Name, Snippet: text.String(),
			})
		}
		if len(hits) == in.Limit {
			out.Body.Before = id(hits[len(hits)-1].Message)
		}
		return err
	})
	return out, trouble(ctx, err)
}
