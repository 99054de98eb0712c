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
	"porchlight/data"
)

// The rules of the product documents that the main job reaches, each by its
// number in SPEC section 12. What a rule says of the portal comes with the portal.

func TestS1_1_ACustomersTextReachesTheWholeTeam(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	maya := f.hireOne("Maya Quinn", bridge.Admin)
	for _, email := range []string{"sam@example.com", maya.Email} {
		if _, body := f.signedIn(email).get("/inbox"); !strings.Contains(body, "Is anyone there?") || !strings.Contains(body, "badge count") {
			t.Errorf("%s does not see the new text as unread", email)
		}
	}
}

func (f *office) hireOne(name string, role bridge.Role) (p bridge.Staff) {
	f.Helper()
	err := f.store.Write(f.Context(), func(tx *data.Tx) (err error) {
		hash, err := tx.Password(f.sam.ID)
		if err != nil {
			return err
		}
		email := strings.ToLower(strings.Fields(name)[0]) + "@example.com"
		p, err = tx.AddStaff(bridge.Staff{Name: name, Email: email, Role: role}, hash, time.Now().Add(-time.Hour))
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return p
}

func TestS1_5_TextsAreKeptInOneStoreAndNotOnAPhone(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.text("second")
	if _, body := f.signedIn("sam@example.com").get(fmt.Sprintf("/inbox/c/%d", f.conv)); !strings.Contains(body, "Is anyone there?") || !strings.Contains(body, "second") {
		t.Error("the conversation does not have both texts")
	}
}

func TestS1_6_EveryTextIsAttachedToItsContact(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	f.text("second")
	err := f.store.Read(t.Context(), func(tx *data.Tx) error {
		a, err := tx.AddressesOf(bridge.SMS, "+14155550134")
		if err != nil || len(a) != 1 {
			t.Fatalf("contacts of the number: %v %v", a, err)
		}
		ms, err := tx.Messages(f.conv, 0, 10)
		for _, m := range ms {
			if m.Author.Kind != bridge.ByContact || bridge.ContactID(m.Author.ID) != a[0].Contact {
				t.Errorf("%q is by %+v", m.Body, m.Author)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestS1_7_EachMessageShowsItsSenderAndTime(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	b.post(b.page("/reply"), url.Values{"body": {"On my way"}, "channel": {"sms"}})
	_, body := b.get(b.page(""))
	bubbles := regexp.MustCompile(`(?s)<li class="msg (in|out)" id="m-.*?</li>`).FindAllString(body, -1)
	if len(bubbles) != 2 {
		t.Fatalf("%d bubbles", len(bubbles))
	}
	for i, who := range []string{"1 415 555 0134", "Sam Ortiz"} {
		if !strings.Contains(bubbles[i], who) || !strings.Contains(bubbles[i], "<time datetime=") {
			t.Errorf("bubble %d: %s", i, bubbles[i])
		}
	}
}

func TestS1_12_HistoryScrollsBackToTheFirstMessage(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	for i := range 120 {
		f.text(fmt.Sprintf("text number %d.", i))
	}
	b := f.signedIn("sam@example.com")
	_, body := b.get(b.page(""))
	older := regexp.MustCompile(`data-older="([^"]+)"`).FindStringSubmatch(body)
	if older == nil {
		t.Fatal("no way to older messages")
	}
	seen, next := strings.Count(body, "text number "), older[1]
	for pages := 0; next != "" && pages < 10; pages++ {
		r, part := b.get(next)
		seen += strings.Count(part, "text number ")
		body, next = part, r.Header.Get("X-Older")
	}
	if seen < 120 || !strings.Contains(body, "Is anyone there?") {
		t.Errorf("%d of 120 texts on the way to the first", seen)
	}
}

func TestS1_17_18_19_NothingIsUpdatedOrDeleted(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	messages := fmt.Sprintf("/api/v1/conversations/%d/messages", f.conv)
	for _, method := range []string{http.MethodDelete, http.MethodPut, http.MethodPatch} {
		for _, path := range []string{b.page(""), "/inbox/m/1", messages, messages + "/1", fmt.Sprintf("/api/v1/conversations/%d", f.conv)} {
			r := must(http.NewRequest(method, f.url+path, nil))
			r.Header.Set("Authorization", "Bearer "+f.samKey)
			if resp, _ := b.do(r); resp.StatusCode != 404 && resp.StatusCode != 405 {
				t.Errorf("%s %s: %d", method, path, resp.StatusCode)
			}
		}
	}
	if f.count("Is anyone there?") != 1 {
		t.Error("the message is gone")
	}
	if _, body := b.get(b.page("")); strings.Contains(strings.ToLower(body), "delete") {
		t.Error("the page offers to delete")
	}
}

func TestS1_21_22_AnswersLeaveFromTheBusinessNumber(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	b.post(b.page("/reply"), url.Values{"body": {"On my way"}, "channel": {"sms"}})
	err := f.store.Write(t.Context(), func(tx *data.Tx) error {
		claims, err := tx.ClaimDue(bridge.SMS, time.Now(), time.Minute, 10)
		if err != nil || len(claims) != 1 || claims[0].From != "+14155550100" || claims[0].To != "+14155550134" || claims[0].Body != "On my way" {
			t.Errorf("%+v %v", claims, err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestS1_23_AFailedDeliveryIsRedInListAndConversation(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	b := f.signedIn("sam@example.com")
	b.post(b.page("/reply"), url.Values{"body": {"On my way"}, "channel": {"sms"}})
	err := f.store.Write(t.Context(), func(tx *data.Tx) error {
		claims, err := tx.ClaimDue(bridge.SMS, time.Now(), time.Minute, 10)
		if err != nil {
			return err
		}
		d := claims[0].Delivery
		d.State, d.Code = bridge.Undelivered, "30006"
		return tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{b.page(""), "/inbox?view=attention"} {
		if _, body := b.get(path); !strings.Contains(body, "Not delivered") {
			t.Errorf("%s does not say that it failed", path)
		}
	}
	_, body := b.get(b.page(""))
	for _, say := range []string{"Landline", "30006", "Dealt with", "tel:"} {
		if !strings.Contains(body, say) {
			t.Errorf("the failure does not say %q", say)
		}
	}
	if strings.Contains(body, "/retry") {
		t.Error("a landline is offered another try")
	}
}

func TestS1_26_27_AnyColleagueMayAnswerAndAllSeeIt(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	maya := f.signedIn(f.hireOne("Maya Quinn", bridge.Admin).Email)
	maya.post(maya.page("/reply"), url.Values{"body": {"Maya here"}, "channel": {"sms"}})
	if _, body := f.signedIn("sam@example.com").get(maya.page("")); !strings.Contains(body, "Maya here") || !strings.Contains(body, "Maya Quinn") {
		t.Error("the owner does not see what the office answered")
	}
}

func TestTheListSaysWhoWroteLast(t *testing.T) {
	f := newOffice(t, data.Options{Path: t.TempDir() + "/p.db"})
	sam, maya := f.signedIn("sam@example.com"), f.signedIn(f.hireOne("Maya Quinn", bridge.Admin).Email)
	maya.post(maya.page("/reply"), url.Values{"body": {"On my way"}, "channel": {"sms"}})
	if _, body := sam.get("/inbox"); !strings.Contains(body, "Maya: On my way") {
		t.Error("the owner's list does not name the colleague")
	}
	if _, body := maya.get("/inbox"); !strings.Contains(body, "You: On my way") {
		t.Error("the writer's list does not say You")
	}
}
