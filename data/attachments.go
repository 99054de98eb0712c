package data

import (
	"errors"
	"strconv"
	"time"

	"porchlight/bridge"
)

const attachmentColumns = `id, COALESCE(message_id, 0), n, uploader, name, type, content_type, size, width, height, blob, thumb, small, state, source, problem, attempts, created_at`

func scanAttachment(s scanner) (a bridge.Attachment, err error) {
	var created int64
	err = s.Scan(&a.ID, &a.Message, &a.N, &a.Uploader, &a.Name, &a.Type, &a.ContentType, &a.Size, &a.Width, &a.Height,
		&a.Blob, &a.Thumb, &a.Small, &a.State, &a.Source, &a.Problem, &a.Attempts, &created)
	a.CreatedAt = moment(created)
	return a, err
}

// attach stores a file of a message that is new. One that was uploaded before, and
// so has an id, becomes the message's.
func (tx *Tx) attach(a *bridge.Attachment, m bridge.MessageID, n int, now time.Time) (err error) {
	a.Message, a.N = m, n
	if a.ID != 0 {
		moved, err := tx.exec("UPDATE attachments SET message_id = $2, n = $3 WHERE id = $1 AND message_id IS NULL AND state = 'kept'", a.ID, m, n)
		if err == nil && moved == 0 {
			err = bridge.ErrConflict // it went with another message
		}
		return err
	}
	var next int64
	if a.State == bridge.Arriving {
		next, tx.arriving = millis(now), true
	}
	return tx.addAttachment(a, "", next, now)
}

func (tx *Tx) addAttachment(a *bridge.Attachment, client string, next int64, now time.Time) (err error) {
	a.CreatedAt = now
	a.ID, err = one(tx, scanID[bridge.AttachmentID], `
		INSERT INTO attachments (message_id, n, uploader, name, type, content_type, size, width, height, blob, thumb, small, client_id, state, source, next_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) RETURNING id`,
		orNone(a.Message), a.N, a.Uploader, a.Name, a.Type, a.ContentType, a.Size, a.Width, a.Height, a.Blob, a.Thumb, a.Small, orNull(client),
		a.State, a.Source, next, millis(now))
	return err
}

// AddUpload notes a file that is about to be put into the blob store, under keys
// that are known already, so that no blob is ever without its row. The uploader's
// own key gives the row that it made before.
func (tx *Tx) AddUpload(a bridge.Attachment, client string, now time.Time) (bridge.Attachment, error) {
	if had, err := tx.UploadByClient(a.Uploader, client); !errors.Is(err, bridge.ErrNotFound) {
		return had, err
	}
	a.State = bridge.Loading
	return a, tx.addAttachment(&a, client, 0, now)
}

// UploadByClient finds what an uploader's own key stored before.
func (tx *Tx) UploadByClient(uploader, client string) (bridge.Attachment, error) {
	if client == "" {
		return bridge.Attachment{}, bridge.ErrNotFound
	}
	return one(tx, scanAttachment, "SELECT "+attachmentColumns+" FROM attachments WHERE uploader = $1 AND client_id = $2 AND client_id IS NOT NULL", uploader, client)
}

// KeepUpload says that the bytes are there. ErrConflict: it was taken off meanwhile.
func (tx *Tx) KeepUpload(id bridge.AttachmentID) error {
	n, err := tx.exec("UPDATE attachments SET state = 'kept' WHERE id = $1 AND state IN ('loading', 'kept')", id)
	if err == nil && n == 0 {
		err = bridge.ErrConflict
	}
	return err
}

// Uploads gives an uploader's files that are not sent yet, the oldest first.
func (tx *Tx) Uploads(uploader string) ([]bridge.Attachment, error) {
	return list(tx, scanAttachment, "SELECT "+attachmentColumns+" FROM attachments WHERE uploader = $1 AND message_id IS NULL AND state IN ('loading', 'kept') ORDER BY created_at, id LIMIT 200", uploader)
}

// CountLoose says how many files of an uploader are not sent, those that were taken off
// and not swept among them: their bytes are still there.
func (tx *Tx) CountLoose(uploader string) (int64, error) {
	return tx.count("SELECT COUNT(*) FROM attachments WHERE uploader = $1 AND message_id IS NULL", uploader)
}

// DropUpload takes a file off that an uploader has not sent. Its bytes go with the
// next sweep.
func (tx *Tx) DropUpload(uploader string, id bridge.AttachmentID) error {
	_, err := tx.exec("UPDATE attachments SET state = 'lost', client_id = NULL, created_at = 1 WHERE id = $1 AND uploader = $2 AND message_id IS NULL", id, uploader)
	return err
}

// CondemnUploads gives some files that were uploaded before a time and never sent.
// From then on no message can have them, so that their bytes may be deleted; the
// rows go last, so that a crash between leaves nothing behind.
func (tx *Tx) CondemnUploads(before time.Time, limit int) ([]bridge.Attachment, error) {
	return list(tx, scanAttachment, `
		UPDATE attachments SET state = 'lost', client_id = NULL WHERE id IN (
			SELECT id FROM attachments WHERE message_id IS NULL AND created_at < $1 ORDER BY created_at LIMIT `+strconv.Itoa(limit)+`)
		RETURNING `+attachmentColumns, millis(before))
}

// ForgetUpload removes the row of a file whose bytes are deleted.
func (tx *Tx) ForgetUpload(id bridge.AttachmentID) error {
	_, err := tx.exec("DELETE FROM attachments WHERE id = $1 AND message_id IS NULL AND state = 'lost'", id)
	return err
}

// Attachment finds a file by its id, whoever may see it.
func (tx *Tx) Attachment(id bridge.AttachmentID) (bridge.Attachment, error) {
	return one(tx, scanAttachment, "SELECT "+attachmentColumns+" FROM attachments WHERE id = $1", id)
}

// AttachmentFor finds a file that a member of staff may see: that of a message which
// a conversation of theirs shows, or one that they have not sent yet.
func (tx *Tx) AttachmentFor(reader bridge.Staff, id bridge.AttachmentID) (bridge.Attachment, error) {
	a, err := tx.Attachment(id)
	if err != nil {
		return a, err
	}
	if a.Message == 0 {
		if a.Uploader != reader.Actor().Uploader() || a.State == bridge.Gone {
			err = bridge.ErrNotFound
		}
		return a, err
	}
	ids, err := list(tx, scanID[bridge.ConversationID], `
		SELECT conversation_id FROM messages WHERE id = $1
		UNION SELECT v.id FROM placements p JOIN conversations v ON v.record_id = p.record_id
			JOIN messages q ON q.id = p.message_id JOIN conversations o ON o.id = q.conversation_id
		WHERE p.message_id = $1 AND p.newest AND o.contact_id = v.contact_id AND o.kind IN ('customer', 'partner')`, a.Message)
	if err != nil {
		return a, err
	}
	for _, c := range ids {
		if _, err := tx.Conversation(reader, c); !errors.Is(err, bridge.ErrNotFound) {
			return a, err
		}
	}
	return a, bridge.ErrNotFound
}

// AttachmentForContact finds a file that a contact may see: that of what was written
// in a conversation of theirs, or one that they have not sent yet.
func (tx *Tx) AttachmentForContact(reader bridge.Contact, id bridge.AttachmentID) (bridge.Attachment, error) {
	a, err := tx.Attachment(id)
	if err != nil {
		return a, err
	}
	if a.Message == 0 {
		if a.Uploader != reader.Actor().Uploader() || a.State == bridge.Gone {
			err = bridge.ErrNotFound
		}
		return a, err
	}
	conv, err := one(tx, scanID[bridge.ConversationID], "SELECT m.conversation_id FROM messages m WHERE m.id = $1 AND "+written, a.Message)
	if err == nil {
		_, err = tx.ContactConversation(reader.ID, conv)
	}
	return a, err
}

// FilesOf gives the files of a message in their order.
func (tx *Tx) FilesOf(m bridge.MessageID) ([]bridge.Attachment, error) {
	return list(tx, scanAttachment, "SELECT "+attachmentColumns+" FROM attachments WHERE message_id = $1 ORDER BY n", m)
}

// RecordUsage is what the files of a record's conversations take, in bytes.
func (tx *Tx) RecordUsage(id bridge.RecordID) (int64, error) {
	return tx.count(`
		SELECT CAST(COALESCE(SUM(a.size), 0) AS BIGINT) FROM attachments a
			JOIN messages m ON m.id = a.message_id JOIN conversations c ON c.id = m.conversation_id
		WHERE c.record_id = $1`, id)
}

// ClaimArriving takes files that are to be fetched from a carrier now. Each has its
// attempt counted and is nobody else's until the lease ends; each has its keys in
// the blob store, so that another try writes to the same place.
func (tx *Tx) ClaimArriving(now time.Time, lease time.Duration, limit int) ([]bridge.Attachment, error) {
	due, err := list(tx, scanAttachment, "SELECT "+attachmentColumns+" FROM attachments WHERE state = 'arriving' AND next_at <= $1 ORDER BY next_at, id LIMIT "+strconv.Itoa(limit), millis(now))
	for i := range due {
		a := &due[i]
		if err != nil {
			break
		}
		if a.Blob == "" {
			a.Blob, a.Thumb, a.Small = bridge.NewBlobKey(), bridge.NewBlobKey(), bridge.NewBlobKey()
		}
		a.Attempts++
		_, err = tx.exec("UPDATE attachments SET attempts = $2, next_at = $3, blob = $4, thumb = $5, small = $6 WHERE id = $1",
			a.ID, a.Attempts, millis(now.Add(lease)), a.Blob, a.Thumb, a.Small)
	}
	return due, err
}

// NextArriving is when the next file is to be fetched, zero when none waits.
func (tx *Tx) NextArriving() (time.Time, error) {
	ms, err := tx.count("SELECT COALESCE(MIN(next_at), 0) FROM attachments WHERE state = 'arriving'")
	return moment(ms), err
}

// Arrived stores what became of a file that a carrier had: it is kept, lost, or to
// be tried again at next. Pages that show its message ask for it anew.
func (tx *Tx) Arrived(a bridge.Attachment, next time.Time) error {
	n, err := tx.exec(`
		UPDATE attachments SET name = $2, type = $3, content_type = $4, size = $5, width = $6, height = $7, blob = $8, thumb = $9, small = $10,
			state = $11, problem = $12, next_at = $13
		WHERE id = $1 AND state = 'arriving'`,
		a.ID, a.Name, a.Type, a.ContentType, a.Size, a.Width, a.Height, a.Blob, a.Thumb, a.Small, a.State, a.Problem, millis(next))
	if err != nil || n == 0 || a.State == bridge.Arriving {
		return err
	}
	// Of one that is folded behind a call, pages show the call.
	if _, err := tx.exec("UPDATE messages SET rev = $2 WHERE id = $1 OR id = (SELECT behind FROM messages WHERE id = $1)", a.Message, tx.rev); err != nil {
		return err
	}
	if err := tx.Reindex(a.Message); err != nil { // whether it has a photo is known only now
		return err
	}
	return tx.updateConversations("urgent = urgent", `id = (SELECT conversation_id FROM messages WHERE id = $1)
		OR record_id = (SELECT record_id FROM placements WHERE message_id = $1 AND newest)`, a.Message)
}
