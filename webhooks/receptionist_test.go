package webhooks

import (
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// calls are the events of one call, as each receptionist tells of it.
var calls = []struct {
	path, id string
	events   []string
	said     []string
	name     string
	alerts   int
}{
	{VapiPath, "7e0c0001-0000-4000-8000-000000000001", []string{"vapi_status_update.json", "vapi_transfer_update.json", "vapi_end_of_call_report.json"}, []string{
		"AI Ava: Brightwater Plumbing, this is Ava.", "caller: I have no hot water.", "AI Ava: I will put you through.", "note: Tom Becker has no hot water and wants somebody today.",
	}, "Tom Becker", 1},
	{RetellPath, "call_0001", []string{"retell_call_started.json", "retell_transfer_started.json", "retell_transfer_bridged.json", "retell_call_ended.json", "retell_call_analyzed.json"}, []string{
		"AI Ava: Brightwater Plumbing, this is Ava.", "caller: I need a new tap.", "AI Ava: I will put you through.", "note: Tom Becker wants a new kitchen tap and was put through.",
	}, "Tom Becker", 1},
	{ElevenLabsPath, "conv_0001", []string{"elevenlabs_post_call_transcription.json", "elevenlabs_post_call_audio.json", "elevenlabs_call_initiation_failure.json"}, []string{
		"AI Ava: Brightwater Plumbing, this is Ava. How can I help?", "caller: My boiler is leaking, there is water on the floor.", "AI Ava: I am sorry. Who am I speaking with?", "caller: Tom Becker.",
		"AI Ava: Thank you, Tom. Somebody will call you back at once.", "note: Tom Becker reports a leaking boiler with water on the floor and wants to be called back at once.",
	}, "Tom Becker", 1},
}

func TestACallIsOneHandoffHoweverOftenAndInWhateverOrderItsEventsCome(t *testing.T) {
	const orders = 50
	for _, call := range calls {
		t.Run(call.path, func(t *testing.T) {
			eachReception(t, func(r *reception) {
				var events []string
				for _, name := range call.events {
					e := sampleOf(t, name)
					events = append(events, e, e, e)
				}
				dice := rand.New(rand.NewSource(1))
				var want string
				for order := range orders {
					number, id := fmt.Sprintf("+141555501%02d", order+1), fmt.Sprintf("call-%d", order)
					dice.Shuffle(len(events), reflect.Swapper(events))
					for _, e := range events {
						r.post(call.path, strings.NewReplacer(theirNumber, number, call.id, id).Replace(e))
					}
					s := r.with(number)
					heads := s.handoffs()
					if len(heads) != 1 || len(s.messages) != 1 {
						t.Fatalf("order %d: %d messages, %d of them handoffs", order, len(s.messages), len(heads))
					}
					head := heads[0]
					if got := said(head); !slices.Equal(got, call.said) {
						t.Fatalf("order %d: it was said\n%q, want\n%q", order, got, call.said)
					}
					h := *head.Handoff
					h.ID, h.Conversation, h.Message, h.Rev = 0, 0, 0, 0
					got := strings.NewReplacer(number, theirNumber, id, call.id).Replace(fmt.Sprintf("%+v name %q preview %q", h, s.who.Name, s.Preview))
					if want == "" {
						want = got
					}
					if got != want || s.who.Name != call.name || s.Preview == "" || !strings.HasPrefix("AI handoff: "+h.Summary, strings.TrimSuffix(s.Preview, "…")) {
						t.Fatalf("order %d:\n got %s\nwant %s", order, got, want)
					}
					if s.Unread != 1 || s.Inbound != 1 || !s.AIHandoff || !s.Urgent || s.State != bridge.Open {
						t.Fatalf("order %d: unread %d, inbound %d, tagged %t, urgent %t, %s", order, s.Unread, s.Inbound, s.AIHandoff, s.Urgent, s.State)
					}
					if n := r.count("deliveries WHERE purpose = 'alert' AND conversation_id = $1", int64(s.ID)); n != call.alerts {
						t.Fatalf("order %d: %d alerts", order, n)
					}
				}
				if h, c := r.count("handoffs"), r.count("contacts"); h != orders || c != orders {
					t.Errorf("%d calls made %d handoffs and %d contacts", orders, h, c)
				}
			})
		})
	}
}

// TestPiecesOfTheNeutralFormatCompleteEachOtherInAnyOrder tries every order of four.
func TestPiecesOfTheNeutralFormatCompleteEachOtherInAnyOrder(t *testing.T) {
	eachReception(t, func(r *reception) {
		pieces := []string{
			`"occurred_at":"2026-11-22T14:00:30Z","transcript":[{"role":"agent","text":"Hello","at_s":0},{"role":"caller","text":"I have a leak","at_s":2}]`,
			`"occurred_at":"2026-11-22T14:01:00Z","summary":"A leak","urgency":"high","contact":{"phone":"@","name":"Tom Becker"}`,
			`"occurred_at":"2026-11-22T14:01:30Z","summary":"A leak in the kitchen","callback_number":"+14155550177"`,
			`"occurred_at":"2026-11-22T14:01:30Z","transcript":[{"role":"agent","text":"Hello","at_s":0},{"role":"caller","text":"I have a leak","at_s":2},{"role":"agent","text":"Goodbye","at_s":4}],"fields":{"floor":3}`,
		}
		var want string
		order := 0
		permute(pieces, func(pieces []string) {
			order++
			number := fmt.Sprintf("+141555501%02d", order)
			for _, p := range append(slices.Clone(pieces), pieces[0]) {
				if !strings.Contains(p, "contact") {
					p += `,"contact":{"phone":"@"}`
				}
				r.post(NeutralPath, strings.ReplaceAll(fmt.Sprintf(`{"schema":"handoff/1","call_id":"call-%d","started_at":"2026-11-22T14:00:00Z",%s}`, order, p), "@", number))
			}
			s := r.with(number)
			if len(s.handoffs()) != 1 {
				r.Fatalf("%d handoffs", len(s.handoffs()))
			}
			head := s.handoffs()[0]
			h := *head.Handoff
			h.ID, h.Conversation, h.Message, h.Rev, h.Call, h.From = 0, 0, 0, 0, "", ""
			got := fmt.Sprintf("%+v %q %q unread %d urgent %t", h, said(head), s.who.Name, s.Unread, s.Urgent)
			if want == "" {
				want = got
			}
			if got != want || s.who.Name != "Tom Becker" || h.Summary != "A leak in the kitchen" || h.Urgency != bridge.HighUrgency || len(head.Folded) != 5 || s.Unread != 1 {
				r.Fatalf("order %d:\n got %s\nwant %s", order, got, want)
			}
			if n := r.count("deliveries WHERE purpose = 'alert' AND conversation_id = $1", int64(s.ID)); n != 1 {
				r.Fatalf("order %d: %d alerts", order, n)
			}
		})
		if order != 24 {
			r.Errorf("%d orders", order)
		}
	})
}

func permute(s []string, each func([]string)) {
	var from func(int)
	from = func(k int) {
		if k == len(s) {
			each(s)
			return
		}
		for i := k; i < len(s); i++ {
			s[k], s[i] = s[i], s[k]
			from(k + 1)
			s[k], s[i] = s[i], s[k]
		}
	}
	from(0)
}

func TestS1_16_TheAIReceptionistHandsOverToTheContactsConversationTaggedWithSummaryTranscriptAndUrgency(t *testing.T) {
	eachReception(t, func(r *reception) {
		r.text(theirNumber, "Hello?")
		before := r.with(theirNumber)
		if status := r.post(NeutralPath, sampleOf(t, "neutral_full.json")); status != "stored" {
			t.Errorf("the answer is %q", status)
		}
		s := r.with(theirNumber)
		if s.ID != before.ID || len(s.messages) != 2 || before.AIHandoff || !s.AIHandoff || !s.Urgent || s.Unread != 2 || s.who.Name != "Tom Becker" || s.Title != "Tom Becker" {
			t.Fatalf("known caller: %+v", s)
		}
		h := s.messages[1].Handoff
		if h == nil || h.Summary != "Tom Becker has a leaking kitchen tap and wants somebody today." || h.Urgency != bridge.HighUrgency || h.Callback != "+14155550177" || h.Intent != "Leaking tap" ||
			h.Recording != "https://example.com/recordings/0007.mp3" || s.Preview != "AI handoff: "+h.Summary {
			t.Errorf("the card says %+v, the row %q", h, s.Preview)
		}
		if got := len(s.messages[1].Folded); got != 4 {
			t.Errorf("%d turns and notes: %q", got, said(s.messages[1]))
		}
		r.read(func(tx *data.Tx) error {
			cs, err := tx.Conversations(r.owner, bridge.ViewAIHandoff, data.Cursor{}, 10)
			if err == nil && (len(cs) != 1 || cs[0].ID != s.ID) {
				t.Errorf("the view of handoffs has %d conversations", len(cs))
			}
			return err
		})
		// Somebody whom nobody knows: a new contact, and what they text lands beside it.
		body := strings.ReplaceAll(strings.ReplaceAll(sampleOf(t, "neutral_full.json"), "+1 (415) 555-0134", "+14155550155"), "0007", "0008")
		r.post(NeutralPath, body)
		r.text("+14155550155", "Are you on your way?")
		if s := r.with("+14155550155"); len(s.messages) != 2 || len(s.handoffs()) != 1 || s.who.Name != "Tom Becker" || !s.AIHandoff || s.Unread != 2 {
			t.Errorf("new caller: %+v", s)
		}
	})
}

func TestS1_13_WhatTheAIReceptionistAndTheCallerSaidIsInTheConversationAndBadgedAsItsOwn(t *testing.T) {
	eachReception(t, func(r *reception) {
		r.post(RetellPath, sampleOf(t, "retell_call_analyzed.json"))
		s := r.with(theirNumber)
		head := s.messages[0]
		if head.Direction != bridge.In || head.Channel != bridge.Voice || head.Author.Kind != bridge.ByContact || head.Author.ID != int64(s.who.ID) {
			t.Errorf("the call stands as %+v", head)
		}
		began := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
		for i, want := range []struct {
			direction bridge.Direction
			kind      bridge.AuthorKind
			after     time.Duration
		}{
			{bridge.Out, bridge.ByAI, 800 * time.Millisecond}, {bridge.In, bridge.ByContact, 4250 * time.Millisecond}, {bridge.Out, bridge.ByAI, 9500 * time.Millisecond}, {bridge.Note, bridge.ByAI, time.Minute},
		} {
			m := head.Folded[i]
			if m.Direction != want.direction || m.Author.Kind != want.kind || !m.At.Equal(began.Add(want.after)) || m.Behind != head.ID {
				t.Errorf("%d: %+v", i, m)
			}
		}
		if n := r.count("deliveries WHERE purpose <> 'alert'"); n != 0 {
			t.Errorf("%d messages of a transcript are on their way out", n)
		}
	})
}

func TestAKnownContactKeepsTheirName(t *testing.T) {
	eachReception(t, func(r *reception) {
		if err := r.store.Write(t.Context(), func(tx *data.Tx) error {
			_, err := tx.AddContact(bridge.Contact{Name: "Thomas Becker", Addresses: []bridge.Address{{Channel: bridge.SMS, Value: theirNumber, Answerable: true}}}, r.now)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		r.post(RetellPath, sampleOf(t, "retell_call_ended.json"))
		r.post(RetellPath, sampleOf(t, "retell_call_analyzed.json"))
		if s := r.with(theirNumber); s.who.Name != "Thomas Becker" || s.messages[0].Author.Name != "Thomas Becker" || s.messages[0].Handoff.Name != "Tom Becker" {
			t.Errorf("%+v by %+v, the card says %q", s.who, s.messages[0].Author, s.messages[0].Handoff.Name)
		}
	})
}

func TestWhoeverWithholdsTheirNumberIsSomebodyOfTheirOwn(t *testing.T) {
	eachReception(t, func(r *reception) {
		for i, piece := range []string{
			`{"call_id":"a","contact":{"phone":"anonymous"}}`, `{"call_id":"b","contact":{"phone":"+266696687"}}`, `{"call_id":"c","contact":{"phone":"Restricted","name":"Jo Park"}}`,
			`{"call_id":"b","contact":{"phone":"anonymous","name":"Ann Lee"},"occurred_at":"2026-11-22T14:02:00Z"}`, `{"call_id":"a","contact":null,"summary":"Later","occurred_at":"2026-11-22T14:02:00Z"}`,
		} {
			r.post(NeutralPath, r.neutral(piece))
			if c, v := r.count("contacts"), r.count("conversations"); c != min(i+1, 3) || v != c {
				t.Fatalf("after piece %d: %d contacts in %d conversations", i, c, v)
			}
		}
		var names []string
		r.read(func(tx *data.Tx) error {
			for id := range 3 {
				c, err := tx.Contact(bridge.ContactID(id + 1))
				if err != nil {
					return err
				}
				if names = append(names, c.Name); len(c.Addresses) != 0 {
					t.Errorf("%s has an address: %+v", c.Name, c.Addresses)
				}
			}
			return nil
		})
		if !slices.Equal(names, []string{"Withheld number", "Ann Lee", "Jo Park"}) {
			t.Errorf("they are called %q", names)
		}
	})
}

func TestALateSummaryCompletesTheCardAndIsNotNew(t *testing.T) {
	eachReception(t, func(r *reception) {
		r.post(RetellPath, sampleOf(t, "retell_call_ended.json"))
		s := r.with(theirNumber)
		if h := s.messages[0].Handoff; h.Summary != "" || s.Unread != 1 || s.who.Name != "" {
			t.Fatalf("before the summary: %+v, unread %d", h, s.Unread)
		}
		if err := r.store.Write(t.Context(), func(tx *data.Tx) error {
			_, err := tx.MarkRead(s.ID, r.owner.ID, s.messages[0].ID, r.now)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		r.now = r.now.Add(10 * time.Minute)
		r.post(RetellPath, sampleOf(t, "retell_call_analyzed.json"))
		after := r.with(theirNumber)
		if h := after.messages[0].Handoff; len(after.messages) != 1 || h.Summary == "" || h.Urgency != bridge.HighUrgency || after.Unread != 0 || after.Inbound != 1 || after.who.Name != "Tom Becker" {
			t.Errorf("after the summary: %+v, unread %d", h, after.Unread)
		}
		if after.messages[0].Rev <= s.messages[0].Rev || !after.Urgent || r.count("deliveries WHERE purpose = 'alert'") != 1 {
			t.Errorf("pages are not told: revision %d, then %d; urgent %t", s.messages[0].Rev, after.messages[0].Rev, after.Urgent)
		}
	})
}

func TestAnUrgentMatterRingsThePhonesOnDutyOnce(t *testing.T) {
	eachReception(t, func(r *reception) {
		for i, tt := range []struct {
			urgency string
			alerts  int
		}{{"low", 0}, {"normal", 0}, {"high", 1}, {"high", 1}, {"emergency", 1}} {
			r.post(NeutralPath, r.neutral(fmt.Sprintf(`{"urgency":%q,"occurred_at":"2026-11-22T14:01:%02dZ"}`, tt.urgency, i)))
			s := r.with(theirNumber)
			if n := r.count("deliveries WHERE purpose = 'alert' AND recipient = '+14155550190'"); n != tt.alerts || s.Urgent != (tt.alerts > 0) {
				t.Errorf("after %s: %d alerts, urgent %t", tt.urgency, n, s.Urgent)
			}
		}
		if n := r.count("deliveries"); n != 1 {
			t.Errorf("%d deliveries", n)
		}
	})
}
