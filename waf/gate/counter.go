// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"hash/maphash"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"durward/waf/seclang"
)

// A counter is a rule that passes, logs nothing, and adds one to a variable with
// the name of what it matched: 921170 counts in that way how often each argument
// is there, for 921180 to find those that are there twice. Where all names are
// distinct each of its variables is 1; if a 1 makes no reader of them match, such
// a rule may match as often as it likes.

// counter marks a rule that is one. Targets that a profile excludes are among
// those that the target leaves out.
func (f *planner) counter(c *rule) {
	if len(c.links) != 1 || c.open != "" || c.dead != "" || c.setup || c.phase != 2 {
		return
	}
	l := &c.links[0]
	s := l.source
	if s.Unknown != "" || s.Log || s.Disruptive != "pass" && s.Disruptive != "" || s.Skip > 0 || s.SkipAfter != "" || s.HasChain || s.Capture || s.MultiMatch ||
		len(s.Ctls) > 0 || len(s.SetVars) != 1 || len(l.targets) != 1 || l.targets[0].count || l.targets[0].kind != kindNames && l.targets[0].kind != kindValues {
		return
	}
	sv := s.SetVars[0]
	one, literal := sv.Value.Literal()
	if !literal || one != "+1" || sv.Remove || len(sv.Key) != 2 || sv.Key[0].Collection != "" || sv.Key[1].Collection != "MATCHED_VAR_NAME" {
		return
	}
	n := &counted{prefix: strings.ToLower(sv.Key[0].Text)}
	for _, it := range f.set.Items {
		r, ok := it.(*seclang.Rule)
		if ok && r.ID != s.ID && r.Phase <= 2 && !n.indifferent(r) {
			return
		}
	}
	if n.prefix == "" {
		return
	}
	c.counted = n
}

// counted are the variables of a counter.
type counted struct {
	prefix string
	// needles are in the names of all variables that some rule reads for whatever
	// they are: no name of a counter's may have one.
	needles []string
}

// indifferent tells whether a rule neither sets variables of the counter nor,
// while all of them are 1 and have no needle in their names, matches because of
// them.
func (n *counted) indifferent(r *seclang.Rule) bool {
	prefix := n.prefix
	for _, l := range r.Links() {
		for _, sv := range l.SetVars {
			if name, literal := sv.Key.Literal(); literal && strings.HasPrefix(strings.ToLower(name), prefix) || !literal && overlap(prefixOf(sv.Key), prefix) ||
				reads(sv.Key, prefix) || reads(sv.Value, prefix) {
				return false
			}
		}
		if l.Operator != nil && reads(l.Operator.Macro, prefix) {
			return false
		}
		for _, v := range l.Variables {
			if v.Collection != "TX" || r.Chain == nil && !v.Count && len(l.Transformations) == 0 && missesOne(l.Operator) {
				continue
			}
			if !n.apart(v) {
				return false
			}
		}
	}
	return true
}

func overlap(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// reads tells whether a macro reads a variable that begins with prefix.
func reads(m seclang.Macro, prefix string) bool {
	return slices.ContainsFunc(m, func(t seclang.Token) bool {
		return t.Collection == "TX" && strings.HasPrefix(strings.ToLower(t.Key), prefix)
	})
}

// apart tells whether a target in TX chooses no variable of the counter, as long
// as no name has a needle.
func (n *counted) apart(v seclang.Variable) bool {
	switch {
	case v.Selector.Whole():
		return false
	case v.Selector.Regexp:
		re, err := regexp.Compile(v.Selector.Key) // in small letters, as the names are
		if err != nil {
			return false
		}
		needle, _ := re.LiteralPrefix()
		if needle != "" {
			n.needles = append(n.needles, needle)
		}
		return needle != "" || disjoint(re, n.prefix)
	}
	return !strings.HasPrefix(strings.ToLower(v.Selector.Key), n.prefix)
}

// missesOne tells whether an operator does not hold for a 1.
func missesOne(o *seclang.Operator) bool {
	if o == nil || o.Macro != nil || !slices.Contains([]string{"eq", "ge", "gt", "le", "lt"}, o.Name) {
		return false
	}
	op, err := newOperator(o)
	return err == nil && !op.holds(nil, "1", op.text)
}

// distinct tells whether no two of the names that a counter would count are one
// to it, in small letters, and no rule takes them for variables of its own. Where
// it only seems so the request is just not proven clean.
func (p *pass) distinct(c *rule) bool {
	t := &c.links[0].targets[0]
	p.sums = p.sums[:0]
	for _, s := range t.sources {
		for _, m := range p.facts.items(s) {
			if !t.chooses(m.key) {
				continue
			}
			p.lower(c.counted.prefix, t.collection, m.key)
			for _, needle := range c.counted.needles {
				if strings.Contains(view(p.text), needle) {
					return false
				}
			}
			p.sums = append(p.sums, maphash.Bytes(p.gate.seed, p.text))
		}
	}
	slices.Sort(p.sums)
	for i := 1; i < len(p.sums); i++ {
		if p.sums[i] == p.sums[i-1] {
			return false
		}
	}
	return true
}

// lower writes the name of a counter's variable, in small letters.
func (p *pass) lower(prefix, collection, key string) {
	for i := range len(key) {
		if key[i] >= utf8.RuneSelf {
			key = strings.ToLower(key)
			break
		}
	}
	p.text = append(append(append(append(p.text[:0], prefix...), collection...), ':'), key...)
	for i, b := range p.text {
		if 'A' <= b && b <= 'Z' {
			p.text[i] = b + 'a' - 'A'
		}
	}
}
