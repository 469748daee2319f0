// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"durward"
)

var limited429 = End{Status: 429, Code: durward.CodeRateLimited, Stage: "ratelimit", Reason: "per_address"}

// stranger is a request that was refused before authentication.
func stranger(address string) *durward.Exchange {
	x := newExchange("r-" + address)
	x.Principal = durward.Principal{}
	x.Client.Address = netip.MustParseAddr(address)
	return x
}

// inBubble runs test on a log and gives what is in it after it was closed.
func inBubble(t *testing.T, cfg Config, test func(t *testing.T, l *Log)) []durward.Event {
	dir := t.TempDir()
	cfg.Directory = dir
	synctest.Test(t, func(t *testing.T) {
		l := open(t, cfg, Options{})
		test(t, l)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	mustVerify(t, dir)
	return readEvents(t, dir)
}

func TestTheRefusalsOfAClientInAWindowAreTwoRecords(t *testing.T) {
	events := inBubble(t, Config{}, func(t *testing.T, l *Log) {
		for range 1000 {
			l.Outcome(stranger("192.0.2.1"), limited429)
			time.Sleep(time.Millisecond)
		}
		l.Outcome(stranger("192.0.2.2"), limited429) // once only: no flood
		time.Sleep(defaultFloodWindow)
		for range 3 {
			l.Outcome(stranger("192.0.2.1"), limited429)
		}
	})
	outcomes, floods := ofKind(events, durward.EventOutcome), ofKind(events, durward.EventFlood)
	if len(outcomes) != 3 || len(floods) != 2 {
		t.Fatalf("%d outcomes, %d floods", len(outcomes), len(floods))
	}
	if ev := outcomes[0]; ev.UserAgent == "" || ev.Status != 429 || ev.Reason != "per_address" {
		t.Errorf("the first refusal is not whole: %+v", ev)
	}
	f := floods[0]
	if f.Count != 999 || f.Client.String() != "192.0.2.1" || f.Code != durward.CodeRateLimited ||
		f.API != "moot" || f.Operation != "postMessage" || f.Took != defaultFloodWindow {
		t.Errorf("flood %+v", f)
	}
	if floods[1].Count != 2 {
		t.Errorf("Close did not end the window: %+v", floods[1])
	}
}

func TestFloodsAreToldApartByClientOperationAndCode(t *testing.T) {
	other := &durward.Operation{API: "moot", ID: "listMessages"}
	events := inBubble(t, Config{}, func(t *testing.T, l *Log) {
		for range 5 {
			l.Outcome(stranger("192.0.2.1"), limited429)
			l.Outcome(stranger("2001:db8::1"), limited429)
			x := stranger("192.0.2.1")
			x.Operation = other
			l.Outcome(x, limited429)
			x.Operation = nil
			l.Outcome(x, limited429)
			l.Outcome(stranger("192.0.2.1"), End{Status: 503, Code: durward.CodeOverloaded})
		}
	})
	floods := ofKind(events, durward.EventFlood)
	if len(ofKind(events, durward.EventOutcome)) != 5 || len(floods) != 5 {
		t.Fatalf("%d outcomes, %d floods", len(ofKind(events, durward.EventOutcome)), len(floods))
	}
	for _, f := range floods {
		if f.Count != 4 {
			t.Errorf("flood %+v", f)
		}
	}
}

func TestARefusalAfterAnAttemptHasItsOwnRecordAlways(t *testing.T) {
	events := inBubble(t, Config{}, func(t *testing.T, l *Log) {
		for range 5 {
			exchange(l, newExchange("r"), limited429)
			l.Outcome(stranger("192.0.2.1"), End{Status: 401, Code: durward.CodeUnauthenticated})
		}
	})
	if n := len(ofKind(events, durward.EventOutcome)); n != 10 {
		t.Errorf("%d outcomes", n)
	}
}

func TestAFloodOfAnyRefusalBeforeAnAttemptIsAFewRecords(t *testing.T) {
	const refusals = 5000
	events := inBubble(t, Config{}, func(t *testing.T, l *Log) {
		for i := range refusals {
			x := stranger("2001:db8::")
			a := x.Client.Address.As16()
			a[15], a[14] = byte(i), byte(i>>8) // any address of a /64 is one client
			x.Client.Address = netip.AddrFrom16(a)
			end := End{Status: 404, Code: durward.CodeNoRoute}
			if i%2 == 0 {
				end = End{Status: 204} // an answered preflight
			}
			l.Outcome(x, end)
			if i%100 == 0 {
				time.Sleep(time.Millisecond) // the queue never fills
			}
		}
		time.Sleep(defaultFloodWindow)
		for i := range 2 * floodPerShard { // many operations, to one shard
			x := stranger("192.0.2.1")
			x.Operation = &durward.Operation{API: "moot", ID: "o"}
			for range 1 + i%2 {
				l.Outcome(x, End{Status: 401, Code: durward.CodeUnauthenticated})
			}
		}
	})
	outcomes, total := len(ofKind(events, durward.EventOutcome)), 0
	for _, f := range ofKind(events, durward.EventFlood) {
		total += f.Count
	}
	if all := refusals + 3*floodPerShard; outcomes > 2*floodWhole+2*floodPerShard || total+outcomes != all {
		t.Errorf("%d outcomes; %d of %d refusals are accounted for", outcomes, total+outcomes, all)
	}
	if events[1].Client != netip.MustParseAddr("2001:db8::") && events[2].Client != netip.MustParseAddr("2001:db8::") {
		t.Errorf("the first records are not of the client: %+v", events[:3])
	}
}

func TestStrangersCannotFillTheQueue(t *testing.T) {
	dir := t.TempDir()
	const refusals = 200
	synctest.Test(t, func(t *testing.T) {
		disk := &faults{}
		l := open(t, Config{Directory: dir, MaxQueue: 32}, Options{files: disk})
		synctest.Wait() // nothing is being written when the disk begins to hang
		hold := make(chan struct{})
		disk.set(func(f *faults) { f.hold = hold })
		var slow sync.WaitGroup
		slow.Go(func() { wantStored(t, attempt(l, "slow")) })
		synctest.Wait() // the writer hangs in the sync
		for range refusals {
			l.Outcome(stranger("192.0.2.1"), End{Status: 401, Code: durward.CodeUnauthenticated})
		}
		for range 8 { // outcomes of running requests still find room
			x := newExchange("running")
			x.Trail = []durward.Step{{Stage: StageName, Verdict: durward.Allow}}
			l.Outcome(x, okEnd)
		}
		if s := l.Stats(); s.Failing || s.OutcomesLost != 0 {
			t.Errorf("stats %+v", s)
		}
		disk.set(func(f *faults) { f.hold = nil })
		close(hold)
		slow.Wait()
		l.Close()
	})
	mustVerify(t, dir)
	events := readEvents(t, dir)
	total, running := 0, 0
	for _, ev := range ofKind(events, durward.EventOutcome) {
		if ev.RequestID == "running" {
			running++
		} else {
			total++
		}
	}
	for _, f := range ofKind(events, durward.EventFlood) {
		if f.Code != durward.CodeUnauthenticated {
			t.Errorf("flood %+v", f)
		}
		total += f.Count
	}
	if total != refusals || running != 8 {
		t.Errorf("%d refusals and %d outcomes are accounted for", total, running)
	}
}

func TestTheTableOfFloodsIsBounded(t *testing.T) {
	const clients = 20000
	events := inBubble(t, Config{MaxQueue: 1 << 16}, func(t *testing.T, l *Log) {
		for i := range clients {
			x := stranger("0.0.0.0")
			x.Client.Address = netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
			l.Outcome(x, limited429)
			l.Outcome(x, limited429)
		}
		cells := 0
		for i := range l.floods.shards {
			l.floods.shards[i].mu.Lock()
			cells += len(l.floods.shards[i].cells)
			l.floods.shards[i].mu.Unlock()
		}
		if cells > floodShards*(floodPerShard+2) {
			t.Errorf("%d cells", cells)
		}
		time.Sleep(time.Minute)
	})
	outcomes, floods := ofKind(events, durward.EventOutcome), ofKind(events, durward.EventFlood)
	if len(outcomes) > floodShards*floodPerShard || len(floods) > floodShards*(floodPerShard+2) {
		t.Errorf("%d outcomes, %d floods", len(outcomes), len(floods))
	}
	total, others := len(outcomes), 0
	for _, f := range floods {
		total += f.Count
		if !f.Client.IsValid() {
			others += f.Count
		}
	}
	if total != 2*clients || others == 0 {
		t.Errorf("%d refusals are accounted for, %d of them of other clients", total, others)
	}
}

func TestConcurrentFloodsLoseNoCount(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Directory: dir}, Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			x := stranger("192.0.2.1")
			for i := range 500 {
				l.Outcome(x, limited429)
				if i%100 == 0 {
					l.sweepFloods()
				}
			}
		})
	}
	wg.Wait()
	l.Close()
	events := readEvents(t, dir)
	total := len(ofKind(events, durward.EventOutcome))
	for _, f := range ofKind(events, durward.EventFlood) {
		total += f.Count
	}
	if total != 2000 {
		t.Errorf("%d refusals are accounted for", total)
	}
}

func TestCountsOfAFloodWaitWhileTheQueueIsFull(t *testing.T) {
	dir := t.TempDir()
	const clients, refusals = 20, 50
	synctest.Test(t, func(t *testing.T) {
		disk := &faults{}
		l := open(t, Config{Directory: dir, MaxQueue: 64}, Options{files: disk})
		for range refusals {
			for c := range clients {
				l.Outcome(stranger("192.0.2."+strconv.Itoa(c+1)), limited429)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait() // nothing is being written when the disk begins to hang
		hold := make(chan struct{})
		disk.set(func(f *faults) { f.hold = hold })
		var slow sync.WaitGroup
		slow.Go(func() { wantStored(t, attempt(l, "slow")) })
		time.Sleep(time.Second) // the writer waits for company no longer,
		synctest.Wait()         // and hangs in the sync
		for range 64 {
			x := newExchange("running")
			x.Trail = []durward.Step{{Stage: StageName, Verdict: durward.Allow}}
			l.Outcome(x, okEnd)
		}
		time.Sleep(3 * defaultFloodWindow) // sweeps that find no room
		for range refusals {               // and refusals meanwhile
			l.Outcome(stranger("192.0.2.1"), limited429)
		}
		if s := l.Stats(); s.OutcomesLost != 0 {
			t.Errorf("%d records are lost", s.OutcomesLost)
		}
		disk.set(func(f *faults) { f.hold = nil })
		close(hold)
		slow.Wait()
		time.Sleep(2 * defaultFloodWindow)
		l.Close()
	})
	events := readEvents(t, dir)
	total := 0
	for _, ev := range ofKind(events, durward.EventOutcome) {
		if ev.Status == 429 {
			total++
		}
	}
	for _, f := range ofKind(events, durward.EventFlood) {
		total += f.Count
	}
	if want := clients*refusals + refusals; total != want {
		t.Errorf("%d refusals are accounted for, want %d", total, want)
	}
}
