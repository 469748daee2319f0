// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// The peer checks what Durward checks in job E, and passes the content on.
func TestTheMiddlewareHoldsRequestsAgainstTheContract(t *testing.T) {
	item, err := os.ReadFile("../testdata/item.json")
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		io.WriteString(w, r.URL.RequestURI()+" "+string(content))
	}))
	defer upstream.Close()
	proxy, err := config{Upstream: strings.TrimPrefix(upstream.URL, "http://")}.proxy()
	if err != nil {
		t.Fatal(err)
	}
	handler, err := checked("../testdata/bench.openapi.yaml", proxy)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	good := string(item)
	for _, test := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"the load's POST", "POST", "/items", good, 200},
		{"a wrong type", "POST", "/items", strings.Replace(good, ":2.5", `:"x"`, 1), 400},
		{"an undeclared member", "POST", "/items", strings.Replace(good, "{", `{"x":1,`, 1), 400},
		{"a wrong pattern", "POST", "/items", strings.Replace(good, `"assembly"`, `"A"`, 1), 400},
		{"a wrong date", "POST", "/items", strings.Replace(good, "2026-03-14T", "2026-03-14 ", 1), 400},
		{"a wrong address", "POST", "/items", strings.Replace(good, "@", "", 1), 400},
		{"no JSON", "POST", "/items", "{", 400},
		{"the load's GET", "GET", "/items/42?depth=3&since=2026-03-14T09:26:53Z", "", 200},
		{"a wrong parameter", "GET", "/items/42?depth=x", "", 400},
		{"a wrong date in the query", "GET", "/items/42?since=now", "", 400},
		{"a wrong parameter of the path", "GET", "/items/x", "", 400},
		{"an unknown operation", "GET", "/elsewhere", "", 404},
		{"an unknown method", "DELETE", "/items", "", 404},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, server.URL+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		if test.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != test.want || test.want == 200 && string(got) != test.path+" "+test.body {
			t.Errorf("%s: %d %.80s, want %d", test.name, answer.StatusCode, got, test.want)
		}
	}
}
