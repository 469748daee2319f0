// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import "encoding/binary"

// Frame types and flags of RFC 9113, section 6, that matter here.
const (
	frameData           = 0x0
	frameHeaders        = 0x1
	framePriority       = 0x2
	frameReset          = 0x3
	frameSettings       = 0x4
	framePing           = 0x6
	frameGoAway         = 0x7
	frameWindow         = 0x8
	frameContinuation   = 0x9
	framePriorityUpdate = 0x10 // RFC 9218, section 7.1

	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8

	frameHeader = 9  // bytes of a frame's header
	resetFrame  = 13 // bytes of a whole RST_STREAM
	goAwayFrame = 17 // bytes of a GOAWAY up to the end of its code
)

// frame is what is known of a frame before its payload.
type frame struct {
	length uint32 // of the payload
	kind   byte
	flags  byte
	stream uint32
	code   uint32 // of a RST_STREAM or GOAWAY
}

// scanner finds the frames in one direction of an HTTP/2 connection, in
// whatever pieces their bytes come. It keeps no payload and judges nothing: a
// frame that breaks the protocol is for net/http to refuse.
type scanner struct {
	skip uint32 // bytes to pass over: a preface, or what is left of a payload
	have int    // bytes in head
	head [goAwayFrame]byte
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
	f.stream = binary.BigEndian.Uint32(s.head[5:]) &^ (1 << 31)
	s.skip = f.length
	if whole := codeEnd(f); whole > 0 {
		if p = s.fill(p, whole); s.have < whole {
			s.skip = 0 // the code is still to come
			return nil, f, false
		}
		f.code = binary.BigEndian.Uint32(s.head[whole-4:])
		s.skip = f.length - uint32(whole-frameHeader)
	}
	s.have = 0
	return p, f, true
}

// codeEnd gives where the error code of a frame ends, 0 when it has none.
func codeEnd(f frame) int {
	switch {
	case f.kind == frameReset && f.length == resetFrame-frameHeader:
		return resetFrame
	case f.kind == frameGoAway && f.length >= goAwayFrame-frameHeader:
		return goAwayFrame
	}
	return 0
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
