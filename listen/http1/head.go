// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import "bytes"

// lineRoom is what a request line has beside its target.
const lineRoom = maxMethod + len("  HTTP/1.1\r")

// head is what was read of a request's head. Lines are judged one by one as
// soon as they are whole, so that the outcome never depends on how the bytes
// were cut into reads.
type head struct {
	at      int  // where the next line begins; at last the length of the head
	seen    int  // bytes behind at that have no line end
	skipped bool // an empty line before the request line was read over
	lined   bool // the request line was read
	line    requestLine
	fields  []span
}

func (h *head) reset() { *h = head{fields: h.fields[:0]} }

// advance reads on in b, which holds the request from its first byte. It is
// done when the head is whole.
func (h *head) advance(b []byte, o *Options) (done bool, err *fault) {
	for {
		rest := b[h.at:]
		i := bytes.IndexByte(rest[h.seen:], '\n')
		if i < 0 {
			h.seen = len(rest)
		} else {
			i += h.seen
			h.seen = 0
		}
		if !h.lined {
			err = h.first(rest, i, o)
		} else {
			done, err = h.next(rest, i, o)
		}
		if err != nil || done || i < 0 {
			return done, err
		}
	}
}

// first reads the request line, whose LF is at i, or -1. One empty line before
// it is read over, as old clients send one behind content (RFC 9112, section 2.2).
func (h *head) first(rest []byte, i int, o *Options) *fault {
	if i == 1 && rest[0] == '\r' && !h.skipped {
		h.skipped, h.at = true, h.at+2
		return nil
	}
	most, n := o.TargetBytes+lineRoom, i
	if i < 0 {
		n = len(rest)
	}
	text := rest[:min(n, most)]
	ended := len(text) == n && n > 0 && text[n-1] == '\r'
	if ended {
		text = text[:n-1]
	}
	switch {
	case !visible(text):
		return errLineByte
	case n > most:
		return errTargetLong
	case i < 0:
		return nil
	case !ended:
		return errLineEnd
	}
	if err := h.line.parse(text, h.at, o); err != nil {
		return err
	}
	h.lined, h.at = true, h.at+i+1
	return nil
}

// visible tells that b is of visible ASCII characters and spaces.
func visible(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// next reads a field line or the empty line that ends the head.
func (h *head) next(rest []byte, i int, o *Options) (done bool, err *fault) {
	switch {
	case i < 0 && h.at+len(rest) >= o.HeaderBytes, h.at+i >= o.HeaderBytes:
		return false, errHeadLong
	case i < 0:
		return false, nil
	case i == 0 || rest[i-1] != '\r':
		return false, errLineEnd
	case i == 1:
		h.at += 2
		return true, nil
	case len(h.fields) == o.Fields:
		return false, errFields
	}
	f, err := parseField(rest[:i-1], h.at)
	if err != nil {
		return false, err
	}
	h.fields = append(h.fields, f)
	h.at += i + 1
	return false, nil
}
