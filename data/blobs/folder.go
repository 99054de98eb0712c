// Package blobs keeps the bytes of files: in a folder beside the database, or in
// S3-compatible storage when several nodes share one store. Both are bridge.Blobs.
package blobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"porchlight/bridge"
)

// A Folder keeps blobs as files, in 1,024 folders by the first two characters of
// their keys, so that no folder grows slow: a million files are a thousand each.
type Folder struct{ root *os.Root }

var _ bridge.Blobs = (*Folder)(nil)

// OpenFolder makes the folder where it is missing. Only its owner may look inside.
func OpenFolder(path string) (*Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for files: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open the folder for files: %w", err)
	}
	return &Folder{root}, nil
}

// Close lets go of the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Put writes beside the place and renames, with the file on disk before its name
// and the name before the answer: a power cut leaves a whole file or none.
func (f *Folder) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if !bridge.ValidBlobKey(key) {
		return fmt.Errorf("keep file: %q is not a key", key)
	}
	dir := key[:2]
	if err := f.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep file: %w", err)
	}
	part := filepath.Join(dir, ".part-"+bridge.NewBlobKey())
	if err := f.write(ctx, part, r, size); err != nil {
		f.root.Remove(part) // best effort: the disk may be what is wrong
		return fmt.Errorf("keep file: %w", err)
	}
	if err := f.root.Rename(part, filepath.Join(dir, key)); err != nil {
		f.root.Remove(part)
		return fmt.Errorf("keep file: %w", err)
	}
	return errors.Join(f.sync(dir), f.sync("."))
}

func (f *Folder) write(ctx context.Context, name string, r io.Reader, size int64) (err error) {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	n, err := io.Copy(file, io.LimitReader(patient{ctx, r}, size+1))
	switch {
	case err != nil:
		return err
	case n != size:
		return fmt.Errorf("%d bytes were announced, and %d or more came", size, n)
	}
	return file.Sync()
}

// sync makes the names in a folder durable.
func (f *Folder) sync(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open gives a file to read from any place in it.
func (f *Folder) Open(_ context.Context, key string) (io.ReadSeekCloser, error) {
	if !bridge.ValidBlobKey(key) {
		return nil, bridge.ErrNotFound
	}
	file, err := f.root.Open(filepath.Join(key[:2], key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, bridge.ErrNotFound
	}
	return file, err
}

// Delete removes a file; one that is not there is fine.
func (f *Folder) Delete(_ context.Context, key string) error {
	if !bridge.ValidBlobKey(key) {
		return nil
	}
	err := f.root.Remove(filepath.Join(key[:2], key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// patient ends a copy when nobody waits for it any more.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}
