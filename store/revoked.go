// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"hash/maphash"
	"maps"
	"sync/atomic"
	"time"
)

// revocationKind is what a revocation is about.
type revocationKind uint8

const (
	ofToken   revocationKind = iota // one token
	ofSubject                       // all tokens of a subject up to a moment
	revocationKinds
)

var kindNames = [revocationKinds]string{ofToken: "token", ofSubject: "subject"}

const (
	// revokedShards: a change copies one of them, of about a thousand
	// revocations at the most that there may be.
	revokedShards = 1024
	// maxFollowed is how many changes are taken over one by one; of more, all
	// is read anew, which is faster then.
	maxFollowed = 1 << 13
)

// revokedKey is a 128-bit hash of issuer and id under two seeds that nobody
// outside of the process knows. A million texts would need five times the
// memory, and the garbage collector would look at each.
type revokedKey [2]uint64

// revocation is since when and until when.
type revocation struct{ at, until moment }

// revoked is the index of revoked tokens. Look-ups take no lock; whoever
// changes it holds Store.mu.
type revoked struct {
	seeds  [2]maphash.Seed
	tables [revocationKinds]revokedTable
}

type revokedTable struct {
	shards [revokedShards]atomic.Pointer[map[revokedKey]revocation]
	size   atomic.Int64
}

func newRevoked() *revoked {
	return &revoked{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

// name is what is hashed.
type name struct{ issuer, id string }

func (r *revoked) key(issuer, id string) revokedKey {
	n := name{issuer, id}
	return revokedKey{maphash.Comparable(r.seeds[0], n), maphash.Comparable(r.seeds[1], n)}
}

func (t *revokedTable) shard(k *revokedKey) *atomic.Pointer[map[revokedKey]revocation] {
	return &t.shards[k[0]%revokedShards]
}

func (r *revoked) find(kind revocationKind, issuer, id string) (v revocation, ok bool) {
	t := &r.tables[kind]
	if t.size.Load() == 0 {
		return v, false // as nearly always
	}
	k := r.key(issuer, id)
	if m := t.shard(&k).Load(); m != nil {
		v, ok = (*m)[k]
	}
	return v, ok
}

// put adds, replaces or, when it is lifted, takes away one revocation.
func (r *revoked) put(kind revocationKind, issuer, id string, v revocation, lifted bool) {
	t, k := &r.tables[kind], r.key(issuer, id)
	p := t.shard(&k)
	next := map[revokedKey]revocation{}
	if m := p.Load(); m != nil {
		next = maps.Clone(*m)
	}
	before := len(next)
	if lifted {
		delete(next, k)
	} else {
		next[k] = v
	}
	// A look-up that sees the size first finds the shard as it was or as it is.
	p.Store(&next)
	t.size.Add(int64(len(next) - before))
}

// fill adds one without copying. Only for an index that nobody else knows yet.
func (r *revoked) fill(kind revocationKind, issuer, id string, v revocation) {
	t, k := &r.tables[kind], r.key(issuer, id)
	p := t.shard(&k)
	if p.Load() == nil {
		p.Store(&map[revokedKey]revocation{})
	}
	(*p.Load())[k] = v
	t.size.Add(1)
}

// forget takes away what ended at the moment or before, and tells how many
// those were.
func (r *revoked) forget(now moment) (n int) {
	for kind := range r.tables {
		t := &r.tables[kind]
		for i := range t.shards {
			m := t.shards[i].Load()
			if m == nil {
				continue
			}
			next := make(map[revokedKey]revocation, len(*m))
			for k, v := range *m {
				if v.until > now {
					next[k] = v
				}
			}
			if gone := len(*m) - len(next); gone > 0 {
				t.shards[i].Store(&next)
				t.size.Add(-int64(gone))
				n += gone
			}
		}
	}
	return n
}

func (r *revoked) len() int {
	return int(r.tables[ofToken].size.Load() + r.tables[ofSubject].size.Load())
}

// Revoked tells whether a token was revoked: by its issuer's name and its id,
// or with all tokens of its subject that were issued up to a moment. One that
// does not say when it was issued (the zero time) is of before. It takes no
// lock, does not wait and does not allocate.
func (s *Store) Revoked(issuer, credential, subject string, issued time.Time) bool {
	r := s.index.Load().revoked
	if v, ok := r.find(ofToken, issuer, credential); ok && moment(s.opts.Now().UnixMicro()) < v.until {
		return true
	}
	v, ok := r.find(ofSubject, issuer, subject)
	return ok && (issued.IsZero() || moment(issued.UnixMicro()) <= v.at) && moment(s.opts.Now().UnixMicro()) < v.until
}

// loadRevoked gives the revoked tokens as they are in the database. Where only
// few changed since the index was made, those are put into the one that is in
// use: a change of a key must not wait until a million revocations are read.
func (s *Store) loadRevoked(ctx context.Context, q querier, revision int64) (*revoked, error) {
	// One that went back is that of a file that was restored from a copy.
	if old, since := s.index.Load(), s.revision.Load(); old != nil && since <= revision {
		var changed int
		if err := q.QueryRowContext(ctx, "SELECT count(*) FROM revoked_tokens WHERE revision > ?", since).Scan(&changed); err != nil {
			return nil, classify(err)
		}
		if changed <= maxFollowed {
			return old.revoked, eachRevoked(ctx, q, since, old.revoked.put)
		}
	}
	next := newRevoked()
	return next, eachRevoked(ctx, q, -1, func(kind revocationKind, issuer, id string, v revocation, lifted bool) {
		if !lifted {
			next.fill(kind, issuer, id, v)
		}
	})
}

// eachRevoked calls do for each row that changed after a revision.
func eachRevoked(ctx context.Context, q querier, since int64, do func(revocationKind, string, string, revocation, bool)) error {
	rows, err := q.QueryContext(ctx, "SELECT kind = 'subject', issuer, id, at, until, lifted FROM revoked_tokens WHERE revision > ?", since)
	if err != nil {
		return classify(err)
	}
	defer rows.Close()
	for rows.Next() {
		var subject, lifted bool
		var issuer, id string
		var v revocation
		if err := rows.Scan(&subject, &issuer, &id, &v.at, &v.until, &lifted); err != nil {
			return classify(err)
		}
		kind := ofToken
		if subject {
			kind = ofSubject
		}
		do(kind, issuer, id, v, lifted)
	}
	return classify(rows.Err())
}
