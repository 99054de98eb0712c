package intake

import (
	"fmt"
	"strings"

	"porchlight/bridge"
	"porchlight/data"
)

// A directory says whom the rows of records name: each by external id, or phone,
// or email, or exact name.
type directory struct {
	in     *Intake
	wanted map[string]address
	found  map[string][]bridge.ContactID // by kind and key
}

// address is what a cell could be beside an id or a name.
type address struct{ phone, email string }

func newDirectory(in *Intake) *directory {
	return &directory{in, map[string]address{}, map[string][]bridge.ContactID{}}
}

// want notes that a row names somebody.
func (d *directory) want(named string) {
	if _, ok := d.wanted[named]; ok || named == "" {
		return
	}
	var a address
	digits := 0
	for _, r := range named {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	if digits >= 7 { // what is shorter is no phone, and reading one takes 20 µs
		phone, _ := d.in.ParsePhone(named) // what is none finds nothing
		a.phone = string(phone)
	}
	if strings.Contains(named, "@") {
		a.email, _ = ParseEmail(named)
	}
	d.wanted[named] = a
}

// look finds all that are wanted.
func (d *directory) look(tx *data.Tx) error {
	keys := data.ContactKeys{}
	for n, a := range d.wanted {
		keys.External = append(keys.External, n)
		if a.phone != "" {
			keys.Phones = append(keys.Phones, a.phone)
		}
		if a.email != "" {
			keys.Emails = append(keys.Emails, a.email)
		}
	}
	cs, err := tx.ContactsWith(keys)
	if err != nil {
		return err
	}
	for _, c := range cs {
		id := c.ID
		if c.MergedInto != 0 {
			id = c.MergedInto
		}
		d.add("id", c.External, id)
		for _, a := range c.Addresses {
			d.add(string(a.Channel), a.Value, id)
		}
	}
	names := map[string]bool{} // what can only be one
	for n := range d.wanted {
		if _, problem := d.find(n); problem != "" {
			names[strings.ToLower(n)] = true
		}
	}
	if len(names) == 0 {
		return nil
	}
	return tx.ContactNames(func(id bridge.ContactID, name string) {
		if name = strings.ToLower(name); names[name] {
			d.add("name", name, id)
		}
	})
}

func (d *directory) add(kind, key string, id bridge.ContactID) {
	if key != "" {
		d.found[kind+" "+key] = appendNew(d.found[kind+" "+key], id)
	}
}

// find gives the one contact that a cell names.
func (d *directory) find(named string) (id bridge.ContactID, problem string) {
	a := d.wanted[named]
	for _, k := range []struct{ kind, key, says string }{
		{"id", named, "id"}, {string(bridge.SMS), a.phone, "phone"}, {string(bridge.Email), a.email, "email"}, {"name", strings.ToLower(named), "name"},
	} {
		switch found := d.found[k.kind+" "+k.key]; {
		case k.key == "" || len(found) == 0:
		case len(found) == 1:
			return found[0], ""
		default:
			return 0, fmt.Sprintf("%d contacts have this %s. Give the external id", len(found), k.says)
		}
	}
	return 0, "No contact has this external id, phone, email or name. Import the contacts first"
}
