package inbox_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
)

// The portal's part of the search for a leak: each contact asks every page for every
// conversation, and what they do not take part in is nowhere.

// contactSees asks the rule itself, with facts from the test's memory.
func (w *world) contactSees(who bridge.Contact, c *known) bool {
	f := &bridge.Facts{Settings: w.settings, Conversation: c.Conversation, Contact: who, Member: c.people[who.ID]}
	return bridge.Sees(who.Actor(), f)
}

// shown are the words that a contact may come across: what was said where they take
// part, and no note, no event, and no text of elsewhere that is placed there.
func (l *leak) shown(who bridge.Contact) (words map[string]bool, records []string) {
	words = map[string]bool{}
	for _, c := range l.convs {
		if !l.contactSees(who, c) {
			continue
		}
		words[c.Subject] = true
		records = append(records, l.record(c.Record).Title)
		for _, m := range l.texts {
			if m.in == c && (m.dir == bridge.In || m.dir == bridge.Out) {
				words[m.word] = true
			}
		}
	}
	for _, r := range l.records {
		if slices.Contains(r.Contacts, who.ID) && l.settings.PortalOn {
			records = append(records, r.Title)
		}
	}
	return words, records
}

var (
	fullName  = regexp.MustCompile(`Person\d+ Team`)
	titled    = regexp.MustCompile(`Record\d+`)
	contacted = regexp.MustCompile(`Contact\d+`)
)

// bare looks in a page for what its reader may not come across.
func (l *leak) bare(who bridge.Contact, path, body string, words map[string]bool, records []string) {
	l.Helper()
	l.cases += len(l.convs)
	for _, word := range secret.FindAllString(body, -1) {
		if !words[word] {
			l.Errorf("%s reads %s in %s", who.Name, word, path)
		}
	}
	for _, r := range titled.FindAllString(body, -1) {
		if !slices.Contains(records, r) {
			l.Errorf("%s reads of %s in %s", who.Name, r, path)
		}
	}
	for _, c := range contacted.FindAllString(body, -1) {
		if c != who.Name {
			l.Errorf("%s reads of %s in %s", who.Name, c, path)
		}
	}
	if name := fullName.FindString(body); name != "" || strings.Contains(body, "@example.com") {
		l.Errorf("%s reads the full name %q of one of the team, or a mail address, in %s", who.Name, name, path)
	}
}

// visitor is a browser in which a contact is signed in.
func (l *leak) visitor(who bridge.Contact) *browser {
	l.Helper()
	b := l.browser()
	cookie, hash := bridge.NewSecret()
	now := l.clock
	l.write(func(tx *data.Tx) {
		ok(tx.AddPortalSession(hash, data.PortalSession{Contact: who.ID, CreatedAt: now, ExpiresAt: now.Add(bridge.PortalTime), Device: "Browser"}))
	})
	b.c.Jar.SetCookies(must(url.Parse(l.url)), []*http.Cookie{{Name: "porchlight_portal", Value: cookie}})
	return b
}

// checkPortal goes through the portal as each contact who is still one.
func (l *leak) checkPortal() {
	l.Helper()
	for _, who := range l.contacts {
		if who.MergedInto != 0 {
			continue
		}
		b := l.visitor(who)
		words, records := l.shown(who)
		want := http.StatusOK
		if !l.settings.PortalOn {
			want = http.StatusSeeOther
		}
		for _, path := range []string{"/portal", "/portal/messages", "/portal/new", "/portal/settings", "/portal/changes?after=0", "/portal/changes?after=1"} {
			r, body := b.get(path)
			l.bare(who, path, body, words, records)
			if r.StatusCode != want && !(want == 200 && r.StatusCode == http.StatusResetContent && strings.HasPrefix(path, "/portal/changes")) {
				l.Errorf("%s, %s: %d, want %d", who.Name, path, r.StatusCode, want)
			}
			if path == "/portal/messages" {
				l.listsTheirs(who, body)
			}
		}
		for _, path := range []string{"/inbox", "/inbox?view=open", fmt.Sprintf("/inbox/c/%d", l.convs[0].ID), "/people", "/api/v1/conversations", "/events"} {
			if r, body := b.get(path); r.StatusCode < 300 || secret.MatchString(body) {
				l.Errorf("%s, %s: %d", who.Name, path, r.StatusCode)
			}
		}
		for _, c := range l.convs {
			if l.chance(l.every) {
				l.checkTalk(b, who, c, words, records)
			}
		}
	}
	staff := l.signedIn(l.team()[0].Email)
	if r, body := staff.get(fmt.Sprintf("/portal/c/%d", l.convs[0].ID)); r.StatusCode != http.StatusSeeOther || secret.MatchString(body) {
		l.Errorf("one of the team, in the portal: %d", r.StatusCode)
	}
}

func (l *leak) listsTheirs(who bridge.Contact, body string) {
	l.Helper()
	var got, want []bridge.ConversationID
	for _, m := range rowID.FindAllStringSubmatch(body, -1) {
		var id bridge.ConversationID
		fmt.Sscan(m[1], &id)
		got = append(got, id)
	}
	for _, c := range l.convs {
		if l.contactSees(who, c) {
			want = append(want, c.ID)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		l.Errorf("%s is listed %v, want %v", who.Name, got, want)
	}
}

// checkTalk asks for one conversation by every address that it has in the portal, and
// by the doors behind them.
func (l *leak) checkTalk(b *browser, who bridge.Contact, c *known, words map[string]bool, records []string) {
	l.Helper()
	base, seen := conversationPath(c.ID), l.contactSees(who, c)
	want := http.StatusNotFound
	switch {
	case !l.settings.PortalOn:
		want = http.StatusSeeOther
	case seen:
		want = http.StatusOK
	}
	for _, path := range []string{base, base + "?before=999999", base + "/older", base + "/seen?upto=999999"} {
		r, body := b.get(path)
		l.bare(who, path, body, words, records)
		if r.StatusCode != want {
			l.Errorf("%s, %s: %d, want %d", who.Name, path, r.StatusCode, want)
		}
		for _, m := range l.texts {
			if said := m.dir == bridge.In || m.dir == bridge.Out; seen && said && m.in == c && !strings.Contains(path, "seen") && !strings.Contains(body, m.word) {
				l.Errorf("%s does not read %s in %s", who.Name, m.word, path)
			}
		}
	}
	for _, after := range []int{0, 1} {
		path := fmt.Sprintf("/portal/changes?after=%d&open=%d", after, c.ID)
		_, body := b.get(path)
		l.bare(who, path, body, words, records)
	}
	if seen {
		return
	}
	if want == http.StatusSeeOther {
		want = http.StatusUnauthorized
	}
	for _, do := range []string{"/reply", "/seen"} {
		r, body := b.post(base+do, url.Values{"body": {"x"}, "client": {"x"}, "ids": {"1,2,3"}})
		l.bare(who, base+do, body, words, records)
		if r.StatusCode != want {
			l.Errorf("%s posts to %s: %d, want %d", who.Name, base+do, r.StatusCode, want)
		}
	}
	_, reply := l.in.PortalReply(l.Context(), who.ID, intake.Draft{Conversation: c.ID, Body: "x"})
	for door, err := range map[string]error{
		"reply": reply, "seen": l.in.HaveInView(l.Context(), who.ID, c.ID, []bridge.MessageID{1, 2, 3}),
	} {
		if !errors.Is(err, bridge.ErrNotFound) {
			l.Errorf("%s may %s in %s conversation %d: %v", who.Name, door, c.Kind, c.ID, err)
		}
	}
	if err := l.in.HaveShown(l.Context(), who.ID, c.ID); l.settings.PortalOn && err != nil && !errors.Is(err, bridge.ErrNotFound) {
		l.Errorf("%s: %v", who.Name, err)
	}
}

// moveContacts lets contacts come and go, holds sending, and finds that one of them
// is another.
func (l *leak) moveContacts() {
	l.Helper()
	l.world.write(func(tx *data.Tx) {
		for range 30 {
			c := pick(l.world, l.convs)
			if c.Kind == bridge.KindTeam && l.chance(2) {
				continue // a contact in a conversation of the team sees nothing of it all the same
			}
			l.invite(tx, c, pick(l.world, l.contacts).ID, !l.chance(3))
			l.say(tx, c)
		}
		from, into := &l.contacts[l.r.IntN(4)], l.contacts[4+l.r.IntN(4)]
		ok(tx.Merge(must(tx.Contact(from.ID)), must(tx.Contact(into.ID)), l.tick()))
		from.MergedInto = into.ID
		for _, c := range l.convs {
			if c.people[from.ID] {
				c.people[from.ID], c.people[into.ID] = false, true
			}
		}
		for _, r := range l.records {
			if i := slices.Index(r.Contacts, from.ID); i >= 0 {
				r.Contacts[i] = into.ID
			}
		}
	})
}
