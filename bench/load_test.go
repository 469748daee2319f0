// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const wrkSample = `Running 2s test @ http://127.0.0.1:34567/items/42
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  310.11us   9.80ms   92.51%
    Req/Sec    31.02k     1.20k   33.10k    70.00%
  61703 requests in 2.00s, 25.30MB read
Requests/sec:  30843.11
Transfer/sec:     12.65MB
RESULT requests=61703 duration_us=2000553 p50_us=979 p99_us=2110 refused=3 broken=1
`

func TestParseOutcome(t *testing.T) {
	want := outcome{requests: 61703, duration: 2000553 * time.Microsecond,
		p50: 979 * time.Microsecond, p99: 2110 * time.Microsecond, refused: 3, broken: 1}
	got, err := parseOutcome(wrkSample)
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if got, err := parseOutcome(want.line()); err != nil || got != want {
		t.Errorf("its own line: %+v, %v", got, err)
	}
	for name, text := range map[string]string{
		"nothing":           "",
		"wrk that fails":    "unable to connect to 127.0.0.1:1 Connection refused\n",
		"a missing field":   "RESULT requests=1 duration_us=1 p50_us=1 p99_us=1 refused=0\n",
		"a negative number": "RESULT requests=-1 duration_us=1 p50_us=1 p99_us=1 refused=0 broken=0\n",
		"no number":         "RESULT requests=many duration_us=1 p50_us=1 p99_us=1 refused=0 broken=0\n",
		"no equals sign":    "RESULT requests\n",
	} {
		if got, err := parseOutcome(text); err == nil {
			t.Errorf("%s was read as %+v", name, got)
		}
	}
}

func TestRunsThatDoNotShowWhatTheyShouldDoNotCount(t *testing.T) {
	second := time.Second
	for name, test := range map[string]struct {
		outcome outcome
		limit   limitKind
		valid   bool
	}{
		"all answered":                 {outcome{requests: 10_000, duration: second}, noLimit, true},
		"one in a thousand refused":    {outcome{requests: 10_000, duration: second, refused: 10}, generous, true},
		"more refused":                 {outcome{requests: 10_000, duration: second, refused: 11}, generous, false},
		"all refused, as they must":    {outcome{requests: 10_000, duration: second, refused: 10_000}, refusing, true},
		"one let through at the start": {outcome{requests: 500, duration: second, refused: 499}, refusing, true},
		"half let through":             {outcome{requests: 10_000, duration: second, refused: 5_000}, refusing, false},
		"connections that fail":        {outcome{requests: 10_000, duration: second, broken: 11}, noLimit, false},
		"no request":                   {outcome{duration: second}, noLimit, false},
		"no time":                      {outcome{requests: 1}, noLimit, false},
	} {
		if err := test.outcome.check(test.limit); (err == nil) != test.valid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrkCommandLine(t *testing.T) {
	l := loader{connections: 8, material: "/m"}
	for want, s := range map[string]scenario{
		"http://127.0.0.1:80/items/42 -- GET /m/headers.txt - -":                         {job: "A"},
		"http://127.0.0.1:80/items -- POST /m/headers.txt /m/item.json -":                {job: "A", post: true},
		"https://localhost:80/items/42 -- GET /m/headers.txt - -":                        {job: "D", tls: true},
		"http://127.0.0.1:80/items/42 -- GET /m/headers.txt - /m/tokens-RS256.txt":       {job: "B", alg: "RS256"},
		"http://127.0.0.1:80/items/42 -- GET /m/headers.txt - /m/tokens-ES256-fresh.txt": {job: "B", alg: "ES256", fresh: true},
	} {
		got := strings.Join(l.wrk(s, "127.0.0.1:80", 4), " ")
		if want = "wrk -t1 -c8 -d4s --timeout 5s -s /m/request.lua " + want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestRequestsCarryABrowsersHeaders(t *testing.T) {
	m := testMaterial(t)
	headers, err := requestHeaders(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(headers) < 12 {
		t.Errorf("%d headers, want a browser's dozen", len(headers))
	}
	for _, h := range headers {
		if h[0] == "" || h[1] == "" || strings.EqualFold(h[0], "Host") || strings.EqualFold(h[0], "Authorization") {
			t.Errorf("header %q", h[0])
		}
	}
}

func TestALoadGeneratorThatFailsIsAnErrorWithItsWords(t *testing.T) {
	l := loader{core: 0, self: "/bin/sh", material: t.TempDir()}
	// The shell takes -handshakes for options that it does not know.
	_, err := l.run(t.Context(), scenario{load: handshakeLoad, tls: true}, "127.0.0.1:1", 1)
	if err == nil || errors.Is(err, t.Context().Err()) {
		t.Errorf("got %v", err)
	}
}

func FuzzParseOutcome(f *testing.F) {
	f.Add(wrkSample)
	f.Add("RESULT requests=1")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOutcome(text)
		if err == nil && (o.requests < 0 || o.refused < 0 || o.broken < 0) {
			t.Errorf("%q gave %+v", text, o)
		}
	})
}
