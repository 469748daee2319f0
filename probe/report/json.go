// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"io"

	"durward/probe/finding"
)

// JSON writes the whole run, for programs. Members are only ever added.
func JSON(w io.Writer, r *Run) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	whole := *r
	// Lists are lists, with nothing in them too.
	if whole.Findings == nil {
		whole.Findings = []finding.Finding{}
	}
	if whole.Operations == nil {
		whole.Operations = []Operation{}
	}
	if whole.Checks == nil {
		whole.Checks = []Check{}
	}
	if whole.Users == nil {
		whole.Users = []string{}
	}
	return e.Encode(&whole)
}
