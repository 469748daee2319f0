// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const pepperSize = 32

// Pepper is the secret under which the hashes of keys are made, 32 bytes. It
// must not be changed.
func (s *Store) Pepper() []byte { return s.pepper }

// PepperPath is the file that holds the pepper; "" for a store in memory. It
// has to be backed up with the database, but not to the same place.
func (s *Store) PepperPath() string {
	if s.path == "" {
		return ""
	}
	return s.path + ".pepper"
}

// loadPepper reads the pepper, and makes one for a database without keys. It
// runs in a write transaction, so that of two processes that make a new store
// one makes the pepper and the other reads it.
func (s *Store) loadPepper(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	defer tx.Rollback()
	var keys int
	var check []byte
	if err := tx.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM keys), pepper_check FROM state").Scan(&keys, &check); err != nil {
		return classify(err)
	}
	s.pepper, err = s.readPepper()
	if errors.Is(err, fs.ErrNotExist) {
		if keys > 0 {
			return fmt.Errorf("%w: %s does not exist, and without it none of the %d keys can be checked", ErrPepper, s.PepperPath(), keys)
		}
		s.pepper, err = s.makePepper()
	}
	if err != nil {
		return err
	}
	sum := pepperCheck(s.pepper)
	if hmac.Equal(check, sum) {
		return nil
	}
	if keys > 0 {
		return fmt.Errorf("%w: %s is not the one that the %d keys were made with", ErrPepper, s.PepperPath(), keys)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE state SET pepper_check = ?", sum); err != nil {
		return classify(err)
	}
	return classify(tx.Commit())
}

// pepperCheck recognises a pepper. It says nothing about its 256 random bits.
func pepperCheck(pepper []byte) []byte {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte("durward store: pepper check"))
	return mac.Sum(nil)
}

func (s *Store) readPepper() ([]byte, error) {
	if s.path == "" {
		return nil, fs.ErrNotExist
	}
	f, err := os.Open(s.PepperPath())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkMode(info); err != nil {
		return nil, err
	}
	pepper, err := io.ReadAll(io.LimitReader(f, pepperSize+1))
	if err != nil {
		return nil, err
	}
	if len(pepper) != pepperSize {
		return nil, fmt.Errorf("%w: %s must hold %d bytes", ErrPepper, s.PepperPath(), pepperSize)
	}
	return pepper, nil
}

// makePepper writes a new pepper; after a crash the file is there whole or not
// at all.
func (s *Store) makePepper() ([]byte, error) {
	pepper := make([]byte, pepperSize)
	rand.Read(pepper) // never fails
	if s.path == "" {
		return pepper, nil
	}
	dir := filepath.Dir(s.path)
	f, err := os.CreateTemp(dir, filepath.Base(s.PepperPath())+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(pepper)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), s.PepperPath()); err != nil {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	return pepper, errors.Join(d.Sync(), d.Close())
}
