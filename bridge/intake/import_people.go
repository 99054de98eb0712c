package intake

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"porchlight/bridge"
	"porchlight/data"
)

// people are the contacts that the rows of an import may be: those of the store
// that have any of their keys, and those that the rows before made.
type people struct {
	external map[string]*known
	phone    map[string][]*known
	email    map[string][]*known
	name     map[string][]*known
	// shared are the phones and emails that rows with different names have, as
	// households do: there the name decides.
	shared map[string]bool

	added, changed    []*known
	unchanged, merged int
}

// known is one contact, as it will be after the rows so far.
type known struct {
	bridge.Contact
	was    bridge.Contact // as stored; its ID is 0 for a new one
	change ContactChange
	line   int  // of the first row that is this contact; 0: none yet
	listed bool // it is among the changed
}

// newPeople looks up everybody whom the rows may mean.
func newPeople(tx *data.Tx, rows []contactRow) (*people, error) {
	p := &people{external: map[string]*known{}, phone: map[string][]*known{}, email: map[string][]*known{}, name: map[string][]*known{}, shared: map[string]bool{}}
	keys, names := data.ContactKeys{}, map[string]string{}
	for _, r := range rows {
		keys.Phones, keys.Emails = append(keys.Phones, r.phones...), append(keys.Emails, r.emails...)
		for _, v := range slices.Concat(r.phones, r.emails) {
			if n := names[v]; n != "" && r.name != "" && !strings.EqualFold(n, r.name) {
				p.shared[v] = true
			}
			names[v] = cmp.Or(r.name, names[v])
		}
		if r.external != "" {
			keys.External = append(keys.External, r.external)
		}
		if r.name != "" {
			keys.Names = append(keys.Names, data.SortName(bridge.Contact{Name: r.name, Company: r.company}))
		}
	}
	cs, err := tx.ContactsWith(keys)
	for _, c := range cs {
		p.index(&known{Contact: c, was: c})
	}
	return p, err
}

// index makes a contact to be found. One that was merged is found by its id alone.
func (p *people) index(k *known) {
	if k.External != "" {
		p.external[k.External] = k
	}
	if k.MergedInto != 0 {
		return
	}
	for _, a := range k.Addresses {
		p.indexAddress(k, a)
	}
	p.name[nameKey(k.Name, k.Company)] = append(p.name[nameKey(k.Name, k.Company)], k)
}

func (p *people) indexAddress(k *known, a bridge.Address) {
	at := p.phone
	if a.Channel == bridge.Email {
		at = p.email
	}
	at[a.Value] = append(at[a.Value], k)
}

func nameKey(name, company string) string { return strings.ToLower(name + "\n" + company) }

// take finds whom a row means and notes what is new about them.
func (p *people) take(im *importer, r contactRow) {
	k, column, problem := p.find(r)
	if problem != "" {
		im.bad(r.Row, column, "", problem)
		return
	}
	if k == nil && r.name == "" && len(r.phones)+len(r.emails) == 0 {
		im.bad(r.Row, "", "", "The row has no name, phone number or email")
		return
	}
	if k == nil {
		k = &known{Contact: bridge.Contact{Name: r.name, Company: r.company, Side: r.side, Zone: r.zone, External: r.external}, line: r.Line}
		if k.Side == "" {
			k.Side = bridge.Customer
		}
		p.give(k, r)
		p.name[nameKey(k.Name, k.Company)] = append(p.name[nameKey(k.Name, k.Company)], k)
		if k.External != "" {
			p.external[k.External] = k
		}
		p.added = append(p.added, k)
		return
	}
	if k.MergedInto != 0 {
		p.merged++
		return
	}
	if says := k.differs(r, true); says != "" && k.line != 0 {
		im.bad(r.Row, says, "", fmt.Sprintf("This is the contact of line %d, which says otherwise. Take one of the two away, or give each an external id", k.line))
		return
	}
	p.alter(k, r)
}

// differs names the first thing that a row says otherwise about a contact, apart
// from more addresses; of what is known already, or also of what is not.
func (k *known) differs(r contactRow, known bool) string {
	for _, f := range []struct{ name, says, is string }{
		{"name", r.name, k.Name}, {"company", r.company, k.Company}, {"side", string(r.side), string(k.Side)},
		{"zone", r.zone, k.Zone}, {"external id", r.external, k.External},
	} {
		if f.says != "" && f.says != f.is && (f.is != "" || !known) && !(f.name == "name" && r.borrowed && f.is != "") {
			return f.name
		}
	}
	return ""
}

// alter changes a contact as a row says.
func (p *people) alter(k *known, r contactRow) {
	differed := k.differs(r, false) != ""
	if r.name != "" && r.name != k.Name && !(r.borrowed && k.Name != "") {
		k.Name, k.change.Name = r.name, &r.name
	}
	if r.company != "" && r.company != k.Company {
		k.Company, k.change.Company = r.company, &r.company
	}
	if r.side != "" && r.side != k.Side {
		k.Side, k.change.Side = r.side, &r.side
	}
	if r.zone != "" && r.zone != k.Zone {
		k.Zone, k.change.Zone = r.zone, &r.zone
	}
	if r.external != "" && r.external != k.External {
		k.External, k.change.External = r.external, &r.external
		p.external[r.external] = k
	}
	if at := nameKey(k.Name, k.Company); differed && !slices.Contains(p.name[at], k) {
		p.name[at] = append(p.name[at], k)
	}
	more := p.give(k, r) || differed
	first := k.line == 0
	if first {
		k.line = r.Line
	}
	switch {
	case k.was.ID == 0 || k.listed: // counted already
	case more:
		p.changed, k.listed = append(p.changed, k), true
		if !first {
			p.unchanged--
		}
	case first:
		p.unchanged++
	}
}

// give adds a row's addresses to a contact, and reports whether there are new ones.
func (p *people) give(k *known, r contactRow) (more bool) {
	add := func(ch bridge.Channel, values []string, change *[]string) {
		for _, v := range values {
			if slices.ContainsFunc(k.Addresses, func(a bridge.Address) bool { return a.Channel == ch && a.Value == v }) {
				continue
			}
			a := bridge.Address{Channel: ch, Value: v, Answerable: true}
			k.Addresses = append(slices.Clip(k.Addresses), a)
			p.indexAddress(k, a)
			*change, more = append(*change, v), true
		}
	}
	add(bridge.SMS, r.phones, &k.change.Phones)
	add(bridge.Email, r.emails, &k.change.Emails)
	return more
}

// find says whom a row means: nil is nobody yet. A problem names its column.
func (p *people) find(r contactRow) (k *known, column, problem string) {
	if k := p.external[r.external]; k != nil && r.external != "" {
		return k, "", ""
	}
	byPhone, byEmail := p.having(p.phone, r.phones, r), p.having(p.email, r.emails, r)
	found, column := byPhone, "phone"
	switch {
	case len(byPhone) == 0:
		found, column = byEmail, "email"
	case len(byEmail) > 0:
		found = slices.DeleteFunc(slices.Clone(byPhone), func(k *known) bool { return !slices.Contains(byEmail, k) })
		if len(found) == 0 {
			return nil, "phone", fmt.Sprintf("The phone is that of %s here, and the email that of %s. Merge them, or give the external id", byPhone[0].Title(), byEmail[0].Title())
		}
	}
	if len(found) == 0 {
		found, column = p.named(r), "name"
	}
	if same := slices.DeleteFunc(slices.Clone(found), func(k *known) bool { return !strings.EqualFold(k.Name, r.name) }); len(found) > 1 && len(same) == 1 {
		found = same
	}
	switch len(found) {
	case 0:
		return nil, "", ""
	case 1:
		return found[0], "", ""
	}
	return nil, column, fmt.Sprintf("%d contacts have this %s: %s and %s. Give the external id", len(found), column, found[0].Title(), found[1].Title())
}

// having gives the contacts that have one of the addresses and could be the row's:
// not one whom the CRM calls something else, and of a household only the one of
// the same name.
func (p *people) having(at map[string][]*known, values []string, r contactRow) (out []*known) {
	for _, v := range values {
		for _, k := range at[v] {
			if r.external != "" && k.External != "" || p.shared[v] && !strings.EqualFold(k.Name, r.name) {
				continue
			}
			out = appendNew(out, k)
		}
	}
	return out
}

// named gives the contacts of exactly the row's name and company, as long as
// nothing else tells them from it.
func (p *people) named(r contactRow) (out []*known) {
	if r.name == "" {
		return nil
	}
	bare := len(r.phones)+len(r.emails) == 0
	for _, k := range p.name[nameKey(r.name, r.company)] {
		if (r.external == "" || k.External == "") && (bare || len(k.Addresses) == 0) {
			out = append(out, k)
		}
	}
	return out
}

// store writes what the rows made and changed.
func (p *people) store(im *importer, tx *data.Tx) error {
	added := make([]bridge.Contact, len(p.added))
	for i, k := range p.added {
		added[i] = k.Contact
	}
	if err := tx.AddContacts(added, im.Now()); err != nil {
		return fmt.Errorf("add contacts: %w", err)
	}
	for i, k := range p.changed {
		if i%1000 == 0 && im.ctx.Err() != nil {
			return im.ctx.Err()
		}
		if _, err := im.ChangeContact(tx, k.was, k.change); err != nil {
			return fmt.Errorf("change the contact of line %d: %w", k.line, err)
		}
	}
	return im.ctx.Err()
}
