package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

// tend looks after what does not move by itself: deliveries past their time,
// attempts that were cut off, lost answers, and carriers that have fallen silent.
func (o *Outbox) tend(ctx context.Context) error {
	now := o.Now()
	return errors.Join(o.expire(ctx, now), o.lapse(ctx, now), o.reconcile(ctx, now), o.ask(ctx, now))
}

// few bounds how much of each kind one turn looks after.
const few = 50

func (o *Outbox) due(ctx context.Context, s bridge.DeliveryState, now time.Time) (ds []bridge.Delivery, err error) {
	err = o.Store.Read(ctx, func(tx *data.Tx) error {
		ds, err = tx.Overdue(s, now, few)
		return err
	})
	return ds, err
}

// expire ends what is no longer worth sending.
func (o *Outbox) expire(ctx context.Context, now time.Time) error {
	var old []bridge.Delivery
	err := o.Store.Read(ctx, func(tx *data.Tx) (err error) {
		old, err = tx.PastExpiry(now, few)
		return err
	})
	if err != nil || len(old) == 0 {
		return err
	}
	return o.Store.Write(ctx, func(tx *data.Tx) error {
		for _, d := range old {
			d, err := tx.Delivery(d.ID)
			if err != nil {
				return err
			}
			if !d.State.CanExpire() {
				continue
			}
			d.State, d.NextAt = bridge.Expired, time.Time{}
			if err := tx.SaveDelivery(d, bridge.Queued, bridge.Failure{}, now); err != nil {
				return err
			}
			if err := o.ifFailed(tx, d, bridge.Queued); err != nil {
				return err
			}
		}
		return nil
	})
}

// lapse makes unknown what is still being sent after its lease: whoever sent it
// has died, and nobody knows how far it came.
func (o *Outbox) lapse(ctx context.Context, before time.Time) error {
	for {
		cut, err := o.due(ctx, bridge.Sending, before)
		if err != nil || len(cut) == 0 {
			return err
		}
		err = o.Store.Write(ctx, func(tx *data.Tx) error {
			for _, d := range cut {
				if err := o.giveUpAttempt(tx, d.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("end leases: %w", err)
		}
		slog.Warn("attempts were cut off; asking the carrier", "deliveries", len(cut))
	}
}

func (o *Outbox) giveUpAttempt(tx *data.Tx, id bridge.DeliveryID) error {
	d, err := tx.Delivery(id)
	if err != nil || d.State != bridge.Sending {
		return err
	}
	now := o.Now()
	out := bridge.Outcome{Kind: bridge.Lost, Detail: "Porchlight stopped before the carrier answered"}
	if err := tx.EndAttempt(d.ID, d.Attempts, out, now); err != nil {
		return err
	}
	d.State, d.Detail, d.NextAt = bridge.Unknown, out.Detail, now.Add(o.CheckAfter)
	return tx.SaveDelivery(d, bridge.Sending, bridge.Failure{}, now)
}

// reconcile asks the carrier what became of attempts whose answer was lost.
func (o *Outbox) reconcile(ctx context.Context, now time.Time) error {
	lost, err := o.due(ctx, bridge.Unknown, now)
	if err != nil {
		return err
	}
	for _, d := range lost {
		carrier, ok := o.Carriers[d.Channel]
		if !ok {
			carrier = nobody{} // such as mails, after their server was taken out of the configuration
		}
		if err := o.reconcileOne(ctx, carrier, d.ID); err != nil {
			return fmt.Errorf("reconcile delivery %d: %w", d.ID, err)
		}
	}
	return nil
}

// nobody is the carrier of a channel that has none any more.
type nobody struct{ bridge.Carrier }

func (nobody) Find(context.Context, bridge.Outgoing, time.Time) ([]bridge.Found, error) {
	return nil, bridge.ErrNoList
}

// clockSkew is how much earlier than our attempt the carrier may date a message.
const clockSkew = 5 * time.Second

func (o *Outbox) reconcileOne(ctx context.Context, carrier bridge.Carrier, id bridge.DeliveryID) error {
	var c data.Claim
	err := o.Store.Read(ctx, func(tx *data.Tx) error {
		d, err := tx.Delivery(id)
		if err == nil {
			c, err = tx.ClaimOf(d)
		}
		return err
	})
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, o.Timeout)
	found, findErr := carrier.Find(limit, c.Outgoing(), c.StartedAt.Add(-clockSkew))
	cancel()
	if findErr != nil && !errors.Is(findErr, bridge.ErrNoList) {
		slog.Warn("carrier could not be asked for a lost answer", "delivery", id, "err", findErr)
	}
	return o.Store.Write(ctx, func(tx *data.Tx) error {
		d, err := tx.Delivery(id)
		if err != nil || d.State != bridge.Unknown {
			return err // a receipt was faster
		}
		if rival, err := tx.RivalUnderway(d); err != nil {
			return err
		} else if rival { // of the same words, perhaps: its answer tells whose message is whose
			d.NextAt = o.Now().Add(o.CheckAfter)
			return tx.SaveDelivery(d, bridge.Unknown, bridge.Failure{}, o.Now())
		}
		for _, f := range slices.Backward(found) { // oldest first: the order in which we sent
			taken, err := tx.CarrierIDTaken(f.CarrierID)
			if err != nil {
				return err
			}
			if !taken && says(f.Body, c.Body) {
				return o.recognise(tx, carrier, d, f)
			}
		}
		return o.notFound(tx, d, c.StartedAt, findErr)
	})
}

// says reports whether a text at the carrier is one of ours. The secret that was in it
// is in no store.
func says(listed, ours string) bool {
	before, after, secret := strings.Cut(ours, bridge.Secret)
	return listed == ours || secret && len(ours) > len(bridge.Secret) && strings.HasPrefix(listed, before) && strings.HasSuffix(listed, after)
}

// recognise settles a delivery whose message the carrier has after all.
func (o *Outbox) recognise(tx *data.Tx, carrier bridge.Carrier, d bridge.Delivery, f bridge.Found) error {
	d.CarrierID = f.CarrierID
	d, step, err := tx.ApplyReceipt(d, bridge.Receipt{
		CarrierID: f.CarrierID, Status: f.Status, Code: f.Code, DoneAt: "listed", Raw: "found in the carrier's list", At: o.Now(),
	}, carrier)
	if err != nil {
		return err
	}
	if step != bridge.Moved { // such as "queued": the carrier has it, which is all we asked
		now := o.Now()
		d.State, d.NextAt = bridge.Sent, now.Add(data.SilenceFirst)
		if err := tx.SaveDelivery(d, bridge.Unknown, bridge.Failure{}, now); err != nil {
			return err
		}
	}
	if d, err = tx.AdoptParked(d, carrier); err != nil {
		return err
	}
	return o.ifFailed(tx, d, bridge.Unknown)
}

// lostTries is how many attempts of a delivery may be lost before a person has to
// decide.
const lostTries = 2

// notFound decides what follows when the carrier's list does not have a message.
// Its absence is believed only after SureAfter; then it is sent once more. If that
// answer is lost too, or the list cannot be read for an hour, a person decides;
// and at once where there is no list, whose silence would prove nothing. Word to the AI
// receptionist is said again as long as there is time: twice does no harm there.
func (o *Outbox) notFound(tx *data.Tx, d bridge.Delivery, started time.Time, findErr error) error {
	now := o.Now()
	age := now.Sub(started)
	lost, err := tx.LostAttempts(d.ID)
	switch {
	case err != nil:
		return err
	case d.Channel == bridge.Webhook: // whoever is told twice sees it by the webhook-id
		d.State, d.NextAt = bridge.Queued, now
	case findErr == nil && age >= o.SureAfter && lost < lostTries && !d.Handled: // handled: a person has sent it again
		d.State, d.NextAt = bridge.Queued, now
	case findErr == nil && age >= o.SureAfter, age >= time.Hour, errors.Is(findErr, bridge.ErrNoList):
		d.NextAt = time.Time{} // given up: shown to people, and the next text may go
	default:
		d.NextAt = now.Add(max(min(age, o.SureAfter/4), o.CheckAfter))
	}
	return tx.SaveDelivery(d, bridge.Unknown, bridge.Failure{}, now)
}

// silence is how long after sending the carrier is asked again, each time longer;
// after 36 h it will say nothing new (a message lives 10 h at Twilio).
func silence() [4]time.Duration {
	return [...]time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 36 * time.Hour}
}

// ask makes up for callbacks that never came.
func (o *Outbox) ask(ctx context.Context, now time.Time) error {
	quiet, err := o.due(ctx, bridge.Sent, now)
	if err != nil {
		return err
	}
	for _, d := range quiet {
		carrier, ok := o.Carriers[d.Channel]
		if !ok {
			continue
		}
		limit, cancel := context.WithTimeout(ctx, o.Timeout)
		f, statusErr := carrier.Status(limit, d.CarrierID)
		cancel()
		if statusErr != nil {
			slog.Warn("carrier could not be asked for a status", "delivery", d.ID, "err", statusErr)
		}
		err := o.Store.Write(ctx, func(tx *data.Tx) error {
			d, err := tx.Delivery(d.ID)
			if err != nil || d.State != bridge.Sent {
				return err
			}
			if statusErr == nil {
				if d, _, err = tx.ApplyReceipt(d, bridge.Receipt{
					CarrierID: d.CarrierID, Status: f.Status, Code: f.Code, DoneAt: "asked", Raw: "asked for by Porchlight", At: now,
				}, carrier); err != nil {
					return err
				}
				if d.State != bridge.Sent {
					return o.ifFailed(tx, d, bridge.Sent)
				}
			}
			d.NextAt = time.Time{}
			for _, s := range silence() {
				if at := d.SentAt.Add(s); at.After(now) {
					d.NextAt = at
					break
				}
			}
			return tx.SaveDelivery(d, bridge.Sent, bridge.Failure{}, now)
		})
		if err != nil {
			return fmt.Errorf("ask for delivery %d: %w", d.ID, err)
		}
	}
	return nil
}
