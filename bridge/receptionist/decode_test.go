package receptionist

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type decoder func([]byte) (bridge.Handoff, bool, error)

// with is a sample with other values at paths such as call.start_timestamp; nil takes
// a field away.
func with(t testing.TB, name string, changes map[string]any) []byte {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(sample(t, name), &all); err != nil {
		t.Fatal(err)
	}
	for path, value := range changes {
		at, steps := all, strings.Split(path, ".")
		for _, s := range steps[:len(steps)-1] {
			next, ok := at[s].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[s] = next
			}
			at = next
		}
		if at[steps[len(steps)-1]] = value; value == gone {
			delete(at, steps[len(steps)-1])
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// gone takes a field away.
const gone = "\x00gone"

const (
	second      = time.Second
	millisecond = time.Millisecond
)

var (
	began = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	agent = bridge.SpokenByAgent
	them  = bridge.SpokenByCaller
)

func TestEverySampleIsUnderstood(t *testing.T) {
	retellTurns := []bridge.Turn{{Speaker: agent, Text: "Brightwater Plumbing, this is Ava.", At: 800 * millisecond}, {Speaker: them, Text: "I need a new tap.", At: 4250 * millisecond}, {Speaker: agent, Text: "I will put you through.", At: 9500 * millisecond}}
	retellEnded := bridge.Handoff{
		Provider: "retell", Call: "call_0001", At: began.Add(time.Minute), Channel: bridge.Voice, Agent: "Ava", From: "+14155550134", To: "+14155550100", Reason: "The call was put through",
		Recording: "https://example.com/recordings/call_0001.wav", StartedAt: began, Duration: time.Minute, Ended: "call_transfer", Turns: retellTurns,
	}
	retellAnalyzed := retellEnded
	retellAnalyzed.Summary, retellAnalyzed.Intent, retellAnalyzed.Urgency, retellAnalyzed.Callback = "Tom Becker wants a new kitchen tap and was put through.", "New tap", bridge.HighUrgency, "+14155550177"
	retellAnalyzed.Name, retellAnalyzed.Facts = "Tom Becker", []bridge.Fact{{Label: "Preferred day", Value: "Tuesday"}}
	retellTransfer := bridge.Handoff{Provider: "retell", Call: "call_0001", At: began, Channel: bridge.Voice, Agent: "Ava", From: "+14155550134", To: "+14155550100", Reason: "The call was put through", StartedAt: began}
	web := retellAnalyzed
	web.Call, web.Channel, web.From, web.To, web.Ended, web.Reason = "call_0002", bridge.Portal, "", "", "user_hangup", ""
	out := retellAnalyzed
	out.Call, out.Ended, out.Reason = "call_0003", "agent_hangup", ""
	for _, tt := range []struct {
		name   string
		decode decoder
		want   bridge.Handoff
	}{
		{"neutral_full.json", DecodeNeutral, bridge.Handoff{
			Provider: "neutral", Call: "call-2026-11-22-0007", At: began.Add(time.Minute), Channel: bridge.Voice, Agent: "Ava", From: "+14155550134", To: "+14155550100", Name: "Tom Becker", Email: "tom@example.com",
			Reason: "The caller asked for a person", Intent: "Leaking tap", Urgency: bridge.HighUrgency, Summary: "Tom Becker has a leaking kitchen tap and wants somebody today.", Callback: "+14155550177",
			Recording: "https://example.com/recordings/0007.mp3", StartedAt: began, Duration: time.Minute, Ended: "caller hung up",
			Facts: []bridge.Fact{{Label: "Best time", Value: "after five"}, {Label: "Floor", Value: "3"}, {Label: "Has key", Value: "false"}},
			Turns: []bridge.Turn{{Speaker: agent, Text: "Brightwater Plumbing, this is Ava.", At: 500 * millisecond}, {Speaker: them, Text: "My kitchen tap is leaking.", At: 3250 * millisecond}, {Speaker: agent, Text: "I will pass you on.", At: 7 * second}},
		}},
		{"neutral_chat.json", DecodeNeutral, bridge.Handoff{Provider: "neutral", Call: "chat-0001", At: began.Add(time.Minute), Channel: bridge.Portal, Name: "Jo Park", Summary: "Asks what a boiler service costs."}},
		{"vapi_end_of_call_report.json", DecodeVapi, bridge.Handoff{
			Provider: "vapi", Call: "7e0c0001-0000-4000-8000-000000000001", At: began.Add(time.Minute), Channel: bridge.Voice, Agent: "Ava", From: "+14155550134", To: "+14155550100", Name: "Tom Becker", Email: "tom@example.com",
			Reason: "The call was put through", Intent: "No hot water", Urgency: bridge.HighUrgency, Summary: "Tom Becker has no hot water and wants somebody today.", Recording: "https://example.com/recordings/7e0c0001.wav",
			StartedAt: began, Duration: time.Minute, Ended: "assistant-forwarded-call", Facts: []bridge.Fact{{Label: "Rooms", Value: `["kitchen","bath & loft"]`}},
			Turns: []bridge.Turn{{Speaker: agent, Text: "Brightwater Plumbing, this is Ava.", At: 1200 * millisecond}, {Speaker: them, Text: "I have no hot water.", At: 3100 * millisecond}, {Speaker: agent, Text: "I will put you through.", At: 7 * second}},
		}},
		{"vapi_transfer_update.json", DecodeVapi, bridge.Handoff{
			Provider: "vapi", Call: "7e0c0001-0000-4000-8000-000000000001", At: began.Add(30 * second), Channel: bridge.Voice, Agent: "Ava", From: "+14155550134", To: "+14155550100", Name: "Tom Becker", Reason: "The call was put through",
		}},
		{"retell_call_ended.json", DecodeRetell, retellEnded},
		{"retell_call_analyzed.json", DecodeRetell, retellAnalyzed},
		{"retell_transfer_started.json", DecodeRetell, retellTransfer},
		{"retell_transfer_bridged.json", DecodeRetell, retellTransfer},
		{"retell_web_call.json", DecodeRetell, web},
		{"retell_outbound.json", DecodeRetell, out},
		{"elevenlabs_post_call_transcription.json", DecodeElevenLabs, bridge.Handoff{
			Provider: "elevenlabs", Call: "conv_0001", At: began.Add(40 * second), Channel: bridge.Voice, Agent: "Ava", From: "+14155550134", To: "+14155550100", Name: "Tom Becker", Intent: "Boiler leak", Urgency: bridge.Emergency,
			Summary:   "Tom Becker reports a leaking boiler with water on the floor and wants to be called back at once.",
			StartedAt: began, Duration: 36 * second, Ended: "end_call tool was called.", Facts: []bridge.Fact{{Label: "Best time", Value: "today"}, {Label: "Issue", Value: "Leaking boiler"}, {Label: "User name", Value: "Tom"}},
			Turns: []bridge.Turn{
				{Speaker: agent, Text: "Brightwater Plumbing, this is Ava. How can I help?"}, {Speaker: them, Text: "My boiler is leaking, there is water on the floor.", At: 4 * second},
				{Speaker: agent, Text: "I am sorry. Who am I speaking with?", At: 14 * second}, {Speaker: them, Text: "Tom Becker.", At: 18 * second},
				{Speaker: agent, Text: "Thank you, Tom. Somebody will call you back at once.", At: 21 * second},
			},
		}},
	} {
		got, ok, err := tt.decode(sample(t, tt.name))
		if err != nil || !ok {
			t.Errorf("%s: %t %v", tt.name, ok, err)
			continue
		}
		if len(got.Turns) == 0 {
			got.Turns = nil
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
		sound(t, &got)
	}
}

func TestTheExampleInTheDocumentationOfElevenLabsIsACallWithoutAPhone(t *testing.T) {
	h, ok, err := DecodeElevenLabs(sample(t, "elevenlabs_docs_example.json"))
	if err != nil || !ok || h.Call != "abc" || !h.Withheld() || h.Channel != bridge.Portal || len(h.Turns) != 3 || h.Name != "angelo" || h.Duration != 22*second || !strings.HasPrefix(h.Summary, "The conversation begins") {
		t.Errorf("%+v %t %v", h, ok, err)
	}
}

func TestWhatSaysNothingOfAnEndedCallIsAcknowledgedAndNotKept(t *testing.T) {
	for name, decode := range map[string]decoder{
		"vapi_status_update.json": DecodeVapi, "retell_call_started.json": DecodeRetell, "elevenlabs_post_call_audio.json": DecodeElevenLabs, "elevenlabs_call_initiation_failure.json": DecodeElevenLabs,
	} {
		if h, ok, err := decode(sample(t, name)); ok || err != nil || !reflect.DeepEqual(h, bridge.Handoff{}) {
			t.Errorf("%s: %+v %t %v", name, h, ok, err)
		}
	}
	for body, decode := range map[string]decoder{
		`{"message":{"type":"hang"}}`: DecodeVapi, `{"message":{"type":"conversation-update"}}`: DecodeVapi, `{"message":{"type":"speech-update"}}`: DecodeVapi,
		`{"event":"transcript_updated","call":{}}`: DecodeRetell, `{"event":"transfer_cancelled","call":{}}`: DecodeRetell, `{"event":"transfer_ended","call":{}}`: DecodeRetell, `{"event":"chat_analyzed"}`: DecodeRetell,
	} {
		if _, ok, err := decode([]byte(body)); ok || err != nil {
			t.Errorf("%s: %t %v", body, ok, err)
		}
	}
}

// TestWhatCannotBeUnderstoodNamesItsField has one wrong thing each.
func TestWhatCannotBeUnderstoodNamesItsField(t *testing.T) {
	const full, vapi, retell, eleven = "neutral_full.json", "vapi_end_of_call_report.json", "retell_call_analyzed.json", "elevenlabs_post_call_transcription.json"
	decoders := map[string]decoder{full: DecodeNeutral, vapi: DecodeVapi, retell: DecodeRetell, eleven: DecodeElevenLabs}
	turns := func(n int, turn map[string]any) []any { return slices.Repeat([]any{turn}, n) }
	for _, tt := range []struct {
		name, path string
		value      any
		field      string // empty: path
	}{
		{full, "schema", "handoff/2", ""}, {full, "schema", gone, ""},
		{full, "call_id", gone, ""}, {full, "call_id", "", ""}, {full, "call_id", 7, ""}, {full, "call_id", nil, ""}, {full, "call_id", strings.Repeat("a", 201), ""}, {full, "call_id", "a b", ""}, {full, "call_id", "ü", ""}, {full, "call_id", "a\n", ""},
		{full, "occurred_at", gone, ""}, {full, "occurred_at", "yesterday", ""}, {full, "occurred_at", 1795356000, ""}, {full, "occurred_at", "9999-12-31T23:59:59-01:00", ""}, {full, "occurred_at", "0000-01-01T00:00:00+01:00", ""}, {full, "occurred_at", "1969-12-31T23:59:59Z", ""},
		{full, "started_at", "0000-01-01T00:00:00+01:00", ""},
		{full, "channel", "fax", ""}, {full, "urgency", "very", ""}, {full, "urgency", true, ""},
		{full, "contact", "Tom", ""}, {full, "contact.phone", 14155550134, ""}, {full, "contact.phone", "4155550134", ""}, {full, "contact.phone", "+1415555013x", ""}, {full, "contact.phone", "+0123456789", ""},
		{full, "contact.name", strings.Repeat("a", 201), ""}, {full, "our_number", "the shop", ""},
		{full, "summary", strings.Repeat("a", 5001), ""}, {full, "duration_s", -1, ""}, {full, "duration_s", 1e300, ""}, {full, "duration_s", "60", ""},
		{full, "recording_url", "http://example.com/a.mp3", ""}, {full, "recording_url", "javascript:alert(1)", ""}, {full, "recording_url", "https://", ""}, {full, "recording_url", "//example.com", ""},
		{full, "fields", []any{"a"}, ""}, {full, "fields.note", strings.Repeat("a", 2001), ""},
		{full, "transcript", "hello", ""}, {full, "transcript", turns(2001, map[string]any{"role": "agent", "text": "x"}), ""}, {full, "transcript", turns(10000, map[string]any{"role": "agent", "text": "x"}), ""},
		{full, "transcript", turns(1, map[string]any{"role": "dog", "text": "x"}), "transcript[0].role"}, {full, "transcript", turns(1, map[string]any{"role": "agent"}), "transcript[0].text"},
		{full, "transcript", turns(1, map[string]any{"role": "agent", "text": strings.Repeat("a", 10001)}), "transcript[0].text"},
		{vapi, "message.type", gone, ""}, {vapi, "message.type", "tool-calls", ""}, {vapi, "message.type", "assistant-request", ""}, {vapi, "message.type", 7, ""},
		{vapi, "message.call.id", gone, ""}, {vapi, "message.call.id", "…", ""}, {vapi, "message", "x", ""}, {vapi, "message.customer.number", "12", ""}, {vapi, "message.customer", []any{}, ""},
		{vapi, "message.startedAt", "today", ""}, {vapi, "message.endedAt", "0000-01-01T00:00:00+01:00", ""}, {vapi, "message.timestamp", "1", ""},
		{vapi, "message.artifact.messages", turns(10000, map[string]any{"role": "bot", "message": "x"}), ""},
		{retell, "event", gone, ""}, {retell, "event", 1, ""}, {retell, "call.call_id", gone, ""}, {retell, "call.from_number", "anybody", ""}, {retell, "call.start_timestamp", "1", ""}, {retell, "call", nil, "call.call_id"},
		{retell, "call.transcript_object", turns(10000, map[string]any{"role": "user", "content": "x"}), ""}, {retell, "call.transcript_object", "Agent: hello", ""},
		{eleven, "type", gone, ""}, {eleven, "data.conversation_id", gone, ""}, {eleven, "data.metadata.phone_call.external_number", "x", ""}, {eleven, "event_timestamp", "now", ""},
		{eleven, "data.transcript", turns(10000, map[string]any{"role": "user", "message": "x"}), ""}, {eleven, "data", 7, ""},
	} {
		_, ok, err := decoders[tt.name](with(t, tt.name, map[string]any{tt.path: tt.value}))
		want := tt.path
		if tt.field != "" {
			want = tt.field
		}
		var invalid *bridge.Invalid
		if ok || !errors.As(err, &invalid) || invalid.Field != want || invalid.Problem == "" {
			t.Errorf("%s with %s = %.40v: %t %.200v", tt.name, tt.path, tt.value, ok, err)
		}
	}
	if _, _, err := DecodeVapi(sample(t, "vapi_tool_calls.json")); err == nil || !strings.Contains(err.Error(), "message.type: Porchlight takes reports and does not answer tool-calls") {
		t.Errorf("a question of Vapi: %v", err)
	}
	for name, decode := range decoders {
		whole := string(sample(t, name))
		for _, body := range []string{"", " ", "null", "[]", `"x"`, "7", "{", whole[:len(whole)/2], whole + "x", whole + "{}", whole + whole, "<xml/>", "event=call_ended", strings.Repeat("[", 20000), "\xff", "\x00"} {
			if _, ok, err := decode([]byte(body)); ok || err == nil {
				t.Errorf("%s: %.40q was taken", name, body)
			}
		}
	}
}

func TestWithheldNumbersAreNobodys(t *testing.T) {
	for _, number := range []any{"anonymous", "Anonymous", "Restricted", "+266696687", "", nil, "sip:anonymous@anonymous.invalid", "unknown", " private "} {
		for _, tt := range []struct {
			name   string
			decode decoder
			paths  []string
		}{
			{"neutral_full.json", DecodeNeutral, []string{"contact.phone"}}, {"vapi_end_of_call_report.json", DecodeVapi, []string{"message.customer.number", "message.call.customer.number"}},
			{"retell_call_analyzed.json", DecodeRetell, []string{"call.from_number"}},
			{"elevenlabs_post_call_transcription.json", DecodeElevenLabs, []string{"data.metadata.phone_call.external_number", "data.conversation_initiation_client_data.dynamic_variables.system__caller_id"}},
		} {
			changes := map[string]any{}
			for _, p := range tt.paths {
				changes[p] = number
			}
			h, ok, err := tt.decode(with(t, tt.name, changes))
			if err != nil || !ok || !h.Withheld() || h.Channel != bridge.Voice || h.Nobody {
				t.Errorf("%s from %v: %q %q %t %v", tt.name, number, h.From, h.Channel, ok, err)
			}
		}
	}
}

func TestAPieceThatDoesNotSayWhoCalledIsToldFromAWithheldNumber(t *testing.T) {
	for _, contact := range []any{gone, nil, map[string]any{}, map[string]any{"phone": ""}} {
		if h, ok, err := DecodeNeutral(with(t, "neutral_full.json", map[string]any{"contact": contact})); err != nil || !ok || !h.Nobody {
			t.Errorf("contact %v: %t %t %v", contact, h.Nobody, ok, err)
		}
	}
	if h, _, err := DecodeNeutral(sample(t, "neutral_chat.json")); err != nil || h.Nobody || !h.Withheld() {
		t.Errorf("a chat without a number: %+v %v", h, err)
	}
}

// TestWhatAVendorWritesTooLongIsCutForToRefuseItWouldLoseTheCall has what the owner of a
// receptionist cannot change.
func TestWhatAVendorWritesTooLongIsCutForToRefuseItWouldLoseTheCall(t *testing.T) {
	long := strings.Repeat("ü", 20_000)
	for _, tt := range []struct {
		name    string
		decode  decoder
		changes map[string]any
	}{
		{"vapi_end_of_call_report.json", DecodeVapi, map[string]any{
			"message.analysis.summary": long, "message.customer.name": long, "message.assistant.name": long, "message.endedReason": long, "message.artifact.recordingUrl": "http://example.com/a.wav",
			"message.analysis.structuredData": map[string]any{"issue": long, "note": long, long: long, "email": long}, "message.artifact.messages": []any{map[string]any{"role": "user", "message": long}},
		}},
		{"retell_call_analyzed.json", DecodeRetell, map[string]any{
			"call.call_analysis.call_summary": long, "call.agent_name": long, "call.disconnection_reason": long, "call.recording_url": "http://example.com/a.wav",
			"call.call_analysis.custom_analysis_data": map[string]any{"issue": long, "note": long, long: long}, "call.transcript_object": []any{map[string]any{"role": "user", "content": long}},
		}},
		{"elevenlabs_post_call_transcription.json", DecodeElevenLabs, map[string]any{
			"data.analysis.transcript_summary": long, "data.agent_name": long, "data.analysis.call_summary_title": long, "data.metadata.termination_reason": long,
			"data.analysis.data_collection_results": map[string]any{"issue": map[string]any{"value": long}, long: map[string]any{"value": long}}, "data.transcript": []any{map[string]any{"role": "user", "message": long}},
		}},
	} {
		h, ok, err := tt.decode(with(t, tt.name, tt.changes))
		if err != nil || !ok {
			t.Errorf("%s: %t %.200v", tt.name, ok, err)
			continue
		}
		sound(t, &h)
		if h.Recording != "" || len(h.Turns) != 1 || !strings.HasSuffix(h.Turns[0].Text, "ü…") || utf8.RuneCountInString(h.Summary) != bridge.MaxSummary || !strings.HasSuffix(h.Agent, "…") {
			t.Errorf("%s: recording %q, %d turns, a summary of %d, agent %.20q", tt.name, h.Recording, len(h.Turns), utf8.RuneCountInString(h.Summary), h.Agent)
		}
	}
}

func TestWhatAReceptionistNotedHasItsPlaceOrIsAFact(t *testing.T) {
	for _, tt := range []struct {
		noted string
		want  string
	}{
		{`{"Caller Name":"Tom","phone_number":"+1 415 555 0177","Email-Address":"tom@example.com","reason for call":"Tap"}`, "Tom tom@example.com Tap +14155550177  []"},
		{`{"callback":true,"best_number":"415 555 0177"}`, "   415 555 0177  [{Callback true}]"},
		{`{"emergency":false,"urgency":"high"}`, "    high []"}, {`{"is_emergency":true,"urgency":"low"}`, "    emergency []"}, {`{"is_emergency":false}`, "    normal []"}, {`{"priority":"P1"}`, "    emergency []"},
		{`{"urgent":"no","priority":"low"}`, "    normal []"}, {`{"urgency":"whenever"}`, "     [{Urgency whenever}]"},
		{`{"best_time":"five","best time":"six","Best_time":"seven","x":null,"y":"","z":" "}`, "     [{Best time seven}]"},
		{`{"issue":"` + strings.Repeat("a", 201) + `"}`, "     [{Issue " + strings.Repeat("a", 201) + "}]"},
		{`{"n":1.50,"big":14155550134,"list":["a",1],"map":{"b":null}}`, `     [{Big 14155550134} {List ["a",1]} {Map {"b":null}} {N 1.5}]`},
		{`{"a\u0000b":"c\u0000d\ud800"}`, "     [{Ab cd\ufffd}]"},
	} {
		body := []byte(`{"schema":"handoff/1","call_id":"a","occurred_at":"2026-11-22T14:00:00Z","contact":{"phone":"anonymous"},"fields":` + tt.noted + `}`)
		h, _, err := DecodeNeutral(body)
		if got := fmt.Sprintf("%s %s %s %s %s %v", h.Name, h.Email, h.Intent, h.Callback, h.Urgency, h.Facts); err != nil || got != tt.want {
			t.Errorf("%s: %q %v, want %q", tt.noted, got, err, tt.want)
		}
	}
	many := map[string]any{}
	for i := range 200 {
		many[fmt.Sprint("fact ", i)] = "x"
	}
	h, _, err := DecodeNeutral(with(t, "neutral_full.json", map[string]any{"fields": many, "urgency": "low"}))
	if err != nil || len(h.Facts) != bridge.MaxFacts {
		t.Errorf("of 200 facts %d were kept: %v", len(h.Facts), err)
	}
	h, _, err = DecodeNeutral(with(t, "neutral_full.json", map[string]any{"fields": map[string]any{"urgency": "emergency", "name": "Jo"}, "urgency": "low"}))
	if err != nil || h.Urgency != bridge.LowUrgency || h.Name != "Tom Becker" || len(h.Facts) != 2 {
		t.Errorf("what was said outright was replaced: %+v %v", h, err)
	}
}

func TestOddTimesAreLeftOutAndNeverOverflow(t *testing.T) {
	for _, ms := range []float64{-1, 0, 0.5, 1e18, 1e300, -1e300, year9999} {
		if at := moment(ms); !at.IsZero() {
			t.Errorf("%g is %v", ms, at)
		}
	}
	for s, want := range map[float64]time.Duration{-1: 0, 0: 0, 0.29: 290 * millisecond, 3.1: 3100 * millisecond, 1e300: 24 * time.Hour, -1e300: 0} {
		if got := seconds(s); got != want {
			t.Errorf("%g s is %v", s, got)
		}
	}
	for name, decode := range map[string]decoder{"retell_call_analyzed.json": DecodeRetell, "vapi_end_of_call_report.json": DecodeVapi, "elevenlabs_post_call_transcription.json": DecodeElevenLabs} {
		h, ok, err := decode(with(t, name, map[string]any{
			"call.start_timestamp": 1e300, "call.end_timestamp": -1e300, "call.duration_ms": 1e300, "message.timestamp": 1e300, "message.startedAt": gone, "event_timestamp": 1e300,
			"data.metadata.start_time_unix_secs": -5, "data.metadata.call_duration_secs": -5,
		}))
		if err != nil || !ok || !h.At.IsZero() || !h.StartedAt.IsZero() {
			t.Errorf("%s: %v %v %t %v", name, h.At, h.StartedAt, ok, err)
		}
		sound(t, &h)
	}
	h, _, err := DecodeRetell(with(t, "retell_call_analyzed.json", map[string]any{"call.transcript_object": []any{
		map[string]any{"role": "user", "content": "Yes"}, map[string]any{"role": "user", "content": "Yes", "words": []any{}}, map[string]any{"role": "user", "content": "Yes", "words": []any{map[string]any{"start": -3}}},
	}}))
	if err != nil || len(h.Turns) != 3 || h.Turns[0].At >= 0 || h.Turns[1].At >= 0 || h.Turns[2].At >= 0 || h.When(0).After(h.When(1)) || !h.When(2).After(h.When(1)) {
		t.Errorf("turns without times: %+v %v", h.Turns, err)
	}
}

func TestBadBytesAreCleaned(t *testing.T) {
	body := strings.Replace(string(sample(t, "neutral_full.json")), "The caller asked for a person", "a\\u0000b\xffc\\ud800", 1)
	h, ok, err := DecodeNeutral([]byte(body))
	if err != nil || !ok || h.Reason != "ab\ufffdc\ufffd" {
		t.Errorf("%q %t %v", h.Reason, ok, err)
	}
}

// sound checks what holds for every handoff that was decoded.
func sound(t testing.TB, h *bridge.Handoff) {
	t.Helper()
	bounded := func(what, s string, most int) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || utf8.RuneCountInString(s) > most {
			t.Errorf("%s is %d characters: %.60q", what, utf8.RuneCountInString(s), s)
		}
	}
	for what, s := range map[string]string{"name": h.Name, "email": h.Email, "agent": h.Agent, "intent": h.Intent, "ended": h.Ended, "reason": h.Reason, "callback": h.Callback} {
		if bounded(what, s, 200); strings.Contains(s, "\n") {
			t.Errorf("%s has two lines: %q", what, s)
		}
	}
	bounded("summary", h.Summary, bridge.MaxSummary)
	bounded("recording", h.Recording, 2000)
	if h.Call == "" || len(h.Call) > 200 || h.Provider == "" {
		t.Errorf("the call is named %q of %q", h.Call, h.Provider)
	}
	for what, number := range map[string]string{"from": h.From, "to": h.To} {
		if p, err := bridge.ParsePhone(number); number != "" && (err != nil || string(p) != number) {
			t.Errorf("%s is %q", what, number)
		}
	}
	if u, err := url.Parse(h.Recording); h.Recording != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		t.Errorf("recording is %q", h.Recording)
	}
	if h.Urgency != "" && !slices.Contains(bridge.Urgencies[:], h.Urgency) || !h.Channel.Valid() || h.Duration < 0 || h.Duration > 24*time.Hour {
		t.Errorf("urgency %q, channel %q, duration %v", h.Urgency, h.Channel, h.Duration)
	}
	if len(h.Facts) > bridge.MaxFacts || len(h.Turns) > bridge.MaxTurns {
		t.Errorf("%d facts, %d turns", len(h.Facts), len(h.Turns))
	}
	for _, f := range h.Facts {
		bounded("label", f.Label, 60)
		bounded("fact", f.Value, 2000)
	}
	for i, turn := range h.Turns {
		bounded("turn", turn.Text, bridge.MaxBody)
		if turn.Text == "" || turn.Speaker != agent && turn.Speaker != them || turn.At > 24*time.Hour {
			t.Errorf("turn %d: %+v", i, turn)
		}
	}
	if _, err := json.Marshal(h); err != nil {
		t.Errorf("it cannot be stored: %v", err)
	}
}

func fuzzDecoder(f *testing.F, decode decoder, prefix string) {
	names, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range names {
		if strings.HasPrefix(n.Name(), prefix) {
			f.Add(sample(f, n.Name()))
		}
	}
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		h, ok, err := decode(body)
		var invalid *bridge.Invalid
		switch {
		case err != nil:
			if ok || !errors.As(err, &invalid) || invalid.Field == "" || invalid.Problem == "" {
				t.Fatalf("%t, not an Invalid: %v", ok, err)
			}
		case ok:
			sound(t, &h)
		}
	})
}

func FuzzDecodeNeutral(f *testing.F)    { fuzzDecoder(f, DecodeNeutral, "neutral_") }
func FuzzDecodeVapi(f *testing.F)       { fuzzDecoder(f, DecodeVapi, "vapi_") }
func FuzzDecodeRetell(f *testing.F)     { fuzzDecoder(f, DecodeRetell, "retell_") }
func FuzzDecodeElevenLabs(f *testing.F) { fuzzDecoder(f, DecodeElevenLabs, "elevenlabs_") }
