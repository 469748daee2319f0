// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver
)

// applicationID marks an SQLite file as keys of an audit log ("DRWK").
const applicationID = 0x4452574b

// schema: used is the day (since 1970) on which a key was last taken. erased has
// what the log is still to record, and tells other processes.
const schema = `
CREATE TABLE root (id INTEGER PRIMARY KEY CHECK (id = 1), wrapped BLOB NOT NULL) STRICT;
CREATE TABLE keys (hash BLOB PRIMARY KEY, owner BLOB, tag BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL, used INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX keys_owner ON keys (owner);
CREATE INDEX keys_used ON keys (used);
CREATE TABLE erased (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, tag BLOB NOT NULL, recorded INTEGER NOT NULL DEFAULT 0) STRICT;
PRAGMA application_id = 1146246987;
PRAGMA user_version = 1;
`

// keysFile is an open keys file. It is safe for concurrent use.
type keysFile struct {
	db     *sql.DB
	path   string
	index  []byte      // HMAC key: which row is whose
	wrapKs cipher.AEAD // wraps data keys
}

// openKeys opens the keys file; with create it is made when absent.
func openKeys(ctx context.Context, path string, master Master, create bool) (*keysFile, error) {
	k := &keysFile{path: path}
	root, err := k.open(ctx, master, create)
	if err != nil {
		k.close()
		return nil, fmt.Errorf("keys of the audit log in %s: %w", path, err)
	}
	if k.index, err = hkdf.Key(sha256.New, root, nil, "durward audit index 1", keySize); err != nil {
		return nil, err
	}
	k.wrapKs, err = derive(root, "durward audit data keys 1")
	return k, err
}

func (k *keysFile) open(ctx context.Context, master Master, create bool) (root []byte, err error) {
	if err := k.connect(create); err != nil {
		return nil, err
	}
	var id, tables int
	if err := k.db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return nil, err
	}
	if err := k.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return nil, err
	}
	if tables > 0 {
		if id != applicationID {
			return nil, errors.New("it belongs to another application")
		}
		return k.root(ctx, master)
	}
	if !create {
		return nil, errors.New("it holds no keys")
	}
	root = make([]byte, keySize)
	rand.Read(root)
	wrapped, err := master.Wrap(ctx, root)
	if err != nil {
		return nil, err
	}
	return root, k.within(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO root (id, wrapped) VALUES (1, ?)", wrapped)
		return err
	})
}

func (k *keysFile) root(ctx context.Context, master Master) ([]byte, error) {
	var wrapped []byte
	if err := k.db.QueryRowContext(ctx, "SELECT wrapped FROM root").Scan(&wrapped); err != nil {
		return nil, err
	}
	return master.Unwrap(ctx, wrapped)
}

// connect opens the database. What is deleted in it is overwritten with zeros
// (secure_delete).
func (k *keysFile) connect(create bool) error {
	if create {
		f, err := os.OpenFile(k.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			err = f.Close()
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	info, err := os.Stat(k.path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("not a regular file")
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("mode %04o: other users must have no access (chmod 600)", info.Mode().Perm())
	}
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(2000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)", "trusted_schema(0)",
	}}
	dsn := (&url.URL{Scheme: "file", Path: k.path, RawQuery: query.Encode()}).String()
	if k.db, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	k.db.SetMaxOpenConns(3) // one writes, one looks for erasures, one reads
	return nil
}

// within runs do in a transaction.
func (k *keysFile) within(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit()
}

// find reads the data key of a subject or address; nil when there is none.
func (k *keysFile) find(ctx context.Context, hash []byte) (*dataKey, error) {
	return k.read(ctx, "SELECT hash, tag, wrapped, used FROM keys WHERE hash = ?", hash)
}

// byTag reads the data key that a record names; nil when it was destroyed.
func (k *keysFile) byTag(ctx context.Context, tag []byte) (*dataKey, error) {
	return k.read(ctx, "SELECT hash, tag, wrapped, used FROM keys WHERE tag = ?", tag)
}

func (k *keysFile) read(ctx context.Context, query string, arg []byte) (*dataKey, error) {
	var hash, tag, wrapped []byte
	d := &dataKey{}
	err := k.db.QueryRowContext(ctx, query, arg).Scan(&hash, &tag, &wrapped, &d.used)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d.hash, d.tag = string(hash), string(tag)
	if d.key, err = unwrap(k.wrapKs, wrapped, d.hash); err != nil {
		return nil, fmt.Errorf("a data key was changed: %w", err)
	}
	return d, nil
}

// insert stores new data keys, and on which day others were taken, all or nothing.
func (k *keysFile) insert(ctx context.Context, fresh []*dataKey, taken map[string]int64) error {
	return k.within(ctx, func(tx *sql.Tx) error {
		for _, d := range fresh {
			_, err := tx.ExecContext(ctx, "INSERT INTO keys (hash, owner, tag, wrapped, used) VALUES (?, ?, ?, ?, ?)",
				[]byte(d.hash), []byte(d.owner), []byte(d.tag), wrap(k.wrapKs, d.key, d.hash), d.used)
			if err != nil {
				return err
			}
		}
		for tag, day := range taken {
			if _, err := tx.ExecContext(ctx, "UPDATE keys SET used = ? WHERE tag = ?", day, []byte(tag)); err != nil {
				return err
			}
		}
		return nil
	})
}

// adopt gives a data key that is nobody's an owner, with whom it is erased.
func (k *keysFile) adopt(ctx context.Context, hash, owner []byte) error {
	_, err := k.db.ExecContext(ctx, "UPDATE keys SET owner = ? WHERE hash = ? AND length(coalesce(owner, '')) = 0", owner, hash)
	return err
}

// erase destroys a data key, and those of the credentials that are its owner's: its bytes are overwritten in the database, and the
// write-ahead log that may still hold them is emptied. It gives the tag; "" when
// there is no such key.
func (k *keysFile) erase(ctx context.Context, kind string, hash []byte) (tag string, err error) {
	var found []byte
	err = k.within(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "DELETE FROM keys WHERE hash = ? RETURNING tag", hash).Scan(&found)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		for _, one := range []struct {
			query string
			args  []any
		}{
			{"INSERT INTO erased (kind, tag) VALUES (?, ?)", []any{kind, found}},
			// A running gateway forgets them too; the one record tells of them.
			{"INSERT INTO erased (kind, tag, recorded) SELECT ?, tag, 1 FROM keys WHERE owner = ?", []any{KindCredential, hash}},
			{"DELETE FROM keys WHERE owner = ?", []any{hash}},
		} {
			if err == nil {
				_, err = tx.ExecContext(ctx, one.query, one.args...)
			}
		}
		return err
	})
	if err != nil || found == nil {
		return "", err
	}
	return string(found), k.checkpoint(ctx)
}

// checkpoint brings the write-ahead log into the database and empties it.
func (k *keysFile) checkpoint(ctx context.Context) error {
	var busy, pages, done int
	if err := k.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &done); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("the key is deleted, but another process still reads the file's write-ahead log: erase again")
	}
	return nil
}

// expire destroys the keys that were last taken before a day.
func (k *keysFile) expire(ctx context.Context, day int64) (n int64, err error) {
	result, err := k.db.ExecContext(ctx, "DELETE FROM keys WHERE used < ?", day)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// erasure is a key that was destroyed.
type erasure struct {
	id       int64
	kind     string
	tag      string
	recorded bool
}

// erasures lists those behind a number, and before it those that are not
// recorded yet.
func (k *keysFile) erasures(ctx context.Context, after int64) (all []erasure, err error) {
	rows, err := k.db.QueryContext(ctx, "SELECT id, kind, tag, recorded FROM erased WHERE id > ? OR recorded = 0 ORDER BY id LIMIT 1000", after)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e erasure
		var tag []byte
		if err := rows.Scan(&e.id, &e.kind, &tag, &e.recorded); err != nil {
			return nil, err
		}
		e.tag = string(tag)
		all = append(all, e)
	}
	return all, rows.Err()
}

func (k *keysFile) recorded(ctx context.Context, id int64) error {
	_, err := k.db.ExecContext(ctx, "UPDATE erased SET recorded = 1 WHERE id = ?", id)
	return err
}

// rekey wraps the root key under another master key.
func (k *keysFile) rekey(ctx context.Context, from, to Master) error {
	root, err := k.root(ctx, from)
	if err != nil {
		return err
	}
	wrapped, err := to.Wrap(ctx, root)
	if err != nil {
		return err
	}
	if again, err := to.Unwrap(ctx, wrapped); err != nil || string(again) != string(root) {
		return fmt.Errorf("the new master key does not give back what it wrapped: %w", err)
	}
	if _, err := k.db.ExecContext(ctx, "UPDATE root SET wrapped = ?", wrapped); err != nil {
		return err
	}
	return k.checkpoint(ctx)
}

func (k *keysFile) close() error {
	if k.db == nil {
		return nil
	}
	return k.db.Close()
}
