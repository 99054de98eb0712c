package staff

import (
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// takeOver takes a conversation from the AI receptionist.
func (s *Inbox) takeOver(c *gin.Context) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err == nil {
		err = s.in.TakeOver(c.Request.Context(), me(c), id)
	}
	return s.answer(c, id, err)
}

// giveBack gives a conversation to the AI receptionist.
func (s *Inbox) giveBack(c *gin.Context) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err == nil {
		err = s.in.GiveBack(c.Request.Context(), me(c), id)
	}
	return s.answer(c, id, err)
}

// receptionistBanner says that the AI receptionist has the conversation, or had it, and
// lets the reader take over.
func receptionistBanner(reader bridge.Staff, f *bridge.Facts) []templates.Banner {
	c := &f.Conversation
	b := templates.Banner{Tone: "ai", Icon: "spark"}
	switch {
	case c.Hold != 0:
		b.Text = "The AI receptionist answers here. What you send takes over."
	case c.AIHandoff && c.Assignee == 0:
		b.Text = "Handed over by the AI receptionist. Nobody has taken it yet."
	default:
		return nil
	}
	if bridge.Decide(reader.Actor(), bridge.DoTakeOver, f).Allowed() {
		b.Action, b.Href = "Take over", "/inbox/c/"+strconv.FormatInt(int64(c.ID), 10)+"/take-over"
	}
	return []templates.Banner{b}
}

// newCard is what a message stands for besides itself; nil for almost all.
func newCard(m bridge.Message, now time.Time) *templates.Card {
	switch {
	case m.Handoff != nil:
		return handoffCard(m, now)
	case m.Call != nil:
		return callCard(m, now)
	}
	return nil
}

func handoffCard(m bridge.Message, now time.Time) *templates.Card {
	h := m.Handoff
	v := &templates.Card{Icon: "spark", Title: "AI handoff", AI: true, Text: h.Summary, Recording: h.Recording}
	if h.Urgency != "" {
		v.Badges = append(v.Badges, templates.Badge{Text: h.Urgency.Title() + " urgency", Icon: "info"})
		if h.Urgency.Urgent() {
			v.Badges[0] = templates.Badge{Tone: "danger", Icon: "flag", Text: h.Urgency.Title()}
		}
	}
	fact := func(label, value string) {
		if value != "" {
			v.Facts = append(v.Facts, templates.Fact{Label: label, Value: value})
		}
	}
	fact("Wants", h.Intent)
	fact("Why", h.Reason)
	if h.Callback != "" {
		v.Facts = append(v.Facts, templates.Fact{Label: "Call back", Value: bridge.PrettyAddress(h.Callback), Call: callHref(h.Callback)})
	}
	if h.Name != m.Author.Name {
		fact("Name", h.Name)
	}
	fact("Email", h.Email)
	for _, f := range h.Facts {
		fact(f.Label, f.Value)
	}
	v.Small = strings.Join(cardFacts(h, now), " · ")
	v.Turns = newTurns(m, h.StartedAt, now)
	return v
}

// cardFacts are the small print of a call: how long, when, who answered.
func cardFacts(h *bridge.Handoff, now time.Time) (out []string) {
	if h.Duration > 0 {
		out = append(out, intake.TalkTime(h.Duration))
	}
	if !h.StartedAt.IsZero() {
		out = append(out, templates.NewStamp(h.StartedAt, now).Text)
	}
	if h.Agent != "" {
		out = append(out, h.Agent)
	}
	if h.Ended != "" {
		out = append(out, strings.ReplaceAll(strings.ReplaceAll(h.Ended, "_", " "), "-", " "))
	}
	return out
}

func callCard(m bridge.Message, now time.Time) *templates.Card {
	v := &templates.Card{Icon: "voice", Title: "Missed call"}
	if m.Call.State == bridge.Voicemail {
		v.Title = "Missed call with voicemail"
	}
	if from := m.Call.From; from != "" {
		v.Facts = []templates.Fact{{Label: "Call back", Value: bridge.PrettyAddress(from), Call: callHref(from)}}
	}
	for _, f := range m.Folded {
		for _, a := range f.Attachments {
			v.Media = append(v.Media, newAttachment(a, "/inbox/file/"))
		}
		if len(f.Attachments) > 0 {
			v.Voicemail, v.Small = f.Body, f.Body
		} else {
			v.Text = f.Body
		}
	}
	if at := m.Call.TextedAt; !at.IsZero() {
		v.Small = strings.TrimPrefix(v.Small+" · Texted back at "+templates.NewStamp(at, now).Text, " · ")
	}
	return v
}

// callHref is the address that calls a number; empty for what is none.
func callHref(number string) string {
	if p, err := bridge.ParsePhone(number); err == nil {
		return "tel:" + string(p)
	}
	return ""
}

// newTurns is what was said in a call.
func newTurns(m bridge.Message, start, now time.Time) (out []templates.Turn) {
	for _, f := range m.Folded {
		if f.Direction != bridge.In && f.Direction != bridge.Out {
			continue // the summary
		}
		t := templates.Turn{ID: f.ID, Who: f.Author.Name, AI: f.Author.Kind == bridge.ByAI, Text: f.Body, At: templates.NewStamp(f.At, now)}
		if d := f.At.Sub(start); !start.IsZero() && d >= 0 && d < 24*time.Hour {
			t.Offset = strconv.Itoa(int(d.Minutes())) + ":" + time.Unix(int64(d.Seconds())%60, 0).UTC().Format("05")
		}
		out = append(out, t)
	}
	return out
}
