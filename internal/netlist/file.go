// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package netlist

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
)

// Bounds of a file.
const (
	MaxFile  = 16 << 20 // bytes
	MaxLines = 1_000_000

	maxFaults = 8 // that one error lists
)

// Why a file cannot be read.
var (
	errTooLarge = fmt.Errorf("is larger than %d MiB", MaxFile>>20)
	errLines    = fmt.Errorf("has more than %d lines", MaxLines)
	errEmpty    = errors.New("is empty (a list that means to hold nothing has a comment line)")
	errRegular  = errors.New("is not a regular file")
)

// LineError is a line that cannot be used. It does not quote the line: who
// names the wrong file may have named a secret one.
type LineError struct {
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// File is the content of a list file.
type File struct {
	Set *Set
	Sum [sha256.Size]byte // of the bytes, to tell one content from another
}

// ReadFile reads a list file; see Parse. A file of no bytes is refused, since
// it is what a download that failed leaves behind.
func ReadFile(name string, take Take) (*File, error) {
	info, err := os.Stat(name) // before the open, which a FIFO would hold up
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s %w", name, errRegular)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only: nothing is lost
	text, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("%s %w", name, errEmpty)
	}
	prefixes, err := Parse(text, take)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	set, err := New(prefixes, take)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &File{Set: set, Sum: sha256.Sum256(text)}, nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// Parse reads a list of ranges and addresses, one a line. "#" and ";" begin a
// comment, which is how FireHOL's netset and Spamhaus' DROP files come. Ranges
// are given in their one form; see Check. The error joins a LineError for each
// of the first lines that cannot be used.
func Parse(text []byte, take Take) ([]netip.Prefix, error) {
	if len(text) > MaxFile {
		return nil, errTooLarge
	}
	text = bytes.TrimPrefix(text, byteOrderMark)
	var out []netip.Prefix
	var faults []error
	for n := 1; len(text) > 0; n++ {
		if n > MaxLines {
			return nil, errLines
		}
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		if i := bytes.IndexAny(line, "#;"); i >= 0 {
			line = line[:i]
		}
		if line = bytes.Trim(line, " \t\r"); len(line) == 0 {
			continue
		}
		p, err := parseEntry(line, take)
		if err != nil {
			if faults = append(faults, &LineError{n, err}); len(faults) == maxFaults {
				break
			}
			continue
		}
		out = append(out, p)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return out, nil
}

// longest is more than any address with a zone and a length needs.
const longest = 128

// parseEntry reads a range, or an address, which is the range of itself.
func parseEntry(text []byte, take Take) (netip.Prefix, error) {
	if len(text) > longest {
		return netip.Prefix{}, ErrInvalid
	}
	s := string(text)
	if bytes.IndexByte(text, '/') >= 0 {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return p, ErrInvalid
		}
		return Check(p, take)
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, ErrInvalid
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}
