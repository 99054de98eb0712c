package sms

import (
	"encoding/xml"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
)

const (
	callID      = "CA0123456789abcdef0123456789abcdef"
	recordingID = "RE0123456789abcdef0123456789abcdef"
)

// formOf reads a form as it stands in a body.
func formOf(t testing.TB, body string) url.Values {
	t.Helper()
	form, err := url.ParseQuery(body)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func TestWhoCallsWhichLine(t *testing.T) {
	for from, want := range map[string]string{
		"&From=%2B14155550134": "+14155550134", "&From=anonymous": "", "&From=%2B266696687": "", "": "", "&From=": "",
		"&From=sip%3Abob%40example.com": "", "&From=client%3Amaria": "", "&From=29372": "",
	} {
		c, err := DecodeCall(formOf(t, "CallSid="+callID+"&To=%2B14155550100&Direction=inbound"+from))
		if err != nil || c.From != want || c.To != "+14155550100" || c.CarrierID != callID {
			t.Errorf("%q: %+v %v, want from %q", from, c, err, want)
		}
	}
	for body, field := range map[string]string{
		"To=%2B14155550100":                                                     "CallSid",
		"CallSid=CA1&To=%2B14155550100":                                         "CallSid",
		"CallSid=" + strings.ToUpper(callID) + "&To=%2B1":                       "CallSid",
		"CallSid=" + callID:                                                     "To",
		"CallSid=" + callID + "&To=%00":                                         "To",
		"CallSid=" + callID + "&To=%2B1&From=a&From=b":                          "From",
		"CallSid=" + callID + "&To=%2B14155550190&Direction=outbound-dial":      "Direction",
		"CallSid=" + callID + "&To=%2B1&To=" + strings.Repeat("1", 300):         "To",
		"CallSid=" + callID + "&CallSid=" + callID + "&To=%2B14155550100&From=": "CallSid",
	} {
		_, err := DecodeCall(formOf(t, body))
		var invalid *bridge.Invalid
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v, want %s", body, err, field)
		}
	}
}

func TestHowADialEndedSaysWhetherSomebodyTalkedToTheCaller(t *testing.T) {
	for dial, want := range map[string]bridge.CallState{
		"DialCallStatus=completed&DialBridged=true&DialCallDuration=42": bridge.Answered,
		"DialCallStatus=answered":                    bridge.Answered,
		"DialCallStatus=completed":                   bridge.Answered,
		"DialCallStatus=completed&DialBridged=false": bridge.Missed,
		"DialCallStatus=busy":                        bridge.Missed,
		"DialCallStatus=no-answer":                   bridge.Missed,
		"DialCallStatus=failed":                      bridge.Missed,
		"DialCallStatus=canceled":                    bridge.Missed,
		"DialCallStatus=something-new":               bridge.Missed,
		"":                                           bridge.Missed,
	} {
		c, word, err := DecodeDialed(formOf(t, "CallSid="+callID+"&To=%2B14155550100&From=%2B14155550134&"+dial))
		if err != nil || word != want || (c.Duration != 0) != strings.Contains(dial, "Duration") {
			t.Errorf("%s: %q %+v %v, want %q", dial, word, c, err, want)
		}
	}
}

func TestAVoicemailIsTakenWhenItIsComplete(t *testing.T) {
	recording := "CallSid=" + callID + "&RecordingSid=" + recordingID + "&RecordingUrl=https%3A%2F%2Fapi.twilio.com%2Fr"
	for body, want := range map[string]bool{
		"&RecordingStatus=completed&RecordingDuration=12": true,
		"&RecordingDuration=12":                           true, // the form of the Record action has no status
		"&RecordingStatus=in-progress":                    false,
		"&RecordingStatus=absent&RecordingDuration=0":     false, // nothing was said
		"&RecordingStatus=failed&RecordingDuration=12":    false,
	} {
		call, id, source, length, ok, err := DecodeRecording(formOf(t, recording+body))
		if err != nil || ok != want || call != callID || id != recordingID || source != "https://api.twilio.com/r.mp3" || ok && length != 12*time.Second {
			t.Errorf("%s: %s %s %s %v %t %v", body, call, id, source, length, ok, err)
		}
	}
}

func TestWordsThatTwilioCouldNotHearAreNone(t *testing.T) {
	for body, want := range map[string]string{
		"&TranscriptionStatus=completed&TranscriptionText=+It+leaks+":      "It leaks",
		"&TranscriptionStatus=failed&TranscriptionText=%28blank%29":        "",
		"&TranscriptionStatus=completed":                                   "",
		"&TranscriptionText=" + strings.Repeat("%C3%A9", 5*bridge.MaxBody): strings.Repeat("é", bridge.MaxBody),
	} {
		if call, words, err := DecodeTranscript(formOf(t, "CallSid="+callID+body)); err != nil || call != callID || words != want {
			t.Errorf("%.60s: %.60q %v", body, words, err)
		}
	}
}

func TestWhatIsSaidIsEscaped(t *testing.T) {
	for _, said := range []string{"Rossi & Sons <Plumbing>", `"O'Neill"`, "</Say><Dial>+1</Dial>", "]]>", "é 😀", "a\x00b\xffc"} {
		b, err := TwiML{Verbs: []any{Say{Text: said}, Dial{Action: "https://texts.example.com/a?b=1&c=\"2\"", Numbers: []Number{{Phone: "+14155550190"}}}}}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			XMLName xml.Name
			Say     []string
			Dial    struct {
				Action string `xml:"action,attr"`
				Number []string
			}
		}
		want := strings.NewReplacer("\x00", "\ufffd", "\xff", "\ufffd").Replace(said)
		if err := xml.Unmarshal(b, &got); err != nil || len(got.Say) != 1 || got.Say[0] != want || got.Dial.Action != "https://texts.example.com/a?b=1&c=\"2\"" || len(got.Dial.Number) != 1 {
			t.Errorf("%s: %+v %v", b, got, err)
		}
	}
	if b, err := (TwiML{}).Encode(); err != nil || string(b) != `<?xml version="1.0" encoding="UTF-8"?><Response/>` {
		t.Errorf("%s %v", b, err)
	}
}

// FuzzDecodeCalls reads anything as each of the forms about calls: none panics, and
// what is taken is of the right shape.
func FuzzDecodeCalls(f *testing.F) {
	const voice = "CallSid=" + callID + "&From=%2B14155550134&To=%2B14155550100&Direction=inbound&CallStatus=ringing"
	f.Add(voice)
	f.Add(voice + "&DialCallStatus=completed&DialCallDuration=42&DialBridged=true")
	f.Add(voice + "&CallDuration=99999999999999999999")
	f.Add("CallSid=" + callID + "&RecordingSid=" + recordingID + "&RecordingUrl=https%3A%2F%2Fapi.twilio.com%2Fr&RecordingStatus=completed&RecordingDuration=12")
	f.Add("CallSid=" + callID + "&TranscriptionText=It+leaks&TranscriptionStatus=completed")
	f.Add("ParentCallSid=" + callID + "&Digits=1&From=sip%3Aanonymous%40x")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		whole := func(err error) bool {
			var invalid *bridge.Invalid
			if err != nil && (!errors.As(err, &invalid) || invalid.Field == "" || invalid.Problem == "") {
				t.Fatalf("not an Invalid: %v", err)
			}
			return err == nil
		}
		good := func(c bridge.Call) bool {
			return callPattern.MatchString(c.CarrierID) && c.To != "" && (c.From == "" || c.From[0] == '+') && c.Duration >= 0 && c.Duration <= 24*time.Hour
		}
		if c, err := DecodeCall(form); whole(err) && !good(c) {
			t.Fatalf("%+v", c)
		}
		if c, word, err := DecodeDialed(form); whole(err) && (!good(c) || word != bridge.Answered && word != bridge.Missed) {
			t.Fatalf("%+v %q", c, word)
		}
		if c, _, err := DecodeCallOver(form); whole(err) && !good(c) {
			t.Fatalf("%+v", c)
		}
		if call, err := DecodeTaken(form); whole(err) && !callPattern.MatchString(call) {
			t.Fatalf("%q", call)
		}
		if call, id, source, length, ok, err := DecodeRecording(form); whole(err) {
			u, bad := url.Parse(source)
			if !callPattern.MatchString(call) || !recordingPattern.MatchString(id) || bad != nil || u.Host == "" || len(source) > 1004 || ok && length <= 0 {
				t.Fatalf("%q %q %q %v", call, id, source, length)
			}
		}
		if call, words, err := DecodeTranscript(form); whole(err) && (!callPattern.MatchString(call) || len([]rune(words)) > bridge.MaxBody) {
			t.Fatalf("%q %q", call, words)
		}
	})
}
