// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const prefaceBytes = 24 // RFC 9113, section 3.4

var (
	errFlood    = errors.New("more frames than what was asked for needs")
	errHalfDone = errors.New("a frame or header section did not end in time")
)

// http2conn is a connection above TLS as net/http gets it. It counts the frames
// that pass, and cuts a client that floods (an allowance) or that lets a frame
// or a header section hang: net/http bounds neither.
type http2conn struct {
	net.Conn
	own    *conn
	tls    *tls.ConnectionState // nil on cleartext
	limits *Limits

	left  allowance
	ended atomic.Bool // nothing more will be read
	in    scanner     // by the goroutine that reads
	out   scanner     // by the goroutine that writes; writers take turns

	newest uint32        // stream that the client opened last
	opened atomic.Uint64 // streams that it opened
	served atomic.Uint64 // those that came to be requests
	resets atomic.Uint64 // those that net/http reset for an error of the client
	failed atomic.Uint32 // the code of the GOAWAY that ended the connection
	gone   atomic.Bool   // it was cut
	once   sync.Once     // around what is counted at the end

	section bool      // a header section has begun and not ended
	until   time.Time // when the frame or section must have ended
	alarm   time.Time // the read deadline in force, zero when there is none
	foreign bool      // net/http set it
}

func newHTTP2Conn(c net.Conn, state *tls.ConnectionState, limits *Limits) *http2conn {
	h := &http2conn{Conn: c, own: ours(c), tls: state, limits: limits}
	h.in.skip = prefaceBytes
	h.left.init(time.Now)
	return h
}

// Read implements net.Conn.
func (h *http2conn) Read(p []byte) (int, error) {
	for {
		h.arm()
		n, err := h.Conn.Read(p)
		if n > 0 {
			if !h.scan(p[:n]) {
				return 0, errFlood
			}
			return n, err
		}
		if err == nil || h.foreign || !errors.Is(err, os.ErrDeadlineExceeded) {
			h.ended.Store(err != nil)
			return n, err
		}
		if h.pending() && !time.Now().Before(h.until) {
			h.cut(cutSlow)
			return 0, errHalfDone
		}
		// An alarm of an earlier frame.
		h.alarm = time.Time{}
		if err := h.Conn.SetReadDeadline(h.alarm); err != nil {
			return 0, err
		}
	}
}

func (h *http2conn) pending() bool { return h.section || h.in.within() }

// arm sees to it that the read of a frame's rest ends. A deadline costs as much
// as a read, so an earlier one is kept, and moved only when it is reached.
func (h *http2conn) arm() {
	if h.foreign || h.until.IsZero() || !h.pending() {
		return // until is zero during the preface, which is net/http's to wait for
	}
	if h.alarm.IsZero() || h.alarm.After(h.until) {
		h.alarm = h.until
		h.Conn.SetReadDeadline(h.alarm)
	}
}

// scan counts what was read. It is false when it is too much, and then the
// connection is cut.
func (h *http2conn) scan(p []byte) bool {
	for {
		partly := h.in.have > 0
		rest, f, ok := h.in.next(p)
		if !ok {
			if h.in.have > 0 && !partly && !h.section {
				h.until = time.Now().Add(h.limits.HeaderTimeout.Std())
			}
			return true
		}
		p = rest
		if !h.left.take(received(f)) {
			h.cut(floodOf(f))
			return false
		}
		h.begun(f)
		if f.kind == frameHeaders && f.stream > h.newest { // else a trailer section
			h.newest = f.stream
			h.opened.Add(1)
		}
	}
}

// begun notes by when the rest of a frame must be there.
func (h *http2conn) begun(f frame) {
	wait := h.limits.HeaderTimeout.Std()
	switch f.kind {
	case frameContinuation:
		h.section = h.section && f.flags&flagEndHeaders == 0
		return // the time of the section is running
	case frameHeaders:
		h.section = f.flags&flagEndHeaders == 0
	case frameData:
		// It may come as slowly as the content that it is part of.
		wait = h.limits.BodyTimeout.Std() + time.Duration(int64(f.length)/int64(h.limits.BodyMinRate))*time.Second
	}
	if h.pending() {
		h.until = time.Now().Add(wait)
	}
}

// Write implements net.Conn.
func (h *http2conn) Write(p []byte) (int, error) {
	for rest := p; ; {
		var f frame
		var ok bool
		if rest, f, ok = h.out.next(rest); !ok {
			break
		}
		if cost := sent(f); cost < 0 {
			h.left.give(-cost)
		} else if !h.left.take(cost) {
			h.cut(cutProvoked)
			return 0, errFlood
		}
		h.failing(f)
	}
	return h.Conn.Write(p)
}

// failing notes what net/http ends by itself for an error of the client.
func (h *http2conn) failing(f frame) {
	switch f.kind {
	case frameReset:
		if sent(f) > 0 {
			h.resets.Add(1)
		}
	case frameGoAway:
		h.failed.Store(f.code)
	}
}

// cut ends the connection and says so in the log. The client gets no GOAWAY,
// for that could wait behind what it does not read.
func (h *http2conn) cut(kind cutKind) {
	h.ended.Store(true)
	if !h.gone.Swap(true) {
		g := h.own.guard
		g.refused.Add(1)
		g.http2.cut[kind].Add(1)
		if ok, held := g.http2.lines.take(time.Now()); ok {
			h.own.home.log.Warn("HTTP/2 connection cut", "kind", cutNames[kind], "peer", h.own.peer.Addr().String(), "lines_held_back", held)
		}
	}
	h.own.Close()
}

// Close counts what net/http refused without asking anybody: streams that the
// client opened and that never came to be requests.
func (h *http2conn) Close() error {
	h.once.Do(h.account)
	return h.Conn.Close()
}

func (h *http2conn) account() {
	g := h.own.guard
	refused := uint64(0)
	if opened, served := h.opened.Load(), h.served.Load(); opened > served {
		refused = opened - served
	}
	code := h.failed.Load()
	g.http2.refused.Add(refused)
	if code != 0 {
		g.http2.errors.Add(1)
	}
	if refused == 0 && code == 0 || h.gone.Load() {
		return // cut said enough
	}
	if ok, held := g.http2.lines.take(time.Now()); ok {
		h.own.home.log.Info("HTTP/2 requests refused by the protocol", "requests", refused, "resets", h.resets.Load(), "error_code", code,
			"peer", h.own.peer.Addr().String(), "lines_held_back", held)
	}
}

// NetConn gives the connection below; see ours.
func (h *http2conn) NetConn() net.Conn { return h.Conn }

// SetReadDeadline is for net/http, which sets one for the preface only and
// takes it back.
func (h *http2conn) SetReadDeadline(t time.Time) error {
	h.alarm, h.foreign = time.Time{}, !t.IsZero()
	return h.Conn.SetReadDeadline(t)
}
