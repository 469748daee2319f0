// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"testing"

	"durward"
	"durward/internal/allocs"
	"durward/internal/pkitest"
)

// hot is a method that knows the certificates of x, with or without an authority in between.
func hot(t testing.TB, between bool) (*Method, *durward.Exchange) {
	t.Helper()
	root := pkitest.Root(t, "root")
	issuer := root
	if between {
		issuer = root.Sub(t, "sub")
	}
	m := newMethod(t, root, people, Config{Map: []Rule{{SPIFFE: "spiffe://prod.example/ns/{consumer}/sa/*"}}})
	x := over(issuer.Leaf(t, "a", pkitest.URIs("spiffe://prod.example/ns/billing/sa/web")).Chain()...)
	if _, err := m.Authenticate(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	return m, x
}

func TestACertificateThatIsKnownCostsNoAllocation(t *testing.T) {
	for name, between := range map[string]bool{"alone": false, "with an authority in between": true} {
		m, x := hot(t, between)
		if n := allocs.PerRun(200, func() {
			if m.Present(x) != 1 {
				t.Fatal("not present")
			}
			if _, err := m.Authenticate(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkAuthenticateKnown(b *testing.B) {
	for name, between := range map[string]bool{"alone": false, "chain": true} {
		b.Run(name, func(b *testing.B) {
			m, x := hot(b, between)
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Authenticate(ctx, x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMap(b *testing.B) {
	m, x := hot(b, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.derive(x.In.TLS.PeerCertificates[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFromProxy(b *testing.B) {
	root := pkitest.Root(b, "root")
	m := newMethod(b, root, people, Config{FromProxy: true, Map: []Rule{{CommonName: "*", Consumer: "billing"}}})
	x := throughProxy(fieldCert, sequence(root.Leaf(b, "a").Cert))
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Authenticate(ctx, x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBound(b *testing.B) {
	leaf := pkitest.SelfSigned(b, "a")
	x, want := over(leaf.Cert), Thumbprint(leaf.Cert)
	b.ReportAllocs()
	for b.Loop() {
		if !Bound(x, want) {
			b.Fatal("not bound")
		}
	}
}
