// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"maps"
	"slices"
)

// mostPlaces bounds what Unguarded lists of one answer.
const mostPlaces = 10

// Unguarded lists what of an operation's declared answers is not looked into,
// for people: "200 text/csv: media-type", or the place of an object that may
// have any member, "200 application/json: anything may stand in /data/*". It is
// nil when all is, or there is no such operation.
func (d *Document) Unguarded(op string) []string {
	declared, err := d.answers(op)
	if err != nil {
		return nil
	}
	if len(declared) == 0 {
		return []string{"no answer is declared"}
	}
	var out []string
	for _, a := range declared {
		if a.silent && a.status != "204" && a.status != "205" && a.status != "304" && a.status[0] != '1' {
			out = append(out, a.status+": no content is declared")
		}
		for _, m := range a.media {
			name := a.status + " " + m.base
			switch {
			case m.base == "text/event-stream":
				out = append(out, name+": "+unguardedStream)
			case !m.json && m.outline == nil:
				out = append(out, name+": "+unguardedType)
			case m.outline == nil || m.outline.free:
				out = append(out, name+": "+unguardedSchema)
			default:
				w := openWalk{seen: map[*outline]bool{}}
				w.walk(m.outline, "")
				for _, at := range w.places {
					out = append(out, name+": anything may stand in "+at)
				}
			}
		}
	}
	return out
}

// LooksInto tells that the content of all declared answers of an operation is
// held against a schema, or that there is none.
func (d *Document) LooksInto(op string) bool {
	declared, err := d.answers(op)
	if err != nil || len(declared) == 0 {
		return false
	}
	for _, a := range declared {
		for _, m := range a.media {
			if m.outline == nil || m.outline.free {
				return false
			}
		}
	}
	return true
}

// openWalk finds the values in which anything may stand.
type openWalk struct {
	seen   map[*outline]bool
	places []string
}

func (w *openWalk) walk(o *outline, at string) {
	if o == nil || w.seen[o] || len(w.places) == mostPlaces {
		return
	}
	if o.free {
		w.places = append(w.places, at)
		return
	}
	w.seen[o] = true
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		w.walk(o.members[name].to, at+"/"+escapePointer(name))
	}
	for _, p := range o.patterns {
		w.walk(p.to, at+"/*")
	}
	if o.types == 0 || o.types&kObject != 0 {
		w.walk(o.rest, at+"/*")
	}
	if o.types&kArray != 0 { // what has no type is hardly ever an array
		w.walk(o.items, at+"/*")
	}
}

// AnswerTypes lists the media types, as the document has them but for their
// parameters, of all declared answers of an operation that are no errors; none
// when the document does not say what they may be.
func (d *Document) AnswerTypes(op string) []string {
	declared, err := d.answers(op)
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range declared {
		if a.status[0] == '4' || a.status[0] == '5' || a.status == "default" {
			continue
		}
		if a.silent && a.status != "204" && a.status != "205" && a.status != "304" && a.status[0] != '1' {
			return nil
		}
		for _, m := range a.media {
			out = append(out, m.base)
		}
	}
	return out
}
