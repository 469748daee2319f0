// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"durward"
	"durward/authn/introspect"
)

// An application that calls itself acme at another issuer must not use up what
// acme may do, nor be taken for it by the upstream.
func TestAnIssuerSpeaksForTheConsumersThatItIsSaidTo(t *testing.T) {
	ec := es("a")
	const refuse, away = "refused", "unavailable"
	for name, row := range map[string]struct {
		ids     []string
		none    bool
		origins int
		client  string
		want    string // the consumer
		plan    string
	}{
		"the only issuer, a consumer":               {client: "acme", want: "acme", plan: "gold"},
		"the only issuer, an application":           {client: "web", want: "web"},
		"the only issuer, a name with a colon":      {client: "corp:acme", want: "corp:corp:acme"},
		"one of two, a consumer":                    {origins: 2, client: "acme", want: refuse},
		"one of two, an application":                {origins: 2, client: "web", want: "corp:web"},
		"one of two while the store is away":        {origins: 2, client: "gone", want: away},
		"one of two that speaks for all":            {ids: []string{"*"}, origins: 2, client: "acme", want: "acme", plan: "gold"},
		"one of two that speaks for it":             {ids: []string{"globex", "acme"}, origins: 2, client: "acme", want: "acme", plan: "gold"},
		"one of two that speaks for another":        {ids: []string{"globex"}, origins: 2, client: "acme", want: "corp:acme"},
		"one of two that speaks for none":           {none: true, origins: 2, client: "acme", want: "corp:acme"},
		"the only one, that speaks for none":        {none: true, client: "acme", want: "corp:acme"},
		"the only one, that speaks for another":     {ids: []string{"globex"}, client: "acme", want: "corp:acme"},
		"all, a name like that of another issuer's": {ids: []string{"*"}, origins: 2, client: "partner:web", want: "corp:partner:web"},
		"no application":                            {origins: 2, client: "", want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setOf(ec.jwk()), func(c *IssuerConfig) { c.Consumers, c.NoConsumers = row.ids, row.none })
			st, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}}, Env{
				Issuers: f.issuers, Now: f.clock.Now, Cache: f.cache, Origins: row.origins,
				Consumers: someConsumers{"acme": {ID: "acme", Plan: "gold"}, "globex": {ID: "globex"}},
			}, false)
			if err != nil {
				t.Fatal(err)
			}
			tok := ec.sign(ec.header(), claims(f.clock.Now(), map[string]any{"client_id": row.client}))
			for range 2 { // the second one is remembered
				x := bearer(tok)
				switch d := st.Request(t.Context(), x); row.want {
				case refuse:
					refused(t, d, errSpeaksFor)
				case away:
					failed(t, d, durward.CodeStoreUnavailable)
				default:
					allowed(t, d)
					if x.Principal.Consumer != row.want || x.Principal.Plan != row.plan {
						t.Errorf("consumer %q, plan %q", x.Principal.Consumer, x.Principal.Plan)
					}
				}
			}
		})
	}
}

// Also when the second issuer came with a reload, of which a remembered token
// knows nothing.
func TestASecondIssuerEndsWhatTheOnlyOneCouldSay(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	known := someConsumers{"app": {ID: "app"}}
	stage := func(i *Issuers) durward.Stage {
		t.Helper()
		st, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}}, Env{Issuers: i, Now: f.clock.Now, Cache: f.cache, Consumers: known}, false)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	tok := f.fresh(ec)
	allowed(t, stage(f.issuers).Request(t.Context(), bearer(tok)))
	two := corp(nil)
	two["partner"] = IssuerConfig{Issuer: "https://partner.example", JWKSURL: "https://partner.example/jwks", Audiences: []string{"moot"}}
	refused(t, stage(f.with(t, two)).Request(t.Context(), bearer(tok)), errSpeaksFor)
}

func TestAServerOfOpaqueTokensSpeaksForTheConsumersThatItIsSaidTo(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"active":true,"sub":"cy","client_id":"acme"}`))
	}))
	defer server.Close()
	for name, row := range map[string]struct {
		change  func(*Introspection)
		origins int
		want    string
	}{
		"the only origin": {func(*Introspection) {}, 0, "acme"},
		"one of two":      {func(*Introspection) {}, 2, ""},
		"listed":          {func(i *Introspection) { i.Consumers = []string{"acme"} }, 2, "acme"},
		"none":            {func(i *Introspection) { i.NoConsumers = true }, 2, server.URL + ":acme"},
	} {
		t.Run(name, func(t *testing.T) {
			i := &Introspection{Config: introspect.Config{URL: server.URL, BearerToken: "own", AnyAudience: true}}
			row.change(i)
			m, err := New(Config{{Introspection: i}}, Env{Origins: row.origins, Consumers: someConsumers{"acme": {ID: "acme"}}})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			st, err := m.Stage(Demand{})
			if err != nil {
				t.Fatal(err)
			}
			x := bearer("opaque")
			d := st.Request(context.Background(), x)
			if row.want == "" {
				refused(t, d, errSpeaksFor)
				return
			}
			allowed(t, d)
			if x.Principal.Consumer != row.want {
				t.Errorf("consumer %q", x.Principal.Consumer)
			}
		})
	}
}

func TestOriginsCountsIssuersAndServersOnce(t *testing.T) {
	server := func(url, issuer string) Config {
		return Config{{Introspection: &Introspection{Config: introspect.Config{URL: url, Issuer: issuer}}}, {APIKey: &APIKey{}}}
	}
	if n := Origins(2, server("https://a.example", ""), server("https://a.example", ""), server("https://b.example", "")); n != 4 {
		t.Errorf("%d", n)
	}
	if n := Origins(0); n != 0 {
		t.Errorf("%d", n)
	}
}

func TestWhomAnIssuerSpeaksForIsSaidInOneWay(t *testing.T) {
	for name, row := range map[string]struct {
		ids   []string
		none  bool
		fault string
	}{
		"nothing":          {},
		"all":              {ids: []string{"*"}},
		"some":             {ids: []string{"acme", "globex"}},
		"none":             {none: true},
		"some and none":    {ids: []string{"acme"}, none: true, fault: "no_consumers"},
		"all and some":     {ids: []string{"*", "acme"}, fault: "consumers"},
		"an empty id":      {ids: []string{""}, fault: "consumers"},
		"a qualified name": {ids: []string{"corp:acme"}, fault: "consumers"},
	} {
		c := IssuerConfig{Issuer: testIssuer, JWKSURL: jwksURL, Audiences: []string{"a"}, Consumers: row.ids, NoConsumers: row.none}
		err := c.Check()
		if (err == nil) != (row.fault == "") || err != nil && !strings.HasPrefix(err.Error(), row.fault+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
