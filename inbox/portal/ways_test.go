package portal_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

func TestWhoIsNotSignedInIsSentToTheDoor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		nobody := &visitor{house: h}
		for _, path := range []string{"/portal", "/portal/messages", h.url(h.conv), "/portal/settings", "/portal/new", "/portal/file/1"} {
			if w := nobody.get(path); w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/portal/enter?next=") {
				t.Errorf("%s: %d to %s", path, w.Code, w.Header().Get("Location"))
			}
		}
		nobody.lang = "es-MX,es;q=0.9,en;q=0.5"
		has(t, nobody.want(401, nobody.post(h.url(h.conv)+"/reply", url.Values{"body": {"x"}}, "X-Fragment", "1")), "Su sesión ha terminado")
		has(t, nobody.want(200, nobody.get("/portal/enter")), `lang="es"`, "No hay contraseña")
	})
}

func TestClosedPortalSaysSoAndWhomToCall(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya := h.as(h.priya)
		h.write(func(tx *data.Tx) error {
			s, err := tx.Settings()
			if err != nil {
				return err
			}
			s.PortalOn = false
			return tx.PutSettings(s)
		})
		priya.want(303, priya.get(h.url(h.conv)))
		page := priya.want(403, priya.get("/portal/enter"))
		has(t, page, "Closed at the moment", "&#43;1 415 555 0100")
		hasNot(t, page, "My messages")
		priya.want(403, priya.get("/portal/widget"))
	})
}

func TestExpiredLinkOffersAnotherAndARevokedOneDoesNot(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		nobody := &visitor{house: h}
		link := func(age time.Duration) string {
			key, hash := bridge.NewSecret()
			at := h.now.Add(-age)
			h.write(func(tx *data.Tx) error {
				return tx.AddPortalLink(hash, data.PortalLink{Contact: h.priya.ID, Channel: bridge.SMS, Address: "+14155550134", CreatedAt: at, ExpiresAt: at.Add(bridge.LinkTime)})
			})
			return "/m/" + key
		}
		asked := func() (n int64) {
			if err := h.store.Read(t.Context(), func(tx *data.Tx) (err error) {
				n, err = tx.Asked(h.priya.ID, bridge.ForLink, h.now.Add(-hour))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		old := link(31 * 24 * hour)
		page := nobody.want(410, nobody.get(old))
		has(t, page, "•••0134", `action="`+old+`/new"`)
		hasNot(t, page, "Priya", "+14155550134", "415 555 0134")
		for range 5 { // a household gets three in a quarter of an hour, however often they ask
			if w := nobody.post(old+"/new", nil); w.Code != 303 || w.Header().Get("Location") != old+"?sent=1" {
				t.Fatalf("%d to %s", w.Code, w.Header().Get("Location"))
			}
		}
		has(t, nobody.want(410, nobody.get(old+"?sent=1")), "a new link is on its way")
		if n := asked(); n != 3 {
			t.Errorf("%d links are on their way", n)
		}
		h.write(func(tx *data.Tx) error { return tx.RevokePortalLinks(h.priya.ID, h.now) })
		h.now = h.now.Add(hour)
		for _, path := range []string{old, "/m/UNKNOWN"} {
			hasNot(t, nobody.want(410, nobody.get(path)), "•••0134")
			if w := nobody.post(path+"/new", nil); w.Code != 303 {
				t.Errorf("%s: %d", path, w.Code)
			}
			has(t, nobody.want(410, nobody.get(path+"?sent=1")), "a new link is on its way")
		}
		if n := asked(); n != 0 {
			t.Errorf("%d links for a revoked one", n)
		}
	})
}

func TestS3_16_WidgetIsForTheListedOrigins(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.says(h.conv, "Tomorrow at eight")
		priya, nobody := h.as(h.priya), &visitor{house: h}
		w := priya.get("/portal/widget")
		has(t, priya.want(200, w), "1 new message", "Tomorrow at eight", `<base target="_top">`)
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'self' "+host) || strings.Contains(csp, "frame-ancestors 'none'") {
			t.Error(csp)
		}
		if csp := priya.get("/portal").Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Error("another page may be framed:", csp)
		}
		page := nobody.want(200, nobody.get("/portal/widget"))
		has(t, page, "Open my messages")
		hasNot(t, page, "Tomorrow", "<script")

		for origin, may := range map[string]bool{host: true, "": false, "https://evil.example": false, host + ".evil.example": false, "http://www.example.com": false, "null": false} {
			w := priya.get("/portal/widget.json", "Origin", origin)
			if got := w.Header().Get("Access-Control-Allow-Origin"); (got == origin && origin != "") != may || (w.Header().Get("Access-Control-Allow-Credentials") == "true") != may || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Origin") {
				t.Errorf("origin %q: %v", origin, w.Header())
			}
		}
		var got struct {
			Unread        int
			URL           string
			Conversations []struct {
				Title, Preview, URL string
				At                  time.Time
				Unread              int
			}
		}
		if err := json.Unmarshal([]byte(priya.want(200, priya.get("/portal/widget.json"))), &got); err != nil {
			t.Fatal(err)
		}
		if got.Unread != 1 || got.URL != "https://texts.example.com/portal" || len(got.Conversations) != 1 || got.Conversations[0].Preview != "Tomorrow at eight" || got.Conversations[0].URL != "https://texts.example.com"+h.url(h.conv) {
			t.Errorf("%+v", got)
		}
		has(t, nobody.want(401, nobody.get("/portal/widget.json")), `"conversations":[]`, "/portal/enter")
	})
}

func TestSignedLinkOfAnotherPortalLetsInOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		sign := func(sub string) string {
			enc := base64.RawURLEncoding
			text := enc.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + enc.EncodeToString(fmt.Appendf(nil, `{"sub":%q,"exp":%d}`, sub, h.now.Add(time.Minute).Unix()))
			m := hmac.New(sha256.New, []byte(secret))
			m.Write([]byte(text))
			return "/portal/sso?token=" + text + "." + enc.EncodeToString(m.Sum(nil))
		}
		nobody := &visitor{house: h}
		path := sign("crm-7")
		for range 2 { // looking at it uses nothing up
			has(t, nobody.want(200, nobody.get(path)), "data-auto")
		}
		w := nobody.post(path, nil)
		nobody.want(303, w)
		if len(w.Result().Cookies()) == 0 || w.Header().Get("Location") != "/portal" {
			t.Fatalf("not let in: %v", w.Header())
		}
		again := nobody.post(path, nil)
		if nobody.want(403, again); len(again.Result().Cookies()) != 0 {
			t.Error("a used link opened a session")
		}
		priya := &visitor{house: h, session: w.Result().Cookies()[0].Value}
		priya.want(303, priya.post(path, nil)) // pressed twice
		nobody.want(404, nobody.post(sign("crm-99"), nil))
		nobody.want(403, nobody.post(sign("crm-7")+"x", nil))
	})
}
