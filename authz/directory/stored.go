// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"durward"
)

// Objects is a store of objects as JSON. Object must not wait and must be safe
// for concurrent use; what it gives is shared and never changes. Package store
// implements it.
type Objects interface {
	Object(kind, id string) (fields []byte, ok bool)
}

const (
	// builtSlots is how many objects are kept ready at the most.
	builtSlots = 1 << 14
	// builtBytes bounds the JSON that those were made of. An object takes up to
	// some thirty times the memory of its JSON.
	builtBytes = 16 << 20
)

// Stored answers from a store, whose objects it reads when they are first asked
// for and keeps ready until they change. A look-up takes no lock.
type Stored struct {
	objects Objects
	seed    maphash.Seed
	slots   []atomic.Pointer[built]

	mu    sync.Mutex // for what follows, and for changes of slots
	bytes int
	hand  int // the next slot to be emptied when there are too many bytes
	most  int // builtBytes, but in tests
}

// built is what became of a JSON text.
type built struct {
	at     Ref
	fields []byte
	object *Object
	err    error
}

// NewStored makes a directory of a store. With nil it is one whose store is
// away, for checking a configuration without one.
func NewStored(objects Objects) *Stored {
	return &Stored{objects: objects, seed: maphash.MakeSeed(), slots: make([]atomic.Pointer[built], builtSlots), most: builtBytes}
}

var errNoStore = &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: errors.New("the directory needs a store, and there is none")}

// Look finds an object. It never waits.
func (s *Stored) Look(_ context.Context, t *Type, id string) (*Object, error) {
	if s.objects == nil {
		return nil, errNoStore
	}
	fields, ok := s.objects.Object(t.Name, id)
	if !ok {
		return nil, durward.ErrNotFound
	}
	at := Ref{t.Name, id}
	i := int(maphash.Comparable(s.seed, at) % uint64(len(s.slots)))
	if b := s.slots[i].Load(); b != nil && b.at == at && same(b.fields, fields) {
		return b.object, b.err
	}
	b := &built{at: at, fields: fields}
	if b.object, b.err = t.Read(fields); b.err != nil {
		// It is as good as away: who stored it meant something else.
		b.object, b.err = nil, &durward.Unavailable{Code: durward.CodeStoreUnavailable, Err: fmt.Errorf("what the store has of the object cannot be used: %w", b.err)}
	}
	s.keep(i, b)
	return b.object, b.err
}

// same tells whether two are the very same bytes. What was read is held on to,
// so that nothing else can come to lie in its place.
func same(a, b []byte) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}

// keep puts an object into its slot, and empties others in turn while there are
// too many bytes.
func (s *Stored) keep(i int, b *built) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(i, b)
	for range s.slots {
		if s.bytes <= s.most {
			return
		}
		if s.hand = (s.hand + 1) % len(s.slots); s.hand != i {
			s.put(s.hand, nil)
		}
	}
}

func (s *Stored) put(i int, b *built) {
	if old := s.slots[i].Swap(b); old != nil {
		s.bytes -= len(old.fields)
	}
	if b != nil {
		s.bytes += len(b.fields)
	}
}

// Close does nothing: the store is another's.
func (s *Stored) Close() error { return nil }
