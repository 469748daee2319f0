// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"

	"durward/audit"
)

const (
	defaultMaxFile   = 64 << 20
	defaultKeepFiles = 5
	tailSize         = 1 << 20 // more than a line has
)

// file writes a file that is put aside when it is full, or standard output.
type file struct {
	path   string
	max    int64
	keep   int
	format Format
	stdout io.Writer // in place of a file

	f    *os.File
	size int64
	out  []byte
}

func newFile(cfg *audit.Export, stdout io.Writer) (*file, error) {
	t := &file{path: cfg.Path, max: int64(cfg.MaxFile), keep: cfg.KeepFiles, format: Formats[cfg.Type]}
	if t.max == 0 {
		t.max = defaultMaxFile
	}
	if t.keep == 0 {
		t.keep = defaultKeepFiles
	}
	if t.path == "" {
		t.stdout = stdout
		if _, err := io.WriteString(stdout, t.format.Header); err != nil {
			return nil, err
		}
		return t, nil
	}
	return t, t.open()
}

// open opens the file, without what a crash left of a line.
func (t *file) open() error {
	f, err := os.OpenFile(t.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if t.size, err = wholeLines(f); err != nil {
		return errors.Join(err, f.Close())
	}
	t.f = f
	return nil
}

// wholeLines cuts f behind its last newline and gives its size.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return 0, err
	}
	from := max(info.Size()-tailSize, 0)
	tail := make([]byte, info.Size()-from)
	if _, err := f.ReadAt(tail, from); err != nil {
		return 0, err
	}
	end := bytes.LastIndexByte(tail, '\n')
	if end < 0 && from > 0 {
		return 0, errors.New("the file has no lines: it is not of this export")
	}
	size := from + int64(end) + 1
	if size == info.Size() {
		return size, nil
	}
	return size, f.Truncate(size)
}

func (t *file) send(_ context.Context, b *batch) error {
	t.out = t.out[:0]
	if t.stdout == nil && t.size == 0 {
		t.out = append(t.out, t.format.Header...)
	}
	for _, text := range b.lines {
		t.out = t.format.Append(t.out, text)
	}
	if t.stdout != nil {
		_, err := t.stdout.Write(t.out)
		return err
	}
	if t.f == nil { // it could not be opened again
		if err := t.open(); err != nil {
			return err
		}
	}
	// What a write that failed left is written over.
	if _, err := t.f.WriteAt(t.out, t.size); err != nil {
		return err
	}
	if err := t.f.Sync(); err != nil {
		return err
	}
	if t.size += int64(len(t.out)); t.size < t.max {
		return nil
	}
	return t.rotate()
}

// rotate puts the file aside. The batch is in it, whatever becomes of this.
func (t *file) rotate() error {
	err := t.f.Close()
	t.f, t.size = nil, 0
	for i := t.keep; i > 0 && err == nil; i-- {
		from := t.path
		if i > 1 {
			from += "." + strconv.Itoa(i-1)
		}
		if err = os.Rename(from, t.path+"."+strconv.Itoa(i)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return errors.Join(err, t.open())
}

func (t *file) close() error {
	if t.f == nil {
		return nil
	}
	return t.f.Close()
}
