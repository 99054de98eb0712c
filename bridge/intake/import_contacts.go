package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"porchlight/bridge"
	"porchlight/data"
)

var contactFields = []field{
	{name: "name", called: []string{"name", "full name", "contact", "contact name", "display name", "customer", "customer name", "client", "client name"}},
	{name: "first name", called: []string{"first name", "firstname", "given name", "forename", "first"}},
	{name: "last name", called: []string{"last name", "lastname", "surname", "family name", "last"}},
	{name: "company", called: []string{"company", "company name", "organisation", "organization", "business", "business name", "organization name"}},
	{name: "side", called: []string{"side", "type", "contact type"}},
	{name: "phone", many: true, called: []string{"phone", "phones", "phone number", "telephone", "tel", "mobile", "mobile phone", "mobile number", "cell", "cell phone", "sms",
		"phone 1", "phone 2", "phone 3", "work phone", "home phone", "business phone", "other phone", "primary phone", "phone 1 value", "phone 2 value"}},
	{name: "email", many: true, called: []string{"email", "emails", "e mail", "email address", "e mail address", "email 1", "email 2", "primary email", "mail", "e mail 1 value", "e mail 2 value"}},
	{name: "external id", called: []string{"external id", "externalid", "id", "crm id", "customer id", "client id", "contact id"}},
	{name: "zone", called: []string{"time zone", "timezone", "zone", "tz"}},
}

// sides are what CRMs call a side beside its own name.
var sides = map[string]bridge.Side{
	"client": bridge.Customer, "renter": bridge.Tenant, "landlord": bridge.PropertyOwner, "property owner": bridge.PropertyOwner, "contractor": bridge.ServicePro,
	"service pro": bridge.ServicePro, "service professional": bridge.ServicePro, "supplier": bridge.ServicePro, "vendor": bridge.ServicePro,
}

// ImportContacts takes contacts from CSV in one transaction. A row is the contact
// with its external id, else its phone, else its email, else its name and company;
// an empty cell changes nothing, and phones and emails are only ever added. The
// same file again changes nothing.
func (in *Intake) ImportContacts(ctx context.Context, file io.Reader, o ImportOptions) (Report, error) {
	return in.importTable(ctx, file, o, contactFields, readContacts)
}

// A contactRow is a row of the file as a contact.
type contactRow struct {
	Row
	name, company  string
	side           bridge.Side // empty: not said
	zone, external string
	phones, emails []string // E.164, lower case
	// borrowed: the row has no name, so it goes by its company's.
	borrowed bool
}

// A contactPlan is an import of contacts.
type contactPlan struct {
	*importer
	rows []contactRow
	*people
}

func readContacts(im *importer) (planner, error) {
	p := &contactPlan{importer: im}
	err := im.each(func(r Row) {
		if row, ok := im.contactRow(r); ok {
			p.rows = append(p.rows, row)
		}
	})
	return p, err
}

func (p *contactPlan) plan(tx *data.Tx) error {
	lines, err := tx.Lines()
	if err != nil {
		return err
	}
	if p.people, err = newPeople(tx, p.rows); err != nil {
		return err
	}
	for _, r := range p.rows {
		if i := slices.IndexFunc(lines, func(l bridge.Line) bool { return slices.Contains(r.phones, string(l.Phone)) }); i >= 0 {
			p.bad(r.Row, "phone", "", "This is the business's own number")
			continue
		}
		p.take(p.importer, r)
	}
	p.report.New, p.report.Changed, p.report.Unchanged = len(p.added), len(p.changed), p.unchanged
	if p.merged > 0 {
		p.report.Notes = append(p.report.Notes, fmt.Sprintf("%d rows are contacts that were merged into others here; these rows changed nothing", p.merged))
	}
	return nil
}

func (p *contactPlan) store(tx *data.Tx) error { return p.people.store(p.importer, tx) }

// shortened is a number as a spreadsheet mangles it: 1.41556E+10.
var shortened = regexp.MustCompile(`^\d([.,]\d+)?[eE]\+?\d+$`)

// contactRow reads a row's cells. A row that cannot be taken is reported.
func (im *importer) contactRow(r Row) (row contactRow, ok bool) {
	row = contactRow{Row: r, name: im.cell(r, "name"), company: im.cell(r, "company"), zone: im.cell(r, "zone"), external: im.cell(r, "external id")}
	if row.name == "" {
		row.name = strings.TrimSpace(im.cell(r, "first name") + " " + im.cell(r, "last name"))
	}
	if s := im.cell(r, "side"); s != "" {
		var err error
		if row.side = sides[plain(s)]; row.side == "" {
			if row.side, err = bridge.ParseSide(s); err != nil {
				im.bad(r, "side", s, "This is none of customer, tenant, owner, service pro, handyman")
				return row, false
			}
		}
	}
	for _, p := range im.cells(r, "phone") {
		phone, err := im.ParsePhone(strings.TrimPrefix(p, "'"))
		switch {
		case shortened.MatchString(p):
			im.bad(r, "phone", p, "The spreadsheet shortened this number. Format the column as text and save the file again")
		case err != nil:
			im.bad(r, "phone", p, problemOf(err))
		default:
			row.phones = appendNew(row.phones, string(phone))
			continue
		}
		return row, false
	}
	for _, e := range im.cells(r, "email") {
		email, err := ParseEmail(e)
		if err != nil {
			im.bad(r, "email", e, problemOf(err))
			return row, false
		}
		row.emails = appendNew(row.emails, email)
	}
	return row, im.checkContact(&row)
}

// checkContact puts a row's words in order as every other door does.
func (im *importer) checkContact(row *contactRow) bool {
	if row.borrowed = row.name == ""; row.borrowed {
		row.name = row.company
	}
	c := bridge.Contact{}
	if err := (ContactChange{Name: &row.name, Company: &row.company, Zone: &row.zone, External: &row.external}).apply(&c); err != nil {
		var no *bridge.Invalid
		name := "name"
		if errors.As(err, &no) && no.Field != "name" {
			name = strings.ReplaceAll(no.Field, "_", " ")
		}
		im.bad(row.Row, name, "", problemOf(err))
		return false
	}
	row.name, row.company, row.external = c.Name, c.Company, c.External
	return true
}

// problemOf is an error as a report says it.
func problemOf(err error) string {
	var no *bridge.Invalid
	if errors.As(err, &no) {
		return no.Problem
	}
	return err.Error()
}

func appendNew[T comparable](all []T, v T) []T {
	if slices.Contains(all, v) {
		return all
	}
	return append(all, v)
}
