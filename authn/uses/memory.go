// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package uses

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"durward"
)

// DefaultMax is room for about 12,000 granted DPoP proofs a second. Filled to
// the last it takes about 160 MB; it grows with use, and shrinks after a flood.
const DefaultMax = 1 << 20

const (
	maxShards = 64
	minShard  = 1024 // entries: smaller shards would fill unevenly
	// reserves is how many spaces have a reserve at the same time. Together the
	// reserves are a quarter of the whole.
	reserves = 64
)

var errFull = &durward.Unavailable{
	Code: durward.CodeStoreUnavailable,
	Err:  errors.New("uses: full of entries that may not be forgotten yet"),
}

// Memory counts uses in this process. It is safe for concurrent use.
type Memory struct {
	clock  clock
	seed   maphash.Seed
	shards []shard // a power of two
}

// New makes a Memory of at most max entries; 0 is DefaultMax. One space may use
// three quarters of them and its reserve. now should be time.Now, whose times
// carry a monotonic reading: what a clock without one
// does is said at [Memory.Use].
func New(max int, now func() time.Time) *Memory {
	if max <= 0 {
		max = DefaultMax
	}
	if now == nil {
		now = time.Now
	}
	n := 1
	for n < maxShards && max/(2*n) >= minShard {
		n *= 2
	}
	m := &Memory{seed: maphash.MakeSeed(), shards: make([]shard, n)}
	m.clock.start(now)
	for i := range m.shards {
		m.shards[i].init(max / n)
	}
	return m
}

// Use counts one use of id within space, and remembers it until until. It is
// true while no more than limit uses were granted. It never blocks, and ctx is
// not asked. The error is a *durward.Unavailable: there is no room.
//
// A wall clock that is set ahead forgets nothing early, and one that is set back
// makes nothing usable again. Where now gives no monotonic reading, the latest time
// that was ever seen stands for the present until now is past it.
func (m *Memory) Use(_ context.Context, space string, id [32]byte, limit int, until time.Time) (bool, error) {
	now := m.clock.read()
	end := until.UnixNano()
	// A time beyond what fits (year 2255) is remembered as long as can be told.
	if until.After(latest) {
		end = latest.UnixNano()
	}
	if limit < 1 || !until.After(earliest) || end <= now.wall {
		return false, nil
	}
	s := &m.shards[maphash.Bytes(m.seed, id[:])&uint64(len(m.shards)-1)]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.use(space, id, uint64(limit), end, now)
}

// Len is how many ids are remembered, those included that have ended and were
// not cleared away yet. It is for metrics and tests.
func (m *Memory) Len() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += len(s.entries)
		s.mu.Unlock()
	}
	return n
}

var (
	latest   = time.Unix(9e9, 0)
	earliest = time.Unix(0, 0)
)

// shard is a part of the ids under one lock, on cache lines of its own.
type shard struct {
	mu      sync.Mutex
	entries map[key]entry // without pointers: the collector does not walk it
	queue   queue
	spaces  spaces
	most    int // entries since the map was made
	_       [64]byte
}

type key struct {
	id    [32]byte
	space uint32
}

// entry is forgotten when both its times are over.
type entry struct {
	count uint64
	wall  int64 // the caller's until
	mono  int64 // the same, on the clock that nobody sets
}

func (e *entry) over(now instant) bool { return now.wall >= e.wall && now.mono >= e.mono }

func (s *shard) init(max int) {
	s.entries = map[key]entry{}
	s.spaces = newSpaces(max)
}

func (s *shard) use(space string, id [32]byte, limit uint64, end int64, now instant) (bool, error) {
	s.forget(now)
	n, known := s.spaces.index[space]
	if known {
		k := key{id, n}
		if e, ok := s.entries[k]; ok {
			return s.again(k, e, limit, end, now), nil
		}
	}
	n, ok := s.spaces.take(space)
	if !ok {
		return false, errFull
	}
	k := key{id, n}
	e := entry{count: 1, wall: end, mono: now.mono + (end - now.wall)}
	s.entries[k] = e
	s.queue.push(item{e.mono, k})
	s.most = max(s.most, len(s.entries))
	return true, nil
}

// again counts a use of an id that has an entry. Its place in the queue stays:
// when its turn comes too early it is put back.
func (s *shard) again(k key, e entry, limit uint64, end int64, now instant) bool {
	if e.over(now) {
		e = entry{}
	}
	if e.count >= limit {
		return false
	}
	e.count++
	e.wall = max(e.wall, end)
	e.mono = max(e.mono, now.mono+(end-now.wall))
	s.entries[k] = e
	return true
}

const (
	// perCall is how many ended entries a call clears away. More than one, so
	// that a shard that is full of them empties faster than it fills.
	perCall = 4
	// pause is how long an entry waits, at least, that came up too early.
	pause = int64(time.Second)
)

// forget clears away some entries that are over.
func (s *shard) forget(now instant) {
	for n := 0; n < perCall && len(s.queue) > 0 && s.queue[0].mono <= now.mono; n++ {
		k := s.queue[0].key
		e := s.entries[k]
		if !e.over(now) {
			// Used again with a later end, or the clock was set back since.
			s.queue.delay(max(e.mono, now.mono+pause))
			continue
		}
		s.queue.pop()
		delete(s.entries, k)
		s.spaces.give(k.space)
	}
	if s.most > minShard && len(s.entries) < s.most/8 {
		s.shrink()
	}
}

// shrink gives back what a flood made grow: maps and slices never do by
// themselves. Copying an eighth is paid for by the seven that went.
func (s *shard) shrink() {
	smaller := make(map[key]entry, len(s.entries))
	for k, e := range s.entries {
		smaller[k] = e
	}
	s.entries, s.most = smaller, len(smaller)
	s.queue = append(make(queue, 0, len(s.queue)), s.queue...)
}
