package inbox_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func (f *office) record(t bridge.RecordType, reference string, contacts ...bridge.ContactID) bridge.Record {
	f.Helper()
	title := "Boiler replacement"
	r, err := f.in.AddRecord(f.Context(), f.sam, intake.RecordChange{Type: t, Reference: &reference, Title: &title, Contacts: &contacts})
	if err != nil {
		f.Fatal(err)
	}
	return r
}

func recordPath(r bridge.Record, more string) string { return fmt.Sprintf("/records/%d%s", r.ID, more) }

func (f *office) stored(id bridge.RecordID) (r bridge.Record) {
	f.Helper()
	if err := f.store.Read(f.Context(), func(tx *data.Tx) (err error) { r, err = tx.Record(id); return err }); err != nil {
		f.Fatal(err)
	}
	return r
}

func TestRecordsAreListedFoundAndFiltered(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		if _, body := b.get("/records"); !strings.Contains(body, "No records yet") {
			t.Error("no word on an empty list")
		}
		priya := f.person("Priya Raman", bridge.Customer, "+14155550179")
		f.record(bridge.Job, "1042", priya.ID)
		f.record(bridge.Quote, "77")
		old := f.record(bridge.Job, "900")
		closed := true
		if _, err := f.in.EditRecord(t.Context(), f.sam, old.ID, intake.RecordChange{Closed: &closed}); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]string{
			"": "#1042 #77", "?q=%231042": "#1042", "?q=boiler": "#1042 #77", "?type=quote": "#77", "?open=all": "#1042 #77 #900", "?open=all&q=900": "#900", "?q=nothing": "",
		} {
			_, body := b.get("/records"+query, "X-Fragment", "1")
			for _, ref := range []string{"#1042", "#77", "#900"} {
				if got := strings.Contains(body, "<small>"+ref+"</small>"); got != strings.Contains(want+" ", ref+" ") {
					t.Errorf("%q: %s is %v", query, ref, got)
				}
			}
		}
		_, body := b.get("/records")
		has(t, body, "Priya Raman", "Not sent yet")
	})
}

func TestARecordIsMadeAndChangedFromPlainForms(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		priya, arun := f.person("Priya Raman", bridge.Customer, "+14155550179"), f.person("Arun Raman", bridge.Customer)
		form := url.Values{"type": {"project"}, "reference": {"P 1"}, "title": {"Kitchen"}, "stage": {"Standard\tSelections"}, "quota": {"500"}, "contact": {fmt.Sprint(priya.ID)}, "staff": {fmt.Sprint(f.jo.ID)}}
		if r, body := b.post("/records/new", form); r.StatusCode != 422 || !strings.Contains(body, `value="Kitchen"`) || !strings.Contains(body, "Priya Raman") {
			t.Errorf("a bad reference: %d %s", r.StatusCode, brief(body))
		}
		// Looking for somebody keeps what is typed, without JavaScript as well.
		find := url.Values{"find": {"arun"}}
		for k, v := range form {
			find[k] = v
		}
		_, body := b.get("/records/new?" + find.Encode())
		has(t, body, `value="Kitchen"`, fmt.Sprintf(`name="contact" value="%d" checked`, priya.ID), fmt.Sprintf(`name="contact" value="%d">`, arun.ID))
		_, body = b.get("/records/new?"+find.Encode(), "X-Fragment", "1")
		has(t, body, `id="found"`, "Arun Raman")
		form.Set("reference", "P1")
		r, body := b.post("/records/new", form)
		if r.StatusCode != 303 {
			t.Fatalf("%d %s", r.StatusCode, brief(body))
		}
		at := strings.TrimSuffix(r.Header.Get("Location"), "?done=made")
		var id bridge.RecordID
		fmt.Sscanf(at, "/records/%d", &id)
		is := f.stored(id)
		if is.Type != bridge.Project || is.Stage != "Selections" || is.ProjectType != "Standard" || is.Quota != 500<<20 || len(is.Contacts) != 1 || len(is.Staff) != 1 {
			t.Errorf("%+v", is)
		}
		_, body = b.get(at)
		has(t, body, "Kitchen", `value="500"`, "New conversation about this", fmt.Sprintf("/inbox/new?record=%d", id), "Standard: Selections")
		edit := url.Values{"reference": {"P1"}, "title": {"Kitchen and hall"}, "stage": {""}, "quota": {""}, "contact": {fmt.Sprint(priya.ID), fmt.Sprint(arun.ID)}, "closed": {"1"}}
		if r, body := b.post(at, edit); r.StatusCode != 303 {
			t.Fatalf("%d %s", r.StatusCode, brief(body))
		}
		if is = f.stored(id); is.Title != "Kitchen and hall" || is.Stage != "" || is.Quota != 0 || len(is.Contacts) != 2 || len(is.Staff) != 0 || !is.Closed {
			t.Errorf("%+v", is)
		}
		f.record(bridge.Project, "P2")
		edit.Set("reference", "P2")
		if r, body := b.post(at, edit); r.StatusCode != 422 || !strings.Contains(body, "already") {
			t.Errorf("a reference that is taken: %d %s", r.StatusCode, brief(body))
		}
		edit.Set("reference", "P1")
		edit.Set("quota", "lots")
		if r, _ := b.post(at, edit); r.StatusCode != 422 {
			t.Errorf("a quota that is none: %d", r.StatusCode)
		}
	})
}

func TestS4_7_AQuoteIsMarkedAsSentToThePortal(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		quote, job := f.record(bridge.Quote, "77"), f.record(bridge.Job, "1042")
		_, body := b.get(recordPath(quote, ""))
		has(t, body, "Mark as sent to the portal")
		_, body = b.get(recordPath(job, ""))
		hasNot(t, body, "sent to the portal")
		if r, _ := b.post(recordPath(quote, "/sent"), nil); r.StatusCode != 303 || f.stored(quote.ID).SentToPortal.IsZero() {
			t.Errorf("%d", r.StatusCode)
		}
		if r, _ := b.post(recordPath(job, "/sent"), nil); r.StatusCode != 422 {
			t.Errorf("a job: %d", r.StatusCode)
		}
		b.post(recordPath(quote, "/sent"), url.Values{"sent": {"0"}})
		if !f.stored(quote.ID).SentToPortal.IsZero() {
			t.Error("not taken back")
		}
	})
}

func TestS2_12_SharingARequestSaysWhatBecameOfIt(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.settings(func(s *bridge.Settings) { s.Use(bridge.PropertyManager) })
		b := f.signedIn("sam@example.com")
		tina, pro, second := f.person("Tina Alvarez", bridge.Tenant), f.person("Paul Pro", bridge.ServicePro), f.person("Theo Alvarez", bridge.Tenant)
		f.connect(tina)
		f.connect(second)
		leak := f.record(bridge.Maintenance, "55")
		form := url.Values{"reference": {"55"}, "title": {"Leak"}, "contact": {fmt.Sprint(tina.ID), fmt.Sprint(pro.ID)}}
		if r, body := b.post(recordPath(leak, ""), form); r.StatusCode != 303 {
			t.Fatalf("%d %s", r.StatusCode, brief(body))
		}
		_, body := b.get(recordPath(leak, ""))
		has(t, body, "Paul Pro", "No conversation yet: They are not connected yet. Invite them from their profile", "Conversation</a>")
		if len(f.talks(tina.ID)) != 1 || len(f.talks(pro.ID)) != 0 {
			t.Errorf("%d and %d conversations", len(f.talks(tina.ID)), len(f.talks(pro.ID)))
		}
		// A second tenant joins the conversation of their side.
		form.Add("contact", fmt.Sprint(second.ID))
		for range 2 {
			b.post(recordPath(leak, ""), form)
		}
		cs := f.talks(second.ID)
		if len(cs) != 1 || cs[0].ID != f.talks(tina.ID)[0].ID {
			t.Fatalf("the second tenant: %+v", cs)
		}
		_, body = b.get(fmt.Sprintf("/inbox/c/%d", cs[0].ID))
		if n := strings.Count(body, "was shared with Theo Alvarez"); n != 1 {
			t.Errorf("said %d times", n)
		}
		// Whoever of the office takes no part learns that there is one, and not where.
		_, body = f.signedIn(f.hireOne("Fay", bridge.Finance).Email).get(recordPath(leak, ""))
		has(t, body, "Colleagues have the conversation. Ask them to add you.")
		hasNot(t, body, fmt.Sprintf("/inbox/c/%d\"", cs[0].ID))
	})
}
