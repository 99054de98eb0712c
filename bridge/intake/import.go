package intake

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"porchlight/bridge"
	"porchlight/data"
)

// ImportOptions say how an import goes.
type ImportOptions struct {
	// DryRun looks at everything and stores nothing.
	DryRun bool
	// SkipBad takes the good rows although there are bad ones.
	SkipBad bool
	// Type is that of records whose row does not say it.
	Type bridge.RecordType
}

// A Report is what an import did, or would do.
type Report struct {
	Rows                    int // in the file, without the header
	New, Changed, Unchanged int // contacts or records
	Bad                     Problems
	Ignored                 []string // columns that mean nothing here
	Notes                   []string
	// Stored reports whether anything was stored: not in a dry run, and not where a
	// row is bad, unless those are skipped.
	Stored bool
}

// An importer is one import, from the table to the store.
type importer struct {
	*Intake
	ctx    context.Context
	table  Table
	o      ImportOptions
	cols   map[string][]int // the columns of each field
	report *Report
}

// importTable reads a file and runs an import in one transaction: all of it is
// stored, or nothing. read looks at the rows alone, before the transaction, which
// all other writers wait for; its plan looks at the store, and its store stores.
func (in *Intake) importTable(ctx context.Context, file io.Reader, o ImportOptions, fields []field, read func(*importer) (planner, error)) (Report, error) {
	report := Report{}
	if err := bridge.Decide(bridge.System, bridge.DoImport, &bridge.Facts{}).Err(); err != nil {
		return report, err
	}
	table, err := ReadTable(file)
	if err != nil {
		return report, err
	}
	im := &importer{Intake: in, ctx: ctx, table: table, o: o, report: &report}
	report.Rows, report.Bad, report.Notes = len(table.Rows)+table.Bad.Total, table.Bad, table.Notes
	im.cols, report.Ignored = findColumns(table.Columns, fields)
	for _, f := range fields {
		if f.need && len(im.cols[f.name]) == 0 && (f.name != "type" || o.Type == "") {
			return report, fmt.Errorf("there is no column for the %s; call it %s. The file has: %s", f.name, strings.Join(f.called[:min(3, len(f.called))], " or "), strings.Join(table.Columns, ", "))
		}
	}
	p, err := read(im)
	if err != nil {
		return report, err
	}
	run := in.Store.WriteLong
	if o.DryRun {
		run = in.Store.Read
	}
	err = run(ctx, func(tx *data.Tx) error {
		if err := p.plan(tx); err != nil || o.DryRun || report.Bad.Total > 0 && !o.SkipBad {
			return err
		}
		report.Stored = true
		return p.store(tx)
	})
	if err != nil {
		report.Stored = false
	}
	slices.SortStableFunc(report.Bad.Rows, func(a, b BadRow) int { return a.Line - b.Line })
	return report, err
}

// A planner knows what the rows say. It is asked for a plan, which it reports, and
// perhaps to store it.
type planner interface {
	plan(*data.Tx) error
	store(*data.Tx) error
}

// A field is what a column may be, and how its header may be written.
type field struct {
	name   string
	need   bool
	many   bool // several columns may have it
	called []string
}

// findColumns says which columns have which field, and which have none.
func findColumns(columns []string, fields []field) (cols map[string][]int, ignored []string) {
	cols = map[string][]int{}
	for i, c := range columns {
		at := slices.IndexFunc(fields, func(f field) bool { return slices.Contains(f.called, plain(c)) })
		if at < 0 || len(cols[fields[at].name]) > 0 && !fields[at].many {
			if c != "" {
				ignored = append(ignored, c)
			}
			continue
		}
		cols[fields[at].name] = append(cols[fields[at].name], i)
	}
	return cols, ignored
}

// plain is a header without what varies: capitals, dashes, underscores, stars.
func plain(header string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(header), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}

// cell is a row's first value of a field.
func (im *importer) cell(r Row, name string) string {
	for _, i := range im.cols[name] {
		if v := strings.TrimSpace(r.Cells[i]); v != "" {
			return v
		}
	}
	return ""
}

// cells are all of a row's values of a field, also several in one cell.
func (im *importer) cells(r Row, name string) (out []string) {
	for _, i := range im.cols[name] {
		for _, v := range strings.FieldsFunc(r.Cells[i], func(r rune) bool { return r == ';' || r == '\n' || r == '|' }) {
			if v = strings.TrimSpace(v); v != "" {
				out = append(out, v)
			}
		}
	}
	return out
}

// bad notes that a row cannot be taken, because of its value of a field.
func (im *importer) bad(r Row, name, value, reason string) {
	if name == "name" && len(im.cols[name]) == 0 {
		name = "last name"
	}
	b := BadRow{Line: r.Line, Value: value, Reason: reason}
	for _, i := range im.cols[name] {
		if b.Column == "" || strings.Contains(r.Cells[i], value) && value != "" {
			b.Column = im.table.Columns[i]
		}
	}
	if b.Value == "" && b.Column != "" {
		b.Value = im.cell(r, name)
	}
	im.report.Bad.add(b)
}

// each calls fn for each row, until the context ends.
func (im *importer) each(fn func(Row)) error {
	for i, r := range im.table.Rows {
		if i%1000 == 0 && im.ctx.Err() != nil {
			return im.ctx.Err()
		}
		fn(r)
	}
	return nil
}
