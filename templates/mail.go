package templates

import (
	"bytes"
	"cmp"
	"fmt"
	html "html/template"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
)

// A mail has two bodies and three lines, each a template of its kind's name:
// "message" in the HTML and in the text, "message.subject", "message.from" and
// "message.why".
type mails struct {
	html *html.Template
	text *template.Template
}

func parseMails(fsys fs.FS) (m mails, err error) {
	if m.html, err = html.New("").Option("missingkey=error").Funcs(html.FuncMap{"pretty": bridge.PrettyAddress, "lines": lines}).ParseFS(fsys, "mail/*.html"); err != nil {
		return m, err
	}
	m.text, err = template.New("").Option("missingkey=error").Funcs(template.FuncMap{"pretty": bridge.PrettyAddress}).ParseFS(fsys, "mail/*.txt")
	return m, err
}

// Bounds of a mail. Programs clip one above 102 KB and people read less; the whole
// conversation is behind the button.
const (
	mailItems = 10   // messages, the newest
	mailRunes = 4000 // of all their bodies
	preheader = 90   // runes that a list of mails shows beside the subject
)

// A mailView is a notice as the templates see it.
type mailView struct {
	bridge.Notice
	Subject, Preheader, Why string
	Lang                    string // of the words: en or es
	// Writer is who wrote the newest message that a person wrote.
	Writer         string
	Items          []mailItem
	Earlier        bool // some messages are not in the mail
	Until          string
	Color, OnColor string
}

type mailItem struct {
	bridge.NoticeItem
	When string
	Cut  bool // the body is not the whole one
	// Attached says what came with it, such as "3 photos".
	Attached string
}

// T is an English text in the reader's language, with its verbs filled in.
func (v mailView) T(english string, args ...any) string { return say(v.Lang, english, args...) }

// A mailButton is the one button of a mail.
type mailButton struct {
	View mailView
	Text string
}

// Button puts a text on the button.
func (v mailView) Button(text string) mailButton { return mailButton{v, text} }

// Greeting is by name where it is known.
func (v mailView) Greeting() string {
	if v.To == "" {
		return v.T("Hello,")
	}
	return v.T("Hello %s,", v.To)
}

// About is what the conversation is about, where the subject is not that already.
func (v mailView) About() string {
	if v.Kind == bridge.NoticeMessage || v.Kind == bridge.NoticeAlert {
		return v.Title
	}
	return ""
}

// Foot is the business as the law wants it at the foot of a mail.
func (v mailView) Foot() string {
	parts := []string{v.Business.Name, v.Business.Address}
	if v.Business.Phone != "" {
		parts = append(parts, bridge.PrettyAddress(v.Business.Phone))
	}
	var b strings.Builder
	for _, p := range parts {
		if p != "" && b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p)
	}
	return b.String()
}

// Mail puts a notice into words.
func (s *Set) Mail(n bridge.Notice) (l bridge.Letter, err error) {
	v := newMailView(n)
	name := string(n.Kind)
	if s.mails.html.Lookup(name) == nil || s.mails.text.Lookup(name) == nil {
		return l, fmt.Errorf("render mail: there is no kind %q", name)
	}
	line := func(which string) string {
		var b strings.Builder
		if e := s.mails.text.ExecuteTemplate(&b, name+which, v); e != nil && err == nil {
			err = fmt.Errorf("render mail %q: %w", name+which, e)
		}
		return strings.TrimSpace(b.String())
	}
	v.Subject, v.Why = line(".subject"), line(".why")
	v.Preheader = v.preheader()
	l = bridge.Letter{From: line(".from"), Subject: v.Subject, Text: line("") + "\n"}
	var page bytes.Buffer
	if e := s.mails.html.ExecuteTemplate(&page, name, v); e != nil && err == nil {
		err = fmt.Errorf("render mail %q: %w", name, e)
	}
	l.HTML = page.String()
	return l, err
}

func newMailView(n bridge.Notice) mailView {
	v := mailView{Notice: n, Lang: "en"}
	if base, _, _ := strings.Cut(strings.ToLower(n.Language), "-"); base == "es" {
		v.Lang = "es"
	}
	v.Business.Name = cmp.Or(n.Business.Name, "Porchlight")
	v.Color, v.OnColor = buttonColors(n.Business.Color)
	if !n.LinkUntil.IsZero() {
		v.Until = v.date(n.LinkUntil, false)
	}
	for _, m := range n.Messages {
		if m.Author != "" && !m.Automatic {
			v.Writer = m.Author
		}
	}
	from := max(0, len(n.Messages)-mailItems)
	v.Earlier = from > 0
	left := mailRunes
	for _, m := range n.Messages[from:] {
		item := mailItem{NoticeItem: m, Attached: v.attached(m)}
		item.Body, item.Cut = shorten(strings.TrimSpace(strings.ToValidUTF8(m.Body, "")), left)
		left -= utf8.RuneCountInString(item.Body)
		if item.Body == "" && item.Attached == "" {
			item.Cut = true // a text that may be read behind the login only
		}
		if !m.At.IsZero() {
			item.When = v.date(m.At, true)
		}
		v.Items = append(v.Items, item)
	}
	return v
}

// shorten cuts a text after so many runes, between words where it can.
func shorten(s string, most int) (string, bool) {
	if utf8.RuneCountInString(s) <= most {
		return s, false
	}
	cut := string([]rune(s)[:max(most, 0)])
	if i := strings.LastIndexAny(cut, " \n"); i > len(cut)/2 {
		cut = cut[:i]
	}
	return strings.TrimSpace(cut), true
}

func (v mailView) attached(m bridge.NoticeItem) string {
	var parts []string
	count := func(n int, one, many string) {
		if n == 1 {
			parts = append(parts, v.T(one))
		} else if n > 1 {
			parts = append(parts, v.T(many, n))
		}
	}
	count(m.Photos, "1 photo", "%d photos")
	count(m.Files, "1 file", "%d files")
	return strings.Join(parts, ", ")
}

// preheader is what a list of mails shows beside the subject.
func (v mailView) preheader() string {
	text := v.Why
	if len(v.Items) > 0 {
		last := v.Items[len(v.Items)-1]
		text = cmp.Or(last.Body, last.Attached, v.Why)
	}
	text, cut := shorten(strings.Join(strings.Fields(text), " "), preheader)
	if cut {
		text += "…"
	}
	return text
}

// date is a moment in the reader's zone: Sat 21 Nov, 08:04, or 21 Dec 2026.
func (v mailView) date(at time.Time, clock bool) string {
	zone := v.Zone
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	day, month := strconv.Itoa(at.Day()), v.T(at.Format("Jan"))
	if !clock {
		return day + " " + month + " " + strconv.Itoa(at.Year())
	}
	return v.T(at.Format("Mon")) + " " + day + " " + month + ", " + at.Format("15:04")
}

// lines is a body with its line breaks and its web addresses.
func lines(body string) html.HTML {
	return html.HTML(strings.ReplaceAll(string(linked(body)), "\n", "<br>\n"))
}

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// buttonColors are the business's colour and what is read best on it: black or
// white, of which one always reaches the 4.5 of WCAG.
func buttonColors(color string) (button, text string) {
	if !hexColor.MatchString(color) {
		color = "#1f57c3"
	}
	if Contrast(color, "#ffffff") >= Contrast(color, "#000000") {
		return color, "#ffffff"
	}
	return color, "#000000"
}

// Contrast is the ratio of WCAG 2 between two colours such as #1f57c3, from 1 to 21.
func Contrast(a, b string) float64 {
	x, y := relativeLuminance(a), relativeLuminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func relativeLuminance(color string) float64 {
	n, _ := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 32)
	part := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}
