// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward"
	"durward/durwardtest"
	"durward/internal/units"
)

const lobby = `{"members":["ada"],"level":1}`

// source is a server of objects whose answer can be changed.
type source struct {
	*httptest.Server
	asked  atomic.Int32
	answer atomic.Pointer[http.HandlerFunc]
}

func newSource(t *testing.T, answer http.HandlerFunc) *source {
	t.Helper()
	s := &source{}
	s.answer.Store(&answer)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func says(status int, kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
}

func ask(t *testing.T, url string, clock *durwardtest.Clock, change ...func(*HTTPConfig)) *HTTP {
	t.Helper()
	cfg := HTTPConfig{URL: url + "/{type}/{id}", TTL: units.Duration(time.Minute), NegativeTTL: units.Duration(time.Second), Timeout: units.Duration(5 * time.Second)}
	for _, f := range change {
		f(&cfg)
	}
	if err := (&Config{HTTP: &cfg}).Check(); err != nil {
		t.Fatal(err)
	}
	h := NewHTTP(cfg, clock.Now)
	t.Cleanup(func() { h.Close() })
	return h
}

func TestAnswersAreKeptForTheirTime(t *testing.T) {
	clock := durwardtest.NewClock()
	s := newSource(t, says(200, "application/json", lobby))
	h := ask(t, s.URL, clock)
	look := func(want int32, there bool) {
		t.Helper()
		o, err := h.Look(context.Background(), space, "lobby")
		if (err == nil) != there || (o != nil) != there || s.asked.Load() != want {
			t.Fatalf("%v, %v after %d look-ups, want %d", o, err, s.asked.Load(), want)
		}
	}
	look(1, true)
	clock.Move(59 * time.Second)
	look(1, true)
	gone := says(404, "application/json", "")
	s.answer.Store(&gone)
	clock.Move(time.Second)
	look(2, false)
	look(2, false)
	clock.Move(time.Second)
	look(3, false)
	back := says(200, "application/json", lobby)
	s.answer.Store(&back)
	clock.Move(time.Second)
	look(4, true)
}

func TestFailuresAreNoAnswersAndAreNotKept(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"an internal error", says(500, "application/json", lobby)},
		{"a refusal", says(403, "application/json", lobby)},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }},
		{"another type", says(200, "text/html", lobby)},
		{"no JSON", says(200, "application/json", `{"members":`)},
		{"a list", says(200, "application/json", `[]`)},
		{"null", says(200, "application/json", `null`)},
		{"a member twice", says(200, "application/json", `{"members":["ada"],"members":["eve"],"level":1}`)},
		{"a field that is missing", says(200, "application/json", `{"level":1}`)},
		{"a field of another type", says(200, "application/json", `{"members":"ada","level":1}`)},
		{"a number that no float holds", says(200, "application/json", `{"members":[],"level":9007199254740994}`)},
		{"too much", says(200, "application/json", `{"members":[],"level":1,"x":"`+strings.Repeat("x", 2000)+`"}`)},
		{"a cut answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, lobby)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t, tt.answer)
			h := ask(t, s.URL, durwardtest.NewClock(), func(c *HTTPConfig) { c.MaxBytes = 1000; c.Token = "s3cret" })
			for n := range int32(2) {
				o, err := h.Look(context.Background(), space, "lobby")
				var away *durward.Unavailable
				if o != nil || !errors.As(err, &away) || away.Code != durward.CodeStoreUnavailable {
					t.Fatalf("%v, %v", o, err)
				}
				if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), s.URL) || strings.Contains(err.Error(), "lobby") {
					t.Errorf("the error says too much: %v", err)
				}
				if s.asked.Load() != n+1 {
					t.Errorf("%d look-ups: a failure was kept", s.asked.Load())
				}
			}
		})
	}
}

func TestLookUpsOfOneObjectAreOne(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		says(200, "application/json", lobby)(w, r)
	})
	h := ask(t, s.URL, durwardtest.NewClock(), func(c *HTTPConfig) { c.Concurrent = 1 })
	var wg sync.WaitGroup
	errs := make(chan error, 20)
	for range 20 {
		wg.Go(func() {
			_, err := h.Look(context.Background(), space, "lobby")
			errs <- err
		})
	}
	<-arrived
	if _, err := h.Look(context.Background(), space, "other"); !errors.Is(err, errBusy) {
		t.Errorf("a second look-up beyond the bound gave %v", err)
	}
	close(release)
	wg.Wait()
	for range 20 {
		if err := <-errs; err != nil {
			t.Errorf("%v", err)
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("%d look-ups", n)
	}
}

func TestWhoLeavesEndsNobodyElsesLookUp(t *testing.T) {
	release := make(chan struct{})
	s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		says(200, "application/json", lobby)(w, r)
	})
	h := ask(t, s.URL, durwardtest.NewClock())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var away *durward.Unavailable
	if _, err := h.Look(ctx, space, "lobby"); !errors.As(err, &away) {
		t.Errorf("%v", err)
	}
	close(release)
	if _, err := h.Look(context.Background(), space, "lobby"); err != nil || s.asked.Load() != 1 {
		t.Errorf("%v after %d look-ups", err, s.asked.Load())
	}
}

func TestASlowDirectoryFails(t *testing.T) {
	release := make(chan struct{})
	s := newSource(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	h := ask(t, s.URL, durwardtest.NewClock(), func(c *HTTPConfig) { c.Timeout = units.Duration(20 * time.Millisecond) })
	var away *durward.Unavailable
	if _, err := h.Look(context.Background(), space, "lobby"); !errors.As(err, &away) {
		t.Errorf("%v", err)
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	s := newSource(t, says(200, "application/json", lobby))
	h := ask(t, s.URL, durwardtest.NewClock(), func(c *HTTPConfig) { c.Entries = 8 })
	for i := range 50 {
		if _, err := h.Look(context.Background(), space, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	h.cache.mu.Lock()
	defer h.cache.mu.Unlock()
	if n := len(h.cache.kept); n > 8 || len(h.cache.flight) != 0 {
		t.Errorf("%d answers kept, %d under way", n, len(h.cache.flight))
	}
}

func TestIdsStayInTheirPlaceOfTheURL(t *testing.T) {
	var got atomic.Pointer[http.Request]
	s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		got.Store(r)
		says(200, "application/json", lobby)(w, r)
	})
	h := ask(t, s.URL, durwardtest.NewClock(), func(c *HTTPConfig) { c.Token = "s3cret" })
	if _, err := h.Look(context.Background(), space, "../a?b=c#d%2F{type}"); err != nil {
		t.Fatal(err)
	}
	r := got.Load()
	if want := "/Space/..%2Fa%3Fb=c%23d%252F%7Btype%7D"; r.URL.EscapedPath() != want || r.URL.RawQuery != "" {
		t.Errorf("asked for %s", r.URL)
	}
	if r.Header.Get("Authorization") != "Bearer s3cret" {
		t.Error("the token was not sent")
	}
	before := s.asked.Load()
	for _, id := range []string{"", ".", ".."} {
		if _, err := h.Look(context.Background(), space, id); !errors.Is(err, durward.ErrNotFound) || s.asked.Load() != before {
			t.Errorf("%q gave %v", id, err)
		}
	}
}

func TestConfigurationsThatCannotBeUsed(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"neither", Config{}, "one of file, http and store"},
		{"both", Config{File: "a", HTTP: &HTTPConfig{URL: "http://a/{id}"}}, "one of file, http and store"},
		{"a file and the store", Config{File: "a", Store: true}, "one of file, http and store"},
		{"no URL", Config{HTTP: &HTTPConfig{}}, "http.url"},
		{"no id", Config{HTTP: &HTTPConfig{URL: "http://a/x"}}, "{id} once"},
		{"another scheme", Config{HTTP: &HTTPConfig{URL: "file:///{id}"}}, "http.url"},
		{"a user", Config{HTTP: &HTTPConfig{URL: "http://a:b@c/{id}"}}, "http.url"},
		{"an id in the host", Config{HTTP: &HTTPConfig{URL: "http://{id}.example/x"}}, "behind the host"},
		{"an unknown variable", Config{HTTP: &HTTPConfig{URL: "http://a/{id}/{x}"}}, "http.url"},
		{"a long timeout", Config{HTTP: &HTTPConfig{URL: "http://a/{id}", Timeout: units.Duration(time.Hour)}}, "http.timeout"},
		{"a long life", Config{HTTP: &HTTPConfig{URL: "http://a/{id}", TTL: units.Duration(25 * time.Hour)}}, "http.ttl"},
		{"too many entries", Config{HTTP: &HTTPConfig{URL: "http://a/{id}", Entries: 1e7}}, "http.entries"},
		{"a negative bound", Config{HTTP: &HTTPConfig{URL: "http://a/{id}", Concurrent: -1}}, "http.concurrent"},
		{"a negative size", Config{HTTP: &HTTPConfig{URL: "http://a/{id}", MaxBytes: -1}}, "http.max_bytes"},
	} {
		if err := tt.cfg.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: want %q in: %v", tt.name, tt.want, err)
		}
	}
}

func BenchmarkCachedLookUp(b *testing.B) {
	s := httptest.NewServer(says(200, "application/json", lobby))
	defer s.Close()
	h := NewHTTP(HTTPConfig{URL: s.URL + "/{id}"}, time.Now)
	defer h.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Look(context.Background(), space, "lobby"); err != nil {
			b.Fatal(err)
		}
	}
}
