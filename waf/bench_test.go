// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/waf/gate"
	"durward/waf/waftest"
)

// exchangeOf is the exchange that rules see as r. fresh gives it its content
// again, as the listener would.
func exchangeOf(t testing.TB, r *gate.Request) (x *durward.Exchange, fresh func()) {
	t.Helper()
	x = &durward.Exchange{}
	path, query, _ := strings.Cut(r.URI, "?")
	x.In = durward.Request{
		Method: r.Method, Host: r.Host, Path: path, RawQuery: query, Proto: r.Protocol, Header: r.Header,
		Peer:  netip.AddrPortFrom(netip.MustParseAddr(r.ClientAddr), uint16(r.ClientPort)),
		Local: netip.AddrPortFrom(netip.MustParseAddr(r.ServerAddr), uint16(r.ServerPort)),
	}
	x.Client.Address = netip.MustParseAddr(r.ClientAddr)
	content := bytes.NewReader(nil)
	return x, func() {
		x.Findings = x.Findings[:0]
		content.Reset(r.Body)
		if len(r.Body) == 0 {
			x.In.Body.Init(nil, 0)
			return
		}
		x.In.Body.Init(content, int64(len(r.Body)))
		if err := x.In.Body.SetLimit(1 << 20); err != nil {
			t.Fatal(err)
		}
	}
}

// fastest is the least time that f took of so many times: what the processor
// needs when nobody else does.
func fastest(n int, f func()) time.Duration {
	least := time.Hour
	for range n {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	return least
}

// BenchmarkWAF takes five kinds of requests through the firewall's stage and
// through stock Coraza, in one run and on one core, and tells how many times
// less the stage takes: minima, since other work only ever adds.
func BenchmarkWAF(b *testing.B) {
	engines := NewEngines(clock)
	set, d := setOf(b, engines, &Global{SlowPath: noBudget}, Config{})
	gated(b, engines)
	s := set.Stage(d[0])
	oracle, err := waftest.NewOracle(1, "")
	if err != nil {
		b.Fatal(err)
	}
	for i, sample := range waftest.Samples() {
		b.Run(strings.NewReplacer(",", "", " ", "_").Replace(sample.Name), func(b *testing.B) {
			x, fresh := exchangeOf(b, sample.Request)
			attack := i == 4
			ctx := b.Context()
			once := func() {
				fresh()
				if got := s.Request(ctx, x); (got.Code == durward.CodeWAFBlocked) != attack || (got.Verdict == durward.Allow) == attack {
					b.Fatalf("%+v", got)
				}
			}
			once()
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
			here := fastest(200, once)
			there := fastest(12, func() {
				if oracle.Inspect(sample.Request).Interrupted != attack {
					b.Fatal("stock Coraza has another verdict")
				}
			})
			b.ReportMetric(float64(here)/1e3, "us-durward")
			b.ReportMetric(float64(there)/1e3, "us-coraza")
			b.ReportMetric(float64(there)/float64(here), "times")
		})
	}
}

// BenchmarkStart is what the first configuration with a firewall costs: the
// engine, and then its first gate.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		engines := NewEngines(clock)
		start := time.Now()
		_, _ = setOf(b, engines, nil, Config{}, Config{Paranoia: 2}, Config{Mode: durward.Report})
		engine := time.Since(start)
		gated(b, engines)
		b.ReportMetric(float64(engine.Milliseconds()), "ms-engine")
		b.ReportMetric(float64(engines.GateTime().Milliseconds()), "ms-three-gates")
	}
}
