// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// judge is a gateway as it should be, or with one fault.
type judge struct {
	t     *testing.T
	fault string
	seen  atomic.Int64
	token string
	item  string
	s     scenario
}

func (j *judge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Sec-Fetch-Mode") == "" || r.Method != j.s.method() || r.URL.Path != strings.TrimSuffix(j.s.path(), j.s.query) {
		j.t.Errorf("unexpected request %s %s", r.Method, r.URL)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		j.t.Error(err)
	}
	switch {
	case j.s.limit == refusing && j.seen.Add(1) > 1 && j.fault != "never refuses":
		w.WriteHeader(http.StatusTooManyRequests)
	case j.s.alg != "" && r.Header.Get("Authorization") == "" && j.fault != "takes no token":
		w.WriteHeader(http.StatusUnauthorized)
	case j.s.alg != "" && r.Header.Get("Authorization") != "" && r.Header.Get("Authorization") != "Bearer "+j.token && j.fault != "takes any token":
		w.WriteHeader(http.StatusUnauthorized)
	case j.s.post && !j.s.noCheck && string(body) != j.item && j.fault != "checks nothing":
		w.WriteHeader(http.StatusBadRequest)
	case j.s.query != "" && !j.s.noCheck && "?"+r.URL.RawQuery != j.s.query && j.fault != "checks nothing":
		w.WriteHeader(http.StatusBadRequest)
	case j.fault == "is broken":
		w.WriteHeader(http.StatusBadGateway)
	}
}

func TestProbesSeeEveryFault(t *testing.T) {
	m := testMaterial(t)
	tokens, err := os.ReadFile(m.path("tokens-RS256.txt"))
	if err != nil {
		t.Fatal(err)
	}
	token, _, _ := strings.Cut(string(tokens), "\n")
	item, err := os.ReadFile(m.path("item.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		s     scenario
		fault string
		want  string // part of the error; empty for none
	}{
		"a plain one":                 {scenario{}, "", ""},
		"a plain one that is broken":  {scenario{}, "is broken", "got 502, expected 200"},
		"a limit":                     {scenario{limit: refusing}, "", ""},
		"a limit that is none":        {scenario{limit: refusing}, "never refuses", "over the limit got 200, expected 429"},
		"tokens":                      {scenario{alg: "RS256"}, "", ""},
		"tokens that are not needed":  {scenario{alg: "RS256"}, "takes no token", "without a token got 200"},
		"tokens that are not checked": {scenario{alg: "RS256"}, "takes any token", "forged token got 200"},
		"a contract":                  {scenario{post: true}, "", ""},
		"a contract not checked":      {scenario{post: true}, "checks nothing", "breaks the contract got 200"},
		"parameters":                  {scenario{query: threeParameters}, "", ""},
		"parameters not checked":      {scenario{query: threeParameters}, "checks nothing", "breaks the contract got 200"},
		"no check, as asked":          {scenario{post: true, noCheck: true}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(&judge{t: t, fault: test.fault, token: token, item: string(item), s: test.s})
			defer server.Close()
			err := runProbes(t.Context(), test.s, true, m.dir, server.Listener.Addr().String())
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Error("the error shows the token")
			}
		})
	}
}

func TestPeersAreNotAskedToKnowTheContract(t *testing.T) {
	all, err := probes(scenario{post: true}, false, testMaterial(t).dir)
	if err != nil || len(all) != 1 {
		t.Errorf("%d probes, %v", len(all), err)
	}
}

func TestAForgedTokenDiffersInItsSignatureOnly(t *testing.T) {
	for _, token := range []string{"h.p.AAAAAAAAAAAAAAAAAAAA", "h.p.ABCDEFGHIJKLMNOPQRST", "h.p.s"} {
		forged := forge(token)
		if forged == token || !strings.HasPrefix(forged, "h.p.") {
			t.Errorf("%s became %s", token, forged)
		}
	}
}

func TestTheFirewallIsTimedWithItsGates(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		fmt.Fprintf(w, "# a comment\ndurward_waf_gates_compiling %d\n", max(0, 2-asked))
	}))
	defer server.Close()
	if err := gatesCompiled(t.Context(), server.URL); err != nil || asked != 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	server.Close()
	if gatesCompiled(t.Context(), server.URL) == nil {
		t.Error("no answer is an answer")
	}
}
