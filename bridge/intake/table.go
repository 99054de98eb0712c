package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	utf "golang.org/x/text/encoding/unicode"
)

// What an import takes. 64 MB are some 600,000 rows of a CRM; the limit on rows
// bounds how long all other writers wait.
const (
	maxTable = 64 << 20
	maxRows  = 200_000
	maxBad   = 100 // rows that are named; the others are counted
)

// A Table is a file of rows as spreadsheets and CRMs write it: CSV in any of its
// dialects.
type Table struct {
	Columns []string // the header, as it is written
	Rows    []Row
	Bad     Problems // rows that cannot be read
	Notes   []string // what people should know of how it was read
}

// A Row is one line of a Table, or several where a cell has line breaks. It has a
// cell for each column.
type Row struct {
	Line  int // where it begins, from 1
	Cells []string
}

// A BadRow is a row that cannot be taken, and why.
type BadRow struct {
	Line          int
	Column, Value string // empty where it is the whole row
	Reason        string
}

// Problems are the first hundred bad rows, and how many there are.
type Problems struct {
	Rows  []BadRow
	Total int
}

func (p *Problems) add(b BadRow) {
	p.Total++
	if len(p.Rows) < maxBad {
		b.Value = shorten(b.Value)
		p.Rows = append(p.Rows, b)
	}
}

// shorten is a value as a report shows it: one line, at most 60 characters.
func shorten(s string) string {
	if len(s) > 1000 {
		s = s[:1000]
	}
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:59]) + "…"
	}
	return s
}

// ReadTable reads CSV with commas, semicolons or tabs, in UTF-8, UTF-16 with its
// mark, or Windows-1252. Rows that cannot be read are in Bad; an error is about
// the whole file.
func ReadTable(r io.Reader) (t Table, err error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return t, fmt.Errorf("read the file: %w", err)
	}
	if len(raw) > maxTable {
		return t, errors.New("the file is larger than 64 MB; split it into several")
	}
	text, err := t.decode(raw)
	if err != nil {
		return t, err
	}
	return t, t.parse(text)
}

// decode makes the text of a file of unknown encoding, with line ends that
// encoding/csv knows.
func (t *Table) decode(raw []byte) (string, error) {
	switch {
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")), bytes.HasPrefix(raw, []byte("\xd0\xcf\x11\xe0")):
		return "", errors.New("this is a spreadsheet's own format; save it as CSV (UTF-8) first")
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}), bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		var err error
		if raw, err = utf.UTF16(utf.LittleEndian, utf.UseBOM).NewDecoder().Bytes(raw); err != nil {
			return "", fmt.Errorf("read the file as UTF-16: %w", err)
		}
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if at := bytes.IndexByte(raw, 0); at >= 0 {
		return "", fmt.Errorf("line %d has a zero byte, so this is not a text file; save it as CSV (UTF-8)", 1+bytes.Count(raw[:at], []byte("\n")))
	}
	if !utf8.Valid(raw) {
		t.Notes = append(t.Notes, "The file is not UTF-8, so it was read as Windows-1252. Look at a name with an accent")
		var err error
		if raw, err = charmap.Windows1252.NewDecoder().Bytes(raw); err != nil {
			return "", fmt.Errorf("read the file as Windows-1252: %w", err)
		}
	}
	if bytes.IndexByte(raw, '\n') < 0 { // as an old Macintosh writes
		raw = bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
	}
	return string(raw), nil
}

func (t *Table) parse(text string) error {
	comma, skipped := ',', 0
	if first, rest, _ := strings.Cut(text, "\n"); strings.HasPrefix(strings.ToLower(first), "sep=") {
		if sep := strings.TrimRight(first[len("sep="):], "\r"); slices.Contains(commas, sep) {
			comma, text, skipped = rune(sep[0]), rest, 1
		}
	} else {
		comma = findComma(text)
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = comma, -1
	r.TrimLeadingSpace = comma != '\t' // else empty cells would go with it
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if broken := (*csv.ParseError)(nil); errors.As(err, &broken) {
			if t.Columns == nil {
				return fmt.Errorf("line %d: the header cannot be read: %s", broken.StartLine+skipped, quoteReason(broken))
			}
			t.Bad.add(BadRow{Line: broken.StartLine + skipped, Reason: quoteReason(broken)})
			continue
		}
		if err != nil {
			return fmt.Errorf("read the rows: %w", err)
		}
		line, _ := r.FieldPos(0)
		t.take(line+skipped, cells)
		if len(t.Rows) > maxRows {
			return fmt.Errorf("the file has more than %d rows; split it into several", maxRows)
		}
	}
	switch {
	case t.Columns == nil:
		return errors.New("the file is empty")
	case len(t.Rows) == 0 && t.Bad.Total == 0:
		return errors.New("the file has a header and no rows")
	}
	return nil
}

// take puts the cells of a row where they belong.
func (t *Table) take(line int, cells []string) {
	if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		return // spreadsheets write rows of commas
	}
	if t.Columns == nil {
		for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1]
		}
		for _, c := range cells {
			t.Columns = append(t.Columns, strings.TrimSpace(c))
		}
		return
	}
	n := len(t.Columns)
	extra := cells[min(n, len(cells)):]
	if len(cells) < n || slices.ContainsFunc(extra, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		t.Bad.add(BadRow{Line: line, Value: strings.Join(cells, " | "), Reason: fmt.Sprintf("The row has %d cells and the header %d. A cell with a comma or a line break needs quotes", len(cells), n)})
		return
	}
	t.Rows = append(t.Rows, Row{line, cells[:n]})
}

func quoteReason(e *csv.ParseError) string {
	if errors.Is(e.Err, csv.ErrQuote) && e.Line > e.StartLine {
		return "A quote that begins here is never closed"
	}
	return `A quote stands in the middle of a cell. Put the cell into quotes, and write a quote in it twice: "The ""Swan"""`
}

// commas are what stands between cells.
var commas = []string{",", ";", "\t", "|"}

// findComma gives what separates the cells of the header: whatever there is most
// of, outside quotes.
func findComma(text string) rune {
	counts, quoted := map[rune]int{}, false
	for _, r := range text {
		if r == '"' {
			quoted = !quoted
		} else if r == '\n' && !quoted && len(counts) > 0 {
			break
		} else if !quoted && slices.Contains(commas, string(r)) {
			counts[r]++
		}
	}
	best := ','
	for _, c := range commas {
		if r := rune(c[0]); counts[r] > counts[best] {
			best = r
		}
	}
	return best
}
