package receptionist

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"porchlight/bridge"
)

// Neutral is the payload of receptionists that have no format of their own here. Its
// JSON Schema, of which docs/handoff.schema.json is a copy, is made from it, and every
// payload is held against that.
type Neutral struct {
	_          struct{}       `additionalProperties:"true"`
	Schema     string         `json:"schema" enum:"handoff/1" doc:"Which version of this format it is"`
	CallID     string         `json:"call_id" minLength:"1" maxLength:"200" pattern:"^[!-~]+$" doc:"Names the call or chat. Everything that is sent under the same id completes the same handoff, in any order; the same thing again changes nothing" example:"call-2026-11-22-0007"`
	OccurredAt time.Time      `json:"occurred_at" doc:"When this was said, by your clock: of two words on the same thing the later one holds"`
	Channel    string         `json:"channel,omitempty" enum:"voice,sms,chat" default:"voice"`
	Agent      string         `json:"agent,omitempty" maxLength:"200" doc:"What the receptionist calls itself" example:"Ava"`
	Contact    *Contact       `json:"contact,omitempty" doc:"Who called. Needed in the first piece of a call"`
	OurNumber  string         `json:"our_number,omitempty" maxLength:"40" doc:"Which of your numbers was called" example:"+14155550100"`
	Reason     string         `json:"reason,omitempty" maxLength:"200" doc:"Why it is handed over" example:"The caller asked for a person"`
	Intent     string         `json:"intent,omitempty" maxLength:"200" doc:"What they want, in a few words" example:"Leaking tap"`
	Urgency    string         `json:"urgency,omitempty" enum:"low,normal,high,emergency" doc:"high and emergency flag the conversation and text the phones on duty"`
	Summary    string         `json:"summary,omitempty" maxLength:"5000" doc:"Only the team reads it"`
	Callback   string         `json:"callback_number,omitempty" maxLength:"200" doc:"Where to call back, if not the number that they called from" example:"+14155550177"`
	StartedAt  *time.Time     `json:"started_at,omitempty"`
	Duration   float64        `json:"duration_s,omitempty" minimum:"0" maximum:"86400" doc:"Length of the call in seconds"`
	Ended      string         `json:"ended_reason,omitempty" maxLength:"200" example:"caller hung up"`
	Recording  string         `json:"recording_url,omitempty" maxLength:"2000" doc:"An https address. It is shown to the team as a link, and not fetched" example:"https://example.com/recordings/0007.mp3"`
	Fields     map[string]any `json:"fields,omitempty" doc:"Anything else that was found out: name and value"`
	Transcript []Said         `json:"transcript,omitempty" maxItems:"2000" doc:"What was said, in order. Each turn becomes a message that never changes"`
}

// Contact is who called.
type Contact struct {
	_     struct{} `additionalProperties:"true"`
	Phone string   `json:"phone,omitempty" maxLength:"100" doc:"With its country code; anonymous where it is withheld" example:"+14155550134"`
	Name  string   `json:"name,omitempty" maxLength:"200" example:"Tom Becker"`
	Email string   `json:"email,omitempty" maxLength:"200" example:"tom@example.com"`
}

// Said is one turn of a call or chat.
type Said struct {
	_    struct{} `additionalProperties:"true"`
	Role string   `json:"role" enum:"agent,caller,tool,system" doc:"tool and system are not kept"`
	Text string   `json:"text" maxLength:"10000"`
	At   *float64 `json:"at_s,omitempty" minimum:"0" maximum:"86400" doc:"Seconds after the start"`
}

var schema = sync.OnceValues(func() (huma.Registry, *huma.Schema) {
	r := huma.NewMapRegistry("#/$defs/", huma.DefaultSchemaNamer)
	return r, r.Schema(reflect.TypeFor[Neutral](), false, "Handoff")
})

// Schema is the JSON Schema of the neutral payload.
func Schema() ([]byte, error) {
	r, s := schema()
	root, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(root, &out); err != nil {
		return nil, err
	}
	out["$schema"], out["title"] = "https://json-schema.org/draft/2020-12/schema", "Porchlight handoff"
	defs := map[string]any{}
	for name, d := range r.Map() {
		if name != "Neutral" {
			defs[name] = d
		}
	}
	out["$defs"] = defs
	b, err := json.MarshalIndent(out, "", "  ")
	return append(b, '\n'), err
}

// DecodeNeutral reads a payload of the neutral format.
func DecodeNeutral(body []byte) (bridge.Handoff, bool, error) {
	var any any
	if err := unmarshal(body, &any); err != nil {
		return bridge.Handoff{}, false, err
	}
	r, s := schema()
	var problems huma.ValidateResult
	huma.Validate(r, s, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, any, &problems)
	if len(problems.Errors) > 0 {
		return bridge.Handoff{}, false, invalid(problems.Errors[0])
	}
	var p Neutral
	if err := unmarshal(body, &p); err != nil {
		return bridge.Handoff{}, false, err
	}
	return p.handoff()
}

// invalid is a problem that the schema found.
func invalid(err error) error {
	if d, ok := err.(*huma.ErrorDetail); ok {
		at, problem := d.Location, strings.ToUpper(d.Message[:1])+d.Message[1:]
		var missing string
		if _, err := fmt.Sscanf(d.Message, validation.MsgExpectedRequiredProperty, &missing); err == nil {
			at, problem = at+"."+missing, "It is missing"
		}
		return &bridge.Invalid{Field: field(strings.Trim(at, ".")), Problem: problem}
	}
	return &bridge.Invalid{Field: "body", Problem: err.Error()}
}

func (p *Neutral) handoff() (bridge.Handoff, bool, error) {
	r := &reader{}
	h := &bridge.Handoff{
		Provider: "neutral", Call: r.id("call_id", p.CallID), At: r.when("occurred_at", p.OccurredAt), Channel: channel(p.Channel), Agent: p.Agent, Reason: p.Reason,
		Intent: p.Intent, Urgency: bridge.ParseUrgency(p.Urgency), Summary: p.Summary, Callback: p.Callback, Ended: p.Ended,
		Recording: r.link("recording_url", p.Recording), Duration: seconds(p.Duration),
	}
	if c := p.Contact; c == nil || c.Phone == "" && c.Name == "" && c.Email == "" {
		h.Nobody = true
	} else {
		h.From, h.Name, h.Email = r.caller("contact.phone", c.Phone), c.Name, c.Email
	}
	if p.OurNumber != "" {
		h.To = r.caller("our_number", p.OurNumber)
	}
	if p.StartedAt != nil {
		h.StartedAt = r.when("started_at", *p.StartedAt)
	}
	var turns []bridge.Turn
	for _, t := range p.Transcript {
		turn := bridge.Turn{Speaker: bridge.Speaker(t.Role), Text: t.Text, At: after(t.At)}
		if turn.Speaker == bridge.SpokenByAgent || turn.Speaker == bridge.SpokenByCaller {
			turns = append(turns, turn)
		}
	}
	h.Turns = r.turns("transcript", turns)
	r.found("fields", h, p.Fields)
	return r.finish(h)
}

func channel(s string) bridge.Channel {
	switch s {
	case "sms":
		return bridge.SMS
	case "chat":
		return bridge.Portal
	}
	return bridge.Voice
}

// seconds is a time that a payload gives, to the millisecond and at most a day.
func seconds(s float64) time.Duration {
	return time.Duration(math.Round(min(max(s, 0), 86400)*1000)) * time.Millisecond
}

// after is when a turn was said, negative where the payload does not say.
func after(s *float64) time.Duration {
	if s == nil || *s < 0 {
		return -1
	}
	return seconds(*s)
}
