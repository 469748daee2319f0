// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"durward"
)

// maxAtOnce bounds how much AddKeys and DenyKeys take in one call.
const maxAtOnce = 100_000

// maxNote bounds the note of a denial, in bytes.
const maxNote = 200

// AddKeys adds consumers and keys, all or none. Created is set to now where it
// is zero. The error is ErrExists when an id is taken, ErrInvalid when a value
// cannot be stored, durward.ErrNotFound when a key's consumer is not there.
func (s *Store) AddKeys(ctx context.Context, consumers []durward.Consumer, keys []durward.Key) error {
	if len(consumers)+len(keys) > maxAtOnce {
		return fmt.Errorf("%w: more than %d at once", ErrInvalid, maxAtOnce)
	}
	now := s.opts.Now()
	newConsumers, newKeys := make([]durward.Consumer, len(consumers)), make([]durward.Key, len(keys))
	for i := range consumers {
		newConsumers[i] = consumers[i]
		if newConsumers[i].Created.IsZero() {
			newConsumers[i].Created = now
		}
		newConsumers[i] = normalConsumer(newConsumers[i])
		if err := checkConsumer(&newConsumers[i]); err != nil {
			return err
		}
	}
	for i := range keys {
		newKeys[i] = keys[i]
		if newKeys[i].Created.IsZero() {
			newKeys[i].Created = now
		}
		newKeys[i] = normalKey(newKeys[i])
		if err := checkKey(&newKeys[i]); err != nil {
			if len(keys) > 1 { // else it is clear, and the id may never have been shown
				err = fmt.Errorf("key %s: %w", newKeys[i].ID, err)
			}
			return err
		}
	}
	return s.write(ctx, s.addition(ctx, newConsumers, newKeys), func(tx *sql.Tx) error {
		for i := range newConsumers {
			if err := insertConsumer(ctx, tx, &newConsumers[i]); err != nil {
				return fmt.Errorf("consumer %s: %w", newConsumers[i].ID, classify(err))
			}
		}
		for i := range newKeys {
			if err := insertKey(ctx, tx, &newKeys[i]); err != nil {
				return fmt.Errorf("key %s: %w", newKeys[i].ID, classify(err))
			}
		}
		return nil
	}, func(ix *index) {
		for _, c := range newConsumers {
			ix.putConsumer(c)
		}
		for _, k := range newKeys {
			ix.putKey(k)
		}
	})
}

// addition is the action of AddKeys.
func (s *Store) addition(ctx context.Context, consumers []durward.Consumer, keys []durward.Key) *durward.AdminAction {
	name := "key.import"
	if len(keys) == 1 {
		name = "key.create"
	}
	a := s.action(ctx, name)
	for i := range consumers {
		a.Target("consumer", consumers[i].ID)
	}
	for i := range keys {
		a.TargetOf("key", keys[i].ID, keys[i].Consumer)
	}
	if len(keys) == 1 {
		tellKey(a, &durward.Key{}, &keys[0])
	}
	return a
}

// RevokeKeys makes all keys that match invalid from at on, and gives those that
// were not revoked before. None is no error.
func (s *Store) RevokeKeys(ctx context.Context, match durward.KeyFilter, at time.Time) ([]durward.Key, error) {
	if at.IsZero() {
		return nil, fmt.Errorf("%w: time of the revocation", ErrInvalid)
	}
	at = instant(micros(at))
	var revoked []durward.Key
	a := s.action(ctx, "key.revoke")
	a.Change("of_consumer", "", match.Consumer)
	a.Change("of_holder", "", match.Holder)
	a.Change("revoked", "", toldTime(at))
	err := s.write(ctx, a, func(tx *sql.Tx) error {
		found, err := queryKeys(ctx, tx, match)
		if err != nil {
			return err
		}
		for _, k := range found {
			if !k.Revoked.IsZero() && !at.Before(k.Revoked) {
				continue
			}
			if _, err := tx.ExecContext(ctx, "UPDATE keys SET revoked = ? WHERE id = ?", micros(at), k.ID); err != nil {
				return err
			}
			a.TargetOf("key", k.ID, k.Consumer)
			k.Revoked = at
			revoked = append(revoked, k)
		}
		return nil
	}, func(ix *index) {
		for _, k := range revoked {
			ix.putKey(k)
		}
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}

// DenyKeys puts leaked keys on the deny list, all or none, and gives the keys
// of this store that they are. What is on the list stays there: such a key is
// revoked, also when its row is deleted and imported again. To deny one twice
// is no error; the earlier time stands. The error is ErrInvalid when a denial
// names nothing, or when the list is full.
func (s *Store) DenyKeys(ctx context.Context, leaked []durward.Denial, at time.Time) ([]durward.Key, error) {
	if err := checkDenials(leaked, at); err != nil {
		return nil, err
	}
	since := micros(at)
	var hit []durward.Key
	a := s.action(ctx, "key.deny")
	for i := range leaked {
		if leaked[i].ID != "" {
			a.Target("key", leaked[i].ID)
		} else {
			a.Count++ // of a hash nothing is told
		}
	}
	if len(leaked) > 0 {
		a.Change("note", "", leaked[0].Note)
	}
	err := s.write(ctx, a, func(tx *sql.Tx) error {
		found := map[string]bool{}
		for i := range leaked {
			keys, err := deny(ctx, tx, &leaked[i], since)
			if err != nil {
				return err
			}
			for _, k := range keys {
				a.Own("key", k.ID, k.Consumer)
				if !found[k.ID] {
					found[k.ID] = true
					hit = append(hit, k)
				}
			}
		}
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM denials").Scan(&n); err != nil {
			return err
		}
		if n > maxDenials {
			return fmt.Errorf("%w: the deny list holds at most %d keys", ErrInvalid, maxDenials)
		}
		return nil
	}, func(ix *index) {
		ix.denials.add(leaked, moment(since))
		for _, k := range hit {
			ix.putKey(k)
		}
	})
	if err != nil {
		return nil, err
	}
	return hit, nil
}

// deny stores one denial and gives the keys that it is about.
func deny(ctx context.Context, tx *sql.Tx, d *durward.Denial, since int64) ([]durward.Key, error) {
	kind, key := "hash", d.Hash[:]
	if d.ID != "" {
		kind, key = "id", []byte(d.ID)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO denials (kind, key, note, at) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET at = min(at, excluded.at)`, kind, key, d.Note, since); err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT id FROM keys WHERE ?1 = 'id' AND id = CAST(?2 AS TEXT) OR ?1 = 'hash' AND hash = ?2", kind, key)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var keys []durward.Key
	for _, id := range ids {
		k, err := queryKey(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func checkDenials(leaked []durward.Denial, at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("%w: time of the denial", ErrInvalid)
	}
	if len(leaked) > maxAtOnce {
		return fmt.Errorf("%w: more than %d at once", ErrInvalid, maxAtOnce)
	}
	for i := range leaked {
		d := &leaked[i]
		switch {
		case (d.ID == "") == (d.Hash == [32]byte{}):
			return fmt.Errorf("%w: a denial names an id or a hash", ErrInvalid)
		case d.ID != "" && !keyID.MatchString(d.ID):
			return fmt.Errorf("%w: key id must be %s", ErrInvalid, keyID)
		case len(d.Note) > maxNote:
			return fmt.Errorf("%w: note is longer than %d bytes", ErrInvalid, maxNote)
		}
	}
	return nil
}
