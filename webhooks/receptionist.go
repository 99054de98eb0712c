package webhooks

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/receptionist"
)

// Receptionist takes handoffs from AI receptionists. What it refuses it explains as a
// problem document (RFC 9457) that names the field.
type Receptionist struct {
	Intake *intake.Intake
	Now    func() time.Time
	// Providers are those that are configured, by the last part of their path.
	Providers map[string]receptionist.Provider
	// Seen counts webhooks by route and result, for the metrics. May be nil.
	Seen func(route, result string)
}

// The paths below /webhooks/receptionist.
const (
	NeutralPath    = "handoff"
	VapiPath       = "vapi"
	RetellPath     = "retell"
	ElevenLabsPath = "elevenlabs"
)

// A door is one of the paths, with the setting that it needs and the field that names
// the call in what is posted there.
type door struct{ path, setting, id string }

var doors = [...]door{
	{NeutralPath, "receptionist.secret", "call_id"}, {VapiPath, "receptionist.vapi_secret", "message.call.id"},
	{RetellPath, "receptionist.retell_key", "call.call_id"}, {ElevenLabsPath, "receptionist.elevenlabs_secret", "data.conversation_id"},
}

// Mount puts the routes on the engine, also those that are not configured: whoever
// calls one is told which setting it needs.
func (h *Receptionist) Mount(r gin.IRouter) {
	for _, d := range doors {
		r.POST("/webhooks/receptionist/"+d.path, func(c *gin.Context) { h.take(c, d) })
	}
}

// A problem is an error as RFC 9457 has it, with a stable code, as the API's are.
type problem struct {
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Detail string          `json:"detail"`
	Code   string          `json:"code"`
	Errors []problemDetail `json:"errors,omitempty"`
}

type problemDetail struct {
	Message  string `json:"message"`
	Location string `json:"location"` // of the field, such as body.contact.phone
}

// handedOff is the answer for what was taken.
type handedOff struct {
	Status       string `json:"status"` // stored, known or ignored
	Conversation int64  `json:"conversation_id,omitempty,string"`
}

func (h *Receptionist) take(c *gin.Context, at door) {
	out, p := h.read(c.Request, at)
	if p == nil {
		h.seen(at.path, out.Status)
		c.JSON(http.StatusOK, out)
		return
	}
	slog.Warn("handoff refused", "route", at.path, "code", p.Code, "why", p.Detail, "peer", c.Request.RemoteAddr)
	h.seen(at.path, p.Code)
	body, err := json.Marshal(p)
	if err != nil {
		c.Status(http.StatusInternalServerError)
		return
	}
	c.Data(p.Status, "application/problem+json", body)
}

func (h *Receptionist) seen(path, result string) {
	if h.Seen != nil {
		h.Seen("receptionist "+path, result)
	}
}

func (h *Receptionist) read(r *http.Request, at door) (out handedOff, p *problem) {
	from, ok := h.Providers[at.path]
	if !ok {
		return out, &problem{"Not set up", http.StatusForbidden, "This receptionist is not set up. Set " + at.setting + " in the configuration.", "not_configured", nil}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, receptionist.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return out, &problem{"Too large", http.StatusRequestEntityTooLarge, "The body is over 1.5 MB.", "too_large", []problemDetail{{"It is over 1.5 MB", "body"}}}
	case err != nil:
		return out, &problem{"Cut off", http.StatusBadRequest, "The body ended early.", "cut_off", []problemDetail{{"It ended early", "body"}}}
	}
	request, err := from.Verify(r.Header, body, h.Now())
	if err != nil {
		return out, doubt(err)
	}
	piece, ok, err := from.Decode(body)
	if err != nil {
		return out, explain(err, at)
	}
	// A caller who hung up at once is nobody's mistake: a vendor that is refused too
	// often stops telling of calls at all.
	if !ok || at.path != NeutralPath && !piece.Says() {
		return handedOff{Status: "ignored"}, nil
	}
	done, err := h.Intake.HandOff(r.Context(), piece, string(body), request)
	if err != nil {
		return out, explain(err, at)
	}
	out = handedOff{Status: "stored", Conversation: int64(done.Conversation)}
	if done.Duplicate {
		out.Status = "known"
	}
	return out, nil
}

// doubt says why a sender is not believed.
func doubt(err error) *problem {
	p := &problem{"Not believed", http.StatusUnauthorized, "There is no signature.", "unsigned", []problemDetail{{"It is missing", "header.signature"}}}
	switch {
	case errors.Is(err, receptionist.ErrForged):
		p.Detail, p.Code, p.Errors[0].Message = "The signature does not match.", "bad_signature", "It does not match"
	case errors.Is(err, receptionist.ErrExpired):
		p.Detail, p.Code = "The signature's time is too far from now.", "expired"
		p.Errors[0] = problemDetail{"It is too far from now", "header.timestamp"}
	}
	return p
}

func explain(err error, at door) *problem {
	var invalid *bridge.Invalid
	switch {
	case errors.As(err, &invalid):
		where := "body"
		switch invalid.Field {
		case "body":
		case "id":
			where += "." + at.id
		default:
			where += "." + invalid.Field
		}
		return &problem{"Something is not right", http.StatusUnprocessableEntity, where + ": " + invalid.Problem + ".", "invalid", []problemDetail{{invalid.Problem, where}}}
	case errors.Is(err, bridge.ErrDuplicate):
		return &problem{"Seen before", http.StatusConflict, "This very request was taken already, and is stored. Sign again to send it again.", "replayed", []problemDetail{{"It was used before", "header.webhook-id"}}}
	}
	slog.Error("handoff not stored", "err", err)
	return &problem{"Not stored", http.StatusServiceUnavailable, "It could not be stored. Try again.", "store_failed", nil}
}
