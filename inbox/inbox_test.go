package inbox_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/live"
	"porchlight/bridge/media"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/data/datatest"
	"porchlight/inbox"
	"porchlight/inbox/api"
	"porchlight/inbox/portal"
	"porchlight/inbox/staff"
	"porchlight/inbox/web"
	"porchlight/templates"
	"porchlight/webhooks"
)

const (
	password    = "correct horse battery"
	readTimeout = 500 * time.Millisecond
)

// An office is the whole HTTP rim over a real store, with a team and one customer.
type office struct {
	*testing.T
	url      string
	store    *data.Store
	in       *intake.Intake
	signer   *media.Signer
	sam, jo  bridge.Staff
	samKey   string
	joKey    string
	conv     bridge.ConversationID
	textSeen int
	began    chan struct{} // one for each time that a request's body is read
}

// A watchedBody tells when a handler begins to wait for what is still to come.
type watchedBody struct {
	io.ReadCloser
	began chan<- struct{}
}

func (b *watchedBody) Read(p []byte) (int, error) {
	select {
	case b.began <- struct{}{}:
	default: // nobody listens
	}
	return b.ReadCloser.Read(p)
}

// inside waits until the handler of a request that is sent only in part reads its
// body; what came before it is forgotten by fresh.
func (f *office) inside() {
	f.Helper()
	select {
	case <-f.began:
	case <-time.After(10 * time.Second):
		f.Fatal("nobody reads the request")
	}
}

func (f *office) fresh() {
	for {
		select {
		case <-f.began:
		default:
			return
		}
	}
}

func newOffice(t *testing.T, o data.Options) *office {
	t.Helper()
	f := newEmptyOffice(t, o)
	f.hire()
	f.text("Is anyone there?")
	return f
}

// newEmptyOffice is an office before its first day.
func newEmptyOffice(t *testing.T, o data.Options) *office {
	t.Helper()
	hub := live.New()
	o.OnCommit = hub.Publish
	s, err := data.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	carrier, err := sms.New(sms.Options{AccountSID: "AC00000000000000000000000000000001", Secret: "token"})
	if err != nil {
		t.Fatal(err)
	}
	kept, shelf, signer := shelves(t, s)
	in := intake.New(intake.Options{
		Shelf: shelf, Link: signer.Link,
		Store: s, Now: time.Now, Words: map[bridge.Channel]bridge.Dictionary{bridge.SMS: carrier}, Answerable: sms.Answerable, Region: "US",
		Split: func(text string) []string { return sms.Split(text, sms.MaxText) }, Segments: func(text string) int { return sms.Segments(text).Segments },
	})
	hooks, err := webhooks.New(webhooks.Options{Intake: in, Now: time.Now, PublicURL: "https://texts.example.com", AccountSID: "AC00000000000000000000000000000001", Tokens: []string{"token"}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := templates.Parse()
	if err != nil {
		t.Fatal(err)
	}
	w := web.New(web.Options{Store: s, Set: set, Now: time.Now, Zone: time.UTC, Business: "Brightwater Plumbing", PublicURL: "https://texts.example.com", Blobs: kept,
		Signed: func(token string) (bridge.AttachmentID, web.Part, error) {
			id, _, err := signer.Read(token)
			return id, web.Whole, err
		}})
	h, err := inbox.Handler(inbox.Options{Web: w, Staff: staff.New(w, in, hub), Portal: portal.New(portal.Options{Web: w, Intake: in, Hub: hub}), API: api.New(s, in), Webhooks: hooks})
	if err != nil {
		t.Fatal(err)
	}
	f := &office{T: t, store: s, in: in, signer: signer, began: make(chan struct{}, 1000)}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = &watchedBody{r.Body, f.began}
		h.ServeHTTP(w, r)
	}))
	server.Config.ReadTimeout = readTimeout
	server.Start()
	t.Cleanup(func() {
		hub.Close()
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	f.url = server.URL
	return f
}

func (f *office) hire() {
	f.Helper()
	hash, err := web.HashPassword(password)
	if err != nil {
		f.Fatal(err)
	}
	var samHash, joHash string
	f.samKey, samHash = bridge.NewSecret()
	f.joKey, joHash = bridge.NewSecret()
	err = f.store.Write(f.Context(), func(tx *data.Tx) (err error) {
		if _, err = tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true}); err != nil {
			return err
		}
		if f.sam, err = tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, hash, time.Now()); err != nil {
			return err
		}
		if f.jo, err = tx.AddStaff(bridge.Staff{Name: "Jo Park", Email: "jo@example.com", Role: bridge.Apprentice}, hash, time.Now()); err != nil {
			return err
		}
		if err = tx.AddKey(f.sam.ID, samHash, time.Now()); err != nil {
			return err
		}
		return tx.AddKey(f.jo.ID, joHash, time.Now())
	})
	if err != nil {
		f.Fatal(err)
	}
}

// text lets the customer write.
func (f *office) text(body string) {
	f.Helper()
	f.textSeen++
	r, err := f.in.Receive(f.Context(), bridge.Inbound{
		Channel: bridge.SMS, CarrierID: fmt.Sprintf("SM%032x", f.textSeen), From: "+14155550134", To: "+14155550100", Body: body, At: time.Now(),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.conv = r.Conversation
}

// A browser keeps cookies and follows no redirect.
type browser struct {
	*office
	c *http.Client
}

func (f *office) browser() *browser {
	jar, _ := cookiejar.New(nil) // never fails
	return &browser{f, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (f *office) signedIn(email string) *browser {
	f.Helper()
	b := f.browser()
	if r, _ := b.post("/login", url.Values{"email": {email}, "password": {password}}); r.StatusCode != 303 {
		f.Fatalf("sign in: %d", r.StatusCode)
	}
	return b
}

func (b *browser) do(r *http.Request) (*http.Response, string) {
	b.Helper()
	resp, err := b.c.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp, string(body)
}

func (b *browser) get(path string, headers ...string) (*http.Response, string) {
	b.Helper()
	r, err := http.NewRequest(http.MethodGet, b.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(r)
}

func (b *browser) post(path string, form url.Values, headers ...string) (*http.Response, string) {
	b.Helper()
	r, err := http.NewRequest(http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.do(r)
}

func (b *browser) page(suffix string) string { return fmt.Sprintf("/inbox/c/%d%s", b.conv, suffix) }

func each(t *testing.T, test func(*testing.T, *office)) {
	datatest.EachOptions(t, func(t *testing.T, o data.Options) { test(t, newOffice(t, o)) })
}

func TestSigningIn(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.browser()
		if r, _ := b.get("/inbox/c/1?view=mine"); r.StatusCode != 303 || r.Header.Get("Location") != "/login?next=%2Finbox%2Fc%2F1%3Fview%3Dmine" {
			t.Errorf("signed out: %d to %q", r.StatusCode, r.Header.Get("Location"))
		}
		if r, body := b.post("/login", url.Values{"email": {"sam@example.com"}, "password": {"wrong"}}); r.StatusCode != 422 || !strings.Contains(body, "do not go together") {
			t.Errorf("wrong password: %d", r.StatusCode)
		}
		if r, _ := b.post("/login", url.Values{"email": {" SAM@example.com "}, "password": {password}, "next": {"//evil.example.com/"}}); r.StatusCode != 303 || r.Header.Get("Location") != "/inbox" {
			t.Errorf("right password: %d to %q", r.StatusCode, r.Header.Get("Location"))
		}
		if r, body := b.get("/inbox"); r.StatusCode != 200 || !strings.Contains(body, "Is anyone there?") {
			t.Errorf("inbox: %d", r.StatusCode)
		}
		cookies := b.c.Jar.Cookies(must(url.Parse(f.url)))
		b.post("/logout", nil)
		b.c.Jar.SetCookies(must(url.Parse(f.url)), cookies) // a thief who kept the cookie
		if r, _ := b.get("/inbox"); r.StatusCode != 303 {
			t.Errorf("after signing out: %d", r.StatusCode)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestGuessingPasswordsIsSlowedDown(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.browser()
	for range 10 {
		b.post("/login", url.Values{"email": {"sam@example.com"}, "password": {"guess"}}, "X-Forwarded-For", "203.0.113.9")
	}
	if r, _ := b.post("/login", url.Values{"email": {"sam@example.com"}, "password": {"guess"}}, "X-Forwarded-For", "198.51.100.1, 203.0.113.9"); r.StatusCode != 429 {
		t.Errorf("the eleventh guess: %d", r.StatusCode)
	}
	if r, _ := f.browser().post("/login", url.Values{"email": {"sam@example.com"}, "password": {password}}, "X-Forwarded-For", "192.0.2.7"); r.StatusCode != 303 {
		t.Errorf("the owner is locked out by somebody else's guesses: %d", r.StatusCode)
	}
	for range 10 {
		b.post("/login", url.Values{"email": {"sam@example.com"}, "password": {"guess"}})
	}
	if r, _ := b.post("/login", url.Values{"email": {"sam@example.com"}, "password": {password}}); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("the eleventh try: %d", r.StatusCode)
	}
}

func TestAHugeFormIsRefused(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	if r, _ := b.post(b.page("/reply"), url.Values{"body": {strings.Repeat("x", 1<<20)}, "channel": {"note"}}, "X-Fragment", "1"); r.StatusCode < 400 {
		t.Errorf("%d", r.StatusCode)
	}
}

func TestANewPasswordEndsOldSessions(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		hash := must(web.HashPassword("another good password"))
		if err := f.store.Write(t.Context(), func(tx *data.Tx) error { return tx.SetPassword(f.sam.ID, hash) }); err != nil {
			t.Fatal(err)
		}
		if r, _ := b.get("/inbox"); r.StatusCode != 303 {
			t.Errorf("the old session still opens the inbox: %d", r.StatusCode)
		}
	})
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	if r, _ := b.post(b.page("/close"), nil, "Sec-Fetch-Site", "cross-site"); r.StatusCode != 403 {
		t.Errorf("a form of another site: %d", r.StatusCode)
	}
	if r, _ := b.post(b.page("/close"), nil, "Origin", "https://evil.example.com"); r.StatusCode != 403 {
		t.Errorf("an old browser's form of another site: %d", r.StatusCode)
	}
}

func TestEveryPageForbidsForeignScriptsAndFrames(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	for _, path := range []string{"/inbox", b.page(""), "/login", "/nowhere", "/welcome/x"} {
		r, body := b.get(path)
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %q", path, csp)
		}
		if strings.Contains(body, " onclick=") || strings.Contains(body, " style=") {
			t.Errorf("%s has inline script or style", path)
		}
	}
}

func TestWhatACustomerWritesIsNeverHTML(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	f.text(`<script>alert(1)</script><img src=x onerror=alert(1)>`)
	b.post(b.page("/contact"), url.Values{"name": {`"><b>Eve</b>`}})
	for _, path := range []string{"/inbox", b.page("")} {
		if _, body := b.get(path); strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") || strings.Contains(body, "<b>Eve") {
			t.Errorf("%s shows a customer's HTML", path)
		}
	}
}

func TestAReplyIsShownQueuedAndStoredOnce(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		form := url.Values{"body": {"On my way"}, "channel": {"sms"}, "client": {"0123456789abcdef0123456789abcdef"}, "view": {"open"}}
		for range 2 { // a double tap, or a lost answer
			r, body := b.post(b.page("/reply"), form, "X-Fragment", "1", "X-After", "1")
			if r.StatusCode != 200 || !strings.Contains(body, `data-client="0123456789abcdef0123456789abcdef"`) || r.Header.Get("X-Rev") == "" {
				t.Errorf("reply: %d %q", r.StatusCode, body)
			}
		}
		if n := f.count("On my way"); n != 1 {
			t.Errorf("stored %d times", n)
		}
		if r, _ := b.post(b.page("/reply"), form); r.StatusCode != 303 {
			t.Errorf("without JavaScript: %d", r.StatusCode)
		}
	})
}

// count counts the messages with a body in the customer's conversation.
func (f *office) count(body string) (n int) {
	f.Helper()
	err := f.store.Read(f.Context(), func(tx *data.Tx) error {
		ms, err := tx.Messages(f.conv, 0, 1000)
		for _, m := range ms {
			if m.Body == body {
				n++
			}
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return n
}

func TestAReplyThatMissedSomethingIsStoppedAndKept(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		f.text("Forget it, I found somebody else")
		form := url.Values{"body": {"We come at 8"}, "channel": {"sms"}, "client": {"aa"}, "seen": {"1"}}
		r, body := b.post(b.page("/reply"), form, "X-Fragment", "1")
		if r.StatusCode != 409 || !strings.Contains(body, "Forget it, I found somebody else") || !strings.Contains(body, "We come at 8") {
			t.Errorf("%d %q", r.StatusCode, body)
		}
		if f.count("We come at 8") != 0 {
			t.Error("it was sent all the same")
		}
		form.Set("seen", "2")
		if r, _ := b.post(b.page("/reply"), form, "X-Fragment", "1", "X-After", "1"); r.StatusCode != 200 || f.count("We come at 8") != 1 {
			t.Errorf("send anyway: %d", r.StatusCode)
		}
	})
}

func TestAReplyToSomebodyWhoTextedStopIsRefusedAndKept(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		f.text("STOP")
		if _, page := b.get(b.page("")); !strings.Contains(page, "data-blocked") || !strings.Contains(page, "texted STOP") {
			t.Error("the page does not say beforehand that texts are blocked")
		}
		r, body := b.post(b.page("/reply"), url.Values{"body": {"Just one more thing"}, "channel": {"sms"}}, "X-Fragment", "1")
		if r.StatusCode != 422 || !strings.Contains(body, "Just one more thing") || !strings.Contains(body, "STOP") {
			t.Errorf("%d %q", r.StatusCode, body)
		}
		if r, _ := b.post(b.page("/reply"), url.Values{"body": {"They opted out"}, "channel": {"note"}}); r.StatusCode != 303 || f.count("They opted out") != 1 {
			t.Errorf("a note: %d", r.StatusCode)
		}
	})
}

func TestChangesBringOnlyWhatMoved(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		_, page := b.get(b.page(""))
		_, after, _ := strings.Cut(page, `data-rev="`)
		after, _, _ = strings.Cut(after, `"`)
		q := fmt.Sprintf("/inbox/changes?view=open&open=%d&after=", f.conv)
		if r, body := b.get(q + after); r.StatusCode != 200 || strings.Contains(body, "<li") {
			t.Errorf("nothing moved: %d %q", r.StatusCode, body)
		}
		f.text("Hello again")
		r, body := b.get(q + after)
		if !strings.Contains(body, "Hello again") || strings.Contains(body, ">Is anyone there?<") || !strings.Contains(body, fmt.Sprintf(`id="row-%d"`, f.conv)) || !strings.Contains(body, `id="tabs"`) {
			t.Errorf("after a text: %s", body)
		}
		next := r.Header.Get("X-Rev")
		if a, z := must(strconv.Atoi(after)), must(strconv.Atoi(next)); z <= a {
			t.Errorf("revision %s after %s", next, after)
		}
		b.post(b.page("/close"), nil)
		if _, body := b.get(q + next); !strings.Contains(body, `data-op="remove"`) {
			t.Errorf("a closed conversation stays in the open list: %s", body)
		}
	})
}

func TestAPageThatSleptThroughTooMuchLoadsItselfAnew(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	err := f.store.Write(t.Context(), func(tx *data.Tx) error {
		for range data.MaxSince {
			if _, err := tx.AddMessage(bridge.Message{Conversation: f.conv, At: time.Now(), Direction: bridge.Note}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := b.get(fmt.Sprintf("/inbox/changes?after=1&view=open&open=%d", f.conv)); r.StatusCode != 205 || r.Header.Get("X-Rev") != "" {
		t.Errorf("%d, up to %q", r.StatusCode, r.Header.Get("X-Rev"))
	}
}

func TestTheStreamTellsThatSomethingMovedAndNotWhat(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		r := must(http.NewRequestWithContext(ctx, http.MethodGet, f.url+"/events", nil))
		resp, err := b.c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		ids := 0
		for lines.Scan() {
			if strings.Contains(lines.Text(), "Secret") || strings.Contains(lines.Text(), "4155550134") {
				t.Errorf("the stream says %q", lines.Text())
			}
			if strings.HasPrefix(lines.Text(), "id: ") {
				if ids++; ids == 1 {
					time.Sleep(2 * readTimeout) // a stream outlives what a request may take
					f.text("Secret")
				} else {
					return
				}
			}
		}
		t.Errorf("the stream ended after %d events: %v", ids, lines.Err())
	})
}

// TestNoDoorShowsAnApprenticeWhatIsNotTheirs tries every door with the id of a
// conversation that is somebody else's.
func TestNoDoorShowsAnApprenticeWhatIsNotTheirs(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("jo@example.com")
		for _, path := range []string{"/inbox", "/inbox?view=unassigned", "/inbox/more?view=open", "/inbox/changes?after=0&view=open"} {
			if _, body := b.get(path, "X-Fragment", "1"); strings.Contains(body, "Is anyone there?") || strings.Contains(body, "4155550134") {
				t.Errorf("%s leaks", path)
			}
		}
		for _, path := range []string{b.page(""), b.page("/older?before=99"), fmt.Sprintf("/inbox/changes?after=0&view=open&open=%d", f.conv)} {
			if r, body := b.get(path); strings.Contains(body, "Is anyone there?") || strings.Contains(path, "/c/") && r.StatusCode != 404 {
				t.Errorf("%s: %d", path, r.StatusCode)
			}
		}
		for _, do := range []string{"reply", "assign", "close", "reopen", "snooze", "urgent", "read", "unread", "draft", "contact", "address"} {
			form := url.Values{"body": {"x"}, "channel": {"sms"}, "kind": {"reply"}, "until": {time.Now().Add(time.Hour).Format(time.RFC3339)}, "name": {"x"}, "phone": {"+14155550199"}, "staff": {"me"}, "upto": {"1"}}
			if r, _ := b.post(b.page("/"+do), form); r.StatusCode != 404 {
				t.Errorf("%s: %d", do, r.StatusCode)
			}
		}
		if r, body := f.call(http.MethodGet, fmt.Sprintf("/api/v1/conversations/%d/messages", f.conv), f.joKey, "", ""); r.StatusCode != 404 || strings.Contains(body, "anyone") {
			t.Errorf("API: %d %s", r.StatusCode, body)
		}
		if err := f.in.Assign(t.Context(), f.sam, f.conv, f.jo.ID); err != nil {
			t.Fatal(err)
		}
		if r, body := b.get(b.page("")); r.StatusCode != 200 || !strings.Contains(body, "Is anyone there?") || strings.Contains(body, b.page("/close")) {
			t.Errorf("assigned to them: %d", r.StatusCode)
		}
		if r, _ := b.post(b.page("/close"), nil); r.StatusCode != 403 {
			t.Errorf("an apprentice closes: %d", r.StatusCode)
		}
	})
}

// call uses the API.
func (f *office) call(method, path, key, idempotency, body string) (*http.Response, string) {
	f.Helper()
	r := must(http.NewRequest(method, f.url+path, strings.NewReader(body)))
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if idempotency != "" {
		r.Header.Set("Idempotency-Key", idempotency)
	}
	r.Header.Set("Content-Type", "application/json")
	return (&browser{f, http.DefaultClient}).do(r)
}

func TestTheAPIObeysTheInboxesRules(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		messages := fmt.Sprintf("/api/v1/conversations/%d/messages", f.conv)
		for _, key := range []string{"", "nonsense"} {
			if r, _ := f.call(http.MethodGet, "/api/v1/conversations", key, "", ""); r.StatusCode != 401 || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("key %q: %d", key, r.StatusCode)
			}
		}
		r, body := f.call(http.MethodGet, "/api/v1/conversations", f.samKey, "", "")
		var list struct {
			Conversations []struct{ ID, Title, State string }
		}
		if err := json.Unmarshal([]byte(body), &list); err != nil || r.StatusCode != 200 || len(list.Conversations) != 1 || list.Conversations[0].ID != fmt.Sprint(f.conv) {
			t.Fatalf("list: %d %s %v", r.StatusCode, body, err)
		}
		var first, second struct{ ID string }
		r, body = f.call(http.MethodPost, messages, f.samKey, "order-7", `{"body":"On my way"}`)
		if r.StatusCode != 201 {
			t.Fatalf("send: %d %s", r.StatusCode, body)
		}
		_ = json.Unmarshal([]byte(body), &first)
		_, body = f.call(http.MethodPost, messages, f.samKey, "order-7", `{"body":"On my way"}`)
		_ = json.Unmarshal([]byte(body), &second)
		if first.ID == "" || first.ID != second.ID || f.count("On my way") != 1 {
			t.Errorf("the same key made %q and %q", first.ID, second.ID)
		}
		for name, tt := range map[string]struct {
			body string
			code int
		}{
			"no body": {`{}`, 422}, "empty": {`{"body":""}`, 422}, "blank": {`{"body":"  "}`, 422}, "unknown field": {`{"body":"x","to":"y"}`, 422},
			"not JSON": {`{`, 400}, "too long": {`{"body":"` + strings.Repeat("x", 10_001) + `"}`, 422},
		} {
			if r, body := f.call(http.MethodPost, messages, f.samKey, "", tt.body); r.StatusCode != tt.code || !strings.Contains(r.Header.Get("Content-Type"), "problem+json") {
				t.Errorf("%s: %d %s %s", name, r.StatusCode, r.Header.Get("Content-Type"), body)
			}
		}
		f.text("STOP")
		r, body = f.call(http.MethodPost, messages, f.samKey, "", `{"body":"one more"}`)
		if r.StatusCode != 403 || !strings.Contains(body, `"code":"opted_out"`) || !strings.Contains(body, `"fix"`) {
			t.Errorf("to an opted-out phone: %d %s", r.StatusCode, body)
		}
		if r, _ := f.call(http.MethodGet, "/api/v1/conversations/999/messages", f.samKey, "", ""); r.StatusCode != 404 {
			t.Errorf("a conversation that is not: %d", r.StatusCode)
		}
	})
}

func TestTheFirstOwnersLinkWorksOnceAndOpeningItChangesNothing(t *testing.T) {
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		f := newEmptyOffice(t, o)
		secret, hash := bridge.NewSecret()
		if err := f.store.Write(t.Context(), func(tx *data.Tx) error {
			return tx.AddTicket(hash, web.TicketOwner, time.Now().Add(time.Hour))
		}); err != nil {
			t.Fatal(err)
		}
		b := f.browser()
		for range 3 { // mail scanners open links
			if r, _ := b.get("/welcome/" + secret); r.StatusCode != 200 || r.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("opening: %d", r.StatusCode)
			}
		}
		form := url.Values{"name": {"Ada Quill"}, "email": {"ada@example.com"}, "password": {"short"}}
		if r, body := b.post("/welcome/"+secret, form); r.StatusCode != 422 || !strings.Contains(body, "Ada Quill") {
			t.Errorf("a short password: %d", r.StatusCode)
		}
		form.Set("password", password)
		if r, _ := b.post("/welcome/"+secret, form); r.StatusCode != 303 || r.Header.Get("Location") != "/inbox" {
			t.Errorf("the owner's form: %d", r.StatusCode)
		}
		if r, _ := b.get("/inbox"); r.StatusCode != 200 {
			t.Errorf("the new owner is not signed in: %d", r.StatusCode)
		}
		form.Set("email", "eve@example.com")
		if r, _ := f.browser().post("/welcome/"+secret, form); r.StatusCode != 410 {
			t.Errorf("the link a second time: %d", r.StatusCode)
		}
	})
}

func TestOrganisingFromPlainForms(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		state := func() (c bridge.Conversation) {
			if err := f.store.Read(t.Context(), func(tx *data.Tx) (err error) { c, err = tx.Conversation(f.sam, f.conv); return err }); err != nil {
				t.Fatal(err)
			}
			return c
		}
		ok := func(path string, form url.Values) {
			t.Helper()
			if r, body := b.post(b.page(path), form); r.StatusCode != 303 {
				t.Errorf("%s: %d %s", path, r.StatusCode, body)
			}
		}
		ok("/assign", url.Values{"staff": {fmt.Sprint(f.jo.ID)}})
		if state().Assignee != f.jo.ID {
			t.Error("not assigned")
		}
		ok("/close", nil)
		if state().State != bridge.Closed {
			t.Error("not closed")
		}
		f.text("One more thing")
		if state().State != bridge.Open {
			t.Error("a text did not reopen it")
		}
		ok("/snooze", url.Values{"until": {time.Now().UTC().Add(48 * time.Hour).Format("2006-01-02T15:04")}})
		if c := state(); c.State != bridge.Snoozed || c.SnoozedUntil.Before(time.Now().Add(47*time.Hour)) {
			t.Errorf("snooze: %+v", c)
		}
		ok("/reopen", nil)
		ok("/urgent", url.Values{"on": {"1"}})
		ok("/contact", url.Values{"name": {"  Priya   Raman "}})
		if c := state(); !c.Urgent || c.Title != "Priya Raman" || c.State != bridge.Open {
			t.Errorf("urgent, renamed, reopened: %+v", c)
		}
		ok("/address", url.Values{"phone": {"(415) 555-0135"}})
		if c := state(); c.Address != "+14155550135" {
			t.Errorf("answers go to %q", c.Address)
		}
		ok("/draft", url.Values{"kind": {"reply"}, "body": {"half a sen"}})
		if _, page := b.get(b.page("")); !strings.Contains(page, "half a sen") {
			t.Error("the draft is gone")
		}
		ok("/read", url.Values{"upto": {"99999"}})
		if n := state().Unread; n != 0 {
			t.Errorf("%d unread after reading", n)
		}
		ok("/unread", nil)
		if n := state().Unread; n != 1 {
			t.Errorf("%d unread after marking", n)
		}
		for path, form := range map[string]url.Values{
			"/snooze": {"until": {"yesterday"}}, "/address": {"phone": {"not a number"}}, "/assign": {"staff": {"4711"}}, "/contact": {"name": {strings.Repeat("x", 101)}},
		} {
			if r, _ := b.post(b.page(path), form, "X-Fragment", "1"); r.StatusCode != 422 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("bad %s: %d", path, r.StatusCode)
			}
		}
	})
}
