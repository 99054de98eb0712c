package intake

import (
	"context"
	"encoding/json"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
	"porchlight/data"
)

// ChangeSettings changes what the business decided. change gets a copy, and may
// refuse.
func (in *Intake) ChangeSettings(ctx context.Context, actor bridge.Staff, change func(*bridge.Settings) error) error {
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
		if err := change(next); err != nil {
			return err
		}
		if err := next.Check(); err != nil {
			return err
		}
		if err := tx.PutSettings(next); err != nil {
			return err
		}
		return in.openWaiting(tx, now, next)
	})
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

// staffPurpose names the invitations of a member of staff among the one-time links.
func staffPurpose(id bridge.StaffID) string { return about("staff", int64(id)) }

// staffInviteTime is how long an invitation into the team works.
const staffInviteTime = 7 * 24 * time.Hour

// InviteStaff puts somebody into the team who has no password yet; the link with
// the secret of hash lets them choose one.
func (in *Intake) InviteStaff(ctx context.Context, actor bridge.Staff, p bridge.Staff, hash string) (out bridge.Staff, err error) {
	p.Name, p.Email = strings.Join(strings.Fields(bridge.CleanText(p.Name)), " "), strings.ToLower(strings.TrimSpace(p.Email))
	if a, err := mail.ParseAddress(p.Email); err != nil || a.Address != p.Email || len(p.Email) > 254 {
		return p, &bridge.Invalid{Field: "email", Problem: "This is not an email address. Write it like jo@example.com"}
	}
	if n := utf8.RuneCountInString(p.Name); n == 0 || n > 100 {
		return p, &bridge.Invalid{Field: "name", Problem: "Give a name of at most 100 characters"}
	}
	if p.Role, err = bridge.ParseRole(string(p.Role)); err != nil {
		return p, err
	}
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := in.mayManage(actor, p); err != nil {
			return err
		}
		now := in.Now()
		out, err = tx.AddStaff(p, "", now)
		if errors.Is(err, bridge.ErrDuplicate) {
			return &bridge.Invalid{Field: "email", Problem: "Somebody in the team has this email already"}
		}
		if err != nil {
			return err
		}
		return errors.Join(tx.AddTicket(hash, staffPurpose(out.ID), now.Add(staffInviteTime)), in.joinTeam(tx, out, now))
	})
	return out, err
}

// ReinviteStaff makes another link for somebody who has not chosen a password yet.
func (in *Intake) ReinviteStaff(ctx context.Context, actor bridge.Staff, id bridge.StaffID, hash string) error {
	return in.manage(ctx, actor, id, func(tx *data.Tx, p bridge.Staff) error {
		if !p.Invited {
			return &bridge.Denied{Code: "joined", Sentence: "They have a password already", Fix: "A forgotten one is set with: porchlight staff password"}
		}
		return tx.AddTicket(hash, staffPurpose(id), in.Now().Add(staffInviteTime))
	})
}

func (in *Intake) mayManage(actor, who bridge.Staff) error {
	return bridge.Decide(actor.Actor(), bridge.DoManageTeam, &bridge.Facts{Who: who.Actor()}).Err()
}

func (in *Intake) manage(ctx context.Context, actor bridge.Staff, id bridge.StaffID, fn func(*data.Tx, bridge.Staff) error) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		p, err := tx.StaffMember(id)
		if err != nil {
			return err
		}
		if err := in.mayManage(actor, p); err != nil {
			return err
		}
		return fn(tx, p)
	})
}

// SetRole gives a member of staff another role.
func (in *Intake) SetRole(ctx context.Context, actor bridge.Staff, id bridge.StaffID, role bridge.Role) error {
	role, err := bridge.ParseRole(string(role))
	if err != nil {
		return err
	}
	return in.manage(ctx, actor, id, func(tx *data.Tx, p bridge.Staff) error {
		was := p.Role
		p.Role = role
		if err := in.mayManage(actor, p); err != nil { // nobody makes an owner who is none
			return err
		}
		if was == bridge.Owner && role != bridge.Owner {
			if err := anotherOwner(tx, id); err != nil {
				return err
			}
		}
		if err := tx.PutStaff(p); err != nil || role.Office() || !was.Office() {
			return err
		}
		return in.replace(tx, actor, p, p.Name+" works in the field now")
	})
}

// SwitchStaff switches an account off or on. What they wrote stays; what was
// assigned to them is nobody's, so that the team sees it.
func (in *Intake) SwitchStaff(ctx context.Context, actor bridge.Staff, id bridge.StaffID, on bool) error {
	return in.manage(ctx, actor, id, func(tx *data.Tx, p bridge.Staff) error {
		if p.Active == on {
			return nil
		}
		p.Active = on
		if on {
			return errors.Join(tx.PutStaff(p), in.joinTeam(tx, p, in.Now()))
		}
		if err := anotherOwner(tx, id); err != nil && p.Role == bridge.Owner {
			return err
		}
		if err := tx.PutStaff(p); err != nil {
			return err
		}
		return in.handOn(tx, actor, p)
	})
}

func anotherOwner(tx *data.Tx, but bridge.StaffID) error {
	team, err := tx.Staff()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(team, func(s bridge.Staff) bool { return s.ID != but && s.Active && s.Role == bridge.Owner && !s.Invited }) {
		return &bridge.Denied{Code: "last_owner", Sentence: "Nobody else owns this business here", Fix: "Make somebody else an owner first"}
	}
	return nil
}

// handOn gives back what somebody who left had: their conversations are unassigned,
// and whoever switched them off takes their place where nobody else of the team
// would see a conversation any more.
func (in *Intake) handOn(tx *data.Tx, actor, left bridge.Staff) error {
	now := in.Now()
	ids, err := tx.AssignedTo(left.ID)
	for _, id := range ids {
		if err == nil {
			err = errors.Join(tx.Assign(id, 0), event(tx, id, left.Name+" left the team, so this is nobody's now", now))
		}
	}
	if err != nil {
		return err
	}
	return in.replace(tx, actor, left, left.Name+" left the team")
}

// replace puts the actor where somebody was the only one of the office to see a
// conversation.
func (in *Intake) replace(tx *data.Tx, actor, gone bridge.Staff, why string) error {
	now := in.Now()
	alone, err := tx.OnlyMember(gone.ID)
	for _, id := range alone {
		if err == nil {
			err = errors.Join(tx.AddParticipant(bridge.Participant{Conversation: id, Staff: actor.ID, AddedAt: now}),
				event(tx, id, why+"; "+actor.Name+" takes part now", now))
		}
	}
	return err
}

// StaffInvited finds whose invitation into the team a link is, without using it.
func (in *Intake) StaffInvited(tx *data.Tx, hash string) (bridge.Staff, error) {
	purpose, err := tx.TicketPurpose(hash, in.Now())
	if err != nil {
		return bridge.Staff{}, err
	}
	id, ok := strings.CutPrefix(purpose, "staff:")
	if !ok {
		return bridge.Staff{}, bridge.ErrNotFound
	}
	p, err := tx.StaffMember(parseID[bridge.StaffID](id))
	if err == nil && !p.Active {
		err = bridge.ErrNotFound
	}
	return p, err
}
