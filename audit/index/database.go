// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	_ "modernc.org/sqlite" // the driver
)

const (
	applicationID = 0x44525749 // "DRWI"
	schemaVersion = 1
	// columnShift makes a column and a number of a record one key, so that a
	// column's blocks lie side by side.
	columnShift = 48
)

var (
	errUseless = errors.New("the database is of no use")
	errForeign = errors.New("the database belongs to another application")
	errMoved   = errors.New("another process went on with the audit index")
)

// database keeps blocks.
type database struct{ db *sql.DB }

// openDatabase opens or makes one. errUseless says that it has to be made
// anew; for a reader, fs.ErrNotExist that there is none.
func openDatabase(ctx context.Context, path string, readOnly bool) (*database, error) {
	if err := touch(path, readOnly); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path) // in a URL, a relative one would begin with a host
	if err != nil {
		return nil, err
	}
	query := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "trusted_schema(0)"},
	}
	if readOnly {
		query.Set("mode", "ro")
	} else {
		// What a crash loses is read from the log again.
		query["_pragma"] = append(query["_pragma"], "auto_vacuum(2)", "journal_mode(WAL)", "synchronous(NORMAL)")
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2)
	d := &database{db}
	if err := d.check(ctx, readOnly); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

// touch makes the file with the right mode before SQLite makes it with another.
func touch(path string, readOnly bool) error {
	if !readOnly {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return fmt.Errorf("%s: other users must have no access (chmod 600)", path)
	}
	return foreign(path)
}

// foreign refuses a SQLite database of another application before anything of
// it could be changed (https://www.sqlite.org/fileformat.html, section 1.3).
func foreign(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var header [100]byte
	if _, err := io.ReadFull(f, header[:]); err != nil || !bytes.HasPrefix(header[:], []byte("SQLite format 3\x00")) {
		return nil // that it is none is found out later
	}
	if id := binary.BigEndian.Uint32(header[68:]); id != applicationID && id != 0 {
		return errForeign
	}
	return nil
}

func (d *database) check(ctx context.Context, readOnly bool) error {
	var id, version, tables int
	err := d.db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("%w: %v", errUseless, err)
	}
	switch {
	case tables > 0 && id != applicationID:
		return errForeign
	case tables > 0 && version == schemaVersion:
		return nil
	case tables > 0:
		return fmt.Errorf("%w: it is of another version", errUseless)
	case readOnly:
		return fmt.Errorf("%w: it is empty", errUseless)
	}
	_, err = d.db.ExecContext(ctx, fmt.Sprintf(`BEGIN IMMEDIATE;
		PRAGMA application_id = %d;
		PRAGMA user_version = %d;
		CREATE TABLE IF NOT EXISTS blocks (first INTEGER PRIMARY KEY, file INTEGER NOT NULL, n INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL) STRICT;
		CREATE TABLE IF NOT EXISTS columns (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
		CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 1), next INTEGER NOT NULL, mark TEXT NOT NULL, place INTEGER NOT NULL) STRICT;
		COMMIT;`, applicationID, schemaVersion))
	return err
}

func (d *database) close() error { return d.db.Close() }

func key(c column, first uint64) int64 { return int64(c)<<columnShift | int64(first) }

// save writes the block that is being filled, and that it was.
func (d *database) save(ctx context.Context, pack *packer, s *writing) error {
	b := s.block
	if b.first >= 1<<columnShift {
		return errors.New("the audit index has no room for numbers as high")
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	next := uint64(1)
	if err := tx.QueryRowContext(ctx, "SELECT next FROM progress").Scan(&next); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if s.saved != 0 && next != s.saved || s.saved == 0 && next != 1 {
		return errMoved
	}
	if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)", b.first, b.file, b.n, b.low, b.high); err != nil {
		return err
	}
	for c := range numColumns {
		if c >= numHashes && c < colKind {
			continue
		}
		if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO columns VALUES (?, ?)", key(c, b.first), pack.pack(b, c)); err != nil {
			return err
		}
		runtime.Gosched() // a block takes some milliseconds
	}
	if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?)", s.next, string(s.mark), b.offsets[b.n-1]); err != nil {
		return err
	}
	return tx.Commit()
}

// mark gives the mark of the last record, and its place in its file.
func (d *database) mark(ctx context.Context) (mark string, place int64, err error) {
	err = d.db.QueryRowContext(ctx, "SELECT mark, place FROM progress").Scan(&mark, &place)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %v", errUseless, err)
	}
	return mark, place, err
}

// heads gives the blocks from the newest, those that begin before a number
// only when there is one.
func (d *database) heads(ctx context.Context, before sql.NullInt64) ([]head, error) {
	rows, err := d.db.QueryContext(ctx, "SELECT first, file, n, low, high FROM blocks WHERE first < coalesce(?, first + 1) ORDER BY first DESC", before)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []head
	for rows.Next() {
		var h head
		if err := rows.Scan(&h.first, &h.file, &h.n, &h.low, &h.high); err != nil {
			return nil, err
		}
		if h.n < 1 || h.n > blockRecords {
			return nil, fmt.Errorf("%w: a block of %d records", errUseless, h.n)
		}
		all = append(all, h)
	}
	return all, rows.Err()
}

// column reads one column of a block.
func (d *database) column(ctx context.Context, pack *packer, b *block, c column) error {
	var data []byte
	if err := d.db.QueryRowContext(ctx, "SELECT data FROM columns WHERE id = ?", key(c, b.first)).Scan(&data); err != nil {
		return err
	}
	return pack.unpack(b, c, data)
}

// block reads a block with all its columns.
func (d *database) block(ctx context.Context, pack *packer, h head) (*block, error) {
	b := &block{head: h}
	for c := range numColumns {
		if c >= numHashes && c < colKind {
			continue
		}
		if err := d.column(ctx, pack, b, c); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// expire removes the blocks of files before that with the record first, and
// gives the room back.
func (d *database) expire(ctx context.Context, first uint64) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	gone, err := tx.ExecContext(ctx, "DELETE FROM blocks WHERE file < ?", first)
	if err != nil {
		return err
	}
	if n, err := gone.RowsAffected(); err != nil || n == 0 {
		return err
	}
	for c := range numColumns {
		// A file's blocks begin with its first record or later.
		if _, err := tx.ExecContext(ctx, "DELETE FROM columns WHERE id >= ? AND id < ?", key(c, 0), key(c, first)); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = d.db.ExecContext(ctx, "PRAGMA incremental_vacuum")
	return err
}

// clear removes everything.
func (d *database) clear(ctx context.Context) error {
	_, err := d.db.ExecContext(ctx, "BEGIN IMMEDIATE; DELETE FROM blocks; DELETE FROM columns; DELETE FROM progress; COMMIT")
	return err
}
