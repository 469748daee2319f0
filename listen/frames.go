// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import "encoding/binary"

// Frame types and flags of RFC 9113, section 6, that matter here.
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameContinuation = 0x9

	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8

	frameHeader = 9  // bytes of a frame's header
	resetFrame  = 13 // bytes of a whole RST_STREAM
)

// frame is what is known of a frame before its payload.
type frame struct {
	length uint32 // of the payload
	kind   byte
	flags  byte
	code   uint32 // of a RST_STREAM
}

// scanner finds the frames in one direction of an HTTP/2 connection, in
// whatever pieces their bytes come. It keeps no payload and judges nothing: a
// frame that breaks the protocol is for net/http to refuse.
type scanner struct {
	skip uint32 // bytes to pass over: a preface, or what is left of a payload
	have int    // bytes in head
	head [resetFrame]byte
}

// next takes bytes off p up to the next frame whose header ends in p. ok is
// false when there is none, and then p was taken whole.
func (s *scanner) next(p []byte) (rest []byte, f frame, ok bool) {
	if n := min(uint64(s.skip), uint64(len(p))); n > 0 {
		s.skip -= uint32(n)
		p = p[n:]
	}
	if s.skip > 0 || len(p) == 0 {
		return nil, f, false
	}
	p = s.fill(p, frameHeader)
	if s.have < frameHeader {
		return nil, f, false
	}
	f.length = uint32(s.head[0])<<16 | uint32(s.head[1])<<8 | uint32(s.head[2])
	f.kind, f.flags = s.head[3], s.head[4]
	s.skip = f.length
	if f.kind == frameReset && f.length == resetFrame-frameHeader {
		if p = s.fill(p, resetFrame); s.have < resetFrame {
			s.skip = 0 // the code is still to come
			return nil, f, false
		}
		f.code, s.skip = binary.BigEndian.Uint32(s.head[frameHeader:]), 0
	}
	s.have = 0
	return p, f, true
}

func (s *scanner) fill(p []byte, to int) []byte {
	if s.have < to {
		n := copy(s.head[s.have:to], p)
		s.have += n
		p = p[n:]
	}
	return p
}

// within tells that a frame has begun and not ended.
func (s *scanner) within() bool { return s.have > 0 || s.skip > 0 }
