package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBenchMeasuresOnlyServersThatForgetNothing runs the benchmark in its smallest
// form, so that it does not rot. It looks at counts, never at times.
func TestBenchMeasuresOnlyServersThatForgetNothing(t *testing.T) {
	program := filepath.Join(t.TempDir(), "porchlight")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), program, "bench", "-quick", "-json", "-only", "inbound", "-messages", "300", "-texts", "100", "-dir", dir)
	var out, progress bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &progress
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	counts := map[string]figure{}
	for dec := json.NewDecoder(&out); dec.More(); {
		var f figure
		if err := dec.Decode(&f); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f.Name, "stored of answered") {
			counts[f.Name] = f
		}
	}
	const sent = 25 + 3*100 // a short round that does not count, and three that do
	for _, name := range []string{"empty, product", "empty, ceiling", "300, product", "300, ceiling"} {
		if f := counts["inbound "+name+": stored of answered"]; f.Product != sent || f.Beside != sent {
			t.Errorf("%s: %.0f stored of %.0f answered, but %d were sent", name, f.Product, f.Beside, sent)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
