package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"porchlight/bridge"
	"porchlight/bridge/media"
	"porchlight/bridge/picture"
	"porchlight/data"
)

// mostLoose is how many files somebody may have uploaded and not sent; a page has
// ten at most, and several pages may be open.
const mostLoose = 100

// An Upload is a file that somebody is going to send.
type Upload struct {
	Name string
	Body io.Reader
	// Client is the uploader's own key: the same key twice is one file.
	Client string
}

// Upload takes a file in, as far as the rule lets a message have it. It is the
// actor's alone until they send it, and goes away after a day if they do not.
func (in *Intake) Upload(ctx context.Context, actor bridge.Actor, u Upload, rule bridge.Files) (a bridge.Attachment, err error) {
	if err := checkKey(u.Client); err != nil {
		return a, err
	}
	if in.Shelf == nil {
		return a, &bridge.Denied{Code: "no_files", Sentence: "There is no place for files here"}
	}
	if err := rule.Decide(make([]bridge.File, 1), false).Err(); rule.Most == 0 {
		return a, err
	}
	a.Uploader = actor.Uploader()
	if had, known, err := in.uploaded(ctx, a.Uploader, u.Client); err != nil || known {
		return had, err
	}
	t, err := in.Shelf.Take(ctx, u.Name, u.Body, rule.MaxSize)
	if err != nil {
		return a, notTaken(err, rule)
	}
	defer t.Close()
	if err := rule.Decide([]bridge.File{{Type: t.Type, Size: t.Size}}, false).Err(); err != nil {
		return a, err
	}
	return in.keep(ctx, t, t.Plan(a), u.Client)
}

// uploaded finds what the same key has stored before, before anything is read.
func (in *Intake) uploaded(ctx context.Context, uploader, client string) (a bridge.Attachment, known bool, err error) {
	err = in.Store.Read(ctx, func(tx *data.Tx) error {
		all, err := tx.Uploads(uploader)
		if err == nil && len(all) >= mostLoose {
			err = &bridge.Invalid{Field: "file", Problem: "Too many files are waiting to be sent. Send some, or take them off, first"}
		}
		if err != nil {
			return err
		}
		a, err = tx.UploadByClient(uploader, client)
		if errors.Is(err, bridge.ErrNotFound) {
			return nil
		}
		known = err == nil && a.State == bridge.Kept
		return err
	})
	return a, known, err
}

// notTaken puts what is wrong with a file into words.
func notTaken(err error, rule bridge.Files) error {
	switch {
	case errors.Is(err, media.ErrTooLarge):
		return rule.Decide([]bridge.File{{Size: rule.MaxSize + 1}}, false).Err()
	case errors.Is(err, picture.ErrTooManyPixels):
		return &bridge.Invalid{Field: "file", Problem: "This picture has more than 50 million pixels. Save it smaller and attach that"}
	case errors.Is(err, picture.ErrBroken):
		return &bridge.Invalid{Field: "file", Problem: "This picture cannot be read. Open it and save it again, or take another"}
	}
	return err
}

// keep stores a file: first its row with the keys, then the bytes, then that they
// are there. A crash between leaves what the sweep finds.
func (in *Intake) keep(ctx context.Context, t *media.Taken, a bridge.Attachment, client string) (bridge.Attachment, error) {
	planned := a
	err := in.Store.Write(ctx, func(tx *data.Tx) (err error) {
		a, err = tx.AddUpload(planned, client, in.Now())
		return err
	})
	switch {
	case err != nil:
		return a, fmt.Errorf("note upload: %w", err)
	case a.Size != planned.Size || a.Type != planned.Type:
		return a, &bridge.Invalid{Field: "client", Problem: "This key was used for another file. Use a new one"}
	case a.State == bridge.Kept:
		return a, nil // the same upload was faster on another connection
	}
	if err := in.Shelf.Put(ctx, t, a); err != nil {
		return a, err
	}
	a.State = bridge.Kept
	err = in.Store.Write(ctx, func(tx *data.Tx) error { return tx.KeepUpload(a.ID) })
	if errors.Is(err, bridge.ErrConflict) {
		in.Shelf.Drop(ctx, a) // taken off meanwhile: the sweep may have been here before the bytes; Drop logs
	}
	return a, err
}

// TakeOff removes a file that the actor has uploaded and not sent.
func (in *Intake) TakeOff(ctx context.Context, actor bridge.Actor, id bridge.AttachmentID) error {
	return in.Store.Write(ctx, func(tx *data.Tx) error { return tx.DropUpload(actor.Uploader(), id) })
}

// files gives an uploader's own files that are not sent yet, in the order of the
// ids. That of somebody else is not there.
func (in *Intake) files(tx *data.Tx, uploader string, ids []bridge.AttachmentID) ([]bridge.Attachment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	loose, err := tx.Uploads(uploader)
	if err != nil {
		return nil, err
	}
	var out []bridge.Attachment
	for n, id := range ids {
		at := slices.IndexFunc(loose, func(a bridge.Attachment) bool { return a.ID == id && a.State == bridge.Kept })
		if at < 0 {
			return nil, &bridge.Invalid{Field: "files", Problem: "A file is not there any more: attach it again"}
		}
		if !slices.Contains(ids[:n], id) {
			out = append(out, loose[at])
		}
	}
	return out, nil
}

// withFiles tells Decide of the files of a draft, and fetches them for the message.
func (in *Intake) withFiles(tx *data.Tx, f *bridge.Facts, uploader string, d *Draft) (err error) {
	f.Text = d.Body != ""
	if d.attached, err = in.files(tx, uploader, d.Files); err != nil || len(d.attached) == 0 {
		return err
	}
	for _, a := range d.attached {
		f.Files = append(f.Files, bridge.File{Type: a.Type, Size: a.Size})
	}
	if f.Record.Quota > 0 && f.Settings.Policy(f.Conversation.Kind).Files.Quota {
		f.Used, err = tx.RecordUsage(f.Record.ID)
	}
	return err
}

// parts are the texts that carry a message: its words, cut where the carrier wants,
// and links to the files that cannot go along.
func (in *Intake) parts(m bridge.Message, to string) (parts []string, pictures bool) {
	along, linked := bridge.ForText(m.Attachments, to)
	parts, pictures = in.Split(m.Body), len(along) > 0
	if len(linked) == 0 || in.Link == nil {
		return parts, pictures
	}
	var links strings.Builder
	for _, a := range linked {
		fmt.Fprintf(&links, "%s: %s\n", a.Name, in.Link(a))
	}
	return in.Split(strings.TrimSpace(m.Body + "\n" + links.String())), pictures
}
