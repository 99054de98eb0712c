package thread_test

import (
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/thread"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// a candidate about which nothing was said yet; change says more.
func a(id bridge.RecordID, ref, title string, change ...func(*thread.Candidate)) thread.Candidate {
	c := thread.Candidate{Record: bridge.Record{ID: id, Type: bridge.Job, Reference: ref, Title: title}}
	for _, ch := range change {
		ch(&c)
	}
	return c
}

func wrote(ago time.Duration) func(*thread.Candidate) {
	return func(c *thread.Candidate) { c.WroteAt = noon.Add(-ago) }
}

func corrected(ago time.Duration) func(*thread.Candidate) {
	return func(c *thread.Candidate) { c.CorrectedAt = noon.Add(-ago) }
}

func TestMatchSaysWhichRecordAndWhy(t *testing.T) {
	const day = 24 * time.Hour
	boiler, shower := a(1, "1042", "Boiler replacement"), a(2, "104", "Dripping shower")
	quote := a(3, "1042", "Boiler offer")
	for _, tt := range []struct {
		name, body string
		all        []thread.Candidate
		want       bridge.RecordID
		because    string
	}{
		{"nobody knows", "Hello", []thread.Candidate{boiler, shower}, 0, ""},
		{"nothing to choose from", "#1042", nil, 0, ""},
		{"one record alone says nothing", "Hello", []thread.Candidate{boiler}, 0, ""},
		{"a number", "is #1042 ready?", []thread.Candidate{boiler, shower}, 1, "the message names #1042"},
		{"a number at the end", "it is about #104", []thread.Candidate{boiler, shower}, 2, "the message names #104"},
		{"a number before a point", "#104.", []thread.Candidate{boiler, shower}, 2, "the message names #104"},
		{"a longer number", "#10421", []thread.Candidate{boiler, shower}, 0, ""},
		{"a number without its mark", "1042", []thread.Candidate{boiler, shower}, 0, ""},
		{"a longer one first", "#1042 or #104", []thread.Candidate{shower}, 2, "the message names #104"},
		{"a job and a quote of one number", "#1042", []thread.Candidate{boiler, quote}, 0, ""},
		{"two numbers", "#1042 and #104", []thread.Candidate{boiler, shower}, 0, ""},
		{"letters", "#mr-7 please", []thread.Candidate{a(4, "MR-7", "x")}, 4, "the message names #MR-7"},
		{"no reference", "# is a mark", []thread.Candidate{a(5, "", "x")}, 0, ""},
		{"a number before what was written", "#104", []thread.Candidate{a(1, "1042", "x", wrote(time.Minute)), shower}, 2, "the message names #104"},
		{"what was written last", "ok", []thread.Candidate{a(1, "1", "x", wrote(day)), a(2, "2", "y", wrote(2*time.Hour))}, 2, "the team wrote about it 2 hours before"},
		{"what was written long ago", "ok", []thread.Candidate{a(1, "1", "x", wrote(15*day))}, 0, ""},
		{"on the last day", "ok", []thread.Candidate{a(1, "1", "x", wrote(14*day))}, 1, "the team wrote about it 14 days before"},
		{"just now", "ok", []thread.Candidate{a(1, "1", "x", wrote(time.Second))}, 1, "the team wrote about it just before"},
		{"one minute", "ok", []thread.Candidate{a(1, "1", "x", wrote(time.Minute))}, 1, "the team wrote about it 1 minute before"},
		{"a later correction", "ok", []thread.Candidate{a(1, "1", "x", wrote(time.Hour)), a(2, "2", "y", wrote(day), corrected(time.Minute))}, 2, "a colleague said so of their last message"},
		{"an earlier correction", "ok", []thread.Candidate{a(1, "1", "x", wrote(time.Minute)), a(2, "2", "y", corrected(time.Hour))}, 1, "the team wrote about it 1 minute before"},
		{"what was written before its words", "the shower", []thread.Candidate{a(1, "1", "x", wrote(time.Hour)), shower}, 1, "the team wrote about it 1 hour before"},
		{"words", "The SHOWER drips", []thread.Candidate{boiler, shower}, 2, "it speaks of shower"},
		{"more words win", "boiler replacement or shower", []thread.Candidate{shower, boiler}, 1, "it speaks of boiler, replacement"},
		{"as many words", "boiler or shower", []thread.Candidate{boiler, shower}, 0, ""},
		{"words that say nothing", "please with what you need", []thread.Candidate{a(1, "1", "Please with what you need")}, 0, ""},
		{"a word twice counts once", "shower", []thread.Candidate{a(1, "1", "Shower and shower"), shower}, 0, ""},
	} {
		got, because := thread.Match(tt.body, tt.all, noon)
		if got != tt.want || because != tt.because {
			t.Errorf("%s: %d because %q, want %d because %q", tt.name, got, because, tt.want, tt.because)
		}
	}
}

// FuzzMatch holds that the answer is one of the candidates or none, has a reason
// where there is one, and does not depend on the order where a number decides.
func FuzzMatch(f *testing.F) {
	for _, body := range []string{"Hello", "is #1042 ready?", "#104", "the boiler, the #boiler", "#\xff1042", "İ #1042", "#ǅ1", strings.Repeat("#", 999)} {
		f.Add(body, "1042", "Boiler replacement", "104", "Dripping shower", int64(0), int64(0))
		f.Add(body, "İ", "boiler", "", "#", int64(-time.Hour), int64(time.Hour))
	}
	f.Fuzz(func(t *testing.T, body, ref1, title1, ref2, title2 string, wrote, corrected int64) {
		one, two := a(1, ref1, title1), a(2, ref2, title2)
		if wrote != 0 {
			one.WroteAt = noon.Add(time.Duration(wrote))
		}
		if corrected != 0 {
			two.CorrectedAt = noon.Add(time.Duration(corrected))
		}
		got, because := thread.Match(body, []thread.Candidate{one, two}, noon)
		if got < 0 || got > 2 || (got == 0) != (because == "") {
			t.Errorf("%d because %q", got, because)
		}
		turned, why := thread.Match(body, []thread.Candidate{two, one}, noon)
		if one.WroteAt.IsZero() && two.CorrectedAt.IsZero() && (turned != got || why != because) {
			t.Errorf("%d because %q; turned round %d because %q", got, because, turned, why)
		}
	})
}
