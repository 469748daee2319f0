// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	bufSize  = 8 << 10  // head and small bodies, both ways
	bulkSize = 32 << 10 // pieces of large request bodies
)

var (
	buffers = sync.Pool{New: func() any { return new([bufSize]byte) }}
	bulks   = sync.Pool{New: func() any { return new([bulkSize]byte) }}
)

// conn is one connection. It belongs to the pool while idle and to one
// exchange while busy. Only abort may be called from elsewhere.
type conn struct {
	p    *Pool
	nc   net.Conn
	peek *peeker
	used bool // it has carried an exchange before this one
	// since is when it became idle.
	since time.Time

	// Of the exchange under way. own is the pooled buffer behind buf, which
	// holds unread bytes in buf[r:w]; both are nil while idle, and own is nil once
	// a large head made buf outgrow it.
	own  *[bufSize]byte
	buf  []byte
	r, w int
	got  bool // bytes of the answer arrived
	sent bool // bytes of the request went out

	ctx     context.Context
	unhook  func() bool // nil when ctx cannot end
	hook    func()      // abort, as a value made once
	aborted atomic.Bool

	readBy, writeBy time.Time // the deadlines that are set
}

func newConn(p *Pool, nc net.Conn) *conn {
	c := &conn{p: p, nc: nc, peek: newPeeker(nc)}
	c.hook = c.abort
	return c
}

// quiet tells that an idle connection is alive and that nothing has arrived
// on it. Bytes that nobody asked for would become the answer of the next
// request, so they end the connection. It is asked before every use: it costs
// half a microsecond, and an answer sent twice arrives within less than any
// idle time worth a threshold.
func (c *conn) quiet() bool { return c.peek.quiet() }

// begin makes c ready for an exchange under ctx, to read into own.
func (c *conn) begin(ctx context.Context, own *[bufSize]byte) {
	c.own, c.buf, c.r, c.w = own, own[:], 0, 0
	c.got, c.sent = false, false
	c.ctx = ctx
	if ctx.Done() != nil {
		c.unhook = context.AfterFunc(ctx, c.hook)
	}
}

// abort ends what the exchange waits for.
func (c *conn) abort() {
	c.aborted.Store(true)
	_ = c.nc.Close()
}

// detach takes the exchange off c. It is false when ctx has ended meanwhile.
func (c *conn) detach() bool {
	calm := c.unhook == nil || c.unhook()
	c.unhook, c.ctx = nil, nil
	if c.own != nil {
		buffers.Put(c.own)
	}
	c.own, c.buf = nil, nil
	return calm
}

// end finishes the exchange; keep says that its framing allows another one.
func (c *conn) end(keep bool) {
	keep = keep && c.r == c.w
	if c.detach() && keep {
		c.p.put(c)
		return
	}
	c.p.drop(c)
}

// fail makes an Error of what the connection returned. It does not end it.
func (c *conn) fail(op string, err error) *Error {
	var e *Error
	if c.aborted.Load() && c.ctx != nil {
		e = canceled(op, c.ctx)
	} else {
		e = classify(op, err)
	}
	e.Sent = c.sent
	return e
}

// due says that the deadline set is not within [d, d+slack] from now. Setting
// one costs as much as parsing a few header lines, so one set a little late is
// good for many exchanges.
func due(set *time.Time, d time.Duration) bool {
	left := time.Until(*set)
	slack := min(d/8, 2*time.Second)
	if left >= d && left <= d+slack {
		return false
	}
	*set = time.Now().Add(d + slack)
	return true
}

func (c *conn) readWithin(d time.Duration) {
	if due(&c.readBy, d) {
		_ = c.nc.SetReadDeadline(c.readBy)
	}
}

func (c *conn) writeWithin(d time.Duration) {
	if due(&c.writeBy, d) {
		_ = c.nc.SetWriteDeadline(c.writeBy)
	}
}

// write sends b under the write timeout.
func (c *conn) write(b []byte) error {
	c.writeWithin(c.p.o.WriteTimeout)
	n, err := c.nc.Write(b)
	c.sent = c.sent || n > 0
	return err
}

func (c *conn) buffered() int { return c.w - c.r }

// fill reads once more into the buffer; the deadline is the caller's. The
// buffer must have room, see makeRoom.
func (c *conn) fill() error {
	n, err := c.nc.Read(c.buf[c.w:])
	if n > 0 {
		c.w += n
		c.got = true
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// makeRoom moves the unread bytes to the front, and doubles a buffer that is
// full of them up to most bytes.
func (c *conn) makeRoom(most int) {
	if c.w < len(c.buf) {
		return
	}
	if c.r > 0 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
		return
	}
	bigger := make([]byte, max(min(2*len(c.buf), most), len(c.buf)+1))
	copy(bigger, c.buf)
	if c.own != nil {
		buffers.Put(c.own)
		c.own = nil
	}
	c.buf = bigger
}
