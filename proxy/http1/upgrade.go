// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"net"
	"sync"
	"time"
)

// tunnel is the target's end of an upgraded connection: what was read behind
// the 101, then the connection. It holds a slot of the pool until it is
// closed. Deadlines are the holder's to set; none is set at first.
type tunnel struct {
	net.Conn
	rest []byte
	c    *conn
	once sync.Once
}

// upgrade takes the connection out of HTTP. The context of the exchange no
// longer applies to it.
func (c *conn) upgrade(a *answer) error {
	t := &tunnel{Conn: c.nc, c: c, rest: append([]byte(nil), c.buf[c.r:c.w]...)}
	ctx := c.ctx
	if !c.detach() {
		return canceled("head", ctx)
	}
	if err := c.nc.SetDeadline(time.Time{}); err != nil {
		return err
	}
	a.Upgraded = t
	return nil
}

// Read gives what came behind the 101 first.
func (t *tunnel) Read(p []byte) (int, error) {
	if len(t.rest) > 0 {
		n := copy(p, t.rest)
		t.rest = t.rest[n:]
		return n, nil
	}
	return t.Conn.Read(p)
}

// CloseWrite tells the target that nothing more will come, where the
// connection can.
func (t *tunnel) CloseWrite() error {
	if half, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection and frees its slot.
func (t *tunnel) Close() error {
	t.once.Do(func() { t.c.p.drop(t.c) })
	return nil
}
