// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strings"
	"unsafe"
)

// bytesOf returns the bytes of a string without a copy, for who only reads them.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// unhex gives the value of a hexadecimal digit, 255 for another byte.
var unhex = func() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// lower is the lower case of an ASCII letter, and c itself otherwise.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// equalFold tells whether s, in ASCII lower case, is low.
func equalFold(s, low string) bool {
	if len(s) != len(low) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != low[i] {
			return false
		}
	}
	return true
}

// sameKey tells whether Coraza would file key under low: a name in lower case
// by the rules of Unicode.
func sameKey(key, low string) bool {
	if isASCII(key) {
		return equalFold(key, low)
	}
	return strings.ToLower(key) == low
}

// hasCase tells whether s could differ from its lower case.
func hasCase(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || 'A' <= s[i] && s[i] <= 'Z' {
			return true
		}
	}
	return false
}
