// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Command schemagen writes the JSON Schema of the configuration and its
// reference page from the Config types: their yaml tags, and their doc
// comments, which it reads from the source. It runs in package config's
// folder, through go generate; a test fails when its output is stale. It
// decides nothing at run time.
package main

import (
	"bytes"
	"log"
	"os"
	"path/filepath"
	"reflect"

	"durward/config"
)

// outputs are the files that it writes, relative to the module's root.
const (
	schemaFile    = "config/durward.schema.json"
	referenceFile = "docs/configuration.md"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("schemagen: ")
	root, err := moduleRoot(".")
	if err != nil {
		log.Fatal(err)
	}
	files, err := generate(root)
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range files {
		if old, err := os.ReadFile(filepath.Join(root, name)); err == nil && bytes.Equal(old, content) {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, name), content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate makes the content of both files.
func generate(root string) (map[string][]byte, error) {
	g := &generator{comments: newComments(root), defs: map[string]any{}}
	schema, err := g.schema(reflect.TypeFor[config.Config]())
	if err != nil {
		return nil, err
	}
	reference, err := g.reference(reflect.TypeFor[config.Config]())
	if err != nil {
		return nil, err
	}
	return map[string][]byte{schemaFile: schema, referenceFile: reference}, nil
}

// moduleRoot finds the folder of go.mod at or above dir.
func moduleRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", os.ErrNotExist
		}
		dir = up
	}
}
