// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"durward"
)

// maxDenials bounds the deny list, and with it its memory.
const maxDenials = 1 << 18

// moment is a time as the database has it: Unix microseconds, 0 is never.
type moment int64

// denials is the deny list of leaked keys. Look-ups take no lock; whoever
// changes it holds Store.mu.
type denials struct{ now atomic.Pointer[denied] }

type denied struct {
	ids    map[string]moment
	hashes map[[32]byte]moment
}

func (d *denials) store(ids map[string]moment, hashes map[[32]byte]moment) {
	d.now.Store(&denied{ids, hashes})
}

func (d *denials) size() int {
	now := d.now.Load()
	return len(now.ids) + len(now.hashes)
}

// since tells since when a key is denied; 0 when it is not.
func (d *denials) since(id string, hash *[32]byte) moment {
	now := d.now.Load()
	a, b := now.ids[id], now.hashes[*hash]
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// apply makes a key that is denied a revoked one.
func (d *denials) apply(k *durward.Key) { leak(k, d.since(k.ID, &k.Hash)) }

func leak(k *durward.Key, since moment) {
	if since == 0 {
		return
	}
	k.Leaked = instant(int64(since))
	if k.Revoked.IsZero() {
		k.Revoked = k.Leaked
	}
}

// add takes more denials; of two for one key the earlier stands.
func (d *denials) add(more []durward.Denial, at moment) {
	now := d.now.Load()
	ids, hashes := maps.Clone(now.ids), maps.Clone(now.hashes)
	for i := range more {
		if m := &more[i]; m.ID != "" {
			ids[m.ID] = earlier(ids[m.ID], at)
		} else {
			hashes[m.Hash] = earlier(hashes[m.Hash], at)
		}
	}
	d.store(ids, hashes)
}

func earlier(a, b moment) moment {
	if a != 0 && a < b {
		return a
	}
	return b
}

// load reads the deny list.
func (d *denials) load(ctx context.Context, q querier) error {
	rows, err := q.QueryContext(ctx, "SELECT kind, key, at FROM denials")
	if err != nil {
		return classify(err)
	}
	defer rows.Close()
	ids, hashes := map[string]moment{}, map[[32]byte]moment{}
	for rows.Next() {
		var kind string
		var key []byte
		var at int64
		if err := rows.Scan(&kind, &key, &at); err != nil {
			return classify(err)
		}
		switch {
		case kind == "id":
			ids[string(key)] = moment(at)
		case len(key) == 32:
			hashes[[32]byte(key)] = moment(at)
		default: // it must not be lost silently: it refuses somebody
			return fmt.Errorf("%w: a hash on the deny list", ErrCorrupt)
		}
	}
	d.store(ids, hashes)
	return classify(rows.Err())
}

// Denied tells since when a key is on the deny list of leaked keys, by its id
// or by its hash; the zero time when it is not. It answers for keys that are
// not stored, too. It takes no lock, does not wait and does not allocate. For a
// stored key there is no need to ask: Key gives it as revoked.
func (s *Store) Denied(id string, hash [32]byte) (since time.Time) {
	return instant(int64(s.index.Load().denials.since(id, &hash)))
}
