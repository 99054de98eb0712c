package staff

import (
	"strconv"
	"time"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// shownTo says for whom messages are printed: the reader, the address that an
// answer goes to now, whether the reader may say which record one is about, and
// which record the conversation is about: what has no other is about that.
type shownTo struct {
	reader   bridge.Staff
	to       string
	mayPlace bool
	record   bridge.RecordID
}

// mayPlace reports whether the reader may say which record a message of the
// conversation is about, and whether the contact has any.
func (s *Inbox) mayPlace(tx *data.Tx, reader bridge.Staff, conv bridge.Conversation) bool {
	if conv.Contact == 0 || !bridge.Decide(reader.Actor(), bridge.DoSeePeople, &bridge.Facts{}).Allowed() {
		return false
	}
	rs, err := tx.RecordsOf(conv.Contact, 1)
	return err == nil && len(rs) > 0
}

func (s *Inbox) messages(ms []bridge.Message, to shownTo) []templates.Message {
	out := make([]templates.Message, len(ms))
	for i, m := range ms {
		out[i] = s.newMessage(m, to, "")
	}
	return out
}

// newMessage is a message as the inbox shows it; into is where the fragment goes.
func (s *Inbox) newMessage(m bridge.Message, to shownTo, into string) templates.Message {
	now := s.now()
	v := templates.Message{
		ID: m.ID, Rev: m.Rev, Into: into, Side: string(m.Direction), AI: m.Author.Kind == bridge.ByAI, Who: m.Author.Name,
		Key: string(m.Author.Kind) + strconv.FormatInt(m.Author.ID, 10) + string(m.Channel), ClientID: m.ClientID,
		Channel: m.Channel, ChannelText: channelText(m), Body: m.Body, At: templates.NewStamp(m.At, now),
	}
	if m.Author.Kind == bridge.ByStaff && m.Direction == bridge.In && m.Author.ID == int64(to.reader.ID) {
		v.Side = string(bridge.Out) // one's own among the team stands on the right, like any other
	}
	v.About = newAbout(m, to)
	for _, f := range m.Attachments {
		v.Media = append(v.Media, newAttachment(f, "/inbox/file/"))
	}
	if m.Direction != bridge.Out || len(m.Deliveries) == 0 {
		return v
	}
	d := telling(m.Deliveries)
	v.State, v.StateIcon, v.StateText = stateWords(d, now)
	if (d.State.Failure() || d.State == bridge.Unknown && d.NextAt.IsZero()) && !d.Handled {
		v.Failure = s.newFailure(d, to.to)
	}
	for _, d := range m.Deliveries {
		v.History = append(v.History, history(d, now)...)
	}
	return v
}

// newAbout says which record a message is about, and lets who may correct it.
func newAbout(m bridge.Message, to shownTo) *templates.About {
	if m.Direction != bridge.In && m.Direction != bridge.Out {
		return nil
	}
	a := &templates.About{Text: m.About.RecordLabel, Because: m.About.Because}
	if to.mayPlace && m.Author.Kind == bridge.ByContact {
		a.Href = "/inbox/m/" + strconv.FormatInt(int64(m.ID), 10) + "/about"
	}
	if a.Text == "" && (a.Href == "" || to.record != 0) {
		return nil
	}
	return a
}

func channelText(m bridge.Message) string {
	switch m.Channel {
	case bridge.SMS:
		return "SMS"
	case bridge.Email:
		return "Email"
	case bridge.Portal:
		return "Portal"
	case bridge.Voice:
		return "Call"
	}
	return ""
}

// telling is the delivery that says how a message stands: of those that nobody
// has dealt with, the one that is worst off. A failure that was sent again counts
// only while its successor does not exist.
func telling(ds []bridge.Delivery) bridge.Delivery {
	best := ds[len(ds)-1]
	weight := func(d bridge.Delivery) int {
		switch {
		case d.Handled && d.State.CanRetry():
			return -1
		case d.State.Failure():
			return 5
		case d.State == bridge.Unknown:
			return 4
		case d.State.Pending():
			return 3
		case d.State == bridge.Sent:
			return 2
		}
		return 1
	}
	for _, d := range ds {
		if weight(d) > weight(best) {
			best = d
		}
	}
	return best
}

func stateWords(d bridge.Delivery, now time.Time) (state, icon, text string) {
	switch d.State {
	case bridge.Queued:
		if wait := d.NextAt; d.Attempts == 0 && wait.Sub(d.CreatedAt) > time.Minute {
			return "queued", "clock", "Leaves at " + wait.In(now.Location()).Format("15:04")
		}
		if d.Attempts > 0 {
			return "queued", "clock", "Trying again"
		}
		return "queued", "clock", "Queued"
	case bridge.Sending:
		return "queued", "clock", "Sending"
	case bridge.Unknown:
		if d.NextAt.IsZero() {
			return "unknown", "alert", "Not known"
		}
		return "unknown", "clock", "Checking with the carrier"
	case bridge.Sent:
		return "sent", "tick", "Sent"
	case bridge.Delivered:
		return "delivered", "ticks", "Delivered"
	case bridge.Read:
		return "read", "ticks", "Read"
	case bridge.Canceled:
		return "canceled", "info", "Not sent"
	}
	return "failed", "alert", "Not delivered"
}

// newFailure explains a failure and offers what helps, and nothing that cannot.
func (s *Inbox) newFailure(d bridge.Delivery, to string) *templates.Failure {
	base := "/inbox/d/" + strconv.FormatInt(int64(d.ID), 10)
	f := &templates.Failure{DismissURL: base + "/dismiss", RetryText: "Try again"}
	switch d.State {
	case bridge.Unknown:
		f.Sentence = "Nobody knows whether this arrived: the carrier's answer was lost"
		f.Advice = "Call to make sure, or send it again if twice does no harm."
		f.RetryURL, f.RetryText, f.CallHref = base+"/retry", "Send again", "tel:"+d.To
		return f
	case bridge.Expired:
		f.Sentence = "It could not be sent for hours, so Porchlight stopped trying"
		f.Advice = "Read it once more: is it still right to send?"
		f.RetryURL = base + "/retry"
		return f
	}
	why := s.in.Words[d.Channel].Explain(d.Code)
	f.Sentence, f.Code, f.Link, f.Advice = why.Sentence, d.Code, why.Link, advice(why)
	if why.CanRetry() || why.Class == bridge.OurSide || to != "" && to != d.To { // somebody has mended it, or the number
		f.RetryURL = base + "/retry"
	}
	if why.Step == bridge.StepCall || why.Step == bridge.StepEmail || why.Class == bridge.Permanent || why.Class == bridge.Consent {
		f.CallHref = "tel:" + d.To
	}
	f.FixNumber = why.BadAddress || why.Step == bridge.StepFixNumber
	return f
}

// advice is the next best step in words.
func advice(f bridge.Failure) string {
	switch f.Step {
	case bridge.StepRetry:
		return "Try again in a few minutes, or call."
	case bridge.StepEmail:
		return "Call, or add a mobile number in the contact panel."
	case bridge.StepCall:
		return "Call instead."
	case bridge.StepFixNumber:
		return "Check the number with the customer."
	case bridge.StepEdit:
		return "Write it in other words: fewer links, no all capitals."
	case bridge.StepSettings:
		return "Whoever looks after the Twilio account has to mend this."
	}
	return ""
}

// history is the life of a delivery, step by step.
func history(d bridge.Delivery, now time.Time) (out []templates.Step) {
	add := func(at time.Time, text string) {
		if !at.IsZero() {
			out = append(out, templates.Step{At: templates.NewStamp(at, now), Text: text})
		}
	}
	add(d.CreatedAt, "Queued for "+bridge.PrettyAddress(d.To))
	sent := "Accepted by the carrier"
	if d.Segments > 1 {
		sent += ", " + strconv.Itoa(d.Segments) + " parts"
	}
	if d.Attempts > 1 {
		sent += ", try " + strconv.Itoa(d.Attempts)
	}
	add(d.SentAt, sent)
	add(d.DeliveredAt, "Delivered")
	if d.State.Failure() {
		text := "Not delivered"
		if d.Code != "" {
			text += ", code " + d.Code
		}
		add(d.SettledAt, text)
	}
	if len(out) > 0 && d.CarrierID != "" {
		out[len(out)-1].Text += " · " + d.CarrierID
	}
	return out
}
