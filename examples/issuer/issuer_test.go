// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// every lists the algorithms to check tokens with; the issuer signs with a part of them.
var every = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

func newIssuer(t *testing.T, o Options) *Issuer {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return epoch }
	}
	if o.Algorithms == nil {
		o.Algorithms = []string{"ES256", "EdDSA"} // quick to make
	}
	i, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	i.SetURL("http://127.0.0.1:1")
	return i
}

func published(t *testing.T, i *Issuer) *jose.JSONWebKeySet {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(i.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	return &set
}

// open checks a token against the published keys only, as a resource server does.
func open(t *testing.T, i *Issuer, token string) (jose.Header, map[string]any) {
	t.Helper()
	header, claims, ok := tryOpen(t, i, token)
	if !ok {
		t.Fatal("no published key opens the token")
	}
	return header, claims
}

func tryOpen(t *testing.T, i *Issuer, token string) (jose.Header, map[string]any, bool) {
	t.Helper()
	signed, err := jose.ParseSignedCompact(token, every)
	if err != nil {
		t.Fatal(err)
	}
	header := signed.Signatures[0].Header
	for _, key := range published(t, i).Key(header.KeyID) {
		if payload, err := signed.Verify(key); err == nil && key.Algorithm == header.Algorithm {
			var claims map[string]any
			if err := json.Unmarshal(payload, &claims); err != nil {
				t.Fatal(err)
			}
			return header, claims, true
		}
	}
	return header, nil, false
}

func TestAMintedTokenHasWhatRFC9068Requires(t *testing.T) {
	i := newIssuer(t, Options{})
	token, err := i.Mint(Claims{"sub": "ada", "roles": []string{"owner"}})
	if err != nil {
		t.Fatal(err)
	}
	header, claims := open(t, i, token)
	if header.ExtraHeaders["typ"] != "at+jwt" || header.Algorithm != "ES256" {
		t.Errorf("typ %v, alg %v; want at+jwt and the first algorithm", header.ExtraHeaders["typ"], header.Algorithm)
	}
	if jti, _ := claims["jti"].(string); len(jti) < 20 {
		t.Errorf("jti %q is too short to be unique", jti)
	}
	delete(claims, "jti")
	want := map[string]any{
		"iss": "http://127.0.0.1:1", "sub": "ada", "client_id": "ada", "aud": "moot",
		"iat": float64(epoch.Unix()), "exp": float64(epoch.Add(DefaultTTL).Unix()),
		"roles": []any{"owner"},
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Error(diff)
	}
}

func TestMintOptionsChangeOneToken(t *testing.T) {
	i := newIssuer(t, Options{})
	token, err := i.Mint(Claims{"sub": "cy", "jti": nil, "nbf": 7},
		Alg("EdDSA"), TTL(-time.Minute), Type("JWT"), Audience("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	header, claims := open(t, i, token)
	if header.Algorithm != "EdDSA" || header.ExtraHeaders["typ"] != "JWT" {
		t.Errorf("header %+v", header)
	}
	if _, ok := claims["jti"]; ok {
		t.Error("a claim set to nil is in the token")
	}
	if diff := cmp.Diff([]any{"a", "b"}, claims["aud"]); diff != "" {
		t.Error(diff)
	}
	if claims["exp"] != float64(epoch.Add(-time.Minute).Unix()) || claims["nbf"] != 7.0 {
		t.Errorf("exp %v nbf %v", claims["exp"], claims["nbf"])
	}
}

func TestTheKeyIDOfATokenCanBeForgedOrLeftOut(t *testing.T) {
	i := newIssuer(t, Options{})
	for _, kid := range []string{"", "nobody-knows-me"} {
		token, err := i.Mint(Claims{"sub": "cy"}, KeyID(kid), Type(""))
		if err != nil {
			t.Fatal(err)
		}
		header, _, _ := tryOpen(t, i, token)
		if header.KeyID != kid {
			t.Errorf("kid %q, want %q", header.KeyID, kid)
		}
		if _, ok := header.ExtraHeaders["typ"]; ok {
			t.Error("typ was left out, and is there")
		}
	}
}

func TestEachAlgorithmSignsWhatItsPublishedKeyOpens(t *testing.T) {
	var names []string
	for _, alg := range every {
		if !strings.HasSuffix(string(alg), "S384") && !strings.HasSuffix(string(alg), "S512") || alg[0] == 'E' {
			names = append(names, string(alg)) // RSA keys are slow to make: one hash is enough
		}
	}
	i := newIssuer(t, Options{Algorithms: names})
	for _, alg := range names {
		token, err := i.Mint(Claims{"sub": "cy"}, Alg(alg))
		if err != nil {
			t.Fatal(err)
		}
		if header, _ := open(t, i, token); header.Algorithm != alg {
			t.Errorf("signed with %s, want %s", header.Algorithm, alg)
		}
	}
}

func TestAlgorithmsThatAreNoneSymmetricUnknownOrDoubleAreRefused(t *testing.T) {
	for _, algs := range [][]string{{"none"}, {"HS256"}, {"ES256", "XX"}, {"ES256", "ES256"}, {""}} {
		if _, err := New(Options{Algorithms: algs}); err == nil {
			t.Errorf("%q made an issuer", algs)
		}
	}
	if _, err := newIssuer(t, Options{}).Mint(Claims{}, Alg("RS256")); err == nil {
		t.Error("signed with an algorithm that has no key")
	}
	if _, err := newIssuer(t, Options{}).Mint(Claims{"x": make(chan int)}); err == nil {
		t.Error("signed a claim that is not JSON")
	}
}

func TestRotationKeepsTheEarlierKeysForOneGeneration(t *testing.T) {
	i := newIssuer(t, Options{})
	first, _ := i.Mint(Claims{"sub": "cy"})
	rotate := func() {
		t.Helper()
		if err := i.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	rotate()
	second, _ := i.Mint(Claims{"sub": "cy"})
	h1, _ := open(t, i, first)
	h2, _ := open(t, i, second)
	if h1.KeyID == h2.KeyID {
		t.Error("the new key has the old id")
	}
	if n := len(published(t, i).Keys); n != 4 {
		t.Errorf("%d keys published during the overlap, want 4", n)
	}
	rotate()
	if _, _, ok := tryOpen(t, i, first); ok {
		t.Error("a key outlived two rotations")
	}
	open(t, i, second)
	i.Retire()
	if _, _, ok := tryOpen(t, i, second); ok {
		t.Error("a retired key is still published")
	}
}

func TestOnlyPublicKeysArePublished(t *testing.T) {
	i := newIssuer(t, Options{Algorithms: []string{"RS256", "ES256", "EdDSA"}})
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(i.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, ok := key[private]; ok {
				t.Errorf("the %v key shows its %q", key["alg"], private)
			}
		}
		if key["use"] != "sig" || key["kid"] == nil || key["alg"] == nil {
			t.Errorf("key without use, kid or alg: %v", key["kty"])
		}
	}
}

func TestJWKSFetchesAreCountedAndFailOnDemand(t *testing.T) {
	i := newIssuer(t, Options{MaxAge: time.Minute})
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		i.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	if w := get("/jwks.json"); w.Code != 200 || w.Header().Get("Cache-Control") != "public, max-age=60" || w.Body.String() != string(i.JWKS()) {
		t.Errorf("answer %d %v", w.Code, w.Header())
	}
	i.SetDown(true)
	for _, path := range []string{"/jwks.json", "/.well-known/openid-configuration", "/token?sub=x"} {
		if w := get(path); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s answers %d while down", path, w.Code)
		}
	}
	i.SetDown(false)
	if w := get("/jwks.json"); w.Code != 200 {
		t.Errorf("answer %d after being down", w.Code)
	}
	if n := i.Fetches(); n != 3 {
		t.Errorf("%d fetches counted, want 3", n)
	}
}
