// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/authn/introspect"
)

func TestRevocationsAreAskedForTheSubjectAndTheTimeOfIssue(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	list := revoked{}
	s, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}}, Env{Issuers: f.issuers, Cache: f.cache, Now: f.clock.Now, Revocations: list}, false)
	if err != nil {
		t.Fatal(err)
	}
	iat := f.clock.Now().Add(-time.Minute).Truncate(time.Second)
	dated := ec.sign(ec.header(), claims(f.clock.Now(), map[string]any{"sub": "ann", "iat": iat.Unix()}))
	undated := ec.sign(ec.header(), claims(f.clock.Now(), map[string]any{"sub": "ann", "iat": nil}))
	for range 2 { // the second time they are known from the cache
		allowed(t, s.Request(context.Background(), bearer(dated)))
		allowed(t, s.Request(context.Background(), bearer(undated)))
	}
	list["corp of ann "+iat.UTC().Format(time.RFC3339)] = true
	refused(t, s.Request(context.Background(), bearer(dated)), errRevoked)
	allowed(t, s.Request(context.Background(), bearer(undated)))
	list["corp of ann "+time.Time{}.Format(time.RFC3339)] = true
	refused(t, s.Request(context.Background(), bearer(undated)), errRevoked)
}

func TestOpaqueTokensAreRevokedToo(t *testing.T) {
	f := newFixture(t, setOf(es("a").jwk()), nil)
	iat := f.clock.Now().Truncate(time.Second)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"active":true,"sub":"ann","jti":"o-1","iat":` + strconv.FormatInt(iat.Unix(), 10) + `}`))
	}))
	defer server.Close()
	list := revoked{}
	m, err := New(Config{{Introspection: &Introspection{Config: introspect.Config{
		URL: server.URL, ClientID: "gateway", ClientSecret: "secret", AnyAudience: true,
	}}}}, Env{Now: f.clock.Now, Revocations: list})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.Stage(Demand{})
	if err != nil {
		t.Fatal(err)
	}
	allowed(t, s.Request(context.Background(), bearer("opaque")))
	list[server.URL+" o-1"] = true
	refused(t, s.Request(context.Background(), bearer("opaque")), errOpaqueRevoked)
	delete(list, server.URL+" o-1")
	allowed(t, s.Request(context.Background(), bearer("opaque")))
	list[server.URL+" of ann "+iat.UTC().Format(time.RFC3339)] = true
	refused(t, s.Request(context.Background(), bearer("opaque")), errOpaqueRevoked)
}

func TestATokenIsIdentifiedWithoutItsKey(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	exp := f.clock.Now().Add(time.Hour).Truncate(time.Second)
	change := map[string]any{"sub": "ann", "exp": exp.Unix(), "jti": "t-9"}
	sign := func() string { return ec.sign(ec.header(), claims(f.clock.Now(), change)) }
	own := corp(nil)["corp"]
	other, twin := own, own
	other.Issuer, twin.Claims.Subject = "https://elsewhere.example", "email"
	configs := map[string]*IssuerConfig{"corp": &own, "other": &other, "empty": nil}

	got, err := Identify(configs, sign())
	want := []TokenID{{"corp", "t-9", "ann", exp.Add(30 * time.Second)}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	// An iss that two issuers of the configuration have is revoked for both.
	change["email"] = "ann@example.com"
	configs["twin"] = &twin
	got, err = Identify(configs, sign())
	want = append(want, TokenID{"twin", "t-9", "ann@example.com", exp.Add(30 * time.Second)})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	delete(configs, "twin")

	// Without jti it is known by its hash, the same that a record has.
	change["jti"] = nil
	text := sign()
	x := bearer(text)
	allowed(t, f.stage.Request(context.Background(), x))
	got, err = Identify(configs, text)
	if err != nil || got[0].Credential != x.Principal.Credential || x.Principal.Credential == "" {
		t.Errorf("%v: %+v, where the request has %q", err, got, x.Principal.Credential)
	}

	for why, wrong := range map[error]map[string]any{
		errIssuer:  {"iss": "https://nobody.example"},
		errNoExp:   {"exp": nil},
		errSubject: {"sub": ""},
	} {
		change = wrong
		if got, err := Identify(configs, sign()); err != why || got != nil {
			t.Errorf("%v: %+v, %v", why, got, err)
		}
	}
	for _, bad := range []string{"", "opaque", "a.b.c", text + "x=", "e30.W10.AA"} {
		if got, err := Identify(configs, bad); err == nil || got != nil {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}
