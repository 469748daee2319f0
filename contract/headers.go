// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"

	"durward"
)

// header checks one header parameter. Several lines of a field are one list
// (RFC 9110, 5.3), and a fault where the parameter is no list.
func (w *work) header(r *rule, h durward.Header) {
	w.values = h.Values(w.values[:0], r.name)
	switch {
	case len(w.values) == 0:
		if r.required {
			w.c.note("", reasonRequired)
		}
	case connectionNames(h, r.name):
		w.c.note("", reasonHop)
	case len(w.values) == 1:
		w.c.value(r, strings.Trim(w.values[0], " \t"), plain)
	case r.types&kArray != 0 && !r.json:
		w.c.value(r, strings.Join(w.values, ","), plain)
	default:
		w.c.note("", reasonRepeated)
	}
}

const reasonHop = "must not be named by Connection"

// connectionNames tells that a Connection field makes the field of that name
// one between the client and the gateway (RFC 9110, 7.6.1): the upstream would
// not get what was checked here.
func connectionNames(h durward.Header, name string) bool {
	for i := range h {
		if h[i].Name != "Connection" {
			continue
		}
		for option := range strings.SplitSeq(h[i].Value, ",") {
			if strings.EqualFold(strings.Trim(option, " \t"), name) {
				return true
			}
		}
	}
	return false
}

// cookies checks the cookie parameters and that no credential comes twice.
// Cookies that nobody declared pass: browsers send what any page of the site
// has set.
func (w *work) cookies(r *rules, h durward.Header) {
	w.values = h.Values(w.values[:0], "Cookie")
	w.pairs = w.pairs[:0]
	w.c.name = ""
	for _, line := range w.values {
		if !w.splitCookies(line) {
			w.c.note("", reasonForm)
			return
		}
	}
	for _, rule := range r.cookie {
		w.c.name = rule.name
		had := len(w.out)
		i := w.claim(rule.name, true)
		switch {
		case len(w.out) > had:
		case i >= 0:
			w.c.value(rule, w.pairs[i].raw, plain)
		case rule.required:
			w.c.note("", reasonRequired)
		}
	}
	for _, key := range r.cookieKeys {
		w.c.name = key
		w.claim(key, true)
	}
}

// splitCookies reads a cookie-string (RFC 6265, 4.2.1), strictly but for the
// space behind a semicolon and octets in values that applications do use
// (space and comma within, quotes).
func (w *work) splitCookies(line string) bool {
	for line != "" {
		piece := line
		if i := strings.IndexByte(line, ';'); i >= 0 {
			piece, line = line[:i], strings.TrimLeft(line[i+1:], " ")
			if line == "" {
				return false
			}
		} else {
			line = ""
		}
		name, value, ok := strings.Cut(piece, "=")
		if !ok || !isToken(name) || !isCleanText(value) || len(w.pairs) >= w.c.lim.members {
			return false
		}
		w.pairs = append(w.pairs, pair{name: name, raw: value})
	}
	return true
}
