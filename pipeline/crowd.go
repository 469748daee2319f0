// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"net/netip"
	"sync"
)

// crowd counts the requests in flight of each client address, so that one
// client cannot hold all places or all connections to an upstream: a dozen
// connections with a hundred slow streams each would be enough. An IPv6
// client's /64 counts as one. It holds one entry for each address with a
// request in flight, so limits.requests bounds it. Safe for concurrent use.
type crowd struct{ shards [64]crowdShard }

type crowdShard struct {
	mu sync.Mutex
	by map[netip.Addr]int
	_  [48]byte // a cache line of its own
}

// enter counts a request in, or says that it is one too many. The address
// goes to leave afterwards.
func (c *crowd) enter(a netip.Addr, most int) (counted netip.Addr, ok bool) {
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64)
		a = p.Addr()
	}
	s := c.shard(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[a] >= most {
		return netip.Addr{}, false
	}
	if s.by == nil {
		s.by = map[netip.Addr]int{}
	}
	s.by[a]++
	return a, true
}

func (c *crowd) leave(a netip.Addr) {
	s := c.shard(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[a]--; s.by[a] <= 0 {
		delete(s.by, a)
	}
}

func (c *crowd) shard(a netip.Addr) *crowdShard {
	b := a.As16()
	return &c.shards[(b[15]^b[14]^b[7]^b[6]^b[5])%64]
}
