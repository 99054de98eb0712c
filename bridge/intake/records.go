package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
	"porchlight/data"
)

// A RecordChange is what somebody wants to be different about a record. What is nil
// stays; Type and Reference name a new one.
type RecordChange struct {
	Type               bridge.RecordType
	Reference, Title   *string
	ProjectType, Stage *string
	SentToPortal       *bool     // of a quote
	SentAt             time.Time // when it was, where somebody knows; zero is now
	Closed             *bool
	Quota              *int64 // bytes
	SubmittedBy        *bridge.ContactID
	Contacts           *[]bridge.ContactID // all of them, the client first
	Staff              *[]bridge.StaffID   // all who are assigned
}

// AddRecord makes a record.
func (in *Intake) AddRecord(ctx context.Context, actor bridge.Staff, ch RecordChange) (r bridge.Record, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoEditRecord, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		r, err = in.NewRecord(tx, actor.Name, ch)
		return err
	})
	return r, err
}

// NewRecord makes a record in a transaction of whoever has decided that they may.
func (in *Intake) NewRecord(tx *data.Tx, by string, ch RecordChange) (r bridge.Record, err error) {
	r.Type = ch.Type
	now := in.Now()
	if err := ch.apply(tx, &r, now); err != nil {
		return r, err
	}
	if r, err = tx.AddRecord(r, now); errors.Is(err, bridge.ErrDuplicate) {
		return r, referenceTaken(tx, r)
	} else if err != nil {
		return r, err
	}
	return r, in.openRequests(tx, r, now)
}

// EditRecord changes a record.
func (in *Intake) EditRecord(ctx context.Context, actor bridge.Staff, id bridge.RecordID, ch RecordChange) (r bridge.Record, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoEditRecord, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		if r, err = tx.Record(id); err != nil {
			return err
		}
		r, err = in.ChangeRecord(tx, actor.Name, r, ch)
		return err
	})
	return r, err
}

// ChangeRecord changes a record in a transaction of whoever has decided that they
// may. by is the name that the history gives.
func (in *Intake) ChangeRecord(tx *data.Tx, by string, r bridge.Record, ch RecordChange) (bridge.Record, error) {
	was, now := r, in.Now()
	if err := ch.apply(tx, &r, now); err != nil {
		return r, err
	}
	if err := tx.PutRecord(r, now); errors.Is(err, bridge.ErrDuplicate) {
		return r, referenceTaken(tx, r)
	} else if err != nil {
		return r, err
	}
	if err := in.noteTeam(tx, by, was, r, now); err != nil {
		return r, err
	}
	return r, in.openRequests(tx, r, now)
}

func referenceTaken(tx *data.Tx, r bridge.Record) error {
	other, err := tx.RecordByReference(r.Type, r.Reference)
	if err != nil {
		return err
	}
	return &bridge.Taken{Field: "reference", Problem: "There is a " + strings.ToLower(r.Type.Title()) + " #" + r.Reference + " already", ID: int64(other.ID)}
}

// noteTeam writes into a record's conversations who was put on it or taken off.
func (in *Intake) noteTeam(tx *data.Tx, by string, was, is bridge.Record, now time.Time) error {
	var lines []string
	for _, id := range slices.Concat(is.Staff, was.Staff) {
		before, after := slices.Contains(was.Staff, id), slices.Contains(is.Staff, id)
		if before == after {
			continue
		}
		who, err := tx.StaffMember(id)
		if err != nil {
			return err
		}
		if after {
			lines = append(lines, by+" put "+who.Name+" on "+is.Label())
		} else {
			lines = append(lines, by+" took "+who.Name+" off "+is.Label())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	ids, err := tx.RecordConversations(is.ID)
	for _, id := range ids {
		for _, line := range lines {
			if err == nil {
				err = event(tx, id, line, now)
			}
		}
	}
	return err
}

// apply puts a change on a record.
func (ch RecordChange) apply(tx *data.Tx, r *bridge.Record, now time.Time) error {
	if _, err := bridge.ParseRecordType(string(r.Type)); err != nil {
		return err
	}
	if err := ch.applyWords(r); err != nil {
		return err
	}
	if ch.SentToPortal != nil {
		switch {
		case !*ch.SentToPortal:
			r.SentToPortal = time.Time{}
		case r.Type != bridge.Quote:
			return &bridge.Invalid{Field: "sent_to_portal", Problem: "Only a quote is sent to the portal"}
		case ch.SentAt.After(now):
			return &bridge.Invalid{Field: "sent_to_portal", Problem: "This day is still to come, so the quote is not sent yet"}
		case !ch.SentAt.IsZero():
			r.SentToPortal = ch.SentAt
		case r.SentToPortal.IsZero():
			r.SentToPortal = now
		}
	}
	if ch.Closed != nil {
		r.Closed = *ch.Closed
	}
	if ch.Quota != nil {
		if *ch.Quota < 0 {
			return &bridge.Invalid{Field: "quota", Problem: "A quota is a number of bytes; 0 is no limit"}
		}
		r.Quota = *ch.Quota
	}
	return ch.applyPeople(tx, r)
}

func (ch RecordChange) applyWords(r *bridge.Record) error {
	for _, f := range []struct {
		name     string
		from, to *string
		most     int
	}{
		{"reference", ch.Reference, &r.Reference, 40}, {"title", ch.Title, &r.Title, bridge.MaxTitle},
		{"project_type", ch.ProjectType, &r.ProjectType, 60}, {"stage", ch.Stage, &r.Stage, 60},
	} {
		if f.from == nil {
			continue
		}
		*f.to = strings.Join(strings.Fields(bridge.CleanText(*f.from)), " ")
		if utf8.RuneCountInString(*f.to) > f.most {
			return &bridge.Invalid{Field: f.name, Problem: fmt.Sprintf("This has at most %d characters", f.most)}
		}
	}
	r.Reference = strings.TrimPrefix(r.Reference, "#")
	switch {
	case r.Reference == "" || strings.ContainsAny(r.Reference, " #"):
		return &bridge.Invalid{Field: "reference", Problem: "Give a reference without spaces, such as 1042"}
	case r.Title == "":
		return &bridge.Invalid{Field: "title", Problem: "Give a title, such as Boiler replacement"}
	}
	return nil
}

func (ch RecordChange) applyPeople(tx *data.Tx, r *bridge.Record) error {
	if ch.Contacts != nil {
		r.Contacts = nil
		for _, id := range *ch.Contacts {
			c, err := tx.Contact(id)
			if err == nil && c.MergedInto != 0 {
				c, err = tx.Contact(c.MergedInto)
			}
			if err != nil {
				return &bridge.Invalid{Field: "contacts", Problem: "There is no contact " + strconv.FormatInt(int64(id), 10)}
			}
			if !slices.Contains(r.Contacts, c.ID) {
				r.Contacts = append(r.Contacts, c.ID)
			}
		}
	}
	if ch.Staff != nil {
		was := r.Staff
		r.Staff = nil
		for _, id := range *ch.Staff {
			s, err := tx.StaffMember(id)
			if err != nil || !s.Active && !slices.Contains(was, id) {
				return &bridge.Invalid{Field: "staff", Problem: "Choose somebody of the team"}
			}
			if !slices.Contains(r.Staff, id) {
				r.Staff = append(r.Staff, id)
			}
		}
	}
	if ch.SubmittedBy != nil {
		c, err := tx.Contact(*ch.SubmittedBy)
		if err != nil && *ch.SubmittedBy != 0 {
			return &bridge.Invalid{Field: "submitted_by", Problem: "There is no contact " + strconv.FormatInt(int64(*ch.SubmittedBy), 10)}
		}
		r.SubmittedBy = cmp.Or(c.MergedInto, c.ID)
	}
	return nil
}

func parseID[T ~int64](s string) T {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return T(n)
}
