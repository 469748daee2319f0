// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientca

import (
	"testing"
	"time"

	"durward/internal/pkitest"
)

// BenchmarkVerify is what a certificate costs that is not known yet, without
// the parsing that the handshake does.
func BenchmarkVerify(b *testing.B) {
	root := pkitest.Root(b, "root")
	sub := root.Sub(b, "sub")
	for name, leaf := range map[string]*pkitest.Entity{"alone": root.Leaf(b, "a"), "chain": sub.Leaf(b, "a")} {
		b.Run(name, func(b *testing.B) {
			v, _ := newVerifier(b, pkitest.Certificates(root), root.List(b), sub.List(b))
			s, certs, now := v.state.Load(), leaf.Chain(), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.verify(certs, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheckKnown(b *testing.B) {
	root := pkitest.Root(b, "root")
	v, _ := newVerifier(b, pkitest.Certificates(root), root.List(b))
	certs := root.Leaf(b, "a").Chain()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Check(certs); err != nil {
			b.Fatal(err)
		}
	}
}
