package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/data"
)

// TestWhatIsRefusedIsExplainedAndLeavesNothingBehind has one wrong thing each.
func TestWhatIsRefusedIsExplainedAndLeavesNothingBehind(t *testing.T) {
	eachReception(t, func(r *reception) {
		before := r.rows()
		genuine := func(path, body string) http.Header { return r.signed(path, body, r.now) }
		at := func(d time.Duration) func(string, string) http.Header {
			return func(path, body string) http.Header { return r.signed(path, body, r.now.Add(d)) }
		}
		unsigned := func(string, string) http.Header { return http.Header{} }
		forged := func(path, body string) http.Header {
			h := r.signed(path, body+" ", r.now)
			if path == VapiPath {
				h.Set("X-Vapi-Secret", "another")
			}
			return h
		}
		full, bare := sampleOf(t, "neutral_full.json"), r.neutral(`{"call_id":"new","reason":null,"intent":null,"summary":null,"callback_number":null,"fields":null,"transcript":null,"contact":{"phone":"+14155550134"}}`)
		vapi, retell, eleven := sampleOf(t, "vapi_end_of_call_report.json"), sampleOf(t, "retell_call_analyzed.json"), sampleOf(t, "elevenlabs_post_call_transcription.json")
		turn := strings.Repeat(`{"role":"caller","text":"Yes"},`, 9999) + `{"role":"caller","text":"Yes"}`
		type refusal struct {
			name, path, body string
			sign             func(path, body string) http.Header
			code             int
			word, location   string
		}
		tests := []refusal{
			{"an old signature", NeutralPath, full, at(-6 * time.Minute), 401, "expired", "header.timestamp"}, {"a signature of tomorrow", NeutralPath, full, at(24 * time.Hour), 401, "expired", "header.timestamp"},
			{"an old signature", RetellPath, retell, at(-6 * time.Minute), 401, "expired", "header.timestamp"}, {"an old signature", ElevenLabsPath, eleven, at(-31 * time.Minute), 401, "expired", "header.timestamp"},
			{"nothing that is new", NeutralPath, bare, genuine, 422, "invalid", "body.call_id"},
			{"nobody in the first piece", NeutralPath, r.neutral(`{"contact":null}`), genuine, 422, "invalid", "body.contact"},
			{"a number without its country code", NeutralPath, r.neutral(`{"contact":{"phone":"4155550134"}}`), genuine, 422, "invalid", "body.contact.phone"},
			{"a number without its country code", VapiPath, strings.ReplaceAll(vapi, theirNumber, "4155550134"), genuine, 422, "invalid", "body.message.customer.number"},
			{"a number without its country code", RetellPath, strings.ReplaceAll(retell, theirNumber, "4155550134"), genuine, 422, "invalid", "body.call.from_number"},
			{"a number without its country code", ElevenLabsPath, strings.ReplaceAll(eleven, theirNumber, "4155550134"), genuine, 422, "invalid", "body.data.metadata.phone_call.external_number"},
			{"10,000 turns", NeutralPath, r.neutral(`{"transcript":[` + turn + `]}`), genuine, 422, "invalid", "body.transcript"},
			{"10,000 turns", RetellPath, `{"event":"call_ended","call":{"call_id":"x","transcript_object":[` + strings.ReplaceAll(strings.ReplaceAll(turn, "caller", "user"), "text", "content") + `]}}`, genuine, 422, "invalid", "body.call.transcript_object"},
			{"a link of another kind", NeutralPath, r.neutral(`{"recording_url":"http://example.com/a.mp3"}`), genuine, 422, "invalid", "body.recording_url"},
			{"a time that nobody can write", NeutralPath, r.neutral(`{"occurred_at":"9999-12-31T23:59:59-01:00"}`), genuine, 422, "invalid", "body.occurred_at"},
			{"no id", NeutralPath, r.neutral(`{"call_id":null}`), genuine, 422, "invalid", "body.call_id"},
			{"a wrong type", NeutralPath, r.neutral(`{"summary":7}`), genuine, 422, "invalid", "body.summary"}, {"a wrong type", VapiPath, `{"message":{"type":7}}`, genuine, 422, "invalid", "body.message.type"},
			{"a wrong type", RetellPath, `{"event":"call_ended","call":{"call_id":7}}`, genuine, 422, "invalid", "body.call.call_id"}, {"a wrong type", ElevenLabsPath, `{"type":"post_call_transcription","data":[]}`, genuine, 422, "invalid", "body.data"},
			{"a question", VapiPath, sampleOf(t, "vapi_tool_calls.json"), genuine, 422, "invalid", "body.message.type"},
		}
		for _, path := range []string{NeutralPath, VapiPath, RetellPath, ElevenLabsPath} {
			whole := map[string]string{NeutralPath: full, VapiPath: vapi, RetellPath: retell, ElevenLabsPath: eleven}[path]
			tests = append(tests, refusal{"no signature", path, whole, unsigned, 401, "unsigned", "header.signature"}, refusal{"a forged signature", path, whole, forged, 401, "bad_signature", "header.signature"},
				refusal{"2 MB", path, whole + strings.Repeat(" ", 2<<20), genuine, 413, "too_large", "body"})
			for _, body := range []string{"", "[]", "null", "hello", "<xml/>", "a=1&b=2", whole[:len(whole)/2], whole + "{}", whole + "x", "\xff\xfe"} {
				where := "body"
				if body == "null" {
					where = map[string]string{NeutralPath: "body", VapiPath: "body.message.type", RetellPath: "body.event", ElevenLabsPath: "body.type"}[path]
				}
				tests = append(tests, refusal{fmt.Sprintf("%.10q", body), path, body, genuine, 422, "invalid", where})
			}
		}
		for _, tt := range tests {
			counted := r.counts["receptionist "+tt.path+" "+tt.word]
			w := r.knock(t.Context(), tt.path, tt.body, tt.sign(tt.path, tt.body))
			var p struct {
				Title, Detail, Code string
				Status              int
				Errors              []struct{ Message, Location string }
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != tt.code || p.Status != tt.code || p.Code != tt.word || p.Title == "" || p.Detail == "" || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s to %s: %d %q %s", tt.name, tt.path, w.Code, w.Header().Get("Content-Type"), w.Body)
				continue
			}
			if len(p.Errors) != 1 || p.Errors[0].Location != tt.location || p.Errors[0].Message == "" {
				t.Errorf("%s to %s: %+v, want %s", tt.name, tt.path, p.Errors, tt.location)
			}
			if r.counts["receptionist "+tt.path+" "+tt.word] != counted+1 {
				t.Errorf("%s to %s is not counted: %v", tt.name, tt.path, r.counts)
			}
		}
		if after := r.rows(); after != before {
			t.Errorf("stored: %s\nbefore: %s", after, before)
		}
	})
}

// A vendor that is refused too often stops telling of calls at all, and a caller who hung
// up at once is nobody's mistake.
func TestAVendorsCallInWhichNothingWasSaidIsTakenAndNotKept(t *testing.T) {
	eachReception(t, func(r *reception) {
		before := r.rows()
		if status := r.post(RetellPath, `{"event":"call_ended","call":{"call_id":"x","from_number":"+14155550134"}}`); status != "ignored" {
			t.Errorf("it was %s", status)
		}
		if after := r.rows(); after != before {
			t.Errorf("stored: %s\nbefore: %s", after, before)
		}
	})
}

func TestAReceptionistThatIsNotSetUpIsToldWhichSettingItNeeds(t *testing.T) {
	r := newReception(t, data.Options{Path: t.TempDir() + "/porchlight.db"})
	e := gin.New()
	(&Receptionist{Now: time.Now}).Mount(e)
	r.h = e
	for path, setting := range map[string]string{NeutralPath: "receptionist.secret", VapiPath: "receptionist.vapi_secret", RetellPath: "receptionist.retell_key", ElevenLabsPath: "receptionist.elevenlabs_secret"} {
		if w := r.knock(t.Context(), path, "{}", r.signed(path, "{}", r.now)); w.Code != 403 || !strings.Contains(w.Body.String(), "Set "+setting+" in") || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestTheSameSignedRequestIsTakenOnce(t *testing.T) {
	eachReception(t, func(r *reception) {
		body := sampleOf(t, "neutral_full.json")
		header := r.signed(NeutralPath, body, r.now)
		if w := r.knock(t.Context(), NeutralPath, body, header); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		before := r.rows()
		r.now = r.now.Add(time.Minute)
		w := r.knock(t.Context(), NeutralPath, body, header)
		if w.Code != 409 || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), `"location":"header.webhook-id"`) || r.rows() != before {
			t.Errorf("again: %d %s\n%s\n%s", w.Code, w.Body, before, r.rows())
		}
		if status := r.post(NeutralPath, body); status != "known" {
			t.Errorf("signed anew it is %q", status)
		}
		if s := r.with(theirNumber); len(s.messages) != 1 || s.Unread != 1 {
			t.Errorf("%d messages, unread %d", len(s.messages), s.Unread)
		}
	})
}

func TestARefusedRequestMayBeMendedAndSentAgain(t *testing.T) {
	eachReception(t, func(r *reception) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		body := sampleOf(t, "neutral_full.json")
		header, before := r.signed(NeutralPath, body, r.now), r.rows()
		if w := r.knock(ctx, NeutralPath, body, header); w.Code != 503 || w.Header().Get("Content-Type") != "application/problem+json" || r.rows() != before {
			t.Errorf("while the store cannot be written: %d %s", w.Code, w.Body)
		}
		if w := r.knock(t.Context(), NeutralPath, body, header); w.Code != 200 {
			t.Errorf("the same request afterwards: %d %s", w.Code, w.Body)
		}
	})
}

func TestBytesThatAreNoTextAreKeptAsFarAsTheyAre(t *testing.T) {
	eachReception(t, func(r *reception) {
		r.post(NeutralPath, strings.Replace(sampleOf(t, "neutral_full.json"), "My kitchen tap is leaking.", "My \\u0000tap\xff \\ud800 leaks", 1))
		if got := said(r.with(theirNumber).messages[0])[1]; got != "caller: My tap\ufffd \ufffd leaks" {
			t.Errorf("it was said %q", got)
		}
	})
}

func TestACallWithoutAnyTimeStandsWithTheHour(t *testing.T) {
	eachReception(t, func(r *reception) {
		r.post(RetellPath, `{"event":"call_ended","call":{"call_id":"x","from_number":"+14155550134","transcript_object":[{"role":"agent","content":"Hello"},{"role":"user","content":"Yes"},{"role":"user","content":"Yes"}]}}`)
		head := r.with(theirNumber).messages[0]
		if got := said(head); !slices.Equal(got, []string{"AI AI receptionist: Hello", "caller: Yes", "caller: Yes"}) || !head.Folded[0].At.Equal(head.At) {
			t.Errorf("%q from %v, the call is of %v", got, head.Folded[0].At, head.At)
		}
	})
}
