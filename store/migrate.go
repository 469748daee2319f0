// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. Steps are numbered from 1 without gaps.
type migration struct {
	version  int
	name     string
	sql      string
	checksum string // SHA-256 of the file, hex
}

// readMigrations reads the files of a directory named NNNN_what.sql.
func readMigrations(files fs.FS) ([]migration, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		version, err := strconv.Atoi(number)
		if err != nil || !strings.HasSuffix(e.Name(), ".sql") {
			return nil, fmt.Errorf("migration %s: name must be NNNN_what.sql", e.Name())
		}
		content, err := fs.ReadFile(files, e.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		all = append(all, migration{version, strings.TrimSuffix(e.Name(), ".sql"), string(content), hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(all, func(a, b migration) int { return a.version - b.version })
	for i, m := range all {
		if m.version != i+1 {
			return nil, fmt.Errorf("migration %s: number %d expected", m.name, i+1)
		}
	}
	return all, nil
}

// migrate brings the schema to this version.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	all, err := readMigrations(files)
	if err != nil {
		return err
	}
	return applyMigrations(ctx, s.db, all)
}

// applyMigrations applies what is missing, all or nothing. The transaction is
// the lock against another process that does the same.
func applyMigrations(ctx context.Context, db *sql.DB, all []migration) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return classify(err)
	}
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (
		version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT`); err != nil {
		return classify(err)
	}
	applied, err := checkApplied(ctx, tx, all)
	if err != nil {
		return err
	}
	for _, m := range all[applied:] {
		if _, err := tx.ExecContext(ctx, m.sql); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, classify(err))
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO migrations VALUES (?, ?, ?)", m.version, m.name, m.checksum); err != nil {
			return classify(err)
		}
	}
	return classify(tx.Commit())
}

// checkApplied gives how many of all the database has, and refuses one that
// has others.
func checkApplied(ctx context.Context, tx *sql.Tx, all []migration) (int, error) {
	rows, err := tx.QueryContext(ctx, "SELECT version, name, checksum FROM migrations ORDER BY version")
	if err != nil {
		return 0, classify(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var m migration
		if err := rows.Scan(&m.version, &m.name, &m.checksum); err != nil {
			return 0, classify(err)
		}
		switch {
		case m.version > len(all):
			return 0, fmt.Errorf("%w: it has migration %s, this gateway ends at %d", ErrNewer, m.name, len(all))
		case m.version != n+1:
			return 0, fmt.Errorf("%w: migration %d is missing", ErrCorrupt, n+1)
		case m.checksum != all[n].checksum:
			return 0, fmt.Errorf("%w: migration %s is not the one that this gateway knows", ErrCorrupt, m.name)
		}
		n++
	}
	return n, classify(rows.Err())
}
