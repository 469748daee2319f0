// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"durward"
)

// TestReloadsUnderLoadLoseNoRequest swaps generations while requests run, one
// of whose targets is dead, and counts what became of each.
func TestReloadsUnderLoadLoseNoRequest(t *testing.T) {
	for _, protocol := range []string{"http1", "h2c"} {
		t.Run(protocol, func(t *testing.T) {
			h := func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				_, _ = w.Write(append(b, r.URL.Path...))
			}
			var live []string
			for range 2 {
				if protocol == "h2c" {
					live = append(live, serveH2C(t, h).URL)
				} else {
					live = append(live, serve(t, h).URL)
				}
			}
			p := newPools(t, nil)
			c := Config{Targets: targets(live[0], dead(t), live[1]), Protocol: protocol, Health: Health{Passive: Passive{Failures: 1}}}
			load := func() *generation {
				u, err := New(&c, p, nil)
				if err != nil {
					t.Error(err)
				}
				return &generation{u: u}
			}
			var mu sync.Mutex
			current := load()
			take := func() *generation {
				mu.Lock()
				defer mu.Unlock()
				current.live.Add(1)
				return current
			}
			var wg sync.WaitGroup
			var lost atomic.Int32
			for range 4 {
				wg.Go(func() {
					for range 50 {
						g := take()
						x := withBody(newExchange("POST", "/p"), strings.NewReader("content"), 7)
						d := g.u.Outgoing().Request(t.Context(), x)
						if d.Verdict == durward.Allow {
							d = g.u.Do(t.Context(), x, nil)
						}
						if d.Verdict != durward.Allow {
							t.Error(d.Code, d.Err)
							lost.Add(1)
						} else if b, err := io.ReadAll(x.Response.Body); err != nil || string(b) != "content/p" {
							t.Errorf("%q, %v", b, err)
						} else {
							_ = x.Response.Body.Close()
						}
						g.leave()
					}
				})
			}
			for range 20 {
				next := load()
				mu.Lock()
				old := current
				current = next
				mu.Unlock()
				old.retire()
			}
			wg.Wait()
			if lost.Load() != 0 {
				t.Errorf("%d requests lost", lost.Load())
			}
			for _, s := range current.u.Status() {
				if s.InFlight != 0 {
					t.Errorf("%s: %d in flight at the end", s.Target, s.InFlight)
				}
			}
			current.retire()
		})
	}
}

// generation closes its upstream with the last request, as the pipeline does.
type generation struct {
	u    *Upstream
	live atomic.Int32
	gone atomic.Bool
}

func (g *generation) leave() {
	if g.live.Add(-1) == 0 && g.gone.Load() {
		g.u.Close()
	}
}

func (g *generation) retire() {
	g.gone.Store(true)
	if g.live.Load() == 0 {
		g.u.Close()
	}
}

func TestAServerThatShutsDownGracefullyLosesNoRequest(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := serveH2C(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-release
		}
		_, _ = io.WriteString(w, "whole")
	})
	u := newUpstream(t, Config{Targets: targets(s.URL), Protocol: "h2c"}, nil)
	got := make(chan string, 1)
	go func() {
		x := newExchange("POST", "/slow")
		if d := call(t, u, x); d.Verdict != durward.Allow {
			got <- string(d.Code)
			return
		}
		got <- content(t, x)
	}()
	<-arrived
	down := make(chan error, 1)
	go func() { down <- s.Config.Shutdown(t.Context()) }() // sends GOAWAY
	close(release)
	if g := <-got; g != "whole" {
		t.Errorf("the request under way got %q", g)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	x := newExchange("GET", "/")
	mustRefuse(t, x, call(t, u, x), durward.CodeUpstreamUnreachable)
}

// lockedBuffer is a log that goroutines share.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func TestAChangeOfHealthIsLoggedOnce(t *testing.T) {
	var out lockedBuffer
	p := NewPools(Options{Log: slog.New(slog.NewTextHandler(&out, nil))})
	defer p.Close()
	url := dead(t)
	u := newUpstream(t, Config{Targets: targets(url), Health: Health{Passive: Passive{Failures: 2}}}, p)
	for range 5 {
		x := newExchange("GET", "/")
		x.In.Header = fields("Authorization", "Bearer hidden")
		call(t, u, x)
	}
	text := out.b.String()
	if strings.Count(text, "taken out") != 1 || !strings.Contains(text, url) {
		t.Errorf("log:\n%s", text)
	}
	if strings.Contains(text, "hidden") {
		t.Error("a credential stands in the log")
	}
}
