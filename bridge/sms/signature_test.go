package sms

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
)

// A vector is one signature of the public test suites of Twilio's libraries.
type vector struct {
	Name, Token, URL string
	Params           map[string]any
	Body             *string
	Signature        string
	Valid            bool
}

func signatureVectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/twilio-signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatal(err)
	}
	return vs
}

func (v vector) form() url.Values {
	form := url.Values{}
	for k, p := range v.Params {
		switch p := p.(type) {
		case string:
			form.Add(k, p)
		case []any:
			for _, one := range p {
				form.Add(k, one.(string))
			}
		}
	}
	return form
}

func (v vector) body() []byte {
	if v.Body == nil {
		return nil
	}
	return []byte(*v.Body)
}

func TestSignaturesOfTwiliosOwnLibrariesAreJudgedAlike(t *testing.T) {
	vs := signatureVectors(t)
	if len(vs) != 22 {
		t.Fatalf("%d vectors, want 22", len(vs))
	}
	for _, v := range vs {
		// Twilio signs what it puts on the wire, where an apostrophe is %27.
		onWire := strings.ReplaceAll(v.URL, "'", "%27")
		if got := Verify([]string{v.Token}, onWire, v.form(), v.body(), v.Signature); got != v.Valid {
			t.Errorf("%s: %v, want %v", v.Name, got, v.Valid)
		}
		if onWire != v.URL && Verify([]string{v.Token}, v.URL, v.form(), v.body(), v.Signature) {
			t.Errorf("%s: an address that was not on the wire verified", v.Name)
		}
	}
}

func TestSignatureHoldsOnlyForWhatWasSigned(t *testing.T) {
	const at = "https://office.example/webhooks/twilio/sms?x=1"
	form := url.Values{"From": {"+14155550134"}, "Body": {"hello"}}
	good := Sign("secret", at, form)
	with := func(k string, v ...string) url.Values {
		f := url.Values{"From": {"+14155550134"}, "Body": {"hello"}}
		f[k] = v
		return f
	}
	for _, tc := range []struct {
		name   string
		tokens []string
		url    string
		form   url.Values
		header string
		want   bool
	}{
		{"as signed", []string{"secret"}, at, form, good, true},
		{"while the token is rotated", []string{"new", "secret"}, at, form, good, true},
		{"with the port added", []string{"secret"}, "https://office.example:443/webhooks/twilio/sms?x=1", form, good, true},
		{"appended repeat", []string{"secret"}, at, with("Body", "hello", "evil"), good, false},
		{"another text", []string{"secret"}, at, with("Body", "evil"), good, false},
		{"an added name", []string{"secret"}, at, with("Extra", "1"), good, false},
		{"another address", []string{"secret"}, at + "2", form, good, false},
		{"another host", []string{"secret"}, "https://evil.example/webhooks/twilio/sms?x=1", form, good, false},
		{"trailing slash", []string{"secret"}, "https://office.example/webhooks/twilio/sms/?x=1", form, good, false},
		{"no token", nil, at, form, good, false},
		{"empty token", []string{""}, at, form, Sign("", at, form), false},
		{"empty token among others", []string{"secret", ""}, at, form, Sign("", at, form), false},
		{"no signature", []string{"secret"}, at, form, "", false},
		{"signature cut short", []string{"secret"}, at, form, good[:20], false},
		{"one byte too long", []string{"secret"}, at, form, strings.Repeat("0", 28), false},
		{"not base64", []string{"secret"}, at, form, strings.Repeat("!", 28), false},
	} {
		if got := Verify(tc.tokens, tc.url, tc.form, nil, tc.header); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestBodyThatIsNotAFormNeedsItsHashInTheSignedAddress(t *testing.T) {
	const bare = "https://office.example/hook"
	const hashed = bare + "?bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
	tokens := []string{"secret"}
	if !Verify(tokens, hashed, nil, []byte("{}"), Sign("secret", hashed, nil)) {
		t.Error("the signed body was refused")
	}
	if Verify(tokens, hashed, nil, []byte("{ }"), Sign("secret", hashed, nil)) {
		t.Error("another body was accepted")
	}
	if Verify(tokens, bare, nil, []byte("{}"), Sign("secret", bare, nil)) {
		t.Error("a body that nothing covers was accepted")
	}
	if !Verify(tokens, bare, nil, nil, Sign("secret", bare, nil)) {
		t.Error("a signed request without a body was refused")
	}
}

func TestPortIsTakenOutOrPutInWithoutHarmToTheHost(t *testing.T) {
	for in, want := range map[string]string{
		"https://h/x":            "https://h:443/x",
		"http://h":               "http://h:80",
		"http://h:8080/x?y=a:b":  "http://h/x?y=a:b",
		"https://u:p@h/x":        "https://u:p@h:443/x",
		"https://u:p@h:1/x":      "https://u:p@h/x",
		"http://[::1]/x":         "http://[::1]:80/x",
		"http://[::1]:8080/x":    "http://[::1]/x",
		"https://h?at=x@y:1":     "https://h:443?at=x@y:1",
		"not an address at all:": "not an address at all:",
	} {
		if got := togglePort(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, v := range signatureVectors(f) {
		f.Add(v.Token, v.URL, v.form().Encode(), v.body(), v.Signature)
	}
	f.Add("0", "0", "0", []byte{}, strings.Repeat("0", 28))
	f.Add("t", "http://[::1", "a=1&a=2&a=1", []byte("x"), "")
	f.Fuzz(func(t *testing.T, token, at, query string, body []byte, header string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		Verify([]string{token}, at, form, body, header)
		signed := Sign(token, at, form)
		if got := Verify([]string{token}, at, form, nil, signed); got && token == "" {
			t.Fatal("an empty token verified")
		} else if !got && token != "" && len(form) > 0 {
			t.Fatal("our own signature was refused")
		}
		if Verify([]string{token + "x"}, at, form, nil, signed) {
			t.Fatal("another token verified")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	const at = "https://office.example/webhooks/twilio/sms"
	form := url.Values{}
	for _, k := range strings.Fields("MessageSid SmsSid AccountSid From To Body NumMedia NumSegments SmsStatus ApiVersion FromCity FromState FromZip FromCountry ToCity ToState ToZip ToCountry") {
		form.Set(k, "a value of some length")
	}
	header := Sign("secret", at, form)
	b.ReportAllocs()
	for b.Loop() {
		if !Verify([]string{"secret"}, at, form, nil, header) {
			b.Fatal("refused")
		}
	}
}
