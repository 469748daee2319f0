// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"strings"
	"unicode/utf8"
)

// appendQueryParam appends the value of the one parameter whose name, decoded
// and encoded again, is name (section 2.2.8).
func appendQueryParam(dst []byte, query, name string) ([]byte, error) {
	start, found := len(dst), false
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		n, v, _ := strings.Cut(pair, "=")
		from := len(dst)
		dst = appendForm(dst, n)
		same := string(dst[from:]) == name
		dst = dst[:from]
		if !same {
			continue
		}
		if found {
			return dst[:start], errQuery
		}
		found = true
		if !utf8.ValidString(decodeForm(v)) {
			// A decoder would put U+FFFD for what is invalid, and make one of
			// many values.
			return dst[:start], errValue
		}
		dst = appendForm(dst, v)
	}
	if !found {
		return dst, errMissing
	}
	return dst, nil
}

// appendForm decodes s as a form does (URL Standard, section 5.1) and encodes
// it with the percent-encode set of forms, but a space as %20.
func appendForm(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && len(s)-i > 2 && isHex(s[i+1]) && isHex(s[i+2]):
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		if isLower(c|0x20) || isDigit(c) || c == '*' || c == '-' || c == '.' || c == '_' {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
	}
	return dst
}

// decodeForm decodes s, and copies it only where it is encoded.
func decodeForm(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && len(s)-i > 2 && isHex(s[i+1]) && isHex(s[i+2]) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}
