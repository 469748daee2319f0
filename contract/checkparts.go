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

// uniqueItems compares strings and numbers through sets, and other values pair
// by pair, which is paid for from the steps.
func (c *checker) uniqueItems(i int32) bool {
	var texts, numbers map[string]struct{}
	count := c.t.nodes[i].count
	large := count > 16
	if large {
		texts, numbers = make(map[string]struct{}), make(map[string]struct{})
	}
	for a := c.t.nodes[i].first; a != 0; a = c.t.nodes[a].next {
		n := &c.t.nodes[a]
		switch {
		case large && n.kind == kString:
			if !fresh(texts, n.text) {
				return false
			}
			continue
		case large && n.kind == kNumber:
			if !fresh(numbers, canonicalNumber(n.text)) {
				return false
			}
			continue
		}
		for b := n.next; b != 0; b = c.t.nodes[b].next {
			c.steps += 1 + int(n.count)
			if c.steps > maxSteps || equal(c.t, a, c.t, b) {
				return false
			}
		}
	}
	return true
}

// fresh enters key; it gives false when it was there.
func fresh(set map[string]struct{}, key string) bool {
	if _, had := set[key]; had {
		return false
	}
	set[key] = struct{}{}
	return true
}

// canonicalNumber gives equal numbers the same text.
func canonicalNumber(s string) string {
	if isPlainInteger(s) {
		return s
	}
	return rat(s).RatString()
}
