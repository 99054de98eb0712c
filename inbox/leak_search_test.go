package inbox_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// findable are the messages that somebody may come across, newest first, each with
// the conversations that show it to them.
func (l *leak) findable(sees func(*known) bool, also func(*known, *said) bool) (ids []bridge.MessageID, in map[bridge.MessageID][]bridge.ConversationID) {
	in = map[bridge.MessageID][]bridge.ConversationID{}
	for _, m := range l.texts {
		for _, c := range l.convs {
			if m.dir != bridge.Event && shows(c, m) && sees(c) && also(c, m) {
				in[m.id] = append(in[m.id], c.ID)
			}
		}
		if in[m.id] != nil {
			ids = append(ids, m.id)
		}
	}
	slices.SortFunc(ids, func(a, b bridge.MessageID) int { return cmp.Compare(b, a) })
	return ids, in
}

// checkSearch lets everybody of the team and every contact look for everything, and
// for each secret word.
func (l *leak) checkSearch() {
	l.Helper()
	if err := l.store.CatchUpSearch(l.Context()); err != nil {
		l.Fatal(err)
	}
	for _, p := range l.staff {
		ids, in := l.findable(func(c *known) bool { return l.sees(p, c) }, func(*known, *said) bool { return true })
		l.read(func(tx *data.Tx) {
			l.sameHits(p.Name, ids, in, func(typed string, limit int, before bridge.MessageID) []bridge.Hit {
				return must(tx.Search(p, bridge.ParseSearch(typed, time.UTC), before, limit))
			})
		})
	}
	for _, who := range l.contacts {
		actor := bridge.Actor{Kind: bridge.ByContact, ID: int64(who.ID), Active: true, Connected: true}
		sees := func(c *known) bool {
			return bridge.Sees(actor, &bridge.Facts{Settings: l.settings, Conversation: c.Conversation, Member: c.Contact == who.ID})
		}
		ids, in := l.findable(sees, func(c *known, m *said) bool { return m.in == c && m.dir != bridge.Note })
		l.read(func(tx *data.Tx) {
			l.sameHits(who.Name, ids, in, func(typed string, limit int, before bridge.MessageID) []bridge.Hit {
				return must(tx.SearchAsContact(who.ID, bridge.ParseSearch(typed, time.UTC), before, limit))
			})
		})
	}
}

// sameHits compares what somebody finds, page by page and word by word, with what
// they may come across.
func (l *leak) sameHits(who string, want []bridge.MessageID, in map[bridge.MessageID][]bridge.ConversationID, look func(string, int, bridge.MessageID) []bridge.Hit) {
	l.Helper()
	var got []bridge.MessageID
	for size, before := 1+l.r.IntN(20), bridge.MessageID(0); ; {
		page := look("word ", size, before)
		for _, h := range page {
			got = append(got, h.Message)
			l.checkHit(who, h, in)
		}
		if len(page) < size {
			break
		}
		before = got[len(got)-1]
	}
	if l.cases += len(l.texts); !slices.Equal(got, want) {
		l.Errorf("%s finds %v, want %v", who, got, want)
	}
	for _, m := range l.texts {
		if !l.chance(l.every) {
			continue
		}
		hits := look(m.word, 10, 0)
		if l.cases++; (len(hits) == 1) != (in[m.id] != nil) || len(hits) > 1 {
			l.Errorf("%s looks for %s of %s message %d and finds %v", who, m.word, m.dir, m.id, hits)
		}
		for _, h := range look(m.word+" is:failed", 10, 0) {
			l.checkHit(who, h, in)
		}
	}
}

// checkHit looks at where a message opens and at the words that it shows.
func (l *leak) checkHit(who string, h bridge.Hit, in map[bridge.MessageID][]bridge.ConversationID) {
	l.Helper()
	if l.cases++; !slices.Contains(in[h.Message], h.Conversation) {
		l.Errorf("%s finds message %d in conversation %d, but sees it in %v", who, h.Message, h.Conversation, in[h.Message])
	}
	i := slices.IndexFunc(l.texts, func(m *said) bool { return m.id == h.Message })
	var text strings.Builder
	for _, p := range h.Snippet {
		text.WriteString(p.Text)
	}
	if i < 0 || text.String() != "word "+l.texts[i].word {
		l.Errorf("%s reads %q of message %d", who, text.String(), h.Message)
	}
	c := slices.IndexFunc(l.convs, func(c *known) bool { return c.ID == h.Conversation })
	if c >= 0 && h.Subject != l.convs[c].Subject {
		l.Errorf("%s reads the subject %q of conversation %d", who, h.Subject, h.Conversation)
	}
}

// checkSearchPages asks the inbox's pages of a search, and opens messages where they
// do and do not stand.
func (l *leak) checkSearchPages() {
	l.Helper()
	for _, p := range l.team() {
		b, allowed := l.signedIn(p.Email), l.allowed(p)
		for _, path := range []string{"/inbox/search?q=word", "/inbox/search?q=word+from:Contact1", "/inbox/search?failed=1", "/inbox/search?in=1001"} {
			_, body := b.get(path)
			l.clean(p, path, body, allowed)
		}
		for _, path := range []string{"/api/v1/messages?q=word&limit=200", "/api/v1/messages?q=is:failed"} {
			r, body := l.call(http.MethodGet, path, l.keys[p.ID], "", "")
			if l.clean(p, path, body, allowed); r.StatusCode != http.StatusOK {
				l.Errorf("%s %s, %s: %d", p.Role, p.Name, path, r.StatusCode)
			}
		}
		for _, m := range l.texts {
			c := pick(l.world, l.convs)
			if l.chance(2) {
				c = m.in
			}
			if !l.chance(l.every * 3) {
				continue
			}
			path, want := fmt.Sprintf("/inbox/c/%d?at=%d", c.ID, m.id), http.StatusNotFound
			if l.sees(p, c) && shows(c, m) {
				want = http.StatusOK
			}
			for _, path := range []string{path, path + "&q=word"} {
				r, body := b.get(path)
				l.clean(p, path, body, allowed)
				if r.StatusCode != want {
					l.Errorf("%s %s, %s: %d, want %d", p.Role, p.Name, path, r.StatusCode, want)
				}
			}
		}
		for _, c := range l.convs {
			if l.chance(l.every * 2) {
				path := fmt.Sprintf("/inbox/c/%d/later?after=0", c.ID)
				r, body := b.get(path)
				if l.clean(p, path, body, allowed); (r.StatusCode == http.StatusOK) != l.sees(p, c) {
					l.Errorf("%s %s, %s: %d", p.Role, p.Name, path, r.StatusCode)
				}
			}
		}
	}
}
