// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"durward/internal/allocs"
)

// lines gives records as they are stored, from the leaf first to that before end.
func lines(first, end int64) (out []byte) {
	for n := first; n < end; n++ {
		out = append(append(out, line(n)...), '\n')
	}
	return out
}

// signed checks the tree of size leaves against the records.
func signed(t *testing.T, dir string, k keys, size int64) {
	t.Helper()
	c, _, err := Open(must(os.ReadFile(filepath.Join(dir, CheckpointFile)))(t), k.verifier)
	if err != nil || c.Size != size {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := check(dir, c, line); err != nil {
		t.Error(err)
	}
}

func TestTheTreeIsThatOfTheRecordsHoweverTheyCome(t *testing.T) {
	type told struct{ first, end int64 }
	for name, test := range map[string]struct {
		there int64 // records in the files when the maker starts
		told  []told
		size  int64
	}{
		"all are told of":                       {0, []told{{0, 700}}, 700},
		"in pieces":                             {0, []told{{0, 1}, {1, 256}, {256, 9000}}, 9000},
		"some are there before":                 {300, []told{{300, 600}}, 600},
		"some are there that are told of later": {300, []told{{100, 600}}, 600},
		"all are there that are told of later":  {600, []told{{100, 300}}, 600},
		"some in the middle are not told of":    {0, []told{{0, 300}, {500, 700}}, 700},
		"more than can wait":                    {0, []told{{0, feedMost}, {feedMost, feedMost + 700}}, feedMost + 700},
	} {
		t.Run(name, func(t *testing.T) {
			k, dir := newKeys(t, "gate"), t.TempDir()
			var size atomic.Int64
			size.Store(test.there)
			m := start(t, dir, k, &size)
			if test.there > 0 {
				if err := m.Now(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			m.mu.Lock() // the maker takes nothing in between
			for _, told := range test.told {
				size.Store(max(size.Load(), told.end))
				m.Stored(uint64(told.first)+1, lines(told.first, told.end))
			}
			m.mu.Unlock()
			if err := m.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			signed(t, dir, k, test.size)
		})
	}
}

func TestWhatWasToldOfIsNotReadAgain(t *testing.T) {
	k, dir := newKeys(t, "gate"), t.TempDir()
	var size atomic.Int64 // there is nothing to read
	m := start(t, dir, k, &size)
	m.Stored(1, lines(0, 700))
	if err := m.Now(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.Stored(701, lines(700, 1400))
	if err := m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	signed(t, dir, k, 1400)
}

func TestARecordThatIsNowhereIsNotPassedOver(t *testing.T) {
	k, dir := newKeys(t, "gate"), t.TempDir()
	var size atomic.Int64
	m := start(t, dir, k, &size)
	m.Stored(6, lines(5, 700))
	if err := m.Now(context.Background()); err == nil {
		t.Error("a checkpoint over records that nobody saw")
	}
	size.Store(700)
	if err := m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	signed(t, dir, k, 700)
}

func TestWholeTilesAreWrittenBeforeTheCheckpoint(t *testing.T) {
	k, dir := newKeys(t, "gate"), t.TempDir()
	var size atomic.Int64
	m := start(t, dir, k, &size)
	m.Stored(1, lines(0, feedLook))
	for m.fill(feedLook) {
		runtime.Gosched() // the maker's own goroutine does it
	}
	if _, err := readTile(dir, 0, feedLook/tileWidth-1, tileWidth); err != nil {
		t.Error(err)
	}
	if m.Committed() != 0 {
		t.Error("nothing was to be signed")
	}
	if err := m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// fill tells whether the tree has fewer leaves than that.
func (m *Maker) fill(leaves int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tree.Size() < leaves || len(m.tree.pending) > 0
}

func TestALeafIsAsTheLibraryHasIt(t *testing.T) {
	var f feed
	f.add(0, []byte("one\ntwo\n"))
	f.add(2, []byte("three\nhalf"))
	_, got := f.take()
	for i, text := range []string{"one", "two", "three"} {
		if len(got) != 3 || got[i] != tlog.RecordHash([]byte(text)) {
			t.Fatalf("%d hashes; %d is another", len(got), i)
		}
	}
}

func TestTellingOfRecordsTakesNoMemoryForEach(t *testing.T) {
	var f feed
	text, at := lines(0, 64), int64(0)
	run := func() {
		for range 2 * feedLook / 64 {
			f.add(at, text)
			at += 64
		}
		f.take()
	}
	run()
	run()
	if n := allocs.PerRun(5, run); n > 2 { // for 8192 records
		t.Errorf("%v allocations", n)
	}
}
