// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"durward"
)

// node is a place in the tree of templates, one level for each segment.
type node struct {
	statics []static
	affixed []affixed // parameters with literal text around or between them; longest text first
	param   *node

	// What ends here; template is "" when nothing does.
	template   string
	ops        []*durward.Operation
	names      [][]string // of the parameters on the way, by operation
	notAllowed *durward.Operation
	preflight  *durward.Operation
}

// static is a literal segment, as it stands in a canonical path and decoded.
type static struct {
	text, plain string
	next        *node
}

// affixed is a segment such as {id}:cancel, v{version}, {name}.json or
// {name}.{format}.
type affixed struct {
	escaped, plain texts // as in a canonical path, and decoded
	next           *node
}

var (
	errTemplateForm   = errors.New("template does not begin with a slash")
	errTemplateBraces = errors.New("the {parameters} of a segment need matching braces, names, and text between them")
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
		here, next, err := at.step(segment)
		if err != nil {
			return nil, err
		}
		for _, name := range here {
			if slices.Contains(names, name) {
				return nil, errTemplateNames
			}
			names = append(names, name)
		}
		at = next
	}
	// Templates that differ in the names of their parameters mean the same
	// paths, which the methods then tell apart.
	for _, other := range at.ops {
		if other.Method == op.Method {
			return nil, fmt.Errorf("%s %s is operation %s too", op.Method, template, other.ID)
		}
	}
	if at.template == "" {
		at.template = template
	}
	at.ops, at.names = append(at.ops, op), append(at.names, names)
	return at, nil
}

// step gives the node behind one segment of a template, and the names of the
// segment's parameters.
func (n *node) step(segment string) (names []string, next *node, err error) {
	t, names, err := readSegment(segment)
	switch {
	case err != nil:
		return nil, nil, err
	case len(names) == 0 && (t[0] == "." || t[0] == ".."):
		return nil, nil, errPathDots
	case len(names) == 0:
		return nil, n.staticStep(t[0]), nil
	case len(names) == 1 && t[0] == "" && t[1] == "":
		if n.param == nil {
			n.param = &node{}
		}
		return names, n.param, nil
	}
	return names, n.affixedStep(t), nil
}

// readSegment parts a segment into its parameters and the canonical texts
// before, between and behind them.
func readSegment(segment string) (t texts, names []string, err error) {
	for rest := segment; ; {
		text, behind, found := strings.Cut(rest, "{")
		if strings.Contains(text, "}") || found && text == "" && len(names) > 0 {
			return nil, nil, errTemplateBraces
		}
		if text, err = literal(text); err != nil {
			return nil, nil, err
		}
		t = append(t, text)
		if !found {
			return t, names, nil
		}
		name, after, closed := strings.Cut(behind, "}")
		if !closed || name == "" || strings.Contains(name, "{") {
			return nil, nil, errTemplateBraces
		}
		if names, rest = append(names, name), after; len(names) > maxInner+1 {
			return nil, nil, errTemplateBraces
		}
	}
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

func (n *node) affixedStep(t texts) *node {
	for i := range n.affixed {
		if slices.Equal(n.affixed[i].escaped, t) {
			return n.affixed[i].next
		}
	}
	next := &node{}
	plain := make(texts, len(t))
	for i, text := range t {
		plain[i] = unescape(text)
	}
	n.affixed = append(n.affixed, affixed{t, plain, next})
	slices.SortStableFunc(n.affixed, func(a, b affixed) int {
		return cmp.Or(cmp.Compare(b.escaped.size(), a.escaped.size()), cmp.Compare(len(b.escaped[0]), len(a.escaped[0])),
			slices.Compare(a.escaped, b.escaped))
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
