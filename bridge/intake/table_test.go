package intake_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge/intake"
)

func TestTablesAreReadAsSpreadsheetsWriteThem(t *testing.T) {
	utf16 := func(order string, text string) string {
		var b strings.Builder
		for _, r := range "\ufeff" + text { // all of these are in the basic plane
			if order == "little" {
				b.WriteString(string([]byte{byte(r), byte(r >> 8)}))
			} else {
				b.WriteString(string([]byte{byte(r >> 8), byte(r)}))
			}
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		file string
		want string // rows as "line:cell|cell"
		note bool
	}{
		"commas":                        {file: "a,b\n1,2\n3,4\n", want: "2:1|2 3:3|4"},
		"no last line end":              {file: "a,b\n1,2", want: "2:1|2"},
		"mark of UTF-8":                 {file: "\ufeffa,b\r\n1,2\r\n", want: "2:1|2"},
		"semicolons":                    {file: "a;b\n1,5;2\n", want: "2:1,5|2"},
		"tabs with empty cells":         {file: "a\tb\n\t2\n", want: "2:|2"},
		"bars":                          {file: "a|b\n1|2\n", want: "2:1|2"},
		"a comma in a quoted header":    {file: "\"a, or so, or so\";b\n1;2\n", want: "2:1|2"},
		"Excel's sep":                   {file: "sep=;\r\na;b\r\n1;2,3\r\n", want: "3:1|2,3"},
		"old Macintosh":                 {file: "a,b\r1,2\r3,4\r", want: "2:1|2 3:3|4"},
		"line break in a cell":          {file: "a,b\n\"1\n1\",2\n3,4\n", want: "2:1\n1|2 4:3|4"},
		"quotes in a cell":              {file: "a,b\n\"The \"\"Swan\"\"\",2\n", want: `2:The "Swan"|2`},
		"space before a quote":          {file: "a, b\n1, \"2, 3\"\n", want: "2:1|2, 3"},
		"blank rows":                    {file: "\n\na,b\n\n,\n1,2\n , \n", want: "6:1|2"},
		"empty columns at the end":      {file: "a,b,,\n1,2,,\n", want: "2:1|2"},
		"UTF-16, little":                {file: utf16("little", "a,b\né,2\n"), want: "2:é|2"},
		"UTF-16, big":                   {file: utf16("big", "a,b\né,2\n"), want: "2:é|2"},
		"Windows-1252":                  {file: "a,b\nJos\xe9 \x80,2\n", want: "2:José €|2", note: true},
		"a formula is text":             {file: "a,b\n=1+1,@SUM(A1)\n", want: "2:=1+1|@SUM(A1)"},
		"one column":                    {file: "a\n1\n", want: "2:1"},
		"a cell of a megabyte":          {file: "a,b\n1," + strings.Repeat("x", 1<<20) + "\n", want: "2:1|" + strings.Repeat("x", 1<<20)},
		"sep that is no separator here": {file: "sep=x\n1\n", want: "2:1"},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := intake.ReadTable(strings.NewReader(tt.file))
			if err != nil || table.Bad.Total != 0 {
				t.Fatal(err, table.Bad)
			}
			var rows []string
			for _, r := range table.Rows {
				rows = append(rows, fmt.Sprintf("%d:%s", r.Line, strings.Join(r.Cells, "|")))
			}
			if d := cmp.Diff(tt.want, strings.Join(rows, " ")); d != "" {
				t.Error(d)
			}
			if (len(table.Notes) > 0) != tt.note {
				t.Errorf("notes: %q", table.Notes)
			}
		})
	}
}

func TestWhatIsNoTableIsRefusedInASentence(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"nothing":            {"", "the file is empty"},
		"only a mark":        {"\ufeff", "the file is empty"},
		"only blank lines":   {"\n\n,,\n", "the file is empty"},
		"only a header":      {"a,b\n", "a header and no rows"},
		"a workbook":         {"PK\x03\x04rest", "spreadsheet's own format"},
		"an old workbook":    {"\xd0\xcf\x11\xe0rest", "spreadsheet's own format"},
		"a zero byte":        {"a,b\n1,\x002\n", "line 2 has a zero byte"},
		"a header in pieces": {"a,\"b\n1,2\n", "line 1: the header cannot be read"},
		"too many rows":      {"a\n" + strings.Repeat("1\n", 200_001), "more than 200000 rows"},
		"too many bytes":     {"a\n" + strings.Repeat("x", 64<<20), "larger than 64 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := intake.ReadTable(strings.NewReader(tt.file)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestRowsThatCannotBeReadAreNamedByLine(t *testing.T) {
	table, err := intake.ReadTable(strings.NewReader("a,b\n1\n1,2,3\nx\"y,2\n1,2\n\"never closed,2\n9,9\n"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, b := range table.Bad.Rows {
		lines = append(lines, b.Line)
		if b.Reason == "" || strings.HasSuffix(b.Reason, ".") && !strings.Contains(b.Reason, `"`) {
			t.Errorf("%+v", b)
		}
	}
	if d := cmp.Diff([]int{2, 3, 4, 6}, lines); d != "" || len(table.Rows) != 1 {
		t.Error(d, table.Rows)
	}
	table, err = intake.ReadTable(strings.NewReader("a,b\n" + strings.Repeat("1\n", 250)))
	if err != nil || table.Bad.Total != 250 || len(table.Bad.Rows) != 100 {
		t.Errorf("%v, %d named of %d", err, len(table.Bad.Rows), table.Bad.Total)
	}
}

// FuzzReadTable: every row has a cell for each column, in UTF-8 and without zero
// bytes, and a report shows values on one line.
func FuzzReadTable(f *testing.F) {
	for _, s := range []string{
		"Name,Phone\nPriya,+14155550134\n", "sep=;\r\na;b\r\n1;\"2\r\n3\"\r\n", "\ufeffa\tb\n\t\n", "\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00",
		"a,b\r1,2\r", "a,b\nJos\xe9,2\n", "a,\"b\n1,2", "a|b\n\"x\"y|2\n", "PK\x03\x04", "\"\n", "a,a,,\n,,,\n1,2,3,4\n", "\xfe\xff\xd8\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		table, err := intake.ReadTable(strings.NewReader(string(file)))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		last := 0
		for _, r := range table.Rows {
			if len(r.Cells) != len(table.Columns) || r.Line <= last {
				t.Errorf("line %d after %d: %q for %q", r.Line, last, r.Cells, table.Columns)
			}
			last = r.Line
			for _, c := range r.Cells {
				if !utf8.ValidString(c) || strings.ContainsRune(c, 0) {
					t.Errorf("%q", c)
				}
			}
		}
		if len(table.Rows)+table.Bad.Total == 0 || len(table.Bad.Rows) > 100 {
			t.Errorf("%d rows, %d bad", len(table.Rows), table.Bad.Total)
		}
		for _, b := range table.Bad.Rows {
			if b.Reason == "" || b.Line < 1 || strings.ContainsAny(b.Value, "\r\n") || utf8.RuneCountInString(b.Value) > 60 {
				t.Errorf("%+v", b)
			}
		}
	})
}
