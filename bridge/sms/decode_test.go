package sms

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"porchlight/bridge"

	"github.com/google/go-cmp/cmp"
)

const (
	account = "AC0123456789abcdef0123456789abcdef"
	smsID   = "SM0123456789abcdef0123456789abcdef"
	// As captured by others, with the ids replaced.
	capturedText = "ToCountry=US&ToState=District+Of+Columbia&SmsMessageSid=" + smsID + "&NumMedia=0&ToCity=&FromZip=01022&SmsSid=" + smsID +
		"&FromState=MA&SmsStatus=received&FromCity=CHICOPEE&Body=Msg&FromCountry=US&To=%2B12028831111&ToZip=&NumSegments=1&MessageSid=" + smsID +
		"&AccountSid=" + account + "&From=%2B14133881111&ApiVersion=2010-04-01"
	capturedPicture = "AccountSid=" + account + "&MessageSid=MM0123456789abcdef0123456789abcdef&From=%2B14133881111&To=%2B12028831111&NumMedia=2" +
		"&MediaUrl0=https%3A%2F%2Fapi.twilio.com%2Fa&MediaContentType0=image%2Fjpeg&MediaUrl1=https%3A%2F%2Fapi.twilio.com%2Fb&MediaContentType1=image%2Fpng"
	capturedStatus = "MessageSid=" + smsID + "&SmsSid=" + smsID + "&AccountSid=" + account + "&From=%2B12028831111&To=%2B14133881111" +
		"&MessageStatus=undelivered&SmsStatus=undelivered&ErrorCode=30003&RawDlrDoneDate=2611220512&ApiVersion=2010-04-01"
)

func parse(t testing.TB, query string) url.Values {
	t.Helper()
	form, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func TestTextIsDecodedAsTwilioSendsIt(t *testing.T) {
	got, err := DecodeInbound(parse(t, capturedText), account)
	if err != nil {
		t.Fatal(err)
	}
	want := bridge.Inbound{Channel: bridge.SMS, CarrierID: smsID, From: "+14133881111", To: "+12028831111", Body: "Msg"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestPictureMessageMayComeWithoutText(t *testing.T) {
	got, err := DecodeInbound(parse(t, capturedPicture), account)
	if err != nil {
		t.Fatal(err)
	}
	want := []bridge.Media{{URL: "https://api.twilio.com/a", ContentType: "image/jpeg"}, {URL: "https://api.twilio.com/b", ContentType: "image/png"}}
	if d := cmp.Diff(want, got.Media); d != "" || got.Body != "" {
		t.Errorf("body %q, media %s", got.Body, d)
	}
}

func TestMissingPictureDoesNotLoseTheText(t *testing.T) {
	form := parse(t, capturedText)
	form.Set("NumMedia", "400")
	form.Set("MediaUrl3", "https://api.twilio.com/d")
	form.Set("MediaUrl10", "https://api.twilio.com/eleventh")
	got, err := DecodeInbound(form, account)
	if err != nil || len(got.Media) != 1 || got.Media[0].URL != "https://api.twilio.com/d" {
		t.Errorf("%v, %v", got.Media, err)
	}
}

func TestSendersOfEveryFormAreTakenAndOnlyWholeNumbersAnswered(t *testing.T) {
	for from, answerable := range map[string]bool{
		"+14155550134": true, "+442079460018": true, "29372": false, "PLUMBCO": false,
		"whatsapp:+14155550134": false, "rcs:plumbco": false, "14155550134": false, "+1 415 555 0134": false, "": false,
	} {
		if got := Answerable(from); got != answerable {
			t.Errorf("%q answerable: %v", from, got)
		}
		if from == "" {
			continue
		}
		form := parse(t, capturedText)
		form.Set("From", from)
		if got, err := DecodeInbound(form, account); err != nil || got.From != from {
			t.Errorf("%q: %q, %v", from, got.From, err)
		}
	}
}

func TestCarriersReadingOfConsentIsKept(t *testing.T) {
	for word, want := range map[string]bridge.Keyword{"STOP": bridge.Stop, "START": bridge.Start, "HELP": bridge.Help, "": bridge.NoKeyword, "MAYBE": bridge.NoKeyword} {
		form := parse(t, capturedText)
		form.Set("OptOutType", word)
		if got, err := DecodeInbound(form, account); err != nil || got.Keyword != want {
			t.Errorf("%q: %q, %v", word, got.Keyword, err)
		}
	}
}

func TestBodyIsMadeSafeToShow(t *testing.T) {
	form := parse(t, capturedText)
	form.Set("Body", "a\x00b\r\nc\xff")
	got, err := DecodeInbound(form, account)
	if err != nil || got.Body != "ab\nc\ufffd" {
		t.Errorf("%q, %v", got.Body, err)
	}
}

func TestSpoiltInboundIsRefusedByTheNameOfItsField(t *testing.T) {
	for _, tc := range []struct {
		field  string
		values []string
	}{
		{"MessageSid", nil}, {"MessageSid", []string{"SMshort"}}, {"MessageSid", []string{strings.ToUpper(smsID)}},
		{"MessageSid", []string{smsID, smsID}}, {"AccountSid", nil}, {"AccountSid", []string{"AC2"}},
		{"AccountSid", []string{account, account}}, {"From", nil}, {"From", []string{"+14133881111", "+14133881112"}},
		{"From", []string{"+1\n"}}, {"From", []string{strings.Repeat("9", 201)}}, {"To", nil}, {"To", []string{"a", "b"}},
		{"Body", []string{"a", "b"}}, {"NumMedia", []string{"many"}}, {"NumMedia", []string{"-1"}}, {"NumMedia", []string{"1", "2"}},
		{"OptOutType", []string{"STOP", "START"}},
	} {
		form := parse(t, capturedText)
		delete(form, tc.field)
		if tc.values != nil {
			form[tc.field] = tc.values
		}
		_, err := DecodeInbound(form, account)
		var invalid *bridge.Invalid
		if !errors.As(err, &invalid) || invalid.Field != tc.field {
			t.Errorf("%s = %q: %v", tc.field, tc.values, err)
		}
	}
}

func TestStatusCallbackIsDecoded(t *testing.T) {
	got, err := DecodeStatus(parse(t, capturedStatus), "tok")
	want := bridge.Receipt{Token: "tok", CarrierID: smsID, Status: "undelivered", Code: "30003", DoneAt: "2611220512"}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestSpoiltStatusCallbackIsRefusedByTheNameOfItsField(t *testing.T) {
	for _, tc := range []struct {
		field  string
		values []string
	}{
		{"MessageSid", nil}, {"MessageSid", []string{"x"}}, {"MessageStatus", nil}, {"MessageStatus", []string{"sent", "delivered"}},
		{"MessageStatus", []string{strings.Repeat("s", 41)}}, {"ErrorCode", []string{"<b>"}}, {"ErrorCode", []string{"1", "2"}},
		{"RawDlrDoneDate", []string{strings.Repeat("1", 41)}},
	} {
		form := parse(t, capturedStatus)
		delete(form, tc.field)
		if tc.values != nil {
			form[tc.field] = tc.values
		}
		_, err := DecodeStatus(form, "")
		var invalid *bridge.Invalid
		if !errors.As(err, &invalid) || invalid.Field != tc.field {
			t.Errorf("%s = %q: %v", tc.field, tc.values, err)
		}
	}
}

func FuzzDecodeInbound(f *testing.F) {
	f.Add(capturedText)
	f.Add(capturedPicture)
	f.Add(capturedText + "&OptOutType=STOP")
	f.Add("MessageSid=&NumMedia=99999999999999999999")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		in, err := DecodeInbound(form, account)
		if err != nil {
			var invalid *bridge.Invalid
			if !errors.As(err, &invalid) || invalid.Field == "" || invalid.Problem == "" {
				t.Fatalf("not an Invalid: %v", err)
			}
			return
		}
		if !sidPattern.MatchString(in.CarrierID) || in.From == "" || in.To == "" || len(in.Media) > MaxMedia || in.Body != bridge.CleanText(in.Body) {
			t.Fatalf("%+v", in)
		}
	})
}

func FuzzDecodeStatus(f *testing.F) {
	f.Add(capturedStatus, "tok")
	f.Add("MessageSid="+smsID+"&MessageStatus=sent", "")
	f.Fuzz(func(t *testing.T, query, token string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		r, err := DecodeStatus(form, token)
		if err == nil && (!sidPattern.MatchString(r.CarrierID) || r.Status == "" || len(r.Code) > 10 || len(r.Token) > 128) {
			t.Fatalf("%+v", r)
		}
	})
}
