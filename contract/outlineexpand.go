// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A way is one of the forms that a value may have: the schemas that apply to
// it together, after references, allOf, anyOf and oneOf were resolved.
type way struct {
	core    []place  // all of them apply
	extra   []place  // they may apply (then, else, dependentSchemas): only what they declare counts
	by      string   // the member whose value chooses this way, "" for none
	tags    []string // the values that choose it
	unknown bool     // a schema that cannot be followed applies
}

// mostWays bounds the forms of one value; what has more may have any members,
// but for those that a schema hides.
const mostWays = 64

// and gives the ways of a value to which both apply.
func (b *outliner) and(one, other []way) []way {
	if len(one)*len(other) > mostWays {
		return b.loose(slices.Concat(one, other))
	}
	return and(one, other)
}

func and(a, b []way) []way {
	out := make([]way, 0, len(a)*len(b))
	for i := range a {
		for j := range b {
			w := way{
				core: mergePlaces(a[i].core, b[j].core), extra: mergePlaces(a[i].extra, b[j].extra),
				by: a[i].by, tags: a[i].tags, unknown: a[i].unknown || b[j].unknown,
			}
			if w.by == "" {
				w.by, w.tags = b[j].by, b[j].tags
			}
			out = append(out, w)
		}
	}
	return out
}

func mergePlaces(a, b []place) []place {
	if len(a) == 0 {
		return b
	}
	out := slices.Clone(a)
	for _, p := range b {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, comparePlaces)
	return out
}

func comparePlaces(a, b place) int {
	if a.file != b.file {
		return a.file - b.file
	}
	return strings.Compare(a.pointer, b.pointer)
}

// expand gives the ways of a value that the schema at c describes. within are
// the schemas whose ways are being made; base tells that the schema is a part
// of another one, whose siblings do not matter.
func (b *outliner) expand(c cursor, within []place, base bool) []way {
	if slices.Contains(within, c.at) {
		return []way{{}}
	}
	if len(within) > maxReference*2 {
		return []way{{unknown: true}}
	}
	within = append(within, c.at)
	switch v := c.v.(type) {
	case bool:
		if !v {
			return nil
		}
		return []way{{core: []place{c.at}}}
	case map[string]any:
	default:
		return []way{{unknown: true}}
	}
	ways := []way{{core: []place{c.at}}}
	if ref, ok := c.get("$ref").v.(string); ok {
		to, ok := b.follow(c, ref)
		if !ok {
			return []way{{core: []place{c.at}, unknown: true}}
		}
		ways = b.and(ways, b.expand(to, within, base))
		if b.d.old {
			return ways // a reference's siblings are ignored
		}
	}
	for _, part := range c.get("allOf").items() {
		ways = b.and(ways, b.expand(part, within, true))
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if branches := c.get(keyword); branches.exists() {
			ways = b.and(ways, b.branches(c, branches, within))
		}
	}
	if c.get("discriminator").exists() && !base && !c.get("anyOf").exists() && !c.get("oneOf").exists() {
		ways = b.and(ways, b.heirs(c, within))
	}
	for _, keyword := range []string{"if", "then", "else"} {
		if part := c.get(keyword); part.exists() {
			ways = b.maybe(ways, part, within)
		}
	}
	for _, part := range c.get("dependentSchemas").members() {
		ways = b.maybe(ways, part, within)
	}
	return ways
}

func (b *outliner) follow(c cursor, ref string) (cursor, bool) {
	to, err := c.s.target(c.at.file, ref)
	if err != nil {
		return cursor{}, false
	}
	v, ok := lookup(c.s.files[to.file].root, to.pointer)
	return cursor{c.s, to, v}, ok
}

// branches gives the ways of anyOf or oneOf, each with the discriminator's
// values that choose it.
func (b *outliner) branches(c, list cursor, within []place) []way {
	property, _ := c.get("discriminator").get("propertyName").v.(string)
	var out []way
	for _, branch := range list.items() {
		ways := b.expand(branch, within, false)
		if property != "" {
			tag(ways, property, b.tags(c, branch))
		}
		out = b.bounded(append(out, ways...))
	}
	return out
}

func tag(ways []way, property string, values []string) {
	for i := range ways {
		if ways[i].by == "" {
			ways[i].by, ways[i].tags = property, values
		}
	}
}

// tags gives the values of the discriminator that choose a branch: those that
// mapping leads to it, or its schema's name (OpenAPI 3.1.1, 4.8.25).
func (b *outliner) tags(c, branch cursor) []string {
	ref, _ := branch.get("$ref").v.(string)
	to, ok := b.follow(branch, ref)
	if ref == "" || !ok {
		return nil
	}
	var out []string
	for value, target := range c.get("discriminator").get("mapping").members() {
		if at, ok := b.mapped(target); ok && at == to.at {
			out = append(out, value)
		}
	}
	return append(out, unescapePointer(ref[strings.LastIndexByte(ref, '/')+1:]))
}

// mapped gives the place that an entry of mapping means: a reference, or the
// name of a schema.
func (b *outliner) mapped(target cursor) (place, bool) {
	text, _ := target.v.(string)
	if !strings.ContainsAny(text, "/#.") {
		text = "#/components/schemas/" + escapePointer(text)
	}
	to, ok := b.follow(target, text)
	return to.at, ok
}

// heirs gives the ways of a schema that others are made from by allOf, and
// whose discriminator says which one a value is.
func (b *outliner) heirs(c cursor, within []place) []way {
	property, _ := c.get("discriminator").get("propertyName").v.(string)
	out := []way{{}}
	seen := map[place]bool{}
	add := func(value string, to cursor) {
		if !seen[to.at] {
			seen[to.at] = true
			ways := b.expand(to, within, true)
			tag(ways, property, []string{value})
			out = append(out, ways...)
		}
	}
	for value, target := range c.get("discriminator").get("mapping").members() {
		if at, ok := b.mapped(target); ok {
			add(value, b.d.cursorAt(at))
		}
	}
	for _, heir := range b.heirsOf(c.at) {
		add(unescapePointer(heir.at.pointer[strings.LastIndexByte(heir.at.pointer, '/')+1:]), heir)
	}
	return b.bounded(out)
}

// heirsOf lists the document's schemas that name another one in their allOf.
func (b *outliner) heirsOf(at place) []cursor {
	if b.heirsBy == nil {
		b.heirsBy = map[place][]cursor{}
		root := b.d.cursorAt(place{file: at.file})
		for _, s := range root.get("components").get("schemas").members() {
			for _, part := range s.get("allOf").items() {
				if ref, ok := part.get("$ref").v.(string); ok {
					if to, ok := b.follow(part, ref); ok {
						b.heirsBy[to.at] = append(b.heirsBy[to.at], s)
					}
				}
			}
		}
	}
	return b.heirsBy[at]
}

// maybe adds what a schema declares that applies to some values only.
func (b *outliner) maybe(ways []way, part cursor, within []place) []way {
	var extra []place
	for _, w := range b.expand(part, within, false) {
		extra = mergePlaces(extra, mergePlaces(w.core, w.extra))
	}
	out := slices.Clone(ways)
	for i := range out {
		out[i].extra = mergePlaces(out[i].extra, extra)
	}
	return out
}

// key names a set of ways, so that each is made once.
func key(ways []way) string {
	texts := map[string]bool{}
	for _, w := range ways {
		var s strings.Builder
		for _, list := range [][]place{w.core, w.extra} {
			for _, p := range list {
				s.WriteString(strconv.Itoa(p.file))
				s.WriteString(p.pointer)
				s.WriteByte('\n')
			}
			s.WriteByte('\t')
		}
		s.WriteString(w.by + "\t" + strings.Join(w.tags, "\n"))
		if w.unknown {
			s.WriteString("\tunknown")
		}
		texts[s.String()] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(texts)), "\v")
}
