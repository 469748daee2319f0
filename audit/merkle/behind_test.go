// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// grow appends leaves to a tree, and flushes it.
func grow(t *testing.T, tree *Tree, to int64) {
	t.Helper()
	for tree.size < to {
		tree.Append(tlog.RecordHash(line(tree.size)))
	}
	if err := errors.Join(tree.Flush(), tree.Sync()); err != nil {
		t.Fatal(err)
	}
}

// tiles checks that the whole tiles of leaves up to end are those of the records,
// and tells how many of them are in their places.
func tiles(t *testing.T, dir string, end int64) (placed int64) {
	t.Helper()
	for index := range end {
		hashes, err := readTile(dir, 0, index, tileWidth)
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range hashes {
			if h != tlog.RecordHash(line(index*tileWidth+int64(i))) {
				t.Fatalf("leaf %d of tile %d is another", i, index)
			}
		}
		if _, err := readPlace(dir, 0, index, tileWidth); err == nil {
			placed++
		}
	}
	return placed
}

func TestTilesThatComeFastAreReadBeforeTheyAreInTheirPlaces(t *testing.T) {
	dir := t.TempDir()
	tree := &Tree{dir: dir, behind: &behind{dir: dir}}
	grow(t, tree, 3*tileWidth+5)
	if got := tiles(t, dir, 3); got != 3 {
		t.Errorf("%d of few tiles are in their places", got)
	}
	grow(t, tree, 40*tileWidth+9)
	grow(t, tree, 41*tileWidth+9)
	if got := tiles(t, dir, 41); got != 3 {
		t.Errorf("%d of many tiles are in their places", got)
	}
	if _, err := readTile(dir, 0, 41, tileWidth); !errors.Is(err, ErrMissing) {
		t.Errorf("a tile that is not whole: %v", err)
	}
	// All of the tree is there for proofs.
	reference := &Tree{dir: t.TempDir()}
	grow(t, reference, tree.size)
	want, err := reference.Root()
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(dir, tree.size, noLeaf)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := loaded.Root(); err != nil || got != want {
		t.Errorf("the root is another (%v)", err)
	}
	if err := tree.behind.settle(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := tiles(t, dir, 41); got != 41 {
		t.Errorf("%d tiles are in their places", got)
	}
	if left, err := listBehind(dir); err != nil || len(left) != 0 {
		t.Errorf("%v are left (%v)", left, err)
	}
	grow(t, tree, 43*tileWidth)
	if got := tiles(t, dir, 43); got != 43 {
		t.Errorf("%d tiles are in their places", got)
	}
	if err := tree.behind.close(); err != nil {
		t.Fatal(err)
	}
}

func TestAFileOfWaitingTilesEndsAtItsLimit(t *testing.T) {
	b := &behind{dir: t.TempDir()}
	hashes := make([]tlog.Hash, tileWidth)
	for index := range int64(behindTiles + 3) {
		if err := b.add(index, hashes); err != nil {
			t.Fatal(err)
		}
	}
	// Another process has other tiles: those between are in their places.
	if err := b.add(behindTiles+100, hashes); err != nil {
		t.Fatal(err)
	}
	files, err := listBehind(b.dir)
	if err != nil || len(files) != 3 || files[0].count != behindTiles || files[1].count != 3 || files[2] != (behindFile{first: behindTiles + 100, count: 1}) {
		t.Errorf("%+v, %v", files, err)
	}
	if _, err := readBehind(b.dir, behindTiles+3); !errors.Is(err, ErrMissing) {
		t.Errorf("a tile that is in neither: %v", err)
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
}

func TestAfterACrashTilesGoOnFromTheLastCheckpoint(t *testing.T) {
	for name, test := range map[string]struct {
		kept  int64 // whole tiles under the checkpoint
		spoil func(t *testing.T, path string)
	}{
		"with more tiles than it commits to":    {14, nil},
		"with nothing that it commits to":       {0, nil},
		"with a tile that was written in part":  {19, func(t *testing.T, path string) { must(0, os.Truncate(path, 19*tileBytes+77))(t) }},
		"with tiles of records that were lost":  {14, func(t *testing.T, path string) { must(0, os.WriteFile(path, make([]byte, 40*tileBytes), 0o600))(t) }},
		"with names that are none of its files": {20, func(t *testing.T, path string) { must(0, os.WriteFile(path+".old", nil, 0o600))(t) }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tree := &Tree{dir: dir, behind: &behind{dir: dir}}
			grow(t, tree, 20*tileWidth)
			if err := tree.behind.close(); err != nil {
				t.Fatal(err)
			}
			path := tree.behind.path(0)
			if test.spoil != nil {
				content := must(os.ReadFile(path))(t)
				test.spoil(t, path)
				if test.kept < 19 { // what is committed to was synced
					f := must(os.OpenFile(path, os.O_WRONLY, 0))(t)
					must(f.WriteAt(content[:test.kept*tileBytes], 0))(t)
					must(0, f.Close())(t)
				}
			}
			again := &behind{dir: dir}
			if err := again.open(test.kept); err != nil {
				t.Fatal(err)
			}
			if _, err := readTile(dir, 0, test.kept, tileWidth); !errors.Is(err, ErrMissing) {
				t.Errorf("a tile that nothing commits to is still there (%v)", err)
			}
			second := &Tree{dir: dir, size: test.kept * tileWidth, behind: again}
			grow(t, second, 24*tileWidth)
			tiles(t, dir, 24)
			if err := again.settle(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if got := tiles(t, dir, 24); got != 24 {
				t.Errorf("%d tiles are in their places", got)
			}
		})
	}
}

func TestAMakerPutsTilesInTheirPlacesWhileItRunsAndAfterANewStart(t *testing.T) {
	k, dir := newKeys(t, "gate"), t.TempDir()
	var size atomic.Int64
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	m := start(t, dir, k, &size)
	m.stop() // it has no time for it
	<-m.done
	m.ends.Wait()
	m.Stored(1, lines(0, 50*tileWidth+1))
	size.Store(50*tileWidth + 1)
	if err := m.make(context.Background()); err != nil {
		t.Fatal(err)
	}
	_ = m.Close(ended)
	signed(t, dir, k, 50*tileWidth+1)
	if got := tiles(t, dir, 50); got > 1 {
		t.Errorf("%d tiles are in their places", got)
	}
	m = start(t, dir, k, &size)
	for left := []behindFile{{}}; len(left) > 0; {
		var err error
		if left, err = listBehind(dir); err != nil {
			t.Fatal(err)
		}
	}
	if got := tiles(t, dir, 50); got != 50 {
		t.Errorf("%d tiles are in their places", got)
	}
	if err := m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	signed(t, dir, k, 50*tileWidth+1)
	if _, err := os.Stat(filepath.Join(dir, CheckpointFile)); err != nil {
		t.Error(err)
	}
}
