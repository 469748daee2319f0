// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"io"
	"os"
	"runtime"
	"time"
)

const (
	// linger is how long outcomes wait for an attempt to share a write with.
	linger = 20 * time.Millisecond
	// syncPace is the least time from one sync to the next while more callers are
	// expected to join. Syncing as fast as the disk can would spend more
	// processor time on that than on the requests.
	syncPace = time.Millisecond
	// syncInterval is how often a buffered log is synced.
	syncInterval = time.Second
	// A failing log tries again after firstRetry, then twice as long each
	// time, up to lastRetry.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
	// maxIdleBuffer is what a buffer may keep after a burst.
	maxIdleBuffer = 1 << 20
)

// writer owns the files. Its fields belong to the writer's goroutine.
type writer struct {
	l          *Log
	fs         fileSystem
	dir        string
	lock       *os.File
	compressor *compressor // nil: ended files stay as they are
	segments   []segment   // the last one is being written

	chain   *chain
	f       file  // nil after a failed sync, until a new one is made
	size    int64 // of the file up to its last good line
	broken  bool  // there may be bytes beyond size
	suspect bool  // a sync of f failed: it must not be written again
	out     []byte
	spare   *batch

	peak   int       // callers in a group, of late
	synced time.Time // when the last group was begun

	retry     time.Duration
	timer     *time.Timer
	syncTimer *time.Timer // buffered: runs while there is something to sync
	unsynced  bool        // buffered: written since the last sync began
	syncing   chan error  // buffered: the sync that runs; nil when none does
	closeErr  error
}

// run stores what is queued until the log is closed.
func (w *writer) run() {
	defer close(w.l.done)
	for w.wait() {
		w.step()
	}
	w.finish()
}

// wait returns true when the queue is to be written or a failure to be
// repaired, false when the log is being closed. Attempts are written at once;
// outcomes alone wait a little, because the next attempt can take them along.
func (w *writer) wait() bool {
	l := w.l
	lingering := true
	for {
		l.mu.Lock()
		failing := l.failure.Load() != nil
		queued := len(l.cur.records)
		pause := linger
		switch {
		case l.closing:
			l.mu.Unlock()
			return false
		case failing && w.retry == 0: // an overflow, not a fault that was tried already
			l.state = writerBusy
			l.mu.Unlock()
			return true
		case failing:
			l.state, pause = writerBusy, w.retry
		case l.cur.waiters != nil && w.gathers(&pause):
			l.state, l.gather = writerGathering, w.peak
		case l.cur.waiters != nil, l.cur.light != nil, queued > 0 && !lingering, queued > l.cfg.MaxQueue/4:
			l.state = writerBusy
			l.mu.Unlock()
			return true
		case lingering:
			l.state = writerLingering
		default:
			l.state, pause = writerIdle, 0
		}
		l.mu.Unlock()
		var timeout <-chan time.Time
		if pause > 0 {
			w.timer.Reset(pause)
			timeout = w.timer.C
		}
		select {
		case <-l.wake:
			// Whoever is ready to run gets the chance to join the group.
			runtime.Gosched()
			lingering = true
		case <-timeout:
			if failing {
				return true
			}
			lingering = false
		case <-w.syncTimer.C:
			w.startSync()
		case err := <-w.syncing:
			w.endSync(err)
		}
	}
}

// gathers tells whether the callers that wait shall wait for others, and how
// long. They do not when they are as many as of late, or the last sync was a
// while ago: one caller alone never waits. The caller holds mu.
func (w *writer) gathers(pause *time.Duration) bool {
	if w.l.cur.waiting >= w.peak {
		return false
	}
	*pause = syncPace - time.Since(w.synced)
	return *pause > 0
}

// step repairs what failed and writes what is queued.
func (w *writer) step() {
	if w.l.failure.Load() != nil {
		// An overflow is not the file's fault: what is queued goes first.
		if w.usable() {
			w.writeQueued()
		}
		if w.l.failure.Load() != nil && !w.recover() {
			return
		}
	}
	w.writeQueued()
}

func (w *writer) writeQueued() {
	b := w.l.take(w.spareBatch())
	if b == nil {
		return
	}
	w.spare = nil
	if b.waiters != nil || b.light == nil {
		w.peak, w.synced = max(b.waiting, w.peak*7/8), time.Now()
	}
	if err := w.store(b); err != nil {
		w.failed(err, b)
		return
	}
	if b.action != "" {
		last := b.action
		w.l.lastAction.Store(&last)
	}
	b.finish(nil)
	b.bytes, b.records, b.waiting, b.relaxed, b.action = b.bytes[:0], b.records[:0], 0, false, ""
	if cap(b.bytes) <= maxIdleBuffer {
		w.spare = b
	}
}

func (w *writer) spareBatch() *batch {
	if w.spare == nil {
		w.spare = &batch{}
	}
	return w.spare
}

// store writes a batch as lines of the chain.
func (w *writer) store(b *batch) error {
	if !w.usable() {
		return errors.New("audit file awaits repair")
	}
	if w.size+int64(len(b.bytes)) > int64(w.l.cfg.MaxFile) && w.chain.sequence > w.segments[len(w.segments)-1].first {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	// A record whose key is lost is lost itself: keys come first.
	if err := w.l.sealer.Flush(); err != nil {
		return err
	}
	from := w.chain.position
	out, start := w.out[:0], 0
	for _, r := range b.records {
		out = w.chain.seal(out, b.bytes[start:r.end])
		start = r.end
	}
	if w.out = out; cap(out) > maxIdleBuffer {
		w.out = nil
	}
	return w.append(out, from, b)
}

// append writes whole lines, those of b or nil for the log's own, and syncs them
// where that is due. from is the chain's position before them, to go back to
// when they fail.
func (w *writer) append(lines []byte, from position, b *batch) error {
	if err := writeAll(w.f, lines); err != nil {
		w.broken, w.chain.position = true, from
		return err
	}
	b.written()
	if !w.syncs(b) {
		w.scheduleSync()
	} else if err := w.sync(w.f); err != nil {
		w.broken, w.suspect, w.chain.position = true, true, from
		return err
	} else {
		w.unsynced = false
	}
	w.written(lines, from)
	return nil
}

// syncs tells whether lines are synced before the writer goes on: where somebody
// waits for that, and in a log that is not buffered all but those that nobody
// would have waited for.
func (w *writer) syncs(b *batch) bool {
	if b != nil && b.waiters != nil {
		return true
	}
	return w.l.cfg.Durability != DurabilityBuffered && (b == nil || !b.relaxed)
}

// written counts lines that are stored.
func (w *writer) written(lines []byte, from position) {
	w.size += int64(len(lines))
	c := &w.l.count
	c.records.Add(w.chain.sequence - from.sequence)
	c.groups.Add(1)
	c.bytes.Add(uint64(len(lines)))
	c.sequence.Store(w.chain.sequence)
	w.l.ready.Load().Stored(from.sequence+1, lines)
}

func writeAll(f file, lines []byte) error {
	n, err := f.Write(lines)
	if err == nil && n < len(lines) {
		err = io.ErrShortWrite
	}
	return err
}

func (w *writer) sync(f file) error {
	w.l.count.syncs.Add(1)
	return f.Sync()
}
