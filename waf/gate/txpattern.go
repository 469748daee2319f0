// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"durward/waf/seclang"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// readPattern finds out what the TX variables are whose names match.
func (f *planner) readPattern(t *target, c *rule) bool {
	re := t.selector.re
	read := txRead{mode: txPattern}
	for n := range 11 {
		if re.MatchString(strconv.Itoa(n)) {
			return false
		}
	}
	if re.MatchString("json_request_body") {
		return false
	}
	for name, value := range f.tx.Constants() {
		if re.MatchString(name) {
			read.values = append(read.values, value)
		}
	}
	slices.Sort(read.values)
	own := map[string]bool{}
	for i := range c.links {
		for _, sv := range c.links[i].sets {
			if w := f.write(c, i, sv); w.name == "" && !disjoint(re, w.key) || w.name != "" && re.MatchString(w.name) {
				if !w.known {
					return false
				}
				if always(re, w.key) {
					w.keyed = nil // the name need not be looked at
				}
				read.writes = append(read.writes, w)
				own[w.name] = true
				// What a later link sets can hold what an earlier one captured.
				c.ordered = c.ordered || i > 0
			}
		}
	}
	if !f.readForeign(&read, re, c, own) {
		return false
	}
	read.needle, _ = re.LiteralPrefix()
	t.tx = read
	return true
}

// readForeign finds the variables that match and that other rules set. False
// means that some of them are not followed.
func (f *planner) readForeign(read *txRead, re *regexp.Regexp, c *rule, own map[string]bool) bool {
	names, prefixes := f.tx.Unsure()
	for _, name := range names {
		if !own[name] && re.MatchString(name) {
			return false
		}
	}
	for _, prefix := range prefixes {
		if disjoint(re, prefix) {
			continue
		}
		for _, it := range f.set.Items {
			r, ok := it.(*seclang.Rule)
			if !ok || r.Phase > 2 || r.ID == c.id || !setsPrefix(r, prefix) {
				continue
			}
			found := false
			for _, w := range f.keyed {
				if w.rule.id == r.ID && w.key == prefix {
					if w.link != 0 || !w.known || w.rule.dead != "" || w.rule.neutral || w.rule.setup || w.rule.open != "" {
						return false
					}
					read.foreign, found = append(read.foreign, w), true
				}
			}
			if !found {
				return false
			}
		}
	}
	return true
}

// setsPrefix tells whether a rule sets variables whose names begin so.
func setsPrefix(r *seclang.Rule, prefix string) bool {
	for _, l := range r.Links() {
		for _, sv := range l.SetVars {
			if _, literal := sv.Key.Literal(); !literal && prefixOf(sv.Key) == prefix {
				return true
			}
		}
	}
	return false
}

// disjoint tells whether no name that begins with prefix can match. It sees that
// only of expressions that begin with a literal, at the start of the name.
func disjoint(re *regexp.Regexp, prefix string) bool {
	expr, anchored := strings.CutPrefix(re.String(), "^")
	if !anchored {
		return false
	}
	rest, err := regexp.Compile(expr)
	if err != nil {
		return false
	}
	literal, _ := rest.LiteralPrefix()
	return literal != "" && !strings.HasPrefix(literal, prefix) && !strings.HasPrefix(prefix, literal)
}

// always tells whether every name that begins with prefix matches: the
// expression is no more than a literal at the start of the name.
func always(re *regexp.Regexp, prefix string) bool {
	expr, anchored := strings.CutPrefix(re.String(), "^")
	if !anchored {
		return false
	}
	rest, err := regexp.Compile(expr)
	if err != nil {
		return false
	}
	literal, complete := rest.LiteralPrefix()
	return complete && strings.HasPrefix(prefix, literal)
}
