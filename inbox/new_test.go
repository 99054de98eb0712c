package inbox_test

import (
	"fmt"
	"net/url"
	"testing"

	"porchlight/bridge"
	"porchlight/data"
)

// TestANewNumberIsOfferedAndNotTaken types a German number: its first digits are a
// number already, and the rest of them must not end up in the message.
func TestANewNumberIsOfferedAndNotTaken(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	for _, typed := range []string{"+49 30 123456", "+49 30 12345678"} {
		_, body := b.get("/inbox/new?q=" + url.QueryEscape(typed))
		has(t, body, "A new contact", `name="q" value="`+"&#43;"+typed[1:])
		hasNot(t, body, "<textarea")
	}
	_, body := b.get("/inbox/new?kind=customer&phone=%2B493012345678")
	has(t, body, "<textarea", "Text to &#43;493012345678")

	form := url.Values{"kind": {"customer"}, "phone": {"+14155550100"}, "name": {"Bernd Vogel"}, "body": {"Hello"}, "client": {"n1"}}
	r, body := b.post("/inbox/new", form)
	if r.StatusCode != 422 {
		t.Fatalf("%d %s", r.StatusCode, brief(body))
	}
	has(t, body, `value="Bernd Vogel"`, "the business&#39;s own number", ">Hello</textarea>")
	form.Set("phone", "+493012345678")
	form.Set("body", " ")
	r, body = b.post("/inbox/new", form)
	if r.StatusCode != 422 {
		t.Fatalf("nothing written: %d %s", r.StatusCode, brief(body))
	}
	has(t, body, "Write something first.", `value="Bernd Vogel"`)
}

// TestWhatStandsAgainstAConversationLeadsToWhereItIsMended asks about a customer
// without a job, then about one whose quote was not sent.
func TestWhatStandsAgainstAConversationLeadsToWhereItIsMended(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	f.settings(func(s *bridge.Settings) { s.PortalOn = true })
	who := f.person("Dev Anand", bridge.Customer, "+14155550157")
	ask := "/inbox/new?kind=job&contact=" + path(who.ID, "")[len("/people/"):]
	_, body := b.get(ask)
	has(t, body, `href="/records/new?contact=`)
	r, body := b.get(fmt.Sprintf("/inbox/new?record=%d", f.record(bridge.Project, "P1", who.ID).ID))
	if r.StatusCode != 403 {
		t.Errorf("a project where that kind is not in use: %d", r.StatusCode)
	}
	has(t, body, "The team starts no conversations about a project")
	quote := f.record(bridge.Quote, "91", who.ID)
	_, body = b.get(ask)
	has(t, body, `href="`+recordPath(quote, "")+`">Send the quote to the portal first</a>`)
}
