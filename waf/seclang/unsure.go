// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import "slices"

// Unsure lists what depends on the request, in lower case: keys, and prefixes
// with which such keys may begin. The variables that Coraza sets itself, captures
// among them, are not listed.
func (t *TX) Unsure() (keys, prefixes []string) {
	for key, v := range t.vars {
		if v.state == TXUnsure {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, slices.Clone(t.prefixes)
}
