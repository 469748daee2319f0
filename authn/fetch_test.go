// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"durward"
)

func TestBadAnswersLeaveTheKeysAlone(t *testing.T) {
	ec := es("a")
	for name, change := range map[string]func(*fakeIssuer){
		"down":                        down,
		"500":                         func(i *fakeIssuer) { i.status = 500 },
		"404":                         func(i *fakeIssuer) { i.status = 404 },
		"a redirect":                  func(i *fakeIssuer) { i.status = 302; i.headers[jwksURL] = http.Header{"Location": {jwksURL + "2"}} },
		"a 304 that nobody asked for": func(i *fakeIssuer) { i.status = 304 },
		"no content":                  publishing(""),
		"a web page":                  publishing("<html>login</html>"),
		"another JSON":                publishing(`{"error":"busy"}`),
		"over 1 MiB":                  publishing(`{"keys":[],"x":"` + string(make([]byte, maxKeySet)) + `"}`),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setOf(ec.jwk()), nil)
			allowed(t, f.ask(f.fresh(ec)))
			f.fake.set(change)
			if f.issuers.Refresh(t.Context()) == nil {
				t.Error("the refresh succeeded")
			}
			allowed(t, f.ask(f.fresh(ec)))
			if n := f.fake.count(jwksURL + "2"); n != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

func TestUnchangedSetIsNotSentAgain(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	f.fake.set(func(i *fakeIssuer) { i.headers[jwksURL] = http.Header{"Etag": {`"v1"`}} })
	allowed(t, f.ask(f.fresh(ec)))
	f.clock.Move(time.Hour)
	if err := f.issuers.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := f.fake.asked[1].Get("If-None-Match"); got != `"v1"` {
		t.Errorf("If-None-Match %q", got)
	}
	if st := f.issuers.Status()[0]; !st.Checked.Equal(f.clock.Now()) || st.Keys != 1 {
		t.Errorf("a 304 does not confirm the keys: %+v", st)
	}
	// What could not be read must not be taken for known later.
	f.fake.set(func(i *fakeIssuer) { i.bodies[jwksURL] = "{"; i.headers[jwksURL] = http.Header{"Etag": {`"v2"`}} })
	for range 2 {
		if f.issuers.Refresh(t.Context()) == nil {
			t.Error("a broken document was taken")
		}
	}
}

func TestDiscovery(t *testing.T) {
	ec := es("a")
	const document = testIssuer + "/.well-known/openid-configuration"
	meta := func(issuer, jwks string) func(*fakeIssuer) {
		return func(i *fakeIssuer) {
			i.bodies[document] = fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, jwks)
		}
	}
	discovering := func(c *IssuerConfig) { c.Issuer, c.JWKSURL, c.Discovery = "", "", testIssuer }

	t.Run("the document names the key set", func(t *testing.T) {
		f := newFixture(t, setOf(ec.jwk()), discovering)
		f.fake.set(meta(testIssuer, jwksURL))
		allowed(t, f.ask(f.fresh(ec)))
		// The document may be away for a while, and the set may move.
		f.fake.set(func(i *fakeIssuer) { delete(i.bodies, document) })
		if err := f.issuers.Refresh(t.Context()); err != nil {
			t.Errorf("without the document: %v", err)
		}
		b := signingKey{"b", "ES256", newECKey()}
		f.fake.set(func(i *fakeIssuer) { i.bodies[jwksURL+"2"] = setOf(b.jwk()) })
		f.fake.set(meta(testIssuer, jwksURL+"2"))
		if err := f.issuers.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		allowed(t, f.ask(f.fresh(b)))
	})
	for name, change := range map[string]func(*fakeIssuer){
		"of another issuer":        meta("https://evil.example", jwksURL),
		"of the issuer's sibling":  meta(testIssuer+"/", jwksURL),
		"with a key set over http": meta(testIssuer, "http://id.example.com/jwks"),
		"with a key set in a file": meta(testIssuer, "file:///etc/passwd"),
		"without a key set":        meta(testIssuer, ""),
		"that is not JSON":         func(i *fakeIssuer) { i.bodies[document] = "<html>" },
		"that is missing":          func(*fakeIssuer) {},
	} {
		t.Run("a document "+name+" gives no keys", func(t *testing.T) {
			f := newFixture(t, setOf(ec.jwk()), discovering)
			f.fake.set(change)
			failed(t, f.ask(f.fresh(ec)), durward.CodeIssuerUnavailable)
			if f.fake.count(jwksURL) != 0 {
				t.Error("the key set was fetched")
			}
		})
	}
}

func TestKeySetFileIsReadAgainWhenItChanges(t *testing.T) {
	a, b := es("a"), signingKey{"b", "ES256", newECKey()}
	path := filepath.Join(t.TempDir(), "jwks.json")
	write := func(jwks string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(jwks), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	when := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	write(setOf(a.jwk()), when)
	f := newFixture(t, "", func(c *IssuerConfig) { c.JWKSURL, c.JWKSFile = "", path })
	allowed(t, f.ask(f.fresh(a)))
	refused(t, f.ask(f.fresh(b)), errUnknownKey)
	write(setOf(b.jwk()), when.Add(time.Second))
	if err := f.issuers.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	allowed(t, f.ask(f.fresh(b)))
	refused(t, f.ask(f.fresh(a)), errUnknownKey)
	write("{", when.Add(2*time.Second))
	for range 2 {
		if f.issuers.Refresh(t.Context()) == nil {
			t.Error("a broken file was taken")
		}
	}
	allowed(t, f.ask(f.fresh(b)))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if f.issuers.Refresh(t.Context()) == nil {
		t.Error("a missing file was taken")
	}
	allowed(t, f.ask(f.fresh(b)))
}

func TestCacheControlIsRead(t *testing.T) {
	for field, want := range map[string]time.Duration{
		"":                              -1,
		"public":                        -1,
		"max-age=60":                    time.Minute,
		"public, Max-Age=60, immutable": time.Minute,
		`max-age="60"`:                  time.Minute,
		"max-age=-1":                    -1,
		"max-age=99999999999999999999":  -1,
		"max-age=60, no-store":          0,
		"no-cache":                      0,
		"s-maxage=60":                   -1,
	} {
		if got := maxAge(field); got != want {
			t.Errorf("%q: %v, want %v", field, got, want)
		}
	}
}
