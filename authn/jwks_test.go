// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"durward/durwardtest"

	"durward"
)

var errDown = errors.New("connection refused")

func down(f *fakeIssuer) { f.err = errDown }
func up(f *fakeIssuer)   { f.err = nil }

func publishing(jwks string) func(*fakeIssuer) {
	return func(f *fakeIssuer) { f.bodies[jwksURL] = jwks }
}

// fresh gives a token that no cache knows.
func (f *fixture) fresh(k signingKey) string {
	return k.sign(k.header(), claims(f.clock.Now(), nil))
}

func TestKeysAreFetchedOnceAndKept(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	if f.fake.count(jwksURL) != 0 {
		t.Fatal("fetched before anybody asked")
	}
	for range 20 {
		allowed(t, f.ask(f.fresh(ec)))
	}
	if n := f.fake.count(jwksURL); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

func TestFirstRequestsShareOneFetch(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	hold := make(chan struct{})
	f.fake.set(func(i *fakeIssuer) { i.hold = hold })
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if d := f.ask(f.fresh(ec)); d.Verdict != durward.Allow {
				t.Errorf("got %v (%v)", d.Verdict, d.Err)
			}
		})
	}
	close(hold)
	wg.Wait()
	if n := f.fake.count(jwksURL); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

func TestNewKeyIsFoundByItsFirstToken(t *testing.T) {
	a, b := es("a"), signingKey{"b", "ES256", newECKey()}
	f := newFixture(t, setOf(a.jwk()), nil)
	allowed(t, f.ask(f.fresh(a)))
	f.fake.set(publishing(setOf(a.jwk(), b.jwk())))
	allowed(t, f.ask(f.fresh(b)))
	allowed(t, f.ask(f.fresh(a)))
	if n := f.fake.count(jwksURL); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}
}

func TestNewKeyWithoutKidIsFoundToo(t *testing.T) {
	a, b := es(""), signingKey{"", "ES256", newECKey()}
	f := newFixture(t, setOf(a.jwk()), nil)
	header := `{"alg":"ES256"}`
	allowed(t, f.ask(a.sign(header, claims(f.clock.Now(), nil))))
	f.fake.set(publishing(setOf(b.jwk())))
	allowed(t, f.ask(b.sign(header, claims(f.clock.Now(), nil))))
	refused(t, f.ask(a.sign(header, claims(f.clock.Now(), nil))), errUnknownKey)
}

func TestRemovedKeyEndsItsCachedTokens(t *testing.T) {
	a, b := es("a"), signingKey{"b", "ES256", newECKey()}
	f := newFixture(t, setOf(a.jwk(), b.jwk()), nil)
	ofA, ofB := f.fresh(a), f.fresh(b)
	allowed(t, f.ask(ofA))
	allowed(t, f.ask(ofB))
	f.fake.set(publishing(setOf(b.jwk())))
	allowed(t, f.ask(ofA)) // not known yet
	if err := f.issuers.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, f.ask(ofA), errUnknownKey)
	n := f.fake.count(jwksURL)
	allowed(t, f.ask(ofB))
	if f.fake.count(jwksURL) != n {
		t.Error("the other key's token needed a fetch")
	}
	// An issuer that publishes no key at all has withdrawn them all.
	f.fake.set(publishing(setOf()))
	if err := f.issuers.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, f.ask(ofB), errUnknownKey)
}

func TestIssuerThatIsDownDoesNotStopKnownKeys(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	allowed(t, f.ask(f.fresh(ec)))
	f.fake.set(down)
	for range 23 {
		f.clock.Move(time.Hour)
		if f.issuers.Refresh(t.Context()) == nil {
			t.Fatal("refreshed from an issuer that is down")
		}
		allowed(t, f.ask(f.fresh(ec)))
	}
	cached := ec.sign(ec.header(), claims(f.clock.Now(), map[string]any{"exp": f.clock.Now().Add(48 * time.Hour).Unix()}))
	allowed(t, f.ask(cached))
	f.clock.Move(time.Hour + time.Second)
	failed(t, f.ask(f.fresh(ec)), durward.CodeIssuerUnavailable)
	failed(t, f.ask(cached), durward.CodeIssuerUnavailable)
	f.fake.set(up)
	f.clock.Move(retryAfter)
	allowed(t, f.ask(f.fresh(ec)))
	allowed(t, f.ask(cached))
}

func TestIssuerThatWasNeverReachedIsAFailure(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	f.fake.set(down)
	for range 50 {
		failed(t, f.ask(f.fresh(ec)), durward.CodeIssuerUnavailable)
	}
	if n := f.fake.count(jwksURL); n != 1 {
		t.Errorf("%d fetches for 50 requests, want 1", n)
	}
	if st := f.issuers.Status(); len(st) != 1 || !errors.Is(st[0].Err, errDown) || !st[0].Checked.IsZero() {
		t.Errorf("status %+v", st)
	}
	f.fake.set(up)
	f.clock.Move(retryAfter)
	allowed(t, f.ask(f.fresh(ec)))
	if st := f.issuers.Status()[0]; st.Err != nil || st.Keys != 1 || !st.Checked.Equal(f.clock.Now()) {
		t.Errorf("status %+v", st)
	}
}

func TestFloodOfUnknownKeysCausesFewFetches(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	allowed(t, f.ask(f.fresh(ec)))
	unknown := func(kid string) string {
		return ec.sign(fmt.Sprintf(`{"alg":"ES256","kid":%q}`, kid), claims(f.clock.Now(), nil))
	}
	for i := range 300 {
		refused(t, f.ask(unknown(fmt.Sprint("x", i))), errUnknownKey)
		f.clock.Move(time.Second)
	}
	if n := f.fake.count(jwksURL); n != 1+10 {
		t.Errorf("%d fetches in 300 seconds, want 1 and 10 more", n)
	}
	// One and the same kid is looked for less often still.
	refused(t, f.ask(unknown("y")), errUnknownKey)
	n := f.fake.count(jwksURL)
	for range 99 {
		f.clock.Move(3 * time.Second)
		refused(t, f.ask(unknown("y")), errUnknownKey)
	}
	if got := f.fake.count(jwksURL); got != n {
		t.Errorf("%d fetches for a kid that was looked for before", got-n)
	}
	f.clock.Move(3 * time.Second)
	refused(t, f.ask(unknown("y")), errUnknownKey)
	if got := f.fake.count(jwksURL); got != n+1 {
		t.Errorf("%d fetches after a long time, want 1", got-n)
	}
	y := signingKey{"y", "ES256", ecKey()}
	f.fake.set(publishing(setOf(ec.jwk(), y.jwk())))
	if err := f.issuers.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	allowed(t, f.ask(f.fresh(y)))
}

func TestWhatIsRememberedOfUnknownKeysIsBounded(t *testing.T) {
	f := newFixture(t, setOf(es("a").jwk()), nil)
	src := f.issuers.byName["corp"].source
	for i := range maxUnknown + 50 {
		src.forget(fmt.Sprint("x", i))
	}
	if n := len(src.unknown); n != maxUnknown {
		t.Errorf("%d kids remembered, want %d", n, maxUnknown)
	}
	f.clock.Move(unknownFor * src.id.min)
	src.forget("y")
	if n := len(src.unknown); n != 1 {
		t.Errorf("%d kids remembered once the others are old, want 1", n)
	}
}

func TestRequestDoesNotWaitForASlowIssuerForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ec := es("a")
		fake := newFakeIssuer(setOf(ec.jwk()))
		fake.hold = make(chan struct{})
		root := NewIssuers(&http.Client{Transport: fake}, time.Now, nil)
		defer root.Close()
		issuers, err := root.With(corp(nil))
		if err != nil {
			t.Fatal(err)
		}
		defer issuers.Close()
		f := &fixture{clock: durwardtest.NewClock(), cache: NewCache(0)}
		f.stage, err = newStage(Config{{JWT: &JWT{Issuer: "corp"}}}, Env{Issuers: issuers}, false)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		failed(t, f.ask(ec.sign(ec.header(), claims(began, nil))), durward.CodeIssuerUnavailable)
		if took := time.Since(began); took != waitTimeout {
			t.Errorf("waited %v, want %v", took, waitTimeout)
		}
		// The fetch itself has a limit too, so that a later one can start.
		time.Sleep(fetchTimeout)
		synctest.Wait()
		if st := issuers.Status()[0]; st.Err == nil {
			t.Error("the fetch still hangs")
		}
		close(fake.hold)
		time.Sleep(retryAfter)
		allowed(t, f.ask(ec.sign(ec.header(), claims(time.Now(), nil))))
	})
}

func TestBackgroundKeepsKeysFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := newFakeIssuer(setOf(es("a").jwk()))
		fake.headers[jwksURL] = http.Header{"Cache-Control": {"public, max-age=600"}}
		root := NewIssuers(&http.Client{Transport: fake}, time.Now, nil)
		issuers, err := root.With(corp(nil))
		if err != nil {
			t.Fatal(err)
		}
		issuers.Start()
		issuers.Start() // once is enough
		synctest.Wait()
		if n := fake.count(jwksURL); n != 1 {
			t.Fatalf("%d fetches at the start, want 1", n)
		}
		time.Sleep(6 * time.Hour)
		synctest.Wait()
		n := fake.count(jwksURL)
		if n < 40 || n > 60 {
			t.Errorf("%d fetches in 6 hours at max-age=600, want about 46", n)
		}
		// While it is down, attempts come more slowly than at first, and the
		// keys stay.
		fake.set(down)
		time.Sleep(6 * time.Hour)
		synctest.Wait()
		tried := fake.count(jwksURL) - n
		if tried < 70 || tried > 95 {
			t.Errorf("%d attempts in 6 hours of failure, want about 80", tried)
		}
		if !issuers.byName["corp"].source.fresh(time.Now()) {
			t.Error("keys are gone after 6 hours")
		}
		issuers.Close()
		root.Close()
		n = fake.count(jwksURL)
		time.Sleep(6 * time.Hour)
		if fake.count(jwksURL) != n {
			t.Error("fetches after Close")
		}
	})
}

func TestIntervalStaysWithinBounds(t *testing.T) {
	s := &source{id: sourceID{refresh: time.Hour}}
	for _, row := range []struct{ maxAge, low, high time.Duration }{
		{-1, 43 * time.Minute, 48 * time.Minute},
		{0, 21 * time.Second, 24 * time.Second},
		{time.Second, 21 * time.Second, 24 * time.Second},
		{10 * time.Minute, 7 * time.Minute, 8 * time.Minute},
		{24 * time.Hour, 43 * time.Minute, 48 * time.Minute},
	} {
		for range 20 {
			if d := s.interval(row.maxAge); d < row.low || d > row.high {
				t.Errorf("max-age %v gives %v, want %v to %v", row.maxAge, d, row.low, row.high)
			}
		}
	}
	file := &source{id: sourceID{refresh: 5 * time.Second, file: "x"}}
	if d := file.interval(-1); d != 5*time.Second {
		t.Errorf("file: %v", d)
	}
}
