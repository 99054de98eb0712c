package inbox_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// rows reads the whole store behind its back: each table's rows, as text.
func (h *house) rows() map[string][]string {
	h.Helper()
	driver, dsn, tables := "sqlite3", h.at.Path, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if h.at.Postgres != "" {
		driver, dsn, tables = "pgx", h.at.Postgres, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		h.Fatal(err)
	}
	defer db.Close()
	out := map[string][]string{}
	for _, r := range h.query(db, tables) {
		for _, row := range h.query(db, "SELECT * FROM "+r[0]) {
			out[r[0]] = append(out[r[0]], strings.Join(row, " | "))
		}
		slices.Sort(out[r[0]])
	}
	if len(out) < 8 {
		h.Fatalf("only %d tables have rows", len(out))
	}
	return out
}

func (h *house) query(db *sql.DB, q string) (out [][]string) {
	h.Helper()
	rows, err := db.Query(q)
	if err != nil {
		h.Fatal(err)
	}
	defer rows.Close()
	columns := must(rows.Columns())
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			h.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			row[i] = fmt.Sprint(v)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		h.Fatal(err)
	}
	return out
}

// everything lets one of each kind of message leave, and gives what left.
func (h *house) everything() []bridge.Outgoing {
	h.Helper()
	conv := h.talk(h.priya)
	h.wants(h.priya, bridge.ToldByEmail)
	h.says(conv, "We come at eight")
	h.later(2 * time.Minute)
	h.settled()
	for _, address := range []string{priyaPhone, priyaMail} {
		h.later(16 * time.Minute) // three links in that time are enough
		link := h.link(address)
		h.browser().post(link, nil)
		if code := h.code(h.browser(), link, address); code == "" {
			h.Fatal("no code left")
		}
	}
	// A partner's handyman is texted a link; those of a direct conversation hear by mail.
	lee := h.contact("Lee Moss", "+14155550141", "")
	ada := h.contact("Ada Quill", "", "ada@example.com")
	h.write(func(tx *data.Tx) error {
		lee.Side, ada.Side, ada.ConnectedAt = bridge.Handyman, bridge.Tenant, h.now()
		if err := tx.PutContact(lee); err != nil {
			return err
		}
		if err := tx.PutContact(ada); err != nil {
			return err
		}
		set, err := tx.Settings()
		on := *set
		on.Policies = slices.Clone(set.Policies)
		for i := range on.Policies {
			on.Policies[i].On = true
		}
		if err == nil {
			err = tx.PutSettings(&on)
		}
		return err
	})
	for _, s := range []intake.Start{{Kind: bridge.KindPartner, Contact: lee.ID, Body: "Can you come?"}, {Kind: bridge.KindDirect, Contact: ada.ID, Body: "The meter is read on Monday"}} {
		if _, err := h.in.Start(h.Context(), h.sam, s); err != nil {
			h.Fatal(err)
		}
	}
	// What customers write reaches the phones on duty, and the team by mail.
	if _, err := h.in.PortalReply(h.Context(), h.priya.ID, intake.Draft{Conversation: conv, Body: "Thank you"}); err != nil {
		h.Fatal(err)
	}
	if _, err := h.in.PortalStart(h.Context(), ada.ID, intake.PortalStart{Kind: bridge.KindDirect, Body: "Which Monday?"}); err != nil {
		h.Fatal(err)
	}
	h.later(2 * time.Minute)
	return h.settled()
}

// TestMailScannersComeToNothing opens every address in everything that leaves, as mail
// programs and their scanners do: it changes not one row of the store. Only a button
// does.
func TestMailScannersComeToNothing(t *testing.T) {
	eachHouse(t, func(h *house) {
		logged := h.listens()
		left := h.everything()
		paths := map[string]bool{}
		for _, o := range left {
			for _, m := range linked.FindAllStringSubmatch(spoken(o), -1) {
				paths[m[1]] = true
			}
		}
		for _, start := range []string{"/m/", "/u/", "/inbox/c/", "/portal/settings"} {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(paths)), func(p string) bool { return strings.HasPrefix(p, start) }) {
				t.Errorf("nothing that left has %s: %v", start, paths)
			}
		}
		paths["/portal/enter"] = true
		inside, outside := h.comesIn(h.priya), h.browser()
		h.settled()
		before := h.rows()
		for path := range paths {
			for _, b := range []*browser{outside, inside, outside, inside} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					r, _ := b.do(must(http.NewRequest(method, h.url+path, nil)))
					if r.StatusCode >= 500 {
						t.Errorf("%s %s: %d", method, path, r.StatusCode)
					}
					if method == http.MethodGet && !strings.HasPrefix(path, "/inbox") && (r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("X-Robots-Tag") != "noindex") {
						t.Errorf("%s: %q %q", path, r.Header.Get("Referrer-Policy"), r.Header.Get("X-Robots-Tag"))
					}
					if strings.HasPrefix(path, "/m/") && method == http.MethodGet && (r.StatusCode != 200 || r.Header.Get("Cache-Control") != "no-store") {
						t.Errorf("%s: %d %q", path, r.StatusCode, r.Header.Get("Cache-Control"))
					}
				}
			}
		}
		if d := cmp.Diff(before, h.rows()); d != "" {
			t.Errorf("opening links changed the store:\n%s", d)
		}
		h.secretsAreNowhere(left, logged())
	})
}

// secretsAreNowhere looks for the secrets of links, codes and cookies in all that is
// stored and logged.
func (h *house) secretsAreNowhere(left []bridge.Outgoing, log string) {
	h.Helper()
	var stored strings.Builder
	for table, rows := range h.rows() {
		fmt.Fprintln(&stored, table, strings.Join(rows, "\n"))
	}
	secrets, codes := 0, 0
	for _, o := range left {
		for _, m := range linked.FindAllStringSubmatch(spoken(o), -1) {
			secret, isLink := strings.CutPrefix(m[1], "/m/")
			if !isLink {
				continue
			}
			secrets++
			if strings.Contains(stored.String(), secret) || strings.Contains(log, secret) {
				h.Errorf("the secret of a link is stored or logged: %s", secret)
			}
			if sum := sha256.Sum256([]byte(secret)); !strings.Contains(stored.String(), hex.EncodeToString(sum[:])) {
				h.Error("the hash of a link is not stored, so this looked in the wrong place")
			}
		}
		if code := digits.FindString(spoken(o)); code != "" && strings.Contains(strings.ToLower(spoken(o)+fmt.Sprint(o.Notice != nil)), "code") || o.Notice != nil && o.Notice.Code != "" {
			codes++
			if strings.Contains(stored.String(), " "+code+" ") || strings.Contains(log, " "+code) {
				h.Errorf("a code is stored or logged: %s", code)
			}
		}
	}
	if secrets < 5 || codes < 2 {
		h.Errorf("only %d links and %d codes left", secrets, codes)
	}
}

func TestTheOneClickOfAMailStopsMailsWithoutSigningIn(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.wants(h.priya, bridge.ToldByEmail)
		h.says(h.talk(h.priya), "We come at eight")
		h.later(2 * time.Minute)
		stop := strings.TrimPrefix(h.to(priyaMail)[0].Notice.Unsubscribe, "https://texts.example.com")
		token := strings.TrimPrefix(stop, "/u/")
		forged := []string{"", "1", token + "a", token[:len(token)-1], "z" + token, strings.ToUpper(token), "2-" + token[2:], "-" + token, "0-aaaaaaaaaaaaaaaa", "%00", "9999999999999999999-x"}
		for _, bad := range forged {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if r, _ := h.browser().do(must(http.NewRequest(method, h.url+"/u/"+bad, nil))); r.StatusCode != 404 {
					t.Errorf("%s of the token %q: %d", method, bad, r.StatusCode)
				}
			}
		}
		if h.wish(h.priya) != bridge.ToldByEmail {
			t.Error("a forged token stopped mails")
		}
		// RFC 8058: a POST of the mail program, from its own site and with no cookie.
		r, _ := h.browser().post(stop, url.Values{"List-Unsubscribe": {"One-Click"}}, "Sec-Fetch-Site", "cross-site", "Origin", "https://mail.example.org")
		if r.StatusCode != 200 || h.wish(h.priya) != bridge.ToldByText {
			t.Errorf("one click: %d, told by %q", r.StatusCode, h.wish(h.priya))
		}
		if r, _ := h.browser().post(stop, nil); r.StatusCode != 200 || h.wish(h.priya) != bridge.ToldByText {
			t.Errorf("a second click: %d", r.StatusCode)
		}
	})
}

func (h *house) wish(c bridge.Contact) (told bridge.Told) {
	h.Helper()
	h.read(func(tx *data.Tx) error {
		now, err := tx.Contact(c.ID)
		told = now.Told
		return err
	})
	return told
}
