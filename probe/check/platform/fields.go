// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"durward/probe/check"
	"durward/probe/finding"
	"durward/probe/spec"
)

// fields looks at the header of an operation's good answer. Nothing is sent but
// the call as it should be, and once without a credential.
func fields(ctx context.Context, env *check.Env, op *spec.Operation, said *once) error {
	if !check.Safe(op.Method) {
		return nil
	}
	e, err := good(ctx, env, op)
	if err != nil || e == nil {
		return err
	}
	h := e.Answer.Header
	for _, name := range []string{"Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version", "X-Generator", "X-Runtime-Version"} {
		if version.MatchString(h.Get(name)) && said.first(name+": "+h.Get(name)) {
			report(env, op, versionShown, finding.Certain, "header."+name, "The field "+name+" names software and its version.", env.Step("an answer as it should be", e))
		}
	}
	if !strings.EqualFold(strings.TrimSpace(h.Get("X-Content-Type-Options")), "nosniff") && len(e.Answer.Body) > 0 && said.first("nosniff") {
		report(env, op, sniffing, finding.Certain, "header.X-Content-Type-Options", "The answer lets browsers guess its type.", env.Step("an answer as it should be", e))
	}
	if e.Answer.TLS != nil && h.Get("Strict-Transport-Security") == "" && said.first("hsts") {
		report(env, op, noHSTS, finding.Certain, "header.Strict-Transport-Security", "The answer does not tell browsers to stay with https.", env.Step("an answer as it should be", e))
	}
	return cacheable(ctx, env, op, e)
}

var version = regexp.MustCompile(`[A-Za-z][/ ]v?\d+\.\d+|^\d+\.\d+`)

// cacheable looks for answers that need a credential and that shared caches may
// keep all the same.
func cacheable(ctx context.Context, env *check.Env, op *spec.Operation, e *check.Exchange) error {
	if e.As == nil || !e.Answer.OK() || !shared(e.Answer.Header) {
		return nil
	}
	refused, err := anonymous(ctx, env, e.Request, http.MethodGet, "")
	if err != nil || !denied(refused) {
		return err
	}
	report(env, op, personalCacheable, finding.Firm, "header.Cache-Control", "Caches on the way may keep the answer and give it to whoever asks next.",
		env.Step("without a credential it is refused", refused), env.Step("with one the answer may be kept", e))
	return nil
}

// shared tells whether Cache-Control lets a shared cache keep an answer to a
// request with a credential.
func shared(h http.Header) bool {
	kept := false
	for _, part := range strings.Split(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "no-store", "private", "no-cache":
			return false
		case "public":
			kept = true
		case "s-maxage":
			kept = strings.Trim(value, `"`) != "0"
		}
	}
	return kept
}
