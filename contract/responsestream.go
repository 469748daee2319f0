// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"compress/gzip"
	"errors"
	"io"

	"durward"
)

// follow judges content that is too large to be kept, while it passes. Once it
// has begun nothing can be taken back: what may not go on is cut.
func (s *Answers) follow(x *durward.Exchange, root *outline, compressed bool) durward.Decision {
	r := x.Response
	if root == nil {
		return s.deny(x, durward.CodeForbidden, errHidden)
	}
	f := &follower{answers: s, x: x, body: r.Body, src: r.Body}
	f.s.reset(root, &s.rules, &x.Principal)
	if f.s.conceals(root) {
		return s.deny(x, durward.CodeForbidden, errHidden)
	}
	f.s.buf = make([]byte, 0, followed)
	if compressed {
		f.packed = &counted{src: r.Body}
		f.src = nil // a reader is made at the first Read, since that reads
	}
	if s.report && compressed { // it goes out as it came
		x.Guard.Unguarded = unguardedCoding
		return durward.Proceed()
	}
	x.Guard.Streamed = true
	if s.report {
		r.Body = &watcher{follower: f}
		return durward.Proceed()
	}
	r.Body, r.Length = f, -1
	changed(r)
	return durward.Proceed()
}

// followed is how many bytes are read at once.
const followed = 32 << 10

// follower gives an answer's content without what may not pass.
type follower struct {
	answers *Answers
	x       *durward.Exchange // valid as long as the answer is
	body    io.ReadCloser
	src     io.Reader
	packed  *counted // of what is compressed
	plain   int64
	s       stripper
	off     int // what of s.out was given
	err     error
}

func (f *follower) Read(p []byte) (int, error) {
	for {
		if f.off < len(f.s.out) {
			n := copy(p, f.s.out[f.off:])
			f.off += n
			return n, nil
		}
		f.s.out, f.off = f.s.out[:0], 0
		if f.err != nil {
			return 0, f.err
		}
		f.fill()
	}
}

// fill reads some of the content and strips it.
func (f *follower) fill() {
	err := f.next()
	if err != nil && err != io.EOF {
		f.err = err
		return
	}
	f.feed(err == io.EOF)
}

// next reads behind what the stripper has not read to its end.
func (f *follower) next() error {
	s := &f.s
	if len(s.buf) == cap(s.buf) {
		if cap(s.buf) >= window {
			return errWindow
		}
		s.buf = append(make([]byte, 0, window), s.buf...)
	}
	if f.src == nil {
		zr, err := gzip.NewReader(f.packed)
		if err != nil {
			return errCoding
		}
		zr.Multistream(false)
		f.src = zr
	}
	n, err := f.src.Read(s.buf[len(s.buf):cap(s.buf)])
	if f.packed != nil {
		if f.plain += int64(n); f.plain > max(f.packed.n*maxRatio, freeInflated) {
			return errInflated
		}
		if err != nil && err != io.EOF {
			err = errors.Join(errCoding, err)
		}
	}
	s.buf = s.buf[:len(s.buf)+n]
	return err
}

// feed strips what is there, and keeps what cannot be decided on yet.
func (f *follower) feed(last bool) {
	s := &f.s
	s.last = last
	_, err := s.run()
	f.answers.note(f.x, s)
	if err != nil {
		f.err = err
		return
	}
	upTo := s.pos
	if s.hold >= 0 {
		upTo = s.hold
	}
	s.give(upTo)
	if last {
		s.give(len(s.buf))
		f.err = io.EOF
		if s.found.invalid > 0 && f.answers.cfg.Invalid == Block {
			f.err = errInvalid
		}
		return
	}
	s.buf = s.buf[:copy(s.buf, s.buf[upTo:])]
	s.pos -= upTo
	s.mark = 0
	if s.hold >= 0 {
		s.hold = 0
	}
}

func (f *follower) Close() error { return f.body.Close() }

// watcher gives content as it is and notes what would have been removed.
type watcher struct {
	*follower
	blind bool
}

func (w *watcher) Read(p []byte) (int, error) {
	n, err := w.src.Read(p)
	for rest := p[:n]; !w.blind && (len(rest) > 0 || err == io.EOF); {
		s := &w.s
		k := copy(s.buf[len(s.buf):cap(s.buf)], rest)
		s.buf, rest = s.buf[:len(s.buf)+k], rest[k:]
		w.feed(err == io.EOF && len(rest) == 0)
		s.out = s.out[:0]
		// What cannot be read is not looked at any further.
		w.blind = w.err != nil || k == 0
	}
	return n, err
}

// counted counts what is read.
type counted struct {
	src io.Reader
	n   int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += int64(n)
	return n, err
}
