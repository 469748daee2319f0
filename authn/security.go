// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"maps"
	"slices"

	"durward"
)

// Scheme is a security scheme of an API's contract (OpenAPI 3.1, section
// 4.8.27).
type Scheme struct {
	Name      string
	Type      string // "apiKey", "http", "oauth2", "openIdConnect", "mutualTLS"
	In        string // apiKey: "query", "header", "cookie"
	Parameter string // apiKey: its name there
	HTTP      string // http: the authentication scheme, in lower case
}

// Requirement is a scheme that an operation's security names, with the scopes
// that it demands of it.
type Requirement struct {
	Scheme string
	Scopes []string
}

// Choose maps the security of one operation, alternatives of requirements that
// must all be met, to choices of the configured methods. Schemes that unused
// names are not offered: an alternative that needs one is left out. anonymous
// tells that the contract takes requests without a credential.
//
// A scheme that is no configured method is an error, and so is an operation
// that no alternative is left for: what the contract promises and what the
// gateway does must not drift apart unseen.
func (c Config) Choose(schemes []Scheme, security [][]Requirement, unused []string) (choices []Choice, anonymous bool, err error) {
	anonymous = len(security) == 0
	for _, all := range security {
		if len(all) == 0 {
			anonymous = true
			continue
		}
		next := []Choice{{}}
		skip := false
		for _, r := range all {
			if slices.Contains(unused, r.Scheme) {
				skip = true
				break
			}
			i := slices.IndexFunc(schemes, func(s Scheme) bool { return s.Name == r.Scheme })
			if i < 0 {
				return nil, false, durward.Invalid("", "the contract has no security scheme %q", r.Scheme)
			}
			entries := c.takes(&schemes[i])
			if len(entries) == 0 {
				return nil, false, durward.Invalid("", "the contract declares the security scheme %q (%s), which no method is; "+
					"name it under schemes of the method that it is, or under security.unused", r.Scheme, schemes[i].describe())
			}
			if next = c.combine(next, entries, &schemes[i], r.Scopes); len(next) == 0 {
				return nil, false, durward.Invalid("", "the contract's security needs %q beside another scheme, and both are credentials that stand in the same place", r.Scheme)
			}
			if len(next) > maxChoices {
				return nil, false, durward.Invalid("", "the contract's security makes more than %d combinations", maxChoices)
			}
		}
		if !skip {
			choices = append(choices, next...)
		}
	}
	if len(choices) > maxChoices {
		return nil, false, durward.Invalid("", "the contract's security makes more than %d combinations", maxChoices)
	}
	return choices, anonymous, nil
}

// combine puts one of the entries into each of the choices. A choice that has
// the entry already meets both schemes with one credential; one that has another
// credential of the same place is left out.
func (c Config) combine(choices []Choice, entries []int, s *Scheme, scopes []string) []Choice {
	var out []Choice
	flat := c.Flat()
	for _, old := range choices {
		for _, e := range entries {
			at, has := slices.BinarySearch(old.Entries, e) // the configuration's order says who is first
			one := Choice{Entries: slices.Clone(old.Entries), In: maps.Clone(old.In)}
			if in := flat[e].in(s); in != "" {
				if have := one.In[e]; have != "" && have != in {
					continue // one key cannot stand in both places
				}
				if one.In == nil {
					one.In = map[int]string{}
				}
				one.In[e] = in
			}
			if old.Scopes != nil || len(scopes) > 0 {
				one.Scopes = make([][]string, len(old.Entries))
				copy(one.Scopes, old.Scopes)
			}
			switch {
			case has && one.Scopes != nil:
				one.Scopes[at] = slices.Concat(one.Scopes[at], scopes)
			case has:
			case slices.ContainsFunc(old.Entries, func(o int) bool { return flat[o].place() == flat[e].place() }):
				continue
			default:
				one.Entries = slices.Insert(one.Entries, at, e)
				if one.Scopes != nil {
					one.Scopes = slices.Insert(one.Scopes, at, scopes)
				}
			}
			out = append(out, one)
		}
	}
	return out
}

// place is where the method's credential stands. A request has one of them.
func (m *Method) place() string {
	switch {
	case m.JWT != nil:
		return "token in " + m.JWT.header()
	case m.Introspection != nil:
		return "token in " + authorization
	}
	return m.kind()
}

// in says where the contract wants the credential, of a method that reads more
// than one place: a key in a query is for the operations that declare it.
func (m *Method) in(s *Scheme) string {
	if m.APIKey != nil && m.APIKey.header() != "" && m.APIKey.Query != "" && s.Type == "apiKey" {
		return s.In
	}
	return ""
}

// takes lists the methods that are a scheme: those that name it, else those
// that name none and are of its type and place.
func (c Config) takes(s *Scheme) []int {
	var named, fitting []int
	for i, m := range c.Flat() {
		switch {
		case slices.Contains(m.Schemes, s.Name):
			named = append(named, i)
		case len(m.Schemes) == 0 && m.is(s):
			fitting = append(fitting, i)
		}
	}
	if named != nil {
		return named
	}
	return fitting
}

// is tells whether the method is what the scheme describes.
func (m *Method) is(s *Scheme) bool {
	switch s.Type {
	case "apiKey":
		switch {
		case s.In == "header" && m.APIKey != nil:
			return m.APIKey.header() == durward.CanonicalName(s.Parameter)
		case s.In == "header" && m.JWT != nil:
			return m.JWT.header() != authorization && m.JWT.header() == durward.CanonicalName(s.Parameter)
		case s.In == "query" && m.APIKey != nil:
			return m.APIKey.Query == s.Parameter && s.Parameter != ""
		}
		return false
	case "mutualTLS":
		return m.ClientCertificate != nil
	case "oauth2", "openIdConnect":
		return m.Introspection != nil || m.JWT != nil && m.JWT.header() == authorization
	case "http":
		switch s.HTTP {
		case "bearer":
			return m.Introspection != nil || m.JWT != nil && m.JWT.header() == authorization
		case "dpop": // a method that takes mere bearer tokens too is not what the contract promises
			return m.Introspection != nil && m.Introspection.Bound || m.JWT != nil && m.JWT.Bound && m.JWT.header() == authorization
		case "apikey":
			return m.APIKey != nil && m.APIKey.header() == authorization
		case "capability":
			return m.Capability != nil
		case "signature":
			return m.Signature != nil
		}
	}
	return false
}

func (s *Scheme) describe() string {
	switch s.Type {
	case "apiKey":
		return "apiKey in " + s.In + " " + s.Parameter
	case "http":
		if s.HTTP == "dpop" {
			return "http dpop: tokens with bound set"
		}
		return "http " + s.HTTP
	}
	return s.Type
}
