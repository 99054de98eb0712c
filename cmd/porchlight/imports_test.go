package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the drawing of the house: what each package may import of ours.
// A package that is not here has no place yet; give it one here and in
// CONTRIBUTING.md in the same commit.
var mayImport = map[string][]string{
	"bridge":                     {},
	"bridge/thread":              {"bridge"},
	"bridge/live":                {"bridge"},
	"bridge/sms":                 {"bridge"},
	"bridge/sms/smstest":         {"bridge", "bridge/sms"},
	"bridge/email":               {"bridge"},
	"bridge/email/emailtest":     {},
	"bridge/receptionist":        {"bridge"},
	"bridge/picture":             {},
	"bridge/picture/picturetest": {},
	"bridge/media":               {"bridge", "bridge/picture", "data"},
	"templates":                  {"bridge"},
	"data":                       {"bridge"},
	"data/datatest":              {"bridge", "data"},
	"data/blobs":                 {"bridge"},
	"data/blobs/blobstest":       {},
	"bridge/intake":              {"bridge", "data", "bridge/thread", "bridge/media", "bridge/picture"},
	"bridge/outbox":              {"bridge", "data"},
	"bridge/notify":              {"bridge", "data"},
	"bridge/routine":             {"bridge", "data"},
	"webhooks":                   {"bridge", "bridge/intake", "bridge/sms", "bridge/email", "bridge/receptionist"},
	"inbox/web":                  {"bridge", "data", "templates"},
	"inbox/staff":                inboxMayImport,
	"inbox/portal":               inboxMayImport,
	"inbox/api":                  inboxMayImport,
	"docs/bot":                   {}, // others copy it, so it is nobody's
	"inbox":                      {"inbox/staff", "inbox/portal", "inbox/api", "inbox/web", "webhooks"},
}

var inboxMayImport = []string{"bridge", "data", "bridge/intake", "bridge/live", "inbox/web", "templates"}

// testsMayImport is what the tests of every package may import besides: the
// doubles, what a double is made of, and the package itself from outside.
var testsMayImport = []string{"bridge", "bridge/sms", "bridge/sms/smstest", "bridge/email", "bridge/email/emailtest", "data", "data/datatest", "data/blobs", "data/blobs/blobstest", "bridge/picture/picturetest", "bridge/media", "bridge/routine"}

const (
	ourModule  = "porchlight"
	ourCommand = "cmd/porchlight"
)

// forbidden says why package from may not import path, and is empty if it may.
func forbidden(from, path string, inTest bool) string {
	ours, isOurs := strings.CutPrefix(path, ourModule+"/")
	switch {
	case !isOurs && from == "bridge" && !inTest && strings.Contains(strings.Split(path, "/")[0], "."):
		return "bridge imports the standard library only"
	case !isOurs || from == ourCommand:
		return ""
	case strings.HasPrefix(ours, "cmd/"):
		return "nothing imports cmd"
	case inTest && (ours == from || slices.Contains(testsMayImport, ours) && from != "bridge"):
		return ""
	case inTest && from == "inbox" && (slices.Contains(inboxMayImport, ours) || slices.Contains([]string{"bridge/outbox", "bridge/notify", "bridge/receptionist"}, ours)):
		return "" // its tests wire what cmd wires, to try every door
	case mayImport[from] == nil:
		return "the package has no place in mayImport"
	case !slices.Contains(mayImport[from], ours):
		return "no arrow goes from " + from + " to " + ours
	}
	return ""
}

func TestImportsFollowTheDrawing(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "var") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files++
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			from := filepath.ToSlash(filepath.Dir(relative))
			if why := forbidden(from, imported, strings.HasSuffix(name, "_test.go")); why != "" {
				t.Errorf("%s imports %s: %s", relative, imported, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("read only %d files, so this looked in the wrong place", files)
	}
}

func TestForbiddenKnowsWrongFromRight(t *testing.T) {
	for _, c := range []struct {
		from, path string
		inTest     bool
		allowed    bool
	}{
		{"bridge", "log/slog", false, true},
		{"bridge", "golang.org/x/text/language", false, false},
		{"bridge", "github.com/google/go-cmp/cmp", true, true},
		{"bridge", "porchlight/data", false, false},
		{"bridge", "porchlight/data", true, false},
		{"bridge", "porchlight/bridge", true, true},
		{"data", "porchlight/bridge", false, true},
		{"data", "porchlight/bridge/outbox", false, false},
		{"data", "porchlight/data/datatest", true, true},
		{"data", "porchlight/data/datatest", false, false},
		{"webhooks", "porchlight/data", false, false},
		{"inbox/staff", "porchlight/inbox/api", false, false},
		{"inbox/staff", "porchlight/inbox/api", true, false},
		{"inbox", "porchlight/webhooks", false, true},
		{"inbox", "porchlight/cmd/porchlight", false, false},
		{"bridge/helper", "porchlight/bridge", false, false},
		{"cmd/porchlight", "porchlight/inbox", false, true},
	} {
		if why := forbidden(c.from, c.path, c.inTest); (why == "") != c.allowed {
			t.Errorf("%s imports %s (test: %v): %q", c.from, c.path, c.inTest, why)
		}
	}
}
