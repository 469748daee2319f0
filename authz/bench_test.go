// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"durward"
	"durward/internal/allocs"
)

// manyPolicies writes n policies over the operations of moot: as many for each,
// or all for one.
func manyPolicies(n int, operations []string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "@id(\"p%d\")\npermit (principal, action == Action::%q, resource)\n", i, operations[i%len(operations)])
		fmt.Fprintf(&b, "when { principal.scopes.contains(\"s%d\") && context.path.space == \"space-%d\" };\n", i%7, i)
	}
	return b.String()
}

// unsortedPolicies cannot be found by a value: each is looked at.
func unsortedPolicies(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "@id(\"f%d\")\nforbid (principal, action, resource)\n", i)
		fmt.Fprintf(&b, "when { context.method == \"GET\" && context.address.isInRange(ip(\"198.51.%d.0/24\")) };\n", i%250)
	}
	return b.String()
}

// spaceOperations take a space, so that policies can read its id.
var spaceOperations = []string{"getSpace", "listMembers", "listMessages", "postMessage", "getMessage", "editMessage", "deleteMessage", "getAttachment", "deleteAttachment", "listReports"}

func manyRules(t testing.TB, n int, operations []string) *Compiled {
	t.Helper()
	cfg := Config{Roles: map[string][]string{"admin": {Every}}, Policies: []Source{{Cedar: manyPolicies(n, operations)}}}
	c, err := Compile(&cfg, mootAPI(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// spaceExchange is a request that the last of n policies permits.
func spaceExchange(space string) *durward.Exchange {
	x := &durward.Exchange{
		Params:    []durward.Param{{Name: "space", Value: space}},
		Principal: durward.Principal{Method: "jwt", Subject: "cy", Roles: []string{"member"}, Scopes: []string{"s0", "s1", "s2", "s3", "s4", "s5", "s6"}},
	}
	x.Client.Address = netip.MustParseAddr("192.0.2.1")
	return x
}

func decide(t testing.TB, s durward.Stage, x *durward.Exchange, want durward.Verdict) {
	x.Policies = x.Policies[:0]
	if d := s.Request(context.Background(), x); d.Verdict != want {
		t.Fatalf("%v: %v", d.Verdict, d.Err)
	}
}

func BenchmarkDecision(b *testing.B) {
	for _, bb := range []struct {
		name       string
		policies   int
		operations []string
	}{
		{"2 policies", 2, []string{"getSpace"}},
		{"500 policies of 10 operations", 500, spaceOperations},
		{"500 policies of one operation", 500, []string{"getSpace"}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			stage := manyRules(b, bb.policies, bb.operations).Stage("getSpace")
			x := spaceExchange(fmt.Sprintf("space-%d", bb.policies-len(bb.operations)))
			b.ReportAllocs()
			for b.Loop() {
				decide(b, stage, x, durward.Allow)
			}
		})
	}
}

func TestADecisionOver500PoliciesAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("skipped: pools drop what they hold under the race detector")
	}
	for _, operations := range [][]string{spaceOperations, {"getSpace"}} {
		stage := manyRules(t, 500, operations).Stage("getSpace")
		x := spaceExchange(fmt.Sprintf("space-%d", 500-len(operations)))
		decide(t, stage, x, durward.Allow)
		if n := allocs.PerRun(200, func() { decide(t, stage, x, durward.Allow) }); n > 0 {
			t.Errorf("%v allocations with %d operations", n, len(operations))
		}
		x.Params[0].Value = "another"
		if n := allocs.PerRun(200, func() { decide(t, stage, x, durward.Deny) }); n > 0 {
			t.Errorf("%v allocations of a refusal", n)
		}
	}
}

func TestObjectsFromAFileCostNoAllocation(t *testing.T) {
	if raceDetector {
		t.Skip("skipped: pools drop what they hold under the race detector")
	}
	stage := mootRules(t).Stage("getMessage")
	x := spaceExchange("council")
	x.Params = append(x.Params, durward.Param{Name: "message", Value: "m-000005"})
	decide(t, stage, x, durward.Allow)
	if n := allocs.PerRun(200, func() { decide(t, stage, x, durward.Allow) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecisionOver500ForbidsOfEveryOperation(b *testing.B) {
	cfg := Config{Authenticated: []string{Every}, Policies: []Source{{Cedar: unsortedPolicies(500)}}}
	c, err := Compile(&cfg, mootAPI(b), nil)
	if err != nil {
		b.Fatal(err)
	}
	stage := c.Stage("getSpace")
	x := spaceExchange("lobby")
	x.In.Method = "GET"
	b.ReportAllocs()
	for b.Loop() {
		decide(b, stage, x, durward.Allow)
	}
}

func BenchmarkObjectTwoStepsAway(b *testing.B) {
	stage := mootRules(b).Stage("getMessage")
	x := spaceExchange("council")
	x.Params = append(x.Params, durward.Param{Name: "message", Value: "m-000005"})
	b.ReportAllocs()
	for b.Loop() {
		decide(b, stage, x, durward.Allow)
	}
}
