// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

// The keywords unevaluatedProperties and unevaluatedItems (JSON Schema 2020-12,
// core 11) look at the members or items that no schema for the same value has
// looked at. Only schemas that the value fits count, so their verdicts on the
// alternatives are asked for again; quietly keeps them.

// evaluators appends the schemas that apply to value i and that it fits, s
// first. The value must fit s but for its own unevaluated keywords.
func (c *checker) evaluators(s *schema, i int32) {
	if c.steps++; c.steps > maxSteps {
		return
	}
	c.used = append(c.used, s)
	if s.ref != nil {
		c.evaluators(s.ref, i)
	}
	for _, p := range s.allOf {
		c.evaluators(p, i)
	}
	if s.discriminator != nil && c.t.nodes[i].kind == kObject {
		if p := c.branch(s.discriminator, i); p != nil {
			c.evaluators(p, i)
		}
	} else {
		for _, list := range [2][]*schema{s.anyOf, s.oneOf} {
			for _, p := range list {
				if c.quietly(p, i) {
					c.evaluators(p, i)
				}
			}
		}
	}
	if s.ifs != nil {
		branch := s.els
		if c.quietly(s.ifs, i) {
			c.evaluators(s.ifs, i)
			branch = s.then
		}
		if branch != nil {
			c.evaluators(branch, i)
		}
	}
	for name, p := range s.dependentSchemas {
		if c.t.member(i, name) != 0 {
			c.evaluators(p, i)
		}
	}
}

// members holds what is left of an object against unevaluatedProperties.
func (c *checker) members(s *schema, i int32) bool {
	from := len(c.used)
	c.evaluators(s, i)
	ok := true
	for m := c.t.nodes[i].first; m != 0 && (ok || !c.done()); m = c.t.nodes[m].next {
		c.steps += len(c.used) - from
		if !c.memberUsed(c.used[from:], s, c.t.nodes[m].key) {
			ok = c.inside(s.unevaluatedMembers, m) && ok
		}
	}
	c.used = c.used[:from]
	return ok
}

func (c *checker) memberUsed(used []*schema, self *schema, key string) bool {
	for _, s := range used {
		if s.additional != nil || s.unevaluatedMembers != nil && s != self {
			return true
		}
		if _, ok := s.properties[key]; ok {
			return true
		}
		for _, one := range s.patterns {
			if one.re.MatchString(key) {
				return true
			}
		}
	}
	return false
}

// items holds what is left of an array against unevaluatedItems.
func (c *checker) items(s *schema, i int32) bool {
	from := len(c.used)
	c.evaluators(s, i)
	ok := true
	for m := c.t.nodes[i].first; m != 0 && (ok || !c.done()); m = c.t.nodes[m].next {
		c.steps += len(c.used) - from
		if !c.itemUsed(c.used[from:], s, m) {
			ok = c.inside(s.unevaluatedItems, m) && ok
		}
	}
	c.used = c.used[:from]
	return ok
}

func (c *checker) itemUsed(used []*schema, self *schema, m int32) bool {
	for _, s := range used {
		if s.items != nil || s.unevaluatedItems != nil && s != self || int(c.t.nodes[m].index) < len(s.prefix) {
			return true
		}
		if s.contains != nil && c.quietly(s.contains, m) {
			return true
		}
	}
	return false
}
