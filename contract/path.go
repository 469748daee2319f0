// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (d *Document) readPaths(root cursor) error {
	paths := root.get("paths")
	if err := paths.object(); err != nil {
		return err
	}
	var all []found
	shapes := map[string]int{} // how many operations a request could mean
	for template, item := range paths.members() {
		if strings.HasPrefix(template, "x-") {
			continue
		}
		names, fault := templateNames(item, template)
		for method, f := range pathItem(item) {
			f.method, f.template, f.names = method, template, names
			if f.err == nil {
				f.err = fault
			}
			if method == "" { // nothing of the path can be read
				for _, name := range methods {
					d.close(f.c, strings.ToUpper(name), template, f.err)
					shapes[strings.ToUpper(name)+" "+templateShape(template)]++
				}
				continue
			}
			shapes[f.shape()]++
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.template, b.template), cmp.Compare(a.method, b.method))
	})
	for _, f := range all {
		err := f.err
		var op *operation
		if err == nil && shapes[f.shape()] > 1 {
			err = f.c.fail("another path has the same form, so that a request would fit both")
		}
		if err == nil {
			op, err = d.readOperation(root, f)
		}
		if err != nil {
			d.close(f.c, f.method, f.template, err)
			continue
		}
		d.ops = append(d.ops, op)
	}
	d.uniqueIDs()
	return nil
}

// uniqueIDs takes an operationId from all operations that share it: a rule
// that names it would be a rule for the wrong one.
func (d *Document) uniqueIDs() {
	count := map[string]int{}
	for _, op := range d.ops {
		count[op.ID]++
	}
	for _, op := range d.ops {
		if own := op.Method + " " + op.Template; count[op.ID] > 1 && op.ID != own {
			id := op.at.get("operationId")
			d.src.gap(id.at, effectRenamed, id.fail("operationId is used twice"))
			op.ID = own
		}
	}
}

// close gives an operation up. What its template means to a router is kept, so
// that its requests are refused rather than taken for another operation's.
func (d *Document) close(at cursor, method, template string, err error) {
	d.src.gap(at.at, effectLeftOut, err)
	if i := strings.IndexAny(template, "?#"); i >= 0 {
		template = template[:i]
	}
	template = templateShape("/" + strings.TrimPrefix(template, "/"))
	if reaches(template) != "" {
		return
	}
	op := Operation{ID: "closed " + method + " " + template, Method: method, Template: template}
	if d.shut == nil {
		d.shut = map[string]Operation{}
	}
	d.shut[op.ID] = op
}

// reaches tells why no request in canonical form has a path of the template; ""
// when one may.
func reaches(template string) string {
	for i, segment := range strings.Split(template[1:], "/") {
		switch {
		case segment == "" && strings.Count(template, "/") > i+1:
			return "a path can have no empty segment"
		case segment == "." || segment == "..":
			return "a path can have no dot segment"
		case strings.ContainsAny(segment, ";\\"):
			return "a path can have no semicolon or backslash"
		}
	}
	if text, err := url.PathUnescape(template); err != nil || strings.Count(text, "/") != strings.Count(template, "/") || strings.ContainsAny(text, ";\\\x00") {
		return "a path can have no such escapes"
	}
	return ""
}

// found is an operation and the path item that it stands in.
type found struct {
	item, c          cursor
	method, template string
	names            []string // of the template's parameters
	err              error
}

func (f *found) shape() string { return f.method + " " + templateShape(f.template) }

// pathItem gives the operations of a path by method. What stands beside a
// reference has no defined meaning (OpenAPI 3.1.1, 4.8.9), so operations and
// parameters there are refused.
func pathItem(item cursor) map[string]found {
	fail := func(err error) map[string]found { return map[string]found{"": {c: item, err: err}} }
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
	if reason := reaches(template); reason != "" {
		return nil, c.fail("%s", reason)
	}
	var names []string
	for rest := template; ; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			return names, nil
		}
		end := strings.IndexByte(rest, '}')
		if open == 0 && len(names) > 0 {
			return nil, c.fail("two parameters of a path need text between them")
		}
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

// templateShape gives parameters their number as a name, so that templates that
// differ only in names are the same. Parameters without text between are one.
func templateShape(template string) string {
	var b strings.Builder
	n := 0
	for {
		text, rest, found := strings.Cut(template, "{")
		if n == 0 || text != "" {
			b.WriteString(strings.ReplaceAll(text, "}", "%7D"))
		}
		if !found {
			return b.String()
		}
		if n == 0 || text != "" {
			n++
			b.WriteString("{" + strconv.Itoa(n) + "}")
		}
		_, template, _ = strings.Cut(rest, "}")
	}
}
