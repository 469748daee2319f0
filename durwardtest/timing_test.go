// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durwardtest

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"
)

// failing is a test that remembers whether it failed.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Helper()               {}
func (f *failing) Errorf(string, ...any) { f.failed = true }

func TestWaysOfOneTimeAreToldFromWaysOfTwo(t *testing.T) {
	text := make([]byte, 100)
	hash := func(n int) func() {
		return func() {
			for range n {
				sha256.Sum256(text)
			}
		}
	}
	for name, row := range map[string]struct {
		ways map[string]func()
		want bool
	}{
		"the same":       {map[string]func(){"a": hash(4), "b": hash(4), "c": hash(4)}, false},
		"one is quicker": {map[string]func(){"a": hash(4), "b": hash(4), "c": hash(1)}, true},
		"one is slower":  {map[string]func(){"a": hash(4), "b": hash(4), "c": hash(12)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := &failing{TB: t}
			if SameTime(f, 1.5, row.ways); f.failed != row.want {
				t.Errorf("a difference is found: %v, want %v", f.failed, row.want)
			}
		})
	}
}

func TestTimesAreComparedByTheLeast(t *testing.T) {
	for name, row := range map[string]struct {
		times map[string]time.Duration
		want  string
	}{
		"one way":        {map[string]time.Duration{"a": 5}, ""},
		"at the bound":   {map[string]time.Duration{"a": 10, "b": 15}, ""},
		"beyond it":      {map[string]time.Duration{"a": 10, "b": 16}, "\n\t10ns a\n\t16ns b"},
		"two of three":   {map[string]time.Duration{"a": 20, "b": 12, "c": 13}, "20ns a"},
		"that took none": {map[string]time.Duration{"a": 0, "b": 1}, "0s a"},
	} {
		got := compareTimes(row.times, 1.5)
		if (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
