// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package limits

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/spec"
)

// asked is the number of items that is asked for.
const asked = 100_000

// many and larger are what an answer must have to be called large.
const (
	many   = 1000
	larger = 20
	large  = 200 << 10 // bytes, where there is no list
)

// pages looks for numbers that decide how large an answer gets.
func (t *target) pages(ctx context.Context) {
	for _, at := range t.base.Places() {
		if at.In != "query" && at.In != "body" || !counts(at) {
			continue
		}
		small := t.send(ctx, at, json.Number("2"))
		if small == nil || !small.Answer.OK() {
			if small = t.send(ctx, at, json.Number("10")); small == nil || !small.Answer.OK() {
				continue
			}
		}
		var steps []finding.Step
		for range 2 {
			e := t.send(ctx, at, json.Number(fmt.Sprint(asked)))
			if e == nil || !e.Answer.OK() || !grew(small.Answer, e.Answer, at.Schema) {
				break
			}
			steps = append(steps, t.env.Step(fmt.Sprintf("asked for %d: %d bytes", asked, len(e.Answer.Body)), e))
		}
		if len(steps) == 2 {
			t.report(pageUnbounded, finding.Firm, at.String(), fmt.Sprintf("Asked for %d items, the service answers with all it has.", asked),
				append([]finding.Step{t.env.Step("a small number", small)}, steps...)...)
		}
	}
}

// counts tells whether a place is for a number that may be an amount. Numbers
// that name things are none.
func counts(at call.Place) bool {
	name := strings.ToLower(at.Name[strings.LastIndexByte(at.Name, '/')+1:])
	named := false
	for _, word := range []string{"limit", "size", "per_page", "perpage", "count", "take", "top", "max", "rows", "pagesize", "number", "length", "repeat", "amount", "num", "first"} {
		named = named || strings.Contains(name, word)
	}
	if at.Schema == nil {
		return named
	}
	number := slices.Contains(at.Schema.Types, "integer") || slices.Contains(at.Schema.Types, "number")
	return number && (named || at.In == "query" && name != "id" && !strings.HasSuffix(name, "_id")) || named && len(at.Schema.Types) == 0
}

// grew tells whether an answer is large, and because of the number.
func grew(small, big *client.Answer, s *spec.Schema) bool {
	few, all := longest(small.Body), longest(big.Body)
	most := many
	if s != nil && s.Maximum != nil && *s.Maximum >= 1 && *s.Maximum < many {
		most = int(*s.Maximum)
	}
	if all > most && all >= 2*max(few, 1) {
		return all > many || all > few*larger || s != nil && s.Maximum != nil
	}
	return len(big.Body) > large && len(big.Body) > larger*max(len(small.Body), 1)
}

// longest is how many items the longest list of an answer has. What was cut at
// the reader's bound is counted by its commas.
func longest(body []byte) int {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return 0
	}
	n := 0
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		if depth > 6 {
			return
		}
		switch v := v.(type) {
		case []any:
			n = max(n, len(v))
		case map[string]any:
			for _, m := range v {
				walk(m, depth+1)
			}
		}
	}
	walk(v, 0)
	return n
}

// burst reads one operation many times in a row.
func burst(ctx context.Context, env *check.Env) error {
	for _, op := range env.API.Operations {
		if op.Method != "GET" {
			continue
		}
		as, e, err := check.Admitted(ctx, env, op)
		if err != nil {
			return err
		}
		if e == nil || !e.Answer.OK() || e.Answer.Took > 2*time.Second {
			continue
		}
		last := e
		for range 40 {
			got, err := env.World.Send(ctx, e.Call.Clone(), as)
			if check.Fatal(ctx, err) {
				return err
			}
			if err != nil || !got.Answer.OK() || limited(got.Answer) {
				return nil
			}
			last = got
		}
		env.Report(finding.Finding{Kind: noRateLimit, Severity: finding.Info, Confidence: finding.Firm, Operation: op.ID, Method: op.Method, Path: op.Path,
			Detail: "Forty requests in a row were answered, and none said that there is a limit.", Steps: []finding.Step{env.Step("the last of them", last)}})
		return nil
	}
	return nil
}

// limited tells that an answer names a limit.
func limited(a *client.Answer) bool {
	for name := range a.Header {
		if n := strings.ToLower(name); strings.Contains(n, "ratelimit") || strings.Contains(n, "rate-limit") || n == "retry-after" {
			return true
		}
	}
	return false
}
