package portal_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/live"
	"porchlight/bridge/media"
	"porchlight/bridge/picture/picturetest"
	"porchlight/data"
	"porchlight/data/blobs"
	"porchlight/data/datatest"
	"porchlight/inbox/portal"
	"porchlight/inbox/web"
	"porchlight/templates"
)

const host = "https://www.example.com"

var (
	secret = strings.Repeat("s", 32)
	hour   = time.Hour
)

// A house is the portal over a real store, with one of the team and two customers.
type house struct {
	*testing.T
	http.Handler
	store        *data.Store
	in           *intake.Intake
	hub          *live.Hub
	sam          bridge.Staff
	priya, tom   bridge.Contact
	conv, others bridge.ConversationID // Priya's and Tom's
	now          time.Time
	texts        int
}

func each(t *testing.T, test func(*testing.T, *house)) {
	datatest.EachOptions(t, func(t *testing.T, o data.Options) { test(t, newHouse(t, o)) })
}

func newHouse(t *testing.T, o data.Options) *house {
	t.Helper()
	h := &house{T: t, hub: live.New(), now: time.Now()}
	o.OnCommit = h.hub.Publish
	var err error
	if h.store, err = data.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.hub.Close()
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	folder, err := blobs.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := media.NewShelf(folder, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h.in = intake.New(intake.Options{Store: h.store, Now: h.clock, Region: "US", Shelf: shelf, Split: func(s string) []string { return []string{s} }, Segments: func(string) int { return 1 }})
	set, err := templates.Parse()
	if err != nil {
		t.Fatal(err)
	}
	w := web.New(web.Options{Store: h.store, Set: set, Now: h.clock, Zone: time.UTC, Blobs: folder, Business: "Brightwater Plumbing", PublicURL: "https://texts.example.com"})
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.ContextWithFallback = true
	r.Use(web.Headers, web.Bounded)
	portal.New(portal.Options{Web: w, Intake: h.in, Hub: h.hub, SSOSecret: secret, Embed: []string{host}}).Mount(r)
	h.Handler = r
	h.fill()
	return h
}

func (h *house) clock() time.Time { return h.now }

func (h *house) fill() {
	h.Helper()
	h.write(func(tx *data.Tx) (err error) {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		s.PortalOn = true
		if err = tx.PutSettings(s); err != nil {
			return err
		}
		if _, err = tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true}); err != nil {
			return err
		}
		if h.sam, err = tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, "", h.now); err != nil {
			return err
		}
		add := func(name, phone string) (bridge.Contact, error) {
			return tx.AddContact(bridge.Contact{Name: name, Side: bridge.Customer, ConnectedAt: h.now.Add(-hour), Addresses: []bridge.Address{{Channel: bridge.SMS, Value: phone, Answerable: true}}}, h.now)
		}
		if h.priya, err = add("Priya Raman", "+14155550134"); err != nil {
			return err
		}
		if h.tom, err = add("Tom Becker", "+14155550155"); err != nil {
			return err
		}
		return tx.SetExternal(h.priya.ID, "crm-7")
	})
	h.conv, h.others = h.text("+14155550134", "The boiler knocks"), h.text("+14155550155", "A burst pipe")
}

func (h *house) write(do func(*data.Tx) error) {
	h.Helper()
	if err := h.store.Write(h.Context(), do); err != nil {
		h.Fatal(err)
	}
}

// text lets a customer text the line.
func (h *house) text(from, body string) bridge.ConversationID {
	h.Helper()
	h.texts++
	h.now = h.now.Add(time.Second)
	r, err := h.in.Receive(h.Context(), bridge.Inbound{Channel: bridge.SMS, CarrierID: fmt.Sprintf("SM%032x", h.texts), From: from, To: "+14155550100", Body: body, At: h.now})
	if err != nil {
		h.Fatal(err)
	}
	return r.Conversation
}

// says lets Sam answer.
func (h *house) says(conv bridge.ConversationID, body string) bridge.Message {
	h.Helper()
	h.now = h.now.Add(time.Second)
	m, err := h.in.Reply(h.Context(), h.sam, intake.Draft{Conversation: conv, Body: body})
	if err != nil {
		h.Fatal(err)
	}
	return m
}

// A visitor is a browser; empty: nobody is signed in.
type visitor struct {
	*house
	session string
	lang    string
}

// as signs a contact in.
func (h *house) as(c bridge.Contact) *visitor {
	h.Helper()
	key, hash := bridge.NewSecret()
	h.write(func(tx *data.Tx) error {
		return tx.AddPortalSession(hash, data.PortalSession{Contact: c.ID, CreatedAt: h.now, ExpiresAt: h.now.Add(bridge.PortalTime), Device: "Firefox on Linux"})
	})
	return &visitor{house: h, session: key}
}

func (v *visitor) ask(r *http.Request, headers ...string) *httptest.ResponseRecorder {
	v.Helper()
	if v.session != "" {
		r.AddCookie(&http.Cookie{Name: "porchlight_portal", Value: v.session})
	}
	if v.lang != "" {
		r.Header.Set("Accept-Language", v.lang)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w
}

func (v *visitor) get(path string, headers ...string) *httptest.ResponseRecorder {
	v.Helper()
	return v.ask(httptest.NewRequest("GET", path, nil), headers...)
}

func (v *visitor) post(path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	v.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.ask(r, headers...)
}

// want checks a status and gives the body.
func (v *visitor) want(code int, w *httptest.ResponseRecorder) string {
	v.Helper()
	if w.Code != code {
		v.Fatalf("%d, want %d: %s", w.Code, code, w.Body)
	}
	return w.Body.String()
}

// messages are what was said in a conversation, in order.
func (h *house) messages(conv bridge.ConversationID) (ms []bridge.Message) {
	h.Helper()
	if err := h.store.Read(h.Context(), func(tx *data.Tx) (err error) { ms, err = tx.WrittenMessages(conv, 0, 500); return err }); err != nil {
		h.Fatal(err)
	}
	return ms
}

func (h *house) url(conv bridge.ConversationID) string { return fmt.Sprintf("/portal/c/%d", conv) }

func has(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func hasNot(t *testing.T, text string, bad ...string) {
	t.Helper()
	for _, b := range bad {
		if strings.Contains(text, b) {
			t.Errorf("%q in\n%s", b, text)
		}
	}
}

func TestListHasTheNewestFirstAndNeverWhatIsNotForThem(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var job bridge.ConversationID
		h.write(func(tx *data.Tx) error {
			r, err := tx.AddRecord(bridge.Record{Type: bridge.Job, Reference: "1042", Title: "Boiler replacement", Contacts: []bridge.ContactID{h.priya.ID}}, h.now)
			job = bridge.ConversationID(r.ID)
			return err
		})
		id, err := h.in.Start(h.Context(), h.sam, intake.Start{Kind: bridge.KindJob, Contact: h.priya.ID, Record: bridge.RecordID(job), Body: "We come on Tuesday"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.in.Note(h.Context(), h.sam, intake.Draft{Conversation: h.conv, Body: "secretnote: she pays late"}); err != nil {
			t.Fatal(err)
		}
		priya := h.as(h.priya)
		page := priya.want(200, priya.get("/portal/messages"))
		a, b := strings.Index(page, fmt.Sprintf(`id="row-%d"`, id)), strings.Index(page, fmt.Sprintf(`id="row-%d"`, h.conv))
		if a < 0 || b < 0 || a > b {
			t.Errorf("the newest is at %d, the other at %d", a, b)
		}
		has(t, page, "Boiler replacement", "Sam: We come on Tuesday", "You: The boiler knocks", `id="p-unread" data-rev=`, "(1) Messages")
		hasNot(t, page, "secretnote", "burst pipe", "Tom")
		for _, path := range []string{"/portal", h.url(h.conv), h.url(id), "/portal/widget", "/portal/widget.json", "/portal/changes?after=0"} {
			hasNot(t, priya.want(200, priya.get(path)), "secretnote", "burst pipe", "Tom")
		}
		for _, path := range []string{h.url(h.others), h.url(h.others) + "/older?before=99", h.url(h.others) + "/seen?upto=99", "/portal/file/1", "/portal/c/x", "/portal/c/99999"} {
			priya.want(404, priya.get(path))
		}
		priya.want(404, priya.post(h.url(h.others)+"/reply", url.Values{"body": {"let me in"}}))
		if n := len(h.messages(h.others)); n != 1 {
			t.Errorf("Tom's conversation has %d messages", n)
		}
	})
}

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

func TestReplyIsStoredOnceAndAnErrorKeepsTheText(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya := h.as(h.priya)
		page := priya.want(200, priya.get(h.url(h.conv)))
		client := regexp.MustCompile(`name="client" value="([A-Z0-9]{20,})"`).FindStringSubmatch(page)
		if client == nil {
			t.Fatal("the form has no key")
		}
		form := url.Values{"body": {"It knocks louder"}, "client": {client[1]}}
		for range 2 {
			if w := priya.post(h.url(h.conv)+"/reply", form); w.Code != 303 || w.Header().Get("Location") != h.url(h.conv) {
				t.Errorf("%d to %s", w.Code, w.Header().Get("Location"))
			}
		}
		has(t, priya.want(200, priya.post(h.url(h.conv)+"/reply", form, "X-Fragment", "1")), `class="msg out`, "It knocks louder", `data-client="`+client[1])
		if n := len(h.messages(h.conv)); n != 2 {
			t.Errorf("%d messages", n)
		}
		long := strings.Repeat("long ", 2001)
		has(t, priya.want(422, priya.post(h.url(h.conv)+"/reply", url.Values{"body": {long}, "client": {"k2"}})), long+"</textarea>", `role="alert"`, `name="client" value="k2"`)
		has(t, priya.want(422, priya.post(h.url(h.conv)+"/reply", url.Values{"body": {" "}, "client": {"k3"}}, "X-Fragment", "1")), "Write something first.")
		h.write(func(tx *data.Tx) error { c := h.priya; c.Language = "es"; return tx.PutContact(c) })
		has(t, priya.want(422, priya.post(h.url(h.conv)+"/reply", url.Values{"client": {"k3"}}, "X-Fragment", "1")), "Escriba algo primero.")
		has(t, priya.want(200, priya.get(h.url(h.conv))), `lang="es"`, "Hoy", "Usted")
	})
}

func TestEarlierMessagesComePageByPageToTheFirst(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 119 {
			h.text("+14155550134", fmt.Sprintf("line %03d", i))
		}
		priya := h.as(h.priya)
		next := regexp.MustCompile(`data-older="([^"]+)"`).FindStringSubmatch(priya.want(200, priya.get(h.url(h.conv))))
		if next == nil {
			t.Fatal("no way back")
		}
		pages, path := 0, next[1]
		for ; path != ""; pages++ {
			w := priya.get(path, "X-Fragment", "1")
			body := priya.want(200, w)
			path = w.Header().Get("X-Older")
			if path == "" {
				has(t, body, "The boiler knocks", "line 000")
			}
		}
		if pages != 2 {
			t.Errorf("%d pages", pages)
		}
		// The same without a script.
		plain := strings.Replace(next[1], "/older?", "?", 1)
		has(t, priya.want(200, priya.get(plain)), "line 068", "Earlier messages")
	})
}

func TestOpeningReadsNothingUntilItWasInView(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.says(h.conv, "I can be with you tomorrow")
		priya := h.as(h.priya)
		read := func() (n int64) {
			t.Helper()
			if err := h.store.Read(t.Context(), func(tx *data.Tx) (err error) { n, err = tx.ContactUnread(h.priya.ID); return err }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		page := priya.want(200, priya.get(h.url(h.conv)))
		has(t, page, "data-unseen", `<li class="new">New</li>`, fmt.Sprintf(`<noscript><img class="vh" alt="" src="%s/seen?upto=%d"></noscript>`, h.url(h.conv), m.ID))
		if read() != 1 {
			t.Error("the page itself has read it")
		}
		priya.want(204, priya.post(h.url(h.conv)+"/seen", url.Values{"ids": {"999999,x," + strconv.FormatInt(int64(m.ID), 10)}}))
		if read() != 0 {
			t.Error("it was in view")
		}
		second := h.says(h.conv, "Or on Thursday")
		w := priya.get(fmt.Sprintf("%s/seen?upto=%d", h.url(h.conv), second.ID)) // the picture of a page without a script
		if priya.want(200, w); w.Header().Get("Content-Type") != "image/gif" || w.Header().Get("Cache-Control") != "no-store" || read() != 0 {
			t.Errorf("%v, %d unread", w.Header(), read())
		}
	})
}

func TestChangesAreTheReadersOwnAndSayWhenThePageIsStale(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya := h.as(h.priya)
		w := priya.get("/portal/changes?after=0")
		rev := w.Header().Get("X-Rev")
		h.text("+14155550155", "The pipe again")
		hasNot(t, priya.want(200, priya.get("/portal/changes?after="+rev)), "row-", "pipe")
		h.says(h.conv, "On my way")
		body := priya.want(200, priya.get(fmt.Sprintf("/portal/changes?after=%s&open=%d", rev, h.conv)))
		has(t, body, fmt.Sprintf(`id="row-%d"`, h.conv), "On my way", `id="p-unread"`, `id="news"`, fmt.Sprintf(`data-into="#log-%d .msgs"`, h.conv), `aria-current="page"`)
		h.write(func(tx *data.Tx) error {
			return tx.RemoveParticipant(bridge.Participant{Conversation: h.conv, Contact: h.priya.ID}, h.now)
		})
		if w := priya.get(fmt.Sprintf("/portal/changes?after=%s&open=%d", rev, h.conv)); w.Code != 205 {
			t.Errorf("taken out of it: %d %s", w.Code, w.Body)
		}
		if w := priya.get("/portal/changes?after=99999999"); w.Code != 205 {
			t.Errorf("a page of another store: %d", w.Code)
		}
	})
}

func TestStreamTellsOfOnesOwnConversationsOnly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		server := httptest.NewServer(h)
		defer server.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/portal/events", nil)
		r.AddCookie(&http.Cookie{Name: "porchlight_portal", Value: h.as(h.priya).session})
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		var seen strings.Builder
		until := func(what string) {
			t.Helper()
			for b := make([]byte, 4096); !strings.Contains(seen.String(), what); {
				n, err := w.Body.Read(b)
				if seen.Write(b[:n]); err != nil {
					t.Fatalf("%v before %q: %s", err, what, seen.String())
				}
			}
		}
		until("hello")
		seen.Reset()
		h.text("+14155550155", "not hers")
		h.says(h.conv, "hers")
		until("data: 1")
		if n := strings.Count(seen.String(), "event: changed"); n != 1 {
			t.Errorf("%d events:\n%s", n, seen.String())
		}
	})
}

func TestSettingsKeepWhatTheyChoseAndACorrectionIsAMessage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya := h.as(h.priya)
		has(t, priya.want(200, priya.get("/portal/settings")), "Stop everything", `id="reach"`, "&#43;1 415 555 0134", "Firefox on Linux", "This one")
		priya.want(303, priya.post("/portal/settings", url.Values{"told": {"none"}, "language": {"es"}}))
		has(t, priya.want(200, priya.get("/portal/settings?saved=1")), "Guardado.", `value="none" checked`, `lang="es"`)
		priya.want(422, priya.post("/portal/settings", url.Values{"told": {"pigeon"}}))
		for range 2 {
			priya.want(303, priya.post("/portal/reach", url.Values{"address": {"+1 (415) 555-0199"}, "client": {"k"}}))
		}
		has(t, priya.want(422, priya.post("/portal/reach", url.Values{"address": {"<b>nowhere"}, "client": {"k2"}})), "&lt;b&gt;nowhere", "Esto no es ni un correo electrónico ni un número de teléfono.")
		ms := h.messages(h.conv)
		if len(ms) != 2 || ms[1].Body != "Mi número es ahora +1 415 555 0199." || ms[1].Author.ID != int64(h.priya.ID) {
			t.Errorf("%+v", ms)
		}
		var c bridge.Contact
		if err := h.store.Read(t.Context(), func(tx *data.Tx) (err error) { c, err = tx.Contact(h.priya.ID); return err }); err != nil || len(c.Addresses) != 1 || c.Addresses[0].Value != "+14155550134" {
			t.Errorf("the address changed by itself: %+v, %v", c.Addresses, err)
		}
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

func TestWidgetIsForTheListedOrigins(t *testing.T) {
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

// upload is a form with files, as a browser without a script sends it.
func upload(fields url.Values, files map[string][]byte) (*bytes.Buffer, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, vs := range fields {
		for _, v := range vs {
			w.WriteField(k, v)
		}
	}
	for name, content := range files {
		part, _ := w.CreateFormFile("files", name)
		io.Copy(part, bytes.NewReader(content))
	}
	w.Close()
	return &b, w.FormDataContentType()
}

func (v *visitor) send(path string, fields url.Values, files map[string][]byte, headers ...string) *httptest.ResponseRecorder {
	v.Helper()
	b, kind := upload(fields, files)
	r := httptest.NewRequest("POST", path, b)
	r.Header.Set("Content-Type", kind)
	return v.ask(r, headers...)
}

var fileID = regexp.MustCompile(`data-file="(\d+)"`)

func TestPhotosGoWithAMessageAndOnlyTheirReadersSeeThem(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya, tom := h.as(h.priya), h.as(h.tom)
		photo := picturetest.JPEG(picturetest.Image(80, 60), 1)
		has(t, priya.want(200, priya.get(h.url(h.conv))), "Up to 5 photos: JPG, PNG, at most 10 MB each.", `accept=".jpg,.jpeg,.png`, `enctype="multipart/form-data"`)

		// Sent up beforehand, as the script does.
		up := priya.want(200, priya.send(h.url(h.conv)+"/files", url.Values{"client": {"u1"}}, map[string][]byte{"tap.jpg": photo}, "X-Fragment", "1"))
		id := fileID.FindStringSubmatch(up)
		if id == nil {
			t.Fatal(up)
		}
		has(t, up, "tap.jpg", `data-off="/portal/file/`+id[1]+`/off"`)
		path := "/portal/file/" + id[1]
		priya.want(200, priya.get(path+"/thumb"))
		tom.want(404, tom.get(path))
		tom.want(422, tom.post(h.url(h.others)+"/reply", url.Values{"file": {id[1]}, "client": {"t"}})) // not his
		priya.want(303, priya.post(h.url(h.conv)+"/reply", url.Values{"file": {id[1]}, "client": {"p1"}}))
		has(t, priya.want(200, priya.get(h.url(h.conv))), `src="`+path+`/thumb"`)
		if w := priya.get(path); w.Code != 200 || w.Header().Get("Content-Type") != "image/jpeg" || !strings.Contains(w.Header().Get("Content-Disposition"), "tap.jpg") {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		tom.want(404, tom.get(path))
		(&visitor{house: h}).want(303, (&visitor{house: h}).get(path))

		// With the form, as a browser without a script does; what is wrong with one is said, and the rest stays.
		priya.want(303, priya.send(h.url(h.conv)+"/reply", url.Values{"client": {"p2"}, "body": {"And the gauge"}}, map[string][]byte{"gauge.png": picturetest.PNG(picturetest.Plain(40, 40))}))
		page := priya.want(422, priya.send(h.url(h.conv)+"/reply", url.Values{"client": {"p3"}, "body": {"A page"}}, map[string][]byte{"page.jpg": picturetest.Page()}))
		has(t, page, "Files of this type are not taken here.", "A page</textarea>", `role="alert"`)
		if ms := h.messages(h.conv); len(ms) != 3 || len(ms[1].Attachments) != 1 || len(ms[2].Attachments) != 1 || ms[2].Body != "And the gauge" {
			t.Errorf("%+v", ms)
		}
		has(t, priya.want(200, priya.get("/portal/messages")), "You: And the gauge")

		// Taken off again.
		up = priya.want(200, priya.send("/portal/new/files", url.Values{"client": {"u2"}, "about": {"customer:0"}}, map[string][]byte{"no.jpg": photo}, "X-Fragment", "1"))
		id = fileID.FindStringSubmatch(up)
		tom.post("/portal/file/"+id[1]+"/off", nil)
		priya.want(200, priya.get("/portal/file/"+id[1]))
		priya.want(204, priya.post("/portal/file/"+id[1]+"/off", nil))
		priya.want(404, priya.get("/portal/file/"+id[1]))
		priya.want(403, priya.send("/portal/new/files", url.Values{"about": {"job:7"}}, map[string][]byte{"no.jpg": photo}, "X-Fragment", "1"))
	})
}

func TestNewMessageCarriesItsFiles(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya := h.as(h.priya)
		has(t, priya.want(200, priya.get("/portal/new")), `name="about" value="customer:0"`, `type="file"`, "Up to 5 photos")
		w := priya.send("/portal/new", url.Values{"client": {"n"}, "about": {"customer:0"}, "body": {"Two of them"}},
			map[string][]byte{"a.jpg": picturetest.JPEG(picturetest.Image(80, 60), 1), "b.png": picturetest.PNG(picturetest.Plain(30, 30))})
		if w.Code != 303 || w.Header().Get("Location") != h.url(h.conv) {
			t.Fatalf("%d to %s: %s", w.Code, w.Header().Get("Location"), w.Body)
		}
		if ms := h.messages(h.conv); len(ms) != 2 || len(ms[1].Attachments) != 2 {
			t.Errorf("%+v", ms)
		}
		has(t, priya.want(422, priya.send("/portal/new", url.Values{"client": {"n2"}, "about": {"customer:0"}}, nil)), "Write something first.")
	})
}

func TestSearchFindsInTheirOwnConversationsAndOpensThere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 130 {
			h.text("+14155550134", fmt.Sprintf("line %03d", i))
		}
		h.says(h.conv, "The valve is <b>ordered</b>")
		h.text("+14155550155", "valve of Tom")
		if _, err := h.in.Note(t.Context(), h.sam, intake.Draft{Conversation: h.conv, Body: "valve secretnote"}); err != nil {
			t.Fatal(err)
		}
		if err := h.store.CatchUpSearch(t.Context()); err != nil {
			t.Fatal(err)
		}
		priya := h.as(h.priya)
		find := func(q url.Values) string {
			t.Helper()
			return priya.want(200, priya.get("/portal/search?"+q.Encode()))
		}
		page := find(url.Values{"q": {"valve"}})
		has(t, page, "<mark>valve</mark>", "&lt;b&gt;", "Sam: ")
		hasNot(t, page, "of Tom", "secretnote")
		has(t, find(url.Values{"q": {"valve"}, "from": {"Priya"}}), "Nothing was found")
		has(t, find(url.Values{"q": {"valve"}, "until": {h.now.AddDate(0, 0, -2).Format(time.DateOnly)}}), "Nothing was found")
		has(t, find(url.Values{"q": {"line"}, "after": {h.now.AddDate(0, 0, -2).Format(time.DateOnly)}}), "line</mark> 129", "/portal/search?after=")
		hasNot(t, find(nil), "Nothing was found")

		href := regexp.MustCompile(`href="(/portal/c/\d+\?at=(\d+))#m-`).FindStringSubmatch(find(url.Values{"q": {`"line 060"`}}))
		if href == nil {
			t.Fatal("not found")
		}
		page = priya.want(200, priya.get(href[1]))
		has(t, page, `id="m-`+href[2]+`"`, "line 060", "line 040", "line 080", "Earlier messages", "Later messages", "data-past")
		hasNot(t, page, "line 000", "line 129")
		next := href[1]
		for range 4 {
			m := regexp.MustCompile(`href="(/portal/c/\d+\?after=\d+)"`).FindStringSubmatch(page)
			if m == nil {
				break
			}
			next, page = m[1], priya.want(200, priya.get(m[1]))
		}
		if !strings.Contains(page, "The valve is") || strings.Contains(page, "data-past") {
			t.Errorf("%s is not the newest end", next)
		}
	})
}
