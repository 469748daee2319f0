// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("durward.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := compiler.Compile("durward.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instance(t *testing.T, file string) any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheSchemaTakesGoodDocuments(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := s.Validate(instance(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestTheSchemaRefusesBadDocuments: editors see the faults of form. The rules
// between fields, files and contracts are Load's alone.
func TestTheSchemaRefusesBadDocuments(t *testing.T) {
	s := compiled(t)
	for _, name := range []string{
		"unknown-field", "unknown-field-top", "empty-value", "wrong-kind", "bad-duration", "bad-size", "bad-rate", "bad-word", "bad-mode",
	} {
		if err := s.Validate(instance(t, "testdata/bad/"+name+".yaml")); err == nil {
			t.Errorf("the schema takes %s", name)
		}
	}
}

func TestSchemaGivesACopy(t *testing.T) {
	first := Schema()
	first[0] = 'x'
	if Schema()[0] != '{' {
		t.Error("a caller can change the schema")
	}
}

// TestEveryBadDocumentSaysWhy: the first line of each is what is wrong, for
// those who read the folder as a list of examples.
func TestEveryBadDocumentSaysWhy(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(data), "\n")
		if !strings.HasPrefix(first, "# ") || slices.Contains(said, first) {
			t.Errorf("%s begins with %q", file, first)
		}
		said = append(said, first)
	}
}
