// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"durward/internal/pace"
)

// Making a file for each tile costs more than all else that is done for 256
// records. While records come fast, tiles of leaves are written one behind the
// other into a file, and become files of their own in time. Readers look there
// for a tile that is not in its place, so that nothing waits for it.
const (
	behindDir = "tile/behind" // in it, files named by the index of their first tile
	tileBytes = tileWidth * tlog.HashSize
	// behindTiles is how many tiles such a file has at most: 8 MiB.
	behindTiles = 1024
	// behindFrom is from how many whole tiles at once on they are written there.
	behindFrom = 4
)

// behind are the tiles of leaves that are not in their places yet. It is safe
// for concurrent use.
type behind struct {
	dir string // of the log

	mu    sync.Mutex
	files []behindFile // the last one is being written if f is open
	f     *os.File
	fresh bool // f was made, and its name is not synced
}

type behindFile struct {
	first, count int64 // tiles
	moved        int64 // of them, those that are in their places
}

func (b *behind) path(first int64) string {
	return filepath.Join(b.dir, behindDir, fmt.Sprintf("%015d", first))
}

// open takes up what another process left. Tiles from whole on were never
// committed to: they are made again.
func (b *behind) open(whole int64) error {
	files, err := listBehind(b.dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		file.count = min(file.count, whole-file.first)
		if file.count <= 0 {
			err = os.Remove(b.path(file.first))
		} else if err = os.Truncate(b.path(file.first), file.count*tileBytes); err == nil {
			b.files = append(b.files, file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takes tells whether that many whole tiles go here.
func (b *behind) takes(tiles int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.f != nil || tiles >= behindFrom
}

// add writes the next tile of leaves.
func (b *behind) add(index int64, hashes []tlog.Hash) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.f != nil {
		if last := &b.files[len(b.files)-1]; last.first+last.count != index || last.count == behindTiles {
			if err := b.end(); err != nil {
				return err
			}
		}
	}
	if b.f == nil {
		if err := os.MkdirAll(filepath.Join(b.dir, behindDir), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(b.path(index), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		b.f, b.fresh = f, true
		b.files = append(b.files, behindFile{first: index})
	}
	last := &b.files[len(b.files)-1]
	if _, err := b.f.WriteAt(bytesOf(hashes), last.count*tileBytes); err != nil {
		return err
	}
	last.count++
	return nil
}

// sync puts on the disk what was added.
func (b *behind) sync() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.f == nil {
		return nil
	}
	if err := b.f.Sync(); err != nil {
		return err
	}
	if b.fresh {
		if err := errors.Join(syncPath(filepath.Join(b.dir, behindDir)), syncPath(filepath.Join(b.dir, "tile"))); err != nil {
			return err
		}
	}
	b.fresh = false
	return nil
}

// end closes the file that is being written; the caller holds mu.
func (b *behind) end() error {
	if b.f == nil {
		return nil
	}
	if err := b.f.Sync(); err != nil {
		return err
	}
	f := b.f
	b.f = nil
	return f.Close()
}

// settle puts tiles in their places until there are none, at a pace; nil does
// not rest.
func (b *behind) settle(ctx context.Context, p *pace.Pace) error {
	for {
		index, ok, err := b.next()
		if err != nil || !ok {
			return err
		}
		hashes, err := readBehind(b.dir, index)
		if err != nil {
			return err
		}
		path := filepath.Join(b.dir, tilePath(0, index, tileWidth))
		if err := errors.Join(writeTile(path, hashes), syncPath(path)); err != nil {
			return err
		}
		b.mu.Lock()
		b.files[0].moved++
		b.mu.Unlock()
		if err = ctx.Err(); p != nil {
			err = p.Rest(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// next gives the next tile to put in its place, and removes a file of which all
// are.
func (b *behind) next() (index int64, ok bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.files) > 0 {
		file := b.files[0]
		if file.moved < file.count {
			return file.first + file.moved, true, nil
		}
		if len(b.files) == 1 {
			if err := b.end(); err != nil {
				return 0, false, err
			}
		}
		// The places' own names are on the disk before this one goes.
		last := file.first + file.count - 1
		for _, at := range []int64{file.first, min(file.first+behindTiles/2, last), last} {
			if err := syncPath(filepath.Dir(filepath.Join(b.dir, tilePath(0, at, tileWidth)))); err != nil {
				return 0, false, err
			}
		}
		if err := os.Remove(b.path(file.first)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, false, err
		}
		b.files = b.files[1:]
	}
	return 0, false, nil
}

// close ends writing. What is left is settled by the next process.
func (b *behind) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.end()
}

// listBehind gives the files of tiles that are not in their places, in order.
func listBehind(dir string) ([]behindFile, error) {
	entries, err := os.ReadDir(filepath.Join(dir, behindDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []behindFile
	for _, e := range entries { // sorted by name
		first, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || first < 0 {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, behindFile{first: first, count: info.Size() / tileBytes})
	}
	return files, nil
}

// readBehind reads a whole tile of leaves that is not in its place.
func readBehind(dir string, index int64) ([]tlog.Hash, error) {
	files, err := listBehind(dir)
	if err != nil {
		return nil, err
	}
	for _, file := range slices.Backward(files) {
		if index < file.first || index >= file.first+file.count {
			continue
		}
		f, err := os.Open((&behind{dir: dir}).path(file.first))
		if errors.Is(err, fs.ErrNotExist) { // it is in its place now
			break
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		content := make([]byte, tileBytes)
		if _, err := f.ReadAt(content, (index-file.first)*tileBytes); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return hashesOf(content), nil
	}
	return nil, fmt.Errorf("%w: %s", ErrMissing, tilePath(0, index, tileWidth))
}

func (m *Maker) loadBehind() error {
	m.behind = &behind{dir: m.opts.Dir}
	m.tree.behind = m.behind
	return m.behind.open(m.tree.Size() / tileWidth)
}

func (m *Maker) wakeSettle() {
	select {
	case m.move <- struct{}{}:
	default:
	}
}

// settle puts tiles in their places as they come, at the pace of requests.
func (m *Maker) settle(ctx context.Context) {
	p := pace.Pace{Events: m.feed.came}
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.move:
		}
		p.Begin()
		err := m.behind.settle(ctx, &p)
		if err != nil && ctx.Err() == nil && !failing {
			m.opts.Log.Warn("tiles of the audit log's tree cannot be put in their places; they are read from where they are", slog.Any("error", err))
		}
		failing = err != nil
	}
}

// settleNow does so at the end, for a moment. What is left is for the next start.
func (m *Maker) settleNow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := m.behind.settle(ctx, nil); err != nil && ctx.Err() == nil {
		m.opts.Log.Warn("tiles of the audit log's tree cannot be put in their places", slog.Any("error", err))
	}
}
