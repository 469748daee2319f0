// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package slowpath

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"durward/internal/units"
)

func newClients(size int) *clients {
	return &clients{max: size, known: map[Client]*account{}}
}

func TestAFullTableForgetsWhoOwesLeast(t *testing.T) {
	c := newClients(3)
	for name, paid := range map[string]int64{"a": 500, "b": 50, "c": 900} {
		c.move(c.get(client(name), 0), paid)
	}
	if a := c.get(client("new"), 100); a.paid != 100 {
		t.Errorf("the newcomer owes %d, though who made room owed nothing", a.paid)
	}
	if c.known[client("a")] == nil || c.known[client("c")] == nil || c.known[client("b")] != nil {
		t.Error("somebody who owes more was forgotten")
	}
}

func TestCyclingClientsGivesNobodyAFreshBudget(t *testing.T) {
	c := newClients(4)
	for i := range 1000 {
		a := c.get(client(fmt.Sprint(i)), 0)
		c.move(a, a.paid+10)
	}
	total := int64(0)
	for _, a := range c.heap {
		total += a.paid
	}
	if total != 10_000 {
		t.Errorf("of 10000 that were taken %d are owed", total)
	}
}

func TestTheTableStaysConsistent(t *testing.T) {
	c, r := newClients(50), rand.New(rand.NewPCG(1, 2))
	for now := range int64(20_000) {
		a := c.get(client(fmt.Sprint(r.IntN(200))), now)
		c.move(a, a.paid+int64(r.IntN(100)))
		if len(c.known) != len(c.heap) || len(c.heap) > 50 {
			t.Fatalf("%d known, %d in the heap", len(c.known), len(c.heap))
		}
	}
	for i, a := range c.heap {
		if a.index != i || c.known[a.client] != a || a.paid < c.heap[0].paid {
			t.Fatal("the heap and the table differ")
		}
	}
}

func TestThreadTimeCountsWorkAndNotWaiting(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the time that went by is counted here")
	}
	if took := cpuTime(func() { <-time.After(60 * time.Millisecond) }); took > 40*time.Millisecond {
		t.Errorf("waiting counted as %v", took)
	}
	x := 0
	took := cpuTime(func() {
		for began := time.Now(); time.Since(began) < 20*time.Millisecond; x++ {
		}
	})
	if took <= 0 {
		t.Errorf("work counted as %v", took)
	}
}

func TestWhatCannotBeUsedIsNamed(t *testing.T) {
	c := Config{CPUPerClient: 1, Burst: units.Duration(time.Hour), CPUTotal: 101, Concurrency: -1, Queue: 5000, Wait: -1, MaxRun: 5, OnExhausted: "maybe"}
	err := c.Check()
	for _, field := range []string{"cpu_per_client", "burst", "cpu_total", "concurrency", "queue", "wait", "max_run", "on_exhausted"} {
		if err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("no fault for %s in: %v", field, err)
		}
	}
	if err := (&Config{}).Check(); err != nil {
		t.Error(err)
	}
}

func TestDefaultsLeaveOneProcessorAndMostOfTheTime(t *testing.T) {
	for _, c := range []struct {
		processors, concurrency int
		total, client           time.Duration
	}{
		{1, 1, 500 * ms, 200 * ms},
		{2, 1, time.Second, 200 * ms},
		{8, 7, 4 * time.Second, 200 * ms},
	} {
		l := (&Config{}).limits(c.processors)
		if l.concurrency != c.concurrency || l.total != int64(c.total) || l.client != int64(c.client) || l.queue != 64 || l.passUnchecked {
			t.Errorf("%d processors: %+v", c.processors, l)
		}
	}
	if l := (&Config{CPUPerClient: units.Duration(time.Minute)}).limits(2); l.client > l.total/2 || l.burst > l.totalBurst/2 {
		t.Errorf("one client can spend what is there for all: %+v", l)
	}
}
