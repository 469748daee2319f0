// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Pool is a client of one target. All its methods may be called at once from
// any goroutine.
type Pool struct {
	o     Options
	mu    sync.Mutex
	idle  []*conn   // the one used last is at the end; ages fall towards it
	open  int       // connections open or being opened: slots taken
	queue list.List // of *waiter, the longest waiting first
	ended bool
	armed bool // the sweep is due some time
	sweep *time.Timer
}

// Stats are a pool's gauges.
type Stats struct {
	Open    int // connections open or being opened, idle ones included
	Idle    int
	Waiting int // requests that wait for a connection
}

// waiter is a request that waits for a connection. It is granted either a
// connection or, with nil, the slot to open one.
type waiter struct{ grant chan *conn }

// New returns a pool that opens connections when they are needed.
func New(o Options) *Pool {
	o.setDefaults()
	p := &Pool{o: o}
	p.queue.Init()
	p.sweep = time.AfterFunc(time.Hour, p.expire)
	p.sweep.Stop()
	return p
}

// Stats returns the gauges of this moment.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Open: p.open, Idle: len(p.idle), Waiting: p.queue.Len()}
}

// Close closes the idle connections now and busy ones when they end. Requests
// that wait, and those that come later, fail.
func (p *Pool) Close() {
	p.mu.Lock()
	p.ended = true
	idle := p.idle
	p.idle = nil
	p.open -= len(idle)
	for e := p.queue.Front(); e != nil; e = p.queue.Front() {
		close(p.queue.Remove(e).(*waiter).grant)
	}
	p.sweep.Stop()
	p.mu.Unlock()
	for _, c := range idle {
		_ = c.nc.Close()
	}
}

// acquire gives a connection, used before or fresh. Its slot is the caller's
// until put or drop.
func (p *Pool) acquire(ctx context.Context) (*conn, error) {
	c, err := p.take(ctx)
	for err == nil && c != nil {
		if p.o.Now().Sub(c.since) < p.o.IdleTimeout && c.quiet() {
			c.used = true
			return c, nil
		}
		_ = c.nc.Close()
		c = p.next()
	}
	if err != nil {
		return nil, err
	}
	return p.dial(ctx)
}

// take gives an idle connection, or nil with a slot to open one.
func (p *Pool) take(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return nil, &Error{Op: "wait", Kind: Closed, Err: ErrPoolClosed}
	}
	if c := p.pop(); c != nil {
		p.mu.Unlock()
		return c, nil
	}
	if p.open < p.o.MaxConns {
		p.open++
		p.mu.Unlock()
		return nil, nil
	}
	if p.queue.Len() >= p.o.MaxWaiting {
		p.mu.Unlock()
		return nil, &Error{Op: "wait", Kind: Busy, Err: reason("too many requests wait for a connection")}
	}
	w := &waiter{grant: make(chan *conn, 1)}
	e := p.queue.PushBack(w)
	p.mu.Unlock()
	return p.wait(ctx, w, e)
}

func (p *Pool) wait(ctx context.Context, w *waiter, e *list.Element) (*conn, error) {
	t := time.NewTimer(p.o.MaxWait)
	defer t.Stop()
	var fault *Error
	select {
	case c, ok := <-w.grant:
		return c, granted(ok)
	case <-t.C:
		fault = &Error{Op: "wait", Kind: Busy, Err: reason("no connection came free in time")}
	case <-ctx.Done():
		fault = canceled("wait", ctx)
	}
	p.mu.Lock()
	select {
	case c, ok := <-w.grant: // granted in the last moment: pass it on
		p.mu.Unlock()
		if err := granted(ok); err != nil {
			return nil, err
		}
		if c != nil {
			p.put(c)
		} else {
			p.release()
		}
	default:
		p.queue.Remove(e)
		p.mu.Unlock()
	}
	return nil, fault
}

func granted(ok bool) error {
	if !ok {
		return &Error{Op: "wait", Kind: Closed, Err: ErrPoolClosed}
	}
	return nil
}

// pop takes the idle connection that was used last, for it is the least likely
// to have been closed by the target.
func (p *Pool) pop() *conn {
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

// next swaps the slot of a dead connection for that of another idle one, if
// there is one; else the caller keeps the slot.
func (p *Pool) next() *conn {
	p.mu.Lock()
	c := p.pop()
	p.mu.Unlock()
	if c != nil {
		p.release()
	}
	return c
}

// dial opens a connection in a slot that the caller holds.
func (p *Pool) dial(ctx context.Context) (*conn, error) {
	dctx, cancel := context.WithTimeout(ctx, p.o.ConnectTimeout)
	defer cancel()
	nc, err := p.o.Dial(dctx)
	if err == nil {
		return newConn(p, nc), nil
	}
	p.release()
	if ctx.Err() != nil {
		return nil, canceled("dial", ctx)
	}
	return nil, &Error{Op: "dial", Kind: Dial, Err: err}
}

// put gives a connection back for further use.
func (p *Pool) put(c *conn) {
	c.since = p.o.Now()
	p.mu.Lock()
	if !p.ended {
		if e := p.queue.Front(); e != nil {
			p.queue.Remove(e).(*waiter).grant <- c
			p.mu.Unlock()
			return
		}
		if len(p.idle) < p.o.MaxIdle {
			p.idle = append(p.idle, c)
			if !p.armed {
				p.armed = true
				p.sweep.Reset(p.o.IdleTimeout)
			}
			p.mu.Unlock()
			return
		}
	}
	p.mu.Unlock()
	p.drop(c)
}

// drop closes a connection and frees its slot.
func (p *Pool) drop(c *conn) {
	_ = c.nc.Close()
	p.release()
}

// release frees a slot, or hands it to whoever waits.
func (p *Pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.queue.Front(); e != nil {
		p.queue.Remove(e).(*waiter).grant <- nil
		return
	}
	p.open--
}

// expire closes what was idle for too long and comes back while there is
// anything idle.
func (p *Pool) expire() {
	now := p.o.Now()
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && now.Sub(p.idle[n].since) >= p.o.IdleTimeout {
		n++
	}
	old := append([]*conn(nil), p.idle[:n]...)
	kept := copy(p.idle, p.idle[n:])
	clear(p.idle[kept:])
	p.idle = p.idle[:kept]
	p.armed = kept > 0 && !p.ended
	if p.armed {
		p.sweep.Reset(max(p.idle[0].since.Add(p.o.IdleTimeout).Sub(now), time.Millisecond))
	}
	p.mu.Unlock()
	for _, c := range old {
		p.drop(c)
	}
}
