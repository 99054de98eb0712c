package portal_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/live"
	"porchlight/bridge/media"
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
