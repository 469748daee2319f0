// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package introspect

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
)

func TestTheQuestionIsAsTheStandardsSay(t *testing.T) {
	s := newServer(t)
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	for _, tc := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"id and secret", nil, basic("gw:hunter2")},
		{"id and secret are form-encoded first", func(c *Config) { c.ClientID, c.ClientSecret = "a:b c", "p%+/ü" }, basic("a%3Ab+c:p%25%2B%2F%C3%BC")},
		{"a bearer token", func(c *Config) { c.ClientID, c.ClientSecret, c.BearerToken = "", "", "abc.def==" }, "Bearer abc.def=="},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := newClient(t, s, tc.change)
			const token = "a-._~+/9=="
			s.set(token, active)
			check(t, c, token, "accepted")
			form, header := s.form()
			if len(form) != 2 || form.Get("token") != token || form.Get("token_type_hint") != "access_token" {
				t.Errorf("form %v", form)
			}
			if header.Get("Authorization") != tc.want || header.Get("Content-Type") != "application/x-www-form-urlencoded" || header.Get("Accept") != "application/json" {
				t.Errorf("header %v", header)
			}
		})
	}
}

func TestWhatIsNoBearerTokenIsNeverAskedAbout(t *testing.T) {
	s := newServer(t)
	c, _ := newClient(t, s, nil)
	for _, token := range []string{"", "=", "==", "a=b", "a b", "a\r\n", "a,b", "ü", "a&token=b", "a%41", "\x00", strings.Repeat("a", maxToken+1)} {
		if _, err := c.Check(t.Context(), token); !errors.Is(err, errForm) {
			t.Errorf("%q: %v", token, err)
		}
	}
	s.wantAsked(t, 0)
}

func TestAServerThatFailsDecidesNothing(t *testing.T) {
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if kind != "" {
				w.Header().Set("Content-Type", kind)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"500":                            answer(500, "application/json", active),
		"503":                            answer(503, "application/json", active),
		"401":                            answer(401, "application/json", active),
		"400":                            answer(400, "application/json", active),
		"429":                            answer(429, "application/json", active),
		"404":                            answer(404, "text/html", "no"),
		"a redirect":                     answer(302, "application/json", active),
		"a redirect that keeps the body": answer(307, "application/json", active),
		"201":                            answer(201, "application/json", active),
		"204":                            answer(204, "", ""),
		"no content type":                answer(200, "", active),
		"text/html":                      answer(200, "text/html", active),
		"a signed answer":                answer(200, "application/token-introspection+jwt", active),
		"a content type that is none":    answer(200, "application/json;;", active),
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, active)
		},
		"a closed connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, clock := newClient(t, s, nil)
			s.set("good", active)
			check(t, c, "good", "accepted")
			s.handle(h)
			check(t, c, "other", "issuer-unavailable")
			check(t, c, "good", "accepted") // from memory
			clock.add(time.Minute)
			check(t, c, "good", "issuer-unavailable") // was good, and is not taken on trust
			before := s.asked.Load()
			s.handle(nil)
			check(t, c, "good", "accepted")
			if s.asked.Load() != before+1 {
				t.Error("a failure was remembered, or followed elsewhere")
			}
		})
	}
}

func TestAServerThatIsSilentIsGivenUp(t *testing.T) {
	s := newServer(t)
	c, _ := newClient(t, s, func(c *Config) { c.Timeout = units.Duration(100 * time.Millisecond) })
	stop := make(chan struct{})
	s.handle(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	check(t, c, tok, "issuer-unavailable")
	close(stop)
}

func TestManyRequestsWithOneTokenCauseOneQuestion(t *testing.T) {
	s := newServer(t)
	c, _ := newClient(t, s, nil)
	arrived, answer := make(chan struct{}, 100), make(chan struct{})
	s.handle(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-answer
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, active)
	})
	var wg sync.WaitGroup
	errs := make(chan error, 51)
	for range 50 {
		wg.Go(func() {
			_, err := c.Check(t.Context(), tok)
			errs <- err
		})
	}
	<-arrived
	// One that leaves takes nobody with it, not even when its request began
	// the question.
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Check(gone, tok); outcome(err) != "issuer-unavailable" {
		t.Errorf("a caller that left: %v", err)
	}
	close(answer)
	wg.Wait()
	for range 50 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	s.wantAsked(t, 1)
}

func TestAnAnswerIsRememberedNotLongerThanItHolds(t *testing.T) {
	s := newServer(t)
	c, clock := newClient(t, s, nil)
	s.set(tok, active)
	s.set("short", `{"active":true,"sub":"alice","aud":"moot","exp":`+fmt.Sprint(at(20*time.Second))+`}`)
	check(t, c, tok, "accepted")
	check(t, c, "short", "accepted")
	clock.add(20*time.Second - 1)
	check(t, c, tok, "accepted")
	check(t, c, "short", "accepted")
	s.wantAsked(t, 2)
	clock.add(1) // now short has expired; the server says so too
	s.set("short", "")
	check(t, c, "short", "rejected")
	s.set(tok, "") // revoked
	check(t, c, tok, "accepted")
	s.wantAsked(t, 3)
	clock.add(40*time.Second - 1)
	check(t, c, tok, "accepted")
	clock.add(1)
	check(t, c, tok, "rejected") // after cache_ttl at the latest
	s.wantAsked(t, 4)
}

func TestABadTokenIsRememberedForSeconds(t *testing.T) {
	s := newServer(t)
	c, clock := newClient(t, s, nil)
	check(t, c, tok, "rejected")
	clock.add(5*time.Second - 1)
	s.set(tok, active)
	check(t, c, tok, "rejected")
	s.wantAsked(t, 1)
	clock.add(1)
	check(t, c, tok, "accepted")
	s.wantAsked(t, 2)
}

func TestTheClientEndsWithItsConfiguration(t *testing.T) {
	s := newServer(t)
	c, _ := newClient(t, s, nil)
	s.set(tok, active)
	check(t, c, tok, "accepted")
	arrived := make(chan struct{})
	s.handle(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	done := make(chan error)
	go func() {
		_, err := c.Check(context.Background(), "other")
		done <- err
	}()
	<-arrived
	c.Close()
	c.Close() // twice does no harm
	if err := <-done; outcome(err) != "issuer-unavailable" {
		t.Errorf("the question under way: %v", err)
	}
	check(t, c, "third", "issuer-unavailable")
	check(t, c, tok, "accepted") // the generation that still holds it may end in peace
}

func TestTheServersCertificateIsVerified(t *testing.T) {
	s := &server{answers: map[string]string{tok: active}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	trusting, _ := newClient(t, s, func(c *Config) { c.CA = ca })
	check(t, trusting, tok, "accepted")
	strict, _ := newClient(t, s, nil)
	check(t, strict, tok, "issuer-unavailable")
	s.wantAsked(t, 1)
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), os.Args[0]} {
		cfg := Config{URL: s.URL, BearerToken: "x", AnyAudience: true, CA: path}
		_, err := New("corp", cfg, time.Now, slog.New(slog.DiscardHandler))
		if fe, ok := errors.AsType[*durward.FieldError](err); !ok || fe.Field != "ca" {
			t.Errorf("CA %s: %v", filepath.Base(path), err)
		}
	}
}

func TestCheckReportsEveryFault(t *testing.T) {
	good := Config{URL: "https://id.test/introspect", ClientID: "gw", ClientSecret: "hunter2", Audiences: []string{"moot"}}
	for _, tc := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"as little as possible", func(*Config) {}, ""},
		{"loopback in clear", func(c *Config) { c.URL = "http://127.0.0.1:9/i?x=1" }, ""},
		{"nothing", func(c *Config) { *c = Config{} }, "url  audiences"},
		{"clear text", func(c *Config) { c.URL = "http://id.test" }, "url"},
		{"a user in the URL", func(c *Config) { c.URL = "https://u:hunter2@id.test" }, "url"},
		{"a fragment", func(c *Config) { c.URL = "https://id.test/#a" }, "url"},
		{"two ways to be known", func(c *Config) { c.BearerToken = "hunter2" }, ""},
		{"an id without secret", func(c *Config) { c.ClientSecret = "" }, "client_secret"},
		{"a bearer token with a line end", func(c *Config) { c.ClientID, c.ClientSecret, c.BearerToken = "", "", "hunter2\n" }, "bearer_token"},
		{"times out of range", func(c *Config) {
			c.Timeout, c.CacheTTL, c.NegativeTTL, c.Skew = 1, units.Duration(2*time.Hour), 1, units.Duration(time.Hour)
		}, "timeout cache_ttl negative_ttl skew"},
		{"sizes out of range", func(c *Config) { c.CacheSize, c.MaxConcurrent = 1, 1 }, "cache_size max_concurrent"},
		{"audiences and any", func(c *Config) { c.AnyAudience = true }, "audiences"},
		{"empty names", func(c *Config) { c.Audiences, c.TokenTypes = []string{""}, []string{""} }, "audiences token_types"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := good
			tc.change(&cfg)
			var fields []string
			for _, f := range durward.Flatten(cfg.Check()) {
				if strings.Contains(f.Error(), "hunter2") {
					t.Errorf("%v quotes a secret", f)
				}
				fields = append(fields, f.(*durward.FieldError).Field)
			}
			if tc.name == "two ways to be known" && len(fields) != 1 {
				t.Errorf("%d faults", len(fields))
			}
			if got := strings.Join(fields, " "); got != tc.want {
				t.Errorf("faults in %q, want %q", got, tc.want)
			}
		})
	}
}
