package intake

import (
	"context"
	"errors"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// How a contact comes into the portal: by a magic link, or by the six digits where
// the link alone is not enough.

const (
	// askWindow is the time in which a contact is sent at most mostAsked links, and
	// as many codes.
	askWindow = 15 * time.Minute
	mostAsked = 3
)

// An Entry is what opening a magic link comes to.
type Entry struct {
	Contact      bridge.Contact
	Conversation bridge.ConversationID // where it leads; 0: home
	// NeedsCode: the link is old or was first opened on another device.
	NeedsCode bool
	// Channel and Address are where the link was sent, and a code would go.
	Channel bridge.Channel
	Address string
	Unread  int64
}

var (
	errLinkOver  = &bridge.Denied{Code: "link_over", Sentence: "This link does not work any more", Fix: "Ask for a new one"}
	errPortalOff = &bridge.Denied{Code: "portal_off", Sentence: "The portal is closed at the moment", Fix: "Call us instead"}
	errWrongCode = &bridge.Invalid{Field: "code", Problem: "This code is not right, or too old"}
	errTooOften  = &bridge.Denied{Code: "too_often", Sentence: "We sent several already", Fix: "Look for the newest, or try again in 15 minutes"}
)

// LookAtLink says where a magic link leads and what it needs, and changes nothing:
// mail programs open links before people do. device is the hash of the browser's
// mark, empty if it has none.
func (in *Intake) LookAtLink(tx *data.Tx, hash, device string) (e Entry, err error) {
	l, err := tx.PortalLink(hash)
	if errors.Is(err, bridge.ErrNotFound) {
		return e, errLinkOver
	}
	if err != nil {
		return e, err
	}
	s, err := tx.Settings()
	if err != nil {
		return e, err
	}
	now := in.Now()
	switch {
	case !s.PortalOn:
		return e, errPortalOff
	case l.Revoked:
		return e, errLinkOver
	}
	if e.Contact, err = standing(tx, l.Contact); err != nil {
		return e, errLinkOver
	}
	if !now.Before(l.ExpiresAt) {
		if _, ok := reached(e.Contact, l.Channel, l.Address); ok {
			e.Channel, e.Address = l.Channel, l.Address // where a new one can go
		}
		return e, errLinkOver
	}
	e.Conversation, e.Channel, e.Address = l.Conversation, l.Channel, l.Address
	e.NeedsCode = now.Sub(l.CreatedAt) > bridge.SureLink || l.Device != "" && l.Device != device
	if e.Conversation != 0 { // they may have been taken out of it since
		if _, err := tx.ContactConversation(l.Contact, e.Conversation); errors.Is(err, bridge.ErrNotFound) {
			e.Conversation = 0
		} else if err != nil {
			return e, err
		}
	}
	e.Unread, err = tx.ContactUnread(e.Contact.ID)
	return e, err
}

// A Visit is a browser that comes in.
type Visit struct {
	Device  string // hash of its mark
	Session string // hash of the cookie that it gets
	Name    string // of the browser, in words
	// Once is the hash of what lets it in where that works once, and Until when that
	// ends by itself; empty: it may work again.
	Once  string
	Until time.Time
}

// Enter opens a session by a magic link; code is what they typed, hashed by
// bridge.CodeHash, where the link needs one.
func (in *Intake) Enter(ctx context.Context, hash string, v Visit, code string) (e Entry, err error) {
	wrong := false
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if e, err = in.LookAtLink(tx, hash, v.Device); err != nil {
			return err
		}
		now := in.Now()
		if e.NeedsCode {
			ok, err := code != "", error(nil)
			if ok {
				ok, err = tx.TryPortalCode(e.Contact.ID, code, now)
			}
			if wrong = !ok; err != nil || wrong {
				return err // without one, for a try that failed is counted too
			}
		}
		if err := tx.BindPortalLink(hash, v.Device); err != nil {
			return err
		}
		return in.comeIn(tx, &e.Contact, v, now)
	})
	if err == nil && wrong {
		err = errWrongCode
	}
	return e, err
}

// EnterTrusted opens a session for a contact whom another portal of the business has
// signed in already.
func (in *Intake) EnterTrusted(ctx context.Context, external string, v Visit) (c bridge.Contact, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		if !s.PortalOn {
			return errPortalOff
		}
		id, err := tx.ContactByExternal(external)
		if err != nil {
			return err
		}
		if c, err = standing(tx, id); err != nil {
			return err
		}
		if v.Once != "" {
			if first, err := tx.First(v.Once, signedOnce, v.Until); err != nil {
				return err
			} else if !first {
				return errLinkOver
			}
		}
		return in.comeIn(tx, &c, v, in.Now())
	})
	return c, err
}

// comeIn opens the session. The first time it connects the contact.
func (in *Intake) comeIn(tx *data.Tx, c *bridge.Contact, v Visit, now time.Time) error {
	if !c.Connected() {
		if err := in.connect(tx, c); err != nil {
			return err
		}
	}
	return tx.AddPortalSession(v.Session, data.PortalSession{Contact: c.ID, CreatedAt: now, ExpiresAt: now.Add(bridge.PortalTime), Device: v.Name})
}

// NotMe ends a link that reached somebody else, with all that it opened, and tells
// the team.
func (in *Intake) NotMe(ctx context.Context, hash string) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		l, err := tx.PortalLink(hash)
		if err != nil || l.Revoked {
			if errors.Is(err, bridge.ErrNotFound) {
				err = nil
			}
			return err
		}
		now := in.Now()
		if !now.Before(l.ExpiresAt) {
			return nil
		}
		at := l.Conversation
		if at == 0 { // of a link that leads home
			ts, err := tx.ContactConversations(l.Contact, 1)
			if err != nil || len(ts) == 0 {
				return errors.Join(err, tx.RevokePortalLinks(l.Contact, now))
			}
			at = ts[0].ID
		}
		if err := tx.RevokePortalLinks(l.Contact, now); err != nil {
			return err
		}
		return event(tx, at, "A portal link reached somebody else at "+bridge.PrettyAddress(l.Address)+". Check this address", now)
	})
}

// AskCode sends the six digits to where the link was sent, if that is still the
// contact's.
func (in *Intake) AskCode(ctx context.Context, hash string) (e Entry, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if e, err = in.LookAtLink(tx, hash, ""); err != nil {
			return err
		}
		if a, ok := reached(e.Contact, e.Channel, e.Address); ok {
			return in.sendWayIn(tx, e.Contact, a, bridge.ForCode)
		}
		return errLinkOver // the address is not theirs any more
	})
	return e, err
}

// AskLink sends a magic link to whoever has a phone number or an email address. It
// says nothing of whether anybody has, and takes as long either way.
func (in *Intake) AskLink(ctx context.Context, typed string) error {
	ch := bridge.Email
	value, ok := parseMail(typed)
	if !ok {
		phone, err := in.ParsePhone(typed)
		if err != nil {
			return &bridge.Invalid{Field: "address", Problem: "This is neither an email address nor a phone number"}
		}
		ch, value = bridge.SMS, string(phone)
	}
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		s, err := tx.Settings()
		if err != nil {
			return err
		}
		if !s.PortalOn {
			return errPortalOff
		}
		as, err := tx.AddressesOf(ch, value)
		if err != nil {
			return err
		}
		for _, a := range as[:min(len(as), mostAsked)] { // a household shares a phone
			c, err := standing(tx, a.Contact)
			if errors.Is(err, bridge.ErrNotFound) || err == nil && !a.Usable() {
				continue
			}
			if err != nil {
				return err
			}
			if err := in.sendWayIn(tx, c, a, bridge.ForLink); err != nil && !errors.Is(err, errTooOften) {
				return err
			}
		}
		return nil
	})
}

// SendLink sends a contact a way into the portal, as somebody of the team asks, and
// gives the address that it goes to.
func (in *Intake) SendLink(ctx context.Context, actor bridge.Staff, id bridge.ContactID) (to bridge.Address, err error) {
	err = in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoInvite, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		c, err := standing(tx, id)
		if err != nil {
			return err
		}
		if to, err = in.linkTo(tx, c); err != nil {
			return err
		}
		if err := in.sendWayIn(tx, c, to, bridge.ForLink); err != nil {
			return err
		}
		return in.tell(tx, actor, c, actor.Name+" sent a link into the portal to "+to.Pretty())
	})
	return to, err
}

// linkTo is the address that a contact's link goes to: their first phone that works,
// or else their first email.
func (in *Intake) linkTo(tx *data.Tx, c bridge.Contact) (to bridge.Address, err error) {
	s, err := tx.Settings()
	if err != nil {
		return to, err
	}
	if !s.PortalOn {
		return to, &bridge.Denied{Code: "portal_off", Sentence: "The customer portal is off", Fix: "Switch the portal on in the settings"}
	}
	for _, a := range c.Addresses { // phones first
		if !a.Usable() {
			continue
		}
		if _, err := in.lineFor(tx, a.Channel, 0); errors.Is(err, bridge.ErrNotFound) {
			continue
		} else if err != nil {
			return to, err
		}
		return a, nil
	}
	return to, &bridge.Denied{Code: "no_address", Sentence: "They have no number or email that works", Fix: "Add one first"}
}

// EndPortal makes all links of a contact work no more, and signs them out
// everywhere.
func (in *Intake) EndPortal(ctx context.Context, actor bridge.Staff, id bridge.ContactID) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		if err := bridge.Decide(actor.Actor(), bridge.DoInvite, &bridge.Facts{}).Err(); err != nil {
			return err
		}
		c, err := standing(tx, id)
		if err != nil {
			return err
		}
		if err := tx.RevokePortalLinks(id, in.Now()); err != nil {
			return err
		}
		return in.tell(tx, actor, c, actor.Name+" ended all of "+c.Title()+"'s access to the portal")
	})
}

// sendWayIn queues a link or a code to one address of a contact.
func (in *Intake) sendWayIn(tx *data.Tx, c bridge.Contact, a bridge.Address, p bridge.Purpose) error {
	now := in.Now()
	if n, err := tx.Asked(c.ID, p, now.Add(-askWindow)); err != nil {
		return err
	} else if n >= mostAsked {
		return errTooOften
	}
	line, err := in.lineFor(tx, a.Channel, 0)
	if errors.Is(err, bridge.ErrNotFound) {
		return nil // nothing can be sent this way; the page says to call
	}
	if err != nil {
		return err
	}
	_, err = tx.AddDelivery(bridge.Delivery{
		Purpose: p, Contact: c.ID, Line: line.ID, Channel: a.Channel, To: a.Value, Body: bridge.Secret,
		NextAt: now, ExpiresAt: now.Add(bridge.CodeTime),
	}, now)
	return err
}
