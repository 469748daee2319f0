// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"strings"
)

// SecurityScheme is one of the ways to authenticate that the document names.
type SecurityScheme struct {
	Name         string // under which operations refer to it
	Type         string // "apiKey", "http", "oauth2", "openIdConnect", "mutualTLS"
	In           string // apiKey: "query", "header", "cookie"
	Parameter    string // apiKey: the parameter's name
	Scheme       string // http: "bearer", "basic", in lower case
	BearerFormat string
	DiscoveryURL string   // openIdConnect
	Scopes       []string // oauth2: of all flows, sorted
}

// Requirement is a scheme that an operation needs, by its name, with the scopes
// that the caller must have been given (OAuth 2.0 and OpenID Connect; for other
// schemes OpenAPI 3.1 calls them roles).
type Requirement struct {
	Scheme string
	Scopes []string
}

func (d *Document) readSchemes(list cursor) error {
	for name, c := range list.members() {
		c, err := c.follow()
		if err != nil {
			return err
		}
		s := SecurityScheme{Name: name}
		for _, field := range []struct {
			name string
			into *string
		}{{"type", &s.Type}, {"in", &s.In}, {"name", &s.Parameter}, {"scheme", &s.Scheme}, {"bearerFormat", &s.BearerFormat}, {"openIdConnectUrl", &s.DiscoveryURL}} {
			if *field.into, err = c.get(field.name).text(); err != nil {
				return err
			}
		}
		s.Scheme = strings.ToLower(s.Scheme)
		for _, flow := range c.get("flows").members() {
			for scope := range flow.get("scopes").members() {
				if !slices.Contains(s.Scopes, scope) {
					s.Scopes = append(s.Scopes, scope)
				}
			}
		}
		slices.Sort(s.Scopes)
		d.schemes = append(d.schemes, s)
	}
	return nil
}
