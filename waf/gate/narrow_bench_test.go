// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"fmt"
	"testing"
	"time"

	"durward"
	"durward/waf/gate"
)

// benchProven is what ordinary contracts prove of the requests of the table: of
// the GET all three parameters, of the JSON with many fields all but two texts in
// each item, of the others nothing but the names.
func benchProven() map[string]*durward.Proven {
	one := func(name string) *durward.Proof { return &durward.Proof{Texts: languages[name]} }
	item := &durward.Proof{Members: map[string]*durward.Proof{
		"id": one("number"), "sku": one("sku"), "name": nil, "note": nil, "quantity": one("number"), "price": one("number"), "in_stock": one("boolean"),
	}}
	texts := &durward.Proof{Members: map[string]*durward.Proof{}}
	for i := range 20 {
		texts.Members[fmt.Sprintf("field_%d", i)] = nil
		texts.Members[fmt.Sprintf("text_%d", i)] = nil
	}
	return map[string]*durward.Proven{
		"get": {Query: map[string][]durward.Language{
			"page": languages["number"], "state": languages["state"], "sort": {{Texts: []string{"created", "updated"}}},
		}},
		"json1k":     {JSON: texts},
		"json16k511": {JSON: &durward.Proof{Members: map[string]*durward.Proof{"items": {Items: item}}}},
		"json16k8":   {JSON: texts},
	}
}

// BenchmarkNarrowed is BenchmarkClean with contracts. Beside the mean it gives the
// fastest of all runs with and without the contract, which a busy machine moves
// least.
func BenchmarkNarrowed(b *testing.B) {
	g := compile(b, 1)
	requests, proven := benchRequests(), benchProven()
	for _, name := range benchNames {
		n, err := g.Narrow([]*durward.Proven{proven[name]}, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			with, without := *requests[name], *requests[name]
			with.Known = n.Of(proven[name])
			var least [2]time.Duration
			b.ReportAllocs()
			for b.Loop() {
				for i, r := range [...]*gate.Request{&with, &without} {
					start := time.Now()
					ok, why := g.Clean(r)
					if took := time.Since(start); least[i] == 0 || took < least[i] {
						least[i] = took
					}
					if !ok {
						b.Fatal(why)
					}
				}
			}
			b.ReportMetric(float64(least[0]), "narrowed-ns")
			b.ReportMetric(float64(least[1]), "plain-ns")
		})
	}
}

// BenchmarkNarrow is how long it takes to learn what a contract proves.
func BenchmarkNarrow(b *testing.B) {
	g := compile(b, 1)
	var last *gate.Narrowing
	for b.Loop() {
		n, err := g.Narrow([]*durward.Proven{theContract}, nil)
		if err != nil {
			b.Fatal(err)
		}
		last = n
	}
	_ = last
}
