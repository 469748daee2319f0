// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package merkle makes a transparency log of the audit log: a Merkle tree over
// its records, whose signed checkpoints commit to every record before them.
// Whoever kept one checkpoint elsewhere can show that a record was changed,
// removed, inserted or moved since, or that there are two histories, whoever
// did it: the administrator of the gateway, or somebody with its keys.
//
// # Standards
//
// Hashes and proofs are those of RFC 6962 as golang.org/x/mod/sumdb/tlog has
// them. A leaf is one record's line without its newline, the first being leaf 0.
// Tiles lie where C2SP tlog-tiles says (tile/<level>/<index>, 256 hashes each;
// partial ones in <index>.p/<width>). Checkpoints are C2SP tlog-checkpoint, signed
// notes with Ed25519; witnesses speak C2SP tlog-witness and give
// cosignature/v1; proofs are C2SP tlog-proof.
//
// # Threats
//
// An administrator who edits the log and computes everything anew (the old
// checkpoint at a witness tells), a cut end (the checkpoint's size tells), a log
// that shows different histories to different people (witnesses cosign one only).
// What nobody can show is what happened after the last checkpoint that left the
// machine: the interval is that window.
//
// # Failure policy
//
// The tree is made beside the request path. What
// cannot be written is tried again at the next interval; records are not
// removed before their hashes are on the disk.
package merkle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// ErrMissing says that a tile is not there, or not whole.
var ErrMissing = errors.New("a tile of the tree is missing")

// Tree is the tree of a log, kept in tiles in a directory. It is for one
// goroutine.
type Tree struct {
	dir  string
	size int64
	// edge holds the hashes of the last, incomplete tile of each level.
	edge [][]tlog.Hash
	// pending are tiles that are complete and not yet written; dirty are
	// written and not yet synced.
	pending []pendingTile
	dirty   []string
	// partials are the partial tiles on the disk, to be removed when newer ones
	// are there.
	partials []string
	// behind, when it is not nil, takes whole tiles of leaves while many come.
	behind *behind
}

type pendingTile struct {
	level  int
	index  int64
	hashes []tlog.Hash
}

// Load reads the tree of the given size from a directory. The last, partial tile
// of leaves may be missing: leaf then gives the hashes of at most 255 leaves.
// What else is on the right edge is made again from whole tiles. The error wraps
// ErrMissing when one of those is not there. Nothing is checked here: Root has to
// be held against a checkpoint.
func Load(dir string, size int64, leaf func(n int64) (tlog.Hash, error)) (*Tree, error) {
	t := &Tree{dir: dir, size: size}
	if width := int(size % tileWidth); width > 0 {
		hashes, err := readTile(dir, 0, size/tileWidth, width)
		if err == nil {
			t.partials = append(t.partials, tilePath(0, size/tileWidth, width))
		}
		for n := size - int64(width); err != nil && n < size; n++ {
			h, err := leaf(n)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, h)
		}
		t.level(0)
		t.edge[0] = hashes
	}
	// The edge of a higher level are the roots of whole tiles below it.
	for level, count := 1, size/tileWidth; count > 0; level, count = level+1, count/tileWidth {
		t.level(level)
		for n := count - count%tileWidth; n < count; n++ {
			hashes, err := readTile(dir, level-1, n, tileWidth)
			if err != nil {
				return nil, err
			}
			t.edge[level] = append(t.edge[level], root(hashes))
		}
		if len(t.edge[level]) > 0 {
			t.partials = append(t.partials, tilePath(level, count/tileWidth, len(t.edge[level])))
		}
	}
	return t, nil
}

func (t *Tree) level(n int) {
	for len(t.edge) <= n {
		t.edge = append(t.edge, nil)
	}
}

// Size is how many leaves the tree has.
func (t *Tree) Size() int64 { return t.size }

// Append adds a leaf.
func (t *Tree) Append(leaf tlog.Hash) {
	index := t.size
	t.size++
	for level, h := 0, leaf; ; level++ {
		t.level(level)
		t.edge[level] = append(t.edge[level], h)
		if len(t.edge[level]) < tileWidth {
			return
		}
		index /= tileWidth // of the tile at this level, and of its root in the next
		t.pending = append(t.pending, pendingTile{level, index, t.edge[level]})
		h = root(t.edge[level])
		t.edge[level] = nil
	}
}

// root folds the hashes of a whole tile.
func root(hashes []tlog.Hash) tlog.Hash {
	row := append([]tlog.Hash(nil), hashes...)
	for len(row) > 1 {
		for i := 0; i < len(row)/2; i++ {
			row[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		row = row[:len(row)/2]
	}
	return row[0]
}

// FlushWhole writes the tiles that have become whole.
func (t *Tree) FlushWhole() error {
	later := t.behind != nil && t.behind.takes(len(t.pending))
	for len(t.pending) > 0 {
		if err := t.flushOne(t.pending[0], later); err != nil {
			return err
		}
		t.pending = t.pending[1:]
		runtime.Gosched()
	}
	return nil
}

func (t *Tree) flushOne(p pendingTile, later bool) error {
	if later && p.level == 0 {
		return t.behind.add(p.index, p.hashes)
	}
	path := tilePath(p.level, p.index, tileWidth)
	if err := writeTile(filepath.Join(t.dir, path), p.hashes); err != nil {
		return err
	}
	t.dirty = append(t.dirty, path)
	return nil
}

// Flush writes what is new: whole tiles, and the partial ones of the right
// edge. Partial tiles of an earlier size stay until Tidy.
func (t *Tree) Flush() error {
	if err := t.FlushWhole(); err != nil {
		return err
	}
	for level, hashes := range t.edge {
		if len(hashes) == 0 {
			continue
		}
		path := tilePath(level, t.size>>(tileHeight*(level+1)), len(hashes))
		if err := writeTile(filepath.Join(t.dir, path), hashes); err != nil {
			return err
		}
		if !slices.Contains(t.partials, path) {
			t.partials = append(t.partials, path)
			t.dirty = append(t.dirty, path)
		}
	}
	return nil
}

// Tidy removes the partial tiles that are not of the present size, once a
// checkpoint of this size is published.
func (t *Tree) Tidy() error {
	now := map[string]bool{}
	for level, hashes := range t.edge {
		if len(hashes) > 0 {
			now[tilePath(level, t.size>>(tileHeight*(level+1)), len(hashes))] = true
		}
	}
	var kept []string
	var errs []error
	for _, path := range t.partials {
		full := filepath.Join(t.dir, path)
		if now[path] {
			kept = append(kept, path)
		} else if err := os.Remove(full); err != nil && !errors.Is(err, fs.ErrNotExist) {
			kept, errs = append(kept, path), append(errs, err)
		} else {
			_ = os.Remove(filepath.Dir(full)) // <index>.p, when it is empty
		}
	}
	t.partials = kept
	return errors.Join(errs...)
}

// Sync puts on the disk what Flush wrote. Only then may records go.
func (t *Tree) Sync() error {
	if t.behind != nil {
		if err := t.behind.sync(); err != nil {
			return err
		}
	}
	folders := map[string]bool{}
	for len(t.dirty) > 0 {
		path := filepath.Join(t.dir, t.dirty[0])
		if err := syncPath(path); err != nil {
			return err
		}
		folders[filepath.Dir(path)] = true
		t.dirty = t.dirty[1:]
	}
	for folder := range folders {
		if err := syncPath(folder); err != nil {
			return err
		}
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Root is the hash of the whole tree (RFC 6962, section 2.1).
func (t *Tree) Root() (tlog.Hash, error) {
	if t.size == 0 {
		return tlog.TreeHash(0, nil)
	}
	return tlog.TreeHash(t.size, t)
}

// ReadHashes implements tlog.HashReader, so that proofs can be made.
func (t *Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		tile := tlog.TileForIndex(tileHeight, index)
		hashes, err := t.tile(tile.L, tile.N, tile.W)
		if err != nil {
			return nil, err
		}
		if out[i], err = tlog.HashFromTile(tile, bytesOf(hashes[:tile.W]), index); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tile gives the hashes of a tile, at least width of them.
func (t *Tree) tile(level int, index int64, width int) ([]tlog.Hash, error) {
	for _, p := range t.pending {
		if p.level == level && p.index == index {
			return p.hashes, nil
		}
	}
	if level < len(t.edge) && index == t.size>>(tileHeight*(level+1)) {
		if len(t.edge[level]) < width {
			return nil, fmt.Errorf("%w: %s", ErrMissing, tilePath(level, index, width))
		}
		return t.edge[level], nil
	}
	return readTile(t.dir, level, index, tileWidth)
}

// tilePath is where a tile lies (C2SP tlog-tiles).
func tilePath(level int, index int64, width int) string {
	name := fmt.Sprintf("%03d", index%1000)
	for index >= 1000 {
		index /= 1000
		name = fmt.Sprintf("x%03d/%s", index%1000, name)
	}
	path := "tile/" + strconv.Itoa(level) + "/" + name
	if width < tileWidth {
		path += ".p/" + strconv.Itoa(width)
	}
	return path
}

// writeTile replaces a file whole, so that no reader sees half of it.
func writeTile(path string, hashes []tlog.Hash) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	part := path + ".part"
	if err := os.WriteFile(part, bytesOf(hashes), 0o600); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, path)
}

// readTile reads a tile from the disk, from its place or where it waits for it.
func readTile(dir string, level int, index int64, width int) ([]tlog.Hash, error) {
	hashes, err := readPlace(dir, level, index, width)
	if level != 0 || width != tileWidth || !errors.Is(err, ErrMissing) {
		return hashes, err
	}
	if hashes, err = readBehind(dir, index); errors.Is(err, ErrMissing) {
		return readPlace(dir, level, index, width) // it was put there meanwhile
	}
	return hashes, err
}

func readPlace(dir string, level int, index int64, width int) ([]tlog.Hash, error) {
	path := tilePath(level, index, width)
	content, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(content) != width*tlog.HashSize {
		return nil, fmt.Errorf("%w: %s", ErrMissing, path)
	}
	return hashesOf(content), nil
}

func hashesOf(content []byte) []tlog.Hash {
	hashes := make([]tlog.Hash, len(content)/tlog.HashSize)
	for i := range hashes {
		copy(hashes[i][:], content[i*tlog.HashSize:])
	}
	return hashes
}

// readPrefix reads the first width hashes of a tile. While a log is written, a
// partial tile goes when a wider one is there, of which it is the beginning.
func readPrefix(dir string, level int, index int64, width int) ([]tlog.Hash, error) {
	hashes, err := readTile(dir, level, index, width)
	if err == nil || width == tileWidth || !errors.Is(err, ErrMissing) {
		return hashes, err
	}
	if whole, err := readTile(dir, level, index, tileWidth); err == nil {
		return whole[:width], nil
	}
	entries, _ := os.ReadDir(filepath.Join(dir, filepath.Dir(tilePath(level, index, width))))
	for _, e := range entries {
		if wider, err := strconv.Atoi(e.Name()); err == nil && wider > width && wider < tileWidth {
			if more, err := readTile(dir, level, index, wider); err == nil {
				return more[:width], nil
			}
		}
	}
	return nil, err
}

func bytesOf(hashes []tlog.Hash) []byte {
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}
