package intake_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"porchlight/bridge"
)

var choices = regexp.MustCompile(`(\d) \+1 415 555 (\d{4})`)

// TestNoTextOfAPhoneReachesAnybodyWhomItCannotBeFor lets customers, colleagues and a
// phone on duty write in every order, and holds what customers got against its own
// memory of who could be meant: PORCHLIGHT_TEST_FULL=1 does it 10,000 times instead
// of 150.
func TestNoTextOfAPhoneReachesAnybodyWhomItCannotBeFor(t *testing.T) {
	steps := 150
	if os.Getenv("PORCHLIGHT_TEST_FULL") == "1" {
		steps = 10_000
	}
	eachShift(t, func(s *shift) {
		seed := rand.Uint64()
		s.Logf("seed %d", seed)
		w := &whirl{shift: s, r: rand.New(rand.NewPCG(seed, 0)), told: map[string]time.Time{}, open: map[string]bool{}, sent: map[string]time.Time{}, went: map[string]time.Time{}, faster: map[string]time.Time{}, conv: map[string]bridge.ConversationID{}, allowed: map[string]string{}, reached: map[string]string{}}
		for n := range 5 {
			w.customers = append(w.customers, fmt.Sprintf("+1415555020%d", n))
		}
		for range steps {
			w.step()
		}
		s.Logf("%d texts: %d for the only one who could be meant, %d by choice, %d asked for", w.n, w.alone, w.chosen, w.asks)
		if w.alone == 0 || w.chosen == 0 || w.asks == 0 {
			s.Error("not everything happened")
		}
	})
}

// A whirl is what the test itself remembers of a shift.
type whirl struct {
	*shift
	r         *rand.Rand
	customers []string
	told      map[string]time.Time // when the phone was told of a customer last
	open      map[string]bool      // who waits for an answer
	sent      map[string]time.Time // when a text of the phone was for them last
	went      map[string]time.Time // when one went to them last
	faster    map[string]time.Time // when the office answered them last
	conv      map[string]bridge.ConversationID
	waiting   []string       // texts of which it was asked for whom they are
	askedAt   []time.Time    // when
	numbers   map[int]string // of the last question
	allowed   map[string]string
	reached   map[string]string
	seen      map[string]int // how much of what a customer got was looked at
	last      bridge.Inbound

	n, alone, chosen, asks int
}

func (w *whirl) step() {
	w.Helper()
	w.later([]time.Duration{time.Second, 2 * time.Minute, 15 * time.Minute, 40 * time.Minute, 3 * time.Hour, 30 * time.Hour}[min(w.r.IntN(8), w.r.IntN(8), 5)])
	who := w.customers[w.r.IntN(len(w.customers))]
	switch w.r.IntN(12) {
	case 0, 1, 2:
		w.conv[who] = w.writes(who, "A question").Conversation
		w.told[who], w.open[who] = w.clock, true
	case 3:
		if id := w.conv[who]; id != 0 {
			w.answers(w.jo, id, "From the office")
			w.open[who], w.faster[who] = false, w.clock
		}
	case 4:
		if id := w.conv[who]; id != 0 && w.open[who] {
			w.must(w.Close(w.Context(), w.jo, id))
			w.open[who] = false
		}
	case 5:
		if w.last.CarrierID != "" { // the carrier posts it again
			last := w.last
			w.phone(last.Body, func(m *bridge.Inbound) { *m = last })
		}
	case 6, 7, 8:
		w.picks(w.r.IntN(len(w.numbers) + 2))
	default:
		w.n++
		body := fmt.Sprintf("Text no. %d", w.n)
		w.says(body, w.only())
	}
	w.look()
}

// only is the one customer whom a text of the phone can be for now; empty: there are
// several, or none.
func (w *whirl) only() string {
	var waits, all []string
	for who, at := range w.told {
		if w.clock.Sub(at) > 48*time.Hour {
			continue
		}
		all = append(all, who)
		// Whom it wrote to in the last hour may be meant, and whom the office was faster with: that was
		// answered at any time since, or closed when the phone had just been told.
		faster := w.faster[who].After(at) && w.faster[who].After(w.went[who])
		closed := w.clock.Sub(at) < time.Hour
		if said, wrote := w.sent[who]; w.open[who] || wrote && w.clock.Sub(said) < time.Hour || faster || closed {
			waits = append(waits, who)
		}
	}
	if len(waits) == 0 {
		waits = all
	}
	if len(waits) == 1 {
		return waits[0]
	}
	return ""
}

func (w *whirl) says(body, only string) {
	w.Helper()
	had := len(w.got[only])
	word := w.phone(body, func(m *bridge.Inbound) { w.last = *m })
	w.allowed[body] = only
	switch {
	case strings.HasPrefix(word, "For whom "):
		if only != "" {
			w.Errorf("%q can be only for %s, and it asks: %q", body, only, word)
		}
		w.asks++
		w.waiting, w.askedAt, w.numbers = append(w.waiting, body), append(w.askedAt, w.clock), map[int]string{}
		for _, m := range choices.FindAllStringSubmatch(word, -1) {
			n, err := strconv.Atoi(m[1])
			w.must(err)
			w.numbers[n] = "+1415555" + m[2]
		}
	case only != "":
		w.sent[only] = w.clock // also where it was stopped: the same again is for them
		if len(w.got[only]) > had {
			w.alone++
			w.open[only], w.went[only] = false, w.clock
		}
	}
}

func (w *whirl) picks(n int) {
	w.Helper()
	var open []string
	for i, body := range w.waiting {
		if w.clock.Sub(w.askedAt[i]) < time.Hour {
			open = append(open, body)
		}
	}
	body := strconv.Itoa(n)
	if len(open) == 0 { // it is a text like others, with words that occur once
		w.n++
		w.says(fmt.Sprintf("Text no. %d", w.n), w.only())
		return
	}
	who := w.numbers[n]
	for _, waits := range open {
		if who != "" {
			w.allowed[waits] = who
		}
	}
	had := len(w.got[who])
	word := w.phone(body, func(m *bridge.Inbound) { w.last = *m })
	switch {
	case n == 0:
		w.waiting, w.askedAt = nil, nil
	case who == "":
		w.words(word, "Answer with a number")
	default:
		w.waiting, w.askedAt, w.sent[who] = nil, nil, w.clock
		if len(w.got[who]) > had {
			w.chosen++
			w.open[who], w.went[who] = false, w.clock
		}
	}
}

// look holds what customers got since the last time against what was allowed.
func (w *whirl) look() {
	w.Helper()
	if w.seen == nil {
		w.seen = map[string]int{}
	}
	for phone, got := range w.got {
		for _, body := range got[w.seen[phone]:] {
			if body == "From the office" {
				continue
			}
			if before, twice := w.reached[body]; twice {
				w.Errorf("%q reached %s and %s", body, before, phone)
			}
			if w.reached[body] = phone; w.allowed[body] != phone {
				w.Errorf("%q reached %s, and was meant for %q", body, phone, w.allowed[body])
			}
		}
		w.seen[phone] = len(got)
	}
}
