package templates

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
)

var noticeKinds = []bridge.NoticeKind{bridge.NoticeMessage, bridge.NoticeAlert, bridge.NoticeLink, bridge.NoticeCode, bridge.NoticeTest}

func set(t *testing.T) *Set {
	t.Helper()
	s, err := Parse()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fullNotice(kind bridge.NoticeKind) bridge.Notice {
	at := time.Date(2026, 11, 21, 16, 4, 0, 0, time.UTC)
	return bridge.Notice{
		Kind: kind, To: "Priya", Zone: time.FixedZone("PST", -8*3600), Title: "Boiler replacement (job #1042)", Urgent: true,
		Business: bridge.Sender{Name: "Brightwater Plumbing", Phone: "+14155550100", Address: "1 Canal Street, Westbrook", Color: "#0a665a"},
		Messages: []bridge.NoticeItem{
			{Author: "Brightwater", Automatic: true, At: at, Body: "We are closed now."},
			{Author: "Sam Ortiz", At: at, Body: "Morning Priya,\nI can be with you tomorrow. See https://example.com/a?b=1&c=2.", Photos: 3, Files: 1},
		},
		Link: "https://inbox.example.com/m/7Kq2", LinkUntil: at.AddDate(0, 1, 0), Code: "123456", CallText: "+14155550199",
		Unsubscribe: "https://inbox.example.com/u/abc", Settings: "https://inbox.example.com/m/settings",
	}
}

func mailOf(t *testing.T, n bridge.Notice) bridge.Letter {
	t.Helper()
	l, err := set(t).Mail(n)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestMailAboutAMessageInFull(t *testing.T) {
	l := mailOf(t, fullNotice(bridge.NoticeMessage))
	if l.From != "Sam Ortiz at Brightwater Plumbing" || l.Subject != "Boiler replacement (job #1042)" {
		t.Errorf("from %q, subject %q", l.From, l.Subject)
	}
	const want = `Brightwater (automatic), Sat 21 Nov, 08:04:

We are closed now.

Sam Ortiz, Sat 21 Nov, 08:04:

Morning Priya,
I can be with you tomorrow. See https://example.com/a?b=1&c=2.
[3 photos, 1 file]

Read and answer:
https://inbox.example.com/m/7Kq2

Please answer there: answers are read in the portal, not by email.

This is your private link until 21 Dec 2026. Please do not forward it.

Is it urgent? Call +1 415 555 0199.

-- 
You get this email because you have a conversation with Brightwater Plumbing.
Choose how you are told: https://inbox.example.com/m/settings
Unsubscribe: https://inbox.example.com/u/abc
Brightwater Plumbing, 1 Canal Street, Westbrook, +1 415 555 0100
`
	if l.Text != want {
		t.Errorf("got:\n%s\nwant:\n%s", l.Text, want)
	}
	for _, part := range []string{
		`href="https://inbox.example.com/m/7Kq2"`, "Read and answer", "I can be with you tomorrow.", "Morning Priya,<br>", "3 photos, 1 file",
		`background:#0a665a`, "do not forward", "Unsubscribe", "1 Canal Street", "prefers-color-scheme:dark", "min-height:20px;",
		`href="https://example.com/a?b=1&amp;c=2"`,
	} {
		if !strings.Contains(l.HTML, part) {
			t.Errorf("the page has no %q", part)
		}
	}
}

func TestEachKindOfMailSaysItsOwnThing(t *testing.T) {
	for kind, want := range map[bridge.NoticeKind]struct{ from, subject, text string }{
		bridge.NoticeAlert: {"Sam Ortiz via Brightwater Plumbing", "Urgent: Sam Ortiz, Boiler replacement (job #1042)", "Open in the inbox"},
		bridge.NoticeLink:  {"Brightwater Plumbing", "Your link to your messages with Brightwater Plumbing", "https://inbox.example.com/m/7Kq2"},
		bridge.NoticeCode:  {"Brightwater Plumbing", "Your code for Brightwater Plumbing", "123456"},
		bridge.NoticeTest:  {"Brightwater Plumbing", "A test email from Brightwater Plumbing", "This is a test."},
	} {
		l := mailOf(t, fullNotice(kind))
		if l.From != want.from || l.Subject != want.subject || !strings.Contains(l.Text, want.text) || !strings.Contains(l.HTML, want.text) {
			t.Errorf("%s: from %q, subject %q\n%s", kind, l.From, l.Subject, l.Text)
		}
	}
}

// What no mail may have: a way to learn when it was read, anything to load, and a
// promise that an answer to it is read.
func TestNoMailTracksLoadsOrPromisesToReadAnswers(t *testing.T) {
	for _, kind := range noticeKinds {
		for _, lang := range []string{"", "es-MX"} {
			n := fullNotice(kind)
			n.Language = lang
			l := mailOf(t, n)
			for _, bad := range []string{"<img", "url(", "<script", "<link", "@import", "src=", "eply to this", "bove this line", "%!s", "%!d", "%!(", "ZgotmplZ"} {
				if strings.Contains(l.HTML+l.Text+l.Subject, bad) {
					t.Errorf("%s in %q has %q", kind, lang, bad)
				}
			}
			if kind != bridge.NoticeLink && kind != bridge.NoticeMessage && strings.Count(l.HTML, n.Link) > 1 {
				t.Errorf("%s has the link more than once", kind)
			}
		}
	}
}

func TestMailOfNothingIsStillAMail(t *testing.T) {
	for _, kind := range noticeKinds {
		l := mailOf(t, bridge.Notice{Kind: kind})
		if l.From != "Porchlight" || l.Subject == "" || strings.TrimSpace(l.Text) == "" || !strings.HasSuffix(l.HTML, "</html>\n") {
			t.Errorf("%s: from %q, subject %q, text %q", kind, l.From, l.Subject, l.Text)
		}
		for _, bad := range []string{`href=""`, "<no value>", "1 Jan 1"} {
			if strings.Contains(l.HTML+l.Text, bad) {
				t.Errorf("%s has %q:\n%s", kind, bad, l.HTML)
			}
		}
	}
	if _, err := set(t).Mail(bridge.Notice{Kind: "nonsense"}); err == nil {
		t.Error("a kind that there is not was put into words")
	}
	if _, err := set(t).Mail(bridge.Notice{Kind: "layout.html"}); err == nil {
		t.Error("a file is no kind")
	}
}

func TestMailEscapesWhatPeopleWrote(t *testing.T) {
	n := fullNotice(bridge.NoticeMessage)
	evil := `<script>alert(1)</script>"'&`
	n.To, n.Title, n.Business.Name, n.Business.Address, n.Business.Color, n.Code = evil, evil, evil, evil, `red;}</style>`+evil, evil
	n.Messages = []bridge.NoticeItem{{Author: evil, Body: evil + "\n" + evil}}
	n.Link, n.Settings = "javascript:alert(1)", `"><script>`
	for _, kind := range noticeKinds {
		n.Kind = kind
		l := mailOf(t, n)
		if strings.Contains(l.HTML, "<script") || strings.Contains(l.HTML, `href="javascript`) || strings.Count(l.HTML, "</style>") != 1 {
			t.Errorf("%s:\n%s", kind, l.HTML)
		}
	}
	if l := mailOf(t, n); !strings.Contains(l.Text, n.Business.Name) {
		t.Error("the text part is not HTML, and yet it was escaped")
	}
}

func TestVeryLongConversationMakesAShortMail(t *testing.T) {
	n := fullNotice(bridge.NoticeMessage)
	for range 100 {
		n.Messages = append(n.Messages, bridge.NoticeItem{Author: "Sam Ortiz", At: time.Unix(0, 0), Body: strings.Repeat("\"👍' & <b> ", 500)})
	}
	l := mailOf(t, n)
	if len(l.HTML) > 30<<10 || len(l.Text) > 30<<10 {
		t.Errorf("%d bytes of HTML, %d of text", len(l.HTML), len(l.Text))
	}
	if !strings.Contains(l.Text, "There are earlier messages, too.") || !strings.Contains(l.Text, "The whole message is behind the link.") {
		t.Errorf("it does not say that it was cut:\n%s", l.Text)
	}
}

// A message that is marked sensitive comes without its body.
func TestMessageWithoutABodyIsReadBehindTheButton(t *testing.T) {
	n := fullNotice(bridge.NoticeMessage)
	n.Messages = []bridge.NoticeItem{{Author: "Sam"}}
	l := mailOf(t, n)
	if !strings.Contains(l.HTML, "The whole message is behind the button.") || !strings.Contains(l.Text, "The whole message is behind the link.") {
		t.Error(l.Text)
	}
}

func TestMailInSpanish(t *testing.T) {
	n := fullNotice(bridge.NoticeMessage)
	n.Language = "es"
	l := mailOf(t, n)
	if l.From != "Sam Ortiz de Brightwater Plumbing" || !strings.Contains(l.Text, "Sam Ortiz, sáb 21 nov, 08:04:") || !strings.Contains(l.HTML, `lang="es"`) ||
		!strings.Contains(l.Text, "hasta el 21 dic 2026") || !strings.Contains(l.Text, "[3 fotos, 1 archivo]") {
		t.Errorf("from %q\n%s", l.From, l.Text)
	}
}

func TestEveryWordOfAMailIsSpanishToo(t *testing.T) {
	used := map[string]bool{}
	say := regexp.MustCompile(`\.T (?:\(or )?"([^"]+)"|\.T\("([^"]+)"|count\([^,]+, "([^"]+)", "([^"]+)"\)`)
	find := func(text string) {
		for _, m := range say.FindAllStringSubmatch(text, -1) {
			for _, word := range m[1:] {
				if word != "" {
					used[word] = true
				}
			}
		}
	}
	for _, name := range []string{"mail/layout.html", "mail/kinds.html", "mail/kinds.txt"} {
		text, err := fs.ReadFile(embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		find(string(text))
	}
	source, err := os.ReadFile("mail.go")
	if err != nil {
		t.Fatal(err)
	}
	find(string(source))
	for day := range 366 {
		at := time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)
		used[at.Format("Jan")], used[at.Format("Mon")] = true, true
	}
	if len(used) < 40 {
		t.Fatalf("only %d texts were found", len(used))
	}
	for word := range used {
		if spanish[word] == "" {
			t.Errorf("%q has no Spanish", word)
		} else if strings.Count(word, "%") != strings.Count(spanish[word], "%") {
			t.Errorf("%q and %q take different values", word, spanish[word])
		}
	}
	for word := range spanish {
		if !used[word] {
			t.Errorf("%q is said nowhere", word)
		}
	}
}

func TestButtonCanBeReadInEveryColour(t *testing.T) {
	for _, color := range []string{"", "#000000", "#ffffff", "#767676", "#777777", "#ff0000", "#00ff00", "#ffff00", "#0a665a", "red", "#12345"} {
		button, text := buttonColors(color)
		if r := Contrast(button, text); r < 4.5 {
			t.Errorf("%s on %s: %.2f", text, button, r)
		}
	}
}
