// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"
	"sync"
	"sync/atomic"

	"durward"
)

// Follower gets a copy of every event, asynchronously. One that does not keep
// up loses events, never the log its time.
type Follower struct {
	// C gives the events; it is closed by Stop and when the log is closed.
	// The events of one exchange come in order; those of different exchanges
	// may come in another order than that of the file.
	C       <-chan durward.Event
	c       chan durward.Event
	dropped atomic.Uint64
	list    *followers
}

// Dropped is how many events did not fit the follower's buffer.
func (f *Follower) Dropped() uint64 { return f.dropped.Load() }

// Stop ends following and closes C. It may be called more than once.
func (f *Follower) Stop() { f.list.remove(f) }

// Follow adds a follower with room for buffer events, at least one. Attempts
// and system records come after they were stored, outcomes when they were
// queued.
func (l *Log) Follow(buffer int) *Follower {
	c := make(chan durward.Event, max(buffer, 1))
	f := &Follower{C: c, c: c, list: &l.followers}
	l.followers.add(f)
	return f
}

// followers is a list that is read on every request and seldom changed.
type followers struct {
	active atomic.Bool
	mu     sync.RWMutex // a sender holds it to read, so that no channel is closed under it
	list   []*Follower
	closed bool
}

func (s *followers) any() bool { return s.active.Load() }

func (s *followers) send(ev *durward.Event) {
	if !s.active.Load() {
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, f := range s.list {
		select {
		case f.c <- *ev:
		default:
			f.dropped.Add(1)
		}
	}
}

func (s *followers) add(f *Follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		close(f.c)
		return
	}
	s.list = append(s.list, f)
	s.active.Store(true)
}

func (s *followers) remove(f *Follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.list, f); i >= 0 {
		s.list = slices.Delete(s.list, i, i+1)
		close(f.c)
		s.active.Store(len(s.list) > 0)
	}
}

func (s *followers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.list {
		close(f.c)
	}
	s.list, s.closed = nil, true
	s.active.Store(false)
}
