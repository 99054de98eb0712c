package intake

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

var recordFields = []field{
	{name: "type", need: true, called: []string{"type", "record type", "kind"}},
	{name: "reference", need: true, called: []string{"reference", "number", "ref", "no", "job number", "job no", "quote number", "quote no", "project number", "request number", "record number"}},
	{name: "title", need: true, called: []string{"title", "name", "description", "subject", "job name", "project name", "summary", "job title"}},
	{name: "stage", called: []string{"stage", "project stage"}},
	{name: "project type", called: []string{"project type"}},
	{name: "client", called: []string{"client", "customer", "client id", "customer id", "client name", "customer name", "client phone", "customer phone", "client email", "customer email"}},
	{name: "contacts", many: true, called: []string{"contacts", "other contacts", "contact", "people"}},
	{name: "staff", many: true, called: []string{"staff", "team", "assigned to", "assigned", "assignee", "assignees", "staff email", "staff emails"}},
	{name: "sent to portal", called: []string{"sent to portal", "sent", "portal", "sent at", "sent on", "date sent"}},
	{name: "closed", called: []string{"closed", "done", "completed", "archived"}},
	{name: "quota", called: []string{"quota mb", "quota", "storage quota mb", "storage mb"}},
}

// ImportRecords takes records from CSV in one transaction. A row is the record of
// its type and reference; an empty cell changes nothing. Contacts are named by
// external id, phone, email or exact name and must be there. The same file again
// changes nothing.
func (in *Intake) ImportRecords(ctx context.Context, file io.Reader, o ImportOptions) (Report, error) {
	return in.importTable(ctx, file, o, recordFields, readRecords)
}

// byImport is who changed a record, in the history of its conversations.
const byImport = "An import"

type recordKey struct {
	t         bridge.RecordType
	reference string
}

// plannedRecord is a record as it will be after the rows.
type plannedRecord struct {
	bridge.Record
	change RecordChange // of one that is stored
	line   int
}

// A recordPlan is an import of records.
type recordPlan struct {
	*importer
	tx         *data.Tx
	now        time.Time
	who        *directory
	team       []bridge.Staff
	references map[bridge.RecordType][]string
	stored     map[recordKey]bridge.Record
	seen       map[recordKey]*plannedRecord

	added, edited []*plannedRecord
	unchanged     int
}

func readRecords(im *importer) (planner, error) {
	p := &recordPlan{importer: im, now: im.Now(), references: map[bridge.RecordType][]string{}, stored: map[recordKey]bridge.Record{}, seen: map[recordKey]*plannedRecord{}}
	p.who = newDirectory(im.Intake)
	return p, im.each(func(r Row) {
		if key, ok := p.key(r); ok {
			p.references[key.t] = append(p.references[key.t], key.reference)
		}
		for _, n := range append(im.cells(r, "contacts"), im.cell(r, "client")) {
			p.who.want(n)
		}
	})
}

func (p *recordPlan) plan(tx *data.Tx) (err error) {
	p.tx = tx
	if p.team, err = tx.Staff(); err != nil {
		return err
	}
	if err := p.who.look(tx); err != nil {
		return err
	}
	for t, references := range p.references {
		rs, err := tx.RecordsNamed(t, references)
		if err != nil {
			return err
		}
		for _, r := range rs {
			p.stored[recordKey{t, r.Reference}] = r
		}
	}
	err = p.each(func(r Row) {
		if column, value, problem := p.take(r); problem != "" {
			p.bad(r, column, value, problem)
		}
	})
	p.report.New, p.report.Changed, p.report.Unchanged = len(p.added), len(p.edited), p.unchanged
	return err
}

// key names a row's record, as far as it can be read.
func (p *recordPlan) key(r Row) (k recordKey, ok bool) {
	k = recordKey{p.o.Type, strings.TrimPrefix(p.cell(r, "reference"), "#")}
	if v := p.cell(r, "type"); v != "" {
		k.t, _ = bridge.ParseRecordType(cmp.Or(recordTypes[plain(v)], v)) // none is reported by take
	}
	return k, k.t != "" && k.reference != ""
}

// recordTypes are what CRMs call a type beside its own name.
var recordTypes = map[string]string{
	"estimate": "quote", "work order": "job", "maintenance request": "maintenance", "request": "maintenance", "construction project": "project",
}

// take reads a row into what it changes. A problem names its column and value.
func (p *recordPlan) take(r Row) (column, value, problem string) {
	key, ok := p.key(r)
	switch {
	case key.t == "":
		return "type", p.cell(r, "type"), "This is none of job, quote, project, maintenance"
	case !ok:
		return "reference", "", "The row has no reference"
	}
	is, stored := p.stored[key]
	next := &plannedRecord{Record: is, line: r.Line}
	next.Type = key.t
	ch := RecordChange{Type: key.t, Reference: &key.reference}
	if column, value, problem = p.read(r, is, &ch); problem != "" {
		return column, value, problem
	}
	contacts, staff := ch.Contacts, ch.Staff
	ch.Contacts, ch.Staff = nil, nil // they are looked up already
	if err := ch.apply(p.tx, &next.Record, p.now); err != nil {
		field, _, _ := strings.Cut(err.Error(), ":")
		return strings.ReplaceAll(field, "_", " "), "", problemOf(err)
	}
	if contacts != nil {
		next.Contacts, ch.Contacts = *contacts, contacts
	}
	if staff != nil {
		next.Staff, ch.Staff = *staff, staff
	}
	next.change = ch
	if before := p.seen[key]; before != nil {
		if sameRecord(before.Record, next.Record) {
			return "", "", ""
		}
		return "reference", key.reference, fmt.Sprintf("Line %d has the same reference and says otherwise", before.line)
	}
	p.seen[key] = next
	switch {
	case !stored:
		p.added = append(p.added, next)
	case sameRecord(is, next.Record):
		p.unchanged++
	default:
		p.edited = append(p.edited, next)
	}
	return "", "", ""
}

func sameRecord(a, b bridge.Record) bool {
	slices.Sort(a.Staff)
	slices.Sort(b.Staff)
	return a.Title == b.Title && a.ProjectType == b.ProjectType && a.Stage == b.Stage && a.SentToPortal.Equal(b.SentToPortal) && a.Closed == b.Closed &&
		a.Quota == b.Quota && slices.Equal(a.Contacts, b.Contacts) && slices.Equal(a.Staff, b.Staff)
}

// read puts the cells of a row into a change of a record.
func (p *recordPlan) read(r Row, is bridge.Record, ch *RecordChange) (column, value, problem string) {
	for _, f := range []struct {
		name string
		to   **string
	}{{"title", &ch.Title}, {"stage", &ch.Stage}, {"project type", &ch.ProjectType}} {
		if v := p.cell(r, f.name); v != "" {
			*f.to = &v
		}
	}
	if v := p.cell(r, "closed"); v != "" {
		yes, ok := parseYes(v)
		if !ok {
			return "closed", v, "Write yes or no"
		}
		ch.Closed = &yes
	}
	if v := p.cell(r, "quota"); v != "" {
		mb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.ToUpper(v), "MB")), 64)
		if err != nil || !(mb >= 0 && mb <= 1<<30) {
			return "quota", v, "Write how many megabytes, such as 500"
		}
		n := int64(math.Round(mb * (1 << 20)))
		ch.Quota = &n
	}
	if v := p.cell(r, "sent to portal"); v != "" {
		if problem = p.sent(v, ch); problem != "" {
			return "sent to portal", v, problem
		}
	}
	if column, value, problem = p.contacts(r, is, ch); problem != "" {
		return column, value, problem
	}
	return p.staff(r, is, ch)
}

// sent reads whether and when a quote was sent to the portal.
func (p *recordPlan) sent(v string, ch *RecordChange) (problem string) {
	yes, ok := parseYes(v)
	if !ok {
		for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02 15:04", time.DateTime} {
			if at, err := time.ParseInLocation(layout, v, p.Zone); err == nil {
				yes, ok, ch.SentAt = true, true, at
			}
		}
	}
	switch {
	case !ok:
		return "Write yes, no, or a date like 2026-11-30"
	case !yes && ch.Type != bridge.Quote:
		return "" // what is no quote is never sent
	}
	ch.SentToPortal = &yes
	return ""
}

func parseYes(s string) (yes, ok bool) {
	switch strings.ToLower(s) {
	case "yes", "y", "true", "1", "x", "closed", "done", "completed", "sent":
		return true, true
	case "no", "n", "false", "0", "open":
		return false, true
	}
	return false, false
}

// contacts reads the client and the others. The client alone becomes the first and
// leaves who is there; named contacts are all there are.
func (p *recordPlan) contacts(r Row, is bridge.Record, ch *RecordChange) (column, value, problem string) {
	var ids []bridge.ContactID
	client, others := p.cell(r, "client"), p.cells(r, "contacts")
	if client == "" && len(others) == 0 {
		return "", "", ""
	}
	if client != "" {
		id, problem := p.who.find(client)
		if problem != "" {
			return "client", client, problem
		}
		ids = append(ids, id)
	}
	for _, c := range others {
		id, problem := p.who.find(c)
		if problem != "" {
			return "contacts", c, problem
		}
		ids = appendNew(ids, id)
	}
	if len(others) == 0 {
		for _, id := range is.Contacts {
			ids = appendNew(ids, id)
		}
	}
	ch.Contacts = &ids
	return "", "", ""
}

// staff reads who is assigned, by email or by a name that only one has.
func (p *recordPlan) staff(r Row, is bridge.Record, ch *RecordChange) (column, value, problem string) {
	var ids []bridge.StaffID
	for _, v := range p.cells(r, "staff") {
		var found []bridge.Staff
		for _, s := range p.team {
			if strings.EqualFold(s.Email, v) || strings.EqualFold(s.Name, v) {
				found = append(found, s)
			}
		}
		switch {
		case len(found) == 0:
			return "staff", v, "Nobody in the team has this email"
		case len(found) > 1:
			return "staff", v, "Several in the team are called this; give the email"
		case !found[0].Active && !slices.Contains(is.Staff, found[0].ID):
			return "staff", v, "They have left the team"
		}
		ids = appendNew(ids, found[0].ID)
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		ch.Staff = &ids
	}
	return "", "", ""
}

// store writes what the rows made and changed, and opens the conversations that
// start by themselves.
func (p *recordPlan) store(tx *data.Tx) error {
	added := make([]bridge.Record, len(p.added))
	for i, r := range p.added {
		added[i] = r.Record
	}
	if err := tx.AddRecords(added, p.now); err != nil {
		return fmt.Errorf("add records: %w", err)
	}
	for i, r := range added {
		if err := p.openRequests(tx, r, p.now); err != nil {
			return fmt.Errorf("open the conversation of line %d: %w", p.added[i].line, err)
		}
	}
	for i, r := range p.edited {
		if i%1000 == 0 && p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		was := p.stored[recordKey{r.Type, r.Reference}]
		if _, err := p.ChangeRecord(tx, byImport, was, r.change); err != nil {
			return fmt.Errorf("change the record of line %d: %w", r.line, err)
		}
	}
	return p.ctx.Err()
}
