// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func request(i *Issuer, method, target, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:4242", "127.0.0.1:1"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	i.Handler().ServeHTTP(w, r)
	return w
}

func tokenOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var answer struct {
		Token string `json:"access_token"`
		Type  string `json:"token_type"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.Type != "Bearer" {
		t.Fatalf("answer %d, %v", w.Code, err)
	}
	if cc := w.Header().Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", cc)
	}
	return answer.Token
}

func TestDiscoveryLeadsToTheKeysOverTheNetwork(t *testing.T) {
	i := newIssuer(t, Options{})
	server := httptest.NewServer(i.Handler())
	defer server.Close()
	i.SetURL(server.URL)
	var meta struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
		Token  string `json:"token_endpoint"`
	}
	fetch := func(url string) []byte {
		t.Helper()
		response, err := server.Client().Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		data, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 200 {
			t.Fatalf("%s: %d %v", url, response.StatusCode, err)
		}
		return data
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		if err := json.Unmarshal(fetch(server.URL+path), &meta); err != nil {
			t.Fatal(err)
		}
		if meta.Issuer != server.URL {
			t.Errorf("issuer %q, want %q (RFC 8414, 3.3)", meta.Issuer, server.URL)
		}
	}
	if diff := cmp.Diff(string(i.JWKS()), string(fetch(meta.JWKS))); diff != "" {
		t.Error(diff)
	}
	_, claims := open(t, i, string(fetch(meta.Token+"?sub=dan&format=text")))
	if claims["iss"] != server.URL || claims["sub"] != "dan" {
		t.Errorf("claims %v", claims)
	}
}

func TestAnyoneOnThisMachineGetsATokenForAnybody(t *testing.T) {
	i := newIssuer(t, Options{})
	w := request(i, "GET", "/token?sub=cy&roles=member,moderator&alg=EdDSA&ttl=60s&aud=x&scope=read+write", "", nil)
	header, claims := open(t, i, tokenOf(t, w))
	for name, want := range map[string]any{
		"sub": "cy", "roles": []any{"member", "moderator"}, "aud": "x", "scope": "read write",
		"exp": float64(epoch.Unix() + 60),
	} {
		if diff := cmp.Diff(want, claims[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if header.Algorithm != "EdDSA" {
		t.Errorf("alg %s", header.Algorithm)
	}
}

func TestATokenWithoutRolesHoldsAnEmptyList(t *testing.T) {
	i := newIssuer(t, Options{})
	_, claims := open(t, i, tokenOf(t, request(i, "GET", "/token?sub=dan", "", nil)))
	if diff := cmp.Diff([]any{}, claims["roles"]); diff != "" {
		t.Error(diff)
	}
}

func TestFaultyTokenRequestsAreRefused(t *testing.T) {
	i := newIssuer(t, Options{})
	for name, query := range map[string]string{
		"no subject":            "",
		"an unknown algorithm":  "sub=cy&alg=HS256",
		"a ttl without unit":    "sub=cy&ttl=60",
		"a ttl below a second":  "sub=cy&ttl=-1h",
		"a ttl above a day":     "sub=cy&ttl=25h",
		"a query with a broken": "sub=cy&ttl=%zz",
	} {
		if w := request(i, "GET", "/token?"+query, "", nil); w.Code != http.StatusBadRequest {
			t.Errorf("%s: answer %d, want 400", name, w.Code)
		}
	}
}

func TestOnlyLoopbackCallersThatNameALoopbackHostGetTokens(t *testing.T) {
	i := newIssuer(t, Options{})
	for _, c := range []struct {
		name, remote, host string
		want               int
	}{
		{"IPv4 loopback", "127.0.0.1:9", "127.0.0.1:8080", 200},
		{"the name localhost", "127.0.0.1:9", "LOCALHOST:8080", 200},
		{"a host without port", "127.0.0.1:9", "localhost", 200},
		{"IPv6 loopback", "[::1]:9", "[::1]:8080", 200},
		{"IPv6 loopback without port", "[::1]:9", "[::1]", 200},
		{"another machine", "192.0.2.1:9", "127.0.0.1", 403},
		{"a page with a rebound name", "127.0.0.1:9", "evil.example:8080", 403},
		{"a name that begins like loopback", "127.0.0.1:9", "127.0.0.1.evil.example", 403},
		{"no peer address", "", "127.0.0.1", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := func(r *http.Request) { r.RemoteAddr, r.Host = c.remote, c.host }
			if w := request(i, "GET", "/token?sub=cy", "", change); w.Code != c.want {
				t.Errorf("GET answers %d, want %d", w.Code, c.want)
			}
			form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"cy"}, "client_secret": {i.Secret()}}
			if w := request(i, "POST", "/token", form.Encode(), change); w.Code != c.want {
				t.Errorf("POST answers %d, want %d", w.Code, c.want)
			}
		})
	}
}

func TestClientCredentialsAreCheckedAndGiveTheUsersOwnRoles(t *testing.T) {
	i := newIssuer(t, Options{})
	form := func(id, secret, grant string) string {
		return url.Values{"grant_type": {grant}, "client_id": {id}, "client_secret": {secret}, "roles": {"owner"}}.Encode()
	}
	for _, c := range []struct {
		name, body string
		basic      func(*http.Request)
		want       int
	}{
		{"id and secret in the form", form("cy", i.Secret(), "client_credentials"), nil, 200},
		{"id and secret by Basic", "grant_type=client_credentials", func(r *http.Request) { r.SetBasicAuth("cy", i.Secret()) }, 200},
		{"a wrong secret", form("cy", "x"+i.Secret(), "client_credentials"), nil, 401},
		{"no secret", form("cy", "", "client_credentials"), nil, 401},
		{"a wrong secret by Basic", "grant_type=client_credentials", func(r *http.Request) { r.SetBasicAuth("cy", "no") }, 401},
		{"Basic that is not form-encoded", "grant_type=client_credentials", func(r *http.Request) { r.SetBasicAuth("%zz", i.Secret()) }, 401},
		{"an unknown user", form("eve", i.Secret(), "client_credentials"), nil, 401},
		{"another grant", form("cy", i.Secret(), "password"), nil, 400},
		{"a form above 8 KiB", form("cy", strings.Repeat("x", 9<<10), "client_credentials"), nil, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := request(i, "POST", "/token", c.body, c.basic)
			if w.Code != c.want {
				t.Fatalf("answer %d, want %d", w.Code, c.want)
			}
			if strings.Contains(w.Body.String(), i.Secret()) {
				t.Error("the answer holds the secret")
			}
			if c.want != 200 {
				return
			}
			_, claims := open(t, i, tokenOf(t, w))
			if diff := cmp.Diff([]any{"member"}, claims["roles"]); diff != "" || claims["sub"] != "cy" {
				t.Errorf("sub %v, roles %s", claims["sub"], diff)
			}
		})
	}
}

func TestSecretsAreRandomUnlessGiven(t *testing.T) {
	a, b := newIssuer(t, Options{}), newIssuer(t, Options{})
	if a.Secret() == b.Secret() || len(a.Secret()) < 20 {
		t.Error("two issuers share a secret, or it is short")
	}
	if newIssuer(t, Options{Secret: "s"}).Secret() != "s" {
		t.Error("a given secret is not used")
	}
}
