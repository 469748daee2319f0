// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
	"durward/waf/gate"
	"durward/waf/slowpath"
	"durward/waf/waftest"
)

// noBudget are limits that bound next to nothing.
var noBudget = slowpath.Config{
	CPUPerClient: units.Duration(time.Minute), Burst: units.Duration(time.Minute), MaxRun: units.Duration(time.Minute), Wait: units.Duration(time.Minute),
	CPUTotal: 100, Concurrency: 1024, Queue: 4096,
}

// load is what good traffic and hostile traffic is like.
const (
	goodEach   = 5 * time.Millisecond // one good request
	goodCount  = 1200
	slowOneIn  = 20 // of the good ones is XML, which only the engine reads
	attackers  = 32 // clients that send as fast as they are answered, and 5 ms
	hostileGap = 5 * time.Millisecond
)

// BenchmarkGoodTrafficUnderHostileLoad sends 200 good requests a second through
// the firewall's stage, alone and while 32 clients send a JSON document of 16 KB
// with 511 fields, one of them an attack, as fast as they can; and tells how long
// good requests take, from the moment at which they were due. It wants a quiet
// machine and -benchtime 1x.
func BenchmarkGoodTrafficUnderHostileLoad(b *testing.B) {
	for _, c := range []struct {
		name      string
		limits    slowpath.Config
		attackers int
	}{{"alone", slowpath.Config{}, 0}, {"hostile_load_and_budgets", slowpath.Config{}, attackers}, {"hostile_load_no_budget", noBudget, attackers}} {
		b.Run(c.name, func(b *testing.B) {
			stage := loaded(b, c.limits)
			for b.Loop() {
				ctx, stop := context.WithCancel(b.Context())
				done := flood(ctx, b, stage, c.attackers)
				clean, slow, busy := goodTraffic(b, stage)
				stop()
				b.ReportMetric(float64(<-done)/(goodEach*goodCount).Seconds(), "hostile/s")
				b.ReportMetric(quantile(clean, 0.50), "us-p50")
				b.ReportMetric(quantile(clean, 0.99), "us-p99")
				b.ReportMetric(quantile(slow, 0.50), "us-slow-p50")
				b.ReportMetric(quantile(slow, 0.99), "us-slow-p99")
				b.ReportMetric(float64(busy), "busy")
			}
		})
	}
}

func loaded(b *testing.B, limits slowpath.Config) durward.Stage {
	engines := NewEngines(time.Now)
	builder := NewBuilder(&Global{SlowPath: limits})
	d, err := builder.Operation("a", Config{}, "POST", []string{"application/xml"})
	if err != nil {
		b.Fatal(err)
	}
	set, err := engines.Set(builder, []*Demand{d})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = set.Close() })
	gated(b, engines)
	return set.Stage(d)
}

// flood attacks the stage; when ctx ends, done gives how many requests it was.
func flood(ctx context.Context, b *testing.B, s durward.Stage, clients int) (done chan int) {
	content := strings.Replace(string(waftest.Samples()[2].Request.Body), `":"`, `":"1' OR 1=1--`, 1)
	r := *waftest.Samples()[2].Request
	r.Body = []byte(content)
	done = make(chan int, 1)
	counts := make(chan int, clients)
	for i := range clients {
		x, fresh := exchangeOf(b, &r)
		x.Client.Address = netip.MustParseAddr(fmt.Sprintf("203.0.113.%d", i+1))
		go func() {
			n := 0
			for ctx.Err() == nil {
				fresh()
				s.Request(context.Background(), x)
				<-time.After(hostileGap)
				n++
			}
			counts <- n
		}()
	}
	go func() {
		all := 0
		for range clients {
			all += <-counts
		}
		done <- all
	}()
	return done
}

// goodTraffic tells how long requests took that the gate proves clean, and those
// for the engine, in microseconds; and how many were refused as busy.
func goodTraffic(b *testing.B, s durward.Stage) (clean, slow []float64, busy int) {
	xml := gate.Request{
		Method: "POST", URI: "/items", Protocol: "HTTP/1.1", Host: "api.example.com", ClientAddr: "192.0.2.9", ClientPort: 4000, ServerAddr: "198.51.100.7", ServerPort: 443,
		Header:  durward.Header{{Name: "User-Agent", Value: "okhttp/4.12.0"}, {Name: "Accept", Value: "*/*"}, {Name: "Content-Type", Value: "application/xml"}, {Name: "Content-Length", Value: "45"}},
		Body:    bytes.Clone([]byte("<order><item>chair</item><n>2</n></order>    ")),
		Inspect: true,
	}
	benign := waftest.Samples()[:2]
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for i := range goodCount {
		r, forEngine := benign[i%2].Request, i%slowOneIn == 0
		if forEngine {
			r = &xml
		}
		x, fresh := exchangeOf(b, r)
		x.Client.Address = netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i%200+1))
		fresh()
		due := began.Add(time.Duration(i) * goodEach)
		<-time.After(time.Until(due))
		all.Go(func() {
			d := s.Request(context.Background(), x)
			took := float64(time.Since(due)) / 1e3
			mu.Lock()
			defer mu.Unlock()
			switch {
			case d.Code == durward.CodeWAFBusy:
				busy++
			case d.Verdict != durward.Allow:
				b.Errorf("a good request: %+v", d)
			case forEngine:
				slow = append(slow, took)
			default:
				clean = append(clean, took)
			}
		})
	}
	all.Wait()
	return clean, slow, busy
}

func quantile(times []float64, q float64) float64 {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(int(q*float64(len(times))), len(times)-1)]
}
