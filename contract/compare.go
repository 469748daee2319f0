// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"reflect"
	"strings"
)

// Difference is one difference between what two documents take as a request of
// the same operation.
type Difference struct {
	// Where is the place within the operation.
	Where string
	// Looser tells that a request that was refused may be taken now, or that
	// nobody can tell; else the difference is Stricter.
	Looser bool
	Reason string
}

// maxDifferences bounds what Compare lists of one operation.
const maxDifferences = 50

// Compare lists how the requests of an operation that both documents have
// differ. What cannot be ordered is looser: schemas are compared keyword by
// keyword, as a reader would, not solved.
func Compare(old, new *Document, id string) []Difference {
	o, n := old.find(id), new.find(id)
	if o == nil || n == nil {
		return nil
	}
	c := &comparer{assumed: map[[2]place]bool{}}
	if o.Method != n.Method || o.Template != n.Template {
		c.looser("path", "other requests are for the operation: "+n.Method+" "+n.Template)
	}
	if o.Upgrade != n.Upgrade {
		c.judge("responses", n.Upgrade != "", "whether it leaves HTTP: "+n.Upgrade)
	}
	c.parameters(o, n)
	c.body(o.at.get("requestBody"), n.at.get("requestBody"))
	return c.out
}

func (d *Document) find(id string) *operation {
	for _, op := range d.ops {
		if op.ID == id {
			return op
		}
	}
	return nil
}

type comparer struct {
	out []Difference
	// assumed are the pairs of referenced schemas that are being compared, or
	// were: a pair that is met again within itself adds no difference.
	assumed map[[2]place]bool
	depth   int
}

func (c *comparer) add(where string, looser bool, reason string) {
	if len(c.out) < maxDifferences {
		c.out = append(c.out, Difference{where, looser, reason})
	} else if looser {
		c.out[maxDifferences-1] = Difference{where, true, "and further differences"}
	}
}

func (c *comparer) looser(where, reason string)   { c.add(where, true, reason) }
func (c *comparer) stricter(where, reason string) { c.add(where, false, reason) }
func (c *comparer) judge(where string, looser bool, reason string) {
	c.add(where, looser, reason)
}

// parameters compares the parameters by their place and name.
func (c *comparer) parameters(old, new *operation) {
	find := func(all []*parameter, p *parameter) *parameter {
		for _, one := range all {
			if one.in == p.in && strings.EqualFold(one.name, p.name) && (p.in == "header" || one.name == p.name) {
				return one
			}
		}
		return nil
	}
	for _, p := range old.params {
		where := "parameter " + p.in + " " + p.name
		if is := find(new.params, p); is != nil {
			c.parameter(where, p.at, is.at)
		} else {
			c.looser(where, "it is no longer declared, so it is not held to anything where unknown ones are allowed")
		}
	}
	for _, p := range new.params {
		if find(old.params, p) == nil {
			// Fields that are not declared pass, so that a rule for one can
			// only refuse more.
			c.judge("parameter "+p.in+" "+p.name, p.in != "header", "it is declared")
		}
	}
}

// words for people, which no request is held to.
var annotations = map[string]bool{
	"description": true, "summary": true, "title": true, "example": true, "examples": true, "deprecated": true,
	"externalDocs": true, "default": true, "$comment": true, "xml": true, "writeOnly": true, "$defs": true, "definitions": true,
}

func annotation(key string) bool { return annotations[key] || strings.HasPrefix(key, "x-") }

func (c *comparer) parameter(where string, old, new cursor) {
	old, new, ok := follow2(old, new)
	if !ok {
		c.looser(where, "cannot be compared")
		return
	}
	c.required(where, old, new)
	c.schema(where, old.get("schema"), new.get("schema"))
	c.rest(where, old, new, "required", "schema")
}

func follow2(old, new cursor) (cursor, cursor, bool) {
	o, err := old.follow()
	n, err2 := new.follow()
	return o, n, err == nil && err2 == nil
}

func (c *comparer) required(where string, old, new cursor) {
	o, _ := old.get("required").v.(bool)
	n, _ := new.get("required").v.(bool)
	if o != n {
		c.judge(where+" required", o, map[bool]string{true: "it may be left out", false: "it is required"}[o])
	}
}

// rest finds differences in members that have no rule of their own.
func (c *comparer) rest(where string, old, new cursor, known ...string) {
	seen := map[string]bool{}
	for _, name := range known {
		seen[name] = true
	}
	for _, side := range []cursor{old, new} {
		for name := range side.members() {
			if !seen[name] && !annotation(name) && !c.same(old.get(name), new.get(name)) {
				c.looser(where+" "+name, "cannot be compared: "+name+" differs")
			}
			seen[name] = true
		}
	}
}

// same tells whether two values are alike to the last word, what they refer to
// included.
func (c *comparer) same(old, new cursor) bool {
	inner := &comparer{assumed: map[[2]place]bool{}, depth: c.depth + 1}
	return inner.alike(old, new)
}

func (c *comparer) alike(old, new cursor) bool {
	if c.depth++; c.depth > maxCompared {
		return false
	}
	defer func() { c.depth-- }()
	om, ok := old.v.(map[string]any)
	nm, ok2 := new.v.(map[string]any)
	if ok && ok2 {
		oref, _ := om["$ref"].(string)
		nref, _ := nm["$ref"].(string)
		if oref != "" && nref != "" {
			o, n, fine := c.targets(old, new)
			return fine && (o.v == nil || c.alike(o, n))
		}
		for _, names := range []map[string]any{om, nm} {
			for name := range names {
				if !annotation(name) && !c.alike(old.get(name), new.get(name)) {
					return false
				}
			}
		}
		return true
	}
	ol, ok := old.v.([]any)
	nl, ok2 := new.v.([]any)
	if ok && ok2 && len(ol) == len(nl) {
		for i := range ol {
			if !c.alike(cursor{old.s, old.at.item(i), ol[i]}, cursor{new.s, new.at.item(i), nl[i]}) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(old.v, new.v)
}

// targets follows the references of both, one step. A pair that was met before
// gives cursors to nothing.
func (c *comparer) targets(old, new cursor) (cursor, cursor, bool) {
	step := func(at cursor) (cursor, bool) {
		ref, _ := at.get("$ref").v.(string)
		to, err := at.s.target(at.at.file, ref)
		if err != nil {
			return at, false
		}
		v, ok := lookup(at.s.files[to.file].root, to.pointer)
		return cursor{at.s, to, v}, ok
	}
	o, ok := step(old)
	n, ok2 := step(new)
	if !ok || !ok2 {
		return o, n, false
	}
	if c.assumed[[2]place{o.at, n.at}] {
		return cursor{}, cursor{}, true
	}
	c.assumed[[2]place{o.at, n.at}] = true
	return o, n, true
}

// body compares what is said of a request's content.
func (c *comparer) body(old, new cursor) {
	const where = "requestBody"
	if !old.exists() && !new.exists() {
		return
	}
	old, new, ok := follow2(old, new)
	if !ok || !old.exists() || !new.exists() {
		c.looser(where, "cannot be compared: only one of them says something of it")
		return
	}
	c.required(where, old, new)
	c.rest(where, old, new, "required", "content")
	o, n := old.get("content"), new.get("content")
	wild := false
	for name := range n.members() {
		wild = wild || strings.Contains(name, "*")
		if !o.get(name).exists() {
			c.looser(where+" "+name, "a further type of content is taken")
		}
	}
	for name, media := range o.members() {
		at := fmt.Sprintf("%s %s", where, name)
		other := n.get(name)
		if !other.exists() {
			c.judge(at, wild, "the type of content is no longer declared")
			continue
		}
		c.schema(at, media.get("schema"), other.get("schema"))
		c.rest(at, media, other, "schema")
	}
}
