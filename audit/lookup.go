// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"

	"github.com/klauspost/compress/zstd"
)

// Lookup reads single records by their place, from plain and compressed files,
// of a log that is written to or of a copy. It is for one goroutine.
type Lookup struct {
	dir    string
	first  uint64 // of the open file
	f      *os.File
	frames []frameAt // of a compressed file
	packed bool
	dec    *zstd.Decoder
	frame  int // whose text is held; -1 for none
	text   []byte
	line   []byte
}

// NewLookup opens nothing before Line.
func NewLookup(dir string) *Lookup { return &Lookup{dir: dir, frame: -1} }

// Line gives the record with the number sequence, which stands in the file
// whose first record is first, at the byte offset. The line is valid until the
// next call. Where another record stands there the error is ErrNotThere, where
// the file is gone a *RemovedError.
func (l *Lookup) Line(sequence, first uint64, offset int64) ([]byte, error) {
	if err := l.open(first); err != nil {
		return nil, err
	}
	line, err := l.read(offset)
	if err != nil {
		return nil, err
	}
	if got, _, _, ok := splitLine(line); !ok || got != sequence {
		return nil, fmt.Errorf("%w: record %d", ErrNotThere, sequence)
	}
	return line, nil
}

// ErrNotThere says that a record does not stand where it was said to.
var ErrNotThere = errors.New("the audit log has another record in this place")

// Close closes the open file.
func (l *Lookup) Close() error {
	if l.dec != nil {
		l.dec.Close()
		l.dec = nil
	}
	return l.leave()
}

func (l *Lookup) leave() error {
	if l.f == nil {
		return nil
	}
	f := l.f
	l.f, l.frame, l.frames = nil, -1, nil
	return f.Close()
}

func (l *Lookup) open(first uint64) error {
	if l.f != nil && l.first == first {
		return nil
	}
	if err := l.leave(); err != nil {
		return err
	}
	path := filePath(l.dir, first)
	f, err := os.Open(path)
	l.packed = errors.Is(err, fs.ErrNotExist)
	if l.packed {
		f, err = os.Open(path + compressedSuffix)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &RemovedError{Wanted: first, First: first + 1}
	}
	if err != nil {
		return err
	}
	l.f, l.first = f, first
	if !l.packed {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if l.frames, err = readSeekTable(f, info.Size()); errors.Is(err, errNoTable) {
		err = nil // it is read from its beginning
	}
	return err
}

// read gives the line that begins at offset, without its end.
func (l *Lookup) read(offset int64) ([]byte, error) {
	switch {
	case !l.packed:
		return l.readPlain(offset)
	case l.frames == nil:
		return l.readAll(offset)
	}
	i := sort.Search(len(l.frames), func(i int) bool { return l.frames[i].text+l.frames[i].long > offset })
	l.line = l.line[:0]
	for ; i < len(l.frames) && len(l.line) <= maxLine; i++ {
		if err := l.load(i); err != nil {
			return nil, err
		}
		part := l.text[max(offset-l.frames[i].text, 0):]
		if n := bytes.IndexByte(part, '\n'); n >= 0 {
			l.line = append(l.line, part[:n]...)
			return l.line, nil
		}
		l.line = append(l.line, part...)
	}
	return nil, ErrNotThere
}

func (l *Lookup) readPlain(offset int64) ([]byte, error) {
	for size := 1 << 10; size <= 2*maxLine; size *= 4 {
		if cap(l.line) < size {
			l.line = make([]byte, size)
		}
		n, err := l.f.ReadAt(l.line[:size], offset)
		if end := bytes.IndexByte(l.line[:n], '\n'); end >= 0 {
			return l.line[:end], nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	return nil, ErrNotThere
}

// load decompresses one frame.
func (l *Lookup) load(i int) error {
	if l.frame == i {
		return nil
	}
	if l.dec == nil {
		var err error
		if l.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrame)); err != nil {
			return err
		}
	}
	at := l.frames[i]
	packed := make([]byte, at.size)
	if _, err := l.f.ReadAt(packed, at.file); err != nil {
		return err
	}
	text, err := l.dec.DecodeAll(packed, l.text[:0])
	if err != nil {
		l.frame = -1
		return fmt.Errorf("%s: %w", fileName(l.first)+compressedSuffix, err)
	}
	if int64(len(text)) != at.long {
		l.frame = -1
		return ErrNotThere
	}
	l.text, l.frame = text, i
	return nil
}

// readAll reads a compressed file without a table, up to the line.
func (l *Lookup) readAll(offset int64) ([]byte, error) {
	if _, err := l.f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	d, err := newDecompressor(l.f)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if _, err := io.CopyN(io.Discard, d, offset); err != nil {
		return nil, ErrNotThere
	}
	lines := &lines{r: bufio.NewReaderSize(d, 64<<10)}
	line, err := lines.next()
	if err != nil || line == nil {
		return nil, ErrNotThere
	}
	l.line = append(l.line[:0], line...)
	return l.line, nil
}
