// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/spec"
)

// origins asks who may read an operation's answers, or open its WebSocket.
func origins(ctx context.Context, env *check.Env, op *spec.Operation, said *once) error {
	if socket(op) {
		return webSocket(ctx, env, op)
	}
	if !check.Safe(op.Method) {
		return nil // the answers to reads tell; nothing is written for this
	}
	e, err := good(ctx, env, op)
	if err != nil || e == nil {
		return err
	}
	var steps []finding.Step
	credentials, wild := true, false
	for range 2 {
		origin := "https://" + word(env.Rand) + ".example"
		got, err := from(ctx, env, e.Request, origin)
		if err != nil || got == nil {
			return err
		}
		allowed := got.Answer.Header.Get("Access-Control-Allow-Origin")
		wild = allowed == "*"
		if allowed != origin && !wild {
			break
		}
		credentials = credentials && got.Answer.Header.Get("Access-Control-Allow-Credentials") == "true"
		steps = append(steps, env.Step("from "+origin, got))
	}
	switch {
	case len(steps) == 2 && credentials && !wild:
		report(env, op, corsAny, finding.Firm, "header.Access-Control-Allow-Origin", "Whatever origin asks is allowed, with credentials.", steps...)
		return nil
	case len(steps) == 2 && !said.first("wildcard"):
		return nil
	case len(steps) == 2:
		report(env, op, corsWildcard, finding.Firm, "header.Access-Control-Allow-Origin", "Whatever origin asks is allowed, without credentials.", steps...)
		return nil
	}
	return tricks(ctx, env, op, e)
}

// from sends a request as a page of an origin would.
func from(ctx context.Context, env *check.Env, like *client.Request, origin string) (*check.Exchange, error) {
	r := *like
	r.Header = append(slices.Clone(like.Header), client.Field{Name: "Origin", Value: origin})
	return do(ctx, env, &r)
}

// tricks tries origins that a careless comparison takes for the service's own.
func tricks(ctx context.Context, env *check.Env, op *spec.Operation, e *check.Exchange) error {
	mark := word(env.Rand)
	candidates := []string{"null"}
	for _, host := range hosts(env, e) {
		candidates = append(candidates, "https://"+host+"."+mark+".example", "https://"+mark+host)
	}
	for _, origin := range candidates {
		got, err := from(ctx, env, e.Request, origin)
		if err != nil {
			return err
		}
		if got == nil || got.Answer.Header.Get("Access-Control-Allow-Origin") != origin || got.Answer.Header.Get("Access-Control-Allow-Credentials") != "true" {
			continue
		}
		k := corsAny
		if origin == "null" {
			k = corsNull
		}
		report(env, op, k, finding.Firm, "header.Access-Control-Allow-Origin", fmt.Sprintf("The origin %s is allowed, with credentials.", origin),
			env.Step("control: the call as it should be", e), env.Step("from "+origin, got))
		return nil
	}
	return nil
}

// hosts are those that the service may trust: its own, and what an answer allows.
func hosts(env *check.Env, e *check.Exchange) []string {
	var out []string
	add := func(address string) {
		_, host, ok := strings.Cut(address, "://")
		host, _, _ = strings.Cut(host, "/")
		if ok && host != "" && !strings.ContainsAny(host, "{}*") && len(out) < 3 && !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	add(e.Answer.Header.Get("Access-Control-Allow-Origin"))
	for _, s := range env.API.Servers {
		add(s)
	}
	return out
}

// socket tells whether an operation opens a WebSocket, as far as the document
// says so.
func socket(op *spec.Operation) bool {
	if op.Method != http.MethodGet {
		return false
	}
	if _, ok := op.Answers["101"]; ok {
		return true
	}
	last := strings.ToLower(op.Path[strings.LastIndexByte(op.Path, '/')+1:])
	return last == "ws" || last == "socket" || last == "websocket"
}

// webSocket opens one from origins that do not exist (RFC 6455, section 10.2).
func webSocket(ctx context.Context, env *check.Env, op *spec.Operation) error {
	for _, as := range env.Users[:min(len(env.Users), 2)] {
		c, err := env.World.Call(ctx, op, as)
		if check.Fatal(ctx, err) {
			return err
		}
		if err != nil {
			continue
		}
		r, err := env.World.Request(ctx, c, as)
		if err != nil {
			continue
		}
		var steps []finding.Step
		for range 2 {
			origin := "https://" + word(env.Rand) + ".example"
			hello := *r
			hello.Header = slices.Clone(r.Header)
			hello.Set("Connection", "Upgrade")
			hello.Set("Upgrade", "websocket")
			hello.Set("Sec-WebSocket-Version", "13")
			hello.Set("Sec-WebSocket-Key", base64.StdEncoding.EncodeToString([]byte(word(env.Rand)+word(env.Rand))))
			hello.Set("Origin", origin)
			e, err := do(ctx, env, &hello)
			if err != nil {
				return err
			}
			if e == nil || e.Answer.Status != http.StatusSwitchingProtocols {
				break
			}
			steps = append(steps, env.Step("a handshake from "+origin, e))
		}
		if len(steps) == 2 {
			f := websocketOrigin
			if r.Get("Authorization") != "" && r.Get("Cookie") == "" {
				f.Severity = finding.Low // a page cannot send that field by itself
			}
			report(env, op, f, finding.Firm, "header.Origin", "A page of any origin may open the WebSocket as the user whose browser shows it.", steps...)
			return nil
		}
	}
	return nil
}
