// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package eval

// Entities are what policies can ask of principals, actions and resources.
type Entities interface {
	// Entity finds an entity. The bool is false when nothing is known of it.
	Entity(typ, id string) (Node, bool)
}

// A Node is what is known of one entity.
type Node interface {
	Attribute(name string) (Value, bool)
	Tag(name string) (Value, bool)
	// Parent gives the i-th direct parent; false behind the last.
	Parent(i int) (typ, id string, ok bool)
}

// Env is what one decision is made over. It is used by one goroutine and may be
// used again after Reset.
type Env struct {
	Principal, Action, Resource, Context Value
	Entities                             Entities
	// Layout is the one that the policies were compiled over; nil without.
	Layout *Layout

	cells   []cell
	scratch []*values // sets and records of literals with parts that vary
	used    int
	todo    []uid // for in
}

type uid struct{ typ, id string }

// maxAncestors bounds the entities that one "in" looks at. Beyond it the
// answer is an error, never a guess.
const maxAncestors = 1024

// Reset forgets the request and keeps the buffers.
func (e *Env) Reset() {
	for _, s := range e.scratch[:e.used] {
		clear(s.list)
	}
	clear(e.todo)
	clear(e.cells)
	*e = Env{scratch: e.scratch, todo: e.todo[:0], cells: e.cells[:0]}
}

// fresh gives an empty collection that lives until Reset.
func (e *Env) fresh() *values {
	if e.used == len(e.scratch) {
		e.scratch = append(e.scratch, new(values))
	}
	s := e.scratch[e.used]
	e.used++
	s.list, s.names = s.list[:0], nil
	return s
}

// inside is Cedar's in: whether the entity is one of the targets or below one.
func (e *Env) inside(child, target Value) Value {
	if child.Kind == Error {
		return child
	}
	if child.Kind != Entity {
		return errNotEntity
	}
	var set Set
	switch target.Kind {
	case Entity:
	case SetOf:
		set = target.X.(Set)
		if !set.Entities() {
			return errNotEntity
		}
	case Error:
		return target
	default:
		return errNotEntities
	}
	e.todo = append(e.todo[:0], uid{child.T, child.S})
	for next := 0; next < len(e.todo); next++ {
		at := e.todo[next]
		if set == nil && at.typ == target.T && at.id == target.S || set != nil && set.Has(UID(at.typ, at.id)) {
			return Truth(true)
		}
		if len(e.todo) > maxAncestors {
			return errTooMany
		}
		e.addParents(at)
	}
	return Truth(false)
}

func (e *Env) addParents(of uid) {
	node, ok := e.Entities.Entity(of.typ, of.id)
	if !ok {
		return
	}
	for i := 0; ; i++ {
		typ, id, ok := node.Parent(i)
		if !ok || len(e.todo) > maxAncestors {
			return
		}
		known := false
		for _, seen := range e.todo {
			if known = seen.typ == typ && seen.id == id; known {
				break
			}
		}
		if !known {
			e.todo = append(e.todo, uid{typ, id})
		}
	}
}
