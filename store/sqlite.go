// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"durward"
)

// applicationID marks a SQLite file as one of this gateway ("DRWD").
const applicationID = 0x44525744

// ParseURL checks a store's URL. It gives the absolute path of a SQLite
// database, or "" for one in memory.
func ParseURL(url string) (path string, err error) {
	scheme, rest, ok := strings.Cut(url, ":")
	switch {
	case ok && scheme == "memory" && rest == "":
		return "", nil
	case ok && scheme == "sqlite" && rest != "" && !strings.ContainsRune(rest, 0):
		return filepath.Abs(rest)
	}
	return "", fmt.Errorf("store URL must be sqlite:PATH or memory: with nothing behind it")
}

// connect opens the database and checks that it is sound and ours.
func (s *Store) connect(ctx context.Context) error {
	if err := s.touchFile(); err != nil {
		return err
	}
	var err error
	if s.db, err = sql.Open("sqlite", s.dsn()); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(4)
	if s.path == "" {
		// A database in memory lives as long as a connection to it: one is
		// kept for that, the other works.
		s.db.SetMaxOpenConns(2)
		if s.anchor, err = s.db.Conn(ctx); err != nil {
			return classify(err)
		}
	}
	var id, tables int
	if err := s.db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return classify(err)
	}
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return classify(err)
	}
	if tables > 0 && id != applicationID {
		return fmt.Errorf("%w: it belongs to another application", ErrCorrupt)
	}
	var verdict string
	if err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return classify(err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, verdict)
	}
	return nil
}

// touchFile makes the database file with the right mode before SQLite would
// make it with another, and refuses one that others can read or write. A file
// that exists is not opened: closing it again would give away the locks that
// another Store of this process has on it (POSIX locks belong to the process).
func (s *Store) touchFile() error {
	if s.path == "" {
		return nil
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if s.opened, err = os.Stat(s.path); err != nil {
		return err
	}
	return checkMode(s.opened)
}

// checkMode refuses what is not a plain file of its owner alone.
func checkMode(info os.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s has mode %04o: other users must have no access (chmod 600)", info.Name(), mode)
	}
	return nil
}

func (s *Store) dsn() string {
	file, vfs := s.path, ""
	if file == "" {
		file, vfs = "/durward-"+rand.Text(), "memdb"
	}
	query := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", s.opts.BusyTimeout.Milliseconds()),
			"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "trusted_schema(0)",
		},
	}
	if vfs != "" {
		query.Set("vfs", vfs)
	}
	return (&url.URL{Scheme: "file", Path: file, RawQuery: query.Encode()}).String()
}

// classify gives a driver's error the kind that callers can test for.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return durward.ErrNotFound
	}
	if errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return err
	}
	switch se.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return ErrExists
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return durward.ErrNotFound
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %v", ErrCorrupt, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL:
		return fmt.Errorf("%w: %v", ErrUnavailable, err)
	}
	return err
}
