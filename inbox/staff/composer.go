package staff

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"porchlight/bridge"
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
	way(&cp, f, line)
	cp.Files = newPicker(&f.Settings.Policy(conv.Kind).Files, base)
	if err := bridge.Decide(reader.Actor(), bridge.DoReply, &f).Err(); err != nil {
		t := web.Explain(tx.Context(), err)
		cp.Blocked, cp.Fix = t.Text, t.Fix
	}
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
func way(cp *templates.Composer, f bridge.Facts, line bridge.Line) {
	for _, a := range f.Contact.Addresses {
		if _, err := bridge.ParsePhone(a.Value); err == nil && a.Channel == bridge.SMS && cp.CallHref == "" {
			cp.CallHref, cp.CallText = "tel:"+a.Value, a.Pretty()
		}
	}
	switch f.By {
	case bridge.SMS:
		cp.ByText, cp.Placeholder = "Text", "Text "+cp.Title
		cp.Hint = "Text to " + f.To.Pretty() + " from " + line.Phone.Pretty()
	case bridge.Inbox:
		cp.ByText, cp.Placeholder, cp.Hint = "Message", "Write to "+cp.Title, "Only the members of this conversation see it"
	case bridge.Portal, bridge.Email, bridge.Voice:
		cp.ByText, cp.Placeholder, cp.Hint = "Message", "Write to "+cp.Title, "Kept for "+cp.Title+"'s portal. No text is sent"
	}
}

// first says what a first message will do, which way it goes and when it leaves.
func first(tx *data.Tx, f bridge.Facts, d bridge.Decision) (cp templates.Composer, err error) {
	var line bridge.Line
	if f.By == bridge.SMS {
		if line, err = tx.SendingLine(0); err != nil {
			return cp, err
		}
	}
	cp.Title = f.Contact.Title()
	way(&cp, f, line)
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
