// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strictyaml

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Error is one fault of a document.
type Error struct {
	File         string
	Line, Column int    // from 1; 0 when the place is not known
	Field        string // path, as in apis.moot.upstream.targets[0]; "" for the document
	Reason       string // never quotes a substituted or secret value
}

// Error prints file:line:column: field: reason.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column))
	}
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	b.WriteString(": " + e.Reason)
	return b.String()
}

// Errors are all faults of a document, in its order.
type Errors []*Error

// Error prints one fault a line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As and errors.Is see each fault.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

func (es Errors) sorted() Errors {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return es
}

// Sort puts errors into the document's order.
func (es Errors) Sort() { es.sorted() }
