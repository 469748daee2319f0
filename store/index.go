// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"hash/maphash"
	"maps"
	"sync/atomic"

	"durward"
)

// shards of a table: a change copies one of them, a look-up reads one.
const shards = 256

// table finds values by id. Look-ups take no lock; whoever changes it holds
// Store.mu.
type table[V any] struct {
	seed   maphash.Seed
	shards [shards]atomic.Pointer[map[string]V]
	size   atomic.Int64
}

func (t *table[V]) shard(id string) *atomic.Pointer[map[string]V] {
	return &t.shards[maphash.String(t.seed, id)%shards]
}

func (t *table[V]) find(id string) (v V, ok bool) {
	if m := t.shard(id).Load(); m != nil {
		v, ok = (*m)[id]
	}
	return v, ok
}

// set puts v in the place of id.
func (t *table[V]) set(id string, v V) { t.change(id, func(m map[string]V) { m[id] = v }) }

// drop takes id away.
func (t *table[V]) drop(id string) { t.change(id, func(m map[string]V) { delete(m, id) }) }

func (t *table[V]) change(id string, do func(map[string]V)) {
	p := t.shard(id)
	next := map[string]V{}
	if m := p.Load(); m != nil {
		next = maps.Clone(*m)
	}
	before := len(next)
	do(next)
	t.size.Add(int64(len(next) - before))
	p.Store(&next)
}

// fill adds many at once, without copying for each. Only for a table that
// nobody else knows yet.
func (t *table[V]) fill(id string, v V) {
	p := t.shard(id)
	if p.Load() == nil {
		p.Store(&map[string]V{})
	}
	if m := *p.Load(); true {
		before := len(m)
		m[id] = v
		t.size.Add(int64(len(m) - before))
	}
}

// all calls do for every value.
func (t *table[V]) all(do func(V)) {
	for i := range t.shards {
		if m := t.shards[i].Load(); m != nil {
			for _, v := range *m {
				do(v)
			}
		}
	}
}

// index holds all consumers, keys, denials, revoked tokens and objects. Look-ups take no lock; whoever
// changes it holds Store.mu.
type index struct {
	keys    table[*entry]
	owners  table[*owner]
	denials denials
	revoked *revoked // its own tables change in place, and outlive the index
	objects *objects // so do these
}

// entry is a key. Only touched changes.
type entry struct {
	key     durward.Key
	owner   *owner
	touched atomic.Int64 // minute of the last noted use, Unix time / 60
}

// owner is a consumer, behind a pointer of its own, so that a change of it is
// seen through all its keys at once.
type owner struct {
	consumer atomic.Pointer[durward.Consumer]
	keys     map[string]struct{} // not for look-ups
}

func newIndex() *index {
	ix := &index{}
	ix.keys.seed, ix.owners.seed = maphash.MakeSeed(), maphash.MakeSeed()
	ix.denials.store(map[string]moment{}, map[[32]byte]moment{})
	return ix
}

func (ix *index) putConsumer(c durward.Consumer) {
	o, known := ix.owners.find(c.ID)
	if !known {
		o = &owner{keys: map[string]struct{}{}}
	}
	o.consumer.Store(&c)
	if !known { // found only with its consumer
		ix.owners.set(c.ID, o)
	}
}

func (ix *index) dropConsumer(id string) {
	o, known := ix.owners.find(id)
	if !known {
		return
	}
	for key := range o.keys {
		ix.keys.drop(key)
	}
	ix.owners.drop(id)
}

// putKey adds or replaces a key, whose consumer must be there.
func (ix *index) putKey(k durward.Key) {
	ix.denials.apply(&k)
	o, _ := ix.owners.find(k.Consumer)
	o.keys[k.ID] = struct{}{}
	e := newEntry(k, o)
	if old, ok := ix.keys.find(k.ID); ok {
		e.touched.Store(old.touched.Load())
	}
	ix.keys.set(k.ID, e)
}

func newEntry(k durward.Key, o *owner) *entry {
	e := &entry{key: k, owner: o}
	if !k.LastUsed.IsZero() {
		e.touched.Store(k.LastUsed.Unix() / 60)
	}
	return e
}

// Key gives a key and its consumer from the index, durward.ErrNotFound when
// there is none of that id. A key on the deny list is revoked, whatever its
// row says. It takes no lock, does not wait and does not allocate. The slices
// in the answer are shared and must not be changed; LastUsed may be old.
func (s *Store) Key(_ context.Context, id string) (durward.Key, durward.Consumer, error) {
	e, ok := s.index.Load().keys.find(id)
	if !ok {
		return durward.Key{}, durward.Consumer{}, durward.ErrNotFound
	}
	return e.key, *e.owner.consumer.Load(), nil
}

// LookUp gives a consumer from the index, durward.ErrNotFound when there is
// none of that id. A disabled one is given, too: the caller refuses it. It
// takes no lock, does not wait and does not allocate. The slices in the answer
// are shared and must not be changed.
func (s *Store) LookUp(id string) (durward.Consumer, error) {
	o, ok := s.index.Load().owners.find(id)
	if !ok {
		return durward.Consumer{}, durward.ErrNotFound
	}
	return *o.consumer.Load(), nil
}
