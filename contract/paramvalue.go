// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "strings"

// Reasons about the form of parameters.
const (
	reasonRepeated = "must not be repeated"
	reasonForm     = "is not well-formed"
	reasonChar     = "has a character that is not allowed"
	reasonMany     = "has too many fields"
)

// decodeFunc undoes the escaping of one piece of a value; false when it cannot.
type decodeFunc func(string) (string, bool)

func plain(s string) (string, bool) { return s, isCleanText(s) }

// value checks the one value of a parameter, which is not exploded into
// several.
func (c *checker) value(r *rule, text string, decode decodeFunc) bool {
	if r.json {
		return c.jsonValue(r, text, decode)
	}
	root, reason := int32(0), ""
	switch {
	case r.types&kArray != 0 && (r.single&^kNull == 0 || c.isList(r, text)):
		root, reason = c.arrayValue(r, text, decode)
	case r.types&kObject != 0 && r.single&^kNull == 0:
		root, reason = c.objectValue(r, text, decode)
	default:
		if text, reason = r.unwrap(text, ""); reason == "" {
			var ok bool
			if text, ok = decode(text); !ok {
				reason = reasonChar
			}
			root = c.scalar(r.schema, r.single, text)
		}
	}
	if reason != "" {
		c.path = c.path[:0]
		return c.fail(reason)
	}
	return c.run(r.schema, root)
}

// isList tells, of a parameter that may be a list or a single value, that it
// is a list.
func (c *checker) isList(r *rule, text string) bool {
	return strings.Contains(text, r.separator())
}

func (c *checker) jsonValue(r *rule, text string, decode decodeFunc) bool {
	c.path = c.path[:0]
	text, ok := decode(text)
	if !ok {
		return c.fail(reasonChar)
	}
	root := int32(len(c.t.nodes))
	if f := c.dec.decode(text, c.t, c.lim); f != nil {
		c.path = c.path[:0]
		return c.fail(f.reason)
	}
	return c.run(r.schema, root)
}

func (r *rule) separator() string {
	switch {
	case r.style == "pipeDelimited":
		return "|"
	case r.style == "spaceDelimited":
		return " "
	case r.style == "label" && r.explode:
		return "."
	case r.style == "matrix" && r.explode:
		return ";"
	}
	return ","
}

// unwrap takes off what the styles label and matrix put before a value. For an
// exploded list or object of matrix each piece has its own name, which stays.
func (r *rule) unwrap(text, keep string) (string, string) {
	switch r.style {
	case "label":
		rest, ok := strings.CutPrefix(text, ".")
		if !ok {
			return "", reasonForm
		}
		return rest, ""
	case "matrix":
		rest, ok := strings.CutPrefix(text, ";")
		if !ok {
			return "", reasonForm
		}
		if keep != "" {
			return rest, ""
		}
		if rest, ok = strings.CutPrefix(rest, r.name+"="); !ok && rest != r.name {
			return "", reasonForm
		}
		if !ok {
			rest = ""
		}
		return rest, ""
	}
	return text, ""
}

// pieces splits a value at the style's separator. Query styles separate with
// characters that a client may have had to escape.
func (c *checker) pieces(r *rule, text string) ([]string, string) {
	keep := ""
	if r.explode {
		keep = "names"
	}
	text, reason := r.unwrap(text, keep)
	if reason != "" || text == "" {
		return nil, reason
	}
	switch r.style {
	case "pipeDelimited":
		text = strings.NewReplacer("%7C", "|", "%7c", "|").Replace(text)
	case "spaceDelimited":
		text = strings.NewReplacer("%20", " ", "+", " ").Replace(text)
	}
	if strings.Count(text, r.separator()) >= c.lim.items {
		return nil, reasonItems
	}
	return strings.Split(text, r.separator()), ""
}

func (c *checker) arrayValue(r *rule, text string, decode decodeFunc) (int32, string) {
	list, reason := c.pieces(r, text)
	if reason != "" {
		return 0, reason
	}
	root, last := c.t.add(node{kind: kArray}), int32(0)
	for _, piece := range list {
		if r.style == "matrix" && r.explode {
			value, ok := strings.CutPrefix(piece, r.name+"=")
			if !ok {
				return 0, reasonForm
			}
			piece = value
		}
		if r.in == "header" {
			piece = strings.Trim(piece, " \t")
		}
		if last, reason = c.item(root, last, r.shape.items, piece, decode); reason != "" {
			return 0, reason
		}
	}
	return root, ""
}

// item adds one item to an array.
func (c *checker) item(root, last int32, s *schema, piece string, decode decodeFunc) (int32, string) {
	text, ok := decode(piece)
	if !ok {
		return 0, reasonChar
	}
	i := c.scalar(s, s.typeSet(), text)
	c.t.nodes[i].index = c.t.nodes[root].count
	c.t.link(root, last, i)
	return i, ""
}

func (c *checker) objectValue(r *rule, text string, decode decodeFunc) (int32, string) {
	list, reason := c.pieces(r, text)
	if reason != "" {
		return 0, reason
	}
	if !r.explode && len(list)%2 != 0 {
		return 0, reasonForm
	}
	root, last := c.t.add(node{kind: kObject}), int32(0)
	for k := 0; k < len(list); k++ {
		name, value := list[k], ""
		if r.explode {
			var ok bool
			if name, value, ok = strings.Cut(name, "="); !ok {
				return 0, reasonForm
			}
		} else {
			k++
			value = list[k]
		}
		if last, reason = c.memberOf(root, last, &r.shape, name, value, decode); reason != "" {
			return 0, reason
		}
	}
	return root, ""
}

// memberOf adds one member to an object, from its escaped form.
func (c *checker) memberOf(root, last int32, sh *shape, name, value string, decode decodeFunc) (int32, string) {
	name, ok := decode(name)
	if !ok || name == "" {
		return 0, reasonForm
	}
	text, ok := decode(value)
	if !ok {
		return 0, reasonChar
	}
	return c.addMember(root, last, sh, name, text)
}

func (c *checker) addMember(root, last int32, sh *shape, name, text string) (int32, string) {
	if c.t.member(root, name) != 0 {
		return 0, reasonRepeated
	}
	if int(c.t.nodes[root].count) >= c.lim.members {
		return 0, reasonMany
	}
	s := sh.member(name)
	i := c.scalar(s, s.typeSet(), text)
	c.t.nodes[i].key, c.t.nodes[i].index = name, c.t.nodes[root].count
	c.t.link(root, last, i)
	return i, ""
}

// member gives the schema of a member, nil when none was said.
func (sh *shape) member(name string) *schema {
	if s, ok := sh.members[name]; ok {
		return s
	}
	return sh.rest
}
