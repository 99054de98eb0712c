package sms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/sms"
	"porchlight/bridge/sms/smstest"
)

const line, customer = "+14155550100", "+14155550134"

// connect gives a Twilio, and a carrier that talks to it.
func connect(t testing.TB, change func(*sms.Options)) (*smstest.Server, *sms.Twilio) {
	t.Helper()
	server := smstest.New(smstest.Options{Delays: smstest.Instant})
	base, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	o := sms.Options{AccountSID: smstest.AccountSID, Secret: smstest.AuthToken, BaseURL: base, Timeout: 5 * time.Second}
	if change != nil {
		change(&o)
	}
	return server, newCarrier(t, o)
}

func newCarrier(t testing.TB, o sms.Options) *sms.Twilio {
	t.Helper()
	carrier, err := sms.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return carrier
}

func text(body string) bridge.Outgoing {
	return bridge.Outgoing{Delivery: 1, Token: "tok1", From: line, To: customer, Body: body}
}

func TestAcceptedTextHasTwiliosIDAndSegments(t *testing.T) {
	server, carrier := connect(t, func(o *sms.Options) { o.StatusURL = "http://127.0.0.1:1/status" })
	o := carrier.Send(t.Context(), text(strings.Repeat("a", 200)))
	if o.Kind != bridge.Accepted || o.Segments != 2 || !strings.HasPrefix(o.CarrierID, "SM") {
		t.Fatalf("%+v", o)
	}
	sent := server.Sent()
	if len(sent) != 1 || sent[0].SID != o.CarrierID || sent[0].From != line || sent[0].To != customer || sent[0].Token != "tok1" {
		t.Errorf("%+v", sent)
	}
}

func TestAPIKeyAndMessagingServiceWorkAsWell(t *testing.T) {
	key, secret := "SK0123456789abcdef0123456789abcdef", "s3cret"
	server := smstest.New(smstest.Options{Delays: smstest.Instant, APIKeySID: key, APIKeySecret: secret, ServiceNumber: "+14155550101"})
	base, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	carrier := newCarrier(t, sms.Options{AccountSID: smstest.AccountSID, APIKeySID: key, Secret: secret, BaseURL: base,
		MessagingServiceSID: "MG0123456789abcdef0123456789abcdef"})
	if o := carrier.Send(t.Context(), text("hello")); o.Kind != bridge.Accepted || o.Segments != 0 {
		t.Fatalf("%+v", o)
	}
	if sent := server.Sent(); sent[0].From != "+14155550101" {
		t.Errorf("%+v", sent)
	}
	found, err := carrier.Find(t.Context(), text("hello"), time.Now().Add(-time.Minute))
	if err != nil || len(found) != 1 {
		t.Errorf("sent from the service's number, so found by recipient: %v, %v", found, err)
	}
}

func TestRefusalsAreToldFromDoubtsAndFromDelays(t *testing.T) {
	const html = "<html>"
	for _, tc := range []struct {
		name  string
		fault smstest.Fault
		kind  bridge.OutcomeKind
		code  string
		after time.Duration
	}{
		{"invalid number", smstest.Fault{Status: 400, Code: 21211}, bridge.Refused, "21211", 0},
		{"opted out", smstest.Fault{Status: 400, Code: 21610}, bridge.Refused, "21610", 0},
		{"not found", smstest.Fault{Status: 404, Code: 20404}, bridge.Refused, "20404", 0},
		{"refused login", smstest.Fault{Status: 401, Code: 20003}, bridge.Retry, "20003", time.Minute},
		{"refused login by something in between", smstest.Fault{Status: 401}, bridge.Retry, "20003", time.Minute},
		{"too many requests", smstest.Fault{Status: 429, Code: 20429, RetryAfter: "7"}, bridge.Retry, "20429", 7 * time.Second},
		{"too many requests, without JSON", smstest.Fault{Status: 429}, bridge.Retry, "20429", 0},
		{"sender's queue full", smstest.Fault{Status: 400, Code: 21611}, bridge.Retry, "21611", time.Minute},
		{"a proxy's page", smstest.Fault{Status: 403, Body: html}, bridge.Lost, sms.CodeServer, 0},
		{"JSON that is not Twilio's", smstest.Fault{Status: 400, Body: `{"error":"no"}`}, bridge.Lost, sms.CodeServer, 0},
		{"request timeout", smstest.Fault{Status: 408, Code: 20408}, bridge.Lost, "20408", 0},
		{"server error with JSON", smstest.Fault{Status: 500, Code: 20500}, bridge.Lost, "20500", 0},
		{"server error without", smstest.Fault{Status: 502}, bridge.Lost, sms.CodeServer, 0},
		{"server error, empty", smstest.Fault{Status: 503, Body: " "}, bridge.Lost, sms.CodeServer, 0},
		{"redirect", smstest.Fault{Status: 302, Body: " "}, bridge.Lost, sms.CodeServer, 0},
		{"created, but unreadable", smstest.Fault{Status: 201, Body: html, Store: true}, bridge.Lost, sms.CodeServer, 0},
		{"created, but without an id", smstest.Fault{Status: 201, Body: "{}", Store: true}, bridge.Lost, sms.CodeServer, 0},
		{"no answer", smstest.Fault{Store: true}, bridge.Lost, sms.CodeNetwork, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server, carrier := connect(t, nil)
			server.Script(tc.fault)
			o := carrier.Send(t.Context(), text("secret words"))
			if o.Kind != tc.kind || o.Code != tc.code || o.RetryAfter != tc.after || o.Detail == "" || strings.Contains(o.Detail, "secret") {
				t.Errorf("%+v", o)
			}
			if o = carrier.Send(t.Context(), text("next")); o.Kind != bridge.Accepted {
				t.Errorf("the next text: %+v", o)
			}
		})
	}
}

func TestWrongLoginIsOurSideAndTheTextWaits(t *testing.T) {
	_, carrier := connect(t, func(o *sms.Options) { o.Secret = "wrong" })
	o := carrier.Send(t.Context(), text("hello"))
	if o.Kind != bridge.Retry || carrier.Explain(o.Code).Class != bridge.OurSide {
		t.Errorf("%+v", o)
	}
	if _, err := carrier.Find(t.Context(), text("hello"), time.Now()); err == nil || strings.Contains(err.Error(), customer) {
		t.Errorf("find: %v", err)
	}
}

func TestDetailMasksTheNumber(t *testing.T) {
	_, carrier := connect(t, nil)
	out := text("hello")
	out.To = "+14155550179" // Invalid, and Twilio names the number
	if o := carrier.Send(t.Context(), out); o.Kind != bridge.Refused || strings.Contains(o.Detail, "555") || !strings.Contains(o.Detail, "0179") {
		t.Errorf("%+v", o)
	}
}

func TestTextThatNeverLeftMayBeSentAgain(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake is meant to fail
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	for name, base := range map[string]string{
		"nobody listens": "http://" + closed.Addr().String(),
		"no such name":   "http://porchlight.invalid",
		"untrusted":      untrusted.URL,
	} {
		carrier := newCarrier(t, sms.Options{AccountSID: smstest.AccountSID, Secret: smstest.AuthToken, BaseURL: base, Timeout: 3 * time.Second})
		o := carrier.Send(t.Context(), text("hello"))
		if o.Kind != bridge.Retry || o.Code != sms.CodeNetwork || strings.Contains(o.Detail, smstest.AccountSID) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// silent takes connections, reads, and never answers.
func silent(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAnswerThatDoesNotComeInTimeIsUnknown(t *testing.T) {
	carrier := newCarrier(t, sms.Options{AccountSID: smstest.AccountSID, Secret: smstest.AuthToken, BaseURL: silent(t), Timeout: 50 * time.Millisecond})
	if o := carrier.Send(t.Context(), text("hello")); o.Kind != bridge.Lost {
		t.Errorf("%+v", o)
	}
}

func TestShutdownEndsASendAtOnce(t *testing.T) {
	carrier := newCarrier(t, sms.Options{AccountSID: smstest.AccountSID, Secret: smstest.AuthToken, BaseURL: silent(t), Timeout: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	if o := carrier.Send(ctx, text("hello")); o.Kind != bridge.Lost || time.Since(start) > 5*time.Second {
		t.Errorf("after %v: %+v", time.Since(start), o)
	}
	if o := carrier.Send(ctx, text("hello")); o.Kind != bridge.Retry {
		t.Errorf("not begun after the shutdown: %+v", o)
	}
}

func TestErrorsLeaveNoGoroutinesBehind(t *testing.T) {
	server, carrier := connect(t, nil)
	carrier.Send(t.Context(), text("the connection is kept"))
	if err := server.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	server.FailNext(50, 400)
	for range 50 {
		carrier.Send(t.Context(), text("hello"))
	}
	if after := runtime.NumGoroutine(); after > before+10 {
		t.Errorf("%d goroutines, %d before 50 errors", after, before)
	}
}

// deaf is a transport that reports no progress.
type deaf struct{}

func (deaf) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no") }

func TestTransportThatTellsNothingProvesNothing(t *testing.T) {
	carrier := newCarrier(t, sms.Options{AccountSID: smstest.AccountSID, Secret: smstest.AuthToken, HTTP: &http.Client{Transport: deaf{}}})
	if o := carrier.Send(t.Context(), text("hello")); o.Kind != bridge.Lost {
		t.Errorf("%+v", o)
	}
}

func TestRegionInTheEnvironmentChangesNothing(t *testing.T) {
	t.Setenv("TWILIO_REGION", "ie1")
	t.Setenv("TWILIO_EDGE", "dublin")
	_, carrier := connect(t, nil)
	if o := carrier.Send(t.Context(), text("hello")); o.Kind != bridge.Accepted {
		t.Errorf("%+v", o)
	}
}

func TestLostAnswerIsFoundInTheList(t *testing.T) {
	server, carrier := connect(t, nil)
	began := time.Now()
	server.DropNext(1)
	if o := carrier.Send(t.Context(), text("did it arrive?")); o.Kind != bridge.Lost {
		t.Fatalf("%+v", o)
	}
	if _, _, err := server.Text(t.Context(), customer, line, "an answer"); err != nil {
		t.Fatal(err)
	}
	other := text("to somebody else")
	other.To = "+14155550135"
	carrier.Send(t.Context(), other)
	found, err := carrier.Find(t.Context(), text(""), began)
	if err != nil || len(found) != 1 || found[0].Body != "did it arrive?" || found[0].CarrierID != server.Sent()[0].SID {
		t.Fatalf("%+v, %v", found, err)
	}
	if found, err = carrier.Find(t.Context(), text(""), began.Add(time.Hour)); err != nil || len(found) != 0 {
		t.Errorf("older than asked for: %+v, %v", found, err)
	}
}

func TestFindReadsEveryPage(t *testing.T) {
	_, carrier := connect(t, nil)
	for i := range 120 {
		carrier.Send(t.Context(), text(fmt.Sprint(i)))
	}
	found, err := carrier.Find(t.Context(), text(""), time.Now().Add(-time.Minute))
	if err != nil || len(found) != 120 || found[0].Body != "119" {
		t.Errorf("%d found, %v", len(found), err)
	}
}

func TestStatusMakesUpForCallbacksThatNeverCame(t *testing.T) {
	server, carrier := connect(t, nil)
	server.SetBehaviour(customer, smstest.SwitchedOff)
	o := carrier.Send(t.Context(), text("hello"))
	if err := server.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := carrier.Status(t.Context(), o.CarrierID)
	if err != nil || f.Status != "undelivered" || f.Code != "30003" || f.CreatedAt.IsZero() {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := carrier.Status(t.Context(), "SM"+strings.Repeat("0", 32)); !errors.Is(err, bridge.ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
	if _, err := carrier.Status(t.Context(), "../Accounts"); err == nil {
		t.Error("what is not an id was put into a path")
	}
}

func TestTextsMissedWhileDownAreListedInOrder(t *testing.T) {
	server, carrier := connect(t, nil)
	since := time.Now()
	for i := range 60 {
		if _, _, err := server.Text(t.Context(), customer, line, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := server.Text(t.Context(), customer, line, "", smstest.Media{ContentType: "image/png", Data: []byte("png")}); err != nil {
		t.Fatal(err)
	}
	carrier.Send(t.Context(), text("ours"))
	var got []bridge.Inbound
	pages := 0
	err := carrier.ListInbound(t.Context(), line, since, func(page []bridge.Inbound) error {
		pages++
		got = append(got, page...)
		return nil
	})
	if err != nil || len(got) != 61 || pages != 2 || got[0].Body != "0" || got[59].Body != "59" {
		t.Fatalf("%d texts in %d pages, %v", len(got), pages, err)
	}
	last := got[60]
	if !last.Recovered || last.From != customer || last.Raw == "" || last.At.IsZero() || len(last.Media) != 1 || last.Media[0].ContentType != "image/png" {
		t.Errorf("%+v", last)
	}
	res, err := http.NewRequest(http.MethodGet, last.Media[0].URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res.SetBasicAuth(smstest.AccountSID, smstest.AuthToken)
	answer, err := http.DefaultClient.Do(res)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if b, err := io.ReadAll(answer.Body); err != nil || string(b) != "png" {
		t.Errorf("media: %q, %v", b, err)
	}
	stop := errors.New("stop")
	if err := carrier.ListInbound(t.Context(), line, since, func([]bridge.Inbound) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of the caller: %v", err)
	}
	if err := carrier.ListInbound(t.Context(), line, since.Add(time.Hour), func([]bridge.Inbound) error { return stop }); err != nil {
		t.Errorf("nothing since: %v", err)
	}
}

func TestManyTextsLeaveAtOnceAndOnce(t *testing.T) {
	server, carrier := connect(t, func(o *sms.Options) { o.StatusURL = "http://127.0.0.1:1/s" })
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			out := text("hello")
			out.Token = fmt.Sprint("t", i)
			if o := carrier.Send(context.Background(), out); o.Kind != bridge.Accepted {
				t.Errorf("%+v", o)
			}
		})
	}
	wg.Wait()
	if server.Accepted() != 300 || server.Doubles() != 0 || server.AcceptedByToken("t7") != 1 {
		t.Errorf("%d accepted, %d doubled", server.Accepted(), server.Doubles())
	}
}

func TestTwiliosWordsAreReadAsStates(t *testing.T) {
	carrier := newCarrier(t, sms.Options{AccountSID: smstest.AccountSID, Secret: smstest.AuthToken})
	for word, want := range map[string]bridge.DeliveryState{
		"accepted": bridge.Sent, "scheduled": bridge.Sent, "queued": bridge.Sent, "sending": bridge.Sent, "sent": bridge.Sent,
		"partially_delivered": bridge.Sent, "delivered": bridge.Delivered, "undelivered": bridge.Undelivered,
		"failed": bridge.Failed, "canceled": bridge.Failed, "read": bridge.Read, "received": "", "receiving": "", "": "",
	} {
		if got, ok := carrier.ReadStatus(word); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", word, got, ok)
		}
	}
}

func TestWrongOptionsAreNamed(t *testing.T) {
	good := sms.Options{AccountSID: smstest.AccountSID, Secret: smstest.AuthToken}
	for field, spoil := range map[string]func(*sms.Options){
		"account_sid":           func(o *sms.Options) { o.AccountSID = "SK0123" },
		"api_key_sid":           func(o *sms.Options) { o.APIKeySID = smstest.AccountSID },
		"secret":                func(o *sms.Options) { o.Secret = "" },
		"messaging_service_sid": func(o *sms.Options) { o.MessagingServiceSID = "MG" },
		"base_url":              func(o *sms.Options) { o.BaseURL = "twilio.com" },
		"status_url":            func(o *sms.Options) { o.StatusURL = "https://my_host.example/x" },
	} {
		o := good
		spoil(&o)
		_, err := sms.New(o)
		var invalid *bridge.Invalid
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
