// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"hash/maphash"
	"maps"
	"sync/atomic"
)

// objectShards: a change copies one of them, of about 250 objects at the most
// that there may be.
const objectShards = 4096

// objectRef names an object.
type objectRef struct{ kind, id string }

// objects is the index of objects. Look-ups take no lock; whoever changes it
// holds Store.mu. What it holds are JSON objects that never change.
type objects struct {
	seed   maphash.Seed
	shards [objectShards]atomic.Pointer[map[objectRef][]byte]
	size   atomic.Int64
}

func newObjects() *objects { return &objects{seed: maphash.MakeSeed()} }

func (o *objects) shard(ref objectRef) int {
	return int(maphash.Comparable(o.seed, ref) % objectShards)
}

func (o *objects) find(ref objectRef) (fields []byte, ok bool) {
	if o.size.Load() == 0 {
		return nil, false // as nearly always
	}
	if m := o.shards[o.shard(ref)].Load(); m != nil {
		fields, ok = (*m)[ref]
	}
	return fields, ok
}

// put takes changes over; no fields take an object away. It copies each shard
// once, however many of its objects change.
func (o *objects) put(changes map[objectRef][]byte) {
	by := map[int][]objectRef{}
	for ref := range changes {
		by[o.shard(ref)] = append(by[o.shard(ref)], ref)
	}
	for i, refs := range by {
		next := map[objectRef][]byte{}
		if m := o.shards[i].Load(); m != nil {
			next = maps.Clone(*m)
		}
		before := len(next)
		for _, ref := range refs {
			if fields := changes[ref]; fields == nil {
				delete(next, ref)
			} else {
				next[ref] = fields
			}
		}
		// A look-up that sees the size first finds the shard as it was or as it is.
		o.shards[i].Store(&next)
		o.size.Add(int64(len(next) - before))
	}
}

// fill adds one without copying. Only for an index that nobody else knows yet.
func (o *objects) fill(ref objectRef, fields []byte) {
	p := &o.shards[o.shard(ref)]
	if p.Load() == nil {
		p.Store(&map[objectRef][]byte{})
	}
	(*p.Load())[ref] = fields
	o.size.Add(1)
}

// Object gives what is known of an object, a JSON object, from the index. It
// takes no lock, does not wait and does not allocate. The fields are shared and
// must not be changed; while the object does not, they are mostly the same
// slice.
func (s *Store) Object(kind, id string) (fields []byte, ok bool) {
	return s.index.Load().objects.find(objectRef{kind, id})
}

// loadObjects gives the objects as they are in the database. Where only few
// changed since the index was made, those are put into the one that is in use.
func (s *Store) loadObjects(ctx context.Context, q querier, revision int64) (*objects, error) {
	// One that went back is that of a file that was restored from a copy.
	if old, since := s.index.Load(), s.revision.Load(); old != nil && since <= revision {
		var changed int
		var swept int64
		if err := q.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM objects WHERE revision > ?), swept FROM objects_state", since).Scan(&changed, &swept); err != nil {
			return nil, classify(err)
		}
		if changed <= maxFollowed && swept <= since {
			changes := map[objectRef][]byte{}
			if err := eachObject(ctx, q, since, func(ref objectRef, fields []byte) { changes[ref] = fields }); err != nil {
				return nil, err
			}
			old.objects.put(changes)
			return old.objects, nil
		}
	}
	next := newObjects()
	return next, eachObject(ctx, q, -1, func(ref objectRef, fields []byte) {
		if fields != nil {
			next.fill(ref, fields)
		}
	})
}

// eachObject calls do for each row that changed after a revision; fields are
// nil of what was deleted.
func eachObject(ctx context.Context, q querier, since int64, do func(ref objectRef, fields []byte)) error {
	rows, err := q.QueryContext(ctx, "SELECT kind, id, fields FROM objects WHERE revision > ?", since)
	if err != nil {
		return classify(err)
	}
	defer rows.Close()
	for rows.Next() {
		var ref objectRef
		var fields []byte
		if err := rows.Scan(&ref.kind, &ref.id, &fields); err != nil {
			return classify(err)
		}
		do(ref, fields)
	}
	return classify(rows.Err())
}
