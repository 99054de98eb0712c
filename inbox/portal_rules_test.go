package inbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// What the product documents say of the portal, from the customer's browser to the
// carriers and back.

// writes is a form of the portal that is taken.
func (b *browser) writes(conv bridge.ConversationID, body string) {
	b.Helper()
	if r, page := b.post(conversationPath(conv)+"/reply", url.Values{"body": {body}}); r.StatusCode != 303 {
		b.Fatalf("%d: %s", r.StatusCode, page)
	}
}

// shows fails for a text that a page does not have.
func (b *browser) shows(path string, texts ...string) string {
	b.Helper()
	r, page := b.get(path)
	if r.StatusCode != 200 {
		b.Fatalf("%s: %d", path, r.StatusCode)
	}
	for _, text := range texts {
		if !strings.Contains(page, text) {
			b.Errorf("%s does not show %q:\n%s", path, text, page)
		}
	}
	return page
}

func TestS1_2_8_14_15_TheRoutingTableHolds(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv, b := h.talk(h.priya), h.comesIn(h.priya)
		// Customer sends: the inbox, flagged as new, and a text.
		b.writes(conv, "The gauge shows 0.2")
		duty := h.to(dutyPhone)
		if len(duty) != 1 || !strings.Contains(duty[0].Body, "The gauge shows 0.2") || duty[0].From == dutyPhone {
			t.Fatalf("%+v", duty)
		}
		h.read(func(tx *data.Tx) error {
			c, err := tx.Conversation(h.sam, conv)
			if err == nil && (c.Unread != 1 || c.State != bridge.Open || c.Preview != "The gauge shows 0.2") {
				t.Errorf("%+v", c)
			}
			return err
		})
		// Staff reply: the portal, and the customer's phone from the business number.
		h.says(conv, "We come at eight")
		texts := h.to(priyaPhone)
		if last := texts[len(texts)-1]; last.Body != "We come at eight" || last.From != duty[0].From {
			t.Errorf("%+v", last)
		}
		b.shows(conversationPath(conv), "We come at eight", "The gauge shows 0.2")
	})
}

func TestS1_11_UnreadIsCountedInTheNavigationTheTitleAndTheWidget(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv, b := h.talk(h.priya), h.comesIn(h.priya)
		h.says(conv, "One")
		m := h.says(conv, "Two")
		page := b.shows("/portal", "2 new messages", "(2) Home")
		if !strings.Contains(page, `id="p-unread"`) {
			t.Error("no badge")
		}
		if err := h.in.HaveInView(h.Context(), h.priya.ID, conv, []bridge.MessageID{m.ID, m.ID - 1}); err != nil {
			t.Fatal(err)
		}
		if page := b.shows("/portal", "No new messages"); strings.Contains(page, "<title>(") {
			t.Error("the title still counts")
		}
	})
}

func TestS1_24_TheFailureIsShownInThePortal(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv, b := h.talk(h.priya), h.comesIn(h.priya)
		h.settled()
		h.post.mu.Lock()
		h.post.fault = []bridge.Outcome{{Kind: bridge.Refused, Code: "21211"}}
		h.post.mu.Unlock()
		h.says(conv, "We come at eight")
		h.settled()
		page := b.shows(conversationPath(conv), "We come at eight", "We could not text you this at •••0134.", "/portal/settings#reach")
		if strings.Contains(page, priyaPhone) {
			t.Error("the whole number stands there")
		}
	})
}

func TestS1_25_CustomersCannotDelete(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv, b := h.talk(h.priya), h.comesIn(h.priya)
		b.writes(conv, "A word that stays")
		for _, path := range []string{conversationPath(conv), conversationPath(conv) + "/reply", "/portal/messages"} {
			for _, method := range []string{http.MethodDelete, http.MethodPut, http.MethodPatch} {
				q := must(http.NewRequest(method, b.url+path, nil))
				r := must(b.c.Do(q))
				r.Body.Close()
				if r.StatusCode < 400 {
					t.Errorf("%s %s: %d", method, path, r.StatusCode)
				}
			}
		}
		page := strings.ToLower(b.shows(conversationPath(conv), "A word that stays"))
		for _, word := range []string{"delete", "remove this message", "edit this message"} {
			if strings.Contains(page, word) {
				t.Errorf("the page says %q", word)
			}
		}
	})
}

func TestS4_17_18_TheClientFollowsTheLinkAndAnswersInThePortal(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.write(func(tx *data.Tx) error {
			_, err := tx.AddRecord(bridge.Record{Type: bridge.Job, Reference: "1042", Title: "Boiler replacement", Contacts: []bridge.ContactID{h.priya.ID}, Staff: []bridge.StaffID{h.sam.ID}}, h.now())
			return err
		})
		var job bridge.Record
		h.read(func(tx *data.Tx) error {
			rs, err := tx.RecordsOf(h.priya.ID, 1)
			job = rs[0]
			return err
		})
		conv, err := h.in.Start(h.Context(), h.sam, intake.Start{Kind: bridge.KindJob, Contact: h.priya.ID, Record: job.ID, Body: "The boiler is in stock", ClientID: "first"})
		if err != nil {
			t.Fatal(err)
		}
		h.later(2 * time.Minute)
		mails := h.to(priyaMail)
		if len(mails) != 1 || !strings.Contains(spoken(mails[0]), "The boiler is in stock") {
			t.Fatalf("%+v", mails)
		}
		b := h.browser()
		if r, _ := b.post(h.wayIn(mails[0]), nil); r.Header.Get("Location") != conversationPath(conv) {
			t.Fatalf("it leads to %s", r.Header.Get("Location"))
		}
		b.writes(conv, "Monday is fine")
		r, page := h.signedIn("sam@example.com").get(fmt.Sprintf("/inbox/c/%d", conv))
		if r.StatusCode != 200 || !strings.Contains(page, "Monday is fine") {
			t.Errorf("%d", r.StatusCode)
		}
	})
}

func TestS2_4_WhoAnswersHasToComeInFirst(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv := h.talk(h.priya)
		stranger := h.browser()
		if r, _ := stranger.get(conversationPath(conv)); r.StatusCode != 303 || !strings.HasPrefix(r.Header.Get("Location"), "/portal/enter") {
			t.Errorf("%d to %s", r.StatusCode, r.Header.Get("Location"))
		}
		if r, _ := stranger.post(conversationPath(conv)+"/reply", url.Values{"body": {"Hello"}}); r.StatusCode != 401 {
			t.Errorf("%d", r.StatusCode)
		}
	})
}

func TestS3_22_AMessageIsReadWhenItIsInViewAndNotBefore(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv, b := h.talk(h.priya), h.comesIn(h.priya)
		m := h.says(conv, "One")
		read := func() (is bool) {
			h.read(func(tx *data.Tx) error {
				now, err := tx.Message(m.ID)
				for _, v := range now.Views {
					is = is || v.Contact == h.priya.ID && !v.ReadAt.IsZero()
				}
				return err
			})
			return is
		}
		b.shows(conversationPath(conv), "One")
		if read() {
			t.Error("the page alone made it read")
		}
		if r, _ := b.post(conversationPath(conv)+"/seen", url.Values{"ids": {fmt.Sprint(m.ID)}}); r.StatusCode != 204 || !read() {
			t.Errorf("%d, read: %t", r.StatusCode, read())
		}
	})
}

func TestS3_15_WhatIsUnreadIsMarkedInTheListAndTheNavigation(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv, b := h.talk(h.priya), h.comesIn(h.priya)
		h.says(conv, "One")
		b.shows("/portal/messages", fmt.Sprintf(`id="row-%d"`, conv), `data-unread="1"`, `id="p-unread"`)
	})
}
