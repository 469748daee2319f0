// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"maps"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// claimsOf are the claims that policies may read: the declared ones and those
// of owner rules.
func (c *Config) claimsOf() map[string]string {
	out := maps.Clone(c.Claims)
	if out == nil {
		out = map[string]string{}
	}
	for _, o := range c.Owner {
		if _, ok := out[o.Claim]; !ok && o.Claim != subjectClaim {
			out[o.Claim] = "String"
		}
	}
	return out
}

const subjectClaim = "sub"

// shortForm writes the policy of one operation that roles, scopes,
// authenticated and owner stand for; nil when none of them names it.
func (c *Config) shortForm(operation string) *ast.Policy {
	if !c.Covers(operation) {
		return nil
	}
	p := ast.Annotation("id", types.String("rules of "+operation)).Permit().ActionEq(actionUID(operation))
	if roles := holders(c.Roles, operation); len(roles) > 0 && !names(c.Authenticated, operation) {
		p.When(ast.Principal().In(roleSet(roles)))
	}
	if scopes := holders(c.Scopes, operation); len(scopes) > 0 {
		p.When(ast.Principal().Access("scopes").ContainsAny(textSet(scopes)))
	}
	for _, o := range c.ownersOf(operation) {
		rule := o.node()
		if len(o.Except) > 0 {
			rule = ast.Principal().In(roleSet(o.Except)).Or(rule)
		}
		p.When(rule)
	}
	return p
}

func (o *Owner) node() ast.Node {
	part, name, _ := strings.Cut(o.Equals, ".")
	if part == "headers" {
		name = strings.ToLower(name)
	}
	params := ast.Context().Access(types.String(part))
	value := params.Access(types.String(name))
	// Nobody's empty name is nobody's property.
	is := ast.Principal().Access("subject").NotEqual(ast.String("")).And(ast.Principal().Access("subject").Equal(value))
	if o.Claim != subjectClaim {
		claims := ast.Principal().Access("claims")
		is = claims.Has(types.String(o.Claim)).And(claims.Access(types.String(o.Claim)).Equal(value))
	}
	if part != "path" {
		is = params.Has(types.String(name)).And(is)
	}
	return is
}

func roleSet(roles []string) ast.Node {
	list := make([]ast.Node, len(roles))
	for i, r := range roles {
		list[i] = ast.EntityUID("Role", types.String(r))
	}
	return ast.Set(list...)
}

func textSet(texts []string) ast.Node {
	list := make([]ast.Node, len(texts))
	for i, s := range texts {
		list[i] = ast.String(s)
	}
	return ast.Set(list...)
}
