package inbox_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// What somebody in the field may not see tells them nothing by its answers either:
// what exists is refused in the same words as what does not.
func TestTheFieldLearnsNothingOfPeopleAndRecordsByAsking(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		secret := f.person("Vera Secretwoman", bridge.Customer, "+14155550177")
		r := f.record(bridge.Job, "4711", secret.ID)
		if err := f.in.Assign(t.Context(), f.sam, f.conv, f.jo.ID); err != nil {
			t.Fatal(err)
		}
		var text bridge.MessageID
		if err := f.store.Read(t.Context(), func(tx *data.Tx) (err error) { text, err = tx.NewestMessage(f.conv); return err }); err != nil {
			t.Fatal(err)
		}
		b := f.signedIn("jo@example.com")
		for _, path := range []string{b.page("/people"), b.page("/people?q=vera"), b.page("/people?q=0177")} {
			for _, fragment := range []string{"0", "1"} {
				r, body := b.get(path, "X-Fragment", fragment)
				hasNot(t, body, "Vera", "0177\"")
				if r.StatusCode != 403 {
					t.Errorf("%s: %d", path, r.StatusCode)
				}
			}
		}
		same := func(path string, there, not url.Values) {
			t.Helper()
			got := [2]string{}
			for i, v := range []url.Values{there, not} {
				var resp *http.Response
				var body string
				at := path
				if v.Has("id") {
					at = fmt.Sprintf(path, v.Get("id"))
				}
				if v.Has("get") {
					resp, body = b.get(at)
				} else {
					resp, body = b.post(at, v)
				}
				got[i] = fmt.Sprint(resp.StatusCode, " ", brief(body))
			}
			if got[0] != got[1] {
				t.Errorf("%s: of what there is: %s\nof what there is not: %s", path, got[0], got[1])
			}
		}
		get := func(id any) url.Values { return url.Values{"get": {"1"}, "id": {fmt.Sprint(id)}} }
		same("/inbox/new?record=%s", get(r.ID), get(99999))
		same("/inbox/new?contact=%s", get(secret.ID), get(99999))
		same("/inbox/new", url.Values{"record": {fmt.Sprint(r.ID)}}, url.Values{"record": {"99999"}})
		same(fmt.Sprintf("/inbox/m/%d/about", text), url.Values{"record": {fmt.Sprint(r.ID)}}, url.Values{"record": {"99999"}})
		same(b.page("/people"), url.Values{"person": {fmt.Sprintf("contact:%d", secret.ID)}}, url.Values{"person": {"contact:99999"}})
		same(b.page("/people/remove"), url.Values{"person": {fmt.Sprintf("contact:%d", secret.ID)}}, url.Values{"person": {"contact:99999"}})
		for _, do := range []string{"", "/address", "/pass", "/invite", "/merge", "/message"} {
			same("/people/%s"+do, url.Values{"id": {fmt.Sprint(secret.ID)}}, url.Values{"id": {"99999"}})
		}
		for _, do := range []string{"", "/merge", "/message"} {
			same("/people/%s"+do, get(secret.ID), get(99999))
		}
		same("/records/%s", get(r.ID), get(99999))
		same("/records/%s", url.Values{"id": {fmt.Sprint(r.ID)}}, url.Values{"id": {"99999"}})
	})
}

// A form that arrives slowly holds up nobody else.
func TestASlowFormHoldsUpNoText(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	for _, path := range []string{"/settings/kinds/direct", "/settings/preset"} {
		f.fresh()
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n", path)
		for _, c := range b.c.Jar.Cookies(must(url.Parse(f.url))) {
			fmt.Fprintf(conn, "Cookie: %s=%s\r\n", c.Name, c.Value)
		}
		fmt.Fprint(conn, "\r\nsubject=")
		f.inside()
		start := time.Now()
		f.text("Is anyone there?")
		if took := time.Since(start); took > readTimeout/2 {
			t.Errorf("%s: a text waits %v for the form", path, took)
		}
		bufio.NewReader(conn).ReadByte()
	}
}

// Who is switched off does nothing with a request that they had begun.
func TestWhoIsSwitchedOffEndsNoFormThatTheyBegan(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	gone := f.hireOne("Gone", bridge.Admin)
	b := f.signedIn(gone.Email)
	body := url.Values{"name": {"Back Door"}, "email": {"back@example.com"}, "role": {"admin"}}.Encode()
	f.fresh()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /settings/team HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(body))
	for _, c := range b.c.Jar.Cookies(must(url.Parse(f.url))) {
		fmt.Fprintf(conn, "Cookie: %s=%s\r\n", c.Name, c.Value)
	}
	fmt.Fprintf(conn, "\r\n%s", body[:10])
	f.inside()
	if err := f.in.SwitchStaff(t.Context(), f.sam.Actor(), gone.ID, false); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, body[10:])
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	err = f.store.Read(t.Context(), func(tx *data.Tx) error { _, _, err := tx.StaffByEmail("back@example.com"); return err })
	if !errors.Is(err, bridge.ErrNotFound) || r.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d, and looking for whom they invited: %v", r.StatusCode, err)
	}
}

func TestARevokedKeyEndsNoRequestThatItBegan(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	body := `{"body":"too late","note":true}`
	f.fresh()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v1/conversations/%d/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", f.conv, f.samKey, len(body), body[:5])
	f.inside()
	if err := f.store.Write(t.Context(), func(tx *data.Tx) error { return tx.EndKey(1) }); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, body[5:])
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if n := f.count("too late"); n != 0 || r.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d, and %d messages", r.StatusCode, n)
	}
}

// What somebody sends is bounded, and what is too long is said.
func TestFormsAndSearchesAreBounded(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		long := strings.Repeat("a ", 3000)
		for _, path := range []string{"/inbox/new?q=", b.page("/people?q="), "/people?q=", "/records?q=", "/records/new?find="} {
			for _, q := range []string{long, "\x00", "\xff"} {
				if r, body := b.get(path + url.QueryEscape(q)); r.StatusCode != 200 {
					t.Errorf("%s%.5q: %d %s", path, q, r.StatusCode, brief(body))
				}
			}
		}
		if r, body := b.post("/inbox/new", url.Values{"kind": {"customer"}, "phone": {"+14155550188"}, "name": {strings.Repeat("n", 5000)}, "body": {"Hi"}}); r.StatusCode != 422 {
			t.Errorf("a long name: %d %s", r.StatusCode, brief(body))
		}
		if _, err := f.in.Start(t.Context(), f.sam, intake.Start{Kind: bridge.KindCustomer, Contact: f.talkContact(), ClientID: strings.Repeat("k", 5000)}); err == nil {
			t.Error("a long key is taken")
		}
		many := url.Values{"type": {"job"}, "reference": {"1"}, "title": {"x"}}
		for range 5_000 {
			many.Add("contact", fmt.Sprint(f.talkContact()))
		}
		if r, body := b.post("/records/new", many); r.StatusCode != 422 || !strings.Contains(body, "at most 200 contacts") {
			t.Errorf("many contacts: %d %s", r.StatusCode, brief(body))
		}
		var list strings.Builder
		for i := range 300 {
			fmt.Fprintf(&list, `{"id":"%d"},`, i+1)
		}
		r := f.record(bridge.Job, "4712", f.talkContact())
		resp, body := f.call("PATCH", fmt.Sprintf("/api/v1/records/%d", r.ID), f.samKey, "", `{"contacts":[`+strings.TrimSuffix(list.String(), ",")+`]}`)
		if resp.StatusCode != 422 || !strings.Contains(body, "length") {
			t.Errorf("PATCH with many contacts: %d %.300s", resp.StatusCode, body)
		}
	})
}

func TestATeamConversationHasNoContactToChange(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.settings(func(s *bridge.Settings) { s.Use(bridge.Builder) })
		id, err := f.in.Start(t.Context(), f.sam, intake.Start{Kind: bridge.KindTeam, Body: "Hi all"})
		if err != nil {
			t.Fatal(err)
		}
		b := f.signedIn("sam@example.com")
		for path, form := range map[string]url.Values{"/address": {"phone": {"+14155550188"}}, "/contact": {"name": {"x"}}} {
			if r, body := b.post(fmt.Sprintf("/inbox/c/%d%s", id, path), form); r.StatusCode != 422 && r.StatusCode != 403 {
				t.Errorf("%s: %d %s", path, r.StatusCode, brief(body))
			}
		}
	})
}
