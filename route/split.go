// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import "strings"

// texts are the literal parts of a segment with parameters: before the first,
// between each two, and behind the last. Only the outer ones may be empty.
type texts []string

func (t texts) size() int {
	n := 0
	for _, text := range t {
		n += len(text)
	}
	return n
}

// fit tells in how many ways a segment can be read.
type fit uint8

const (
	fitsNot fit = iota
	fitsOnce
	fitsOften // two readers could split it in two ways
)

// split parts a segment into the values between the texts, which it hands to w
// from left to right when there is one way to do so. No value is empty.
func (t texts) split(segment string, w *walk) fit {
	first, last := t[0], t[len(t)-1]
	if len(segment) <= len(first)+len(last) || !strings.HasPrefix(segment, first) || !strings.HasSuffix(segment, last) {
		return fitsNot
	}
	middle, inner := segment[len(first):len(segment)-len(last)], t[1:len(t)-1]
	if len(inner) == 0 {
		if w != nil {
			w.take(middle)
		}
		return fitsOnce
	}
	// The leftmost and the rightmost way are the same when there is only one.
	var ends [maxInner]int
	rest, at := middle, 0
	for i, text := range inner {
		k := -1
		if len(rest) > 0 {
			k = strings.Index(rest[1:], text)
		}
		if k < 0 {
			return fitsNot
		}
		ends[i] = at + k + 1
		at = ends[i] + len(text)
		rest = middle[at:]
	}
	if rest == "" {
		return fitsNot
	}
	rest = middle
	for i := len(inner) - 1; i >= 0; i-- {
		k := strings.LastIndex(rest[:len(rest)-1], inner[i])
		if k != ends[i] {
			return fitsOften
		}
		rest = middle[:k]
	}
	if w == nil {
		return fitsOnce
	}
	from := 0
	for i, text := range inner {
		w.take(middle[from:ends[i]])
		from = ends[i] + len(text)
	}
	w.take(middle[from:])
	return fitsOnce
}

// maxInner bounds the parameters of one segment, less one.
const maxInner = 8
