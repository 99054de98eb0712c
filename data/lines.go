package data

import (
	"errors"

	"porchlight/bridge"
)

const lineColumns = "id, channel, value, name, pace, active"

func scanLine(s scanner) (l bridge.Line, err error) {
	var value string
	err = s.Scan(&l.ID, &l.Channel, &value, &l.Name, &l.Pace, &l.Active)
	if l.Channel != bridge.SMS {
		l.Mailbox = value
	} else {
		l.Phone = bridge.Phone(value)
	}
	return l, err
}

// PutLine stores a line of the configuration, found again by its number or mailbox.
// One without a channel is for texts.
func (tx *Tx) PutLine(l bridge.Line) (bridge.LineID, error) {
	if l.Channel == "" {
		l.Channel = bridge.SMS
	}
	return one(tx, scanID[bridge.LineID], `
		INSERT INTO lines (channel, value, name, pace, active) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (value) DO UPDATE SET name = excluded.name, pace = excluded.pace, active = excluded.active
		RETURNING id`, l.Channel, l.Value(), l.Name, l.Pace, l.Active)
}

// RetireLines says that no line is in use; those of the configuration are then put
// back. A number that the business gave up must not be answered from.
func (tx *Tx) RetireLines() error {
	_, err := tx.exec("UPDATE lines SET active = FALSE")
	return err
}

// Mailbox is the line that mails leave by, or bridge.ErrNotFound where the business
// has none.
func (tx *Tx) Mailbox() (bridge.Line, error) {
	return one(tx, scanLine, "SELECT "+lineColumns+" FROM lines WHERE channel = 'email' AND active ORDER BY id LIMIT 1")
}

// WebhookLine is the line by which the AI receptionist is told of messages, or
// bridge.ErrNotFound where the business has none.
func (tx *Tx) WebhookLine() (bridge.Line, error) {
	return one(tx, scanLine, "SELECT "+lineColumns+" FROM lines WHERE channel = 'webhook' AND active ORDER BY id LIMIT 1")
}

// SendingLine is the line that a text leaves by: the one that the contact
// knows, or the first in use where that one was given up.
func (tx *Tx) SendingLine(known bridge.LineID) (bridge.Line, error) {
	ls, err := list(tx, scanLine, "SELECT "+lineColumns+" FROM lines WHERE channel = 'sms' AND (active OR id = $1) ORDER BY active DESC, CASE WHEN id = $1 THEN 0 ELSE 1 END, id LIMIT 1", known)
	if err != nil || len(ls) == 0 {
		return bridge.Line{}, errors.Join(err, bridge.ErrNotFound)
	}
	return ls[0], nil
}

// Lines lists every number that the business has or had.
func (tx *Tx) Lines() ([]bridge.Line, error) {
	return list(tx, scanLine, "SELECT "+lineColumns+" FROM lines WHERE channel = 'sms' ORDER BY id")
}

// Line finds a line by its id.
func (tx *Tx) Line(id bridge.LineID) (bridge.Line, error) {
	return one(tx, scanLine, "SELECT "+lineColumns+" FROM lines WHERE id = $1", id)
}

// LineByPhone finds the line with a number.
func (tx *Tx) LineByPhone(p string) (bridge.Line, error) {
	return one(tx, scanLine, "SELECT "+lineColumns+" FROM lines WHERE value = $1", p)
}

// ListedAt is how far the carrier's list of the line's messages has been read,
// in Unix milliseconds; 0 if never.
func (tx *Tx) ListedAt(id bridge.LineID) (ms int64, err error) {
	return one(tx, scanID[int64], "SELECT listed_at FROM lines WHERE id = $1", id)
}

// SetListedAt moves that cursor, never back.
func (tx *Tx) SetListedAt(id bridge.LineID, ms int64) error {
	_, err := tx.exec("UPDATE lines SET listed_at = $2 WHERE id = $1 AND listed_at < $2", id, ms)
	return err
}
