// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package authz decides what an authenticated caller may do: roles and scopes
// per operation (NIST RBAC; OAuth 2.0 scopes, RFC 6749 section 3.3). No match
// denies, and an operation that no rule names does not load unless it is
// declared public: OWASP API5:2023, broken function level authorization, is
// mostly a forgotten rule.
//
// Failure policy: it looks nothing up, so it cannot fail. It keeps no state.
package authz

import (
	"context"
	"errors"
	"slices"

	"durward"
)

// Every is the name that stands for every operation of the API.
const Every = "*"

// Config is the `authorize:` part of an API. Rules name operations by their
// operationId; "*" stands for every operation.
//
// An operation that stands under roles needs one of those roles, unless it also
// stands under authenticated, which is the role that every caller has. One that
// stands under scopes needs one of those scopes. One that stands under both
// roles and scopes needs one of each.
type Config struct {
	// Mode is enforce, report (record what would be refused) or off.
	Mode durward.Mode `yaml:"mode"`
	// Roles says, for each role, which operations it may call.
	Roles map[string][]string `yaml:"roles"`
	// Scopes says, for each scope of a token or key, which operations it opens.
	Scopes map[string][]string `yaml:"scopes"`
	// Authenticated lists operations that every authenticated caller may call.
	Authenticated []string `yaml:"authenticated"`
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
	errs = append(errs, repeated("authenticated", c.Authenticated))
	if c.Mode == durward.Off && (len(c.Roles) > 0 || len(c.Scopes) > 0) {
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

// Covers tells whether a rule names the operation, so that somebody may call it.
func (c *Config) Covers(operation string) bool {
	return len(holders(c.Roles, operation)) > 0 || len(holders(c.Scopes, operation)) > 0 ||
		names(c.Authenticated, operation)
}

// Named lists every operation that a rule names, sorted, without Every.
func (c *Config) Named() []string {
	var all []string
	for _, rules := range []map[string][]string{c.Roles, c.Scopes} {
		for _, operations := range rules {
			all = append(all, operations...)
		}
	}
	all = append(all, c.Authenticated...)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(id string) bool { return id == Every })
}

func names(operations []string, operation string) bool {
	return slices.Contains(operations, operation) || slices.Contains(operations, Every)
}

// holders lists who the rules let call the operation, sorted.
func holders(rules map[string][]string, operation string) []string {
	var out []string
	for holder, operations := range rules {
		if names(operations, operation) {
			out = append(out, holder)
		}
	}
	slices.Sort(out)
	return out
}

var (
	errNobody  = errors.New("nobody was authenticated")
	errNoRole  = errors.New("the caller has none of the roles that the operation needs")
	errNoScope = errors.New("the credential has none of the scopes that the operation needs")
)

// stage holds the rules of one operation, resolved at load.
type stage struct {
	roles, scopes []string
}

// New makes the stage of one operation; nil when the operation is public. An
// operation that no rule covers is an error: deny by default is said at load,
// not found out by a caller.
func New(cfg *Config, op *durward.Operation, public bool) (durward.Stage, error) {
	if public {
		return nil, nil
	}
	if !cfg.Covers(op.ID) {
		return nil, durward.Invalid("", "operation %q is covered by no rule; name it under roles, scopes or authenticated, or declare it public", op.ID)
	}
	s := &stage{scopes: holders(cfg.Scopes, op.ID)}
	if !names(cfg.Authenticated, op.ID) {
		s.roles = holders(cfg.Roles, op.ID)
	}
	return s, nil
}

func (s *stage) Name() string { return "authz" }

// Request refuses with CodeForbidden when a rule is not met. Nobody is an
// authentication matter, so it gets CodeUnauthenticated.
func (s *stage) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	p := &x.Principal
	switch {
	case !p.Known():
		return durward.Refuse(durward.CodeUnauthenticated, errNobody)
	case len(s.roles) > 0 && !overlap(s.roles, p.Roles):
		return durward.Refuse(durward.CodeForbidden, errNoRole)
	case len(s.scopes) > 0 && !overlap(s.scopes, p.Scopes):
		return durward.Refuse(durward.CodeForbidden, errNoScope)
	}
	return durward.Proceed()
}

func overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}
