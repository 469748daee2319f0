// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"unicode/utf8"
)

// pair is one name=value of a query or form. The name is decoded, the value is
// not: separators of lists count before decoding.
type pair struct {
	name, raw string
	used      bool
}

// splitPairs reads a query or a form (RFC 3986 3.4, the URL standard's
// application/x-www-form-urlencoded) strictly. Empty pieces are passed over.
// The reason is "" when it can be read.
func splitPairs(into []pair, s string, most int) (pairs []pair, reason string) {
	for len(s) > 0 {
		piece := s
		if i := strings.IndexByte(s, '&'); i >= 0 {
			piece, s = s[:i], s[i+1:]
		} else {
			s = ""
		}
		if piece == "" {
			continue
		}
		if len(into) >= most {
			return into, reasonMany
		}
		name, raw, _ := strings.Cut(piece, "=")
		name, ok := unescape(name)
		if !ok || name == "" || !isRawQuery(raw) {
			return into, reasonForm
		}
		into = append(into, pair{name: name, raw: raw})
	}
	return into, ""
}

// isRawQuery refuses the bytes that cannot stand in a query, and ";", which
// some servers take for "&".
func isRawQuery(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= 0x20 || c >= 0x7f || c == ';' || c == '#' {
			return false
		}
	}
	return true
}

// unescape undoes percent-encoding and "+". It refuses bad escapes, control
// characters and what is not UTF-8.
func unescape(s string) (string, bool) {
	text, ok := unescapeAny(s)
	return text, ok && isCleanText(text)
}

// unescapeForm is unescape for form content, where a text field holds lines.
func unescapeForm(s string) (string, bool) {
	text, ok := unescapeAny(s)
	if ok && !isCleanText(text) {
		ok = isCleanText(lineBreaks.Replace(text))
	}
	return text, ok
}

var lineBreaks = strings.NewReplacer("\r", "", "\n", "", "\t", "")

func unescapeAny(s string) (string, bool) {
	if !isRawQuery(s) {
		return "", false
	}
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return "", false
			}
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b), true
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// isCleanText tells that s is UTF-8 without control characters.
func isCleanText(s string) bool {
	ascii := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x20 || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s)
}

// query checks the query parameters.
func (w *work) query(r *rules, raw string, allowUnknown bool) {
	c := &w.c
	c.in, c.name = "query", ""
	var reason string
	if w.pairs, reason = splitPairs(w.pairs[:0], raw, c.lim.members); reason != "" {
		c.note("", reason)
		return
	}
	for _, rule := range r.query {
		c.name = rule.name
		w.queryParameter(rule)
	}
	for _, key := range r.queryKeys {
		c.name = key
		w.claim(key, true)
	}
	if allowUnknown {
		return
	}
	for i := range w.pairs {
		if !w.pairs[i].used {
			c.name = ""
			c.note(shown(w.pairs[i].name), reasonUnknown)
		}
	}
}
