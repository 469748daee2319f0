// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "sync"

// matcher is a compiled expression.
type matcher struct {
	prog  *prog
	plan  plan
	whole *dfa // looks for a match anywhere in the text
	local *dfa // looks for a match, or the rest of one, where it is started

	back *dfa // looks for the beginning of a match before where it is started; nil when all windows are near

	entries []uint32 // of local and back, by window of the plan
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
	m := &matcher{prog: p, plan: makePlan(p, places, c.ceiling), whole: newDFA(machine{prog: p}, c)}
	m.startAtWindows(c)
	return m, nil
}

// startAtWindows makes the automaton that starts where the windows stand.
func (m *matcher) startAtWindows(c *Cache) {
	if len(m.plan.windows) == 0 {
		return
	}
	numbers := map[uint32]uint32{m.prog.start: 0}
	var others []uint32
	for _, w := range m.plan.windows {
		number, ok := numbers[w.entry]
		if !ok {
			others = append(others, w.entry)
			number = uint32(len(others))
			numbers[w.entry] = number
		}
		m.entries = append(m.entries, number)
	}
	m.local = newDFA(machine{prog: m.prog, anchored: true}, c, others...)
	if m.plan.strategy == inside {
		m.back = newDFA(machine{prog: m.prog, anchored: true, back: newBackEdges(m.prog)}, c, others...)
	}
}
