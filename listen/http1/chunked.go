// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"io"

	"durward"
)

// maxChunkLine bounds a chunk's size line with its extensions.
const maxChunkLine = 256

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

// readChunks decodes into p as far as it can without waiting. It waits only
// while it has nothing, and never when it may not.
func (s *source) readChunks(p []byte, may bool) (n int, err error) {
	for {
		var whole bool
		switch s.chunk.at {
		case inData:
			if n == len(p) {
				return n, nil
			}
			var m int
			m, err = s.readData(p[n:], may && n == 0)
			n += m
			whole = m > 0
		case atSize:
			whole, err = s.readSize()
		case atDataEnd:
			whole, err = s.readDataEnd()
		case atTrailer:
			whole, err = s.readTrailer()
		}
		switch {
		case err != nil:
			return n, err
		case whole:
		case n > 0 || !may:
			return n, nil
		default:
			if err := s.more(); err != nil {
				return 0, err
			}
		}
	}
}

// readData reads of a chunk's data; 0 bytes mean that more must be read first.
// A large piece goes to the caller without a copy.
func (s *source) readData(p []byte, may bool) (n int, err error) {
	if int64(len(p)) > s.left {
		p = p[:s.left]
	}
	if s.c.work.buffered() == 0 && (!may || len(p) < bufSize/2) {
		return 0, nil
	}
	n, err = s.read(p)
	if s.left -= int64(n); s.left == 0 {
		s.chunk.at = atDataEnd
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// more reads once into the buffer.
func (s *source) more() error {
	_, err := s.wait(func(c *conn) (int, error) { return 0, c.more(bufSize) })
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// readSize reads a size line: hexadecimal digits, then the line's end or
// extensions. White space behind the size is refused: a recipient that trims
// and one that does not would disagree.
func (s *source) readSize() (whole bool, err error) {
	line, err := s.c.work.line(maxChunkLine, errChunkLine)
	if line == nil || err != nil {
		return false, err
	}
	size, rest, bad := parseChunkSize(line)
	if bad != nil {
		return false, bad
	}
	if s.chunk.extensions += rest; s.chunk.extensions > s.c.s.o.ExtensionBytes {
		return false, errChunkExt
	}
	if s.left = size; size == 0 {
		s.chunk.at = atTrailer
	} else {
		s.chunk.at = inData
	}
	return true, nil
}

func parseChunkSize(line []byte) (size int64, extensions int, err *fault) {
	i := 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d < 0 {
			break
		}
		if i == 15 {
			return 0, 0, errChunkSize
		}
		size = size<<4 | int64(d)
	}
	if i == 0 || i < len(line) && line[i] != ';' {
		return 0, 0, errChunkSize
	}
	if !textual(line[i:]) {
		return 0, 0, errChunkByte
	}
	if !extensionList(line[i:]) {
		return 0, 0, errChunkExtForm
	}
	return size, len(line) - i, nil
}

// extensionList tells that b is chunk extensions (RFC 9112, section 7.1.1), without
// the white space that the grammar allows where it calls it bad. What they mean
// is nobody's business here, but parsers differ in what they read over.
func extensionList(b []byte) bool {
	for len(b) > 0 {
		n := tokenLength(b[1:])
		if b[0] != ';' || n == 0 {
			return false
		}
		if b = b[1+n:]; len(b) == 0 || b[0] != '=' {
			continue
		}
		if b = b[1:]; len(b) > 0 && b[0] == '"' {
			n = quotedLength(b)
		} else {
			n = tokenLength(b)
		}
		if n == 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

func tokenLength(b []byte) (n int) {
	for n < len(b) && classes[b[n]]&token != 0 {
		n++
	}
	return n
}

// quotedLength gives the length of the quoted-string (RFC 9110, section 5.6.4)
// that b begins with, 0 when it does not end in b. No control byte is in b.
func quotedLength(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return 0
}

func hexDigit(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func (s *source) readDataEnd() (whole bool, err error) {
	w := s.c.work
	have := w.buf[w.r:w.w]
	if len(have) > 0 && have[0] != '\r' || len(have) > 1 && have[1] != '\n' {
		return false, errChunkEnd
	}
	if len(have) < 2 {
		return false, nil
	}
	w.r += 2
	s.chunk.at = atSize
	return true, nil
}

// readTrailer reads one line of the trailer section; io.EOF is its end.
func (s *source) readTrailer() (whole bool, err error) {
	o := &s.c.s.o
	line, err := s.c.work.line(min(o.HeaderBytes, bufSize-2), errTrailerLong)
	if line == nil || err != nil {
		return false, err
	}
	if len(line) == 0 {
		return true, io.EOF
	}
	s.chunk.bytes += len(line) + 2
	s.chunk.fields++
	if s.chunk.bytes > o.HeaderBytes || s.chunk.fields > o.Fields {
		return false, errTrailerLong
	}
	f, bad := parseField(line, 0)
	if bad != nil {
		return false, bad
	}
	text := string(line)
	name := durward.CanonicalName(text[:f.colon])
	if untrailed(name) {
		return false, errTrailerField
	}
	s.chunk.trailer = append(s.chunk.trailer, durward.Field{Name: name, Value: text[f.value:f.end]})
	return true, nil
}
