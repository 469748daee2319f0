// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"durward"
)

var errProof = errors.New("proof of another key")

const testSecret = "a secret for tests of at least 32 bytes"

// start is when everything happens.
var start = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// testMethod is a Method with all that is around it.
type testMethod struct {
	*Method
	now       time.Time
	consumers map[string]durward.Consumer
	lookup    error
	uses      map[[32]byte]int
	until     map[[32]byte]time.Time
	usesErr   error
	spaces    []string
	revoked   map[string]bool
	proof     func(token string) (string, error)
}

func (m *testMethod) LookUp(id string) (durward.Consumer, error) {
	c, ok := m.consumers[id]
	if m.lookup != nil {
		return c, m.lookup
	}
	if !ok {
		return c, durward.ErrNotFound
	}
	return c, nil
}

func (m *testMethod) Use(_ context.Context, space string, id [32]byte, limit int, until time.Time) (bool, error) {
	m.spaces = append(m.spaces, space)
	if m.usesErr != nil {
		return false, m.usesErr
	}
	m.until[id] = until
	if m.uses[id] >= limit {
		return false, nil
	}
	m.uses[id]++
	return true, nil
}

func (m *testMethod) Revoked(issuer, credential, subject string, issued time.Time) bool {
	return m.revoked[issuer+" "+credential] || m.revoked[issuer+" of "+subject] && !issued.After(m.now)
}

func (m *testMethod) Verify(_ context.Context, _ *durward.Exchange, token, want string) error {
	jkt, err := m.proof(token)
	if err == nil && jkt != want {
		err = errProof
	}
	return err
}

func newMethod(t testing.TB, change ...func(*Config)) *testMethod {
	t.Helper()
	m := &testMethod{
		now:       start,
		consumers: map[string]durward.Consumer{"acme": {ID: "acme", Roles: []string{"reader"}}},
		uses:      map[[32]byte]int{}, until: map[[32]byte]time.Time{}, revoked: map[string]bool{},
	}
	cfg := Config{Keys: []Key{{ID: "main", Secret: testSecret}}}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	m.Method, err = New(cfg, Env{Consumers: m, Uses: m, Revocations: m, Now: func() time.Time { return m.now }})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *testMethod) setKey(id, secret string) {
	m.keys = []verifier{{id: id, root: rootKey([]byte(secret)), until: maxTime}}
}

// minted makes a token of acme, issued at start.
func minted(t testing.TB, caveats ...Caveat) Token {
	t.Helper()
	tok, err := Mint(Key{ID: "main", Secret: testSecret}, Root{Consumer: "acme", Issued: start}, caveats...)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// newExchange is a request that most caveats of the tests allow.
func newExchange(token string) *durward.Exchange {
	x := &durward.Exchange{Operation: &durward.Operation{API: "moot", ID: "listMessages"}}
	x.In.Method, x.In.Path, x.In.RawQuery = "GET", "/spaces/42/messages", "space=42&limit=10"
	x.In.Header.Add("Authorization", "Capability "+token)
	x.Client.Address = netip.MustParseAddr("192.0.2.7")
	return x
}

// withContent gives x a content of JSON.
func withContent(x *durward.Exchange, content string) *durward.Exchange {
	x.In.Method = "POST"
	x.In.Header.Add("Content-Type", "application/json")
	x.In.Body.Init(strings.NewReader(content), int64(len(content)))
	if err := x.In.Body.SetLimit(4 << 20); err != nil {
		panic(err)
	}
	return x
}

// decide runs both parts of the method.
func (m *testMethod) decide(t testing.TB, x *durward.Exchange) error {
	t.Helper()
	p, err := m.Authenticate(t.Context(), x)
	if err != nil {
		if p.Known() {
			t.Error("a principal beside an error")
		}
		return err
	}
	if p.Restrictions == nil {
		return nil
	}
	return p.Restrictions.Check(t.Context(), x)
}
