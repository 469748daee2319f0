// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package inflate undoes the gzip content coding (RFC 1952; RFC 9110, section
// 8.4.1.3) within bounds of size and ratio, so that small content cannot become
// huge in memory or in time. It knows nothing of the gateway and keeps no state.
package inflate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

// MaxRatio is how many times larger content may get. Deflate reaches about
// 1030, and text hardly ever 50.
const MaxRatio = 100

// floor is the size that content may always get, whatever the ratio: short
// repetitive text is common, and this much harms nobody.
const floor = 256 << 10

var (
	// ErrTooLarge says that the content gets larger than the limit, or than
	// MaxRatio times its compressed form.
	ErrTooLarge = errors.New("the content is too large once it is decompressed")
	// ErrMalformed says that it is not one gzip member with nothing behind it.
	ErrMalformed = errors.New("the content is not gzip")
)

// Bytes gives the plain form of content, of at most limit bytes. The error is
// ErrTooLarge or ErrMalformed.
func Bytes(content []byte, limit int64) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(content), limit)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Reader reads the plain form of compressed content as it comes. It is not
// safe for concurrent use.
type Reader struct {
	source counting
	zip    *gzip.Reader
	given  int64
	limit  int64 // 0 for none but the ratio
	err    error // sticky
}

// counting counts what is read. It is an io.ByteReader, so that gzip takes no
// more than it needs.
type counting struct {
	r    io.Reader
	n    int64
	one  [1]byte
	err  error // of r, other than io.EOF
	buf  []byte
	rest []byte
}

func (c *counting) fill() error {
	if c.err != nil {
		return c.err
	}
	if c.buf == nil {
		c.buf = make([]byte, 4096)
	}
	n, err := c.r.Read(c.buf)
	c.n += int64(n)
	c.rest, c.err = c.buf[:n], err
	return nil
}

func (c *counting) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *counting) ReadByte() (byte, error) {
	_, err := c.Read(c.one[:])
	return c.one[0], err
}

// NewReader reads the head of the content. With a limit of 0 only the ratio
// bounds what comes out.
func NewReader(r io.Reader, limit int64) (*Reader, error) {
	z := &Reader{limit: limit, source: counting{r: r}}
	zip, err := gzip.NewReader(&z.source)
	if err != nil {
		return nil, z.fault(err)
	}
	zip.Multistream(false)
	z.zip = zip
	return z, nil
}

// fault tells what is wrong with the content from what is wrong with its source.
func (z *Reader) fault(err error) error {
	if z.source.err != nil && z.source.err != io.EOF {
		return z.source.err
	}
	return errors.Join(ErrMalformed, err)
}

// Read gives plain content. The errors are ErrTooLarge, ErrMalformed and those
// of the source; io.EOF comes only once the checksum was right and the source
// has ended.
func (z *Reader) Read(p []byte) (int, error) {
	if z.err != nil || len(p) == 0 {
		return 0, z.err
	}
	n, err := z.zip.Read(p)
	z.given += int64(n)
	switch {
	case z.limit > 0 && z.given > z.limit, z.given > max(z.source.n*MaxRatio, floor):
		n, z.err = 0, ErrTooLarge
	case err == io.EOF:
		z.err = z.end()
	case err != nil:
		z.err = z.fault(err)
	}
	return n, z.err
}

// end looks whether anything stands behind the member.
func (z *Reader) end() error {
	switch _, err := z.source.ReadByte(); err {
	case nil:
		return ErrMalformed
	default:
		if err == io.EOF {
			return io.EOF
		}
		return err
	}
}
