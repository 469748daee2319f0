// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

// matcher is a compiled expression. Automata are made when they are first used.
type matcher struct {
	prog  *prog
	whole *dfa // looks for a match anywhere in the text
	local *dfa // looks for a match that begins where it is started
}

// compile gives the matcher of an expression, made once for a cache.
func (c *Cache) compile(expr string, binary bool) (*matcher, error) {
	key := compiledKey{expr, binary}
	c.mu.Lock()
	m := c.compiled[key]
	c.mu.Unlock()
	if m != nil {
		return m, nil
	}
	re, err := parse(expr)
	if err != nil {
		return nil, err
	}
	p, err := compileProg(searchOnly(re), binary)
	if err != nil {
		return nil, err
	}
	m = &matcher{prog: p, whole: newDFA(p, false, c), local: newDFA(p, true, c)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.compiled[key]; other != nil {
		return other, nil
	}
	c.compiled[key] = m
	return m, nil
}
