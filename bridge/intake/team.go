package intake

// The team: who is in it, with which role, and how they come in and leave.

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"porchlight/bridge"
	"porchlight/data"
)

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
		if err := mayManage(actor.Actor(), p); err != nil {
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
	return in.manage(ctx, actor.Actor(), id, func(tx *data.Tx, p bridge.Staff) error {
		if !p.Invited {
			return &bridge.Denied{Code: "joined", Sentence: "They have a password already", Fix: "A forgotten one is set with: porchlight staff password"}
		}
		if !p.Active {
			return &bridge.Denied{Code: "inactive", Sentence: "Their account is switched off", Fix: "Switch it on first"}
		}
		if err := tx.EndTickets(staffPurpose(id)); err != nil { // the one before may be in the wrong hands
			return err
		}
		return tx.AddTicket(hash, staffPurpose(id), in.Now().Add(staffInviteTime))
	})
}

func mayManage(actor bridge.Actor, who bridge.Staff) error {
	return bridge.Decide(actor, bridge.DoManageTeam, &bridge.Facts{Who: who.Actor()}).Err()
}

// manage runs a change of an account that somebody of the team asked for, or
// bridge.System for a command.
func (in *Intake) manage(ctx context.Context, actor bridge.Actor, id bridge.StaffID, fn func(*data.Tx, bridge.Staff) error) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		p, err := tx.StaffMember(id)
		if err != nil {
			return err
		}
		if err := mayManage(actor, p); err != nil {
			return err
		}
		return fn(tx, p)
	})
}

// SetPhone keeps whose phone a number is, so that what is texted from it has its
// writer; empty takes it away. Everybody may enter their own.
func (in *Intake) SetPhone(ctx context.Context, actor bridge.Actor, id bridge.StaffID, entered string) error {
	var phone bridge.Phone
	if entered = strings.TrimSpace(entered); entered != "" {
		var err error
		if phone, err = in.ParsePhone(entered); err != nil {
			return err
		}
	}
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		p, err := tx.StaffMember(id)
		if err != nil {
			return err
		}
		if own := actor.Kind == bridge.ByStaff && actor.ID == int64(id); !own {
			if err := mayManage(actor, p); err != nil {
				return err
			}
		}
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		if _, err := tx.LineByPhone(string(phone)); err == nil || phone != "" && string(phone) == s.Receptionist.Phone {
			return &bridge.Invalid{Field: "phone", Problem: "This is a number of the business, and nobody's own phone"}
		} else if !errors.Is(err, bridge.ErrNotFound) {
			return err
		}
		err = tx.SetStaffPhone(id, phone)
		if errors.Is(err, bridge.ErrDuplicate) {
			return &bridge.Invalid{Field: "phone", Problem: "This is the phone of somebody else in the team"}
		}
		return err
	})
}

// SetRole gives a member of staff another role.
func (in *Intake) SetRole(ctx context.Context, actor bridge.Actor, id bridge.StaffID, role bridge.Role) error {
	role, err := bridge.ParseRole(string(role))
	if err != nil {
		return err
	}
	return in.manage(ctx, actor, id, func(tx *data.Tx, p bridge.Staff) error {
		was := p.Role
		p.Role = role
		if err := mayManage(actor, p); err != nil { // nobody makes an owner who is none
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
		return in.replace(tx, actor, p, p.Name+" works in the field now") // where taking part shows nothing
	})
}

// SwitchStaff switches an account off or on. What they wrote stays; what was
// assigned to them is nobody's, so that the team sees it. Their sessions and keys
// count no more while it is off, and an invitation works no more at all.
func (in *Intake) SwitchStaff(ctx context.Context, actor bridge.Actor, id bridge.StaffID, on bool) error {
	return in.manage(ctx, actor, id, func(tx *data.Tx, p bridge.Staff) error {
		if p.Active == on {
			return nil
		}
		p.Active = on
		if on {
			return errors.Join(tx.PutStaff(p), in.joinTeam(tx, p, in.Now()))
		}
		if p.Role == bridge.Owner {
			if err := anotherOwner(tx, id); err != nil {
				return err
			}
		}
		if err := errors.Join(tx.PutStaff(p), tx.EndTickets(staffPurpose(id))); err != nil {
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

// handOn gives back what somebody who left had: their conversations are nobody's.
func (in *Intake) handOn(tx *data.Tx, actor bridge.Actor, left bridge.Staff) error {
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

// replace lets others take part where nobody but one who does no more would see a
// conversation.
func (in *Intake) replace(tx *data.Tx, actor bridge.Actor, gone bridge.Staff, because string) error {
	alone, err := tx.OnlyMember(gone.ID)
	if err != nil || len(alone) == 0 {
		return err
	}
	heirs, err := heirs(tx, actor)
	if err != nil {
		return err
	}
	for _, id := range alone {
		for _, heir := range heirs {
			if err := tx.AddParticipant(bridge.Participant{Conversation: id, Staff: bridge.StaffID(heir.ID), AddedAt: in.Now()}); err != nil {
				return err
			}
			if err := event(tx, id, because+"; "+heir.Name+" takes part now", in.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}

// heirs take the place of somebody who left: whoever switched them off, or where a
// command did, those who run the business.
func heirs(tx *data.Tx, actor bridge.Actor) (out []bridge.Actor, err error) {
	if actor.Kind == bridge.ByStaff {
		return []bridge.Actor{actor}, nil
	}
	team, err := tx.Staff()
	for _, s := range team {
		if s.Active && s.Role.Runs() {
			out = append(out, s.Actor())
		}
	}
	return out, err
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
	if err == nil && (!p.Active || !p.Invited) { // who has a password needs no link, and nobody else may have one
		err = bridge.ErrNotFound
	}
	return p, err
}

// AcceptStaff gives the person whom a link invites their password; the link is used
// up. A link that works no more is bridge.ErrNotFound.
func (in *Intake) AcceptStaff(ctx context.Context, hash, password string) (p bridge.Staff, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if p, err = in.StaffInvited(tx, hash); err != nil {
			return err
		}
		p.Invited = false
		return errors.Join(tx.EndTickets(staffPurpose(p.ID)), tx.SetPassword(p.ID, password))
	})
	return p, err
}

// EndKey ends an API key: one's own, or that of somebody whose account the actor
// manages.
func (in *Intake) EndKey(ctx context.Context, actor bridge.Actor, key int64) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		k, err := tx.Key(key)
		if err != nil {
			return err
		}
		who, err := tx.StaffMember(k.Staff)
		if err != nil {
			return err
		}
		if int64(who.ID) == actor.ID {
			who = bridge.Staff{} // to one's own keys the rule about one's own account does not apply
		}
		if err := mayManage(actor, who); err != nil {
			return err
		}
		return tx.EndKey(key)
	})
}
