// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "durward/waf/transform"

// marks sum up the bytes of a value: one bit for each set of bytes that the plan
// asks for. One look-up a byte answers all of them.
type marks struct {
	of   [256]uint64
	sets []transform.ByteSet
}

// maxMarks is how many sets have a bit; for further ones the answer is "it may be".
const maxMarks = 63

// unknownMark is set in every value.
const unknownMark = 1 << 63

// bit gives the bit of a set of bytes.
func (m *marks) bit(s transform.ByteSet) uint64 {
	for i := range m.sets {
		if m.sets[i] == s {
			return 1 << i
		}
	}
	if len(m.sets) == maxMarks {
		return unknownMark
	}
	m.sets = append(m.sets, s)
	b := uint64(1) << (len(m.sets) - 1)
	for c := range 256 {
		if s.Has(byte(c)) {
			m.of[c] |= b
		}
	}
	return b
}

// touch gives the bit of the bytes of which a value must have one for the
// transformation to change it.
func (m *marks) touch(t transform.T) uint64 {
	var none, touching transform.ByteSet
	if t.Touches(&none) {
		return unknownMark
	}
	for c := range 256 {
		var one transform.ByteSet
		one.Add(byte(c))
		if t.Touches(&one) {
			touching.Add(byte(c))
		}
	}
	return m.bit(touching)
}

// operator gives a bit that a value must have for the operator to hold, before
// negation, and whether the bit is also enough.
func (m *marks) operator(op *operator) (bit uint64, exact bool) {
	switch {
	case op.always:
	case op.name == "validatebyterange":
		bit = m.bit(op.invalid)
		return bit, bit != unknownMark
	case op.name == "validateurlencoding":
		return m.bit(transform.Bytes("%")), false
	case op.name == "validateutf8encoding":
		var s transform.ByteSet
		for c := 0x80; c < 0x100; c++ {
			s.Add(byte(c))
		}
		return m.bit(s), false
	case op.name == "detectxss":
		return m.bit(markup), false
	}
	return unknownMark, false
}

// value sums up a value.
func (m *marks) value(s string) uint64 {
	sum := uint64(unknownMark)
	for i := range len(s) {
		sum |= m.of[s[i]]
	}
	return sum
}
