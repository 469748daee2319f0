// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"net/url"
	"strings"
)

// plainPath are the bytes that may stand in the path of a request target
// without net/url writing them in another way. Escapes are looked at apart.
var plainPath = func() (t [256]bool) {
	for c := range 256 {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-_.~!$&'()*+,;=:@[]/", byte(c)) >= 0 && c != 0
	}
	return t
}()

// readURI fills REQUEST_URI, REQUEST_FILENAME, REQUEST_BASENAME, QUERY_STRING
// and ARGS_GET. Coraza reads the target with net/url; a plain one is taken apart
// here, with the same result, and any other by net/url too.
func (f *facts) readURI(l *limits) bool {
	uri, _, _ := strings.Cut(f.uriRaw, "#")
	path, query, plain := f.plainTarget(uri)
	if !plain {
		u, err := url.ParseRequestURI(uri)
		if err != nil {
			f.uriParseError = true
			f.uri = uri
			path, query, _ = strings.Cut(uri, "?")
		} else {
			f.uri, path, query = u.String(), u.Path, u.RawQuery
		}
	}
	f.filename, f.basename, f.query = path, path, query
	if at := strings.LastIndexAny(path, `/\`); at >= 0 && at+1 < len(path) {
		f.basename = path[at+1:]
	}
	var ok bool
	f.argsGet, ok = f.readPairs(f.argsGet, query, l)
	return ok
}

// plainTarget takes apart a target that net/url would give back as it was.
func (f *facts) plainTarget(uri string) (path, query string, plain bool) {
	if uri == "" || uri[0] != '/' {
		return "", "", false
	}
	raw, query, _ := strings.Cut(uri, "?")
	escaped := false
	for i := 0; i < len(raw); i++ {
		if raw[i] == '%' {
			if i+2 >= len(raw) || unhex[raw[i+1]] > 15 || unhex[raw[i+2]] > 15 {
				return "", "", false
			}
			escaped = true
			i += 2
		} else if !plainPath[raw[i]] {
			return "", "", false
		}
	}
	for i := range len(query) {
		if query[i] < ' ' || query[i] == 0x7f {
			return "", "", false
		}
	}
	f.uri, path = uri, raw
	if escaped {
		path = f.unescape(raw, false)
	}
	return path, query, true
}
