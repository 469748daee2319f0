// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"hash/maphash"
	"maps"
	"sync/atomic"
	"time"

	"durward"
)

// shards of the index: a change copies one of them, a look-up reads one.
const shards = 256

// index holds all consumers and keys. Look-ups take no lock; whoever changes
// it holds Store.mu.
type index struct {
	seed      maphash.Seed
	shards    [shards]atomic.Pointer[map[string]*entry]
	holders   map[string]*holder // by consumer; not for look-ups
	consumers atomic.Int64
	keys      atomic.Int64
}

// entry is a key. Only touched changes.
type entry struct {
	key     durward.Key
	holder  *holder
	touched atomic.Int64 // minute of the last noted use, Unix time / 60
}

// holder is a consumer, behind a pointer of its own, so that a change of it
// is seen through all its keys at once.
type holder struct {
	consumer atomic.Pointer[durward.Consumer]
	keys     map[string]struct{} // not for look-ups
}

func newIndex() *index {
	return &index{seed: maphash.MakeSeed(), holders: map[string]*holder{}}
}

func (ix *index) shard(id string) *atomic.Pointer[map[string]*entry] {
	return &ix.shards[maphash.String(ix.seed, id)%shards]
}

func (ix *index) find(id string) *entry {
	if m := ix.shard(id).Load(); m != nil {
		return (*m)[id]
	}
	return nil
}

func (ix *index) putConsumer(c durward.Consumer) {
	h := ix.holders[c.ID]
	if h == nil {
		h = &holder{keys: map[string]struct{}{}}
		ix.holders[c.ID] = h
		ix.consumers.Add(1)
	}
	h.consumer.Store(&c)
}

func (ix *index) dropConsumer(id string) {
	h := ix.holders[id]
	if h == nil {
		return
	}
	for key := range h.keys {
		ix.change(key, nil)
	}
	delete(ix.holders, id)
	ix.consumers.Add(-1)
}

// putKey adds or replaces a key, whose consumer must be there.
func (ix *index) putKey(k durward.Key) {
	h := ix.holders[k.Consumer]
	h.keys[k.ID] = struct{}{}
	e := &entry{key: k, holder: h}
	if old := ix.find(k.ID); old != nil {
		e.touched.Store(old.touched.Load())
	} else if !k.LastUsed.IsZero() {
		e.touched.Store(k.LastUsed.Unix() / 60)
	}
	ix.change(k.ID, e)
}

// change puts e in the place of id, or takes id away.
func (ix *index) change(id string, e *entry) {
	p := ix.shard(id)
	next := map[string]*entry{}
	if m := p.Load(); m != nil {
		next = maps.Clone(*m)
	}
	before := len(next)
	if delete(next, id); e != nil {
		next[id] = e
	}
	ix.keys.Add(int64(len(next) - before))
	p.Store(&next)
}

// Key gives a key and its consumer from the index, durward.ErrNotFound when
// there is none of that id. It takes no lock and does not wait. The slices in
// the answer are shared and must not be changed; LastUsed may be old.
func (s *Store) Key(_ context.Context, id string) (durward.Key, durward.Consumer, error) {
	e := s.index.Load().find(id)
	if e == nil {
		return durward.Key{}, durward.Consumer{}, durward.ErrNotFound
	}
	return e.key, *e.holder.consumer.Load(), nil
}

// reload makes the index anew from one snapshot of the database. The caller
// holds mu, or is the only one that knows the store.
func (s *Store) reload(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	defer conn.Close()
	// Not BeginTx, which would take the write lock.
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return classify(err)
	}
	defer func() {
		if _, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
			discard(conn)
		}
	}()
	var revision int64
	if err := conn.QueryRowContext(ctx, "SELECT revision FROM state").Scan(&revision); err != nil {
		return classify(err)
	}
	consumers, err := queryConsumers(ctx, conn, "")
	if err != nil {
		return err
	}
	keys, err := queryKeys(ctx, conn, "", "")
	if err != nil {
		return err
	}
	next := buildIndex(consumers, keys)
	if old := s.index.Load(); old != nil {
		next.keepTouched(old)
	}
	s.index.Store(next)
	s.revision.Store(revision)
	s.reloads.Add(1)
	s.fresh()
	return nil
}

func buildIndex(consumers []durward.Consumer, keys []durward.Key) *index {
	ix := newIndex()
	for _, c := range consumers {
		ix.putConsumer(c)
	}
	var maps [shards]map[string]*entry
	for _, k := range keys {
		h := ix.holders[k.Consumer]
		if h == nil {
			continue // the schema does not allow it
		}
		h.keys[k.ID] = struct{}{}
		e := &entry{key: k, holder: h}
		if !k.LastUsed.IsZero() {
			e.touched.Store(k.LastUsed.Unix() / 60)
		}
		m := &maps[maphash.String(ix.seed, k.ID)%shards]
		if *m == nil {
			*m = map[string]*entry{}
		}
		(*m)[k.ID] = e
	}
	for i := range maps {
		if maps[i] != nil {
			ix.shards[i].Store(&maps[i])
		}
	}
	ix.keys.Store(int64(len(keys)))
	return ix
}

// keepTouched takes over what is known of uses that are not written yet.
func (ix *index) keepTouched(old *index) {
	for i := range old.shards {
		m := old.shards[i].Load()
		if m == nil {
			continue
		}
		for id, was := range *m {
			if e := ix.find(id); e != nil {
				e.touched.Store(max(e.touched.Load(), was.touched.Load()))
			}
		}
	}
}

// fresh notes that the index is as the database is.
func (s *Store) fresh() {
	s.loaded.Store(s.opts.Now().UnixMicro())
	if s.stale.Swap(nil) != nil {
		s.opts.Log.Info("store is available again")
	}
}

// noteStale notes that the index may be behind the database.
func (s *Store) noteStale(err error) {
	if old := s.stale.Load(); old != nil {
		s.stale.Store(&staleness{old.since, err})
		return
	}
	s.stale.Store(&staleness{s.opts.Now(), err})
	s.opts.Log.Error("store is unavailable, keys are answered from memory", "error", err, "fresh", time.UnixMicro(s.loaded.Load()).UTC())
}
