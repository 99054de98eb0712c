package inbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"porchlight/bridge"
	"porchlight/data"
)

// An answer of the API, read as far as the tests look at it.
type answer struct {
	status int
	body   string
	header http.Header

	ID, Code, Detail, Fix, Name, Reference, Kind, Folder, Subject string
	ExternalID                                                    string `json:"external_id"`
	Existing                                                      string `json:"existing_id"`
	MergedInto                                                    string `json:"merged_into"`
	Next, Title                                                   string
	Phones, Emails                                                []string
	Closed                                                        bool
	SentToPortal                                                  bool `json:"sent_to_portal"`
	Errors                                                        []struct{ Location, Message string }
	Contacts                                                      []person
	Staff                                                         []person
	SubmittedBy                                                   *person `json:"submitted_by"`
	Records                                                       []struct{ ID, Reference string }
	Record                                                        *struct{ ID, Type, Reference, Title string }
	Messages                                                      []struct {
		Body, Direction string
		About           *struct {
			RecordID       string `json:"record_id"`
			Label, Because string
		}
	}
}

type person struct {
	ID, Name, Email string
	ExternalID      string `json:"external_id"`
}

// ask calls the API with Sam's key, or another.
func (f *office) ask(method, path, body string, key ...string) (a answer) {
	f.Helper()
	as, idempotency := f.samKey, ""
	if len(key) > 0 && key[0] != "" {
		as = key[0]
	}
	if len(key) > 1 {
		idempotency = key[1]
	}
	r, text := f.call(method, "/api/v1"+path, as, idempotency, body)
	if strings.HasPrefix(text, "{") {
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			f.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	a.status, a.body, a.header = r.StatusCode, text, r.Header
	return a
}

// want asks, and wants a status.
func (f *office) want(status int, method, path, body string, key ...string) answer {
	f.Helper()
	a := f.ask(method, path, body, key...)
	if a.status != status {
		f.Errorf("%s %s %s: %d %s, want %d", method, path, body, a.status, a.body, status)
	}
	return a
}

func (f *office) settings(change func(*bridge.Settings)) {
	f.Helper()
	if err := f.in.ChangeSettings(context.Background(), f.sam, func(s *bridge.Settings) error { change(s); return nil }); err != nil {
		f.Fatal(err)
	}
}

func TestACRMKeepsContactsByItsOwnIds(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		c := f.want(201, "POST", "/contacts", `{"external_id":"crm-1","name":"  Tom  Raman ","company":"Raman Lettings","phones":["(415) 555-0141"],"emails":["Tom@Example.com"]}`)
		if c.Name != "Tom Raman" || c.ExternalID != "crm-1" || fmt.Sprint(c.Phones, c.Emails) != "[+14155550141] [tom@example.com]" || c.header.Get("Location") != "/api/v1/contacts/"+c.ID {
			t.Errorf("%+v", c)
		}
		again := f.want(409, "POST", "/contacts", `{"external_id":"crm-1","name":"Tom Raman"}`)
		if again.Code != "taken" || again.Existing != c.ID {
			t.Errorf("%s", again.body)
		}
		if got := f.want(200, "GET", "/contacts/"+c.ID, ""); got.Name != "Tom Raman" || got.ExternalID != "crm-1" {
			t.Errorf("%+v", got)
		}
		other := f.want(201, "POST", "/contacts", `{"external_id":"crm-2","name":"Ana","phones":["+14155550141"]}`)
		if no := f.want(409, "PATCH", "/contacts/"+other.ID, `{"external_id":"crm-1"}`); no.Existing != c.ID {
			t.Errorf("%s", no.body)
		}
		if got := f.want(200, "GET", "/contacts?external_id=crm-2", ""); len(got.Contacts) != 1 || got.Contacts[0].Name != "Ana" {
			t.Errorf("%s", got.body)
		}
		if got := f.want(200, "GET", "/contacts?phone=415-555-0141", ""); len(got.Contacts) != 2 {
			t.Errorf("a household: %s", got.body)
		}
	})
}

func TestAPatchChangesOnlyWhatItNames(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		c := f.want(201, "POST", "/contacts", `{"external_id":"crm-1","name":"Tom","company":"Raman","zone":"Europe/London","phones":["+14155550141","+14155550142"],"emails":["tom@example.com"]}`)
		path := "/contacts/" + c.ID
		if got := f.want(200, "PATCH", path, `{}`); got.Name != "Tom" || len(got.Phones) != 2 {
			t.Errorf("an empty patch: %s", got.body)
		}
		if got := f.want(200, "PATCH", path, `{"name":"Thomas"}`); got.Name != "Thomas" || got.ExternalID != "crm-1" || !strings.Contains(got.body, "Europe/London") || len(got.Phones) != 2 {
			t.Errorf("the name: %s", got.body)
		}
		if got := f.want(200, "PATCH", path, `{"company":null,"external_id":null,"zone":null}`); strings.Contains(got.body, "Raman") || got.ExternalID != "" || strings.Contains(got.body, "zone") {
			t.Errorf("null: %s", got.body)
		}
		got := f.want(200, "PATCH", path, `{"phones":["+14155550142","+14155550143"]}`)
		if fmt.Sprint(got.Phones, got.Emails) != "[+14155550142 +14155550143] [tom@example.com]" {
			t.Errorf("phones: %s", got.body)
		}
		if got := f.want(200, "GET", path, ""); fmt.Sprint(got.Phones) != "[+14155550142 +14155550143]" {
			t.Errorf("stored phones: %s", got.body)
		}
		if got := f.want(200, "PATCH", path, `{"emails":null}`); len(got.Emails) != 0 {
			t.Errorf("emails: %s", got.body)
		}
	})
}

func TestANumberThatAPatchTakesAwayShowsItsNextOwnerNothing(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		was := f.conv
		c := f.want(200, "GET", "/contacts?phone=%2B14155550134", "").Contacts[0]
		f.want(200, "PATCH", "/contacts/"+c.ID, `{"name":"Priya","phones":[]}`)
		f.text("Who is this?")
		if f.conv == was {
			t.Error("the next text from the number is in the old conversation")
		}
		if ms := f.want(200, "GET", fmt.Sprintf("/conversations/%d/messages", was), ""); !strings.Contains(ms.body, "is not Priya's any more") {
			t.Errorf("the history does not say so: %s", ms.body)
		}
	})
}

func TestTheListOfContactsIsFilteredAndPaged(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		for i := range 7 {
			f.want(201, "POST", "/contacts", fmt.Sprintf(`{"name":"Tenant %d","side":"tenant"}`, i))
		}
		f.want(201, "POST", "/contacts", `{"name":"Busy Bee","side":"service_pro","busy":true}`)
		var names []string
		for after, pages := "", 0; pages < 10; pages++ {
			got := f.want(200, "GET", "/contacts?limit=3&side=tenant&words=tenant&after="+after, "")
			for _, c := range got.Contacts {
				names = append(names, c.Name)
			}
			if after = got.Next; after == "" {
				break
			}
		}
		if got := strings.Join(names, ","); got != "Tenant 0,Tenant 1,Tenant 2,Tenant 3,Tenant 4,Tenant 5,Tenant 6" {
			t.Error(got)
		}
		for q, want := range map[string]int{"status=busy": 1, "status=available": 0, "connected=no&side=tenant": 7, "connected=yes": 0, "words=bee+busy": 1, "words=%25": 0} {
			if got := f.want(200, "GET", "/contacts?"+q, ""); len(got.Contacts) != want {
				t.Errorf("%s: %d contacts", q, len(got.Contacts))
			}
		}
		for _, q := range []string{"side=king", "limit=0", "limit=201", "after=nonsense", "connected=perhaps", "phone=x"} {
			f.want(422, "GET", "/contacts?"+q, "")
		}
	})
}

func TestBadValuesAreNamedByField(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		c := f.want(201, "POST", "/contacts", `{"name":"Tom"}`)
		r := f.want(201, "POST", "/records", `{"type":"job","reference":"1","title":"Boiler"}`)
		for _, tt := range []struct{ method, path, body, location string }{
			{"POST", "/contacts", `{}`, "body.name"},
			{"POST", "/contacts", `{"phones":["12"]}`, "body.phones"},
			{"POST", "/contacts", `{"phones":["+14155550100"]}`, "body.phones"}, // our own line
			{"POST", "/contacts", `{"emails":["nomail"]}`, "body.emails"},
			{"POST", "/contacts", `{"name":"x","zone":"Mars/Base"}`, "body.zone"},
			{"POST", "/contacts", `{"name":"x","side":"king"}`, "body.side"},
			{"POST", "/contacts", `{"name":"x","nick":"y"}`, "body.nick"},
			{"POST", "/contacts", `{"name":"` + strings.Repeat("x", 101) + `"}`, "body.name"},
			{"PATCH", "/contacts/" + c.ID, `{"name":7}`, "body.name"},
			{"PATCH", "/contacts/" + c.ID, `{"side":"king"}`, "body.side"},
			{"PATCH", "/contacts/" + c.ID, `{"phones":["x"]}`, "body.phones"},
			{"POST", "/records", `{"type":"job","reference":"2"}`, "body"},
			{"POST", "/records", `{"type":"job","reference":"a b","title":"x"}`, "body.reference"},
			{"POST", "/records", `{"type":"king","reference":"2","title":"x"}`, "body.type"},
			{"POST", "/records", `{"type":"job","reference":"2","title":"x","sent_to_portal":true}`, "body.sent_to_portal"},
			{"POST", "/records", `{"type":"job","reference":"2","title":"x","contacts":[{"id":"` + c.ID + `"},{"external_id":"nobody"}]}`, "body.contacts[1]"},
			{"POST", "/records", `{"type":"job","reference":"2","title":"x","contacts":[{}]}`, "body.contacts[0]"},
			{"POST", "/records", `{"type":"job","reference":"2","title":"x","contacts":[{"id":"x"}]}`, "body.contacts[0]"},
			{"POST", "/records", `{"type":"job","reference":"2","title":"x","staff":[{"email":"nobody@example.com"}]}`, "body.staff[0]"},
			{"PATCH", "/records/" + r.ID, `{"title":null}`, "body.title"},
			{"PATCH", "/records/" + r.ID, `{"quota":-1}`, "body.quota"},
			{"PATCH", "/records/" + r.ID, `{"submitted_by":{"id":"999"}}`, "body.submitted_by"},
			{"PATCH", "/records/" + r.ID, `{"type":"quote"}`, "body.type"},
			{"POST", "/conversations", `{"kind":"king"}`, "body.kind"},
			{"POST", "/conversations", `{"kind":"customer","contact_id":"x"}`, "body.contact_id"},
			{"POST", "/conversations", `{"kind":"customer","contact_id":"999"}`, "body.contact_id"},
			{"POST", "/conversations", `{"kind":"customer","contact_id":"1","phone":"+14155550134"}`, "body.phone"},
			{"POST", "/conversations", `{"kind":"job","contact_id":"1","record_id":"999"}`, "body.record_id"},
			{"POST", "/conversations", `{"kind":"team","colleague_id":"999"}`, "body.colleague_id"},
		} {
			a := f.want(422, tt.method, tt.path, tt.body)
			if len(a.Errors) == 0 || a.Errors[0].Location != tt.location || a.Code == "" || !strings.Contains(a.header.Get("Content-Type"), "problem+json") {
				t.Errorf("%s %s %s: %s", tt.method, tt.path, tt.body, a.body)
			}
		}
		if got := f.want(200, "GET", "/records", ""); len(got.Records) != 1 {
			t.Errorf("something was stored: %s", got.body)
		}
	})
}

func TestACRMKeepsRecordsByTypeAndReference(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		tom := f.want(201, "POST", "/contacts", `{"external_id":"crm-1","name":"Tom"}`)
		ana := f.want(201, "POST", "/contacts", `{"external_id":"crm-2","name":"Ana"}`)
		r := f.want(201, "POST", "/records", `{"type":"quote","reference":"#1042","title":"Boiler","contacts":[{"external_id":"crm-1"}],"staff":[{"email":"JO@example.com"}]}`)
		if r.Reference != "1042" || len(r.Contacts) != 1 || r.Contacts[0] != (person{ID: tom.ID, Name: "Tom", ExternalID: "crm-1"}) || len(r.Staff) != 1 || r.Staff[0].Name != "Jo Park" {
			t.Errorf("%s", r.body)
		}
		if no := f.want(409, "POST", "/records", `{"type":"quote","reference":"1042","title":"Boiler"}`); no.Code != "taken" || no.Existing != r.ID || !strings.Contains(no.Detail, "1042") {
			t.Errorf("%s", no.body)
		}
		f.want(201, "POST", "/records", `{"type":"job","reference":"1042","title":"Boiler"}`)
		path := "/records/" + r.ID
		if got := f.want(200, "PATCH", path, `{"sent_to_portal":true}`); !got.SentToPortal || got.Title != "Boiler" || len(got.Contacts) != 1 {
			t.Errorf("%s", got.body)
		}
		// Another client, who was added later, is the first all the same.
		got := f.want(200, "PATCH", path, `{"contacts":[{"id":"`+ana.ID+`","name":"not read"},{"id":"`+tom.ID+`"}],"staff":[],"closed":true}`)
		if len(got.Contacts) != 2 || got.Contacts[0].Name != "Ana" || len(got.Staff) != 0 || !got.Closed {
			t.Errorf("%s", got.body)
		}
		if got := f.want(200, "GET", path, ""); got.Contacts[0].Name != "Ana" || !got.SentToPortal {
			t.Errorf("%s", got.body)
		}
		if no := f.want(409, "PATCH", "/records/"+f.want(201, "POST", "/records", `{"type":"quote","reference":"7","title":"x"}`).ID, `{"reference":"1042"}`); no.Existing != r.ID {
			t.Errorf("%s", no.body)
		}
		for q, want := range map[string]int{"": 3, "type=quote": 2, "open=true": 2, "words=boil": 2, "type=quote&reference=1042": 1, "words=nothing": 0} {
			if got := f.want(200, "GET", "/records?"+q, ""); len(got.Records) != want {
				t.Errorf("%s: %s", q, got.body)
			}
		}
		f.want(422, "GET", "/records?reference=1042", "")
		first := f.want(200, "GET", "/records?limit=2", "")
		if second := f.want(200, "GET", "/records?limit=2&after="+first.Next, ""); len(second.Records) != 1 || second.Next != "" || second.Records[0].ID != r.ID {
			t.Errorf("%s", second.body)
		}
		m := f.want(201, "POST", "/records", `{"type":"maintenance","reference":"M1","title":"Leak","submitted_by":{"external_id":"crm-2"}}`)
		if m.SubmittedBy == nil || m.SubmittedBy.Name != "Ana" {
			t.Errorf("%s", m.body)
		}
		if m := f.want(200, "PATCH", "/records/"+m.ID, `{"submitted_by":null}`); m.SubmittedBy != nil {
			t.Errorf("%s", m.body)
		}
	})
}

// TestS4_1_6_23_TradiesAreRefusedTheListsOfPeople also sees that a refusal does not
// depend on whether there is such a contact.
func TestS4_1_6_23_TradiesAreRefusedTheListsOfPeople(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.want(201, "POST", "/records", `{"type":"job","reference":"1","title":"Boiler"}`)
		for _, pair := range [][4]string{
			{"GET", "/contacts", "/contacts?words=nobody", ""},
			{"GET", "/contacts/1", "/contacts/999", ""},
			{"PATCH", "/contacts/1", "/contacts/999", `{"name":"x"}`},
			{"GET", "/records", "/records?words=nothing", ""},
			{"GET", "/records/1", "/records/999", ""},
			{"PATCH", "/records/1", "/records/999", `{"contacts":[{"id":"1"}]}`},
		} {
			a, b := f.want(403, pair[0], pair[1], pair[3], f.joKey), f.want(403, pair[0], pair[2], pair[3], f.joKey)
			if a.Code != "role" || a.Detail == "" || a.Fix == "" || a.body != b.body {
				t.Errorf("%s tells apart %s and %s", pair[1], a.body, b.body)
			}
		}
		for path, bodies := range map[string][2]string{
			"/contacts":      {`{"name":"x","external_id":"a"}`, `{"name":"y"}`},
			"/records":       {`{"type":"job","reference":"1","title":"x","contacts":[{"id":"1"}]}`, `{"type":"job","reference":"2","title":"x","contacts":[{"id":"999"}]}`},
			"/conversations": {`{"kind":"customer","contact_id":"1","body":"x"}`, `{"kind":"customer","contact_id":"999","body":"x"}`},
		} {
			if a, b := f.want(403, "POST", path, bodies[0], f.joKey), f.want(403, "POST", path, bodies[1], f.joKey); a.body != b.body {
				t.Errorf("%s tells apart %s and %s", path, a.body, b.body)
			}
		}
		known, unknown := f.want(403, "POST", "/conversations", `{"kind":"customer","phone":"+14155550134","body":"x"}`, f.joKey), f.want(403, "POST", "/conversations", `{"kind":"customer","phone":"+14155550177","body":"x"}`, f.joKey)
		if known.body != unknown.body {
			t.Errorf("a tradie learns whose number we know: %s and %s", known.body, unknown.body)
		}
		hidden, missing := f.want(404, "GET", fmt.Sprintf("/conversations/%d", f.conv), "", f.joKey), f.want(404, "GET", "/conversations/999", "", f.joKey)
		if hidden.body != missing.body {
			t.Errorf("%s and %s", hidden.body, missing.body)
		}
	})
}

func TestS4_2_3_7_14_AConversationIsStartedAgainstAQuoteOnceItIsSent(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		tom := f.want(201, "POST", "/contacts", `{"name":"Tom","emails":["tom@example.com"]}`)
		quote := f.want(201, "POST", "/records", `{"type":"quote","reference":"9","title":"Boiler","contacts":[{"id":"`+tom.ID+`"}]}`)
		start := `{"kind":"job","contact_id":"` + tom.ID + `","record_id":"` + quote.ID + `","body":"Any questions?"}`
		if no := f.want(403, "POST", "/conversations", start); no.Code != "portal_off" || no.Fix == "" {
			t.Errorf("%s", no.body)
		}
		f.settings(func(s *bridge.Settings) { s.PortalOn = true })
		if no := f.want(403, "POST", "/conversations", start); no.Code != "not_sent_to_portal" || no.Fix != "Send the quote to the portal first" || no.Detail == "" {
			t.Errorf("%s", no.body)
		}
		f.want(200, "PATCH", "/records/"+quote.ID, `{"sent_to_portal":true}`)
		if no := f.want(403, "POST", "/conversations", `{"kind":"job","contact_id":"`+tom.ID+`","body":"x"}`); no.Code != "no_record" {
			t.Errorf("never the client alone: %s", no.body)
		}
		c := f.want(201, "POST", "/conversations", start, "", "key-1")
		if c.Kind != "job" || c.Folder != "jobs" || c.Record == nil || c.Record.Reference != "9" || c.Record.Type != "quote" || c.Record.Title != "Boiler" || c.header.Get("Location") != "/api/v1/conversations/"+c.ID {
			t.Errorf("%s", c.body)
		}
		if again := f.want(201, "POST", "/conversations", start, "", "key-1"); again.ID != c.ID {
			t.Errorf("%s", again.body)
		}
		if ms := f.want(200, "GET", "/conversations/"+c.ID+"/messages", ""); strings.Count(ms.body, "Any questions?") != 1 {
			t.Errorf("%s", ms.body)
		}
		if list := f.want(200, "GET", "/conversations?view=jobs", ""); !strings.Contains(list.body, `"reference":"9"`) {
			t.Errorf("%s", list.body)
		}
	})
}

func TestAKeyUsedAgainSaysNothingTwiceEvenAfterStop(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		start := `{"kind":"customer","phone":"+14155550134","body":"We come at 8"}`
		first := f.want(201, "POST", "/conversations", start, "", "k")
		if first.ID != fmt.Sprint(f.conv) {
			t.Errorf("not the conversation that there was: %s", first.body)
		}
		f.text("STOP")
		if again := f.want(201, "POST", "/conversations", start, "", "k"); again.ID != first.ID || f.count("We come at 8") != 1 {
			t.Errorf("%s, said %d times", again.body, f.count("We come at 8"))
		}
		if no := f.want(403, "POST", "/conversations", start, "", "another"); no.Code != "opted_out" {
			t.Errorf("%s", no.body)
		}
		made := f.want(201, "POST", "/conversations", `{"kind":"customer","phone":"415 555 0188","name":"Eve Long","body":"Hello"}`)
		if made.Title != "Eve Long" {
			t.Errorf("%s", made.body)
		}
		f.settings(func(s *bridge.Settings) { s.Use(bridge.Landlord) })
		team := f.want(201, "POST", "/conversations", `{"kind":"team","body":"Lunch?"}`)
		if team.Kind != "team" || strings.Contains(team.body, "contact_id") {
			t.Errorf("%s", team.body)
		}
	})
}

func TestS4_24_AMessageSaysWhichJobItIsAbout(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		c := f.want(200, "GET", "/contacts?phone=%2B14155550134", "").Contacts[0]
		r := f.want(201, "POST", "/records", `{"type":"job","reference":"1042","title":"Boiler","contacts":[{"id":"`+c.ID+`"}]}`)
		f.text("About #1042: when do you come?")
		ms := f.want(200, "GET", fmt.Sprintf("/conversations/%d/messages", f.conv), "")
		last := ms.Messages[len(ms.Messages)-1]
		if last.About == nil || last.About.RecordID != r.ID || last.About.Label != "Job #1042 Boiler" || last.About.Because == "" {
			t.Errorf("%s", ms.body)
		}
		if ms.Messages[0].About != nil {
			t.Errorf("what names no job is about one: %s", ms.body)
		}
	})
}

func TestAMergedContactSaysWhoItIs(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		a := f.want(201, "POST", "/contacts", `{"name":"Tom","external_id":"old"}`)
		b := f.want(201, "POST", "/contacts", `{"name":"Thomas","external_id":"new"}`)
		into := bridge.ContactID(must(parse(b.ID)))
		if err := f.in.Merge(t.Context(), f.sam, bridge.ContactID(must(parse(a.ID))), into); err != nil {
			t.Fatal(err)
		}
		if got := f.want(200, "GET", "/contacts/"+a.ID, ""); got.MergedInto != b.ID {
			t.Errorf("%s", got.body)
		}
		f.want(404, "PATCH", "/contacts/"+a.ID, `{"name":"x"}`)
		r := f.want(201, "POST", "/records", `{"type":"job","reference":"1","title":"x","contacts":[{"external_id":"old"}]}`)
		if len(r.Contacts) != 1 || r.Contacts[0].ID != b.ID {
			t.Errorf("%s", r.body)
		}
	})
}

func parse(s string) (n int64, err error) { _, err = fmt.Sscan(s, &n); return n, err }

func TestOnlyTheDescriptionNeedsNoKey(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	var api struct {
		Paths map[string]map[string]struct {
			Summary   string
			Responses map[string]struct {
				Content map[string]struct{ Schema map[string]string }
			}
		}
	}
	r, body := f.call("GET", "/api/v1/openapi.json", "", "", "")
	if err := json.Unmarshal([]byte(body), &api); err != nil || r.StatusCode != 200 {
		t.Fatal(r.StatusCode, err)
	}
	n := 0
	for path, methods := range api.Paths {
		for method, op := range methods {
			n++
			url := strings.ReplaceAll(path, "{id}", "1")
			for _, key := range []string{"", "nonsense"} {
				if r, body := f.call(strings.ToUpper(method), url, key, "", "{}"); r.StatusCode != 401 || r.Header.Get("WWW-Authenticate") == "" || !strings.Contains(body, `"code":"no_key"`) {
					t.Errorf("%s %s with key %q: %d %s", method, path, key, r.StatusCode, body)
				}
			}
			problem := op.Responses["401"].Content["application/problem+json"].Schema["$ref"]
			if op.Summary == "" || !strings.HasSuffix(problem, "/Problem") {
				t.Errorf("%s %s is described as %q, its problem as %q", method, path, op.Summary, problem)
			}
		}
	}
	if n < 13 {
		t.Errorf("%d operations", n)
	}
	if err := f.in.SwitchStaff(t.Context(), f.sam.Actor(), f.jo.ID, false); err != nil {
		t.Fatal(err)
	}
	f.want(401, "GET", "/conversations", "", f.joKey)
}
