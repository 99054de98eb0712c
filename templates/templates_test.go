package templates

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
)

var noon = time.Date(2026, 11, 22, 12, 30, 0, 0, time.FixedZone("EST", -5*3600))

func parsed(t *testing.T) *Set {
	t.Helper()
	s, err := Parse()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exampleSimulator is the demo's handset page with everything on it.
func exampleSimulator(now time.Time) SimulatorPage {
	at := func(ago time.Duration) Stamp { return NewStamp(now.Add(-ago), now) }
	priya := Handset{Number: "+14155550134", Name: "Priya Raman", Href: "/simulator?h=%2B14155550134", Behave: "deliver", Current: true}
	return SimulatorPage{
		Shell: Shell{Title: "Phone simulator", Business: "Brightwater Plumbing", Section: "simulator", Demo: true, Me: exampleTeam()[0], Today: now.Format("20060102")},
		Open:  priya, Line: "+1 415 555 0100",
		Handsets: []Handset{priya, {Number: "+14155550155", Name: "Tom Becker", Href: "/simulator?h=%2B14155550155", Unread: 2}, {Number: "+14155550166", Href: "/simulator?h=%2B14155550166"}},
		Messages: []Message{
			{ID: 1, Rev: 1, Side: "out", Key: "me", Body: "Hi, the boiler makes a knocking noise. Is somebody free this week?", At: at(2 * time.Hour)},
			{ID: 2, Rev: 1, Side: "in", Key: "biz", Body: "Brightwater Plumbing: Hi Priya, Sam here. I can be with you tomorrow 08:00-09:00. OK?", At: at(time.Hour)},
			{ID: 3, Rev: 1, Side: "out", Key: "me", Body: "Yes please", At: at(4 * time.Minute)},
			{ID: 4, Rev: 1, Side: "out", Key: "me", Body: "Thank you", At: at(3 * time.Minute)},
		},
		Plays:   []Choice{{"ai-call", "Call, and the AI answers", "hands over"}},
		Behaves: []Choice{{"deliver", "Reachable", "delivered after 2 s"}, {"off", "Switched off", "fails with 30003"}, {"landline", "A landline", "fails at once with 30006"}, {"filter", "Behind a filter", "30007"}},
		Quick:   []Choice{{"My boiler is leaking", "My boiler is leaking", ""}, {"STOP", "STOP", "opts out"}, {"START", "START", "opts in again"}, {"HELP", "HELP", ""}},
		Wire: []WireLine{{"w1", "12:03:51", "POST /webhooks/twilio/sms From=+14155550134", 200}, {"w2", "12:03:58", "POST Messages.json To=+14155550134, 1 segment", 201},
			{"w3", "12:03:59", "POST /webhooks/twilio/status sent", 204}, {"w4", "12:04:01", "POST /webhooks/twilio/status delivered", 204}, {"w5", "12:05:07", "POST Messages.json To=+14155550188 (21610)", 400}},
	}
}

// exampleMailbox is the demo's mailbox with a mail that is read.
func exampleMailbox(now time.Time) MailboxPage {
	row := MailRow{ID: 2, Href: "/simulator/mail?m=2", From: "Sam Ortiz at Brightwater Plumbing", To: "priya@example.com", Subject: "Boiler replacement (job #1042)", Preview: "Morning Priya", At: NewStamp(now, now), Current: true}
	return MailboxPage{
		Shell: Shell{Title: "Mailbox", Business: "Brightwater Plumbing", Section: "simulator", Demo: true, Me: exampleTeam()[0], Today: now.Format("20060102")},
		Mails: []MailRow{row, {ID: 1, Href: "/simulator/mail?m=1", Subject: "A test email"}}, Try: []Choice{{"test", "A test", "to see one"}},
		Open: &OpenMail{MailRow: row, Frame: "/simulator/mail/html/2", Text: "Morning Priya,\n<b>", Headers: []Choice{{"Subject", "Boiler", ""}}},
	}
}

// full gives every page and fragment with everything in it.
func full() map[string]any {
	inbox, gallery := ExampleInbox(noon), GalleryPage(noon)
	open := inbox.Open
	var ms []Message
	for _, it := range open.Items {
		it.Message.Into = "#log-901 ol"
		ms = append(ms, it.Message)
	}
	rows := append(inbox.Rows, Row{ID: 99, Rev: 50, Gone: true})
	shell := inbox.Shell
	views := map[string]any{
		"inbox": inbox, "gallery": gallery, "simulator": exampleSimulator(noon), "handset": exampleSimulator(noon),
		"mailbox": exampleMailbox(noon), "mails": exampleMailbox(noon),
		"login":   LoginPage{Shell: shell, Email: "sam@example.com", Next: "/inbox/c/7", Error: "That email and password do not belong together."},
		"welcome": WelcomePage{Shell: shell, Token: "abc", Name: "Sam", Email: "sam@example.com", Error: "Choose at least 10 characters", ErrorField: "password"},
		"error":   ErrorPage{Shell: shell, Code: 404, Heading: "This is not here", Text: "It may have been assigned to somebody else.", Ref: "7F3K", Action: "Open the inbox", ActionTo: "/inbox"},
		"changes": Changes{Tabs: &inbox.Tabs, Rows: rows, Open: open, Items: ms},
		"new":     fullNew(shell), "newform": fullNew(shell), "place": fullPlace(shell, ms[0]), "placing": fullPlace(shell, ms[0]), "add": fullAdd(shell), "adding": fullAdd(shell),
		"people": examplePeople(noon), "peoplelist": examplePeople(noon).List, "contactnew": exampleNewContact(noon), "contact": exampleContact(noon),
		"merge": exampleMerge(noon), "talkpage": TalkPage{Shell: shell, Talk: exampleTalk(noon)}, "talk": exampleTalk(noon), "invited": InvitedPage{Shell: shell, Secret: "abc", First: "Priya"},
		"records": exampleRecords(noon), "recordlist": exampleRecords(noon).List, "record": exampleRecord(noon), "found": exampleRecord(noon).Form,
		"rows": rows, "items": open.Items, "message": ms[0], "composer": gallery.Conflict, "uploads": append(exampleUploads(), Upload{9, Attachment{Name: "tap.jpg", Thumb: "/inbox/file/9/thumb", Href: "/inbox/file/9", Size: "1 MB"}}),
	}
	maps.Copy(views, fullSettings(shell))
	maps.Copy(views, fullPortal(noon))
	views["hits"] = exampleSearch(noon).Found
	return views
}

// exampleSearch is a search with something found in two conversations.
func exampleSearch(now time.Time) *Search {
	hit := FoundHit{Href: "/inbox/c/1?at=7&q=boiler#m-7", Who: "Priya Raman", At: NewStamp(now, now), Icon: "sms", Side: "in", Files: true, Current: true,
		Snippet: []bridge.Piece{{Text: "…lost "}, {Text: "pressure", Mark: true}, {Text: " <again>"}}}
	note := hit
	note.Href, note.Icon, note.Side, note.Current = "/inbox/c/2?at=8&q=boiler#m-8", "note", "note", false
	return &Search{Query: `boiler "hot water"`, BackURL: "/inbox", From: "me", Record: "1042", After: "2026-03-01", Until: "2026-03-31", Senders: []string{"me", "Maya Quinn"},
		Channels: exampleOptions(), Photo: true, Failed: true, Filtered: true,
		Found: Found{More: "/inbox/search?q=boiler&before=7", Empty: &Empty{Title: "Nothing found", Text: "Try fewer words."}, Note: "Messages are still being read for searching: 40 % done.",
			Groups: []FoundGroup{{"Priya Raman", "#1042 Boiler", "PR", []FoundHit{hit}}, {"Team", "", "", []FoundHit{note}}}}}
}

func TestASearchShowsWhatWasFoundAndMarksIt(t *testing.T) {
	page := ExampleInbox(noon)
	page.Search = exampleSearch(noon)
	page.Open.Later, page.Open.Items[12].At = "/inbox/c/901/later?after=64", true
	html := render(t, parsed(t), "inbox", page)
	for _, want := range []string{"<mark>pressure</mark> &lt;again&gt;", `value="boiler &#34;hot water&#34;"`, "Note · ", "40 % done", "Show more", "Jump to newest", `href="/inbox/c/901?after=64"`, ` at"`} {
		if !strings.Contains(html, strings.ReplaceAll(want, "\\", "")) {
			t.Errorf("the page of a search has no %s", want)
		}
	}
	balanced(t, "search", html)
	ids(t, "search", html)
	policy(t, "search", html)
}

func fullNew(shell Shell) NewPage {
	pick := Pick{ID: "4", Text: "Priya Raman", Hint: "Customer", Initials: "PR", Href: "/inbox/new?kind=job&contact=4"}
	off := Pick{ID: "9", Text: "Quote #88 Bathroom", Blocked: "This quote has not been sent to the portal", Fix: "Send the quote to the portal first"}
	return NewPage{Shell: shell, Kinds: []Tab{{Title: "Customer", Href: "/inbox/new?kind=customer"}, {Title: "Job or quote", Href: "/inbox/new?kind=job", Current: true}},
		Kind: "job", Asks: "Which client?", Person: &pick, Records: []Pick{pick, off}, Record: &pick, NeedsRecord: true, NeedsSubject: true, SubjectHint: "A few words",
		Subject: "Kitchen", Body: "Hello", Client: "0f", Hint: "Shows in the portal", CallText: "+1 415 555 0134", CallHref: "tel:+14155550134", Error: "Write something first.", Back: "/inbox"}
}

func fullPlace(shell Shell, m Message) PlacePage {
	return PlacePage{Shell: shell, Message: Item{Message: m}, Action: "/inbox/m/7/about", Records: []Pick{{ID: "3", Text: "Job #1042 Boiler", Hint: "Construction"}}, Current: "3", Back: "/inbox/c/7"}
}

func fullAdd(shell Shell) AddPage {
	return AddPage{Shell: shell, With: "Priya Raman", Action: "/inbox/c/7/people", Search: "/inbox/c/7/people", Query: "jo", Back: "/inbox/c/7",
		Team:     []Pick{{ID: "staff:2", Text: "Jo Park", Initials: "JP", Blocked: "Tradies see only what they are assigned to", Fix: "Assign them to the record"}},
		Contacts: []Pick{{ID: "contact:4", Text: "Dev Anand", Initials: "DA", Hint: "Customer"}}}
}

func render(t *testing.T, s *Set, name string, view any) string {
	t.Helper()
	var b bytes.Buffer
	do := s.Fragment
	if _, ok := pages[name]; ok {
		do = s.Page
	}
	if err := do(&b, name, view); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func all() map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for _, m := range []map[string]reflect.Type{pages, fragments} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func TestEveryPageAndFragmentRendersEmptyAndFull(t *testing.T) {
	s, views := parsed(t), full()
	for name, kind := range all() {
		if _, ok := views[name]; !ok {
			t.Errorf("%s: there is no full view of it", name)
			continue
		}
		for what, view := range map[string]any{"empty": reflect.Zero(kind).Interface(), "full": views[name]} {
			html := render(t, s, name, view)
			if strings.Contains(html, "ZgotmplZ") {
				t.Errorf("%s, %s: html/template refused a value", name, what)
			}
			balanced(t, name+", "+what, html)
			if name != "gallery" || what == "full" { // an empty gallery has many conversations 0
				ids(t, name+", "+what, html)
			}
			policy(t, name+", "+what, html)
		}
	}
}

// balanced finds elements that are not closed, as far as they nest.
func balanced(t *testing.T, what, html string) {
	t.Helper()
	for _, tag := range []string{"div", "ol", "ul", "li", "form", "section", "span", "p", "button", "nav", "main", "aside", "header", "details", "dl", "a"} {
		open := len(regexp.MustCompile(`<`+tag+`[\s>]`).FindAllString(html, -1))
		if closed := strings.Count(html, "</"+tag+">"); open != closed {
			t.Errorf("%s: %d <%s> but %d </%s>", what, open, tag, closed, tag)
		}
	}
}

var idAttr = regexp.MustCompile(`\sid="([^"]*)"`)

func ids(t *testing.T, what, html string) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range idAttr.FindAllStringSubmatch(html, -1) {
		if seen[m[1]] && m[1] != "" {
			t.Errorf("%s: the id %q stands twice", what, m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`\s(?:popovertarget|aria-describedby|aria-labelledby)="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		for id := range strings.FieldsSeq(m[1]) {
			if !seen[id] {
				t.Errorf("%s: something refers to #%s, which is not there", what, id)
			}
		}
	}
}

// policy refuses what the Content-Security-Policy would.
func policy(t *testing.T, what, html string) {
	t.Helper()
	for _, bad := range []string{`<style`, ` style=`, `javascript:`, `src="http`, `href="data:`} {
		if strings.Contains(html, bad) {
			t.Errorf("%s: contains %s", what, bad)
		}
	}
	if m := regexp.MustCompile(`<[^>]*\son[a-z]+=`).FindString(html); m != "" {
		t.Errorf("%s: inline handler in %s", what, m)
	}
	for _, m := range regexp.MustCompile(`<script[^>]*>`).FindAllString(html, -1) {
		if !strings.Contains(m, ` src="/assets/`) {
			t.Errorf("%s: inline script %s", what, m)
		}
	}
}

// poison puts markup into every string of a view.
func poison(v reflect.Value) {
	const evil = `"><script>alert(1)</script><img src=x onerror='x'>`
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(evil)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			poison(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem())
		}
	}
}

func TestMarkupInNamesAndBodiesStaysText(t *testing.T) {
	s := parsed(t)
	for name, view := range full() {
		p := reflect.New(reflect.TypeOf(view))
		p.Elem().Set(reflect.ValueOf(view))
		poison(p)
		html := render(t, s, name, p.Elem().Interface())
		for _, bad := range []string{"<script>", "<img src=x", "javascript:"} {
			if strings.Contains(html, bad) {
				t.Errorf("%s: %s came through", name, bad)
			}
		}
	}
}

func TestFragmentsCarryWhatTheBrowserPlacesThemBy(t *testing.T) {
	s, views := parsed(t), full()
	changes := render(t, s, "changes", views["changes"])
	for _, want := range []string{
		`<nav class="tabs" id="tabs" data-rev="41"`,
		`id="row-901" data-sort="` + strconv.FormatInt(noon.Add(-3*time.Minute).UnixMilli(), 10) + `" data-rev="30" data-into="#rows" data-unread="2"`,
		`<li id="row-99" data-rev="50" data-op="remove">`,
		`id="chead-901" data-rev="41"`, `id="banners-901" data-rev="41"`, `id="cstate-901" data-rev="41"`, `id="details-901" data-rev="41"`,
		`data-client="0123456789abcdef0123456789abcdef" data-into="#log-901 ol"`,
		`<a class="btn sm" href="tel:&#43;14155550134">`,
	} {
		if !strings.Contains(changes, want) {
			t.Errorf("changes: no %s", want)
		}
	}
	if strings.Contains(changes, "<textarea") {
		t.Error("changes would replace the text that somebody is writing")
	}
	top := regexp.MustCompile(`(?m)^<(\w+)`).FindAllStringSubmatch(render(t, s, "rows", views["rows"]), -1)
	for _, m := range top {
		if m[1] != "li" && m[1] != "span" {
			t.Errorf("rows: <%s> stands at the top", m[1])
		}
	}
}

func TestConflictKeepsTheReplyAndNewSeen(t *testing.T) {
	html := render(t, parsed(t), "composer", GalleryPage(noon).Conflict)
	for _, want := range []string{`name="seen" value="77"`, `name="client" value="0f"`, "Great, see you at eight then.</textarea>", "make it Thursday instead?", "Send anyway"} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestPagesHaveLandmarksAndLabels(t *testing.T) {
	s, views := parsed(t), full()
	for name, wants := range map[string][]string{
		"inbox":     {`<nav class="rail" aria-label="Main">`, `<main class="panes"`, `<h1 class="vh">`, `<section class="pane list" id="list" aria-label="Conversations">`, `<aside`, `role="log" aria-live="off"`, `id="announce" class="vh" role="status"`, `class="skip"`, `aria-current="page"`},
		"mailbox":   {`<nav class="rail"`, `<main`, `<h1`, `sandbox="allow-popups allow-popups-to-escape-sandbox"`, `class="skip"`},
		"simulator": {`<nav class="rail"`, `<main`, `<h1`, `role="log"`, `class="skip"`},
		"login":     {`<main`, `<h1>`, `role="alert"`, `aria-invalid="true"`, `name="next" value="/inbox/c/7"`},
	} {
		html := render(t, s, name, views[name])
		for _, want := range wants {
			if !strings.Contains(html, want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
		for _, m := range regexp.MustCompile(`<(input|textarea)[^>]*>`).FindAllString(html, -1) {
			if strings.Contains(m, `type="hidden"`) || strings.Contains(m, "aria-label=") {
				continue
			}
			if at := strings.Index(html, m); strings.LastIndex(html[:at], "<label") < strings.LastIndex(html[:at], "</label>") {
				t.Errorf("%s: no label for %s", name, m)
			}
		}
	}
}

func TestOnlyTelephoneLinksCall(t *testing.T) {
	for href, want := range map[string]string{"tel:+14155550134": "tel:+14155550134", "javascript:alert(1)": "#", "tel:1;ext=javascript": "#", "": "#"} {
		if got := string(call(href)); got != want {
			t.Errorf("call(%q) = %q, want %q", href, got, want)
		}
	}
}

func TestAddressesInBodiesBecomeLinks(t *testing.T) {
	link := func(u string) string {
		return `<a target="_blank" rel="noopener noreferrer nofollow" href="` + u + `">` + u + `</a>`
	}
	for body, want := range map[string]string{
		"see https://example.com/a?b=1&c=2.": "see " + link("https://example.com/a?b=1&amp;c=2") + ".",
		"(http://example.com)":               "(" + link("http://example.com") + ")",
		"https:// and http://":               "https:// and http://",
		`https://example.com/"><b>`:          link("https://example.com/") + `&#34;&gt;&lt;b&gt;`,
		"a < b & c":                          "a &lt; b &amp; c",
		"https:// then https://example.com":  "https:// then " + link("https://example.com"),
		"":                                   "",
	} {
		if got := string(linked(body)); got != want {
			t.Errorf("linked(%q)\n got %s\nwant %s", body, got, want)
		}
	}
}

func FuzzLinked(f *testing.F) {
	f.Add("see https://example.com/a, or http://http://x <b>")
	f.Fuzz(func(t *testing.T, body string) {
		html := string(linked(body))
		if text := regexp.MustCompile(`</?a[^>]*>`).ReplaceAllString(html, ""); strings.ContainsAny(text, "<>") {
			t.Errorf("markup came through: %s", html)
		}
		first, rest := fold(body)
		if first+rest != body {
			t.Error("folding lost text")
		}
	})
}

func TestNewItemsSeparatesDaysAndGroups(t *testing.T) {
	at := func(d time.Duration) Stamp { return NewStamp(noon.Add(d), noon) }
	got := NewItems([]Message{
		{Side: "in", Key: "a", At: at(-24 * time.Hour)},
		{Side: "in", Key: "a", At: at(0)},
		{Side: "in", Key: "a", At: at(time.Minute)},
		{Side: "in", Key: "b", At: at(2 * time.Minute)},
		{Side: "in", Key: "b", At: at(8 * time.Minute)},
		{Side: "out", Key: "b", At: at(9 * time.Minute), Failure: &Failure{}},
		{Side: "out", Key: "b", At: at(9 * time.Minute)},
	})
	var days, groups []string
	for i, it := range got {
		if it.Day != "" {
			days = append(days, fmt.Sprint(i, it.Day))
		}
		if it.Grouped {
			groups = append(groups, fmt.Sprint(i))
		}
	}
	if strings.Join(days, ",") != "0Yesterday,1Today" || strings.Join(groups, ",") != "2" {
		t.Errorf("days %v, groups %v", days, groups)
	}
}

func TestNewStampPrintsEachAge(t *testing.T) {
	for _, c := range []struct {
		at                    time.Time
		text, short, dayLabel string
	}{
		{noon.Add(-time.Hour), "11:30", "11:30", "Today"},
		{noon.Add(-12 * time.Hour), "00:30", "00:30", "Today"},
		{noon.Add(-13 * time.Hour), "Sat 21 Nov, 23:30", "Sat", "Yesterday"},
		{noon.AddDate(0, 0, -3), "Thu 19 Nov, 12:30", "Thu", "Thursday 19 November"},
		{noon.AddDate(0, 0, -7), "Sun 15 Nov, 12:30", "15 Nov", "Sunday 15 November"},
		{noon.AddDate(-1, 0, 0), "22 Nov 2025, 12:30", "22 Nov 2025", "Saturday 22 November 2025"},
		{noon.Add(-time.Hour).UTC(), "11:30", "11:30", "Today"},
		{noon.AddDate(0, 0, 2), "Tue 24 Nov, 12:30", "24 Nov", "Tuesday 24 November"},
	} {
		s := NewStamp(c.at, noon)
		if s.Text != c.text || s.Short != c.short || s.DayLabel != c.dayLabel {
			t.Errorf("%v: %q %q %q, want %q %q %q", c.at, s.Text, s.Short, s.DayLabel, c.text, c.short, c.dayLabel)
		}
		if s.Sort != c.at.UnixMilli() || s.Clock != c.at.In(noon.Location()).Format("15:04:05") {
			t.Errorf("%v: sort %d, clock %s", c.at, s.Sort, s.Clock)
		}
	}
	if s := NewStamp(time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)); s.DayLabel != "Yesterday" {
		t.Errorf("the last day of a year is %q the day after", s.DayLabel)
	}
}

func TestWrongViewsAndNamesAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	s := parsed(t)
	var b bytes.Buffer
	for _, err := range []error{s.Page(&b, "inbox", LoginPage{}), s.Page(&b, "nowhere", nil), s.Fragment(&b, "inbox", InboxPage{}), s.Fragment(&b, "rows", nil)} {
		if err == nil {
			t.Error("no error")
		}
	}
	if b.Len() > 0 {
		t.Errorf("%d bytes were written", b.Len())
	}
}

func TestAssetsAreServedForEverUnderTheirHashOnly(t *testing.T) {
	s := parsed(t)
	h := s.Assets()
	get := func(path, encoding string) *http.Response {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	for name, f := range s.assets.files {
		for _, encoding := range []string{"gzip, deflate, br", "", "gzip;q=0"} {
			res := get(s.URL(name), encoding)
			body := io.Reader(res.Body)
			if zipped := res.Header.Get("Content-Encoding") == "gzip"; zipped != (strings.HasPrefix(encoding, "gzip,") && len(f.gzip()) < len(f.plain)) {
				t.Errorf("%s for %q: gzip is %v", name, encoding, zipped)
			} else if zipped {
				body, _ = gzip.NewReader(body)
			}
			got, _ := io.ReadAll(body)
			if res.StatusCode != 200 || !bytes.Equal(got, f.plain) || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || res.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s for %q: %d, %d bytes, %v", name, encoding, res.StatusCode, len(got), res.Header)
			}
		}
	}
	if ct := get(s.URL("js/staff.js"), "").Header.Get("Content-Type"); ct != "text/javascript; charset=utf-8" {
		t.Errorf("a module is %s, which browsers refuse", ct)
	}
	for _, path := range []string{"/assets/000000000000/js/staff.js", s.URL("js/staff.js") + "x", "/assets/", "/assets/../templates.go"} {
		if code := get(path, "").StatusCode; code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
}

var useIcon = regexp.MustCompile(`icons\.svg#([a-z]+)"`)

func TestEveryIconThatIsUsedIsDrawn(t *testing.T) {
	s := parsed(t)
	drawn := string(s.assets.files["icons.svg"].plain)
	for name, view := range full() {
		for _, m := range useIcon.FindAllStringSubmatch(render(t, s, name, view), -1) {
			if !strings.Contains(drawn, `id="`+m[1]+`"`) {
				t.Errorf("%s: there is no icon %q", name, m[1])
			}
		}
	}
	for _, c := range []bridge.Channel{bridge.SMS, bridge.Email, bridge.Portal, bridge.Inbox, bridge.Voice} {
		if !strings.Contains(drawn, `id="`+string(c)+`"`) {
			t.Errorf("there is no icon for the channel %q", c)
		}
	}
}

func TestModulesImportOnlyWhatIsThere(t *testing.T) {
	s := parsed(t)
	for name, f := range s.assets.files {
		for _, m := range regexp.MustCompile(`from '\./([a-z]+\.js)'`).FindAllStringSubmatch(string(f.plain), -1) {
			if _, ok := s.assets.files["js/"+m[1]]; !ok {
				t.Errorf("%s imports %s, which is not there", name, m[1])
			}
		}
	}
}

func TestSizesStayInTheirBudget(t *testing.T) {
	s := parsed(t)
	size := func(names ...string) (n int) {
		for _, name := range names {
			n += len(s.assets.files[name].gzip())
		}
		return n
	}
	// What a page loads before anybody does anything; the rest comes when asked for.
	loads := func(name string) (out []string) {
		for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
			if slices.Contains(out, queue[0]) {
				continue
			}
			out = append(out, queue[0])
			for _, m := range regexp.MustCompile(`(?m)^import .*'\./([a-z]+\.js)'`).FindAllStringSubmatch(string(s.assets.files[queue[0]].plain), -1) {
				queue = append(queue, "js/"+m[1])
			}
		}
		return out
	}
	if inbox := loads("js/staff.js"); len(inbox) < 6 {
		t.Errorf("the inbox loads %v", inbox)
	}
	for _, c := range []struct {
		what     string
		got, max int
	}{
		{"css of the inbox", size("css/app.css"), 10 << 10},
		{"css of the other pages", size("css/app.css", "css/pages.css", "css/settings.css"), 14 << 10},
		{"js of the inbox", size(loads("js/staff.js")...), 16 << 10},
		{"js of people and records", size(loads("js/people.js")...), 16 << 10},
		{"icons", size("icons.svg"), 2 << 10},
	} {
		t.Logf("%s: %d bytes gzipped", c.what, c.got)
		if c.got == 0 || c.got > c.max {
			t.Errorf("%s: %d bytes gzipped, the budget is %d", c.what, c.got, c.max)
		}
	}
	page := ExampleInbox(noon)
	for i := len(page.Rows); i < 50; i++ {
		r := page.Rows[i%7]
		r.ID, r.Title, r.Preview = bridge.ConversationID(1000+i), fmt.Sprint(r.Title, i), fmt.Sprint(i, r.Preview)
		page.Rows = append(page.Rows, r)
	}
	for i := len(page.Open.Items); i < 50; i++ {
		it := page.Open.Items[i%15]
		it.Message.ID, it.Message.Body = bridge.MessageID(1000+i), fmt.Sprint(it.Message.Body, i)
		page.Open.Items = append(page.Open.Items, it)
	}
	html := render(t, s, "inbox", page)
	t.Logf("inbox of 50 rows and 50 messages: %d bytes, %d gzipped", len(html), len(compress([]byte(html))))
}

// The text and ground pairs that the stylesheet puts together, and the least ratio of WCAG 2.2 AA.
var pairs = []struct {
	text, ground string
	min          float64
}{
	{"text", "bg", 4.5}, {"text", "surface", 4.5}, {"text", "surface-2", 4.5}, {"text", "surface-3", 4.5}, {"text", "accent-soft", 4.5}, {"text", "danger-soft", 4.5}, {"text", "warn-soft", 4.5},
	{"text-2", "bg", 4.5}, {"text-2", "surface", 4.5}, {"text-2", "surface-2", 4.5}, {"text-2", "surface-3", 4.5}, {"text-2", "accent-soft", 4.5}, {"text-2", "warn-soft", 4.5},
	{"text-3", "bg", 4.5}, {"text-3", "surface", 4.5}, {"text-3", "surface-2", 4.5}, {"text-3", "accent-soft", 4.5}, {"text-3", "note-soft", 4.5},
	{"accent", "bg", 4.5}, {"accent", "surface", 4.5}, {"accent", "surface-2", 4.5}, {"accent", "accent-soft", 4.5}, {"on-accent", "accent", 4.5}, {"on-accent", "accent-hover", 4.5}, {"on-accent-soft", "accent-soft", 4.5},
	{"ok", "surface", 4.5}, {"ok", "ok-soft", 4.5}, {"warn", "surface", 4.5}, {"warn", "warn-soft", 4.5}, {"danger", "surface", 4.5}, {"danger", "danger-soft", 4.5}, {"danger", "surface-2", 4.5}, {"danger", "accent-soft", 4.5},
	{"ai", "surface", 4.5}, {"ai", "ai-soft", 4.5}, {"on-ai-soft", "ai-soft", 4.5}, {"note", "surface", 4.5}, {"note", "note-soft", 4.5}, {"note-soft", "note", 4.5},
	{"sms", "sms-soft", 4.5}, {"email", "email-soft", 4.5}, {"portal", "portal-soft", 4.5}, {"on-rail", "rail", 4.5}, {"glow", "rail", 3},
	{"line-strong", "surface", 3}, {"line-strong", "bg", 3}, {"accent", "surface-3", 3},
}

func TestColoursHaveContrastInBothSchemes(t *testing.T) {
	css := string(parsed(t).assets.files["css/app.css"].plain)
	token := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+):\s*light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)`).FindAllStringSubmatch(css, -1) {
		token[m[1]] = [2]string{m[2], m[3]}
	}
	for _, p := range pairs {
		text, ok := token[p.text]
		ground, found := token[p.ground]
		if !ok || !found {
			t.Errorf("%s on %s: there is no such colour", p.text, p.ground)
			continue
		}
		for i, scheme := range []string{"light", "dark"} {
			if r := contrast(text[i], ground[i]); r < p.min {
				t.Errorf("%s on %s, %s: %.2f, needs %.1f", p.text, p.ground, scheme, r, p.min)
			}
		}
	}
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	var c [3]float64
	for i := range c {
		v, _ := strconv.ParseUint(hex[i*2:i*2+2], 16, 8)
		if c[i] = float64(v) / 255; c[i] <= 0.04045 {
			c[i] /= 12.92
		} else {
			c[i] = math.Pow((c[i]+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
}
