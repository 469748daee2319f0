// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"

	"durward"
)

// MaxInventory is how many bytes the inventory of one API may have.
const MaxInventory = 32 << 20

// ChangeInventory changes what is kept of the calls of an API, while nobody
// else can: change gets what is there, nil for nothing, and gives what shall be
// there. It raises no revision. The error is change's own, ErrInvalid when the
// result is too large, or ErrUnavailable.
func (s *Store) ChangeInventory(ctx context.Context, api string, change func(old []byte) ([]byte, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return classify(err)
	}
	defer tx.Rollback()
	var old []byte
	if err := tx.QueryRowContext(ctx, "SELECT seen FROM inventory WHERE api = ?", api).Scan(&old); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return classify(err)
	}
	seen, err := change(old)
	if err != nil {
		return err
	}
	if len(seen) > MaxInventory {
		return ErrInvalid
	}
	if _, err := tx.ExecContext(ctx,
		"INSERT INTO inventory (api, seen, changed) VALUES (?, ?, ?) ON CONFLICT (api) DO UPDATE SET seen = excluded.seen, changed = excluded.changed",
		api, seen, s.opts.Now().Unix()); err != nil {
		return classify(err)
	}
	return classify(tx.Commit())
}

// Inventory gives what is kept of the calls of an API; durward.ErrNotFound when
// there is nothing.
func (s *Store) Inventory(ctx context.Context, api string) ([]byte, error) {
	var seen []byte
	err := s.db.QueryRowContext(ctx, "SELECT seen FROM inventory WHERE api = ?", api).Scan(&seen)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, durward.ErrNotFound
	}
	return seen, classify(err)
}

// ForgetInventory deletes what is kept of the calls of an API.
func (s *Store) ForgetInventory(ctx context.Context, api string) error {
	a := s.action(ctx, "inventory.forget")
	a.Target("api", api)
	return s.write(ctx, a, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM inventory WHERE api = ?", api)
		return err
	}, unindexed)
}
