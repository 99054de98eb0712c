package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/templates"
)

// A Trouble is an error as people are told of it.
type Trouble struct {
	Code          int    // HTTP status
	Name          string // stable, for programs
	Heading, Text string
	Fix           string
	Ref           string // in the log beside the real error; only for what nobody expected
}

// Explain turns any error into what people are told. It is the one place where
// that is decided, for pages and for the API.
func Explain(ctx context.Context, err error) Trouble {
	var invalid *bridge.Invalid
	var denied *bridge.Denied
	switch {
	case errors.As(err, &invalid):
		return Trouble{Code: http.StatusUnprocessableEntity, Name: "invalid_" + invalid.Field, Heading: "Something is not right yet", Text: invalid.Problem}
	case errors.As(err, &denied) && denied.Code == "too_often":
		return Trouble{Code: http.StatusTooManyRequests, Name: denied.Code, Heading: "This is not possible now", Text: denied.Sentence, Fix: denied.Fix}
	case errors.As(err, &denied) && denied.Code == "taken_over":
		return Trouble{Code: http.StatusConflict, Name: denied.Code, Heading: "Somebody else has it", Text: denied.Sentence, Fix: denied.Fix}
	case errors.As(err, &denied):
		return Trouble{Code: http.StatusForbidden, Name: denied.Code, Heading: "This is not possible now", Text: denied.Sentence, Fix: denied.Fix}
	case errors.Is(err, bridge.ErrNotFound):
		return Trouble{Code: http.StatusNotFound, Name: "not_found", Heading: "Nothing here", Text: "This page or conversation does not exist, or is not yours to see"}
	case errors.Is(err, bridge.ErrExpired):
		return Trouble{Code: http.StatusGone, Name: "expired", Heading: "This link has expired", Text: "This link has expired", Fix: "Ask whoever sent it for a new one"}
	case errors.Is(err, bridge.ErrConflict):
		return Trouble{Code: http.StatusConflict, Name: "conflict", Heading: "Something new came in", Text: "A message arrived since you loaded this page, so nothing was sent"}
	case errors.Is(err, bridge.ErrDuplicate):
		return Trouble{Code: http.StatusConflict, Name: "duplicate", Heading: "Already there", Text: "This is stored already"}
	case errors.Is(err, context.Canceled):
		return Trouble{Code: 499, Name: "gone", Heading: "Stopped", Text: "The request was stopped"}
	}
	ref := rand.Text()[:6]
	slog.ErrorContext(ctx, "request failed", "ref", ref, "err", err)
	return Trouble{Code: http.StatusInternalServerError, Name: "internal", Heading: "Something went wrong",
		Text: "It is not your doing. Try again in a moment; if it stays, tell whoever looks after Porchlight the code below", Ref: ref}
}

// Sentence is the text with its fix, with full stops.
func (t Trouble) Sentence() string {
	s := t.Text + "."
	if t.Fix != "" {
		s += " " + t.Fix + "."
	}
	if t.Ref != "" {
		s += " (" + t.Ref + ")"
	}
	return s
}

// fail answers with an error: a sentence for the page's own script, a page for
// people.
func (w *Web) fail(c *gin.Context, err error) {
	t := Explain(c.Request.Context(), err)
	if c.Writer.Written() {
		return
	}
	if WantsFragment(c) {
		c.String(t.Code, "%s", t.Sentence())
		return
	}
	p := templates.ErrorPage{
		Shell: w.Shell(c, t.Heading, ""), Code: t.Code, Heading: t.Heading, Text: t.Text + ".", Ref: t.Ref,
		Action: "Go to the inbox", ActionTo: "/inbox",
	}
	if t.Fix != "" {
		p.Text += " " + t.Fix + "."
	}
	if err := w.Page(c, t.Code, "error", p); err != nil {
		warn(c, "error page failed", "err", err)
		c.String(t.Code, "%s", t.Sentence())
	}
}

// NotFound is the answer for a path that does not exist.
func (w *Web) NotFound(c *gin.Context) {
	w.Identify(c)
	if !c.IsAborted() {
		w.fail(c, bridge.ErrNotFound)
	}
}
