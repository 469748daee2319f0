// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"durward"
	"durward/internal/units"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: start} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func hours(n int) units.Duration { return units.Duration(time.Duration(n) * time.Hour) }

// openDir opens keys in a directory, rotated after 48h, published 12h ahead.
func openDir(t testing.TB, dir string, c *clock) *Keys {
	t.Helper()
	return open(t, Config{Issuer: "https://gw.test", Directory: dir, RotateAfter: hours(48), PublishAhead: hours(12)}, c)
}

func open(t testing.TB, cfg Config, c *clock) *Keys {
	t.Helper()
	k, err := Open(cfg, c.now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(k.Close)
	return k
}

// refresh does what the clock's ticks do.
func refresh(t *testing.T, k *Keys) {
	t.Helper()
	if err := k.refresh(); err != nil {
		t.Fatalf("refresh: %v", err)
	}
}

// verify checks a token against a published key set with another library, and
// gives its header's kid and typ, and its claims.
func verify(t testing.TB, jwks []byte, compact string) (kid, typ string, claims map[string]any, err error) {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatalf("the key set cannot be read: %v", err)
	}
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	if err != nil {
		t.Fatalf("the token cannot be read: %v", err)
	}
	h := jws.Signatures[0].Protected
	found := set.Key(h.KeyID)
	if len(found) != 1 {
		return h.KeyID, "", nil, errors.New("the key set does not have the key")
	}
	payload, err := jws.Verify(found[0].Key)
	if err != nil {
		return h.KeyID, "", nil, err
	}
	if found[0].Algorithm != h.Algorithm || found[0].Use != "sig" {
		t.Errorf("the key is for %s %s, the token has %s", found[0].Use, found[0].Algorithm, h.Algorithm)
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if err := d.Decode(&claims); err != nil {
		t.Fatalf("the payload cannot be read: %v", err)
	}
	typ, _ = h.ExtraHeaders[jose.HeaderType].(string)
	return h.KeyID, typ, claims, nil
}

// mustVerify is verify for a token that must be good under the present set.
func mustVerify(t testing.TB, k *Keys, compact string) (kid string, claims map[string]any) {
	t.Helper()
	body, _, _ := k.JWKS()
	kid, _, claims, err := verify(t, body, compact)
	if err != nil {
		t.Fatalf("the token does not verify: %v", err)
	}
	return kid, claims
}

// newExchange is a request of alice's, as it is sent to the upstream.
func newExchange() *durward.Exchange {
	return &durward.Exchange{
		ID:        "req-1",
		Client:    durward.Client{Address: netip.MustParseAddr("203.0.113.9")},
		Operation: &durward.Operation{API: "moot", ID: "listSpaces"},
		Out:       durward.Outgoing{Method: "GET", Path: "/spaces", RawQuery: "a=1"},
		Principal: durward.Principal{
			Subject: "alice", Consumer: "shop", Issuer: "corp", Method: "jwt", Credential: "jti-7", Bound: "dpop",
			Scopes: []string{"read", "write"}, Roles: []string{"member"}, Expires: start.Add(time.Hour),
		},
	}
}

// newStage makes the stage with keys of its own.
func newStage(t testing.TB, cfg IdentityConfig, c *clock) (durward.Stage, *Keys) {
	t.Helper()
	k := openDir(t, t.TempDir(), c)
	if cfg.Audience == "" {
		cfg.Audience = "moot"
	}
	s, err := Identity(cfg, k)
	if err != nil {
		t.Fatalf("Identity: %v", err)
	}
	return s, k
}

// run lets the stage decide, and gives the token that it added.
func run(t testing.TB, s durward.Stage, x *durward.Exchange, header string) string {
	t.Helper()
	if d := s.Request(t.Context(), x); d.Verdict != durward.Allow {
		t.Fatalf("decision %v %q (%v), want allow", d.Verdict, d.Code, d.Err)
	}
	if n := x.Out.Header.Count(header); n > 1 {
		t.Fatalf("%d fields %s", n, header)
	}
	return strings.TrimPrefix(x.Out.Header.Get(header), "Bearer ")
}
