package data

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"porchlight/bridge"
)

// Searching all messages, newest first and never ranked: ranking has to look at
// every match. The index gives ids that have all that is wanted, the store says which
// of them the reader may see, and in which conversation. Both go by pages, so that
// neither sees more than it has to.

const (
	// searchPage is how many ids are asked for at once.
	searchPage = 64
	// narrowAfter is after how many ids an office reader's own words are added: by
	// then most of what is found is plainly not for them.
	narrowAfter = 256
	// maxScope is up to how many conversations a reader's own words say which are
	// theirs. FTS4 takes 4,096 words.
	maxScope = 2_000
	// maxOwn is how many messages a reader may have who is given no more than their
	// own; ownPage of them are looked at at once.
	maxOwn  = 20_000
	ownPage = 512
	// maxSenders bounds the contacts that a sender's name may stand for.
	maxSenders = 50
)

// Search gives the messages that one of the team looks for and may see, newest
// first: those before one of them, or from the newest on with 0.
func (tx *Tx) Search(reader bridge.Staff, q bridge.Search, before bridge.MessageID, limit int) ([]bridge.Hit, error) {
	return tx.inTime(func(tx *Tx) ([]bridge.Hit, error) { return tx.searchFor(reader, q, before, limit) })
}

func (tx *Tx) searchFor(reader bridge.Staff, q bridge.Search, before bridge.MessageID, limit int) ([]bridge.Hit, error) {
	may, err := tx.visible(reader)
	if err != nil {
		return nil, err
	}
	w, ok, err := tx.newWalk(q, markOf(markStaff, reader.ID), before)
	if err != nil || !ok {
		return nil, err
	}
	if !reader.Role.Office() {
		err = w.limitTo("SELECT DISTINCT id FROM ("+theirs+") AS all_theirs", int64(reader.ID))
	}
	if err != nil {
		return nil, err
	}
	scope := func() ([]term, error) { return tx.scopeOf(reader) }
	return w.collect(limit, scope, func(ids []bridge.MessageID) ([]bridge.Hit, error) {
		return w.hits(ids, int64(reader.ID), may.rule, "", true)
	})
}

// SearchAsContact is Search for a contact in the portal: in conversations that they
// take part in, and neither notes nor events.
func (tx *Tx) SearchAsContact(contact bridge.ContactID, q bridge.Search, before bridge.MessageID, limit int) ([]bridge.Hit, error) {
	return tx.inTime(func(tx *Tx) ([]bridge.Hit, error) { return tx.searchForContact(contact, q, before, limit) })
}

// inTime ends a search that takes too long: it holds one of few connections, for
// which everybody's inbox would wait.
func (tx *Tx) inTime(search func(*Tx) ([]bridge.Hit, error)) ([]bridge.Hit, error) {
	ctx, cancel := context.WithTimeout(tx.ctx, tx.s.index.patience)
	defer cancel()
	bounded := *tx
	bounded.ctx = ctx
	hits, err := search(&bounded)
	if err != nil && ctx.Err() != nil && tx.ctx.Err() == nil {
		return nil, &bridge.Denied{Code: "search_too_slow", Sentence: "This search takes too long", Fix: "Add a word, a sender or a date"}
	}
	return hits, tx.s.index.heed(err)
}

func (tx *Tx) searchForContact(contact bridge.ContactID, q bridge.Search, before bridge.MessageID, limit int) ([]bridge.Hit, error) {
	s, err := tx.Settings()
	if err != nil || !s.PortalOn || contact == 0 {
		return nil, err
	}
	q.Failed = false // what was not delivered, the team deals with
	w, ok, err := tx.newWalk(q, markOf(markContact, contact), before)
	if err != nil || !ok {
		return nil, err
	}
	const part = `SELECT p.conversation_id AS id FROM participants p JOIN conversations c ON c.id = p.conversation_id
		WHERE p.contact_id = $1 AND p.contact_id <> 0 AND p.left_at = 0 AND c.kind <> 'team'`
	if err := w.limitTo(part, int64(contact)); err != nil {
		return nil, err
	}
	const theirs = `c.kind <> 'team' AND EXISTS (SELECT 1 FROM participants p
		WHERE p.conversation_id = c.id AND p.contact_id = $1 AND p.contact_id <> 0 AND p.left_at = 0)`
	return w.collect(limit, nil, func(ids []bridge.MessageID) ([]bridge.Hit, error) {
		return w.hits(ids, int64(contact), theirs, " AND m.direction IN ('in', 'out')", false)
	})
}

// A walk goes through what is found, from the newest to the oldest.
type walk struct {
	tx, ix  *Tx
	search  bridge.Search
	said    []term // words and phrases, for the marks
	want    wanted
	volumes []span // those that are left
	before  bridge.MessageID
	looked  int
	narrowed,
	dense bool // on PostgreSQL: what is wanted is common here
	// limited: only these are looked at, newest first.
	limited bool
	own     []bridge.MessageID
}

// newWalk begins a search; ok is false where nothing can be found. me is who looks,
// as the mark of a sender.
func (tx *Tx) newWalk(q bridge.Search, me string, before bridge.MessageID) (w *walk, ok bool, err error) {
	w = &walk{tx: tx, ix: tx.onIndex(), search: q, said: said(q), before: before, dense: true}
	if q.Empty() || len(w.said) < len(q.Words)+len(q.Phrases) {
		return w, false, nil
	}
	if before == 0 {
		w.before = 1 << 62
	}
	for _, t := range w.said {
		w.want = append(w.want, []term{t})
	}
	if q.Channel != "" {
		w.want = append(w.want, []term{mark(markChannel + string(q.Channel))})
	}
	if q.HasPhoto {
		w.want = append(w.want, []term{mark(markPhoto)})
	}
	if q.Record != "" {
		records, err := tx.recordsCalled(q.Record)
		if err != nil || len(records) == 0 {
			return w, false, err
		}
		w.want = append(w.want, records)
	}
	if q.From != "" {
		from, err := tx.senders(q.From, me)
		if err != nil || len(from) == 0 {
			return w, false, err
		}
		w.want = append(w.want, from...)
	}
	w.volumes, err = w.ix.volumes()
	return w, true, err
}

func (tx *Tx) recordsCalled(reference string) ([]term, error) {
	var types []string
	for _, t := range bridge.RecordTypes {
		types = append(types, "'"+string(t)+"'") // by the index of type and reference
	}
	ids, err := list(tx, scanID[bridge.RecordID], "SELECT id FROM records WHERE type IN ("+strings.Join(types, ", ")+") AND reference = $1", reference)
	var out []term
	for _, id := range ids {
		out = append(out, mark(markOf(markRecord, id)))
	}
	return out, err
}

// senders are the marks of those whom a name or a number stands for: one of the
// team, or else whoever was called so when they wrote, or is called so now.
func (tx *Tx) senders(name, me string) (wanted, error) {
	if strings.EqualFold(name, "me") {
		return wanted{{mark(me)}}, nil
	}
	words := wordsOf(name)
	if len(words) == 0 {
		return nil, nil
	}
	team, err := tx.Staff()
	if err != nil {
		return nil, err
	}
	var ids []term
	for _, p := range team {
		called := wordsOf(p.Name)
		if !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(called, w) }) {
			ids = append(ids, mark(markOf(markStaff, p.ID)))
		}
	}
	lower := strings.ToLower(strings.Join(strings.Fields(name), " "))
	contacts, err := list(tx, scanID[bridge.ContactID], `
		SELECT id FROM contacts WHERE merged_into IS NULL AND sort_name >= $1 AND sort_name < $2 ORDER BY sort_name, id LIMIT `+strconv.Itoa(maxSenders),
		lower, lower+"\U0010ffff")
	if err != nil {
		return nil, err
	}
	more, err := list(tx, scanID[bridge.ContactID], "SELECT contact_id FROM addresses WHERE value IN ($1, $2) AND ended_at = 0 LIMIT "+strconv.Itoa(maxSenders),
		lower, "+"+strings.TrimLeft(digits(lower), "+"))
	if err != nil {
		return nil, err
	}
	if len(ids) == 1 && len(contacts)+len(more) == 0 {
		return wanted{ids}, nil // a list of one is the quickest
	}
	for _, id := range append(contacts, more...) {
		ids = append(ids, mark(markOf(markContact, id)))
	}
	var out wanted
	for _, w := range words {
		out = append(out, append([]term{mark(markSenders + w)}, ids...))
	}
	return out, nil
}

// limitTo has only the messages of some conversations looked at, which mine selects
// by who looks: those of somebody who sees few. Their own messages are read then, and
// what a search costs them does not grow with what others write. By the index their
// conversations were 200 more words, at 40 µs a word and volume. Who has very many
// messages goes by the index all the same.
func (w *walk) limitTo(mine string, who int64) error {
	ids, err := list(w.tx, scanID[bridge.MessageID], `
		SELECT m.id FROM (`+mine+`) AS t CROSS JOIN messages m WHERE m.conversation_id = t.id AND m.id < $2
		UNION SELECT p.message_id FROM (`+mine+`) AS t CROSS JOIN conversations v CROSS JOIN placements p
			WHERE v.id = t.id AND p.record_id = v.record_id AND p.newest AND p.message_id < $2
		ORDER BY 1 DESC LIMIT `+strconv.Itoa(maxOwn+1), who, w.before)
	if err != nil {
		return err
	}
	if w.limited = len(ids) <= maxOwn; w.limited {
		w.own = ids
		return nil
	}
	return w.narrow(func() ([]term, error) { return w.tx.marksOf(mine, who) })
}

// marksOf are the marks of some conversations: that of the record, where there is
// one, is on all that they show. None: they are too many.
func (tx *Tx) marksOf(mine string, who int64) (out []term, err error) {
	type talk struct{ id, record int64 }
	talks, err := list(tx, func(s scanner) (t talk, err error) { return t, s.Scan(&t.id, &t.record) },
		"SELECT c.id, COALESCE(c.record_id, 0) FROM ("+mine+") AS t CROSS JOIN conversations c WHERE c.id = t.id LIMIT "+strconv.Itoa(maxScope+1), who)
	if err != nil || len(talks) > maxScope {
		return nil, err
	}
	for _, t := range talks {
		if t.record != 0 {
			out = append(out, mark(markOf(markRecord, t.record)))
		} else {
			out = append(out, mark(markOf(markTalk, t.id)))
		}
	}
	return out, nil
}

// scopeOf are the marks of what an office reader can see at all; none where they are
// too many. The rule itself is asked of each message besides.
func (tx *Tx) scopeOf(reader bridge.Staff) ([]term, error) {
	out, err := tx.marksOf("SELECT DISTINCT id FROM ("+theirs+") AS all_theirs", int64(reader.ID))
	if err != nil {
		return nil, err
	}
	s, err := tx.Settings()
	if err != nil {
		return nil, err
	}
	for _, p := range s.Policies {
		if p.SeenBy == bridge.WholeTeam && p.Kind != bridge.KindTeam {
			out = append(out, mark(markKind+string(p.Kind)))
		}
	}
	return append(out, mark(markPlaced)), nil
}

// narrow adds what the reader can see to what is wanted.
func (w *walk) narrow(scope func() ([]term, error)) error {
	terms, err := scope()
	if err == nil && len(terms) > 0 {
		w.want = append(w.want, terms)
	}
	w.narrowed = true
	return err
}

// collect goes on until it has a page of what shown lets through.
func (w *walk) collect(limit int, scope func() ([]term, error), shown func([]bridge.MessageID) ([]bridge.Hit, error)) (out []bridge.Hit, err error) {
	for len(out) < limit {
		if !w.narrowed && !w.limited && w.looked >= narrowAfter {
			if err := w.narrow(scope); err != nil {
				return nil, err
			}
		}
		ids, err := w.next()
		if err != nil || len(ids) == 0 {
			return out, err
		}
		hits, err := shown(ids)
		if err != nil {
			return nil, err
		}
		for _, h := range hits {
			if len(out) < limit && w.inTime(h) {
				out = append(out, h)
			}
		}
	}
	return out, nil
}

func (w *walk) inTime(h bridge.Hit) bool {
	return !h.At.Before(w.search.After) && (w.search.Before.IsZero() || h.At.Before(w.search.Before))
}

// next gives some more ids, newest first; none at the end.
func (w *walk) next() (ids []bridge.MessageID, err error) {
	if w.search.Failed {
		return w.nextFailed()
	}
	if w.limited {
		return w.nextOwn()
	}
	size := w.tx.s.index.volume
	for len(w.volumes) > 0 {
		v := w.volumes[0]
		want, ok := w.within(v)
		if !ok || int64(w.before) <= v.n*size {
			w.volumes = w.volumes[1:]
			continue
		}
		if ids, err = w.look(v.n, want); err != nil {
			return nil, err
		}
		if w.looked += len(ids); len(ids) > 0 {
			return ids, nil
		}
	}
	return nil, nil
}

// nextOwn looks at what a limited walk has left, some of one volume at a time.
func (w *walk) nextOwn() (ids []bridge.MessageID, err error) {
	size := w.tx.s.index.volume
	for len(w.own) > 0 && len(ids) == 0 {
		n := int64(w.own[0]) / size
		most := 0
		for most < min(len(w.own), ownPage) && int64(w.own[most])/size == n {
			most++
		}
		page := w.own[:most]
		w.own = w.own[most:]
		i := slices.IndexFunc(w.volumes, func(v span) bool { return v.n == n })
		if i < 0 {
			continue // not indexed yet
		}
		if want, ok := w.within(w.volumes[i]); ok {
			if ids, err = w.ix.among(n, want, page); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}

// look takes some ids from one volume, and leaves it when it has no more.
func (w *walk) look(n int64, want wanted) (ids []bridge.MessageID, err error) {
	if w.tx.d.postgres && w.dense {
		upto := bridge.MessageID(0)
		if ids, upto, err = w.ix.leafed(n, want, w.before); err != nil {
			return nil, err
		}
		w.dense = len(ids) >= leaf/64
		if w.before = upto; upto == 0 {
			w.before, w.volumes = bridge.MessageID(n*w.tx.s.index.volume), w.volumes[1:]
		}
		return ids, nil
	}
	if ids, err = w.ix.found(n, want, w.before, searchPage); err != nil {
		return nil, err
	}
	if len(ids) < searchPage {
		w.before, w.volumes = bridge.MessageID(n*w.tx.s.index.volume), w.volumes[1:]
	} else {
		w.before, w.dense = ids[len(ids)-1], true
	}
	return ids, nil
}

// within is what is wanted in one volume, with the days that are asked for where
// the volume has others too; false where it has none of them.
func (w *walk) within(v span) (wanted, bool) {
	from, to := max(v.first, millis(w.search.After)), v.last
	if b := w.search.Before; !b.IsZero() {
		to = min(to, millis(b)-1)
	}
	if from > to {
		return nil, false
	}
	if from == v.first && to == v.last && len(w.want) > 0 {
		return w.want, true
	}
	if terms := days(from, to); len(terms) > 0 {
		return append(w.want[:len(w.want):len(w.want)], terms), true
	}
	return w.want, len(w.want) > 0
}

// failures are what was not delivered and nobody has dealt with, in the words of
// its index. They are few, so a search for them begins with them, and each is
// compared with what is wanted besides.
const failures = "NOT d.handled AND d.state IN ('failed', 'undelivered', 'expired', 'unknown')"

func (w *walk) nextFailed() ([]bridge.MessageID, error) {
	for {
		docs, err := list(w.tx, scanDoc, `
			SELECT `+docColumns+` FROM (
				SELECT DISTINCT d.message_id AS id FROM deliveries d WHERE d.message_id < $1 AND `+failures+`
				ORDER BY d.message_id DESC LIMIT `+strconv.Itoa(searchPage)+`) AS f
			CROSS JOIN `+docFrom+` WHERE m.id = f.id ORDER BY f.id DESC`, w.before)
		if err != nil || len(docs) == 0 {
			return nil, err
		}
		w.before = docs[len(docs)-1].id
		var ids []bridge.MessageID
		for _, d := range docs {
			if !d.event && w.want.in(d.row()) {
				ids = append(ids, d.id)
			}
		}
		if len(ids) > 0 {
			return ids, nil
		}
	}
}

const hitColumns = `m.id, m.at, m.direction, m.channel, m.author_kind, m.author_id, m.author_name, m.body, m.files,
	c.id, c.kind, c.title, c.subject, COALESCE(r.id, 0), COALESCE(r.type, ''), COALESCE(r.reference, ''), COALESCE(r.title, '')`

func (w *walk) scanHit(s scanner) (h bridge.Hit, err error) {
	var at int64
	var body string
	var about bridge.Record
	err = s.Scan(&h.Message, &at, &h.Direction, &h.Channel, &h.Author.Kind, &h.Author.ID, &h.Author.Name, &body, &h.Files,
		&h.Conversation, &h.Kind, &h.Title, &h.Subject, &about.ID, &about.Type, &about.Reference, &about.Title)
	h.At, h.RecordLabel = moment(at), about.Label()
	h.Snippet = bridge.NewSnippet(body, marks(w.said, body))
	return h, err
}

// hits gives of some messages those that their reader, who is $1 of the rule, may
// see: each in its own conversation, or, with elsewhere, in one that shows it because
// it is placed on the record, as in shownIn.
func (w *walk) hits(ids []bridge.MessageID, reader int64, rule, also string, elsewhere bool) ([]bridge.Hit, error) {
	args := []any{reader}
	for _, id := range ids {
		args = append(args, int64(id))
	}
	in := amongAfter(1, &args)
	const record = " LEFT JOIN records r ON r.id = c.record_id"
	out, err := list(w.tx, w.scanHit, "SELECT "+hitColumns+" FROM messages m JOIN conversations c ON c.id = m.conversation_id"+record+
		" WHERE CAST($1 AS BIGINT) IS NOT NULL AND m.id IN "+in+" AND m.direction <> 'event'"+also+" AND "+rule, args...)
	if err != nil {
		return nil, err
	}
	if elsewhere && len(out) < len(ids) {
		placed, err := list(w.tx, w.scanHit, "SELECT "+hitColumns+` FROM messages m JOIN conversations o ON o.id = m.conversation_id
			JOIN placements x ON x.message_id = m.id AND x.newest
			JOIN conversations c ON c.record_id = x.record_id AND c.contact_id = o.contact_id`+record+`
			WHERE CAST($1 AS BIGINT) IS NOT NULL AND o.kind IN ('customer', 'partner') AND c.id <> o.id
				AND m.id IN `+in+" AND m.direction <> 'event'"+also+" AND "+rule+" ORDER BY c.id", args...)
		if err != nil {
			return nil, err
		}
		out = append(out, placed...)
	}
	slices.SortStableFunc(out, func(a, b bridge.Hit) int { return cmp.Compare(b.Message, a.Message) })
	return slices.CompactFunc(out, func(a, b bridge.Hit) bool { return a.Message == b.Message }), nil
}
