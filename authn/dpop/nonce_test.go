// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package dpop

import (
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
)

const testNonceKey = "0123456789abcdef0123456789abcdef"

func TestAClientGetsANonceAndComesBackWithIt(t *testing.T) {
	at := testNow.Truncate(5 * time.Minute) // the first moment of a step
	now := func() time.Time { return at }
	s := ecSigner()
	v := verifier(t, Config{RequireNonce: true, NonceLifetime: units.Duration(10 * time.Minute)}, now)
	// send makes a proof with that nonce and gives the one that comes back.
	send := func(nonce any, want error) string {
		t.Helper()
		x := exchange(s.proof(nil, nil, members{"nonce": nonce, "iat": at.Unix()}))
		if err := v.Verify(t.Context(), x, testToken, s.jkt()); err != want {
			t.Fatalf("%v, want %v", err, want)
		}
		if x.Extra.Count("Dpop-Nonce") > 1 {
			t.Error("two nonces at once")
		}
		return x.Extra.Get("Dpop-Nonce")
	}
	first := send(nil, ErrNonce)
	if first == "" || first != v.Nonce() || len(first) != 32 {
		t.Fatalf("the nonce %q is given out, and %q is at hand", first, v.Nonce())
	}
	if got := send(first, nil); got != "" {
		t.Errorf("another nonce is given out at once: %q", got)
	}
	for name, wrong := range map[string]any{"made up": strings.Repeat("A", 32), "empty": "", "cut": first[:31], "longer": first + "A"} {
		if got := send(wrong, ErrNonce); got != first {
			t.Errorf("%s: %q is given out", name, got)
		}
	}
	at = at.Add(5*time.Minute - 1)
	if got := send(first, nil); got != "" {
		t.Errorf("before half of the lifetime: %q", got)
	}
	at = at.Add(1)
	second := send(first, nil)
	if second == "" || second == first {
		t.Errorf("after half of the lifetime the answer has the nonce %q", second)
	}
	at = at.Add(5*time.Minute - 1)
	if got := send(first, nil); got != second {
		t.Errorf("just before the end: %q, want %q", got, second)
	}
	at = at.Add(1)
	third := send(first, ErrNonce)
	if third == second || send(second, nil) != third || send(third, nil) != "" {
		t.Error("the second and third nonce do not follow each other")
	}
}

func TestANonceIsAskedForOnlyOfWhomItConcerns(t *testing.T) {
	s := ecSigner()
	v, err := New(Config{RequireNonce: true}, noUse(t), fixed)
	if err != nil {
		t.Fatal(err)
	}
	raw := s.proof(nil, nil, nil)
	forged := raw[:strings.LastIndexByte(raw, '.')+1] + b64(make([]byte, 64))
	for name, row := range map[string]struct {
		raw, token, jkt string
		want            error
	}{
		"the thief of a token":         {edSigner().proof(nil, nil, nil), testToken, s.jkt(), errBinding},
		"the thief of a proof":         {raw, "another token", s.jkt(), errToken},
		"who cannot sign":              {forged, testToken, s.jkt(), errSignature},
		"who has an unbound token":     {raw, testToken, "", errUnbound},
		"who holds the key of a token": {raw, testToken, s.jkt(), ErrNonce},
	} {
		x := exchange(row.raw)
		if err := v.Verify(t.Context(), x, row.token, row.jkt); err != row.want {
			t.Errorf("%s: %v", name, err)
		}
		if got := x.Extra.Has("Dpop-Nonce"); got != (row.want == ErrNonce) {
			t.Errorf("%s: a nonce is sent: %v", name, got)
		}
	}
}

func TestNoncesAreOfTheirKeyAndLifetime(t *testing.T) {
	of := func(cfg Config) string {
		cfg.RequireNonce = true
		return verifier(t, cfg, fixed).Nonce()
	}
	same := Config{NonceKey: testNonceKey}
	if first, second := of(same), of(same); first != second {
		t.Error("two gateways with the same key disagree")
	}
	if first, second := of(Config{}), of(Config{}); first != second {
		t.Error("a reload ends the nonces of this process")
	}
	for name, other := range map[string]Config{
		"another key":      {NonceKey: testNonceKey[1:] + "x"},
		"no key":           {},
		"another lifetime": {NonceKey: testNonceKey, NonceLifetime: units.Duration(10 * time.Minute)},
	} {
		if of(other) == of(same) {
			t.Errorf("%s gives the same nonce", name)
		}
	}
	if got := verifier(t, Config{}, fixed).Nonce(); got != "" {
		t.Errorf("without nonces there is one: %q", got)
	}
}

func TestGatewaysWhoseClocksDifferTakeEachOthersNonces(t *testing.T) {
	n := newNonces(testNonceKey, DefaultNonceLifetime)
	step := time.Duration(n.step)
	for _, row := range []struct {
		ahead time.Duration
		good  bool
	}{{-3 * step, false}, {-2 * step, false}, {-step, true}, {0, true}, {step, true}, {2 * step, false}, {-24 * time.Hour, false}} {
		nonce := n.at(testNow.Add(row.ahead))
		if good, current := n.check([]byte(nonce), testNow); good != row.good || current != (row.ahead == 0) {
			t.Errorf("a nonce of %v later: good %v, current %v", row.ahead, good, current)
		}
	}
}

func TestConcurrentRequestsSeeOneNonce(t *testing.T) {
	n := newNonces("", DefaultNonceLifetime)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				now := testNow.Add(time.Duration(i*g) * time.Second)
				if good, current := n.check([]byte(n.at(now)), now); !good || !current {
					t.Error("a nonce that was just given out is not taken")
				}
			}
		})
	}
	wg.Wait()
}

func TestTheChallengeSaysNothingButThatANonceIsNeeded(t *testing.T) {
	v := verifier(t, Config{}, fixed)
	few := verifier(t, Config{Algorithms: []string{"PS256", "ES256"}}, fixed)
	away := &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: errReplay}
	const all = `algs="ES256 EdDSA Ed25519 PS256 RS256"`
	for _, row := range []struct {
		v    *Verifier
		bad  bool
		err  error
		want string
	}{
		{v, false, nil, `DPoP realm="moot", ` + all},
		{few, false, nil, `DPoP realm="moot", algs="PS256 ES256"`},
		{v, true, ErrNonce, `DPoP realm="moot", error="use_dpop_nonce", ` + all},
		{v, false, ErrNonce, `DPoP realm="moot", ` + all},
		{v, true, nil, `DPoP realm="moot", error="invalid_token", ` + all},
		{v, true, errReplay, `DPoP realm="moot", error="invalid_token", ` + all},
		{v, true, errSignature, `DPoP realm="moot", error="invalid_token", ` + all},
		{v, true, away, `DPoP realm="moot", error="invalid_token", ` + all},
	} {
		if got := row.v.Challenge("moot", row.bad, row.err); got != row.want {
			t.Errorf("%v, %v:\n%s, want\n%s", row.bad, row.err, got, row.want)
		}
	}
}
