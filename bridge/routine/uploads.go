package routine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"porchlight/bridge"
	"porchlight/data"
)

const (
	// keptLoose is how long a file waits to be sent: a draft may lie over night.
	keptLoose = 24 * time.Hour
	// swept is how many files are deleted before the next are looked for.
	swept = 100
)

// SweepUploads deletes files that were uploaded and never sent. From the moment
// that a row is condemned no message can have it; then its bytes go, and the row
// last. Cut off anywhere, the next sweep goes on.
func (r *Routine) SweepUploads(ctx context.Context) error {
	if r.Blobs == nil {
		return nil
	}
	for {
		var old []bridge.Attachment
		err := r.Store.Write(ctx, func(tx *data.Tx) (err error) {
			old, err = tx.CondemnUploads(r.Now().Add(-keptLoose), swept)
			return err
		})
		if err != nil {
			return fmt.Errorf("find old uploads: %w", err)
		}
		var all error
		for _, a := range old {
			all = errors.Join(all, r.forget(ctx, a))
		}
		if all != nil || len(old) < swept {
			return all
		}
	}
}

func (r *Routine) forget(ctx context.Context, a bridge.Attachment) error {
	for _, key := range []string{a.Blob, a.Thumb, a.Small} {
		if key == "" {
			continue
		}
		if err := r.Blobs.Delete(ctx, key); err != nil {
			return fmt.Errorf("delete an upload's bytes: %w", err)
		}
	}
	return r.Store.Write(ctx, func(tx *data.Tx) error { return tx.ForgetUpload(a.ID) })
}
