// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/internal/again"
)

// journal keeps lines of a log. Safe for concurrent use.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Split(strings.TrimSuffix(j.buf.String(), "\n"), "\n")
}

// startLogged is start with a log to look into.
func startLogged(t testing.TB, h Handler, cfg Config) (*Set, string, *journal) {
	t.Helper()
	cfg.Address = "127.0.0.1:0"
	j := new(journal)
	s := NewSet(h, slog.New(slog.NewTextHandler(j, nil)))
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
	})
	change(t, s, []Config{cfg})
	return s, s.Addresses()[cfg.Address].String(), j
}

// counted gives the kinds of cuts that are not zero.
func counted(s *Set) map[string]uint64 {
	out := map[string]uint64{}
	for kind, n := range s.Stats().HTTP2.Cut {
		if n > 0 {
			out[kind] = n
		}
	}
	return out
}

// floodKinds are the kinds under which the rows of floods are counted. Where
// there are two, the frame of either side may be the one too many.
var floodKinds = map[string][]string{
	"ping": {"ping"}, "unasked ping answer": {"ping"}, "settings": {"settings"}, "changing settings": {"settings"},
	"priority": {"priority"}, "window update": {"window-update"}, "window update of stream": {"window-update"},
	"empty data": {"empty-data"}, "padded empty data": {"empty-data"}, "unknown frames": {"other-frame"}, "rapid reset": {"reset", "provoked-reset"},
	"requests that we are made to reset": {"provoked-reset", "window-update"}, "malformed requests": {"provoked-reset"},
	"streams beyond the limit": {"provoked-reset"},
}

func TestACutIsCountedByItsKindAndLoggedOnce(t *testing.T) {
	for name, round := range floods {
		t.Run(name, func(t *testing.T) {
			h := serveFunc(func(ctx context.Context, _ *durward.Exchange, out durward.Responder) {
				<-ctx.Done()
				out.Abort()
			})
			s, address, j := startLogged(t, h, Config{})
			c := dialH2(t, address)
			c.request(1, false, basic("POST")...)
			ended := make(chan string, 1)
			go func() { ended <- c.end() }()
			for i := range uint32(20000) {
				if round(c, i) != nil {
					break
				}
			}
			<-ended
			awaitOpen(t, s, 0)
			// Who counts and logs the cut need not be who closes the connection.
			for deadline := time.Now().Add(time.Minute); len(counted(s)) == 0 || j.lines()[0] == ""; <-time.After(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("counted %v, the log has %q", counted(s), j.lines())
				}
			}
			ok := false
			for _, kind := range floodKinds[name] {
				ok = ok || cmp.Equal(counted(s), map[string]uint64{kind: 1})
			}
			if !ok {
				t.Fatalf("counted as %v, want one of %v", counted(s), floodKinds[name])
			}
			for kind := range counted(s) {
				if got := j.lines(); len(got) != 1 || !strings.Contains(got[0], "kind="+kind+" peer=127.0.0.1") {
					t.Errorf("the log has %q", got)
				}
			}
			if st := s.Stats(); st.Refused != 1 {
				t.Errorf("%d refused connections", st.Refused)
			}
		})
	}
}

func TestAFrameThatHangsIsCounted(t *testing.T) {
	again.Try(t, func(t testing.TB) {
		s, address, _ := startLogged(t, says("never"), Config{Limits: Limits{HeaderTimeout: milliseconds(200)}})
		c := dialH2(t, address)
		c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block(basic("GET")...)})
		c.end()
		awaitOpen(t, s, 0)
		if got := counted(s); !cmp.Equal(got, map[string]uint64{"slow-frame": 1}) {
			t.Error(got)
		}
	})
}

func TestWhatTheStandardLibraryRefusesIsCounted(t *testing.T) {
	for name, row := range map[string]struct {
		send            func(c *h2client)
		want            string
		refused, errors uint64
	}{
		"nothing": {func(c *h2client) { c.request(1, true, basic("GET")...) }, "200", 0, 0},
		"trailers are no request": {func(c *h2client) {
			c.request(1, false, basic("POST")...)
			c.request(1, true, "x-sum", "1")
		}, "200", 0, 0},
		"a connection-specific field": {func(c *h2client) { c.request(1, true, basic("GET", "connection", "close")...) }, "400", 1, 0},
		"pseudo-header fields in disorder": {func(c *h2client) {
			c.request(1, true, ":method", "GET", "x", "y", ":scheme", "http", ":path", "/")
		}, "reset PROTOCOL_ERROR", 1, 0},
		"a header section of more than twice its limit": {func(c *h2client) {
			c.request(1, true, basic("GET", "a", strings.Repeat("\xff", 3000), "b", strings.Repeat("\xff", 3000))...)
		}, "431", 1, 0},
		"compression that cannot be undone": {func(c *h2client) {
			c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, EndHeaders: true, BlockFragment: []byte("\xff\x80\x01")})
		}, "goaway COMPRESSION_ERROR", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, address, j := startLogged(t, serveFunc(echo), Config{Limits: Limits{HeaderBytes: 2 << 10}})
			c := dialH2(t, address)
			row.send(c)
			if got := c.outcome(1); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			c.Close()
			awaitOpen(t, s, 0)
			if got := s.Stats().HTTP2; got.Refused != row.refused || got.Errors != row.errors || len(counted(s)) != 0 {
				t.Errorf("counted as %+v", got)
			}
			if got := strings.Join(j.lines(), "\n"); strings.Contains(got, "requests=1") != (row.refused == 1) {
				t.Errorf("the log has %q", got)
			}
		})
	}
}

// A header section a little over its limit gets a problem and a record like
// any refusal; net/http bounds what is far over it.
func TestALargeHeaderSectionIsRefusedByUs(t *testing.T) {
	for name, row := range map[string]struct {
		bytes  int
		want   string
		faults int64
	}{
		"as large as allowed": {2<<10 - 32 - 1 - 4*32 - len(":method:scheme:authority:pathGEThttpa.example/"), "200", 0},
		"one byte more":       {2<<10 - 32 - 4*32 - len(":method:scheme:authority:pathGEThttpa.example/"), "431", 1},
		"nearly twice":        {3800, "431", 1},
		"twice":               {4096, "431", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var faults atomic.Int64
			_, address := start(t, faultCounter{says("ok"), &faults}, Config{Limits: Limits{HeaderBytes: 2 << 10}})
			c := dialH2(t, address)
			c.request(1, true, basic("GET", "x", strings.Repeat("y", row.bytes))...)
			if got := c.outcome(1); got != row.want || faults.Load() != row.faults {
				t.Errorf("%s and %d faults, want %s and %d", got, faults.Load(), row.want, row.faults)
			}
		})
	}
}

// faultCounter counts what comes to the handler as too large.
type faultCounter struct {
	serveFunc
	n *atomic.Int64
}

func (f faultCounter) Serve(ctx context.Context, x *durward.Exchange, out durward.Responder) {
	if x.In.Fault == durward.CodeHeaderTooLarge {
		f.n.Add(1)
	}
	f.serveFunc.Serve(ctx, x, out)
}

func TestAFloodOfConnectionsIsNoFloodOfTheLog(t *testing.T) {
	var l lines
	now := time.Unix(1e9, 0)
	take := func() (n, held int) {
		for range 100 {
			if ok, h := l.take(now); ok {
				n++
				held += h
			}
		}
		return n, held
	}
	for i, want := range []struct {
		after   time.Duration
		n, held int
	}{{0, lineBurst, 0}, {0, 0, 0}, {time.Second / 2, 0, 0}, {time.Second / 2, 1, 290}, {3 * time.Second, 3, 99}, {time.Hour, lineBurst, 97}} {
		now = now.Add(want.after)
		if n, held := take(); n != want.n || held != want.held {
			t.Errorf("step %d: %d lines and %d held back, want %d and %d", i, n, held, want.n, want.held)
		}
	}
}
