// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package again

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// outer is the test that Try is part of.
type outer struct {
	testing.TB
	logged, fatal, skipped string
}

func (o *outer) Helper()                      {}
func (o *outer) Logf(format string, a ...any) { o.logged += fmt.Sprintf(format, a...) + "\n" }
func (o *outer) Fatalf(format string, a ...any) {
	o.fatal = fmt.Sprintf(format, a...)
	runtime.Goexit()
}
func (o *outer) Skip(a ...any) {
	o.skipped = fmt.Sprint(a...)
	runtime.Goexit()
}

// trying gives how often f was called, and what became of its test.
func trying(t *testing.T, f func(n int, t testing.TB)) (calls int, o *outer) {
	t.Helper()
	o = &outer{TB: t}
	var wg sync.WaitGroup
	wg.Go(func() { Try(o, func(t testing.TB) { calls++; f(calls, t) }) })
	wg.Wait()
	return calls, o
}

func TestWhatPassesIsCalledOnce(t *testing.T) {
	if calls, o := trying(t, func(int, testing.TB) {}); calls != 1 || o.fatal+o.logged != "" {
		t.Errorf("called %d times, %+v", calls, o)
	}
}

func TestWhatFailsEveryTimeFails(t *testing.T) {
	for name, fail := range map[string]func(t testing.TB){
		"by an error":   func(t testing.TB) { t.Error("word", 1) },
		"by Errorf":     func(t testing.TB) { t.Errorf("word %d", 1) },
		"by Fatal":      func(t testing.TB) { t.Fatal("word", 1) },
		"by Fatalf":     func(t testing.TB) { t.Fatalf("word %d", 1) },
		"by a panic":    func(t testing.TB) { panic("word 1") },
		"in a clean-up": func(t testing.TB) { t.Cleanup(func() { t.Fatal("word 1") }) },
		"by two words":  func(t testing.TB) { t.Error("first"); t.Error("word 1") },
		"in a goroutine": func(t testing.TB) {
			done := make(chan bool)
			go func() { defer close(done); t.Error("word 1") }()
			<-done
		},
	} {
		t.Run(name, func(t *testing.T) {
			calls, o := trying(t, func(_ int, t testing.TB) { fail(t) })
			if calls != tries || !strings.Contains(o.fatal, "word 1") || !strings.Contains(o.logged, "try 4: ") {
				t.Errorf("called %d times, %q, logged %q", calls, o.fatal, o.logged)
			}
		})
	}
	if calls, o := trying(t, func(_ int, t testing.TB) { t.FailNow() }); calls != tries || o.fatal == "" {
		t.Errorf("called %d times, %q", calls, o.fatal)
	}
}

func TestWhatFailsNowAndThenPasses(t *testing.T) {
	for last := 2; last <= tries; last++ {
		calls, o := trying(t, func(n int, t testing.TB) {
			if n < last {
				t.Fatalf("number %d", n)
			}
		})
		if calls != last || o.fatal != "" || !strings.Contains(o.logged, "number 1") {
			t.Errorf("called %d times, %+v", calls, o)
		}
	}
}

func TestEachTryCleansUpBehindItself(t *testing.T) {
	var did []string
	trying(t, func(n int, t testing.TB) {
		did = append(did, "try")
		t.Cleanup(func() { did = append(did, "first") })
		t.Cleanup(func() { did = append(did, "second") })
		if n == 1 {
			t.FailNow()
		}
	})
	if want := []string{"try", "second", "first", "try", "second", "first"}; !slices.Equal(did, want) {
		t.Errorf("did %v, want %v", did, want)
	}
}

func TestWhatIsSkippedIsNotTriedAgain(t *testing.T) {
	for _, skip := range []func(testing.TB){
		func(t testing.TB) { t.Skip("no tool") }, func(t testing.TB) { t.Skipf("no %s", "tool") },
	} {
		if calls, o := trying(t, func(_ int, t testing.TB) { skip(t) }); calls != 1 || !strings.Contains(o.skipped, "no tool") || o.fatal != "" {
			t.Errorf("called %d times, %+v", calls, o)
		}
	}
}
