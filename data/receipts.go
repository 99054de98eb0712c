package data

import (
	"errors"
	"time"

	"porchlight/bridge"
)

// What carriers said: their answers to attempts, and their later words on deliveries.

// EndAttempt stores the answer to an attempt.
func (tx *Tx) EndAttempt(id bridge.DeliveryID, n int, o bridge.Outcome, now time.Time) error {
	_, err := tx.exec(`
		UPDATE attempts SET ended_at = $3, outcome = $4, carrier_id = $5, code = $6, detail = $7
		WHERE delivery_id = $1 AND n = $2`, id, n, millis(now), o.Kind, o.CarrierID, o.Code, o.Detail)
	return err
}

// Attempts lists the tries of a delivery, the first first.
func (tx *Tx) Attempts(id bridge.DeliveryID) ([]bridge.Attempt, error) {
	return list(tx, func(s scanner) (a bridge.Attempt, err error) {
		var start, end int64
		err = s.Scan(&a.Delivery, &a.N, &start, &end, &a.Outcome, &a.CarrierID, &a.Code, &a.Detail)
		a.StartedAt, a.EndAt = moment(start), moment(end)
		return a, err
	}, "SELECT delivery_id, n, started_at, ended_at, outcome, carrier_id, code, detail FROM attempts WHERE delivery_id = $1 ORDER BY n", id)
}

// AddReceipt keeps a carrier's word as it came. One that came before is
// bridge.ErrDuplicate. A delivery of 0 parks it until its carrier id is known.
func (tx *Tx) AddReceipt(r bridge.Receipt, d bridge.DeliveryID, step bridge.Step) error {
	var id any
	if d != 0 {
		id = int64(d)
	}
	n, err := tx.exec(`
		INSERT INTO receipts (delivery_id, carrier_id, status, code, done_at, raw, step, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (carrier_id, status, code, done_at) DO NOTHING`,
		id, r.CarrierID, r.Status, r.Code, r.DoneAt, r.Raw, step, millis(r.At))
	if err == nil && n == 0 {
		return bridge.ErrDuplicate
	}
	return err
}

// takeParked gives the receipts that came before their delivery was known to have
// the carrier's id, and binds them to it.
func (tx *Tx) takeParked(carrierID string, d bridge.DeliveryID) ([]bridge.Receipt, error) {
	rs, err := list(tx, scanReceipt, "SELECT carrier_id, status, code, done_at, raw, at FROM receipts WHERE carrier_id = $1 AND delivery_id IS NULL ORDER BY id", carrierID)
	if err != nil || len(rs) == 0 {
		return nil, err
	}
	_, err = tx.exec("UPDATE receipts SET delivery_id = $2 WHERE carrier_id = $1 AND delivery_id IS NULL", carrierID, d)
	return rs, err
}

// Receipts lists what the carrier said of a delivery, in the order it came.
func (tx *Tx) Receipts(d bridge.DeliveryID) ([]bridge.Receipt, error) {
	return list(tx, scanReceipt, "SELECT carrier_id, status, code, done_at, raw, at FROM receipts WHERE delivery_id = $1 ORDER BY id", d)
}

func scanReceipt(s scanner) (r bridge.Receipt, err error) {
	var at int64
	err = s.Scan(&r.CarrierID, &r.Status, &r.Code, &r.DoneAt, &r.Raw, &at)
	r.At = moment(at)
	return r, err
}

// ApplyReceipt keeps a carrier's word on a delivery and moves the delivery by it,
// never back. A word that came before is bridge.Ignored and changes nothing.
func (tx *Tx) ApplyReceipt(d bridge.Delivery, r bridge.Receipt, words bridge.Dictionary) (bridge.Delivery, bridge.Step, error) {
	was, step := d.State, bridge.Ignored
	if to, ok := words.ReadStatus(r.Status); ok {
		d.State, step = d.State.ByReceipt(to)
	}
	if err := tx.AddReceipt(r, d.ID, step); errors.Is(err, bridge.ErrDuplicate) {
		d.State = was
		return d, bridge.Ignored, nil
	} else if err != nil {
		return d, step, err
	}
	return tx.movedBy(d, was, r, words, step)
}

// AdoptParked applies the receipts that were faster than the carrier's own answer
// to the delivery that now has their carrier's id.
func (tx *Tx) AdoptParked(d bridge.Delivery, words bridge.Dictionary) (bridge.Delivery, error) {
	rs, err := tx.takeParked(d.CarrierID, d.ID)
	for _, r := range rs {
		if err != nil {
			break
		}
		was, step := d.State, bridge.Ignored
		if to, ok := words.ReadStatus(r.Status); ok {
			d.State, step = d.State.ByReceipt(to)
		}
		d, _, err = tx.movedBy(d, was, r, words, step)
	}
	return d, err
}

// movedBy writes what a receipt has done to a delivery.
func (tx *Tx) movedBy(d bridge.Delivery, was bridge.DeliveryState, r bridge.Receipt, words bridge.Dictionary, step bridge.Step) (bridge.Delivery, bridge.Step, error) {
	switch {
	case d.CarrierID == "":
		d.CarrierID = r.CarrierID
	case d.CarrierID != r.CarrierID:
		d.Conflict = true // two messages at the carrier for one delivery
	}
	var why bridge.Failure
	switch step {
	case bridge.Conflict:
		d.Conflict = true
	case bridge.Moved:
		switch {
		case r.Code != "":
			d.Code, why = r.Code, words.Explain(r.Code)
		case !d.State.Failure(): // what an earlier attempt met is over
			d.Code, d.Detail = "", ""
		}
		switch d.State {
		case bridge.Sent:
			d.NextAt = r.At.Add(SilenceFirst)
		default:
			d.NextAt = time.Time{}
		}
	}
	return d, step, tx.SaveDelivery(d, was, why, r.At)
}

// SilenceFirst is how long a carrier may say nothing of a message that it
// accepted before we ask.
const SilenceFirst = 10 * time.Minute

// CarrierIDTaken reports whether a delivery is known by a carrier's id.
func (tx *Tx) CarrierIDTaken(id string) (bool, error) {
	n, err := tx.count("SELECT COUNT(*) FROM deliveries WHERE carrier_id = $1", id)
	return n > 0, err
}

// RivalUnderway reports whether another delivery to the same phone is being sent, so
// that a new message at the carrier may be that one's.
func (tx *Tx) RivalUnderway(d bridge.Delivery) (bool, error) {
	n, err := tx.count(`
		SELECT COUNT(*) FROM deliveries
		WHERE state IN ('sending', 'unknown') AND state = 'sending' AND recipient = $1 AND id <> $2`, d.To, d.ID)
	return n > 0, err
}

// LostAttempts counts the tries of a delivery whose answer never came.
func (tx *Tx) LostAttempts(id bridge.DeliveryID) (int64, error) {
	return tx.count("SELECT COUNT(*) FROM attempts WHERE delivery_id = $1 AND outcome = '"+string(bridge.Lost)+"'", id)
}
