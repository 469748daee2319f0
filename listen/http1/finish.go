// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"net"
	"time"
)

// Bounds of what is read over behind the last answer of a connection, so that
// the client gets to read it (RFC 9112, section 9.6).
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// finish ends the connection behind its last exchange.
func (c *conn) finish(o *responder) {
	switch {
	case !o.done:
		c.cut(o.close)
	case o.linger || c.work.buffered() > 0:
		c.lingerClose()
	}
}

// cut ends the connection so that nobody takes an answer for whole. Where only
// the end of the connection would say that it is, a reset says that it is not.
// On TLS no close_notify is sent.
func (c *conn) cut(untilClose bool) {
	if untilClose && c.raw != nil {
		_ = c.raw.Control(resetOnClose)
	}
	_ = c.under.Close()
}

// lingerClose says that nothing more will come, and reads over what is still
// on its way: closing with bytes unread would reset the connection, and the
// client's kernel would drop the answer.
func (c *conn) lingerClose() {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		if half.CloseWrite() != nil {
			return
		}
	} else if c.raw == nil {
		return
	}
	if c.raw != nil {
		_ = c.raw.Control(closeWrite)
	}
	_ = c.under.SetReadDeadline(time.Now().Add(lingerTime))
	drain(c.under, c.work.out[:], lingerBytes)
}

// drain reads until the end, an error or most bytes.
func drain(nc net.Conn, buf []byte, most int) {
	for most > 0 {
		n, err := nc.Read(buf)
		if err != nil {
			return
		}
		most -= n
	}
}

// look ends the exchange's context when the client has left. It is the
// sweep's; the connection goes on to whatever its handler makes of it.
func (c *conn) look() {
	if c.raw == nil {
		return
	}
	gone := false
	_ = c.raw.Control(func(fd uintptr) { gone = left(fd) })
	if gone && c.watched.Load() != 0 {
		c.cancel()
	}
}
