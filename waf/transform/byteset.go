// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

// ByteSet is a set of byte values. The zero value is empty.
type ByteSet [4]uint64

// Bytes returns the set of the bytes in the text.
func Bytes(text string) (s ByteSet) {
	for i := range len(text) {
		s.Add(text[i])
	}
	return s
}

// byteRange returns the set of the bytes from low to high.
func byteRange(low, high byte) (s ByteSet) {
	for b := int(low); b <= int(high); b++ {
		s.Add(byte(b))
	}
	return s
}

// Add puts a byte into the set.
func (s *ByteSet) Add(b byte) { s[b>>6] |= 1 << (b & 63) }

// AddAll puts every byte of the value into the set. It costs one pass.
func (s *ByteSet) AddAll(value []byte) {
	for _, b := range value {
		s[b>>6] |= 1 << (b & 63)
	}
}

// Has reports whether the byte is in the set.
func (s *ByteSet) Has(b byte) bool { return s[b>>6]>>(b&63)&1 != 0 }

// Union returns the bytes that are in either set.
func (s ByteSet) Union(t ByteSet) ByteSet {
	return ByteSet{s[0] | t[0], s[1] | t[1], s[2] | t[2], s[3] | t[3]}
}

// Intersects reports whether some byte is in both sets.
func (s *ByteSet) Intersects(t *ByteSet) bool {
	return s[0]&t[0]|s[1]&t[1]|s[2]&t[2]|s[3]&t[3] != 0
}
