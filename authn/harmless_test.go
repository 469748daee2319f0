// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/authn/capability"
	"durward/authn/uses"
	"durward/internal/units"
	"durward/lockout"
)

// A company behind one address whose clients renew tokens when a 401 says so
// sends an expired one for each client and lifetime. They are no guesses.
func TestExpiredTokensLockNobodyOut(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), func(c *IssuerConfig) { c.MaxAge = units.Duration(time.Hour) })
	guard := lockout.NewGuard(lockout.Options{Now: f.clock.Now})
	view, err := guard.With(lockout.Config{})
	if err != nil {
		t.Fatal(err)
	}
	st, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}}, Env{Issuers: f.issuers, Now: f.clock.Now, Attempts: view}, false)
	if err != nil {
		t.Fatal(err)
	}
	now := f.clock.Now()
	token := func(who string, change map[string]any) string {
		change["sub"] = who
		return ec.sign(ec.header(), claims(now, change))
	}
	ask := func(tok string) durward.Decision { return st.Request(context.Background(), bearer(tok)) }
	for n := range 300 {
		who := fmt.Sprint("user", n)
		refused(t, ask(token(who, map[string]any{"iat": now.Add(-2 * time.Hour).Unix(), "exp": now.Add(-time.Hour).Unix()})), errExpired)
		refused(t, ask(token(who, map[string]any{"iat": now.Add(-2 * time.Hour).Unix()})), errTooOld)
	}
	allowed(t, ask(token("cy", map[string]any{})))

	// A forged token is a guess, whatever it says besides.
	locked := 0
	for n := range 300 {
		good := token(fmt.Sprint("user", n), map[string]any{})
		d := ask(good[:strings.LastIndexByte(good, '.')+1] + b64(strings.Repeat("x", 64)))
		if d.Code == durward.CodeRateLimited {
			locked++
		}
	}
	if locked < 200 {
		t.Errorf("%d of 300 forged tokens had to wait", locked)
	}
}

// Those who share an address may fail the more often the more of them there
// are. Who has a token is one of them, although its id lives too short to be
// remembered.
func TestWhoSucceedsIsCountedByItsSubjectWhereTheCredentialHasNoId(t *testing.T) {
	c := &counted{}
	m := &Methods{env: Env{Attempts: c}, slots: []slot{{authenticator: fake{field: "A"}}}, entries: []entry{{slot: 0}}}
	if _, err := m.Stage(Demand{}); err == nil {
		t.Fatal("no alternative is an error")
	}
	s, err := m.Stage(Demand{Choices: []Choice{{Entries: []int{0}}}})
	if err != nil {
		t.Fatal(err)
	}
	allowed(t, s.Request(t.Context(), exchange("A", "good")))
	if len(c.succeeded) != 1 || c.succeeded[0].Account != "A" || c.succeeded[0].Credential != "" {
		t.Errorf("%+v", c.succeeded)
	}
	if s.Request(t.Context(), exchange("A", "bad")); len(c.failed) != 1 || c.failed[0].Account != "" {
		t.Errorf("a subject that nobody proved: %+v", c.failed)
	}
}

// The same of capabilities: an old one that is genuine is no guess, a forged one
// is.
func TestOldCapabilitiesLockNobodyOut(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	key := capability.Key{ID: "main", Secret: strings.Repeat("k", 32)}
	guard := lockout.NewGuard(lockout.Options{Now: func() time.Time { return now }})
	view, err := guard.With(lockout.Config{})
	if err != nil {
		t.Fatal(err)
	}
	st, err := newStage(Config{{Capability: &capability.Config{Keys: []capability.Key{key}}}}, Env{
		Now: func() time.Time { return now }, Attempts: view, Uses: uses.New(0, nil), Consumers: someConsumers{"acme": {ID: "acme"}},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(issued time.Time, spoil bool) durward.Decision {
		tok, err := capability.Mint(key, capability.Root{Consumer: "acme", Issued: issued})
		if err != nil {
			t.Fatal(err)
		}
		text := tok.Text()
		if spoil {
			text = text[:len(text)-8] + "AAAAAAAA"
		}
		return st.Request(t.Context(), exchange("Authorization", "Capability "+text))
	}
	for range 300 {
		if d := ask(now.Add(-25*time.Hour), false); d.Code != durward.CodeUnauthenticated || !capability.Ended(d.Err) {
			t.Fatalf("%s (%v)", d.Code, d.Err)
		}
	}
	allowed(t, ask(now, false))
	locked := 0
	for range 300 {
		if d := ask(now.Add(-25*time.Hour), true); d.Code == durward.CodeRateLimited {
			locked++
		}
	}
	if locked < 200 {
		t.Errorf("%d of 300 forged tokens had to wait", locked)
	}
}

// A request with nothing but its connection's certificate is counted by that.
func TestACertificateAloneIsWhatARequestClaims(t *testing.T) {
	c := &counted{}
	m := &Methods{
		env:     Env{Attempts: c},
		slots:   []slot{{authenticator: fake{field: "T"}, claims: certified{}, ambient: true}},
		entries: []entry{{slot: 0}},
	}
	s, err := m.Stage(Demand{Choices: []Choice{{Entries: []int{0}}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Request(t.Context(), exchange("T", "bad"))
	if len(c.failed) != 1 || c.failed[0].Credential != "id of bad" || c.failed[0].Presented != "bad" {
		t.Errorf("%+v", c.failed)
	}
}

type certified struct{}

func (certified) Claimed(x *durward.Exchange) (credential, presented string) {
	return "id of " + x.In.Header.Get("T"), x.In.Header.Get("T")
}
