// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "strings"

// mediaType is a Content-Type field (RFC 9110, 8.3.1), read strictly.
type mediaType struct {
	base     string // in lower case
	charset  string // in lower case
	boundary string
}

// parseMediaType reads a field. A parameter that occurs twice, or a form that
// two parsers could read in two ways, makes it fail.
func parseMediaType(s string) (m mediaType, ok bool) {
	s = strings.Trim(s, " \t")
	base, rest := s, ""
	if i := strings.IndexByte(s, ';'); i >= 0 {
		base, rest = s[:i], s[i:]
	}
	m.base = lower(strings.TrimRight(base, " \t"))
	kind, sub, ok := strings.Cut(m.base, "/")
	if !ok || !isToken(kind) || !isToken(sub) || strings.Contains(m.base, "*") {
		return m, false
	}
	var seen [8]string
	for n := 0; rest != ""; n++ {
		rest = strings.TrimLeft(rest[1:], " \t")
		var name, value string
		if name, rest, ok = strings.Cut(rest, "="); !ok || !isToken(name) || n == len(seen) {
			return m, false
		}
		if value, rest, ok = parameterValue(rest); !ok {
			return m, false
		}
		name = lower(name)
		for _, had := range seen[:n] {
			if had == name {
				return m, false
			}
		}
		seen[n] = name
		switch name {
		case "charset":
			m.charset = lower(value)
		case "boundary":
			m.boundary = value
		}
		if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != ';' {
			return m, false
		}
	}
	return m, true
}

// parameterValue reads a token or a quoted string without escapes.
func parameterValue(s string) (value, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		value, rest, ok = strings.Cut(s[1:], `"`)
		return value, rest, ok && !strings.Contains(value, `\`) && isCleanText(value)
	}
	n := 0
	for n < len(s) && isTokenByte(s[n]) {
		n++
	}
	return s[:n], s[n:], n > 0
}

func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	return isAlnum(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// lower is strings.ToLower without an allocation where nothing changes.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}
