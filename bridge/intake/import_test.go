package intake_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// contacts imports a file of contacts and says "new changed unchanged bad".
func (o *office) contacts(file string, how ...intake.ImportOptions) intake.Report {
	o.Helper()
	r, err := o.ImportContacts(o.Context(), strings.NewReader(file), append(how, intake.ImportOptions{})[0])
	o.must(err)
	return r
}

func (o *office) records(file string, how ...intake.ImportOptions) intake.Report {
	o.Helper()
	r, err := o.ImportRecords(o.Context(), strings.NewReader(file), append(how, intake.ImportOptions{})[0])
	o.must(err)
	return r
}

func counts(r intake.Report) string {
	return fmt.Sprintf("%d %d %d %d", r.New, r.Changed, r.Unchanged, r.Bad.Total)
}

func (o *office) counted(r intake.Report, want string) {
	o.Helper()
	if got := counts(r); got != want {
		o.Errorf("new, changed, unchanged, bad: %s, want %s; %+v", got, want, r.Bad.Rows)
	}
}

// everybody is all contacts that stand alone, in words, by name.
func (o *office) everybody() (out []string) {
	o.Helper()
	o.read(func(tx *data.Tx) error {
		cs, err := tx.Contacts(data.ContactFilter{}, 1000)
		for _, c := range cs {
			words := []string{c.Name, c.Company, string(c.Side), c.Zone, c.External}
			for _, a := range c.Addresses {
				words = append(words, a.Value)
			}
			out = append(out, strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " "))
		}
		return err
	})
	return out
}

func (o *office) are(want ...string) {
	o.Helper()
	if d := cmp.Diff(want, o.everybody()); d != "" {
		o.Error(d)
	}
}

func TestTheSameFileAgainChangesNothing(t *testing.T) {
	eachOffice(t, func(o *office) {
		file := "Name,Company,Type,Phone,Mobile,Email,ID,Time zone\n" +
			"Priya Raman,Raman Lettings,Landlord,(415) 555-0134,415-555-0135; 415-555-0136,Priya@Example.com,crm-1,America/New_York\n" +
			"Tom,,tenant,+14155550141,,,,\n" +
			"Ana,,,,,ana@example.com,,\n" +
			"No Address,Acme,,,,,,\n" +
			",Only Company,,,,,,\n" +
			"Customer of Ours,,Client,,,,crm-2,\n"
		o.counted(o.contacts(file, intake.ImportOptions{DryRun: true}), "6 0 0 0")
		o.are()
		o.counted(o.contacts(file), "6 0 0 0")
		want := []string{
			"Ana customer ana@example.com", "Customer of Ours customer crm-2", "No Address Acme customer", "Only Company Only Company customer",
			"Priya Raman Raman Lettings owner America/New_York crm-1 +14155550134 +14155550135 +14155550136 priya@example.com", "Tom tenant +14155550141",
		}
		o.are(want...)
		o.counted(o.contacts(file), "0 0 6 0")
		o.are(want...)
	})
}

func TestAnImportedContactIsFoundByIdThenPhoneThenEmailThenName(t *testing.T) {
	eachOffice(t, func(o *office) {
		r := o.text("+14155550134", "Hello") // nobody knows the name yet
		o.contacts("Name,Phone,Email,ID\nTom,+14155550141,tom@example.com,crm-1\nAna,,ana@example.com,\nEve,,,\n")
		file := "Name,Company,Phone,Email,ID\n" +
			"Priya Raman,,+14155550134,,crm-9\n" + // by phone
			"Thomas,,+14155550199,,crm-1\n" + // by id; another phone is added
			"Ana Lopez,,,ANA@example.com,crm-3\n" + // by email; the id is new
			"Eve,,,eve@example.com,\n" // by name
		o.counted(o.contacts(file), "0 4 0 0")
		want := []string{
			"Ana Lopez customer crm-3 ana@example.com", "Eve customer eve@example.com", "Priya Raman customer crm-9 +14155550134",
			"Thomas customer crm-1 +14155550141 +14155550199 tom@example.com",
		}
		o.are(want...)
		if c := o.row(r.Conversation); c.Title != "Priya Raman" {
			o.Errorf("the conversation is still called %s", c.Title)
		}
		o.counted(o.contacts(file), "0 0 4 0")
		// An empty cell takes nothing away.
		o.counted(o.contacts("Name,Company,Phone,Email,ID\n,,,,crm-1\n,,,ana@example.com,\n"), "0 0 2 0")
		o.are(want...)
	})
}

func TestAHouseholdThatSharesAPhoneStaysTwoPeople(t *testing.T) {
	for name, file := range map[string]string{
		"with ids":    "Name,Phone,ID\nPriya,+14155550134,1\nTom,+14155550134,2\n",
		"without ids": "Name,Phone,ID\nPriya,+14155550134,\nTom,+14155550134,\n",
	} {
		t.Run(name, func(t *testing.T) {
			eachOffice(t, func(o *office) {
				o.counted(o.contacts(file), "2 0 0 0")
				before := o.everybody()
				o.counted(o.contacts(file), "0 0 2 0")
				o.are(before...)
			})
		})
	}
}

func TestRowsThatCannotBeToldApartAreBad(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.contacts("Name,Phone,Email\nPriya,+14155550134,\nTom,+14155550134,\nAna,,ana@example.com\n")
		for name, tt := range map[string]struct{ row, column, says string }{
			"a phone that two have":          {"Somebody,+14155550134,", "Phone", "2 contacts have this phone: Priya and Tom"},
			"a phone of one, email of other": {"Priya,+14155550134,ana@example.com", "Phone", "the email that of Ana"},
			"two rows that disagree":         {"Eve,+14155550155,eve@example.com\nEva,,eve@example.com", "", ""},
		} {
			t.Run(name, func(*testing.T) {
				r := o.contacts("Name,Phone,Email\n" + tt.row + "\n")
				if tt.says == "" { // a household by email: the name decides
					o.counted(r, "2 0 0 0")
					return
				}
				o.counted(r, "0 0 0 1")
				if b := r.Bad.Rows[0]; b.Column != tt.column || b.Line != 2 || !strings.Contains(b.Reason, tt.says) {
					o.Errorf("%+v", b)
				}
			})
		}
		r := o.contacts("Name,Company,ID\nZoe,Acme,7\nZoe,Bolt,7\n")
		o.counted(r, "1 0 0 1")
		if b := r.Bad.Rows[0]; b.Line != 3 || b.Column != "Company" || b.Value != "Bolt" || !strings.Contains(b.Reason, "line 2") {
			o.Errorf("%+v", b)
		}
		// Rows that only add to one another are one contact.
		o.counted(o.contacts("Name,Phone,ID\nZoe,+14155550161,7\nZoe,+14155550162,7\n"), "1 0 0 0")
		o.counted(o.contacts("Name,Phone,ID\nZoe,+14155550161,7\nZoe,+14155550162,7\nZoe,+14155550163,7\n"), "0 1 0 0")
	})
}

func TestBadCellsAreNamedAndNothingIsHalfDone(t *testing.T) {
	eachOffice(t, func(o *office) {
		for name, tt := range map[string]struct{ head, row, column, value, says string }{
			"a phone":               {"Name,Mobile", "Tom,12", "Mobile", "12", "not a phone number"},
			"our own line":          {"Name,Mobile", "Tom," + ourLine, "Mobile", ourLine, "own number"},
			"a shortened number":    {"Name,Mobile", "Tom,1.41556E+10", "Mobile", "1.41556E+10", "shortened"},
			"the second of phones":  {"Name,Mobile", "Tom,+14155550141;x", "Mobile", "x", "not a phone number"},
			"an email":              {"Name,E-mail", "Tom,nomail", "E-mail", "nomail", "not an email"},
			"a side":                {"Name,Type", "Tom,king", "Type", "king", "none of customer"},
			"a zone":                {"Name,Time Zone", "Tom,Mars/Base", "Time Zone", "Mars/Base", "time zone"},
			"a long name":           {"Name,Phone", strings.Repeat("x", 101) + ",", "Name", strings.Repeat("x", 59) + "…", "100 characters"},
			"a name of a megabyte":  {"First name,Last name", "x," + strings.Repeat("y", 1<<20), "Last name", strings.Repeat("y", 59) + "…", "100 characters"},
			"nothing to go by":      {"Name,Company,Side", ",,tenant", "", "", "no name"},
			"too few cells":         {"Name,Phone", "Tom", "", "Tom", "1 cells"},
			"an id of two lines":    {"Name,ID", "Tom,\"1\n2\"", "ID", "1 2", "one line"},
			"a formula for a phone": {"Name,Phone", "Tom,=1+1", "Phone", "=1+1", "not a phone number"},
		} {
			r := o.contacts(tt.head + "\nGood One,\n"[:10] + strings.Repeat(",", strings.Count(tt.head, ",")) + "\n" + tt.row + "\n")
			o.counted(r, "1 0 0 1")
			if b := r.Bad.Rows[0]; b.Line != 3 || b.Column != tt.column || b.Value != tt.value || !strings.Contains(b.Reason, tt.says) || r.Stored {
				o.Errorf("%s: %+v", name, b)
			}
		}
		o.are()
		r := o.contacts("Name,Phone\nGood One,\nBad One,12\n", intake.ImportOptions{SkipBad: true})
		if o.counted(r, "1 0 0 1"); !r.Stored {
			o.Error("not stored")
		}
		o.are("Good One customer")
	})
}

func TestAFormulaInANameIsText(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.contacts("Name,Phone\n\"=HYPERLINK(\"\"x\"\")\",+14155550141\n")
		o.are(`=HYPERLINK("x") customer +14155550141`)
	})
}

func TestARowOfAMergedContactChangesNothing(t *testing.T) {
	eachOffice(t, func(o *office) {
		file := "Name,ID,Phone\nTom,1,+14155550141\nThomas,2,\n"
		o.contacts(file)
		var ids [2]bridge.ContactID
		o.read(func(tx *data.Tx) error {
			for i := range ids {
				ids[i], _ = tx.ContactByExternal(fmt.Sprint(i + 1))
			}
			return nil
		})
		o.must(o.Merge(o.Context(), o.sam, ids[0], ids[1]))
		r := o.contacts(file)
		if o.counted(r, "0 0 1 0"); len(r.Notes) != 1 {
			o.Error(r.Notes)
		}
		o.are("Thomas customer 2 +14155550141")
	})
}

func TestStopHoldsForAnImportedNumber(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.text(priya, "STOP")
		o.contacts("Name,Phone,ID\nPriya,+14155550134,1\nTom,+14155550134,2\n")
		o.read(func(tx *data.Tx) error {
			as, err := tx.AddressesOf(bridge.SMS, priya)
			for _, a := range as {
				if !a.OptedOut || !a.Answerable {
					o.Errorf("%+v", a)
				}
			}
			if len(as) != 3 {
				o.Errorf("%d addresses", len(as))
			}
			return err
		})
	})
}

func TestAnImportThatIsStoppedStoresNothing(t *testing.T) {
	eachOffice(t, func(o *office) {
		ctx, cancel := context.WithCancel(o.Context())
		cancel()
		if _, err := o.ImportContacts(ctx, strings.NewReader("Name\nTom\n"), intake.ImportOptions{}); !errors.Is(err, context.Canceled) {
			o.Error(err)
		}
		o.are()
	})
}

const crm = "Name,Phone,Email,ID\nPriya,+14155550134,priya@example.com,crm-1\nTom,+14155550141,,crm-2\nAna,,ana@example.com,\n"

func TestImportedRecordsNameTheirPeopleInFourWays(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.contacts(crm)
		file := "Record type,Job number,Description,Client,Other contacts,Assigned to,Sent,Done,Quota MB,Stage,Project type\n" +
			"Job,#1,Boiler,crm-1,415 555 0141; ANA@example.com,Jo Park@example.com;lee moss,,no,,,\n" +
			"Estimate,1,Boiler,tom,,,yes,,,,\n" +
			"quote,2,Roof,crm-1,,,2026-01-15,,,,\n" +
			"Project,P1,Extension,Ana,,,,,0.5,Selections,Standard\n" +
			"request,M1,Leak,,,,no,closed,,,\n"
		o.counted(o.records(file, intake.ImportOptions{DryRun: true}), "5 0 0 0")
		o.counted(o.records(file), "5 0 0 0")
		names := func(r bridge.Record) string {
			var out []string
			o.read(func(tx *data.Tx) error {
				for _, id := range r.Contacts {
					c, _ := tx.Contact(id)
					out = append(out, c.Name)
				}
				return nil
			})
			return strings.Join(out, " ")
		}
		find := func(t bridge.RecordType, ref string) (r bridge.Record) {
			o.read(func(tx *data.Tx) (err error) { r, err = tx.RecordByReference(t, ref); return err })
			return r
		}
		if r := find(bridge.Job, "1"); names(r) != "Priya Tom Ana" || !slices.Equal(r.Staff, []bridge.StaffID{o.jo.ID, o.tradie.ID}) || r.Closed || r.Title != "Boiler" {
			o.Errorf("%+v with %s", r, names(r))
		}
		if r := find(bridge.Quote, "1"); names(r) != "Tom" || !r.SentToPortal.Equal(noon) {
			o.Errorf("%+v", r)
		}
		if r := find(bridge.Quote, "2"); !r.SentToPortal.Equal(time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)) {
			o.Errorf("%+v", r)
		}
		if r := find(bridge.Project, "P1"); r.Quota != 1<<19 || r.Stage != "Selections" || r.ProjectType != "Standard" {
			o.Errorf("%+v", r)
		}
		if r := find(bridge.Maintenance, "M1"); !r.Closed {
			o.Errorf("%+v", r)
		}
		o.counted(o.records(file), "0 0 5 0")
		// The client alone becomes the first; named contacts are all there are.
		o.counted(o.records("Type,Ref,Title,Client,Contacts\njob,1,,crm-2,\nquote,1,Boilers,,crm-1\n"), "0 2 0 0")
		if r := find(bridge.Job, "1"); names(r) != "Tom Priya Ana" {
			o.Error(names(r))
		}
		if r := find(bridge.Quote, "1"); names(r) != "Priya" || r.Title != "Boilers" || r.SentToPortal.IsZero() {
			o.Errorf("%+v", r)
		}
		o.counted(o.records("Ref,Title\n1,Boiler\n9,Gate\n", intake.ImportOptions{Type: bridge.Job}), "1 0 1 0")
	})
}

func TestBadRecordsAreNamedAndNothingIsHalfDone(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.contacts(crm + "Ana,,other@example.com,\n")
		for name, tt := range map[string]struct{ column, cell, value, says string }{
			"type":          {"Type", "king", "king", "none of job"},
			"no type":       {"Type", "", "", "none of job"},
			"reference":     {"Ref", "a b", "a b", "without spaces"},
			"no reference":  {"Ref", "", "", "no reference"},
			"no title":      {"Title", "", "", "Give a title"},
			"stranger":      {"Client", "Nobody", "Nobody", "Import the contacts first"},
			"two of a name": {"Client", "ana", "ana", "2 contacts have this name"},
			"contacts":      {"Contacts", "crm-1;x", "x", "No contact"},
			"staff":         {"Staff", "eve@example.com", "eve@example.com", "Nobody in the team"},
			"sent":          {"Sent", "01/02/2026", "01/02/2026", "a date like"},
			"a job sent":    {"Sent", "yes", "yes", "Only a quote"},
			"closed":        {"Closed", "perhaps", "perhaps", "yes or no"},
			"quota":         {"Quota", "-1", "-1", "megabytes"},
			"no number":     {"Quota", "NaN", "NaN", "megabytes"},
		} {
			head, good := []string{"Type", "Ref", "Title", "Client", "Contacts", "Staff", "Sent", "Closed", "Quota"}, []string{"job", "77", "Roof", "", "", "", "", "", ""}
			bad := slices.Clone(good)
			bad[1] = "78"
			bad[slices.Index(head, tt.column)] = tt.cell
			r := o.records(strings.Join(head, ",") + "\n" + strings.Join(good, ",") + "\n" + strings.Join(bad, ",") + "\n")
			o.counted(r, "1 0 0 1")
			if b := r.Bad.Rows[0]; b.Line != 3 || b.Column != tt.column || b.Value != tt.value || !strings.Contains(b.Reason, tt.says) {
				o.Errorf("%s: %+v", name, b)
			}
		}
		r := o.records("Type,Ref,Title,Sent\nquote,1,Roof,2026-11-21\njob,5,Roof,\njob,5,Roof,\njob,5,Gate,\n")
		o.counted(r, "1 0 0 2")
		o.read(func(tx *data.Tx) error {
			rs, err := tx.Records(data.RecordFilter{}, 10)
			if len(rs) != 0 {
				o.Errorf("stored: %+v", rs)
			}
			return err
		})
	})
}

func TestAnImportedRequestOpensItsConversation(t *testing.T) {
	eachOffice(t, func(o *office) {
		o.must(o.ChangeSettings(o.Context(), o.sam, func(s *bridge.Settings) error { s.Use(bridge.Landlord); return nil }))
		o.contacts("Name,Type,ID\nTess,tenant,t1\n")
		var id bridge.ContactID
		o.write(func(tx *data.Tx) (err error) {
			if id, err = tx.ContactByExternal("t1"); err != nil {
				return err
			}
			c, err := tx.Contact(id)
			if err != nil {
				return err
			}
			c.ConnectedAt = noon
			return tx.PutContact(c)
		})
		o.records("Type,Ref,Title,Client\nmaintenance,M1,Leak,t1\n")
		o.read(func(tx *data.Tx) error {
			cs, err := tx.ConversationsWith(o.sam, id, 10)
			if len(cs) != 1 || cs[0].Kind != bridge.KindMaintenance || cs[0].About.Reference != "M1" {
				o.Errorf("%+v", cs)
			}
			return err
		})
		// Staff whom a later import puts on it are told of in its history.
		o.records("Type,Ref,Title,Staff\nmaintenance,M1,Leak,Lee Moss\n")
		o.read(func(tx *data.Tx) error {
			cs, err := tx.ConversationsWith(o.sam, id, 10)
			if err == nil && !strings.Contains(strings.Join(o.history(cs[0].ID), "\n"), "An import put Lee Moss on") {
				o.Error(o.history(cs[0].ID))
			}
			return err
		})
	})
}

func TestManyRowsEachGetTheirOwnPhone(t *testing.T) {
	eachOffice(t, func(o *office) {
		const many = 1_300 // more than two statements' worth, and a rest
		var people, jobs strings.Builder
		people.WriteString("ID,Name,Phone,Email\n")
		jobs.WriteString("Type,Ref,Title,Client,Staff\n")
		for i := range many {
			fmt.Fprintf(&people, "crm-%d,Person %d,+1415%07d,p%d@example.com\n", i, i, 2_000_000+i, i)
			fmt.Fprintf(&jobs, "job,%d,Boiler %d,crm-%d,Lee Moss\n", i, i, i)
		}
		o.counted(o.contacts(people.String()), "1300 0 0 0")
		o.counted(o.records(jobs.String()), "1300 0 0 0")
		o.read(func(tx *data.Tx) error {
			for i := range many {
				r, err := tx.RecordByReference(bridge.Job, fmt.Sprint(i))
				if err != nil || len(r.Contacts) != 1 || len(r.Staff) != 1 {
					return fmt.Errorf("%+v %w", r, err)
				}
				c, err := tx.Contact(r.Contacts[0])
				if err != nil {
					return err
				}
				if c.Name != fmt.Sprintf("Person %d", i) || c.External != fmt.Sprintf("crm-%d", i) || len(c.Addresses) != 2 ||
					c.Addresses[0].Value != fmt.Sprintf("+1415%07d", 2_000_000+i) || c.Addresses[1].Value != fmt.Sprintf("p%d@example.com", i) {
					o.Errorf("%d is %+v", i, c)
				}
			}
			return nil
		})
		o.counted(o.contacts(people.String()), "0 0 1300 0")
		o.counted(o.records(jobs.String()), "0 0 1300 0")
	})
}
