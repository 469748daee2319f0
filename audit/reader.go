// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// Reader reads the records of a log in their order, from its files: of a log
// that is being written, or of a copy. It takes no lock and holds nothing up.
// It is for one goroutine.
type Reader struct {
	dir   string
	next  uint64 // number of the record that Next gives
	first uint64 // of the open file
	lines *lines // nil when no file is open
	seen  uint64 // number of the last line that was read of the open file
	at    int64  // where the record begins that Next gave last
}

// RemovedError says that records were removed on purpose, or by somebody, before
// they were read. First is the number of the first one that is there.
type RemovedError struct{ Wanted, First uint64 }

func (e *RemovedError) Error() string {
	return fmt.Sprintf("audit records %d to %d are no longer there", e.Wanted, e.First-1)
}

// NewReader gives a reader whose first record has the number from, 1 being the
// first of all. Nothing is opened before Next.
func NewReader(dir string, from uint64) *Reader { return &Reader{dir: dir, next: max(from, 1)} }

// Next gives the next record's line, without its newline, and number. The line
// is valid until the next call. The error is io.EOF when there is none yet: Next
// may be called again later. It is a *RemovedError when the record was removed;
// the reader then goes on with the first that is there. A *Fault says that the
// file is not what was written.
func (r *Reader) Next() (line []byte, sequence uint64, err error) {
	for {
		if r.lines == nil {
			if err := r.open(); err != nil {
				return nil, 0, err
			}
		}
		line, err := r.lines.next()
		switch {
		case errors.Is(err, errTorn), err == nil && line == nil:
			// The end, for now: of the file, or of what is written.
			if more, err := r.behind(); err != nil || !more {
				return nil, 0, err
			}
			continue
		case err != nil:
			return nil, 0, r.lines.fault(err)
		}
		sequence, _, _, ok := splitLine(line)
		if !ok {
			return nil, 0, r.lines.fault(errLineShape)
		}
		if sequence != r.seen+1 {
			return nil, 0, r.lines.fault(errLineSequence)
		}
		r.seen = sequence
		if sequence == r.next {
			r.next++
			r.at = r.lines.offset - int64(len(line)) - 1
			return line, sequence, nil
		}
	}
}

// open opens the file that has the next record.
func (r *Reader) open() error {
	files, err := listFiles(r.dir)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return io.EOF
	}
	if r.next < files[0] {
		gone := &RemovedError{r.next, files[0]}
		r.next = files[0]
		return gone
	}
	i, found := slices.BinarySearch(files, r.next)
	if !found {
		i--
	}
	l, err := openLines(filePath(r.dir, files[i]))
	if errors.Is(err, fs.ErrNotExist) { // it went, or was compressed, just now
		return io.EOF
	}
	if err != nil {
		return err
	}
	r.lines, r.first, r.seen = l, files[i], files[i]-1
	return nil
}

// behind is called at the end of the open file. It tells whether there is more
// to read now, in the next file; else the error is io.EOF, and the file is read
// on from where it ended.
func (r *Reader) behind() (more bool, err error) {
	files, err := listFiles(r.dir)
	if err != nil {
		return false, err
	}
	// The next file is begun after all of this one was written, so one more
	// look at it is needed before it is left.
	if i := slices.Index(files, r.first); i == len(files)-1 {
		return false, r.again()
	}
	if ended, err := r.ends(); err != nil || !ended {
		return err == nil, err
	}
	r.Close()
	if r.next != r.seen+1 && r.next > r.seen {
		return false, io.EOF // a record that does not exist yet was asked for
	}
	return true, nil
}

// again takes the reading back to the last whole line.
func (r *Reader) again() error {
	if err := r.lines.rewind(); err != nil {
		return err
	}
	return io.EOF
}

// ends tells whether the open file, which is not the last one, has no further
// line.
func (r *Reader) ends() (bool, error) {
	if err := r.lines.rewind(); err != nil {
		return false, err
	}
	before := r.lines.offset
	line, err := r.lines.next()
	if errors.Is(err, errTorn) || err == nil && line == nil {
		return true, nil
	}
	if err != nil {
		return false, r.lines.fault(err)
	}
	r.lines.offset = before // so that this line is read again
	return false, r.lines.rewind()
}

// Place is where the record that Next gave last begins: the number of the first
// record of its file, and the byte in that file as it is before compression. See
// Lookup.
func (r *Reader) Place() (first uint64, offset int64) { return r.first, r.at }

// Close closes the open file. Next opens it again.
func (r *Reader) Close() error {
	if r.lines == nil {
		return nil
	}
	l := r.lines
	r.lines = nil
	return l.Close()
}
