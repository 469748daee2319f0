// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package eval decides Cedar expressions (Cedar 4, the language of
// https://docs.cedarpolicy.com) over the syntax trees of cedar-go. A tree is
// compiled once to closures; a decision then runs without allocating, and asks
// for an attribute only when a policy reads it, so that a request needs no
// record of everything that a policy could ask.
//
// The threat is an evaluator that differs from the language: cedar-go's own is
// the oracle of the tests (fuzzed against it, and Cedar's integration corpus
// where it is at hand). Nothing is looked up here, and no state is kept.
package eval

import (
	"github.com/cedar-policy/cedar-go/types"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds. The zero Value is an error, so that a forgotten one decides nothing.
const (
	Error Kind = iota
	Bool
	Long
	String
	Entity
	SetOf
	RecordOf
	IP
	Decimal  // N is in ten thousandths
	Datetime // N is in milliseconds since 1970
	Duration // N is in milliseconds
)

// Value is a Cedar value, or the error that an expression gave.
type Value struct {
	Kind Kind
	N    int64
	S    string // of a String; an Entity's id; an Error's message
	T    string // an Entity's type
	X    any    // a Set, a Record or a *types.IPAddr
}

// A Set is a Cedar set without duplicates. It must not change while it is used.
type Set interface {
	Len() int
	At(i int) Value
	Has(v Value) bool
	// Entities tells that every element is an entity.
	Entities() bool
}

// A Record has named values. It must not change while it is used.
type Record interface {
	Get(name string) (Value, bool)
	Len() int
	Name(i int) string
}

// Truth makes a Bool.
func Truth(b bool) Value {
	if b {
		return Value{Kind: Bool, N: 1}
	}
	return Value{Kind: Bool}
}

// Text makes a String.
func Text(s string) Value { return Value{Kind: String, S: s} }

// Number makes a Long.
func Number(n int64) Value { return Value{Kind: Long, N: n} }

// UID makes an Entity.
func UID(typ, id string) Value { return Value{Kind: Entity, T: typ, S: id} }

// Failure makes an Error.
func Failure(message string) Value { return Value{S: message} }

// String is the name of the kind in Cedar.
func (k Kind) String() string { return kindNames[k] }

var kindNames = [...]string{"error", "Bool", "Long", "String", "entity", "set", "record", "ipaddr", "decimal", "datetime", "duration"}

// True tells whether v is the Bool true.
func (v Value) True() bool { return v.Kind == Bool && v.N != 0 }

// Equal is Cedar's ==: values of different types differ.
func (v Value) Equal(w Value) bool {
	if v.Kind != w.Kind {
		return false
	}
	switch v.Kind {
	case String:
		return v.S == w.S
	case Entity:
		return v.S == w.S && v.T == w.T
	case IP:
		return *v.X.(*types.IPAddr) == *w.X.(*types.IPAddr)
	case SetOf:
		return equalSets(v.X.(Set), w.X.(Set))
	case RecordOf:
		return equalRecords(v.X.(Record), w.X.(Record))
	case Error:
		return false
	}
	return v.N == w.N
}

func equalSets(a, b Set) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !b.Has(a.At(i)) {
			return false
		}
	}
	return true
}

func equalRecords(a, b Record) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		name := a.Name(i)
		x, okX := a.Get(name)
		y, okY := b.Get(name)
		if !okX || !okY || !x.Equal(y) {
			return false
		}
	}
	return true
}
