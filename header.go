// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import "net/textproto"

// Field is one line of a header section. Name is in the canonical form of
// net/textproto ("Content-Type"), whatever the wire had.
type Field struct {
	Name, Value string
}

// Header is a header section in the order of the wire. Look-ups compare names
// byte by byte, so callers pass canonical names; CanonicalName makes one. It is
// a slice, not a map, because a request has a dozen lines: a scan beats a hash
// and a copy is one memmove. It is not safe for concurrent use.
type Header []Field

// CanonicalName returns the canonical form of a field name.
func CanonicalName(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }

// Get returns the first value of name, or "".
func (h Header) Get(name string) string {
	for i := range h {
		if h[i].Name == name {
			return h[i].Value
		}
	}
	return ""
}

// Has tells whether name occurs.
func (h Header) Has(name string) bool {
	for i := range h {
		if h[i].Name == name {
			return true
		}
	}
	return false
}

// Count returns how many lines have the name.
func (h Header) Count(name string) int {
	n := 0
	for i := range h {
		if h[i].Name == name {
			n++
		}
	}
	return n
}

// Values appends the values of name to dst and returns it.
func (h Header) Values(dst []string, name string) []string {
	for i := range h {
		if h[i].Name == name {
			dst = append(dst, h[i].Value)
		}
	}
	return dst
}

// Add appends a line.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Set puts value in the first line of name, removes its other lines, or
// appends a line.
func (h *Header) Set(name, value string) {
	for i := range *h {
		if (*h)[i].Name == name {
			(*h)[i].Value = value
			rest := (*h)[i+1:]
			*h = append((*h)[:i+1], rest.without(name)...)
			return
		}
	}
	h.Add(name, value)
}

// Del removes every line of name.
func (h *Header) Del(name string) {
	if h.Has(name) {
		*h = h.without(name)
	}
}

// Filter keeps the lines for which keep is true, in place.
func (h *Header) Filter(keep func(Field) bool) {
	kept := (*h)[:0]
	for _, f := range *h {
		if keep(f) {
			kept = append(kept, f)
		}
	}
	*h = kept
}

func (h Header) without(name string) Header {
	kept := h[:0]
	for _, f := range h {
		if f.Name != name {
			kept = append(kept, f)
		}
	}
	return kept
}
