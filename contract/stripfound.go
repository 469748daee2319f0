// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "math/bits"

// findings is what a stripper noted: how many members were removed, where, and
// which values are not as declared. Places are JSON pointers with * for items
// and for names that the document does not have; they never hold a value.
type findings struct {
	next    *outline // of the member whose name was read last
	removed int
	fields  []string
	invalid int
	faults  []string
	scratch []byte
}

func (f *findings) reset() {
	// The lists leave with the exchange's facts.
	*f = findings{scratch: f.scratch[:0]}
}

// path writes the place of the value that is being read.
func (f *findings) path(stack []frame) {
	f.scratch = f.scratch[:0]
	for i := range stack {
		if len(f.scratch) > maxShownPointer {
			f.scratch = append(f.scratch, "/..."...)
			return
		}
		f.scratch = append(f.scratch, '/')
		f.scratch = appendToken(f.scratch, stack[i].name)
	}
}

func appendToken[T string | []byte](b []byte, name T) []byte {
	for i := 0; i < len(name) && i < maxShownName; i++ {
		switch c := name[i]; c {
		case '~':
			b = append(b, "~0"...)
		case '/':
			b = append(b, "~1"...)
		default:
			b = append(b, c)
		}
	}
	if len(name) > maxShownName {
		b = append(b, "..."...)
	}
	return b
}

func (f *findings) cutMember(stack []frame, name []byte) {
	f.removed++
	if len(f.fields) == mostFields {
		return
	}
	f.path(stack[:len(stack)-1])
	f.scratch = append(f.scratch, '/')
	f.scratch = appendToken(f.scratch, name)
	f.fields = note(f.fields, f.scratch)
}

func (f *findings) cutItem(stack []frame) {
	f.removed++
	if len(f.fields) == mostFields {
		return
	}
	f.path(stack)
	f.fields = note(f.fields, f.scratch)
}

func (f *findings) invalidHere(stack []frame) {
	f.invalid++
	if len(f.faults) == mostFields {
		return
	}
	f.path(stack)
	f.faults = note(f.faults, f.scratch)
}

// lacks notes the first of the required members that did not come.
func (s *stripper) lacks(node *outline, missing uint64) {
	f := &s.found
	f.invalid++
	if len(f.faults) == mostFields {
		return
	}
	f.path(s.stack[:len(s.stack)-1])
	f.scratch = append(f.scratch, '/')
	first := uint64(1) << bits.TrailingZeros64(missing)
	for name, e := range node.members {
		if e.bit == first {
			f.scratch = appendToken(f.scratch, name)
			break
		}
	}
	f.faults = note(f.faults, f.scratch)
}

// note adds a place that is not in the list.
func note(list []string, place []byte) []string {
	for _, had := range list {
		if had == string(place) {
			return list
		}
	}
	return append(list, string(place))
}
