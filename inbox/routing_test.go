package inbox_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// saidIn gives the messages of a conversation with their deliveries.
func (h *house) saidIn(conv bridge.ConversationID) (ms []bridge.Message) {
	h.Helper()
	h.read(func(tx *data.Tx) (err error) {
		ms, err = tx.WrittenMessages(conv, 0, 1000)
		return err
	})
	return ms
}

func TestS1_3_15_22_WhatACustomerWritesInThePortalIsOneMessageAndATextToThePhonesOnDuty(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv, b := h.talk(h.priya), h.comesIn(h.priya)
		for range 2 {
			if r, body := b.post(conversationPath(conv)+"/reply", url.Values{"body": {"The tap drips again"}, "client": {"k1"}}, "X-Fragment", "1"); r.StatusCode != 200 || !strings.Contains(body, "The tap drips again") {
				t.Fatalf("reply: %d %s", r.StatusCode, body)
			}
		}
		ms := h.saidIn(conv)
		if len(ms) != 1 || ms[0].Direction != bridge.In || ms[0].Channel != bridge.Portal || len(ms[0].Deliveries) != 1 {
			t.Fatalf("%+v", ms)
		}
		d := ms[0].Deliveries[0]
		if d.Purpose != bridge.ForAlert || d.To != dutyPhone || !d.CreatedAt.Equal(ms[0].At) {
			t.Errorf("%+v", d)
		}
		alerts := h.to(dutyPhone)
		if len(alerts) != 1 || !strings.Contains(alerts[0].Body, "The tap drips again") || !strings.Contains(alerts[0].Body, fmt.Sprintf("/inbox/c/%d", conv)) || strings.Contains(alerts[0].Body, "/m/") {
			t.Errorf("%+v", alerts)
		}
		if _, body := h.signedIn("sam@example.com").get("/inbox"); !strings.Contains(body, "The tap drips again") {
			t.Error("the inbox does not show it")
		}
		// The phone on duty is nobody's business outside, also where its text failed.
		h.post.mu.Lock()
		h.post.fault = []bridge.Outcome{{Kind: bridge.Refused, Code: "30003"}}
		h.post.mu.Unlock()
		b.post(conversationPath(conv)+"/reply", url.Values{"body": {"Hello?"}, "client": {"k2"}})
		h.settled()
		for _, path := range []string{conversationPath(conv), "/portal", "/portal/changes?after=1"} {
			if _, body := b.get(path); strings.Contains(body, "0199") || strings.Contains(body, "could not") {
				t.Errorf("%s shows the phone on duty or its failure", path)
			}
		}
	})
}

func TestS1_4_11_14_16_AnAnswerStandsInThePortalAndLeavesByText(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.text("Is anyone there?")
		conv, b := h.conv, h.comesIn(h.priya)
		said := h.says(conv, "We come at eight")
		if texts := h.to(priyaPhone); !slices.ContainsFunc(texts, func(o bridge.Outgoing) bool { return o.Body == "We come at eight" }) {
			t.Errorf("%+v", texts)
		}
		_, body := b.get("/portal")
		if !strings.Contains(body, "1 new message") || !strings.Contains(body, "We come at eight") || strings.Contains(body, "Ortiz") {
			t.Errorf("home: %s", body)
		}
		_, body = b.get(conversationPath(conv))
		if !strings.Contains(body, "Is anyone there?") || !strings.Contains(body, "We come at eight") || !strings.Contains(body, "Sam") {
			t.Errorf("conversation: %s", body)
		}
		if _, body := b.get("/portal"); !strings.Contains(body, "1 new message") {
			t.Error("opening the page made it read: only what was in view is")
		}
		for _, ids := range []string{"", "x", "99999", "-1", "0," + strings.Repeat("7,", 5000)} { // nothing of theirs
			if r, _ := b.post(conversationPath(conv)+"/seen", url.Values{"ids": {ids}}); r.StatusCode != 204 {
				t.Errorf("seen %.10s: %d", ids, r.StatusCode)
			}
		}
		if _, body := b.get("/portal"); !strings.Contains(body, "1 new message") {
			t.Error("ids of nothing made it read")
		}
		b.post(conversationPath(conv)+"/seen", url.Values{"ids": {fmt.Sprint(said.ID)}})
		if _, body := b.get("/portal"); !strings.Contains(body, "No new messages") {
			t.Error("what was in view is still new")
		}
		for _, m := range h.saidIn(conv) {
			for _, v := range m.Views {
				if m.ID != said.ID || v.Contact != h.priya.ID || v.ReadAt.Before(v.DeliveredAt) {
					t.Errorf("%+v", v)
				}
			}
		}
	})
}

func TestEachContactIsToldAsTheyWishAndAsItCanArrive(t *testing.T) {
	eachHouse(t, func(h *house) {
		n := 0
		for _, tc := range []struct {
			name          string
			wish          bridge.Told
			phone, mail   bool
			stop, bounced bool
			texts, mails  int
		}{
			{"as the kind says", bridge.ToldByKind, true, true, false, false, 1, 0},
			{"by text", bridge.ToldByText, true, true, false, false, 1, 0},
			{"by email", bridge.ToldByEmail, true, true, false, false, 0, 1},
			{"both", bridge.ToldByBoth, true, true, false, false, 1, 1},
			{"nothing", bridge.ToldNothing, true, true, false, false, 0, 0},
			{"no phone", bridge.ToldByKind, false, true, false, false, 0, 1},
			{"no phone, wants texts", bridge.ToldByText, false, true, false, false, 0, 1},
			{"STOP", bridge.ToldByKind, true, true, true, false, 0, 1},
			{"a bounced mailbox", bridge.ToldByEmail, true, true, false, true, 1, 0},
			{"both, bounced", bridge.ToldByBoth, true, true, false, true, 1, 0},
			{"no mailbox", bridge.ToldByBoth, true, false, false, false, 1, 0},
		} {
			n++
			phone, mail := "", ""
			if tc.phone {
				phone = fmt.Sprintf("+1415555%04d", 2000+n)
			}
			if tc.mail {
				mail = fmt.Sprintf("c%d@example.com", n)
			}
			c := h.contact(fmt.Sprint("Contact ", n), phone, mail)
			h.wants(c, tc.wish)
			h.write(func(tx *data.Tx) error {
				if tc.bounced {
					return tx.SetAddressProblem(bridge.Email, mail, "There is no such mailbox")
				}
				if tc.stop {
					return tx.AddConsent(data.Consent{Line: 1, Channel: bridge.SMS, Value: phone, Out: true, Source: "keyword", At: h.now()})
				}
				return nil
			})
			h.says(h.talk(c), "We come at eight")
			h.later(2 * time.Minute)
			texts, mails := 0, 0
			if phone != "" {
				texts = len(h.to(phone))
			}
			if mail != "" {
				mails = len(h.to(mail))
			}
			if texts != tc.texts || mails != tc.mails {
				t.Errorf("%s: %d texts and %d mails, want %d and %d", tc.name, texts, mails, tc.texts, tc.mails)
			}
		}
	})
}

func TestS3_22_26_EveryContactOfAConversationHearsOfIt(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv := h.talk(h.priya)
		ravi, ada := h.contact("Ravi Sen", "+14155550151", ""), h.contact("Ada Quill", "", "ada@example.com")
		h.write(func(tx *data.Tx) error {
			for _, c := range []bridge.Contact{ravi, ada} {
				if err := tx.AddParticipant(bridge.Participant{Conversation: conv, Contact: c.ID, AddedAt: h.now()}); err != nil {
					return err
				}
			}
			return nil
		})
		h.says(conv, "The key is under the pot")
		h.later(2 * time.Minute)
		if got := h.to(priyaPhone); len(got) != 1 || got[0].Body != "The key is under the pot" {
			t.Errorf("the contact: %+v", got)
		}
		got := h.to("+14155550151")
		if len(got) != 1 || strings.Contains(got[0].Body, "pot") || !strings.Contains(got[0].Body, "Sam wrote to you") {
			t.Fatalf("another, by text: %+v", got)
		}
		r, _ := h.browser().post(h.wayIn(got[0]), nil)
		if r.Header.Get("Location") != conversationPath(conv) {
			t.Errorf("the link leads to %q", r.Header.Get("Location"))
		}
		mails := h.to("ada@example.com")
		if len(mails) != 1 || len(mails[0].Notice.Messages) != 1 || mails[0].Notice.Messages[0].Author != "Sam" {
			t.Errorf("another, by mail: %+v", mails)
		}
		// What one of them writes reaches the others, not the writer.
		if _, err := h.in.PortalReply(h.Context(), ravi.ID, intake.Draft{Conversation: conv, Body: "Found it"}); err != nil {
			t.Fatal(err)
		}
		h.later(2 * time.Minute)
		if len(h.to("+14155550151")) != 1 || len(h.to("ada@example.com")) != 2 || len(h.to(priyaPhone)) != 2 {
			t.Errorf("%d %d %d", len(h.to("+14155550151")), len(h.to("ada@example.com")), len(h.to(priyaPhone)))
		}
	})
}

// mails gives what left for her mailbox, as the words of each mail.
func (h *house) mails() (out []string) {
	h.Helper()
	for _, o := range h.to(priyaMail) {
		words := ""
		for _, m := range o.Notice.Messages {
			words += m.Body + ";"
		}
		out = append(out, words)
	}
	return out
}

func TestS2_3_4_SeveralMessagesMakeOneMail(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.wants(h.priya, bridge.ToldByEmail)
		conv := h.talk(h.priya)
		want := func(what string, mails ...string) {
			t.Helper()
			if got := h.mails(); !slices.Equal(got, mails) {
				t.Errorf("%s: %q, want %q", what, got, mails)
			}
		}
		h.says(conv, "a")
		want("at once")
		h.later(40 * time.Second)
		h.says(conv, "b")
		h.later(40 * time.Second)
		want("80 s after the first, 40 after the second")
		h.later(30 * time.Second)
		want("a minute after the second", "a;b;")
		// A team that writes on and on does not put it off for ever.
		for n := range 7 {
			h.says(conv, fmt.Sprint(n))
			h.later(45 * time.Second)
		}
		if got := h.mails(); len(got) != 2 || !strings.HasPrefix(got[1], "0;1;2;3;4;5;") {
			t.Errorf("after five minutes: %q", got)
		}
		h.later(2 * time.Minute)
		h.settled()
		for _, m := range h.saidIn(conv) {
			if len(m.Deliveries) != 1 || m.Deliveries[0].State != bridge.Sent {
				t.Errorf("%s: %+v", m.Body, m.Deliveries)
			}
		}
	})
}

func TestAMailIsNotSentOfWhatIsNotWantedAnyMore(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.wants(h.priya, bridge.ToldByEmail)
		conv := h.talk(h.priya)
		a, b := h.says(conv, "a"), h.says(conv, "b")
		see := func(ids ...bridge.MessageID) {
			t.Helper()
			if err := h.in.HaveInView(t.Context(), h.priya.ID, conv, ids); err != nil {
				t.Fatal(err)
			}
		}
		see(a.ID)
		h.later(2 * time.Minute)
		if got := h.mails(); len(got) != 1 || got[0] != "b;" {
			t.Errorf("one of two was read: %q", got)
		}
		c, d := h.says(conv, "c"), h.says(conv, "d")
		see(b.ID, c.ID, d.ID)
		h.later(2 * time.Minute)
		if got := h.mails(); len(got) != 1 {
			t.Errorf("all was read: %q", got)
		}
		for _, m := range h.saidIn(conv)[2:] {
			if m.Deliveries[0].State != bridge.Canceled {
				t.Errorf("%s: %+v", m.Body, m.Deliveries[0])
			}
		}
		h.says(conv, "e")
		h.wants(h.priya, bridge.ToldNothing)
		h.later(2 * time.Minute)
		h.settled()
		h.wants(h.priya, bridge.ToldByEmail)
		h.says(conv, "f")
		h.portal(false) // for a while: it waits
		h.later(2 * time.Minute)
		if got := h.mails(); len(got) != 1 {
			t.Errorf("no mails are wanted: %q", got)
		}
		h.portal(true)
		h.later(10 * time.Minute)
		if got := h.mails(); len(got) != 2 || got[1] != "f;" {
			t.Errorf("the portal is on again: %q", got)
		}
		h.says(conv, "g")
		h.write(func(tx *data.Tx) error {
			return tx.RemoveParticipant(bridge.Participant{Conversation: conv, Contact: h.priya.ID}, h.now())
		})
		h.later(2 * time.Minute)
		if got := h.mails(); len(got) != 2 {
			t.Errorf("they were taken out: %q", got)
		}
	})
}

// TestAMailThatIsTriedAgainIsOneMail: what it carries follows it, and never leaves
// by itself.
func TestAMailThatIsTriedAgainIsOneMail(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.wants(h.priya, bridge.ToldByEmail)
		conv := h.talk(h.priya)
		h.says(conv, "a")
		h.says(conv, "b")
		h.post.mu.Lock()
		h.post.fault = []bridge.Outcome{{Kind: bridge.Retry, Code: "421"}, {Kind: bridge.Retry, Code: "421"}, {Kind: bridge.Refused, Code: "550"}}
		h.post.mu.Unlock()
		for range 6 {
			h.later(70 * time.Second)
			h.settled()
		}
		got := h.mails()
		if len(got) != 3 || got[0] != "a;b;" || got[1] != got[0] || got[2] != got[0] {
			t.Errorf("three attempts were %q", got)
		}
		links := map[string]bool{}
		for _, o := range h.to(priyaMail) {
			links[h.wayIn(o)] = true
		}
		if len(links) != 3 {
			t.Errorf("%d links in three attempts", len(links))
		}
		for _, m := range h.saidIn(conv) {
			if m.Deliveries[0].State != bridge.Failed {
				t.Errorf("%s: %+v", m.Body, m.Deliveries[0])
			}
		}
	})
}

func TestTwoContactsWithOneMailboxEachGetTheirMail(t *testing.T) {
	eachHouse(t, func(h *house) {
		conv := h.talk(h.priya)
		ravi := h.contact("Ravi Sen", "", priyaMail)
		h.wants(h.priya, bridge.ToldByEmail)
		h.write(func(tx *data.Tx) error {
			return tx.AddParticipant(bridge.Participant{Conversation: conv, Contact: ravi.ID, AddedAt: h.now()})
		})
		h.says(conv, "a")
		h.later(2 * time.Minute)
		h.settled()
		h.later(2 * time.Minute)
		names := map[string]bool{}
		for _, o := range h.to(priyaMail) {
			names[o.Notice.To] = true
		}
		if len(names) != 2 {
			t.Errorf("%v", names)
		}
	})
}

func TestAMergeTakesAlongWhatWaitsAndWhatWasSeen(t *testing.T) {
	eachHouse(t, func(h *house) {
		double := h.contact("P. Raman", "", "p@example.com")
		conv := h.talk(double)
		seen := h.says(conv, "a")
		h.comesIn(double)
		if err := h.in.HaveInView(t.Context(), double.ID, conv, []bridge.MessageID{seen.ID}); err != nil {
			t.Fatal(err)
		}
		h.says(conv, "b")
		if err := h.in.Merge(t.Context(), h.sam, double.ID, h.priya.ID); err != nil {
			t.Fatal(err)
		}
		h.later(2 * time.Minute)
		mails := h.to("p@example.com")
		if last := mails[len(mails)-1]; last.Notice == nil || len(last.Notice.Messages) != 1 || last.Notice.Messages[0].Body != "b" {
			t.Errorf("%+v", last)
		}
		h.read(func(tx *data.Tx) error {
			if n, err := tx.ContactUnread(h.priya.ID); n != 1 || err != nil {
				t.Errorf("%d unread after the merge, want 1 (%v)", n, err)
			}
			return nil
		})
	})
}

// TestTheStreamIsSilentOfOthersBusiness: not one query, and not one event.
func TestTheStreamIsSilentOfOthersBusiness(t *testing.T) {
	h := newHouse(t, data.Options{Path: t.TempDir() + "/p.db"})
	ada := h.contact("Ada Quill", "+14155550161", "")
	conv, others, b := h.talk(h.priya), h.talk(ada), h.comesIn(h.priya)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	resp, err := b.c.Do(must(http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/portal/events", nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := make(chan string, 100)
	go func() {
		defer close(events)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				events <- id
			} else if strings.Contains(lines.Text(), "Secret") {
				t.Errorf("the stream says %q", lines.Text())
			}
		}
	}()
	next := func() string {
		t.Helper()
		select {
		case id, open := <-events:
			if !open {
				return "end"
			}
			return id
		case <-ctx.Done():
			t.Fatal("no event")
		}
		return ""
	}
	next() // hello
	rev := func() (n int64) {
		h.read(func(tx *data.Tx) error { n = tx.Rev(); return nil })
		return n
	}
	quiet := func(what string) { // the next event is of a later commit of hers
		t.Helper()
		h.settled()
		after := rev()
		h.says(conv, "Yours")
		var id int64
		if fmt.Sscan(next(), &id); id <= after {
			t.Errorf("%s: an event of revision %d, when all was done by %d", what, id, after)
		}
		h.settled()
		time.Sleep(50 * time.Millisecond)
		for len(events) > 0 {
			<-events
		}
	}
	for range 5 {
		h.says(others, "Secret")
	}
	quiet("somebody else's conversation")
	h.write(func(tx *data.Tx) error {
		return tx.AddParticipant(bridge.Participant{Conversation: others, Contact: h.priya.ID, AddedAt: h.now()})
	})
	next()
	h.write(func(tx *data.Tx) error {
		return tx.RemoveParticipant(bridge.Participant{Conversation: others, Contact: h.priya.ID}, h.now())
	})
	next()
	h.says(others, "Secret")
	quiet("one that she was taken out of")
	b.post("/portal/signout", nil)
	h.says(conv, "Yours")
	for next() != "end" {
	}
}
