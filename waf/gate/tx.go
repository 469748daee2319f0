// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strconv"
	"strings"

	"durward/waf/seclang"
)

// txMode is how the value of a TX variable is come by.
type txMode uint8

const (
	txConstant txMode = iota // values holds all that it can be: one, or none
	txCapture                // a group of an earlier link of the chain
	txWritten                // set by an earlier link of the chain
	txPattern                // every variable whose name matches
)

// txRead is what a rule gets when it reads TX.
type txRead struct {
	mode   txMode
	values []string // of txConstant and txPattern
	group  int
	// needle is in every name that the expression of txPattern matches.
	needle  string
	writes  []write // by earlier links of the same rule
	foreign []write // by first links of other rules, of txPattern
}

// write is one setvar of one link.
type write struct {
	rule  *rule
	link  int
	name  string // the variable, or "" when its name depends on the request
	key   string // what such a name begins with
	keyed []part // such a name
	// literal and parts bound the length of such a name: bytes that are fixed,
	// and how often a part of the matched value is put in; -1 for no bound.
	literal, parts int
	value          []part
	known          bool // that name and value are understood
}

// prefixOf is the literal with which an expanded name begins.
func prefixOf(m seclang.Macro) string {
	if len(m) > 0 && m[0].Collection == "" {
		return strings.ToLower(m[0].Text)
	}
	return ""
}

// note records what the links before the last may set under names that depend
// on the request. When the last one matches too, the request is not clean.
func (f *planner) note(c *rule) {
	for i := range c.links {
		if i == len(c.links)-1 {
			return
		}
		for _, sv := range c.links[i].sets {
			if _, literal := sv.Key.Literal(); !literal {
				f.keyed = append(f.keyed, f.write(c, i, sv))
			}
		}
	}
}

// write compiles a setvar of link i. Values that Coraza may take for arithmetic
// are not followed.
func (f *planner) write(c *rule, i int, sv seclang.SetVar) write {
	w := write{rule: c, link: i, key: prefixOf(sv.Key)}
	chain := &rule{phase: c.phase, links: c.links[:i+1]}
	name, literal := sv.Key.Literal()
	if literal {
		w.name = strings.ToLower(name)
	} else if w.keyed, w.known = f.macro(sv.Key, chain, nil, true); !w.known {
		return w
	}
	w.bound()
	w.known = false
	if sv.Remove || len(sv.Value) == 0 || sv.Value[0].Collection != "" || strings.ContainsAny(sv.Value[0].Text[:1], "+-") {
		return w
	}
	w.value, w.known = f.macro(sv.Value, chain, nil, true)
	return w
}

// bound finds out how long a name can get.
func (w *write) bound() {
	for _, m := range w.keyed {
		switch {
		case m.kind == partText:
			w.literal += len(m.text)
		case w.parts >= 0 && w.link == 0 && (m.kind == partMatchedVar || m.kind == partTX && m.tx.mode == txCapture):
			w.parts++
		default:
			w.parts = -1
		}
	}
}

// builtin are the variables that Coraza itself sets.
func builtin(name string) bool {
	n, err := strconv.Atoi(name)
	return name == "json_request_body" || err == nil && 0 <= n && n <= 10
}

// readTarget finds out what a target in TX gives, in link l of the rule, whose
// earlier links are c's. False means that this is not followed.
func (f *planner) readTarget(t *target, v seclang.Variable, c *rule, l *link, targets int) bool {
	switch {
	case v.Selector.Whole() || len(t.except) > 0:
		return false
	case v.Selector.Regexp:
		if !f.readPattern(t, c) {
			return false
		}
	default:
		read, ok := f.readName(t.selector.low, c)
		if !ok {
			return false
		}
		t.tx = read
	}
	open := t.tx.mode != txConstant && (t.tx.mode != txPattern || len(t.tx.writes)+len(t.tx.foreign) > 0)
	// What the link itself stores is seen by its later targets.
	if open && (t.count || targets > 1 && (l.capture || len(l.sets) > 0)) {
		return false
	}
	c.ordered = c.ordered || t.tx.mode == txCapture || t.tx.mode == txWritten
	return true
}

// readName finds out what one TX variable is after the links of c.
func (f *planner) readName(name string, c *rule) (txRead, bool) {
	var links []link
	if c != nil {
		links = c.links
	}
	if builtin(name) {
		group, err := strconv.Atoi(name)
		return txRead{mode: txCapture, group: group}, err == nil && capturedBy(links, group) >= 0
	}
	read := txRead{mode: txWritten}
	for i := range links {
		for _, sv := range links[i].sets {
			w := f.write(c, i, sv)
			if w.name == "" && strings.HasPrefix(name, w.key) {
				return txRead{}, false
			}
			if w.name == name {
				if !w.known {
					return txRead{}, false
				}
				read.writes = append(read.writes, w)
			}
		}
	}
	if len(read.writes) > 0 {
		return read, true
	}
	value, state := f.tx.Get(name)
	read.mode = txConstant
	if state == seclang.TXKnown {
		read.values = []string{value}
	}
	return read, state != seclang.TXUnsure
}

// capturedBy gives the latest link that stores the group, or -1.
func capturedBy(links []link, group int) int {
	for i := len(links) - 1; i >= 0; i-- {
		l := &links[i]
		if !l.capture {
			continue
		}
		if l.op.name != "rx" || l.op.negated || l.op.re == nil {
			return -1
		}
		if l.captures() > group {
			return i
		}
	}
	return -1
}
