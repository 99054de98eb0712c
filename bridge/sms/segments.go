package sms

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The two encodings of a text, by the names that Twilio uses.
const (
	GSM7 = "GSM-7"
	UCS2 = "UCS-2"
)

// A Count is how a text travels: in parts of 160 septets (153 when there are
// several, the rest joins them), or of 70 and 67 UTF-16 units once a single
// character is outside GSM-7.
type Count struct {
	Encoding string
	Segments int // at least 1, also for an empty text
	Units    int // septets or UTF-16 units
	Left     int // units that still fit in the last segment
	// Culprit is the first character outside GSM-7, if Encoding is UCS2.
	Culprit rune
}

// gsmBasic and gsmExtended are the default alphabet of 3GPP TS 23.038, section
// 6.2.1, and its extension table, whose characters take two septets.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// septets gives the size of a character in GSM-7, 0 when it has none.
func septets(r rune) int {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == ' ', r == '.', r == ',':
		return 1
	case strings.ContainsRune(gsmBasic, r):
		return 1
	case strings.ContainsRune(gsmExtended, r):
		return 2
	}
	return 0
}

// utf16Units gives 2 for a character that needs a surrogate pair.
func utf16Units(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// Segments counts a text as Twilio does, without smart encoding.
func Segments(text string) Count {
	for _, r := range text {
		if septets(r) == 0 {
			c := count(text, utf16Units, 70, 67)
			c.Encoding, c.Culprit = UCS2, r
			return c
		}
	}
	c := count(text, septets, 160, 153)
	c.Encoding = GSM7
	return c
}

// count never splits a character of two units between parts.
func count(text string, size func(rune) int, single, part int) Count {
	c := Count{Segments: 1}
	used := 0
	for _, r := range text {
		n := size(r)
		c.Units += n
		if used+n > part {
			c.Segments++
			used = 0
		}
		used += n
	}
	if c.Units <= single {
		c.Segments, c.Left = 1, single-c.Units
		return c
	}
	c.Left = part - used
	return c
}

// Split cuts a text into pieces of at most limit UTF-16 units (MaxText when it
// is not positive), at the end of a paragraph or sentence if there is one in
// the second half, else between words, and inside a word only when it alone is
// too long. White space at a cut is dropped, nothing else.
func Split(text string, limit int) []string {
	if limit <= 0 {
		limit = MaxText
	}
	var pieces []string
	for {
		window := prefix(text, limit)
		if len(window) == len(text) {
			break
		}
		cut := cutAt(text, window)
		if piece := strings.TrimRightFunc(text[:cut], unicode.IsSpace); piece != "" {
			pieces = append(pieces, piece)
		}
		text = strings.TrimLeftFunc(text[cut:], unicode.IsSpace)
	}
	if text != "" || len(pieces) == 0 {
		pieces = append(pieces, text)
	}
	return pieces
}

// prefix is as much of the text as fits, one character at least.
func prefix(text string, limit int) string {
	used := 0
	for i, r := range text {
		used += utf16Units(r)
		if used > limit && i > 0 {
			return text[:i]
		}
	}
	return text
}

// cutAt gives where the window ends best, in bytes and never 0.
func cutAt(text, window string) int {
	half := len(window) / 2
	if i := strings.LastIndexByte(window, '\n'); i > half {
		return i
	}
	sentence, word := 0, 0
	var before rune
	for i, r := range text[:len(window)+1] { // the white space after the window is a boundary too
		if i > 0 && (unicode.IsSpace(r) || i == len(window) && spaceAt(text, i)) {
			word = i
			if strings.ContainsRune(".!?…。", before) {
				sentence = i
			}
		}
		before = r
	}
	switch {
	case sentence > half:
		return sentence
	case word > 0:
		return word
	}
	return hardCut(text, len(window))
}

func spaceAt(text string, i int) bool {
	r, _ := utf8.DecodeRuneInString(text[i:])
	return unicode.IsSpace(r)
}

// hardCut steps back from a mark, joiner or variation selector, so that an
// accented letter or a composed emoji stays whole where it can.
func hardCut(text string, at int) int {
	for cut := at; cut > 0; {
		next, _ := utf8.DecodeRuneInString(text[cut:])
		last, size := utf8.DecodeLastRuneInString(text[:cut])
		if !unicode.In(next, unicode.Mn, unicode.Me) && next != zeroWidthJoiner && last != zeroWidthJoiner {
			return cut
		}
		cut -= size
	}
	return at
}

const zeroWidthJoiner = '\u200d'
