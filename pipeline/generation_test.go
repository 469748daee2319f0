// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward"
)

func TestARequestEndsInTheGenerationThatItBeganWith(t *testing.T) {
	b := newBench(t, smallest, nil)
	first := b.current.Load()
	inside, on := make(chan bool), make(chan bool)
	b.operation("open").guards(stageFunc(func(_ context.Context, x *durward.Exchange) durward.Decision {
		inside <- true
		<-on
		x.Response.Header.Add("X-Generation", "first")
		return durward.Proceed()
	}), 0)
	var slow recorder
	done := make(chan bool)
	go func() { b.Serve(context.Background(), b.request("GET", "/open"), &slow); close(done) }()
	<-inside
	closed := b.Swap(b.compile(smallest))
	if got, _ := b.get("/open"); got.status != 200 || got.header.Get("X-Generation") != "" {
		t.Errorf("a new request: %+v", got)
	}
	select {
	case <-closed:
		t.Fatal("closed under a request")
	default:
	}
	on <- true
	<-done
	if slow.status != 200 || slow.header.Get("X-Generation") != "first" {
		t.Errorf("the old request: %+v", slow.sent)
	}
	<-closed
	if n := first.refs.Load(); n != 0 {
		t.Errorf("%d references", n)
	}
}

func TestTheFirstSwapHasNothingToClose(t *testing.T) {
	b := newBench(t, smallest, nil)
	p := New(b.env)
	if closed := p.Swap(b.compile(smallest)); closed != nil {
		t.Error("something was closed")
	}
	<-p.Close()
	b.compile(smallest).Close() // one that never was in force
}

func TestSettingsOfTheOldGenerationOutliveItInTheEnv(t *testing.T) {
	document := strings.Replace(smallest, "apis:", "rate_limit: {total: {rate: 1/h, burst: 2}}\napis:", 1)
	b := newBench(t, document, nil)
	b.get("/open")
	b.get("/open")
	<-b.Swap(b.compile(strings.Replace(document, "durability: buffered", "durability: buffered, max_queue: 64", 1)))
	if got, _ := b.get("/open"); got.status != 429 {
		t.Errorf("a reload gave a fresh quota: %d", got.status)
	}
}

// Whatever the order of requests and swaps, no request runs in a generation
// that was closed, each old generation is closed exactly once (a second close
// of its channel panics), and the last one is closed by Close.
func TestNoRequestRunsInAClosedGeneration(t *testing.T) {
	b := newBench(t, smallest, nil)
	generation := func() *Generation {
		g := b.compile(smallest)
		for i := range g.operations {
			g.operations[i].before(stageFunc(func(context.Context, *durward.Exchange) durward.Decision {
				for range rand.IntN(3) {
					select {
					case <-g.closed:
						t.Error("a request runs in a closed generation")
					default:
					}
					<-time.After(time.Duration(rand.IntN(200)) * time.Microsecond)
				}
				return durward.Refuse(durward.CodeForbidden, nil)
			}), durward.Enforce, durward.DenyOnError)
		}
		return g
	}
	b.follower.Stop()
	var stop atomic.Bool
	var requests sync.WaitGroup
	var served atomic.Int64
	for range 6 {
		requests.Go(func() {
			for !stop.Load() {
				var o recorder
				b.Serve(context.Background(), b.request("GET", "/open"), &o)
				if o.status != 403 && o.status != 200 {
					t.Errorf("status %d", o.status)
				}
				served.Add(1)
				b.Upstreams()
			}
		})
	}
	var closings []<-chan struct{}
	for range 40 {
		closings = append(closings, b.Swap(generation()))
		<-time.After(time.Duration(rand.IntN(500)) * time.Microsecond)
	}
	for served.Load() < 100 {
		<-time.After(time.Millisecond)
	}
	stop.Store(true)
	requests.Wait()
	for i, c := range append(closings, b.Close()) {
		select {
		case <-c:
		case <-time.After(time.Minute):
			t.Fatalf("generation %d was never closed", i)
		}
	}
	if n := b.InFlight(); n != 0 {
		t.Errorf("%d in flight", n)
	}
}
