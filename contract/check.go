// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"unicode/utf8"

	"durward"
)

// maxViolations is how many a refusal lists.
const maxViolations = 10

// maxSteps bounds the work on one value: schemas that offer alternatives
// within alternatives can multiply it.
const maxSteps = 1_000_000

// checker holds a value against a schema. It is used for one value at a time
// and keeps its buffers.
type checker struct {
	t         *tree
	path      []int32 // from the root to the value that is looked at
	in        string  // Violation.In
	name      string  // of the parameter; "" in content, where the pointer is the name
	out       *durward.Violations
	quiet     int // above 0 only the verdict is wanted
	steps     int
	known     map[verdictKey]bool
	knownSize int
	used      []*schema // what has evaluated the members or items of a value
	lim       *limits
	dec       decoder
}

// verdictKey names a value within the tree and a schema. The verdict on an
// object or array is kept, because alternatives within alternatives would ask
// for it again and again, at every level twice as often.
type verdictKey struct {
	s *schema
	i int32
}

// run checks the value at node root and adds what is wrong to out.
func (c *checker) run(s *schema, root int32) bool {
	c.path, c.quiet, c.steps = append(c.path[:0], root), 0, 0
	c.forget()
	ok := c.check(s, root)
	if c.steps > maxSteps {
		c.quiet, c.steps = 0, 0
		c.path = append(c.path[:0], root)
		return c.fail(reasonComplex)
	}
	return ok
}

// forget drops the verdicts on the values of another tree. A map that has grown
// is left to the collector: clearing takes as long as it is large.
func (c *checker) forget() {
	if c.knownSize > 64 {
		c.known = nil
	} else if c.knownSize > 0 {
		clear(c.known)
	}
	c.knownSize = 0
}

// fail notes what is wrong with the value that is looked at; it gives false.
func (c *checker) fail(reason string) bool {
	if c.quiet > 0 || c.steps > maxSteps || len(*c.out) >= maxViolations {
		return false
	}
	v := durward.Violation{In: c.in, Name: c.name, Reason: reason}
	if c.name == "" {
		v.Name = c.t.pointerTo(c.path)
	} else if below := c.t.pointerTo(c.path); below != "" {
		v.Name += below
	}
	for _, had := range *c.out {
		if had == v {
			return false
		}
	}
	*c.out = append(*c.out, v)
	return false
}

// failBelow notes what is wrong with a member that is not there.
func (c *checker) failBelow(name, reason string) bool {
	if c.quiet > 0 || len(*c.out) >= maxViolations {
		return false
	}
	c.path = append(c.path, c.t.add(node{key: name}))
	c.fail(reason)
	c.path = c.path[:len(c.path)-1]
	return false
}

// done tells that nothing more need be looked at.
func (c *checker) done() bool {
	return c.quiet > 0 || len(*c.out) >= maxViolations || c.steps > maxSteps
}

func (c *checker) inside(s *schema, i int32) bool {
	c.path = append(c.path, i)
	ok := c.check(s, i)
	c.path = c.path[:len(c.path)-1]
	return ok
}

// quietly gives the verdict alone.
func (c *checker) quietly(s *schema, i int32) bool {
	kept := c.t.nodes[i].first != 0
	key := verdictKey{s, i}
	if kept {
		if ok, known := c.known[key]; known {
			return ok
		}
	}
	c.quiet++
	ok := c.check(s, i)
	c.quiet--
	if kept && c.steps <= maxSteps {
		if c.known == nil {
			c.known = make(map[verdictKey]bool)
		}
		c.known[key] = ok
		c.knownSize++
	}
	return ok
}

func (c *checker) check(s *schema, i int32) bool {
	if c.steps++; c.steps > maxSteps {
		return false
	}
	if s.never {
		return c.fail(reasonUnknown)
	}
	n := c.t.nodes[i] // a copy: the tree may grow
	if s.foreign != nil {
		return c.foreign(s, i)
	}
	if s.types != 0 && s.types&n.kind == 0 && !(n.kind == kNumber && s.types&kInteger != 0 && isInteger(n.text)) {
		return c.fail(typeReason(s.types))
	}
	if s.enum != nil && !s.listed(c.t, i) {
		return c.fail(reasonEnum)
	}
	ok := true
	switch n.kind {
	case kString:
		ok = c.text(s, n.text)
	case kNumber:
		ok = c.number(s, n.text)
	case kArray:
		ok = !s.hasArray || c.array(s, i)
	case kObject:
		ok = !s.hasObject || c.object(s, i)
	}
	if s.inPart && (ok || !c.done()) {
		ok = c.combined(s, i) && ok
	}
	// What fails evaluates nothing, and is refused anyway.
	if ok && s.unevaluatedMembers != nil && n.kind == kObject {
		ok = c.members(s, i)
	}
	if ok && s.unevaluatedItems != nil && n.kind == kArray {
		ok = c.items(s, i)
	}
	return ok
}

func (s *schema) listed(t *tree, i int32) bool {
	if s.strings != nil {
		if t.nodes[i].kind != kString {
			return false
		}
		_, ok := s.strings[t.nodes[i].text]
		return ok
	}
	for e := s.enum.nodes[0].first; e != 0; e = s.enum.nodes[e].next {
		if equal(t, i, s.enum, e) {
			return true
		}
	}
	return false
}

func (c *checker) text(s *schema, text string) bool {
	// A string has at most as many characters as bytes, and at least a
	// quarter; most need no counting.
	if s.minLength > 0 || s.maxLength >= 0 && len(text) > s.maxLength {
		n := utf8.RuneCountInString(text)
		if n < s.minLength {
			return c.fail(reasonShort)
		}
		if s.maxLength >= 0 && n > s.maxLength {
			return c.fail(reasonLong)
		}
	}
	if s.pattern != nil && !s.pattern.MatchString(text) {
		return c.fail(reasonPattern)
	}
	if s.format != nil && !s.format(text) {
		return c.fail(reasonFormat)
	}
	return true
}

func (c *checker) number(s *schema, text string) bool {
	switch {
	case s.min != nil && s.min.compare(text) < 0, s.above != nil && s.above.compare(text) <= 0:
		return c.fail(reasonSmall)
	case s.max != nil && s.max.compare(text) > 0, s.below != nil && s.below.compare(text) >= 0:
		return c.fail(reasonLarge)
	case s.multiple != nil && !s.multiple.divides(text):
		return c.fail(reasonMultiple)
	case s.number != nil && !s.number(text):
		return c.fail(reasonFormat)
	}
	return true
}

func (c *checker) combined(s *schema, i int32) bool {
	ok := s.ref == nil || c.check(s.ref, i)
	for _, p := range s.allOf {
		if !ok && c.done() {
			return false
		}
		ok = c.check(p, i) && ok
	}
	if s.discriminator != nil && c.t.nodes[i].kind == kObject {
		ok = c.chosen(s.discriminator, i) && ok
	} else {
		ok = c.alternatives(s, i) && ok
	}
	if s.not != nil && c.quietly(s.not, i) {
		ok = c.fail(reasonNot)
	}
	if s.ifs != nil {
		branch := s.els
		if c.quietly(s.ifs, i) {
			branch = s.then
		}
		if branch != nil {
			ok = c.check(branch, i) && ok
		}
	}
	return ok
}

func (c *checker) alternatives(s *schema, i int32) bool {
	ok := true
	if s.anyOf != nil && !c.anyOf(s, i) {
		ok = c.fail(reasonAny)
	}
	if s.oneOf != nil {
		matches := 0
		for _, p := range s.oneOf {
			if matches < 2 && c.quietly(p, i) {
				matches++
			}
		}
		if matches != 1 {
			ok = c.fail(reasonOne)
		}
	}
	return ok
}

func (c *checker) anyOf(s *schema, i int32) bool {
	for _, p := range s.anyOf {
		if c.quietly(p, i) {
			return true
		}
	}
	return false
}

// foreign leaves the value to the library.
func (c *checker) foreign(s *schema, i int32) bool {
	err := s.foreign.Validate(c.t.value(i))
	if err == nil {
		return true
	}
	if c.quiet == 0 {
		c.translate(err, strings.Clone(c.t.pointerTo(c.path)))
	}
	return false
}
