// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"durward/durwardtest"

	"github.com/go-jose/go-jose/v4"

	"durward"
)

// signingKey is a private key of the fake issuer.
type signingKey struct {
	kid, alg string
	private  crypto.Signer
}

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return k
	})
	ecKey = sync.OnceValue(newECKey)
	edKey = sync.OnceValue(func() ed25519.PrivateKey {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		return k
	})
)

func newECKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

func es(kid string) signingKey { return signingKey{kid, "ES256", ecKey()} }
func rs(kid string) signingKey { return signingKey{kid, "RS256", rsaKey()} }

// jwk is the public key as a set has it.
func (k signingKey) jwk() string {
	b, err := jose.JSONWebKey{Key: k.private.Public(), KeyID: k.kid, Algorithm: k.alg, Use: "sig"}.MarshalJSON()
	if err != nil {
		panic(err)
	}
	return string(b)
}

func setOf(jwks ...string) string {
	var b bytes.Buffer
	for i, k := range jwks {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(k)
	}
	return `{"keys":[` + b.String() + `]}`
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// sign makes a token of any header and payload, however wrong.
func (k signingKey) sign(header, payload string) string {
	signed := b64(header) + "." + b64(payload)
	return signed + "." + b64(string(k.signature(signed)))
}

func (k signingKey) signature(signed string) []byte {
	sum := sha256.Sum256([]byte(signed))
	var sig []byte
	var err error
	switch p := k.private.(type) {
	case *rsa.PrivateKey:
		if k.alg[0] == 'P' {
			sig, err = rsa.SignPSS(rand.Reader, p, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
			break
		}
		sig, err = rsa.SignPKCS1v15(nil, p, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		r, s, e := ecdsa.Sign(rand.Reader, p, sum[:])
		sig, err = make([]byte, 64), e
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
	case ed25519.PrivateKey:
		sig = ed25519.Sign(p, []byte(signed))
	}
	if err != nil {
		panic(err)
	}
	return sig
}

func (k signingKey) header() string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, k.alg, k.kid)
}

const (
	testIssuer   = "https://id.example.com"
	testAudience = "moot"
)

// claims are good ones at that time, changed by change; a nil value removes.
func claims(now time.Time, change map[string]any) string {
	c := map[string]any{
		"iss": testIssuer, "aud": testAudience, "sub": "alice", "jti": "t-1",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"roles": []string{"member"}, "scope": "read write", "client_id": "app",
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// fakeIssuer answers for an issuer's documents, without a network.
type fakeIssuer struct {
	mu      sync.Mutex
	bodies  map[string]string // by URL
	headers map[string]http.Header
	status  int           // of all answers; 0 is 200
	err     error         // instead of an answer
	hold    chan struct{} // answers wait until it is closed
	hits    map[string]int
	asked   []http.Header
}

const jwksURL = testIssuer + "/jwks"

func newFakeIssuer(jwks string) *fakeIssuer {
	return &fakeIssuer{
		bodies:  map[string]string{jwksURL: jwks},
		headers: map[string]http.Header{},
		hits:    map[string]int{},
	}
}

func (f *fakeIssuer) set(change func(*fakeIssuer)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeIssuer) count(url string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits[url]
}

func (f *fakeIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	url := r.URL.String()
	f.mu.Lock()
	f.hits[url]++
	f.asked = append(f.asked, r.Header.Clone())
	body, ok := f.bodies[url]
	header, status, err, hold := f.headers[url].Clone(), f.status, f.err, f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if err != nil {
		return nil, err
	}
	if status == 0 {
		status = 200
		if !ok {
			status = 404
		}
	}
	if header == nil {
		header = http.Header{}
	}
	if tag := header.Get("Etag"); tag != "" && r.Header.Get("If-None-Match") == tag {
		status, body = 304, ""
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r}, nil
}

// fixture is a stage for tokens of one issuer.
type fixture struct {
	clock   *durwardtest.Clock
	fake    *fakeIssuer
	root    *Issuers
	issuers *Issuers
	cache   *Cache
	stage   durward.Stage
}

func corp(change func(*IssuerConfig)) map[string]IssuerConfig {
	c := IssuerConfig{Issuer: testIssuer, JWKSURL: jwksURL, Audiences: []string{testAudience}}
	if change != nil {
		change(&c)
	}
	return map[string]IssuerConfig{"corp": c}
}

func newFixture(t testing.TB, jwks string, change func(*IssuerConfig)) *fixture {
	t.Helper()
	f := &fixture{clock: durwardtest.NewClock(), fake: newFakeIssuer(jwks), cache: NewCache(0)}
	f.root = NewIssuers(&http.Client{Transport: f.fake}, f.clock.Now, nil)
	t.Cleanup(f.root.Close)
	f.issuers = f.with(t, corp(change))
	f.stage = f.newStage(t, f.issuers)
	return f
}

func (f *fixture) with(t testing.TB, configs map[string]IssuerConfig) *Issuers {
	t.Helper()
	i, err := f.root.With(configs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

func (f *fixture) newStage(t testing.TB, issuers *Issuers) durward.Stage {
	t.Helper()
	s, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}}, Env{Issuers: issuers, Cache: f.cache, Now: f.clock.Now}, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exchange(fields ...string) *durward.Exchange {
	x := &durward.Exchange{Operation: &durward.Operation{API: "moot"}}
	x.Client.Address = netip.MustParseAddr("192.0.2.7")
	for i := 0; i < len(fields); i += 2 {
		x.In.Header.Add(fields[i], fields[i+1])
	}
	return x
}

func bearer(token string) *durward.Exchange { return exchange("Authorization", "Bearer "+token) }

func (f *fixture) ask(token string) durward.Decision {
	return f.stage.Request(context.Background(), bearer(token))
}

// allowed and refused state what the decision must be.
func allowed(t testing.TB, d durward.Decision) {
	t.Helper()
	if d.Verdict != durward.Allow {
		t.Fatalf("got %v %s (%v), want allow", d.Verdict, d.Code, d.Err)
	}
}

func refused(t testing.TB, d durward.Decision, why error) {
	t.Helper()
	code := durward.CodeUnauthenticated
	if errors.Is(why, errKeyAddress) || errors.Is(why, errConsumerPlace) || errors.Is(why, errScope) {
		code = durward.CodeForbidden // who calls is known
	}
	if d.Verdict != durward.Deny || d.Code != code || !errors.Is(d.Err, why) {
		t.Fatalf("got %v %s (%v), want a refusal because of %v", d.Verdict, d.Code, d.Err, why)
	}
}

func failed(t testing.TB, d durward.Decision, code durward.Code) {
	t.Helper()
	if d.Verdict != durward.Fail || d.Code != code || d.Err == nil {
		t.Fatalf("got %v %s (%v), want a failure with %s", d.Verdict, d.Code, d.Err, code)
	}
}

// newStage makes the stage of one operation that takes what cfg lists.
func newStage(cfg Config, env Env, public bool) (durward.Stage, error) {
	m, err := New(cfg, env)
	if err != nil {
		return nil, err
	}
	return m.Stage(Demand{Public: public})
}
