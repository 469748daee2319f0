// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"durward"

	"github.com/google/go-cmp/cmp"
)

// echo serves the path of each request.
func echo(_ int, c net.Conn) {
	serve(c, func(r *http.Request, _ string) string { return ok(r.URL.Path) })
}

// piped dials in-memory connections to script, for use in a synctest bubble.
// It returns the count of connections dialled. The scripts must end when their
// connections do, and are waited for.
func piped(t *testing.T, script func(n int, c net.Conn)) (func(context.Context) (net.Conn, error), *int) {
	n := new(int)
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	return func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		number := *n
		*n++
		wg.Go(func() {
			defer far.Close()
			script(number, far)
		})
		return near, nil
	}, n
}

// hold starts an exchange and leaves its body open.
func hold(t *testing.T, p *Pool, path string) *durward.Response {
	t.Helper()
	r, err := p.RoundTrip(t.Context(), get(path))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConnectionsAreUsedAgainAndTheLastOneFirst(t *testing.T) {
	up := listen(t, echo)
	p := newPool(t, up.dial)
	for range 5 {
		want(t, p, get("/a"), 200, "/a")
	}
	a, b := hold(t, p, "/a"), hold(t, p, "/b")
	if d := cmp.Diff(Stats{Open: 2}, p.Stats()); d != "" {
		t.Error(d)
	}
	for _, r := range []*durward.Response{a, b} {
		if _, err := content(r); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(Stats{Open: 2, Idle: 2}, p.Stats()); d != "" {
		t.Error(d)
	}
	want(t, p, get("/c"), 200, "/c")
	if up.accepted() != 2 {
		t.Errorf("%d connections, want 2", up.accepted())
	}
}

func TestNoMoreThanMaxIdleConnectionsAreKept(t *testing.T) {
	p := newPool(t, listen(t, echo).dial, func(o *Options) { o.MaxIdle = 1 })
	a, b := hold(t, p, "/a"), hold(t, p, "/b")
	for _, r := range []*durward.Response{a, b} {
		if _, err := content(r); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(Stats{Open: 1, Idle: 1}, p.Stats()); d != "" {
		t.Error(d)
	}
}

func TestABodyClosedBeforeItsEndDiscardsTheConnection(t *testing.T) {
	up := listen(t, func(_ int, c net.Conn) {
		serve(c, func(*http.Request, string) string { return ok("hello") })
	})
	p := newPool(t, up.dial)
	r := hold(t, p, "/a")
	if _, err := r.Body.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if _, err := r.Body.Read(make([]byte, 2)); err == nil || err == io.EOF {
		t.Errorf("read of a closed body: %v", err)
	}
	if d := cmp.Diff(Stats{}, p.Stats()); d != "" {
		t.Error(d)
	}
	want(t, p, get("/b"), 200, "hello")
	if up.accepted() != 2 {
		t.Errorf("%d connections, want 2", up.accepted())
	}
}

func TestARequestWaitsForAConnectionAndGetsTheOneThatComesFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, dialled := piped(t, echo)
		p := newPool(t, dial, func(o *Options) { o.MaxConns = 1 })
		r := hold(t, p, "/a")
		var wg sync.WaitGroup
		wg.Go(func() { want(t, p, get("/b"), 200, "/b") })
		synctest.Wait()
		if d := cmp.Diff(Stats{Open: 1, Waiting: 1}, p.Stats()); d != "" {
			t.Error(d)
		}
		if _, err := content(r); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if *dialled != 1 {
			t.Errorf("%d connections, want 1", *dialled)
		}
		p.Close()
	})
}

func TestARequestThatWaitsGetsTheSlotOfAConnectionThatIsDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, dialled := piped(t, echo)
		p := newPool(t, dial, func(o *Options) { o.MaxConns = 1 })
		r := hold(t, p, "/a")
		var wg sync.WaitGroup
		wg.Go(func() { want(t, p, get("/b"), 200, "/b") })
		synctest.Wait()
		r.Body.Close()
		wg.Wait()
		if d := cmp.Diff(Stats{Open: 1, Idle: 1}, p.Stats()); d != "" || *dialled != 2 {
			t.Errorf("%d connections; %s", *dialled, d)
		}
		p.Close()
	})
}

func TestWaitingForAConnectionHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, _ := piped(t, echo)
		p := newPool(t, dial, func(o *Options) { o.MaxConns, o.MaxWait, o.MaxWaiting = 1, time.Second, 2 })
		r := hold(t, p, "/a")
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		go func() { _, err := p.RoundTrip(t.Context(), get("/b")); errs <- err }()
		go func() { _, err := p.RoundTrip(ctx, get("/c")); errs <- err }()
		synctest.Wait()
		if _, err := p.RoundTrip(t.Context(), get("/d")); kindOf(err) != Busy {
			t.Errorf("with a full queue: %v", err)
		}
		cancel()
		if err := <-errs; kindOf(err) != Canceled {
			t.Errorf("a canceled wait: %v", err)
		}
		start := time.Now()
		if err := <-errs; kindOf(err) != Busy || time.Since(start) != time.Second {
			t.Errorf("a long wait: %v after %v", err, time.Since(start))
		}
		if d := cmp.Diff(Stats{Open: 1}, p.Stats()); d != "" {
			t.Error(d)
		}
		r.Body.Close()
		p.Close()
	})
}

func TestIdleConnectionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, dialled := piped(t, echo)
		p := newPool(t, dial, func(o *Options) { o.IdleTimeout = 10 * time.Second })
		a, b := hold(t, p, "/a"), hold(t, p, "/b")
		_, _ = content(a)
		time.Sleep(6 * time.Second) // of the bubble's clock
		_, _ = content(b)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if d := cmp.Diff(Stats{Open: 1, Idle: 1}, p.Stats()); d != "" {
			t.Errorf("after 11 s: %s", d)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if d := cmp.Diff(Stats{}, p.Stats()); d != "" {
			t.Errorf("after 17 s: %s", d)
		}
		want(t, p, get("/c"), 200, "/c")
		if *dialled != 3 {
			t.Errorf("%d connections, want 3", *dialled)
		}
		p.Close()
	})
}

func TestAConnectionThatIsTooOldByTheClockIsNotUsed(t *testing.T) {
	now := time.Unix(1000, 0)
	up := listen(t, echo)
	p := newPool(t, up.dial, func(o *Options) { o.Now = func() time.Time { return now } })
	want(t, p, get("/a"), 200, "/a")
	now = now.Add(31 * time.Second)
	want(t, p, get("/b"), 200, "/b")
	if d := cmp.Diff(Stats{Open: 1, Idle: 1}, p.Stats()); d != "" || up.accepted() != 2 {
		t.Errorf("%d connections; %s", up.accepted(), d)
	}
}

func TestAClosedPoolFailsWaitersAndLetsBusyConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, _ := piped(t, echo)
		p := newPool(t, dial, func(o *Options) { o.MaxConns = 2 })
		a, b := hold(t, p, "/a"), hold(t, p, "/b")
		_, _ = content(b)
		b = hold(t, p, "/b")
		errs := make(chan error, 1)
		go func() { _, err := p.RoundTrip(t.Context(), get("/c")); errs <- err }()
		synctest.Wait()
		p.Close()
		if err := <-errs; kindOf(err) != Closed || !errors.Is(err, ErrPoolClosed) {
			t.Errorf("a waiter: %v", err)
		}
		if _, err := p.RoundTrip(t.Context(), get("/d")); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("a later request: %v", err)
		}
		if got, err := content(a); got != "/a" || err != nil {
			t.Errorf("a busy connection: %q, %v", got, err)
		}
		b.Body.Close()
		if d := cmp.Diff(Stats{}, p.Stats()); d != "" {
			t.Error(d)
		}
	})
}

func TestCloseClosesIdleConnections(t *testing.T) {
	ended := make(chan struct{})
	up := listen(t, func(_ int, c net.Conn) {
		echo(0, c)
		close(ended)
	})
	p := newPool(t, up.dial)
	want(t, p, get("/a"), 200, "/a")
	p.Close()
	<-ended
	p.Close() // again is harmless
}

func TestADialThatFailsIsADialError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	up := &upstream{addr: l.Addr().String()}
	l.Close() // nobody listens there any more
	p := newPool(t, up.dial)
	_, err = p.RoundTrip(t.Context(), get("/"))
	var e *Error
	if !errors.As(err, &e) || e.Kind != Dial || e.Sent {
		t.Errorf("got %v", err)
	}
	if d := cmp.Diff(Stats{}, p.Stats()); d != "" {
		t.Error(d)
	}
}

func TestADialThatHangsEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, func(o *Options) { o.ConnectTimeout = 3 * time.Second })
		start := time.Now()
		if _, err := p.RoundTrip(t.Context(), get("/")); kindOf(err) != Dial || time.Since(start) != 3*time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := p.RoundTrip(ctx, get("/")); kindOf(err) != Canceled {
			t.Errorf("canceled: %v", err)
		}
		if d := cmp.Diff(Stats{}, p.Stats()); d != "" {
			t.Error(d)
		}
	})
}

func TestManyRequestsAtOnceEachGetTheirOwnAnswer(t *testing.T) {
	up := listen(t, echo)
	p := newPool(t, up.dial, func(o *Options) { o.MaxConns, o.MaxIdle, o.MaxWait = 4, 2, time.Minute })
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 50 {
				path := "/" + itoa(g) + "/" + itoa(i)
				r, err := p.RoundTrip(t.Context(), get(path))
				if err != nil {
					t.Error(err)
					return
				}
				if i%10 == 0 {
					r.Body.Close()
				} else if got, err := content(r); got != path || err != nil {
					t.Errorf("%s got %q, %v", path, got, err)
				}
			}
		})
	}
	wg.Wait()
	if s := p.Stats(); s.Open > 4 || s.Open != s.Idle || s.Waiting != 0 {
		t.Errorf("the pool has %+v", s)
	}
}

func TestAGrantThatComesTooLateIsPassedOn(t *testing.T) {
	up := listen(t, echo)
	p := newPool(t, up.dial)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, p, get("/a"), 200, "/a")
	late := 0
	for i := range 200 { // select takes either case by chance
		w := &waiter{grant: make(chan *conn, 1)}
		e := p.queue.PushBack(w)
		p.queue.Remove(e)
		var c *conn
		if i%2 == 0 {
			c = p.pop()
		} else {
			p.open++
		}
		w.grant <- c
		got, err := p.wait(ctx, w, e)
		switch {
		case err != nil:
			late++
		case got != nil:
			p.put(got)
		default:
			p.release()
		}
	}
	if d := cmp.Diff(Stats{Open: 1, Idle: 1}, p.Stats()); d != "" || late == 0 || late == 200 {
		t.Errorf("%d of 200 came too late; %s", late, d)
	}
}

func TestAConnectionThatDiedIsReplacedByTheNextIdleOne(t *testing.T) {
	up := listen(t, echo)
	p := newPool(t, up.dial)
	a, b := hold(t, p, "/a"), hold(t, p, "/b")
	_, _ = content(a)
	_, _ = content(b)
	p.idle[1].nc.Close()
	want(t, p, get("/c"), 200, "/c")
	if d := cmp.Diff(Stats{Open: 1, Idle: 1}, p.Stats()); d != "" || up.accepted() != 2 {
		t.Errorf("%d connections; %s", up.accepted(), d)
	}
}
