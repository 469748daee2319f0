// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import (
	"sync"
	"sync/atomic"
)

const (
	defaultMemory = 32 << 20
	// flushEvery is how many refusals of memory must pass between two times
	// that all automata are emptied.
	flushEvery = 1 << 14
)

// Cache holds what sets have in common: automata by expression, and the bound
// of their memory. It is safe for concurrent use.
type Cache struct {
	max     int64
	ceiling float64 // of the cost of plans; tests raise it so that all have windows
	used    atomic.Int64
	resets  atomic.Int64
	refused atomic.Int64

	mu       sync.Mutex
	dfas     []*dfa
	compiled map[compiledKey]*compiled
}

type compiledKey struct {
	expr   string
	binary bool
}

// NewCache makes a cache whose automata take at most maxMemory bytes in all; 0
// means 32 MiB. Expressions stay compiled as long as the cache lives.
func NewCache(maxMemory int64) *Cache {
	if maxMemory <= 0 {
		maxMemory = defaultMemory
	}
	return &Cache{max: maxMemory, ceiling: costDirect, compiled: map[compiledKey]*compiled{}}
}

func (c *Cache) add(d *dfa) {
	c.used.Add(d.table.Load().bytes)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dfas = append(c.dfas, d)
}

// take reserves memory. When it is spent, now and then all automata that are
// not being extended at the moment are emptied: old rows may be of no use.
func (c *Cache) take(bytes int64) bool {
	if c.used.Add(bytes) <= c.max {
		return true
	}
	c.used.Add(-bytes)
	if c.refused.Add(1)%flushEvery == 0 && c.mu.TryLock() {
		defer c.mu.Unlock()
		for _, d := range c.dfas {
			if d.mu.TryLock() {
				d.reset()
				d.mu.Unlock()
			}
		}
	}
	return false
}
