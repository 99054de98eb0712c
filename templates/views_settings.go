package templates

import "reflect"

// The views of the settings.

var (
	settingsPages     = map[string]reflect.Type{}
	settingsFragments = map[string]reflect.Type{}
)
