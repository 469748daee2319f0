// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package again is for tests of limits of real time, over sockets, which no
// fake clock reaches. A machine that stands still for longer than the limit
// breaks such a test, now and then; a fault of the code breaks it every time.
package again

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
)

// tries is how often a test may fail before it has failed.
const tries = 5

// Try runs f until it passes, five times at most, and fails when none does. What
// a try that failed has said is logged. f must use the testing.TB it is given,
// whose clean-up comes at the end of the try, and no other; it must make
// everything anew. f may fail in any goroutine, end itself in its own only.
func Try(t testing.TB, f func(t testing.TB)) {
	t.Helper()
	for n := 1; ; n++ {
		one := &try{TB: t}
		one.run(f)
		if one.skipped != "" {
			t.Skip(one.skipped)
		}
		if !one.Failed() {
			return
		}
		if n == tries {
			t.Fatalf("failed %d times, at last: %s", n, one.said)
		}
		t.Logf("try %d: %s", n, one.said)
	}
}

// try is the testing.TB of one try.
type try struct {
	testing.TB
	mu      sync.Mutex
	failed  bool
	said    string
	skipped string
	clean   []func()
}

// run calls f and what is to be done behind it, each in a goroutine of its own
// that FailNow may end.
func (y *try) run(f func(testing.TB)) {
	y.apart(func() { f(y) })
	for {
		y.mu.Lock()
		if len(y.clean) == 0 {
			y.mu.Unlock()
			return
		}
		last := y.clean[len(y.clean)-1]
		y.clean = y.clean[:len(y.clean)-1]
		y.mu.Unlock()
		y.apart(last)
	}
}

func (y *try) apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				y.fail(fmt.Sprintf("panic: %v\n%s", r, debug.Stack()))
			}
		}()
		f()
	}()
	<-done
}

func (y *try) fail(text string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.failed, y.said = true, y.said+"\n"+text
}

func (y *try) Failed() bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.failed
}

func (y *try) Cleanup(f func()) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.clean = append(y.clean, f)
}

func (y *try) Fail()                             { y.fail("") }
func (y *try) FailNow()                          { y.Fail(); runtime.Goexit() }
func (y *try) Error(args ...any)                 { y.fail(fmt.Sprintln(args...)) }
func (y *try) Errorf(format string, args ...any) { y.fail(fmt.Sprintf(format, args...)) }
func (y *try) Fatal(args ...any)                 { y.Error(args...); runtime.Goexit() }
func (y *try) Fatalf(format string, args ...any) { y.Errorf(format, args...); runtime.Goexit() }

func (y *try) Skip(args ...any) {
	y.skipped = fmt.Sprintln(args...)
	runtime.Goexit()
}
func (y *try) Skipf(format string, args ...any) { y.Skip(fmt.Sprintf(format, args...)) }
func (y *try) SkipNow()                         { y.Skip("") }
