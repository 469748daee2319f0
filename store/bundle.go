// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a Bundle.
const (
	MaxBundle      = 32 << 20 // bytes of all files together
	MaxBundleFiles = 256
	maxFileName    = 300
)

// Bundle is a configuration document with the files that travel with it. It
// holds them as they were written, so never what ${...} stands for.
type Bundle struct {
	Document string            // name of the document in Files
	Files    map[string][]byte // by path below the document's folder, with slashes
}

// Fingerprint is the SHA-256, in hex, of the names and contents of all files.
// It is the same wherever the bundle is unpacked. Bundles with the same
// fingerprint hold the same bytes.
func (b *Bundle) Fingerprint() string {
	h := sha256.New()
	writePart(h, []byte("durward bundle 1"))
	writePart(h, []byte(b.Document))
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		writePart(h, []byte(name))
		writePart(h, b.Files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writePart writes a part with its length before it, so that no two lists of
// parts give the same bytes.
func writePart(h hash.Hash, part []byte) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
	h.Write(part)
}

// Check tells whether the bundle can be stored, and unpacked without leaving
// the folder that it is unpacked into. The error is an ErrInvalid.
func (b *Bundle) Check() error {
	if strings.Contains(b.Document, "/") {
		return fmt.Errorf("%w: the document of a bundle lies at its top", ErrInvalid)
	}
	if _, ok := b.Files[b.Document]; !ok {
		return fmt.Errorf("%w: a bundle holds its document", ErrInvalid)
	}
	if len(b.Files) > MaxBundleFiles {
		return fmt.Errorf("%w: a configuration of more than %d files", ErrInvalid, MaxBundleFiles)
	}
	total := 0
	for name, content := range b.Files {
		switch {
		case len(name) > maxFileName || !utf8.ValidString(name) || strings.ContainsFunc(name, control):
			return fmt.Errorf("%w: the name of a file has more than %d bytes, or control characters", ErrInvalid, maxFileName)
		case name == "." || path.Clean(name) != name || strings.Contains(name, `\`) || !filepath.IsLocal(filepath.FromSlash(name)):
			return fmt.Errorf("%w: the file %q lies outside of the document's folder", ErrInvalid, name)
		}
		total += len(content)
	}
	if total > MaxBundle {
		return fmt.Errorf("%w: the files of a configuration have more than %d bytes", ErrInvalid, MaxBundle)
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' }

// insertBundle stores a bundle, unless it is there.
func insertBundle(ctx context.Context, tx *sql.Tx, fingerprint string, b *Bundle) error {
	result, err := tx.ExecContext(ctx, "INSERT INTO bundles VALUES (?, ?) ON CONFLICT DO NOTHING", fingerprint, b.Document)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err // it is there, with all its files
	}
	for _, name := range slices.Sorted(maps.Keys(b.Files)) {
		content := b.Files[name]
		if content == nil {
			content = []byte{} // nil would be NULL
		}
		sum := sha256.Sum256(content)
		if _, err := tx.ExecContext(ctx, "INSERT INTO contents VALUES (?, ?) ON CONFLICT DO NOTHING", sum[:], content); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO bundle_files VALUES (?, ?, ?)", fingerprint, name, sum[:]); err != nil {
			return err
		}
	}
	return nil
}

// Bundle gives the bundle with a fingerprint. The error is
// durward.ErrNotFound, or ErrCorrupt when what is stored is not what was.
func (s *Store) Bundle(ctx context.Context, fingerprint string) (Bundle, error) {
	var b Bundle
	if err := s.db.QueryRowContext(ctx, "SELECT document FROM bundles WHERE fingerprint = ?", fingerprint).Scan(&b.Document); err != nil {
		return b, classify(err)
	}
	rows, err := s.db.QueryContext(ctx, "SELECT name, content FROM bundle_files JOIN contents USING (sum) WHERE fingerprint = ?", fingerprint)
	if err != nil {
		return b, classify(err)
	}
	defer rows.Close()
	b.Files = map[string][]byte{}
	for rows.Next() {
		var name string
		var content []byte
		if err := rows.Scan(&name, &content); err != nil {
			return b, classify(err)
		}
		b.Files[name] = content
	}
	if err := rows.Err(); err != nil {
		return b, classify(err)
	}
	if b.Fingerprint() != fingerprint || b.Check() != nil {
		return Bundle{}, fmt.Errorf("%w: the files of the configuration %s are not those that were stored", ErrCorrupt, fingerprint)
	}
	return b, nil
}
