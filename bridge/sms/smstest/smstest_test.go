package smstest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/sms"
	"porchlight/bridge/sms/smstest"
)

const line, customer = "+14155550100", "+14155550134"

// A received is a webhook as the program under test gets it.
type received struct {
	path     string
	form     url.Values
	verified bool
}

// an office is the program under test: it verifies and remembers webhooks.
type office struct {
	*httptest.Server
	mu  sync.Mutex
	got []received
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		ok := sms.Verify([]string{smstest.AuthToken}, o.URL+r.RequestURI, form, body, r.Header.Get("X-Twilio-Signature"))
		o.mu.Lock()
		o.got = append(o.got, received{r.URL.RequestURI(), form, ok})
		o.mu.Unlock()
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *office) received() []received {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.got)
}

func (o *office) statuses(t *testing.T) string {
	t.Helper()
	var words []string
	for _, r := range o.received() {
		if !r.verified {
			t.Errorf("%s is not signed", r.path)
		}
		words = append(words, r.form.Get("MessageStatus")+r.form.Get("ErrorCode"))
	}
	return strings.Join(words, " ")
}

func start(t *testing.T, o smstest.Options) (*smstest.Server, func(opts sms.Options) *sms.Twilio) {
	t.Helper()
	if o.Delays == (smstest.Delays{}) {
		o.Delays = smstest.Delays{Sent: time.Millisecond, Delivered: 20 * time.Millisecond, Slow: 100 * time.Millisecond}
	}
	s := smstest.New(o)
	base, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, func(opts sms.Options) *sms.Twilio {
		opts.AccountSID, opts.Secret, opts.BaseURL = smstest.AccountSID, smstest.AuthToken, base
		c, err := sms.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func drain(t *testing.T, s *smstest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestEachBehaviourDoesWhatItSays(t *testing.T) {
	for b, want := range map[smstest.Behaviour]struct {
		outcome bridge.OutcomeKind
		reports string
		seen    int
	}{
		smstest.Reachable:           {bridge.Accepted, "sent delivered", 1},
		smstest.SwitchedOff:         {bridge.Accepted, "sent undelivered30003", 0},
		smstest.Blocked:             {bridge.Accepted, "sent undelivered30004", 0},
		smstest.OutOfService:        {bridge.Accepted, "sent undelivered30005", 0},
		smstest.Landline:            {bridge.Accepted, "sent undelivered30006", 0},
		smstest.Filtered:            {bridge.Accepted, "sent undelivered30007", 0},
		smstest.NoReason:            {bridge.Accepted, "sent undelivered30008", 0},
		smstest.Unregistered:        {bridge.Accepted, "sent undelivered30034", 0},
		smstest.OptedOut:            {bridge.Refused, "", 0},
		smstest.Invalid:             {bridge.Refused, "", 0},
		smstest.Slow:                {bridge.Accepted, "sent delivered", 1},
		smstest.LostAnswer:          {bridge.Lost, "sent delivered", 1},
		smstest.DuplicateCallbacks:  {bridge.Accepted, "sent sent delivered delivered", 1},
		smstest.OutOfOrderCallbacks: {bridge.Accepted, "delivered sent", 1},
		smstest.EarlyCallback:       {bridge.Accepted, "sent delivered", 1},
		smstest.Busy:                {bridge.Retry, "", 0},
		smstest.ServerError:         {bridge.Lost, "", 0},
		smstest.SilentServerError:   {bridge.Lost, "sent delivered", 1},
		smstest.NeverReported:       {bridge.Accepted, "", 1},
	} {
		t.Run(string(b), func(t *testing.T) {
			o := openOffice(t)
			s, carrier := start(t, smstest.Options{})
			s.SetBehaviour(customer, b)
			c := carrier(sms.Options{StatusURL: o.URL + "/status"})
			out := c.Send(t.Context(), bridge.Outgoing{Token: "t/1", From: line, To: customer, Body: "hello"})
			if out.Kind != want.outcome {
				t.Errorf("outcome %+v", out)
			}
			if b == smstest.EarlyCallback && o.statuses(t) == "" {
				t.Error("no report before the answer")
			}
			drain(t, s)
			if got := o.statuses(t); got != want.reports {
				t.Errorf("reports %q, want %q", got, want.reports)
			}
			for _, r := range o.received() {
				if r.path != "/status?d=t%2F1" {
					t.Errorf("reported to %s", r.path)
				}
			}
			if seen := s.Handset(customer); len(seen) != want.seen {
				t.Errorf("the handset shows %v", seen)
			}
		})
	}
}

func TestEveryBehaviourHasADemoNumberInTheFictionalRange(t *testing.T) {
	for _, b := range smstest.Behaviours {
		i := slices.IndexFunc(smstest.Numbers(), func(n smstest.Number) bool { return n.Behaviour == b })
		if i < 0 {
			t.Errorf("%s has no number", b)
			continue
		}
		if n := smstest.Numbers()[i]; !strings.HasPrefix(n.Phone, "+141555501") || n.Says == "" {
			t.Errorf("%+v", n)
		}
	}
}

func TestBusyEndsAfterAFewTries(t *testing.T) {
	s, carrier := start(t, smstest.Options{BusyTimes: 2})
	s.SetBehaviour(customer, smstest.Busy)
	c := carrier(sms.Options{})
	var kinds []bridge.OutcomeKind
	for range 3 {
		kinds = append(kinds, c.Send(t.Context(), bridge.Outgoing{From: line, To: customer, Body: "hello"}).Kind)
	}
	if !slices.Equal(kinds, []bridge.OutcomeKind{bridge.Retry, bridge.Retry, bridge.Accepted}) || s.Accepted() != 1 {
		t.Errorf("%v", kinds)
	}
}

func TestHandsetsTextArrivesSignedAndComplete(t *testing.T) {
	o := openOffice(t)
	s, _ := start(t, smstest.Options{})
	s.SetWebhook(o.URL + "/sms?line=1#rc=3&rp=all")
	sid, status, err := s.Text(t.Context(), customer, line, "Is the boiler “ok”?", smstest.Media{ContentType: "image/jpeg", Data: []byte("x")})
	if err != nil || status != 200 {
		t.Fatal(status, err)
	}
	got := o.received()
	if len(got) != 1 || !got[0].verified || got[0].path != "/sms?line=1" {
		t.Fatalf("%+v", got)
	}
	in, err := sms.DecodeInbound(got[0].form, smstest.AccountSID)
	if err != nil || in.CarrierID != sid || in.From != customer || in.To != line || in.Body != "Is the boiler “ok”?" || len(in.Media) != 1 {
		t.Errorf("%+v, %v", in, err)
	}
	if shown := s.Handset(customer); len(shown) != 1 || shown[0].SID != sid || shown[0].Media != 1 {
		t.Errorf("%+v", shown)
	}
	if status, err := s.Again(t.Context(), sid); err != nil || status != 200 || o.received()[1].form.Get("MessageSid") != sid {
		t.Errorf("once more: %d, %v", status, err)
	}
}

func TestFallbackHearsWhatTheWebhookFailedToTake(t *testing.T) {
	o := openOffice(t)
	s, _ := start(t, smstest.Options{})
	s.SetWebhook(o.URL + "/broken")
	if _, status, err := s.Text(t.Context(), customer, line, "one"); err != nil || status != 500 {
		t.Errorf("without a fallback: %d, %v", status, err)
	}
	s.SetFallback(o.URL + "/fallback")
	if _, status, err := s.Text(t.Context(), customer, line, "two"); err != nil || status != 200 {
		t.Errorf("with a fallback: %d, %v", status, err)
	}
	last := o.received()[2]
	if last.path != "/fallback" || !last.verified || last.form.Get("ErrorCode") != "11200" || last.form.Get("ErrorUrl") != o.URL+"/broken" {
		t.Errorf("%+v", last)
	}
	o.Close()
	if _, status, err := s.Text(t.Context(), customer, line, "three"); err == nil || status != 0 {
		t.Errorf("nobody there: %d, %v", status, err)
	}
}

func TestSTOPBlocksTheLineUntilSTART(t *testing.T) {
	s, carrier := start(t, smstest.Options{})
	c := carrier(sms.Options{})
	send := func(from string) string {
		return c.Send(t.Context(), bridge.Outgoing{From: from, To: customer, Body: "hello"}).Code
	}
	say := func(body string) {
		t.Helper()
		if _, _, err := s.Text(t.Context(), customer, line, body); err != nil {
			t.Fatal(err)
		}
	}
	say(" stop ")
	say("STOP")
	if code := send(line); code != "21610" {
		t.Errorf("after STOP: %q", code)
	}
	if code := send("+14155550101"); code != "" {
		t.Errorf("from another line: %q", code)
	}
	say("can you stop by at 5?")
	say("START")
	if code := send(line); code != "" {
		t.Errorf("after START: %q", code)
	}
	drain(t, s)
	var shown []string
	for _, x := range s.Handset(customer) {
		if x.From == line {
			shown = append(shown, strings.Fields(x.Body)[0])
		}
	}
	if strings.Join(shown, " ") != "You You hello" { // one answer to STOP, one to START
		t.Errorf("the handset shows %q", shown)
	}
}

func TestTwilioRefusesWhatItCannotSend(t *testing.T) {
	_, carrier := start(t, smstest.Options{Numbers: []string{line}})
	c := carrier(sms.Options{})
	for want, o := range map[string]bridge.Outgoing{
		"21604": {From: line, Body: "x"},
		"21603": {To: customer, Body: "x"},
		"21211": {From: line, To: "4155550134", Body: "x"},
		"21266": {From: line, To: line, Body: "x"},
		"21606": {From: "+14155550109", To: customer, Body: "x"},
		"21602": {From: line, To: customer},
		"21617": {From: line, To: customer, Body: strings.Repeat("x", 1601)},
	} {
		if got := c.Send(t.Context(), o); got.Kind != bridge.Refused || got.Code != want {
			t.Errorf("%s: %+v", want, got)
		}
	}
}

func TestCloseWaitsForReportsOnTheirWay(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(ended)
	}))
	t.Cleanup(slow.Close)
	s, carrier := start(t, smstest.Options{})
	c := carrier(sms.Options{StatusURL: slow.URL})
	c.Send(t.Context(), bridge.Outgoing{From: line, To: customer, Body: "hello"})
	<-begun
	s.Close()
	<-ended
	if o := c.Send(t.Context(), bridge.Outgoing{From: line, To: customer, Body: "hello"}); o.Kind == bridge.Accepted {
		t.Errorf("after Close: %+v", o)
	}
}

func TestSpectatorIsWokenAndSeesTheWire(t *testing.T) {
	s, carrier := start(t, smstest.Options{})
	wake, cancel := s.Subscribe()
	defer cancel()
	carrier(sms.Options{}).Send(t.Context(), bridge.Outgoing{From: line, To: customer, Body: "hello"})
	select {
	case <-wake:
	case <-time.After(5 * time.Second):
		t.Fatal("not woken")
	}
	drain(t, s)
	for _, e := range s.Wire() {
		if e.Method == http.MethodPost && e.Status == 201 && strings.Contains(e.Summary, "Body=hello") && !e.ToUs {
			return
		}
	}
	t.Errorf("%+v", s.Wire())
}

func TestForgetfulServerKeepsCountersOnly(t *testing.T) {
	o := openOffice(t)
	s, carrier := start(t, smstest.Options{Forget: true})
	c := carrier(sms.Options{StatusURL: o.URL})
	for range 2 {
		c.Send(t.Context(), bridge.Outgoing{Token: "same", From: line, To: customer, Body: "hello"})
	}
	drain(t, s)
	if s.Accepted() != 2 || s.AcceptedByToken("same") != 2 || s.Doubles() != 1 {
		t.Errorf("%d accepted, %d doubles", s.Accepted(), s.Doubles())
	}
	if len(s.Sent())+len(s.Handset(customer))+len(s.Wire()) != 0 || len(o.received()) != 4 {
		t.Errorf("%d reports, and something was kept", len(o.received()))
	}
}

func TestScriptedFaultsComeInTurn(t *testing.T) {
	s, carrier := start(t, smstest.Options{})
	s.FailNext(1, 429)
	s.FailNext(1, 502)
	s.DropNext(1)
	c := carrier(sms.Options{})
	var kinds []bridge.OutcomeKind
	for range 4 {
		kinds = append(kinds, c.Send(t.Context(), bridge.Outgoing{From: line, To: customer, Body: "hello"}).Kind)
	}
	if !slices.Equal(kinds, []bridge.OutcomeKind{bridge.Retry, bridge.Lost, bridge.Lost, bridge.Accepted}) || s.Accepted() != 2 {
		t.Errorf("%v, %d accepted", kinds, s.Accepted())
	}
}
