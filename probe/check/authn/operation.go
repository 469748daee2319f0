// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// entrance are words of operations that are there for those who are nobody yet,
// or that end what the test works with.
var entrance = []string{"login", "logon", "signin", "signup", "register", "registration", "forgot", "logout", "signout", "logoff",
	"refresh", "recover", "recovery", "activate", "confirm", "captcha", "health", "healthz", "healthcheck", "ready", "readyz", "livez", "live",
	"ping", "version", "openapi", "swagger", "doc", "jwk", "metric", "createdb", "unlock", "heartbeat", "robot", "favicon", "webhook"}

// Entrance tells that an operation is one by which people come in or leave, or
// that tells of the service itself.
func Entrance(op *spec.Operation) bool {
	words := oracle.Words(&spec.Operation{Path: op.Path, ID: op.ID})
	if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(entrance, w) }) {
		return true
	}
	last := strings.Trim(op.Path[strings.LastIndexByte(op.Path, '/')+1:], "/")
	in := slices.Contains([]string{"session", "sessions", "token", "tokens", "authenticate", "auth"}, strings.ToLower(last))
	return in && op.Method != http.MethodGet ||
		slices.Contains(words, "password") && (slices.Contains(words, "reset") || slices.Contains(words, "forgot"))
}

// target is one operation with the answers that forged ones are compared with.
type target struct {
	env    *check.Env
	op     *spec.Operation
	as     *identity.Identity
	call   *call.Call
	good   *check.Exchange
	nobody *check.Exchange
}

// aim finds a user who may call the operation, and calls it as them and as
// nobody. It is nil where nobody may, and where the call is no control.
func aim(ctx context.Context, env *check.Env, op *spec.Operation) (*target, error) {
	var first error
	for _, as := range ordinary(env.Users) {
		c, err := env.World.Call(ctx, op, as)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			first = err
			continue
		}
		good, err := env.World.Send(ctx, c, as)
		if err != nil {
			return nil, err
		}
		if !oracle.Accepted(good.Answer) {
			continue
		}
		t := &target{env: env, op: op, as: as, call: c, good: good}
		if err := t.again(ctx); err != nil {
			return nil, err
		}
		t.nobody, err = oracle.Try(ctx, env, t.call, nil)
		return t, err
	}
	return nil, first
}

// again makes the call anew where it can be done once only.
func (t *target) again(ctx context.Context) error {
	if oracle.Safe(t.op.Method) {
		return nil
	}
	c, err := t.env.World.Call(ctx, t.op, t.as)
	if err == nil {
		t.call = c
	}
	return ctx.Err()
}

// ordinary sorts users so that those who may least come first.
func ordinary(users []*identity.Identity) []*identity.Identity {
	out := slices.Clone(users)
	slices.SortStableFunc(out, func(a, b *identity.Identity) int {
		return rank(a) - rank(b)
	})
	return out
}

func rank(u *identity.Identity) int {
	if oracle.Privileged(u) {
		return 1
	}
	return 0
}

// taken tells that an answer is that of the good call rather than that of
// nobody.
func (t *target) taken(e *check.Exchange) bool {
	if !oracle.Accepted(e.Answer) {
		return false
	}
	if oracle.Accepted(t.nobody.Answer) && oracle.Same(t.nobody.Answer.Body, e.Answer.Body) {
		return false
	}
	a, b := t.good.Answer.Body, e.Answer.Body
	return len(a) == 0 && len(b) == 0 || oracle.Same(a, b) || oracle.Alike(a, b)
}

func operation(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if env.ReadOnly && !oracle.Safe(op.Method) || Entrance(op) {
		return nil
	}
	if needs, said := oracle.Secured(op); said && !needs {
		return nil
	}
	t, err := aim(ctx, env, op)
	if t == nil || err != nil {
		return err
	}
	if oracle.Accepted(t.nobody.Answer) {
		return t.open(ctx)
	}
	for i, c := range t.as.Credentials() {
		if tok := parse(c.Secret); tok != nil {
			if err := t.forge(ctx, i, tok); err != nil {
				return err
			}
		} else if err := t.replace(ctx, i, c); err != nil {
			return err
		}
	}
	return nil
}

// open tests an operation that answers to nobody.
func (t *target) open(ctx context.Context) error {
	needs, said := oracle.Secured(t.op)
	change := slices.Contains([]string{http.MethodPut, http.MethodPatch, http.MethodDelete}, t.op.Method)
	if !needs && (said || !change || len(t.env.API.Schemes) == 0) {
		return nil
	}
	if !oracle.Safe(t.op.Method) {
		if err := t.again(ctx); err != nil {
			return err
		}
	}
	e, err := oracle.Try(ctx, t.env, t.call, nil)
	if err != nil || !oracle.Accepted(e.Answer) {
		return err
	}
	a, b := t.good.Answer.Body, e.Answer.Body
	if !(len(a) == 0 && len(b) == 0) && !oracle.Same(a, b) && !oracle.Alike(a, b) {
		return nil
	}
	oracle.Report(t.env, missing, finding.Certain, t.op, "", "The operation is done for somebody who shows no credential.",
		t.env.Step("control: "+t.as.Name+" calls it", t.good), t.env.Step("without a credential", e))
	return nil
}

// as sends the call with one credential replaced by another text.
func (t *target) try(ctx context.Context, n int, secret string) (*check.Exchange, error) {
	creds := t.as.Credentials()
	if n >= len(creds) {
		return nil, nil
	}
	creds[n].Secret = secret
	forged := identity.Static(t.as.Name+"_FORGED", creds...)
	r, err := t.env.World.Request(ctx, t.call, forged)
	if err != nil {
		return nil, err
	}
	return t.env.World.Do(ctx, r)
}

// confirm sends a forged credential and, when it was taken, once more.
func (t *target) confirm(ctx context.Context, n int, k trick) (*check.Exchange, error) {
	e, err := t.try(ctx, n, k.text)
	if err != nil || e == nil || !t.taken(e) {
		return nil, err
	}
	if err := t.again(ctx); err != nil {
		return nil, err
	}
	if e, err = t.try(ctx, n, k.text); err != nil || e == nil || !t.taken(e) {
		return nil, err
	}
	return e, t.again(ctx)
}

func (t *target) report(k trick, e *check.Exchange) {
	oracle.Report(t.env, k.kind, finding.Firm, t.op, k.where, strings.ToUpper(k.what[:1])+k.what[1:]+" is taken.",
		t.env.Step("control: "+t.as.Name+" calls it", t.good), t.env.Step("control: without a credential", t.nobody),
		t.env.Step("with "+k.what, e))
}

// forge tries the tricks with tokens.
func (t *target) forge(ctx context.Context, n int, tok *token) error {
	keys, err := keysOf(ctx, t.env)
	if err != nil {
		return err
	}
	groups := [][]trick{withoutKey(tok), guessed(tok, words(t.env.API.Title)), confused(tok, keys), kids(tok), enclosed(tok)}
	var power *trick
	seen := map[string]bool{}
	for _, group := range groups {
		for _, k := range group {
			if seen[k.kind.ID+k.where] {
				continue
			}
			e, err := t.confirm(ctx, n, k)
			if err != nil {
				return err
			}
			if e == nil {
				continue
			}
			seen[k.kind.ID+k.where] = true
			t.report(k, e)
			if k.sign != nil && power == nil {
				power = &k
			}
			if k.kind.ID == unverified.ID {
				return t.claims(ctx, n, tok, power) // all others would be taken, too
			}
		}
	}
	if err := t.point(ctx, n, tok); err != nil {
		return err
	}
	return t.claims(ctx, n, tok, power)
}

// claims tests what a token says, by the power of a trick that signs.
func (t *target) claims(ctx context.Context, n int, tok *token, power *trick) error {
	if power == nil || power.sign == nil {
		return nil
	}
	now := time.Now().Unix()
	for _, f := range faults(tok, now) {
		k := trick{kind: f.kind, where: f.where, what: f.what, text: power.sign(with(tok.claims, f.claims), f.header)}
		e, err := t.confirm(ctx, n, k)
		if err != nil {
			return err
		}
		if e != nil {
			t.report(k, e)
		}
	}
	return nil
}

// point tests whether the service asks for keys where a token says.
func (t *target) point(ctx context.Context, n int, tok *token) error {
	if t.env.Listener == nil {
		return nil
	}
	for _, member := range []string{"jku", "x5u"} {
		url, hit := t.env.Listener.URL()
		e, err := t.try(ctx, n, pointing(tok, member, url))
		if err != nil {
			return err
		}
		if e != nil && hit() {
			oracle.Report(t.env, keyURL, finding.Certain, t.op, "header."+member,
				fmt.Sprintf("The service asked for a key at the address that the token's %s named.", member),
				t.env.Step("control: "+t.as.Name+" calls it", t.good), t.env.Step("a token with "+member, e))
		}
	}
	return nil
}

// replace tries texts in place of a credential that is no token.
func (t *target) replace(ctx context.Context, n int, c identity.Credential) error {
	any := false
	for _, k := range garbage(c.Secret) {
		if k.kind.ID == partial.ID && any {
			continue
		}
		if c.In == "header" && c.Prefix == "" && personal(t.as, c.Secret) {
			continue // the field names the user: whoever stands before the service sets it
		}
		e, err := t.confirm(ctx, n, k)
		if err != nil {
			return err
		}
		if e != nil && !any {
			any = k.kind.ID == malformed.ID
			t.report(k, e)
		}
	}
	return nil
}

// personal tells that a credential is but the user's name.
func personal(as *identity.Identity, secret string) bool {
	return strings.EqualFold(secret, as.Name) || as.Is(secret)
}
