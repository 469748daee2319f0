// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"durward"
	"durward/authn"
	"durward/contract"
	"durward/internal/strictyaml"
)

// Demand gives what an operation asks of its callers: the configured methods as
// the contract's security combines them, or any one of them where the contract
// says nothing or is not asked.
func (a *API) Demand(op *contract.Operation, schemes []contract.SecurityScheme) (authn.Demand, error) {
	d := authn.Demand{Public: a.Public(op.ID), PassThrough: a.Upstream.Credential == "pass"}
	s := a.securityOf(op.ID)
	if s.From == "configuration" || !op.HasSecurity {
		return d, nil
	}
	choices, anonymous, err := a.Authenticate.Choose(schemesOf(schemes), requirements(op.Security), s.Unused)
	switch {
	case err != nil:
	case len(choices) > 0:
		d.Choices = choices
	case !anonymous: // nil would take whatever the configuration lists
		err = durward.Invalid("", "every alternative of the contract's security needs a scheme that is unused")
	}
	return d, err
}

func (a *API) securityOf(id string) Security {
	if s := a.Operation(id).Security; s != nil {
		return *s
	}
	return a.Security
}

// checkSecurity holds the contract's security against the configuration's (I9):
// each scheme is a configured method or named as unused, and what the contract
// closes is not public. What the contract leaves open stays closed all the same
// until the configuration says public.
func checkSecurity(f *faults, at string, api *API, doc *contract.Document) {
	schemes := doc.SecuritySchemes()
	known := make([]string, len(schemes))
	for i := range schemes {
		known[i] = schemes[i].Name
	}
	for i, m := range api.Authenticate.Flat() {
		for _, name := range m.Schemes {
			if !slices.Contains(known, name) {
				f.add(at+".authenticate", "method %d is said to be the security scheme %q, which the contract does not declare%s", i+1, name, meant(known, name))
			}
		}
	}
	checkUnused(f, at+".security.unused", api.Security.Unused, known)
	for id, op := range api.Operations {
		if op != nil && op.Security != nil {
			checkUnused(f, strictyaml.Key(at+".operations", id)+".security.unused", op.Security.Unused, known)
		}
	}
	said := map[string]bool{}
	for _, op := range doc.Operations() {
		s := api.securityOf(op.ID)
		if s.From == "configuration" || !op.HasSecurity {
			continue
		}
		field := at + ".security"
		if api.Operation(op.ID).Security != nil {
			field = strictyaml.Key(at+".operations", op.ID) + ".security"
		}
		choices, anonymous, err := api.Authenticate.Choose(schemesOf(schemes), requirements(op.Security), s.Unused)
		switch {
		case err != nil:
			if reason := err.Error(); !said[reason] { // of the first operation is enough
				said[reason] = true
				f.in(field, err)
			}
		case !anonymous && api.Public(op.ID):
			f.add(strictyaml.Key(at+".operations", op.ID)+".public", "the contract demands a credential for this operation: "+
				"remove public, open it in the contract (security: []), or set the operation's security.from to configuration")
		case !anonymous && len(choices) == 0:
			f.add(field, "nobody could call %s: every alternative of the contract's security needs a scheme that is unused", op.ID)
		}
	}
}

func checkUnused(f *faults, field string, unused, known []string) {
	for _, name := range unused {
		if !slices.Contains(known, name) {
			f.add(field, "the contract declares no security scheme %q%s", name, meant(known, name))
		}
	}
}

func schemesOf(all []contract.SecurityScheme) []authn.Scheme {
	out := make([]authn.Scheme, len(all))
	for i, s := range all {
		out[i] = authn.Scheme{Name: s.Name, Type: s.Type, In: s.In, Parameter: s.Parameter, HTTP: s.Scheme}
	}
	return out
}

func requirements(all [][]contract.Requirement) [][]authn.Requirement {
	out := make([][]authn.Requirement, len(all))
	for i, alternative := range all {
		for _, r := range alternative {
			out[i] = append(out[i], authn.Requirement{Scheme: r.Scheme, Scopes: r.Scopes})
		}
	}
	return out
}

// CredentialNames lists the fields and query parameters that carry credentials
// of any API.
func (c *Config) CredentialNames() []string {
	var all []string
	for _, name := range c.APINames() {
		methods := c.APIs[name].Authenticate
		all = append(append(all, authn.CredentialHeaders(methods)...), authn.CredentialParameters(methods)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
