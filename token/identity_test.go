// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/internal/units"
)

// without gives claims without those that differ each time.
func without(claims map[string]any) map[string]any {
	for _, name := range []string{"iat", "nbf", "exp", "jti"} {
		delete(claims, name)
	}
	return claims
}

func TestTheTokenSaysWhoHowAndWhichRequest(t *testing.T) {
	sum := sha256.Sum256([]byte("a=1"))
	request := map[string]any{"id": "req-1", "method": "GET", "path": "/spaces", "api": "moot", "operation": "listSpaces", "query_sha256": b64.EncodeToString(sum[:])}
	for _, tc := range []struct {
		name   string
		config IdentityConfig
		change func(x *durward.Exchange)
		want   map[string]any
	}{
		{"by default scopes, roles and the request", IdentityConfig{}, nil, map[string]any{
			"iss": "https://gw.test", "aud": "moot", "sub": "alice", "client_id": "shop", "scope": "read write", "roles": []any{"member"},
			"durward": map[string]any{"method": "jwt", "issuer": "corp", "credential": "jti-7", "bound": "dpop", "request": request}}},
		{"the client's address on demand", IdentityConfig{Claims: []string{"address"}}, nil, map[string]any{
			"iss": "https://gw.test", "aud": "moot", "sub": "alice", "client_id": "shop",
			"durward": map[string]any{"method": "jwt", "issuer": "corp", "credential": "jti-7", "bound": "dpop", "address": "203.0.113.9"}}},
		{"nothing but the caller", IdentityConfig{Claims: []string{}},
			func(x *durward.Exchange) { x.Principal = durward.Principal{Subject: "k1", Method: "api_key"} },
			map[string]any{"iss": "https://gw.test", "aud": "moot", "sub": "k1", "durward": map[string]any{"method": "api_key"}}},
		{"a request without query and operation", IdentityConfig{Claims: []string{"request"}},
			func(x *durward.Exchange) {
				x.Principal = durward.Principal{Subject: "k1", Method: "api_key"}
				x.Out.RawQuery, x.Operation = "", nil
			},
			map[string]any{"iss": "https://gw.test", "aud": "moot", "sub": "k1", "durward": map[string]any{"method": "api_key",
				"request": map[string]any{"id": "req-1", "method": "GET", "path": "/spaces"}}}},
		{"a scope that would read as two is left out", IdentityConfig{Claims: []string{"scopes"}},
			func(x *durward.Exchange) {
				x.Principal = durward.Principal{Subject: "k1", Method: "jwt", Scopes: []string{"read admin", "", `a"b`, "write", "ü", "x:y"}}
			},
			map[string]any{"iss": "https://gw.test", "aud": "moot", "sub": "k1", "scope": "write x:y", "durward": map[string]any{"method": "jwt"}}},
		{"a name that would end the string does not", IdentityConfig{Claims: []string{"roles"}},
			func(x *durward.Exchange) {
				x.Principal = durward.Principal{Subject: `a","sub":"root`, Method: "jwt", Roles: []string{"a\",\"b", "\\"}}
			},
			map[string]any{"iss": "https://gw.test", "aud": "moot", "sub": `a","sub":"root`, "roles": []any{`a","b`, `\`}, "durward": map[string]any{"method": "jwt"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, k := newStage(t, tc.config, newClock())
			x := newExchange()
			if tc.change != nil {
				tc.change(x)
			}
			_, claims := mustVerify(t, k, run(t, s, x, defaultHeader))
			if diff := cmp.Diff(tc.want, without(claims)); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// seconds reads a claim that is a time.
func seconds(t *testing.T, claims map[string]any, name string) int64 {
	t.Helper()
	n, err := claims[name].(json.Number).Int64()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n - start.Unix()
}

func TestTheTokenLivesShortAndNotLongerThanTheCredential(t *testing.T) {
	for _, tc := range []struct {
		name     string
		lifetime time.Duration
		expires  time.Time
		want     int64
	}{
		{"60s by default", 0, time.Time{}, 60},
		{"as configured", 5 * time.Minute, start.Add(time.Hour), 300},
		{"as long as the credential", time.Minute, start.Add(20 * time.Second), 20},
		{"a credential within the tolerance for clocks still serves", time.Minute, start.Add(-20 * time.Second), 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, k := newStage(t, IdentityConfig{Lifetime: units.Duration(tc.lifetime)}, newClock())
			x := newExchange()
			x.Principal.Expires = tc.expires
			_, claims := mustVerify(t, k, run(t, s, x, defaultHeader))
			if iat, nbf, exp := seconds(t, claims, "iat"), seconds(t, claims, "nbf"), seconds(t, claims, "exp"); iat != 0 || nbf != -backdate || exp != tc.want {
				t.Errorf("iat %d, nbf %d, exp %d; want 0, %d, %d", iat, nbf, exp, -backdate, tc.want)
			}
		})
	}
}

func TestEveryRequestHasATokenOfItsOwn(t *testing.T) {
	s, k := newStage(t, IdentityConfig{}, newClock())
	ids := map[any]bool{}
	for range 50 {
		_, claims := mustVerify(t, k, run(t, s, newExchange(), defaultHeader))
		ids[claims["jti"]] = true
	}
	if len(ids) != 50 {
		t.Errorf("%d ids of 50 tokens", len(ids))
	}
}

func TestNobodyHasNoTokenWhateverTheClientSays(t *testing.T) {
	s, _ := newStage(t, IdentityConfig{}, newClock())
	x := newExchange()
	x.Principal = durward.Principal{}
	x.Out.Header.Add(defaultHeader, "forged")
	if got := run(t, s, x, defaultHeader); got != "" {
		t.Errorf("nobody has the token %q", got)
	}
	x = newExchange()
	x.Out.Header.Add(defaultHeader, "forged")
	x.Out.Header.Add(defaultHeader, "forged twice")
	if got := run(t, s, x, defaultHeader); strings.Count(got, ".") != 2 {
		t.Errorf("the token is %q", got)
	}
}

func TestInAuthorizationItIsABearerToken(t *testing.T) {
	s, k := newStage(t, IdentityConfig{Header: "authorization", Type: "identity+jwt", Claims: []string{"scopes"}}, newClock())
	other, err := Identity(IdentityConfig{Header: "X-Other", Type: "identity+jwt", Audience: "moot", Claims: []string{"scopes"}}, k)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from memory, which keeps the two forms apart
		x := newExchange()
		compact := run(t, s, x, "Authorization")
		if got := x.Out.Header.Get("Authorization"); got != "Bearer "+compact {
			t.Errorf("Authorization: %s", got)
		}
		body, _, _ := k.JWKS()
		if _, typ, _, err := verify(t, body, compact); err != nil || typ != "identity+jwt" {
			t.Errorf("typ %q, %v", typ, err)
		}
		if run(t, other, x, "X-Other"); strings.HasPrefix(x.Out.Header.Get("X-Other"), "Bearer") {
			t.Error("another field has a scheme")
		}
	}
}

func TestATokenOfNoRequestIsUsedAgainForTheSameCallerOnly(t *testing.T) {
	c := newClock()
	s, k := newStage(t, IdentityConfig{Claims: []string{"scopes", "roles"}}, c)
	first := run(t, s, newExchange(), defaultHeader)
	again := newExchange()
	again.ID, again.Out.Path = "req-2", "/other"
	if got := run(t, s, again, defaultHeader); got != first {
		t.Error("the same caller's next request has another token")
	}
	for name, change := range map[string]func(p *durward.Principal){
		"subject":       func(p *durward.Principal) { p.Subject = "bob" },
		"consumer":      func(p *durward.Principal) { p.Consumer = "other" },
		"issuer":        func(p *durward.Principal) { p.Issuer = "other" },
		"method":        func(p *durward.Principal) { p.Method = "api_key" },
		"credential":    func(p *durward.Principal) { p.Credential = "jti-8" },
		"binding":       func(p *durward.Principal) { p.Bound = "" },
		"scopes":        func(p *durward.Principal) { p.Scopes = []string{"read"} },
		"roles":         func(p *durward.Principal) { p.Roles = nil },
		"shorter life":  func(p *durward.Principal) { p.Expires = start.Add(30 * time.Second) },
		"scope to role": func(p *durward.Principal) { p.Scopes, p.Roles = nil, []string{"member", "read"} },
	} {
		x := newExchange()
		change(&x.Principal)
		if run(t, s, x, defaultHeader) == first {
			t.Errorf("a caller with another %s gets the same token", name)
		}
	}
	// The last caller's token has replaced the first one, whose content is the
	// same but for its life: so take what is remembered now.
	first = run(t, s, newExchange(), defaultHeader)
	c.add(30 * time.Second)
	second := run(t, s, newExchange(), defaultHeader)
	if second == first {
		t.Error("a token is used beyond half of its life")
	}
	mustVerify(t, k, second)
}

// Two APIs with the same audience, or one before and after a reload.
func TestATokenIsNotUsedAgainWhereAnotherLifetimeHolds(t *testing.T) {
	c := newClock()
	claims := []string{"scopes", "roles"}
	long, k := newStage(t, IdentityConfig{Claims: claims, Lifetime: units.Duration(10 * time.Minute)}, c)
	cfg := IdentityConfig{Audience: "moot", Claims: claims, Lifetime: units.Duration(10 * time.Second)}
	short, err := Identity(cfg, k)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		stage durward.Stage
		want  int64
	}{{long, 600}, {short, 10}, {long, 600}, {short, 10}} {
		_, got := mustVerify(t, k, run(t, row.stage, newExchange(), defaultHeader))
		if life := seconds(t, got, "exp") - seconds(t, got, "iat"); life != row.want {
			t.Errorf("a token of %d s, want %d", life, row.want)
		}
	}
}

func TestRememberedTokensAreBounded(t *testing.T) {
	s, k := newStage(t, IdentityConfig{Claims: []string{}}, newClock())
	r := newReuse()
	for i := range reuseShards * reuseLimit * 2 {
		sum := sha256.Sum256([]byte(strconv.Itoa(i)))
		r.put(&sum, signed{value: "x"})
	}
	for i := range r.shards {
		if n := len(r.shards[i].tokens); n > reuseLimit {
			t.Errorf("shard %d remembers %d tokens", i, n)
		}
	}
	for i := range reuseShards { // a full memory does not keep tokens from being made
		x := newExchange()
		x.Principal.Subject = strconv.Itoa(i)
		mustVerify(t, k, run(t, s, x, defaultHeader))
	}
}

func TestATokenThatCannotBeMadeRefusesTheRequest(t *testing.T) {
	s, _ := newStage(t, IdentityConfig{}, newClock())
	for name, change := range map[string]func(p *durward.Principal){
		"more roles than a header takes": func(p *durward.Principal) { p.Roles = strings.Split(strings.Repeat("role-of-some-length,", 600), ",") },
		"a subject that is not UTF-8":    func(p *durward.Principal) { p.Subject = "\xff" },
		"a consumer that is not UTF-8":   func(p *durward.Principal) { p.Consumer = "a\xc0" },
	} {
		x := newExchange()
		change(&x.Principal)
		d := s.Request(t.Context(), x)
		if d.Verdict != durward.Fail || d.Code != durward.CodeInternal || x.Out.Header.Has(defaultHeader) {
			t.Errorf("%s: %v %q", name, d.Verdict, d.Code)
		}
	}
}

func TestTheStageNeedsKeysAndAGoodConfiguration(t *testing.T) {
	if _, err := Identity(IdentityConfig{Audience: "a"}, nil); err == nil {
		t.Error("it was made without keys")
	}
	for name, cfg := range map[string]IdentityConfig{
		"audience": {}, "audience ": {Audience: "a b"}, "header": {Audience: "a", Header: "x y"}, "header ": {Audience: "a", Header: "x-forwarded-for"},
		"lifetime": {Audience: "a", Lifetime: units.Duration(time.Second)}, "lifetime ": {Audience: "a", Lifetime: units.Duration(time.Hour)},
		"claims[1]": {Audience: "a", Claims: []string{"roles", "roles"}}, "claims[0]": {Audience: "a", Claims: []string{"secrets"}},
		"type": {Audience: "a", Type: `J"`}, "type ": {Audience: "a", Type: "a/b/c"},
	} {
		faults := durward.Flatten(cfg.Check())
		if len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), strings.TrimSpace(name)+":") {
			t.Errorf("%s: %v", name, faults)
		}
	}
	good := IdentityConfig{Audience: "urn:moot", Header: "x-caller", Type: "application/identity+jwt", Claims: claimWords}
	if err := good.Check(); err != nil || good.Field() != "X-Caller" {
		t.Errorf("%v, %s", err, good.Field())
	}
}
