// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// socket is a bound address. It outlives reloads: what serves its connections
// is the front that current points to.
type socket struct {
	ln      net.Listener
	guard   *guard
	current atomic.Pointer[front]
	log     *slog.Logger
	done    chan struct{}
}

// bind opens the address of cfg.
func bind(ctx context.Context, address string, log *slog.Logger) (*socket, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &socket{ln: ln, guard: newGuard(), log: log, done: make(chan struct{})}, nil
}

// accept hands connections to the current front until the socket is closed. A
// front never blocks it: the guard has bounded what is open.
func (s *socket) accept() {
	defer close(s.done)
	for pause := time.Duration(0); ; {
		c, err := s.ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors, or a connection that ended in the queue:
			// wait a little, so that the loop does not spin.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Warn("accept failed", "error", err, "retry_in", pause)
			time.Sleep(pause)
			continue
		}
		pause = 0
		// A front that ended while the connection waited gives it to the one
		// that a reload put in its place.
		f := s.current.Load()
		for !f.take(s, c) {
			next := s.current.Load()
			if next == f {
				c.Close()
				break
			}
			f = next
		}
	}
}

func (s *socket) close() {
	s.ln.Close()
	<-s.done
}

// guard counts the open connections of one socket, in all and by address.
type guard struct {
	mu    sync.Mutex
	total int
	by    map[netip.Addr]int

	refused atomic.Uint64
	http2   http2counts
}

func newGuard() *guard { return &guard{by: map[netip.Addr]int{}} }

// enter counts a connection in, or says that it is one too many.
func (g *guard) enter(who netip.Addr, l *Limits, exempt bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= l.Connections || !exempt && g.by[who] >= l.ConnectionsPerAddress {
		g.refused.Add(1)
		return false
	}
	g.total++
	g.by[who]++
	return true
}

func (g *guard) leave(who netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.by[who]--; g.by[who] <= 0 {
		delete(g.by, who)
	}
}

func (g *guard) open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
}

// holder is what an address is counted under: an IPv6 client can use any
// address of its /64, so that counts as one.
func holder(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64)
		return p.Addr()
	}
	return a
}

// conn is a client's connection. Deadlines are set by the goroutine that reads
// requests from it; for HTTP/2 by the standard library alone.
type conn struct {
	net.Conn
	home  *socket
	guard *guard
	who   netip.Addr
	peer  netip.AddrPort
	local netip.AddrPort
	once  sync.Once

	proxied *proxyHeader // set when the front expects a PROXY header

	hungUp atomic.Bool // nothing more is read; see hangUp

	within  time.Duration // bounds each write of HTTP/2; 0 does not
	writeBy atomic.Int64  // the write deadline that Write set, in Unix nanoseconds
}

// Close counts the connection out, once.
func (c *conn) Close() error {
	c.once.Do(func() { c.guard.leave(c.who) })
	return c.Conn.Close()
}

// Read reads the PROXY header first, where one is due.
func (c *conn) Read(p []byte) (int, error) {
	if c.proxied != nil {
		if err := c.proxied.await(c); err != nil {
			return 0, err
		}
	}
	if c.hungUp.Load() {
		return 0, io.EOF
	}
	return c.Conn.Read(p)
}

// SyscallConn lets package http1 wait for a request without a buffer. The PROXY
// header was read to its last byte before.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	if raw, ok := c.Conn.(syscall.Conn); ok {
		return raw.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// RemoteAddr is the client's address as the PROXY header gives it, where one
// is due; else the connection's.
func (c *conn) RemoteAddr() net.Addr {
	if c.proxied != nil && c.proxied.await(c) == nil {
		return net.TCPAddrFromAddrPort(c.peer)
	}
	return c.Conn.RemoteAddr()
}

// Write bounds the time of every write, whoever makes it: an answer, an interim
// answer, a handshake, a refusal of the standard library. Writers take turns.
// Setting a deadline costs as much as a small write, so one that has most of
// its time left is kept: a write may then get as little as half of the time.
func (c *conn) Write(p []byte) (int, error) {
	if c.within == 0 { // package http1 sees to it
		return c.Conn.Write(p)
	}
	now := time.Now()
	if left := time.Duration(c.writeBy.Load() - now.UnixNano()); left <= c.within/2 || left > c.within {
		until := now.Add(c.within)
		c.Conn.SetWriteDeadline(until)
		c.writeBy.Store(until.UnixNano())
	}
	return c.Conn.Write(p)
}

// SetWriteDeadline is for net/http and for connections that left HTTP; the
// next Write sets its own again.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writeBy.Store(0)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline does the same for both directions.
func (c *conn) SetDeadline(t time.Time) error {
	c.writeBy.Store(0)
	return c.Conn.SetDeadline(t)
}

// SetLinger lets the end of the connection be a reset, so that a client that
// takes the end of the connection for the end of the content is not misled.
func (c *conn) SetLinger(seconds int) error {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		return t.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
