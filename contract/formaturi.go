// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

func isEmail(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return isIDNEmail(s)
}

// isIDNEmail is an addr-spec of RFC 5321: a dot-atom or a quoted string, and a
// domain or an address literal.
func isIDNEmail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 {
		return false
	}
	return isLocalPart(s[:at]) && isMailDomain(s[at+1:])
}

func isLocalPart(s string) bool {
	if len(s) > 2 && s[0] == '"' && s[len(s)-1] == '"' {
		for i := 1; i < len(s)-1; i++ {
			switch c := s[i]; {
			case c < 0x20 || c == 0x7f || c == '"':
				return false
			case c == '\\':
				if i++; i == len(s)-1 || s[i] < 0x20 {
					return false
				}
			}
		}
		return true
	}
	if s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isAlnum(c) && c < utf8.RuneSelf && strings.IndexByte(".!#$%&'*+-/=?^_`{|}~", c) < 0 {
			return false
		}
	}
	return true
}

func isMailDomain(s string) bool {
	if literal, ok := strings.CutPrefix(s, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		if six, is6 := strings.CutPrefix(literal, "IPv6:"); is6 {
			return ok && isIPv6(six)
		}
		return ok && isIPv4(literal)
	}
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return utf8.ValidString(s) && !strings.ContainsAny(s, " @[]()<>\\,;:\"\x7f")
		}
	}
	return isHostname(s)
}

// uriChars are the characters of RFC 3986 beside letters and digits: the
// unreserved, the delimiters below, and %.
const uriChars = "-._~:/?#[]@!$&'()*+,;=%"

// isURI is RFC 3986 (with a scheme, or a relative reference), or RFC 3987 when
// international.
func isURI(s string, absolute, international bool) bool {
	hashes := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case isAlnum(c), c >= utf8.RuneSelf && international:
		case strings.IndexByte(uriChars, c) < 0:
			return false
		case c == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
		case c == '#':
			hashes++
		}
	}
	if hashes > 1 || !utf8.ValidString(s) {
		return false
	}
	rest, hasScheme := cutScheme(s)
	if absolute && !hasScheme {
		return false
	}
	hierarchy := rest[:len(rest)-len(after(rest, "?#"))]
	tail := after(rest, "?#")
	if strings.ContainsAny(tail, "[]") {
		return false
	}
	authority, ok := strings.CutPrefix(hierarchy, "//")
	if !ok {
		first, _, _ := strings.Cut(hierarchy, "/")
		return !strings.ContainsAny(hierarchy, "[]") && (hasScheme || !strings.Contains(first, ":"))
	}
	path := after(authority, "/")
	return !strings.ContainsAny(path, "[]") && isAuthority(authority[:len(authority)-len(path)])
}

// after gives the part of s from its first character of chars on.
func after(s, chars string) string {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[i:]
	}
	return ""
}

func cutScheme(s string) (rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlpha(c):
		case i > 0 && (isAlnum(c) || c == '+' || c == '-' || c == '.'):
		case i > 0 && c == ':':
			return s[i+1:], true
		default:
			return s, false
		}
	}
	return s, false
}

func isAuthority(s string) bool {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if strings.ContainsAny(s[:i], "@[]") {
			return false
		}
		s = s[i+1:]
	}
	port := ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		a, err := netip.ParseAddr(s[1:end])
		future := strings.HasPrefix(strings.ToLower(s[1:end]), "v") && !strings.ContainsAny(s[1:end], "[]@/")
		if !future && (err != nil || !a.Is6() || a.Zone() != "") {
			return false
		}
		if port = s[end+1:]; port == "" {
			return true
		}
		if port[0] != ':' {
			return false
		}
		port = port[1:]
	} else {
		host, p, _ := strings.Cut(s, ":")
		if strings.ContainsAny(host, "[]") {
			return false
		}
		port = p
	}
	return port == "" || isDigits(port)
}
