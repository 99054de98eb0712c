package sms

import (
	"strings"
	"testing"
	"unicode"

	"porchlight/bridge"
)

func TestEveryKnownCodeIsExplainedInPlainWords(t *testing.T) {
	for code := range failures {
		f := Explain(code)
		first := []rune(f.Sentence)
		switch {
		case f.Sentence == "" || f.Code != code || f.Class == "":
			t.Errorf("%s: incomplete: %+v", code, f)
		case strings.HasSuffix(f.Sentence, ".") || unicode.IsLower(first[0]):
			t.Errorf("%s: %q", code, f.Sentence)
		case len(first) > 80:
			t.Errorf("%s: %d characters are too many for a line", code, len(first))
		case isNumber(code) && f.Link != "https://www.twilio.com/docs/api/errors/"+code:
			t.Errorf("%s: link %q", code, f.Link)
		case f.BadAddress && f.CanRetry():
			t.Errorf("%s: a bad address will not get better", code)
		case f.Class == bridge.OurSide && f.CanRetry():
			t.Errorf("%s: settings come before another try", code)
		case f.Delay > 0 && f.Class != bridge.Temporary:
			t.Errorf("%s: a delay without another try", code)
		case f.Delay > bridge.KeepTrying:
			t.Errorf("%s: a delay past the end of the delivery", code)
		}
	}
}

// listed are the codes of Twilio that Porchlight promises to explain.
const listed = `11200 11205 11210 11220 11237 11750 11751 12100 12300 14107 20003 20404 20429 20500 20503 21211 21212 21408 21602
21603 21604 21606 21608 21609 21610 21611 21612 21614 21617 21620 21623 21635 21654 21655 21656 21703 21704 21705 30001 30002 30003
30004 30005 30006 30007 30008 30009 30010 30011 30017 30018 30019 30022 30023 30024 30025 30026 30027 30032 30033 30034 30035 30036
30045 30047 30410 30450 30610 30640 57012 63001 63003 63005 63007 63016 63018 63021 63024 63036 63038 90007`

func TestNoListedCodeIsMissing(t *testing.T) {
	for code := range strings.FieldsSeq(listed) {
		if _, ok := failures[code]; !ok {
			t.Errorf("%s has no words of its own", code)
		}
	}
}

func TestUnknownCodeIsNamedAndLinked(t *testing.T) {
	f := Explain("39999")
	if !strings.Contains(f.Sentence, "39999") || f.Link == "" || f.Class == bridge.Temporary {
		t.Errorf("%+v", f)
	}
	if f := Explain(""); f.Sentence != "Twilio gave no reason" || f.Link != "" {
		t.Errorf("%+v", f)
	}
	if f := Explain("../x"); f.Link != "" {
		t.Errorf("%+v", f)
	}
}

func TestFailuresLeadToTheStepThatHelps(t *testing.T) {
	for code, want := range map[string]struct {
		class bridge.FailureClass
		step  bridge.NextStep
		retry bool
	}{
		"30003": {bridge.Temporary, bridge.StepRetry, true},
		"30004": {bridge.Permanent, bridge.StepEmail, false},
		"30005": {bridge.Permanent, bridge.StepFixNumber, false},
		"30006": {bridge.Permanent, bridge.StepEmail, false},
		"30007": {bridge.Content, bridge.StepEdit, false},
		"30008": {bridge.Temporary, bridge.StepRetry, true},
		"30034": {bridge.OurSide, bridge.StepSettings, false},
		"21610": {bridge.Consent, bridge.StepEmail, false},
		"21211": {bridge.Permanent, bridge.StepFixNumber, false},
		"20429": {bridge.Temporary, bridge.StepRetry, true},
		"30410": {bridge.Permanent, bridge.StepRetry, true}, // a person may, the program must not
	} {
		f := Explain(code)
		if f.Class != want.class || f.Step != want.step || f.CanRetry() != want.retry {
			t.Errorf("%s: %+v", code, f)
		}
	}
}
