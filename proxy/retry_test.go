// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"durward/durwardtest"

	"durward"
	"durward/internal/loopback"
)

// breaker is a target that reads each request and closes the connection.
func breaker(t *testing.T, asked *atomic.Int32) string {
	return raw(t, func(net.Conn, string) { asked.Add(1) })
}

func TestOnlyWhatCannotHaveHadAnEffectIsTriedAgain(t *testing.T) {
	plain := func(method string) *durward.Exchange { return newExchange(method, "/") }
	streamed := func(method string) *durward.Exchange {
		return withBody(newExchange(method, "/"), strings.NewReader("abc"), 3)
	}
	big := strings.Repeat("abc", 10_000)
	large := func(method string) *durward.Exchange {
		return withBody(newExchange(method, "/"), strings.NewReader(big), int64(len(big)))
	}
	buffered := func(method string) *durward.Exchange {
		x := streamed(method)
		if _, err := x.In.Body.Bytes(); err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, tc := range []struct {
		name    string
		x       *durward.Exchange
		sent    bool // the first target breaks after it got the request, else it refuses
		retries *int
		again   bool
	}{
		{"GET that broke off", plain("GET"), true, nil, true},
		{"HEAD that broke off", plain("HEAD"), true, nil, true},
		{"OPTIONS that broke off", plain("OPTIONS"), true, nil, true},
		{"GET with buffered content that broke off", buffered("GET"), true, nil, true},
		{"GET with small content, which is held", streamed("GET"), true, nil, true},
		{"GET with content that is gone", large("GET"), true, nil, false},
		{"POST that broke off", plain("POST"), true, nil, false},
		{"PUT that broke off", buffered("PUT"), true, nil, false},
		{"DELETE that broke off", plain("DELETE"), true, nil, false},
		{"TRACE that broke off", plain("TRACE"), true, nil, false},
		{"POST that was never sent", plain("POST"), false, nil, true},
		{"POST with small content that was never sent", streamed("POST"), false, nil, true},
		{"POST with large content that was never sent", large("POST"), false, nil, true},
		{"GET without retries", plain("GET"), true, number(0), false},
		{"POST without retries", plain("POST"), false, number(0), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked, good atomic.Int32
			var body atomic.Value
			ok := serve(t, func(w http.ResponseWriter, r *http.Request) {
				good.Add(1)
				b, _ := io.ReadAll(r.Body)
				body.Store(string(b))
			})
			bad := dead(t)
			if tc.sent {
				bad = breaker(t, &asked)
			}
			u := newUpstream(t, Config{Targets: targets(bad, ok.URL), Retries: tc.retries}, nil)
			d := call(t, u, tc.x)
			if !tc.again {
				mustRefuse(t, tc.x, d, durward.CodeUpstreamUnreachable)
				if good.Load() != 0 || asked.Load() > 1 || tc.x.Upstream.Attempts != 1 {
					t.Errorf("tried again: %d at the bad target, %d at the good, %d attempts", asked.Load(), good.Load(), tc.x.Upstream.Attempts)
				}
				return
			}
			mustAllow(t, d)
			content(t, tc.x)
			if tc.x.Upstream.Attempts != 2 || tc.x.Upstream.Target != ok.URL {
				t.Errorf("facts %+v", tc.x.Upstream)
			}
			want := ""
			switch n := tc.x.In.Body.Length(); {
			case n > 3:
				want = big
			case n > 0:
				want = "abc"
			}
			if got := body.Load(); got != want {
				t.Errorf("the second target got content %q, want %q", got, want)
			}
		})
	}
}

func TestASpentHTTP2BodyIsNotSentAgain(t *testing.T) {
	var good atomic.Int32
	bad := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		panic(http.ErrAbortHandler)
	})
	ok := serveH2C(t, func(http.ResponseWriter, *http.Request) { good.Add(1) })
	u := newUpstream(t, Config{Targets: targets(bad.URL, ok.URL), Protocol: "h2c"}, nil)
	x := withBody(newExchange("GET", "/"), strings.NewReader(strings.Repeat("abc", 10_000)), 30_000)
	mustRefuse(t, x, call(t, u, x), durward.CodeUpstreamUnreachable)
	if good.Load() != 0 {
		t.Error("content that was gone went to another target")
	}
	x = newExchange("GET", "/")
	for range 2 { // one of the two turns meets the bad target first
		mustAllow(t, call(t, u, x))
		content(t, x)
		x = newExchange("GET", "/")
	}
}

func TestADeadTargetTakesNoTrafficAndComesBack(t *testing.T) {
	c := durwardtest.NewClock()
	var hits atomic.Int32
	addr := loopback.Free(t) // dead for now
	ok := serve(t, named("ok"))
	u := newUpstream(t, Config{
		Targets: targets("http://"+addr, ok.URL), Health: Health{Passive: Passive{Failures: 2}},
	}, newPools(t, c.Now))
	get := func() *durward.Exchange {
		x := newExchange("POST", "/")
		mustAllow(t, call(t, u, x))
		content(t, x)
		return x
	}
	for range 4 {
		get()
	}
	if s := u.Status(); s[0].Healthy || s[0].Reason == "" || !s[1].Healthy {
		t.Fatalf("status %+v", s)
	}
	for range 10 {
		if x := get(); x.Upstream.Attempts != 1 || x.Upstream.Target != ok.URL {
			t.Fatalf("a dead target got traffic: %+v", x.Upstream)
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) })}
	served := make(chan struct{})
	go func() { _ = s.Serve(l); close(served) }()
	defer func() { _ = s.Close(); <-served }()
	c.Move(10 * time.Second)
	for range 6 {
		get()
	}
	if st := u.Status(); !st[0].Healthy || hits.Load() == 0 {
		t.Errorf("the target did not come back: %+v, %d requests", st[0], hits.Load())
	}
}

func TestNoTargetLeftIs503WithRetryAfter(t *testing.T) {
	c := durwardtest.NewClock()
	u := newUpstream(t, Config{Targets: targets(dead(t), dead(t)), Health: Health{Passive: Passive{Failures: 1, For: duration(30 * time.Second)}}}, newPools(t, c.Now))
	x := newExchange("GET", "/")
	mustRefuse(t, x, call(t, u, x), durward.CodeUpstreamUnreachable) // this one took both out
	c.Move(12500 * time.Millisecond)
	x = newExchange("GET", "/")
	mustRefuse(t, x, call(t, u, x), durward.CodeNoTarget)
	if got := x.Extra.Get("Retry-After"); got != "18" {
		t.Errorf("Retry-After %q, want 18 (17.5 s rounded up)", got)
	}
	if x.Upstream.Target != "" || x.Upstream.Attempts != 0 {
		t.Errorf("facts %+v", x.Upstream)
	}
}

func TestADrainedTargetGetsNothingNew(t *testing.T) {
	var hits atomic.Int32
	drained := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	ok := serve(t, named("ok"))
	for _, balance := range []string{"round_robin", "least_requests", "hash"} {
		u := newUpstream(t, Config{Targets: []Target{{URL: drained.URL, Drain: true}, {URL: ok.URL}}, Balance: balance}, nil)
		for range 5 {
			x := newExchange("GET", "/")
			mustAllow(t, call(t, u, x))
			content(t, x)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("a drained target got %d requests", hits.Load())
	}
	u := newUpstream(t, Config{Targets: []Target{{URL: drained.URL, Drain: true}}}, nil)
	x := newExchange("GET", "/")
	mustRefuse(t, x, call(t, u, x), durward.CodeNoTarget)
	if x.Extra.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestActiveChecksTakeATargetOutAndBringItBack(t *testing.T) {
	for _, protocol := range []string{"http1", "h2c"} {
		t.Run(protocol, func(t *testing.T) {
			var ill atomic.Bool
			var agent, path atomic.Value
			var traffic atomic.Int32
			h := func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/healthz" {
					traffic.Add(1)
					return
				}
				agent.Store(r.UserAgent())
				path.Store(r.RequestURI)
				if ill.Load() {
					w.WriteHeader(500)
				}
			}
			var url string
			if protocol == "h2c" {
				url = serveH2C(t, h).URL
			} else {
				url = serve(t, h).URL
			}
			a := &Active{Path: "/healthz?deep", Interval: duration(time.Hour), Healthy: 2, Unhealthy: 2}
			u := newUpstream(t, Config{Targets: targets(url), Protocol: protocol, Health: Health{Active: a}}, nil)
			m := u.balancer.list[0].member
			check := func(n int) { // by hand, in place of the ticker
				for range n {
					m.probe.once(t.Context())
				}
			}
			ill.Store(true)
			check(1)
			if !m.health.usable(0) {
				t.Fatal("out after one bad check, want two")
			}
			check(1)
			x := newExchange("GET", "/")
			mustRefuse(t, x, call(t, u, x), durward.CodeNoTarget)
			if traffic.Load() != 0 || x.Extra.Get("Retry-After") == "" {
				t.Errorf("%d requests reached a sick target; Retry-After %q", traffic.Load(), x.Extra.Get("Retry-After"))
			}
			ill.Store(false)
			check(2)
			x = newExchange("GET", "/")
			mustAllow(t, call(t, u, x))
			content(t, x)
			if path.Load() != "/healthz?deep" || agent.Load() != "durward-health" {
				t.Errorf("checked %v as %v", path.Load(), agent.Load())
			}
		})
	}
}

func TestACheckThatCannotConnectOrHangsIsBad(t *testing.T) {
	hang := raw(t, func(c net.Conn, _ string) { _, _ = io.Copy(io.Discard, c) })
	for _, url := range []string{dead(t), hang} {
		u := newUpstream(t, Config{Targets: targets(url), Health: Health{Active: &Active{Unhealthy: 1, Timeout: duration(80 * time.Millisecond)}}}, nil)
		m := u.balancer.list[0].member
		m.probe.once(t.Context())
		if !m.health.sick.Load() {
			t.Errorf("%s passed its check", url)
		}
	}
}

func TestFiveHundredsCountWhereTheyAreListed(t *testing.T) {
	bad := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	ok := serve(t, named("ok"))
	for _, count := range [][]string{nil, {"5xx"}} {
		u := newUpstream(t, Config{Targets: targets(bad.URL, ok.URL), Health: Health{Passive: Passive{Failures: 1, Count: count}}}, nil)
		for range 4 {
			x := newExchange("GET", "/")
			mustAllow(t, call(t, u, x))
			content(t, x)
		}
		if got, want := u.Status()[0].Healthy, count == nil; got != want {
			t.Errorf("count %v: healthy %v, want %v", count, got, want)
		}
	}
}

func TestLoadSpreadsOverTargets(t *testing.T) {
	var urls []string
	for i := range 3 {
		urls = append(urls, serve(t, named(fmt.Sprint(i))).URL)
	}
	u := newUpstream(t, Config{Targets: []Target{{URL: urls[0], Weight: 2}, {URL: urls[1]}, {URL: urls[2]}}}, nil)
	got := map[string]int{}
	for range 20 {
		x := newExchange("GET", "/")
		mustAllow(t, call(t, u, x))
		got[content(t, x)]++
	}
	if got["0"] != 10 || got["1"] != 5 || got["2"] != 5 {
		t.Errorf("distribution %v, want 10 5 5", got)
	}
}
