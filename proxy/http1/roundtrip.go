// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"time"

	"durward"
)

// answerGrace is how long an answer is waited for when the target stopped
// taking the request: it is there already, or there is none.
const answerGrace = time.Second

// RoundTrip sends req and gives the answer as soon as its head is there. ctx
// applies until the answer's body has ended, but not to an upgraded
// connection. The caller closes Response.Body or Response.Upgraded; reading a
// body to its end is enough as well.
//
// The response's header has neither hop-by-hop fields nor Content-Length:
// Length says it. For HEAD and 304 Body is nil and Length is what the target
// announced, -1 when nothing. Trailer is set for chunked answers.
//
// A target that answers while the request's body is still sent stops the
// sending when the status is 300 or more; with another status the body is sent
// to its end first.
//
// The body is read from where it stands, and not at all when no connection was
// got (Dial, Busy).
//
// Every error is an *Error.
func (p *Pool) RoundTrip(ctx context.Context, req *Request) (*durward.Response, error) {
	if ctx.Err() != nil {
		return nil, canceled("request", ctx)
	}
	var m message
	if fault := m.prepare(req); fault != nil {
		m.free()
		return nil, fault
	}
	c, err := p.acquire(ctx)
	if err != nil {
		m.free()
		return nil, err
	}
	r, fault := c.exchange(ctx, req, &m)
	if fault != nil && c.stale(fault) && m.whole && !req.NoRetry && safe(req.Out) {
		// The slot is kept: the second attempt waits for nobody.
		if c, err = p.dial(ctx); err != nil {
			m.free()
			err.(*Error).Sent = fault.Sent
			return nil, err
		}
		r, fault = c.exchange(ctx, req, &m)
	}
	if fault != nil {
		m.free()
		p.release()
		return nil, fault
	}
	return r, nil
}

// stale tells that an exchange failed because the connection had ended while
// it was idle.
func (c *conn) stale(fault *Error) bool { return c.used && !c.got && fault.Kind == Closed }

// safe tells that req may be sent twice (RFC 9110, section 9.2.1).
func safe(out *durward.Outgoing) bool {
	return (out.Method == "GET" || out.Method == "HEAD" || out.Method == "OPTIONS") && out.Upgrade == ""
}

// exchange sends a request and waits for its answer. When it fails the
// connection is closed, but its slot and the buffer of m are still the
// caller's.
func (c *conn) exchange(ctx context.Context, req *Request, m *message) (r *durward.Response, fault *Error) {
	c.begin(ctx, m.own)
	ended := false
	defer func() {
		if !ended { // the request's Body or Inform panicked
			c.abandon()
		}
	}()
	a, err := c.perform(req, m)
	if err == nil && a.Status == 101 {
		err = c.upgrade(a)
	}
	ended = true
	if err != nil {
		fault = c.fail("head", err)
		m.own, c.own = c.own, nil
		c.detach()
		_ = c.nc.Close()
		return nil, fault
	}
	m.own = nil
	switch {
	case a.Status == 101:
	case a.Body == nil:
		c.end(a.keep)
	default:
		a.body.c, a.body.keep = c, a.keep
	}
	return &a.Response, nil
}

// abandon gives up the connection and its slot. Its buffer is left to the
// collector, for a watch may still use it.
func (c *conn) abandon() {
	_ = c.nc.Close()
	if c.unhook != nil {
		c.unhook()
	}
	c.p.release()
}

// perform sends the request, and reads the answer even when that failed: a
// target may answer early and close.
func (c *conn) perform(req *Request, m *message) (*answer, error) {
	if fault := m.load(req); fault != nil {
		return nil, fault
	}
	if !m.whole {
		return c.stream(req, m)
	}
	err := c.write(m.out)
	if err == nil {
		return c.awaitAnswer(req, c.p.o.HeadTimeout)
	}
	fault := c.fail("write", err)
	a, err := c.awaitAnswer(req, answerGrace)
	if err != nil {
		return nil, fault
	}
	a.keep = false
	return a, nil
}
