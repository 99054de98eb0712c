package staff

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/inbox/web"
	"porchlight/templates"
)

// newComposer says beforehand what a reply will do, or why it cannot.
func (s *Inbox) newComposer(tx *data.Tx, reader bridge.Staff, v bridge.View, f bridge.Facts, line bridge.Line) (templates.Composer, error) {
	conv := f.Conversation
	base := "/inbox/c/" + strconv.FormatInt(int64(conv.ID), 10)
	cp := templates.Composer{
		Action: base + "/reply", DraftURL: base + "/draft", Conv: conv.ID, Title: conv.TitleFor(reader), Rev: conv.Rev, View: v, Client: newClient(),
		By: f.By,
	}
	cp.Files = newPicker(&f.Settings.Policy(conv.Kind).Files, base)
	others, err := s.in.Others(tx, &f)
	if err != nil {
		return cp, err
	}
	d := bridge.Decide(reader.Actor(), bridge.DoReply, &f)
	way(&cp, f, line, others)
	if err := d.Err(); err != nil {
		t := web.Explain(tx.Context(), err)
		cp.Blocked, cp.Fix = t.Text, t.Fix
	} else if !d.NotBefore.IsZero() {
		cp.Hint += ". Leaves at " + d.NotBefore.Format("15:04") + ", when their quiet hours end"
	}
	cp.Ways = s.waysOf(&cp, reader, f, line, others)
	team, err := tx.Staff()
	if err != nil {
		return cp, err
	}
	for _, p := range team {
		if p.Active && p.ID != reader.ID {
			cp.Names = append(cp.Names, p.Name)
		}
	}
	drafts, err := tx.Drafts(conv.ID, reader.ID)
	if err != nil {
		return cp, err
	}
	cp.Draft, cp.NoteDraft = drafts["reply"], drafts["note"]
	cp.LastSeen, err = tx.NewestMessage(conv.ID)
	return cp, err
}

// newPicker says which files a message may have.
func newPicker(rule *bridge.Files, base string) templates.Picker {
	p := templates.Picker{Most: rule.Most, MaxSize: rule.MaxSize, MaxText: bridge.Megabytes(rule.MaxSize), Alone: rule.Alone, URL: base + "/files"}
	if p.Most == 0 {
		p.Instead = "Text only: send files another way"
		if rule.Instead == "email" {
			p.Instead = "Text only: send files by email"
		}
		return p
	}
	accept := make([]string, len(rule.Types))
	p.Photos = true
	for i, t := range rule.Types {
		accept[i] = "." + t
		p.Photos = p.Photos && bridge.Attachment{Type: t}.Photo()
	}
	if slices.Contains(rule.Types, "jpg") { // the page's script makes a JPEG of it where the browser can read it
		accept = append(accept, "image/heic", ".heic")
	}
	p.Accept = strings.Join(accept, ",")
	return p
}

// way says how a reply leaves, in words.
func way(cp *templates.Composer, f bridge.Facts, line bridge.Line, others []intake.Other) {
	for _, a := range f.Contact.Addresses {
		if _, err := bridge.ParsePhone(a.Value); err == nil && a.Channel == bridge.SMS && cp.CallHref == "" {
			cp.CallHref, cp.CallText = "tel:"+a.Value, a.Pretty()
		}
	}
	cp.Placeholder, cp.Hint = placeholder(f.By, cp.Title), told(&f, line, others)
	if cp.ByText = wayTitle(f.By); len(f.Tell) > 1 {
		cp.ByText = "Text + email"
	}
}

func wayTitle(ch bridge.Channel) string {
	switch ch {
	case bridge.SMS:
		return "Text"
	case bridge.Email:
		return "Email"
	case bridge.Portal:
		return "Portal"
	case bridge.Inbox, bridge.Voice:
	}
	return "Message"
}

func placeholder(ch bridge.Channel, title string) string {
	if ch == bridge.SMS {
		return "Text " + title
	}
	return "Write to " + title
}

// told says exactly what a message will do: where it shows, and who hears of it how.
func told(f *bridge.Facts, line bridge.Line, others []intake.Other) string {
	if f.By == bridge.Inbox {
		return "Only the members of this conversation see it"
	}
	portal, p := f.Settings.PortalOn, f.Settings.Policy(f.Conversation.Kind)
	var ways []string
	for _, w := range f.Tell {
		switch {
		case w.Channel == bridge.SMS && p.Link && portal:
			ways = append(ways, "text with a link to "+w.To.Pretty())
		case w.Channel == bridge.SMS && !(portal && p.Tells(bridge.Portal)):
			return "Text to " + w.To.Pretty() + " from " + line.Phone.Pretty() + andOthers(others)
		case w.Channel == bridge.SMS:
			ways = append(ways, "text to "+w.To.Pretty())
		case w.Channel == bridge.Email:
			ways = append(ways, "email to "+w.To.Pretty())
		}
	}
	hint := "Shows in the portal + " + strings.Join(ways, " + ")
	switch {
	case len(ways) > 0:
	case !portal:
		return "Kept here: the portal is off, so nobody is told"
	case f.Contact.Told == bridge.ToldNothing:
		hint = "Only in the portal: they want no messages"
	case reached(f.Ways):
		hint = "Only in the portal: they are not told"
	case p.Tells(bridge.SMS) || p.Tells(bridge.Email):
		hint = "Only in the portal: there is no number or email of theirs that works"
	default:
		hint = "Only in the portal"
	}
	return hint + andOthers(others)
}

// reached reports whether a text or a mail can reach them.
func reached(ways []bridge.Way) bool {
	return slices.ContainsFunc(ways, func(w bridge.Way) bool { return w.To.Usable() })
}

func andOthers(others []intake.Other) string {
	n := 0
	for _, o := range others {
		if len(o.Ways) > 0 {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return ", and 1 other is told"
	}
	return ", and " + strconv.Itoa(n) + " others are told"
}

// waysOf are the ways among which the writer may choose: first what happens by itself,
// then each other way of the kind, with the reason where it cannot be taken.
func (s *Inbox) waysOf(cp *templates.Composer, reader bridge.Staff, f bridge.Facts, line bridge.Line, others []intake.Other) []templates.WayChoice {
	out := []templates.WayChoice{{Value: "reply", By: f.By, Text: cp.ByText, Hint: cp.Hint, Placeholder: cp.Placeholder, Blocked: cp.Blocked}}
	p := f.Settings.Policy(f.Conversation.Kind)
	for _, ch := range []bridge.Channel{bridge.SMS, bridge.Email, bridge.Portal} {
		if !p.Tells(ch) || len(f.Tell) == 1 && ch == f.By || ch != bridge.SMS && !f.Settings.PortalOn {
			continue
		}
		g := f
		c := templates.WayChoice{Value: string(ch), By: ch, Text: wayTitle(ch), Placeholder: placeholder(ch, cp.Title)}
		if !g.Use(ch) {
			c.Blocked = noWay(ch, f.Contact)
		} else if d := bridge.Decide(reader.Actor(), bridge.DoReply, &g); !d.Allowed() {
			c.Blocked = d.Sentence
		} else {
			c.Hint = told(&g, line, others)
		}
		out = append(out, c)
	}
	return out
}

// noWay says why a contact cannot be reached by a channel that the kind allows.
func noWay(ch bridge.Channel, who bridge.Contact) string {
	if ch != bridge.Email {
		return "There is no mobile number for this contact"
	}
	for _, a := range who.Addresses {
		switch {
		case a.Channel != bridge.Email:
		case a.OptedOut:
			return "They want no emails"
		case a.Problem != "":
			return "The last email to " + a.Value + " failed: " + a.Problem
		default:
			return "Email is not connected yet"
		}
	}
	return "There is no email address for this contact"
}

// first says what a first message will do, which way it goes and when it leaves.
func (s *Inbox) first(tx *data.Tx, f bridge.Facts, d bridge.Decision) (cp templates.Composer, err error) {
	var line bridge.Line
	if f.By == bridge.SMS {
		if line, err = tx.SendingLine(0); err != nil {
			return cp, err
		}
	}
	cp.Title = f.Contact.Title()
	others, err := s.in.Others(tx, &f)
	if err != nil {
		return cp, err
	}
	way(&cp, f, line, others)
	if !d.NotBefore.IsZero() {
		cp.Hint += ". Leaves at " + d.NotBefore.Format("15:04") + ", when their quiet hours end"
	}
	return cp, nil
}

// newClient makes the key of a form for browsers without JavaScript, so that a
// form that is sent twice makes one message.
func newClient() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails, since Go 1.24
	return hex.EncodeToString(b)
}
