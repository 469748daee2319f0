// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package call

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"durward/probe/spec"
)

// text is a value in a place that takes text alone: nothing for null, JSON for
// what is no scalar.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case Raw:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case float64:
		return number(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case File:
		return v.Data
	case Twice:
		return text(v.First)
	}
	return string(appendJSON(nil, v))
}

// number writes a float without an exponent where it is no larger than what
// services read exactly.
func number(f float64) string {
	if math.Abs(f) < 1<<53 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// join writes a value with a separator between items, or names and values. An
// exploded object has name=value.
func join(p *spec.Param, v any, sep string, explode bool, esc func(string) string) string {
	if p.MediaType != "" {
		return esc(string(appendJSON(nil, v)))
	}
	var parts []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			parts = append(parts, esc(text(item)))
		}
	case map[string]any:
		between := sep
		if explode {
			between = "="
		}
		for _, k := range sortedKeys(v) {
			parts = append(parts, esc(k)+between+esc(text(v[k])))
		}
	default:
		return esc(text(v))
	}
	return strings.Join(parts, sep)
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

const hexDigits = "0123456789ABCDEF"

// escape percent-encodes all but the unreserved characters of RFC 3986 section
// 2.3.
func escape(s string) string {
	return escapeBut(s, func(b byte) bool { return strings.IndexByte("-._~", b) >= 0 })
}

// escapeCookie leaves what RFC 6265 section 4.1.1 lets be in a cookie's value,
// but the percent sign.
func escapeCookie(s string) string {
	return escapeBut(s, func(b byte) bool {
		return b > ' ' && b < 0x7f && strings.IndexByte(`",;\%`, b) < 0
	})
}

func escapeBut(s string, plain func(byte) bool) string {
	var out strings.Builder
	for i := range len(s) {
		b := s[i]
		if 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || plain(b) {
			out.WriteByte(b)
		} else {
			out.Write([]byte{'%', hexDigits[b>>4], hexDigits[b&15]})
		}
	}
	return out.String()
}

// appendJSON writes a value as JSON, members by name. Raw stands as it is, and
// Twice is a member that occurs two times.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				b = append(b, ',')
			}
			first := v[k]
			if twice, ok := first.(Twice); ok {
				b = append(appendString(b, k), ':')
				b = append(appendJSON(b, twice.First), ',')
				first = twice.Second
			}
			b = append(appendString(b, k), ':')
			b = appendJSON(b, first)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	case string:
		return appendString(b, v)
	case Raw:
		return append(b, v...)
	case File:
		return appendString(b, v.Data)
	case Twice:
		return appendJSON(b, v.First)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, "null"...)
		}
		return append(b, number(v)...)
	case json.Number:
		if v == "" {
			return append(b, '0')
		}
		return append(b, v...)
	case nil:
		return append(b, "null"...)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, out...)
}

// appendString quotes as little as JSON asks for; bytes that are no UTF-8 are
// replaced.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
