package data

import (
	"time"

	"porchlight/bridge"
)

const attachmentColumns = `id, COALESCE(message_id, 0), n, uploader, name, type, content_type, size, width, height, blob, thumb, state, source, problem`

func scanAttachment(s scanner) (a bridge.Attachment, err error) {
	return a, s.Scan(&a.ID, &a.Message, &a.N, &a.Uploader, &a.Name, &a.Type, &a.ContentType, &a.Size, &a.Width, &a.Height,
		&a.Blob, &a.Thumb, &a.State, &a.Source, &a.Problem)
}

// attach stores a file of a message that is new. One that was uploaded before, and
// so has an id, becomes the message's.
func (tx *Tx) attach(a *bridge.Attachment, m bridge.MessageID, n int, now time.Time) (err error) {
	a.Message, a.N = m, n
	if a.ID != 0 {
		moved, err := tx.exec("UPDATE attachments SET message_id = $2, n = $3 WHERE id = $1 AND message_id IS NULL", a.ID, m, n)
		if err == nil && moved == 0 {
			err = bridge.ErrConflict // it went with another message
		}
		return err
	}
	var next int64
	if a.State == bridge.Arriving {
		next = millis(now)
	}
	a.ID, err = one(tx, scanID[bridge.AttachmentID], `
		INSERT INTO attachments (message_id, n, uploader, name, type, content_type, size, width, height, blob, thumb, state, source, next_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id`,
		orNone(m), n, a.Uploader, a.Name, a.Type, a.ContentType, a.Size, a.Width, a.Height, a.Blob, a.Thumb, a.State, a.Source, next, millis(now))
	return err
}
