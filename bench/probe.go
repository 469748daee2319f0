// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// probe is one request with the status that it must get.
type probe struct {
	what   string
	want   func(status int) bool
	wanted string
	token  string
	body   []byte
	query  string
}

func exactly(status int) func(int) bool { return func(got int) bool { return got == status } }

// probes say what a gateway must do before it is timed: let the load through,
// and refuse what the scenario's checks are there for.
func probes(s scenario, checks bool, material string) ([]probe, error) {
	good := probe{what: "the load's request", query: s.query, want: exactly(200), wanted: "200"}
	if s.post {
		item, err := os.ReadFile(filepath.Join(material, s.content()))
		if err != nil {
			return nil, err
		}
		good.body = item
	}
	if s.alg != "" {
		tokens, err := os.ReadFile(filepath.Join(material, "tokens-"+s.alg+".txt"))
		if err != nil {
			return nil, err
		}
		good.token, _, _ = strings.Cut(string(tokens), "\n")
	}
	all := []probe{good}
	if s.limit == refusing {
		// The first may pass; then none does.
		all[0].want, all[0].wanted = func(got int) bool { return got == 200 || got == 429 }, "200 or 429"
		for range 3 {
			again := good
			again.what, again.want, again.wanted = "a request over the limit", exactly(429), "429"
			all = append(all, again)
		}
		all = all[:len(all):len(all)]
	}
	if s.alg != "" {
		none, forged := good, good
		none.what, none.token, none.want, none.wanted = "a request without a token", "", exactly(401), "401"
		forged.what, forged.token = "a request with a forged token", forge(good.token)
		forged.want, forged.wanted = exactly(401), "401"
		all = append(all, none, forged)
	}
	if (s.post || s.query != "") && checks {
		bad := good
		bad.what, bad.body = "what breaks the contract", bytes.Replace(good.body, []byte(":2.5"), []byte(":\"x\""), 1)
		bad.query = strings.Replace(good.query, "depth=3", "depth=x", 1)
		bad.want, bad.wanted = func(got int) bool { return got == 400 || got == 422 }, "400 or 422"
		if s.noCheck {
			bad.want, bad.wanted = exactly(200), "200"
		}
		all = append(all, bad)
	}
	if s.firewall {
		attack := good
		attack.what, attack.body = "an injection", bytes.Replace(good.body, []byte(`"text":"`), []byte(`"text":"1' OR 1=1-- `), 1)
		attack.want, attack.wanted = exactly(403), "403"
		if !s.post { // Durward's contract may refuse it first
			attack.query += "&q=1%27%20OR%201=1--"
			attack.want, attack.wanted = func(got int) bool { return got == 400 || got == 403 }, "400 or 403"
		}
		all = append(all, attack)
	}
	return all, nil
}

// forge changes a token's signature in its middle, where every bit counts.
func forge(token string) string {
	at := strings.LastIndexByte(token, '.') + 10
	if at >= len(token) {
		return token + "x"
	}
	other := byte('A')
	if token[at] == other {
		other = 'B'
	}
	return token[:at] + string(other) + token[at+1:]
}

// runProbes holds a gateway against its probes.
func runProbes(ctx context.Context, s scenario, checks bool, material, address string) error {
	all, err := probes(s, checks, material)
	if err != nil {
		return err
	}
	headers, err := requestHeaders(material)
	if err != nil {
		return err
	}
	roots, err := rootsOf(material)
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	for _, p := range all {
		asked := s
		asked.query = p.query
		request, err := http.NewRequestWithContext(ctx, s.method(), asked.url(address), bytes.NewReader(p.body))
		if err != nil {
			return err
		}
		for _, h := range headers {
			request.Header.Set(h[0], h[1])
		}
		if p.token != "" {
			request.Header.Set("Authorization", "Bearer "+p.token)
		}
		if s.post {
			request.Header.Set("Content-Type", "application/json")
		}
		answer, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("probe: %s: %w", p.what, err)
		}
		err = discardAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return fmt.Errorf("probe: %s: %w", p.what, err)
		}
		if !p.want(answer.StatusCode) {
			return fmt.Errorf("probe: %s got %d, expected %s", p.what, answer.StatusCode, p.wanted)
		}
	}
	return nil
}

// discardAll reads an answer's content to its end, at most 1 MiB of it.
func discardAll(r io.Reader) error {
	_, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
	return err
}

// gatesCompiled waits until Durward's firewall has its gates: what is timed is
// what it does for the rest of the day.
func gatesCompiled(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("the gates of the firewall: %w", err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && bytes.Contains(text, []byte("\ndurward_waf_gates_compiling 0\n")) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
