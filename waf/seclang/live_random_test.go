// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
)

// randomRules writes a small set in which settings, skips, removals and chains
// act on each other.
func randomRules(r *rand.Rand) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	condition := func() string {
		return pick(`SecRule ARGS:p "@streq x"`, `SecRule ARGS "@contains a"`, `SecRule &ARGS:p "@eq 0"`, `SecRule &ARGS "@lt 2"`, `SecRule ARGS|!ARGS:p "!@streq x"`,
			`SecRule TX:a "@eq 1"`, `SecRule TX:b "@lt 2"`, `SecRule &TX:a "@eq 0"`, `SecRule TX:b|TX:c "!@eq 0"`, `SecRule ARGS "@within %{tx.c}"`, `SecRule MATCHED_VAR "@streq x"`, "SecAction", "SecAction")
	}
	effect := func() string {
		return pick("setvar:tx.a=1", "setvar:tx.b=+1", "setvar:'tx.c=%{tx.a}'", "setvar:!tx.a=1", "setvar:'tx.%{ARGS.p}=1'",
			fmt.Sprintf("ctl:ruleRemoveById=%d", 1+r.IntN(12)), fmt.Sprintf("ctl:ruleRemoveTargetById=%d;%s", 1+r.IntN(12), pick("ARGS:p", "TX:a", "ARGS")),
			"ctl:ruleRemoveByTag=t", "tag:t", "capture")
	}
	var b strings.Builder
	b.WriteString("SecRuleEngine On\n")
	for id := 1; id <= 6+r.IntN(7); id++ {
		if r.IntN(4) == 0 {
			fmt.Fprintf(&b, "SecMarker M%d\n", r.IntN(3))
		}
		actions := []string{fmt.Sprintf("id:%d,phase:%d", id, 1+r.IntN(2)), pick("pass,nolog", "pass,nolog", "pass,nolog", "pass,log", "allow,nolog", "allow:phase,nolog")}
		if r.IntN(2) == 0 {
			actions = append(actions, effect())
		}
		if r.IntN(4) == 0 {
			actions = append(actions, pick("skip:1", "skip:2", "skipAfter:M0", "skipAfter:M1", "skipAfter:M2"))
		}
		chain := r.IntN(4) == 0
		if chain {
			actions = append(actions, "chain")
		}
		fmt.Fprintf(&b, "%s \"%s\"\n", condition(), strings.Join(actions, ","))
		if chain {
			fmt.Fprintf(&b, "%s \"%s\"\n", condition(), pick("t:none", "nolog,"+effect()))
		}
	}
	b.WriteString("SecMarker M1\n")
	return b.String()
}

// TestRandomRuleSetsFoldAsCorazaRunsThem looks for a rule that matches in Coraza
// though the plan has neither kept it nor seen another one match.
func TestRandomRuleSetsFoldAsCorazaRunsThem(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 5))
	checked := 0
	for range 400 {
		text := randomRules(r)
		set, err := Parse(fstest.MapFS{}, text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		live, settled := set.Live(nil), settledIDs(set)
		if cutShort(live) {
			continue // flagged by less than a match, which Coraza does not report
		}
		waf := mustWAF(t, text)
		for range 6 {
			query := url.Values{}
			for _, name := range []string{"p", "q"} {
				if n := r.IntN(4); n > 0 {
					query.Set(name, []string{"x", "a", "0"}[n-1])
				}
			}
			q := request{method: "GET", uri: "/?" + query.Encode()}
			if heldAgainst(t, live, settled, run(t, waf, q), q.uri); t.Failed() {
				t.Fatalf("the rules are\n%s", text)
			}
			checked++
		}
	}
	if checked < 1000 {
		t.Errorf("only %d requests were checked", checked)
	}
}

func cutShort(live *Live) bool {
	for _, r := range live.Rules {
		if !r.Silent && len(r.Links) < len(r.Source.Links()) {
			return true
		}
	}
	return false
}
