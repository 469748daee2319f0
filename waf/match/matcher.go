// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "sync"

// matcher is a compiled expression.
type matcher struct {
	prog  *prog
	plan  plan
	whole *dfa // looks for a match anywhere in the text
	local *dfa // looks for a match that begins where it is started
}

// compiled is the place of a matcher in a cache, filled once.
type compiled struct {
	once    sync.Once
	matcher *matcher
	err     error
}

// compile gives the matcher of an expression, made once for a cache.
func (c *Cache) compile(expr string, binary bool) (*matcher, error) {
	key := compiledKey{expr, binary}
	c.mu.Lock()
	place := c.compiled[key]
	if place == nil {
		place = &compiled{}
		c.compiled[key] = place
	}
	c.mu.Unlock()
	place.once.Do(func() { place.matcher, place.err = newMatcher(expr, binary, c) })
	return place.matcher, place.err
}

func newMatcher(expr string, binary bool, c *Cache) (*matcher, error) {
	re, err := parse(expr)
	if err != nil {
		return nil, err
	}
	p, places, err := compileProg(searchOnly(re), binary)
	if err != nil {
		return nil, err
	}
	m := &matcher{prog: p, plan: makePlan(p, places, c.ceiling), whole: newDFA(p, false, c)}
	for _, w := range m.plan.windows {
		if w.near() {
			m.local = newDFA(p, true, c)
			break
		}
	}
	return m, nil
}
