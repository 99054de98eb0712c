package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"porchlight/bridge"
	"porchlight/data"
	"porchlight/inbox/web"
)

// A benchStore is a store that was filled to be measured. The server on it is not
// running while it is filled.
type benchStore struct {
	name, dir, postgres string
	people              int // with numbers 0 to people-1
	conversations       []bridge.ConversationID
	key                 string // an API key of the owner
	seeded              int    // messages
}

const (
	benchEmail    = "owner@example.com"
	benchPassword = "a password for measuring"
	seedBatch     = 5_000 // messages in one commit
)

func (s *benchStore) options() data.Options {
	return data.Options{Path: filepath.Join(s.dir, "porchlight.db"), Postgres: s.postgres}
}

// fill makes a store with people who each have a conversation, and messages that
// come from them in turn, so that a conversation's messages lie as far apart as in
// a real store. It goes through the store's own methods: what they write is what
// gets measured. All of it can be searched: a store that is in use is not behind by
// everything that it has.
func (b *bench) fill(ctx context.Context, name, postgres string, people, messages int) (*benchStore, error) {
	dir, err := b.folder(name)
	if err != nil {
		return nil, err
	}
	s := &benchStore{name: name, dir: dir, postgres: postgres, people: people, seeded: messages}
	store, err := data.Open(ctx, s.options())
	if err != nil {
		return nil, err
	}
	b.say("filling %s: %d conversations, %d messages", name, people, messages)
	began, told := time.Now(), time.Now()
	seed := &seeder{benchStore: s, start: began.Add(-time.Duration(messages+people) * time.Second)}
	err = store.Write(ctx, seed.owner)
	for done := 0; err == nil && done < people; done += seedBatch {
		err = store.Write(ctx, func(tx *data.Tx) error { return seed.addPeople(tx, done, min(done+seedBatch, people)) })
		told = b.progress(told, "%s: %d of %d people", name, done, people)
	}
	for done := 0; err == nil && done < messages; done += seedBatch {
		err = store.Write(ctx, func(tx *data.Tx) error { return seed.addMessages(tx, done, min(done+seedBatch, messages)) })
		told = b.progress(told, "%s: %d of %d messages", name, done, messages)
	}
	if err == nil {
		err = store.CatchUpSearch(ctx)
	}
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, fmt.Errorf("fill %s: %w", name, err)
	}
	b.say("filled %s in %s", name, time.Since(began).Round(100*time.Millisecond))
	return s, nil
}

func (b *bench) progress(told time.Time, format string, args ...any) time.Time {
	if time.Since(told) < 10*time.Second {
		return told
	}
	b.say(format, args...)
	return time.Now()
}

// A seeder fills one store.
type seeder struct {
	*benchStore
	start    time.Time
	line     bridge.LineID
	contacts []bridge.ContactID
}

func (s *seeder) owner(tx *data.Tx) (err error) {
	if s.line, err = tx.PutLine(bridge.Line{Phone: benchLine, Name: "Main"}); err != nil {
		return err
	}
	p, hash, err := web.NewStaff("Sam Ortiz", benchEmail, string(bridge.Owner), benchPassword)
	if err != nil {
		return err
	}
	if p, err = tx.AddStaff(p, hash, s.start); err != nil {
		return err
	}
	secret, keyHash := bridge.NewSecret()
	s.key = secret
	return tx.AddKey(p.ID, keyHash, s.start)
}

func (s *seeder) addPeople(tx *data.Tx, from, to int) error {
	for i := from; i < to; i++ {
		phone, at := benchPhone(i), s.start.Add(time.Duration(i)*time.Second)
		c, err := tx.AddContact(bridge.Contact{Addresses: []bridge.Address{{Channel: bridge.SMS, Value: phone, Answerable: true}}}, at)
		if err != nil {
			return err
		}
		id, err := tx.CustomerConversation(c, s.line, at)
		if err == nil {
			err = tx.SetRoute(id, s.line, phone)
		}
		if err != nil {
			return err
		}
		s.contacts, s.conversations = append(s.contacts, c.ID), append(s.conversations, id)
	}
	return nil
}

func (s *seeder) addMessages(tx *data.Tx, from, to int) error {
	for i := from; i < to; i++ {
		if err := s.message(tx, i%len(s.conversations), i); err != nil {
			return err
		}
	}
	return nil
}

// message is the n-th of the store: three of four came in, one was an answer.
func (s *seeder) message(tx *data.Tx, person, n int) error {
	m := bridge.Message{
		Conversation: s.conversations[person], At: s.start.Add(time.Duration(s.people+n) * time.Second), Direction: bridge.In, Channel: bridge.SMS,
		Author: bridge.Author{Kind: bridge.ByContact, ID: int64(s.contacts[person]), Name: benchPhone(person)}, Body: benchBody(n),
	}
	if n/len(s.conversations)%4 == 3 {
		m.Direction, m.Author = bridge.Out, bridge.Author{Kind: bridge.ByStaff, ID: 1, Name: "Sam Ortiz"}
	}
	m, err := tx.AddMessage(m)
	if err != nil {
		return err
	}
	if m.Direction == bridge.In {
		return tx.AddInbound(seedSID(n), m.ID, benchRaw(m.Body), m.At)
	}
	return nil
}

// seedSID is the carrier's id of a seeded message; as random as a real one, since
// the order of ids is what a unique index pays for.
func seedSID(n int) string { return fmt.Sprintf("SM%016x%016x", uint64(n)*0x9e3779b97f4a7c15, n) }

// benchRaw has the length of a real form around a body.
func benchRaw(body string) string {
	return "ToCountry=US&ToState=CA&SmsMessageSid=SM00000000000000000000000000000000&NumMedia=0&ToCity=&FromZip=94105&SmsSid=SM00000000000000000000000000000000&FromState=CA&SmsStatus=received&FromCity=SAN+FRANCISCO&Body=" +
		url.QueryEscape(body) + "&FromCountry=US&To=%2B14155550100&ToZip=&NumSegments=1&MessageSid=SM00000000000000000000000000000000&AccountSid=AC00000000000000000000000000000001&From=%2B12000000000&ApiVersion=2010-04-01"
}

// fillCeiling is fill for the bare program's store.
func (b *bench) fillCeiling(ctx context.Context, name string, people, messages int) (string, error) {
	dir, err := b.folder(name)
	if err != nil {
		return "", err
	}
	s, err := openCeiling(ctx, filepath.Join(dir, ceilingFile))
	if err != nil {
		return "", err
	}
	told, at := time.Now(), time.Now().UnixMilli()-int64(messages)*1000
	for done := 0; err == nil && done < people; done += seedBatch {
		err = s.write(false, func(s *ceilingStore) error {
			for i := done; i < min(done+seedBatch, people); i++ {
				if _, err := s.run("INSERT INTO contacts (id, phone, name, at) VALUES (?, ?, '', ?)", i+1, benchPhone(i), at); err != nil {
					return err
				}
				if _, err := s.run(`
					INSERT INTO conversations (id, contact_id, phone, title, state, preview, preview_by, author_name, last_channel, last_at, inbound, last_in_at, rev)
					VALUES (?1, ?1, ?2, ?2, 'open', '', '', '', '', ?3, 0, 0, ?4)`, i+1, benchPhone(i), at, s.rev); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for done := 0; err == nil && done < messages; done += seedBatch {
		err = s.write(false, func(s *ceilingStore) error {
			for i := done; i < min(done+seedBatch, messages); i++ {
				body := benchBody(i)
				t := ceilingText{id: seedSID(i), from: benchPhone(i % people), body: body, raw: benchRaw(body), at: at + int64(i)*1000}
				if err := t.store(s); err != nil {
					return err
				}
			}
			return nil
		})
		told = b.progress(told, "%s: %d of %d messages", name, done, messages)
	}
	return dir, errors.Join(err, s.close())
}

// largeStore is the store of N messages on an engine, made once.
func (b *bench) largeStore(ctx context.Context, engine string) (*benchStore, error) {
	if s := b.large[engine]; s != nil {
		return s, nil
	}
	postgres := ""
	if engine == "postgres" {
		var err error
		if postgres, err = b.database(ctx, "large"); err != nil {
			return nil, err
		}
	}
	s, err := b.fill(ctx, "large-"+engine, postgres, max(b.messages/10, 1), b.messages)
	b.large[engine] = s
	return s, err
}

// database makes a PostgreSQL database and gives its URL.
func (b *bench) database(ctx context.Context, name string) (string, error) {
	u, err := url.Parse(b.postgres)
	if err != nil {
		return "", errors.New("-postgres is not a URL")
	}
	name = "porchlight_bench_" + b.run + "_" + name
	if err := b.onPostgres(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	b.databases = append(b.databases, name)
	u.Path = "/" + name
	return u.String(), nil
}

// dropDatabases removes what database made.
func (b *bench) dropDatabases(ctx context.Context) {
	for _, name := range b.databases {
		if err := b.onPostgres(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			b.say("drop %s: %v", name, err)
		}
	}
}

func (b *bench) onPostgres(ctx context.Context, statement string) error {
	db, err := sql.Open("pgx", b.postgres)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}
