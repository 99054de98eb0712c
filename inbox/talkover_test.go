package inbox_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/outbox"
	"porchlight/data"
	"porchlight/data/datatest"
)

// TestTheReceptionistNeverTalksOverAPerson lets all who may write in a conversation
// do so at the same time, and then reads what was stored in the order of the message
// ids. All writers pass the revision's row, on PostgreSQL also those of two nodes, so
// ids are in the order in which things happened, and an id that a claim sees is of
// something that happened before it. PORCHLIGHT_TEST_FULL=1 does it 1,000 times
// instead of 30.
func TestTheReceptionistNeverTalksOverAPerson(t *testing.T) {
	rounds, nodes := 30, map[string]int{"sqlite": 1, "postgres": 2}
	if os.Getenv("PORCHLIGHT_TEST_FULL") == "1" {
		rounds = 1000
	}
	datatest.EachOptions(t, func(t *testing.T, o data.Options) {
		r := &talkover{answers: map[string]spokenUnder{}, inbound: map[bridge.MessageID]string{}}
		engine := "sqlite"
		if o.Postgres != "" {
			engine = "postgres"
		}
		r.desk = newDesk(t, o, deskPlan{nodes: nodes[engine], change: r.watch})
		r.db = openRaw(t, o)
		r.maya = r.hireOne("Maya Quinn", bridge.Admin)
		r.bot.says(r.robot)
		began := time.Now()
		r.run(rounds)
		t.Logf("%d conversations in %v: %s", rounds, time.Since(began).Round(time.Millisecond), r.check())
	})
}

// A talkover is what the outside world was told while everybody wrote at once.
type talkover struct {
	*desk
	db   *sql.DB
	maya bridge.Staff
	n    atomic.Int64 // makes what is said unique

	mu      sync.Mutex
	talks   []bridge.ConversationID
	answers map[string]spokenUnder // of the receptionist, by what it said
	inbound map[bridge.MessageID]string
	claims  []claimOfARobot
}

// A spokenUnder is what became of an answer.
type spokenUnder struct {
	hold    bridge.HoldID
	id      bridge.MessageID // 0: refused
	refusal string           // its code
}

// A claimOfARobot is a text of the receptionist that left: the newest message of its
// conversation in the transaction that claimed it.
type claimOfARobot struct {
	hold   bridge.HoldID
	body   string
	newest bridge.MessageID
}

func openRaw(t *testing.T, o data.Options) *sql.DB {
	driver, dsn := "sqlite3", o.Path
	if o.Postgres != "" {
		driver, dsn = "pgx", o.Postgres
	}
	db := must(sql.Open(driver, dsn))
	t.Cleanup(func() { db.Close() })
	return db
}

// watch notes which texts of the receptionist may leave.
func (r *talkover) watch(o *outbox.Options) {
	prepare := o.Prepare
	o.Prepare = func(tx *data.Tx, c data.Claim) (bridge.Outgoing, error) {
		out, err := prepare(tx, c)
		if err != nil || c.Hold == 0 || c.Purpose == bridge.ForBot {
			return out, err
		}
		ms, err := tx.Messages(c.Conversation, 0, 1)
		if err == nil {
			r.mu.Lock()
			r.claims = append(r.claims, claimOfARobot{c.Hold, c.Body, ms[0].ID})
			r.mu.Unlock()
		}
		return out, err
	}
}

// robot is the receptionist's server: it answers by the API, is broken, keeps silent,
// or hands over.
func (r *talkover) robot(h heard) int {
	switch n := rand.IntN(10); {
	case n == 0:
		return 503
	case n == 1:
		return 204
	case n == 2:
		if status, code := r.posts(h.Data.HandoffURL, h.Data.Token, "", `{"summary":"Wants a person"}`); status != 204 && (status != 409 || code != "taken_over") {
			r.Errorf("handoff: %d %s", status, code)
		}
		return 204
	}
	body := fmt.Sprintf("answer %d", r.n.Add(1))
	var hold bridge.HoldID
	if _, err := fmt.Sscanf(h.Data.Token, "hold_%d_", &hold); err != nil {
		r.Errorf("%v in %s", err, h.Data.Token)
	}
	status, said := r.posts(h.Data.ReplyURL, h.Data.Token, h.Webhook+body, fmt.Sprintf(`{"body":%q}`, body))
	switch {
	case status == 201:
		var id bridge.MessageID
		if _, err := fmt.Sscan(said, &id); err != nil {
			r.Errorf("%v in %s", err, said)
		}
		r.notes(body, spokenUnder{hold: hold, id: id})
	case status == 409:
		r.notes(body, spokenUnder{hold: hold, refusal: said})
	default:
		r.Errorf("answer: %d %s", status, said)
	}
	return 204
}

// posts gives the status of an answer of the API, and the id or the code in it.
func (r *talkover) posts(url, token, key, body string) (int, string) {
	req := must(http.NewRequest(http.MethodPost, url, strings.NewReader(body)))
	req.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "Idempotency-Key": {key}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	var a struct{ ID, Code string }
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		r.Errorf("%v in %s", err, text)
	}
	return res.StatusCode, a.ID + a.Code
}

func (r *talkover) notes(body string, s spokenUnder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[body] = s
}

// run has eight conversations under way at a time, three writers in each, and
// somebody who looks whether the rows agree meanwhile.
func (r *talkover) run(rounds int) {
	stop, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		for {
			r.rowsAgree()
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	todo := make(chan int)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for n := range todo {
				r.round(fmt.Sprintf("+1415%07d", 2000000+n))
			}
		})
	}
	for n := range rounds {
		todo <- n
	}
	close(todo)
	all.Wait()
	r.until("what waits for another try has left", func() bool { r.later(time.Second); return !r.underWay() })
	close(stop)
	<-looked
}

func (r *talkover) underWay() bool {
	return r.count("SELECT COUNT(*) FROM deliveries WHERE state IN ('queued', 'sending')") > 0
}

func (r *talkover) count(q string) (n int) {
	if err := r.db.QueryRow(q).Scan(&n); err != nil {
		r.Errorf("%v in %s", err, q)
	}
	return n
}

// rowsAgree wants holds and conversations to say the same at any moment.
func (r *talkover) rowsAgree() {
	if n := r.count("SELECT COUNT(*) FROM holds h JOIN conversations c ON c.id = h.conversation_id WHERE (h.ended_at = 0) <> (COALESCE(c.hold_id, 0) = h.id)"); n != 0 {
		r.Errorf("%d holds and their conversations do not agree", n)
	}
	if n := r.count("SELECT COUNT(*) FROM conversations c WHERE hold_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.id = c.hold_id AND h.conversation_id = c.id)"); n != 0 {
		r.Errorf("%d conversations name a hold that is none of theirs", n)
	}
}

// round is one conversation.
func (r *talkover) round(from string) {
	conv := r.customer(from)
	r.mu.Lock()
	r.talks = append(r.talks, conv)
	r.mu.Unlock()
	var writers sync.WaitGroup
	for range 3 {
		writers.Go(func() {
			for range 5 {
				r.act(from, conv)
			}
		})
	}
	writers.Wait()
}

func (r *talkover) customer(from string) bridge.ConversationID {
	n := r.n.Add(1)
	body := fmt.Sprintf("text %d", n)
	got, err := r.any().in.Receive(context.Background(), bridge.Inbound{
		Channel: bridge.SMS, CarrierID: fmt.Sprintf("SM%032x", n), From: from, To: deskLine, Body: body, At: r.now(),
	})
	if err != nil {
		r.Error(err)
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inbound[got.Message] = body
	return got.Conversation
}

func (r *talkover) any() *node { return r.nodes[rand.IntN(len(r.nodes))] }

// act does one thing that somebody may do in a conversation.
func (r *talkover) act(from string, conv bridge.ConversationID) {
	ctx, in, who := context.Background(), r.any().in, []bridge.Staff{r.sam, r.maya}[rand.IntN(2)]
	var err error
	switch rand.IntN(14) {
	case 0, 1, 2:
		r.customer(from)
	case 3, 4, 5:
		err = r.robotSays(in, conv)
	case 6:
		err = in.TakeOver(ctx, who, conv)
	case 7, 8, 9:
		err = in.GiveBack(ctx, who, conv)
	case 10:
		_, err = in.Reply(ctx, who, intake.Draft{Conversation: conv, Body: fmt.Sprintf("reply %d", r.n.Add(1))})
	case 11:
		err = in.Assign(ctx, who, conv, []bridge.StaffID{0, r.sam.ID, r.maya.ID}[rand.IntN(3)])
	case 12:
		err = in.Close(ctx, who, conv)
	case 13:
		if err = in.HandOffHold(ctx, r.someHold(conv), conv, bridge.Handoff{Summary: "Wants a person"}); refusal(err) == "taken_over" || errors.Is(err, bridge.ErrNotFound) {
			err = nil
		}
	}
	if err != nil {
		r.Error(err)
	}
	if rand.IntN(10) == 0 {
		r.sim.FailNext(1, http.StatusTooManyRequests)
		r.later(time.Second)
	}
}

// someHold is a hold of the conversation, mostly the newest; 0: there was none.
func (r *talkover) someHold(conv bridge.ConversationID) (id bridge.HoldID) {
	q := "SELECT COALESCE(MAX(id), 0) FROM holds WHERE conversation_id = %d"
	if rand.IntN(4) == 0 {
		q = "SELECT COALESCE(MIN(id), 0) FROM holds WHERE conversation_id = %d"
	}
	return bridge.HoldID(r.count(fmt.Sprintf(q, conv)))
}

func (r *talkover) robotSays(in *intake.Intake, conv bridge.ConversationID) error {
	hold, body := r.someHold(conv), fmt.Sprintf("answer %d", r.n.Add(1))
	if hold == 0 {
		return nil
	}
	m, err := in.AnswerAsBot(context.Background(), hold, intake.Draft{Conversation: conv, Body: body})
	if code := refusal(err); code != "" {
		r.notes(body, spokenUnder{hold: hold, refusal: code})
		return nil
	}
	if err == nil {
		r.notes(body, spokenUnder{hold: hold, id: m.ID})
	}
	return err
}

// refusal is the code of a denial, empty for any other error.
func refusal(err error) string {
	var denied *bridge.Denied
	if errors.As(err, &denied) {
		return denied.Code
	}
	return ""
}

// check reads everything back. It gives what happened, in figures.
func (r *talkover) check() string {
	var sum tally
	stored := map[bridge.MessageID]bridge.Message{}
	ended := map[bridge.HoldID]bridge.MessageID{} // by a person: what says so
	told := r.tellings()
	for _, id := range r.talks {
		r.replay(id, told, stored, ended, &sum)
	}
	r.rowsAgree()
	for body, a := range r.answers {
		m := stored[a.id]
		switch {
		case a.id != 0 && (strings.TrimPrefix(m.Body, introducing) != body || m.Author.ID != int64(a.hold)):
			r.Errorf("%q was taken as message %d, which says %q", body, a.id, m.Body)
		case a.id == 0 && a.refusal != "taken_over":
			r.Errorf("%q was refused with %q", body, a.refusal)
		case a.id == 0:
			sum.refused++
		}
	}
	for id, m := range stored {
		if m.Author.Kind == bridge.ByAI && m.Direction == bridge.Out && r.answers[strings.TrimPrefix(m.Body, introducing)].id != id {
			r.Errorf("message %d is stored, and its writer does not know: %q", id, m.Body)
		}
	}
	for id, body := range r.inbound {
		if stored[id].Body != body {
			r.Errorf("%q was taken as message %d, which says %q", body, id, stored[id].Body)
		}
	}
	left := map[string]bool{}
	for _, c := range r.claims {
		left[c.body] = true
		if by := ended[c.hold]; by != 0 && c.newest >= by {
			r.Errorf("%q under hold %d left when message %d was there; message %d says that a person took over", c.body, c.hold, c.newest, by)
		}
	}
	for _, s := range r.sim.Sent() {
		if strings.Contains(s.Body, "answer") && !left[s.Body] {
			r.Errorf("%q arrived, and nobody saw it leave", s.Body)
		}
	}
	r.heardOnce(&sum)
	sum.left = len(r.claims)
	sum.doubles, sum.canceled = r.sim.Doubles(), r.count("SELECT COUNT(*) FROM deliveries WHERE state = 'canceled' AND channel = 'sms'")
	if sum.doubles > 0 || sum.left == 0 || sum.stored == 0 || sum.refused == 0 || sum.taken == 0 || sum.given == 0 {
		r.Errorf("this shows nothing: %+v", sum)
	}
	return fmt.Sprintf("%+v", sum)
}

// A tally is what happened.
type tally struct {
	holds, given, taken, closed, handed, silent, broken int // holds and how they ended
	stored, refused                                     int // answers of the receptionist
	inbound, told, words                                int // texts in, those it was told of, requests to it
	left, canceled, doubles                             int // texts of it that left, and texts that did not
}

// A telling is word to the receptionist of a message under a hold.
type telling struct {
	hold    bridge.HoldID
	message bridge.MessageID
}

func (r *talkover) tellings() map[telling]int {
	rows := must(r.db.Query("SELECT COALESCE(hold_id, 0), COALESCE(message_id, 0) FROM deliveries WHERE purpose = 'bot'"))
	defer rows.Close()
	out := map[telling]int{}
	for rows.Next() {
		var t telling
		if err := rows.Scan(&t.hold, &t.message); err != nil {
			r.Error(err)
		}
		if out[t]++; out[t] > 1 {
			r.Errorf("told %d times of message %d under hold %d", out[t], t.message, t.hold)
		}
	}
	if err := rows.Err(); err != nil {
		r.Error(err)
	}
	return out
}

// holdsOf gives the holds of a conversation in their order.
func (r *talkover) holdsOf(id bridge.ConversationID) (out []bridge.Hold) {
	rows := must(r.db.Query(fmt.Sprintf("SELECT id FROM holds WHERE conversation_id = %d ORDER BY id", id)))
	var ids []bridge.HoldID
	for rows.Next() {
		var h bridge.HoldID
		if err := rows.Scan(&h); err != nil {
			r.Error(err)
		}
		ids = append(ids, h)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		r.Error(err)
	}
	for _, h := range ids {
		out = append(out, r.hold(h))
	}
	return out
}

// replay goes through a conversation in the order in which it happened.
func (r *talkover) replay(id bridge.ConversationID, told map[telling]int, stored map[bridge.MessageID]bridge.Message, ended map[bridge.HoldID]bridge.MessageID, sum *tally) {
	holds := r.holdsOf(id)
	sum.holds += len(holds)
	var now *bridge.Hold // under which the receptionist may write
	ends := func(m bridge.Message, ways ...bridge.HoldEnd) {
		if now == nil || !slices.Contains(ways, now.End) {
			r.Errorf("conversation %d, message %d %q ends hold %+v", id, m.ID, m.Body, now)
		}
		now = nil
	}
	for _, m := range r.said(id) {
		stored[m.ID] = m
		switch {
		case m.Direction == bridge.Event && (strings.HasSuffix(m.Body, "answers here") || strings.Contains(m.Body, " gave this to ")):
			if now != nil || len(holds) == 0 {
				r.Errorf("conversation %d, message %d %q begins another hold beside %+v", id, m.ID, m.Body, now)
				return
			}
			now, holds = &holds[0], holds[1:]
			sum.given++
		case m.Direction == bridge.Event && strings.Contains(m.Body, " took over from "):
			if now != nil {
				ended[now.ID] = m.ID
			}
			ends(m, bridge.HoldTaken)
			sum.taken++
		case m.Direction == bridge.Event && strings.HasSuffix(m.Body, " closed this"):
			if now != nil {
				ends(m, bridge.HoldClosed)
				sum.closed++
			}
		case m.Handoff != nil:
			if now != nil {
				sum.by(now.End)
			}
			ends(m, bridge.HoldHanded, bridge.HoldSilent, bridge.HoldBroken, bridge.HoldUnheard)
		case m.Author.Kind == bridge.ByAI:
			if now == nil || m.Author.ID != int64(now.ID) {
				r.Errorf("conversation %d, message %d: the receptionist wrote under hold %d, while %+v", id, m.ID, m.Author.ID, now)
			}
			sum.stored++
		case m.Author.Kind == bridge.ByStaff && now != nil:
			r.Errorf("conversation %d, message %d: a person wrote, and the receptionist keeps %+v", id, m.ID, now)
		case m.Author.Kind == bridge.ByStaff:
			if d := m.Deliveries; len(d) != 1 || d[0].State == bridge.Canceled || d[0].State.Failure() {
				r.Errorf("conversation %d, message %d: a person's reply did not leave: %+v", id, m.ID, d)
			}
		case m.Direction == bridge.In:
			sum.inbound++
			if now != nil {
				if sum.told++; told[telling{now.ID, m.ID}] != 1 {
					r.Errorf("conversation %d: told %d times of message %d under hold %d", id, told[telling{now.ID, m.ID}], m.ID, now.ID)
				}
			}
		}
	}
	row := r.row(id)
	if len(holds) != 0 || (now == nil) != (row.Hold == 0) || now != nil && (now.ID != row.Hold || !now.EndedAt.IsZero()) {
		r.Errorf("conversation %d ends with %+v, its row with hold %d; %d holds are left over", id, now, row.Hold, len(holds))
	}
}

func (s *tally) by(e bridge.HoldEnd) {
	switch e {
	case bridge.HoldHanded:
		s.handed++
	case bridge.HoldSilent:
		s.silent++
	case bridge.HoldBroken:
		s.broken++
	case bridge.HoldTaken, bridge.HoldClosed, bridge.HoldStopped, bridge.HoldUnheard:
	}
}

// heardOnce wants no word to be said again once it was answered.
func (r *talkover) heardOnce(sum *tally) {
	taken, of := map[string]bool{}, map[string]string{}
	for _, h := range r.bot.all() {
		sum.words++
		about := h.Data.Token
		if h.Data.Message != nil {
			about += " " + h.Data.Message.ID
		}
		if was, ok := of[h.Webhook]; ok && was != about {
			r.Errorf("%s is about %s and %s", h.Webhook, was, about)
		}
		of[h.Webhook] = about
		if taken[h.Webhook] {
			r.Errorf("%s was said again after it was taken", h.Webhook)
		}
		taken[h.Webhook] = taken[h.Webhook] || h.Status < 300
	}
}
