// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"io"
	"sync"
	"time"

	"durward"
)

// upload is a request's content on its way to an HTTP/2 target. net/http reads
// it on a goroutine of its own, which may go on when the exchange has ended,
// so it works on a copy of the exchange's Body and touches no memory of the
// exchange once it was detached.
type upload struct {
	gate   *uploadGate
	body   durward.Body // when it streams
	data   []byte       // when it is buffered
	whole  bool
	length int64
}

// uploadGate is what an upload and its repetitions share.
type uploadGate struct {
	mu       sync.Mutex
	watch    *watchdog
	owner    *durward.Body // nil once detached
	reading  bool
	moved    bool // bytes were taken from the client
	detached bool
	err      error // the client's fault
}

// newUpload gives nil for a request without content.
func newUpload(b *durward.Body, w *watchdog) *upload {
	if b.Empty() {
		return nil
	}
	up := &upload{gate: &uploadGate{watch: w, owner: b}, length: b.Length(), whole: b.Buffered()}
	if up.whole {
		up.data, _ = b.Bytes()
		return up
	}
	up.body = *b
	return up
}

// again gives the same buffered content from its start.
func (u *upload) again() *upload {
	up := &upload{gate: u.gate, whole: true, length: u.length}
	up.gate.mu.Lock()
	defer up.gate.mu.Unlock()
	if !up.gate.detached {
		up.data, _ = up.gate.owner.Bytes()
	}
	return up
}

// Read is called by net/http's goroutine alone.
func (u *upload) Read(p []byte) (int, error) {
	g := u.gate
	g.mu.Lock()
	if g.detached {
		g.mu.Unlock()
		return 0, durward.ErrBodyAborted
	}
	if u.whole {
		// Under the lock, since the buffer is the exchange's.
		defer g.mu.Unlock()
		n := copy(p, u.data)
		u.data = u.data[n:]
		if len(u.data) == 0 {
			return n, io.EOF
		}
		return n, nil
	}
	g.reading, g.moved = true, true
	g.mu.Unlock()
	g.watch.sleep()
	n, err := u.body.Read(p)
	g.watch.wake()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reading = false
	if err != nil && err != io.EOF {
		g.err = err
	}
	return n, err
}

// Close is net/http's word that it needs no more.
func (u *upload) Close() error { return nil }

// fault is the client's fault that ended the content, if any.
func (u *upload) fault() error {
	if u == nil {
		return nil
	}
	u.gate.mu.Lock()
	defer u.gate.mu.Unlock()
	return u.gate.err
}

// detach cuts the upload off the exchange, which learns how far it got. A read
// that waits for the client at this moment ends by itself when the listener
// ends the client's stream.
func (u *upload) detach() {
	if u == nil {
		return
	}
	g := u.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.detached {
		return
	}
	g.detached = true
	if !u.whole && g.moved && !g.reading {
		*g.owner = u.body
	}
	g.owner = nil
}

// untouched tells that nothing was taken from the client, so that the content
// can still be sent elsewhere.
func (u *upload) untouched() bool {
	if u == nil || u.whole {
		return true
	}
	u.gate.mu.Lock()
	defer u.gate.mu.Unlock()
	return !u.gate.moved
}

// http2Body is the content of an answer over HTTP/2. One goroutine uses it.
type http2Body struct {
	rc          io.ReadCloser
	lane        *lane
	up          *upload
	parent, ctx context.Context
	cancel      context.CancelCauseFunc
	idle        time.Duration
	timer       *time.Timer
	left        int64 // bytes to come, -1 when unknown
	err         error // sticky
	closed      bool
}

// Read waits at most the idle time for the next bytes. Its errors are io.EOF
// at the answer's end and else an *http1.Error: the answer is cut.
func (b *http2Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(b.idle, func() { b.cancel(errIdleBody) })
	} else {
		b.timer.Reset(b.idle)
	}
	n, err := b.rc.Read(p)
	b.timer.Stop()
	if b.left >= 0 {
		b.left -= int64(n)
	}
	if err == io.EOF && b.left > 0 {
		err = errLength
	}
	if err != nil && err != io.EOF {
		err = http2Error("body", err, b.parent, b.ctx, b.up)
	}
	b.err = err
	return n, err
}

// Close ends the exchange with the target, before its end by a reset.
func (b *http2Body) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	if b.err == nil {
		b.err = errClientGone
	}
	if b.timer != nil {
		b.timer.Stop()
	}
	b.up.detach()
	err := b.rc.Close()
	b.cancel(nil)
	b.lane.leave()
	return err
}
