package bridge

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestASearchIsReadAsPeopleTypeIt(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	begins, whole := func(s string) SearchWord { return SearchWord{s, true} }, func(s string) SearchWord { return SearchWord{s, false} }
	for typed, want := range map[string]Search{
		"":                 {},
		"boil":             {Words: []SearchWord{begins("boil")}},
		"boiler ":          {Words: []SearchWord{whole("boiler")}},
		"boiler leak":      {Words: []SearchWord{whole("boiler"), begins("leak")}},
		"boil* leak ":      {Words: []SearchWord{begins("boil"), whole("leak")}},
		`"boiler leak"`:    {Phrases: []string{"boiler leak"}},
		`"boiler"`:         {Words: []SearchWord{whole("boiler")}},
		`tap "hot  water"`: {Words: []SearchWord{whole("tap")}, Phrases: []string{"hot water"}},
		`"never closed`:    {Phrases: []string{"never closed"}},
		`from:maya in:#1042 channel:SMS after:2026-03-01 before:2026-04 has:photo is:failed`: {From: "maya", Record: "1042", Channel: SMS,
			After: day(2026, 3, 1), Before: day(2026, 4, 1), HasPhoto: true, Failed: true},
		`From:"Priya Raman" gauge `: {From: "Priya Raman", Words: []SearchWord{whole("gauge")}},
		"after:soon":                {Words: []SearchWord{begins("after:soon")}},
		"channel:fax ":              {Words: []SearchWord{whole("channel:fax")}},
		"re:boiler ":                {Words: []SearchWord{whole("re:boiler")}},
		"from: x ":                  {Words: []SearchWord{whole("from:"), whole("x")}},
		"( AND ) * - \" OR":         {Words: []SearchWord{whole("AND"), whole("OR")}},
		"https://example.com ":      {Words: []SearchWord{whole("https://example.com")}},
		"+14155550134":              {Words: []SearchWord{begins("+14155550134")}},
	} {
		if got := ParseSearch(typed, time.UTC); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as\n%+v, want\n%+v", typed, got, want)
		}
	}
}

func TestASnippetStandsAroundWhatWasFound(t *testing.T) {
	long := strings.Repeat("so many words here ", 20)
	for _, tc := range []struct{ text, mark, want string }{
		{"The boiler leaks", "boiler", "The [boiler] leaks"},
		{"no mark", "", "no mark"},
		{"line\nboiler\nline", "boiler", "line [boiler] line"},
		{long + "boiler at the end", "boiler", "…so many words here so many words here [boiler] at the end"},
	} {
		var marks []Span
		if i := strings.Index(tc.text, tc.mark); tc.mark != "" {
			marks = []Span{{i, i + len(tc.mark)}}
		}
		var got string
		for _, p := range NewSnippet(tc.text, marks) {
			if p.Mark {
				p.Text = "[" + p.Text + "]"
			}
			got += p.Text
		}
		if got != tc.want {
			t.Errorf("%q", got)
		}
	}
	if got := NewSnippet(long, nil); len(got) != 2 || utf8.RuneCountInString(got[0].Text) != snippetLength {
		t.Errorf("%v", got)
	}
}

func FuzzParseSearch(f *testing.F) {
	for _, s := range []string{`boiler "hot water" from:maya`, `"`, `from:"`, "a* ", `is:failed has:photo after:2026-02-30`, "in:#", "日本語 ключ", `from:""x`, "\x00\xff*", `"` + strings.Repeat("a", 201) + ` b" c`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		s := ParseSearch(typed, time.UTC)
		if again := ParseSearch(s.String(), time.UTC); !reflect.DeepEqual(again, s) {
			t.Errorf("%q is read as %+v, and when printed as %q as %+v", typed, s, s.String(), again)
		}
		var marks []Span
		if len(typed) > 2 && utf8.ValidString(typed[:1]) && utf8.ValidString(typed) {
			marks = []Span{{0, 1}}
		}
		var whole string
		for _, p := range NewSnippet(typed, marks) {
			whole += p.Text
		}
		if utf8.ValidString(typed) && !utf8.ValidString(whole) {
			t.Errorf("%q is cut within a character: %q", typed, whole)
		}
	})
}
