// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// sessions tests what is the same for the whole API: credentials in the query,
// and what a logout does.
func sessions(ctx context.Context, env *check.Env) error {
	for _, op := range env.API.Operations {
		if op.Method != http.MethodGet || Entrance(op) || strings.Contains(op.Path, "{") {
			continue
		}
		if needs, said := oracle.Secured(op); said && !needs {
			continue
		}
		t, err := aim(ctx, env, op)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || t == nil || oracle.Accepted(t.nobody.Answer) {
			continue
		}
		if err := t.query(ctx); err != nil {
			return err
		}
		return t.leave(ctx)
	}
	return nil
}

// query tests whether the credential is taken from the query as well.
func (t *target) query(ctx context.Context) error {
	for _, c := range t.as.Credentials() {
		if c.In == "query" || len(c.Secret) < 8 {
			continue
		}
		for _, name := range []string{"access_token", "token", "auth_token", "api_key", "apikey", "jwt", "auth", "key"} {
			r, err := t.env.World.Request(ctx, t.call, nil)
			if err != nil {
				return err
			}
			mark := "?"
			if strings.Contains(r.Target, "?") {
				mark = "&"
			}
			r.Target += mark + name + "=" + url.QueryEscape(c.Secret)
			r.Hide(identity.Variable(t.as.Name, 0), url.QueryEscape(c.Secret))
			var e *check.Exchange
			for range 2 {
				if e, err = t.env.World.Do(ctx, r); err != nil {
					return err
				}
				if !t.taken(e) {
					break
				}
			}
			if t.taken(e) {
				oracle.Report(t.env, inQuery, finding.Firm, t.op, "query."+name, "The credential is taken from the query, which logs and histories keep.",
					t.env.Step("control: "+t.as.Name+" calls it", t.good), t.env.Step("control: without a credential", t.nobody),
					t.env.Step("with the credential in the query", e))
				return nil
			}
		}
	}
	return nil
}

// leave tests whether a logout has an effect. The user is logged in anew
// afterwards, as with any credential that is not taken any more.
func (t *target) leave(ctx context.Context) error {
	op := logoutOf(t.env.API)
	if op == nil || t.env.ReadOnly && !oracle.Safe(op.Method) {
		return nil
	}
	as := identity.Static(t.as.Name, t.as.Credentials()...)
	before, err := oracle.Try(ctx, t.env, t.call, as)
	if err != nil || !t.taken(before) {
		return err
	}
	c, err := t.env.World.Call(ctx, op, t.as)
	if err != nil {
		return ctx.Err()
	}
	out, err := oracle.Try(ctx, t.env, c, as)
	if err != nil || !oracle.Accepted(out.Answer) {
		return err
	}
	var after *check.Exchange
	for range 2 {
		if after, err = oracle.Try(ctx, t.env, t.call, as); err != nil || !t.taken(after) {
			return err
		}
	}
	oracle.Report(t.env, logout, finding.Certain, op, "", "The credential is taken after the logout as before.",
		t.env.Step("control: before the logout", before), t.env.Step("the logout", out), t.env.Step("after the logout", after))
	return nil
}

// logoutOf finds the operation that ends a session.
func logoutOf(api *spec.API) *spec.Operation {
	for _, op := range api.Operations {
		if strings.Contains(op.Path, "{") {
			continue
		}
		words := oracle.Words(&spec.Operation{Path: op.Path, ID: op.ID})
		if slices.ContainsFunc(words, func(w string) bool {
			return w == "logout" || w == "signout" || w == "logoff" || w == "revoke"
		}) && !slices.Contains(words, "all") {
			return op
		}
		last := strings.ToLower(op.Path[strings.LastIndexByte(op.Path, '/')+1:])
		if op.Method == http.MethodDelete && (last == "session" || last == "sessions" || last == "login") {
			return op
		}
	}
	return nil
}
