// Package templates turns typed views into pages and fragments of HTML, and
// serves the assets that they need. Everything is embedded and parsed once, so
// that a page which starts can only fail at its reader's end.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"strings"
	"unicode/utf8"

	"porchlight/bridge"
)

//go:embed staff shared portal mail assets
var embedded embed.FS

// pages and fragments say which view each template takes. A test executes all.
var (
	pages = union(map[string]reflect.Type{
		"inbox":     reflect.TypeFor[InboxPage](),
		"login":     reflect.TypeFor[LoginPage](),
		"welcome":   reflect.TypeFor[WelcomePage](),
		"error":     reflect.TypeFor[ErrorPage](),
		"simulator": reflect.TypeFor[SimulatorPage](),
		"mailbox":   reflect.TypeFor[MailboxPage](),
		"gallery":   reflect.TypeFor[Gallery](),
		"new":       reflect.TypeFor[NewPage](),
		"place":     reflect.TypeFor[PlacePage](),
		"add":       reflect.TypeFor[AddPage](),
	}, peoplePages, settingsPages, portalPages)
	fragments = union(map[string]reflect.Type{
		"changes":  reflect.TypeFor[Changes](),
		"rows":     reflect.TypeFor[[]Row](),
		"hits":     reflect.TypeFor[Found](),
		"items":    reflect.TypeFor[[]Item](),
		"message":  reflect.TypeFor[Message](),
		"composer": reflect.TypeFor[Composer](),
		"uploads":  reflect.TypeFor[[]Upload](),
		"handset":  reflect.TypeFor[SimulatorPage](),
		"mails":    reflect.TypeFor[MailboxPage](),
		"newform":  reflect.TypeFor[NewPage](),
		"placing":  reflect.TypeFor[PlacePage](),
		"adding":   reflect.TypeFor[AddPage](),
	}, peopleFragments, settingsFragments, portalFragments)
)

func union(all ...map[string]reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// A Set is every template with its assets. It is safe for use by many goroutines.
type Set struct {
	tree   *template.Template
	mails  mails
	assets assets
}

// Parse reads the embedded templates and assets.
func Parse() (*Set, error) { return ParseFS(embedded) }

// ParseFS reads templates and assets from fsys, which has the folders staff,
// portal, shared, mail and assets: during development the folder on disk.
func ParseFS(fsys fs.FS) (*Set, error) {
	static, err := readAssets(fsys)
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	s := &Set{assets: static}
	s.tree, err = template.New("").Option("missingkey=error").Funcs(s.funcs()).ParseFS(fsys, "shared/*.html", "staff/*.html", "portal/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	if s.mails, err = parseMails(fsys); err != nil {
		return nil, fmt.Errorf("parse mails: %w", err)
	}
	for _, names := range []map[string]reflect.Type{pages, fragments} {
		for name := range names {
			if s.tree.Lookup(name) == nil {
				return nil, fmt.Errorf("parse templates: there is no template %q", name)
			}
		}
	}
	return s, nil
}

// Page writes a whole document. Nothing is written when it fails.
func (s *Set) Page(w io.Writer, name string, view any) error {
	return s.render(w, "page", pages, name, view)
}

// Fragment writes the elements that a page puts in their places. Nothing is
// written when it fails.
func (s *Set) Fragment(w io.Writer, name string, view any) error {
	return s.render(w, "fragment", fragments, name, view)
}

func (s *Set) render(w io.Writer, kind string, of map[string]reflect.Type, name string, view any) error {
	want, ok := of[name]
	if !ok {
		return fmt.Errorf("render: there is no %s %q", kind, name)
	}
	if got := reflect.TypeOf(view); got != want {
		return fmt.Errorf("render %s %q: it takes %v, not %v", kind, name, want, got)
	}
	var b bytes.Buffer
	if err := s.tree.ExecuteTemplate(&b, name, view); err != nil {
		return fmt.Errorf("render %s %q: %w", kind, name, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (s *Set) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":  s.URL,
		"icon":   s.icon,
		"picon":  s.drawn,
		"text":   linked,
		"first":  func(body string) string { first, _ := fold(body); return first },
		"rest":   func(body string) string { _, rest := fold(body); return rest },
		"call":   call,
		"alone":  func(m Message) Item { return Item{Message: m} },
		"put":    func(into string, m Message) Item { m.Into = into; return Item{Message: m} },
		"items":  NewItems,
		"plain":  func(older string) string { return strings.NewReplacer("/older?", "?", "/later?", "?").Replace(older) },
		"pretty": bridge.PrettyAddress,
	}
}

// icon is one symbol of icons.svg. It is decoration: a word stands beside it.
func (s *Set) icon(name string) template.HTML {
	if name == "" || strings.IndexFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) >= 0 {
		return ""
	}
	return template.HTML(`<svg class="i" aria-hidden="true"><use href="` + s.URL("icons.svg") + `#` + name + `"/></svg>`)
}

// drawn is an icon drawn into the page itself: the portal's pages have few, and a
// file of icons would be one more request on a slow phone.
func (s *Set) drawn(name string) template.HTML {
	return template.HTML(`<svg class="i" viewBox="0 0 24 24" aria-hidden="true">` + s.assets.symbols[name] + `</svg>`)
}

// call lets tel: links through, which html/template would replace, and nothing else.
func call(href string) template.URL {
	number, ok := strings.CutPrefix(href, "tel:")
	if !ok || strings.IndexFunc(number, func(r rune) bool { return !strings.ContainsRune("+0123456789-", r) }) >= 0 {
		return "#"
	}
	return template.URL(href)
}

// foldAt is the length in bytes from which a body is folded: about 20 lines of a bubble.
const foldAt = 1200

// fold cuts a very long body between words.
func fold(body string) (first, rest string) {
	if len(body) <= foldAt+200 {
		return body, ""
	}
	cut := strings.LastIndexAny(body[:foldAt], " \n")
	if cut < foldAt/2 {
		for cut = foldAt; cut > 0 && !utf8.RuneStart(body[cut]); {
			cut--
		}
	}
	return body[:cut], body[cut:]
}

// linked escapes a body and makes its web addresses links. They open outside
// the inbox and tell the other side nothing about it.
func linked(body string) template.HTML {
	var b strings.Builder
	for body != "" {
		at := nextLink(body)
		if at < 0 {
			break
		}
		end := at + strings.IndexFunc(body[at:]+" ", func(r rune) bool { return r <= ' ' || strings.ContainsRune("<>\"\u00a0", r) })
		url := strings.TrimRight(body[at:end], ".,;:!?'’”)]}")
		template.HTMLEscape(&b, []byte(body[:at]))
		b.WriteString(`<a target="_blank" rel="noopener noreferrer nofollow" href="`)
		template.HTMLEscape(&b, []byte(url))
		b.WriteString(`">`)
		template.HTMLEscape(&b, []byte(url))
		b.WriteString(`</a>`)
		body = body[at+len(url):]
	}
	template.HTMLEscape(&b, []byte(body))
	return template.HTML(b.String())
}

// nextLink finds the next web address that has something after its scheme.
func nextLink(s string) int {
	best := -1
	for _, scheme := range []string{"https://", "http://"} {
		for from := 0; ; {
			i := strings.Index(s[from:], scheme)
			if i < 0 {
				break
			}
			at, after := from+i, from+i+len(scheme)
			if after < len(s) && (s[after] >= '0' && s[after] <= '9' || s[after]|0x20 >= 'a' && s[after]|0x20 <= 'z') {
				if best < 0 || at < best {
					best = at
				}
				break
			}
			from = after
		}
	}
	return best
}

// groupWithin is how far apart bubbles of one author may be to stand as one group.
const groupWithin = 5 * 60 * 1000 // ms

// NewItems puts day separators before messages and groups bubbles of one author
// and channel, in the way that regroup in fragments.js does it again on arrivals.
func NewItems(ms []Message) []Item {
	out := make([]Item, len(ms))
	for i, m := range ms {
		out[i].Message = m
		if i == 0 || ms[i-1].At.Day != m.At.Day {
			out[i].Day = m.At.DayLabel
			continue
		}
		prev := ms[i-1]
		out[i].Grouped = m.Side != "event" && m.Key == prev.Key && prev.Side == m.Side && prev.Failure == nil &&
			m.At.Sort-prev.At.Sort < groupWithin
	}
	return out
}
