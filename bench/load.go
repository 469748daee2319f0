// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// outcome is what a load generator says of one run.
type outcome struct {
	requests int64
	duration time.Duration
	p50, p99 time.Duration
	refused  int64 // answers with status 400 and above
	broken   int64 // connections and reads that failed, and timeouts
}

// parseOutcome finds the RESULT line in what a load generator printed.
func parseOutcome(text string) (outcome, error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "RESULT" {
			continue
		}
		values := map[string]int64{}
		for _, field := range fields[1:] {
			name, number, ok := strings.Cut(field, "=")
			n, err := strconv.ParseInt(number, 10, 64)
			if !ok || err != nil || n < 0 {
				return outcome{}, fmt.Errorf("load generator: bad field %q", field)
			}
			values[name] = n
		}
		for _, name := range []string{"requests", "duration_us", "p50_us", "p99_us", "refused", "broken"} {
			if _, ok := values[name]; !ok {
				return outcome{}, fmt.Errorf("load generator: no %s", name)
			}
		}
		return outcome{
			requests: values["requests"], duration: micros(values["duration_us"]),
			p50: micros(values["p50_us"]), p99: micros(values["p99_us"]),
			refused: values["refused"], broken: values["broken"],
		}, nil
	}
	return outcome{}, fmt.Errorf("load generator: no result in %q", text)
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// line is the form that parseOutcome reads.
func (o outcome) line() string {
	return fmt.Sprintf("RESULT requests=%d duration_us=%d p50_us=%d p99_us=%d refused=%d broken=%d\n",
		o.requests, o.duration.Microseconds(), o.p50.Microseconds(), o.p99.Microseconds(), o.refused, o.broken)
}

// check says why a run does not count: too few answers of the expected kind,
// or failing connections. One in a thousand may be off.
func (o outcome) check(limit limitKind) error {
	wrong := o.refused
	if limit == refusing {
		wrong = o.requests - o.refused
	}
	switch {
	case o.requests == 0 || o.duration <= 0:
		return errors.New("no request was answered")
	case wrong*1000 > o.requests && wrong > 2:
		return fmt.Errorf("%d of %d answers were not the expected one", wrong, o.requests)
	case o.broken*1000 > o.requests:
		return fmt.Errorf("%d errors of connections in %d requests", o.broken, o.requests)
	}
	return nil
}

// loader runs the load of scenarios on the load's core.
type loader struct {
	core        int
	connections int
	material    string
	self        string // the bench's own program, for the loads that it makes itself
}

// run sends a scenario's load to address for as long as seconds says.
func (l loader) run(ctx context.Context, s scenario, address string, seconds int) (outcome, error) {
	argv := l.wrk(s, address, seconds)
	if s.load == handshakeLoad {
		argv = []string{l.self, "-handshakes", s.url(address), "-seconds", strconv.Itoa(seconds),
			"-connections", strconv.Itoa(l.connections), "-material", l.material}
	}
	// A load generator that hangs must not hold up the bench.
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+90*time.Second)
	defer cancel()
	out, err := command(ctx, l.core, argv).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return outcome{}, fmt.Errorf("load generator: %w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return outcome{}, fmt.Errorf("load generator: %w", err)
	}
	return parseOutcome(string(out))
}

// wrk is wrk's command line for a scenario.
func (l loader) wrk(s scenario, address string, seconds int) []string {
	body, tokens := "-", "-"
	if s.post {
		body = filepath.Join(l.material, s.content())
	}
	if s.alg != "" {
		tokens = filepath.Join(l.material, s.tokens())
	}
	return []string{"wrk", "-t1", "-c" + strconv.Itoa(l.connections), "-d" + strconv.Itoa(seconds) + "s",
		"--timeout", "5s", "-s", filepath.Join(l.material, "request.lua"), s.url(address), "--",
		s.method(), filepath.Join(l.material, "headers.txt"), body, tokens}
}

// requestHeaders reads the "Name: value" lines that every request carries.
func requestHeaders(material string) ([][2]string, error) {
	text, err := os.ReadFile(filepath.Join(material, "headers.txt"))
	if err != nil {
		return nil, err
	}
	var out [][2]string
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			out = append(out, [2]string{name, value})
		}
	}
	return out, nil
}
