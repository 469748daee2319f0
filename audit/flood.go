// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"net/netip"
	"sync"
	"time"

	"durward"
)

const (
	floodShards   = 16
	floodPerShard = 256 // keys; what comes beyond is counted together
)

// floodTable counts refusals that get no record of their own. A cell lives
// from the first refusal of its key to the next sweep, at most one window.
// A shard holds floodPerShard keys, and one for each code beyond that, so that
// the records of one sweep are bounded too.
type floodTable struct {
	window time.Duration
	now    func() time.Time
	sweep  func()
	shards [floodShards]floodShard

	mu      sync.Mutex // guards the timer
	timer   *time.Timer
	stopped bool
}

type floodShard struct {
	mu    sync.Mutex
	cells map[floodKey]*floodCell
	_     [40]byte // a cache line of its own
}

// floodKey holds the operation by pointer: operations are shared and
// immutable, so equal pointers are equal operations, and hashing one is cheap.
// The zero address stands for all clients that found the shard full.
type floodKey struct {
	client    netip.Addr
	operation *durward.Operation
	code      durward.Code
}

type floodCell struct {
	count int // beyond the first, which has a record of its own
	since time.Time
}

// first counts a refusal and tells whether it is to be written in full.
func (t *floodTable) first(client netip.Addr, op *durward.Operation, code durward.Code) bool {
	key := floodKey{client, op, code}
	a := client.As16()
	shard := &t.shards[(a[15]^a[13]^a[11]^a[7]^a[5])%floodShards]
	shard.mu.Lock()
	if cell := shard.cells[key]; cell != nil {
		cell.count++
		shard.mu.Unlock()
		return false
	}
	empty := len(shard.cells) == 0
	full := false
	if len(shard.cells) >= floodPerShard {
		full, key = true, floodKey{code: code}
		if cell := shard.cells[key]; cell != nil {
			cell.count++
			shard.mu.Unlock()
			return false
		}
	}
	if shard.cells == nil {
		shard.cells = make(map[floodKey]*floodCell)
	}
	cell := &floodCell{since: t.now()}
	if full {
		cell.count = 1
	}
	shard.cells[key] = cell
	shard.mu.Unlock()
	if empty {
		t.arm()
	}
	return !full
}

// arm starts the window's timer unless it runs.
func (t *floodTable) arm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer == nil && !t.stopped {
		t.timer = time.AfterFunc(t.window, func() {
			t.mu.Lock()
			t.timer = nil
			t.mu.Unlock()
			t.sweep()
		})
	}
}

func (t *floodTable) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.timer != nil {
		t.timer.Stop()
	}
}

// sweepFloods empties the table and queues one record for each cell that
// counted anything.
func (l *Log) sweepFloods() {
	for i := range l.floods.shards {
		shard := &l.floods.shards[i]
		shard.mu.Lock()
		cells := shard.cells
		shard.cells = nil
		shard.mu.Unlock()
		now := l.now()
		for key, cell := range cells {
			if cell.count == 0 {
				continue
			}
			ev := durward.Event{
				Kind: durward.EventFlood, Time: now, Client: key.client,
				Code: key.code, Count: cell.count, Took: now.Sub(cell.since),
			}
			if key.operation != nil {
				ev.API, ev.Operation = key.operation.API, key.operation.ID
			}
			l.followers.send(&ev)
			_, _ = l.enqueue(&ev, false, false) // a loss is counted there
		}
	}
}
