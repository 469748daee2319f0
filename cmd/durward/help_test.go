// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateHelp = flag.Bool("update", false, "write the page of the command line anew")

// The page of the command line shows the help as it is. -update writes it anew:
// read the difference, and add to the table what is new.
func TestThePageOfTheCommandLineHasTheHelp(t *testing.T) {
	const page, begin, end = "../../docs/features/cli.md", "```\n$ durward --help\n", "```\n"
	t.Setenv("COLUMNS", "80")
	parser, err := newParser()
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	parser.Stdout, parser.Exit = &help, func(int) {}
	_, _ = parser.Parse([]string{"--help"})
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	shown, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("the page shows no help")
	}
	if *updateHelp {
		if err := os.WriteFile(page, []byte(before+begin+help.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(help.String(), shown); diff != "" {
		t.Errorf("-update writes the page anew: %s", diff)
	}
	for _, c := range parser.Model.Children {
		if !c.Hidden && !strings.Contains(after, "`durward "+c.Name) && !strings.Contains(after, "`"+c.Name+" ") && !strings.Contains(after, "`, `durward "+c.Name) {
			t.Errorf("the page's table says nothing of durward %s", c.Name)
		}
	}
}
