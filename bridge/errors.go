package bridge

import (
	"errors"
	"fmt"
)

// What callers of the inner packages may test for with errors.Is.
var (
	// ErrNotFound is also the answer for what the actor may not see.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that the thing changed since the caller looked at it.
	ErrConflict = errors.New("changed in the meantime")
	// ErrExpired says that something was good once, and its time is over.
	ErrExpired = errors.New("expired")
	// ErrDuplicate says that the same thing was stored before.
	ErrDuplicate = errors.New("already stored")
	// ErrNotWanted says that a delivery is better not sent any more, as when its
	// message was read meanwhile.
	ErrNotWanted = errors.New("not wanted any more")
	// ErrNoList says that a carrier keeps no list of what it took, so that asking
	// it proves nothing, neither now nor later.
	ErrNoList = errors.New("this carrier cannot be asked what it took")
)

// Invalid says which field of the input is wrong and how to mend it. Problem is
// a sentence for people without the final full stop.
type Invalid struct {
	Field, Problem string
}

func (e *Invalid) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Problem) }

// Taken says that something else has the name already, and which: ID is the id of
// that contact or record. It is an Invalid too.
type Taken struct {
	Field, Problem string
	ID             int64
}

func (e *Taken) Error() string { return e.Field + ": " + e.Problem }

// Unwrap makes it the complaint about its field, for callers that tell no more.
func (e *Taken) Unwrap() error { return &Invalid{e.Field, e.Problem} }

// Denied is a refusal by Decide: a stable code, the reason in plain words, and
// what to do about it (empty where nothing can be done).
type Denied struct {
	Code, Sentence, Fix string
}

func (e *Denied) Error() string { return e.Sentence }
