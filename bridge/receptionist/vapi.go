package receptionist

import (
	"time"

	"porchlight/bridge"
)

// vapi is what Vapi posts to a server URL, as far as it says something of a call:
// https://docs.vapi.ai/server-url/events. Times in messages are Unix milliseconds.
type vapi struct {
	Message struct {
		Type      string  `json:"type"`
		Timestamp float64 `json:"timestamp"`
		Ended     string  `json:"endedReason"`
		StartedAt string  `json:"startedAt"`
		EndedAt   string  `json:"endedAt"`
		Customer  struct {
			Number string `json:"number"`
			Name   string `json:"name"`
		} `json:"customer"`
		Phone struct {
			Number string `json:"number"`
		} `json:"phoneNumber"`
		Assistant struct {
			Name string `json:"name"`
		} `json:"assistant"`
		Destination struct {
			Number string `json:"number"`
		} `json:"destination"`
		Call struct {
			ID       string `json:"id"`
			Customer struct {
				Number string `json:"number"`
				Name   string `json:"name"`
			} `json:"customer"`
		} `json:"call"`
		Analysis struct {
			Summary string         `json:"summary"`
			Data    map[string]any `json:"structuredData"`
		} `json:"analysis"`
		Artifact struct {
			Messages []struct {
				Role    string   `json:"role"`
				Message string   `json:"message"`
				From    *float64 `json:"secondsFromStart"`
			} `json:"messages"`
			Recording string `json:"recordingUrl"`
		} `json:"artifact"`
	} `json:"message"`
}

// DecodeVapi reads what Vapi posts. The report at the end of a call is kept, and that a
// call was put through; what it asks during a call is refused, for only whoever builds
// the assistant can answer.
func DecodeVapi(body []byte) (bridge.Handoff, bool, error) {
	var p vapi
	if err := unmarshal(body, &p); err != nil {
		return bridge.Handoff{}, false, err
	}
	m := &p.Message
	r := &reader{cut: true}
	switch m.Type {
	case "end-of-call-report":
	case "transfer-update":
	case "":
		r.wrong("message.type", "It is missing")
		return bridge.Handoff{}, false, r.err
	case "assistant-request", "tool-calls", "function-call", "transfer-destination-request", "handoff-destination-request", "knowledge-base-request", "voice-request":
		r.wrong("message.type", "Porchlight takes reports and does not answer "+m.Type)
		return bridge.Handoff{}, false, r.err
	default:
		return bridge.Handoff{}, false, nil
	}
	h := &bridge.Handoff{
		Provider: "vapi", Call: r.id("message.call.id", m.Call.ID), At: moment(m.Timestamp), Channel: bridge.Voice, Agent: m.Assistant.Name,
		From: r.caller("message.customer.number", or(m.Customer.Number, m.Call.Customer.Number)), Name: or(m.Customer.Name, m.Call.Customer.Name),
		To: line(m.Phone.Number), Ended: m.Ended, Summary: m.Analysis.Summary, StartedAt: r.parse("message.startedAt", m.StartedAt),
	}
	if m.Type == "transfer-update" {
		h.Reason = "The call was put through"
		return r.finish(h)
	}
	if ended := r.parse("message.endedAt", m.EndedAt); !h.StartedAt.IsZero() {
		h.Duration = seconds(ended.Sub(h.StartedAt).Seconds())
	}
	if m.Ended == "assistant-forwarded-call" {
		h.Reason = "The call was put through"
	}
	h.Recording = r.link("message.artifact.recordingUrl", m.Artifact.Recording)
	var turns []bridge.Turn
	for _, t := range m.Artifact.Messages {
		switch t.Role {
		case "bot", "assistant":
			turns = append(turns, bridge.Turn{Speaker: bridge.SpokenByAgent, Text: t.Message, At: after(t.From)})
		case "user":
			turns = append(turns, bridge.Turn{Speaker: bridge.SpokenByCaller, Text: t.Message, At: after(t.From)})
		}
	}
	h.Turns = r.turns("message.artifact.messages", turns)
	r.found("message.analysis.structuredData", h, m.Analysis.Data)
	return r.finish(h)
}

// parse reads a time in RFC 3339; zero where there is none.
func (r *reader) parse(field, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		r.wrong(field, "This is no time in RFC 3339")
	}
	return r.when(field, t)
}

// line is a number that was called, as far as it is one.
func line(s string) string {
	p, err := bridge.ParseCaller(s)
	if err != nil {
		return ""
	}
	return string(p)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
