// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v4"

	"durward"
	"durward/config"
)

// scripts reads every end-to-end script.
func scripts(t *testing.T) map[string]*txtar.Archive {
	t.Helper()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	all := map[string]*txtar.Archive{}
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = a
	}
	return all
}

// unprovoked are the codes that no script can cause, and why.
var unprovoked = map[durward.Code]string{
	durward.CodeInternal:         "it takes a programmer's error; package pipeline tests it with a stage that panics",
	durward.CodeStoreUnavailable: "keys are looked up in memory, also while the database is away; package authn tests it with a store that fails",
}

func TestEveryProblemCodeOccursInAScript(t *testing.T) {
	var expected strings.Builder
	for _, a := range scripts(t) {
		for line := range strings.Lines(string(a.Comment)) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "stdout ") {
				expected.WriteString(line + "\n")
			}
		}
	}
	for _, k := range durward.Kinds() {
		occurs := strings.Contains(expected.String(), `"code":"`+string(k.Code)+`"`)
		reason, excused := unprovoked[k.Code]
		switch {
		case !occurs && !excused:
			t.Errorf("no script expects the problem code %s", k.Code)
		case occurs && excused:
			t.Errorf("a script expects %s; take it from the list of those that none can (%s)", k.Code, reason)
		}
	}
}

// unscripted are the fields and values of the configuration that no script
// sets, and why. The list may only shrink.
var unscripted = map[string]string{}

func TestEveryConfigurationFieldOccursInAScript(t *testing.T) {
	var root schemaNode
	if err := json.Unmarshal(config.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	w := &schemaWalk{root: &root, all: map[string]bool{}, seen: map[string]bool{}}
	w.declare("", &root)
	for name, def := range root.Defs {
		w.declare(name, def)
	}
	for name, a := range scripts(t) {
		for _, f := range a.Files {
			var value any
			if !strings.HasSuffix(f.Name, ".yaml") || yaml.Unmarshal(f.Data, &value) != nil {
				continue // a contract's example, or broken on purpose
			}
			if document, ok := value.(map[string]any); ok && document["apis"] != nil {
				w.visit("", &root, document)
			} else if ok && document["openapi"] == nil {
				t.Logf("%s: %s is neither a configuration nor a contract", name, f.Name)
			}
		}
	}
	var missing []string
	for field := range w.all {
		if !w.seen[field] && unscripted[field] == "" {
			missing = append(missing, field)
		}
	}
	slices.Sort(missing)
	for _, field := range missing {
		t.Errorf("no script sets %s", field)
	}
	for field := range unscripted {
		if w.seen[field] || !w.all[field] {
			t.Errorf("take %s from the list of what no script sets", field)
		}
	}
}

// schemaNode is what of a JSON Schema matters here.
type schemaNode struct {
	Ref        string                 `json:"$ref"`
	Defs       map[string]*schemaNode `json:"$defs"`
	Properties map[string]*schemaNode `json:"properties"`
	Items      *schemaNode            `json:"items"`
	Additional json.RawMessage        `json:"additionalProperties"`
	AnyOf      []*schemaNode          `json:"anyOf"`
	Enum       []any                  `json:"enum"`
}

// schemaWalk finds the fields ("proxy.Config.retries") and the values of
// enumerations ("proxy.Config.balance=hash") of a schema, and those of them that
// documents have. Types are told apart by their name in $defs, so that a type
// that is used in three places is one.
type schemaWalk struct {
	root      *schemaNode
	all, seen map[string]bool
}

func (w *schemaWalk) declare(at string, n *schemaNode) {
	for name, p := range n.Properties {
		field := strings.TrimPrefix(at+"."+name, ".")
		w.all[field] = true
		for _, one := range append(p.AnyOf, p) {
			for _, v := range one.Enum {
				w.all[field+"="+fmt.Sprint(v)] = true
			}
		}
	}
}

// visit marks what value, which the node at describes, has.
func (w *schemaWalk) visit(at string, n *schemaNode, value any) {
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		at, n = name, w.root.Defs[name]
	}
	for _, one := range n.AnyOf {
		w.visit(at, one, value)
	}
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			if p := n.Properties[name]; p != nil {
				field := strings.TrimPrefix(at+"."+name, ".")
				w.seen[field] = true
				w.visit(field, p, v)
			} else if additional := n.additional(); additional != nil {
				w.visit(at, additional, v)
			}
		}
	case []any:
		for _, v := range value {
			if n.Items != nil {
				w.visit(at, n.Items, v)
			}
		}
	case bool: // off and on, to this reader of YAML
		w.seen[at+"="+map[bool]string{false: "off", true: "on"}[value]] = true
	default:
		w.seen[at+"="+fmt.Sprint(value)] = true
	}
}

// additional is the schema of a map's values; nil where there are none.
func (n *schemaNode) additional() *schemaNode {
	var values schemaNode
	if len(n.Additional) == 0 || json.Unmarshal(n.Additional, &values) != nil {
		return nil
	}
	return &values
}
