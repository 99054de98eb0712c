package inbox_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/data"
	"porchlight/data/datatest"
	"porchlight/inbox/web"
)

// TestNoDoorShowsWhatDecideDenies makes businesses by chance and asks every door for
// every conversation as every one of the team: what the rule denies is nowhere, not
// one word of it, and what it allows is where it belongs. A case is one actor, one
// conversation and one door.
func TestNoDoorShowsWhatDecideDenies(t *testing.T) {
	stored, served, every, want := 1, 1, 6, 2_000
	if os.Getenv("PORCHLIGHT_TEST_FULL") != "" {
		stored, served, every, want = 10, 2, 1, 100_000
	}
	hash, err := web.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	first := rand.Uint64()
	t.Logf("the worlds have the seeds %d and on", first)
	cases := map[string]int{}
	datatest.EachOptions(t, func(t *testing.T, _ data.Options) {
		engine := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
		for n := range stored {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				o := data.Options{Path: t.TempDir() + "/p.db"}
				if engine == "postgres" {
					o = data.Options{Postgres: datatest.Postgres(t)}
				}
				seed := first + uint64(n)
				l := &leak{world: newWorld(t, o, seed, hash), every: every}
				l.checkStore()
				l.checkMoves()
				l.checkStore()
				l.checkSearch()
				l.checkIntake()
				if n < served {
					l.checkPages()
					l.checkSearchPages()
					l.checkAPI()
					l.checkPortal()
					l.moveContacts()
					l.checkPortal()
				}
				if cases[engine] += l.cases; t.Failed() {
					t.Logf("the world's seed is %d", seed)
				}
			})
		}
		if cases[engine] < want && !t.Failed() {
			t.Errorf("%d cases, want at least %d", cases[engine], want)
		}
	})
	t.Logf("cases: %v", cases)
}

// A leak is the search for one in a world.
type leak struct {
	*world
	cases int
	// every: one pair of actor and conversation in so many is tried at the slow doors
	every int
}

// team is who of the team may come in at all.
func (l *leak) team() (out []bridge.Staff) {
	for _, p := range l.staff {
		if p.Active {
			out = append(out, p)
		}
	}
	return out
}

// theirs are the conversations that somebody sees, newest first.
func (l *leak) theirs(p bridge.Staff, also ...func(*known) bool) (ids []bridge.ConversationID) {
	var cs []*known
	for _, c := range l.convs {
		if l.sees(p, c) && !slices.ContainsFunc(also, func(f func(*known) bool) bool { return !f(c) }) {
			cs = append(cs, c)
		}
	}
	slices.SortFunc(cs, func(a, b *known) int { return b.LastAt.Compare(a.LastAt) })
	for _, c := range cs {
		ids = append(ids, c.ID)
	}
	return ids
}

func ids(cs []bridge.Conversation) (out []bridge.ConversationID) {
	for _, c := range cs {
		out = append(out, c.ID)
	}
	return out
}

// same compares what a door gave to somebody with what it should; every
// conversation of the world is a case.
func (l *leak) same(p bridge.Staff, door string, got, want []bridge.ConversationID) {
	l.Helper()
	l.cases += len(l.convs)
	if d := cmp.Diff(want, got); d != "" {
		l.Errorf("%s %s, %s: want -, got +\n%s", p.Role, p.Name, door, d)
	}
}

func views() (out []bridge.View) {
	out = append(out, bridge.Views[:]...)
	for _, f := range bridge.Folders {
		out = append(out, bridge.View(f))
	}
	return out
}

func (l *leak) read(fn func(*data.Tx)) {
	l.Helper()
	if err := l.store.Read(l.Context(), func(tx *data.Tx) error { fn(tx); return nil }); err != nil {
		l.Fatal(err)
	}
}

// checkStore asks every query that has a reader.
func (l *leak) checkStore() {
	l.Helper()
	for _, p := range l.staff {
		l.read(func(tx *data.Tx) {
			for _, v := range views() {
				l.checkView(tx, p, v)
			}
			all := l.theirs(p)
			var folders []bridge.Folder
			for _, f := range bridge.Folders {
				if len(l.theirs(p, func(c *known) bool { return c.Folder == f })) > 0 {
					folders = append(folders, f)
				}
			}
			if d := cmp.Diff(folders, must(tx.Folders(p))); d != "" {
				l.Errorf("%s %s, folders: %s", p.Role, p.Name, d)
			}
			changed := ids(must(tx.ChangedSince(p, 0, 1000)))
			slices.Sort(changed)
			slices.Sort(all)
			l.same(p, "changed since the beginning", changed, all)
			for _, c := range l.contacts {
				l.same(p, "with "+c.Name, ids(must(tx.ConversationsWith(p, c.ID, 100))), l.theirs(p, func(k *known) bool { return k.Contact == c.ID }))
			}
			for _, r := range l.records {
				l.same(p, "about "+r.Title, ids(must(tx.ConversationsAbout(p, r.ID, 100))), l.theirs(p, func(k *known) bool { return k.Record == r.ID }))
			}
			for _, c := range l.convs {
				l.checkOne(tx, p, c)
			}
		})
	}
}

// checkView pages through a view, in pages of a size by chance.
func (l *leak) checkView(tx *data.Tx, p bridge.Staff, v bridge.View) {
	l.Helper()
	want := l.theirs(p, func(c *known) bool { return c.isIn(v, p) })
	size, after := 1+l.r.IntN(7), data.Cursor{}
	var got []bridge.ConversationID
	for range 100 {
		page := must(tx.Conversations(p, v, after, size))
		got = append(got, ids(page)...)
		if len(page) < size {
			break
		}
		after = data.CursorAfter(page[len(page)-1])
	}
	l.same(p, "view "+string(v), got, want)
	if v == bridge.ViewMentions {
		want = l.theirs(p, func(c *known) bool { return c.mentions[p.ID] > 0 })
	}
	if n := must(tx.CountView(p, v)); n != int64(len(want)) {
		l.Errorf("%s %s, view %s: counted %d, want %d", p.Role, p.Name, v, n, len(want))
	}
}

// checkOne asks for one conversation, and for its messages where it is theirs.
func (l *leak) checkOne(tx *data.Tx, p bridge.Staff, c *known) {
	l.Helper()
	_, err := tx.Conversation(p, c.ID)
	seen := l.sees(p, c)
	if l.cases++; (err == nil) != seen || err != nil && !errors.Is(err, bridge.ErrNotFound) {
		l.Errorf("%s %s, %s conversation %d: %v, but the rule says %t", p.Role, p.Name, c.Kind, c.ID, err, seen)
	}
	for _, v := range views() {
		if l.cases++; must(tx.InView(p, v, c.ID)) != (seen && c.isIn(v, p)) {
			l.Errorf("%s %s, %s conversation %d, in view %s", p.Role, p.Name, c.Kind, c.ID, v)
		}
	}
	if !seen {
		return
	}
	var want []bridge.MessageID
	for _, m := range l.texts {
		if shows(c, m) {
			want = append(want, m.id)
		}
	}
	slices.Sort(want)
	for door, ms := range map[string][]bridge.Message{"messages": must(tx.Messages(c.ID, 0, 500)), "messages since": must(tx.MessagesSince(c.ID, 0))} {
		var got []bridge.MessageID
		for _, m := range ms {
			got = append(got, m.ID)
		}
		if d := cmp.Diff(want, got); d != "" {
			l.Errorf("%s conversation %d shows other %s: want -, got +\n%s", c.Kind, c.ID, door, d)
		}
	}
}

// checkMoves lets people and messages move and asks what an open page is told: what
// came, what changed, and what it has to drop.
func (l *leak) checkMoves() {
	l.Helper()
	before := map[bridge.StaffID][]bridge.ConversationID{}
	for _, p := range l.staff {
		before[p.ID] = l.theirs(p)
	}
	var rev int64
	l.read(func(tx *data.Tx) { rev = tx.Rev() })
	moved := map[bridge.ConversationID]bool{}
	l.write(func(tx *data.Tx) {
		for range 30 {
			c := pick(l.world, l.convs)
			switch p := pick(l.world, l.staff); l.r.IntN(5) {
			case 0:
				l.assign(tx, c)
			case 1:
				if l.leave(tx, c, p.ID); c.Assignee == 0 {
					l.assign(tx, c) // whatever happens to people, the row moves
				} else {
					ok(tx.Assign(c.ID, c.Assignee))
				}
			case 2:
				l.join(tx, c, p.ID)
				l.say(tx, c)
			case 3:
				l.say(tx, c)
			case 4:
				r := pick(l.world, l.records)
				l.reassign(tx, r)
				for _, about := range l.convs {
					moved[about.ID] = moved[about.ID] || about.Record == r.ID
				}
				continue
			}
			moved[c.ID] = true
		}
	})
	for _, p := range l.staff {
		now := l.theirs(p)
		var lost []bridge.ConversationID
		for _, id := range before[p.ID] {
			if !slices.Contains(now, id) {
				lost = append(lost, id)
			}
		}
		l.read(func(tx *data.Tx) {
			changed := ids(must(tx.ChangedSince(p, rev, 1000)))
			for _, id := range now {
				if l.cases++; moved[id] && !slices.Contains(changed, id) {
					l.Errorf("%s %s is not told that conversation %d moved", p.Role, p.Name, id)
				}
			}
			told := must(tx.LostSince(p, rev, 1000))
			for _, c := range l.convs {
				l.cases++
				if slices.Contains(now, c.ID) && slices.Contains(told, c.ID) || !slices.Contains(now, c.ID) && slices.Contains(changed, c.ID) {
					l.Errorf("%s %s is told wrong of %s conversation %d", p.Role, p.Name, c.Kind, c.ID)
				}
				once := c.members[p.ID]
				_, everIn := c.members[p.ID]
				if once = once || everIn; slices.Contains(lost, c.ID) && !slices.Contains(told, c.ID) && (once || l.wasOn(p, c)) {
					l.Errorf("%s %s is not told to drop %s conversation %d", p.Role, p.Name, c.Kind, c.ID)
				}
			}
		})
	}
}

// wasOn says whether somebody is, or was, on the record of a conversation.
func (l *leak) wasOn(p bridge.Staff, c *known) bool {
	return slices.Contains(l.record(c.Record).Staff, p.ID)
}

// checkIntake tries everything that can be done with a conversation that is not
// theirs: for them it does not exist.
func (l *leak) checkIntake() {
	l.Helper()
	ctx := l.Context()
	for _, p := range l.staff {
		for _, c := range l.convs {
			if l.sees(p, c) && p.Active || !l.chance(l.every) {
				continue
			}
			doors := map[string]error{
				"assign": l.in.Assign(ctx, p, c.ID, p.ID), "close": l.in.Close(ctx, p, c.ID), "reopen": l.in.Reopen(ctx, p, c.ID),
				"snooze": l.in.Snooze(ctx, p, c.ID, time.Now().Add(time.Hour)), "urgent": l.in.SetUrgent(ctx, p, c.ID, !c.Urgent),
				"hold": l.in.Hold(ctx, p, c.ID, true), "read": l.in.Read(ctx, p, c.ID, 9_999), "unread": l.in.Unread(ctx, p, c.ID),
				"draft": l.in.SaveDraft(ctx, p, c.ID, "reply", "x"), "rename": l.in.Rename(ctx, p, c.ID, "x"), "phone": l.in.AddPhone(ctx, p, c.ID, "+14155559999"),
				"add":    l.in.AddParticipant(ctx, p, bridge.Participant{Conversation: c.ID, Staff: p.ID}),
				"remove": l.in.RemoveParticipant(ctx, p, bridge.Participant{Conversation: c.ID, Staff: l.staff[0].ID}),
			}
			_, doors["reply"] = l.in.Reply(ctx, p, intake.Draft{Conversation: c.ID, Body: "x"})
			_, doors["note"] = l.in.Note(ctx, p, intake.Draft{Conversation: c.ID, Body: "x"})
			for _, m := range l.texts {
				if m.in == c {
					_, doors["place"] = l.in.Place(ctx, p, m.id, 0)
				}
			}
			for _, d := range c.failures {
				_, doors["retry"] = l.in.Retry(ctx, p, d)
				_, doors["dismiss"] = l.in.Dismiss(ctx, p, d)
			}
			for door, err := range doors {
				var no *bridge.Denied
				inactive := !p.Active && errors.As(err, &no) && no.Code == "inactive"
				if l.cases++; !errors.Is(err, bridge.ErrNotFound) && !inactive {
					l.Errorf("%s %s (active %t) may %s %s conversation %d: %v", p.Role, p.Name, p.Active, door, c.Kind, c.ID, err)
				}
			}
			l.checkStart(p, c)
		}
	}
}

// checkStart begins a conversation anew that is there already and not theirs: it is
// never handed out, and who may start none hears no more than that.
func (l *leak) checkStart(p bridge.Staff, c *known) {
	l.Helper()
	if c.Kind == bridge.KindTeam || c.Kind == bridge.KindTopic {
		return // a pair is always one's own, a topic always new
	}
	id, err := l.in.Start(l.Context(), p, intake.Start{Kind: c.Kind, Contact: c.Contact, Record: c.Record, Body: "x"})
	var no *bridge.Denied
	if l.cases++; err == nil || id != 0 {
		l.Errorf("%s %s starts %s conversation %d, which is others': %d %v", p.Role, p.Name, c.Kind, c.ID, id, err)
	} else if !p.Role.Office() && errors.As(err, &no) && no.Code == "others" {
		l.Errorf("%s %s learns that there is a %s conversation: %v", p.Role, p.Name, c.Kind, err)
	}
}

var secret = regexp.MustCompile(`zq\d+xq`)

// allowed are the words that somebody may come across.
func (l *leak) allowed(p bridge.Staff) map[string]bool {
	words := map[string]bool{}
	for _, c := range l.convs {
		if !l.sees(p, c) {
			continue
		}
		words[c.Subject] = true
		if d := c.drafts[p.ID]; d != "" {
			words[d] = true
		}
		for _, m := range l.texts {
			if shows(c, m) {
				words[m.word] = true
			}
		}
	}
	return words
}

// clean looks for words in a page that its reader may not come across.
func (l *leak) clean(p bridge.Staff, path, body string, allowed map[string]bool) {
	l.Helper()
	l.cases += len(l.convs)
	for _, word := range secret.FindAllString(body, -1) {
		if !allowed[word] {
			l.Errorf("%s %s reads %s in %s", p.Role, p.Name, word, path)
		}
	}
}

var rowID = regexp.MustCompile(`id="row-(\d+)"`)

// checkPages goes through the inbox as each of the team.
func (l *leak) checkPages() {
	l.Helper()
	for _, p := range l.team() {
		b, allowed := l.signedIn(p.Email), l.allowed(p)
		for _, v := range views() {
			path := "/inbox?view=" + string(v)
			_, body := b.get(path)
			l.clean(p, path, body, allowed)
			var got []bridge.ConversationID
			for _, m := range rowID.FindAllStringSubmatch(body, -1) {
				var id bridge.ConversationID
				fmt.Sscan(m[1], &id)
				got = append(got, id)
			}
			l.same(p, path, got, l.theirs(p, func(c *known) bool { return c.isIn(v, p) }))
		}
		l.checkNew(b, p)
		for _, c := range l.convs {
			if l.chance(l.every) {
				l.checkPage(b, p, c, allowed)
			}
		}
	}
}

// checkPage opens one conversation by every address that it has.
func (l *leak) checkPage(b *browser, p bridge.Staff, c *known, allowed map[string]bool) {
	l.Helper()
	base, seen := fmt.Sprintf("/inbox/c/%d", c.ID), l.sees(p, c)
	want := http.StatusNotFound
	if seen {
		want = http.StatusOK
	}
	for _, path := range []string{base, base + "?view=closed&before=9999", base + "/older", base + "/people"} {
		r, body := b.get(path)
		l.clean(p, path, body, allowed)
		if r.StatusCode != want && !(seen && r.StatusCode == http.StatusForbidden && strings.HasSuffix(path, "/people")) {
			l.Errorf("%s %s, %s: %d, want %d", p.Role, p.Name, path, r.StatusCode, want)
		}
		for _, m := range l.texts {
			if seen && shows(c, m) && !strings.HasSuffix(path, "/people") && !strings.Contains(body, m.word) {
				l.Errorf("%s %s does not read %s in %s", p.Role, p.Name, m.word, path)
			}
		}
	}
	path := fmt.Sprintf("/inbox/changes?view=open&open=%d&after=1", c.ID)
	_, body := b.get(path)
	l.clean(p, path, body, allowed)
	if seen {
		return
	}
	form := url.Values{
		"body": {"x"}, "channel": {"sms"}, "kind": {"reply"}, "until": {time.Now().Add(time.Hour).Format(time.RFC3339)}, "name": {"x"},
		"phone": {"+14155550199"}, "staff": {"me"}, "upto": {"1"}, "on": {"1"}, "person": {"staff:1"}, "record": {"0"},
	}
	paths := []string{}
	for _, do := range []string{"reply", "assign", "close", "reopen", "snooze", "urgent", "read", "unread", "draft", "contact", "address", "hold", "people", "people/remove"} {
		paths = append(paths, base+"/"+do)
	}
	for _, d := range c.failures {
		paths = append(paths, fmt.Sprintf("/inbox/d/%d/retry", d), fmt.Sprintf("/inbox/d/%d/dismiss", d))
	}
	for _, m := range l.texts {
		if m.in != c || m.dir != bridge.In && m.dir != bridge.Out {
			continue
		}
		path := fmt.Sprintf("/inbox/m/%d/about", m.id)
		r, body := b.get(path)
		if l.clean(p, path, body, allowed); r.StatusCode != http.StatusNotFound {
			l.Errorf("%s %s, %s: %d", p.Role, p.Name, path, r.StatusCode)
		}
		paths = append(paths, path)
	}
	for _, path := range paths {
		r, body := b.post(path, form)
		l.clean(p, path, body, allowed)
		if r.StatusCode != http.StatusNotFound {
			l.Errorf("%s %s posts to %s: %d", p.Role, p.Name, path, r.StatusCode)
		}
	}
}

var somebody = regexp.MustCompile(`(Contact|Record)\d+`)

// checkNew asks the form for a new conversation: to the field it names nobody, for
// they start none but with colleagues.
func (l *leak) checkNew(b *browser, p bridge.Staff) {
	l.Helper()
	if p.Role.Office() {
		return
	}
	paths := []string{"/inbox/new", "/inbox/new?q=Contact", "/inbox/new?q=Record", "/people", "/records"}
	for _, k := range bridge.Kinds {
		for i := range 3 {
			paths = append(paths, fmt.Sprintf("/inbox/new?kind=%s&contact=%d&record=%d", k, l.contacts[i].ID, l.records[i].ID))
		}
	}
	for _, r := range l.records {
		paths = append(paths, fmt.Sprintf("/inbox/new?record=%d", r.ID), fmt.Sprintf("/records/%d", r.ID))
	}
	for _, c := range l.contacts {
		paths = append(paths, fmt.Sprintf("/inbox/new?contact=%d", c.ID), fmt.Sprintf("/people/%d", c.ID))
	}
	for _, path := range paths {
		_, body := b.get(path)
		if name := somebody.FindString(body); name != "" {
			l.Errorf("%s %s reads %s in %s", p.Role, p.Name, name, path)
		}
	}
}

var listed = regexp.MustCompile(`\{"id":"(\d+)","kind"`)

// checkAPI asks the API with each one's key.
func (l *leak) checkAPI() {
	l.Helper()
	for _, p := range l.staff {
		key, allowed := l.keys[p.ID], l.allowed(p)
		if !p.Active {
			allowed = nil
		}
		for _, v := range []bridge.View{bridge.ViewOpen, bridge.ViewMine, bridge.ViewUnassigned, bridge.ViewAttention, bridge.ViewWaiting, bridge.ViewSnoozed, bridge.ViewClosed} {
			path := "/api/v1/conversations?limit=200&view=" + string(v)
			r, body := l.call(http.MethodGet, path, key, "", "")
			l.clean(p, path, body, allowed)
			var got, want []bridge.ConversationID
			for _, m := range listed.FindAllStringSubmatch(body, -1) {
				var id bridge.ConversationID
				fmt.Sscan(m[1], &id)
				got = append(got, id)
			}
			if p.Active {
				want = l.theirs(p, func(c *known) bool { return c.isIn(v, p) })
			} else if r.StatusCode != http.StatusUnauthorized {
				l.Errorf("%s who left: %d", p.Name, r.StatusCode)
			}
			l.same(p, path, got, want)
		}
		for _, path := range []string{"/api/v1/contacts", "/api/v1/contacts/1", "/api/v1/records", "/api/v1/records/1"} {
			if r, body := l.call(http.MethodGet, path, key, "", ""); (r.StatusCode == http.StatusOK) != (p.Active && p.Role.Office()) || r.StatusCode != http.StatusOK && somebody.MatchString(body) {
				l.Errorf("%s %s, %s: %d %s", p.Role, p.Name, path, r.StatusCode, body)
			}
		}
		for _, c := range l.convs {
			if !l.chance(l.every) {
				continue
			}
			path, want := fmt.Sprintf("/api/v1/conversations/%d/messages", c.ID), http.StatusNotFound
			switch {
			case !p.Active:
				want = http.StatusUnauthorized
			case l.sees(p, c):
				want = http.StatusOK
			}
			for _, path := range []string{path, strings.TrimSuffix(path, "/messages")} {
				r, body := l.call(http.MethodGet, path, key, "", "")
				l.clean(p, path, body, allowed)
				if r.StatusCode != want {
					l.Errorf("%s %s, %s: %d, want %d", p.Role, p.Name, path, r.StatusCode, want)
				}
			}
			if want == http.StatusOK {
				continue
			}
			for _, send := range []string{`{"body":"x"}`, `{"body":"x","note":true}`} {
				if r, _ := l.call(http.MethodPost, path, key, "", send); r.StatusCode != want {
					l.Errorf("%s %s sends to %s: %d, want %d", p.Role, p.Name, path, r.StatusCode, want)
				}
			}
		}
	}
}
