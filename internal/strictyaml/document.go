// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strictyaml

import (
	"slices"
	"strconv"
	"strings"
)

// Position is a place in a document, from 1.
type Position struct{ Line, Column int }

// Document remembers where the fields of a decoded document stood and which of
// their values must not be shown.
type Document struct {
	Name      string
	positions map[string]Position
	// hidden are the values at a path that no error may quote, and the text
	// to show instead: substituted values and secrets.
	hidden map[string][]hiddenValue
	files  []string
}

type hiddenValue struct{ value, shown string }

func newDocument(name string) *Document {
	return &Document{Name: name, positions: map[string]Position{}, hidden: map[string][]hiddenValue{}}
}

// Files lists the files that ${file:...} named, whether they could be read or
// not.
func (d *Document) Files() []string { return slices.Clone(d.files) }

// Has tells whether the document sets the field, rather than leaving its
// default.
func (d *Document) Has(path string) bool {
	_, ok := d.positions[path]
	return ok
}

// Below lists the fields at and below one that the document sets, in no order.
func (d *Document) Below(path string) []string {
	var out []string
	for p := range d.positions {
		if rest, ok := strings.CutPrefix(p, path); ok && (rest == "" || path == "" || rest[0] == '.' || rest[0] == '[') {
			out = append(out, p)
		}
	}
	return out
}

// Position finds the place of the field, or of the nearest field above it that
// stands in the document.
func (d *Document) Position(path string) Position {
	for ; path != ""; path = parent(path) {
		if p, ok := d.positions[path]; ok {
			return p
		}
	}
	return Position{1, 1}
}

// Fault makes an error about a field, with its position. Values that must not
// be shown are taken out of the reason.
func (d *Document) Fault(path, reason string) *Error {
	p := d.Position(path)
	return &Error{File: d.Name, Line: p.Line, Column: p.Column, Field: path, Reason: d.redact(path, reason)}
}

// redact replaces in reason the hidden values of the field, of the fields
// above it and of those below it: a Check of a list may quote any of its
// items.
func (d *Document) redact(path, reason string) string {
	var all []hiddenValue
	for p := path; p != ""; p = parent(p) {
		all = append(all, d.hidden[p]...)
	}
	for p, values := range d.hidden {
		if len(p) > len(path) && strings.HasPrefix(p, path) && (path == "" || p[len(path)] == '.' || p[len(path)] == '[') {
			all = append(all, values...)
		}
	}
	// The longest first, lest a part of a longer value is left.
	slices.SortFunc(all, func(a, b hiddenValue) int { return len(b.value) - len(a.value) })
	for _, h := range all {
		if quoted := strings.Trim(strconv.Quote(h.value), `"`); quoted != h.value {
			reason = blot(reason, quoted, h.shown)
		}
		reason = blot(reason, h.value, h.shown)
	}
	return reason
}

// blot replaces value in text. A short one ("10") is replaced only where it
// stands alone, lest it blots out other words and numbers ("at least 100").
func blot(text, value, shown string) string {
	if len(value) >= 6 {
		return strings.ReplaceAll(text, value, shown)
	}
	var out strings.Builder
	for {
		i := strings.Index(text, value)
		if i < 0 {
			return out.String() + text
		}
		end := i + len(value)
		out.WriteString(text[:i])
		if i > 0 && wordByte(text[i-1]) || end < len(text) && wordByte(text[end]) {
			out.WriteString(value)
		} else {
			out.WriteString(shown)
		}
		text = text[end:]
	}
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// parent cuts the last element off a path.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// place is the path to a value, in two notations: keys that hold dots, slashes
// or blanks are quoted in one ("operations["GET /a"]"), and plain in the other,
// which is what a Check makes that puts a key behind a dot.
type place struct{ path, plain string }

func (p place) key(name string) place {
	join := func(prefix string) string {
		if prefix == "" {
			return name
		}
		return prefix + "." + name
	}
	if plainKey(name) {
		return place{join(p.path), join(p.plain)}
	}
	return place{p.path + "[" + strconv.Quote(name) + "]", join(p.plain)}
}

func (p place) index(i int) place {
	n := "[" + strconv.Itoa(i) + "]"
	return place{p.path + n, p.plain + n}
}

// Key puts a map key behind a path, quoted where it needs it.
func Key(path, key string) string { return place{path: path}.key(key).path }

func plainKey(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}

// note remembers where a field stands.
func (d *Document) note(p place, at Position) {
	d.positions[p.path] = at
	d.positions[p.plain] = at
}

// hide remembers a value that no error may quote.
func (d *Document) hide(p place, value, shown string) {
	if value == "" {
		return
	}
	d.hidden[p.path] = append(d.hidden[p.path], hiddenValue{value, shown})
	if p.plain != p.path {
		d.hidden[p.plain] = append(d.hidden[p.plain], hiddenValue{value, shown})
	}
}
