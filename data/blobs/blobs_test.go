package blobs_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"porchlight/bridge"
	"porchlight/data/blobs"
	"porchlight/data/blobs/blobstest"
)

// each runs a test on both kinds of storage.
func each(t *testing.T, test func(*testing.T, bridge.Blobs)) {
	t.Run("folder", func(t *testing.T) { test(t, folder(t, t.TempDir())) })
	t.Run("s3", func(t *testing.T) { test(t, s3(t, blobstest.Start(t).URL)) })
}

func folder(t *testing.T, path string) *blobs.Folder {
	t.Helper()
	f, err := blobs.OpenFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func s3(t *testing.T, url string) *blobs.S3 {
	t.Helper()
	s, err := blobs.OpenS3(blobs.S3Options{Endpoint: url, Bucket: blobstest.Bucket, AccessKey: blobstest.AccessKey, SecretKey: blobstest.SecretKey, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, b bridge.Blobs, key string, data []byte) {
	t.Helper()
	if err := b.Put(t.Context(), key, bytes.NewReader(data), int64(len(data))); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, b bridge.Blobs, key string) []byte {
	t.Helper()
	r, err := b.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAFileComesBackAsItWasKept(t *testing.T) {
	each(t, func(t *testing.T, b bridge.Blobs) {
		large := make([]byte, 3<<20)
		rand.Read(large)
		for _, data := range [][]byte{{}, []byte("drip"), large} {
			key := bridge.NewBlobKey()
			put(t, b, key, data)
			if got := read(t, b, key); !bytes.Equal(got, data) {
				t.Errorf("%d bytes came back as %d others", len(data), len(got))
			}
		}
	})
}

func TestAFileIsReadFromItsMiddle(t *testing.T) {
	each(t, func(t *testing.T, b bridge.Blobs) {
		key := bridge.NewBlobKey()
		put(t, b, key, []byte("0123456789"))
		r, err := b.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		end, err := r.Seek(0, io.SeekEnd)
		if err != nil || end != 10 {
			t.Fatalf("the end is at %d, %v", end, err)
		}
		if _, err := r.Seek(4, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(r); err != nil || string(rest) != "456789" {
			t.Errorf("from 4 on: %q, %v", rest, err)
		}
	})
}

func TestAnotherTryReplacesTheFileWhole(t *testing.T) {
	each(t, func(t *testing.T, b bridge.Blobs) {
		key := bridge.NewBlobKey()
		put(t, b, key, []byte("the first try, which is longer"))
		put(t, b, key, []byte("the second"))
		if got := read(t, b, key); string(got) != "the second" {
			t.Errorf("got %q", got)
		}
	})
}

func TestWhatWasDeletedIsNotFoundAndDeletingAgainIsFine(t *testing.T) {
	each(t, func(t *testing.T, b bridge.Blobs) {
		key := bridge.NewBlobKey()
		put(t, b, key, []byte("x"))
		for range 2 {
			if err := b.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Open(t.Context(), key); !errors.Is(err, bridge.ErrNotFound) {
			t.Errorf("opened what was deleted: %v", err)
		}
	})
}

func TestAKeyThatIsAPathLeadsNowhere(t *testing.T) {
	each(t, func(t *testing.T, b bridge.Blobs) {
		for _, key := range []string{"", "../../x", "../../../../etc/passwd", "aa/../../secret", "AAAAAAAAAAAAAAAAAAAAAAAAAA", strings.Repeat("a", 65)} {
			if err := b.Put(t.Context(), key, strings.NewReader("x"), 1); err == nil {
				t.Errorf("%q was taken as a key", key)
			}
			if _, err := b.Open(t.Context(), key); !errors.Is(err, bridge.ErrNotFound) {
				t.Errorf("%q was opened: %v", key, err)
			}
		}
	})
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, b bridge.Blobs) {
		for name, r := range map[string]io.Reader{
			"too short": strings.NewReader("abc"), "too long": strings.NewReader(strings.Repeat("x", 40)),
			"broken": io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(errors.New("the phone left"))),
		} {
			key := bridge.NewBlobKey()
			if err := b.Put(t.Context(), key, r, 10); err == nil {
				t.Errorf("%s: kept", name)
			}
			if _, err := b.Open(t.Context(), key); !errors.Is(err, bridge.ErrNotFound) {
				t.Errorf("%s: something is there: %v", name, err)
			}
		}
	})
}

func TestTheFolderIsItsOwnersAloneAndHoldsNoLeftovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blobs")
	f := folder(t, path)
	put(t, f, bridge.NewBlobKey(), []byte("photo"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Put(ctx, bridge.NewBlobKey(), strings.NewReader("x"), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("an upload that nobody waits for: %v", err)
	}
	files := 0
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", name, info.Mode().Perm())
		}
		return nil
	})
	if err != nil || files != 1 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestBucketRefusesAnotherSecret(t *testing.T) {
	server := blobstest.Start(t)
	s, err := blobs.OpenS3(blobs.S3Options{Endpoint: server.URL, Bucket: blobstest.Bucket, AccessKey: blobstest.AccessKey, SecretKey: "another", PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), bridge.NewBlobKey(), strings.NewReader("x"), 1); err == nil {
		t.Error("a wrong signature was taken: the double checks nothing")
	}
	if len(server.Keys()) != 0 {
		t.Error("something was kept")
	}
}

func TestBucketIsTriedAgainWhenItIsBusy(t *testing.T) {
	server := blobstest.Start(t)
	s := s3(t, server.URL)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.FailNext(1)
	key := bridge.NewBlobKey()
	put(t, s, key, []byte("photo"))
	if got := read(t, s, key); string(got) != "photo" {
		t.Errorf("got %q", got)
	}
}

func TestBucketsOptionsSayWhatIsMissing(t *testing.T) {
	good := blobs.S3Options{Endpoint: "https://s3.example.com", Bucket: "b", AccessKey: "a", SecretKey: "s"}
	for field, spoil := range map[string]func(*blobs.S3Options){
		"endpoint": func(o *blobs.S3Options) { o.Endpoint = "s3.example.com" }, "bucket": func(o *blobs.S3Options) { o.Bucket = "" },
		"access_key": func(o *blobs.S3Options) { o.SecretKey = "" },
	} {
		o := good
		spoil(&o)
		var invalid *bridge.Invalid
		if _, err := blobs.OpenS3(o); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
