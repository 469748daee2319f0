// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strictyaml

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// FuzzDecode: whatever the document is, Decode ends soon, does not panic,
// gives errors with a place inside the document, and quotes no variable.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		located, "a: [", "text: ${V}", "text: ${file:x}", "wait: ${V}", "? a\n: b", "{}", "\ufeffon: true", "text: &a *a",
		"%YAML 1.2\n---\ntext: a\n", "text: >\n  a\n\n  b", "labels: {a: b, a: c}", "servers: [{}, [], ~]", "pin: ${V}",
		strings.Repeat("- ", 100), strings.Repeat("{a: ", 100), "targets: ['${V}', {url: \"${V:-x}\"}]",
	} {
		f.Add([]byte(seed))
	}
	const marker = "Zx9-marker"
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), marker) {
			t.Skip()
		}
		var s sample
		started := time.Now()
		doc, err := Decode(data, &s, Options{
			Name:     "f.yaml",
			Env:      func(string) (string, bool) { return marker, true },
			ReadFile: func(string, int64) ([]byte, error) { return []byte(marker), nil },
		})
		if took := time.Since(started); took > time.Minute {
			t.Fatalf("took %v", took)
		}
		if doc == nil {
			t.Fatal("no document")
		}
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), marker) {
			t.Errorf("the error quotes a substituted value: %v", err)
		}
		var all Errors
		if !errors.As(err, &all) || len(all) == 0 || len(all) > MaxErrors {
			t.Fatalf("%d errors in %v", len(all), err)
		}
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") +
			strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029") + 1
		for _, e := range all {
			if e.Line < 1 || e.Column < 1 || e.Line > lines+1 || e.Reason == "" {
				t.Errorf("%+v is not a place in the document", e)
			}
		}
	})
}
