// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

// What a byte may be in the places that this package reads.
const (
	classUnreserved = 1 << iota // RFC 3986 section 2.3
	classPath                   // may stand in a path segment as it is
	classQuery                  // may stand in a query as it is
	classToken                  // RFC 9110 section 5.6.2
	classHex
	className   // letters, digits and hyphen: field names that nothing takes for others
	classEscape // printable, outside pchar, but sent raw by browsers: escaped in a path
)

var classes = func() (t [256]uint8) {
	mark := func(s string, class uint8) {
		for i := range len(s) {
			t[s[i]] |= class
		}
	}
	const alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	mark(alnum+"-._~", classUnreserved|classPath)
	mark("!$&'()*+,=:@", classPath) // sub-delims without the semicolon
	mark("[]|", classEscape)
	mark(alnum+"!#$%&'*+-.^_`|~", classToken)
	mark(alnum+"-", className)
	mark("0123456789abcdefABCDEF", classHex)
	for c := 0x21; c < 0x7f; c++ {
		if c != '#' && c != ';' && c != '%' {
			t[c] |= classQuery
		}
	}
	return t
}()

func is(c byte, class uint8) bool { return classes[c]&class != 0 }

func isToken(s string) bool {
	for i := range len(s) {
		if !is(s[i], classToken) {
			return false
		}
	}
	return s != ""
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// escapeAt reads the percent escape at s[i].
func escapeAt(s string, i int) (c byte, ok bool) {
	if i+2 >= len(s) || !is(s[i+1], classHex) || !is(s[i+2], classHex) {
		return 0, false
	}
	return unhex(s[i+1])<<4 | unhex(s[i+2]), true
}

const upperHex = "0123456789ABCDEF"

// unescape decodes the percent escapes of canonical text. It gives s itself
// when there are none.
func unescape(s string) string {
	first := 0
	for ; first < len(s) && s[first] != '%'; first++ {
	}
	if first == len(s) {
		return s
	}
	b := make([]byte, first, len(s))
	copy(b, s)
	for i := first; i < len(s); i++ {
		if s[i] == '%' {
			if c, ok := escapeAt(s, i); ok {
				b, i = append(b, c), i+2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}
