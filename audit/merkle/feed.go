// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// feedLook is after how many hashes the maker takes them over, so that tiles
	// are written as they become whole and not all of an interval at once.
	feedLook = 16 * tileWidth
	// feedMost bounds the hashes that wait: 2 MiB. Beyond that they are let go,
	// and the records are read from the files instead.
	feedMost = 256 * tileWidth
)

// feed holds the hashes of records that were stored and are not in the tree
// yet. Hashing a record while it is in memory is cheaper than reading it again,
// and commits to what was written, whatever became of the file.
type feed struct {
	digest hash.Hash // of the one goroutine that stores

	mu     sync.Mutex
	first  int64  // the leaf that the first hash is of
	count  uint64 // of all hashes that ever came
	hashes []tlog.Hash
	spare  []tlog.Hash
}

// add takes in whole lines, each with its newline, the first of which is the
// leaf with that number. It tells whether it is time to look.
func (f *feed) add(first int64, lines []byte) bool {
	if f.digest == nil {
		f.digest = sha256.New()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if first != f.first+int64(len(f.hashes)) || len(f.hashes) >= feedMost {
		f.first, f.hashes = first, f.hashes[:0]
	}
	before := len(f.hashes)
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n')
		if end < 0 {
			break
		}
		f.hashes = append(f.hashes, tlog.Hash{})
		f.leaf(&f.hashes[len(f.hashes)-1], lines[:end])
		lines = lines[end+1:]
	}
	f.count += uint64(len(f.hashes) - before)
	return before < feedLook && len(f.hashes) >= feedLook
}

// leafPrefix tells a leaf from a node (RFC 6962, section 2.1).
var leafPrefix = []byte{0}

// leaf is tlog.RecordHash without a copy of the record.
func (f *feed) leaf(h *tlog.Hash, line []byte) {
	f.digest.Reset()
	f.digest.Write(leafPrefix)
	f.digest.Write(line)
	f.digest.Sum(h[:0])
}

// came is how many hashes ever came.
func (f *feed) came() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// take empties the feed. The hashes are valid until the next call.
func (f *feed) take() (first int64, hashes []tlog.Hash) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first, hashes = f.first, f.hashes
	if cap(f.spare) > 4*feedLook { // of a burst
		f.spare = nil
	}
	f.first, f.hashes, f.spare = first+int64(len(hashes)), f.spare[:0], hashes
	return first, hashes
}

// yieldEach is after how many records others may run: where there is one
// processor, each request would else wait 10 ms at every step for the reading of
// a busy interval.
const yieldEach = 64

// flushEach bounds the hashes in memory while much is read at once.
const flushEach = 16 * tileWidth

// Stored tells of lines that were stored, each with its newline: the first is
// the record with that number. Records that it is not told of are read from the
// files. It is for one goroutine. A nil Maker does nothing.
func (m *Maker) Stored(first uint64, lines []byte) {
	if m != nil && m.feed.add(int64(first)-1, lines) {
		select {
		case m.grow <- struct{}{}:
		default:
		}
	}
}

// take takes in what is new, and leaves signing it to its time.
func (m *Maker) take(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.read(ctx); err != nil {
		return err
	}
	return m.flush()
}

// read adds the records that were stored since.
func (m *Maker) read(ctx context.Context) error {
	first, hashes := m.feed.take()
	if len(hashes) == 0 {
		if m.fed {
			return nil
		}
		first = -1
	}
	if first < 0 || first > m.tree.Size() {
		m.fed = false
		if err := m.readFiles(ctx, first); err != nil || first < 0 {
			return err
		}
	}
	// The files may have given more than was told of.
	for _, h := range hashes[min(m.tree.Size()-first, int64(len(hashes))):] {
		if err := m.append(h); err != nil {
			m.fed = false
			return err
		}
	}
	m.fed = true
	return m.closeSource()
}

// readFiles adds the records of the files until the tree has that size, or to
// their end when it is negative.
func (m *Maker) readFiles(ctx context.Context, until int64) error {
	if m.source == nil || m.at != m.tree.Size() {
		if err := m.closeSource(); err != nil {
			return err
		}
		m.source, m.at = m.opts.Read(uint64(m.tree.Size())+1), m.tree.Size()
	}
	for m.tree.Size() != until {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, sequence, err := m.source.Next()
		if errors.Is(err, io.EOF) && until < 0 {
			return nil
		}
		if err == nil && sequence != uint64(m.tree.Size())+1 {
			err = fmt.Errorf("record %d comes where %d should", sequence, m.tree.Size()+1)
		}
		if err != nil {
			return errors.Join(err, m.closeSource())
		}
		m.at++
		if err := m.append(tlog.RecordHash(line)); err != nil {
			return err
		}
	}
	return nil
}

func (m *Maker) closeSource() error {
	if m.source == nil {
		return nil
	}
	source := m.source
	m.source = nil
	return source.Close()
}

// append adds a leaf, and lets others run now and then.
func (m *Maker) append(h tlog.Hash) error {
	m.tree.Append(h)
	if m.tree.Size()%yieldEach == 0 {
		runtime.Gosched()
	}
	if m.tree.Size()%flushEach == 0 {
		return m.flush()
	}
	return nil
}

// flush writes and syncs the tiles that are whole. A few at a time hold up
// neither requests nor the log's own syncs.
func (m *Maker) flush() error {
	if err := m.tree.FlushWhole(); err != nil {
		return err
	}
	m.wakeSettle()
	return m.tree.Sync()
}
