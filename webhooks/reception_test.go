package webhooks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"porchlight/bridge"
	"porchlight/bridge/intake"
	"porchlight/bridge/receptionist"
	"porchlight/bridge/sms"
	"porchlight/data"
	"porchlight/data/datatest"
)

const (
	handoffSecret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	handoffKey    = "01234567890123456789012345678901"
	vapiSecret    = "the secret of Vapi"
	retellKey     = "key_0001"
	elevenSecret  = "wsec_0001"
	theirNumber   = "+14155550134" // who calls in the samples
)

// A reception is the doors of receptionists and of texts before a real store, with one
// line, one member of staff and one phone on duty.
type reception struct {
	*testing.T
	store  *data.Store
	db     *sql.DB // a second look at the same database, to count rows
	h      http.Handler
	now    time.Time
	owner  bridge.Staff
	counts map[string]int
	n      int
}

func eachReception(t *testing.T, test func(*reception)) {
	t.Helper()
	datatest.EachOptions(t, func(t *testing.T, o data.Options) { test(newReception(t, o)) })
}

func newReception(t *testing.T, o data.Options) *reception {
	t.Helper()
	s, err := data.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	driver, source := "sqlite3", o.Path
	if o.Postgres != "" {
		driver, source = "pgx", o.Postgres
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &reception{T: t, store: s, db: db, now: time.Date(2026, 11, 22, 14, 2, 0, 0, time.UTC), counts: map[string]int{}}
	if err := s.Write(t.Context(), func(tx *data.Tx) (err error) {
		if _, err = tx.PutLine(bridge.Line{Phone: "+14155550100", Name: "Main", Active: true}); err != nil {
			return err
		}
		r.owner, err = tx.AddStaff(bridge.Staff{Name: "Sam Ortiz", Email: "sam@example.com", Role: bridge.Owner}, "x", r.now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	carrier, err := sms.New(sms.Options{AccountSID: account, Secret: token})
	if err != nil {
		t.Fatal(err)
	}
	in := intake.New(intake.Options{
		Store: s, Now: func() time.Time { return r.now }, Words: map[bridge.Channel]bridge.Dictionary{bridge.SMS: carrier}, Answerable: sms.Answerable,
		Split: func(s string) []string { return []string{s} }, Segments: func(string) int { return 1 }, Region: "US", OnDuty: []bridge.Phone{"+14155550190"}, BotName: "AI receptionist",
	})
	texts, err := New(Options{Intake: in, Now: time.Now, PublicURL: public, AccountSID: account, Tokens: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	texts.Mount(e)
	r.doors(in, e)
	r.h = e
	return r
}

func (r *reception) doors(in *intake.Intake, e *gin.Engine) {
	key, err := receptionist.DecodeSecret(handoffSecret)
	if err != nil {
		r.Fatal(err)
	}
	neutral, err := receptionist.Standard(key)
	if err != nil {
		r.Fatal(err)
	}
	vapi, err := receptionist.Vapi(vapiSecret)
	if err != nil {
		r.Fatal(err)
	}
	(&Receptionist{
		Intake: in, Now: func() time.Time { return r.now }, Seen: func(route, result string) { r.counts[route+" "+result]++ },
		Providers: map[string]receptionist.Provider{
			NeutralPath: {Name: NeutralPath, Verify: neutral, Decode: receptionist.DecodeNeutral}, VapiPath: {Name: VapiPath, Verify: vapi, Decode: receptionist.DecodeVapi},
			RetellPath: {Name: RetellPath, Verify: receptionist.Retell(retellKey), Decode: receptionist.DecodeRetell}, ElevenLabsPath: {Name: ElevenLabsPath, Verify: receptionist.ElevenLabs(elevenSecret), Decode: receptionist.DecodeElevenLabs},
		},
	}).Mount(e)
}

func mac(key, said string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(said))
	return m.Sum(nil)
}

// signed makes the headers with which a receptionist posts.
func (r *reception) signed(path, body string, at time.Time) http.Header {
	h, stamp := http.Header{}, strconv.FormatInt(at.Unix(), 10)
	switch path {
	case NeutralPath:
		r.n++
		id := fmt.Sprintf("msg_%d", r.n)
		h.Set("webhook-id", id)
		h.Set("webhook-timestamp", stamp)
		h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac(handoffKey, id+"."+stamp+"."+body)))
	case VapiPath:
		h.Set("X-Vapi-Secret", vapiSecret)
	case RetellPath:
		ms := strconv.FormatInt(at.UnixMilli(), 10)
		h.Set("X-Retell-Signature", "v="+ms+",d="+hex.EncodeToString(mac(retellKey, body+ms)))
	case ElevenLabsPath:
		h.Set("ElevenLabs-Signature", "t="+stamp+",v0="+hex.EncodeToString(mac(elevenSecret, stamp+"."+body)))
	}
	return h
}

func (r *reception) knock(ctx context.Context, path, body string, header http.Header) *httptest.ResponseRecorder {
	q := httptest.NewRequest(http.MethodPost, "/webhooks/receptionist/"+path, strings.NewReader(body)).WithContext(ctx)
	maps.Copy(q.Header, header)
	w := httptest.NewRecorder()
	r.h.ServeHTTP(w, q)
	return w
}

// post delivers a payload as its receptionist does, and gives what became of it.
func (r *reception) post(path, body string) (status string) {
	r.Helper()
	w := r.knock(r.Context(), path, body, r.signed(path, body, r.now))
	var out struct{ Status string }
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
		r.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return out.Status
}

// text delivers a text as Twilio does.
func (r *reception) text(from, body string) {
	r.Helper()
	r.n++
	form := text(r.n, body)
	form.Set("From", from)
	q := httptest.NewRequest(http.MethodPost, "/webhooks/twilio/sms", strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("X-Twilio-Signature", sms.Sign(token, public+"/webhooks/twilio/sms", form))
	w := httptest.NewRecorder()
	if r.h.ServeHTTP(w, q); w.Code != 200 {
		r.Fatalf("text: %d %s", w.Code, w.Body)
	}
}

func (r *reception) count(query string, args ...any) (n int) {
	r.Helper()
	if err := r.db.QueryRow("SELECT COUNT(*) FROM "+query, args...).Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

// rows counts what a handoff could leave behind.
func (r *reception) rows() string {
	var out []string
	for _, table := range []string{"handoffs", "handoff_pieces", "messages", "contacts", "conversations", "deliveries", "webhook_seen"} {
		out = append(out, fmt.Sprint(table, " ", r.count(table)))
	}
	return strings.Join(out, ", ")
}

// A story is a conversation as the owner finds it.
type story struct {
	bridge.Conversation
	who      bridge.Contact
	messages []bridge.Message
}

// with finds the one conversation with a number.
func (r *reception) with(number string) (s story) {
	r.Helper()
	r.read(func(tx *data.Tx) error {
		as, err := tx.AddressesOf(bridge.SMS, number)
		if err != nil || len(as) != 1 {
			return fmt.Errorf("%d contacts have %s: %w", len(as), number, err)
		}
		cs, err := tx.ConversationsWith(r.owner, as[0].Contact, 10)
		if err != nil || len(cs) != 1 {
			return fmt.Errorf("%d conversations with %s: %w", len(cs), number, err)
		}
		s, err = r.story(tx, cs[0].ID)
		return err
	})
	return s
}

func (r *reception) story(tx *data.Tx, id bridge.ConversationID) (s story, err error) {
	if s.Conversation, err = tx.Conversation(r.owner, id); err != nil {
		return s, err
	}
	if s.who, err = tx.Contact(s.Conversation.Contact); err != nil {
		return s, err
	}
	s.messages, err = tx.Messages(id, 0, 100)
	return s, err
}

func (r *reception) read(fn func(*data.Tx) error) {
	r.Helper()
	if err := r.store.Read(r.Context(), fn); err != nil {
		r.Fatal(err)
	}
}

func (s story) handoffs() (out []bridge.Message) {
	for _, m := range s.messages {
		if m.Handoff != nil {
			out = append(out, m)
		}
	}
	return out
}

// said is what was folded behind a message, in order.
func said(m bridge.Message) (out []string) {
	for _, f := range m.Folded {
		who := "caller"
		switch {
		case f.Direction == bridge.Note:
			who = "note"
		case f.Author.Kind == bridge.ByAI:
			who = "AI " + f.Author.Name
		}
		out = append(out, who+": "+f.Body)
	}
	return out
}

func sampleOf(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../bridge/receptionist/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// neutral is the neutral sample with other values at its top.
func (r *reception) neutral(changes string) string {
	r.Helper()
	var all, other map[string]any
	if err := json.Unmarshal([]byte(sampleOf(r, "neutral_full.json")), &all); err != nil {
		r.Fatal(err)
	}
	if err := json.Unmarshal([]byte(changes), &other); err != nil {
		r.Fatal(err)
	}
	maps.Copy(all, other)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(all)
	if err != nil {
		r.Fatal(err)
	}
	return string(b)
}
