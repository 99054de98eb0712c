package templates

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"porchlight/bridge"
)

// spoken collects every text that the portal says, from the templates, from the
// source of its handlers, and from the refusals of the doors that it asks.
func spoken(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{} // to where it stands
	names, err := filepath.Glob("portal/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no templates", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.T ("(?:[^"\\]|\\.)*")`).FindAllStringSubmatch(string(b), -1) {
			s, err := strconv.Unquote(m[1])
			if err != nil {
				t.Fatalf("%s: %s: %v", name, m[1], err)
			}
			out[s] = name
		}
	}
	read(t, out, "../inbox/portal/*.go", handlerTexts)
	read(t, out, "../inbox/web/fail.go", func(n ast.Node) []ast.Expr { return fields(n, "Trouble", "Heading") })
	for _, name := range []string{"enter", "portal", "again", "files"} { // the doors that contacts use
		read(t, out, "../bridge/intake/"+name+".go", func(n ast.Node) []ast.Expr {
			return append(fields(n, "Denied", "Sentence", "Fix"), fields(n, "Invalid", "Problem")...)
		})
	}
	read(t, out, "../inbox/web/upload.go", func(n ast.Node) []ast.Expr { return fields(n, "Invalid", "Problem") })
	for _, teamOnly := range []string{"The customer portal is off", "Switch the portal on in the settings", "They have no number or email that works", "Add one first"} {
		delete(out, teamOnly)
	}
	for _, r := range bridge.Roles {
		out[r.Title()] = "roles"
	}
	for _, r := range bridge.RecordTypes {
		out[r.Title()] = "records"
	}
	out[fmt.Sprintf("A subject has at most %d characters", bridge.MaxTitle)] = "intake"
	for _, s := range []string{
		"Write something first", "Something new came in", "Already there", // of web.Explain and intake.Draft
		"Photo", "Photos", "Files", // of bridge.Message.Preview
		"This is not a valid number", "Landline: it cannot receive texts", "This number is not in service", // of bridge/sms, about an address
	} {
		out[s] = "elsewhere"
	}
	return out
}

// read collects the string literals among the expressions that pick chooses.
func read(t *testing.T, out map[string]string, glob string, pick func(ast.Node) []ast.Expr) {
	t.Helper()
	names, err := filepath.Glob(glob)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, e := range pick(n) {
				if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if s, err := strconv.Unquote(lit.Value); err == nil && s != "" {
						out[s] = name
					}
				}
			}
			return true
		})
	}
}

// fields are the values of some fields of a composite literal of a type.
func fields(n ast.Node, typ string, names ...string) (out []ast.Expr) {
	lit, ok := n.(*ast.CompositeLit)
	if !ok || lit.Type == nil && typ != "" || typ != "" && last(lit.Type) != typ {
		return nil
	}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok && slices.Contains(names, id.Name) {
				out = append(out, kv.Value)
			}
		}
	}
	return out
}

func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// handlerTexts are what the handlers say: arguments of T, of the functions that call
// it for them, the options of the settings, and the refusals in words for contacts.
func handlerTexts(n ast.Node) (out []ast.Expr) {
	switch n := n.(type) {
	case *ast.CallExpr:
		switch name, args := last(n.Fun), n.Args; {
		case name == "T" && len(args) > 0:
			out = args[:1]
		case name == "shell" && len(args) > 3:
			out = args[3:4]
		case name == "word":
			out = args
		}
	case *ast.CompositeLit:
		out = fields(n, "", "Text", "Hint")
		out = append(out, fields(n, "Denied", "Sentence", "Fix")...)
		out = append(out, fields(n, "Invalid", "Problem")...)
		if m, ok := n.Type.(*ast.MapType); ok && last(m.Value) == "string" {
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					out = append(out, kv.Value)
				}
			}
		}
	}
	return out
}

// notWords are among the arguments of word and the values of maps, but say nothing.
var notWords = regexp.MustCompile(`^(/|image/|English$|Español$|[a-z_]+$)`)

func TestEverythingThatThePortalSaysIsThereInSpanish(t *testing.T) {
	said := spoken(t)
	if len(said) < 100 {
		t.Fatalf("only %d texts were found, so this looked in the wrong place", len(said))
	}
	for _, s := range slices.Sorted(maps.Keys(said)) {
		if notWords.MatchString(s) {
			continue
		}
		there, ok := spanishPortal[s]
		if !ok {
			t.Errorf("no Spanish for %q (%s)", s, said[s])
			continue
		}
		verbs := regexp.MustCompile(`%[a-z]`)
		if a, b := verbs.FindAllString(s, -1), verbs.FindAllString(there, -1); !slices.Equal(a, b) {
			t.Errorf("%q takes %v, but %q takes %v", s, a, there, b)
		}
		if strings.HasSuffix(s, ".") != strings.HasSuffix(there, ".") {
			t.Errorf("%q and %q do not end alike", s, there)
		}
	}
	for s, there := range spanishPortal {
		if _, ok := said[s]; !ok {
			t.Errorf("nobody says %q", s)
		}
		if regexp.MustCompile(`(?i)\b(tú|tu|tus|te|ti|contigo|puedes|tienes|quieres)\b`).MatchString(there) {
			t.Errorf("%q is not the polite form", there)
		}
	}
}
