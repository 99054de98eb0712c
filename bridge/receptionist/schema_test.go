package receptionist

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const schemaFile = "../../docs/handoff.schema.json"

// TestThePublishedSchemaIsTheOneThatPayloadsAreHeldAgainst reads the copy in docs. To
// write it anew: PORCHLIGHT_WRITE_DOCS=1 go test -run Schema ./bridge/receptionist
func TestThePublishedSchemaIsTheOneThatPayloadsAreHeldAgainst(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("PORCHLIGHT_WRITE_DOCS") != "" {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/handoff.schema.json is not what Schema() makes (%v). Write it anew: PORCHLIGHT_WRITE_DOCS=1 go test -run Schema ./bridge/receptionist", err)
	}
}

// TestTheSchemaIsOneOfDraft2020_12 checks the shape by the words that the schema uses.
// One that is not here is new, and needs its rule.
func TestTheSchemaIsOneOfDraft2020_12(t *testing.T) {
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	if root["$schema"] != "https://json-schema.org/draft/2020-12/schema" || root["type"] != "object" || root["title"] == "" {
		t.Errorf("it says of itself: %v %v %v", root["$schema"], root["type"], root["title"])
	}
	defs, _ := root["$defs"].(map[string]any)
	used := map[string]bool{}
	var check func(at string, v any)
	check = func(at string, v any) {
		if _, all := v.(bool); all {
			return
		}
		s, ok := v.(map[string]any)
		if !ok {
			t.Errorf("%s is no schema: %v", at, v)
			return
		}
		for word, v := range s {
			good := false
			switch word {
			case "$schema", "title", "description", "format":
				_, good = v.(string)
			case "default", "examples":
				good = word == "default" || isList(v)
			case "$ref":
				name, found := strings.CutPrefix(v.(string), "#/$defs/")
				_, good = defs[name]
				used[name], good = true, good && found
			case "type":
				types := []any{v}
				if isList(v) {
					types = v.([]any)
				}
				good = len(types) > 0 && !slices.ContainsFunc(types, func(v any) bool {
					return !slices.Contains([]any{"null", "boolean", "object", "array", "number", "string", "integer"}, v)
				})
			case "minimum", "maximum":
				_, good = v.(float64)
			case "minLength", "maxLength", "minItems", "maxItems":
				n, is := v.(float64)
				good = is && n >= 0 && n == float64(int(n))
			case "enum":
				good = isList(v) && len(v.([]any)) > 0
			case "pattern":
				_, err := regexp.Compile(v.(string))
				good = err == nil
			case "required":
				good = isList(v)
				properties, _ := s["properties"].(map[string]any)
				for _, name := range v.([]any) {
					if _, is := properties[name.(string)]; !is {
						t.Errorf("%s needs %v, which it does not have", at, name)
					}
				}
			case "items", "additionalProperties":
				check(at+"/"+word, v)
				good = true
			case "properties", "$defs":
				m, is := v.(map[string]any)
				good = is && (word == "properties" || at == "#")
				for name, v := range m {
					check(at+"/"+word+"/"+name, v)
				}
			}
			if !good {
				t.Errorf("%s: %s is %v", at, word, v)
			}
		}
	}
	check("#", root)
	for name := range defs {
		if !used[name] {
			t.Errorf("nothing uses $defs/%s", name)
		}
	}
	if len(used) != 2 {
		t.Errorf("it uses %v", used)
	}
}

func isList(v any) bool { _, ok := v.([]any); return ok }
