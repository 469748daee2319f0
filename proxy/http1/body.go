// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"io"
	"strings"

	"durward"
)

// The ways in which an answer's content ends (RFC 9112, section 6.3).
const (
	bodyless = iota
	sized
	inChunks
	untilClose
)

// body is the content of an answer. It owns the connection until it has
// ended, failed or was closed. One goroutine uses it.
type body struct {
	c     *conn // nil once ended
	kind  uint8
	keep  bool  // the connection may be used again
	left  int64 // bytes to come, of the content or of the chunk
	chunk chunker
	err   error // sticky
}

// Read reads what is there, and waits only when nothing is. Its errors are
// io.EOF at the end that the framing gave, and else an *Error: the answer is
// cut.
func (b *body) Read(p []byte) (n int, err error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	switch b.kind {
	case sized:
		n, err = b.readSized(p)
	case inChunks:
		n, err = b.readChunks(p)
	default:
		n, err = b.c.read(p)
	}
	if err == nil {
		return n, nil
	}
	if err == io.EOF {
		b.err = io.EOF
		b.release(b.keep)
		return n, io.EOF
	}
	b.err = b.c.fail("body", err)
	b.release(false)
	return n, b.err
}

// readSized gives io.EOF with the last byte, so that the connection is free
// for others while the caller still sends what it got.
func (b *body) readSized(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.c.read(p)
	b.left -= int64(n)
	switch {
	case b.left == 0:
		return n, io.EOF
	case err == io.EOF:
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// Close ends the body. Before its end it closes the connection, as the rest
// would have to be read for another use.
func (b *body) Close() error {
	if b.err == nil {
		b.err = reason("read of a closed body")
		b.release(false)
	}
	return nil
}

func (b *body) release(keep bool) {
	if c := b.c; c != nil {
		b.c = nil
		c.end(keep)
	}
}

// read gives what is buffered, else reads past the buffer.
func (c *conn) read(p []byte) (int, error) {
	if c.r < c.w {
		n := copy(p, c.buf[c.r:c.w])
		c.r += n
		return n, nil
	}
	c.readWithin(c.p.o.BodyIdleTimeout)
	return c.nc.Read(p)
}

// more reads once into the buffer within the body's idle timeout.
func (c *conn) more() error {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	c.makeRoom(bufSize)
	c.readWithin(c.p.o.BodyIdleTimeout)
	err := c.fill()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// line gives the next line without its end. It is nil when the line is not
// whole yet; one that would be longer than most bytes is a fault.
func (c *conn) line(most int) ([]byte, error) {
	have := c.buf[c.r:c.w]
	i := bytes.IndexByte(have, '\n')
	switch {
	case i > most, i < 0 && len(have) > most:
		return nil, reason("line is too long")
	case i < 0:
		return nil, nil
	case i == 0 || have[i-1] != '\r':
		return nil, reason("line end without CR")
	}
	c.r += i + 1
	return have[:i-1], nil
}

// trailers gives the trailer section; it is empty until the body has ended.
func (b *body) trailers() durward.Header { return b.chunk.trailer }

// untrailed are fields that mean something only ahead of the content: framing,
// routing, access, caching and how to read the content (RFC 9110, section
// 6.5.1). In a trailer section they are dropped, both ways.
func untrailed(name string) bool {
	switch name {
	case "Age", "Authorization", "Cache-Control", "Content-Encoding", "Content-Range",
		"Content-Type", "Expect", "Expires", "Host", "Location", "Max-Forwards", "Pragma",
		"Range", "Retry-After", "Set-Cookie", "Cookie", "Vary", "Www-Authenticate":
		return true
	}
	return hopByHop(name) || strings.HasPrefix(name, "Proxy-")
}
