// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"durward"
)

// source is the content of one request. It is made anew for each, because a
// client of an HTTP/2 upstream may still read it when the exchange is over: it
// then gets an error, never the bytes of another request.
type source struct {
	mu    sync.Mutex
	c     *conn // nil once detached
	err   error // sticky
	ended atomic.Bool

	chunked bool
	left    int64 // bytes to come, of the content or of the chunk
	chunk   chunker

	began int64 // when the content began to be due, as Server.now has it
	taken int64

	say      sync.Mutex  // orders the 100 before the answer
	expected bool        // the request asked for a 100
	expects  atomic.Bool // a 100 is due before the first read from the connection
}

func newSource(c *conn, fr *framing, now int64) *source {
	s := &source{c: c, chunked: fr.chunked, left: fr.length, began: now, expected: fr.expects}
	s.expects.Store(fr.expects)
	if !s.chunked && s.left <= int64(c.work.buffered()) {
		c.watched.Store(now)
	}
	if s.chunked {
		s.left = 0
	}
	return s
}

// Read gives what is there, and waits only when nothing is. Its errors are
// io.EOF and those of durward.Body.
func (s *source) Read(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	if s.chunked {
		n, err = s.readChunks(p, true)
	} else {
		n, err = s.readSized(p)
	}
	s.taken += int64(n)
	if err != nil {
		s.err = contentError(err)
		if err == io.EOF {
			s.ended.Store(true)
			s.c.watched.Store(s.c.s.now())
		}
	}
	return n, s.err
}

// readSized gives io.EOF with the last byte.
func (s *source) readSized(p []byte) (int, error) {
	if int64(len(p)) > s.left {
		p = p[:s.left]
	}
	n, err := s.read(p)
	if s.left -= int64(n); s.left == 0 {
		return n, io.EOF
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// read gives what is buffered, else reads past the buffer.
func (s *source) read(p []byte) (int, error) {
	w := s.c.work
	if w.r < w.w {
		n := copy(p, w.buf[w.r:w.w])
		w.r += n
		return n, nil
	}
	return s.wait(func(c *conn) (int, error) { return c.nc.Read(p) })
}

// wait runs one read of the connection, which the client must serve before it
// has fallen behind the least rate.
func (s *source) wait(read func(*conn) (int, error)) (int, error) {
	c := s.c
	if err := s.invite(); err != nil {
		return 0, err
	}
	o := &c.s.o
	// Never more than the grace time without a byte: a client that was fast at
	// first earns no right to stall.
	due := s.began + int64(o.BodyTimeout) + s.taken/o.BodyMinRate*int64(time.Second)
	c.readDue.Store(min(due, c.s.now()+int64(o.BodyTimeout)))
	n, err := read(c)
	if !calm(&c.readDue) && err == nil {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// invite sends the 100 that the client waits for (RFC 9110, section 10.1.1).
func (s *source) invite() error {
	if !s.expects.Load() {
		return nil
	}
	s.say.Lock()
	defer s.say.Unlock()
	if !s.expects.Swap(false) {
		return nil
	}
	return s.c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
}

// answering says that the answer begins, so that no 100 may follow.
func (s *source) answering() {
	if s.expected {
		s.say.Lock()
		s.expects.Store(false)
		s.say.Unlock()
	}
}

// skip reads over what is left when all of it lies in the buffer. It tells
// whether the content has ended, so that the connection can be used again.
func (s *source) skip() bool {
	if s.ended.Load() {
		return true
	}
	if !s.mu.TryLock() {
		return false // somebody reads it right now
	}
	defer s.mu.Unlock()
	if s.err != nil || s.c == nil {
		return false
	}
	w := s.c.work
	if !s.chunked {
		if s.left > int64(w.buffered()) {
			return false
		}
		w.r += int(s.left)
	} else {
		var bin [512]byte
		for {
			n, err := s.readChunks(bin[:], false)
			if err == io.EOF {
				break
			}
			if err != nil || n == 0 {
				s.err = durward.ErrBodyAborted
				return false
			}
		}
	}
	s.err = durward.ErrBodyAborted
	s.ended.Store(true)
	return true
}

// detach takes the source off the connection, and ends a read that still
// waits. It tells whether the content was read to its end.
func (s *source) detach() bool {
	if !s.mu.TryLock() {
		_ = s.c.nc.SetReadDeadline(past)
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	s.c = nil
	if s.err == nil {
		s.err = durward.ErrBodyAborted
	}
	return s.ended.Load()
}

// trailers gives the trailer section; it is empty until the content has ended.
func (s *source) trailers() durward.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended.Load() {
		return nil
	}
	return s.chunk.trailer
}

// contentError makes an error of durward.Body of what reading failed with.
func contentError(err error) error {
	switch {
	case err == io.EOF:
		return io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded):
		return durward.ErrBodyTimeout
	case errors.As(err, new(*fault)):
		return durward.ErrBodyMalformed
	}
	return durward.ErrBodyAborted
}

// line gives the next line of the buffer without its end. It is nil when the
// line is not whole yet; one that would be longer than most bytes is a fault.
func (w *work) line(most int, long *fault) ([]byte, error) {
	have := w.buf[w.r:w.w]
	i := bytes.IndexByte(have, '\n')
	switch {
	case i > most, i < 0 && len(have) > most:
		return nil, long
	case i < 0:
		return nil, nil
	case i == 0 || have[i-1] != '\r':
		return nil, errLineEnd
	}
	w.r += i + 1
	return have[:i-1], nil
}
