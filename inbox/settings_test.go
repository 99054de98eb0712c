package inbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
)

// settingsRoutes are all of them; a test holds them against who may open them.
var settingsRoutes = []struct{ method, path string }{
	{"GET", "/settings"}, {"POST", "/settings"}, {"POST", "/settings/preset"}, {"GET", "/settings/kinds"}, {"GET", "/settings/kinds/customer"},
	{"POST", "/settings/kinds/customer"}, {"POST", "/settings/kinds/customer/reset"}, {"GET", "/settings/stages"}, {"POST", "/settings/stages"},
	{"GET", "/settings/team"}, {"POST", "/settings/team"}, {"POST", "/settings/team/1/role"}, {"POST", "/settings/team/1/phone"}, {"POST", "/settings/team/1/link"},
	{"GET", "/settings/team/1/switch"}, {"POST", "/settings/team/1/switch"}, {"POST", "/settings/keys/1/end"}, {"GET", "/settings/what-if"},
}

func TestOnlyWhoRunsTheBusinessOpensItsSettings(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	before := f.decided()
	for _, role := range []bridge.Role{bridge.Finance, bridge.Supervisor, bridge.Tradie, bridge.Apprentice} {
		b := f.signedIn(f.hireOne(string(role), role).Email)
		for _, r := range settingsRoutes {
			resp, body := b.get(r.path)
			if r.method == "POST" {
				resp, body = b.post(r.path, url.Values{"to": {"off"}, "role": {"owner"}})
			}
			if resp.StatusCode != 403 || !strings.Contains(body, "Only owners, office admins and sole traders") || !strings.Contains(body, "Ask one of them") {
				t.Errorf("%s: %s %s: %d", role, r.method, r.path, resp.StatusCode)
			}
		}
		if _, body := b.get("/inbox"); strings.Contains(body, `href="/settings"`) {
			t.Errorf("%s sees a way to the settings", role)
		}
	}
	if d := cmp.Diff(before, f.decided()); d != "" {
		t.Error(d)
	}
	if r, _ := f.browser().get("/settings"); r.StatusCode != 303 {
		t.Errorf("signed out: %d", r.StatusCode)
	}
	for _, role := range []bridge.Role{bridge.Admin, bridge.SoleTrader} {
		b := f.signedIn(f.hireOne("Boss"+string(role), role).Email)
		for _, r := range settingsRoutes {
			if r.method == "GET" && !strings.Contains(r.path, "team/1") {
				if resp, _ := b.get(r.path); resp.StatusCode != 200 {
					t.Errorf("%s: %s: %d", role, r.path, resp.StatusCode)
				}
			}
		}
	}
}

func (f *office) decided() (out *bridge.Settings) {
	f.Helper()
	if err := f.store.Read(f.Context(), func(tx *data.Tx) (err error) { out, err = tx.Settings(); return err }); err != nil {
		f.Fatal(err)
	}
	return out
}

// save posts a form and says whether it was taken.
func (b *browser) save(path string, form url.Values) {
	b.Helper()
	if r, body := b.post(path, form); r.StatusCode != 303 {
		b.Errorf("%s: %d %s", path, r.StatusCode, problemIn(body))
	}
}

var problems = regexp.MustCompile(`(?s)id="bad">.*?<span>(.*?)</span>`)

func problemIn(body string) string {
	if m := problems.FindStringSubmatch(body); m != nil {
		return m[1]
	}
	return ""
}

// general is the form of the general settings as a browser sends it.
func general(s *bridge.Settings) url.Values {
	v := url.Values{"urgent_phone": {s.UrgentPhone}, "quiet_from": {"21:00"}, "quiet_until": {"08:00"}}
	for field, on := range map[string]bool{"portal_on": s.PortalOn, "messages_on": s.MessagesOn, "supervisors_answer": s.SupervisorsAnswer, "field_answers": s.FieldAnswers, "tenant_requests": s.TenantRequests} {
		if on {
			v.Set(field, "1")
		}
	}
	return v
}

// kindForm is the form of a kind as a browser sends it.
func kindForm(p bridge.Policy) url.Values {
	v := url.Values{"subject": {string(p.Subject)}, "most": {fmt.Sprint(p.Files.Most)}, "size": {fmt.Sprint(p.Files.MaxSize >> 20)},
		"types": {strings.Join(p.Files.Types, ", ")}, "instead": {p.Files.Instead}, "seen_by": {string(p.SeenBy)}, "opens": {"unread"}}
	for field, on := range map[string]bool{"on": p.On, "alone": p.Files.Alone, "quota": p.Files.Quota} {
		if on {
			v.Set(field, "1")
		}
	}
	for who, on := range map[string]bool{"staff": p.Starters.Staff, "contact": p.Starters.Contact, "system": p.Starters.System} {
		if on {
			v.Add("start", who)
		}
	}
	for who, on := range map[string]bool{"staff": p.AddStaff, "contacts": p.AddContacts, "subcontractors": p.AddSubcontractors} {
		if on {
			v.Add("add", who)
		}
	}
	for _, ch := range p.Tell {
		v.Add("tell", string(ch))
	}
	for _, ch := range p.Accept {
		v.Add("accept", string(ch))
	}
	for _, ch := range p.Alert {
		v.Add("alert", string(ch))
	}
	if p.Link {
		v.Set("link", "1")
	}
	for _, g := range p.Gates {
		v.Add("gate", string(g))
	}
	if p.FromTop {
		v.Set("opens", "top")
	}
	return v
}

func TestS2_10_SwitchingPresetsBackAndForthLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		topic := *f.decided().Policy(bridge.KindTopic)
		topic.Files.Most, topic.FromTop, topic.AddSubcontractors = 3, true, true
		form := kindForm(topic)
		form.Set("on", "1")
		b.save("/settings/kinds/topic", form)
		b.save("/settings/stages", url.Values{"type": {"Extension"}, "was": {""}, "name": {"Planning"}, "messages": {"0"}})
		before := f.decided()
		for _, p := range append(bridge.Presets[:], bridge.Trades) {
			b.save("/settings/preset", url.Values{"preset": {string(p)}})
			now := f.decided()
			for _, k := range bridge.Kinds {
				was, is := *before.Policy(k), *now.Policy(k)
				if is.On != slices.Contains(p.Kinds(), k) {
					t.Errorf("%s: %s is in use: %v", p, k, is.On)
				}
				is.On = was.On
				if d := cmp.Diff(was, is); d != "" {
					t.Errorf("%s changed %s: %s", p, k, d)
				}
			}
			if d := cmp.Diff(before.Stages, now.Stages); d != "" {
				t.Errorf("%s: %s", p, d)
			}
			if _, body := b.get(b.page("")); !strings.Contains(body, "Is anyone there?") {
				t.Errorf("%s hides what was written", p)
			}
			if _, body := b.get("/inbox"); !strings.Contains(body, fmt.Sprintf(`id="row-%d"`, f.conv)) {
				t.Errorf("%s hides the conversation", p)
			}
		}
		if r, body := b.post("/settings/preset", url.Values{"preset": {"circus"}}); r.StatusCode != 422 || problemIn(body) == "" {
			t.Errorf("an unknown preset: %d", r.StatusCode)
		}
	})
}

func TestAKindIsChangedAndPutBack(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		for _, k := range bridge.Kinds { // what a page shows can be saved, and changes nothing
			before := f.decided()
			if r, body := b.get("/settings/kinds/" + string(k)); r.StatusCode != 200 || !strings.Contains(body, k.Title()) {
				t.Errorf("%s: %d", k, r.StatusCode)
			}
			b.save("/settings/kinds/"+string(k), kindForm(*before.Policy(k)))
			if d := cmp.Diff(before.Policy(k), f.decided().Policy(k), cmp.Transformer("empty", func(s []string) []string { return slices.Clip(append([]string{}, s...)) }), cmp.Transformer("gates", func(s []bridge.Gate) string { return fmt.Sprint(s) })); d != "" {
				t.Errorf("%s: %s", k, d)
			}
		}
		p := *f.decided().Policy(bridge.KindJob)
		p.Files = bridge.Files{Most: 2, MaxSize: 5 << 20, Types: []string{"jpg", "pdf"}, Alone: true}
		p.Tell, p.Accept, p.Gates, p.SeenBy, p.FromTop = []bridge.Channel{bridge.Portal, bridge.Email, bridge.SMS}, []bridge.Channel{bridge.Portal, bridge.SMS}, []bridge.Gate{bridge.GateSentToPortal}, bridge.ParticipantsOnly, true
		b.save("/settings/kinds/job", kindForm(p))
		if d := cmp.Diff(&p, f.decided().Policy(bridge.KindJob)); d != "" {
			t.Error(d)
		}
		b.save("/settings/kinds/job/reset", nil)
		fresh := bridge.NewPolicy(bridge.KindJob)
		fresh.On = true // the preset of this office uses it
		if got := f.decided().Policy(bridge.KindJob); fmt.Sprint(*got) != fmt.Sprint(fresh) {
			t.Errorf("after the reset: %+v", got)
		}
	})
}

func TestForgedAndUnknownSettingsAreRefusedAndTheInputIsKept(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	for _, tt := range []struct {
		kind, field, value, keeps string
	}{
		{"job", "most", "many", `value="many"`}, {"job", "most", "21", `value="21"`}, {"job", "size", "101", `value="101"`}, {"job", "most", "-1", `value="-1"`},
		{"job", "types", "jpg, ../x", "../x"}, {"job", "subject", "poem", ""}, {"job", "seen_by", "world", ""}, {"customer", "seen_by", "participants", ""},
		{"job", "tell", "pigeon", ""}, {"job", "tell", "inbox", ""}, {"job", "accept", "voice", ""}, {"job", "gate", "moon", ""}, {"customer", "gate", "stage", ""},
		{"team", "start", "contact", ""}, {"team", "seen_by", "team", ""}, {"customer", "subject", "derived", ""},
	} {
		form := kindForm(*f.decided().Policy(bridge.Kind(tt.kind)))
		form.Set(tt.field, tt.value)
		if tt.field == "most" || tt.field == "size" {
			form["types"] = []string{"jpg"}
			if tt.field == "size" {
				form.Set("most", "2")
			} else {
				form.Set("size", "10")
			}
		}
		before := f.decided()
		r, body := b.post("/settings/kinds/"+tt.kind, form)
		if r.StatusCode != 422 || problemIn(body) == "" || !strings.Contains(body, tt.keeps) {
			t.Errorf("%s: %s=%s: %d %q", tt.kind, tt.field, tt.value, r.StatusCode, problemIn(body))
		}
		if d := cmp.Diff(before, f.decided()); d != "" {
			t.Errorf("%s: %s=%s was stored: %s", tt.kind, tt.field, tt.value, d)
		}
	}
	if r, _ := b.get("/settings/kinds/poem"); r.StatusCode != 404 {
		t.Errorf("an unknown kind: %d", r.StatusCode)
	}
	for field, value := range map[string]string{"quiet_from": "", "quiet_until": "25:00", "urgent_phone": "call me"} {
		form := general(f.decided())
		form.Set(field, value)
		form.Set("portal_on", "1")
		r, body := b.post("/settings", form)
		if r.StatusCode != 422 || problemIn(body) == "" || value != "" && !strings.Contains(body, `value="`+value+`"`) || !strings.Contains(body, `name="portal_on" value="1" checked`) {
			t.Errorf("%s=%s: %d %q", field, value, r.StatusCode, problemIn(body))
		}
	}
	if f.decided().PortalOn {
		t.Error("a form that was refused switched the portal on")
	}
}

func TestS3_35_TheOfficeSwitchesThePortalAndItsMessages(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		form := general(f.decided())
		form.Set("portal_on", "1")
		form.Del("messages_on")
		form.Set("urgent_phone", "(415) 555-0199")
		form.Set("quiet_from", "")
		form.Set("quiet_until", "")
		b.save("/settings", form)
		if s := f.decided(); !s.PortalOn || s.MessagesOn || s.UrgentPhone != "+14155550199" || s.QuietFrom != s.QuietUntil {
			t.Errorf("%+v", s)
		}
		if d := f.asked(intake.Question{Staff: f.sam.ID, Do: bridge.DoStart, Start: intake.Start{Kind: bridge.KindTopic, Subject: "Tiles", Contact: f.priya().ID, Record: f.project("Construction")}}); d.Code != "messages_off" || d.Fix == "" {
			t.Errorf("with messages off: %+v", d)
		}
		if _, body := b.get("/settings"); !strings.Contains(body, "415 555 0199") || !strings.Contains(body, `name="portal_on" value="1" checked`) {
			t.Error("the page does not show what was saved")
		}
	})
}

// priya is the one customer of the office.
func (f *office) priya() (c bridge.Contact) {
	f.Helper()
	f.read(func(tx *data.Tx) error {
		conv, err := tx.Conversation(f.sam, f.conv)
		if err == nil {
			c, err = tx.Contact(conv.Contact)
		}
		return err
	})
	return c
}

func (f *office) read(fn func(*data.Tx) error) {
	f.Helper()
	if err := f.store.Read(f.Context(), fn); err != nil {
		f.Fatal(err)
	}
}

func (f *office) project(stage string) bridge.RecordID {
	return f.recordOf(bridge.Record{Type: bridge.Project, Title: "New kitchen", ProjectType: "Standard", Stage: stage, Staff: []bridge.StaffID{f.sam.ID}})
}

// recordOf makes a record of the customer's.
func (f *office) recordOf(r bridge.Record) bridge.RecordID {
	f.Helper()
	r.Contacts = []bridge.ContactID{f.priya().ID}
	r.Reference = fmt.Sprint(time.Now().UnixNano())
	err := f.store.Write(f.Context(), func(tx *data.Tx) (err error) { r, err = tx.AddRecord(r, time.Now()); return err })
	if err != nil {
		f.Fatal(err)
	}
	return r.ID
}

func (f *office) asked(q intake.Question) (d bridge.Decision) {
	f.Helper()
	f.read(func(tx *data.Tx) (err error) { d, err = f.in.Asked(tx, f.sam, q); return err })
	return d
}

func TestS4_1_6_SupervisorsAnswerAsTheSettingsSay(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		boss, foreman := f.signedIn("sam@example.com"), f.signedIn(f.hireOne("Fay Foreman", bridge.Supervisor).Email)
		reply := url.Values{"body": {"On my way"}, "channel": {"sms"}}
		if r, _ := foreman.post(foreman.page("/reply"), reply); r.StatusCode != 303 {
			t.Errorf("switched on: %d", r.StatusCode)
		}
		form := general(f.decided())
		form.Del("supervisors_answer")
		boss.save("/settings", form)
		if r, body := foreman.post(foreman.page("/reply"), reply, "X-Fragment", "1"); r.StatusCode != 422 || !strings.Contains(body, "Supervisors do not start or answer") {
			t.Errorf("switched off: %d", r.StatusCode)
		}
		if f.count("On my way") != 1 {
			t.Error("it was sent all the same")
		}
		if r, _ := foreman.post(foreman.page("/reply"), url.Values{"body": {"Seen"}, "channel": {"note"}}); r.StatusCode != 303 {
			t.Errorf("a note: %d", r.StatusCode)
		}
	})
}

func TestS2_14_ConversationsFromTenantsRequestsCanBeSwitchedOff(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		b.save("/settings/preset", url.Values{"preset": {"landlord"}})
		var tenant bridge.Contact
		err := f.store.Write(f.Context(), func(tx *data.Tx) (err error) {
			tenant, err = tx.AddContact(bridge.Contact{Name: "Tia Tenant", Side: bridge.Tenant}, time.Now())
			if err == nil {
				tenant.ConnectedAt = time.Now()
				err = tx.PutContact(tenant)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		submit := func(title string) (n int) {
			ref := fmt.Sprint(time.Now().UnixNano())
			r, err := f.in.AddRecord(f.Context(), f.sam, intake.RecordChange{Type: bridge.Maintenance, Reference: &ref, Title: &title, SubmittedBy: &tenant.ID, Contacts: &[]bridge.ContactID{tenant.ID}})
			if err != nil {
				t.Fatal(err)
			}
			f.read(func(tx *data.Tx) error {
				ids, err := tx.RecordConversations(r.ID)
				n = len(ids)
				return err
			})
			return n
		}
		form := general(f.decided())
		form.Del("tenant_requests")
		b.save("/settings", form)
		if n := submit("Dripping tap"); n != 0 {
			t.Errorf("switched off: %d conversations", n)
		}
		form.Set("tenant_requests", "1")
		b.save("/settings", form)
		if n := submit("Broken lock"); n != 1 {
			t.Errorf("switched on: %d conversations", n)
		}
	})
}

func TestStagesAreKeptForTheProjectsInThem(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		id := f.project("Construction")
		rows := func(do string, names ...string) url.Values {
			v := url.Values{"type": {"Standard"}, "do": {do}}
			for i, st := range f.decided().StagesOf("Standard") {
				name := st.Name
				if i < len(names) && names[i] != "" {
					name = names[i]
				}
				v["was"], v["name"] = append(v["was"], st.Name), append(v["name"], name)
				if st.Messages {
					v.Add("messages", fmt.Sprint(i))
				}
			}
			v["was"], v["name"] = append(v["was"], ""), append(v["name"], "")
			return v
		}
		b.save("/settings/stages", rows("", "", "Construction", "Selections")) // two that swap their names
		stage := func() (s string) {
			f.read(func(tx *data.Tx) error { r, err := tx.Record(id); s = r.Stage; return err })
			return s
		}
		if stage() != "Selections" {
			t.Errorf("the project is in %q", stage())
		}
		b.save("/settings/stages", rows("down 0"))
		if got := f.decided().StagesOf("Standard"); got[0].Name != "Construction" || got[1].Name != "Enquiry" || got[1].Messages || !got[0].Messages {
			t.Errorf("moved: %+v", got)
		}
		if r, body := b.post("/settings/stages", rows("remove 2")); r.StatusCode != 422 || !strings.Contains(problemIn(body), "Selections") {
			t.Errorf("a stage with a project in it: %d %q", r.StatusCode, problemIn(body))
		}
		b.save("/settings/stages", rows("remove 5"))
		add := rows("")
		add["name"][len(add["name"])-1] = "Snagging"
		add.Add("messages", fmt.Sprint(len(add["name"])-1))
		b.save("/settings/stages", add)
		got := f.decided().StagesOf("Standard")
		if last := got[len(got)-1]; last != (bridge.Stage{ProjectType: "Standard", Name: "Snagging", Messages: true}) || len(got) != 6 {
			t.Errorf("added: %+v", got)
		}
		if r, body := b.post("/settings/stages", rows("", "Handover", "Handover")); r.StatusCode != 422 || !strings.Contains(problemIn(body), "same name") {
			t.Errorf("two of one name: %d %q", r.StatusCode, problemIn(body))
		}
		for what, form := range map[string]url.Values{
			"an old page":    add,
			"an old type":    {"type": {"Standard"}, "was": {""}, "name": {"First"}},
			"without a name": {"type": {" "}, "was": {""}, "name": {"First"}},
		} {
			if r, _ := b.post("/settings/stages", form); r.StatusCode != 422 {
				t.Errorf("%s: %d", what, r.StatusCode)
			}
		}
		if d := cmp.Diff(got, f.decided().StagesOf("Standard")); d != "" {
			t.Error(d)
		}
	})
}

var welcomeLink = regexp.MustCompile(`https://texts\.example\.com(/welcome/[A-Z2-7]+)`)

func TestSomebodyIsInvitedChoosesAPasswordAndIsIn(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		form := url.Values{"name": {"Ada Quill"}, "email": {"ada@example.com"}, "role": {"tradie"}}
		r, body := b.post("/settings/team", form)
		first := welcomeLink.FindStringSubmatch(body)
		if r.StatusCode != 201 || first == nil {
			t.Fatalf("invite: %d", r.StatusCode)
		}
		if _, body := b.get("/settings/team"); welcomeLink.MatchString(body) || !strings.Contains(body, "Ada Quill") || !strings.Contains(body, "Invited") {
			t.Error("the link is shown a second time, or the invitation is not")
		}
		if r, body := b.post("/settings/team", form); r.StatusCode != 422 || !strings.Contains(problemIn(body), "this email already") || !strings.Contains(body, `value="Ada Quill"`) {
			t.Errorf("the same email again: %d", r.StatusCode)
		}
		ada := f.byEmail("ada@example.com")
		_, body = b.post(fmt.Sprintf("/settings/team/%d/link", ada.ID), nil)
		second := welcomeLink.FindStringSubmatch(body)
		if second == nil {
			t.Fatal("no new link")
		}
		new := f.browser()
		if r, _ := new.get(first[1]); r.StatusCode != http.StatusGone {
			t.Errorf("the link before: %d", r.StatusCode)
		}
		if r, body := new.get(second[1]); r.StatusCode != 200 || !strings.Contains(body, "Welcome, Ada") || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("the link: %d", r.StatusCode)
		}
		if r, _ := new.post(second[1], url.Values{"password": {"short"}}); r.StatusCode != 422 {
			t.Errorf("a short password: %d", r.StatusCode)
		}
		if r, _ := new.post(second[1], url.Values{"password": {"four good long words"}}); r.StatusCode != 303 || r.Header.Get("Location") != "/inbox" {
			t.Errorf("joining: %d", r.StatusCode)
		}
		if r, body := new.get("/inbox"); r.StatusCode != 200 || !strings.Contains(body, "Ada Quill") {
			t.Errorf("after joining: %d", r.StatusCode)
		}
		if r, _ := f.browser().post(second[1], url.Values{"password": {"a thief's password"}}); r.StatusCode != http.StatusGone {
			t.Errorf("the link a second time: %d", r.StatusCode)
		}
		if r, body := b.post(fmt.Sprintf("/settings/team/%d/link", ada.ID), nil); r.StatusCode != 403 || !strings.Contains(body, "have a password already") {
			t.Errorf("a link for who is in: %d", r.StatusCode)
		}
	})
}

func (f *office) byEmail(email string) (p bridge.Staff) {
	f.Helper()
	f.read(func(tx *data.Tx) (err error) { p, _, err = tx.StaffByEmail(email); return err })
	return p
}

func TestAnInvitationEndsWithThePasswordHoweverItCame(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	_, body := b.post("/settings/team", url.Values{"name": {"Ada"}, "email": {"ada@example.com"}, "role": {"admin"}})
	link := welcomeLink.FindStringSubmatch(body)[1]
	hash := must(web.HashPassword("set by the command"))
	if err := f.store.Write(t.Context(), func(tx *data.Tx) error { return tx.SetPassword(f.byEmail("ada@example.com").ID, hash) }); err != nil {
		t.Fatal(err)
	}
	if r, _ := f.browser().post(link, url.Values{"password": {"a thief's password"}}); r.StatusCode != http.StatusGone {
		t.Errorf("the link still sets a password: %d", r.StatusCode)
	}
}

func TestWhoIsSwitchedOffIsOutAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		boss, jo := f.signedIn("sam@example.com"), f.signedIn("jo@example.com")
		if err := f.in.Assign(t.Context(), f.sam, f.conv, f.jo.ID); err != nil {
			t.Fatal(err)
		}
		api := func() int {
			r := must(http.NewRequest("GET", f.url+"/api/v1/conversations", nil))
			r.Header.Set("Authorization", "Bearer "+f.joKey)
			resp, _ := boss.do(r)
			return resp.StatusCode
		}
		if r, _ := jo.get("/inbox"); r.StatusCode != 200 || api() != 200 {
			t.Fatal("jo is not in")
		}
		path := fmt.Sprintf("/settings/team/%d/switch", f.jo.ID)
		if r, body := boss.get(path); r.StatusCode != 200 || !strings.Contains(body, "What they wrote stays") || !strings.Contains(body, "becomes nobody") {
			t.Errorf("the question: %d", r.StatusCode)
		}
		if r, _ := jo.get("/inbox"); r.StatusCode != 200 {
			t.Error("looking at the question switched it off")
		}
		boss.save(path, url.Values{"to": {"off"}})
		if r, _ := jo.get("/inbox"); r.StatusCode != 303 {
			t.Errorf("the session: %d", r.StatusCode)
		}
		if code := api(); code != 401 {
			t.Errorf("the key: %d", code)
		}
		if r, _ := f.browser().post("/login", url.Values{"email": {"jo@example.com"}, "password": {password}}); r.StatusCode != 422 {
			t.Errorf("signing in again: %d", r.StatusCode)
		}
		f.read(func(tx *data.Tx) error {
			conv, err := tx.Conversation(f.sam, f.conv)
			if conv.Assignee != 0 {
				t.Error("what was assigned to them still is")
			}
			return err
		})
		boss.save(path, url.Values{"to": {"on"}})
		if r, _ := f.browser().post("/login", url.Values{"email": {"jo@example.com"}, "password": {password}}); r.StatusCode != 303 || api() != 200 {
			t.Errorf("switched on again: %d", r.StatusCode)
		}
	})
}

func TestTheBusinessNeverLosesItsLastOwner(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		boss, admin := f.signedIn("sam@example.com"), f.signedIn(f.hireOne("Maya Quinn", bridge.Admin).Email)
		sam := fmt.Sprintf("/settings/team/%d", f.sam.ID)
		for _, b := range []*browser{boss, admin} {
			for path, form := range map[string]url.Values{sam + "/switch": {"to": {"off"}}, sam + "/role": {"role": {"admin"}}} {
				if r, _ := b.post(path, form); r.StatusCode != 403 {
					t.Errorf("%s: %d", path, r.StatusCode)
				}
			}
		}
		if err := f.in.SwitchStaff(t.Context(), bridge.System, f.sam.ID, false); err == nil || !strings.Contains(err.Error(), "Nobody else owns") {
			t.Errorf("by a command: %v", err)
		}
		maya := f.byEmail("maya@example.com")
		for _, role := range []string{"owner", "OWNER", " Owner "} {
			if r, _ := admin.post(fmt.Sprintf("/settings/team/%d/role", f.jo.ID), url.Values{"role": {role}}); r.StatusCode != 403 {
				t.Errorf("an admin makes an owner as %q: %d", role, r.StatusCode)
			}
		}
		for _, role := range []string{"king", ""} {
			if r, _ := boss.post(fmt.Sprintf("/settings/team/%d/role", maya.ID), url.Values{"role": {role}}); r.StatusCode != 422 {
				t.Errorf("an unknown role %q: %d", role, r.StatusCode)
			}
		}
		boss.save(fmt.Sprintf("/settings/team/%d/role", maya.ID), url.Values{"role": {"Owner"}})
		if got := f.byEmail("maya@example.com").Role; got != bridge.Owner {
			t.Errorf("stored as %q", got)
		}
		if r, _ := admin.post(sam+"/switch", url.Values{"to": {"off"}}); r.StatusCode != 303 { // she owns it too now
			t.Errorf("another owner: %d", r.StatusCode)
		}
		if r, _ := boss.get("/settings"); r.StatusCode != 303 {
			t.Errorf("who was switched off: %d", r.StatusCode)
		}
		if r, _ := admin.post("/settings/team/999/switch", url.Values{"to": {"off"}}); r.StatusCode != 404 {
			t.Errorf("nobody: %d", r.StatusCode)
		}
		if r, _ := admin.post(fmt.Sprintf("/settings/team/%d/switch", f.jo.ID), url.Values{"to": {"sideways"}}); r.StatusCode != 422 {
			t.Errorf("neither on nor off: %d", r.StatusCode)
		}
	})
}

func TestAKeyIsRevoked(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b, admin := f.signedIn("sam@example.com"), f.signedIn(f.hireOne("Maya Quinn", bridge.Admin).Email)
		var keys []bridge.APIKey
		f.read(func(tx *data.Tx) (err error) { keys, err = tx.Keys(); return err })
		if _, body := b.get("/settings/team"); len(keys) != 2 || strings.Count(body, "/end\"") != 2 {
			t.Errorf("%d keys", len(keys))
		}
		for _, k := range keys {
			path := fmt.Sprintf("/settings/keys/%d/end", k.ID)
			if k.Staff == f.sam.ID {
				if r, _ := admin.post(path, nil); r.StatusCode != 403 {
					t.Errorf("an admin revokes the owner's key: %d", r.StatusCode)
				}
			}
			b.save(path, nil)
			if r, _ := b.post(path, nil); r.StatusCode != 404 {
				t.Errorf("twice: %d", r.StatusCode)
			}
		}
		for _, key := range []string{f.samKey, f.joKey} {
			r := must(http.NewRequest("GET", f.url+"/api/v1/conversations", nil))
			r.Header.Set("Authorization", "Bearer "+key)
			if resp, _ := b.do(r); resp.StatusCode != 401 {
				t.Errorf("a revoked key: %d", resp.StatusCode)
			}
		}
	})
}

func TestAnOpenPageIsLoadedAnewWhenTheRulesOfWhatItShowsChange(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		if err := f.in.Assign(t.Context(), f.sam, f.conv, f.jo.ID); err != nil {
			t.Fatal(err)
		}
		b := f.signedIn("jo@example.com")
		rev := func() (n int64) {
			if err := f.store.Read(t.Context(), func(tx *data.Tx) error { n = tx.Rev(); return nil }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		status := func(after int64) int {
			r, _ := b.get(fmt.Sprintf("/inbox/changes?view=open&open=%d&after=%d", f.conv, after))
			return r.StatusCode
		}
		before := rev()
		f.text("Hello?")
		if got := status(before); got != 200 {
			t.Errorf("a text: %d", got)
		}
		before = rev()
		if err := f.in.SetRole(t.Context(), f.sam.Actor(), f.jo.ID, bridge.Admin); err != nil {
			t.Fatal(err)
		}
		if got := status(before); got != 205 {
			t.Errorf("another role: %d", got)
		}
		before = rev()
		f.settings(func(s *bridge.Settings) { s.Use(bridge.Landlord) })
		if got := status(before); got != 205 {
			t.Errorf("other settings: %d", got)
		}
		if got := status(rev()); got != 200 {
			t.Errorf("after it was loaded: %d", got)
		}
	})
}

func TestAWrongSettingOfALongPageIsWhereTheReaderLooks(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		b := o.signedIn("sam@example.com")
		for field, value := range map[string]string{"hours": "nine to five", "patience": "2", "phone": "12"} {
			form := url.Values{"ring": {"20"}, "patience": {"60"}, "texts": {"never"}, "calls": {"never"}}
			form.Set(field, value)
			res, page := b.post("/settings/calls", form)
			_, after, _ := strings.Cut(page, `name="`+field+`"`)
			tag, _, _ := strings.Cut(after, ">")
			if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(tag, `aria-invalid="true"`) || strings.Count(page, " autofocus") != 1 || !strings.HasSuffix(tag, " autofocus") {
				t.Errorf("%s: %d, %s, focus %d times", field, res.StatusCode, tag, strings.Count(page, " autofocus"))
			}
		}
	})
}
