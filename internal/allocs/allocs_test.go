// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package allocs

import (
	"bytes"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

var sink []*int

func TestWhatIsAlwaysAllocatedIsCounted(t *testing.T) {
	if n := PerRun(10, func() { sink = append(sink[:0:0], new(int), new(int)) }); n != 3 {
		t.Errorf("%v allocations, want 3", n)
	}
	if n := PerRun(10, func() {}); n != 0 {
		t.Errorf("%v allocations of nothing", n)
	}
}

func TestARoundThatIsDisturbedDoesNotCount(t *testing.T) {
	const runs = 10
	calls := 0
	if n := PerRun(runs, func() {
		if calls++; calls <= runs { // as if a pool were empty in the first round
			sink = append(sink[:0:0], new(int))
		}
	}); n != 0 {
		t.Errorf("%v allocations, want those of the least round", n)
	}
}

func TestNoCollectionRunsMeanwhileAndTheSettingIsRestored(t *testing.T) {
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	var first, last runtime.MemStats
	PerRun(1, func() {
		if first.NumGC == 0 {
			runtime.ReadMemStats(&first)
		}
		for range 100 {
			sink = append(sink[:0:0], (*int)(nil))
			hold = make([]byte, 1<<20)
		}
		runtime.ReadMemStats(&last)
	})
	if last.NumGC != first.NumGC {
		t.Errorf("%d collections in the meantime", last.NumGC-first.NumGC)
	}
	if got := debug.SetGCPercent(77); got != 77 {
		t.Errorf("the setting is now %d", got)
	}
}

var hold []byte

// Whoever counts with the testing package alone has a test that fails once in a
// while on a busy machine.
func TestEveryTestOfTheModuleCountsInThisWay(t *testing.T) {
	direct := []byte("testing." + "AllocsPerRun")
	root := os.DirFS("../..")
	seen := 0
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		seen++
		text, err := fs.ReadFile(root, path)
		if bytes.Contains(text, direct) {
			t.Errorf("%s: use allocs.PerRun", path)
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files, %v", seen, err)
	}
}
