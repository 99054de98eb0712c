package receptionist

import "porchlight/bridge"

// retell is what Retell posts: https://docs.retellai.com/features/webhook-overview.
// Times are Unix milliseconds, those of words seconds after the start.
type retell struct {
	Event string `json:"event"`
	Call  struct {
		ID         string  `json:"call_id"`
		Type       string  `json:"call_type"`
		Direction  string  `json:"direction"`
		From       string  `json:"from_number"`
		To         string  `json:"to_number"`
		Agent      string  `json:"agent_name"`
		Start      float64 `json:"start_timestamp"`
		End        float64 `json:"end_timestamp"`
		Duration   float64 `json:"duration_ms"`
		Ended      string  `json:"disconnection_reason"`
		Recording  string  `json:"recording_url"`
		Transcript []struct {
			Role    string `json:"role"`
			Content string `json:"content"`
			Words   []struct {
				Start float64 `json:"start"`
			} `json:"words"`
		} `json:"transcript_object"`
		Found    map[string]any `json:"collected_dynamic_variables"`
		Analysis struct {
			Summary   string         `json:"call_summary"`
			Data      map[string]any `json:"custom_analysis_data"`
			Sentiment string         `json:"user_sentiment"`
		} `json:"call_analysis"`
	} `json:"call"`
}

// DecodeRetell reads what Retell posts: that a call has ended, what its analysis found,
// and that it was put through. It tells of one call several times.
func DecodeRetell(body []byte) (bridge.Handoff, bool, error) {
	var p retell
	if err := unmarshal(body, &p); err != nil {
		return bridge.Handoff{}, false, err
	}
	c := &p.Call
	r := &reader{cut: true}
	switch p.Event {
	case "call_ended", "call_analyzed", "transfer_bridged", "transfer_started":
	case "":
		r.wrong("event", "It is missing")
		return bridge.Handoff{}, false, r.err
	default:
		return bridge.Handoff{}, false, nil
	}
	who, ours, field := c.From, c.To, "call.from_number"
	if c.Direction == "outbound" {
		who, ours, field = c.To, c.From, "call.to_number"
	}
	h := &bridge.Handoff{
		Provider: "retell", Call: r.id("call.call_id", c.ID), At: moment(max(c.End, c.Start)), Channel: bridge.Voice, Agent: c.Agent,
		From: r.caller(field, who), To: line(ours), Ended: c.Ended, Summary: c.Analysis.Summary, StartedAt: moment(c.Start),
	}
	if c.Type == "web_call" {
		h.From, h.Channel = "", bridge.Portal
	}
	if c.Ended == "call_transfer" || p.Event == "transfer_bridged" || p.Event == "transfer_started" {
		h.Reason = "The call was put through"
	}
	if p.Event != "call_ended" && p.Event != "call_analyzed" {
		return r.finish(h)
	}
	h.Duration = seconds(c.Duration / 1000)
	h.Recording = r.link("call.recording_url", c.Recording)
	var turns []bridge.Turn
	for _, t := range c.Transcript {
		turn := bridge.Turn{Speaker: bridge.SpokenByCaller, Text: t.Content, At: -1}
		if len(t.Words) > 0 {
			turn.At = after(&t.Words[0].Start)
		}
		switch t.Role {
		case "agent":
			turn.Speaker = bridge.SpokenByAgent
		case "user":
		default:
			continue
		}
		turns = append(turns, turn)
	}
	h.Turns = r.turns("call.transcript_object", turns)
	r.found("call.call_analysis.custom_analysis_data", h, c.Analysis.Data)
	r.found("call.collected_dynamic_variables", h, c.Found)
	return r.finish(h)
}
