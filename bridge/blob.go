package bridge

import (
	"context"
	"crypto/rand"
	"io"
	"strings"
)

// Blobs keep the bytes of files, each under a key of NewBlobKey. They know nothing
// of names, types or who may see what: that is in the store.
type Blobs interface {
	// Put keeps size bytes of r. When it returns nil they are durable. A key that
	// is there already gets the new bytes, whole: nobody reads half a file.
	Put(ctx context.Context, key string, r io.Reader, size int64) error
	// Open gives the bytes; ErrNotFound where there are none.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)
	// Delete is nil also for a key that is not there, so that it can be repeated.
	Delete(ctx context.Context, key string) error
}

// NewBlobKey makes the key of a new blob: 130 random bits in lower case letters
// and digits, which says nothing about the file.
func NewBlobKey() string { return strings.ToLower(rand.Text()) }

// ValidBlobKey reports whether NewBlobKey could have made a key, so that what is
// read from elsewhere never becomes another path.
func ValidBlobKey(key string) bool {
	if len(key) < 20 || len(key) > 64 {
		return false
	}
	for _, r := range key {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}
