// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	maxKeys    = 16       // in a directory or a list
	maxKeyFile = 16 << 10 // bytes
	tempPrefix = ".new-"
	tempOld    = time.Minute // a temporary file of that age was left by a crash
)

// readKeyFile reads a key whose file nobody but those that forbidden leaves
// may get at.
func readKeyFile(path string, own bool, forbidden fs.FileMode) (*key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key file %s cannot be read: %w", filepath.Base(path), reason(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil || !info.Mode().IsRegular():
		return nil, fmt.Errorf("key file %s is not a regular file", filepath.Base(path))
	case info.Mode().Perm()&forbidden != 0:
		return nil, fmt.Errorf("key file %s has mode %#o: others may get at it; allow the owner alone (0600)", filepath.Base(path), info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil || len(data) > maxKeyFile {
		return nil, fmt.Errorf("key file %s is larger than %d bytes, or cannot be read", filepath.Base(path), maxKeyFile)
	}
	k, err := parseKey(data, own)
	if err != nil {
		return nil, fmt.Errorf("key file %s %w", filepath.Base(path), err)
	}
	return k, nil
}

// reason is the part of a file error that does not repeat the path.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// directory is a folder of keys: key-000001.pem and so on. Files never change
// once they are there, and a number is taken by one node only.
type directory string

func (d directory) file(seq int) string {
	return filepath.Join(string(d), fmt.Sprintf("key-%06d.pem", seq))
}

// sequence gives the number of a key file, 0 for any other file.
func sequence(name string) int {
	digits, ok := strings.CutPrefix(name, "key-")
	digits, pem := strings.CutSuffix(digits, ".pem")
	n, err := strconv.Atoi(digits)
	if !ok || !pem || err != nil || n < 1 || fmt.Sprintf("%06d", n) != digits {
		return 0
	}
	return n
}

// open makes the directory, or looks whether it can be trusted.
func (d directory) open() error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("directory of keys cannot be made: %w", reason(err))
	}
	return d.check()
}

// check refuses a directory where others could put keys of their own.
func (d directory) check() error {
	info, err := os.Stat(string(d))
	switch {
	case err != nil:
		return fmt.Errorf("directory of keys cannot be read: %w", reason(err))
	case !info.IsDir():
		return errors.New("directory of keys is not a directory")
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("directory of keys has mode %#o: others may write to it; use 0700", info.Mode().Perm())
	}
	return nil
}

// read gives the keys in the directory. One bad key file fails all: it may be
// the one that signs.
func (d directory) read() ([]*key, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, fmt.Errorf("directory of keys cannot be read: %w", reason(err))
	}
	var keys []*key
	for _, e := range entries {
		seq := sequence(e.Name())
		if seq == 0 {
			continue
		}
		k, err := readKeyFile(d.file(seq), true, 0o077)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another node has just dropped it
		}
		if err != nil {
			return nil, err
		}
		k.seq = seq
		keys = append(keys, k)
	}
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("directory of keys has more than %d keys", maxKeys)
	}
	return keys, nil
}

// create writes a key under a number. It gives false when another node has
// taken the number. The file is there whole or not at all.
func (d directory) create(seq int, k *key) (bool, error) {
	data, err := k.encode()
	if err != nil {
		return false, err
	}
	f, err := os.CreateTemp(string(d), tempPrefix+"*") // mode 0600
	if err != nil {
		return false, fmt.Errorf("key cannot be written: %w", reason(err))
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, fmt.Errorf("key cannot be written: %w", reason(err))
	}
	// A link, unlike a rename, does not replace what is there.
	err = os.Link(f.Name(), d.file(seq))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("key cannot be written: the file system refuses a hard link: %w", errors.Unwrap(err))
	}
	return true, d.sync()
}

// sync makes a new name last.
func (d directory) sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return fmt.Errorf("directory of keys cannot be read: %w", reason(err))
	}
	return errors.Join(f.Sync(), f.Close())
}

// clean removes what a crash left: temporary files hold private keys.
func (d directory) clean(now time.Time) {
	left, _ := filepath.Glob(filepath.Join(string(d), tempPrefix+"*"))
	for _, name := range left {
		if info, err := os.Lstat(name); err == nil && now.Sub(info.ModTime()) > tempOld {
			os.Remove(name)
		}
	}
}
