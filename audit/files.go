// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// fileSystem is what the writer does to files, so that tests can make each
// step fail.
type fileSystem interface {
	// Create makes a file that must not exist, for appending.
	Create(path string) (file, error)
	// Append opens an existing file for appending.
	Append(path string) (file, error)
	Remove(path string) error
	// SyncDir makes created and removed names durable.
	SyncDir(path string) error
}

type file interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
}

type systemFiles struct{}

func (systemFiles) Create(path string) (file, error) {
	return wrapFile(os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600))
}

func (systemFiles) Append(path string) (file, error) {
	return wrapFile(os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0))
}

func (systemFiles) Remove(path string) error { return os.Remove(path) }

func (systemFiles) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func wrapFile(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return systemFile{f}, nil
}

type systemFile struct{ *os.File }

func (f systemFile) Sync() error { return syncData(f.File) }

// fileName is the name of the file whose first record has the number first.
func fileName(first uint64) string { return fmt.Sprintf("audit-%020d.jsonl", first) }

// parseFileName gives the number in a name that fileName made.
func parseFileName(name string) (first uint64, ok bool) {
	digits, isLog := strings.CutSuffix(name, ".jsonl")
	digits, hasPrefix := strings.CutPrefix(digits, "audit-")
	if !isLog || !hasPrefix || len(digits) != 20 {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 10, 63)
	return first, err == nil && first > 0 && fileName(first) == name
}

// listFiles gives the numbers in the names of a directory's log files, plain or
// compressed, in order. Other files are left alone.
func listFiles(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir) // sorted by name, and the numbers have a fixed width
	if err != nil {
		return nil, err
	}
	var files []uint64
	for _, e := range entries {
		first, ok := parseFileName(strings.TrimSuffix(e.Name(), compressedSuffix))
		// A crash can leave both forms of a file.
		if ok && (len(files) == 0 || files[len(files)-1] != first) {
			files = append(files, first)
		}
	}
	return files, nil
}

func filePath(dir string, first uint64) string { return filepath.Join(dir, fileName(first)) }

// Files gives the numbers of the first records of a log's files, in order.
func Files(dir string) ([]uint64, error) { return listFiles(dir) }
