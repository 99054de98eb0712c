// Package media moves the bytes of files: what people upload and what a carrier
// holds for us goes through one gate into the blob store, and what a carrier or a
// customer may fetch gets a signed address that ends.
package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"strings"

	"porchlight/bridge"
	"porchlight/bridge/picture"
)

// ErrTooLarge says that a file has more bytes than it may have.
var ErrTooLarge = errors.New("the file is too large")

// A Shelf takes files in: it finds out what they are, cleans them and makes small
// pictures of them. It is safe for concurrent use.
type Shelf struct {
	Blobs bridge.Blobs
	// dir is where a file lies while it is looked at; it never is in memory whole.
	dir  string
	room *picture.Darkroom
}

// NewShelf makes a shelf whose files lie in a folder while they are looked at;
// empty is the system's own.
func NewShelf(b bridge.Blobs, dir string) (*Shelf, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder for uploads: %w", err)
		}
	}
	return &Shelf{b, dir, picture.NewDarkroom()}, nil
}

// A Taken is a file that was looked at and is not stored yet.
type Taken struct {
	Name, Type, ContentType string
	Size                    int64
	Width, Height           int
	file                    *os.File
	thumb, small            []byte
}

// Close lets go of the file.
func (t *Taken) Close() { t.file.Close() }

// Take reads a file of at most most bytes. What is larger is ErrTooLarge, as soon
// as that is known; a picture that cannot be read is picture.ErrBroken.
func (s *Shelf) Take(ctx context.Context, name string, r io.Reader, most int64) (*Taken, error) {
	raw, err := s.spool(func(w io.Writer) error { return copyAtMost(ctx, w, r, most) })
	if err != nil {
		return nil, err
	}
	kind, err := picture.Sniff(raw, name)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	t := &Taken{Name: nameOf(name, kind.Type), Type: kind.Type, ContentType: kind.ContentType, file: raw}
	if picture.Cleans(kind.Type) {
		if err := s.develop(ctx, t, kind); err != nil {
			return nil, errors.Join(err, t.file.Close())
		}
	}
	if t.Size, err = t.file.Seek(0, io.SeekEnd); err != nil {
		return nil, errors.Join(err, t.file.Close())
	}
	if t.Size == 0 {
		t.Close()
		return nil, &bridge.Invalid{Field: "file", Problem: "This file is empty"}
	}
	return t, nil
}

// TakeAnyhow is Take for what came already and cannot be sent back: a picture that
// cannot be read is kept as a file that no page shows.
func (s *Shelf) TakeAnyhow(ctx context.Context, name string, r io.Reader, most int64) (*Taken, error) {
	raw, err := s.spool(func(w io.Writer) error { return copyAtMost(ctx, w, r, most) })
	if err != nil {
		return nil, err
	}
	t, err := s.Take(ctx, name, raw, most)
	if !errors.Is(err, picture.ErrBroken) && !errors.Is(err, picture.ErrTooManyPixels) {
		return t, errors.Join(err, raw.Close())
	}
	size, err := raw.Seek(0, io.SeekEnd)
	return &Taken{Name: nameOf(name, "bin"), Type: "bin", ContentType: "application/octet-stream", Size: size, file: raw}, err
}

func copyAtMost(ctx context.Context, w io.Writer, r io.Reader, most int64) error {
	n, err := io.Copy(w, io.LimitReader(r, most+1))
	if err == nil && n > most {
		err = ErrTooLarge
	}
	return errors.Join(err, ctx.Err())
}

// spool writes a file that has no name any more, so that a crash leaves none.
func (s *Shelf) spool(write func(io.Writer) error) (*os.File, error) {
	f, err := os.CreateTemp(s.dir, "upload-")
	if err != nil {
		return nil, fmt.Errorf("take a file in: %w", err)
	}
	os.Remove(f.Name()) // some systems refuse while it is open; their own cleaning finds it
	if err = write(f); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// develop puts the clean picture in the place of the raw one and makes the small
// ones, where that can be done.
func (s *Shelf) develop(ctx context.Context, t *Taken, kind picture.Kind) (err error) {
	if kind.Image() {
		if t.Width, t.Height, err = picture.Measure(t.file, t.Type); err != nil {
			return err
		}
	}
	clean, err := s.spool(func(w io.Writer) error { return picture.Clean(w, t.file, t.Type) })
	if err != nil {
		return err
	}
	t.file.Close()
	t.file = clean
	if !kind.Image() {
		return nil
	}
	size, err := clean.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	p, err := s.room.Open(ctx, clean, t.Type)
	if errors.Is(err, picture.ErrNotDecoded) || errors.Is(err, picture.ErrBroken) {
		return nil // browsers show more than we can read
	} else if err != nil {
		return err
	}
	defer p.Close()
	if t.thumb, err = p.Thumb(); err != nil {
		return err
	}
	if size > bridge.MaxMMS || t.Type == "webp" { // phones read no WebP
		if t.small, err = p.Shrink(bridge.MaxMMS); errors.Is(err, picture.ErrNotDecoded) {
			err = nil
		}
	}
	return err
}

// nameOf gives a name the ending that belongs to what the file is.
func nameOf(name, typ string) string {
	name = bridge.CleanFileName(name)
	ext := path.Ext(name)
	switch is := strings.ToLower(strings.TrimPrefix(ext, ".")); {
	case is == typ, typ == "jpg" && is == "jpeg", typ == "heic" && is == "heif", typ == "txt" && (is == "log" || is == "md"):
		return name
	case typ == "bin" || typ == "zip" || typ == "ole":
		return name
	case known[is]:
		name = strings.TrimSuffix(name, ext)
	}
	return bridge.CleanFileName(name + "." + typ)
}

// known are endings that promise something; others are part of a name, as in
// "plan v1.2".
var known = map[string]bool{"jpg": true, "jpeg": true, "png": true, "gif": true, "webp": true, "heic": true, "heif": true, "pdf": true,
	"doc": true, "docx": true, "xls": true, "xlsx": true, "ppt": true, "txt": true, "csv": true, "html": true, "htm": true, "svg": true, "exe": true}

// Plan gives an attachment for a file, with keys for what will be stored.
func (t *Taken) Plan(a bridge.Attachment) bridge.Attachment {
	a.Name, a.Type, a.ContentType, a.Size, a.Width, a.Height = t.Name, t.Type, t.ContentType, t.Size, t.Width, t.Height
	key := func(had string, there bool) string {
		if !there {
			return ""
		}
		if had == "" {
			had = bridge.NewBlobKey()
		}
		return had
	}
	a.Blob, a.Thumb, a.Small = key(a.Blob, true), key(a.Thumb, t.thumb != nil), key(a.Small, t.small != nil)
	return a
}

// Put stores a file under the keys of its attachment.
func (s *Shelf) Put(ctx context.Context, t *Taken, a bridge.Attachment) error {
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := s.Blobs.Put(ctx, a.Blob, t.file, t.Size); err != nil {
		return err
	}
	for key, b := range map[string][]byte{a.Thumb: t.thumb, a.Small: t.small} {
		if key == "" {
			continue
		}
		if err := s.Blobs.Put(ctx, key, bytes.NewReader(b), int64(len(b))); err != nil {
			return err
		}
	}
	return nil
}

// Drop deletes all that is stored of a file. It can be repeated.
func (s *Shelf) Drop(ctx context.Context, a bridge.Attachment) error {
	var all error
	for _, key := range []string{a.Blob, a.Thumb, a.Small} {
		if key != "" {
			all = errors.Join(all, s.Blobs.Delete(ctx, key))
		}
	}
	if all != nil {
		slog.Warn("file not deleted", "attachment", a.ID, "err", all)
	}
	return all
}
