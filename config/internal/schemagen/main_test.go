// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"durward/config"
	"durward/internal/strictyaml"
)

func TestGeneratedFilesAreFresh(t *testing.T) {
	root, err := moduleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run go generate ./config", name, err)
		}
	}
	if !bytes.Equal(files[schemaFile], config.Schema()) {
		t.Error("config.Schema is not the generated schema")
	}
}

func TestReferenceNamesEveryField(t *testing.T) {
	root, err := moduleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, referenceFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"listen[].tls.certificates[].key", "issuers.<name>.claims.roles", "apis.<name>.upstream.targets[].weight",
		"apis.<name>.authorize.roles", "apis.<name>.operations.<name>.public", "apis.<name>.quota.per_consumer.burst",
	} {
		if !strings.Contains(string(page), "| `"+path+"` |") {
			t.Errorf("%s is not in the reference", path)
		}
	}
	for _, f := range strictyaml.Fields(reflect.TypeFor[config.Config]()) {
		if !strings.Contains(string(page), "\n## "+f.Name+"\n") {
			t.Errorf("%s has no table", f.Name)
		}
	}
}

// documented is a Config type as a domain would write it.
type documented struct {
	// Wait is how long. Default 10s.
	Wait string `yaml:"wait"`
	// Kind says plain (default) or fancy.
	Kind string `yaml:"kind" enum:"plain,fancy"`
	// Key is a secret.
	Key string `yaml:"key" secret:"true"`
}

type untagged struct{ Wait string }

type undocumented struct {
	Wait string `yaml:"wait"`
}

type unsupported struct {
	// Wait cannot be written.
	Wait chan int `yaml:"wait"`
}

// ours gives the doc comments of this test file's types.
func ours(t *testing.T) *generator {
	t.Helper()
	c := newComments(".")
	pkg := reflect.TypeFor[documented]().PkgPath()
	c.parsed[pkg] = true
	for _, name := range []string{"documented.Wait", "documented.Kind", "documented.Key", "unsupported.Wait"} {
		c.fields[pkg+"."+name] = name[strings.Index(name, ".")+1:] + " is documented. Default plain."
	}
	return &generator{comments: c, defs: map[string]any{}}
}

func TestSchemaOfAStruct(t *testing.T) {
	raw, err := ours(t).schema(reflect.TypeFor[documented]())
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		AdditionalProperties bool
		Properties           map[string]map[string]any
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	if s.AdditionalProperties || len(s.Properties) != 3 || s.Properties["key"]["writeOnly"] != true ||
		s.Properties["kind"]["default"] != "plain" || s.Properties["wait"]["description"] != "Documented. Default plain." {
		t.Errorf("%s", raw)
	}
}

func TestSchemaRefusesTypesThatUsersCouldNotUse(t *testing.T) {
	for want, typ := range map[string]reflect.Type{
		"has no yaml tag":                   reflect.TypeFor[untagged](),
		"has no doc comment":                reflect.TypeFor[undocumented](),
		"cannot stand in the configuration": reflect.TypeFor[unsupported](),
	} {
		if _, err := ours(t).schema(typ); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

func TestDefaultsAreFoundInComments(t *testing.T) {
	for doc, want := range map[string]string{
		"Bounds it. Default 32KiB.":                          "32KiB",
		"Bounds it. Default 1.5s, at most 5s.":               "1.5s",
		"Which one: `auto` or `h2`. Default `auto`.":         "auto",
		"Default: the system's roots.":                       "",
		"Holds the files. Default: audit.":                   "audit",
		"What it waits for: \"group\" (default), until then": "group",
		"Says: mask (the default) replaces it.":              "mask",
		"The default of others is not this":                  "",
		"Nothing is said.":                                   "",
		"Default 0: all.":                                    "0",
		"Default connect, broken, timeout.":                  "connect, broken, timeout",
		"On by default over TLS; off speaks less.":           "On",
		"Says: draft (A and A-B, the default), both or off.": "draft",
		"Default the target's host.":                         "",
	} {
		if got := defaultOf(doc); got != want {
			t.Errorf("%q: default %q, want %q", doc, got, want)
		}
	}
}

func TestPlainTakesTheGoNameAway(t *testing.T) {
	for _, tc := range [][3]string{
		{"MaxBody bounds it.", "MaxBody", "Bounds it."}, {"Targets are the servers.", "Targets", "The servers."},
		{"Key is", "Key", "Is"}, {"Something else.", "Key", "Something else."}, {"Keys are many.", "Key", "Keys are many."},
	} {
		if got := plain(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%q, want %q", got, tc[2])
		}
	}
}
