// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"errors"
	"fmt"
	"strings"
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
	patterns []Pattern
	matchers []*matcher
}

// Scratch is the working memory of one Match at a time; keep one for each
// goroutine or in a pool. The zero value is ready.
type Scratch struct{ work work }

// NewSet compiles patterns. The error joins one for each pattern that is not an
// expression.
func NewSet(patterns []Pattern, opt Options) (*Set, error) {
	s := &Set{patterns: patterns, matchers: make([]*matcher, len(patterns))}
	c := opt.Cache
	if c == nil {
		c = NewCache(opt.MaxMemory)
	}
	var errs []error
	for i, p := range patterns {
		if p.Phrases != nil {
			continue
		}
		var err error
		if s.matchers[i], err = c.compile(p.Expr, p.Binary); err != nil {
			errs = append(errs, fmt.Errorf("pattern %d: %w", p.ID, err))
		}
	}
	return s, errors.Join(errs...)
}

// Len is the number of patterns.
func (s *Set) Len() int { return len(s.patterns) }

// Match sets in hits, a bitset with room for Len bits, the bit of each pattern
// that matches input, leaves the others as they are, and says whether any did.
func (s *Set) Match(sc *Scratch, input string, hits []uint64) (found bool) {
	for i, p := range s.patterns {
		ok := false
		switch {
		case p.Phrases != nil:
			for _, phrase := range p.Phrases {
				ok = ok || strings.Contains(asciiLower(input), asciiLower(phrase))
			}
		default:
			ok = s.matchers[i].whole.search(&sc.work, input, kindEdge, len(input)) == yes
		}
		if ok {
			hits[i/64] |= 1 << (i % 64)
			found = true
		}
	}
	return found
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

