package staff

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/templates"
)

// How far a message has come: in a few words under its bubble, and step by step in the
// history on its time. A text or a mail is never read by itself: only a page in which
// the message was in view says so.

// stalled reports whether a delivery waits for somebody to deal with it.
func stalled(d bridge.Delivery) bool {
	return (d.State.Failure() || d.State == bridge.Unknown && d.NextAt.IsZero()) && !d.Handled
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

// clock prints a moment beside a message: without its day where that is the message's.
func clock(at, beside, now time.Time) string {
	s := templates.NewStamp(at, now)
	if s.Day == templates.NewStamp(beside, now).Day {
		return s.Clock[:len("15:04")]
	}
	return s.Text
}

// howFar is how an outgoing message stands: the worst of its ways first, then what
// the other side has seen.
func howFar(m bridge.Message, to shownTo, now time.Time) (state, icon, text string) {
	var words []string
	state, icon = "sent", "tick"
	if m.Channel == bridge.Portal {
		text = "In the portal"
	}
	order := []string{"canceled", "sent", "delivered", "queued", "unknown", "failed"}
	for _, ch := range []bridge.Channel{bridge.SMS, bridge.Email} {
		ds := slices.DeleteFunc(slices.Clone(m.Deliveries), func(d bridge.Delivery) bool { return d.Channel != ch || d.Purpose == bridge.ForAlert })
		if len(ds) == 0 {
			continue
		}
		st, ic, w := stateWords(telling(ds), m, now)
		if len(words) == 0 || slices.Index(order, st) > slices.Index(order, state) {
			state, icon = st, ic
		}
		words = append(words, w)
	}
	bad := state == "failed" || state == "unknown"
	had, read, all := seen(m, to, now)
	switch {
	case read != "" && bad:
		return state, icon, words[0] + " · " + read
	case read != "" && all:
		return "read", "ticks", join(had, read)
	case read != "":
		return "delivered", "ticks", join(had, read)
	case had != "" && !bad && !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "Delivered") }):
		if words = append([]string{had}, words...); state == "sent" || state == "canceled" {
			state, icon = "delivered", "ticks"
		}
	}
	if len(words) > 0 {
		text = strings.Join(words, " · ")
	}
	if text == "" {
		return "", "", ""
	}
	return state, icon, text
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + " · " + b
}

// seen says when a message was there for the other side, and when and by whom it was
// read. all: everybody of the other side has read it.
func seen(m bridge.Message, to shownTo, now time.Time) (had, read string, all bool) {
	var first, last time.Time
	earlier := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	people := map[bridge.ContactID]bool{}
	for id := range to.names {
		people[id] = false
	}
	var readers []bridge.Seen
	for _, v := range m.Views {
		if v.Contact == 0 || m.Author.Kind == bridge.ByContact && m.Author.ID == int64(v.Contact) {
			continue
		}
		earlier(v.DeliveredAt)
		if people[v.Contact] = !v.ReadAt.IsZero(); people[v.Contact] {
			readers = append(readers, v)
			if last = v.ReadAt; readers[0].ReadAt.After(last) {
				readers[0] = v
			}
		}
	}
	for _, d := range m.Deliveries {
		if d.Channel == bridge.SMS && d.Purpose == bridge.ForMessage {
			earlier(d.DeliveredAt)
		}
	}
	if !first.IsZero() {
		had = "Delivered " + clock(first, m.At, now)
	}
	switch at := func() string { return clock(readers[0].ReadAt, m.At, now) }; {
	case len(readers) == 0:
	case len(people) == 1:
		read = "Read " + at()
	case len(readers) == 1:
		read = "Read by " + to.name(readers[0].Contact, readers[0].Name) + " " + at()
	case len(readers) == len(people):
		read = "Read by all " + strconv.Itoa(len(people))
	default:
		read = "Read by " + strconv.Itoa(len(readers)) + " of " + strconv.Itoa(len(people))
	}
	if read == "Read "+strings.TrimPrefix(had, "Delivered ") {
		had = "" // it came up in front of them
	}
	return had, read, len(readers) == len(people)
}

// name is what a contact is called, also one who has left.
func (to shownTo) name(id bridge.ContactID, otherwise string) string {
	if n := to.names[id]; n != "" {
		return n
	}
	if otherwise != "" {
		return otherwise
	}
	return "the contact"
}

// stateWords says how one delivery of a message stands.
func stateWords(d bridge.Delivery, m bridge.Message, now time.Time) (state, icon, text string) {
	if d.Channel == bridge.Email {
		return mailWords(d, m, now)
	}
	switch d.State {
	case bridge.Queued:
		if wait := d.NextAt; d.Attempts == 0 && wait.Sub(d.CreatedAt) > time.Minute {
			return "queued", "clock", "Leaves at " + clock(wait, m.At, now)
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
	case bridge.Delivered, bridge.Read:
		if d.DeliveredAt.IsZero() {
			return "delivered", "ticks", "Delivered"
		}
		return "delivered", "ticks", "Delivered " + clock(d.DeliveredAt, m.At, now)
	case bridge.Canceled:
		return "canceled", "info", "Not sent"
	}
	return "failed", "alert", "Not delivered"
}

// mailWords is stateWords for a mail, which only says that there is a message.
func mailWords(d bridge.Delivery, m bridge.Message, now time.Time) (state, icon, text string) {
	switch d.State {
	case bridge.Queued:
		if d.Attempts > 0 {
			return "queued", "clock", "Trying the email again"
		}
		return "queued", "clock", "Email leaves at " + clock(d.NextAt, m.At, now)
	case bridge.Sending:
		return "queued", "clock", "Sending the email"
	case bridge.Unknown:
		if d.NextAt.IsZero() {
			return "unknown", "alert", "Email: not known"
		}
		return "unknown", "clock", "Email: waiting for the mail server"
	case bridge.Sent:
		return "sent", "tick", "Email sent"
	case bridge.Delivered, bridge.Read:
		return "sent", "tick", "Email delivered"
	case bridge.Canceled:
		switch {
		case carried(d):
			return "queued", "clock", "Email leaves at " + clock(d.NextAt, m.At, now)
		case readBy(m, d.Contact):
			return "sent", "tick", "Email not needed: read in the portal"
		}
		return "sent", "tick", "Email not sent"
	}
	return "failed", "alert", "Email not delivered"
}

// carried reports whether a mail has not left because a later one, which waits, says
// it too.
func carried(d bridge.Delivery) bool {
	return d.State == bridge.Canceled && d.CarriedBy != 0 && d.SettledAt.IsZero()
}

func readBy(m bridge.Message, who bridge.ContactID) bool {
	return slices.ContainsFunc(m.Views, func(v bridge.Seen) bool { return v.Contact == who && who != 0 && !v.ReadAt.IsZero() })
}

// history is the life of a message, step by step: each way that it went, to whom, and
// who has seen it when.
func history(m bridge.Message, to shownTo, now time.Time) (out []templates.Step) {
	add := func(at time.Time, text string) {
		if !at.IsZero() {
			out = append(out, templates.Step{At: templates.NewStamp(at, now), Text: text})
		}
	}
	for _, d := range m.Deliveries {
		tail := ""
		if len(m.Deliveries) > 1 {
			tail = ": " + strings.ToLower(wayName(d)) + " to " + to.whom(d)
		}
		deliveryHistory(d, m, wayName(d)+" queued for "+to.recipient(d), tail, add)
	}
	for _, v := range m.Views {
		who := v.Name
		if v.Contact != 0 {
			who = to.name(v.Contact, v.Name)
		}
		if v.Contact != 0 && !v.DeliveredAt.Equal(v.ReadAt) {
			add(v.DeliveredAt, "Shown in the portal of "+who)
		}
		add(v.ReadAt, who+" read it")
	}
	slices.SortStableFunc(out, func(a, b templates.Step) int { return int(a.At.Sort - b.At.Sort) })
	return out
}

// deliveryHistory gives the steps of one delivery to add. tail says which of several.
func deliveryHistory(d bridge.Delivery, m bridge.Message, queued, tail string, add func(time.Time, string)) {
	id := ""
	if d.CarrierID != "" {
		id = " · " + d.CarrierID
	}
	add(d.CreatedAt, queued)
	sent := "Accepted by the carrier"
	if d.Segments > 1 {
		sent += ", " + strconv.Itoa(d.Segments) + " parts"
	}
	if d.Attempts > 1 {
		sent += ", try " + strconv.Itoa(d.Attempts)
	}
	if d.DeliveredAt.IsZero() && !d.State.Failure() {
		tail += id
	}
	add(d.SentAt, sent+tail)
	if d.DeliveredAt.IsZero() && !d.State.Failure() {
		tail = strings.TrimSuffix(tail, id)
	} else {
		tail += id
	}
	add(d.DeliveredAt, "Delivered"+tail)
	switch {
	case d.State.Failure():
		text := "Not delivered"
		if d.Code != "" {
			text += ", code " + d.Code
		}
		add(d.SettledAt, text+tail)
	case carried(d):
		add(d.CreatedAt, "The next email says this too")
	case d.State == bridge.Canceled && d.Channel == bridge.Email && readBy(m, d.Contact):
		add(d.SettledAt, "Email not needed: read in the portal")
	case d.State == bridge.Canceled:
		add(d.SettledAt, "Not sent"+tail)
	}
}

func wayName(d bridge.Delivery) string {
	if d.Channel == bridge.Email {
		return "Email"
	}
	return "Text"
}

// whom names who a delivery is for.
func (to shownTo) whom(d bridge.Delivery) string {
	switch {
	case d.Contact != 0:
		return to.name(d.Contact, bridge.PrettyAddress(d.To))
	case d.Purpose == bridge.ForAlert && d.Channel == bridge.SMS:
		return "the phone on duty"
	}
	return bridge.PrettyAddress(d.To)
}

// recipient names who a delivery is for where that is not clear, and the address.
func (to shownTo) recipient(d bridge.Delivery) string {
	at := bridge.PrettyAddress(d.To)
	if who := to.whom(d); who != at && (len(to.names) > 1 || d.Contact == 0) {
		return who + ", " + at
	}
	return at
}
