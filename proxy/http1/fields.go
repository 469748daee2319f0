// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"strings"

	"durward"
)

// Classes of the bytes of a field name (RFC 9110, section 5.6.2: token).
const (
	notToken = iota
	lower
	upper
	other
)

var (
	classes = classify256()
	// textual are the bytes of a field value or reason phrase: tab, visible
	// characters and obs-text (RFC 9110, section 5.5).
	textual = textual256()
)

func classify256() (t [256]uint8) {
	for i := range t {
		switch c := byte(i); {
		case 'a' <= c && c <= 'z':
			t[i] = lower
		case 'A' <= c && c <= 'Z':
			t[i] = upper
		case '0' <= c && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
			t[i] = other
		}
	}
	return t
}

func textual256() (t [256]bool) {
	for i := range t {
		t[i] = i == '\t' || i >= 0x20 && i != 0x7f
	}
	return t
}

// isToken tells that s is a method, a field name or the like.
func isToken(s string) bool {
	for i := range len(s) {
		if classes[s[i]] == notToken {
			return false
		}
	}
	return s != ""
}

func isText(s string) bool {
	for i := range len(s) {
		if !textual[s[i]] {
			return false
		}
	}
	return true
}

// names are the canonical forms of common field names by their lower-case
// ones, so that a target that writes lower case costs no allocation.
var names = internNames()

func internNames() map[string]string {
	m := make(map[string]string)
	for _, n := range strings.Fields(`Accept-Ranges Access-Control-Allow-Credentials
		Access-Control-Allow-Headers Access-Control-Allow-Methods Access-Control-Allow-Origin
		Access-Control-Expose-Headers Access-Control-Max-Age Age Allow Alt-Svc Cache-Control
		Connection Content-Disposition Content-Encoding Content-Language Content-Length
		Content-Location Content-Range Content-Security-Policy Content-Type
		Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy Date Deprecation Etag Expires
		Keep-Alive Last-Modified Link Location Permissions-Policy Pragma Proxy-Authenticate
		Ratelimit Ratelimit-Policy Referrer-Policy Retry-After Sec-Websocket-Accept
		Sec-Websocket-Extensions Sec-Websocket-Protocol Server Server-Timing Set-Cookie
		Strict-Transport-Security Sunset Te Traceparent Tracestate Trailer Transfer-Encoding
		Upgrade Vary Via Www-Authenticate X-Content-Type-Options X-Correlation-Id
		X-Frame-Options X-Powered-By X-Request-Id X-Xss-Protection`) {
		m[strings.ToLower(n)] = n
	}
	return m
}

// canonical gives the canonical form of a token that is not in it.
func canonical(name string) string {
	var low [40]byte
	if len(name) <= len(low) {
		for i := range len(name) {
			low[i] = name[i]
			if classes[name[i]] == upper {
				low[i] |= 0x20
			}
		}
		if n, ok := names[string(low[:len(name)])]; ok {
			return n
		}
	}
	return durward.CanonicalName(name)
}

// parseField reads a field line without its line end (RFC 9112, section 5).
// Name and value are parts of it, where the name is canonical already.
func parseField(line string) (f durward.Field, fault error) {
	i, up, canon := 0, true, true
	for ; i < len(line); i++ {
		c := classes[line[i]]
		if c == notToken {
			break
		}
		if up && c == lower || !up && c == upper {
			canon = false
		}
		up = line[i] == '-'
	}
	switch {
	case i == 0 && line != "" && (line[0] == ' ' || line[0] == '\t'):
		return f, reason("folded field line")
	case i == 0 || i == len(line) || line[i] != ':':
		return f, reason("malformed field name")
	}
	f.Name, f.Value = line[:i], trim(line[i+1:])
	if !canon {
		f.Name = canonical(f.Name)
	}
	if !isText(f.Value) {
		return f, reason("control character in a field value")
	}
	return f, nil
}

// trim takes optional white space off both ends.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// listed tells whether token is an element of a comma-separated list, in any
// case of its letters.
func listed(list, token string) bool {
	for list != "" {
		var item string
		item, list, _ = strings.Cut(list, ",")
		if strings.EqualFold(trim(item), token) {
			return true
		}
	}
	return false
}
