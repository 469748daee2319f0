// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package check

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
)

// Fatal tells whether an error of World ends a check: no further request can be
// made. Other errors are those of one request.
func Fatal(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, client.ErrBudget) || errors.Is(err, client.ErrTime) || errors.Is(err, client.ErrDown))
}

// Safe tells whether a method changes nothing (RFC 9110, section 9.2.1).
func Safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// Admitted makes a call of op as one of the first four users, the first whose
// call is answered with 2xx or 3xx, or else whoever was answered at all. Without
// users it is nobody. The exchange is nil where no call is known or no answer
// came; the error is a Fatal one.
func Admitted(ctx context.Context, env *Env, op *spec.Operation) (*identity.Identity, *Exchange, error) {
	users := env.Users
	if len(users) == 0 {
		users = []*identity.Identity{nil}
	}
	var as *identity.Identity
	var got *Exchange
	for _, u := range users[:min(len(users), 4)] {
		c, err := env.World.Call(ctx, op, u)
		if err == nil {
			var e *Exchange
			if e, err = env.World.Send(ctx, c, u); err == nil && e != nil && e.Answer != nil {
				if e.Answer.Status < 400 {
					return u, e, nil
				}
				if got == nil {
					as, got = u, e
				}
				if e.Answer.Status != http.StatusForbidden && e.Answer.Status != http.StatusUnauthorized {
					break
				}
			}
		}
		if Fatal(ctx, err) {
			return nil, nil, err
		}
	}
	return as, got, nil
}

// EndsSession tells of operations that end or change what a run itself lives on:
// sessions, the users' own accounts and passwords. They are called as they are,
// if at all.
func EndsSession(op *spec.Operation) bool {
	name := strings.ToLower(op.ID + " " + op.Path)
	for _, word := range []string{"logout", "log-out", "log_out", "signout", "sign-out", "revoke", "deactivate", "unregister"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	if Safe(op.Method) {
		return false
	}
	if strings.Contains(name, "password") && !strings.Contains(name, "forgot") {
		return true
	}
	last := op.Path[strings.LastIndexByte(op.Path, '/')+1:]
	return op.Method == http.MethodDelete && (last == "me" || last == "self" || last == "account" || last == "profile")
}
