// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheModuleIsFoundWhereItLies(t *testing.T) {
	none, some := t.TempDir(), t.TempDir()
	path := filepath.Join(some, modsecurityModule)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := findModule([]string{none, some}); got != path {
		t.Errorf("%q, want %q", got, path)
	}
	if got := findModule([]string{none}); got != "" {
		t.Errorf("%q", got)
	}
}

func TestModSecurityHasTheRulesThatDurwardHas(t *testing.T) {
	dir := t.TempDir()
	if _, err := configureModSecurity("/bin/nginx", setup{dir: dir, listen: "127.0.0.1:1", upstream: "127.0.0.1:2"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "modsecurity.conf"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(line, "Include "); ok {
			if files = append(files, strings.TrimSpace(path)); !isFile(strings.TrimSpace(path)) {
				t.Errorf("%s is not there", path)
			}
		}
	}
	at := func(part string) int {
		return slices.IndexFunc(files, func(f string) bool { return strings.Contains(f, part) })
	}
	if setup, first, sqli, last := at("crs-setup"), at("REQUEST-901"), at("REQUEST-942"), at("REQUEST-949"); setup != 0 || first < 1 || sqli < first || last < sqli {
		t.Errorf("not in their order: %v", files)
	}
	if at("RESPONSE-95") >= 0 {
		t.Error("rules for answers, which nobody else here runs")
	}
}

func TestTheBatchIsAsLongAsItIsCalledAndHoldsNoItemTwice(t *testing.T) {
	content, err := os.ReadFile(testMaterial(t).path("batch.json"))
	if err != nil {
		t.Fatal(err)
	}
	var items []json.RawMessage
	if err := json.Unmarshal(content, &items); err != nil {
		t.Fatal(err)
	}
	if n := len(content); n < 14<<10 || n > 18<<10 {
		t.Errorf("%d bytes", n)
	}
	for i := range items[1:] {
		if bytes.Equal(items[i], items[i+1]) {
			t.Error("two items are equal")
		}
	}
}
