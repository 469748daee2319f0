// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheReadmeGetsTheResultsBetweenItsMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(path, []byte("before\n"+readmeBegin+"old figures\n"+readmeEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rows := []row{
		{Job: "A", Variant: "GET", Gateway: "durward", Audit: defaultAudit, Version: "1", CPU: 20, P50: 1500, Runs: 5},
		{Job: "A", Variant: "GET", Gateway: "haproxy", Version: "2.6", CPU: 10, P50: 900, Runs: 5},
		{Job: "B", Variant: "RS256", Gateway: "durward", Audit: defaultAudit, Version: "1", Runs: 0, Invalid: []string{"x"}},
		{Job: "F", Variant: "idle connections", Gateway: "durward", Audit: defaultAudit, Version: "1", PerConnection: 9 << 10, CPU: 90, Runs: 5},
	}
	m := machine{when: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), cpu: "Some CPU", kernel: "6.1.0", cores: 2, connections: 64, rounds: 5, seconds: 3}
	for range 2 { // a second time replaces the first
		if err := updateReadme(path, rows, m); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for _, want := range []string{"before\n", "\nafter\n", "2026-11-21", "Some CPU", "| A GET | 20.0 (1.5) | 10.0 (0.9) |", "| B RS256 |", "| F KiB for an idle connection | 9.0 |", "met     A GET: 2.00 of haproxy's", "haproxy 2.6"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "old figures") || strings.Count(got, readmeBegin) != 1 {
		t.Errorf("the old section is left:\n%s", got)
	}
}

func TestAReadmeWithoutMarksIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(path, []byte("nothing here"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := updateReadme(path, nil, machine{}); err == nil {
		t.Error("no fault")
	}
	if text, _ := os.ReadFile(path); string(text) != "nothing here" {
		t.Errorf("%q", text)
	}
}

func TestTheProcessorIsNamed(t *testing.T) {
	if got := cpuModel("processor\t: 0\nmodel name\t: AMD EPYC\nflags: x\n"); got != "AMD EPYC" {
		t.Error(got)
	}
	if got := cpuModel(""); got != "unknown processor" {
		t.Error(got)
	}
}
