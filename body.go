// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"errors"
	"io"
)

// Errors of a request body. Body.Read and Body.Bytes return these and no other
// but io.EOF, so that whoever copies a body can tell the client's fault from
// the upstream's.
var (
	ErrBodyTooLarge  = errors.New("request body exceeds its limit")
	ErrBodyTimeout   = errors.New("request body did not arrive in time")
	ErrBodyMalformed = errors.New("request body is malformed")
	ErrBodyAborted   = errors.New("client went away in the request body")
)

// Body is a request's content. It is read from the client at most once: a
// stage that needs the whole of it calls Bytes, which buffers it for all who
// come after; where no stage does, the upstream client streams it with Read.
// It is owned by the exchange's goroutine.
type Body struct {
	src     io.Reader // nil when the request has no content
	length  int64     // as declared; -1 when chunked or unknown
	limit   int64     // most bytes that are taken from the client
	taken   int64
	buf     []byte
	err     error // sticky
	whole   bool  // buf holds all of it
	off     int   // next byte of buf for Read
	started bool
	// replaced: buf is not what the client sent.
	replaced bool
}

// Init makes b read from src, of declared length (-1 when unknown, 0 and a nil
// src when there is no content). The errors of src must be io.EOF or one of
// the ErrBody errors. The limit is SetLimit's.
func (b *Body) Init(src io.Reader, length int64) {
	*b = Body{src: src, length: length, limit: 0, buf: b.buf[:0]}
	if src == nil {
		b.length, b.whole = 0, true
	}
}

// SetLimit bounds the bytes that are taken from the client. It fails at once
// when the declared length is larger. A new Body has a limit of 0, so that
// nothing is read before someone has set it.
func (b *Body) SetLimit(limit int64) error {
	b.limit = limit
	if b.length > limit {
		b.err = ErrBodyTooLarge
		return ErrBodyTooLarge
	}
	return nil
}

// LowerLimit is SetLimit for a stage that takes less than the operation does:
// it never allows more than before. Content that is buffered already and longer
// is ErrBodyTooLarge too.
func (b *Body) LowerLimit(limit int64) error {
	switch {
	case b.whole && int64(len(b.buf)) > limit:
		b.err = ErrBodyTooLarge
		return ErrBodyTooLarge
	case b.whole || limit >= b.limit:
		return nil
	}
	return b.SetLimit(limit)
}

// Length is the content's length in bytes: as buffered, else as declared, else -1.
func (b *Body) Length() int64 {
	if b.whole {
		return int64(len(b.buf))
	}
	return b.length
}

// Replaced tells that a stage has put other content in place of the client's:
// what was found out about that no longer holds.
func (b *Body) Replaced() bool { return b.replaced }

// Empty tells that the request has no content.
func (b *Body) Empty() bool { return b.src == nil }

// Buffered tells that Bytes has the whole content, so that Read can start
// again after Rewind.
func (b *Body) Buffered() bool { return b.whole }

// Touched tells that bytes were taken from the client's connection.
func (b *Body) Touched() bool { return b.started }

// Taken is how many bytes came from the client's connection.
func (b *Body) Taken() int64 { return b.taken }

// Err is the error that ended the body, if any.
func (b *Body) Err() error { return b.err }

// Bytes reads the whole content, within the limit, and keeps it. The slice
// must not be changed and is valid until the exchange ends. After a Read it
// fails: the bytes have gone.
func (b *Body) Bytes() ([]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	if b.whole {
		return b.buf, nil
	}
	if b.started {
		return nil, errors.New("durward: Body.Bytes after Body.Read")
	}
	if b.length > 0 && int64(cap(b.buf)) < b.length {
		// A declared length is trusted for the first 64 KiB only; a client
		// that announces more has to send it before it costs memory.
		b.buf = make([]byte, 0, min(b.length, 64<<10))
	}
	for {
		if len(b.buf) == cap(b.buf) {
			b.buf = append(b.buf, 0)[:len(b.buf)]
		}
		n, err := b.fill(b.buf[len(b.buf):cap(b.buf)])
		b.buf = b.buf[:len(b.buf)+n]
		if err == io.EOF {
			b.whole = true
			return b.buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Replace puts content in place of what the client sent, for a stage that
// rewrites it (field encryption). The slice belongs to the body afterwards.
func (b *Body) Replace(content []byte) {
	b.buf, b.whole, b.off, b.replaced = content, true, 0, true
	if b.src == nil {
		b.src = eof{}
	}
}

// Unpaced says that the content is a stream of messages, which come when they
// come (gRPC): the listener no longer keeps the client to a least rate. Only
// for a target that is known to speak such streams, since a client that sends
// nothing then holds its place for as long as it likes.
func (b *Body) Unpaced() {
	if s, ok := b.src.(interface{ Unpaced() }); ok {
		s.Unpaced()
	}
}

// Rewind makes Read start again; only a buffered body can.
func (b *Body) Rewind() bool {
	b.off = 0
	return b.whole || !b.started
}

// Read gives the content to the upstream client: from the buffer where there
// is one, else from the client's connection.
func (b *Body) Read(p []byte) (int, error) {
	if b.whole {
		if b.off == len(b.buf) {
			return 0, io.EOF
		}
		n := copy(p, b.buf[b.off:])
		b.off += n
		return n, nil
	}
	return b.fill(p)
}

func (b *Body) fill(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.src == nil { // the zero Body has no content
		return 0, io.EOF
	}
	b.started = true
	// One byte more than allowed is asked for, so that a body of exactly the
	// limit passes and the next byte refuses.
	if room := b.limit - b.taken + 1; int64(len(p)) > room {
		p = p[:room]
	}
	n, err := b.src.Read(p)
	b.taken += int64(n)
	if b.taken > b.limit {
		b.err = ErrBodyTooLarge
		return 0, b.err
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// BodyFault gives the code with which a request is refused whose content could
// not be read because of err; "" when err is not about the content.
func BodyFault(err error) Code {
	switch {
	case errors.Is(err, ErrBodyTooLarge):
		return CodeBodyTooLarge
	case errors.Is(err, ErrBodyTimeout):
		return CodeBodyTimeout
	case errors.Is(err, ErrBodyMalformed), errors.Is(err, ErrBodyAborted):
		return CodeMalformed
	}
	return ""
}
