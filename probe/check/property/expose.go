// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package property

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// exposures looks at the good answers of an operation, to ordinary users and to
// nobody.
func exposures(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if op.Method == http.MethodDelete || op.Method == http.MethodHead || env.ReadOnly && !oracle.Safe(op.Method) {
		return nil
	}
	users := []*identity.Identity{}
	for _, u := range env.Users {
		if !oracle.Privileged(u) {
			users = append(users, u)
		}
	}
	if needs, said := oracle.Secured(op); said && !needs {
		users = append(users, nil)
	}
	if len(users) == 0 {
		users = env.Users
	}
	for _, as := range users {
		e, err := env.World.Good(ctx, op, as)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || !oracle.Accepted(e.Answer) {
			continue
		}
		if inspect(env, op, as, e) {
			return nil
		}
	}
	return nil
}

// inspect reports what one answer should not show.
func inspect(env *check.Env, op *spec.Operation, as *identity.Identity, e *check.Exchange) bool {
	sent := map[string]bool{}
	if e.Call != nil {
		sent = oracle.Values(e.Call)
	}
	in := entrance(op)
	answer := schemaOf(op, e.Answer.Status)
	var secret, personal, echo []string
	add := func(to *[]string, name string) {
		if !slices.Contains(*to, name) {
			*to = append(*to, name)
		}
	}
	for _, l := range oracle.Leaves(e.Answer.Body) {
		if len(l.Text) < 3 || oracle.Masked(l.Text) || !l.String && !oracle.Personal(l.Name) {
			continue
		}
		switch {
		case password(l.Name) && sent[l.Text], sent[l.Text] && writeOnly(op, e, l.Name):
			add(&echo, l.Name)
		case sent[l.Text]:
		case password(l.Name) && len(l.Text) >= 4:
			add(&secret, l.Name)
		case !in && oracle.SecretShape(l.Text) && !holds(as, l.Text):
			add(&secret, l.Name)
		case !in && strong(l.Name) && len(l.Text) >= 6 && !declared(answer, l.Pointer) && !holds(as, l.Text):
			add(&secret, l.Name)
		case answer != nil && l.Name != "" && !declared(answer, l.Pointer) && (oracle.Personal(l.Name) || oracle.PersonalShape(l.Text)) && !as.Is(l.Text):
			add(&personal, l.Name)
		}
	}
	who := "somebody without a credential"
	if as != nil {
		who = as.Name
	}
	step := env.Step("the answer to "+who, e)
	if len(echo) > 0 {
		oracle.Report(env, echoed, finding.Certain, op, "response#"+echo[0], "The answer repeats "+strings.Join(echo, ", ")+".", step)
	}
	if all := append(slices.Clone(secret), personal...); len(all) > 0 {
		kind := exposed
		if len(secret) == 0 {
			kind.Severity = finding.Medium
		}
		oracle.Report(env, kind, finding.Firm, op, "response#"+all[0], fmt.Sprintf("%s is shown %s.", who, strings.Join(all, ", ")), step)
	}
	return len(echo)+len(secret)+len(personal) > 0
}

// entrance tells that an operation's work is to give a credential out.
func entrance(op *spec.Operation) bool {
	words := oracle.Words(&spec.Operation{Path: op.Path, ID: op.ID})
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"login", "logon", "signin", "signup", "register", "token", "refresh", "session", "auth", "authenticate",
			"oauth", "key", "apikey", "credential", "secret", "jwk", "invite", "share", "webhook", "otp", "mfa", "totp"}, w)
	})
}

func password(name string) bool {
	p := oracle.Plain(name)
	return strings.HasPrefix(p, "password") && !strings.Contains(p, "reset") && !strings.Contains(p, "change") && !strings.Contains(p, "updated") &&
		!strings.Contains(p, "expire") && !strings.Contains(p, "policy") && !strings.Contains(p, "hint") && !strings.HasSuffix(p, "at") ||
		strings.HasSuffix(p, "password") || strings.HasSuffix(p, "passwordhash") || p == "passwd" || p == "pwd" || p == "pwdhash" || p == "passhash" ||
		p == "cvv" || p == "cvc"
}

// strong are names of secrets that are hardly anything else.
func strong(name string) bool {
	p := oracle.Plain(name)
	return oracle.Secret(name) && p != "token" && p != "secret" && p != "pin" && p != "salt" && p != "credential" && p != "credentials"
}

// holds tells that a text is one of the user's own credentials.
func holds(as *identity.Identity, text string) bool {
	for _, c := range as.Credentials() {
		if c.Secret == text {
			return true
		}
	}
	return false
}

// schemaOf is what the document says of an answer's content; nil where that is
// nothing that names members.
func schemaOf(op *spec.Operation, status int) *spec.Schema {
	for _, key := range []string{fmt.Sprint(status), fmt.Sprintf("%dXX", status/100), "default"} {
		a := op.Answers[key]
		if a == nil {
			continue
		}
		for _, m := range a.Content {
			if m.Schema != nil && strings.Contains(m.Type, "json") {
				return m.Schema
			}
		}
		return nil
	}
	return nil
}

// declared tells that a schema has a member at a JSON pointer, or says nothing of
// the members there.
func declared(s *spec.Schema, pointer string) bool {
	if s == nil {
		return true
	}
	return has(s, strings.Split(strings.TrimPrefix(pointer, "/"), "/"), 12)
}

func has(s *spec.Schema, steps []string, depth int) bool {
	if s == nil || len(steps) == 0 || depth == 0 {
		return true
	}
	step := strings.NewReplacer("~1", "/", "~0", "~").Replace(steps[0])
	says := false
	if p := s.Properties[step]; p != nil {
		return has(p, steps[1:], depth-1)
	}
	says = len(s.Properties) > 0
	if s.Items != nil && step != "" && strings.Trim(step, "0123456789") == "" {
		return has(s.Items, steps[1:], depth-1)
	}
	if s.Additional != nil && !s.Additional.False {
		return true
	}
	for _, branches := range [][]*spec.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, b := range branches {
			if has(b, steps, depth-1) && named(b, steps, depth-1) {
				return true
			}
			says = says || len(b.Properties) > 0
		}
	}
	return !says
}

// named tells that a branch has the member itself, rather than saying nothing.
func named(s *spec.Schema, steps []string, depth int) bool {
	if s == nil || depth == 0 {
		return false
	}
	step := strings.NewReplacer("~1", "/", "~0", "~").Replace(steps[0])
	if s.Properties[step] != nil || s.Items != nil || len(s.Properties) == 0 && len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) == 0 {
		return true
	}
	for _, branches := range [][]*spec.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, b := range branches {
			if named(b, steps, depth-1) {
				return true
			}
		}
	}
	return false
}

// writeOnly tells that the document has a member of a request's body as
// writeOnly.
func writeOnly(op *spec.Operation, e *check.Exchange, name string) bool {
	if op.Body == nil || e.Call == nil {
		return false
	}
	for _, m := range op.Body.Content {
		if p := memberOf(m.Schema, name, 6); p != nil && p.WriteOnly {
			return true
		}
	}
	return false
}

// memberOf finds a member by name in a schema and its branches.
func memberOf(s *spec.Schema, name string, depth int) *spec.Schema {
	if s == nil || depth == 0 {
		return nil
	}
	if p := s.Properties[name]; p != nil {
		return p
	}
	for _, branches := range [][]*spec.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, b := range branches {
			if p := memberOf(b, name, depth-1); p != nil {
				return p
			}
		}
	}
	return nil
}
