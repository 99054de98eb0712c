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
		time.Sleep(readTimeout / 5) // it is inside
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
	time.Sleep(readTimeout / 5)
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
