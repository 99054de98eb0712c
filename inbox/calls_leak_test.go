package inbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/data/datatest"
)

// What a call has behind it is seen where the call is: all of it by the team who see the
// conversation, what was said by the customer too, and nothing by anybody else. Each
// thing has a word of its own.
func TestWhatIsBehindACallIsSeenWhereTheCallIs(t *testing.T) {
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		h := newHouse(t, o)
		other := h.contact("Tom Becker", "+14155550131", "tom@example.com")
		h.talk(other)
		done, err := h.in.HandOff(t.Context(), bridge.Handoff{
			Provider: "neutral", Call: "c1", At: h.now(), Channel: bridge.Voice, From: priyaPhone, Summary: "quetzal summary", Intent: "ocelot intent", Callback: "+14155550177",
			Facts: []bridge.Fact{{Label: "Note", Value: "axolotl fact"}}, Recording: "https://example.com/narwhal", StartedAt: h.now().Add(-time.Minute),
			Turns: []bridge.Turn{{Speaker: bridge.SpokenByAgent, Text: "capybara asks", At: 0}, {Speaker: bridge.SpokenByCaller, Text: "pangolin answers", At: time.Second}},
		}, "{}", "")
		if err != nil {
			t.Fatal(err)
		}
		said, ours := []string{"capybara", "pangolin"}, []string{"quetzal", "ocelot", "axolotl", "narwhal"}
		if err := h.store.CatchUpSearch(t.Context()); err != nil {
			t.Fatal(err)
		}

		sam := h.signedIn("sam@example.com")
		talk := fmt.Sprintf("/inbox/c/%d", done.Conversation)
		h.has("the team's page", pageOf(sam.get(talk)), append(said, ours...), nil)
		h.has("the list", pageOf(sam.get("/inbox")), []string{"quetzal"}, said)
		for _, word := range append(said, "quetzal") {
			h.has("the team's search for "+word, pageOf(sam.get("/inbox/search?q="+word)), []string{fmt.Sprintf("/inbox/c/%d?", done.Conversation)}, nil)
		}
		jo := h.signedIn("jo@example.com") // a tradie who has no part in it
		for _, path := range []string{talk, talk + "/older", "/inbox", "/inbox?view=ai_handoff", "/inbox/search?q=quetzal", "/inbox/search?q=pangolin"} {
			h.has("a tradie's "+path, pageOf(jo.get(path)), nil, append([]string{"capybara asks", "pangolin answers", "quetzal summary"}, "ocelot", "axolotl", "narwhal"))
		}
		if res, _ := jo.post(talk+"/take-over", nil); res.StatusCode != 404 {
			t.Errorf("a tradie takes over what they do not see: %d", res.StatusCode)
		}

		priya := h.comesIn(h.priya)
		portal := fmt.Sprintf("/portal/c/%d", done.Conversation)
		h.has("her page", pageOf(priya.get(portal)), said, ours)
		h.has("her list", pageOf(priya.get("/portal/messages")), nil, append(ours, said...))
		h.has("her changes", pageOf(priya.get(fmt.Sprintf("/portal/changes?after=1&open=%d", done.Conversation))), said, ours)
		h.has("her search", pageOf(priya.get("/portal/search?q=pangolin")), []string{portal}, ours)
		for _, word := range ours {
			h.has("her search for "+word, pageOf(priya.get("/portal/search?q="+word)), nil, []string{portal + "?"})
		}
		tom := h.comesIn(other)
		for _, path := range []string{portal, "/portal", "/portal/messages", "/portal/search?q=pangolin", "/portal/search?q=quetzal"} {
			h.has("another's "+path, pageOf(tom.get(path)), nil, []string{"capybara", "pangolin answers", "quetzal summary", "ocelot", "axolotl", "narwhal"})
		}
		for _, out := range h.settled() {
			for _, word := range append(said, ours...) {
				if strings.Contains(spoken(out), word) {
					t.Errorf("%s left for %s", word, out.To)
				}
			}
		}
	})
}

// has reports which of the words are missing from a page, and which of the others are in it.
func (h *house) has(where, body string, words, never []string) {
	h.Helper()
	for _, w := range words {
		if !strings.Contains(body, w) {
			h.Errorf("%s lacks %q", where, w)
		}
	}
	for _, w := range never {
		if strings.Contains(body, w) {
			h.Errorf("%s shows %q", where, w)
		}
	}
}

// pageOf is what was answered.
func pageOf(_ *http.Response, body string) string { return body }
