// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"unicode/utf8"

	"durward"
)

// canonicalPath gives the canonical escaped form of a path: escapes of
// unreserved characters decoded, the others with upper-case digits (RFC 3986
// section 6.2.2). Every form that a later parser could take for another path
// is refused. It allocates only when the canonical form differs from raw.
func canonicalPath(raw string) (path string, code durward.Code, err error) {
	if raw == "" || raw[0] != '/' {
		return "", durward.CodeMalformed, errPathForm
	}
	path = raw
	if i := firstUncommon(raw); i < len(raw) {
		if path, code, err = escapedPath(raw, i); err != nil {
			return "", code, err
		}
	}
	if err := checkSegments(path); err != nil {
		return "", durward.CodePathAmbiguous, err
	}
	return path, "", nil
}

// firstUncommon finds the first byte that needs a closer look.
func firstUncommon(s string) int {
	for i := range len(s) {
		if c := s[i]; c != '/' && !is(c, classPath) {
			return i
		}
	}
	return len(s)
}

// escapedPath canonicalises raw from byte i on. Upper-case escapes of
// characters that must stay escaped are already canonical, so a path that has
// only those is given back as it is.
func escapedPath(raw string, i int) (string, durward.Code, error) {
	var b []byte // nil while raw[:i] is canonical
	for i < len(raw) {
		c := raw[i]
		switch {
		case c == '/' || is(c, classPath):
			if b != nil {
				b = append(b, c)
			}
			i++
		case c == '%':
			decoded, ok := escapeAt(raw, i)
			if !ok {
				return "", durward.CodeMalformed, errPathPercent
			}
			if err := checkDecoded(decoded); err != nil {
				return "", durward.CodePathAmbiguous, err
			}
			canonical := !is(decoded, classUnreserved) && raw[i+1] < 'a' && raw[i+2] < 'a'
			if b == nil && !canonical {
				b = append(make([]byte, 0, len(raw)+8), raw[:i]...)
			}
			if b != nil {
				b = appendEscaped(b, decoded)
			}
			i += 3
		case is(c, classEscape):
			if b == nil {
				b = append(make([]byte, 0, len(raw)+8), raw[:i]...)
			}
			b = appendEscaped(b, c)
			i++
		case c == '\\':
			return "", durward.CodePathAmbiguous, errPathSlash
		case c == ';':
			return "", durward.CodePathAmbiguous, errPathParameter
		default:
			return "", durward.CodeMalformed, errPathByte
		}
	}
	path := raw
	if b != nil {
		path = string(b)
	}
	if err := checkEscapes(path); err != nil {
		return "", durward.CodePathAmbiguous, err
	}
	return path, "", nil
}

func appendEscaped(b []byte, c byte) []byte {
	if is(c, classUnreserved) {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

// checkDecoded refuses the characters that servers are known to treat as
// structure after decoding.
func checkDecoded(c byte) error {
	switch {
	case c == '/' || c == '\\':
		return errPathSlash
	case c == ';':
		return errPathParameter
	case c < 0x20 || c == 0x7f:
		return errPathControl
	}
	return nil
}

// checkEscapes looks at what the escapes of a canonical path stand for: %25
// before two hex digits (or before the u of "%u002e") would decode again in a
// server that decodes twice, and all octets together must be UTF-8 without
// overlong forms, surrogates and C1 controls.
func checkEscapes(path string) error {
	for i := 0; i < len(path); {
		if path[i] != '%' {
			i++
			continue
		}
		c, _ := escapeAt(path, i)
		if c == '%' && doubled(path[i+3:]) {
			return errPathDouble
		}
		if c < utf8.RuneSelf {
			i += 3
			continue
		}
		var buf [utf8.UTFMax]byte
		n := 0
		for j := i; n < len(buf) && j+2 < len(path) && path[j] == '%'; j += 3 {
			buf[n], _ = escapeAt(path, j)
			n++
		}
		r, size := utf8.DecodeRune(buf[:n])
		if r == utf8.RuneError && size <= 1 {
			return errPathUTF8
		}
		if r < 0xa0 {
			return errPathControl
		}
		i += 3 * size
	}
	return nil
}

func doubled(rest string) bool {
	if rest == "" {
		return false
	}
	return rest[0] == 'u' || rest[0] == 'U' ||
		len(rest) > 1 && is(rest[0], classHex) && is(rest[1], classHex)
}

// checkSegments refuses empty segments but a last one, and dot segments. In a
// canonical path no dot is escaped.
func checkSegments(path string) error {
	for i := 0; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		rest := path[i+1:]
		switch {
		case rest == "":
		case rest[0] == '/':
			return errPathSlashes
		case rest[0] == '.':
			if rest = rest[1:]; rest != "" && rest[0] == '.' {
				rest = rest[1:]
			}
			if rest == "" || rest[0] == '/' {
				return errPathDots
			}
		}
	}
	return nil
}

// checkQuery refuses what parsers are known to read differently. The query
// stays as it was sent: its meaning is the contract's to judge.
func checkQuery(q string) error {
	for i := 0; i < len(q); i++ {
		c := q[i]
		if is(c, classQuery) {
			continue
		}
		switch c {
		case '%':
			decoded, ok := escapeAt(q, i)
			if !ok {
				return errQueryPercent
			}
			if decoded == 0 {
				return errQueryNUL
			}
			i += 2
		case ';':
			// Some parsers separate parameters here, and others do not.
			return errQuerySemicolon
		default:
			return errQueryByte
		}
	}
	return nil
}
