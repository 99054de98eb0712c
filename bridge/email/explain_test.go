package email_test

import (
	"strings"
	"testing"

	"porchlight/bridge"
	"porchlight/bridge/email"
)

func TestCodesAreExplainedInWords(t *testing.T) {
	for code, want := range map[string]struct {
		class bridge.FailureClass
		bad   bool
	}{
		"5.1.1":           {bridge.Permanent, true},
		"5.1.2":           {bridge.Permanent, true},
		"5.1.3":           {bridge.Permanent, true},
		"5.1.10":          {bridge.Permanent, true},
		"5.2.1":           {bridge.Permanent, true},
		"5.2.2":           {bridge.Permanent, false},
		"5.3.4":           {bridge.Content, false},
		"5.7.1":           {bridge.OurSide, false},
		"5.7.26":          {bridge.OurSide, false},
		"550":             {bridge.Permanent, false},
		"421":             {bridge.Temporary, false},
		email.CodeAuth:    {bridge.OurSide, false},
		email.CodeTLS:     {bridge.OurSide, false},
		email.CodeConnect: {bridge.Temporary, false},
		email.CodeLost:    {bridge.Permanent, false},
		email.CodeAddress: {bridge.Permanent, true},
		// Those that are in no table.
		"5.1.99":  {bridge.Permanent, false},
		"5.6.7":   {bridge.Content, false},
		"5.7.509": {bridge.OurSide, false},
		"5.9.9":   {bridge.Permanent, false},
		"4.9.9":   {bridge.Temporary, false},
		"499":     {bridge.Temporary, false},
		"599":     {bridge.Permanent, false},
		"":        {bridge.Permanent, false},
		"huh":     {bridge.Permanent, false},
	} {
		f := email.Explain(code)
		if f.Class != want.class || f.BadAddress != want.bad || f.Code != code || f.Sentence == "" || strings.HasSuffix(f.Sentence, ".") || f.Step == bridge.StepNone {
			t.Errorf("%q: %+v", code, f)
		}
	}
}

// A mail whose answer was lost may have arrived, so that no program may send it again.
func TestLostAnswerIsNotTemporary(t *testing.T) {
	if f := email.Explain(email.CodeLost); f.Class == bridge.Temporary || !f.CanRetry() {
		t.Errorf("%+v", f)
	}
}

func FuzzExplain(f *testing.F) {
	for _, code := range []string{"5.1.1", "550", "", "5.", "..", "4.7.1", "auth", "x.y.z", "55\xff"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		if e := email.Explain(code); e.Sentence == "" || e.Class == "" || e.Code != code {
			t.Errorf("%q: %+v", code, e)
		}
	})
}
