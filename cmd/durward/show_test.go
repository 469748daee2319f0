// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward"
)

func refusal() durward.Event {
	return durward.Event{
		Kind: durward.EventOutcome, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), Verb: "GET", Path: "/a\x1b[2J\r\n\u202eb",
		Subject: "cy\x07", Method: "jwt", Status: 403, Code: durward.CodeForbidden, Stage: "authz", Reason: "no\nrole",
	}
}

func TestNothingThatAClientChoseMovesTheTerminal(t *testing.T) {
	e := refusal()
	line := decisionLine(&e, false)
	for _, c := range line {
		if c < ' ' || c == 0x7f || c == '\u202e' {
			t.Errorf("%q holds %q", line, c)
		}
	}
	for _, want := range []string{"refused  403  GET", "forbidden by authz: no\\nrole", "(jwt)"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q lacks %q", line, want)
		}
	}
}

func TestVerdictsHaveTheirColourOnlyWhenAsked(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		code   durward.Code
		want   string
	}{
		{"allowed is green", 200, "", "\x1b[32mallowed\x1b[0m"},
		{"refused is red", 403, durward.CodeForbidden, "\x1b[31mrefused\x1b[0m"},
		{"failed is yellow", 502, durward.CodeUpstreamUnreachable, "\x1b[33mfailed\x1b[0m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := durward.Event{Kind: durward.EventOutcome, Status: tt.status, Code: tt.code}
			if line := decisionLine(&e, true); !strings.Contains(line, tt.want) {
				t.Errorf("%q lacks %q", line, tt.want)
			}
			if line := decisionLine(&e, false); strings.ContainsRune(line, '\x1b') {
				t.Errorf("%q has colour", line)
			}
		})
	}
}

func TestColourIsForTerminalsWithoutNOCOLOR(t *testing.T) {
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if !useColor(terminal) || useColor(file) || useColor(&bytes.Buffer{}) {
		t.Error("colour does not follow what is written to")
	}
	t.Setenv("NO_COLOR", "1")
	if useColor(terminal) {
		t.Error("NO_COLOR is not heeded")
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if useColor(terminal) {
		t.Error("a dumb terminal gets colour")
	}
}
