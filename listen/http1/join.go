// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"durward"
)

// Upgrade implements durward.Responder: it sends the 101 (RFC 9110, section
// 15.2.2) and joins both ends. What the client sent behind its request goes to
// the upstream first. The request's content must have been read.
func (o *responder) Upgrade(ctx context.Context, r *durward.Response, extra durward.Header, idle time.Duration) (toClient, toUpstream int64, err error) {
	c := o.c
	switch {
	case o.begun:
		return 0, 0, errAnswered
	case o.upgrade == "" || o.src != nil && !o.src.skip():
		o.Abort()
		return 0, 0, errUpgrade
	}
	o.begun, o.keep = true, false
	c.watched.Store(0)
	w := headWriter{b: c.work.out[:0]}
	w.status(101)
	w.field("Connection", "Upgrade")
	w.field("Upgrade", o.upgrade)
	w.fields(r.Header)
	w.fields(extra)
	if err := w.end(); err != nil {
		return 0, 0, err
	}
	if err := c.write(w.b); err != nil {
		return 0, 0, err
	}
	o.done, o.linger = true, false
	// Both ends, since either may be what is waited for: a client that does
	// not send, or an upstream that does not read.
	stop := context.AfterFunc(ctx, func() {
		_ = c.under.Close()
		_ = r.Upgraded.Close()
	})
	defer stop()
	j := joint{c: c, upstream: r.Upgraded, idle: idle, write: c.s.o.WriteTimeout}
	return j.run()
}

// joint joins a client's and an upstream's connection until one of them ends,
// or nothing has come from either for the idle time.
type joint struct {
	c           *conn
	upstream    io.ReadWriteCloser
	idle, write time.Duration
	last        atomic.Int64 // when something came, as Server.now has it
}

func (j *joint) run() (toClient, toUpstream int64, err error) {
	j.last.Store(j.c.s.now())
	done := make(chan error, 1)
	w := j.c.work
	go func() {
		n, err := j.copy(w.buf, j.sendUpstream, j.receive, j.c.nc)
		toUpstream = n
		_ = j.upstream.Close() // ends the other direction
		done <- err
	}()
	toClient, err = j.copy(w.out[:], j.c.write, j.upstream.Read, j.upstream)
	_ = j.c.nc.Close()
	if e := <-done; err == nil {
		err = e
	}
	return toClient, toUpstream, err
}

// receive gives what was buffered first, in the buffer in which it lies.
func (j *joint) receive(p []byte) (int, error) {
	if w := j.c.work; w.r < w.w {
		n := copy(p, w.buf[w.r:w.w])
		w.r = w.w
		return n, nil
	}
	return j.c.nc.Read(p)
}

func (j *joint) sendUpstream(b []byte) error {
	if d, ok := j.upstream.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = d.SetWriteDeadline(time.Now().Add(j.write))
	}
	_, err := j.upstream.Write(b)
	return err
}

// copy passes bytes on through buf until the source ends, whose deadline is set
// on timed.
func (j *joint) copy(buf []byte, write func([]byte) error, read func([]byte) (int, error), timed any) (int64, error) {
	deadline, _ := timed.(interface{ SetReadDeadline(time.Time) error })
	var until time.Time
	slack := min(j.idle/8, 2*time.Second)
	var total int64
	for {
		// Setting a deadline costs as much as a small write: one that is a
		// little late is good for many messages.
		if now := time.Now(); deadline != nil && until.Sub(now) < j.idle {
			until = now.Add(j.idle + slack)
			_ = deadline.SetReadDeadline(until)
		}
		n, err := read(buf)
		if n > 0 {
			j.last.Store(j.c.s.now())
			if werr := write(buf[:n]); werr != nil {
				return total, werr
			}
			total += int64(n)
		}
		switch {
		case err == io.EOF, errors.Is(err, net.ErrClosed):
			return total, nil
		case errors.Is(err, os.ErrDeadlineExceeded) && j.c.s.now()-j.last.Load() < int64(j.idle):
			until = time.Time{} // the other direction is alive
		case err != nil:
			return total, err
		}
	}
}
