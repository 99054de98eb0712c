package bridge

import (
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"
)

func TestPhonesAreE164AndNeverGuessed(t *testing.T) {
	for in, want := range map[string]Phone{
		"+14155550134": "+14155550134", "+1 (415) 555-0134": "+14155550134", " +44 20 7946 0018 ": "+442079460018", "+1.415.555.0134": "+14155550134",
		"4155550134": "", "": "", "+": "", "+0123456789": "", "29372": "", "ACME": "", "+1415555013x": "", "++14155550134": "", "+1415555013400000": "", "+1415": "",
	} {
		got, err := ParsePhone(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("ParsePhone(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestAddressesAreMaskedInLogs(t *testing.T) {
	for in, want := range map[string]string{"+14155550134": "•••0134", "sam@example.com": "s•••@example.com", "123": "•••", "": "•••"} {
		if got := MaskAddress(in); got != want {
			t.Errorf("MaskAddress(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Phone("+14155550134").LogValue().String(); strings.Contains(got, "415") {
		t.Errorf("a logged phone shows %q", got)
	}
}

func TestConsentKeywordsAreTheWholeMessage(t *testing.T) {
	for body, want := range map[string]Keyword{
		"STOP": Stop, "stop.": Stop, " Stop ": Stop, "STOPALL": Stop, "stop all": Stop, "Opt out": Stop, "opt-out": Stop, "OPTOUT": Stop, "\"unsubscribe\"": Stop,
		"cancel": Stop, "End": Stop, "quit!": Stop, "REVOKE": Stop, "start": Start, "UNSTOP": Start, "help": Help, "Info?": Help,
		"can you stop by at 5?": NoKeyword, "please cancel the Tuesday visit": NoKeyword, "yes": NoKeyword, "": NoKeyword, "start on Monday": NoKeyword,
		"Cancel 10:30": NoKeyword, "start 9": NoKeyword, "stop 2": NoKeyword,
	} {
		if got := ParseKeyword(body, false); got != want {
			t.Errorf("ParseKeyword(%q) = %q, want %q", body, got, want)
		}
	}
	if ParseKeyword("Yes", true) != Start {
		t.Error("YES does not opt in somebody who is opted out")
	}
}

func TestTextIsCleanedForStoreAndPage(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\x00b": "ab", "a\r\nb\rc": "a\nb\nc", "bad \xff byte": "bad \ufffd byte", "tab\tkeeps": "tab\tkeeps", "bell\a": "bell",
	} {
		if got := CleanText(in); got != want {
			t.Errorf("CleanText(%q) = %q, want %q", in, got, want)
		}
	}
	if err := quick.Check(func(s string) bool {
		got := CleanText(s)
		return utf8.ValidString(got) && !strings.ContainsRune(got, 0) && CleanText(got) == got
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestPreviewIsOneShortLine(t *testing.T) {
	long := Message{Body: strings.Repeat("wörter ", 60)}
	if got := long.Preview(); utf8.RuneCountInString(got) != 140 || !strings.HasSuffix(got, "…") {
		t.Errorf("%d characters: %q", utf8.RuneCountInString(got), got)
	}
	if got := (Message{Attachments: []Attachment{{Type: "jpg"}, {ContentType: "image/heic"}}}).Preview(); got != "Photos" {
		t.Errorf("a message of photos only shows %q", got)
	}
	if got := (Message{Body: " two\n\nlines "}).Preview(); got != "two lines" {
		t.Errorf("%q", got)
	}
}

func TestInitialsOfPeopleAndNotOfNumbers(t *testing.T) {
	for in, want := range map[string]string{"Priya Raman": "PR", "oakfield lettings ltd": "OL", "+1 415 555 0166": "", "Ädel": "Ä", "": "", "(sic) Bob": "B"} {
		if got := Initials(in); got != want {
			t.Errorf("Initials(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAnswersGoToThePhoneTheyLastWroteFrom(t *testing.T) {
	short, mobile, work := Address{Channel: SMS, Value: "29372"}, Address{Channel: SMS, Value: "+14155550134", Answerable: true}, Address{Channel: SMS, Value: "+14155550135", Answerable: true}
	email := Address{Channel: Email, Value: "p@example.com", Answerable: true}
	for _, tt := range []struct {
		last string
		all  []Address
		want string
	}{
		{"+14155550135", []Address{email, mobile, work}, "+14155550135"},
		{"", []Address{email, short, mobile, work}, "+14155550134"},
		{"29372", []Address{short, mobile}, "29372"},
		{"", []Address{short}, "29372"},
		{"", []Address{email}, ""},
	} {
		if got := (Contact{Addresses: tt.all}).AnswerTo(tt.last); got.Value != tt.want {
			t.Errorf("last %q: answer to %q, want %q", tt.last, got.Value, tt.want)
		}
	}
}

func TestBackoffGrowsAndEnds(t *testing.T) {
	for n := range 20 {
		if Backoff(n) > Backoff(n+1) || Backoff(n) <= 0 {
			t.Errorf("after %d tries %v, after %d %v", n, Backoff(n), n+1, Backoff(n+1))
		}
	}
}
