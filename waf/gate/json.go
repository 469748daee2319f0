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
}

// readJSON fills ARGS_POST. False means that the content is not valid, or near
// one of Coraza's limits.
func (f *facts) readJSON(body []byte, l *limits) bool {
	f.path = append(f.path[:0], "json"...)
	r := jsonReader{f: f, b: body, limit: l.arguments, budget: max(len(body)*flattenFactor, flattenFloor)}
	r.space()
	if r.i == len(r.b) || r.b[r.i] != '{' && r.b[r.i] != '[' {
		return false
	}
	if !r.container(min(l.depth, maxDepth)) {
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

// container reads the object or array at hand, with depth levels left.
func (r *jsonReader) container(depth int) bool {
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
		if object {
			if !r.next('"') {
				return false
			}
			key, ok := r.text()
			if !ok || !r.next(':') {
				return false
			}
			r.f.path = append(r.f.path, key...)
		} else {
			r.f.path = strconv.AppendInt(r.f.path, int64(n), 10)
		}
		r.space()
		if !r.value(depth) {
			return false
		}
		r.f.path = r.f.path[:parent]
		if r.next(',') {
			continue
		}
		return r.next(end) && (object || r.length(n+1))
	}
}

// value reads one value and files it under the path.
func (r *jsonReader) value(depth int) bool {
	if r.i == len(r.b) {
		return false
	}
	start := r.i
	switch c := r.b[r.i]; c {
	case '{', '[':
		return r.container(depth - 1)
	case '"':
		r.i++
		s, ok := r.text()
		return ok && r.add(s)
	case 't':
		return r.literal("true") && r.add("true")
	case 'f':
		return r.literal("false") && r.add("false")
	case 'n':
		return r.literal("null") && r.add("")
	}
	return r.number() && r.add(view(r.b[start:r.i]))
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
func (r *jsonReader) add(val string) bool {
	r.used += len(r.f.path) + len(val)
	// Coraza calls the limit reached also by an empty container behind the last
	// value that it allows; one value less is on the safe side.
	if r.used > r.budget || len(r.f.argsPost)-r.lengths >= r.limit-1 {
		return false
	}
	at := len(r.f.arena)
	r.f.arena = append(r.f.arena, r.f.path...)
	r.f.argsPost = append(r.f.argsPost, item{view(r.f.arena[at:]), val})
	return true
}

// length files the length of an array under the array's own name.
func (r *jsonReader) length(n int) bool {
	if r.lengths >= r.limit {
		return false
	}
	r.lengths++ // counted apart from the values, before add looks at their number
	return r.add(r.f.decimal(n))
}
