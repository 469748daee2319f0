// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"sync"

	"durward"
)

// batch is what one write will store: the encoded bodies one after another.
type batch struct {
	bytes   []byte
	records []record
	waiters *group // of those who wait until it is synced; nil when nobody does
	waiting int    // how many they are
	light   *group // of those who wait until it is written; nil when nobody does
	relaxed bool   // there were such
	action  string // id of the last admin record in it; "" for none
}

// record is one body in a batch. A kept one survives a failed write. A light
// one is kept once it was written: somebody was told so.
type record struct {
	end         int
	kept, light bool
}

// patience is what somebody who queues a record waits for.
type patience uint8

const (
	waitNot     patience = iota // nothing: the record is kept over a failure
	waitWritten                 // the operating system has it
	waitSynced                  // it is on the disk
)

// written lets those go who wait for no more than that.
func (b *batch) written() {
	if b == nil || b.light == nil {
		return
	}
	for i := range b.records {
		b.records[i].kept = b.records[i].kept || b.records[i].light
	}
	b.light.finish(nil)
	b.light, b.relaxed = nil, true
}

// finish lets everybody go who waits.
func (b *batch) finish(err error) {
	b.light.finish(err)
	b.waiters.finish(err)
	b.light, b.waiters = nil, nil
}

// group is what the callers of one batch wait for. err is set before done is
// closed.
type group struct {
	done chan struct{}
	err  error
}

func (g *group) finish(err error) {
	if g != nil {
		g.err = err
		close(g.done)
	}
}

// writerState tells whoever queues a record whether the writer needs a signal.
type writerState uint8

const (
	writerIdle      writerState = iota // waits without a timer
	writerLingering                    // waits a little for company; attempts need a signal
	writerGathering                    // waits until Log.gather callers wait, and for a timer
	writerBusy                         // looks at the queue again before it waits
)

// encoders are buffers for encoding outside the lock.
var encoders = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// enqueue encodes ev and queues it. One that somebody waits for belongs to the
// group that is returned, and is refused at once while the log fails; any other
// is kept over a failure, and counted as lost when it finds no room. urgent
// records may use the whole queue.
// op is the event's operation, nil for none. What is personal is sealed here,
// outside the lock, so that no copy of it ever waits in the queue. A record that
// somebody waits for is not stored when it cannot be sealed; any other goes
// without its personal fields.
func (l *Log) enqueue(ev *durward.Event, op *durward.Operation, wait patience, urgent bool) (*group, error) {
	if l.sealer != nil {
		covered := borrowEvent()
		defer giveBack(covered)
		*covered, ev = *ev, covered
		if err := l.sealer.Cover(ev, op); err != nil && wait != waitNot {
			return nil, err
		}
	}
	enc := encoders.Get().(*[]byte)
	body := appendBody((*enc)[:0], ev)
	action := ""
	if ev.Kind == durward.EventAdmin {
		action = ev.Admin.ID
	}
	g, err := l.add(body, wait, urgent, action)
	*enc = body
	encoders.Put(enc)
	return g, err
}

func (l *Log) add(body []byte, until patience, urgent bool, action string) (g *group, err error) {
	signal, wait := false, until != waitNot
	l.mu.Lock()
	b := l.cur
	queued := len(b.records)
	switch f := l.failure.Load(); {
	case l.closing:
		err = ErrClosed
	case wait && f != nil:
		err = f.err
	case queued >= l.cfg.MaxQueue, len(b.bytes)+len(body) > maxQueueBytes,
		wait && !urgent && queued >= l.cfg.MaxQueue/2:
		err = ErrOverflow
	}
	if err != nil {
		l.reject(wait, err)
		l.mu.Unlock()
		return nil, err
	}
	b.bytes = append(b.bytes, body...)
	b.records = append(b.records, record{len(b.bytes), !wait, until == waitWritten})
	if action != "" {
		b.action = action
	}
	if queued == l.cfg.MaxQueue/2 {
		l.pressed.Store(true)
	}
	switch {
	case until == waitWritten:
		if b.light == nil {
			b.light = &group{done: make(chan struct{})}
		}
		g = b.light
		// A group that gathers for a sync takes it along, in a moment.
		if l.state != writerGathering {
			signal, l.state = l.state != writerBusy, writerBusy
		}
	case until == waitSynced:
		if b.waiters == nil {
			b.waiters = &group{done: make(chan struct{})}
		}
		g = b.waiters
		b.waiting++
		if l.state != writerGathering || b.waiting >= l.gather {
			signal = l.state != writerBusy
			l.state = writerBusy
		}
	case l.state == writerIdle:
		signal, l.state = true, writerLingering
	case queued == l.cfg.MaxQueue/4:
		signal = l.state != writerBusy
	}
	l.mu.Unlock()
	if signal {
		l.signal()
	}
	return g, nil
}

// reject counts a record that was not queued; the caller holds mu. The loss of
// an outcome makes the log fail until a system record has told of it.
func (l *Log) reject(wait bool, err error) {
	if wait {
		l.refused++
		return
	}
	l.lost++
	l.count.outcomesLost.Add(1)
	if l.failure.Load() == nil {
		l.failure.Store(&failure{err})
		l.count.failures.Add(1)
	}
}

func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default: // one is pending already
	}
}

// take removes the queued records from the queue; nil when there are none.
func (l *Log) take(spare *batch) *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.cur.records) == 0 {
		return nil
	}
	b := l.cur
	l.cur = spare
	l.pressed.Store(false)
	return b
}

// fail makes the log fail with err: whoever waits is told, the records of
// failed and of the queue that are to be kept are queued again.
func (l *Log) fail(err error, failed *batch) {
	l.mu.Lock()
	if l.failure.Load() == nil {
		l.count.failures.Add(1)
	}
	l.failure.Store(&failure{err})
	queue := l.cur
	l.cur = &batch{}
	if failed != nil {
		l.requeue(failed)
	}
	l.requeue(queue)
	l.pressed.Store(len(l.cur.records) > l.cfg.MaxQueue/2)
	l.mu.Unlock()
	if failed != nil {
		failed.finish(err)
	}
	queue.finish(err)
}

// requeue appends what is to be kept of b to the queue; the caller holds mu.
func (l *Log) requeue(b *batch) {
	start := 0
	for _, r := range b.records {
		body := b.bytes[start:r.end]
		start = r.end
		switch {
		case !r.kept:
			l.refused++
		case len(l.cur.records) >= l.cfg.MaxQueue:
			l.reject(false, ErrOverflow)
		default:
			l.cur.bytes = append(l.cur.bytes, body...)
			l.cur.records = append(l.cur.records, record{len(l.cur.bytes), true, false})
		}
	}
}
