// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

func isLower(c byte) bool    { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isLowerHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' }
func isHex(c byte) bool      { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// unhex is the value of a hex digit of either case.
func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}

const upperHex = "0123456789ABCDEF"

// isFieldByte is what a field name may have (RFC 9110, section 5.6.2).
func isFieldByte(c byte) bool {
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return isLower(c|0x20) || isDigit(c)
}

// isTokenByte is what a Token of a structured field may have behind its first.
func isTokenByte(c byte) bool { return isFieldByte(c) || c == ':' || c == '/' }

// sameName tells whether a field name is the lower-case name.
func sameName(field, lower string) bool {
	if len(field) != len(lower) {
		return false
	}
	for i := range len(field) {
		c := field[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// trim removes the white space around a field value.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
