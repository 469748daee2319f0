// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves HTTP/1.1 connections. It is safe for concurrent use.
type Server struct {
	handler Handler
	o       Options
	epoch   time.Time
	closing atomic.Bool
	date    atomic.Pointer[string] // the Date line, set by the sweep

	mu    sync.Mutex
	list  conn // the ring of open connections; its own is the ring's start
	open  int
	timer *time.Timer   // the sweep; nil before the first connection
	armed bool          // the sweep will come
	empty chan struct{} // closed when nothing is open and closing
}

// New makes a server that serves through h.
func New(h Handler, o Options) *Server {
	s := &Server{handler: h, o: o.withDefaults(), epoch: time.Now(), empty: make(chan struct{})}
	s.list.next, s.list.prev = &s.list, &s.list
	return s
}

// now is the time since the server was made; it costs half of time.Now.
func (s *Server) now() int64 { return int64(time.Since(s.epoch)) }

// ServeConn serves c until it ends, and closes it, unless Options.HTTP2 got
// it. On TLS, c is a *tls.Conn after its handshake. When c is a syscall.Conn,
// its descriptor is read as well, so c must hold no bytes of its own. ctx is
// the parent of what the handler gets. It is false, at once and with c as it
// was, when the server is closing.
func (s *Server) ServeConn(ctx context.Context, c net.Conn, info Info) bool {
	k := newConn(s, c, info)
	if !s.add(k) {
		return false
	}
	k.ctx, k.cancel = context.WithCancel(ctx)
	k.serve()
	return true
}

// add counts a connection in. It is false when the server is closing.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	c.next, c.prev = &s.list, s.list.prev
	c.prev.next, c.next.prev = c, c
	s.open++
	if !s.armed {
		s.armed = true
		s.setDate()
		if s.timer == nil {
			s.timer = time.AfterFunc(s.o.tick(), s.sweep)
		} else {
			s.timer.Reset(s.o.tick())
		}
	}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.next.prev, c.prev.next = c.prev, c.next
	c.next, c.prev = nil, nil
	if s.open--; s.open == 0 {
		s.timer.Stop()
		s.armed = false
		if s.closing.Load() {
			close(s.empty)
		}
	}
}

// Open counts the connections.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// sweep ends what has waited too long, and what its client has left.
func (s *Server) sweep() {
	var watched []*conn
	s.mu.Lock()
	if s.open == 0 {
		s.armed = false // the last one went while this began
		s.mu.Unlock()
		return
	}
	now := s.now()
	s.setDate()
	for c := s.list.next; c != &s.list; c = c.next {
		if expired(&c.readDue, now) {
			_ = c.nc.SetReadDeadline(past)
		}
		if expired(&c.writeDue, now) {
			_ = c.nc.SetWriteDeadline(past)
		}
		if at := c.watched.Load(); at != 0 && now-at >= int64(s.o.WatchAfter) {
			watched = append(watched, c)
		}
	}
	s.timer.Reset(s.o.tick())
	s.mu.Unlock()
	for _, c := range watched {
		c.look()
	}
}

// past is a deadline that ends what waits at once.
var past = time.Unix(1, 0)

// kicked is what the sweep leaves in a due time that has passed.
const kicked = -1

// expired tells that a due time has come, and says so to its owner. A due time
// of 0 is none.
func expired(due *atomic.Int64, now int64) bool {
	at := due.Load()
	return at > 0 && now >= at && due.CompareAndSwap(at, kicked)
}

// calm takes a due time back. It is false when the sweep was faster, whose
// deadline then ends what comes next, if it has not ended what was.
func calm(due *atomic.Int64) bool { return due.Swap(0) != kicked }

// CloseIdle ends the connections that wait for a further request, and soon
// those that wait for their first.
func (s *Server) CloseIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := s.list.next; c != &s.list; c = c.next {
		if c.state.CompareAndSwap(stateIdle, stateClosing) {
			_ = c.nc.SetReadDeadline(past)
		} else if c.state.Load() == stateNew {
			c.hurry()
		}
	}
}

// Shutdown takes no further connection, ends idle ones at once and busy ones
// with their answer, upgraded ones when they end by themselves. What is left
// when ctx ends is cut. It gives ctx's error when something was.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if first := s.closing.CompareAndSwap(false, true); first && s.open == 0 {
		close(s.empty)
	}
	s.mu.Unlock()
	s.CloseIdle()
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := s.list.next; c != &s.list; c = c.next {
		c.abort()
	}
	s.mu.Unlock()
	<-s.empty
	return ctx.Err()
}

// setDate makes the Date line of the coming second (RFC 9110, section 6.6.1).
func (s *Server) setDate() {
	line := "Date: " + time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") + "\r\n"
	s.date.Store(&line)
}
