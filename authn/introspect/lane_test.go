// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
)

func TestRandomTokensNeitherFloodTheServerNorHoldUpKnownOnes(t *testing.T) {
	s := newServer(t)
	c, clock := newClient(t, s, func(c *Config) { c.MissRate = units.Rate{Count: 10, Per: time.Second} })
	s.set("good", active)
	check(t, c, "good", "accepted")
	clock.add(2 * time.Minute) // good must be asked about again
	for i := range 10 {
		check(t, c, "random-"+strconv.Itoa(i), "rejected")
	}
	for i := range 100 {
		check(t, c, "more-"+strconv.Itoa(i), "overloaded")
	}
	s.wantAsked(t, 11)
	check(t, c, "random-3", "rejected") // from memory
	check(t, c, "good", "accepted")
	s.wantAsked(t, 12)
	clock.add(100 * time.Millisecond)
	check(t, c, "more-1", "rejected")
	check(t, c, "more-2", "overloaded")
	if got := c.Stats(); got != (Stats{Remembered: 1, Asked: 13, Refused: 101}) {
		t.Errorf("%+v", got)
	}
}

func TestManyBadTokensPushNoGoodOneOut(t *testing.T) {
	g, b := newGoodTokens(1<<20), newBadTokens()
	good := digestOf("good")
	g.put(&good, &Result{}, spanOf(start, time.Minute))
	for i := range 3 * maxBad {
		h := digestOf(strconv.Itoa(i))
		b.put(&h, errInactive, spanOf(start, time.Minute))
	}
	if r, _ := g.get(&good, start); r == nil || b.len() != maxBad || len(b.order) != maxBad {
		t.Errorf("good: %v, bad: %d", r, b.len())
	}
	last, first := digestOf(strconv.Itoa(3*maxBad-1)), digestOf("0")
	if b.get(&last, start) == nil || b.get(&first, start) != nil || b.get(&last, start.Add(time.Minute)) != nil {
		t.Error("not the newest bad tokens are remembered, or for too long")
	}
	b.put(&last, errExpired, spanOf(start, 2*time.Minute))
	if b.get(&last, start.Add(time.Minute)) != errExpired || b.len() != maxBad {
		t.Error("a bad token that was asked about again is not remembered again")
	}
}

func TestGoodTokensStayWithinTheirBytes(t *testing.T) {
	g := newGoodTokens(1 << 20)
	claims := make([]byte, 1000)
	one := &Result{Principal: durward.Principal{Claims: claims}}
	used := digestOf("used")
	g.put(&used, one, spanOf(start, time.Hour))
	for i := range 2000 {
		h := digestOf(strconv.Itoa(i))
		g.put(&h, one, spanOf(start, time.Hour))
		g.get(&used, start)
	}
	if n, most := g.len(), 1<<20/(perItem+3000); n > most || n < most/2 {
		t.Errorf("%d tokens are remembered, want about %d", n, most)
	}
	if r, _ := g.get(&used, start); r == nil {
		t.Error("the token that is used all the time was forgotten")
	}
	huge := digestOf("huge")
	g.put(&huge, &Result{Principal: durward.Principal{Claims: make([]byte, 1<<16)}}, spanOf(start, time.Hour))
	if r, known := g.get(&huge, start); r != nil || known || g.len() == 0 {
		t.Error("one answer took the whole memory")
	}
}

func TestAServerThatFailsIsLeftAlone(t *testing.T) {
	s := newServer(t)
	c, clock := newClient(t, s, nil)
	s.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	n := 0
	fail := func() {
		t.Helper()
		check(t, c, "t"+strconv.Itoa(n), "issuer-unavailable")
		n++
	}
	for range 20 {
		fail()
	}
	s.wantAsked(t, breakAfter)
	asked := int64(breakAfter)
	for _, pause := range []time.Duration{1, 2, 4, 8, 10, 10} { // seconds
		clock.add(pause*time.Second - 1)
		fail()
		s.wantAsked(t, asked)
		clock.add(1)
		fail()
		fail()
		asked++
		s.wantAsked(t, asked)
	}
	s.handle(nil)
	s.set(tok, active)
	clock.add(10 * time.Second)
	check(t, c, tok, "accepted")
	check(t, c, "bad", "rejected") // all is as before
}

func TestAFailureThatRandomTokensCauseHoldsUpNoKnownOne(t *testing.T) {
	s := newServer(t)
	c, clock := newClient(t, s, nil)
	s.set("good", active)
	check(t, c, "good", "accepted")
	clock.add(2 * time.Minute)
	s.handle(func(w http.ResponseWriter, r *http.Request) {
		if r.PostForm.Get("token") != "good" {
			w.WriteHeader(500)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, active)
	})
	for i := range 20 {
		check(t, c, "odd-"+strconv.Itoa(i), "issuer-unavailable")
	}
	check(t, c, "good", "accepted")
	s.wantAsked(t, 1+breakAfter+1)
}

func TestATokenThatTheServerRefusesToReadOpensNoCircuit(t *testing.T) {
	s := newServer(t)
	c, _ := newClient(t, s, nil)
	s.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) })
	for i := range 20 {
		check(t, c, "odd-"+strconv.Itoa(i), "issuer-unavailable")
	}
	s.wantAsked(t, 20)
}

func TestQuestionsUnderWayAreBounded(t *testing.T) {
	s := newServer(t)
	c, clock := newClient(t, s, func(c *Config) { c.MaxConcurrent, c.Timeout = 4, units.Duration(10*time.Second) })
	s.set("good", active)
	check(t, c, "good", "accepted")
	clock.add(2 * time.Minute)
	arrived, answer := make(chan struct{}, 100), make(chan struct{})
	s.handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.PostForm.Get("token") == "good" {
			fmt.Fprint(w, active)
			return
		}
		arrived <- struct{}{}
		<-answer
		fmt.Fprint(w, `{"active":false}`)
	})
	var wg sync.WaitGroup
	results := make(chan string, 100)
	for i := range 50 {
		wg.Go(func() {
			_, err := c.Check(context.Background(), "t"+strconv.Itoa(i))
			results <- outcome(err)
		})
	}
	for range 3 { // three of four slots are for tokens never seen
		<-arrived
	}
	for range 50 - 4*waitersEach { // no more may wait
		if got := <-results; got != "overloaded" {
			t.Errorf("one too many is %s", got)
		}
	}
	select {
	case <-arrived:
		t.Error("a fourth question about an unknown token is under way")
	default:
	}
	check(t, c, "good", "accepted") // by the slot that is kept for it
	close(answer)
	wg.Wait()
	for range 4 * waitersEach {
		if got := <-results; got != "rejected" {
			t.Errorf("one that waited is %s", got)
		}
	}
}

func TestABucketThatLostItsClockFillsAgain(t *testing.T) {
	b := newBucket(units.Rate{Count: 2, Per: time.Second})
	for i, want := range []bool{true, true, false} {
		if got := b.take(start); got != want {
			t.Errorf("take %d: %t", i, got)
		}
	}
	past := start.Add(-time.Hour)
	if b.take(past) {
		t.Error("a clock that went back gave more")
	}
	if !b.take(past.Add(time.Second)) {
		t.Error("the bucket waits for the old clock")
	}
}
