// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
)

// schemes of a contract that declares one of each.
var someSchemes = []Scheme{
	{Name: "token", Type: "http", HTTP: "bearer"},
	{Name: "oauth", Type: "oauth2"},
	{Name: "key", Type: "apiKey", In: "header", Parameter: "X-API-Key"},
	{Name: "queryKey", Type: "apiKey", In: "query", Parameter: "key"},
	{Name: "session", Type: "apiKey", In: "cookie", Parameter: "sid"},
	{Name: "mtls", Type: "mutualTLS"},
	{Name: "basic", Type: "http", HTTP: "basic"},
	{Name: "dpop", Type: "http", HTTP: "dpop"},
}

func needs(names ...string) (all []Requirement) {
	for _, n := range names {
		name, scopes, _ := strings.Cut(n, ":")
		all = append(all, Requirement{Scheme: name, Scopes: strings.Fields(scopes)})
	}
	return all
}

func TestTheContractsSecurityBecomesChoices(t *testing.T) {
	jwtAndKey := Config{{JWT: &JWT{Issuer: "corp"}}, {APIKey: &APIKey{}}}
	two := Config{{JWT: &JWT{Issuer: "corp"}}, {JWT: &JWT{Issuer: "partner"}}, {APIKey: &APIKey{}}}
	named := Config{{JWT: &JWT{Issuer: "corp"}, Schemes: []string{"token"}}, {JWT: &JWT{Issuer: "partner"}, Schemes: []string{"oauth"}}}
	bound := Config{{JWT: &JWT{Issuer: "corp", Bound: true}}, {JWT: &JWT{Issuer: "partner"}}, {Introspection: &Introspection{Bound: true}}}
	for name, row := range map[string]struct {
		cfg       Config
		security  [][]Requirement
		unused    []string
		want      []Choice
		anonymous bool
		err       string
	}{
		"either":                   {cfg: jwtAndKey, security: [][]Requirement{needs("token"), needs("key")}, want: []Choice{{Entries: []int{0}}, {Entries: []int{1}}}},
		"both":                     {cfg: jwtAndKey, security: [][]Requirement{needs("key", "token")}, want: []Choice{{Entries: []int{0, 1}}}},
		"of two issuers":           {cfg: two, security: [][]Requirement{needs("token", "key")}, want: []Choice{{Entries: []int{0, 2}}, {Entries: []int{1, 2}}}},
		"of the issuer that it is": {cfg: named, security: [][]Requirement{needs("oauth:read write")}, want: []Choice{{Entries: []int{1}, Scopes: [][]string{{"read", "write"}}}}},
		"none":                     {cfg: jwtAndKey, security: [][]Requirement{}, anonymous: true},
		"none, or one":             {cfg: jwtAndKey, security: [][]Requirement{{}, needs("key")}, want: []Choice{{Entries: []int{1}}}, anonymous: true},
		"scopes of each":           {cfg: jwtAndKey, security: [][]Requirement{needs("key", "oauth:write")}, want: []Choice{{Entries: []int{0, 1}, Scopes: [][]string{{"write"}, nil}}}},
		"one token for both":       {cfg: two, security: [][]Requirement{needs("token:a", "oauth:b")}, want: []Choice{{Entries: []int{0}, Scopes: [][]string{{"a", "b"}}}, {Entries: []int{1}, Scopes: [][]string{{"a", "b"}}}}},
		"one token for both, bare": {cfg: jwtAndKey, security: [][]Requirement{needs("token", "oauth")}, want: []Choice{{Entries: []int{0}}}},
		"two tokens in one place":  {cfg: named, security: [][]Requirement{needs("token", "oauth")}, err: `needs "oauth" beside another scheme, and both are credentials that stand in the same place`},
		"one that is unused":       {cfg: jwtAndKey, security: [][]Requirement{needs("basic"), needs("key")}, unused: []string{"basic"}, want: []Choice{{Entries: []int{1}}}},
		"all unused":               {cfg: jwtAndKey, security: [][]Requirement{needs("basic")}, unused: []string{"basic"}},
		"one that nobody reads":    {cfg: jwtAndKey, security: [][]Requirement{needs("basic"), needs("key")}, err: `"basic" (http basic), which no method is`},
		"a key in the query":       {cfg: jwtAndKey, security: [][]Requirement{needs("queryKey")}, err: `"queryKey" (apiKey in query key), which no method is`},
		"a cookie":                 {cfg: jwtAndKey, security: [][]Requirement{needs("session")}, err: "which no method is"},
		"certificates":             {cfg: jwtAndKey, security: [][]Requirement{needs("mtls")}, err: "which no method is"},
		"proofs, of bearer tokens": {cfg: jwtAndKey, security: [][]Requirement{needs("dpop")}, err: `"dpop" (http dpop: tokens with bound set), which no method is`},
		"proofs":                   {cfg: bound, security: [][]Requirement{needs("dpop")}, want: []Choice{{Entries: []int{0}}, {Entries: []int{2}}}},
		"proofs, by name":          {cfg: named, security: [][]Requirement{needs("dpop")}, err: "which no method is"},
		"undeclared":               {cfg: jwtAndKey, security: [][]Requirement{needs("nothing")}, err: `no security scheme "nothing"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, anonymous, err := row.cfg.Choose(someSchemes, row.security, row.unused)
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Fatalf("%v, want %s", err, row.err)
				}
				return
			}
			if err != nil || anonymous != row.anonymous {
				t.Fatalf("anonymous %v, %v", anonymous, err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// fake is a credential in a field of its own: its value is the verdict.
type fake struct{ field, issuer string }

func (f fake) Present(x *durward.Exchange) int       { return x.In.Header.Count(f.field) }
func (f fake) Challenge(realm string, _ bool) string { return f.field }
func (f fake) Authenticate(_ context.Context, x *durward.Exchange) (durward.Principal, error) {
	switch x.In.Header.Get(f.field) {
	case "good":
		p := durward.Principal{Subject: f.field, Method: f.field, Issuer: f.issuer}
		if f.issuer == "" {
			p.Scopes = []string{"read"}
		}
		return p, nil
	case "away":
		return durward.Principal{}, &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: errors.New("away")}
	}
	return durward.Principal{}, errBad
}

var errBad = errors.New("bad")

// TestAnOperationTakesExactlyOneOfItsCombinations is the table of I9. A, B and C
// are credentials of the request, T is one of the connection.
func TestAnOperationTakesExactlyOneOfItsCombinations(t *testing.T) {
	m := &Methods{
		slots:   []slot{{authenticator: fake{field: "A"}}, {authenticator: fake{field: "B"}}, {authenticator: fake{field: "C"}}, {authenticator: fake{field: "T"}, ambient: true}, {authenticator: fake{field: "P", issuer: "partner"}}},
		entries: []entry{{slot: 0}, {slot: 1}, {slot: 2}, {slot: 3}, {slot: 4, issuer: "partner"}, {slot: 4, issuer: "corp"}},
	}
	const a, b, c, tls, p, p2 = 0, 1, 2, 3, 4, 5
	one := func(entries ...int) Choice { return Choice{Entries: entries} }
	for name, row := range map[string]struct {
		choices []Choice
		public  bool
		fields  string // name=value ...
		method  string // "" is refused, "-" is nobody
		why     error
		code    durward.Code
	}{
		"one of two, the first":                     {choices: []Choice{one(a), one(b)}, fields: "A=good", method: "A"},
		"one of two, the second":                    {choices: []Choice{one(a), one(b)}, fields: "B=good", method: "B"},
		"both where one is declared":                {choices: []Choice{one(a), one(b)}, fields: "A=good B=good", why: errTwo},
		"a good one beside a bad one":               {choices: []Choice{one(a), one(b)}, fields: "A=good B=bad", why: errTwo},
		"both where both are declared":              {choices: []Choice{one(a, b)}, fields: "A=good B=good", method: "A+B"},
		"one where both are declared":               {choices: []Choice{one(a, b)}, fields: "A=good", why: errCombination},
		"both, the second bad":                      {choices: []Choice{one(a, b)}, fields: "A=good B=bad", why: errBad},
		"both or one, both":                         {choices: []Choice{one(a), one(a, b)}, fields: "A=good B=good", method: "A+B"},
		"both or one, both, one bad":                {choices: []Choice{one(a), one(a, b)}, fields: "A=good B=bad", why: errBad},
		"both or one, one":                          {choices: []Choice{one(a), one(a, b)}, fields: "A=good", method: "A"},
		"one that this operation does not take":     {choices: []Choice{one(a)}, fields: "C=good", why: errCombination},
		"one more that it does not take":            {choices: []Choice{one(a)}, fields: "A=good C=good", why: errTwo},
		"the same twice":                            {choices: []Choice{one(a)}, fields: "A=good A=good", why: errTwo},
		"nothing":                                   {choices: []Choice{one(a)}, why: errNoCredential},
		"nothing, public":                           {choices: []Choice{one(a)}, public: true, method: "-"},
		"a bad one, public":                         {choices: []Choice{one(a)}, public: true, fields: "A=bad", why: errBad},
		"one that it does not take, public":         {choices: []Choice{one(a)}, public: true, fields: "C=good", why: errCombination},
		"the connection's alone":                    {choices: []Choice{one(tls)}, fields: "T=good", method: "T"},
		"the connection's, bad, public":             {choices: []Choice{one(tls)}, public: true, fields: "T=bad", why: errBad},
		"the connection's, where it is not asked":   {choices: []Choice{one(a)}, fields: "A=good T=bad", method: "A"},
		"the connection's and another":              {choices: []Choice{one(tls, a)}, fields: "A=good T=good", method: "A+T"},
		"another without the connection's":          {choices: []Choice{one(tls, a)}, fields: "A=good", why: errCombination},
		"another with a bad one of the connection":  {choices: []Choice{one(tls, a)}, fields: "A=good T=bad", why: errBad},
		"the connection's or another, another":      {choices: []Choice{one(tls), one(a)}, fields: "A=good T=good", method: "A"},
		"the connection's or another, a bad other":  {choices: []Choice{one(tls), one(a)}, fields: "A=bad T=good", why: errBad},
		"scopes of the contract, had":               {choices: []Choice{{Entries: []int{a}, Scopes: [][]string{{"read"}}}}, fields: "A=good", method: "A"},
		"scopes of the contract, not had":           {choices: []Choice{{Entries: []int{a}, Scopes: [][]string{{"read", "write"}}}}, fields: "A=good", why: errScope, code: durward.CodeForbidden},
		"scopes of the second alternative":          {choices: []Choice{{Entries: []int{a}, Scopes: [][]string{{"write"}}}, {Entries: []int{a}, Scopes: [][]string{{"read"}}}}, fields: "A=good", method: "A"},
		"scopes of no alternative":                  {choices: []Choice{{Entries: []int{a}, Scopes: [][]string{{"write"}}}, {Entries: []int{a}, Scopes: [][]string{{"admin"}}}}, fields: "A=good", why: errScope, code: durward.CodeForbidden},
		"scopes of the one that is asked for them":  {choices: []Choice{{Entries: []int{a, b}, Scopes: [][]string{nil, {"read"}}}}, fields: "A=good B=good", method: "A+B"},
		"scopes that only another one has":          {choices: []Choice{{Entries: []int{b, p}, Scopes: [][]string{nil, {"read"}}}}, fields: "B=good P=good", why: errScope, code: durward.CodeForbidden},
		"of another issuer":                         {choices: []Choice{one(p2)}, fields: "P=good", why: errElsewhere},
		"of the second alternative's issuer":        {choices: []Choice{one(p2), one(p)}, fields: "P=good", method: "P"},
		"of another issuer, or without the scopes":  {choices: []Choice{{Entries: []int{p}, Scopes: [][]string{{"read"}}}, one(p2)}, fields: "P=good", why: errScope, code: durward.CodeForbidden},
		"what cannot be decided is nobody's denial": {choices: []Choice{one(a), one(b)}, fields: "A=away", code: durward.CodeStoreUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := m.Stage(Demand{Public: row.public, Choices: row.choices})
			if err != nil {
				t.Fatal(err)
			}
			var fields []string
			for f := range strings.FieldsSeq(row.fields) {
				k, v, _ := strings.Cut(f, "=")
				fields = append(fields, k, v)
			}
			x := exchange(fields...)
			d := s.Request(t.Context(), x)
			switch {
			case row.code == durward.CodeStoreUnavailable:
				failed(t, d, row.code)
			case row.why != nil:
				refused(t, d, row.why)
				if row.code != "" && d.Code != row.code {
					t.Errorf("code %s", d.Code)
				}
			default:
				allowed(t, d)
			}
			if want := strings.TrimPrefix(row.method, "-"); x.Principal.Method != want {
				t.Errorf("method %q, want %q", x.Principal.Method, want)
			}
		})
	}
}

// counted is an Attempts that records what it is told.
type counted struct {
	wait              time.Duration
	failed, succeeded []durward.Attempt
}

func (c *counted) Begin(durward.Attempt) (time.Duration, bool) { return c.wait, c.wait > 0 }
func (c *counted) Failed(a durward.Attempt)                    { c.failed = append(c.failed, a) }
func (c *counted) Succeeded(a durward.Attempt)                 { c.succeeded = append(c.succeeded, a) }

func TestFailedAttemptsAreCountedAndSlowedDown(t *testing.T) {
	keys := newFakeKeys()
	good := keys.mint(t, "live", nil)
	bad := good[:len(good)-7] + flip(good[len(good)-7]) + good[len(good)-6:]
	c := &counted{}
	st, err := newStage(Config{{APIKey: &APIKey{}}}, Env{Keys: keys, Attempts: c}, true)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(fields ...string) (durward.Decision, *durward.Exchange) {
		x := exchange(fields...)
		x.Client.Address = netip.MustParseAddr("192.0.2.9")
		return st.Request(t.Context(), x), x
	}
	if ask(); len(c.failed)+len(c.succeeded) != 0 {
		t.Error("a request without a credential counts")
	}
	ask("X-Api-Key", good)
	ask("X-Api-Key", bad)
	if len(c.failed) != 1 || len(c.succeeded) != 1 || c.failed[0].Source.String() != "192.0.2.9" || c.failed[0].Presented != bad {
		t.Errorf("%d failures, %d successes", len(c.failed), len(c.succeeded))
	}
	_, id, _ := ParseKey(good)
	if c.succeeded[0].Credential != id {
		t.Errorf("counted as %q, want the key's id", c.succeeded[0].Credential)
	}
	c.wait = 1500 * time.Millisecond
	d, x := ask("X-Api-Key", good)
	if d.Verdict != durward.Deny || d.Code != durward.CodeRateLimited || x.Extra.Get("Retry-After") != "2" || x.Principal.Known() {
		t.Errorf("a good key of a source that has to wait: %v %s, Retry-After %q", d.Verdict, d.Code, x.Extra.Get("Retry-After"))
	}
	if len(c.failed) != 1 || len(c.succeeded) != 1 {
		t.Error("an attempt that was not judged counts")
	}
}

// someConsumers are consumers as a store answers for them.
type someConsumers map[string]durward.Consumer

func (s someConsumers) LookUp(id string) (durward.Consumer, error) {
	c, ok := s[id]
	switch {
	case id == "gone":
		return c, errors.New("the store is away")
	case !ok:
		return c, durward.ErrNotFound
	}
	return c, nil
}

func TestAConsumersRulesHoldForEveryCredential(t *testing.T) {
	ec := es("a")
	for name, row := range map[string]struct {
		consumer any // the client_id
		c        durward.Consumer
		verdict  durward.Verdict
		code     durward.Code
		plan     string
	}{
		"unknown to the store":  {consumer: "foreign", verdict: durward.Allow},
		"none":                  {consumer: nil, verdict: durward.Allow},
		"known":                 {consumer: "acme", c: durward.Consumer{ID: "acme", Plan: "gold"}, verdict: durward.Allow, plan: "gold"},
		"disabled":              {consumer: "acme", c: durward.Consumer{ID: "acme", Disabled: true}, code: durward.CodeUnauthenticated},
		"from elsewhere":        {consumer: "acme", c: durward.Consumer{ID: "acme", Addresses: prefixes("198.51.100.0/24")}, code: durward.CodeForbidden},
		"from a denied place":   {consumer: "acme", c: durward.Consumer{ID: "acme", Addresses: prefixes("192.0.2.0/24"), Denied: prefixes("192.0.2.9/32")}, code: durward.CodeForbidden},
		"while the store fails": {consumer: "gone", verdict: durward.Fail, code: durward.CodeStoreUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, setOf(ec.jwk()), nil)
			st, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}}, Env{
				Issuers: f.issuers, Now: f.clock.Now, Consumers: someConsumers{"acme": row.c},
			}, false)
			if err != nil {
				t.Fatal(err)
			}
			x := bearer(ec.sign(ec.header(), claims(f.clock.Now(), map[string]any{"client_id": row.consumer})))
			x.Client.Address = netip.MustParseAddr("192.0.2.9")
			d := st.Request(t.Context(), x)
			if d.Verdict != row.verdict || row.code != "" && d.Code != row.code || x.Principal.Plan != row.plan {
				t.Errorf("%v %s (%v), plan %q", d.Verdict, d.Code, d.Err, x.Principal.Plan)
			}
		})
	}
}
