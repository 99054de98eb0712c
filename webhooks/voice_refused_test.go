package webhooks

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"porchlight/bridge"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/data/datatest"
)

// voiceForm is what Twilio asks with when a call comes.
func voiceForm(n int, changes ...string) url.Values {
	f := url.Values{"CallSid": {callSID(n)}, "AccountSid": {account}, "From": {priya}, "To": {ourLine}, "CallStatus": {"ringing"}, "Direction": {"inbound"}, "ApiVersion": {"2010-04-01"}}
	for pair := range slices.Chunk(changes, 2) {
		if f.Set(pair[0], pair[1]); pair[1] == "-" {
			f.Del(pair[0])
		}
	}
	return f
}

// voiceRoutes are all of them, below /webhooks/twilio.
var voiceRoutes = []string{"voice", "voice-fallback", "voice-status", "voice/screen", "voice/screened", "voice/taken", "voice/dialed", "voice/recorded", "voice/recording", "voice/transcript"}

func TestForgedCallsAreRefusedAndNotStored(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	for _, route := range voiceRoutes {
		for name, tt := range map[string]struct {
			form url.Values
			sign func(string) string
		}{
			"unsigned":        {voiceForm(1), func(string) string { return "" }},
			"forged":          {voiceForm(1), func(string) string { return "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }},
			"another account": {voiceForm(1, "AccountSid", "AC00000000000000000000000000000002"), genuine},
		} {
			if w := d.post("/webhooks/twilio/"+route, tt.form, tt.sign); w.Code != 403 {
				t.Errorf("%s, %s: %d", route, name, w.Code)
			}
		}
	}
	if m, c := d.stored(); m+c != 0 {
		t.Errorf("%d messages in %d conversations", m, c)
	}
}

func TestBadCallsAreRefusedAndNotStored(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	twice := voiceForm(1)
	twice.Add("From", other)
	recording := func(changes ...string) url.Values {
		f := recordingForm(callSID(1), recordingSID(1), "https://api.twilio.com/x")
		for pair := range slices.Chunk(changes, 2) {
			f.Set(pair[0], pair[1])
		}
		return f
	}
	for _, tt := range []struct {
		name, route string
		form        url.Values
	}{
		{"no call", "voice", voiceForm(1, "CallSid", "-")},
		{"a call that is a text", "voice", voiceForm(1, "CallSid", sid(1))},
		{"a path", "voice", voiceForm(1, "CallSid", "../../etc/passwd")},
		{"two callers", "voice", twice},
		{"no line", "voice", voiceForm(1, "To", "-")},
		{"a line with control characters", "voice", voiceForm(1, "To", "\x00")},
		{"one of our own legs", "voice", voiceForm(1, "Direction", "outbound-dial")},
		{"a talk without end", "voice/dialed", voiceForm(1, "DialCallStatus", "completed", "DialCallDuration", "9999999999")},
		{"a talk of a word", "voice/dialed", voiceForm(1, "DialCallStatus", "completed", "DialCallDuration", "long")},
		{"over before it began", "voice-status", voiceForm(1, "CallStatus", "completed", "CallDuration", "-5")},
		{"no status", "voice-status", voiceForm(1, "CallStatus", "-")},
		{"taken by nobody knows whom", "voice/taken", voiceForm(1)},
		{"an unknown call's voicemail", "voice/recording", recording()},
		{"a voicemail without id", "voice/recording", recording("RecordingSid", "1")},
		{"a voicemail nowhere", "voice/recording", recording("RecordingUrl", "voicemail")},
		{"a voicemail at a long address", "voice/recording", recording("RecordingUrl", "https://api.twilio.com/"+strings.Repeat("x", 1000))},
		{"an unknown call's words", "voice/transcript", voiceForm(1, "TranscriptionText", "Hi", "TranscriptionStatus", "completed")},
	} {
		if w := d.post("/webhooks/twilio/"+tt.route, tt.form, genuine); w.Code < 400 || w.Code > 499 {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
	}
	if m, c := d.stored(); m+c != 0 {
		t.Errorf("%d messages in %d conversations", m, c)
	}
	if err := d.store.Read(t.Context(), func(tx *data.Tx) error {
		if _, err := tx.CallOf(callSID(1)); err == nil {
			t.Error("the call is stored")
		}
		ls, err := tx.Lines()
		if len(ls) != 0 {
			t.Errorf("%d lines", len(ls))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestACallThatCannotBeStoredAnswers5xx(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	for _, route := range []string{"voice", "voice-fallback", "voice-status", "voice/screened", "voice/dialed", "voice/recording", "voice/transcript"} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		form := voiceForm(1, "CallStatus", "completed", "ParentCallSid", callSID(1), "RecordingSid", recordingSID(1), "RecordingUrl", "https://api.twilio.com/x", "RecordingDuration", "5", "TranscriptionText", "Hi")
		path := "/webhooks/twilio/" + route
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode())).WithContext(ctx)
		r.Header.Set("X-Twilio-Signature", sms.Sign(token, public+path, form))
		w := httptest.NewRecorder()
		d.h.ServeHTTP(w, r)
		if w.Code != 503 {
			t.Errorf("%s: %d %s", route, w.Code, w.Body)
		}
	}
}

func TestTheFallbackRingsThePhonesOnDutyAlsoWhereNothingCanBeStored(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	d.in.OnDuty = []bridge.Phone{onDuty}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for route, want := range map[string]int{"voice": 503, "voice-fallback": 200} {
		form, path := voiceForm(1, "CallStatus", "ringing"), "/webhooks/twilio/"+route
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode())).WithContext(ctx)
		r.Header.Set("X-Twilio-Signature", sms.Sign(token, public+path, form))
		w := httptest.NewRecorder()
		d.h.ServeHTTP(w, r)
		if w.Code != want || want == 200 && !strings.Contains(w.Body.String(), ">"+onDuty+"</Number>") {
			t.Errorf("%s: %d %s", route, w.Code, w.Body)
		}
	}
}
