// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// upstreamAsGateway is a contestant that answers everything by itself: the
// harness can be tested without any gateway.
func upstreamAsGateway(program string) gateway {
	return gateway{
		name: "stand-in", binary: func(string) string { return program }, version: []string{"-h"},
		can: func(scenario) bool { return true },
		configure: func(binary string, s setup) ([]string, error) {
			return []string{binary, "-upstream", s.listen}, nil
		},
	}
}

func testBench(t *testing.T, program string) *bench {
	t.Helper()
	m := testMaterial(t)
	return &bench{
		load:     loader{core: 0, connections: 2, material: m.dir, self: program},
		material: m, upstream: "127.0.0.1:1", out: t.TempDir(), core: 0, rounds: 2, seconds: 1,
		versions: map[string]string{"stand-in": "1"}, binaries: map[string]string{"stand-in": program},
	}
}

func TestAScenarioIsRunInTurns(t *testing.T) {
	program := self(t)
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("wrk is not installed")
	}
	b := testBench(t, program)
	b.rounds = 1
	first, second := upstreamAsGateway(program), upstreamAsGateway(program)
	broken := upstreamAsGateway(program)
	broken.configure = func(string, setup) ([]string, error) { return nil, errors.New("no configuration") }
	wordless := upstreamAsGateway(program)
	wordless.log = "absent.log"
	absent := upstreamAsGateway(program)
	absent.can = func(scenario) bool { return false }
	rows, err := b.compare(t.Context(), scenario{job: "A", variant: "GET"}, []gateway{first, second, broken, absent, wordless})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 {
		t.Fatalf("%d rows, want 4", len(rows))
	}
	for _, r := range rows[:2] {
		if r.Runs != 1 || r.CPU <= 0 || r.RPS <= 0 || r.P50 <= 0 || r.P99 < r.P50 || len(r.Invalid) != 0 {
			t.Errorf("%+v", r)
		}
	}
	if r := rows[2]; r.Runs != 0 || len(r.Invalid) == 0 || !strings.Contains(r.Invalid[0], "no configuration") {
		t.Errorf("a gateway without configuration: %+v", r)
	}
	if r := rows[3]; r.Runs != 0 || len(r.Invalid) == 0 || !strings.Contains(r.Invalid[0], "its log took too little") {
		t.Errorf("a gateway that logs nothing: %+v", r)
	}
	if left, err := os.ReadDir(filepath.Join(b.out, "work")); err != nil || len(left) != 0 {
		t.Errorf("working files are left: %v, %v", left, err)
	}
	if r, err := b.soak(t.Context(), first, 2e9); err != nil || r.Soak == nil || r.Soak.Early <= 0 || r.Runs != 1 {
		t.Errorf("long run: %+v, %v", r, err)
	}
}

func TestAGatewayThatAnswersWronglyIsNotTimed(t *testing.T) {
	program := self(t)
	b := testBench(t, program)
	// The stand-in lets everything through; a token is asked for.
	s := scenario{job: "B", variant: "RS256", alg: "RS256", limit: generous}
	rows, err := b.compare(t.Context(), s, []gateway{upstreamAsGateway(program)})
	if err != nil {
		t.Fatal(err)
	}
	if r := rows[0]; r.Runs != 0 || len(r.Invalid) == 0 || !strings.Contains(r.Invalid[0], "a request without a token got 200, expected 401") {
		t.Errorf("%+v", r)
	}
}

func TestAnInterruptEndsTheComparison(t *testing.T) {
	program := self(t)
	b := testBench(t, program)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rows, err := b.compare(ctx, scenario{job: "A", variant: "GET"}, []gateway{upstreamAsGateway(program)})
	if !errors.Is(err, context.Canceled) || rows != nil {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestOptions(t *testing.T) {
	for args, want := range map[string]string{
		"":                        "bench/results.json",
		"-rounds 2":               "bench/results.json",
		"-jobs A":                 "bench/out/results.json",
		"-gateways durward":       "bench/out/results.json",
		"-jobs A -out x":          "x/results.json",
		"-jobs A -results r.json": "r.json",
	} {
		o, err := parseOptions(strings.Fields(args))
		if err != nil || o.results != want {
			t.Errorf("%q: results in %q, %v; want %q", args, o.results, err, want)
		}
	}
	for _, bad := range []string{"-rounds 0", "-seconds 0", "-connections 0", "extra", "-load-core 0", "-jobs X", "-gateways squid", "-gateways durward,squid", "-nonsense"} {
		if _, err := parseOptions(strings.Fields(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
