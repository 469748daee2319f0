// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Checker holds a log's records and tiles against checkpoints, offline. It
// trusts nothing in the directory: what it says holds for the checkpoint that
// was given.
type Checker struct {
	dir   string
	c     *Checkpoint
	index int64 // of the tile that is loaded; -1 none
	tile  []tlog.Hash
}

// NewChecker checks against the checkpoint c.
func NewChecker(dir string, c *Checkpoint) *Checker { return &Checker{dir: dir, c: c, index: -1} }

// ErrChanged says that a record is not the one that the log committed to.
var ErrChanged = errors.New("the record is not the one that was committed to")

// Leaf checks a record. One behind the checkpoint is none of its business.
func (k *Checker) Leaf(n int64, line []byte) error {
	if n >= k.c.Size {
		return nil
	}
	if index := n / tileWidth; index != k.index {
		tile, err := readPrefix(k.dir, 0, index, k.width(0, index))
		if err != nil {
			return err
		}
		k.index, k.tile = index, tile
	}
	if k.tile[n%tileWidth] != tlog.RecordHash(line) {
		return ErrChanged
	}
	return nil
}

// width is how many hashes a tile has in the tree of the checkpoint.
func (k *Checker) width(level int, index int64) int {
	count := k.c.Size >> (tileHeight * level) // hashes of that level
	return int(min(count-index*tileWidth, tileWidth))
}

// Tree checks that the tiles are those of the checkpoint: each hash of a tile is
// that of the tile below it, and the root is that of the checkpoint.
func (k *Checker) Tree() error {
	if k.c.Size == 0 {
		return nil
	}
	for level := 0; k.c.Size>>(tileHeight*(level+1)) > 0; level++ {
		whole := k.c.Size >> (tileHeight * (level + 1))
		var above []tlog.Hash
		for n := range whole {
			if n%tileWidth == 0 {
				var err error
				if above, err = readPrefix(k.dir, level+1, n/tileWidth, k.width(level+1, n/tileWidth)); err != nil {
					return err
				}
			}
			hashes, err := readPrefix(k.dir, level, n, tileWidth)
			if err != nil {
				return err
			}
			if root(hashes) != above[n%tileWidth] {
				return fmt.Errorf("%w: %s was changed", ErrForked, tilePath(level, n, tileWidth))
			}
		}
	}
	return k.Old(k.c)
}

// Old checks that the log goes on from another checkpoint of it.
func (k *Checker) Old(old *Checkpoint) error {
	switch {
	case old.Origin != k.c.Origin:
		return fmt.Errorf("the checkpoint is of the log %q, and this is %q", old.Origin, k.c.Origin)
	case old.Size > k.c.Size:
		return fmt.Errorf("%w: it committed to %d records, and has %d", ErrForked, old.Size, k.c.Size)
	case old.Size == 0:
		return nil
	}
	top, err := tlog.TreeHash(old.Size, k)
	if err != nil {
		return err
	}
	if top != old.Root {
		return ErrForked
	}
	return nil
}

// ReadHashes implements tlog.HashReader on the tiles of the checkpoint's tree.
func (k *Checker) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		t := tlog.TileForIndex(tileHeight, index)
		hashes, err := readPrefix(k.dir, t.L, t.N, k.width(t.L, t.N))
		if err != nil {
			return nil, err
		}
		if len(hashes) < t.W {
			return nil, fmt.Errorf("%w: %s", ErrMissing, tilePath(t.L, t.N, t.W))
		}
		if out[i], err = tlog.HashFromTile(t, bytesOf(hashes[:t.W]), index); err != nil {
			return nil, err
		}
	}
	return out, nil
}
