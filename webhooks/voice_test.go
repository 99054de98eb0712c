package webhooks

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/media"
	"porchlight/bridge/sms"
	"porchlight/bridge/sms/smstest"
	"porchlight/data"
	"porchlight/data/blobs"
	"porchlight/data/datatest"
)

const (
	ourLine  = "+14155550100"
	priya    = "+14155550134"
	onDuty   = "+14155550190" // Maria's own phone
	other    = "+14155550191"
	aiPhone  = "+14155550199"
	inLondon = "+442079460018" // a landline
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) // a Friday

// A board is a switchboard: the real webhooks behind HTTP, before a real store, and a
// carrier that calls them.
type board struct {
	*testing.T
	store *data.Store
	sim   *smstest.Server
	in    *intake.Intake
	fetch *media.Fetcher
	blobs *blobs.Folder
	maria bridge.Staff
	url   string
	clock atomic.Int64
}

func eachBoard(t *testing.T, test func(*board), phones ...bridge.Phone) {
	t.Helper()
	t.Parallel() // most of the time goes into making databases
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		t.Parallel()
		s, err := data.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		test(openBoard(t, s, phones...))
	})
}

func openBoard(t *testing.T, s *data.Store, phones ...bridge.Phone) *board {
	t.Helper()
	b := &board{T: t, store: s, sim: smstest.New(smstest.Options{Delays: smstest.Instant})}
	t.Cleanup(b.sim.Close)
	carrier, err := b.sim.Start()
	if err != nil {
		t.Fatal(err)
	}
	b.wait(time.Duration(noon.UnixNano()))
	b.in = intake.New(intake.Options{Store: s, Now: b.now, Answerable: sms.Answerable, OnDuty: phones, Business: "Rossi & Sons <Plumbing>",
		Split: func(s string) []string { return []string{s} }, Segments: func(string) int { return 1 }, Region: "US"})
	r := gin.New()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	b.url = server.URL
	hooks, err := New(Options{Intake: b.in, Now: b.now, PublicURL: b.url, AccountSID: account, Tokens: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	hooks.Mount(r)
	b.sim.SetWebhook(b.url + "/webhooks/twilio/sms")
	b.sim.SetVoice(smstest.VoiceURLs{Voice: b.url + "/webhooks/twilio/voice", Status: b.url + "/webhooks/twilio/voice-status"})
	if b.blobs, err = blobs.OpenFolder(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.blobs.Close() })
	shelf, err := media.NewShelf(b.blobs, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b.fetch = media.NewFetcher(media.FetchOptions{Store: s, Shelf: shelf, Now: b.now, Hosts: []string{carrier}, User: account, Secret: token})
	b.write(func(tx *data.Tx) error {
		if _, err := tx.PutLine(bridge.Line{Phone: ourLine, Name: "Main", Active: true}); err != nil {
			return err
		}
		b.maria, err = tx.AddStaff(bridge.Staff{Name: "Maria", Email: "maria@example.com", Role: bridge.Owner, Active: true}, "hash", noon)
		return err
	})
	return b
}

func (b *board) now() time.Time       { return time.Unix(0, b.clock.Load()).UTC() }
func (b *board) wait(d time.Duration) { b.clock.Add(int64(d)) }

func (b *board) write(fn func(*data.Tx) error) {
	b.Helper()
	if err := b.store.Write(b.Context(), fn); err != nil {
		b.Fatal(err)
	}
}

func (b *board) set(change func(*bridge.Settings)) {
	b.Helper()
	b.write(func(tx *data.Tx) error {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		own := *s
		change(&own)
		return tx.PutSettings(&own)
	})
}

func (b *board) call(from string, p smstest.Play) smstest.Played {
	b.Helper()
	got, err := b.sim.Call(b.Context(), from, ourLine, p)
	if err != nil {
		b.Fatal(err)
	}
	for _, post := range got.Posts {
		if post.Status != 200 {
			b.Errorf("%s answered %d", post.URL, post.Status)
		}
	}
	return got
}

// rows are the conversations as Maria sees them, those that are closed last.
func (b *board) rows() (cs []bridge.Conversation) {
	b.Helper()
	if err := b.store.Read(b.Context(), func(tx *data.Tx) error {
		open, err := tx.Conversations(b.maria, bridge.ViewOpen, data.Cursor{}, 100)
		if err != nil {
			return err
		}
		closed, err := tx.Conversations(b.maria, bridge.ViewClosed, data.Cursor{}, 100)
		cs = append(open, closed...)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return cs
}

// only is the one conversation that there is, and its messages.
func (b *board) only() (c bridge.Conversation, ms []bridge.Message) {
	b.Helper()
	cs := b.rows()
	if len(cs) != 1 {
		b.Fatalf("%d conversations", len(cs))
	}
	if err := b.store.Read(b.Context(), func(tx *data.Tx) (err error) {
		ms, err = tx.Messages(cs[0].ID, 0, 100)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return cs[0], ms
}

const textedBack = "out: Rossi & Sons <Plumbing>: Sorry we missed your call. How can we help? Reply to this text. Reply STOP to opt out."

// told compares the one conversation with what it should say; what is folded behind a
// message is set in.
func (b *board) told(want ...string) {
	b.Helper()
	_, ms := b.only()
	var got []string
	for _, m := range ms {
		got = append(got, string(m.Direction)+": "+m.Body)
		for _, f := range m.Folded {
			got = append(got, "  "+string(f.Direction)+": "+f.Body)
		}
	}
	if !slices.Equal(got, want) {
		b.Errorf("it says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// texts counts the texts that are queued to a number.
func (b *board) texts(to string) (n int) {
	b.Helper()
	for _, c := range b.rows() {
		if err := b.store.Read(b.Context(), func(tx *data.Tx) error {
			ms, err := tx.Messages(c.ID, 0, 100)
			for _, m := range ms {
				for _, d := range m.Deliveries {
					if d.To == to && d.Channel == bridge.SMS {
						n++
					}
				}
			}
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	return n
}

func TestACallToTheLineRingsThePhoneOnDutyAndAMissedOneIsTextedBack(t *testing.T) {
	eachBoard(t, func(b *board) {
		b.sim.Text(b.Context(), priya, ourLine, "No hot water")
		got := b.call(priya, smstest.Play{Others: smstest.PicksUp, Talk: 95 * time.Second})
		if got.TakenBy != onDuty || !slices.Equal(got.Rang, []string{onDuty, other}) || got.Said[0] != "Thank you for calling Rossi & Sons <Plumbing>. One moment, please." {
			b.Errorf("%+v", got)
		}
		b.told("in: No hot water", "event: Their call was answered, 1 min 35 s")

		b.call(priya, smstest.Play{})
		b.told("in: No hot water", "event: Their call was answered, 1 min 35 s", "in: Missed call", textedBack)
		c, ms := b.only()
		if c.State != bridge.Open || c.Preview != "Missed call" || c.Unread != 2 {
			b.Errorf("%+v", c)
		}
		entry, back := ms[2], ms[3]
		if entry.Channel != bridge.Voice || entry.Call == nil || entry.Call.State != bridge.Missed || entry.Call.From != priya {
			b.Errorf("%+v", entry)
		}
		if d := back.Deliveries; len(d) != 1 || d[0].To != priya || back.Author.Kind != bridge.BySystem {
			b.Errorf("%+v", back)
		}
	}, onDuty, other)
}

func TestACallThatNobodyTakesIsMissedHoweverItEnds(t *testing.T) {
	for name, p := range map[string]smstest.Play{
		"it rings out":                            {},
		"busy":                                    {Others: smstest.Engaged},
		"the phone's own voicemail picks up":      {Others: smstest.Answerphone},
		"one busy, one its own voicemail":         {Phones: map[string]smstest.Pickup{onDuty: smstest.Engaged, other: smstest.Answerphone}},
		"the caller hangs up while it rings":      {Others: smstest.CallerHangUp},
		"everything is told twice":                {Callbacks: smstest.Twice},
		"nothing is told but the end of the dial": {Callbacks: smstest.NoneCome},
	} {
		t.Run(name, func(t *testing.T) {
			eachBoard(t, func(b *board) {
				b.call(priya, p)
				b.told("in: Missed call", textedBack)
				if n := b.texts(priya); n != 1 {
					b.Errorf("%d texts", n)
				}
			}, onDuty, other)
		})
	}
}

func TestACallThatSomebodyTookIsToldOnceAndTextsNobody(t *testing.T) {
	for name, p := range map[string]smstest.Play{
		"by the second phone":   {Phones: map[string]smstest.Pickup{onDuty: smstest.Answerphone, other: smstest.PicksUp}},
		"told twice":            {Others: smstest.PicksUp, Callbacks: smstest.Twice},
		"told in another order": {Others: smstest.PicksUp, Callbacks: smstest.WrongOrder},
		"told nothing":          {Others: smstest.PicksUp, Callbacks: smstest.NoneCome},
	} {
		t.Run(name, func(t *testing.T) {
			eachBoard(t, func(b *board) {
				b.sim.Text(b.Context(), priya, ourLine, "Hi")
				b.call(priya, p)
				b.told("in: Hi", "event: Their call was answered, 42 s")
			}, onDuty, other)
		})
	}
}

func TestWithNobodyOnDutyTheCallerLeavesWordAtOnce(t *testing.T) {
	eachBoard(t, func(b *board) {
		got := b.call(priya, smstest.Play{Voicemail: 12 * time.Second, Words: "The boiler leaks"})
		if len(got.Rang) != 0 || len(got.Said) != 2 || got.Recording == "" {
			b.Errorf("%+v", got)
		}
		b.told("in: Missed call", "  in: Voicemail, 12 s", "  in: The boiler leaks", textedBack)
	})
}

func TestAfterHoursCallsGoToTheAIReceptionist(t *testing.T) {
	eachBoard(t, func(b *board) {
		b.set(func(s *bridge.Settings) {
			s.OpeningHours = "Mon-Fri 08:00-17:00"
			s.Receptionist.Phone, s.Receptionist.Calls = aiPhone, bridge.AfterHours
		})
		if got := b.call(priya, smstest.Play{}); !slices.Equal(got.Rang, []string{onDuty}) {
			b.Errorf("by day: %v", got.Rang)
		}
		b.wait(8 * time.Hour)
		got := b.call(priya, smstest.Play{Others: smstest.Answerphone, Talk: time.Minute}) // a machine that is to take it
		if !slices.Equal(got.Rang, []string{aiPhone}) || got.TakenBy != aiPhone {
			b.Errorf("by night: %+v", got)
		}
		b.told("in: Missed call", textedBack, "event: Their call went to the AI receptionist, 1 min")
		b.wait(time.Hour)
		b.call(priya, smstest.Play{Others: smstest.Engaged}) // the receptionist is down
		b.told("in: Missed call", textedBack, "event: Their call went to the AI receptionist, 1 min", "in: Missed call", textedBack)
	}, onDuty)
}

func TestWhoWithholdsTheirNumberHasAnEntryOfTheirOwnAndIsNeverTexted(t *testing.T) {
	eachBoard(t, func(b *board) {
		for _, from := range []string{"anonymous", "+266696687", "Restricted", ""} {
			b.call(from, smstest.Play{Voicemail: 9 * time.Second})
		}
		cs := b.rows()
		if len(cs) != 4 {
			b.Fatalf("%d conversations", len(cs))
		}
		for _, c := range cs {
			if c.Title != "Withheld number" || c.Preview != "Voicemail, 9 s" || c.State != bridge.Open {
				b.Errorf("%+v", c)
			}
		}
	}, onDuty)
}

func TestThePhoneOnDutyThatCallsTheLineIsNotRungAndNotTexted(t *testing.T) {
	eachBoard(t, func(b *board) {
		if got := b.call(onDuty, smstest.Play{}); !slices.Equal(got.Rang, []string{other}) {
			b.Errorf("%v", got.Rang)
		}
		b.told("in: Missed call")
	}, onDuty, other)
}

func TestAPhoneThatForwardsToTheLineMakesOneCallOfIt(t *testing.T) {
	for _, notTold := range []bool{false, true} {
		t.Run(fmt.Sprintf("not told=%t", notTold), func(t *testing.T) {
			eachBoard(t, func(b *board) {
				for i, from := range []string{priya, "anonymous"} {
					got := b.call(from, smstest.Play{Phones: map[string]smstest.Pickup{onDuty: smstest.ForwardsBack}, NotTold: notTold})
					want := 1
					if notTold {
						want = 2 // the second time it might be the caller, who tried again
						if from == "anonymous" {
							want = 5 // or others who withhold their number
						}
					}
					if len(got.Round) != want || !got.Round[want-1].Rejected || len(got.Round[want-1].Rang) != 0 {
						b.Errorf("%s: it came back %d times: %+v", from, len(got.Round), got.Round)
					}
					if got.Rejected || len(got.Said) < 2 {
						b.Errorf("%s heard %q", from, got.Said)
					}
					if i == 0 && !notTold {
						b.told("in: Missed call", textedBack)
					}
					if n := b.texts(priya); n != 1 {
						b.Errorf("they got %d texts", n)
					}
				}
			}, onDuty)
		})
	}
}

func TestCallersWhoWithholdTheirNumberAreNotOnePerson(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	d.in.OnDuty = []bridge.Phone{onDuty}
	for n := range 5 {
		w := d.post("/webhooks/twilio/voice", voiceForm(n, "CallStatus", "ringing", "From", "anonymous"), genuine)
		if w.Code != 200 || !strings.Contains(w.Body.String(), ">"+onDuty+"<") {
			t.Errorf("call %d: %d %s", n, w.Code, w.Body)
		}
	}
}

// Somebody calls a phone on duty, which is set to forward to the line.
func TestAPhoneThatForwardsItsOwnCallsIsNotRungForThem(t *testing.T) {
	d := newDesk(t, datatest.SQLite(t, nil))
	d.in.OnDuty = []bridge.Phone{onDuty, other}
	for n, via := range []string{"+1 (415) 555-0199", onDuty} {
		form := voiceForm(n, "CallStatus", "ringing", "From", fmt.Sprintf("+1415555016%d", n), "ForwardedFrom", via)
		w := d.post("/webhooks/twilio/voice", form, genuine)
		if rings := strings.Contains(w.Body.String(), ">"+onDuty+"<"); w.Code != 200 || rings != (n == 0) || !strings.Contains(w.Body.String(), ">"+other+"<") {
			t.Errorf("call %d: %d %s", n, w.Code, w.Body)
		}
	}
}

func TestAnAIReceptionistThatPutsACallerThroughToTheLineReachesPeople(t *testing.T) {
	eachBoard(t, func(b *board) {
		b.set(func(s *bridge.Settings) {
			s.Receptionist.Phone, s.Receptionist.Calls = aiPhone, bridge.AlwaysAnswers
		})
		got := b.call(priya, smstest.Play{Phones: map[string]smstest.Pickup{aiPhone: smstest.ForwardsBack}})
		if !slices.Equal(got.Rang, []string{aiPhone}) || len(got.Round) != 1 || !slices.Equal(got.Round[0].Rang, []string{onDuty}) {
			b.Errorf("%+v", got)
		}
	}, onDuty)
}

func TestACallerIsTextedBackOnceInAWindow(t *testing.T) {
	eachBoard(t, func(b *board) {
		b.call(priya, smstest.Play{})
		b.wait(30 * time.Minute)
		b.call(priya, smstest.Play{})
		b.told("in: Missed call", textedBack, "in: Missed call")
		b.wait(bridge.TextBackEvery)
		b.call(priya, smstest.Play{})
		b.told("in: Missed call", textedBack, "in: Missed call", "in: Missed call", textedBack)
	}, onDuty)
}

func TestStrangersNumbersWithoutEndAreNotTexted(t *testing.T) {
	eachBoard(t, func(b *board) {
		b.write(func(tx *data.Tx) error { // as if so many had called already
			line, err := tx.LineByPhone(ourLine)
			for i := range bridge.TextBacksAnHour - 1 {
				id := callSID(1000 + i)
				if err == nil {
					err = tx.AddCall(bridge.Call{CarrierID: id, Line: line.ID, From: fmt.Sprintf("+1415555%04d", 2000+i), State: bridge.Missed, StartedAt: b.now()}, "")
				}
				c, also := tx.CallOf(id)
				if c.TextedAt = b.now(); err == nil {
					err = errors.Join(also, tx.SaveCall(c))
				}
			}
			return err
		})
		b.wait(30 * time.Minute)
		b.call(priya, smstest.Play{})
		if n := b.texts(priya); n != 1 {
			b.Errorf("the last of an hour got %d texts", n)
		}
		b.call("+14155550177", smstest.Play{})
		if n := b.texts("+14155550177"); n != 0 {
			b.Errorf("one too many got %d texts", n)
		}
		b.wait(31 * time.Minute)
		b.call("+14155550178", smstest.Play{})
		if n := b.texts("+14155550178"); n != 1 {
			b.Errorf("an hour later they got %d texts", n)
		}
	}, onDuty)
}

func TestALineThatIsItsOwnReceptionistDoesNotCallItself(t *testing.T) {
	eachBoard(t, func(b *board) {
		err := b.in.ChangeSettings(b.Context(), b.maria, func(s *bridge.Settings) error {
			s.Receptionist.Phone, s.Receptionist.Calls = ourLine, bridge.AlwaysAnswers
			return nil
		})
		if invalid := (*bridge.Invalid)(nil); !errors.As(err, &invalid) || invalid.Field != "phone" {
			b.Errorf("taken: %v", err)
		}
		b.set(func(s *bridge.Settings) { // the line came later
			s.Receptionist.Phone, s.Receptionist.Calls = ourLine, bridge.AlwaysAnswers
		})
		if got := b.call(priya, smstest.Play{}); !slices.Equal(got.Rang, []string{onDuty}) {
			b.Errorf("rang %v", got.Rang)
		}
	}, onDuty)
}

func TestWhoIsNeverTextedBack(t *testing.T) {
	conversationOf := func(b *board) bridge.ConversationID {
		c, _ := b.only()
		return c.ID
	}
	for name, tt := range map[string]struct {
		from    string
		prepare func(*board)
	}{
		"who texted STOP": {priya, func(b *board) { b.sim.Text(b.Context(), priya, ourLine, "STOP") }},
		"a landline that refused a text": {priya, func(b *board) {
			b.sim.Text(b.Context(), priya, ourLine, "Hi")
			b.write(func(tx *data.Tx) error {
				return tx.SetAddressProblem(bridge.SMS, priya, "Landline: it cannot receive texts")
			})
		}},
		"a landline by its number":  {inLondon, nil},
		"a number that costs extra": {"+449098790999", nil},
		"a line of ours": {"+14155550101", func(b *board) {
			b.write(func(tx *data.Tx) error {
				_, err := tx.PutLine(bridge.Line{Phone: "+14155550101", Active: true})
				return err
			})
		}},
		"the AI receptionist":    {aiPhone, func(b *board) { b.set(func(s *bridge.Settings) { s.Receptionist.Phone = aiPhone }) }},
		"anybody when it is off": {priya, func(b *board) { b.set(func(s *bridge.Settings) { s.Calls.NoTextBack = true }) }},
		"where sending is on hold": {priya, func(b *board) {
			b.sim.Text(b.Context(), priya, ourLine, "Hi")
			id := conversationOf(b)
			b.write(func(tx *data.Tx) error { return tx.SetHeld(id, true) })
		}},
		"where the AI receptionist answers": {priya, func(b *board) {
			b.sim.Text(b.Context(), priya, ourLine, "Hi")
			id := conversationOf(b)
			b.write(func(tx *data.Tx) error { _, _, err := tx.StartHold(id, 0, noon); return err })
		}},
		"where a gate is shut": {priya, func(b *board) {
			b.set(func(s *bridge.Settings) {
				p := s.Policy(bridge.KindCustomer)
				p.Gates = append(slices.Clone(p.Gates), bridge.GateConnected)
			})
		}},
		"where the kind does not text": {priya, func(b *board) {
			b.set(func(s *bridge.Settings) { s.Policy(bridge.KindCustomer).Tell = []bridge.Channel{bridge.Portal} })
		}},
		"who wants to be told nothing": {priya, func(b *board) {
			b.sim.Text(b.Context(), priya, ourLine, "Hi")
			c, _ := b.only()
			b.write(func(tx *data.Tx) error {
				who, err := tx.Contact(c.Contact)
				who.Told = bridge.ToldNothing
				if err != nil {
					return err
				}
				return tx.PutContact(who)
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachBoard(t, func(b *board) {
				if tt.prepare != nil {
					tt.prepare(b)
				}
				b.call(tt.from, smstest.Play{})
				c, ms := b.only()
				if m := ms[len(ms)-1]; m.Body != "Missed call" || m.Call == nil || c.State != bridge.Open || c.Unread == 0 || b.texts(tt.from) != 0 {
					b.Errorf("%+v, the last is %+v", c, m)
				}
			}, onDuty)
		})
	}
}

func TestACallToANumberThatNobodyConfiguredIsKept(t *testing.T) {
	eachBoard(t, func(b *board) {
		b.write(func(tx *data.Tx) error { return tx.RetireLines() })
		if _, err := b.sim.Call(b.Context(), priya, "+14155550177", smstest.Play{}); err != nil {
			b.Fatal(err)
		}
		b.told("in: Missed call", textedBack)
	}, onDuty)
}

func TestTheTextBackLeavesByTheNumberThatWasCalled(t *testing.T) {
	eachBoard(t, func(b *board) {
		second := bridge.LineID(0)
		b.write(func(tx *data.Tx) (err error) {
			second, err = tx.PutLine(bridge.Line{Phone: "+14155550102", Name: "Second", Active: true})
			return err
		})
		b.sim.Text(b.Context(), priya, ourLine, "Hi")
		if _, err := b.sim.Call(b.Context(), priya, "+14155550102", smstest.Play{}); err != nil {
			b.Fatal(err)
		}
		_, ms := b.only()
		if d := ms[len(ms)-1].Deliveries; len(d) != 1 || d[0].Line != second {
			b.Errorf("%+v", d)
		}
	}, onDuty)
}

func TestAVoicemailIsKeptWithItsSoundAndWords(t *testing.T) {
	eachBoard(t, func(b *board) {
		b.call(priya, smstest.Play{Voicemail: 75 * time.Second, Words: "The boiler leaks"})
		b.told("in: Missed call", "  in: Voicemail, 1 min 15 s", "  in: The boiler leaks", textedBack)
		c, ms := b.only()
		if c.Preview != "Voicemail: The boiler leaks" || ms[0].Call.State != bridge.Voicemail {
			b.Errorf("%+v %+v", c, ms[0].Call)
		}
		if a := ms[0].Folded[0].Attachments; len(a) != 1 || a[0].State != bridge.Arriving {
			b.Fatalf("%+v", a)
		}
		before := c.Rev
		if _, err := b.fetch.Turn(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := b.store.Read(b.Context(), func(tx *data.Tx) error { // what an open page asks for
			moved, err := tx.MessagesSince(c.ID, before)
			if err == nil && (len(moved) != 1 || moved[0].ID != ms[0].ID) {
				b.Errorf("an open page is not told that the sound is there: %+v", moved)
			}
			return err
		}); err != nil {
			b.Fatal(err)
		}
		_, ms = b.only()
		a := ms[0].Folded[0].Attachments[0]
		if a.State != bridge.Kept || a.Name != "voicemail.mp3" || a.Type != "mp3" {
			b.Fatalf("%+v", a)
		}
		r, err := b.blobs.Open(b.Context(), a.Blob)
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		if sound, err := io.ReadAll(r); err != nil || int64(len(sound)) != a.Size || !strings.HasPrefix(string(sound), "\xff\xfb") {
			b.Errorf("%d bytes of %d, %v", len(sound), a.Size, err)
		}
	}, onDuty)
}

func TestAVoicemailIsNewAgainToWhoHadReadTheMissedCall(t *testing.T) {
	eachBoard(t, func(b *board) {
		got := b.call(priya, smstest.Play{Voicemail: 5 * time.Second, Callbacks: smstest.NoneCome})
		c, ms := b.only()
		b.write(func(tx *data.Tx) error {
			_, err := tx.MarkRead(c.ID, b.maria.ID, ms[len(ms)-1].ID, b.now())
			if err != nil {
				return err
			}
			return tx.SetState(c.ID, bridge.Closed, time.Time{})
		})
		if c, _ = b.only(); c.Unread != 0 {
			b.Fatalf("%+v", c)
		}
		b.later(got.SID, recordingForm(got.SID, got.Recording, "https://api.twilio.com/x"), "recording", 200)
		if c, _ = b.only(); c.Unread != 1 || c.State != bridge.Open || c.Preview != "Voicemail, 12 s" {
			b.Errorf("%+v", c)
		}
	}, onDuty)
}

// later posts a callback of a call, and wants an answer.
func (b *board) later(call string, form url.Values, what string, code int) {
	b.Helper()
	status, err := b.sim.Repost(b.Context(), smstest.Post{URL: b.url + "/webhooks/twilio/voice/" + what, Form: form})
	if err != nil || status != code {
		b.Errorf("%s of %s: %d %v, want %d", what, call, status, err, code)
	}
}

func recordingForm(call, recording, source string) url.Values {
	return url.Values{"CallSid": {call}, "AccountSid": {account}, "RecordingSid": {recording}, "RecordingUrl": {source}, "RecordingStatus": {"completed"}, "RecordingDuration": {"12"}}
}

func callSID(n int) string      { return fmt.Sprintf("CA%032x", n) }
func recordingSID(n int) string { return fmt.Sprintf("RE%032x", n) }

func TestEventsThreeTimesInAnyOrderMakeOneEntryOneTextAndOneVoicemail(t *testing.T) {
	eachBoard(t, func(b *board) {
		for n := range 20 {
			from := fmt.Sprintf("+1415555%04d", 300+n)
			played := b.call("anonymous", smstest.Play{Voicemail: 12 * time.Second, Words: "It leaks"})
			var posts []smstest.Post
			for _, p := range played.Posts { // the same call by somebody else, whom nobody knows yet
				for name := range p.Form {
					p.Form.Set(name, strings.NewReplacer(played.SID, callSID(n), "anonymous", from).Replace(p.Form.Get(name)))
				}
				posts = append(posts, p)
			}
			rest := slices.Concat(posts, posts, posts)
			seed := rand.Uint64()
			rand.New(rand.NewPCG(seed, 0)).Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
			for _, p := range append([]smstest.Post{posts[0]}, rest...) { // a recording of a call that never began is nobody's
				if status, err := b.sim.Repost(b.Context(), p); status != 200 || err != nil {
					b.Fatalf("%s: %d %v", p.URL, status, err)
				}
			}
			i := slices.IndexFunc(b.rows(), func(c bridge.Conversation) bool { return c.Address == from })
			if i < 0 {
				b.Fatalf("seed %d: no conversation with %s", seed, from)
			}
			c := b.rows()[i]
			var ms []bridge.Message
			b.store.Read(b.Context(), func(tx *data.Tx) (err error) { ms, err = tx.Messages(c.ID, 0, 100); return err })
			if len(ms) != 2 || ms[0].Body != "Missed call" || len(ms[0].Folded) != 2 || "out: "+ms[1].Body != textedBack || ms[0].Call.State != bridge.Voicemail {
				b.Errorf("seed %d: %+v", seed, ms)
			}
			if c.Preview != "Voicemail: It leaks" || c.State != bridge.Open {
				b.Errorf("seed %d: %+v", seed, c)
			}
		}
	}, onDuty)
}

func TestWordsThatComeBeforeTheirVoicemailAreKept(t *testing.T) {
	eachBoard(t, func(b *board) {
		got := b.call(priya, smstest.Play{Voicemail: 12 * time.Second, Words: "It leaks", Callbacks: smstest.WrongOrder})
		c, ms := b.only()
		if len(ms[0].Folded) != 2 || c.Preview != "Voicemail: It leaks" || ms[0].Call.Recording != got.Recording {
			b.Errorf("%+v %+v", c, ms[0])
		}
	}, onDuty)
}

func TestWordsThatComeBeforeAnybodySaidThatTheCallWasMissedAreKept(t *testing.T) {
	eachBoard(t, func(b *board) {
		got := b.call(priya, smstest.Play{Others: smstest.CallerHangUp, Callbacks: smstest.NoneCome})
		b.later(got.SID, url.Values{"CallSid": {got.SID}, "AccountSid": {account}, "TranscriptionStatus": {"completed"}, "TranscriptionText": {"It leaks"}}, "transcript", 200)
		b.later(got.SID, recordingForm(got.SID, recordingSID(1), "https://api.twilio.com/x"), "recording", 200)
		b.told("in: Missed call", "  in: It leaks", "  in: Voicemail, 12 s", textedBack)
	}, onDuty)
}

func TestAVoicemailAtAStrangersAddressIsLostAndNobodyIsAsked(t *testing.T) {
	eachBoard(t, func(b *board) {
		asked := atomic.Int32{}
		stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
		defer stranger.Close()
		got := b.call(priya, smstest.Play{Voicemail: 5 * time.Second, Callbacks: smstest.NoneCome})
		b.later(got.SID, recordingForm(got.SID, recordingSID(1), stranger.URL+"/2010-04-01/Accounts/"+account+"/Recordings/"+recordingSID(1)), "recording", 200)
		if _, err := b.fetch.Turn(b.Context()); err != nil {
			b.Fatal(err)
		}
		_, ms := b.only()
		if a := ms[0].Folded[0].Attachments[0]; a.State != bridge.Gone || a.Problem == "" || asked.Load() != 0 {
			b.Errorf("%+v, asked %d times", a, asked.Load())
		}
	}, onDuty)
}

func TestWhatTwilioIsToldToDo(t *testing.T) {
	s := datatest.SQLite(t, nil)
	d := newDesk(t, s)
	d.in.Business, d.in.OnDuty = "Rossi & Sons <Plumbing>", []bridge.Phone{onDuty, other}
	const head, hooks = `<?xml version="1.0" encoding="UTF-8"?><Response>`, "https://texts.example.com/webhooks/twilio/voice/"
	leaveWord := head + `<Say>Sorry, nobody can take your call right now. Please leave a message after the tone, or text this number.</Say>` +
		`<Record action="` + hooks + `recorded" recordingStatusCallback="` + hooks + `recording" maxLength="180" timeout="6" playBeep="true" transcribe="true" transcribeCallback="` + hooks + `transcript"></Record></Response>`
	for _, tt := range []struct {
		name, route string
		form        url.Values
		want        string
	}{
		{"a call", "voice", voiceForm(1), head + `<Say>Thank you for calling Rossi &amp; Sons &lt;Plumbing&gt;. One moment, please.</Say>` +
			`<Dial action="` + hooks + `dialed" timeout="20" answerOnBridge="true"><Number url="` + hooks + `screen">` + onDuty + `</Number><Number url="` + hooks + `screen">` + other + `</Number></Dial></Response>`},
		{"who picks up", "voice/screen", voiceForm(2, "ParentCallSid", callSID(1)), head + `<Gather action="` + hooks + `screened" numDigits="1" timeout="8">` +
			`<Say>A call for Rossi &amp; Sons &lt;Plumbing&gt;. Press any key to take it.</Say></Gather><Hangup></Hangup></Response>`},
		{"nobody took it", "voice/dialed", voiceForm(1, "DialCallStatus", "no-answer"), leaveWord},
		{"the same again", "voice/dialed", voiceForm(1, "DialCallStatus", "no-answer"), leaveWord},
		{"they left word", "voice/recorded", voiceForm(1, "Digits", "hangup"), head + `<Say>Thank you. Goodbye.</Say><Hangup></Hangup></Response>`},
		{"it is over", "voice-status", voiceForm(1, "CallStatus", "completed"), `<?xml version="1.0" encoding="UTF-8"?><Response/>`},
		{"another call", "voice", voiceForm(3), ""},
		{"they pressed a key", "voice/screened", voiceForm(4, "ParentCallSid", callSID(3), "Digits", "1"), `<?xml version="1.0" encoding="UTF-8"?><Response/>`},
		{"they talked", "voice/dialed", voiceForm(3, "DialCallStatus", "completed", "DialBridged", "true", "DialCallDuration", "42"), head + `<Hangup></Hangup></Response>`},
	} {
		w := d.post("/webhooks/twilio/"+tt.route, tt.form, genuine)
		if w.Code != 200 || w.Header().Get("Content-Type") != "text/xml; charset=utf-8" || tt.want != "" && w.Body.String() != tt.want {
			t.Errorf("%s: %d %s\n%s\nwant\n%s", tt.name, w.Code, w.Header().Get("Content-Type"), w.Body, tt.want)
		}
	}
}

func TestSettingsChangeWhatACallerHears(t *testing.T) {
	eachBoard(t, func(b *board) {
		b.set(func(s *bridge.Settings) {
			s.Calls = bridge.CallSettings{Greeting: "Hello from {business} & friends", Ring: 45, NoScreen: true, NoVoicemail: true, TextBack: "{business} will call you"}
		})
		got := b.call(priya, smstest.Play{Voicemail: time.Minute})
		if got.Recording != "" || got.Said[0] != "Hello from Rossi & Sons <Plumbing> & friends" || !strings.Contains(got.Said[1], "text this number") {
			b.Errorf("%+v", got)
		}
		b.told("in: Missed call", "out: Rossi & Sons <Plumbing> will call you")
		if got := b.call(priya, smstest.Play{Others: smstest.Answerphone}); got.TakenBy != onDuty { // without a key anything takes a call
			b.Errorf("%+v", got)
		}
	}, onDuty)
}

func TestALostFirstWordOfACallIsMadeUpByTheNext(t *testing.T) {
	eachBoard(t, func(b *board) {
		status, err := b.sim.Repost(b.Context(), smstest.Post{URL: b.url + "/webhooks/twilio/voice-status", Form: voiceForm(1, "CallStatus", "no-answer")})
		if status != 200 || err != nil {
			b.Fatal(status, err)
		}
		b.told("in: Missed call", textedBack)
	}, onDuty)
}

func TestACallThatGoesOnIsNotMissed(t *testing.T) {
	eachBoard(t, func(b *board) {
		for _, status := range []string{"initiated", "ringing", "in-progress", "queued", "something new"} {
			if code, err := b.sim.Repost(b.Context(), smstest.Post{URL: b.url + "/webhooks/twilio/voice-status", Form: voiceForm(1, "CallStatus", status)}); code != 200 || err != nil {
				b.Fatal(code, err)
			}
		}
		if cs := b.rows(); len(cs) != 0 {
			b.Errorf("%+v", cs)
		}
	}, onDuty)
}
