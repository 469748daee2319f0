// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"durward"
	"durward/authz/directory"
)

// Every is the name that stands for every operation of the API.
const Every = "*"

// Config is the `authorize:` part of an API. Rules name operations by their
// operationId; "*" stands for every operation.
//
// An operation that stands under roles needs one of those roles, unless it also
// stands under authenticated, which is the role that every caller has. One that
// stands under scopes needs one of those scopes. One that stands under both
// roles and scopes needs one of each. One that stands under owner needs every
// such rule to be met as well. Such a rule permits, as a permit of policies
// does: a call needs one permit, and no forbid that matches.
type Config struct {
	// Mode is enforce, report (record what would be refused) or off.
	Mode durward.Mode `yaml:"mode"`
	// Roles says, for each role, which operations it may call.
	Roles map[string][]string `yaml:"roles"`
	// Scopes says, for each scope of a token or key, which operations it opens.
	Scopes map[string][]string `yaml:"scopes"`
	// Authenticated lists operations that every authenticated caller may call.
	Authenticated []string `yaml:"authenticated"`
	// Owner limits operations to the caller whom a parameter names.
	Owner []Owner `yaml:"owner"`
	// Policies are Cedar policies, in files or in place.
	Policies []Source `yaml:"policies"`
	// Claims are those of a token that policies may read as
	// principal.claims.NAME, with their types: String, Long, Bool or Set<String>.
	Claims map[string]string `yaml:"claims"`
	// Objects are what operations act on, by the name of their type.
	Objects map[string]Object `yaml:"objects"`
	// Directories tell what policies can ask about objects.
	Directories map[string]directory.Config `yaml:"directories"`
}

// Owner is an "owner only" rule: the value of a claim must be that of a
// parameter.
type Owner struct {
	// Operations are those that the rule is about.
	Operations []string `yaml:"operations"`
	// Claim is compared; sub is the caller's subject, which every credential has.
	Claim string `yaml:"claim"`
	// Equals is the parameter: path.NAME, query.NAME or headers.NAME.
	Equals string `yaml:"equals"`
	// Except lists roles that need not be the owner.
	Except []string `yaml:"except"`
}

// Source is where policies are written: file or cedar, one of them.
type Source struct {
	// File is a file of Cedar policies.
	File string `yaml:"file" path:"true"`
	// Cedar is the text of policies.
	Cedar string `yaml:"cedar"`
}

// Object is a type of objects. The resource of an operation is the object whose
// parameter comes last in the operation's path; where there is none, the API.
type Object struct {
	// ID is the path parameter that identifies one, as path.NAME; several
	// parameters joined by "/" where one is not enough.
	ID string `yaml:"id"`
	// Directory is the name of the directory that knows the fields.
	Directory string `yaml:"directory"`
	// Fields are what the directory tells of each, with their types: String,
	// Long, Bool, Caller, another object, Set<> of one of these; with a "?" at
	// the end it may be missing. A field that is another object is what the
	// object belongs to.
	Fields map[string]string `yaml:"fields"`
	// Operations act on this object whatever their path says.
	Operations []string `yaml:"operations"`
}

// Check reports every fault of the rules that needs no contract to find.
func (c *Config) Check() error {
	var errs []error
	for _, part := range []struct {
		name  string
		rules map[string][]string
	}{{"roles", c.Roles}, {"scopes", c.Scopes}} {
		for holder, operations := range part.rules {
			field := part.name + "." + holder
			if holder == "" {
				errs = append(errs, durward.Invalid(part.name, "a name is empty"))
			}
			if len(operations) == 0 {
				errs = append(errs, durward.Invalid(field, "names no operation; remove it or name one"))
			}
			errs = append(errs, repeated(field, operations))
		}
	}
	errs = append(errs, repeated("authenticated", c.Authenticated), c.checkOwner(), c.checkSources(), c.checkObjects())
	if c.Mode == durward.Off && (len(c.Roles) > 0 || len(c.Scopes) > 0 || len(c.Owner) > 0 || len(c.Policies) > 0) {
		errs = append(errs, durward.Invalid("mode", "off, but rules are given; use report to try them, or remove them"))
	}
	return errors.Join(errs...)
}

func repeated(field string, operations []string) error {
	for i, id := range operations {
		if slices.Contains(operations[:i], id) {
			return durward.Invalid(field, "names %q twice", id)
		}
	}
	return nil
}

func (c *Config) checkOwner() error {
	var errs []error
	for i, o := range c.Owner {
		field := fmt.Sprintf("owner[%d]", i)
		if len(o.Operations) == 0 {
			errs = append(errs, durward.Invalid(field+".operations", "names no operation"))
		}
		if o.Claim == "" {
			errs = append(errs, durward.Invalid(field+".claim", "is missing; sub is the caller's subject"))
		}
		if part, name, ok := strings.Cut(o.Equals, "."); !ok || name == "" || part != "path" && part != "query" && part != "headers" {
			errs = append(errs, durward.Invalid(field+".equals", "must be path.NAME, query.NAME or headers.NAME"))
		}
		errs = append(errs, repeated(field+".operations", o.Operations))
	}
	return errors.Join(errs...)
}

func (c *Config) checkSources() error {
	var errs []error
	for i, s := range c.Policies {
		if (s.File == "") == (strings.TrimSpace(s.Cedar) == "") {
			errs = append(errs, durward.Invalid(fmt.Sprintf("policies[%d]", i), "needs either file or cedar"))
		}
	}
	for name, text := range c.Claims {
		if _, ok := claimTypes[text]; !ok || name == "" {
			errs = append(errs, durward.Invalid("claims."+name, "must be String, Long, Bool or Set<String>"))
		}
	}
	return errors.Join(errs...)
}

// Covers tells whether a rule names the operation, so that somebody may call
// it. What policies cover is known only when they are compiled.
func (c *Config) Covers(operation string) bool {
	return len(holders(c.Roles, operation)) > 0 || len(holders(c.Scopes, operation)) > 0 ||
		names(c.Authenticated, operation) || len(c.ownersOf(operation)) > 0
}

// Named lists every operation that a rule names, sorted, without Every.
// Policies are not looked into: Compile finds what they name.
func (c *Config) Named() []string {
	var all []string
	for _, rules := range []map[string][]string{c.Roles, c.Scopes} {
		for _, operations := range rules {
			all = append(all, operations...)
		}
	}
	all = append(all, c.Authenticated...)
	for _, o := range c.Owner {
		all = append(all, o.Operations...)
	}
	for _, o := range c.Objects {
		all = append(all, o.Operations...)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(id string) bool { return id == Every })
}

func names(operations []string, operation string) bool {
	return slices.Contains(operations, operation) || slices.Contains(operations, Every)
}

// holders lists who the rules let call the operation, sorted.
func holders(rules map[string][]string, operation string) []string {
	var out []string
	for _, holder := range slices.Sorted(maps.Keys(rules)) {
		if names(rules[holder], operation) {
			out = append(out, holder)
		}
	}
	return out
}

func (c *Config) ownersOf(operation string) []Owner {
	var out []Owner
	for _, o := range c.Owner {
		if names(o.Operations, operation) {
			out = append(out, o)
		}
	}
	return out
}
