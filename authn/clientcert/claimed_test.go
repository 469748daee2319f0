// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"testing"

	"durward/internal/pkitest"
)

// Failures are counted by what a request claims and presents, before anything
// is verified.
func TestACertificateClaimsItsId(t *testing.T) {
	root := pkitest.Root(t, "root")
	leaf := root.Leaf(t, "billing")
	cfg := Config{Map: []Rule{{CommonName: "{consumer}"}}}
	direct := newMethod(t, root, people, cfg)
	cfg.FromProxy = true
	proxied := newMethod(t, root, people, cfg)

	x := over(leaf.Chain()...)
	p, err := direct.Authenticate(t.Context(), x)
	if id, presented := direct.Claimed(x); err != nil || id != p.Credential || presented != string(leaf.Cert.Raw) {
		t.Errorf("%v: claims %q, proven %q", err, id, p.Credential)
	}
	field := sequence(leaf.Cert)
	if id, presented := proxied.Claimed(throughProxy("Client-Cert", field)); id != p.Credential || presented != field {
		t.Errorf("behind a proxy: claims %q, presents %q", id, presented)
	}
	if id, presented := proxied.Claimed(throughProxy("Client-Cert", "x")); id != "" || presented != "x" {
		t.Errorf("nonsense: claims %q, presents %q", id, presented)
	}
	if id, presented := proxied.Claimed(throughProxy("Client-Cert", field, "Client-Cert", field)); id != "" || presented != "" {
		t.Errorf("two: claims %q, presents %q", id, presented)
	}
	if id, presented := direct.Claimed(over()); id != "" || presented != "" {
		t.Errorf("none: claims %q, presents %q", id, presented)
	}
	if id, _ := direct.Claimed(throughProxy("Client-Cert", field)); id != "" {
		t.Error("a field counts where the connection's certificate does")
	}
}
