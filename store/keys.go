// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"durward"
)

// CreateKey adds a key. Created is set to now when it is zero; LastUsed is not
// stored. The error is durward.ErrNotFound when there is no such consumer,
// ErrExists when the id is taken, ErrInvalid when a value cannot be stored.
func (s *Store) CreateKey(ctx context.Context, k durward.Key) error {
	if k.Created.IsZero() {
		k.Created = s.opts.Now()
	}
	k = normalKey(k)
	if err := checkKey(&k); err != nil {
		return err
	}
	a := s.action(ctx, "key.create")
	a.TargetOf("key", k.ID, k.Consumer)
	tellKey(a, &durward.Key{}, &k)
	return s.write(ctx, a, func(tx *sql.Tx) error {
		return insertKey(ctx, tx, &k)
	}, func(ix *index) { ix.putKey(k) })
}

// Keys reads the keys of a consumer from the database, or all keys when
// consumer is empty, in order of consumer and creation.
func (s *Store) Keys(ctx context.Context, consumer string) ([]durward.Key, error) {
	return queryKeys(ctx, s.db, durward.KeyFilter{Consumer: consumer})
}

// FindKeys reads the keys that match from the database, in order of consumer
// and creation.
func (s *Store) FindKeys(ctx context.Context, match durward.KeyFilter) ([]durward.Key, error) {
	return queryKeys(ctx, s.db, match)
}

// RevokeKey makes a key invalid from at on. A key that was revoked stays so,
// from the earlier time.
func (s *Store) RevokeKey(ctx context.Context, id string, at time.Time) error {
	if at.IsZero() {
		return fmt.Errorf("%w: time of the revocation", ErrInvalid)
	}
	var k durward.Key
	a := s.action(ctx, "key.revoke")
	a.Target("key", id)
	return s.write(ctx, a, func(tx *sql.Tx) (err error) {
		if k, err = queryKey(ctx, tx, id); err != nil {
			return err
		}
		a.Own("key", id, k.Consumer)
		before := k
		if k.Revoked.IsZero() || at.Before(k.Revoked) {
			k.Revoked = instant(micros(at))
		}
		tellKey(a, &before, &k)
		_, err = tx.ExecContext(ctx, "UPDATE keys SET revoked = ? WHERE id = ?", micros(k.Revoked), id)
		return err
	}, func(ix *index) { ix.putKey(k) })
}

// RotateKey adds next, a key of the same consumer, and lets the key id expire
// at until, unless it expires before that. Either both happen or neither. A
// key that was revoked meanwhile is not rotated (durward.ErrRevoked): nobody
// gets a new key for one that was taken away.
func (s *Store) RotateKey(ctx context.Context, id string, next durward.Key, until time.Time) error {
	if next.Created.IsZero() {
		next.Created = s.opts.Now()
	}
	next = normalKey(next)
	if err := checkKey(&next); err != nil {
		return err
	}
	if until.IsZero() {
		return fmt.Errorf("%w: time until which the old key is good", ErrInvalid)
	}
	var old durward.Key
	a := s.action(ctx, "key.rotate")
	a.Target("key", id)
	a.TargetOf("key", next.ID, next.Consumer)
	return s.write(ctx, a, func(tx *sql.Tx) (err error) {
		if old, err = queryKey(ctx, tx, id); err != nil {
			return err
		}
		if old.Consumer != next.Consumer {
			return fmt.Errorf("%w: the new key is of another consumer", ErrInvalid)
		}
		if !old.Revoked.IsZero() {
			return durward.ErrRevoked
		}
		a.Own("key", id, old.Consumer)
		before := old
		if old.Expires.IsZero() || until.Before(old.Expires) {
			old.Expires = instant(micros(until))
		}
		tellKey(a, &before, &old)
		if _, err = tx.ExecContext(ctx, "UPDATE keys SET expires = ? WHERE id = ?", micros(old.Expires), id); err != nil {
			return err
		}
		return insertKey(ctx, tx, &next)
	}, func(ix *index) {
		ix.putKey(old)
		ix.putKey(next)
	})
}

func insertKey(ctx context.Context, tx *sql.Tx, k *durward.Key) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO keys
		(id, environment, consumer, name, holders, hash, roles, scopes, addresses, denied, plan, created, expires, revoked)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.ID, k.Environment, k.Consumer, k.Name, list(k.Holders), k.Hash[:], list(k.Roles), list(k.Scopes),
		networks(k.Addresses), networks(k.Denied), k.Plan, micros(k.Created), micros(k.Expires), micros(k.Revoked))
	return err
}

func queryKey(ctx context.Context, q querier, id string) (durward.Key, error) {
	if id == "" { // which would pick all
		return durward.Key{}, durward.ErrNotFound
	}
	found, err := queryKeys(ctx, q, durward.KeyFilter{ID: id})
	if err != nil {
		return durward.Key{}, err
	}
	if len(found) == 0 {
		return durward.Key{}, durward.ErrNotFound
	}
	return found[0], nil
}

// queryKeys reads the keys that match. One that is denied is revoked, too.
func queryKeys(ctx context.Context, q querier, match durward.KeyFilter) ([]durward.Key, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, environment, consumer, name, holders, hash, roles, scopes,
		addresses, denied, plan, created, expires, revoked, coalesce(last_used, 0), coalesce((SELECT min(at) FROM denials
			WHERE kind = 'id' AND denials.key = CAST(keys.id AS BLOB) OR kind = 'hash' AND denials.key = keys.hash), 0)
		FROM keys LEFT JOIN key_uses ON key_uses.key = id
		WHERE (?1 = '' OR id = ?1) AND (?2 = '' OR consumer = ?2)
		AND (?3 = '' OR EXISTS (SELECT 1 FROM json_each(keys.holders) WHERE value = ?3))
		ORDER BY consumer, created, id`, match.ID, match.Consumer, match.Holder)
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close()
	var all []durward.Key
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, classify(rows.Err())
}

func scanKey(rows *sql.Rows) (k durward.Key, err error) {
	var hash []byte
	var lists [5]string // holders, roles, scopes, addresses, denied
	var times [5]int64  // created, expires, revoked, last used, leaked
	if err := rows.Scan(&k.ID, &k.Environment, &k.Consumer, &k.Name, &lists[0], &hash, &lists[1], &lists[2], &lists[3],
		&lists[4], &k.Plan, &times[0], &times[1], &times[2], &times[3], &times[4]); err != nil {
		return k, classify(err)
	}
	if copy(k.Hash[:], hash) != len(k.Hash) || len(hash) != len(k.Hash) {
		return k, fmt.Errorf("%w: hash of key %s", ErrCorrupt, k.ID)
	}
	for i, to := range []*[]string{&k.Holders, &k.Roles, &k.Scopes} {
		if *to, err = unlist(lists[i]); err != nil {
			return k, err
		}
	}
	for i, to := range []*[]netip.Prefix{&k.Addresses, &k.Denied} {
		if *to, err = unNetworks(lists[3+i], "key "+k.ID); err != nil {
			return k, err
		}
	}
	k.Created, k.Expires, k.Revoked, k.LastUsed = instant(times[0]), instant(times[1]), instant(times[2]), instant(times[3])
	leak(&k, moment(times[4]))
	return k, nil
}

// normalKey gives k as it will be read back, sharing nothing.
func normalKey(k durward.Key) durward.Key {
	k.Holders, k.Roles, k.Scopes = copied(k.Holders), copied(k.Roles), copied(k.Scopes)
	k.Addresses, k.Denied = copied(k.Addresses), copied(k.Denied)
	k.Created, k.Expires, k.Revoked = instant(micros(k.Created)), instant(micros(k.Expires)), instant(micros(k.Revoked))
	k.LastUsed, k.Leaked = time.Time{}, time.Time{}
	return k
}

func checkKey(k *durward.Key) error {
	switch {
	case !keyID.MatchString(k.ID):
		return fmt.Errorf("%w: key id must be %s", ErrInvalid, keyID)
	case !environmentID.MatchString(k.Environment):
		return fmt.Errorf("%w: environment must be %s", ErrInvalid, environmentID)
	case k.Hash == [32]byte{}:
		return fmt.Errorf("%w: key has no hash", ErrInvalid)
	}
	return errors.Join(checkTexts(k.Name, k.Roles, k.Scopes, k.Holders), checkPlan(k.Plan),
		checkNetworks(k.Addresses), checkNetworks(k.Denied))
}
