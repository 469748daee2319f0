// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzParse: whatever the document is, Parse does not panic, gives faults with
// a place and a reason, quotes no variable, and what it takes has a stable
// fingerprint and only operations that are covered or public (A1).
func FuzzParse(f *testing.F) {
	f.Add([]byte(base))
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(bytes.ReplaceAll(data, []byte("../"), nil))
		}
	}
	for _, place := range []string{"127.0.0.1:8080", "notes.openapi.yaml", "http://127.0.0.1:9000", "*", "notes:"} {
		f.Add([]byte(strings.Replace(base, place, "${V}", 1)))
	}
	const marker = "Zx9-marker"
	env := func(string) (string, bool) { return marker, true }
	f.Fuzz(func(t *testing.T, data []byte) {
		// Files of the machine are not part of the test.
		if bytes.Contains(data, []byte(marker)) || bytes.Contains(data, []byte("/proc")) || bytes.Contains(data, []byte("/dev")) || bytes.Contains(data, []byte("/sys")) {
			t.Skip()
		}
		c, err := Parse("testdata/f.yaml", data, env)
		if err == nil {
			accepted(t, c)
			return
		}
		if strings.Contains(err.Error(), marker) {
			t.Errorf("the error quotes a substituted value: %v", err)
		}
		for _, fault := range Faults(err) {
			if fault.File == "" || fault.Line < 1 || fault.Column < 1 || fault.Reason == "" {
				t.Errorf("%+v has no place or reason", fault)
			}
		}
	})
}

// accepted holds what must be true of every Config that loads.
func accepted(t *testing.T, c *Config) {
	t.Helper()
	first := c.Fingerprint()
	if len(c.Listen) == 0 || len(c.APIs) == 0 || c.Fingerprint() != first {
		t.Error("it listens nowhere, serves nothing or has no stable fingerprint")
	}
	for name, api := range c.APIs {
		for _, op := range c.Contract(name).Operations() {
			if !api.Public(op.ID) && (!api.Authorize.Covers(op.ID) || len(api.Authenticate) == 0) {
				t.Errorf("%s of %s is neither public nor covered", op.ID, name)
			}
		}
	}
}
