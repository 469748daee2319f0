// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"io"
	"os"
	"strconv"
	"sync"

	"durward"
)

// How an answer's content ends (RFC 9112, section 6.3).
const (
	contentNone = iota
	contentSized
	contentChunked
	contentUntilClose
)

// responder is the client's end of one exchange. It implements
// durward.Responder. It is made ready again for the next exchange of the
// connection, so nobody may hold it when Serve has returned.
type responder struct {
	c       *conn
	src     *source // nil when the request has no content
	upgrade string  // what the request asks to change to
	minor   int     // of the request's version
	head    bool    // a HEAD request
	keep    bool    // the connection may go on
	linger  bool    // what the client still sends must be read over
	begun   bool    // the final answer has begun
	done    bool    // it went out whole
	close   bool    // its end is the end of the connection
}

// write sends b within the write timeout.
func (c *conn) write(b []byte) error {
	c.clock = c.s.now()
	c.writeDue.Store(c.clock + int64(c.s.o.WriteTimeout))
	_, err := c.nc.Write(b)
	if !calm(&c.writeDue) || err != nil && isTimeout(err) {
		return errSlowRead
	}
	return err
}

func isTimeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout() || err == os.ErrDeadlineExceeded
}

// Inform implements durward.Responder. A client of HTTP/1.0 knows no interim
// answers and gets none.
func (o *responder) Inform(status int, h durward.Header) error {
	switch {
	case o.begun:
		return errAnswered
	case status < 100 || status > 199 || status == 101:
		return errStatus
	case o.minor == 0:
		return nil
	case status == 100:
		if o.src != nil {
			return o.src.invite()
		}
		return nil
	}
	w := headWriter{b: o.c.work.out[:0]}
	w.status(status)
	w.fields(h)
	if err := w.end(); err != nil {
		return err
	}
	if o.src != nil {
		o.src.say.Lock()
		defer o.src.say.Unlock()
	}
	return o.c.write(w.b)
}

// Abort implements durward.Responder.
func (o *responder) Abort() { o.begun, o.done = true, false }

// Respond implements durward.Responder.
func (o *responder) Respond(r *durward.Response, extra durward.Header) (int64, error) {
	if o.begun {
		return 0, errAnswered
	}
	if r.Status < 200 || r.Status > 599 {
		o.Abort()
		return 0, errStatus
	}
	o.begun = true
	if o.src != nil {
		o.src.answering()
		if !o.src.skip() {
			o.keep, o.linger = false, true
		}
	}
	if s := o.c.s; s.closing.Load() || s.o.Draining != nil && s.o.Draining() {
		o.keep = false
	}
	head, kind, err := o.appendHead(r, extra)
	if err != nil {
		return 0, err
	}
	n, err := o.send(r, head, kind)
	o.done = err == nil
	return n, err
}

// appendHead writes the head of the final answer into the connection's buffer.
func (o *responder) appendHead(r *durward.Response, extra durward.Header) ([]byte, int, error) {
	w := headWriter{b: o.c.work.out[:0]}
	w.status(r.Status)
	w.fields(r.Header)
	w.fields(extra)
	if !w.dated {
		w.line(*o.c.s.date.Load())
	}
	kind := contentNone
	switch {
	case r.Status == 204 || r.Status == 304:
	case o.head:
		if r.Length >= 0 {
			w.length(r.Length)
		}
	case r.Body == nil:
		if r.Length > 0 {
			return nil, 0, errNoContent
		}
		w.length(0)
	case r.Length >= 0:
		kind = contentSized
		w.length(r.Length)
	case o.minor == 1:
		kind = contentChunked
		w.line("Transfer-Encoding: chunked\r\n")
		if announced := r.Header.Get("Trailer"); announced != "" && r.Trailer != nil {
			w.field("Trailer", announced)
		}
	default:
		kind, o.keep, o.close = contentUntilClose, false, true
	}
	switch {
	case !o.keep:
		w.line("Connection: close\r\n")
	case o.minor == 0:
		w.line("Connection: keep-alive\r\n")
	}
	return w.b, kind, w.end()
}

// bulkSize is the size of the pieces of large content.
const bulkSize = 32 << 10

var bulks = sync.Pool{New: func() any { return new([bulkSize]byte) }}

// send sends head and content, as one write where the content is small.
func (o *responder) send(r *durward.Response, head []byte, kind int) (int64, error) {
	switch {
	case kind == contentNone || kind == contentSized && r.Length == 0:
		return 0, o.c.write(head)
	case kind == contentSized && !r.Stream && r.Length <= int64(cap(head)-len(head)):
		n := len(head)
		head = head[:n+int(r.Length)]
		if _, err := io.ReadFull(r.Body, head[n:]); err != nil {
			return 0, shortContent(err)
		}
		if err := o.c.write(head); err != nil {
			return 0, err
		}
		return r.Length, nil
	}
	bulk := bulks.Get().(*[bulkSize]byte)
	defer bulks.Put(bulk)
	p := passage{o: o, r: r, buf: bulk[:], kind: kind, left: r.Length}
	err := p.run(head)
	return p.sent, err
}

func shortContent(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errShort
	}
	return err
}

// passage passes content on in pieces.
type passage struct {
	o    *responder
	r    *durward.Response
	buf  []byte
	kind int
	left int64 // of sized content
	sent int64
}

// sizeRoom is the room for a chunk's size line.
const sizeRoom = len("8000\r\n")

// ready is a body that can tell that a Read will not wait.
type ready interface{ Ready() bool }

// run sends the head with the first piece when that is there, else at once: a
// client of a stream may wait for it. Each read goes out at once, as the next
// part may be long in coming.
func (p *passage) run(head []byte) error {
	at := 0
	if len(head)+bufSize <= len(p.buf) {
		at = copy(p.buf, head)
	} else if err := p.o.c.write(head); err != nil {
		return err
	}
	if at > 0 && (p.r.Stream || p.kind != contentSized) {
		if body, ok := p.r.Body.(ready); !ok || !body.Ready() {
			if err := p.o.c.write(p.buf[:at]); err != nil {
				return err
			}
			at = 0
		}
	}
	for idle := 0; ; at = 0 {
		n, err := p.piece(at)
		if n == 0 && err == nil {
			if idle++; idle == 100 {
				return errStuck
			}
			continue
		}
		idle = 0
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// piece reads once and sends it, behind the at bytes of head that stand at the
// buffer's start. io.EOF says that everything was sent.
func (p *passage) piece(at int) (n int, err error) {
	from := at
	if p.kind == contentChunked {
		from += sizeRoom
	}
	room := p.buf[from : len(p.buf)-2]
	if p.kind == contentSized && int64(len(room)) > p.left {
		room = room[:p.left]
	}
	n, err = p.r.Body.Read(room)
	if err != nil && err != io.EOF {
		return n, err
	}
	if p.kind == contentSized {
		if p.left -= int64(n); p.left > 0 && err == io.EOF {
			return n, errShort
		}
		if p.left == 0 {
			err = io.EOF
		}
	}
	out := p.buf[:from+n]
	if p.kind == contentChunked {
		if out, err = p.chunk(at, n, err); err != nil && err != io.EOF {
			return n, err
		}
	}
	if len(out) == 0 {
		return n, err
	}
	if werr := p.o.c.write(out); werr != nil {
		return n, werr
	}
	p.sent += int64(n)
	return n, err
}

// chunk puts the size line before the n bytes that were read behind head and
// sizeRoom, and the end behind them when err is io.EOF.
func (p *passage) chunk(at, n int, err error) ([]byte, error) {
	end := at + sizeRoom + n
	start := 0
	if n > 0 {
		var hex [sizeRoom]byte
		size := append(strconv.AppendUint(hex[:0], uint64(n), 16), "\r\n"...)
		start = sizeRoom - len(size)
		copy(p.buf[start:], p.buf[:at])
		copy(p.buf[start+at:], size)
		end += copy(p.buf[end:], "\r\n")
	} else {
		end = at
	}
	out := p.buf[start:end]
	if err != io.EOF {
		return out, err
	}
	out, bad := appendTrailer(out, p.r.Trailer)
	if bad != nil {
		return nil, bad
	}
	return out, io.EOF
}
