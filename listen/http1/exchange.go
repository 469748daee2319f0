// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"time"

	"durward"
)

// readHead reads the head of the request that has begun. It gives a fault, or
// an error when the connection ended or went to HTTP/2.
func (c *conn) readHead() (*fault, error) {
	w, o := c.work, &c.s.o
	w.head.reset()
	for {
		b := w.buf[w.r:w.w]
		if preface := c.mayBeHTTP2(b); !preface {
			if done, err := w.head.advance(b, o); done || err != nil {
				c.used = true
				if !calm(&c.readDue) {
					err = errHeadTimeout
				}
				return err, nil
			}
		} else if len(b) >= len(prefaceHTTP2) {
			calm(&c.readDue)
			c.give(b)
			return nil, errGiven
		}
		if c.readDue.Load() == 0 {
			c.readDue.Store(c.s.now() + int64(o.HeaderTimeout))
		}
		if err := c.more(o.HeaderBytes + 1); err != nil {
			if !calm(&c.readDue) && len(bytes.TrimLeft(w.buf[w.r:w.w], "\r\n")) > 0 {
				c.used = true
				return errHeadTimeout, nil
			}
			return nil, err
		}
	}
}

// prefaceHTTP2 is how an HTTP/2 connection begins (RFC 9113, section 3.4).
const prefaceHTTP2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

var errGiven = errors.New("the connection is HTTP/2's")

func (c *conn) mayBeHTTP2(b []byte) bool {
	if c.used || c.info.TLS != nil || c.s.o.HTTP2 == nil {
		return false
	}
	return strings.HasPrefix(prefaceHTTP2, string(b[:min(len(b), len(prefaceHTTP2))]))
}

// give hands the connection over, with the bytes b read of it.
func (c *conn) give(b []byte) {
	c.given = true
	c.s.o.HTTP2(&replay{Conn: c.nc, rest: append([]byte(nil), b...)}, c.info)
}

// replay is a connection of which some bytes were read already.
type replay struct {
	net.Conn
	rest []byte
}

// NetConn gives the connection below.
func (r *replay) NetConn() net.Conn { return r.Conn }

func (r *replay) Read(p []byte) (int, error) {
	if len(r.rest) > 0 {
		n := copy(p, r.rest)
		if r.rest = r.rest[n:]; len(r.rest) == 0 {
			r.rest = nil
		}
		return n, nil
	}
	return r.Conn.Read(p)
}

// exchange serves one request. It is false when the connection is over.
func (c *conn) exchange() bool {
	bad, err := c.readHead()
	if err != nil {
		return false
	}
	w, x := c.work, c.s.handler.Acquire()
	x.Started = time.Now()
	o := &w.responder
	o.c = c
	src := c.fill(x, o, bad)
	c.s.handler.Serve(c.ctx, x, o)
	keep := o.keep && o.done
	if src != nil && !src.detach() {
		keep = false
	}
	c.watched.Store(0)
	if keep {
		w.responder = responder{}
		return true
	}
	c.finish(o)
	return false
}

// fill writes the request that was read into x, and makes the source of its
// content where it has some.
func (c *conn) fill(x *durward.Exchange, o *responder, bad *fault) *source {
	w, in := c.work, &x.In
	in.Scheme = "http"
	if c.info.TLS != nil {
		in.Scheme = "https"
	}
	in.Peer, in.Local, in.TLS = c.info.Peer, c.info.Local, c.info.TLS
	h := &w.head
	s := string(w.buf[w.r : w.r+h.at])
	if h.lined {
		h.line.fill(in, s)
		o.minor, o.head = h.line.minor, in.Method == "HEAD"
	}
	var fr framing
	if bad == nil {
		fr, bad = h.fill(in, s)
		w.r += h.at
	}
	if bad != nil {
		in.Fault, in.FaultErr = bad.code, bad
		in.Body.Init(nil, 0)
		o.linger = true
		return nil
	}
	o.keep = fr.keep(h.line.minor)
	o.linger = o.keep
	if in.Upgrade != "" {
		o.upgrade = fr.upgrade
	}
	if !fr.chunked && fr.length <= 0 {
		in.Body.Init(nil, 0)
		c.watched.Store(int64(x.Started.Sub(c.s.epoch)))
		return nil
	}
	src := newSource(c, &fr, int64(x.Started.Sub(c.s.epoch)))
	o.src = src
	in.Body.Init(src, fr.length)
	if fr.chunked && fr.trailing {
		in.Trailer = src.trailers
	}
	return src
}
