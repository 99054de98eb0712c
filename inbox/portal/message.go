package portal

import (
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/templates"
)

// A viewer prints messages for one contact.
type viewer struct {
	p     *Portal
	who   bridge.Contact
	words templates.Words
	now   time.Time
	roles map[int64]string // of the team, in words
}

func (p *Portal) viewer(tx *data.Tx, c *gin.Context, who bridge.Contact) (v viewer, err error) {
	v = viewer{p, who, p.words(c, who), p.today(who), map[int64]string{}}
	team, err := tx.Staff()
	for _, s := range team {
		v.roles[int64(s.ID)] = v.words.T(s.Role.Title())
	}
	return v, err
}

// author is whom the portal names: one of the team by first name, oneself as "You".
func (p *Portal) author(w templates.Words, m bridge.Message, who bridge.Contact) string {
	switch m.Author.Kind {
	case bridge.ByContact:
		if m.Author.ID == int64(who.ID) {
			return w.T("You")
		}
		return m.Author.Name
	case bridge.ByAI:
		return w.T("Assistant (automatic)")
	case bridge.ByStaff:
		first, _, _ := strings.Cut(m.Author.Name, " ")
		return first
	case bridge.BySystem:
	}
	return p.Business
}

// message is a message as the contact sees it. first is the first that they have not
// seen; 0: they saw all.
func (v viewer) message(m bridge.Message, into string, first bridge.MessageID) templates.PortalMessage {
	out := templates.PortalMessage{
		Words: v.words, ID: m.ID, Rev: m.Rev, Into: into, Mine: m.Author.Kind == bridge.ByContact && m.Author.ID == int64(v.who.ID),
		AI: m.Author.Kind == bridge.ByAI, Who: v.p.author(v.words, m, v.who), Key: string(m.Author.Kind) + strconv.FormatInt(m.Author.ID, 10),
		Body: bodyOf(v.words, m), At: v.words.Stamp(m.At, v.now),
	}
	v.fold(&out, m)
	if m.Author.Kind == bridge.ByStaff {
		out.Role = v.roles[m.Author.ID]
	}
	for _, a := range m.Attachments {
		out.Files = append(out.Files, newAttachment(a))
	}
	if out.Mine {
		out.ClientID = m.ClientID
		out.State, out.StateFull = v.state(m)
		return out
	}
	out.Unseen = !seenBy(m, v.who.ID) && (first == 0 || m.ID >= first)
	out.Failure = v.failure(m)
	if out.Failure != "" {
		out.FixHref = "/portal/settings#reach"
	}
	return out
}

// bodyOf is what a message says to its contact.
func bodyOf(w templates.Words, m bridge.Message) string {
	switch {
	case m.Handoff != nil && m.Channel == bridge.Voice:
		return w.T("You called, and our automatic assistant answered")
	case m.Handoff != nil:
		return w.T("You wrote with our automatic assistant")
	case m.Call != nil && m.Call.State == bridge.Voicemail:
		return w.T("You called and left us a message")
	case m.Call != nil:
		return w.T("You called, and we missed it")
	}
	return m.Body
}

// fold adds what was said in a call, without the team's own summary.
func (v viewer) fold(out *templates.PortalMessage, m bridge.Message) {
	for _, f := range m.Folded {
		if f.Direction != bridge.In && f.Direction != bridge.Out {
			continue
		}
		for _, a := range f.Attachments {
			out.Files = append(out.Files, newAttachment(a))
		}
		if len(f.Attachments) > 0 {
			continue // the voicemail itself: its body is the team's word for it
		}
		out.Said = append(out.Said, templates.PortalTurn{Who: v.p.author(v.words, f, v.who), AI: f.Author.Kind == bridge.ByAI, Body: f.Body, At: v.words.Stamp(f.At, v.now)})
	}
}

func seenBy(m bridge.Message, who bridge.ContactID) bool {
	for _, s := range m.Views {
		if s.Contact == who && !s.ReadAt.IsZero() {
			return true
		}
	}
	return false
}

// state says when one's own message was there for the team and who read it first. The
// inbox is the team's own page, so it is there as soon as it is stored.
func (v viewer) state(m bridge.Message) (short, full string) {
	there := v.words.T("Delivered %s", v.clock(m.At))
	var first bridge.Seen
	for _, s := range m.Views {
		if s.Staff != 0 && !s.ReadAt.IsZero() && (first.Staff == 0 || s.ReadAt.Before(first.ReadAt)) {
			first = s
		}
	}
	if first.Staff == 0 {
		return v.words.T("Delivered"), there
	}
	name, _, _ := strings.Cut(first.Name, " ")
	read := v.words.T("Read by %s %s", name, v.clock(first.ReadAt))
	return read, there + " · " + read
}

func (v viewer) clock(at time.Time) string { return v.words.Stamp(at, v.now).Text }

// failure says that a message could not reach the reader's phone or mailbox. Those of
// others, and the team's own alerts, are nothing to them.
func (v viewer) failure(m bridge.Message) string {
	for _, d := range m.Deliveries {
		if d.Purpose != bridge.ForMessage || d.Contact != v.who.ID || !d.State.Failure() || d.Handled {
			continue
		}
		if d.Channel == bridge.Email {
			return v.words.T("We could not email you this at %s.", bridge.MaskAddress(d.To))
		}
		return v.words.T("We could not text you this at %s.", bridge.MaskAddress(d.To))
	}
	return ""
}
