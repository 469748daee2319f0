// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

func (c *checker) object(s *schema, i int32) bool {
	n := c.t.nodes[i]
	ok := true
	if int(n.count) < s.minMembers {
		ok = c.fail(reasonFewMembers)
	}
	if s.maxMembers >= 0 && int(n.count) > s.maxMembers {
		ok = c.fail(reasonMembers)
	}
	ok = c.required(s.required, i) && ok
	if s.properties != nil || s.patterns != nil || s.additional != nil || s.names != nil {
		for m := n.first; m != 0 && (ok || !c.done()); m = c.t.nodes[m].next {
			ok = c.member(s, m) && ok
		}
	}
	for name, list := range s.dependentRequired {
		if (ok || !c.done()) && c.t.member(i, name) != 0 {
			ok = c.required(list, i) && ok
		}
	}
	for name, p := range s.dependentSchemas {
		if (ok || !c.done()) && c.t.member(i, name) != 0 {
			ok = c.check(p, i) && ok
		}
	}
	return ok
}

func (c *checker) required(names []string, i int32) bool {
	ok := true
	for _, name := range names {
		c.steps++
		if c.t.member(i, name) == 0 {
			if ok = c.failBelow(name, reasonRequired); c.done() {
				return false
			}
		}
	}
	return ok
}

func (c *checker) member(s *schema, m int32) bool {
	ok, key := true, c.t.nodes[m].key
	if s.names != nil {
		ok = c.memberName(s.names, m, key)
	}
	p, known := s.properties[key]
	if known {
		ok = c.inside(p, m) && ok
	}
	for _, one := range s.patterns {
		if one.re.MatchString(key) {
			known = true
			ok = c.inside(one.s, m) && ok
		}
	}
	if !known && s.additional != nil {
		ok = c.inside(s.additional, m) && ok
	}
	return ok
}

// memberName holds a member's name, as a string, against a schema.
func (c *checker) memberName(s *schema, m int32, key string) bool {
	name := c.t.add(node{kind: kString, text: key})
	if c.quietly(s, name) {
		return true
	}
	c.path = append(c.path, m)
	c.fail(reasonName)
	c.path = c.path[:len(c.path)-1]
	return false
}

func (c *checker) array(s *schema, i int32) bool {
	n := c.t.nodes[i]
	ok := true
	if int(n.count) < s.minItems {
		ok = c.fail(reasonFewItems)
	}
	if s.maxItems >= 0 && int(n.count) > s.maxItems {
		ok = c.fail(reasonItems)
	}
	if s.items != nil || s.prefix != nil {
		k := 0
		for m := n.first; m != 0 && (ok || !c.done()); m = c.t.nodes[m].next {
			if k < len(s.prefix) {
				ok = c.inside(s.prefix[k], m) && ok
			} else if s.items != nil {
				ok = c.inside(s.items, m) && ok
			}
			k++
		}
	}
	if s.contains != nil && (ok || !c.done()) {
		found := 0
		for m := n.first; m != 0; m = c.t.nodes[m].next {
			if c.quietly(s.contains, m) {
				found++
			}
		}
		if found < s.minContains || s.maxContains >= 0 && found > s.maxContains {
			ok = c.fail(reasonContains)
		}
	}
	if s.unique && (ok || !c.done()) && !c.uniqueItems(i) {
		ok = c.fail(reasonUnique)
	}
	return ok
}

// uniqueItems compares strings through a set, and other values pair by pair,
// which is paid for from the steps.
func (c *checker) uniqueItems(i int32) bool {
	var texts map[string]struct{}
	count := c.t.nodes[i].count
	if count > 16 {
		texts = make(map[string]struct{}, count)
	}
	for a := c.t.nodes[i].first; a != 0; a = c.t.nodes[a].next {
		if texts != nil && c.t.nodes[a].kind == kString {
			if _, twice := texts[c.t.nodes[a].text]; twice {
				return false
			}
			texts[c.t.nodes[a].text] = struct{}{}
			continue
		}
		for b := c.t.nodes[a].next; b != 0; b = c.t.nodes[b].next {
			c.steps += 1 + int(c.t.nodes[a].count)
			if c.steps > maxSteps || equal(c.t, a, c.t, b) {
				return false
			}
		}
	}
	return true
}
