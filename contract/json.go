// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "strings"

// fault is why content cannot be read. A bounded fault is content in good form
// that is larger than the configuration takes.
type fault struct {
	reason  string
	bounded bool
	pointer string // where, when known
}

func (f *fault) Error() string { return f.reason }

const (
	reasonSyntax    = "is not valid JSON"
	reasonTrailing  = "has data after its end"
	reasonUTF8      = "is not valid UTF-8"
	reasonDuplicate = "is repeated"
	reasonDepth     = "is nested too deeply"
	reasonMembers   = "has too many members"
	reasonItems     = "has too many items"
	reasonNumber    = "is a number out of bounds"
	reasonSize      = "has too many values"
)

// decoder reads JSON (RFC 8259) with the restrictions of I-JSON (RFC 7493):
// UTF-8 without byte order mark or lone surrogates, no member twice, nothing
// behind the value.
type decoder struct {
	s     string
	pos   int
	t     *tree
	lim   *limits
	path  []int32
	fault *fault
}

// decode reads s into t, behind what t holds, and gives why it cannot.
func (d *decoder) decode(s string, t *tree, lim *limits) *fault {
	d.s, d.pos, d.t, d.lim, d.path, d.fault = s, 0, t, lim, d.path[:0], nil
	d.space()
	if d.value(0, "", 0) {
		d.space()
		if d.pos != len(d.s) {
			d.fail(reasonTrailing, false)
		}
	}
	return d.fault
}

func (d *decoder) fail(reason string, bounded bool) bool {
	if d.fault == nil {
		d.fault = &fault{reason: reason, bounded: bounded, pointer: d.t.pointerTo(d.path)}
	}
	return false
}

func (d *decoder) space() {
	for d.pos < len(d.s) {
		switch d.s[d.pos] {
		case ' ', '\n', '\r', '\t':
			d.pos++
		default:
			return
		}
	}
}

// peek gives the next byte, 0 at the end; a NUL is never valid outside a
// string, so the two need no telling apart.
func (d *decoder) peek() byte {
	if d.pos < len(d.s) {
		return d.s[d.pos]
	}
	return 0
}

// value reads one value into a new node, which is the next one of the tree.
func (d *decoder) value(depth int, key string, index int32) bool {
	if len(d.t.nodes) >= d.lim.nodes {
		return d.fail(reasonSize, true)
	}
	i := d.t.add(node{kind: kNull, key: key, index: index})
	d.path = append(d.path, i)
	ok := d.read(i, depth)
	d.path = d.path[:len(d.path)-1]
	return ok
}

// read reads one value into node i.
func (d *decoder) read(i int32, depth int) bool {
	switch c := d.peek(); c {
	case '{', '[':
		if depth >= d.lim.depth {
			return d.fail(reasonDepth, true)
		}
		d.pos++
		if c == '{' {
			return d.object(i, depth)
		}
		return d.array(i, depth)
	case '"':
		text, ok := d.str()
		d.t.nodes[i].kind, d.t.nodes[i].text = kString, text
		return ok
	case 't':
		return d.literal(i, kBool, "true")
	case 'f':
		return d.literal(i, kBool, "false")
	case 'n':
		return d.literal(i, kNull, "null")
	}
	n := scanNumber(d.s[d.pos:])
	if n == 0 {
		return d.fail(reasonSyntax, false)
	}
	literal := d.s[d.pos : d.pos+n]
	d.pos += n
	d.t.nodes[i].kind, d.t.nodes[i].text = kNumber, literal
	if !boundedNumber(literal) {
		return d.fail(reasonNumber, true)
	}
	return true
}

func (d *decoder) literal(i int32, k kind, word string) bool {
	if !strings.HasPrefix(d.s[d.pos:], word) {
		return d.fail(reasonSyntax, false)
	}
	d.pos += len(word)
	d.t.nodes[i].kind = k
	if k == kBool {
		d.t.nodes[i].text = word
	}
	return true
}

func (d *decoder) array(i int32, depth int) bool {
	d.t.nodes[i].kind = kArray
	d.space()
	if d.peek() == ']' {
		d.pos++
		return true
	}
	for last := int32(0); ; {
		if int(d.t.nodes[i].count) >= d.lim.items {
			return d.fail(reasonItems, true)
		}
		child := int32(len(d.t.nodes))
		d.space()
		if !d.value(depth+1, "", d.t.nodes[i].count) {
			return false
		}
		d.t.link(i, last, child)
		last = child
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			return true
		default:
			return d.fail(reasonSyntax, false)
		}
	}
}

func (d *decoder) object(i int32, depth int) bool {
	d.t.nodes[i].kind = kObject
	d.space()
	if d.peek() == '}' {
		d.pos++
		return true
	}
	var seen map[string]struct{} // only for objects with many members
	for last := int32(0); ; {
		d.space()
		if d.peek() != '"' {
			return d.fail(reasonSyntax, false)
		}
		key, ok := d.str()
		if !ok {
			return false
		}
		if int(d.t.nodes[i].count) >= d.lim.members {
			return d.fail(reasonMembers, true)
		}
		if seen, ok = d.unseen(i, key, seen); !ok {
			return false
		}
		d.space()
		if d.peek() != ':' {
			return d.fail(reasonSyntax, false)
		}
		d.pos++
		d.space()
		child := int32(len(d.t.nodes))
		if !d.value(depth+1, key, d.t.nodes[i].count) {
			return false
		}
		d.t.link(i, last, child)
		last = child
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			return true
		default:
			return d.fail(reasonSyntax, false)
		}
	}
}

// unseen tells that object i has no member key so far.
func (d *decoder) unseen(i int32, key string, seen map[string]struct{}) (map[string]struct{}, bool) {
	repeated := false
	switch n := d.t.nodes[i].count; {
	case n < 16:
		repeated = d.t.member(i, key) != 0
	case n == 16:
		seen = make(map[string]struct{}, 64)
		for c := d.t.nodes[i].first; c != 0; c = d.t.nodes[c].next {
			seen[d.t.nodes[c].key] = struct{}{}
		}
		fallthrough
	default:
		_, repeated = seen[key]
		seen[key] = struct{}{}
	}
	if repeated {
		d.path = append(d.path, d.t.add(node{key: key}))
		return seen, d.fail(reasonDuplicate, false)
	}
	return seen, true
}
