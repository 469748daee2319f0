// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import "strings"

// readField takes one header field. A name that is not ASCII is refused: Coraza
// folds names by the rules of Unicode.
func (f *facts) readField(name, value string) bool {
	if name == "" {
		return true
	}
	if !isASCII(name) {
		return false
	}
	f.headers = append(f.headers, item{key: name, val: value})
	switch {
	case len(name) == len("cookie") && equalFold(name, "cookie"):
		f.readCookies(value)
	case len(name) == len("content-type") && equalFold(name, "content-type"):
		if f.contentType {
			return true
		}
		f.contentType = true
		// Only the first field chooses; letters and space by the rules of Unicode.
		value = strings.TrimSpace(strings.ToLower(value))
		if strings.HasPrefix(value, "application/x-www-form-urlencoded") {
			f.processor = "URLENCODED"
		} else if strings.HasPrefix(value, "multipart/form-data") {
			f.processor = "MULTIPART"
		}
	}
	return true
}

// readCookies takes the pairs of one Cookie field.
func (f *facts) readCookies(raw string) {
	raw = trimControls(raw)
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, ";")
		if part = trimControls(part); part == "" {
			continue
		}
		name, val, _ := strings.Cut(part, "=")
		name, val = trimControls(name), trimControls(val)
		if name != "" || val != "" {
			f.cookies = append(f.cookies, item{key: name, val: val})
		}
	}
}

// trimControls removes controls, DEL and spaces at both ends.
func trimControls(s string) string {
	for s != "" && (s[0] <= ' ' || s[0] == 0x7f) {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] <= ' ' || s[len(s)-1] == 0x7f) {
		s = s[:len(s)-1]
	}
	return s
}

// readPairs takes the pairs of a query or of a form. False means that there are
// as many as the limit, or more.
func (f *facts) readPairs(to []item, query string, l *limits) ([]item, bool) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		if len(to) >= l.arguments {
			return to, false
		}
		key, val, _ := strings.Cut(pair, "=")
		to = append(to, item{key: f.unescape(key, true), val: f.unescape(val, true)})
	}
	return to, true
}

// unescape decodes percent escapes, leaving what is none as it is, and with
// plus also "+" as a space.
func (f *facts) unescape(s string, plus bool) string {
	i := 0
	for i < len(s) && s[i] != '%' && (s[i] != '+' || !plus) {
		i++
	}
	if i == len(s) {
		return s
	}
	at := len(f.arena)
	f.arena = append(f.arena, s[:i]...)
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+' && plus:
			c = ' '
		case c == '%' && i+2 < len(s) && unhex[s[i+1]] < 16 && unhex[s[i+2]] < 16:
			c = unhex[s[i+1]]<<4 | unhex[s[i+2]]
			i += 2
		}
		f.arena = append(f.arena, c)
	}
	return view(f.arena[at:])
}

// collides tells whether two fields of a form have names that differ only in
// case, or whether it would take long to know.
func collides(items []item) bool {
	for i := range items {
		key := items[i].key
		if !hasCase(key) {
			continue
		}
		if len(items) > 64 {
			return true
		}
		low := strings.ToLower(key)
		for j := range items {
			if items[j].key != key && sameKey(items[j].key, low) {
				return true
			}
		}
	}
	return false
}
