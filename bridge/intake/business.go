package intake

// What those who run the business decide for all its conversations.

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// ChangeSettings changes what the business decided. change gets a copy, and may
// refuse.
func (in *Intake) ChangeSettings(ctx context.Context, actor bridge.Staff, change func(*bridge.Settings) error) error {
	return in.changeSettings(ctx, actor, func(_ *data.Tx, s *bridge.Settings) error { return change(s) })
}

func (in *Intake) changeSettings(ctx context.Context, actor bridge.Staff, change func(*data.Tx, *bridge.Settings) error) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoChangeSettings, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		now, err := tx.Settings()
		if err != nil {
			return err
		}
		next, err := copySettings(now)
		if err != nil {
			return err
		}
		if err := change(tx, next); err != nil {
			return err
		}
		if next.UrgentPhone != now.UrgentPhone && next.UrgentPhone != "" {
			phone, err := in.ParsePhone(next.UrgentPhone)
			if err != nil {
				return &bridge.Invalid{Field: "urgent_phone", Problem: "This is not a number that can be called. Write it with its country code, such as +1 415 555 0100"}
			}
			next.UrgentPhone = string(phone)
		}
		if err := next.Check(); err != nil {
			return err
		}
		if phone := next.Receptionist.Phone; phone != "" && phone != now.Receptionist.Phone {
			if _, err := tx.LineByPhone(phone); err == nil {
				return &bridge.Invalid{Field: "phone", Problem: "This is one of your own lines, and a call to it would go round for ever. Give the receptionist's own number"}
			} else if !errors.Is(err, bridge.ErrNotFound) {
				return err
			}
		}
		if err := tx.PutSettings(next); err != nil {
			return err
		}
		return errors.Join(in.openWaiting(tx, now, next), attend(tx, actor, now, next, in.Now()))
	})
}

// attend keeps it true that somebody of the team sees each conversation: where a
// kind is seen by its participants only from now on, whoever decided that takes part
// in those that nobody takes part in.
func attend(tx *data.Tx, actor bridge.Staff, was, is *bridge.Settings, now time.Time) error {
	for _, k := range bridge.Kinds {
		if was.Policy(k).SeenBy == bridge.WholeTeam && is.Policy(k).SeenBy == bridge.ParticipantsOnly {
			if err := tx.Attend(k, actor.ID, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// ChangeStages makes the stages of a project type those of changes. Projects go
// along with a stage that gets another name; a stage that has open projects is not
// taken away, because nobody could write about them any more.
func (in *Intake) ChangeStages(ctx context.Context, actor bridge.Staff, projectType string, changes []bridge.StageChange) error {
	words := func(s string) string { return strings.Join(strings.Fields(bridge.CleanText(s)), " ") }
	projectType = words(projectType)
	for i := range changes {
		changes[i].Name = words(changes[i].Name)
	}
	if projectType == "" {
		return &bridge.Invalid{Field: "type", Problem: "Give the project type a name, such as Extension"}
	}
	return in.changeSettings(ctx, actor, func(tx *data.Tx, s *bridge.Settings) error {
		if err := s.PutStages(projectType, changes); err != nil {
			return err
		}
		for _, ch := range changes {
			if !ch.Gone {
				continue
			}
			n, err := tx.InStage(projectType, ch.Was)
			if err != nil {
				return err
			}
			if n > 0 {
				return &bridge.Invalid{Field: "stages", Problem: "Open projects are in the stage " + ch.Was + ": " + strconv.FormatInt(n, 10) + ". Move them to another one first"}
			}
		}
		return renameStages(tx, projectType, changes)
	})
}

// renameStages goes by names that nobody can type, so that two stages can swap theirs.
func renameStages(tx *data.Tx, projectType string, changes []bridge.StageChange) error {
	for _, step := range []func(ch bridge.StageChange) (from, to string){
		func(ch bridge.StageChange) (string, string) { return ch.Was, "\x01" + ch.Name },
		func(ch bridge.StageChange) (string, string) { return "\x01" + ch.Name, ch.Name },
	} {
		for _, ch := range changes {
			if ch.Was == "" || ch.Was == ch.Name || ch.Gone {
				continue
			}
			from, to := step(ch)
			if err := tx.RenameStage(projectType, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// copySettings makes settings that share nothing with the ones that others hold.
func copySettings(s *bridge.Settings) (*bridge.Settings, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	next := &bridge.Settings{}
	return next, json.Unmarshal(b, next)
}

// openWaiting makes the conversations of maintenance requests that the settings
// kept from starting before.
func (in *Intake) openWaiting(tx *data.Tx, was, is *bridge.Settings) error {
	waited := !was.Policy(bridge.KindMaintenance).On && is.Policy(bridge.KindMaintenance).On || !was.TenantRequests && is.TenantRequests
	if !waited {
		return nil
	}
	ids, err := tx.OpenRecords(bridge.Maintenance)
	for _, id := range ids {
		if err != nil {
			return err
		}
		var r bridge.Record
		if r, err = tx.Record(id); err == nil {
			err = in.openRequests(tx, r, in.Now())
		}
	}
	return err
}
