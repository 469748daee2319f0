// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"durward"
	"durward/internal/pkitest"
)

func TestABoundTokenIsGoodOnlyWithItsCertificate(t *testing.T) {
	own, other := pkitest.SelfSigned(t, "own"), pkitest.SelfSigned(t, "other")
	want := Thumbprint(own.Cert)
	sum := sha256.Sum256(own.Cert.Raw)
	if want != base64.RawURLEncoding.EncodeToString(sum[:]) || len(want) != 43 {
		t.Fatalf("thumbprint %q", want)
	}
	proxied := func(trusted bool, fields ...string) *durward.Exchange {
		x := throughProxy(fields...)
		x.Client.Trusted = trusted
		return x
	}
	viaOther := proxied(true, fieldCert, sequence(own.Cert))
	viaOther.In.TLS = over(other.Cert).In.TLS
	for _, tc := range []struct {
		name           string
		x              *durward.Exchange
		want           string
		bound, proxied bool
	}{
		{"its own", over(own.Cert), want, true, true},
		{"its own, with a chain", over(own.Cert, other.Cert), want, true, true},
		{"another", over(other.Cert), want, false, false},
		{"its own in the chain of another", over(other.Cert, own.Cert), want, false, false},
		{"none", over(), want, false, false},
		{"cleartext", &durward.Exchange{}, want, false, false},
		{"a token that says nothing", over(own.Cert), "", false, false},
		{"a part of the thumbprint", over(own.Cert), want[:42], false, false},
		{"the thumbprint with padding", over(own.Cert), want + "=", false, false},
		{"passed on by a trusted proxy", proxied(true, fieldCert, sequence(own.Cert)), want, false, true},
		{"passed on by a trusted proxy with a certificate", viaOther, want, false, true},
		{"passed on by anybody else", proxied(false, fieldCert, sequence(own.Cert)), want, false, false},
		{"passed on twice", proxied(true, fieldCert, sequence(own.Cert), fieldCert, sequence(other.Cert)), want, false, false},
	} {
		if got := Bound(tc.x, tc.want); got != tc.bound {
			t.Errorf("%s: %v", tc.name, got)
		}
		if got := BoundFromProxy(tc.x, tc.want); got != tc.proxied {
			t.Errorf("%s, proxies believed: %v", tc.name, got)
		}
		for fromProxy, good := range map[bool]bool{false: tc.bound, true: tc.proxied} {
			if c := Holds(tc.x, tc.want, fromProxy); (c != nil) != good || good && Thumbprint(c) != tc.want {
				t.Errorf("%s, proxies believed %v: a certificate %v", tc.name, fromProxy, c != nil)
			}
		}
	}
	if Bound(viaOther, Thumbprint(other.Cert)) == BoundFromProxy(viaOther, Thumbprint(other.Cert)) {
		t.Error("a proxy's own certificate counts as the caller's")
	}
}
