package webhooks

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/data/datatest"
)

const (
	account = "AC00000000000000000000000000000001"
	token   = "0123456789abcdef0123456789abcdef"
	public  = "https://texts.example.com"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

// A desk is the webhooks before a real store.
type desk struct {
	*testing.T
	store  *data.Store
	in     *intake.Intake
	h      http.Handler
	counts map[string]int
}

func newDesk(t *testing.T, s *data.Store) *desk {
	t.Helper()
	carrier, err := sms.New(sms.Options{AccountSID: account, Secret: token})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{T: t, store: s, counts: map[string]int{}}
	d.in = intake.New(intake.Options{Store: s, Now: time.Now, Words: map[bridge.Channel]bridge.Dictionary{bridge.SMS: carrier}, Answerable: sms.Answerable,
		Split: func(s string) []string { return []string{s} }, Segments: func(string) int { return 1 }, Region: "US"})
	hooks, err := New(Options{
		Intake: d.in, Now: time.Now, PublicURL: public, AccountSID: account, Tokens: []string{token},
		Seen: func(route, result string) { d.counts[route+" "+result]++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := gin.New()
	r.RedirectTrailingSlash = false
	hooks.Mount(r)
	d.h = r
	return d
}

func sid(n int) string { return fmt.Sprintf("SM%032x", n) }

func text(n int, body string) url.Values {
	return url.Values{
		"MessageSid": {sid(n)}, "SmsSid": {sid(n)}, "AccountSid": {account}, "From": {"+14155550134"}, "To": {"+14155550100"},
		"Body": {body}, "NumMedia": {"0"}, "NumSegments": {"1"}, "SmsStatus": {"received"}, "ApiVersion": {"2010-04-01"}, "FromCity": {""},
	}
}

// post knocks as Twilio does; sign may spoil the signature.
func (d *desk) post(path string, form url.Values, sign func(string) string) *httptest.ResponseRecorder {
	d.Helper()
	return d.raw(path, form.Encode(), sign(sms.Sign(token, public+path, form)))
}

func (d *desk) raw(path, body, signature string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://10.0.0.1:8080"+path, strings.NewReader(body)) // as a proxy calls us
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	return w
}

func genuine(s string) string { return s }

// stored counts messages and conversations.
func (d *desk) stored() (messages, conversations int) {
	d.Helper()
	err := d.store.Read(d.Context(), func(tx *data.Tx) error {
		for id := bridge.ConversationID(1); id < 100; id++ {
			ms, err := tx.Messages(id, 0, 1000)
			if err != nil {
				return err
			}
			if len(ms) > 0 {
				conversations++
			}
			messages += len(ms)
		}
		return nil
	})
	if err != nil {
		d.Fatal(err)
	}
	return messages, conversations
}

func TestATextIsStoredBeforeTwilioIsAnswered(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		d := newDesk(t, s)
		w := d.post("/webhooks/twilio/sms", text(1, "No hot water"), genuine)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml") || !strings.Contains(w.Body.String(), "<Response/>") {
			t.Errorf("answer: %d %s %q", w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		if m, c := d.stored(); m != 1 || c != 1 {
			t.Errorf("%d messages in %d conversations", m, c)
		}
		if w := d.post("/webhooks/twilio/sms-fallback", text(1, "No hot water"), genuine); w.Code != 200 {
			t.Errorf("the same text by the fallback: %d", w.Code)
		}
		if m, _ := d.stored(); m != 1 {
			t.Errorf("the same text twice made %d messages", m)
		}
	})
}

func TestForgedWebhooksAreRefusedCountedAndNotStored(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	twice := text(2, "hello")
	twice.Add("Body", "evil")
	twice.Del("NumMedia")
	other := text(3, "hello")
	other.Set("AccountSid", "AC00000000000000000000000000000002")
	noAccount := text(4, "hello")
	noAccount.Del("AccountSid")
	for name, tt := range map[string]struct {
		form  url.Values
		sign  func(string) string
		code  int
		count string
	}{
		"no signature":            {text(1, "a"), func(string) string { return "" }, 403, "sms unsigned"},
		"wrong signature":         {text(1, "a"), func(string) string { return "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }, 403, "sms bad_signature"},
		"garbage signature":       {text(1, "a"), func(string) string { return strings.Repeat("A", 28) }, 403, "sms bad_signature"},
		"another account, signed": {other, genuine, 403, "sms other_account"},
		"no account":              {noAccount, genuine, 403, "sms other_account"},
		"scalar key twice":        {twice, genuine, 400, "sms invalid"},
	} {
		before := d.counts[tt.count]
		if w := d.post("/webhooks/twilio/sms", tt.form, tt.sign); w.Code != tt.code || d.counts[tt.count] != before+1 {
			t.Errorf("%s: %d %q, counts %v", name, w.Code, w.Body, d.counts)
		}
	}
	if m, _ := d.stored(); m != 0 {
		t.Errorf("%d forged messages were stored", m)
	}
}

func TestAnAppendedKeyBreaksTheSignature(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	form := text(1, "hello")
	signature := sms.Sign(token, public+"/webhooks/twilio/sms", form)
	if w := d.raw("/webhooks/twilio/sms", form.Encode()+"&Body=evil", signature); w.Code == 200 {
		t.Errorf("a duplicate key was accepted: %d", w.Code)
	}
}

func TestAWrongPublicURLIsToldApartFromAForgery(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	form := text(1, "hello")
	w := d.raw("/webhooks/twilio/sms", form.Encode(), sms.Sign(token, "http://10.0.0.1:8080/webhooks/twilio/sms", form))
	if w.Code != 403 || !strings.Contains(w.Body.String(), "public_url") {
		t.Errorf("%d %q does not name the setting", w.Code, w.Body)
	}
}

func TestBadInput(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	with := func(n int, changes map[string]string) url.Values {
		f := maps.Clone(text(n, "hello"))
		for k, v := range changes {
			if f.Set(k, v); v == "-" {
				f.Del(k)
			}
		}
		return f
	}
	for i, tt := range []struct {
		name string
		form url.Values
		code int
	}{
		{"a body of 70 KB", with(1, map[string]string{"Body": strings.Repeat("x", 70<<10)}), 413},
		{"no MessageSid", with(2, map[string]string{"MessageSid": "-"}), 400},
		{"a MessageSid that is none", with(3, map[string]string{"MessageSid": "../../etc/passwd"}), 400},
		{"no From", with(4, map[string]string{"From": "-"}), 400},
		{"no body but media", with(5, map[string]string{"Body": "-", "NumMedia": "1", "MediaUrl0": "https://api.twilio.com/m/1", "MediaContentType0": "image/jpeg"}), 200},
		{"a short code", with(6, map[string]string{"From": "29372"}), 200},
		{"an alphanumeric sender", with(7, map[string]string{"From": "ACME"}), 200},
		{"a number without plus", with(8, map[string]string{"From": "4155550134"}), 200},
		{"NUL and bad UTF-8", with(9, map[string]string{"Body": "a\x00b\xff"}), 200},
		{"a number of ours that nobody configured", with(10, map[string]string{"To": "+14155550199"}), 200},
		{"unknown parameters", with(11, map[string]string{"AddOns": `{"x":1}`, "Später": "ü"}), 200},
	} {
		if w := d.post("/webhooks/twilio/sms", tt.form, genuine); w.Code != tt.code {
			t.Errorf("%d %s: %d %q, want %d", i, tt.name, w.Code, w.Body, tt.code)
		}
	}
	err := d.store.Read(t.Context(), func(tx *data.Tx) error {
		for value, answerable := range map[string]bool{"29372": false, "ACME": false, "4155550134": false, "+14155550134": true} {
			a, err := tx.AddressesOf(bridge.SMS, value)
			if err != nil || len(a) != 1 || a[0].Answerable != answerable {
				t.Errorf("%s: %+v %v, want answerable %t", value, a, err, answerable)
			}
		}
		id, err := tx.InboundSeen(sid(9))
		if err != nil {
			return err
		}
		m, err := tx.Message(id)
		if m.Body != "ab\ufffd" {
			t.Errorf("cleaned to %q", m.Body)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAStoreThatCannotBeWrittenAnswers5xxSoThatTheFallbackIsTried(t *testing.T) {
	s := datatest.SQLite(t, nil)
	d := newDesk(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	form := text(1, "hello")
	r := httptest.NewRequest(http.MethodPost, "/webhooks/twilio/sms", strings.NewReader(form.Encode())).WithContext(ctx)
	r.Header.Set("X-Twilio-Signature", sms.Sign(token, public+"/webhooks/twilio/sms", form))
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	if w.Code != 503 || d.counts["sms store_failed"] != 1 {
		t.Errorf("%d %q, counts %v", w.Code, w.Body, d.counts)
	}
}

func TestSigningIsNeverPossibleWithoutAToken(t *testing.T) {
	for _, tokens := range [][]string{nil, {}, {""}, {"", ""}} {
		if _, err := New(Options{PublicURL: public, AccountSID: account, Tokens: tokens}); err == nil {
			t.Errorf("tokens %q were accepted", tokens)
		}
	}
}

func TestTheOldTokenIsGoodWhileItIsReplaced(t *testing.T) {
	hooks, err := New(Options{Intake: nil, Now: time.Now, PublicURL: public, AccountSID: account, Tokens: []string{"new", token}})
	if err != nil {
		t.Fatal(err)
	}
	form := text(1, "hello")
	r := httptest.NewRequest(http.MethodPost, "/webhooks/twilio/sms", strings.NewReader(form.Encode()))
	r.Header.Set("X-Twilio-Signature", sms.Sign(token, public+"/webhooks/twilio/sms", form))
	if _, _, no := hooks.read(r); no != nil {
		t.Errorf("refused: %+v", no)
	}
}

func TestAReceiptForNobodyIsParkedAndAnswered(t *testing.T) {
	datatest.Each(t, func(t *testing.T, s *data.Store) {
		d := newDesk(t, s)
		form := url.Values{"MessageSid": {sid(77)}, "MessageStatus": {"delivered"}, "AccountSid": {account}, "To": {"+14155550134"}}
		for range 2 {
			if w := d.post("/webhooks/twilio/status?d=UNKNOWN", form, genuine); w.Code != 200 {
				t.Fatalf("%d %q", w.Code, w.Body)
			}
		}
	})
}

func TestNothingIsRedirected(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	if w := d.post("/webhooks/twilio/sms/", text(1, "hello"), genuine); w.Code != 404 {
		t.Errorf("a trailing slash: %d, a redirect would lose the POST", w.Code)
	}
}

// FuzzWebhook feeds anything to the whole desk, signed or not: it never panics,
// and stores only what is signed.
func FuzzWebhook(f *testing.F) {
	f.Add("MessageSid="+sid(1)+"&AccountSid="+account+"&From=%2B14155550134&To=%2B14155550100&Body=Hi&NumMedia=0", "", false)
	f.Add("ToCountry=US&MessageSid="+sid(2)+"&NumMedia=1&MediaUrl0=x&From=29372&To=12345&AccountSid="+account, "d=T", true)
	f.Add("CallSid="+callSID(1)+"&ParentCallSid="+callSID(1)+"&AccountSid="+account+"&From=%2B14155550134&To=%2B14155550100&CallStatus=completed&DialCallStatus=busy", "", true)
	f.Add("CallSid="+callSID(1)+"&AccountSid="+account+"&RecordingSid="+recordingSID(1)+"&RecordingUrl=https%3A%2F%2Fx%2F&RecordingDuration=5&TranscriptionText=%00", "", true)
	f.Add("%zz;a=b&&&=", "?", true)
	f.Add("Body=%00%ff&Body=2", "d=%zz", true)
	s := datatest.SQLite(f, nil)
	f.Fuzz(func(t *testing.T, body, query string, signed bool) {
		d := newDesk(t, s)
		for _, route := range append([]string{"sms", "status"}, voiceRoutes...) {
			u := "/webhooks/twilio/" + route + "?" + url.QueryEscape(query)
			signature := "AAAA"
			if form, err := url.ParseQuery(body); err == nil && signed {
				signature = sms.Sign(token, public+u, form)
			}
			r := httptest.NewRequest(http.MethodPost, u, bytes.NewReader([]byte(body)))
			r.Header.Set("X-Twilio-Signature", signature)
			w := httptest.NewRecorder()
			d.h.ServeHTTP(w, r)
			if w.Code == 200 && !signed || w.Code >= 500 {
				t.Errorf("%s %q signed %t: %d %s", u, body, signed, w.Code, w.Body)
			}
		}
	})
}

// TestALockedStoreAnswers5xx holds SQLite's write lock from outside for longer
// than the store waits for it.
func TestALockedStoreAnswers5xx(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "porchlight.db")
	s, err := data.Open(t.Context(), data.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := newDesk(t, s)
	other, err := sql.Open("sqlite3", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if w := d.post("/webhooks/twilio/sms", text(1, "hello"), genuine); w.Code != 503 {
		t.Errorf("while the store is locked: %d", w.Code)
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	if w := d.post("/webhooks/twilio/sms-fallback", text(1, "hello"), genuine); w.Code != 200 {
		t.Errorf("the carrier's next try: %d", w.Code)
	}
	if m, _ := d.stored(); m != 1 {
		t.Errorf("%d messages", m)
	}
}
