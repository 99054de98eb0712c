package receptionist

import (
	"strings"

	"porchlight/bridge"
)

// elevenLabs is what ElevenLabs posts after a call:
// https://elevenlabs.io/docs/agents-platform/workflows/post-call-webhooks. Times are
// Unix seconds.
type elevenLabs struct {
	Type      string  `json:"type"`
	Timestamp float64 `json:"event_timestamp"`
	Data      struct {
		ID         string `json:"conversation_id"`
		Agent      string `json:"agent_name"`
		Transcript []struct {
			Role    string   `json:"role"`
			Message string   `json:"message"` // null where a tool was used
			At      *float64 `json:"time_in_call_secs"`
		} `json:"transcript"`
		Metadata struct {
			Start    float64 `json:"start_time_unix_secs"`
			Duration float64 `json:"call_duration_secs"`
			Ended    string  `json:"termination_reason"`
			Phone    *struct {
				External string `json:"external_number"`
				Agent    string `json:"agent_number"`
			} `json:"phone_call"`
		} `json:"metadata"`
		Analysis struct {
			Summary string `json:"transcript_summary"`
			Title   string `json:"call_summary_title"`
			Data    map[string]struct {
				Value any `json:"value"`
			} `json:"data_collection_results"`
		} `json:"analysis"`
		Initiation struct {
			Variables map[string]any `json:"dynamic_variables"`
		} `json:"conversation_initiation_client_data"`
	} `json:"data"`
}

// DecodeElevenLabs reads what ElevenLabs posts after a call. The sound of the call,
// which it can post too, is not taken: it is larger than MaxBody.
func DecodeElevenLabs(body []byte) (bridge.Handoff, bool, error) {
	var p elevenLabs
	if err := unmarshal(body, &p); err != nil {
		return bridge.Handoff{}, false, err
	}
	d := &p.Data
	r := &reader{cut: true}
	switch p.Type {
	case "post_call_transcription":
	case "":
		r.wrong("type", "It is missing")
		return bridge.Handoff{}, false, r.err
	default:
		return bridge.Handoff{}, false, nil
	}
	vars := d.Initiation.Variables
	from, to, channel := line(said(vars["system__caller_id"])), said(vars["system__called_number"]), bridge.Portal
	if d.Metadata.Phone != nil {
		from, to = or(d.Metadata.Phone.External, from), or(d.Metadata.Phone.Agent, to)
	}
	if from != "" || d.Metadata.Phone != nil {
		channel = bridge.Voice
	}
	h := &bridge.Handoff{
		Provider: "elevenlabs", Call: r.id("data.conversation_id", d.ID), At: moment(p.Timestamp * 1000), Channel: channel, Agent: d.Agent,
		From: r.caller("data.metadata.phone_call.external_number", from), To: line(to), Ended: d.Metadata.Ended,
		Summary: d.Analysis.Summary, Intent: d.Analysis.Title, Duration: seconds(d.Metadata.Duration), StartedAt: moment(d.Metadata.Start * 1000),
	}
	var turns []bridge.Turn
	for _, t := range d.Transcript {
		switch t.Role {
		case "agent":
			turns = append(turns, bridge.Turn{Speaker: bridge.SpokenByAgent, Text: t.Message, At: after(t.At)})
		case "user":
			turns = append(turns, bridge.Turn{Speaker: bridge.SpokenByCaller, Text: t.Message, At: after(t.At)})
		}
	}
	h.Turns = r.turns("data.transcript", turns)
	collected := map[string]any{}
	for k, v := range d.Analysis.Data {
		collected[k] = v.Value
	}
	r.found("data.analysis.data_collection_results", h, collected)
	own := map[string]any{}
	for k, v := range vars {
		if !strings.HasPrefix(k, "system__") && !strings.HasPrefix(k, "secret__") {
			own[k] = v
		}
	}
	r.found("data.conversation_initiation_client_data.dynamic_variables", h, own)
	return r.finish(h)
}
