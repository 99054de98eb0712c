package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestCommands plays the commands as a person types them, one file for each that
// the README shows.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
