// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import "testing"

// BenchmarkCoraza is what stock Coraza takes for the samples, for comparison.
func BenchmarkCoraza(b *testing.B) {
	o, err := NewOracle(1, "")
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range Samples() {
		b.Run(s.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o.Inspect(s.Request)
			}
		})
	}
}
