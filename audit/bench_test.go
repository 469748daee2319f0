// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package audit

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"durward"
)

// BenchmarkExchange stores the attempt and outcome of a request from 64
// callers at a time; cpu-us/op is user and system time of the whole process.
func BenchmarkExchange(b *testing.B) {
	for _, durability := range []string{DurabilityGroup, DurabilityBuffered} {
		for _, callers := range []int{1, 64} {
			b.Run(durability+"/"+strconv.Itoa(callers), func(b *testing.B) {
				l := open(b, Config{Durability: durability}, Options{})
				b.ReportAllocs()
				before := cpuTime()
				b.ResetTimer()
				var wg sync.WaitGroup
				for c := range callers {
					wg.Go(func() {
						x := newExchange("01890a5d-ac96-774b-bcce-b302099a8057")
						for range (b.N + callers - 1 - c) / callers {
							exchange(l, x, okEnd)
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-us/op")
				s := l.Stats()
				b.ReportMetric(float64(s.Records)/float64(s.Groups), "records/group")
			})
		}
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkEncodeAttempt(b *testing.B) {
	x := newExchange("01890a5d-ac96-774b-bcce-b302099a8057")
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		var ev durward.Event
		fill(&ev, x, durward.EventAttempt, true)
		ev.Time = x.Started
		buf = appendBody(buf[:0], &ev)
	}
	b.SetBytes(int64(len(buf)))
}

// BenchmarkEncodeOutcome has the trail of a usual request.
func BenchmarkEncodeOutcome(b *testing.B) {
	for _, times := range []string{StagesAll, StagesOff} {
		b.Run("stage_times="+times, func(b *testing.B) {
			x := newExchange("01890a5d-ac96-774b-bcce-b302099a8057")
			for i, name := range []string{"address", "global", "per_client", "limits", "authn", "audit", "per_principal", "authz", "contract", "outgoing", "upstream", "egress", "inventory"} {
				x.Trail = append(x.Trail, durward.Step{Stage: name, Verdict: durward.Allow, Took: time.Duration(i*i) * time.Microsecond})
			}
			x.Upstream = durward.UpstreamFacts{Target: "http://127.0.0.1:9000", Attempts: 1, Took: 800 * time.Microsecond, BytesIn: 340}
			buf := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				ev := borrowEvent()
				fill(ev, x, durward.EventOutcome, false)
				ev.Time, ev.Status, ev.Took, ev.BytesOut, ev.Upstream = x.Started, okEnd.Status, okEnd.Took, okEnd.BytesOut, x.Upstream
				if times == StagesAll {
					ev.Stages = stageTimes(ev.Stages, x, &okEnd, 0)
				}
				buf = appendBody(buf[:0], ev)
				giveBack(ev)
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	var ev durward.Event
	x := newExchange("01890a5d-ac96-774b-bcce-b302099a8057")
	fill(&ev, x, durward.EventAttempt, true)
	body := appendBody(nil, &ev)
	c := newChain(position{})
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = c.seal(buf[:0], body)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkFloodRefusal(b *testing.B) {
	l := open(b, Config{}, Options{})
	x := newExchange("r")
	b.ReportAllocs()
	for b.Loop() {
		l.Outcome(x, End{Status: 429, Code: durward.CodeRateLimited, Stage: "ratelimit", Reason: "per_address"})
	}
}

// BenchmarkSlog writes the same fields as an attempt and an outcome as plain JSON
// lines through log/slog, to a file that is not synced: what there is to beat.
func BenchmarkSlog(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	log := slog.New(slog.NewJSONHandler(f, nil))
	x := newExchange("01890a5d-ac96-774b-bcce-b302099a8057")
	who := func() []slog.Attr {
		return []slog.Attr{
			slog.String("request_id", x.ID), slog.String("client", x.Client.Address.String()), slog.String("subject", x.Principal.Subject),
			slog.String("consumer", x.Principal.Consumer), slog.String("credential", x.Principal.Credential), slog.String("api", x.Operation.API),
			slog.String("operation", x.Operation.ID), slog.String("verb", x.In.Method), slog.String("path", x.In.Path),
		}
	}
	b.ReportAllocs()
	before := cpuTime()
	for b.Loop() {
		log.LogAttrs(b.Context(), slog.LevelInfo, "attempt", append(who(), slog.String("peer", x.In.Peer.String()), slog.String("issuer", x.Principal.Issuer),
			slog.String("method", x.Principal.Method), slog.String("host", x.In.Host), slog.String("proto", x.In.Proto), slog.String("user_agent", x.In.Header.Get("User-Agent")))...)
		log.LogAttrs(b.Context(), slog.LevelInfo, "outcome", append(who(), slog.Int("status", okEnd.Status), slog.Int64("took_us", okEnd.Took.Microseconds()),
			slog.Int64("bytes_in", okEnd.BytesIn), slog.Int64("bytes_out", okEnd.BytesOut))...)
	}
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-us/op")
}
