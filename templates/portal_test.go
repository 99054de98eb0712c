package templates

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
)

func examplePortal(title, section string, now time.Time) PortalShell {
	return PortalShell{Title: title, Business: "Brightwater Plumbing", Initials: "BP", Section: section, CallHref: "tel:+14155550100", CallText: "+1 415 555 0100",
		Name: "Priya", Contact: 3, Unread: 2, Rev: 41, Today: now.Format("20060102")}
}

func examplePortalRows(now time.Time) []PortalRow {
	at := func(ago time.Duration) Stamp { return NewStamp(now.Add(-ago), now) }
	return []PortalRow{
		{ID: 901, Rev: 30, Href: "/portal/c/901", Title: "Boiler replacement", About: "Job #1042", Who: "Sam", Preview: "I can be with you tomorrow", At: at(3 * time.Minute), Unread: 2, Current: true},
		{ID: 902, Rev: 12, Href: "/portal/c/902", Title: "Brightwater Plumbing", Who: "Assistant (automatic)", Preview: "The office opens at eight", At: at(30 * time.Hour), AI: true},
		{ID: 903, Rev: 50, Gone: true},
	}
}

func examplePortalItems(now time.Time) PortalItems {
	at := func(ago time.Duration) Stamp { return NewStamp(now.Add(-ago), now) }
	return PortalItems{
		{Day: "Yesterday", Message: PortalMessage{ID: 1, Rev: 5, AI: true, Who: "Assistant (automatic)", Key: "ai0", Body: "The office opens at 08:00.", At: at(26 * time.Hour)}},
		{Day: "Today", Message: PortalMessage{ID: 2, Rev: 6, Into: "#log-901 .msgs", Mine: true, Who: "You", Key: "contact3", ClientID: "0f", Body: "The boiler knocks, see https://example.com/a", At: at(time.Hour), State: "Read by Sam 11:50", StateFull: "Delivered 11:31 · Read by Sam 11:50"}},
		{New: true, Message: PortalMessage{ID: 3, Rev: 7, Unseen: true, Who: "Sam", Role: "Owner", Key: "staff1", Body: strings.Repeat("A long answer. ", 120), At: at(time.Minute),
			Files: []Attachment{{Name: "quote.pdf", Type: "application/pdf", Href: "/portal/file/7", Size: "80 KB"}, {Name: "tap.jpg", Href: "/portal/file/8", Thumb: "/portal/file/8/thumb"}, {Arriving: true}, {Lost: "lost"}}, Failure: "We could not text you this at •••0134.", FixHref: "/portal/settings#reach"}},
	}
}

func examplePortalForm() PortalComposer {
	return PortalComposer{Action: "/portal/c/901/reply", Conv: 901, Business: "Brightwater Plumbing", Body: "Yes please", Client: "0f", Error: "Write something first.", CallHref: "tel:+14155550100", CallText: "+1 415 555 0100", Files: exampleRule()}
}

// exampleRule is that of photos, with one in the form.
func exampleRule() FileRule {
	up := Upload{ID: 8, Attachment: Attachment{Name: "tap.jpg", Type: "image/jpeg", Href: "/portal/file/8", Thumb: "/portal/file/8/thumb", Size: "2 MB", Photo: true}}
	return FileRule{Picker: Picker{Most: 5, MaxSize: 10 << 20, MaxText: "10 MB", Accept: ".jpg,.png", Alone: true, Photos: true, URL: "/portal/c/901/files", Uploads: []Upload{up}}, Hint: "Up to 5 photos"}
}

func examplePortalTalk(now time.Time) PortalTalk {
	return PortalTalk{PortalShell: examplePortal("Boiler replacement", "messages", now), ID: 901, Heading: "Boiler replacement", About: "Job #1042", Items: examplePortalItems(now),
		Older: "/portal/c/901/older?before=1", Newer: "/portal/c/901?after=3", Newest: 3, Rows: examplePortalRows(now)[:2], Composer: examplePortalForm()}
}

// fullPortal gives every page and fragment of the portal with everything in it.
func fullPortal(now time.Time) map[string]any {
	rows, items := examplePortalRows(now), examplePortalItems(now)
	shell := func(title, section string) PortalShell { return examplePortal(title, section, now) }
	option := []PortalOption{{"", "As usual", "The way that fits the conversation", true}, {"nothing", "Stop everything", "Neither texts nor emails", false}}
	return map[string]any{
		"p-enter": PortalEnter{PortalShell: shell("Your messages", ""), Hello: "Priya", Action: "/m/abc", NeedsCode: true, CodeTo: "•••0134", CodeSent: true, Error: "This code is not right, or too old."},
		"p-ask":   PortalAsk{PortalShell: shell("Your messages", ""), Address: "priya", Error: "This is neither an email address nor a phone number."},
		"p-home":  PortalHome{PortalShell: shell("Home", "home"), News: rows[:1], Others: rows[1:2], CanNew: true},
		"p-embed": PortalHome{PortalShell: shell("Messages", "home"), News: rows[:1]},
		"p-list":  PortalList{PortalShell: shell("Messages", "messages"), Rows: rows, CanNew: true},
		"p-talk":  examplePortalTalk(now),
		"p-search": PortalSearch{PortalShell: shell("Search", "messages"), Query: "boiler", From: "Sam", After: "2026-11-01", Until: "2026-11-30", Asked: true, More: "/portal/search?before=3",
			Hits: []PortalHit{{"/portal/c/901?at=3#m-3", "Boiler replacement", "Sam", NewStamp(now, now), []bridge.Piece{{Text: "the "}, {Text: "boiler", Mark: true}}}}},
		"p-new": PortalNew{PortalShell: shell("New message", "messages"), Choices: []PortalChoice{{"topic:3", "Project #7 Kitchen", true, exampleRule()}, {"customer:0", "Anything else", false, FileRule{}}}, Chosen: "topic:3", Files: exampleRule(),
			Subject: "Tiles", NeedsSubject: true, Body: "Hello", Client: "0f", Error: "It needs a subject.", Field: "subject"},
		"p-settings": PortalSettings{PortalShell: shell("Settings", "settings"), Told: option, Languages: []PortalOption{{"en", "English", "", true}}, Saved: true, Error: "Choose one of the languages.",
			Addresses: []PortalAddress{{"Mobile", "+1 415 555 0134", "Landline: it cannot receive texts"}}, Devices: []PortalDevice{{"Chrome on Android", NewStamp(now, now), true}},
			CanReach: true, Client: "0f", Reach: "+1 415", ReachError: "This is neither an email address nor a phone number."},
		"p-word":    PortalWord{PortalShell: shell("Stop these emails", ""), Heading: "Stop these emails?", Text: "You get no more.", Action: "/u/x", Button: "Stop", Href: "/portal", Link: "My messages"},
		"p-changes": PortalChanges{Unread: 2, Rows: rows, Items: []PortalMessage{items[1].Message}, Badge: true},
		"p-uploads": PortalUploads{Uploads: exampleRule().Uploads}, "p-items": items, "p-said": items[2].Message, "p-form": examplePortalForm(),
	}
}

func TestPortalFragmentsCarryWhatTheBrowserPlacesThemBy(t *testing.T) {
	html := render(t, parsed(t), "p-changes", fullPortal(noon)["p-changes"])
	for _, want := range []string{
		`<span class="badge count" id="p-unread">2<`, `<h2 id="news">2 new messages</h2>`,
		fmt.Sprintf(`id="row-901" data-into="#prows" data-sort="%d" data-rev="30" data-unread="2"`, noon.Add(-3*time.Minute).UnixMilli()),
		`id="row-903"`, `data-op="remove"`, `data-client="0f" data-into="#log-901 .msgs"`, `href="https://example.com/a"`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no %s in\n%s", want, html)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^<(\w+)`).FindAllStringSubmatch(html, -1) {
		if m[1] != "li" && m[1] != "span" && m[1] != "h2" && m[1] != "div" {
			t.Errorf("<%s> stands at the top", m[1])
		}
	}
	if strings.Contains(html, "<textarea") {
		t.Error("changes would replace the text that somebody is writing")
	}
}

func TestPortalPagesHaveLandmarksAndLabels(t *testing.T) {
	s := parsed(t)
	views := fullPortal(noon)
	for name, wants := range map[string][]string{
		"p-talk":     {`<main class="pthread" id="main"`, `class="skip" href="#main"`, `role="log" aria-live="off"`, `id="announce" class="vh" role="status"`, `<aside class="pside" aria-label="All messages">`, `aria-current="page"`, `role="alert"`, `aria-label="Message Brightwater Plumbing"`},
		"p-list":     {`<main`, `<nav class="pnav" aria-label="Portal">`, `<h1>Messages</h1>`, `aria-current="page"`},
		"p-new":      {`<h1>New message</h1>`, `role="alert" id="problem"`, `aria-invalid="true" aria-describedby="problem"`},
		"p-settings": {`<legend>`, `id="reach"`, `aria-describedby="reachproblem"`, `role="status"`},
		"p-enter":    {`autocomplete="one-time-code"`, `inputmode="numeric"`, `aria-describedby="problem"`},
		"p-embed":    {`<base target="_top">`, `aria-labelledby="news"`, `href="/portal/messages"`},
	} {
		html := render(t, s, name, views[name])
		for _, want := range wants {
			if !strings.Contains(html, want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
		if n := strings.Count(html, "<h1"); n != 1 {
			t.Errorf("%s: %d headings of the first rank", name, n)
		}
		for _, m := range regexp.MustCompile(`<(input|textarea|select)[^>]*>`).FindAllString(html, -1) {
			if strings.Contains(m, `type="hidden"`) || strings.Contains(m, "aria-label=") {
				continue
			}
			if at := strings.Index(html, m); strings.LastIndex(html[:at], "<label") < strings.LastIndex(html[:at], "</label>") {
				t.Errorf("%s: no label for %s", name, m)
			}
		}
	}
}

// requests are what a browser asks for before anybody does anything.
func requests(html string) map[string]bool {
	out := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:href|src)="(/assets/[^"#]+)`).FindAllStringSubmatch(html, -1) {
		out[m[1]] = true
	}
	return out
}

// maxTalk and maxRequests bound what a conversation costs on a slow phone: all that
// comes over the wire without attachments, in bytes, and the number of requests.
const (
	maxTalk     = 60 << 10
	maxRequests = 6
)

func TestConversationInThePortalStaysInItsBudget(t *testing.T) {
	s := parsed(t)
	page := examplePortalTalk(noon)
	for i := len(page.Items); i < 50; i++ {
		it := page.Items[i%3]
		it.Message.ID, it.Message.Body = bridge.MessageID(1000+i), fmt.Sprintf("%d of many words: %x %x, and so on.", i, i*7919, i*104729)
		page.Items = append(page.Items, it)
	}
	for i := len(page.Rows); i < 30; i++ {
		r := page.Rows[i%2]
		r.ID, r.Preview = bridge.ConversationID(2000+i), fmt.Sprintf("Preview %d %x", i, i*7919)
		page.Rows = append(page.Rows, r)
	}
	html := render(t, s, "p-talk", page)
	all := requests(html)
	total, js := len(compress([]byte(html))), 0
	for path := range all {
		name := strings.TrimPrefix(path, AssetPrefix+s.assets.hash+"/")
		f := s.assets.files[name]
		total += len(f.gzip())
		if strings.HasSuffix(name, ".js") {
			js += len(f.gzip())
		}
		t.Logf("%6d %s", len(f.gzip()), name)
	}
	t.Logf("%6d the page\n%6d in %d requests, %d of them scripts", len(compress([]byte(html))), total, len(all)+1, js)
	if total > maxTalk || len(all)+1 > maxRequests || js > 8<<10 || js == 0 {
		t.Errorf("%d bytes (at most %d) in %d requests (at most %d), scripts %d (at most %d)", total, maxTalk, len(all)+1, maxRequests, js, 8<<10)
	}
	if css := len(s.assets.files["css/portal.css"].gzip()); css > 13<<10 {
		t.Errorf("the style of the portal is %d bytes gzipped", css)
	}
}

func TestStampsSpeakSpanish(t *testing.T) {
	for _, c := range []struct {
		at                    time.Time
		text, short, dayLabel string
	}{
		{noon.Add(-time.Hour), "11:30", "11:30", "Hoy"},
		{noon.Add(-13 * time.Hour), "sáb 21 nov, 23:30", "sáb", "Ayer"},
		{noon.AddDate(0, 0, -3), "jue 19 nov, 12:30", "jue", "jueves 19 de noviembre"},
		{noon.AddDate(0, -6, 0), "vie 22 mayo, 12:30", "22 mayo", "viernes 22 de mayo"},
		{noon.AddDate(-1, -8, 0), "22 mar 2025, 12:30", "22 mar 2025", "sábado 22 de marzo de 2025"},
	} {
		s := Words("es").Stamp(c.at, noon)
		if s.Text != c.text || s.Short != c.short || s.DayLabel != c.dayLabel {
			t.Errorf("%v: %q %q %q, want %q %q %q", c.at, s.Text, s.Short, s.DayLabel, c.text, c.short, c.dayLabel)
		}
	}
	year := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	english := regexp.MustCompile(`(?i)monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|june|july|august|october|december`)
	for d := range 366 {
		if s := Words("es").Stamp(year.AddDate(0, 0, d), year.AddDate(2, 0, 0)); english.MatchString(s.DayLabel + s.Full + s.Text) {
			t.Errorf("%+v is not Spanish", s)
		}
	}
	if got, want := Words("").Stamp(noon, noon.AddDate(0, 0, 9)), NewStamp(noon, noon.AddDate(0, 0, 9)); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}
