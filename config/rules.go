// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"durward"
	"durward/authz"
	"durward/contract"
)

// Rules gives what the contract says of an API's operations, for the policies
// that read it.
func (c *Config) Rules(name string) authz.API {
	doc, api := c.contracts[name], c.APIs[name]
	out := authz.API{Name: name}
	if doc == nil || api == nil {
		return out
	}
	for _, op := range doc.Operations() {
		f := doc.Facts(op.ID)
		out.Operations = append(out.Operations, authz.Operation{
			ID: op.ID, Method: op.Method, Tags: f.Tags, Public: api.Public(op.ID),
			Path: params(f.Path), Query: params(f.Query), Header: params(f.Header), Body: fields(f.Body),
		})
	}
	return out
}

// noteRuleFiles remembers what the files say that an API's rules are read from,
// so that a change of one is a change of the configuration.
func (c *Config) noteRuleFiles(name string) {
	note := func(path string) {
		if path == "" {
			return
		}
		data, err := readFile(path, maxContract)
		sum := sha256.Sum256(data)
		if c.ruleFiles == nil {
			c.ruleFiles = map[string]string{}
		}
		c.ruleFiles[path] = fmt.Sprintf("%x %t", sum, err == nil)
	}
	a := &c.APIs[name].Authorize
	for _, p := range a.Policies {
		note(p.File)
	}
	for _, d := range a.Directories {
		note(d.File)
	}
	if w := c.APIs[name].WAF; w != nil {
		for _, path := range w.Rules {
			note(path)
		}
	}
	for _, path := range slices.Concat(c.WAF.Rules, c.WAF.RulesAfter) {
		note(path)
	}
}

// checkRules compiles the rules that need more than the names of operations:
// policies, owners and objects. Every fault has its line.
func (c *Config) checkRules(f *faults, at, name string) {
	a := &c.APIs[name].Authorize
	if len(a.Policies)+len(a.Owner)+len(a.Objects) == 0 || a.Check() != nil {
		return
	}
	rules, err := authz.Compile(a, c.Rules(name), nil)
	if err != nil {
		f.in(at+".authorize", err)
		return
	}
	if err := rules.Close(); err != nil {
		f.in(at+".authorize", err)
	}
}

// cedarTypes are the types of policies by those of JSON Schema.
var cedarTypes = map[string]authz.Type{
	"string": authz.StringType, "integer": authz.LongType, "boolean": authz.BoolType, "object": authz.RecordType,
}

func params(all []contract.Value) []authz.Param {
	var out []authz.Param
	for _, v := range all {
		out = append(out, authz.Param{Name: v.Name, Type: cedarTypes[v.Type], Required: v.Required})
	}
	return out
}

func fields(all []contract.Member) []authz.Field {
	var out []authz.Field
	for _, m := range all {
		out = append(out, authz.Field{Name: m.Name, Type: cedarTypes[m.Type], Required: m.Required, Fields: fields(m.Members)})
	}
	return out
}

// Unguarded are the operations of an API that have answers whose content is
// not held against a schema.
type Unguarded struct {
	Name       string
	Operations []string
}

// Unguarded lists, by API, the operations with declared content that the check
// of answers cannot look into.
func (c *Config) Unguarded() []Unguarded {
	var out []Unguarded
	for _, name := range c.APINames() {
		doc, one := c.contracts[name], Unguarded{Name: name}
		if doc == nil {
			continue
		}
		for _, op := range doc.Operations() {
			if cfg := c.APIs[name].AnswersOf(op.ID); cfg.Mode == durward.Off || !doc.LooksInto(op.ID) {
				one.Operations = append(one.Operations, op.ID)
			}
		}
		if len(one.Operations) > 0 {
			out = append(out, one)
		}
	}
	return out
}
