package bridge

import (
	"slices"
	"testing"
)

var (
	aPhone = Address{Channel: SMS, Value: "+14155550134", Answerable: true}
	anMail = Address{Channel: Email, Value: "priya@example.com", Answerable: true}
)

func channelsOf(ways []Way) (out []Channel) {
	for _, w := range ways {
		out = append(out, w.Channel)
	}
	return out
}

func TestWaysAreTheKindsBestFirstAndABlockedTextLast(t *testing.T) {
	stopped, bounced, landline := aPhone, anMail, aPhone
	stopped.OptedOut, bounced.Problem, landline.Problem = true, "Their mailbox refused it", "Landline: it cannot receive texts"
	for _, tt := range []struct {
		name      string
		kind      Kind
		portalOff bool
		noMailbox bool
		addresses []Address
		want      []Channel
	}{
		{"everything works", KindCustomer, false, false, []Address{aPhone, anMail}, []Channel{SMS, Email, Portal}},
		{"they texted STOP", KindCustomer, false, false, []Address{stopped, anMail}, []Channel{Email, SMS, Portal}},
		{"a landline", KindCustomer, false, false, []Address{landline, anMail}, []Channel{Email, SMS, Portal}},
		{"the mailbox bounced", KindCustomer, false, false, []Address{aPhone, bounced}, []Channel{SMS, Portal}},
		{"email is not connected", KindCustomer, false, true, []Address{aPhone, anMail}, []Channel{SMS, Portal}},
		{"the portal is off, so a mail leads nowhere", KindCustomer, true, false, []Address{aPhone, anMail}, []Channel{SMS}},
		{"no address", KindCustomer, false, false, nil, []Channel{SMS, Portal}},
		{"a kind without texts", KindJob, false, false, []Address{aPhone, anMail}, []Channel{Email, Portal}},
		{"a kind without mails", KindPartner, false, false, []Address{aPhone, anMail}, []Channel{SMS, Portal}},
		{"nothing is left, so it is kept", KindJob, true, false, []Address{aPhone}, []Channel{Portal}},
		{"among colleagues", KindTeam, false, false, nil, []Channel{Inbox}},
	} {
		s := NewSettings(Trades)
		s.PortalOn = !tt.portalOff
		got := channelsOf(Ways(s, s.Policy(tt.kind), Contact{Addresses: tt.addresses}, "", !tt.noMailbox))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A wish picks among what the kind allows and what works, and decides nothing else.
func TestTheContactsWishComesLast(t *testing.T) {
	stopped := aPhone
	stopped.OptedOut = true
	for _, tt := range []struct {
		name      string
		kind      Kind
		wish      Told
		addresses []Address
		want      []Channel
	}{
		{"the kind's best", KindCustomer, ToldByKind, []Address{aPhone, anMail}, []Channel{SMS}},
		{"by email", KindCustomer, ToldByEmail, []Address{aPhone, anMail}, []Channel{Email}},
		{"by both", KindCustomer, ToldByBoth, []Address{aPhone, anMail}, []Channel{SMS, Email}},
		{"by both, and one works", KindCustomer, ToldByBoth, []Address{stopped, anMail}, []Channel{Email}},
		{"not at all", KindCustomer, ToldNothing, []Address{aPhone, anMail}, []Channel{Portal}},
		{"by text, but they texted STOP", KindCustomer, ToldByText, []Address{stopped, anMail}, []Channel{Email}},
		{"by text, but the kind sends none", KindJob, ToldByText, []Address{aPhone, anMail}, []Channel{Email}},
		{"by email, but the kind sends none", KindPartner, ToldByEmail, []Address{aPhone, anMail}, []Channel{SMS}},
	} {
		s := NewSettings(Trades)
		s.PortalOn = true
		ways := Ways(s, s.Policy(tt.kind), Contact{Addresses: tt.addresses}, "", true)
		if got := channelsOf(Tell(s, ways, tt.wish)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestWhatNobodyWishesForIsStillDecidedByTheStrongerRules(t *testing.T) {
	f := fine(KindCustomer)
	f.Contact.Told = ToldByText
	f.Contact.Addresses[0].OptedOut = true
	f.Ways = Ways(f.Settings, f.Settings.Policy(KindCustomer), f.Contact, "", false)
	f.Tell = Tell(f.Settings, f.Ways, f.Contact.Told)
	if !f.Use(SMS) {
		t.Fatal("a blocked text is not among the ways, so nobody can say why")
	}
	if d := Decide(staffActor(Owner), DoReply, f); d.Rule != RuleConsent || d.Code != "opted_out" {
		t.Errorf("a wish for texts stands above STOP: %+v", d)
	}
	if f.Use(Voice) {
		t.Error("a way that there is not was taken")
	}
	f.By, f.To = Email, Address{}
	if d := Decide(staffActor(Owner), DoRetry, f); d.Code != "no_email" {
		t.Errorf("a mail to nowhere: %+v", d)
	}
}
