// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"errors"
	"fmt"
)

// Options bound a Set. The zero value is fit for use.
type Options struct {
	// Cache shares compiled patterns and the bound of memory between sets.
	// Nil gives the set a cache of its own.
	Cache *Cache
	// MaxMemory bounds, in bytes, the automata of a set that has no Cache.
	// 0 means 32 MiB.
	MaxMemory int64
}

// Set holds patterns against texts. It is safe for concurrent use.
type Set struct {
	matchers []*matcher // nil for phrase lists
	plans    []strategy
	always   []uint32 // patterns with an empty phrase
	direct   []uint32
	scanner  *scanner // nil when no pattern has windows
	cache    *Cache
}

// NewSet compiles patterns. The error joins one for each pattern that is not an
// expression.
func NewSet(patterns []Pattern, opt Options) (*Set, error) {
	s := &Set{matchers: make([]*matcher, len(patterns)), plans: make([]strategy, len(patterns)), cache: opt.Cache}
	if s.cache == nil {
		s.cache = NewCache(opt.MaxMemory)
	}
	var items []item
	var errs []error
	for i, p := range patterns {
		more, err := s.add(uint32(i), p)
		if err != nil {
			errs = append(errs, fmt.Errorf("pattern %d: %w", p.ID, err))
		}
		items = append(items, more...)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if len(items) > 0 {
		s.scanner = newScanner(items)
	}
	return s, nil
}

// add plans one pattern and gives the items to scan for.
func (s *Set) add(i uint32, p Pattern) ([]item, error) {
	if p.Phrases != nil {
		s.plans[i] = literal
		items, ok := phraseItems(p.Phrases, i)
		if !ok {
			s.always = append(s.always, i)
		}
		return items, nil
	}
	m, err := s.cache.compile(p.Expr, p.Binary)
	if err != nil {
		return nil, err
	}
	s.matchers[i], s.plans[i] = m, m.plan.strategy
	if m.plan.strategy == direct {
		s.direct = append(s.direct, i)
	}
	items := make([]item, len(m.plan.windows))
	for k, w := range m.plan.windows {
		items[k] = item{window: w.window, pattern: i, entry: m.entries[k], near: w.near(), least: int32(w.least), most: int32(w.most)}
		if w.behind {
			items[k].ahead = 1
		}
	}
	return items, nil
}

// Len is the number of patterns.
func (s *Set) Len() int { return len(s.plans) }

// Stats tells how a set works.
type Stats struct {
	Direct, Local, Inside, Literal int // patterns by how they are looked for

	Windows int   // that the scan looks for
	Memory  int64 // of the automata of the set's cache, in bytes, now
	Resets  int64 // times an automaton of the cache was emptied
	States  int   // of the set's automata, now
}

// Stats counts. It is meant for start-up and metrics, not for each request.
func (s *Set) Stats() Stats {
	st := Stats{Memory: s.cache.used.Load(), Resets: s.cache.resets.Load()}
	count := [...]*int{direct: &st.Direct, local: &st.Local, inside: &st.Inside, literal: &st.Literal}
	for i, plan := range s.plans {
		*count[plan]++
		if m := s.matchers[i]; m != nil {
			st.States += m.whole.states()
			for _, d := range []*dfa{m.local, m.back} {
				if d != nil {
					st.States += d.states()
				}
			}
		}
	}
	if s.scanner != nil {
		st.Windows = len(s.scanner.items)
	}
	return st
}

func (d *dfa) states() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.table.Load().rows) - rowFirst
}
