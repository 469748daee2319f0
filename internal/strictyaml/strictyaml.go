// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package strictyaml decodes one YAML document into a Go struct and refuses
// everything that could be read in more than one way: unknown fields,
// duplicate keys, anchors, aliases, merge keys, tags, a second document, empty
// values. Every fault is reported, with file, line, column and field path, not
// only the first.
//
// Scalars may hold ${VAR}, ${VAR:-default} and ${file:PATH}. They are replaced
// after the document was parsed, so a value can never become structure, and no
// error quotes a value that came from outside the document.
//
// Size (1 MiB), nesting (64) and the number of reported errors are bounded.
// It keeps no state, is safe for concurrent use, and is meant for load time:
// it works by reflection.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Limits of a document.
const (
	MaxSize   = 1 << 20 // bytes of the document, and of each file that it names
	MaxDepth  = 64      // levels of nesting
	MaxErrors = 100     // errors reported
	// maxExpanded bounds what all substitutions of a document add up to.
	maxExpanded = 8 << 20
)

// Options say where a document comes from and what it may refer to.
type Options struct {
	// Name of the document in errors and the folder that relative paths start
	// from: usually the file's path.
	Name string
	// Env looks up a variable. nil means that none is set.
	Env func(name string) (string, bool)
	// ReadFile reads a file named in ${file:...}, at most limit bytes of it.
	// nil reads from the file system.
	ReadFile func(path string, limit int64) ([]byte, error)
}

// Decode reads data into the struct that into points to. Fields are named by
// their `yaml` tag; a field without one is left alone. Fields tagged
// `path:"true"` are made absolute, relative to the document's folder.
//
// The error is an Errors. The Document is never nil and knows the position of
// what could be read.
func Decode(data []byte, into any, o Options) (*Document, error) {
	doc := newDocument(o.Name)
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		panic("strictyaml: Decode needs a pointer to a struct")
	}
	root, err := parse(data, o.Name)
	if err != nil {
		return doc, Errors{err}
	}
	d := &decoder{doc: doc, subst: newSubstituter(o)}
	d.refuse(root, 0)
	if len(d.errs) == 0 {
		d.value(root, root, target.Elem(), place{})
	}
	doc.files = d.subst.files
	if len(d.errs) > 0 {
		return doc, d.errs.sorted()
	}
	return doc, nil
}

// depthLimit bounds the nesting while the text is scanned, before any tree of
// it exists.
type depthLimit struct{}

func (depthLimit) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d levels", MaxDepth)
	}
	return nil
}

// CheckAlias has nothing to bound: aliases are refused and never followed.
func (depthLimit) CheckAlias(_, _ int) error { return nil }

// parse gives the root mapping of the only document in data.
func parse(data []byte, name string) (root *yaml.Node, fault *Error) {
	at := func(line, column int, format string, args ...any) *Error {
		return &Error{File: name, Line: line, Column: column, Reason: fmt.Sprintf(format, args...)}
	}
	if len(data) > MaxSize {
		return nil, at(1, 1, "the document is larger than %d bytes", MaxSize)
	}
	if !utf8.Valid(data) {
		return nil, at(1, 1, "the document is not UTF-8 text")
	}
	// The parser is somebody else's code on somebody else's text.
	defer func() {
		if r := recover(); r != nil {
			root, fault = nil, at(1, 1, "the document cannot be read as YAML")
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(data),
		yaml.WithPlugin(depthLimit{}), yaml.WithUniqueKeys(false))
	if err != nil {
		return nil, at(1, 1, "the document cannot be read as YAML")
	}
	var first, second yaml.Node
	if err := loader.Load(&first); errors.Is(err, io.EOF) || err == nil && empty(&first) {
		return nil, at(1, 1, "the document is empty")
	} else if err != nil {
		return nil, syntaxError(err, data, at)
	}
	if err := loader.Load(&second); err == nil {
		return nil, at(max(second.Line, 1), max(second.Column, 1), "a second document starts here: one file holds one document")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err, data, at)
	}
	return first.Content[0], nil
}

// empty tells whether a document holds nothing but its markers and comments.
func empty(doc *yaml.Node) bool {
	if len(doc.Content) == 0 {
		return true
	}
	root := doc.Content[0]
	return root.Kind == yaml.ScalarNode && root.Tag == "!!null" && root.Value == ""
}

// syntaxError gives the parser's error in our form.
func syntaxError(err error, data []byte, at func(int, int, string, ...any) *Error) *Error {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return at(1, 1, "the document cannot be read as YAML")
	}
	hint := ""
	if lines := strings.Split(string(data), "\n"); le.Mark.Line >= 1 && le.Mark.Line <= len(lines) &&
		strings.Contains(lines[le.Mark.Line-1], "${") {
		hint = `; inside [ ] or { } write "${NAME}" in quotes`
	}
	return at(max(le.Mark.Line, 1), max(le.Mark.Column, 1), "not valid YAML: %s%s", le.Message, hint)
}

// dir is the folder that relative paths of a document start from.
func (o *Options) dir() string { return filepath.Dir(o.Name) }
