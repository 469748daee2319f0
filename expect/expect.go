// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package expect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"durward"
	"durward/authz"
	"durward/config"
	"durward/explain"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
	"durward/store"
)

// Policy is what one API of a configuration promises. It implements
// check.Expectation and is safe for concurrent use. Close it.
type Policy struct {
	explainer *explain.Explainer
	api       *config.API
	name      string
	https     bool
}

// New compiles a configuration that was loaded, for the API of that name; an
// empty name is the only API. Consumers and keys are those of st, which stays
// the caller's.
func New(cfg *config.Config, st *store.Store, api string) (*Policy, error) {
	names := slices.Sorted(maps.Keys(cfg.APIs))
	if api == "" && len(names) == 1 {
		api = names[0]
	}
	a := cfg.APIs[api]
	switch {
	case a != nil:
	case api == "":
		return nil, fmt.Errorf("the configuration has several APIs: name one of %s", strings.Join(names, ", "))
	default:
		return nil, fmt.Errorf("the configuration has no API %q; it has %s", api, strings.Join(names, ", "))
	}
	e, err := explain.New(cfg, st)
	if err != nil {
		return nil, err
	}
	return &Policy{explainer: e, api: a, name: api, https: len(cfg.Listen) > 0 && cfg.Listen[0].TLS != nil}, nil
}

// Close lets go of the compiled configuration.
func (p *Policy) Close() { p.explainer.Close() }

// Name is the API's name in the configuration.
func (p *Policy) Name() string { return p.name }

// Document is the file of the API's OpenAPI document.
func (p *Policy) Document() string { return p.api.Contract }

// Prefix is the path below which the gateway serves the API.
func (p *Policy) Prefix() string { return p.api.Prefix }

// Operation tells whether the roles and scopes of a user open an operation at
// all, as far as that can be told without a call.
func (p *Policy) Operation(op *spec.Operation, as *identity.Identity) check.Verdict {
	if p.api.Public(op.ID) {
		return check.Allow
	}
	if as == nil {
		return check.Deny
	}
	rules := &p.api.Authorize
	if rules.Mode != durward.Enforce || len(rules.Policies) > 0 {
		return check.Unknown // a policy may permit what no role does
	}
	names := func(operations []string) bool {
		return slices.Contains(operations, op.ID) || slices.Contains(operations, authz.Every)
	}
	owned := slices.ContainsFunc(rules.Owner, func(o authz.Owner) bool { return names(o.Operations) })
	under := func(groups map[string][]string, has []string) (named, met bool) {
		for name, operations := range groups {
			if names(operations) {
				named = true
				met = met || slices.Contains(has, name)
			}
		}
		return named, met
	}
	authenticated := names(rules.Authenticated)
	byRole, role := under(rules.Roles, as.Roles)
	byScope, scope := under(rules.Scopes, as.Scopes)
	role = role || authenticated || !byRole
	switch {
	case !role && len(as.Roles) > 0, byScope && !scope && len(as.Scopes) > 0:
		return check.Deny
	case role && (scope || !byScope) && !owned:
		return check.Allow
	}
	return check.Unknown
}

// Request tells what the configuration makes of a request, and why. The
// request's own credentials decide; where they cannot be judged here, the roles
// and scopes that are known of the user stand for them.
func (p *Policy) Request(ctx context.Context, r *client.Request, as *identity.Identity) (check.Verdict, string) {
	q := &explain.Request{Method: r.Method, Target: r.Target, HTTPS: p.https}
	if len(r.Body) > 0 {
		q.Body = r.Body
	}
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, "Host") {
			q.Host = f.Value
			continue
		}
		q.Header.Add(durward.CanonicalName(f.Name), f.Value)
	}
	v := p.explainer.Judge(ctx, q, nil)
	switch durward.Code(v.Code) {
	case durward.CodeUnauthenticated, durward.CodeIssuerUnavailable, durward.CodeStoreUnavailable:
		if as == nil {
			break
		}
		if len(as.Roles)+len(as.Scopes) == 0 {
			return check.Unknown, "the credential cannot be judged here: " + v.Reason
		}
		v = p.explainer.Judge(ctx, q, &durward.Principal{Subject: as.Name, Method: "jwt", Roles: as.Roles, Scopes: as.Scopes})
	}
	return sort(&v)
}

// sort makes a verdict of the pipeline one of a test. Refusals that say nothing
// of who may are unknown: a limit, an overload, a part that is away.
func sort(v *explain.Verdict) (check.Verdict, string) {
	switch {
	case v.Answered:
		return check.Unknown, "the gateway answers itself"
	case v.Allowed:
		return check.Allow, ""
	case v.Status == 429 || v.Status >= 500:
		return check.Unknown, v.String()
	}
	return check.Deny, v.String()
}
