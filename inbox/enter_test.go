package inbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func TestALinkOpensOnTheFirstDeviceAndAsksAnotherForACode(t *testing.T) {
	eachHouse(t, func(h *house) {
		link := h.link(priyaPhone)
		first, other := h.browser(), h.browser()
		if _, body := first.get(link); !strings.Contains(body, "Hello Priya") || strings.Contains(body, "Raman") {
			t.Errorf("a fresh link: %s", body)
		}
		r, _ := first.post(link, nil)
		if r.StatusCode != 303 || r.Header.Get("Location") != "/portal" || first.signedOut() {
			t.Fatalf("the button: %d to %q", r.StatusCode, r.Header.Get("Location"))
		}
		for _, c := range r.Cookies() {
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge < 29*24*3600 {
				t.Errorf("the cookie %s: %+v", c.Name, c)
			}
		}
		if r, _ := first.post(link, nil); r.StatusCode != 303 {
			t.Errorf("the same link on the same device again: %d", r.StatusCode)
		}
		if _, body := other.get(link); strings.Contains(body, "Priya") || !strings.Contains(body, "Send me the code") {
			t.Errorf("on another device: %s", body)
		}
		if r, body := other.post(link, nil); r.StatusCode != 422 || !other.signedOut() || strings.Contains(body, "The six digits") {
			t.Errorf("the button on another device: %d %s", r.StatusCode, body)
		}
		code := h.code(other, link, priyaPhone)
		if r, body := other.post(link, url.Values{"code": {"x" + wrong(code)}}); r.StatusCode != 422 || !strings.Contains(body, "not right") || !other.signedOut() {
			t.Errorf("a wrong code: %d", r.StatusCode)
		}
		if r, _ := other.post(link, url.Values{"code": {code[:3] + " " + code[3:]}}); r.StatusCode != 303 || other.signedOut() {
			t.Errorf("the code with a space: %d", r.StatusCode)
		}
		if r, _ := h.browser().post(link, url.Values{"code": {code}}); r.StatusCode != 422 {
			t.Errorf("a code that was used: %d", r.StatusCode)
		}
	})
}

// wrong is six digits that are not the code.
func wrong(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
}

func TestAnOldLinkNeedsACodeAndAnOlderOneIsOver(t *testing.T) {
	eachHouse(t, func(h *house) {
		link, b := h.link(priyaMail), h.browser()
		b.post(link, nil)
		h.later(bridge.SureLink + time.Minute)
		if _, body := b.get(link); !strings.Contains(body, "Is it you?") {
			t.Error("a link of 14 days asks for no code on its own device")
		}
		if r, _ := b.post(link, nil); r.StatusCode != 422 {
			t.Errorf("its button: %d", r.StatusCode)
		}
		code := h.code(b, link, priyaMail)
		h.later(bridge.CodeTime + time.Second)
		if r, _ := b.post(link, url.Values{"code": {code}}); r.StatusCode != 422 {
			t.Errorf("a code of eleven minutes: %d", r.StatusCode)
		}
		if r, _ := b.post(link, url.Values{"code": {h.code(b, link, priyaMail)}}); r.StatusCode != 303 {
			t.Errorf("a fresh code: %d", r.StatusCode)
		}
		h.later(bridge.LinkTime)
		for _, path := range []string{link, "/m/nonsense", "/m/" + strings.Repeat("x", 3000)} {
			for _, do := range []func() (*http.Response, string){
				func() (*http.Response, string) { return h.browser().get(path) },
				func() (*http.Response, string) { return h.browser().post(path, nil) },
				func() (*http.Response, string) { return h.browser().post(path+"/code", nil) },
				func() (*http.Response, string) { return h.browser().post(path, url.Values{"code": {"123456"}}) },
			} {
				r, body := do()
				if r.StatusCode != http.StatusGone || !strings.Contains(body, "Send me a new link") || strings.Contains(body, "Priya") {
					t.Errorf("%.20s: %d", path, r.StatusCode)
				}
			}
		}
		if !b.signedOut() {
			t.Error("a session outlives its 30 days")
		}
	})
}

// TestACodeCannotBeTriedOut: neither from many places, nor by many links, nor while
// one's tries are forgotten elsewhere.
func TestACodeCannotBeTriedOut(t *testing.T) {
	eachHouse(t, func(h *house) {
		first, second := h.link(priyaPhone), h.link(priyaPhone)
		for _, link := range []string{first, second} {
			h.browser().post(link, nil) // used elsewhere, so each needs a code now
		}
		b := h.browser()
		code := h.code(b, first, priyaPhone)
		for n := range 5 {
			link := []string{first, second}[n%2]
			if r, _ := h.browser().post(link, url.Values{"code": {wrong(code)}}, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", n)); r.StatusCode != 422 {
				t.Errorf("try %d: %d", n, r.StatusCode)
			}
		}
		if r, _ := h.browser().post(first, url.Values{"code": {code}}, "X-Forwarded-For", "203.0.113.77"); r.StatusCode != 422 {
			t.Errorf("the right code at the sixth try: %d", r.StatusCode)
		}
		if r, _ := b.post(first, url.Values{"code": {h.code(b, first, priyaPhone)}}); r.StatusCode != 303 {
			t.Errorf("another code: %d", r.StatusCode)
		}
		// More than three codes in 15 minutes are not sent, whatever the link.
		h.code(b, second, priyaPhone)
		for _, link := range []string{first, second} {
			if r, _ := h.browser().post(link+"/code", nil); r.StatusCode != 429 && r.StatusCode != 403 {
				t.Errorf("a fourth code: %d", r.StatusCode)
			}
		}
		many := h.browser()
		for range 30 {
			r, _ := many.post(second, url.Values{"code": {"000000"}}, "X-Forwarded-For", "198.51.100.9")
			if r.Header.Get("Retry-After") != "" {
				return
			}
		}
		t.Error("one peer may try for ever")
	})
}

func TestAskingForALinkTellsNobodyWhoIsACustomer(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.contact("Ravi Raman", priyaPhone, "") // a household shares the phone
		gone := h.contact("Old Priya", "", "old@example.com")
		if err := h.in.Merge(h.Context(), h.sam, gone.ID, h.priya.ID); err != nil {
			t.Fatal(err)
		}
		h.settled()
		want := ""
		for n, address := range []string{priyaMail, "nobody@example.com", priyaPhone, "+14155550177", "old@example.com", priyaMail, priyaMail, priyaMail, strings.ToUpper(priyaMail)} {
			before := h.rows()["revision"][0]
			r, body := h.browser().post("/portal/enter", url.Values{"address": {address}}, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", n))
			r.Header.Del("Date")
			got := fmt.Sprint(r.StatusCode, r.Header, strings.ReplaceAll(body, address, "ADDRESS"))
			got = strings.ReplaceAll(got, strings.ReplaceAll(address, "+", "&#43;"), "ADDRESS")
			got = revs.ReplaceAllString(lengths.ReplaceAllString(got, ""), "")
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s is told apart:\n%s\nwant\n%s", address, got, want)
			}
			if h.rows()["revision"][0] == before {
				t.Errorf("%s: no write, so the time tells it apart", address)
			}
		}
		for address, most := range map[string]int{priyaMail: 3, priyaPhone: 2, "old@example.com": 1, "nobody@example.com": 0, "+14155550177": 0} {
			if n := len(h.to(address)); n > most || n == 0 && most == 2 {
				t.Errorf("%s got %d links, want at most %d", address, n, most)
			}
		}
	})
}

func TestAHouseholdsLinksOpenEachTheirOwn(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.contact("Ravi Sen", priyaPhone, "")
		if err := h.in.AskLink(h.Context(), priyaPhone); err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, o := range h.to(priyaPhone) {
			_, body := h.browser().get(h.wayIn(o))
			names[helloed.FindString(body)] = true
		}
		if len(names) != 2 || !names["Hello Priya"] || !names["Hello Ravi"] {
			t.Errorf("%v", names)
		}
	})
}

func TestSigningOutEverywhereEndsSessionsAndLinks(t *testing.T) {
	eachHouse(t, func(h *house) {
		link := h.link(priyaPhone)
		a, b := h.browser(), h.comesIn(h.priya)
		a.post(link, nil)
		thief := b.twin()
		if r, _ := b.post("/portal/signout", nil); r.StatusCode != 303 || r.Header.Get("Clear-Site-Data") != `"cache"` || !b.signedOut() || !thief.signedOut() || a.signedOut() {
			t.Errorf("signing one browser out: %d", r.StatusCode)
		}
		if r, _ := a.post("/portal/signout", url.Values{"everywhere": {"1"}}); r.StatusCode != 303 || !a.signedOut() {
			t.Errorf("signing out everywhere: %d", r.StatusCode)
		}
		if r, _ := a.post(link, nil); r.StatusCode != 410 {
			t.Errorf("the link: %d", r.StatusCode)
		}
	})
}

func TestNotMeClosesTheLinkAndTellsTheTeam(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv := h.talk(h.priya)
		h.says(conv, "Hello")
		link, b := h.link(priyaPhone), h.comesIn(h.priya)
		for range 2 {
			if r, _ := h.browser().post(link+"/not-me", nil); r.StatusCode != 200 {
				t.Errorf("not me: %d", r.StatusCode)
			}
		}
		if r, _ := h.browser().get(link); r.StatusCode != 410 || !b.signedOut() {
			t.Errorf("the link afterwards: %d", r.StatusCode)
		}
		if n := h.events(conv, "reached somebody else"); n != 1 {
			t.Errorf("the team is told %d times", n)
		}
		if r, _ := h.browser().post("/m/nonsense/not-me", nil); r.StatusCode != 200 {
			t.Errorf("of a link that is none: %d", r.StatusCode)
		}
	})
}

// events counts the events of a conversation with some words.
func (h *house) events(conv bridge.ConversationID, words string) (n int) {
	h.Helper()
	h.read(func(tx *data.Tx) error {
		ms, err := tx.Messages(conv, 0, 1000)
		for _, m := range ms {
			if m.Direction == bridge.Event && strings.Contains(m.Body, words) {
				n++
			}
		}
		return err
	})
	return n
}

func TestAnAddressThatIsSomebodyElsesOpensNothing(t *testing.T) {
	eachHouse(t, func(h *house) {
		byPhone, byMail, b := h.link(priyaPhone), h.link(priyaMail), h.comesIn(h.priya)
		phone := bridge.AddressID(0)
		h.read(func(tx *data.Tx) error {
			c, err := tx.Contact(h.priya.ID)
			phone = c.Addresses[0].ID
			return err
		})
		if err := h.in.PassAddress(h.Context(), h.sam, h.priya.ID, phone); err != nil {
			t.Fatal(err)
		}
		if r, _ := h.browser().post(byPhone, nil); r.StatusCode != 410 || !b.signedOut() {
			t.Errorf("the link that went to the number: %d", r.StatusCode)
		}
		if r, _ := h.browser().post(byMail, nil); r.StatusCode != 303 {
			t.Errorf("the link that went to the mailbox: %d", r.StatusCode)
		}
	})
}

func TestWhoeverLostAccessIsShownNothing(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv := h.talk(h.priya)
		h.says(conv, "The key is under the pot")
		h.wants(h.priya, bridge.ToldByEmail)
		h.says(conv, "Look again")
		h.later(2 * time.Minute)
		link, b := h.wayIn(h.to(priyaMail)[0]), h.comesIn(h.priya)
		if _, body := b.get(conversationPath(conv)); !strings.Contains(body, "under the pot") {
			t.Fatal("they see it while they take part")
		}
		h.write(func(tx *data.Tx) error {
			return tx.RemoveParticipant(bridge.Participant{Conversation: conv, Contact: h.priya.ID}, h.now())
		})
		for _, path := range []string{conversationPath(conv), conversationPath(conv) + "/older", "/portal", "/portal/messages", fmt.Sprintf("/portal/changes?after=1&open=%d", conv), "/portal/changes?after=1"} {
			if _, body := b.get(path); strings.Contains(body, "under the pot") || strings.Contains(body, "Look again") {
				t.Errorf("%s shows it", path)
			}
		}
		if _, body := b.get("/portal/changes?after=1"); !strings.Contains(body, `data-op="remove"`) {
			t.Errorf("an open list keeps the row: %s", body)
		}
		if r, _ := h.browser().post(link, nil); r.StatusCode != 303 || r.Header.Get("Location") != "/portal" {
			t.Errorf("the link leads to %q", r.Header.Get("Location"))
		}
		for _, do := range []string{"reply", "seen"} {
			if r, _ := b.post(conversationPath(conv)+"/"+do, url.Values{"body": {"x"}, "ids": {"1,2"}}); r.StatusCode != 404 {
				t.Errorf("%s: %d", do, r.StatusCode)
			}
		}
		h.portal(false)
		if !b.signedOut() {
			t.Error("a closed portal shows pages")
		}
		for _, path := range []string{link, "/portal/enter"} {
			if r, body := h.browser().get(path); r.StatusCode != 403 || !strings.Contains(body, "closed") {
				t.Errorf("closed, %s: %d", path, r.StatusCode)
			}
		}
	})
}

func conversationPath(id bridge.ConversationID) string { return fmt.Sprintf("/portal/c/%d", id) }

func (h *house) portal(on bool) {
	h.Helper()
	h.write(func(tx *data.Tx) error {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		now := *s
		now.PortalOn = on
		return tx.PutSettings(&now)
	})
}

func TestAMergedContactComesInAsWhoTheyAre(t *testing.T) {
	eachHouse(t, func(h *house) {
		double := h.contact("P. Raman", "+14155550136", "")
		link, b := h.link("+14155550136"), h.comesIn(double)
		h.says(h.talk(double), "Hello")
		if err := h.in.Merge(h.Context(), h.sam, double.ID, h.priya.ID); err != nil {
			t.Fatal(err)
		}
		if _, body := b.get("/portal"); !strings.Contains(body, "Hello Priya") {
			t.Errorf("their session: %s", body)
		}
		if r, _ := h.browser().post(link, nil); r.StatusCode != 303 {
			t.Errorf("their link: %d", r.StatusCode)
		}
	})
}

// TestTwoDevicesAtOnce: of two that open a link at the same moment, one is the first.
func TestTwoDevicesAtOnce(t *testing.T) {
	eachHouse(t, func(h *house) {
		link := h.link(priyaPhone)
		var all sync.WaitGroup
		codes := make([]int, 6)
		for n := range codes {
			all.Go(func() {
				r, err := h.browser().c.PostForm(h.url+link, nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Body.Close()
				codes[n] = r.StatusCode
			})
		}
		all.Wait()
		in := 0
		for _, code := range codes {
			if code == 303 {
				in++
			} else if code != 422 {
				t.Errorf("%v", codes)
			}
		}
		if in != 1 {
			t.Errorf("%d of them came in: %v", in, codes)
		}
	})
}

func TestFormsOfOtherSitesOpenNoDoorOfThePortal(t *testing.T) {
	h := newHouse(t, data.Options{Path: t.TempDir() + "/p.db"})
	conv := h.talk(h.priya)
	h.says(conv, "Hello")
	link, b := h.link(priyaPhone), h.comesIn(h.priya)
	before := h.rows()
	for _, path := range []string{link, link + "/code", link + "/not-me", "/portal/enter", "/portal/new", "/portal/settings", "/portal/signout", conversationPath(conv) + "/reply", conversationPath(conv) + "/seen"} {
		for _, foreign := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example.com"}} {
			if r, _ := b.post(path, url.Values{"body": {"x"}, "ids": {"1"}, "address": {priyaMail}}, foreign...); r.StatusCode != 403 {
				t.Errorf("%s from %v: %d", path, foreign, r.StatusCode)
			}
		}
	}
	if after := h.rows(); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Error("they changed the store")
	}
	// A page of another site that opens the picture of a page without script as a page
	// marks nothing read.
	if r, _ := b.get(conversationPath(conv)+"/seen?upto=99", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "cross-site"); r.StatusCode != 404 || h.rows()["views"] != nil {
		t.Errorf("the picture, opened as a page: %d %v", r.StatusCode, h.rows()["views"])
	}
	if r, _ := b.get(conversationPath(conv)+"/seen?upto=99", "Sec-Fetch-Dest", "image", "Sec-Fetch-Site", "same-origin"); r.StatusCode != 200 || len(h.rows()["views"]) != 1 {
		t.Errorf("the picture: %d %v", r.StatusCode, h.rows()["views"])
	}
}

func TestAnAnswerOrATopicSentTwiceIsOne(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv, b := h.talk(h.priya), h.comesIn(h.priya)
		var project bridge.Record
		h.write(func(tx *data.Tx) (err error) {
			project, err = tx.AddRecord(bridge.Record{Type: bridge.Project, Title: "Kitchen", Reference: "7", Stage: "Construction", Contacts: []bridge.ContactID{h.priya.ID}, Staff: []bridge.StaffID{h.sam.ID}}, h.now())
			return err
		})
		h.write(func(tx *data.Tx) error {
			s, err := tx.Settings()
			if err != nil {
				return err
			}
			on := *s
			on.Use(bridge.Builder)
			return tx.PutSettings(&on)
		})
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if m, err := h.in.PortalReply(h.Context(), h.priya.ID, intake.Draft{Conversation: conv, Body: "Twice?", ClientID: "one"}); err != nil || m.ID == 0 {
					t.Errorf("%v", err)
				}
				if m, err := h.in.PortalStart(h.Context(), h.priya.ID, intake.PortalStart{Kind: bridge.KindTopic, Record: project.ID, Subject: "Tiles", Body: "Which?", ClientID: "two"}); err != nil || m.ID == 0 {
					t.Errorf("%v", err)
				}
			})
		}
		all.Wait()
		_, body := b.get("/portal/messages")
		if n := strings.Count(body, ">Tiles<"); n != 1 {
			t.Errorf("%d topics", n)
		}
		if _, body := b.get(conversationPath(conv)); strings.Count(body, `dir="auto">Twice?`) != 1 {
			t.Error("the answer stands there more than once")
		}
		// Forms without a key are messages of their own, and topics of their own.
		for range 2 {
			if _, err := h.in.PortalStart(h.Context(), h.priya.ID, intake.PortalStart{Kind: bridge.KindTopic, Record: project.ID, Subject: "Doors", Body: "Which?"}); err != nil {
				t.Fatal(err)
			}
		}
		if _, body := b.get("/portal/messages"); strings.Count(body, ">Doors<") != 2 {
			t.Errorf("two topics without a key made %d", strings.Count(body, ">Doors<"))
		}
	})
}
