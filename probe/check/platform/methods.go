// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"net/http"
	"strings"

	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/compare"
	"durward/probe/finding"
	"durward/probe/spec"
)

// methods looks for a way around the credential: an operation that refuses who
// has none, asked by another method, or by a method that a field names.
func methods(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if op.Method == http.MethodDelete && !env.ReadOnly && !check.EndsSession(op) {
		if err := deletions(ctx, env, op); err != nil {
			return err
		}
	}
	e, err := good(ctx, env, op)
	if err != nil || e == nil || !e.Answer.OK() || e.As == nil {
		return err
	}
	refused, err := anonymous(ctx, env, e.Request, op.Method, "")
	if err != nil || !denied(refused) {
		return err
	}
	if op.Method == http.MethodGet {
		if err := otherMethods(ctx, env, op, e, refused); err != nil {
			return err
		}
	}
	return overrides(ctx, env, op, e, refused)
}

func denied(e *check.Exchange) bool {
	return e != nil && (e.Answer.Status == http.StatusUnauthorized || e.Answer.Status == http.StatusForbidden)
}

// anonymous sends a request without its credentials, by another method and
// perhaps with one more field ("Name: value") or query ("?name=value").
func anonymous(ctx context.Context, env *check.Env, like *client.Request, method, extra string) (*check.Exchange, error) {
	r := &client.Request{Method: method, Target: like.Target, Body: like.Body}
	for _, f := range like.Header {
		secret := strings.EqualFold(f.Name, "Authorization") || strings.EqualFold(f.Name, "Cookie")
		for _, s := range like.Secrets {
			secret = secret || s != "" && strings.Contains(f.Value, s)
		}
		if !secret {
			r.Header = append(r.Header, f)
		}
	}
	for _, s := range like.Secrets {
		if s != "" && strings.Contains(r.Target, s) {
			return nil, nil // a credential in the address cannot be told from the rest
		}
	}
	if name, value, ok := strings.Cut(extra, ": "); ok {
		r.Set(name, value)
	} else if query, ok := strings.CutPrefix(extra, "?"); ok {
		sep := "?"
		if strings.Contains(r.Target, "?") {
			sep = "&"
		}
		r.Target += sep + query
	}
	if method == http.MethodGet || method == http.MethodHead {
		r.Body = nil
		r.Del("Content-Type")
	}
	return do(ctx, env, r)
}

// do sends a request; nil where no answer came. The error is a check.Fatal one.
func do(ctx context.Context, env *check.Env, r *client.Request) (*check.Exchange, error) {
	if env.ReadOnly && !check.Safe(r.Method) {
		return nil, nil
	}
	e, err := env.World.Do(ctx, r)
	if check.Fatal(ctx, err) {
		return nil, err
	}
	if err != nil || e == nil || e.Answer == nil {
		return nil, nil
	}
	return e, nil
}

// otherMethods asks for what GET gives by methods that nobody declared.
func otherMethods(ctx context.Context, env *check.Env, op *spec.Operation, owner, refused *check.Exchange) error {
	var same compare.Baseline
	same.Learn(owner.Answer)
	if again, err := env.World.Send(ctx, owner.Call.Clone(), owner.As); err == nil {
		same.Learn(again.Answer)
	} else if check.Fatal(ctx, err) {
		return err
	}
	for _, method := range []string{"HEAD", "PURGE", "FOO", "get", "OPTIONS", "POST", "PUT", "PATCH"} {
		if declares(env.API, op.Path, strings.ToUpper(method)) && method != "get" {
			continue
		}
		var steps []finding.Step
		for range 2 {
			e, err := anonymous(ctx, env, owner.Request, method, "")
			if err != nil {
				return err
			}
			if e == nil || !equivalent(&same, owner.Answer, e.Answer, method) {
				break
			}
			steps = append(steps, env.Step("no credential, by "+method, e))
		}
		if len(steps) == 2 {
			report(env, op, methodBypass, finding.Firm, "method."+method, method+" gets without a credential what GET gives to who has one.",
				append([]finding.Step{env.Step("control: with a credential", owner), env.Step("control: GET without one is refused", refused)}, steps...)...)
			return nil
		}
	}
	return nil
}

// declares tells whether the document has a method for a path.
func declares(api *spec.API, path, method string) bool {
	for _, op := range api.Operations {
		if op.Path == path && op.Method == method {
			return true
		}
	}
	return false
}

// equivalent tells whether an answer gives what the owner's did. HEAD has no
// content to compare, but says how long it would be.
func equivalent(same *compare.Baseline, owner, a *client.Answer, method string) bool {
	if a.Status != owner.Status {
		return false
	}
	if method == http.MethodHead {
		n := a.Header.Get("Content-Length")
		return n != "" && n != "0" && n == owner.Header.Get("Content-Length")
	}
	return len(a.Body) > 2 && same.Same(compare.Text{Answer: owner}, compare.Text{Answer: a})
}

// carriers are the ways in which frameworks let a request name another method.
func carriers(method string) []string {
	return []string{"X-HTTP-Method-Override: " + method, "X-HTTP-Method: " + method, "X-Method-Override: " + method, "?_method=" + method}
}

// overrides asks for an operation by another method that names it. Each attempt
// acts on an object of its own, since the operation may be gone with it.
func overrides(ctx context.Context, env *check.Env, op *spec.Operation, owner, refused *check.Exchange) error {
	for _, carrier := range []string{http.MethodGet, http.MethodPost} {
		if carrier == op.Method {
			continue
		}
		for _, extra := range carriers(op.Method) {
			var steps []finding.Step
			for range 2 {
				r, err := again(ctx, env, op, owner)
				if err != nil || r == nil {
					return err
				}
				plain, err := anonymous(ctx, env, r, carrier, "")
				if err != nil {
					return err
				}
				e, err := anonymous(ctx, env, r, carrier, extra)
				if err != nil {
					return err
				}
				if e == nil || plain == nil || e.Answer.Status != owner.Answer.Status || !compare.Alike(e.Answer, owner.Answer) ||
					plain.Answer.Status == e.Answer.Status && compare.Alike(plain.Answer, e.Answer) {
					break
				}
				steps = append(steps, env.Step(carrier+" alone, no credential", plain), env.Step(carrier+" with "+extra+", no credential", e))
			}
			if len(steps) == 4 {
				report(env, op, overrideBypass, finding.Firm, "method."+carrier, "A "+carrier+" that names "+op.Method+" as its method is answered without a credential as "+op.Method+" is with one.",
					append([]finding.Step{env.Step("control: with a credential", owner), env.Step("control: without one it is refused", refused)}, steps...)...)
				return nil
			}
		}
	}
	return nil
}

// again writes a call of the operation down once more; on a new object where the
// operation changes or deletes what it acts on.
func again(ctx context.Context, env *check.Env, op *spec.Operation, owner *check.Exchange) (*client.Request, error) {
	c := owner.Call
	if !check.Safe(op.Method) {
		var err error
		if c, err = env.World.Call(ctx, op, owner.As); err != nil {
			if check.Fatal(ctx, err) {
				return nil, err
			}
			return nil, nil
		}
	}
	r, err := env.World.Request(ctx, c, owner.As)
	if err != nil {
		return nil, nil
	}
	return r, nil
}

// trace asks whether TRACE gives requests back.
func trace(ctx context.Context, env *check.Env) error {
	if env.ReadOnly {
		return nil
	}
	tried := 0
	for _, op := range env.API.Operations {
		c, err := env.World.Call(ctx, op, nil)
		if check.Fatal(ctx, err) {
			return err
		}
		if err != nil || tried == 3 {
			continue
		}
		like, err := env.World.Request(ctx, c, nil)
		if err != nil {
			continue
		}
		tried++
		mark := word(env.Rand)
		e, err := do(ctx, env, &client.Request{Method: http.MethodTrace, Target: like.Target, Header: []client.Field{{Name: "X-Probe", Value: mark}}})
		if err != nil {
			return err
		}
		if e != nil && e.Answer.OK() && strings.Contains(string(e.Answer.Body), mark) {
			report(env, op, traceEnabled, finding.Certain, "method.TRACE", "The answer to TRACE has the request's own fields, those that proxies added included.", env.Step("TRACE with a mark", e))
			return nil
		}
	}
	return nil
}
