package staff

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// messagesPerPage is what opens at once; the rest loads upwards.
const messagesPerPage = 50

// messagesFromTop is what opens at once where a conversation opens at its top.
const messagesFromTop = 500

func (s *Inbox) conversation(c *gin.Context) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	v, from := viewOf(c), placeInLog{number[bridge.MessageID](c.Query("before")), number[bridge.MessageID](c.Query("at")), number[bridge.MessageID](c.Query("after"))}
	p, err := s.inboxPage(c, v, func(tx *data.Tx) (templates.Conversation, error) {
		return s.newConversation(tx, me(c), v, id, from)
	})
	if err != nil {
		return err
	}
	return s.Page(c, http.StatusOK, "inbox", p)
}

// A placeInLog is where a conversation opens: before a message, around one, after
// one, or, as its zero value, at the newest.
type placeInLog struct{ before, at, after bridge.MessageID }

// older is what stands before a message, for a log that is scrolled up.
func (s *Inbox) older(c *gin.Context) error {
	return s.page(c, "X-Older", func(tx *data.Tx, id bridge.ConversationID) ([]bridge.Message, string, error) {
		ms, err := tx.Messages(id, number[bridge.MessageID](c.Query("before")), messagesPerPage+1)
		ms, older := split(ms, id, messagesPerPage)
		return ms, older, err
	})
}

// later is what stands after a message, for a log that was opened in the past.
func (s *Inbox) later(c *gin.Context) error {
	return s.page(c, "X-Later", func(tx *data.Tx, id bridge.ConversationID) ([]bridge.Message, string, error) {
		ms, err := tx.MessagesAfter(id, number[bridge.MessageID](c.Query("after")), messagesPerPage+1)
		if len(ms) <= messagesPerPage {
			return ms, "", err
		}
		ms = ms[:messagesPerPage]
		return ms, laterURL(id, ms[len(ms)-1].ID), err
	})
}

func laterURL(id bridge.ConversationID, after bridge.MessageID) string {
	return "/inbox/c/" + strconv.FormatInt(int64(id), 10) + "/later?after=" + strconv.FormatInt(int64(after), 10)
}

// page answers with more of a log, and says in a header where the rest is.
func (s *Inbox) page(c *gin.Context, header string, read func(*data.Tx, bridge.ConversationID) ([]bridge.Message, string, error)) error {
	id, err := web.ID[bridge.ConversationID](c, "id")
	if err != nil {
		return err
	}
	var ms []bridge.Message
	var rest string
	var to shownTo
	err = s.look(c.Request.Context(), func(tx *data.Tx) error {
		conv, err := tx.Conversation(me(c), id)
		if err != nil {
			return err
		}
		if to, err = s.showing(tx, me(c), conv); err != nil {
			return err
		}
		ms, rest, err = read(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	c.Header(header, rest)
	return s.Fragment(c, http.StatusOK, "items", templates.NewItems(s.messages(ms, to)))
}

// split takes the one message more than a page holds off its old end, and gives
// the URL of what is before the page.
func split(ms []bridge.Message, id bridge.ConversationID, most int) ([]bridge.Message, string) {
	if len(ms) <= most {
		return ms, ""
	}
	ms = ms[len(ms)-most:]
	return ms, olderURL(id, ms[0].ID)
}

// newConversation is everything that the page of one conversation shows.
func (s *Inbox) newConversation(tx *data.Tx, reader bridge.Staff, v bridge.View, id bridge.ConversationID, from placeInLog) (templates.Conversation, error) {
	view, conv, err := s.newFrame(tx, reader, v, id)
	if err != nil {
		return view, err
	}
	if from.at != 0 { // what is folded behind a call opens at the call
		if from.at, err = tx.Head(from.at); err != nil {
			return view, err
		}
	}
	ms, err := readLog(tx, &view, from)
	if err != nil {
		return view, err
	}
	to, err := s.showing(tx, reader, conv)
	if err != nil {
		return view, err
	}
	view.Items = templates.NewItems(s.messages(ms, to))
	if from == (placeInLog{}) {
		markNew(view.Items, conv.Unread)
	}
	for i := range view.Items {
		view.Items[i].At = from.at != 0 && view.Items[i].Message.ID == from.at
	}
	return view, nil
}

// readLog reads what the log opens with, and says where the rest is. What is before
// a message or after it opens so for browsers without JavaScript.
func readLog(tx *data.Tx, view *templates.Conversation, from placeInLog) ([]bridge.Message, error) {
	var ms []bridge.Message
	var older, later bool
	var err error
	switch {
	case from.at != 0:
		ms, older, later, err = tx.MessagesAround(view.ID, from.at, messagesPerPage)
	case from.after != 0:
		if ms, err = tx.MessagesAfter(view.ID, from.after, messagesPerPage+1); len(ms) > messagesPerPage {
			ms, later = ms[:messagesPerPage], true
		}
		older = len(ms) > 0
	default:
		most := messagesPerPage
		if view.FromTop { // opens at its first message, so it comes whole
			most = messagesFromTop
		}
		if ms, err = tx.Messages(view.ID, from.before, most+1); err != nil {
			return nil, err
		}
		ms, view.Older = split(ms, view.ID, most)
		later = from.before != 0 && len(ms) > 0
	}
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	if older {
		view.Older = olderURL(view.ID, ms[0].ID)
	}
	if later {
		view.Later = laterURL(view.ID, ms[len(ms)-1].ID)
	}
	return ms, nil
}

func olderURL(id bridge.ConversationID, before bridge.MessageID) string {
	return "/inbox/c/" + strconv.FormatInt(int64(id), 10) + "/older?before=" + strconv.FormatInt(int64(before), 10)
}

// markNew puts the "New" divider before the first of the unread messages.
func markNew(items []templates.Item, unread int64) {
	for i := len(items) - 1; i >= 0 && unread > 0; i-- {
		if items[i].Message.Side != "in" {
			continue
		}
		if unread--; unread == 0 {
			items[i].New, items[i].Grouped = true, false
		}
	}
}

// newFrame is the conversation without its messages: header, banners, composer and
// details, which change together.
func (s *Inbox) newFrame(tx *data.Tx, reader bridge.Staff, v bridge.View, id bridge.ConversationID) (templates.Conversation, bridge.Conversation, error) {
	conv, err := tx.Conversation(reader, id)
	if err != nil {
		return templates.Conversation{}, conv, err
	}
	facts, err := s.in.Facts(tx, reader, conv)
	if err != nil {
		return templates.Conversation{}, conv, err
	}
	now := s.now()
	view := templates.Conversation{
		ID: id, Rev: conv.Rev, Href: conversationURL(v, id), BackHref: listURL(v), View: v,
		Title: conv.TitleFor(reader), Initials: bridge.Initials(conv.TitleFor(reader)), State: conv.State,
		Urgent: conv.Urgent, Unread: conv.Unread, Assignee: conv.Assignee, Held: conv.Held,
		FromTop: facts.Settings.Policy(conv.Kind).FromTop, Sub: subtitle(conv), Can: newCan(reader, &facts),
	}
	if p := facts.To.Pretty(); view.Sub == "" && p != conv.Title {
		view.Sub = p
	}
	switch conv.State {
	case bridge.Snoozed:
		view.StateText = "Snoozed until " + soon(conv.SnoozedUntil, now)
	case bridge.Waiting:
		view.StateText = "Waiting for an answer"
	case bridge.Closed:
		view.StateText = "Closed"
	}
	if view.Can.Organise {
		view.Snoozes = snoozes(now)
		if view.Team, err = team(tx, reader); err != nil {
			return view, conv, err
		}
	}
	line := bridge.Line{}
	if facts.By == bridge.SMS {
		if line, err = tx.SendingLine(conv.Line); err != nil {
			return view, conv, err
		}
	}
	view.Banners = append(receptionistBanner(reader, &facts), banners(conv, facts)...)
	if view.Composer, err = s.newComposer(tx, reader, v, facts, line); err != nil {
		return view, conv, err
	}
	view.Details, err = s.newDetails(tx, reader, &facts, line)
	return view, conv, err
}

// newCan says which controls the reader has, as Decide does.
func newCan(reader bridge.Staff, f *bridge.Facts) templates.Can {
	may := func(do bridge.Action, f *bridge.Facts) bool { return bridge.Decide(reader.Actor(), do, f).Allowed() }
	adding := *f
	adding.Who = bridge.Actor{Kind: bridge.ByStaff, Role: bridge.Owner, Active: true}
	contact := adding
	contact.Who = bridge.Actor{Kind: bridge.ByContact, Side: bridge.Customer, Active: true}
	return templates.Can{
		Organise: may(bridge.DoClose, f),
		Edit:     f.Contact.ID != 0 && may(bridge.DoEditContact, f),
		GiveBack: f.Conversation.Hold == 0 && may(bridge.DoGiveBack, f),
		Add:      may(bridge.DoAddParticipant, &adding) || may(bridge.DoAddParticipant, &contact),
	}
}

// team is whom a conversation may be assigned to, the reader first.
func team(tx *data.Tx, reader bridge.Staff) (out []templates.Person, err error) {
	all, err := tx.Staff()
	for _, p := range all {
		if p.Active && p.ID != reader.ID {
			out = append(out, web.NewPerson(p))
		}
	}
	mine := web.NewPerson(reader)
	mine.Name += " (you)"
	return slices.Insert(out, 0, mine), err
}

func banners(c bridge.Conversation, f bridge.Facts) (b []templates.Banner) {
	if c.Held {
		b = append(b, templates.Banner{Tone: "warn", Icon: "ban", Text: "Sending is on hold here. Notes still work."})
	}
	for _, w := range f.Ways {
		if w.Channel != bridge.SMS || w.To.Value == "" {
			continue
		}
		by := "."
		if f.By == bridge.Email {
			by = ". Answers go by email."
		}
		if w.To.OptedOut {
			b = append(b, templates.Banner{Tone: "danger", Icon: "ban", Text: c.Title + " texted STOP. Texts to " + w.To.Pretty() + " are blocked" + by})
		} else if w.To.Problem != "" {
			b = append(b, templates.Banner{Tone: "warn", Icon: "alert", Text: "The last text to " + w.To.Pretty() + " failed: " + w.To.Problem + by})
		}
	}
	return b
}

// snoozes are the ready-made times: later today, tomorrow morning, next week.
func snoozes(now time.Time) []templates.Choice {
	at := func(days, hour int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, hour, 0, 0, 0, now.Location())
	}
	monday := (int(time.Monday) - int(now.Weekday()) + 7) % 7
	if monday == 0 {
		monday = 7
	}
	out := []templates.Choice{}
	add := func(t time.Time, text string) {
		out = append(out, templates.Choice{Value: t.Format(time.RFC3339), Text: text, Hint: soon(t, now)})
	}
	later := now.Add(3 * time.Hour).Truncate(time.Minute)
	if later.Before(at(1, 0)) {
		add(later, "Later today")
	}
	add(at(1, 8), "Tomorrow morning")
	if monday > 1 { // on a Sunday that is tomorrow
		add(at(monday, 8), "Monday morning")
	}
	return out
}
