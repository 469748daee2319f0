// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import "slices"

// maker is a built-in detector with its anchors or its look at numbers.
type maker struct {
	Detector
	anchors []anchor
	number  func(view) found
}

// builtin lists every detector, in the order in which they are shown.
var builtin = func() func() []maker {
	all := slices.Concat(keys(), vendors(), persons(), national(), disclosures())
	return func() []maker { return all }
}()

// Builtin lists the detectors that are part of this package.
func Builtin() []Detector {
	var out []Detector
	for _, m := range builtin() {
		out = append(out, m.Detector)
	}
	return out
}

// at makes anchors of texts.
func at(reach int, check func(view) found, texts ...string) []anchor {
	var out []anchor
	for _, t := range texts {
		out = append(out, anchor{text: t, reach: reach, check: check})
	}
	return out
}

// folded is at for texts in lower case that stand in any case.
func folded(reach int, check func(view) found, texts ...string) []anchor {
	out := at(reach, check, texts...)
	for i := range out {
		out[i].fold = true
	}
	return out
}
