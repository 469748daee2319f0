// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"durward"
)

// past is a deadline that ends a write at once.
var past = time.Unix(1, 0)

// watch reads the answer while the request's content is still being sent, so
// that a target that answers early and stops reading does not block both. It
// is the only goroutine of this package, and ends with the exchange's head.
type watch struct {
	done    chan struct{}
	a       *answer
	err     error
	early   atomic.Bool // stop sending
	interim []durward.Response
}

// watch starts one. Until it is done, it owns the buffer of c.
func (c *conn) watch(out *durward.Outgoing) *watch {
	w := &watch{done: make(chan struct{})}
	c.readBy = time.Time{}
	_ = c.nc.SetReadDeadline(c.readBy)
	go func() {
		defer close(w.done)
		w.a, w.err = c.readAnswer(out, func(status int, h durward.Header) error {
			w.interim = append(w.interim, durward.Response{Status: status, Header: h})
			return nil
		})
		if w.err != nil || w.a.Status >= 300 {
			w.early.Store(true)
			_ = c.nc.SetWriteDeadline(past)
		}
	}()
	return w
}

// sender sends a request's content in pieces.
type sender struct {
	c    *conn
	req  *Request
	left int64 // to send, where the length is known
	w    *watch
	// answered tells that the final answer came before the last piece.
	answered bool
}

// stream sends a request whose content is large or of unknown length.
func (c *conn) stream(req *Request, m *message) (*answer, error) {
	bulk := bulks.Get().(*[bulkSize]byte)
	defer bulks.Put(bulk)
	s := &sender{c: c, req: req, left: m.length}
	var err error
	if m.length < 0 {
		err = s.sendChunks(bulk[:], m.out)
	} else {
		err = s.sendSized(bulk[:], m.out)
	}
	return s.finish(err)
}

// finish waits for the answer after the content was sent, or with the error
// that ended the sending.
func (s *sender) finish(err error) (*answer, error) {
	c, within := s.c, s.c.p.o.HeadTimeout
	if fault, ok := err.(*Error); ok {
		_ = c.nc.Close() // the target must not take what it got for the whole
		if s.w != nil {
			<-s.w.done
		}
		return nil, fault
	}
	early := s.w != nil && s.w.early.Load()
	if err != nil {
		within = answerGrace
	}
	a, answerErr := s.await(within)
	switch {
	case answerErr == nil:
		a.keep = a.keep && err == nil && !s.answered
		return a, nil
	case err == nil || early:
		return nil, answerErr
	}
	return nil, c.fail("write", err)
}

// await gives the answer, from the watch where there is one.
func (s *sender) await(within time.Duration) (*answer, error) {
	if s.w == nil {
		return s.c.awaitAnswer(s.req, within)
	}
	s.c.readWithin(within)
	<-s.w.done
	s.c.writeBy = time.Time{} // the watch may have set another
	if s.w.err != nil {
		return nil, s.w.err
	}
	for _, r := range s.w.interim {
		if s.req.Inform == nil {
			break
		}
		if err := s.req.Inform(r.Status, r.Header); err != nil {
			return nil, &Error{Op: "head", Kind: Canceled, Err: err}
		}
	}
	return s.w.a, nil
}

// errEarly ends the sending because the answer is there.
const errEarly = reason("answered early")

// write sends a piece. After the first one, the answer is watched for.
func (s *sender) write(b []byte, last bool) error {
	if s.w != nil {
		s.c.writeWithin(s.c.p.o.WriteTimeout)
		// Asked after the deadline was set, for the watch sets it last.
		if s.w.early.Load() {
			return errEarly
		}
		select {
		case <-s.w.done:
			s.answered = true
		default:
		}
		n, err := s.c.nc.Write(b)
		s.c.sent = s.c.sent || n > 0
		return err
	}
	if err := s.c.write(b); err != nil {
		return err
	}
	if !last {
		s.w = s.c.watch(s.req.Out)
	}
	return nil
}

// sendSized sends exactly as many bytes as were announced. Pieces are filled
// before they go out.
func (s *sender) sendSized(bulk, head []byte) error {
	n := copy(bulk, head)
	if n < len(head) { // a very large head goes out by itself
		if err := s.write(head, false); err != nil {
			return err
		}
		n = 0
	}
	for {
		end := int(min(int64(len(bulk)), int64(n)+s.left))
		got, err := io.ReadFull(s.req.Body, bulk[n:end])
		if err != nil {
			return bodyFault(err)
		}
		s.left -= int64(got)
		if err := s.write(bulk[:end], s.left == 0); err != nil || s.left == 0 {
			return err
		}
		n = 0
	}
}

// sizeRoom is the room for a chunk's size line in a piece.
const sizeRoom = len("8000\r\n")

// sendChunks sends each Read as a chunk at once, as a client that streams may
// wait for an answer to it.
func (s *sender) sendChunks(bulk, head []byte) error {
	n := copy(bulk[:bulkSize/2], head)
	if n < len(head) {
		if err := s.write(head, false); err != nil {
			return err
		}
		n = 0
	}
	for idle := 0; ; {
		at := n + sizeRoom
		got, err := s.req.Body.Read(bulk[at : len(bulk)-2])
		if err != nil && err != io.EOF {
			return bodyFault(err)
		}
		if got == 0 && err == nil {
			if idle++; idle == 100 {
				return bodyFault(io.ErrNoProgress)
			}
			continue
		}
		idle = 0
		piece := bulk[:n]
		if got > 0 {
			piece = strconv.AppendInt(piece, int64(got), 16)
			piece = append(piece, "\r\n"...)
			piece = append(piece, bulk[at:at+got]...)
			piece = append(piece, "\r\n"...)
		}
		n = 0
		if err == nil {
			if err := s.write(piece, false); err != nil {
				return err
			}
			continue
		}
		end, err := appendTrailer(append(piece, "0\r\n"...), s.req.Trailer)
		if err != nil {
			return err
		}
		return s.write(end, true)
	}
}

// appendTrailer writes the trailer section with the empty line that ends it.
// Fields that mean nothing there are left out.
func appendTrailer(b []byte, trailer func() durward.Header) ([]byte, error) {
	start, lines := len(b), 1
	if trailer != nil {
		for _, f := range trailer() {
			if untrailed(f.Name) {
				continue
			}
			if !isToken(f.Name) {
				return nil, &Error{Op: "request", Kind: RequestBody, Err: durward.ErrBodyMalformed}
			}
			b = appendField(b, f.Name, f.Value)
			lines++
		}
	}
	b = append(b, "\r\n"...)
	if checkLines(b[start:], lines) != nil {
		return nil, &Error{Op: "request", Kind: RequestBody, Err: durward.ErrBodyMalformed}
	}
	return b, nil
}
