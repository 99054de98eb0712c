package sms

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

type counted struct {
	Encoding        string
	Segments        int
	MessageSizeBits int
}

func segmentVectors(t testing.TB) []struct {
	Name, Body   string
	Plain, Smart counted
} {
	t.Helper()
	b, err := os.ReadFile("testdata/twilio-segments.json")
	if err != nil {
		t.Fatal(err)
	}
	var vs []struct {
		Name, Body   string
		Plain, Smart counted
	}
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatal(err)
	}
	return vs
}

func (c Count) bits() int {
	if c.Encoding == GSM7 {
		return c.Units * 7
	}
	return c.Units * 16
}

func TestTextsAreCountedAsTwilioCountsThem(t *testing.T) {
	vs := segmentVectors(t)
	if len(vs) != 51 {
		t.Fatalf("%d vectors, want 51", len(vs))
	}
	for _, v := range vs {
		for _, tc := range []struct {
			text string
			want counted
		}{{v.Body, v.Plain}, {Plain(v.Body), v.Smart}} {
			c := Segments(tc.text)
			if got := (counted{c.Encoding, c.Segments, c.bits()}); got != tc.want {
				t.Errorf("%s: %+v, want %+v", v.Name, got, tc.want)
			}
		}
	}
}

func TestPlainReplacesWhatTwilioReplaces(t *testing.T) {
	b, err := os.ReadFile("testdata/smart-encoding.json")
	if err != nil {
		t.Fatal(err)
	}
	var table map[string]string
	if err := json.Unmarshal(b, &table); err != nil {
		t.Fatal(err)
	}
	for fancy, plain := range table {
		if got := Plain("a" + fancy + "b"); got != "a"+plain+"b" {
			t.Errorf("%q: %q, want %q", fancy, got, plain)
		}
	}
	if got := Plain("Zoë’s “boiler” – €5"); got != `Zoë's "boiler" - €5` {
		t.Errorf("%q", got)
	}
}

func TestCounterNamesTheCharacterThatMakesTheTextExpensive(t *testing.T) {
	if c := Segments("It’s ok 👍"); c.Culprit != '’' || c.Left != 70-10 {
		t.Errorf("%+v", c)
	}
	if c := Segments("cost: 5€"); c.Culprit != 0 || c.Units != 9 || c.Left != 151 {
		t.Errorf("%+v", c)
	}
}

func TestCharacterOfTwoUnitsIsNotSplitBetweenParts(t *testing.T) {
	if c := Segments(strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152)); c.Segments != 3 || c.Left != 153-1 {
		t.Errorf("%+v", c)
	}
	if c := Segments(strings.Repeat("ж", 66) + "😜" + strings.Repeat("ж", 66)); c.Segments != 3 || c.Left != 67-1 {
		t.Errorf("%+v", c)
	}
}

func TestLongTextIsCutAtSentencesThenWordsThenAnywhere(t *testing.T) {
	for _, tc := range []struct {
		text  string
		limit int
		want  []string
	}{
		{"", 10, []string{""}},
		{"short", 10, []string{"short"}},
		{"We come at 9. Please be in.", 20, []string{"We come at 9.", "Please be in."}},
		{"No. This is one long sentence", 20, []string{"No. This is one long", "sentence"}},
		{"one two three four", 9, []string{"one two", "three", "four"}},
		{"first line here\nsecond", 18, []string{"first line here", "second"}},
		{"exactly ten chars", 7, []string{"exactly", "ten", "chars"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"😜😜😜", 2, []string{"😜", "😜", "😜"}},
		{"😜😜", 1, []string{"😜", "😜"}},
		{"abce\u0301f", 4, []string{"abc", "e\u0301f"}},
		{"ab👩\u200d🔧", 5, []string{"ab", "👩\u200d🔧"}},
	} {
		got := Split(tc.text, tc.limit)
		if strings.Join(got, "|") != strings.Join(tc.want, "|") {
			t.Errorf("%q at %d: %q, want %q", tc.text, tc.limit, got, tc.want)
		}
	}
	if got := Split(strings.Repeat("a", 1601), 0); len(got) != 2 || len(got[0]) != MaxText {
		t.Errorf("default limit: %d pieces", len(got))
	}
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func FuzzSegments(f *testing.F) {
	for _, v := range segmentVectors(f) {
		f.Add(v.Body, 160)
	}
	f.Add("\x00", 185) // a culprit that is 0
	f.Add("We come at 9. Please be in.\nSam", 12)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		c := Segments(text)
		part, single := 153, 160
		if c.Encoding == UCS2 {
			part, single = 67, 70
		}
		if c.Segments < 1 || c.Left < 0 || c.Units > c.Segments*part && c.Units > single || c.Culprit != 0 && c.Encoding == GSM7 {
			t.Fatalf("%+v", c)
		}
		if p := Plain(text); Plain(p) != p {
			t.Fatalf("%q is not plain after one time", p)
		}
		if limit < 0 || limit > 5000 || !utf8.ValidString(text) {
			return
		}
		pieces := Split(text, limit)
		for _, p := range pieces {
			if units := len([]rune(p)); limit > 1 && units > max(limit, 0) {
				t.Fatalf("piece of %d for %d", units, limit)
			}
		}
		if withoutSpace(strings.Join(pieces, "")) != withoutSpace(text) {
			t.Fatalf("%q lost something: %q", text, pieces)
		}
	})
}

func BenchmarkSegments(b *testing.B) {
	text := strings.Repeat("We can be with you on Tuesday at 9. ", 10)
	b.ReportAllocs()
	for b.Loop() {
		Segments(text)
	}
}
