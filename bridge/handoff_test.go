package bridge

import (
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"testing"
	"testing/quick"
	"time"
)

func TestUrgencyIsReadAsReceptionistsSayIt(t *testing.T) {
	for said, want := range map[string]Urgency{
		"low": LowUrgency, "P4": LowUrgency, "not urgent": LowUrgency, "none": LowUrgency, "normal": NormalUrgency, " Medium ": NormalUrgency, "no": NormalUrgency, "FALSE": NormalUrgency,
		"high": HighUrgency, "Urgent": HighUrgency, "ASAP": HighUrgency, "true": HighUrgency, "same day": HighUrgency, "emergency": Emergency, "Critical": Emergency, "p1": Emergency,
		"": "", "whenever": "", "5": "",
	} {
		if got := ParseUrgency(said); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
	for i, u := range Urgencies {
		if ParseUrgency(string(u)) != u || ParseUrgency(u.Title()) != u || u.Title() == "" || u.Urgent() != (i >= 2) {
			t.Errorf("%q: title %q, urgent %t", u, u.Title(), u.Urgent())
		}
	}
	if u := Urgency(""); u.Urgent() || u.Title() != "" {
		t.Error("no urgency says something")
	}
}

func TestCallersAreNumbersOrWithheldAndNeverGuessed(t *testing.T) {
	for said, want := range map[string]Phone{
		"+14155550134": "+14155550134", " +1 (415) 555-0134 ": "+14155550134", "sip:+14155550134": "+14155550134",
		"": "", " ": "", "anonymous": "", "Anonymous": "", "RESTRICTED": "", "private": "", "Unavailable": "", "unknown": "", "No Caller ID": "", "sip:anonymous@anonymous.invalid": "", "unknown@unknown.invalid": "",
		"+266696687": "", "+7378742833": "", "+2562533": "", "+8656696": "", "+86282452253": "",
	} {
		if got, err := ParseCaller(said); got != want || err != nil {
			t.Errorf("%q is %q, %v; want %q", said, got, err, want)
		}
	}
	for _, said := range []string{"4155550134", "29372", "ACME", "+1415", "+0123456789", "anonymously", "sip:alice@example.com", "+1415555013x"} {
		if got, err := ParseCaller(said); err == nil || got != "" {
			t.Errorf("%q is %q", said, got)
		}
	}
}

func TestHoursAreReadAsPeopleWriteThem(t *testing.T) {
	for written, want := range map[string]string{
		"": "[[] [] [] [] [] [] []]", "  ": "[[] [] [] [] [] [] []]",
		"Mon-Fri 08:00-17:00, Sat 09:00-12:00":   "[[] [{480 1020}] [{480 1020}] [{480 1020}] [{480 1020}] [{480 1020}] [{540 720}]]",
		"mon 8:00-12:00, 13:00-17:00":            "[[] [{480 720} {780 1020}] [] [] [] [] []]",
		"Monday – Tuesday 08:00 - 17:00":         "[[] [{480 1020}] [{480 1020}] [] [] [] []]",
		"Sat-Sun 00:00-24:00":                    "[[{0 1440}] [] [] [] [] [] [{0 1440}]]",
		"Fri-Mon 09:00-10:00":                    "[[{540 600}] [{540 600}] [] [] [] [{540 600}] [{540 600}]]",
		"Fri 20:00-24:00, Saturday 00:00-02:00 ": "[[] [] [] [] [] [{1200 1440}] [{0 120}]]",
	} {
		if h, err := ParseHours(written); err != nil || fmt.Sprint(h) != want {
			t.Errorf("%q is %v, %v; want %s", written, h, err, want)
		}
	}
	for _, written := range []string{"always", "08:00-17:00", "Mon", "Mon 8-17", "Mon 17:00-08:00", "Mon 08:00-08:00", "Mon 08:00-25:00", "Mon 08:00", ",", "Mon 08:00-17:00,", "Xyz 08:00-17:00", "Mo 08:00-17:00", "Mon-Xyz 08:00-17:00", "Mon 24:00-24:00", "Mon -", "-"} {
		if h, err := ParseHours(written); err == nil {
			t.Errorf("%q is %v", written, h)
		}
	}
}

func TestHoursAreOpenFromTheirBeginningUntilJustBeforeTheirEnd(t *testing.T) {
	h, err := ParseHours("Mon-Fri 08:00-12:00, 13:00-17:00, Sat 20:00-24:00")
	if err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for after, want := range map[string]bool{
		"7h59m": false, "8h": true, "11h59m59s": true, "12h": false, "13h": true, "16h59m": true, "17h": false, "139h59m": false, "140h": true, "143h59m": true, "144h": false, "150h": false,
	} {
		d, err := time.ParseDuration(after)
		if err != nil {
			t.Fatal(err)
		}
		if at := monday.Add(d); h.Open(at) != want {
			t.Errorf("%s: open %t", at.Format("Mon 15:04:05"), !want)
		}
	}
	if always := (Hours{}); !always.Open(monday) {
		t.Error("no hours at all are closed")
	}
}

// somePieces are pieces of one call that contradict each other in everything, many of
// the same moment.
type somePieces []Handoff

func (somePieces) Generate(r *rand.Rand, _ int) reflect.Value {
	word := func() string { return []string{"", "", "a", "b", "c"}[r.Intn(5)] }
	start := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	out := make(somePieces, r.Intn(6))
	for i := range out {
		h := &out[i]
		h.At = start.Add(time.Duration(r.Intn(2)) * time.Second)
		for _, to := range []*string{&h.Agent, &h.From, &h.To, &h.Name, &h.Email, &h.Reason, &h.Intent, &h.Summary, &h.Callback, &h.Recording, &h.Ended} {
			*to = word()
		}
		h.Urgency, h.Channel = []Urgency{"", LowUrgency, Emergency}[r.Intn(3)], []Channel{"", Voice, SMS}[r.Intn(3)]
		h.Duration = time.Duration(r.Intn(3)) * time.Second
		if r.Intn(2) == 0 {
			h.StartedAt = start.Add(time.Duration(r.Intn(2)) * time.Minute)
		}
		for range r.Intn(3) {
			h.Facts = append(h.Facts, Fact{word(), word()})
		}
	}
	return reflect.ValueOf(out)
}

func TestPiecesSayTheSameTogetherInWhateverOrderTheyCome(t *testing.T) {
	if err := quick.Check(func(pieces somePieces, seed int64) bool {
		want := Together(pieces)
		for r := rand.New(rand.NewSource(seed)); r.Intn(20) > 0; {
			r.Shuffle(len(pieces), reflect.Swapper(pieces))
			again := slices.Concat(pieces, pieces[:r.Intn(len(pieces)+1)]) // some come twice
			if got := Together(again); !reflect.DeepEqual(got, want) {
				t.Logf("%+v\n%+v", got, want)
				return false
			}
		}
		return true
	}, &quick.Config{MaxCount: 500}); err != nil {
		t.Error(err)
	}
}

func TestLaterWordsHoldAndWhatIsNotSaidTakesNothingAway(t *testing.T) {
	at := func(s int) time.Time { return time.Date(2026, 11, 22, 14, 0, s, 0, time.UTC) }
	pieces := []Handoff{
		{At: at(2), Summary: "late", Facts: []Fact{{"Floor", "4"}}},
		{At: at(1), Summary: "early", Name: "Tom", Urgency: HighUrgency, Facts: []Fact{{"Floor", "3"}, {"Pets", "a dog"}}},
		{At: at(0), StartedAt: at(0), Duration: time.Minute, Ended: "hung up"},
	}
	got := Together(pieces)
	want := Handoff{At: at(2), Summary: "late", Name: "Tom", Urgency: HighUrgency, StartedAt: at(0), Duration: time.Minute, Ended: "hung up", Facts: []Fact{{"Floor", "4"}, {"Pets", "a dog"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if pieces[0].Summary != "late" || pieces[0].Facts[0].Value != "4" || pieces[1].Facts[0].Value != "3" {
		t.Errorf("the pieces were changed: %+v", pieces)
	}
	var many []Handoff
	for i := range 3 * MaxFacts {
		many = append(many, Handoff{At: at(i), Facts: []Fact{{fmt.Sprint(i), "x"}}})
	}
	if n := len(Together(many).Facts); n != MaxFacts {
		t.Errorf("%d facts together", n)
	}
	if got := Together(nil); !reflect.DeepEqual(got, Handoff{}) {
		t.Errorf("nothing says %+v", got)
	}
}

func TestTurnsWithoutATimeStayInOrder(t *testing.T) {
	end := time.Date(2026, 11, 22, 14, 1, 0, 0, time.UTC)
	h := Handoff{At: end, Duration: time.Minute, Turns: []Turn{{Text: "a", At: -1}, {Text: "b", At: -1}, {Text: "c", At: 3 * time.Second}}}
	began := end.Add(-time.Minute)
	for n, want := range []time.Time{began, began.Add(time.Millisecond), began.Add(3 * time.Second)} {
		if got := h.When(n); !got.Equal(want) {
			t.Errorf("turn %d was said at %v, want %v", n, got, want)
		}
	}
	if h.StartedAt = began.Add(time.Second); !h.When(0).Equal(h.StartedAt) {
		t.Errorf("a call that began at %v has a first turn at %v", h.StartedAt, h.When(0))
	}
}

func TestAHandoffSaysSomethingWhenPeopleCouldActOnIt(t *testing.T) {
	for _, h := range []Handoff{{}, {From: "+14155550134", Name: "Tom", At: time.Now(), Duration: time.Minute, Ended: "hung up", Urgency: Emergency}} {
		if h.Says() {
			t.Errorf("%+v says something", h)
		}
	}
	for _, h := range []Handoff{{Summary: "a"}, {Callback: "a"}, {Email: "a"}, {Intent: "a"}, {Reason: "a"}, {Facts: []Fact{{"a", "b"}}}, {Turns: []Turn{{Text: "a"}}}} {
		if !h.Says() {
			t.Errorf("%+v says nothing", h)
		}
	}
	if (&Handoff{}).Caller() != "Withheld number" || (&Handoff{Name: "Tom"}).Caller() != "Tom" || !(&Handoff{}).Withheld() {
		t.Error("who calls is called otherwise")
	}
}
