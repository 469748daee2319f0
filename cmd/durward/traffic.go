// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// visit is one kind of request in the demo's traffic; kinds with more weight
// come more often.
type visit struct {
	weight       int
	method, path string
	user         string // whose token it carries; "" none
	body         string
	change       func(*http.Request)
}

// visits mixes what good clients do with what hostile ones try.
func (d *demo) visits() []visit {
	message := `{"text":"hello from the demo"}`
	garbage := func(r *http.Request) { r.Header.Set("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30.") }
	return []visit{
		{30, "GET", "/moot/spaces/lobby/messages?limit=5", "cy", "", nil},
		{15, "GET", "/moot/spaces", "dan", "", nil},
		{10, "GET", "/moot/spaces/lobby/messages/m-000001", "bob", "", nil},
		{8, "POST", "/moot/spaces/lobby/messages", "cy", message, nil},
		{6, "GET", "/moot/spaces/lobby/reports", "bob", "", nil},
		{4, "GET", "/moot/health", "", "", nil},
		{8, "GET", "/moot/spaces", "", "", func(r *http.Request) { r.Header.Set("X-API-Key", d.key) }},
		// Hostile: stolen or forged credentials, probing, tampering.
		{4, "GET", "/moot/spaces/council/messages", "", "", nil},
		{3, "GET", "/moot/spaces/council/messages", "", "", garbage},
		{3, "GET", "/moot/spaces/lobby/reports", "dan", "", nil},
		{2, "GET", "/moot/.git/config", "", "", nil},
		{2, "GET", "/wp-login.php", "", "", nil},
		{2, "GET", "/moot/spaces/lobby/messages?q=%27%20OR%201%3D1&limit=1000000", "cy", "", nil},
		{2, "GET", "/moot/spaces/..%2f..%2fetc/passwd", "cy", "", nil},
		{2, "POST", "/moot/spaces/lobby/messages", "cy", `{"text":"hi","role":"admin"}`, nil},
		{1, "TRACE", "/moot/spaces", "cy", "", nil},
		{1, "GET", "/moot/spaces", "", "", func(r *http.Request) { r.Header.Set("X-API-Key", "dw_test_guess") }},
	}
}

// traffic sends rate requests a second for at most the given time, one after
// the other, so that it can never be more than the machine answers.
func (d *demo) traffic(ctx context.Context, rate int, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	all := d.visits()
	total := 0
	for _, v := range all {
		total += v.weight
	}
	client := &http.Client{Timeout: 5 * time.Second}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n := rand.IntN(total)
		for _, v := range all {
			if n -= v.weight; n < 0 {
				d.pay(ctx, client, v)
				break
			}
		}
	}
}

// pay makes one visit. What it is answered shows in the decisions.
func (d *demo) pay(ctx context.Context, client *http.Client, v visit) {
	req, err := http.NewRequestWithContext(ctx, v.method, d.gatewayURL+v.path, strings.NewReader(v.body))
	if err != nil {
		panic(fmt.Sprintf("demo: %s: %v", v.path, err)) // the table above is wrong
	}
	if v.body == "" {
		req.Body, req.ContentLength = nil, 0
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "durward-demo-traffic")
	if v.user != "" {
		req.Header.Set("Authorization", "Bearer "+d.tokens[v.user])
	}
	if v.change != nil {
		v.change(req)
	}
	resp, err := client.Do(req)
	if err != nil {
		return // the demo is ending
	}
	io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	resp.Body.Close()
}
