// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"path/filepath"

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

// ControlSocket reads admin.socket alone. The rest of the document may have
// faults: it is for the gateway that runs on it to say so.
func ControlSocket(path string, env func(string) (string, bool)) (string, error) {
	data, err := readFile(path, maxDocument)
	if err != nil {
		return "", strictyaml.Errors{{File: path, Reason: "cannot be read: " + err.Error()}}
	}
	var c Config
	if _, err := strictyaml.Decode(data, &c, strictyaml.Options{Name: path, Env: env}); err != nil && c.Admin.Socket == "" {
		return "", err
	}
	if c.Admin.Socket != "" && !filepath.IsAbs(c.Admin.Socket) {
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		return filepath.Join(dir, c.Admin.Socket), nil
	}
	return c.Admin.Socket, nil
}
