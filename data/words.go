package data

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"porchlight/bridge"
)

// What a word is, the same on both engines and for the marks in a snippet: the
// engines get words, not texts, and split nothing themselves.

// A token is one word of a text: lower case, without accents.
type token struct {
	word     string
	from, to int // where it stands, in bytes
}

// maxToken bounds a word, in bytes. PostgreSQL takes 2,046.
const maxToken = 100

// tokens are the words of a text: letters and digits in a row. Of scripts that put
// no spaces between words each character is one, and their words are phrases.
func tokens(text string) (out []token) {
	out = make([]token, 0, len(text)/5+1)
	start := -1
	end := func(to int) {
		if start >= 0 {
			if w := fold(text[start:to]); w != "" {
				out = append(out, token{w, start, to})
			}
		}
		start = -1
	}
	for i, r := range text {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && !(start >= 0 && unicode.Is(unicode.Mn, r)):
			end(i)
		case r > 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			end(i)
			start = i
			end(i + utf8.RuneLen(r))
		case start < 0:
			start = i
		}
	}
	end(len(text))
	return out
}

// fold writes a word as it is compared.
func fold(w string) string {
	ascii := true
	for i := range len(w) {
		ascii = ascii && w[i] < utf8.RuneSelf
	}
	w = strings.ToLower(w)
	if !ascii {
		w = strings.Map(func(r rune) rune {
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				return -1
			}
			return r
		}, norm.NFKD.String(w))
		w = strings.ToLower(w)
	}
	for len(w) > maxToken {
		_, size := utf8.DecodeLastRuneInString(w)
		w = w[:len(w)-size]
	}
	return w
}

func wordsOf(text string) (out []string) {
	all := tokens(text)
	out = make([]string, len(all))
	for i, t := range all {
		out[i] = t.word
	}
	return out
}

// A term is words that follow each other; begins: the last may be the beginning of
// a longer one.
type term struct {
	words  []string
	begins bool
}

// A wanted is what a message needs to have: of each list, at least one.
type wanted [][]term

// minBegins is from how many characters on a word is taken for the beginning of
// longer ones: two letters begin a tenth of all words.
const minBegins = 3

func newTerm(text string, begins bool) (term, bool) {
	t := term{words: wordsOf(text)}
	if len(t.words) == 0 {
		return t, false
	}
	t.begins = begins && utf8.RuneCountInString(t.words[len(t.words)-1]) >= minBegins
	return t, true
}

// said are the words and phrases of a search.
func said(s bridge.Search) (out []term) {
	for _, w := range s.Words {
		if t, ok := newTerm(w.Text, w.Begins); ok {
			out = append(out, t)
		}
	}
	for _, p := range s.Phrases {
		if t, ok := newTerm(p, false); ok {
			out = append(out, t)
		}
	}
	return out
}

// at reports whether the term stands at a place among words.
func (t term) at(i int, word func(int) string, n int) bool {
	if i+len(t.words) > n {
		return false
	}
	for k, w := range t.words {
		has := word(i + k)
		if has != w && !(t.begins && k == len(t.words)-1 && strings.HasPrefix(has, w)) {
			return false
		}
	}
	return true
}

// in reports whether an indexed row has what is wanted.
func (w wanted) in(row []string) bool {
	for _, any := range w {
		found := false
		for _, t := range any {
			for i := 0; i < len(row) && !found; i++ {
				found = t.at(i, func(i int) string { return row[i] }, len(row))
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// marks are the places of a text where any of the terms stands.
func marks(terms []term, text string) (out []bridge.Span) {
	all := tokens(text)
	for i := 0; i < len(all); i++ {
		for _, t := range terms {
			if t.at(i, func(i int) string { return all[i].word }, len(all)) {
				last := i + len(t.words) - 1
				out = append(out, bridge.Span{From: all[i].from, To: all[last].to})
				i = last
				break
			}
		}
	}
	return out
}
