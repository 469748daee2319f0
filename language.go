// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

// Language is a set of texts: one that holds every text that a value can have.
// It may hold more. The zero value holds them all.
type Language struct {
	// Texts lists the texts where they are known one by one. Not nil, it is
	// exhaustive.
	Texts []string
	// Exprs are regular expressions in Go's syntax, of which every text matches
	// every one.
	Exprs []string
	// Most is the length of the longest text in bytes; 0 is no bound.
	Most int
}

// NumberExpr is the expression of JSON's numbers (RFC 8259, section 6), and of
// what a parameter can say of them.
const NumberExpr = `\A-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\z`

// Proof is what a contract proves of one place in JSON content. It is made when
// a configuration loads, shared, and may lead back to itself.
type Proof struct {
	// Texts are the languages of which one has the value, when it is a string, a
	// number, a boolean or null (which firewall rules see as the empty text).
	// Empty proves nothing.
	Texts []Language
	// Items is what is proven of each item of an array; nil is nothing.
	Items *Proof
	// Members is what is proven of the members of an object that the contract
	// names; a nil entry proves nothing but that the contract names it. Rest is
	// for all other members.
	Members map[string]*Proof
	Rest    *Proof
}

// Proven is what a contract proves of the requests of one operation with one
// form of content. It is immutable.
type Proven struct {
	// Query and Form are by name, as decoded: the languages of which one has
	// each value of that name. A name with no languages is one that the contract
	// declares.
	Query, Form map[string][]Language
	// JSON is for JSON content; nil when nothing is proven of it.
	JSON *Proof
}
