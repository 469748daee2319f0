// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxLine is far more than the longest record can have.
const maxLine = 256 << 10

var (
	errTorn    = errors.New("the last record is incomplete: a crash or a truncation cut it, or it is being written")
	errTooLong = errors.New("a line is too long to be a record")
	errHeader  = errors.New("the file does not begin with the record that its name says")
)

// Fault is the first place at which a log is not what was written.
type Fault struct {
	File   string // name in the directory
	Line   int    // from 1
	Reason string
}

func (f *Fault) Error() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Reason) }

// lines reads a file of the log.
type lines struct {
	f      io.ReadCloser
	r      *bufio.Reader
	name   string
	number int
	offset int64 // behind the last whole line
	torn   int64 // bytes of the last line, after errTorn
	long   []byte
}

// openLines opens a file by its plain path, whichever form it has.
func openLines(path string) (*lines, error) {
	f, compressed, err := openContent(path)
	if err != nil {
		return nil, err
	}
	if compressed {
		path += compressedSuffix
	}
	return &lines{f: f, r: bufio.NewReaderSize(f, 64<<10), name: filepath.Base(path)}, nil
}

func (r *lines) Close() error { return r.f.Close() }

// rewind goes back behind the last whole line, so that next reads again what
// may have been completed. A compressed file does not grow.
func (r *lines) rewind() error {
	r.number--
	f, ok := r.f.(*os.File)
	if !ok {
		return nil
	}
	if _, err := f.Seek(r.offset, io.SeekStart); err != nil {
		return err
	}
	r.r.Reset(f)
	return nil
}

// next gives the next line without its newline, nil at the end, errTorn when
// the file ends within a line, however long: a file system may leave zeros
// behind a crash. The slice is valid until the next call.
func (r *lines) next() ([]byte, error) {
	r.number++
	r.long, r.torn = r.long[:0], 0
	for {
		part, err := r.r.ReadSlice('\n')
		r.torn += int64(len(part))
		switch {
		case err == nil:
			r.offset += r.torn
			if r.torn > maxLine {
				return nil, errTooLong
			}
			if len(r.long) > 0 {
				r.long = append(r.long, part...)
				part = r.long
			}
			return part[:len(part)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
			if r.torn <= maxLine {
				r.long = append(r.long, part...)
			}
		case errors.Is(err, io.EOF):
			if r.torn > 0 {
				return nil, errTorn
			}
			return nil, nil
		default:
			return nil, err
		}
	}
}

// fault says where err was found.
func (r *lines) fault(err error) error {
	return &Fault{File: r.name, Line: r.number, Reason: err.Error()}
}

// beginChain gives the chain whose next line is the first one of a file, as
// that line itself says.
func beginChain(line []byte, first uint64) (*chain, error) {
	sequence, _, _, ok := splitLine(line)
	if !ok {
		return nil, errLineShape
	}
	var header struct {
		Prev string `json:"prev"`
	}
	if json.Unmarshal(line, &header) != nil || sequence != first {
		return nil, errHeader
	}
	at := position{sequence: first - 1}
	if n, err := hex.Decode(at.hash[:], []byte(header.Prev[:min(len(header.Prev), 64)])); err != nil || n != len(at.hash) {
		return nil, errHeader
	}
	if first == 1 && at.hash != (position{}).hash {
		return nil, errHeader
	}
	return newChain(at), nil
}
