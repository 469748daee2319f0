// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"slices"
	"testing"

	"durward/waf/gate"
	"durward/waf/waftest"
)

// The engine is stock Coraza with stock rules: what Durward puts before them
// changes no verdict, no rule that matches and no score.
func TestTheEngineAgreesWithStockCorazaOnEverything(t *testing.T) {
	each := 50
	if testing.Short() {
		each = 20
	}
	regression, err := waftest.Regression()
	if err != nil {
		t.Fatal(err)
	}
	var some []*gate.Request
	for i := 0; i < len(regression); i += max(1, len(regression)/(2*each)) {
		some = append(some, regression[i])
	}
	for _, paranoia := range []int{1, 3} {
		e, d := compiled(t, nil, Config{Paranoia: paranoia, Exclusions: []Exclusion{{Rules: []string{"942100"}, Parameters: []string{"query.nobody"}}}})
		o, err := waftest.NewOracle(paranoia, `SecAction "id:1,phase:1,pass,nolog,setvar:'tx.allowed_methods=GET HEAD POST OPTIONS PUT'"`)
		if err != nil {
			t.Fatal(err)
		}
		for _, all := range [][]*gate.Request{waftest.Benign(11, each), waftest.Awkward(12, each), waftest.Hostile(13, each), some} {
			for _, r := range all {
				agree := false
				var got Verdict
				var want waftest.Verdict
				// Coraza goes through maps, so that where two members of a body
				// match, its own score can differ from one run to the next.
				for try := 0; try < 30 && !agree; try++ {
					got, want = inspect(t, e, r, d[0].settingsAt(noon)), o.Inspect(r)
					want.Rules = slices.DeleteFunc(want.Rules, bookkeeping)
					agree = got.Interrupted == want.Interrupted && got.Score == want.Score && slices.Equal(got.Rules, want.Rules)
				}
				if !agree {
					t.Errorf("paranoia %d: %s %s: %v score %d, stock Coraza says %+v", paranoia, r.Method, r.URI, got.Rules, got.Score, want)
				}
			}
		}
	}
}

// Inspections answer alike whatever was inspected before: nothing of a request
// is left in what is used again.
func TestNothingOfARequestIsLeftForTheNextOne(t *testing.T) {
	e, d := compiled(t, nil, Config{})
	s := d[0].settingsAt(noon)
	clean := get("q=chair")
	for _, r := range waftest.Hostile(17, 60) {
		inspect(t, e, r, s)
		if v := inspect(t, e, clean, s); v.Interrupted || v.Score != 0 || len(v.Rules) != 0 {
			t.Fatalf("after %s %s: %+v", r.Method, r.URI, v)
		}
	}
}
