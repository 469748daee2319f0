// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package call has one call of one operation as values rather than bytes, so
// that a test can change one of them and leave the rest as it is.
package call

import "durward/probe/spec"

// Call is one request of an operation before it is written down. It is owned by
// who made it; Clone before changing somebody else's.
type Call struct {
	Op *spec.Operation
	// Method is sent in place of the operation's when it is set.
	Method string
	// Values are those of parameters, as JSON values (string, json.Number or
	// float64, bool, nil, []any, map[string]any), or Raw.
	Path, Query, Header, Cookie Values
	// Body is a JSON value, or Raw, or nil for none. MediaType names its form.
	Body      any
	HasBody   bool
	MediaType string
	// AsMade tells that this is a call as the world made it, unchanged since: one
	// to make others by. Copies and changes lose it.
	AsMade bool
}

// Value is one named value. A name may occur more than once.
type Value struct {
	Name  string
	Value any
}

// Values are in the order in which they are sent.
type Values []Value

// Raw is text that is sent as it stands, without any escaping: malformed on
// purpose.
type Raw string

// Place is one value within a call that can be changed.
type Place struct {
	In   string // path, query, header, cookie, body
	Name string // of the parameter; of the body, a JSON pointer ("" is the whole)
	// Schema is what the document says of it; nil where undeclared.
	Schema   *spec.Schema
	Required bool
}

// String is the place in the form of finding.Finding.Where: "query.q",
// "body#/owner/id".
func (p Place) String() string {
	if p.In == "body" {
		return "body#" + p.Name
	}
	return p.In + "." + p.Name
}
