package inbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// person makes a contact by hand.
func (f *office) person(name string, side bridge.Side, phones ...string) bridge.Contact {
	f.Helper()
	c, err := f.in.AddContact(f.Context(), f.sam, intake.ContactChange{Name: &name, Side: &side, Phones: phones})
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// connect lets a contact accept an invitation.
func (f *office) connect(c bridge.Contact) {
	f.Helper()
	err := f.store.Write(f.Context(), func(tx *data.Tx) error {
		c.ConnectedAt = time.Now()
		return tx.PutContact(c)
	})
	if err != nil {
		f.Fatal(err)
	}
}

func (f *office) contact(id bridge.ContactID) (c bridge.Contact) {
	f.Helper()
	if err := f.store.Read(f.Context(), func(tx *data.Tx) (err error) { c, err = tx.Contact(id); return err }); err != nil {
		f.Fatal(err)
	}
	return c
}

// talks counts the conversations with a contact.
func (f *office) talks(id bridge.ContactID) (cs []bridge.Conversation) {
	f.Helper()
	if err := f.store.Read(f.Context(), func(tx *data.Tx) (err error) { cs, err = tx.ConversationsWith(f.sam, id, 10); return err }); err != nil {
		f.Fatal(err)
	}
	return cs
}

func path(id bridge.ContactID, more string) string { return fmt.Sprintf("/people/%d%s", id, more) }

func has(t *testing.T, body string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(body, w) {
			t.Errorf("no %q in %s", w, brief(body))
		}
	}
}

func hasNot(t *testing.T, body string, bads ...string) {
	t.Helper()
	for _, w := range bads {
		if strings.Contains(body, w) {
			t.Errorf("%q in %s", w, brief(body))
		}
	}
}

// brief is what a page shows, without its frame.
func brief(body string) string {
	if _, main, ok := strings.Cut(body, "<main"); ok {
		body = main
	}
	body = regexp.MustCompile(`<[^>]*>|\s+`).ReplaceAllString(body, " ")
	return body[:min(len(body), 1500)]
}

func TestS0_6_ThePeopleTableIsFoundByWordsAndFilters(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		bob := f.person("Bob Marsh", bridge.Handyman, "+14155550177")
		tina := f.person("Tina Alvarez", bridge.Tenant, "+14155550178")
		f.connect(tina)
		busy := true
		if _, err := f.in.EditContact(t.Context(), f.sam, bob.ID, intake.ContactChange{Busy: &busy, Emails: []string{"bob@marsh.example"}}); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]string{
			"": "Alvarez|Marsh|555 0134", "?q=bob": "Marsh", "?q=marsh.example": "Marsh", "?q=5550178": "Alvarez", "?q=TINA+alv": "Alvarez", "?side=handyman": "Marsh",
			"?connected=yes": "Alvarez", "?status=busy": "Marsh", "?status=available": "", "?q=nobody": "", "?q=(415)+555-0178": "Alvarez", "?q=415.555.0177": "Marsh", "?q=%2B1+415+555+0177": "Marsh", "?q=-": "", "?q=0": "Alvarez|Marsh|555 0134", "?q=%2B": "Alvarez|Marsh|555 0134", "?side=tenant&q=bob": "", "?side=nonsense": "Alvarez|Marsh|555 0134",
		} {
			_, page := b.get("/people" + query)
			_, fragment := b.get("/people"+query, "X-Fragment", "1")
			hasNot(t, fragment, "<html")
			for _, body := range []string{page, fragment} {
				for _, name := range []string{"Alvarez", "Marsh", "555 0134"} {
					if got := strings.Contains(body, name+"</a>"); got != (want != "" && strings.Contains(want, name)) {
						t.Errorf("%q: %s is %v", query, name, got)
					}
				}
			}
			if want == "" {
				has(t, page, "Nobody fits", "Show everybody")
			}
		}
	})
}

func TestThePeopleTableGoesOnPageByPage(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		for i := range 45 {
			f.person(fmt.Sprintf("Person %02d", i), bridge.Tenant)
		}
		b, seen, next := f.signedIn("sam@example.com"), map[string]int{}, "/people?side=tenant"
		for pages := 0; next != ""; pages++ {
			if pages > 3 {
				t.Fatal("there is no end")
			}
			_, body := b.get(next)
			for _, m := range regexp.MustCompile(`>(Person \d\d)</a>`).FindAllStringSubmatch(body, -1) {
				seen[m[1]]++
			}
			m := regexp.MustCompile(`href="([^"]*)" data-more`).FindStringSubmatch(body)
			if next = ""; m != nil {
				next = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		if len(seen) != 45 || seen["Person 39"] != 1 || seen["Person 40"] != 1 {
			t.Errorf("%d of 45 were seen: %v", len(seen), seen)
		}
	})
}

func TestS0_7_EveryRowHasAMessageColumnWithAChatIcon(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	bob := f.person("Bob Marsh", bridge.Handyman, "+14155550177")
	_, body := f.signedIn("sam@example.com").get("/people")
	has(t, body, `>Message</th>`, fmt.Sprintf(`href="%s" data-talk`, path(bob.ID, "/message")), `icons.svg#sms`, "Message Bob Marsh")
}

func TestS0_8_9_10_TheModalShowsWhoAndTheHistoryOrInvitesToStart(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		bob := f.person("Bob Marsh", bridge.Handyman, "+14155550177")
		for _, headers := range [][]string{{"X-Fragment", "1"}, nil} { // the modal, and the page without JavaScript
			r, body := b.get(path(bob.ID, "/message"), headers...)
			if r.StatusCode != 200 || (r.Header.Get("X-Rev") != "") != (headers != nil) {
				t.Errorf("%d at revision %q", r.StatusCode, r.Header.Get("X-Rev"))
			}
			has(t, body, ">Bob Marsh</h2>", `class="avatar" aria-hidden="true">BM<`, "Start the conversation", `action="`+path(bob.ID, "/message")+`"`, "1 415 555 0177")
		}
		if n := len(f.talks(bob.ID)); n != 0 {
			t.Errorf("looking started %d conversations", n)
		}
		if r, body := b.post(path(bob.ID, "/message"), url.Values{"body": {"  "}, "client": {"c0"}}); r.StatusCode != 422 || len(f.talks(bob.ID)) != 0 {
			t.Errorf("an empty message: %d %s", r.StatusCode, brief(body))
		}
		if r, _ := b.post(path(bob.ID, "/message"), url.Values{"body": {"Can you do Friday?"}, "client": {"c1"}}); r.StatusCode != 303 || r.Header.Get("Location") != path(bob.ID, "/message") {
			t.Errorf("the first message: %d to %s", r.StatusCode, r.Header.Get("Location"))
		}
		_, body := b.get(path(bob.ID, "/message"), "X-Fragment", "1")
		has(t, body, "Can you do Friday?", `data-open="`, `role="log"`)
		hasNot(t, body, "Start the conversation")
		if cs := f.talks(bob.ID); len(cs) != 1 || cs[0].Kind != bridge.KindPartner {
			t.Errorf("conversations: %+v", cs)
		}
	})
}

func TestTheFirstMessageTwiceIsOne(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b, bob := f.signedIn("sam@example.com"), f.person("Bob Marsh", bridge.Handyman, "+14155550177")
		for range 2 {
			r, body := b.post(path(bob.ID, "/message"), url.Values{"body": {"Only once"}, "client": {"same"}}, "X-Fragment", "1")
			if r.StatusCode != 200 || strings.Count(body, "Only once") != 1 {
				t.Errorf("%d: %s", r.StatusCode, brief(body))
			}
		}
	})
}

func TestS0_11_TheProfileHasTheMessageAction(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	bob := f.person("Bob Marsh", bridge.Handyman, "+14155550177")
	_, body := f.signedIn("sam@example.com").get(path(bob.ID, ""))
	has(t, body, `href="`+path(bob.ID, "/message")+`" data-talk`, `<dialog class="drawer"`)
}

func TestS0_13_14_TheArrowButtonSendsAndOwnMessagesAreOnTheRight(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		bob := f.person("Bob Marsh", bridge.Handyman, "+14155550177")
		_, body := b.get(path(bob.ID, "/message"))
		has(t, body, `title="Send (Enter)"`, "icons.svg#send")
		b.post(path(bob.ID, "/message"), url.Values{"body": {"Is Friday good?"}, "client": {"c1"}})
		f.textSeen++
		if _, err := f.in.Receive(t.Context(), bridge.Inbound{Channel: bridge.SMS, CarrierID: "SM00000000000000000000000000000077", From: "+14155550177", To: "+14155550100", Body: "Friday is fine", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		_, body = b.get(path(bob.ID, "/message"))
		if !regexp.MustCompile(`(?s)<li class="msg out".*Is Friday good\?.*<li class="msg in".*Friday is fine`).MatchString(body) {
			t.Errorf("the sides: %s", brief(body))
		}
		// A reply from the drawer goes into the same conversation, and a plain form comes back.
		form := url.Values{"body": {"See you then"}, "channel": {"reply"}, "client": {"c2"}}
		if r, _ := b.post(path(bob.ID, "/message"), form); r.StatusCode != 303 || r.Header.Get("Location") != path(bob.ID, "/message") {
			t.Errorf("a reply: %d to %s", r.StatusCode, r.Header.Get("Location"))
		}
		form.Set("client", "c3")
		if r, body := b.post(path(bob.ID, "/message"), form, "X-Fragment", "1", "X-After", "1"); r.StatusCode != 200 || !strings.Contains(body, "See you then") {
			t.Errorf("a reply of the script: %d %s", r.StatusCode, brief(body))
		}
		if cs := f.talks(bob.ID); len(cs) != 1 {
			t.Errorf("%d conversations", len(cs))
		}
	})
}

func TestTheDrawerSaysBeforehandWhyThereCanBeNoMessage(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		f.settings(func(s *bridge.Settings) { s.Use(bridge.PropertyManager) })
		tina := f.person("Tina Alvarez", bridge.Tenant, "+14155550178")
		_, body := b.get(path(tina.ID, "/message"))
		has(t, body, "They are not connected yet.", "Invite them from their profile")
		hasNot(t, body, "<textarea")
		if r, _ := b.post(path(tina.ID, "/message"), url.Values{"body": {"Hello"}}); r.StatusCode != 422 || len(f.talks(tina.ID)) != 0 {
			t.Errorf("sent all the same: %d", r.StatusCode)
		}
		f.connect(tina)
		if r, _ := b.post(path(tina.ID, "/message"), url.Values{"body": {"Hello"}}); r.StatusCode != 303 {
			t.Errorf("connected: %d", r.StatusCode)
		}
		if cs := f.talks(tina.ID); len(cs) != 1 || cs[0].Kind != bridge.KindDirect {
			t.Errorf("%+v", cs)
		}
		maya := f.signedIn(f.hireOne("Maya Quinn", bridge.Admin).Email)
		_, body = maya.get(path(tina.ID, "/message"))
		has(t, body, "Colleagues have this conversation already", "Ask them to add you")
		hasNot(t, body, "Hello", "<textarea")
		if r, _ := maya.post(path(tina.ID, "/message"), url.Values{"body": {"Me too"}}); r.StatusCode != 422 {
			t.Errorf("a second conversation: %d", r.StatusCode)
		}
		f.settings(func(s *bridge.Settings) { s.Use(bridge.Trades) }) // a switch hides no history
		if _, body := b.get(path(tina.ID, "/message")); !strings.Contains(body, "Hello") {
			t.Error("the history is gone with the kind")
		}
	})
}

func TestS0_28_ABusyHandymanShowsAndCanBeWrittenTo(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	bob := f.person("Bob Marsh", bridge.Handyman, "+14155550177")
	if r, _ := b.post(path(bob.ID, ""), url.Values{"name": {"Bob Marsh"}, "side": {"handyman"}, "status": {"busy"}}); r.StatusCode != 303 {
		t.Fatalf("%d", r.StatusCode)
	}
	for _, p := range []string{"/people", path(bob.ID, ""), path(bob.ID, "/message")} {
		_, body := b.get(p)
		has(t, body, "Busy")
	}
	_, body := b.get(path(bob.ID, "/message"))
	has(t, body, "<textarea")
}

func TestS0_29_30_31_TheModalOpensFromTheTopWithTheWholeThread(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	bob := f.person("Bob Marsh", bridge.Handyman, "+14155550177")
	for i := range 70 {
		if _, err := f.in.Start(t.Context(), f.sam, intake.Start{Kind: bridge.KindPartner, Contact: bob.ID, Body: fmt.Sprintf("Text number %d.", i), ClientID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	_, body := b.get(path(bob.ID, "/message"), "X-Fragment", "1")
	has(t, body, "fromtop", "Text number 0.", "Text number 69.")
	hasNot(t, body, "Earlier messages")
	if strings.Index(body, "Text number 0.") > strings.Index(body, "Text number 69.") {
		t.Error("not in the order of time")
	}
}

func TestS2_16_AnyContactIsFoundBySearchAndLeadsToAMessage(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.person("Tina Alvarez", bridge.Tenant, "+14155550178")
	f.person("Otto Frey", bridge.PropertyOwner)
	b := f.signedIn("sam@example.com")
	for _, name := range []string{"Tina", "Otto"} {
		_, body := b.get("/people?q=" + strings.ToLower(name))
		has(t, body, "Message "+name)
	}
}

func TestANewContactFromThePlainForm(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		form := url.Values{"name": {" Priya  Raman"}, "company": {"Oakfield"}, "side": {"tenant"}, "phone": {"12"}, "email": {"Priya@Example.com"}, "zone": {"Europe/London"}}
		if r, body := b.post("/people/new", form); r.StatusCode != 422 || !strings.Contains(body, `value="Oakfield"`) || !strings.Contains(body, `aria-invalid="true"`) {
			t.Errorf("a bad number: %d %s", r.StatusCode, brief(body))
		}
		form.Set("phone", "(415) 555-0179")
		r, body := b.post("/people/new", form)
		if r.StatusCode != 303 {
			t.Fatalf("%d %s", r.StatusCode, brief(body))
		}
		_, body = b.get(r.Header.Get("Location"))
		has(t, body, ">Priya Raman</h1>", "Oakfield", "1 415 555 0179", "priya@example.com", "Europe/London", "Not invited")
	})
}

func TestAProfileIsEditedAndSaysWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		c := f.person("Priya", bridge.Customer, "+14155550179")
		if r, _ := b.post(path(c.ID, ""), url.Values{"name": {"Priya Raman"}, "company": {"Oakfield"}, "side": {"service_pro"}, "zone": {"Europe/London"}, "status": {"busy"}}); r.StatusCode != 303 {
			t.Fatalf("%d", r.StatusCode)
		}
		if is := f.contact(c.ID); is.Name != "Priya Raman" || is.Company != "Oakfield" || is.Side != bridge.ServicePro || is.Zone != "Europe/London" || !is.Busy {
			t.Errorf("%+v", is)
		}
		if r, body := b.post(path(c.ID, ""), url.Values{"zone": {"Atlantis"}, "company": {"Typed"}}); r.StatusCode != 422 || !strings.Contains(body, "America/Los_Angeles") || !strings.Contains(body, `value="Typed"`) {
			t.Errorf("a zone that is none: %d %s", r.StatusCode, brief(body))
		}
		if r, _ := b.post(path(c.ID, "/address"), url.Values{"phone": {"415 555 0180"}, "email": {"p@example.com"}}); r.StatusCode != 303 || len(f.contact(c.ID).Addresses) != 3 {
			t.Errorf("addresses: %d %+v", r.StatusCode, f.contact(c.ID).Addresses)
		}
		for name, form := range map[string]url.Values{"nothing": {}, "no number": {"phone": {"x"}}, "no email": {"email": {"x"}}, "our own": {"phone": {"+14155550100"}}} {
			if r, _ := b.post(path(c.ID, "/address"), form); r.StatusCode != 422 {
				t.Errorf("%s: %d", name, r.StatusCode)
			}
		}
		for _, missing := range []string{path(999, ""), path(999, "/message"), path(999, "/merge"), "/people/x", "/records/999", "/records/x"} {
			if r, _ := b.get(missing); r.StatusCode != 404 {
				t.Errorf("%s: %d", missing, r.StatusCode)
			}
		}
		for _, missing := range []string{path(999, ""), path(999, "/address"), path(999, "/pass"), path(999, "/invite"), path(999, "/merge"), path(999, "/message"), "/records/999", "/records/999/sent"} {
			if r, _ := b.post(missing, url.Values{"name": {"x"}, "phone": {"+14155550181"}, "body": {"x"}, "into": {"1"}, "reference": {"1"}, "title": {"x"}}); r.StatusCode != 404 {
				t.Errorf("POST %s: %d", missing, r.StatusCode)
			}
		}
	})
}

func TestANumberIsPassedOnAndItsNextTextIsFromSomebodyNew(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		was := f.talkContact()
		a := f.contact(was).Addresses[0]
		_, body := b.get(path(was, ""))
		has(t, body, "somebody else", fmt.Sprintf(`name="address" value="%d"`, a.ID))
		if r, _ := b.post(path(was, "/pass"), url.Values{"address": {fmt.Sprint(a.ID)}}); r.StatusCode != 303 {
			t.Fatalf("%d", r.StatusCode)
		}
		f.text("Who was this before me?")
		now := f.talkContact()
		if now == was || len(f.contact(was).Addresses) != 0 {
			t.Errorf("contact %d, then %d", was, now)
		}
		if r, _ := b.post(path(was, "/pass"), url.Values{"address": {fmt.Sprint(a.ID)}}); r.StatusCode != 404 {
			t.Errorf("a second time: %d", r.StatusCode)
		}
	})
}

// talkContact is with whom the newest text's conversation is.
func (f *office) talkContact() (id bridge.ContactID) {
	f.Helper()
	err := f.store.Read(f.Context(), func(tx *data.Tx) error {
		c, err := tx.Conversation(f.sam, f.conv)
		id = c.Contact
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return id
}

func TestAHouseholdThatSharesANumberIsShown(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.person("Arun Raman", bridge.Customer, "+14155550179")
	priya := f.person("Priya Raman", bridge.Customer, "+14155550179")
	_, body := f.signedIn("sam@example.com").get(path(priya.ID, ""))
	has(t, body, "Shared with", "Arun Raman")
}

func TestMergingSaysWhatHappensAndThenDoesIt(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		from := f.talkContact()
		into := f.person("Priya Raman", bridge.Customer, "+14155550179")
		_, body := b.get(path(from, "/merge?q=priya"))
		has(t, body, fmt.Sprintf("/people/%d/merge?into=%d", from, into.ID))
		_, body = b.get(path(from, fmt.Sprintf("/merge?into=%d", into.ID)))
		has(t, body, "turns out to be Priya Raman", "Nothing is lost", "Merge into Priya Raman")
		if f.contact(from).MergedInto != 0 {
			t.Fatal("looking merged them")
		}
		if r, body := b.post(path(from, "/merge"), url.Values{"into": {fmt.Sprint(from)}}); r.StatusCode != 422 || !strings.Contains(body, "Choose the other contact") {
			t.Errorf("with itself: %d", r.StatusCode)
		}
		if r, _ := b.post(path(from, "/merge"), url.Values{"into": {fmt.Sprint(into.ID)}}); r.StatusCode != 303 || f.contact(from).MergedInto != into.ID {
			t.Errorf("merge: %d", r.StatusCode)
		}
		if r, _ := b.get(path(from, "")); r.StatusCode != 303 || r.Header.Get("Location") != path(into.ID, "") {
			t.Errorf("an old link: %d to %s", r.StatusCode, r.Header.Get("Location"))
		}
		_, body = b.get(path(into.ID, ""))
		has(t, body, "Is anyone there?", "1 415 555 0134", "1 415 555 0179")
	})
}

var inviteLink = regexp.MustCompile(`https://texts\.example\.com(/i/[A-Z0-9]+)`)

func TestOpeningAnInvitationChangesNothingAndItsButtonConnects(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		priya := f.person("Priya Raman", bridge.Tenant, "+14155550179")
		r, body := b.post(path(priya.ID, "/invite"), nil)
		m := inviteLink.FindStringSubmatch(body)
		if r.StatusCode != 200 || m == nil || r.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("invite: %d %s", r.StatusCode, brief(body))
		}
		if n := len(f.talks(priya.ID)); n != 0 {
			t.Errorf("it was texted without being asked: %d conversations", n)
		}
		if _, body := b.get(path(priya.ID, "")); inviteLink.MatchString(body) || !strings.Contains(body, "Invited ") {
			t.Error("the link is shown again, or the state is not")
		}
		stranger := f.browser()
		for range 3 { // mail scanners open links
			r, body := stranger.get(m[1])
			if r.StatusCode != 200 || r.Header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(r.Header.Get("X-Robots-Tag"), "noindex") {
				t.Errorf("opening: %d %v", r.StatusCode, r.Header)
			}
			has(t, body, "Hello Priya", "Brightwater Plumbing would like to message you here", `method="post"`)
			hasNot(t, body, "Raman", "0179")
		}
		if f.contact(priya.ID).Connected() {
			t.Fatal("opening it connected")
		}
		for range 2 { // a double tap
			if r, body := stranger.post(m[1], nil); r.StatusCode != 200 || !strings.Contains(body, "Thank you, Priya") {
				t.Errorf("the button: %d %s", r.StatusCode, brief(body))
			}
		}
		if !f.contact(priya.ID).Connected() {
			t.Error("not connected")
		}
		for _, bad := range []string{"/i/NOPE", "/i/" + strings.Repeat("A", 26)} {
			if r, body := stranger.get(bad); r.StatusCode != http.StatusGone || !strings.Contains(body, "does not work any more") {
				t.Errorf("%s: %d", bad, r.StatusCode)
			}
			if r, _ := stranger.post(bad, nil); r.StatusCode != http.StatusGone {
				t.Errorf("POST %s: %d", bad, r.StatusCode)
			}
		}
	})
}

func TestAnInvitationIsTextedWhereThatIsAskedFor(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		priya := f.person("Priya Raman", bridge.Customer, "+14155550179")
		r, body := b.post(path(priya.ID, "/invite"), url.Values{"text": {"1"}})
		m := inviteLink.FindStringSubmatch(body)
		if r.StatusCode != 200 || m == nil {
			t.Fatalf("%d %s", r.StatusCode, brief(body))
		}
		has(t, body, "on its way to")
		cs := f.talks(priya.ID)
		if len(cs) != 1 {
			t.Fatalf("%d conversations", len(cs))
		}
		var text string
		err := f.store.Read(t.Context(), func(tx *data.Tx) error {
			ms, err := tx.Messages(cs[0].ID, 0, 10)
			if len(ms) == 1 && len(ms[0].Deliveries) == 1 {
				text = ms[0].Body
			}
			return err
		})
		if err != nil || !strings.HasPrefix(text, "Brightwater Plumbing: Hi Priya, Sam here.") || !strings.HasSuffix(text, m[0]) {
			t.Errorf("%q, %v", text, err)
		}
		f.text("STOP")
		_, body = b.post(path(f.talkContact(), "/invite"), url.Values{"text": {"1"}})
		hasNot(t, body, "https://texts.example.com/i/")
		has(t, body, "STOP")
		if !f.contact(f.talkContact()).InvitedAt.IsZero() {
			t.Error("an invitation that did not leave is noted")
		}
	})
}

func TestAnInvitationKeepsOutOfTheQuietHours(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	now := time.Now().UTC()
	f.settings(func(s *bridge.Settings) {
		minute := now.Hour()*60 + now.Minute()
		s.QuietFrom, s.QuietUntil = (minute+24*60-60)%(24*60), (minute+120)%(24*60)
	})
	priya := f.person("Priya Raman", bridge.Customer, "+14155550179")
	if err := f.in.Invite(t.Context(), f.sam, priya.ID, "hash", "Brightwater: Hi", ""); err != nil {
		t.Fatal(err)
	}
	err := f.store.Read(t.Context(), func(tx *data.Tx) error {
		ds, err := tx.Deliveries(bridge.Queued, 10)
		if len(ds) != 1 || ds[0].NextAt.Before(now.Add(time.Hour)) {
			t.Errorf("it leaves at once: %+v", ds)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpeningManyInvitationsIsSlowedDown(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.browser()
	for range 60 {
		b.get("/i/GUESS")
	}
	if r, _ := b.get("/i/GUESS"); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("the 61st: %d", r.StatusCode)
	}
	if r, _ := b.get("/login"); r.StatusCode != 200 {
		t.Errorf("signing in: %d", r.StatusCode)
	}
}

func TestTradiesAndApprenticesAreToldWhyTheyDoNotSeePeople(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("jo@example.com")
		c := f.person("Priya Raman", bridge.Customer, "+14155550179")
		job := f.record(bridge.Job, "1042")
		for _, p := range []string{"/people", "/people/new", path(c.ID, ""), path(c.ID, "/merge"), path(c.ID, "/message"), path(999, ""), "/records", "/records/new", recordPath(job, "")} {
			r, body := b.get(p)
			if r.StatusCode != 403 || strings.Contains(body, "Priya") || !strings.Contains(body, "sk ") { // "Ask the office", "Ask one of them"
				t.Errorf("%s: %d %s", p, r.StatusCode, brief(body))
			}
		}
		for _, p := range []string{"/people/new", path(c.ID, ""), path(c.ID, "/address"), path(c.ID, "/pass"), path(c.ID, "/invite"), path(c.ID, "/merge"), path(c.ID, "/message"), "/records/new", recordPath(job, ""), recordPath(job, "/sent")} {
			form := url.Values{"name": {"Eve"}, "phone": {"+14155550181"}, "body": {"Hello"}, "into": {"1"}, "type": {"job"}, "reference": {"7"}, "title": {"T"}, "text": {"1"}}
			if r, body := b.post(p, form); r.StatusCode != 403 || strings.Contains(body, "Priya") {
				t.Errorf("POST %s: %d %s", p, r.StatusCode, brief(body))
			}
		}
	})
}

func TestADoubleTapTextsAnInvitationOnce(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		b := f.signedIn("sam@example.com")
		path := fmt.Sprintf("/people/%d", f.talkContact())
		_, page := b.get(path)
		client := regexp.MustCompile(`name="client" value="([0-9a-f]{32})"`).FindStringSubmatch(page)
		if client == nil {
			t.Fatal("the form has no key")
		}
		form := url.Values{"text": {"1"}, "client": {client[1]}}
		_, first := b.post(path+"/invite", form)
		r, second := b.post(path+"/invite", form)
		if !strings.Contains(first, "It works for 30 days") || r.StatusCode != 200 || strings.Contains(second, "It works for 30 days") || !strings.Contains(second, "is on its way") {
			t.Errorf("%d %s", r.StatusCode, brief(second))
		}
		f.read(func(tx *data.Tx) error {
			ms, err := tx.Messages(f.conv, 0, 100)
			n := 0
			for _, m := range ms {
				n += strings.Count(m.Body, "/i/")
			}
			if n != 1 {
				t.Errorf("texted %d times", n)
			}
			return err
		})
	})
}
