package staff

import (
	"slices"
	"strconv"
	"strings"

	"porchlight/bridge"
	"porchlight/templates"
)

// failed is the delivery whose failure a message shows: one to the other side before
// an alert to the team.
func failed(ds []bridge.Delivery) (bridge.Delivery, bool) {
	var bad []bridge.Delivery
	for _, d := range ds {
		if stalled(d) {
			bad = append(bad, d)
		}
	}
	if len(bad) == 0 {
		return bridge.Delivery{}, false
	}
	if i := slices.IndexFunc(bad, func(d bridge.Delivery) bool { return d.Purpose != bridge.ForAlert }); i >= 0 {
		bad = slices.DeleteFunc(bad, func(d bridge.Delivery) bool { return d.Purpose == bridge.ForAlert })
	}
	return telling(bad), true
}

// newFailure explains a failure and offers what helps, and nothing that cannot.
func (s *Inbox) newFailure(d bridge.Delivery, all []bridge.Delivery, to shownTo) *templates.Failure {
	base := "/inbox/d/" + strconv.FormatInt(int64(d.ID), 10)
	f := &templates.Failure{DismissURL: base + "/dismiss", RetryText: "Try again"}
	theirs := d.Purpose != bridge.ForAlert && d.Contact == to.contact.ID
	if theirs {
		f.InsteadURL, f.Instead = base+"/retry", instead(d, all, to.ways)
	}
	why := s.explain(d)
	switch {
	case d.State == bridge.Unknown:
		f.Sentence = "Nobody knows whether this arrived: the carrier's answer was lost"
		f.Advice = "Call to make sure, or send it again if twice does no harm."
		f.RetryURL, f.RetryText = base+"/retry", "Send again"
	case d.State == bridge.Expired:
		f.Sentence = "It could not be sent for hours, so Porchlight stopped trying"
		f.Advice = "Read it once more: is it still right to send?"
		f.RetryURL = base + "/retry"
	default:
		f.Sentence, f.Code, f.Link, f.Advice = why.Sentence, d.Code, why.Link, advice(why, d.Channel, len(f.Instead) > 0)
		mended := theirs && to.answers(d.Channel) != "" && to.answers(d.Channel) != d.To
		if why.CanRetry() || why.Class == bridge.OurSide || mended {
			f.RetryURL = base + "/retry"
		}
		f.FixNumber = theirs && (why.BadAddress || why.Step == bridge.StepFixNumber)
	}
	call := d.State == bridge.Unknown || d.State != bridge.Expired &&
		(why.Step == bridge.StepCall || why.Step == bridge.StepEmail || why.Class == bridge.Permanent || why.Class == bridge.Consent)
	if phone := to.phone(d); call && phone != "" {
		f.CallHref = "tel:" + phone
	}
	if f.FixText = "Fix the number"; d.Channel == bridge.Email {
		f.FixText = "Fix the address"
	}
	if !theirs {
		elsewhere(f, d, to, why)
	} else if o, ok := otherway(d, all); ok {
		f.Advice = "The " + strings.ToLower(wayName(o)) + " tells them instead."
	}
	return f
}

// otherway is a delivery that tells the same person in another way, and did not fail.
func otherway(d bridge.Delivery, all []bridge.Delivery) (bridge.Delivery, bool) {
	i := slices.IndexFunc(all, func(o bridge.Delivery) bool {
		return o.Channel != d.Channel && o.Contact == d.Contact && o.Purpose == d.Purpose && !o.State.Failure() && o.State != bridge.Unknown && (o.State != bridge.Canceled || carried(o))
	})
	if i < 0 {
		return bridge.Delivery{}, false
	}
	return all[i], true
}

// explain is the carrier's reason in words.
func (s *Inbox) explain(d bridge.Delivery) bridge.Failure {
	if words := s.in.Words[d.Channel]; words != nil {
		return words.Explain(d.Code)
	}
	return bridge.Failure{Code: d.Code, Sentence: "The carrier gave no reason", Class: bridge.Temporary, Step: bridge.StepRetry}
}

// elsewhere words the failure of what was not for the contact whose conversation it
// is: an alert to the team, or word to others who take part.
func elsewhere(f *templates.Failure, d bridge.Delivery, to shownTo, why bridge.Failure) {
	what := "text"
	if d.Channel == bridge.Email {
		what = "email"
	}
	reason := ""
	if d.State != bridge.Unknown && d.State != bridge.Expired {
		reason = ": " + why.Sentence
	}
	f.Sentence = "The " + what + " to " + to.whom(d) + " did not arrive"
	if d.State == bridge.Unknown {
		f.Sentence = "Nobody knows whether the " + what + " to " + to.whom(d) + " arrived"
	}
	if d.Purpose != bridge.ForAlert {
		f.Sentence += reason
		return
	}
	f.CallHref, f.Advice = "", "The message itself is here, and nothing of it is lost."
	if reason != "" {
		f.Advice = why.Sentence + ". " + f.Advice
	}
	f.RetryURL = f.DismissURL[:len(f.DismissURL)-len("/dismiss")] + "/retry"
}

// phone is whom to call about a delivery: its own number, or the contact's.
func (to shownTo) phone(d bridge.Delivery) string {
	if d.Channel == bridge.SMS {
		return d.To
	}
	if d.Contact != to.contact.ID {
		return ""
	}
	for _, a := range to.contact.Addresses {
		if _, err := bridge.ParsePhone(a.Value); err == nil && a.Channel == bridge.SMS {
			return a.Value
		}
	}
	return ""
}

// instead are the other ways that a message can go which has not gone them yet.
func instead(d bridge.Delivery, all []bridge.Delivery, ways []bridge.Way) (out []templates.Choice) {
	for _, w := range ways {
		gone := slices.ContainsFunc(all, func(o bridge.Delivery) bool { return o.Channel == w.Channel && o.Contact == d.Contact })
		switch {
		case w.Channel == d.Channel, gone, !w.To.Usable():
		case w.Channel == bridge.Email:
			out = append(out, templates.Choice{Value: string(w.Channel), Text: "Email instead", Hint: "email"})
		case w.Channel == bridge.SMS:
			out = append(out, templates.Choice{Value: string(w.Channel), Text: "Text instead", Hint: "sms"})
		}
	}
	return out
}

// advice is the next best step in words.
func advice(f bridge.Failure, ch bridge.Channel, other bool) string {
	mail := ch == bridge.Email
	switch f.Step {
	case bridge.StepRetry:
		return "Try again in a few minutes, or call."
	case bridge.StepEmail:
		if other {
			return "Send it by email, or call."
		}
		return "Call, or add a mobile number or an email in the contact panel."
	case bridge.StepCall:
		return "Call instead."
	case bridge.StepFixNumber:
		if mail {
			return "Check the address with the customer."
		}
		return "Check the number with the customer."
	case bridge.StepEdit:
		return "Write it in other words: fewer links, no all capitals."
	case bridge.StepSettings:
		if mail {
			return "Whoever looks after the mail server has to mend this."
		}
		return "Whoever looks after the Twilio account has to mend this."
	case bridge.StepNone:
	}
	return ""
}
