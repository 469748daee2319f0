// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"durward/authn/uses"
	"durward/internal/allocs"
)

// FuzzProof: whatever is sent, it is refused for a reason of ours or it is the
// proof of the one key that can sign. What parses is in its only spelling.
func FuzzProof(f *testing.F) {
	s := ecSigner()
	good := s.proof(nil, nil, members{"jti": "seed"})
	jkt := s.jkt()
	for _, seed := range []string{
		good, rfcProof, rfcTokenProof, "", ".", "..", "a.b.c", good + ".", strings.ToUpper(good),
		edSigner().proof(nil, nil, nil), rsaSigner().proof(nil, nil, nil),
		s.proof(members{"crit": []string{"x"}}, nil, nil), s.proof(nil, members{"d": "AA"}, nil),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var p proof
		if p.parse(raw) == nil {
			parts := strings.Split(raw, ".")
			if len(parts) != 3 || p.input != parts[0]+"."+parts[1] || b64(p.sig) != parts[2] {
				t.Fatalf("%q has another spelling", raw)
			}
			if len(p.jti) == 0 || len(p.jti) > maxJTI || p.iat < 0 || !p.key.fits(p.alg) {
				t.Fatalf("%q parses into what cannot be", raw)
			}
		}
		v, err := New(Config{}, uses.New(8, fixed), fixed)
		if err != nil {
			t.Fatal(err)
		}
		err = v.Verify(t.Context(), exchange(raw), testToken, jkt)
		if err == nil && raw[:strings.LastIndexByte(raw, '.')] != good[:strings.LastIndexByte(good, '.')] {
			t.Fatalf("%q is taken", raw)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "dpop: ") || errors.Is(err, ErrNonce)) {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}

// FuzzThumbprint: a key has one thumbprint or none.
func FuzzThumbprint(f *testing.F) {
	f.Add([]byte(rfcJWK))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQAB","e":"AQAB","key_ops":["a",["verify"],"verify"]}`))
	f.Fuzz(func(t *testing.T, key []byte) {
		got, err := Thumbprint(key)
		if (err == nil) != (len(got) == sha256Text) {
			t.Fatalf("%q, %v", got, err)
		}
	})
}

func TestReasonsHoldNothingOfTheProof(t *testing.T) {
	s := ecSigner()
	v := verifier(t, Config{}, fixed)
	secret := "hunter2" + pad(40)
	for _, raw := range []string{
		secret, s.proof(members{"typ": secret}, nil, nil), s.proof(members{"alg": secret}, nil, nil), s.proof(nil, members{"d": secret}, nil),
		s.proof(nil, members{"x": secret}, nil), s.proof(nil, nil, members{"htu": secret}), s.proof(nil, nil, members{"ath": secret}),
	} {
		err := v.Verify(t.Context(), exchange(raw), testToken, s.jkt())
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

// anyUse grants everything, so that one proof can be measured many times.
var anyUse = usesFunc(func(string, [32]byte, int, time.Time) (bool, error) { return true, nil })

func TestAllocationsOfACheck(t *testing.T) {
	for _, row := range []struct {
		s    signer
		most float64
	}{{ecSigner(), 24}, {edSigner(), 4}, {rsaSigner(), 24}} {
		v, err := New(Config{RequireNonce: true}, anyUse, fixed)
		if err != nil {
			t.Fatal(err)
		}
		x, jkt := exchange(row.s.proof(nil, nil, members{"nonce": v.Nonce()})), row.s.jkt()
		got := allocs.PerRun(100, func() {
			if err := v.Verify(context.Background(), x, testToken, jkt); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %v allocations", row.s.alg, got)
		if got > row.most {
			t.Errorf("%s: %v allocations, at most %v", row.s.alg, got, row.most)
		}
	}
}

func benchmark(b *testing.B, s signer) {
	v, err := New(Config{}, anyUse, fixed)
	if err != nil {
		b.Fatal(err)
	}
	x, jkt := exchange(s.proof(nil, nil, nil)), s.jkt()
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(context.Background(), x, testToken, jkt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyES256(b *testing.B) { benchmark(b, ecSigner()) }
func BenchmarkVerifyEdDSA(b *testing.B) { benchmark(b, edSigner()) }
func BenchmarkVerifyRS256(b *testing.B) { benchmark(b, rsaSigner()) }

// BenchmarkRefuse is a stolen token with a proof of the thief's own key: what an
// attacker can make the gateway do.
func BenchmarkRefuse(b *testing.B) {
	v, err := New(Config{}, anyUse, fixed)
	if err != nil {
		b.Fatal(err)
	}
	x, jkt := exchange(edSigner().proof(nil, nil, nil)), ecSigner().jkt()
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(context.Background(), x, testToken, jkt); err != errBinding {
			b.Fatal(err)
		}
	}
}

var _ Uses = (*uses.Memory)(nil)
