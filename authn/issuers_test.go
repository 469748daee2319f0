// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
)

func TestReloadKeepsKeysAndCachedTokens(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	tok := f.fresh(ec)
	allowed(t, f.ask(tok))
	f.fake.set(down)

	old := f.issuers
	next := f.with(t, corp(nil))
	f.stage = f.newStage(t, next)
	old.Close()
	if v := f.cache.get(ptr(digestOf(tok)), []*issuer{next.byName["corp"]}, f.clock.Now()); v == nil {
		t.Error("an unchanged issuer forgot its cached token")
	}
	allowed(t, f.ask(tok))
	allowed(t, f.ask(f.fresh(ec)))
	if n := f.fake.count(jwksURL); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	next.Close()
	if n := len(f.root.shared.used); n != 0 {
		t.Errorf("%d sources left behind", n)
	}
	if n := len(f.root.shared.last); n != 0 {
		t.Errorf("%d issuers left behind", n)
	}
}

func ptr[T any](v T) *T { return &v }

func TestChangedIssuerDoesNotTrustOldCachedTokens(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	tok := f.fresh(ec)
	allowed(t, f.ask(tok))
	f.stage = f.newStage(t, f.with(t, corp(func(c *IssuerConfig) { c.Audiences = []string{"other"} })))
	refused(t, f.ask(tok), errAudience)
	f.stage = f.newStage(t, f.with(t, corp(func(c *IssuerConfig) { c.MaxAge = units.Duration(time.Minute) })))
	f.clock.Move(2 * time.Minute)
	refused(t, f.ask(tok), errTooOld)
}

func TestFailedReloadChangesNothing(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	allowed(t, f.ask(f.fresh(ec)))
	bad := corp(nil)
	bad["new"] = IssuerConfig{Issuer: "https://new.example", JWKSURL: "https://new.example/jwks", Audiences: []string{"x"}}
	bad["zbad"] = IssuerConfig{}
	bad["zca"] = IssuerConfig{Discovery: "https://ca.example", Audiences: []string{"x"}, CA: filepath.Join(t.TempDir(), "none.pem")}
	_, err := f.root.With(bad)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"zbad.audiences: is required", "zbad: must have exactly one", "zca.ca: cannot be read"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if n := len(f.root.shared.used); n != 1 {
		t.Errorf("%d sources, want the old one", n)
	}
	allowed(t, f.ask(f.fresh(ec)))
}

func TestTokensAreCheckedWithTheKeysOfTheirIssuerOnly(t *testing.T) {
	ours, theirs := signingKey{"k", "ES256", ecKey()}, signingKey{"k", "ES256", newECKey()}
	f := newFixture(t, setOf(ours.jwk()), nil)
	const other = "https://partner.example"
	f.fake.set(func(i *fakeIssuer) { i.bodies[other+"/jwks"] = setOf(theirs.jwk()) })
	configs := corp(nil)
	configs["partner"] = IssuerConfig{Issuer: other, JWKSURL: other + "/jwks", Audiences: []string{testAudience}}
	issuers := f.with(t, configs)
	both, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}, {JWT: &JWT{Issuer: "partner"}}},
		Env{Issuers: issuers, Cache: f.cache, Now: f.clock.Now}, false)
	if err != nil {
		t.Fatal(err)
	}
	onlyCorp := f.newStage(t, issuers)
	good := theirs.sign(theirs.header(), claims(f.clock.Now(), map[string]any{"iss": other}))
	x := bearer(good)
	allowed(t, both.Request(t.Context(), x))
	if x.Principal.Issuer != "partner" {
		t.Errorf("issuer %q", x.Principal.Issuer)
	}
	// Cached, and still not for an API that does not take this issuer.
	refused(t, onlyCorp.Request(t.Context(), bearer(good)), errIssuer)
	// One issuer signs in the name of the other.
	refused(t, both.Request(t.Context(), bearer(theirs.sign(theirs.header(), claims(f.clock.Now(), nil)))), errSignature)
	refused(t, both.Request(t.Context(), bearer(ours.sign(ours.header(), claims(f.clock.Now(), map[string]any{"iss": other})))), errSignature)
}

func TestTwoIssuersOfOneAPICannotShareAnIss(t *testing.T) {
	f := newFixture(t, "", nil)
	configs := corp(nil)
	twin := configs["corp"]
	twin.Audiences = []string{"other"}
	configs["twin"] = twin
	_, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}, {JWT: &JWT{Issuer: "twin"}}}, Env{Issuers: f.with(t, configs)}, false)
	if err == nil || !strings.Contains(err.Error(), "[1].jwt.issuer: another issuer of this API has the same iss") {
		t.Errorf("got %v", err)
	}
}

func TestIssuerOverTLSWithItsOwnCA(t *testing.T) {
	ec := es("a")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(setOf(ec.jwk())))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the client that refuses it
	server.StartTLS()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	root := NewIssuers(nil, nil, nil)
	defer root.Close()
	ask := func(ca string) durward.Decision {
		issuers, err := root.With(corp(func(c *IssuerConfig) { c.JWKSURL, c.CA = server.URL, ca }))
		if err != nil {
			t.Fatal(err)
		}
		defer issuers.Close()
		s, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}}, Env{Issuers: issuers}, false)
		if err != nil {
			t.Fatal(err)
		}
		return s.Request(t.Context(), bearer(ec.sign(ec.header(), claims(time.Now(), nil))))
	}
	allowed(t, ask(ca))
	failed(t, ask(""), durward.CodeIssuerUnavailable)
}

func TestIssuerConfigCheckNamesEveryFault(t *testing.T) {
	for name, row := range map[string]struct {
		config IssuerConfig
		want   []string
	}{
		"empty": {IssuerConfig{}, []string{"must have exactly one of", "issuer: is required", "audiences: is required"}},
		"two sources": {IssuerConfig{Issuer: "x", JWKSURL: "https://a/b", JWKSFile: "/f", Audiences: []string{"a"}},
			[]string{"must have exactly one of"}},
		"cleartext": {IssuerConfig{Discovery: "http://id.example.com", JWKSURL: "http://id.example.com/", Audiences: []string{"a"}},
			[]string{"exactly one", "discovery: must be an https URL", "jwks_url: must be an https URL"}},
		"user in the URL":         {IssuerConfig{Discovery: "https://me:secret@id.example.com", Audiences: []string{"a"}}, []string{"discovery: must be"}},
		"document without issuer": {IssuerConfig{Discovery: "https://a/.well-known/x", Audiences: []string{"a"}}, []string{"issuer: is required"}},
		"the rest": {IssuerConfig{Discovery: "https://a", Audiences: []string{""}, Algorithms: []string{"ES256", "HS256", "none"}, Type: "jws",
			Skew: units.Duration(6 * time.Minute), MinRefresh: 1, RefreshInterval: units.Duration(48 * time.Hour), StaleFor: 1},
			[]string{"audiences: holds an empty", "algorithms[1]: must be", "algorithms[2]: must be", "type: must be", "skew: must be between 0s and 5m",
				"min_refresh: must", "refresh_interval: must", "stale_for: must"}},
		"CA for a file": {IssuerConfig{Issuer: "x", JWKSFile: "/f", CA: "/ca", Audiences: []string{"a"}}, []string{"ca: is of no use"}},
		"discovery":     {IssuerConfig{Discovery: "https://id.example.com", Audiences: []string{"a"}}, nil},
		"loopback":      {IssuerConfig{Discovery: "http://127.0.0.1:9000", Audiences: []string{"a"}}, nil},
		"loopback v6":   {IssuerConfig{Discovery: "http://[::1]:9000", Audiences: []string{"a"}}, nil},
		"localhost":     {IssuerConfig{Discovery: "http://localhost:9000", Audiences: []string{"a"}}, nil},
		"a lookalike":   {IssuerConfig{Discovery: "http://localhost.example.com", Audiences: []string{"a"}}, []string{"discovery: must be"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := row.config.Check()
			if got := len(durward.Flatten(err)); got != len(row.want) {
				t.Errorf("%d faults, want %d: %v", got, len(row.want), err)
			}
			for _, w := range row.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Error("the error quotes a secret")
			}
		})
	}
}
