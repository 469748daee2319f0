// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"

	"durward/authz/eval"
)

// checkNames refuses the names of attributes that no operation of the policy
// has. The validator takes "has" of an unknown name for false, so a mistyped
// name would make a policy that never matches: a forbid that forbids nothing.
func (s *source) checkNames(p *policy, schema *resolved.Schema, api *API) error {
	var environments []resolved.Action
	for i := range api.Operations {
		op := &api.Operations[i]
		action, ok := schema.Actions[actionUID(op.ID)]
		if !ok || action.AppliesTo == nil {
			continue
		}
		var groups []types.EntityUID
		for _, g := range op.groups() {
			groups = append(groups, actionUID(g))
		}
		if eval.Applies(p.tree, actionUID(op.ID), groups, action.AppliesTo.Resources[0]) {
			environments = append(environments, action)
		}
	}
	var fault error
	look := func(of ast.IsNode, name types.String) {
		known, typed := false, false
		for i := range environments {
			record, ok := attributesOf(schema, &environments[i], of)
			_, has := record[name]
			typed, known = typed || ok, known || has
		}
		if typed && !known && fault == nil {
			fault = s.fault(p.tree, []string{string(name)}, fmt.Sprintf("there is no attribute `%s`", name))
		}
	}
	for _, condition := range p.tree.Conditions {
		ast.Inspect(ast.NewNode(condition.Body), func(n ast.IsNode) bool {
			switch n := n.(type) {
			case ast.NodeTypeHas:
				look(n.Arg, n.Value)
			case ast.NodeTypeAccess:
				look(n.Arg, n.Value)
			}
			return true
		})
	}
	return fault
}

// attributesOf gives the attributes of what a chain of attributes names; false
// for any other expression.
func attributesOf(schema *resolved.Schema, action *resolved.Action, n ast.IsNode) (resolved.RecordType, bool) {
	switch n := n.(type) {
	case ast.NodeTypeVariable:
		switch n.Name {
		case "principal":
			return schema.Entities[action.AppliesTo.Principals[0]].Shape, true
		case "resource":
			return schema.Entities[action.AppliesTo.Resources[0]].Shape, true
		case "context":
			return action.AppliesTo.Context, true
		}
	case ast.NodeTypeAccess:
		of, ok := attributesOf(schema, action, n.Arg)
		if !ok {
			return nil, false
		}
		switch t := of[n.Value].Type.(type) {
		case resolved.RecordType:
			return t, true
		case resolved.EntityType:
			return schema.Entities[types.EntityType(t)].Shape, true
		}
	}
	return nil, false
}

// canonical gives an API whose header parameters are named as in an Exchange.
func (api *API) canonical(name func(string) string) API {
	out := API{Name: api.Name, Operations: slices.Clone(api.Operations)}
	for i := range out.Operations {
		op := &out.Operations[i]
		op.Header = slices.Clone(op.Header)
		for j := range op.Header {
			op.Header[j].Name = name(op.Header[j].Name)
		}
	}
	return out
}
