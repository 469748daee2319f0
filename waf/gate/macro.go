// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"strings"

	"durward/waf/seclang"
)

// partKind is what a part of a macro stands for.
type partKind uint8

const (
	partText  partKind = iota
	partTX             // one TX variable
	partOne            // a collection with one value
	partFirst          // the first member with the key
	partMatchedVar
	partMatchedVarName
)

// part is a piece of text that is put together when the rule is evaluated.
type part struct {
	kind    partKind
	text    string // literal, or what stays when there is no such member
	tx      txRead
	sources []source
	key     string
}

// macro compiles a macro that is expanded after the links of c have matched, in
// the argument of link l or, if after, in a setvar of c's last link.
func (f *planner) macro(m seclang.Macro, c *rule, l *link, after bool) ([]part, bool) {
	parts := make([]part, 0, len(m))
	for _, t := range m {
		p := part{text: t.Text, key: t.Key}
		switch t.Collection {
		case "":
		case "TX":
			read, ok := f.readName(t.Key, c)
			if !ok || after && setBy(c, t.Key) || l != nil && (l.capture && builtin(t.Key) || setsName(l, t.Key)) {
				return nil, false
			}
			p.kind, p.tx = partTX, read
			c.ordered = c.ordered || read.mode != txConstant
		case "MATCHED_VAR", "MATCHED_VAR_NAME":
			if !after {
				return nil, false
			}
			p.kind = partMatchedVar
			if t.Collection == "MATCHED_VAR_NAME" {
				p.kind = partMatchedVarName
			}
		default:
			if s, ok := singles[t.Collection]; ok && s != srcArgsSize {
				p.kind, p.sources = partOne, []source{s}
			} else if k, ok := keyed[t.Collection]; ok && !k.names && t.Key != "" {
				// In phase 1 no POST argument is there yet, which a value that was
				// not there before cannot stand for.
				if t.Collection != "REQUEST_HEADERS" && c.phase != 2 {
					return nil, false
				}
				p.kind, p.sources = partFirst, k.sources
			} else {
				return nil, false
			}
		}
		parts = append(parts, p)
	}
	return parts, true
}

// setBy tells whether the last link of c sets the variable.
func setBy(c *rule, name string) bool { return setsName(&c.links[len(c.links)-1], name) }

func setsName(l *link, name string) bool {
	for _, sv := range l.sets {
		key, literal := sv.Key.Literal()
		if literal && equalFold(key, name) || !literal && strings.HasPrefix(name, prefixOf(sv.Key)) {
			return true
		}
	}
	return false
}
