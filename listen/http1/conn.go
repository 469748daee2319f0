// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The states of a connection.
const (
	stateBusy = iota
	stateNew  // waits for its first request
	stateIdle // waits for a further one
	stateClosing
)

// conn is one connection. It belongs to the goroutine that serves it; the sweep
// and Shutdown touch only the atomic fields and the deadlines of nc.
type conn struct {
	s     *Server
	nc    net.Conn
	under net.Conn        // the connection below TLS, else nc
	raw   syscall.RawConn // of under; nil when it has no descriptor
	info  Info
	work  *work // nil while idle

	next, prev *conn // in the server's ring

	ctx    context.Context
	cancel context.CancelFunc

	state    atomic.Int32
	readDue  atomic.Int64 // when the read that is waited for must be over
	writeDue atomic.Int64
	watched  atomic.Int64 // since when the client need not send; 0 is not at all

	clock   int64                 // Server.now at the last write
	recv    func(fd uintptr) bool // receive, as a value made once; nil when reads go through nc
	recvN   int
	recvErr error
	one     [1]byte
	used    bool // it had a request
	given   bool // it went to Options.HTTP2
}

func newConn(s *Server, nc net.Conn, info Info) *conn {
	c := &conn{s: s, nc: nc, under: nc, info: info}
	if below, ok := nc.(interface{ NetConn() net.Conn }); ok && info.TLS != nil {
		c.under = below.NetConn()
	}
	if sc, ok := c.under.(syscall.Conn); ok {
		c.raw, _ = sc.SyscallConn()
	}
	if c.raw != nil && c.under == nc && canReceive {
		c.recv = c.receive
	}
	return c
}

// serve runs the connection to its end.
func (c *conn) serve() {
	defer c.end()
	for c.await() && c.exchange() {
	}
}

// end closes the connection, and keeps a panic of the handler to it.
func (c *conn) end() {
	if v := recover(); v != nil {
		c.s.o.Log.Error("panic", "panic", v, "stack", string(debug.Stack()))
		c.work = nil // somebody may still hold it
		c.cut(false)
	}
	c.cancel()
	if !c.given {
		_ = c.nc.Close()
	}
	c.release()
	c.s.remove(c)
}

// abort cuts the connection from another goroutine.
func (c *conn) abort() {
	c.cancel()
	_ = c.under.Close()
}

const bufSize = 8 << 10

// work is what a busy connection needs, and an idle one gives back.
type work struct {
	buf       []byte // unread bytes are in buf[r:w]
	r, w      int
	head      head
	responder responder

	in, out [bufSize]byte
	fields  [48]span
}

var works = sync.Pool{New: func() any {
	w := new(work)
	w.buf, w.head.fields = w.in[:], w.fields[:0]
	return w
}}

// acquire makes the connection ready to be read from.
func (c *conn) acquire() *work {
	if c.work == nil {
		c.work = works.Get().(*work)
	}
	return c.work
}

// release gives the buffers back.
func (c *conn) release() {
	w := c.work
	if w == nil {
		return
	}
	c.work = nil
	w.buf, w.r, w.w = w.in[:], 0, 0
	w.head = head{fields: w.fields[:0]}
	w.responder = responder{}
	works.Put(w)
}

func (w *work) buffered() int { return w.w - w.r }

// await waits for the first bytes of a request. It is false when the
// connection is over.
func (c *conn) await() bool {
	if c.work != nil && c.work.buffered() > 0 {
		return !c.s.closing.Load()
	}
	state, within := int32(stateIdle), c.s.o.IdleTimeout
	if !c.used {
		state, within = stateNew, c.s.o.HeaderTimeout
	}
	if c.clock == 0 {
		c.clock = c.s.now()
	}
	c.readDue.Store(c.clock + int64(within))
	c.state.Store(state)
	if c.s.closing.Load() {
		if state == stateIdle {
			return false
		}
		c.hurry()
	}
	ok := c.receiveFirst()
	return c.state.CompareAndSwap(state, stateBusy) && calm(&c.readDue) && ok
}

// newGrace is how long a new connection may still wait for its first request
// when the server closes: a client that has just connected has sent one, or is
// about to, and would take the end of the connection for a lost request.
const newGrace = time.Second

// hurry gives a new connection no more than newGrace from now.
func (c *conn) hurry() {
	due := c.s.now() + int64(newGrace)
	if at := c.readDue.Load(); at > due {
		c.readDue.CompareAndSwap(at, due)
	}
}

// receiveFirst reads what comes first, without a buffer while nothing does.
func (c *conn) receiveFirst() bool {
	if c.recv != nil {
		return c.raw.Read(c.recv) == nil && c.recvErr == nil && c.recvN > 0
	}
	c.release()
	n, err := c.nc.Read(c.one[:])
	if n == 0 || err != nil {
		return false
	}
	w := c.acquire()
	w.buf[0], w.r, w.w = c.one[0], 0, 1
	return true
}

// more reads once more into the buffer, which grows up to most bytes when it
// is full. The due time is the caller's.
func (c *conn) more(most int) error {
	w := c.work
	switch {
	case w.r == w.w:
		w.r, w.w = 0, 0
	case w.w < len(w.buf):
	case w.r > 0:
		w.w = copy(w.buf, w.buf[w.r:w.w])
		w.r = 0
	default:
		bigger := make([]byte, max(min(2*len(w.buf), most), len(w.buf)+1))
		copy(bigger, w.buf)
		w.buf = bigger
	}
	n, err := c.nc.Read(w.buf[w.w:])
	w.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}
