// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"durward/config"
	"durward/store"
)

const notesContract = `openapi: 3.1.0
info: {title: Notes, version: "1"}
paths:
  /notes:
    get: {operationId: list, responses: {"200": {description: ok}}}
    post: {operationId: write, responses: {"200": {description: ok}}}
`

// notes is a configuration; rules is its authorize part.
func notes(t *testing.T, dir, rules string) *config.Config {
	t.Helper()
	text := `listen: [{address: "127.0.0.1:0"}]
apis:
  notes:
    contract: notes.yaml
    upstream: {targets: ["http://127.0.0.1:9"]}
    authenticate: [{api_key: {}}]
    authorize: ` + rules + "\n"
	for name, content := range map[string]string{"notes.yaml": notesContract, "durward.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load(filepath.Join(dir, "durward.yaml"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestLabelsAreThoseOfTheDiff(t *testing.T) {
	dir := t.TempDir()
	old := notes(t, dir, `{roles: {reader: [list], writer: ["*"]}}`)
	if labels, weaker := (Strength{}).Diff(old, notes(t, dir, `{roles: {reader: [list], writer: ["*"]}}`)); weaker || count(labels, store.Weaker) != 0 {
		t.Errorf("the same configuration is weaker: %v", labels)
	}
	labels, weaker := (Strength{}).Diff(old, notes(t, dir, `{roles: {reader: ["*"], writer: ["*"]}}`))
	if !weaker || count(labels, store.Weaker) == 0 {
		t.Errorf("more for readers is not weaker: %v", labels)
	}
	for _, l := range labels {
		if l.Effect == store.Weaker && !strings.Contains(l.Text, "notes/write") {
			t.Errorf("it does not name the operation: %s", l.Text)
		}
	}
	if labels, weaker := (Strength{}).Diff(old, notes(t, dir, `{roles: {writer: ["*"]}}`)); weaker || count(labels, store.Stronger) == 0 {
		t.Errorf("less for readers: weaker %v, %v", weaker, labels)
	}
}

func TestLabelsFitTheStore(t *testing.T) {
	dir := t.TempDir()
	roles := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "r%d: [list], ", i)
		}
		return "{roles: {" + b.String() + `writer: ["*"]}}`
	}
	labels, weaker := (Strength{}).Diff(notes(t, dir, roles(0)), notes(t, dir, roles(store.MaxLabels+50)))
	if !weaker || len(labels) == 0 || len(labels) > store.MaxLabels {
		t.Errorf("%d labels, weaker %v", len(labels), weaker)
	}
	for _, l := range labels {
		if l.Text == "" || len(l.Text) > store.MaxLabelText {
			t.Errorf("a label of %d bytes", len(l.Text))
		}
	}
}

func count(labels []store.Label, e store.Effect) int {
	n := 0
	for _, l := range labels {
		if l.Effect == e {
			n++
		}
	}
	return n
}
