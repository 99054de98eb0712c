package intake

import (
	"context"
	"errors"

	"porchlight/bridge"
	"porchlight/data"
)

// What a link that has ended is still good for: to ask for another.

// signedOnce is the purpose under which a signed link of another portal is noted, so
// that it lets in once.
const signedOnce = "signed link"

// reached finds the address of a contact that something was sent to, if it is still
// theirs and works.
func reached(c bridge.Contact, ch bridge.Channel, value string) (bridge.Address, bool) {
	for _, a := range c.Addresses {
		if a.Channel == ch && a.Value == value && a.Usable() {
			return a, true
		}
	}
	return bridge.Address{}, false
}

// AskAgain sends a new link to where one went that has expired. One that was revoked,
// or whose address is not the contact's any more, gets none; like AskLink it does not
// say so.
func (in *Intake) AskAgain(ctx context.Context, hash string) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error {
		e, err := in.LookAtLink(tx, hash, "")
		if err == nil || !errors.Is(err, errLinkOver) {
			return err // it still works, or the portal is closed
		}
		a, ok := reached(e.Contact, e.Channel, e.Address)
		if !ok {
			return nil
		}
		if err := in.sendWayIn(tx, e.Contact, a, bridge.ForLink); err != nil && !errors.Is(err, errTooOften) {
			return err
		}
		return nil
	})
}
