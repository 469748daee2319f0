// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"io"

	"durward"
)

const (
	// maxChunkLine bounds a chunk's size line with its extensions, which are
	// read over (RFC 9112, section 7.1.1).
	maxChunkLine = 256
	// maxExtensions bounds the extensions of all chunks of one answer.
	maxExtensions = 16 << 10
)

// Where a chunked body stands.
const (
	atSize = iota // before a chunk's size line
	inData
	atDataEnd // before the CRLF behind a chunk
	atTrailer
)

// chunker is the state of a chunked body (RFC 9112, section 7.1).
type chunker struct {
	at         uint8
	extensions int
	bytes      int // of the trailer section
	fields     int
	trailer    durward.Header
}

// readChunks decodes into p as far as it can without waiting, and waits only
// while it has nothing.
func (b *body) readChunks(p []byte) (n int, err error) {
	c := b.c
	for {
		var whole bool
		switch b.chunk.at {
		case inData:
			if n == len(p) {
				return n, nil
			}
			room := p[n:]
			if int64(len(room)) > b.left {
				room = room[:b.left]
			}
			var m int
			switch {
			case c.buffered() > 0:
				m, whole = copy(room, c.buf[c.r:c.w]), true
				c.r += m
			case n > 0:
				return n, nil
			case len(room) >= bufSize/2:
				// A large piece goes to the caller without a copy.
				m, err = c.read(room)
				if err == io.EOF && m == 0 {
					return 0, io.ErrUnexpectedEOF
				}
				if err != nil && err != io.EOF {
					return m, err
				}
				whole = true
			}
			n += m
			if b.left -= int64(m); b.left == 0 {
				b.chunk.at = atDataEnd
			}
		case atSize:
			whole, err = b.readSize()
		case atDataEnd:
			whole, err = b.readDataEnd()
		case atTrailer:
			whole, err = b.readTrailer()
		}
		switch {
		case err != nil:
			return n, err
		case whole:
		case n > 0:
			return n, nil
		default:
			if err := c.more(); err != nil {
				return 0, err
			}
		}
	}
}

// readSize reads a size line: hexadecimal digits, then the line's end or
// extensions. White space behind the size is refused: a recipient that trims
// and one that does not would disagree.
func (b *body) readSize() (whole bool, err error) {
	line, err := b.c.line(maxChunkLine)
	if line == nil || err != nil {
		return false, err
	}
	size, rest, err := parseChunkSize(line)
	if err != nil {
		return false, err
	}
	if b.chunk.extensions += rest; b.chunk.extensions > maxExtensions {
		return false, reason("chunk extensions are too long")
	}
	if b.left = size; size == 0 {
		b.chunk.at = atTrailer
	} else {
		b.chunk.at = inData
	}
	return true, nil
}

func parseChunkSize(line []byte) (size int64, extensions int, err error) {
	i := 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d < 0 {
			break
		}
		if i == 15 {
			return 0, 0, reason("chunk is too large")
		}
		size = size<<4 | int64(d)
	}
	if i == 0 || i < len(line) && line[i] != ';' {
		return 0, 0, reason("malformed chunk size")
	}
	for _, x := range line[i:] {
		if !textual[x] {
			return 0, 0, reason("control character in a chunk extension")
		}
	}
	return size, len(line) - i, nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func (b *body) readDataEnd() (whole bool, err error) {
	c := b.c
	have := c.buf[c.r:c.w]
	if len(have) > 0 && have[0] != '\r' || len(have) > 1 && have[1] != '\n' {
		return false, reason("chunk is longer than its size")
	}
	if len(have) < 2 {
		return false, nil
	}
	c.r += 2
	b.chunk.at = atSize
	return true, nil
}

// readTrailer reads one line of the trailer section; io.EOF is its end.
func (b *body) readTrailer() (whole bool, err error) {
	o := &b.c.p.o
	line, err := b.c.line(min(o.MaxHeadBytes, bufSize-2))
	if line == nil || err != nil {
		return false, err
	}
	if len(line) == 0 {
		return true, io.EOF
	}
	b.chunk.bytes += len(line) + 2
	b.chunk.fields++
	if b.chunk.bytes > o.MaxHeadBytes || b.chunk.fields > o.MaxFields {
		return false, reason("trailer section is too large")
	}
	f, err := parseField(string(line))
	if err != nil {
		return false, err
	}
	if !untrailed(f.Name) {
		b.chunk.trailer = append(b.chunk.trailer, f)
	}
	return true, nil
}
