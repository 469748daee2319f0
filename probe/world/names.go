// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"regexp"
	"slices"
	"strings"
)

// plain is a name without case and separators.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 0x7f:
			return r
		}
		return -1
	}, name)
}

// singular is the English singular of a plain name, well enough to compare names
// of collections and parameters.
func singular(s string) string {
	switch {
	case len(s) > 4 && strings.HasSuffix(s, "ies"):
		return s[:len(s)-3] + "y"
	case len(s) > 4 && (strings.HasSuffix(s, "sses") || strings.HasSuffix(s, "xes") || strings.HasSuffix(s, "ches") || strings.HasSuffix(s, "shes")):
		return s[:len(s)-2]
	case s == "people":
		return "person"
	case len(s) > 3 && strings.HasSuffix(s, "s") && !strings.HasSuffix(s, "ss") && !strings.HasSuffix(s, "us"):
		return s[:len(s)-1]
	}
	return s
}

// idNames are members that identify the object that has them, the surest first.
var idNames = []string{"id", "uuid", "guid", "uid", "key", "slug", "code", "number", "ref", "reference", "username", "name", "title", "login", "email", "isbn", "sku"}

// generic are parameters that say nothing of what they identify.
var generic = []string{"id", "uuid", "guid", "uid", "key", "slug", "code", "number", "ref", "name", "identifier", "pk", "oid", "title"}

// stem takes the part of a plain name that says "identifier" off its end:
// bookid is book. ok tells that there was one.
func stem(name string) (rest string, ok bool) {
	for _, end := range []string{"identifier", "uuid", "guid", "id", "slug", "number", "code", "key", "pk", "name", "title", "email"} {
		if r, found := strings.CutSuffix(name, end); found && r != "" {
			return strings.TrimSuffix(r, "u"), true // "uid", "ouid"
		}
	}
	return name, false
}

var version = regexp.MustCompile(`^v?[0-9]+([._-][0-9]+)*$`)

// slot is one path parameter: what it identifies, and where such things are.
type slot struct {
	name       string
	collection string   // "/spaces/{}/messages"
	kinds      []string // singular names of what it identifies
	whole      bool     // it fills its segment
}

// slots are the parameters of a path, in order.
func slots(path string) []slot {
	var out []slot
	var done strings.Builder
	last := "" // segment before, versions left out
	for _, seg := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		open, shut := strings.IndexByte(seg, '{'), strings.IndexByte(seg, '}')
		if open < 0 || shut < open {
			done.WriteString("/" + seg)
			if !version.MatchString(seg) && seg != "" {
				last = seg
			}
			continue
		}
		name := seg[open+1 : shut]
		out = append(out, slot{name: name, collection: done.String(), kinds: kindsOf(name, last), whole: open == 0 && shut == len(seg)-1})
		done.WriteString("/{}")
	}
	return out
}

// kindsOf names what a parameter identifies: by its own name, and by the
// collection that it stands in.
func kindsOf(name, collection string) []string {
	var kinds []string
	add := func(k string) {
		if k != "" && !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	p := plain(name)
	if !slices.Contains(generic, p) {
		rest, _ := stem(p)
		add(singular(rest))
	}
	add(singular(plain(collection)))
	return kinds
}

// templateOf is a path with its parameters without names.
func templateOf(path string) string {
	for i, s := range slots(path) {
		_ = i
		path = strings.Replace(path, "{"+s.name+"}", "{}", 1)
	}
	return path
}

// kindOfPath is what the last fixed segment of a path names, verbs such as
// "create" left out.
func kindOfPath(path string) string {
	segs := strings.Split(path, "/")
	for i := len(segs) - 1; i >= 0; i-- {
		s := segs[i]
		if s == "" || strings.Contains(s, "{") || version.MatchString(s) || verbs[plain(s)] {
			continue
		}
		return singular(plain(s))
	}
	return ""
}

// verbs are segments that say what is done rather than to what.
var verbs = map[string]bool{"create": true, "new": true, "add": true, "insert": true, "list": true, "all": true, "search": true,
	"register": true, "signup": true, "update": true, "edit": true, "delete": true, "remove": true, "get": true, "find": true,
	"me": true, "self": true, "mine": true, "my": true, "recent": true, "latest": true, "api": true, "debug": true, "show": true}

// envelopes are members that hold the answer proper.
var envelopes = map[string]bool{"data": true, "result": true, "results": true, "items": true, "item": true, "content": true,
	"payload": true, "response": true, "records": true, "list": true, "rows": true, "value": true, "values": true, "entries": true,
	"embedded": true, "objects": true, "docs": true, "hits": true, "edges": true, "node": true, "nodes": true, "body": true, "output": true}
