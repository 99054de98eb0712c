package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rules says how many rules each of the five documents has, in SPEC section 12.
var rules = map[string]int{"S0": 34, "S1": 27, "S2": 19, "S3": 45, "S4": 24}

// ruled reads the rules that a test's name claims: TestS3_35_36_37_38_TheSwitch is of
// four. What follows a word is no number any more.
func ruled(name string) (document string, numbers []int, ok bool) {
	parts := strings.Split(strings.TrimPrefix(name, "Test"), "_")
	if !strings.HasPrefix(name, "Test") || len(parts) < 2 || rules[parts[0]] == 0 {
		return "", nil, false
	}
	for _, p := range parts[1:] {
		n, err := strconv.Atoi(p)
		if err != nil {
			break
		}
		numbers = append(numbers, n)
	}
	return parts[0], numbers, len(numbers) > 0
}

// testNames gives the tests of a directory and below, with their files.
func testNames(t *testing.T, root string) map[string]string {
	t.Helper()
	names := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names[f.Name.Name] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestTheRulesThatTestsNameExist tells with -v which rules of the product documents
// no test reaches yet, and fails for a name that claims one that there is not.
func TestTheRulesThatTestsNameExist(t *testing.T) {
	reached := map[string]bool{}
	names := testNames(t, filepath.Join("..", ".."))
	if len(names) < 100 {
		t.Fatalf("only %d tests found", len(names))
	}
	for name, path := range names {
		document, numbers, ok := ruled(name)
		if strings.HasPrefix(name, "TestS") && len(name) > 5 && name[5] >= '0' && name[5] <= '9' && !ok {
			t.Errorf("%s: %s claims no rule of a document: write TestS3_35_What", path, name)
		}
		for _, n := range numbers {
			if n < 1 || n > rules[document] {
				t.Errorf("%s: %s claims rule %d, but %s has %d", path, name, n, document, rules[document])
			}
			reached[fmt.Sprintf("%s-%d", document, n)] = true
		}
	}
	all := 0
	for _, document := range slices.Sorted(maps.Keys(rules)) {
		var missing []string
		for n := 1; n <= rules[document]; n++ {
			if all++; !reached[fmt.Sprintf("%s-%d", document, n)] {
				missing = append(missing, strconv.Itoa(n))
			}
		}
		t.Logf("%s: no test names %d of %d rules: %s", document, len(missing), rules[document], strings.Join(missing, " "))
	}
	t.Logf("tests name %d of %d rules", len(reached), all)
}

func TestRuledReadsNames(t *testing.T) {
	for name, want := range map[string]string{
		"TestS3_35_36_37_38_TheSwitch": "S3 [35 36 37 38] true", "TestS1_5_TextsIn2026_7": "S1 [5] true", "TestS9_1_Nothing": " [] false",
		"TestStopBlocks": " [] false", "TestS4_Nothing": "S4 [] false", "TestS4_1": "S4 [1] true",
	} {
		document, numbers, ok := ruled(name)
		if got := fmt.Sprint(document, " ", numbers, " ", ok); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
