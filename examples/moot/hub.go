// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import "sync"

// queued is how many events may wait for one subscriber; one that falls further
// behind is cut off, so that it cannot make the API keep more.
const queued = 64

// event tells of one message.
type event struct {
	space, message string
	kind           string // "posted", "edited" or "deleted"
	data           []byte // JSON
}

// subscriber follows one space. Its channel is closed when it fell behind or
// the hub closed.
type subscriber struct {
	space  string
	events chan event
	gone   bool // the channel is closed; guarded by the hub's lock
}

// hub passes events to those who follow a space.
type hub struct {
	mu     sync.Mutex
	subs   map[*subscriber]struct{}
	closed bool
	active sync.WaitGroup // subscribers not yet left
}

func newHub() *hub { return &hub{subs: make(map[*subscriber]struct{})} }

// subscribe starts to follow a space; leave must be called in the end.
func (h *hub) subscribe(space string) (*subscriber, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.subs) == maxStreams {
		return nil, busy
	}
	s := &subscriber{space: space, events: make(chan event, queued)}
	h.subs[s] = struct{}{}
	h.active.Add(1)
	return s, nil
}

func (h *hub) leave(s *subscriber) {
	h.mu.Lock()
	h.cut(s)
	delete(h.subs, s)
	h.mu.Unlock()
	h.active.Done()
}

// publish never waits.
func (h *hub) publish(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if s.space != e.space || s.gone {
			continue
		}
		select {
		case s.events <- e:
		default:
			h.cut(s)
		}
	}
}

// cut closes a subscriber's channel. The lock must be held.
func (h *hub) cut(s *subscriber) {
	if !s.gone {
		s.gone = true
		close(s.events)
	}
}

func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	for s := range h.subs {
		h.cut(s)
	}
	h.mu.Unlock()
	h.active.Wait()
}
