// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"strings"

	"durward"
)

// Match resolves a canonical request to its operation, and appends the path
// parameters, percent-decoded, to params. It never gives nil: what no
// operation takes has a pseudo operation, whose Refusal is the answer.
//
// The host comes first: an API that names the host, then one that names it
// with a wildcard, then one for any host; among those the longest prefix. The
// API is then settled: another one is not tried.
//
// Within an API a segment is matched by literal text before a parameter with
// literal text around it, and by that before a whole parameter, from left to
// right; where a choice leads to no template the next is tried. The method
// comes last: a path has one template, and a method that this template lacks
// is refused, even where a template that is less concrete has it. A parameter
// is never empty, and no method stands for another: HEAD must be declared.
//
// When no segment has an escape it allocates nothing but what params needs.
func (t *Table) Match(in *durward.Request, params []durward.Param) (*durward.Operation, []durward.Param) {
	tr := t.tree(in)
	if tr == nil {
		return t.noRoute, params
	}
	rest := in.Path[len(tr.api.Prefix):]
	if rest == "" {
		return tr.unknown, params
	}
	w := walk{params: params, base: len(params)}
	end := w.down(&tr.root, rest[1:])
	switch {
	case w.ambiguous:
		return tr.ambiguous, w.params[:w.base]
	case end == nil:
		return tr.unknown, w.params[:w.base]
	}
	op, names := end.choose(in)
	for i, name := range names {
		p := &w.params[w.base+i]
		p.Name, p.Value = name, unescape(p.Value)
	}
	return op, w.params
}

// choose picks the operation of a path's template by method, with the names of
// its parameters.
func (n *node) choose(in *durward.Request) (*durward.Operation, []string) {
	if n.preflight != nil && in.Method == "OPTIONS" && in.Header.Has("Origin") {
		if asked := in.Header.Get("Access-Control-Request-Method"); asked != "" {
			for i, op := range n.ops {
				if op.Method == asked {
					return n.preflight, n.names[i]
				}
			}
			return n.notAllowed, n.names[0]
		}
	}
	for i, op := range n.ops {
		if op.Method == in.Method {
			return op, n.names[i]
		}
	}
	return n.notAllowed, n.names[0]
}

func (t *Table) tree(in *durward.Request) *tree {
	if len(t.exact)+len(t.wildcards) > 0 {
		name := HostName(in.Host)
		if s := t.exact[name]; s != nil {
			if tr := s.find(in.Path); tr != nil {
				return tr
			}
		}
		if i := strings.IndexByte(name, '.'); i > 0 && len(t.wildcards) > 0 {
			if s := t.wildcards[name[i+1:]]; s != nil {
				if tr := s.find(in.Path); tr != nil {
					return tr
				}
			}
		}
	}
	if t.any != nil {
		return t.any.find(in.Path)
	}
	return nil
}

// find gives the tree of the longest prefix that ends at a slash of path or at
// its end.
func (s *site) find(path string) *tree {
	best := s.byPrefix[""]
	for i, segments := 1, 0; segments < s.deepest && i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		segments++
		if tr := s.byPrefix[path[:i]]; tr != nil {
			best = tr
		}
	}
	return best
}

// walk is one search in a tree. Each node can be reached in one way only, so
// it visits none twice, however the path is made.
type walk struct {
	params    []durward.Param
	base      int
	ambiguous bool
}

// down matches what is left of the path, without its leading slash, below n.
func (w *walk) down(n *node, rest string) *node {
	segment, more := rest, false
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		segment, rest, more = rest[:i], rest[i+1:], true
	}
	if strings.IndexByte(segment, '%') >= 0 && n.confuses(segment) {
		w.ambiguous = true
		return nil
	}
	for i := range n.statics {
		if n.statics[i].text == segment {
			if end := w.next(n.statics[i].next, rest, more); end != nil || w.ambiguous {
				return end
			}
			break
		}
	}
	if segment == "" {
		return nil
	}
	for i := range n.affixed {
		a := &n.affixed[i]
		mark := len(w.params)
		switch a.escaped.split(segment, w) {
		case fitsOften:
			w.ambiguous = true
			return nil
		case fitsOnce:
			if end := w.behind(mark, a.next, rest, more); end != nil || w.ambiguous {
				return end
			}
		}
	}
	if n.param == nil {
		return nil
	}
	mark := len(w.params)
	w.take(segment)
	return w.behind(mark, n.param, rest, more)
}

func (w *walk) take(value string) { w.params = append(w.params, durward.Param{Value: value}) }

// behind goes on behind parameters, and forgets those from mark on where that
// leads nowhere.
func (w *walk) behind(mark int, n *node, rest string, more bool) *node {
	end := w.next(n, rest, more)
	if end == nil {
		w.params = w.params[:mark]
	}
	return end
}

func (w *walk) next(n *node, rest string, more bool) *node {
	if more {
		return w.down(n, rest)
	}
	if n.template == "" {
		return nil
	}
	return n
}

// confuses tells that a segment with escapes of reserved characters reads as
// literal text of a template once it is decoded, but not before: an upstream
// that decodes first would route it elsewhere.
func (n *node) confuses(segment string) bool {
	if len(n.statics)+len(n.affixed) == 0 {
		return false
	}
	decoded := unescape(segment)
	for i := range n.statics {
		if s := &n.statics[i]; s.plain == decoded && s.text != segment {
			return true
		}
	}
	for i := range n.affixed {
		a := &n.affixed[i]
		if got := a.plain.split(decoded, nil); got != fitsNot && got != a.escaped.split(segment, nil) {
			return true
		}
	}
	return false
}
