// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/identity"
	"durward/probe/spec"
)

// value gives the object's value for a parameter.
func (o *object) value(s slot) (any, bool) {
	p := plain(s.name)
	for _, n := range o.order {
		if plain(n) == p && o.about(s, p) {
			return o.usable(n)
		}
	}
	mine := o.collection == s.collection && s.collection != "" || overlap(o.kinds, s.kinds)
	if mine {
		// book_title is the book's title, bookId its id.
		for _, k := range s.kinds {
			if rest, found := strings.CutPrefix(p, k); found && rest != "" {
				if v, ok := o.named(rest); ok {
					return v, true
				}
			}
		}
		if rest, is := stem(p); is && p != rest {
			if v, ok := o.named(strings.TrimPrefix(p, rest)); ok {
				return v, true
			}
		}
		for _, k := range s.kinds {
			if v, ok := o.named(k + "id"); ok {
				return v, true
			}
		}
		for _, n := range idNames {
			if v, ok := o.named(n); ok {
				return v, true
			}
		}
		for _, k := range s.kinds {
			if v, ok := o.named(k); ok {
				return v, true
			}
		}
		return nil, false
	}
	// An order that names its book_id tells of a book.
	for _, k := range s.kinds {
		for _, end := range []string{"id", "uuid"} {
			if v, ok := o.named(k + end); ok {
				return v, true
			}
		}
	}
	return nil, false
}

// about tells that a member of the same name as a parameter means the same: a
// generic name such as id does only in things of the kind.
func (o *object) about(s slot, p string) bool {
	if !slices.Contains(generic, p) && p != "name" && p != "title" {
		return true
	}
	return o.collection == s.collection || overlap(o.kinds, s.kinds)
}

func (o *object) named(p string) (any, bool) {
	for _, n := range o.order {
		if plain(n) == p {
			return o.usable(n)
		}
	}
	return nil, false
}

func (o *object) usable(n string) (any, bool) {
	switch v := o.fields[n].(type) {
	case string:
		return v, v != "" && len(v) <= 256
	case bool:
		return nil, false
	case nil:
		return nil, false
	default:
		return v, true
	}
}

// Rank of an object for a user, better ones higher.
const (
	others = iota // somebody else's
	seen          // shown to the user
	alone         // shown to this user only, of several who asked
	named         // it names the user as its owner
	made          // the user made it
)

// rank says whose an object is, from one user's view. The lock is held.
func (w *World) rank(o *object, as *identity.Identity) int {
	name := nameOf(as)
	switch {
	case o.made && o.owner == name:
		return made
	case as != nil && o.names(as):
		return named
	case o.made && !o.seen[name]:
		return others
	case o.seen[name] && len(o.seen) == 1 && w.askers(o.by) > 1:
		return alone
	case o.seen[name]:
		return seen
	}
	return others
}

// askers is how many users got a good answer from an operation. The lock is held.
func (w *World) askers(op *spec.Operation) int {
	if s := w.ops[op]; s != nil {
		return len(s.good)
	}
	return 0
}

// ownerNames are members that say whose an object is.
var ownerNames = []string{"owner", "ownerid", "user", "userid", "username", "author", "authorid", "createdby", "creator", "customerid",
	"accountid", "sender", "senderid", "email", "owneremail", "useremail", "customer", "uploader", "postedby"}

// names tells that a member of the object says that it is the user's.
func (o *object) names(as *identity.Identity) bool {
	for _, n := range o.order {
		p := plain(n)
		if !slices.Contains(ownerNames, p) && !(p == "id" && slices.Contains(o.kinds, "user")) {
			continue
		}
		text := fmt.Sprint(o.fields[n])
		if as.Is(text) || strings.EqualFold(text, as.Name) {
			return true
		}
	}
	return false
}

// found is a value for a parameter.
type found struct {
	o     *object
	value any
	rank  int
}

// candidates are the objects that a parameter may be of, best first: those that
// stand in its collection, then those of its kind. The lock is held.
func (w *World) candidates(s slot, as *identity.Identity) []found {
	var here, kin []found
	for _, o := range w.objects {
		if o.gone {
			continue
		}
		v, ok := o.value(s)
		if !ok {
			continue
		}
		f := found{o, v, w.rank(o, as)}
		if o.collection == s.collection {
			here = append(here, f)
		} else {
			kin = append(kin, f)
		}
	}
	byRank := func(a, b found) int { return cmp.Compare(b.rank, a.rank) }
	slices.SortStableFunc(here, byRank)
	slices.SortStableFunc(kin, byRank)
	return dedupe(append(here, kin...))
}

func dedupe(all []found) []found {
	has := map[string]bool{}
	return slices.DeleteFunc(all, func(f found) bool {
		key := fmt.Sprint(f.value, f.o.parents, f.o.collection != "")
		was := has[key]
		has[key] = true
		return was
	})
}

// Owns gives ids of what as made, or was shown as its own, for a place of an
// operation.
func (w *World) Owns(op *spec.Operation, place call.Place, as *identity.Identity) []any {
	s, ok := w.slotOf(op, place)
	if !ok {
		return nil
	}
	if v, ok := userValue(s, as); ok {
		return []any{typed(place.Schema, v)} // users that it registered are not its own
	}
	var out []any
	add := func(v any) {
		for _, had := range out {
			if fmt.Sprint(had) == fmt.Sprint(v) {
				return
			}
		}
		out = append(out, typed(place.Schema, v))
	}
	w.mu.Lock()
	for _, f := range w.candidates(s, as) {
		if f.rank >= alone {
			add(f.value)
		}
	}
	w.mu.Unlock()
	return out
}

// slotOf is what a place identifies; ok is false where it does not look like an
// identifier.
func (w *World) slotOf(op *spec.Operation, place call.Place) (slot, bool) {
	if place.In == "path" {
		for _, s := range slots(op.Path) {
			if s.name == place.Name {
				return s, true
			}
		}
		return slot{}, false
	}
	name, holder := place.Name, ""
	if place.In == "body" {
		parts := strings.Split(place.Name, "/")
		for len(parts) > 1 && isIndex(parts[len(parts)-1]) {
			parts = parts[:len(parts)-1]
		}
		name = parts[len(parts)-1]
		if len(parts) > 2 {
			holder = parts[len(parts)-2]
		}
	}
	return w.reference(name, holder)
}

// reference makes a slot of a member or query parameter that is named like an
// identifier of something that the API has.
func (w *World) reference(name, holder string) (slot, bool) {
	p := plain(name)
	if slices.Contains(generic, p) {
		if holder == "" || p != "id" && p != "uuid" {
			return slot{}, false
		}
		p = singular(plain(holder)) + p
	}
	rest, is := stem(singular(p))
	if rest == "" {
		return slot{}, false
	}
	kind := singular(rest)
	for _, op := range w.API.Operations {
		for _, s := range slots(op.Path) {
			if plain(s.name) == p || slices.Contains(s.kinds, kind) && is {
				s.name = name
				if !slices.Contains(s.kinds, kind) {
					s.kinds = append([]string{kind}, s.kinds...)
				}
				return s, true
			}
		}
	}
	if strings.HasSuffix(p, "id") && is {
		return slot{name: name, kinds: []string{kind}}, true
	}
	return slot{}, false
}

func isIndex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// userKinds are what users are called.
var userKinds = []string{"user", "account", "customer", "member", "profile", "person", "username", "login", "patient", "client", "employee"}

// userValue is what is known of the user for a parameter that identifies users.
func userValue(s slot, as *identity.Identity) (any, bool) {
	if as == nil {
		return nil, false
	}
	p := plain(s.name)
	if v, ok := as.Knows(s.name); ok && p != "id" {
		return v, true
	}
	about := p == "username" || p == "email" || overlap(s.kinds, userKinds)
	if !about {
		return nil, false
	}
	names := []string{}
	if strings.Contains(p, "name") {
		names = append(names, "username", "user", "login", "name")
	}
	for _, k := range s.kinds {
		names = append(names, k+"id")
	}
	if slices.Contains(userKinds, p) {
		names = append(names, "username", "user", "login", "name")
	}
	if strings.Contains(p, "email") {
		names = append(names, "email")
	}
	for _, n := range append(names, "id", "userid", "uid", "sub", "uuid", "username") {
		if v, ok := as.Knows(n); ok {
			return v, true
		}
	}
	return nil, false
}

// typed gives a value the type that a schema wants of it.
func typed(s *spec.Schema, v any) any {
	if s == nil {
		return v
	}
	switch t := v.(type) {
	case json.Number:
		if slices.Contains(s.Types, "string") {
			return t.String()
		}
	case string:
		if (slices.Contains(s.Types, "integer") || slices.Contains(s.Types, "number")) && !slices.Contains(s.Types, "string") &&
			t != "" && strings.Trim(t, "0123456789") == "" {
			return json.Number(t)
		}
	}
	return v
}
