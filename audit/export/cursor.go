// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"durward/audit"
)

// cursor says how far an export is, over restarts: the number of the last
// record and the end of its line, with the hash by which the record is known.
type cursor struct {
	f    *os.File
	last uint64
}

const (
	markLength   = 66 // 64 digits and the end of the line
	cursorLength = 20 + 1 + markLength + 1
)

func mark(line []byte) []byte { return line[max(len(line)-markLength, 0):] }

// openCursor opens or makes the cursor of an export. One of another log, or that
// cannot be read, begins anew: records are told twice rather than never.
func openCursor(dir, name string, log *slog.Logger) (*cursor, error) {
	f, err := os.OpenFile(filepath.Join(dir, "export-"+name+".cursor"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	c := &cursor{f: f}
	text, err := io.ReadAll(io.LimitReader(f, cursorLength+1))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if len(text) == 0 {
		return c, nil
	}
	var last uint64
	if _, err := fmt.Sscanf(string(text), "%020d ", &last); err != nil || len(text) != cursorLength {
		log.Warn("the cursor of an audit export cannot be read; it begins anew")
		return c, nil
	}
	same, err := isOf(dir, last, text[21:21+markLength])
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if same {
		c.last = last
	} else {
		log.Warn("the cursor of an audit export is of another log; it begins anew")
	}
	return c, nil
}

// isOf tells whether the log has the record that a cursor names, or had it.
func isOf(dir string, sequence uint64, want []byte) (bool, error) {
	read := audit.NewReader(dir, sequence)
	defer read.Close()
	line, _, err := read.Next()
	var removed *audit.RemovedError
	var fault *audit.Fault
	switch {
	case errors.As(err, &removed), errors.As(err, &fault):
		return true, nil // a fault is reported where it stops the export
	case errors.Is(err, io.EOF):
		return false, nil
	case err != nil:
		return false, err
	}
	return string(mark(line)) == string(want), nil
}

// save writes the cursor and syncs it. Its place on the disk is one sector, so
// that a crash leaves the old or the new one.
func (c *cursor) save(last uint64, line []byte) error {
	text := fmt.Appendf(nil, "%020d %-*s\n", last, markLength, mark(line))
	if _, err := c.f.WriteAt(text, 0); err != nil {
		return err
	}
	c.last = last
	return c.f.Sync()
}

func (c *cursor) close() error { return c.f.Close() }
