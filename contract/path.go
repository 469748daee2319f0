// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"slices"
	"strings"
)

func (d *Document) readPaths(root cursor) error {
	paths := root.get("paths")
	if err := paths.object(); err != nil {
		return err
	}
	ids := map[string]bool{}
	shapes := map[string]bool{}
	for template, item := range paths.members() {
		if strings.HasPrefix(template, "x-") {
			continue
		}
		names, err := templateNames(item, template)
		if err != nil {
			return err
		}
		for method, op := range pathItem(item) {
			if op.err != nil {
				return op.err
			}
			shape := method + " " + templateShape(template)
			if shapes[shape] {
				return op.c.fail("another path has the same form, so that a request would fit both")
			}
			shapes[shape] = true
			one, err := d.readOperation(root, op, method, template, names)
			if err != nil {
				return err
			}
			if ids[one.ID] {
				return op.c.fail("operationId is used twice")
			}
			ids[one.ID] = true
			d.ops = append(d.ops, one)
		}
	}
	slices.SortFunc(d.ops, func(a, b *operation) int {
		return cmp.Or(cmp.Compare(a.Template, b.Template), cmp.Compare(a.Method, b.Method))
	})
	return nil
}

// found is an operation and the path item that it stands in.
type found struct {
	item, c cursor
	err     error
}

// pathItem gives the operations of a path by method. What stands beside a
// reference has no defined meaning (OpenAPI 3.1.1, 4.8.9), so operations and
// parameters there are refused.
func pathItem(item cursor) map[string]found {
	fail := func(err error) map[string]found { return map[string]found{"": {err: err}} }
	if err := item.object(); err != nil {
		return fail(err)
	}
	if item.get("$ref").exists() {
		for _, name := range append([]string{"parameters"}, methods...) {
			if beside := item.get(name); beside.exists() {
				return fail(beside.fail("a path item that is a reference can have no %s of its own", name))
			}
		}
		var err error
		if item, err = item.follow(); err != nil {
			return fail(err)
		}
	}
	out := map[string]found{}
	for _, method := range methods {
		if c := item.get(method); c.exists() {
			out[strings.ToUpper(method)] = found{item: item, c: c, err: c.object()}
		}
	}
	return out
}

// templateNames gives the names of a path template's parameters.
func templateNames(c cursor, template string) ([]string, error) {
	if !strings.HasPrefix(template, "/") || strings.ContainsAny(template, "?#") {
		return nil, c.fail("a path must begin with / and have no query or fragment")
	}
	var names []string
	for rest := template; ; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			return names, nil
		}
		end := strings.IndexByte(rest, '}')
		if rest[open] != '{' || end < open+2 || strings.ContainsAny(rest[open+1:end], "{/") {
			return nil, c.fail("the path's braces do not match")
		}
		name := rest[open+1 : end]
		if slices.Contains(names, name) {
			return nil, c.fail("the path names a parameter twice")
		}
		names, rest = append(names, name), rest[end+1:]
	}
}

// templateShape blots out the names, so that templates that differ only in
// them are the same.
func templateShape(template string) string {
	var b strings.Builder
	inside := false
	for _, r := range template {
		switch {
		case r == '{':
			inside = true
			b.WriteString("{")
		case r == '}':
			inside = false
			b.WriteString("}")
		case !inside:
			b.WriteRune(r)
		}
	}
	return b.String()
}
