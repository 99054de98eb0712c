package inbox_test

import (
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

// inOrder fails unless all words stand in text, one after the other.
func inOrder(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		i := strings.Index(text, w)
		if i < 0 {
			t.Fatalf("%q does not stand where it belongs, of %q", w, words)
		}
		text = text[i+len(w):]
	}
}

func TestS3_6_7_8_9_TheListIsNewestFirstWithUnreadAndPreview(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		later := f.person("Tom Becker", bridge.Customer, "+14155550131")
		if _, err := f.in.Receive(t.Context(), bridge.Inbound{CarrierID: "SMrules000000000000000000000000001", Channel: bridge.SMS, From: "+14155550131", To: "+14155550100",
			Body: "Water through the ceiling", At: time.Now().Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
		_, body := f.signedIn("sam@example.com").get("/inbox")
		inOrder(t, body, `<ul class="rows"`, `data-unread="1"`, later.Name, "Water through the ceiling", `data-unread="1"`, "Is anyone there?")
	})
}

func TestS0_12_13_32_33_TheThreadIsInOrderWithTheInputAtItsEnd(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.text("And the second thing")
	_, body := f.signedIn("sam@example.com").get("/inbox/c/1")
	inOrder(t, body, `class="log`, `class="day">Today`, "Is anyone there?", "And the second thing", `<form class="composer"`, "<textarea", `class="btn primary send"`)
	if at := regexp.MustCompile(`<time datetime="[^"]+" title="[^"]+">(\d\d:\d\d)</time>`).FindString(body); at == "" {
		t.Error("a message of today does not show its time alone")
	}
}

func TestS3_20_21_TheFullViewShowsSenderDateTimeAndContent(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	_, body := f.signedIn("sam@example.com").get("/inbox/c/1")
	bubble := regexp.MustCompile(`(?s)<li class="msg in" .*?</li>`).FindString(body)
	full := time.Now().UTC().Format("2 January 2006")
	for _, want := range []string{"1 415 555 0134", "Is anyone there?", `<time datetime="`, full} {
		if !strings.Contains(bubble, want) {
			t.Errorf("%q is not in %s", want, bubble)
		}
	}
}

func TestS2_15_18_TheHeaderHasTheMessagesAndTheBoxASendButton(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	for _, path := range []string{"/inbox", "/people", "/settings"} {
		_, body := b.get(path)
		inOrder(t, body, `aria-label="Main"`, `href="/inbox"`, "Inbox")
	}
	_, body := b.get("/inbox/c/1")
	inOrder(t, body, `class="btn primary send"`, "Send")
}

func TestS3_1_2_3_5_10_40_41_ATopicIsComposedWithASubjectAndHelpForIt(t *testing.T) {
	each(t, func(t *testing.T, f *office) {
		f.settings(func(s *bridge.Settings) { s.Use(bridge.Builder); s.PortalOn = true })
		c := f.person("Rosa Diaz", bridge.Customer, "+14155550177")
		title, ref, stage, kind := "House on Elm Street", "E7", "Construction", "Standard"
		p, err := f.in.AddRecord(t.Context(), f.sam, intake.RecordChange{Type: bridge.Project, Reference: &ref, Title: &title, Stage: &stage, ProjectType: &kind,
			Contacts: &[]bridge.ContactID{c.ID}, Staff: &[]bridge.StaffID{f.sam.ID}})
		if err != nil {
			t.Fatal(err)
		}
		b := f.signedIn("sam@example.com")
		q := url.Values{"kind": {"topic"}, "contact": {itoa(c.ID)}, "record": {itoa(p.ID)}}
		_, body := b.get("/inbox/new?" + q.Encode())
		inOrder(t, body, `name="subject"`, "such as: Kitchen tiles", `name="body"`, "Send")
		q.Set("body", "Which ones do you like?")
		if r, body := b.post("/inbox/new", q); r.StatusCode != 422 || !strings.Contains(body, "It needs a subject") || !strings.Contains(body, "Which ones do you like?") {
			t.Errorf("without a subject: %d", r.StatusCode)
		}
		q.Set("subject", "Kitchen tiles")
		if r, _ := b.post("/inbox/new", q); r.StatusCode != 303 {
			t.Errorf("with a subject: %d", r.StatusCode)
		}
		q.Set("subject", "Start date")
		b.post("/inbox/new", q)
		_, body = b.get("/inbox?view=projects")
		inOrder(t, body, "Start date · Project #E7", "Kitchen tiles · Project #E7")
	})
}

func itoa[T ~int64](id T) string { return strconv.FormatInt(int64(id), 10) }
