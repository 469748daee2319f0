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
	// floodWhole is how many refusals of one key are written in full in a
	// window, other than those by limits: enough to read what a client tries,
	// too few to fill a disk. Beyond the first of each key, a shard writes
	// floodPerShard of them.
	floodWhole = 16
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
	mu       sync.Mutex
	cells    map[floodKey]*floodCell
	repeated int      // refusals written in full beyond the first of their key
	_        [32]byte // a cache line of its own
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
	whole int // have a record of their own
	count int // beyond those
	since time.Time
}

// network is what a client is counted by: one host can use any address of an
// IPv6 /64, so that counts as one client.
func network(client netip.Addr) netip.Addr {
	if client.Is6() && !client.Is4In6() {
		p, _ := client.WithZone("").Prefix(64)
		return p.Addr()
	}
	return client
}

// first counts a refusal and tells whether it is to be written in full, as the
// first most of their key are while there is room.
func (t *floodTable) first(client netip.Addr, op *durward.Operation, code durward.Code, most int) bool {
	client = network(client)
	key := floodKey{client, op, code}
	a := client.As16()
	shard := &t.shards[(a[15]^a[13]^a[11]^a[7]^a[5])%floodShards]
	shard.mu.Lock()
	if cell := shard.cells[key]; cell != nil {
		again := cell.whole < most && shard.repeated < floodPerShard
		if again {
			cell.whole++
			shard.repeated++
		} else {
			cell.count++
		}
		shard.mu.Unlock()
		return again
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
	cell := &floodCell{whole: 1, since: t.now()}
	if full {
		cell.whole, cell.count = floodWhole, 1 // of nobody in particular: never in full
	} else if most == 0 {
		cell.whole, cell.count = 0, 1
	}
	shard.cells[key] = cell
	shard.mu.Unlock()
	if empty {
		t.arm()
	}
	return !full && most > 0
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
// counted anything. While the queue is full, counts stay for the next sweep, so
// that they are exact; unless the log is being closed.
func (l *Log) sweepFloods() {
	kept := false
	for i := range l.floods.shards {
		shard := &l.floods.shards[i]
		shard.mu.Lock()
		cells := shard.cells
		shard.cells, shard.repeated = nil, 0
		shard.mu.Unlock()
		now := l.now()
		for key, cell := range cells {
			if cell.count == 0 {
				continue
			}
			if l.full() && l.floods.keep(shard, key, cell) {
				kept = true
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
			_, _ = l.enqueue(&ev, key.operation, waitNot, false) // a loss is counted there
		}
	}
	if kept {
		l.floods.arm()
	}
}

// full tells whether the queue has no room.
func (l *Log) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.cur.records) >= l.cfg.MaxQueue
}

// keep puts a cell back with its count, and tells whether there is a next sweep.
// Where the shard is full meanwhile, it goes to the cell of its code.
func (t *floodTable) keep(shard *floodShard, key floodKey, cell *floodCell) bool {
	t.mu.Lock()
	stopped := t.stopped
	t.mu.Unlock()
	if stopped {
		return false
	}
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.cells == nil {
		shard.cells = make(map[floodKey]*floodCell)
	}
	if shard.cells[key] == nil && len(shard.cells) >= floodPerShard {
		key = floodKey{code: key.code}
	}
	there := shard.cells[key]
	if there == nil {
		cell.whole = floodWhole // those of the next window are counted with these
		shard.cells[key] = cell
		return true
	}
	there.count += cell.count
	if cell.since.Before(there.since) {
		there.since = cell.since
	}
	return true
}
