// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward"
)

// TestRequestsDuringRotationAndReload: whatever happens around them, tokens of
// a key that stays published are accepted, and those of a stranger never.
func TestRequestsDuringRotationAndReload(t *testing.T) {
	stays, stranger := es("stays"), signingKey{"stays", "ES256", newECKey()}
	f := newFixture(t, setOf(stays.jwk()), nil)
	var stage atomic.Pointer[durward.Stage]
	stage.Store(&f.stage)
	good, forged := f.fresh(stays), f.fresh(stranger)
	done := make(chan struct{})
	var asking sync.WaitGroup
	for g := range 4 {
		asking.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				st := *stage.Load()
				if d := st.Request(context.Background(), bearer(good)); d.Verdict != durward.Allow {
					t.Errorf("good token: %v (%v)", d.Verdict, d.Err)
					return
				}
				bad := forged
				if n%2 == 0 {
					bad = stranger.sign(fmt.Sprintf(`{"alg":"ES256","kid":"x%d-%d"}`, g, n), claims(f.clock.Now(), nil))
				}
				if d := st.Request(context.Background(), bearer(bad)); d.Verdict != durward.Deny {
					t.Errorf("forged token: %v (%v)", d.Verdict, d.Err)
					return
				}
			}
		})
	}
	old := f.issuers
	for n := range 30 {
		f.clock.Move(time.Second)
		comes := signingKey{fmt.Sprint("comes", n), "EdDSA", edKey()}
		f.fake.set(publishing(setOf(stays.jwk(), comes.jwk())))
		if err := old.Refresh(t.Context()); err != nil {
			t.Errorf("refresh: %v", err)
		}
		next := f.with(t, corp(func(c *IssuerConfig) {
			if n%3 == 0 {
				c.Audiences = append(c.Audiences, fmt.Sprint(n))
			}
		}))
		st := f.newStage(t, next)
		stage.Store(&st)
		old.Close() // the sources are shared: nobody is cut off
		old = next
	}
	close(done)
	asking.Wait()
	old.Close()
	if n := len(f.root.shared.used); n != 0 {
		t.Errorf("%d sources left behind", n)
	}
}

func TestRenewedCAIsUsedAfterAReload(t *testing.T) {
	ec := es("a")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(setOf(ec.jwk())))
	}))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	write := func(content ...byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root := NewIssuers(nil, nil, nil)
	defer root.Close()
	with := func() *Issuers {
		t.Helper()
		i, err := root.With(corp(func(c *IssuerConfig) { c.JWKSURL, c.CA = server.URL, path }))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(i.Close)
		return i
	}
	write(cert...)
	first, again := with(), with()
	if first.byName["corp"] != again.byName["corp"] {
		t.Error("the same CA makes another issuer")
	}
	write(append([]byte("# renewed\n"), cert...)...)
	renewed := with()
	if first.byName["corp"].source == renewed.byName["corp"].source {
		t.Error("renewed certificates are not used")
	}
	if err := renewed.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	write([]byte("no certificate")...)
	if _, err := root.With(corp(func(c *IssuerConfig) { c.JWKSURL, c.CA = server.URL, path })); err == nil {
		t.Error("a file without certificates is taken")
	}
}

func TestClosedRootFetchesNoMore(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	known := f.fresh(ec)
	allowed(t, f.ask(known))
	f.root.Close()
	f.root.Close()
	if f.issuers.Refresh(t.Context()) == nil {
		t.Error("a stopped source was refreshed")
	}
	if n := f.fake.count(jwksURL); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	allowed(t, f.ask(known)) // requests that are still under way end well
	unknown := ec.sign(`{"alg":"ES256","kid":"b"}`, claims(f.clock.Now(), nil))
	refused(t, f.ask(unknown), errUnknownKey)
}

func TestRefreshEndsWithItsContext(t *testing.T) {
	f := newFixture(t, setOf(es("a").jwk()), nil)
	hold := make(chan struct{})
	f.fake.set(func(i *fakeIssuer) { i.hold = hold })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f.issuers.Refresh(ctx) == nil {
		t.Error("no error though the context had ended")
	}
	// A request that is given up is a failure, never an accept or a refusal.
	d := f.stage.Request(ctx, bearer(f.fresh(es("a"))))
	failed(t, d, durward.CodeIssuerUnavailable)
	close(hold)
	if err := f.issuers.Refresh(t.Context()); err != nil { // joins the fetch under way
		t.Error(err)
	}
	if n := f.fake.count(jwksURL); n > 2 {
		t.Errorf("%d fetches", n)
	}
	allowed(t, f.ask(f.fresh(es("a"))))
}

func TestIssuersAreListed(t *testing.T) {
	f := newFixture(t, setOf(es("a").jwk()), nil)
	configs := corp(nil)
	configs["a-partner"] = IssuerConfig{Discovery: "https://a.example", Audiences: []string{"x"}}
	i := f.with(t, configs)
	if n := i.Names(); len(n) != 2 || n[0] != "a-partner" || n[1] != "corp" {
		t.Errorf("names %v", n)
	}
	if st := i.Status(); st[0].Issuer != "https://a.example" || st[0].Keys != 0 || !st[0].Checked.IsZero() {
		t.Errorf("status %+v", st)
	}
	err := i.Refresh(t.Context())
	if err == nil || len(durward.Flatten(err)) != 1 {
		t.Errorf("one of two issuers cannot be reached: %v", err)
	}
}
