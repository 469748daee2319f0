// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strconv"
)

// maxDepth bounds the recursion; deeper content is left to Coraza.
const maxDepth = 128

// The walk of Coraza ends with an error when names and values together outgrow
// the body by this factor, or this many bytes if that is more.
const (
	flattenFactor = 8
	flattenFloor  = 4096
)

// jsonReader flattens valid JSON (RFC 8259) into ARGS_POST as Coraza does:
// "json", the member names and the array indexes joined by dots; an array also
// gives its length under its own name. What is not valid is refused.
type jsonReader struct {
	f       *facts
	b       []byte
	i       int
	limit   int // arguments
	lengths int
	used    int
	budget  int
	counts  *class // of the lengths of arrays
}

// readJSON fills ARGS_POST. False means that the content is not valid, or near
// one of Coraza's limits.
func (f *facts) readJSON(body []byte, l *limits, k *Known) bool {
	f.path = append(f.path[:0], "json"...)
	r := jsonReader{f: f, b: body, limit: l.arguments, budget: max(len(body)*flattenFactor, flattenFloor)}
	var at *shape
	if k != nil {
		at, r.counts = k.json, k.of.digits
	}
	r.space()
	if r.i == len(r.b) || r.b[r.i] != '{' && r.b[r.i] != '[' {
		return false
	}
	if !r.container(min(l.depth, maxDepth), at, at != nil) {
		return false
	}
	r.space()
	return r.i == len(r.b)
}

func (r *jsonReader) space() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

// next skips space and tells whether the byte there is c, and takes it.
func (r *jsonReader) next(c byte) bool {
	r.space()
	if r.i < len(r.b) && r.b[r.i] == c {
		r.i++
		return true
	}
	return false
}

// container reads the object or array at hand, with depth levels left. at is what
// is known of it, and declared says that the contract has its name.
func (r *jsonReader) container(depth int, at *shape, declared bool) bool {
	if depth <= 0 {
		return false
	}
	object := r.b[r.i] == '{'
	end := r.b[r.i] + 2 // '}' and ']' stand two places behind '{' and '['
	r.i++
	if r.next(end) {
		return true
	}
	for n := 0; ; n++ {
		parent := len(r.f.path)
		r.f.path = append(r.f.path, '.')
		var child *shape
		named := declared
		if object {
			if !r.next('"') {
				return false
			}
			key, ok := r.text()
			if !ok || !r.next(':') {
				return false
			}
			r.f.path = append(r.f.path, key...)
			child, named = at.member(key, declared)
		} else {
			r.f.path = strconv.AppendInt(r.f.path, int64(n), 10)
			if at != nil {
				child = at.items
			}
		}
		r.space()
		if !r.value(depth, child, named) {
			return false
		}
		r.f.path = r.f.path[:parent]
		if r.next(',') {
			continue
		}
		return r.next(end) && (object || r.length(n+1, declared))
	}
}

// member is what is known of a member, and whether the contract has its name.
func (s *shape) member(key string, declared bool) (*shape, bool) {
	if s == nil {
		return nil, false
	}
	if m, ok := s.members[key]; ok {
		return m, declared
	}
	return s.rest, false
}

// value reads one value and files it under the path.
func (r *jsonReader) value(depth int, at *shape, declared bool) bool {
	if r.i == len(r.b) {
		return false
	}
	var of *class
	if at != nil {
		of = at.class
	}
	start := r.i
	switch c := r.b[r.i]; c {
	case '{', '[':
		return r.container(depth-1, at, declared)
	case '"':
		r.i++
		s, ok := r.text()
		return ok && r.add(s, of, declared)
	case 't':
		return r.literal("true") && r.add("true", of, declared)
	case 'f':
		return r.literal("false") && r.add("false", of, declared)
	case 'n':
		return r.literal("null") && r.add("", of, declared)
	}
	return r.number() && r.add(view(r.b[start:r.i]), of, declared)
}

func (r *jsonReader) literal(s string) bool {
	if len(r.b)-r.i < len(s) || string(r.b[r.i:r.i+len(s)]) != s {
		return false
	}
	r.i += len(s)
	return true
}

func (r *jsonReader) number() bool {
	if r.b[r.i] == '-' {
		r.i++
	}
	if r.i < len(r.b) && r.b[r.i] == '0' {
		r.i++
	} else if !r.digits() {
		return false
	}
	if r.i < len(r.b) && r.b[r.i] == '.' {
		r.i++
		if !r.digits() {
			return false
		}
	}
	if r.i < len(r.b) && (r.b[r.i] == 'e' || r.b[r.i] == 'E') {
		r.i++
		if r.i < len(r.b) && (r.b[r.i] == '+' || r.b[r.i] == '-') {
			r.i++
		}
		return r.digits()
	}
	return true
}

func (r *jsonReader) digits() bool {
	at := r.i
	for r.i < len(r.b) && '0' <= r.b[r.i] && r.b[r.i] <= '9' {
		r.i++
	}
	return r.i > at
}

// add files a value under the path at hand.
func (r *jsonReader) add(val string, of *class, declared bool) bool {
	r.used += len(r.f.path) + len(val)
	// Coraza calls the limit reached also by an empty container behind the last
	// value that it allows; one value less is on the safe side.
	if r.used > r.budget || len(r.f.argsPost)-r.lengths >= r.limit-1 {
		return false
	}
	at := len(r.f.arena)
	r.f.arena = append(r.f.arena, r.f.path...)
	r.f.argsPost = append(r.f.argsPost, item{view(r.f.arena[at:]), val, of, declared})
	return true
}

// length files the length of an array under the array's own name.
func (r *jsonReader) length(n int, declared bool) bool {
	if r.lengths >= r.limit {
		return false
	}
	r.lengths++ // counted apart from the values, before add looks at their number
	return r.add(r.f.decimal(n), r.counts, declared)
}
