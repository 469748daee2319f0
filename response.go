// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"io"
	"sync/atomic"
)

// Buffer reads up to limit bytes of the answer's content and keeps them, so
// that several stages can look at it before it goes to the client. whole tells
// that content is all of it; otherwise what was read is sent before the rest,
// in its order. Calling it again gives the same bytes, and reads on where the
// limit is now higher. An answer without content is whole and empty.
//
// Where answers that are kept hold too much memory together, no more of this one
// is read than 64 KiB, as if it were larger than limit.
//
// The error is the upstream's, other than io.EOF; Body gives it again behind
// the bytes that came. The slice must not be changed and is valid until the
// content is replaced or the exchange ends.
func (r *Response) Buffer(limit int64) (content []byte, whole bool, err error) {
	if r.Body == nil {
		return nil, true, nil
	}
	h, ok := r.Body.(*heldContent)
	if !ok {
		if h = &r.held; h.rest != nil || h.buf != nil { // in use, below what was put before it
			h = new(heldContent)
		}
		h.rest = r.Body
		if size := r.Length; size != 0 {
			if size < 0 {
				size = 4 << 10 // what most answers of unknown length stay below
			}
			h.buf = make([]byte, 0, min(size, limit, freeHeld)+1)
		}
		r.Body = h
	}
	h.fill(limit)
	if h.err == io.EOF {
		return h.buf, true, nil
	}
	return h.buf, false, h.err
}

// Replace puts content in place of the answer's own, and closes that. The
// slice belongs to the answer afterwards. Fields that describe the old content
// (validators, digests) are the caller's to remove.
func (r *Response) Replace(content []byte) {
	if r.Body != nil {
		r.Body.Close()
	}
	h := &heldContent{buf: content, err: io.EOF}
	if len(content) > freeHeld {
		h.hold(int64(cap(content)))
	}
	r.Body = h
	r.Length, r.Stream, r.Trailer = int64(len(content)), false, nil
}

// heldContent is content of which the first bytes are in memory.
type heldContent struct {
	buf  []byte
	off  int
	rest io.ReadCloser // nil when buf is all
	err  error         // of rest, sticky
	held int64         // what of buf counts in heldBytes
}

const (
	freeHeld = 64 << 10  // bytes of one answer that never count
	mostHeld = 256 << 20 // of all together; none grows once they have so many
)

// heldBytes is what the answers hold that somebody looks at as a whole. A
// thousand clients that read slowly would otherwise keep a thousand of them.
var heldBytes atomic.Int64

// HeldBytes is the memory that answers hold now, but for the first 64 KiB of
// each.
func HeldBytes() int64 { return heldBytes.Load() }

func (h *heldContent) hold(n int64) {
	h.held += n
	heldBytes.Add(n)
}

func (h *heldContent) release() {
	heldBytes.Add(-h.held)
	h.held = 0
}

// fill reads on until buf holds limit bytes or rest ends. To know that
// content of just limit bytes is whole, its end is asked for as well.
func (h *heldContent) fill(limit int64) {
	for h.err == nil && int64(len(h.buf)) <= limit {
		if old := cap(h.buf); len(h.buf) == old {
			if old >= freeHeld && heldBytes.Load() >= mostHeld {
				return
			}
			h.buf = append(h.buf, 0)[:len(h.buf)]
			if old >= freeHeld {
				h.hold(int64(cap(h.buf) - old))
			}
		}
		room := h.buf[len(h.buf):cap(h.buf)]
		if most := limit + 1 - int64(len(h.buf)); int64(len(room)) > most {
			room = room[:most]
		}
		n, err := h.rest.Read(room)
		h.buf, h.err = h.buf[:len(h.buf)+n], err
	}
}

func (h *heldContent) Read(p []byte) (int, error) {
	if h.off < len(h.buf) {
		n := copy(p, h.buf[h.off:])
		h.off += n
		return n, nil
	}
	if h.err != nil {
		return 0, h.err
	}
	n, err := h.rest.Read(p)
	h.err = err
	return n, err
}

func (h *heldContent) Close() error {
	h.release()
	if h.rest == nil {
		return nil
	}
	return h.rest.Close()
}
