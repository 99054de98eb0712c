package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"porchlight/bridge"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
)

// TestDemosMailGoesRoundAndIsShownInASandbox sends each kind through the program's
// own carrier, with the login and the certificate that the demo's server has.
func TestDemosMailGoesRoundAndIsShownInASandbox(t *testing.T) {
	d, p, err := newDemo(t.Context(), t.TempDir(), "http://127.0.0.1:8080", smstest.Instant)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	defer p.store.Close()
	defer p.mails.Close()
	ask := func(method, path string, form url.Values) (*http.Response, string) {
		t.Helper()
		r := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, strings.NewReader(form.Encode()))
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		rec := httptest.NewRecorder()
		p.handler.ServeHTTP(rec, r)
		body, _ := io.ReadAll(rec.Result().Body)
		return rec.Result(), string(body)
	}
	if res, page := ask("GET", "/simulator/mail", nil); res.StatusCode != http.StatusOK || !strings.Contains(page, "No mail yet") {
		t.Errorf("an empty mailbox: %d\n%s", res.StatusCode, page)
	}
	for _, kind := range []string{"message", "message-es", "alert", "link", "code", "test"} {
		if res, body := ask("POST", "/simulator/mail/send", url.Values{"kind": {kind}}); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d %s", kind, res.StatusCode, body)
		}
	}
	if res, _ := ask("POST", "/simulator/mail/send", url.Values{"kind": {"nonsense"}}); res.StatusCode < 400 {
		t.Errorf("a kind that there is not: %d", res.StatusCode)
	}
	res, page := ask("GET", "/simulator/mail?m=1", nil)
	for _, part := range []string{`src="/simulator/mail/html/1"`, "Boiler replacement (job #1042)", "List-Id", "A test email from Brightwater Plumbing"} {
		if !strings.Contains(page, part) {
			t.Errorf("the mailbox has no %q", part)
		}
	}
	if csp := res.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "; frame-src 'self'") {
		t.Errorf("the page's policy: %s", csp)
	}
	res, page = ask("GET", "/simulator/mail/html/1", nil)
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "sandbox") || !strings.Contains(page, "Read and answer") {
		t.Errorf("the mail's own policy: %s\n%s", csp, page)
	}
	if res, _ := ask("GET", "/simulator/mail/html/99", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a mail that there is not: %d", res.StatusCode)
	}
	err = p.store.Read(t.Context(), func(tx *data.Tx) error {
		line, err := tx.Mailbox()
		if err == nil && (line.Mailbox != demoMailbox || line.Channel != bridge.Email) {
			t.Errorf("the mailbox line is %+v", line)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
