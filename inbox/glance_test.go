package inbox_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func TestAPITellsWhatIsNewForAContactAsFarAsTheKeyMaySee(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.settings(func(s *bridge.Settings) { s.PortalOn = true })
		priya := f.priya()
		if _, err := f.in.Reply(t.Context(), f.sam, intake.Draft{Conversation: f.conv, Body: "Tomorrow at eight"}); err != nil {
			t.Fatal(err)
		}
		path := "/api/v1/contacts/" + strconv.FormatInt(int64(priya.ID), 10) + "/portal"
		ask := func(key string) (code int, unread int, rows []struct{ Title, Preview, URL string }) {
			r, body := f.call("GET", path, key, "", "")
			var got struct {
				Unread        int
				Conversations []struct{ Title, Preview, URL string }
			}
			if r.StatusCode == 200 {
				if err := json.Unmarshal([]byte(body), &got); err != nil {
					t.Fatal(err)
				}
			}
			return r.StatusCode, got.Unread, got.Conversations
		}
		if code, unread, rows := ask(f.samKey); code != 200 || unread != 1 || len(rows) != 1 || rows[0].Preview != "Tomorrow at eight" {
			t.Errorf("the owner: %d, %d unread, %+v", code, unread, rows)
		}
		if code, _, _ := ask(f.joKey); code != 403 {
			t.Errorf("an apprentice: %d", code)
		}
		// A conversation that only its participants see is not told to others of the office.
		f.settings(func(s *bridge.Settings) { s.Use(bridge.Landlord); s.PortalOn = true })
		tia := f.person("Tia Tenant", bridge.Tenant, "+14155550177")
		f.connect(tia)
		if _, err := f.in.Start(t.Context(), f.sam, intake.Start{Kind: bridge.KindDirect, Contact: tia.ID, Body: "About the lease"}); err != nil {
			t.Fatal(err)
		}
		other := f.hireOne("Alex Admin", bridge.Admin)
		for _, c := range []struct {
			reader bridge.Staff
			rows   int
		}{{f.sam, 1}, {other, 0}} {
			var g intake.Glance
			if err := f.store.Read(t.Context(), func(tx *data.Tx) (err error) { g, err = f.in.Glance(tx, tia.ID, &c.reader); return err }); err != nil || len(g.Rows) != c.rows || g.Unread != int64(c.rows) {
				t.Errorf("%s is told %+v, %v", c.reader.Name, g, err)
			}
		}
		f.settings(func(s *bridge.Settings) { s.PortalOn = false })
		if code, unread, rows := ask(f.samKey); code != 200 || unread != 0 || len(rows) != 0 {
			t.Errorf("while it is closed: %d, %d, %+v", code, unread, rows)
		}
	})
}
