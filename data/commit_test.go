package data

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

func TestClaimerHearsWhetherItsClaimIsDurable(t *testing.T) {
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "porchlight.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	type word struct{ err error }
	heard := make(chan word, 1)
	claims := 0
	s.ClaimAtCommit(func(tx *Tx) (func(error), error) {
		claims++
		return func(err error) { heard <- word{err} }, nil
	})
	write := func(fn func(*Tx) error) error {
		return s.Write(context.Background(), func(tx *Tx) error {
			tx.queued = true
			return fn(tx)
		})
	}
	if err := write(func(*Tx) error { return nil }); err != nil || (<-heard).err != nil {
		t.Errorf("a good commit: %v", err)
	}
	// A delivery of a message that is not there: the commit itself finds out.
	err = write(func(tx *Tx) error {
		if _, err := tx.exec("PRAGMA defer_foreign_keys = ON"); err != nil {
			return err
		}
		_, err := tx.exec("INSERT INTO inbound (carrier_id, message_id, raw, at) VALUES ('SM1', 404, '', 0)")
		return err
	})
	if told := (<-heard).err; err == nil || told == nil {
		t.Errorf("a failed commit: the writer heard %v, the claimer %v", err, told)
	}
	if err := s.Write(t.Context(), func(*Tx) error { return nil }); err != nil || claims != 2 {
		t.Errorf("after a commit that queued nothing: %d claims, %v", claims, err)
	}
	no := errors.New("no")
	s.ClaimAtCommit(func(*Tx) (func(error), error) { return nil, no })
	if err := write(func(*Tx) error { return nil }); err != nil {
		t.Errorf("a claimer that fails took the writer with it: %v", err)
	}
	s.ClaimAtCommit(nil)
	if err := write(func(*Tx) error { return nil }); err != nil {
		t.Error(err)
	}
}
