// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/identity"
	"durward/probe/spec"
)

// Discover registers so many users and logs them in, by operations that look
// like it. It gives those that got credentials that open something, and says
// what went wrong. Nothing is tried where the document has no such operations.
func (w *World) Discover(ctx context.Context, n int) (users []*identity.Identity, why string, err error) {
	var registers []*spec.Operation
	for _, op := range Order(w.API) {
		if Registers(op) {
			registers = append(registers, op)
		}
	}
	logins := Logins(w.API)
	if len(registers) == 0 {
		return nil, "the document has no operation that looks like a registration", nil
	}
	for i := range n {
		var u *identity.Identity
		for _, op := range registers {
			u, why, err = w.join(ctx, op, logins, fmt.Sprintf("user%d", i+1))
			if err != nil {
				return users, why, err
			}
			if u != nil {
				break
			}
		}
		if u == nil {
			return users, why, nil
		}
		users = append(users, u)
	}
	return users, "", nil
}

// Logins are the operations that look like logins, the shortest path first.
func Logins(api *spec.API) []*spec.Operation {
	var out []*spec.Operation
	for _, op := range Order(api) {
		if Authenticates(op) && !Registers(op) {
			out = append(out, op)
		}
	}
	slices.SortStableFunc(out, func(a, b *spec.Operation) int { return len(a.Path) - len(b.Path) })
	return out
}

// join registers one user and logs it in.
func (w *World) join(ctx context.Context, register *spec.Operation, logins []*spec.Operation, name string) (*identity.Identity, string, error) {
	e, err := w.attempt(ctx, register, nil, 0)
	if stop := ends(ctx, err); stop != nil {
		return nil, "", stop
	}
	if err != nil {
		return nil, "registering failed: " + err.Error(), nil
	}
	w.forget(register)
	known := map[string]any{}
	password := ""
	gather(e.Call.Body, func(n string, v any) {
		if isPassword(plain(n)) {
			password = fmt.Sprint(v)
			return
		}
		known[n] = v
	})
	u := &identity.Identity{Name: name, Known: known}
	u.Learn(e.Answer)
	return w.Enter(ctx, logins, u, password, e)
}

// Enter logs a user in, whose names are known, by one of the operations.
// registered is the registration's exchange, whose answer may hold credentials
// already; nil for none.
func (w *World) Enter(ctx context.Context, logins []*spec.Operation, u *identity.Identity, password string, registered *check.Exchange) (*identity.Identity, string, error) {
	u.SetPassword(password)
	why := "the document has no operation that looks like a login"
	for _, op := range logins {
		for try := range 4 {
			c, ok := w.loginCall(ctx, op, u, try)
			if !ok {
				break
			}
			r, err := c.Encode(w.Base)
			if err != nil {
				break
			}
			a, err := w.Client.Do(ctx, r)
			if err != nil {
				return nil, "", err
			}
			if !a.OK() || Failed(a) {
				why = fmt.Sprintf("the login at %s %s was answered %d", op.Method, op.Path, a.Status)
				continue
			}
			creds := identity.Detect(a)
			if len(creds) == 0 {
				why = fmt.Sprintf("the login at %s %s gave no token and no cookie", op.Method, op.Path)
				continue
			}
			style, err := w.style(ctx, u, creds)
			if err != nil {
				return nil, "", err
			}
			u.Recipe(r, a, style)
			return u, "", nil
		}
	}
	if registered != nil {
		if creds := identity.Detect(registered.Answer); len(creds) > 0 {
			style, err := w.style(ctx, u, creds)
			if err != nil {
				return nil, "", err
			}
			u.Fixed(registered.Answer, style(creds))
			return u, "", nil
		}
	}
	for _, s := range w.API.Schemes {
		if s.Type == "http" && s.HTTPScheme == "basic" && password != "" {
			for _, n := range []string{"username", "user", "login", "email", "name"} {
				if v, ok := u.Knows(n); ok {
					u.Fixed(nil, []identity.Credential{identity.BasicCredential(fmt.Sprint(v), password)})
					return u, "", nil
				}
			}
		}
	}
	return nil, why, nil
}

// loginCall fills a login with what the user registered. try chooses, where the
// login asks for one name and several were given.
func (w *World) loginCall(ctx context.Context, op *spec.Operation, u *identity.Identity, try int) (*call.Call, bool) {
	m := maker{w: w, ctx: ctx, op: op, as: u, turn: turn{body: try % 2}, try: try % 2, rand: Rand(w.Seed, "login", op.ID)}
	c := &call.Call{Op: op}
	m.fill(c)
	body, ok := c.Body.(map[string]any)
	if !ok {
		// Name and password stand in the query.
		body = map[string]any{}
		for _, v := range c.Query {
			body[v.Name] = v.Value
		}
		defer func() {
			for i, v := range c.Query {
				c.Query[i].Value = body[v.Name]
			}
		}()
	}
	names := []string{"username", "email", "user", "login", "name", "phone", "number"}
	if try >= 2 {
		names = []string{"email", "username", "phone", "name"}
	}
	for _, n := range sortedKeys(body) {
		p := plain(n)
		if isPassword(p) {
			body[n] = u.Password()
			continue
		}
		switch body[n].(type) {
		case string, json.Number:
		default:
			continue
		}
		if v, had := u.Knows(p); had && try < 2 {
			body[n] = v
			continue
		}
		if strings.Contains(p, "email") {
			if v, had := u.Knows("email"); had {
				body[n] = v
			}
			continue
		}
		if unique(n) || p == "identifier" || strings.Contains(p, "user") {
			for _, other := range names {
				if v, had := u.Knows(other); had {
					body[n] = v
					break
				}
			}
		}
	}
	return c, true
}

// style finds out how the service wants a token: it asks something that needs
// one, with the usual forms. Without such an operation it is a bearer token.
func (w *World) style(ctx context.Context, u *identity.Identity, creds []identity.Credential) (func([]identity.Credential) []identity.Credential, error) {
	same := func(c []identity.Credential) []identity.Credential { return c }
	if creds[0].In == "cookie" {
		return same, nil
	}
	op, status, err := w.guarded(ctx)
	if op == nil || err != nil {
		return same, err
	}
	for _, form := range w.forms() {
		apply := func(c []identity.Credential) []identity.Credential {
			out := form
			out.Secret = c[0].Secret
			return append([]identity.Credential{out}, c[1:]...)
		}
		c, err := w.fresh(ctx, op, nil, turn{}, deepest)
		if err != nil {
			return same, err
		}
		r, err := c.Encode(w.Base)
		if err != nil {
			return same, nil //nolint:nilerr // it cannot be asked
		}
		identity.Apply(r, u.Name, apply(creds))
		a, err := w.Client.Do(ctx, r)
		if err != nil {
			return same, err
		}
		if a.Status != status && a.Status < 500 && a.Status != 401 {
			return apply, nil
		}
	}
	return same, nil
}

// guarded finds an operation that refuses those without credentials.
func (w *World) guarded(ctx context.Context) (*spec.Operation, int, error) {
	tries := 0
	for _, simple := range []bool{true, false} {
		for _, op := range w.API.Operations {
			if op.Method != "GET" || simple == strings.Contains(op.Path, "{") || open(op) || tries > 12 {
				continue
			}
			tries++
			c, err := w.fresh(ctx, op, nil, turn{}, deepest)
			if err != nil {
				return nil, 0, err
			}
			r, err := c.Encode(w.Base)
			if err != nil {
				continue
			}
			a, err := w.Client.Do(ctx, r)
			if err != nil {
				return nil, 0, err
			}
			if a.Status == 401 || a.Status == 403 {
				return op, a.Status, nil
			}
		}
	}
	return nil, 0, nil
}

// forms are the ways to send a token, the document's own first.
func (w *World) forms() []identity.Credential {
	var out []identity.Credential
	bearer := identity.Bearer("")
	for _, name := range sortedKeys(w.API.Schemes) {
		s := w.API.Schemes[name]
		switch {
		case s.Type == "apiKey" && strings.EqualFold(s.Param, "Authorization"):
			out = append(out, bearer, identity.Credential{In: "header", Name: "Authorization"})
		case s.Type == "apiKey":
			out = append(out, identity.Credential{Scheme: name, In: s.In, Name: s.Param})
		case s.Type != "http" || s.HTTPScheme == "bearer":
			out = append(out, bearer)
		}
	}
	header := func(name, prefix string) identity.Credential {
		return identity.Credential{In: "header", Name: name, Prefix: prefix}
	}
	return append(out, bearer, header("Authorization", ""), header("Authorization", "Token "), header("Authorization", "JWT "),
		header("X-Access-Token", ""), header("X-Auth-Token", ""), header("X-Api-Key", ""), header("Token", ""))
}

// forget takes what is known of an operation's good calls by nobody away, so
// that later calls are made anew.
func (w *World) forget(op *spec.Operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ops[op].refused[""] = 0
}

func isPassword(p string) bool {
	return strings.Contains(p, "password") || p == "passwd" || p == "pwd" || p == "pass" || p == "secret"
}

// gather calls f for the scalar members of a body, two levels deep.
func gather(v any, f func(name string, v any)) {
	m, _ := v.(map[string]any)
	for _, n := range sortedKeys(m) {
		switch in := m[n].(type) {
		case map[string]any:
			for _, k := range sortedKeys(in) {
				switch in[k].(type) {
				case string, json.Number:
					f(k, in[k])
				}
			}
		case string, json.Number:
			f(n, in)
		}
	}
}
