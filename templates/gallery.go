package templates

import (
	"fmt"
	"time"

	"porchlight/bridge"
)

// Gallery is the page that shows every component in every state. It is what the
// pictures, the accessibility check and the budget are taken of.
type Gallery struct {
	Shell
	Tabs     Tabs
	Rows     []Row
	Full     Conversation // an open conversation with every kind of bubble
	Blocked  Conversation // one that cannot be answered by text
	Stranger Conversation // a number without a name
	Conflict Composer
	Refused  Composer
	Badges   []Badge
	Banners  []Banner
	Empties  []Empty
	Setup    []SetupStep
}

// GalleryPage is the gallery as of now. All people in it are made up; all numbers
// are from the range kept for fiction.
func GalleryPage(now time.Time) Gallery {
	full, blocked, stranger := exampleOpen(now), exampleOpen(now), exampleOpen(now)
	blocked.ID, blocked.Title, blocked.Initials, blocked.State, blocked.StateText, blocked.Urgent = 902, "Grace Lindqvist", "GL", bridge.Closed, "Closed", false
	blocked.Items, blocked.Older = blocked.Items[:2], ""
	blocked.Banners = []Banner{{Tone: "danger", Icon: "ban", Text: "Grace texted STOP. Texts to this number are blocked until she texts START."}}
	blocked.Composer = Composer{Action: "#", DraftURL: "#", Conv: 902, Title: "Grace Lindqvist", Blocked: "They texted STOP, so texts to this number are blocked", Fix: "Call them, or wait until they text START"}
	blocked.Details = Details{Name: "Grace Lindqvist", Title: "Grace Lindqvist", Initials: "GL", Since: "Customer since March 2026", RenameURL: "#", AddURL: "#",
		Addresses: []Address{{"Mobile", "+1 415 555 0188", "tel:+14155550188", &Badge{"danger", "ban", "Opted out"}}, {"Mobile", "+1 415 555 0172", "tel:+14155550172", &Badge{"warn", "phone", "Landline"}}, {"Sender", "72345", "", &Badge{"", "ban", "Cannot be answered"}}}}
	blocked.Items = rename(blocked.Items, 9000)
	stranger.ID, stranger.Title, stranger.Initials, stranger.Sub, stranger.Urgent, stranger.Banners = 903, "+1 415 555 0166", "", "No name yet", false, nil
	stranger.Items, stranger.Older, stranger.Assignee = nil, "", 0
	stranger.Composer = Composer{Action: "#", DraftURL: "#", Conv: 903, Title: "+1 415 555 0166", Note: true, NoteDraft: "Called on Friday about a tap, ask for the address", Hint: "Text to +1 415 555 0166"}
	stranger.Details = Details{Title: "+1 415 555 0166", Since: "First text today", RenameURL: "#", AddURL: "#", Addresses: []Address{{"Mobile", "+1 415 555 0166", "tel:+14155550166", nil}}}
	g := Gallery{
		Shell: Shell{Title: "Gallery", Business: "Brightwater Plumbing", Section: "gallery", Demo: true, Today: now.Format("20060102"), Me: exampleTeam()[0]},
		Tabs:  exampleTabs(), Rows: exampleRows(now), Full: full, Blocked: blocked, Stranger: stranger,
		Conflict: Composer{Action: "#", DraftURL: "#", Conv: 904, Title: "Luis Ferreira", Hint: "Text to +1 415 555 0134 from +1 415 555 0100", Conflict: &Conflict{Body: "Great, see you at eight then.", Client: "0f", LastSeen: 77,
			Items: []Item{{Message: Message{ID: 77, Side: "in", Who: "Luis Ferreira", Body: "Sorry, could we make it Thursday instead?", At: NewStamp(now.Add(-time.Minute), now)}}}}},
		Refused: Composer{Action: "#", DraftURL: "#", Conv: 905, Title: "Tom Becker", Draft: "A very long text …", Hint: "Text to +1 415 555 0155 from +1 415 555 0100", Error: "This is more than 10 texts long. Shorten it, or send it in parts."},
		Badges: []Badge{{"danger", "flag", "Urgent"}, {"ai", "spark", "AI handoff"}, {"danger", "alert", "Not delivered"}, {"", "ban", "Opted out"}, {"warn", "clock", "Waiting"},
			{"", "moon", "Until Mon 08:00"}, {"", "user", "Maya"}, {"ok", "tick", "Receives texts"}, {"sms", "sms", "SMS"}, {"email", "email", "Email"}, {"portal", "portal", "Portal"}},
		Banners: []Banner{{Tone: "ai", Icon: "spark", Text: "Handed over by the AI receptionist: burst pipe, the stopcock is stuck."}, {Tone: "danger", Icon: "ban", Text: "They texted STOP. Texts are blocked."}, {Tone: "warn", Icon: "moon", Text: "Outside business hours. A text now reaches them at 22:40."}, {Tone: "ok", Icon: "tick", Text: "They texted START: texts work again."}, {Tone: "", Icon: "info", Text: "Maya closed this on Friday."}},
		Empties: []Empty{{Title: "All caught up", Text: "New texts land here."}, {Title: "No unassigned conversations", Text: "Everything has somebody.", Action: "Show all open", Href: "#"}},
		Setup:   []SetupStep{{Text: "Connect texting", Href: "#", Done: true}, {Text: "Invite the team", Href: "#"}, {Text: "Try the demo phone", Href: "#"}},
	}
	return g
}

// ExampleInbox is an inbox with an open conversation, for pictures and tests.
func ExampleInbox(now time.Time) InboxPage {
	open := exampleOpen(now)
	rows := exampleRows(now)
	rows[0].ID, rows[0].Current = open.ID, true
	return InboxPage{
		Shell: Shell{Title: open.Title, Business: "Brightwater Plumbing", Rev: 41, Me: exampleTeam()[0], Section: "inbox", Demo: true, Today: now.Format("20060102")},
		View:  bridge.ViewOpen, Tabs: exampleTabs(), Rows: rows, More: "/inbox/more?view=open&before=1", Open: &open,
		Empty: Empty{Title: "All caught up", Text: "New texts land here."},
	}
}

func exampleTeam() []Person {
	return []Person{{1, "Sam Ortiz", "SO", "Owner"}, {2, "Maya Quinn", "MQ", "Office admin"}, {3, "Jo Abara", "JA", "Tradie"}}
}

func exampleTabs() Tabs {
	counts := map[bridge.View]string{bridge.ViewOpen: "7", bridge.ViewMine: "3", bridge.ViewUnassigned: "2", bridge.ViewAttention: "2"}
	t := Tabs{Rev: 41}
	for _, v := range bridge.Views {
		t.Tabs = append(t.Tabs, Tab{v, v.Title(), "/inbox?view=" + string(v), counts[v], v == bridge.ViewOpen})
	}
	return t
}

func exampleRows(now time.Time) []Row {
	at := func(d time.Duration) Stamp { return NewStamp(now.Add(-d), now) }
	urgent, ai, failed := Badge{"danger", "flag", "Urgent"}, Badge{"ai", "spark", "AI handoff"}, Badge{"danger", "alert", "Not delivered"}
	who := func(name string) Badge { return Badge{"", "user", name} }
	rows := []Row{
		{Title: "Priya Raman", Initials: "PR", Channel: bridge.SMS, Sub: "+1 415 555 0134", Preview: "Yes please. Here is a photo of the gauge.", Unread: 2, Last: at(3 * time.Minute), Badges: []Badge{who("Sam")}},
		{Title: "Tom Becker", Initials: "TB", Channel: bridge.SMS, Sub: "+1 415 555 0155", Preview: "Water coming through the kitchen ceiling, stopcock stuck", Unread: 1, Last: at(12 * time.Minute), Badges: []Badge{urgent, ai}},
		{Title: "Oakfield Lettings", Initials: "OL", Channel: bridge.SMS, Sub: "+1 415 555 0142", Preview: "You: Hi, Maya from Brightwater Plumbing. Could you", Last: at(58 * time.Minute), Badges: []Badge{failed, who("Maya")}},
		{Title: "+1 415 555 0166", Channel: bridge.SMS, Preview: "hi do you do tap replacements in Westbrook", Unread: 1, Last: at(100 * time.Minute)},
		{Title: "Northside Dental", Initials: "ND", Channel: bridge.SMS, Sub: "+1 415 555 0119", Preview: "Which engineer is coming on Thursday?", Draft: true, Last: at(26 * time.Hour), Badges: []Badge{who("Sam")}},
		{Title: "Grace Lindqvist", Initials: "GL", Channel: bridge.SMS, Sub: "+1 415 555 0188", Preview: "You: Shall I hold the March start date for you?", Last: at(3 * 24 * time.Hour), Badges: []Badge{{"warn", "clock", "Waiting"}, {"", "ban", "Opted out"}, who("Sam")}, More: 1},
		{Title: "The Honourable Bartholomew Featherstonehaugh-Cholmondeley of Westbrook", Initials: "TH", Channel: bridge.Voice, Sub: "+1 415 555 0190", Preview: "Missed call, 0:42 voicemail", Last: at(20 * 24 * time.Hour), Badges: []Badge{{"", "moon", "Until Mon 08:00"}}},
	}
	for i := range rows {
		rows[i].ID, rows[i].Rev = bridge.ConversationID(i+1), int64(30+i)
		rows[i].Href = fmt.Sprintf("/inbox/c/%d?view=open", i+1)
	}
	return rows
}

// exampleOpen has a bubble of every kind and state.
func exampleOpen(now time.Time) Conversation {
	var ms []Message
	add := func(ago time.Duration, m Message) {
		m.ID, m.Rev, m.At = bridge.MessageID(len(ms)+50), 40, NewStamp(now.Add(-ago), now)
		if m.Side != "event" && m.Side != "note" {
			m.Channel, m.ChannelText = bridge.SMS, "SMS"
		}
		m.Key = m.Who + " sms"
		ms = append(ms, m)
	}
	steps := func(ago time.Duration, words ...string) (out []Step) {
		for i, w := range words {
			out = append(out, Step{NewStamp(now.Add(-ago+time.Duration(i)*2*time.Second), now), w})
		}
		return out
	}
	day := 26 * time.Hour
	add(day, Message{Side: "in", Who: "Priya Raman", Body: "Hi, the boiler makes a knocking noise and the pressure is down to 0.4. Is somebody free this week?"})
	add(day-time.Minute, Message{Side: "out", AI: true, Who: "AI receptionist", Body: "I am an automatic assistant. The office opens at 08:00 and will answer you then. Is anyone without heating right now?", State: "delivered", StateIcon: "ticks", StateText: "Delivered"})
	add(day-2*time.Minute, Message{Side: "in", Who: "Priya Raman", Body: "No, it is fine until tomorrow"})
	add(day-3*time.Minute, Message{Side: "event", Body: "Maya assigned this to Sam"})
	add(day-4*time.Minute, Message{Side: "note", Who: "Maya Quinn", Body: "She has a baby at home, so please do not let it slide.\nWarranty until March, photos in https://example.com/jobs/1042"})
	add(4*time.Hour, Message{Side: "in", Who: "Priya Raman", Body: "Called, and spoke with the AI receptionist", Card: &Card{Icon: "spark", Title: "AI handoff", AI: true, Badges: []Badge{{"danger", "flag", "Emergency"}},
		Text: "Water is coming through the kitchen ceiling and the stopcock is stuck. She wants somebody today and is at home.", Small: "2 min 10 s · 13:58 · Ava · customer ended call", Recording: "https://example.com/recordings/7.mp3",
		Facts: []Fact{{"Wants", "Burst pipe", ""}, {"Call back", "+1 415 555 0177", "tel:+14155550177"}, {"Best time", "Any time before six", ""}},
		Turns: []Turn{{61, "Ava", true, "Brightwater Plumbing, I am the automatic assistant. How can I help?", "0:01", NewStamp(now.Add(-4*time.Hour), now)}, {62, "Priya Raman", false, "There is water coming through my ceiling!", "0:06", NewStamp(now.Add(-4*time.Hour), now)}}}})
	add(200*time.Minute, Message{Side: "in", Who: "Priya Raman", Body: "Missed call", Card: &Card{Icon: "voice", Title: "Missed call with voicemail", Text: "Hi, it is Priya, please call me back.", Small: "Texted back at 14:02", Voicemail: "Voicemail, 35 s",
		Media: []Attachment{{Name: "voicemail.mp3", Href: "#", Size: "140 KB"}}, Facts: []Fact{{"Call back", "+1 415 555 0134", "tel:+14155550134"}}}})
	add(3*time.Hour, Message{Side: "out", Who: "Sam Ortiz", Body: "Morning Priya, Sam from Brightwater here.", State: "delivered", StateIcon: "ticks", StateText: "Delivered"})
	add(3*time.Hour-time.Minute, Message{Side: "out", Who: "Sam Ortiz", Body: "I can be with you tomorrow between 08:00 and 09:00. Does that work?", State: "delivered", StateIcon: "ticks", StateText: "Delivered",
		History: steps(3*time.Hour-time.Minute, "Queued", "Sent to +1 415 555 0134, 1 text", "Delivered")})
	add(2*time.Hour, Message{Side: "out", Who: "Sam Ortiz", Body: "Shall I bring the spare part?", State: "sent", StateIcon: "tick", StateText: "Sent"})
	add(90*time.Minute, Message{Side: "out", Who: "Maya Quinn", Body: "Your quote is in the post.", State: "failed", StateIcon: "alert", StateText: "Not delivered",
		Failure: &Failure{Sentence: "Phone is off or out of reach", Code: "30003", Link: "https://example.com/errors/30003", Advice: "Try again later, or call them.", RetryURL: "/inbox/d/7/retry", RetryText: "Try again", CallHref: "tel:+14155550134", DismissURL: "/inbox/d/7/dismiss"},
		History: steps(90*time.Minute, "Queued", "Sent to +1 415 555 0134", "Not delivered: phone is off (30003)")})
	add(85*time.Minute, Message{Side: "out", Who: "Maya Quinn", Body: "And a copy to your second number.", State: "failed", StateIcon: "alert", StateText: "Not delivered",
		Failure: &Failure{Sentence: "Landline: it cannot receive texts", Code: "30006", Advice: "Ask for a mobile number.", FixNumber: true, DismissURL: "/inbox/d/8/dismiss"}})
	add(80*time.Minute, Message{Side: "out", Who: "Maya Quinn", Body: "Did you get the first one?", State: "unknown", StateIcon: "info", StateText: "Not sure whether it was sent",
		Failure: &Failure{Sentence: "The carrier's answer was lost", Advice: "Sending again may make it arrive twice.", RetryURL: "/inbox/d/9/retry", RetryText: "Send again anyway", DismissURL: "/inbox/d/9/dismiss"}})
	add(40*time.Minute, Message{Side: "out", Who: "Sam Ortiz", Body: "Ignore that, wrong customer.", State: "canceled", StateIcon: "x", StateText: "Canceled"})
	add(4*time.Minute, Message{Side: "in", Who: "Priya Raman", Body: "Yes please 🙏"})
	add(3*time.Minute, Message{Side: "in", Who: "Priya Raman", Body: "Here is the gauge. وهذا بالعربية أيضا", Media: []Attachment{{Photo: true, Arriving: true}, {Photo: true, Lost: "The carrier did not hand it over. Ask them to send it again"}, {Name: "IMG_0042.HEIC", Photo: true, Href: "#", Size: "2.1 MB"}, {Name: "plan.pdf", Type: "application/pdf", Href: "#", Size: "480 KB"}}})
	add(time.Minute, Message{Side: "out", Who: "Sam Ortiz", ClientID: "0123456789abcdef0123456789abcdef", Body: "Thanks, on my way.", State: "queued", StateIcon: "clock", StateText: "Queued"})
	items := NewItems(ms)
	items[14].New = true
	return Conversation{
		ID: 901, Rev: 41, Href: "/inbox/c/901?view=open", BackHref: "/inbox?view=open", View: bridge.ViewOpen,
		Title: "Priya Raman", Initials: "PR", Sub: "+1 415 555 0134", State: bridge.Open, Urgent: true, Unread: 2, Items: items, Older: "/inbox/c/901/older?before=50",
		Banners: []Banner{{Tone: "ai", Icon: "spark", Text: "Handed over by the AI receptionist: needs a visit time."}}, Assignee: 1, Team: exampleTeam(), Can: Can{Organise: true, Edit: true, Add: true},
		Snoozes: []Choice{{"3h", "Later today", "in 3 hours"}, {"tomorrow", "Tomorrow", "08:00"}, {"monday", "Monday", "08:00"}},
		Composer: Composer{Action: "/inbox/c/901/reply", DraftURL: "/inbox/c/901/draft", Conv: 901, Rev: 41, Title: "Priya Raman", LastSeen: 64,
			By: bridge.SMS, ByText: "Text", Placeholder: "Text Priya Raman", CallHref: "tel:+14155550134", CallText: "+1 415 555 0134", Ways: exampleWays(), Names: []string{"Maya Quinn", "Jo Park"},
			Hint:  "Text to +1 415 555 0134 from +1 415 555 0100",
			Files: Picker{Most: 5, MaxSize: 10 << 20, MaxText: "10 MB", Accept: ".jpg,.png", Photos: true, URL: "#", Uploads: exampleUploads()}},
		Details: Details{Name: "Priya Raman", Title: "Priya Raman", Initials: "PR", Since: "Customer since March 2026", RenameURL: "/inbox/c/901/contact", AddURL: "/inbox/c/901/address", Line: "+1 415 555 0100",
			Addresses: []Address{{"Mobile", "+1 415 555 0134", "tel:+14155550134", &Badge{"ok", "tick", "Receives texts"}}, {"Email", "priya@example.com", "", nil}},
			People:    []Participant{{Name: "Sam Ortiz", Role: "Owner", Remove: "staff:1"}, {Name: "Maya Quinn", Role: "Office admin", Remove: "staff:2"}, {Name: "Jo Park", Role: "Tradie"}},
			Portal:    exampleCard(now),
			Profile:   "/people/901", Side: "Customer", PeopleURL: "/inbox/c/901/people",
			Record: &RecordCard{Label: "Job #1042 Boiler replacement", Href: "/records/1", Stage: "Construction", Team: "Jo Park"},
			Others: []Link{{"Job #1042 Boiler replacement", "Fri", "/inbox/c/902"}, {"Customer", "20 Nov", "/inbox/c/903"}}},
	}
}

func exampleWays() []WayChoice {
	return []WayChoice{
		{Value: "reply", By: bridge.SMS, Text: "Text", Hint: "Shows in the portal + text to +1 415 555 0134", Placeholder: "Text Priya Raman"},
		{Value: "email", By: bridge.Email, Text: "Email", Hint: "", Placeholder: "Write to Priya Raman", Blocked: "There is no email address for this contact"},
		{Value: "portal", By: bridge.Portal, Text: "Portal", Hint: "Only in the portal: they are not told", Placeholder: "Write to Priya Raman"},
	}
}

func exampleCard(now time.Time) *PortalCard {
	seen := NewStamp(now.Add(-time.Hour), now)
	return &PortalCard{State: Badge{"ok", "tick", "Connected since 3 Nov"}, Seen: &seen, Told: "By text and email", Language: "Spanish", Access: true, SendURL: "/people/901/link", EndURL: "/people/901/end-portal"}
}

// rename gives copies of items their own ids, so that they can stand on one page twice.
func rename(items []Item, from bridge.MessageID) []Item {
	out := append([]Item(nil), items...)
	for i := range out {
		out[i].Message.ID += from
	}
	return out
}

func exampleUploads() []Upload {
	return []Upload{{7, Attachment{Name: "IMG_0042.HEIC", Photo: true, Href: "#", Size: "2.1 MB"}}, {8, Attachment{Name: "plan of the kitchen, second version.pdf", Href: "#", Size: "480 KB"}}}
}
