package smstest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"porchlight/bridge/sms"
	"porchlight/bridge/sms/smstest"
)

// A switchboard is a program that answers calls with documents by path, and remembers
// what it was asked and told.
type switchboard struct {
	*httptest.Server
	t        *testing.T
	says     map[string]string
	kind     string
	received []received
}

func openSwitchboard(t *testing.T, says map[string]string) (*switchboard, *smstest.Server) {
	t.Helper()
	b := &switchboard{t: t, says: says, kind: "text/xml; charset=utf-8"}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		ok := sms.Verify([]string{smstest.AuthToken}, b.URL+r.RequestURI, form, body, r.Header.Get("X-Twilio-Signature"))
		b.received = append(b.received, received{r.URL.Path, form, ok}) // calls are played one after the other
		if !ok {
			t.Errorf("%s is not signed", r.URL.Path)
		}
		w.Header().Set("Content-Type", b.kind)
		fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8"?><Response>`+b.says[r.URL.Path]+`</Response>`)
	}))
	t.Cleanup(b.Close)
	s, _ := start(t, smstest.Options{})
	s.SetVoice(smstest.VoiceURLs{Voice: b.URL + "/voice#rc=3", Status: b.URL + "/status"})
	return b, s
}

func (b *switchboard) paths() string {
	var out []string
	for _, r := range b.received {
		out = append(out, strings.TrimPrefix(r.path, "/"))
	}
	return strings.Join(out, " ")
}

func (b *switchboard) form(path string) url.Values {
	b.t.Helper()
	i := slices.IndexFunc(b.received, func(r received) bool { return r.path == path })
	if i < 0 {
		b.t.Fatalf("%s was never asked, only %s", path, b.paths())
	}
	return b.received[i].form
}

// screened is a business that rings two phones, wants a key, and takes voicemails.
func screened() map[string]string {
	return map[string]string{
		"/voice":    `<Say>Hello</Say><Dial action="/dialed" timeout="20"><Number url="/screen">+14155550190</Number><Number url="/screen">+14155550191</Number></Dial>`,
		"/screen":   `<Gather action="/screened" numDigits="1"><Say>Press a key</Say></Gather><Hangup/>`,
		"/dialed":   `<Say>Leave word</Say><Record action="/recorded" recordingStatusCallback="/recording" transcribe="true" transcribeCallback="/transcript" maxLength="60"/>`,
		"/recorded": `<Say>Goodbye</Say><Hangup/>`,
	}
}

func TestACallGoesAsItsPlaySays(t *testing.T) {
	for name, tt := range map[string]struct {
		play         smstest.Play
		asked, dial  string
		takenBy      string
		said         string
		wantsBridged string
	}{
		"rings out":    {smstest.Play{}, "voice dialed status", "no-answer", "", "Hello|Leave word", ""},
		"is taken":     {smstest.Play{Others: smstest.PicksUp}, "voice screen screened dialed status", "completed", "+14155550190", "Hello|Leave word", "true"},
		"by the other": {smstest.Play{Phones: map[string]smstest.Pickup{"+14155550191": smstest.PicksUp}}, "voice screen screened dialed status", "completed", "+14155550191", "Hello|Leave word", "true"},
		"voicemail of the phone": {smstest.Play{Phones: map[string]smstest.Pickup{"+14155550190": smstest.Answerphone}}, "voice screen dialed status",
			"completed", "", "Hello|Leave word", "false"},
		"busy":            {smstest.Play{Others: smstest.Engaged}, "voice dialed status", "busy", "", "Hello|Leave word", ""},
		"caller hangs up": {smstest.Play{Others: smstest.CallerHangUp}, "voice status", "", "", "Hello", ""},
		"leaves word":     {smstest.Play{Voicemail: 12 * time.Second}, "voice dialed recorded recording transcript status", "no-answer", "", "Hello|Leave word|Goodbye", ""},
		"told twice": {smstest.Play{Voicemail: 12 * time.Second, Callbacks: smstest.Twice}, "voice dialed recorded recording recording transcript transcript status status",
			"no-answer", "", "Hello|Leave word|Goodbye", ""},
		"told in the wrong order": {smstest.Play{Voicemail: 12 * time.Second, Callbacks: smstest.WrongOrder}, "voice dialed recorded status transcript recording",
			"no-answer", "", "Hello|Leave word|Goodbye", ""},
		"told nothing": {smstest.Play{Voicemail: 12 * time.Second, Callbacks: smstest.NoneCome}, "voice dialed recorded", "no-answer", "", "Hello|Leave word|Goodbye", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := openSwitchboard(t, screened())
			got, err := s.Call(t.Context(), customer, line, tt.play)
			if err != nil || b.paths() != tt.asked || got.TakenBy != tt.takenBy || strings.Join(got.Said, "|") != tt.said {
				t.Fatalf("asked %s, %+v %v", b.paths(), got, err)
			}
			if len(got.Posts) != len(b.received) || got.Posts[0].Status != 200 {
				t.Errorf("%d posts, %d came", len(got.Posts), len(b.received))
			}
			if tt.dial == "" {
				return
			}
			f := b.form("/dialed")
			if f.Get("DialCallStatus") != tt.dial || f.Get("DialBridged") != tt.wantsBridged || f.Get("CallSid") != got.SID || f.Get("From") != customer || f.Get("To") != line {
				t.Errorf("%v", f)
			}
		})
	}
}

func TestAPhoneThatRingsIsALegOfItsOwn(t *testing.T) {
	b, s := openSwitchboard(t, screened())
	got, err := s.Call(t.Context(), customer, line, smstest.Play{Others: smstest.PicksUp})
	if err != nil {
		t.Fatal(err)
	}
	f := b.form("/screened")
	if f.Get("ParentCallSid") != got.SID || f.Get("CallSid") == got.SID || f.Get("To") != "+14155550190" || f.Get("Digits") != "1" || f.Get("Direction") != "outbound-dial" {
		t.Errorf("%v", f)
	}
	if f := b.form("/voice"); f.Get("CallStatus") != "ringing" || f.Get("Direction") != "inbound" || !regexp.MustCompile(`^CA[0-9a-f]{32}$`).MatchString(f.Get("CallSid")) {
		t.Errorf("%v", f)
	}
	b.says["/voice"] = `<Dial><Number statusCallback="/taken" statusCallbackEvent="answered">+14155550190</Number></Dial>`
	b.received = nil
	if _, err := s.Call(t.Context(), customer, line, smstest.Play{Others: smstest.Answerphone}); err != nil || b.paths() != "voice taken status" {
		t.Errorf("without a screen anything takes a call: %s %v", b.paths(), err)
	}
}

func TestAVoicemailIsSoundThatOnlyTheAccountLoads(t *testing.T) {
	b, s := openSwitchboard(t, screened())
	got, err := s.Call(t.Context(), customer, line, smstest.Play{Voicemail: 90 * time.Second, Words: "The boiler leaks"})
	if err != nil {
		t.Fatal(err)
	}
	f, w := b.form("/recording"), b.form("/transcript")
	if f.Get("RecordingSid") != got.Recording || f.Get("RecordingDuration") != "60" || f.Get("RecordingStatus") != "completed" || w.Get("TranscriptionText") != "The boiler leaks" {
		t.Errorf("%v %v", f, w)
	}
	for _, tt := range []struct {
		suffix, user string
		code         int
	}{{".mp3", smstest.AccountSID, 200}, {".mp3", "", 401}, {".exe", smstest.AccountSID, 404}} {
		r, _ := http.NewRequest(http.MethodGet, f.Get("RecordingUrl")+tt.suffix, nil)
		r.SetBasicAuth(tt.user, smstest.AuthToken)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != tt.code || tt.code == 200 && (len(body) < 200_000 || !strings.HasPrefix(string(body), "\xff\xfb")) {
			t.Errorf("%+v: %d, %d bytes", tt, res.StatusCode, len(body))
		}
	}
}

func TestADocumentThatTwilioWouldNotPlayEndsTheCallWithAnError(t *testing.T) {
	for document, want := range map[string]string{
		`<Enqueue>x</Enqueue>`:              "no Enqueue stands in a Response",
		`<Say>a`:                            "12100",
		`<Dial><Sip>sip:a@b</Sip></Dial>`:   "no Sip stands in a Dial",
		`<Dial><Number>555</Number></Dial>`: "is no number",
		`<Dial action="ftp://x/" ><Number>+14155550190</Number></Dial>`: "no address",
		`<Say vioce="alice">a</Say>`:                                    "Say has no vioce",
		`<Dial method="GET"><Number>+14155550190</Number></Dial>`:       "by GET",
		`<Gather><Say>Press 1 for sales</Say></Gather>`:                 "not played",
		`</Response><Response>`:                                         "something follows",
	} {
		b, s := openSwitchboard(t, map[string]string{"/voice": document})
		if _, err := s.Call(t.Context(), customer, line, smstest.Play{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", document, err, want)
		}
		if b.paths() != "voice status" {
			t.Errorf("%s: %s, the call is over all the same", document, b.paths())
		}
	}
	b, s := openSwitchboard(t, screened())
	b.kind = "text/plain"
	if _, err := s.Call(t.Context(), customer, line, smstest.Play{}); err == nil || !strings.Contains(err.Error(), "12300") {
		t.Errorf("not XML: %v", err)
	}
}

func TestTheFallbackIsAskedWhenAVoiceWebhookFails(t *testing.T) {
	o := openOffice(t) // fails at /broken, and answers all else with nothing, which is no XML
	s, _ := start(t, smstest.Options{})
	s.SetVoice(smstest.VoiceURLs{Voice: o.URL + "/broken", Fallback: o.URL + "/fallback"})
	if _, err := s.Call(t.Context(), customer, line, smstest.Play{}); err == nil {
		t.Error("an empty answer was played")
	}
	got := o.received()
	if len(got) != 2 || got[1].path != "/fallback" || got[1].form.Get("ErrorCode") != "11200" || !got[1].verified {
		t.Errorf("%+v", got)
	}
}

func TestTheWireShowsACallAndWhatWasSaid(t *testing.T) {
	_, s := openSwitchboard(t, screened())
	if _, err := s.Call(t.Context(), customer, line, smstest.Play{}); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range s.Wire() {
		all = append(all, e.Summary)
	}
	for _, want := range []string{"CallStatus=ringing → Say “Hello”, Dial +14155550190 +14155550191", "DialCallStatus=no-answer → Say “Leave word”, Record", "CallStatus=completed"} {
		if !strings.Contains(strings.Join(all, "\n"), want) {
			t.Errorf("no %q in %q", want, all)
		}
	}
}
