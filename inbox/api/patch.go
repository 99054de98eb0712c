package api

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// A Patch is a field of a merge patch (RFC 7396): absent leaves what there is, null
// empties it, a value takes its place. A list is one value: it is replaced whole.
type Patch[T any] struct {
	Given bool
	Value T // its zero value for null
}

// UnmarshalJSON notes that the field was there.
func (p *Patch[T]) UnmarshalJSON(b []byte) error {
	p.Given = true
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, &p.Value)
}

// Schema is that of the value, or null.
func (p Patch[T]) Schema(r huma.Registry) *huma.Schema {
	s := *huma.SchemaFromType(r, typeOf[T]())
	s.Nullable = true
	return &s
}

// pointer is what the inside calls a change: nil stays.
func (p Patch[T]) pointer() *T {
	if !p.Given {
		return nil
	}
	return &p.Value
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }
