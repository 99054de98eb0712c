package bridge

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What people look for among all messages, and how they type it.

// A Search says which messages somebody looks for: those that have all of it. Its
// zero value looks for nothing and finds nothing.
type Search struct {
	Words   []SearchWord
	Phrases []string // words that follow each other
	From    string   // part of the sender's name, their number, or "me"
	Record  string   // reference of the record that it is about, such as 1042
	Channel Channel
	After   time.Time // written then or later; zero: whenever
	Before  time.Time // written earlier than that
	// HasPhoto: with a photo. Failed: not delivered, and nobody has dealt with it.
	HasPhoto, Failed bool
}

// A SearchWord is one word that somebody typed.
type SearchWord struct {
	Text string
	// Begins: it may be the beginning of a longer word.
	Begins bool
}

const (
	// maxSearch bounds what is read of a search, in characters. Nobody types more,
	// and who pastes a letter is after its first lines.
	maxSearch      = 400
	maxSearchTerm  = 200
	maxSearchWords = 16
)

// ParseSearch reads what people type: words, "phrases", and from:, in:, channel:,
// after:, before:, has:photo and is:failed. Dates begin in zone. The last word may
// be the beginning of a longer one as long as nothing follows it, and so may any
// with a star. It refuses nothing: what it cannot read as anything else is a word.
// Where the search could no longer be printed within maxSearch, it ends before.
func ParseSearch(text string, zone *time.Location) (s Search) {
	if utf8.RuneCountInString(text) > maxSearch {
		text = string([]rune(text)[:maxSearch])
	}
	text = CleanText(text)
	for rest := text; ; {
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		if rest == "" {
			return s
		}
		key, value, quoted, after := nextTerm(rest)
		last := strings.TrimLeftFunc(after, unicode.IsSpace) == "" && !strings.HasSuffix(rest, " ")
		rest = after
		before := s
		if key == "" {
			s.say(value, quoted, last)
		} else if !s.set(key, value, zone) {
			s.say(key+":"+value, quoted, last)
		}
		if utf8.RuneCountInString(s.String()) > maxSearch {
			return before
		}
	}
}

// cutTerm shortens a word or a phrase that nobody types.
func cutTerm(value string) string {
	if utf8.RuneCountInString(value) <= maxSearchTerm {
		return value
	}
	return strings.TrimSpace(string([]rune(value)[:maxSearchTerm]))
}

// nextTerm takes one term off a text: perhaps a key and a colon, and a value that
// may stand in quotation marks.
func nextTerm(text string) (key, value string, quoted bool, rest string) {
	if i := strings.IndexByte(text, ':'); i > 0 && !strings.ContainsFunc(text[:i], func(r rune) bool { return !unicode.IsLetter(r) }) {
		key, text = strings.ToLower(text[:i]), text[i+1:]
	}
	if strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text[1:], `"`)
		return key, strings.Join(strings.Fields(value), " "), true, rest
	}
	end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
	if end < 0 {
		end = len(text)
	}
	return key, text[:end], false, text[end:]
}

// set takes a term with a key, if it is one.
func (s *Search) set(key, value string, zone *time.Location) bool {
	value = cutTerm(value)
	switch key {
	case "from":
		if spoken(value) {
			s.From = value
			return true
		}
	case "in":
		if spoken(value) {
			s.Record = strings.TrimLeft(value, "#")
			return true
		}
	case "channel":
		if c := Channel(strings.ToLower(value)); c.Valid() {
			s.Channel = c
			return true
		}
	case "after":
		if day, ok := searchDay(value, zone); ok {
			s.After = day
			return true
		}
	case "before":
		if day, ok := searchDay(value, zone); ok {
			s.Before = day
			return true
		}
	case "has":
		if v := strings.ToLower(value); v == "photo" || v == "photos" {
			s.HasPhoto = true
			return true
		}
	case "is":
		if strings.ToLower(value) == "failed" {
			s.Failed = true
			return true
		}
	}
	return false
}

// searchDay reads 2026-03-01, 2026-03 or 2026: the first moment of it.
func searchDay(value string, zone *time.Location) (time.Time, bool) {
	for _, form := range [...]string{"2006-01-02", "2006-01", "2006"} {
		if t, err := time.ParseInLocation(form, value, zone); err == nil && t.Year() > 0 {
			return t, true
		}
	}
	return time.Time{}, false
}

// spoken reports whether there is anything in a text that can be looked for.
func spoken(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

func (s *Search) say(value string, phrase, last bool) {
	if phrase {
		value = cutTerm(value)
	}
	if phrase && strings.Contains(value, " ") {
		if spoken(value) && len(s.Phrases) < maxSearchWords {
			s.Phrases = append(s.Phrases, value)
		}
		return
	}
	word := strings.TrimRight(cutTerm(strings.TrimRight(value, "*")), "*")
	if !spoken(word) || len(s.Words) == maxSearchWords {
		return
	}
	s.Words = append(s.Words, SearchWord{word, !phrase && (last || word != value)})
}

// Empty reports whether it looks for nothing.
func (s Search) Empty() bool {
	return len(s.Words) == 0 && len(s.Phrases) == 0 && s.From == "" && s.Record == "" && s.Channel == "" &&
		s.After.IsZero() && s.Before.IsZero() && !s.HasPhoto && !s.Failed
}

// String is the search as it can be typed.
func (s Search) String() string {
	var out []string
	for i, w := range s.Words {
		switch {
		case !w.Begins && (i == len(s.Words)-1 || strings.Contains(w.Text, ":")):
			out = append(out, `"`+w.Text+`"`)
		case w.Begins:
			out = append(out, w.Text+"*")
		default:
			out = append(out, w.Text)
		}
	}
	for _, p := range s.Phrases {
		out = append(out, `"`+p+`"`)
	}
	add := func(key, value string) {
		if strings.ContainsFunc(value, unicode.IsSpace) {
			value = `"` + value + `"`
		}
		if value != "" {
			out = append(out, key+":"+value)
		}
	}
	add("from", s.From)
	add("in", s.Record)
	add("channel", string(s.Channel))
	for _, d := range []struct {
		key string
		at  time.Time
	}{{"after", s.After}, {"before", s.Before}} {
		if !d.at.IsZero() {
			add(d.key, d.at.Format("2006-01-02"))
		}
	}
	if s.HasPhoto {
		add("has", "photo")
	}
	if s.Failed {
		add("is", "failed")
	}
	return strings.Join(out, " ")
}

// A Hit is a message that was found, as a list of what was found shows it.
type Hit struct {
	Message      MessageID
	Conversation ConversationID // where it opens: one that its reader may see
	At           time.Time
	Direction    Direction
	Channel      Channel
	Author       Author
	Files        int
	Snippet      []Piece

	Kind        Kind // of the conversation, as are the rest
	Title       string
	Subject     string
	RecordLabel string
}

// A Piece of a snippet; Mark: it is what was looked for.
type Piece struct {
	Text string
	Mark bool
}

// TitleFor is the conversation's title as one of the team reads it.
func (h Hit) TitleFor(reader Staff) string {
	return Conversation{Kind: h.Kind, Title: h.Title}.TitleFor(reader)
}

// Span is a part of a text, in bytes.
type Span struct{ From, To int }

const (
	snippetBefore = 40  // characters of context before the first mark
	snippetLength = 150 // characters in all
)

// NewSnippet cuts a text around the first of its marks, in pieces.
func NewSnippet(text string, marks []Span) (out []Piece) {
	slices.SortFunc(marks, func(a, b Span) int { return a.From - b.From })
	from, to := snippetOf(text, marks)
	add := func(s string, mark bool) {
		if s = flat(s); s != "" {
			out = append(out, Piece{s, mark})
		}
	}
	if from > 0 {
		add("…", false)
	}
	at := from
	for _, m := range marks {
		if m.From < at || m.To > to {
			continue
		}
		add(text[at:m.From], false)
		add(text[m.From:m.To], true)
		at = m.To
	}
	add(text[at:to], false)
	if to < len(text) {
		add("…", false)
	}
	return out
}

// snippetOf is which part of a text is shown: from a little before the first mark.
func snippetOf(text string, marks []Span) (from, to int) {
	if len(marks) > 0 {
		for n := marks[0].From; n > 0 && from == 0; {
			_, size := utf8.DecodeLastRuneInString(text[:n])
			if n -= size; utf8.RuneCountInString(text[n:marks[0].From]) == snippetBefore {
				from = n
			}
		}
	}
	if from > 0 { // not in the middle of a word
		if i := strings.IndexFunc(text[from:marks[0].From], unicode.IsSpace); i >= 0 {
			from += i + 1
		}
	}
	n := 0
	for i := range text[from:] {
		if n++; n > snippetLength && i > 0 && (len(marks) == 0 || from+i >= marks[0].To) {
			return from, from + i
		}
	}
	return from, len(text)
}

// flat makes one line of a text.
func flat(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, s)
}
