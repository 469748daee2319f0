// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"durward/probe/gen"
	"durward/probe/spec"
)

// text makes a string by its format and name, within its length and pattern.
func (m *maker) text(s *spec.Schema, name string) string {
	v := m.words(s, name)
	if s.MinLength != nil {
		for len(v) < *s.MinLength && *s.MinLength < 10000 {
			v += "x"
		}
	}
	if s.MaxLength != nil && len(v) > *s.MaxLength {
		if u := m.w.unique(); len(u) <= *s.MaxLength {
			v = u
		} else {
			v = v[len(v)-*s.MaxLength:]
		}
	}
	if s.Pattern == "" || matches(s.Pattern, v) {
		return v
	}
	return m.patterned(s, v)
}

func matches(pattern, v string) bool {
	re, err := regexp.Compile(pattern)
	return err != nil || re.MatchString(v)
}

// patterned tries usual texts until one has the pattern.
func (m *maker) patterned(s *spec.Schema, v string) string {
	u := m.w.unique()
	n := 8
	if s.MinLength != nil {
		n = max(1, *s.MinLength)
	}
	for _, try := range []string{u, strings.ToUpper(u), strings.ReplaceAll(v, " ", "-"), digits(u, n), digits(u, 10), digits(u, 4), digits(u, 16),
		"A" + digits(u, 6), "Abc" + digits(u, 3), "Passw0rd!" + digits(u, 3), "2030-01-15", "10:30", "abc", "ABC", "a", "A", "1", "US", "en", "#a1b2c3",
		"4111111111111111", "12/30", "90210", "+15555550123"} {
		if (s.MaxLength == nil || len(try) <= *s.MaxLength) && (s.MinLength == nil || len(try) >= *s.MinLength) && matches(s.Pattern, try) {
			return try
		}
	}
	if made, ok := gen.Valid(m.rand, &spec.Schema{Types: []string{"string"}, Pattern: s.Pattern, MinLength: s.MinLength, MaxLength: s.MaxLength}, gen.Hints{}).(string); ok {
		return made
	}
	return v
}

func (m *maker) words(s *spec.Schema, name string) string {
	switch s.Format {
	case "email", "idn-email":
		return m.w.unique() + "@example.com"
	case "uuid":
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", m.rand.Uint32(), m.rand.Uint32N(1<<16), m.rand.Uint32N(1<<12), m.rand.Uint32N(1<<12), m.rand.Uint64N(1<<48))
	case "date":
		return "2030-01-15"
	case "date-time":
		return "2030-01-15T10:30:00Z"
	case "time":
		return "10:30:00Z"
	case "duration":
		return "PT1H"
	case "uri", "url", "iri", "uri-reference":
		return "https://example.com/" + m.w.unique()
	case "ipv4", "ip":
		return "192.0.2.7"
	case "ipv6":
		return "2001:db8::7"
	case "hostname":
		return m.w.unique() + ".example.com"
	case "byte":
		return "ZHVyd2FyZA=="
	case "binary":
		return "durward"
	case "password":
		return m.password()
	}
	if v := m.byName(plain(name)); v != "" {
		return v
	}
	if len(s.Examples) > 0 {
		if e, ok := s.Examples[0].(string); ok && unique(name) {
			return m.distinct(e, name)
		}
	}
	return "text " + m.w.unique()
}

// byName makes a text that the name of a member asks for; empty when it asks for
// nothing special.
func (m *maker) byName(p string) string {
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(s string) bool { return strings.Contains(p, s) })
	}
	switch {
	case has("email") || p == "mail":
		return m.w.unique() + "@example.com"
	case has("password", "passwd") || p == "pwd" || p == "pass":
		return m.password()
	case has("cardnumber") || p == "card":
		return "4111111111111111"
	case has("phone", "mobile") || strings.HasSuffix(p, "number") || p == "otp" || p == "pin":
		return digits(m.w.unique(), 10)
	case has("url", "uri", "website", "webhook", "callback", "avatar"):
		return "https://example.com/" + m.w.unique()
	case has("username", "login", "slug", "handle", "nickname") || p == "user" || p == "name":
		return m.w.unique()
	case has("birth", "date") || p == "dob":
		return "2000-01-15"
	case has("zip", "postal", "pincode"):
		return "90210"
	case has("country"):
		return "US"
	case has("currency"):
		return "USD"
	case has("language", "locale"):
		return "en"
	case has("filename") || p == "file":
		return m.w.unique() + ".txt"
	case p == "ip" || has("ipaddress"):
		return "192.0.2.7"
	}
	return ""
}
