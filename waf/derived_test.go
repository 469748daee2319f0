// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"testing"

	"durward"
	"durward/waf/waftest"
)

// The samples have a cookie in base64, so that the rules are shown a second
// request, which is made up: what it lacks must not be held against the client.
func TestTheSecondLookFindsNothingInARequestThatIsMadeUp(t *testing.T) {
	engines := NewEngines(clock)
	set, d := setOf(t, engines, nil, Config{}, Config{Paranoia: 2})
	gated(t, engines)
	for level, demand := range d {
		s := set.Stage(demand)
		for _, sample := range waftest.Samples()[:4] {
			for _, method := range []string{sample.Request.Method, "PUT", "DELETE", "PATCH"} {
				r := *sample.Request
				if r.Method = method; method != sample.Request.Method && len(r.Body) == 0 {
					r.Header = append(r.Header[:len(r.Header):len(r.Header)], durward.Field{Name: "Content-Length", Value: "0"})
				}
				x, fresh := exchangeOf(t, &r)
				fresh()
				before := slowCount(engines, "ran")
				stage := s.(*stage)
				// What the rules say of the methods themselves is not asked here.
				if clean, _ := stage.plans[0].clean(&r); !clean {
					continue
				}
				if got := s.Request(t.Context(), x); got.Verdict != durward.Allow || got.Err != nil || len(x.Findings) > 0 || slowCount(engines, "ran") != before {
					t.Errorf("paranoia %d, %s %s: %+v, findings %v, %d runs of the engine", level+1, method, sample.Name, got, x.Findings, slowCount(engines, "ran")-before)
				}
			}
		}
	}
}
