package portal_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

func TestListHasTheNewestFirstAndNeverWhatIsNotForThem(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var job bridge.ConversationID
		h.write(func(tx *data.Tx) error {
			r, err := tx.AddRecord(bridge.Record{Type: bridge.Job, Reference: "1042", Title: "Boiler replacement", Contacts: []bridge.ContactID{h.priya.ID}}, h.now)
			job = bridge.ConversationID(r.ID)
			return err
		})
		id, err := h.in.Start(h.Context(), h.sam, intake.Start{Kind: bridge.KindJob, Contact: h.priya.ID, Record: bridge.RecordID(job), Body: "We come on Tuesday"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.in.Note(h.Context(), h.sam, intake.Draft{Conversation: h.conv, Body: "secretnote: she pays late"}); err != nil {
			t.Fatal(err)
		}
		priya := h.as(h.priya)
		page := priya.want(200, priya.get("/portal/messages"))
		a, b := strings.Index(page, fmt.Sprintf(`id="row-%d"`, id)), strings.Index(page, fmt.Sprintf(`id="row-%d"`, h.conv))
		if a < 0 || b < 0 || a > b {
			t.Errorf("the newest is at %d, the other at %d", a, b)
		}
		has(t, page, "Boiler replacement", "Sam: We come on Tuesday", "You: The boiler knocks", `id="p-unread" data-rev=`, "(1) Messages")
		hasNot(t, page, "secretnote", "burst pipe", "Tom")
		for _, path := range []string{"/portal", h.url(h.conv), h.url(id), "/portal/widget", "/portal/widget.json", "/portal/changes?after=0"} {
			hasNot(t, priya.want(200, priya.get(path)), "secretnote", "burst pipe", "Tom")
		}
		for _, path := range []string{h.url(h.others), h.url(h.others) + "/older?before=99", h.url(h.others) + "/seen?upto=99", "/portal/file/1", "/portal/c/x", "/portal/c/99999"} {
			priya.want(404, priya.get(path))
		}
		priya.want(404, priya.post(h.url(h.others)+"/reply", url.Values{"body": {"let me in"}}))
		if n := len(h.messages(h.others)); n != 1 {
			t.Errorf("Tom's conversation has %d messages", n)
		}
	})
}

func TestReplyIsStoredOnceAndAnErrorKeepsTheText(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya := h.as(h.priya)
		page := priya.want(200, priya.get(h.url(h.conv)))
		client := regexp.MustCompile(`name="client" value="([A-Z0-9]{20,})"`).FindStringSubmatch(page)
		if client == nil {
			t.Fatal("the form has no key")
		}
		form := url.Values{"body": {"It knocks louder"}, "client": {client[1]}}
		for range 2 {
			if w := priya.post(h.url(h.conv)+"/reply", form); w.Code != 303 || w.Header().Get("Location") != h.url(h.conv) {
				t.Errorf("%d to %s", w.Code, w.Header().Get("Location"))
			}
		}
		has(t, priya.want(200, priya.post(h.url(h.conv)+"/reply", form, "X-Fragment", "1")), `class="msg out`, "It knocks louder", `data-client="`+client[1])
		if n := len(h.messages(h.conv)); n != 2 {
			t.Errorf("%d messages", n)
		}
		long := strings.Repeat("long ", 2001)
		has(t, priya.want(422, priya.post(h.url(h.conv)+"/reply", url.Values{"body": {long}, "client": {"k2"}})), long+"</textarea>", `role="alert"`, `name="client" value="k2"`)
		has(t, priya.want(422, priya.post(h.url(h.conv)+"/reply", url.Values{"body": {" "}, "client": {"k3"}}, "X-Fragment", "1")), "Write something first.")
		h.write(func(tx *data.Tx) error { c := h.priya; c.Language = "es"; return tx.PutContact(c) })
		has(t, priya.want(422, priya.post(h.url(h.conv)+"/reply", url.Values{"client": {"k3"}}, "X-Fragment", "1")), "Escriba algo primero.")
		has(t, priya.want(200, priya.get(h.url(h.conv))), `lang="es"`, "Hoy", "Usted")
	})
}

func TestEarlierMessagesComePageByPageToTheFirst(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 119 {
			h.text("+14155550134", fmt.Sprintf("line %03d", i))
		}
		priya := h.as(h.priya)
		next := regexp.MustCompile(`data-older="([^"]+)"`).FindStringSubmatch(priya.want(200, priya.get(h.url(h.conv))))
		if next == nil {
			t.Fatal("no way back")
		}
		pages, path := 0, next[1]
		for ; path != ""; pages++ {
			w := priya.get(path, "X-Fragment", "1")
			body := priya.want(200, w)
			path = w.Header().Get("X-Older")
			if path == "" {
				has(t, body, "The boiler knocks", "line 000")
			}
		}
		if pages != 2 {
			t.Errorf("%d pages", pages)
		}
		// The same without a script.
		plain := strings.Replace(next[1], "/older?", "?", 1)
		has(t, priya.want(200, priya.get(plain)), "line 068", "Earlier messages")
	})
}

func TestOpeningReadsNothingUntilItWasInView(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.says(h.conv, "I can be with you tomorrow")
		priya := h.as(h.priya)
		read := func() (n int64) {
			t.Helper()
			if err := h.store.Read(t.Context(), func(tx *data.Tx) (err error) { n, err = tx.ContactUnread(h.priya.ID); return err }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		page := priya.want(200, priya.get(h.url(h.conv)))
		has(t, page, "data-unseen", `<li class="new">New</li>`, fmt.Sprintf(`<noscript><img class="vh" alt="" src="%s/seen?upto=%d"></noscript>`, h.url(h.conv), m.ID))
		if read() != 1 {
			t.Error("the page itself has read it")
		}
		priya.want(204, priya.post(h.url(h.conv)+"/seen", url.Values{"ids": {"999999,x," + strconv.FormatInt(int64(m.ID), 10)}}))
		if read() != 0 {
			t.Error("it was in view")
		}
		second := h.says(h.conv, "Or on Thursday")
		w := priya.get(fmt.Sprintf("%s/seen?upto=%d", h.url(h.conv), second.ID)) // the picture of a page without a script
		if priya.want(200, w); w.Header().Get("Content-Type") != "image/gif" || w.Header().Get("Cache-Control") != "no-store" || read() != 0 {
			t.Errorf("%v, %d unread", w.Header(), read())
		}
	})
}

func TestChangesAreTheReadersOwnAndSayWhenThePageIsStale(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya := h.as(h.priya)
		w := priya.get("/portal/changes?after=0")
		rev := w.Header().Get("X-Rev")
		h.text("+14155550155", "The pipe again")
		hasNot(t, priya.want(200, priya.get("/portal/changes?after="+rev)), "row-", "pipe")
		h.says(h.conv, "On my way")
		body := priya.want(200, priya.get(fmt.Sprintf("/portal/changes?after=%s&open=%d", rev, h.conv)))
		has(t, body, fmt.Sprintf(`id="row-%d"`, h.conv), "On my way", `id="p-unread"`, `id="news"`, fmt.Sprintf(`data-into="#log-%d .msgs"`, h.conv), `aria-current="page"`)
		h.write(func(tx *data.Tx) error {
			return tx.RemoveParticipant(bridge.Participant{Conversation: h.conv, Contact: h.priya.ID}, h.now)
		})
		if w := priya.get(fmt.Sprintf("/portal/changes?after=%s&open=%d", rev, h.conv)); w.Code != 205 {
			t.Errorf("taken out of it: %d %s", w.Code, w.Body)
		}
		if w := priya.get("/portal/changes?after=99999999"); w.Code != 205 {
			t.Errorf("a page of another store: %d", w.Code)
		}
	})
}

func TestStreamTellsOfOnesOwnConversationsOnly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		server := httptest.NewServer(h)
		defer server.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/portal/events", nil)
		r.AddCookie(&http.Cookie{Name: "porchlight_portal", Value: h.as(h.priya).session})
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		var seen strings.Builder
		until := func(what string) {
			t.Helper()
			for b := make([]byte, 4096); !strings.Contains(seen.String(), what); {
				n, err := w.Body.Read(b)
				if seen.Write(b[:n]); err != nil {
					t.Fatalf("%v before %q: %s", err, what, seen.String())
				}
			}
		}
		until("hello")
		seen.Reset()
		h.text("+14155550155", "not hers")
		h.says(h.conv, "hers")
		until("data: 1")
		if n := strings.Count(seen.String(), "event: changed"); n != 1 {
			t.Errorf("%d events:\n%s", n, seen.String())
		}
	})
}

func TestSettingsKeepWhatTheyChoseAndACorrectionIsAMessage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		priya := h.as(h.priya)
		has(t, priya.want(200, priya.get("/portal/settings")), "Stop everything", `id="reach"`, "&#43;1 415 555 0134", "Firefox on Linux", "This one")
		priya.want(303, priya.post("/portal/settings", url.Values{"told": {"none"}, "language": {"es"}}))
		has(t, priya.want(200, priya.get("/portal/settings?saved=1")), "Guardado.", `value="none" checked`, `lang="es"`)
		priya.want(422, priya.post("/portal/settings", url.Values{"told": {"pigeon"}}))
		for range 2 {
			priya.want(303, priya.post("/portal/reach", url.Values{"address": {"+1 (415) 555-0199"}, "client": {"k"}}))
		}
		has(t, priya.want(422, priya.post("/portal/reach", url.Values{"address": {"<b>nowhere"}, "client": {"k2"}})), "&lt;b&gt;nowhere", "Esto no es ni un correo electrónico ni un número de teléfono.")
		ms := h.messages(h.conv)
		if len(ms) != 2 || ms[1].Body != "Mi número es ahora +1 415 555 0199." || ms[1].Author.ID != int64(h.priya.ID) {
			t.Errorf("%+v", ms)
		}
		var c bridge.Contact
		if err := h.store.Read(t.Context(), func(tx *data.Tx) (err error) { c, err = tx.Contact(h.priya.ID); return err }); err != nil || len(c.Addresses) != 1 || c.Addresses[0].Value != "+14155550134" {
			t.Errorf("the address changed by itself: %+v, %v", c.Addresses, err)
		}
	})
}
