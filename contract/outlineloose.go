// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "slices"

// mostLoose bounds the schemas of which one value may have any.
const mostLoose = 1024

// bounded gives the ways, as a loose one where there are too many.
func (b *outliner) bounded(ways []way) []way {
	if len(ways) > mostWays {
		return b.loose(ways)
	}
	return ways
}

// loose gives one way in the place of many: anything may stand there, but for
// what any of their schemas hides. In a document that hides nothing there is
// nothing to remember.
func (b *outliner) loose(ways []way) []way {
	if !b.hides() {
		return []way{{unknown: true}}
	}
	seen := map[place]bool{}
	for i := range ways {
		for _, list := range [2][]place{ways[i].core, ways[i].extra} {
			for _, at := range list {
				seen[at] = true
			}
		}
	}
	if len(seen) > mostLoose {
		if b.sensitive && b.err == nil {
			for at := range seen {
				b.err = b.d.cursorAt(at).fail("the schemas that may apply here are too many to know what %s hides", extension)
				break
			}
		}
		return []way{{unknown: true}}
	}
	all := make([]place, 0, len(seen))
	for at := range seen {
		all = append(all, at)
	}
	slices.SortFunc(all, comparePlaces)
	return []way{{extra: all, unknown: true}}
}

// hides tells that some schema of the document may hide a value.
func (b *outliner) hides() bool {
	if !b.looked {
		b.looked = true
		for i := range b.d.src.files {
			b.look(b.d.src.files[i].root)
		}
	}
	return b.sensitive || b.writeOnly
}

func (b *outliner) look(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v[extension]; ok {
			b.sensitive = true
		}
		b.writeOnly = b.writeOnly || v["writeOnly"] == true
		for _, one := range v {
			b.look(one)
		}
	case []any:
		for _, one := range v {
			b.look(one)
		}
	}
}
