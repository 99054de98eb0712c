// Package api is /api/v1, for the CRM and other programs. It obeys the same rules
// as the inbox, because it asks the same doors.
package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

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
	// PublicURL is where contacts reach the portal, without a slash at the end.
	PublicURL string
	store     *data.Store
	in        *intake.Intake
}

// New makes the API.
func New(store *data.Store, in *intake.Intake) *API { return &API{store: store, in: in} }

const about = `The shared inbox for programs: contacts, records (jobs, quotes, projects, maintenance requests), conversations and messages.

A key belongs to a member of staff and may do what they may do. Ids are strings, because JavaScript has no 64-bit integers. Times are RFC 3339 in UTC.

A refusal is a problem document (RFC 9457) with a stable code, the reason, and where there is one the fix. What the key may not see answers 404, exactly like what does not exist.`

// Mount puts the API and its description on the engine. Every operation needs a
// key; only the description does not.
func (a *API) Mount(r *gin.Engine) {
	cfg := huma.DefaultConfig("Porchlight", "1")
	cfg.Info.Description = about
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "/api/v1/openapi", "", "/api/v1/schemas"
	cfg.CreateHooks = nil // no $schema links in the answers
	cfg.Transformers = []huma.Transformer{coded}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "An API key made by: porchlight staff key NAME"}}
	cfg.Security = []map[string][]string{{"key": {}}}
	h := humagin.New(r, cfg)
	h.UseMiddleware(a.authenticate(h))
	a.mountConversations(h)
	a.mountReceptionist(h)
	a.mountSearch(h)
	a.mountContacts(h)
	a.mountPortal(h)
	a.mountRecords(h)
	describeErrors(h)
}

// maxBody is the largest request that is read, in bytes.
const maxBody = 256 << 10

type (
	actorKey struct{}
	holdKey  struct{}
)

// forHolds are the operations that the AI receptionist may ask for with the token of a
// hold.
var forHolds = []string{sendMessage, handOff}

// authenticate finds whose key it is. A key is 130 random bits, so one SHA-256
// looks it up; a slow hash for each call would allow 20 calls a second.
func (a *API) authenticate(h huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		readFirst(humagin.Unwrap(ctx).Request)
		key, ok := strings.CutPrefix(ctx.Header("Authorization"), "Bearer ")
		var actor bridge.Staff
		var hold bridge.HoldID
		err := error(bridge.ErrNotFound)
		if ok && bridge.IsHoldToken(key) {
			if !slices.Contains(forHolds, ctx.Operation().OperationID) {
				_ = huma.WriteErr(h, ctx, http.StatusForbidden, "With the token of a hold only messages and the handoff of its conversation can be sent")
				return
			}
			hold, err = a.holdOf(ctx.Context(), key)
		} else if ok && key != "" {
			err = a.store.Read(ctx.Context(), func(tx *data.Tx) (err error) {
				actor, err = tx.StaffByKey(bridge.HashSecret(key))
				return err
			})
		}
		switch {
		case err != nil && !errors.Is(err, bridge.ErrNotFound):
			_ = huma.WriteErr(h, ctx, http.StatusServiceUnavailable, "The store cannot be read. Try again.")
		case err == nil && hold != 0:
			next(huma.WithValue(ctx, holdKey{}, hold))
		case err != nil || !actor.Active:
			ctx.SetHeader("WWW-Authenticate", "Bearer")
			_ = huma.WriteErr(h, ctx, http.StatusUnauthorized, "Send an API key: Authorization: Bearer KEY. Make one with: porchlight staff key NAME")
		default:
			next(huma.WithValue(ctx, actorKey{}, actor))
		}
	}
}

// holdOf is the hold that a token is for.
func (a *API) holdOf(ctx context.Context, token string) (hold bridge.HoldID, err error) {
	err = a.store.Read(ctx, func(tx *data.Tx) error {
		key, err := tx.Secret(bridge.HoldKey)
		if err != nil {
			return err
		}
		ok := false
		if hold, ok = bridge.ParseHoldToken(key, token); !ok {
			return bridge.ErrNotFound
		}
		return nil
	})
	return hold, err
}

// held is the hold under which a request is made; 0: somebody of the team makes it.
func held(ctx context.Context) bridge.HoldID {
	h, _ := ctx.Value(holdKey{}).(bridge.HoldID)
	return h
}

// readFirst reads the body before anybody asks whose key it is, as web.Require does: a
// request that trickles in must not be done by a key that was revoked meanwhile.
func readFirst(r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	b, err := io.ReadAll(r.Body) // bounded already
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b), broken{err}))
}

// broken is the end of a body: a good one, or why it broke off.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, cmp.Or(b.err, io.EOF) }

func actor(ctx context.Context) bridge.Staff {
	p, _ := ctx.Value(actorKey{}).(bridge.Staff)
	return p
}

// may asks whether the key may do something that concerns no one conversation.
func may(ctx context.Context, do bridge.Action) error {
	return bridge.Decide(actor(ctx).Actor(), do, &bridge.Facts{}).Err()
}

// A problem is an error as RFC 9457 has it, with our stable code and the fix.
type problem struct {
	huma.ErrorModel
	Code     string `json:"code" doc:"Stable, for programs" example:"not_sent_to_portal"`
	Fix      string `json:"fix,omitempty" doc:"What to do about it" example:"Send the quote to the portal first"`
	Existing string `json:"existing_id,omitempty" doc:"With code taken: the id of what has this external_id or reference already"`
}

// trouble turns an error into its problem document. names are pairs: a field as
// the inside calls it, and as the request does.
func trouble(ctx context.Context, err error, names ...string) error {
	if err == nil {
		return nil
	}
	t := web.Explain(ctx, err)
	p := &problem{huma.ErrorModel{Status: t.Code, Title: t.Heading, Detail: t.Text + ".", Instance: t.Ref}, t.Name, t.Fix, ""}
	var invalid *bridge.Invalid
	if errors.As(err, &invalid) {
		field := invalid.Field
		if i := slices.Index(names, field); i >= 0 && i%2 == 0 {
			field = names[i+1]
		}
		p.Code = "invalid_" + field
		p.Errors = []*huma.ErrorDetail{{Message: invalid.Problem, Location: "body." + field}}
	}
	var taken *bridge.Taken
	if errors.As(err, &taken) {
		p.Status, p.Title, p.Code, p.Existing = http.StatusConflict, "Already there", "taken", strconv.FormatInt(taken.ID, 10)
	}
	return p
}

// coded gives the problems that huma finds by itself a code, too.
func coded(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code := map[int]string{http.StatusUnauthorized: "no_key", http.StatusServiceUnavailable: "unavailable", http.StatusRequestEntityTooLarge: "too_large", http.StatusUnprocessableEntity: "invalid"}[e.Status]
	if code == "" {
		code = "malformed"
	}
	return &problem{ErrorModel: *e, Code: code}, nil
}

// describeErrors says in the description what an error looks like, and when it
// comes.
func describeErrors(h huma.API) {
	schema := h.OpenAPI().Components.Schemas.Schema(typeOf[problem](), true, "Problem")
	when := map[string]string{
		"401": "No key, a wrong one, or one of somebody who left",
		"403": "A rule stands against it: code says which, detail why, fix what to do",
		"404": "It does not exist, or the key may not see it",
		"409": "It is there already (code taken, and existing_id), or changed in the meantime",
		"422": "A value is not right: errors names the field",
		"500": "Not your doing; instance is a code that stands in the log",
	}
	for _, path := range h.OpenAPI().Paths {
		for _, op := range []*huma.Operation{path.Get, path.Post, path.Patch} {
			if op == nil {
				continue
			}
			for code, r := range op.Responses {
				if text, ok := when[code]; ok {
					r.Description = text
					r.Content = map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}
				}
			}
		}
	}
}

func id[T ~int64](n T) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

// parseID reads an id of the request; empty is 0.
func parseID[T ~int64](field, s string) (T, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, &bridge.Invalid{Field: field, Problem: "This is not an id"}
	}
	return T(n), nil
}

// A cursor is a place in a list: the sort key of an entry and its id, opaque to
// those who pass it on.
func cursor(key string, id int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(id, 10) + " " + key))
}

func parseCursor(s string) (key string, id int64, err error) {
	if s == "" {
		return "", 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	n, key, ok := strings.Cut(string(b), " ")
	if err == nil {
		id, err = strconv.ParseInt(n, 10, 64)
	}
	if err != nil || !ok || id <= 0 {
		return "", 0, &bridge.Invalid{Field: "after", Problem: "Give what next was in the page before"}
	}
	return key, id, nil
}
