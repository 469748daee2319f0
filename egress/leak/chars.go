// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import "bytes"

// What a byte is; a set of bits.
const (
	digit = 1 << iota
	lower
	upper
	hexLower // 0-9 a-f
	dashes   // - and _
	base64   // + and /
	padding  // =
	space
)

const (
	letter = lower | upper
	alnum  = letter | digit
	url64  = alnum | dashes // the alphabet of base64url
)

var class = func() (table [256]uint8) {
	for c := range 256 {
		switch {
		case c >= '0' && c <= '9':
			table[c] = digit | hexLower
		case c >= 'a' && c <= 'f':
			table[c] = lower | hexLower
		case c >= 'g' && c <= 'z':
			table[c] = lower
		case c >= 'A' && c <= 'Z':
			table[c] = upper
		case c == '-' || c == '_':
			table[c] = dashes
		case c == '+' || c == '/':
			table[c] = base64
		case c == '=':
			table[c] = padding
		case c == ' ' || c == '\t':
			table[c] = space
		}
	}
	return table
}()

// run gives the end of the bytes of the classes from i on.
func run(b []byte, i int, classes uint8) int {
	for i < len(b) && class[b[i]]&classes != 0 {
		i++
	}
	return i
}

// starts tells whether a word begins at i: nothing of the classes stands before
// it. The letter of an escape ("\n" in a JSON string) is none.
func starts(b []byte, i int, classes uint8) bool {
	return i == 0 || class[b[i-1]]&classes == 0 || escapeEnds(b, i)
}

// escapeEnds tells whether an escape of a JSON string ends before i.
func escapeEnds(b []byte, i int) bool {
	if i >= 2 && b[i-2] == '\\' && bytes.IndexByte([]byte("nrtbf"), b[i-1]) >= 0 {
		return !escaped(b, i-2)
	}
	return i >= 6 && b[i-6] == '\\' && b[i-5] == 'u' && !escaped(b, i-6)
}

// escaped tells whether the backslash at i is itself escaped.
func escaped(b []byte, i int) bool {
	n := 0
	for i--; i >= 0 && b[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// inDigitEscape tells whether the digits at i are those of \u0020.
func inDigitEscape(b []byte, i int) bool {
	return i >= 2 && b[i-1] == 'u' && b[i-2] == '\\' && !escaped(b, i-2)
}

// ends tells whether a word ends before i.
func ends(b []byte, i int, classes uint8) bool { return i >= len(b) || class[b[i]]&classes == 0 }

// mentions tells whether one of the words, which are in lower case, stands in b.
func mentions(b []byte, words ...string) bool {
	for _, w := range words {
		if indexFold(b, w) >= 0 {
			return true
		}
	}
	return false
}

// indexFold is bytes.Index for a word in lower case, whatever the case in b.
func indexFold(b []byte, word string) int {
	for i := 0; i+len(word) <= len(b); i++ {
		k := 0
		for k < len(word) && fold(b[i+k]) == word[k] {
			k++
		}
		if k == len(word) {
			return i
		}
	}
	return -1
}

func fold(c byte) byte {
	if class[c]&upper != 0 {
		return c + 'a' - 'A'
	}
	return c
}

// subject is the text in front of a value that says what it is: the name of the
// JSON member that holds it, or the words before it in its sentence.
func subject(v view) []byte {
	b := bytes.TrimRight(v.b[:v.at], " \t")
	if n := len(b); n > 0 && b[n-1] == '"' {
		b = bytes.TrimRight(b[:n-1], " \t")
	}
	if n := len(b); n > 0 && b[n-1] == ':' { // "name": value
		b = bytes.TrimRight(b[:n-1], ` "`)
		if q := bytes.LastIndexByte(b, '"'); q >= 0 {
			return b[q+1:]
		}
	}
	if q := bytes.LastIndexAny(b, `"{}[]<>&;`); q >= 0 {
		b = b[q+1:]
	}
	return b[max(0, len(b)-48):]
}
