// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import "strings"

// Bounds of a noted path.
const (
	maxSegments = 16
	maxSegment  = 64 // bytes
)

// Template is a path with placeholders for segments that look like ids, so that
// calls for many objects are one operation: /users/17 becomes /users/{id}. The
// path is canonical; its segments stay escaped, so that none can move a
// terminal.
func Template(path string) string {
	var b strings.Builder
	n := 0
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if n++; n > maxSegments {
			b.WriteString("/...")
			break
		}
		b.WriteByte('/')
		switch {
		case placeholder(segment) != "":
			b.WriteString(placeholder(segment))
		case len(segment) > maxSegment:
			b.WriteString("{text}")
		default:
			b.WriteString(segment)
		}
	}
	return b.String()
}

// placeholder stands for a segment that looks like an id; "" for a word.
func placeholder(s string) string {
	if s == "" {
		return ""
	}
	switch format := formatOf(s); format {
	case "uuid", "date", "date-time", "email":
		return "{" + format + "}"
	}
	digits, letters, upper, lower, hex, other := 0, 0, 0, 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
			hex++
		case c >= 'a' && c <= 'z':
			letters++
			lower++
			if c <= 'f' {
				hex++
			}
		case c >= 'A' && c <= 'Z':
			letters++
			upper++
			if c <= 'F' {
				hex++
			}
		case c == '-' || c == '_' || c == '.' || c == '~':
		default:
			other++
		}
	}
	switch {
	case digits == len(s):
		return "{id}"
	case hex == len(s) && len(s) >= 16 && digits > 0:
		return "{id}"
	case other == 0 && len(s) >= 20 && digits >= 3 && letters >= 3: // ULID, base64url, prefixed ids
		return "{id}"
	case other == 0 && len(s) >= 10 && digits >= 2 && upper >= 2 && lower >= 2: // short mixed ids
		return "{id}"
	case strings.Contains(s, "%"): // escaped: no word of an API's author
		return "{text}"
	}
	return ""
}
