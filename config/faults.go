// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"

	"durward/internal/strictyaml"
)

// Fault is one fault of a document, for programs.
type Fault struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
}

// Faults lists what an error of Load, Parse, Check or Locate holds.
func Faults(err error) []Fault {
	var all strictyaml.Errors
	if !errors.As(err, &all) {
		if err == nil {
			return nil
		}
		return []Fault{{Reason: err.Error()}}
	}
	var out []Fault
	for _, e := range all {
		out = append(out, Fault{e.File, e.Line, e.Column, e.Field, e.Reason})
	}
	return out
}

// Locate gives durward.FieldErrors that were found after Load, such as a port
// that cannot be bound, their place in the document.
func (c *Config) Locate(err error) error { return c.locate(err) }
