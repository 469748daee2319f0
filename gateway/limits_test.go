// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/authn"
	"durward/internal/again"
)

// heap is what the process holds after a collection, stacks included.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// open connects and sends a part of a request.
func open(t testing.TB, address, part string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, part)
	return c
}

// TestManySlowClientsCostLittleAndNotForLong: what clients hold is bounded by
// the number of connections and of bytes each, and ends by itself. The bound on
// memory is several times what is used, and a small part of what an unbounded
// reader would take.
func TestManySlowClientsCostLittleAndNotForLong(t *testing.T) {
	again.Try(t, func(t testing.TB) {
		const most = 400
		doc := strings.Replace(document, `"${LISTEN}"`, fmt.Sprintf(`"${LISTEN}", limits: {connections: %d, header_timeout: 3s, body_timeout: 3s, idle_timeout: 3s}`, most), 1)
		s := newSite(t, doc, nil)
		g := s.start()
		at := address(g)
		if resp, _ := fetch(t, "http://"+at+"/open"); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
		eventually(t, "an empty house", func() bool { return g.Status().Connections == 0 })
		before := heap()
		began := time.Now()
		parts := []string{
			"GET /open HTTP/1.1\r\nX-Slow: " + strings.Repeat("x", 16<<10),                                                                        // a header section without an end
			"POST /open HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 32<<10),         // a body that stops
			"POST /open HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n" + strings.Repeat("x", 100), // a chunk that stops
			"GET /open HTTP/1.1\r\nHost: a\r\n\r\n", // one that goes on holding the connection
			"",
		}
		for i := range most + 100 {
			open(t, at, parts[i%len(parts)])
		}
		eventually(t, "the limit", func() bool { return g.Status().Connections >= most-most/10 })
		if n := g.Status().Connections; n > most {
			t.Errorf("%d connections are open, %d are allowed", n, most)
		}
		// The tests' own ends are counted in.
		if used := (heap() - before) / most; used > 160<<10 {
			t.Errorf("%d bytes a connection", used)
		} else {
			t.Logf("%d bytes a connection, both ends", used)
		}
		eventually(t, "the end of all of them", func() bool { return g.Status().Connections == 0 })
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
		if resp, _ := fetch(t, "http://"+at+"/open"); resp.StatusCode != 200 {
			t.Errorf("and then %s", resp.Status)
		}
		eventually(t, "the memory back", func() bool { return heap()-before < 16<<20 })
		if page := metrics(g); strings.Contains(page, "durward_connections_refused_total 0\n") {
			t.Error("the refused connections are not counted")
		}
	})
}

func TestHeadersAndBodiesBeyondTheirLimitsAreRefused(t *testing.T) {
	reached := make(chan bool, 100)
	doc := strings.Replace(document, "    authorize", "    validation: {max_body: 10000B}\n    authorize", 1)
	s := newSite(t, doc, func(w http.ResponseWriter, r *http.Request) { reached <- true })
	g := s.start()
	const post = "POST /open HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
	for name, tc := range map[string]struct {
		request string
		status  int
		reaches bool
	}{
		"a header section":               {"GET /open HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n", 431, false},
		"many header lines":              {"GET /open HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 200) + "\r\n", 431, false},
		"a target":                       {"GET /open?" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, false},
		"a body by its length":           {post + "Content-Length: 10001\r\n\r\n", 413, false},
		"a body as it comes":             {post + "Transfer-Encoding: chunked\r\n\r\n2711\r\n" + strings.Repeat("x", 10001) + "\r\n0\r\n\r\n", 413, false},
		"a body of exactly the limit":    {post + "Content-Length: 10000\r\n\r\n" + strings.Repeat("x", 10000), 200, true},
		"a length that no machine holds": {post + "Content-Length: 9223372036854775807\r\n\r\n", 400, false},
		"a length beyond all numbers":    {post + "Content-Length: 9223372036854775808\r\n\r\n", 400, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, address(g), tc.request)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != tc.status {
				t.Errorf("%v, %v", resp, err)
			}
			select {
			case <-reached:
				if !tc.reaches {
					t.Error("it reached the upstream")
				}
			default:
				if tc.reaches {
					t.Error("it did not reach the upstream")
				}
			}
		})
	}
}

// TestALockedStoreStopsNoKnownKey: docs/failure-policy.md.
func TestALockedStoreStopsNoKnownKey(t *testing.T) {
	s := newSite(t, strings.Replace(document, "memory:", "sqlite:durward.db", 1), nil)
	g := s.start()
	keys := g.Store()
	ctx := context.Background()
	if err := keys.CreateConsumer(ctx, durward.Consumer{ID: "app", Name: "app", Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	text, id, hash, err := authn.MintKey(keys.Pepper(), "live")
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.CreateKey(ctx, durward.Key{ID: id, Environment: "live", Consumer: "app", Name: "k", Hash: hash, Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	ask := func(key string) int {
		resp, _ := fetch(t, "http://"+address(g)+"/notes", "X-Api-Key", key)
		return resp.StatusCode
	}
	if got := ask(text); got != 200 {
		t.Fatalf("before: %d", got)
	}
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "durward.db")+"?_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if got := ask(text); got != 200 {
			t.Errorf("a known key while the store is locked: %d", got)
		}
	}
	last := "x" // of the checksum
	if text[len(text)-1] == 'x' {
		last = "y"
	}
	if got := ask(text[:len(text)-1] + last); got != 401 {
		t.Errorf("a wrong key: %d", got)
	}
	if resp, _ := fetch(t, "http://"+address(g)+"/notes"); resp.StatusCode != 401 {
		t.Errorf("no key: %s", resp.Status)
	}
	if _, err := c.ExecContext(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if got := ask(text); got != 200 {
		t.Errorf("afterwards: %d", got)
	}
}
