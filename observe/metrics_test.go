// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"durward"
	"durward/internal/allocs"
)

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func holds(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("the page does not have %s", line)
		}
	}
}

func TestAnExchangeIsCounted(t *testing.T) {
	m := NewMetrics(Build{Version: "1.2.3", Commit: "abc", Go: "go1"})
	op := m.Operation(&durward.Operation{API: "notes", ID: "read"})
	x := &durward.Exchange{Upstream: durward.UpstreamFacts{Took: 3 * time.Millisecond}, Trail: []durward.Step{
		{Stage: "authn", Verdict: durward.Allow},
		{Stage: "waf", Verdict: durward.Deny, Code: durward.CodeForbidden, Mode: durward.Report},
		{Stage: "authz", Verdict: durward.Deny, Code: durward.CodeForbidden},
	}}
	m.Begin()
	holds(t, scrape(m), "durward_requests_in_flight 1")
	m.End(op, x, 403, 7*time.Millisecond)
	m.Begin()
	m.End(op, x, 403, 7*time.Millisecond)
	for _, status := range []int{101, 204, 302, 502, 0, 999} {
		m.Begin()
		m.End(op, &durward.Exchange{}, status, time.Millisecond)
	}
	m.Panicked()
	page := scrape(m)
	holds(t, page,
		"durward_requests_in_flight 0",
		`durward_requests_total{api="notes",class="1xx",operation="read"} 1`,
		`durward_requests_total{api="notes",class="2xx",operation="read"} 1`,
		`durward_requests_total{api="notes",class="3xx",operation="read"} 1`,
		`durward_requests_total{api="notes",class="4xx",operation="read"} 2`,
		`durward_requests_total{api="notes",class="5xx",operation="read"} 1`,
		`durward_requests_total{api="notes",class="none",operation="read"} 2`,
		`durward_decisions_total{api="notes",code="forbidden",mode="report",operation="read",stage="waf",verdict="deny"} 2`,
		`durward_decisions_total{api="notes",code="forbidden",mode="enforce",operation="read",stage="authz",verdict="deny"} 2`,
		`durward_request_duration_seconds_count{api="notes",operation="read"} 8`,
		`durward_upstream_duration_seconds_count{api="notes",operation="read"} 2`,
		`durward_upstream_duration_seconds_bucket{api="notes",operation="read",le="0.005"} 2`,
		"durward_panics_total 1",
		`durward_build_info{commit="abc",go="go1",version="1.2.3"} 1`,
	)
	if strings.Contains(page, `stage="authn"`) {
		t.Error("a plain allow is counted")
	}
}

func TestARequestThatWasNotRoutedIsCountedUnderNoName(t *testing.T) {
	m := NewMetrics(Build{})
	for _, status := range []int{400, 503, 0} {
		m.Begin()
		m.End(nil, &durward.Exchange{Trail: []durward.Step{{Stage: "canonical", Verdict: durward.Deny, Code: durward.CodeMalformed}}}, status, time.Millisecond)
	}
	holds(t, scrape(m),
		`durward_requests_total{api="",class="4xx",operation=""} 1`,
		`durward_requests_total{api="",class="5xx",operation=""} 1`,
		`durward_requests_total{api="",class="none",operation=""} 1`,
		`durward_decisions_total{api="",code="malformed-request",mode="enforce",operation="",stage="canonical",verdict="deny"} 3`)
}

// Whatever clients send, the number of series depends on the configuration alone.
func TestSeriesAreBoundedByTheConfiguration(t *testing.T) {
	m := NewMetrics(Build{})
	op := m.Operation(&durward.Operation{API: "notes", ID: "read"})
	exchange := func(i int) {
		x := &durward.Exchange{ID: fmt.Sprint("id", i), Trail: []durward.Step{
			{Stage: "authz", Verdict: durward.Deny, Code: durward.CodeForbidden, Err: errors.New(fmt.Sprint("reason", i))}}}
		x.In.Method, x.In.Path, x.In.Host = fmt.Sprint("M", i), fmt.Sprint("/secret/", i), fmt.Sprint("h", i, ".test")
		x.Principal.Subject, x.Principal.Credential = fmt.Sprint("user", i), fmt.Sprint("key", i)
		x.In.Header.Add("User-Agent", fmt.Sprint("agent", i))
		m.Begin()
		m.End(op, x, 200+i%400, time.Millisecond)
	}
	for i := range 400 {
		exchange(i)
	}
	series := strings.Count(scrape(m), "\ndurward_")
	for i := range 2000 {
		exchange(i + 400)
	}
	page := scrape(m)
	if n := strings.Count(page, "\ndurward_"); n != series {
		t.Errorf("%d series became %d", series, n)
	}
	for _, leak := range []string{"secret", "user1", "key1", "agent1", "reason1", "h1.test"} {
		if strings.Contains(page, leak) {
			t.Errorf("the page has %q", leak)
		}
	}
}

func TestReloadsAreCounted(t *testing.T) {
	m := NewMetrics(Build{})
	m.Reloaded(true, time.Unix(1000, 0))
	holds(t, scrape(m), "durward_config_last_reload_success 1", "durward_config_last_reload_success_timestamp_seconds 1000")
	m.Reloaded(false, time.Unix(2000, 0))
	holds(t, scrape(m), "durward_config_last_reload_success 0", "durward_config_last_reload_success_timestamp_seconds 1000",
		`durward_config_reloads_total{result="taken"} 1`, `durward_config_reloads_total{result="refused"} 1`)
}

func TestFunctionsAreReadWhenThePageIs(t *testing.T) {
	m := NewMetrics(Build{})
	n := 1.0
	m.GaugeFunc("things", "Things.", func() float64 { return n })
	m.CounterFunc("deeds_total", "Deeds.", func() float64 { return 2 * n })
	n = 3
	holds(t, scrape(m), "durward_things 3", "durward_deeds_total 6")
}

func TestTheNextGenerationGoesOnCounting(t *testing.T) {
	m := NewMetrics(Build{})
	for range 2 { // each reload resolves its operations anew
		op := m.Operation(&durward.Operation{API: "notes", ID: "read"})
		m.Begin()
		m.End(op, &durward.Exchange{}, 200, time.Millisecond)
	}
	holds(t, scrape(m), `durward_requests_total{api="notes",class="2xx",operation="read"} 2`)
}

func TestCountingAllocatesNothing(t *testing.T) {
	m := NewMetrics(Build{})
	op := m.Operation(&durward.Operation{API: "notes", ID: "read"})
	x := &durward.Exchange{Upstream: durward.UpstreamFacts{Took: time.Millisecond}, Trail: []durward.Step{{Stage: "authn", Verdict: durward.Allow}}}
	if n := allocs.PerRun(200, func() { m.Begin(); m.End(op, x, 200, time.Millisecond) }); n > 0 {
		t.Errorf("a passed exchange costs %.0f allocations", n)
	}
	x.Trail[0] = durward.Step{Stage: "authn", Verdict: durward.Deny, Code: durward.CodeUnauthenticated}
	if n := allocs.PerRun(200, func() { m.Begin(); m.End(op, x, 401, time.Millisecond) }); n > 2 {
		t.Errorf("a refused exchange costs %.0f allocations", n)
	}
}
