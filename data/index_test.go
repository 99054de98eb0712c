package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
)

// filled opens a store with a conversation of so many texts.
func filled(t *testing.T, o Options, texts int) (*Store, bridge.Staff) {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var owner bridge.Staff
	if err := s.Write(t.Context(), func(tx *Tx) (err error) {
		at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		if owner, err = tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, "x", at); err != nil {
			return err
		}
		c, err := tx.AddContact(bridge.Contact{Name: "Priya Raman"}, at)
		if err != nil {
			return err
		}
		id, err := tx.CustomerConversation(c, 0, at)
		for i := range texts {
			if err == nil {
				_, err = tx.AddMessage(bridge.Message{Conversation: id, At: at.Add(time.Duration(i) * time.Hour), Direction: bridge.In, Channel: bridge.SMS,
					Author: bridge.Author{Kind: bridge.ByContact, ID: int64(c.ID), Name: "Priya Raman"}, Body: fmt.Sprint("gauge ", i)})
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return s, owner
}

func countFound(t *testing.T, s *Store, reader bridge.Staff, typed string) (n int) {
	t.Helper()
	if err := s.Read(t.Context(), func(tx *Tx) error {
		hits, err := tx.Search(reader, bridge.ParseSearch(typed, time.UTC), 0, 1000)
		n = len(hits)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// Stopped after any batch, and before the queue was emptied, the index goes on where
// it was: nothing is missing and nothing is there twice.
func TestAnIndexerThatIsStoppedInTheMiddleGoesOnWhereItWas(t *testing.T) {
	o := Options{Path: filepath.Join(t.TempDir(), "porchlight.db"), IndexVolume: 8}
	s, owner := filled(t, o, 40)
	for want := 7; want <= 21; want += 7 {
		s.index.batch = 7
		if more, _, err := s.indexBatch(t.Context()); err != nil || !more {
			t.Fatal(more, err)
		}
		if n := countFound(t, s, owner, "gauge "); n != want {
			t.Errorf("%d are found, want %d", n, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if s, err = Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Write(t.Context(), func(tx *Tx) error {
		for _, id := range []bridge.MessageID{3, 30} { // one that is indexed, and one that is not yet
			if err := tx.Reindex(id); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.index.batch = 7
	if _, queued, err := s.indexBatch(t.Context()); err != nil || queued != 2 {
		t.Fatal(queued, err)
	}
	if err := s.Close(); err != nil { // and not CatchUpSearch, which empties the queue
		t.Fatal(err)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.CatchUpSearch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := countFound(t, s, owner, "gauge "); n != 40 {
		t.Errorf("%d are found, want 40", n)
	}
	if n := countFound(t, s, owner, "gauge 2 "); n != 1 {
		t.Errorf("the text that waited is found %d times", n)
	}
}

// found runs the indexer until so many texts are found.
func (s *Store) found(t *testing.T, owner bridge.Staff, want int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.RunSearch(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	var n int
	for range 100 {
		err := s.Read(ctx, func(tx *Tx) error {
			hits, err := tx.Search(owner, bridge.ParseSearch("gauge ", time.UTC), 0, 1000)
			n = len(hits)
			return err
		})
		if err == nil && n == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%d are found, want %d", n, want)
}

func TestASearchThatTakesTooLongEndsAndSaysSo(t *testing.T) {
	s, owner := filled(t, Options{Path: filepath.Join(t.TempDir(), "porchlight.db")}, 10)
	defer s.Close()
	if err := s.CatchUpSearch(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, patience := range []time.Duration{time.Nanosecond, time.Minute} {
		s.index.patience = patience
		err := s.Read(t.Context(), func(tx *Tx) error {
			_, err := tx.Search(owner, bridge.ParseSearch("gauge ", time.UTC), 0, 10)
			return err
		})
		var denied *bridge.Denied
		if slow := patience == time.Nanosecond; errors.As(err, &denied) != slow || !slow && err != nil {
			t.Errorf("within %v: %v", patience, err)
		}
	}
}

func TestAnIndexThatIsFoundDamagedByASearchIsMadeAnew(t *testing.T) {
	o := Options{Path: filepath.Join(t.TempDir(), "porchlight.db")}
	s, owner := filled(t, o, 2000)
	s.found(t, owner, 1000) // a page of them
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(o.Path), IndexFile)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 10 * 4096; i < len(b); i++ { // the tables' names and how far it is stay readable
		b[i] = 0xAA
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.found(t, owner, 1000)
}

func TestWithoutAnIndexTextsAreTakenInAllTheSame(t *testing.T) {
	o := Options{Path: filepath.Join(t.TempDir(), "porchlight.db")}
	file := filepath.Join(filepath.Dir(o.Path), IndexFile)
	if err := os.MkdirAll(filepath.Join(file, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, owner := filled(t, o, 3)
	defer s.Close()
	if err := s.CatchUpSearch(t.Context()); err == nil {
		t.Error("there is no index, and nobody says so")
	}
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	s.found(t, owner, 3)
}

func TestAWordIsFoldedTheSameEverywhere(t *testing.T) {
	for text, want := range map[string]string{
		"Boiler":            "boiler",
		"don't stop":        "don t stop",
		"Ångström naïve Ñ":  "angstrom naive n",
		"+1 (415) 555-0134": "1 415 555 0134",
		"北京 and 東京":         "北 京 and 東 京",
		"İstanbul ÉCOLE":    "istanbul ecole",
		"a\u0301b":          "ab",
		"§v1 _x_ ":          "v1 x",
	} {
		if got := strings.Join(wordsOf(text), " "); got != want {
			t.Errorf("%q has the words %q, want %q", text, got, want)
		}
	}
	for _, w := range wordsOf(strings.Repeat("ö", 500) + " ﬁne Ⅷ ﷺ ½") {
		if len(w) > maxToken || strings.ContainsAny(w, " §'\"") {
			t.Errorf("%q", w)
		}
	}
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"Café boiler", "§x 'y\" (z)", "ﷺ ½ İ", "北京", "\xff\x00", "a\u0301\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, k := range tokens(text) {
			if k.word == "" || k.from < last || k.to <= k.from || k.to > len(text) || len(k.word) > maxToken || strings.ContainsAny(k.word, " §'\"*()") {
				t.Fatalf("%q: %+v", text, k)
			}
			if again := wordsOf(k.word); len(again) != 1 && !strings.ContainsFunc(k.word, func(r rune) bool { return r > 0x0e00 }) {
				t.Fatalf("%q is the word %q, which is the words %q", text, k.word, again)
			}
			last = k.to
		}
	})
}

var scan = regexp.MustCompile(`SCAN (m|c|d|o|p|x|v|messages|conversations|deliveries|placements|contacts|records|addresses|participants|attachments)\b`)

// No part of a search reads a table from end to end, and none sorts what it finds.
func TestNoSearchScans(t *testing.T) {
	s, owner := filled(t, Options{Path: filepath.Join(t.TempDir(), "porchlight.db"), IndexVolume: 16}, 60)
	defer s.Close()
	if err := s.CatchUpSearch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), func(tx *Tx) error {
		on := bridge.NewSettings(bridge.Trades)
		on.PortalOn = true
		return tx.PutSettings(on)
	}); err != nil {
		t.Fatal(err)
	}
	field := owner
	field.Role = bridge.Tradie
	for _, typed := range []string{"gauge", "gauge 7 ", "gauge from:priya", "gauge from:+14155550134", "gauge in:1042", "gauge after:2026-03-02 before:2026-03-03", "is:failed gauge", "has:photo"} {
		for _, who := range []string{"owner", "field", "contact"} {
			if err := s.Read(t.Context(), func(tx *Tx) error {
				e := &explained{querier: tx.tx, t: t}
				tx.tx = e
				q := bridge.ParseSearch(typed, time.UTC)
				var err error
				switch who {
				case "owner":
					_, err = tx.Search(owner, q, 0, 10)
				case "field":
					_, err = tx.Search(field, q, 0, 10)
				case "contact":
					_, err = tx.SearchAsContact(1, q, 0, 10)
				}
				for _, line := range e.all {
					if scan.MatchString(line) {
						t.Errorf("%s by the %s: %s\n%s", typed, who, line, strings.Join(e.all, "\n"))
						break
					}
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	e := &explained{querier: s.index.r, t: t}
	ix := &Tx{ctx: t.Context(), tx: e, d: s.d, s: s}
	if _, err := ix.found(1, wanted{{term{words: []string{"gauge"}}}}, 30, 10); err != nil {
		t.Fatal(err)
	}
	if plan := strings.Join(e.plan, "\n"); !strings.Contains(plan, "VIRTUAL TABLE INDEX") || strings.Contains(plan, "VIRTUAL TABLE INDEX 0:") || strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("a volume is searched by\n%s", plan)
	}
	if _, err := ix.among(1, wanted{{term{words: []string{"gauge"}}}}, []bridge.MessageID{17, 18}); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(e.plan, func(line string) bool {
		return strings.Contains(line, "search_volume_1_content USING INTEGER PRIMARY KEY")
	}) {
		t.Errorf("somebody's own messages are looked at by\n%s", strings.Join(e.plan, "\n"))
	}
}
