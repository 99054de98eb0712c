package inbox_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// A world is a business by chance: a team, people, records and conversations, and
// beside the store the test's own memory of who stands where. What the test expects
// is computed from that memory, never from the store.
type world struct {
	*office
	r        *rand.Rand
	settings *bridge.Settings
	staff    []bridge.Staff
	keys     map[bridge.StaffID]string
	contacts []bridge.Contact
	records  []*bridge.Record // Staff: who is on it now
	convs    []*known
	texts    []*said
	clock    time.Time
	words    int
}

// known is a conversation as the test remembers it.
type known struct {
	bridge.Conversation
	members  map[bridge.StaffID]bool   // true: now; false: they left
	people   map[bridge.ContactID]bool // as members, of contacts
	drafts   map[bridge.StaffID]string
	mentions map[bridge.StaffID]int // unseen ones
	failures []bridge.DeliveryID
}

// said is a message as the test remembers it: its word stands nowhere else.
type said struct {
	id    bridge.MessageID
	in    *known
	word  string
	about bridge.RecordID
	dir   bridge.Direction
}

func newWorld(t *testing.T, o data.Options, seed uint64, hash string) *world {
	w := &world{
		office: newEmptyOffice(t, o), r: rand.New(rand.NewPCG(seed, 17)), keys: map[bridge.StaffID]string{},
		clock: time.Now().Add(-24 * time.Hour).Truncate(time.Second),
	}
	w.write(func(tx *data.Tx) {
		w.settle(tx)
		w.hireAll(tx, hash)
		w.meet(tx)
		for range 40 {
			w.begin(tx)
		}
		for _, c := range w.convs {
			w.fill(tx, c)
		}
	})
	return w
}

// write runs one transaction; what must not fail panics, which the store turns
// into the error of the write.
func (w *world) write(fn func(*data.Tx)) {
	w.Helper()
	if err := w.store.Write(w.Context(), func(tx *data.Tx) error { fn(tx); return nil }); err != nil {
		w.Fatal(err)
	}
}

func ok(err error) {
	if err != nil {
		panic(err)
	}
}

func (w *world) chance(of int) bool { return w.r.IntN(of) == 0 }

// tick gives moments that are all different.
func (w *world) tick() time.Time {
	w.clock = w.clock.Add(time.Second)
	return w.clock
}

// word is a secret: it stands in one place of the world only.
func (w *world) word() string {
	w.words++
	return fmt.Sprintf("zq%dxq", w.words)
}

func pick[T any](w *world, from []T) T { return from[w.r.IntN(len(from))] }

func (w *world) settle(tx *data.Tx) {
	w.settings = bridge.NewSettings(pick(w, bridge.Presets[:]))
	w.settings.PortalOn, w.settings.FieldAnswers, w.settings.SupervisorsAnswer = !w.chance(4), w.chance(2), w.chance(2)
	for i := range w.settings.Policies {
		p := &w.settings.Policies[i]
		if p.Kind != bridge.KindTeam && p.Kind != bridge.KindCustomer && p.Kind != bridge.KindPartner {
			p.SeenBy = pick(w, []bridge.Audience{bridge.WholeTeam, bridge.ParticipantsOnly})
		}
		p.On = p.On || w.chance(2)
	}
	ok(w.settings.Check())
	ok(tx.PutSettings(w.settings))
	_, err := tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true})
	ok(err)
}

func (w *world) hireAll(tx *data.Tx, hash string) {
	roles := append(slices.Clone(bridge.Roles[:]), pick(w, bridge.Roles[:]), bridge.Tradie, bridge.Admin)
	for i, role := range roles {
		p := must(tx.AddStaff(bridge.Staff{Name: fmt.Sprintf("Person%d Team", i), Email: fmt.Sprintf("p%d@example.com", i), Role: role}, hash, w.tick()))
		p.Active = i == 0 || !w.chance(6)
		ok(tx.PutStaff(p))
		key, keyHash := bridge.NewSecret()
		ok(tx.AddKey(p.ID, keyHash, w.tick()))
		w.keys[p.ID] = key
		w.staff = append(w.staff, p)
	}
}

// meet makes the contacts, and the records with their people, some of whom are
// taken off again.
func (w *world) meet(tx *data.Tx) {
	for i := range 9 {
		c := bridge.Contact{Name: fmt.Sprintf("Contact%d", i), Side: bridge.Sides[i%len(bridge.Sides)], Addresses: []bridge.Address{
			{Channel: bridge.SMS, Value: fmt.Sprintf("+1415555%04d", 1000+i), Answerable: true}}}
		if w.chance(2) {
			c.ConnectedAt = w.tick()
		}
		w.contacts = append(w.contacts, must(tx.AddContact(c, w.tick())))
	}
	for i := range 10 {
		r := bridge.Record{Type: bridge.RecordTypes[i%4], Reference: fmt.Sprint(1000 + i), Title: fmt.Sprintf("Record%d", i), Stage: "Construction"}
		for range 1 + w.r.IntN(3) {
			if id := pick(w, w.contacts).ID; !slices.Contains(r.Contacts, id) {
				r.Contacts = append(r.Contacts, id)
			}
		}
		r.Staff = w.some(4)
		r = must(tx.AddRecord(r, w.tick()))
		w.records = append(w.records, &r)
		if w.chance(2) {
			w.reassign(tx, &r)
		}
	}
}

// reassign puts other staff on a record.
func (w *world) reassign(tx *data.Tx, r *bridge.Record) {
	r.Staff = w.some(4)
	ok(tx.PutRecord(*r, w.tick()))
}

// some of the team: one in of.
func (w *world) some(of int) (out []bridge.StaffID) {
	for _, p := range w.staff {
		if w.chance(of) {
			out = append(out, p.ID)
		}
	}
	return out
}

// begin starts a conversation by chance, or does nothing where there is one.
func (w *world) begin(tx *data.Tx) {
	c := &known{members: map[bridge.StaffID]bool{}, people: map[bridge.ContactID]bool{}, drafts: map[bridge.StaffID]string{}, mentions: map[bridge.StaffID]int{}}
	c.Kind, c.State = pick(w, bridge.Kinds[:]), bridge.Open
	contact, with := bridge.Contact{}, []bridge.StaffID(nil)
	about := ""
	switch c.Kind {
	case bridge.KindTeam:
		a, b := pick(w, w.staff).ID, pick(w, w.staff).ID
		if about, with = fmt.Sprintf("team:%d:%d", min(a, b), max(a, b)), []bridge.StaffID{a, b}; a == b {
			about, with = "team", w.some(1)
		}
	case bridge.KindCustomer, bridge.KindPartner, bridge.KindDirect:
		contact = pick(w, w.contacts)
		about = fmt.Sprintf("%s:%d", c.Kind, contact.ID)
	case bridge.KindMaintenance, bridge.KindTopic, bridge.KindJob:
		r := pick(w, w.records)
		if !slices.Contains(c.Kind.About(), r.Type) {
			return
		}
		id := pick(w, r.Contacts)
		contact = w.contacts[slices.IndexFunc(w.contacts, func(c bridge.Contact) bool { return c.ID == id })]
		c.Record, about = r.ID, fmt.Sprintf("record:%d", r.ID)
		if c.Kind == bridge.KindTopic {
			about = fmt.Sprintf("topic:%d", len(w.convs))
		} else if c.Kind == bridge.KindMaintenance {
			about = fmt.Sprintf("maintenance:%d:%s", r.ID, contact.Side)
		}
	}
	c.Contact, c.Folder, c.Subject, c.LastAt = contact.ID, bridge.FolderOf(c.Kind, contact.Side), w.word(), w.tick()
	id, started, err := tx.FindOrStart(data.Start{Kind: c.Kind, About: about, Contact: contact, Record: c.Record, Subject: c.Subject, Title: "Title of " + about, At: c.LastAt})
	ok(err)
	if !started {
		return
	}
	c.ID = id
	w.convs = append(w.convs, c)
	if contact.ID != 0 {
		c.people[contact.ID] = true
	}
	for _, p := range with {
		w.join(tx, c, p)
	}
}

// invite puts a contact into a conversation or takes one out of it.
func (w *world) invite(tx *data.Tx, c *known, who bridge.ContactID, in bool) {
	p := bridge.Participant{Conversation: c.ID, Contact: who, AddedAt: w.tick()}
	if in {
		ok(tx.AddParticipant(p))
	} else {
		ok(tx.RemoveParticipant(p, w.tick()))
	}
	c.people[who] = in
}

func (w *world) join(tx *data.Tx, c *known, p bridge.StaffID) {
	ok(tx.AddParticipant(bridge.Participant{Conversation: c.ID, Staff: p, AddedAt: w.tick()}))
	c.members[p] = true
}

func (w *world) leave(tx *data.Tx, c *known, p bridge.StaffID) {
	ok(tx.RemoveParticipant(bridge.Participant{Conversation: c.ID, Staff: p}, w.tick()))
	if c.members[p] {
		c.members[p] = false
	}
}

// fill gives a conversation its people, its words and its state.
func (w *world) fill(tx *data.Tx, c *known) {
	if c.Kind != bridge.KindTeam {
		for _, p := range w.some(4) {
			w.join(tx, c, p)
		}
		for _, p := range w.some(4) {
			w.leave(tx, c, p)
		}
	}
	for range 1 + w.r.IntN(4) {
		w.say(tx, c)
	}
	for _, p := range w.some(6) {
		c.drafts[p] = w.word()
		ok(tx.SaveDraft(c.ID, p, "reply", c.drafts[p], w.tick()))
	}
	if w.chance(2) {
		w.assign(tx, c)
	}
	if c.Urgent = w.chance(3); c.Urgent {
		ok(tx.SetUrgent(c.ID, true))
	}
	c.State = pick(w, []bridge.ConversationState{bridge.Open, bridge.Open, bridge.Waiting, bridge.Snoozed, bridge.Closed})
	ok(tx.SetState(c.ID, c.State, w.clock.Add(48*time.Hour)))
}

func (w *world) assign(tx *data.Tx, c *known) {
	if c.Assignee = 0; !w.chance(4) {
		c.Assignee = pick(w, w.staff).ID
	}
	ok(tx.Assign(c.ID, c.Assignee))
}

// say puts a message into a conversation: perhaps with a mention, a failed delivery,
// or a placement on a record, whoever's that is.
func (w *world) say(tx *data.Tx, c *known) {
	m := &said{in: c, word: w.word(), dir: pick(w, []bridge.Direction{bridge.In, bridge.In, bridge.Out, bridge.Note, bridge.Event})}
	at, by := w.tick(), bridge.Author{Kind: bridge.BySystem}
	if m.dir == bridge.Out || m.dir == bridge.Note {
		p := pick(w, w.staff)
		by = bridge.Author{Kind: bridge.ByStaff, ID: int64(p.ID), Name: p.Name}
	}
	stored := must(tx.AddMessage(bridge.Message{
		Conversation: c.ID, At: at, Direction: m.dir, Channel: bridge.Inbox, Author: by, Body: "word " + m.word,
	}))
	m.id = stored.ID
	w.texts = append(w.texts, m)
	switch m.dir {
	case bridge.In:
		c.State = bridge.Open
	case bridge.Out:
		c.State = bridge.Waiting
	}
	if m.dir != bridge.Event {
		c.LastAt = at
	}
	if w.chance(4) {
		who := pick(w, w.staff).ID
		ok(tx.AddMention(stored, who))
		c.mentions[who]++
	}
	if m.dir == bridge.Out && w.chance(2) {
		w.fail(tx, c, stored)
	}
	if (m.dir == bridge.In || m.dir == bridge.Out) && c.Contact != 0 && w.chance(2) {
		w.place(tx, m)
		if w.chance(2) {
			w.place(tx, m)
		}
	}
}

func (w *world) place(tx *data.Tx, m *said) {
	if m.about = 0; !w.chance(5) {
		m.about = pick(w, w.records).ID
	}
	ok(tx.Place(bridge.Placement{Message: m.id, Record: m.about, Because: "chance", At: w.tick()}))
}

func (w *world) fail(tx *data.Tx, c *known, m bridge.Message) {
	d := must(tx.AddDelivery(bridge.Delivery{Message: m.ID, Conversation: c.ID, Line: 1, Channel: bridge.SMS, To: "+14155551000", ExpiresAt: w.clock.Add(time.Hour)}, w.clock))
	was := d.State
	d.State, d.Code = bridge.Failed, "30003"
	ok(tx.SaveDelivery(d, was, bridge.Failure{}, w.clock))
	c.failures, c.Failed, c.State = append(c.failures, d.ID), c.Failed+1, bridge.Open
}

// record finds one of the world's.
func (w *world) record(id bridge.RecordID) bridge.Record {
	for _, r := range w.records {
		if r.ID == id {
			return *r
		}
	}
	return bridge.Record{}
}

// sees asks the rule itself, with facts from the test's memory.
func (w *world) sees(p bridge.Staff, c *known) bool {
	f := &bridge.Facts{Settings: w.settings, Conversation: c.Conversation, Member: c.members[p.ID], Record: w.record(c.Record)}
	f.OnRecord = slices.Contains(f.Record.Staff, p.ID)
	seen := bridge.Sees(p.Actor(), f)
	if d := bridge.Decide(p.Actor(), bridge.DoSee, f); d.Allowed() != (seen && p.Active) {
		w.Errorf("Decide and Sees disagree: %+v", d)
	}
	return seen
}

// shows says whether a conversation shows a message: its own, and a text from the
// contact's own conversation that is placed on its record.
func shows(c *known, m *said) bool {
	own := m.in.Kind == bridge.KindCustomer || m.in.Kind == bridge.KindPartner
	return m.in == c || own && c.Record != 0 && m.about == c.Record && m.in.Contact == c.Contact
}

// in says whether a view shows a conversation to a reader who sees it.
func (c *known) isIn(v bridge.View, p bridge.Staff) bool {
	active, work := c.State == bridge.Open || c.State == bridge.Waiting, c.Kind != bridge.KindTeam
	switch v {
	case bridge.ViewOpen:
		return active && work
	case bridge.ViewMine:
		return active && work && c.Assignee == p.ID
	case bridge.ViewUnassigned:
		return active && work && c.Assignee == 0
	case bridge.ViewAttention:
		return c.NeedsAttention()
	case bridge.ViewMentions:
		_, mentioned := c.mentions[p.ID]
		return mentioned
	case bridge.ViewWaiting, bridge.ViewSnoozed, bridge.ViewClosed:
		return string(c.State) == string(v)
	}
	return active && c.Folder == v.Folder()
}
