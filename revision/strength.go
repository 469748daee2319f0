// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"strings"

	"durward/config"
	"durward/config/strength"
	"durward/store"
)

// Strength is the Differ that compares field by field, as `durward diff` does.
type Strength struct{}

// maxOperations bounds the operations that one label names.
const maxOperations = 8

// Diff implements Differ. Labels hold no values, so no secret either.
func (Strength) Diff(old, new *config.Config) ([]store.Label, bool) {
	changes := new.Diff(old)
	changes.Sort()
	var out []store.Label
	for _, c := range changes {
		one := store.Label{Effect: store.Weaker, Text: c.Field + ": " + c.Reason}
		switch c.Label {
		case strength.Stronger:
			one.Effect = store.Stronger
		case strength.Neutral:
			one.Effect = store.Neutral
		}
		if n := len(c.Operations); n > 0 {
			one.Text += " (" + strings.Join(c.Operations[:min(n, maxOperations)], ", ")
			if n > maxOperations {
				one.Text += ", ..."
			}
			one.Text += ")"
		}
		if len(one.Text) > store.MaxLabelText {
			one.Text = strings.ToValidUTF8(one.Text[:store.MaxLabelText-3], "") + "..."
		}
		out = append(out, one)
	}
	weaker := len(changes.Weaker()) > 0
	if len(out) > store.MaxLabels {
		rest := store.Label{Effect: store.Neutral, Text: "and more changes: " + changes.Summary()}
		if weaker {
			rest.Effect = store.Weaker
		}
		out = append(out[:store.MaxLabels-1], rest)
	}
	return out, weaker
}
