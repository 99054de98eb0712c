package templates

import "reflect"

// The views of people and records.

var (
	peoplePages     = map[string]reflect.Type{}
	peopleFragments = map[string]reflect.Type{}
)
