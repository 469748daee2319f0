// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"slices"
	"sync"
	"sync/atomic"
)

// dfa is a machine whose steps are remembered. Goroutines share what any of
// them has found; only a new step takes the lock.
type dfa struct {
	machine
	entries []uint32 // instructions to start from, the first of them the prog's start
	cache   *Cache
	table   atomic.Pointer[table]

	idleOnce sync.Once
	idle     [256]bool // bytes that lead from the position of the start back to it

	mu       sync.Mutex
	progress int64 // bytes read since the table was last emptied, about
}

// table is the steps known so far. A row is a position, a column a class of
// bytes; an entry is the offset of the next row, 0 when it is not known yet.
type table struct {
	steps  []uint32 // read and written atomically
	finals []uint32 // by row, atomically: 0 not known, 1 nothing, 2 a match when the text ends here
	starts []uint32 // by entry and kind of the rune before it, atomically
	stride uint32
	bytes  int64

	// Guarded by dfa.mu until the table is replaced.
	rows  []position
	index map[string]uint32
	epoch int // of the numbering of rows: tables that only grew share it
}

// Rows 1 and 2 are reached when there is a match and when there cannot be one
// any more.
const (
	rowMatch = 1
	rowDead  = 2
	rowFirst = 3

	maxRows       = 4096
	firstRows     = 16
	maxTableBytes = 1 << 20
	// rowOverhead is about what a row takes besides its steps and instructions.
	rowOverhead = 120
)

func newDFA(m machine, cache *Cache, entries ...uint32) *dfa {
	d := &dfa{machine: m, cache: cache, entries: append([]uint32{m.prog.start}, entries...)}
	d.table.Store(d.empty(0, firstRows))
	cache.add(d)
	return d
}

func (d *dfa) empty(epoch, rows int) *table {
	stride := len(d.prog.byteReps)
	return &table{
		steps:  make([]uint32, stride*rows),
		finals: make([]uint32, rows),
		starts: make([]uint32, kinds*len(d.entries)),
		stride: uint32(stride),
		bytes:  int64(4 * ((stride+1)*rows + kinds*len(d.entries))),
		rows:   make([]position, rowFirst),
		index:  map[string]uint32{},
		epoch:  epoch,
	}
}

// begin is the row to start from, at an entry after a rune of kind prev; 0 when
// memory is spent.
func (d *dfa) begin(w *work, entry uint32, prev kind) (*table, uint32) {
	t := d.table.Load()
	place := kinds*entry + uint32(prev)
	if s := atomic.LoadUint32(&t.starts[place]); s != 0 {
		return t, s
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w.matched = false
	s := d.intern(w, d.startAt(w, d.entries[entry], prev))
	t = d.table.Load()
	atomic.StoreUint32(&t.starts[place], s)
	return t, s
}

// idling is the row of a search in which nothing has begun, 0 when it is not
// worth having, with its table. Bytes of d.idle change nothing there.
func (d *dfa) idling(w *work, text string) (*table, uint32) {
	const worth = 64
	if d.anchored || len(text) < worth {
		return nil, 0
	}
	d.idleOnce.Do(func() {
		base := d.start(w, kindOther)
		key := string(base.key(nil))
		base.insts = slices.Clone(base.insts)
		for _, rep := range d.prog.byteReps {
			w.matched = false
			w.key = d.step(w, base, rep).key(w.key[:0])
			same := !w.matched && string(w.key) == key
			for b, class := range d.prog.byteClass {
				if class == d.prog.byteClass[rep] {
					d.idle[b] = same
				}
			}
		}
	})
	return d.begin(w, 0, kindOther)
}

// miss finds the step that a reader of table t did not find there. It is 0 when
// memory is spent.
func (d *dfa) miss(w *work, t *table, from uint32, b byte, advance int) (*table, uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress += int64(advance)
	now := d.table.Load()
	w.matched = false
	if now.epoch != t.epoch {
		if from = d.intern(w, t.rows[from/t.stride]); from == 0 {
			return nil, 0
		}
		now = d.table.Load()
	}
	column := uint32(d.prog.byteClass[b])
	if to := now.steps[from+column]; to != 0 {
		return now, to
	}
	to := d.intern(w, d.step(w, now.rows[from/now.stride], b))
	after := d.table.Load()
	if to != 0 && after.epoch == now.epoch {
		atomic.StoreUint32(&after.steps[from+column], to)
	}
	return after, to
}

// intern is the row for a position, the one of a match when w.matched is set. It
// is 0 when the memory for a new row is spent.
func (d *dfa) intern(w *work, at position) uint32 {
	t := d.table.Load()
	switch {
	case w.matched:
		return rowMatch * t.stride
	case at.dead():
		return rowDead * t.stride
	}
	w.key = at.key(w.key[:0])
	if s, ok := t.index[string(w.key)]; ok {
		return s
	}
	size := int64(len(w.key)+4*len(at.insts)) + rowOverhead
	if t = d.room(t, size); t == nil {
		return 0
	}
	s := uint32(len(t.rows)) * t.stride
	at.insts = slices.Clone(at.insts)
	t.rows = append(t.rows, at)
	t.index[string(w.key)] = s
	t.bytes += size
	return s
}

func (p position) key(b []byte) []byte {
	b = append(b, byte(p.prev))
	b = appendInt32(b, p.node)
	for _, i := range p.insts {
		b = appendInt32(b, int32(i))
	}
	return b
}

// room reserves memory for one more row of this size. It gives the table to put
// it in: the same, a larger one or an emptied one; nil when memory is spent.
func (d *dfa) room(t *table, size int64) *table {
	rows, more := len(t.finals), size
	if len(t.rows) == rows {
		more += int64(4 * (int(t.stride) + 1) * rows)
		rows *= 2
	}
	if rows <= maxRows && t.bytes+more <= maxTableBytes && d.cache.take(more) {
		if rows == len(t.finals) {
			return t
		}
		larger := d.empty(t.epoch, rows)
		copy(larger.steps, t.steps)
		for i := range t.finals {
			larger.finals[i] = atomic.LoadUint32(&t.finals[i])
		}
		larger.starts, larger.rows, larger.index = t.starts, t.rows, t.index
		larger.bytes = t.bytes + more - size
		d.table.Store(larger)
		return larger
	}
	// Emptying pays only when the rows were of use for a while.
	if d.progress < 16*int64(len(t.rows)) {
		return nil
	}
	if t = d.reset(); d.cache.take(size) {
		return t
	}
	return nil
}

// reset empties the table. The caller holds d.mu.
func (d *dfa) reset() *table {
	old := d.table.Load()
	t := d.empty(old.epoch+1, firstRows)
	d.cache.used.Add(t.bytes - old.bytes)
	d.cache.resets.Add(1)
	d.progress = 0
	d.table.Store(t)
	return t
}

// final says whether there is a match when the text ends at a row.
func (d *dfa) final(w *work, t *table, s uint32) bool {
	r := s / t.stride
	if known := atomic.LoadUint32(&t.finals[r]); known != 0 {
		return known == 2
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w.matched = false
	d.finish(w, t.rows[r])
	known := uint32(1)
	if w.matched {
		known = 2
	}
	atomic.StoreUint32(&t.finals[r], known)
	return w.matched
}

// at is the position of a row.
func (d *dfa) at(t *table, s uint32) position {
	d.mu.Lock()
	defer d.mu.Unlock()
	return t.rows[s/t.stride]
}
