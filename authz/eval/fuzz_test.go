// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"
	cedarast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// generator makes policies and requests by chance, well typed or not.
type generator struct{ *rand.Rand }

var someTexts = []string{"", "a", "ab", "*", "192.0.2.1", "10.0.0.0/8", "1.5", "-0.0001", "2024-01-01", "1d2h", "ü", "nope"}

func (g generator) text() string { return someTexts[g.IntN(len(someTexts))] }

func (g generator) entity() types.EntityUID {
	return types.NewEntityUID([]types.EntityType{"User", "Group", "Action"}[g.IntN(3)], types.String(strconv.Itoa(g.IntN(4))))
}

func (g generator) value(depth int) types.Value {
	switch g.IntN(10) {
	case 0:
		return types.Boolean(g.IntN(2) == 0)
	case 1:
		return types.Long([]int64{0, 1, -1, 7, math.MaxInt64, math.MinInt64}[g.IntN(6)])
	case 2:
		return types.String(g.text())
	case 3:
		return g.entity()
	case 4:
		return types.IPAddr(netip.MustParsePrefix([]string{"192.0.2.1/32", "10.0.0.0/8", "::1/128", "224.0.0.0/4"}[g.IntN(4)]))
	case 5:
		d, _ := types.NewDecimal(int64(g.IntN(30000)-15000), -4)
		return d
	case 6:
		return types.NewDatetimeFromMillis(int64(g.IntN(1e9)) - 5e8)
	case 7:
		return types.NewDuration(time.Duration(g.IntN(1e9)-5e8) * time.Millisecond)
	}
	if depth <= 0 {
		return types.True
	}
	list := make([]types.Value, g.IntN(4))
	for i := range list {
		list[i] = g.value(depth - 1)
	}
	if g.IntN(2) == 0 {
		return types.NewSet(list...)
	}
	return g.record(depth - 1)
}

var someNames = []types.String{"a", "b", "c"}

func (g generator) record(depth int) types.Record {
	m := types.RecordMap{}
	for _, name := range someNames {
		if g.IntN(3) > 0 {
			m[name] = g.value(depth)
		}
	}
	return types.NewRecord(m)
}

var someFunctions = []types.Path{"ip", "decimal", "datetime", "duration", "lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual",
	"isIpv4", "isIpv6", "isLoopback", "isMulticast", "isInRange", "toDate", "toTime", "offset", "durationSince",
	"toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"}

func (g generator) node(depth int) ast.Node {
	if depth <= 0 {
		switch g.IntN(4) {
		case 0:
			return ast.Value(g.value(1))
		case 1:
			return ast.Context().Access(someNames[g.IntN(3)])
		case 2:
			return ast.Principal().Access(someNames[g.IntN(3)])
		}
		return []ast.Node{ast.Principal(), ast.Action(), ast.Resource(), ast.Context()}[g.IntN(4)]
	}
	l, r := g.node(depth-1-g.IntN(2)), g.node(depth-1-g.IntN(2))
	switch g.IntN(26) {
	case 0, 1, 2:
		return l.And(r)
	case 3, 4:
		return l.Or(r)
	case 5:
		return ast.Not(l)
	case 6:
		return ast.IfThenElse(l, r, g.node(depth-1))
	case 7, 8:
		return l.Equal(r)
	case 9:
		return l.NotEqual(r)
	case 10:
		return []ast.Node{l.LessThan(r), l.LessThanOrEqual(r), l.GreaterThan(r), l.GreaterThanOrEqual(r)}[g.IntN(4)]
	case 11:
		return []ast.Node{l.Add(r), l.Subtract(r), l.Multiply(r), ast.Negate(l)}[g.IntN(4)]
	case 12, 13:
		return l.In(r)
	case 14:
		return l.Contains(r)
	case 15:
		return []ast.Node{l.ContainsAll(r), l.ContainsAny(r), l.IsEmpty()}[g.IntN(3)]
	case 16:
		return l.Like(types.NewPattern("a", types.Wildcard{}))
	case 17:
		return l.Is("User")
	case 18:
		return l.IsIn("User", r)
	case 19, 20:
		return l.Has(someNames[g.IntN(3)])
	case 21:
		return l.Access(someNames[g.IntN(3)])
	case 22:
		return []ast.Node{l.HasTag(r), l.GetTag(r)}[g.IntN(2)]
	case 23:
		return ast.Set(l, r)
	case 24:
		return ast.Record(ast.Pairs{{Key: "a", Value: l}, {Key: "b", Value: r}})
	}
	if f := someFunctions[g.IntN(len(someFunctions))]; g.IntN(3) > 0 {
		return ast.NewExtensionCall(f, l)
	} else {
		return ast.NewExtensionCall(f, l, r)
	}
}

func (g generator) policy() *ast.Policy {
	p := ast.Permit()
	if g.IntN(2) == 0 {
		p = ast.Forbid()
	}
	switch g.IntN(5) {
	case 0:
		p.PrincipalEq(g.entity())
	case 1:
		p.PrincipalIn(g.entity())
	case 2:
		p.PrincipalIsIn("User", g.entity())
	}
	switch g.IntN(5) {
	case 0:
		p.ActionEq(g.entity())
	case 1:
		p.ActionIn(g.entity())
	case 2:
		p.ActionInSet(g.entity(), g.entity())
	}
	switch g.IntN(5) {
	case 0:
		p.ResourceEq(g.entity())
	case 1:
		p.ResourceIs("User")
	}
	for range 1 + g.IntN(2) {
		if g.IntN(4) == 0 {
			p.Unless(g.node(3))
		} else {
			p.When(g.node(3))
		}
	}
	return p
}

func (g generator) entities() types.EntityMap {
	out := types.EntityMap{}
	for range g.IntN(8) {
		uid := g.entity()
		var parents []types.EntityUID
		for range g.IntN(3) {
			parents = append(parents, g.entity())
		}
		out[uid] = types.Entity{UID: uid, Parents: types.NewEntityUIDSet(parents...), Attributes: g.record(2), Tags: g.record(1)}
	}
	return out
}

func try(t testing.TB, seed1, seed2 uint64) {
	g := generator{rand.New(rand.NewPCG(seed1, seed2))}
	policies := cedar.PolicyMap{}
	for i := range 8 {
		policies[cedar.PolicyID(strconv.Itoa(i))] = cedar.NewPolicyFromAST((*cedarast.Policy)(g.policy()))
	}
	differ(t, policies, g.entities(), cedar.Request{Principal: g.entity(), Action: g.entity(), Resource: g.entity(), Context: g.record(2)})
}

func TestRandomPoliciesAreDecidedAsByCedarGo(t *testing.T) {
	for seed := range uint64(3000) {
		if try(t, seed, 1); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestArithmeticAtItsEdgesIsThatOfCedarGo(t *testing.T) {
	edges := []int64{math.MinInt64, math.MinInt64 + 1, -1 << 32, -2, -1, 0, 1, 2, 1 << 32, math.MaxInt64 - 1, math.MaxInt64}
	for _, a := range edges {
		for _, b := range edges {
			x, y := ast.Context().Access("x"), ast.Context().Access("y")
			policies := cedar.PolicyMap{}
			for i, n := range []ast.Node{x.Add(y), x.Subtract(y), x.Multiply(y), ast.Negate(x), ast.Long(a).Multiply(ast.Long(b))} {
				for j, test := range []ast.Node{n.LessThan(ast.Long(0)), n.GreaterThanOrEqual(y)} {
					policies[cedar.PolicyID(strconv.Itoa(2*i+j))] = cedar.NewPolicyFromAST((*cedarast.Policy)(ast.Permit().When(test)))
				}
			}
			differ(t, policies, nil, cedar.Request{Context: types.NewRecord(types.RecordMap{"x": types.Long(a), "y": types.Long(b)})})
		}
	}
}

func FuzzPoliciesAreDecidedAsByCedarGo(f *testing.F) {
	f.Add(uint64(0), uint64(0))
	f.Add(uint64(1), uint64(99))
	f.Fuzz(func(t *testing.T, a, b uint64) { try(t, a, b) })
}
