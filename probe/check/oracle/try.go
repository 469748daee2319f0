// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// Try sends a call as somebody who may not be allowed to. What it shows is not
// remembered as theirs. A credential that ran out is renewed, so that a 401 is
// about the call.
func Try(ctx context.Context, env *check.Env, c *call.Call, as *identity.Identity) (*check.Exchange, error) {
	r, err := env.World.Request(ctx, c, as)
	if err != nil {
		return nil, err
	}
	e, err := env.World.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	if e.Answer.Status == http.StatusUnauthorized && as != nil {
		return env.World.Send(ctx, c, as)
	}
	e.Call, e.As = c, as
	return e, nil
}

// Safe tells that a method changes nothing (RFC 9110, section 9.2.1).
func Safe(method string) bool { return method == "GET" || method == "HEAD" || method == "OPTIONS" }

// Report makes a finding of a kind at an operation.
func Report(env *check.Env, kind finding.Kind, sure finding.Confidence, op *spec.Operation, where, detail string, steps ...finding.Step) {
	f := finding.Finding{Kind: kind, Severity: kind.Severity, Confidence: sure, Where: where, Detail: detail, Steps: steps}
	if op != nil {
		f.Operation, f.Method, f.Path = op.ID, op.Method, op.Path
	}
	env.Report(f)
}

// Values is the set of texts that a call holds in its path, query and body:
// what an answer may only repeat.
func Values(c *call.Call) map[string]bool {
	set := map[string]bool{}
	for _, vs := range []call.Values{c.Path, c.Query, c.Header} {
		for _, v := range vs {
			for _, l := range Of(v.Value) {
				set[l.Text] = true
			}
			set[fmt.Sprint(v.Value)] = true
		}
	}
	for _, l := range Of(c.Body) {
		set[l.Text] = true
	}
	return set
}

// PathValue gives a path parameter's value, nil where there is none.
func PathValue(c *call.Call, name string) any {
	for _, v := range c.Path {
		if v.Name == name {
			return v.Value
		}
	}
	return nil
}

// Parameters are the names of a path's parameters, in order.
func Parameters(path string) []string {
	var out []string
	for {
		_, rest, ok := strings.Cut(path, "{")
		if !ok {
			return out
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return out
		}
		out, path = append(out, name), after
	}
}

// Lists are the operations that list things of the kind that op reads: GET of a
// path that ends in no parameter, above op's or with the same noun. Op itself is
// not among them.
func Lists(api *spec.API, op *spec.Operation) []*spec.Operation {
	var out []*spec.Operation
	noun := Noun(op)
	for _, o := range api.Operations {
		if o.Method != http.MethodGet || o == op || strings.HasSuffix(o.Path, "}") {
			continue
		}
		last := o.Path[strings.LastIndexByte(o.Path, '/')+1:]
		words := split(last)
		same := len(words) > 0 && singular(words[len(words)-1]) == noun
		above := strings.HasPrefix(op.Path, o.Path+"/{")
		if (same || above) && !required(o, op) {
			out = append(out, o)
		}
	}
	return out
}

// required tells that a list has path parameters that op does not have.
func required(list, op *spec.Operation) bool {
	have := Parameters(op.Path)
	return slices.ContainsFunc(Parameters(list.Path), func(n string) bool { return !slices.Contains(have, n) })
}

// Listed gives the texts of what a user is shown by the lists of an operation's
// kind of thing, in the same collection as c, and whether any list answered.
func Listed(ctx context.Context, env *check.Env, c *call.Call, as *identity.Identity) (texts map[string]bool, any bool, err error) {
	texts = map[string]bool{}
	for _, list := range Lists(env.API, c.Op) {
		lc, err := env.World.Call(ctx, list, as)
		if err != nil {
			if ctx.Err() != nil {
				return nil, false, err
			}
			continue
		}
		for i, v := range lc.Path {
			if own := PathValue(c, v.Name); own != nil {
				lc.Path[i].Value = own
			}
		}
		e, err := Try(ctx, env, lc, as)
		if err != nil {
			return nil, false, err
		}
		if !Accepted(e.Answer) {
			continue
		}
		any = true
		for t := range Texts(Leaves(e.Answer.Body)) {
			texts[t] = true
		}
	}
	return texts, any, nil
}
