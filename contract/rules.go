// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "slices"

// rules are an operation's compiled parameters and content.
type rules struct {
	path, query, header, cookie []*rule
	queryKeys, cookieKeys       []string // credentials, declared by a security scheme
	body                        *bodyRule
	offers                      []string // media types of the answers
}

// rule is a compiled parameter.
type rule struct {
	*parameter
	schema *schema
	types  kind
	single kind // the types without array and object
	shape  shape
}

func (op *operation) compile(sc *schemas) (*rules, error) {
	r := &rules{}
	for _, p := range op.params {
		s, err := sc.compile(p.schemaAt)
		if err != nil {
			return nil, err
		}
		one := &rule{parameter: p, schema: s, types: s.typeSet()}
		one.single = one.types &^ (kArray | kObject)
		one.shape = s.shapeOf()
		if err := one.check(); err != nil {
			return nil, err
		}
		switch p.in {
		case "path":
			r.path = append(r.path, one)
		case "query":
			r.query = append(r.query, one)
		case "header":
			r.header = append(r.header, one)
		case "cookie":
			r.cookie = append(r.cookie, one)
		}
	}
	// Parameters that take whatever name is left come last.
	slices.SortStableFunc(r.query, func(a, b *rule) int { return a.greed() - b.greed() })
	for _, k := range op.keys {
		switch k.in {
		case "query":
			r.queryKeys = append(r.queryKeys, k.name)
		case "cookie":
			r.cookieKeys = append(r.cookieKeys, k.name)
		}
	}
	var err error
	if op.body != nil {
		if r.body, err = op.body.compile(sc); err != nil {
			return nil, err
		}
	}
	r.offers, err = readOffers(op.at)
	return r, err
}

// check refuses what has no defined form on the wire.
func (r *rule) check() error {
	isObject := r.types&kObject != 0 && r.types&^(kObject|kNull) == 0
	isArray := r.types&kArray != 0 && r.types&^(kArray|kNull) == 0
	switch {
	case r.json:
	case r.style == "deepObject" && r.types&(kObject|kArray) == 0:
		return r.at.fail("the style deepObject needs a schema of type object")
	case r.style == "spaceDelimited" || r.style == "pipeDelimited":
		if !isArray {
			return r.at.fail("the style %s needs a schema of type array", r.style)
		}
	case r.in == "cookie" && r.explode && (isArray || isObject):
		return r.at.fail("a cookie parameter that is an array or object needs explode: false")
	}
	return nil
}

func (r *rule) greed() int {
	if !r.json && r.exploded() {
		if r.shape.rest != nil {
			return 2
		}
		return 1
	}
	return 0
}

// exploded tells that the members of an object are query parameters of their
// own.
func (r *rule) exploded() bool {
	return r.style == "form" && r.explode && r.types&kObject != 0 && r.types&kArray == 0 && r.single&^kNull == 0
}
