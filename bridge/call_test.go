package bridge

import "testing"

func TestACallMovesForwardOnlyOverAllPairs(t *testing.T) {
	moves := map[[2]CallState]bool{
		{Ringing, Answered}: true, {Ringing, Missed}: true, {Missed, Voicemail}: true,
	}
	for _, from := range CallStates {
		for _, word := range append(CallStates[:], "", "invented") {
			to, moved := from.By(word)
			want := from
			if moves[[2]CallState{from, word}] {
				want = word
			}
			if to != want || moved != (want != from) {
				t.Errorf("%q by %q is %q (%t), want %q", from, word, to, moved, want)
			}
		}
	}
}

func TestWithheldNumbersAreNobodys(t *testing.T) {
	for s, want := range map[string]Phone{
		"": "", "anonymous": "", "Anonymous": "", "ANONYMOUS@anonymous.invalid": "", "sip:anonymous@anonymous.invalid": "", "Restricted": "", " private ": "",
		"+266696687": "", "266696687": "", "+7378742833": "", "+8656696": "", "+86282452253": "",
		"+14155550134": "+14155550134", "+1 (415) 555-0134": "+14155550134", "+26669668": "+26669668",
	} {
		if got, err := ParseCaller(s); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", s, got, err, want)
		}
	}
	for _, s := range []string{"sip:bob@example.com", "client:maria", "4155550134", "anonymously"} {
		if got, err := ParseCaller(s); err == nil {
			t.Errorf("%q is %q", s, got)
		}
	}
}

func TestCallSettingsAreBounded(t *testing.T) {
	long := string(make([]byte, 601))
	for name, c := range map[string]CallSettings{
		"ring shorter than anybody walks": {Ring: 4}, "ring for ever": {Ring: 121}, "ring backwards": {Ring: -1},
		"a long greeting": {Greeting: long}, "a long voicemail greeting": {VoicemailGreeting: long}, "a long text": {TextBack: long},
	} {
		if c.check() == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for _, c := range []CallSettings{{}, {Ring: 5}, {Ring: 120, NoScreen: true, Greeting: long[:600]}} {
		if err := c.check(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
