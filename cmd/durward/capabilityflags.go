// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"durward/authn/capability"
	"durward/internal/units"
)

// caveatFlags are the caveats that mint and attenuate add. Each flag that is
// repeated adds to one set, but for --body-field.
type caveatFlags struct {
	Operation  []string       `help:"operationIds that are allowed; may be repeated." placeholder:"ID" sep:"none"`
	API        []string       `name:"api" help:"APIs that are allowed, by their names in the configuration; may be repeated." placeholder:"NAME" sep:"none"`
	PathPrefix []string       `help:"Paths that are allowed, with all below them; may be repeated." placeholder:"/PATH" sep:"none"`
	Method     []string       `help:"Methods that are allowed; may be repeated." placeholder:"METHOD"`
	Query      []string       `help:"A query parameter that must have this value; repeated with one name, one of its values." placeholder:"NAME=VALUE" sep:"none"`
	BodyField  []string       `help:"Where a JSON pointer leads in the content, and the scalar that must stand there, in JSON: /space/id=\"42\"." placeholder:"/POINTER=JSON" sep:"none"`
	From       []network      `help:"Addresses or networks from which it may be used; may be repeated." placeholder:"CIDR"`
	Expires    units.Duration `help:"Life from now on, such as 15m; mint without it or --not-after takes 1h." placeholder:"DURATION" xor:"end"`
	NotAfter   time.Time      `help:"When it ends, such as 2030-01-01T00:00:00Z." placeholder:"TIME" xor:"end"`
	NotBefore  time.Time      `help:"When it begins." placeholder:"TIME"`
	Uses       uint32         `help:"How many requests are allowed." placeholder:"N" xor:"uses"`
	OneTime    bool           `help:"One request is allowed." xor:"uses"`
	BoundKey   string         `help:"JWK thumbprint (SHA-256, base64url) of the key that the caller must prove to hold, with DPoP." placeholder:"THUMBPRINT"`
}

// caveats gives them in an order that all tokens can have: the end first,
// since a use count needs one before it.
func (f *caveatFlags) caveats(now time.Time) ([]capability.Caveat, error) {
	var all []capability.Caveat
	switch {
	case f.Expires > 0:
		all = append(all, capability.NotAfter(now.Add(f.Expires.Std())))
	case !f.NotAfter.IsZero():
		all = append(all, capability.NotAfter(f.NotAfter))
	}
	if !f.NotBefore.IsZero() {
		all = append(all, capability.NotBefore(f.NotBefore))
	}
	for _, set := range []struct {
		make   func(...string) capability.Caveat
		values []string
	}{
		{capability.APIs, f.API}, {capability.Operations, f.Operation}, {capability.Paths, f.PathPrefix}, {capability.Methods, f.Method},
	} {
		if len(set.values) > 0 {
			all = append(all, set.make(set.values...))
		}
	}
	if len(f.From) > 0 {
		var networks []netip.Prefix
		for _, n := range f.From {
			networks = append(networks, n.Prefix)
		}
		all = append(all, capability.Addresses(networks...))
	}
	if f.BoundKey != "" {
		all = append(all, capability.BoundKey(f.BoundKey))
	}
	fields, err := f.fields()
	if err != nil {
		return nil, err
	}
	all = append(all, fields...)
	switch {
	case f.OneTime:
		all = append(all, capability.OneTime())
	case f.Uses > 0:
		all = append(all, capability.UseCount(f.Uses))
	}
	return all, nil
}

// fields are the caveats on query and content.
func (f *caveatFlags) fields() ([]capability.Caveat, error) {
	var names []string
	values := map[string][]string{}
	for _, q := range f.Query {
		name, value, ok := strings.Cut(q, "=")
		if !ok || name == "" {
			return nil, errors.New("--query must be NAME=VALUE")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		values[name] = append(values[name], value)
	}
	var all []capability.Caveat
	for _, name := range names {
		all = append(all, capability.Query(name, values[name]...))
	}
	for _, b := range f.BodyField {
		pointer, value, ok := strings.Cut(b, "=")
		if !ok {
			return nil, errors.New("--body-field must be /POINTER=JSON")
		}
		c, err := capability.BodyField(pointer, value)
		if err != nil {
			return nil, fmt.Errorf("--body-field: %w", err)
		}
		all = append(all, c)
	}
	return all, nil
}
