// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/durwardtest"
	"durward/internal/units"
)

func TestClaimsDecide(t *testing.T) {
	ec := es("ec")
	now := durwardtest.NewClock().Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	set := func(kv ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return m
	}
	maxAge := func(c *IssuerConfig) { c.MaxAge = units.Duration(10 * time.Minute) }
	for name, row := range map[string]struct {
		change map[string]any
		config func(*IssuerConfig)
		why    error // nil: accepted
	}{
		"a good token":                 {},
		"exp within the skew":          {change: set("exp", at(-29*time.Second), "iat", at(-time.Hour))},
		"exp at the end of the skew":   {change: set("exp", at(-30*time.Second), "iat", at(-time.Hour)), why: errExpired},
		"exp missing":                  {change: set("exp", nil), why: errNoExp},
		"exp a string":                 {change: set("exp", "9999999999"), why: errClaimType},
		"exp null":                     {change: set("exp", []any{}), why: errClaimType},
		"exp true":                     {change: set("exp", true), why: errClaimType},
		"exp an object":                {change: set("exp", map[string]any{"a": 1}), why: errClaimType},
		"exp negative":                 {change: set("exp", -1), why: errClaimType},
		"exp zero":                     {change: set("exp", 0, "iat", nil), why: errExpired},
		"exp a fraction":               {change: set("exp", float64(at(time.Hour))+0.5)},
		"exp over the year 9999":       {change: set("exp", int64(253402300800)), why: errClaimType},
		"exp that overflows 64 bits":   {change: set("exp", rawNumber("99999999999999999999999999")), why: errClaimType},
		"exp that wraps to the future": {change: set("exp", rawNumber("18446744073709551615")), why: errClaimType},
		"exp 1e400":                    {change: set("exp", rawNumber("1e400")), why: errClaimType},
		"exp 2e9":                      {change: set("exp", rawNumber("2e9"))},
		"exp not after iat":            {change: set("exp", at(10*time.Second), "iat", at(10*time.Second)), why: errExpired},
		"nbf in the past":              {change: set("nbf", at(-time.Hour))},
		"nbf within the skew":          {change: set("nbf", at(30*time.Second))},
		"nbf in the future":            {change: set("nbf", at(31*time.Second)), why: errNotYet},
		"nbf a string":                 {change: set("nbf", "0"), why: errClaimType},
		"iat in the future":            {change: set("iat", at(31*time.Second)), why: errNotYet},
		"iat missing":                  {change: set("iat", nil)},
		"iat a string":                 {change: set("iat", "now"), why: errClaimType},
		"too old":                      {change: set("iat", at(-11*time.Minute)), config: maxAge, why: errTooOld},
		"young enough":                 {change: set("iat", at(-9*time.Minute)), config: maxAge},
		"of unknown age":               {change: set("iat", nil), config: maxAge, why: errTooOld},
		"aud a list that holds us":     {change: set("aud", []string{"other", testAudience})},
		"aud a list of one":            {change: set("aud", []string{testAudience})},
		"aud a list without us":        {change: set("aud", []string{"other"}), why: errAudience},
		"aud an empty list":            {change: set("aud", []string{}), why: errAudience},
		"aud another":                  {change: set("aud", "moot2"), why: errAudience},
		"aud with a space more":        {change: set("aud", "moot "), why: errAudience},
		"aud in upper case":            {change: set("aud", "MOOT"), why: errAudience},
		"aud missing":                  {change: set("aud", nil), why: errAudience},
		"aud a number":                 {change: set("aud", 1), why: errAudience},
		"aud an object":                {change: set("aud", map[string]any{"moot": true}), why: errAudience},
		"aud a list with a number":     {change: set("aud", []any{testAudience, 1}), why: errClaimType},
		"aud too long a list":          {change: set("aud", strings.Split(strings.Repeat("moot ", 300), " ")), why: errAudience},
		"sub missing":                  {change: set("sub", nil), why: errSubject},
		"sub empty":                    {change: set("sub", ""), why: errSubject},
		"sub a number":                 {change: set("sub", 7), why: errClaimType},
		"sub too long":                 {change: set("sub", strings.Repeat("a", 257)), why: errClaimType},
		"jti a number":                 {change: set("jti", 1), why: errClaimType},
		"roles an object":              {change: set("roles", map[string]any{"admin": true}), why: errClaimType},
		"roles with a number":          {change: set("roles", []any{"a", 1}), why: errClaimType},
		"roles with an empty one":      {change: set("roles", []string{""}), why: errClaimType},
		"scope a number":               {change: set("scope", 1), why: errClaimType},
		"too many scopes":              {change: set("scope", strings.Repeat("s ", 257)), why: errClaimType},
		"bound to a key (cnf)":         {change: set("cnf", map[string]any{"jkt": "x"}), why: errConfirmation},
		"client_id a list":             {change: set("client_id", []string{"app"}), why: errClaimType},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setOf(ec.jwk()), row.config)
			d := f.ask(ec.sign(ec.header(), claims(now, row.change)))
			if row.why == nil {
				allowed(t, d)
			} else {
				refused(t, d, row.why)
			}
		})
	}
}

// rawNumber is a JSON number that no Go type holds.
type rawNumber string

func (n rawNumber) MarshalJSON() ([]byte, error) { return []byte(n), nil }

func TestTypeDecides(t *testing.T) {
	ec := es("ec")
	now := durwardtest.NewClock().Now()
	for _, row := range []struct {
		config, typ string
		ok          bool
	}{
		{"", "JWT", true}, {"", "jwt", true}, {"", "", true}, {"", "at+jwt", true}, {"", "application/at+JWT", true},
		{"", "secevent+jwt", false}, {"", "application/", false}, {"", "JWT ", false},
		{"at+jwt", "at+jwt", true}, {"at+jwt", "AT+JWT", true}, {"at+jwt", "application/at+jwt", true},
		{"at+jwt", "JWT", false}, {"at+jwt", "", false}, {"at+jwt", "at+jwt+x", false},
		{"any", "secevent+jwt", true}, {"any", "", true},
	} {
		t.Run(row.config+" takes "+row.typ, func(t *testing.T) {
			f := newFixture(t, setOf(ec.jwk()), func(c *IssuerConfig) { c.Type = row.config })
			header := `{"alg":"ES256","kid":"ec","typ":"` + row.typ + `"}`
			if row.typ == "" {
				header = `{"alg":"ES256","kid":"ec"}`
			}
			d := f.ask(ec.sign(header, claims(now, nil)))
			if row.ok {
				allowed(t, d)
			} else {
				refused(t, d, errType)
			}
		})
	}
}

func TestAccessTokenProfileDemandsItsClaims(t *testing.T) {
	ec := es("ec")
	f := newFixture(t, setOf(ec.jwk()), func(c *IssuerConfig) { c.Type = "at+jwt" })
	header := `{"alg":"ES256","kid":"ec","typ":"at+jwt"}`
	allowed(t, f.ask(ec.sign(header, claims(f.clock.Now(), nil))))
	for _, name := range []string{"sub", "client_id", "iat", "jti"} {
		refused(t, f.ask(ec.sign(header, claims(f.clock.Now(), map[string]any{name: nil}))), errProfile)
	}
}

func TestPrincipalIsReadFromTheConfiguredClaims(t *testing.T) {
	ec := es("ec")
	now := durwardtest.NewClock().Now()
	base := durward.Principal{
		Subject: "alice", Consumer: "app", Issuer: "corp", Method: "jwt", Credential: "t-1",
		Roles: []string{"member"}, Scopes: []string{"read", "write"}, Expires: now.Add(time.Hour).Truncate(time.Second),
	}
	for name, row := range map[string]struct {
		names  ClaimNames
		change map[string]any
		want   func(*durward.Principal)
	}{
		"defaults": {},
		"azp stands in for client_id": {change: map[string]any{"client_id": nil, "azp": "web"},
			want: func(p *durward.Principal) { p.Consumer = "web" }},
		"scp as a list": {change: map[string]any{"scope": nil, "scp": []string{"a", "b"}},
			want: func(p *durward.Principal) { p.Scopes = []string{"a", "b"} }},
		"a path into objects": {names: ClaimNames{Roles: "realm_access.roles"},
			change: map[string]any{"realm_access": map[string]any{"roles": []string{"admin"}}},
			want:   func(p *durward.Principal) { p.Roles = []string{"admin"} }},
		"a path that leads nowhere": {names: ClaimNames{Roles: "realm_access.roles"},
			change: map[string]any{"realm_access": "x"},
			want:   func(p *durward.Principal) { p.Roles = nil }},
		"a configured name has no second choice": {names: ClaimNames{Consumer: "app_id"},
			want: func(p *durward.Principal) { p.Consumer = "" }},
		"a literal name with dots": {names: ClaimNames{Roles: "https://example.com/roles"},
			change: map[string]any{"https://example.com/roles": "editor"},
			want:   func(p *durward.Principal) { p.Roles = []string{"editor"} }},
		"another subject": {names: ClaimNames{Subject: "email"}, change: map[string]any{"email": "a@example.com"},
			want: func(p *durward.Principal) { p.Subject = "a@example.com" }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setOf(ec.jwk()), func(c *IssuerConfig) { c.Claims = row.names })
			body := claims(now, row.change)
			x := bearer(ec.sign(ec.header(), body))
			allowed(t, f.stage.Request(t.Context(), x))
			want := base
			want.Claims = []byte(body)
			if row.want != nil {
				row.want(&want)
			}
			if diff := cmp.Diff(want, x.Principal, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
				t.Errorf("principal (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTokenWithoutIdIsKnownByAHashOfWhatWasSigned(t *testing.T) {
	ec := es("ec")
	f := newFixture(t, setOf(ec.jwk()), nil)
	body := claims(f.clock.Now(), map[string]any{"jti": nil})
	// ECDSA is randomised, so these are two spellings of one token.
	one, two := bearer(ec.sign(ec.header(), body)), bearer(ec.sign(ec.header(), body))
	allowed(t, f.stage.Request(t.Context(), one))
	allowed(t, f.stage.Request(t.Context(), two))
	c := one.Principal.Credential
	if !strings.HasPrefix(c, "sha256:") || len(c) != 7+16 || c != two.Principal.Credential {
		t.Errorf("credentials %q and %q", c, two.Principal.Credential)
	}
}

func TestEveryAsymmetricFamilyIsAccepted(t *testing.T) {
	for _, k := range []signingKey{
		{"a", "RS256", rsaKey()}, {"b", "PS256", rsaKey()}, {"c", "ES256", ecKey()}, {"d", "EdDSA", edKey()},
	} {
		t.Run(k.alg, func(t *testing.T) {
			f := newFixture(t, setOf(k.jwk()), nil)
			allowed(t, f.ask(k.sign(k.header(), claims(f.clock.Now(), nil))))
			// The same key, a list without its algorithm.
			f = newFixture(t, setOf(k.jwk()), func(c *IssuerConfig) { c.Algorithms = []string{"ES512"} })
			refused(t, f.ask(k.sign(k.header(), claims(f.clock.Now(), nil))), errAlgorithm)
		})
	}
}
