// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"io"
	"net"
)

// UnderTLS wraps the raw connection that Dial gives to tls.Client. crypto/tls
// takes the end of the raw connection for the end of the data, although
// anybody on the way can cause it (RFC 8446, section 6.1; RFC 9112, section
// 9.8). With UnderTLS only a close_notify ends an answer that lasts until the
// connection closes; without one its body fails.
func UnderTLS(raw net.Conn) net.Conn { return &underTLS{raw} }

type underTLS struct{ net.Conn }

const errCut = unexpectedEnd("TLS connection ended without close_notify")

// unexpectedEnd is the fault of a connection, not of an answer's syntax.
type unexpectedEnd string

func (e unexpectedEnd) Error() string { return string(e) }

// Is makes it an io.ErrUnexpectedEOF.
func (unexpectedEnd) Is(target error) bool { return target == io.ErrUnexpectedEOF }

func (c *underTLS) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = errCut
	}
	return n, err
}

// NetConn gives the raw connection, for the look at idle connections.
func (c *underTLS) NetConn() net.Conn { return c.Conn }
