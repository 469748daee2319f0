// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"durward"
)

// node is a place in the tree of templates, one level for each segment.
type node struct {
	statics []static
	affixed []affixed // a parameter with literal text before or behind it; longest text first
	param   *node

	// What ends here; template is "" when nothing does.
	template   string
	names      []string // of the parameters on the way
	ops        []*durward.Operation
	notAllowed *durward.Operation
	preflight  *durward.Operation
}

// static is a literal segment, as it stands in a canonical path and decoded.
type static struct {
	text, plain string
	next        *node
}

// affixed is a segment such as {id}:cancel, v{version} or {name}.json.
type affixed struct {
	prefix, suffix           string
	plainPrefix, plainSuffix string
	next                     *node
}

var (
	errTemplateForm   = errors.New("template does not begin with a slash")
	errTemplateBraces = errors.New("a segment may have one {parameter}, with text before or behind it")
	errTemplateNames  = errors.New("a parameter occurs twice in the template")
)

// insert puts an operation into the tree and gives the node where it ends.
func (t *tree) insert(op *durward.Operation) (*node, error) {
	template := op.Template
	if template == "" || template[0] != '/' {
		return nil, errTemplateForm
	}
	at, names := &t.root, []string(nil)
	for rest, more := template[1:], true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if segment == "" && more {
			return nil, errPathSlashes
		}
		name, next, err := at.step(segment)
		if err != nil {
			return nil, err
		}
		if name != "" {
			if slices.Contains(names, name) {
				return nil, errTemplateNames
			}
			names = append(names, name)
		}
		at = next
	}
	if at.template != "" && at.template != template {
		return nil, fmt.Errorf("templates %s and %s mean the same paths", at.template, template)
	}
	for _, other := range at.ops {
		if other.Method == op.Method {
			return nil, fmt.Errorf("%s %s is operation %s too", op.Method, template, other.ID)
		}
	}
	at.template, at.names = template, names
	at.ops = append(at.ops, op)
	return at, nil
}

// step gives the node behind one segment of a template, and the name of the
// segment's parameter.
func (n *node) step(segment string) (name string, next *node, err error) {
	open, end := strings.IndexByte(segment, '{'), strings.IndexByte(segment, '}')
	if open < 0 && end < 0 {
		text, err := literal(segment)
		if err != nil {
			return "", nil, err
		}
		if text == "." || text == ".." {
			return "", nil, errPathDots
		}
		return "", n.staticStep(text), nil
	}
	if open < 0 || end < open+2 || strings.ContainsAny(segment[end+1:], "{}") || strings.Contains(segment[open+1:end], "{") {
		return "", nil, errTemplateBraces
	}
	name = segment[open+1 : end]
	prefix, err := literal(segment[:open])
	if err != nil {
		return "", nil, err
	}
	suffix, err := literal(segment[end+1:])
	if err != nil {
		return "", nil, err
	}
	if prefix == "" && suffix == "" {
		if n.param == nil {
			n.param = &node{}
		}
		return name, n.param, nil
	}
	return name, n.affixedStep(prefix, suffix), nil
}

func (n *node) staticStep(text string) *node {
	for i := range n.statics {
		if n.statics[i].text == text {
			return n.statics[i].next
		}
	}
	next := &node{}
	n.statics = append(n.statics, static{text: text, plain: unescape(text), next: next})
	return next
}

func (n *node) affixedStep(prefix, suffix string) *node {
	for i := range n.affixed {
		if n.affixed[i].prefix == prefix && n.affixed[i].suffix == suffix {
			return n.affixed[i].next
		}
	}
	next := &node{}
	n.affixed = append(n.affixed, affixed{prefix, suffix, unescape(prefix), unescape(suffix), next})
	slices.SortStableFunc(n.affixed, func(a, b affixed) int {
		if d := len(b.prefix) + len(b.suffix) - len(a.prefix) - len(a.suffix); d != 0 {
			return d
		}
		if d := len(b.prefix) - len(a.prefix); d != 0 {
			return d
		}
		return strings.Compare(a.prefix+" "+a.suffix, b.prefix+" "+b.suffix)
	})
	return next
}

// literal gives the canonical escaped form of a template's text, in which
// characters outside pchar may stand unescaped.
func literal(text string) (string, error) {
	var b []byte
	for i := range len(text) {
		if c := text[i]; c == '%' || is(c, classPath) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	path, _, err := canonicalPath("/x" + string(b))
	if err != nil {
		return "", err
	}
	return path[2:], nil
}

// allowed lists the methods of a node for Allow, sorted.
func (n *node) allowed(preflight bool) string {
	var methods []string
	for _, op := range n.ops {
		methods = append(methods, op.Method)
	}
	if preflight && !slices.Contains(methods, "OPTIONS") {
		methods = append(methods, "OPTIONS")
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}
